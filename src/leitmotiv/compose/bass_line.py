"""Bass lines from a style's patterns: roots where the chord changes, a lead into the next one.

Conventions: the first note under a new chord is its bass note; approach notes stand on the
weak place just before a change and move to it by step. Lines stay inside the part's range and
near the middle of its lower half.

Public names: :func:`bass_notes`, :func:`nearest_pitch`.

References
----------
R. Carter, *Building Jazz Bass Lines*, 1966 (chord tone on strong beats, approach on the last).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.harmony_spans import (
    ChordSpan,
    half_bar_spans,
    section_intensity,
    source_section,
)
from leitmotiv.plan.plan import Plan
from leitmotiv.score.score import Origin, make_notes
from leitmotiv.styles.choice import pick_pattern
from leitmotiv.styles.grid import GridEvent, fit_grid, split_grid
from leitmotiv.styles.style import BassPattern, Style
from leitmotiv.theory import TICKS_PER_QUARTER, Meter

__all__ = ["bass_notes", "nearest_pitch"]

_DOUBLE_BASS = 32
_ACCENT, _PLAIN, _SOFT = 92, 84, 64
# Semitones above the root that a degree may mean, the first one that the chord holds.
_DEGREES = {
    "3": (4, 3, 5, 2),
    "4": (7, 6, 8),
    "5": (7, 6, 8),
    "6": (9, 7),
    "7": (10, 11, 9, 7),
}
_Add = Callable[[int, int, int, int], None]


def nearest_pitch(pitch_class: int, target: float, low: int, high: int) -> int:
    """Return the pitch of a class in low..high nearest to ``target`` (clipped where none lies).

    Examples
    --------
    >>> nearest_pitch(0, 38, 28, 50)
    36
    """
    pitches = range(low + (pitch_class - low) % 12, high + 1, 12)
    return min(pitches, key=lambda pitch: (abs(pitch - target), pitch), default=low)


class _Line:
    """Walks through the piece and remembers where the hand is."""

    def __init__(self, low: int, high: int, *, above_low: float = 6.5) -> None:
        self.low, self.high = low, high
        self.home = low + min(above_low, (high - low) / 2)
        self.ceiling = min(high, round(self.home) + 13)
        self.last: int | None = None

    def place(self, pitch_class: int) -> int:
        target = self.home if self.last is None else 0.7 * self.home + 0.3 * self.last
        return nearest_pitch(pitch_class, target, self.low, self.high)

    def degree(self, symbol: str, span: ChordSpan, root: int) -> int:
        """Pitch of a degree symbol over the bass note ``root``."""
        chord = span.chord
        if symbol == "1":
            return root
        if symbol == "8":
            return root + 12 if root + 12 <= self.ceiling else root
        by_interval = {(pc - chord.root_pitch_class) % 12: pc for pc in chord.pitch_classes}
        pitch_class = next(
            (by_interval[i] for i in _DEGREES.get(symbol, ()) if i in by_interval),
            chord.root_pitch_class,
        )
        above = root + (pitch_class - root) % 12
        below = above - 12
        if symbol == "4":
            return below if below >= self.low else above
        return above if above <= self.ceiling else (below if below >= self.low else root)

    def approach(self, current: int, target: int, span: ChordSpan, rng: np.random.Generator) -> int:
        """A step into ``target``, from the side the line comes from."""
        scale = set(span.key.scale) | set(span.chord.pitch_classes)
        if target % 12 == current % 12:
            fifth = self.degree("5", span, current)
            return fifth if fifth != current else current
        side = -1 if current < target else 1
        if rng.random() < 0.3:
            side = -side
        steps = [side, 2 * side] if rng.random() < 0.45 else [2 * side, side]
        options = [target + step for step in steps if self.low <= target + step <= self.high]
        inside = [pitch for pitch in options if pitch % 12 in scale]
        chromatic = [pitch for pitch in options if abs(pitch - target) == 1]
        return next(iter(inside or chromatic or options), current)


def _split_at_change(
    events: Iterable[GridEvent], half_tick: int, *, changes: bool
) -> list[GridEvent]:
    """Make a chord change inside the bar heard, at once or at most an eighth late."""
    if not changes:
        return list(events)
    result: list[GridEvent] = []
    for event in events:
        end = event.onset + event.duration
        if event.onset < half_tick < end:
            result.append(GridEvent(event.onset, half_tick - event.onset, event.symbol))
            result.append(GridEvent(half_tick, end - half_tick, "1"))
        else:
            result.append(event)
    if not any(half_tick <= event.onset <= half_tick + TICKS_PER_QUARTER // 2 for event in result):
        later = [event.onset for event in result if event.onset > half_tick]
        end = min([half_tick + TICKS_PER_QUARTER, *later])
        result.append(GridEvent(half_tick, end - half_tick, "1"))
        result.sort(key=lambda event: event.onset)
    return result


def _walk(
    span: ChordSpan, beats: int, start: int, target: int, line: _Line, rng: np.random.Generator
) -> list[int]:
    """Quarter notes from a chord's bass note to the step before the next one."""
    pitches = [start]
    scale = set(span.key.scale) | set(span.chord.pitch_classes)
    tones = set(span.chord.pitch_classes)
    current = start
    drift = 1 if target >= start else -1
    if abs(target - start) < 3:
        drift = 1 if start < line.home else -1
    for beat in range(1, beats):
        if beat == beats - 1:
            pitches.append(line.approach(current, target, span, rng))
            break
        pool = [p for p in range(current - 5, current + 6) if p != current and p % 12 in scale]
        pool = [p for p in pool if line.low <= p <= line.high] or [current]
        if beat % 2 == 0:
            # Scale tones pass on weak beats; the strong ones carry the chord.
            pool = [p for p in pool if p % 12 in tones] or pool
        weights = np.array(
            [
                (3.0 if p % 12 in tones else 1.0)
                * (2.0 if (p - current) * drift > 0 else 0.7)
                / (1 + 0.35 * abs(p - current))
                * (0.2 if p in pitches else 1.0)
                for p in pool
            ]
        )
        current = pool[int(rng.choice(len(pool), p=weights / weights.sum()))]
        pitches.append(current)
    return pitches


