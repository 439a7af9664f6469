from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import resample_poly

from leitmotiv.audio import Resampler, resample
from leitmotiv.errors import AudioError


@pytest.mark.parametrize(("from_hz", "to_hz"), [(44100, 48000), (96000, 48000), (8000, 48000)])
@pytest.mark.parametrize("block", [313, 70_000])
def test_blocks_give_what_the_whole_gives(rng, from_hz, to_hz, block):
    audio = rng.standard_normal((2, 200_123)).astype(np.float32)
    resampler = Resampler(from_hz, to_hz)
    pieces = [resampler.process(audio[:, at : at + block]) for at in range(0, 200_123, block)]
    turned = np.concatenate([*pieces, resampler.finish()], axis=1)
    expected = resample_poly(audio, to_hz // np.gcd(from_hz, to_hz),
                             from_hz // np.gcd(from_hz, to_hz), axis=1)  # fmt: skip
    assert turned.shape == expected.shape
    np.testing.assert_allclose(turned, expected, atol=1e-5)


def test_a_tone_stays_where_it_is():
    time = np.arange(44100) / 44100
    tone = np.sin(2 * np.pi * 1000 * time)[None].astype(np.float32)
    turned = resample(tone, 44100, 48000)[0, 2000:-2000]
    expected = np.sin(2 * np.pi * 1000 * np.arange(2000, 2000 + len(turned)) / 48000)
    assert np.abs(turned - expected).max() < 2e-3


def test_nothing_stays_nothing_and_bad_rates_are_refused():
    assert resample(np.zeros((2, 0), np.float32), 44100, 48000).shape == (2, 0)
    with pytest.raises(AudioError, match="sample_rate=0 must be 1000-768000"):
        Resampler(0, 48000)
