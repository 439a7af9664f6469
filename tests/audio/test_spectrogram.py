from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import ShortTimeFFT

from leitmotiv.audio import IstftStream, StftStream, istft, magnitude_to_db, num_frames_of, stft
from leitmotiv.errors import AudioError

SIZES = [(2048, 512), (2048, 1024), (1882, 470), (512, 100), (64, 1)]


@pytest.mark.parametrize(("n_fft", "hop_length"), SIZES)
@pytest.mark.parametrize("num_samples", [1, 511, 512, 5003])
def test_round_trip_is_exact(rng, n_fft, hop_length, num_samples):
    audio = rng.uniform(-1, 1, (2, num_samples))
    sizes = {"hop_length": hop_length, "num_samples": num_samples}
    spectrum = stft(audio, n_fft=n_fft, hop_length=hop_length)
    assert spectrum.shape == (2, n_fft // 2 + 1, num_frames_of(num_samples, hop_length))
    assert np.abs(istft(spectrum, **sizes) - audio).max() < 1e-12
    single = audio.astype(np.float32)
    again = istft(stft(single, n_fft=n_fft, hop_length=hop_length), **sizes)
    assert again.dtype == np.float32
    assert np.abs(again - single).max() < 1e-6


def test_spectra_are_those_of_scipy(rng):
    audio = rng.standard_normal(4096)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(512) / 512)
    # SciPy refers phase to the frame's centre if told so; ours starts at the frame's first sample.
    reference = ShortTimeFFT(window, 128, fs=1.0, phase_shift=None).stft(audio, p0=0, p1=33)
    np.testing.assert_allclose(
        stft(audio[None], n_fft=512, hop_length=128)[0], reference, atol=1e-9
    )


def test_a_sine_peaks_at_its_amplitude_times_a_quarter_of_the_frame():
    sine = 0.5 * np.sin(2 * np.pi * 1500 * np.arange(48000) / 48000)
    spectrum = np.abs(stft(sine[None], n_fft=1024, hop_length=256))[0, :, 90]
    assert spectrum.argmax() * 48000 / 1024 == 1500
    assert spectrum.max() == pytest.approx(0.5 * 1024 / 4, rel=1e-6)


@pytest.mark.parametrize("block", [1, 64, 441, 4096])
def test_blocks_of_any_size_give_the_same_frames_and_samples(rng, block):
    audio = rng.uniform(-1, 1, (2, 3001)).astype(np.float32)
    whole = stft(audio, n_fft=512, hop_length=128)
    ahead, back = StftStream(2, 512, 128), IstftStream(2, 512, 128)
    frames, samples = [], []
    for start in range(0, 3001, block):
        frames.append(ahead.push(audio[:, start : start + block]))
        samples.append(back.push(frames[-1]))
    frames.append(ahead.finish())
    samples += [back.push(frames[-1]), back.finish()]
    assert np.array_equal(np.concatenate(frames, axis=2), whole)
    assert np.abs(np.concatenate(samples, axis=1)[:, :3001] - audio).max() < 1e-6


@pytest.mark.parametrize("hop_length", [500, 900])
def test_sparse_frames_are_every_nth_of_the_dense_ones(rng, hop_length):
    audio = rng.standard_normal((1, 10_001))
    sparse, dense = StftStream(1, 512, hop_length), stft(audio, n_fft=512, hop_length=100)
    parts = [sparse.push(audio[:, start : start + 333]) for start in range(0, 10_001, 333)]
    found = np.concatenate([*parts, sparse.finish()], axis=2)
    common = 10_000 // hop_length + 1
    np.testing.assert_allclose(found[..., :common], dense[..., :: hop_length // 100][..., :common])
    assert found.shape[2] == num_frames_of(10_001, hop_length)


def test_empty_audio_has_no_frames_and_comes_back_empty():
    spectrum = stft(np.zeros((2, 0), np.float32))
    assert spectrum.shape == (2, 1025, 0)
    assert istft(spectrum, num_samples=0).shape == (2, 0)
    assert istft(spectrum, num_samples=7).tolist() == [[0.0] * 7] * 2


def test_decibels_stop_at_the_floor():
    assert magnitude_to_db(np.array([0.0, 10.0]), floor_db=-60).tolist() == [-60.0, 20.0]


def test_bad_sizes_and_shapes_say_what_would_be_right():
    with pytest.raises(AudioError, match="hop_length=1025 must be 1-1024"):
        istft(np.zeros((1, 1025, 3), complex), hop_length=1025)
    with pytest.raises(AudioError, match="hop_length=0 must be at least 1"):
        stft(np.zeros((1, 9)), hop_length=0)
    with pytest.raises(AudioError, match="n_fft=513 must be an even number"):
        stft(np.zeros((1, 9)), n_fft=513, hop_length=64)
    with pytest.raises(AudioError, match=r"must be \(channels, samples\)"):
        stft(np.zeros(9))
    with pytest.raises(AudioError, match="with 2 channels"):
        StftStream(2, 512, 128).push(np.zeros((1, 9)))
    with pytest.raises(AudioError, match=r"must be \(channels, bins, frames\)"):
        istft(np.zeros((5, 5), complex))
    with pytest.raises(AudioError, match=r"it must be \(1, 257, 'frames'\)"):
        IstftStream(1, 512, 128).push(np.zeros((1, 200, 3), complex))
