from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.signal import hilbert

from leitmotiv.effects.tape import Tape
from leitmotiv.errors import AudioError

TIME = np.arange(96_000) / 48_000
STILL = {"wow_percent": 0.0, "flutter_percent": 0.0, "num_channels": 1}


def sine(hertz: float, amplitude: float) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * hertz * TIME))[None].astype(np.float32)


def spectrum_db(**settings: Any) -> np.ndarray:
    click = np.zeros((1, 48_000), np.float32)
    click[0, 0] = 1e-4
    out = Tape(**STILL, **settings).process(click)[0]
    return 20 * np.log10(np.abs(np.fft.rfft(out)) / 1e-4)


def test_without_hysteresis_the_curve_is_tanh():
    slow = sine(200, 0.9)
    tape = Tape(drive_db=12.0, hysteresis=0.0, bump_db=0.0, speed_ips=30.0, **STILL)
    out = np.abs(np.fft.rfft(tape.process(slow)[0, 48_000:]))
    drive = 10 ** (12 / 20)
    curve = np.abs(np.fft.rfft(np.tanh(drive * slow[0, 48_000:]) / drive))
    for harmonic in (1, 3, 5, 7):
        assert out[200 * harmonic] == pytest.approx(curve[200 * harmonic], rel=0.01)


def test_hysteresis_opens_a_loop_that_lags_behind():
    def lag(hysteresis: float) -> float:
        tape = Tape(drive_db=12.0, hysteresis=hysteresis, bump_db=0.0, speed_ips=30.0, **STILL)
        out = tape.process(sine(200, 0.9))[0, 48_000:]
        angle = np.angle(np.fft.rfft(out)[200]) + np.pi / 2
        return -(angle + 2 * np.pi * 200 * tape.latency_samples / 48_000)

    wrapped = [np.angle(np.exp(1j * lag(h))) for h in (0.0, 0.5, 1.0)]
    assert wrapped[0] == pytest.approx(-np.arctan(18 * np.sqrt(2) / 200), abs=0.01)  # the low cut
    assert min(wrapped[1:]) > wrapped[0] + 0.09


def test_harmonics_are_odd_and_grow_with_drive():
    def third_db(drive_db: float) -> float:
        out = Tape(drive_db=drive_db, **STILL).process(sine(500, 0.5))[0, 48_000:]
        level = np.abs(np.fft.rfft(out))
        assert level[1000] < 1e-4 * level[500]
        return float(20 * np.log10(level[1500] / level[500]))

    quiet, loud, louder = (third_db(drive) for drive in (-12.0, 6.0, 24.0))
    assert quiet < -40 < loud - 10
    assert loud < louder


@pytest.mark.parametrize(("speed_ips", "bump_hz"), [(7.5, 30), (15.0, 60), (30.0, 120)])
def test_the_head_bump_follows_the_speed(speed_ips, bump_hz):
    bumped = spectrum_db(bump_db=6.0, speed_ips=speed_ips)
    flat = spectrum_db(bump_db=0.0, speed_ips=speed_ips)
    assert bumped[bump_hz] - flat[bump_hz] == pytest.approx(6.0, abs=0.05)
    assert bumped[2000] == pytest.approx(0.0, abs=0.1)


def test_treble_is_lost_at_low_speed():
    for speed_ips, treble_hz in ((3.75, 9000), (7.5, 14_000), (15.0, 18_000)):
        assert spectrum_db(speed_ips=speed_ips)[treble_hz] == pytest.approx(-3.0, abs=0.3)


@pytest.mark.parametrize("knob", ["wow_percent", "flutter_percent"])
def test_pitch_wanders_by_as_much_as_it_says(knob):
    # Ten seconds, for the slowest of the rates.
    time = np.arange(480_000) / 48_000
    tone = (0.01 * np.sin(2 * np.pi * 3000 * time))[None].astype(np.float32)
    out = Tape(**(STILL | {knob: 0.5})).process(tone)[0, 4800:].astype(np.float64)
    hertz = np.diff(np.unwrap(np.angle(hilbert(out)))) * 48_000 / (2 * np.pi)
    deviation = 100 * np.abs(hertz[4800:-4800] / 3000 - 1)
    assert 0.3 < deviation.max() < 0.51


def test_it_is_late_by_its_latency_and_bounded():
    click = np.zeros((1, 4800), np.float32)
    click[0, 100] = 0.1
    tape = Tape(speed_ips=30.0, bump_db=0.0, **STILL)
    assert np.argmax(tape.process(click)[0]) == 100 + tape.latency_samples
    loud = Tape(drive_db=36.0, hysteresis=1.0, **STILL).process(sine(80, 100.0))
    assert np.abs(loud).max() < 2.5 * 10 ** (-36 / 20)


def test_hiss_is_as_loud_as_it_says_and_the_seeds_own():
    silence = np.zeros((2, 48_000), np.float32)
    hiss = Tape(hiss_db=-60.0).process(silence)
    assert 20 * np.log10(np.sqrt((hiss**2).mean())) == pytest.approx(-60.0, abs=0.2)
    assert np.abs(np.corrcoef(hiss)[0, 1]) < 0.02
    assert np.array_equal(hiss, Tape(hiss_db=-60.0).process(silence))
    assert not np.array_equal(hiss, Tape(hiss_db=-60.0, seed=1).process(silence))
    assert not Tape().process(silence).any()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"speed_ips": 10.0}, "speed_ips=10.0 must be 3.75, 7.5, 15 or 30"),
        ({"oversampling": 1}, "oversampling=1 must be 2, 4 or 8"),
        ({"seed": -1}, "seed=-1 must be between"),
    ],
)
def test_what_it_cannot_do_is_refused(settings, message):
    with pytest.raises(AudioError, match=message):
        Tape(**settings)
