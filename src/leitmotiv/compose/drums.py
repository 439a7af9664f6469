"""Drum parts from a style's patterns and fills.

Purpose: a groove that follows the plan: its intensity from the section's energy, fills where
phrases end, a crash where sections start, space where the texture is thin, and an ending.

Conventions: notes carry General MIDI percussion keys; two bars are rarely quite the same, since
a pair of bars may gain or lose a soft note (personal to the seed).

Public names: :func:`drum_notes`, :func:`symbol_velocity`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.harmony_spans import is_silent, section_intensity, source_section
from leitmotiv.plan.plan import Plan
from leitmotiv.score.score import Origin, make_notes
from leitmotiv.styles.choice import patterns_for_meter, pick_pattern
from leitmotiv.styles.grid import beat_starts, fit_grid, grid_events, split_grid
from leitmotiv.styles.style import DRUM_KEYS, DrumPattern, Fill, Style
from leitmotiv.theory import Meter

__all__ = ["drum_notes", "symbol_velocity"]

_LEVELS = {"X": 112, "x": 88, "o": 50}
_HIT_TICKS = 60
# Lanes that may lose soft notes, or gain them, without changing what the groove is.
_GHOST_LANES = frozenset({"snare", "kick", "hat", "rim", "conga_high", "shaker"})


def symbol_velocity(symbol: str) -> int:
    """Return the velocity a grid symbol stands for.

    Examples
    --------
    >>> symbol_velocity("X"), symbol_velocity("5")
    (112, 70)
    """
    return 5 + 13 * int(symbol) if symbol.isdigit() else _LEVELS.get(symbol, 88)


@dataclass(frozen=True)
class _Hit:
    lane: str
    onset: int  # tick in the bar
    velocity: int


def _groove_bar(pattern: DrumPattern, bar: int, meter: Meter) -> list[_Hit]:
    hits = []
    source = Meter.parse(pattern.meter)
    for lane, text in pattern.lanes.items():
        bars = split_grid(text)
        for event in fit_grid(bars[bar % len(bars)], source, meter):
            hits.append(_Hit(lane, event.onset, symbol_velocity(event.symbol)))
    return hits


def _vary(hits: list[_Hit], meter: Meter, intensity: float, rng: np.random.Generator) -> list[_Hit]:
    """Drop or add a soft note: the difference between a loop and a player."""
    soft = [h for h in hits if h.lane in _GHOST_LANES and h.velocity < 60]
    if soft and rng.random() < 0.35:
        gone = soft[int(rng.integers(len(soft)))]
        hits = [hit for hit in hits if hit is not gone]
    if intensity > 0.3 and rng.random() < 0.3 + 0.3 * intensity:
        taken = {hit.onset for hit in hits if hit.lane in ("kick", "snare")}
        step = 120 if not meter.is_compound else 240
        free = [
            tick
            for tick in range(step, meter.bar_ticks, step)
            if tick not in beat_starts(meter) and tick not in taken
        ]
        lanes = [lane for lane in ("kick", "snare", "rim") if any(h.lane == lane for h in hits)]
        if free and lanes:
            lane = lanes[int(rng.integers(len(lanes)))]
            tick = free[int(rng.integers(len(free)))]
            hits = [*hits, _Hit(lane, tick, 44 if lane == "snare" else 58)]
    return hits


def _fill_hits(fill: Fill, meter: Meter) -> tuple[list[_Hit], int]:
    """Return the hits of a fill, placed at the bar's end, and the tick where it begins."""
    source = Meter.parse(fill.meter)
    beats = beat_starts(meter)
    start = beats[-1 - min(fill.num_beats, len(beats) - 1)]
    length = fill.num_beats * source.beat_ticks
    scale = (meter.bar_ticks - start) / length
    hits = []
    for lane, text in fill.lanes.items():
        for event in grid_events(split_grid(text)[0], length):
            onset = start + round(event.onset * scale)
            hits.append(_Hit(lane, onset, symbol_velocity(event.symbol)))
    return hits, start


def _with_fill(
    hits: list[_Hit], fills: tuple[Fill, ...], meter: Meter, size: float, rng: np.random.Generator
) -> list[_Hit]:
    options = patterns_for_meter(fills, meter)
    if not options:
        return hits
    ranked = sorted(options, key=lambda fill: abs(fill.intensity - size))[:2]
    fill = ranked[int(rng.random() < 0.3) % len(ranked)]
    fill_hits, start = _fill_hits(fill, meter)
    return [hit for hit in hits if hit.onset < start] + fill_hits


