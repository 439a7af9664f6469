"""Checks on form: the plan kept, no holes, breath and variety.

Purpose: what a listener notices over bars rather than notes.

Conventions: as in :mod:`~leitmotiv.review.note_checks`.

Public names: the checks.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, pairwise

import numpy as np

from leitmotiv.review.finding import Finding, Severity
from leitmotiv.review.reading import SNAP_TICKS, PartReading, Reading

__all__ = [
    "check_breath",
    "check_empty_bars",
    "check_monotony",
    "check_plan_kept",
    "check_rests",
    "check_theme",
]

_MAX_REPEATS = 4
_HOLE_BARS = 4
_SEVERITIES: tuple[Severity, ...] = ("note", "warning", "error")
_BREATH_TICKS = 60
_LONG_BREATH_SEC, _TOO_LONG_BREATH_SEC = 14.0, 22.0
_BLOWN_FAMILIES = frozenset({"reed", "pipe", "brass"})
_VOICE_NAMES = frozenset({"Voice Oohs"})  # the singers of a choir breathe in turn


def check_plan_kept(reading: Reading) -> Iterator[Finding]:
    """Yield bars, meter or parts that differ from the plan."""
    plan, score = reading.plan, reading.score
    if plan is None:
        return
    if reading.is_whole and score.num_bars != plan.num_bars:
        message = f"the score has {score.num_bars} bars, the plan {plan.num_bars}"
        yield Finding("plan", "error", message)
    if score.meters[0].meter != plan.meter_value or len(score.meters) > 1:
        found = ", ".join(str(change.meter) for change in score.meters[:4])
        yield Finding("plan", "error", f"the score is in {found}, the plan in {plan.meter}")
    if len(score.parts) != len(plan.parts):
        message = f"the score has {len(score.parts)} parts, the plan {len(plan.parts)}"
        yield Finding("plan", "error", message)
        return
    for index, (part, planned) in enumerate(zip(score.parts, plan.parts, strict=True)):
        if part.is_drum != planned.is_drum or (
            not part.is_drum and part.program != planned.program
        ):
            message = f"{part.name}: program {part.program} where the plan has {planned.instrument}"
            yield Finding("plan", "warning", message, index)


def check_empty_bars(reading: Reading) -> Iterator[Finding]:
    """Yield bars in which nothing sounds, and a score without notes."""
    score = reading.score
    if not score.num_notes:
        yield Finding("silence", "error", "the score has no notes")
        return
    change = np.zeros(score.num_bars + 1, dtype=np.int64)
    for part in score.parts:  # all notes: one held from before the passage fills its bars too
        onset = part.notes["onset"] + SNAP_TICKS // 2
        since = score.bar_index_at(onset)
        until = score.bar_index_at(onset + part.notes["duration"] - 2 * SNAP_TICKS)
        np.add.at(change, since, 1)
        np.add.at(change, np.maximum(until, since) + 1, -1)
    silent = np.cumsum(change)[:-1] <= 0
    silent[: reading.start_bar] = False
    silent[reading.stop_bar :] = False
    quiet = np.flatnonzero(silent)
    for run in np.split(quiet, np.flatnonzero(np.diff(quiet) > 1) + 1):
        if not len(run):
            continue
        first, last = int(run[0]), int(run[-1])
        # A bar's rest for everybody is a gesture (Haydn loves it); four are a hole. A plan asks
        # for neither.
        rank = (len(run) > 1) + (len(run) >= _HOLE_BARS) + (reading.plan is not None)
        severity: Severity = _SEVERITIES[min(rank, 2)]
        place = f"bar {first + 1}" if first == last else f"bars {first + 1}-{last + 1}"
        yield Finding("silence", severity, f"nothing sounds in {place}", None, first)


def check_rests(reading: Reading) -> Iterator[Finding]:
    """Yield parts that rest where the plan has them play, or play where it has them rest."""
    plan = reading.plan
    if plan is None or len(plan.parts) != len(reading.parts):
        return
    for index, section in enumerate(plan.sections):
        start = max(section.start_bar_index, reading.start_bar)
        stop = min(section.end_bar_index, reading.stop_bar)
        if start >= stop:
            continue
        for part in reading.parts:
            plays = bool(((part.bar >= start) & (part.bar < stop)).any())
            planned = part.index not in section.parts_silent
            if plays == planned or (planned and stop - start < 4):
                continue
            words = "rests throughout" if planned else "plays in"
            message = f"{part.name} {words} section {section.label}, against the plan"
            severity: Severity = "warning" if plays else "note"
            if planned and all(part.index not in other.parts_silent for other in plan.sections):
                severity = "warning"
            yield Finding(
                "rests", severity, message, part.index, plan.sections[index].start_bar_index
            )


def check_theme(reading: Reading) -> Iterator[Finding]:
    """Yield places where the plan puts the theme and its part has no notes."""
    plan = reading.plan
    if plan is None:
        return
    for placement in plan.placements:
        start, stop = placement.bar_index, placement.bar_index + placement.num_bars
        if placement.part_index >= len(reading.parts) or start < reading.start_bar:
            continue
        if stop > reading.stop_bar:
            continue
        part = reading.parts[placement.part_index]
        if not ((part.bar >= start) & (part.bar < stop)).any():
            message = f"{part.name}: the theme is missing in bars {start + 1}-{stop}"
            yield Finding("theme", "error", message, part.index, start)


def check_breath(reading: Reading) -> Iterator[Finding]:
    """Yield phrases of the melody that run on, and winds or solo voices without time to breathe."""
    yield from _check_phrase_ends(reading)
    score = reading.score
    for part in reading.pitched:
        family, name = part.instrument.family, part.instrument.name
        if part.role == "pad" or not part.is_monophonic:
            continue
        if family not in _BLOWN_FAMILIES and name not in _VOICE_NAMES:
            continue
        line = part.top_line
        rests = np.flatnonzero(line.onset[1:] - line.end[:-1] >= _BREATH_TICKS)
        starts = line.onset[np.append(0, rests + 1)]
        ends = line.end[np.append(rests, len(line) - 1)]
        seconds = score.tempo_map.tick_to_sec(ends) - score.tempo_map.tick_to_sec(starts)
        for index in np.flatnonzero(seconds > _LONG_BREATH_SEC).tolist():
            bar = int(score.bar_index_at(starts[index]))
            message = f"{part.name}: {seconds[index]:.0f} s without a breath from bar {bar + 1}"
            too_long = seconds[index] > _TOO_LONG_BREATH_SEC
            yield Finding("breath", "warning" if too_long else "note", message, part.index, bar)


def _check_phrase_ends(reading: Reading) -> Iterator[Finding]:
    plan, melody = reading.plan, reading.melody
    if plan is None or melody is None or not len(melody):
        return
    line, lines = melody.top_line, reading.score.bar_ticks
    for section in plan.sections:
        for phrase in section.phrases:
            bar = phrase.end_bar_index - 1
            if phrase.cadence == "none" or not reading.start_bar <= bar < reading.stop_bar - 1:
                continue
            start, stop = int(lines[bar]), int(lines[bar + 1])
            inside = np.flatnonzero((line.onset < stop) & (line.end > start))
            if not len(inside):
                continue
            beat = reading.beat_ticks(bar)
            length = np.minimum(line.end[inside], stop) - np.maximum(line.onset[inside], start)
            following = np.append(line.onset, reading.score.length_ticks)[inside + 1]
            rested = following - line.end[inside] >= beat // 4
            if not (rested.any() or (length >= beat).any()):
                message = f"{melody.name}: the phrase runs on without a breath in bar {bar + 1}"
                yield Finding("breath", "note", message, melody.index, bar)


def check_monotony(reading: Reading) -> Iterator[Finding]:
    """Yield melodies in which one bar is repeated more than four times running."""
    for part in reading.pitched:
        if part.role not in ("melody", "counter") and part is not reading.melody:
            continue
        contents = _bar_contents(reading, part)
        bar = reading.start_bar
        for content, run in groupby(contents):
            count = len(list(run))
            if content and count > _MAX_REPEATS:
                message = f"{part.name}: bar {bar + 1} is repeated {count} times running"
                severity: Severity = "note" if reading.is_colourful else "warning"
                yield Finding("monotony", severity, message, part.index, bar)
            bar += count


def _bar_contents(reading: Reading, part: PartReading) -> list[bytes]:
    """Return what each bar of a part holds: places, pitches and lengths on the grid."""
    lines = reading.score.bar_ticks
    table = np.stack(
        [
            (part.onset - lines[part.bar]) // SNAP_TICKS,
            part.pitch,
            (part.duration + SNAP_TICKS) // (2 * SNAP_TICKS),
        ],
        axis=1,
    )
    bars = np.arange(reading.start_bar, reading.stop_bar + 1)
    order = np.lexsort((part.pitch, part.onset))
    edges = np.searchsorted(part.bar[order], bars)
    table = table[order]
    return [table[a:b].tobytes() for a, b in pairwise(edges)]
