"""Tags: what the network is told about a bar, a part or a cell, read off the notes or the plan.

The same functions serve the corpus (conditions extracted from notes) and the composer
(conditions taken from the plan), so both speak the same language.

Chord recognition matches the duration-weighted pitch-class profile of a half bar with chord
templates, the simplest member of the family in Fujishima, "Realtime chord recognition of musical
sound" (ICMC 1999), with a bonus for the root in the bass.

Public names: :data:`GENRES`, :data:`METERS`, :data:`ROLES`, :data:`CHORD_QUALITIES`,
:func:`genre_id`, :func:`mode_id`, :func:`meter_id`, :func:`tempo_id`, :func:`role_id`,
:func:`program_id`, :func:`chord_id`, :func:`chord_symbol_id`,
:func:`transpose_chord_id`, :func:`density_id`,
:func:`register_id`, :func:`polyphony_id`, :func:`energy_id`, :func:`bars_to_end_id`,
:func:`recognise_chords`, :func:`breath_ids`, :func:`guess_roles`, :func:`home_shift`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from leitmotiv.theory import ChordSymbol

__all__ = [
    "CHORD_NONE",
    "CHORD_QUALITIES",
    "GENRES",
    "METERS",
    "ROLES",
    "bars_to_end_id",
    "breath_ids",
    "chord_id",
    "chord_symbol_id",
    "density_id",
    "energy_id",
    "genre_id",
    "guess_roles",
    "home_shift",
    "meter_id",
    "mode_id",
    "polyphony_id",
    "program_id",
    "recognise_chords",
    "register_id",
    "role_id",
    "tempo_id",
    "transpose_chord_id",
]

GENRES = (
    "art song",
    "string quartet",
    "orchestral",
    "piano",
    "choral",
    "hymn",
    "game/rock/electronic",
    "folk",
    "chamber",
    "vocal-orchestral",
    "organ",
    "harpsichord",
    "guitar",
    "solo instrument",
    "drums",
)
METERS = (
    (4, 4),
    (3, 4),
    (2, 4),
    (2, 2),
    (6, 8),
    (3, 8),
    (12, 8),
    (9, 8),
    (3, 2),
    (6, 4),
    (4, 2),
    (5, 4),
    (4, 8),
    (7, 8),
    (2, 1),
    (3, 1),
    (5, 8),
)
ROLES = ("melody", "counter", "harmony", "bass", "pad", "drums")
CHORD_QUALITIES: dict[str, tuple[int, ...]] = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "dim": (0, 3, 6),
    "aug": (0, 4, 8),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
    "hdim7": (0, 3, 6, 10),
}
CHORD_NONE = 1
_NUM_QUALITIES = len(CHORD_QUALITIES)
_CHORD_TONES = [  # for each quality the pitch classes on every root, shape (12, tones)
    (np.arange(12)[:, None] + np.asarray(intervals)) % 12 for intervals in CHORD_QUALITIES.values()
]
_TEMPO_EDGES = (50, 66, 80, 96, 112, 132, 160)  # quarters a minute
_DENSITY_EDGES = (0.34, 0.76, 1.26, 2.01, 3.01, 4.51)  # notes a quarter


def genre_id(genre: str | None) -> int:
    """Return the id of a corpus genre; 0 when unknown."""
    return GENRES.index(genre) + 1 if genre in GENRES else 0


def mode_id(mode: str | None) -> int:
    """Return 1 for modes with a major third, 2 for those with a minor one, 0 for None."""
    if mode is None:
        return 0
    return 1 if mode in ("major", "lydian", "mixolydian") else 2


def meter_id(numerator: int, denominator: int) -> int:
    """Return the id of a time signature; the last id stands for all uncommon ones."""
    pair = (numerator, denominator)
    return METERS.index(pair) + 1 if pair in METERS else len(METERS) + 1


def tempo_id(qpm: float | None) -> int:
    """Return the id of a tempo in quarters a minute; 0 for None."""
    return 0 if qpm is None else int(np.searchsorted(_TEMPO_EDGES, qpm, side="right")) + 1


def role_id(role: str) -> int:
    """Return the id of a part's role; 0 when unknown."""
    return ROLES.index(role) + 1 if role in ROLES else 0


def program_id(program: int, is_drum: bool) -> int:
    """Return 1-128 for a General MIDI program, 129 for drums."""
    return 129 if is_drum else program + 1


