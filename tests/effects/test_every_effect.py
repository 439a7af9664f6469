"""What holds for every effect of the registry, whoever made it.

An effect that cannot be made from its defaults has its settings in :data:`SETTINGS`.
"""

from __future__ import annotations

import importlib.util
import math
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from leitmotiv.effects import EFFECTS, AutomatedEffect, Parameter, make_effect
from leitmotiv.effects.registry import load_effect
from leitmotiv.errors import AudioError

SAMPLE_RATE = 48_000
NUM_SAMPLES = 8_000
# Sums over blocks of other lengths may round differently in float32.
TOLERANCE = 1e-6

# Short responses, for the time it takes.
SETTINGS: dict[str, dict[str, Any]] = {"convolution": {"length_sec": 0.3}}

# Knobs that close a loop; at their ends an effect must stay in bounds.
LOOPS = ("feedback", "resonance", "decay", "quality", "hold", "freeze", "regeneration", "shimmer")
LARGEST_PEAK = 30.0


def there_is(name: str) -> bool:
    module, _ = EFFECTS[name]
    if importlib.util.find_spec(f"leitmotiv.effects.{module}") is None:
        return False
    found = load_effect(name)
    return isinstance(found, type) and issubclass(found, AutomatedEffect)


NAMES = [name for name in EFFECTS if there_is(name)]
every_effect = pytest.mark.parametrize("name", NAMES)


def make(name: str, **settings: Any) -> AutomatedEffect:
    rates = {key: settings.pop(key) for key in ("sample_rate", "num_channels") if key in settings}
    return make_effect(name, SETTINGS.get(name, {}) | settings, **rates)


@lru_cache
def noise(num_samples: int = NUM_SAMPLES, num_channels: int = 2) -> np.ndarray:
    rng = np.random.default_rng(5)
    envelope = 0.1 + np.abs(np.sin(np.arange(num_samples) / 900))
    audio = 0.25 * envelope * rng.standard_normal((num_channels, num_samples))
    audio = audio.astype(np.float32)
    audio.flags.writeable = False
    return audio


def between(parameter: Parameter, share: np.ndarray | float) -> np.ndarray:
    """Values a share of the way from a parameter's low end to its high end."""
    low, high = parameter.low, parameter.high
    if parameter.scale == "log" and low > 0:
        return np.asarray(low * (high / low) ** np.asarray(share))
    return np.asarray(low + (high - low) * np.asarray(share))


def moving(effect: AutomatedEffect, num_samples: int) -> dict[str, np.ndarray]:
    """Every knob on its way, each at a pace of its own."""
    time = np.arange(num_samples) / num_samples
    return {
        parameter.name: between(
            parameter, 0.5 + 0.3 * np.sin(2 * np.pi * (1 + index % 3) * time + index)
        )
        for index, parameter in enumerate(effect.parameters)
    }


def cut(
    effect: AutomatedEffect, audio: np.ndarray, size: int, curves: dict[str, np.ndarray]
) -> np.ndarray:
    return np.concatenate(
        [
            effect.process(
                audio[:, at : at + size],
                automation={name: curve[at : at + size] for name, curve in curves.items()},
            )
            for at in range(0, audio.shape[1], size)
        ],
        axis=1,
    )


@every_effect
def test_output_does_not_depend_on_the_blocks(name: str) -> None:
    whole = make(name).process(noise())
    assert np.isfinite(whole).all()
    assert whole.shape == noise().shape
    assert whole.dtype == np.float32
    for size in (64, 441, 4096):
        assert np.abs(cut(make(name), noise(), size, {}) - whole).max() <= TOLERANCE
    effect, start = make(name), 5_000
    pieces = [effect.process(noise()[:, :start])]
    pieces += [effect.process(noise()[:, i : i + 1]) for i in range(start, start + 200)]
    pieces.append(effect.process(noise()[:, start + 200 :]))
    assert np.abs(np.concatenate(pieces, axis=1) - whole).max() <= TOLERANCE


@every_effect
def test_moving_knobs_give_the_same_in_blocks_of_any_size(name: str) -> None:
    curves = moving(make(name), NUM_SAMPLES)
    whole = make(name).process(noise(), automation=curves)
    assert np.isfinite(whole).all()
    scale = max(float(np.abs(whole).max()), 1.0)
    for size in (64, 441, 4096):
        assert np.abs(cut(make(name), noise(), size, curves) - whole).max() <= TOLERANCE * scale
    effect, head = make(name), {key: curve[:4000] for key, curve in curves.items()}
    first = effect.process(noise()[:, :4000], automation=head)
    rest = {key: curve[4000:4200] for key, curve in curves.items()}
    singles = cut(effect, noise()[:, 4000:4200], 1, rest)
    both = np.concatenate([first, singles], axis=1)
    assert np.abs(both - whole[:, :4200]).max() <= TOLERANCE * scale


