"""What one file gives: its kind by content, what it says of itself, a reason where it is no use."""

from __future__ import annotations

import json

import pytest

from leitmotiv.corpus import reading
from leitmotiv.corpus.reading import kind_of, read_piece
from leitmotiv.errors import ReadError
from leitmotiv.score import Part, Score, make_notes
from leitmotiv.score.midi import midi_bytes
from leitmotiv.score.musicxml import musicxml_bytes

from .makers import archive, melody, tune


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (tune(), "a.xml", "midi"),
        (b"RIFF\x00\x00\x00\x00RMIDdata", "a", "midi"),
        (b"PK\x03\x04", "a.mid", "musicxml"),
        ("\ufeff<?xml version='1.0'?>".encode("utf-16-le"), "a", "musicxml"),
        (b"\n <score-partwise>", "a.mid", "musicxml"),
        (b"X:1\nK:C\n", "book.ABC#12", "abc"),
        (b"X:1\nK:C\n", "song.mid", None),
        (b"", "a.mid", None),
    ],
)
def test_content_tells_the_kind(data: bytes, name: str, kind: str | None) -> None:
    assert kind_of(data, name) == kind


def test_the_same_piece_as_midi_and_musicxml_has_one_fingerprint(tmp_path) -> None:
    score = melody(5)
    text = musicxml_bytes(score)
    packed = archive(tmp_path / "a.mxl", {"score.xml": text}).read_bytes()
    found = [read_piece(data, "a", {}) for data in (midi_bytes(score), text, packed)]
    assert len({piece.fingerprint for piece in found}) == 1
    assert [piece.reason for piece in found] == [None] * 3


def test_the_head_of_a_musicxml_file_names_composer_and_rights() -> None:
    head = (
        b'<identification><creator type="lyricist">Bob</creator>'
        b'<creator type="composer">Ann  &amp; Eve</creator><rights>CC0</rights></identification>'
    )
    text = musicxml_bytes(melody(1)).replace(b"<part-list>", head + b"<part-list>", 1)
    meta = read_piece(text, "a.xml", {}).meta
    assert (meta["composer"], meta["rights"]) == ("Ann & Eve", "CC0")
    assert read_piece(text, "a.xml", {"composer": "Eve"}).meta["composer"] == "Eve"
    default = {"composer": "Eve", "genre": "folk"}
    found = read_piece(text, "a.xml", {"composer": None}, default).meta
    assert (found["composer"], found["genre"]) == ("Ann & Eve", "folk")


def test_a_tempo_that_nobody_set_counts_as_unknown() -> None:
    assert read_piece(tune(qpm=120.0), "a.mid", {}).meta["tempo_source"] == "default"
    assert read_piece(tune(qpm=97.0), "a.mid", {}).meta["tempo_source"] == "file"


def test_what_the_library_keeps_is_plain_json_and_small() -> None:
    piece = read_piece(tune(3), "a.mid", {"genre": "folk", "year": None})
    assert json.loads(json.dumps(piece.tags)) == piece.tags
    assert piece.meta["genre"] == "folk"
    assert "year" not in piece.meta
    assert (piece.num_notes, piece.num_parts) == (24, 1)
    assert piece.quarters == 4 * piece.num_bars
    assert piece.duration_sec == pytest.approx(piece.quarters * 0.6, rel=1e-6)


def test_an_absurd_piece_is_not_analysed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "encode_piece", None)
    many = make_notes(range(100), [1] * 100, [60 + n % 9 for n in range(100)])
    data = midi_bytes(Score(parts=(Part("Piano", notes=many),)))
    piece = read_piece(data, "a.mid", {})
    assert "notes a quarter" in (piece.reason or "")
    assert piece.columns is None


def test_a_fault_of_the_analysis_is_not_blamed_on_the_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(reading, "tag_score", broken)
    piece = read_piece(tune(), "a.mid", {})
    assert piece.reason == "analysis failed (ZeroDivisionError: oh); report it with the file"
    assert piece.num_notes == 24


def test_a_likely_guess_of_the_genre_is_used_and_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    for probability, genre in ((0.9, "folk"), (0.2, None)):
        guess = {"genre": {"name": "folk", "source": "guessed", "probability": probability}}
        monkeypatch.setattr(reading, "tag_score", lambda *_, guess=guess, **__: guess)
        meta = read_piece(tune(), "a.mid", {}).meta
        assert meta.get("genre") == genre
        assert meta.get("genre_source") == ("guessed" if genre else None)


@pytest.mark.parametrize("data", [b"", b"hello", tune()[:40]])
def test_what_is_no_music_is_one_clear_line(data: bytes) -> None:
    with pytest.raises(ReadError) as error:
        read_piece(data, "a.mid", {})
    assert "\n" not in str(error.value)
