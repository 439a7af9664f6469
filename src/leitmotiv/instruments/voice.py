"""Voices: choir aahs and oohs, synthetic voices.

A glottal source with a steep slope is sung through the formants of a vowel
(:mod:`~leitmotiv.instruments.body`) by several singers, each with a vibrato of their own.

Public names: :data:`VOICES`, :func:`render_voice`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from leitmotiv.instruments.body import apply_body
from leitmotiv.instruments.performance import FloatArray, Performance
from leitmotiv.instruments.sustained import SustainedVoice, render_sustained

__all__ = ["VOICES", "Voice", "render_voice"]


@dataclass(frozen=True)
class Voice:
    """Singers and the vowel they sing."""

    voice: SustainedVoice
    vowel: str
    direct_gain: float = 0.12


def _glottis(frequency: NDArray[np.float64], f0: float, level: float) -> NDArray[np.complex128]:
    order = frequency / f0
    slope = 1.75 - 0.75 * level
    turn: NDArray[np.complex128] = np.exp(1j * 0.4 * np.sin(order))
    result: NDArray[np.complex128] = order**-slope * turn
    return result


_CHOIR = SustainedVoice(
    spectrum=_glottis,
    attack_sec=0.11,
    release_sec=0.28,
    brightness_lag_sec=0.08,
    vibrato_hz=5.2,
    vibrato_cents=22.0,
    vibrato_delay_sec=0.2,
    tremolo_db=0.6,
    drift_cents=3.0,
    drift_db=0.9,
    swell_db=1.2,
    scoop_cents=20.0,
    noise_db=-34.0,
    noise_band_hz=(1500.0, 8000.0),
    players=4,
    detune_cents=9.0,
    width=0.7,
    portamento_sec=0.07,
    dip_db=1.5,
)

VOICES: dict[int, Voice] = {
    52: Voice(_CHOIR, "aah"),
    53: Voice(replace(_CHOIR, attack_sec=0.09, noise_db=-38.0), "ooh", 0.5),
    54: Voice(
        replace(_CHOIR, players=3, vibrato_cents=9.0, detune_cents=12.0, noise_db=-60.0), "aah"
    ),
    85: Voice(
        replace(_CHOIR, players=1, vibrato_cents=18.0, attack_sec=0.05, noise_db=-60.0), "aah"
    ),
    91: Voice(
        replace(_CHOIR, attack_sec=0.35, release_sec=0.9, detune_cents=13.0, legato=False),
        "ooh",
        0.3,
    ),
}


def render_voice(performance: Performance, voice: Voice, rng: np.random.Generator) -> FloatArray:
    """Render a sung part, float32 (2, num_samples)."""
    if not performance.num_notes:
        return performance.silence()
    source = render_sustained(performance, voice.voice, rng)
    audio = apply_body(source, voice.vowel, performance.sample_rate)
    source *= np.float32(voice.direct_gain)
    audio += source
    return audio
