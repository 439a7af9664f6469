from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.effects import apply
from leitmotiv.effects.linear_phase_eq import LinearPhaseEqualizer
from leitmotiv.effects.parametric_eq import ParametricEqualizer
from leitmotiv.errors import AudioError

KNOBS = {
    "low_cut_hz": 60.0, "low_shelf_db": 4.0, "bell_2_db": -8.0, "bell_2_quality": 2.0,
    "bell_4_hz": 9000.0, "bell_4_db": 12.0, "high_shelf_db": -7.0, "high_cut_hz": 15_000.0,
}  # fmt: skip


def click(at: int, num_samples: int = 48_000) -> np.ndarray:
    audio = np.zeros((1, num_samples), np.float32)
    audio[0, at] = 1.0
    return audio


@pytest.mark.parametrize("sample_rate", [22_050, 48_000, 96_000])
def test_its_spectrum_is_that_of_the_parametric_equaliser(sample_rate):
    settings = KNOBS | {"sample_rate": sample_rate, "num_channels": 1}
    linear = np.fft.rfft(LinearPhaseEqualizer(num_taps=8191, **settings).process(click(0))[0])
    minimum = np.fft.rfft(ParametricEqualizer(**settings).process(click(0))[0])
    hertz = np.arange(24_001) * sample_rate / 48_000
    # Below a dozen bins of the filter's length the low cut comes out wider.
    heard = (hertz > 12 * sample_rate / 8191) & (np.abs(minimum) > 1e-2)
    ratio = 20 * np.log10(np.abs(linear[heard]) / np.abs(minimum[heard]))
    assert np.abs(ratio).max() < 0.1


@pytest.mark.parametrize("num_taps", [511, 4095])
def test_its_phase_is_its_latency(num_taps):
    equalizer = LinearPhaseEqualizer(num_taps=num_taps, num_channels=1, **KNOBS)
    assert equalizer.latency_samples == num_taps
    out = equalizer.process(click(1000, 12_000))[0]
    middle = 1000 + num_taps
    before, after = out[middle - 250 : middle][::-1], out[middle + 1 : middle + 251]
    np.testing.assert_allclose(before, after, atol=2e-6)


def test_a_flat_equaliser_only_delays(rng):
    audio = (0.3 * rng.standard_normal((2, 20_000))).astype(np.float32)
    np.testing.assert_allclose(apply(audio, LinearPhaseEqualizer()), audio, atol=2e-6)


def test_a_cut_and_its_inverse_cancel(rng):
    # With linear phase, what is taken away can be put back: only the magnitudes multiply.
    audio = (0.1 * rng.standard_normal((2, 48_000))).astype(np.float32)
    there = LinearPhaseEqualizer(bell_3_db=9.0)
    back = LinearPhaseEqualizer(bell_3_db=-9.0)
    # The ends miss what rings beyond them.
    both = apply(audio, there, back)
    np.testing.assert_allclose(both[:, 4000:-4000], audio[:, 4000:-4000], atol=1e-5)


def test_a_turned_knob_fades_to_its_new_sound():
    time = np.arange(48_000) / 48_000
    audio = (0.1 * np.sin(2 * np.pi * 2000 * time))[None].astype(np.float32)
    equalizer = LinearPhaseEqualizer(num_taps=1023, num_channels=1)
    first = equalizer.process(audio)
    equalizer.set("bell_3_db", 12.0)
    out = np.concatenate([first, equalizer.process(audio)], axis=1)[0]
    assert np.abs(out[-4800:]).max() == pytest.approx(0.1 * 10 ** (12 / 20), rel=0.01)
    envelope = np.abs(out[2016:]).reshape(-1, 48).max(axis=1)
    assert np.diff(envelope).max() < 0.02
    assert np.diff(envelope).min() > -0.005


def test_a_length_that_there_is_not_is_refused():
    with pytest.raises(AudioError, match="num_taps=100 must be one of 511"):
        LinearPhaseEqualizer(num_taps=100)
