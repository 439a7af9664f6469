from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import resample_poly

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


@pytest.mark.parametrize("sample_rate", [22_050, 44_100, 96_000])
def test_another_interpolator_finds_no_higher_peak(sample_rate):
    # Sixteen times, by another filter. Four times, as the standard has it, may miss 0.17 dB of a
    # peak made of frequencies up to a quarter of the sample rate.
    loud = resample_poly(clicks_and_noise(3, 1.0), 2, 1, axis=1).astype(np.float32)
    limited = apply(loud, Limiter(ceiling_dbtp=-3.0, sample_rate=sample_rate))
    fine = resample_poly(limited[:, 200:-200].astype(np.float64), 16, 1, axis=1)
    assert 20 * np.log10(np.abs(fine).max()) <= -3.0 + 0.17


@pytest.mark.parametrize("lookahead_ms", [0.5, 4.0, 20.0])
def test_its_latency_is_what_it_says(lookahead_ms):
    click = np.zeros((2, 4800), np.float32)
    click[:, 1000] = 0.5
    limiter = Limiter(lookahead_ms=lookahead_ms)
    out = limiter.process(click)
    assert np.argmax(out[0]) == 1000 + limiter.latency_samples
    assert limiter.latency_samples == pytest.approx(lookahead_ms * 48 + 12, abs=1)


def test_reduction_falls_to_37_percent_in_the_release():
    audio = np.full((2, 48_000), 0.1, np.float32)
    audio[:, 4800] = 10.0
    limiter = Limiter(ceiling_dbtp=0.0, release_ms=200.0, lookahead_ms=1.0)
    gain_db = 20 * np.log10(apply(audio, limiter)[0, 4900:] / 0.1)
    fallen = np.argmax(gain_db >= gain_db[0] * np.exp(-1)) / 48
    assert fallen == pytest.approx(200.0, rel=0.05)


def test_a_moving_ceiling_is_kept(rng):
    audio = rng.uniform(-1, 1, (2, 48_000)).astype(np.float32)
    curve = -6.0 + 5.0 * np.sin(2 * np.pi * 4 * np.arange(48_000) / 48_000)
    limiter = Limiter()
    out = limiter.process(audio, automation={"ceiling_dbtp": curve})
    late = limiter.latency_samples
    held = 10 ** (curve[:-late] / 20)
    assert (np.abs(out[:, late:]).max(axis=0) / held).max() < 1.01


def test_gain_in_front_makes_it_a_maximiser(rng):
    audio = (0.05 * rng.uniform(-1, 1, (2, 24_000))).astype(np.float32)
    out = apply(audio, Limiter(ceiling_dbtp=-1.0, gain_db=30.0))
    assert true_peak_dbtp(out) == pytest.approx(-1.0, abs=0.1)
    assert np.sqrt((out**2).mean()) > 8 * np.sqrt((audio**2).mean())
