"""Level: what compressor, expander and multiband compressor do with loudness.

Purpose: one kernel from samples to gain, and the delay that lets it look ahead.

How it works: the power of the loudest channel (or the mean of all, for RMS) is followed; a
static curve with a soft knee says how many decibels should go; attack and release smooth these
decibels, each with its own time constant; the rest is multiplication. All channels share one
gain, so that a picture does not wander.

Conventions: reductions are positive decibels. A time constant is the time in which a change of
reduction gets to 1 - 1/e (63 %) of its way.

Public names: :func:`run_dynamics`, :func:`reduction_curve`, :class:`FixedDelay`,
:func:`fast_log2`, :func:`fast_exp2`.

Reference: Giannoulis, Massberg and Reiss, *Digital dynamic range compressor design* (JAES 60,
2012): soft knee (equation 4), smooth branching detector in the log domain (equation 16).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.compiled import compiled

__all__ = ["FixedDelay", "fast_exp2", "fast_log2", "reduction_curve", "run_dynamics"]

COMPRESS, EXPAND = range(2)


class FixedDelay:
    """A delay of whole samples, for what waits while a detector looks ahead.

    Before the beginning there is silence, or with ``holds_first`` what is first heard: so wait
    the curves of knobs that stood where they stand before there was sound.
    """

    def __init__(self, num_channels: int, num_samples: int, *, holds_first: bool = False) -> None:
        self.num_samples = num_samples
        self._past = np.zeros((num_channels, num_samples), dtype=np.float32)
        self._holds_first = holds_first

    def next(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the block as it was ``num_samples`` ago; a copy, contiguous."""
        if not self.num_samples:
            return block.copy()
        if self._holds_first:
            self._holds_first = False
            self._past[:] = block[:, :1]
        joined = np.concatenate([self._past, block], axis=1)
        self._past = joined[:, block.shape[1] :].copy()
        return joined[:, : block.shape[1]].copy()


@compiled
def fast_log2(x: float) -> float:
    """Return log2 of a normal positive number within 4e-8; several times as fast as the exact one.

    The number is taken apart into exponent and a mantissa of 1 to 2, whose logarithm is the series
    of the inverse hyperbolic tangent around the root of 2.
    """
    bits = np.float64(x).view(np.int64)
    exponent = (bits >> 52) - 1023
    mantissa = np.int64((bits & 0x000FFFFFFFFFFFFF) | 0x3FF0000000000000).view(np.float64)
    t = (mantissa - 1.4142135623730951) / (mantissa + 1.4142135623730951)
    u = t * t
    series = t * (1.0 + u * (1 / 3 + u * (1 / 5 + u * (1 / 7))))
    return exponent + 0.5 + 2.885390081777927 * series


@compiled
def fast_exp2(x: float) -> float:
    """Return 2**x within a relative 2e-7, for -1000 to 1000."""
    whole = math.floor(x + 0.5)
    part = (x - whole) * 0.6931471805599453
    series = 1.0 + part * (
        1.0 + part * (1 / 2 + part * (1 / 6 + part * (1 / 24 + part * (1 / 120 + part / 720))))
    )
    return series * np.int64((np.int64(whole) + 1023) << 52).view(np.float64)


def reduction_curve(
    level_db: NDArray[np.float64],
    *,
    threshold_db: float,
    ratio: float,
    knee_db: float,
    mode: int = COMPRESS,
) -> NDArray[np.float64]:
    """Return the static curve: dB taken away at each level (equation 4).

    >>> curve = reduction_curve(np.array([-30.0, -10.0]), threshold_db=-20, ratio=2, knee_db=0)
    >>> curve.tolist()
    [0.0, 5.0]
    """
    over = np.asarray(level_db, dtype=np.float64) - threshold_db
    slope = 1 - 1 / ratio
    if mode == EXPAND:  # the same curve upside down, and steeper below than above
        over, slope = -over, ratio - 1
    within = np.clip(over + knee_db / 2, 0.0, knee_db)
    bend = within**2 / (2 * knee_db) if knee_db else 0.0
    return np.asarray(slope * (bend + np.maximum(over - knee_db / 2, 0.0)))


@compiled
def run_dynamics(
    audio: NDArray[np.float32],
    heard: NDArray[np.float32],
    mode: int,
    is_rms: bool,
    window_ms: float,
    threshold_db: NDArray[np.float64],
    ratio: NDArray[np.float64],
    knee_db: NDArray[np.float64],
    range_db: NDArray[np.float64],
    attack_ms: NDArray[np.float64],
    release_ms: NDArray[np.float64],
    makeup_db: NDArray[np.float64],
    mix: NDArray[np.float64],
    sample_rate: float,
    state: NDArray[np.float64],
) -> None:
    """Turn float32 (channels, samples) up and down in place by the level of ``heard``.

    ``heard`` may be ``audio`` itself. ``range_db`` is the most that is taken away. ``state``,
    float64 (3,): power, smoothed reduction in dB, largest reduction so far.
    """
    num_channels, num_samples = heard.shape
    window = math.exp(-1000.0 / (window_ms * sample_rate))
    # Loops that carry nothing from sample to sample are kept apart from those that do, so that
    # the compiler does several samples of the costly ones at once.
    wanted = np.empty(num_samples)
    share = 1.0 / num_channels if is_rms else 1.0
    for n in range(num_samples):
        now = 0.0
        for channel in range(num_channels):
            square = float(heard[channel, n]) * float(heard[channel, n])
            now = now + square if is_rms else max(now, square)
        wanted[n] = now * share
    power = state[0]
    for n in range(num_samples):
        if is_rms:
            power = wanted[n] + window * (power - wanted[n])
        else:
            power = max(wanted[n], window * power)
        power = max(power, 1e-20)  # -200 dB: silence, and never a denormal number
        wanted[n] = power
    state[0] = power
    for n in range(num_samples):
        over = 3.010299956639812 * fast_log2(wanted[n]) - threshold_db[n]
        slope = 1.0 - 1.0 / ratio[n]
        if mode == EXPAND:
            over, slope = -over, ratio[n] - 1.0
        half = 0.5 * knee_db[n]
        within = min(max(over + half, 0.0), knee_db[n])
        bend = within * within * 0.5 / max(knee_db[n], 1e-9)
        wanted[n] = min(slope * (bend + max(over - half, 0.0)), range_db[n])
    last_attack, last_release, up, down = -1.0, -1.0, 0.0, 0.0
    smooth, largest = state[1], state[2]
    for n in range(num_samples):
        if attack_ms[n] != last_attack or release_ms[n] != last_release:
            last_attack, last_release = attack_ms[n], release_ms[n]
            # A compressor attacks when it takes away, an expander when it gives back.
            up = 1.0 - math.exp(-1000.0 / (last_attack * sample_rate))
            down = 1.0 - math.exp(-1000.0 / (last_release * sample_rate))
            if mode == EXPAND:
                up, down = down, up
        change = wanted[n] - smooth
        smooth = max(smooth + max(up * change, 0.0) + min(down * change, 0.0), 1e-8)
        wanted[n] = smooth
    state[1] = smooth
    for n in range(num_samples):
        largest = max(largest, wanted[n])
        gain = fast_exp2(0.16609640474436813 * (makeup_db[n] - wanted[n]))
        wanted[n] = 1.0 + mix[n] * (gain - 1.0)
    state[2] = largest
    for channel in range(num_channels):
        for n in range(num_samples):
            audio[channel, n] *= wanted[n]
