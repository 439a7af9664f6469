"""Sound sources: wavetables for held tones, decaying modes for struck ones, coloured noise.

All are plain NumPy, with nothing to compile: a wavetable costs the same however many harmonics it
holds, and a bank of modes is one matrix product.

Conventions: frequencies in Hz, decay rates in 1/s (amplitude falls as exp(-rate t)), audio float32.
Control values come one a block of :data:`~leitmotiv.instruments.performance.CONTROL_BLOCK`
samples.

Public names: :class:`Wavetable`, :func:`wavetable`, :func:`read_wavetable`, :func:`ramp_blocks`,
:func:`decaying_modes`, :class:`NoiseLoop`, :func:`band_gain`, :func:`loudness_weight`,
:func:`midi_to_hz`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.instruments.performance import CONTROL_BLOCK, FloatArray

__all__ = [
    "NoiseLoop",
    "Wavetable",
    "band_gain",
    "decaying_modes",
    "loudness_weight",
    "midi_to_hz",
    "ramp_blocks",
    "read_wavetable",
    "wavetable",
]

_TABLE_LENGTH = 2048
_RAMP = (np.arange(CONTROL_BLOCK) / CONTROL_BLOCK).astype(np.float32)
_MODE_BLOCK, _ROWS, _GROUP = 128, 16, 32
_SILENT = 1e-14
_INAUDIBLE = 3e-5


def midi_to_hz(pitch: Any) -> NDArray[np.float64]:
    """Frequency of a (fractional) MIDI pitch at A4 = 440 Hz.

    Examples
    --------
    >>> float(midi_to_hz(69))
    440.0
    """
    return 440.0 * np.exp2((np.asarray(pitch, dtype=np.float64) - 69.0) / 12.0)


@dataclass(frozen=True)
class Wavetable:
    """Single-cycle waveforms at several positions (dark to bright).

    ``values`` and ``slopes`` are complex64 of shape (positions - 1, length), flattened: the real
    part belongs to position j, the imaginary part to j + 1, so that one look-up fetches both.
    """

    values: NDArray[np.complex64]
    slopes: NDArray[np.complex64]
    positions: int


def wavetable(harmonics: NDArray[Any]) -> Wavetable:
    """Build a wavetable from harmonic amplitudes.

    Parameters
    ----------
    harmonics : ndarray, shape (positions, num_harmonics), complex or real
        Amplitude (and phase) of harmonic 1, 2, ... at each position; real means sines. At least
        two positions. The caller leaves out harmonics above half the sample rate.
    """
    positions, num = harmonics.shape
    num = min(num, _TABLE_LENGTH // 2 - 1)
    spectrum = np.zeros((positions, _TABLE_LENGTH // 2 + 1), np.complex128)
    spectrum[:, 1 : num + 1] = harmonics[:, :num] * (-0.5j * _TABLE_LENGTH)
    waves = np.fft.irfft(spectrum, axis=1)
    pairs = (waves[:-1] + 1j * waves[1:]).astype(np.complex64)
    slopes = np.roll(pairs, -1, axis=1) - pairs
    return Wavetable(pairs.reshape(-1), slopes.reshape(-1), positions)


def ramp_blocks(points: NDArray[Any]) -> FloatArray:
    """Interpolate block values linearly: shape (blocks + 1,) to (blocks, CONTROL_BLOCK)."""
    points = points.astype(np.float32)
    return points[:-1, None] + np.diff(points)[:, None] * _RAMP


def _snapped(scaled: NDArray[Any]) -> NDArray[Any]:
    """Move points onto whole numbers where a block would cross one: it holds two tables only."""
    whole = np.floor(scaled)
    crossing = np.flatnonzero(whole[:-1] != whole[1:])
    if not len(crossing):
        return scaled
    scaled = scaled.copy()
    middle = np.maximum(whole[crossing], whole[crossing + 1])
    nearer = np.abs(scaled[crossing] - middle) <= np.abs(scaled[crossing + 1] - middle)
    scaled[crossing + np.where(nearer, 0, 1)] = middle
    return scaled


def read_wavetable(
    table: Wavetable,
    phase: NDArray[np.float64],
    increment: NDArray[np.float64],
    position: NDArray[Any],
) -> FloatArray:
    """Read a wavetable along a phase.

    Parameters
    ----------
    phase : ndarray, shape (blocks,)
        Phase in cycles at the start of each block.
    increment : ndarray, shape (blocks,)
        Cycles a sample within each block.
    position : ndarray, shape (blocks + 1,)
        Place between dark (0) and bright (1).

    Returns
    -------
    ndarray, float32, shape (blocks, CONTROL_BLOCK)
    """
    length = _TABLE_LENGTH
    start = ((phase % 1.0) * length).astype(np.float32)
    step = (increment * length * CONTROL_BLOCK).astype(np.float32)
    place = start[:, None] + step[:, None] * _RAMP
    index = place.astype(np.int32)
    fraction = place - index
    index &= length - 1
    scaled = np.clip(position, 0.0, 1.0) * (table.positions - 1)
    if table.positions > 2:
        scaled = _snapped(scaled)
    lower = np.minimum(np.minimum(scaled[:-1], scaled[1:]).astype(np.int32), table.positions - 2)
    if table.positions > 2:
        index += (lower * length)[:, None]
    found = table.values.take(index, mode="clip")
    slope = table.slopes.take(index, mode="clip")
    slope *= fraction
    found += slope
    begin = (scaled[:-1] - lower).astype(np.float32)
    change = np.diff(scaled).astype(np.float32)
    weight = begin[:, None] + change[:, None] * _RAMP
    low, high = found.real, found.imag
    result: FloatArray = low + weight * (high - low)
    return result


def _powers(base: NDArray[np.complex128], count: int) -> NDArray[np.complex128]:
    """Powers 0 .. count - 1 of each base by doubling, shape (count, modes)."""
    powers = np.empty((count, len(base)), np.complex128)
    powers[0] = 1.0
    factor, done = base.copy(), 1
    while done < count:
        more = min(done, count - done)
        np.multiply(powers[:more], factor, out=powers[done : done + more])
        # Dead modes become zeros, not denormal numbers, which are slow.
        factor = factor * factor
        factor[np.abs(factor) < _SILENT] = 0.0
        done += more
    return powers


def decaying_modes(
    frequency_hz: NDArray[Any],
    decay_rate: NDArray[Any],
    amplitude: NDArray[Any],
    phase: NDArray[Any],
    num_samples: int,
    sample_rate: int,
) -> FloatArray:
    """Sum exponentially decaying sinusoids.

    Modes at or above 0.45 of the sample rate are left out. The sum is computed as one matrix
    product of block starts and within-block rotations, ``Re(z^(kB) a) (z^b)``.

    Parameters
    ----------
    frequency_hz, decay_rate, phase : ndarray, shape (modes,)
        Hz, 1/s and radians (0 is a sine that starts at zero).
    amplitude : ndarray, shape (modes,) or (channels, modes)
        Linear.
    num_samples : int
        Length of the result.

    Returns
    -------
    ndarray, float32, shape (num_samples,) or (channels, num_samples)
    """
    amplitude = np.asarray(amplitude, dtype=np.float64)
    frequency_hz = np.asarray(frequency_hz, dtype=np.float64)
    shape = amplitude.shape[:-1]
    if num_samples <= 0:
        return np.zeros((*shape, 0), np.float32)
    channels = amplitude.reshape(-1, amplitude.shape[-1])
    peak = np.abs(channels).max(axis=0) * (frequency_hz < 0.45 * sample_rate)
    floor = _INAUDIBLE * peak.max()
    rate = np.asarray(decay_rate, dtype=np.float64)
    kept = np.flatnonzero(peak > floor)
    life = np.log(peak[kept] / floor) / np.maximum(rate[kept], 1e-3) * sample_rate
    order = np.argsort(-life)
    kept, life = kept[order], life[order]
    pole = np.exp((-rate[kept] + 2j * np.pi * frequency_hz[kept]) / sample_rate)
    phase = np.asarray(phase, dtype=np.float64)
    start = channels[:, kept] * np.exp(1j * (phase[kept] - np.pi / 2))
    num_channels = len(channels)
    blocks = -(-num_samples // _MODE_BLOCK)
    rows = -(-blocks // _ROWS)
    audio = np.zeros((rows * _ROWS, num_channels * _MODE_BLOCK), np.float32)
    # Longest-lived modes first: a group is computed only until its last mode has died.
    for first in range(0, len(kept), _GROUP):
        group = slice(first, first + _GROUP)
        alive = min(int(life[first] / (_MODE_BLOCK * _ROWS)) + 1, rows)
        inside = _powers(pole[group], _MODE_BLOCK).T  # (modes, B)
        outside = _powers(pole[group] ** _MODE_BLOCK, alive * _ROWS)  # (blocks, modes)
        turned = (start[:, group, None] * inside).transpose(1, 0, 2).reshape(len(inside), -1)
        rotations = np.concatenate([turned.real, -turned.imag]).astype(np.float32)
        states = np.concatenate([outside.real, outside.imag], axis=1).astype(np.float32)
        # Small products on purpose: BLAS libraries start threads for larger ones, which costs
        # more than it saves while parts are rendered side by side.
        product = states.reshape(alive, _ROWS, -1) @ rotations
        audio[: alive * _ROWS] += product.reshape(alive * _ROWS, -1)
    split = audio.reshape(rows * _ROWS, num_channels, _MODE_BLOCK).transpose(1, 0, 2)
    joined = split.reshape(num_channels, -1)[:, :num_samples]
    return np.ascontiguousarray(joined).reshape(*shape, num_samples)


def loudness_weight(frequency_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weight of a frequency in the loudness of a tone, after the K curve of ITU-R BS.1770.

    Below 40 Hz the weight stays, so that inaudible fundamentals are not raised without end.
    """
    high_pass = np.maximum(frequency_hz, 40.0) ** 2
    high_pass = high_pass / (high_pass + 60.0**2)
    shelf = 1.0 + 0.58 / (1.0 + (1500.0 / np.maximum(frequency_hz, 1.0)) ** 2)
    return np.asarray(high_pass * shelf)


