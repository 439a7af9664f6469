"""The commands around sounds: list, render, morph, clone, reconstruct, and the note data set.

Public names: :data:`sounds_app`.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from leitmotiv.instruments.neural_player import Playing
    from leitmotiv.instruments.neural_timbre import Timbre

__all__ = ["sounds_app"]

sounds_app = typer.Typer(
    no_args_is_help=True,
    help="Neural instruments: hear them, morph them, make your own, rebuild their data set.",
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

RATE = 48_000
QuietOption = Annotated[bool, typer.Option("-q", "--quiet", help="Print no progress.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, nothing else.")]
OutOption = Annotated[Path, typer.Option("-o", "--output", metavar="FILE.wav", help="Write here.")]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
NotesOption = Annotated[
    str,
    typer.Option(metavar="PITCHES", help="Notes to play, as names or MIDI numbers: 'C4 E4 67'."),
]
VelocityOption = Annotated[int, typer.Option(min=1, max=127, help="How hard, 1-127.")]
SecondsOption = Annotated[
    float, typer.Option(metavar="SEC", min=0.05, max=60.0, help="Length of each note.")
]


def _check_output(path: Path, suffix: str, *, overwrite: bool, sources: Sequence[Path]) -> None:
    """Find out before the work that a file may be written, and that it is none of the sources."""
    from leitmotiv.cli.folders import check_file
    from leitmotiv.errors import RenderError

    if path.suffix.lower() != suffix:
        raise RenderError(f"output={str(path)!r} must end in {suffix}")
    for source in sources:
        if path.exists() and source.exists() and path.samefile(source):
            raise RenderError(f"output={str(path)!r} is what is read; choose another name with -o")
    check_file(path, overwrite=overwrite)


def _timbre(text: str) -> tuple[Timbre, Playing, str]:
    """A trained instrument by name, or the file of a cloned one."""
    from leitmotiv.errors import RenderError
    from leitmotiv.instruments.neural import plain_playing, playing_of
    from leitmotiv.instruments.neural_catalogue import INSTRUMENTS
    from leitmotiv.instruments.neural_clone import load_clone
    from leitmotiv.instruments.neural_timbre import timbre_of

    if text.lower().endswith(".json"):
        clone = load_clone(text)
        return clone.timbre, plain_playing(clone.timbre.kind), clone.name
    name = text.strip().lower()
    if name not in {instrument.name for instrument in INSTRUMENTS}:
        raise RenderError(
            f"instrument={text!r} is neither known nor a .json file; leitmotiv sounds list names "
            "them all"
        )
    return timbre_of(name), playing_of(name), name


def _pitches(text: str) -> list[int]:
    """MIDI pitches of a list such as ``C4 E4 67``."""
    from leitmotiv.errors import RenderError
    from leitmotiv.instruments.neural_clone import pitch_of_text

    words = text.replace(",", " ").split()
    if not words:
        raise RenderError("notes must name at least one pitch, such as 'C4 E4 67'")
    return [pitch_of_text(word) for word in words]


def _phrase(
    timbre: Timbre, playing: Playing, pitches: Sequence[int], seconds: float, velocity: int
) -> NDArray[np.float32]:
    """Play notes one after another; float32 (2, samples) near -20 LUFS."""
    import numpy as np

    from leitmotiv.instruments.neural_player import render_neural
    from leitmotiv.instruments.performance import performance_of
    from leitmotiv.score import Part, Score, make_notes

    ticks = round(seconds * 960)
    onsets = np.arange(len(pitches)) * ticks
    notes = make_notes(onsets, [ticks] * len(pitches), list(pitches), velocity)
    part = Part("phrase", notes=notes)
    length = int((seconds * len(pitches) + 2.5) * RATE)
    performance = performance_of(part, Score((part,)), RATE, length)
    audio = render_neural(performance, timbre, playing, np.random.default_rng(1))
    peak = float(np.abs(audio).max())
    return np.asarray(audio * np.float32(0.1 if peak < 9.0 else 0.9 / peak), np.float32)


def _silent(stage: str, fraction: float, message: str) -> None:
    """Report nothing."""


def _print_json(data: object) -> None:
    print(json.dumps(data, ensure_ascii=False, indent=1))


@sounds_app.command("list")
def list_command(as_json: JsonOption = False) -> None:
    """List the trained instruments: family, compass, programs, distance of held-out notes.

    \b
    leitmotiv sounds list
    leitmotiv sounds list --json
    """
    from leitmotiv.instruments.neural import NEURAL_PROGRAMS
    from leitmotiv.instruments.neural_catalogue import INSTRUMENTS
    from leitmotiv.instruments.neural_model import load_network

    metrics = load_network().sidecar.get("metrics", {}).get("held_out_db", {})
    playing = {entry.instrument: program for program, entry in NEURAL_PROGRAMS.items()}
    rows: list[dict[str, Any]] = [
        {
            "name": instrument.name,
            "family": instrument.family,
            "kind": instrument.kind,
            "low": instrument.low,
            "high": instrument.high,
            "program": playing.get(instrument.name),
            "held_out_db": metrics.get(instrument.name),
        }
        for instrument in INSTRUMENTS
    ]
    if as_json:
        _print_json(rows)
        return
    print(f"{'instrument':<24}{'family':<10}{'compass':<10}{'program':<9}held-out dB")
    for row in rows:
        program = "" if row["program"] is None else str(row["program"])
        distance = "" if row["held_out_db"] is None else f"{row['held_out_db']:.2f}"
        compass = f"{row['low']}-{row['high']}"
        print(f"{row['name']:<24}{row['family']:<10}{compass:<10}{program:<9}{distance}")


@sounds_app.command("render")
def render_command(
    instrument: Annotated[str, typer.Argument(metavar="NAME|FILE.json")],
    output: OutOption,
    notes: NotesOption = "C4 E4 G4 C5",
    seconds: SecondsOption = 0.6,
    velocity: VelocityOption = 80,
    chord: Annotated[bool, typer.Option("--chord", help="Let the notes sound together.")] = False,
    overwrite: OverwriteOption = False,
) -> None:
    """Play a few notes of a trained or cloned instrument into a WAV file.

    \b
    leitmotiv sounds render oboe -o oboe.wav
    leitmotiv sounds render mine.json --notes "A3 C4 E4" --seconds 1.5 -o mine.wav
    """
    from leitmotiv.audio import write_wav

    _check_output(output, ".wav", overwrite=overwrite, sources=())
    timbre, playing, name = _timbre(instrument)
    pitches = _pitches(notes)
    if chord:
        voices = [_phrase(timbre, playing, [pitch], seconds, velocity) for pitch in pitches]
        audio = sum(voices[1:], start=voices[0]) / len(voices) ** 0.5
    else:
        audio = _phrase(timbre, playing, pitches, seconds, velocity)
    write_wav(output, audio, RATE)
    print(f"{name}: {len(pitches)} notes, {audio.shape[1] / RATE:.1f} s written to {output}")


@sounds_app.command("morph")
def morph_command(
    first: Annotated[str, typer.Argument(metavar="FROM", help="An instrument's name or file.")],
    second: Annotated[str, typer.Argument(metavar="TO", help="An instrument's name or file.")],
    output: OutOption,
    amount: Annotated[
        float | None, typer.Option(min=0.0, max=1.0, help="One place on the way; else all steps.")
    ] = None,
    steps: Annotated[int, typer.Option(min=2, max=64, help="Places on the way.")] = 7,
    pitch: Annotated[str, typer.Option(metavar="PITCH", help="A note name or number.")] = "C4",
    seconds: SecondsOption = 1.2,
    velocity: VelocityOption = 80,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Go from one instrument to another, and print five descriptors of every step.

    \b
    leitmotiv sounds morph "french horn" cello --steps 9 -o way.wav
    leitmotiv sounds morph mine.json oboe --amount 0.4 --pitch A4 -o between.wav
    """
    import numpy as np

    from leitmotiv.audio import write_wav
    from leitmotiv.instruments.neural_catalogue import Kind
    from leitmotiv.instruments.neural_morph import (
        DESCRIPTOR_NAMES,
        MorphTimbre,
        describe_timbre,
    )

    _check_output(output, ".wav", overwrite=overwrite, sources=())
    one, playing_one, name_one = _timbre(first)
    two, playing_two, name_two = _timbre(second)
    midi = _pitches(pitch)[0]
    places = np.linspace(0.0, 1.0, steps).tolist() if amount is None else [amount]
    rows, pieces = [], []
    for place in places:
        timbre = MorphTimbre(one, two, place)
        found = describe_timbre(timbre, midi, velocity)
        rows.append(
            {"amount": round(place, 4)}
            | {name: round(float(getattr(found, name)), 5) for name in DESCRIPTOR_NAMES}
        )
        kind: Kind = timbre.kind
        playing = playing_one if place < 0.5 else playing_two
        if kind == "plucked" or not playing.legato:
            playing = playing_two if place < 0.5 else playing_one
        audio = _phrase(timbre, playing, [midi], seconds, velocity)
        pieces.append(audio[:, : int((seconds + 0.4) * RATE)])
    write_wav(output, np.concatenate(pieces, axis=1), RATE)
    if as_json:
        _print_json({"from": name_one, "to": name_two, "pitch": midi, "steps": rows})
        return
    print(f"{name_one} to {name_two} at MIDI {midi}, written to {output}")
    print("".join(f"{name:>14}" for name in ("amount", *DESCRIPTOR_NAMES)))
    for row in rows:
        print("".join(f"{value:14.3f}" for value in row.values()))


