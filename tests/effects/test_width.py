from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.effects import StereoWidth
from leitmotiv.errors import AudioError


@pytest.mark.parametrize("width", [0.0, 0.5, 1.0, 2.0])
def test_the_sum_to_mono_is_untouched(rng, width):
    audio = rng.standard_normal((2, 1000)).astype(np.float32)
    out = StereoWidth(width=width, mono_below_hz=100.0).process(audio)
    np.testing.assert_allclose(out.sum(axis=0), audio.sum(axis=0), atol=1e-5)


def test_sides_scale(rng):
    audio = rng.standard_normal((2, 1000)).astype(np.float32)
    out = StereoWidth(width=1.7).process(audio)
    np.testing.assert_allclose(out[0] - out[1], 1.7 * (audio[0] - audio[1]), atol=1e-5)


@pytest.mark.parametrize("hertz", [80.0, 300.0])
def test_bass_of_the_sides_is_3_db_down_at_the_corner_and_falls_12_db_an_octave(hertz):
    click = np.zeros((2, 48000), np.float32)
    click[0, 0], click[1, 0] = 1.0, -1.0
    out = StereoWidth(mono_below_hz=hertz).process(click)
    level = 20 * np.log10(np.abs(np.fft.rfft(0.5 * (out[0] - out[1]))))
    assert level[round(hertz)] == pytest.approx(-3.01, abs=0.01)
    assert level[round(hertz / 4)] == pytest.approx(-24.1, abs=0.3)


def test_the_corner_may_move_from_none_and_back():
    time = np.arange(48000) / 48000
    audio = np.stack([np.sin(2 * np.pi * 100 * time), np.zeros(48000)]).astype(np.float32)
    corner = 500 * np.maximum(np.sin(2 * np.pi * 3 * time), 0.0)
    out = StereoWidth().process(audio, automation={"mono_below_hz": corner})
    steep = np.diff((out[0] - out[1]).astype(np.float64), n=3)
    assert np.abs(steep).max() < 0.02  # a corner, no step (which would leave 1)


def test_mono_is_refused():
    with pytest.raises(AudioError, match="num_channels=1 must be 2"):
        StereoWidth(num_channels=1)
