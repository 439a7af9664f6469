"""Checks on how voices move together: parallels and crossings.

Purpose: the rules of part-writing, for the styles that keep them.

Conventions: two voices are compared at every tick at which either starts a note. Parallels are
consecutive perfect intervals of one kind reached by both voices in the same direction; a run of
octaves is a doubling, not a fault.

Public names: the checks.

References
----------
E. Aldwell and C. Schachter, *Harmony and Voice Leading*, 4th ed., 2011, chapter 5.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from leitmotiv.review.finding import Finding, Severity
from leitmotiv.review.reading import Line, PartReading, Reading

__all__ = ["check_crossings", "check_parallels"]

_DOUBLING_STEPS = 3
_MAX_PARTS = 6


def _together(upper: Line, lower: Line) -> tuple[NDArray[np.int64], ...]:
    """Return ticks and both voices' pitches and note indices wherever both have begun."""
    ticks = np.union1d(upper.onset, lower.onset)
    a, b = upper.index_at(ticks), lower.index_at(ticks)
    both = (a >= 0) & (b >= 0)
    return ticks[both], a[both], b[both]


def check_parallels(reading: Reading) -> Iterator[Finding]:
    """Yield parallel fifths and octaves, in styles that mind them.

    Between the outer voices they are warnings, between other pairs of single-voiced parts notes.
    """
    if not reading.is_strict or len(reading.pitched) > _MAX_PARTS:
        return
    outer = {reading.melody, reading.bass}
    for first, second in combinations(reading.pitched, 2):
        is_outer = {first, second} == outer
        if is_outer or (first.is_monophonic and second.is_monophonic):
            yield from _pair_parallels(first, second, "warning" if is_outer else "note")


def _pair_parallels(
    first: PartReading, second: PartReading, severity: Severity
) -> Iterator[Finding]:
    upper, lower = first.top_line, second.bottom_line
    _, a, b = _together(upper, lower)
    if len(a) < 2:
        return
    top, bottom = upper.pitch[a], lower.pitch[b]
    top_step, bottom_step = np.diff(top), np.diff(bottom)
    interval = np.abs(top - bottom) % 12
    moved = (top_step * bottom_step > 0) & (interval[1:] == interval[:-1])
    # A voice that rested in between starts anew.
    held = (upper.end[a[:-1]] > upper.onset[a[1:]] - 240) & (
        lower.end[b[:-1]] > lower.onset[b[1:]] - 240
    )
    octaves = moved & held & (interval[1:] == 0)
    fifths = moved & held & (interval[1:] == 7)
    octaves &= ~_in_long_runs(moved & (interval[1:] == 0))
    for kind, wrong in (("octaves", octaves), ("fifths", fifths)):
        for index in np.flatnonzero(wrong).tolist():
            bar = int(max(upper.bar[a[index + 1]], lower.bar[b[index + 1]]))
            message = f"{first.name} and {second.name} into bar {bar + 1}"
            yield Finding(f"parallel {kind}", severity, message, first.index, bar)


def _in_long_runs(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the true values that stand in runs of at least three."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    marked = np.zeros(len(flags), dtype=bool)
    for start, stop in edges.reshape(-1, 2).tolist():
        marked[start:stop] = stop - start >= _DOUBLING_STEPS
    return marked


def check_crossings(reading: Reading) -> Iterator[Finding]:
    """Yield bars in which the bass sounds above the melody."""
    melody, bass = reading.melody, reading.bass
    if melody is None or bass is None or melody is bass:
        return
    if bass.role != "bass" and not bass.is_monophonic:
        return  # an accompaniment may rise above the tune
    upper, lower = melody.top_line, bass.bottom_line
    ticks, a, b = _together(upper, lower)
    if not len(ticks):
        return
    sounding = (upper.end[a] > ticks) & (lower.end[b] > ticks)
    crossed = sounding & (lower.pitch[b] > upper.pitch[a])
    bars = np.maximum(upper.bar[a], lower.bar[b])[crossed]
    for bar in np.unique(bars).tolist():
        message = f"{bass.name} sounds above {melody.name} in bar {bar + 1}"
        yield Finding("voice crossing", "warning", message, bass.index, bar)
