"""Ranking: how good a candidate passage is, by rules a teacher would name.

The network proposes several versions of a passage; these scores (higher is better) choose among
them, together with the network's own likelihood. Times are steps from the start of the passage.

The melodic preferences follow Huron, *Sweet Anticipation* (2006), ch. 5: small intervals, leaps
that turn back, an arch, and a goal note at the cadence.

Public names: :class:`Passage`, :func:`melody_score`, :func:`accompaniment_score`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Passage", "accompaniment_score", "melody_score"]

Tones = Callable[[int], frozenset[int]]


@dataclass(frozen=True, eq=False)
class Passage:
    """One part's notes in a stretch of bars.

    ``onset``, ``duration`` (steps) and ``pitch`` (MIDI) have shape (n,); ``bar_steps`` is the
    length of a bar and ``num_bars`` of the passage; ``accent`` (bar_steps,) its metrical weights;
    ``tones`` and ``roots`` give the chord tones and the bass pitch class at a step; ``closing``
    holds the pitch classes that close the passage, empty where it stays open.
    """

    onset: NDArray[np.int64]
    duration: NDArray[np.int64]
    pitch: NDArray[np.int64]
    bar_steps: int
    num_bars: int
    accent: NDArray[np.float64]
    tones: Tones
    roots: Callable[[int], int]
    scale: Callable[[int], frozenset[int]]
    closing: frozenset[int] = frozenset()
    steps_per_sec: float = 48.0


def _strong_share(passage: Passage) -> float:
    """Share of strongly placed notes (weighted by length) that belong to their chord."""
    weight = passage.accent[passage.onset % passage.bar_steps] * np.minimum(passage.duration, 48)
    fits = np.asarray(
        [
            not (tones := passage.tones(int(start))) or int(pitch) % 12 in tones
            for start, pitch in zip(passage.onset, passage.pitch, strict=True)
        ]
    )
    return float((weight * fits).sum() / max(weight.sum(), 1e-9))


def _bars(passage: Passage) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Rhythm and intervals of each bar."""
    number = passage.onset // passage.bar_steps
    bars = []
    for bar in range(passage.num_bars):
        chosen = number == bar
        rhythm = tuple((passage.onset[chosen] % passage.bar_steps).tolist())
        bars.append((rhythm, tuple(passage.pitch[chosen].tolist())))
    return bars


def melody_score(passage: Passage) -> float:
    """Score a single line; an empty one scores -10.

    Examples
    --------
    >>> def line(pitches):
    ...     count = len(pitches)
    ...     return Passage(
    ...         np.arange(count) * 24,
    ...         np.full(count, 24),
    ...         np.asarray(pitches),
    ...         96,
    ...         2,
    ...         np.tile([1.0, 0.2, 0.5, 0.2], 24),
    ...         lambda s: frozenset({0, 4, 7}),
    ...         lambda s: 0,
    ...         lambda s: frozenset({0, 2, 4, 5, 7, 9, 11}),
    ...         frozenset({0}),
    ...     )
    >>> melody_score(line([60, 62, 64, 65, 67, 65, 62, 60])) > melody_score(line([60] * 8))
    True
    """
    count = len(passage.onset)
    if count < 2:
        return -10.0
    pitch, duration = passage.pitch, passage.duration
    intervals = np.diff(pitch)
    size = np.abs(intervals)
    # A line that never leans on its harmony is as dull as one that has none.
    score = 2.0 * min(_strong_share(passage), 0.85)
    # Songs move by step two times in three (Huron, fig. 5.1), instrumental melodies every second
    # time (docs/evaluation.md).
    score += 2.5 * min(float(((size >= 1) & (size <= 2)).mean()), 0.5)
    score -= 1.0 * float((size > 7).mean()) + 1.5 * float((size > 12).any())
    # A leap asks for a step back; a run of leaps one way is unsingable.
    leap = size[:-1] >= 5
    recovered = (np.sign(intervals[1:]) != np.sign(intervals[:-1])) | (size[1:] <= 2)
    score -= 1.5 * float((leap & ~recovered).mean()) if len(leap) else 0.0
    score -= 2.0 * max(float((size == 0).mean()) - 0.2, 0.0)
    # Two notes in turn over and over are a trill, not a tune.
    if count > 4:
        score -= 3.0 * max(float(((pitch[2:] == pitch[:-2]) & (size[1:] > 0)).mean()) - 0.25, 0.0)
    ambitus = int(np.ptp(pitch))
    score -= 0.25 * max(5 - ambitus, 0) + 0.2 * max(ambitus - 16, 0)
    peak = np.flatnonzero(pitch == pitch.max())
    score += 0.4 if len(peak) <= 2 else 0.0
    place = float(passage.onset[peak[0]]) / (passage.bar_steps * passage.num_bars)
    score += 0.4 if 0.25 <= place <= 0.85 else 0.0
    outside = [
        int(p) % 12 not in passage.scale(int(s)) | passage.tones(int(s))
        for p, s in zip(pitch, passage.onset, strict=True)
    ]
    score -= 2.0 * float(np.mean(outside))
    score += _rhythm_score(passage)
    if passage.closing:
        score += 1.2 if int(pitch[-1]) % 12 in passage.closing else -1.5
        last_start = int(passage.onset[-1])
        score += 0.8 if duration[-1] >= np.median(duration) * 1.5 else 0.0
        score -= 0.5 if last_start < passage.bar_steps * (passage.num_bars - 1) - 1 else 0.0
    return score


