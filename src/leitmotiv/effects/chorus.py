"""Chorus: one sound becomes several that are never quite in tune or in time.

Purpose: width and warmth.

Conventions: each voice is the input, ``delay_ms`` late, its lateness swinging by ``depth_ms``
either way; voices are spread evenly over the swing, and each swings a little faster or slower than
its neighbour so that the pattern does not repeat. Channels are ``stereo_phase_deg`` apart. The
voices together hold the power of one.

Public names: :class:`Chorus`.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.audio.compiled import compiled
from leitmotiv.effects.delay_line import glide, glide_pace, make_line, stacked, tap6
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter, check_range

__all__ = ["Chorus"]

_RATE_SPREAD = 0.13  # the fastest voice swings by this much faster than the slowest


@compiled
def _thicken(
    audio: NDArray[np.float32],
    line: NDArray[np.float32],
    phases: NDArray[np.float64],
    speeds: NDArray[np.float64],
    glides: NDArray[np.float64],
    counter: NDArray[np.int64],
    knobs: NDArray[np.float64],
    sample_rate: float,
    pace: float,
) -> None:
    """Add voices in place. ``knobs`` rows: rate, depth, delay, stereo phase, wet, dry."""
    num_channels, num_samples = audio.shape
    num_voices = len(phases)
    mask = line.shape[1] - 1
    share = 1.0 / math.sqrt(num_voices)
    samples_per_ms = 1e-3 * sample_rate
    write = counter[0]
    for n in range(num_samples):
        depth = glide(glides[0], knobs[1, n] * samples_per_ms, pace, 0.5)
        delay = glide(glides[1], knobs[2, n] * samples_per_ms, pace, 0.5)
        for channel in range(num_channels):
            sample = np.float64(audio[channel, n])
            line[channel, write & mask] = sample
            offset = channel * knobs[3, n] / 360.0
            wet = 0.0
            for voice in range(num_voices):
                swing = math.sin(2.0 * math.pi * (phases[voice] + offset))
                wet += tap6(line, channel, write, max(delay + depth * swing, 2.0))
            audio[channel, n] = knobs[5, n] * sample + knobs[4, n] * share * wet
        for voice in range(num_voices):
            phases[voice] += speeds[voice] * knobs[0, n] / sample_rate
            phases[voice] -= math.floor(phases[voice])
        write += 1
    counter[0] = write


class Chorus(AutomatedEffect):
    """A chorus of one to eight voices.

    Parameters
    ----------
    rate_hz : float
        Swings a second, 0.02-10 Hz.
    depth_ms : float
        Swing of each voice either way, 0-10 ms.
    delay_ms : float
        Lateness of the voices in the middle of the swing, 1-50 ms.
    stereo_phase_deg : float
        By how much each channel's swing is ahead of the one before, 0-180 degrees.
    wet_level, dry_level : float
        Linear gains of the voices and of the input.
    num_voices : int
        1-8.
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
    >>> click = np.zeros((2, 4800), np.float32)
    >>> click[:, 0] = 1.0
    >>> out = Chorus(delay_ms=10.0, depth_ms=0.0, num_voices=1, dry_level=0.0).process(click)
    >>> int(np.argmax(out[0]))
    480
    """

    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("rate_hz", 0.6, 0.02, 10.0, "Hz", scale="log"),
        Parameter("depth_ms", 2.5, 0.0, 10.0, "ms"),
        Parameter("delay_ms", 12.0, 1.0, 50.0, "ms", scale="log"),
        Parameter("stereo_phase_deg", 90.0, 0.0, 180.0, "degrees"),
        Parameter("wet_level", 0.5, 0.0, 2.0),
        Parameter("dry_level", 1.0, 0.0, 2.0),
    )

    def __init__(
        self,
        *,
        rate_hz: float = 0.6,
        depth_ms: float = 2.5,
        delay_ms: float = 12.0,
        stereo_phase_deg: float = 90.0,
        wet_level: float = 0.5,
        dry_level: float = 1.0,
        num_voices: int = 3,
        sample_rate: int = SAMPLE_RATE,
        num_channels: int = 2,
    ) -> None:
        check_range("num_voices", num_voices, 1, 8, "")
        self.num_voices = int(num_voices)
        super().__init__(
            {
                "rate_hz": rate_hz,
                "depth_ms": depth_ms,
                "delay_ms": delay_ms,
                "stereo_phase_deg": stereo_phase_deg,
                "wet_level": wet_level,
                "dry_level": dry_level,
            },
            sample_rate=sample_rate,
            num_channels=num_channels,
        )

    @property
    def tail_sec(self) -> float:
        """Seconds until the latest voice has spoken."""
        return 1e-3 * (self.get("delay_ms") + self.get("depth_ms"))

    def _clear(self) -> None:
        self._line = make_line(self.num_channels, 0.061 * self.sample_rate + 4)
        voices = np.arange(self.num_voices) / self.num_voices
        self._phases = voices.copy()
        self._speeds = 1.0 + _RATE_SPREAD * voices
        self._glides = np.full((2, 2), np.nan)
        self._counter = np.zeros(1, dtype=np.int64)
        self._pace = glide_pace(self.sample_rate, 60.0)

    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        audio = np.array(block, order="C")
        _thicken(
            audio,
            self._line,
            self._phases,
            self._speeds,
            self._glides,
            self._counter,
            stacked(curves, self.parameters),
            float(self.sample_rate),
            self._pace,
        )
        return audio
