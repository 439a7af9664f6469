"""Free strings answer: a halo under the pedal, gone with it, tuned to the piano's strings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from leitmotiv.instruments.performance import Performance
from leitmotiv.instruments.piano import PIANOS, render_piano
from leitmotiv.instruments.sympathetic import add_sympathetic_resonance, free_strings_response

RATE = 24_000
NUM = 4 * RATE


def _performance(pedal: list[list[int]]) -> Performance:
    end = np.array([RATE // 8])
    return Performance(
        RATE,
        NUM,
        np.array([0]),
        end,
        end,
        np.array([48]),
        np.array([100]),
        pedal_down=np.array(pedal, np.int64).reshape(-1, 2),
    )


def _power_db(audio: np.ndarray, start_sec: float, stop_sec: float) -> float:
    span = audio[:, round(start_sec * RATE) : round(stop_sec * RATE)]
    return float(10 * np.log10(np.mean(np.square(span)) + 1e-20))


def _halo(pedal: list[list[int]]) -> np.ndarray:
    """What the strings answer to 120 ms of noise."""
    audio = np.zeros((2, NUM), np.float32)
    audio[:, : RATE // 8] = 0.1 * np.random.default_rng(1).standard_normal(RATE // 8)
    return add_sympathetic_resonance(audio.copy(), _performance(pedal)) - audio


def test_the_pedal_gives_a_halo_that_outlasts_the_sound() -> None:
    without, with_pedal = _halo([]), _halo([[0, 3 * RATE]])
    assert _power_db(with_pedal, 0.5, 1.5) > _power_db(without, 0.5, 1.5) + 8.0


def test_the_halo_ends_under_the_dampers_without_a_click() -> None:
    halo = _halo([[0, 2 * RATE]])
    before, after = _power_db(halo, 1.8, 2.0), _power_db(halo, 2.4, 2.6)
    assert after < before - 20.0
    edge = np.abs(np.diff(halo[0, 2 * RATE - 50 : 2 * RATE + 50])).max()
    assert edge < 3 * np.abs(np.diff(halo[0, 2 * RATE - 2000 : 2 * RATE - 50])).max()


def test_the_halo_is_tuned_to_the_strings() -> None:
    response = free_strings_response(RATE, 57, 57).sum(axis=0)
    spectrum = np.abs(np.fft.rfft(response * np.hanning(len(response))))
    assert np.argmax(spectrum) * RATE / len(response) == pytest.approx(220.0, rel=0.01) or (
        np.argmax(spectrum) * RATE / len(response) / 220.0
    ) % 1.0 == pytest.approx(0.0, abs=0.05)


def test_a_piano_grows_little_louder_by_it() -> None:
    dry = replace(PIANOS[0], soundboard=0.0)
    halves = [[0, NUM]]
    plain = render_piano(_performance(halves), dry, np.random.default_rng(3))
    full = add_sympathetic_resonance(plain.copy(), _performance(halves))
    assert abs(_power_db(full, 0.0, 1.0) - _power_db(plain, 0.0, 1.0)) < 1.0
