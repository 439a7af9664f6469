"""Synthesisers: leads, pads, synth brass, strings and basses.

Band-limited saws, squares and pulses, summed harmonic by harmonic so that nothing folds back,
through a resonant four-pole low-pass whose cutoff follows velocity and envelope.

Public names: :data:`SYNTHS`, :func:`filtered`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from leitmotiv.instruments.sustained import Spectrum, SustainedVoice

__all__ = ["SYNTHS", "filtered"]


def filtered(
    shape: str,
    dark_hz: float,
    bright_hz: float,
    resonance: float = 0.3,
    sub: float = 0.0,
    formant_db: float = 0.0,
) -> Spectrum:
    """Spectrum of a filtered waveform.

    Parameters
    ----------
    shape : {"saw", "square", "pulse", "triangle", "sine", "hollow", "fifth", "metal"}
    dark_hz, bright_hz : float
        Cutoff at level 0 and 1.
    resonance : float
        0 for none, towards 1 for a ringing peak.
    sub : float
        Extra fundamental, linear.
    formant_db : float
        Height of a peak that climbs from 350 Hz to 3.2 kHz as the level rises, so that a sound
        that wanders along its levels changes its vowel and not its brightness alone.
    """

    def spectrum(frequency: NDArray[np.float64], f0: float, level: float) -> NDArray[np.complex128]:
        order = np.rint(frequency / f0)
        odd = order % 2 == 1
        if shape == "saw":
            source = 1 / order
        elif shape == "square":
            source = np.where(odd, 1 / order, 0.0)
        elif shape == "pulse":
            source = np.sin(np.pi * order * 0.2) / order
        elif shape == "triangle":
            source = np.where(odd, (-1.0) ** ((order - 1) // 2) / order**2, 0.0)
        elif shape == "hollow":
            source = np.where(odd, 1 / order**1.4, 0.12 / order)
        elif shape == "fifth":
            source = 1 / order + np.where(order % 3 == 0, 2.4 / order, 0.0)
        elif shape == "metal":
            source = (0.35 + np.abs(np.sin(order * 2.37))) / order**0.8
        else:
            source = np.where(order == 1, 1.0, 0.0)
        # Cutoff in part follows the key, as on any synthesiser.
        cutoff = dark_hz * (bright_hz / dark_hz) ** level * (f0 / 261.6) ** 0.45
        s = 1j * frequency / cutoff
        low_pass = 1 / ((1 + s) ** 2 * (1 + s * (2 - 1.9 * resonance) + s * s) + 1e-9)
        result: NDArray[np.complex128] = source * low_pass
        if formant_db:
            octaves = np.log2(frequency / (350.0 * 2 ** (3.2 * level)))
            result = result * 10 ** (formant_db / 20 * np.exp(-np.square(octaves / 0.45)))
        result[0] += sub
        return result

    return spectrum


_LEAD = SustainedVoice(
    spectrum=filtered("saw", 900.0, 7500.0),
    positions=5,
    attack_sec=0.006,
    release_sec=0.12,
    brightness_lag_sec=0.004,
    brightness_decay_sec=0.35,
    brightness_sustain=0.75,
    vibrato_hz=5.5,
    vibrato_cents=7.0,
    vibrato_delay_sec=0.35,
    drift_cents=0.8,
    drift_db=0.15,
    portamento_sec=0.03,
    dip_db=0.5,
    players=2,
    detune_cents=6.0,
    width=0.35,
    pedal=True,
)
_PAD = replace(
    _LEAD,
    spectrum=filtered("saw", 500.0, 3200.0),
    evolution_depth=0.3,
    evolution_sec=9.0,
    attack_sec=0.45,
    release_sec=1.1,
    brightness_lag_sec=0.9,
    brightness_decay_sec=0.0,
    vibrato_cents=3.0,
    drift_cents=2.0,
    drift_db=0.6,
    players=3,
    detune_cents=9.0,
    width=0.8,
    legato=False,
    dynamic_exponent=1.2,
)
_BASS = replace(
    _LEAD,
    spectrum=filtered("saw", 180.0, 2600.0, 0.55, 0.4),
    attack_sec=0.004,
    release_sec=0.07,
    brightness_decay_sec=0.22,
    brightness_sustain=0.45,
    vibrato_cents=0.0,
    players=1,
    width=0.0,
    drift_cents=0.5,
)

SYNTHS: dict[int, SustainedVoice] = {
    38: _BASS,
    39: replace(
        _BASS, spectrum=filtered("square", 160.0, 1600.0, 0.2, 0.5), brightness_decay_sec=0.4
    ),
    50: replace(
        _PAD, attack_sec=0.16, release_sec=0.5, spectrum=filtered("saw", 800.0, 5200.0, 0.1)
    ),
    51: replace(
        _PAD, attack_sec=0.3, release_sec=0.8, spectrum=filtered("saw", 500.0, 3000.0, 0.1)
    ),
    62: replace(
        _LEAD,
        spectrum=filtered("saw", 900.0, 7500.0, 0.25),
        attack_sec=0.02,
        brightness_lag_sec=0.06,
        brightness_decay_sec=0.5,
        brightness_sustain=0.7,
        players=3,
        detune_cents=8.0,
        width=0.6,
        vibrato_cents=2.0,
    ),
    63: replace(
        _LEAD,
        spectrum=filtered("pulse", 600.0, 4800.0, 0.2),
        attack_sec=0.05,
        brightness_lag_sec=0.12,
        players=3,
        detune_cents=7.0,
        width=0.6,
    ),
    80: replace(_LEAD, spectrum=filtered("square", 1500.0, 8000.0, 0.1), players=1, width=0.0),
    81: _LEAD,
    82: replace(
        _LEAD,
        spectrum=filtered("sine", 4000.0, 8000.0, 0.0),
        players=1,
        width=0.0,
        noise_db=-30.0,
        attack_noise_db=-16.0,
        attack_sec=0.03,
    ),
    83: replace(
        _LEAD, spectrum=filtered("pulse", 700.0, 6000.0, 0.6), accent_db=4.0, attack_noise_db=-14.0
    ),
    84: replace(
        _LEAD, spectrum=filtered("saw", 1500.0, 9000.0, 0.5), positions=5, detune_cents=3.0
    ),
    86: replace(_LEAD, spectrum=filtered("fifth", 900.0, 6500.0)),
    87: replace(
        _LEAD, spectrum=filtered("saw", 500.0, 5500.0, 0.4, 0.5), brightness_decay_sec=0.25
    ),
    88: replace(
        _PAD,
        spectrum=filtered("metal", 700.0, 4500.0, formant_db=7.0),
        attack_sec=0.08,
        accent_db=5.0,
    ),
    89: replace(_PAD, spectrum=filtered("saw", 300.0, 1800.0, 0.1, formant_db=8.0)),
    90: replace(
        _PAD, spectrum=filtered("saw", 700.0, 5000.0, 0.3), attack_sec=0.03, release_sec=0.5
    ),
    92: replace(
        _PAD, spectrum=filtered("hollow", 700.0, 4500.0, 0.2, formant_db=8.0), noise_db=-38.0
    ),
    93: replace(
        _PAD, spectrum=filtered("metal", 500.0, 5000.0, 0.4, formant_db=7.0), attack_sec=0.6
    ),
    94: replace(
        _PAD,
        spectrum=filtered("hollow", 500.0, 3500.0, 0.1, formant_db=8.0),
        attack_sec=0.7,
        noise_db=-34.0,
    ),
    95: replace(
        _PAD,
        spectrum=filtered("saw", 220.0, 5200.0, 0.75, formant_db=9.0),
        positions=8,
        evolution_depth=0.5,
        evolution_sec=12.0,
        attack_sec=0.5,
        brightness_lag_sec=1.8,
    ),
    96: replace(
        _PAD, spectrum=filtered("metal", 800.0, 6000.0), attack_sec=0.02, decay_db_per_sec=9.0
    ),
    97: replace(
        _PAD, spectrum=filtered("fifth", 350.0, 3500.0, 0.4, formant_db=7.0), attack_sec=0.9
    ),
    98: replace(
        _LEAD,
        spectrum=filtered("metal", 1500.0, 8000.0),
        decay_db_per_sec=16.0,
        release_sec=0.9,
        players=3,
        width=0.8,
        legato=False,
    ),
    99: replace(
        _PAD,
        spectrum=filtered("pulse", 600.0, 4500.0, formant_db=7.0),
        attack_sec=0.12,
        noise_db=-33.0,
    ),
    100: replace(_PAD, spectrum=filtered("metal", 900.0, 7000.0, 0.3), attack_sec=0.05),
    101: replace(
        _PAD,
        spectrum=filtered("hollow", 300.0, 2800.0, 0.5, formant_db=8.0),
        detune_cents=18.0,
        noise_db=-30.0,
    ),
    102: replace(
        _PAD, spectrum=filtered("hollow", 600.0, 4000.0, 0.3), attack_sec=0.1, decay_db_per_sec=6.0
    ),
    103: replace(
        _PAD,
        spectrum=filtered("pulse", 500.0, 5500.0, 0.5, formant_db=7.0),
        attack_sec=0.06,
        vibrato_cents=14.0,
    ),
}
