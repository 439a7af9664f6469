"""Organs: tonewheel drawbars with a rotating speaker, and pipes.

Conventions: tables hold the 16-foot octave below the written note, so that the sub-octave and the
quint (drawbars 16', 5 1/3') are harmonics too.

Public names: :data:`ORGANS`, :func:`render_organ`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from leitmotiv.instruments.performance import FloatArray, Performance
from leitmotiv.instruments.sustained import Spectrum, SustainedVoice, render_sustained

__all__ = ["ORGANS", "Organ", "render_organ"]

_DRAWBAR_HARMONICS = (1, 3, 2, 4, 6, 8, 10, 12, 16)


@dataclass(frozen=True)
class Organ:
    """One organ: its pipes or tonewheels and the speed of its rotor (0 for none)."""

    voice: SustainedVoice
    rotor_hz: float = 0.0
    drive: float = 0.0


def _drawbars(settings: str, overtone_db: float = -34.0) -> Spectrum:
    """Spectrum of drawbar settings such as ``888000000`` (3 dB a step)."""

    def spectrum(frequency: NDArray[np.float64], f0: float, level: float) -> NDArray[np.complex128]:
        amplitude = np.zeros(len(frequency) + 1)
        for harmonic, digit in zip(_DRAWBAR_HARMONICS, settings, strict=True):
            gain = 10 ** ((int(digit) - 8) * 3 / 20) if digit != "0" else 0.0
            # Tonewheels and the amplifier add a trace of second and third harmonics.
            for multiple, trace in (
                (1, 1.0),
                (2, 10 ** (overtone_db / 20)),
                (3, 10 ** (overtone_db / 20)),
            ):
                place = harmonic * multiple
                if place < len(amplitude):
                    amplitude[place] += gain * trace * (1.0 if multiple == 1 else 0.5 + level)
        order = np.arange(1, len(amplitude))
        result: NDArray[np.complex128] = amplitude[1:] * np.exp(1j * 2.1 * order)
        return result

    return spectrum


def _pipes(ranks: tuple[tuple[int, float, float], ...]) -> Spectrum:
    """Spectrum of pipe ranks: (harmonic of the 16-foot octave, gain dB, dB an octave)."""

    def spectrum(frequency: NDArray[np.float64], f0: float, level: float) -> NDArray[np.complex128]:
        order = np.arange(1, len(frequency) + 1)
        amplitude = np.zeros(len(frequency), np.complex128)
        for harmonic, gain_db, slope in ranks:
            own = order % harmonic == 0
            octave = np.log2(np.maximum(order / harmonic, 1.0))
            fall = slope * octave + 3.0 * np.maximum(np.log2(frequency / 3000.0), 0.0) ** 2
            amplitude += np.where(
                own, 10 ** ((gain_db - fall) / 20) * np.exp(1j * (harmonic + 1.3 * order)), 0
            )
        return amplitude

    return spectrum


_TONEWHEEL = SustainedVoice(
    spectrum=_drawbars("888000000"),
    positions=2,
    transpose=-12,
    dynamic_exponent=0.6,
    attack_sec=0.008,
    release_sec=0.03,
    brightness_lag_sec=0.001,
    drift_cents=0.2,
    drift_db=0.1,
    attack_noise_db=-24.0,
    noise_band_hz=(800.0, 6000.0),
    legato=False,
    pedal=True,
)
_PIPE = replace(
    _TONEWHEEL,
    spectrum=_pipes(((1, -8, 9), (2, 0, 7), (4, -4, 8), (6, -13, 9), (8, -9, 9))),
    attack_sec=0.05,
    release_sec=0.22,
    drift_cents=0.4,
    drift_db=0.25,
    players=2,
    detune_cents=1.4,
    width=0.6,
    noise_db=-50.0,
    attack_noise_db=-30.0,
    noise_band_hz=(400.0, 5000.0),
)

_BLOCK = 2**17  # samples turned at a time

ORGANS: dict[int, Organ] = {
    16: Organ(replace(_TONEWHEEL, spectrum=_drawbars("886420002")), rotor_hz=0.9),
    17: Organ(replace(_TONEWHEEL, spectrum=_drawbars("888600000"), accent_db=5.0), rotor_hz=0.9),
    18: Organ(replace(_TONEWHEEL, spectrum=_drawbars("888888888")), rotor_hz=6.6, drive=1.0),
    19: Organ(_PIPE),
    20: Organ(
        replace(
            _PIPE,
            spectrum=_pipes(((2, 0, 4.5), (4, -8, 6))),
            attack_sec=0.04,
            release_sec=0.1,
            detune_cents=1.2,
        )
    ),
}


def render_organ(performance: Performance, organ: Organ, rng: np.random.Generator) -> FloatArray:
    """Render an organ part, float32 (2, num_samples)."""
    audio = render_sustained(performance, organ.voice, rng)
    if organ.drive:
        scale = np.float32(organ.drive * 0.5)
        audio *= scale
        np.tanh(audio, out=audio)
        audio /= scale
    if organ.rotor_hz:
        for channel, sign in ((0, 1.0), (1, -1.0)):
            _turn_rotor(audio[channel], organ.rotor_hz, sign, performance.sample_rate)
    return audio


def _turn_rotor(audio: FloatArray, rotor_hz: float, sign: float, sample_rate: int) -> None:
    """Play one channel (samples,) through a turning horn, in place.

    The horn's loudness moves across the microphones, and its distance bends pitch.
    """
    delay = (0.00022 if rotor_hz > 3 else 0.0003) * sample_rate
    reach = int(2 * delay) + 2
    past = audio[:0].copy()
    for start in range(0, len(audio), _BLOCK):
        known = np.concatenate([past, audio[start : start + _BLOCK]])
        grid = np.arange(start - len(past), start - len(past) + len(known))
        here = grid[len(past) :]
        time = here.astype(np.float32) / np.float32(sample_rate)
        wave = np.sin(np.float32(2 * np.pi * rotor_hz) * time)
        shifted = np.interp(here - delay * (1 + sign * wave), grid, known)
        audio[start : start + _BLOCK] = shifted * (1 + np.float32(0.22 * sign) * wave)
        past = known[-reach:]
