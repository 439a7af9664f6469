"""What each command does: read the input, run the pipeline, say what came of it.

Public names: :func:`compose_command`, :func:`plan_command`, :func:`render_command`,
:func:`info_command`.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, Literal, cast

from leitmotiv.errors import BriefError, PlanError, RenderError

if TYPE_CHECKING:
    from leitmotiv.pipeline import PipelineOptions, StageTime
    from leitmotiv.plan import Brief, Plan

__all__ = [
    "compose_command",
    "info_command",
    "plan_command",
    "render_command",
]


def _is_file(text: str) -> bool:
    """Tell whether a text names a file; a long brief is no file name at all."""
    try:
        return Path(text).is_file()
    except (OSError, ValueError):
        return False


def _read_references(like: Sequence[str]) -> dict[str, Plan]:
    """Plans by name, from "NAME=FILE" or a bare file or bundle folder; the bare one has no name."""
    from leitmotiv.plan import Plan

    found: dict[str, Plan] = {}
    for entry in like:
        name, equals, path = entry.partition("=")
        if not equals or _is_file(entry):
            name, path = "", entry
        folder = Path(path)
        name = " ".join(name.split())
        if name in found:
            raise PlanError(
                f"--like names {name or 'the piece'!r} twice; give each piece a name of its own, "
                "as --like 'scene 2=plan.json'"
            )
        found[name] = Plan.from_json(folder / "plan.json" if folder.is_dir() else folder)
    return found


def _read_source(source: str, num_bars: int | None, like: Sequence[str] = ()) -> Brief | Plan:
    """A plan where a JSON file is named, else a brief in words."""
    from leitmotiv.plan import Plan, compare_brief, parse_brief

    if like:
        if source.strip().lower().endswith(".json"):
            raise PlanError(
                f"--like goes with words, not with the plan {source!r}; say what shall differ, as "
                "leitmotiv plan 'like this but darker' --like plan.json"
            )
        changed = compare_brief(source, _read_references(like))
        return changed if num_bars is None else changed.replace(num_bars=num_bars, chords=None)
    if source.strip().lower().endswith(".json") or _is_file(source):
        if num_bars is not None:
            raise PlanError(
                f"--bars {num_bars} does not go with a plan, which says its own length; "
                f"edit num_bars and the sections in {source!r}"
            )
        return Plan.from_json(source)
    if not source.strip():
        raise BriefError(
            "the brief is empty; say what to compose, "
            'such as: leitmotiv compose "a calm piece for piano in G major, 16 bars"'
        )
    brief = parse_brief(source)
    return brief if num_bars is None else brief.replace(num_bars=num_bars, duration_sec=None)


def _with_theme(request: Brief | Plan, path: Path | None) -> Brief | Plan:
    """The request with a theme from a file."""
    from leitmotiv.plan import Plan

    if path is None:
        return request
    if isinstance(request, Plan):
        raise PlanError(
            f"--theme {str(path)!r} goes with words, not with a plan, which has its theme; "
            "give the words again with --theme"
        )
    from leitmotiv.plan.theme_file import with_theme_file

    return with_theme_file(request, path)


def _with_style(
    request: Brief | Plan,
    style: str | None,
    drums: tuple[float | None, float | None, int | None],
) -> Brief | Plan:
    """The request with a style and drum controls from the command line."""
    from leitmotiv.plan import Plan
    from leitmotiv.plan.drums import DrumControls

    asked: dict[str, Any] = dict(zip(("complexity", "intensity", "seed"), drums, strict=True))
    given = {name: value for name, value in asked.items() if value is not None}
    if style is not None:
        request = request.replace(style=style)
    if given and isinstance(request, Plan):
        request = request.replace(drums=request.drums.replace(**given))
    elif given:
        request = request.replace(drums=DrumControls(**given))
    return request


def _clones(instruments: Sequence[str]) -> tuple[tuple[str, Path], ...]:
    """Read ``PART=FILE`` options; a file that is no instrument is refused before any work."""
    pairs = []
    for text in instruments:
        part, equals, file = text.partition("=")
        if not equals or not part.strip() or not file.strip():
            raise RenderError(
                f"instrument={text!r} must be PART=FILE, such as 'Alto Sax=mine.json'"
            )
        pairs.append((part.strip(), Path(file.strip()).expanduser()))
    if pairs:
        from leitmotiv.instruments.neural_clone import load_clone

        for _, path in pairs:
            load_clone(path)
    return tuple(pairs)


def _options(
    engine: str,
    soundfont: Path | None,
    model: Path | None = None,
    instruments: Sequence[str] = (),
    **delivery: Any,
) -> PipelineOptions:
    from leitmotiv.pipeline import PipelineOptions

    chosen = cast(Literal["auto", "neural", "modelled", "sampled"], engine)
    clones = _clones(instruments)
    return PipelineOptions(
        engine=chosen, soundfont=soundfont, model=model, clones=clones, **delivery
    )


def _print_json(data: dict[str, Any]) -> None:
    print(json.dumps(data, ensure_ascii=False, indent=1))


def _stage_seconds(timings: tuple[StageTime, ...]) -> dict[str, float]:
    return {time_.stage: round(time_.wall_sec, 3) for time_ in timings}


def compose_command(
    source: str,
    *,
    output: Path | None,
    seed: int | None,
    num_bars: int | None,
    like: Sequence[str] = (),
    theme: Path | None = None,
    style: str | None = None,
    drums: tuple[float | None, float | None, int | None] = (None, None, None),
    adventure: float | None = None,
    engine: str,
    soundfont: Path | None,
    instruments: Sequence[str] = (),
    model: Path | None,
    profile: str | None = None,
    format: str = "wav",
    as_loop: bool = False,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
    given: Sequence[str] = (),
    sound: Sequence[str] = (),
) -> None:
    """Compose a piece and write its bundle; ``given`` and ``sound`` as in ``closing_lines``."""
    start = time.perf_counter()
    from leitmotiv.cli.chart import plan_summary
    from leitmotiv.cli.folders import choose_folder
    from leitmotiv.cli.progress import show_progress
    from leitmotiv.cli.report import brief_lines, closing_lines, finding_lines, finding_to_dict
    from leitmotiv.plan import Plan

    silent = as_json or quiet
    request = _with_theme(_read_source(source, num_bars, like), theme)
    request = _with_style(request, style, drums)
    if adventure is not None:
        request = request.replace(adventure=adventure)
    brief = request.brief if isinstance(request, Plan) else request
    if not silent:
        if isinstance(request, Plan):
            print(f"Plan {source}: {request.title}")
        else:
            print("\n".join(brief_lines(brief)))
        sys.stdout.flush()

    from leitmotiv.pipeline import compose_brief, plan_brief, save_piece

    options = _options(
        engine, soundfont, model, instruments, profile=profile, format=format, as_loop=as_loop
    )
    plan = plan_brief(request, seed=seed)
    folder = choose_folder(plan.title, output, overwrite=overwrite)
    if not silent:
        print(f"{plan.title}: {plan_summary(plan)}", flush=True)

    with show_progress(sys.stderr if as_json else sys.stdout, quiet=quiet) as progress:
        piece = compose_brief(plan, options=options, progress=progress)
        saved = save_piece(piece, folder, overwrite=overwrite, progress=progress)
    wall_sec = time.perf_counter() - start

    if as_json:
        _print_json(
            {
                "folder": str(folder),
                "files": [str(path) for path in saved.files],
                "title": plan.title,
                "seed": plan.seed,
                "duration_sec": round(piece.master.duration_sec, 3),
                "integrated_lufs": round(piece.master.integrated_lufs, 2),
                "true_peak_dbtp": round(piece.master.true_peak_dbtp, 2),
                "understood": list(brief.understood),
                "not_understood": list(brief.not_understood),
                "findings": [finding_to_dict(finding) for finding in piece.findings],
                "wall_sec": round(wall_sec, 3),
                "stages_sec": _stage_seconds(saved.timings),
            }
        )
    elif quiet:
        print(folder)
    else:
        print("\n".join(finding_lines(piece.findings, piece.score)))
        finished = next(path.name for path in saved.files if path.stem == "master")
        closing = closing_lines(
            folder, source, plan.seed, wall_sec, given=given, sound=sound, master=finished
        )
        print("\n".join(closing))


def plan_command(
    source: str,
    *,
    output: Path | None,
    seed: int | None,
    num_bars: int | None,
    like: Sequence[str] = (),
    theme: Path | None = None,
    style: str | None = None,
    drums: tuple[float | None, float | None, int | None] = (None, None, None),
    adventure: float | None = None,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Make a plan, show it and write it."""
    from leitmotiv.cli.chart import plan_to_chart
    from leitmotiv.cli.folders import check_file
    from leitmotiv.cli.report import brief_lines
    from leitmotiv.pipeline import plan_brief
    from leitmotiv.plan import Plan

    if output is not None:
        check_file(output, overwrite=overwrite)
    request = _with_theme(_read_source(source, num_bars, like), theme)
    request = _with_style(request, style, drums)
    if adventure is not None:
        request = request.replace(adventure=adventure)
    plan = plan_brief(request, seed=seed)
    if output is not None:
        plan.to_json(output)
    if as_json:
        _print_json(plan.to_dict())
    elif quiet:
        print(output if output is not None else plan.title)
    else:
        if not isinstance(request, Plan):
            print("\n".join([*brief_lines(request), ""]))
        print(plan_to_chart(plan))
        print()
        if output is not None:
            print(f"Written to {output}; edit it, then: leitmotiv compose {quote(str(output))}")
        else:
            print("Nothing written; add -o plan.json to keep it")