def chord_id(root: int | None, quality: str = "maj") -> int:
    """Return the id of a chord by root pitch class and one of :data:`CHORD_QUALITIES`.

    ``root`` None gives "no chord".

    Examples
    --------
    >>> chord_id(0, "maj"), chord_id(None)
    (2, 1)
    """
    if root is None:
        return CHORD_NONE
    return 2 + (root % 12) * _NUM_QUALITIES + list(CHORD_QUALITIES).index(quality)


def transpose_chord_id(chord: ArrayLike, semitones: int) -> NDArray[np.int64]:
    """Transpose chord ids, any shape; "unknown" and "no chord" stay.

    Examples
    --------
    >>> transpose_chord_id([0, 1, chord_id(9, "min")], 3).tolist() == [0, 1, chord_id(0, "min")]
    True
    """
    chord = np.asarray(chord, dtype=np.int64)
    shifted = (chord - 2 + semitones * _NUM_QUALITIES) % (12 * _NUM_QUALITIES) + 2
    return np.where(chord >= 2, shifted, chord)


def density_id(num_notes: ArrayLike, bar_steps: ArrayLike) -> NDArray[np.int64]:
    """Return the id of a cell's density in notes a quarter; 1 is an empty cell."""
    num_notes = np.asarray(num_notes)
    quarters = np.maximum(np.asarray(bar_steps), 1) / 24
    return np.where(
        num_notes > 0, np.searchsorted(_DENSITY_EDGES, num_notes / quarters, side="right") + 2, 1
    )


