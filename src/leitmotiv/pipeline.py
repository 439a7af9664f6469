"""The whole flow on one page.

::

    Brief ──plan──▶ Plan ──compose──▶ Score ──perform──▶ Score ──render──▶ Stems ──mix──▶ Master
                                        └──────────── review (findings; never edits) ─────────┘

Purpose: :func:`compose_brief` goes from words (or a Brief, or a Plan that a person edited) to a
:class:`Piece`; :func:`render_file` takes up the flow at the Score for music made elsewhere;
:func:`save_piece` and :func:`save_rendering` write what came out, whole or not at all.

Conventions:

- One seed decides everything. Each stage draws from a generator of its own, spawned from the
  seed in a fixed order, so that an edit of the plan leaves the draws of the other stages alone.
- Stages report as ``progress(stage, fraction, message)`` with fraction in [0, 1] within the stage.
- Stages are imported when they are reached: words are understood before the libraries that make
  sound are loaded.

Public names: :class:`Piece`, :class:`Rendering`, :class:`Saved`, :class:`PipelineOptions`,
:class:`StageTime`, :data:`Progress`, :data:`STAGES`, :func:`plan_brief`, :func:`compose_brief`,
:func:`compose_generator`, :func:`render_file`, :func:`save_piece`, :func:`save_rendering`.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from leitmotiv.errors import RenderError
from leitmotiv.piece_mix import (
    loop_ticks,
    mix_form,
    mix_preset,
    notes_between,
    ticks_to_samples,
)
from leitmotiv.plan import Brief, Plan, genre_names, make_plan, parse_brief
from leitmotiv.styles import load_style, style_for_genre
from leitmotiv.styles.drum_model import load_drum_model

if TYPE_CHECKING:
    from leitmotiv.audio import Master, Stems
    from leitmotiv.rack import RackGraph
    from leitmotiv.review import Finding
    from leitmotiv.review.originality import OriginalityReport
    from leitmotiv.score import Score

__all__ = [
    "STAGES",
    "Piece",
    "PipelineOptions",
    "Progress",
    "Rendering",
    "Saved",
    "StageTime",
    "compose_brief",
    "compose_generator",
    "plan_brief",
    "render_file",
    "save_piece",
    "save_rendering",
]

Progress = Callable[[str, float, str], None]
"""``progress(stage, fraction, message)``: fraction in [0, 1] within the stage."""

STAGES = (
    "plan",
    "compose",
    "perform",
    "render",
    "effects",
    "mix",
    "master",
    "review",
    "write",
)
"""Stages in the order in which they run."""

LOOP_TAIL_SEC = 6.0
MAX_TAIL_SEC = 12.0  # an endless rack fades here
MIX_LUFS = -20.0  # where the mixer leaves a mix that is not mastered
MAX_DRAWN_SEED = 2**31 - 1  # short enough to be typed again


@dataclass(frozen=True)
class PipelineOptions:
    """Who writes the notes and what makes them sound; what is asked for stands in the brief.

    ``engine`` is ``auto`` (a sound bank where one is found, else neural instruments), ``neural``,
    ``modelled`` or ``sampled``; ``soundfont`` an SF2, SF3 or SFZ file instead of those found.
    ``clones`` are pairs of a part's name and the file of a cloned instrument that plays it.
    ``model`` is the folder or the sidecar of an exported composing model; None is the shipped one.
    ``profile`` is the master's (``streaming``, ``film``, ``game``, ...), ``format`` the files'
    (``wav``, ``flac``, ``mp3``, ...); ``as_loop`` folds stems and master into a seamless loop.
    """

    engine: Literal["auto", "neural", "modelled", "sampled"] = "auto"
    soundfont: Path | None = None
    model: Path | None = None
    clones: tuple[tuple[str, Path], ...] = ()
    profile: str | None = None
    format: str = "wav"
    as_loop: bool = False

    def __post_init__(self) -> None:
        # Said now, not after the composing.
        if self.profile is not None or self.format != "wav":
            from leitmotiv.audio import find_format
            from leitmotiv.mix import find_profile

            find_format(self.format)
            find_profile(self.profile or "streaming")
        if self.soundfont is None:
            return
        if self.engine in ("modelled", "neural"):
            raise RenderError(
                f"soundfont={str(self.soundfont)!r} does not go with engine={self.engine}, which "
                "plays no bank; drop one of the two"
            )
        if not Path(self.soundfont).is_file():
            raise RenderError(
                f"soundfont={str(self.soundfont)!r} is not a file; name an SF2, SF3 or SFZ file"
            )

    @property
    def master_aims(self) -> dict[str, float]:
        """What review holds the master against, where it is not the usual one."""
        from leitmotiv.mix import find_profile

        profile = find_profile(self.profile or ("loop" if self.as_loop else "streaming"))
        aims = {"max_true_peak_dbtp": profile.ceiling_dbtp}
        if profile.integrated_lufs is not None:
            aims["target_lufs"] = profile.integrated_lufs
        else:  # the mix as it is
            aims["target_lufs"] = MIX_LUFS
        return aims

    @property
    def bank(self) -> Path | None:
        """The sound bank that plays; None where the built-in instruments do."""
        if self.engine in ("modelled", "neural") or self.soundfont is not None:
            return self.soundfont
        from leitmotiv.instruments.banks import find_soundfonts

        return next(iter(find_soundfonts()), None)

    @property
    def sound(self) -> str:
        """The engine that plays, where ``auto`` has been decided: neural, modelled or sampled."""
        if self.engine == "modelled":
            return "modelled"
        return "neural" if self.bank is None else "sampled"


@dataclass(frozen=True)
class StageTime:
    """Wall time that one stage took."""

    stage: str
    wall_sec: float


@dataclass(frozen=True, eq=False)
class Piece:
    """Everything that one run made, one noun a stage.

    ``score`` is the quantised text, ``performance`` the same notes with human timing and
    dynamics; ``findings`` are what review noticed, worst first; ``originality`` is what the score
    shares with the training pieces, None where no index is installed.
    """

    plan: Plan
    score: Score
    performance: Score
    stems: Stems
    master: Master
    findings: tuple[Finding, ...] = ()
    timings: tuple[StageTime, ...] = ()
    soundfont: Path | None = None
    model_sidecar: Mapping[str, Any] | None = None
    originality: OriginalityReport | None = None
    engine: str = "modelled"
    format: str = "wav"

    @property
    def seed(self) -> int:
        """The seed that makes this piece again."""
        return self.plan.seed


@dataclass(frozen=True, eq=False)
class Rendering:
    """A score made elsewhere, made to sound."""

    score: Score
    stems: Stems
    master: Master
    timings: tuple[StageTime, ...] = ()
    soundfont: Path | None = None
    engine: str = "modelled"
    format: str = "wav"


@dataclass
class _Clock:
    """Times the stages and passes their progress on."""

    progress: Progress | None = None
    timings: list[StageTime] = field(default_factory=list)

    @contextmanager
    def stage(self, name: str, message: str) -> Iterator[Callable[[float, str], None]]:
        """Run one stage; yields a ``progress(fraction, message)`` for its inside."""
        start = time.perf_counter()
        self._tell(name, 0.0, message)
        # Only the end of the stage says 1.
        yield lambda fraction, text: self._tell(name, min(max(fraction, 0.0), 0.999), text)
        self.timings.append(StageTime(name, time.perf_counter() - start))
        self._tell(name, 1.0, message)

    def _tell(self, stage: str, fraction: float, message: str) -> None:
        if self.progress is not None:
            self.progress(stage, fraction, message)


def _generators(seed: int) -> dict[str, np.random.Generator]:
    names = ("plan", "compose", "perform", "render")
    return dict(zip(names, np.random.default_rng(seed).spawn(len(names)), strict=True))


def compose_generator(seed: int) -> np.random.Generator:
    """Return the generator from which a seed's notes are drawn, to write the same notes again."""
    return _generators(seed)["compose"]


