"""Harmonic paths: chords that lead from where the music stands to where it has to arrive.

Purpose: chords for bars that have none yet (a continuation, a bridge, the parts under a melody),
drawn from a small grammar of functional harmony so that the start follows from the chord before,
cadences stand where phrases end, and the last chord leads into what comes next.

Conventions: one *slot* is a stretch of half bars with one chord. Each slot has a key; where keys
differ, a chord may be reached from any chord that shares its pitch classes (a pivot) or a chord
that is a dominant of the new key. Paths are drawn by filtering forward and sampling backward.

Public names: :class:`Slot`, :func:`draw_path`, :func:`plain_key`, :func:`smooth_bass`,
:data:`MAJOR_STEPS`, :data:`MINOR_STEPS`.

References
----------
S. Kostka and D. Payne, *Tonal Harmony*, ch. 7 (which chord follows which).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from leitmotiv.theory import ChordSymbol, Key, roman_to_chord

__all__ = ["MAJOR_STEPS", "MINOR_STEPS", "Slot", "draw_path", "plain_key", "smooth_bass"]

# chord -> what may follow, with weights; the first row's chord is the tonic.
MAJOR_STEPS: dict[str, dict[str, float]] = {
    "I": {"I": 1, "IV": 5, "V": 5, "vi": 4, "ii": 3, "iii": 1, "V7": 2},
    "ii": {"ii": 1, "V": 6, "V7": 5, "viio": 0.5, "I": 0.4},
    "iii": {"vi": 5, "IV": 4, "ii": 1},
    "IV": {"IV": 1, "V": 6, "I": 3.5, "ii": 2.5, "V7": 3},
    "V": {"V": 1, "I": 7, "vi": 2.5, "V7": 2, "IV": 0.4},
    "V7": {"I": 8, "vi": 1.5},
    "vi": {"vi": 0.7, "IV": 5, "ii": 5, "V": 2, "iii": 0.7, "I": 0.7},
    "viio": {"I": 6},
}
MINOR_STEPS: dict[str, dict[str, float]] = {
    "i": {"i": 1, "iv": 5, "V": 4, "VI": 4, "iio": 1.5, "III": 2, "VII": 2, "V7": 2},
    "iio": {"V": 5, "V7": 4, "i": 0.3},
    "III": {"VI": 4, "iv": 3, "VII": 1.5, "iio": 0.5},
    "iv": {"iv": 1, "V": 6, "i": 3, "V7": 3, "iio": 1.5, "VII": 1},
    "V": {"V": 1, "i": 7, "VI": 2.5, "V7": 2},
    "V7": {"i": 8, "VI": 1.5},
    "VI": {"VI": 0.5, "iv": 4, "iio": 2, "III": 2, "V": 3, "VII": 2},
    "VII": {"III": 5, "i": 1.5, "VI": 1},
}
_RARE = 0.02  # a step that the grammar does not name
_STAY = 0.35  # the same chord over a bar line
_STAY_INSIDE = 2.5  # the same chord in both halves of a bar
_OPEN = 12.0  # a beginning on the tonic, against any other chord
_GOALS = {
    "authentic": {0: 1.0},
    "plagal": {0: 1.0},
    "half": {7: 1.0},
    "deceptive": {8: 0.5, 9: 1.0},
}


@dataclass(frozen=True, eq=False)
class Slot:
    """A stretch that holds one chord.

    ``cadence`` names how a phrase closes in this slot; ``weights`` (12,) is the sounding time of
    pitch classes that the chord has to fit, zeros where there is nothing to fit; ``inside`` says
    that the slot begins inside a bar, where chords rather stay.
    """

    key: Key
    cadence: str = "none"
    weights: NDArray[np.float64] = field(default_factory=lambda: np.zeros(12))
    inside: bool = False


@lru_cache(maxsize=64)
def _states(key: Key) -> tuple[tuple[str, ChordSymbol], ...]:
    rows = MINOR_STEPS if key.mode.is_minor_like else MAJOR_STEPS
    base = key if key.mode in ("major", "minor") else plain_key(key)
    return tuple((roman, roman_to_chord(roman, base)) for roman in rows)


def plain_key(key: Key) -> Key:
    """The major or minor key on the same tonic as a church mode."""
    return Key.parse(f"{key.tonic} {'minor' if key.mode.is_minor_like else 'major'}")


def _step(before: ChordSymbol, after: ChordSymbol, key: Key, *, inside: bool = False) -> float:
    """Weight of one chord after another, heard in the key of the second."""
    if before.is_none:
        return _OPEN if after.root_pitch_class == key.tonic_pitch_class else 1.0
    rows = MINOR_STEPS if key.mode.is_minor_like else MAJOR_STEPS
    named = {chord.root_pitch_class: roman for roman, chord in _states(key) if roman != "V7"}
    target = next(roman for roman, chord in _states(key) if chord == after)
    same = frozenset(before.pitch_classes) >= frozenset(after.pitch_classes[:3])
    if same and before.root_pitch_class == after.root_pitch_class:
        return _STAY_INSIDE if inside else _STAY
    # A dominant of the goal leads there from any key.
    distance = (after.root_pitch_class - before.root_pitch_class) % 12
    dominant = distance == 5 and {0, 4} <= {
        (pc - before.root_pitch_class) % 12 for pc in before.pitch_classes
    }
    source = named.get(before.root_pitch_class)
    pivot = source is not None and any(
        roman == source and set(chord.pitch_classes) <= set(before.pitch_classes)
        for roman, chord in _states(key)
    )
    weight = rows[source].get(target, _RARE) if pivot and source is not None else _RARE
    return max(weight, 5.0 if dominant else 0.0)


def _fit(chord: ChordSymbol, weights: NDArray[np.float64]) -> float:
    """Log weight of a chord under notes that sound with it."""
    total = float(weights.sum())
    if total <= 0:
        return 0.0
    inside = float(weights[list(chord.pitch_classes)].sum()) / total
    return 10.0 * (inside - 1.0)


def draw_path(
    slots: Sequence[Slot],
    rng: np.random.Generator,
    *,
    before: ChordSymbol = ChordSymbol.NONE,
    after: ChordSymbol = ChordSymbol.NONE,
    temperature: float = 0.8,
) -> list[ChordSymbol]:
    """Draw one chord for every slot.

    Parameters
    ----------
    slots : sequence of Slot
    before, after : ChordSymbol
        The chords around the path; ``N`` where there is none.
    temperature : float
        Above 0; low values keep to the likeliest path.

    Returns
    -------
    list of ChordSymbol
        Root positions; empty for no slots.

    Examples
    --------
    >>> key = Key.parse("C")
    >>> slots = [Slot(key), Slot(key), Slot(key), Slot(key, "authentic")]
    >>> str(draw_path(slots, np.random.default_rng(1))[-1])
    'C:maj'
    """
    if not slots:
        return []
    emissions = []
    for index, slot in enumerate(slots):
        goals = _GOALS.get(slot.cadence, {})
        following = slots[index + 1].cadence if index + 1 < len(slots) else "none"
        row = []
        for roman, chord in _states(slot.key):
            value = _fit(chord, slot.weights)
            degree = (chord.root_pitch_class - slot.key.tonic_pitch_class) % 12
            if goals:  # a phrase closes on a plain triad
                value += float(np.log(goals.get(degree, 1e-6))) - (4.0 if roman == "V7" else 0.0)
            if following in ("authentic", "deceptive"):
                value += 0.0 if degree == 7 else -5.0
            elif following == "half":
                value -= 4.0 if degree == 7 else 0.0
            elif following == "plagal":
                value += 0.0 if degree == 5 else -5.0
            row.append(value)
        emissions.append(np.asarray(row))
    tables = []
    for first, second in pairwise(slots):
        tables.append(
            np.log(
                [
                    [_step(a, b, second.key, inside=second.inside) for _, b in _states(second.key)]
                    for _, a in _states(first.key)
                ]
            )
        )
    start = np.log([_step(before, chord, slots[0].key) for _, chord in _states(slots[0].key)])
    forward = [(emissions[0] + start) / temperature]
    for table, emission in zip(tables, emissions[1:], strict=True):
        joint = forward[-1][:, None] + table / temperature
        peak = joint.max(axis=0)
        forward.append(peak + np.log(np.exp(joint - peak).sum(axis=0)) + emission / temperature)
    last = forward[-1].copy()
    if not after.is_none:
        last += _arrival(slots[-1].key, after) / temperature
    index = _draw(last, rng)
    path = [index]
    for position in range(len(slots) - 2, -1, -1):
        index = _draw(forward[position] + tables[position][:, index] / temperature, rng)
        path.append(index)
    path.reverse()
    return [_states(slot.key)[choice][1] for slot, choice in zip(slots, path, strict=True)]


def _arrival(key: Key, after: ChordSymbol) -> NDArray[np.float64]:
    """Log weights of the last chord, given the one that follows the path."""
    known = [chord for _, chord in _states(key)]
    nearest = max(known, key=lambda chord: len(set(chord.pitch_classes) & set(after.pitch_classes)))
    shared = len(set(nearest.pitch_classes) & set(after.pitch_classes))
    if shared < 3:
        fifths = [(after.root_pitch_class - chord.root_pitch_class) % 12 == 5 for chord in known]
        return np.asarray(np.where(fifths, np.log(4.0), 0.0))
    return np.asarray(np.log([_step(chord, nearest, key) for chord in known]))


def _draw(log_weights: NDArray[np.float64], rng: np.random.Generator) -> int:
    weights = np.exp(log_weights - log_weights.max())
    return int(rng.choice(len(weights), p=weights / weights.sum()))


def smooth_bass(chords: Sequence[ChordSymbol], *, kept: Sequence[int] = ()) -> list[ChordSymbol]:
    """Put a chord into first inversion where its third makes the bass move by step.

    ``kept`` lists indices that stay in root position: openings and cadences.

    Examples
    --------
    >>> path = [ChordSymbol.parse(text) for text in ("C:maj", "G:maj", "A:min")]
    >>> [str(chord) for chord in smooth_bass(path)]
    ['C:maj', 'G:maj/3', 'A:min']
    """
    result = list(chords)
    for index in range(1, len(result) - 1):
        chord, third = result[index], _third(result[index])
        if index in kept or third is None or chord.bass_degree != "1":
            continue
        left, right = result[index - 1], result[index + 1]
        if left.is_none or right.is_none or chord in (left, right):
            continue
        sides = (left.bass_pitch_class, right.bass_pitch_class)
        if sum(_distance(side, third[1]) for side in sides) <= 4 and all(
            0 < _distance(side, third[1]) <= 2 for side in sides
        ):
            result[index] = chord.with_bass_degree(third[0])
    return result


def _third(chord: ChordSymbol) -> tuple[str, int] | None:
    if chord.is_none:
        return None
    for degree, pitch_class in zip(chord.degrees, chord.pitch_classes, strict=True):
        if degree in ("3", "b3"):
            return degree, pitch_class
    return None


def _distance(first: int, second: int) -> int:
    return abs((first - second + 6) % 12 - 6)
