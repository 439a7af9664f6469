"""Limiter: looks ahead, sees true peaks.

Purpose: keep every true peak at or below a ceiling without audible distortion.

How it works: for each sample the gain that would hold its four-times-oversampled peak at the
ceiling is found; the smallest such gain over the look-ahead window is held, released
exponentially in dB, and smoothed by two averages that together span the window. A mean of gains
that are each small enough is small enough, so no sample passes the ceiling; between samples the
smooth gain leaves at most hundredths of a dB. Everything is array arithmetic: the release, a
running maximum with exponential decay, becomes a cumulative maximum after dividing by the decay.

Public names: :class:`Limiter`.

Reference: Giannoulis, Massberg and Reiss, *Digital dynamic range compressor design* (JAES 60,
2012), look-ahead; ITU-R BS.1770-4, Annex 2.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.audio.meters import true_peak_envelope
from leitmotiv.effects.effect import check_block, check_range

__all__ = ["Limiter"]

_CONTEXT = 24  # samples of context that the oversampled peak needs on each side
_PIECE = 4096  # samples worked on at a time; also the span of one cumulative maximum


class Limiter:
    """A stereo-linked true-peak limiter.

    Parameters
    ----------
    ceiling_dbtp : float
        Highest true peak of the output, -40 to 0.
    lookahead_ms : float
        Time in which the gain comes down, 0.5-20 ms; the latency is this and half a millisecond.
    release_ms : float
        Time in which the reduction, in dB, falls to 37 %; 5-2000 ms.
    num_channels : int
    sample_rate : int
        Hz.

    Raises
    ------
    AudioError
        If a parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from leitmotiv.effects import apply
    >>> loud = np.full((2, 4800), 2.0, np.float32)
    >>> limited = apply(loud, Limiter(ceiling_dbtp=-6.0))
    >>> bool(np.abs(limited).max() <= 10 ** (-6 / 20) + 1e-6)
    True
    """

    def __init__(
        self,
        *,
        ceiling_dbtp: float = -1.0,
        lookahead_ms: float = 4.0,
        release_ms: float = 120.0,
        num_channels: int = 2,
        sample_rate: int = SAMPLE_RATE,
    ) -> None:
        check_range("ceiling_dbtp", ceiling_dbtp, -40.0, 0.0, "dBTP")
        check_range("lookahead_ms", lookahead_ms, 0.5, 20.0, "ms")
        check_range("release_ms", release_ms, 5.0, 2000.0, "ms")
        self.num_channels = num_channels
        self.ceiling = 10 ** (ceiling_dbtp / 20)
        half = max(round(lookahead_ms * 5e-4 * sample_rate), 2)
        self._half_window = half  # two averages of this length make one triangle
        self._window = 2 * half
        decay = math.exp(-1 / (release_ms * 1e-3 * sample_rate))
        self._decay_powers = decay ** np.arange(1, _PIECE + 1)
        self.reset()

    @property
    def latency_samples(self) -> int:
        """Samples by which the output lags behind the input."""
        return self._window + _CONTEXT

    def reset(self) -> None:
        """Forget everything heard so far."""
        self._past = np.zeros((self.num_channels, self.latency_samples), dtype=np.float32)
        self._context = np.zeros((self.num_channels, 2 * _CONTEXT), dtype=np.float32)
        self._reductions = np.zeros(self._window)  # required reductions in dB, unheld
        self._held = 0.0
        self._released = np.zeros(self._window)
        self.largest_reduction_db = 0.0

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the next block, float32 (num_channels, samples), ``latency_samples`` late."""
        check_block(block, self.num_channels)
        num_samples = block.shape[1]
        if not num_samples:
            return block.copy()
        delayed = np.concatenate([self._past, block], axis=1)
        self._past = delayed[:, num_samples:].copy()
        limited = delayed[:, :num_samples]
        for start in range(0, num_samples, _PIECE):
            piece = slice(start, min(start + _PIECE, num_samples))
            gain = self._gains(block[:, piece])
            if gain is not None:
                limited[:, piece] *= gain
        return limited

    def _gains(self, block: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """Gain for each delayed sample of this piece; None where it is 1 throughout."""
        from scipy.ndimage import maximum_filter1d, uniform_filter1d

        num_samples = block.shape[1]
        # Peaks between samples n and n + 1, n up to _CONTEXT samples ago.
        seen = np.concatenate([self._context, block], axis=1)
        self._context = seen[:, num_samples:].copy()
        envelope = true_peak_envelope(seen, floor=self.ceiling)[_CONTEXT - 1 : -_CONTEXT]
        # The peak between two samples binds both of them.
        envelope = np.maximum(envelope[1:], envelope[:-1])
        required = np.zeros(num_samples)
        over = envelope > self.ceiling
        required[over] = 20 * np.log10(envelope[over] / self.ceiling)
        window, half = self._window, self._half_window
        required = np.concatenate([self._reductions, required])
        self._reductions = required[num_samples:].copy()
        if self._held < 1e-7:
            self._held = 0.0
        if not self._held and not required.any() and not self._released.any():
            return None
        # Held value at n: the largest reduction that n - window .. n asked for.
        held = maximum_filter1d(required, window + 1, origin=window // 2, mode="constant")
        released = np.concatenate([self._released, self._release(held[window:])])
        self._released = released[num_samples:].copy()
        # Two causal averages of ``half`` samples each; valid from index 2 * half on.
        smooth = released
        for _ in range(2):
            smooth = uniform_filter1d(smooth, half, mode="nearest", origin=(half - 1) // 2)
        smooth = smooth[window:]
        self.largest_reduction_db = max(self.largest_reduction_db, float(smooth.max()))
        return np.asarray(10 ** (smooth / -20), dtype=np.float32)

    def _release(self, held: NDArray[np.float64]) -> NDArray[np.float64]:
        """Running maximum that decays exponentially: y[n] = max(x[n], decay * y[n - 1])."""
        decay = self._decay_powers[: len(held)]
        raised = np.maximum(np.maximum.accumulate(held / decay), self._held)
        released: NDArray[np.float64] = raised * decay
        self._held = float(released[-1])
        return released
