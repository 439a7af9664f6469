from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.effects.gate import Gate


def levels(*parts: tuple[float, int]) -> np.ndarray:
    """A square wave whose amplitude stands at each value for a number of samples."""
    amplitude = np.concatenate([np.full(count, value) for value, count in parts])
    wave = np.where(np.arange(len(amplitude)) // 24 % 2, amplitude, -amplitude)
    return np.stack([wave, wave]).astype(np.float32)


def test_it_opens_above_its_threshold_and_takes_its_range_below():
    for level, expected in ((0.02, 0.02), (0.005, 0.005 * 10 ** (-40 / 20))):
        gate = Gate(threshold_db=-40.0, range_db=40.0)
        out = gate.process(levels((level, 48_000)))
        assert np.abs(out[:, -1]).max() == pytest.approx(expected, rel=1e-3)


def test_hysteresis_keeps_a_fading_note_open():
    # Between the two thresholds it stays as it was.
    fading = levels((0.02, 12_000), (0.007, 24_000))
    assert np.abs(Gate(threshold_db=-40.0).process(fading)[:, -1]).max() > 0.0069
    rising = levels((0.001, 12_000), (0.007, 24_000))
    assert np.abs(Gate(threshold_db=-40.0).process(rising)[:, -1]).max() < 1e-5
    without = Gate(threshold_db=-40.0, hysteresis_db=0.0)
    assert np.abs(without.process(fading)[:, -1]).max() < 1e-3


def test_attack_hold_and_release_take_their_time():
    audio = levels((0.001, 24_000), (0.5, 24_000), (0.001, 48_000))
    gate = Gate(threshold_db=-20.0, range_db=100.0, attack_ms=5.0, hold_ms=100.0, release_ms=50.0)
    gain = np.abs(gate.process(audio)[0]) / np.abs(audio[0])
    assert np.argmax(gain[24_000:] >= 1 - np.exp(-1)) / 48 == pytest.approx(5.0, rel=0.02)
    falls = np.argmax(gain[48_000:] < 0.99) / 48
    # The peak that is followed fades by 20 dB in 11.5 ms before the hold begins.
    assert falls == pytest.approx(100.0 + 11.5, abs=1.0)
    fell = np.argmax(gain[48_000:] <= np.exp(-1)) / 48
    assert fell - falls == pytest.approx(50.0, abs=2.0)


def test_a_low_note_does_not_open_and_shut_with_each_wave():
    time = np.arange(48_000) / 48_000
    note = np.stack([0.02 * np.sin(2 * np.pi * 41 * time)] * 2).astype(np.float32)
    gate = Gate(threshold_db=-40.0, hold_ms=0.0)
    out = gate.process(note)
    assert np.abs(out[:, 24_000:] - note[:, 24_000:]).max() < 1e-5


def test_look_ahead_opens_before_the_sound_and_is_reported():
    audio = levels((0.0, 4800), (0.5, 4800))
    gate = Gate(threshold_db=-20.0, attack_ms=1.0, lookahead_ms=5.0)
    assert gate.latency_samples == 240
    out = gate.process(audio)
    np.testing.assert_allclose(out[:, 5040:], audio[:, 4800:-240], atol=0.005)


def test_a_side_chain_opens_it():
    quiet, loud = levels((0.001, 9600)), levels((0.5, 9600))
    out = Gate(threshold_db=-20.0).process(quiet, side_chain=loud)
    assert np.abs(out[:, -1]).max() == pytest.approx(0.001, rel=1e-3)
