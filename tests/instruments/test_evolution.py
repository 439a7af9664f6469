"""A held pad does not stand still; a lead does."""

from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.instruments.performance import Performance
from leitmotiv.instruments.sustained import render_sustained
from leitmotiv.instruments.synth import SYNTHS

RATE = 24_000


def _movement_db(program: int) -> float:
    """How far the octave band that moves most goes up and down, from second 3 to 12."""
    end = np.array([12 * RATE])
    performance = Performance(
        RATE, 12 * RATE, np.array([0]), end, end, np.array([55]), np.array([80])
    )
    audio = render_sustained(performance, SYNTHS[program], np.random.default_rng(2)).sum(axis=0)
    frequency = np.fft.rfftfreq(RATE, 1 / RATE)
    power = [np.abs(np.fft.rfft(audio[at * RATE : (at + 1) * RATE])) ** 2 for at in range(2, 12)]
    edges = [(250, 500), (500, 1000), (1000, 2000), (2000, 4000)]
    bands = [[p[(frequency >= a) & (frequency < b)].sum() for a, b in edges] for p in power]
    return float(np.ptp(10 * np.log10(np.array(bands)), axis=0).max())


@pytest.mark.parametrize("program", [88, 89, 92, 95, 101])
def test_the_spectrum_of_a_held_pad_moves(program: int) -> None:
    assert _movement_db(program) > 4.0


def test_a_lead_holds_its_colour_where_a_pad_moves() -> None:
    assert _movement_db(81) < 0.5 * _movement_db(89)
