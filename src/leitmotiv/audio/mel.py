"""Mel spectrograms, as librosa defines them, and the way back.

Purpose: spectra as the ear spaces them, for training, pictures and comparisons of timbre.

Conventions: the mel scale is Slaney's (linear below 1 kHz, logarithmic above) and each triangular
filter has unit area ("Slaney norm"), which is what ``librosa.filters.mel`` gives by default.
Filterbanks are ``(n_mels, bins)``, mel spectrograms ``(channels, n_mels, frames)`` of power.

Public names: :func:`hz_to_mel`, :func:`mel_to_hz`, :func:`mel_filterbank`,
:func:`mel_spectrogram`, :func:`mel_to_magnitude`.

References: Slaney, *Auditory Toolbox version 2*, Interval Research report 1998-010; McFee and
others, *librosa: audio and music signal analysis in Python*, SciPy 2015; Lee and Seung,
*Algorithms for non-negative matrix factorization*, NIPS 2000 (the update of the inversion).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from leitmotiv.audio.spectrogram import stft
from leitmotiv.errors import AudioError

__all__ = ["hz_to_mel", "mel_filterbank", "mel_spectrogram", "mel_to_hz", "mel_to_magnitude"]

_HZ_PER_MEL = 200.0 / 3  # below the corner
_CORNER_HZ = 1000.0
_CORNER_MEL = _CORNER_HZ / _HZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0  # above the corner: 27 mel from 1 kHz to 6.4 kHz


def hz_to_mel(frequency_hz: ArrayLike) -> NDArray[np.float64]:
    """Mel of frequencies in Hz.

    Examples
    --------
    >>> hz_to_mel([110, 440, 1000, 6400]).round(6).tolist()
    [1.65, 6.6, 15.0, 42.0]
    """
    hz = np.asarray(frequency_hz, dtype=np.float64)
    above = _CORNER_MEL + np.log(np.maximum(hz, 1e-9) / _CORNER_HZ) / _LOG_STEP
    return np.where(hz < _CORNER_HZ, hz / _HZ_PER_MEL, above)


def mel_to_hz(mel: ArrayLike) -> NDArray[np.float64]:
    """Frequencies in Hz of mels, the inverse of :func:`hz_to_mel`.

    Examples
    --------
    >>> mel_to_hz([3, 15, 42]).round(6).tolist()
    [200.0, 1000.0, 6400.0]
    """
    value = np.asarray(mel, dtype=np.float64)
    above = _CORNER_HZ * np.exp(_LOG_STEP * (value - _CORNER_MEL))
    return np.where(value < _CORNER_MEL, value * _HZ_PER_MEL, above)


def mel_filterbank(
    sample_rate: int,
    n_fft: int,
    n_mels: int = 128,
    *,
    low_hz: float = 0.0,
    high_hz: float | None = None,
) -> NDArray[np.float32]:
    """Triangular filters of unit area, evenly spaced in mel.

    Parameters
    ----------
    sample_rate : int
        Hz.
    n_fft : int
        Frame length of the spectra, samples.
    n_mels : int
        Number of filters.
    low_hz, high_hz : float
        Feet of the first and the last filter; ``high_hz`` is half the sample rate if not given.
        Filters beyond half the sample rate are zero: the same bands at any rate.

    Returns
    -------
    ndarray, float32, shape (n_mels, n_fft // 2 + 1)

    Raises
    ------
    AudioError
        If the range is empty or ``n_mels`` is less than 1.

    Examples
    --------
    >>> mel_filterbank(22050, 2048).shape
    (128, 1025)
    """
    high = sample_rate / 2 if high_hz is None else high_hz
    if not 0.0 <= low_hz < high:
        raise AudioError(f"low_hz={low_hz:g} must be from 0 to below high_hz={high:g} Hz")
    if n_mels < 1:
        raise AudioError(f"n_mels={n_mels} must be at least 1")
    corner_mel = np.linspace(float(hz_to_mel(low_hz)), float(hz_to_mel(high)), n_mels + 2)
    corners = mel_to_hz(corner_mel)
    frequency = np.arange(n_fft // 2 + 1) * (sample_rate / n_fft)
    rising = (frequency - corners[:-2, None]) / np.diff(corners)[:-1, None]
    falling = (corners[2:, None] - frequency) / np.diff(corners)[1:, None]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    unit_area = 2.0 / (corners[2:] - corners[:-2])
    return (triangles * unit_area[:, None]).astype(np.float32)


def mel_spectrogram(
    audio: NDArray[Any],
    sample_rate: int,
    *,
    n_fft: int = 2048,
    hop_length: int = 512,
    n_mels: int = 128,
    low_hz: float = 0.0,
    high_hz: float | None = None,
) -> NDArray[np.float32]:
    """Power in mel bands over time.

    Parameters
    ----------
    audio : ndarray, shape (channels, samples)
    sample_rate : int
        Hz.
    n_fft, hop_length : int
        Samples; see :func:`~leitmotiv.audio.spectrogram.stft`.
    n_mels, low_hz, high_hz
        See :func:`mel_filterbank`.

    Returns
    -------
    ndarray, float32, shape (channels, n_mels, frames)

    Raises
    ------
    AudioError
        If the shape or a size cannot be used.
    """
    filters = mel_filterbank(sample_rate, n_fft, n_mels, low_hz=low_hz, high_hz=high_hz)
    power = np.square(np.abs(stft(audio, n_fft=n_fft, hop_length=hop_length)))
    return np.matmul(filters, power, dtype=np.float32)


def mel_to_magnitude(
    mel: NDArray[Any], filterbank: NDArray[np.float32], *, num_iterations: int = 100
) -> NDArray[np.float32]:
    """Find non-negative magnitudes whose power has this mel spectrogram.

    There are more bins than filters, so the answer is one of many; bins that no filter hears
    are 0. With :func:`~leitmotiv.audio.griffin_lim.griffin_lim` it makes mel spectrograms audible.

    Parameters
    ----------
    mel : ndarray, shape (channels, n_mels, frames)
        Power.
    filterbank : ndarray, shape (n_mels, bins)
    num_iterations : int
        Multiplicative updates, each of which lowers the squared error.

    Returns
    -------
    ndarray, float32, shape (channels, bins, frames)
    """
    target = np.maximum(np.asarray(mel, dtype=np.float64), 0.0)
    filters = np.asarray(filterbank, dtype=np.float64)
    if target.ndim != 3 or target.shape[1] != filters.shape[0]:
        raise AudioError(
            f"mel has shape {target.shape}; it must be (channels, {filters.shape[0]}, frames)"
        )
    # The update of Lee and Seung (2000, equation 4) cannot leave zero, so it starts above it.
    heard = filters.sum(axis=0)[:, None] > 0
    smeared = filters.T @ target
    power = np.where(heard, smeared / (np.square(filters).sum(axis=0)[:, None] + 1e-30), 0.0)
    gram = filters.T @ filters
    for _ in range(num_iterations):
        power *= smeared / (gram @ power + 1e-30)
    return np.sqrt(power).astype(np.float32)
