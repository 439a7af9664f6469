"""Short-time Fourier transform and its exact inverse, whole or in blocks.

Purpose: the one time-frequency representation that pictures, training and spectral effects share.

Conventions:

- Audio is float ``(channels, samples)``; a spectrum is complex ``(channels, bins, frames)`` with
  ``bins = n_fft // 2 + 1``. float32 gives complex64, float64 complex128.
- Frame ``t`` is centred on sample ``t * hop_length``; silence stands before the first sample and
  after the last. Audio of ``n`` samples has ``1 + ceil(n / hop_length)`` frames, so that every
  sample lies between two centres; empty audio has none.
- Windows are periodic Hann and spectra are not scaled: a sine of amplitude ``a`` that stands for
  the whole frame peaks at ``a * n_fft / 4``.
- :class:`StftStream` and :class:`IstftStream` give the same frames and samples from blocks of any
  sizes, so that hours of audio need the memory of one block.

Public names: :func:`stft`, :func:`istft`, :class:`StftStream`, :class:`IstftStream`,
:func:`num_frames_of`, :func:`magnitude_to_db`.

References: Griffin and Lim, *Signal estimation from modified short-time Fourier transform*, IEEE
Trans. ASSP 32(2), 1984, equation 6 (the least-squares inverse, exact on unmodified spectra).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import AudioError

__all__ = [
    "IstftStream",
    "StftStream",
    "istft",
    "magnitude_to_db",
    "num_frames_of",
    "stft",
]

_SMALLEST_WEIGHT = 1e-10  # of the summed squared windows: below it no frame has heard the sample


@lru_cache(maxsize=16)
def _window(n_fft: int, double: bool) -> NDArray[Any]:
    """Periodic Hann window, read-only."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    window = window.astype(np.float64 if double else np.float32)
    window.setflags(write=False)
    return window


def _check_sizes(n_fft: int, hop_length: int, longest_hop: int | None = None) -> None:
    if n_fft < 4 or n_fft % 2:
        raise AudioError(f"n_fft={n_fft} must be an even number of at least 4 samples")
    if hop_length < 1:
        raise AudioError(f"hop_length={hop_length} must be at least 1 sample")
    if longest_hop is not None and hop_length > longest_hop:
        raise AudioError(
            f"hop_length={hop_length} must be 1-{longest_hop} samples, half of n_fft={n_fft}; "
            "longer hops lose samples"
        )


