"""The grids on which the neural instruments describe a note.

A moment of a tone is 64 levels of harmonics and 32 levels of noise bands, in dB; a whole note is a
row of such moments. Harmonics 1 to 48 stand alone; above, neighbours share a level, up to the
192nd. Noise bands are equally wide on the mel scale from 0 to 18 kHz.

Conventions: frequencies in Hz; levels in dB relative to a note whose loudest 100 ms has K-weighted
level 0, and never below :data:`FLOOR_DB`. The level of a harmonic is that of its amplitude (a sine
of amplitude 1 has 0 dB); the level of a noise band that of the RMS in the whole band.

Public names: :data:`NUM_GROUPS`, :data:`NUM_BANDS`, :data:`MAX_HARMONIC`, :data:`GROUP_EDGES`,
:data:`FLOOR_DB`, :data:`TOP_HZ`, :func:`group_of_harmonic`, :func:`noise_edges_hz`,
:func:`partial_hz`, :func:`mel_filters`, :func:`log_mel`, :func:`hz_to_mel`, :func:`mel_to_hz`.

References: H. Fletcher, E. Blackham and R. Stratton, *Quality of Piano Tones*, JASA 34, 1962
(stiff strings); D. O'Shaughnessy, *Speech Communication*, 1987 (the mel scale).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FLOOR_DB",
    "GROUP_EDGES",
    "MAX_HARMONIC",
    "NUM_BANDS",
    "NUM_GROUPS",
    "TOP_HZ",
    "group_of_harmonic",
    "hz_to_mel",
    "log_mel",
    "mel_filters",
    "mel_to_hz",
    "noise_edges_hz",
    "partial_hz",
]

Float = NDArray[np.float64]

MAX_HARMONIC = 192
NUM_BANDS = 32
FLOOR_DB = -100.0
TOP_HZ = 18_000.0
_ALONE = 48
_SHARED = 16


def _edges() -> tuple[int, ...]:
    wide = _ALONE * (MAX_HARMONIC / _ALONE) ** (np.arange(_SHARED + 1) / _SHARED)
    return (*range(_ALONE), *(int(edge) for edge in np.rint(wide)))


GROUP_EDGES: tuple[int, ...] = _edges()
"""Group g holds the harmonics above ``GROUP_EDGES[g]`` up to ``GROUP_EDGES[g + 1]``."""

NUM_GROUPS = len(GROUP_EDGES) - 1


def group_of_harmonic() -> NDArray[np.int64]:
    """Index of the group of harmonic 1, 2, ..., shape (MAX_HARMONIC,).

    Examples
    --------
    >>> group_of_harmonic()[[0, 47, 48, 191]].tolist()
    [0, 47, 48, 63]
    """
    harmonic = np.arange(1, MAX_HARMONIC + 1)
    return np.asarray(np.searchsorted(np.array(GROUP_EDGES), harmonic) - 1)


def hz_to_mel(frequency_hz: Any) -> Float:
    """Mel number of a frequency."""
    return np.asarray(2595.0 * np.log10(1.0 + np.asarray(frequency_hz, np.float64) / 700.0))


def mel_to_hz(mel: Any) -> Float:
    """Frequency of a mel number.

    Examples
    --------
    >>> round(float(mel_to_hz(hz_to_mel(440.0))), 6)
    440.0
    """
    return np.asarray(700.0 * (10.0 ** (np.asarray(mel, np.float64) / 2595.0) - 1.0))


def noise_edges_hz() -> Float:
    """Edges of the noise bands, shape (NUM_BANDS + 1,)."""
    return mel_to_hz(np.linspace(0.0, float(hz_to_mel(TOP_HZ)), NUM_BANDS + 1))


def partial_hz(f0: Any, inharmonicity: Any, harmonic: Any) -> Float:
    """Frequency of a partial of a stiff string: ``h f0 sqrt(1 + B h^2)``."""
    harmonic = np.asarray(harmonic, np.float64)
    return np.asarray(harmonic * f0 * np.sqrt(1.0 + inharmonicity * harmonic**2))


@lru_cache(maxsize=8)
def mel_filters(
    sample_rate: int, n_fft: int = 4096, n_mels: int = 64, low_hz: float = 30.0
) -> NDArray[np.float32]:
    """Triangular filters over power bins, shape (n_mels, n_fft // 2 + 1), peak 1.

    Every filter is at least two bins wide on either side, so that none falls between two bins.
    """
    top = min(16_000.0, 0.45 * sample_rate)
    centre = mel_to_hz(np.linspace(float(hz_to_mel(low_hz)), float(hz_to_mel(top)), n_mels + 2))
    frequency = np.arange(n_fft // 2 + 1) * sample_rate / n_fft
    least = 2.0 * sample_rate / n_fft
    middle = centre[1:-1, None]
    left = np.maximum(middle - centre[:-2, None], least)
    right = np.maximum(centre[2:, None] - middle, least)
    rise = (frequency - middle + left) / left
    fall = (middle + right - frequency) / right
    return np.maximum(np.minimum(rise, fall), 0.0).astype(np.float32)


def log_mel(
    audio: NDArray[Any],
    sample_rate: int,
    centres: NDArray[np.int64],
    *,
    n_fft: int = 4096,
    n_mels: int = 64,
) -> NDArray[np.float32]:
    """Mel spectrum in dB at chosen moments of a mono signal.

    Parameters
    ----------
    audio : ndarray, shape (samples,)
        Zeros are assumed outside.
    centres : ndarray, int, shape (frames,)
        Middle sample of each Hann window.

    Returns
    -------
    ndarray, float32, shape (frames, n_mels)
        A sine of amplitude 1 in the middle of a wide band has 0 dB; silence has -160 dB.
    """
    window = np.hanning(n_fft + 1)[:n_fft]
    padded = np.pad(np.asarray(audio, np.float32), n_fft)
    index = np.clip(centres + n_fft // 2, 0, len(padded) - n_fft)
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[index] * window
    power = np.abs(np.fft.rfft(frames, axis=1)) ** 2 * (4.0 / (n_fft * np.sum(window**2)))
    mel = power @ mel_filters(sample_rate, n_fft, n_mels).T
    return np.asarray(10.0 * np.log10(mel + 1e-16), np.float32)
