"""Bowed strings: solo violin to double bass, tremolo, sections, fiddle.

The string gives Helmholtz motion, a sawtooth whose upper harmonics open with bow force; the body
of :mod:`~leitmotiv.instruments.body` colours it, and a vibrato sweeps over the resonances.

Public names: :data:`BOWED`, :func:`render_bowed`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from leitmotiv.instruments.body import apply_body
from leitmotiv.instruments.performance import FloatArray, Performance
from leitmotiv.instruments.spectra import measured_spectrum
from leitmotiv.instruments.sustained import Spectrum, SustainedVoice, render_sustained

__all__ = ["BOWED", "BowedString", "render_bowed"]


@dataclass(frozen=True)
class BowedString:
    """One bowed instrument: how it is played and the body it sounds through, if any."""

    voice: SustainedVoice
    body: str


def _string(dark_hz: float, bright_hz: float, bow_position: float = 0.11) -> Spectrum:
    """Spectrum of a bowed string whose edge opens from ``dark_hz`` to ``bright_hz``."""

    def spectrum(frequency: NDArray[np.float64], f0: float, level: float) -> NDArray[np.float64]:
        order = frequency / f0
        edge = dark_hz * (bright_hz / dark_hz) ** level
        slope = 1 / np.sqrt(1 + (frequency / edge) ** 3)
        # Harmonics with a node under the bow are weak, never absent: a bow has width.
        comb = 0.55 + 0.45 * np.abs(np.sin(np.pi * order * bow_position))
        result: NDArray[np.float64] = slope * comb / order
        return result

    return spectrum


_VIOLIN = SustainedVoice(
    spectrum=_string(1900.0, 5200.0),
    attack_sec=0.065,
    release_sec=0.16,
    brightness_lag_sec=0.05,
    vibrato_hz=5.7,
    vibrato_cents=17.0,
    vibrato_delay_sec=0.16,
    tremolo_db=0.5,
    drift_cents=1.6,
    drift_db=0.7,
    swell_db=1.6,
    noise_db=-33.0,
    attack_noise_db=-21.0,
    noise_band_hz=(1500.0, 7000.0),
    portamento_sec=0.045,
    dip_db=3.5,
)
_VIOLA = replace(
    _VIOLIN, spectrum=_string(1500.0, 4200.0), attack_sec=0.065, vibrato_hz=5.4, vibrato_cents=16.0
)
_CELLO = replace(
    _VIOLIN,
    spectrum=_string(1000.0, 3200.0),
    attack_sec=0.075,
    release_sec=0.2,
    vibrato_hz=5.1,
    vibrato_cents=15.0,
    noise_db=-35.0,
    noise_band_hz=(900.0, 5000.0),
)
# Half octaves from 31 Hz, piano and fortissimo, measured on CC0 recordings, body included.
_BASS = replace(
    _VIOLIN,
    spectrum=measured_spectrum(
        31.25,
        (0.2, 0.95),
        (
            (-30, -19, -4, 0, -3, -10, -13, -14, -23, -32, -36, -42, -53, -62, -63, -70, -79),
            (-14, -6, 0, 0, -4, -10, -14, -17, -21, -27, -31, -36, -44, -52, -57, -63, -72),
        ),
        (-12.0, -4.1, -2.5, -2.4, 1.2, -0.3),
    ),
    attack_sec=0.07,
    release_sec=0.22,
    vibrato_hz=4.7,
    vibrato_cents=9.0,
    noise_db=-42.0,
    attack_noise_db=-26.0,
    noise_band_hz=(400.0, 2500.0),
)
_SECTION = replace(
    _VIOLIN,
    spectrum=_string(1500.0, 4300.0),
    attack_sec=0.1,
    release_sec=0.3,
    vibrato_cents=12.0,
    players=4,
    detune_cents=9.0,
    width=0.7,
    noise_db=-36.0,
    attack_noise_db=-30.0,
)

BOWED: dict[int, BowedString] = {
    40: BowedString(_VIOLIN, "violin"),
    41: BowedString(_VIOLA, "viola"),
    42: BowedString(_CELLO, "cello"),
    43: BowedString(_BASS, ""),
    44: BowedString(
        replace(_SECTION, stroke_hz=11.0, vibrato_cents=0.0, attack_sec=0.03), "violin"
    ),
    48: BowedString(_SECTION, "viola"),
    49: BowedString(replace(_SECTION, attack_sec=0.22, release_sec=0.5), "viola"),
    110: BowedString(replace(_VIOLIN, attack_sec=0.03, vibrato_cents=9.0), "violin"),
}


def render_bowed(
    performance: Performance, instrument: BowedString, rng: np.random.Generator
) -> FloatArray:
    """Render a bowed part, float32 (2, num_samples)."""
    if not performance.num_notes:
        return performance.silence()
    audio = render_sustained(performance, instrument.voice, rng)
    if not instrument.body:
        return audio
    return apply_body(audio, instrument.body, performance.sample_rate)
