from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leitmotiv.audio import true_peak_dbtp
from leitmotiv.effects import Limiter, apply

# Between the four interpolated points of a sample a smooth gain leaves this much at most.
TOLERANCE_DB = 0.05


def clicks_and_noise(seed: int, gain: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    audio = gain * rng.standard_normal((2, 9000)) * rng.random(9000) ** 4
    audio[:, rng.integers(0, 9000, 30)] *= 10
    return audio.astype(np.float32)


@given(st.integers(0, 10**6), st.floats(0.01, 3.0), st.floats(-20.0, 0.0))
def test_no_true_peak_passes_the_ceiling(seed, gain, ceiling):
    limited = apply(clicks_and_noise(seed, gain), Limiter(ceiling_dbtp=ceiling))
    assert true_peak_dbtp(limited) <= ceiling + TOLERANCE_DB
    assert np.abs(limited).max() <= 10 ** (ceiling / 20) + 1e-6


def test_what_is_below_the_ceiling_passes_untouched(rng):
    quiet = (0.05 * rng.standard_normal((2, 20000))).astype(np.float32)
    assert np.array_equal(apply(quiet, Limiter()), quiet)


def test_intersample_peaks_are_seen():
    # A quarter-rate sine at 45 degrees: samples 3 dB below the crests.
    sine = 1.3 * np.sin(np.pi / 2 * np.arange(9600) + np.pi / 4)
    audio = np.stack([sine, sine]).astype(np.float32)
    assert np.abs(audio).max() < 1.0
    assert true_peak_dbtp(apply(audio, Limiter(ceiling_dbtp=0.0))) <= TOLERANCE_DB


def test_gain_is_linked_and_smooth():
    audio = np.full((2, 24000), 0.5, np.float32)
    audio[0, 12000:12010] = 4.0
    limiter = Limiter(ceiling_dbtp=0.0, lookahead_ms=5.0)
    out = apply(audio, limiter)
    gain = out[1] / 0.5
    assert np.abs(np.diff(gain)).max() < 0.02
    assert gain.min() == pytest.approx(10 ** (-limiter.largest_reduction_db / 20), abs=1e-3)
    assert gain[12000 - 300] == pytest.approx(1.0, abs=1e-6)  # not before the look-ahead
    assert gain[-1] > 0.75  # a quarter of a second after: released
