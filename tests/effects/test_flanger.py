from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.effects import Flanger, apply


def response(**settings) -> np.ndarray:
    """Gain in dB at each hertz up to 24 kHz, standing still."""
    click = np.zeros((1, 48_000), np.float32)
    click[0, 0] = 1.0
    out = Flanger(depth_ms=0.0, num_channels=1, **settings).process(click)
    return 20 * np.log10(np.abs(np.fft.rfft(out[0])) + 1e-9)


def test_notches_stand_at_odd_halves_of_the_inverse_delay():
    gain = response(delay_ms=2.0, feedback=0.0, wet_level=0.5, dry_level=0.5)
    for hz in (250, 750, 1250, 5250):
        assert gain[hz] < -60
    for hz in (500, 1000, 5000):
        assert gain[hz] == pytest.approx(0.0, abs=0.01)


def test_feedback_raises_the_peaks_as_the_geometric_series_says():
    gain = response(delay_ms=2.0, feedback=0.8, wet_level=1.0, dry_level=0.0)
    assert gain[500] == pytest.approx(20 * np.log10(1 / (1 - 0.8)), abs=0.05)
    assert gain[250] == pytest.approx(20 * np.log10(1 / (1 + 0.8)), abs=0.05)


def test_the_wet_sound_overtakes_the_dry_one_through_zero(rng):
    noise = rng.standard_normal((1, 48_000)).astype(np.float32)
    effect = Flanger(
        rate_hz=1.0,
        depth_ms=2.0,
        delay_ms=3.0,
        feedback=0.0,
        wet_level=0.5,
        dry_level=0.5,
        through_zero_ms=3.0,
        num_channels=1,
    )
    assert effect.latency_samples == 144
    out = apply(noise, effect)[0]
    # At the middle of the sweep both are together: the sound is whole again.
    middle = slice(24_000 - 150, 24_000 - 138)  # the sweep runs on the wet sound, 144 samples ahead
    assert np.abs(out[middle] - noise[0, middle]).max() < 0.5
    assert np.corrcoef(out[middle], noise[0, middle])[0, 1] > 0.95
    aside = slice(12_000 - 200, 12_000 + 200)
    assert np.corrcoef(out[aside], noise[0, aside])[0, 1] < 0.85
