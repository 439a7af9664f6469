"""Captures as nodes of a rack."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.effects import nam_models

from leitmotiv.effects.effect import apply
from leitmotiv.effects.nam_file import parse_nam, read_nam, write_nam
from leitmotiv.effects.nam_player import NamPlayer
from leitmotiv.effects.neural_amp import NeuralAmp, capture_file, capture_names
from leitmotiv.effects.tube_amp import TubeAmp
from leitmotiv.errors import AudioError, ModelError

IDENTITY = nam_models.document("Linear", {"receptive_field": 1, "bias": False}, [1.0])


def saved(folder: Path, document: Any) -> str:
    path = folder / "capture.nam"
    write_nam(path, parse_nam(document))
    return str(path)


def pluck(num_samples: int, rate: int = 48_000) -> np.ndarray:
    """A few decaying harmonics."""
    t = np.arange(num_samples) / rate
    wave = sum(np.sin(2 * np.pi * 147 * k * t) * np.exp(-t * 3 * k) / k for k in range(1, 9))
    return (0.25 * wave)[None].astype(np.float32)


@pytest.mark.parametrize("capture", capture_names())
def test_a_built_in_capture_sounds_like_the_amplifier_it_was_made_of(capture: str) -> None:
    document = read_nam(capture_file(capture))
    settings = document.metadata["amplifier"]
    audio = pluck(24_000)
    amp = NeuralAmp(capture=capture, normalized=False, num_channels=1)
    target = apply(audio, TubeAmp(num_channels=1, **settings))[0]
    played = amp.process(audio)[0]
    lag = document.metadata["training"]["delay_samples"]
    # The capture was aligned to what it heard: it is some samples early against the original.
    best = min(
        float(np.sum((np.roll(played, shift) - target)[4000:] ** 2) / np.sum(target[4000:] ** 2))
        for shift in range(lag - 8, lag + 9)
    )
    assert best < 0.05


def test_gains_and_levels_do_what_they_say(tmp_path: Path) -> None:
    file = saved(tmp_path, IDENTITY)
    audio = pluck(3000)

    def run(**settings: float) -> np.ndarray:
        return NeuralAmp(file=file, num_channels=1, **settings).process(audio)

    np.testing.assert_allclose(run(), audio, atol=1e-7)
    np.testing.assert_allclose(run(input_gain_db=-6.0206), 0.5 * audio, atol=1e-5)
    np.testing.assert_allclose(run(output_gain_db=6.0206), 2 * audio, atol=1e-5)
    np.testing.assert_allclose(run(wet_level=0.5, dry_level=0.25), 0.75 * audio, atol=1e-6)


def test_loudness_that_a_file_names_is_evened_out(tmp_path: Path) -> None:
    document = IDENTITY | {"metadata": {"loudness": -24.0}}
    file, audio = saved(tmp_path, document), pluck(1000)
    plain = NeuralAmp(file=file, normalized=False, num_channels=1).process(audio)
    np.testing.assert_allclose(plain, audio, atol=1e-7)
    even = NeuralAmp(file=file, num_channels=1).process(audio)
    np.testing.assert_allclose(even, audio * 10 ** (6 / 20), atol=1e-6)


@pytest.mark.parametrize("rate", [44_100, 96_000])
def test_at_another_rate_dry_and_wet_stay_together(rate: int, tmp_path: Path) -> None:
    file = saved(tmp_path, IDENTITY)
    audio = pluck(6000, rate)
    amp = NeuralAmp(file=file, wet_level=1.0, dry_level=-0.0, sample_rate=rate, num_channels=1)
    assert amp.latency_samples > 0
    np.testing.assert_allclose(apply(audio, amp)[0, 500:-500], audio[0, 500:-500], atol=1e-3)
    both = NeuralAmp(file=file, dry_level=1.0, sample_rate=rate, num_channels=1)
    np.testing.assert_allclose(apply(audio, both)[0, 500:-500], 2 * audio[0, 500:-500], atol=1e-3)


def test_equal_channels_share_a_player_until_they_part(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    document = nam_models.first_generation(rng)
    file = saved(tmp_path, document)
    mono = (0.3 * rng.standard_normal(1500)).astype(np.float32)
    other = (0.3 * rng.standard_normal(1500)).astype(np.float32)
    amp = NeuralAmp(file=file)
    out = np.concatenate(
        [amp.process(np.stack([mono, mono])), amp.process(np.stack([mono, other]))], axis=1
    )
    for channel, second in enumerate((mono, other)):
        player = NamPlayer(parse_nam(document))
        alone = player.play(np.concatenate([mono, second])) - np.float32(player.rest)
        np.testing.assert_array_equal(out[channel], alone)


def test_the_size_of_a_container_is_an_option(tmp_path: Path, rng: np.random.Generator) -> None:
    file, audio = saved(tmp_path, nam_models.container(rng)), pluck(800)
    small, full = (
        NeuralAmp(file=file, slim=slim, num_channels=1).process(audio) for slim in (0.0, 1.0)
    )
    assert np.abs(small - full).max() > 0.01


def test_what_cannot_be_played_is_named(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="capture='plexi' must be one of"):
        NeuralAmp(capture="plexi")
    with pytest.raises(ModelError, match="does not exist"):
        NeuralAmp(file=str(tmp_path / "none.nam"))
    with pytest.raises(AudioError, match="slim=2"):
        NeuralAmp(slim=2.0)