def plan_brief(source: str | Brief | Plan, *, seed: int | None = None) -> Plan:
    """Decide everything about a piece before a note is written.

    Parameters
    ----------
    source : str, Brief or Plan
        Words, a brief, or a plan; a plan is returned as it is but for the seed.
    seed : int, optional
        Decides every choice; without one the source's own is used, and where that names none,
        one is drawn and stands in the plan.

    Raises
    ------
    BriefError, PlanError
        If the request is empty, out of range or cannot be carried out.
    StyleError
        If the brief names a style that does not exist or breaks the schema.
    """
    if isinstance(source, Plan):
        return source if seed is None or seed == source.seed else source.replace(seed=seed)
    brief = parse_brief(source) if isinstance(source, str) else source
    if seed is None:
        seed = brief.seed if brief.seed is not None else secrets.randbelow(MAX_DRAWN_SEED)
    request = brief.replace(seed=seed)
    if request.style is None:
        plan = make_plan(request, _generators(seed)["plan"], style=style_for_genre)
        return plan if plan.seed == seed else plan.replace(seed=seed)
    style = load_style(request.style)
    if request.genre is None:
        known = (style.conditions.genre, *style.genres, "pop" if style.has_drums else "classical")
        genre = next(word for word in known if word in genre_names())
        request = request.replace(genre=genre)
    plan = make_plan(request, _generators(seed)["plan"], style=style)
    # A person's own file is found again by its path.
    return plan.replace(seed=seed, style=request.style)


