"""The theme: transforms of a short melody along the steps of a key.

A theme is an array of canvas notes whose bars count from its first bar. Transforms move along
scale degrees, so a theme in D minor sequences, inverts or changes mode without leaving its key;
chromatic notes keep their distance from the degree below.

Public names: :func:`transform_theme`, :func:`fit_to_chords`, :func:`degree_of`, :func:`pitch_of`,
:func:`degree_shift`, :func:`snap_to_chords`, :func:`count_strays`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import ComposeError
from leitmotiv.theory import Key

__all__ = [
    "count_strays",
    "degree_of",
    "degree_shift",
    "fit_to_chords",
    "pitch_of",
    "snap_to_chords",
    "transform_theme",
]


def degree_of(pitch: int, key: Key) -> tuple[int, int]:
    """Return a pitch as (steps above the tonic of octave 0, chromatic alteration in semitones).

    Examples
    --------
    >>> degree_of(62, Key.parse("C major")), degree_of(61, Key.parse("C major"))
    ((36, 0), (35, 1))
    """
    offset = pitch - key.tonic_pitch_class
    octave, within = divmod(offset, 12)
    steps = sorted((pc - key.tonic_pitch_class) % 12 for pc in key.scale)
    index = int(np.searchsorted(steps, within, side="right")) - 1
    return octave * len(steps) + index, within - steps[index]


def pitch_of(degree: int, alteration: int, key: Key) -> int:
    """Return the MIDI pitch of a degree and alteration; the inverse of :func:`degree_of`."""
    steps = sorted((pc - key.tonic_pitch_class) % 12 for pc in key.scale)
    octave, index = divmod(degree, len(steps))
    return int(octave * 12 + steps[index] + alteration + key.tonic_pitch_class)


def degree_shift(source_key: Key, key: Key) -> int:
    """Return the steps to add to degrees of one key so that they lie near in another.

    The new tonic nearest to the old one keeps a line where it lay.

    Examples
    --------
    >>> degree_shift(Key.parse("B minor"), Key.parse("D major"))
    7
    """
    lift = (key.tonic_pitch_class - source_key.tonic_pitch_class + 6) % 12 - 6
    return 7 * round((source_key.tonic_pitch_class + lift - key.tonic_pitch_class) / 12)


def transform_theme(
    theme: NDArray[np.void],
    transform: str,
    *,
    source_key: Key,
    key: Key,
    bar_steps: int,
    num_bars: int,
    transpose_steps: int = 0,
    beat_steps: int = 24,
) -> NDArray[np.void]:
    """Return a varied copy of the theme.

    Parameters
    ----------
    theme : ndarray of CELL_NOTE_DTYPE
        Notes of one line; ``bar`` counts from the theme's first bar.
    transform : str
        statement, repeat, sequence, mode change (moved by ``transpose_steps`` in the new key);
        invert (mirrored at its first note); augment (twice as slow); fragment (its first half,
        then the same a step lower); diminish (twice as fast, then again a step higher); meter
        change (beats that were halved are parted in three, 2 + 1, and those parted in three are
        halved); ornament (long notes broken by neighbours); reharmonise (as it was: the chords
        are others).
    bar_steps, num_bars : int
        Length of a bar in steps and of the place it is to fill; what does not fit is cut.
    beat_steps : int
        Length of a felt beat in steps; 36 where it is parted in three.

    Raises
    ------
    ComposeError
        If the transform is unknown.
    """
    if len(theme) == 0:
        return theme.copy()
    onset = theme["bar"].astype(np.int64) * bar_steps + theme["position"]
    duration = theme["duration"].astype(np.int64)
    degrees = [degree_of(int(pitch), source_key) for pitch in theme["pitch"]]
    length = num_bars * bar_steps
    shift = transpose_steps + degree_shift(source_key, key)
    if transform == "invert":
        pivot = degrees[0][0]
        degrees = [(2 * pivot - degree, -alteration) for degree, alteration in degrees]
    elif transform == "augment":
        onset, duration = 2 * onset, 2 * duration
    elif transform == "fragment":
        half = max(length // 2, 1)
        kept = np.flatnonzero(onset < half)
        onset = np.concatenate([onset[kept], onset[kept] + half])
        duration = np.minimum(np.tile(duration[kept], 2), half)
        first = [degrees[index] for index in kept]
        degrees = first + [(degree - 1, alteration) for degree, alteration in first]
    elif transform == "diminish":
        onset, duration, degrees = _diminish(onset, duration, degrees, bar_steps, length)
    elif transform == "meter change":
        end = _other_division(onset + duration, beat_steps)
        onset = _other_division(onset, beat_steps)
        duration = np.maximum(end - onset, 1)
    elif transform == "ornament":
        onset, duration, degrees = _ornament(onset, duration, degrees)
    elif transform not in ("statement", "repeat", "sequence", "mode change", "reharmonise"):
        raise ComposeError(f"transform={transform!r} is unknown; see leitmotiv.plan.Transform")
    notes = np.zeros(len(onset), dtype=theme.dtype)
    notes["bar"], notes["position"] = np.divmod(onset, bar_steps)
    notes["duration"] = np.minimum(duration, np.maximum(length - onset, 1))
    notes["pitch"] = [pitch_of(degree + shift, alteration, key) for degree, alteration in degrees]
    notes["velocity"], notes["part"] = 80, theme["part"][0]
    return notes[onset < length]


def _diminish(
    onset: NDArray[np.int64],
    duration: NDArray[np.int64],
    degrees: list[tuple[int, int]],
    bar_steps: int,
    length: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[tuple[int, int]]]:
    """Halve all values, and say it a second time a step higher in the room this leaves."""
    size = -(-int((onset + duration).max()) // bar_steps) * bar_steps // 2
    half, short = onset // 2, np.maximum(duration // 2, 3)
    if 2 * size > length:
        return half, short, degrees
    again = [(degree + 1, alteration) for degree, alteration in degrees]
    return np.concatenate([half, half + size]), np.tile(short, 2), degrees + again


def _other_division(position: NDArray[np.int64], beat_steps: int) -> NDArray[np.int64]:
    """Move times inside the beat from halves to thirds (2 + 1), or from thirds to halves."""
    beat, inside = np.divmod(position, beat_steps)
    if beat_steps % 36 == 0:
        marks, goals = np.asarray([0, 1 / 3, 2 / 3, 1]), np.asarray([0, 1 / 2, 3 / 4, 1])
    else:
        marks, goals = np.asarray([0, 1 / 2, 1]), np.asarray([0, 2 / 3, 1])
    moved = np.interp(inside / beat_steps, marks, goals) * beat_steps
    return np.asarray(beat * beat_steps + np.round(moved).astype(np.int64))


def _ornament(
    onset: NDArray[np.int64], duration: NDArray[np.int64], degrees: list[tuple[int, int]]
) -> tuple[NDArray[np.int64], NDArray[np.int64], list[tuple[int, int]]]:
    """Break notes of a quarter or more: a passing note where the line leaps, else a neighbour."""
    starts: list[int] = []
    lengths: list[int] = []
    found: list[tuple[int, int]] = []
    for index, (start, length) in enumerate(zip(onset.tolist(), duration.tolist(), strict=True)):
        degree, alteration = degrees[index]
        following = degrees[index + 1][0] if index + 1 < len(degrees) else degree
        if length < 24 or length % 12 or index + 1 == len(degrees) or index % 2:
            starts.append(start)
            lengths.append(length)
            found.append((degree, alteration))
            continue
        distance = following - degree
        step = int(np.sign(distance)) if abs(distance) >= 2 else (1 if distance <= 0 else -1)
        first = length - 12
        starts += [start, start + first]
        lengths += [first, 12]
        found += [(degree, alteration), (degree + step, 0)]
    return np.asarray(starts), np.asarray(lengths), found


def snap_to_chords(
    notes: NDArray[np.void],
    tones_at: Callable[[int, int], frozenset[int]],
    accent: NDArray[np.float64],
    *,
    least_accent: float = 0.5,
    scale_at: Callable[[int], frozenset[int]] | None = None,
) -> NDArray[np.void]:
    """Return a line whose strongly placed long notes lie on chord tones close by.

    Among the chord tones near each stray note those are taken that keep the line's intervals
    (dynamic programming over the line). With ``scale_at`` (bar -> pitch classes) the weak notes
    between follow the strong ones along the scale, so that a run stays a run.
    """
    fitted = notes.copy()
    if len(notes) == 0:
        return fitted
    pitch = notes["pitch"].astype(np.int64)
    stray = np.asarray([_is_stray(note, tones_at, accent, least_accent) for note in notes])
    if not stray.any():
        return fitted
    options: list[list[int]] = []
    for index, note in enumerate(notes):
        choices = [int(pitch[index])]
        if stray[index]:
            tones = tones_at(int(note["bar"]), int(note["position"]))
            around = range(choices[0] - 3, choices[0] + 4)
            choices = [p for p in around if p % 12 in tones] or choices
        options.append(choices)
    fitted["pitch"] = _closest_line(options, pitch)
    if scale_at is not None:
        _follow(fitted, pitch, stray, accent, least_accent, scale_at)
    return fitted


def _closest_line(options: list[list[int]], pitch: NDArray[np.int64]) -> list[int]:
    """Choose one pitch a note: close to the old one, with the old intervals, no new repeats."""

    def place(index: int, p: int) -> float:
        return float(abs(p - pitch[index]))

    costs = [place(0, p) for p in options[0]]
    back: list[list[int]] = []
    for index in range(1, len(options)):
        was = int(pitch[index] - pitch[index - 1])
        row, came = [], []
        for p in options[index]:
            steps = [
                cost + 0.7 * abs((p - q) - was) + 1.5 * (p == q and was != 0)
                for cost, q in zip(costs, options[index - 1], strict=True)
            ]
            best = int(np.argmin(steps))
            row.append(steps[best] + place(index, p))
            came.append(best)
        costs = row
        back.append(came)
    state = int(np.argmin(costs))
    line = [options[-1][state]]
    for index in range(len(options) - 1, 0, -1):
        state = back[index - 1][state]
        line.append(options[index - 1][state])
    return line[::-1]


def _follow(
    fitted: NDArray[np.void],
    pitch: NDArray[np.int64],
    stray: NDArray[np.bool_],
    accent: NDArray[np.float64],
    least_accent: float,
    scale_at: Callable[[int], frozenset[int]],
) -> None:
    """Move weak notes along the scale by what the strong notes around them have moved."""
    strong = stray | ((accent[fitted["position"]] >= least_accent) & (fitted["duration"] >= 12))
    anchors = np.flatnonzero(strong)
    moved = fitted["pitch"].astype(np.int64)[anchors] - pitch[anchors]
    wish = np.interp(np.arange(len(fitted)), anchors, moved)
    for index in np.flatnonzero(~strong & (np.abs(wish) >= 0.75)):
        goal = float(pitch[index] + wish[index])
        scale = scale_at(int(fitted["bar"][index]))
        near = [p for p in range(round(goal) - 1, round(goal) + 2) if p % 12 in scale]
        if near:
            fitted["pitch"][index] = min(near, key=lambda p: abs(p - goal))


def _is_stray(
    note: np.void,
    tones_at: Callable[[int, int], frozenset[int]],
    accent: NDArray[np.float64],
    least_accent: float,
) -> bool:
    """Whether a long note on a strong place is foreign to its chord."""
    tones = tones_at(int(note["bar"]), int(note["position"]))
    strong = accent[note["position"]] >= least_accent and note["duration"] >= 12
    return bool(strong and tones and int(note["pitch"]) % 12 not in tones)


def count_strays(
    notes: NDArray[np.void],
    tones_at: Callable[[int, int], frozenset[int]],
    accent: NDArray[np.float64],
    *,
    least_accent: float = 0.5,
) -> int:
    """Count the notes that :func:`snap_to_chords` would move."""
    return sum(_is_stray(note, tones_at, accent, least_accent) for note in notes)


def fit_to_chords(
    notes: NDArray[np.void],
    tones_at: Callable[[int, int], frozenset[int]],
    accent: NDArray[np.float64],
    *,
    low: int,
    high: int,
    previous: int | None = None,
    least_accent: float = 0.5,
    scale_at: Callable[[int], frozenset[int]] | None = None,
) -> NDArray[np.void]:
    """Move strongly placed long notes to the nearest chord tone and the line into its range.

    Parameters
    ----------
    notes : ndarray of CELL_NOTE_DTYPE
        One line; ``bar`` as ``tones_at`` understands it.
    tones_at : callable (bar, position) -> frozenset of pitch classes
        Empty where there is no chord.
    accent : ndarray, shape (bar_steps,)
    previous : int, optional
        The pitch before the line, which it should not start far from.
    scale_at : callable (bar) -> frozenset of pitch classes, optional
        Lets weak notes follow the strong ones.

    Returns
    -------
    ndarray of CELL_NOTE_DTYPE
        The line moves by whole octaves as one, so its shape stays; single notes that still
        stick out fold back by an octave.
    """
    fitted = snap_to_chords(notes, tones_at, accent, least_accent=least_accent, scale_at=scale_at)
    if len(fitted) == 0:
        return fitted
    centre = low + 0.45 * (high - low)
    mean = float(fitted["pitch"].mean())

    def cost(move: int) -> float:
        moved = fitted["pitch"] + move
        outside = float(((moved < low) | (moved > high)).sum())
        leap = 0.0 if previous is None else max(abs(int(moved[0]) - previous) - 9, 0)
        # Staying put is worth an octave: a theme that returns should return where it was.
        return 100 * outside + abs(mean + move - centre) + 1.5 * leap + (0 if move == 0 else 12)

    fitted["pitch"] += min([12 * k for k in range(-5, 6)], key=cost)
    for note in fitted:
        while note["pitch"] > high:
            note["pitch"] -= 12
        while note["pitch"] < low:
            note["pitch"] += 12
    return fitted
