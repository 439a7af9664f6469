"""What holds for every effect of movement and time."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from leitmotiv.effects import load_effect, make_effect

# Settings that wake every part of an effect; short times, so that echoes fall into the test.
SETTINGS: dict[str, tuple[str, dict]] = {
    "chorus": ("chorus", {"delay_ms": 8.0, "num_voices": 3}),
    "flanger": ("flanger", {"feedback": -0.7, "through_zero_ms": 2.0}),
    "phaser": ("phaser", {"feedback": 0.6, "num_stages": 6}),
    "barber pole": ("phaser", {"direction": "up", "num_stages": 6, "rate_hz": 2.0}),
    "tremolo": ("tremolo", {"shape": 0.7, "rate_hz": 9.0, "stereo_phase_deg": 90.0}),
    "auto-pan": ("tremolo", {"kind": "auto_pan", "rate_hz": 9.0}),
    "harmonic": ("tremolo", {"kind": "harmonic", "rate_hz": 9.0}),
    "delay": ("delay", {"delay_sec": 0.0213, "feedback": 0.6, "ping_pong": True}),
    "pitch shifter": ("pitch_shifter", {"semitones": 5.0, "window_ms": 20.0, "dry_level": 0.3}),
    "tight pitch shifter": (
        "pitch_shifter",
        {"semitones": 5.0, "kind": "tight", "span_ms": 10.0, "dry_level": 0.3},
    ),
    "granular": (
        "granular",
        {"density_hz": 60.0, "grain_ms": 40.0, "spray_ms": 50.0, "octave_chance": 0.3},
    ),
    "looper": (
        "looper",
        {
            "loop_sec": 0.1,
            "auto_record": True,
            "overdub": 1.0,
            "num_slices": 3,
            "pass_detune_cents": 30.0,
            "shuffle_chance": 0.5,
            "reverse_chance": 0.3,
        },
    ),
    "evolving delay": (
        "evolving_delay",
        {
            "delay_sec": 0.0213,
            "feedback": 0.7,
            "ping_pong": 0.3,
            "reverse_level": 0.4,
            "octave_up_level": 0.4,
            "octave_down_level": 0.4,
            "evolve": 0.3,
            "duck_db": 6.0,
            "tap_times": [0.5, 1.0],
            "tap_levels": [0.5, 1.0],
            "tap_pans": [0.3, 0.0],
        },
    ),
}
NUM_SAMPLES = 9_000


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    rng = np.random.default_rng(5)
    envelope = 0.1 + np.abs(np.sin(np.arange(NUM_SAMPLES) / 900))
    return (0.4 * envelope * rng.standard_normal((2, NUM_SAMPLES))).astype(np.float32)


def make(name: str, **more):
    effect, settings = SETTINGS[name]
    return make_effect(effect, settings, **more)


def moving(name: str) -> dict[str, np.ndarray]:
    """Every knob on its way from where it stands to the middle of its range and back."""
    effect = make(name)
    way = np.sin(np.pi * np.arange(NUM_SAMPLES) / NUM_SAMPLES) ** 2
    curves = {}
    for knob in effect.parameters:
        here = effect.get(knob.name)
        curves[knob.name] = here + 0.3 * (0.5 * (knob.low + knob.high) - here) * way
    return curves


def in_pieces(effect, audio, curves, edges) -> np.ndarray:
    return np.concatenate(
        [
            effect.process(
                audio[:, a:b], automation={name: curve[a:b] for name, curve in curves.items()}
            )
            for a, b in pairwise(edges)
        ],
        axis=1,
    )


@pytest.mark.parametrize("name", SETTINGS)
def test_not_one_bit_depends_on_the_blocks_even_while_every_knob_moves(name, noise):
    curves = moving(name)
    whole = make(name).process(noise, automation=curves)
    assert np.abs(whole).max() > 0.05
    for size in (64, 441, 4096):
        edges = [*range(0, NUM_SAMPLES, size), NUM_SAMPLES]
        assert np.array_equal(in_pieces(make(name), noise, curves, edges), whole)
    short = {knob: curve[:300] for knob, curve in curves.items()}
    ones = in_pieces(make(name), noise[:, :300], short, range(301))
    assert np.array_equal(ones, whole[:, :300])


@pytest.mark.parametrize("name", SETTINGS)
def test_a_knob_that_is_turned_glides_alike_in_any_blocks(name, noise):
    knob = make(name).parameters[1]
    target = 0.5 * (knob.low + knob.high)

    def turned(step: int) -> np.ndarray:
        effect = make(name)
        first = effect.process(noise[:, :1000])
        effect.set(knob.name, target)
        edges = [*range(1000, NUM_SAMPLES, step), NUM_SAMPLES]
        return np.concatenate([first, in_pieces(effect, noise, {}, edges)], axis=1)

    assert np.array_equal(turned(NUM_SAMPLES), turned(441))


@pytest.mark.parametrize("name", SETTINGS)
def test_reset_forgets_and_the_input_is_left_alone(name, noise):
    effect, before = make(name), noise.copy()
    first = effect.process(noise)
    effect.reset()
    assert np.array_equal(effect.process(noise), first)
    assert np.array_equal(noise, before)
    assert first.dtype == np.float32
    assert first.flags.c_contiguous


@pytest.mark.parametrize("name", SETTINGS)
def test_silence_stays_silence(name):
    assert not make(name).process(np.zeros((2, 4000), np.float32)).any()


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("sample_rate", [22_050, 96_000])
def test_any_sample_rate(name, sample_rate, noise):
    out = make(name, sample_rate=sample_rate).process(noise)
    assert np.isfinite(out).all()
    assert 0.02 < out.std() < 2.0


@pytest.mark.parametrize("name", [name for name in SETTINGS if name != "auto-pan"])
@pytest.mark.parametrize("num_channels", [1, 3])
def test_other_channels_than_two(name, num_channels, noise):
    audio = np.concatenate([noise, noise[:1]])[:num_channels]
    out = make(name, num_channels=num_channels).process(audio)
    assert out.shape == audio.shape
    assert out.any()


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("end", ["low", "high"])
def test_the_ends_of_all_ranges_are_stable(name, end, noise):
    effect = make(name)
    for knob in effect.parameters:
        effect.set(knob.name, getattr(knob, end))
    out = np.concatenate([effect.process(noise) for _ in range(4)], axis=1)
    assert np.isfinite(out).all()
    assert np.abs(out).max() < 200.0


@pytest.mark.parametrize("name", SETTINGS)
def test_what_fades_ends_in_true_silence_not_in_denormal_numbers(name, noise):
    effect = make(name)
    effect.process(noise)
    for _ in range(60):
        out = effect.process(np.zeros((2, 8192), np.float32))
        if not out.any():
            break
    tiny = np.finfo(np.float32).tiny
    assert not ((out != 0) & (np.abs(out) < tiny)).any()
    assert not out.any()


@pytest.mark.parametrize("name", SETTINGS)
def test_the_constructor_knows_every_parameter_by_its_default(name):
    effect = load_effect(SETTINGS[name][0])
    for knob in effect.parameters:
        assert effect().get(knob.name) == knob.default
