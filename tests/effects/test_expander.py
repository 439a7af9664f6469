from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.effects.expander import Expander


def steady(level_db: float, num_samples: int = 48_000) -> np.ndarray:
    wave = np.where(np.arange(num_samples) // 24 % 2, 1.0, -1.0)
    return (10 ** (level_db / 20) * np.stack([wave, wave])).astype(np.float32)


@pytest.mark.parametrize("detector", ["rms", "peak"])
@pytest.mark.parametrize("ratio", [1.5, 3.0])
def test_below_the_threshold_levels_fall_by_the_ratio(ratio, detector):
    for level in (-20.0, -40.0, -45.0, -55.0):
        expander = Expander(
            threshold_db=-40.0, ratio=ratio, range_db=100.0, knee_db=0.0, detector=detector
        )
        out = 20 * np.log10(np.abs(expander.process(steady(level, 96_000))[0, -1]))
        expected = level if level > -40 else -40 + ratio * (level + 40)
        assert out == pytest.approx(expected, abs=0.02)


def test_no_more_than_the_range_is_taken_away():
    expander = Expander(threshold_db=-30.0, ratio=10.0, range_db=12.0)
    out = expander.process(steady(-60.0, 96_000))
    assert 20 * np.log10(np.abs(out[0, -1])) == pytest.approx(-72.0, abs=0.01)
    assert expander.reduction_db(np.array([-60.0, -20.0])).tolist() == [12.0, 0.0]


def test_it_opens_in_the_attack_and_shuts_in_the_release():
    audio = np.concatenate([np.full(48_000, 1e-3), np.full(24_000, 0.5), np.full(48_000, 1e-3)])
    expander = Expander(
        threshold_db=-20.0, ratio=20.0, range_db=20.0, attack_ms=10.0, release_ms=200.0,
        detector="peak", window_ms=0.1, num_channels=1,
    )  # fmt: skip
    gain_db = 20 * np.log10(expander.process(audio[None].astype(np.float32))[0] / audio)
    opened = np.argmax(gain_db[48_000:] >= -20 * np.exp(-1)) / 48
    shut = np.argmax(gain_db[72_000:] <= -20 * (1 - np.exp(-1))) / 48
    assert opened == pytest.approx(10.0, rel=0.05)
    assert shut == pytest.approx(200.0, rel=0.05)


def test_a_side_chain_opens_it():
    quiet, loud = steady(-60.0), steady(-6.0)
    opened = Expander(threshold_db=-30.0).process(quiet, side_chain=loud)
    assert np.abs(opened[:, -1]).max() == pytest.approx(1e-3, rel=0.01)
