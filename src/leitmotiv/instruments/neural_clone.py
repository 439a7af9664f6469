"""A person's own notes become an instrument.

A few single notes are enough: the encoder proposes a latent, and a damped least-squares fit moves
latent and small corrections (equaliser, first harmonics, noise, decay) until the mel spectra
agree. Nothing is trained and nothing beyond NumPy is needed; the instrument is a small JSON file.

Conventions: notes are mono, any sample rate; a pitch that is not given is detected.

Public names: :class:`SourceNote`, :class:`ClonedTimbre`, :func:`clone_timbre`, :func:`read_note`,
:func:`note_from_audio`, :func:`reconstruct_note`, :func:`save_clone`, :func:`load_clone`,
:func:`pitch_of_text`.

References: D. Marquardt, *An Algorithm for Least-Squares Estimation of Nonlinear Parameters*, 1963.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import gcd
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

from leitmotiv.audio.files import read_audio
from leitmotiv.errors import AudioError, RenderError
from leitmotiv.instruments.neural_analysis import (
    NoteFrames,
    find_ending,
    find_onset,
    note_level,
)
from leitmotiv.instruments.neural_catalogue import Kind
from leitmotiv.instruments.neural_dataset import RATE, REFERENCE_RMS
from leitmotiv.instruments.neural_distance import Distance, detect_pitch, log_mel_distance
from leitmotiv.instruments.neural_grid import (
    FLOOR_DB,
    MAX_HARMONIC,
    NUM_BANDS,
    NUM_GROUPS,
    TOP_HZ,
    group_of_harmonic,
    log_mel,
    partial_hz,
)
from leitmotiv.instruments.neural_model import TimbreNetwork, load_network
from leitmotiv.instruments.neural_pack import (
    N_FFT,
    RESPONSE_STEPS,
    describe,
    encoder_input,
    mel_response,
    noise_response,
)
from leitmotiv.instruments.neural_player import render_note
from leitmotiv.instruments.neural_timbre import (
    EQ_BANDS,
    EQ_PITCHES,
    NUM_FREE_HARMONICS,
    PLUCKED_SEC,
    Corrections,
    NetworkTimbre,
    eq_place,
    group_hz,
)
from leitmotiv.instruments.oscillators import midi_to_hz

__all__ = [
    "ClonedTimbre",
    "SourceNote",
    "clone_timbre",
    "load_clone",
    "note_from_audio",
    "pitch_of_text",
    "read_note",
    "reconstruct_note",
    "save_clone",
]

CLONE_VERSION = 1
_MOMENTS = 28
_RANGE_DB = 70.0
_NAME = re.compile(r"(?<![A-Za-z])([A-Ga-g])([#b♯♭]?)(-?\d)(?!\d)")
_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_MAX_SEC = 8.0

# How strongly each kind of parameter is held back, in residual dB per unit.
_HOLD_LATENT, _HOLD_EQ, _HOLD_HARMONIC, _HOLD_NOISE, _HOLD_SLOPE = 6.0, 1.2, 1.6, 0.5, 1.0


@dataclass(frozen=True, eq=False)
class SourceNote:
    """One single note of the instrument to clone; audio float32 (samples,) at 48 kHz, trimmed.

    ``key_up_sec`` is when the player let go: where the sound leaves the level of its body for
    good. ``release_db_per_sec`` is how fast it falls from there.
    """

    audio: NDArray[np.float32]
    pitch: int
    velocity: int = 80
    name: str = "note"
    key_up_sec: float = 0.0
    release_db_per_sec: float = 150.0


def _pitch_in_name(name: str) -> int | None:
    """MIDI pitch spelt in a file name, as ``C#4`` or as a number from 021 to 108 in front."""
    leading = re.match(r"(\d{2,3})(?!\d)", name)
    if leading and 20 <= int(leading[1]) <= 108:
        return int(leading[1])
    spelt = _NAME.search(name)
    if spelt is None:
        return None
    bend = {"#": 1, "♯": 1, "b": -1, "♭": -1}.get(spelt[2], 0)
    pitch = 12 * (int(spelt[3]) + 1) + _STEPS[spelt[1].lower()] + bend
    return pitch if 20 <= pitch <= 108 else None


