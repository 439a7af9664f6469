"""General MIDI's odd ones out: orchestra hit, reverse cymbal and the sound effects 120-127.

Public names: :data:`SOUND_EFFECTS`, :func:`render_sound_effect`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.signal import butter, sosfilt

from leitmotiv.instruments.oscillators import midi_to_hz
from leitmotiv.instruments.performance import FloatArray, Performance, velocity_gain

__all__ = ["SOUND_EFFECTS", "render_sound_effect"]

Effect = Callable[[float, float, int, np.random.Generator], FloatArray]
"""Makes one note from its frequency in Hz, its length in seconds and the sample rate."""


def _noise(
    rng: np.random.Generator, count: int, rate: int, low_hz: float, high_hz: float
) -> FloatArray:
    band = butter(2, (low_hz, min(high_hz, 0.45 * rate)), "bandpass", fs=rate, output="sos")
    shaped = sosfilt(band, rng.standard_normal(count, dtype=np.float32)).astype(np.float32)
    return np.asarray(shaped / np.float32(np.sqrt(np.mean(shaped**2)) + 1e-9), dtype=np.float32)


def _time(seconds: float, rate: int) -> FloatArray:
    return np.arange(max(int(seconds * rate), 16), dtype=np.float32) / np.float32(rate)


def _orchestra_hit(f0: float, seconds: float, rate: int, rng: np.random.Generator) -> FloatArray:
    time = _time(min(seconds + 0.3, 0.9), rate)
    total = np.zeros(len(time), np.float32)
    for multiple in (0.5, 1.0, 2.0):
        for detune in (-6.0, 0.0, 7.0):
            base = f0 * multiple * 2 ** (detune / 1200)
            for order in range(1, 13):
                if base * order < 0.4 * rate:
                    total += np.sin(
                        np.float32(2 * np.pi * base * order) * time + rng.random() * 6
                    ) * np.float32(0.25 / order**0.9)
    thump = _noise(rng, len(time), rate, 60, 900) * np.exp(-time * 18) * 0.5
    return (total * np.exp(-time * 5) + thump).astype(np.float32)


def _reverse_cymbal(f0: float, seconds: float, rate: int, rng: np.random.Generator) -> FloatArray:
    time = _time(max(seconds, 0.4), rate)
    rise = np.exp((time / time[-1] - 1) * 4.5)
    return np.asarray(_noise(rng, len(time), rate, 2500, 14000) * rise, dtype=np.float32)


def _fret_noise(f0: float, seconds: float, rate: int, rng: np.random.Generator) -> FloatArray:
    time = _time(0.16, rate)
    return np.asarray(
        _noise(rng, len(time), rate, 1200, 4500) * np.sin(np.pi * time / time[-1]) ** 2,
        dtype=np.float32,
    )


def _breath(f0: float, seconds: float, rate: int, rng: np.random.Generator) -> FloatArray:
    time = _time(max(seconds, 0.3), rate)
    swell = np.abs(np.sin(np.pi * time / time[-1])) ** 1.5
    return np.asarray((_noise(rng, len(time), rate, 600, 5000) * swell), dtype=np.float32)


def _seashore(f0: float, seconds: float, rate: int, rng: np.random.Generator) -> FloatArray:
    time = _time(seconds + 1.0, rate)
    swell = 0.55 + 0.45 * np.sin(2 * np.pi * 0.14 * time - 1.2)
    low = _noise(rng, len(time), rate, 150, 1200)
    high = _noise(rng, len(time), rate, 1500, 9000)
    edge = np.minimum(time / 0.3, 1) * np.minimum((time[-1] - time) / 0.9, 1)
    return np.asarray(((low * swell + 0.6 * high * swell**3) * edge), dtype=np.float32)


def _bird(f0: float, seconds: float, rate: int, rng: np.random.Generator) -> FloatArray:
    time = _time(max(seconds, 0.25), rate)
    centre = min(max(f0 * 6, 2200.0), 5200.0)
    cycles = centre * time + 14 * np.sin(2 * np.pi * 11 * time) / 2
    chirp = np.clip(np.sin(2 * np.pi * 5.5 * time), 0, 1)
    edge = np.minimum((time[-1] - time) / 0.03, 1)
    return np.asarray((np.sin(2 * np.pi * cycles) * chirp * edge), dtype=np.float32)


def _telephone(f0: float, seconds: float, rate: int, rng: np.random.Generator) -> FloatArray:
    time = _time(max(seconds, 0.3), rate)
    ring = np.sin(2 * np.pi * 1330 * time) + np.sin(2 * np.pi * 1790 * time)
    gate = 0.5 + 0.5 * np.tanh(8 * np.sin(2 * np.pi * 20 * time))
    edge = np.minimum(time / 0.003, 1) * np.minimum((time[-1] - time) / 0.05, 1)
    return np.asarray((0.5 * ring * gate * edge), dtype=np.float32)


def _helicopter(f0: float, seconds: float, rate: int, rng: np.random.Generator) -> FloatArray:
    time = _time(seconds + 0.3, rate)
    blade = (0.5 + 0.5 * np.sin(2 * np.pi * 11 * time)) ** 3
    edge = np.minimum(time / 0.05, 1) * np.minimum((time[-1] - time) / 0.3, 1)
    sound = _noise(rng, len(time), rate, 50, 500) * blade
    return np.asarray(
        (sound * edge + 0.15 * np.sin(2 * np.pi * 82 * time) * edge), dtype=np.float32
    )


def _applause(f0: float, seconds: float, rate: int, rng: np.random.Generator) -> FloatArray:
    time = _time(seconds + 0.6, rate)
    claps = (rng.random(len(time)) < 90 / rate).astype(np.float32) * rng.random(
        len(time), dtype=np.float32
    )
    shape = np.exp(-np.arange(int(0.012 * rate)) / (0.002 * rate)).astype(np.float32)
    grain = np.convolve(claps, shape)[: len(time)]
    edge = np.minimum(time / 0.08, 1) * np.minimum((time[-1] - time) / 0.5, 1)
    return np.asarray(
        (_noise(rng, len(time), rate, 700, 5000) * (0.25 + grain) * edge), dtype=np.float32
    )


def _gunshot(f0: float, seconds: float, rate: int, rng: np.random.Generator) -> FloatArray:
    time = _time(0.9, rate)
    crack = _noise(rng, len(time), rate, 300, 9000) * np.exp(-time * 28)
    boom = _noise(rng, len(time), rate, 40, 300) * np.exp(-time * 7) * 0.7
    return (crack + boom).astype(np.float32)


SOUND_EFFECTS: dict[int, Effect] = {
    55: _orchestra_hit,
    119: _reverse_cymbal,
    120: _fret_noise,
    121: _breath,
    122: _seashore,
    123: _bird,
    124: _telephone,
    125: _helicopter,
    126: _applause,
    127: _gunshot,
}


def render_sound_effect(
    performance: Performance, effect: Effect, rng: np.random.Generator
) -> FloatArray:
    """Render a part of sound effects, float32 (2, num_samples)."""
    rate = performance.sample_rate
    bus = performance.silence()
    for index in range(performance.num_notes):
        onset = int(performance.onset[index])
        seconds = min(float(performance.end[index] - onset) / rate, 30.0)
        f0 = float(midi_to_hz(performance.pitch[index]))
        audio = effect(f0, seconds, rate, rng)
        count = min(len(audio), performance.num_samples - onset)
        audio = audio[:count] * np.float32(velocity_gain(performance.velocity[index]))
        fade = min(count, int(0.006 * rate))
        audio[count - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
        bus[:, onset : onset + count] += audio
    return performance.apply_expression(bus)
