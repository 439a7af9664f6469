from __future__ import annotations

import math

import numpy as np
import pytest

from leitmotiv.audio import integrated_lufs, true_peak_dbtp
from leitmotiv.audio.sound_report import (
    THIRD_OCTAVES_HZ,
    SoundMeter,
    measure_sound,
    sampled_spectrum,
)

SAMPLE_RATE = 48000


@pytest.fixture
def noise(rng) -> np.ndarray:
    return (0.1 * rng.standard_normal((2, 4 * SAMPLE_RATE))).astype(np.float32)


@pytest.mark.parametrize("block", [777, 48_000])
def test_the_figures_are_those_of_the_meters_however_it_is_fed(noise, block):
    meter = SoundMeter(2, SAMPLE_RATE)
    for start in range(0, noise.shape[1], block):
        meter.add(noise[:, start : start + block])
    report = meter.report()
    assert report.integrated_lufs == pytest.approx(integrated_lufs(noise, SAMPLE_RATE), abs=1e-3)
    assert report.true_peak_dbtp == pytest.approx(true_peak_dbtp(noise), abs=1e-4)
    assert report.rms_dbfs == pytest.approx(-20.0, abs=0.1)
    np.testing.assert_allclose(report.mid_db, measure_sound(noise, SAMPLE_RATE).mid_db, atol=1e-6)


def test_noise_rises_one_decibel_a_third_octave_and_holds_its_power(noise):
    report = measure_sound(noise, SAMPLE_RATE)
    inner = report.mid_db[8:]  # wide enough bands for a steady estimate
    assert np.polyfit(np.arange(len(inner)), inner, 1)[0] == pytest.approx(1.0, abs=0.05)
    # Left and right are independent: middle and side each hold half the power.
    wide = 10 * np.log10(THIRD_OCTAVES_HZ[-1] * (2 ** (1 / 6) - 2 ** (-1 / 6)) / (SAMPLE_RATE / 2))
    assert report.mid_db[-1] == pytest.approx(-23.0 + wide, abs=0.3)
    assert report.width_db == pytest.approx(0.0, abs=0.2)
    np.testing.assert_allclose(sampled_spectrum(noise, SAMPLE_RATE)[0][8:], inner, atol=1.0)


def test_mono_has_no_side_and_silence_no_loudness(noise):
    assert measure_sound(noise[:1], SAMPLE_RATE).width_db == -math.inf
    assert measure_sound(np.stack([noise[0]] * 2), SAMPLE_RATE).width_db == -math.inf
    silent = measure_sound(np.zeros((2, SAMPLE_RATE), np.float32), SAMPLE_RATE)
    assert (silent.integrated_lufs, silent.peak_to_loudness_db) == (-math.inf, 0.0)
    assert silent.to_dict()["integrated_lufs"] is None
    assert measure_sound(np.zeros((2, 0), np.float32), SAMPLE_RATE).num_samples == 0


def test_a_long_file_is_sampled_evenly():
    meter = SoundMeter(1, SAMPLE_RATE)
    time = np.arange(2**19) / SAMPLE_RATE
    low = (0.1 * np.sin(2 * np.pi * 250 * time)).astype(np.float32)[None]
    high = (0.1 * np.sin(2 * np.pi * 4000 * time)).astype(np.float32)[None]
    for piece in [low] * 24 + [high] * 24:  # past the most frames that are kept
        meter._spectrum.add(np.concatenate([piece, 0 * piece]))  # type: ignore[union-attr]
    levels = meter.report().mid_db
    assert levels[THIRD_OCTAVES_HZ.searchsorted(240)] == pytest.approx(-26.0, abs=0.3)
    assert levels[THIRD_OCTAVES_HZ.searchsorted(3990)] == pytest.approx(-26.0, abs=0.3)
