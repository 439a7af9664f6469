"""Compressor: evens out level, by its own sound or by another's.

Conventions: the level is RMS or peak, shared by all channels; ``attack_ms`` and ``release_ms``
are the times in which a change of gain, in dB, gets to 63 % of its way. With a side chain the
level is the side chain's. ``side_low_cut_hz`` keeps bass from pumping the rest. With
``lookahead_ms`` the sound waits, as latency, so that the gain is down when a peak arrives.

Public names: :class:`Compressor`.

Reference: see :mod:`leitmotiv.effects.level`.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.effects import svf
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter, check_range
from leitmotiv.effects.level import COMPRESS, FixedDelay, reduction_curve, run_dynamics
from leitmotiv.errors import AudioError

__all__ = ["Compressor"]

DETECTORS = ("rms", "peak")
_NO_LIMIT_DB = 1000.0


class Compressor(AutomatedEffect):
    """A feed-forward compressor.

    Parameters
    ----------
    threshold_db : float
        Level in dBFS where compression is centred, -80 to 0.
    ratio : float
        Input over output change in dB above the knee, 1-50.
    attack_ms, release_ms : float
        Time constants, 0.05-500 ms and 5-5000 ms.
    knee_db : float
        Width of the soft knee, 0-40 dB.
    makeup_db : float
        Gain after compression, -48 to 48 dB.
    mix : float
        Share of the compressed sound, 0-1; less than 1 is parallel compression.
    side_low_cut_hz : float
        Corner under which the detector hears nothing, 0 (it hears all) to 2000 Hz.
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
    >>> square = np.where(np.arange(48000) % 96 < 48, 1.0, -1.0)[None].astype(np.float32)
    >>> out = Compressor(threshold_db=-20.0, ratio=4.0, num_channels=1).process(square)
    >>> round(float(20 * np.log10(abs(out[0, -1]))), 2)
    -15.0
    """

    takes_side_chain = True
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("threshold_db", -20.0, -80.0, 0.0, "dBFS"),
        Parameter("ratio", 2.0, 1.0, 50.0, "", "log"),
        Parameter("attack_ms", 25.0, 0.05, 500.0, "ms", "log"),
        Parameter("release_ms", 180.0, 5.0, 5000.0, "ms", "log"),
        Parameter("knee_db", 8.0, 0.0, 40.0, "dB"),
        Parameter("makeup_db", 0.0, -48.0, 48.0, "dB"),
        Parameter("mix", 1.0, 0.0, 1.0),
        Parameter("side_low_cut_hz", 0.0, 0.0, 2000.0, "Hz"),
    )

    def __init__(
        self,
        *,
        threshold_db: float = -20.0,
        ratio: float = 2.0,
        attack_ms: float = 25.0,
        release_ms: float = 180.0,
        knee_db: float = 8.0,
        makeup_db: float = 0.0,
        mix: float = 1.0,
        side_low_cut_hz: float = 0.0,
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
            "attack_ms": attack_ms,
            "release_ms": release_ms,
            "knee_db": knee_db,
            "makeup_db": makeup_db,
            "mix": mix,
            "side_low_cut_hz": side_low_cut_hz,
        }
        super().__init__(values, sample_rate=sample_rate, num_channels=num_channels)

    @property
    def latency_samples(self) -> int:
        """Samples by which the output lags behind the input: the look-ahead."""
        return self._lookahead

    @property
    def tail_sec(self) -> float:
        """Seconds for which it sounds on: none beyond its latency."""
        return 0.0

    @property
    def largest_reduction_db(self) -> float:
        """The most that was taken away since the start, makeup left out."""
        return float(self._state[2])

    def reduction_db(self, level_db: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the static curve as the knobs stand: dB taken away at each level."""
        return reduction_curve(
            level_db,
            threshold_db=self.get("threshold_db"),
            ratio=self.get("ratio"),
            knee_db=self.get("knee_db"),
        )

    def _clear(self) -> None:
        self._state = np.zeros(3)
        self._delay = FixedDelay(self.num_channels, self._lookahead)
        self._cut = svf.new_state(self.num_channels)

    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        audio = self._delay.next(block)
        heard = audio
        if side_chain is not None or self._lookahead:
            heard = np.array(block if side_chain is None else side_chain, order="C")
        heard = self._without_bass(heard, curves)
        run_dynamics(
            audio, heard, COMPRESS, self._is_rms, self._window_ms, curves["threshold_db"],
            curves["ratio"], curves["knee_db"], svf.constant(_NO_LIMIT_DB, block.shape[1]),
            curves["attack_ms"], curves["release_ms"], curves["makeup_db"], curves["mix"],
            self.sample_rate, self._state,
        )  # fmt: skip
        return audio

    def _without_bass(self, heard: NDArray[np.float32], curves: Curves) -> NDArray[np.float32]:
        cutoff_hz = curves["side_low_cut_hz"]
        if not cutoff_hz.any():
            self._cut = svf.new_state(self.num_channels)
            return heard
        heard = heard.copy()
        share = np.minimum(cutoff_hz / 20.0, 1.0)  # comes in by degrees up to 20 Hz
        share.flags.writeable = False
        quality = svf.constant(math.sqrt(0.5), len(cutoff_hz))
        svf.run_svf(
            heard, svf.KINDS["high_pass"], cutoff_hz, quality, share, self.sample_rate, self._cut
        )
        return heard
