"""Springs chirp, and decay as promised."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, hilbert, sosfilt, sosfiltfilt

from leitmotiv.effects.spring_reverb import NUM_STAGES, SpringReverb

SAMPLE_RATE = 48_000


def response(duration_sec: float, **settings: float) -> np.ndarray:
    click = np.zeros((2, round(duration_sec * SAMPLE_RATE)), np.float32)
    click[:, 0] = 1.0
    return SpringReverb(wet_level=1.0, dry_level=0.0, **settings).process(click)


def band(impulse: np.ndarray, centre_hz: float) -> np.ndarray:
    edges = [centre_hz * 2 ** (-1 / 6), centre_hz * 2 ** (1 / 6)]
    sections = butter(3, edges, "band", fs=SAMPLE_RATE, output="sos")
    return sosfilt(sections, impulse.astype(float))


@pytest.mark.parametrize("decay_sec", [1.0, 2.0, 4.0])
def test_rt60_is_the_promised_one_within_five_percent(decay_sec):
    spring = SpringReverb(decay_sec=decay_sec)
    assert spring.decay_at(1000.0) == pytest.approx(decay_sec, rel=1e-6)
    out = response(1.4 * decay_sec + 0.3, decay_sec=decay_sec)
    for centre_hz in (500, 1000, 2000):
        measured = []
        for side in out:
            energy = np.cumsum(band(side, centre_hz)[::-1] ** 2)[::-1]
            level = 10 * np.log10(energy / energy[0] + 1e-30)
            start, stop = np.argmax(level < -5), np.argmax(level < -35)
            slope = np.polyfit(np.arange(stop - start), level[start:stop], 1)[0] * SAMPLE_RATE
            measured.append(-60 / slope)
        assert np.mean(measured) == pytest.approx(spring.decay_at(centre_hz), rel=0.05)


def test_high_waves_arrive_later_up_to_the_transition_as_the_theory_says():
    out = response(0.04, dispersion=0.6, wobble=0.0)[0]  # the first arrival alone
    arrivals = []
    for hz in (700, 1500, 2500, 3200):  # bands of one width, without a delay of their own
        sections = butter(2, [hz - 250, hz + 250], "band", fs=SAMPLE_RATE, output="sos")
        arrivals.append(np.argmax(np.abs(hilbert(sosfiltfilt(sections, out.astype(float))))))
    assert np.all(np.diff(arrivals) > 0)
    stretch, a = 6, 0.6  # an all-pass (a + z^-K) / (1 + a z^-K) has this group delay
    stage = [
        stretch * (1 - a**2) / (1 + 2 * a * np.cos(2 * np.pi * hz / SAMPLE_RATE * stretch) + a**2)
        for hz in (1500, 3200)
    ]
    drawn_out = NUM_STAGES * (stage[1] - stage[0])
    assert arrivals[3] - arrivals[1] == pytest.approx(drawn_out, rel=0.25)


def test_nothing_sounds_above_the_transition():
    out = response(1.0)
    above = sosfilt(butter(6, 6000, "high", fs=SAMPLE_RATE, output="sos"), out[0])
    assert np.square(above).sum() < 1e-3 * np.square(out[0]).sum()


@pytest.mark.slow
def test_the_longest_springs_stay_in_bounds_for_ten_minutes_of_noise(rng):
    spring = SpringReverb(decay_sec=8.0, damping_hz=16000.0, wet_level=1.0, dry_level=0.0)
    noise = (0.3 * rng.standard_normal((2, 20 * SAMPLE_RATE))).astype(np.float32)
    level = [np.sqrt(np.square(spring.process(noise)).mean()) for _ in range(30)]
    assert max(level) < 1.0
    assert level[-1] == pytest.approx(level[1], rel=0.05)
