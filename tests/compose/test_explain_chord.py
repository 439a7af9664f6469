"""An explanation of a chord names who chose it and how usual it is."""

from __future__ import annotations

import pytest

from leitmotiv.compose.explain_chord import explain_chords, explain_heard_chords
from leitmotiv.plan import Plan
from leitmotiv.score import Part, Score, make_notes
from leitmotiv.theory import Key

from .plans import QUARTET, make_plan

PLAN = make_plan(
    parts=QUARTET,
    genre="classical",
    key="C major",
    num_bars=8,
    progression=("I", "IV", "V7", "I"),
)


def change(plan: Plan, bar: int, symbol: str) -> Plan:
    """The plan after a person edited the chord of one bar."""
    planned = tuple(chord.symbol for chord in plan.chords)
    chords = tuple(
        chord.model_copy(update={"symbol": symbol}) if chord.bar_index == bar else chord
        for chord in plan.chords
    )
    return plan.replace(chords=chords, chords_as_planned=planned)


def test_a_chord_is_the_goal_of_its_phrase_or_a_step_to_it() -> None:
    (step,), (goal,) = explain_chords(PLAN, 1), explain_chords(PLAN, 3)
    assert step["roman"] == "IV"
    assert "step" in step["because"]
    assert goal["because"] == "goal of the phrase: authentic cadence"


def test_a_chord_that_a_person_changed_says_so() -> None:
    (record,) = explain_chords(change(PLAN, 1, "A:min"), 1)
    assert record["because"] == "a person put it in the place of F:maj"
    assert record["roman"] == "vi"


def test_given_chords_are_the_briefs() -> None:
    given = PLAN.replace(brief=PLAN.brief.model_copy(update={"chords": ("C:maj",)}))
    assert explain_chords(given, 1)[0]["because"] == "the brief gives it"


def test_the_learned_chance_names_the_chords_before_and_is_a_share() -> None:
    (record,) = explain_chords(PLAN, 3)
    learned = record["learned"]
    assert learned["after"] == ["IV", "V7"]
    total = learned["chance"] + sum(other["chance"] for other in learned["others"])
    assert 0 < learned["chance"] <= total <= 1 + 1e-6
    assert record["roman"] not in [other["roman"] for other in learned["others"]]


def test_a_usual_chord_is_likelier_than_an_odd_one() -> None:
    (odd,) = explain_chords(change(PLAN, 3, "E:maj"), 3)
    (usual,) = explain_chords(PLAN, 3)
    assert "learned" not in odd or odd["learned"]["chance"] < usual["learned"]["chance"]


def test_a_chord_that_goes_on_was_not_chosen_again() -> None:
    held = change(PLAN, 1, "C:maj")  # bar 1 holds it already
    assert "learned" not in explain_chords(held, 1)[0]


@pytest.mark.parametrize("bar", [0, 1])
def test_chords_of_music_made_elsewhere_are_heard(bar: int) -> None:
    pitches = [60, 64, 67, 53, 57, 60]
    notes = make_notes([0, 0, 0, 1920, 1920, 1920], [1920] * 6, pitches)
    score = Score(parts=(Part("Piano", 0, notes=notes),))
    (record,) = explain_heard_chords(score, bar, Key.parse("C major"))
    assert (record["roman"], record["because"]) == (("I", "IV")[bar], "heard in the notes")
    assert 0 < record["learned"]["chance"] < 1
