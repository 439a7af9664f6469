from __future__ import annotations

import math

import numpy as np
import pytest

from leitmotiv.effects import Phaser
from leitmotiv.errors import AudioError


def response(**settings) -> np.ndarray:
    """Gain in dB at each hertz up to 24 kHz, standing still."""
    click = np.zeros((1, 48_000), np.float32)
    click[0, 0] = 1.0
    effect = Phaser(depth_octaves=0.0, wet_level=0.5, dry_level=0.5, num_channels=1, **settings)
    return 20 * np.log10(np.abs(np.fft.rfft(effect.process(click)[0])) + 1e-9)


@pytest.mark.parametrize("num_stages", [2, 4, 6])
def test_notches_stand_where_the_stages_turn_the_phase_by_odd_half_turns(num_stages):
    gain = response(center_hz=1000.0, feedback=0.0, num_stages=num_stages)
    notches = np.flatnonzero((gain[1:-1] < gain[:-2]) & (gain[1:-1] < gain[2:])) + 1
    notches = notches[gain[notches] < -25]
    # Each stage turns by 2 atan(tan(pi f / fs) / tan(pi fc / fs)).
    warped = math.tan(math.pi * 1000 / 48_000)
    expected = [
        48_000 / math.pi * math.atan(warped * math.tan(math.pi * (2 * k + 1) / (2 * num_stages)))
        for k in range(num_stages // 2)
    ]
    assert notches == pytest.approx(expected, rel=0.005)


def test_an_all_pass_alone_leaves_the_power_of_noise(rng):
    noise = rng.standard_normal((1, 48_000)).astype(np.float32)
    out = Phaser(feedback=0.0, wet_level=1.0, dry_level=0.0, num_channels=1).process(noise)
    assert out.std() == pytest.approx(1.0, abs=0.02)


def notch_track(direction: str, rng) -> np.ndarray:
    """The deepest place of each tenth of a second, in octaves."""
    noise = rng.standard_normal((1, 6 * 48_000)).astype(np.float32)
    effect = Phaser(
        direction=direction,
        rate_hz=0.5,
        center_hz=800.0,
        depth_octaves=2.0,
        num_stages=2,
        feedback=0.0,
        wet_level=1.0,
        dry_level=0.0,
        num_channels=1,
    )
    out = effect.process(noise)
    frames = np.abs(np.fft.rfft(out[0].reshape(-1, 4800) * np.hanning(4800), axis=1)) ** 2
    before = np.abs(np.fft.rfft(noise[0].reshape(-1, 4800) * np.hanning(4800), axis=1)) ** 2
    octaves = np.arange(-1.5, 1.6, 0.25)
    gain = []
    for octave in octaves:
        low, high = (round(80.0 * 2 ** (octave + side)) for side in (-0.15, 0.15))
        gain.append(frames[:, low:high].sum(axis=1) / before[:, low:high].sum(axis=1))
    return octaves[np.argmin(gain, axis=0)]


@pytest.mark.parametrize(("direction", "sign"), [("up", 1), ("down", -1)])
def test_the_barber_pole_moves_one_way_for_ever(direction, sign, rng):
    track = notch_track(direction, rng)
    steps = np.diff(track)
    steps = steps[np.abs(steps) < 1.0]  # where one notch hands over to the next it jumps back
    # Two notches over four octaves at half a notch a second: one octave a second.
    assert steps.mean() * 10 == pytest.approx(sign * 1.0, abs=0.35)
    assert (sign * steps < -0.3).mean() < 0.05


def test_settings_that_make_no_notches_are_refused():
    with pytest.raises(AudioError, match="num_stages=3 must be even"):
        Phaser(num_stages=3)
    with pytest.raises(AudioError, match="direction='left' must be one of sweep, up, down"):
        Phaser(direction="left")
