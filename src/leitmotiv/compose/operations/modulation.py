"""Modulation: chords that lead from one key into another.

Purpose: the harmony of a bridge. Two keys that share few notes are not joined by stepping from one
into the other: the path goes by chords that belong to both sides (pivots), over keys that lie
between them, and arrives on the dominant of the goal.

Conventions: a state is a chord heard in a key; it moves on in its key by the rules of functional
harmony, or is heard anew as a chord of another key that holds all its notes. Only where the bars
are too few for that, a chord moves straight to a dominant that shares a note with it. One slot is
half a bar. Paths are drawn by filtering forward and sampling backward.

Public names: :func:`modulating_path`.

References
----------
S. Kostka and D. Payne, *Tonal Harmony*, ch. 18 (pivot chords), ch. 19 (mixture and common tones).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.operations.harmonic_path import MAJOR_STEPS, MINOR_STEPS, plain_key
from leitmotiv.theory import ChordSymbol, Key, Mode, Spelling, roman_to_chord

__all__ = ["modulating_path"]

_TEMPERATURE = 0.4
_PIVOT = -0.7  # a chord heard in a new key, for each fifth between the keys' signatures
_DIRECT = -5.5  # a dominant of a new key that was not prepared
_FAR = 4  # signatures further apart than this many fifths share no chord worth a pivot
_STAY_INSIDE, _STAY = 2.2, -1.2
_HURRY = 0.35  # less stay inside the bar for each fifth that the keys lie apart
_ROUNDABOUT = -0.35  # each half bar in a key that is neither of the two
_EARLY = 1.5  # gain of setting out from a chord of the first key
_LATE = 1.2  # gain of being in the goal's key in the last quarter of the path
_IMPOSSIBLE = -30.0


@dataclass(frozen=True)
class _State:
    key: Key
    roman: str
    chord: ChordSymbol


@lru_cache(maxsize=1)
def _states() -> tuple[_State, ...]:
    """The chords of all major and minor keys, each in its key."""
    states = []
    for mode, rows in ((Mode.MAJOR, MAJOR_STEPS), (Mode.MINOR, MINOR_STEPS)):
        for pitch_class in range(12):
            key = Key(Spelling.nearest(pitch_class, 0.0 if mode is Mode.MAJOR else 3.0), mode)
            states += [
                _State(key, roman, roman_to_chord(roman, key))
                for roman in rows
                if roman not in ("viio", "iio", "iii")
            ]
    return tuple(states)


def _same_key(first: Key, second: Key) -> bool:
    return (
        first.tonic_pitch_class == second.tonic_pitch_class
        and first.mode.is_minor_like == second.mode.is_minor_like
    )


def _signature_distance(first: Key, second: Key) -> int:
    around = abs(first.fifths - second.fifths) % 12
    return min(around, 12 - around)


@lru_cache(maxsize=1)
def _table() -> NDArray[np.float64]:
    """Log weights of each state after each other one, stays left out."""
    states = _states()
    classes = [frozenset(state.chord.pitch_classes) for state in states]
    table = np.full((len(states), len(states)), _IMPOSSIBLE)
    for j, after in enumerate(states):
        rows = MINOR_STEPS if after.key.mode.is_minor_like else MAJOR_STEPS
        # Which chord of this key a state is, where it is one.
        named = {
            classes[k]: other.roman for k, other in enumerate(states) if other.key == after.key
        }
        dominant = after.roman in ("V", "V7")
        for i, before in enumerate(states):
            if classes[i] == classes[j]:
                continue
            distance = _signature_distance(before.key, after.key)
            if before.key == after.key:
                weight = rows[before.roman].get(after.roman)
                if weight is not None:
                    table[i, j] = np.log(weight)
                continue
            roman = named.get(classes[i])
            if roman is not None and distance <= _FAR:
                weight = rows[roman].get(after.roman)
                if weight is not None:
                    table[i, j] = np.log(weight) + _PIVOT * max(distance, 1)
            if dominant and classes[i] & classes[j]:
                table[i, j] = max(table[i, j], _DIRECT)
    return table


@lru_cache(maxsize=1)
def _stays() -> NDArray[np.bool_]:
    states = _states()
    return np.asarray([[a == b for b in states] for a in states])


def modulating_path(
    start: Key,
    goal: Key,
    num_slots: int,
    rng: np.random.Generator,
    *,
    before: ChordSymbol = ChordSymbol.NONE,
) -> tuple[list[ChordSymbol], list[Key]]:
    """Draw chords that lead from one key to the dominant of another.

    Parameters
    ----------
    start, goal : Key
        Church modes count as the major or minor key on their tonic.
    num_slots : int
        Half bars before the goal's dominant, at least 0.
    before : ChordSymbol
        The chord after which the path begins; the tonic of ``start`` where it is ``N``.

    Returns
    -------
    list of ChordSymbol
        One a slot, in root position; the goal's dominant follows well after the last.
    list of Key
        The key in which each is heard.

    Examples
    --------
    >>> chords, keys = modulating_path(Key.parse("C"), Key.parse("E"), 6, np.random.default_rng(1))
    >>> len(chords), str(keys[-1])
    (6, 'E major')
    """
    if num_slots <= 0:
        return [], []
    start, goal = plain_key(start), plain_key(goal)
    states, table, stays = _states(), _table(), _stays()
    at_home = np.asarray([_same_key(state.key, start) for state in states])
    at_goal = np.asarray([_same_key(state.key, goal) for state in states])
    tonic = frozenset(roman_to_chord("i" if start.mode.is_minor_like else "I", start).pitch_classes)
    first = frozenset(before.pitch_classes[:3]) if not before.is_none else tonic
    origin = [i for i, s in enumerate(states) if frozenset(s.chord.pitch_classes) == first]
    origin = [i for i in origin if at_home[i]] or origin
    if not origin:
        origin = [
            i
            for i, s in enumerate(states)
            if at_home[i] and frozenset(s.chord.pitch_classes) == tonic
        ]
    score = np.full(len(states), _IMPOSSIBLE)
    score[origin] = 0.0
    stay_inside = _STAY_INSIDE - _HURRY * _signature_distance(start, goal)
    forward: list[NDArray[np.float64]] = []
    tables: list[NDArray[np.float64]] = []
    for slot in range(num_slots):
        step = table.copy()
        step[stays] = stay_inside if slot % 2 else _STAY
        emission = np.where(at_home | at_goal, 0.0, _ROUNDABOUT)
        if slot == 0:
            emission = emission + np.where(at_home, _EARLY, 0.0)
        elif not _same_key(start, goal) and slot >= num_slots - max(num_slots // 4, 1):
            emission = emission + np.where(at_goal, _LATE, -_LATE)
        joint = (forward[-1] if forward else score / _TEMPERATURE)[:, None] + step / _TEMPERATURE
        peak = joint.max(axis=0)
        summed = peak + np.log(np.exp(joint - peak).sum(axis=0))
        forward.append(summed + emission / _TEMPERATURE)
        tables.append(step)
    arrival = [i for i, s in enumerate(states) if at_goal[i] and s.roman == "V"]
    dominant = table[:, arrival[0]].copy()
    dominant[arrival[0]] = _STAY  # the dominant may stand before its last bar, too
    index = _draw(forward[-1] + dominant / _TEMPERATURE, rng)
    path = [index]
    for slot in range(num_slots - 1, 0, -1):
        index = _draw(forward[slot - 1] + tables[slot][:, index] / _TEMPERATURE, rng)
        path.append(index)
    path.reverse()
    keys = [start if at_home[i] else goal if at_goal[i] else states[i].key for i in path]
    chords = [roman_to_chord(states[i].roman, k) for i, k in zip(path, keys, strict=True)]
    return chords, keys


def _draw(log_weights: NDArray[np.float64], rng: np.random.Generator) -> int:
    weights = np.exp(log_weights - log_weights.max())
    return int(rng.choice(len(weights), p=weights / weights.sum()))