@every_effect
def test_reset_forgets_and_the_input_is_left_alone(name: str) -> None:
    effect, audio = make(name), noise().copy()
    first = effect.process(audio)
    effect.reset()
    assert np.array_equal(effect.process(audio), first)
    assert np.array_equal(audio, noise())
    assert not np.shares_memory(first, audio)


@every_effect
def test_silence_stays_silence(name: str) -> None:
    assert not make(name).process(np.zeros((2, NUM_SAMPLES), np.float32)).any()


@every_effect
def test_memory_does_not_fade_into_denormal_numbers(name: str) -> None:
    effect = make(name)
    effect.process(noise())
    outputs = [effect.process(np.zeros((2, 24_000), np.float32)) for _ in range(6)]
    memories = [value for value in vars(effect).values() if isinstance(value, np.ndarray)]
    for array in (*outputs, *memories):
        if array.dtype.kind == "f":
            magnitude = np.abs(array[array != 0.0])
            assert not (magnitude < np.finfo(array.dtype).tiny).any()


@every_effect
@pytest.mark.parametrize("sample_rate", [22_050, 44_100, 96_000])
def test_it_sounds_at_every_sample_rate(name: str, sample_rate: int) -> None:
    effect = make(name, sample_rate=sample_rate)
    out = effect.process(noise(24_000))
    assert np.isfinite(out).all()
    assert out.any()
    assert np.abs(out).max() < LARGEST_PEAK


@every_effect
def test_mono_sounds_or_is_refused_in_words(name: str) -> None:
    try:
        effect = make(name, num_channels=1)
    except AudioError as error:
        assert "num_channels" in str(error)  # noqa: PT017 - a place between two channels
        return
    out = effect.process(noise()[:1])
    assert out.shape == (1, NUM_SAMPLES)
    assert np.isfinite(out).all()


@every_effect
def test_bad_audio_is_refused(name: str) -> None:
    broken = noise().copy()
    broken[0, 100] = np.nan
    effect = make(name)
    with pytest.raises(AudioError, match="NaN"):
        effect.process(broken)
    with pytest.raises(AudioError, match="float32"):
        effect.process(noise()[:1])
    assert np.isfinite(effect.process(noise())).all()
    assert effect.process(noise()[:, :0]).shape == (2, 0)


@every_effect
def test_latency_is_known_from_the_start_and_tails_are_told(name: str) -> None:
    effect = make(name)
    latency, tail_sec = effect.latency_samples, effect.tail_sec
    assert isinstance(latency, int)
    assert 0 <= latency < SAMPLE_RATE
    assert tail_sec >= 0.0
    out = effect.process(noise())
    assert effect.latency_samples == latency
    if tail_sec > 4.0:
        return
    effect.process(np.zeros((2, latency + math.ceil(tail_sec * SAMPLE_RATE) + 480), np.float32))
    after = effect.process(np.zeros((2, 4800), np.float32))
    assert np.abs(after).max() <= 1e-3 * max(np.abs(out).max(), 1.0)


@every_effect
def test_loops_stay_in_bounds_at_the_ends_of_their_knobs(name: str) -> None:
    knobs = make(name).parameters
    loops = {p.name: p.high for p in knobs if any(word in p.name for word in LOOPS)}
    if not loops:
        return
    effect = make(name, **loops)
    burst = noise(24_000)
    peaks = [float(np.abs(effect.process(burst)).max())]
    silence = np.zeros_like(burst)
    peaks += [float(np.abs(effect.process(silence)).max()) for _ in range(8)]
    assert all(math.isfinite(peak) and peak <= LARGEST_PEAK for peak in peaks), peaks


@every_effect
def test_a_turned_knob_makes_no_step(name: str) -> None:
    """A low sine stays without treble while each knob in turn is turned over half its way."""
    sine = 0.25 * np.sin(2 * np.pi * 100 / SAMPLE_RATE * np.arange(8_000))
    audio = np.stack([sine, sine]).astype(np.float32)
    for parameter in make(name).parameters:
        low, high = (float(between(parameter, share)) for share in (0.25, 0.75))
        effect = make(name, **{parameter.name: low})
        before = effect.process(audio[:, :4000])
        effect.set(parameter.name, high)
        turned = np.concatenate([before, effect.process(audio[:, 4000:])], axis=1)
        # The corner where a glide starts leaves a little; steps of a block would leave much more.
        if treble(turned) <= 0.02 * np.abs(turned).max():
            continue
        still = max(
            treble(make(name, **{parameter.name: value}).process(audio)) for value in (low, high)
        )
        assert treble(turned) <= 2.0 * still + 0.02 * np.abs(turned).max(), parameter.name


def treble(audio: np.ndarray) -> float:
    """Largest fourth difference, which hears some 6 kHz and up; the onset is left out.

    A step leaves three times its height, a corner twice the change of its slope a sample.
    """
    steep = np.diff(audio[:, 1000:].astype(np.float64), n=4, axis=1)
    return float(np.abs(steep).max())
