"""Oversampling: a higher sample rate around a curve that makes new harmonics.

Purpose: give a nonlinear effect room above the audible range, so that what it makes there is
filtered away instead of folding back.

How it works: one Kaiser-windowed sinc on the way up and one on the way down, as polyphase filters
whose inner loops run over time. The curves between them (see :mod:`leitmotiv.effects.saturation`)
delay by half a sample of the higher rate and lose treble as a mean of two samples does; the way
down gives the treble back and delays by an odd number of half samples, so that all together is
flat, and late by a whole number of samples: :data:`TAPS`.

Conventions: float32 (channels, samples). Flat within 0.1 dB to 0.42 of the sample rate, around
a mean of two; 80 dB down from 0.58 on.

Public names: :class:`Oversampler`, :data:`TAPS`.

Reference: Crochiere and Rabiner, *Multirate Digital Signal Processing*, chapter 3.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.compiled import compiled

__all__ = ["TAPS", "Oversampler"]

TAPS = 32
"""Samples of the lower rate that each filter spans, and the latency of both together."""

_KAISER_BETA = 8.0
_CHUNK = 512  # samples whose sums stay in the nearest cache


@lru_cache(maxsize=8)
def _prototypes(factor: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the taps up, with a gain of ``factor``, and down, both (phases, taps)."""
    position = np.arange(factor * TAPS + 1) - factor * TAPS / 2
    up = np.sinc(position / factor) * np.kaiser(len(position), _KAISER_BETA)
    # The way down: a low pass that rises as the inverse of what a mean of two loses, as the sum
    # of its cosines (the inverse Fourier transform, by the midpoint rule).
    cycles = (np.arange(2048) + 0.5) / 2048 * 0.5 / factor  # per sample of the higher rate
    position = position[:-1] + 0.5
    rising = 1.0 / np.cos(np.pi * cycles)
    down = np.cos(2 * np.pi * np.outer(position, cycles)) @ rising
    down *= np.kaiser(len(position), _KAISER_BETA)
    # Going down, an output belongs to the first sample of its group.
    return (
        _phases(up * (factor / up.sum()), factor, 0),
        _phases(down / down.sum(), factor, factor - 1),
    )


def _phases(taps: NDArray[np.float64], factor: int, offset: int) -> NDArray[np.float32]:
    padded = np.zeros(factor * (TAPS + 4))  # whole groups of four taps
    padded[offset : offset + len(taps)] = taps
    padded[np.abs(padded) < 1e-12] = 0.0  # a sinc's zeros: groups of these are skipped
    return np.ascontiguousarray(padded.reshape(TAPS + 4, factor).T, dtype=np.float32)


@compiled
def _resample(
    source: NDArray[np.float32], phases: NDArray[np.float32], out: NDArray[np.float32], up: bool
) -> None:
    """Convolve by phases; ``source`` begins with as many past samples as a phase has taps, less 1.

    Going up, ``out`` has ``len(phases)`` samples for each of the source; going down, the source
    has as many for each of ``out``.
    """
    factor, num_taps = phases.shape
    num_samples = out.shape[1] // factor if up else out.shape[1]
    total = np.empty(_CHUNK, dtype=np.float32)
    line = np.empty(_CHUNK + num_taps - 1, dtype=np.float32)
    for channel in range(out.shape[0]):
        for start in range(0, num_samples, _CHUNK):
            count = min(_CHUNK, num_samples - start)
            span = count + num_taps - 1
            for phase in range(factor):
                if up or phase == 0:
                    total[:count] = 0.0
                if not up:
                    # A tap of phase p meets samples that lie p before the last of their group.
                    first = start * factor + factor - 1 - phase
                    for i in range(span):
                        line[i] = source[channel, first + i * factor]
                elif phase == 0:
                    line[:span] = source[channel, start : start + span]
                for tap in range(0, num_taps, 4):
                    w0, w1 = phases[phase, tap], phases[phase, tap + 1]
                    w2, w3 = phases[phase, tap + 2], phases[phase, tap + 3]
                    if w0 == 0.0 and w1 == 0.0 and w2 == 0.0 and w3 == 0.0:
                        continue
                    at = num_taps - 4 - tap
                    for i in range(count):
                        total[i] += (w3 * line[i + at] + w2 * line[i + at + 1]) + (
                            w1 * line[i + at + 2] + w0 * line[i + at + 3]
                        )
                if up:
                    for i in range(count):
                        out[channel, (start + i) * factor + phase] = total[i]
            if not up:
                out[channel, start : start + count] = total[:count]


class Oversampler:
    """Up and down again by a whole factor, streaming.

    Examples
    --------
    >>> import numpy as np
    >>> around = Oversampler(1, 4)
    >>> around.up(np.zeros((1, 10), np.float32)).shape
    (1, 40)
    """

    def __init__(self, num_channels: int, factor: int) -> None:
        self.factor = factor
        self._up, self._down = _prototypes(factor)
        self._past_up = np.zeros((num_channels, TAPS + 3), np.float32)
        self._past_down = np.zeros((num_channels, (TAPS + 3) * factor), np.float32)

    def up(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return ``factor`` samples for each of the block."""
        joined = np.concatenate([self._past_up, block], axis=1)
        self._past_up = joined[:, block.shape[1] :].copy()
        out = np.empty((block.shape[0], block.shape[1] * self.factor), np.float32)
        _resample(joined, self._up, out, True)
        return out

    def down(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return one sample for each ``factor`` of the block."""
        joined = np.concatenate([self._past_down, block], axis=1)
        self._past_down = joined[:, block.shape[1] :].copy()
        out = np.empty((block.shape[0], block.shape[1] // self.factor), np.float32)
        _resample(joined, self._down, out, False)
        return out
