from __future__ import annotations

import math

import numpy as np
import pytest

from leitmotiv.effects import Band, Equalizer
from leitmotiv.effects.parametric_eq import ParametricEqualizer
from leitmotiv.errors import AudioError


def spectrum(effect: object) -> np.ndarray:
    click = np.zeros((1, 48_000), np.float32)
    click[0, 0] = 1.0
    return np.fft.rfft(effect.process(click)[0])  # type: ignore[attr-defined]


def test_every_band_is_the_audio_cookbooks():
    # The static equaliser is another form (a biquad) of the same published responses.
    moving = ParametricEqualizer(
        low_cut_hz=50.0, low_shelf_db=4.0, bell_2_db=-5.0, bell_2_quality=3.0, bell_4_hz=9000.0,
        bell_4_db=12.0, high_shelf_db=7.0, high_cut_hz=15_000.0, num_channels=1,
    )  # fmt: skip
    static = Equalizer(
        (
            Band("high_pass", 50.0), Band("low_shelf", 120.0, 4.0), Band("bell", 600.0, -5.0, 3.0),
            Band("bell", 9000.0, 12.0, 1.0), Band("high_shelf", 8000.0, 7.0),
            Band("low_pass", 15_000.0),
        ),
        num_channels=1,
    )  # fmt: skip
    np.testing.assert_allclose(spectrum(moving), spectrum(static), atol=2e-6)


@pytest.mark.parametrize("slope_db", [12, 24])
def test_cuts_are_3_db_down_and_fall_by_their_slope(slope_db):
    effect = ParametricEqualizer(
        low_cut_hz=200.0, high_cut_hz=4000.0, cut_slope_db=slope_db, num_channels=1
    )
    level = 20 * np.log10(np.abs(spectrum(effect)))
    assert level[200] == pytest.approx(-3.01, abs=0.05)
    assert level[4000] == pytest.approx(-3.01, abs=0.05)
    assert level[50] - level[25] == pytest.approx(slope_db, abs=0.3)


def test_a_flat_equaliser_passes_every_bit(rng):
    audio = rng.standard_normal((2, 5000)).astype(np.float32)
    assert np.array_equal(ParametricEqualizer().process(audio), audio)


def test_bands_stay_on_their_frequency_at_low_sample_rates():
    effect = ParametricEqualizer(
        bell_4_hz=20_000.0, bell_4_db=12.0, sample_rate=22_050, num_channels=1
    )
    click = np.zeros((1, 22_050), np.float32)
    click[0, 0] = 1.0
    level = 20 * np.log10(np.abs(np.fft.rfft(effect.process(click)[0])))
    assert level.max() == pytest.approx(12.0, abs=0.1)
    assert np.argmax(level) == pytest.approx(0.49 * 22_050, rel=0.01)


def test_a_gain_that_swings_through_zero_makes_no_click():
    time = np.arange(48_000) / 48_000
    audio = (0.25 * np.sin(2 * np.pi * 100 * time))[None].astype(np.float32)
    swing = 12.0 * np.cos(2 * np.pi * 3 * time)
    swing[np.abs(swing) < 0.005] = 0.0
    effect = ParametricEqualizer(bell_1_hz=100.0, num_channels=1)
    out = effect.process(audio, automation={"bell_1_db": swing})[0].astype(np.float64)
    assert np.abs(np.diff(out, n=3)[1000:]).max() < 2e-3
    assert np.abs(out).max() == pytest.approx(0.25 * 10 ** (12 / 20), rel=0.05)


def test_the_gain_follows_its_curve():
    time = np.arange(96_000) / 48_000
    audio = (0.1 * np.sin(2 * np.pi * 2000 * time))[None].astype(np.float32)
    curve = np.linspace(-12.0, 12.0, 96_000)
    effect = ParametricEqualizer(bell_3_quality=math.sqrt(0.5), num_channels=1)
    out = effect.process(audio, automation={"bell_3_db": curve})[0]
    for at in (12_000, 48_000, 90_000):
        window = slice(at - 240, at + 240)
        gain = np.abs(out[window]).max() / np.abs(audio[0, window]).max()
        assert 20 * np.log10(gain) == pytest.approx(curve[at], abs=0.15)


def test_a_slope_that_there_is_not_is_refused():
    with pytest.raises(AudioError, match="cut_slope_db=6 must be 12 or 24"):
        ParametricEqualizer(cut_slope_db=6)
