from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.audio import (
    hz_to_mel,
    mel_filterbank,
    mel_spectrogram,
    mel_to_hz,
    mel_to_magnitude,
    stft,
)
from leitmotiv.errors import AudioError

# Printed in the documentation of librosa.mel_frequencies: 40 bands from 0 to 11025 Hz.
LIBROSA_40 = [
    0.0, 85.317, 170.635, 255.952, 341.269, 426.586, 511.904, 597.221, 682.538, 767.855,
    853.173, 938.49, 1024.856, 1119.114, 1222.042, 1334.436, 1457.167, 1591.187, 1737.532,
    1897.337, 2071.84, 2262.393, 2470.47, 2697.686, 2945.799, 3216.731, 3512.582, 3835.643,
    4188.417, 4573.636, 4994.285, 5453.621, 5955.205, 6502.92, 7101.009, 7754.107, 8467.272,
    9246.028, 10096.408, 11025.0,
]  # fmt: skip


def test_mel_frequencies_are_librosas():
    mel = np.linspace(0, float(hz_to_mel(11025)), 40)
    np.testing.assert_allclose(mel_to_hz(mel), LIBROSA_40, atol=6e-4)


def test_mel_and_hz_are_inverse_and_rise(rng):
    hz = np.sort(rng.uniform(0, 24000, 500))
    np.testing.assert_allclose(mel_to_hz(hz_to_mel(hz)), hz, rtol=1e-12, atol=1e-9)
    assert np.all(np.diff(hz_to_mel(hz)) > 0)


def test_filters_are_triangles_of_unit_area_between_their_neighbours_peaks():
    filters = mel_filterbank(48000, 16384, 20, low_hz=100.0, high_hz=12000.0)
    spacing = 48000 / 16384
    np.testing.assert_allclose(filters.sum(axis=1) * spacing, 1.0, atol=2e-3)
    peaks = mel_to_hz(np.linspace(float(hz_to_mel(100)), float(hz_to_mel(12000)), 22))
    np.testing.assert_allclose(filters.argmax(axis=1) * spacing, peaks[1:-1], atol=spacing)
    for row, (low, high) in zip(filters, zip(peaks[:-2], peaks[2:], strict=True), strict=True):
        inside = np.flatnonzero(row) * spacing
        assert low < inside.min() < low + spacing + 1e-6
        assert high - spacing - 1e-6 < inside.max() < high


def test_white_noise_has_equal_power_in_every_band(rng):
    # Unit area: a flat power spectrum of density p gives p / spacing in each band.
    mel = mel_spectrogram(rng.standard_normal((1, 480_000)), 48000, n_mels=24, low_hz=300.0)
    expected = np.square(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(2048) / 2048)).sum()
    np.testing.assert_allclose(mel[0].mean(axis=1), expected / (48000 / 2048), rtol=0.1)


def test_bands_beyond_half_the_sample_rate_are_zero_and_the_rest_stay():
    wide = mel_filterbank(48000, 2048, 64, high_hz=16000.0)
    narrow = mel_filterbank(24000, 1024, 64, high_hz=16000.0)
    np.testing.assert_allclose(narrow[:40], wide[:40, :513], atol=1e-9)
    assert narrow[-2:].max() == 0.0


def test_magnitudes_found_again_have_the_same_mel_spectrogram(rng):
    time = np.arange(24000) / 48000
    audio = sum(np.sin(2 * np.pi * 220 * k * time) / k for k in range(1, 20))[None]
    filters = mel_filterbank(48000, 2048, 80)
    mel = filters @ np.square(np.abs(stft(audio)))
    again = filters @ np.square(mel_to_magnitude(mel, filters))
    assert np.abs(again - mel).sum() / mel.sum() < 0.02


def test_bad_ranges_say_what_would_be_right():
    with pytest.raises(AudioError, match="low_hz=900 must be from 0 to below high_hz=800"):
        mel_filterbank(48000, 2048, low_hz=900, high_hz=800)
    with pytest.raises(AudioError, match="n_mels=0 must be at least 1"):
        mel_filterbank(48000, 2048, 0)
    with pytest.raises(AudioError, match=r"must be \(channels, 80, frames\)"):
        mel_to_magnitude(np.zeros((1, 70, 3)), mel_filterbank(48000, 2048, 80))
