from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.effects.level import EXPAND, FixedDelay, fast_exp2, fast_log2, reduction_curve


def test_fast_logarithm_and_power_are_as_near_as_they_say():
    numbers = np.geomspace(1e-30, 1e30, 4001)
    assert max(abs(fast_log2(x) - np.log2(x)) for x in numbers) < 5e-8
    powers = np.linspace(-300.0, 300.0, 4001)
    assert max(abs(fast_exp2(x) / 2.0**x - 1.0) for x in powers) < 2e-7
    assert fast_exp2(0.0) == 1.0


@pytest.mark.parametrize("ratio", [1.0, 2.0, 20.0])
@pytest.mark.parametrize("knee_db", [0.0, 12.0])
def test_curves_have_their_slopes_and_no_step(knee_db, ratio):
    level = np.linspace(-80.0, 0.0, 8001)
    down = reduction_curve(level, threshold_db=-40.0, ratio=ratio, knee_db=knee_db)
    assert np.all(np.diff(down) >= 0)
    assert np.all(down[level < -40 - knee_db / 2] == 0)
    assert down[-1] == pytest.approx(40 * (1 - 1 / ratio))
    under = reduction_curve(level, threshold_db=-40.0, ratio=ratio, knee_db=knee_db, mode=EXPAND)
    assert np.all(np.diff(under) <= 0)
    assert under[0] == pytest.approx(40 * (ratio - 1))
    for curve, steepest in ((down, 1 - 1 / ratio), (under, ratio - 1)):
        assert np.abs(np.diff(curve)).max() <= 0.01 * steepest + 1e-9


def test_a_fixed_delay_is_a_delay(rng):
    audio = rng.standard_normal((2, 500)).astype(np.float32)
    delay = FixedDelay(2, 70)
    out = np.concatenate([delay.next(audio[:, :33]), delay.next(audio[:, 33:])], axis=1)
    assert not out[:, :70].any()
    assert np.array_equal(out[:, 70:], audio[:, :-70])
