"""Build the index of melodic fragments from a pack and the library it was packed from.

Purpose: the file that :mod:`leitmotiv.review.originality` reads. The notes come from the pack's
training split, so the index knows what the network has seen and nothing else; titles, composers
and licences come from the library. The band that human composers show among themselves is measured
on the pack's test split with the finished index: what a piece shares with pieces of others, as a
composer's own works share more than that.

The same pack and library give the same bytes.

Public names: :func:`build_index`, :func:`pack_lines`, :class:`PackedNotes`.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.corpus.catalogue import credit_line
from leitmotiv.corpus.library import Library
from leitmotiv.corpus.pack import without_addresses
from leitmotiv.corpus.splits import SPLITS, composer_key
from leitmotiv.errors import CorpusError
from leitmotiv.review.fragment_index import Band, FragmentIndex, IndexedPiece
from leitmotiv.review.originality import longest_by_bar
from leitmotiv.score.fragments import KINDS, fragments, top_notes
from leitmotiv.tokens.tags import GENRES
from leitmotiv.tokens.vocabulary import id_to_duration

__all__ = ["PackedNotes", "build_index", "main", "pack_lines"]

Progress = Callable[[float], None]

_GROUP = 200  # pieces hashed at once
_FIRST_DRUM_PITCH = 128
_MAX_LINES = 64  # of a piece
_QUANTILES = (0.5, 0.75, 0.9, 0.95, 0.99)
_FEWEST = 50  # held-out pieces of a genre for a band of its own
_FEWEST_FRAGMENTS = 8  # a piece with fewer kept fragments says nothing about shares


class PackedNotes:
    """The notes of a pack, piece by piece.

    Raises
    ------
    CorpusError
        If the file is no pack.
    """

    def __init__(self, path: Path) -> None:
        try:
            with np.load(path, allow_pickle=False) as pack:
                self.shape = pack["piece"].astype(np.int64)
                self.split = pack["piece_split"].astype(np.int64)
                self.ids = [name.decode() for name in pack["piece_id"].tolist()]
                self._cell_count = pack["cell_count"]
                self._bar_steps = pack["bar_steps"]
                self._position = pack["note_position"]
                self._pitch = pack["note_pitch"]
                self._duration = pack["note_duration"]
        except (OSError, ValueError, KeyError) as error:
            raise CorpusError(
                f"pack={str(path)!r} is no data set ({error}); make one with leitmotiv corpus pack"
            ) from error
        notes, bars, parts = self.shape[:, 0], self.shape[:, 1], self.shape[:, 2]
        self._notes_at = np.concatenate([[0], np.cumsum(notes)])
        self._bars_at = np.concatenate([[0], np.cumsum(bars)])
        self._cells_at = np.concatenate([[0], np.cumsum(bars * parts)])

    def of_split(self, name: str) -> list[int]:
        """Return the numbers of the pieces of a split."""
        return np.flatnonzero(self.split == SPLITS.index(name)).tolist()

    def genre(self, number: int) -> str:
        """Return the genre of a piece, "" where it is unknown."""
        genre = int(self.shape[number, 3])
        return GENRES[genre - 1] if genre else ""

    def notes(self, number: int) -> tuple[NDArray[np.int64], ...]:
        """Return part, bar, onset, end (steps) and pitch of a piece's pitched notes."""
        bars = slice(self._bars_at[number], self._bars_at[number + 1])
        cells = slice(self._cells_at[number], self._cells_at[number + 1])
        chosen = slice(self._notes_at[number], self._notes_at[number + 1])
        steps = self._bar_steps[bars].astype(np.int64)
        count = self._cell_count[cells].astype(np.int64)
        cell = np.repeat(np.arange(len(count)), count)
        bar, part = np.divmod(cell, self.shape[number, 2])
        onset = (np.cumsum(steps) - steps)[bar] + self._position[chosen]
        end = onset + id_to_duration(self._duration[chosen])
        pitch = self._pitch[chosen].astype(np.int64)
        pitched = pitch < _FIRST_DRUM_PITCH
        return part[pitched], bar[pitched], onset[pitched], end[pitched], pitch[pitched]


