"""An imitation shares with its models what can be counted, and no notes."""

from __future__ import annotations

import json
from itertools import pairwise

import numpy as np
import pytest

from leitmotiv.compose import WriterOptions
from leitmotiv.compose.operations import imitate, imitation_plan, read_manner
from leitmotiv.errors import ComposeError
from leitmotiv.score import Origin, Score

from .scores import song

QUICK = WriterOptions(num_candidates=2, num_accompaniments=1)


def test_a_manner_is_plain_data() -> None:
    manner = read_manner([song(), song(repeats=2)])
    assert manner.keys == ("G major", "G major")
    assert manner.lengths == (8, 16)
    assert manner.bpm == (96.0, 96.0)
    assert "5 maj" in manner.steps["major"]["0 maj"]
    assert json.loads(json.dumps(manner.to_dict()))["meters"] == ["4/4", "4/4"]


def test_the_plan_has_their_key_tempo_meter_and_players() -> None:
    plan = imitation_plan(read_manner([song()]), rng=np.random.default_rng(1))
    assert (plan.key, plan.meter, plan.num_bars) == ("G major", "4/4", 8)
    assert plan.bpm_at(0) == pytest.approx(96.0)
    assert {part.program for part in plan.parts} == {73, 24, 32}


def test_every_chord_step_is_one_of_theirs_until_the_cadence() -> None:
    manner = read_manner([song()])
    plan = imitation_plan(manner, num_bars=16, rng=np.random.default_rng(2))
    roots = [
        (plan.chord_at(bar, half).root_pitch_class - 7) % 12 for bar in range(14) for half in (0, 1)
    ]
    known = {
        (int(a.split()[0]), int(b.split()[0]))
        for a, row in manner.steps["major"].items()
        for b in row
    }
    for first, second in pairwise(roots):
        assert first == second or (first, second) in known


def test_no_note_is_taken_from_the_models() -> None:
    score = imitate([song()], num_bars=8, rng=np.random.default_rng(1), options=QUICK)
    assert score.num_bars == 8
    origins = np.unique(np.concatenate([part.notes["origin"] for part in score.parts]))
    assert Origin.HUMAN not in origins


def test_nothing_to_imitate_is_refused() -> None:
    with pytest.raises(ComposeError, match="no piece with notes"):
        read_manner([Score()])
    with pytest.raises(ComposeError, match="bars=0 must be between"):
        imitation_plan(read_manner([song()]), num_bars=0, rng=np.random.default_rng(1))