def compose_brief(
    source: str | Brief | Plan,
    *,
    seed: int | None = None,
    options: PipelineOptions = PipelineOptions(),
    progress: Progress | None = None,
) -> Piece:
    """Go from a request to a finished piece.

    Parameters
    ----------
    source : str, Brief or Plan
        Words, a brief, or a plan that a person may have edited.
    seed : int, optional
        As in :func:`plan_brief`. The same seed gives the same piece on the same version.
    options : PipelineOptions
        Engine and sound bank.
    progress : Progress, optional
        Called as each stage goes on.

    Raises
    ------
    LeitmotivError
        In one line, from the stage that cannot go on. Nothing has been written.
    """
    clock = _Clock(progress)

    with clock.stage("plan", "form, harmony, palette"):
        plan = plan_brief(source, seed=seed)
        rng = _generators(plan.seed)
        racks = _racks(plan)

    with clock.stage("compose", f"{plan.num_bars} bars for {plan.num_parts} parts") as tell:
        from leitmotiv.compose import compose
        from leitmotiv.models import open_model

        model = open_model(options.model)
        score = compose(plan, model=model, rng=rng["compose"], progress=tell)

    with clock.stage("perform", "timing and dynamics"):
        from leitmotiv.compose import perform, write_dynamics
        from leitmotiv.compose.locked import keep_locked
        from leitmotiv.score.articulations import with_articulations_of

        performance = perform(score, plan, rng=rng["perform"])
        score = keep_locked(write_dynamics(score, plan), plan)
        score = with_articulations_of(score, performance)

    stems, master = _sound(performance, plan, options, rng["render"], clock, racks)

    with clock.stage("review", "read the notes, hear the master"):
        from leitmotiv.review import review_audio, review_score
        from leitmotiv.review.originality import known_originality

        # Once over all that was written: developments of the theme and repairs, too.
        originality = known_originality(score, genre=plan.genre)
        findings = (
            *review_score(score, plan),
            *(originality.findings() if originality else ()),
            *review_audio(master, stems, **options.master_aims),
        )

    timings = tuple(clock.timings)
    return Piece(
        plan,
        score,
        performance,
        stems,
        master,
        findings,
        timings,
        options.bank,
        model.sidecar,
        originality,
        options.sound,
        options.format,
    )


