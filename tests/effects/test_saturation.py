from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.effects import Saturation

TIME = np.arange(48000) / 48000


def sine(frequency_hz: float, amplitude: float) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * frequency_hz * TIME))[None].astype(np.float32)


def test_quiet_sound_keeps_its_level_and_loud_sound_is_bounded():
    quiet = Saturation(drive_db=6.0, num_channels=1).process(sine(440, 0.003))
    assert np.abs(quiet).max() == pytest.approx(0.003, rel=0.01)
    loud = Saturation(drive_db=12.0, num_channels=1).process(sine(440, 5.0))
    assert np.abs(loud).max() <= 10 ** (-12 / 20) + 1e-6


def test_harmonics_are_odd():
    spectrum = np.abs(
        np.fft.rfft(Saturation(drive_db=18.0, num_channels=1).process(sine(500, 0.8))[0])
    )
    assert spectrum[1500] > 1000 * spectrum[1000]


def test_it_aliases_less_than_the_plain_curve():
    audio = sine(7001, 0.9)
    drive = 10 ** (18 / 20)
    soft = np.abs(np.fft.rfft(Saturation(drive_db=18.0, num_channels=1).process(audio)[0]))
    plain = np.abs(np.fft.rfft(np.tanh(drive * audio[0]) / drive))
    alias = 48000 - 5 * 7001  # the fifth harmonic folds down to 12995 Hz
    assert soft[alias] < 0.6 * plain[alias]
    assert 48000 - alias == 5 * 7001
