"""Guidance: the logit filters that hold the network to the plan.

Hard rules (masks): time runs forward, a single line plays one note at a time, pitches stay in the
part's range, positions and durations stay on a readable grid. Soft rules (biases): chord tones on
strong places, scale tones elsewhere, the voice-led sketch of an accompaniment, the tonic at an
authentic cadence, no clash with what already sounds, no leap that a singer would refuse.

All pitches here are MIDI pitches in the home signature (``midi + shift``), as the network sees
them.

Public names: :class:`CellRule`, :class:`GuidanceFilter`, :data:`GRID_BIAS`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

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

__all__ = ["GRID_BIAS", "CellRule", "GuidanceFilter"]

_NEVER = np.float32(-np.inf)


def _grid_bias() -> NDArray[np.float32]:
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


@dataclass(frozen=True, eq=False)
class CellRule:
    """What the plan says about one target cell.

    Attributes
    ----------
    part, bar : int
        Slot in the window and bar in the window.
    low, high : int
        Range.
    single_line : bool
    steps : int
        Steps in the bar.
    boundary : int
        Step (from the start of the bar) by which every note must have ended.
    chord_starts : sequence of int
        Steps at which a chord begins.
    chord_tones : sequence of frozenset
        Pitch classes of each of those chords.
    chord_roots : sequence of int
        Bass pitch class of each chord, -1 for none.
    scale : frozenset
    accent : (steps,) float in 0..1
        Metrical weight of each step.
    min_notes : int
        Notes before the cell may end.
    closing : Mapping[int, float]
        Bias by pitch class for notes of a cadence bar.
    sketch : Mapping[int, tuple[tuple[int, ...], int]]
        Position → pitches and duration of a rule-based sketch.
    other_lines : sequence of (start, end, pitch, previous)
        Notes already fixed in other parts during this bar, in steps from its start, each with the
        pitch its part played before (-1 for none).
    is_bass, is_melody : bool
    long_close : bool
        The melody's phrase ends here: one long note is wanted.
    previous_pitch, next_pitch : int, optional
        What the line plays before the region and where it has to go after it.
    previous_root : int
        Bass pitch class of the chord before the cell, -1 for none.
    """

    part: int
    bar: int
    low: int
    high: int
    single_line: bool
    steps: int
    boundary: int
    chord_starts: Sequence[int]
    chord_tones: Sequence[frozenset[int]]
    chord_roots: Sequence[int]
    scale: frozenset[int]
    accent: NDArray[np.float64]
    min_notes: int = 0
    closing: Mapping[int, float] = field(default_factory=dict)
    sketch: Mapping[int, tuple[tuple[int, ...], int]] = field(default_factory=dict)
    sketch_weight: float = 0.0
    other_lines: Sequence[tuple[int, int, int, int]] = ()
    is_bass: bool = False
    is_melody: bool = False
    long_close: bool = False
    previous_pitch: int | None = None
    previous_root: int = -1
    next_pitch: int | None = None

    def chord_index(self, step: int) -> int:
        """Index of the chord that sounds at a step."""
        return int(np.searchsorted(self.chord_starts, step, side="right")) - 1


class GuidanceFilter:
    """Applies the rules of each target cell while its row is written."""

    def __init__(self, rules: Sequence[CellRule]) -> None:
        self.rules = rules

    def apply(self, field_index: int, logits: NDArray[np.float32], row: RowState) -> None:
        """Mask and bias one field's logits in place (:class:`~leitmotiv.models.LogitFilter`)."""
        rule = self.rules[row.cell]
        if field_index == 0:
            self._position(rule, logits, row)
        elif field_index == 1:
            self._pitch(rule, logits, row)
        elif field_index == 2:
            self._duration(rule, logits, row)

    def _position(self, rule: CellRule, logits: NDArray[np.float32], row: RowState) -> None:
        events = row.events
        allowed = np.full(len(logits), _NEVER, dtype=np.float32)
        place = allowed[POSITION_OFFSET : POSITION_OFFSET + rule.steps]
        place[:] = GRID_BIAS[: rule.steps]
        for position, (_, _) in rule.sketch.items():
            place[position] = max(place[position], 0.0) + rule.sketch_weight
        if events:
            last = events[-1][0] - POSITION_OFFSET
            if rule.single_line:
                place[: last + 1] = _NEVER
                # A line may breathe but rarely cuts its own note short.
                place[: last + _STEPS_OF[events[-1][2]]] -= 2.5
            else:
                place[:last] = _NEVER
                here = sum(event[0] == events[-1][0] for event in events)
                top = events[-1][1] - PITCH_OFFSET
                if here >= 4 or top >= rule.high:
                    place[last] = _NEVER
                elif max(rule.sketch.get(last, ((0,), 0))[0]) <= top:
                    place[last] -= 3.0  # the chord is complete
            if rule.long_close:  # the goal note is the end, not a place to go on from
                place[last + 1 :] -= 1.5
        if len(events) >= rule.min_notes:
            # A figure that stops half way through the bar leaves a hole under the melody.
            last = events[-1][0] - POSITION_OFFSET if events else -1
            unfinished = any(position > last for position in rule.sketch)
            allowed[END] = -rule.sketch_weight if unfinished else 0.0
        logits += allowed
        if not np.isfinite(logits.max()):
            logits[:] = _NEVER
            logits[END] = 0.0

    def _pitch(self, rule: CellRule, logits: NDArray[np.float32], row: RowState) -> None:
        step = row.partial[0] - POSITION_OFFSET
        bias = np.full(len(logits), _NEVER, dtype=np.float32)
        low, high = rule.low, rule.high
        held = [e for e in row.events if e[0] == row.partial[0]]
        if held:
            low = min(max(e[1] for e in held) - PITCH_OFFSET + 1, high)
        pitches = np.arange(low, high + 1)
        value = np.zeros(len(pitches), dtype=np.float32)
        index = rule.chord_index(step)
        tones = rule.chord_tones[index]
        strong = float(rule.accent[step])
        starts_chord = step == rule.chord_starts[index] or (step == 0)
        in_chord = _members(tones)[pitches % 12] if tones else np.ones(len(pitches), bool)
        in_scale = _members(rule.scale | tones)[pitches % 12]
        # A melody may lean on the harmony; the parts around it are the harmony.
        firmness = 1.2 * strong if rule.is_melody else 1.5 + 3.0 * strong
        value += np.where(in_chord, firmness, 0.0)
        value -= np.where(in_scale, 0.0, 5.0)
        if starts_chord:
            value -= np.where(in_chord, 0.0, 0.8 if rule.is_melody else 2.5)
        root = rule.chord_roots[index]
        if rule.is_bass and root >= 0 and starts_chord:
            value += np.where(pitches % 12 == root, 4.0, 0.0)
        for pitch_class, weight in rule.closing.items():
            value += np.where(pitches % 12 == pitch_class, weight, 0.0)
        if step in rule.sketch:
            for wanted in rule.sketch[step][0]:
                if low <= wanted <= high:
                    value[wanted - low] += 1.2 * rule.sketch_weight
        if held:  # no clusters
            value -= np.where(pitches - (low - 1) <= 2, 2.5, 0.0)
        value += self._clash(rule, row, step, pitches, in_chord)
        value += self._line(rule, row, pitches)
        bias[PITCH_OFFSET + pitches] = value
        logits += bias

    def _clash(
        self,
        rule: CellRule,
        row: RowState,
        step: int,
        pitches: NDArray[np.int64],
        in_chord: NDArray[np.bool_],
    ) -> NDArray[np.float32]:
        """Discourage harsh intervals with sounding notes and parallel fifths and octaves."""
        value = np.zeros(len(pitches), dtype=np.float32)
        mine = self._previous(rule, row)
        for start, end, pitch, previous in [*rule.other_lines, *self._new_lines(rule, row)]:
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

    def _new_lines(self, rule: CellRule, row: RowState) -> list[tuple[int, int, int, int]]:
        """Notes that this candidate has put into other parts of the same bar."""
        found: list[tuple[int, int, int, int]] = []
        for cell in range(max(row.cell - 16, 0), row.cell):
            other = self.rules[cell]
            if other.bar != rule.bar or other.part == rule.part:
                continue
            previous = self._last_before(cell, row)
            for position, pitch, duration, _ in row.cells[cell]:
                start = position - POSITION_OFFSET
                midi = pitch - PITCH_OFFSET
                found.append((start, start + _STEPS_OF[duration], midi, previous))
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

    def _line(
        self, rule: CellRule, row: RowState, pitches: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """Melodic rules of a single line: leaps, repeated notes, the middle of the range."""
        value = np.zeros(len(pitches), dtype=np.float32)
        previous = self._previous(rule, row)
        if not rule.is_melody and len(previous) == 2 and previous[0] == previous[1]:
            # A figure that sticks on one note has lost its thread.
            value -= np.where(pitches == previous[1], 1.5, 0.0)
        if rule.single_line and previous:
            leap = np.abs(pitches - previous[-1])
            value -= np.where(leap > 12, 6.0, np.where(leap > 7, 1.0, 0.0))
            value -= np.where(leap == 6, 1.0, 0.0)
            if rule.is_melody:
                value -= 0.1 * np.maximum(leap - 2, 0)
                value -= self._parallel_with_roots(rule, row, previous[-1], pitches)
                again = len(previous) >= 2 and previous[-1] == previous[-2]
                value -= np.where(pitches == previous[-1], 2.5 if again else 0.8, 0.0)
        if rule.is_melody and rule.next_pitch is not None:
            # What follows is fixed: the line should arrive within reach of it.
            value -= 0.3 * np.maximum(np.abs(pitches - rule.next_pitch) - 7, 0)
        if rule.is_melody:
            # The comfortable octave and a half lies a little below the middle of the range.
            centre = rule.low + 0.45 * (rule.high - rule.low)
            reach = max(0.25 * (rule.high - rule.low), 5.0)
            value -= 0.25 * np.maximum(np.abs(pitches - centre) - reach, 0)
        return value

    def _parallel_with_roots(
        self, rule: CellRule, row: RowState, previous: int, pitches: NDArray[np.int64]
    ) -> NDArray[np.float32]:
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

    def _duration(self, rule: CellRule, logits: NDArray[np.float32], row: RowState) -> None:
        step = row.partial[0] - POSITION_OFFSET
        longest = max(rule.boundary - step, 1)
        fits = np.zeros(len(logits), dtype=bool)
        fits[1:] = longest >= DURATIONS
        on_grid = fits & _DURATION_OK
        logits[~(on_grid if on_grid.any() else fits)] = _NEVER
        if rule.long_close and rule.boundary - step >= 12:
            logits[1:] += np.where(longest / 2 <= DURATIONS, 2.0, 0.0)
        if step in rule.sketch:
            wanted = rule.sketch[step][1]
            logits[1:] += np.where(wanted == DURATIONS, rule.sketch_weight, 0.0)
