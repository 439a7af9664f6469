from __future__ import annotations

import math

import numpy as np
import pytest

from leitmotiv.effects import make_effect
from leitmotiv.errors import AudioError

RATE = 48_000
LOOP = 9600  # samples of a loop of 0.2 s
STILL = {
    "loop_sec": 0.2,
    "auto_record": True,
    "pass_gain_db": 0.0,
    "pass_dark_octaves": 0.0,
    "dry_level": 0.0,
    "num_slices": 4,
}


def looper(**settings):
    return make_effect("looper", STILL | settings, num_channels=1)


def silence(passes: float) -> np.ndarray:
    return np.zeros((1, round(passes * LOOP)), np.float32)


@pytest.fixture
def noise(rng) -> np.ndarray:
    return (0.2 * rng.standard_normal((1, LOOP))).astype(np.float32)


def test_a_loop_that_does_not_evolve_stays_for_ever_to_the_bit(noise):
    effect = looper()
    effect.process(noise)
    first = effect.process(silence(1))
    assert np.array_equal(first[:, :-1000], noise[:, :-1000])
    for _ in range(20):
        later = effect.process(silence(1))
    assert np.array_equal(later, first)


def test_the_seam_of_a_steady_tone_cannot_be_seen():
    time = np.arange(4 * LOOP) / RATE
    tone = (0.5 * np.sin(2 * np.pi * 440 * time))[None].astype(np.float32)  # 88 periods a loop
    effect = looper(auto_record=False)
    effect.process(tone[:, :LOOP])
    effect.set("record", 1.0)
    out = np.concatenate([effect.process(tone[:, LOOP:]), effect.process(silence(2))], axis=1)[0]
    place = np.arange(len(out)) + LOOP
    assert np.abs(out - 0.5 * np.sin(2 * np.pi * 440 * place / RATE))[LOOP + 200 :].max() < 1e-4


def test_an_attack_at_the_top_is_heard_whole_in_every_pass():
    burst = np.zeros((1, LOOP), np.float32)
    burst[0, :480] = 0.5 * np.sin(np.arange(480) * 0.3 + 1.0)
    effect = looper()
    effect.process(burst)
    effect.process(silence(1))
    for _ in range(3):
        assert np.array_equal(effect.process(silence(1)), burst)


def test_the_gate_decides_the_length_and_the_seam_does_not_click():
    time = np.arange(3 * RATE) / RATE
    tone = (0.5 * np.sin(2 * np.pi * 333.3 * time))[None].astype(np.float32)
    gate = ((time > 0.5) & (time < 1.1237)).astype(float)
    effect = make_effect(
        "looper",
        {"pass_gain_db": 0.0, "pass_dark_octaves": 0.0, "dry_level": 0.0},
        num_channels=1,
    )
    out = effect.process(tone, automation={"record": gate})[0]
    start = np.flatnonzero(out)[0]
    assert start == pytest.approx(1.1237 * RATE, abs=2)
    steepest = 0.5 * 2 * np.pi * 333.3 / RATE
    assert np.abs(np.diff(out[start + 2000 :])).max() < 1.2 * steepest
    length = int(gate.sum())
    body = out[start + 3000 : start + length - 3000]
    again = out[start + 3000 + length : start + 2 * length - 3000]
    assert np.abs(body - again).max() < 1e-6


@pytest.mark.parametrize("gain_db", [-1.0, -6.0])
def test_each_pass_loses_the_level_asked_for(gain_db, noise):
    effect = looper(loop_sec=1.0, pass_gain_db=gain_db)
    effect.process(np.tile(noise, 5))
    levels = []
    for _ in range(4):
        out = effect.process(silence(5))[0, 4 * LOOP :]  # by then the level has glided
        levels.append(20 * np.log10(out.std()))
    assert np.diff(levels) == pytest.approx(gain_db, rel=0.02)


def test_each_pass_is_darker(noise):
    effect = looper(pass_dark_octaves=1.0, loop_sec=0.2)
    effect.process(noise)
    centres = []
    for _ in range(5):
        power = np.abs(np.fft.rfft(effect.process(silence(1))[0])) ** 2
        centres.append((power * np.arange(len(power))).sum() / power.sum())
    assert (np.diff(centres) < 0).all()
    assert centres[4] < 0.25 * centres[0]


def test_each_pass_wanders_in_pitch():
    time = np.arange(RATE) / RATE
    tone = (0.5 * np.sin(2 * np.pi * 440 * time))[None].astype(np.float32)
    effect = looper(loop_sec=1.0, pass_detune_cents=50.0, num_slices=1)
    effect.process(tone)
    heights = []
    for _ in range(5):
        out = effect.process(np.zeros((1, RATE), np.float32))[0, 4800:-4800]
        heights.append(np.argmax(np.abs(np.fft.rfft(out * np.hanning(len(out)), 8 * RATE))) / 8)
    cents = 1200 * np.log2(np.array(heights) / 440)
    assert cents[0] == pytest.approx(0.0, abs=1.0)
    assert (np.abs(np.diff(cents)) <= 51).all()
    assert len(set(np.round(cents))) >= 4


