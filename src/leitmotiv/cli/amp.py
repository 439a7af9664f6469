"""``leitmotiv amp``: capture an amplifier, look at a capture, play through one.

Public names: :data:`amp_app`, :func:`measure_capture`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from leitmotiv.effects.nam_file import NamFile

__all__ = ["amp_app", "measure_capture"]

amp_app = typer.Typer(
    name="amp",
    no_args_is_help=True,
    help="""Capture amplifiers and pedals, and play through captures (.nam).

\b
Examples:
  leitmotiv amp signal -o dry.wav                  play this into your amplifier, record it
  leitmotiv amp train dry.wav wet.wav -o my_amp.nam
  leitmotiv amp play guitar.wav --amp my_amp.nam -o out.wav --cabinet closed_4x12
  leitmotiv amp info my_amp.nam
""",
)

CaptureArgument = Annotated[
    str, typer.Argument(metavar="FILE.nam|NAME", help="A .nam file, or a built-in capture.")
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON on stdout, nothing else.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print where it is, no more.")]

SIZES = ("nano", "light", "medium", "standard")


def _read_capture(name: str) -> NamFile:
    """A file where there is one of this name, else a built-in capture."""
    from leitmotiv.effects.nam_file import read_nam
    from leitmotiv.effects.neural_amp import capture_file, capture_names

    if Path(name).suffix.lower() == ".nam" or Path(name).exists():
        return read_nam(name)
    if name in capture_names():
        return read_nam(capture_file(name))
    from leitmotiv.errors import ModelError

    raise ModelError(
        f"capture={name!r} is neither a .nam file nor a built-in capture; "
        f"the built-in ones are {', '.join(capture_names())}"
    )


def _read_mono(path: Path, what: str) -> tuple[NDArray[np.float32], int]:
    import numpy as np

    from leitmotiv.audio import read_audio
    from leitmotiv.errors import AudioError

    audio, sample_rate = read_audio(path)
    if not audio.shape[1]:
        raise AudioError(f"the {what} recording {str(path)!r} has no samples; record it anew")
    if not np.isfinite(audio).all():
        raise AudioError(f"the {what} recording {str(path)!r} holds NaN; record it anew")
    return audio.mean(axis=0), sample_rate


@amp_app.command("train")
def train(
    dry: Annotated[Path, typer.Argument(metavar="DRY.wav", help="What went into the amplifier.")],
    wet: Annotated[Path, typer.Argument(metavar="WET.wav", help="What came out of it.")],
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE.nam", help="The capture to write.")
    ],
    size: Annotated[
        str, typer.Option(metavar="|".join(SIZES), help="Larger is truer and slower to play.")
    ] = "light",
    minutes: Annotated[
        float | None, typer.Option(metavar="N", help="Stop after this time at the latest.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(metavar="N", help="Training steps; else by the size.")
    ] = None,
    delay: Annotated[
        int | None, typer.Option(metavar="SAMPLES", help="Of WET behind DRY; else it is found.")
    ] = None,
    name: Annotated[str, typer.Option(help="Name of the capture; else the file's.")] = "",
    gear: Annotated[str, typer.Option(help="What was captured: amp, pedal, amp_cab ...")] = "amp",
    tone: Annotated[
        str, typer.Option(help="How it sounds: clean, overdrive, crunch, hi_gain, fuzz.")
    ] = "",
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Same seed, same capture.")] = 0,
    threads: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Threads; else PyTorch's choice.")
    ] = None,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Learn an amplifier from a dry and a wet recording of the same performance.

    Record what `leitmotiv amp signal` plays, or two minutes of your own playing. The light size
    takes minutes on a CPU; a run that was stopped goes on where it was.

    \b
    Examples:
      leitmotiv amp train dry.wav wet.wav -o my_amp.nam
      leitmotiv amp train dry.wav wet.wav -o my_amp.nam --size standard --tone crunch
    """
    import json
    import sys

    import numpy as np

    from leitmotiv.cli.folders import check_file
    from leitmotiv.cli.progress import show_progress
    from leitmotiv.effects.nam_file import NamFile, write_nam
    from leitmotiv.errors import AudioError, MissingExtraError, ModelError

    try:
        from leitmotiv.training.amp import AmpOptions, train_amp
        from leitmotiv.training.errors import TrainingError
    except ImportError as error:
        raise MissingExtraError(error.name or "torch", "train") from error

    if output.suffix.lower() != ".nam":
        raise ModelError(f"output {str(output)!r} must end in .nam")
    check_file(output, overwrite=overwrite)
    (dry_audio, dry_rate), (wet_audio, wet_rate) = _read_mono(dry, "dry"), _read_mono(wet, "wet")
    if dry_rate != wet_rate:
        raise AudioError(
            f"DRY has {dry_rate} Hz and WET {wet_rate} Hz; both must have the same sample rate"
        )
    options = AmpOptions(
        size=size,
        num_steps=steps,
        minutes=minutes,
        delay_samples=delay,
        seed=seed,
        num_threads=threads,
    )
    output.parent.mkdir(parents=True, exist_ok=True)
    with show_progress(sys.stderr if as_json else sys.stdout, quiet=quiet) as tell:

        def report(step: int, num_steps: int, plain: float, bright: float) -> None:
            if tell is not None:
                tell("train", step / num_steps, f"step {step:,}, held-out ESR {plain:.4f}")

        try:
            done = train_amp(
                dry_audio,
                wet_audio,
                dry_rate,
                options,
                checkpoint=output.with_name(output.name + ".checkpoint"),
                report=report,
            )
        except TrainingError as error:
            raise ModelError(str(error)) from error
    metadata = {
        "date": _now(),
        "name": name or output.stem,
        "modeled_by": "leitmotiv",
        "gear_type": gear,
        **({"tone_type": tone} if tone else {}),
        "training": {
            "validation_esr": done.esr,
            "validation_esr_pre_emphasis": done.esr_emphasized,
            "steps": done.num_steps,
            "delay_samples": done.delay_samples,
        },
    }
    file = NamFile("0.5.4", "WaveNet", done.config, done.weights, dry_rate, metadata)
    loudness_db, gain = measure_capture(file)
    file = NamFile(
        "0.5.4",
        "WaveNet",
        done.config,
        done.weights,
        dry_rate,
        {**metadata, "loudness": loudness_db, "gain": gain},
    )
    write_nam(output, file)
    if as_json:
        summary: dict[str, Any] = {
            "file": str(output),
            "size": size,
            "weights": int(np.size(done.weights)),
            "esr": done.esr,
            "esr_pre_emphasis": done.esr_emphasized,
            "held_out_sec": done.held_out_sec,
            "delay_samples": done.delay_samples,
            "steps": done.num_steps,
            "duration_sec": round(done.duration_sec, 1),
        }
        print(json.dumps(summary, indent=1))
    elif quiet:
        print(output)
    else:
        print(
            f"{output}: {np.size(done.weights):,} weights, ESR {done.esr:.4f} on "
            f"{done.held_out_sec:.0f} s held out ({done.esr_emphasized:.4f} with pre-emphasis), "
            f"delay {done.delay_samples} samples, {done.duration_sec / 60:.1f} min"
        )
        print(f"  next: leitmotiv amp play GUITAR.wav --amp {output} -o out.wav")


