"""What hands, strings and breath can do passes; what they cannot is found, at its place."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from leitmotiv.review import Finding, review_score
from leitmotiv.review.playing_checks import fits_hands, has_fingering
from leitmotiv.score import Part, Score, make_notes

BAR = 1920


def chords(program: int, *pitches: Sequence[int], name: str = "") -> Score:
    """One chord a bar."""
    onset = [BAR * bar for bar, chord in enumerate(pitches) for _ in chord]
    flat = [pitch for chord in pitches for pitch in chord]
    return Score(parts=(Part(name, program, notes=make_notes(onset, [960] * len(flat), flat)),))


def line(program: int, pitches: Sequence[int], ticks: int) -> Score:
    onsets = range(0, ticks * len(pitches), ticks)
    notes = make_notes(onsets, [ticks] * len(pitches), pitches)
    return Score(parts=(Part("", program, notes=notes),))


def named(score: Score, check: str) -> list[Finding]:
    return [finding for finding in review_score(score) if finding.check == check]


def test_two_hands_reach_two_tenths_and_no_three_octave_gap() -> None:
    assert fits_hands((36, 52, 60, 76))
    assert not fits_hands((36, 57, 78))
    assert fits_hands((36, 52), hands=1)
    assert not fits_hands((36, 53), hands=1)
    assert not fits_hands(tuple(range(60, 73)))  # more keys than fingers


def test_every_chord_that_fits_a_span_fits_a_wider_one() -> None:
    for chord in [(36, 40, 55, 72), (30, 50, 70, 90), (48, 64), (21, 108)]:
        fits = [fits_hands(chord, span=span) for span in range(0, 90, 3)]
        assert fits == sorted(fits)


def test_hand_stretch_is_found_where_it_is() -> None:
    score = chords(0, (36, 48, 60, 64), (36, 57, 78), (48, 60))
    (found,) = named(score, "hand stretch")
    assert (found.severity, found.bar_index, found.tick, found.pitch) == ("warning", 1, BAR, 78)
    assert not named(chords(48, (36, 57, 78)), "hand stretch")  # strings have many hands


def test_one_hand_on_a_stave_of_its_own() -> None:
    right = chords(0, (60, 84), name="Right hand").parts[0]
    left = chords(0, (36, 48), name="Left hand").parts[0]
    found = named(Score(parts=(right, left)), "hand stretch")
    assert [(f.part_index, f.severity) for f in found] == [(0, "warning")]


@pytest.mark.parametrize("voicing", [
    (40, 47, 52, 56, 59, 64), (48, 52, 55, 60, 64), (41, 48, 53, 57, 60, 65), (45, 64),
])  # fmt: skip
def test_chords_that_guitarists_play_have_fingerings(voicing: tuple[int, ...]) -> None:
    assert has_fingering(voicing)
    assert not named(chords(24, voicing), "guitar voicing")


@pytest.mark.parametrize("voicing", [
    (52, 53, 54, 55), (40, 41), (43, 81), (40, 45, 50, 55, 59, 64, 67),
])  # fmt: skip
def test_voicings_that_no_left_hand_finds(voicing: tuple[int, ...]) -> None:
    found = named(chords(24, (40, 64), voicing), "guitar voicing")
    assert [finding.bar_index for finding in found] == [1]
    assert not named(chords(0, (40, 64), voicing), "guitar voicing")


def test_a_guitar_tuned_down_is_not_judged() -> None:
    assert not named(chords(30, (33, 35, 36)), "guitar voicing")
    assert not named(chords(24, (38, 45, 50, 57, 62, 66)), "guitar voicing")  # dropped D


def test_stops_lie_on_neighbouring_strings() -> None:
    assert not named(chords(40, (55, 62, 71, 79)), "unplayable chord")
    assert named(chords(40, (55, 57)), "unplayable chord")  # one string, two notes
    assert not named(chords(40, (55, 57), name="Violins"), "unplayable chord")  # they divide


def test_two_players_on_a_stave_of_anybody_are_no_fault() -> None:
    thirds = [(60 + step, 64 + step) for step in (0, 2, 4, 5, 7, 5, 4, 2)]
    assert not named(chords(68, *thirds), "unplayable chord")
    single = [(60 + step,) for step in (0, 2, 4, 5, 7, 5, 4, 2)] * 3
    assert named(chords(68, *single, (60, 64)), "unplayable chord")


def test_fast_leaps_in_a_row_are_found_and_slow_ones_are_not() -> None:
    pitches = [62, 80] * 6
    found = named(line(73, pitches, 120), "fast leaps")
    assert [(f.severity, f.bar_index, f.tick) for f in found] == [("warning", 0, 0)]
    assert not named(line(73, pitches, 480), "fast leaps")
    assert not named(line(73, [72, 74] * 6, 120), "fast leaps")


def test_two_hands_that_take_turns_do_not_leap() -> None:
    assert not named(line(0, [40, 76, 43, 79] * 4, 120), "fast leaps")
    assert named(line(0, [30, 60, 92, 60, 30, 60, 92, 60] * 2, 60), "fast leaps")
