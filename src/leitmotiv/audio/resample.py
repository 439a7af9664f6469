"""Sample-rate conversion block by block.

Purpose: bring audio to a rate that a format takes, with flat memory.

Conventions: a polyphase low pass (SciPy's ``resample_poly``, a Kaiser window of 5.0) is run over
blocks that overlap by its length, so the result is that of the whole however it was cut.

Public names: :class:`Resampler`, :func:`resample`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import AudioError

__all__ = ["Resampler", "resample"]

_PIECE = 2**16


class Resampler:
    """Converts a stream from one rate to another.

    Feed blocks to :meth:`process` and call :meth:`finish` at the end; both return what is ready.
    """

    def __init__(self, from_hz: int, to_hz: int, *, num_channels: int = 2) -> None:
        for rate in (from_hz, to_hz):
            if not 1000 <= rate <= 768_000:
                raise AudioError(f"sample_rate={rate} must be 1000-768000 Hz")
        divisor = math.gcd(from_hz, to_hz)
        self._up, self._down = to_hz // divisor, from_hz // divisor
        # resample_poly's own filter reaches 10 samples of the lower rate to each side.
        reach = 10 * max(self._up, self._down) / self._up
        self._context = math.ceil((reach + 2) / self._down) * self._down
        self._piece = math.ceil(_PIECE / self._down) * self._down
        self._held = np.zeros((num_channels, self._context), dtype=np.float32)
        self._num_in = self._num_out = 0

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Take the next block, float32 (channels, samples)."""
        self._num_in += block.shape[1]
        self._held = np.concatenate([self._held, block], axis=1)
        return self._take(flush=False)

    def finish(self) -> NDArray[np.float32]:
        """Return the rest; the whole has ``ceil(samples * to / from)`` samples."""
        wanted = -(-self._num_in * self._up // self._down)
        padding = np.zeros((len(self._held), self._piece + 2 * self._context), dtype=np.float32)
        self._held = np.concatenate([self._held, padding], axis=1)
        return self._take(flush=True)[:, : max(wanted - self._before, 0)]

    def _take(self, *, flush: bool) -> NDArray[np.float32]:
        from scipy.signal import resample_poly

        self._before = self._num_out
        ready: list[NDArray[np.float32]] = []
        context, piece = self._context, self._piece
        while self._held.shape[1] >= piece + 2 * context:
            segment = self._held[:, : piece + 2 * context]
            turned = resample_poly(segment, self._up, self._down, axis=1)
            first = context * self._up // self._down
            ready.append(turned[:, first : first + piece * self._up // self._down])
            self._held = self._held[:, piece:]
            self._num_out += ready[-1].shape[1]
        if not ready:
            return np.zeros((len(self._held), 0), dtype=np.float32)
        return np.asarray(np.concatenate(ready, axis=1), dtype=np.float32)


def resample(audio: NDArray[np.float32], from_hz: int, to_hz: int) -> NDArray[np.float32]:
    """Convert whole audio, float32 (channels, samples).

    >>> import numpy as np
    >>> resample(np.zeros((2, 441), np.float32), 44100, 48000).shape
    (2, 480)
    """
    if from_hz == to_hz:
        return audio
    resampler = Resampler(from_hz, to_hz, num_channels=audio.shape[0])
    return np.concatenate([resampler.process(audio), resampler.finish()], axis=1)
