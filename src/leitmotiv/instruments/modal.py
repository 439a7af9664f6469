"""The player of sounds that are struck or plucked once and then left to ring.

Every note is a bank of decaying modes: strings with stiffness, bars, plates, bells. What sets the
instruments apart is which modes ring, how loud the blow makes each, how fast each dies, and the
noise of the blow itself.

References: N. Fletcher and T. Rossing, *The Physics of Musical Instruments*, 2nd ed., 1998;
J. O. Smith, *Physical Audio Signal Processing*, 2010 (plucked strings and pick position).

Public names: :class:`ModalVoice`, :class:`Modes`, :func:`render_modal`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leitmotiv.instruments.oscillators import (
    NoiseLoop,
    band_gain,
    decaying_modes,
    loudness_weight,
    midi_to_hz,
)
from leitmotiv.instruments.performance import (
    CONTROL_BLOCK,
    FloatArray,
    Performance,
    velocity_gain,
)

__all__ = ["ModalVoice", "ModeBank", "Modes", "render_modal"]


@dataclass(frozen=True)
class Modes:
    """Modes of one note: arrays of shape (modes,) in Hz, 1/s, linear amplitude and radians."""

    frequency_hz: NDArray[np.float64]
    decay_rate: NDArray[np.float64]
    amplitude: NDArray[np.float64]
    phase: NDArray[np.float64]


ModeBank = Callable[[float, float, np.random.Generator], Modes]
"""Modes of a note at f0 Hz, struck at a level from 0 to 1."""


@dataclass(frozen=True)
class ModalVoice:
    """Parameters of one struck or plucked instrument; see the field names and units."""

    modes: ModeBank
    dynamic_exponent: float = 1.5
    rise_sec: float = 0.001
    """Time in which the modes come up: the softness of finger, felt or mallet."""
    damped: bool = True
    """Whether the sound is stopped at key up; bells and glockenspiels ring on."""
    release_sec: float = 0.12
    pedal: bool = True
    undamped_above: int = 128
    """Notes above this MIDI pitch have no damper (the top of a piano)."""
    longest_sec: float = 8.0
    noise_db: float = -60.0
    """Level of the blow's noise against the tone."""
    noise_decay_sec: float = 0.02
    noise_band_hz: tuple[float, float] = (500.0, 6000.0)
    noise_velocity: float = 0.5
    """How much louder the noise grows against the tone with velocity."""
    tremolo_hz: float = 0.0
    tremolo_db: float = 0.0
    width: float = 0.0
    """Spread of the modes between the channels, 0 for mono to 1."""
    bend: bool = True
    roll_hz: float = 0.0
    """Rate at which a held note is struck again (timpani rolls, mandolin); 0 for never."""


def _length(modes: Modes, voice: ModalVoice, damped: bool, held: int, sample_rate: int) -> int:
    """Samples until the note has fallen by 70 dB or is damped."""
    loud = modes.amplitude > 1e-3 * modes.amplitude.max()
    ring_sec = min(8.0 / max(float(modes.decay_rate[loud].min()), 0.05), voice.longest_sec)
    ring = int(ring_sec * sample_rate)
    if not damped:
        return ring
    return min(ring, held + int(voice.release_sec * sample_rate))


def _bent(audio: FloatArray, curve_semitones: FloatArray) -> FloatArray:
    """Read audio at the varying speed that a pitch bend asks for."""
    speed = np.exp2(curve_semitones.astype(np.float64) / 12)
    position = np.concatenate([[0.0], np.cumsum(speed[:-1] * CONTROL_BLOCK)])
    length = audio.shape[-1]
    where = np.interp(np.arange(length), np.arange(len(position)) * CONTROL_BLOCK, position)
    grid = np.arange(length)
    rows = [np.interp(where, grid, row, right=0.0) for row in np.atleast_2d(audio)]
    return np.stack(rows).astype(np.float32).reshape(audio.shape)


