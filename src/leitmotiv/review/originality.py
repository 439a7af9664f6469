"""Originality: which training pieces a score shares passages with, bar by bar.

Purpose: say of every bar who wrote the same notes before, and whether that is more than human
composers share among themselves. Every formula of tonal music has been written before; a passage
is remarkable only beyond the *band*, which was measured on held-out human pieces with the same
index (:class:`leitmotiv.review.fragment_index.Band`).

Conventions: the top line of each pitched part is compared, transposed and at any tempo; a passage
bent into another meter is found by its intervals. Lengths are notes of the line, repeated notes
counted once. A piece is *near* where the evidence (:class:`.fragment_index.Kinships`) reaches
:data:`CREDIT`, changed notes or not. Bars count from 0 in data and from 1 in messages.

Public names: :data:`CREDIT`, :func:`review_originality`, :func:`known_originality`,
:class:`OriginalityReport`, :class:`BarOrigin`, :class:`NearestPiece`, :func:`longest_by_bar`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from leitmotiv.review.finding import Finding
from leitmotiv.review.fragment_index import (
    SHIPPED_INDEX,
    Band,
    FragmentIndex,
    IndexedPiece,
    Kinships,
    SharedRuns,
    shipped_index,
)
from leitmotiv.score import Score
from leitmotiv.score.fragments import score_lines

__all__ = [
    "CREDIT",
    "BarOrigin",
    "NearestPiece",
    "OriginalityReport",
    "known_originality",
    "longest_by_bar",
    "review_originality",
]

CREDIT = 0.995
"""Evidence from which on a piece is named: nearly a whole fragment that nobody else has, from at
least two. At this value as many pieces are named by chance as by the longest passage alone."""

_TICKS_PER_STEP = 20

Level = Literal["own", "usual", "much", "beyond"]


@dataclass(frozen=True)
class BarOrigin:
    """The longest passage through one bar of one part that a training piece has, too.

    ``level`` is "own" where nothing is shared, "usual" up to what nine in ten human bars share,
    "much" up to 99 in 100, "beyond" above.
    """

    bar_index: int
    part_index: int
    num_notes: int
    piece: IndexedPiece
    level: Level


@dataclass(frozen=True)
class NearestPiece:
    """A training piece, and the bars that have most in common with it.

    ``num_notes`` is the longest passage in a row there, ``num_notes_in_all`` counts the notes of
    the stretch that lie in some common fragment; ``evidence`` as in
    :class:`leitmotiv.review.fragment_index.Kinships`.
    """

    piece: IndexedPiece
    num_notes: int
    part_index: int
    first_bar_index: int
    last_bar_index: int
    num_notes_in_all: int = 0
    evidence: float = 0.0

    @property
    def attribution(self) -> str:
        """Whom the licence asks to name."""
        return self.piece.attribution


@dataclass(frozen=True)
class OriginalityReport:
    """What a score shares with the training pieces.

    ``num_bars`` counts the score's bars, ``bars`` lists those that share something;
    ``longest_notes`` is the longest passage in common with one piece; ``known_share`` is the share
    of the score's kept fragments that some piece has, 0 to 1 (0 where it has none).
    """

    num_bars: int
    bars: tuple[BarOrigin, ...]
    nearest: tuple[NearestPiece, ...]
    longest_notes: int
    known_share: float
    num_fragments: int
    band: Band

    @property
    def level(self) -> Level:
        """The longest passage against what human pieces share: 90 and 95 in 100 of them."""
        return _level(self.longest_notes, self.band.piece_notes, "0.95")

    @property
    def human_place(self) -> float:
        """The share of human pieces, as far as it was measured, that share less: 0, 0.5 ... 0.99.

        0 stands for "no more than the middle one", 0.99 for "more than 99 in 100".
        """
        below = (
            float(q) for q, notes in self.band.piece_notes.items() if notes < self.longest_notes
        )
        return max(below, default=0.0)

    def findings(self) -> tuple[Finding, ...]:
        """Return a remark for every passage beyond what 95 in 100 human pieces share.

        Beyond 95 in 100 it is a note, as one human piece in twenty has such a passage; beyond 99
        in 100 a warning.
        """
        limit = self.band.piece_notes.get("0.95", 0.0)
        grave = self.band.piece_notes.get("0.99", limit)
        return tuple(
            Finding(
                "originality",
                "warning" if near.num_notes > grave else "note",
                f"{near.num_notes} notes in a row in bars {near.first_bar_index + 1}-"
                f"{near.last_bar_index + 1} are also in {_credit(near.piece)}",
                near.part_index,
                near.first_bar_index,
            )
            for near in self.nearest
            if limit and near.num_notes > limit
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain data."""
        return {**asdict(self), "level": self.level, "human_place": self.human_place}

    def summary(self, most: int = 5) -> dict[str, Any]:
        """Return what a bundle keeps: the longest passage, its place, the nearest pieces.

        Parameters
        ----------
        most : int
            Pieces that are named.
        """
        return {
            "longest_passage_notes": self.longest_notes,
            "level": self.level,
            "longer_than_share_of_human_pieces": self.human_place,
            "human_pieces_measured": self.band.num_pieces,
            "human_passage_notes": dict(self.band.piece_notes),
            "known_share": round(self.known_share, 4),
            "nearest": [
                {
                    "title": near.piece.title or near.piece.id,
                    "composer": near.piece.composer,
                    "licence": near.piece.licence,
                    "source": near.piece.source,
                    "attribution": near.attribution,
                    "num_notes": near.num_notes,
                    "num_notes_in_all": near.num_notes_in_all,
                    "evidence": round(near.evidence, 2),
                    "part_index": near.part_index,
                    "first_bar_index": near.first_bar_index,
                    "last_bar_index": near.last_bar_index,
                }
                for near in self.nearest[:most]
            ],
        }


