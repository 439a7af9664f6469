"""Tape: magnetisation with hysteresis, head bump, treble loss, wow and flutter, hiss.

How it works: the tape follows the driven sound ``u`` with a lag ``e`` that grows on the way out,
``de/du = a (1 - (e/c)²)``, towards a width ``c``, and shrinks in a straight line on the way back
(the loop of Bouc and Wen, each step solved exactly); the magnetisation is ``tanh(u - e)``. So loud
sound leaves its ways out and back apart, as a loop, and quiet sound passes by a straight line.
All this runs at a multiple of the sample rate and stays bounded whatever comes in. Heads give no
direct current and stress the frequency whose wave is as long as they are (the bump); short waves
are lost. The transport is a delay whose length drifts (wow, below 1 Hz) and trembles (flutter,
5-12 Hz).

Conventions: ``drive_db`` is the gain onto the tape, taken back behind it. ``wow_percent`` and
``flutter_percent`` are the largest deviations of speed. ``hiss_db`` is the level of the noise in
dB RMS; at -120 there is none. Bump and treble lie where ``speed_ips`` (inches a second) puts them.
The latency holds the longest delay in its middle.

Public names: :class:`Tape`.

References: Bouc, *Modèle mathématique d'hystérésis* (Acustica 24, 1971) and Wen (J. Eng. Mech. 102,
1976), the loop with exponent 2; Chowdhury, *Real-time physical modelling for analog tape machines*
(DAFx 2019), the parts of a machine; Steele, Lea and Flood, *Fast splittable pseudorandom number
generators* (OOPSLA 2014), the hash behind the noise.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.audio.compiled import compiled
from leitmotiv.effects import svf
from leitmotiv.effects.delay_line import make_line, tap6
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter, check_range
from leitmotiv.effects.level import FixedDelay, fast_exp2
from leitmotiv.effects.oversampling import TAPS, Oversampler
from leitmotiv.effects.saturation import TANH, run_curve
from leitmotiv.errors import AudioError

__all__ = ["Tape"]

# Speed in inches a second: frequency of the bump, and where treble is 3 dB down.
SPEEDS = {3.75: (15.0, 9_000.0), 7.5: (30.0, 14_000.0), 15.0: (60.0, 18_000.0),
          30.0: (120.0, 22_000.0)}  # fmt: skip
NO_HISS_DB = -120.0
_WIDTH = 0.4  # of the loop, half of it, where tanh bends at 1
_STEEPEST_LAG = 0.5  # share of a small step by which a fully hysteretic tape stays behind
_LOWEST_HZ = 18.0
_TRANSPORT_MS = 6.0  # the middle of the moving delay
# Frequencies and shares of the deviation of speed: three of wow, three of flutter.
_RATES_HZ = (0.31, 0.57, 0.89, 5.3, 7.9, 11.7)
_SHARES = (0.4, 0.35, 0.25, 0.4, 0.35, 0.25)


@compiled
def _lag(
    audio: NDArray[np.float32],
    hysteresis: NDArray[np.float64],
    factor: int,
    state: NDArray[np.float64],
) -> None:
    """Take the lag off the field, float32 (channels, samples), in place.

    ``state``: last field, and lag as a share of its width, a channel.
    """
    for channel in range(audio.shape[0]):
        field, share = state[channel, 0], state[channel, 1]
        for n in range(audio.shape[1]):
            slope = _STEEPEST_LAG * hysteresis[n // factor]
            now = float(audio[channel, n])
            step = (now - field) * slope / _WIDTH
            field = now
            if step * share < 0.0:
                back = share + step
                # Past zero the rest of the step is a way out again.
                share = back if back * share >= 0.0 else _tanh(back)
            else:
                t = _tanh(step)
                share = (share + t) / (1.0 + share * t)
            if abs(share) < 1e-20:
                share = 0.0
            audio[channel, n] = (now - _WIDTH * share) / (1.0 - slope)
        state[channel, 0], state[channel, 1] = field, share


@compiled
def _tanh(x: float) -> float:
    """Hyperbolic tangent within 1e-7: a series where small, else by the fast power."""
    if abs(x) < 0.02:
        return x - x * x * x / 3.0
    bounded = min(max(x, -8.0), 8.0)
    return 1.0 - 2.0 / (1.0 + fast_exp2(2.8853900817779268 * bounded))


@compiled
def _random(index: int) -> float:
    """Return a number from -1 to 1 that belongs to the index (SplitMix64)."""
    z = np.uint64(index) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return np.float64(z >> np.uint64(11)) * (2.0 / 9007199254740992.0) - 1.0


@compiled
def _transport(
    audio: NDArray[np.float32],
    line: NDArray[np.float32],
    wow: NDArray[np.float64],
    flutter: NDArray[np.float64],
    hiss: NDArray[np.float64],
    middle: float,
    depths: NDArray[np.float64],
    turns: NDArray[np.float64],
    phasors: NDArray[np.float64],
    place: int,
    seed: int,
) -> None:
    """Delay in place by a time that wanders around ``middle`` samples, and add the noise.

    ``depths``: samples of delay a percent, for each rate; ``turns`` (rates, 2): cosine and sine
    of each rate's angle a sample; ``phasors`` (rates, 2): where each stands, carried on.
    """
    mask = line.shape[1] - 1
    num_channels = audio.shape[0]
    for n in range(audio.shape[1]):
        delay = middle
        for rate in range(len(depths)):
            c, s = phasors[rate, 0], phasors[rate, 1]
            phasors[rate, 0] = c * turns[rate, 0] - s * turns[rate, 1]
            phasors[rate, 1] = c * turns[rate, 1] + s * turns[rate, 0]
            delay += s * depths[rate] * (wow[n] if rate < 3 else flutter[n])
        write = place + n + 1
        for channel in range(num_channels):
            line[channel, (place + n) & mask] = audio[channel, n]
            y = tap6(line, channel, write, delay + 1.0)
            if hiss[n] > 0.0:
                # A noise that rises with frequency: each number less half of the one before.
                index = seed + (place + n) * num_channels + channel
                y += hiss[n] * (_random(index) - 0.5 * _random(index - num_channels))
            audio[channel, n] = y


class Tape(AutomatedEffect):
    """A tape machine.

    Parameters
    ----------
    drive_db : float
        Gain onto the tape, -12 to 36 dB.
    hysteresis : float
        Width of the loop, 0 (the curve is tanh) to 1.
    bump_db : float
        Height of the head bump, 0-12 dB.
    wow_percent, flutter_percent : float
        Largest deviation of speed, 0-1 and 0-1 %.
    hiss_db : float
        Level of the noise in dB RMS, -120 (none) to -30.
    output_db : float
        Gain behind all, -48 to 48 dB.
    speed_ips : float
        3.75, 7.5, 15 or 30 inches a second.
    oversampling : int
        2, 4 or 8.
    seed : int
        Of the noise and of where wow and flutter begin.
    sample_rate : int
        Hz.
    num_channels : int

    Raises
    ------
    AudioError
        If a value is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> sine = np.sin(np.arange(4800) / 10)[None].astype(np.float32)
    >>> bool(np.abs(Tape(drive_db=12.0, num_channels=1).process(sine)).max() < 0.4)
    True
    """

    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("drive_db", 6.0, -12.0, 36.0, "dB"),
        Parameter("hysteresis", 0.5, 0.0, 1.0),
        Parameter("bump_db", 2.0, 0.0, 12.0, "dB"),
        Parameter("wow_percent", 0.08, 0.0, 1.0, "%", smoothing_ms=200.0),
        Parameter("flutter_percent", 0.04, 0.0, 1.0, "%", smoothing_ms=200.0),
        Parameter("hiss_db", NO_HISS_DB, NO_HISS_DB, -30.0, "dB"),
        Parameter("output_db", 0.0, -48.0, 48.0, "dB"),
    )

    def __init__(
        self,
        *,
        drive_db: float = 6.0,
        hysteresis: float = 0.5,
        bump_db: float = 2.0,
        wow_percent: float = 0.08,
        flutter_percent: float = 0.04,
        hiss_db: float = NO_HISS_DB,
        output_db: float = 0.0,
        speed_ips: float = 15.0,
        oversampling: int = 2,
        seed: int = 0,
        sample_rate: int = SAMPLE_RATE,
        num_channels: int = 2,
    ) -> None:
        if speed_ips not in SPEEDS:
            raise AudioError(f"speed_ips={speed_ips!r} must be 3.75, 7.5, 15 or 30")
        if oversampling not in (2, 4, 8):
            raise AudioError(f"oversampling={oversampling!r} must be 2, 4 or 8")
        check_range("seed", seed, 0, 2**31, "")
        self._bump_hz, self._treble_hz = SPEEDS[speed_ips]
        self._factor, self._seed = int(oversampling), int(seed)
        self._middle = round(_TRANSPORT_MS * 1e-3 * sample_rate)
        rates = np.asarray(_RATES_HZ) * (1.0 + 0.1 * np.random.default_rng(seed).uniform(-1, 1, 6))
        angles = 2 * math.pi * rates / sample_rate
        self._turns = np.stack([np.cos(angles), np.sin(angles)], axis=1)
        # A delay that swings by d samples at an angle a bends the speed by d * a.
        self._depths = 0.01 * np.asarray(_SHARES) / angles
        values = {
            "drive_db": drive_db,
            "hysteresis": hysteresis,
            "bump_db": bump_db,
            "wow_percent": wow_percent,
            "flutter_percent": flutter_percent,
            "hiss_db": hiss_db,
            "output_db": output_db,
        }
        super().__init__(values, sample_rate=sample_rate, num_channels=num_channels)

    @property
    def latency_samples(self) -> int:
        """Samples by which the output lags behind the input: 6 ms and the oversampling's 32."""
        return self._middle + TAPS

    @property
    def tail_sec(self) -> float:
        """Seconds for which the bump rings on; hiss has no end."""
        return math.inf if self.get("hiss_db") > NO_HISS_DB else 0.3

    def _clear(self) -> None:
        self._around = Oversampler(self.num_channels, self._factor)
        self._lags = np.zeros((self.num_channels, 2))
        self._last = np.zeros(self.num_channels)
        self._later = FixedDelay(1, TAPS, holds_first=True)
        self._filters = [svf.new_state(self.num_channels) for _ in range(3)]
        self._line = make_line(self.num_channels, 2.0 * self._middle + 8.0)
        phases = np.random.default_rng(self._seed).uniform(0, 2 * math.pi, len(_RATES_HZ))
        self._phasors = np.stack([np.cos(phases), np.sin(phases)], axis=1)
        self._place = 0

    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        num_samples = block.shape[1]
        drive = _amplitude(curves, "drive_db").astype(np.float32)
        field = self._around.up(block * drive)
        _lag(field, curves["hysteresis"], self._factor, self._lags)
        run_curve(field, TANH, self._last)
        audio = self._around.down(field)
        audio *= self._later.next(
            (_amplitude(curves, "output_db") / drive)[None].astype(np.float32)
        )
        one = svf.constant(1.0, num_samples)
        flat = svf.constant(math.sqrt(0.5), num_samples)
        for kind, hertz, gain, state in (
            ("high_pass", _LOWEST_HZ, one, self._filters[0]),
            ("bell", self._bump_hz, curves["bump_db"], self._filters[1]),
            ("low_pass", self._treble_hz, one, self._filters[2]),
        ):
            if kind == "low_pass" and hertz >= 0.45 * self.sample_rate:
                continue
            svf.run_svf(
                audio, svf.KINDS[kind], svf.constant(hertz, num_samples), flat, gain,
                self.sample_rate, state,
            )  # fmt: skip
        # Uniform noise of amplitude 1 has an RMS of 1/sqrt(3); less half of its past, 1.118 of it.
        hiss = _amplitude(curves, "hiss_db") * (math.sqrt(3.0) / math.sqrt(1.25))
        hiss[curves["hiss_db"] <= NO_HISS_DB] = 0.0
        _transport(
            audio, self._line, curves["wow_percent"], curves["flutter_percent"], hiss,
            float(self._middle), self._depths, self._turns, self._phasors, self._place,
            self._seed << 20,
        )  # fmt: skip
        self._place += num_samples
        return audio


def _amplitude(curves: Curves, name: str) -> NDArray[np.float64]:
    """Return a curve in dB as amplitudes."""
    curve = curves[name]
    if curves.moves(name):
        return np.asarray(10 ** (curve / 20))
    return np.full(len(curve), 10 ** (curve[0] / 20))
