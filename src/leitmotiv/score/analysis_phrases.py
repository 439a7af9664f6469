"""Phrase ends: where a melody breathes.

Purpose: the bars in which phrases end, for conditions such as "the phrase ends here".

Conventions: at most one phrase ends in a bar, with the note of the bar that is followed by the
longest gap; what follows it in the bar is the next phrase's upbeat. A piece is cut so that gaps
are long, phrases hold about as many notes as sung phrases do and last an even number of bars.

Public names: :func:`phrase_end_bars`, :func:`melody_line`.

References
----------
D. Temperley, *The Cognition of Basic Musical Structures*, MIT Press 2001, chapter 3 (gap score,
phrase length and metrical parallelism as preferences, solved by dynamic programming).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from leitmotiv.score.score import Part, Score

__all__ = ["melody_line", "phrase_end_bars"]

# Set on 250 songs of the Essen collection whose phrases its editors marked.
_GAP_WEIGHT = 1.0
_LENGTH_WEIGHT = 0.8
_USUAL_NOTES = 9.0
_ODD_BARS_PRICE = 0.5
_ODD_PHRASE_PRICE = 0.4  # bars even but not 2, 4 or 8
_MAX_BARS = 12


def melody_line(part: Part) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return onset, end and pitch of the highest note at each onset of a part."""
    onset = part.notes["onset"].astype(np.int64)
    last = np.append(onset[1:] != onset[:-1], True) if len(onset) else np.zeros(0, dtype=bool)
    top = part.notes[last]  # notes are sorted by onset, then pitch
    return onset[last], onset[last] + top["duration"], top["pitch"].astype(np.int64)


_BARS_PRICE = np.asarray(
    [
        _ODD_BARS_PRICE if bars % 2 else 0.0 if bars in (2, 4, 8) else _ODD_PHRASE_PRICE
        for bars in range(64)
    ]
)


def phrase_end_bars(score: Score, melody: Part) -> list[int]:
    """Return the bars in which a phrase of the melody ends.

    Parameters
    ----------
    score : Score
    melody : Part
        The part that carries the melody.

    Returns
    -------
    list of int
        Bar indices, rising; the bar of the last note is always one. Empty without notes.

    Examples
    --------
    >>> from leitmotiv.score import make_notes
    >>> bar, last = [720, 240, 960], [1920]
    >>> lengths = (bar * 3 + last) * 2
    >>> onsets = [sum(lengths[:i]) for i in range(len(lengths))]
    >>> tune = Part("tune", notes=make_notes(onsets, lengths, [60] * len(lengths)))
    >>> phrase_end_bars(Score(parts=(tune,)), tune)
    [3, 7]
    """
    onset, end, _ = melody_line(melody)
    if not len(onset):
        return []
    bar = score.bar_index_at(onset)
    gap = np.append(np.diff(onset), 0).astype(np.float64)
    rest = np.append(np.maximum(onset[1:] - end[:-1], 0), 0)
    mean = max(float(gap[:-1].mean()), 1.0) if len(gap) > 1 else 1.0
    strength = np.log2(np.maximum((gap + rest) / mean, 0.25))
    strength[-1] = 0.0
    # One candidate a bar: its note with the longest gap after it, the later one where equal.
    order = np.lexsort((np.arange(len(onset)), strength, bar))
    chosen = order[np.append(np.diff(bar[order]) > 0, True)]
    if chosen[-1] != len(onset) - 1:
        chosen[-1] = len(onset) - 1  # the piece ends with its last note
    return _cut(chosen, bar[chosen], strength[chosen])


def _cut(
    note: NDArray[np.int64], bar: NDArray[np.int64], strength: NDArray[np.float64]
) -> list[int]:
    """Choose among candidate ends (rising note and bar numbers); the last is always chosen."""
    count = len(note)
    # Entry 0 of both is the start of the piece.
    notes_before = np.concatenate([[0], note + 1])
    bars_before = np.concatenate([[bar[0]], bar + 1])
    log_notes = np.log2(np.maximum(np.arange(notes_before[-1] + 1), 1) / _USUAL_NOTES)
    best = np.zeros(count + 1)
    previous = np.zeros(count + 1, dtype=np.int64)
    for index in range(1, count + 1):
        low = max(0, index - _MAX_BARS)
        length = np.abs(log_notes[notes_before[index] - notes_before[low:index]])
        num_bars = np.minimum(bars_before[index] - bars_before[low:index], len(_BARS_PRICE) - 1)
        total = best[low:index] - _LENGTH_WEIGHT * length - _BARS_PRICE[num_bars]
        choice = int(total.argmax())
        previous[index] = low + choice
        best[index] = total[choice] + _GAP_WEIGHT * strength[index - 1]
    ends = []
    index = count
    while index > 0:
        ends.append(int(bar[index - 1]))
        index = int(previous[index])
    return ends[::-1]