def pack_lines(
    pack: PackedNotes, numbers: list[int]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the top lines of pieces: line, onset, pitch and bar, each of shape (n,).

    A line is 64 times the place of its piece in ``numbers`` plus its part.
    """
    columns: list[list[NDArray[np.int64]]] = [[] for _ in range(5)]
    for place, number in enumerate(numbers):
        part, *rest = pack.notes(number)
        for column, values in zip(columns, (part + place * _MAX_LINES, *rest), strict=True):
            column.append(values)
    line, bar, onset, end, pitch = (
        np.concatenate(column) if column else np.zeros(0, np.int64) for column in columns
    )
    kept = top_notes(line, onset, end, pitch)
    return line[kept], onset[kept], pitch[kept], bar[kept]


def build_index(
    library: Library, pack: PackedNotes, *, keep_one_in: int = 2, progress: Progress | None = None
) -> FragmentIndex:
    """Index the training split of a pack and measure the band on its test split.

    Parameters
    ----------
    library : Library
        Read for titles, composers and licences; nothing is written.
    pack : PackedNotes
    keep_one_in : int
        Share of the fragments kept; 2 makes about 1.2 bytes a note of a line.
    progress : callable or None
        Called with the share done, 0 to 1.

    Raises
    ------
    CorpusError
        If the pack has no training pieces, or the library does not know one of them.
    """
    train = pack.of_split("train")
    if not train:
        raise CorpusError("the pack has no training pieces; pack a corpus of several works")
    pieces = list(_credits(library, pack, train))
    found: dict[str, list[tuple[NDArray[np.uint32], NDArray[np.int64]]]] = defaultdict(list)
    for start in range(0, len(train), _GROUP):
        line, onset, pitch, _ = pack_lines(pack, train[start : start + _GROUP])
        for kind in KINDS:
            cut = fragments(line, onset, pitch, kind)
            kept = cut.hashes % keep_one_in == 0
            owner = line[cut.first[kept]] // _MAX_LINES + start
            found[kind.name].append((cut.hashes[kept], owner))
        if progress:
            progress(0.9 * (start + _GROUP) / (len(train) + _GROUP))
    index = FragmentIndex.build(
        pieces,
        {
            name: (np.concatenate([h for h, _ in rows]), np.concatenate([o for _, o in rows]))
            for name, rows in found.items()
        },
        keep_one_in=keep_one_in,
    )
    return FragmentIndex(
        index.pieces,
        index.hashes,
        index.owners,
        index.keep_one_in,
        _bands(index, pack, library),
    )


def _credits(library: Library, pack: PackedNotes, numbers: list[int]) -> Iterator[IndexedPiece]:
    for number in numbers:
        piece = library.piece(pack.ids[number])
        yield IndexedPiece(
            piece.id,
            piece.title,
            piece.composer,
            piece.licence or "",
            piece.source,
            credit_line(piece.source, without_addresses(piece.attribution)),
        )


def _bands(index: FragmentIndex, pack: PackedNotes, library: Library) -> dict[str, Band]:
    """Measure what held-out pieces share with others' training pieces, for all and by genre."""
    names = np.asarray([composer_key(piece.composer) for piece in index.pieces])
    rows: dict[str, list[tuple[NDArray[np.int64], float]]] = defaultdict(list)
    for number in pack.of_split("test"):
        line, onset, pitch, bar = pack_lines(pack, [number])
        asked, known = index.known_share(line, onset, pitch)
        if asked < _FEWEST_FRAGMENTS:
            continue
        num_parts = int(pack.shape[number, 2])
        cell = bar * num_parts + line
        runs = index.shared_runs(line, onset, pitch)
        composer = composer_key(library.piece(pack.ids[number]).composer)
        others = runs[(names[runs.piece] != composer) | (composer == "")]
        longest, _ = longest_by_bar(others, cell, int(cell.max()) + 1)
        row = (longest[np.unique(cell)], known / asked)
        rows[""].append(row)
        rows[pack.genre(number)].append(row)
    return {
        genre: _band(measured)
        for genre, measured in sorted(rows.items())
        if len(measured) >= _FEWEST or genre == ""
    }


def _band(rows: list[tuple[NDArray[np.int64], float]]) -> Band:
    def quantiles(values: NDArray[Any]) -> dict[str, float]:
        return {str(q): round(float(np.quantile(values, q)), 4) for q in _QUANTILES}

    return Band(
        num_pieces=len(rows),
        bar_notes=quantiles(np.concatenate([bars for bars, _ in rows])),
        piece_notes=quantiles(np.asarray([bars.max(initial=0) for bars, _ in rows])),
        piece_share=quantiles(np.asarray([share for _, share in rows])),
    )


def main(arguments: list[str] | None = None) -> None:
    """Build an index from the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--library", type=Path, required=True, help="folder of the library")
    parser.add_argument("--pack", type=Path, required=True, help="data set packed from it")
    parser.add_argument("--keep-one-in", type=int, default=2, help="thinner is smaller")
    parser.add_argument("-o", "--output", type=Path, required=True, help="the .npz to write")
    given = parser.parse_args(arguments)
    with Library(given.library) as library:
        index = build_index(library, PackedNotes(given.pack), keep_one_in=given.keep_one_in)
    given.output.parent.mkdir(parents=True, exist_ok=True)
    index.save(given.output)
    summary = {
        "pieces": len(index.pieces),
        "fragments": {name: len(values) for name, values in index.hashes.items()},
        "bytes": given.output.stat().st_size,
        "bands": {genre: band.num_pieces for genre, band in index.bands.items()},
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
