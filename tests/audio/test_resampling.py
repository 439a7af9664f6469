"""A stream at another rate equals the whole at another rate, and keeps its tones."""

from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.audio.resampling import resample, resample_stream


@pytest.mark.parametrize(
    "rates", [(8_000, 48_000), (44_100, 48_000), (48_000, 44_100), (96_000, 22_050)]
)
@pytest.mark.parametrize("size", [97, 4096])
def test_a_stream_equals_the_whole(
    rng: np.random.Generator, rates: tuple[int, int], size: int
) -> None:
    audio = rng.standard_normal((2, 30_011)).astype(np.float32)
    blocks = (audio[:, at : at + size] for at in range(0, audio.shape[1], size))
    joined = np.concatenate(list(resample_stream(blocks, *rates)), axis=1)
    assert joined.shape == (2, -(-30_011 * rates[1] // rates[0]))
    assert np.abs(joined - resample(audio, *rates)).max() < 1e-6


def test_a_tone_keeps_its_pitch_level_and_phase() -> None:
    time = np.arange(44_100) / 44_100
    audio = np.sin(2 * np.pi * 1000 * time)[None].astype(np.float32)
    out = resample(audio, 44_100, 48_000)[0]
    wanted = np.sin(2 * np.pi * 1000 * np.arange(48_000) / 48_000)
    assert np.abs(out - wanted)[500:-500].max() < 1e-3
