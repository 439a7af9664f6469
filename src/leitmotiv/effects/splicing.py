"""Pitch shifting by splices: a head reads a delay line too fast or too slowly and jumps back in
time, to a place where the sound is alike, before it runs out.

Purpose: the tight kind of the pitch shifter.

Conventions: a head is five numbers: its delay in samples, the delay of the head that it takes
over from, how far and how long the take-over is (0: none under way), and how alike the two
sounds are (0-1). It stays within about half a ``span`` of ``base``; at ratio 1 it returns to it.
All channels jump together, so that the stereo image stays. The more alike the two sounds, the
closer the cross-fade is to one of constant amplitude; strangers are faded at constant power.

References: the splice search is that of *waveform similarity* methods: W. Verhelst, M. Roelands,
*An overlap-add technique based on waveform similarity (WSOLA)*, ICASSP 1993.

Public names: :func:`move_head`, :func:`read_head`, :func:`fresh_heads`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.compiled import compiled
from leitmotiv.effects.delay_line import tap6

__all__ = ["fresh_heads", "move_head", "read_head"]

_TEMPLATE_SEC = 0.006  # either side of the splice is compared over this long
_GRID_HZ = 16_000.0  # what is compared is thinned to about this rate
_SEARCH = 0.4  # places this far from the aim are looked at, in spans
_FADE = 0.35  # longest take-over in spans of output, and of drift


def fresh_heads(count: int) -> NDArray[np.float64]:
    """Return heads that start at their base, shape (count, 5)."""
    heads = np.zeros((count, 5))
    heads[:, 0] = np.nan
    return heads


@compiled
def _likeness(
    line: NDArray[np.float32], write: int, here: int, there: int, half: int, stride: int
) -> float:
    """Return the normalised correlation of the sound around two delays."""
    mask = line.shape[1] - 1
    both, first, second = 0.0, 1e-9, 1e-9
    for channel in range(line.shape[0]):
        for j in range(-half, half + 1, stride):
            a = np.float64(line[channel, (write - here + j) & mask])
            b = np.float64(line[channel, (write - there + j) & mask])
            both += a * b
            first += a * a
            second += b * b
    return both / math.sqrt(first * second)


@compiled
def move_head(
    line: NDArray[np.float32],
    write: int,
    head: NDArray[np.float64],
    ratio: float,
    base: float,
    span: float,
    sample_rate: float,
) -> None:
    """Move a head by one sample at a pitch ratio, and let it jump when it has drifted too far.

    ``base - 0.9 * span`` must be at least 6 ms and 8 samples.
    """
    if math.isnan(head[0]):
        head[0] = base
    drift = 1.0 - ratio
    head[0] += drift
    if head[3] > 0.0:
        head[1] += drift
        head[2] += 1.0
        if head[2] >= head[3]:
            head[3] = 0.0
        return
    away = head[0] - base
    side = 0.0
    if drift < 0.0:
        side = 0.5
        inside = -0.5 * span <= away <= 1.2 * span
    elif drift > 0.0:
        side = -0.5
        inside = -1.2 * span <= away <= 0.5 * span
    else:
        inside = away == 0.0
    if inside:
        return
    half = int(_TEMPLATE_SEC * sample_rate)
    stride = max(int(sample_rate / _GRID_HZ), 1)
    aim = base + side * span
    here = int(head[0])
    low, high = int(aim - _SEARCH * span), int(aim + _SEARCH * span)
    if drift == 0.0:  # no more shift: back to the base, where nothing is late or early
        head[1] = head[0]
        head[0] = base
        head[2] = 0.0
        head[3] = max(_FADE * span, 16.0)
        head[4] = max(_likeness(line, write, here, int(base), half, stride), 0.0)
        return
    best, alike, step = low, -2.0, stride
    for there in range(low, high + 1, step):
        now = _likeness(line, write, here, there, half, stride)
        if now > alike:
            best, alike = there, now
    middle = best
    for there in range(middle - step + 1, middle + step):
        now = _likeness(line, write, here, there, half, stride)
        if now > alike:
            best, alike = there, now
    before = _likeness(line, write, here, best - 1, half, stride)
    after = _likeness(line, write, here, best + 1, half, stride)
    bend = before - 2.0 * alike + after
    between = 0.5 * (before - after) / bend if bend < -1e-9 else 0.0
    head[1] = head[0]
    head[0] += best - here + min(max(between, -0.5), 0.5)
    head[2] = 0.0
    head[3] = max(_FADE * span * min(1.0, 1.0 / max(abs(drift), 1e-9)), 16.0)
    head[4] = min(max(alike, 0.0), 1.0)


@compiled
def read_head(
    line: NDArray[np.float32], channel: int, write: int, head: NDArray[np.float64]
) -> float:
    """Return what a head reads of one channel."""
    sound = tap6(line, channel, write, head[0])
    if head[3] <= 0.0:
        return sound
    share = math.sin(0.5 * math.pi * (head[2] + 0.5) / head[3]) ** 2
    other = 1.0 - share
    mixed = share * sound + other * tap6(line, channel, write, head[1])
    return mixed / math.sqrt(share * share + other * other + 2.0 * head[4] * share * other)
