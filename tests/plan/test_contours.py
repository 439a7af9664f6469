"""Energy curves, cadences and ranges are read from words and stand in the plan."""

from __future__ import annotations

from itertools import combinations, groupby

import numpy as np
import pytest

from leitmotiv.errors import BriefError
from leitmotiv.plan import make_plan, parse_brief
from leitmotiv.plan.vocabulary import vocabulary


def test_every_curve_and_cadence_of_the_vocabulary_is_understood() -> None:
    words = vocabulary()
    for phrase, name in words.energy_words.items():
        brief = parse_brief(f"waltz, {phrase}")
        assert brief.energy == words.energies[name], phrase
        assert brief.not_understood == (), phrase
    for word, name in words.cadence_words.items():
        assert parse_brief(f"waltz, ends with a {word} cadence").last_cadence == name, word


def test_the_energy_of_the_sections_follows_the_curve() -> None:
    brief = parse_brief("waltz, 32 bars, ABACA, energy: 0.2 1 0.4")
    plan = make_plan(brief, np.random.default_rng(1))
    energies = [section.energy for section in plan.sections]
    assert energies[0] == 0.2
    assert energies[-1] == 0.4
    assert energies[0] < energies[1] < energies[2] > energies[3] > energies[-1]


def test_cadences_close_the_phrases_in_turn() -> None:
    brief = parse_brief(
        "hymn in G major, 16 bars, cadences: half, plagal; ends with a plagal cadence"
    )
    plan = make_plan(brief, np.random.default_rng(3))
    phrases = [phrase for section in plan.sections for phrase in section.phrases]
    assert [phrase.cadence for phrase in phrases] == ["half", "plagal"] * (len(phrases) // 2)


@pytest.mark.parametrize(
    "text", ["flute from C5 to C7", "flute (C5-C7)", "a flute in the range C5..C7", "flute, C5"]
)
def test_a_range_holds_for_its_instrument(text: str) -> None:
    brief = parse_brief(f"waltz for {text} and cello")
    if text == "flute, C5":
        assert brief.ranges == ()
        return
    assert [(r.instrument, r.low, r.high) for r in brief.ranges] == [("Flute", 72, 96)]


def test_a_part_keeps_to_the_range_it_was_given() -> None:
    brief = parse_brief("waltz for violin from G4 to D6 and cello")
    plan = make_plan(brief, np.random.default_rng(1))
    assert [(p.low, p.high) for p in plan.parts if p.instrument == "Violin"] == [(67, 86)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("waltz, energy: 0.2 1.4", "from 0 .still. to 1 .climax."),
        ("waltz, cadences: half, blue", "must be one of authentic, half, deceptive, plagal"),
        ("waltz for flute from C5 to D5", "at least 7 semitones"),
        ("waltz for flute from C1 to C3", "must lie between C4 and A6"),
    ],
)
def test_impossible_shapes_give_one_line(text: str, message: str) -> None:
    with pytest.raises(BriefError, match=message) as error:
        make_plan(parse_brief(text), np.random.default_rng(1))
    assert "\n" not in str(error.value)


def test_every_word_of_the_range_is_understood_and_degrees_scale_it() -> None:
    words = vocabulary()
    for phrase, name in words.adventure_words.items():
        brief = parse_brief(f"waltz, {phrase}")
        assert brief.adventure == words.adventures[name], phrase
        assert brief.not_understood == (), phrase
    plain, very, bit, negated = (
        parse_brief(f"a {words} waltz").adventure
        for words in ("adventurous", "very adventurous", "slightly adventurous", "not adventurous")
    )
    assert negated is not None
    assert very is not None
    assert negated < 0.5 < (bit or 0) < (plain or 0) < very


def test_the_range_may_be_a_number_and_stands_in_the_plan() -> None:
    brief = parse_brief("waltz, adventure: 70 %")
    assert brief.adventure == 0.7
    assert make_plan(brief, np.random.default_rng(1)).adventure == 0.7
    assert make_plan(parse_brief("waltz"), np.random.default_rng(1)).adventure == 0.5
    with pytest.raises(BriefError, match=r"adventure=1.5 must be between 0 .conventional. and 1"):
        parse_brief("waltz, adventure: 1.5")


def test_adventurous_plans_of_one_brief_share_fewer_chord_successions() -> None:
    def likeness(adventure: float) -> float:
        brief = parse_brief("classical piece in C major, 16 bars, through-composed")
        found = []
        for seed in range(16):
            plan = make_plan(brief.replace(adventure=adventure), np.random.default_rng(seed))
            line = [chord for chord, _ in groupby(chord.symbol for chord in plan.chords)]
            found.append(set(zip(line, line[1:], line[2:], strict=False)))
        shared = [2 * len(a & b) / (len(a) + len(b)) for a, b in combinations(found, 2)]
        return float(np.mean(shared))

    assert likeness(1.0) < likeness(0.5) < likeness(0.0)


@pytest.mark.parametrize(
    ("text", "complexity", "intensity"),
    [
        ("rock with busy drums", 0.85, None),
        ("rock, sparse drums", 0.1, None),
        ("jazz trio with gentle, sparse drumming", 0.1, 0.25),
        ("funk, hard and busy drums", 0.85, 0.9),
    ],
)
def test_words_before_drums_say_how_they_are_played(
    text: str, complexity: float, intensity: float | None
) -> None:
    brief = parse_brief(text)
    assert brief.drums is not None
    assert (brief.drums.complexity, brief.drums.intensity) == (complexity, intensity)
    assert not brief.not_understood


def test_a_soft_piece_without_drums_says_nothing_of_a_drummer() -> None:
    assert parse_brief("soft waltz, no drums").drums is None
