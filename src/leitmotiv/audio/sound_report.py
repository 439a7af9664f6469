"""What a file sounds like in numbers: loudness, peaks, dynamics, spectrum, width.

Purpose: one measurement for mastering, for its before/after page and for people, of audio of any
length, fed block by block with flat memory.

Conventions: the spectrum is the long-term average in third-octave bands, dB of full scale, of the
middle (the mean of left and right; of all channels but the low-frequency one in other layouts)
and of the side (half their difference). Long audio is sampled: 512 to 1023 frames, evenly spread.

Public names: :class:`SoundReport`, :class:`SoundMeter`, :func:`measure_sound`,
:func:`sampled_spectrum`, :data:`THIRD_OCTAVES_HZ`.

References: IEC 61260-1 (third octaves); EBU R 128 s1 and AES TD1008 (peak to loudness ratio).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.loudness import LoudnessMeter
from leitmotiv.audio.meters import true_peak_envelope

__all__ = ["THIRD_OCTAVES_HZ", "SoundMeter", "SoundReport", "measure_sound", "sampled_spectrum"]

THIRD_OCTAVES_HZ: NDArray[np.float64] = 1000.0 * 2.0 ** (np.arange(-16, 13) / 3.0)
"""Exact centre frequencies from 25 Hz to 16 kHz, shape (29,)."""

SILENT_DB = -140.0
_N_FFT = 16384
_MOST_FRAMES = 1024
_CONTEXT = 24  # samples that the oversampled peak needs on each side


@dataclass(frozen=True, eq=False)
class SoundReport:
    """Measured figures.

    ``short_term_lufs`` has one value every 100 ms, each over 3 s. ``mid_db`` and ``side_db`` have
    one value a third octave of :data:`THIRD_OCTAVES_HZ`, ``SILENT_DB`` where there is nothing.
    """

    sample_rate: int
    num_channels: int
    num_samples: int
    integrated_lufs: float
    loudness_range_lu: float
    true_peak_dbtp: float
    rms_dbfs: float
    short_term_lufs: NDArray[np.float64]
    mid_db: NDArray[np.float64]
    side_db: NDArray[np.float64]

    @property
    def duration_sec(self) -> float:
        """Length in seconds."""
        return self.num_samples / self.sample_rate

    @property
    def peak_to_loudness_db(self) -> float:
        """True peak over integrated loudness: how much room dynamics have; 0 for silence."""
        if self.integrated_lufs == -math.inf:
            return 0.0
        return self.true_peak_dbtp - self.integrated_lufs

    @property
    def width_db(self) -> float:
        """Side against middle in dB, over all bands; ``-inf`` for mono."""
        middle, side = (10 ** (curve / 10) for curve in (self.mid_db, self.side_db))
        quiet = 10 ** (SILENT_DB / 10) * len(side) * 1.01
        if side.sum() <= quiet or middle.sum() <= quiet:
            return -math.inf
        return 10 * math.log10(float(side.sum() / middle.sum()))

    def to_dict(self) -> dict[str, Any]:
        """Return the single figures as JSON's types; infinite ones are null."""

        def finite(value: float, digits: int = 2) -> float | None:
            return round(value, digits) if math.isfinite(value) else None

        return {
            "sample_rate": self.sample_rate,
            "num_channels": self.num_channels,
            "duration_sec": round(self.duration_sec, 3),
            "integrated_lufs": finite(self.integrated_lufs),
            "loudness_range_lu": finite(self.loudness_range_lu),
            "true_peak_dbtp": finite(self.true_peak_dbtp),
            "peak_to_loudness_db": finite(self.peak_to_loudness_db),
            "width_db": finite(self.width_db),
        }


