from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.effects.oversampling import TAPS, Oversampler


def around(audio: np.ndarray, factor: int) -> np.ndarray:
    """Up and down, with the mean of two that a curve without aliasing puts between."""
    sampler = Oversampler(1, factor)
    high = sampler.up(audio)
    mean = 0.5 * (high + np.concatenate([np.zeros((1, 1), np.float32), high[:, :-1]], axis=1))
    return sampler.down(mean)


@pytest.mark.parametrize("factor", [2, 4, 8])
def test_the_way_up_and_down_is_flat_and_late_by_its_latency(factor):
    click = np.zeros((1, 4800), np.float32)
    click[0, 100] = 1.0
    spectrum = np.fft.rfft(around(click, factor)[0])
    cycles = np.arange(2401) / 4800
    passed = cycles <= 0.42
    level = 20 * np.log10(np.abs(spectrum[passed]))
    assert np.abs(level).max() < 0.1
    phase = spectrum[passed] * np.exp(2j * np.pi * cycles[passed] * (100 + TAPS))
    assert np.abs(np.angle(phase)).max() < 1e-3


@pytest.mark.parametrize("factor", [2, 4])
def test_what_arises_above_the_lower_rate_is_gone_on_the_way_down(factor):
    position = np.arange(9600 * factor)
    high = np.cos(2 * np.pi * 0.6 / factor * position)[None].astype(np.float32)
    assert np.abs(Oversampler(1, factor).down(high)[0, 100:]).max() < 1e-3
