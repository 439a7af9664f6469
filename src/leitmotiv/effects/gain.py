"""Gain: level, in decibels.

Conventions: ``gain_db`` is the ratio of output to input amplitude; -120 dB counts as silence.

Public names: :class:`Gain`.
"""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter

__all__ = ["Gain"]

SILENCE_DB = -120.0


class Gain(AutomatedEffect):
    """Turn the level up or down.

    Parameters
    ----------
    gain_db : float
        -120 (silence) to 48 dB.
    invert : bool
        Whether the polarity is turned over.
    sample_rate : int
        Hz.
    num_channels : int

    Raises
    ------
    AudioError
        If a value is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> block = np.full((2, 3), 0.5, np.float32)
    >>> round(float(Gain(gain_db=-20.0).process(block)[0, 0]), 6)
    0.05
    """

    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("gain_db", 0.0, SILENCE_DB, 48.0, "dB"),
    )

    def __init__(
        self,
        *,
        gain_db: float = 0.0,
        invert: bool = False,
        sample_rate: int = SAMPLE_RATE,
        num_channels: int = 2,
    ) -> None:
        self._sign = -1.0 if invert else 1.0
        super().__init__({"gain_db": gain_db}, sample_rate=sample_rate, num_channels=num_channels)

    def _clear(self) -> None:
        """A gain remembers nothing."""

    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        gain_db = curves["gain_db"]
        if not curves.moves("gain_db"):
            gain_db = gain_db[:1]
        gain = np.where(gain_db <= SILENCE_DB, 0.0, self._sign * 10 ** (gain_db / 20))
        return np.asarray(block * gain.astype(np.float32), dtype=np.float32)
