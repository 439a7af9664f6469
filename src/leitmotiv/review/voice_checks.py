"""Checks on how voices move together: parallels, crossings, leading tones.

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
from dataclasses import replace
from itertools import combinations, pairwise

import numpy as np
from numpy.typing import NDArray

from leitmotiv.review.finding import Finding, Severity
from leitmotiv.review.reading import Line, PartReading, Reading
from leitmotiv.theory import pitch_name

__all__ = [
    "check_crossings",
    "check_inner_crossings",
    "check_leading_tones",
    "check_parallels",
]

_DOUBLING_STEPS = 3
_MAX_PARTS = 6
_APART = 3  # semitones between the middles of two voices that are meant to stay apart
_CROSSED_BEATS = 8
_TURNS_BACK = 2  # a leading tone that goes no further than a step is ornamented or falls


def _together(upper: Line, lower: Line) -> tuple[NDArray[np.int64], ...]:
    """Return ticks and both voices' pitches and note indices wherever both have begun."""
    ticks = np.union1d(upper.onset, lower.onset)
    a, b = upper.index_at(ticks), lower.index_at(ticks)
    both = (a >= 0) & (b >= 0)
    return ticks[both], a[both], b[both]


def check_parallels(reading: Reading) -> Iterator[Finding]:
    """Yield parallel fifths and octaves, in styles that mind them.

    Between the outer voices they are warnings, between other pairs of single-voiced parts notes.
    In a piece without a plan, a pair that does so again and again is named once: it doubles, or
    the composer does not mind.
    """
    if not reading.is_strict or len(reading.pitched) > _MAX_PARTS:
        return
    outer = {reading.melody, reading.bass}
    for first, second in combinations(reading.pitched, 2):
        is_outer = {first, second} == outer
        if not (is_outer or (first.is_monophonic and second.is_monophonic)):
            continue
        found = list(_pair_parallels(reading, first, second, "warning" if is_outer else "note"))
        if reading.plan is None:
            found = _gather(found, first, second, max(2, reading.score.num_bars // 50))
        yield from found


def _gather(
    found: list[Finding], first: PartReading, second: PartReading, most: int
) -> list[Finding]:
    """Make one finding of those of a kind, where there are more than ``most`` of it."""
    kept: list[Finding] = []
    for check in ("parallel octaves", "parallel fifths"):
        kind = [finding for finding in found if finding.check == check]
        if len(kind) > most:
            words = f"{first.name} and {second.name}: {len(kind)} times, first in bar"
            bar = kind[0].bar_index or 0
            kind = [replace(kind[0], message=f"{words} {bar + 1}")]
        kept += kind
    return kept


def _pair_parallels(
    reading: Reading, first: PartReading, second: PartReading, severity: Severity
) -> Iterator[Finding]:
    upper, lower = first.top_line, second.bottom_line
    ticks, a, b = _together(upper, lower)
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
            names = f"{first.name} and {second.name}"
            message = f"{names} into bar {bar + 1}"
            place = {"tick": int(ticks[index + 1]), "pitch": int(top[index + 1])}
            yield Finding(f"parallel {kind}", severity, message, first.index, bar, **place)


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
    for bar, first in zip(*(v.tolist() for v in np.unique(bars, return_index=True)), strict=True):
        index = int(np.flatnonzero(crossed)[first])
        place = {"tick": int(ticks[index]), "pitch": int(lower.pitch[b[index]])}
        message = f"{bass.name} sounds above {melody.name} in bar {bar + 1}"
        yield Finding("voice crossing", "warning", message, bass.index, bar, **place)


def check_inner_crossings(reading: Reading) -> Iterator[Finding]:
    """Yield passages in which neighbouring voices of a strict style stand crossed for bars.

    A crossing for a beat is counterpoint; voices that stay crossed have lost their names.
    """
    if not reading.is_strict or len(reading.pitched) > _MAX_PARTS:
        return
    for first, second in pairwise(reading.pitched):
        if not (first.is_monophonic and second.is_monophonic):
            continue
        if np.median(first.pitch) - np.median(second.pitch) < _APART:
            continue  # two violins, or two sopranos, share a register and cross as they like
        upper, lower = first.top_line, second.bottom_line
        ticks, a, b = _together(upper, lower)
        if len(ticks) < 2:
            continue
        sounding = (upper.end[a] > ticks) & (lower.end[b] > ticks)
        crossed = sounding & (lower.pitch[b] > upper.pitch[a])
        edges = np.flatnonzero(np.diff(np.concatenate([[False], crossed, [False]]).astype(int)))
        stops = np.append(ticks, reading.score.length_ticks)
        for start, stop in edges.reshape(-1, 2).tolist():
            bar = int(upper.bar[a[start]])
            beats = (stops[stop] - ticks[start]) / reading.beat_ticks(bar)
            if beats < _CROSSED_BEATS:
                continue
            message = (
                f"{second.name} stands above {first.name} for {beats:.0f} beats from bar {bar + 1}"
            )
            place = {"tick": int(ticks[start]), "pitch": int(lower.pitch[b[start]])}
            yield Finding("voice crossing", "note", message, second.index, bar, **place)


def check_leading_tones(reading: Reading) -> Iterator[Finding]:
    """Yield outer voices that leave the leading tone of a dominant without going to the tonic.

    Looked for where a dominant moves to its tonic, in strict styles. The seventh degree may fall
    along the scale or leap to the fifth of the chord in an inner voice; in the melody it may not.
    """
    melody = reading.melody
    if not reading.is_strict or melody is None:
        return
    line = melody.top_line
    starts = reading.half_starts
    for half in range(len(reading.chords) - 1):
        bar = half // 2
        chord, following, key = reading.chords[half], reading.chords[half + 1], reading.keys[bar]
        if chord is None or following is None or key is None or following.is_none:
            continue
        if not reading.start_bar <= bar < reading.stop_bar or chord.is_none:
            continue
        tonic = key.tonic_pitch_class
        leading = (tonic + 11) % 12
        if chord.root_pitch_class != (tonic + 7) % 12 or leading not in chord.pitch_classes:
            continue
        if following.root_pitch_class != tonic:
            continue
        index = int(np.searchsorted(line.onset, starts[half + 1])) - 1
        if index < 0 or index + 1 >= len(line) or line.onset[index] < starts[half]:
            continue
        is_leading = line.pitch[index] % 12 == leading
        is_joined = line.onset[index + 1] - line.end[index] < reading.beat_ticks(bar) // 2
        left = line.pitch[index + 1] - line.pitch[index]
        if is_leading and is_joined and abs(left) > _TURNS_BACK:
            names = pitch_name(int(line.pitch[index]), key)
            message = f"{melody.name}: the leading tone {names} leaps away in bar {bar + 1}"
            place = {"tick": int(line.onset[index]), "pitch": int(line.pitch[index])}
            yield Finding("leading tone", "note", message, melody.index, bar, **place)
