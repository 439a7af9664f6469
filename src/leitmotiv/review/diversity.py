"""Diversity: how alike the pieces of a batch are.

Purpose: tell whether a hundred pieces from one brief are a hundred pieces.

Conventions:

- A piece is reduced to three sets of figures, all blind to transposition: **melody**, five notes
  as four intervals with the ratios of their lengths; **rhythm**, the onsets of a melody bar;
  **harmony**, three chords in a row seen from the key.
- Two pieces are as alike as their sets: the Dice coefficient, 0 for nothing shared and 1 for the
  same set.
- *Pairs* is the mean over all pairs. *Nearest* is the likeness of a piece to the nearest of
  ``k`` others, in the mean over pieces and over all choices of ``k``; batches of different sizes
  compare at the same ``k`` only.

Public names: :class:`Diversity`, :func:`measure_diversity`, :func:`piece_figures`,
:data:`ASPECTS`, :data:`NUM_OTHERS`.

References
----------
L. R. Dice, "Measures of the amount of ecologic association between species", Ecology 26, 1945.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leitmotiv.review.statistics import Melody, opening
from leitmotiv.score import Score
from leitmotiv.score.analysis import align_bars, chords_per_half_bar, estimate_key

__all__ = ["ASPECTS", "NUM_OTHERS", "Diversity", "Figures", "measure_diversity", "piece_figures"]

ASPECTS = ("melody", "rhythm", "harmony")
NUM_OTHERS = 15

Figures = Mapping[str, frozenset[tuple[object, ...]]]


@dataclass(frozen=True)
class Diversity:
    """How alike the pieces of a batch are in one aspect.

    ``nearest[k - 1]`` is the mean likeness to the nearest of ``k`` others; ``closest`` the two
    pieces that are most alike (indices into the batch) and ``closest_likeness`` how much.
    """

    aspect: str
    num_pieces: int
    pairs: float
    nearest: tuple[float, ...]
    closest: tuple[int, int]
    closest_likeness: float

    def nearest_of(self, num_others: int) -> float:
        """Likeness to the nearest of ``num_others``, or of all there are; NaN for none."""
        if not self.nearest:
            return math.nan
        return self.nearest[min(num_others, len(self.nearest)) - 1]


def piece_figures(score: Score, *, num_bars: int = 32) -> Figures:
    """Reduce the first bars of a piece to its sets of figures; empty sets for a silent one."""
    piece = opening(align_bars(score), num_bars)
    if not piece.parts:
        return {aspect: frozenset() for aspect in ASPECTS}
    melody = Melody.of(piece)
    move = np.diff(melody.pitch)
    gaps = np.maximum(np.diff(melody.onset), 1)
    ratio = np.round(2 * np.log2(gaps[1:] / gaps[:-1])).astype(int)
    figures = {
        (*move[i : i + 4].tolist(), *ratio[i : i + 3].tolist()) for i in range(len(move) - 3)
    }
    bar = piece.bar_index_at(melody.onset)
    place = melody.onset - piece.bar_ticks[bar]
    # A bar with one note is a rest of thought, not a rhythm two pieces share.
    rhythms = {
        tuple(place[bar == index].tolist()) for index in np.unique(bar) if (bar == index).sum() > 1
    }
    tonic = estimate_key(piece).tonic_pitch_class
    chords: list[tuple[int, str]] = []
    for change in chords_per_half_bar(piece):
        if not change.chord.is_none:
            name = ((change.chord.root_pitch_class - tonic) % 12, change.chord.quality)
            if not chords or chords[-1] != name:
                chords.append(name)
    return {
        "melody": frozenset(figures),
        "rhythm": frozenset(rhythms),
        "harmony": frozenset(tuple(chords[i : i + 3]) for i in range(len(chords) - 2)),
    }


def measure_diversity(pieces: Sequence[Figures]) -> list[Diversity]:
    """Measure how alike the pieces of a batch are, one result an aspect.

    Parameters
    ----------
    pieces : sequence of figures
        From :func:`piece_figures`; pieces without figures of an aspect are left out of it.

    Examples
    --------
    >>> tune = {name: frozenset({(1, 2), (2, 3)}) for name in ASPECTS}
    >>> other = {name: frozenset({(5, 6), (2, 3)}) for name in ASPECTS}
    >>> low, high = measure_diversity([tune, tune, other])[0].nearest
    >>> round(low, 3), round(high, 3)
    (0.667, 0.833)
    """
    found = []
    for aspect in ASPECTS:
        chosen = [index for index, piece in enumerate(pieces) if piece[aspect]]
        sets = [pieces[index][aspect] for index in chosen]
        likeness = np.full((len(sets), len(sets)), np.nan)
        for a in range(len(sets)):
            for b in range(a):
                shared = len(sets[a] & sets[b])
                likeness[a, b] = likeness[b, a] = 2 * shared / (len(sets[a]) + len(sets[b]))
        if len(sets) < 2:
            found.append(Diversity(aspect, len(sets), math.nan, (), (0, 0), math.nan))
            continue
        first, second = divmod(int(np.nanargmax(likeness)), len(sets))
        found.append(
            Diversity(
                aspect,
                len(sets),
                float(np.nanmean(likeness)),
                _nearest(likeness),
                (chosen[first], chosen[second]),
                float(likeness[first, second]),
            )
        )
    return found


def _nearest(likeness: NDArray[np.float64]) -> tuple[float, ...]:
    """Expected likeness to the nearest of k others drawn without replacement, for every k."""
    count = len(likeness) - 1
    rows = np.sort(likeness, axis=1)[:, :count]  # NaN, the piece itself, sorts to the end
    mean = rows.mean(axis=0)
    found = []
    for k in range(1, count + 1):
        # The i-th smallest of all is the greatest of the k with C(i - 1, k - 1) / C(count, k).
        weight = np.asarray([math.comb(i, k - 1) / math.comb(count, k) for i in range(count)])
        found.append(float(weight @ mean))
    return tuple(found)
