"""Distances between sets of pieces behave like distances."""

from __future__ import annotations

import math

import numpy as np
import pytest

from leitmotiv.review.comparison import compare_tables, share_within, statistics_table
from leitmotiv.review.human_statistics import human_genres, load_human_statistics
from leitmotiv.review.statistics import STATISTICS
from leitmotiv.score import Score

WIDTH = len(STATISTICS)


def drawn(seed: int, count: int, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).normal(shift, 1.0, (count, WIDTH))


def test_two_draws_of_one_source_meet_the_bar_and_a_moved_one_does_not() -> None:
    human = drawn(1, 60)
    rng = np.random.default_rng(0)
    assert share_within(compare_tables(drawn(2, 20), human, rng)) >= 0.9
    assert share_within(compare_tables(drawn(3, 20, 2.5), human, rng)) == 0.0


def test_distance_grows_with_the_shift_and_stays_between_0_and_1() -> None:
    human = drawn(1, 60)
    means = []
    for shift in (0.0, 1.0, 2.0, 30.0):
        found = compare_tables(drawn(2, 20, shift), human, np.random.default_rng(0))
        assert all(0 <= c.low <= c.distance <= c.high <= 1 for c in found)
        means.append(np.mean([c.distance for c in found]))
    assert means == sorted(means)
    assert means[-1] == pytest.approx(1.0, abs=1e-3)


def test_a_few_pieces_are_not_blamed_for_being_few() -> None:
    """Small sets lie far apart by chance, and so do halves of that size."""
    human = drawn(1, 60)
    shares = [
        share_within(compare_tables(drawn(seed, 6), human, np.random.default_rng(0)))
        for seed in range(10, 14)
    ]
    assert np.mean(shares) >= 0.8


def test_the_same_seed_gives_the_same_figures() -> None:
    first, second = (
        compare_tables(drawn(2, 10), drawn(1, 30), np.random.default_rng(7)) for _ in range(2)
    )
    assert first == second


def test_figures_that_a_side_lacks_are_left_out() -> None:
    human, mine = drawn(1, 30), drawn(2, 10)
    human[:, 0] = np.nan
    mine[:6, 1] = np.nan
    found = {c.statistic.name for c in compare_tables(mine, human, np.random.default_rng(0))}
    assert STATISTICS[0].name not in found
    assert STATISTICS[1].name not in found
    assert len(found) == WIDTH - 2


def test_nothing_to_compare_has_no_share() -> None:
    assert math.isnan(share_within([]))
    assert statistics_table([]).shape == (0, WIDTH)
    assert np.isnan(statistics_table([Score()])).all()


def test_constant_figures_are_told_apart_by_their_tolerance_only() -> None:
    human, near, far = (np.full((20, WIDTH), value) for value in (1.0, 1.0, 9.0))
    rng = np.random.default_rng(0)
    assert share_within(compare_tables(near, human, rng)) == 1.0
    assert share_within(compare_tables(far, human, rng)) == 0.0


@pytest.mark.parametrize("genre", human_genres())
def test_shipped_figures_are_complete_and_meet_their_own_bar(genre: str) -> None:
    found = load_human_statistics(genre)
    assert found.table.shape[1] == WIDTH
    assert len(found.table) == sum(found.sources.values()) >= 16
    assert set(found.likeness) == {"melody", "rhythm", "harmony"}
    itself = compare_tables(found.table, found.table, np.random.default_rng(0), num_rounds=40)
    assert share_within(itself) >= 0.95


def test_an_unknown_genre_is_named_with_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"genre='polka' has no shipped human figures.*piano"):
        load_human_statistics("polka")
