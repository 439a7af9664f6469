"""The player of held tones: what bowed, blown, organ, voice and synth instruments share.

Notes that touch are joined into lines, so that a phrase is one breath or bow with a continuous
phase, a short glide and a small dip, and every note reads a wavetable built from its instrument's
spectrum at that very pitch. Loudness and brightness move apart: velocity and CC11 set both, the
attack lets brightness lag behind, and slow random drift keeps either from standing still.

Conventions: times in seconds, depths in cents or dB; the first player's vibrato starts late, as
players do. Spectra are normalised to one loudness, so that evenness across the compass does not
depend on the shape of a spectrum.

References: J. Meyer, *Acoustics and the Performance of Music*, 5th ed., Springer 2009 (spectra,
attack times); N. Fletcher and T. Rossing, *The Physics of Musical Instruments*, 2nd ed., 1998.

Public names: :class:`SustainedVoice`, :func:`render_sustained`, :func:`note_lines`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.instruments.oscillators import (
    NoiseLoop,
    Wavetable,
    band_gain,
    loudness_weight,
    midi_to_hz,
    ramp_blocks,
    read_wavetable,
    wavetable,
)
from leitmotiv.instruments.performance import (
    CONTROL_BLOCK,
    FloatArray,
    Performance,
    velocity_gain,
)

__all__ = ["Spectrum", "SustainedVoice", "note_lines", "render_sustained"]

Spectrum = Callable[[NDArray[np.float64], float, float], NDArray[Any]]
"""Amplitudes of harmonics at frequencies (n,), of a tone at f0 Hz, at a level from 0 to 1."""

_MAX_HARMONIC_HZ = 18_500.0
_MAX_HARMONICS = 160
_TOUCH_SEC = 0.015
_OVERLAP_SEC = 0.09
_WIDEST_SLUR_SEMITONES = 12
_CROSSFADE_SEC = 0.016
_DRIFT_STEP_SEC = 0.17


@dataclass(frozen=True)
class SustainedVoice:
    """Parameters of one held-tone instrument; see the field names and units."""

    spectrum: Spectrum
    positions: int = 3
    dynamic_exponent: float = 1.5
    attack_sec: float = 0.06
    release_sec: float = 0.12
    decay_db_per_sec: float = 0.0
    """Fall of a held note, for instruments that do not truly sustain."""
    decay_floor_db: float = -60.0
    brightness_lag_sec: float = 0.03
    brightness_overshoot: float = 0.0
    brightness_decay_sec: float = 0.0
    """Time in which brightness falls from its peak to ``brightness_sustain`` (synth filters)."""
    brightness_sustain: float = 1.0
    brightness_velocity: float = 1.0
    vibrato_hz: float = 5.4
    vibrato_cents: float = 0.0
    vibrato_delay_sec: float = 0.22
    tremolo_db: float = 0.0
    stroke_hz: float = 0.0
    """Rate of measured bow strokes (tremolo strings); 0 for none."""
    drift_cents: float = 1.5
    drift_db: float = 0.6
    evolution_depth: float = 0.0
    """How far the spectrum wanders along its positions while a note is held, 0-1 (pads)."""
    evolution_sec: float = 8.0
    """About the time in which it comes back."""
    swell_db: float = 0.0
    scoop_cents: float = 0.0
    accent_db: float = 0.0
    """Extra level at the attack, gone after about 90 ms."""
    noise_db: float = -60.0
    attack_noise_db: float = -60.0
    noise_band_hz: tuple[float, float] = (1000.0, 8000.0)
    players: int = 1
    detune_cents: float = 0.0
    width: float = 0.0
    legato: bool = True
    portamento_sec: float = 0.035
    dip_db: float = 3.0
    transpose: int = 0
    """Semitones from the written note to the table's fundamental (organ: -12)."""
    pedal: bool = False
    """Whether CC64 holds the notes (keyboards); a string or a breath ignores it."""


