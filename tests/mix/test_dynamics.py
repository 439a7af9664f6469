from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.effects import apply
from leitmotiv.errors import AudioError
from leitmotiv.mix.dynamics import MultibandDynamics, band_levels_db

SAMPLE_RATE = 48000


def tone(frequency_hz: float, level_db: float, seconds: float = 1.5) -> np.ndarray:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wave = np.sqrt(2) * 10 ** (level_db / 20) * np.sin(2 * np.pi * frequency_hz * time)
    return np.stack([wave, wave]).astype(np.float32)


def level_db(audio: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(audio[:, SAMPLE_RATE:]))))


def test_below_the_thresholds_nothing_changes(rng):
    audio = (0.01 * rng.standard_normal((2, SAMPLE_RATE))).astype(np.float32)
    out = apply(audio, MultibandDynamics((-10.0, -10.0, -10.0), ratio=2.0))
    np.testing.assert_allclose(out, audio, atol=1e-7)


@pytest.mark.parametrize(("hz", "share"), [(40, 1.2), (700, 1.0), (14_000, 0.8)])
def test_a_tone_in_a_band_follows_its_ratio(hz, share):
    out = apply(tone(hz, -10.0), MultibandDynamics((-30.0, -30.0, -30.0), ratio=2.0))
    slope = 0.5 * share
    assert level_db(out) == pytest.approx(-10.0 - 20.0 * slope, abs=1.5)


def test_loud_bass_does_not_duck_the_air():
    high = tone(12_000, -30.0)
    both = tone(50, -8.0) + high
    dynamics = MultibandDynamics((-25.0, -25.0, -25.0), ratio=3.0)
    spectrum = np.abs(np.fft.rfft(apply(both, dynamics)[0, SAMPLE_RATE:]))
    alone = np.abs(np.fft.rfft(high[0, SAMPLE_RATE:]))
    at = 12_000 // 2
    assert 20 * np.log10(spectrum[at] / alone[at]) == pytest.approx(0.0, abs=0.7)


@pytest.mark.parametrize("block", [1, 64, 441, 4096])
def test_blocks_do_not_matter(rng, block):
    audio = (0.3 * rng.standard_normal((2, 4096 + 700))).astype(np.float32)
    whole = MultibandDynamics((-30.0, -30.0, -30.0)).process(audio)
    cut = MultibandDynamics((-30.0, -30.0, -30.0))
    pieces = [cut.process(audio[:, at : at + block]) for at in range(0, audio.shape[1], block)]
    np.testing.assert_allclose(np.concatenate(pieces, axis=1), whole, atol=1e-6)


def test_the_bands_share_the_power_of_a_spectrum():
    flat = np.zeros(29)
    low, mid, high = band_levels_db(flat)
    total = sum(10 ** (level / 10) for level in (low, mid, high))
    assert total == pytest.approx(29, rel=0.05)
    assert min(low, mid, high) > 5


def test_bad_values_are_refused():
    with pytest.raises(AudioError, match="ratio=0 must be between 1 and 10"):
        MultibandDynamics((0.0, 0.0, 0.0), ratio=0.0)
    with pytest.raises(AudioError, match="thresholds_db=30 must be between"):
        MultibandDynamics((0.0, 30.0, 0.0))
