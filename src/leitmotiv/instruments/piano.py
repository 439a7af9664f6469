"""Pianos: grand, bright, electric grand, honky-tonk.

Each note is two or three strings of stiff partials whose decay has two stages, a felt hammer whose
blow opens the spectrum with velocity, the thump of the key bed, and a soundboard. Dampers fall at
key up unless CC64 holds them; the top one and a half octaves have none.

References: A. Askenfelt (ed.), *Five Lectures on the Acoustics of the Piano*, 1990; G. Weinreich,
"Coupled piano strings", JASA 62, 1977 (two-stage decay); H. Fletcher, "Normal vibration
frequencies of a stiff piano string", JASA 36, 1964.

Public names: :data:`PIANOS`, :func:`render_piano`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from leitmotiv.instruments.body import apply_body
from leitmotiv.instruments.modal import ModalVoice, ModeBank, Modes, render_modal
from leitmotiv.instruments.performance import FloatArray, Performance

__all__ = ["PIANOS", "Piano", "render_piano"]


@dataclass(frozen=True)
class Piano:
    """One piano and the share of its soundboard."""

    voice: ModalVoice
    soundboard: float = 0.35


def _piano_modes(
    *, brightness: float = 1.0, unison_cents: float = 0.5, sustain: float = 1.0
) -> ModeBank:
    def modes(f0: float, level: float, rng: np.random.Generator) -> Modes:
        octave = np.log2(f0 / 261.6)
        count = int(min(12_000.0 / f0, 64)) or 1
        order = np.arange(1, count + 1, dtype=np.float64)
        # Stiffness of a medium grand: least around A2, rising towards both ends.
        stiffness = 2.6e-4 * 2 ** (1.55 * octave) + 8e-5 * 2 ** (-1.0 * octave)
        frequency = f0 * order * np.sqrt((1 + stiffness * order**2) / (1 + stiffness))
        edge = brightness * (420.0 + 2300.0 * level**1.6) * 2 ** (0.3 * octave)
        slope = np.maximum(frequency / edge, 1e-3)
        hammer = 1 / (1 + slope**1.6) ** 1.4
        strike = np.abs(np.sin(np.pi * order / 8.2)) * 0.85 + 0.15
        # The soundboard hardly radiates the lowest fundamentals.
        radiation = frequency**2 / (frequency**2 + 85.0**2)
        amplitude = hammer * strike * radiation / order**0.35
        amplitude = amplitude * 10 ** (rng.normal(0, 1.2, count) / 20)
        slow = 0.30 * 2 ** (0.75 * octave) / sustain
        loss = 1 + 0.55 * (frequency / 1000.0) ** 1.15
        late = slow * loss
        early = late * 3.2 + 0.8
        split = 2 ** (unison_cents * rng.uniform(0.6, 1.4, count) / 1200)
        return Modes(
            np.concatenate([frequency, frequency * split]),
            np.concatenate([early, late]),
            np.concatenate([amplitude * 0.78, amplitude * 0.28]),
            np.concatenate([np.zeros(count), np.zeros(count)]),
        )

    return modes


_GRAND = ModalVoice(
    modes=_piano_modes(),
    dynamic_exponent=1.6,
    release_sec=0.22,
    longest_sec=9.0,
    noise_db=-27.0,
    noise_decay_sec=0.018,
    noise_band_hz=(150.0, 2200.0),
    width=0.45,
)

PIANOS: dict[int, Piano] = {
    0: Piano(_GRAND),
    1: Piano(replace(_GRAND, modes=_piano_modes(brightness=1.8))),
    2: Piano(replace(_GRAND, modes=_piano_modes(brightness=1.3, sustain=1.3)), 0.0),
    3: Piano(replace(_GRAND, modes=_piano_modes(brightness=1.5, unison_cents=11.0))),
}


def render_piano(performance: Performance, piano: Piano, rng: np.random.Generator) -> FloatArray:
    """Render a piano part, float32 (2, num_samples)."""
    if not performance.num_notes:
        return performance.silence()
    audio = render_modal(performance, piano.voice, rng)
    if piano.soundboard:
        board = apply_body(audio, "piano", performance.sample_rate)
        audio = audio + board * np.float32(piano.soundboard)
    return audio
