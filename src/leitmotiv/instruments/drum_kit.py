"""The drum kit: General MIDI drum keys 27-87, synthesised.

Every drum is made once a part in three takes that differ a little, dark and bright; a hit mixes
them by its velocity. Closed and pedal hi-hats stop an open one, as do the other exclusive pairs.

References: General MIDI Level 1 percussion map; P. Cook, *Real Sound Synthesis for Interactive
Applications*, 2002; J. Chowning, "The Synthesis of Complex Audio Spectra", 1973.

Public names: :func:`render_drums`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, sosfilt

from leitmotiv.instruments.oscillators import decaying_modes
from leitmotiv.instruments.performance import FloatArray, Performance, velocity_gain

__all__ = ["render_drums"]

_TAKES = 3
_LEVEL = 0.24


@dataclass(frozen=True)
class _Kit:
    """What a drum recipe needs: a source of chance and the sample rate."""

    rng: np.random.Generator
    rate: int

    def time(self, seconds: float) -> FloatArray:
        return np.arange(int(seconds * self.rate), dtype=np.float32) / np.float32(self.rate)

    def noise(self, seconds: float, low_hz: float, high_hz: float) -> FloatArray:
        """White noise in a band, of unit RMS."""
        white = self.rng.standard_normal(int(seconds * self.rate), dtype=np.float32)
        high_hz = min(high_hz, 0.45 * self.rate)
        band = butter(2, (low_hz, high_hz), "bandpass", fs=self.rate, output="sos")
        shaped = sosfilt(band, white).astype(np.float32)
        return np.asarray(shaped / np.float32(np.sqrt(np.mean(shaped**2)) + 1e-9), dtype=np.float32)

    def modes(
        self,
        seconds: float,
        frequency: Sequence[float],
        t60: Sequence[float],
        level: Sequence[float],
    ) -> FloatArray:
        """Decaying modes from lists of Hz, seconds and linear amplitude."""
        hz = np.array(frequency) * 2 ** (self.rng.normal(0, 4, len(frequency)) / 1200)
        return decaying_modes(
            hz,
            6.9 / np.array(t60),
            np.array(level),
            np.full(len(hz), 0.6),
            int(seconds * self.rate),
            self.rate,
        )

    def cloud(
        self, seconds: float, low_hz: float, high_hz: float, count: int, t60: float, tilt: float
    ) -> FloatArray:
        """Many modes spread over a band: cymbal metal. High modes die sooner; unit peak RMS."""
        hz = np.sort(low_hz * (high_hz / low_hz) ** self.rng.random(count))
        times = t60 * (low_hz / hz) ** 0.35 * self.rng.uniform(0.6, 1.3, count)
        level = (hz / low_hz) ** tilt * self.rng.uniform(0.3, 1.0, count)
        audio = decaying_modes(
            hz,
            6.9 / times,
            level / np.sqrt(0.5 * np.sum(level**2)),
            self.rng.uniform(0, 2 * np.pi, count),
            int(seconds * self.rate),
            self.rate,
        )
        return audio

    def sweep(
        self, seconds: float, start_hz: float, end_hz: float, fall_sec: float, t60: float
    ) -> FloatArray:
        """A sine that falls from one frequency to another while it dies."""
        time = self.time(seconds)
        cycles = end_hz * time + (start_hz - end_hz) * fall_sec * (1 - np.exp(-time / fall_sec))
        wave = np.sin(2 * np.pi * cycles, dtype=np.float32)
        return np.asarray(wave * np.exp(-6.9 / t60 * time), dtype=np.float32)


def _decay(audio: FloatArray, rate: int, t60: float) -> FloatArray:
    time = np.arange(len(audio), dtype=np.float32) / np.float32(rate)
    return np.asarray(audio * np.exp(np.float32(-6.9 / t60) * time), dtype=np.float32)


def _mix(*layers: FloatArray) -> FloatArray:
    total = np.zeros(max(len(layer) for layer in layers), np.float32)
    for layer in layers:
        total[: len(layer)] += layer
    return total


Recipe = Callable[[_Kit], tuple[FloatArray, FloatArray]]
"""Makes the body of a drum and the bright layer that grows with velocity."""


def _kick(end_hz: float) -> Recipe:
    def make(kit: _Kit) -> tuple[FloatArray, FloatArray]:
        body = kit.sweep(0.55, 3.4 * end_hz, end_hz, 0.022, 0.42) * 1.25
        body = _mix(body, kit.sweep(0.12, 160.0, 90.0, 0.02, 0.1) * 0.4)
        click = _decay(kit.noise(0.05, 1800, 5500), kit.rate, 0.03) * 0.22
        return body, click

    return make


def _snare(tone_hz: float, wires: float) -> Recipe:
    def make(kit: _Kit) -> tuple[FloatArray, FloatArray]:
        shell = kit.modes(
            0.25,
            [tone_hz, 1.6 * tone_hz, 2.3 * tone_hz, 2.9 * tone_hz],
            [0.16, 0.12, 0.09, 0.07],
            [0.7, 0.45, 0.25, 0.15],
        )
        rattle = _decay(kit.noise(0.4, 900, 9000), kit.rate, 0.34 * wires) * 0.3
        crack = _decay(kit.noise(0.12, 2500, 11000), kit.rate, 0.08) * 0.4
        return _mix(shell, rattle), crack

    return make


def _rim(kit: _Kit) -> tuple[FloatArray, FloatArray]:
    tone = kit.modes(0.12, [480, 1720, 2630, 3900], [0.06, 0.05, 0.04, 0.03], [0.4, 0.7, 0.5, 0.3])
    return tone, _decay(kit.noise(0.04, 2000, 8000), kit.rate, 0.02) * 0.4


def _clap(kit: _Kit) -> tuple[FloatArray, FloatArray]:
    total = np.zeros(int(0.4 * kit.rate), np.float32)
    for delay, level in ((0.0, 0.7), (0.011, 0.6), (0.022, 0.8), (0.031, 1.0)):
        start = int(delay * kit.rng.uniform(0.85, 1.15) * kit.rate)
        t60 = 0.03 if delay < 0.03 else 0.26
        burst = _decay(kit.noise(0.3, 850, 3200), kit.rate, t60) * 0.36 * level
        total[start : start + len(burst)] += burst[: len(total) - start]
    return total, _decay(kit.noise(0.1, 3000, 9000), kit.rate, 0.06) * 0.12


def _hat(t60: float, seconds: float) -> Recipe:
    def make(kit: _Kit) -> tuple[FloatArray, FloatArray]:
        metal = kit.cloud(seconds, 3300, 15500, 140, 1.0, 0.25) * 0.3
        hiss = kit.noise(seconds, 6500, 16000) * 0.19
        body = _decay(_mix(metal, hiss), kit.rate, t60)
        chick = _decay(kit.noise(0.05, 5000, 14000), kit.rate, 0.03) * 0.24
        return body, chick

    return make


def _pedal_hat(kit: _Kit) -> tuple[FloatArray, FloatArray]:
    metal = kit.cloud(0.2, 1800, 11000, 90, 0.2, 0.0) * 0.34
    return _decay(metal, kit.rate, 0.1), _decay(kit.noise(0.05, 3000, 9000), kit.rate, 0.04) * 0.1


def _cymbal(low_hz: float, t60: float, level: float, seconds: float) -> Recipe:
    def make(kit: _Kit) -> tuple[FloatArray, FloatArray]:
        wash = kit.cloud(seconds, low_hz, 15500, 260, t60, -0.15) * level
        hiss = _decay(kit.noise(seconds, 4500, 15000), kit.rate, 0.45 * t60) * 0.55 * level
        # The shimmer builds up while energy climbs from low modes to high ones.
        time = np.arange(len(hiss), dtype=np.float32) / np.float32(kit.rate)
        hiss = hiss * (0.45 + 0.55 * (1 - np.exp(-time / np.float32(0.05))))
        hit = _decay(kit.noise(0.1, 3000, 14000), kit.rate, 0.05) * 0.6 * level
        return _mix(wash, hiss), hit

    return make


def _ride(bell: bool) -> Recipe:
    def make(kit: _Kit) -> tuple[FloatArray, FloatArray]:
        ping_hz = [733, 1173, 2207, 3301, 4520] if bell else [547, 1580, 3120, 4690, 6350]
        level = [0.5, 0.7, 0.5, 0.3, 0.2] if bell else [0.08, 0.13, 0.22, 0.2, 0.15]
        ping = kit.modes(2.2, ping_hz, [1.8, 1.6, 1.2, 0.9, 0.7], level) * 0.42
        wash = kit.cloud(2.2, 2600, 14500, 160, 2.0, 0.05) * (0.06 if bell else 0.09)
        hiss = _decay(kit.noise(1.2, 5000, 14000), kit.rate, 1.0) * 0.035
        stick = _decay(kit.noise(0.06, 4000, 13000), kit.rate, 0.03) * 0.22
        return _mix(ping, wash, hiss), stick

    return make


def _tom(pitch_hz: float) -> Recipe:
    def make(kit: _Kit) -> tuple[FloatArray, FloatArray]:
        t60 = 0.55 * (110 / pitch_hz) ** 0.35
        body = kit.sweep(0.8, 1.5 * pitch_hz, pitch_hz, 0.035, t60) * 0.85
        skin = kit.modes(
            0.3,
            [1.6 * pitch_hz, 2.14 * pitch_hz, 2.7 * pitch_hz],
            [0.3, 0.2, 0.16],
            [0.28, 0.18, 0.1],
        )
        attack = _decay(kit.noise(0.06, 800, 5000), kit.rate, 0.04) * 0.22
        return _mix(body, skin), attack

    return make


def _skin(pitch_hz: float, t60: float, slap: float = 0.2) -> Recipe:
    """Hand drums: bongo, conga, timbale."""

    def make(kit: _Kit) -> tuple[FloatArray, FloatArray]:
        body = kit.sweep(0.6, 1.12 * pitch_hz, pitch_hz, 0.02, t60) * 0.75
        skin = kit.modes(
            0.25,
            [1.61 * pitch_hz, 2.3 * pitch_hz, 3.1 * pitch_hz],
            [0.6 * t60, 0.4 * t60, 0.3 * t60],
            [0.3, 0.2, 0.12],
        )
        return _mix(body, skin), _decay(kit.noise(0.06, 900, 7000), kit.rate, 0.03) * slap

    return make


def _metal(hz: list[float], t60: float, level: float = 0.5, seconds: float = 0.0) -> Recipe:
    """Bells, blocks, triangle, claves: a few modes."""

    def make(kit: _Kit) -> tuple[FloatArray, FloatArray]:
        count = len(hz)
        tone = kit.modes(
            seconds or min(t60 * 1.1 + 0.02, 3.0),
            hz,
            [t60 * 0.85**i for i in range(count)],
            [level * 0.75**i for i in range(count)],
        )
        return tone, _decay(kit.noise(0.03, 2000, 9000), kit.rate, 0.015) * 0.12

    return make


def _shaken(low_hz: float, high_hz: float, rise: float, t60: float, level: float) -> Recipe:
    """Maracas, cabasa, shaker, tambourine hiss: noise that swells, then dies."""

    def make(kit: _Kit) -> tuple[FloatArray, FloatArray]:
        hiss = kit.noise(t60 + 3 * rise + 0.02, low_hz, high_hz) * level
        time = np.arange(len(hiss), dtype=np.float32) / np.float32(kit.rate)
        shape = np.where(
            time < rise,
            0.25 + 0.75 * time / max(rise, 1e-4),
            np.exp(-6.9 / t60 * np.maximum(time - rise, 0)),
        )
        return (hiss * shape).astype(np.float32), np.zeros(1, np.float32)

    return make


def _tambourine(kit: _Kit) -> tuple[FloatArray, FloatArray]:
    jingles = kit.cloud(0.45, 4200, 14000, 70, 0.5, 0.1) * 0.16
    shake = _decay(kit.noise(0.3, 5000, 14000), kit.rate, 0.16) * 0.12
    return _decay(_mix(jingles, shake), kit.rate, 0.5), _decay(
        kit.noise(0.05, 900, 5000), kit.rate, 0.04
    ) * 0.15


def _guiro(strokes: int, seconds: float) -> Recipe:
    def make(kit: _Kit) -> tuple[FloatArray, FloatArray]:
        total = np.zeros(int((seconds + 0.05) * kit.rate), np.float32)
        for stroke in range(strokes):
            start = int(seconds * (stroke / strokes) ** 0.9 * kit.rate)
            tick = _decay(kit.noise(0.03, 1800, 7000), kit.rate, 0.015) * 0.3
            total[start : start + len(tick)] += tick[: len(total) - start]
        return total, np.zeros(1, np.float32)

    return make


def _whistle(seconds: float) -> Recipe:
    def make(kit: _Kit) -> tuple[FloatArray, FloatArray]:
        time = kit.time(seconds)
        trill = 2300 * time + 1.2 * np.sin(2 * np.pi * 28 * time)
        shape = np.minimum(time / 0.01, 1) * np.minimum((seconds - time) / 0.03, 1)
        return (0.3 * np.sin(2 * np.pi * trill) * shape).astype(np.float32), np.zeros(1, np.float32)

    return make


def _cuica(low_hz: float, high_hz: float, seconds: float) -> Recipe:
    def make(kit: _Kit) -> tuple[FloatArray, FloatArray]:
        tone = kit.sweep(seconds, low_hz, high_hz, 0.06, seconds * 1.6)
        return np.tanh(2.5 * tone) * np.float32(0.3), np.zeros(1, np.float32)

    return make


# key: (recipe, pan -1..1, choke group or 0)
_KEYS: dict[int, tuple[Recipe, float, int]] = {
    27: (_metal([1800, 2500], 0.2), 0.0, 0),
    28: (_skin(240, 0.12, 0.5), 0.0, 0),
    29: (_shaken(1500, 6000, 0.06, 0.08, 0.3), 0.2, 7),
    30: (_shaken(1500, 6000, 0.08, 0.06, 0.3), 0.2, 7),
    31: (_rim, 0.0, 0),
    32: (_metal([1200, 3100], 0.05), 0.0, 0),
    33: (_metal([1000, 2000], 0.06), 0.0, 0),
    34: (_metal([2100, 4200, 6300], 1.2), 0.0, 0),
    35: (_kick(47.0), 0.0, 0),
    36: (_kick(54.0), 0.0, 0),
    37: (_rim, 0.1, 0),
    38: (_snare(188.0, 1.0), 0.05, 0),
    39: (_clap, -0.1, 0),
    40: (_snare(222.0, 0.75), 0.05, 0),
    41: (_tom(82.0), -0.5, 0),
    42: (_hat(0.075, 0.15), 0.3, 1),
    43: (_tom(98.0), -0.35, 0),
    44: (_pedal_hat, 0.3, 1),
    45: (_tom(116.0), -0.15, 0),
    46: (_hat(0.75, 0.9), 0.3, 1),
    47: (_tom(138.0), 0.05, 0),
    48: (_tom(164.0), 0.2, 0),
    49: (_cymbal(420.0, 2.6, 0.26, 2.8), -0.45, 0),
    50: (_tom(196.0), 0.35, 0),
    51: (_ride(False), 0.5, 0),
    52: (_cymbal(520.0, 1.4, 0.3, 1.8), 0.4, 0),
    53: (_ride(True), 0.5, 0),
    54: (_tambourine, -0.3, 0),
    55: (_cymbal(900.0, 0.9, 0.28, 1.2), -0.25, 0),
    56: (_metal([562, 845, 1510, 2230], 0.3, 0.42), -0.2, 0),
    57: (_cymbal(480.0, 2.3, 0.26, 2.6), 0.45, 0),
    58: (_shaken(800, 4500, 0.01, 0.9, 0.3), 0.2, 0),
    59: (_ride(False), 0.45, 0),
    60: (_skin(390.0, 0.2), -0.35, 0),
    61: (_skin(290.0, 0.25), -0.3, 0),
    62: (_skin(330.0, 0.1, 0.4), 0.3, 0),
    63: (_skin(232.0, 0.38), 0.3, 0),
    64: (_skin(172.0, 0.45), 0.35, 0),
    65: (_skin(430.0, 0.4, 0.3), -0.4, 0),
    66: (_skin(300.0, 0.45, 0.3), -0.4, 0),
    67: (_metal([910, 1380, 2700], 0.35, 0.4), 0.4, 0),
    68: (_metal([680, 1030, 2050], 0.4, 0.4), 0.4, 0),
    69: (_shaken(4500, 12000, 0.018, 0.1, 0.24), -0.35, 0),
    70: (_shaken(5000, 14000, 0.008, 0.06, 0.26), -0.35, 0),
    71: (_whistle(0.18), 0.3, 3),
    72: (_whistle(0.5), 0.3, 3),
    73: (_guiro(7, 0.12), 0.25, 4),
    74: (_guiro(18, 0.38), 0.25, 4),
    75: (_metal([2480, 5100], 0.09, 0.6), 0.2, 0),
    76: (_metal([1180, 2790], 0.1, 0.6), 0.25, 0),
    77: (_metal([860, 2060], 0.12, 0.6), 0.25, 0),
    78: (_cuica(520, 760, 0.14), -0.2, 5),
    79: (_cuica(760, 330, 0.26), -0.2, 5),
    80: (_metal([4100, 6800, 9300], 0.14, 0.3), 0.35, 6),
    81: (_metal([4100, 6800, 9300, 11200], 2.6, 0.22), 0.35, 6),
    82: (_shaken(5500, 13500, 0.02, 0.07, 0.26), -0.3, 0),
    83: (_tambourine, -0.25, 0),
    84: (_metal([2400, 3050, 3900, 4900, 6100, 7600], 1.6, 0.16), 0.3, 0),
    85: (_metal([1900, 3300], 0.08, 0.55), 0.2, 0),
    86: (_tom(74.0), -0.2, 8),
    87: (_tom(68.0), -0.2, 0),
}


def _takes(kit: _Kit, recipe: Recipe) -> list[tuple[FloatArray, FloatArray]]:
    takes = []
    for _ in range(_TAKES):
        body, bright = recipe(kit)
        for layer in (body, bright):
            tail = min(len(layer), int(0.01 * kit.rate))
            layer[len(layer) - tail :] *= np.linspace(1, 0, tail, dtype=np.float32)
        takes.append((body, bright))
    return takes


def render_drums(performance: Performance, rng: np.random.Generator) -> FloatArray:
    """Render a drum part, float32 (2, num_samples); keys without a drum are silent."""
    rate = performance.sample_rate
    bus = performance.silence()
    kit = _Kit(rng, rate)
    made: dict[int, list[tuple[FloatArray, FloatArray]]] = {}
    groups = np.array([_KEYS[k][2] if k in _KEYS else 0 for k in performance.pitch.tolist()])
    for index in range(performance.num_notes):
        key = int(performance.pitch[index])
        if key not in _KEYS:
            continue
        recipe, pan, group = _KEYS[key]
        if key not in made:
            made[key] = _takes(kit, recipe)
        body, bright = made[key][int(rng.integers(_TAKES))]
        velocity = int(performance.velocity[index])
        gain = float(velocity_gain(velocity, 1.7)) * _LEVEL * 10 ** (rng.uniform(-0.5, 0.5) / 20)
        hit = body * np.float32(gain)
        sharp = min(len(bright), len(hit))
        hit[:sharp] += bright[:sharp] * np.float32(gain * (0.25 + velocity / 90.0))
        onset = int(performance.onset[index])
        count = min(len(hit), performance.num_samples - onset)
        if group:
            later = np.flatnonzero(groups[index + 1 :] == group)
            if len(later):
                stop = int(performance.onset[index + 1 + later[0]]) - onset
                fade = int(0.012 * rate)
                if 0 < stop < count:
                    count = min(count, stop + fade)
                    rest = count - stop
                    hit[stop:count] *= np.linspace(1, 0, rest, dtype=np.float32)
        angle = (pan + 1) * np.pi / 4
        bus[0, onset : onset + count] += hit[:count] * np.float32(np.sqrt(2) * np.cos(angle))
        bus[1, onset : onset + count] += hit[:count] * np.float32(np.sqrt(2) * np.sin(angle))
    return performance.apply_expression(bus)
