"""Expressive time: tempo curves, swing, and the small deviations of a player.

Conventions: tempo curves are factors on the planned tempo, one a felt beat; deviations are
seconds that the caller turns into ticks at the local tempo.

Public names: :func:`expressive_tempo_map`, :func:`swing_ticks`, :func:`correlated_noise`,
:class:`PlaceNoise`.

References
----------
A. Friberg, R. Bresin and J. Sundberg, "Overview of the KTH rule system for musical performance",
*Advances in Cognitive Psychology* 2(2-3), 2006: phrase arch, final ritard, melodic timing.
A. Friberg and J. Sundberg, "Does music performance allude to locomotion? A model of final
ritardandi", *JASA* 105(3), 1999, eq. 4. A. Friberg and A. Sundström, "Swing ratios and ensemble
timing in jazz performance", *Music Perception* 19(3), 2002 (the ratio falls with tempo).
H. Hennig et al., "The nature and perception of fluctuations in human musical rhythms", *PLoS ONE*
6(10), 2011 (long-range correlation).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from leitmotiv.plan.plan import Plan
from leitmotiv.score.score import MAX_QPM, MIN_QPM, Score, TempoMap
from leitmotiv.styles.grid import beat_starts
from leitmotiv.theory import Meter

__all__ = ["PlaceNoise", "correlated_noise", "expressive_tempo_map", "swing_ticks"]

_SLOT_TICKS = 20  # the composer's grid
_DRIFT_TICKS = 240
_NOTE_TABLE = 2**14
_MEMORIES = ((0.0, 0.5), (0.8, 0.6), (0.97, 0.62))  # of first-order processes, and their weights
_ARCH_DEPTH = 0.075  # largest slowing at a phrase end, as a share of the tempo, at rubato 1
_FINAL_SPEED = 0.62  # speed of the last beat before the last bar line, at rubato 1
_RITARD_CURVATURE = 3.0  # q = 3 in Friberg and Sundberg: constant braking power


def _beat_ticks(plan: Plan, length_ticks: int) -> NDArray[np.int64]:
    beats = np.asarray(beat_starts(plan.meter_value)[:-1], dtype=np.int64)
    bars = np.arange(-(-length_ticks // plan.bar_ticks), dtype=np.int64) * plan.bar_ticks
    ticks = (bars[:, None] + beats[None, :]).reshape(-1)
    return ticks[ticks < max(length_ticks, 1)]


def expressive_tempo_map(score: Score, plan: Plan, rubato: float) -> TempoMap:
    """Return the score's tempo map with phrase arches and a final ritardando.

    Each phrase keeps its planned length in seconds (what is lost at its end is gained in its
    middle), so that only the final ritardando makes a piece longer; where the brief asked for a
    length in seconds, the whole is brought back to it. Loops have no final ritardando.

    Parameters
    ----------
    rubato : float
        0..1; at 0 the map is returned as it is.
    """
    if rubato <= 0 or not score.length_ticks:
        return score.tempo_map
    ticks = _beat_ticks(plan, score.length_ticks)
    if not len(ticks):
        return score.tempo_map
    base = np.array([score.tempo_map.qpm_at(int(tick)) for tick in ticks])
    lengths = np.diff([*ticks.tolist(), score.length_ticks]).astype(float)
    factor = np.ones(len(ticks))
    for section in plan.sections:
        for phrase in section.phrases:
            start = phrase.start_bar_index * plan.bar_ticks
            end = phrase.end_bar_index * plan.bar_ticks
            inside = (ticks >= start) & (ticks < end)
            if phrase.num_bars < 2 or inside.sum() < 3:
                continue
            place = (ticks[inside] + 0.5 * lengths[inside] - start) / (end - start)
            # Slow start, quickest near the middle, slowest in the last beats (phrase arch).
            depth = _ARCH_DEPTH * rubato * (1.0 if phrase.cadence != "none" else 0.6)
            arch = 1.0 - depth * (0.35 * (1 - place) ** 4 + place**6)
            spans = lengths[inside] / base[inside]
            arch *= (spans / arch).sum() / spans.sum()
            factor[inside] = arch
    if plan.loop is None and plan.num_bars >= 3:
        num_bars = 2 if plan.num_bars >= 6 else 1
        start = score.length_ticks - num_bars * plan.bar_ticks
        # The ritardando leads into the last bar's first beat and stays there.
        goal = score.length_ticks - 0.5 * plan.bar_ticks
        inside = ticks >= start
        place = np.clip((ticks[inside] - start) / (goal - start), 0.0, 1.0)
        final = 1.0 - (1.0 - _FINAL_SPEED) * rubato
        q = _RITARD_CURVATURE
        wanted = (1.0 + (final**q - 1.0) * place) ** (1.0 / q)
        # What the plan slows down already is part of it: two ritardandi would come to a halt.
        before = score.tempo_map.qpm_at(max(int(start) - 1, 0))
        factor[inside] *= np.minimum(wanted * before / base[inside], 1.0)
    if plan.brief.duration_sec is not None:
        planned = (lengths / base).sum()
        factor *= (lengths / (base * factor)).sum() / planned
    qpm = np.clip(base * factor, MIN_QPM, MAX_QPM)
    kept_ticks, kept_qpm = [0], [float(round(qpm[0], 3))]
    for tick, value in zip(ticks[1:].tolist(), qpm[1:].tolist(), strict=True):
        if abs(value - kept_qpm[-1]) > 1e-3 * value:
            kept_ticks.append(tick)
            kept_qpm.append(float(round(value, 3)))
    return TempoMap(tuple(kept_ticks), tuple(kept_qpm))


def swing_ticks(
    ticks: NDArray[np.int64], amount: float, unit: str, meter: Meter, qpm: float
) -> NDArray[np.int64]:
    """Move off-beats late, keeping the beats.

    Parameters
    ----------
    ticks : ndarray of int, shape (n,)
    amount : float
        0 straight, 1 triplet swing (2:1) at medium tempo; above 200 quarters a minute the ratio
        falls, as players' does.
    unit : {"eighth", "sixteenth"}
        What swings.

    Examples
    --------
    >>> swing_ticks(np.array([0, 240, 480, 160]), 1.0, "eighth", Meter(4, 4), 120).tolist()
    [0, 320, 480, 160]
    """
    if amount <= 0 or meter.is_compound:
        return ticks
    half = 240 if unit == "eighth" else 120
    tempo = qpm if unit == "eighth" else 1.6 * qpm
    amount *= float(np.clip(1.0 - (tempo - 200.0) / 160.0, 0.3, 1.0))
    shift = amount * half / 3.0
    place = ticks % (2 * half)
    first = place * (half + shift) / half
    second = (half + shift) + (place - half) * (half - shift) / half
    warped = np.where(place <= half, first, second)
    # Written triplets are already where they belong.
    triplet = (ticks % (half * 2 // 3) == 0) & (ticks % half != 0)
    moved = ticks - place + np.round(warped).astype(np.int64)
    return np.where(triplet, ticks, moved).astype(np.int64)


class PlaceNoise:
    """Irregularities that belong to places of a piece, not to the notes drawn one after another.

    What is played at one place therefore leaves every other place alone: a bar that is written
    anew changes the performance of that bar. All values have mean 0 and variance about 1.

    Examples
    --------
    >>> noise = PlaceNoise(7680, np.random.default_rng(1))
    >>> whole, later = noise.at(np.array([0, 480, 960])), noise.at(np.array([960]))
    >>> bool(whole[2] == later[0])
    True
    """

    def __init__(self, length_ticks: int, rng: np.random.Generator) -> None:
        seeds = rng.integers(2**32, size=3)
        own, drift, notes = (np.random.default_rng(int(seed)) for seed in seeds)
        self._own = own.standard_normal(length_ticks // _SLOT_TICKS + 2)
        self._drift = _drift(length_ticks // _DRIFT_TICKS + 2, drift)
        self._notes = notes.standard_normal(_NOTE_TABLE)

    def at(self, ticks: NDArray[np.int64]) -> NDArray[np.float64]:
        """One value for everything that sounds at a tick, independent of its neighbours."""
        place = np.clip(np.asarray(ticks) // _SLOT_TICKS, 0, len(self._own) - 1)
        return np.asarray(self._own[place])

    def drifting(self, ticks: NDArray[np.int64]) -> NDArray[np.float64]:
        """Like :meth:`at`, but with long memory: a player drifts and corrects."""
        place = np.clip(np.asarray(ticks) // _DRIFT_TICKS, 0, len(self._drift) - 1)
        return np.asarray(np.clip(0.5 * self.at(ticks) + self._drift[place], -2.5, 2.5))

    def of(self, ticks: NDArray[np.int64], pitches: NDArray[np.int64]) -> NDArray[np.float64]:
        """A value for each note of a chord by itself."""
        slot = np.asarray(ticks).astype(np.int64) // _SLOT_TICKS
        place = slot * 131 + np.asarray(pitches).astype(np.int64) * 4099
        return np.asarray(self._notes[place % _NOTE_TABLE])


def _drift(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Two first-order processes with different memories, shape (count,); see below."""
    total = np.zeros(count)
    for memory, weight in _MEMORIES[1:]:
        total += weight * _first_order(count, memory, rng)
    return total


def _first_order(count: int, memory: float, rng: np.random.Generator) -> NDArray[np.float64]:
    white = rng.standard_normal(count)
    value = rng.standard_normal()
    scale = np.sqrt(1.0 - memory**2)
    found = np.zeros(count)
    for index in range(count):
        value = memory * value + scale * white[index]
        found[index] = value
    return found


def correlated_noise(count: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return noise of variance 1 with long memory, near 1/f, shape (count,).

    A sum of three first-order processes with different memories stands in for 1/f noise; a
    player drifts and corrects, and does not jitter.
    """
    if count <= 0:
        return np.zeros(0)
    total = np.zeros(count)
    for memory, weight in _MEMORIES:
        total += weight * _first_order(count, memory, rng)
    return np.asarray(np.clip(total, -2.5, 2.5))
