"""Delay lines for compiled kernels: reading between samples, and times that glide.

Purpose: the few lines that every effect with a memory shares.

Conventions: a line is float32 ``(channels, size)``, ``size`` a power of two, written round and
round; ``write`` counts samples for ever and ``write & (size - 1)`` is the column that is written
next. A delay is counted from that column: 1 is the newest sample. Between samples the line is
read by Lagrange interpolation over an even number of points, which is exact at whole samples and
never louder than the line (its gain is at most 1 at every frequency), so that a loop around it
cannot grow.

References: T. I. Laakso et al., *Splitting the Unit Delay*, IEEE Signal Processing Magazine,
1996 (Lagrange interpolation, section "Maximally flat FIR").

Public names: :func:`make_line`, :func:`tap6`, :func:`tap4`, :func:`glide`, :func:`glide_pace`,
:func:`stacked`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.compiled import compiled
from leitmotiv.effects.effect import Curves, Parameter

__all__ = ["glide", "glide_pace", "make_line", "stacked", "tap4", "tap6"]

TINY = 1e-15  # below: silence; what decays is set to nought before numbers become denormal


def make_line(num_channels: int, longest: float) -> NDArray[np.float32]:
    """Return an empty line from which delays up to ``longest`` samples can be read.

    >>> make_line(2, 1000.0).shape
    (2, 1024)
    """
    size = 1 << max(math.ceil(longest) + 7, 8).bit_length()
    if size >= 2 * (math.ceil(longest) + 8):
        size //= 2
    return np.zeros((num_channels, size), dtype=np.float32)


def glide_pace(sample_rate: int, glide_ms: float) -> float:
    """Return the pace for :func:`glide` that covers nine tenths of the way in ``glide_ms``."""
    # Two equal one-poles reach 90 % after 3.89 time constants.
    return 1.0 - math.exp(-3.89 / (glide_ms * 1e-3 * sample_rate))


def stacked(curves: Curves, parameters: tuple[Parameter, ...]) -> NDArray[np.float64]:
    """Return all curves as rows, in the order of the parameters, shape (parameters, samples)."""
    return np.stack([curves[parameter.name] for parameter in parameters])


@compiled
def tap6(line: NDArray[np.float32], channel: int, write: int, delay: float) -> float:
    """Return the sample ``delay`` before, over six points; the delay is at least 3."""
    whole = int(delay)
    f = delay - whole
    mask = line.shape[1] - 1
    i = write - whole
    if f == 0.0:
        return np.float64(line[channel, i & mask])
    a, b, c, d, e = f + 2.0, f + 1.0, f - 1.0, f - 2.0, f - 3.0
    ab, de, bf, cd = a * b, d * e, b * f, c * d
    return (
        line[channel, (i + 2) & mask] * (-bf * cd * e / 120.0)
        + line[channel, (i + 1) & mask] * (a * f * cd * e / 24.0)
        + line[channel, i & mask] * (-ab * c * de / 12.0)
        + line[channel, (i - 1) & mask] * (ab * f * de / 12.0)
        + line[channel, (i - 2) & mask] * (-ab * f * c * e / 24.0)
        + line[channel, (i - 3) & mask] * (ab * f * cd / 120.0)
    )


@compiled
def tap4(line: NDArray[np.float32], channel: int, write: int, delay: float) -> float:
    """Return the sample ``delay`` before, over four points; the delay is at least 2."""
    whole = int(delay)
    f = delay - whole
    mask = line.shape[1] - 1
    i = write - whole
    b, c, d = f + 1.0, f - 1.0, f - 2.0
    return (
        line[channel, (i + 1) & mask] * (-f * c * d / 6.0)
        + line[channel, i & mask] * (b * c * d / 2.0)
        + line[channel, (i - 1) & mask] * (-b * f * d / 2.0)
        + line[channel, (i - 2) & mask] * (b * f * c / 6.0)
    )


@compiled
def glide(state: NDArray[np.float64], target: float, pace: float, limit: float) -> float:
    """Move ``state`` (two values) one sample towards a target and return where it stands.

    Two one-poles one after another start and land softly; no step is larger than ``limit``, so
    that a delay in samples bends the pitch by no more than that ratio. A state that is not a
    number yet stands on its first target at once.
    """
    if math.isnan(state[1]):
        state[0] = target
        state[1] = target
    if state[1] == target and state[0] == target:
        return target
    state[0] += pace * (target - state[0])
    step = pace * (state[0] - state[1])
    state[1] += min(max(step, -limit), limit)
    if abs(state[1] - target) < 1e-4 and abs(state[0] - target) < 1e-4:
        state[0] = target
        state[1] = target
    return state[1]
