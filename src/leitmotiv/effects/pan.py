"""Pan: the place between left and right.

Conventions: ``pan`` is -1 (left) to 1 (right), 0 the middle, where nothing changes. Three laws:

- ``constant_power`` turns one side down and the other up (by at most 3 dB), so that a sound which
  is the same on both sides keeps its power wherever it is put;
- ``balance`` only turns the other side down, as the knob of a hi-fi does, and never clips;
- ``fold`` carries the left channel over into the right one (and the other way round), so that
  nothing of a wide picture is lost.

Public names: :class:`Pan`.

Reference: Web Audio API (W3C, 2021), section 1.31.4: the equal-power law of the stereo panner.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter
from leitmotiv.errors import AudioError

__all__ = ["Pan"]

LAWS = ("constant_power", "balance", "fold")


class Pan(AutomatedEffect):
    """Move a stereo sound to one side.

    Parameters
    ----------
    pan : float
        -1 (left) to 1 (right).
    law : str
        ``constant_power``, ``balance`` or ``fold``.
    sample_rate : int
        Hz.
    num_channels : int
        2: there is no side in mono.

    Raises
    ------
    AudioError
        If a value is out of range or the law is unknown.

    Examples
    --------
    >>> import numpy as np
    >>> Pan(pan=-1.0, law="balance").process(np.ones((2, 1), np.float32)).tolist()
    [[1.0], [0.0]]
    """

    parameters: ClassVar[tuple[Parameter, ...]] = (Parameter("pan", 0.0, -1.0, 1.0),)

    def __init__(
        self,
        *,
        pan: float = 0.0,
        law: Literal["constant_power", "balance", "fold"] = "constant_power",
        sample_rate: int = SAMPLE_RATE,
        num_channels: int = 2,
    ) -> None:
        if law not in LAWS:
            raise AudioError(f"law={law!r} must be one of {', '.join(LAWS)}")
        if num_channels != 2:
            raise AudioError(f"num_channels={num_channels} must be 2: a pan has two sides")
        self._law = law
        super().__init__({"pan": pan}, sample_rate=sample_rate)

    def _clear(self) -> None:
        """A pan remembers nothing."""

    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        pan = curves["pan"] if curves.moves("pan") else curves["pan"][:1]
        left, right = block
        if self._law == "fold":
            # What is taken from one side arrives on the other: cos² + sin² = 1.
            angle = np.abs(pan) * (np.pi / 2)
            stays, crosses = np.cos(angle), np.sin(angle)
            to_left = np.where(pan < 0, crosses, 0.0).astype(np.float32)
            to_right = np.where(pan > 0, crosses, 0.0).astype(np.float32)
            keep_left = np.where(pan > 0, stays, 1.0).astype(np.float32)
            keep_right = np.where(pan < 0, stays, 1.0).astype(np.float32)
            out = np.stack(
                [left * keep_left + right * to_left, right * keep_right + left * to_right]
            )
            return np.asarray(out, dtype=np.float32)
        if self._law == "balance":
            gains = np.stack([np.minimum(1.0 - pan, 1.0), np.minimum(1.0 + pan, 1.0)])
        else:
            angle = (pan + 1) * (np.pi / 4)
            gains = np.sqrt(2.0) * np.stack([np.cos(angle), np.sin(angle)])
            gains[:, pan == 0.0] = 1.0
        return np.asarray(block * gains.astype(np.float32), dtype=np.float32)
