"""The index of melodic fragments: which training pieces have them, and what humans share.

Purpose: a small file that answers "who else wrote this?" without the notes of the training pieces.
For each kept fragment (:mod:`leitmotiv.score.fragments`) it holds a hash and the number of the
piece; for each piece its title, composer, licence, source and whom to name; and the *band*: how
much held-out human pieces share with the training pieces, measured with this same index.

Conventions:

- A fragment is kept where its hash is a multiple of :attr:`FragmentIndex.keep_one_in`. Whoever
  asks can tell from the hash alone whether a fragment would be known, so a run of kept fragments
  that one piece has without a gap is a shared passage.
- A *kinship* is looser: fragments of one piece that overlap or stand a changed note apart,
  whatever lies between them that the piece does not have. It is weighed by its *evidence*: a
  fragment that no other piece has counts 1, one that n of N pieces have 1 - log n / log N (its
  inverse document frequency, normalised), and a fragment that overlaps the one before counts as
  far as it goes on.
- A fragment found in more than :data:`FORMULA` pieces is common property and is not kept.
- The file is an ``.npz``; sorted hashes are stored as differences, split into planes of bytes, as
  small numbers compress and their lowest bytes do not.

References: keeping the hashes that are multiples of a number, as in Manber, "Finding similar files
in a large file system" (USENIX 1994); weights by inverse document frequency, Spärck Jones, "A
statistical interpretation of term specificity" (J. Documentation 28, 1972).

Public names: :class:`FragmentIndex`, :class:`IndexedPiece`, :class:`SharedRuns`,
:class:`Kinships`, :class:`Band`, :func:`shipped_index`, :data:`FORMULA`, :data:`SHIPPED_INDEX`.
"""

from __future__ import annotations

import functools
import json
import os
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import ReviewError
from leitmotiv.score.fragments import KINDS, FragmentKind, fragments

__all__ = [
    "FORMULA",
    "SHIPPED_INDEX",
    "Band",
    "FragmentIndex",
    "IndexedPiece",
    "Kinships",
    "SharedRuns",
    "shipped_index",
]

FORMULA = 40
INDEX_VERSION = 2
SHIPPED_INDEX = Path(__file__).parent / "index_data" / "originality.npz"
_OVERLAP = 3  # notes in common that join a passage with its rhythm and one without
_FEW_PIECES = 2048  # of fewer, too, a fragment that some share keeps some of its weight
_FRAGMENT_NOTES = 8  # so many new notes make a fragment's full weight
_ALTERED = 2  # from the last note of a fragment to the first of the next, with one changed
_GAP = 0  # notes between two fragments of a run, of which nothing is known
_EPOCH = (1980, 1, 1, 0, 0, 0)  # no clock in the file: the same pieces give the same bytes


@dataclass(frozen=True)
class IndexedPiece:
    """What is credited: a training piece. ``attribution`` is whom its licence asks to name."""

    id: str
    title: str
    composer: str
    licence: str
    source: str
    attribution: str = ""


@dataclass(frozen=True)
class Band:
    """How much held-out human pieces share with the training pieces.

    Attributes
    ----------
    num_pieces : int
        Held-out pieces that were measured.
    bar_notes : mapping from quantile ("0.5", "0.9" ...) to notes
        Of all their bars that hold a tune: the longest passage in common with one training piece
        that runs through the bar.
    piece_notes : mapping
        Of the pieces: the longest passage in common with one training piece.
    piece_share : mapping
        Of the pieces: the share of their kept fragments that any training piece has.
    """

    num_pieces: int = 0
    bar_notes: Mapping[str, float] = field(default_factory=dict)
    piece_notes: Mapping[str, float] = field(default_factory=dict)
    piece_share: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class SharedRuns:
    """Passages that lines share with indexed pieces; arrays of shape (n,).

    ``piece`` is the number of the piece; ``first`` and ``last`` are note indices of the lines that
    were asked about; ``num_notes`` counts the notes from first to last, repeated ones once (a text
    recited on one tone is no longer a tune than the tone); ``num_fragments`` how many kept
    fragments in a row the piece has.
    """

    piece: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    num_notes: NDArray[np.int64]
    num_fragments: NDArray[np.int64]

    def __getitem__(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> SharedRuns:
        """Return some of the runs."""
        return SharedRuns(
            self.piece[chosen],
            self.first[chosen],
            self.last[chosen],
            self.num_notes[chosen],
            self.num_fragments[chosen],
        )

    def __len__(self) -> int:
        return len(self.piece)


@dataclass(frozen=True, eq=False)
class Kinships:
    """Stretches of lines that have much in common with one piece; arrays of shape (n,).

    ``piece``, ``first`` and ``last`` as in :class:`SharedRuns`; ``num_notes`` counts the notes that
    known fragments cover, repeated ones once; ``num_fragments`` the known fragments; ``evidence``
    what they weigh, 1 for a fragment that no other piece has.
    """

    piece: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    num_notes: NDArray[np.int64]
    num_fragments: NDArray[np.int64]
    evidence: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.piece)


