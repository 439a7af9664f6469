"""Flanger: a comb whose teeth sweep, as two tape machines drifting apart.

Purpose: jet-like sweeps, metallic shimmer, or with ``through_zero_ms`` the tape trick itself.

Conventions: the wet sound is ``delay_ms`` late, swinging by ``depth_ms`` either way; where dry and
wet are equally loud, notches stand at odd multiples of half the inverse delay. ``feedback`` below
nought sharpens the gaps instead of the peaks. With ``through_zero_ms`` the dry sound is late by
that much too (and reported as latency), so that the wet one can overtake it.

Public names: :class:`Flanger`.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.audio.compiled import compiled
from leitmotiv.effects.delay_line import TINY, glide, glide_pace, make_line, stacked, tap6
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter, check_range

__all__ = ["Flanger"]


@compiled
def _flange(
    audio: NDArray[np.float32],
    line: NDArray[np.float32],
    dry_line: NDArray[np.float32],
    phase: NDArray[np.float64],
    glides: NDArray[np.float64],
    counter: NDArray[np.int64],
    knobs: NDArray[np.float64],
    sample_rate: float,
    pace: float,
    behind: int,
) -> None:
    """Flange in place. ``knobs`` rows: rate, depth, delay, feedback, stereo phase, wet, dry."""
    num_channels, num_samples = audio.shape
    mask, dry_mask = line.shape[1] - 1, dry_line.shape[1] - 1
    samples_per_ms = 1e-3 * sample_rate
    write = counter[0]
    for n in range(num_samples):
        depth = glide(glides[0], knobs[1, n] * samples_per_ms, pace, 0.5)
        delay = glide(glides[1], knobs[2, n] * samples_per_ms, pace, 0.5)
        for channel in range(num_channels):
            sample = np.float64(audio[channel, n])
            offset = channel * knobs[4, n] / 360.0
            swing = math.sin(2.0 * math.pi * (phase[0] + offset))
            wet = tap6(line, channel, write, max(delay + depth * swing, 3.0))
            entering = sample + knobs[3, n] * wet
            line[channel, write & mask] = entering if abs(entering) > TINY else 0.0
            dry_line[channel, write & dry_mask] = sample
            dry = dry_line[channel, (write - behind) & dry_mask]
            audio[channel, n] = knobs[6, n] * dry + knobs[5, n] * wet
        phase[0] += knobs[0, n] / sample_rate
        phase[0] -= math.floor(phase[0])
        write += 1
    counter[0] = write


class Flanger(AutomatedEffect):
    """A flanger.

    Parameters
    ----------
    rate_hz : float
        Sweeps a second, 0.01-10 Hz.
    depth_ms : float
        Swing either way, 0-10 ms.
    delay_ms : float
        Lateness in the middle of the sweep, 0.2-15 ms. The wet sound is never less than three
        samples late.
    feedback : float
        -0.95 to 0.95.
    stereo_phase_deg : float
        By how much each channel's sweep is ahead of the one before, 0-180 degrees.
    wet_level, dry_level : float
        Linear gains; notches are deepest where both are equal.
    through_zero_ms : float
        Lateness of the dry sound, 0-15 ms.
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
    >>> flanger = Flanger(delay_ms=1.0, depth_ms=0.0, feedback=0.0)
    >>> tone = np.sin(2 * np.pi * 500 * np.arange(9600) / 48000)  # half a period late: a notch
    >>> out = flanger.process(np.stack([tone, tone]).astype(np.float32))
    >>> bool(np.abs(out[:, 480:]).max() < 1e-4)
    True
    """

    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("rate_hz", 0.2, 0.01, 10.0, "Hz", scale="log"),
        Parameter("depth_ms", 1.5, 0.0, 10.0, "ms"),
        Parameter("delay_ms", 2.5, 0.2, 15.0, "ms", scale="log"),
        Parameter("feedback", 0.4, -0.95, 0.95),
        Parameter("stereo_phase_deg", 60.0, 0.0, 180.0, "degrees"),
        Parameter("wet_level", 0.7, 0.0, 2.0),
        Parameter("dry_level", 0.7, 0.0, 2.0),
    )

    def __init__(
        self,
        *,
        rate_hz: float = 0.2,
        depth_ms: float = 1.5,
        delay_ms: float = 2.5,
        feedback: float = 0.4,
        stereo_phase_deg: float = 60.0,
        wet_level: float = 0.7,
        dry_level: float = 0.7,
        through_zero_ms: float = 0.0,
        sample_rate: int = SAMPLE_RATE,
        num_channels: int = 2,
    ) -> None:
        check_range("through_zero_ms", through_zero_ms, 0.0, 15.0, "ms")
        self._behind = round(through_zero_ms * 1e-3 * sample_rate)
        super().__init__(
            {
                "rate_hz": rate_hz,
                "depth_ms": depth_ms,
                "delay_ms": delay_ms,
                "feedback": feedback,
                "stereo_phase_deg": stereo_phase_deg,
                "wet_level": wet_level,
                "dry_level": dry_level,
            },
            sample_rate=sample_rate,
            num_channels=num_channels,
        )

    @property
    def latency_samples(self) -> int:
        """Samples by which the dry sound is late."""
        return self._behind

    @property
    def tail_sec(self) -> float:
        """Seconds until the comb has fallen by 60 dB."""
        feedback = abs(self.get("feedback"))
        repeats = 0 if feedback == 0 else math.log(1e-3) / math.log(feedback)
        return 1e-3 * (self.get("delay_ms") + self.get("depth_ms")) * (1 + repeats)

    def _clear(self) -> None:
        self._line = make_line(self.num_channels, 0.026 * self.sample_rate + 4)
        self._dry_line = make_line(self.num_channels, self._behind)
        self._phase = np.zeros(1)
        self._glides = np.full((2, 2), np.nan)
        self._counter = np.zeros(1, dtype=np.int64)
        self._pace = glide_pace(self.sample_rate, 60.0)

    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        audio = np.array(block, order="C")
        _flange(
            audio,
            self._line,
            self._dry_line,
            self._phase,
            self._glides,
            self._counter,
            stacked(curves, self.parameters),
            float(self.sample_rate),
            self._pace,
            self._behind,
        )
        return audio
