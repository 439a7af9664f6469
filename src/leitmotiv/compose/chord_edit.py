"""Chord edits: other harmony in some bars, every other bar as it was.

A plan remembers the chords that the planner wrote. Where a person has put others, the piece is
first written as planned and then the bars concerned are arranged anew: the melody keeps its rhythm
and shape and moves its strong notes to the new chords, the other parts are written again with both
sides in view.

Public names: :func:`merge_bars`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

import numpy as np
from numpy.typing import NDArray

__all__ = ["merge_bars"]


def merge_bars(
    before: NDArray[np.void],
    after: NDArray[np.void],
    bars: Collection[int],
    *,
    bar_steps: int,
    tones_at: Callable[[int, int], frozenset[int]],
    is_single: Callable[[int], bool],
    is_drum: Callable[[int], bool],
) -> NDArray[np.void]:
    """Return ``before`` with what starts in some bars taken from ``after``.

    Parameters
    ----------
    before, after : ndarray of CELL_NOTE_DTYPE
    bars : collection of int
        The bars that change.
    bar_steps : int
    tones_at : callable (bar, position) -> frozenset of pitch classes
        The new chords.
    is_single, is_drum : callable (part) -> bool

    Returns
    -------
    ndarray of CELL_NOTE_DTYPE
        What sounds in other bars is the same as before: new notes end with their run of bars, old
        ones that rang on behind it begin at the bar line, and an old note that rings into a changed
        bar ends at the bar line, unless the new chord has it and its part does not play there at
        once.
    """
    changed = np.asarray(sorted(bars), dtype=np.int64)
    inside = set(changed.tolist())
    old = before[np.isin(before["bar"], changed)]
    new = after[np.isin(after["bar"], changed)].copy()
    held = {_place(note): int(note["duration"]) for note in old}
    for note in new:
        room = _room(note, inside, bar_steps)
        if note["duration"] > room:
            # A note that rang on before and stands as it stood rings on still.
            note["duration"] = max(room, held.get(_place(note), 0))
    standing = {_place(note) for note in new}
    tails = [
        _tail(note, inside, bar_steps)
        for note in old
        if note["duration"] > _room(note, inside, bar_steps) and _place(note) not in standing
    ]
    kept = before[~np.isin(before["bar"], changed)].copy()
    kept = np.concatenate([kept, *tails])
    onset = new["bar"].astype(np.int64) * bar_steps + new["position"]
    for note in kept:
        start = int(note["bar"]) * bar_steps + int(note["position"])
        end = start + int(note["duration"])
        entered = next(
            (bar for bar in range(int(note["bar"]) + 1, -(-end // bar_steps)) if bar in inside),
            None,
        )
        if entered is None or is_drum(int(note["part"])):
            continue
        tones = tones_at(entered, 0)
        if tones and int(note["pitch"]) % 12 not in tones:
            end = entered * bar_steps
        mine = new["part"] == note["part"]
        if not is_single(int(note["part"])):
            mine &= new["pitch"] == note["pitch"]
        later = onset[mine & (onset < end)]
        if len(later):
            end = min(end, int(later.min()))
        note["duration"] = end - start
    return np.concatenate([kept, new])


def _place(note: np.void) -> tuple[int, ...]:
    return tuple(int(note[name]) for name in ("part", "bar", "position", "pitch"))


def _run_end(note: np.void, inside: set[int]) -> int:
    stop = int(note["bar"])
    while stop in inside:
        stop += 1
    return stop


def _room(note: np.void, inside: set[int], bar_steps: int) -> int:
    """Steps from a note's onset to the end of its run of changed bars."""
    return (_run_end(note, inside) - int(note["bar"])) * bar_steps - int(note["position"])


def _tail(note: np.void, inside: set[int], bar_steps: int) -> NDArray[np.void]:
    """What a note sounds behind its run of changed bars, as a note of its own."""
    tail = np.asarray([note])
    tail["bar"], tail["position"] = _run_end(note, inside), 0
    tail["duration"] = int(note["duration"]) - _room(note, inside, bar_steps)
    return tail
