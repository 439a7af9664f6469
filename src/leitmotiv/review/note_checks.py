"""Checks on single notes and what an instrument can do with them.

Purpose: range, overlaps, stuck notes, leaps.

Conventions: a check takes a :class:`~leitmotiv.review.reading.Reading` and yields findings, at
most one for each part and bar or passage.

Public names: the checks.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from leitmotiv.review.finding import Finding, Severity
from leitmotiv.review.reading import PartReading, Reading, place_of
from leitmotiv.theory import TICKS_PER_QUARTER, pitch_name

__all__ = [
    "check_doubled_notes",
    "check_large_leaps",
    "check_range",
    "check_stuck_notes",
]

_FAR_SEMITONES = 5  # this far past the comfortable range nobody plays it
_OVERLAP_TICKS = 40
_STUCK_BARS = 8
_JOIN_BARS, _JOIN_BARS_UNPLANNED = 4, 16  # wrong notes this near each other are one passage
_LEAPS_ELSE, _LEAPS_SUNG = (21, 28), (12, 16)
_VOICE_PROGRAMS = frozenset({52, 53})
_OPEN_STRINGS = frozenset({"Violin", "Viola", "Cello"})
_PLAYED_FAMILIES = frozenset({"strings", "brass", "reed", "pipe"})
_SPIKE = 15  # semitones that a lone note stands above both neighbours
_SPIKE_BARS, _SPIKE_ABOVE = 8, 2  # nothing near it is as high, by so many semitones
_LEAPS: dict[str, tuple[int, int]] = {  # role: semitones of a note, of a warning
    "melody": (12, 16),
    "counter": (12, 16),
    "bass": (14, 19),
}


def _bars_with(
    part: PartReading, wrong: NDArray[np.bool_]
) -> Iterator[tuple[int, int, dict[str, int]]]:
    """Yield (bar index, number of wrong notes, place of the first of them) where there are some."""
    at = np.flatnonzero(wrong)
    bars, first, count = np.unique(part.bar[at], return_index=True, return_counts=True)
    for bar, index, number in zip(bars.tolist(), at[first].tolist(), count.tolist(), strict=True):
        yield bar, number, place_of(part, index)


def _passages_with(
    part: PartReading, wrong: NDArray[np.bool_], join_bars: int = _JOIN_BARS
) -> Iterator[tuple[int, int, int, dict[str, int]]]:
    """Join bars with wrong notes that lie close together: (first, last bar, number, place)."""
    joined: tuple[int, int, int, dict[str, int]] | None = None
    for bar, count, place in _bars_with(part, wrong):
        if joined is not None and bar - joined[1] <= join_bars:
            joined = (joined[0], bar, joined[2] + count, joined[3])
            continue
        if joined is not None:
            yield joined
        joined = (bar, bar, count, place)
    if joined is not None:
        yield joined


def check_range(reading: Reading) -> Iterator[Finding]:
    """Yield passages outside the instrument's comfortable range or the register of the plan.

    A patch of the sound set that no single player stands behind (string ensembles, synthesisers,
    electric guitars and basses tuned down) is only remarked on where the score has no plan.
    """
    plan = reading.plan
    planned = plan is not None and len(plan.parts) == len(reading.parts)
    for part in reading.pitched:
        low, high = part.instrument.low, part.instrument.high
        pitch = part.pitch
        far = (pitch < low - _FAR_SEMITONES) | (pitch > high + _FAR_SEMITONES)
        outside = ((pitch < low) | (pitch > high)) & ~far
        name = part.instrument.name
        # Under its lowest string a violin has no note at all; over its usual top it has some.
        stringless = (pitch < low) & (name in _OPEN_STRINGS) & ~far
        outside &= ~stringless
        span = f"{pitch_name(low)}-{pitch_name(high)}"
        is_patch = plan is None and part.instrument.family not in _PLAYED_FAMILIES
        cases: list[tuple[NDArray[np.bool_], Severity, str]] = [
            (far, "note" if is_patch else "error", f"out of reach of {name} ({span})"),
            (stringless, "warning", f"below the lowest string of {name} ({pitch_name(low)})"),
            (
                outside,
                "warning" if planned else "note",
                f"outside the comfortable range of {name} ({span})",
            ),
        ]
        if planned and plan is not None:
            register = plan.parts[part.index]
            off = ((pitch < register.low) | (pitch > register.high)) & ~far & ~outside & ~stringless
            span = f"{pitch_name(register.low)}-{pitch_name(register.high)}"
            cases.append((off, "note", f"outside the planned register ({span})"))
        for wrong, severity, words in cases:
            join_bars = _JOIN_BARS if planned else _JOIN_BARS_UNPLANNED
            for bar, last, count, place in _passages_with(part, wrong, join_bars):
                message = f"{part.name}: {_notes(count)} {words} in {_bars(bar, last)}"
                yield Finding("range", severity, message, part.index, bar, **place)


def _bars(first: int, last: int) -> str:
    return f"bar {first + 1}" if first == last else f"bars {first + 1}-{last + 1}"


def _notes(count: int) -> str:
    return "a note" if count == 1 else f"{count} notes"


def check_doubled_notes(reading: Reading) -> Iterator[Finding]:
    """Yield notes that start while the same part still holds the same pitch."""
    for part in reading.parts:
        if len(part) < 2:
            continue
        order = np.lexsort((part.onset, part.pitch))
        onset, pitch = part.onset[order], part.pitch[order]
        same = pitch[1:] == pitch[:-1]
        if part.is_drum:
            found = same & (onset[1:] == onset[:-1])
        else:
            found = same & (part.end[order][:-1] > onset[1:] + _OVERLAP_TICKS)
        wrong = np.zeros(len(part), dtype=bool)
        wrong[order[1:][found]] = True
        for bar, last, count, place in _passages_with(part, wrong):
            words = f"{_notes(count)} struck while still sounding"
            message = f"{part.name}: {words} in {_bars(bar, last)}"
            yield Finding("doubled note", "warning", message, part.index, bar, **place)


def check_stuck_notes(reading: Reading) -> Iterator[Finding]:
    """Yield notes that hold for longer than eight bars."""
    lines = reading.score.bar_ticks
    if len(lines) < 2:
        return
    limit = max(_STUCK_BARS * int(lines[1] - lines[0]), 16 * TICKS_PER_QUARTER)
    for part in reading.pitched:
        for bar, count, place in _bars_with(part, part.duration > limit):
            # Composers write pedal points and pads of twice that length; nobody writes more.
            longest = int(part.duration[part.bar == bar].max())
            stuck = longest > (1 if reading.plan is not None else 2) * limit
            severity: Severity = "error" if stuck else "warning"
            message = f"{part.name}: {_notes(count)} held past {_STUCK_BARS} bars from {bar + 1}"
            yield Finding("stuck note", severity, message, part.index, bar, **place)


def check_large_leaps(reading: Reading) -> Iterator[Finding]:
    """Yield leaps of more than an octave in a melody, counter-melody or bass.

    Of parts that state no role, single lines are read, and only what hardly any player is asked
    for is remarked on; and in any part a lone note high above all that is near.
    """
    for part in reading.pitched:
        if part.role not in _LEAPS:
            yield from _spike_findings(part)
            if part.role or not part.is_monophonic:
                continue
        line = part.bottom_line if part.role == "bass" else part.top_line
        if len(line) < 2:
            continue
        note_limit, warning_limit = _LEAPS.get(part.role, _LEAPS_ELSE)
        if part.part.program in _VOICE_PROGRAMS:
            note_limit, warning_limit = _LEAPS_SUNG
        leap = np.abs(np.diff(line.pitch))
        # Over a rest the ear starts anew.
        joined = line.onset[1:] - line.end[:-1] < TICKS_PER_QUARTER
        wide = joined & (leap > note_limit)
        for index in np.flatnonzero(wide).tolist():
            severity: Severity = "warning" if leap[index] > warning_limit else "note"
            bar = int(line.bar[index + 1])
            message = f"{part.name}: leap of {leap[index]} semitones in bar {bar + 1}"
            place = {"tick": int(line.onset[index + 1]), "pitch": int(line.pitch[index + 1])}
            yield Finding("large leap", severity, message, part.index, bar, **place)


def _spike_findings(part: PartReading) -> Iterator[Finding]:
    """Of parts that play chords a leap says little; a lone note high above its line is odd."""
    line = part.top_line
    for index in _spikes(part).tolist():
        bar, pitch = int(line.bar[index]), int(line.pitch[index])
        high = pitch - int(max(line.pitch[index - 1], line.pitch[index + 1]))
        message = f"{part.name}: a note {high} semitones above its neighbours in bar {bar + 1}"
        place = {"tick": int(line.onset[index]), "pitch": pitch}
        yield Finding("large leap", "note", message, part.index, bar, **place)


def _spikes(part: PartReading) -> NDArray[np.int64]:
    """Single notes far above both of their neighbours in a line, where the line does not rest."""
    line = part.top_line
    if len(line) < 3:
        return np.zeros(0, dtype=np.int64)
    joined = line.onset[1:] - line.end[:-1] < TICKS_PER_QUARTER
    rise, fall = np.diff(line.pitch)[:-1], -np.diff(line.pitch)[1:]
    spike = np.flatnonzero((np.minimum(rise, fall) >= _SPIKE) & joined[:-1] & joined[1:]) + 1
    alone = []
    for index in spike.tolist():
        near = np.abs(line.bar - line.bar[index]) <= _SPIKE_BARS
        near[index] = False
        reached = int(line.pitch[index] - min(line.pitch[index - 1], line.pitch[index + 1]))
        sung = part.part.program in _VOICE_PROGRAMS
        limit = (_LEAPS_SUNG if sung else _LEAPS_ELSE)[0]
        wide = part.is_monophonic and not part.role and reached > limit  # said already
        if not wide and line.pitch[index] > line.pitch[near].max(initial=0) + _SPIKE_ABOVE:
            alone.append(index)
    return np.asarray(alone, dtype=np.int64)