def render_modal(
    performance: Performance, voice: ModalVoice, rng: np.random.Generator
) -> FloatArray:
    """Render a struck or plucked part.

    Parameters
    ----------
    performance : Performance
        Notes and controllers; CC64 holds damped notes where ``voice.pedal`` is set.
    voice : ModalVoice
        The instrument.
    rng : numpy.random.Generator
        Source of every small difference between notes.

    Returns
    -------
    ndarray, float32, shape (2, num_samples)
        Silence for an empty part.
    """
    rate, total = performance.sample_rate, performance.num_samples
    channels = 2 if voice.width else 1
    bus = np.zeros((channels, total), np.float32)
    noise = NoiseLoop(rng, rate, band_gain(*voice.noise_band_hz)) if voice.noise_db > -60 else None
    ends = performance.pedal_end if voice.pedal else performance.end
    for index in range(performance.num_notes):
        onset, held = int(performance.onset[index]), int(ends[index] - performance.onset[index])
        velocity = int(performance.velocity[index])
        level = min(max((velocity - 10) / 117.0, 0.0), 1.0)
        f0 = float(midi_to_hz(performance.pitch[index]))
        modes = voice.modes(f0, level, rng)
        damped = voice.damped and int(performance.pitch[index]) <= voice.undamped_above
        count = min(_length(modes, voice, damped, held, rate), total - onset)
        if count <= 0:
            continue
        raw = modes.amplitude
        if performance.correction is not None:
            raw = raw * performance.correction.gain(modes.frequency_hz, f0)
        power = 0.5 * np.sum((raw * loudness_weight(modes.frequency_hz)) ** 2)
        gain = float(velocity_gain(velocity, voice.dynamic_exponent)) / np.sqrt(power + 1e-12)
        gain *= 10 ** (rng.uniform(-0.4, 0.4) / 20)
        amplitude = raw * gain
        if channels == 2:
            angle = (rng.uniform(-1, 1, len(amplitude)) * voice.width + 1) * np.pi / 4
            amplitude = np.stack([np.cos(angle), np.sin(angle)]) * amplitude * np.sqrt(2)
        audio = decaying_modes(
            modes.frequency_hz, modes.decay_rate, amplitude, modes.phase, count, rate
        )
        rise = min(int(voice.rise_sec * rate) + 2, count)
        audio[..., :rise] *= (0.5 - 0.5 * np.cos(np.pi * np.arange(rise) / rise)).astype(np.float32)
        if noise is not None:
            burst_length = min(int(voice.noise_decay_sec * 7 * rate), count)
            time = np.arange(burst_length, dtype=np.float32) / np.float32(rate)
            burst = noise.read(rng, burst_length) * np.exp(
                -time / np.float32(voice.noise_decay_sec)
            )
            strength = float(velocity_gain(velocity, voice.dynamic_exponent + voice.noise_velocity))
            audio[..., :burst_length] += burst * np.float32(strength * 10 ** (voice.noise_db / 20))
        if voice.tremolo_db:
            start_sec = onset / rate  # one motor for all notes
            wave = np.sin(2 * np.pi * voice.tremolo_hz * (start_sec + np.arange(count) / rate))
            audio *= (10 ** (voice.tremolo_db / 20 * (0.5 * wave - 0.5))).astype(np.float32)
        if damped and held < count:
            left = np.linspace(1.0, 0.0, int(voice.release_sec * rate) + 2)[: count - held]
            audio[..., held:] *= (left**3).astype(np.float32)
        tail = min(count, int(0.01 * rate))
        audio[..., count - tail :] *= np.linspace(1.0, 0.0, tail, dtype=np.float32)
        if voice.bend and performance.bend_semitones is not None:
            points = count // CONTROL_BLOCK + 2
            audio = _bent(audio, performance.curve(performance.bend_semitones, onset, points))
        if voice.roll_hz and held > 1.5 * rate / voice.roll_hz:
            audio = _rolled(audio, voice.roll_hz, held, count, rate, rng)
        bus[:, onset : onset + count] += audio
    performance.apply_expression(bus)
    return bus if channels == 2 else np.repeat(bus, 2, axis=0)


def _rolled(
    audio: FloatArray, roll_hz: float, held: int, count: int, rate: int, rng: np.random.Generator
) -> FloatArray:
    """Strike again and again while the note is held."""
    step = int(rate / roll_hz)
    rolled = np.zeros_like(audio)
    for start in range(0, held, step):
        place = start + (int(rng.uniform(-0.08, 0.08) * step) if start else 0)
        strength = np.float32(rng.uniform(0.45, 0.65) if start else 0.9)
        stop = min(count, place + 3 * step)
        piece = audio[..., : stop - place] * strength
        fade = min(piece.shape[-1], step // 2)
        piece[..., piece.shape[-1] - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
        rolled[..., place:stop] += piece
    return rolled
