from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest

from leitmotiv.audio import LoudnessMeter, hop_powers, integrated_lufs
from leitmotiv.audio.loudness import channel_weights, power_to_lufs
from leitmotiv.errors import AudioError

SAMPLE_RATE = 48000


def fed(audio: np.ndarray, block: int, sample_rate: int = SAMPLE_RATE) -> LoudnessMeter:
    meter = LoudnessMeter(len(audio), sample_rate)
    for start in range(0, audio.shape[1], block):
        meter.add(audio[:, start : start + block])
    return meter


def steps(*levels: tuple[float, float]) -> np.ndarray:
    """Stereo tones of EBU Tech 3341 and 3342: level in dBFS, seconds."""
    pieces = []
    for level, seconds in levels:
        time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
        pieces.append(10 ** (level / 20) * np.sin(2 * np.pi * 1000 * time))
    return np.stack([np.concatenate(pieces)] * 2).astype(np.float32)


@pytest.mark.parametrize("block", [441, 4800, 100_000])
def test_the_meter_agrees_with_the_whole_however_it_is_fed(rng, block):
    audio = (0.1 * rng.standard_normal((2, 3 * SAMPLE_RATE + 123))).astype(np.float32)
    audio[:, SAMPLE_RATE : 2 * SAMPLE_RATE] *= np.float32(0.05)
    meter = fed(audio, block)
    assert meter.integrated_lufs == pytest.approx(integrated_lufs(audio, SAMPLE_RATE), abs=1e-3)
    assert meter.num_samples == audio.shape[1]
    np.testing.assert_allclose(meter.powers, fed(audio, 10**6).powers, rtol=1e-4)


@pytest.mark.parametrize("samples", [0, 100, 12_000])
def test_short_audio_is_one_block(rng, samples):
    audio = (0.1 * rng.standard_normal((2, samples))).astype(np.float32)
    expected = integrated_lufs(audio, SAMPLE_RATE)
    assert fed(audio, 777).integrated_lufs == pytest.approx(expected, abs=1e-3)


def test_five_channels_agree_with_pyloudnorm(rng):
    audio = 0.1 * rng.standard_normal((5, 4 * 44100)) * np.array([[1.0], [0.5], [0.2], [1], [0.7]])
    expected = pyloudnorm.Meter(44100, filter_class="DeMan").integrated_loudness(audio.T)
    measured = fed(audio.astype(np.float32), 5000, 44100).integrated_lufs
    assert measured == pytest.approx(expected, abs=0.02)


def test_the_low_frequency_channel_does_not_count(rng):
    audio = (0.1 * rng.standard_normal((6, 2 * SAMPLE_RATE))).astype(np.float32)
    louder = audio.copy()
    louder[3] *= 10
    assert fed(louder, 9600).integrated_lufs == fed(audio, 9600).integrated_lufs
    with pytest.raises(AudioError, match="7 channels; loudness is defined for 1, 2, 3, 4, 5, 6, 8"):
        channel_weights(7)


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        (((-20, 20), (-30, 20)), 10.0),
        (((-20, 20), (-15, 20)), 5.0),
        (((-40, 20), (-20, 20)), 20.0),
        (((-50, 20), (-35, 20), (-20, 20), (-35, 20), (-50, 20)), 15.0),
    ],
)
def test_ebu_tech_3342_loudness_range(levels, expected):
    assert fed(steps(*levels), 48_000).loudness_range_lu == pytest.approx(expected, abs=1.0)


def test_ebu_tech_3341_momentary_and_short_term():
    meter = fed(steps((-23.0, 5)), 4800)
    assert meter.momentary_lufs.max() == pytest.approx(-23.0, abs=0.1)
    assert meter.short_term_lufs.max() == pytest.approx(-23.0, abs=0.1)
    assert len(meter.short_term_lufs) == 21


def test_silence_and_nothing():
    meter = fed(np.zeros((2, 5 * SAMPLE_RATE), np.float32), 1000)
    assert meter.integrated_lufs == -math.inf
    assert meter.loudness_range_lu == 0.0
    assert (
        power_to_lufs(hop_powers(np.zeros((2, 9600), np.float32), SAMPLE_RATE)).max() == -math.inf
    )
    assert LoudnessMeter(2, SAMPLE_RATE).integrated_lufs == -math.inf
