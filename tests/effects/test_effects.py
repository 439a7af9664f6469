"""What holds for every effect."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leitmotiv.effects import (
    Band,
    Compressor,
    Delay,
    Effect,
    Equalizer,
    Limiter,
    Reverb,
    Saturation,
    StereoWidth,
    apply,
)
from leitmotiv.errors import AudioError

EFFECTS: dict[str, Callable[[], Effect]] = {
    "equalizer": lambda: Equalizer((Band("high_pass", 80.0), Band("bell", 900.0, 6.0, 2.0))),
    "compressor": lambda: Compressor(threshold_db=-30.0, ratio=4.0),
    "limiter": lambda: Limiter(ceiling_dbtp=-12.0),
    "reverb": lambda: Reverb(decay_sec=0.8, wet_level=1.0),
    "delay": lambda: Delay(delay_sec=0.02, feedback=0.6, ping_pong=True),
    "saturation": lambda: Saturation(drive_db=18.0),
    "width": lambda: StereoWidth(width=1.5, mono_below_hz=120.0),
}
NUM_SAMPLES = 9_000
# The limiter and the reverb multiply matrices, whose sums may round differently in float32.
TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    rng = np.random.default_rng(5)
    envelope = 0.1 + np.abs(np.sin(np.arange(NUM_SAMPLES) / 900))
    return (0.4 * envelope * rng.standard_normal((2, NUM_SAMPLES))).astype(np.float32)


@pytest.mark.parametrize("name", EFFECTS)
@settings(max_examples=25)
@given(cuts=st.lists(st.integers(0, NUM_SAMPLES), max_size=8))
def test_output_does_not_depend_on_the_blocks(name, noise, cuts):
    whole = EFFECTS[name]().process(noise)
    effect = EFFECTS[name]()
    edges = [0, *sorted(cuts), NUM_SAMPLES]
    pieces = [effect.process(noise[:, a:b]) for a, b in pairwise(edges)]
    assert np.abs(np.concatenate(pieces, axis=1) - whole).max() <= TOLERANCE


@pytest.mark.parametrize("name", EFFECTS)
def test_one_sample_at_a_time(name, noise):
    whole = EFFECTS[name]().process(noise[:, :400])
    effect = EFFECTS[name]()
    pieces = [effect.process(noise[:, i : i + 1]) for i in range(400)]
    assert np.abs(np.concatenate(pieces, axis=1) - whole).max() <= TOLERANCE


@pytest.mark.parametrize("name", EFFECTS)
def test_reset_forgets_and_the_input_is_left_alone(name, noise):
    effect, before = EFFECTS[name](), noise.copy()
    first = effect.process(noise)
    effect.reset()
    assert np.array_equal(effect.process(noise), first)
    assert np.array_equal(noise, before)
    assert first.dtype == np.float32
    assert first.shape == noise.shape


@pytest.mark.parametrize("name", EFFECTS)
def test_silence_stays_silence(name):
    out = apply(np.zeros((2, 5000), np.float32), EFFECTS[name]())
    assert out.shape == (2, 5000)
    assert not out.any()


@pytest.mark.parametrize("block", [61, 3000, 9_000, 20_000])
@pytest.mark.parametrize("name", EFFECTS)
def test_whole_audio_goes_through_in_blocks_and_in_place(name, block, noise, monkeypatch):
    monkeypatch.setattr("leitmotiv.effects.effect._BLOCK", block)
    effect = EFFECTS[name]()
    flush = np.zeros((2, effect.latency_samples), np.float32)
    whole = effect.process(np.concatenate([noise, flush], axis=1))[:, flush.shape[1] :]
    own = noise.copy()
    assert apply(own, EFFECTS[name](), out=own) is own
    assert np.abs(own - whole).max() <= TOLERANCE
    before = noise.copy()
    assert np.array_equal(apply(noise, EFFECTS[name]()), own)
    assert np.array_equal(noise, before)
    twice = apply(noise, EFFECTS[name](), EFFECTS[name]())
    assert np.array_equal(twice, apply(own, EFFECTS[name]()))
    assert np.array_equal(apply(noise), noise)


@pytest.mark.parametrize("name", EFFECTS)
def test_empty_and_wrong_blocks(name):
    assert EFFECTS[name]().process(np.zeros((2, 0), np.float32)).shape == (2, 0)
    with pytest.raises(AudioError, match=r"must be float32 with shape \(2, samples\)"):
        EFFECTS[name]().process(np.zeros((2, 8)))
    with pytest.raises(AudioError, match="shape"):
        EFFECTS[name]().process(np.zeros((3, 8), np.float32))


@pytest.mark.parametrize("name", EFFECTS)
def test_an_effect_is_an_effect(name):
    assert isinstance(EFFECTS[name](), Effect)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Reverb(decay_sec=0.0), "decay_sec=0 must be between 0.1 and 20 seconds"),
        (lambda: Limiter(ceiling_dbtp=3.0), "ceiling_dbtp=3 must be between -40 and 0 dBTP"),
        (lambda: Compressor(ratio=0.5), "ratio=0.5 must be between 1 and 50"),
        (lambda: Delay(feedback=1.0), "feedback=1 must be between 0 and 0.95"),
        (lambda: Saturation(mix=float("nan")), "mix=nan must be between"),
        (lambda: StereoWidth(width=3.0), "width=3 must be between 0 and 2"),
        (lambda: Equalizer((Band("bell", 30000.0),)), "frequency_hz=30000 must be between"),
        (lambda: Equalizer((Band("notch", 300.0),)), "kind='notch' must be one of bell"),  # type: ignore[arg-type]
    ],
)
def test_values_out_of_range_are_refused(make, message):
    with pytest.raises(AudioError, match=message):
        make()
