"""A picture of an explanation: the notes around a bar, who spoke for one note, which rule helped.

Conventions: PNG of 1600 by 900 pixels. The upper half is a piano roll of the context, its cells
shaded by their say in the note that is asked about; below stand the guesses before and after the
rules, and what each rule added.

Public names: :func:`draw_explanation`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from leitmotiv.errors import ReleaseError
from leitmotiv.score import Score

__all__ = ["draw_explanation"]

_COLOURS = ("#0b6fb8", "#d1495b", "#2a9d6f", "#e08e17", "#7a4fb5", "#14a3b8", "#a05a2c", "#5f7a1f")
_PAPER, _INK, _FAINT, _HEAT = "#fcfbf8", "#22262e", "#6f7683", "#f2b632"
_FIELDS = ("position", "pitch", "duration")


def draw_explanation(
    score: Score, record: Mapping[str, Any], path: str | os.PathLike[str], *, note: int = 0
) -> Path:
    """Draw the record of :func:`leitmotiv.compose.explain.explain_plan` or ``explain_score``.

    Parameters
    ----------
    score : Score
        The piece the record is about.
    record : mapping
        An explanation of one bar of one part.
    path : path
        PNG file.
    note : int
        Which of the bar's notes to draw, counted from 0.

    Raises
    ------
    ReleaseError
        If the bar has no such note or the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    notes = record["notes"]
    if not 0 <= note < len(notes):
        raise ReleaseError(
            f"note={note + 1} must be a whole number from 1 to {len(notes)}; bar "
            f"{record['bar_index'] + 1} of {record['part']} has {len(notes)} notes"
        )
    chosen = notes[note]
    figure = Figure(figsize=(16, 9), dpi=100, facecolor=_PAPER)
    figure.text(0.04, 0.95, _title(record, chosen), fontsize=17, color=_INK, va="center")
    figure.text(0.04, 0.91, _subtitle(record, chosen), fontsize=11.5, color=_FAINT, va="center")
    _draw_context(figure.add_axes((0.04, 0.44, 0.93, 0.42)), score, record, chosen)
    choice = chosen.get("choice")
    if choice:
        _draw_guesses(figure.add_axes((0.06, 0.07, 0.4, 0.27)), choice)
        _draw_rules(figure.add_axes((0.58, 0.07, 0.39, 0.27)), choice)
    else:
        words = ["Decided by: " + chosen["decided_by"]["words"], *_plan_words(record)]
        for line, text in enumerate(words):
            figure.text(0.04, 0.33 - 0.045 * line, text, fontsize=14 - 2 * bool(line), color=_INK)
    try:
        FigureCanvasAgg(figure).print_png(os.fspath(path))
    except OSError as error:
        raise ReleaseError(
            f"picture {os.fspath(path)!r} cannot be written: {error.strerror}"
        ) from error
    return Path(path)


def _title(record: Mapping[str, Any], chosen: Mapping[str, Any]) -> str:
    return (
        f"Why {chosen['name']} at beat {chosen['beat_quarter'] + 1:g} (in quarters) "
        f"of bar {record['bar_index'] + 1}, {record['part']}?"
    )


def _subtitle(record: Mapping[str, Any], chosen: Mapping[str, Any]) -> str:
    pieces = [chosen["decided_by"]["words"]]
    harmony = chosen.get("harmony")
    if harmony:
        pieces.append(f"{harmony['is']} of {harmony['chord']}")
    if "candidates" in chosen:
        count = chosen["candidates"]["drawn"]
        pieces.append(f"best of {count} candidates, score {chosen['candidates']['score']:.2f}")
    if "context" in chosen:
        pieces.append(f"{chosen['context']['bits']:.2f} bits")
    pieces += [later["words"] for later in chosen.get("changed_later", [])]
    return "   ·   ".join(pieces)


def _plan_words(record: Mapping[str, Any]) -> list[str]:
    """What the plan says of the bar: section, chords with their chances, theme, return."""
    plan = record["plan"]
    words = []
    if "section" in plan:
        first, stop = plan["phrase_bars"]
        words.append(
            f"Section {plan['section']} in {plan['key']}, phrase of bars {first + 1}-{stop}, "
            f"cadence {plan['cadence']}"
        )
    for chord in plan.get("chords", ()):
        text = f"Chord {chord['symbol']}" + (f" ({chord['roman']})" if chord["roman"] else "")
        text += f": {chord['because']}"
        if "learned" in chord:
            after = " ".join(chord["learned"]["after"]) or "the start"
            others = ", ".join(
                f"{o['roman']} {o['chance']:.0%}" for o in chord["learned"]["others"]
            )
            text += f"; {chord['learned']['chance']:.0%} after {after} in the corpus, else {others}"
        words.append(text)
    for theme in plan.get("theme", ()):
        words.append(f"Theme: {theme['transform']}, from bar {theme['from_bar_index'] + 1}")
    if plan.get("returns_to"):
        back = plan["returns_to"]
        words.append(f"Returns to section {back['section']}, bar {back['bar_index'] + 1}")
    return words