def _bar_events(pattern: BassPattern, place: int, meter: Meter) -> list[GridEvent]:
    bars = split_grid(pattern.grid)
    return list(fit_grid(bars[place % len(bars)], Meter.parse(pattern.meter), meter))


def bass_notes(
    plan: Plan, part_index: int, style: Style, rng: np.random.Generator
) -> NDArray[np.void]:
    """Write the bass part of a plan in a style.

    Returns
    -------
    numpy.ndarray of NOTE_DTYPE
        One voice: notes never overlap.
    """
    part, meter = plan.parts[part_index], plan.meter_value
    # A plucked double bass speaks above its lowest fourth.
    line = _Line(part.low, part.high, above_low=9.0 if part.program == _DOUBLE_BASS else 6.5)
    spans = half_bar_spans(plan)
    seed = int(rng.integers(2**32))
    onsets: list[int] = []
    durations: list[int] = []
    pitches: list[int] = []
    velocities: list[int] = []

    def add(onset: int, duration: int, pitch: int, velocity: int) -> None:
        onsets.append(onset)
        durations.append(duration)
        pitches.append(pitch)
        velocities.append(velocity)
        line.last = pitch

    for section_index, section in enumerate(plan.sections):
        source = source_section(plan, section_index)
        section_rng = np.random.default_rng([seed, source])
        line.last = None
        pattern = pick_pattern(style.bass, meter, section_intensity(plan, section.start_bar_index))
        if pattern is None or part_index in section.parts_silent:
            continue
        closes = {p.end_bar_index - 1 for p in section.phrases if p.cadence != "none"}
        for bar_index in range(section.start_bar_index, section.end_bar_index):
            bar = bar_index * meter.bar_ticks
            first, second = spans[2 * bar_index], spans[2 * bar_index + 1]
            following = spans[2 * bar_index + 2] if bar_index + 1 < plan.num_bars else None
            if following is not None and following.chord.is_none:
                following = None
            if bar_index == plan.num_bars - 1 and plan.loop is None:
                _end(first, second, line, add)
                continue
            if pattern.kind == "walking":
                _walking_bar(first, second, following, meter, line, section_rng, add)
                continue
            place = bar_index - section.start_bar_index
            events = _split_at_change(
                _bar_events(pattern, place, meter),
                plan.half_tick,
                changes=first.chord != second.chord,
            )
            previous = None
            for index, event in enumerate(events):
                span = second if event.onset >= plan.half_tick else first
                if span.chord.is_none:
                    continue
                root = line.place(span.chord.bass_pitch_class)
                is_new = previous is None or previous.chord != span.chord
                nxt = following if event.onset >= plan.half_tick else second
                leads = index + 1 == len(events) or (
                    nxt is second and events[index + 1].onset >= plan.half_tick
                )
                symbol = event.symbol
                if symbol == "a" and not (leads and nxt is not None and not nxt.chord.is_none):
                    symbol = "5"
                if is_new and symbol not in "1a8":
                    symbol = "1"
                if bar_index in closes and symbol in "34567":
                    symbol = "1"  # a close stands on its chord
                duration, velocity = event.duration, _PLAIN
                if symbol == "a" and nxt is not None:
                    target = line.place(nxt.chord.bass_pitch_class)
                    current = root if line.last is None else line.last
                    pitch = line.approach(current, target, span, section_rng)
                    velocity = _PLAIN - 6
                elif symbol == "x":
                    pitch = root if line.last is None else line.last
                    duration, velocity = min(duration, 60), _SOFT
                else:
                    pitch = line.degree(symbol, span, root)
                if event.onset == 0:
                    velocity = _ACCENT
                add(bar + event.onset, duration, pitch, velocity)
                previous = span
    return make_notes(onsets, durations, pitches, velocities, Origin.STYLE)


