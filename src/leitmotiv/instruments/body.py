"""Resonant bodies: what stands between a string or a vocal fold and the room.

A body is a short impulse response, a sum of damped modes. Tones are convolved with it, so that a
vibrato sweeps its harmonics over the resonances and the timbre lives, which fixed spectra cannot
do.

References: E. V. Jansson, *Acoustics for Violin and Guitar Makers*, 4th ed., 2002 (A0, B1 and the
bridge hill); G. Peterson and H. Barney, "Control methods used in a study of the vowels", 1952
(formants); G. Fant, *Acoustic Theory of Speech Production*, 1960.

Public names: :func:`apply_body`, :data:`BODIES`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.signal import oaconvolve

from leitmotiv.instruments.oscillators import decaying_modes
from leitmotiv.instruments.performance import FloatArray

__all__ = ["BODIES", "apply_body"]

_BLOCK = 2**18  # samples convolved at a time

# (frequency Hz, quality, gain dB) of the marked resonances; dense modes fill in above.
_Resonance = tuple[float, float, float]

BODIES: dict[str, tuple[tuple[_Resonance, ...], tuple[float, float, float, float]]] = {
    # resonances, (first dense mode Hz, last Hz, hill centre Hz, dense level dB)
    "violin": (
        ((275, 18, 0), (405, 20, -4), (460, 25, 2), (550, 25, 3), (700, 25, -3), (1000, 20, -2)),
        (800, 14000, 2700, -5.0),
    ),
    "viola": (
        ((220, 16, 1), (330, 20, -3), (390, 22, 2), (470, 22, 2), (620, 22, -3), (880, 18, -2)),
        (700, 13000, 2100, -6.0),
    ),
    "cello": (
        ((100, 12, 1), (145, 14, -1), (185, 18, 3), (220, 20, 2), (300, 18, -1), (430, 18, -1)),
        (400, 12000, 1400, -6.0),
    ),
    "double bass": (
        ((62, 10, 2), (100, 12, 3), (130, 14, 1), (165, 14, 0), (230, 14, -2), (320, 14, -2)),
        (250, 9000, 800, -8.0),
    ),
    "guitar": (
        ((98, 12, -3), (204, 18, -2), (255, 20, -3), (385, 25, -1), (480, 25, -3), (620, 25, -3)),
        (500, 13000, 1500, -8.0),
    ),
    "harp": (
        ((150, 10, 1), (240, 14, 2), (390, 16, 1), (560, 18, 0), (800, 18, -1)),
        (600, 13000, 1500, -8.0),
    ),
    "piano": (
        ((58, 8, 0), (95, 10, 2), (135, 12, 2), (190, 14, 1), (260, 16, 1), (350, 16, 0)),
        (300, 13000, 900, -5.0),
    ),
    "aah": (
        ((640, 7, 4), (1080, 10, 2), (2550, 16, -9), (3000, 18, -11), (3700, 16, -16)),
        (0, 0, 0, 0),
    ),
    "ooh": (
        ((360, 6, 3), (800, 9, -6), (2400, 16, -24), (2900, 18, -26), (3500, 16, -30)),
        (0, 0, 0, 0),
    ),
    "mm": (
        ((300, 5, 3), (1000, 8, -14), (2200, 12, -22), (3000, 12, -28)),
        (0, 0, 0, 0),
    ),
}

_DIRECT = {
    "violin": 0.5,
    "viola": 0.5,
    "cello": 0.5,
    "double bass": 0.6,
    "guitar": 1.2,
    "harp": 1.4,
}


@lru_cache(maxsize=64)
def _response(kind: str, sample_rate: int) -> FloatArray:
    """Impulse response of a body, float32 (2, samples), of unit energy."""
    resonances, (first, last, hill, dense_db) = BODIES[kind]
    rng = np.random.default_rng(sum(kind.encode()))
    marked = np.array(resonances, dtype=np.float64)
    frequency, quality = marked[:, 0], marked[:, 1]
    # A mode of quality Q peaks at amplitude * Q / (pi f): divide, so that gains mean peak heights.
    amplitude = 10 ** (marked[:, 2] / 20) * np.pi * frequency / quality
    amplitude = np.stack([amplitude, amplitude])
    if first:
        count = int(40 * np.log2(last / first))
        dense = first * (last / first) ** (
            (np.arange(count) + rng.uniform(-0.4, 0.4, count)) / count
        )
        dense_quality = 14 + 26 * rng.random(count)
        octaves = np.log2(dense / hill)
        shape = dense_db - np.where(octaves > 0, 8.0 * octaves, -2.0 * octaves)
        height = 10 ** ((shape + rng.normal(0, 3, (2, count))) / 20)
        signs = rng.choice([-1.0, 1.0], count)
        frequency = np.concatenate([frequency, dense])
        quality = np.concatenate([quality, dense_quality])
        amplitude = np.concatenate(
            [amplitude, signs * height * np.pi * dense / dense_quality], axis=1
        )
    else:
        amplitude *= np.where(np.arange(len(frequency)) % 2, -1.0, 1.0)
    decay = np.pi * frequency / quality
    response = decaying_modes(
        frequency, decay, amplitude, np.zeros(len(frequency)), int(0.085 * sample_rate), sample_rate
    )
    response *= np.hanning(2 * response.shape[1])[response.shape[1] :].astype(np.float32)
    response /= np.float32(sample_rate)
    response[:, 0] += np.float32(0.12 * _DIRECT.get(kind, 0.0))
    return response


def apply_body(audio: FloatArray, kind: str, sample_rate: int) -> FloatArray:
    """Pass stereo audio through a body.

    Parameters
    ----------
    audio : ndarray, float32, shape (2, samples)
    kind : str
        A key of :data:`BODIES`.
    sample_rate : int
        Hz.

    Returns
    -------
    ndarray, float32, shape (2, samples)
    """
    response = _response(kind, sample_rate)
    num_samples = audio.shape[1]
    wet = np.zeros((2, num_samples), dtype=np.float32)
    for start in range(0, num_samples, _BLOCK):
        block = audio[:, start : start + _BLOCK]
        if block.any():
            ringing = oaconvolve(block, response, axes=-1)[:, : num_samples - start]
            wet[:, start : start + ringing.shape[1]] += ringing
    return wet
