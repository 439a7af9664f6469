"""Checks on texture: dull stretches, overlong repetition, registers that get in each other's way.

Purpose: what makes a listener's attention drift, or a mix turn to mud, before anybody mixes.

Conventions: as in :mod:`~leitmotiv.review.note_checks`. Styles that live on loops (those of
:attr:`~leitmotiv.review.reading.Reading.is_colourful`) may repeat twice as often.

Public names: the checks.

References
----------
The lowest places of close intervals follow the low interval limits of orchestration teaching:
D. Sebesky, *The Contemporary Arranger*, Alfred 1984, chapter 1.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from leitmotiv.review.finding import Finding, Severity
from leitmotiv.review.reading import SNAP_TICKS, PartReading, Reading
from leitmotiv.theory import pitch_name

__all__ = ["check_dull_bars", "check_register_clashes", "check_repetition"]

_DULL_BARS, _DULL_SEC = 4, 8.0
# Bars in the repeated block, times it may stand in a row.
_BLOCKS = ((1, 8), (2, 6), (4, 4), (8, 3))
_SETTLED = 1.5  # a note of so many beats colours the register it is in
_MUD_PITCH = 43  # below G2 ...
_MUD_INTERVAL = 4  # ... a third or less is heard as a rumble
_MUD_BARS = 2
_COVER_BARS = 4
_COVER_SHARE = 0.8


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate([[False], flags, [False]]).astype(np.int8)))
    return [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]


def check_dull_bars(reading: Reading) -> Iterator[Finding]:
    """Yield stretches of four bars and more in which one sonority is all that happens."""
    score, lines = reading.score, reading.score.bar_ticks
    parts = [part for part in reading.parts if len(part)]
    if not parts or reading.stop_bar - reading.start_bar < _DULL_BARS:
        return
    num_bars = score.num_bars
    strokes: list[set[int]] = [set() for _ in range(num_bars)]
    pitches: list[set[int]] = [set() for _ in range(num_bars)]
    for part in parts:
        last = score.bar_index_at(np.maximum(part.end - 2 * SNAP_TICKS, part.onset))
        for bar, stop, onset, pitch in zip(
            part.bar.tolist(), last.tolist(), part.onset.tolist(), part.pitch.tolist(), strict=True
        ):
            strokes[bar].add(onset)
            for sounding in range(bar, max(stop, bar) + 1):
                pitches[sounding].add(-1 - pitch if part.is_drum else pitch)
    still = np.zeros(num_bars, dtype=bool)
    for bar in range(reading.start_bar, reading.stop_bar):
        same = bar > reading.start_bar and pitches[bar] == pitches[bar - 1]
        still[bar] = len(strokes[bar]) <= 1 and bool(pitches[bar]) and same
    for start, stop in _runs(still):
        first = start - 1  # the bar in which the sonority began
        sec = np.diff(score.tempo_map.tick_to_sec(np.asarray([lines[first], lines[stop]])))[0]
        if stop - first < _DULL_BARS or sec < _DULL_SEC:
            continue
        message = f"nothing moves in bars {first + 1}-{stop} ({sec:.0f} s)"
        severity: Severity = "note" if reading.is_colourful else "warning"
        yield Finding("dull bars", severity, message, None, first)


def _bar_hashes(reading: Reading) -> NDArray[np.int64]:
    """Number bars so that two with the same notes in all pitched parts are equal; -1 for empty."""
    lines = reading.score.bar_ticks
    content: list[list[tuple[int, int, int]]] = [[] for _ in range(reading.score.num_bars)]
    for part in reading.pitched:
        place = (part.onset - lines[part.bar]) // SNAP_TICKS
        for bar, at, pitch in zip(
            part.bar.tolist(), place.tolist(), part.pitch.tolist(), strict=True
        ):
            content[bar].append((part.index, at, pitch))
    numbers: dict[tuple[tuple[int, int, int], ...], int] = {(): -1}
    return np.asarray([numbers.setdefault(tuple(sorted(c)), len(numbers)) for c in content])


def check_repetition(reading: Reading) -> Iterator[Finding]:
    """Yield passages in which all pitched parts repeat the same bars over and over."""
    if not reading.pitched:
        return
    number = _bar_hashes(reading)[reading.start_bar : reading.stop_bar]
    done = np.zeros(len(number), dtype=bool)
    for length, most in _BLOCKS:
        limit = most * (2 if reading.is_colourful else 1)
        if len(number) < length * (limit + 1):
            continue
        same = (number[length:] == number[:-length]) & (number[length:] >= 0)
        for start, stop in _runs(same):
            times = (stop - start) // length + 1
            if times <= limit or done[start : stop + length].any():
                continue
            done[start : stop + length] = True
            bar = reading.start_bar + start
            words = f"bar {bar + 1} is" if length == 1 else f"bars {bar + 1}-{bar + length} are"
            message = f"{words} played {times} times running by all parts"
            severity: Severity = "note" if reading.is_colourful else "warning"
            yield Finding("repetition", severity, message, None, bar)


def check_register_clashes(reading: Reading) -> Iterator[Finding]:
    """Yield close intervals held in the depth, and melodies that an accompaniment sits on."""
    yield from _check_mud(reading)
    yield from _check_covered_melody(reading)


def _check_mud(reading: Reading) -> Iterator[Finding]:
    parts = reading.pitched
    if not parts:
        return
    onset = np.concatenate([part.onset for part in parts])
    end = np.concatenate([part.end for part in parts])
    pitch = np.concatenate([part.pitch for part in parts])
    bar = np.concatenate([part.bar for part in parts])
    low = pitch < _MUD_PITCH + _MUD_INTERVAL
    onset, end, pitch, bar = onset[low], end[low], pitch[low], bar[low]
    order = np.argsort(onset, kind="stable")
    onset, end, pitch, bar = onset[order], end[order], pitch[order], bar[order]
    wrong: dict[int, tuple[int, int, int]] = {}
    for index in range(len(onset)):
        later = index + 1 + np.flatnonzero(onset[index + 1 : index + 12] < end[index])
        for other in later.tolist():
            together = min(end[index], end[other]) - onset[other]
            gap = abs(int(pitch[other]) - int(pitch[index]))
            lowest = int(min(pitch[index], pitch[other]))
            if not 0 < gap <= _MUD_INTERVAL or lowest >= _MUD_PITCH:
                continue
            if together >= _SETTLED * reading.beat_ticks(int(bar[other])):
                wrong.setdefault(int(bar[other]), (int(onset[other]), lowest, lowest + gap))
    flags = np.zeros(reading.score.num_bars, dtype=bool)
    flags[list(wrong)] = True
    for start, stop in _runs(flags):
        if stop - start < _MUD_BARS:
            continue
        tick, lowest, above = wrong[start]
        names = " and ".join(pitch_name(p, reading.keys[start]) for p in (lowest, above))
        message = f"{names} rumble in bar {start + 1}" + (
            f" and on to bar {stop}" if stop - start > 1 else ""
        )
        yield Finding("register clash", "note", message, None, start, tick, lowest)


def _check_covered_melody(reading: Reading) -> Iterator[Finding]:
    melody = reading.melody
    if melody is None or melody.role != "melody" or not len(melody):
        return  # without a role the highest part is the melody, and nothing covers it
    line = melody.top_line
    for part in reading.pitched:
        if part.index == melody.index or part.role in ("melody", "counter", "bass"):
            continue
        covered = _covered(line.onset, line.pitch, part)
        share: list[float] = []
        for start in range(reading.start_bar, reading.stop_bar, _COVER_BARS):
            stop = min(start + _COVER_BARS, reading.stop_bar)
            first, last = np.searchsorted(line.bar, (start, stop))
            share.append(float(covered[first:last].mean()) if last - first >= 6 else 0.0)
        for start, stop in _runs(np.asarray(share) >= _COVER_SHARE):
            bars = reading.start_bar + _COVER_BARS * np.asarray([start, stop])
            first_bar, last_bar = int(bars[0]), int(min(bars[1], reading.stop_bar))
            message = f"{part.name} sits on {melody.name} in bars {first_bar + 1}-{last_bar}"
            yield Finding("register clash", "warning", message, part.index, first_bar)


def _covered(
    onset: NDArray[np.int64], pitch: NDArray[np.int64], part: PartReading
) -> NDArray[np.bool_]:
    """Whether a part strikes at or just above each note of a melody, or holds there."""
    order = np.argsort(part.onset, kind="stable")
    starts, ends, pitches = part.onset[order], part.end[order], part.pitch[order]
    longest = int((ends - starts).max(initial=0))
    found = np.zeros(len(onset), dtype=bool)
    for index, (tick, height) in enumerate(zip(onset.tolist(), pitch.tolist(), strict=True)):
        first, last = np.searchsorted(starts, (tick - longest, tick + 1))
        alive = ends[first:last] > tick + SNAP_TICKS
        gap = pitches[first:last][alive] - height
        found[index] = bool(((gap >= 1) & (gap <= 9)).any())
    return found