def _end(first: ChordSpan, second: ChordSpan, line: _Line, add: _Add) -> None:
    """Last bar: the bass notes of its chords, the last one held to the end."""
    if first.chord == second.chord or second.chord.is_none:
        if not first.chord.is_none:
            end = second.end if first.chord == second.chord else first.end
            add(first.start, end - first.start, line.place(first.chord.bass_pitch_class), _ACCENT)
        return
    for span in (first, second):
        if not span.chord.is_none:
            add(span.start, span.duration, line.place(span.chord.bass_pitch_class), _ACCENT)


def _walking_bar(
    first: ChordSpan,
    second: ChordSpan,
    following: ChordSpan | None,
    meter: Meter,
    line: _Line,
    rng: np.random.Generator,
    add: _Add,
) -> None:
    beat = meter.beat_ticks
    groups = [(first, second.end)] if first.chord == second.chord else [
        (first, first.end), (second, second.end)
    ]  # fmt: skip
    for index, (span, end) in enumerate(groups):
        if span.chord.is_none:
            continue
        start = line.place(span.chord.bass_pitch_class)
        after = groups[index + 1][0] if index + 1 < len(groups) else following
        target = start
        if after is not None and not after.chord.is_none:
            line_last, line.last = line.last, start
            target = line.place(after.chord.bass_pitch_class)
            line.last = line_last
        num_beats = max((end - span.start) // beat, 1)
        walk = _walk(span, num_beats, start, target, line, rng)
        for number, pitch in enumerate(walk):
            onset = span.start + number * beat
            length = beat if number + 1 < len(walk) else end - onset
            # A dropped eighth now and then, as bass players kick the time along.
            skips = number + 1 < len(walk) and beat == 480 and rng.random() < 0.07
            velocity = _ACCENT if onset % meter.bar_ticks == 0 else _PLAIN
            add(onset, beat // 2 if skips else length, pitch, velocity)
            if skips:
                add(onset + beat // 2, beat // 2, pitch, _SOFT)
