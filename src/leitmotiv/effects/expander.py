"""Expander: makes what is quiet quieter.

Conventions: below ``threshold_db`` a fall of the input by 1 dB is one of ``ratio`` dB at the
output, by ``range_db`` at most. ``attack_ms`` is the time in which it opens, ``release_ms`` that
in which it closes, each to 63 % of the way in dB. With a side chain the level is the side
chain's.

Public names: :class:`Expander`.

Reference: see :mod:`leitmotiv.effects.level`.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.effects import svf
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter, check_range
from leitmotiv.effects.level import EXPAND, FixedDelay, reduction_curve, run_dynamics
from leitmotiv.errors import AudioError

__all__ = ["Expander"]

DETECTORS = ("rms", "peak")


class Expander(AutomatedEffect):
    """A downward expander.

    Parameters
    ----------
    threshold_db : float
        Level in dBFS under which it works, -100 to 0.
    ratio : float
        Output over input change in dB below the knee, 1-20.
    range_db : float
        The most that is taken away, 0-100 dB.
    attack_ms, release_ms : float
        Time constants, 0.05-500 ms and 5-5000 ms.
    knee_db : float
        Width of the soft knee, 0-40 dB.
    detector : str
        ``rms`` or ``peak``.
    window_ms : float
        Time constant of the mean, or in which a peak fades; 0.1-100 ms.
    lookahead_ms : float
        0-20 ms, reported as latency.
    sample_rate : int
        Hz.
    num_channels : int

    Raises
    ------
    AudioError
        If a parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> square = 0.01 * np.where(np.arange(96000) % 96 < 48, 1.0, -1.0)[None]
    >>> out = Expander(threshold_db=-30.0, num_channels=1).process(square.astype(np.float32))
    >>> round(float(20 * np.log10(abs(out[0, -1]))), 1)
    -50.0
    """

    takes_side_chain = True
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("threshold_db", -45.0, -100.0, 0.0, "dBFS"),
        Parameter("ratio", 2.0, 1.0, 20.0, "", "log"),
        Parameter("range_db", 40.0, 0.0, 100.0, "dB"),
        Parameter("attack_ms", 5.0, 0.05, 500.0, "ms", "log"),
        Parameter("release_ms", 150.0, 5.0, 5000.0, "ms", "log"),
        Parameter("knee_db", 6.0, 0.0, 40.0, "dB"),
    )

    def __init__(
        self,
        *,
        threshold_db: float = -45.0,
        ratio: float = 2.0,
        range_db: float = 40.0,
        attack_ms: float = 5.0,
        release_ms: float = 150.0,
        knee_db: float = 6.0,
        detector: Literal["rms", "peak"] = "rms",
        window_ms: float = 5.0,
        lookahead_ms: float = 0.0,
        sample_rate: int = SAMPLE_RATE,
        num_channels: int = 2,
    ) -> None:
        if detector not in DETECTORS:
            raise AudioError(f"detector={detector!r} must be one of {', '.join(DETECTORS)}")
        check_range("window_ms", window_ms, 0.1, 100.0, "ms")
        check_range("lookahead_ms", lookahead_ms, 0.0, 20.0, "ms")
        self._is_rms = detector == "rms"
        self._window_ms = float(window_ms)
        self._lookahead = round(lookahead_ms * 1e-3 * sample_rate)
        values = {
            "threshold_db": threshold_db,
            "ratio": ratio,
            "range_db": range_db,
            "attack_ms": attack_ms,
            "release_ms": release_ms,
            "knee_db": knee_db,
        }
        super().__init__(values, sample_rate=sample_rate, num_channels=num_channels)

    @property
    def latency_samples(self) -> int:
        """Samples by which the output lags behind the input: the look-ahead."""
        return self._lookahead

    def reduction_db(self, level_db: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the static curve as the knobs stand: dB taken away at each level."""
        curve = reduction_curve(
            level_db,
            threshold_db=self.get("threshold_db"),
            ratio=self.get("ratio"),
            knee_db=self.get("knee_db"),
            mode=EXPAND,
        )
        return np.asarray(np.minimum(curve, self.get("range_db")))

    def _clear(self) -> None:
        self._state = np.zeros(3)
        self._delay = FixedDelay(self.num_channels, self._lookahead)

    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        audio = self._delay.next(block)
        heard = audio
        if side_chain is not None or self._lookahead:
            heard = np.array(block if side_chain is None else side_chain, order="C")
        run_dynamics(
            audio, heard, EXPAND, self._is_rms, self._window_ms, curves["threshold_db"],
            curves["ratio"], curves["knee_db"], curves["range_db"], curves["attack_ms"],
            curves["release_ms"], svf.constant(0.0, block.shape[1]),
            svf.constant(1.0, block.shape[1]), self.sample_rate, self._state,
        )  # fmt: skip
        return audio