def _now() -> dict[str, int]:
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    return {key: getattr(now, key) for key in ("year", "month", "day", "hour", "minute", "second")}


def measure_capture(file: NamFile) -> tuple[float, float]:
    """Loudness in dB of a capture's answer to standard guitar, and how much gain it has, 0-1."""
    import numpy as np

    from leitmotiv.effects.nam_player import NamPlayer
    from leitmotiv.instruments.amp_signal import amp_signal

    signal = amp_signal(file.sample_rate, 20.0, np.random.default_rng(0))
    guitar = signal[-8 * file.sample_rate :]
    # At -20 dBFS, where a clean guitar stands on average.
    guitar = guitar * np.float32(0.1 / max(float(np.sqrt(np.mean(guitar**2))), 1e-9))
    player, levels_db = NamPlayer(file), []
    for gain in (1.0, 0.1):
        player.reset()
        answer = player.play(guitar * np.float32(gain)).astype(np.float64)
        levels_db.append(10.0 * np.log10(max(float(np.mean(np.square(answer))), 1e-20)))
    # Input 20 dB softer: an amplifier with no gain to spare answers 20 dB softer, too.
    return levels_db[0], float(np.clip(1.0 - (levels_db[0] - levels_db[1]) / 20.0, 0.0, 1.0))


@amp_app.command("info")
def info(capture: CaptureArgument, as_json: JsonOption = False) -> None:
    """Tell what a capture is: architecture, size, sample rate, loudness, who made it.

    \b
    Examples:
      leitmotiv amp info my_amp.nam
      leitmotiv amp info edge
    """
    import json
    import time

    import numpy as np

    from leitmotiv.effects.nam_player import NamPlayer

    file = _read_capture(capture)
    player = NamPlayer(file)
    noise = (0.1 * np.random.default_rng(0).standard_normal(file.sample_rate)).astype(np.float32)
    player.play(noise[:4096])
    began = time.perf_counter()
    player.play(noise)
    speed = 1.0 / max(time.perf_counter() - began, 1e-9)
    metadata = file.metadata
    rows: dict[str, Any] = {
        "name": metadata.get("name"),
        "made by": metadata.get("modeled_by"),
        "gear": " ".join(
            str(metadata[key])
            for key in ("gear_type", "gear_make", "gear_model", "tone_type")
            if metadata.get(key)
        ),
        "architecture": file.architecture,
        "version": file.version,
        "sample rate": f"{file.sample_rate} Hz",
        "multiplications a sample": player.num_multiplies,
        "looks back": f"{player.receptive_field / file.sample_rate * 1e3:.0f} ms",
        "loudness": None if file.loudness_db is None else f"{file.loudness_db:.1f} dB",
        "speed here": f"{speed:.0f}x real time, one core",
    }
    training = metadata.get("training")
    if isinstance(training, dict) and isinstance(training.get("validation_esr"), float):
        rows["held-out ESR"] = f"{training['validation_esr']:.4f}"
    rows = {key: value for key, value in rows.items() if value not in (None, "")}
    if as_json:
        print(json.dumps(rows, indent=1, ensure_ascii=False))
        return
    width = max(map(len, rows))
    for key, value in rows.items():
        print(f"{key:<{width}}  {value}")


