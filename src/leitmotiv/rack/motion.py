"""Motion: how a parameter moves over the time of a recording.

Purpose: automation as a pure function of time, so that it is the same in blocks of any size and
can be drawn before anything sounds.

Conventions: time is in samples from the rack's start; values are in the parameter's unit. A
motion is drawn by hand (:class:`Points`), swings (:class:`Swing`), or wanders without ever
repeating (:class:`Wander`).

Public names: :class:`Motion`, :class:`Points`, :class:`Swing`, :class:`Wander`,
:func:`interpolate`, :func:`read_motion`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from leitmotiv.effects import Parameter
from leitmotiv.errors import AudioError
from leitmotiv.rack.tempo import note_value_to_sec

__all__ = ["Motion", "Points", "Swing", "Wander", "interpolate", "read_motion"]

_SHAPES = ("sine", "triangle", "saw_up", "saw_down", "square")


class Motion(Protocol):
    """Values of one parameter as a function of time."""

    def values(self, time_sec: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the value at each time, float64, the shape of ``time_sec``."""


def interpolate(
    parameter: Parameter, start: float, end: float, share: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return values between two, the way the parameter's knob turns.

    >>> cutoff = Parameter("cutoff_hz", 1000.0, 20.0, 20000.0, "Hz", scale="log")
    >>> interpolate(cutoff, 100.0, 10000.0, np.array([0.0, 0.5, 1.0])).round(6).tolist()
    [100.0, 1000.0, 10000.0]
    """
    if parameter.scale == "log" and start > 0 and end > 0:
        return np.asarray(start * np.exp(share * math.log(end / start)))
    return start + share * (end - start)


@dataclass(frozen=True)
class Points:
    """Points joined by straight, smooth or stepped lines; the ends are held."""

    parameter: Parameter
    at_sec: tuple[float, ...]
    at_value: tuple[float, ...]
    curve: Literal["linear", "smooth", "step"] = "linear"

    def values(self, time_sec: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the value at each time."""
        times, values = np.asarray(self.at_sec), np.asarray(self.at_value)
        if len(times) == 1:
            return np.full(time_sec.shape, values[0])
        left = np.clip(np.searchsorted(times, time_sec, side="right") - 1, 0, len(times) - 2)
        span = times[left + 1] - times[left]
        share = np.clip((time_sec - times[left]) / span, 0.0, 1.0)
        if self.curve == "smooth":
            share = share * share * (3.0 - 2.0 * share)
        elif self.curve == "step":
            share = np.floor(share)
        start, end = values[left], values[left + 1]
        if self.parameter.scale == "log" and np.all(values > 0):
            return np.asarray(start * np.exp(share * np.log(end / start)))
        return np.asarray(start + share * (end - start))


@dataclass(frozen=True)
class Swing:
    """A low-frequency oscillator between two values."""

    parameter: Parameter
    low: float
    high: float
    rate_hz: float
    shape: str = "sine"
    phase_turns: float = 0.0

    def values(self, time_sec: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the value at each time."""
        turn = np.mod(time_sec * self.rate_hz + self.phase_turns, 1.0)
        if self.shape == "sine":
            share = 0.5 - 0.5 * np.cos(2 * np.pi * turn)
        elif self.shape == "triangle":
            share = 1.0 - np.abs(2.0 * turn - 1.0)
        elif self.shape == "saw_up":
            share = turn
        elif self.shape == "saw_down":
            share = 1.0 - turn
        else:
            share = np.where(turn < 0.5, 0.0, 1.0)
        return interpolate(self.parameter, self.low, self.high, share)


@dataclass(frozen=True)
class Wander:
    """Smooth random movement between two values that does not come round again.

    Random values stand at equal distances and are joined by cosine arcs (value noise), two
    layers at rates in the golden ratio.
    """

    parameter: Parameter
    low: float
    high: float
    rate_hz: float
    seed: int = 0

    def values(self, time_sec: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the value at each time."""
        golden = (math.sqrt(5) - 1) / 2
        share = 0.65 * self._layer(time_sec * self.rate_hz, 2 * self.seed) + 0.35 * self._layer(
            time_sec * self.rate_hz / golden, 2 * self.seed + 1
        )
        return interpolate(self.parameter, self.low, self.high, share)

    @staticmethod
    def _layer(place: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
        knot = np.floor(place)
        share = 0.5 - 0.5 * np.cos(np.pi * (place - knot))
        first = int(knot.min(initial=0))
        last = int(knot.max(initial=0)) + 1
        # One generator a knot: a knot's value does not depend on where reading began.
        drawn = np.array(
            [np.random.default_rng((seed, k)).random() for k in range(first, last + 1)]
        )
        index = knot.astype(np.int64) - first
        return np.asarray(drawn[index] * (1 - share) + drawn[index + 1] * share)


def _number(table: Mapping[str, Any], name: str, where: str) -> float:
    value = table.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise AudioError(f"{where}: {name}={value!r} must be a number")
    return float(value)


def _rate_hz(table: Mapping[str, Any], tempo_bpm: float, where: str) -> float:
    rate = table.get("rate_hz")
    if isinstance(rate, str):
        return 1.0 / note_value_to_sec(rate, tempo_bpm)
    rate_hz = _number(table, "rate_hz", where)
    if not 1e-4 <= rate_hz <= 1000.0:
        raise AudioError(f"{where}: rate_hz={rate_hz:g} must be between 0.0001 and 1000 Hz")
    return rate_hz


def _known(table: Mapping[str, Any], legal: Sequence[str], where: str) -> None:
    for name in table:
        if name not in legal:
            raise AudioError(f"{where}: {name!r} must be one of {', '.join(legal)}")


def read_motion(
    table: Mapping[str, Any], parameter: Parameter, tempo_bpm: float, where: str
) -> Motion:
    """Return the motion that an ``[[automation]]`` table of a preset describes.

    The table holds one of ``points`` (pairs of seconds and value, with ``curve``), ``swing``
    (low, high, rate_hz, shape, phase_turns) and ``wander`` (low, high, rate_hz, seed).

    Raises
    ------
    AudioError
        If it holds none or two of them, or a value is out of range; ``where`` begins the message.
    """
    kinds = [kind for kind in ("points", "swing", "wander") if kind in table]
    if len(kinds) != 1:
        raise AudioError(f"{where}: give exactly one of points, swing and wander")
    if kinds[0] == "points":
        return _read_points(table, parameter, where)
    inner = table[kinds[0]]
    if not isinstance(inner, Mapping):
        raise AudioError(f"{where}: {kinds[0]} must be a table with low, high and rate_hz")
    low, high = (parameter.check(_number(inner, name, where)) for name in ("low", "high"))
    rate_hz = _rate_hz(inner, tempo_bpm, where)
    if kinds[0] == "wander":
        _known(inner, ("low", "high", "rate_hz", "seed"), where)
        seed = inner.get("seed", 0)
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise AudioError(f"{where}: seed={seed!r} must be a whole number of at least 0")
        return Wander(parameter, low, high, rate_hz, seed)
    _known(inner, ("low", "high", "rate_hz", "shape", "phase_turns"), where)
    shape = inner.get("shape", "sine")
    if shape not in _SHAPES:
        raise AudioError(f"{where}: shape={shape!r} must be one of {', '.join(_SHAPES)}")
    phase = _number(inner, "phase_turns", where) if "phase_turns" in inner else 0.0
    return Swing(parameter, low, high, rate_hz, shape, phase)


def _read_points(table: Mapping[str, Any], parameter: Parameter, where: str) -> Points:
    points, curve = table["points"], table.get("curve", "linear")
    if curve not in ("linear", "smooth", "step"):
        raise AudioError(f"{where}: curve={curve!r} must be linear, smooth or step")
    if not isinstance(points, Sequence) or isinstance(points, str) or not points:
        raise AudioError(f"{where}: points must be a list of [seconds, value] pairs")
    times, values = [], []
    for point in points:
        if not isinstance(point, Sequence) or isinstance(point, str) or len(point) != 2:
            raise AudioError(f"{where}: point {point!r} must be a pair [seconds, value]")
        pair = {"seconds": point[0], "value": point[1]}
        times.append(_number(pair, "seconds", where))
        values.append(parameter.check(_number(pair, "value", where)))
        if len(times) > 1 and times[-1] <= times[-2]:
            raise AudioError(f"{where}: the times of points must rise; {times[-1]:g} s does not")
    return Points(parameter, tuple(times), tuple(values), curve)
