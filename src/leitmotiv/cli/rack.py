"""``leitmotiv rack``: a recording through a graph of effects; its presets; its picture.

Public names: :data:`rack_app`, :func:`print_processed`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from leitmotiv.rack import Processed

__all__ = ["print_processed", "rack_app"]


class _PlayByDefault(TyperGroup):
    """``rack IN.wav`` means ``rack play IN.wav``."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands and args[0] not in ("-h", "--help"):
            args = ["play", *args]
        return super().parse_args(ctx, args)


rack_app = typer.Typer(
    name="rack",
    cls=_PlayByDefault,
    no_args_is_help=True,
    help="""Send a recording through a rack of effects.

\b
Examples:
  leitmotiv rack guitar.wav --preset cinematic-ambient-guitar -o out.wav
  leitmotiv rack guitar.wav --preset my-rack.toml -o out.flac --snapshot dense
  leitmotiv rack presets
  leitmotiv rack draw cinematic-ambient-guitar -o rack.png
""",
)

PresetOption = Annotated[
    str, typer.Option("--preset", "-p", help="A preset by name (see rack presets) or a .toml file.")
]


def print_processed(
    done: Processed, wall_sec: float, *, advice: str, as_json: bool, quiet: bool
) -> None:
    """Say what came of a recording: lines, one JSON object, or the path alone."""
    import json
    import math

    speed = done.duration_sec / max(wall_sec, 1e-9)
    over = done.peak_dbfs > 0.0
    if as_json:
        facts = {
            "file": str(done.path),
            "duration_sec": round(done.duration_sec, 3),
            "sample_rate": done.sample_rate,
            "peak_dbfs": round(done.peak_dbfs, 2) if math.isfinite(done.peak_dbfs) else None,
            "over_full_scale": over,
            "real_time_factor": round(speed, 1),
        }
        print(json.dumps(facts, ensure_ascii=False, indent=1))
        return
    if quiet:
        print(done.path)
        return
    print(
        f"{done.path}: {done.duration_sec:.1f} s at {done.sample_rate} Hz, peak "
        f"{done.peak_dbfs:.1f} dBFS, {speed:.0f}x real time"
    )
    if over:
        print(f"note: the peak is {done.peak_dbfs:.1f} dB over full scale; lower {advice}")


@rack_app.command("play")
def play(
    recording: Annotated[Path, typer.Argument(help="WAV, FLAC, AIFF, Ogg, MP3; any length.")],
    preset: PresetOption,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The result; its suffix decides the format.")
    ],
    snapshot: Annotated[
        str | None, typer.Option(help="Where the knobs stand: a snapshot of the preset.")
    ] = None,
    morph: Annotated[
        str | None,
        typer.Option(help="FROM:TO, two snapshots; the knobs travel over the recording."),
    ] = None,
    tail: Annotated[
        float | None, typer.Option(help="Seconds to ring on after the end, 0-120.", metavar="SEC")
    ] = None,
    downmix: Annotated[
        bool, typer.Option("--downmix", help="Fold more than two channels to stereo.")
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the result.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON on stdout, nothing else.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print where it is, no more.")
    ] = False,
) -> None:
    """Send a recording through a rack (the word play may be left out).

    \b
    Examples:
      leitmotiv rack guitar.wav --preset cinematic-ambient-guitar -o out.wav
      leitmotiv rack strings.flac --preset endless-pad -o pad.flac --tail 30
      leitmotiv rack guitar.wav --preset my-rack.toml -o out.wav --morph calm:storm
    """
    import sys
    import time

    from leitmotiv.cli.progress import show_progress
    from leitmotiv.errors import AudioError
    from leitmotiv.rack import load_preset, process_file

    ends = None
    if morph is not None:
        first, colon, second = morph.partition(":")
        if not colon or not first or not second:
            raise AudioError(f"morph={morph!r} must be two snapshots with a colon, FROM:TO")
        ends = (first, second)
    if morph is not None and snapshot is not None:
        raise AudioError("give either a snapshot or a morph, not both")
    graph = load_preset(preset)
    began = time.perf_counter()
    with show_progress(sys.stderr, quiet=quiet or as_json) as tell:

        def progress(share: float) -> None:
            if tell is not None:
                tell("rack", min(share, 1.0), graph.name)

        progress(0.0)  # the first use compiles, which takes seconds
        done = process_file(
            recording,
            output,
            graph,
            snapshot=snapshot,
            morph=ends,
            tail_sec=tail,
            downmix=downmix,
            overwrite=overwrite,
            progress=progress,
        )
    print_processed(
        done,
        time.perf_counter() - began,
        advice="output_gain_db in the preset, or end it with a limiter",
        as_json=as_json,
        quiet=quiet,
    )


