from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.effects import Delay


def test_echoes_stand_in_time_and_fall_by_the_feedback():
    click = np.zeros((2, 5000), np.float32)
    click[0, 0] = 1.0
    delay = Delay(delay_sec=0.01, feedback=0.5, damping_hz=20000.0, dry_level=0.0, wet_level=1.0)
    out = delay.process(click)
    assert np.flatnonzero(np.abs(out[0]) > 0.05).min() == 480
    energy = [out[0, 480 * n : 480 * n + 100].sum() for n in (1, 2, 3)]
    assert energy == pytest.approx([1.0, 0.5, 0.25], abs=1e-3)
    assert not out[1].any()


def test_ping_pong_changes_sides():
    click = np.zeros((2, 2000), np.float32)
    click[0, 0] = 1.0
    out = Delay(delay_sec=0.01, ping_pong=True, dry_level=0.0, wet_level=1.0).process(click)
    assert out[0, 480] == pytest.approx(1.0)
    assert not out[1, :960].any()
    assert out[1, 960] > 0.1
    assert not out[0, 481:1440].any()
