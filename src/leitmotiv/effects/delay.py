"""Delay: echoes with feedback and damping, straight or from side to side.

Purpose: rhythmic echoes that sink into the background.

Conventions: stereo; ``feedback`` is the gain from echo to echo. ``ping_pong`` feeds each side's
echo to the other side. Each repeat loses top through one averaging filter.

Public names: :class:`Delay`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.effects.effect import check_block, check_range

__all__ = ["Delay"]


class Delay:
    """A stereo feedback delay.

    Parameters
    ----------
    delay_sec : float
        Time from echo to echo, 0.001-5 s.
    feedback : float
        Gain from echo to echo, 0-0.95.
    damping_hz : float
        Corner of the one-pole low pass in the loop, 200-20000 Hz.
    ping_pong : bool
        Whether echoes change sides.
    wet_level, dry_level : float
        Linear gains of the echoes and of the input.
    sample_rate : int
        Hz.

    Raises
    ------
    AudioError
        If a parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> click = np.zeros((2, 480), np.float32)
    >>> click[:, 0] = 1.0
    >>> echo = Delay(delay_sec=0.005, dry_level=0.0, wet_level=1.0).process(click)
    >>> int(np.argmax(echo[0]))
    240
    """

    latency_samples = 0

    def __init__(
        self,
        *,
        delay_sec: float = 0.375,
        feedback: float = 0.35,
        damping_hz: float = 5000.0,
        ping_pong: bool = False,
        wet_level: float = 0.3,
        dry_level: float = 1.0,
        sample_rate: int = SAMPLE_RATE,
    ) -> None:
        check_range("delay_sec", delay_sec, 0.001, 5.0, "seconds")
        check_range("feedback", feedback, 0.0, 0.95, "")
        check_range("damping_hz", damping_hz, 200.0, 20000.0, "Hz")
        self.feedback, self.ping_pong = feedback, ping_pong
        self.wet_level, self.dry_level = wet_level, dry_level
        self._length = max(round(delay_sec * sample_rate), 1)
        self._pole = math.exp(-2 * math.pi * damping_hz / sample_rate)
        self.reset()

    def reset(self) -> None:
        """Forget everything heard so far."""
        self._line = np.zeros((2, self._length), dtype=np.float32)  # the oldest sample first
        self._damping = np.zeros((2, 1))

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the next block, float32 (2, samples)."""
        from scipy.signal import lfilter

        check_block(block, 2)
        out = np.empty_like(block)
        for start in range(0, block.shape[1], self._length):
            piece = block[:, start : start + self._length]
            num_samples = piece.shape[1]
            echo = self._line[:, :num_samples]
            damped, self._damping = lfilter(
                [1 - self._pole],
                [1, -self._pole],
                echo.astype(np.float64),
                axis=1,
                zi=self._damping,
            )
            returned = damped[::-1] if self.ping_pong else damped
            entering = (piece + self.feedback * returned).astype(np.float32)
            out[:, start : start + num_samples] = self.dry_level * piece + self.wet_level * echo
            self._line = np.concatenate([self._line[:, num_samples:], entering], axis=1)
        return out
