from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from leitmotiv.mix import MixForm, bar_differences_lu
from leitmotiv.mix.automation import (
    LARGEST_RIDE_DB,
    GainCurve,
    duck,
    energy_curves_db,
    ride_levels_db,
)

SAMPLE_RATE = 48000
BARS = np.arange(5) * 1.0


def form(energy: tuple[float, ...] = (0.2, 0.2, 0.8, 0.8)) -> MixForm:
    return MixForm(BARS, np.asarray(energy), (frozenset({0}),) * 4)


def applied(curve: GainCurve, num_samples: int, offset: int = 0) -> np.ndarray:
    audio = np.ones((2, num_samples), np.float32)
    curve.apply(audio, SAMPLE_RATE, offset_sample=offset)
    return audio


def test_a_curve_holds_its_bars_and_glides_before_the_bar_line():
    curve = GainCurve.from_bars(BARS, np.array([0.0, -6.0, -6.0, 3.0]))
    gain = 20 * np.log10(applied(curve, 4 * SAMPLE_RATE + 100)[0])
    for second, level in (
        (0.1, 0.0),
        (0.7, 0.0),
        (1.0, -6.0),
        (2.7, -6.0),
        (3.0, 3.0),
        (4.001, 3.0),
    ):
        assert gain[round(second * SAMPLE_RATE)] == pytest.approx(level, abs=1e-3)
    steps = np.abs(np.diff(applied(curve, 4 * SAMPLE_RATE)[0]))
    assert steps.max() < 1e-4  # no click


def test_a_curve_in_pieces_is_the_curve():
    curve = GainCurve.from_bars(BARS, np.array([2.0, -6.0, 1.0, 3.0]))
    whole = applied(curve, 4 * SAMPLE_RATE)
    cuts = [0, 17, 40_000, 46_000, 100_000, 4 * SAMPLE_RATE]
    pieces = [applied(curve, b - a, a) for a, b in pairwise(cuts)]
    np.testing.assert_allclose(np.concatenate(pieces, axis=1), whole, atol=1e-6)


def test_energy_moves_drums_most_and_pads_against_it():
    curves = energy_curves_db(form(), ("melody", "drums", "pad"))
    rise = curves[:, 2] - curves[:, 0]
    assert rise[1] > rise[0] > 0 > rise[2]
    np.testing.assert_allclose(curves.mean(axis=1), 0, atol=1e-9)
    assert not energy_curves_db(form((0.5,) * 4), ("melody", "drums")).any()


@pytest.mark.parametrize(("melody", "rest"), [(0.001, 0.02), (0.5, 0.01), (0.02, 0.02)])
def test_rides_bring_the_melody_into_its_band(melody, rest):
    powers = [np.full(40, melody), np.full(40, rest), np.full(40, rest / 3)]
    powers[1][10:20] *= 2
    gains = np.zeros((3, 4))
    band = (-3.0, 6.0)
    rides = ride_levels_db(powers, gains, form(), band)
    ridden = [
        power * 10 ** (np.repeat(ride, 10) / 10) for power, ride in zip(powers, rides, strict=True)
    ]
    after = bar_differences_lu(ridden, form())
    before = bar_differences_lu(powers, form())
    assert np.all(np.abs(after - 1.5) <= np.abs(before - 1.5) + 1e-6)
    if abs(10 * np.log10(melody / rest)) < 10:
        assert after.min() >= -3.0
        assert after.max() <= 6.0
    assert np.abs(rides).max() <= LARGEST_RIDE_DB + 1e-9


def test_a_melody_that_stands_well_is_not_ridden():
    powers = [np.full(40, 0.02), np.full(40, 0.015)]
    assert not ride_levels_db(powers, np.zeros((2, 4)), form(), (-3.0, 6.0)).any()
    nobody = MixForm(BARS, np.full(4, 0.5), (frozenset(),) * 4)
    assert not ride_levels_db(powers, np.zeros((2, 4)), nobody, (-3.0, 6.0)).any()


def test_ducking_goes_down_by_its_depth_at_each_kick_and_comes_back():
    audio = np.ones((2, 2 * SAMPLE_RATE), np.float32)
    kicks = np.array([0.5, 0.6, 1.5])  # the second before the first has let go
    duck(audio, kicks, 6.0, SAMPLE_RATE)
    gain = 20 * np.log10(audio[0])
    for kick in kicks:
        assert gain[round(kick * SAMPLE_RATE)] == pytest.approx(-6.0, abs=0.05)
    assert gain[round(0.4 * SAMPLE_RATE)] == 0.0
    assert gain[round(1.0 * SAMPLE_RATE)] == 0.0
    assert gain[round(0.59 * SAMPLE_RATE)] > -5.0  # on its way back
    assert gain.min() >= -6.03
    assert np.abs(np.diff(audio[0])).max() < 0.01


def test_ducking_of_nothing_and_at_the_edges():
    audio = np.ones((2, 1000), np.float32)
    duck(audio, np.zeros(0), 6.0, SAMPLE_RATE)
    duck(audio, np.array([0.5]), 0.0, SAMPLE_RATE)
    assert (audio == 1).all()
    duck(audio, np.array([0.0, 0.02, 5.0]), 6.0, SAMPLE_RATE)
    assert np.isfinite(audio).all()
    assert audio.min() == pytest.approx(0.5, abs=0.01)
