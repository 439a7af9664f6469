"""The copy guard: no part repeats a long passage of one training piece.

Purpose: a network that has seen ten thousand pieces may recite one. Candidates for a melody or for
the parts around it are looked up in the index of the training pieces, part by part and together
with the notes before them; those that share more notes in a row with one piece than the cap allows
are passed over, and where all do, the network is asked again. The cap lies where human composers'
own passages in common end (see :mod:`leitmotiv.review.originality`).

Public names: :class:`CopyGuard`, :data:`LONGEST_COPY`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from leitmotiv.review.fragment_index import SHIPPED_INDEX, FragmentIndex, shipped_index
from leitmotiv.score import Origin
from leitmotiv.score.fragments import top_notes

__all__ = ["LONGEST_COPY", "CopyGuard"]

LONGEST_COPY = 16
"""Notes in a row that a part may share with one training piece."""

_CONTEXT_NOTES = 32  # notes before a candidate that a passage may have begun in
_MAX_PARTS = 256  # the part of a note is one byte
_REDRAWS = 2
_VETO = 100.0  # far beyond what ranking can make good

Scored = list[tuple[float, NDArray[np.void]]]


class CopyGuard:
    """Judges candidates by what they share with the indexed pieces.

    ``longest_copy`` is the cap in notes, None for no cap; ``index`` is the shipped one by default,
    read when it is first asked. Without an index file nothing is known and nothing is vetoed.

    ``vetoed`` counts candidates passed over, ``redrawn`` the times all of them were.
    """

    def __init__(
        self, longest_copy: int | None = LONGEST_COPY, index: FragmentIndex | None = None
    ) -> None:
        self.longest_copy = longest_copy
        self._index = index
        self.vetoed = self.redrawn = 0

    @property
    def index(self) -> FragmentIndex | None:
        """The index that is asked; None where there is none."""
        if self._index is None and SHIPPED_INDEX.is_file():
            self._index = shipped_index()
        return self._index

    def copied_notes(
        self,
        candidates: Sequence[NDArray[np.void]],
        before: NDArray[np.void],
        bar_steps: int,
    ) -> NDArray[np.int64]:
        """Return the longest passage that each candidate shares with one piece, in notes.

        Parameters
        ----------
        candidates : sequence of ndarray of CELL_NOTE_DTYPE
            Versions of one passage of one part or of several. Each part is a line of its own.
        before : ndarray of CELL_NOTE_DTYPE
            Notes of these parts before the passage. Notes that a person wrote are no copy of ours
            and are left out, with what came before them in their part.
        bar_steps : int
            Length of a bar.

        Returns
        -------
        ndarray of int64, shape (len(candidates),)
            0 for a candidate that shares nothing; passages that end before it do not count. Of
            several parts the one with the longest passage counts.
        """
        copied = np.zeros(len(candidates), dtype=np.int64)
        if not len(candidates) or self.index is None:
            return copied
        context = [_context(before[before["part"] == part]) for part in np.unique(before["part"])]
        before = np.concatenate(context) if context else before
        rows = [np.concatenate([before, notes]) for notes in candidates]
        row = np.repeat(np.arange(len(rows)), [len(notes) for notes in rows])
        fresh = np.concatenate([np.arange(len(notes)) >= len(before) for notes in rows])
        notes = np.concatenate(rows)
        line = row * _MAX_PARTS + notes["part"]
        onset = notes["bar"].astype(np.int64) * bar_steps + notes["position"]
        pitch = notes["pitch"].astype(np.int64)
        kept = top_notes(line, onset, onset + notes["duration"], pitch)
        runs = self.index.shared_runs(line[kept], onset[kept], pitch[kept])
        counts = fresh[kept][runs.last]
        np.maximum.at(copied, row[kept][runs.first[counts]], runs.num_notes[counts])
        return copied

    def judge(
        self,
        scored: Scored,
        before: NDArray[np.void],
        bar_steps: int,
        again: Callable[[], Scored],
    ) -> Scored:
        """Veto the candidates over the cap; where all are, draw ``again``.

        Returns
        -------
        list of (score, notes)
            All that were drawn; those over the cap score so low that one comes first only where
            nothing else was found, and then the one that copies least.
        """
        if self.longest_copy is None or self.index is None:
            return scored
        judged: Scored = []
        for attempt in range(1 + _REDRAWS):
            copied = self.copied_notes([notes for _, notes in scored], before, bar_steps)
            over = copied > self.longest_copy
            self.vetoed += int(over.sum())
            judged += [
                (score - (_VETO + float(count)) * bool(bad), notes)
                for (score, notes), count, bad in zip(scored, copied, over, strict=True)
            ]
            if not over.all() or attempt == _REDRAWS:
                break
            self.redrawn += 1
            scored = again()
        return judged


def _context(before: NDArray[np.void]) -> NDArray[np.void]:
    """The last notes of a part that nobody but us wrote."""
    human = np.flatnonzero(before["origin"] == Origin.HUMAN)
    before = before[human[-1] + 1 :] if len(human) else before
    return before[-_CONTEXT_NOTES:]