def _ending(hits: list[_Hit], plan: Plan, intensity: float, *, crash: bool) -> list[_Hit]:
    """The last bar: one stroke where the last chord arrives, then let it ring."""
    changes = plan.chord_at(plan.num_bars - 1, 0) != plan.chord_at(plan.num_bars - 1, 1)
    stroke = plan.half_tick if changes else 0
    kept = [hit for hit in hits if hit.onset < stroke]
    lanes = {hit.lane for hit in hits}
    low = "kick" if lanes & {"kick", "snare", "hat", "ride"} else "bass_drum"
    kept.append(_Hit(low, stroke, 96))
    if crash:
        kept.append(_Hit("crash", stroke, 84 + round(24 * intensity)))
    return kept


def drum_notes(
    plan: Plan, part_index: int, style: Style, rng: np.random.Generator
) -> NDArray[np.void]:
    """Write the drum part of a plan.

    Fills stand in the last bar of every section and of most phrases; the last bar of the piece
    ends with a stroke, except where the plan is a loop.

    Returns
    -------
    numpy.ndarray of NOTE_DTYPE
        Empty where the style has no drums.
    """
    meter = plan.meter_value
    seed = int(rng.integers(2**32))
    low, high = plan.parts[part_index].low, plan.parts[part_index].high
    onsets: list[int] = []
    keys: list[int] = []
    velocities: list[int] = []
    was_playing = False
    for section_index, section in enumerate(plan.sections):
        source = source_section(plan, section_index)
        section_rng = np.random.default_rng([seed, source])
        intensity = section_intensity(plan, section.start_bar_index)
        pattern = pick_pattern(style.drums, meter, intensity)
        silent = is_silent(plan, part_index, section.start_bar_index) or section.texture == "solo"
        if pattern is None or silent:
            was_playing = False
            continue
        # Short sections that stay where they were need no announcement.
        before = plan.sections[section_index - 1].energy if section_index else 0.0
        rises = section.energy > before + 0.08 or section.num_bars >= 8
        crashes = intensity >= style.crash_energy and rises
        ends = {phrase.end_bar_index - 1 for phrase in section.phrases}
        # The second half of a long section steps up once, so that it goes somewhere.
        lifted = pick_pattern(style.drums, meter, min(intensity + 0.18, 1.0)) or pattern
        for bar_index in range(section.start_bar_index, section.end_bar_index):
            place = bar_index - section.start_bar_index
            late = section.num_bars >= 8 and place >= section.num_bars // 2
            hits = _groove_bar(lifted if late else pattern, place, meter)
            if place % 2:
                hits = _vary(hits, meter, intensity, section_rng)
            last_of_section = bar_index == section.end_bar_index - 1
            is_last_bar = bar_index == plan.num_bars - 1
            if is_last_bar and plan.loop is None:
                hits = _ending(hits, plan, intensity, crash=intensity >= style.crash_energy - 0.2)
            elif last_of_section or (bar_index in ends and section_rng.random() < 0.75):
                size = intensity if last_of_section else 0.55 * intensity
                hits = _with_fill(hits, style.fills, meter, size, section_rng)
            if place == 0 and crashes and (bar_index > 0 or intensity > 0.7):
                hits = [hit for hit in hits if hit.onset or hit.lane not in ("hat", "open_hat")]
                if not any(hit.lane == "crash" and hit.onset == 0 for hit in hits):
                    hits.append(_Hit("crash", 0, 92 if was_playing else 100))
            for hit in hits:
                key = DRUM_KEYS[hit.lane]
                if low <= key <= high:
                    onsets.append(bar_index * meter.bar_ticks + hit.onset)
                    keys.append(key)
                    velocities.append(hit.velocity)
        was_playing = True
    return _unique_hits(onsets, keys, velocities, plan.num_bars * meter.bar_ticks)


def _unique_hits(
    onsets: list[int], keys: list[int], velocities: list[int], end: int
) -> NDArray[np.void]:
    """One hit a key and tick (the loudest), each ending before the same key is struck again."""
    loudest: dict[tuple[int, int], int] = {}
    for key, onset, velocity in zip(keys, onsets, velocities, strict=True):
        loudest[key, onset] = max(loudest.get((key, onset), 1), velocity)
    columns: list[tuple[int, int, int, int]] = []
    following: dict[int, int] = {}
    for (key, onset), velocity in sorted(loudest.items(), key=lambda item: -item[0][1]):
        length = min(_HIT_TICKS, following.get(key, end) - onset)
        following[key] = onset
        if length > 0:
            columns.append((onset, length, key, velocity))
    if not columns:
        return make_notes([], [], [], [], Origin.STYLE)
    onset_col, length_col, key_col, velocity_col = zip(*columns, strict=True)
    return make_notes(onset_col, length_col, key_col, velocity_col, Origin.STYLE)
