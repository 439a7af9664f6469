"""Resampling: another sample rate for a stream of blocks.

Purpose: bring recordings of any length to the rate that a process works at, in flat memory.

Conventions: the ratio of the rates is taken exactly. Sample ``n`` of the output lies at time
``n / target_rate``; the length is ``ceil(n * target / source)``. The filter is the symmetric low
pass of ``scipy.signal.resample_poly``, so there is no delay.

Public names: :func:`resample`, :func:`resample_stream`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["resample", "resample_stream"]

_FILTER_REACH = 10  # samples at the lower rate on either side, as in resample_poly


def resample(audio: NDArray[np.float32], source_rate: int, target_rate: int) -> NDArray[np.float32]:
    """Return audio at another rate, float32 (channels, samples).

    >>> resample(np.zeros((1, 441), np.float32), 44100, 48000).shape
    (1, 480)
    """
    from scipy.signal import resample_poly

    if source_rate == target_rate:
        return audio
    divisor = math.gcd(source_rate, target_rate)
    up, down = target_rate // divisor, source_rate // divisor
    return np.asarray(resample_poly(audio, up, down, axis=1), dtype=np.float32)


def resample_stream(
    blocks: Iterable[NDArray[np.float32]], source_rate: int, target_rate: int
) -> Iterator[NDArray[np.float32]]:
    """Yield a stream at another rate; joined, the blocks equal :func:`resample` of the whole.

    Parameters
    ----------
    blocks : iterable of ndarray of float32, shape (channels, samples)
    source_rate, target_rate : int
        Hz.
    """
    if source_rate == target_rate:
        yield from blocks
        return
    divisor = math.gcd(source_rate, target_rate)
    up, down = target_rate // divisor, source_rate // divisor
    # A piece starts and ends on a multiple of `down`, where both rates have a sample, and is
    # filtered with the samples around it that the filter reaches.
    reach = -(-(_FILTER_REACH * max(up, down) // up + 1) // down) * down
    held: NDArray[np.float32] | None = None
    before = 0  # samples in `held` that were answered already
    for block in blocks:
        held = block if held is None else np.concatenate([held, block], axis=1)
        ready = (held.shape[1] - before - reach) // down * down
        if ready <= 0:
            continue
        out = resample(held, source_rate, target_rate)
        yield out[:, before * up // down : (before + ready) * up // down]
        keep = max(before + ready - reach, 0)
        held, before = held[:, keep:], before + ready - keep
    if held is not None and held.shape[1] > before:
        yield resample(held, source_rate, target_rate)[:, before * up // down :]
