from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import hilbert

from leitmotiv.effects import Chorus
from leitmotiv.errors import AudioError

TIME = np.arange(96_000) / 48_000
TONE = np.sin(2 * np.pi * 1000 * TIME).astype(np.float32)[None]


def lateness_ms(out: np.ndarray) -> np.ndarray:
    """How late a 1 kHz tone is, sample by sample, but for its middle."""
    phase = np.unwrap(np.angle(hilbert(out.astype(np.float64)))) - 2 * np.pi * 1000 * TIME
    return -(phase - phase.mean())[4000:-4000] / (2 * np.pi)


def test_a_voice_swings_at_the_rate_and_by_the_depth():
    effect = Chorus(
        rate_hz=2.0, depth_ms=1.5, num_voices=1, dry_level=0.0, wet_level=1.0, num_channels=1
    )
    late = lateness_ms(effect.process(TONE)[0])
    assert late.max() - late.min() == pytest.approx(3.0, rel=0.01)
    rises = np.flatnonzero((late[:-1] < 0) & (late[1:] >= 0))
    assert 48_000 / np.diff(rises).mean() == pytest.approx(2.0, rel=0.01)


def test_channels_swing_apart_by_the_stereo_phase():
    effect = Chorus(rate_hz=2.0, num_voices=1, dry_level=0.0, stereo_phase_deg=90.0)
    out = effect.process(np.concatenate([TONE, TONE]))
    left, right = lateness_ms(out[0]), lateness_ms(out[1])
    assert abs(np.corrcoef(left, right)[0, 1]) < 0.1


def test_many_voices_hold_the_power_of_one(rng):
    noise = rng.standard_normal((1, 48_000)).astype(np.float32)
    power = []
    for voices in (1, 4, 8):
        effect = Chorus(num_voices=voices, dry_level=0.0, wet_level=1.0, num_channels=1)
        power.append(effect.process(noise)[0, 4800:].var())
    assert power == pytest.approx([power[0]] * 3, rel=0.1)
    assert power[0] > 0.8  # reading between samples costs the very top


def test_no_voices_are_refused():
    with pytest.raises(AudioError, match="num_voices=9 must be between 1 and 8"):
        Chorus(num_voices=9)
