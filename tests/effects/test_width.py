from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.effects import StereoWidth


@pytest.mark.parametrize("width", [0.0, 0.5, 1.0, 2.0])
def test_the_sum_to_mono_is_untouched(rng, width):
    audio = rng.standard_normal((2, 1000)).astype(np.float32)
    out = StereoWidth(width=width, mono_below_hz=100.0).process(audio)
    np.testing.assert_allclose(out.sum(axis=0), audio.sum(axis=0), atol=1e-5)


def test_sides_scale(rng):
    audio = rng.standard_normal((2, 1000)).astype(np.float32)
    out = StereoWidth(width=1.7).process(audio)
    np.testing.assert_allclose(out[0] - out[1], 1.7 * (audio[0] - audio[1]), atol=1e-5)
