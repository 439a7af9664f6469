"""Checks on single notes and what an instrument can do with them.

Purpose: range, overlaps, stuck notes, leaps, chords on one-voiced instruments.

Conventions: a check takes a :class:`~leitmotiv.review.reading.Reading` and yields findings, at
most one for each part and bar.

Public names: the checks.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from leitmotiv.review.finding import Finding, Severity
from leitmotiv.review.reading import PartReading, Reading
from leitmotiv.theory import TICKS_PER_QUARTER, pitch_name

__all__ = [
    "check_doubled_notes",
    "check_large_leaps",
    "check_range",
    "check_stuck_notes",
    "check_unplayable_chords",
]

_FAR_SEMITONES = 5  # this far past the comfortable range nobody plays it
_OVERLAP_TICKS = 40
_STUCK_BARS = 8
_LEAPS: dict[str, tuple[int, int]] = {  # role: semitones of a note, of a warning
    "melody": (12, 16),
    "counter": (12, 16),
    "bass": (14, 19),
}
_ONE_VOICE_FAMILIES = frozenset({"reed", "pipe"})
_ONE_VOICE_NAMES = frozenset({"Trumpet", "Trombone", "Tuba", "Muted Trumpet", "French Horn"})
_BOWED_NAMES = frozenset({"Violin", "Viola", "Cello", "Contrabass", "Fiddle"})


def _bars_with(bar: NDArray[np.int64], wrong: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """Yield (bar index, number of wrong notes) where there are some."""
    if wrong.any():
        found, count = np.unique(bar[wrong], return_counts=True)
        yield from zip(found.tolist(), count.tolist(), strict=True)


def check_range(reading: Reading) -> Iterator[Finding]:
    """Yield notes outside the instrument's comfortable range or the register of the plan."""
    plan = reading.plan
    planned = plan is not None and len(plan.parts) == len(reading.parts)
    for part in reading.pitched:
        low, high = part.instrument.low, part.instrument.high
        pitch = part.pitch
        far = (pitch < low - _FAR_SEMITONES) | (pitch > high + _FAR_SEMITONES)
        outside = ((pitch < low) | (pitch > high)) & ~far
        name = part.instrument.name
        span = f"{pitch_name(low)}-{pitch_name(high)}"
        cases: list[tuple[NDArray[np.bool_], Severity, str]] = [
            (far, "error", f"out of reach of {name} ({span})"),
            (outside, "warning", f"outside the comfortable range of {name} ({span})"),
        ]
        if planned and plan is not None:
            register = plan.parts[part.index]
            off = ((pitch < register.low) | (pitch > register.high)) & ~far & ~outside
            span = f"{pitch_name(register.low)}-{pitch_name(register.high)}"
            cases.append((off, "note", f"outside the planned register ({span})"))
        for wrong, severity, words in cases:
            for bar, count in _bars_with(part.bar, wrong):
                message = f"{part.name}: {_notes(count)} {words} in bar {bar + 1}"
                yield Finding("range", severity, message, part.index, bar)


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
            wrong = same & (onset[1:] == onset[:-1])
        else:
            wrong = same & (part.end[order][:-1] > onset[1:] + _OVERLAP_TICKS)
        for bar, count in _bars_with(part.bar[order][1:], wrong):
            message = f"{part.name}: {_notes(count)} struck while still sounding in bar {bar + 1}"
            yield Finding("doubled note", "warning", message, part.index, bar)


def check_stuck_notes(reading: Reading) -> Iterator[Finding]:
    """Yield notes that hold for longer than eight bars."""
    lines = reading.score.bar_ticks
    if len(lines) < 2:
        return
    limit = max(_STUCK_BARS * int(lines[1] - lines[0]), 16 * TICKS_PER_QUARTER)
    for part in reading.pitched:
        for bar, count in _bars_with(part.bar, part.duration > limit):
            message = f"{part.name}: {_notes(count)} held past {_STUCK_BARS} bars from {bar + 1}"
            yield Finding("stuck note", "error", message, part.index, bar)


def check_large_leaps(reading: Reading) -> Iterator[Finding]:
    """Yield leaps of more than an octave in a melody, counter-melody or bass."""
    for part in reading.pitched:
        if part.role not in _LEAPS:
            continue
        line = part.bottom_line if part.role == "bass" else part.top_line
        if len(line) < 2:
            continue
        note_limit, warning_limit = _LEAPS[part.role]
        leap = np.abs(np.diff(line.pitch))
        # Over a rest the ear starts anew.
        joined = line.onset[1:] - line.end[:-1] < TICKS_PER_QUARTER
        wide = joined & (leap > note_limit)
        for index in np.flatnonzero(wide).tolist():
            severity: Severity = "warning" if leap[index] > warning_limit else "note"
            bar = int(line.bar[index + 1])
            message = f"{part.name}: leap of {leap[index]} semitones in bar {bar + 1}"
            yield Finding("large leap", severity, message, part.index, bar)


def _voices_allowed(part: PartReading) -> int | None:
    """Return how many notes the instrument can sound at once; None for many."""
    if part.name.lower().endswith("s") and part.name != part.instrument.name:
        return None  # "Trumpets", "Violins": a section divides
    if part.instrument.family in _ONE_VOICE_FAMILIES or part.instrument.name in _ONE_VOICE_NAMES:
        return 1
    return 2 if part.instrument.name in _BOWED_NAMES else None


def check_unplayable_chords(reading: Reading) -> Iterator[Finding]:
    """Yield chords on instruments that have one voice, or more than two notes on bowed ones."""
    for part in reading.pitched:
        allowed = _voices_allowed(part)
        if allowed is None:
            continue
        onset, count = np.unique(part.onset, return_counts=True)
        if not (count > allowed).any():
            continue
        first = np.searchsorted(part.onset, onset)
        for bar, number in _bars_with(part.bar[first], count > allowed):
            message = (
                f"{part.name}: {number} chord{'s' if number > 1 else ''} of more than {allowed} "
                f"note{'s' if allowed > 1 else ''} in bar {bar + 1}"
            )
            yield Finding("unplayable chord", "warning", message, part.index, bar)
