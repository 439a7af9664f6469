"""Spring reverb: six helical springs, three for each side.

Purpose: the tank of a guitar amplifier: chirping echoes that smear into a wiry tail.

Conventions: stereo, or mono in and out. ``decay_sec`` is RT60 at 1 kHz; what it is elsewhere
follows from the springs and is told by :meth:`SpringReverb.decay_at`.

How it works: in a helical spring, waves below a transition frequency near 4 kHz travel the slower
the higher they are, so a click arrives as a chirp, and each round trip draws the chirp out. A
spring is a delay in a loop with eighty stretched all-passes; their phase bends as the spring's
does up to the transition, above which nothing is let in. A sample of delay between the all-passes
lets all stages be computed side by side.

Public names: :class:`SpringReverb`.

References: Välimäki, Parker and Abel, *Parametric spring reverberation effect* (JAES 58, 2010);
Abel, Berners, Costello and Smith, *Spring reverb emulation using dispersive allpass filters in a
waveguide structure* (AES 121, 2006).
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.audio.compiled import compiled
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter, check_range

__all__ = ["SpringReverb"]

NUM_SPRINGS = 6  # three on the left, three on the right
NUM_STAGES = 80
_TRANSITION_HZ = 4000.0
_TRIP_MS = (33.0, 37.7, 41.3, 35.2, 39.1, 44.1)  # there and back at size 1, all-passes left out
_PROMISE_HZ = 1000.0
_TICK = 32
_TINY = 1e-18

# knobs
DECAY, DISPERSION, DAMPING, SIZE, WOBBLE, LOW_CUT, WET, DRY = 0, 1, 2, 3, 4, 5, 6, 7
_NAMES = (
    "decay_sec", "dispersion", "damping_hz", "size", "wobble", "low_cut_hz", "wet_level",
    "dry_level",
)  # fmt: skip


@compiled
def _round_trip(
    frequency_hz: float, rate: float, stretch: int, trip: float, dispersion: float
) -> float:
    """Group delay of one loop in samples: the line, the stages and their unit delays.

    A stretched all-pass ``(a + z^-K) / (1 + a z^-K)`` delays by
    ``K (1 - a^2) / (1 + 2 a cos(K w) + a^2)``.
    """
    a = dispersion
    bend = 1.0 + 2.0 * a * math.cos(2.0 * math.pi * frequency_hz / rate * stretch) + a * a
    return trip + NUM_STAGES * (1.0 + stretch * (1.0 - a * a) / bend)


@compiled
def _low_pass_gain(frequency_hz: float, rate: float, pole: float) -> float:
    """Gain of ``y += (1 - pole) (x - y)``."""
    bend = 1.0 - 2.0 * pole * math.cos(2.0 * math.pi * frequency_hz / rate) + pole * pole
    return (1.0 - pole) / math.sqrt(bend)


@compiled
def _springs(
    out: NDArray[np.float32],  # (2, samples)
    audio: NDArray[np.float32],  # (2, samples)
    knobs: NDArray[np.float64],  # (knobs, samples), or (knobs, 1) where nothing moves
    trips: NDArray[np.float64],  # (springs,): samples at size 1
    sections: NDArray[np.float64],  # (2, 5): the low pass below the transition
    stretch: int,
    rate: float,
    waves: NDArray[np.float32],  # (rows, springs, stages + 1): the last samples of each stage
    lines: NDArray[np.float32],  # (springs, power of two)
    swings: NDArray[np.float64],  # (3, springs): phase, offset now, step a sample
    memories: NDArray[np.float64],  # (12,): input filters of both sides
    loops: NDArray[np.float64],  # (4, springs): damping memory, length, gain, entry
    counters: NDArray[np.int64],
) -> None:
    """Advance the springs by a block, writing output and state in place."""
    num_rows, mask, moving = waves.shape[0], lines.shape[1] - 1, knobs.shape[1] > 1
    position = counters[0]
    cut, pole = 0.0, 0.0
    for t in range(audio.shape[1]):
        k = t if moving else 0
        new = t == 0
        if moving and t > 0:
            for row in range(SIZE + 1):
                new = new or knobs[row, k] != knobs[row, k - 1]
        if new:
            pole = math.exp(-2.0 * math.pi * min(knobs[DAMPING, k], 0.45 * rate) / rate)
            for i in range(NUM_SPRINGS):
                trip = trips[i] * knobs[SIZE, k]
                delay = _round_trip(_PROMISE_HZ, rate, stretch, trip, knobs[DISPERSION, k])
                gain = math.exp(-6.907755278982137 * delay / (rate * knobs[DECAY, k]))
                gain = min(gain / _low_pass_gain(_PROMISE_HZ, rate, pole), 0.9995)
                loops[1, i], loops[2, i] = trip, gain
                loops[3, i] = math.sqrt(1.0 - gain * gain)
        if moving or t == 0:
            cut = 1.0 - math.exp(-2.0 * math.pi * knobs[LOW_CUT, k] / rate)
        if position % _TICK == 0:
            for i in range(NUM_SPRINGS):
                phase = swings[0, i] + (0.31 + 0.17 * i) * _TICK / rate
                swings[0, i] = phase - math.floor(phase)
                swing = 0.0003 * rate * knobs[WOBBLE, k] * math.sin(2 * math.pi * phase)
                swings[2, i] = (swing - swings[1, i]) / _TICK
            for i in range(memories.shape[0]):
                if abs(memories[i]) < _TINY:
                    memories[i] = 0.0
            for i in range(NUM_SPRINGS):
                if abs(loops[0, i]) < _TINY:
                    loops[0, i] = 0.0

        # --- input: low cut, then a steep low pass below the transition ---
        x, y = float(audio[0, t]), float(audio[1, t])
        for side in range(2):
            m = 5 * side
            value = 0.8 * x + 0.2 * y if side == 0 else 0.2 * x + 0.8 * y
            memories[m] += cut * (value - memories[m])
            value -= memories[m]
            for section in range(2):
                here = m + 1 + 2 * section
                b0, b1, b2 = sections[section, 0], sections[section, 1], sections[section, 2]
                done = b0 * value + memories[here]
                memories[here] = b1 * value - sections[section, 3] * done + memories[here + 1]
                memories[here + 1] = b2 * value - sections[section, 4] * done
                value = done
            memories[10 + side] = value

        # --- loops ---
        row = position % num_rows
        before = (position + num_rows - 1) % num_rows
        past = (position + num_rows - stretch) % num_rows
        deep = (position + num_rows - stretch - 1) % num_rows
        a = np.float32(knobs[DISPERSION, k])
        left, right = 0.0, 0.0
        for i in range(NUM_SPRINGS):
            swings[1, i] += swings[2, i]
            delay = loops[1, i] + swings[1, i]
            whole = int(delay)
            share = delay - whole
            here = position - whole
            p, q = float(lines[i, here & mask]), float(lines[i, (here - 1) & mask])
            older, newer = float(lines[i, (here - 2) & mask]), float(lines[i, (here + 1) & mask])
            echo = p + 0.5 * share * (
                q - newer
                + share * (2.0 * newer - 5.0 * p + 4.0 * q - older
                + share * (3.0 * (p - q) + older - newer))
            )  # fmt: skip
            loops[0, i] += (1.0 - pole) * (echo - loops[0, i])
            entering = loops[3, i] * memories[10 + i // 3] - loops[2, i] * loops[0, i]
            wave, wave_1 = waves[row, i], waves[before, i]
            wave_k, wave_k1 = waves[past, i], waves[deep, i]
            wave[0] = entering if abs(entering) > _TINY else 0.0
            for stage in range(1, NUM_STAGES + 1):
                wave[stage] = a * (wave_1[stage - 1] - wave_k[stage]) + wave_k1[stage - 1]
            leaving = float(wave[NUM_STAGES])
            lines[i, position & mask] = leaving if abs(leaving) > _TINY else 0.0
            if i < 3:
                left += leaving
            else:
                right += leaving
        wet, dry = knobs[WET, k], knobs[DRY, k]
        out[0, t] = dry * audio[0, t] + wet * left
        out[1, t] = dry * audio[1, t] + wet * right
        position += 1
        if position % 4096 == 0:  # what fades within the stages would end in denormals
            for i in range(num_rows):
                for spring in range(NUM_SPRINGS):
                    for stage in range(NUM_STAGES + 1):
                        if abs(waves[i, spring, stage]) < 1e-18:
                            waves[i, spring, stage] = 0.0
    counters[0] = position


class SpringReverb(AutomatedEffect):
    """A tank of springs.

    Parameters
    ----------
    decay_sec : float
        RT60 at 1 kHz, 0.3-8 s.
    dispersion : float
        How far the waves of a spring run apart: 0 (plain echoes) to 0.75 (long chirps).
    damping_hz : float
        Corner of the loss at the top, 500-16000 Hz.
    size : float
        Scale of the springs' lengths, 0.5-2.
    wobble : float
        How far the springs swing, 0-1.
    low_cut_hz : float
        Below it little enters, 10-1000 Hz.
    wet_level, dry_level : float
        Linear gains of the springs and of the input.
    seed : int
        Another seed is another tank: lengths differ by a few percent.
    sample_rate : int
        Hz.
    num_channels : int
        1 or 2.

    Raises
    ------
    AudioError
        If a value is out of range.

    Examples
    --------
    >>> round(SpringReverb(decay_sec=2.0).decay_at(1000.0), 3)
    2.0
    """

    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("decay_sec", 2.0, 0.3, 8.0, "seconds", "log", 50.0),
        Parameter("dispersion", 0.6, 0.0, 0.75, "", "linear", 100.0),
        Parameter("damping_hz", 5000.0, 500.0, 16000.0, "Hz", "log", 50.0),
        Parameter("size", 1.0, 0.5, 2.0, "", "log", 500.0),
        Parameter("wobble", 0.3, 0.0, 1.0, "", "linear", 100.0),
        Parameter("low_cut_hz", 120.0, 10.0, 1000.0, "Hz", "log", 50.0),
        Parameter("wet_level", 0.3, 0.0, 4.0),
        Parameter("dry_level", 1.0, 0.0, 4.0),
    )

    def __init__(
        self,
        *,
        decay_sec: float = 2.0,
        dispersion: float = 0.6,
        damping_hz: float = 5000.0,
        size: float = 1.0,
        wobble: float = 0.3,
        low_cut_hz: float = 120.0,
        wet_level: float = 0.3,
        dry_level: float = 1.0,
        seed: int = 0,
        sample_rate: int = SAMPLE_RATE,
        num_channels: int = 2,
    ) -> None:
        from scipy.signal import ellip

        check_range("num_channels", num_channels, 1, 2, "(a reverb is mono or stereo)")
        check_range("sample_rate", sample_rate, 8_000, 192_000, "Hz")
        stray = np.random.default_rng([seed, 1939]).uniform(0.96, 1.04, NUM_SPRINGS)
        self._stretch = max(round(sample_rate / (2 * _TRANSITION_HZ)), 1)
        self._trips = np.asarray(_TRIP_MS) * 1e-3 * sample_rate * (stray if seed else 1.0)
        corner_hz = min(0.9 * sample_rate / (2 * self._stretch), 0.45 * sample_rate)
        sos = ellip(4, 0.5, 55, corner_hz, fs=sample_rate, output="sos")
        self._sections = np.ascontiguousarray(sos[:, [0, 1, 2, 4, 5]])
        values = dict(zip(_NAMES, (decay_sec, dispersion, damping_hz, size, wobble, low_cut_hz,
                                   wet_level, dry_level), strict=True))  # fmt: skip
        super().__init__(values, sample_rate=sample_rate, num_channels=num_channels)

    def decay_at(self, frequency_hz: float) -> float:
        """Return the RT60 that the springs have at a frequency below 4 kHz, in seconds."""
        rate = float(self.sample_rate)
        pole = math.exp(-2 * math.pi * min(self.get("damping_hz"), 0.45 * rate) / rate)
        decays = []
        for trip in self._trips * self.get("size"):
            delay, there = (
                _round_trip(hz, rate, self._stretch, float(trip), self.get("dispersion"))
                for hz in (_PROMISE_HZ, frequency_hz)
            )
            gain = 10 ** (-3 * delay / (rate * self.get("decay_sec")))
            gain = min(gain / _low_pass_gain(_PROMISE_HZ, rate, pole), 0.9995)
            gain *= _low_pass_gain(frequency_hz, rate, pole)
            decays.append(-3 * there / rate / math.log10(gain))
        return float(np.mean(decays))

    @property
    def tail_sec(self) -> float:
        """Seconds until the springs are 60 dB down."""
        return max(self.decay_at(hz) for hz in (100.0, 1000.0, 3000.0)) + 0.2

    def _clear(self) -> None:
        longest = max(_TRIP_MS) * 1.05e-3 * self.sample_rate * 2.0 + 64
        self._lines = np.zeros((NUM_SPRINGS, 1 << math.ceil(math.log2(longest))), np.float32)
        self._waves = np.zeros((self._stretch + 2, NUM_SPRINGS, NUM_STAGES + 1), np.float32)
        self._swings = np.zeros((3, NUM_SPRINGS))
        self._swings[0] = np.arange(NUM_SPRINGS) / NUM_SPRINGS
        self._memories = np.zeros(12)
        self._loops = np.zeros((4, NUM_SPRINGS))
        self._counters = np.zeros(1, dtype=np.int64)

    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        moving = any(curves.moves(name) for name in _NAMES)
        knobs = np.empty((len(_NAMES), curves.num_samples if moving else 1))
        for row, name in enumerate(_NAMES):
            knobs[row] = curves[name] if moving else curves[name][0]
        stereo = np.array(np.broadcast_to(block, (2, block.shape[1])), order="C")
        out = np.empty_like(stereo)
        _springs(
            out, stereo, knobs, self._trips, self._sections, self._stretch,
            float(self.sample_rate), self._waves, self._lines, self._swings, self._memories,
            self._loops, self._counters,
        )  # fmt: skip
        return out[: self.num_channels]
