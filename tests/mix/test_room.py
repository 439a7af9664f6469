from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import fftconvolve

from leitmotiv.mix.presets import PRESETS, find_preset
from leitmotiv.mix.room import convolve, hall_response


@pytest.mark.parametrize("num_samples", [1, 100, 5000, 700_000])
def test_convolution_is_convolution(rng, num_samples):
    audio = rng.standard_normal((2, num_samples)).astype(np.float32)
    response = (rng.standard_normal((2, 2, 3000)) * 0.02).astype(np.float32)
    expected = np.stack(
        [sum(fftconvolve(audio[i], response[i, o])[:num_samples] for i in (0, 1)) for o in (0, 1)]
    )
    np.testing.assert_allclose(convolve(audio, response), expected, atol=1e-4)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_room_returns_what_it_is_sent(preset):
    response = hall_response(find_preset(preset), 48000)
    energy = np.square(response).sum(axis=(1, 2))
    # Noise from the middle comes back as loud as it went in.
    assert energy.sum() == pytest.approx(2.0, rel=0.01)
    assert energy[0] == pytest.approx(energy[1], rel=0.5)
    assert np.abs(response[:, :, -1]).max() == 0.0
