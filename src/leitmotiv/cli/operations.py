"""The commands that work on music made elsewhere: fill, continue and their kin.

Conventions: each reads a MIDI or MusicXML file in the sandbox, writes one file, whole or not at
all, in the format its name asks for (``.mid`` or ``.musicxml``), and marks in it that a model took
part. The same seed gives the same notes.

Public names: :func:`register_operations`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import numpy as np

    from leitmotiv.models import EventModel
    from leitmotiv.score import Score

__all__ = ["register_operations"]

Work = Callable[["Score", "np.random.Generator", "EventModel", Callable[[float, str], None]], Any]

_MIDI_SUFFIXES = (".mid", ".midi")
_XML_SUFFIXES = (".musicxml", ".xml")


def _seed(text: str) -> int:
    if not re.fullmatch(r"\d{1,19}", text.strip()) or int(text) >= 2**63:
        raise typer.BadParameter(f"seed={text} must be a whole number from 0 to {2**63 - 1}")
    return int(text)


FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A MIDI or MusicXML file.")]
OutputOption = Annotated[
    Path | None,
    typer.Option("-o", "--output", metavar="FILE", help=".mid or .musicxml; else named by FILE."),
]
SeedOption = Annotated[
    int | None,
    typer.Option(metavar="N", parser=_seed, help="Same seed, same notes; else drawn."),
]
ModelOption = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="An exported composing model; else the shipped one."),
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, nothing else.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print where it is, no more.")]


def register_operations(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    app.command(name="fill")(_fill)


def _out_path(file: Path, output: Path | None, operation: str) -> Path:
    from leitmotiv.errors import ReleaseError

    if output is None:
        suffix = ".musicxml" if file.suffix.lower() in (*_XML_SUFFIXES, ".mxl") else ".mid"
        output = Path(f"{file.stem}-{operation}{suffix}")
    if output.suffix.lower() not in (*_MIDI_SUFFIXES, *_XML_SUFFIXES):
        raise ReleaseError(
            f"output {str(output)!r} must end in .mid or .musicxml; choose another name with -o"
        )
    return output


def _run(
    operation: str,
    file: Path,
    work: Work,
    *,
    output: Path | None,
    seed: int | None,
    model: Path | None,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Read, work, write and report; ``work`` turns a score into another one."""
    import json
    import secrets
    import sys
    import time

    import numpy as np

    from leitmotiv.cli.folders import check_file
    from leitmotiv.cli.progress import show_progress
    from leitmotiv.score import read_score

    start = time.perf_counter()
    target = _out_path(file, output, operation)
    check_file(target, overwrite=overwrite)
    seed = secrets.randbelow(2**31) if seed is None else seed
    with show_progress(sys.stderr if as_json else sys.stdout, quiet=quiet) as progress:

        def tell(fraction: float, message: str) -> None:
            if progress is not None:
                progress(operation, min(fraction, 0.999), message)

        tell(0.0, f"read {file.name}")
        score = read_score(file)

        from leitmotiv.models import open_model

        weights = open_model(model)
        result = work(score, np.random.default_rng(seed), weights, tell)
        if progress is not None:
            progress(operation, 1.0, f"{result.num_bars} bars, {len(result.parts)} parts")
    _write(result, target, seed, weights)
    report = {
        "file": str(target),
        "seed": seed,
        "num_bars": result.num_bars,
        "num_parts": len(result.parts),
        "num_notes": result.num_notes,
        "notes_by_origin": _origins(result),
        "wall_sec": round(time.perf_counter() - start, 3),
    }
    if as_json:
        print(json.dumps(report, ensure_ascii=False, indent=1))
    elif quiet:
        print(target)
    else:
        by = ", ".join(f"{count} {name}" for name, count in _origins(result).items() if count)
        print(f"Done in {report['wall_sec']:.1f} s: {target} (seed {seed})")
        print(f"  notes by origin: {by}")


def _origins(score: Score) -> dict[str, int]:
    from leitmotiv.score import Origin

    return {
        origin.name.lower(): sum(int((p.notes["origin"] == origin).sum()) for p in score.parts)
        for origin in Origin
    }


def _write(score: Score, path: Path, seed: int, model: EventModel) -> None:
    from leitmotiv.release import build_provenance, midi_texts
    from leitmotiv.release.marks import musicxml_fields
    from leitmotiv.score import write_midi, write_musicxml

    sidecar = model.sidecar if _origins(score)["model"] else None
    provenance = build_provenance(score=score, model_sidecar=sidecar, seed=seed)
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() in _MIDI_SUFFIXES:
        write_midi(score, path, texts=midi_texts(provenance))
    else:
        write_musicxml(score, path, notes=musicxml_fields(provenance))


def _fill(
    file: FileArgument,
    bars: Annotated[
        str, typer.Option(metavar="LIST", help="Bars to write, such as 5-8 or 5-8,13.")
    ],
    parts: Annotated[
        str | None,
        typer.Option(metavar="LIST", help="Parts by name or number, such as 'viola,4'; else all."),
    ] = None,
    new_harmony: Annotated[
        bool, typer.Option("--new-harmony", help="New chords too, where all parts are written.")
    ] = False,
    output: OutputOption = None,
    seed: SeedOption = None,
    model: ModelOption = None,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write any bars x parts of a file anew; everything else stays as it is, bit for bit.

    \b
    leitmotiv fill song.mid --bars 5-8 -o song-2.mid
    leitmotiv fill quartet.musicxml --bars 9-12 --parts "violin ii,viola" --seed 3
    leitmotiv fill song.mid --bars 13 --new-harmony
    """

    def work(score: Score, rng: Any, weights: Any, tell: Any) -> Score:
        from leitmotiv.compose.operations import fill, find_parts, parse_bars

        chosen = None if parts is None else find_parts(score, parts.split(","))
        return fill(
            score,
            parse_bars(bars, score.num_bars),
            chosen,
            rng=rng,
            new_harmony=new_harmony,
            model=weights,
            progress=tell,
        )

    _run(
        "fill",
        file,
        work,
        output=output,
        seed=seed,
        model=model,
        overwrite=overwrite,
        as_json=json,
        quiet=quiet,
    )
