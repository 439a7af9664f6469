"""ABC becomes the notes that it says, tune by tune."""

from __future__ import annotations

import contextlib
import sys

import pytest

from leitmotiv.corpus.abc import abc_fields, parse_abc, split_tunes
from leitmotiv.corpus.reading import read_piece
from leitmotiv.errors import MissingExtraError, ReadError

TUNE = b"""X:7
T:The Tied Tune
C:trad.
Z:Ann Smith
M:3/4
L:1/4
Q:1/4=90
K:G
D|"G"G2 A|"D7"(F A c-|c) B f-|g {a}G z|"G"[GBd]3|]
"""


def test_notes_ties_chords_upbeat_and_tempo() -> None:
    pytest.importorskip("music21")
    score = parse_abc(TUNE)
    (part,) = score.parts
    found = [
        (note["onset"] / 480, note["duration"] / 480, int(note["pitch"])) for note in part.notes
    ]
    assert found == [
        (0, 1, 62), (1, 2, 67), (3, 1, 69), (4, 1, 66), (5, 1, 69), (6, 2, 72), (8, 1, 71),
        (9, 1, 78), (10, 1, 79), (11, 1, 67), (13, 3, 67), (13, 3, 71), (13, 3, 74),
    ]  # fmt: skip
    assert [(change.tick, str(change.meter)) for change in score.meters] == [
        (0, "3/4"),
        (480, "3/4"),
    ]
    assert [(c.tick, str(c.chord)) for c in score.chords] == [
        (480, "G:maj"), (1920, "D:7"), (6240, "G:maj"),
    ]  # fmt: skip
    assert str(score.keys[0].key) == "G major"
    assert score.tempo_map.qpm == (90.0,)
    assert (score.title, part.name, part.program) == ("The Tied Tune", "Fiddle", 40)


def test_a_program_is_obeyed() -> None:
    pytest.importorskip("music21")
    score = parse_abc(TUNE.replace(b"K:G", b"%%MIDI program 73\nK:G"))
    assert score.parts[0].program == 73


def test_what_the_tune_says_of_itself_reaches_the_library() -> None:
    pytest.importorskip("music21")
    piece = read_piece(TUNE, "book.abc#3", {"licence": "PD", "title": None})
    assert piece.meta["composer"] == "trad."
    assert piece.meta["attribution"] == "Ann Smith"
    assert (piece.reason, piece.num_notes) == (None, 13)


def test_a_book_is_cut_at_each_tune_with_the_head_before_it() -> None:
    book = b"some words\nM:6/8\n" + TUNE.replace(b"\n", b"\r\n") + b"\r\n" + TUNE
    first, second = split_tunes(book)
    assert first == second == b"M:6/8\n" + TUNE
    assert split_tunes(b"no tune here") == [b"no tune here"]


def test_fields_stop_at_the_key() -> None:
    assert abc_fields(b"T: A % comment\nK:C\nT:B\n") == {"title": "A"}


def test_a_tune_without_end_is_refused_before_it_is_read() -> None:
    with pytest.raises(ReadError, match="has 300008 characters; 200000 are the most"):
        parse_abc(b"X:1\nK:C\n" + b"C" * 300_000)


@pytest.mark.parametrize("body", [b"M:0/0\nK:C\nCDEF|", b"K:C\n(3" + b"(" * 50, b"K:C\n[CE"])
def test_nonsense_makes_no_more_notes_than_it_names(body: bytes) -> None:
    pytest.importorskip("music21")
    with contextlib.suppress(ReadError):
        assert parse_abc(b"X:1\n" + body).num_notes <= 4


def test_without_music21_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "music21", None)
    with pytest.raises(MissingExtraError, match=r"pip install 'leitmotiv\[corpus\]'"):
        parse_abc(TUNE)