@sounds_app.command("clone")
def clone_command(
    files: Annotated[
        list[Path], typer.Argument(metavar="NOTE...", help="Single notes, any format.")
    ],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE.json", help="Write the instrument here.")
    ],
    name: Annotated[str, typer.Option(help="What to call it.")] = "",
    pitches: Annotated[
        str, typer.Option(metavar="PITCHES", help="Pitches of the files, in their order.")
    ] = "",
    velocity: VelocityOption = 80,
    overwrite: OverwriteOption = False,
    quiet: QuietOption = False,
    as_json: JsonOption = False,
) -> None:
    """Make an instrument of your own from single notes; ten over the compass are good.

    Pitches are read from file names (A#3.wav, 058_loud.flac), else detected.

    \b
    leitmotiv sounds clone mine/*.wav --name "my sax" -o mine.json
    leitmotiv render song.mid --instrument "Alto Sax=mine.json"
    """
    import sys

    from leitmotiv.cli.progress import show_progress
    from leitmotiv.errors import RenderError
    from leitmotiv.instruments.neural_clone import clone_timbre, read_note, save_clone

    _check_output(output, ".json", overwrite=overwrite, sources=files)
    given = _pitches(pitches) if pitches else None
    if given is not None and len(given) != len(files):
        raise RenderError(f"pitches names {len(given)} notes and there are {len(files)} files")
    with show_progress(sys.stderr if as_json else sys.stdout, quiet=quiet) as shown:
        tell = shown or _silent
        notes = []
        for number, file in enumerate(files):
            tell("listen", number / len(files), file.name)
            pitch = None if given is None else given[number]
            notes.append(read_note(file, pitch=pitch, velocity=velocity))
        tell("listen", 1.0, f"{len(notes)} notes")
        clone = clone_timbre(
            notes,
            name=name or output.stem,
            progress=lambda share, text: tell("fit", min(share, 0.99), text),
        )
        tell("fit", 1.0, f"{clone.fitted_db:.2f} dB from the notes")
    save_clone(clone, output)
    if as_json:
        _print_json(
            {
                "name": clone.name,
                "file": str(output),
                "kind": clone.timbre.kind,
                "pitches": [note.pitch for note in notes],
                "encoder_db": round(clone.encoder_db, 3),
                "fitted_db": round(clone.fitted_db, 3),
            }
        )
        return
    print(
        f"{clone.name}: {clone.timbre.kind}, pitches {clone.low}-{clone.high}, "
        f"{clone.encoder_db:.2f} dB by the encoder, {clone.fitted_db:.2f} dB fitted; "
        f"written to {output}"
    )