@lru_cache(maxsize=4)
def _third_octave_matrix(sample_rate: int) -> NDArray[np.float64]:
    """Sum power over each band, shape (bands, bins); a bin may be shared by two bands."""
    bin_hz = sample_rate / _N_FFT
    edges = THIRD_OCTAVES_HZ[:, None] * 2.0 ** (np.array([[-1, 1]]) / 6)
    low = np.arange(_N_FFT // 2 + 1)[None, :] * bin_hz - bin_hz / 2
    overlap = np.minimum(edges[:, 1:], low + bin_hz) - np.maximum(edges[:, :1], low)
    return np.asarray(np.maximum(overlap, 0.0) / bin_hz)


class _Spectrum:
    """Averages frames; when there are too many, every second one is dropped."""

    def __init__(self, sample_rate: int) -> None:
        self._matrix = _third_octave_matrix(sample_rate)
        window = np.hanning(_N_FFT)
        self._window = window.astype(np.float32)
        self._scale = 2.0 / (_N_FFT * float(np.square(window).sum()))
        self._frames: list[NDArray[np.float64]] = []
        self._stride = 1  # frames between two that are kept
        self._held = np.zeros((2, 0), dtype=np.float32)
        self._number = 0

    def add(self, pair: NDArray[np.float32]) -> None:
        """Take middle and side."""
        held = np.concatenate([self._held, pair], axis=1) if self._held.size else pair
        start = 0
        while held.shape[1] - start >= _N_FFT:
            if self._number % self._stride == 0:
                self._frames.append(self._power(held[:, start : start + _N_FFT]))
                if len(self._frames) >= _MOST_FRAMES:
                    self._frames = self._frames[::2]
                    self._stride *= 2
            self._number += 1
            start += _N_FFT
        self._held = held[:, start:].copy()

    def _power(self, frame: NDArray[np.float32]) -> NDArray[np.float64]:
        spectrum = np.fft.rfft(frame * self._window, axis=1)
        power = np.square(spectrum.real) + np.square(spectrum.imag)
        return np.asarray(power @ self._matrix.T * self._scale)

    def levels_db(self) -> NDArray[np.float64]:
        """Return middle and side, shape (2, bands)."""
        frames = self._frames
        if not frames and self._held.size:
            padded = np.zeros((2, _N_FFT), dtype=np.float32)
            padded[:, : self._held.shape[1]] = self._held
            frames = [self._power(padded)]
        if not frames:
            return np.full((2, len(THIRD_OCTAVES_HZ)), SILENT_DB)
        mean = np.mean(frames, axis=0)
        return np.asarray(10 * np.log10(mean + 10 ** (SILENT_DB / 10)))


def sampled_spectrum(
    audio: NDArray[np.float32], sample_rate: int, *, num_frames: int = 96
) -> NDArray[np.float64]:
    """Return middle and side of whole audio in dB, shape (2, bands), from evenly spread frames."""
    spectrum = _Spectrum(sample_rate)
    num_frames = min(num_frames, audio.shape[1] // _N_FFT)
    if num_frames < 1:
        spectrum.add(_middle_and_side(audio))
        return spectrum.levels_db()
    for start in np.linspace(0, audio.shape[1] - _N_FFT, num_frames).astype(np.int64).tolist():
        spectrum.add(_middle_and_side(audio[:, start : start + _N_FFT]))
    return spectrum.levels_db()


class SoundMeter:
    """Collects a :class:`SoundReport` block by block.

    Parameters
    ----------
    num_channels : int
        1 to 6, or 8.
    sample_rate : int
        Hz.
    spectrum : bool
        Whether to measure the spectrum; it stays silent otherwise.
    """

    def __init__(self, num_channels: int, sample_rate: int, *, spectrum: bool = True) -> None:
        self._loudness = LoudnessMeter(num_channels, sample_rate)
        self._spectrum = _Spectrum(sample_rate) if spectrum else None
        self._context = np.zeros((num_channels, 2 * _CONTEXT), dtype=np.float32)
        self._peak = 0.0
        self._energy = 0.0
        self.num_channels, self.sample_rate = num_channels, sample_rate

    @property
    def loudness(self) -> LoudnessMeter:
        """The loudness meter inside."""
        return self._loudness

    def add(self, block: NDArray[np.float32]) -> None:
        """Hear the next block, float32 (channels, samples)."""
        if not block.shape[1]:
            return
        self._loudness.add(block)
        self._hear_peak(block)
        self._energy += float(np.vdot(block, block))
        if self._spectrum is not None:
            self._spectrum.add(_middle_and_side(block))

    def _hear_peak(self, block: NDArray[np.float32]) -> None:
        seen = np.concatenate([self._context, block], axis=1)
        self._context = seen[:, -2 * _CONTEXT :].copy()
        envelope = true_peak_envelope(seen, floor=self._peak)
        # The ends of what is seen look cut off to the interpolator and are judged with the next.
        self._peak = max(self._peak, float(envelope[_CONTEXT:-_CONTEXT].max(initial=0.0)))

    def report(self) -> SoundReport:
        """Return the figures of everything heard."""
        self._hear_peak(np.zeros((self.num_channels, 2 * _CONTEXT), dtype=np.float32))
        mid_db, side_db = (
            np.full((2, len(THIRD_OCTAVES_HZ)), SILENT_DB)
            if self._spectrum is None
            else self._spectrum.levels_db()
        )
        num_samples = self._loudness.num_samples
        mean = self._energy / max(num_samples * self.num_channels, 1)
        return SoundReport(
            self.sample_rate,
            self.num_channels,
            num_samples,
            self._loudness.integrated_lufs,
            self._loudness.loudness_range_lu,
            20 * math.log10(self._peak) if self._peak > 0 else -math.inf,
            10 * math.log10(mean) if mean > 0 else -math.inf,
            self._loudness.short_term_lufs,
            mid_db,
            side_db,
        )


def _middle_and_side(block: NDArray[np.float32]) -> NDArray[np.float32]:
    if len(block) == 2:
        return np.stack([0.5 * (block[0] + block[1]), 0.5 * (block[0] - block[1])])
    counted = [0, 1, 2, 4, 5, 6, 7][: len(block) - 1] if len(block) >= 6 else range(len(block))
    middle = np.mean(block[list(counted)], axis=0)
    return np.stack([middle, np.zeros_like(middle)])


def measure_sound(audio: NDArray[np.float32], sample_rate: int) -> SoundReport:
    """Measure whole audio, float32 (channels, samples).

    Examples
    --------
    >>> import numpy as np
    >>> sine = np.sin(2 * np.pi * 1000 / 48000 * np.arange(96000))[None].astype(np.float32)
    >>> report = measure_sound(sine, 48000)
    >>> round(float(report.mid_db[16]), 1), round(report.true_peak_dbtp, 1)
    (-3.0, 0.0)
    """
    meter = SoundMeter(audio.shape[0], sample_rate)
    for start in range(0, audio.shape[1], 2**17):
        meter.add(audio[:, start : start + 2**17])
    return meter.report()
