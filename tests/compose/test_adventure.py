"""The knob from conventional to adventurous moves every option one way, and the music with it."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from leitmotiv.compose import compose
from leitmotiv.compose.adventure import adventurous_writer
from leitmotiv.compose.writer import WriterOptions
from leitmotiv.pipeline import plan_brief
from leitmotiv.plan import Brief, Plan
from leitmotiv.review.diversity import measure_diversity, piece_figures


def test_every_option_moves_one_way_and_the_middle_changes_nothing() -> None:
    assert adventurous_writer(0.5) == WriterOptions()
    writers = [adventurous_writer(value) for value in (0.0, 0.25, 0.5, 0.75, 1.0)]
    for less, more in itertools.pairwise(writers):
        assert less.temperature < more.temperature
        assert less.min_p > more.min_p
        assert less.sketch_weight > more.sketch_weight
        assert less.num_candidates >= more.num_candidates >= 1
        assert less.guidance.chord_weight > more.guidance.chord_weight
        assert less.guidance.scale_weight > more.guidance.scale_weight


@pytest.mark.parametrize("adventure", [-0.01, 1.01, math.nan, math.inf])
def test_outside_its_range_it_is_refused(adventure: float) -> None:
    with pytest.raises(ValueError, match=r"must be between 0 .conventional. and 1"):
        adventurous_writer(adventure)


def test_the_plan_carries_it_and_composing_obeys_the_plan() -> None:
    brief = Brief(genre="waltz", key="D minor", num_bars=4, adventure=0.9)
    plan = plan_brief(brief, seed=3)
    assert plan.adventure == 0.9
    again = Plan.from_dict(plan.to_dict())

    def written(plan: Plan) -> list[bytes]:
        score = compose(plan, rng=np.random.default_rng(3))
        return [part.notes.tobytes() for part in score.parts]

    first = written(plan)
    assert written(again) == first
    assert written(plan.replace(adventure=0.1)) != first


@pytest.mark.slow
def test_adventurous_pieces_of_one_brief_share_fewer_rhythms() -> None:
    def likeness(adventure: float) -> dict[str, float]:
        brief = Brief(genre="waltz", instruments=("piano",), num_bars=16, adventure=adventure)
        scores = [
            compose(plan_brief(brief, seed=seed), rng=np.random.default_rng(seed))
            for seed in range(12)
        ]
        found = measure_diversity([piece_figures(score) for score in scores])
        return {item.aspect: item.pairs for item in found}

    safe, adventurous = likeness(0.0), likeness(1.0)
    assert adventurous["rhythm"] < safe["rhythm"]
    assert adventurous["melody"] <= safe["melody"]  # short pieces may share none at all
