from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.audio import LoopPoints, Stems
from leitmotiv.errors import AudioError
from leitmotiv.mix import mix_down
from leitmotiv.mix.loops import fold_stems


def decaying(onset: int, num_samples: int, seed: int = 0) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal((2, num_samples - onset))
    audio = np.zeros((2, num_samples))
    audio[:, onset:] = 0.05 * noise * np.exp(-np.arange(num_samples - onset) / 900)
    return audio.astype(np.float32)


@pytest.mark.parametrize("start", [0, 1500])
def test_repeating_the_loop_is_repeating_the_music(start):
    length, tail = 4000, 9000  # the tail is longer than the loop: it comes round twice
    music = [decaying(start + onset, start + length + tail, onset) for onset in (0, 900, 3900)]
    whole = np.sum(music, axis=0)
    folded = fold_stems(Stems(("a",), (whole,)), LoopPoints(start, start + length)).audio[0]
    # The same music played again and again, tails and all.
    played = np.zeros((2, 8 * length + tail), np.float32)
    for turn in range(6):
        at = turn * length
        played[:, at : at + whole.shape[1] - start] += whole[:, start:]
    np.testing.assert_allclose(folded, played[:, 4 * length : 5 * length], atol=1e-5)


def test_a_player_who_is_early_is_heard_at_the_end():
    audio = np.zeros((2, 6000), np.float32)
    audio[:, 990] = 0.5  # ten samples before the loop starts
    folded = fold_stems(Stems(("a",), (audio,)), LoopPoints(1000, 5000)).audio[0]
    assert np.flatnonzero(folded[0]).tolist() == [3990]


def test_folded_stems_sum_to_the_mix_and_nothing_clips():
    loud = np.full((2, 9000), 0.3, np.float32)
    folded = fold_stems(Stems(("a", "b"), (loud, loud)), LoopPoints(0, 3000))
    mix = mix_down(folded)
    assert np.abs(mix).max() <= 10 ** (-3 / 20) + 1e-6
    np.testing.assert_allclose(mix, folded.audio[0] + folded.audio[1], atol=1e-7)


def test_a_loop_must_start_inside():
    with pytest.raises(AudioError, match="loop starts at sample 500 but the stems end at 100"):
        fold_stems(Stems(("a",), (np.zeros((2, 100), np.float32),)), LoopPoints(500, 600))
