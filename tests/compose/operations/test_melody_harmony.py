"""Chords under a tune fit it, open and close at home, and make a bass line."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from leitmotiv.compose.operations.melody_harmony import (
    chords_for_melody,
    melody_keys,
    with_tune_harmony,
)
from leitmotiv.compose.operations.reading import Reading, read_plan
from leitmotiv.score import KeyChange, Part, Score, make_notes
from leitmotiv.theory import ChordSymbol, Key

from .scores import song, tune_part


def tune(pitches: list[int], lengths: list[float], key: str) -> Score:
    ticks = [round(480 * length) for length in lengths]
    onset = np.cumsum([0, *ticks[:-1]]).tolist()
    part = Part("Tune", 73, role="melody", notes=make_notes(onset, ticks, pitches))
    return Score((part,), keys=(KeyChange(0, Key.parse(key)),))


def chords_of(score: Score, seed: int = 1) -> tuple[Reading, list[ChordSymbol]]:
    reading = read_plan(score)
    keys = melody_keys(score, range(reading.plan.num_bars))
    rng = np.random.default_rng(seed)
    return reading, chords_for_melody(reading, 0, rng, keys=keys)[0]


def test_a_tune_that_opens_and_closes_on_the_tonic_does_so_in_its_chords() -> None:
    score = song().with_parts([replace(tune_part(), role="melody")])
    for seed in range(8):
        chords = chords_of(score, seed)[1]
        assert (str(chords[0]), str(chords[-1])) == ("G:maj", "G:maj")
        assert chords[-3].root_pitch_class in (2, 6)  # D or its leading-note chord leads there


def test_two_bar_groups_do_not_force_dominants_under_a_tonic() -> None:
    # A jig's first bar is its tonic triad; it must not be taken for the dominant of bar 2.
    triad = [74, 69, 66, 69, 74, 78] * 2 + [76, 73, 69, 69, 73, 76] + [74, 78, 74, 74, 69, 66]
    score = replace(tune(triad, [0.5] * 24, "D major"), length_ticks=12 * 480)
    for seed in range(8):
        assert str(chords_of(score, seed)[1][0]) == "D:maj"


def test_notes_outside_the_key_find_a_chord_that_holds_them() -> None:
    # C major with an F sharp that leads to G: the dominant of the dominant.
    score = tune([64, 67, 72, 67, 69, 66, 69, 66, 67, 67, 72], [1] * 8 + [2, 2, 4], "C major")
    chords = chords_of(score)[1]
    assert 6 in chords[2].pitch_classes or 6 in chords[3].pitch_classes


def test_the_bass_moves_where_the_chords_do() -> None:
    score = song().with_parts([replace(tune_part(), role="melody")])
    chords = chords_of(score)[1]
    moves = [(a, b) for a, b in itertools.pairwise(chords) if a != b]
    still = [a for a, b in moves if a.bass_pitch_class == b.bass_pitch_class]
    assert len(moves) >= 6
    assert len(still) <= 1


def test_the_stated_key_is_believed_and_nothing_modulates_in_a_bare_tune() -> None:
    # A tune in E flat that begins by circling round C minor's triad.
    pitches = [75, 72, 67, 72, 75, 72, 67, 72, 70, 74, 72, 70, 75]
    score = tune(pitches, [1] * 12 + [4], "Eb major")
    keys = melody_keys(score, range(4))
    assert {key.fifths for key in keys} == {-3}
    assert len({str(key) for key in keys}) == 1


def test_a_bare_tune_is_read_with_the_harmony_that_it_implies() -> None:
    bare = song().with_parts([tune_part()])
    reading = with_tune_harmony(bare, read_plan(bare))
    assert reading.plan.chord_at(0).root_pitch_class == 7
    assert reading.plan.chord_at(7).root_pitch_class == 7
    together = read_plan(song())
    assert with_tune_harmony(song(), together) is together
