"""A continuation begins where the piece ends and leaves the piece alone."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from leitmotiv.compose import WriterOptions
from leitmotiv.compose.operations import continue_score, read_plan
from leitmotiv.errors import ComposeError
from leitmotiv.score import Origin, Score

from .scores import song

QUICK = WriterOptions(num_candidates=3, num_accompaniments=2)
BAR = 1920


@lru_cache
def longer() -> Score:
    return continue_score(song(), 8, rng=np.random.default_rng(1), options=QUICK)


def test_the_given_bars_come_first_bit_for_bit() -> None:
    assert longer().num_bars == 16
    for old, new in zip(song().parts, longer().parts, strict=True):
        assert new.notes[: len(old.notes)].tobytes() == old.notes.tobytes()
        assert (new.notes["onset"][len(old.notes) :] >= 8 * BAR).all()


def test_every_part_goes_on_and_the_opening_is_recalled() -> None:
    for part in longer().parts:
        fresh = part.notes[part.notes["onset"] >= 8 * BAR]
        assert len(np.unique(fresh["onset"] // BAR)) >= 7
        assert Origin.HUMAN not in fresh["origin"]
    opening = longer().parts[0].notes
    recalled = opening[(opening["onset"] >= 8 * BAR) & (opening["onset"] < 10 * BAR)]
    assert set(recalled["origin"].tolist()) == {Origin.THEME}
    first = opening[opening["onset"] < 2 * BAR]
    assert (recalled["onset"] - 8 * BAR).tolist() == first["onset"].tolist()


def test_the_last_bar_is_a_cadence_on_the_tonic() -> None:
    plan = read_plan(longer()).plan
    assert plan.chord_at(15).root_pitch_class == 7
    assert plan.chord_at(14, 1).root_pitch_class in (2, 6)
    assert int(longer().parts[2].notes["pitch"][-1]) % 12 == 7


@pytest.mark.parametrize("bars", [0, -4, 5000])
def test_impossible_lengths_are_refused(bars: int, rng: np.random.Generator) -> None:
    with pytest.raises(ComposeError, match="must be between 1 and"):
        continue_score(song(), bars, rng=rng)


def test_an_empty_score_is_refused(rng: np.random.Generator) -> None:
    with pytest.raises(ComposeError, match="empty"):
        continue_score(Score(), 4, rng=rng)
