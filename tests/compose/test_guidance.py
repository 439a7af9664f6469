"""Each rule of the guidance forbids what it says, and can be switched off."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from leitmotiv.compose.cell_rule import CellRule, GuidanceOptions, Sounding
from leitmotiv.compose.guidance import GuidanceFilter
from leitmotiv.compose.part_writing import hand_reach, keep_order
from leitmotiv.models import RowState
from leitmotiv.tokens.vocabulary import END, FIELD_SIZES, PITCH_OFFSET, POSITION_OFFSET

from .plans import CHOIR, PIANO, QUARTET, make_plan

RULE = CellRule(
    part=0, bar=0, low=60, high=72, single_line=True, steps=96, boundary=96,
    chord_starts=(0,), chord_tones=(frozenset({0, 4, 7}),), chord_roots=(0,),
    scale=frozenset({0, 2, 4, 5, 7, 9, 11}), accent=np.tile([1.0, 0.1, 0.5, 0.1], 24),
    is_melody=True,
)  # fmt: skip


def row(*notes: tuple[int, int, int], at: int | None = None) -> RowState:
    """A row that has written (position, pitch, duration id) and is to go on, perhaps ``at``."""
    state = RowState()
    state.cells[-1] = [(POSITION_OFFSET + p, PITCH_OFFSET + m, d, 0) for p, m, d in notes]
    if at is not None:
        state.partial[0] = POSITION_OFFSET + at
    return state


def allowed(rule: CellRule, options: GuidanceOptions, field: int, state: RowState) -> set[int]:
    logits = np.zeros(FIELD_SIZES[field], dtype=np.float32)
    GuidanceFilter([rule], options).apply(field, logits, state)
    offset = (POSITION_OFFSET, PITCH_OFFSET, 0)[field]
    return {int(i) - offset for i in np.flatnonzero(np.isfinite(logits))}


def bias(rule: CellRule, options: GuidanceOptions, field: int, state: RowState) -> np.ndarray:
    logits = np.zeros(FIELD_SIZES[field], dtype=np.float32)
    GuidanceFilter([rule], options).apply(field, logits, state)
    return logits


def test_what_is_added_is_the_sum_of_the_named_terms() -> None:
    rule = replace(RULE, closing={0: 2.5}, sketch={24: ((64, 67), 24)}, sketch_weight=3.0)
    for field, state in ((0, row((0, 60, 24))), (1, row((0, 60, 24), at=24)), (2, row(at=24))):
        terms = GuidanceFilter([rule]).terms(field, FIELD_SIZES[field], state)
        assert "sketch" in terms
        total = np.sum(list(terms.values()), axis=0)
        np.testing.assert_array_equal(bias(rule, GuidanceOptions(), field, state), total)


def test_time_runs_forward_unless_switched_off() -> None:
    state = row((48, 64, 24))
    assert min(allowed(RULE, GuidanceOptions(), 0, state) - {END - POSITION_OFFSET}) > 48
    free = GuidanceOptions(monotone_time=False)
    assert 0 in allowed(RULE, free, 0, state)


def test_a_chord_goes_on_at_its_place_and_a_line_does_not() -> None:
    state = row((48, 64, 24))
    assert 48 not in allowed(RULE, GuidanceOptions(), 0, state)
    assert 48 in allowed(replace(RULE, single_line=False), GuidanceOptions(), 0, state)
    full = row(*[(48, 60 + 3 * k, 24) for k in range(4)])
    assert 48 not in allowed(replace(RULE, single_line=False), GuidanceOptions(), 0, full)


def test_pitches_stay_in_range_and_are_never_drum_keys() -> None:
    assert allowed(RULE, GuidanceOptions(), 1, row(at=0)) == set(range(60, 73))
    free = allowed(RULE, GuidanceOptions(part_range=False), 1, row(at=0))
    assert min(free) < 20
    assert max(free) < 128


def test_positions_stay_on_the_readable_grid_of_the_bar() -> None:
    places = allowed(RULE, GuidanceOptions(), 0, row())
    assert {0, 6, 8, 12} <= places
    assert not {1, 5, 7, 96, 100} & places
    assert 5 in allowed(RULE, GuidanceOptions(readable_grid=False), 0, row())


def test_notes_end_with_their_section() -> None:
    state = row(at=84)
    assert max(allowed(RULE, GuidanceOptions(), 2, state)) == 12
    assert max(allowed(RULE, GuidanceOptions(forced_ends=False), 2, state)) > 12


@pytest.mark.parametrize(("side", "expected"), [(1, (60, 64)), (-1, (64, 72)), (0, (60, 72))])
def test_voices_keep_their_order(side: int, expected: tuple[int, int]) -> None:
    rule = replace(RULE, other_lines=(Sounding(0, 48, 64, -1, side),))
    pitches = allowed(rule, GuidanceOptions(), 1, row(at=24))
    assert (min(pitches), max(pitches)) == expected
    free = allowed(rule, GuidanceOptions(voice_crossing=False), 1, row(at=24))
    assert free == set(range(60, 73))


def test_an_order_that_leaves_no_pitch_is_given_up() -> None:
    rule = replace(RULE, other_lines=(Sounding(0, 48, 50, -1, 1),))
    assert allowed(rule, GuidanceOptions(), 1, row(at=0)) == set(range(60, 73))


def test_a_hand_holds_what_it_reaches() -> None:
    rule = replace(RULE, low=36, high=84, single_line=False, reach=14)
    pitches = allowed(rule, GuidanceOptions(), 1, row((0, 48, 48), at=24))
    assert max(pitches) == 62
    assert max(allowed(rule, GuidanceOptions(), 1, row((0, 48, 12), at=24))) == 84


def test_chord_and_scale_biases_scale_to_nothing() -> None:
    c, c_sharp, d = (PITCH_OFFSET + pitch for pitch in (60, 61, 62))
    usual = bias(RULE, GuidanceOptions(line_weight=0), 1, row(at=0))
    assert usual[c] > usual[d] > usual[c_sharp]
    off = GuidanceOptions(chord_weight=0, scale_weight=0, clash_weight=0, line_weight=0)
    flat = bias(RULE, off, 1, row(at=0))
    assert flat[c] == flat[d] == flat[c_sharp] == 0


def test_a_bar_that_stood_twice_is_dear_the_third_time() -> None:
    bar = ((0, 60), (48, 64))
    rule = replace(RULE, history=(bar, ((0, 67),), bar))
    options = GuidanceOptions()
    off = GuidanceOptions(repetition_weight=0)
    for field, state, choice in (
        (1, row(at=0), PITCH_OFFSET + 60),
        (1, row((0, 60, 48), at=48), PITCH_OFFSET + 64),
        (0, row((0, 60, 48), (48, 64, 48)), END),
    ):
        held, free = bias(rule, options, field, state), bias(rule, off, field, state)
        assert held[choice] == pytest.approx(free[choice] - options.repetition_weight)
        others = np.arange(len(held)) != choice
        np.testing.assert_array_equal(held[others], free[others])
    once = replace(RULE, history=(bar,))
    np.testing.assert_array_equal(bias(once, options, 1, row(at=0)), bias(once, off, 1, row(at=0)))


def test_strings_and_voices_keep_order_and_hands_are_counted() -> None:
    for parts in (QUARTET, CHOIR):
        plan = make_plan(parts=parts, genre="classical")
        for upper in range(4):
            for lower in range(upper + 1, 4):
                assert keep_order(plan, upper, lower) == -1
                assert keep_order(plan, lower, upper) == 1
    piano = make_plan(parts=PIANO, genre="classical")
    assert hand_reach(piano, 1) == 14
    assert hand_reach(make_plan(parts=QUARTET), 0) == 127
