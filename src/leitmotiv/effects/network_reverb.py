"""What the algorithmic reverbs share: knobs, voicing, state.

Purpose: the hall, room, plate, cathedral, shimmer and infinite reverbs are one network
(:mod:`leitmotiv.effects.feedback_network`) with different voicings: lengths, early reflections,
dispersion. This module turns a voicing into the network's tables and runs it.

Conventions: stereo, or mono in and out. The reverberation time is *promised*:
:meth:`NetworkReverb.decay_at` says what RT60 the knobs ask for at a frequency, and the tests
measure it. Between three plateaus (``decay_sec`` times ``low_decay_ratio`` below
:attr:`Voicing.bass_hz`, ``decay_sec`` in the middle, ``decay_sec`` times ``high_decay_ratio``
above ``damping_hz``) its inverse follows first-order shelves.

Public names: :class:`NetworkReverb`, :class:`Voicing`, :func:`network_parameters`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from leitmotiv.effects import feedback_network as network
from leitmotiv.effects.early_reflections import mirror_images
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter, check_range

__all__ = ["NetworkReverb", "Voicing", "network_parameters"]

_KNOBS = (
    Parameter("decay_sec", 2.0, 0.1, 60.0, "seconds", "log", 50.0),
    Parameter("low_decay_ratio", 1.0, 0.2, 2.5, "", "log", 50.0),
    Parameter("high_decay_ratio", 0.5, 0.05, 1.0, "", "log", 50.0),
    Parameter("damping_hz", 5000.0, 300.0, 16000.0, "Hz", "log", 50.0),
    Parameter("size", 1.0, 0.3, 2.0, "", "log", 500.0),
    Parameter("pre_delay_ms", 0.0, 0.0, 500.0, "ms", "linear", 300.0),
    Parameter("diffusion", 1.0, 0.0, 1.0, "", "linear", 50.0),
    Parameter("modulation_hz", 0.8, 0.0, 5.0, "Hz"),
    Parameter("modulation_depth", 0.6, 0.0, 1.0),
    Parameter("low_cut_hz", 40.0, 10.0, 1000.0, "Hz", "log", 50.0),
    Parameter("high_cut_hz", 16000.0, 500.0, 20000.0, "Hz", "log", 50.0),
    Parameter("early_level", 0.5, 0.0, 2.0),
    Parameter("late_level", 1.0, 0.0, 2.0),
    Parameter("swell_level", 0.0, 0.0, 1.0, "", "linear", 100.0),
    Parameter("hold", 0.0, 0.0, 1.0, "", "linear", 100.0),
    Parameter("freeze", 0.0, 0.0, 1.0, "", "linear", 100.0),
    Parameter("ducking_db", 0.0, 0.0, 40.0, "dB"),
    Parameter("duck_threshold_db", -30.0, -70.0, 0.0, "dB"),
    Parameter("octave_level", 0.0, 0.0, 1.0, "", "linear", 50.0),
    Parameter("fifth_level", 0.0, 0.0, 1.0, "", "linear", 50.0),
    Parameter("attack_ms", 0.0, 0.0, 3000.0, "ms", "linear", 50.0),
    Parameter("wet_level", 0.3, 0.0, 4.0),
    Parameter("dry_level", 1.0, 0.0, 4.0),
)
_SHIMMER = {"octave_level", "fifth_level"}
_GRAIN_SEC, _SCATTER_SEC = 0.24, 0.33
_MOST_SWELL_SEC = 8.0


def network_parameters(*, shimmer: bool = False, **defaults: float) -> tuple[Parameter, ...]:
    """Return the knobs of the network with other defaults; those of the shimmer on request."""
    return tuple(
        Parameter(
            knob.name, defaults.get(knob.name, knob.default), knob.low, knob.high, knob.unit,
            knob.scale, knob.smoothing_ms,
        )
        for knob in _KNOBS
        if shimmer or knob.name not in _SHIMMER
    )  # fmt: skip


@dataclass(frozen=True)
class Voicing:
    """The build of one reverb.

    Parameters
    ----------
    line_ms : shortest and longest of the sixteen lines at size 1
    spread_ms : span of each step of the diffuser
    room_m : length, width and height for early reflections; None for none
    num_early : early reflections for each input channel
    reflection : amplitude kept at a wall
    diffuse_level : how loud the diffuser itself is within the early sound
    bass_hz : below it ``low_decay_ratio`` rules
    ceiling_db : power of the late sound above which the loop gives way, dB of full-scale RMS
    num_dispersive : all-pass stages before everything, as in a plate
    """

    line_ms: tuple[float, float]
    spread_ms: tuple[float, ...]
    room_m: tuple[float, float, float] | None = None
    num_early: int = 0
    reflection: float = 0.8
    diffuse_level: float = 0.0
    bass_hz: float = 200.0
    ceiling_db: float = 0.0
    num_dispersive: int = 0


class NetworkReverb(AutomatedEffect):
    """Base of the algorithmic reverbs.

    Parameters (knobs; each may be automated)
    -----------------------------------------
    decay_sec : RT60 in the middle of the spectrum, 0.1-60 s
    low_decay_ratio, high_decay_ratio : RT60 in the bass and at the top over ``decay_sec``
    damping_hz : where the top begins: half way (in inverse RT60) to the high plateau
    size : scale of all lengths, 0.3-2; moving it glides the pitch of what sounds
    pre_delay_ms : delay of the whole reverb against the dry sound, 0-500 ms
    diffusion : 0 (single echoes at first) to 1 (dense at once)
    modulation_hz, modulation_depth : how fast and how far energy is turned between the lines
    low_cut_hz, high_cut_hz : the part of the input that reverberates
    early_level, late_level : gains of the first reflections and of the late sound
    attack_ms : time in which each onset fades in on its way into the reverb, 0-3000 ms
    swell_level : 0 to 1, how much enters through the reverse-like build of ``swell_sec``
    hold : 0 to 1; at 1 nothing decays and input is added to what sounds
    freeze : 0 to 1; at 1 nothing decays and nothing enters
    ducking_db, duck_threshold_db : how far the wet sound steps back while the input, or the
        side chain, is louder than the threshold
    octave_level, fifth_level : shimmer, where the reverb has it
    wet_level, dry_level : gains of the reverb and of the input in the output

    Options
    -------
    swell_sec : duration of the build, 0.1-8 s
    seed : another seed is another room of the same kind
    """

    takes_side_chain: ClassVar[bool] = True

    def __init__(
        self,
        settings: Mapping[str, Any],
        voicing: Voicing,
        *,
        intervals: tuple[float, float] = (12.0, 7.0),
    ) -> None:
        sample_rate, num_channels = settings["sample_rate"], settings["num_channels"]
        check_range("num_channels", num_channels, 1, 2, "(a reverb is mono or stereo)")
        check_range("sample_rate", sample_rate, 8_000, 192_000, "Hz")
        check_range("swell_sec", settings["swell_sec"], 0.1, _MOST_SWELL_SEC, "seconds")
        for interval in intervals:
            check_range("semitones", interval, -24.0, 24.0, "semitones")
        self.voicing, self.seed = voicing, int(settings["seed"])
        self.swell_sec = float(settings["swell_sec"])
        self._make_tables(int(sample_rate), intervals)
        known = {knob.name for knob in self.parameters}
        values = {name: value for name, value in settings.items() if name in known}
        super().__init__(values, sample_rate=sample_rate, num_channels=num_channels)

    def decay_at(self, frequency_hz: float) -> float:
        """Return the RT60 that the knobs promise at a frequency, in seconds."""
        low = 1 / (1 + (frequency_hz / self.voicing.bass_hz) ** 2)
        ratio = (frequency_hz / self.get("damping_hz")) ** 2
        high = ratio / (1 + ratio)
        inverse = 1 + low * (1 / self.get("low_decay_ratio") - 1)
        inverse += high * (1 / self.get("high_decay_ratio") - 1)
        kept = max(self.get("hold"), self.get("freeze"))
        if kept >= 1.0:
            return math.inf
        return self.get("decay_sec") / inverse / (1 - kept)

    @property
    def tail_sec(self) -> float:
        """Seconds until the reverb is 60 dB down, the swell and pre-delay counted."""
        longest = max(self.decay_at(1.0), self.decay_at(1000.0))
        onset = 1e-3 * (self.get("pre_delay_ms") + 2 * sum(self.voicing.spread_ms) + 100.0)
        return longest + onset + (self.swell_sec if self.get("swell_level") > 0 else 0.0)

    def _make_tables(self, sample_rate: int, intervals: tuple[float, float]) -> None:
        """Turn the voicing into what the kernel reads; none of it changes while running."""
        voicing, rng = self.voicing, np.random.default_rng([self.seed, 1985])
        lengths = [1.0 * n for n in _line_lengths(voicing.line_ms, sample_rate, rng)]
        spread = _spread_lengths(voicing.spread_ms, sample_rate, rng)
        taps, self._early_gains = _early_table(voicing, sample_rate, rng)
        self._base = np.concatenate([[0.0], lengths, spread.ravel(), taps])
        self._num_steps = len(voicing.spread_ms)
        self._swell_taps, self._swell_gains = _swell_table(self.swell_sec, sample_rate, rng)
        self._dispersion = _dispersion_table(voicing.num_dispersive, sample_rate)
        hadamard = _hadamard(network.NUM_LINES)
        rows = rng.choice(np.arange(1, network.NUM_LINES), 3, replace=False)
        self._signs: NDArray[np.float64] = hadamard[rows] / math.sqrt(2)
        golden = np.arange(network.NUM_LINES // 2) * 0.6180339887 % 1.0
        self._rates = np.asarray(0.6 + 0.9 * golden, dtype=np.float64)
        self._window = np.sin(np.pi * np.arange(1025) / 1024) ** 2 / math.sqrt(1.5)
        self._fixed = np.zeros(network.NUM_FIXED)
        self._fixed[network.F_RATE] = sample_rate
        self._fixed[network.F_BASS_HZ] = voicing.bass_hz
        self._fixed[network.F_MEAN] = np.mean(lengths)
        self._fixed[network.F_DIFFUSE] = voicing.diffuse_level
        self._fixed[network.F_CEILING] = 2 * 10 ** (voicing.ceiling_db / 10)
        self._fixed[network.F_RATIO : network.F_RATIO + 2] = 2 ** (np.asarray(intervals) / 12)
        self._fixed[network.F_GRAIN] = _GRAIN_SEC * sample_rate
        self._fixed[network.F_SCATTER] = _SCATTER_SEC * sample_rate
        self._fixed[network.F_SHIMMER_HZ] = min(2800.0, 0.2 * sample_rate)
        self._row_of = {name: row for row, name in enumerate(network.KNOBS)}

    def _clear(self) -> None:
        rate, size = float(self.sample_rate), 2.0
        base, knob = self._base, {p.name: p for p in self.parameters}
        lines, steps = network.NUM_LINES, self._num_steps
        first = 1 + lines + network.NUM_SPREAD * steps
        most_early = float(base[first:].max(initial=0.0)) * size
        most_past = max(most_early, float(self._swell_taps.max()))
        most_past += knob["pre_delay_ms"].high * 1e-3 * rate
        shimmers = "octave_level" in knob
        ratio = float(self._fixed[network.F_RATIO : network.F_RATIO + 2].max())
        most_ring = ((ratio + 1) * _GRAIN_SEC + _SCATTER_SEC) * rate if shimmers else 1.0
        self._past = _ring(2, most_past)
        self._lines = _ring(lines, float(base[1 : 1 + lines].max()) * size)
        self._spread = _ring(
            network.NUM_SPREAD * steps, float(base[1 + lines : first].max()) * size
        )
        self._ring = _ring(2, most_ring)
        self._now = np.floor(base * self.get("size") + 0.5)
        self._now[0] = math.floor(self.get("pre_delay_ms") * 1e-3 * rate + 0.5)
        self._losses = np.zeros((6, lines))
        self._memories = np.zeros((2, lines))
        self._planes = np.zeros((6, lines // 2))
        self._planes[0] = np.arange(lines // 2) * 0.7548776662 % 1.0
        depth = self.get("modulation_depth")
        self._planes[1] = depth * math.pi * np.sin(2 * math.pi * self._planes[0])
        self._waves = np.zeros((3, 2, len(self._dispersion) + 2))
        self._heads = np.zeros((2, network.NUM_HEADS, 3))
        self._heads[:, :, 0] = np.arange(network.NUM_HEADS) / network.NUM_HEADS
        self._heads[1, :, 0] += 0.5 / network.NUM_HEADS
        self._state = np.zeros(network.NUM_STATE)
        self._state[network.S_KEEP] = self.get("size")
        self._state[network.S_KEEP + 1] = self.get("pre_delay_ms")
        self._counters = np.zeros(network.NUM_COUNTERS, dtype=np.int64)
        self._counters[network.I_SEED] = 20_000 + self.seed

    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        names = [knob.name for knob in self.parameters]
        moving = any(curves.moves(name) for name in names)
        knobs = np.zeros((len(network.KNOBS), curves.num_samples if moving else 1))
        for name in names:
            knobs[self._row_of[name]] = curves[name] if moving else curves[name][0]
        stereo = _stereo(block)
        key = stereo if side_chain is None else _stereo(side_chain)
        out = np.empty_like(stereo)
        network.run_network(
            out, stereo, key, knobs, self._fixed, self._base, self._early_gains,
            self._swell_taps, self._swell_gains, self._dispersion, self._signs, self._rates,
            self._window, self._past, self._lines, self._spread, self._ring, self._now,
            self._losses, self._memories, self._planes, self._waves, self._heads, self._state,
            self._counters,
        )  # fmt: skip
        return out[: self.num_channels]


def _stereo(block: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a stereo copy, contiguous and writable as ever, so that the kernel has one type."""
    return np.array(np.broadcast_to(block, (2, block.shape[1])), order="C")