def _credit(piece: IndexedPiece) -> str:
    by = f" by {piece.composer}" if piece.composer else ""
    return f"{piece.title or piece.id}{by} ({piece.licence})"


def _level(num_notes: float, quantiles: Any, highest: str) -> Level:
    if num_notes <= 0:
        return "own"
    if not quantiles or num_notes <= quantiles.get("0.9", 0.0):
        return "usual"
    return "much" if num_notes <= quantiles.get(highest, 0.0) else "beyond"


def longest_by_bar(
    runs: SharedRuns, cell: NDArray[np.int64], num_cells: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the longest passage through each cell of a piece.

    Parameters
    ----------
    runs : SharedRuns
    cell : ndarray of int64, shape (n,)
        For each note of the lines the cell (bar × part) that it stands in.
    num_cells : int

    Returns
    -------
    ndarray of int64, shape (num_cells,)
        Notes of the longest passage, 0 for none.
    ndarray of int64, shape (num_cells,)
        Its number among ``runs``, -1 for none. Of equals the one with more fragments counts.
    """
    longest = np.zeros(num_cells, dtype=np.int64)
    which = np.full(num_cells, -1, dtype=np.int64)
    length = runs.num_notes
    for number in np.lexsort((runs.num_fragments, length)):
        through = cell[runs.first[number] : runs.last[number] + 1]
        longest[through], which[through] = length[number], number
    return longest, which


def review_originality(
    score: Score, index: FragmentIndex | None = None, *, genre: str = ""
) -> OriginalityReport:
    """Compare a score with the training pieces.

    Parameters
    ----------
    score : Score
        Anybody's.
    index : FragmentIndex, optional
        The shipped one by default.
    genre : str
        Whose band to compare with; that of all genres where it is not known.

    Returns
    -------
    OriginalityReport
        Without bars for a score that has no line of eight pitched notes.

    Raises
    ------
    ReviewError
        If the shipped index is missing or damaged.
    """
    index = shipped_index() if index is None else index
    line, onset, pitch = score_lines(score)
    runs = index.shared_runs(line, onset, pitch)
    num_bars = max(score.num_bars, 1)
    bar = np.clip(score.bar_index_at(onset * _TICKS_PER_STEP), 0, num_bars - 1)
    num_parts = max(len(score.parts), 1)
    longest, which = longest_by_bar(runs, bar * num_parts + line, num_bars * num_parts)
    band = index.band(genre)
    bars = tuple(
        BarOrigin(
            bar_index=int(cell) // num_parts,
            part_index=int(cell) % num_parts,
            num_notes=int(longest[cell]),
            piece=index.pieces[int(runs.piece[which[cell]])],
            level=_level(longest[cell], band.bar_notes, "0.99"),
        )
        for cell in np.flatnonzero(longest)
    )
    asked, known = index.known_share(line, onset, pitch)
    return OriginalityReport(
        num_bars=num_bars,
        bars=bars,
        nearest=_nearest(index.kinships(line, onset, pitch), runs, index, line, bar),
        longest_notes=int(longest.max(initial=0)),
        known_share=known / asked if asked else 0.0,
        num_fragments=asked,
        band=band,
    )


def known_originality(score: Score, *, genre: str = "") -> OriginalityReport | None:
    """Compare a score with the shipped index where there is one; else None.

    For callers whose work goes on without: an installation may leave the index out.

    Examples
    --------
    >>> known_originality(Score(parts=())).longest_notes
    0
    """
    return review_originality(score, genre=genre) if SHIPPED_INDEX.is_file() else None


def _nearest(
    kin: Kinships,
    runs: SharedRuns,
    index: FragmentIndex,
    line: NDArray[np.int64],
    bar: NDArray[np.int64],
) -> tuple[NearestPiece, ...]:
    """Each piece once with its strongest stretch, strongest first; a lone fragment is none."""
    chosen = np.flatnonzero((kin.evidence >= CREDIT) & (kin.num_fragments >= 2))
    chosen = chosen[np.lexsort((kin.first[chosen], kin.piece[chosen], -kin.evidence[chosen]))]
    found: dict[int, NearestPiece] = {}
    for number in chosen:
        owner = int(kin.piece[number])
        if owner in found:
            continue
        first, last = int(kin.first[number]), int(kin.last[number])
        inside = (runs.piece == owner) & (runs.first <= last) & (runs.last >= first)
        found[owner] = NearestPiece(
            piece=index.pieces[owner],
            num_notes=int(runs.num_notes[inside].max(initial=0)),
            part_index=int(line[first]),
            first_bar_index=int(bar[first]),
            last_bar_index=int(bar[last]),
            num_notes_in_all=int(kin.num_notes[number]),
            evidence=float(kin.evidence[number]),
        )
    return tuple(found.values())