def test_slices_are_shuffled_from_the_second_pass_on():
    time = np.arange(LOOP)
    stairs = np.sin(2 * np.pi * np.array([300, 600, 1200, 2400])[time * 4 // LOOP] * time / RATE)
    effect = looper(shuffle_chance=1.0)
    effect.process((0.5 * stairs)[None].astype(np.float32))
    orders = []
    for _ in range(6):
        out = effect.process(silence(1))[0].reshape(4, -1)[:, 1200:]
        peaks = np.argmax(np.abs(np.fft.rfft(out * np.hanning(1200), RATE)), axis=1)
        orders.append(tuple(np.round(np.log2(peaks / 300)).astype(int).tolist()))
    assert orders[0] == (0, 1, 2, 3)
    assert all(set(order) <= {0, 1, 2, 3} for order in orders)
    assert len(set(orders)) >= 4


def test_slices_can_be_backwards():
    time = np.arange(LOOP) / RATE
    rising = (0.5 * np.cos(2 * np.pi * (300 * time + 4000 * time**2)))[None].astype(np.float32)
    effect = looper(reverse_chance=1.0, num_slices=1)
    effect.process(rising)
    effect.process(silence(1))
    out = effect.process(silence(1))[0]
    assert np.abs(out[1200:-1200] - rising[0, ::-1][1200:-1200]).max() < 1e-5


def test_an_overdub_is_a_layer_from_the_next_pass_on(noise, rng):
    second = (0.2 * rng.standard_normal((1, LOOP))).astype(np.float32)
    effect = looper()
    effect.process(noise)
    effect.set("overdub", 1.0)
    during = effect.process(second)
    effect.set("overdub", 0.0)
    effect.process(silence(1))
    after = effect.process(silence(1))
    middle = slice(1500, -1500)
    assert np.array_equal(during[:, middle], noise[:, middle])
    assert np.abs(after[:, middle] - (noise + second)[:, middle]).max() < 1e-6


def test_the_oldest_layer_makes_room_for_the_newest(rng):
    effect = looper(num_layers=2)
    parts = [(0.2 * rng.standard_normal((1, LOOP))).astype(np.float32) for _ in range(4)]
    effect.process(parts[0])
    effect.set("overdub", 1.0)
    for part in parts[1:]:
        effect.process(part)
    effect.set("overdub", 0.0)
    for _ in range(8):
        out = effect.process(silence(1))
    likeness = [float(np.corrcoef(out[0], part[0])[0, 1]) for part in parts]
    assert likeness[2] > 0.5
    assert likeness[3] > 0.5
    assert max(abs(likeness[0]), abs(likeness[1])) < 0.1


def test_play_stops_and_starts_from_the_top_without_a_click(noise):
    smooth = np.convolve(noise[0], np.hanning(200) / 20, "same")[None].astype(np.float32)
    effect = looper()
    effect.process(smooth)
    effect.process(silence(0.4))
    effect.set("play", 0.0)
    fading = effect.process(silence(0.5))
    assert not fading[:, 1000:].any()
    assert np.abs(np.diff(fading)).max() < 1.2 * np.abs(np.diff(smooth)).max()
    effect.set("play", 1.0)
    again = effect.process(silence(1))
    assert np.abs(again[:, 1000:-1000] - smooth[:, 1000:-1000]).max() < 1e-6


def test_a_new_recording_takes_the_place_of_the_old_loop(rng):
    old, new = ((0.2 * rng.standard_normal((1, LOOP))).astype(np.float32) for _ in range(2))
    effect = looper()
    effect.process(old)
    effect.process(silence(1.5))
    effect.set("record", 1.0)
    effect.process(new)
    effect.set("record", 0.0)
    effect.process(silence(1))
    out = effect.process(silence(1))
    assert np.abs(out[:, 1500:-1500] - new[:, 1500:-1500]).max() < 1e-6


def test_options_that_contradict_are_refused_and_the_tail_is_told():
    with pytest.raises(AudioError, match="auto_record needs loop_sec"):
        make_effect("looper", {"auto_record": True})
    with pytest.raises(AudioError, match=r"loop_sec=40 must be between 0\.1 and 30 seconds"):
        make_effect("looper", {"loop_sec": 40.0})
    assert looper().tail_sec == math.inf
    assert looper(pass_gain_db=-6.0).tail_sec == pytest.approx(2.2)
