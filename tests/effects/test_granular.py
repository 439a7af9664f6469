from __future__ import annotations

import math

import numpy as np
import pytest

from leitmotiv.effects import make_effect
from leitmotiv.effects.granular import chance

RATE = 48_000
STILL = {
    "detune_cents": 0.0,
    "reverse_chance": 0.0,
    "stereo_spread": 0.0,
    "dry_level": 0.0,
    "wet_level": 1.0,
}


def cloud(audio: np.ndarray, **settings) -> np.ndarray:
    effect = make_effect("granular", STILL | settings, num_channels=len(audio))
    return effect.process(audio)


def tone(hz: float, seconds: float = 2.0) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.5 * np.sin(2 * np.pi * hz * time))[None].astype(np.float32)


def test_the_same_seed_makes_the_same_cloud_and_another_seed_another(rng):
    noise = (0.2 * rng.standard_normal((2, RATE))).astype(np.float32)
    first, again, other = (cloud(noise, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert np.abs(first - other).max() > 0.05


def test_chance_is_even_and_has_no_memory():
    state = np.array([12345], dtype=np.uint64)
    numbers = np.array([chance(state) for _ in range(4000)])
    assert np.histogram(numbers, 10, (0, 1))[0] == pytest.approx(400, abs=80)
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 0.05


def test_grains_come_as_often_as_the_density_says_and_last_as_long():
    ones = np.ones((1, 4 * RATE), np.float32)
    out = cloud(ones, density_hz=8.0, grain_ms=20.0, position_sec=0.0, spray_ms=0.0)[0]
    sounding = out > 1e-6
    starts = np.flatnonzero(np.diff(sounding.astype(int)) == 1)
    ends = np.flatnonzero(np.diff(sounding.astype(int)) == -1)
    assert len(starts) == pytest.approx(32, abs=2)
    assert (ends[: len(starts)] - starts[: len(ends)]) / 48 == pytest.approx(20.0, abs=0.2)
    assert out.max() == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("semitones", [-12.0, 7.0, 12.0])
def test_grains_have_the_pitch_asked_for(semitones):
    out = cloud(tone(330.0), pitch_semitones=semitones)[0, RATE:]
    spectrum = np.abs(np.fft.rfft(out * np.hanning(RATE))) ** 2
    at = np.arange(len(spectrum))
    near = np.abs(at - 330 * 2 ** (semitones / 12)) < 15
    assert (spectrum * near).sum() / spectrum.sum() > 0.95


def test_octaves_come_by_their_chance():
    out = cloud(tone(330.0, 6.0), octave_chance=0.5)[0, RATE:]
    spectrum = np.abs(np.fft.rfft(out * np.hanning(len(out)))) ** 2
    low, high = spectrum[5 * 315 : 5 * 345].sum(), spectrum[5 * 645 : 5 * 675].sum()
    assert 0.25 < high / low < 4.0


def test_grains_can_all_be_backwards():
    time = np.arange(2 * RATE) / RATE
    rising = np.sin(2 * np.pi * (300 * time + 1000 * time**2))[None].astype(np.float32)
    settings = {"density_hz": 2.0, "grain_ms": 200.0, "position_sec": 0.1, "spray_ms": 0.0}
    slopes = []
    for turned in (0.0, 1.0):
        out = cloud(rising, reverse_chance=turned, **settings)[0]
        loud = np.convolve(np.abs(out), np.ones(480) / 480, "same") > 0.15
        edges = np.flatnonzero(np.diff(loud.astype(int)) == 1)
        edges = [edge for edge in edges if loud[edge + 200 : edge + 6000].all()]
        assert len(edges) >= 2
        for edge in edges:
            frames = out[edge : edge + 6720].reshape(2, 3360) * np.hanning(3360)
            heights = np.argmax(np.abs(np.fft.rfft(frames, 48_000)), axis=1)
            slopes.append((turned, heights[1] - heights[0]))
    assert all(step > 0 for turned, step in slopes if turned == 0.0)
    assert all(step < 0 for turned, step in slopes if turned == 1.0)


@pytest.mark.parametrize("density", [8.0, 30.0, 90.0])
def test_a_dense_cloud_keeps_the_power_of_its_source(density, rng):
    noise = (0.2 * rng.standard_normal((1, 3 * RATE))).astype(np.float32)
    out = cloud(noise, density_hz=density, grain_ms=400.0, spray_ms=1000.0)[0, 2 * RATE :]
    # Reading between samples costs nothing here: the pitch is untouched.
    assert 10 * np.log10(out.var() / noise.var()) == pytest.approx(0.0, abs=1.8)


def test_spread_decorrelates_the_sides_and_keeps_the_balance():
    both = np.repeat(tone(330.0, 6.0), 2, axis=0)
    out = cloud(both, stereo_spread=1.0, density_hz=30.0)[:, RATE:]
    together = cloud(both, stereo_spread=0.0)[:, RATE:]
    assert np.corrcoef(out)[0, 1] < 0.95
    assert np.array_equal(together[0], together[1])
    assert 10 * np.log10(out[0].var() / out[1].var()) == pytest.approx(0.0, abs=2.5)


def test_a_frozen_cloud_plays_on_from_what_it_heard_last():
    effect = make_effect("granular", STILL, num_channels=1)
    effect.process(tone(330.0))
    effect.set("freeze", 1.0)
    effect.process(tone(700.0, 0.5))
    for _ in range(6):
        out = effect.process(tone(700.0))
    spectrum = np.abs(np.fft.rfft(out[0] * np.hanning(2 * RATE))) ** 2
    assert spectrum[620:700].sum() / spectrum.sum() > 0.95
    assert out.std() > 0.1
    assert effect.tail_sec == math.inf


def test_nothing_sounds_after_the_tail(rng):
    effect = make_effect("granular", {"spray_ms": 200.0, "pitch_semitones": 12.0})
    effect.process((0.2 * rng.standard_normal((2, RATE))).astype(np.float32))
    silence = np.zeros((2, round(effect.tail_sec * RATE)), np.float32)
    effect.process(silence)
    assert not effect.process(silence).any()


def test_no_grain_clicks():
    out = cloud(tone(220.0), density_hz=40.0, grain_ms=100.0, pitch_semitones=5.0)[0, RATE:]
    fast = 0.5 * 2 * np.pi * 220 * 2 ** (5 / 12) / RATE
    assert np.abs(np.diff(out)).max() < 3.0 * fast  # several grains may add up
    assert np.abs(np.diff(out, 3)).max() < 3.0 * fast**3 / 0.25 + 1e-4
