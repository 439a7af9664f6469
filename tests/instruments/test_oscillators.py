"""Sources against their definitions: a plain sum of sinusoids is the oracle."""

from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.instruments.oscillators import (
    NoiseLoop,
    decaying_modes,
    midi_to_hz,
    ramp_blocks,
    read_wavetable,
    wavetable,
)
from leitmotiv.instruments.performance import CONTROL_BLOCK

RATE = 48_000


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def test_decaying_modes_are_the_sum_of_decaying_sines(rng: np.random.Generator) -> None:
    frequency = rng.uniform(40, 15_000, 70)
    rate = rng.uniform(0.5, 300, 70)
    amplitude = rng.uniform(-1, 1, (2, 70))
    phase = rng.uniform(0, 6, 70)
    audio = decaying_modes(frequency, rate, amplitude, phase, 7001, RATE)
    time = np.arange(7001) / RATE
    waves = np.exp(-rate[:, None] * time) * np.sin(
        2 * np.pi * frequency[:, None] * time + phase[:, None]
    )
    # Modes are dropped 90 dB below the loudest one: the sum may miss that much of each.
    np.testing.assert_allclose(audio, amplitude @ waves, atol=70 * 1e-4)
    assert audio.dtype == np.float32


def test_modes_above_the_audible_band_are_left_out() -> None:
    audio = decaying_modes([23_000.0], [1.0], [1.0], [0.0], 1000, RATE)
    assert not audio.any()


def test_no_samples_give_an_empty_buffer() -> None:
    assert decaying_modes([440.0], [1.0], np.ones((2, 1)), [0.0], 0, RATE).shape == (2, 0)


def test_wavetable_holds_its_harmonics() -> None:
    table = wavetable(np.array([[1.0, 0.0, 0.5], [1.0, 0.0, 0.5]]))
    blocks = 40
    increment = np.full(blocks, 311.0 / RATE)
    phase = np.arange(blocks) * CONTROL_BLOCK * 311.0 / RATE
    audio = read_wavetable(table, phase, increment, np.zeros(blocks + 1)).reshape(-1)
    cycles = np.arange(blocks * CONTROL_BLOCK) * 311.0 / RATE
    expected = np.sin(2 * np.pi * cycles) + 0.5 * np.sin(6 * np.pi * cycles)
    # Linear interpolation of 2,048 points: -90 dB.
    np.testing.assert_allclose(audio, expected, atol=2e-4)


def test_moving_through_the_positions_makes_no_step() -> None:
    table = wavetable(np.array([[1.0], [0.4], [0.9], [0.1]]))
    blocks = 200
    increment = np.full(blocks, 100.0 / RATE)
    phase = np.arange(blocks) * CONTROL_BLOCK * 100.0 / RATE
    audio = read_wavetable(table, phase, increment, np.linspace(0, 1, blocks + 1)).reshape(-1)
    steepest = 2 * np.pi * 100.0 / RATE
    assert np.abs(np.diff(audio)).max() < 1.05 * steepest


def test_ramps_join_their_points() -> None:
    ramp = ramp_blocks(np.array([0.0, 1.0, 0.5]))
    assert ramp.shape == (2, CONTROL_BLOCK)
    assert ramp[0, 0] == 0.0
    assert ramp[1, 0] == 1.0


def test_noise_keeps_to_its_band(rng: np.random.Generator) -> None:
    loop = NoiseLoop(rng, RATE, lambda hz: ((hz > 2000) & (hz < 4000)).astype(float))
    noise = loop.read(rng, 1 << 15)
    power = np.abs(np.fft.rfft(noise * np.hanning(len(noise)))) ** 2
    hz = np.fft.rfftfreq(len(noise), 1 / RATE)
    assert power[(hz > 1900) & (hz < 4100)].sum() > 0.999 * power.sum()
    assert np.sqrt(np.mean(noise**2)) == pytest.approx(1.0, rel=0.05)


def test_a_above_middle_c_is_440_hz() -> None:
    assert midi_to_hz([69, 57]).tolist() == [440.0, 220.0]