def _draw_context(
    axes: Any, score: Score, record: Mapping[str, Any], chosen: Mapping[str, Any]
) -> None:
    """Piano roll of the bars in view; the say of each cell as shading behind its notes."""
    from matplotlib.collections import PolyCollection

    bars = score.bar_ticks
    cells = chosen.get("context", {}).get("cells", [])
    here = record["bar_index"]
    shown = [cell["bar_index"] for cell in cells] + [max(here - 2, 0), here + 2]
    first, last = min(shown), min(max(shown) + 1, score.num_bars)
    left, right = int(bars[first]), int(bars[last])
    pitches = [
        part.notes["pitch"][(part.notes["onset"] >= left) & (part.notes["onset"] < right)]
        for part in score.parts
        if not part.is_drum
    ]
    every = np.concatenate([*pitches, [60]]) if not any(map(len, pitches)) else (
        np.concatenate(pitches)
    )  # fmt: skip
    low, high = int(every.min()) - 2, int(every.max()) + 2
    share = {(cell["bar_index"], cell["part_index"]): cell["share"] for cell in cells}
    for index, part in enumerate(score.parts):
        if part.is_drum:
            continue
        colour = _COLOURS[index % len(_COLOURS)]
        for bar in range(first, last):
            start, stop = int(bars[bar]), int(bars[bar + 1])
            inside = part.notes[(part.notes["onset"] >= start) & (part.notes["onset"] < stop)]
            weight = share.get((bar, index), 0.0)
            if len(inside) and weight > 0.005:
                bottom, top = int(inside["pitch"].min()) - 1, int(inside["pitch"].max()) + 1
                axes.fill_between(
                    [start, stop], bottom, top, color=_HEAT, alpha=0.15 + 0.75 * weight, linewidth=0
                )
                axes.text(start, top, f"{weight:.0%}", fontsize=8.5, color=_INK, va="bottom")
            boxes = [
                [(o, p - 0.4), (o, p + 0.4), (o + d, p + 0.4), (o + d, p - 0.4)]
                for o, d, p in zip(
                    inside["onset"].tolist(),
                    inside["duration"].tolist(),
                    inside["pitch"].tolist(),
                    strict=True,
                )
            ]
            axes.add_collection(PolyCollection(boxes, facecolors=colour, edgecolors=_PAPER))
    onset = int(bars[record["bar_index"]]) + round(chosen["beat_quarter"] * 480)
    length = max(round(chosen["duration_quarter"] * 480), 60)
    axes.plot(
        [onset, onset, onset + length, onset + length, onset],
        [chosen["pitch"] + k for k in (-0.8, 0.8, 0.8, -0.8, -0.8)],
        color=_INK,
        linewidth=2.2,
    )
    axes.set_xlim(left, right)
    axes.set_ylim(low, high)
    axes.set_facecolor(_PAPER)
    axes.set_xticks([int(bars[b]) for b in range(first, last)], list(range(first + 1, last + 1)))
    octaves = [pitch for pitch in range(low, high) if pitch % 12 == 0]
    axes.set_yticks(octaves, [f"C{pitch // 12 - 1}" for pitch in octaves])
    axes.grid(axis="x", color="#d9d8d2")
    axes.set_title("bars and parts that spoke for it (yellow: share)", loc="left", fontsize=11)
    for index, part in enumerate(score.parts):
        axes.text(
            0.55 + 0.45 * index / max(len(score.parts), 1), 1.02, part.name[:14],
            transform=axes.transAxes, fontsize=9, color=_COLOURS[index % len(_COLOURS)],
        )  # fmt: skip


def _draw_guesses(axes: Any, choice: Mapping[str, Any]) -> None:
    """The likeliest pitches before and after the rules."""
    guesses = choice["pitch"]["alternatives"]
    places = np.arange(len(guesses))
    axes.bar(places - 0.2, [g["network"] for g in guesses], 0.4, color="#9fb4c7", label="network")
    axes.bar(places + 0.2, [g["guided"] for g in guesses], 0.4, color="#0b6fb8", label="with rules")
    axes.set_xticks(places, [str(g["value"]) for g in guesses])
    axes.set_title("chance of each pitch", loc="left", fontsize=11)
    axes.legend(frameon=False)
    axes.set_facecolor(_PAPER)


def _draw_rules(axes: Any, choice: Mapping[str, Any]) -> None:
    """What each rule added for this note against its rivals, by field."""
    rows = [
        (f"{field}: {rule}", value)
        for field in _FIELDS
        for rule, value in choice[field]["rules"].items()
        if abs(value) >= 0.01
    ]
    rows = sorted(rows, key=lambda row: abs(row[1]))[-9:]
    axes.barh(
        range(len(rows)),
        [value for _, value in rows],
        color=["#2a9d6f" if value > 0 else "#d1495b" for _, value in rows],
    )
    axes.set_yticks(range(len(rows)), [name for name, _ in rows])
    axes.axvline(0, color=_FAINT, linewidth=0.8)
    axes.set_title("what the rules added (nats, against the rivals)", loc="left", fontsize=11)
    axes.set_facecolor(_PAPER)
