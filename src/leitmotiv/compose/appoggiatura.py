"""Leaning notes: some strong notes of a melody are reached from the step above.

Purpose: a network that writes a melody before its harmony puts nearly every strong note on the
chord. People lean: one strong melody note in six to ten is dissonant and falls into the chord
(docs/evaluation.md). The first half of such a note becomes the scale step above it.

Conventions: only where the leaning note is approached without a leap, is foreign to the chord and
close above its resolution; never in the last bar of a phrase, in a person's own notes, or twice in
a row.

Public names: :func:`lean`.

References
----------
S. Kostka and D. Payne, *Tonal Harmony*, ch. 12; D. Cooke, *The Language of Music*, 1959, ch. 3
(what a fall by step says).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from leitmotiv.score import Origin

__all__ = ["lean"]

_LEAST_STRENGTH = 0.5


def lean(
    notes: NDArray[np.void],
    rng: np.random.Generator,
    *,
    share: float,
    accent: NDArray[np.float64],
    beat_steps: int,
    tones: Callable[[int, int], frozenset[int]],
    scale: Callable[[int], frozenset[int]],
    closes: Callable[[int], bool],
    high: int,
) -> NDArray[np.void]:
    """Return the notes with leaning notes put before some of them.

    Parameters
    ----------
    notes : ndarray of CELL_NOTE_DTYPE
        One line in order of time.
    share : float
        Chance of a note that could be leant on.
    accent : ndarray, shape (bar_steps,)
        Metrical weight of each step, 0 to 1.
    beat_steps : int
        Length of a beat.
    tones : callable (bar, position) -> pitch classes of the chord
    scale : callable (bar) -> pitch classes of the key
    closes : callable (bar) -> bool
        Whether a phrase ends in the bar.
    high : int
        Top of the part's range.

    Examples
    --------
    A half note on the fifth of the chord, reached from the step above it:

    >>> from leitmotiv.tokens.grid import CELL_NOTE_DTYPE
    >>> line = np.zeros(2, dtype=CELL_NOTE_DTYPE)
    >>> line["origin"] = Origin.MODEL
    >>> line["position"], line["duration"], line["pitch"] = [0, 48], [48, 48], [69, 67]
    >>> found = lean(
    ...     line,
    ...     np.random.default_rng(0),
    ...     share=1.0,
    ...     accent=np.ones(96),
    ...     beat_steps=24,
    ...     tones=lambda bar, position: frozenset({0, 4, 7}),
    ...     scale=lambda bar: frozenset({0, 2, 4, 5, 7, 9, 11}),
    ...     closes=lambda bar: False,
    ...     high=90,
    ... )
    >>> found["pitch"].tolist(), found["duration"].tolist()
    ([69, 69, 67], [48, 24, 24])
    """
    rows: list[np.void] = []
    leant = False
    for index, note in enumerate(notes):
        before = notes[index - 1] if index else None
        bar, position = int(note["bar"]), int(note["position"])
        pitch, length = int(note["pitch"]), int(note["duration"])
        chord = tones(bar, position)
        above = next((p for p in (pitch + 1, pitch + 2) if p % 12 in scale(bar)), None)
        free = (
            before is not None
            and above is not None
            and not leant
            and not closes(bar)
            and note["origin"] != Origin.HUMAN
            and beat_steps <= length <= 4 * beat_steps
            and accent[position] >= _LEAST_STRENGTH
            and pitch % 12 in chord
            and above % 12 not in chord
            and above <= high
            and abs(int(before["pitch"]) - above) <= 4
        )
        leant = bool(free and rng.random() < share)
        if not leant:
            rows.append(note)
            continue
        # Long notes lean for a beat, short ones for their half.
        size = beat_steps if length > beat_steps else length // 2
        leaning, goal = note.copy(), note.copy()
        leaning["pitch"], leaning["duration"] = above, size
        goal["position"], goal["duration"] = position + size, length - size
        if int(goal["position"]) >= len(accent):
            rows.append(note)
            leant = False
            continue
        rows += [leaning, goal]
    return np.asarray(rows, dtype=notes.dtype) if rows else notes
