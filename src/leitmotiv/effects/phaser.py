"""Phaser: notches that sweep through the sound, to and fro or for ever in one direction.

Purpose: slow movement in held chords.

Conventions: ``direction="sweep"`` sends the sound through ``num_stages`` first-order all-passes,
all tuned alike; where dry and wet are equally loud, notches stand where the stages together turn
the phase by odd half turns (four stages: 0.414 and 2.414 times the tuning). ``"up"`` and
``"down"`` are the barber pole: ``num_stages`` notches, evenly apart in pitch, that fade in at one
end of the range and out at the other, so that the sweep never ends; ``rate_hz`` is then how often
the pattern has moved by one notch.

References: F. Esqueda, V. Välimäki, J. Parker, *Barberpole Phasing and Flanging Illusions*,
DAFx-15, section 3 (cascaded time-varying notches); A. Simper, *Linear Trapezoidal State Variable
Filter*, 2013 (the bell used for the notches).

Public names: :class:`Phaser`.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.audio.compiled import compiled
from leitmotiv.effects.delay_line import TINY, stacked
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter, check_range
from leitmotiv.errors import AudioError

__all__ = ["Phaser"]

Direction = Literal["sweep", "up", "down"]
_DIRECTIONS: tuple[str, ...] = get_args(Direction)
_HOLD = 16  # samples for which the notches of the barber pole stand still
_CUT_DB = 30.0  # depth of a notch in the middle of the barber pole's range


@compiled
def _sweep(
    audio: NDArray[np.float32],
    stages: NDArray[np.float64],
    last: NDArray[np.float64],
    phase: NDArray[np.float64],
    knobs: NDArray[np.float64],
    sample_rate: float,
) -> None:
    """Phase a block in place.

    ``knobs`` rows: rate, centre, depth, feedback, stereo phase, wet, dry.
    """
    num_channels, num_samples = audio.shape
    num_stages = stages.shape[1]
    highest = 0.49 * sample_rate
    for n in range(num_samples):
        for channel in range(num_channels):
            swing = math.sin(2.0 * math.pi * (phase[0] + channel * knobs[4, n] / 360.0))
            tuning = min(knobs[1, n] * 2.0 ** (knobs[2, n] * swing), highest)
            tangent = math.tan(math.pi * tuning / sample_rate)
            a = (tangent - 1.0) / (tangent + 1.0)
            sample = np.float64(audio[channel, n])
            turned = sample + knobs[3, n] * last[channel]
            if abs(turned) < TINY:
                turned = 0.0
            for stage in range(num_stages):
                entered = turned
                turned = a * entered + stages[channel, stage]
                kept = entered - a * turned
                stages[channel, stage] = kept if abs(kept) > TINY else 0.0
            last[channel] = turned
            audio[channel, n] = knobs[6, n] * sample + knobs[5, n] * turned
        phase[0] += knobs[0, n] / sample_rate
        phase[0] -= math.floor(phase[0])


@compiled
def _barber_pole(
    audio: NDArray[np.float32],
    states: NDArray[np.float64],
    shapes: NDArray[np.float64],
    phase: NDArray[np.float64],
    counter: NDArray[np.int64],
    knobs: NDArray[np.float64],
    sample_rate: float,
    turn: float,
) -> None:
    """Send a block in place through notches that rise (turn 1) or fall (-1) for ever.

    ``states`` (channels, notches, 2), ``shapes`` (channels, notches, 4): the filters' memories
    and their coefficients, held for a few samples.
    """
    num_channels, num_samples = audio.shape
    num_notches = states.shape[1]
    highest = 0.45 * sample_rate
    for n in range(num_samples):
        if counter[0] % _HOLD == 0:
            span = 2.0 * knobs[2, n]
            # So narrow that the sound between two notches is whole but for 2 dB.
            octaves = 0.15 * max(span / num_notches, 0.1) * (1.0 - 0.7 * abs(knobs[3, n]))
            q = 1.0 / (2.0 * math.sinh(0.5 * math.log(2.0) * octaves))
            for channel in range(num_channels):
                for notch in range(num_notches):
                    place = phase[0] + channel * knobs[4, n] / 360.0 + notch
                    place /= num_notches
                    place -= math.floor(place)
                    window = 0.5 - 0.5 * math.cos(2.0 * math.pi * place)
                    amplitude = 10.0 ** (-_CUT_DB * window / 40.0)
                    tuning = min(knobs[1, n] * 2.0 ** (span * (place - 0.5)), highest)
                    g = math.tan(math.pi * tuning / sample_rate)
                    k = 1.0 / (q * amplitude)
                    a1 = 1.0 / (1.0 + g * (g + k))
                    shapes[channel, notch, 0] = a1
                    shapes[channel, notch, 1] = g * a1
                    shapes[channel, notch, 2] = g * g * a1
                    shapes[channel, notch, 3] = k * (amplitude * amplitude - 1.0)
        counter[0] += 1
        for channel in range(num_channels):
            sample = np.float64(audio[channel, n])
            wet = sample
            for notch in range(num_notches):
                first, second = states[channel, notch, 0], states[channel, notch, 1]
                a1, a2, a3 = (
                    shapes[channel, notch, 0],
                    shapes[channel, notch, 1],
                    shapes[channel, notch, 2],
                )
                v3 = wet - second
                v1 = a1 * first + a2 * v3
                v2 = second + a2 * first + a3 * v3
                first, second = 2.0 * v1 - first, 2.0 * v2 - second
                states[channel, notch, 0] = first if abs(first) > TINY else 0.0
                states[channel, notch, 1] = second if abs(second) > TINY else 0.0
                wet += shapes[channel, notch, 3] * v1
            audio[channel, n] = knobs[6, n] * sample + knobs[5, n] * wet
        phase[0] += turn * knobs[0, n] / sample_rate
        phase[0] -= num_notches * math.floor(phase[0] / num_notches)


class Phaser(AutomatedEffect):
    """A phaser, or a barber pole.

    Parameters
    ----------
    rate_hz : float
        Sweeps a second, 0.01-10 Hz; of the barber pole, notches a second.
    center_hz : float
        Tuning in the middle of the sweep, 50-8000 Hz.
    depth_octaves : float
        Sweep either way, 0-4 octaves; of the barber pole, half its range.
    feedback : float
        -0.95 to 0.95: sharper notches. The barber pole takes its size for the sharpness.
    stereo_phase_deg : float
        By how much each channel's sweep is ahead of the one before, 0-180 degrees.
    wet_level, dry_level : float
        Linear gains of the turned sound and of the input. The sweep needs both for notches; the
        barber pole has its own and sounds at its fullest without the dry sound.
    num_stages : int
        2-16 all-passes (even), or notches of the barber pole.
    direction : {"sweep", "up", "down"}
        To and fro, or for ever up or down.
    sample_rate : int
        Hz.
    num_channels : int
        Channels of every block.

    Raises
    ------
    AudioError
        If a parameter is out of range or the direction does not exist.

    Examples
    --------
    >>> import numpy as np
    >>> phaser = Phaser(center_hz=1000.0, depth_octaves=0.0, feedback=0.0, num_stages=2)
    >>> tone = np.sin(2 * np.pi * 1000 * np.arange(9600) / 48000)  # two quarter turns: a notch
    >>> out = phaser.process(np.stack([tone, tone]).astype(np.float32))
    >>> bool(np.abs(out[:, 4800:]).max() < 1e-3)
    True
    """

    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("rate_hz", 0.25, 0.01, 10.0, "Hz", scale="log"),
        Parameter("center_hz", 800.0, 50.0, 8000.0, "Hz", scale="log"),
        Parameter("depth_octaves", 1.5, 0.0, 4.0, "octaves"),
        Parameter("feedback", 0.3, -0.95, 0.95),
        Parameter("stereo_phase_deg", 60.0, 0.0, 180.0, "degrees"),
        Parameter("wet_level", 0.6, 0.0, 2.0),
        Parameter("dry_level", 0.6, 0.0, 2.0),
    )

    def __init__(
        self,
        *,
        rate_hz: float = 0.25,
        center_hz: float = 800.0,
        depth_octaves: float = 1.5,
        feedback: float = 0.3,
        stereo_phase_deg: float = 60.0,
        wet_level: float = 0.6,
        dry_level: float = 0.6,
        num_stages: int = 6,
        direction: Direction = "sweep",
        sample_rate: int = SAMPLE_RATE,
        num_channels: int = 2,
    ) -> None:
        check_range("num_stages", num_stages, 2, 16, "")
        if num_stages % 2:
            raise AudioError(f"num_stages={num_stages} must be even: pairs of stages make notches")
        if direction not in _DIRECTIONS:
            raise AudioError(f"direction={direction!r} must be one of {', '.join(_DIRECTIONS)}")
        self.num_stages, self.direction = int(num_stages), direction
        super().__init__(
            {
                "rate_hz": rate_hz,
                "center_hz": center_hz,
                "depth_octaves": depth_octaves,
                "feedback": feedback,
                "stereo_phase_deg": stereo_phase_deg,
                "wet_level": wet_level,
                "dry_level": dry_level,
            },
            sample_rate=sample_rate,
            num_channels=num_channels,
        )

    @property
    def tail_sec(self) -> float:
        """Seconds until the ring of the sharpest setting has fallen by 60 dB, about."""
        return 20.0 / self.get("center_hz") / (1.0 - abs(self.get("feedback")))

    def _clear(self) -> None:
        self._phase = np.zeros(1)
        if self.direction == "sweep":
            self._stages = np.zeros((self.num_channels, self.num_stages))
            self._last = np.zeros(self.num_channels)
        else:
            self._states = np.zeros((self.num_channels, self.num_stages, 2))
            self._shapes = np.zeros((self.num_channels, self.num_stages, 4))
            self._counter = np.zeros(1, dtype=np.int64)

    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        audio = np.array(block, order="C")
        knobs, sample_rate = stacked(curves, self.parameters), float(self.sample_rate)
        if self.direction == "sweep":
            _sweep(audio, self._stages, self._last, self._phase, knobs, sample_rate)
        else:
            turn = 1.0 if self.direction == "up" else -1.0
            _barber_pole(
                audio,
                self._states,
                self._shapes,
                self._phase,
                self._counter,
                knobs,
                sample_rate,
                turn,
            )
        return audio