@amp_app.command("list")
def list_captures() -> None:
    """List the built-in captures, and the cabinets and microphones."""
    from leitmotiv.effects.cabinet_responses import CABINETS, MICROPHONES
    from leitmotiv.effects.neural_amp import capture_names

    for capture in capture_names():
        metadata = _read_capture(capture).metadata
        print(f"{capture:<8} {metadata.get('tone_type', '')}: {metadata.get('name', '')}")
    print(f"cabinets: {', '.join(CABINETS)}")
    print(f"microphones: {', '.join(MICROPHONES)}")


@amp_app.command("signal")
def signal(
    output: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE.wav", help="Where to write.")
    ],
    seconds: Annotated[float, typer.Option(metavar="N", help="Length, 20-1800 s.")] = 150.0,
    sample_rate: Annotated[
        int, typer.Option(metavar="HZ", min=22_050, max=96_000, help="Of the file.")
    ] = 48_000,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Which phrases are played.")] = 0,
    overwrite: OverwriteOption = False,
) -> None:
    """Write the signal to play into an amplifier: clicks, sweeps, noise and guitar.

    \b
    Example:
      leitmotiv amp signal -o dry.wav
    """
    import numpy as np

    from leitmotiv.audio import write_wav
    from leitmotiv.cli.folders import check_file
    from leitmotiv.instruments.amp_signal import amp_signal

    check_file(output, overwrite=overwrite)
    audio = amp_signal(sample_rate, seconds, np.random.default_rng(seed))
    write_wav(output, audio[None], sample_rate, subtype="FLOAT")
    print(f"{output}: {seconds:g} s at {sample_rate} Hz")
    print("  next: play it into the amplifier, record the answer at the same rate as wet.wav")
    print(f"        leitmotiv amp train {output} wet.wav -o my_amp.nam")


@amp_app.command("play")
def play(
    recording: Annotated[Path, typer.Argument(metavar="IN.wav", help="A clean guitar.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="OUT.wav", help="The result.")],
    amp: Annotated[
        str, typer.Option(metavar="FILE.nam|NAME", help="A .nam file, or a built-in capture.")
    ] = "edge",
    cabinet: Annotated[
        str, typer.Option(metavar="NAME|FILE.wav|none", help="What it is heard through.")
    ] = "open_2x12",
    microphone: Annotated[
        str, typer.Option(metavar="NAME", help="Before the cabinet.")
    ] = "dynamic",
    input_gain: Annotated[float, typer.Option(metavar="DB", help="Into the amplifier.")] = 0.0,
    output_gain: Annotated[float, typer.Option(metavar="DB", help="Behind it.")] = 0.0,
    overwrite: OverwriteOption = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Play a recording through an amplifier and a cabinet.

    \b
    Examples:
      leitmotiv amp play guitar.wav -o out.wav
      leitmotiv amp play guitar.wav --amp my_amp.nam --cabinet closed_4x12 -o out.wav
      leitmotiv amp play bass.wav --amp pedal.nam --cabinet none -o out.wav
    """
    import sys
    import time

    from leitmotiv.cli.progress import show_progress
    from leitmotiv.cli.rack import print_processed
    from leitmotiv.effects.neural_amp import capture_names
    from leitmotiv.rack import process_file
    from leitmotiv.rack.graph import INPUT, Cable, Node, RackGraph

    settings: dict[str, Any] = {"input_gain_db": input_gain, "output_gain_db": output_gain}
    _read_capture(amp)  # what is wrong with it is said before the work
    settings["capture" if amp in capture_names() and not Path(amp).exists() else "file"] = amp
    nodes = [Node("amp", "neural_amp", (Cable(INPUT),), settings=settings)]
    if cabinet != "none":
        box = {"file": cabinet} if Path(cabinet).suffix else {"cabinet": cabinet}
        settings = {**box, "microphone": microphone}
        nodes.append(Node("cabinet", "cabinet", (Cable("amp"),), settings=settings))
    graph = RackGraph(
        name="amp", nodes=tuple(nodes), outputs=(Cable(nodes[-1].name),), tail_sec=0.25
    )
    began = time.perf_counter()
    with show_progress(sys.stderr, quiet=quiet or as_json) as tell:

        def progress(share: float) -> None:
            if tell is not None:
                tell("amp", min(share, 1.0), amp)

        done = process_file(
            recording, output, graph, overwrite=overwrite, progress=progress, downmix=True
        )
    print_processed(
        done, time.perf_counter() - began, advice="--output-gain", as_json=as_json, quiet=quiet
    )