def pitch_of_text(text: str) -> int:
    """MIDI pitch of ``C#4`` or ``61``.

    Raises
    ------
    RenderError
        If it is neither.

    Examples
    --------
    >>> pitch_of_text("C#4"), pitch_of_text("61")
    (61, 61)
    """
    spelt = _NAME.fullmatch(text)
    number = _pitch_in_name(text) if spelt else (int(text) if text.isdigit() else None)
    if number is None or not 0 <= number <= 127:
        raise RenderError(f"pitch={text!r} must be a note name such as C#4 or a number 0-127")
    return number


def note_from_audio(
    audio: NDArray[Any],
    sample_rate: int,
    *,
    pitch: int | None = None,
    velocity: int = 80,
    name: str = "note",
) -> SourceNote:
    """Trim, scale and resample one note; its pitch is detected where it is not given.

    Parameters
    ----------
    audio : ndarray, shape (samples,) or (channels, samples)

    Raises
    ------
    AudioError
        If it is silent, not finite, shorter than 0.1 s, or without a pitch from 20 to 108.
    """
    table = np.atleast_2d(np.asarray(audio, np.float32))
    if not np.isfinite(table).all():
        raise AudioError(f"note {name!r} holds NaN or infinity; record it again")
    mono = table[int(np.argmax((table.astype(np.float64) ** 2).sum(1)))]
    if sample_rate != RATE:
        common = gcd(RATE, sample_rate)
        mono = resample_poly(mono, RATE // common, sample_rate // common).astype(np.float32)
    level = note_level(mono, RATE) if len(mono) else 0.0
    if level < 1e-6:
        raise AudioError(f"note {name!r} is silent; give a note that sounds")
    start = find_onset(mono, RATE)
    mono = mono[start : start + int(_MAX_SEC * RATE)] * np.float32(REFERENCE_RMS / level)
    # A file padded with silence must not teach silence.
    loud = np.flatnonzero(np.abs(mono) > np.abs(mono).max() * 1e-3)
    mono = mono[: int(loud[-1]) + 1]
    if len(mono) < 0.1 * RATE:
        raise AudioError(f"note {name!r} lasts {len(mono) / RATE:.2f} s; it must last 0.1 s")
    heard = detect_pitch(mono, RATE) if pitch is None else float(pitch)
    if not 20 <= round(heard) <= 108:
        raise AudioError(f"note {name!r} has pitch {heard:.1f}; it must be 20-108 (MIDI)")
    key_up, release = find_ending(mono, RATE)
    return SourceNote(mono, round(heard), int(velocity), name, key_up, release)


def read_note(
    path: str | os.PathLike[str], *, pitch: int | None = None, velocity: int = 80
) -> SourceNote:
    """Read one note from a file; a pitch spelt in its name (``A#3``, ``058_...``) counts."""
    file = Path(path)
    audio, rate = read_audio(file)
    if pitch is None:
        pitch = _pitch_in_name(file.stem)
    return note_from_audio(audio, rate, pitch=pitch, velocity=velocity, name=file.name)


@dataclass(frozen=True, eq=False)
class ClonedTimbre:
    """An instrument made of a person's notes: a timbre, the notes' compass, and how near it came.

    ``encoder_db`` and ``fitted_db`` are mean mel distances of the levels to the notes it was
    made of, by the encoder alone and after the fit.
    """

    name: str
    timbre: NetworkTimbre
    low: int
    high: int
    encoder_db: float
    fitted_db: float
    num_notes: int


@dataclass(frozen=True, eq=False)
class _Target:
    """What the fit looks at in one note."""

    pitch: int
    velocity: int
    time_sec: NDArray[np.float64]
    mel_db: NDArray[np.float64]  # (T, M), cut off
    bottom: float
    to_mel: NDArray[np.float64]  # (O, M) power to power


def _target(note: SourceNote, frames: NoteFrames) -> _Target:
    steady = frames.time_sec[frames.time_sec > 0.03]
    chosen = steady[np.unique(np.linspace(0, len(steady) - 1, _MOMENTS).astype(int))]
    centres = np.rint(chosen * RATE).astype(np.int64)
    mel = log_mel(note.audio / REFERENCE_RMS, RATE, centres).astype(np.float64)
    bottom = float(mel.max()) - _RANGE_DB
    cents = float(np.median(frames.cents[frames.time_sec > min(0.1, frames.time_sec[-1] / 2)]))
    f0 = float(midi_to_hz(note.pitch + cents / 100))
    hz = partial_hz(f0, frames.inharmonicity, np.arange(1, MAX_HARMONIC + 1))
    inside = hz < TOP_HZ
    response = mel_response()
    rows = np.minimum(np.rint(hz * N_FFT * RESPONSE_STEPS / RATE), len(response) - 1)
    to_mel = np.zeros((NUM_GROUPS + NUM_BANDS, response.shape[1]))
    group = group_of_harmonic()
    np.add.at(to_mel, group[inside], response[rows[inside].astype(np.int64)])
    to_mel[NUM_GROUPS:] = noise_response()
    return _Target(note.pitch, note.velocity, chosen, np.maximum(mel, bottom), bottom, to_mel)


def _correction_basis(pitch: int) -> NDArray[np.float64]:
    """How levels (O,) move with equaliser, first harmonics and noise: (O, parameters)."""
    low, high = EQ_PITCHES
    share = float(np.clip((pitch - low) / (high - low), -0.5, 1.5))
    basis = np.zeros((NUM_GROUPS + NUM_BANDS, 2 * EQ_BANDS + NUM_FREE_HARMONICS + NUM_BANDS))
    place = eq_place(group_hz(pitch))
    hat = np.maximum(1.0 - np.abs(place[:, None] - np.arange(EQ_BANDS)), 0.0)
    basis[:NUM_GROUPS, :EQ_BANDS] = (1 - share) * hat
    basis[:NUM_GROUPS, EQ_BANDS : 2 * EQ_BANDS] = share * hat
    first = 2 * EQ_BANDS
    basis[:NUM_FREE_HARMONICS, first : first + NUM_FREE_HARMONICS] = np.eye(NUM_FREE_HARMONICS)
    basis[NUM_GROUPS:, first + NUM_FREE_HARMONICS :] = np.eye(NUM_BANDS)
    return basis


def _corrections(values: NDArray[np.float64], base: Corrections) -> Corrections:
    first = 2 * EQ_BANDS
    last = first + NUM_FREE_HARMONICS
    return replace(
        base,
        eq_db=values[:first].reshape(2, EQ_BANDS),
        harmonic_db=values[first:last],
        noise_db=values[last : last + NUM_BANDS],
        decay_db_per_sec=float(values[-1]),
    )


def _mel(levels: NDArray[Any], target: _Target) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mel spectrum in dB (T, M), and the power of every level (T, O)."""
    power = 10.0 ** (levels.astype(np.float64) / 10.0)
    return 10.0 * np.log10(power @ target.to_mel + 1e-14), power


def _distance(timbre: NetworkTimbre, targets: Sequence[_Target]) -> float:
    """Mean mel distance in dB, each note's mean level matched."""
    found = []
    for target in targets:
        levels, _, _ = timbre.raw_levels([target.pitch], [target.velocity], target.time_sec)
        mel = np.maximum(_mel(levels[0], target)[0], target.bottom)
        found.append(np.abs(mel - target.mel_db).mean())
    return float(np.mean(found))


def _fit(
    network: TimbreNetwork,
    kind: Kind,
    latent: NDArray[Any],
    base: Corrections,
    targets: Sequence[_Target],
    *,
    rounds: int,
    progress: Callable[[float, str], None] | None,
) -> NetworkTimbre:
    """Damped Gauss-Newton over latent and corrections, on mel residuals with a robust weight."""
    width = len(latent)
    start = np.asarray(latent, np.float64)
    num_free = 2 * EQ_BANDS + NUM_FREE_HARMONICS + NUM_BANDS + 1
    values = np.zeros(width + num_free)
    hold = np.concatenate(
        [
            np.full(width, _HOLD_LATENT),
            np.full(2 * EQ_BANDS, _HOLD_EQ),
            np.full(NUM_FREE_HARMONICS, _HOLD_HARMONIC),
            np.full(NUM_BANDS, _HOLD_NOISE),
            [_HOLD_SLOPE],
        ]
    )
    # Equal treatment whether ten notes or one speak.
    hold = hold**2 * (len(targets) * 0.35)
    if kind == "held":
        hold[-1] *= 100.0  # a held tone has no slope of its own
    # Neighbouring bands of the equaliser move together.
    smooth = np.zeros((len(values), len(values)))
    for curve in range(2):
        begin = width + curve * EQ_BANDS
        for band in range(EQ_BANDS - 1):
            row = np.zeros(len(values))
            row[begin + band], row[begin + band + 1] = 1.0, -1.0
            smooth += 6.0 * len(targets) * np.outer(row, row)
    noise_begin = width + 2 * EQ_BANDS + NUM_FREE_HARMONICS
    for band in range(NUM_BANDS - 1):
        row = np.zeros(len(values))
        row[noise_begin + band], row[noise_begin + band + 1] = 1.0, -1.0
        smooth += 2.0 * len(targets) * np.outer(row, row)
    # The two curves of the equaliser differ only where the notes insist.
    for band in range(EQ_BANDS):
        row = np.zeros(len(values))
        row[width + band], row[width + EQ_BANDS + band] = 1.0, -1.0
        smooth += 3.0 * len(targets) * np.outer(row, row)
    bases = {target.pitch: _correction_basis(target.pitch) for target in targets}

    def timbre_at(point: NDArray[np.float64]) -> NetworkTimbre:
        return NetworkTimbre(
            network, start + point[:width], kind, _corrections(point[width:], base)
        )

    best, best_timbre = np.inf, timbre_at(values)
    damping = 1.0
    step = 0.02
    for number in range(rounds):
        if progress is not None:
            progress(number / rounds, "fit")
        normal = np.diag(hold) + smooth
        gradient = -normal @ values
        here = timbre_at(values)
        for target in targets:
            levels, _, _ = here.raw_levels([target.pitch], [target.velocity], target.time_sec)
            mel, power = _mel(levels[0], target)
            below = mel < target.bottom
            residual = target.mel_db - np.maximum(mel, target.bottom)
            # Share of every level in every mel band: the derivative of dB by dB.
            total = 10.0 ** (mel / 10.0)
            moved = (here.latent + step * np.eye(width)).astype(np.float32)
            many = _decode_many(here, moved, target)
            slope = (many - levels[0][None]) / step  # (Z, T, O)
            weight = 1.0 / np.maximum(np.abs(residual), 1.5)
            weight[below & (residual <= 0)] = 0.0
            for frame in range(len(target.time_sec)):
                share = power[frame][:, None] * target.to_mel / (total[frame] + 1e-14)  # (O, M)
                jacobian = np.concatenate(
                    [
                        slope[:, frame] @ share,
                        (bases[target.pitch].T @ share),
                        share.sum(0, keepdims=True)
                        * min(float(target.time_sec[frame]), PLUCKED_SEC),
                    ]
                )
                weighted = jacobian * weight[frame]
                normal += weighted @ jacobian.T
                gradient += weighted @ residual[frame]
        scale = np.diag(np.diag(normal))
        for _ in range(5):
            trial = values + np.linalg.solve(normal + damping * 0.05 * scale, gradient)
            candidate = timbre_at(trial)
            distance = _distance(candidate, targets)
            if distance < best:
                best, best_timbre, values = distance, candidate, trial
                damping = max(damping * 0.5, 1e-3)
                break
            damping *= 4.0
        else:
            break
    return best_timbre


def _peculiar(
    timbre: NetworkTimbre, targets: Sequence[_Target], hold: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What each pitch has of its own after the common fit: pitches (K,), offsets (K, O) in dB."""
    size = NUM_GROUPS + NUM_BANDS
    base = np.diag(np.full(size, hold**2))
    for level in range(size - 1):
        if level != NUM_GROUPS - 1:
            row = np.zeros(size)
            row[level], row[level + 1] = 1.0, -1.0
            # Noise is smooth over bands; low harmonics are free of their neighbours.
            base += np.outer(row, row) * (0.5 if level >= NUM_GROUPS else 0.002 * level)
    pitches = sorted({target.pitch for target in targets})
    offsets = np.zeros((len(pitches), size))
    for place, pitch in enumerate(pitches):
        same = [target for target in targets if target.pitch == pitch]
        for _ in range(3):
            normal = base * len(same)
            gradient = -normal @ offsets[place]
            for target in same:
                levels, _, _ = timbre.raw_levels([pitch], [target.velocity], target.time_sec)
                mel, power = _mel(levels[0] + offsets[place], target)
                residual = target.mel_db - np.maximum(mel, target.bottom)
                weight = 1.0 / np.maximum(np.abs(residual), 1.5)
                weight[(mel < target.bottom) & (residual <= 0)] = 0.0
                total = 10.0 ** (mel / 10.0) + 1e-14
                for frame in range(len(target.time_sec)):
                    share = power[frame][:, None] * target.to_mel / total[frame]
                    weighted = share * weight[frame]
                    normal = normal + weighted @ share.T
                    gradient = gradient + weighted @ residual[frame]
            offsets[place] += np.clip(np.linalg.solve(normal, gradient), -12.0, 12.0)
    return np.array(pitches, float), np.clip(offsets, -18.0, 18.0)


def _attack_stretch(
    timbre: NetworkTimbre, frames: Sequence[NoteFrames], notes: Sequence[SourceNote]
) -> float:
    """The stretch of the attack that brings the loudness of the first 0.3 s nearest."""
    best, chosen = np.inf, 1.0
    base = timbre.corrections or Corrections()
    for stretch in (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0):
        trial = NetworkTimbre(
            timbre.network, timbre.latent, timbre.kind, replace(base, attack_stretch=stretch)
        )
        gap = 0.0
        for frame, note in zip(frames, notes, strict=True):
            time = frame.time_sec[frame.time_sec < 0.3]
            own, _, _ = trial.raw_levels(
                [note.pitch], [note.velocity], np.concatenate([time, [0.4, 0.5]])
            )
            real = np.nan_to_num(frame.harmonic_db, nan=FLOOR_DB)
            heard = 10 * np.log10((10 ** (real / 10)).sum(1) + 1e-9)
            later = (frame.time_sec > 0.3) & (frame.time_sec < 0.7)
            body = float(np.mean(heard[later])) if later.any() else float(heard.max())
            mine = 10 * np.log10((10 ** (own[0, :, :NUM_GROUPS] / 10)).sum(1) + 1e-9)
            mine = mine[:-2] - mine[-2:].mean()
            theirs = heard[frame.time_sec < 0.3] - body
            gap += float(np.abs(np.maximum(mine, -40) - np.maximum(theirs, -40)).mean())
        if gap < best - 1e-9:
            best, chosen = gap, stretch
    return chosen


def _decode_many(
    here: NetworkTimbre, latents: NDArray[np.float32], target: _Target
) -> NDArray[np.float64]:
    """Levels of one note for many latents at once, (Z, T, O)."""
    count = len(latents)
    held = here.kind == "held"
    times = np.minimum(target.time_sec, 1.5) if held else target.time_sec
    levels, _, _ = here.network.decode(
        latents, np.full(count, float(target.pitch)), np.full(count, float(target.velocity)), times
    )
    found = here.corrections
    if found is not None:
        slope = found.decay_db_per_sec * np.minimum(target.time_sec, PLUCKED_SEC)
        levels = levels + found.offsets_db(target.pitch).astype(np.float32)
        levels = levels + slope[:, None].astype(np.float32)
    return levels.astype(np.float64)


def _up(note: SourceNote) -> float:
    return note.key_up_sec or len(note.audio) / RATE


def _kind_of(frames: Sequence[NoteFrames]) -> Kind:
    """Whether notes die away: their power falls by 8 dB a second or more."""
    slopes = []
    for note in frames:
        power = (10 ** (np.nan_to_num(note.harmonic_db, nan=FLOOR_DB) / 10)).sum(1)
        level = 10 * np.log10(power + 1e-12)
        # Players stop: the last fifth of a note says nothing about its body.
        inside = (note.time_sec > 0.1) & (note.time_sec < 0.75 * note.time_sec[-1])
        if inside.sum() > 3:
            slopes.append(float(np.polyfit(note.time_sec[inside], level[inside], 1)[0]))
    return "plucked" if slopes and float(np.median(slopes)) < -8.0 else "held"


def clone_timbre(
    notes: Sequence[SourceNote],
    *,
    name: str = "clone",
    kind: Kind | None = None,
    network: TimbreNetwork | None = None,
    rounds: int = 12,
    peculiar: float = 1.0,
    progress: Callable[[float, str], None] | None = None,
) -> ClonedTimbre:
    """Make an instrument of single notes.

    Parameters
    ----------
    notes : sequence of SourceNote
        One is enough, ten spread over the compass are good.
    name : str
        What it will be called.
    kind : {"held", "plucked"}, optional
        Heard from the notes where not given.
    rounds : int
        At most so many steps of the fit; 0 keeps what the encoder says.
    peculiar : float
        How strongly what single notes have of their own is held back, in dB per dB.

    Raises
    ------
    RenderError
        If there are no notes.
    """
    if not notes:
        raise RenderError("clone needs at least one note; ten spread over the compass are good")
    network = network or load_network()
    frames = [
        describe(note.audio, note.pitch, stiff=kind == "plucked", key_up_sec=_up(note))
        for note in notes
    ]
    if kind is None:
        kind = _kind_of(frames)
        if kind == "plucked":
            frames = [
                describe(note.audio, note.pitch, stiff=True, key_up_sec=_up(note)) for note in notes
            ]
    targets = [_target(note, frame) for note, frame in zip(notes, frames, strict=True)]
    pitches = np.array([note.pitch for note in notes], float)
    velocities = np.array([note.velocity for note in notes], float)
    coded = network.encode(
        np.stack([encoder_input(frame) for frame in frames]), pitches, velocities
    )
    base = Corrections(
        release_db_per_sec=float(np.median([note.release_db_per_sec for note in notes]))
    )
    stiffness = [frame.inharmonicity for frame in frames if frame.inharmonicity > 0]
    if kind == "plucked" and stiffness:
        base = replace(base, inharmonicity=float(np.median(stiffness)))
    by_encoder = NetworkTimbre(network, coded.mean(0), kind, base)
    encoder_db = _distance(by_encoder, targets)
    # The table holds good neighbours: start where the notes are nearest.
    starts = [by_encoder]
    starts += [NetworkTimbre(network, latent, kind, base) for latent in network.latents]
    distances = [_distance(start, targets) for start in starts]
    nearest = starts[int(np.argmin(distances))]
    fitted = by_encoder
    if rounds:
        fitted = _fit(
            network, kind, nearest.latent, base, targets, rounds=rounds, progress=progress
        )
        own_pitches, own = _peculiar(fitted, targets, peculiar)
        fitted = NetworkTimbre(
            network,
            fitted.latent,
            kind,
            replace(
                fitted.corrections or base,
                note_pitch=own_pitches,
                note_db=own,
                attack_stretch=_attack_stretch(fitted, frames, notes),
            ),
        )
    low, high = int(pitches.min()), int(pitches.max())
    return ClonedTimbre(name, fitted, low, high, encoder_db, _distance(fitted, targets), len(notes))


def reconstruct_note(
    note: SourceNote, *, fit: bool = True, network: TimbreNetwork | None = None
) -> tuple[NDArray[np.float32], Distance]:
    """Encode one note and decode it again: audio (samples,) at 48 kHz, and how near it comes.

    ``fit`` refines what the encoder says, as :func:`clone_timbre` does for many notes.
    """
    clone = clone_timbre([note], network=network, rounds=12 if fit else 0)
    audio = render_note(clone.timbre, note.pitch, note.velocity, _up(note), tail_sec=0.3)
    return audio, log_mel_distance(note.audio, audio, end_sec=_up(note))


def save_clone(clone: ClonedTimbre, path: str | os.PathLike[str]) -> None:
    """Write an instrument as a JSON file; it appears when it is complete."""
    found = clone.timbre.corrections or Corrections()
    content = {
        "version": CLONE_VERSION,
        "name": clone.name,
        "kind": clone.timbre.kind,
        "weights_sha256": clone.timbre.network.sidecar.get("sha256", ""),
        "latent": [round(float(value), 5) for value in clone.timbre.latent],
        "eq_db": np.round(found.eq_db, 3).tolist(),
        "harmonic_db": np.round(found.harmonic_db, 3).tolist(),
        "noise_db": np.round(found.noise_db, 3).tolist(),
        "decay_db_per_sec": found.decay_db_per_sec,
        "attack_stretch": found.attack_stretch,
        "release_db_per_sec": found.release_db_per_sec,
        "inharmonicity": found.inharmonicity,
        "note_pitch": found.note_pitch.tolist(),
        "note_db": np.round(found.note_db, 2).tolist(),
        "low": clone.low,
        "high": clone.high,
        "encoder_db": round(clone.encoder_db, 3),
        "fitted_db": round(clone.fitted_db, 3),
        "num_notes": clone.num_notes,
    }
    target = Path(path)
    part = target.with_name(target.name + ".part")
    part.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    os.replace(part, target)


def load_clone(
    path: str | os.PathLike[str], *, network: TimbreNetwork | None = None
) -> ClonedTimbre:
    """Read an instrument that :func:`save_clone` wrote.

    Raises
    ------
    RenderError
        If the file is missing, damaged, or was made with other weights.
    """
    if not Path(path).is_file():
        raise RenderError(f"instrument={str(path)!r}: there is no such file; check its name")
    network = network or load_network()
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
        corrections = Corrections(
            np.array(data["eq_db"], float).reshape(2, EQ_BANDS),
            np.array(data["harmonic_db"], float).reshape(NUM_FREE_HARMONICS),
            np.array(data["noise_db"], float).reshape(NUM_BANDS),
            float(data["decay_db_per_sec"]),
            float(data["attack_stretch"]),
            data["release_db_per_sec"],
            data["inharmonicity"],
            np.array(data["note_pitch"], float),
            np.array(data["note_db"], float).reshape(-1, NUM_GROUPS + NUM_BANDS),
        )
        latent = np.array(data["latent"], np.float32).reshape(network.latent_width)
        kind = data["kind"]
        if kind not in ("held", "plucked") or data["version"] != CLONE_VERSION:
            raise ValueError(kind)
        made_with = data["weights_sha256"]
        timbre = NetworkTimbre(network, latent, cast(Kind, kind), corrections)
        clone = ClonedTimbre(
            str(data["name"]),
            timbre,
            int(data["low"]),
            int(data["high"]),
            float(data["encoder_db"]),
            float(data["fitted_db"]),
            int(data["num_notes"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RenderError(
            f"instrument={str(path)!r} is no cloned instrument; make one with "
            "leitmotiv sounds clone"
        ) from error
    if made_with != network.sidecar.get("sha256", ""):
        raise RenderError(
            f"instrument={str(path)!r} was made with other weights; clone the notes again"
        )
    return clone