def render_command(
    file: Path,
    *,
    output: Path | None,
    seed: int,
    engine: str,
    soundfont: Path | None,
    instruments: Sequence[str] = (),
    profile: str | None = None,
    format: str = "wav",
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Make a file sound and write stems and master."""
    start = time.perf_counter()
    from leitmotiv.cli.folders import choose_folder
    from leitmotiv.cli.progress import show_progress
    from leitmotiv.pipeline import render_file, save_rendering

    options = _options(engine, soundfont, instruments=instruments, profile=profile, format=format)
    folder = choose_folder(f"{file.stem} audio", output, overwrite=overwrite)
    with show_progress(sys.stderr if as_json else sys.stdout, quiet=quiet) as progress:
        rendering = render_file(file, seed=seed, options=options, progress=progress)
        saved = save_rendering(rendering, folder, overwrite=overwrite, progress=progress)
    wall_sec = time.perf_counter() - start
    if as_json:
        _print_json(
            {
                "folder": str(folder),
                "files": [str(path) for path in saved.files],
                "num_parts": len(rendering.score.parts),
                "num_notes": rendering.score.num_notes,
                "duration_sec": round(rendering.master.duration_sec, 3),
                "integrated_lufs": round(rendering.master.integrated_lufs, 2),
                "true_peak_dbtp": round(rendering.master.true_peak_dbtp, 2),
                "wall_sec": round(wall_sec, 3),
                "stages_sec": _stage_seconds(saved.timings),
            }
        )
    elif quiet:
        print(folder)
    else:
        print(f"Done in {wall_sec:.1f} s: {folder}/")
        master = next(path.name for path in saved.files if path.stem == "master")
        print(f"  listen        {folder}/{master}, and each part alone in {folder}/stems/")


def info_command(*, as_json: bool) -> None:
    """Show versions, model, sound banks and licences."""
    from leitmotiv.cli.info import gather_info, info_lines

    data = gather_info()
    if as_json:
        _print_json(data)
    else:
        print("\n".join(info_lines(data)))
