"""Partitions add up to the convolution they were cut from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from scipy.signal import fftconvolve

from leitmotiv.effects import make_effect
from leitmotiv.effects.convolution import Convolution, read_impulse_response
from leitmotiv.errors import AudioError

SAMPLE_RATE = 48_000
ALONE = {"wet_level": 1.0, "dry_level": 0.0, "normalize": False}


def noise(rng: np.random.Generator, num_channels: int, num_samples: int) -> np.ndarray:
    return (0.2 * rng.standard_normal((num_channels, num_samples))).astype(np.float32)


def write(folder: Path, response: np.ndarray, sample_rate: int = SAMPLE_RATE) -> str:
    path = folder / "response.wav"
    soundfile.write(path, response.T, sample_rate, subtype="FLOAT")
    return str(path)


def expected(audio: np.ndarray, response: np.ndarray) -> np.ndarray:
    """The full convolution in double precision, by another library's algorithm."""
    h, x = response.astype(float), audio.astype(float)
    if len(h) == 1:
        sides = [fftconvolve(side, h[0]) for side in x]
    elif len(h) == 2:
        sides = [fftconvolve(x[0], h[0]), fftconvolve(x[1], h[1])]
    else:
        sides = [fftconvolve(x[0], h[ear]) + fftconvolve(x[1], h[2 + ear]) for ear in (0, 1)]
    return np.stack(sides)[:, : x.shape[1]]


@pytest.mark.parametrize("num_paths", [1, 2, 4])
@pytest.mark.parametrize("length", [1, 100, 256, 257, 2100, 40_000])
def test_it_is_the_convolution_without_latency(tmp_path, rng, num_paths, length):
    audio, response = noise(rng, 2, 30_000), noise(rng, num_paths, length)
    effect = Convolution(file=write(tmp_path, response), **ALONE)
    assert effect.latency_samples == 0
    wanted = expected(audio, response)
    assert np.abs(effect.process(audio) - wanted).max() < 2e-6 * np.abs(wanted).max()


@pytest.mark.parametrize("block_length", [64, 1024, 8192])
def test_with_blocks_it_is_the_same_later_by_the_latency_it_reports(tmp_path, rng, block_length):
    audio, response = noise(rng, 2, 60_000), noise(rng, 2, 40_000)
    file = write(tmp_path, response)
    effect = Convolution(file=file, block_length=block_length, **ALONE)
    assert effect.latency_samples == block_length
    out = effect.process(audio)
    wanted = expected(audio, response)
    assert not out[:, :block_length].any()
    late = out[:, block_length:] - wanted[:, : out.shape[1] - block_length]
    assert np.abs(late).max() < 2e-6 * np.abs(wanted).max()
    dry = Convolution(file=file, block_length=block_length, wet_level=0.0).process(audio)
    assert np.array_equal(dry[:, block_length:], audio[:, : dry.shape[1] - block_length])


@pytest.mark.parametrize("block_length", [0, 256])
@pytest.mark.parametrize("size", [1, 64, 441, 4096])
def test_output_is_the_same_in_blocks_of_any_size(rng, block_length, size):
    audio = noise(rng, 2, 3000 if size == 1 else 20_000)
    settings = {"kind": "living_room", "block_length": block_length}
    whole = Convolution(**settings).process(audio)
    effect = Convolution(**settings)
    pieces = [effect.process(audio[:, at : at + size]) for at in range(0, audio.shape[1], size)]
    assert np.abs(np.concatenate(pieces, axis=1) - whole).max() < 1e-6


def test_a_response_of_another_rate_keeps_its_gain_and_its_times(tmp_path, rng):
    rate = 32_000
    time_sec = np.arange(rate // 2) / rate
    response = np.exp(-time_sec / 0.05) * np.cos(2 * np.pi * 700 * time_sec)
    file = write(tmp_path, response[None].astype(np.float32), rate)
    here = read_impulse_response(file, sample_rate=48_000)[0]
    for frequency_hz in (300, 700, 5000):
        wanted = np.exp(-2j * np.pi * frequency_hz * time_sec) @ response
        turned = np.exp(-2j * np.pi * frequency_hz * np.arange(len(here)) / 48_000)
        assert np.abs(turned @ here) == pytest.approx(np.abs(wanted), rel=0.01)
    assert len(here) == pytest.approx(24_000, abs=2)


def test_normalized_noise_comes_back_as_loud_as_it_went_in(rng):
    audio = noise(rng, 2, 4 * SAMPLE_RATE)
    out = Convolution(kind="chamber_hall", wet_level=1.0, dry_level=0.0).process(audio)
    level = np.sqrt(np.square(out[:, 2 * SAMPLE_RATE :]).mean()) / 0.2
    assert 20 * np.log10(level) == pytest.approx(0.0, abs=1.0)


def test_a_reversed_response_builds_up():
    click = np.zeros((2, SAMPLE_RATE), np.float32)
    click[:, 0] = 1.0
    effect = Convolution(kind="living_room", reverse=True, wet_level=1.0, dry_level=0.0)
    out = effect.process(click)
    end = round(effect.tail_sec * SAMPLE_RATE)
    level = np.sqrt(np.square(out[:, : end // 8 * 8]).reshape(2, 8, -1).mean(axis=(0, 2)))
    assert np.argmax(level) == 7
    assert level[7] > 10 * level[2]
    assert not out[:, end + 1 :].max() > 1e-6


def test_a_cut_response_ends_there_without_a_step():
    effect = Convolution(kind="church", length_sec=0.25, wet_level=1.0, dry_level=0.0)
    click = np.zeros((2, 24_000), np.float32)
    click[:, 0] = 1.0
    out = effect.process(click)
    assert effect.tail_sec == pytest.approx(0.25)
    assert np.abs(out[:, 12_001:]).max() < 1e-6
    assert np.abs(out[:, 11_950:12_000]).max() < 0.05 * np.abs(out).max()


def test_more_channels_share_a_response_of_one(tmp_path, rng):
    audio, response = noise(rng, 6, 5000), noise(rng, 1, 700)
    file = write(tmp_path, response)
    out = Convolution(file=file, num_channels=6, **ALONE).process(audio)
    assert np.abs(out - expected(audio, response)).max() < 1e-5


@pytest.mark.parametrize(
    ("response", "message"),
    [
        (np.zeros((1, 100)), "is silent or empty"),
        (np.ones((3, 100)), "has 3 channels; it must have 1, 2 or 4"),
        (np.full((1, 100), np.nan), "NaN"),
        (np.ones((1, 61 * 8000)), "lasts 61 s"),
    ],
)
def test_a_file_that_is_no_impulse_response_is_refused_in_words(tmp_path, response, message):
    file = write(tmp_path, response.astype(np.float32), 8000)
    with pytest.raises(AudioError, match=message):
        Convolution(file=file)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "bathtub"}, "kind='bathtub' must be one of concert_hall"),
        ({"block_length": 100}, "block_length=100 must be 0"),
        ({"file": "not/there.wav"}, "no such file"),
        ({"num_channels": 6}, "num_channels=6 must be 1 or 2"),
    ],
)
def test_what_cannot_be_made_is_refused_in_words(settings, message):
    channels = settings.pop("num_channels", 2)
    with pytest.raises(AudioError, match=message):
        make_effect("convolution", settings, num_channels=channels)