@sounds_app.command("reconstruct")
def reconstruct_command(
    file: Annotated[Path, typer.Argument(metavar="NOTE", help="One note, any format.")],
    output: OutOption,
    pitch: Annotated[str, typer.Option(metavar="PITCH", help="Its pitch; else detected.")] = "",
    velocity: VelocityOption = 80,
    encoder_only: Annotated[
        bool, typer.Option("--encoder-only", help="Leave out the fit after the encoder.")
    ] = False,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
) -> None:
    """Take one note through the encoder and the decoder, and say how near it comes.

    \b
    leitmotiv sounds reconstruct note.wav -o again.wav
    """
    from leitmotiv.audio import write_wav
    from leitmotiv.instruments.neural_clone import read_note, reconstruct_note

    _check_output(output, ".wav", overwrite=overwrite, sources=(file,))
    note = read_note(file, pitch=_pitches(pitch)[0] if pitch else None, velocity=velocity)
    audio, distance = reconstruct_note(note, fit=not encoder_only)
    write_wav(output, audio[None, :], RATE)
    if as_json:
        _print_json(
            {
                "file": str(output),
                "pitch": note.pitch,
                "log_mel_db": round(distance.all_db, 3),
                "heard_db": round(distance.heard_db, 3),
            }
        )
        return
    print(f"pitch {note.pitch}, {distance.all_db:.2f} dB log-mel; written to {output}")


