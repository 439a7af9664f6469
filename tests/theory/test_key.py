"""Keys, scales and signatures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leitmotiv.errors import TheoryError
from leitmotiv.theory import Key, Mode, Spelling

KEYS = st.builds(Key.from_fifths, st.integers(-7, 7), st.sampled_from(Mode))


@given(KEYS)
def test_text_round_trips(key: Key) -> None:
    assert Key.parse(str(key)) == key


@given(KEYS)
def test_signature_round_trips(key: Key) -> None:
    assert Key.from_fifths(key.fifths, key.mode) == key


@given(KEYS)
def test_scale_uses_each_letter_once_and_the_notes_of_its_signature(key: Key) -> None:
    assert sorted(spelling.step for spelling in key.spellings) == list("ABCDEFG")
    assert set(key.scale) == set(Key.from_fifths(key.fifths).scale)
    assert key.scale[0] == key.tonic.pitch_class
    assert key.spellings[0] == key.tonic


@given(KEYS, st.integers(-24, 24))
def test_transposition_moves_the_scale(key: Key, semitones: int) -> None:
    moved = key.transpose(semitones)
    assert moved.scale == tuple((pitch_class + semitones) % 12 for pitch_class in key.scale)
    assert moved.transpose(-semitones).scale == key.scale


@given(KEYS)
def test_relative_keeps_the_signature_and_parallel_the_tonic(key: Key) -> None:
    assert key.relative.fifths == key.fifths
    assert key.parallel.tonic.pitch_class == key.tonic.pitch_class
    assert key.parallel.mode.is_minor_like != key.mode.is_minor_like


@pytest.mark.parametrize(
    ("text", "name", "fifths"),
    [
        ("D minor", "D minor", -1),
        ("Dm", "D minor", -1),
        ("D", "D major", 2),
        ("d min", "D minor", -1),
        ("F# dorian", "F# dorian", 4),
        ("E-flat major", "Eb major", -3),
        ("c sharp minor", "C# minor", 4),
        ("B flat", "Bb major", -2),
        ("d-moll", "D minor", -1),
        ("fis-moll", "F# minor", 3),
        ("Es-Dur", "Eb major", -3),
        ("as-dur", "Ab major", -4),
        ("h-moll", "B minor", 2),
        ("b-moll", "Bb minor", -5),
        ("A mixolydian", "A mixolydian", 2),
        ("C:maj", "C major", 0),
        ("CM", "C major", 0),
        ("A aeolian", "A minor", 0),
        ("B♭ minor", "Bb minor", -5),
    ],
)
def test_known_names(text: str, name: str, fifths: int) -> None:
    assert (str(Key.parse(text)), Key.parse(text).fifths) == (name, fifths)


@pytest.mark.parametrize("text", ["", "H major", "D majro", "minor", "C##b", "12"])
def test_malformed_keys_are_refused_in_one_line(text: str) -> None:
    with pytest.raises(TheoryError) as caught:
        Key.parse(text)
    assert "\n" not in str(caught.value)


def test_keys_past_seven_accidentals_name_the_way_out() -> None:
    with pytest.raises(TheoryError, match="write Ab major"):
        Key(Spelling("G", 1), Mode.MAJOR)


def test_ties_follow_the_side_of_the_old_key() -> None:
    assert str(Key.parse("E").transpose(2)) == "F# major"
    assert str(Key.parse("Ab").transpose(-2)) == "Gb major"
