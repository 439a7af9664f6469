"""Loudness is learned from scores whose dynamics say something, and finds what was put in."""

from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.corpus.train_loudness import fit_loudness, judge_loudness, loud_piece
from leitmotiv.errors import CorpusError
from leitmotiv.score import Part, Score, make_notes
from leitmotiv.score.analysis import TEXTURE_FEATURES


def piece(rng: np.random.Generator, slope: float, num_bars: int = 40) -> Score:
    """One line whose velocity rises by ``slope`` with each octave of its bars."""
    height = (
        66 + 6 * np.sin(np.arange(num_bars) / 4 + rng.uniform(0, 6)) + rng.normal(0, 2, num_bars)
    )
    pitches = np.repeat(np.round(height).astype(int), 4)
    notes = make_notes(np.arange(4 * num_bars) * 480, 480, pitches)
    loud = 70 + slope * (pitches - 66) / 12 + rng.normal(0, 2, len(pitches))
    notes["velocity"] = np.clip(np.round(loud), 1, 127)
    return Score((Part("Violin", 40, notes=notes),))


@pytest.mark.parametrize("slope", [24.0, -24.0])
def test_a_planted_slope_is_found_and_predicts_other_pieces(slope: float) -> None:
    rng = np.random.default_rng(1)
    pieces = [loud_piece(piece(rng, slope)) for _ in range(12)]
    known = [found for found in pieces if found is not None]
    assert len(known) == 12
    coefficients = fit_loudness(known[:8])
    heights = coefficients[: TEXTURE_FEATURES.index("thickness")]
    assert np.sign(heights.sum()) == np.sign(slope)
    figures = judge_loudness(known[8:], coefficients)
    assert figures["correlation"] > 0.8
    assert figures["mean_error"] < 0.6 * figures["mean_error_even"]


def test_scores_without_dynamics_are_left_out() -> None:
    rng = np.random.default_rng(2)
    even = piece(rng, 24.0).parts[0]
    notes = even.notes.copy()
    notes["velocity"] = 80
    assert loud_piece(Score((even.with_notes(notes),))) is None
    assert loud_piece(piece(rng, 24.0, num_bars=8)) is None, "too short"
    assert loud_piece(Score(())) is None


def test_nothing_to_learn_from_is_refused() -> None:
    with pytest.raises(CorpusError, match="at least one piece"):
        fit_loudness([])
