"""Constant-Q transform with an exact inverse.

Purpose: spectra with the same number of bins in every octave, for pictures and for changes that
follow the notes, and audio back from them.

The transform is a nonstationary Gabor frame: the signal's Fourier transform is cut into bands that
are Hann-shaped in log frequency, and each band goes back to time at just the rate it needs. As
the bands cover every frequency and no band is longer than its number of coefficients ("painless"),
dividing by the summed squared windows inverts it exactly, up to rounding.

Conventions:

- Long audio is cut into slices of ``slice_samples`` that overlap by half under a Hann window,
  and the slices add up again; memory is that of a slice, and time resolution the same throughout.
- Bin ``k`` stands at ``low_hz * 2 ** (k / bins_per_octave)``; below the first and above the last
  there is one rest band each, so that nothing is lost.
- A steady sine of amplitude ``a`` on a bin's centre has magnitude ``a`` there.

Public names: :class:`ConstantQ`, :class:`ConstantQBands`.

References: Velasco, Holighaus, Dörfler and Grill, *Constructing an invertible constant-Q
transform with nonstationary Gabor frames*, DAFx 2011; Holighaus and others, *A framework for
invertible, real-time constant-Q transforms*, IEEE Trans. ASLP 21(4), 2013 (slices).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import AudioError

__all__ = ["ConstantQ", "ConstantQBands"]


@dataclass(frozen=True, eq=False)
class ConstantQBands:
    """What :meth:`ConstantQ.forward` found.

    ``coefficients[k]`` is complex (channels, slices, points of band k); the first and the last
    entry are the rest bands below and above the bins.
    """

    coefficients: tuple[NDArray[np.complex128], ...]
    num_samples: int


class ConstantQ:
    """The transform for one sample rate and resolution.

    Parameters
    ----------
    sample_rate : int
        Hz.
    low_hz : float
        Lowest bin; C1 if not given.
    high_hz : float, optional
        No bin above it; 90 % of half the sample rate if not given.
    bins_per_octave : int
        12 for semitones; more is sharper in frequency and slower in time.
    slice_samples : int, optional
        Even. Long enough for the lowest bin's window if not given.

    Raises
    ------
    AudioError
        If the range is empty or the slices are too short for the lowest bin.

    Examples
    --------
    >>> audio = np.random.default_rng(1).standard_normal((1, 30000))
    >>> transform = ConstantQ(22050, low_hz=110.0)
    >>> again = transform.inverse(transform.forward(audio))
    >>> bool(np.allclose(again, audio, atol=1e-9))
    True
    """

    def __init__(
        self,
        sample_rate: int,
        *,
        low_hz: float = 32.703,
        high_hz: float | None = None,
        bins_per_octave: int = 24,
        slice_samples: int | None = None,
    ) -> None:
        high = 0.45 * sample_rate if high_hz is None else high_hz
        if bins_per_octave < 1:
            raise AudioError(f"bins_per_octave={bins_per_octave} must be at least 1")
        if not 0.0 < low_hz < high < sample_rate / 2:
            raise AudioError(
                f"low_hz={low_hz:g} and high_hz={high:g} must rise from above 0 to below "
                f"{sample_rate / 2:g} Hz, half the sample rate"
            )
        self.sample_rate, self.bins_per_octave = sample_rate, bins_per_octave
        num_bins = int(np.floor(bins_per_octave * np.log2(high / low_hz) + 1e-9)) + 1
        self.frequencies_hz: NDArray[np.float64] = low_hz * 2 ** (
            np.arange(num_bins) / bins_per_octave
        )
        # The lowest band must hold eight points of the slice's spectrum to have a shape.
        width_hz = low_hz * (2 ** (1 / bins_per_octave) - 2 ** (-1 / bins_per_octave))
        shortest = 8 * sample_rate / width_hz
        if slice_samples is None:
            slice_samples = 2 ** int(np.ceil(np.log2(shortest)))
        if slice_samples % 2 or slice_samples < shortest:
            raise AudioError(
                f"slice_samples={slice_samples} must be an even number of at least "
                f"{int(np.ceil(shortest))} samples for low_hz={low_hz:g}"
            )
        self.slice_samples = int(slice_samples)
        self._build()

    def _build(self) -> None:
        """Windows of all bands: their first spectral index, values, and number of points."""
        from scipy.fft import next_fast_len  # loaded when used: SciPy costs a quarter second

        last = self.slice_samples // 2
        frequency = np.arange(last + 1) * (self.sample_rate / self.slice_samples)
        with np.errstate(divide="ignore"):
            place = self.bins_per_octave * np.log2(frequency / self.frequencies_hz[0])
        top = len(self.frequencies_hz) - 1
        self._first: list[int] = []
        self._windows: list[NDArray[np.float64]] = []
        self._points: list[int] = []
        weight = np.zeros(last + 1)
        for band in range(-1, top + 2):
            distance = np.abs(place - band)
            if band == -1:
                distance = np.maximum(place - band, 0.0)
            elif band == top + 1:
                distance = np.maximum(band - place, 0.0)
            inside = np.flatnonzero(distance < 1.0)
            low, high = int(inside[0]), int(inside[-1]) + 1
            window = 0.5 + 0.5 * np.cos(np.pi * distance[low:high])
            points = high - low
            # Even, so that half a slice is a whole number of points; fast to transform.
            points = 2 * next_fast_len((points + 1) // 2)
            self._first.append(low)
            self._windows.append(window)
            self._points.append(points)
            weight[low:high] += np.square(window)
        self._weight = weight
        ramp = np.arange(self.slice_samples) / self.slice_samples
        self._fade = 0.5 - 0.5 * np.cos(2 * np.pi * ramp)

    @property
    def num_bins(self) -> int:
        """Bins from ``low_hz`` upwards, without the two rest bands."""
        return len(self.frequencies_hz)

    def forward(self, audio: NDArray[Any]) -> ConstantQBands:
        """Transform audio, float (channels, samples)."""
        if audio.ndim != 2:
            raise AudioError(f"audio has shape {audio.shape}; it must be (channels, samples)")
        num_channels, num_samples = audio.shape
        hop = self.slice_samples // 2
        num_slices = -(-num_samples // hop) + 1 if num_samples else 0
        padded = np.zeros((num_channels, (num_slices + 1) * hop))
        padded[:, hop : hop + num_samples] = audio
        bands = [
            np.zeros((num_channels, num_slices, points), np.complex128) for points in self._points
        ]
        for index in range(num_slices):
            piece = padded[:, index * hop : index * hop + self.slice_samples] * self._fade
            spectrum = np.fft.rfft(piece, axis=1)
            for band, target in enumerate(bands):
                target[:, index] = self._to_band(spectrum, band)
        return ConstantQBands(tuple(bands), num_samples)

    def inverse(self, bands: ConstantQBands) -> NDArray[np.float64]:
        """Return the audio (channels, samples) of bands that :meth:`forward` has made.

        Raises
        ------
        AudioError
            If the bands are of another transform.
        """
        points = [values.shape[2] for values in bands.coefficients]
        if points != self._points:
            raise AudioError("bands come from a transform of other settings; use the same one")
        num_channels, num_slices = bands.coefficients[0].shape[:2]
        hop = self.slice_samples // 2
        audio = np.zeros((num_channels, (num_slices + 1) * hop))
        for index in range(num_slices):
            spectrum = np.zeros((num_channels, hop + 1), np.complex128)
            for band, values in enumerate(bands.coefficients):
                self._from_band(values[:, index], band, spectrum)
            spectrum /= self._weight
            piece = np.fft.irfft(spectrum, n=self.slice_samples, axis=1)
            audio[:, index * hop : index * hop + self.slice_samples] += piece
        return audio[:, hop : hop + bands.num_samples]

    def magnitude(self, audio: NDArray[Any], *, hop_length: int = 512) -> NDArray[np.float32]:
        """Magnitudes on an even grid, for pictures.

        Returns
        -------
        ndarray, float32, shape (channels, num_bins, 1 + ceil(samples / hop_length))
            Frame ``t`` stands at sample ``t * hop_length``; values between a bin's points are
            interpolated. Without frames for empty audio.
        """
        if hop_length < 1:
            raise AudioError(f"hop_length={hop_length} must be at least 1 sample")
        bands = self.forward(audio)
        num_frames = 1 + -(-audio.shape[1] // hop_length) if audio.shape[1] else 0
        grid = np.zeros((audio.shape[0], self.num_bins, num_frames), np.float32)
        hop = self.slice_samples // 2
        at = np.arange(num_frames) * hop_length + hop
        for index, values in enumerate(bands.coefficients[1:-1]):
            points = values.shape[2]
            # Neighbouring slices sample the band at the same instants, so they simply add.
            joined = np.zeros((values.shape[0], (values.shape[1] + 1) * points // 2), complex)
            for piece in range(values.shape[1]):
                start = piece * points // 2
                joined[:, start : start + points] += values[:, piece]
            position = at * (points / self.slice_samples)
            for channel in range(values.shape[0]):
                grid[channel, index] = np.interp(
                    position, np.arange(joined.shape[1]), np.abs(joined[channel])
                )
        return grid

    def _to_band(self, spectrum: NDArray[np.complex128], band: int) -> NDArray[np.complex128]:
        first, window, points = self._first[band], self._windows[band], self._points[band]
        folded = np.zeros((spectrum.shape[0], points), np.complex128)
        index = np.arange(first, first + len(window)) % points
        folded[:, index] = spectrum[:, first : first + len(window)] * window
        result: NDArray[np.complex128] = np.fft.ifft(folded, axis=1)
        return result * (2 * points / self.slice_samples)

    def _from_band(
        self, values: NDArray[np.complex128], band: int, spectrum: NDArray[np.complex128]
    ) -> None:
        first, window, points = self._first[band], self._windows[band], self._points[band]
        folded = np.fft.fft(values, axis=1) * (self.slice_samples / (2 * points))
        index = np.arange(first, first + len(window)) % points
        spectrum[:, first : first + len(window)] += folded[:, index] * window
