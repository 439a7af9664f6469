"""Stereo width: scale the sides of a picture, keep its bass in the middle.

Conventions: ``width`` 0 is mono, 1 unchanged, 2 twice the side signal. The sum to mono is never
changed. Below ``mono_below_hz`` the sides fade out by 12 dB an octave.

Public names: :class:`StereoWidth`.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter
from leitmotiv.effects.svf import KINDS, constant, new_state, run_svf
from leitmotiv.errors import AudioError

__all__ = ["StereoWidth"]

_FADES_IN_HZ = 20.0


class StereoWidth(AutomatedEffect):
    """Middle and side scaling.

    Parameters
    ----------
    width : float
        Gain of the sides, 0-2.
    mono_below_hz : float
        Frequency below which the sides fade out, up to 1000 Hz; 0 for none, and from there to
        20 Hz the fading comes in by degrees.
    sample_rate : int
        Hz.
    num_channels : int
        2: there are no sides in mono.

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

    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("width", 1.0, 0.0, 2.0),
        Parameter("mono_below_hz", 0.0, 0.0, 1000.0, "Hz"),
    )

    def __init__(
        self,
        *,
        width: float = 1.0,
        mono_below_hz: float = 0.0,
        sample_rate: int = SAMPLE_RATE,
        num_channels: int = 2,
    ) -> None:
        if num_channels != 2:
            raise AudioError(f"num_channels={num_channels} must be 2: a width has two sides")
        super().__init__({"width": width, "mono_below_hz": mono_below_hz}, sample_rate=sample_rate)

    def _clear(self) -> None:
        self._state = new_state(1)

    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        middle = 0.5 * (block[0] + block[1])
        side = 0.5 * (block[:1] - block[1:])
        cutoff_hz = curves["mono_below_hz"]
        if curves.moves("mono_below_hz") or cutoff_hz[0] > 0.0:
            quality = constant(math.sqrt(0.5), len(cutoff_hz))
            share = np.minimum(cutoff_hz / _FADES_IN_HZ, 1.0)
            share.flags.writeable = False
            run_svf(
                side, KINDS["high_pass"], cutoff_hz, quality, share, self.sample_rate, self._state
            )
        else:
            self._state = new_state(1)
        sides = side[0] * curves["width"].astype(np.float32)
        return np.stack([middle + sides, middle - sides])
