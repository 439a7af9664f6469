from __future__ import annotations

import math

import numpy as np
import pytest
import soundfile
from scipy.signal import butter, sosfilt

from leitmotiv.audio import integrated_lufs, read_audio, true_peak_dbtp
from leitmotiv.errors import AudioError
from leitmotiv.mix import PROFILES, master

SAMPLE_RATE = 48000


def music(kind: str, seconds: float = 8.0) -> np.ndarray:
    rng = np.random.default_rng(3)
    num_samples = round(seconds * SAMPLE_RATE)
    time = np.arange(num_samples) / SAMPLE_RATE
    if kind == "strings":
        chord = sum(np.sin(2 * np.pi * f * time + f) for f in (110, 220, 277.2, 329.6, 440))
        wave = 0.05 * chord * (0.6 + 0.4 * np.sin(0.7 * time))
    elif kind == "drums":  # peaky: crest factor above 20 dB
        noise = sosfilt(
            butter(2, [200, 9000], "band", fs=SAMPLE_RATE, output="sos"),
            rng.standard_normal(num_samples),
        )
        wave = 0.6 * noise * np.exp(-30 * (time % 0.5))
    elif kind == "dynamic":  # very soft, then very loud
        wave = 0.2 * np.sin(2 * np.pi * 330 * time) * np.where(time < seconds / 2, 0.02, 1.0)
    else:
        wave = 1e-4 * rng.standard_normal(num_samples)
    return np.stack([wave, 0.8 * np.roll(wave, 37)]).astype(np.float32)


@pytest.mark.parametrize("profile", [name for name, one in PROFILES.items() if not one.is_raw])
@pytest.mark.parametrize("kind", ["strings", "drums", "dynamic", "faint"])
def test_target_and_ceiling_hold(kind, profile):
    result = master(music(kind), SAMPLE_RATE, profile=profile)
    target = PROFILES[profile]
    assert result.integrated_lufs == pytest.approx(target.integrated_lufs, abs=0.01)
    assert result.true_peak_dbtp <= target.ceiling_dbtp
    assert result.notes == ()
    # The numbers are those of the audio.
    measured = integrated_lufs(result.audio, SAMPLE_RATE)
    assert measured == pytest.approx(result.integrated_lufs, abs=1e-3)
    assert true_peak_dbtp(result.audio) == pytest.approx(result.true_peak_dbtp, abs=1e-3)
    if not target.is_loop:
        assert np.abs(result.audio[:, -1]).max() < 1e-4  # faded


@pytest.mark.parametrize("samples", [0, 100, 48000])
def test_silence_stays_silence_and_says_so(samples):
    result = master(np.zeros((2, samples), np.float32), SAMPLE_RATE)
    assert not result.audio.any()
    assert result.audio.shape == (2, samples)
    assert result.integrated_lufs == -math.inf
    assert "silent" in result.notes[0]


@pytest.mark.parametrize("seconds", [0.001, 0.05, 0.3, 0.9])
def test_very_short_audio(seconds):
    result = master(music("strings", seconds), SAMPLE_RATE)
    assert np.isfinite(result.audio).all()
    assert result.true_peak_dbtp <= -1.0
    assert result.notes or result.integrated_lufs == pytest.approx(-14.0, abs=0.3)


def test_an_impossible_target_is_said():
    audio = np.zeros((2, 48000 * 4), np.float32)
    audio[:, 100] = 0.9  # one click
    result = master(audio, SAMPLE_RATE)
    assert result.true_peak_dbtp <= -1.0
    assert result.notes
    assert "LUFS, not -14" in result.notes[0]


def test_the_level_of_the_mix_does_not_matter():
    audio = music("strings")
    first, second = master(audio, SAMPLE_RATE), master(np.float32(0.1) * audio, SAMPLE_RATE)
    np.testing.assert_allclose(first.audio, second.audio, atol=1e-3)


def test_bad_requests():
    with pytest.raises(AudioError, match="profile='loud' must be one of streaming, film, game"):
        master(music("strings"), SAMPLE_RATE, profile="loud")
    with pytest.raises(AudioError, match=r"must be float32 with shape \(2, samples\)"):
        master(np.zeros((1, 10), np.float32), SAMPLE_RATE)
    with pytest.raises(AudioError, match="NaN"):
        master(np.full((2, 10), np.nan, np.float32), SAMPLE_RATE)


@pytest.mark.parametrize(("container", "subtype"), [("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")])
def test_lossy_encoding_keeps_the_ceiling(tmp_path, container, subtype):
    if container not in soundfile.available_formats():
        pytest.skip(f"this libsndfile has no {container}")
    result = master(music("strings") + 0.2 * music("drums"), SAMPLE_RATE)
    path = tmp_path / "encoded"
    with soundfile.SoundFile(path, "w", SAMPLE_RATE, 2, subtype=subtype, format=container) as file:
        for start in range(0, result.audio.shape[1], SAMPLE_RATE):
            file.write(result.audio.T[start : start + SAMPLE_RATE])
    # The margin is a rule of thumb, not a bound: noise limited hard overshoots it.
    assert true_peak_dbtp(read_audio(path)[0]) <= -0.9
