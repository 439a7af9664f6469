"""Bits are counted once a note, add up, and do not depend on key or file order."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from leitmotiv.evaluation import BitCount, evaluate_score
from leitmotiv.models import load_model
from leitmotiv.models.evaluation import SessionScorer
from leitmotiv.score import KeyChange, MeterChange, Part, Score, make_notes
from leitmotiv.theory import Key, Meter
from leitmotiv.tokens.sequence import COLUMN

from .tokens.scores import quantised_scores


class OneBit:
    """A scorer to which every field of every event is one bit, and which keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[np.ndarray] = []

    def nats(
        self, events: np.ndarray, conditions: np.ndarray, time: np.ndarray, targets: np.ndarray
    ) -> np.ndarray:
        self.told.append(conditions)
        return (targets > 0) * math.log(2)


@given(quantised_scores())
@settings(max_examples=25, deadline=None)
def test_each_note_costs_three_answers_and_each_cell_an_end(score: Score) -> None:
    given_count, none_count = evaluate_score(OneBit(), score)
    for count in (given_count, none_count):
        assert count.num_notes == score.num_notes
        assert count.bits[1] == pytest.approx(score.num_notes)
        assert count.bits[2] == pytest.approx(score.num_notes)
        assert count.bits[0] > score.num_notes
        assert count.seconds == pytest.approx(score.duration_sec)


def waltz(semitones: int = 0, fifths: int = 0) -> Score:
    onset = np.arange(0, 48) * 480
    tune = make_notes(onset, [480] * 48, 60 + semitones + np.asarray([0, 4, 7, 12] * 12))
    bass = make_notes(onset[::3], [1440] * 16, [36 + semitones] * 16)
    return Score(
        parts=(Part("Violin", program=40, notes=tune), Part("Cello", program=42, notes=bass)),
        meters=(MeterChange(0, Meter(3, 4)),),
        keys=(KeyChange(0, Key.from_fifths(fifths, "major")),),
    )


def test_conditions_are_told_once_and_withheld_once() -> None:
    scorer = OneBit()
    evaluate_score(scorer, waltz())
    given_tables, none_tables = scorer.told[::2], scorer.told[1::2]
    assert all((table[:, COLUMN["program"]] > 0).all() for table in given_tables)
    for name in ("program", "chord", "density", "key" if "key" in COLUMN else "mode"):
        assert not any(table[:, COLUMN[name]].any() for table in none_tables)


def test_a_transposed_piece_costs_the_same_without_conditions() -> None:
    scorer = SessionScorer(load_model())
    _, first = evaluate_score(scorer, waltz())
    _, second = evaluate_score(scorer, waltz(2, 2))
    assert np.allclose(first.bits, second.bits)


def test_what_repeats_costs_less_than_what_does_not(rng: np.random.Generator) -> None:
    scorer = SessionScorer(load_model())
    plain = waltz()
    notes = plain.parts[0].notes.copy()
    notes["pitch"] = rng.integers(40, 90, len(notes))
    noise = plain.with_part(0, replace(plain.parts[0], notes=notes))
    for plain_count, noise_count in zip(
        evaluate_score(scorer, plain), evaluate_score(scorer, noise), strict=True
    ):
        assert plain_count.bits_per_note < 0.5 * noise_count.bits_per_note


def test_counts_add_and_nothing_is_no_number() -> None:
    first, _ = evaluate_score(OneBit(), waltz())
    both = first + first
    assert both.bits_per_note == pytest.approx(first.bits_per_note)
    assert both.bits_per_second == pytest.approx(first.bits_per_second)
    assert math.isnan(BitCount().bits_per_note)
    assert evaluate_score(OneBit(), Score())[0].num_notes == 0
