"""What to play into an amplifier in order to capture it.

Purpose: a dry signal that shows a network everything an amplifier does with a guitar.

How it works: two clicks in silence, by which the delay of the recording is found; sweeps and
noise at several levels, which reach every frequency and every drive; and guitar, played by the
modelled instrument: chords, arpeggios, muted riffs and lead lines, soft and hard. The last part
is guitar again, for measuring.

Conventions: float32 (samples,), peaks at -1 dBFS at most.

Public names: :func:`amp_signal`, :data:`CLICKS_SEC`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import RenderError
from leitmotiv.instruments.performance import Performance
from leitmotiv.instruments.plucked import PLUCKED, render_plucked

__all__ = ["CLICKS_SEC", "amp_signal"]

CLICKS_SEC = (0.5, 1.0)
"""Where the clicks stand, in seconds."""

_PEAK = 10 ** (-1 / 20)
_CLEAN_GUITAR = 27
_SHAPES = ((0, 7, 12, 16, 19, 24), (0, 7, 12, 15, 19, 24), (0, 5, 10, 15, 19), (0, 7, 12))
_PENTATONIC = (0, 3, 5, 7, 10, 12, 15, 17, 19, 22, 24)
_LEAST_SEC, _MOST_SEC = 20.0, 1800.0

Audio = NDArray[np.float64]


def amp_signal(
    sample_rate: int, duration_sec: float, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Return the signal.

    Parameters
    ----------
    sample_rate : int
        Hz.
    duration_sec : float
        20-1800 s; two to three minutes are enough for an amplifier.
    rng : numpy.random.Generator

    Raises
    ------
    RenderError
        If the duration is out of range.
    """
    if not _LEAST_SEC <= duration_sec <= _MOST_SEC:
        raise RenderError(
            f"duration_sec={duration_sec:g} must be between {_LEAST_SEC:g} and {_MOST_SEC:g} s"
        )
    num_samples = round(duration_sec * sample_rate)
    clicks = np.zeros(round(1.5 * sample_rate))
    clicks[[round(second * sample_rate) for second in CLICKS_SEC]] = _PEAK
    pieces = [clicks]
    measuring_sec = min(0.08 * duration_sec, 12.0)
    for level_db in (-24.0, -12.0, -1.0):
        pieces.append(_sweep(sample_rate, measuring_sec / 3, rng) * 10 ** (level_db / 20))
    for level_db in (-30.0, -18.0, -6.0):
        pieces.append(_noise(sample_rate, measuring_sec / 3, rng) * 10 ** (level_db / 20))
    done = sum(map(len, pieces))
    while done < num_samples:
        phrase = _phrase(sample_rate, rng)
        pieces.append(phrase * 10 ** (rng.uniform(-15.0, -1.0) / 20))
        done += len(phrase)
    signal = np.concatenate(pieces)[:num_samples]
    return signal.astype(np.float32)


def _sweep(sample_rate: int, duration_sec: float, rng: np.random.Generator) -> Audio:
    """A sine from 20 Hz to 0.45 of the sample rate, equal time for every octave."""
    t = np.arange(round(duration_sec * sample_rate)) / sample_rate
    octaves = np.log(0.45 * sample_rate / 20.0)
    phase = 2 * np.pi * 20.0 * duration_sec / octaves * np.expm1(octaves * t / duration_sec)
    return np.sin(phase + rng.uniform(0, 2 * np.pi)) * _fades(len(t), sample_rate)


def _noise(sample_rate: int, duration_sec: float, rng: np.random.Generator) -> Audio:
    """Noise that falls by 3 dB an octave, like music, with a level that breathes."""
    count = round(duration_sec * sample_rate)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    frequency = np.fft.rfftfreq(count, 1 / sample_rate)
    shaped = np.fft.irfft(spectrum / np.sqrt(np.maximum(frequency, 40.0)), count)
    breath = 0.55 + 0.45 * np.sin(2 * np.pi * 1.3 * np.arange(count) / sample_rate)
    shaped *= breath / np.abs(shaped).max()
    return np.asarray(shaped * _fades(count, sample_rate))


def _fades(count: int, sample_rate: int) -> Audio:
    edge = min(round(0.02 * sample_rate), count // 2)
    ramp = np.ones(count)
    ramp[:edge] = np.linspace(0, 1, edge, endpoint=False)
    ramp[count - edge :] = ramp[:edge][::-1]
    return ramp


def _phrase(sample_rate: int, rng: np.random.Generator) -> Audio:
    """About four seconds of clean electric guitar, peak 1."""
    beat = rng.uniform(0.3, 0.55)
    root = int(rng.integers(40, 53))
    notes: list[tuple[float, float, int, int]] = []  # onset and end in seconds, pitch, velocity
    loud = int(rng.integers(55, 112))
    kind = rng.choice(["chords", "arpeggio", "riff", "lead"])
    at = 0.05
    while at < 3.6:
        shape = _SHAPES[int(rng.integers(len(_SHAPES)))]
        velocity = int(np.clip(loud + rng.integers(-14, 15), 30, 127))
        if kind == "chords":
            length, stroke = float(rng.choice([1, 2, 4])) * beat, rng.uniform(0.004, 0.03)
            for i, step in enumerate(shape):
                notes.append((at + i * stroke, at + length * 0.97, root + step, velocity))
            root = int(np.clip(root + rng.choice([-5, -3, -2, 2, 3, 5]), 40, 52))
        elif kind == "arpeggio":
            length = beat / 2
            step = shape[int(rng.integers(len(shape)))]
            notes.append((at, at + 3 * beat, root + step, velocity))
        elif kind == "riff":
            length = float(rng.choice([0.25, 0.5, 0.5, 1.0])) * beat
            sounding = length * (0.4 if rng.random() < 0.5 else 0.95)
            step = int(rng.choice([0, 0, 3, 5, 7]))
            for more in (0, 7, 12):
                notes.append((at, at + sounding, root + step + more, velocity))
        else:
            length = float(rng.choice([0.5, 0.5, 1.0, 2.0])) * beat
            step = int(rng.choice(_PENTATONIC))
            notes.append((at, at + length, root + 12 + step, velocity))
        at += length
    end = round((at + 0.3) * sample_rate)
    onset, stop, pitch, velocities = (np.array(column) for column in zip(*notes, strict=True))
    stops = np.minimum(np.round(stop * sample_rate), end - 1).astype(np.int64)
    performance = Performance(
        sample_rate=sample_rate,
        num_samples=end,
        onset=np.round(onset * sample_rate).astype(np.int64),
        end=stops,
        pedal_end=stops,
        pitch=pitch.astype(np.int64),
        velocity=velocities.astype(np.int64),
    )
    audio = render_plucked(performance, PLUCKED[_CLEAN_GUITAR], rng).mean(axis=0)
    peak = float(np.abs(audio).max())
    return np.asarray(audio / peak if peak > 0 else audio, dtype=np.float64)