def note_lines(performance: Performance, *, legato: bool) -> list[list[int]]:
    """Join notes that touch into lines; without ``legato`` each note is a line of its own.

    A note continues the line whose last note ends within 15 ms before it, or at most 90 ms
    after its onset, nearest in pitch and at most an octave away.
    """
    if not legato:
        return [[index] for index in range(performance.num_notes)]
    touch = int(_TOUCH_SEC * performance.sample_rate)
    overlap = int(_OVERLAP_SEC * performance.sample_rate)
    lines: list[list[int]] = []
    open_lines: list[list[int]] = []
    for index in range(performance.num_notes):
        onset, pitch = int(performance.onset[index]), int(performance.pitch[index])
        open_lines = [line for line in open_lines if performance.end[line[-1]] >= onset - touch]
        best: list[int] | None = None
        best_interval = _WIDEST_SLUR_SEMITONES + 1
        for line in open_lines:
            last = line[-1]
            interval = abs(int(performance.pitch[last]) - pitch)
            ends_in_time = performance.end[last] <= onset + overlap
            long_enough = onset - performance.onset[last] > overlap
            if ends_in_time and long_enough and interval < best_interval:
                best, best_interval = line, interval
        if best is None:
            best = []
            lines.append(best)
            open_lines.append(best)
        best.append(index)
    return lines


class _Tables:
    """Wavetables of one instrument, one a pitch, made when first asked for."""

    def __init__(self, voice: SustainedVoice, performance: Performance) -> None:
        self._voice, self._rate = voice, performance.sample_rate
        self._correction = performance.correction
        self._tables: dict[int, Wavetable] = {}

    def at(self, pitch: int) -> Wavetable:
        if pitch not in self._tables:
            f0 = float(midi_to_hz(pitch + self._voice.transpose))
            limit = min(_MAX_HARMONIC_HZ, 0.44 * self._rate)
            num = max(1, min(_MAX_HARMONICS, int(limit / f0)))
            frequency = f0 * np.arange(1, num + 1, dtype=np.float64)
            levels = np.linspace(0.0, 1.0, self._voice.positions)
            rows = [self._voice.spectrum(frequency, f0, float(level)) for level in levels]
            if self._correction is not None:
                gain = self._correction.gain(frequency, float(midi_to_hz(pitch)))
                rows = [row * gain for row in rows]
            weight = loudness_weight(frequency)
            rows = [row / np.sqrt(0.5 * np.sum(np.abs(row * weight) ** 2) + 1e-12) for row in rows]
            self._tables[pitch] = wavetable(np.stack(rows))
        return self._tables[pitch]


def _drift(rng: np.random.Generator, points: int, sample_rate: int) -> NDArray[np.float64]:
    """Slow noise of unit deviation at control points, shape (points,)."""
    step = _DRIFT_STEP_SEC * sample_rate / CONTROL_BLOCK
    count = int(points / step) + 3
    knots = rng.standard_normal(count)
    return np.interp(np.arange(points), np.arange(count) * step, knots)


@dataclass
class _Line:
    """Control curves of one line, at points one block apart from ``start_sample`` on."""

    start_sample: int
    points: int
    pitch: NDArray[np.float64]
    gain: NDArray[np.float64]
    bright: NDArray[np.float64]
    vibrato: NDArray[np.float64]
    burst: NDArray[np.float64]
    segments: list[tuple[int, int, int]]
    """(MIDI pitch, first point, last point) of each note."""


