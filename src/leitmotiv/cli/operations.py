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
_MOST_FILES = 200


def _seed(text: str) -> int:
    if not re.fullmatch(r"\d{1,19}", text.strip()) or int(text) >= 2**63:
        raise typer.BadParameter(f"seed={text} must be a whole number from 0 to {2**63 - 1}")
    return int(text)


FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A MIDI or MusicXML file.")]
OutputOption = Annotated[
    Path | None,
    typer.Option(
        "-o", "--output", metavar="FILE", help=".mid or .musicxml; else a new name after FILE."
    ),
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
    app.command(name="continue")(_continue)
    app.command(name="harmonise")(_harmonise)
    app.command(name="add-part")(_add_part)
    app.command(name="vary")(_vary)
    app.command(name="arrange")(_arrange)
    app.command(name="bridge")(_bridge)
    app.command(name="climax")(_climax)
    app.command(name="imitate")(_imitate)


def _out_path(file: Path, output: Path | None, operation: str, *, overwrite: bool) -> Path:
    """The file to write: as named, else after FILE, numbered where that is taken."""
    from leitmotiv.errors import ReleaseError

    if output is None:
        suffix = ".musicxml" if file.suffix.lower() in (*_XML_SUFFIXES, ".mxl") else ".mid"
        stem, number = f"{file.stem}-{operation}", 1
        output = Path(f"{stem}{suffix}")
        while output.exists() and not overwrite:
            number += 1
            output = Path(f"{stem}-{number}{suffix}")
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
    from leitmotiv.score import Score, read_score

    start = time.perf_counter()
    target = _out_path(file, output, operation, overwrite=overwrite)
    check_file(target, overwrite=overwrite)
    seed = secrets.randbelow(2**31) if seed is None else seed
    with show_progress(sys.stderr if as_json else sys.stdout, quiet=quiet) as progress:

        def tell(fraction: float, message: str) -> None:
            if progress is not None:
                progress(operation, min(fraction, 0.999), message)

        tell(0.0, f"read {file.name}")
        score = Score() if operation == "imitate" else read_score(file)

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


def _continue(
    file: FileArgument,
    bars: Annotated[int, typer.Option(metavar="N", help="How many bars to add.")] = 8,
    output: OutputOption = None,
    seed: SeedOption = None,
    model: ModelOption = None,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Go on where a piece stops: new phrases that recall its opening and close with a cadence.

    \b
    leitmotiv continue song.mid --bars 8 -o song-longer.mid
    leitmotiv continue sketch.musicxml --bars 16 --seed 5
    """

    def work(score: Score, rng: Any, weights: Any, tell: Any) -> Score:
        from leitmotiv.compose.operations import continue_score

        return continue_score(score, bars, rng=rng, model=weights, progress=tell)

    _run(
        "continue",
        file,
        work,
        output=output,
        seed=seed,
        model=model,
        overwrite=overwrite,
        as_json=json,
        quiet=quiet,
    )


def _harmonise(
    file: FileArgument,
    ensemble: Annotated[
        str,
        typer.Option("--for", metavar="LIST", help="An ensemble, or instruments with commas."),
    ] = "choir",
    melody: Annotated[
        str | None, typer.Option(metavar="PART", help="Name or number; else the part that leads.")
    ] = None,
    output: OutputOption = None,
    seed: SeedOption = None,
    model: ModelOption = None,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Set a melody for an ensemble: chords, cadences, and the parts below it.

    \b
    leitmotiv harmonise tune.mid --for choir -o chorale.musicxml
    leitmotiv harmonise song.musicxml --melody voice --for "string quartet"
    leitmotiv harmonise tune.mid --for "flute,piano" --seed 2
    """

    def work(score: Score, rng: Any, weights: Any, tell: Any) -> Score:
        from leitmotiv.compose.operations import find_parts, harmonise_melody

        lead = None if melody is None else find_parts(score, [melody])[0]
        players = [name.strip() for name in ensemble.split(",")]
        return harmonise_melody(score, players, melody=lead, rng=rng, model=weights, progress=tell)

    _run(
        "harmonise",
        file,
        work,
        output=output,
        seed=seed,
        model=model,
        overwrite=overwrite,
        as_json=json,
        quiet=quiet,
    )


def _add_part(
    file: FileArgument,
    instrument: Annotated[str, typer.Argument(metavar="INSTRUMENT", help="Such as cello.")],
    role: Annotated[
        str,
        typer.Option(
            metavar="counter|harmony|bass|pad|melody", help="Task of the part; drums are drums."
        ),
    ] = "counter",
    output: OutputOption = None,
    seed: SeedOption = None,
    model: ModelOption = None,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write one more part for a piece; the parts that stand are not touched.

    \b
    leitmotiv add-part song.mid cello -o song-cello.mid
    leitmotiv add-part song.mid "acoustic bass" --role bass
    leitmotiv add-part song.musicxml drums
    """

    def work(score: Score, rng: Any, weights: Any, tell: Any) -> Score:
        from leitmotiv.compose.operations import add_part

        return add_part(score, instrument, role, rng=rng, model=weights, progress=tell)

    _run(
        "add-part",
        file,
        work,
        output=output,
        seed=seed,
        model=model,
        overwrite=overwrite,
        as_json=json,
        quiet=quiet,
    )


def _vary(
    file: FileArgument,
    kind: Annotated[
        str,
        typer.Option(metavar="melody|ornament|mode|accompaniment", help="What changes."),
    ] = "melody",
    amount: Annotated[
        float, typer.Option(metavar="SHARE", help="How much changes, above 0 and at most 1.")
    ] = 0.5,
    output: OutputOption = None,
    seed: SeedOption = None,
    model: ModelOption = None,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Make a variation: other melody bars, ornaments, the other mode, or new accompaniment.

    \b
    leitmotiv vary song.mid --kind ornament -o variation-1.mid
    leitmotiv vary song.mid --kind mode
    leitmotiv vary song.mid --kind melody --amount 0.3 --seed 4
    """

    def work(score: Score, rng: Any, weights: Any, tell: Any) -> Score:
        from leitmotiv.compose.operations import vary

        return vary(score, kind, amount=amount, rng=rng, model=weights, progress=tell)

    _run(
        "vary",
        file,
        work,
        output=output,
        seed=seed,
        model=model,
        overwrite=overwrite,
        as_json=json,
        quiet=quiet,
    )


def _arrange(
    file: FileArgument,
    ensemble: Annotated[
        str,
        typer.Option("--for", metavar="LIST", help="An ensemble, or instruments with commas."),
    ],
    output: OutputOption = None,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Give the notes of a piece to other players: piano to ensemble, or a new orchestration.

    \b
    leitmotiv arrange nocturne.mid --for "string quartet" -o quartet.musicxml
    leitmotiv arrange song.mid --for "flute,clarinet,horn,bassoon"
    leitmotiv arrange sketch.musicxml --for orchestra
    """

    def work(score: Score, rng: Any, weights: Any, tell: Any) -> Score:
        from leitmotiv.compose.operations import arrange

        return arrange(score, [name.strip() for name in ensemble.split(",")])

    _run(
        "arrange",
        file,
        work,
        output=output,
        seed=0,  # nothing is drawn
        model=None,
        overwrite=overwrite,
        as_json=json,
        quiet=quiet,
    )


def _bridge(
    file: FileArgument,
    to: Annotated[Path, typer.Argument(metavar="TO", help="The cue that it leads to.")],
    bars: Annotated[int, typer.Option(metavar="N", help="Length of the bridge.")] = 4,
    output: OutputOption = None,
    seed: SeedOption = None,
    model: ModelOption = None,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Lead from one cue to another: key and tempo go over, players leave and enter.

    \b
    leitmotiv bridge calm.mid battle.mid --bars 6 -o calm-to-battle.mid
    """

    def work(score: Score, rng: Any, weights: Any, tell: Any) -> Score:
        from leitmotiv.compose.operations import bridge
        from leitmotiv.score import read_score

        return bridge(score, read_score(to), bars, rng=rng, model=weights, progress=tell)

    _run(
        "bridge",
        file,
        work,
        output=output,
        seed=seed,
        model=model,
        overwrite=overwrite,
        as_json=json,
        quiet=quiet,
    )


def _climax(
    file: FileArgument,
    seconds: Annotated[float, typer.Option(metavar="N", help="Length, 20 to 180 seconds.")] = 120.0,
    ensemble: Annotated[
        str,
        typer.Option("--for", metavar="LIST", help="An ensemble, or instruments with commas."),
    ] = "orchestra",
    output: OutputOption = None,
    seed: SeedOption = None,
    model: ModelOption = None,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Grow the theme with which a piece opens into a climax of the full orchestra.

    \b
    leitmotiv climax theme.mid -o climax.mid
    leitmotiv climax theme.musicxml --seconds 180 --seed 2
    leitmotiv climax theme.mid --seconds 60 --for "string orchestra"
    """

    def work(score: Score, rng: Any, weights: Any, tell: Any) -> Score:
        from leitmotiv.compose.operations import climax

        players = [name.strip() for name in ensemble.split(",")]
        return climax(score, seconds, players, rng=rng, model=weights, progress=tell)

    _run(
        "climax",
        file,
        work,
        output=output,
        seed=seed,
        model=model,
        overwrite=overwrite,
        as_json=json,
        quiet=quiet,
    )


def _imitate(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="MIDI or MusicXML files.")],
    bars: Annotated[
        int | None, typer.Option(metavar="N", help="Length; else the usual one of the pieces.")
    ] = None,
    output: OutputOption = None,
    seed: SeedOption = None,
    model: ModelOption = None,
    overwrite: OverwriteOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Compose in the manner of a folder of pieces: their keys, tempo, players and chord steps.

    Nothing is trained; to fine-tune the model on the pieces see: leitmotiv train --help

    \b
    leitmotiv imitate my-pieces -o like-mine.mid
    leitmotiv imitate my-pieces --bars 32 --seed 4
    """

    def work(score: Score, rng: Any, weights: Any, tell: Any) -> Score:
        from leitmotiv.compose.operations import imitate

        return imitate(
            _read_folder(folder, tell), num_bars=bars, rng=rng, model=weights, progress=tell
        )

    _run(
        "imitate",
        folder,
        work,
        output=output,
        seed=seed,
        model=model,
        overwrite=overwrite,
        as_json=json,
        quiet=quiet,
    )


def _read_folder(folder: Path, tell: Callable[[float, str], None]) -> list[Score]:
    """Read the pieces of a folder; files that are no music are left out."""
    from leitmotiv.errors import ComposeError, ReadError
    from leitmotiv.score import read_score

    if not folder.is_dir():
        what = "is a file" if folder.exists() else "does not exist"
        raise ComposeError(
            f"folder={str(folder)!r} {what}; name a folder that holds MIDI or MusicXML files"
        )
    known = (*_MIDI_SUFFIXES, *_XML_SUFFIXES, ".mxl")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in known)[:_MOST_FILES]
    scores = []
    for path in paths:
        tell(0.0, f"read {path.name}")
        try:
            scores.append(read_score(path))
        except ReadError:
            continue
    return scores
