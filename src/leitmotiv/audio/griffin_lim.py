"""Phases for magnitudes that have none: the fast Griffin-Lim algorithm.

Conventions: as in :mod:`leitmotiv.audio.spectrogram`; magnitudes are ``(channels, bins, frames)``.

Public names: :func:`griffin_lim`, :func:`spectral_convergence_db`.

References: Perraudin, Balazs and Søndergaard, *A fast Griffin-Lim algorithm*, WASPAA 2013,
algorithm 2; Griffin and Lim, IEEE Trans. ASSP 32(2), 1984.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.spectrogram import istft, stft
from leitmotiv.errors import AudioError

__all__ = ["griffin_lim", "spectral_convergence_db"]


def griffin_lim(
    magnitude: NDArray[Any],
    *,
    hop_length: int = 512,
    num_samples: int | None = None,
    num_iterations: int = 64,
    momentum: float = 0.99,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Find audio whose spectrum has these magnitudes.

    Parameters
    ----------
    magnitude : ndarray, shape (channels, bins, frames)
        Not negative.
    hop_length : int
        Samples from frame to frame; a quarter of the frame or less works best.
    num_samples : int, optional
        Length of the audio; else up to the last frame's centre.
    num_iterations : int
        Projections; each costs one transform and one inverse.
    momentum : float
        0 is Griffin and Lim's own algorithm; 0.99 is the fast one.
    rng : numpy.random.Generator
        Draws the first phases.

    Returns
    -------
    ndarray, float32, shape (channels, num_samples)

    Raises
    ------
    AudioError
        If the shape, ``num_iterations`` or ``momentum`` cannot be used.

    Examples
    --------
    >>> audio = np.sin(np.arange(8192) * 0.1)[None].astype(np.float32)
    >>> magnitude = np.abs(stft(audio, n_fft=512, hop_length=128))
    >>> again = griffin_lim(magnitude, hop_length=128, rng=np.random.default_rng(1))
    >>> spectral_convergence_db(again, magnitude, hop_length=128) < -20
    True
    """
    if magnitude.ndim != 3 or magnitude.shape[1] < 3:
        raise AudioError(
            f"magnitude has shape {magnitude.shape}; it must be (channels, bins, frames)"
        )
    if num_iterations < 1:
        raise AudioError(f"num_iterations={num_iterations} must be at least 1")
    if not 0.0 <= momentum < 1.3:  # beyond, the authors saw it diverge
        raise AudioError(f"momentum={momentum:g} must be 0 to below 1.3; 0.99 is usual")
    target = np.asarray(magnitude, dtype=np.float32)
    n_fft = 2 * (target.shape[1] - 1)
    length = max(target.shape[2] - 1, 0) * hop_length if num_samples is None else num_samples
    if target.shape[2] == 0:
        return np.zeros((target.shape[0], length), np.float32)
    angle = rng.random(target.shape, dtype=np.float32) * np.float32(2 * np.pi)
    guess = target * np.exp(1j * angle).astype(np.complex64)
    # The transform pads to whole hops; frames beyond the wished length are matched as well.
    whole = (target.shape[2] - 1) * hop_length
    previous = np.zeros_like(guess)
    for _ in range(num_iterations):
        audio = istft(guess, hop_length=hop_length, num_samples=whole)
        consistent = stft(audio, n_fft=n_fft, hop_length=hop_length)
        if consistent.shape != guess.shape:  # a single frame has no audio between centres
            consistent = np.zeros_like(guess)
        ahead = consistent + np.float32(momentum) * (consistent - previous)
        guess = target * ahead / np.maximum(np.abs(ahead), np.float32(1e-12))
        previous = consistent
    result = istft(guess, hop_length=hop_length, num_samples=length)
    return np.asarray(result, dtype=np.float32)


def spectral_convergence_db(
    audio: NDArray[Any], magnitude: NDArray[Any], *, hop_length: int = 512
) -> float:
    """How far the magnitudes of ``audio`` are from ``magnitude``, dB relative to its norm.

    Lower is better; ``-inf`` where both are equal, 0 for silence.
    """
    n_fft = 2 * (magnitude.shape[1] - 1)
    found = np.abs(stft(audio, n_fft=n_fft, hop_length=hop_length))
    num_frames = min(found.shape[2], magnitude.shape[2])
    wanted = magnitude[:, :, :num_frames]
    scale = float(np.linalg.norm(wanted))
    error = float(np.linalg.norm(found[:, :, :num_frames] - wanted))
    with np.errstate(divide="ignore"):
        return float(20 * np.log10(error / scale)) if scale > 0 else 0.0
