"""Compressor: a gentle, stereo-linked bus compressor.

Purpose: even out level without a sound of its own.

How it works: the level is the mean square over short frames on a fixed grid of 64 samples; the
soft-knee gain curve gives a reduction a frame, attack and release smooth it, and the gain glides
linearly from frame to frame. A frame acts once it is complete, so the gain is 64 samples late
and nothing else is: no look-ahead, no latency. One step a frame instead of one a sample is what
makes plain Python fast enough.

Public names: :class:`Compressor`.

Reference: Giannoulis, Massberg and Reiss, *Digital dynamic range compressor design* (JAES 60,
2012): soft knee (equation 4), smooth decoupled detector in the log domain (equation 17).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.effects.effect import check_block, check_range

__all__ = ["Compressor"]

_FRAME = 64


class Compressor:
    """A feed-forward RMS compressor.

    Parameters
    ----------
    threshold_db : float
        RMS level in dBFS where compression is centred, -80 to 0.
    ratio : float
        Input over output change in dB above the knee, 1-50.
    attack_ms, release_ms : float
        Time constants, 1-500 ms and 5-5000 ms.
    knee_db : float
        Width of the soft knee, 0-40 dB.
    makeup_db : float
        Gain after compression.
    num_channels : int
    sample_rate : int
        Hz.

    Raises
    ------
    AudioError
        If a parameter is out of range.
    """

    latency_samples = 0

    def __init__(
        self,
        *,
        threshold_db: float = -20.0,
        ratio: float = 2.0,
        attack_ms: float = 25.0,
        release_ms: float = 180.0,
        knee_db: float = 8.0,
        makeup_db: float = 0.0,
        num_channels: int = 2,
        sample_rate: int = SAMPLE_RATE,
    ) -> None:
        check_range("threshold_db", threshold_db, -80.0, 0.0, "dBFS")
        check_range("ratio", ratio, 1.0, 50.0, "")
        check_range("attack_ms", attack_ms, 1.0, 500.0, "ms")
        check_range("release_ms", release_ms, 5.0, 5000.0, "ms")
        check_range("knee_db", knee_db, 0.0, 40.0, "dB")
        self.threshold_db, self.ratio, self.knee_db = threshold_db, ratio, knee_db
        self.makeup_db = makeup_db
        self.num_channels = num_channels
        frames_per_ms = sample_rate / 1000 / _FRAME
        self._attack = math.exp(-1 / (attack_ms * frames_per_ms))
        self._release = math.exp(-1 / (release_ms * frames_per_ms))
        self.reset()

    def reset(self) -> None:
        """Forget everything heard so far."""
        self._power = 0.0  # summed over the samples of the frame under way
        self._filled = 0  # samples of it that were seen
        self._peak_db = self._smooth_db = 0.0
        self._from_db = self._to_db = 0.0  # the glide over the frame under way
        self.largest_reduction_db = 0.0

    def reduction_db(self, level_db: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the static curve: dB taken away at each level (equation 4)."""
        over = level_db - self.threshold_db
        slope = 1 - 1 / self.ratio
        if self.knee_db == 0:
            return np.asarray(slope * np.maximum(over, 0.0))
        knee = np.clip(over + self.knee_db / 2, 0.0, self.knee_db)
        return np.asarray(
            slope * (knee**2 / (2 * self.knee_db) + np.maximum(over - self.knee_db / 2, 0))
        )

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the next block, float32 (num_channels, samples)."""
        check_block(block, self.num_channels)
        num_samples = block.shape[1]
        if not num_samples:
            return block.copy()
        power = np.einsum("cs,cs->s", block, block) / self.num_channels
        # Frames completed inside this block, the first of them perhaps begun in an earlier one.
        offset = self._filled
        edges = np.arange(_FRAME - offset, num_samples + 1, _FRAME)
        starts = np.concatenate([[0], edges]).astype(np.int64)
        sums = np.add.reduceat(
            np.concatenate([power, [0.0]]), np.minimum(starts, num_samples), dtype=np.float64
        )
        sums[starts >= num_samples] = 0.0
        sums[0] += self._power
        complete, self._power = sums[:-1] / _FRAME, float(sums[-1])
        self._filled = (offset + num_samples) % _FRAME
        glide = [self._from_db, self._to_db, *self._smooth(complete)]
        self._from_db, self._to_db = glide[-2], glide[-1]
        # Gain nodes stand at the frame borders from -offset on.
        nodes = np.arange(len(glide)) * _FRAME - offset
        gain_db = np.interp(np.arange(num_samples), nodes, -np.asarray(glide)) + self.makeup_db
        return np.asarray(block * 10 ** (gain_db / 20), dtype=np.float32)

    def _smooth(self, frame_power: NDArray[np.float64]) -> list[float]:
        """Attack and release over the frames completed, in dB of reduction (equation 17)."""
        level_db = 10 * np.log10(np.maximum(frame_power, 1e-12))
        smoothed: list[float] = []
        peak, value = self._peak_db, self._smooth_db
        release, attack = self._release, self._attack
        for wanted in self.reduction_db(level_db).tolist():
            peak = max(wanted, release * peak + (1 - release) * wanted)
            value = attack * value + (1 - attack) * peak
            smoothed.append(value)
        self._peak_db, self._smooth_db = peak, value
        self.largest_reduction_db = max([self.largest_reduction_db, *smoothed])
        return smoothed