def _racks(plan: Plan) -> dict[str, RackGraph]:
    """The racks that parts play through, by the names of the parts; said now if one is wrong."""
    if not any(part.rack for part in plan.parts):
        return {}
    from leitmotiv.rack.stems import load_racks

    loaded = load_racks(part.rack for part in plan.parts)
    return {part.name: loaded[part.rack] for part in plan.parts if part.rack}


def _sound(
    performance: Score,
    plan: Plan | None,
    options: PipelineOptions,
    rng: np.random.Generator,
    clock: _Clock,
    racks: Mapping[str, RackGraph] = MappingProxyType({}),
) -> tuple[Stems, Master]:
    """Render, mix and master a performance; ``racks`` are the effects of parts by their names."""
    turn = loop_ticks(performance, plan) if options.as_loop else None
    if turn is not None:
        performance = notes_between(performance, *turn)
    with clock.stage("render", f"{performance.num_notes} notes") as tell:
        from leitmotiv.instruments import RenderOptions, render_stems

        render = RenderOptions(
            engine=options.engine, soundfont=options.soundfont, clones=options.clones
        )
        # All of what rings has to be heard out, and of a loop to come round; silence is cut below.
        tail_sec = max([render.tail_sec, *(min(r.tail_sec, MAX_TAIL_SEC) for r in racks.values())])
        if turn is not None:
            tail_sec = max(tail_sec, LOOP_TAIL_SEC)
        render = replace(render, tail_sec=tail_sec)
        dry = render_stems(performance, options=render, rng=rng, progress=tell)

    if racks:
        with clock.stage(
            "effects", ", ".join(sorted({rack.name for rack in racks.values()}))
        ) as tell:
            from leitmotiv.rack.stems import rack_stems

            qpm = performance.tempo_map.qpm[0]
            chosen = [racks.get(part.name) for part in performance.parts]
            dry = rack_stems(dry, chosen, tempo_bpm=qpm, progress=tell)

    with clock.stage("mix", "balance, room, faders"):
        from leitmotiv.mix import balance_stems, find_preset, mix_down, trim_tail

        preset = find_preset(mix_preset(performance, plan))
        stems = balance_stems(
            dry,
            tuple(part.role for part in performance.parts),
            programs=tuple(None if part.is_drum else part.program for part in performance.parts),
            preset=preset,
            form=mix_form(performance, plan),
            overwrite=True,  # the dry stems have no further use
        )
        loop, start = None, 0
        if turn is None:
            stems = trim_tail(stems, overwrite=True)
        else:
            from leitmotiv.audio import LoopPoints
            from leitmotiv.mix.loops import fold_stems

            start, end = ticks_to_samples(performance, turn, stems.sample_rate)
            stems = fold_stems(stems, LoopPoints(start, end))
            loop = LoopPoints(0, end - start)
        mix = mix_down(stems)

    with clock.stage("master", "loudness and peaks"):
        from leitmotiv.audio import Marker, find_format
        from leitmotiv.mix import find_profile, master

        profile = find_profile(options.profile or ("loop" if options.as_loop else "streaming"))
        if loop is not None:
            profile = replace(profile, is_loop=True, fade_sec=0.0)
        coded = find_format(options.format)
        mastered = master(
            mix,
            stems.sample_rate,
            profile=profile,
            tone=preset.tone,
            format=coded.name if coded.lossy else None,
        )
        places = ticks_to_samples(
            performance, [m.tick for m in performance.sections], stems.sample_rate
        )
        markers = tuple(
            Marker(place - start, mark.label)
            for place, mark in zip(places, performance.sections, strict=True)
            if start <= place < start + stems.num_samples
        )
        return stems, replace(mastered, markers=markers, loop=loop)


