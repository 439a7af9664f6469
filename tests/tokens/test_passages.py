"""Passages meet every note and every end of a cell once, in the order of the piece."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from leitmotiv.score import Score
from leitmotiv.tokens.grid import score_to_grid
from leitmotiv.tokens.passages import KEPT_CONDITIONS, piece_passages, without_conditions
from leitmotiv.tokens.sequence import COLUMN
from leitmotiv.tokens.vocabulary import CONDITIONS, END, HEADER, POSITION_OFFSET

from .scores import quantised_scores

SIZES = st.tuples(st.integers(1, 16), st.integers(1, 4), st.integers(4, 200))


@given(quantised_scores(), SIZES)
@settings(max_examples=40, deadline=None)
def test_every_note_is_counted_once_and_none_twice(
    score: Score, sizes: tuple[int, int, int]
) -> None:
    grid = score_to_grid(score)
    max_bars, max_parts, budget = sizes
    found: Counter[tuple[int, int, int, int]] = Counter()
    ends: Counter[tuple[int, int]] = Counter()
    for passage in piece_passages(grid, max_bars=max_bars, max_parts=max_parts, budget=budget):
        first, new, end = passage.bars
        assert first <= new < end <= grid.num_bars
        assert end - first <= max(max_bars, end - new)
        assert len(passage.parts) <= max_parts
        bar = first + passage.conditions[:, COLUMN["bar"]] - 1
        slot = passage.conditions[:, COLUMN["part"]] - 1
        rows = np.flatnonzero(passage.counted)
        assert set(bar[rows]) == set(range(new, end))
        for row in rows.tolist():
            position, pitch, duration, _ = passage.targets[row].tolist()
            part = passage.parts[slot[row]]
            if position == END:
                ends[int(bar[row]), part] += 1
                assert pitch == duration == 0
            else:
                drum = bool(grid.is_drum[part])
                found[int(bar[row]), part, position - POSITION_OFFSET, pitch if drum else 0] += 1
    wanted = Counter(
        (int(n["bar"]), int(n["part"]), int(n["position"]),
         int(n["pitch"]) + 129 if grid.is_drum[n["part"]] else 0)
        for n in grid.notes
    )  # fmt: skip
    assert found == wanted
    assert set(ends.values()) <= {1}
    assert {(bar, part) for bar, part, _, _ in wanted} <= set(ends)


@given(quantised_scores(), SIZES)
@settings(max_examples=25, deadline=None)
def test_answers_are_the_events_that_follow(score: Score, sizes: tuple[int, int, int]) -> None:
    max_bars, max_parts, budget = sizes
    grid = score_to_grid(score)
    for passage in piece_passages(grid, max_bars=max_bars, max_parts=max_parts, budget=budget):
        following = np.roll(passage.events, -1, axis=0)
        ends = np.append(following[:-1, 0] == HEADER, True)
        assert np.array_equal(passage.targets[~ends], following[~ends])
        assert (passage.targets[ends] == (END, 0, 0, 0)).all()


def test_dropping_conditions_keeps_where_a_cell_stands(rng: np.random.Generator) -> None:
    conditions = rng.integers(1, 3, (7, len(CONDITIONS)))
    bare = without_conditions(conditions)
    kept = [COLUMN[name] for name in KEPT_CONDITIONS]
    assert np.array_equal(bare[:, kept], conditions[:, kept])
    assert np.count_nonzero(bare) == 7 * len(kept)
