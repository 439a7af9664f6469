"""Splits: train, valid and test without leaks between them.

Purpose: a model must not be tested on a piece whose arrangement, other edition or other movement it
was trained on. Pieces are joined into groups and a group is never divided.

What joins pieces:

- **work**: the same composer and the same catalogue number or title, so all movements of a sonata
  or numbers of a mass stay together;
- **composer**: all pieces of a composer who wrote no more than 1.5 % of the corpus (a corpus has
  hundreds of those; only the few big ones are divided by work);
- **the source's word**: near-duplicates that a manifest names (``dup_group``);
- **music**: long melodic fragments in common, whatever the titles say. A fragment is twelve onsets
  of one part's top line as intervals and ratios of durations, so transposition and notation in
  other note values change nothing. Fragments without shape (scales, repeated notes) and formulas
  found in many pieces do not count.

Each genre is then filled to the wanted shares in an order that depends on the seed and the group's
name alone.

Reference: fragments are chosen by their hash as in Broder, "On the resemblance and containment of
documents" (1997).

Public names: :class:`SplitPiece`, :func:`line_ngrams`, :func:`composer_key`, :func:`work_key`,
:func:`leak_groups`, :func:`assign_splits`, :func:`shared_fragments`, :data:`SPLITS`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import CorpusError
from leitmotiv.score import Score

__all__ = [
    "SPLITS",
    "SplitPiece",
    "assign_splits",
    "composer_key",
    "leak_groups",
    "line_ngrams",
    "shared_fragments",
    "work_key",
]

SPLITS = ("train", "valid", "test")
_LENGTH = 11  # symbols in a fragment: twelve onsets
_DISTINCT = 5  # different symbols that a fragment needs to have a shape
_KEPT_ONE_IN = 4
_FORMULA = 40  # a fragment found in more pieces than this says nothing about kinship
_SHARED = 4  # kept fragments in common ...
_SHARED_PART = 0.05  # ... and their part of the smaller piece's
_SHARED_ALWAYS = 8  # so many are never chance, however long the pieces
_SMALL_COMPOSER = 0.015
_LARGE_GROUP = 0.04  # of a genre's notes: such a group cannot be spared for testing

_NOBODY = {"", "anonim", "anonymous", "anon", "unknown", "trad", "traditional", "various"}
_CATALOGUE = re.compile(
    r"\b(op|opus|bwv|kv?|d|hob|woo|rv|hwv|wq|twv|buxwv|cw|b|s)\.?\s*(\d+[a-z]?)\b"
)


@dataclass(frozen=True)
class SplitPiece:
    """What the split must know of a piece.

    ``ngrams`` as :func:`line_ngrams` gives them; ``relatives`` names a group of near-duplicates
    that the source itself states, "" where it states none.
    """

    id: str
    source: str
    composer: str
    title: str
    genre: str
    num_notes: int
    ngrams: NDArray[np.int64]
    relatives: str = ""


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Scramble 64-bit values (the finaliser of SplitMix64)."""
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _top_line(
    onset: NDArray[np.int64], pitch: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    order = np.lexsort((pitch, onset))
    onset, pitch = onset[order], pitch[order]
    last = np.append(onset[1:] != onset[:-1], True)
    return onset[last], pitch[last]


def line_ngrams(score: Score, *, keep_one_in: int = _KEPT_ONE_IN) -> NDArray[np.int64]:
    """Return hashes of the melodic fragments of every pitched part.

    Parameters
    ----------
    score : Score
        Any score; drum parts are passed over.
    keep_one_in : int
        Keep the fragments whose hash is a multiple of this: 1 keeps all.

    Returns
    -------
    ndarray of int64, shape (n,)
        Sorted, each once; empty for a score with fewer than twelve onsets in every part.
    """
    found: list[NDArray[np.uint64]] = []
    for part in score.parts:
        if part.is_drum or len(part.notes) <= _LENGTH + 1:
            continue
        onset, pitch = _top_line(
            part.notes["onset"].astype(np.int64), part.notes["pitch"].astype(np.int64)
        )
        if len(onset) <= _LENGTH + 1:
            continue
        gap = np.diff(onset).astype(np.float64)
        ratio = np.clip(np.round(2 * np.log2(gap[1:] / gap[:-1])), -7, 7).astype(np.int64) + 7
        symbol = (np.clip(np.diff(pitch)[:-1], -64, 63) + 64) * 16 + ratio
        windows = np.lib.stride_tricks.sliding_window_view(symbol, _LENGTH)
        ordered = np.sort(windows, axis=1)
        shaped = (ordered[:, 1:] != ordered[:, :-1]).sum(axis=1) + 1 >= _DISTINCT
        windows = windows[shaped].astype(np.uint64)
        value = np.zeros(len(windows), dtype=np.uint64)
        for column in range(_LENGTH):
            value = _mix(value * np.uint64(0x9E3779B97F4A7C15) + windows[:, column] + np.uint64(1))
        found.append(value)
    if not found:
        return np.zeros(0, dtype=np.int64)
    values = np.unique(np.concatenate(found))
    return np.sort(values[values % np.uint64(keep_one_in) == 0].view(np.int64))


def _plain(text: str) -> str:
    text = unicodedata.normalize("NFKD", text.replace("ł", "l").replace("Ł", "L"))
    text = "".join(c for c in text if not unicodedata.combining(c)).lower()
    return " ".join(re.sub(r"[^a-z0-9]+", " ", text).split())


def composer_key(name: str | None) -> str:
    """Return surname and first initial, "" for anonymous and traditional music.

    Examples
    --------
    >>> composer_key("Bach, Johann Sebastian"), composer_key("J. S. Bach (1685-1750)")
    ('bach j', 'bach j')
    >>> composer_key("trad. (Ireland)")
    ''
    """
    name = re.sub(r"\(.*?\)|\[.*?\]", " ", name or "")
    surname, comma, given = name.partition(",")
    if not comma:
        words = _plain(name).split()
        given, surname = (" ".join(words[:-1]), words[-1]) if words else ("", "")
    surname, given = _plain(surname), _plain(given)
    if surname in _NOBODY or f"{given} {surname}".split()[:1] in (["anonymous"], ["traditional"]):
        return ""
    return f"{surname} {given[:1]}".strip()


def work_key(title: str | None) -> str:
    """Return what names the work in a title: a catalogue number, else the title's first part.

    Examples
    --------
    >>> work_key("Requiem in C op. 42 - Dies irae"), work_key("Sonata No. 3 (2nd movement)")
    ('op 42', 'sonata no 3')
    """
    found = _CATALOGUE.search(_plain_keeping_marks(title or ""))
    if found:
        return f"{found.group(1)} {found.group(2)}"
    first = re.split(r" - |\[|\(|: ", title or "")[0]
    return _plain(first)


def _plain_keeping_marks(text: str) -> str:
    return re.sub(r"\s+", " ", text.lower())


class _Groups:
    """Union-find over piece numbers."""

    def __init__(self, count: int):
        self.parent = list(range(count))

    def find(self, index: int) -> int:
        while self.parent[index] != index:
            self.parent[index] = self.parent[self.parent[index]]
            index = self.parent[index]
        return index

    def join(self, first: int, second: int) -> None:
        first, second = self.find(first), self.find(second)
        self.parent[max(first, second)] = min(first, second)


def shared_fragments(ngrams: Sequence[NDArray[np.int64]]) -> dict[tuple[int, int], int]:
    """Count the fragments that pairs of pieces have in common.

    Parameters
    ----------
    ngrams : sequence of ndarray of int64
        One array a piece, as :func:`line_ngrams` gives them.

    Returns
    -------
    dict
        (first, second) piece numbers, first < second, to the number of shared fragments; formulas
        found in more than 40 pieces are passed over.
    """
    if not ngrams:
        return {}
    values = np.concatenate(ngrams)
    owners = np.repeat(np.arange(len(ngrams)), [len(n) for n in ngrams])
    order = np.lexsort((owners, values))
    values, owners = values[order], owners[order]
    first = np.flatnonzero(np.append(True, values[1:] != values[:-1])) if len(values) else values
    size = np.diff(np.append(first, len(values)))
    base = len(ngrams)
    codes: list[NDArray[np.int64]] = []
    for count in range(2, _FORMULA + 1):
        starts = first[size == count]
        if len(starts) == 0:
            continue
        members = owners[starts[:, None] + np.arange(count)]
        one, two = np.triu_indices(count, 1)
        codes.append((members[:, one] * base + members[:, two]).ravel())
    if not codes:
        return {}
    code, number = np.unique(np.concatenate(codes), return_counts=True)
    return {
        (int(c) // base, int(c) % base): int(n) for c, n in zip(code, number, strict=True) if n > 1
    }


def leak_groups(pieces: Sequence[SplitPiece]) -> list[int]:
    """Join pieces that must not be parted; return each piece's group (its first member's number).

    See the module's header for the rules.
    """
    groups = _Groups(len(pieces))
    total = max(sum(piece.num_notes for piece in pieces), 1)
    composers = [composer_key(piece.composer) for piece in pieces]
    written: dict[str, int] = defaultdict(int)
    for composer, piece in zip(composers, pieces, strict=True):
        written[composer] += piece.num_notes
    seen: dict[tuple[str, ...], int] = {}
    for number, (composer, piece) in enumerate(zip(composers, pieces, strict=True)):
        if composer and written[composer] <= _SMALL_COMPOSER * total:
            key: tuple[str, ...] = ("composer", composer)
        else:
            owner = composer or f"source {piece.source}"
            key = ("work", owner, work_key(piece.title) or piece.id)
        groups.join(seen.setdefault(key, number), number)
        if piece.relatives:
            groups.join(seen.setdefault(("relatives", piece.relatives), number), number)
    sizes = [max(len(piece.ngrams), 1) for piece in pieces]
    for (one, two), count in shared_fragments([piece.ngrams for piece in pieces]).items():
        related = count >= _SHARED and count >= _SHARED_PART * min(sizes[one], sizes[two])
        if related or count >= _SHARED_ALWAYS:
            groups.join(one, two)
    return [groups.find(number) for number in range(len(pieces))]


def assign_splits(
    pieces: Sequence[SplitPiece],
    *,
    seed: int = 1,
    valid_share: float = 0.1,
    test_share: float = 0.1,
) -> list[str]:
    """Assign every piece to "train", "valid" or "test".

    Parameters
    ----------
    pieces : sequence of SplitPiece
    seed : int
        Another seed gives another split; the order of ``pieces`` changes nothing but ties.
    valid_share, test_share : float
        Wanted parts of each genre's notes. Met from below: a group that alone holds more than 4 %
        of its genre goes to the training part.

    Returns
    -------
    list of str
        One of :data:`SPLITS` for each piece.

    Raises
    ------
    CorpusError
        If the shares are not between 0 and 0.5.
    """
    for name, share in (("valid_share", valid_share), ("test_share", test_share)):
        if not 0 <= share <= 0.5:
            raise CorpusError(f"{name}={share} must be between 0 and 0.5")
    group = leak_groups(pieces)
    members: dict[int, list[int]] = defaultdict(list)
    for number, owner in enumerate(group):
        members[owner].append(number)
    strata: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
    genre_notes: dict[str, int] = defaultdict(int)
    for owner, numbers in members.items():
        notes: dict[str, int] = defaultdict(int)
        for number in numbers:
            notes[pieces[number].genre] += pieces[number].num_notes
        genre = max(sorted(notes), key=lambda name: notes[name])
        name = min(pieces[number].id for number in numbers)
        rank = hashlib.sha256(f"{seed} {name}".encode()).hexdigest()
        size = sum(notes.values())
        strata[genre].append((rank, owner, size))
        genre_notes[genre] += size
    split = ["train"] * len(pieces)
    wanted = {"test": test_share, "valid": valid_share}
    for genre, ranked in strata.items():
        left = {name: share * genre_notes[genre] for name, share in wanted.items()}
        largest = max(_LARGE_GROUP * genre_notes[genre], 1)
        for _, owner, size in sorted(ranked):
            if size > largest and len(ranked) > 10:
                continue
            for name, room in left.items():
                if size <= room:
                    left[name] -= size
                    for number in members[owner]:
                        split[number] = name
                    break
    _fill_empty(split, members, pieces, [name for name, share in wanted.items() if share > 0])
    return split


def _fill_empty(
    split: list[str],
    members: dict[int, list[int]],
    pieces: Sequence[SplitPiece],
    names: list[str],
) -> None:
    """Give the smallest groups to splits that got none: a corpus of a few pieces is tested, too."""
    size = {o: sum(pieces[n].num_notes for n in numbers) for o, numbers in members.items()}
    for name in names:
        free = [owner for owner, numbers in members.items() if split[numbers[0]] == "train"]
        if name in split or len(free) < 2:
            continue
        for number in members[min(free, key=lambda owner: (size[owner], pieces[owner].id))]:
            split[number] = name
