"""Score to stems: choose an engine and play every part.

Three engines stand behind one verb: the modelled instruments
(:mod:`~leitmotiv.instruments.modelled`) and the neural ones
(:mod:`~leitmotiv.instruments.neural`), which are built in, and the sampler, which plays a
SoundFont. ``auto`` takes the sampler where a bank is found and the neural instruments otherwise. An
instrument cloned from a person's notes may play any part, whatever the engine.

Public names: :func:`render_stems`, :class:`RenderOptions`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from os import cpu_count
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE, Stems
from leitmotiv.errors import RenderError
from leitmotiv.instruments.articulation import playing_parts
from leitmotiv.instruments.memory import check_memory
from leitmotiv.instruments.sfz import SfzEngine, is_sfz
from leitmotiv.score.score import Part, Score

__all__ = ["RenderOptions", "render_stems"]

Engine = Literal["auto", "neural", "modelled", "sampled"]

_LONGEST_SEC = 3600.0


@dataclass(frozen=True)
class RenderOptions:
    """How to render.

    ``engine``: ``"neural"`` for the trained instruments (modelled where none is trained),
    ``"modelled"`` for the modelled ones alone, ``"sampled"`` for a SoundFont, ``"auto"`` for a
    SoundFont where there is one and neural otherwise. ``soundfont``: an SF2 or SF3 bank, or an SFZ
    instrument that plays every part; None looks in the usual places. ``tail_sec``: seconds after
    the last bar for sounds to ring out, 0-60. ``clones``: pairs of a part's name and the file of a
    cloned instrument that plays it.

    Raises
    ------
    RenderError
        If a value is out of range.
    """

    engine: Engine = "auto"
    soundfont: Path | None = None
    sample_rate: int = SAMPLE_RATE
    tail_sec: float = 2.5
    clones: tuple[tuple[str, Path], ...] = ()

    def __post_init__(self) -> None:
        if self.engine not in get_args(Engine):
            legal = ", ".join(get_args(Engine))
            raise RenderError(f"engine={self.engine!r} must be one of {legal}")
        if not 8_000 <= self.sample_rate <= 192_000:
            raise RenderError(f"sample_rate={self.sample_rate} must be 8000-192000 Hz")
        if not 0.0 <= self.tail_sec <= 60.0:
            raise RenderError(f"tail_sec={self.tail_sec:g} must be 0-60 seconds")


def _bank(options: RenderOptions) -> Path | None:
    """The SoundFont to play, or None for the built-in instruments."""
    if options.engine in ("modelled", "neural"):
        return None
    if options.soundfont is not None:
        if not options.soundfont.is_file():
            raise RenderError(
                f"soundfont={str(options.soundfont)!r} is not a file; name an SF2, SF3 or SFZ "
                "file or use engine='modelled'"
            )
        return options.soundfont
    from leitmotiv.instruments.banks import find_soundfonts

    found = find_soundfonts()
    if found:
        return found[0]
    if options.engine == "sampled":
        raise RenderError(
            "engine='sampled' needs a SoundFont and none was found; install one, name it with "
            "soundfont=..., or use engine='modelled'"
        )
    return None


def _names(parts: tuple[Part, ...]) -> tuple[str, ...]:
    """Part names, numbered where two are the same."""
    seen: dict[str, int] = {}
    names = []
    for part in parts:
        name = part.name or "part"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return tuple(names)


def render_stems(
    score: Score,
    *,
    options: RenderOptions | None = None,
    rng: np.random.Generator,
    progress: Callable[[float, str], None] | None = None,
) -> Stems:
    """Play a score, one stem a part.

    Parameters
    ----------
    score : Score
    options : RenderOptions, optional
    rng : numpy.random.Generator
        Seeds the small differences between notes; the same seed gives the same audio.
    progress : callable, optional
        Called with the share done (0-1) and the name of the part just finished.

    Returns
    -------
    Stems
        One buffer a part, dry, near equal in loudness at mezzo-forte; silence for an empty part.

    Raises
    ------
    RenderError
        If the score is too long, would not fit into memory, or the SoundFont is missing or corrupt.

    Examples
    --------
    >>> from leitmotiv.score import Part, Score, make_notes
    >>> score = Score((Part("flute", 73, notes=make_notes([0], [480], [72])),))
    >>> options = RenderOptions(engine="modelled", tail_sec=0.5)
    >>> stems = render_stems(score, options=options, rng=np.random.default_rng(1))
    >>> stems.names, stems.num_samples
    (('flute',), 120000)
    """
    options = options or RenderOptions()
    duration_sec = score.duration_sec + options.tail_sec
    if duration_sec > _LONGEST_SEC:
        raise RenderError(
            f"duration {duration_sec:.0f} s must be at most {_LONGEST_SEC:.0f} s; split the score"
        )
    num_samples = int(np.ceil(duration_sec * options.sample_rate))
    workers = max(1, min(len(score.parts), cpu_count() or 1))
    sounding = sum(len(part.notes) > 0 for part in score.parts)
    check_memory(sounding, num_samples, options.sample_rate, workers)
    rngs = rng.spawn(len(score.parts))
    render = _renderer(score, options, num_samples)
    audio: list[NDArray[np.float32] | None] = [None] * len(score.parts)
    names = _names(score.parts)
    with ThreadPoolExecutor(workers) as pool:
        jobs = {
            pool.submit(render, part, part_rng): index
            for index, (part, part_rng) in enumerate(zip(score.parts, rngs, strict=True))
        }
        for done, job in enumerate(as_completed(jobs), start=1):
            index = jobs[job]
            audio[index] = job.result()
            if progress is not None:
                progress(done / len(jobs), names[index])
    return Stems(names, tuple(a for a in audio if a is not None), options.sample_rate)


def _renderer(
    score: Score, options: RenderOptions, num_samples: int
) -> Callable[[Part, np.random.Generator], NDArray[np.float32]]:
    """A player of parts that follows their articulations, whatever the engine."""
    play, programs = _engine(score, options, num_samples)
    if options.clones:
        play = _with_clones(play, score, options, num_samples)

    def articulated(part: Part, rng: np.random.Generator) -> NDArray[np.float32]:
        first, *others = playing_parts(part, score.tempo_map, programs=programs)
        audio = play(first, rng)
        for other in others:
            audio = audio + play(other, rng)
        return audio

    return articulated


def _with_clones(
    play: Callable[[Part, np.random.Generator], NDArray[np.float32]],
    score: Score,
    options: RenderOptions,
    num_samples: int,
) -> Callable[[Part, np.random.Generator], NDArray[np.float32]]:
    from leitmotiv.instruments.neural import render_part
    from leitmotiv.instruments.neural_clone import load_clone

    wanted = {name.casefold(): load_clone(path).timbre for name, path in options.clones}
    names = {part.name.casefold() for part in score.parts if not part.is_drum}
    for name, _ in options.clones:
        if name.casefold() not in names:
            raise RenderError(f"no part is named {name!r}; name one of {', '.join(sorted(names))}")

    def cloned(part: Part, rng: np.random.Generator) -> NDArray[np.float32]:
        timbre = None if part.is_drum else wanted.get(part.name.casefold())
        if timbre is None:
            return play(part, rng)
        return render_part(part, score, options.sample_rate, num_samples, rng, timbre=timbre)

    return cloned


def _engine(
    score: Score, options: RenderOptions, num_samples: int
) -> tuple[Callable[[Part, np.random.Generator], NDArray[np.float32]], Collection[int] | None]:
    """What plays a part, and the programs that it has; None for all of them."""
    bank = _bank(options)
    if bank is not None and is_sfz(bank):
        instrument = SfzEngine(bank, options.sample_rate)

        def by_sfz(part: Part, rng: np.random.Generator) -> NDArray[np.float32]:
            return instrument.render_part(part, score, num_samples)

        return by_sfz, ()  # one instrument: no program stands for its pizzicato or tremolo
    if bank is not None:
        from leitmotiv.instruments.sampler import SampledEngine

        engine = SampledEngine(bank, options.sample_rate, ensemble=True, round_robin=True)

        def sampled(part: Part, rng: np.random.Generator) -> NDArray[np.float32]:
            return engine.render_part(part, score, num_samples)

        return sampled, {
            number for bank_number, number in engine.soundfont.presets if not bank_number
        }
    if options.engine == "modelled":
        from leitmotiv.instruments.modelled import render_part
    else:
        from leitmotiv.instruments.neural import render_part

    def built_in(part: Part, rng: np.random.Generator) -> NDArray[np.float32]:
        return render_part(part, score, options.sample_rate, num_samples, rng)

    return built_in, None
