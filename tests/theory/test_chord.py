"""Chord symbols in Harte and lead-sheet notation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leitmotiv.errors import TheoryError
from leitmotiv.theory import ChordSymbol, Key, Spelling, parse_lead_sheet
from leitmotiv.theory.chord import _SHORTHANDS

ROOTS = st.builds(Spelling, st.sampled_from("ABCDEFG"), st.integers(-1, 1))
DEGREE_NAMES = "b2 2 b3 3 4 #4 b5 5 #5 b6 6 bb7 b7 7 b9 9 #9 11 #11 b13 13"
DEGREES = st.sampled_from(tuple(DEGREE_NAMES.split(" ")))
CHORDS = st.builds(
    ChordSymbol,
    ROOTS,
    st.sampled_from([*_SHORTHANDS, ""]),
    st.lists(DEGREES, max_size=3).map(tuple),
    st.lists(DEGREES, max_size=2).map(tuple),
    st.one_of(st.just("1"), DEGREES),
)


@given(CHORDS)
def test_harte_text_round_trips(chord: ChordSymbol) -> None:
    assert ChordSymbol.parse(str(chord)) == chord


@given(CHORDS)
def test_lead_sheet_text_keeps_the_pitches(chord: ChordSymbol) -> None:
    read = parse_lead_sheet(chord.lead_sheet)
    assert read.degrees == chord.degrees
    assert read.pitch_classes == chord.pitch_classes


@given(CHORDS, st.integers(-12, 12))
def test_transposition_moves_every_pitch_class(chord: ChordSymbol, semitones: int) -> None:
    moved = chord.transpose(semitones)
    assert moved.pitch_classes == tuple((p + semitones) % 12 for p in chord.pitch_classes)
    assert moved.bass_pitch_class == (chord.bass_pitch_class + semitones) % 12


@given(CHORDS)
def test_spellings_sound_as_the_pitch_classes(chord: ChordSymbol) -> None:
    sounding = [spelling.pitch_class for spelling in chord.spellings]
    assert set(sounding) <= set(chord.pitch_classes)
    for pitch_class in chord.pitch_classes:
        spelling = chord.spelling_of(pitch_class)
        assert spelling is not None
        assert spelling.pitch_class == pitch_class


@pytest.mark.parametrize(
    ("text", "pitch_classes", "bass"),
    [
        ("C", (0, 4, 7), 0),
        ("D:min7/b3", (2, 5, 9, 0), 5),
        ("C:maj/2", (0, 4, 7, 2), 2),
        ("G:7", (7, 11, 2, 5), 7),
        ("B:hdim7", (11, 2, 5, 9), 11),
        ("B:dim7", (11, 2, 5, 8), 11),
        ("C:minmaj7", (0, 3, 7, 11), 0),
        ("C:aug7", (0, 4, 8, 10), 0),
        ("C:(3,5,b7)", (0, 4, 7, 10), 0),
        ("C:maj7(*5)", (0, 4, 11), 0),
        ("C:sus4(b7)", (0, 5, 7, 10), 0),
        ("C:13", (0, 4, 7, 10, 2, 5, 9), 0),
        ("Bb:maj6(9)", (10, 2, 5, 7, 0), 10),
        ("F#:5", (6, 1), 6),
    ],
)
def test_known_chords(text: str, pitch_classes: tuple[int, ...], bass: int) -> None:
    chord = ChordSymbol.parse(text)
    assert (chord.pitch_classes, chord.bass_pitch_class) == (pitch_classes, bass)


@pytest.mark.parametrize(
    ("text", "harte"),
    [
        ("Dm7", "D:min7"),
        ("F#m7b5", "F#:hdim7"),
        ("Bb/D", "Bb:maj/3"),
        ("C/Bb", "C:maj/b7"),
        ("CΔ", "C:maj7"),
        ("C-7", "C:min7"),
        ("Eb°7", "Eb:dim7"),
        ("C6/9", "C:maj6(9)"),
        ("C6/9/E", "C:maj6(9)/3"),
        ("G7sus4", "G:sus4(b7)"),
        ("C7(b9,#11)", "C:7(b9,#11)"),
        ("Cadd9", "C:maj(9)"),
        ("C(add9)", "C:maj(9)"),
        ("Am(no5)", "A:min(*5)"),
        ("E5", "E:5"),
        ("N.C.", "N"),
        ("A♭maj7", "Ab:maj7"),
    ],
)
def test_known_lead_sheet_symbols(text: str, harte: str) -> None:
    assert parse_lead_sheet(text) == ChordSymbol.parse(harte)


@pytest.mark.parametrize("name", [name for name in _SHORTHANDS if name != "1"])
def test_every_shorthand_prints_short(name: str) -> None:
    chord = ChordSymbol.parse(f"C:{name}")
    assert str(chord) == f"C:{name}"
    assert "(" not in chord.lead_sheet


def test_transposition_spells_for_the_key_arrived_in() -> None:
    chord = ChordSymbol.parse("C:maj")
    assert str(chord.transpose(6, Key.parse("Db"))) == "Gb:maj"
    assert str(chord.transpose(6, Key.parse("B"))) == "F#:maj"


def test_no_chord_is_empty_and_has_no_root() -> None:
    assert ChordSymbol.NONE.pitch_classes == ()
    assert ChordSymbol.parse("N") == ChordSymbol.NONE
    assert ChordSymbol.NONE.transpose(3) == ChordSymbol.NONE
    with pytest.raises(TheoryError, match="no root"):
        _ = ChordSymbol.NONE.root_pitch_class


@pytest.mark.parametrize(
    "text", ["", "H", "C:", "C:foo", "C:maj/", "C:(99)", "c:maj", "C:maj(3", "C:maj7/14", "X"]
)
def test_malformed_harte_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(TheoryError) as caught:
        ChordSymbol.parse(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "Hm", "Cfoo", "C/", "C(", "Dm7/x"])
def test_malformed_lead_sheet_text_is_refused(text: str) -> None:
    with pytest.raises(TheoryError):
        parse_lead_sheet(text)
