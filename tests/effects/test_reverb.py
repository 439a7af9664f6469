from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from leitmotiv.effects import Reverb, room_response


@lru_cache
def response(decay_sec: float, **options: float) -> np.ndarray:
    return room_response(Reverb(decay_sec=decay_sec, **options), 1.2 * decay_sec + 0.2)


def reverberation_time(impulse: np.ndarray, centre_hz: float, octaves: float = 1.0) -> float:
    """T30 in a band (ISO 3382-1): backward integration, -5 to -35 dB."""
    edges = [centre_hz / 2 ** (octaves / 2), centre_hz * 2 ** (octaves / 2)]
    band = sosfilt(butter(4, edges, "band", fs=48000, output="sos"), impulse.astype(float))
    energy = np.cumsum(band[::-1] ** 2)[::-1]
    level = 10 * np.log10(energy / energy[0] + 1e-30)
    start, stop = np.argmax(level < -5), np.argmax(level < -35)
    slope = np.polyfit(np.arange(start, stop) / 48000, level[start:stop], 1)[0]
    return float(-60 / slope)


@pytest.mark.parametrize("decay_sec", [0.7, 1.3, 2.1, 4.5])
def test_rt60_is_the_decay_asked_for(decay_sec):
    room = response(decay_sec)
    for centre_hz in (250, 500, 1000):
        measured = np.mean(
            [reverberation_time(room[i, o], centre_hz) for i in (0, 1) for o in (0, 1)]
        )
        assert measured == pytest.approx(decay_sec, rel=0.1)


@pytest.mark.parametrize("ratio", [0.3, 0.5, 0.8])
def test_the_top_decays_faster_as_asked(ratio):
    room = response(2.0, high_decay_ratio=ratio)
    measured = np.mean([reverberation_time(room[0, o], 8000, 0.25) for o in (0, 1)])
    assert measured == pytest.approx(2.0 * ratio, rel=0.2)


def test_echo_density_reaches_that_of_noise():
    # Abel and Huang 2006: share of samples outside one standard deviation, over that of noise.
    for size, by_ms in ((0.4, 80), (0.6, 110), (1.0, 170)):
        room = response(2.0, size=size, early_level=0.0, pre_delay_ms=0.0)[0, 0]
        window = room[by_ms * 48 : by_ms * 48 + 1920]
        assert np.mean(np.abs(window) > window.std()) / 0.3173 > 0.85


@pytest.mark.parametrize("decay_sec", [0.7, 2.1, 4.5])
@pytest.mark.parametrize("size", [0.5, 1.0])
def test_no_mode_rings(decay_sec, size):
    # A dense tail has the spectrum of noise: exponentially distributed power, whose geometric
    # mean is 0.56 of its mean. Ringing modes push it down: 0.21-0.39 without modulation.
    room = response(decay_sec, size=size, modulation_hz=1.0)
    flatness = []
    for impulse in room.reshape(4, -1):
        start, stop = round(0.4 * decay_sec * 48000), round(0.9 * decay_sec * 48000)
        tail = impulse[start:stop] * 10 ** (3 * np.arange(stop - start) / 48000 / decay_sec)
        power = np.abs(np.fft.rfft(tail * np.hanning(len(tail)))) ** 2
        frequency_hz = np.fft.rfftfreq(len(tail), 1 / 48000)
        power = power[(frequency_hz > 150) & (frequency_hz < 4000)]
        width = max(round(100 / frequency_hz[1]), 5)
        local = np.convolve(power, np.ones(width) / width, "same")
        whitened = (power / local)[width:-width]
        flatness.append(np.exp(np.log(whitened + 1e-12).mean()))
    assert np.mean(flatness) > 0.5


def test_the_two_ears_hear_different_tails():
    tail = response(2.1)[0, :, 9600:48000]
    assert abs(np.corrcoef(tail)[0, 1]) < 0.15


@pytest.mark.parametrize("decay_sec", [0.5, 2.0, 6.0])
@pytest.mark.parametrize("size", [0.5, 1.0, 1.5])
def test_level_does_not_depend_on_decay_and_size(decay_sec, size):
    room = response(decay_sec, size=size, early_level=0.0)
    energy_db = 10 * np.log10(np.square(room).sum() / 2)
    assert energy_db == pytest.approx(0.0, abs=1.5)


def test_nothing_sounds_before_the_pre_delay():
    room = response(1.0, pre_delay_ms=30.0)
    assert not room[:, :, : 30 * 48].any()
    assert room[:, :, 30 * 48 :].any()


def test_it_stays_stable_for_long():
    reverb = Reverb(decay_sec=20.0, high_decay_ratio=1.0, wet_level=1.0, dry_level=0.0)
    click = np.zeros((2, 480000), np.float32)
    click[:, 0] = 1.0
    out = reverb.process(click)
    seconds = np.sqrt(np.mean(np.square(out.reshape(2, 10, 48000)), axis=(0, 2)))
    assert np.all(np.diff(seconds[1:]) < 0)
