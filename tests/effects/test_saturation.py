from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.effects import Saturation
from leitmotiv.errors import AudioError

TIME = np.arange(48000) / 48000


def sine(frequency_hz: float, amplitude: float) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * frequency_hz * TIME))[None].astype(np.float32)


@pytest.mark.parametrize("oversampling", [1, 2, 4])
def test_quiet_sound_keeps_its_level_and_loud_sound_is_bounded(oversampling):
    settings = {"num_channels": 1, "oversampling": oversampling}
    quiet = Saturation(drive_db=6.0, **settings).process(sine(440, 0.003))
    assert np.abs(quiet).max() == pytest.approx(0.003, rel=0.01)
    loud = Saturation(drive_db=12.0, **settings).process(sine(440, 5.0))
    # Filters ring where a curve has corners: by a tenth at most.
    ringing = 1.0 if oversampling == 1 else 1.1
    assert np.abs(loud).max() <= ringing * 10 ** (-12 / 20) + 1e-6


@pytest.mark.parametrize("kind", ["tanh", "hard", "fold"])
def test_the_curve_is_what_it_says(kind):
    # So slow a sine that a mean between neighbours is the curve itself.
    slow = sine(2, 0.9)
    effect = Saturation(drive_db=12.0, kind=kind, oversampling=1, num_channels=1)
    driven = 10 ** (12 / 20) * slow[0].astype(np.float64)
    curve = {"tanh": np.tanh, "hard": lambda x: np.clip(x, -1, 1), "fold": np.sin}[kind]
    expected = curve(driven) / 10 ** (12 / 20)
    np.testing.assert_allclose(effect.process(slow)[0], expected, atol=3e-4)


def test_harmonics_are_odd_and_bias_makes_them_even_without_an_offset():
    def spectrum(bias: float) -> np.ndarray:
        effect = Saturation(drive_db=18.0, bias=bias, num_channels=1)
        effect.process(sine(500, 0.8))
        return np.abs(np.fft.rfft(effect.process(sine(500, 0.8))[0]))

    plain, biased = spectrum(0.0), spectrum(0.4)
    assert plain[1500] > 1000 * plain[1000]
    assert biased[1000] > 0.05 * biased[500]
    assert biased[0] < 1e-3 * biased[500]


def aliasing_db(out: np.ndarray, frequency_hz: int) -> float:
    """Power below 20 kHz that is no harmonic, against all of it."""
    power = np.abs(np.fft.rfft(out * np.blackman(48000))[:20000]) ** 2
    harmonic = np.arange(20000) % frequency_hz
    alias = (np.minimum(harmonic, frequency_hz - harmonic) > 4) & (np.arange(20000) > 20)
    return float(10 * np.log10(power[alias].sum() / power.sum()))


def test_aliasing_falls_with_oversampling():
    audio = sine(5003, 0.9)
    drive = 10 ** (12 / 20)
    plain = aliasing_db(np.tanh(drive * audio[0]) / drive, 5003)
    assert plain > -30
    for oversampling, most_db in ((1, -38.0), (2, -80.0), (4, -110.0)):
        effect = Saturation(drive_db=12.0, oversampling=oversampling, num_channels=1)
        assert aliasing_db(effect.process(audio)[0], 5003) < most_db


def test_dry_and_wet_stay_together():
    # Where nothing bends, any mix is the input, late by the reported latency.
    click = np.zeros((1, 4800), np.float32)
    click[0, 100] = 1e-4
    for mix in (0.0, 0.5, 1.0):
        effect = Saturation(mix=mix, drive_db=0.0, num_channels=1)
        level = np.abs(np.fft.rfft(effect.process(click)[0])) / 1e-4
        assert np.abs(level[: round(20_000 / 10)] - 1.0).max() < 0.01
        assert effect.latency_samples == 32


def test_a_moving_drive_keeps_quiet_sound_at_its_level():
    audio = sine(440, 1e-3)
    curve = 20 + 20 * np.sin(2 * np.pi * 5 * TIME)
    effect = Saturation(num_channels=1)
    out = effect.process(audio, automation={"drive_db": curve})[0]
    np.testing.assert_allclose(out[132:], audio[0, 100:-32], atol=2e-5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "diode"}, "kind='diode' must be one of tanh, hard, fold"),
        ({"oversampling": 3}, "oversampling=3 must be 1, 2, 4 or 8"),
    ],
)
def test_what_it_cannot_do_is_refused(settings, message):
    with pytest.raises(AudioError, match=message):
        Saturation(**settings)
