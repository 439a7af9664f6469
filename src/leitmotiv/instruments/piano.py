"""Pianos: grand, bright, electric grand, honky-tonk.

Each note is two or three strings of stiff partials whose decay has two stages, a felt hammer whose
blow opens the spectrum with velocity, the thump of the key bed, and a soundboard. Dampers fall at
key up unless CC64 holds them; the top octave and a half has none. Free strings answer the struck
ones (:mod:`~leitmotiv.instruments.sympathetic`).

References: A. Askenfelt (ed.), *Five Lectures on the Acoustics of the Piano*, 1990; G. Weinreich,
"Coupled piano strings", JASA 62, 1977 (two-stage decay); H. Fletcher, "Normal vibration
frequencies of a stiff piano string", JASA 36, 1964.

Public names: :data:`PIANOS`, :func:`render_piano`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from leitmotiv.instruments.body import apply_body
from leitmotiv.instruments.modal import ModalVoice, ModeBank, Modes, render_modal
from leitmotiv.instruments.performance import FloatArray, Performance
from leitmotiv.instruments.sympathetic import add_sympathetic_resonance

__all__ = ["PIANOS", "Piano", "render_piano"]


@dataclass(frozen=True)
class Piano:
    """One piano and the share of its soundboard."""

    voice: ModalVoice
    soundboard: float = 0.15


# Measured on a grand piano (public-domain recordings, 226 notes): level in dB of partials
# _PARTIALS against the whole note, for six registers and four dynamics.
_REGISTERS = (29.0, 42.0, 54.0, 66.0, 78.0, 90.0)
_DYNAMICS = (0.15, 0.42, 0.6, 0.95)
_PARTIALS = (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 19, 24, 30, 40)
_LEVELS_DB = (
    (
        (-32, -8, -8, -12, -9, -16, -16, -25, -19, -18, -28, -30, -33, -43, -60),
        (-32, -8, -9, -13, -10, -16, -15, -24, -18, -17, -27, -28, -29, -36, -49),
        (-32, -8, -11, -15, -11, -17, -15, -24, -17, -17, -25, -27, -25, -30, -40),
        (-32, -9, -11, -16, -12, -16, -14, -22, -17, -17, -24, -27, -24, -29, -36),
    ),
    (
        (-5, -8, -12, -16, -21, -16, -16, -28, -22, -26, -35, -42, -51, -63, -75),
        (-5, -8, -12, -17, -22, -18, -15, -25, -20, -24, -24, -31, -35, -43, -58),
        (-6, -8, -12, -17, -22, -18, -15, -25, -19, -24, -24, -29, -32, -39, -52),
        (-6, -8, -11, -16, -22, -19, -15, -25, -19, -22, -23, -27, -29, -35, -44),
    ),
    (
        (-5, -9, -14, -16, -17, -18, -19, -39, -33, -36, -51, -61, -73, -81, -88),
        (-6, -8, -13, -16, -16, -18, -15, -28, -24, -28, -39, -46, -62, -76, -86),
        (-6, -8, -13, -15, -16, -20, -14, -26, -22, -26, -33, -39, -50, -62, -77),
        (-7, -8, -12, -17, -17, -21, -15, -24, -22, -26, -30, -33, -39, -45, -57),
    ),
    (
        (-1, -12, -21, -25, -26, -32, -37, -56, -66, -68, -80, -86, -92, -94, -96),
        (-3, -13, -17, -19, -23, -25, -25, -42, -51, -54, -72, -83, -88, -91, -95),
        (-3, -12, -18, -18, -21, -23, -24, -34, -40, -41, -51, -62, -73, -80, -87),
        (-3, -12, -17, -18, -21, -23, -26, -33, -36, -37, -42, -49, -57, -62, -70),
    ),
    (
        (0, -22, -38, -44, -54, -65, -70, -85, -90, -91, -95, -99, -110, -120, -130),
        (0, -15, -28, -33, -43, -53, -64, -76, -84, -86, -90, -95, -110, -120, -130),
        (-1, -13, -23, -26, -33, -36, -42, -47, -59, -68, -75, -85, -95, -105, -115),
        (-1, -12, -24, -24, -29, -33, -38, -41, -49, -56, -62, -72, -82, -92, -100),
    ),
    (
        (-2, -35, -48, -65, -74, -81, -85, -90, -95, -99, -110, -120, -120, -120, -120),
        (-2, -28, -42, -58, -72, -82, -84, -87, -90, -95, -110, -120, -120, -120, -120),
        (0, -19, -32, -40, -46, -56, -63, -66, -70, -80, -90, -100, -110, -120, -120),
        (0, -16, -25, -36, -39, -47, -50, -55, -60, -70, -80, -90, -100, -110, -120),
    ),
)
_TABLE = np.array(_LEVELS_DB, dtype=np.float64)
# Inharmonicity and the two decays (dB a second at low frequency) in the same registers.
_LOG_STIFFNESS = np.log([1.2e-4, 1.1e-4, 1.8e-4, 5.1e-4, 1.6e-3, 4.2e-3])
_EARLY_DB_PER_SEC = (5.5, 10.0, 11.5, 20.0, 36.0, 42.0)
_LATE_DB_PER_SEC = (4.0, 4.6, 5.2, 6.0, 9.0, 16.0)


def _partial_levels(pitch: float, level: float, order: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interpolate the table in register, dynamic and log partial number; dB, (partials,)."""
    place = float(np.interp(pitch, _REGISTERS, np.arange(len(_REGISTERS))))
    force = float(np.interp(level, _DYNAMICS, np.arange(len(_DYNAMICS))))
    row, column = min(int(place), len(_REGISTERS) - 2), min(int(force), len(_DYNAMICS) - 2)
    x, y = place - row, force - column
    square = _TABLE[row : row + 2, column : column + 2]
    curve = (1 - x) * ((1 - y) * square[0, 0] + y * square[0, 1]) + x * (
        (1 - y) * square[1, 0] + y * square[1, 1]
    )
    # Above the highest register a partial keeps its frequency's level, not its number's.
    octaves_above = max(pitch - _REGISTERS[-1], 0.0) / 12
    steps = np.log2(order)
    result = np.interp(steps, np.log2(_PARTIALS), curve)
    result -= np.maximum(steps - np.log2(_PARTIALS[-1]), 0.0) * 40.0
    return np.asarray(result - octaves_above * 14.0 * steps)


