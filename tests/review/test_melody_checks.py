"""The shape of melodies: what is remarked on, and what is human."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from leitmotiv.review import melody_profiles, read, review_score
from leitmotiv.score import Part, Score, make_notes

# Eight bars of "Ode to Joy" (Beethoven) in quarters and a few dotted ends.
ODE = [64, 64, 65, 67, 67, 65, 64, 62, 60, 60, 62, 64, 64, 62, 62] * 2
ODE_LENGTHS = [480] * 12 + [720, 240, 960]


def tune(pitches: Sequence[int], lengths: Sequence[int]) -> Score:
    onsets = [sum(lengths[:index]) for index in range(len(lengths))]
    notes = make_notes(onsets, lengths, pitches)
    return Score(parts=(Part("Tune", role="melody", notes=notes),))


def remarks(score: Score) -> list[str]:
    return [f.message for f in review_score(score) if f.check == "melody shape"]


def test_a_human_tune_is_not_remarked_on() -> None:
    score = tune(ODE, ODE_LENGTHS * 2)
    assert remarks(score) == []
    reading = read(score)
    (profile,) = melody_profiles(reading, reading.parts[0].top_line)
    assert profile.num_notes == 30
    assert profile.span == 7
    assert profile.rest_share == 0.0
    assert profile.strangeness < 2.5


@pytest.mark.parametrize(
    ("pitches", "words"),
    [
        ([60, 61] * 16, "stays within"),
        ([60] * 31 + [67], "repeated notes"),
        ([60, 72, 63, 76] * 8, "leaps"),
        ([60, 63, 67, 64] * 8, "hardly a step"),
        ([60, 62, 64, 65, 67, 69, 71, 72] * 4, "one rhythm"),
    ],
)
def test_odd_tunes_are_remarked_on(pitches: list[int], words: str) -> None:
    assert any(words in message for message in remarks(tune(pitches, [480] * 32)))


def test_odd_tunes_are_stranger_than_human_ones() -> None:
    def strangeness(score: Score) -> float:
        reading = read(score)
        return melody_profiles(reading, reading.parts[0].top_line)[0].strangeness

    human = strangeness(tune(ODE, ODE_LENGTHS * 2))
    assert strangeness(tune([60, 72, 63, 76] * 8, [480] * 32)) > 2 * human


def test_a_silent_tune_is_remarked_on() -> None:
    notes = make_notes([0, *range(1920, 1920 + 11 * 240, 240)], [240] * 12, range(60, 72))
    score = Score(parts=(Part("Tune", role="melody", notes=notes),), length_ticks=8 * 1920)
    assert any("silent" in message for message in remarks(score))


def test_short_passages_and_sparse_lines_have_no_profile() -> None:
    for score in (tune([60, 62, 64], [480] * 3), tune([60, 62], [7680, 7680])):
        reading = read(score)
        assert melody_profiles(reading, reading.parts[0].top_line) == ()
