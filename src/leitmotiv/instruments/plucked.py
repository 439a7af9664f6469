"""Plucked strings: guitars, harp, basses, pizzicato, koto, sitar, banjo, harpsichord, clavinet.

A plucked string is heard as its modes, which is a Karplus-Strong loop written out: the pick's
place sets each mode's amplitude, losses set its decay, stiffness its frequency; tuning is exact at
every pitch. Overdriven guitars run the sum of their strings through a tube-like curve and a
loudspeaker.

References: D. Jaffe and J. O. Smith, "Extensions of the Karplus-Strong plucked-string algorithm",
Computer Music Journal 7(2), 1983; J. Parker et al., "Reducing the aliasing of nonlinear
waveshaping using continuous-time convolution", DAFx 2016 (antiderivative antialiasing).

Public names: :data:`PLUCKED`, :func:`render_plucked`, :class:`PluckedString`, :func:`string_modes`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from leitmotiv.instruments.body import apply_body
from leitmotiv.instruments.modal import ModalVoice, ModeBank, Modes, render_modal
from leitmotiv.instruments.performance import FloatArray, Performance

__all__ = ["PLUCKED", "PluckedString", "render_plucked", "string_modes"]

_HIGHEST_HZ = 16_000.0


@dataclass(frozen=True)
class PluckedString:
    """One plucked instrument, its body and its amplifier.

    ``drive`` is the gain into the amplifier's curve (0: none); ``direct`` mixes the string itself
    to the body.
    """

    voice: ModalVoice
    body: str = ""
    direct: float = 0.35
    drive: float = 0.0
    speaker: bool = False
    glide_semitones: float = 0.0


def string_modes(
    *,
    pick: float = 0.15,
    pickup: float = 0.0,
    slope: float = 1.0,
    edge_hz: tuple[float, float] = (1800.0, 6000.0),
    sustain_sec: float = 3.0,
    sustain_falloff: float = 0.6,
    loss: float = 0.25,
    stiffness: float = 6e-5,
    beating_cents: float = 0.4,
    buzz: float = 0.0,
    harmonic: int = 1,
) -> ModeBank:
    """Modes of a plucked string.

    Parameters
    ----------
    pick, pickup : float
        Place of the pick and of the pickup as a share of the string (pickup 0: none).
    slope : float
        Amplitudes fall as 1 / n**slope before the edge.
    edge_hz : (float, float)
        Low-pass edge of the pluck at level 0 and 1.
    sustain_sec : float
        Time in which the fundamental of C4 falls by 60 dB.
    sustain_falloff : float
        That time goes with f0 ** -sustain_falloff.
    loss : float
        How much faster high modes die: rate grows by (1 + loss * (f / 1 kHz) ** 1.5).
    stiffness : float
        Inharmonicity B of the string at C4, growing with pitch.
    beating_cents : float
        Detuning between the two planes of vibration.
    buzz : float
        Slow-dying high modes of a sloping bridge (sitar), 0-1.
    harmonic : int
        Touch the string so that only every nth mode sounds.
    """

    def modes(f0: float, level: float, rng: np.random.Generator) -> Modes:
        count = int(min(_HIGHEST_HZ / f0, 90)) or 1
        order = np.arange(1, count + 1, dtype=np.float64)
        coefficient = stiffness * (f0 / 261.6) ** 1.2
        frequency = f0 * order * np.sqrt((1 + coefficient * order**2) / (1 + coefficient))
        place = pick * rng.uniform(0.9, 1.1)
        amplitude = np.sin(np.pi * order * place) / order**slope
        if pickup:
            amplitude = amplitude * (
                0.2 + np.abs(np.sin(np.pi * order * pickup * (f0 / 110.0) ** 0.5))
            )
        edge = edge_hz[0] * (edge_hz[1] / edge_hz[0]) ** level * (f0 / 261.6) ** 0.42
        amplitude = amplitude / (1 + (frequency / edge) ** 2)
        fundamental = 6.9 / (sustain_sec * (261.6 / f0) ** sustain_falloff)
        rate = fundamental * (1 + loss * (frequency / 1000.0) ** 1.5)
        if harmonic > 1:
            amplitude = np.where(order % harmonic == 0, amplitude, 0.02 * amplitude)
        if buzz:
            amplitude = amplitude + buzz * 0.25 / order**0.6 * np.sign(amplitude + 1e-9)
            rate = fundamental * (1 + 0.2 * loss * (frequency / 1000.0))
        rate = rate * rng.uniform(0.92, 1.08, count)
        # Two planes of vibration: the one along the top plate dies later and softer.
        split = 2 ** (beating_cents * rng.uniform(0.6, 1.4) / 2400)
        return Modes(
            np.concatenate([frequency / split, frequency * split]),
            np.concatenate([rate * 1.5, rate * 0.7]),
            np.concatenate([amplitude * 0.65, amplitude * 0.35]),
            np.full(2 * count, np.pi / 2),
        )

    return modes


_BLOCK = 2**17  # samples driven at a time

_NYLON = ModalVoice(
    modes=string_modes(pick=0.22, slope=1.1, edge_hz=(900.0, 3200.0), sustain_sec=3.4, loss=0.9),
    rise_sec=0.002,
    release_sec=0.13,
    noise_db=-32.0,
    noise_decay_sec=0.008,
    noise_band_hz=(300.0, 3500.0),
    longest_sec=6.0,
    width=0.15,
)
_STEEL = replace(
    _NYLON,
    modes=string_modes(pick=0.14, edge_hz=(1800.0, 6500.0), sustain_sec=4.5, loss=0.45),
    noise_db=-30.0,
    rise_sec=0.0012,
    noise_decay_sec=0.006,
    noise_band_hz=(1500.0, 9000.0),
)
_ELECTRIC = replace(
    _STEEL,
    modes=string_modes(
        pick=0.13, pickup=0.17, slope=0.75, edge_hz=(800.0, 2600.0), sustain_sec=7.2, loss=0.6
    ),
    noise_db=-35.0,
    width=0.0,
    release_sec=0.09,
    longest_sec=7.0,
)
_DRIVEN = replace(_ELECTRIC, dynamic_exponent=1.3)
_BASS_FINGER = replace(
    _ELECTRIC,
    modes=string_modes(
        pick=0.17,
        pickup=0.1,
        slope=0.9,
        edge_hz=(450.0, 1500.0),
        sustain_sec=6,
        sustain_falloff=0.45,
        loss=0.9,
    ),
    noise_db=-34.0,
    rise_sec=0.0035,
    noise_decay_sec=0.01,
    noise_band_hz=(200.0, 2500.0),
    pedal=False,
)

PLUCKED: dict[int, PluckedString] = {
    6: PluckedString(
        ModalVoice(
            modes=string_modes(
                pick=0.09, slope=0.45, edge_hz=(5000.0, 6500.0), sustain_sec=4.5, loss=0.25
            ),
            dynamic_exponent=0.5,
            release_sec=0.07,
            noise_db=-28.0,
            noise_decay_sec=0.006,
            noise_band_hz=(2000.0, 9000.0),
            width=0.25,
        ),
        "harp",
        0.7,
    ),
    7: PluckedString(
        ModalVoice(
            modes=string_modes(
                pick=0.5,
                pickup=0.22,
                slope=0.5,
                edge_hz=(1600.0, 6000.0),
                sustain_sec=3.4,
                loss=0.5,
            ),
            release_sec=0.05,
            noise_db=-32.0,
            noise_decay_sec=0.006,
        ),
        direct=1.0,
    ),
    15: PluckedString(
        replace(
            _STEEL,
            modes=string_modes(
                pick=0.11, edge_hz=(1500, 6000), sustain_sec=3.0, loss=0.4, beating_cents=3.0
            ),
            noise_db=-26.0,
            damped=False,
            width=0.4,
        ),
        "harp",
    ),
    24: PluckedString(_NYLON, "guitar", 0.5),
    25: PluckedString(_STEEL, "guitar", 0.6),
    26: PluckedString(
        replace(
            _ELECTRIC,
            modes=string_modes(
                pick=0.2, pickup=0.25, slope=1.1, edge_hz=(700, 2200), sustain_sec=6.8, loss=0.7
            ),
        ),
        direct=1.0,
    ),
    27: PluckedString(_ELECTRIC, direct=1.0, drive=0.5, speaker=True),
    28: PluckedString(
        replace(
            _ELECTRIC,
            modes=string_modes(
                pick=0.1,
                pickup=0.12,
                slope=0.8,
                edge_hz=(1000, 3500),
                sustain_sec=0.35,
                sustain_falloff=0.3,
                loss=0.6,
            ),
        ),
        direct=1.0,
        drive=0.6,
        speaker=True,
    ),
    29: PluckedString(_DRIVEN, direct=1.0, drive=2.5, speaker=True),
    30: PluckedString(_DRIVEN, direct=1.0, drive=9.0, speaker=True),
    31: PluckedString(
        replace(
            _ELECTRIC,
            modes=string_modes(
                pick=0.1, edge_hz=(1500, 4000), sustain_sec=4.0, loss=0.4, harmonic=2
            ),
        ),
        direct=1.0,
    ),
    32: PluckedString(
        replace(
            _BASS_FINGER,
            modes=string_modes(
                pick=0.2,
                slope=1.2,
                edge_hz=(350, 1100),
                sustain_sec=2.7,
                sustain_falloff=0.4,
                loss=1.6,
            ),
            noise_db=-28.0,
        ),
        "double bass",
        0.6,
    ),
    33: PluckedString(_BASS_FINGER, direct=1.0),
    34: PluckedString(
        replace(
            _BASS_FINGER,
            modes=string_modes(
                pick=0.08,
                pickup=0.08,
                slope=0.8,
                edge_hz=(900, 3000),
                sustain_sec=3.5,
                sustain_falloff=0.45,
                loss=0.6,
            ),
            noise_db=-28.0,
            noise_band_hz=(800, 5000),
        ),
        direct=1.0,
    ),
    35: PluckedString(
        replace(
            _BASS_FINGER,
            modes=string_modes(
                pick=0.22,
                pickup=0.13,
                slope=0.75,
                edge_hz=(500, 1300),
                sustain_sec=6.4,
                sustain_falloff=0.45,
                loss=0.7,
                beating_cents=2.0,
            ),
        ),
        direct=1.0,
    ),
    36: PluckedString(
        replace(
            _BASS_FINGER,
            modes=string_modes(
                pick=0.45,
                pickup=0.07,
                slope=0.75,
                edge_hz=(1500, 5500),
                sustain_sec=3.0,
                sustain_falloff=0.45,
                loss=0.6,
            ),
            noise_db=-22.0,
            noise_band_hz=(1500, 7000),
            noise_decay_sec=0.012,
        ),
        direct=1.0,
    ),
    37: PluckedString(
        replace(
            _BASS_FINGER,
            modes=string_modes(
                pick=0.05,
                pickup=0.07,
                slope=0.6,
                edge_hz=(1800, 6000),
                sustain_sec=2.2,
                sustain_falloff=0.45,
                loss=0.6,
            ),
            noise_db=-23.0,
            noise_band_hz=(1500, 7000),
            noise_decay_sec=0.008,
        ),
        direct=1.0,
    ),
    45: PluckedString(
        replace(
            _NYLON,
            modes=string_modes(
                pick=0.3,
                slope=1.1,
                edge_hz=(900, 2800),
                sustain_sec=0.98,
                sustain_falloff=0.5,
                loss=1.3,
            ),
            damped=False,
            pedal=False,
            noise_db=-28.0,
            width=0.5,
        ),
        "viola",
        0.3,
    ),
    46: PluckedString(
        replace(
            _NYLON,
            modes=string_modes(
                pick=0.38,
                slope=1.25,
                edge_hz=(1200, 4200),
                sustain_sec=3.6,
                sustain_falloff=0.7,
                loss=0.7,
            ),
            release_sec=0.9,
            noise_db=-38.0,
            width=0.5,
            longest_sec=7.0,
        ),
        "harp",
        0.6,
    ),
    104: PluckedString(
        replace(
            _STEEL,
            modes=string_modes(
                pick=0.08,
                slope=0.9,
                edge_hz=(2500, 7000),
                sustain_sec=4.5,
                loss=0.4,
                buzz=0.9,
                beating_cents=1.5,
            ),
            pedal=False,
            width=0.3,
        ),
        "guitar",
        0.8,
    ),
    105: PluckedString(
        replace(
            _STEEL,
            modes=string_modes(
                pick=0.07, slope=0.75, edge_hz=(2500, 7000), sustain_sec=1.1, loss=0.3
            ),
            pedal=False,
            noise_db=-25.0,
        ),
        "harp",
        0.7,
    ),
    106: PluckedString(
        replace(
            _STEEL,
            modes=string_modes(
                pick=0.06, slope=0.8, edge_hz=(2200, 6500), sustain_sec=1.3, loss=0.35, buzz=0.35
            ),
            pedal=False,
            noise_db=-20.0,
        ),
        "guitar",
        0.6,
    ),
    107: PluckedString(
        replace(
            _STEEL,
            modes=string_modes(
                pick=0.1, slope=1.0, edge_hz=(1800, 6000), sustain_sec=3.0, loss=0.5
            ),
            pedal=False,
            release_sec=0.4,
            noise_db=-26.0,
        ),
        "harp",
        0.7,
    ),
}


def _log_cosh(value: NDArray[np.float64]) -> NDArray[np.float64]:
    magnitude = np.abs(value)
    result: NDArray[np.float64] = magnitude + np.log1p(np.exp(-2 * magnitude)) - np.log(2.0)
    return result


def _overdrive(audio: FloatArray, drive: float) -> FloatArray:
    """Tube-like saturation with first-order antiderivative antialiasing; (samples,)."""
    out = np.empty(len(audio), np.float32)
    for start in range(0, len(audio), _BLOCK):
        stop = start + _BLOCK
        # Each block begins with the sample before it, the first one with its own.
        known = audio[max(start - 1, 0) : stop]
        driven = (drive * known + 0.15).astype(np.float64)  # the bias gives even harmonics
        integral = _log_cosh(driven)
        step = np.diff(driven)
        close = np.abs(step) < 1e-5
        shaped = np.where(
            close,
            np.tanh(0.5 * (driven[1:] + driven[:-1])),
            np.diff(integral) / np.where(close, 1.0, step),
        )
        if not start:
            shaped = np.concatenate([[np.tanh(driven[0])], shaped])
        out[start:stop] = shaped - np.tanh(0.15)
    return out


@lru_cache(maxsize=8)
def _speaker_filter(sample_rate: int) -> FloatArray:
    sections = [
        butter(2, 85.0, "highpass", fs=sample_rate, output="sos"),
        butter(4, 4800.0, "lowpass", fs=sample_rate, output="sos"),
    ]
    return np.concatenate(sections)


def render_plucked(
    performance: Performance, instrument: PluckedString, rng: np.random.Generator
) -> FloatArray:
    """Render a plucked part, float32 (2, num_samples)."""
    if not performance.num_notes:
        return performance.silence()
    audio = render_modal(performance, instrument.voice, rng)
    rate = performance.sample_rate
    if instrument.body:
        ringing = apply_body(audio, instrument.body, rate)
        audio *= np.float32(instrument.direct)
        audio += ringing
    if instrument.drive or instrument.speaker:
        mono = audio.mean(axis=0)
        if instrument.drive:
            mono = _overdrive(mono, instrument.drive) / np.float32(min(instrument.drive, 2.0))
        if instrument.speaker:
            mono = sosfilt(_speaker_filter(rate), mono).astype(np.float32)
        audio = np.stack([mono, mono])
    return audio
