"""A capture's rate and the session's meet without drift, alias or surprise."""

from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.effects.nam_rate import RateBridge

INNER = 48_000
RATES = [22_050, 32_000, 44_100, 96_000, 37_000]


@pytest.mark.parametrize("rate", RATES)
def test_what_goes_in_comes_out_late_by_what_is_reported(rate: int) -> None:
    bridge = RateBridge(lambda block: block, rate, INNER)
    lag = bridge.latency_samples
    for hz in (50.0, 1000.0, 0.36 * min(rate, INNER)):
        bridge.reset()
        wave = (0.5 * np.sin(2 * np.pi * hz * np.arange(9000) / rate)).astype(np.float32)
        out = bridge.play(wave)
        settled = slice(1000 + lag, 9000)
        assert np.abs(out[settled] - wave[1000 : 9000 - lag]).max() < 2e-4
    assert lag < 0.0025 * rate


@pytest.mark.parametrize("rate", RATES)
def test_blocks_of_any_size_give_the_same_samples(rate: int, rng: np.random.Generator) -> None:
    audio = rng.standard_normal(6000).astype(np.float32)
    bridge = RateBridge(lambda block: np.tanh(block), rate, INNER)
    whole = bridge.play(audio)
    for size in (64, 441, 4096):
        bridge.reset()
        blocks = [bridge.play(audio[at : at + size]) for at in range(0, len(audio), size)]
        np.testing.assert_array_equal(np.concatenate(blocks), whole)
    bridge.reset()
    single = np.concatenate([bridge.play(audio[at : at + 1]) for at in range(400)])
    np.testing.assert_array_equal(single, whole[:400])


def test_the_inner_player_hears_its_own_rate() -> None:
    heard = []

    def listen(block: np.ndarray) -> np.ndarray:
        heard.append(len(block))
        return block

    bridge = RateBridge(listen, 44_100, INNER)
    for _ in range(100):
        bridge.play(np.zeros(441, np.float32))
    assert sum(heard) == pytest.approx(INNER, abs=60)


def test_a_resting_level_is_there_from_the_start() -> None:
    bridge = RateBridge(lambda block: block + np.float32(0.25), 44_100, INNER, rest=0.25)
    np.testing.assert_allclose(bridge.play(np.zeros(500, np.float32)), 0.25, atol=1e-5)
