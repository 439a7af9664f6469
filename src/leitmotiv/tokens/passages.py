"""Passages: a whole piece cut into sequences in which every event is to be predicted once.

Training draws windows at random (``leitmotiv.training.windows``); an evaluation must meet each note
exactly once and show it what came before. A passage therefore holds some bars that were predicted
by earlier passages (``counted`` is False there) and the bars that come next. Its layout is that of
a training window that continues: context bars, then target bars.

Conventions: a piece with more than ``max_parts`` sounding parts is read in groups of parts that do
not see each other, because the network was trained on at most that many. Parts that are silent in
all of a passage are left out of it.

Public names: :class:`Passage`, :func:`piece_passages`, :func:`without_conditions`,
:data:`KEPT_CONDITIONS`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leitmotiv.tokens.grid import CellGrid
from leitmotiv.tokens.sequence import COLUMN, lay_out
from leitmotiv.tokens.vocabulary import CONDITIONS, END, HEADER

__all__ = ["KEPT_CONDITIONS", "Passage", "piece_passages", "without_conditions"]

KEPT_CONDITIONS = ("meter", "bar", "part", "target")
"""Conditions that say where a cell stands and not what is in it; never dropped in training."""


@dataclass(frozen=True, eq=False)
class Passage:
    """One sequence with its answers.

    events (T, 4), conditions (T, E), time (T,) are the input; targets (T, 4) what follows each
    event, 0 where a field does not apply; counted (T,) tells which answers have not been counted by
    an earlier passage. ``parts`` and ``bars`` (first, first counted, end) say where it lies.
    """

    events: NDArray[np.int64]
    conditions: NDArray[np.int64]
    time: NDArray[np.float32]
    targets: NDArray[np.int64]
    counted: NDArray[np.bool_]
    parts: tuple[int, ...]
    bars: tuple[int, int, int]


def without_conditions(conditions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return conditions (..., E) with all but :data:`KEPT_CONDITIONS` unknown."""
    kept = np.asarray([name in KEPT_CONDITIONS for name in CONDITIONS])
    return np.where(kept, conditions, 0)


def piece_passages(
    grid: CellGrid,
    *,
    max_bars: int = 16,
    max_parts: int = 8,
    budget: int = 512,
    known_velocity: bool = True,
) -> Iterator[Passage]:
    """Cut a piece into passages.

    Parameters
    ----------
    grid : CellGrid
    max_bars : int
        Bars in a passage; at most half of them new, so that the others can be context.
    max_parts : int
        Parts in a passage.
    budget : int
        Events in a passage; one bar is never divided, so a very dense bar may exceed it.
    known_velocity : bool
        Whether velocities mean anything; they are unknown (id 0) otherwise.

    Yields
    ------
    Passage
        In the order of the piece, group of parts by group of parts; none for an empty grid.
    """
    if grid.num_bars == 0:
        return
    keys = grid.notes["bar"].astype(np.int64) * grid.num_parts + grid.notes["part"]
    counts = np.bincount(keys, minlength=grid.num_bars * grid.num_parts)
    counts = counts.reshape(grid.num_bars, grid.num_parts)
    sounding = np.flatnonzero(counts.sum(axis=0))
    for group in np.array_split(sounding, max(-(-len(sounding) // max_parts), 1)):
        if len(group) == 0:
            continue
        size = counts[:, group].sum(axis=1) + len(group)
        total = np.concatenate([[0], np.cumsum(size)])
        bar = 0
        while bar < grid.num_bars:
            fitting = int(np.searchsorted(total, total[bar] + budget // 2, side="right")) - 1
            end = min(max(fitting, bar + 1), bar + max(max_bars // 2, 1), grid.num_bars)
            first = max(int(np.searchsorted(total, total[end] - budget)), end - max_bars, 0)
            first = min(first, bar)
            parts = group[counts[first:end, group].sum(axis=0) > 0]
            if len(parts):
                yield _passage(grid, first, bar, end, parts, known_velocity)
            bar = end


def _passage(
    grid: CellGrid,
    first: int,
    new: int,
    end: int,
    parts: NDArray[np.int64],
    known_velocity: bool,
) -> Passage:
    nothing = np.zeros((end - first, len(parts)), dtype=bool)
    window = lay_out(
        grid,
        start=first,
        num_bars=end - first,
        parts=[int(part) for part in parts],
        target=nothing,
        known_velocity=known_velocity,
    )
    conditions = window.event_conditions()
    counted = conditions[:, COLUMN["bar"]] > new - first
    conditions[counted, COLUMN["target"]] = 2
    targets = np.zeros_like(window.events)
    targets[:-1] = window.events[1:]
    # A header is no answer: what follows the last event of a cell is its end.
    last = np.append(window.events[1:, 0] == HEADER, True)
    targets[last] = (END, 0, 0, 0)
    return Passage(
        events=window.events,
        conditions=conditions,
        time=window.time,
        targets=targets,
        counted=counted,
        parts=window.parts,
        bars=(first, new, end),
    )
