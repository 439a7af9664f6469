"""How far one note is from another: the log-mel distance that every figure uses.

Definition: both notes are mono at 48 kHz, begin at their onsets and are scaled to one K-weighted
level (loudest 100 ms). Mel spectra of 64 triangular bands from 30 Hz to 16 kHz (Hann windows of
4096 samples, one every 1024) are taken in dB and cut off 70 dB below the loudest value of the
reference. The distance is the mean absolute difference over all bands and over the frames from the
onset to the end of the reference or to its key-up.

Bands in which both lie at the floor count as equal and lower the mean; ``heard`` leaves them out.

Public names: :func:`log_mel_distance`, :class:`Distance`, :func:`detect_pitch`.

References: A. de Cheveigné and H. Kawahara, *YIN, a fundamental frequency estimator*, JASA 111(4),
2002.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import AudioError
from leitmotiv.instruments.neural_analysis import note_level
from leitmotiv.instruments.neural_grid import log_mel

__all__ = ["Distance", "detect_pitch", "log_mel_distance"]

RATE = 48_000
HOP = 1024
RANGE_DB = 70.0
_LOWEST_HZ, _HIGHEST_HZ = 20.0, 4500.0


@dataclass(frozen=True)
class Distance:
    """``all_db`` over all bands and frames, ``heard_db`` where at least one is above the floor."""

    all_db: float
    heard_db: float


def log_mel_distance(
    reference: NDArray[Any], other: NDArray[Any], *, end_sec: float | None = None
) -> Distance:
    """Distance of two mono notes at 48 kHz that begin at their onsets; see the module.

    Raises
    ------
    AudioError
        If either is silent.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000)
    >>> log_mel_distance(tone, 0.5 * tone).all_db < 0.01
    True
    """
    levels = [note_level(audio, RATE) for audio in (reference, other)]
    if min(levels) < 1e-7:
        raise AudioError("a silent note has no log-mel distance; give two notes that sound")
    length = len(reference) if end_sec is None else min(int(end_sec * RATE), len(reference))
    centres = np.arange(0, max(length, 1), HOP)
    mels = [
        log_mel(np.asarray(audio) / level, RATE, centres)
        for audio, level in zip((reference, other), levels, strict=True)
    ]
    bottom = float(mels[0].max()) - RANGE_DB
    one, two = np.maximum(mels[0], bottom), np.maximum(mels[1], bottom)
    gap = np.abs(one - two)
    heard = (one > bottom) | (two > bottom)
    return Distance(float(gap.mean()), float(gap[heard].mean()) if heard.any() else 0.0)


def detect_pitch(audio: NDArray[Any], sample_rate: int) -> float:
    """MIDI pitch of a single note, as a fraction, by autocorrelation over its body.

    Raises
    ------
    AudioError
        If no steady pitch is found.

    Examples
    --------
    >>> t = np.arange(24_000) / 48_000
    >>> tone = np.sin(2 * np.pi * 220 * t) + 0.5 * np.sin(2 * np.pi * 440 * t)
    >>> round(detect_pitch(tone, 48_000), 1)
    57.0
    """
    audio = np.asarray(audio, np.float64)
    size = min(int(0.14 * sample_rate), len(audio) // 2)
    if size < int(0.03 * sample_rate):
        raise AudioError("a note must be at least 60 ms long to have its pitch found")
    found, clear = [], []
    for share in (0.1, 0.2, 0.3, 0.45, 0.6):
        begin = min(int(share * len(audio)), len(audio) - 2 * size)
        piece = audio[max(begin, 0) : max(begin, 0) + 2 * size]
        spectrum = np.fft.rfft(piece[:size], 4 * size)
        product = np.conj(spectrum) * np.fft.rfft(piece, 4 * size)
        correlation = np.fft.irfft(product, 4 * size)[: size + 1]
        square = np.concatenate([[0.0], np.cumsum(piece**2)])
        lags = np.arange(size + 1)
        energy = square[lags + size] - square[lags]
        difference = energy[0] + energy - 2.0 * correlation
        running = np.cumsum(difference[1:]) / np.arange(1, size + 1)
        normal = np.concatenate([[1.0], difference[1:] / np.maximum(running, 1e-20)])
        low = max(int(sample_rate / _HIGHEST_HZ), 2)
        high = min(int(sample_rate / _LOWEST_HZ), size - 1)
        dips = np.flatnonzero(normal[low:high] < 0.15) + low
        if not len(dips):
            lag = int(np.argmin(normal[low:high])) + low
        else:
            lag = int(dips[0])
            while lag + 1 < high and normal[lag + 1] < normal[lag]:
                lag += 1
        left, middle, right = normal[lag - 1], normal[lag], normal[lag + 1]
        bend = left - 2 * middle + right
        shift = 0.5 * (left - right) / bend if abs(bend) > 1e-12 else 0.0
        found.append(69 + 12 * np.log2(sample_rate / (lag + np.clip(shift, -1, 1)) / 440.0))
        clear.append(middle)
    if min(clear) > 0.5:
        raise AudioError("no steady pitch was found; name the pitch of the note")
    order = np.argsort(clear)
    return float(np.median(np.array(found)[order[:3]]))
