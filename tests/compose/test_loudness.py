"""Learned loudness follows the music: high and thick bars are louder."""

from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.compose.loudness import loudness_contour
from leitmotiv.compose.perform import perform
from leitmotiv.score import Part, Score, make_notes

from .plans import PIANO, make_plan


def climb(num_bars: int = 16, *, voices: int = 1, velocity: int = 80) -> Score:
    """Four quarters a bar, rising by a tone a bar to the middle of the piece and falling again."""
    height = [60 + 2 * min(bar, num_bars - 1 - bar) for bar in range(num_bars)]
    onsets = [480 * beat for beat in range(4 * num_bars) for _ in range(voices)]
    pitches = [height[beat // 4] + 4 * v for beat in range(4 * num_bars) for v in range(voices)]
    notes = make_notes(onsets, [480] * len(onsets), pitches)
    notes["velocity"] = velocity
    return Score((Part("Piano", 0, role="melody", notes=notes),))


PLAN = make_plan(parts=PIANO[:1], genre="classical", energies=(0.5,), textures=("full",))


def test_a_climb_grows_to_its_top_and_falls_again() -> None:
    contour = loudness_contour(climb(), PLAN)
    assert contour.shape == (16,)
    assert np.all(np.diff(contour[:8]) >= 0)
    assert np.all(np.diff(contour[8:]) <= 0)
    assert contour[7] > max(contour[0], contour[-1]) + 3


def test_thick_bars_are_louder_than_thin_ones() -> None:
    thin, thick = (loudness_contour(climb(8, voices=n), PLAN) for n in (1, 3))
    assert np.all(thick > thin + 1)


def test_velocities_that_stand_in_the_score_are_not_read() -> None:
    soft, loud = (loudness_contour(climb(velocity=v), PLAN) for v in (30, 110))
    np.testing.assert_array_equal(soft, loud)


def test_a_bar_that_changes_leaves_the_others_alone() -> None:
    notes = climb().parts[0].notes.copy()
    notes["pitch"][4 * 5 : 4 * 6] += 12
    change = loudness_contour(Score((Part("Piano", 0, notes=notes),)), PLAN) != (
        loudness_contour(climb(), PLAN)
    )
    assert np.flatnonzero(change).tolist() == [5]


def test_silence_and_drums_are_played_as_planned() -> None:
    assert not loudness_contour(Score(()), PLAN).any()
    notes = make_notes([0, 480, 1920, 3840], [120] * 4, [36, 38, 36, 49])
    assert not loudness_contour(Score((Part("Drums", 0, True, "drums", notes),)), PLAN).any()


@pytest.mark.parametrize("pitch", [0, 24, 100, 127])
def test_no_contour_overrules_the_plan(pitch: int) -> None:
    score = Score((Part("Piano", 0, notes=make_notes([0, 0, 0], [1920] * 3, [pitch] * 3)),))
    assert np.abs(loudness_contour(score, PLAN)).max() <= 12


def test_a_performance_is_louder_where_the_music_climbs() -> None:
    velocity = perform(climb(), PLAN, rng=np.random.default_rng(0)).parts[0].notes["velocity"]
    bars = velocity.reshape(16, 4).mean(axis=1)
    assert bars[6:10].mean() > bars[[0, 1, 14, 15]].mean() + 6
