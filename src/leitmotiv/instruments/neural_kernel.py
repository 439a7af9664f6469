"""The sound of levels: partials and noise bands added up, sample by sample.

Conventions: mono float32 audio; a block is :data:`~leitmotiv.instruments.performance.CONTROL_BLOCK`
samples. Amplitudes stand at chosen blocks (*frames*) and move linearly between them; frequency is
constant within a block and its phase runs on.

Public names: :func:`add_partials`, :func:`add_noise`, :func:`noise_bands`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.compiled import compiled
from leitmotiv.instruments.neural_grid import NUM_BANDS, noise_edges_hz

__all__ = ["add_noise", "add_partials", "noise_bands"]

BLOCK = 64  # CONTROL_BLOCK as a constant of the kernel
_LANES = 16
NOISE_LENGTH = 1 << 16
_HIGHEST = 0.46  # of the sample rate


@compiled
def add_partials(
    out: Any,
    frame_block: Any,
    amplitude: Any,
    cycles: Any,
    stretch: Any,
    phase: Any,
    gain: Any,
    silent: float,
) -> None:
    """Add a bank of partials to ``out``.

    Parameters
    ----------
    out : float32 (blocks * BLOCK,)
    frame_block : int64 (F,)
        Block at which each frame of amplitudes stands, rising from 0; the last one holds on.
    amplitude : float32 (F, P)
    cycles : float64 (blocks,)
        Fundamental in cycles a sample.
    stretch : float64 (P,)
        Frequency of each partial in units of the fundamental.
    phase : float64 (P,)
        In cycles; where each partial begins, and where it stands afterwards.
    gain : float32 (blocks + 1,)
    silent : float
        Partials that stay below are not computed.
    """
    blocks = len(cycles)
    frames = len(frame_block)
    wave = np.empty(BLOCK, np.float32)
    two_pi = 2.0 * np.pi
    for p in range(len(stretch)):
        at = phase[p]
        f = 0
        for b in range(blocks):
            turn = cycles[b] * stretch[p]
            while f + 1 < frames and frame_block[f + 1] <= b:
                f += 1
            if f + 1 < frames:
                span = frame_block[f + 1] - frame_block[f]
                first = amplitude[f, p]
                slope = (amplitude[f + 1, p] - first) / span
                low = first + slope * (b - frame_block[f])
                high = low + slope
            else:
                low = amplitude[f, p]
                high = low
            low *= gain[b]
            high *= gain[b + 1]
            if turn < _HIGHEST and (low > silent or high > silent):
                angle = two_pi * (at - np.floor(at))
                step = two_pi * turn
                c, s = np.cos(step), np.sin(step)
                x, y = np.cos(angle), np.sin(angle)
                for n in range(_LANES):
                    wave[n] = y
                    x, y = x * c - y * s, x * s + y * c
                # sin((n + 8) w) = 2 cos(8 w) sin(n w) - sin((n - 8) w), eight samples abreast.
                c2 = 2.0 * c * c - 1.0
                c4 = 2.0 * c2 * c2 - 1.0
                twice = np.float32(2.0 * (2.0 * c4 * c4 - 1.0))
                for n in range(_LANES, BLOCK):
                    wave[n] = twice * wave[n - 8] - wave[n - 16]
                base = np.float32(low)
                rise = np.float32((high - low) / BLOCK)
                place = b * BLOCK
                for n in range(BLOCK):
                    out[place + n] += (base + rise * np.float32(n)) * wave[n]
            at += turn * BLOCK
        phase[p] = at - np.floor(at)


@compiled
def add_noise(
    out: Any, frame_block: Any, level: Any, bands: Any, offset: Any, gain: Any, silent: float
) -> None:
    """Add coloured noise to ``out``.

    ``level`` float32 (F, bands) at frames as in :func:`add_partials`; ``bands`` float32
    (bands, NOISE_LENGTH) of RMS 1; ``offset`` int64 (bands,): where each is read first.
    """
    blocks = len(gain) - 1
    frames = len(frame_block)
    mask = NOISE_LENGTH // BLOCK - 1
    for band in range(level.shape[1]):
        f = 0
        first_block = offset[band] // BLOCK
        for b in range(blocks):
            while f + 1 < frames and frame_block[f + 1] <= b:
                f += 1
            low = level[f, band]
            high = low
            if f + 1 < frames:
                span = frame_block[f + 1] - frame_block[f]
                slope = (level[f + 1, band] - low) / span
                low += slope * (b - frame_block[f])
                high = low + slope
            low *= gain[b]
            high *= gain[b + 1]
            if low > silent or high > silent:
                base = np.float32(low)
                rise = np.float32((high - low) / BLOCK)
                place = b * BLOCK
                source = ((first_block + b) & mask) * BLOCK
                for n in range(BLOCK):
                    out[place + n] += (base + rise * np.float32(n)) * bands[band, source + n]


@lru_cache(maxsize=4)
def noise_bands(sample_rate: int, seed: int = 20) -> NDArray[np.float32]:
    """Looping noise of RMS 1 in every band of the grid, float32 (NUM_BANDS, NOISE_LENGTH)."""
    rng = np.random.default_rng(seed)
    hz = np.fft.rfftfreq(NOISE_LENGTH, 1.0 / sample_rate)
    edges = noise_edges_hz()
    bands = np.zeros((NUM_BANDS, NOISE_LENGTH), np.float32)
    for band in range(NUM_BANDS):
        inside = (hz >= max(edges[band], 15.0)) & (hz < edges[band + 1])
        if not inside.any():
            continue
        spectrum = np.zeros(len(hz), np.complex128)
        # Complex normal bins: a level that moves as noise does, not a row of equal sines.
        draws = rng.standard_normal((2, int(inside.sum())))
        spectrum[inside] = draws[0] + 1j * draws[1]
        noise = np.fft.irfft(spectrum, NOISE_LENGTH)
        bands[band] = noise / np.sqrt(np.mean(noise**2))
    return bands
