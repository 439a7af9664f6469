from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.audio import griffin_lim, spectral_convergence_db, stft
from leitmotiv.errors import AudioError


@pytest.fixture
def magnitude() -> np.ndarray:
    time = np.arange(24000) / 24000
    chord = sum(np.sin(2 * np.pi * f * time) for f in (220.0, 277.2, 329.6, 660.0))
    return np.abs(stft((chord * np.exp(-3 * time))[None], n_fft=1024, hop_length=256))


def found_db(magnitude, rng, **settings):
    audio = griffin_lim(magnitude, hop_length=256, rng=rng, **settings)
    return spectral_convergence_db(audio, magnitude, hop_length=256)


def test_more_iterations_come_closer_and_momentum_helps(magnitude):
    def of(**settings):
        return found_db(magnitude, np.random.default_rng(3), **settings)

    assert of(num_iterations=60) < of(num_iterations=8) - 3 < of(num_iterations=1)
    assert of(num_iterations=60) < of(num_iterations=60, momentum=0.0) - 3
    assert of(num_iterations=60) < -15


def test_the_same_seed_gives_the_same_audio_of_the_length_asked_for(magnitude):
    pair = [
        griffin_lim(
            magnitude, hop_length=256, num_samples=24001, num_iterations=2,
            rng=np.random.default_rng(5),
        )
        for _ in range(2)
    ]  # fmt: skip
    assert np.array_equal(*pair)
    assert pair[0].shape == (1, 24001)
    assert pair[0].dtype == np.float32


def test_silence_stays_silent_and_nothing_stays_nothing(rng):
    assert not griffin_lim(np.zeros((2, 257, 9)), hop_length=128, rng=rng).any()
    assert griffin_lim(np.zeros((2, 257, 0)), hop_length=128, rng=rng).shape == (2, 0)
    assert np.isfinite(griffin_lim(np.ones((1, 257, 1)), hop_length=128, rng=rng)).all()


def test_bad_settings_say_what_would_be_right(rng):
    with pytest.raises(AudioError, match=r"momentum=1\.5 must be"):
        griffin_lim(np.zeros((1, 257, 4)), hop_length=128, momentum=1.5, rng=rng)
    with pytest.raises(AudioError, match="num_iterations=0 must be at least 1"):
        griffin_lim(np.zeros((1, 257, 4)), hop_length=128, num_iterations=0, rng=rng)
    with pytest.raises(AudioError, match=r"must be \(channels, bins, frames\)"):
        griffin_lim(np.zeros((257, 4)), rng=rng)
