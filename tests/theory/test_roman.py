"""Roman numerals."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leitmotiv.errors import TheoryError
from leitmotiv.theory import ChordSymbol, Key, Mode, Spelling, chord_to_roman, roman_to_chord

KEYS = st.builds(Key.from_fifths, st.integers(-6, 6), st.sampled_from(Mode))
ROOTS = st.builds(Spelling, st.sampled_from("ABCDEFG"), st.integers(-1, 1))
QUALITY_NAMES = "maj min dim aug maj7 7 min7 minmaj7 dim7 hdim7 aug7 sus4 maj6 9 sus4(b7)"
QUALITIES = st.sampled_from(tuple(QUALITY_NAMES.split(" ")))


@given(ROOTS, QUALITIES, st.integers(0, 3), KEYS)
def test_every_chord_comes_back_from_its_numeral(
    root: Spelling, quality: str, inversion: int, key: Key
) -> None:
    chord = ChordSymbol.parse(f"{root}:{quality}")
    chord = chord.with_bass_degree(chord.degrees[min(inversion, len(chord.degrees) - 1)])
    read = roman_to_chord(chord_to_roman(chord, key), key)
    assert read.pitch_classes == chord.pitch_classes
    assert read.bass_pitch_class == chord.bass_pitch_class


@pytest.mark.parametrize(
    ("key", "numerals", "chords"),
    [
        ("C", "I ii iii IV V vi viio", "C:maj D:min E:min F:maj G:maj A:min B:dim"),
        ("C", "I7 ii7 IV7 V7 viiø7", "C:maj7 D:min7 F:maj7 G:7 B:hdim7"),
        ("C", "V7/V V65/ii viio7/V V7/IV", "D:7 A:7/3 F#:dim7 C:7"),
        ("C", "bVI bVII bIII iv N6 bII", "Ab:maj Bb:maj Eb:maj F:min Db:maj/3 Db:maj"),
        ("C", "I6 I64 ii65 V43 V42 V2", "C:maj/3 C:maj/5 D:min7/b3 G:7/5 G:7/b7 G:7/b7"),
        ("C", "ii/o6/5 vii%7 IV6/4", "D:hdim7/b3 B:hdim7 F:maj/5"),
        ("C", "V[sus4] I+ Ger65 V/V", "G:sus4 C:aug Ab:7 D:maj"),
        ("A minor", "i iio III iv v V VI VII", "A:min B:dim C:maj D:min E:min E:maj F:maj G:maj"),
        ("A minor", "viio viio7 #viio7 bVI bVII", "G#:dim G#:dim7 G#:dim7 F:maj G:maj"),
        ("A minor", "iiø65 V7/iv N6 VI7 VII7", "B:hdim7/b3 A:7 Bb:maj/3 F:maj7 G:7"),
        ("D dorian", "i IV VII ii", "D:min G:maj C:maj E:min"),
        ("E phrygian", "i II vii", "E:min F:maj D:min"),
        ("G mixolydian", "I VII v", "G:maj F:maj D:min"),
        ("Eb", "V7/V bVI", "F:7 Cb:maj"),
    ],
)
def test_known_numerals(key: str, numerals: str, chords: str) -> None:
    read = [str(roman_to_chord(numeral, Key.parse(key))) for numeral in numerals.split()]
    assert read == chords.split()


@pytest.mark.parametrize(
    ("key", "chord", "numeral"),
    [
        ("C", "D:7", "V7/V"),
        ("C", "E:7", "V7/vi"),
        ("C", "C:7", "V7/IV"),
        ("C", "G:7/b7", "V42"),
        ("C", "Db:maj/3", "N6"),
        ("C", "F:min", "iv"),
        ("C", "Ab:maj", "bVI"),
        ("C", "C:maj7", "Imaj7"),
        ("A minor", "G#:dim7", "viio7"),
        ("A minor", "F:maj/3", "VI6"),
        ("A minor", "E:maj", "V"),
        ("C", "G:sus4", "V[sus4]"),
        ("C", "N", "NC"),
    ],
)
def test_printed_numerals(key: str, chord: str, numeral: str) -> None:
    assert chord_to_roman(ChordSymbol.parse(chord), Key.parse(key)) == numeral


@pytest.mark.parametrize("text", ["", "VIII", "Vv", "V7/", "Imaj6", "V7/X", "1"])
def test_malformed_numerals_are_refused(text: str) -> None:
    with pytest.raises(TheoryError):
        roman_to_chord(text, Key.parse("C"))
