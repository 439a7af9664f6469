from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.effects import Compressor


def steady(level_db: float, seconds: float = 1.0) -> np.ndarray:
    # A square wave's RMS is its amplitude.
    wave = np.where(np.arange(round(48000 * seconds)) // 24 % 2, 1.0, -1.0)
    return (10 ** (level_db / 20) * np.stack([wave, wave])).astype(np.float32)


@pytest.mark.parametrize(("level", "expected"), [(-40, -40), (-12, -18), (0, -15)])
def test_static_curve_beyond_the_knee(level, expected):
    compressor = Compressor(threshold_db=-20.0, ratio=4.0, knee_db=6.0)
    out = compressor.process(steady(level))
    assert 20 * np.log10(np.abs(out[0, -1])) == pytest.approx(expected, abs=0.05)


def test_curve_has_no_step_and_never_rises():
    compressor = Compressor(threshold_db=-20.0, ratio=3.0, knee_db=10.0)
    reduction = compressor.reduction_db(np.linspace(-60, 0, 6001))
    assert np.all(np.diff(reduction) >= 0)
    assert np.diff(reduction).max() <= 0.01 * (1 - 1 / 3) + 1e-9


def test_attack_and_release_take_their_time():
    compressor = Compressor(threshold_db=-30.0, ratio=10.0, attack_ms=50.0, release_ms=300.0)
    out = compressor.process(np.concatenate([steady(-60, 0.5), steady(-10), steady(-40)], axis=1))
    gain_db = 20 * np.log10(np.abs(out[0]) / np.abs(np.concatenate(
        [steady(-60, 0.5), steady(-10), steady(-40)], axis=1)[0]))  # fmt: skip
    full = gain_db[24000 + 47000]
    start = 24000
    assert gain_db[start + 2400] == pytest.approx(full * (1 - np.exp(-1)), abs=0.8)
    later = start + 48000 + 14400
    assert full < gain_db[later] < full * 0.2


def test_channels_are_linked():
    audio = steady(-6)
    audio[1] *= 0.1
    out = Compressor(threshold_db=-30.0, ratio=8.0).process(audio)
    np.testing.assert_allclose(out[1], 0.1 * out[0], rtol=1e-5)