def _line_curves(
    performance: Performance, voice: SustainedVoice, line: list[int], rng: np.random.Generator
) -> _Line:
    rate = performance.sample_rate
    block_sec = CONTROL_BLOCK / rate
    ends = performance.pedal_end if voice.pedal else performance.end
    start = int(performance.onset[line[0]])
    onsets = (performance.onset[line] - start) // CONTROL_BLOCK
    release = max(int(voice.release_sec * rng.uniform(0.9, 1.1) / block_sec), 4)
    # Whole buffer blocks remain: nothing may sound past the end of the buffer.
    room = (performance.num_samples - start) // CONTROL_BLOCK
    off = int(ends[line[-1]] - start) // CONTROL_BLOCK
    points = max(min(off + release, room), 2) + 1
    release = max(min(release, points - 1 - min(off, points - 2)), 1)
    off = points - 1 - release
    pitch, gain = np.empty(points), np.empty(points)
    bright, vibrato = np.empty(points), np.zeros(points)
    burst, dip = np.zeros(points), np.ones(points)
    segments: list[tuple[int, int, int]] = []
    velocities = performance.velocity[line]
    gains = velocity_gain(velocities, voice.dynamic_exponent) * 10 ** (
        rng.uniform(-0.4, 0.4, len(line)) / 20
    )
    levels = np.clip((velocities - 15) / 112.0, 0.0, 1.0) * voice.brightness_velocity + (
        1.0 - voice.brightness_velocity
    )
    fade = max(int(_CROSSFADE_SEC / block_sec), 1)
    glide = max(int(voice.portamento_sec / block_sec), 1)
    for place, index in enumerate(line):
        first = int(onsets[place])
        last = int(onsets[place + 1]) if place + 1 < len(line) else points
        first, last = min(first, points - 1), min(last, points)
        time = np.arange(last - first) * block_sec
        midi = int(performance.pitch[index])
        fresh = place == 0
        lag = voice.brightness_lag_sec * (1.0 if fresh else 0.5) * rng.uniform(0.8, 1.25)
        attack = max(voice.attack_sec * rng.uniform(0.85, 1.2), 1e-3)
        attack *= 1.25 - 0.5 * float(velocities[place]) / 127
        swell = (
            10 ** (voice.swell_db / 20 * np.sin(np.pi * np.clip(time / max(time[-1], 0.4), 0, 1)))
            if voice.swell_db and len(time) > 1
            else 1.0
        )
        level = float(levels[place])
        rise = 1.0 - (0.75 if fresh else 0.2) * np.exp(-time / max(lag, 1e-3))
        if voice.brightness_decay_sec:
            sustain = voice.brightness_sustain
            rise = rise * (sustain + (1 - sustain) * np.exp(-time / voice.brightness_decay_sec))
        if voice.brightness_overshoot:
            rise = rise + voice.brightness_overshoot * np.exp(-time / 0.06)
        bright[first:last] = level * rise
        shape = swell * float(gains[place])
        if voice.accent_db:
            shape = shape * (1 + (10 ** (voice.accent_db / 20) - 1) * np.exp(-time / 0.06))
        if fresh:
            # A slow attack too has a beginning: a trace of the tone stands at once.
            shape = shape * (
                1.0 - 0.05 * np.exp(-time / 0.003) - 0.95 * np.exp(-time / (attack / 2.3))
            )
        if voice.decay_db_per_sec:
            shape = shape * 10 ** (
                np.maximum(-voice.decay_db_per_sec * time, voice.decay_floor_db) / 20
            )
        gain[first:last] = shape
        pitch[first:last] = midi
        if voice.scoop_cents and fresh:
            scoop = voice.scoop_cents * rng.uniform(0.4, 1.2) / 100
            pitch[first:last] -= scoop * np.exp(-time / 0.035)
        if voice.vibrato_cents:
            delay = voice.vibrato_delay_sec * rng.uniform(0.7, 1.3)
            grow = np.clip((time - delay) / 0.35, 0.0, 1.0)
            vibrato[first:last] = grow * grow * (3 - 2 * grow) * rng.uniform(0.8, 1.2)
        if voice.attack_noise_db > -60:
            burst[first:last] = (
                np.exp(-time / 0.025) * float(gains[place]) * (1.0 if fresh else 0.5)
            )
        if not fresh:
            before = float(performance.pitch[line[place - 1]])
            stop = min(first + glide, last)
            way = 0.5 + 0.5 * np.cos(np.pi * np.arange(stop - first) / glide)
            pitch[first:stop] += way * (before - midi)
            repeated = int(before) == midi
            depth = voice.dip_db if not repeated else max(2.5 * voice.dip_db, 12.0)
            half = max(int(0.03 / block_sec), 2)
            window = np.hanning(2 * half + 1)
            low, high = max(first - half, 0), min(first + half + 1, points)
            shape_dip = (
                1.0 - (1.0 - 10 ** (-depth / 20)) * window[low - first + half : high - first + half]
            )
            dip[low:high] = np.minimum(dip[low:high], shape_dip)
            # The step between two notes' levels is spread over the cross-fade.
            step = float(gain[first - 1]) / max(float(gain[first]), 1e-9)
            stop = min(first + fade, last)
            gain[first:stop] *= 1 + (step - 1) * (1 - np.arange(stop - first) / fade)
        segments.append((midi, first, last - 1 if place + 1 == len(line) else last))
    gain *= dip
    tail = np.linspace(1.0, 0.0, release + 1)
    gain[points - 1 - release :] *= tail**2.2
    bright[points - 1 - release :] *= 0.4 + 0.6 * tail
    return _Line(start, points, pitch, gain, bright, vibrato, burst, segments)


