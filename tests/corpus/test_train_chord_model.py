"""Chords of tagged pieces are counted in their key, place and genre, the same way every time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from leitmotiv.corpus.library import Library, Piece
from leitmotiv.corpus.train_chord_model import count_steps, read_progressions
from leitmotiv.errors import CorpusError

TAGS = {
    "keys": [{"bars": [0, 4], "key": "D major"}, {"bars": [4, 6], "key": "B minor"}],
    "chords": [
        *("D:maj", "D:maj", "G:maj/5", "E:min/b3", "A:7", "A:7/b7", "D:maj", "D:maj"),
        *("B:min", "F#:sus4", "B:min", "N"),
    ],
    "phrase_end_bars": [4, 6],
    "genre": {"name": "hymn"},
    "mood": {"valence": 0.5, "arousal": -0.5},
}


@pytest.fixture
def corpus(tmp_path: Path) -> tuple[Path, Path]:
    with Library(tmp_path / "library", create=True) as library, library.transaction():
        for name in ("one", "two", "held"):
            library.add(Piece(name, "demo", f"{name}.mid", licence="CC0-1.0", tags=TAGS))
    pack = tmp_path / "pack.npz"
    np.savez(
        pack, piece_id=np.asarray([b"one", b"two", b"held"]), piece_split=np.asarray([0, 0, 1])
    )
    return tmp_path / "library", pack


def test_progressions_are_romans_of_their_key_without_repeats(corpus: tuple[Path, Path]) -> None:
    found = read_progressions(*corpus)
    assert len(found) == 4
    assert found[0].mode == "major"
    assert found[0].chords == ("I", "IV", "ii6", "V7", "V42", "I")
    assert found[0].places == (0, 1, 5, 2, 6, 3)
    assert found[1].chords == ("i", "V", "i")
    assert {piece.group for piece in found} == {"hymn"}


def test_held_out_pieces_are_not_counted(corpus: tuple[Path, Path]) -> None:
    assert len(read_progressions(*corpus, split=1)) == 2
    with pytest.raises(CorpusError, match="no piece of split 2"):
        read_progressions(*corpus, split=2)


def test_counts_add_up_and_repeat(corpus: tuple[Path, Path]) -> None:
    first, second = (count_steps(read_progressions(*corpus)) for _ in range(2))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    names = first["major_names"].tolist()
    assert first["major_pairs"].sum() == 2 * 6
    assert first["major_pairs"][names.index("ii6"), names.index("V7")] == 2
    assert first["major_group_totals"].sum() == first["major_place_totals"].sum() == 12