def register_id(mean_pitch: ArrayLike) -> NDArray[np.int64]:
    """Return the id of a part's mean MIDI pitch in bands of five semitones."""
    return np.clip((np.asarray(mean_pitch) - 24) // 5, 0, 16).astype(np.int64) + 1


def polyphony_id(notes_per_onset: ArrayLike) -> NDArray[np.int64]:
    """Return 1 for a single line, 2 for some double stops, 3 for chords."""
    return np.searchsorted((1.05, 1.8), np.asarray(notes_per_onset), side="right") + 1


def energy_id(mean_velocity: ArrayLike) -> NDArray[np.int64]:
    """Return the id of a bar's mean velocity, 1 (soft) to 7 (loud)."""
    return np.clip((np.asarray(mean_velocity) - 8) // 16, 0, 6).astype(np.int64) + 1


def bars_to_end_id(bars_left: ArrayLike) -> NDArray[np.int64]:
    """Return 1 far from the end, 2-6 in the last five bars (6 is the last, ``bars_left`` 1)."""
    return np.clip(7 - np.asarray(bars_left), 1, 6).astype(np.int64)


def home_shift(fifths: ArrayLike) -> NDArray[np.int64]:
    """Return the transposition in semitones (-6..5) from a key signature to no accidentals.

    Examples
    --------
    >>> home_shift([0, 1, -1, 2, -3]).tolist()
    [0, 5, -5, -2, -3]
    """
    return (-7 * np.asarray(fifths, dtype=np.int64) + 6) % 12 - 6


def recognise_chords(
    onset: NDArray[np.int64],
    duration: NDArray[np.int64],
    pitch: NDArray[np.int64],
    boundaries: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Name the chord of each segment.

    Parameters
    ----------
    onset, duration, pitch : ndarray of int, shape (n,)
        Notes without drums; any time unit.
    boundaries : ndarray of int, shape (m + 1,)
        Rising segment borders in the same unit.

    Returns
    -------
    ndarray of int64, shape (m,)
        Chord ids; :data:`CHORD_NONE` for a segment with fewer than two pitch classes.
    """
    num_segments = len(boundaries) - 1
    sound = np.zeros(num_segments * 12)
    bass = np.full(num_segments, 128)
    if len(onset) == 0 or num_segments == 0:
        return np.full(num_segments, CHORD_NONE, dtype=np.int64)
    end = onset + duration
    first = np.searchsorted(boundaries, onset, side="right") - 1
    last = np.searchsorted(boundaries, end, side="left") - 1
    # A note crosses few borders: walk the borders, not the notes.
    for step in range(int(np.clip((last - first).max(), 0, 16)) + 1):
        segment = first + step
        alive = (segment <= last) & (segment >= 0) & (segment < num_segments)
        which, segment = np.flatnonzero(alive), segment[alive]
        overlap = np.minimum(end[which], boundaries[segment + 1]) - np.maximum(
            onset[which], boundaries[segment]
        )
        length = boundaries[segment + 1] - boundaries[segment]
        weight = np.sqrt(np.maximum(overlap, 0) / np.maximum(length, 1))
        np.add.at(sound, segment * 12 + pitch[which] % 12, weight)
        heard = weight > 0.2
        np.minimum.at(bass, segment[heard], pitch[which[heard]])
    profile = sound.reshape(num_segments, 12)
    total = profile.sum(axis=1, keepdims=True)
    profile = profile / np.maximum(total, 1e-9)
    profile[np.arange(num_segments)[bass < 128], bass[bass < 128] % 12] += 0.1
    scores = np.zeros((12, _NUM_QUALITIES, num_segments))
    by_class = np.ascontiguousarray(profile.T)
    deficit = np.maximum(0.08 - by_class, 0)
    for index, tones in enumerate(_CHORD_TONES):
        # Sounding outside the chord counts against it; each tone it claims must be heard.
        missing = deficit[tones].sum(axis=1) * (1.0 if tones.shape[1] > 3 else 0.7)
        heard = by_class[tones].sum(axis=1)
        scores[:, index] = heard - 1.5 * missing - 0.03 * (tones.shape[1] - 3)
    scores = scores.transpose(2, 0, 1)
    has_bass = bass < 128
    scores[np.flatnonzero(has_bass), bass[has_bass] % 12] += 0.08
    best = scores.reshape(num_segments, -1).argmax(axis=1)
    classes = (profile > 0.05).sum(axis=1)
    return np.where((classes >= 2) & (total[:, 0] > 0), best + 2, CHORD_NONE).astype(np.int64)


def breath_ids(
    last_onset_step: NDArray[np.int64], bar_steps: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return 2 for bars in which no note starts after the middle, 1 for others, 0 for silent ones.

    ``last_onset_step`` is the last onset in each bar over all pitched parts, -1 for a silent bar.
    """
    return np.where(
        last_onset_step < 0, 0, np.where(2 * last_onset_step <= bar_steps, 2, 1)
    ).astype(np.int64)


def guess_roles(
    mean_pitch: NDArray[np.float64],
    notes_per_onset: NDArray[np.float64],
    num_onsets: NDArray[np.int64],
    is_drum: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Guess a role id for each part from register, polyphony and activity.

    The highest active part is the melody and the lowest the bass; among the others, active single
    lines are counter-melodies and the rest harmony. A part without notes gets 0. A lone part is
    the melody.
    """
    num_parts = len(mean_pitch)
    roles = np.zeros(num_parts, dtype=np.int64)
    roles[is_drum] = role_id("drums")
    active = np.flatnonzero(~is_drum & (num_onsets > 0))
    if len(active) == 0:
        return roles
    order = active[np.argsort(mean_pitch[active])]
    roles[active] = role_id("harmony")
    busy = num_onsets >= 0.6 * num_onsets[active].max()
    single = notes_per_onset < 1.15
    roles[active[(busy & single)[active]]] = role_id("counter")
    if len(order) > 1:
        roles[order[0]] = role_id("bass")
    candidates = order[::-1][: max(1, (len(order) + 1) // 2)]
    lines = [part for part in candidates if num_onsets[part] >= 0.25 * num_onsets[active].max()]
    roles[lines[0] if lines else order[-1]] = role_id("melody")
    return roles


def chord_symbol_id(chord: ChordSymbol) -> int:
    """Return the id of a chord symbol, by the nearest of :data:`CHORD_QUALITIES`.

    Examples
    --------
    >>> from leitmotiv.theory import ChordSymbol
    >>> chord_symbol_id(ChordSymbol.parse("D:min9")) == chord_id(2, "min7")
    True
    """
    if chord.is_none:
        return CHORD_NONE
    root = chord.root_pitch_class
    heard = {(pitch_class - root) % 12 for pitch_class in chord.pitch_classes}

    def likeness(quality: str) -> float:
        wanted = set(CHORD_QUALITIES[quality])
        return len(wanted & heard) - 0.6 * len(wanted - heard) - 0.4 * len(heard - wanted)

    return chord_id(root, max(CHORD_QUALITIES, key=likeness))
