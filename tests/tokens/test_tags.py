"""Tags say what the notes say, and transpose with them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leitmotiv.theory import ChordSymbol, Key
from leitmotiv.tokens import tags


@pytest.mark.parametrize("quality", tags.CHORD_QUALITIES)
@pytest.mark.parametrize("root", [0, 5, 11])
def test_a_chord_in_root_position_is_recognised(root: int, quality: str) -> None:
    pitch = np.asarray([48 + root + interval for interval in tags.CHORD_QUALITIES[quality]])
    onset, duration = np.zeros(len(pitch), int), np.full(len(pitch), 48)
    found = tags.recognise_chords(onset, duration, pitch, np.asarray([0, 48]))
    assert found.tolist() == [tags.chord_id(root, quality)]


def test_silence_and_single_notes_are_no_chord() -> None:
    found = tags.recognise_chords(
        np.asarray([48]), np.asarray([48]), np.asarray([60]), np.asarray([0, 48, 96])
    )
    assert found.tolist() == [tags.CHORD_NONE, tags.CHORD_NONE]


@given(st.integers(0, 11), st.sampled_from(list(tags.CHORD_QUALITIES)), st.integers(-11, 11))
def test_chord_ids_transpose_like_chords(root: int, quality: str, semitones: int) -> None:
    moved = tags.transpose_chord_id(tags.chord_id(root, quality), semitones)
    assert int(moved) == tags.chord_id(root + semitones, quality)


@pytest.mark.parametrize(
    ("symbol", "root", "quality"),
    [("C:maj", 0, "maj"), ("F#:min7", 6, "min7"), ("G:9", 7, "7"), ("B:hdim7", 11, "hdim7")],
)
def test_chord_symbols_find_the_nearest_quality(symbol: str, root: int, quality: str) -> None:
    found = tags.chord_symbol_id(ChordSymbol.parse(symbol))
    assert found == tags.chord_id(root, quality)


@pytest.mark.parametrize("fifths", range(-7, 8))
def test_home_is_the_signature_without_accidentals(fifths: int) -> None:
    tonic = Key.from_fifths(fifths, "major").tonic_pitch_class
    assert (tonic + int(tags.home_shift(fifths))) % 12 == 0


def test_roles_follow_register() -> None:
    roles = tags.guess_roles(
        np.asarray([72.0, 60.0, 40.0, 38.0]),
        np.asarray([1.0, 1.0, 1.0, 1.0]),
        np.asarray([40, 40, 40, 90]),
        np.asarray([False, False, False, True]),
    )
    names = ["", *tags.ROLES]
    assert [names[role] for role in roles] == ["melody", "counter", "bass", "drums"]
