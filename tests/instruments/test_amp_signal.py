"""The signal for captures reaches what an amplifier does, and is the same again."""

from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.errors import RenderError
from leitmotiv.instruments.amp_signal import CLICKS_SEC, amp_signal

RATE = 22_050


def test_the_same_seed_gives_the_same_signal_of_the_length_asked_for() -> None:
    one, two = (amp_signal(RATE, 20.0, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert one.shape == (20 * RATE,)
    assert one.dtype == np.float32
    assert np.abs(one).max() <= 10 ** (-1 / 20) + 1e-6


def test_clicks_sweeps_and_noise_come_first_and_guitar_last() -> None:
    signal = amp_signal(RATE, 30.0, np.random.default_rng(3))
    head = np.flatnonzero(np.abs(signal[: int(1.4 * RATE)]) > 0.5)
    assert head.tolist() == [round(second * RATE) for second in CLICKS_SEC]
    # The sweeps reach nearly every band; guitar has little above 8 kHz.
    probing, guitar = signal[int(1.5 * RATE) : 6 * RATE], signal[15 * RATE :]

    def top_share(part: np.ndarray) -> float:
        power = np.abs(np.fft.rfft(part)) ** 2
        frequency = np.fft.rfftfreq(len(part), 1 / RATE)
        return float(power[frequency > 6000].sum() / power.sum())

    assert top_share(probing) > 10 * top_share(guitar)
    blocks = guitar[: len(guitar) // RATE * RATE].reshape(-1, RATE)
    levels_db = 10 * np.log10(np.mean(blocks**2, axis=1) + 1e-12)
    assert np.ptp(levels_db) > 6.0


def test_a_length_out_of_range_is_named() -> None:
    with pytest.raises(RenderError, match="duration_sec=5 must be between 20 and 1800 s"):
        amp_signal(RATE, 5.0, np.random.default_rng(0))
