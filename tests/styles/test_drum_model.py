"""The drum model and its grid: strokes land where they were played; the model knows a groove."""

from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.styles.drum_grid import PIECES, STRAIGHT, TERNARY, grid_from_notes
from leitmotiv.styles.drum_model import (
    DrumSetting,
    expression_features,
    load_drum_model,
    onset_features,
)

KICK, SNARE, HAT = (PIECES.index(name) for name in ("kick", "snare", "hat"))


def rock_beat(num_bars: int) -> np.ndarray:
    hits = np.zeros((16 * num_bars, len(PIECES)), dtype=bool)
    hits[::2, HAT] = True
    hits[4::8, SNARE] = True
    hits[::8, KICK] = True
    return hits


def test_a_recording_keeps_its_strokes_and_small_delays() -> None:
    late = 0.02
    onset = np.array([0.0, 1.0, 2.25, 3.0, 1.0 + late])
    keys = np.array([36, 36, 36, 36, 38])
    grid = grid_from_notes(onset, keys, np.full(5, 100), bpm=120.0)
    assert grid.steps_per_beat == STRAIGHT
    assert np.argwhere(grid.hits).tolist() == [[0, 0], [4, 0], [4, 1], [9, 0], [12, 0]]
    assert grid.offset[4, SNARE] == pytest.approx(late * STRAIGHT)


def test_a_constant_lag_is_no_groove() -> None:
    onset = np.arange(16) / 4
    straight = grid_from_notes(onset, np.full(16, 42), np.full(16, 80), bpm=90.0)
    lagging = grid_from_notes(onset + 0.03, np.full(16, 42), np.full(16, 80), bpm=90.0)
    assert np.array_equal(straight.hits, lagging.hits)
    assert np.allclose(straight.offset, lagging.offset, atol=1e-6)


def test_a_shuffle_stands_on_triplets() -> None:
    onset = np.sort(np.concatenate([np.arange(4), np.arange(4) + 2 / 3]))
    grid = grid_from_notes(onset, np.full(8, 51), np.full(8, 80), bpm=120.0)
    assert grid.steps_per_beat == TERNARY
    assert not grid.offset.any()


def test_an_empty_or_foreign_part_gives_an_empty_grid() -> None:
    grid = grid_from_notes(np.array([0.0]), np.array([60]), np.array([90]), bpm=100.0)
    assert grid.num_bars == 0


def test_the_model_expects_the_groove_to_go_on() -> None:
    hits = rock_beat(3)
    model, told = load_drum_model(), DrumSetting(("rock",), 110.0)
    for step in range(32, 48):
        features = onset_features(hits, step, told, STRAIGHT, False)
        chance = model.onset_probability(features, hits[step])
        struck, silent = chance[hits[step]], chance[[KICK, SNARE, HAT]][~hits[step, [0, 1, 2]]]
        if len(struck) and len(silent):
            assert struck.min() > silent.max()


def test_the_future_is_not_heard() -> None:
    told = DrumSetting(("funk",), 100.0)
    hits = rock_beat(2)
    other = hits.copy()
    other[20:] = ~other[20:]
    assert np.array_equal(
        onset_features(hits, 20, told, STRAIGHT, False),
        onset_features(other, 20, told, STRAIGHT, False),
    )


def test_backbeats_are_played_harder_than_ghosts_between_them() -> None:
    hits = rock_beat(4)
    hits[39, SNARE] = hits[41, SNARE] = True
    told = DrumSetting(("funk",), 100.0)

    def velocity(step: int) -> float:
        features = expression_features(hits, step, told, STRAIGHT, False)
        return float(load_drum_model().expression(features)[0, SNARE])

    assert velocity(36) > velocity(39) + 0.1
    assert velocity(44) > velocity(41) + 0.1


def test_the_data_file_credits_its_source_and_is_small() -> None:
    from importlib import resources

    meta = load_drum_model().meta
    assert "Gillick" in meta["attribution"]
    assert meta["licence_url"].startswith("https://creativecommons.org/licenses/by/4.0")
    assert not set(meta["drummers"]) & {*meta["held_out"]["test"], *meta["held_out"]["valid"]}
    weights = resources.files("leitmotiv.styles") / "drummer" / "drum_model.npz"
    assert len(weights.read_bytes()) <= 2**20
