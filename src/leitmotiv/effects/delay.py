"""Delay: echoes with feedback and damping, straight or from side to side.

Purpose: rhythmic echoes that sink into the background.

Conventions: ``feedback`` is the gain from echo to echo. ``ping_pong`` feeds each side's echo to
the other side. Each repeat loses top through one averaging filter; the first echo is as bright
as the input. A delay time that moves glides like a tape whose speed changes.

Public names: :class:`Delay`.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.audio.compiled import compiled
from leitmotiv.effects.delay_line import TINY, glide, glide_pace, make_line, stacked, tap6
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter

__all__ = ["Delay"]


@compiled
def _echo(
    audio: NDArray[np.float32],
    line: NDArray[np.float32],
    memory: NDArray[np.float64],
    times: NDArray[np.float64],
    counter: NDArray[np.int64],
    knobs: NDArray[np.float64],
    sample_rate: float,
    pace: float,
    ping_pong: bool,
) -> None:
    """Echo a block in place. ``knobs`` rows: delay, feedback, damping, wet, dry."""
    num_channels, num_samples = audio.shape
    mask = line.shape[1] - 1
    write = counter[0]
    last_hz, pole = -1.0, 0.0
    for n in range(num_samples):
        delay = max(glide(times, knobs[0, n] * sample_rate, pace, 0.5), 3.0)
        if knobs[2, n] != last_hz:
            last_hz = knobs[2, n]
            pole = math.exp(-2.0 * math.pi * last_hz / sample_rate)
        wet, dry = knobs[3, n], knobs[4, n]
        for channel in range(num_channels):
            dry_sample = np.float64(audio[channel, n])
            echo = tap6(line, channel, write, delay)
            damped = (1.0 - pole) * echo + pole * memory[channel]
            memory[channel] = damped if abs(damped) > TINY else 0.0
            audio[channel, n] = dry * dry_sample + wet * echo
            line[channel, write & mask] = dry_sample
        for channel in range(num_channels):
            source = channel
            if ping_pong and channel ^ 1 < num_channels:
                source = channel ^ 1
            line[channel, write & mask] += knobs[1, n] * memory[source]
        write += 1
    counter[0] = write


class Delay(AutomatedEffect):
    """A feedback delay.

    Parameters
    ----------
    delay_sec : float
        Time from echo to echo, 0.001-5 s.
    feedback : float
        Gain from echo to echo, 0-0.95.
    damping_hz : float
        Corner of the one-pole low pass in the loop, 200-20000 Hz.
    ping_pong : bool
        Whether echoes change sides (channels 0 and 1, 2 and 3, ...).
    wet_level, dry_level : float
        Linear gains of the echoes and of the input.
    sample_rate : int
        Hz.
    num_channels : int
        Channels of every block.

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

    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("delay_sec", 0.375, 0.001, 5.0, "seconds", scale="log"),
        Parameter("feedback", 0.35, 0.0, 0.95),
        Parameter("damping_hz", 5000.0, 200.0, 20_000.0, "Hz", scale="log"),
        Parameter("wet_level", 0.3, 0.0, 2.0),
        Parameter("dry_level", 1.0, 0.0, 2.0),
    )

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
        num_channels: int = 2,
    ) -> None:
        self.ping_pong = bool(ping_pong)
        super().__init__(
            {
                "delay_sec": delay_sec,
                "feedback": feedback,
                "damping_hz": damping_hz,
                "wet_level": wet_level,
                "dry_level": dry_level,
            },
            sample_rate=sample_rate,
            num_channels=num_channels,
        )

    @property
    def tail_sec(self) -> float:
        """Seconds until the echoes have fallen by 60 dB."""
        feedback, delay_sec = self.get("feedback"), self.get("delay_sec")
        repeats = 0 if feedback == 0 else math.log(1e-3) / math.log(feedback)
        return delay_sec * (1 + repeats)

    def _clear(self) -> None:
        self._line = make_line(self.num_channels, 5.0 * self.sample_rate + 4)
        self._memory = np.zeros(self.num_channels)
        self._times = np.full(2, np.nan)
        self._counter = np.zeros(1, dtype=np.int64)
        self._pace = glide_pace(self.sample_rate, 120.0)

    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        audio = np.array(block, order="C")
        _echo(
            audio,
            self._line,
            self._memory,
            self._times,
            self._counter,
            stacked(curves, self.parameters),
            float(self.sample_rate),
            self._pace,
            self.ping_pong,
        )
        return audio
