"""Limiter: looks ahead, sees true peaks.

Purpose: keep every true peak at or below a ceiling without audible distortion.

How it works: for each sample the reduction that would hold its four-times-oversampled peak at the
ceiling is found; the largest such reduction over the look-ahead window is held, released
exponentially in dB, and smoothed by two averages that together span the window. A mean of
reductions that are each large enough is large enough, so no sample passes the ceiling; between
samples the smooth gain leaves at most hundredths of a dB.

Conventions: all channels share one gain. Reductions are averaged as whole numbers (units of
2^-30 dB), so the sums stay exact for ever and what is below the ceiling passes bit by bit. A
moving ceiling holds for what comes in while it moves.

Public names: :class:`Limiter`.

Reference: Giannoulis, Massberg and Reiss, *Digital dynamic range compressor design* (JAES 60,
2012), look-ahead; ITU-R BS.1770-4, Annex 2.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.audio.compiled import compiled
from leitmotiv.audio.meters import interpolation_taps
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter, check_range
from leitmotiv.effects.level import FixedDelay, fast_exp2, fast_log2

__all__ = ["Limiter"]

_CONTEXT = 24  # samples kept in front of a block: as many as the interpolation has taps
_LAG = 12  # samples that the interpolation needs beyond the one it looks at
_CHUNK = 256  # samples whose true peaks are found, or found not to be needed, together
_UNIT = 2.0**30  # whole numbers a dB
_MARGIN_DB = 1e-5  # more than the fast logarithm and power are wrong by


@compiled
def _true_peaks(
    joined: NDArray[np.float32],
    ceiling: NDArray[np.float64],
    taps: NDArray[np.float32],
    peaks: NDArray[np.float32],
) -> None:
    """Find the largest value at and after the sample 12 back, of all channels.

    ``joined`` begins with 24 past samples. Where no value between samples can reach the ceiling,
    by the sum of the taps' magnitudes, the samples themselves are enough.
    """
    bound = 0.0
    for phase in range(taps.shape[0]):
        bound = max(bound, np.abs(taps[phase]).sum())
    between = np.empty(_CHUNK, dtype=np.float32)
    for start in range(0, len(peaks), _CHUNK):
        count = min(_CHUNK, len(peaks) - start)
        lowest = ceiling[start]
        for i in range(start, start + count):
            lowest = min(lowest, ceiling[i])
            peaks[i] = 0.0
        for channel in range(joined.shape[0]):
            line = joined[channel, start : start + count + _CONTEXT]
            largest = np.float32(0.0)
            for i in range(count + _CONTEXT):
                largest = max(largest, abs(line[i]))
            for i in range(count):
                peaks[start + i] = max(peaks[start + i], abs(line[i + _LAG]))
            if largest * bound <= lowest:
                continue
            for phase in range(taps.shape[0]):
                between[:count] = 0.0
                for tap in range(0, _CONTEXT, 4):
                    w0, w1 = taps[phase, tap], taps[phase, tap + 1]
                    w2, w3 = taps[phase, tap + 2], taps[phase, tap + 3]
                    at = tap + 1
                    for i in range(count):
                        between[i] += (w0 * line[i + at] + w1 * line[i + at + 1]) + (
                            w2 * line[i + at + 2] + w3 * line[i + at + 3]
                        )
                for i in range(count):
                    peaks[start + i] = max(peaks[start + i], abs(between[i]))


@compiled
def _gains(
    peaks: NDArray[np.float32],
    ceiling: NDArray[np.float64],
    release_ms: NDArray[np.float64],
    sample_rate: float,
    half: int,
    state: NDArray[np.float64],
    queue: NDArray[np.float64],
    whole: NDArray[np.int64],
    first: NDArray[np.int64],
    second: NDArray[np.int64],
) -> None:
    """Turn peaks into the gains of what is ``2 * half`` samples older, in place.

    ``state``: last peak, released reduction, largest reduction. ``queue``, (2, window + 2): the
    places and values of the falling maxima within the window, in a ring. ``whole``: its head and
    its length, the place now, both sums. ``first``, ``second``: rings of the two averages.
    """
    window, size = 2 * half, queue.shape[1]
    last_peak, released, largest = state[0], state[1], state[2]
    head, length, place, sum_first, sum_second = whole[0], whole[1], whole[2], whole[3], whole[4]
    scale = 1.0 / (_UNIT * half * half)
    last_release, decay = -1.0, 0.0
    for n in range(len(peaks)):
        if release_ms[n] != last_release:
            last_release = release_ms[n]
            decay = math.exp(-1000.0 / (last_release * sample_rate))
        # The peak between two samples binds both of them.
        peak = max(float(peaks[n]), last_peak)
        last_peak = float(peaks[n])
        wanted = 0.0
        if peak > ceiling[n]:
            wanted = 6.020599913279624 * fast_log2(peak / ceiling[n]) + _MARGIN_DB
        # Largest of the last window + 1: whatever is smaller and older can never count again.
        while length > 0 and queue[1, (head + length - 1) % size] <= wanted:
            length -= 1
        queue[0, (head + length) % size] = place
        queue[1, (head + length) % size] = wanted
        length += 1
        if queue[0, head] < place - window:
            head = (head + 1) % size
            length -= 1
        released = max(queue[1, head], released * decay)
        if released < 1e-7:
            released = 0.0
        at = place % half
        value = np.int64(math.ceil(released * _UNIT))
        sum_first += value - first[at]
        first[at] = value
        sum_second += sum_first - second[at]
        second[at] = sum_first
        place += 1
        if sum_second == 0:
            peaks[n] = 1.0
        else:
            reduction = sum_second * scale
            largest = max(largest, reduction)
            peaks[n] = fast_exp2(-0.16609640474436813 * reduction)
    state[0], state[1], state[2] = last_peak, released, largest
    whole[0], whole[1], whole[2], whole[3], whole[4] = head, length, place, sum_first, sum_second


class Limiter(AutomatedEffect):
    """A true-peak limiter.

    Parameters
    ----------
    ceiling_dbtp : float
        Highest true peak of the output, -40 to 0.
    release_ms : float
        Time in which the reduction, in dB, falls to 37 %; 5-2000 ms.
    gain_db : float
        Gain before it, -48 to 48 dB.
    lookahead_ms : float
        Time in which the gain comes down, 0.5-20 ms; the latency is this and 12 samples.
    sample_rate : int
        Hz.
    num_channels : int

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

    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("ceiling_dbtp", -1.0, -40.0, 0.0, "dBTP"),
        Parameter("release_ms", 120.0, 5.0, 2000.0, "ms", "log"),
        Parameter("gain_db", 0.0, -48.0, 48.0, "dB"),
    )

    def __init__(
        self,
        *,
        ceiling_dbtp: float = -1.0,
        release_ms: float = 120.0,
        gain_db: float = 0.0,
        lookahead_ms: float = 4.0,
        sample_rate: int = SAMPLE_RATE,
        num_channels: int = 2,
    ) -> None:
        check_range("lookahead_ms", lookahead_ms, 0.5, 20.0, "ms")
        self._half = max(round(lookahead_ms * 5e-4 * sample_rate), 2)
        self._taps = interpolation_taps().astype(np.float32)
        values = {"ceiling_dbtp": ceiling_dbtp, "release_ms": release_ms, "gain_db": gain_db}
        super().__init__(values, sample_rate=sample_rate, num_channels=num_channels)

    @property
    def latency_samples(self) -> int:
        """Samples by which the output lags behind the input."""
        return 2 * self._half + _LAG

    @property
    def largest_reduction_db(self) -> float:
        """The most that was taken away since the start."""
        return float(self._state[2])

    def _clear(self) -> None:
        self._delay = FixedDelay(self.num_channels, self.latency_samples)
        self._context = np.zeros((self.num_channels, _CONTEXT), dtype=np.float32)
        self._state = np.zeros(3)
        self._queue = np.zeros((2, 2 * self._half + 2))
        self._whole = np.zeros(5, dtype=np.int64)
        self._first = np.zeros(self._half, dtype=np.int64)
        self._second = np.zeros(self._half, dtype=np.int64)

    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        if curves.moves("gain_db") or curves.value("gain_db") != 0.0:
            block = block * (10 ** (curves["gain_db"] / 20)).astype(np.float32)
        ceiling = _amplitude(curves, "ceiling_dbtp")
        joined = np.concatenate([self._context, block], axis=1)
        self._context = joined[:, block.shape[1] :].copy()
        gains = np.empty(block.shape[1], dtype=np.float32)
        _true_peaks(joined, ceiling, self._taps, gains)
        _gains(
            gains, ceiling, curves["release_ms"], self.sample_rate, self._half, self._state,
            self._queue, self._whole, self._first, self._second,
        )  # fmt: skip
        audio = self._delay.next(block)
        audio *= gains
        return audio


def _amplitude(curves: Curves, name: str) -> NDArray[np.float64]:
    """Return a curve in dB as amplitudes."""
    curve = curves[name]
    if curves.moves(name):
        return np.asarray(10 ** (curve / 20))
    return np.full(len(curve), 10 ** (curve[0] / 20))
