"""Playing a capture at a sample rate it was not made for.

Purpose: a capture made at 48 kHz sounds right in a session at 44.1 or 96 kHz.

How it works: the input is brought to the capture's rate by a windowed sinc whose phases are
tabulated (the ratio of two whole rates has few), played, and brought back. Both ways look ahead
by a fixed number of samples; the whole answers with a constant delay. Positions are whole
numbers, so nothing drifts and the output does not depend on the block size.

Public names: :class:`RateBridge`.

Reference: J. O. Smith, *Digital audio resampling*, https://ccrma.stanford.edu/~jos/resample/.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.compiled import compiled

__all__ = ["RateBridge"]

_REACH = 24  # samples of the lower rate that the sinc looks to either side
_EDGE = 0.455  # its -6 dB point as a share of the lower rate


@compiled
def _interpolate(
    samples: NDArray[np.float32],
    first: int,
    begin: int,
    offset: int,
    up: int,
    down: int,
    table: NDArray[np.float32],
    result: NDArray[np.float32],
) -> None:
    """Fill ``result`` with the outputs from number ``begin``.

    Output k stands at ``(k + offset) * down / up`` among the inputs; ``samples`` holds these from
    number ``first`` on.
    """
    reach = table.shape[1] // 2
    for k in range(len(result)):
        place = (begin + k + offset) * down
        at = place // up
        row = place - at * up
        start = at - reach + 1 - first
        s = np.float32(0)
        for i in range(2 * reach):
            s += samples[start + i] * table[row, i]
        result[k] = s


class _Converter:
    """One direction: outputs on demand from inputs as they come."""

    def __init__(self, up: int, down: int, delay: int) -> None:
        self.up, self.down, self.delay = up, down, delay
        lower = min(1.0, up / down)  # the lower rate as a share of the input's
        self.reach = math.ceil(_REACH / lower)
        offsets = np.arange(-self.reach + 1, self.reach + 1)[None]
        distance = offsets - np.arange(up)[:, None] / up
        window = np.i0(9.0 * np.sqrt(np.maximum(1 - (distance / self.reach) ** 2, 0))) / np.i0(9.0)
        sinc = 2 * _EDGE * lower * np.sinc(2 * _EDGE * lower * distance) * window
        self._table = (sinc / sinc.sum(axis=1, keepdims=True)).astype(np.float32)
        self.reset(0.0)

    def reset(self, rest: float) -> None:
        """Begin anew, as if the input had always been ``rest``."""
        before = math.ceil(self.delay * self.down / self.up) + self.reach + 1
        self._first = -before
        self._samples = np.full(before, rest, np.float32)
        self._done = 0

    def push(self, block: NDArray[np.float32]) -> None:
        """Take the next inputs."""
        self._samples = np.concatenate([self._samples, block])

    def ready(self) -> int:
        """Return how many outputs can be made of the inputs at hand."""
        last = self._first + len(self._samples) - 1 - self.reach
        # The largest k with (k - delay) * down // up <= last.
        return max(((last + 1) * self.up - 1) // self.down + self.delay + 1 - self._done, 0)

    def pull(self, count: int) -> NDArray[np.float32]:
        """Return the next outputs."""
        result = np.empty(count, np.float32)
        _interpolate(
            self._samples, self._first, self._done, -self.delay, self.up, self.down,
            self._table, result,
        )  # fmt: skip
        self._done += count
        oldest = (self._done - self.delay) * self.down // self.up - self.reach + 1
        drop = max(oldest - self._first, 0)
        self._samples = self._samples[drop:].copy()
        self._first += drop
        return result


class RateBridge:
    """Wraps a player of one rate so that it plays at another.

    Parameters
    ----------
    play : callable
        Takes and returns float32 (samples,) at ``inner_rate``.
    sample_rate, inner_rate : int
        Hz of the session and of the player.
    rest : float
        What the player returns for silence.
    """

    def __init__(
        self,
        play: Callable[[NDArray[np.float32]], NDArray[np.float32]],
        sample_rate: int,
        inner_rate: int,
        rest: float = 0.0,
    ) -> None:
        shared = math.gcd(sample_rate, inner_rate)
        up, down = inner_rate // shared, sample_rate // shared
        self._play, self._rest = play, rest
        self._inward = _Converter(up, down, 0)
        # Far enough behind that every output finds the inner samples it needs.
        reach = _Converter(down, up, 0).reach
        self.latency_samples = self._inward.reach + math.ceil((reach + 1) * down / up)
        self._outward = _Converter(down, up, self.latency_samples)
        self.reset()

    def reset(self) -> None:
        """Forget everything heard so far; the player is reset by its owner."""
        self._inward.reset(0.0)
        self._outward.reset(self._rest)

    def play(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the next block, of the same length, ``latency_samples`` late."""
        self._inward.push(block)
        self._outward.push(self._play(self._inward.pull(self._inward.ready())))
        return self._outward.pull(len(block))

    def continue_as(self, other: RateBridge) -> None:
        """Go on from where another bridge of the same rates stands."""
        for mine, theirs in ((self._inward, other._inward), (self._outward, other._outward)):
            mine._samples, mine._first = theirs._samples.copy(), theirs._first
            mine._done = theirs._done
