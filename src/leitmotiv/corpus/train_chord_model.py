"""Count chord steps in a library: the data behind :mod:`leitmotiv.plan.chord_model`.

``python -m leitmotiv.corpus.train_chord_model LIBRARY PACK -o chord_model.npz`` reads the chord and
key tags of every piece that the pack (``leitmotiv train --pack``) puts into its training split and
writes how often chord follows chord. The same library and pack give the same bytes.

Conventions:

- A chord is a roman numeral in the key of its region. Sixth chords, inverted dominant sevenths
  and ii65 keep their bass; a second inversion counts only on the tonic and other inverted sevenths
  count as the seventh chord, since a recogniser hears every broken chord and passing bass as one.
  Suspensions and augmented triads count as what they stand for.
- Repeated half bars are one chord: the tables are about where harmony goes, not how fast.
- ``place`` of a chord: 0 the first of a phrase, 1 inside, 2 in the last bar but one, 3 in the
  last; plus 4 where it enters in the second half of a bar.

Public names: :class:`Progression`, :func:`read_progressions`, :func:`count_steps`, :func:`main`.
"""

from __future__ import annotations

import argparse
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.corpus.library import Library
from leitmotiv.errors import CorpusError, TheoryError
from leitmotiv.theory import ChordSymbol, Key, Mode, chord_to_roman

__all__ = ["GROUPS", "Progression", "count_steps", "main", "read_progressions"]

GROUPS = ("song", "piano", "chamber", "orchestral", "sacred", "hymn", "folk", "game", "other")
"""Genres that share a table of chord steps."""

_GROUP_OF = {
    "art song": "song",
    "piano": "piano",
    "string quartet": "chamber",
    "chamber": "chamber",
    "orchestral": "orchestral",
    "choral": "sacred",
    "vocal-orchestral": "sacred",
    "organ": "sacred",
    "hymn": "hymn",
    "folk": "folk",
    "game/rock/electronic": "game",
}
NUM_PLACES = 8
_MODES = (Mode.MAJOR, Mode.MINOR)
_LEAST_SHARE = 0.001  # of all chords of a mode; rarer numerals break the chain
_LEAST_COUNT = 5  # of a step: below lies mostly what the recogniser misheard
_AUGMENTED_SIXTHS = {"V7/bii": "Ger65", "Idom7/bII": "Ger65"}  # one sound, named by its use
_PASSING = re.compile(r"(?:maj)?(?:65|43|42)$")
_KEEPS_BASS = re.compile(r"V|vii[oø]|iiø?65|#ivo")


@dataclass(frozen=True)
class Progression:
    """The chords of one key region of one piece."""

    mode: str
    group: str
    valence: float
    arousal: float
    chords: tuple[str, ...]
    places: tuple[int, ...]


@lru_cache(maxsize=65536)
def _roman(symbol: str, key: str) -> str | None:
    """Return the numeral under which a tagged chord is counted; None for no chord."""
    home = Key.parse(key)
    head = symbol.partition("/")[0].replace("sus4", "maj").replace(":aug", ":maj")
    bass = symbol.partition("/")[2]
    try:
        chord = ChordSymbol.parse(symbol if head == symbol.partition("/")[0] else head)
        if chord.is_none:
            return None
        on_tonic = chord.root_pitch_class == home.tonic_pitch_class
        if bass in ("5", "b5", "#5") and not (on_tonic and len(chord.degrees) == 3):
            # Over its fifth: only dominants and diminished sevenths are meant so.
            if chord.quality not in ("7", "dim7", "hdim7"):
                chord = ChordSymbol.parse(head)
        elif chord.bass_degree not in chord.degrees:
            chord = ChordSymbol.parse(head)
        roman = chord_to_roman(chord, home)
    except TheoryError:
        return None
    if "[" in roman:
        return None
    if _PASSING.search(roman) and not _KEEPS_BASS.match(roman):
        roman = _PASSING.sub("maj7" if "maj" in roman else "7", roman)
    return _AUGMENTED_SIXTHS.get(roman, roman)


def _progressions(tags: dict[str, Any]) -> Iterator[Progression]:
    chords, ends = tags.get("chords", ()), sorted(tags.get("phrase_end_bars", ()))
    mood = tags.get("mood") or {}
    group = _GROUP_OF.get((tags.get("genre") or {}).get("name", ""), "other")
    starts = {0, *ends}
    closing = {end - 1 for end in ends}
    for region in tags.get("keys", ()):
        first, stop = region["bars"]
        key = Key.parse(region["key"])
        if key.mode not in _MODES:
            continue
        found: list[str] = []
        places: list[int] = []
        fresh = True
        for half in range(2 * first, min(2 * stop, len(chords))):
            bar = half // 2
            fresh = fresh or (bar in starts and half % 2 == 0)
            roman = _roman(chords[half], region["key"])
            if roman is None or (found and roman == found[-1]):
                continue
            place = 0 if fresh else 3 if bar in closing else 2 if bar + 1 in closing else 1
            found.append(roman)
            places.append(place + 4 * (half % 2))
            fresh = False
        if len(found) > 2:
            yield Progression(
                key.mode.value,
                group,
                float(mood.get("valence") or 0.0),
                float(mood.get("arousal") or 0.0),
                tuple(found),
                tuple(places),
            )