@sounds_app.command("dataset")
def dataset_command(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder.")],
    bank: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="SF2 or SF3 bank to record; else MuseScore General."),
    ] = None,
    recordings: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Single notes: manifest.jsonl and zip archives."),
    ] = None,
    instruments: Annotated[
        list[str] | None, typer.Option("--instrument", help="Only this one; may be repeated.")
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Rebuild the data set of single notes, in the layout of NSynth.

    About 8,700 notes, 600 MB, five minutes. examples.json tells pitch, velocity, family, source,
    qualities, split and licence of every note; audio/ holds FLAC files.

    \b
    leitmotiv sounds dataset notes --recordings sounds
    leitmotiv sounds dataset few --instrument oboe --instrument violin
    """
    import sys

    from leitmotiv.cli.progress import show_progress
    from leitmotiv.errors import RenderError
    from leitmotiv.instruments.banks import find_soundfonts
    from leitmotiv.instruments.neural_catalogue import INSTRUMENTS, instrument_named
    from leitmotiv.instruments.neural_dataset import build_dataset

    if bank is None:
        found = [p for p in find_soundfonts() if p.name.lower().startswith("musescore_general")]
        if not found:
            raise RenderError(
                "MuseScore General was not found; install musescore-general-soundfont or name a "
                "bank with --bank"
            )
        bank = found[0]
    chosen = tuple(instrument_named(name) for name in instruments) if instruments else INSTRUMENTS
    with show_progress(sys.stdout, quiet=quiet) as shown:
        tell = shown or _silent
        number = build_dataset(
            folder,
            bank,
            recordings=recordings,
            instruments=chosen,
            progress=lambda share, text: tell("record", min(share, 0.99), text),
        )
        tell("record", 1.0, f"{number} notes")
    print(f"{number} notes of {bank.name} written to {folder}")


@sounds_app.command("pack")
def pack_command(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A data set.")],
    output: Annotated[Path, typer.Argument(metavar="FILE.npz")],
    workers: Annotated[int, typer.Option(min=1, max=64, help="Processes.")] = 1,
    quiet: QuietOption = False,
) -> None:
    """Analyse a data set into the one file that training reads.

    \b
    leitmotiv sounds pack notes notes.npz --workers 2
    python -m leitmotiv.training.timbre_train recipes/timbre.toml --pack notes.npz --out runs/timbre
    """
    import sys

    from leitmotiv.cli.progress import show_progress
    from leitmotiv.instruments.neural_pack import pack_dataset

    with show_progress(sys.stdout, quiet=quiet) as shown:
        tell = shown or _silent
        number = pack_dataset(
            folder,
            output,
            workers=workers,
            progress=lambda share, text: tell("analyse", min(share, 0.99), text),
        )
        tell("analyse", 1.0, f"{number} notes")
    print(f"{number} notes analysed into {output}")