@dataclass(frozen=True, eq=False)
class FragmentIndex:
    """Hashes of training fragments and whose they are.

    ``hashes`` and ``owners`` hold for each kind of :data:`leitmotiv.score.fragments.KINDS` sorted
    uint32 hashes and the numbers of their pieces, same shape; ``bands`` holds the band of all
    held-out pieces under "" and of each genre.
    """

    pieces: Sequence[IndexedPiece]
    hashes: Mapping[str, NDArray[np.uint32]]
    owners: Mapping[str, NDArray[np.uint16]]
    keep_one_in: int
    bands: Mapping[str, Band] = field(default_factory=dict)

    @classmethod
    def build(
        cls,
        pieces: Sequence[IndexedPiece],
        found: Mapping[str, tuple[NDArray[np.uint32], NDArray[np.int64]]],
        *,
        keep_one_in: int = 2,
    ) -> FragmentIndex:
        """Make an index from fragments and their owners.

        Parameters
        ----------
        pieces : sequence of IndexedPiece
            At most 65,536.
        found : mapping from kind name to (hashes, owners)
            Any order, repetitions allowed; an owner is an index into ``pieces``.

        Raises
        ------
        ReviewError
            If there are too many pieces.
        """
        if len(pieces) > 1 << 16:
            raise ReviewError(
                f"{len(pieces)} pieces must be at most 65,536; index a smaller corpus"
            )
        hashes: dict[str, NDArray[np.uint32]] = {}
        owners: dict[str, NDArray[np.uint16]] = {}
        for name, (values, whose) in found.items():
            kept = values % keep_one_in == 0
            key = np.unique(values[kept].astype(np.int64) << 16 | whose[kept])
            value = key >> 16
            _, place, count = np.unique(value, return_inverse=True, return_counts=True)
            key = key[count[place] <= FORMULA]
            hashes[name] = (key >> 16).astype(np.uint32)
            owners[name] = (key & 0xFFFF).astype(np.uint16)
        return cls(pieces, hashes, owners, keep_one_in)

    def band(self, genre: str = "") -> Band:
        """Return the band of a genre; that of all pieces where the genre was not measured."""
        return self.bands.get(genre) or self.bands.get("") or Band()

    def shared_runs(
        self, line: NDArray[np.int64], onset: NDArray[np.int64], pitch: NDArray[np.int64]
    ) -> SharedRuns:
        """Find the passages that lines share with single pieces.

        Parameters
        ----------
        line, onset, pitch : ndarray of int64, shape (n,)
            Top lines by line and onset, in steps of a 24th of a quarter.

        Returns
        -------
        SharedRuns
            By line and place. Passages with and without their rhythm that overlap are one.
        """
        found = [self._runs(line, onset, pitch, kind) for kind in KINDS if kind.name in self.hashes]
        piece, first, last, count = (
            np.concatenate([run[column] for run in found] or [np.zeros(0, np.int64)])
            for column in range(4)
        )
        order = np.lexsort((last, first, piece))
        piece, first, last, count = (a[order] for a in (piece, first, last, count))
        # The furthest note reached so far by the same piece; pieces come in rising order.
        reach = np.maximum.accumulate(piece * (len(pitch) + 1) + last) - piece * (len(pitch) + 1)
        begins = np.ones(len(piece), dtype=bool)
        begins[1:] = (piece[1:] != piece[:-1]) | (first[1:] > reach[:-1] - _OVERLAP)
        start = np.flatnonzero(begins)
        stop = np.append(start, len(piece))[1:] - 1
        total = np.concatenate([[0], np.cumsum(count)])
        first, last = first[start], reach[stop]
        note = self._notes(line, pitch)
        runs = SharedRuns(
            piece=piece[start],
            first=first,
            last=last,
            num_notes=note[last] - note[first] + 1,
            num_fragments=total[stop + 1] - total[start],
        )
        return runs[np.lexsort((runs.piece, last, first))]

    def _runs(
        self,
        line: NDArray[np.int64],
        onset: NDArray[np.int64],
        pitch: NDArray[np.int64],
        kind: FragmentKind,
    ) -> tuple[NDArray[np.int64], ...]:
        first, last, place, piece, _ = self._hits(line, onset, pitch, kind)
        order = np.lexsort((place, piece))
        place, piece = place[order], piece[order]
        # A run: kept fragments that follow each other, of one line, all known to one piece.
        begins = np.ones(len(place), dtype=bool)
        begins[1:] = (
            (piece[1:] != piece[:-1])
            | (np.diff(place) != 1)
            | (line[first[place[1:]]] != line[first[place[:-1]]])
            | (
                first[place[1:]] > last[place[:-1]] + _GAP
            )  # two formulas side by side are no passage
        )
        start = np.flatnonzero(begins)
        stop = np.append(start, len(place))[1:] - 1
        return piece[start], first[place[start]], last[place[stop]], stop - start + 1

    def _hits(
        self,
        line: NDArray[np.int64],
        onset: NDArray[np.int64],
        pitch: NDArray[np.int64],
        kind: FragmentKind,
    ) -> tuple[NDArray[np.int64], ...]:
        """Kept fragments' first and last notes; for each hit its fragment, piece and sharers."""
        asked = fragments(line, onset, pitch, kind)
        kept = asked.hashes % self.keep_one_in == 0
        value, first, last = asked.hashes[kept], asked.first[kept], asked.last[kept]
        known = self.hashes[kind.name]
        low = np.searchsorted(known, value)
        count = np.searchsorted(known, value, side="right") - low
        place = np.repeat(np.arange(len(value)), count)
        offset = np.arange(len(place)) - np.repeat(np.cumsum(count) - count, count)
        piece = self.owners[kind.name][low[place] + offset].astype(np.int64)
        return first, last, place, piece, count[place]

    def kinships(
        self, line: NDArray[np.int64], onset: NDArray[np.int64], pitch: NDArray[np.int64]
    ) -> Kinships:
        """Find the stretches that have fragments of single pieces close by, and weigh them.

        Parameters
        ----------
        line, onset, pitch : ndarray of int64, shape (n,)
            As in :meth:`shared_runs`.

        Returns
        -------
        Kinships
            By piece and place. Altered notes do not end a stretch as they end a run.
        """
        columns: list[list[NDArray[Any]]] = [[], [], [], []]
        for kind in KINDS:
            if kind.name in self.hashes:
                first, last, place, piece, count = self._hits(line, onset, pitch, kind)
                for column, values in zip(
                    columns, (piece, first[place], last[place], count), strict=True
                ):
                    column.append(values)
        piece, first, last, count = (
            np.concatenate(column or [np.zeros(0, np.int64)]) for column in columns
        )
        order = np.lexsort((last, first, piece))
        piece, first, last, count = (a[order] for a in (piece, first, last, count))
        if not len(piece):
            none = np.zeros(0, np.int64)
            return Kinships(none, none, none, none, none, np.zeros(0))
        size = len(pitch) + 1
        reach = np.maximum.accumulate(piece * size + last) - piece * size
        begins = np.ones(len(piece), dtype=bool)
        begins[1:] = (piece[1:] != piece[:-1]) | (line[first[1:]] != line[reach[:-1]])
        begins[1:] |= first[1:] > reach[:-1] + _ALTERED
        note = self._notes(line, pitch)
        fresh = note[last] - note[first] + 1
        goes_on = ~begins[1:]
        known_to = np.where(first[1:] <= reach[:-1], note[reach[:-1]], note[first[1:]] - 1)
        fresh[1:][goes_on] = np.maximum(note[last[1:]] - known_to, 0)[goes_on]
        rarity = 1.0 - np.log2(count) / np.log2(max(len(self.pieces), _FEW_PIECES))
        weight = rarity * np.where(begins, 1.0, np.minimum(fresh / _FRAGMENT_NOTES, 1.0))
        start = np.flatnonzero(begins)
        stop = np.append(start, len(piece))[1:] - 1
        return Kinships(
            piece=piece[start],
            first=first[start],
            last=reach[stop],
            num_notes=np.add.reduceat(fresh, start),
            num_fragments=stop - start + 1,
            evidence=np.add.reduceat(weight, start),
        )

    @staticmethod
    def _notes(line: NDArray[np.int64], pitch: NDArray[np.int64]) -> NDArray[np.int64]:
        """Number the notes, repeated ones with one number."""
        changes = np.ones(len(pitch), dtype=np.int64)
        changes[1:] = (pitch[1:] != pitch[:-1]) | (line[1:] != line[:-1])
        return np.cumsum(changes)

    def known_share(
        self, line: NDArray[np.int64], onset: NDArray[np.int64], pitch: NDArray[np.int64]
    ) -> tuple[int, int]:
        """Count kept fragments, and those of them that some piece has."""
        asked = known = 0
        for kind in KINDS:
            if kind.name not in self.hashes:
                continue
            value = fragments(line, onset, pitch, kind).hashes
            value = value[value % self.keep_one_in == 0]
            table = self.hashes[kind.name]
            place = np.minimum(np.searchsorted(table, value), max(len(table) - 1, 0))
            asked += len(value)
            known += int((table[place] == value).sum()) if len(table) else 0
        return asked, known

    def save(self, path: Path) -> None:
        """Write the index; the same index gives the same bytes."""
        named = sorted({piece.attribution for piece in self.pieces})
        number = {name: place for place, name in enumerate(named)}
        header = {
            "version": INDEX_VERSION,
            "keep_one_in": self.keep_one_in,
            "fields": list(IndexedPiece.__dataclass_fields__),
            "pieces": [
                [*list(asdict(piece).values())[:-1], number[piece.attribution]]
                for piece in self.pieces
            ],
            "attributions": list(number),
            "bands": {genre: asdict(band) for genre, band in self.bands.items()},
        }
        text = json.dumps(header, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        members: dict[str, NDArray[Any]] = {"header": np.frombuffer(text.encode(), dtype=np.uint8)}
        for name in sorted(self.hashes):
            steps = np.diff(self.hashes[name], prepend=np.uint32(0)).astype("<u4")
            for plane in range(4):
                members[f"{name}_step_{plane}"] = (steps >> (8 * plane)).astype(np.uint8)
            for plane in range(2):
                members[f"{name}_owner_{plane}"] = (self.owners[name] >> (8 * plane)).astype(
                    np.uint8
                )
        temporary = path.with_name(path.name + ".part")
        with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as bundle:
            for name, array in members.items():
                member = zipfile.ZipInfo(f"{name}.npy", date_time=_EPOCH)
                member.compress_type = zipfile.ZIP_DEFLATED
                with bundle.open(member, "w") as file:
                    np.lib.format.write_array(file, array, allow_pickle=False)
        os.replace(temporary, path)

    @classmethod
    def load(cls, path: Path) -> FragmentIndex:
        """Read an index.

        Raises
        ------
        ReviewError
            If the file is missing, damaged or of another version.
        """
        try:
            with np.load(path, allow_pickle=False) as data:
                header = json.loads(bytes(data["header"]))
                if header["version"] != INDEX_VERSION:
                    raise ReviewError(
                        f"index={str(path)!r} is of version {header['version']}, must be "
                        f"{INDEX_VERSION}; build it again with leitmotiv corpus index"
                    )
                hashes: dict[str, NDArray[np.uint32]] = {}
                owners: dict[str, NDArray[np.uint16]] = {}
                for kind in KINDS:
                    if f"{kind.name}_step_0" not in data:
                        continue
                    steps = np.zeros(len(data[f"{kind.name}_step_0"]), dtype=np.uint32)
                    for plane in range(4):
                        steps |= data[f"{kind.name}_step_{plane}"].astype(np.uint32) << (8 * plane)
                    owner = data[f"{kind.name}_owner_1"].astype(np.uint16) << np.uint16(8)
                    hashes[kind.name] = np.cumsum(steps, dtype=np.uint32)
                    owners[kind.name] = owner | data[f"{kind.name}_owner_0"]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            if isinstance(error, ReviewError):
                raise
            raise ReviewError(
                f"index={str(path)!r} cannot be read ({error}); "
                "build one with leitmotiv corpus index"
            ) from error
        named = header["attributions"]
        return cls(
            pieces=[IndexedPiece(*[*row[:5], named[row[5]]]) for row in header["pieces"]],
            hashes=hashes,
            owners=owners,
            keep_one_in=int(header["keep_one_in"]),
            bands={genre: Band(**band) for genre, band in header["bands"].items()},
        )


@functools.cache
def shipped_index() -> FragmentIndex:
    """Return the index of the shipped composer's training pieces, read once."""
    return FragmentIndex.load(SHIPPED_INDEX)
