"""Drum parts from a style's patterns and fills.

Purpose: a groove that follows the plan: its intensity from the section's energy, fills where
phrases end, a crash where sections start, space where the texture is thin, and an ending.

Conventions: notes carry General MIDI percussion keys; two bars are rarely quite the same: where
the style has a drummer, :mod:`leitmotiv.compose.drummer` plays the pattern, else a pair of bars may
gain or lose a soft note. Both are personal to the seed.

Public names: :func:`drum_notes`, :func:`symbol_velocity`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.drummer import Drummer, StepClock, stroke_velocities
from leitmotiv.compose.harmony_spans import section_intensity, source_section
from leitmotiv.plan.plan import Plan
from leitmotiv.score.score import Origin, make_notes
from leitmotiv.styles.choice import patterns_for_meter, pick_pattern
from leitmotiv.styles.drum_grid import PIECES
from leitmotiv.styles.grid import beat_starts, fit_grid, grid_events, split_grid
from leitmotiv.styles.style import DRUM_KEYS, DrumPattern, Fill, Style
from leitmotiv.theory import TICKS_PER_QUARTER, Meter

__all__ = ["drum_notes", "symbol_velocity"]

_LEVELS = {"X": 112, "x": 88, "o": 50}
_HIT_TICKS = 60
_GHOST_VELOCITY = 60.0
_HAND_GAIN = 16.0  # recorded strokes lie softer than written ones, on average by this much
_LOUDNESS = 40.0  # velocity between the softest and the hardest setting of intensity
# Lanes that may lose soft notes, or gain them, without changing what the groove is.
_HAND_LANES = ("conga_high", "conga_low", "bongo_high", "bongo_low", "tambourine", "shaker")
_GHOST_LANES = frozenset({"snare", "kick", "hat", "rim", *_HAND_LANES})


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


def _vary(
    hits: list[_Hit], meter: Meter, complexity: float, rng: np.random.Generator
) -> list[_Hit]:
    """Drop or add a soft note: the difference between a loop and a player."""
    soft = [h for h in hits if h.lane in _GHOST_LANES and h.velocity < 60]
    if soft and rng.random() < 0.55 - 0.5 * complexity:
        gone = soft[int(rng.integers(len(soft)))]
        hits = [hit for hit in hits if hit is not gone]
    if complexity > 0.2 and rng.random() < 1.2 * complexity:
        taken = {hit.onset for hit in hits if hit.lane in ("kick", "snare")}
        step = 120 if not meter.is_compound else 240
        free = [
            tick
            for tick in range(step, meter.bar_ticks, step)
            if tick not in beat_starts(meter) and tick not in taken
        ]
        present = {hit.lane for hit in hits}
        kit: tuple[str, ...] = ("kick", "snare", "rim")
        lanes = [lane for lane in kit if lane in present]
        lanes = lanes or [lane for lane in _HAND_LANES if lane in present]
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
) -> tuple[list[_Hit], int | None]:
    """Return the bar with a fill at its end and the tick where that begins."""
    options = patterns_for_meter(fills, meter)
    if not options:
        return hits, None
    ranked = sorted(options, key=lambda fill: abs(fill.intensity - size))[:2]
    fill = ranked[int(rng.random() < 0.3) % len(ranked)]
    fill_hits, start = _fill_hits(fill, meter)
    return [hit for hit in hits if hit.onset < start] + fill_hits, start


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


class _Kit:
    """Turns hits into the drummer's grid and back, and keeps each section's groove."""

    def __init__(self, plan: Plan, style: Style, clock: StepClock) -> None:
        self.style, self.clock = style, clock
        self.bpm = plan.tempos[0].bpm
        if plan.meter_value.is_compound:
            self.bpm *= plan.meter_value.beat_ticks / TICKS_PER_QUARTER / 1.5
        elif plan.meter_value.beat_ticks != TICKS_PER_QUARTER:
            self.bpm *= plan.meter_value.beat_ticks / TICKS_PER_QUARTER
        self.drummer = Drummer(style, clock, self.bpm)
        self.bars: list[NDArray[np.bool_]] = []
        self.grooves: dict[tuple[int, bool, int], NDArray[np.bool_]] = {}

    def _grid(self, hits: list[_Hit]) -> tuple[NDArray[np.float32], list[_Hit], str]:
        """Written strengths, the hits of other percussion, and the lane of the snare."""
        written = np.zeros((self.clock.bar_steps, len(PIECES)), dtype=np.float32)
        lanes = {hit.lane for hit in hits}
        snare = "rim" if "rim" in lanes and "snare" not in lanes else "snare"
        others = []
        for hit in hits:
            lane = "snare" if hit.lane == snare else hit.lane
            if lane not in PIECES:
                others.append(hit)
                continue
            cell = self.clock.step(hit.onset), PIECES.index(lane)
            strength = 1.5 if hit.velocity >= 100 else 1.0 if hit.velocity >= 60 else 0.5
            written[cell] = max(float(written[cell]), strength)
        return written, others, snare

    def rest(self) -> None:
        self.drummer.rest()

    def play(
        self,
        hits: list[_Hit],
        rng: np.random.Generator,
        *,
        complexity: float,
        intensity: float,
        fill_from: int | None,
        groove: tuple[int, bool, int],
    ) -> list[_Hit]:
        """Play the bar that a pattern (and a fill) writes; velocities come from the hands."""
        written, others, snare = self._grid(hits)
        lanes = {PIECES.index(hit.lane) for hit in hits if hit.lane in PIECES}
        bar = self.drummer.play(
            written,
            rng,
            complexity=complexity,
            intensity=intensity,
            fill_from=None if fill_from is None else self.clock.step(fill_from),
            kept=self.grooves.get(groove),
        )
        # Outside a fill the hands stay where the pattern has them; kick and snare are always there.
        for piece, name in enumerate(PIECES):
            if piece in lanes or name in ("kick", "snare"):
                continue
            last = len(bar) if fill_from is None else self.clock.step(fill_from)
            bar[:last, piece] = False
        self.drummer.replace_last(bar)
        if fill_from is None:
            self.grooves.setdefault(groove, bar.copy())
        played = stroke_velocities(
            [bar], self.style, self.clock, self.bpm, complexity, intensity, rng
        )
        asked = {(hit.lane, self.clock.step(hit.onset)): hit.velocity for hit in hits}
        result = others
        for step, piece in np.argwhere(bar).tolist():
            lane = snare if PIECES[piece] == "snare" else PIECES[piece]
            velocity = float(played[step, piece]) + _HAND_GAIN
            if (lane, step) in asked:
                velocity = 0.5 * velocity + 0.5 * asked[lane, step]
            elif lane == snare and (fill_from is None or self.clock.tick(step) < fill_from):
                velocity = min(velocity, _GHOST_VELOCITY)  # what is added leaves the backbeat alone
            result.append(_Hit(lane, self.clock.tick(step), int(np.clip(round(velocity), 18, 124))))
        return result


def drum_notes(
    plan: Plan, part_index: int, style: Style, rng: np.random.Generator
) -> NDArray[np.void]:
    """Write the drum part of a plan.

    Fills stand in the last bar of every section and of most phrases; the last bar of the piece
    ends with a stroke, except where the plan is a loop. ``plan.drums`` sets complexity, intensity
    and the drummer's own seed.

    Returns
    -------
    numpy.ndarray of NOTE_DTYPE
        Empty where the style has no drums.
    """
    meter = plan.meter_value
    seed = int(rng.integers(2**32))
    if plan.drums.seed is not None:
        seed = plan.drums.seed
    clock = StepClock.of(meter, style)
    kit = _Kit(plan, style, clock) if style.drummer is not None and clock.is_whole else None
    low, high = plan.parts[part_index].low, plan.parts[part_index].high
    onsets: list[int] = []
    keys: list[int] = []
    velocities: list[int] = []
    was_playing = False
    for section_index, section in enumerate(plan.sections):
        source = source_section(plan, section_index)
        section_rng = np.random.default_rng([seed, source])
        intensity = section_intensity(plan, section.start_bar_index)
        if plan.drums.intensity is not None:
            # The sections keep a little of their rise and fall.
            intensity = min(0.8 * plan.drums.intensity + 0.2 * intensity, 1.0)
        complexity = _complexity(plan, style, intensity)
        pattern = pick_pattern(style.drums, meter, intensity)
        silent = part_index in section.parts_silent or section.texture == "solo"
        if pattern is None or silent:
            was_playing = False
            if kit is not None:
                for _ in range(section.num_bars):
                    kit.rest()
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
            groove = lifted if late else pattern
            hits = _groove_bar(groove, place, meter)
            by_hand = any(hit.lane in _HAND_LANES for hit in hits)  # these the model has not heard
            if by_hand if kit is not None else place % 2:
                hits = _vary(hits, meter, complexity, section_rng)
            last_of_section = bar_index == section.end_bar_index - 1
            is_last_bar = bar_index == plan.num_bars - 1
            ends_here = is_last_bar and plan.loop is None
            fill_from = None
            if not ends_here and (
                last_of_section or (bar_index in ends and section_rng.random() < 0.75)
            ):
                size = intensity if last_of_section else 0.55 * intensity
                hits, fill_from = _with_fill(hits, style.fills, meter, size, section_rng)
            if kit is not None:
                hits = kit.play(
                    hits,
                    section_rng,
                    complexity=complexity,
                    intensity=intensity,
                    fill_from=fill_from,
                    groove=(source, late, place % max(groove.num_bars, 2)),
                )
            if ends_here:
                hits = _ending(hits, plan, intensity, crash=intensity >= style.crash_energy - 0.2)
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
    if plan.drums.intensity is not None:
        lift = round(_LOUDNESS * (plan.drums.intensity - 0.5))
        velocities = [min(max(velocity + lift, 1), 127) for velocity in velocities]
    return _unique_hits(onsets, keys, velocities, plan.num_bars * meter.bar_ticks)


def _complexity(plan: Plan, style: Style, intensity: float) -> float:
    """0..1: as the plan says, else the style's, a little more where the music burns."""
    if plan.drums.complexity is not None:
        return plan.drums.complexity
    usual = style.drummer.complexity if style.drummer is not None else 0.4
    return float(np.clip(usual + 0.3 * (intensity - 0.5), 0.0, 1.0))


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
