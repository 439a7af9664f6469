"""Melodic fragments: short stretches of a line as hashes that survive transposition and tempo.

Purpose: tell whether two pieces share a tune. Each line (one part's top line) is cut into
overlapping fragments of two kinds:

- :data:`RHYTHMIC`: eight notes as semitone intervals together with the ratios between successive
  onset distances, rounded to powers of two. Transposition, another tempo and notation in other
  note values change nothing.
- :data:`MELODIC`: ten notes as intervals alone, repeated notes counted once. A tune bent into
  another meter keeps them.

A fragment without shape says nothing about kinship and is left out: scales, trills, broken chords
and other figures that repeat within four notes, or fewer than :attr:`FragmentKind.distinct`
different steps.

Conventions: onsets and ends in any unit, as long as one is used (a rest longer than ``longest_gap``
of it ends a line); of notes that start together the highest counts, and a note under a higher one
that still sounds belongs to the accompaniment.

References: intervals and duration ratios against transposition and tempo follow Lemström and
Laine, "Musical information retrieval using musical parameters" (ICMC 1998); the top line is the
"skyline" of Uitdenbogerd and Zobel, "Melodic matching techniques for large music databases"
(ACM Multimedia 1999), without the notes that a held note covers.

Public names: :class:`FragmentKind`, :class:`Fragments`, :data:`RHYTHMIC`, :data:`MELODIC`,
:data:`KINDS`, :data:`LONGEST_GAP_STEPS`, :func:`top_notes`, :func:`fragments`, :func:`score_lines`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leitmotiv.score.score import Score
from leitmotiv.theory import TICKS_PER_QUARTER

__all__ = [
    "KINDS",
    "LONGEST_GAP_STEPS",
    "MELODIC",
    "RHYTHMIC",
    "FragmentKind",
    "Fragments",
    "fragments",
    "score_lines",
    "top_notes",
]

_LOOK_BACK = 8  # earlier top notes that may still sound over a note
_LONGEST_PERIOD = 4  # a figure that repeats within so many notes is accompaniment or a sequence
_LARGEST_RATIO = 3  # powers of two
_HASH_BITS = 28
_TICKS_PER_STEP = TICKS_PER_QUARTER // 24  # what a player spreads within a step is one chord


@dataclass(frozen=True)
class FragmentKind:
    """What a fragment is made of: ``num_notes`` notes, with rhythm or without.

    ``distinct`` is the number of different intervals it needs to have a shape.
    """

    name: str
    num_notes: int
    rhythm: bool
    distinct: int


RHYTHMIC = FragmentKind("rhythmic", num_notes=8, rhythm=True, distinct=4)
MELODIC = FragmentKind("melodic", num_notes=10, rhythm=False, distinct=4)
KINDS = (RHYTHMIC, MELODIC)

LONGEST_GAP_STEPS = 192
"""A line that rests longer than eight quarters (24 steps each) begins anew."""


@dataclass(frozen=True, eq=False)
class Fragments:
    """Fragments in the order of the notes, arrays of shape (n,).

    ``hashes`` uint32 below 2**28; ``first`` and ``last`` the indices of the notes, in the arrays
    that were handed in, that the fragment starts and ends with.
    """

    hashes: NDArray[np.uint32]
    first: NDArray[np.int64]
    last: NDArray[np.int64]


def top_notes(
    line: NDArray[np.int64],
    onset: NDArray[np.int64],
    end: NDArray[np.int64],
    pitch: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the indices of the notes of each line's top line, by line and onset.

    Parameters
    ----------
    line, onset, end, pitch : ndarray of int64, shape (n,)
        The line each note belongs to, when it starts and ends, its pitch; in any order.

    Returns
    -------
    ndarray of int64, shape (m,)

    Examples
    --------
    A held melody note over a moving left hand; the hand alone is the top line afterwards:

    >>> onset, end = np.asarray([0, 2, 4, 8]), np.asarray([8, 4, 6, 10])
    >>> top_notes(np.zeros(4, np.int64), onset, end, np.asarray([72, 48, 52, 55])).tolist()
    [0, 3]
    """
    order = np.lexsort((-pitch, onset, line))
    line, onset, end, pitch = line[order], onset[order], end[order], pitch[order]
    fresh = np.ones(len(order), dtype=bool)
    fresh[1:] = (line[1:] != line[:-1]) | (onset[1:] != onset[:-1])
    order, line, onset, end, pitch = (a[fresh] for a in (order, line, onset, end, pitch))
    covered = np.zeros(len(order), dtype=bool)
    for back in range(1, min(_LOOK_BACK, len(order) - 1) + 1):
        # Legato is played with overlap: a note counts as covered when the other one lasts on.
        lasts = end[:-back] >= np.minimum(end[back:], onset[back:] + 1 + (end - onset)[back:] // 2)
        covered[back:] |= (line[back:] == line[:-back]) & (pitch[:-back] > pitch[back:]) & lasts
    return np.asarray(order[~covered])


def fragments(
    line: NDArray[np.int64],
    onset: NDArray[np.int64],
    pitch: NDArray[np.int64],
    kind: FragmentKind,
    *,
    longest_gap: int = LONGEST_GAP_STEPS,
) -> Fragments:
    """Cut lines into overlapping fragments.

    Parameters
    ----------
    line, onset, pitch : ndarray of int64, shape (n,)
        By line and onset, one note an onset (see :func:`top_notes`).
    kind : FragmentKind
    longest_gap : int
        Two onsets further apart than this do not belong to one fragment.

    Returns
    -------
    Fragments
        Empty for lines shorter than a fragment.

    Examples
    --------
    >>> tune = np.asarray([60, 64, 62, 65, 67, 71, 69, 65, 64, 60, 62])
    >>> beat, one = np.arange(11), np.zeros(11, np.int64)
    >>> here = fragments(one, beat, tune, RHYTHMIC, longest_gap=8).hashes
    >>> there = fragments(one, beat * 3, tune + 5, RHYTHMIC, longest_gap=24).hashes
    >>> len(here), (here == there).all()
    (4, np.True_)
    """
    kept = np.arange(len(line))
    distance = np.diff(onset)
    joined = (line[1:] == line[:-1]) & (distance <= longest_gap) & (distance > 0)
    if not kind.rhythm:
        changes = np.ones(len(line), dtype=bool)
        changes[1:] = ~joined | (pitch[1:] != pitch[:-1])
        kept = np.flatnonzero(changes)
        # The gap before a new pitch counts from the last of its repeated notes.
        joined = joined[kept[1:] - 1] if len(kept) > 1 else joined[:0]
        pitch = pitch[kept]
    size = kind.num_notes - 1
    num = len(kept) - size
    if num < 1:
        nothing = np.zeros(0, dtype=np.int64)
        return Fragments(nothing.astype(np.uint32), nothing, nothing)
    step = np.clip(np.diff(pitch), -24, 24) + 24
    symbol = step
    if kind.rhythm:
        gap = np.maximum(distance, 1).astype(np.float64)
        ratio = np.zeros(len(step), dtype=np.int64)
        bound = np.round(np.log2(gap[1:] / gap[:-1]))
        ratio[1:] = np.clip(bound, -_LARGEST_RATIO, _LARGEST_RATIO).astype(np.int64)
        symbol = step * 8 + ratio + _LARGEST_RATIO
    sums = np.concatenate([[0], np.cumsum(joined)])
    whole = sums[size:] - sums[:-size] == size
    steps = [step[offset : offset + num] for offset in range(size)]
    place = np.flatnonzero(whole & _has_shape(steps, symbol, num, kind))
    hashed: NDArray[np.uint64] = np.full(
        len(place), kind.num_notes * 2 + kind.rhythm, dtype=np.uint64
    )
    for offset in range(size):
        # The first ratio looks back at a note before the fragment.
        column = (step * 8 + _LARGEST_RATIO if offset == 0 and kind.rhythm else symbol)[
            place + offset
        ]
        hashed = _mix(hashed * np.uint64(0x9E3779B97F4A7C15) + column.astype(np.uint64))
    return Fragments(
        (hashed >> np.uint64(64 - _HASH_BITS)).astype(np.uint32), kept[place], kept[place + size]
    )


def _has_shape(
    steps: list[NDArray[np.int64]], symbol: NDArray[np.int64], num: int, kind: FragmentKind
) -> NDArray[np.bool_]:
    """Tell which fragments are more than a scale, a trill or a figure, shape (num,)."""
    different = np.ones(num, dtype=np.int8)
    for later in range(1, len(steps)):
        fresh = np.ones(num, dtype=bool)
        for earlier in range(later):
            fresh &= steps[later] != steps[earlier]
        different += fresh
    moving = np.zeros(num, dtype=np.int8)
    for moved in steps:
        moving += moved != 24
    shaped = (different >= kind.distinct) & (moving >= len(steps) // 2)
    for period in range(1, _LONGEST_PERIOD + 1):
        repeats = np.ones(num, dtype=bool)
        for here, there in zip(steps, steps[period:], strict=False):
            repeats &= here == there
        shaped &= ~repeats
    return shaped


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble 64-bit values (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(values ^ (values >> np.uint64(31)))


def score_lines(
    score: Score,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the top line of every pitched part: part index, onset in steps, pitch.

    A step is a 24th of a quarter.

    Returns
    -------
    three ndarrays of int64, shape (n,)
        By part and onset; empty for a score without pitched notes.
    """
    parts = [index for index, part in enumerate(score.parts) if not part.is_drum]
    notes = [score.parts[index].notes for index in parts]
    if not notes:
        nothing = np.zeros(0, dtype=np.int64)
        return nothing, nothing, nothing
    line = np.repeat(parts, [len(part) for part in notes]).astype(np.int64)
    together = np.concatenate(notes)
    pitch = together["pitch"].astype(np.int64)
    start = together["onset"].astype(np.int64)
    half = _TICKS_PER_STEP // 2
    onset = (start + half) // _TICKS_PER_STEP
    end = (start + together["duration"] + half) // _TICKS_PER_STEP
    kept = top_notes(line, onset, end, pitch)
    return line[kept], onset[kept], pitch[kept]
