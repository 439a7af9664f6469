from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest
from scipy.signal import resample_poly

from leitmotiv.audio import (
    active_sec,
    crest_db,
    integrated_lufs,
    is_silent,
    k_weighting,
    rms_dbfs,
    sample_peak_dbfs,
    true_peak_dbtp,
    true_peak_envelope,
)
from leitmotiv.errors import AudioError

SAMPLE_RATE = 48000


def sine(frequency_hz: float, level_dbfs: float, seconds: float, channels: int = 2) -> np.ndarray:
    time = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wave = 10 ** (level_dbfs / 20) * np.sin(2 * np.pi * frequency_hz * time)
    return np.stack([wave] * channels).astype(np.float32)


def test_k_weighting_at_48_khz_is_the_standards_table():
    expected = [
        [1.53512485958697, -2.69169618940638, 1.19839281085285,
         1.0, -1.69065929318241, 0.73248077421585],
        [1.0, -2.0, 1.0, 1.0, -1.99004745483398, 0.99007225036621],
    ]  # fmt: skip
    np.testing.assert_allclose(k_weighting(SAMPLE_RATE), expected, atol=2e-8)


@pytest.mark.parametrize("level", [-23.0, -33.0])
def test_ebu_tech_3341_case_1_and_2(level):
    assert integrated_lufs(sine(1000, level, 20), SAMPLE_RATE) == pytest.approx(level, abs=0.1)


def test_ebu_tech_3341_gating_cases_3_to_5():
    def steps(*levels: tuple[float, float]) -> np.ndarray:
        return np.concatenate([sine(1000, level, sec) for level, sec in levels], axis=1)

    case_3 = steps((-36, 10), (-23, 60), (-36, 10))
    case_4 = steps((-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10))
    case_5 = steps((-26, 20), (-20, 20.1), (-26, 20))
    for audio in (case_3, case_4, case_5):
        assert integrated_lufs(audio, SAMPLE_RATE) == pytest.approx(-23.0, abs=0.1)


@pytest.mark.parametrize("sample_rate", [32000, 44100, 48000, 96000])
def test_loudness_agrees_with_pyloudnorm(rng, sample_rate):
    time = np.arange(5 * sample_rate) / sample_rate
    audio = 0.1 * np.sin(2 * np.pi * 220 * time) * (0.2 + np.abs(np.sin(time)))
    audio = np.stack([audio, 0.7 * audio]) + 0.003 * rng.standard_normal((2, len(time)))
    oracle = pyloudnorm.Meter(sample_rate).integrated_loudness(audio.T)
    # pyloudnorm's shelf differs from the standard's table by some hundredths of a dB.
    assert integrated_lufs(audio.astype(np.float32), sample_rate) == pytest.approx(oracle, abs=0.1)


def test_short_audio_is_measured_whole():
    assert integrated_lufs(sine(1000, -23, 0.1), SAMPLE_RATE) == pytest.approx(-23, abs=0.7)


def test_silence_reads_minus_infinity():
    for audio in (np.zeros((2, 0), np.float32), np.zeros((2, 48000), np.float32)):
        assert integrated_lufs(audio, SAMPLE_RATE) == -math.inf
        assert true_peak_dbtp(audio) == -math.inf
        assert sample_peak_dbfs(audio) == -math.inf
        assert rms_dbfs(audio) == -math.inf
        assert crest_db(audio) == 0.0
        assert is_silent(audio)
        assert active_sec(audio, SAMPLE_RATE) == 0.0
    assert integrated_lufs(sine(1000, -80, 1), SAMPLE_RATE) == -math.inf


@pytest.mark.parametrize(("divisor", "phase"), [(4, 45), (6, 60), (8, 67.5), (4, 0), (3, 0)])
def test_true_peak_within_the_standards_tolerance(divisor, phase):
    # EBU Tech 3341 cases 15 to 19 in spirit: +0.2/-0.4 dB.
    time = np.arange(4800)
    fade = np.minimum(1, np.minimum(time, time[::-1]) / 480)
    wave = 0.5 * fade * np.sin(2 * np.pi * time / divisor + np.deg2rad(phase))
    peak = true_peak_dbtp(wave[None].astype(np.float32))
    assert -6.02 - 0.4 <= peak <= -6.02 + 0.2


def test_pruning_changes_nothing(rng):
    audio = (rng.standard_normal((2, 20011)) * np.linspace(0.01, 1, 20011)).astype(np.float32)
    whole = true_peak_envelope(audio)
    assert true_peak_dbtp(audio) == pytest.approx(20 * math.log10(whole.max()), abs=1e-4)
    pruned = true_peak_envelope(audio, floor=1.5)
    assert np.array_equal(pruned[whole > 1.5], whole[whole > 1.5])
    assert (pruned >= np.abs(audio).max(axis=0)).all()


def test_true_peak_agrees_with_sixteenfold_resampling(rng):
    # Band-limited to 15 kHz, where interpolators agree.
    noise = resample_poly(rng.standard_normal((2, 6000)), 8, 5, axis=1).astype(np.float32)
    oracle = 20 * math.log10(np.abs(resample_poly(noise.astype(float), 16, 1, axis=1)).max())
    assert true_peak_dbtp(noise) == pytest.approx(oracle, abs=0.25)


def test_crest_of_a_sine_is_3_db():
    assert crest_db(sine(1000, -6, 1)) == pytest.approx(3.01, abs=0.02)


def test_active_seconds():
    audio = np.concatenate([sine(440, -20, 1), np.zeros((2, 96000), np.float32)], axis=1)
    assert active_sec(audio, SAMPLE_RATE) == pytest.approx(1.0, abs=0.11)


def test_wrong_shapes_are_refused():
    with pytest.raises(AudioError, match=r"shape \(channels, samples\)"):
        integrated_lufs(np.zeros(10, np.float32), SAMPLE_RATE)
    with pytest.raises(AudioError, match="6 channels"):
        integrated_lufs(np.zeros((6, 10), np.float32), SAMPLE_RATE)


def test_long_audio_measured_in_pieces_reads_the_same(rng, monkeypatch):
    audio = (rng.standard_normal((2, 7 * 48000 + 123)) * 0.1).astype(np.float32)
    whole = integrated_lufs(audio, SAMPLE_RATE)
    monkeypatch.setattr("leitmotiv.audio.meters._HOPS_AT_A_TIME", 3)
    assert integrated_lufs(audio, SAMPLE_RATE) == pytest.approx(whole, abs=1e-6)
