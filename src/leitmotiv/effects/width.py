"""Stereo width: scale the sides of a picture, keep its bass in the middle.

Conventions: ``width`` 0 is mono, 1 unchanged, 2 twice the side signal. The sum to mono is never
changed. Below ``mono_below_hz`` the sides are taken out.

Public names: :class:`StereoWidth`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.effects.effect import check_block, check_range
from leitmotiv.effects.eq import Band, Equalizer

__all__ = ["StereoWidth"]


class StereoWidth:
    """Middle and side scaling.

    Parameters
    ----------
    width : float
        Gain of the sides, 0-2.
    mono_below_hz : float
        Frequency below which the sides fade out, 0 for none, up to 1000 Hz.
    sample_rate : int
        Hz.

    Raises
    ------
    AudioError
        If a parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> left = np.array([[1.0], [0.0]], np.float32)
    >>> StereoWidth(width=0.0).process(left).tolist()
    [[0.5], [0.5]]
    """

    latency_samples = 0

    def __init__(
        self,
        *,
        width: float = 1.0,
        mono_below_hz: float = 0.0,
        sample_rate: int = SAMPLE_RATE,
    ) -> None:
        check_range("width", width, 0.0, 2.0, "")
        check_range("mono_below_hz", mono_below_hz, 0.0, 1000.0, "Hz")
        self.width = width
        bands = (Band("high_pass", mono_below_hz),) if mono_below_hz >= 1 else ()
        self._sides = Equalizer(bands, num_channels=1, sample_rate=sample_rate)

    def reset(self) -> None:
        """Forget everything heard so far."""
        self._sides.reset()

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the next block, float32 (2, samples)."""
        check_block(block, 2)
        middle = 0.5 * (block[0] + block[1])
        side = self._sides.process(0.5 * (block[:1] - block[1:]))[0] * np.float32(self.width)
        return np.stack([middle + side, middle - side])
