"""The knob from conventional to adventurous moves every option one way, and the music with it."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from leitmotiv.compose import ComposeOptions, compose
from leitmotiv.compose.adventure import adventure_options
from leitmotiv.pipeline import plan_brief
from leitmotiv.review.statistics import score_statistics


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
def test_adventurous_pieces_leave_chords_and_scale_more_often() -> None:
    plans = [plan_brief("a piano piece in C major, 16 bars", seed=seed) for seed in range(4)]

    def figure(adventure: float, name: str) -> float:
        options = adventure_options(adventure)
        scores = [compose(p, options=options, rng=np.random.default_rng(1)) for p in plans]
        return float(np.mean([score_statistics(score)[name] for score in scores]))

    for name in ("chord_tone_share", "scale_share"):
        assert figure(1.0, name) < figure(0.0, name)
