"""``leitmotiv transfer``: a recording, note for note, in the timbre of other instruments.

Public names: :func:`transfer_command`, :func:`register_transfer`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["register_transfer", "transfer_command"]


def transfer_command(
    source: Path,
    *,
    to: str,
    output: Path | None,
    amount: float,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write the transferred file and say what was done."""
    import json
    import time

    from leitmotiv.cli.folders import check_file
    from leitmotiv.cli.progress import show_progress
    from leitmotiv.errors import AudioError, RenderError
    from leitmotiv.instruments.timbre_files import transfer_file
    from leitmotiv.instruments.timbre_network import shipped_network

    if not 0.0 <= amount <= 1.0:  # NaN lands here, too
        raise RenderError(f"amount={amount:g} must be 0-1; 1 is the target's timbre")
    shipped_network().index_of(to)
    target = output or source.with_name(f"{source.stem}-{to}.wav")
    if target.suffix.lower() != ".wav":
        raise AudioError(f"output={str(target)!r} must end in .wav")
    if target.resolve() == source.resolve():
        raise AudioError(f"output={str(target)!r} is the source; choose another --output")
    check_file(target, overwrite=overwrite)
    begun = time.perf_counter()
    with show_progress(quiet=quiet or as_json) as show:

        def progress(share: float) -> None:
            if show is not None:
                show("transfer", share, f"{source.name} to {to}")

        report = transfer_file(source, target, to, amount=amount, progress=progress)
    seconds = time.perf_counter() - begun
    duration_sec = report.num_samples / report.sample_rate
    if as_json:
        facts = {
            "file": str(target),
            "to": to,
            "amount": amount,
            "duration_sec": round(duration_sec, 3),
            "gain_db": round(report.gain_db, 2),
            "quieter_to_keep_peaks": report.limited_by_peak,
            "real_time_factor": round(duration_sec / max(seconds, 1e-9), 1),
        }
        print(json.dumps(facts, indent=1))
    elif not quiet:
        peaks = ", quieter than the source to keep its peaks" if report.limited_by_peak else ""
        print(f"Written to {target}: {duration_sec:.1f} s{peaks}")


def register_transfer(app: typer.Typer) -> None:
    """Add the command ``transfer``."""

    @app.command()
    def transfer(
        source: Annotated[Path, typer.Argument(metavar="IN.wav", help="Any audio file.")],
        to: Annotated[
            str,
            typer.Option(
                metavar="CLASS",
                help="strings, brass, woodwind, orchestra, choir, piano, guitar, organ, synth or "
                "pad.",
            ),
        ],
        output: Annotated[
            Path | None,
            typer.Option(
                "-o", "--output", metavar="FILE", help="The WAV file; else named by source, class."
            ),
        ] = None,
        amount: Annotated[
            float, typer.Option(metavar="0..1", help="How far towards the target, in decibels.")
        ] = 1.0,
        overwrite: Annotated[
            bool, typer.Option("--overwrite", help="Replace the file if it exists.")
        ] = False,
        quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing.")] = False,
        json: Annotated[
            bool, typer.Option("--json", help="Print JSON on stdout, nothing else.")
        ] = False,
    ) -> None:
        """Give a recording the timbre of other instruments; notes, timing and length stay.

        \b
        leitmotiv transfer quartet.wav --to synth -o quartet-synth.wav
        leitmotiv transfer synth-demo.flac --to orchestra --amount 0.7
        """
        transfer_command(
            source,
            to=to,
            output=output,
            amount=amount,
            overwrite=overwrite,
            as_json=json,
            quiet=quiet,
        )
