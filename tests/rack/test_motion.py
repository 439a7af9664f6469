"""Motions are functions of time: the ends, the range, the shape."""

from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.effects import Parameter
from leitmotiv.rack.motion import Points, Swing, Wander
from leitmotiv.rack.tempo import note_value_to_sec

LEVEL = Parameter("level", 0.0, 0.0, 100.0)
CUTOFF = Parameter("cutoff_hz", 1000.0, 20.0, 20000.0, "Hz", scale="log")


@pytest.mark.parametrize("curve", ["linear", "smooth", "step"])
def test_points_are_met_and_their_ends_held(curve: str) -> None:
    points = Points(LEVEL, (1.0, 2.0, 4.0), (10.0, 50.0, 20.0), curve)  # type: ignore[arg-type]
    values = points.values(np.array([0.0, 1.0, 2.0, 4.0, 9.0]))
    assert values.tolist() == [10.0, 10.0, 50.0, 20.0, 20.0]


def test_points_of_a_logarithmic_knob_move_by_ratios() -> None:
    points = Points(CUTOFF, (0.0, 2.0), (100.0, 10_000.0))
    assert points.values(np.array([1.0]))[0] == pytest.approx(1000.0)


@pytest.mark.parametrize("shape", ["sine", "triangle", "saw_up", "saw_down", "square"])
def test_a_swing_repeats_at_its_rate_and_fills_its_range(shape: str) -> None:
    swing = Swing(LEVEL, 10.0, 30.0, 2.0, shape)
    time_sec = np.arange(1000) / 1000 * 0.5
    values = swing.values(time_sec)
    assert values.min() == pytest.approx(10.0, abs=0.1)
    assert values.max() == pytest.approx(30.0, abs=0.1)
    assert np.allclose(values[5:-5], swing.values(time_sec + 3.0)[5:-5], atol=1e-6)


def test_a_wander_is_the_same_however_it_is_read_and_does_not_come_round() -> None:
    wander = Wander(LEVEL, 10.0, 30.0, 3.0, seed=5)
    time_sec = np.arange(4000) / 100
    whole = wander.values(time_sec)
    cut = np.concatenate([wander.values(time_sec[at : at + 7]) for at in range(0, 4000, 7)])
    assert np.array_equal(whole, cut)
    assert whole.min() >= 10.0
    assert whole.max() <= 30.0
    assert np.abs(np.diff(whole)).max() < 2.0
    centred = whole - whole.mean()
    lags = [abs(np.corrcoef(centred[:-lag], centred[lag:])[0, 1]) for lag in range(300, 2000, 50)]
    assert max(lags) < 0.5


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("1/4", 0.5), ("1/8.", 0.375), ("1/8t", 1 / 6), ("3/16", 0.375), ("1/1", 2)],
)
def test_note_values_at_120(text: str, wanted: float) -> None:
    assert note_value_to_sec(text, 120.0) == pytest.approx(wanted)
