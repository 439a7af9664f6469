"""Comparison: how far one set of pieces lies from another, figure by figure.

Purpose: hold a set of pieces against a set by people, with people against people as the yardstick.

Conventions:

- A *table* holds one row a piece and one column for each of
  :data:`~leitmotiv.review.statistics.STATISTICS`; NaN where a figure does not apply.
- The *distance* of two sets in one figure is ``1 - overlapping area`` of their densities: 0 for
  the same distribution, 1 for no overlap. Densities are Gaussian kernel estimates with one
  bandwidth (Silverman's for the human values, at least the figure's tolerance).
- Small sets lie apart by chance. So every distance is taken between draws of the same number of
  pieces: in each round a random half of the human set is drawn, and the pieces under test as well
  as the other half are compared with it. Both are means over the rounds.
- A figure is *within the bar* where the distance is at most 1.5 times that of the two halves.
- Intervals are 95 % percentile bootstrap: pieces are drawn with replacement.

Public names: :class:`FigureComparison`, :func:`compare_tables`, :func:`statistics_table`,
:func:`share_within`, :data:`BAR_RATIO`, :data:`MIN_PIECES`.

References
----------
L.-C. Yang and A. Lerch, "On the evaluation of generative models in music", 2020 (overlapping area).
B. W. Silverman, *Density Estimation for Statistics and Data Analysis*, 1986, eq. 3.31.
B. Efron and R. Tibshirani, *An Introduction to the Bootstrap*, 1993, chapter 13.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leitmotiv.review.statistics import STATISTICS, Statistic, score_statistics
from leitmotiv.score import Score

__all__ = [
    "BAR_RATIO",
    "MIN_PIECES",
    "FigureComparison",
    "compare_tables",
    "share_within",
    "statistics_table",
]

BAR_RATIO = 1.5
MIN_PIECES = 8
_GRID_POINTS = 96
_FLOOR = 0.05  # human halves closer than this count as this far apart


@dataclass(frozen=True)
class FigureComparison:
    """One figure of a set against human pieces.

    ``distance`` with its interval ``low`` to ``high``, and ``human_distance`` between two halves of
    the human set; ``median`` and ``human_median`` in the unit of the figure.
    """

    statistic: Statistic
    distance: float
    low: float
    high: float
    human_distance: float
    median: float
    human_median: float
    num_pieces: int
    num_human: int

    @property
    def ratio(self) -> float:
        """Distance over the distance of the human halves."""
        return self.distance / max(self.human_distance, _FLOOR)

    @property
    def is_within(self) -> bool:
        """Whether the figure meets the bar."""
        return self.ratio <= BAR_RATIO


def statistics_table(scores: Iterable[Score], *, num_bars: int = 32) -> NDArray[np.float64]:
    """Count the figures of several pieces, shape (pieces, figures)."""
    rows = [list(score_statistics(score, num_bars=num_bars).values()) for score in scores]
    return np.asarray(rows, dtype=np.float64).reshape(len(rows), len(STATISTICS))


def compare_tables(
    table: NDArray[np.float64],
    human: NDArray[np.float64],
    rng: np.random.Generator,
    *,
    num_rounds: int = 300,
) -> list[FigureComparison]:
    """Compare a set of pieces with human ones in every figure that both have.

    Parameters
    ----------
    table, human : ndarray of float64, shape (pieces, figures)
        From :func:`statistics_table`.
    rng : numpy.random.Generator
    num_rounds : int
        Draws of halves, and of the bootstrap.

    Returns
    -------
    list of FigureComparison
        In the order of the figures; those that fewer than :data:`MIN_PIECES` human pieces or fewer
        than half of the pieces under test have are left out.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> human = rng.normal(size=(60, len(STATISTICS)))
    >>> same, other = human[:30] + 0.01, human[:30] + 9
    >>> all(item.is_within for item in compare_tables(same, human, rng))
    True
    >>> any(item.is_within for item in compare_tables(other, human, rng))
    False
    """
    found = []
    for column, statistic in enumerate(STATISTICS):
        mine, theirs = table[:, column], human[:, column]
        mine, theirs = mine[~np.isnan(mine)], theirs[~np.isnan(theirs)]
        if len(theirs) < MIN_PIECES or len(mine) < max(2, len(table) / 2):
            continue
        found.append(_compare(statistic, mine, theirs, rng, num_rounds))
    return found


def share_within(comparisons: Sequence[FigureComparison]) -> float:
    """Share of figures that meet the bar; NaN without any."""
    return float(np.mean([c.is_within for c in comparisons])) if comparisons else math.nan


def _bandwidth(values: NDArray[np.float64], size: int) -> float:
    quartiles = np.percentile(values, [25, 75])
    spread = min(float(values.std()), float(quartiles[1] - quartiles[0]) / 1.34 or math.inf)
    return 0.9 * spread * float(size**-0.2)


def _compare(
    statistic: Statistic,
    mine: NDArray[np.float64],
    theirs: NDArray[np.float64],
    rng: np.random.Generator,
    num_rounds: int,
) -> FigureComparison:
    size = max(min(len(mine), len(theirs) // 2), 1)
    width = max(_bandwidth(theirs, size), statistic.tolerance / 2)
    both = np.concatenate([mine, theirs])
    grid = np.linspace(both.min() - 3 * width, both.max() + 3 * width, _GRID_POINTS)
    # Far outliers stretch the grid; kernels narrower than its step would slip through it.
    width = max(width, float(grid[1] - grid[0]))
    kernels = np.exp(-0.5 * ((both[:, None] - grid) / width) ** 2)
    kernels /= kernels.sum(axis=1, keepdims=True)
    # Rows are rounds, columns the pieces drawn in them.
    theirs_drawn = _shuffled(len(theirs), num_rounds, rng) + len(mine)
    half = kernels[theirs_drawn[:, :size]].mean(axis=1)
    human_distance = _apart(half, kernels[theirs_drawn[:, size : 2 * size]].mean(axis=1))
    mine_drawn = _shuffled(len(mine), num_rounds, rng)[:, :size]
    distance = _apart(half, kernels[mine_drawn].mean(axis=1))
    again = rng.integers(len(mine), size=(num_rounds, size))
    bootstrap = _apart(half, kernels[again].mean(axis=1))
    mean = float(distance.mean())
    # Drawing with replacement adds distance of its own; the interval is moved back onto the mean.
    low, high = np.percentile(bootstrap, [2.5, 97.5]) - float(bootstrap.mean()) + mean
    return FigureComparison(
        statistic=statistic,
        distance=mean,
        low=float(max(low, 0.0)),
        high=float(min(high, 1.0)),
        human_distance=float(human_distance.mean()),
        median=float(np.median(mine)),
        human_median=float(np.median(theirs)),
        num_pieces=len(mine),
        num_human=len(theirs),
    )


def _shuffled(count: int, num_rounds: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return rng.permuted(np.tile(np.arange(count), (num_rounds, 1)), axis=1)


def _apart(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 - overlapping area, of densities (rounds, points)."""
    return np.asarray(1.0 - np.minimum(a, b).sum(axis=1))
