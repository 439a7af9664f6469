"""Checks on the frame: tempo, bar sums, the end, and the seam of a loop.

Purpose: what is wrong before a single note is: bars that do not add up, a tempo nobody plays, a
last bar that does not lead to the first where the piece goes round.

Conventions: as in :mod:`~leitmotiv.review.note_checks`. A loop is ``(start, stop)`` in bars, the
plan's or the caller's. A first bar that is short is an upbeat.

Public names: the checks.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from leitmotiv.review.finding import Finding, Severity
from leitmotiv.review.reading import PartReading, Reading
from leitmotiv.theory import TICKS_PER_QUARTER, pitch_name

__all__ = ["check_bar_sums", "check_loop_seam", "check_tempo"]

_SLOWEST_BPM, _FASTEST_BPM = 24.0, 300.0
_TEMPO_JUMP = 2.2
_PLAN_TOLERANCE = 0.005
_RING_TICKS = TICKS_PER_QUARTER // 4
_SEAM_LEAP = 12
_SEAM_VELOCITY = 30
_SEAM_TEMPO = 0.06


def check_tempo(reading: Reading) -> Iterator[Finding]:
    """Yield tempos outside 24-300 beats a minute, sudden jumps, and departures from the plan."""
    score, plan = reading.score, reading.plan
    shown = 0
    before = None
    changes = pairwise((*score.tempo_map.ticks, max(score.length_ticks, 1)))
    for tick, following in changes:
        if tick >= max(score.length_ticks, 1):
            break
        bar = int(score.bar_index_at(tick))
        if not reading.start_bar <= bar < max(reading.stop_bar, 1):
            continue
        bpm = score.tempo_map.qpm_at(int(tick)) * TICKS_PER_QUARTER / reading.beat_ticks(bar)
        if following - tick < score.meter_at(tick).bar_ticks:
            continue  # a fermata written as a tempo, or a ritardando's step
        if not _SLOWEST_BPM <= bpm <= _FASTEST_BPM:
            message = f"{bpm:.0f} beats a minute in bar {bar + 1}"
            yield Finding("tempo", "warning", message, None, bar, int(tick))
        elif before is not None and not 1 / _TEMPO_JUMP <= bpm / before <= _TEMPO_JUMP:
            shown += 1
            if shown <= 3:
                message = f"the tempo jumps from {before:.0f} to {bpm:.0f} BPM in bar {bar + 1}"
                yield Finding("tempo", "note", message, None, bar, int(tick))
        before = bpm
    if plan is None or not reading.is_whole or score.num_bars != plan.num_bars:
        return
    planned, found = plan.qpm_at(0), score.tempo_map.qpm_at(0)
    if abs(found / planned - 1) > _PLAN_TOLERANCE:
        message = f"the score starts at {found:.1f} quarters a minute, the plan at {planned:.1f}"
        yield Finding("tempo", "error", message, None, 0)


def check_bar_sums(reading: Reading) -> Iterator[Finding]:
    """Yield bars that a change of meter cuts short, and a last bar that is not full.

    Two short bars in a row that make up one (a repeat with an upbeat) add up and are passed over,
    as are the first and the last, an upbeat and its complement.
    """
    score, lines = reading.score, reading.score.bar_ticks
    if score.num_bars == 0:
        return
    length = np.diff(lines)
    full = np.asarray([score.meter_at(int(tick)).bar_ticks for tick in lines[:-1]])
    short = np.flatnonzero(length < full)
    for bar in short.tolist():
        is_edge = bar in (0, score.num_bars - 1)
        if is_edge or not reading.start_bar <= bar < reading.stop_bar:
            continue
        after = length[bar] + length[bar + 1] == full[bar]
        before = length[bar] + length[bar - 1] == full[bar]
        if after or before:
            continue
        held, due = (float(v[bar]) / TICKS_PER_QUARTER for v in (length, full))
        message = f"bar {bar + 1} holds {held:g} of {due:g} quarters"
        yield Finding("bar sum", "warning", message, None, bar, int(lines[bar]))
    over = int(lines[-1]) - score.length_ticks
    if over > 0 and reading.is_whole and reading.plan is not None:
        message = f"the last bar lacks {over / TICKS_PER_QUARTER:g} quarters"
        yield Finding("bar sum", "warning", message, None, score.num_bars - 1)


def check_loop_seam(reading: Reading) -> Iterator[Finding]:
    """Yield what is heard where the last bar of a loop runs into its first.

    Notes that ring past the seam, a hole on either side of it, a leap of more than an octave in
    the melody or a bass, another tempo, key or loudness.
    """
    if reading.loop is None or not reading.is_whole:
        return
    score, lines = reading.score, reading.score.bar_ticks
    start_bar, stop_bar = reading.loop
    if not 0 <= start_bar < stop_bar <= score.num_bars:
        return
    start, stop = int(lines[start_bar]), int(lines[stop_bar])
    last = stop_bar - 1
    yield from _check_hole(reading, start, stop, last)
    for part in reading.pitched:
        inside = (part.onset >= start) & (part.onset < stop)
        over = inside & (part.end > stop + _RING_TICKS)
        if over.any():
            message = f"{part.name}: {int(over.sum())} notes ring past the end of the loop"
            where = int(np.flatnonzero(over)[0])
            place = {"tick": int(part.onset[where]), "pitch": int(part.pitch[where])}
            yield Finding("loop seam", "warning", message, part.index, last, **place)
        if part is reading.melody or part is reading.bass:
            yield from _check_leap(reading, part, start, stop, last)
    first_qpm = score.tempo_map.qpm_at(start)
    last_qpm = score.tempo_map.qpm_at(stop - 1)
    if abs(last_qpm / first_qpm - 1) > _SEAM_TEMPO:
        message = f"the tempo jumps from {last_qpm:.0f} to {first_qpm:.0f} QPM at the seam"
        yield Finding("loop seam", "warning", message, None, last)
    first_key, last_key = reading.keys[start_bar], reading.keys[last]
    if first_key is not None and last_key is not None and first_key.fifths != last_key.fifths:
        severity: Severity = "note"
        message = f"the loop ends in {last_key} and begins in {first_key}"
        yield Finding("loop seam", severity, message, None, last)
    loud = [_loudness(reading, bar) for bar in (start_bar, last)]
    if loud[0] is not None and loud[1] is not None and abs(loud[0] - loud[1]) > _SEAM_VELOCITY:
        message = f"the loudness jumps from {loud[1]:.0f} to {loud[0]:.0f} (velocity) at the seam"
        yield Finding("loop seam", "note", message, None, last)


def _check_hole(reading: Reading, start: int, stop: int, last: int) -> Iterator[Finding]:
    parts = [part for part in reading.parts if len(part)]
    inside = [(p.onset >= start) & (p.onset < stop) for p in parts]
    ends = [int(p.end[i].max()) for p, i in zip(parts, inside, strict=True) if i.any()]
    onsets = [int(p.onset[i].min()) for p, i in zip(parts, inside, strict=True) if i.any()]
    if not ends:
        return
    gap = max(stop - max(ends), 0) + min(onsets) - start
    if gap >= int(reading.score.bar_ticks[last + 1] - reading.score.bar_ticks[last]) // 2:
        message = f"{gap / TICKS_PER_QUARTER:g} quarters of silence at the seam of the loop"
        yield Finding("loop seam", "warning", message, None, last)


def _check_leap(
    reading: Reading, part: PartReading, start: int, stop: int, last: int
) -> Iterator[Finding]:
    line = part.bottom_line if part is reading.bass else part.top_line
    first, end = (int(i) for i in np.searchsorted(line.onset, (start, stop)))
    if end - first < 2 or stop - line.end[end - 1] > TICKS_PER_QUARTER:
        return
    if line.onset[first] - start > TICKS_PER_QUARTER:
        return
    leap = abs(int(line.pitch[first]) - int(line.pitch[end - 1]))
    if leap > _SEAM_LEAP:
        names = [pitch_name(int(line.pitch[i]), reading.keys[last]) for i in (end - 1, first)]
        message = f"{part.name}: leap from {names[0]} to {names[1]} at the seam of the loop"
        place = {"tick": int(line.onset[end - 1]), "pitch": int(line.pitch[end - 1])}
        yield Finding("loop seam", "note", message, part.index, last, **place)


def _loudness(reading: Reading, bar: int) -> float | None:
    """Mean velocity of the notes that start in a bar; None without any."""
    found = [part.part.notes["velocity"][part.bar == bar] for part in reading.parts]
    velocity = np.concatenate([np.zeros(0), *found])
    return float(velocity.mean()) if len(velocity) else None
