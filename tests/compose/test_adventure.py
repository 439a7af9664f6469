"""The knob from conventional to adventurous moves every option one way, and the music with it."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from leitmotiv.compose import ComposeOptions, compose
from leitmotiv.compose.adventure import adventure_options
from leitmotiv.pipeline import plan_brief
from leitmotiv.review.diversity import measure_diversity, piece_figures


def test_every_option_moves_one_way_and_the_middle_changes_nothing() -> None:
    assert adventure_options(0.5) == ComposeOptions()
    writers = [adventure_options(value).writer for value in (0.0, 0.25, 0.5, 0.75, 1.0)]
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
        adventure_options(adventure)


@pytest.mark.slow
def test_adventurous_pieces_of_one_brief_share_fewer_rhythms() -> None:
    plans = [plan_brief("a wistful waltz for piano, 16 bars", seed=seed) for seed in range(4)]

    def likeness(adventure: float) -> dict[str, float]:
        options = adventure_options(adventure)
        scores = [
            compose(plan, options=options, rng=np.random.default_rng(seed))
            for seed, plan in enumerate(plans)
        ]
        found = measure_diversity([piece_figures(score) for score in scores])
        return {item.aspect: item.pairs for item in found}

    safe, adventurous = likeness(0.0), likeness(1.0)
    assert adventurous["rhythm"] < safe["rhythm"]
    assert adventurous["melody"] <= safe["melody"]  # four short pieces may share none at all
