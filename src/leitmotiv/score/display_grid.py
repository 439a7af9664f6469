"""Display quantisation: performed time becomes time that can be written.

Purpose: a note that stands on the grid stays where it is; a performed one is snapped for the
page alone. The Score is never changed.

Conventions: positions are ticks, 480 a quarter.

- A bar's onsets count as written exactly when each lies on a 64th, a 32nd triplet or a
  quintuplet; only other bars are snapped, quarter by quarter, to the grid that costs least (error
  plus a price for its complexity).
- An end counts as exact on a 16th, a 16th triplet or a quintuplet, and where another note begins.
  Any other end is a way of playing (staccato, legato): it moves to the next onset where that is
  near, to the grid otherwise.

Public names: :func:`snap_notes`.

References
----------
E. Cambouropoulos, "From MIDI to traditional musical notation", AAAI workshop 2000 (onset
quantisation by beat, then ends to neighbouring onsets).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from leitmotiv.score.note_values import SMALLEST
from leitmotiv.theory import TICKS_PER_QUARTER

__all__ = ["snap_notes"]

_QUARTER = TICKS_PER_QUARTER
_ONSET_STEPS = (SMALLEST, _QUARTER // 12, _QUARTER // 5)
_END_STEPS = (_QUARTER // 4, _QUARTER // 6, _QUARTER // 5)
# Divisions of a quarter with their price in ticks of mean error.
_PRICES = {1: 0.0, 2: 1.0, 4: 4.0, 3: 8.0, 8: 14.0, 6: 18.0, 5: 26.0}


def _is_exact(offset: NDArray[np.int64], steps: tuple[int, ...]) -> NDArray[np.bool_]:
    on_grid = np.zeros(len(offset), dtype=bool)
    for step in steps:
        on_grid |= offset % step == 0
    return on_grid


def snap_notes(
    onset: NDArray[np.int64],
    end: NDArray[np.int64],
    bar_ticks: NDArray[np.int64],
    *,
    is_ternary: bool = False,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Snap onsets and ends of one staff to a grid that can be written.

    Parameters
    ----------
    onset, end : ndarray of int64, shape (n,)
        Ticks.
    bar_ticks : ndarray of int64
        Bar lines, the end of the last bar included.
    is_ternary : bool
        Whether the beat is dotted, so that eighth triplets make no sense.

    Returns
    -------
    (onset, end) : ndarrays of int64, shape (n,)
        Snapped ticks; every note keeps a positive length.

    Examples
    --------
    >>> bars = np.array([0, 1920])
    >>> onset, end = snap_notes(np.array([7, 477]), np.array([450, 955]), bars)
    >>> onset.tolist(), end.tolist()
    ([0, 480], [480, 960])
    """
    if not len(onset):
        return onset, end
    last = max(len(bar_ticks) - 2, 0)
    bar_of = np.clip(np.searchsorted(bar_ticks, onset, side="right") - 1, 0, last)
    bar_of_end = np.clip(np.searchsorted(bar_ticks, end, side="left") - 1, 0, last)
    loose = np.zeros(last + 1, dtype=bool)
    np.logical_or.at(loose, bar_of, ~_is_exact(onset - bar_ticks[bar_of], _ONSET_STEPS))
    move = loose[bar_of]
    end_moves = ~_is_exact(end - bar_ticks[bar_of_end], _END_STEPS) & ~np.isin(end, onset)
    end_moves |= loose[bar_of_end] | move
    if not end_moves.any():
        return onset, end
    onset, end = onset.copy(), end.copy()
    divisions = [d for d in _PRICES if not (is_ternary and d in (3, 5))]
    steps: dict[tuple[int, int], int] = {}  # (bar, quarter) -> division chosen there
    offset = onset - bar_ticks[bar_of]
    quarter = offset // _QUARTER
    for bar, index in sorted(
        {(int(b), int(q)) for b, q in zip(bar_of[move], quarter[move], strict=True)}
    ):
        inside = move & (bar_of == bar) & (quarter == index)
        points = offset[inside] - index * _QUARTER
        division = min(divisions, key=lambda d: _cost(points, d))
        steps[bar, index] = division
        onset[inside] = bar_ticks[bar] + index * _QUARTER + _snap(points, division)
    starts = np.unique(onset)
    for number in np.flatnonzero(end_moves):
        bar = int(bar_of_end[number])
        base = int(bar_ticks[bar])
        index = int(end[number] - base) // _QUARTER
        division = steps.get((bar, index), 4)
        point = np.asarray([end[number] - base - index * _QUARTER])
        snapped = base + index * _QUARTER + int(_snap(point, division)[0])
        # A small gap before the next onset (or beat) is how notes are played, not written.
        target = base + (int(end[number]) - base + _QUARTER - 1) // _QUARTER * _QUARTER
        following = starts[np.searchsorted(starts, onset[number], side="right") :][:1]
        if len(following):
            target = min(int(following[0]), target)
            target = int(following[0]) if following[0] <= end[number] else target
        gap, length = target - int(end[number]), target - int(onset[number])
        if -_QUARTER // 8 <= gap <= max(_QUARTER // 5, length * 3 // 10):
            snapped = target
        if snapped <= onset[number]:
            snapped = int(onset[number]) + _QUARTER // max(division, 4)
        end[number] = snapped
    return onset, end


def _cost(points: NDArray[np.int64], division: int) -> float:
    error = np.abs(points - _snap(points, division))
    return float(error.mean() + error.max()) / 2 + _PRICES[division]


def _snap(points: NDArray[np.int64], division: int) -> NDArray[np.int64]:
    step = _QUARTER // division
    return (points + step // 2) // step * step