def render_file(
    path: str | Path,
    *,
    seed: int = 0,
    options: PipelineOptions = PipelineOptions(),
    progress: Progress | None = None,
) -> Rendering:
    """Make a MIDI or MusicXML file sound: stems and master.

    Its notes are played as they stand: a file made elsewhere is a performance already.

    Raises
    ------
    ReadError
        If the file cannot be read as music.
    RenderError
        If it holds no notes or an instrument cannot sound.
    """
    from leitmotiv.score import read_score

    clock = _Clock(progress)
    with clock.stage("read", Path(path).name):
        score = read_score(path)
    if not score.num_notes:
        raise RenderError(f"{str(path)!r} holds no notes; give a file with at least one note")
    stems, master = _sound(score, None, options, _generators(seed)["render"], clock)
    times = tuple(clock.timings)
    return Rendering(score, stems, master, times, options.bank, options.sound, options.format)


@dataclass(frozen=True)
class Saved:
    """Where a result was written: its folder, every file in it, the time of each stage."""

    folder: Path
    files: tuple[Path, ...]
    timings: tuple[StageTime, ...]


def _saved(
    made: Piece | Rendering,
    folder: str | Path,
    write: Callable[[], object],
    progress: Progress | None,
) -> Saved:
    clock = _Clock(progress, list(made.timings))
    with clock.stage("write", str(folder)):
        write()
    files = sorted(path for path in Path(folder).rglob("*") if path.is_file())
    return Saved(Path(folder), tuple(files), tuple(clock.timings))


def _timbre_sidecar(engine: str) -> Mapping[str, Any] | None:
    """What the neural instruments were made from, where they play."""
    if engine != "neural":
        return None
    from leitmotiv.instruments.neural_model import load_network

    return load_network().sidecar


def _drum_model(plan: Plan) -> dict[str, Any] | None:
    """What the learned drummer was made from, where the plan has one play."""
    if not any(part.is_drum for part in plan.parts):
        return None
    style = load_style(plan.style or "pop")  # as the composer chooses
    return load_drum_model().meta if style.drummer is not None else None


def save_piece(
    piece: Piece,
    folder: str | Path,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Saved:
    """Write a piece as a bundle: score, plan, stems, master, picture and provenance.

    Raises
    ------
    ReleaseError
        If the folder is in use or cannot be written; nothing is left behind.
    """
    from leitmotiv.release import build_provenance, write_bundle
    from leitmotiv.score import Origin

    by_model = any((part.notes["origin"] == Origin.MODEL).any() for part in piece.score.parts)
    provenance = build_provenance(
        score=piece.score,
        plan=piece.plan,
        model_sidecar=piece.model_sidecar if by_model else None,
        drum_model=_drum_model(piece.plan),
        engine=piece.engine,
        timbre_sidecar=_timbre_sidecar(piece.engine),
        soundfont=piece.soundfont,
        findings=piece.findings,
        originality=piece.originality,
    )

    def write() -> None:
        write_bundle(
            folder,
            score=piece.score,
            performance=piece.performance,
            plan=piece.plan,
            stems=piece.stems,
            master=piece.master,
            format=piece.format,
            provenance=provenance,
            overwrite=overwrite,
        )

    return _saved(piece, folder, write, progress)


def save_rendering(
    rendering: Rendering,
    folder: str | Path,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Saved:
    """Write a rendering as a bundle without a plan.

    Raises
    ------
    ReleaseError
        As in :func:`save_piece`.
    """
    from leitmotiv.release import build_provenance, write_bundle
    from leitmotiv.review.originality import known_originality

    provenance = build_provenance(
        score=rendering.score,
        engine=rendering.engine,
        timbre_sidecar=_timbre_sidecar(rendering.engine),
        soundfont=rendering.soundfont,
        originality=known_originality(rendering.score),
    )

    def write() -> None:
        write_bundle(
            folder,
            score=rendering.score,
            stems=rendering.stems,
            master=rendering.master,
            format=rendering.format,
            provenance=provenance,
            overwrite=overwrite,
        )

    return _saved(rendering, folder, write, progress)
