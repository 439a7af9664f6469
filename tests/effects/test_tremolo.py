from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from leitmotiv.effects import Tremolo
from leitmotiv.errors import AudioError

ONES = np.ones((2, 48_000), np.float32)


def test_rate_and_depth_are_what_they_say():
    out = Tremolo(rate_hz=5.0, depth=0.6).process(ONES)[0]
    spectrum = np.abs(np.fft.rfft(out - out.mean()))
    assert int(np.argmax(spectrum)) == 5
    assert out.max() == pytest.approx(1.0, abs=1e-3)
    assert out.min() == pytest.approx(0.4, abs=1e-3)


def test_auto_pan_swings_from_side_to_side_at_constant_power():
    out = Tremolo(kind="auto_pan", rate_hz=2.0, depth=1.0).process(ONES)
    assert np.square(out).sum(axis=0) == pytest.approx(2.0, abs=1e-3)
    assert out[0].min() == pytest.approx(0.0, abs=1e-3)
    assert out[0].max() == pytest.approx(np.sqrt(2), abs=1e-3)


def test_opposite_phases_swing_against_each_other():
    out = Tremolo(rate_hz=2.0, depth=1.0, stereo_phase_deg=180.0).process(ONES)
    assert out.sum(axis=0) == pytest.approx(1.0, abs=1e-3)


def test_harmonic_tremolo_swings_lows_against_highs():
    time = np.arange(48_000) / 48_000
    swing = []
    for hz in (60.0, 8000.0):
        tone = np.sin(2 * np.pi * hz * time).astype(np.float32)[None]
        out = Tremolo(kind="harmonic", rate_hz=1.0, depth=1.0, num_channels=1).process(tone)
        level = lfilter([0.001], [1, -0.999], np.square(out[0]))
        swing.append(level[::480])
    assert np.corrcoef(swing)[0, 1] < -0.8


def test_a_square_swing_has_no_clicks_and_a_longer_high():
    sine = Tremolo(rate_hz=4.0, depth=1.0, num_channels=1).process(ONES[:1])[0]
    square = Tremolo(rate_hz=4.0, depth=1.0, shape=1.0, num_channels=1).process(ONES[:1])[0]
    assert (square > 0.99).mean() > 2 * (sine > 0.99).mean()
    assert np.abs(np.diff(square)).max() < 0.01


def test_a_wrong_kind_and_a_mono_pan_are_refused():
    with pytest.raises(AudioError, match="kind='wobble' must be one of tremolo"):
        Tremolo(kind="wobble")
    with pytest.raises(AudioError, match="must be 2 for kind='auto_pan'"):
        Tremolo(kind="auto_pan", num_channels=1)
