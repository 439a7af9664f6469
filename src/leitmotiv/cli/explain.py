"""The command that says why a bar is as it is.

Public names: :func:`register_explain`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from leitmotiv.score import Score

__all__ = ["register_explain"]


def register_explain(app: typer.Typer) -> None:
    """Add the command to an application."""
    app.command("explain")(explain)


def explain(
    source: Annotated[
        Path, typer.Argument(metavar="BUNDLE|PLAN.json|FILE", help="A piece, or anybody's music.")
    ],
    bar: Annotated[int, typer.Option(metavar="N", help="Bar, from 1.")],
    part: Annotated[int, typer.Option(metavar="P", help="Part, from 1, top of the score down.")],
    note: Annotated[
        int, typer.Option(metavar="N", help="Which note of the bar the picture shows, from 1.")
    ] = 1,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE.png", help="Draw the note and its context.")
    ] = None,
    model: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="An exported composing model; else the shipped one."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON on stdout, nothing else.")
    ] = False,
) -> None:
    """Say which rule, style, theme or context decided the notes of a bar.

    \b
    leitmotiv explain waltz --bar 5 --part 1
    leitmotiv explain waltz/plan.json --bar 5 --part 4 --picture why.png
    leitmotiv explain song.mid --bar 12 --part 2 --json
    """
    from leitmotiv.models import open_model

    network = open_model(model)
    score, record = _explained(source, bar - 1, part - 1, network)
    if picture is not None:
        from leitmotiv.release.explain_picture import draw_explanation

        draw_explanation(score, record, picture, note=note - 1)
    if as_json:
        print(json.dumps(record, indent=1))
        return
    print("\n".join(_lines(record)))
    if picture is not None:
        print(f"Picture: {picture}")


def _explained(source: Path, bar: int, part: int, model: Any) -> tuple[Score, dict[str, Any]]:
    from leitmotiv.compose.explain import explain_plan, explain_score
    from leitmotiv.pipeline import compose_generator
    from leitmotiv.plan import Plan
    from leitmotiv.score import read_score

    plan_path = source / "plan.json" if source.is_dir() else source
    if plan_path.suffix.lower() == ".json":
        plan = Plan.from_json(plan_path)
        return explain_plan(plan, bar, part, rng=compose_generator(plan.seed), model=model)
    return explain_score(read_score(source), bar, part, model=model)


def _lines(record: dict[str, Any]) -> list[str]:
    """The record in sentences, one block a note."""
    plan = record["plan"]
    lines = [f"{record['part']}, bar {record['bar_index'] + 1}"]
    if "section" in plan:
        lines.append(
            f"  section {plan['section']} in {plan['key']}, phrase of bars "
            f"{plan['phrase_bars'][0] + 1}-{plan['phrase_bars'][1]}, cadence {plan['cadence']}"
        )
    lines += [_chord_line(chord) for chord in plan["chords"]]
    if "section" in plan:
        for theme in plan["theme"]:
            lines.append(f"  theme: {theme['transform']}, from bar {theme['from_bar_index'] + 1}")
        if plan["returns_to"]:
            back = plan["returns_to"]
            lines.append(f"  returns to {back['section']}, bar {back['bar_index'] + 1}")
    if not record["notes"]:
        lines.append("  no note starts here")
    for note in record["notes"]:
        lines += _note_lines(note)
    return lines


def _chord_line(chord: dict[str, Any]) -> str:
    roman = f" ({chord['roman']})" if chord["roman"] else ""
    line = f"  chord {chord['symbol']}{roman}: {chord['because']}"
    learned = chord.get("learned")
    if learned is None:
        return line
    others = ", ".join(f"{other['roman']} {other['chance']:.0%}" for other in learned["others"][:3])
    after = f" after {' '.join(learned['after'])}" if learned["after"] else " at the start"
    return f"{line}; {learned['chance']:.0%}{after} in the corpus, else {others}"


def _note_lines(note: dict[str, Any]) -> list[str]:
    harmony = note.get("harmony")
    place = f", {harmony['is']} of {harmony['chord']}" if harmony else ""
    lines = [
        f"  quarter {note['beat_quarter'] + 1:g}: {note['name']} for "
        f"{note['duration_quarter']:g}{place}: {note['decided_by']['words']}"
    ]
    if "candidates" in note:
        pitch = note["choice"]["pitch"]
        rules = sorted(pitch["rules"].items(), key=lambda item: -abs(item[1]))[:3]
        told = ", ".join(f"{name} {value:+.1f}" for name, value in rules if abs(value) >= 0.05)
        lines.append(
            f"      pitch: network {pitch['network']:.0%}, with rules {pitch['guided']:.0%}"
            + (f" ({told})" if told else "")
        )
    if "context" in note:
        cells = sorted(note["context"]["cells"], key=lambda cell: -cell["share"])[:3]
        said = ", ".join(
            f"bar {cell['bar_index'] + 1} part {cell['part_index'] + 1} {cell['share']:.0%}"
            for cell in cells
            if cell["share"] > 0
        )
        lines.append(f"      {note['context']['bits']:.1f} bits; spoke for it: {said or 'nothing'}")
    lines += [f"      then {later['words']}" for later in note.get("changed_later", [])]
    return lines