def num_frames_of(num_samples: int, hop_length: int) -> int:
    """Frames of audio of that length: ``1 + ceil(num_samples / hop_length)``, 0 of none.

    Examples
    --------
    >>> num_frames_of(48000, 512), num_frames_of(0, 512)
    (95, 0)
    """
    return 1 + -(-num_samples // hop_length) if num_samples > 0 else 0


class StftStream:
    """Spectra of audio that comes in blocks.

    Parameters
    ----------
    num_channels : int
    n_fft : int
        Length of a frame in samples, even.
    hop_length : int
        Samples from frame to frame; the inverse needs at most ``n_fft // 2``.

    Raises
    ------
    AudioError
        If a size is out of range.

    Examples
    --------
    >>> audio = np.random.default_rng(1).standard_normal((1, 3000)).astype(np.float32)
    >>> stream = StftStream(1, 512, 128)
    >>> parts = [stream.push(audio[:, :1000]), stream.push(audio[:, 1000:]), stream.finish()]
    >>> np.array_equal(np.concatenate(parts, axis=2), stft(audio, n_fft=512, hop_length=128))
    True
    """

    def __init__(self, num_channels: int, n_fft: int, hop_length: int) -> None:
        _check_sizes(n_fft, hop_length)
        self.num_channels, self.n_fft, self.hop_length = num_channels, n_fft, hop_length
        self._waiting: NDArray[Any] = np.zeros((num_channels, n_fft // 2), np.float32)
        self._num_samples = 0
        self._num_frames = 0
        self._to_skip = 0  # samples between frames, where hops are longer than frames

    def push(self, block: NDArray[Any]) -> NDArray[Any]:
        """Take samples (channels, n); return the frames they complete, (channels, bins, k)."""
        if block.ndim != 2 or block.shape[0] != self.num_channels:
            raise AudioError(
                f"audio has shape {block.shape}; it must be (channels, samples) with "
                f"{self.num_channels} channels"
            )
        self._num_samples += block.shape[1]
        skipped = min(self._to_skip, block.shape[1])
        self._to_skip -= skipped
        self._waiting = np.concatenate([self._waiting, block[:, skipped:]], axis=1)
        ready = (self._waiting.shape[1] - self.n_fft) // self.hop_length + 1
        return self._take(max(ready, 0))

    def finish(self) -> NDArray[Any]:
        """Return the frames that reach beyond the last sample; the stream is then at its end."""
        missing = num_frames_of(self._num_samples, self.hop_length) - self._num_frames
        needed = max(self.n_fft + (missing - 1) * self.hop_length, 0)
        tail = max(needed - self._waiting.shape[1], 0)
        self._waiting = np.pad(self._waiting, ((0, 0), (0, tail)))
        return self._take(max(missing, 0))

    def _take(self, num_frames: int) -> NDArray[Any]:
        double = self._waiting.dtype == np.float64
        if num_frames == 0:
            dtype = np.complex128 if double else np.complex64
            return np.zeros((self.num_channels, self.n_fft // 2 + 1, 0), dtype)
        windows = np.lib.stride_tricks.sliding_window_view(self._waiting, self.n_fft, axis=1)
        frames = windows[:, : (num_frames - 1) * self.hop_length + 1 : self.hop_length]
        spectrum = np.fft.rfft(frames * _window(self.n_fft, double), axis=2)
        passed = num_frames * self.hop_length
        self._to_skip = max(passed - self._waiting.shape[1], 0)
        self._waiting = self._waiting[:, passed:]
        self._num_frames += num_frames
        return np.swapaxes(spectrum, 1, 2)


class IstftStream:
    """Audio from spectra that come a few frames at a time.

    Each sample is the least-squares answer of all frames that cover it (Griffin and Lim 1984,
    equation 6); on spectra that nobody changed that is the audio they were taken from.

    Raises
    ------
    AudioError
        If a size is out of range.
    """

    def __init__(self, num_channels: int, n_fft: int, hop_length: int) -> None:
        _check_sizes(n_fft, hop_length, n_fft // 2)
        self.num_channels, self.n_fft, self.hop_length = num_channels, n_fft, hop_length
        self._sum: NDArray[Any] = np.zeros((num_channels, n_fft - hop_length), np.float32)
        self._weight = np.zeros(n_fft - hop_length)
        self._to_skip = n_fft // 2  # the silence before the first sample

    def push(self, spectrum: NDArray[Any]) -> NDArray[Any]:
        """Take frames (channels, bins, k); return the samples they settle, (channels, n)."""
        expected = (self.num_channels, self.n_fft // 2 + 1)
        if spectrum.ndim != 3 or spectrum.shape[:2] != expected:
            raise AudioError(
                f"spectrum has shape {spectrum.shape}; it must be {(*expected, 'frames')}"
            )
        num_frames = spectrum.shape[2]
        if num_frames == 0:
            return self._sum[:, :0]
        double = spectrum.dtype == np.complex128
        window = _window(self.n_fft, double)
        frames = np.fft.irfft(np.swapaxes(spectrum, 1, 2), n=self.n_fft, axis=2) * window
        settled = num_frames * self.hop_length
        grown = self.n_fft + settled - self.hop_length
        total = np.zeros((self.num_channels, grown), frames.dtype)
        total[:, : self._sum.shape[1]] = self._sum
        weight = np.zeros(grown)
        weight[: len(self._weight)] = self._weight
        square = np.square(_window(self.n_fft, True))
        for index in range(num_frames):
            start = index * self.hop_length
            total[:, start : start + self.n_fft] += frames[:, index]
            weight[start : start + self.n_fft] += square
        self._sum, self._weight = total[:, settled:], weight[settled:]
        return self._normalised(total[:, :settled], weight[:settled])

    def finish(self) -> NDArray[Any]:
        """Return what the last frames still hold beyond the settled samples."""
        rest = self._normalised(self._sum, self._weight)
        self._sum, self._weight = self._sum[:, :0], self._weight[:0]
        return rest

    def _normalised(self, total: NDArray[Any], weight: NDArray[np.float64]) -> NDArray[Any]:
        skipped = min(self._to_skip, total.shape[1])
        self._to_skip -= skipped
        safe = np.where(weight > _SMALLEST_WEIGHT, weight, 1.0)[skipped:]
        return total[:, skipped:] / safe.astype(total.dtype)


def stft(audio: NDArray[Any], *, n_fft: int = 2048, hop_length: int = 512) -> NDArray[Any]:
    """Take the short-time Fourier transform.

    Parameters
    ----------
    audio : ndarray, shape (channels, samples)
    n_fft : int
        Length of a frame in samples, even.
    hop_length : int
        Samples from frame to frame; the inverse needs at most ``n_fft // 2``.

    Returns
    -------
    ndarray, complex, shape (channels, n_fft // 2 + 1, frames)
        Without frames for empty audio.

    Raises
    ------
    AudioError
        If the shape or a size cannot be used.

    Examples
    --------
    >>> time = np.arange(48000) / 48000
    >>> spectrum = stft(np.sin(2 * np.pi * 750 * time)[None], n_fft=1024, hop_length=256)
    >>> spectrum.shape, int(np.abs(spectrum[0, :, 90]).argmax()) * 48000 / 1024
    ((1, 513, 189), 750.0)
    """
    if audio.ndim != 2:
        raise AudioError(f"audio has shape {audio.shape}; it must be (channels, samples)")
    stream = StftStream(audio.shape[0], n_fft, hop_length)
    return np.concatenate([stream.push(audio), stream.finish()], axis=2)


def istft(
    spectrum: NDArray[Any], *, hop_length: int = 512, num_samples: int | None = None
) -> NDArray[Any]:
    """Invert :func:`stft`.

    Parameters
    ----------
    spectrum : ndarray, complex, shape (channels, bins, frames)
    hop_length : int
        As in the transform.
    num_samples : int, optional
        Length of the audio; else up to the last frame's centre. The transform rounds lengths up
        to whole hops, so only the caller knows the original one.

    Returns
    -------
    ndarray, shape (channels, num_samples)
        Exact to rounding on an unchanged spectrum; the least-squares answer on a changed one.

    Raises
    ------
    AudioError
        If the shape or a size cannot be used.

    Examples
    --------
    >>> audio = np.random.default_rng(1).standard_normal((2, 5000))
    >>> bool(np.allclose(istft(stft(audio), num_samples=5000), audio, atol=1e-12))
    True
    """
    if spectrum.ndim != 3 or spectrum.shape[1] < 3:
        raise AudioError(
            f"spectrum has shape {spectrum.shape}; it must be (channels, bins, frames)"
        )
    n_fft = 2 * (spectrum.shape[1] - 1)
    stream = IstftStream(spectrum.shape[0], n_fft, hop_length)
    audio = np.concatenate([stream.push(spectrum), stream.finish()], axis=1)
    if num_samples is None:
        num_samples = max(spectrum.shape[2] - 1, 0) * hop_length
    audio = audio[:, :num_samples]
    return np.pad(audio, ((0, 0), (0, num_samples - audio.shape[1])))


def magnitude_to_db(magnitude: NDArray[Any], *, floor_db: float = -120.0) -> NDArray[Any]:
    """Decibels of linear magnitudes, nothing below ``floor_db``.

    Examples
    --------
    >>> magnitude_to_db(np.array([1.0, 0.1, 0.0])).tolist()
    [0.0, -20.0, -120.0]
    """
    decibels: NDArray[Any] = 20 * np.log10(np.maximum(magnitude, 10 ** (floor_db / 20)))
    return decibels