def _piano_modes(
    *, tilt_db: float = 0.0, unison_cents: float = 0.5, sustain: float = 1.0
) -> ModeBank:
    """Modes of a piano; ``tilt_db`` an octave above 500 Hz makes it brighter."""

    def modes(f0: float, level: float, rng: np.random.Generator) -> Modes:
        pitch = 69.0 + 12.0 * np.log2(f0 / 440.0)
        count = int(min(12_000.0 / f0, 60)) or 1
        order = np.arange(1, count + 1, dtype=np.float64)
        stiffness = float(np.exp(np.interp(pitch, _REGISTERS, _LOG_STIFFNESS)))
        stiffness *= 2 ** (max(pitch - _REGISTERS[-1], 0.0) / 8)
        frequency = f0 * order * np.sqrt((1 + stiffness * order**2) / (1 + stiffness))
        decibel = _partial_levels(pitch, level, order) + rng.normal(0, 1.3, count)
        decibel += tilt_db * np.maximum(np.log2(frequency / 500.0), 0.0)
        amplitude = 10 ** (decibel / 20)
        early = np.interp(pitch, _REGISTERS, _EARLY_DB_PER_SEC) * (1 + frequency / 3500.0) / 8.686
        late = np.interp(pitch, _REGISTERS, _LATE_DB_PER_SEC) * (1 + frequency / 4500.0) / 8.686
        spread = rng.uniform(0.8, 1.25, count) / sustain
        split = 2 ** (unison_cents * rng.uniform(0.6, 1.4, count) / 2400)
        return Modes(
            np.concatenate([frequency / split, frequency * split]),
            np.concatenate([early * spread, late * spread]),
            np.concatenate([amplitude * 0.8, amplitude * 0.24]),
            np.zeros(2 * count),
        )

    return modes


_GRAND = ModalVoice(
    modes=_piano_modes(),
    dynamic_exponent=1.6,
    release_sec=0.22,
    longest_sec=9.0,
    undamped_above=90,
    noise_db=-27.0,
    noise_decay_sec=0.018,
    noise_band_hz=(150.0, 2200.0),
    width=0.45,
)

PIANOS: dict[int, Piano] = {
    0: Piano(_GRAND),
    1: Piano(replace(_GRAND, modes=_piano_modes(tilt_db=3.5))),
    2: Piano(replace(_GRAND, modes=_piano_modes(tilt_db=2.0, sustain=1.4)), 0.0),
    3: Piano(replace(_GRAND, modes=_piano_modes(tilt_db=2.0, unison_cents=11.0))),
}


def render_piano(performance: Performance, piano: Piano, rng: np.random.Generator) -> FloatArray:
    """Render a piano part, float32 (2, num_samples)."""
    if not performance.num_notes:
        return performance.silence()
    audio = render_modal(performance, piano.voice, rng)
    if piano.soundboard:
        board = apply_body(audio, "piano", performance.sample_rate)
        board *= np.float32(piano.soundboard)
        audio += board
        add_sympathetic_resonance(audio, performance)
    return audio
