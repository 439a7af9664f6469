"""The player of neural instruments: a performance and a timbre in, audio out.

Notes that touch are one breath or bow of a held instrument: their partials share one phase, the
pitch glides, and the levels of the new note take over within 25 ms, past its attack. Vibrato comes
late and grows; pitch, loudness and every partial wander a little, so that no tone stands still.

Conventions: as in :mod:`~leitmotiv.instruments.sustained`: stereo float32, curves at blocks of
:data:`~leitmotiv.instruments.performance.CONTROL_BLOCK` samples.

Public names: :class:`Playing`, :func:`render_neural`, :func:`render_note`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leitmotiv.instruments.neural_grid import (
    GROUP_EDGES,
    MAX_HARMONIC,
    NUM_GROUPS,
    TOP_HZ,
    group_of_harmonic,
    partial_hz,
)
from leitmotiv.instruments.neural_kernel import NOISE_LENGTH, add_noise, add_partials, noise_bands
from leitmotiv.instruments.neural_timbre import GRID_SEC, HELD_SEC, Timbre, TimbreNote
from leitmotiv.instruments.oscillators import midi_to_hz
from leitmotiv.instruments.performance import (
    CONTROL_BLOCK,
    FloatArray,
    Performance,
    velocity_gain,
)
from leitmotiv.instruments.sustained import note_lines

__all__ = ["Playing", "render_neural", "render_note"]

_VELOCITY_STEP = 6
_SILENT_DB = -74.0
_TAIL_DB = 56.0
_FOLLOWER_HARMONICS = 24
_SLUR_FROM_SEC = 0.09
_CROSSFADE_SEC = 0.025
_STEADY_STEP_SEC = 0.04
_DRIFT_STEP_SEC = 0.17


@dataclass(frozen=True)
class Playing:
    """How a timbre is played; see the field names and units."""

    vibrato_cents: float = 0.0
    vibrato_hz: float = 5.4
    vibrato_delay_sec: float = 0.25
    tremolo_db: float = 0.0
    """Loudness that goes with the vibrato."""
    bright_db: float = 0.0
    """How far a harmonic goes with the vibrato, for each octave above the first."""
    drift_cents: float = 1.2
    drift_db: float = 0.5
    flutter_db: float = 0.7
    """Slow wandering of every partial by itself: bow, breath, reed."""
    glide_sec: float = 0.03
    dip_db: float = 3.0
    """Fall between slurred notes; four times as deep where a pitch is repeated."""
    legato: bool = True
    players: int = 1
    detune_cents: float = 0.0
    width: float = 0.0
    key_width: float = 0.0
    """Stereo of a keyboard or harp: low notes to one side, high ones to the other."""
    onset_spread_sec: float = 0.0
    least_release: float = 60.0
    most_release: float = 500.0
    dynamic_exponent: float = 1.5
    transpose: int = 0


def _drift(rng: np.random.Generator, points: int, block_sec: float) -> NDArray[np.float64]:
    """Slow noise of unit deviation, shape (points,)."""
    step = _DRIFT_STEP_SEC / block_sec
    count = int(points / step) + 3
    return np.interp(np.arange(points), np.arange(count) * step, rng.standard_normal(count))


class _Notebook:
    """Notes of a timbre, described once each."""

    def __init__(self, timbre: Timbre, performance: Performance, *, softer: bool) -> None:
        pairs = {
            (int(p), self.step(int(v)))
            for p, v in zip(performance.pitch, performance.velocity, strict=True)
        }
        if softer:
            pairs |= {(p, self.soft(v)) for p, v in list(pairs)}
        ordered = sorted(pairs)
        described = timbre.notes([p for p, _ in ordered], [v for _, v in ordered])
        self._notes = dict(zip(ordered, described, strict=True))

    @staticmethod
    def step(velocity: int) -> int:
        """Round a velocity to the steps at which timbre is described."""
        return int(np.clip(round(velocity / _VELOCITY_STEP) * _VELOCITY_STEP, 8, 127))

    @classmethod
    def soft(cls, velocity: int) -> int:
        """The velocity whose timbre a closed swell pedal goes towards."""
        return cls.step(max(int(0.4 * velocity), 8))

    def at(self, pitch: int, velocity: int) -> TimbreNote:
        return self._notes[pitch, velocity]


@dataclass
class _Segment:
    """One note of a line: blocks ``first`` to ``stop``, levels from ``skip_sec`` on."""

    note: TimbreNote
    softer: TimbreNote | None
    pitch: int
    velocity: int
    first: int
    stop: int
    gain: FloatArray
    skip_sec: float


@dataclass
class _Line:
    """Curves of one line at points one block apart."""

    start: int
    points: int
    cents: NDArray[np.float64]
    midi: NDArray[np.float64]
    segments: list[_Segment]


def _release(note: TimbreNote, playing: Playing) -> float:
    return float(np.clip(note.release_db_per_sec, playing.least_release, playing.most_release))


def _line(
    performance: Performance,
    playing: Playing,
    notebook: _Notebook,
    line: list[int],
    rng: np.random.Generator,
) -> _Line | None:
    """Lay out a line: pitch curve, segments, gains with releases and cross-fades."""
    block_sec = CONTROL_BLOCK / performance.sample_rate
    plucked = not playing.legato
    ends = performance.pedal_end if plucked else performance.end
    start = int(performance.onset[line[0]])
    room = (performance.num_samples - start) // CONTROL_BLOCK
    if room < 2:
        return None
    onsets = (performance.onset[line] - start) // CONTROL_BLOCK
    last_note = notebook.at(
        int(performance.pitch[line[-1]]), notebook.step(int(performance.velocity[line[-1]]))
    )
    rate = _release(last_note, playing)
    off = max(int((ends[line[-1]] - start) // CONTROL_BLOCK), 1)
    tail = max(int(_TAIL_DB / rate / block_sec), 4)
    points = min(off + tail, room) + 1
    off = min(off, points - 3) if points > 4 else 1
    tail = max(points - 1 - off, 1)
    midi = np.empty(points)
    fade = max(int(_CROSSFADE_SEC / block_sec), 2)
    glide = max(int(playing.glide_sec / block_sec), 1)
    segments: list[_Segment] = []
    for place, index in enumerate(line):
        first = min(int(onsets[place]), points - 2)
        more = place + 1 < len(line)
        last = min(int(onsets[place + 1]), points - 2) if more else points - 1
        pitch = int(performance.pitch[index])
        velocity = int(performance.velocity[index])
        stop = min(last + fade, points - 1) if more else points - 1
        step = notebook.step(velocity)
        softer = None
        if performance.expression is not None:
            softer = notebook.at(pitch, notebook.soft(step))
        loud = float(velocity_gain(velocity, playing.dynamic_exponent))
        loud *= 10 ** (rng.uniform(-0.4, 0.4) / 20)
        gain = np.full(stop - first + 1, loud)
        if not place:
            # Analysis looks over a period: within it, a tone rises.
            rise = float(np.clip(0.6 / midi_to_hz(pitch), 0.003, 0.012))
            count = min(max(int(rise / block_sec), 1), len(gain))
            gain[:count] *= (np.arange(count) + 0.25) / count
        midi[first : last + 1] = pitch
        if place:
            before = int(performance.pitch[line[place - 1]])
            count = min(glide, last - first)
            way = 0.5 + 0.5 * np.cos(np.pi * np.arange(count) / max(glide, 1))
            midi[first : first + count] += way * (before - pitch)
            depth = playing.dip_db if before != pitch else max(4.0 * playing.dip_db, 12.0)
            count = min(2 * fade, len(gain))
            dip = 10 ** (-depth / 20 * (0.5 + 0.5 * np.cos(np.pi * np.arange(count) / count)))
            gain[:count] *= dip
            count = min(fade + 1, len(gain))
            gain[:count] *= np.arange(count) / fade
        if more:
            count = min(stop - last + 1, len(gain))
            gain[len(gain) - count :] *= 1.0 - np.arange(count) / fade
        else:
            fall = np.arange(tail + 1) * block_sec
            shape = 10 ** (-rate * fall / 20)
            # The rest of the way to silence goes in a straight line.
            shape *= np.minimum(5.0 * (1.0 - np.arange(tail + 1) / tail), 1.0)
            count = min(tail + 1, len(gain))
            gain[len(gain) - count :] *= shape[len(shape) - count :]
        segments.append(
            _Segment(
                notebook.at(pitch, step),
                softer,
                pitch,
                velocity,
                first,
                stop,
                gain.astype(np.float32),
                _SLUR_FROM_SEC if place else 0.0,
            )
        )
    grown = np.zeros(points)
    for place, segment in enumerate(segments):
        end = segments[place + 1].first if place + 1 < len(segments) else points
        time = np.arange(end - segment.first) * block_sec
        delay = playing.vibrato_delay_sec * rng.uniform(0.7, 1.3)
        rise = np.clip((time - delay) / 0.35, 0.0, 1.0)
        grown[segment.first : end] = rise * rise * (3 - 2 * rise) * rng.uniform(0.8, 1.2)
    return _Line(start, points, grown * playing.vibrato_cents, midi, segments)


def _frames(
    segment: _Segment, held: bool, block_sec: float, expression: FloatArray | None
) -> tuple[NDArray[np.int64], FloatArray, NDArray[np.float64]]:
    """Blocks of frames, their levels in dB (F, O), and their times."""
    blocks = segment.stop - segment.first
    end = segment.skip_sec + blocks * block_sec
    times = GRID_SEC[
        (segment.skip_sec < GRID_SEC) & (min(end, HELD_SEC if held else end) > GRID_SEC)
    ]
    times = np.concatenate([[segment.skip_sec], times])
    if end - times[-1] > _STEADY_STEP_SEC:
        times = np.concatenate(
            [times, np.arange(times[-1] + _STEADY_STEP_SEC, end, _STEADY_STEP_SEC)]
        )
    where = np.rint((times - segment.skip_sec) / block_sec).astype(np.int64)
    keep = np.concatenate([[True], np.diff(where) > 0])
    times, where = times[keep], where[keep]
    levels = segment.note.at(times)
    if segment.softer is not None and expression is not None:
        swell = expression[np.minimum(segment.first + where, len(expression) - 1)]
        # Loudness goes with the 1.5th power of velocity; colour follows the velocity meant.
        meant = np.clip(swell, 0.0, 1.0) ** (1 / 1.5)
        share = np.clip((1.0 - meant) / 0.6, 0.0, 1.0)[:, None].astype(np.float32)
        levels = levels + share * (segment.softer.at(times) - levels)
    return where, levels, times


def _play(
    performance: Performance,
    playing: Playing,
    line: _Line,
    held: bool,
    rng: np.random.Generator,
    detune_cents: float,
    follower: bool,
) -> FloatArray:
    """Render one player of a line; float32 ((points - 1) * CONTROL_BLOCK,)."""
    rate = performance.sample_rate
    block_sec = CONTROL_BLOCK / rate
    points = line.points
    midi = line.midi + detune_cents / 100 + playing.transpose
    midi = midi + _drift(rng, points, block_sec) * playing.drift_cents / 100
    depth = line.cents
    if performance.modulation is not None:
        depth = depth + 35.0 * performance.curve(performance.modulation, line.start, points)
    swell = 10 ** (_drift(rng, points, block_sec) * playing.drift_db / 20)
    shine = None
    if playing.vibrato_cents or performance.modulation is not None:
        middle_hz = playing.vibrato_hz * rng.uniform(0.94, 1.06)
        speed = middle_hz * (1 + 0.04 * _drift(rng, points, block_sec))
        wave = np.sin(
            2 * np.pi * (np.cumsum(speed) * block_sec + (rng.random() if follower else 0))
        )
        midi = midi + wave * depth / 100
        strength = wave * np.minimum(depth / max(playing.vibrato_cents, 5.0), 2.0)
        if playing.tremolo_db:
            swell = swell * 10 ** (strength * playing.tremolo_db / 20)
        if playing.bright_db:
            shine = strength * playing.bright_db
    if performance.bend_semitones is not None:
        midi = midi + performance.curve(performance.bend_semitones, line.start, points)
    expression = None
    if performance.expression is not None:
        expression = performance.curve(performance.expression, line.start, points)
        swell = swell * expression
    cycles = midi_to_hz(0.5 * (midi[:-1] + midi[1:])) / rate
    turned = np.concatenate([[0.0], np.cumsum(cycles * CONTROL_BLOCK)])
    out = np.zeros((points - 1) * CONTROL_BLOCK, np.float32)
    # Near one phase: a pulse, as strings, reeds and lips make it, and no click at the onset.
    spread = 0.5 if follower else 0.06
    phase = rng.uniform(0.0, spread, MAX_HARMONIC)
    offset = rng.integers(0, NOISE_LENGTH, 32)
    group = group_of_harmonic()
    octaves = np.minimum(np.log2(np.array(GROUP_EDGES[:-1]) + 1.0), 4.0)
    bands = noise_bands(rate)
    order = np.arange(1, MAX_HARMONIC + 1)
    highest = min(TOP_HZ, 0.45 * rate)
    for segment in line.segments:
        where, levels, times = _frames(segment, held, block_sec, expression)
        stretch = partial_hz(1.0, segment.note.inharmonicity, order)
        hz = stretch * float(midi_to_hz(segment.pitch + playing.transpose))
        count = int(np.searchsorted(hz, highest))
        if follower:
            count = min(count, _FOLLOWER_HARMONICS)
        harmonics = levels[:, :NUM_GROUPS]
        peak = float(harmonics.max())
        if playing.flutter_db:
            grow = np.clip((times - 0.05) / 0.2, 0.0, 1.0)[:, None]
            wander = rng.standard_normal(harmonics.shape)
            # Dense moments would jitter: their wandering is held back by what they step.
            wander *= np.minimum(np.gradient(times)[:, None] / 0.04, 1.0) if len(times) > 1 else 0.0
            harmonics = harmonics + (grow * wander * playing.flutter_db).astype(np.float32)
        if shine is not None:
            along = shine[np.minimum(segment.first + where, points - 1)]
            harmonics = harmonics + (along[:, None] * octaves).astype(np.float32)
        amplitude = np.power(np.float32(10.0), harmonics / np.float32(20.0))
        amplitude = np.ascontiguousarray(amplitude[:, group[:count]])
        if playing.players > 1 and not follower:
            # High up a section is a shimmer: one player stands for all.
            amplitude[:, _FOLLOWER_HARMONICS:] *= np.float32(np.sqrt(playing.players))
        gain = segment.gain * swell[segment.first : segment.stop + 1].astype(np.float32)
        top = max(float(gain.max()), 1e-6)
        silent = top * 10 ** ((peak + _SILENT_DB) / 20)
        here = (phase[:count] + turned[segment.first] * stretch[:count]) % 1.0
        target = out[segment.first * CONTROL_BLOCK : segment.stop * CONTROL_BLOCK]
        add_partials(
            target,
            where,
            amplitude,
            cycles[segment.first : segment.stop],
            stretch[:count],
            here,
            gain,
            silent,
        )
        if follower:
            continue  # breath and bow of a section are one noise, played by the first
        noise = np.power(np.float32(10.0), levels[:, NUM_GROUPS:] / np.float32(20.0))
        noise *= np.float32(np.sqrt(max(playing.players, 1)))
        reading = (offset + segment.first * CONTROL_BLOCK) % NOISE_LENGTH
        add_noise(target, where, np.ascontiguousarray(noise), bands, reading, gain, silent)
    return out


def render_neural(
    performance: Performance, timbre: Timbre, playing: Playing, rng: np.random.Generator
) -> FloatArray:
    """Render a part with a neural timbre.

    Parameters
    ----------
    performance : Performance
        Notes and controllers.
    timbre : Timbre
        A trained instrument, a morph or a clone.
    playing : Playing
        Vibrato, slurs, number of players.
    rng : numpy.random.Generator
        Source of every small difference between notes.

    Returns
    -------
    ndarray, float32, shape (2, num_samples)
        A mezzo-forte note has a K-weighted level near 0 dB: the caller scales it. Silence for an
        empty part.
    """
    held = timbre.kind == "held"
    players = max(playing.players, 1)
    wide = bool((players > 1 and playing.width) or playing.key_width)
    bus = np.zeros((2 if wide else 1, performance.num_samples), np.float32)
    if performance.num_notes:
        notebook = _Notebook(timbre, performance, softer=performance.expression is not None)
        places = np.linspace(-1.0, 1.0, players) if players > 1 else np.zeros(1)
        seats = places[np.argsort(np.arange(players) * 0.618 % 1.0)]
        for indices in note_lines(performance, legato=playing.legato and held):
            line = _line(performance, playing, notebook, indices, rng)
            if line is None:
                continue
            offsets = places + 0.25 * rng.uniform(-1, 1, players)
            offsets = playing.detune_cents * (offsets - offsets.mean())
            for player in range(players):
                audio = _play(
                    performance, playing, line, held, rng, float(offsets[player]), player > 0
                )
                audio *= np.float32(1.0 / np.sqrt(players))
                late = 0
                if player and playing.onset_spread_sec:
                    late = int(rng.uniform(0, playing.onset_spread_sec) * performance.sample_rate)
                begin = line.start + late
                count = max(min(len(audio), performance.num_samples - begin), 0)
                if len(bus) == 1:
                    bus[0, begin : begin + count] += audio[:count]
                else:
                    key = np.clip((line.segments[0].pitch - 60) / 40, -1.0, 1.0)
                    seat = seats[player] * playing.width + key * playing.key_width
                    angle = (np.clip(seat, -1.0, 1.0) + 1) * np.pi / 4
                    for row, side in enumerate((np.cos(angle), np.sin(angle))):
                        bus[row, begin : begin + count] += audio[:count] * np.float32(
                            np.sqrt(2) * side
                        )
    return bus if len(bus) == 2 else np.repeat(bus, 2, axis=0)


def render_note(
    timbre: Timbre,
    pitch: int,
    velocity: int,
    hold_sec: float,
    *,
    playing: Playing | None = None,
    sample_rate: int = 48_000,
    tail_sec: float = 0.5,
    rng: np.random.Generator | None = None,
) -> FloatArray:
    """Render one note, mono float32 (samples,), as plainly as possible unless ``playing`` is given.

    Examples
    --------
    >>> from leitmotiv.instruments.neural_timbre import timbre_of
    >>> render_note(timbre_of("clarinet"), 60, 80, 0.5).shape
    (48000,)
    """
    length = int((hold_sec + tail_sec) * sample_rate)
    end = np.array([min(max(int(hold_sec * sample_rate), 1), length)])
    one = np.array([0])
    performance = Performance(
        sample_rate, length, one, end, end, np.array([pitch]), np.array([velocity])
    )
    plain = Playing(drift_cents=0.0, drift_db=0.0, flutter_db=0.0, least_release=20.0)
    generator = rng if rng is not None else np.random.default_rng(1)
    audio = render_neural(performance, timbre, playing or plain, generator)
    loud = np.float32(0.1 / velocity_gain(velocity))
    return np.asarray(audio[0] * loud)
