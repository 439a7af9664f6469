"""Forms tile any number of bars with sensible phrases."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leitmotiv.plan.form import DEVELOPED, grow_form, make_form, tile_phrases
from leitmotiv.plan.vocabulary import form_names

FORMS = st.sampled_from([*form_names(), "ABA", "AABBA", "ABACADA"])


@given(st.integers(1, 2000), FORMS, st.integers(0, 100), st.sampled_from([4, 8]))
def test_sections_and_phrases_add_up(num_bars: int, form: str, seed: int, unit: int) -> None:
    sections = make_form(num_bars, form, np.random.default_rng(seed), phrase_bars=unit)
    assert sum(section.num_bars for section in sections) == num_bars
    for index, section in enumerate(sections):
        assert sum(phrase.num_bars for phrase in section.phrases) == section.num_bars
        assert section.returns_to is None or section.returns_to < index
        if section.returns_to is not None:
            assert sections[section.returns_to].letter == section.letter
            assert 0 < section.edit_share < 1


@given(st.integers(1, 2000), st.sampled_from([4, 8]))
def test_phrases_are_three_to_eight_bars(num_bars: int, unit: int) -> None:
    lengths = tile_phrases(num_bars, unit)
    assert sum(lengths) == num_bars
    assert all(3 <= length <= 8 for length in lengths) or num_bars < 3


@given(st.integers(2, 400), FORMS, st.integers(0, 50))
def test_the_last_phrase_closes_except_in_loops(num_bars: int, form: str, seed: int) -> None:
    sections = make_form(num_bars, form, np.random.default_rng(seed))
    expected = "half" if form == "loop" else "authentic"
    last = sections[-1].phrases[-1]
    assert last.cadence == (expected if last.num_bars > 1 else "none")


def test_common_lengths_read_as_a_musician_expects() -> None:
    def letters(num_bars: int, form: str) -> list[tuple[str, int]]:
        sections = make_form(num_bars, form, np.random.default_rng(0))
        return [(section.letter, section.num_bars) for section in sections]

    assert letters(24, "ternary") == [("A", 8), ("B", 8), ("A", 8)]
    assert letters(32, "AABA") == [("A", 8), ("A", 8), ("B", 8), ("A", 8)]
    assert letters(16, "period") == [("A", 16)]
    assert letters(28, "ternary") == [("A", 8), ("B", 8), ("A", 8), ("Z", 4)]
    assert letters(24, "blues") == [("A", 12), ("A", 12)]
    assert letters(36, "verse-chorus")[0] == ("I", 4)
    assert letters(1, "rondo") == [("A", 1)]


@pytest.mark.parametrize("form", form_names())
def test_long_pieces_keep_sections_short_enough_to_follow(form: str) -> None:
    sections = make_form(1000, form, np.random.default_rng(1))
    assert max(section.num_bars for section in sections) <= 24


@given(st.integers(1, 2000), FORMS)
def test_labels_are_short_and_never_read_like_chords(num_bars: int, form: str) -> None:
    sections = make_form(num_bars, form, np.random.default_rng(0))
    for section in sections:
        assert 1 <= len(section.label) <= 20
        assert re.fullmatch(r"Intro|Coda|Outro|[A-F](?:'{0,3}|'\d+)", section.label)
    labels = [section.label for section in sections]
    assert len(set(labels)) == len(labels)


@given(st.integers(1, 400), st.integers(0, 50))
def test_developed_forms_still_add_up(num_bars: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    form = grow_form("ternary", num_bars, rng)
    sections = make_form(num_bars, form, rng, developed=True, open_phrases=True)
    assert sum(section.num_bars for section in sections) == num_bars
    for section in sections:
        assert sum(phrase.num_bars for phrase in section.phrases) == section.num_bars
        assert section.returns_to is None or section.edit_share >= DEVELOPED
    assert sections[-1].phrases[-1].cadence == "authentic" or sections[-1].phrases[-1].num_bars == 1


def test_longer_pieces_seldom_say_one_theme_three_times() -> None:
    grown = [grow_form("ternary", 32, np.random.default_rng(seed)) for seed in range(60)]
    assert max(form.count("A") for form in grown) == 2
    assert {"ABCA", "ABAC", "ABCD"} == set(grown)
    assert grow_form("ternary", 12, np.random.default_rng(0)) == "ternary"
    assert grow_form("rondo", 32, np.random.default_rng(0)) == "rondo"


def test_phrases_of_developed_forms_are_not_all_square() -> None:
    lengths = [
        tuple(phrase.num_bars for phrase in section.phrases)
        for seed in range(40)
        for section in make_form(32, "ABCA", np.random.default_rng(seed), developed=True)
    ]
    assert {(4, 4), (5, 3), (3, 5)} <= set(lengths)
    square = [all(length in (2, 4, 8) for length in section) for section in lengths]
    assert 0.4 < np.mean(square) < 0.95