def _evolution(
    rng: np.random.Generator, points: int, turns_per_point: float
) -> NDArray[np.float64]:
    """Slow movement in [-1, 1]: three sines whose periods have no common multiple."""
    turns = np.arange(points) * turns_per_point
    wave = np.zeros(points)
    for rate, share in ((1.0, 0.5), (1.618, 0.3), (2.718, 0.2)):
        wave += share * np.sin(2 * np.pi * (rate * turns + rng.random()))
    return wave


def _render_player(
    performance: Performance,
    voice: SustainedVoice,
    curves: _Line,
    tables: _Tables,
    rng: np.random.Generator,
    detune_cents: float,
    follower: bool,
) -> FloatArray:
    """Render one player of a line; float32 ((points - 1) * CONTROL_BLOCK,)."""
    rate, points = performance.sample_rate, curves.points
    block_sec = CONTROL_BLOCK / rate
    pitch = curves.pitch + detune_cents / 100
    gain, bright = curves.gain, curves.bright
    if voice.drift_cents:
        pitch = pitch + _drift(rng, points, rate) * voice.drift_cents / 100
    if voice.drift_db:
        wander = _drift(rng, points, rate)
        gain = gain * 10 ** (wander * voice.drift_db / 20)
        bright = bright * (1 + 0.06 * voice.drift_db * wander)
    if voice.evolution_depth:
        bright = bright + voice.evolution_depth * _evolution(
            rng, points, block_sec / voice.evolution_sec
        )
    depth = curves.vibrato * voice.vibrato_cents
    if performance.modulation is not None:
        depth = depth + 35.0 * performance.curve(
            performance.modulation, curves.start_sample, points
        )
    if voice.vibrato_cents or performance.modulation is not None or voice.tremolo_db:
        middle_hz = voice.vibrato_hz * rng.uniform(0.94, 1.06)
        speed = middle_hz * (1 + 0.04 * _drift(rng, points, rate))
        cycle = np.cumsum(speed) * block_sec + (rng.random() if follower else 0.0)
        wave = np.sin(2 * np.pi * cycle)
        pitch = pitch + wave * depth / 100
        if voice.tremolo_db:
            grown = curves.vibrato if voice.vibrato_cents else 1.0
            gain = gain * 10 ** (wave * grown * voice.tremolo_db / 20)
            bright = bright * (1 + 0.04 * voice.tremolo_db * wave * grown)
    if voice.stroke_hz:
        cycle = np.cumsum(voice.stroke_hz * (1 + 0.1 * _drift(rng, points, rate))) * block_sec
        gain = gain * (0.42 + 0.58 * np.abs(np.sin(np.pi * (cycle + rng.random()))) ** 0.7)
    if performance.bend_semitones is not None:
        pitch = pitch + performance.curve(performance.bend_semitones, curves.start_sample, points)
    if performance.expression is not None:
        expression = performance.curve(performance.expression, curves.start_sample, points)
        gain = gain * expression
        bright = bright * np.clip(0.35 + 0.65 * expression, 0.0, 1.3)
    increment = midi_to_hz(0.5 * (pitch[:-1] + pitch[1:]) + voice.transpose) / rate
    phase = np.concatenate([[rng.random()], increment * CONTROL_BLOCK])
    phase = np.cumsum(phase)[:-1]
    audio = np.zeros((points - 1, CONTROL_BLOCK), np.float32)
    fade = max(int(_CROSSFADE_SEC / block_sec), 1)
    for place, (midi, first, last) in enumerate(curves.segments):
        more = place + 1 < len(curves.segments)
        stop = min(last + fade if more else last, points - 1)
        if stop <= first:
            continue
        part_gain = gain[first : stop + 1].copy()
        if place:  # equal-gain cross-fade: the two tables share one phase
            count = min(fade + 1, len(part_gain))
            part_gain[:count] *= np.arange(count) / fade
        if more:
            count = min(stop - last + 1, len(part_gain))
            part_gain[len(part_gain) - count :] *= 1.0 - np.arange(count) / fade
        audio[first:stop] += read_wavetable(
            tables.at(midi), phase[first:stop], increment[first:stop], bright[first : stop + 1]
        ) * ramp_blocks(part_gain)
    return audio.reshape(-1)


