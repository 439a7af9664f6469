"""The chord model is a distribution, keeps to what is fixed, and leans where it is told."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from leitmotiv.errors import PlanError
from leitmotiv.plan.chord_model import GROUP_OF_HARMONY, Leaning, chord_model
from leitmotiv.plan.harmony import HarmonyBook
from leitmotiv.plan.vocabulary import load_data
from leitmotiv.theory import Key, Mode, roman_to_chord

MODES = (Mode.MAJOR, Mode.MINOR)
FEW = {
    Mode.MAJOR: frozenset(["I", "I6", "V", "V7", "IV", "ii6", "vi", "V7/V"]),
    Mode.MINOR: frozenset(["i", "i6", "V", "V7", "iv", "iio6", "VI"]),
}


@pytest.mark.parametrize("mode", MODES)
def test_every_row_of_steps_sums_to_one(mode: Mode) -> None:
    model = chord_model(mode, FEW[mode])
    for leaning in (Leaning(), Leaning("hymn"), Leaning("song", -0.8, 0.5)):
        for place in (None, 0, 3, 7):
            assert np.allclose(model.steps(leaning, place).sum(axis=-1), 1.0)


@pytest.mark.parametrize("mode", MODES)
def test_every_chord_of_the_model_can_be_read(mode: Mode) -> None:
    for name in chord_model(mode).names:
        roman_to_chord(name, Key.parse(f"D {mode.value}"))


@pytest.mark.parametrize("mode", MODES)
def test_drawn_lines_keep_to_fixed_chords_and_never_stand_still(mode: Mode) -> None:
    model = chord_model(mode, FEW[mode])
    rng = np.random.default_rng(3)
    tonic = "I" if mode is Mode.MAJOR else "i"
    allowed = [np.ones(model.size) for _ in range(6)]
    allowed[0] = np.eye(model.size)[model.index[tonic]]
    allowed[3] = np.eye(model.size)[model.index["VI" if mode is Mode.MINOR else "vi"]]
    for _ in range(40):
        line = model.draw([1] * 6, rng, allowed=allowed, goal="V7")
        assert line is not None
        assert line[0] == tonic
        assert line[3] in ("vi", "VI")
        assert line[-1] != "V7"
        assert all(a != b for a, b in pairwise(line))


def test_conditioned_draws_follow_the_conditioned_chances() -> None:
    """An oracle: all lines of two chords before a goal, weighed by hand."""
    model = chord_model(Mode.MAJOR, frozenset(["I", "IV", "V"]))
    table, size = model.steps(), model.size
    exact = np.zeros((size, size))
    goal = model.index["V"]
    for a in range(size):
        for b in range(size):
            if a != b and b != goal:
                exact[a, b] = table[size, size, a] * table[size, a, b] * table[a, b, goal]
    # Standing still is cut before the chances are used, so only ratios within a row agree.
    exact /= exact.sum()
    rng = np.random.default_rng(0)
    counts = np.zeros((size, size))
    for _ in range(3000):
        line = model.draw([None, None], rng, goal="V")
        assert line is not None
        counts[model.index[line[0]], model.index[line[1]]] += 1
    assert np.allclose(counts / counts.sum(), exact, atol=0.04)


def test_impossible_lines_are_none_and_not_wrong() -> None:
    model = chord_model(Mode.MAJOR, FEW[Mode.MAJOR])
    rng = np.random.default_rng(0)
    assert model.draw([1, 1], rng, goal="no such chord") is None
    assert model.draw([1, 1], rng, allowed=[np.zeros(model.size)] * 2) is None
    assert model.draw([], rng) == []


def test_unknown_group_or_place_is_refused() -> None:
    model = chord_model(Mode.MAJOR, FEW[Mode.MAJOR])
    with pytest.raises(PlanError, match="group='polka' must be one of"):
        model.steps(Leaning("polka"))
    with pytest.raises(PlanError, match="place=9 must be between"):
        model.steps(place=9)


def test_unknown_chords_break_the_chain_and_are_not_scored() -> None:
    model = chord_model(Mode.MAJOR, FEW[Mode.MAJOR])
    found = model.log_probability(["I", "what", "IV", "V"], [0, 1, 1, 1])
    assert np.isnan(found).tolist() == [False, True, True, False]
    assert (found[[0, 3]] < 0).all()


def test_dark_moods_favour_darker_chords() -> None:
    """The minor subdominant in major stands in sadder pieces than the major one."""
    model = chord_model(Mode.MAJOR)
    dark, bright = (model.mood_tilt(Leaning(None, v, None)) for v in (-0.8, 0.8))
    ratio = dark / bright
    assert ratio[model.index["iv"]] > ratio[model.index["IV"]]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", sorted(load_data("harmony")["grammar"]))
def test_learned_walks_use_only_chords_of_their_book(name: str, mode: Mode) -> None:
    book = HarmonyBook.load(name, mode)
    grammar = book.grammar
    assert grammar is not None
    lists = load_data("harmony")["learned"]
    known = {*grammar.rows, *lists.get(name, lists["any"])[mode.value].split()}
    rng = np.random.default_rng(5)
    for _ in range(10):
        line = grammar.walk({grammar.tonic: 1.0}, 7, "V7", rng, [0, 1, 1, 1, 1, 2, 2])
        assert line is not None
        assert set(line) <= known
    assert name not in GROUP_OF_HARMONY or GROUP_OF_HARMONY[name] in chord_model(mode).groups