def _rhythm_score(passage: Passage) -> float:
    """Variety without restlessness: some bars share their rhythm, not all of them."""
    bars = _bars(passage)
    score = 0.0
    rhythms = [rhythm for rhythm, _ in bars]
    pitches = [pitches for _, pitches in bars if pitches]
    if passage.num_bars >= 3:
        shared = 1 - len(set(rhythms)) / len(rhythms)
        score += 1.0 * min(shared, 0.34) - 2.5 * max(shared - 0.5, 0)
        score -= 1.5 * (1 - len(set(pitches)) / max(len(pitches), 1))
    kinds = len(set(passage.duration.tolist()))
    score -= 0.8 if kinds == 1 and len(passage.onset) > 4 else 0.0
    score += 0.4 if 3 <= kinds <= 5 else 0.0
    score -= 0.3 * max(kinds - 5, 0)
    score -= 1.0 * sum(not rhythm for rhythm in rhythms) / len(rhythms) * 2
    rate = len(passage.onset) / (passage.bar_steps * passage.num_bars / passage.steps_per_sec)
    score -= 0.5 * max(rate - 5.0, 0.0)
    # Notes on the grid's weak corners in every bar sound like stumbling, not like syncopation.
    weak = passage.accent[passage.onset % passage.bar_steps] < 0.1
    score -= 1.5 * max(float(weak.mean()) - 0.3, 0.0)
    return score


def accompaniment_score(
    passage: Passage,
    others: Sequence[tuple[int, int, int]],
    *,
    is_bass: bool,
    wanted_notes: float,
) -> float:
    """Score an accompanying part against its chords and the notes around it.

    Parameters
    ----------
    others : sequence of (start, end, pitch)
        Notes of the other parts, in steps from the start of the passage.
    wanted_notes : float
        How many notes the sketch has here; silence and restlessness cost.
    """
    count = len(passage.onset)
    if count == 0:
        return -4.0 if wanted_notes >= passage.num_bars else 0.0
    score = 3.0 * _strong_share(passage)
    if is_bass:
        starts = passage.onset % (passage.bar_steps // 2) == 0
        fits = [
            passage.roots(int(s)) in (-1, int(p) % 12)
            for s, p in zip(passage.onset[starts], passage.pitch[starts], strict=True)
        ]
        score += 2.0 * float(np.mean(fits)) if fits else -1.0
    if len(others):
        table = np.asarray(others)
        clash = 0.0
        for start, length, pitch in zip(
            passage.onset, passage.duration, passage.pitch, strict=True
        ):
            together = np.minimum(table[:, 1], start + length) - np.maximum(table[:, 0], start)
            distance = np.abs(table[:, 2] - pitch) % 12
            harsh = (distance == 1) | (distance == 11)
            clash += float(np.maximum(together, 0)[harsh].sum())
        score -= 2.5 * clash / max(float(passage.duration.sum()), 1.0)
    score -= 0.8 * abs(np.log2((count + 0.5) / (wanted_notes + 0.5)))
    steps = np.abs(np.diff(passage.pitch))
    score -= 0.04 * float(np.mean(np.minimum(steps, 24))) if len(steps) else 0.0
    return score
