"""A library keeps what it was given, whole, in order, and says so when it cannot."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from leitmotiv.corpus.library import LIBRARY_FILE, Library, Piece
from leitmotiv.errors import CorpusError

PIECE = Piece(
    "x_1", "x", "1.mid", title="Tune", composer="Ann", year=1890, licence="PD", attribution="Ann",
    genre="folk", genre_source="source", sha256="ab", fingerprint="cd", num_notes=9, num_bars=2,
    num_parts=1, quarters=8.0, duration_sec=4.5, split="train", meta={"key": "C major"},
    tags={"chords": ["C:maj", "N"]},
)  # fmt: skip


def test_a_piece_comes_back_as_it_was(tmp_path: Path) -> None:
    ngrams = np.asarray([-5, 0, 2**62], dtype=np.int64)
    with Library(tmp_path, create=True) as library:
        with library.transaction():
            library.add(PIECE, columns=b"123", ngrams=ngrams, midi=b"MThd")
        assert list(library.pieces()) == [PIECE]
    with Library(tmp_path) as library:
        assert library.piece("x_1") == library.find("x", "1.mid") == PIECE
        assert library.ngrams("x_1").tolist() == ngrams.tolist()
        assert library.midi("x_1") == b"MThd"


def test_pieces_come_in_the_order_of_source_and_file_across_pages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leitmotiv.corpus.library._PAGE", 3)
    names = [(source, f"{n}.mid") for source in ("b", "a", "c") for n in (2, 11, 1, 3)]
    with Library(tmp_path, create=True) as library:
        with library.transaction():
            for number, (source, file) in enumerate(names):
                status = "refused" if file == "3.mid" else "ok"
                library.add(Piece(str(number), source, file, status=status))
        found = [(piece.source, piece.file) for piece in library.pieces(None)]
        assert found == sorted(names)
        assert [p.source for p in library.pieces(sources=["c", "a"])] == ["a"] * 3 + ["c"] * 3
        assert library.counts() == {"ok": 9, "quarantined": 0, "refused": 3}
        assert library.sources() == [("a", 4), ("b", 4), ("c", 4)]


def test_pieces_can_be_read_while_they_are_changed(tmp_path: Path) -> None:
    with Library(tmp_path, create=True) as library:
        with library.transaction():
            for number in range(20):
                library.add(Piece(f"{number:02}", "a", f"{number:02}.mid"))
        seen = []
        for piece in library.pieces():
            with library.transaction():
                library.set_splits({piece.id: "test"})
            seen.append(piece.id)
        assert len(seen) == len(set(seen)) == 20
        assert all(piece.split == "test" for piece in library.pieces())


def test_an_exception_undoes_the_transaction(tmp_path: Path) -> None:
    def stopped(library: Library) -> None:
        with library.transaction():
            library.add(PIECE)
            raise KeyboardInterrupt

    with Library(tmp_path, create=True) as library:
        with pytest.raises(KeyboardInterrupt):
            stopped(library)
        assert library.counts()["ok"] == 0


def test_the_same_source_and_file_is_replaced_and_an_id_is_taken_once(tmp_path: Path) -> None:
    with Library(tmp_path, create=True) as library:
        library.add(PIECE, midi=b"old")
        library.add(replace(PIECE, num_notes=12), midi=b"new")
        assert (library.piece("x_1").num_notes, library.midi("x_1")) == (12, b"new")
        with pytest.raises(CorpusError, match=r"^id='x_1' of x/2\.mid is taken"):
            library.add(replace(PIECE, file="2.mid"))


def test_looking_for_a_duplicate_does_not_walk_through_the_library(tmp_path: Path) -> None:
    asked: list[str] = []
    with Library(tmp_path, create=True) as library:
        library.add(PIECE)
        library._db.set_trace_callback(asked.append)
        assert library.with_fingerprint("cd") == PIECE
        plan = library._db.execute(f"EXPLAIN QUERY PLAN {asked[0]}").fetchall()
    assert "USING INDEX by_fingerprint" in plan[0]["detail"]


def test_totals_add_up(tmp_path: Path) -> None:
    with Library(tmp_path, create=True) as library:
        library.add(PIECE)
        library.add(replace(PIECE, id="2", file="2.mid", licence="MIT"))
        library.add(replace(PIECE, id="3", file="3.mid", status="quarantined", reason="why"))
        assert library.totals("licence") == {"MIT": (1, 9, 4.5), "PD": (1, 9, 4.5)}
        assert library.totals("source") == {"x": (2, 18, 9.0)}
        assert list(library.kept_apart()) == [("quarantined", "x", "3.mid", "why")]
        with pytest.raises(ValueError, match="by='midi'"):
            library.totals("midi")


def test_pieces_without_columns_say_so(tmp_path: Path) -> None:
    with Library(tmp_path, create=True) as library:
        library.add(PIECE)
        assert len(library.ngrams("x_1")) == 0
        assert library.midi("x_1") is None
        with pytest.raises(CorpusError, match="has no columns"):
            library.columns("x_1")
        with pytest.raises(CorpusError, match="id='nobody' is not in library"):
            library.piece("nobody")


def test_no_library_a_strange_file_and_another_version_are_named(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match=r"holds no library\.db; import music first"):
        Library(tmp_path)
    assert not list(tmp_path.iterdir()), "looking for a library makes none"
    (tmp_path / LIBRARY_FILE).write_text("these are words, many of them, but no database at all")
    with pytest.raises(CorpusError, match="is damaged or no library"):
        Library(tmp_path)
    (tmp_path / LIBRARY_FILE).unlink()
    with sqlite3.connect(tmp_path / LIBRARY_FILE) as database:
        database.execute("PRAGMA user_version = 99")
    database.close()
    with pytest.raises(CorpusError, match="is of version 99, must be 1"):
        Library(tmp_path)
    with pytest.raises(CorpusError, match="cannot be opened"):
        Library(tmp_path / LIBRARY_FILE / "inside", create=True)


def test_two_imports_at_once_are_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leitmotiv.corpus.library.LOCK_TIMEOUT_SEC", 0.05)
    with Library(tmp_path, create=True) as one, Library(tmp_path) as two, one.transaction():
        one.add(PIECE)
        with pytest.raises(CorpusError, match="being written by another"), two.transaction():
            pass