def read_progressions(library: Path, pack: Path, split: int = 0) -> list[Progression]:
    """Return the progressions of a split (0 training, 1 validation, 2 test) of a packed corpus.

    Raises
    ------
    CorpusError
        If a file is missing or none of the pack's pieces is in the library.
    """
    if not pack.is_file():
        raise CorpusError(f"pack={str(pack)!r} is not a file; name the file that --pack wrote")
    with np.load(pack) as packed:
        splits = dict(zip(packed["piece_id"].tolist(), packed["piece_split"].tolist(), strict=True))
    found: list[Progression] = []
    with Library(library) as opened:
        for piece in opened.pieces("ok"):
            if splits.get(piece.id.encode("ascii")) == split and piece.tags:
                found += _progressions(dict(piece.tags))
    if not found:
        raise CorpusError(f"library={str(library)!r} holds no piece of split {split} of {pack}")
    return found


def _sparse(counts: Counter[tuple[int, ...]], least: int) -> NDArray[np.uint16]:
    rows = [(*step, min(n, 65535)) for step, n in sorted(counts.items()) if n >= least]
    width = len(next(iter(counts))) + 1 if counts else 4
    return np.asarray(rows, dtype=np.uint16).reshape(-1, width)


def count_steps(progressions: Iterable[Progression]) -> dict[str, NDArray[Any]]:
    """Return the tables of :mod:`leitmotiv.plan.chord_model`.

    Returns
    -------
    dict of ndarray
        For each mode M: ``M_names`` (S chords), ``M_pairs`` (S + 1, S) counts of steps, row S the
        start; ``M_triples`` rows (before that, before, chord, count); ``M_groups`` rows (group,
        before, chord, count); ``M_places`` rows (place, before, chord, count); the latter three
        hold steps met five times or more, and ``M_group_totals`` (9, S + 1) and
        ``M_place_totals`` (8, S + 1) count all steps from a chord; ``M_moods``
        (S + 1, 2) mean valence and arousal of the pieces a chord stands in, last row of all chords.
    """
    pieces = list(progressions)
    tables: dict[str, NDArray[Any]] = {"groups": np.asarray(GROUPS)}
    for mode in ("major", "minor"):
        own = [piece for piece in pieces if piece.mode == mode]
        unigrams = Counter(chord for piece in own for chord in piece.chords)
        least = _LEAST_SHARE * unigrams.total()
        names = sorted((c for c in unigrams if unigrams[c] >= least), key=lambda c: -unigrams[c])
        index = {name: number for number, name in enumerate(names)}
        start = len(names)
        pairs = np.zeros((start + 1, start), dtype=np.int64)
        triples: Counter[tuple[int, ...]] = Counter()
        groups: Counter[tuple[int, ...]] = Counter()
        places: Counter[tuple[int, ...]] = Counter()
        group_totals = np.zeros((len(GROUPS), start + 1), dtype=np.uint32)
        place_totals = np.zeros((NUM_PLACES, start + 1), dtype=np.uint32)
        mood = np.zeros((start + 1, 3))
        for piece in own:
            line = [start, start, *(index.get(chord, -1) for chord in piece.chords)]
            group = GROUPS.index(piece.group)
            steps = zip(line, line[1:], line[2:], strict=False)
            for (before, last, chord), place in zip(steps, piece.places, strict=True):
                if chord < 0:
                    continue
                feeling = (piece.valence, piece.arousal, 1.0)
                mood[chord] += feeling
                mood[start] += feeling
                if last < 0:
                    continue
                pairs[last, chord] += 1
                group_totals[group, last] += 1
                place_totals[place, last] += 1
                groups[group, last, chord] += 1
                places[place, last, chord] += 1
                if before >= 0:
                    triples[before, last, chord] += 1
        tables[f"{mode}_names"] = np.asarray(names)
        tables[f"{mode}_pairs"] = np.minimum(pairs, 2**32 - 1).astype(np.uint32)
        tables[f"{mode}_triples"] = _sparse(triples, _LEAST_COUNT)
        tables[f"{mode}_groups"] = _sparse(groups, _LEAST_COUNT)
        tables[f"{mode}_places"] = _sparse(places, _LEAST_COUNT)
        tables[f"{mode}_group_totals"] = group_totals
        tables[f"{mode}_place_totals"] = place_totals
        mean = mood[:, :2] / np.maximum(mood[:, 2:], 1.0)
        tables[f"{mode}_moods"] = np.round(mean, 4).astype(np.float32)
    return tables


def main() -> None:
    """Write the tables of a library's training pieces."""
    parser = argparse.ArgumentParser(description="Count chord steps in a tagged library.")
    parser.add_argument("library", type=Path, help="folder of the library")
    parser.add_argument("pack", type=Path, help="packed corpus, which knows the training split")
    parser.add_argument("-o", "--output", type=Path, default=Path("chord_model.npz"))
    chosen = parser.parse_args()
    found = read_progressions(chosen.library, chosen.pack)
    tables = count_steps(found)
    np.savez_compressed(chosen.output, allow_pickle=False, **tables)
    size = chosen.output.stat().st_size
    print(f"{len(found)} key regions, {sum(len(p.chords) for p in found)} chords, {size} bytes")


if __name__ == "__main__":
    main()