def band_gain(
    low_hz: float, high_hz: float
) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    """Gain over frequency of a band with slopes of 24 dB an octave, for :class:`NoiseLoop`."""

    def gain(frequency_hz: NDArray[np.float64]) -> NDArray[np.float64]:
        frequency_hz = np.maximum(frequency_hz, 1.0)
        low = 1 + (low_hz / frequency_hz) ** 4
        return np.asarray(1 / (low * (1 + (frequency_hz / high_hz) ** 4)))

    return gain


class NoiseLoop:
    """A few seconds of coloured noise, read from a random place for each note.

    Parameters
    ----------
    rng : numpy.random.Generator
    sample_rate : int
    gain : callable
        Maps frequencies in Hz (n,) to linear gains (n,). The noise has unit RMS.
    """

    _LENGTH = 1 << 17

    def __init__(self, rng: np.random.Generator, sample_rate: int, gain: Any) -> None:
        frequency = np.fft.rfftfreq(self._LENGTH, 1.0 / sample_rate)
        phases = rng.random(len(frequency), dtype=np.float32) * np.float32(2 * np.pi)
        magnitude = np.asarray(gain(frequency), dtype=np.float64)
        magnitude[0] = 0.0
        noise = np.fft.irfft(magnitude * np.exp(1j * phases))
        noise /= max(float(np.sqrt(np.mean(noise**2))), 1e-12)
        self._noise = np.concatenate([noise, noise]).astype(np.float32)

    def read(self, rng: np.random.Generator, num_samples: int) -> FloatArray:
        """Return ``num_samples`` of noise from a random place."""
        start = int(rng.integers(self._LENGTH))
        if start + num_samples <= len(self._noise):
            return self._noise[start : start + num_samples]
        return np.resize(self._noise[start:], num_samples)
