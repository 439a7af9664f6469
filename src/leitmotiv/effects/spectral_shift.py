"""Pitch shifting in the spectrum: each peak moves with its surroundings.

Purpose: the smooth kind of the pitch shifter, for chords.

Conventions: frames of ``n_fft`` samples, four over each sample, Hann windows before and after; each
frame is padded to twice its length, its phase counted from its middle, so that moved peaks keep
the time at which they sound. All channels share peaks and turns, so that the stereo image stays.
The output is ``n_fft`` samples late. A peak that has just appeared starts with the phase of the
input, so that attacks stay together.

References: J. Laroche, M. Dolson, *New Phase-Vocoder Techniques for Pitch-Shifting, Harmonizing
and Other Exotic Effects*, WASPAA 1999, sections 3.1-3.3.

Public names: :class:`SpectralShift`, :func:`frame_samples`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.compiled import compiled

__all__ = ["SpectralShift", "frame_samples"]

_OVERLAP = 4
_PADDING = 2
_FLOOR = 1e-14  # power under which there are no peaks, of a full-scale tone's about
_NEW = 8.0  # a peak that has grown by this ratio of power since the last frame is a new one


def frame_samples(sample_rate: int, window_ms: float) -> int:
    """Return the power of two that is nearest to a window.

    >>> frame_samples(48_000, 85.0)
    4096
    """
    return 1 << round(math.log2(window_ms * 1e-3 * sample_rate))


@compiled
def _move_peaks(
    spectrum: NDArray[np.complex128],
    moved: NDArray[np.complex128],
    power: NDArray[np.float64],
    last_power: NDArray[np.float64],
    turns: NDArray[np.float64],
    next_turns: NDArray[np.float64],
    ratio: float,
    step: float,
    floor: float,
) -> None:
    """Move every peak of a frame to ``ratio`` times its frequency.

    ``turns`` holds by how much each bin's region has been turned so far, ``step`` the turn of one
    bin's frequency over one hop.
    """
    num_channels, num_bins = spectrum.shape
    for k in range(num_bins):
        power[k] = floor
        for channel in range(num_channels):
            bin_ = spectrum[channel, k]
            power[k] += bin_.real * bin_.real + bin_.imag * bin_.imag
            moved[channel, k] = 0.0
    begin, peak = 0, -1
    k = 2
    while k <= num_bins - 2:
        at_end = k == num_bins - 2
        is_peak = (
            not at_end
            and power[k] > 2.0 * floor
            and power[k] > power[k - 1]
            and power[k] >= power[k + 1]
            and power[k] > power[k - 2]
            and power[k] >= power[k + 2]
        )
        if is_peak or at_end:
            if peak >= 0:
                end = num_bins
                if is_peak:  # regions meet at the lowest place between two peaks
                    end = peak + 1
                    for j in range(peak + 1, k):
                        if power[j] < power[end]:
                            end = j
                before, here, after = (
                    math.log(power[peak - 1]),
                    math.log(power[peak]),
                    math.log(power[peak + 1]),
                )
                bend = before - 2.0 * here + after
                between = 0.5 * (before - after) / bend if bend < -1e-9 else 0.0
                shift = (ratio - 1.0) * (peak + between)
                whole = math.floor(shift + 0.5)
                turn = turns[peak] + step * shift
                if power[peak] > _NEW * last_power[peak]:
                    turn = 0.0
                turn -= 2.0 * math.pi * math.floor(turn / (2.0 * math.pi))
                factor = complex(math.cos(turn), math.sin(turn))
                for j in range(begin, end):
                    next_turns[j] = turn
                    if 0 <= j + whole < num_bins:
                        for channel in range(num_channels):
                            moved[channel, j + whole] += spectrum[channel, j] * factor
                begin = end
            peak = k
        k += 1


class SpectralShift:
    """A stream of frames whose peaks are moved.

    Parameters
    ----------
    n_fft : int
        Samples of a frame, a power of two; also the latency.
    num_channels : int
    """

    def __init__(self, n_fft: int, num_channels: int) -> None:
        self.n_fft, self._hop = n_fft, n_fft // _OVERLAP
        self._padded = n_fft * _PADDING
        self._window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
        self._scale = 1.0 / (0.375 * _OVERLAP)  # mean of the squared Hann window
        num_bins = self._padded // 2 + 1
        self._input = np.zeros((num_channels, n_fft))
        self._ratios = np.ones(n_fft)
        self._output = np.zeros((num_channels, n_fft))
        self._ready = np.zeros((num_channels, self._hop))
        self._moved = np.zeros((num_channels, num_bins), dtype=np.complex128)
        self._power, self._last_power = np.zeros(num_bins), np.zeros(num_bins)
        self._turns, self._next_turns = np.zeros(num_bins), np.zeros(num_bins)
        self._position = 0

    def process(
        self, audio: NDArray[np.float32], ratios: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        """Return the next block, its pitch times ``ratios`` (one a sample)."""
        out = np.empty_like(audio)
        done, num_samples = 0, audio.shape[1]
        while done < num_samples:
            count = min(self._hop - self._position, num_samples - done)
            here = slice(self._position, self._position + count)
            into = slice(here.start - self._hop + self.n_fft, here.stop - self._hop + self.n_fft)
            out[:, done : done + count] = self._ready[:, here]
            self._input[:, into] = audio[:, done : done + count]
            self._ratios[into] = ratios[done : done + count]
            done += count
            self._position += count
            if self._position == self._hop:
                self._frame()
                self._position = 0
        return out

    def _frame(self) -> None:
        """Move one frame and make the next hop of output ready."""
        half = self.n_fft // 2
        padded = np.zeros((len(self._input), self._padded))
        windowed = self._input * self._window
        padded[:, :half], padded[:, -half:] = windowed[:, half:], windowed[:, :half]
        _move_peaks(
            np.fft.rfft(padded, axis=1),
            self._moved,
            self._power,
            self._last_power,
            self._turns,
            self._next_turns,
            float(self._ratios[half]),
            2.0 * math.pi * self._hop / self._padded,
            _FLOOR * self.n_fft**2,
        )
        self._power, self._last_power = self._last_power, self._power
        self._turns, self._next_turns = self._next_turns, self._turns
        back = np.fft.irfft(self._moved, n=self._padded, axis=1)
        frame = np.concatenate([back[:, -half:], back[:, :half]], axis=1)
        self._output += frame * self._window * self._scale
        self._ready[:] = self._output[:, : self._hop]
        for buffer in (self._output, self._input):
            buffer[:, : -self._hop] = buffer[:, self._hop :].copy()
        self._output[:, -self._hop :] = 0.0
        self._ratios[: -self._hop] = self._ratios[self._hop :].copy()