@rack_app.command("presets")
def presets() -> None:
    """List the presets that come along, with their snapshots."""
    from rich.console import Console
    from rich.table import Table

    from leitmotiv.rack import load_preset, preset_names

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("preset", "what it does", "snapshots"):
        table.add_column(title, overflow="fold")
    for name in preset_names():
        graph = load_preset(name)
        table.add_row(name, graph.description, ", ".join(graph.snapshots))
    Console(highlight=False, markup=False).print(table)


@rack_app.command("show")
def show(preset: Annotated[str, typer.Argument(help="A preset by name or a .toml file.")]) -> None:
    """Print a preset as TOML, as a beginning for one of your own.

    \b
    Example:
      leitmotiv rack show cinematic-ambient-guitar > my-rack.toml
    """
    import sys
    import tempfile

    from leitmotiv.rack import load_preset, save_preset

    with tempfile.TemporaryDirectory() as folder:
        path = save_preset(load_preset(preset), Path(folder) / "preset.toml")
        sys.stdout.write(path.read_text(encoding="utf-8"))


@rack_app.command("draw")
def draw(
    preset: Annotated[str, typer.Argument(help="A preset by name or a .toml file.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="PNG, SVG or PDF; PRESET.png by default.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the picture.")] = False,
) -> None:
    """Draw a preset's graph and its motions.

    \b
    Example:
      leitmotiv rack draw cinematic-ambient-guitar -o rack.png
    """
    from leitmotiv.cli.folders import check_file
    from leitmotiv.rack import load_preset
    from leitmotiv.rack.picture import draw_rack

    path = output or Path(f"{Path(preset).stem}.png")
    check_file(path, overwrite=overwrite)
    print(draw_rack(load_preset(preset), path))


@rack_app.command("live")
def live(
    preset: PresetOption,
    device: Annotated[
        str | None, typer.Option(help="Audio interface, by (part of) its name.")
    ] = None,
    sample_rate: Annotated[int, typer.Option(help="Hz.")] = 48_000,
    block: Annotated[
        int, typer.Option(help="Samples a block, 16-8192: fewer answer sooner.")
    ] = 256,
) -> None:
    """Play through a rack from an audio interface; Ctrl-C ends it (extra: live).

    \b
    Example:
      leitmotiv rack live --preset cinematic-ambient-guitar
    """
    import signal

    from leitmotiv.rack import load_preset
    from leitmotiv.rack.live import play_live

    said = stopped = False

    def keep_on() -> bool:
        nonlocal said
        if not said:
            print("playing; Ctrl-C ends", flush=True)
        said = True
        return not stopped

    def stop(*_: object) -> None:
        nonlocal stopped
        stopped = True

    before = signal.signal(signal.SIGINT, stop)
    try:
        report = play_live(
            load_preset(preset),
            sample_rate=sample_rate,
            block_samples=block,
            device=device,
            keep_on=keep_on,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    print(
        f"{report.duration_sec:.0f} s, {report.num_dropouts} dropouts, the rack took "
        f"{report.load:.0%} of the time"
    )
