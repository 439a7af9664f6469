"""``leitmotiv master``: bring any recording to a platform's loudness, tone and peaks.

Public names: :func:`master_command`, :func:`register_master`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from leitmotiv.audio.sound_report import SoundReport
    from leitmotiv.mix.master_file import MasteredFile

__all__ = ["master_command", "register_master"]

PROFILE_NAMES = ("streaming", "film", "game", "game-portable", "loop", "raw")
TONE_NAMES = ("balanced", "pop", "electronic", "orchestral", "acoustic", "ambient", "none")
FORMAT_NAMES = ("wav", "wav16", "wav24", "wav32f", "flac", "ogg", "opus", "mp3")


def _choose(name: str, legal: tuple[str, ...], text: str | None) -> str | None:
    if text is not None and text not in legal:
        raise typer.BadParameter(f"{name}={text} must be one of {', '.join(legal)}")
    return text


def master_command(
    source: Path,
    *,
    output: Path | None,
    profile: str,
    tone: str,
    reference: Path | None,
    format: str | None,
    pair: bool,
    page: bool,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Master a file, draw its page, and say what came of it."""
    import json
    import sys
    import time

    from leitmotiv import __version__
    from leitmotiv.audio import find_format
    from leitmotiv.audio.files import check_readable
    from leitmotiv.cli.folders import check_file
    from leitmotiv.cli.progress import show_progress
    from leitmotiv.errors import AudioError
    from leitmotiv.mix.master_file import master_file, write_matched_pair
    from leitmotiv.mix.profiles import find_profile
    from leitmotiv.release.master_page import draw_master_page

    start = time.perf_counter()
    chosen = find_format(format if format is not None else str(output or "wav"))
    path = output or source.with_name(f"{source.stem}-master{chosen.suffix}")
    if path.suffix.lower() != chosen.suffix:
        raise AudioError(
            f"output {str(path)!r} does not end in {chosen.suffix}, as {chosen.name} does; "
            "choose another name with -o or another --format"
        )
    picture = path.with_suffix(".png")
    versions = (path.with_name(f"{path.stem}-a.wav"), path.with_name(f"{path.stem}-b.wav"))
    for file in (path, *((picture,) if page else ()), *(versions if pair else ())):
        for what, read in (("input", source), ("reference", reference)):
            if read is not None and read.exists() and file.exists() and file.samefile(read):
                raise AudioError(f"output {str(file)!r} is the {what}; choose another name with -o")
        check_file(file, overwrite=overwrite)
    for read in (source, reference):
        if read is not None:
            check_readable(read)
    path.parent.mkdir(parents=True, exist_ok=True)
    aim = find_profile(profile)
    with show_progress(sys.stderr if as_json else sys.stdout, quiet=quiet) as progress:

        def tell(fraction: float, message: str) -> None:
            if progress is not None:
                progress("master", fraction, message)

        done = master_file(
            source,
            path,
            profile=aim,
            tone=tone,
            reference=reference,
            format=chosen,
            software=f"Leitmotiv {__version__}",
            progress=tell,
        )
    files = [path]
    level = None
    if pair:
        level = write_matched_pair(source, path, versions, reports=(done.before, done.after))
        files += versions
    if page:
        draw_master_page(
            done.before,
            done.after,
            picture,
            title=f"{source.name}: {aim.name}" + (f", like {reference.name}" if reference else ""),
            reference=done.reference,
            target_lufs=aim.integrated_lufs,
            ceiling_dbtp=None if aim.is_raw else aim.ceiling_dbtp,
        )
        files.append(picture)
    if as_json:
        data = {
            "files": [str(file) for file in files],
            "profile": aim.name,
            "before": done.before.to_dict(),
            "after": done.after.to_dict(),
            "encoded_peak_dbtp": {k: round(v, 2) for k, v in done.encoded_peak_dbtp.items()},
            "notes": list(done.notes),
            "wall_sec": round(time.perf_counter() - start, 3),
        }
        print(json.dumps(data, ensure_ascii=False, indent=1))
    elif quiet:
        print(path)
    else:
        print("\n".join(_lines(done, files, level, time.perf_counter() - start)))


def _lines(
    done: MasteredFile, files: list[Path], level: float | None, wall_sec: float
) -> list[str]:
    def row(name: str, report: SoundReport) -> str:
        return (
            f"  {name:<9} {report.integrated_lufs:7.2f} LUFS  {report.true_peak_dbtp:6.2f} dBTP  "
            f"range {report.loudness_range_lu:4.1f} LU  "
            f"peak over loudness {report.peak_to_loudness_db:4.1f} dB"
        )

    lines = [f"Done in {wall_sec:.1f} s: {files[0]}", row("before", done.before)]
    if done.reference is not None:
        lines.append(row("reference", done.reference))
    lines.append(row("after", done.after))
    if done.encoded_peak_dbtp:
        peaks = ", ".join(f"{name} {peak:.2f}" for name, peak in done.encoded_peak_dbtp.items())
        lines.append(f"  encoded   true peaks {peaks} dBTP")
    if level is not None:
        lines.append(f"  a and b   both at {level:.2f} LUFS")
    lines += [f"  {file}" for file in files[1:]]
    lines += [f"  note: {note}" for note in done.notes]
    return lines


def _master(
    source: Annotated[Path, typer.Argument(metavar="IN", help="A WAV, FLAC, Ogg or MP3 file.")],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="OUT", help="Its suffix says the format."),
    ] = None,
    profile: Annotated[
        str, typer.Option(metavar="|".join(PROFILE_NAMES), help="Loudness and peaks for whom.")
    ] = "streaming",
    reference: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A track to come near to in tone.")
    ] = None,
    tone: Annotated[
        str, typer.Option(metavar="|".join(TONE_NAMES), help="Usual balance of which music.")
    ] = "balanced",
    format: Annotated[
        str | None, typer.Option(metavar="|".join(FORMAT_NAMES), help="Else by the suffix.")
    ] = None,
    ab: Annotated[
        bool, typer.Option("--ab", help="Also write before and after at one loudness.")
    ] = False,
    page: Annotated[
        bool, typer.Option("--page/--no-page", help="Draw the before/after page as PNG.")
    ] = True,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")] = False,
    json: Annotated[
        bool, typer.Option("--json", help="Print JSON on stdout, nothing else.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Print where it is, no more.")
    ] = False,
) -> None:
    """Master a recording: exact loudness and true peaks, tone, dynamics, width; any length.

    \b
    leitmotiv master mix.wav -o song.wav
    leitmotiv master mix.wav --reference favourite.flac -o song.flac --ab
    leitmotiv master score.wav --profile film -o score-r128.wav
    leitmotiv master mix.wav -o song.mp3               exact after encoding
    """
    master_command(
        source,
        output=output,
        profile=_choose("profile", PROFILE_NAMES, profile) or "streaming",
        tone=_choose("tone", TONE_NAMES, tone) or "balanced",
        reference=reference,
        format=_choose("format", FORMAT_NAMES, format),
        pair=ab,
        page=page,
        overwrite=overwrite,
        as_json=json,
        quiet=quiet,
    )


def register_master(app: typer.Typer) -> None:
    """Add the command to an application."""
    app.command("master")(_master)
