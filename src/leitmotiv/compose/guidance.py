"""Guidance: the logit filter that holds the network to the plan.

Hard rules are masks (minus infinity): time runs forward, a single line plays one note at a time,
pitches stay in the part's range and in their order, positions and durations stay on a readable
grid. Soft rules are biases: chord tones on strong places, scale tones elsewhere, the voice-led
sketch of an accompaniment, the tonic at an authentic cadence, no clash with what already sounds,
no leap that a singer would refuse, no bar for the third time.

Every rule is a *term* with a name; what is added to the logits is their sum, so that
:mod:`leitmotiv.compose.explain` can say which rule decided a note. Each can be switched off
(:class:`~leitmotiv.compose.cell_rule.GuidanceOptions`). Ids that are no music (padding, headers,
drum keys in a pitched part, positions behind the bar line) can never be drawn.

All pitches here are MIDI pitches in the home signature (``midi + shift``), as the network sees
them.

Public names: :class:`GuidanceFilter`, :data:`GRID_BIAS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.cell_rule import Bar, CellRule, GuidanceOptions, Sounding
from leitmotiv.models import RowState
from leitmotiv.tokens.vocabulary import (
    DURATIONS,
    END,
    FIELD_SIZES,
    MAX_BAR_STEPS,
    PITCH_OFFSET,
    POSITION_OFFSET,
    id_to_duration,
)

__all__ = ["GRID_BIAS", "GuidanceFilter"]

_NEVER = np.float32(-np.inf)
_MAX_CHORD_NOTES = 4
_REMEMBERED_BARS = 8
_BARS_ALIKE = 2  # a bar may stand twice among those; the third time costs

Float = NDArray[np.float32]
Terms = dict[str, Float]


def _grid_bias() -> Float:
    """Bias of each step in a bar: sixteenths free, triplets dear, thirty-seconds dearer."""
    step = np.arange(MAX_BAR_STEPS)
    bias = np.full(MAX_BAR_STEPS, -np.inf, dtype=np.float32)
    bias[step % 3 == 0] = -3.0
    bias[step % 8 == 0] = -1.0
    bias[step % 6 == 0] = -0.3
    bias[step % 12 == 0] = 0.0
    return bias


GRID_BIAS = _grid_bias()

_STEPS_OF: tuple[int, ...] = tuple(id_to_duration(np.arange(FIELD_SIZES[2])).tolist())

_DURATION_OK = np.zeros(FIELD_SIZES[2], dtype=bool)
_DURATION_OK[1:] = (DURATIONS % 6 == 0) | (DURATIONS % 8 == 0) | (DURATIONS == 3) | (DURATIONS == 9)


@lru_cache(maxsize=4096)
def _members(classes: frozenset[int]) -> NDArray[np.bool_]:
    """Twelve flags: which pitch classes belong to a set."""
    return np.asarray([pitch_class in classes for pitch_class in range(12)])


def _forbid(allowed: NDArray[np.bool_]) -> Float:
    return np.where(allowed, np.float32(0), _NEVER).astype(np.float32)


class GuidanceFilter:
    """Applies the rules of each target cell while its row is written."""

    def __init__(self, rules: Sequence[CellRule], options: GuidanceOptions | None = None) -> None:
        self.rules, self.options = rules, options or GuidanceOptions()

    def apply(self, field_index: int, logits: Float, row: RowState) -> None:
        """Mask and bias one field's logits in place (:class:`~leitmotiv.models.LogitFilter`)."""
        for term in self.terms(field_index, len(logits), row).values():
            logits += term
        if field_index == 0 and not np.isfinite(logits.max()):
            logits[END] = 0.0

    def terms(self, field_index: int, size: int, row: RowState) -> Terms:
        """Return what each rule adds to the logits (``size``,) of a field, by the rule's name.

        Parameters
        ----------
        field_index : int
            0 position, 1 pitch, 2 duration; other fields are left alone.
        row : RowState
            The candidate as far as it is written; its ``partial`` holds the earlier fields.
        """
        rule = self.rules[row.cell]
        if field_index == 0:
            return self._position(rule, size, row)
        if field_index == 1:
            return self._pitch(rule, size, row)
        if field_index == 2:
            return self._duration(rule, size, row)
        return {}

    # Position

    def _position(self, rule: CellRule, size: int, row: RowState) -> Terms:
        options, events = self.options, row.events
        music = np.zeros(size, dtype=bool)
        music[POSITION_OFFSET : POSITION_OFFSET + rule.steps] = True
        music[END] = len(events) >= rule.min_notes
        terms: Terms = {"grammar": _forbid(music)}
        place = slice(POSITION_OFFSET, POSITION_OFFSET + rule.steps)
        if options.readable_grid:
            grid = np.zeros(size, dtype=np.float32)
            grid[place] = GRID_BIAS[: rule.steps]
            terms["grid"] = grid
        if rule.is_melody and rule.plainness:
            even = np.zeros(size, dtype=np.float32)
            off_beat = np.arange(rule.steps) % rule.beat_steps != 0
            even[place] = np.where(off_beat, -rule.plainness, 0.0)
            terms["plain rhythm"] = even
        if rule.sketch:
            terms["sketch"] = self._sketched_places(rule, size, events, terms.get("grid"))
        if events:
            last = events[-1][0]
            # Notes of a chord are written upwards at one place, those of a line one by one.
            first = last + 1 if rule.single_line and options.polyphony else last
            if options.monotone_time:
                forward = np.ones(size, dtype=bool)
                forward[POSITION_OFFSET:first] = False
                terms["time"] = _forbid(forward)
            terms["polyphony"] = self._occupied(rule, size, events)
            if rule.long_close and options.forced_ends:
                closing = np.zeros(size, dtype=np.float32)
                # The goal note is the end, not a place to go on from.
                closing[last + 1 : place.stop] = -1.5
                terms["cadence"] = closing
        self._add_repetition(terms, 0, rule, size, row)
        return terms

    def _sketched_places(
        self, rule: CellRule, size: int, events: Sequence[tuple[int, ...]], grid: Float | None
    ) -> Float:
        """Pull towards the places of the sketch, which may lie off the readable grid."""
        value = np.zeros(size, dtype=np.float32)
        for position in rule.sketch:
            at = POSITION_OFFSET + position
            value[at] = rule.sketch_weight
            if grid is not None:  # what the sketch plays is readable
                grid[at] = max(grid[at], 0.0)
        last = events[-1][0] - POSITION_OFFSET if events else -1
        if any(position > last for position in rule.sketch):
            # A figure that stops half way through the bar leaves a hole under the melody.
            value[END] = -rule.sketch_weight
        return value

    def _occupied(self, rule: CellRule, size: int, events: Sequence[tuple[int, ...]]) -> Float:
        """Cost of places where the part already sounds."""
        value = np.zeros(size, dtype=np.float32)
        if not self.options.polyphony:
            return value
        last, place = events[-1][0], events[-1][0] - POSITION_OFFSET
        if rule.single_line:
            value[last] = _NEVER
            # A line may breathe but rarely cuts its own note short.
            stop = min(last + _STEPS_OF[events[-1][2]], POSITION_OFFSET + rule.steps)
            value[last + 1 : stop] = -2.5
            return value
        here = sum(event[0] == last for event in events)
        top = events[-1][1] - PITCH_OFFSET
        full = here >= _MAX_CHORD_NOTES or (top >= rule.high and self.options.part_range)
        if full or not self._has_room(rule, events, place, top):
            value[last] = _NEVER
        elif max(rule.sketch.get(place, ((0,), 0))[0]) <= top:
            value[last] = -3.0  # the chord is complete
        return value

    def _has_room(
        self, rule: CellRule, events: Sequence[tuple[int, ...]], place: int, top: int
    ) -> bool:
        """Whether the hand that holds a chord reaches another of its tones above."""
        tones = rule.chord_tones[rule.chord_index(place)]
        if rule.reach >= 127 or not self.options.playable_hand or not tones:
            return True
        lowest = min(event[1] for event in events if event[0] == events[-1][0]) - PITCH_OFFSET
        above = range(top + 1, min(rule.high, lowest + rule.reach) + 1)
        return any(pitch % 12 in tones for pitch in above)

    # Pitch

    def _pitch(self, rule: CellRule, size: int, row: RowState) -> Terms:
        options = self.options
        step = row.partial[0] - POSITION_OFFSET
        low, high = (rule.low, rule.high) if options.part_range else (1, 126)
        held = [event[1] - PITCH_OFFSET for event in row.events if event[0] == row.partial[0]]
        if held and options.polyphony:
            low = min(max(held) + 1, high)
        pitches = np.arange(low, high + 1)
        by_pitch = self._pitch_rules(rule, row, step, pitches, held)
        terms: Terms = {}
        for name, value in by_pitch.items():
            terms[name] = np.zeros(size, dtype=np.float32)
            terms[name][PITCH_OFFSET + pitches] = value
        allowed = np.zeros(size, dtype=bool)
        allowed[PITCH_OFFSET + pitches] = True
        terms["range"] = _forbid(allowed)
        self._add_repetition(terms, 1, rule, size, row)
        return terms

    def _pitch_rules(
        self,
        rule: CellRule,
        row: RowState,
        step: int,
        pitches: NDArray[np.int64],
        held: Sequence[int],
    ) -> Terms:
        options = self.options
        index = rule.chord_index(step)
        tones = rule.chord_tones[index]
        strong = float(rule.accent[step])
        starts_chord = step in (rule.chord_starts[index], 0)
        in_chord = _members(tones)[pitches % 12] if tones else np.ones(len(pitches), bool)
        if step in rule.sketch:  # its suspensions and passing notes are meant
            in_chord = in_chord | np.isin(pitches, rule.sketch[step][0])
        in_scale = _members(rule.scale | tones)[pitches % 12]
        terms: Terms = {}
        if options.chord_weight:
            # A melody may lean on the harmony; the parts around it are the harmony.
            firmness = 1.2 * strong if rule.is_melody else 1.5 + 3.0 * strong
            chord = np.where(in_chord, firmness, 0.0)
            if starts_chord:
                chord -= np.where(in_chord, 0.0, 0.8 if rule.is_melody else 2.5)
            root = rule.chord_roots[index]
            if rule.is_bass and root >= 0 and starts_chord:
                chord += np.where(pitches % 12 == root, 4.0, 0.0)
            terms["chord"] = (options.chord_weight * chord).astype(np.float32)
        if options.scale_weight:
            scale = -5.0 * options.scale_weight * ~in_scale
            terms["scale"] = scale.astype(np.float32)
        if rule.closing and options.forced_ends:
            goal = np.zeros(len(pitches), dtype=np.float32)
            for pitch_class, weight in rule.closing.items():
                goal += np.where(pitches % 12 == pitch_class, weight, 0.0)
            terms["cadence"] = goal
        if step in rule.sketch:
            sketch = np.isin(pitches, rule.sketch[step][0])
            terms["sketch"] = (1.2 * rule.sketch_weight * sketch).astype(np.float32)
        if held and options.polyphony:  # no clusters
            close = np.abs(pitches[:, None] - np.asarray(held)).min(axis=1) <= 2
            terms["polyphony"] = np.where(close, -2.5, 0.0).astype(np.float32)
        around = [*rule.other_lines, *self._new_lines(rule, row)]
        if options.clash_weight:
            clash = self._clash(rule, row, step, pitches, in_chord, around)
            terms["clash"] = options.clash_weight * clash
        if options.line_weight:
            terms["line"] = options.line_weight * self._line(rule, row, pitches)
        if options.voice_crossing:
            self._add_mask(terms, "crossing", self._in_order(step, pitches, around))
        if options.playable_hand and rule.reach < 127:
            self._add_mask(terms, "hand", self._in_reach(rule, row, step, pitches))
        return terms

    @staticmethod
    def _add_mask(terms: Terms, name: str, allowed: NDArray[np.bool_]) -> None:
        """Add a mask, unless nothing would be left: then the rule cannot be kept."""
        others = np.ones(len(allowed), dtype=bool)
        for term in terms.values():
            others &= np.isfinite(term)
        if (allowed & others).any() and not allowed.all():
            terms[name] = _forbid(allowed)

    @staticmethod
    def _in_order(
        step: int, pitches: NDArray[np.int64], around: Sequence[Sounding]
    ) -> NDArray[np.bool_]:
        """Which pitches lie between the voices above and below."""
        allowed = np.ones(len(pitches), dtype=bool)
        for note in around:
            if note.side and note.start <= step < note.end:
                allowed &= pitches <= note.pitch if note.side > 0 else pitches >= note.pitch
        return allowed

    @staticmethod
    def _in_reach(
        rule: CellRule, row: RowState, step: int, pitches: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        """Which pitches the hand reaches while it holds what still sounds in this bar."""
        sounding = [
            pitch - PITCH_OFFSET
            for position, pitch, duration, _ in row.events
            if position - POSITION_OFFSET <= step < position - POSITION_OFFSET + _STEPS_OF[duration]
        ]
        if not sounding:
            return np.ones(len(pitches), dtype=bool)
        low, high = max(sounding) - rule.reach, min(sounding) + rule.reach
        return np.asarray((pitches >= low) & (pitches <= high))

    def _clash(
        self,
        rule: CellRule,
        row: RowState,
        step: int,
        pitches: NDArray[np.int64],
        in_chord: NDArray[np.bool_],
        around: Sequence[Sounding],
    ) -> Float:
        """Discourage harsh intervals with sounding notes and parallel fifths and octaves."""
        value = np.zeros(len(pitches), dtype=np.float32)
        mine = self._previous(rule, row)
        for start, end, pitch, previous, _ in around:
            if not start <= step < end:
                continue
            distance = np.abs(pitches - pitch) % 12
            harsh = (distance == 1) | (distance == 11)
            value -= np.where(harsh, np.where(in_chord, 1.5, 3.5), 0.0)
            value -= np.where(pitches == pitch, 0.7, 0.0)
            if rule.single_line and start == step and mine and previous not in (-1, pitch):
                before = abs(mine[-1] - previous) % 12
                if before in (0, 7):  # both move and keep a perfect interval
                    parallel = (distance == before) & (pitches != mine[-1])
                    value -= np.where(parallel, 3.0, 0.0)
        return value

    def _new_lines(self, rule: CellRule, row: RowState) -> list[Sounding]:
        """Notes that this candidate has put into other parts of the same bar."""
        found: list[Sounding] = []
        for cell in range(max(row.cell - 16, 0), row.cell):
            other = self.rules[cell]
            if other.bar != rule.bar or other.part == rule.part:
                continue
            previous, side = self._last_before(cell, row), rule.sides.get(other.part, 0)
            for position, pitch, duration, _ in row.cells[cell]:
                start = position - POSITION_OFFSET
                midi = pitch - PITCH_OFFSET
                found.append(Sounding(start, start + _STEPS_OF[duration], midi, previous, side))
                previous = midi
        return found

    def _last_before(self, cell: int, row: RowState) -> int:
        """The pitch that a target cell's part played before the cell, -1 for none."""
        part = self.rules[cell].part
        for earlier in range(cell - 1, -1, -1):
            if self.rules[earlier].part == part and row.cells[earlier]:
                return row.cells[earlier][-1][1] - PITCH_OFFSET
        before = self.rules[cell].previous_pitch
        return -1 if before is None else before

    def _line(self, rule: CellRule, row: RowState, pitches: NDArray[np.int64]) -> Float:
        """Melodic rules of a single line: leaps, repeated notes, the middle of the range."""
        value = np.zeros(len(pitches), dtype=np.float32)
        previous = self._previous(rule, row)
        if not rule.is_melody and len(previous) == 2 and previous[0] == previous[1]:
            # A figure that sticks on one note has lost its thread.
            value -= np.where(pitches == previous[1], 1.5, 0.0)
        if rule.single_line and previous:
            leap = np.abs(pitches - previous[-1])
            value -= np.where(leap > 12, 6.0, np.where(leap > 7, 0.5, 0.0))
            value -= np.where(leap == 6, 1.0, 0.0)
            if rule.is_melody and row.events and self._is_foreign(rule, row.events[-1]):
                # What is foreign to the harmony goes on by step.
                value -= np.where((leap > 2) | (leap == 0), 1.5, 0.0)
            if rule.is_melody:
                value -= (0.5 if rule.is_sung else 0.05) * np.maximum(leap - 2, 0)
                value -= self._parallel_with_roots(rule, row, previous[-1], pitches)
                again = len(previous) >= 2 and previous[-1] == previous[-2]
                stay = 0.1 if rule.is_sung else 0.8  # words repeat notes
                value -= np.where(pitches == previous[-1], 2.5 if again else stay, 0.0)
        if rule.is_melody and rule.next_pitch is not None:
            # What follows is fixed: the line should arrive within reach of it.
            value -= 0.3 * np.maximum(np.abs(pitches - rule.next_pitch) - 7, 0)
        if rule.is_melody:
            # The comfortable octave and a half, which rises with the section's energy.
            centre = rule.low + rule.lift * (rule.high - rule.low)
            reach = max(0.3 * (rule.high - rule.low), 5.0) - (1.5 if rule.is_sung else 0.0)
            value -= 0.25 * np.maximum(np.abs(pitches - centre) - reach, 0)
        return value

    @staticmethod
    def _is_foreign(rule: CellRule, event: Sequence[int]) -> bool:
        tones = rule.chord_tones[rule.chord_index(event[0] - POSITION_OFFSET)]
        return bool(tones) and (event[1] - PITCH_OFFSET) % 12 not in tones

    def _parallel_with_roots(
        self, rule: CellRule, row: RowState, previous: int, pitches: NDArray[np.int64]
    ) -> Float:
        """Cost of moving in octaves or fifths with the bass notes that the chords imply."""
        step = row.partial[0] - POSITION_OFFSET
        index = rule.chord_index(step)
        if step != rule.chord_starts[index] or rule.chord_roots[index] < 0:
            return np.zeros(len(pitches), dtype=np.float32)
        before = rule.chord_roots[index - 1] if index else rule.previous_root
        now = rule.chord_roots[index]
        if before in (-1, now) or (previous - before) % 12 not in (0, 7):
            return np.zeros(len(pitches), dtype=np.float32)
        parallel = ((pitches - now) % 12 == (previous - before) % 12) & (pitches != previous)
        return np.where(parallel, 2.5, 0.0).astype(np.float32)

    def _previous(self, rule: CellRule, row: RowState) -> list[int]:
        """The line's last pitches, oldest first."""
        found = [event[1] - PITCH_OFFSET for event in row.events]
        cell = row.cell
        while len(found) < 2 and cell > 0:
            cell -= 1
            if self.rules[cell].part == rule.part and row.cells[cell]:
                found = [event[1] - PITCH_OFFSET for event in row.cells[cell]] + found
        if len(found) < 2 and rule.previous_pitch is not None:
            found = [rule.previous_pitch, *found]
        return found[-2:]

    # Duration

    def _duration(self, rule: CellRule, size: int, row: RowState) -> Terms:
        options = self.options
        step = row.partial[0] - POSITION_OFFSET
        boundary = rule.boundary if options.forced_ends else 2 * rule.steps
        longest = max(boundary - step, 1)
        fits = np.zeros(size, dtype=bool)
        fits[1:] = longest >= DURATIONS
        on_grid = fits & _DURATION_OK
        readable = options.readable_grid and on_grid.any()
        terms: Terms = {"end": _forbid(fits)}
        if readable:
            terms["grid"] = _forbid(on_grid)
        if rule.long_close and options.forced_ends and longest >= 12:
            closing = np.zeros(size, dtype=np.float32)
            closing[1:] = np.where(longest / 2 <= DURATIONS, 2.0, 0.0)
            terms["cadence"] = closing
        if step in rule.sketch:
            sketch = np.zeros(size, dtype=np.float32)
            sketch[1:] = np.where(rule.sketch[step][1] == DURATIONS, rule.sketch_weight, 0.0)
            terms["sketch"] = sketch
        return terms

    # Repetition

    def _add_repetition(
        self, terms: Terms, field_index: int, rule: CellRule, size: int, row: RowState
    ) -> None:
        """Cost of what would make a bar that has already stood twice stand a third time."""
        if not self.options.repetition_weight or not (rule.is_melody or rule.history):
            return
        so_far = tuple(
            (event[0] - POSITION_OFFSET, event[1] - PITCH_OFFSET) for event in row.events
        )
        value = np.zeros(size, dtype=np.float32)
        for bar in self._worn_bars(rule, row):
            if bar[: len(so_far)] != so_far:
                continue
            if len(so_far) == len(bar):
                if field_index == 0:
                    value[END] = -self.options.repetition_weight
            elif field_index == 1 and bar[len(so_far)][0] == row.partial[0] - POSITION_OFFSET:
                value[PITCH_OFFSET + bar[len(so_far)][1]] = -self.options.repetition_weight
        if value.any():
            terms["repetition"] = value

    def _worn_bars(self, rule: CellRule, row: RowState) -> list[Bar]:
        """Bars that the line has played twice of late."""
        fresh = [
            tuple(
                (event[0] - POSITION_OFFSET, event[1] - PITCH_OFFSET) for event in row.cells[cell]
            )
            for cell in range(row.cell)
            if self.rules[cell].part == rule.part
        ]
        bars = [bar for bar in [*rule.history, *fresh][-_REMEMBERED_BARS:] if bar]
        return [bar for bar in dict.fromkeys(bars) if bars.count(bar) >= _BARS_ALIKE]
