from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.effects import Delay


def test_echoes_stand_in_time_and_fall_by_the_feedback():
    click = np.zeros((2, 5000), np.float32)
    click[0, 0] = 1.0
    delay = Delay(delay_sec=0.01, feedback=0.5, damping_hz=20000.0, dry_level=0.0, wet_level=1.0)
    out = delay.process(click)
    assert np.flatnonzero(np.abs(out[0]) > 0.05).min() == 480
    energy = [out[0, 480 * n : 480 * n + 100].sum() for n in (1, 2, 3)]
    assert energy == pytest.approx([1.0, 0.5, 0.25], abs=1e-3)
    assert not out[1].any()


def test_ping_pong_changes_sides():
    click = np.zeros((2, 2000), np.float32)
    click[0, 0] = 1.0
    out = Delay(delay_sec=0.01, ping_pong=True, dry_level=0.0, wet_level=1.0).process(click)
    assert out[0, 480] == pytest.approx(1.0)
    assert not out[1, :960].any()
    assert out[1, 960] > 0.1
    assert not out[0, 481:1440].any()


def test_each_repeat_loses_the_top_that_the_damping_says():
    click = np.zeros((1, 9600), np.float32)
    click[0, 0] = 1.0
    out = Delay(
        delay_sec=0.05,
        feedback=0.9,
        damping_hz=2000.0,
        dry_level=0.0,
        wet_level=1.0,
        num_channels=1,
    ).process(click)
    first, second = (np.abs(np.fft.rfft(out[0, n : n + 2400])) for n in (2400, 4800))
    at = round(2000 * 2400 / 48_000)
    assert 20 * np.log10(second[at] / first[at] / 0.9) == pytest.approx(-3.0, abs=0.4)


def test_a_delay_between_samples_is_heard_between_samples():
    tone = np.sin(2 * np.pi * 1000 * np.arange(9600) / 48_000)
    out = Delay(
        delay_sec=100.4 / 48_000, feedback=0.0, dry_level=0.0, wet_level=1.0, num_channels=1
    ).process(tone[None].astype(np.float32))
    expected = np.sin(2 * np.pi * 1000 * (np.arange(9600) - 100.4) / 48_000)
    assert np.abs(out[0, 500:] - expected[500:]).max() < 1e-5


def test_a_time_that_jumps_glides_without_a_click():
    tone = 0.5 * np.sin(2 * np.pi * 220 * np.arange(48_000) / 48_000)
    curve = np.where(np.arange(48_000) < 24_000, 0.1, 0.105)
    effect = Delay(feedback=0.0, dry_level=0.0, wet_level=1.0, num_channels=1)
    out = effect.process(tone[None].astype(np.float32), automation={"delay_sec": curve})[0]
    # The steepest slope of the tone, read at up to one and a half times its speed.
    steepest = 1.5 * 0.5 * 2 * np.pi * 220 / 48_000
    assert np.abs(np.diff(out[6000:])).max() < 1.02 * steepest
    expected = np.sin(2 * np.pi * 220 * (np.arange(48_000) / 48_000 - 0.105))
    assert np.abs(out[-4000:] - 0.5 * expected[-4000:]).max() < 1e-4


def test_the_tail_says_when_the_echoes_are_gone():
    effect = Delay(delay_sec=0.02, feedback=0.5)
    click = np.zeros((2, 20_000), np.float32)
    click[:, 0] = 1.0
    out = effect.process(click)
    assert np.abs(out[:, round(effect.tail_sec * 48_000) :]).max() < 1e-3 * 0.3
    assert 0.2 < effect.tail_sec < 0.3
    assert Delay(delay_sec=0.5, feedback=0.0).tail_sec == 0.5
