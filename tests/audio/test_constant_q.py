from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.audio import ConstantQ
from leitmotiv.errors import AudioError


def snr_db(audio: np.ndarray, again: np.ndarray) -> float:
    error = np.square(audio - again).sum() + 1e-30
    return float(10 * np.log10(np.square(audio).sum() / error))


@pytest.mark.parametrize(("low_hz", "bins_per_octave"), [(32.7, 24), (110.0, 12), (55.0, 36)])
@pytest.mark.parametrize("num_samples", [1, 30_001])
def test_inverse_is_exact_to_rounding(rng, low_hz, bins_per_octave, num_samples):
    transform = ConstantQ(24000, low_hz=low_hz, bins_per_octave=bins_per_octave)
    audio = rng.standard_normal((2, num_samples))
    assert snr_db(audio, transform.inverse(transform.forward(audio))) > 200


def test_slices_join_without_a_seam(rng):
    audio = rng.standard_normal((1, 60_000))
    transform = ConstantQ(22050, low_hz=220.0, bins_per_octave=12, slice_samples=8192)
    bands = transform.forward(audio)
    assert bands.coefficients[5].shape[1] > 10
    assert snr_db(audio, transform.inverse(bands)) > 200


def test_a_sine_on_a_bin_has_its_amplitude_there_and_little_elsewhere():
    transform = ConstantQ(24000, low_hz=55.0, bins_per_octave=24)
    time = np.arange(48000) / 24000
    for index in (30, 77, 140):
        sine = 0.4 * np.sin(2 * np.pi * transform.frequencies_hz[index] * time)
        grid = transform.magnitude(sine[None], hop_length=480)[0, :, 30:70]
        np.testing.assert_allclose(grid[index], 0.4, rtol=1e-2)
        far = np.abs(np.arange(transform.num_bins) - index) > 1
        assert grid[far].max() < 1e-3


def test_a_click_stands_at_its_own_time_in_every_bin():
    transform = ConstantQ(24000, low_hz=110.0, bins_per_octave=12, slice_samples=32768)
    audio = np.zeros((1, 48000))
    audio[0, 20_000] = 1.0
    grid = transform.magnitude(audio, hop_length=50)[0]
    sharp = transform.frequencies_hz > 440  # below, a bin hears longer than the tolerance
    assert np.abs(grid[sharp].argmax(axis=1) - 400).max() <= 4


def test_muting_bins_takes_only_their_notes_away():
    transform = ConstantQ(24000, low_hz=110.0, bins_per_octave=12)
    time = np.arange(48000) / 24000
    low, high = np.sin(2 * np.pi * 220 * time)[None], np.sin(2 * np.pi * 880 * time)[None]
    bands = transform.forward(low + high)
    for values in bands.coefficients[1 + 24 :]:  # from 440 Hz upwards
        values[:] = 0
    middle = slice(8000, 40000)
    assert snr_db(low[:, middle], transform.inverse(bands)[:, middle]) > 60


def test_empty_audio_gives_no_slices_and_comes_back_empty():
    transform = ConstantQ(24000, low_hz=220.0)
    assert transform.inverse(transform.forward(np.zeros((2, 0)))).shape == (2, 0)
    assert transform.magnitude(np.zeros((2, 0))).shape == (2, transform.num_bins, 0)


def test_bad_settings_say_what_would_be_right():
    with pytest.raises(AudioError, match="high_hz=13000 must rise"):
        ConstantQ(24000, high_hz=13000.0)
    with pytest.raises(AudioError, match="slice_samples=1024 must be an even number of at least"):
        ConstantQ(24000, slice_samples=1024)
    with pytest.raises(AudioError, match="bins_per_octave=0"):
        ConstantQ(24000, bins_per_octave=0)
    with pytest.raises(AudioError, match="other settings"):
        ConstantQ(24000, low_hz=55.0).inverse(ConstantQ(24000).forward(np.zeros((1, 99))))
    with pytest.raises(AudioError, match=r"must be \(channels, samples\)"):
        ConstantQ(24000).forward(np.zeros(99))