def _ring(num_rows: int, longest: float) -> NDArray[np.float32]:
    """Rings of a power of two samples, so that an index wraps by a mask."""
    return np.zeros((num_rows, 1 << math.ceil(math.log2(longest + 8.0))), dtype=np.float32)


def _hadamard(order: int) -> NDArray[np.float64]:
    matrix = np.ones((1, 1))
    while len(matrix) < order:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return matrix


def _line_lengths(
    span_ms: tuple[float, float], sample_rate: int, rng: np.random.Generator
) -> list[int]:
    """Sixteen lengths without common divisors near a geometric series, in a mixed order."""
    low, high = (1e-3 * sample_rate * ms for ms in span_ms)
    places = (np.arange(network.NUM_LINES) + rng.uniform(0.1, 0.9, network.NUM_LINES)) / (
        network.NUM_LINES
    )
    lengths: list[int] = []
    for place in places.tolist():
        length = round(low * (high / low) ** place)
        while any(math.gcd(length, other) > 1 for other in lengths):
            length += 1
        lengths.append(length)
    return [lengths[i] for i in rng.permutation(network.NUM_LINES)]


def _spread_lengths(
    spans_ms: tuple[float, ...], sample_rate: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Whole lengths, shape (steps, channels): each channel in its own slot of the step's span."""
    slots = np.stack([rng.permutation(network.NUM_SPREAD) for _ in spans_ms])
    places = (slots + rng.uniform(0.1, 0.9, slots.shape)) / network.NUM_SPREAD
    return np.maximum(np.round(places * np.asarray(spans_ms)[:, None] * 1e-3 * sample_rate), 2.0)


def _early_table(
    voicing: Voicing, sample_rate: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Taps (left and right input in turn) and their gains to both outputs, unit energy."""
    if voicing.room_m is None:
        return np.zeros(0), np.zeros((0, 2))
    length, width, height = voicing.room_m
    listener = 0.62 * length, 0.5 * width, min(1.3, 0.5 * height)
    count = voicing.num_early
    taps, gains = np.zeros(2 * count), np.zeros((2 * count, 2))
    for channel, side in enumerate((-1, 1)):
        # A little off symmetry, so that left and right reflections do not coincide.
        source = 0.2 * length, (0.5 + 0.13 * side) * width + 0.02 * width, 0.4 * height
        images = mirror_images(
            voicing.room_m, source, listener, reflection=voicing.reflection, max_order=3
        )
        chosen = np.flatnonzero(images.delay_sec > 0.0015)[:count]
        angle = (images.side[chosen] + 1) * math.pi / 4
        # Some walls scatter: mixed signs break up combs.
        sign = np.where(rng.random(count) < 0.7, 1.0, -1.0) * rng.uniform(0.85, 1.15, count)
        gain = sign * images.gain[chosen]
        taps[channel::2] = np.round(images.delay_sec[chosen] * sample_rate)
        gains[channel::2] = np.stack([gain * np.cos(angle), gain * np.sin(angle)], axis=1)
        gains[channel::2] /= math.sqrt(np.square(gains[channel::2]).sum())
    return taps, gains


def _swell_table(
    swell_sec: float, sample_rate: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Sparse noise that rises by 36 dB to its end, unit energy for each channel."""
    count = round(min(max(40 * swell_sec, 24), 128))
    places = (np.arange(count) + rng.random(count)) / count
    gains = 10 ** (1.8 * (places[:, None] - 1)) * rng.choice([-1.0, 1.0], (count, 2))
    gains /= np.sqrt(np.square(gains).sum(axis=0))
    return np.round(places * swell_sec * sample_rate).astype(np.int64), gains


def _dispersion_table(num_stages: int, sample_rate: int) -> NDArray[np.float64]:
    """First-order all-passes whose delays add up to one over the root of the frequency.

    Bending waves in a thin plate travel at a speed that grows with the root of the frequency
    (Kirchhoff). A first-order all-pass delays by 2 / w below its corner w, so corners are set
    with a density in log frequency that grows as the root of the corner.
    """
    if not num_stages:
        return np.zeros(0)
    places = (np.arange(num_stages) + 0.5) / num_stages
    low_hz, high_hz = 60.0, 0.4 * sample_rate
    corner_hz = (math.sqrt(low_hz) + places * (math.sqrt(high_hz) - math.sqrt(low_hz))) ** 2
    tangent = np.tan(np.pi * corner_hz / sample_rate)
    return np.asarray((tangent - 1) / (tangent + 1), dtype=np.float64)