def render_sustained(
    performance: Performance, voice: SustainedVoice, rng: np.random.Generator
) -> FloatArray:
    """Render a held-tone part.

    Parameters
    ----------
    performance : Performance
        Notes and controllers.
    voice : SustainedVoice
        The instrument.
    rng : numpy.random.Generator
        Source of every small difference between notes.

    Returns
    -------
    ndarray, float32, shape (2, num_samples)
        Silence for an empty part.
    """
    rate = performance.sample_rate
    tables = _Tables(voice, performance)
    channels = 2 if voice.players > 1 and voice.width else 1
    bus = np.zeros((channels, performance.num_samples), np.float32)
    noisy = voice.noise_db > -60 or voice.attack_noise_db > -60
    noise = NoiseLoop(rng, rate, band_gain(*voice.noise_band_hz)) if noisy else None
    players = voice.players
    places = np.linspace(-1.0, 1.0, players) if players > 1 else np.zeros(1)
    # Pan and detuning must not rise together, or the flat players would all sit on one side.
    seats = places[np.argsort(np.arange(players) * 0.618 % 1.0)]
    for line in note_lines(performance, legato=voice.legato):
        curves = _line_curves(performance, voice, line, rng)
        start = curves.start_sample
        # Each line has its own small mistunings, and they cancel: a section is in tune.
        offsets = places + 0.25 * rng.uniform(-1, 1, players)
        offsets = voice.detune_cents * (offsets - offsets.mean())
        for player in range(players):
            audio = _render_player(
                performance, voice, curves, tables, rng, float(offsets[player]), player > 0
            )
            audio *= np.float32(1.0 / np.sqrt(players))
            if noise is not None and player == 0:
                level = curves.gain * 10 ** (voice.noise_db / 20)
                level = level + curves.burst * 10 ** (voice.attack_noise_db / 20)
                if performance.expression is not None:
                    level = level * performance.curve(performance.expression, start, curves.points)
                audio += noise.read(rng, len(audio)) * ramp_blocks(level).reshape(-1)
            count = min(len(audio), performance.num_samples - start)
            if channels == 1:
                bus[0, start : start + count] += audio[:count]
            else:
                angle = (seats[player] * voice.width + 1) * np.pi / 4
                bus[0, start : start + count] += audio[:count] * np.float32(
                    np.sqrt(2) * np.cos(angle)
                )
                bus[1, start : start + count] += audio[:count] * np.float32(
                    np.sqrt(2) * np.sin(angle)
                )
    return bus if channels == 2 else np.repeat(bus, 2, axis=0)
