"""Pitch names and spellings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leitmotiv.errors import TheoryError
from leitmotiv.theory import ChordSymbol, Key, Spelling, parse_pitch, pitch_name, spell

SPELLINGS = st.builds(Spelling, st.sampled_from("ABCDEFG"), st.integers(-2, 2))
PITCHES = st.integers(0, 127)
MAJOR_KEYS = st.integers(-7, 7).map(Key.from_fifths)


@given(SPELLINGS)
def test_spelling_round_trips_through_text_and_fifths(spelling: Spelling) -> None:
    assert Spelling.parse(str(spelling)) == spelling
    assert Spelling.from_fifths(spelling.fifths) == spelling


@given(SPELLINGS)
def test_seven_fifths_are_a_chromatic_semitone(spelling: Spelling) -> None:
    assert spelling.fifths * 7 % 12 == spelling.pitch_class


@given(PITCHES, st.one_of(st.none(), MAJOR_KEYS))
def test_pitch_name_round_trips(pitch: int, key: Key | None) -> None:
    assert parse_pitch(pitch_name(pitch, key)) == pitch


@given(PITCHES, MAJOR_KEYS)
def test_scale_notes_are_spelled_as_the_scale(pitch: int, key: Key) -> None:
    spelling, _ = spell(pitch, key)
    if pitch % 12 in key.scale:
        assert spelling in key.spellings


@pytest.mark.parametrize(
    ("text", "pitch"),
    [("C4", 60), ("A4", 69), ("Eb4", 63), ("E♭4", 63), ("Cb4", 59), ("B#3", 60), ("Fx4", 67),
     ("C-1", 0), ("G9", 127)],
)  # fmt: skip
def test_known_pitches(text: str, pitch: int) -> None:
    assert parse_pitch(text) == pitch


@pytest.mark.parametrize(
    ("pitch", "key", "chord", "name"),
    [
        (68, "A minor", None, "G#"),
        (68, "C minor", None, "Ab"),
        (66, "G minor", None, "F#"),
        (61, "D minor", None, "C#"),
        (70, "D minor", None, "Bb"),
        (65, "F# major", None, "E#"),
        (71, "Gb major", None, "Cb"),
        (68, "C major", "F:min", "Ab"),
        (68, "C major", "E:7", "G#"),
        (63, "C major", "B:7", "D#"),
        (71, None, "Ab:min", "Cb"),
        (66, None, None, "F#"),
    ],
)
def test_chromatic_notes_follow_key_and_chord(
    pitch: int, key: str | None, chord: str | None, name: str
) -> None:
    spelling, _ = spell(
        pitch,
        None if key is None else Key.parse(key),
        None if chord is None else ChordSymbol.parse(chord),
    )
    assert str(spelling) == name


@pytest.mark.parametrize("text", ["", "H4", "C", "C##b4", "4C", "C10", "Cb-1"])
def test_malformed_pitches_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(TheoryError, match=r"pitch .* must") as caught:
        parse_pitch(text)
    assert "\n" not in str(caught.value)


def test_out_of_range_values_are_refused() -> None:
    with pytest.raises(TheoryError, match="must be 0-127"):
        spell(128)
    with pytest.raises(TheoryError, match="fifths=20"):
        Spelling.from_fifths(20)
    with pytest.raises(TheoryError, match="alter=3"):
        Spelling("C", 3)
