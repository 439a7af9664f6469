"""Absurd pieces are named as such; the same piece has the same fingerprint in any clothes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leitmotiv.corpus.cleaning import MAX_BARS, fingerprint, reason_to_quarantine
from leitmotiv.score import MeterChange, Part, Score, TempoMap, make_notes
from leitmotiv.score.midi import midi_bytes, parse_midi
from leitmotiv.theory import Meter

from .makers import melody


def score_of(onsets, pitches, **options) -> Score:
    notes = make_notes(onsets, [120] * len(onsets), pitches)
    return Score(parts=(Part("Flute", program=73, notes=notes, **options),))


@pytest.mark.parametrize(
    ("score", "reason"),
    [
        (Score(), "empty: no notes"),
        (score_of([0], [60]), "only 1 note; 8 are the least"),
        (score_of([0] * 9, range(60, 69)), "all 9 notes start at tick 0"),
        (score_of(range(0, 4800, 480), [60] * 10), "all 10 notes are of pitch 60"),
        (score_of([*range(0, 3840, 480), 1920 * MAX_BARS + 1], range(60, 69)), "10000 bars"),
        (score_of(range(9), range(60, 69)), "notes a quarter; 400 are the most"),
        (score_of(range(0, 480 * 900, 480 * 100), range(60, 69)), "a note only every 89 quarters"),
    ],
)
def test_absurd_pieces_have_a_reason(score: Score, reason: str) -> None:
    assert reason in (reason_to_quarantine(score) or "")


def test_a_tune_and_a_drum_beat_are_not_absurd() -> None:
    assert reason_to_quarantine(melody(1)) is None
    beat = make_notes(range(0, 3840, 240), [60] * 16, [42] * 16)
    assert reason_to_quarantine(Score(parts=(Part("Drums", is_drum=True, notes=beat),))) is None


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 50),
    shift=st.integers(-24, 24),
    factor=st.sampled_from([1, 2, 3, 5]),
    late=st.integers(0, 2000),
    qpm=st.floats(30, 300),
)
def test_transposition_tempo_and_note_values_keep_the_fingerprint(
    seed: int, shift: int, factor: int, late: int, qpm: float
) -> None:
    score = melody(seed)
    notes = score.parts[0].notes.copy()
    notes["pitch"] = notes["pitch"].astype(int) + shift
    notes["onset"] = notes["onset"] * factor + late
    notes["velocity"] = 31
    other = Score((Part("Oboe", program=68, notes=notes),), TempoMap((0,), (qpm,)))
    assert fingerprint(other) == fingerprint(score)


@pytest.mark.parametrize("division", [96, 120, 384, 960])
def test_another_resolution_keeps_the_fingerprint(division: int) -> None:
    triplets = score_of([0, 160, 320, 480, 720, 960, 1120, 1280, 1440], range(60, 69))
    data = bytearray(midi_bytes(triplets))
    plain = fingerprint(parse_midi(bytes(data)))
    notes = triplets.parts[0].notes.copy()
    notes["onset"] = np.round(np.round(notes["onset"] * division / 480) * 480 / division)
    assert fingerprint(triplets.with_part(0, replace(triplets.parts[0], notes=notes))) == plain


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 30), note=st.integers(0, 23), change=st.sampled_from([-3, -1, 1, 4]))
def test_one_other_note_changes_the_fingerprint(seed: int, note: int, change: int) -> None:
    score = melody(seed)
    notes = score.parts[0].notes.copy()
    notes["pitch"][note] = int(notes["pitch"][note]) + change
    assert fingerprint(score.with_part(0, Part("Flute", notes=notes))) != fingerprint(score)


def test_another_rhythm_changes_the_fingerprint() -> None:
    even = score_of(range(0, 3840, 480), range(60, 68))
    uneven = score_of([0, 960, 1440, 1920, 2400, 2880, 3360, 3600], range(60, 68))
    assert fingerprint(even) != fingerprint(uneven)


def test_the_division_into_parts_and_doubled_unisons_do_not_count() -> None:
    score = melody(3)
    notes = score.parts[0].notes
    split = Score(parts=(Part("A", notes=notes[::2]), Part("B", notes=notes)))
    assert fingerprint(split) == fingerprint(score)


def test_drums_are_not_transposed() -> None:
    beats = [
        Score(parts=(Part("D", is_drum=True, notes=make_notes(range(0, 960, 120), 60, key)),))
        for key in ([36, 42] * 4, [38, 44] * 4)
    ]
    assert fingerprint(beats[0]) != fingerprint(beats[1])


def test_meter_does_not_count() -> None:
    score = melody(4)
    waltz = Score(score.parts, meters=(MeterChange(0, Meter(3, 4)),))
    assert fingerprint(waltz) == fingerprint(score)
