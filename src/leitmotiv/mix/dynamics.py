"""Multiband dynamics: three bands that level themselves, and sum to the input at rest.

Purpose: hold loud passages of the bass, the middle and the air together, each by itself, without
a sound of its own.

How it works: a first-order low pass and a first-order high pass take the lower and the upper band
out, and the middle is what remains, so the bands sum to the input exactly. The level of a band is
its mean square over frames of 256 samples on a fixed grid; a soft-knee curve gives the reduction,
attack and release smooth it, and gains glide linearly from frame to frame. The frame under way is
waited for, which makes the latency.

Public names: :class:`MultibandDynamics`, :data:`CROSSOVERS_HZ`, :func:`band_levels_db`.

Reference: Giannoulis, Massberg and Reiss, *Digital dynamic range compressor design* (JAES 60,
2012): soft knee (equation 4), smooth decoupled detector in the log domain (equation 17).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.audio.sound_report import THIRD_OCTAVES_HZ
from leitmotiv.effects.effect import check_block, check_range

__all__ = ["CROSSOVERS_HZ", "MultibandDynamics", "band_levels_db"]

CROSSOVERS_HZ = (160.0, 3500.0)
_FRAME = 256
_ATTACK_MS = (35.0, 25.0, 12.0)
_RELEASE_MS = (260.0, 180.0, 120.0)
_KNEE_DB = 8.0


def band_levels_db(spectrum_db: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the level of each band of a third-octave spectrum in dB, shape (bands,) in."""
    power = 10 ** (spectrum_db / 10)
    low = 1 / (1 + (THIRD_OCTAVES_HZ / CROSSOVERS_HZ[0]) ** 2)
    high = 1 / (1 + (CROSSOVERS_HZ[1] / THIRD_OCTAVES_HZ) ** 2)
    # Neighbouring bands overlap; what both filters leave is the middle.
    shares = (low, np.clip(1 - low - high, 0.0, 1.0), high)
    low_db, mid_db, high_db = (
        10 * math.log10(float((power * share).sum()) + 1e-14) for share in shares
    )
    return low_db, mid_db, high_db


class MultibandDynamics:
    """A channel-linked compressor of three bands.

    Parameters
    ----------
    thresholds_db : (low, middle, high)
        RMS level of each band in dBFS where compression is centred, -100 to 20.
    ratio : float
        Input over output change in dB above the knee, 1-10, of the middle; the bass is held a
        little more, the air a little less.
    num_channels : int
    sample_rate : int
        Hz.

    Raises
    ------
    AudioError
        If a parameter is out of range.
    """

    latency_samples = _FRAME

    def __init__(
        self,
        thresholds_db: tuple[float, float, float],
        *,
        ratio: float = 1.5,
        num_channels: int = 2,
        sample_rate: int = SAMPLE_RATE,
    ) -> None:
        for value in thresholds_db:
            check_range("thresholds_db", value, -100.0, 20.0, "dBFS")
        check_range("ratio", ratio, 1.0, 10.0, "")
        self.num_channels = num_channels
        self._thresholds_db = thresholds_db
        slope = 1 - 1 / ratio
        self._slopes = (min(1.2 * slope, 0.9), slope, 0.8 * slope)
        frames_per_ms = sample_rate / 1000 / _FRAME
        self._attack = [math.exp(-1 / (ms * frames_per_ms)) for ms in _ATTACK_MS]
        self._release = [math.exp(-1 / (ms * frames_per_ms)) for ms in _RELEASE_MS]
        # The upper crossover is left out where the rate has no room for it.
        edges = [min(hz, 0.4 * sample_rate) for hz in CROSSOVERS_HZ]
        self._filters = [
            _first_order(edges[0], sample_rate, high=False),
            _first_order(edges[1], sample_rate, high=True),
        ]
        self._ramp = ((np.arange(_FRAME) + 1) / _FRAME).astype(np.float32)
        self.reset()

    def reset(self) -> None:
        """Forget everything heard so far."""
        self._states = [np.zeros((1, self.num_channels, 2), dtype=np.float32) for _ in range(2)]
        self._waiting = np.zeros((self.num_channels, 0), dtype=np.float32)
        self._ready = np.zeros((self.num_channels, _FRAME), dtype=np.float32)
        self._peak_db = [0.0] * 3
        self._smooth_db = [0.0] * 3
        self._gain = np.ones(3, dtype=np.float32)
        self.largest_reduction_db = 0.0

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the next block, float32 (num_channels, samples), ``latency_samples`` late."""
        check_block(block, self.num_channels)
        waiting = np.concatenate([self._waiting, block], axis=1)
        whole = waiting.shape[1] // _FRAME * _FRAME
        ready = self._ready
        if whole:
            ready = np.concatenate([ready, self._frames(waiting[:, :whole])], axis=1)
        self._waiting = waiting[:, whole:].copy()
        self._ready = ready[:, block.shape[1] :].copy()
        return ready[:, : block.shape[1]]

    def _frames(self, audio: NDArray[np.float32]) -> NDArray[np.float32]:
        """Work on whole frames."""
        from scipy.signal import sosfilt

        shape = (self.num_channels, audio.shape[1] // _FRAME, _FRAME)
        bands: list[NDArray[np.float32]] = []
        for number, sos in enumerate(self._filters):
            band, self._states[number] = sosfilt(sos, audio, axis=1, zi=self._states[number])
            bands.append(band.reshape(shape))
        whole = audio.reshape(shape)
        low, high = bands
        gains = [
            self._gains(number, np.einsum("cfs,cfs->f", band, band) / (_FRAME * self.num_channels))
            for number, band in enumerate((low, whole - low - high, high))
        ]
        low_gain, mid_gain, high_gain = gains
        out = whole * mid_gain
        low *= low_gain - mid_gain
        out += low
        high *= high_gain - mid_gain
        out += high
        return np.asarray(out.reshape(audio.shape))

    def _gains(self, number: int, power: NDArray[np.float64]) -> NDArray[np.float32]:
        """Gain of every sample of a band, shape (frames, _FRAME)."""
        over = 10 * np.log10(power + 1e-14) - self._thresholds_db[number]
        inside = np.clip(over + _KNEE_DB / 2, 0.0, _KNEE_DB)
        wanted = self._slopes[number] * (
            np.square(inside) / (2 * _KNEE_DB) + np.maximum(over - _KNEE_DB / 2, 0.0)
        )
        peak, smooth = self._peak_db[number], self._smooth_db[number]
        attack, release = self._attack[number], self._release[number]
        reduction = np.empty(len(wanted))
        for index, value in enumerate(wanted.tolist()):
            peak = max(value, release * peak + (1 - release) * value)
            smooth = attack * smooth + (1 - attack) * peak
            reduction[index] = smooth
        self._peak_db[number], self._smooth_db[number] = peak, smooth
        self.largest_reduction_db = max(self.largest_reduction_db, float(reduction.max()))
        after = (10 ** (reduction / -20)).astype(np.float32)
        before = np.concatenate([self._gain[number : number + 1], after[:-1]])
        self._gain[number] = after[-1]
        return np.asarray(before[:, None] + (after - before)[:, None] * self._ramp)


def _first_order(edge_hz: float, sample_rate: int, *, high: bool) -> NDArray[np.float32]:
    """A first-order Butterworth section, shape (1, 6)."""
    k = math.tan(math.pi * edge_hz / sample_rate)
    zeros = (1.0, -1.0) if high else (k, k)
    section = [zeros[0] / (1 + k), zeros[1] / (1 + k), 0.0, 1.0, (k - 1) / (k + 1), 0.0]
    return np.asarray([section], dtype=np.float32)
