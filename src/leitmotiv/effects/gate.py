"""Gate: lets through what is loud enough, and shuts behind it.

Conventions: it opens when the peak level passes ``threshold_db`` and starts to shut once the level
has been ``hysteresis_db`` below that for ``hold_ms``, so that it does not flutter on a fading
note. Shut, it lets ``-range_db`` through. ``attack_ms`` and ``release_ms`` are the times in which
the gain (as amplitude) gets to 63 % of its way. With a side chain the level is the side chain's.

Public names: :class:`Gate`.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.audio.compiled import compiled
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter, check_range
from leitmotiv.effects.level import FixedDelay

__all__ = ["Gate"]

_PEAK_FADES_MS = 5.0  # a low note's level must not fall between its crests
_WHOLLY_SHUT_DB = 100.0


@compiled
def _run_gate(
    audio: NDArray[np.float32],
    heard: NDArray[np.float32],
    threshold_db: NDArray[np.float64],
    hysteresis_db: NDArray[np.float64],
    range_db: NDArray[np.float64],
    attack_ms: NDArray[np.float64],
    hold_ms: NDArray[np.float64],
    release_ms: NDArray[np.float64],
    fade: float,
    sample_rate: float,
    state: NDArray[np.float64],
) -> None:
    """Gate in place; ``state`` is peak, gain, and samples for which it stays open."""
    last_threshold, last_hysteresis, last_range = 1e9, -1.0, -1.0
    last_attack, last_release = -1.0, -1.0
    opens = shuts = floor = attack = release = 0.0
    peak, gain, held = state[0], state[1], state[2]
    for n in range(audio.shape[1]):
        if threshold_db[n] != last_threshold or hysteresis_db[n] != last_hysteresis:
            last_threshold, last_hysteresis = threshold_db[n], hysteresis_db[n]
            opens = 10.0 ** (last_threshold / 20.0)
            shuts = 10.0 ** ((last_threshold - last_hysteresis) / 20.0)
        if range_db[n] != last_range:
            last_range = range_db[n]
            floor = 0.0 if last_range >= _WHOLLY_SHUT_DB else 10.0 ** (-last_range / 20.0)
        if attack_ms[n] != last_attack or release_ms[n] != last_release:
            last_attack, last_release = attack_ms[n], release_ms[n]
            attack = 1.0 - math.exp(-1000.0 / (last_attack * sample_rate))
            release = 1.0 - math.exp(-1000.0 / (last_release * sample_rate))
        peak = peak * fade if peak > 1e-20 else 0.0
        for channel in range(heard.shape[0]):
            peak = max(peak, abs(float(heard[channel, n])))
        if peak >= opens or (peak >= shuts and held > 0.0):
            held = 1.0 + hold_ms[n] * 1e-3 * sample_rate
        else:
            held = max(held - 1.0, 0.0)
        if held > 0.0:
            gain += attack * (1.0 - gain)
        else:
            gain += release * (floor - gain)
            if gain < 1e-12:
                gain = 0.0
        for channel in range(audio.shape[0]):
            audio[channel, n] *= gain
    state[0], state[1], state[2] = peak, gain, held


class Gate(AutomatedEffect):
    """A noise gate.

    Parameters
    ----------
    threshold_db : float
        Peak level in dBFS that opens it, -100 to 0.
    hysteresis_db : float
        How far below it shuts, 0-24 dB.
    range_db : float
        What is taken away when shut, 0-100 dB; 100 is silence.
    attack_ms, hold_ms, release_ms : float
        0.05-200, 0-2000 and 1-5000 ms.
    lookahead_ms : float
        0-20 ms, reported as latency: it opens before the sound is there.
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
    >>> hiss = np.full((2, 480), 1e-4, np.float32)
    >>> bool(Gate(threshold_db=-60.0, range_db=100.0).process(hiss).any())
    False
    """

    takes_side_chain = True
    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("threshold_db", -50.0, -100.0, 0.0, "dBFS"),
        Parameter("hysteresis_db", 6.0, 0.0, 24.0, "dB"),
        Parameter("range_db", 80.0, 0.0, _WHOLLY_SHUT_DB, "dB"),
        Parameter("attack_ms", 1.0, 0.05, 200.0, "ms", "log"),
        Parameter("hold_ms", 30.0, 0.0, 2000.0, "ms"),
        Parameter("release_ms", 120.0, 1.0, 5000.0, "ms", "log"),
    )

    def __init__(
        self,
        *,
        threshold_db: float = -50.0,
        hysteresis_db: float = 6.0,
        range_db: float = 80.0,
        attack_ms: float = 1.0,
        hold_ms: float = 30.0,
        release_ms: float = 120.0,
        lookahead_ms: float = 0.0,
        sample_rate: int = SAMPLE_RATE,
        num_channels: int = 2,
    ) -> None:
        check_range("lookahead_ms", lookahead_ms, 0.0, 20.0, "ms")
        self._lookahead = round(lookahead_ms * 1e-3 * sample_rate)
        values = {
            "threshold_db": threshold_db,
            "hysteresis_db": hysteresis_db,
            "range_db": range_db,
            "attack_ms": attack_ms,
            "hold_ms": hold_ms,
            "release_ms": release_ms,
        }
        super().__init__(values, sample_rate=sample_rate, num_channels=num_channels)

    @property
    def latency_samples(self) -> int:
        """Samples by which the output lags behind the input: the look-ahead."""
        return self._lookahead

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
        fade = math.exp(-1000.0 / (_PEAK_FADES_MS * self.sample_rate))
        _run_gate(
            audio, heard, curves["threshold_db"], curves["hysteresis_db"], curves["range_db"],
            curves["attack_ms"], curves["hold_ms"], curves["release_ms"], fade, self.sample_rate,
            self._state,
        )  # fmt: skip
        return audio
