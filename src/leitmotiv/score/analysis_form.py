"""Form: which bars and phrases of a score come back.

Purpose: letter the sections of a score the way a musician does: A B A'.

Conventions:

- Bars are compared as chroma on a grid of twelve slots, in every transposition, by cosine: 1 for
  the same music in any key, about 0.5 for unrelated bars of one style.
- A piece is cut into units of 4, 8 or 16 bars, whichever repeats best; units that always follow
  each other become one section.
- A section close to an earlier one has its letter, with a prime where it is varied.

Public names: :func:`repeated_sections`, :func:`bar_similarity`.

References
----------
J. Foote, "Visualizing music and audio using self-similarity", ACM Multimedia 1999. M. Müller and
M. Clausen, "Transposition-invariant self-similarity matrices", ISMIR 2007.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from leitmotiv.score.analysis_key import pitched_notes
from leitmotiv.score.score import Score, SectionMark

__all__ = ["bar_similarity", "repeated_sections"]

_SLOTS = 12  # divides bars of 2, 3, 4 and 6 beats
_SAME, _VARIED = 0.92, 0.80
_UNIT_BARS = (4, 8, 16)
_MAX_MERGED_BARS = 16
_ONSET_GAIN = 2.0
_BLOCK_BARS = 40


def _bar_features(score: Score) -> NDArray[np.float32]:
    """Return unit-norm features of every bar, shape (bars, 12 pitch classes, slots)."""
    bars = score.bar_ticks
    notes = pitched_notes(score)
    features = np.zeros((score.num_bars, 12, _SLOTS), dtype=np.float32)
    if not len(notes):
        return features
    bar = score.bar_index_at(notes["onset"])
    length = np.maximum(np.diff(bars), 1)
    start = (notes["onset"] - bars[bar]) * _SLOTS / length[bar]
    stop = np.minimum(start + notes["duration"] * _SLOTS / length[bar], _SLOTS)
    first = np.minimum(start.astype(np.int64), _SLOTS - 1)
    count = np.maximum(np.ceil(stop - 1e-6).astype(np.int64) - first, 1)
    note = np.repeat(np.arange(len(notes)), count)
    slot = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count) + first[note]
    weight = np.where(slot == first[note], _ONSET_GAIN, 1.0)
    pitch_class = notes["pitch"][note].astype(np.int64) % 12
    index = (bar[note] * 12 + pitch_class) * _SLOTS + np.minimum(slot, _SLOTS - 1)
    table = np.bincount(index, weight, features.size).reshape(features.shape)
    norm = np.sqrt((table**2).sum(axis=(1, 2), keepdims=True))
    return np.asarray(table / np.maximum(norm, 1e-9), dtype=np.float32)


def bar_similarity(score: Score) -> NDArray[np.float32]:
    """Compare every bar with every other, in the best of twelve transpositions.

    Returns
    -------
    ndarray of float32, shape (num_bars, num_bars)
        Cosine similarity 0-1. Two silent bars count as equal, a silent and a sounding one as 0.
    """
    features = _bar_features(score)
    num_bars = len(features)
    # Blocks this small keep BLAS on one thread, which is faster here than waking the others.
    num_blocks = -(-num_bars // _BLOCK_BARS)
    padded = np.zeros((num_blocks * _BLOCK_BARS, *features.shape[1:]), dtype=np.float32)
    padded[:num_bars] = features
    left = padded.reshape(num_blocks, 1, _BLOCK_BARS, -1)
    best = np.zeros((len(padded), len(padded)), dtype=np.float32)
    for semitones in range(7):  # r and 12 - r are each other's transpose
        rolled = np.roll(padded, semitones, axis=1).reshape(1, num_blocks, _BLOCK_BARS, -1)
        product = (left @ rolled.transpose(0, 1, 3, 2)).transpose(0, 2, 1, 3).reshape(best.shape)
        np.maximum(best, product, out=best)
        np.maximum(best, product.T, out=best)
    best = best[:num_bars, :num_bars]
    silent = ~features.any(axis=(1, 2))
    best[np.ix_(silent, silent)] = 1.0
    return best


def _unit_similarity(similarity: NDArray[np.float32], unit: int) -> NDArray[np.float32]:
    """Return the mean bar-by-bar similarity of units, shape (units, units)."""
    num_units = -(-len(similarity) // unit)
    length = num_units * unit
    padded = np.zeros((length, length), dtype=np.float32)
    padded[: len(similarity), : len(similarity)] = similarity
    # Entry (a, b): the diagonal of block (a, b), bar against bar.
    total = np.einsum("aibi->ab", padded.reshape(num_units, unit, num_units, unit))
    num_bars = np.full(num_units, unit)
    num_bars[-1] = len(similarity) - (num_units - 1) * unit
    shared = np.minimum(num_bars[:, None], num_bars[None, :])
    # A short tail is no return of a whole unit.
    return np.asarray(np.where(2 * shared >= unit, total / shared, 0.0), dtype=np.float32)


def _labels(similarity: NDArray[np.float32]) -> list[tuple[int, bool]]:
    """Return (letter index, varied) of every unit."""
    labels: list[tuple[int, bool]] = []
    first_of: list[int] = []  # unit that first carried each letter
    for unit in range(len(similarity)):
        scores = [float(similarity[unit, first]) for first in first_of]
        best = int(np.argmax(scores)) if scores else -1
        if best >= 0 and scores[best] >= _VARIED:
            labels.append((best, scores[best] < _SAME))
        else:
            labels.append((len(first_of), False))
            first_of.append(unit)
    return labels


def _merge(sections: list[tuple[int, int, bool]], num_bars: int) -> list[tuple[int, int, bool]]:
    """Join neighbours (start bar, letter, varied) that never occur apart."""
    while len(sections) > 2:
        letters = [letter for _, letter, _ in sections]
        ends = [start for start, _, _ in sections[1:]] + [num_bars]
        for index, (a, b) in enumerate(pairwise(letters)):
            if a == b:
                continue
            followers = {y for x, y in pairwise(letters) if x == a}
            leaders = {x for x, y in pairwise(letters) if y == b}
            short = ends[index + 1] - sections[index][0] <= _MAX_MERGED_BARS
            if (
                followers == {b}
                and leaders == {a}
                and letters[-1] != a
                and letters[0] != b
                and short
            ):
                break
        else:
            return sections
        merged: list[tuple[int, int, bool]] = []
        for start, letter, varied in sections:
            if letter == b:
                head = merged.pop()
                merged.append((head[0], a, head[2] or varied))
            else:
                merged.append((start, letter, varied))
        if len(merged) < 2:
            return sections
        sections = merged
    return sections


def _starts_with_upbeat(score: Score) -> bool:
    """Whether bar 0 is an anacrusis: cut short, or silent for its first half."""
    bars = score.bar_ticks
    if len(bars) < 3:
        return False
    notes = pitched_notes(score)
    first = int(notes["onset"][0]) if len(notes) else 0
    return bool(bars[1] - bars[0] < bars[2] - bars[1] or 2 * first >= bars[1])


def _letter(index: int) -> str:
    name = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def repeated_sections(score: Score) -> tuple[SectionMark, ...]:
    """Letter the sections of a score by what comes back.

    Returns
    -------
    tuple of SectionMark
        Sections in order from tick 0, labelled ``A``, ``B``, ``A'`` ...; empty for a score
        without bars.

    Examples
    --------
    >>> from leitmotiv.score import Part, make_notes
    >>> a, b = [60, 64, 67, 72] * 4, [62, 59, 55, 62, 57, 53, 50, 57] * 2
    >>> notes = make_notes(range(0, 48 * 480, 480), [480] * 48, a + b + a)
    >>> [mark.label for mark in repeated_sections(Score(parts=(Part("tune", notes=notes),)))]
    ['A', 'B', 'A']
    """
    num_bars = score.num_bars
    if num_bars == 0:
        return ()
    upbeat = int(_starts_with_upbeat(score))
    similarity = bar_similarity(score)[upbeat:, upbeat:]
    num_bars -= upbeat
    best_sections: list[tuple[int, int, bool]] = [(0, 0, False)]
    best_gain = -1.0
    for unit in _UNIT_BARS:
        if num_bars < 2 * unit and unit != _UNIT_BARS[0]:
            break
        units = _unit_similarity(similarity, unit)
        labels = _labels(units)
        # What share of the piece a returning unit explains; long units win ties.
        gain = 1.0 - len({letter for letter, _ in labels}) / len(labels) + 0.02 * unit / 4
        if gain > best_gain + 0.05 or best_gain < 0:
            best_gain = gain
            best_sections = [(unit * i, *label) for i, label in enumerate(labels)]
    sections = _merge(best_sections, num_bars)
    bars = score.bar_ticks
    order: dict[int, int] = {}
    marks = []
    for start, letter, varied in sections:
        tick = int(bars[start + upbeat]) if start else 0  # the upbeat belongs to what follows
        index = order.setdefault(letter, len(order))
        marks.append(SectionMark(tick, _letter(index) + ("'" if varied else "")))
    return tuple(marks)
