"""Tremolo: loudness that swings, in place, from side to side, or between lows and highs.

Purpose: movement in held sounds.

Conventions: ``kind="tremolo"`` swings the level, the sides apart by ``stereo_phase_deg``;
``"auto_pan"`` swings the place at constant power (stereo only); ``"harmonic"`` swings lows and
highs against each other, as brown-panel amplifiers did. The swing starts at full level. ``depth``
1 reaches silence. ``shape`` bends the sine (0) towards a square with soft corners (1).

Public names: :class:`Tremolo`.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.audio.compiled import compiled
from leitmotiv.effects.delay_line import TINY, stacked
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter
from leitmotiv.errors import AudioError

__all__ = ["Tremolo"]

Kind = Literal["tremolo", "auto_pan", "harmonic"]
_KINDS: tuple[str, ...] = get_args(Kind)
_GAIN_MS = 1.0  # a gain that steps (square, automation) takes this long


@compiled
def _swing(
    audio: NDArray[np.float32],
    phase: NDArray[np.float64],
    gains: NDArray[np.float64],
    lows: NDArray[np.float64],
    knobs: NDArray[np.float64],
    sample_rate: float,
    pace: float,
    kind: int,
) -> None:
    """Swing a block in place. ``knobs`` rows: rate, depth, shape, stereo phase, crossover.

    ``gains`` holds two smoothed gains a channel; those below nought are not set yet.
    """
    num_channels, num_samples = audio.shape
    last_hz, pole = -1.0, 0.0
    for n in range(num_samples):
        depth, bend = knobs[1, n], 8.0 * knobs[2, n]
        if knobs[4, n] != last_hz:
            last_hz = knobs[4, n]
            pole = math.exp(-2.0 * math.pi * last_hz / sample_rate)
        for channel in range(num_channels):
            offset = 0.0 if kind == 1 else channel * knobs[3, n] / 360.0
            wave = math.cos(2.0 * math.pi * (phase[0] + offset))
            if bend > 0.01:
                wave = math.tanh(bend * wave) / math.tanh(bend)
            if kind == 1:
                angle = math.pi / 4.0 * (1.0 + depth * wave)
                first = math.sqrt(2.0) * (math.cos(angle) if channel == 0 else math.sin(angle))
                second = first
            else:
                first = 1.0 - depth * (0.5 - 0.5 * wave)
                second = 1.0 - depth * (0.5 + 0.5 * wave)
            if gains[channel, 0] < -0.5:
                gains[channel, 0], gains[channel, 1] = first, second
            gains[channel, 0] += pace * (first - gains[channel, 0])
            gains[channel, 1] += pace * (second - gains[channel, 1])
            sample = np.float64(audio[channel, n])
            if kind == 2:
                low = (1.0 - pole) * sample + pole * lows[channel]
                lows[channel] = low if abs(low) > TINY else 0.0
                audio[channel, n] = gains[channel, 0] * low + gains[channel, 1] * (sample - low)
            else:
                audio[channel, n] = gains[channel, 0] * sample
        phase[0] += knobs[0, n] / sample_rate
        phase[0] -= math.floor(phase[0])


class Tremolo(AutomatedEffect):
    """A tremolo, auto-pan or harmonic tremolo.

    Parameters
    ----------
    rate_hz : float
        Swings a second, 0.02-20 Hz.
    depth : float
        0 (still) to 1 (down to silence, or from side to side).
    shape : float
        0 (sine) to 1 (square with soft corners).
    stereo_phase_deg : float
        By how much each channel's swing is ahead of the one before, 0-180 degrees.
    crossover_hz : float
        Where lows meet highs in the harmonic kind, 100-4000 Hz.
    kind : {"tremolo", "auto_pan", "harmonic"}
        What swings.
    sample_rate : int
        Hz.
    num_channels : int
        Channels of every block; ``"auto_pan"`` needs two.

    Raises
    ------
    AudioError
        If a parameter is out of range or the kind does not exist.

    Examples
    --------
    >>> import numpy as np
    >>> tone = np.ones((1, 48000), np.float32)
    >>> out = Tremolo(rate_hz=2.0, depth=0.5, num_channels=1).process(tone)
    >>> round(float(out.max()), 2), round(float(out.min()), 2)
    (1.0, 0.5)
    """

    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("rate_hz", 4.0, 0.02, 20.0, "Hz", scale="log"),
        Parameter("depth", 0.5, 0.0, 1.0),
        Parameter("shape", 0.0, 0.0, 1.0),
        Parameter("stereo_phase_deg", 0.0, 0.0, 180.0, "degrees"),
        Parameter("crossover_hz", 700.0, 100.0, 4000.0, "Hz", scale="log"),
    )

    def __init__(
        self,
        *,
        rate_hz: float = 4.0,
        depth: float = 0.5,
        shape: float = 0.0,
        stereo_phase_deg: float = 0.0,
        crossover_hz: float = 700.0,
        kind: Kind = "tremolo",
        sample_rate: int = SAMPLE_RATE,
        num_channels: int = 2,
    ) -> None:
        if kind not in _KINDS:
            raise AudioError(f"kind={kind!r} must be one of {', '.join(_KINDS)}")
        if kind == "auto_pan" and num_channels != 2:
            raise AudioError(f"num_channels={num_channels} must be 2 for kind='auto_pan'")
        self.kind = kind
        super().__init__(
            {
                "rate_hz": rate_hz,
                "depth": depth,
                "shape": shape,
                "stereo_phase_deg": stereo_phase_deg,
                "crossover_hz": crossover_hz,
            },
            sample_rate=sample_rate,
            num_channels=num_channels,
        )

    def _clear(self) -> None:
        self._phase = np.zeros(1)
        self._gains = np.full((self.num_channels, 2), -1.0)
        self._lows = np.zeros(self.num_channels)
        self._pace = 1.0 - math.exp(-1.0 / (_GAIN_MS * 1e-3 * self.sample_rate))

    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        audio = np.array(block, order="C")
        _swing(
            audio,
            self._phase,
            self._gains,
            self._lows,
            stacked(curves, self.parameters),
            float(self.sample_rate),
            self._pace,
            _KINDS.index(self.kind),
        )
        return audio
