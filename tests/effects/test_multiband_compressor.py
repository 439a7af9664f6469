from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, sosfreqz

from leitmotiv.effects.multiband_compressor import MultibandCompressor

IDLE = {"low_ratio": 1.0, "mid_ratio": 1.0, "high_ratio": 1.0, "num_channels": 1}


def spectrum(**settings: float) -> np.ndarray:
    click = np.zeros((1, 48_000), np.float32)
    click[0, 0] = 1.0
    effect = MultibandCompressor(**(IDLE | settings))  # type: ignore[arg-type]
    return np.fft.rfft(effect.process(click)[0])


@pytest.mark.parametrize(("lower", "upper"), [(120.0, 2500.0), (400.0, 900.0), (2000.0, 500.0)])
def test_the_bands_sum_flat(lower, upper):
    level = 20 * np.log10(np.abs(spectrum(lower_crossover_hz=lower, upper_crossover_hz=upper)))
    assert np.abs(level).max() < 1e-4


def test_the_low_band_is_linkwitz_and_rileys():
    low = spectrum(lower_crossover_hz=300.0, mid_gain_db=-48.0, high_gain_db=-48.0)
    once = butter(2, 300.0, fs=48_000, output="sos")
    _, response = sosfreqz(once, worN=np.arange(1, 601), fs=48_000)
    level = 20 * np.log10(np.abs(low[1:601]))
    np.testing.assert_allclose(level[:350], 40 * np.log10(np.abs(response[:350])), atol=0.1)
    assert level[299] == pytest.approx(-6.02, abs=0.1)


def test_the_sum_stays_flat_while_the_crossovers_move(rng):
    # In motion the sum is no longer exact, yet no louder than an all-pass leaves it.
    audio = rng.uniform(-0.3, 0.3, (1, 48_000)).astype(np.float32)
    sweep = 300 * 2 ** np.sin(2 * np.pi * np.arange(48_000) / 12_000)
    out = MultibandCompressor(**IDLE).process(  # type: ignore[arg-type]
        audio, automation={"lower_crossover_hz": sweep, "upper_crossover_hz": 10 * sweep}
    )
    assert np.sqrt((out**2).mean() / (audio**2).mean()) == pytest.approx(1.0, abs=0.02)


def test_a_loud_bass_leaves_the_treble_alone():
    time = np.arange(96_000) / 48_000
    bass = 0.8 * np.sin(2 * np.pi * 60 * time)
    treble = 0.001 * np.sin(2 * np.pi * 9000 * time)
    effect = MultibandCompressor(low_threshold_db=-40.0, low_ratio=8.0, num_channels=1)
    out = effect.process((bass + treble)[None].astype(np.float32))[0, 48_000:]
    level = np.abs(np.fft.rfft(out * np.hanning(48_000))) / 12_000
    assert level[9000] == pytest.approx(0.001, rel=0.02)
    assert level[60] < 0.06
    low, mid, high = effect.largest_reduction_db
    assert low > 20.0
    assert mid < 3.0
    assert high < 0.01
