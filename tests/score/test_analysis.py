"""Key, chords and form read from notes: known answers, invariants and edge cases."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leitmotiv.score import KeyChange, MeterChange, Part, Score, make_notes
from leitmotiv.score.analysis import (
    bar_similarity,
    chords_per_half_bar,
    estimate_key,
    half_bar_starts,
    repeated_sections,
)
from leitmotiv.theory import Key, Meter, roman_to_chord

HALF = 960
MAJOR_NUMERALS = ("I", "IV", "V", "vi", "ii", "V7", "iii", "I6", "V65")
MINOR_NUMERALS = ("i", "iv", "V", "VI", "III", "V7", "iio6", "i6", "VII")


def accompaniment(
    numerals: list[str], key: Key, *, arpeggio: bool, melody: list[int] | None = None
) -> Score:
    """Write chords of a half bar each, blocked or broken, bass note first."""
    onset, duration, pitch = [], [], []
    for half, numeral in enumerate(numerals):
        chord = roman_to_chord(numeral, key)
        bass = 36 + chord.bass_pitch_class
        tones = sorted(48 + (pc - 48) % 12 for pc in chord.pitch_classes)
        onset.append(half * HALF)
        duration.append(HALF)
        pitch.append(bass)
        for step in range(4):
            for tone in [tones[step % len(tones)]] if arpeggio else (tones if step == 0 else []):
                onset.append(half * HALF + (step * 240 if arpeggio else 0))
                duration.append(240 if arpeggio else HALF)
                pitch.append(tone)
    part = Part("Piano", notes=make_notes(onset, duration, pitch))
    parts = [part]
    if melody is not None:
        notes = make_notes(range(0, 240 * len(melody), 240), [240] * len(melody), melody)
        parts.insert(0, Part("Tune", notes=notes))
    return Score(parts=tuple(parts), length_ticks=len(numerals) * HALF)


def moved(score: Score, semitones: int) -> Score:
    parts = []
    for part in score.parts:
        notes = part.notes.copy()
        notes["pitch"] += np.uint8(semitones)
        parts.append(part.with_notes(notes))
    return score.with_parts(parts)


KEYS = st.builds(Key.from_fifths, st.integers(-5, 6), st.sampled_from(["major", "minor"]))


@given(KEYS, st.booleans())
def test_the_key_of_a_full_cadence_is_found_in_every_key(key: Key, arpeggio: bool) -> None:
    minor = key.mode.is_minor_like
    numerals = ["i", "iv", "V7", "i"] if minor else ["I", "IV", "V7", "I"]
    score = accompaniment(numerals, key, arpeggio=arpeggio)
    found = estimate_key(score)
    assert (found.tonic_pitch_class, found.mode) == (key.tonic_pitch_class, key.mode)


@given(st.integers(1, 11))
@settings(max_examples=11)
def test_transposition_moves_key_and_chords_alike(semitones: int) -> None:
    score = accompaniment(["i", "iv", "V7", "i"], Key.parse("A minor"), arpeggio=True)
    there = moved(score, semitones)
    key = estimate_key(score)
    assert estimate_key(there).tonic_pitch_class == (key.tonic_pitch_class + semitones) % 12
    for before, after in zip(chords_per_half_bar(score), chords_per_half_bar(there), strict=True):
        assert after.chord.quality == before.chord.quality
        expected = (before.chord.root_pitch_class + semitones) % 12
        assert after.chord.root_pitch_class == expected


@pytest.mark.parametrize("arpeggio", [False, True])
@pytest.mark.parametrize("mode", ["major", "minor"])
def test_chords_written_are_the_chords_read(
    mode: str, arpeggio: bool, rng: np.random.Generator
) -> None:
    names = MAJOR_NUMERALS if mode == "major" else MINOR_NUMERALS
    for fifths in (-4, 0, 3):
        key = Key.from_fifths(fifths, mode)
        numerals = [str(name) for name in rng.choice(names, 16)]
        score = accompaniment(numerals, key, arpeggio=arpeggio)
        score = replace(score, keys=(KeyChange(0, key),))
        for numeral, change in zip(numerals, chords_per_half_bar(score), strict=True):
            expected = roman_to_chord(numeral, key)
            assert change.chord.root_pitch_class == expected.root_pitch_class
            assert change.chord.degrees[:3] == expected.degrees[:3]
            assert change.chord.bass_pitch_class == expected.bass_pitch_class


def test_a_melody_with_passing_notes_does_not_hide_the_chords() -> None:
    melody = [72, 74, 76, 74, 77, 76, 74, 72, 71, 72, 74, 77, 76, 74, 72, 71]
    score = accompaniment(["I", "IV", "V", "I"], Key.parse("C"), arpeggio=True, melody=melody)
    roots = [change.chord.root_pitch_class for change in chords_per_half_bar(score)]
    assert roots == [0, 5, 7, 0]


def test_chords_are_spelled_for_the_key() -> None:
    for name, numerals, roots in (
        ("Ab", ["I", "IV", "V7", "I"], ["Ab", "Db", "Eb", "Ab"]),
        ("F# minor", ["i", "V", "VI", "i"], ["F#", "C#", "D", "F#"]),
    ):
        score = accompaniment(numerals, Key.parse(name), arpeggio=False)
        assert [str(change.chord.root) for change in chords_per_half_bar(score)] == roots


def test_there_are_two_chords_in_every_bar_of_every_meter() -> None:
    meters = (MeterChange(0, Meter(3, 4)), MeterChange(2 * 1440, Meter(7, 8)))
    notes = make_notes(range(0, 6000, 240), [240] * 25, [60, 64, 67, 64, 60] * 5)
    score = Score(parts=(Part("", notes=notes),), meters=meters)
    changes = chords_per_half_bar(score)
    assert len(changes) == 2 * score.num_bars
    assert [change.tick for change in changes] == half_bar_starts(score).tolist()
    assert half_bar_starts(score).tolist()[:6] == [0, 960, 1440, 2400, 2880, 3840]


def test_silence_has_no_chord_and_drums_no_pitch() -> None:
    drums = Part("Drums", is_drum=True, notes=make_notes([0, 480], [240, 240], [36, 38]))
    score = Score(parts=(drums,))
    assert {str(change.chord) for change in chords_per_half_bar(score)} == {"N"}
    assert str(estimate_key(score)) == "C major"
    assert chords_per_half_bar(Score()) == ()
    assert repeated_sections(Score()) == ()
    gap = Part("Keys", notes=make_notes([0, 0, 0, 3840], [1920] * 3 + [960], [60, 64, 67, 65]))
    names = [str(change.chord) for change in chords_per_half_bar(Score(parts=(gap,)))]
    assert names[:4] == ["C:maj", "C:maj", "N", "N"]
    assert names[4] == names[5] != "N"


def tune(*phrases: list[int]) -> Score:
    pitches = [pitch for phrase in phrases for pitch in phrase]
    notes = make_notes(range(0, 480 * len(pitches), 480), [480] * len(pitches), pitches)
    return Score(parts=(Part("Tune", notes=notes),))


THEME = [60, 64, 67, 72, 71, 67, 62, 67, 60, 64, 67, 72, 71, 69, 67, 67]
CONTRAST = [69, 69, 65, 62, 70, 70, 67, 63, 61, 66, 68, 61, 58, 58, 53, 58]


def labels(score: Score) -> list[str]:
    return [mark.label for mark in repeated_sections(score)]


def test_forms_are_lettered() -> None:
    assert labels(tune(THEME, CONTRAST, THEME)) == ["A", "B", "A"]
    assert labels(tune(THEME, THEME, CONTRAST, THEME)) == ["A", "A", "B", "A"]


def test_a_transposed_return_keeps_its_letter() -> None:
    up = [pitch + 5 for pitch in THEME]
    assert labels(tune(THEME, CONTRAST, up)) == ["A", "B", "A"]


def test_a_varied_return_has_a_prime() -> None:
    varied = [*THEME[:12], 74, 72, 69, 65]
    assert labels(tune(THEME, CONTRAST, varied)) == ["A", "B", "A'"]


def test_sections_start_on_bar_lines_after_an_upbeat() -> None:
    score = tune(THEME, CONTRAST, THEME)
    notes = score.parts[0].notes.copy()
    notes["onset"] += 1920
    upbeat = make_notes([1440], [480], [55])
    part = Part("Tune", notes=np.concatenate([upbeat, notes]))
    marks = repeated_sections(Score(parts=(part,)))
    assert [(mark.tick // 1920, mark.label) for mark in marks] == [(0, "A"), (5, "B"), (9, "A")]


@given(st.integers(0, 11))
@settings(max_examples=12)
def test_similarity_is_symmetric_bounded_and_blind_to_transposition(semitones: int) -> None:
    similarity = bar_similarity(tune(THEME, [pitch + semitones for pitch in THEME]))
    assert np.allclose(similarity, similarity.T)
    assert similarity.min() >= 0.0
    assert similarity.max() <= 1.0 + 1e-5
    assert np.allclose(np.diag(similarity), 1.0)
    assert np.allclose(np.diag(similarity, 4), 1.0, atol=1e-5)


def test_analysis_reads_any_notes(rng: np.random.Generator) -> None:
    for _ in range(20):
        count = int(rng.integers(1, 200))
        onset, duration = rng.integers(0, 20_000, count), rng.integers(1, 9_000, count)
        score = Score(
            parts=(Part("", notes=make_notes(onset, duration, rng.integers(0, 128, count))),)
        )
        assert len(chords_per_half_bar(score)) == 2 * score.num_bars
        assert repeated_sections(score)[0].tick == 0
        assert -7 <= estimate_key(score).fifths <= 7
