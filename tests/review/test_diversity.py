"""Likeness of pieces: copies are alike whatever their key, strangers are not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from leitmotiv.review.diversity import ASPECTS, measure_diversity, piece_figures
from leitmotiv.score import Part, Score, make_notes


def piece(seed: int, shift: int = 0) -> Score:
    rng = np.random.default_rng(seed)
    lengths = rng.choice([240, 480, 960], 64)
    pitches = 60 + shift + np.cumsum(rng.integers(-4, 5, 64)) % 17
    onsets = np.cumsum(lengths) - lengths
    chords = rng.choice([48, 53, 55, 45, 50], 16)
    low = [make_notes(np.arange(16) * 1920, 1920, chords + shift + third) for third in (0, 4, 7)]
    return Score(
        (
            Part("top", notes=make_notes(onsets, lengths, pitches)),
            Part("low", notes=np.sort(np.concatenate(low), order=["onset", "pitch"])),
        )
    )


def test_a_transposed_copy_is_the_same_melody_and_rhythm() -> None:
    found = {d.aspect: d for d in measure_diversity([piece_figures(piece(1, s)) for s in (0, 3)])}
    assert found["melody"].pairs == 1.0
    assert found["rhythm"].pairs == 1.0


def test_strangers_share_little_and_one_copy_among_them_is_found() -> None:
    pieces = [piece_figures(piece(seed)) for seed in range(8)]
    alone = measure_diversity(pieces)[0]
    assert alone.pairs < 0.1
    copied = measure_diversity([*pieces, piece_figures(piece(5, 2))])[0]
    assert copied.closest in ((5, 8), (8, 5))
    assert copied.closest_likeness == 1.0
    assert copied.nearest[-1] > alone.nearest[-1]


def test_the_nearest_of_more_is_nearer_and_of_one_is_the_mean_of_pairs() -> None:
    found = measure_diversity([piece_figures(piece(seed)) for seed in range(6)])
    for item in found:
        assert item.nearest[0] == pytest.approx(item.pairs)
        assert list(item.nearest) == sorted(item.nearest)
        assert len(item.nearest) == item.num_pieces - 1
        assert item.nearest_of(99) == item.nearest[-1]


def test_one_piece_or_silence_has_no_likeness() -> None:
    for pieces in ([], [piece_figures(piece(0))], [piece_figures(Score())] * 3):
        for item in measure_diversity(pieces):
            assert math.isnan(item.pairs)
            assert math.isnan(item.nearest_of(3))
    assert set(piece_figures(Score())) == set(ASPECTS)
