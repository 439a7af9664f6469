"""The mastering chain: what is done to a mix, decided once and run over blocks.

Purpose: :func:`plan_chain` turns measurements into settings; :func:`run_chain` runs audio of any
length through effects with flat memory, a loop as if it went round for ever.

Chain: tone (towards a genre's range, or a reference), multiband dynamics, width; then gain, soft
clipping of attacks far above the ceiling, and the true-peak limiter, which are the second stage
because their gain is found by trying.

Conventions: a source yields float32 blocks ``(channels, samples)`` from any stretch of itself; it
may be read more than once.

Public names: :class:`Source`, :class:`ArraySource`, :class:`MasterChain`, :func:`plan_chain`,
:func:`run_chain`, :class:`Finish`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.sound_report import SILENT_DB, THIRD_OCTAVES_HZ, SoundReport
from leitmotiv.effects import Band, Effect, Equalizer, Limiter, Saturation, StereoWidth
from leitmotiv.mix.dynamics import MultibandDynamics, band_levels_db
from leitmotiv.mix.profiles import MasterProfile
from leitmotiv.mix.tone import MatchingFilter, genre_bands, match_curves

__all__ = [
    "ArraySource",
    "Finish",
    "MasterChain",
    "Source",
    "plan_chain",
    "run_chain",
]

LARGEST_GAIN_DB = 40.0
CLIPPING_DB = 6.0  # peaks this far above the ceiling are rounded off before the limiter
OVER_MEAN_DB = 2.0  # bands are held where they pass their mean by this much
PRE_ROLL_SEC = 8.0
WIDEST_DB, NARROWEST_DB = -4.0, -16.0  # side against middle
MOST_WIDENING = 1.3
MONO_BELOW_HZ = 70.0
_BLOCK = 2**16


class Source(Protocol):
    """Audio that can be read in blocks, more than once."""

    @property
    def num_channels(self) -> int:
        """Channels of every block."""

    @property
    def num_samples(self) -> int:
        """Length in samples."""

    @property
    def sample_rate(self) -> int:
        """Hz."""

    def blocks(
        self, num_samples: int = ..., *, start: int = 0, stop: int | None = None
    ) -> Iterator[NDArray[np.float32]]:
        """Yield a stretch, the whole by default."""


@dataclass(frozen=True, eq=False)
class ArraySource:
    """A buffer as a :class:`Source`."""

    audio: NDArray[np.float32]
    sample_rate: int

    @property
    def num_channels(self) -> int:
        """Channels of the buffer."""
        return self.audio.shape[0]

    @property
    def num_samples(self) -> int:
        """Length in samples."""
        return self.audio.shape[1]

    def blocks(
        self, num_samples: int = _BLOCK, *, start: int = 0, stop: int | None = None
    ) -> Iterator[NDArray[np.float32]]:
        """Yield views of a stretch, the whole by default."""
        end = self.num_samples if stop is None else min(stop, self.num_samples)
        for at in range(start, end, num_samples):
            yield self.audio[:, at : min(at + num_samples, end)]


@dataclass(frozen=True)
class MasterChain:
    """Settings of the first stage; ``match`` are gains towards a reference, middle and side.

    Nothing in it holds audio, so it can be kept, shown and run again.
    """

    profile: MasterProfile
    num_channels: int
    sample_rate: int
    gain_db: float = 0.0
    tone: tuple[Band, ...] = ()
    match: tuple[NDArray[np.float64], NDArray[np.float64]] | None = field(
        default=None, compare=False
    )
    thresholds_db: tuple[float, float, float] = (0.0, 0.0, 0.0)
    ratio: float = 1.0
    width: float = 1.0
    mono_below_hz: float = 0.0

    def effects(self) -> list[Effect]:
        """Return new effects; they work on audio that ``gain_db`` was applied to."""
        channels, rate = self.num_channels, self.sample_rate
        effects: list[Effect] = []
        if self.match is not None:
            middle, side = self.match
            effects.append(MatchingFilter(middle, side, num_channels=channels, sample_rate=rate))
        if self.tone:
            effects.append(Equalizer(self.tone, num_channels=channels, sample_rate=rate))
        if self.ratio > 1:
            effects.append(
                MultibandDynamics(
                    self.thresholds_db, ratio=self.ratio, num_channels=channels, sample_rate=rate
                )
            )
        if self.width != 1.0 or self.mono_below_hz:
            effects.append(
                StereoWidth(
                    width=self.width,
                    mono_below_hz=self.mono_below_hz,
                    sample_rate=self.sample_rate,
                )
            )
        return effects


def _width(spectrum_db: NDArray[np.float64]) -> float:
    """Gain of the side that brings a picture into the usual range; mono stays mono."""
    middle, side = (float(np.sum(10 ** (curve / 10))) for curve in spectrum_db)
    if side <= 10 ** (SILENT_DB / 10) * 100 or middle <= 0:
        return 1.0
    width_db = 10 * math.log10(side / middle)
    if width_db > WIDEST_DB:
        return max(10 ** ((WIDEST_DB - width_db) / 20), 0.3)
    if width_db < NARROWEST_DB - 20:  # as good as mono: what is there is noise or a mistake
        return 1.0
    return min(max(10 ** ((NARROWEST_DB - width_db) / 20), 1.0), MOST_WIDENING)


def _is_wide_below(spectrum_db: NDArray[np.float64]) -> bool:
    """Whether the deep bass lies so far to the sides that it would fight on loudspeakers."""
    deep = THIRD_OCTAVES_HZ < MONO_BELOW_HZ
    middle, side = (float(np.sum(10 ** (curve[deep] / 10))) for curve in spectrum_db)
    return side > 0.05 * middle


def plan_chain(
    spectrum_db: NDArray[np.float64],
    integrated_lufs: float,
    profile: MasterProfile,
    *,
    num_channels: int,
    sample_rate: int,
    tone: str = "balanced",
    reference: SoundReport | None = None,
    dynamics_db: float | None = None,
) -> MasterChain:
    """Decide the first stage from what was measured.

    Parameters
    ----------
    spectrum_db : ndarray of float64, shape (2, 29)
        Middle and side of the mix.
    integrated_lufs : float
        Of the mix; ``-inf`` below the gate.
    profile : MasterProfile
    tone : str
        Genre curve, or ``none``; without effect beside a reference.
    reference : SoundReport, optional
        A track to come near to in tone, width and dynamics.
    dynamics_db : float, optional
        True peak over loudness of the mix, to compare with the reference's.
    """
    chain = MasterChain(profile, num_channels, sample_rate)
    if profile.integrated_lufs is None:
        return chain
    gain_db = LARGEST_GAIN_DB
    if integrated_lufs > -math.inf:
        gain_db = min(profile.integrated_lufs - integrated_lufs, LARGEST_GAIN_DB)
    together = 10 * np.log10(np.sum(10 ** (spectrum_db / 10), axis=0))
    bands: tuple[Band, ...] = ()
    match = None
    after = together
    if reference is not None:
        match = match_curves(spectrum_db, np.stack([reference.mid_db, reference.side_db]))
        after = together + match[0]
    else:
        bands = genre_bands(together, tone, sample_rate=sample_rate)
    ratio = profile.compression
    if reference is not None and dynamics_db is not None and ratio > 1:
        # A reference with less room above its loudness asks for more compression, and less.
        ratio = float(np.clip(ratio + 0.1 * (dynamics_db - reference.peak_to_loudness_db), 1, 3))
    levels = band_levels_db(after)
    # A band in which next to nothing sounds is not held down to that.
    least = max(levels) - 30
    low, mid, high = (
        float(np.clip(max(level, least) + gain_db + OVER_MEAN_DB, -90.0, 10.0)) for level in levels
    )
    silent_side = num_channels != 2 or float(spectrum_db[1].max()) < SILENT_DB + 20
    return MasterChain(
        profile,
        num_channels,
        sample_rate,
        gain_db,
        bands,
        match,
        (low, mid, high),
        ratio,
        1.0 if silent_side or match is not None else _width(spectrum_db),
        0.0 if silent_side or not _is_wide_below(spectrum_db) else MONO_BELOW_HZ,
    )


def _rolled(source: Source, before: int, after: int) -> Iterator[NDArray[np.float32]]:
    """A loop with what comes before and after it when it goes round."""
    length = source.num_samples
    at = -before
    while at < length + after:
        turn = at % length
        stop = min(turn + min(length + after - at, length), length)
        yield from source.blocks(_BLOCK, start=turn, stop=stop)
        at += stop - turn


def run_chain(
    source: Source, effects: Sequence[Effect], *, gain_db: float = 0.0, is_loop: bool = False
) -> Iterator[NDArray[np.float32]]:
    """Run a source through a gain and effects one after another, their latency taken out.

    Yields as many samples as the source has. A loop is heard from some seconds before its start
    and over its end, so that what comes out of its end runs into its start.
    """
    gain = np.float32(10 ** (gain_db / 20))
    latency = sum(effect.latency_samples for effect in effects)
    before = round(PRE_ROLL_SEC * source.sample_rate) if is_loop and effects else 0
    if is_loop and source.num_samples:
        blocks: Iterable[NDArray[np.float32]] = _rolled(source, before, latency)
    else:
        blocks = _flushed(source, latency)
    skip, left = latency + before, source.num_samples
    for block in blocks:
        done = block * gain
        for effect in effects:
            done = effect.process(done)
        done = done[:, min(skip, done.shape[1]) :]
        skip -= block.shape[1] - done.shape[1]
        done = done[:, :left]
        left -= done.shape[1]
        if done.shape[1]:
            yield done


def _flushed(source: Source, latency: int) -> Iterator[NDArray[np.float32]]:
    yield from source.blocks(_BLOCK)
    if latency:
        yield np.zeros((source.num_channels, latency), dtype=np.float32)


class Finish:
    """The second stage: soft clipping of tall attacks and the limiter, as one effect.

    Parameters
    ----------
    ceiling_dbtp : float
        Highest true peak of the output.
    rounds_off : bool
        Whether peaks stand so far above the ceiling that a limiter alone would duck the rest.
    """

    def __init__(
        self, ceiling_dbtp: float, *, rounds_off: bool, num_channels: int, sample_rate: int
    ) -> None:
        self._limiter = Limiter(
            ceiling_dbtp=ceiling_dbtp,
            release_ms=60.0,
            num_channels=num_channels,
            sample_rate=sample_rate,
        )
        self._saturation = Saturation(drive_db=0.0, num_channels=num_channels)
        self._bound = np.float32(10 ** ((ceiling_dbtp + CLIPPING_DB) / 20)) if rounds_off else None

    @property
    def latency_samples(self) -> int:
        """Samples by which the output lags behind the input."""
        return self._limiter.latency_samples

    def reset(self) -> None:
        """Forget everything heard so far."""
        self._limiter.reset()
        self._saturation.reset()

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the next block, float32 (num_channels, samples), ``latency_samples`` late."""
        if self._bound is not None:
            block = self._saturation.process(block / self._bound) * self._bound
        return self._limiter.process(block)
