"""Harmony for a melody: which chords, in which inversion, and where phrases close.

Purpose: chords under a tune that was made elsewhere. Each half bar gets a chord that fits what is
sung there; the dominant leads to the tonic where the melody comes to rest; the bass has a line.

Conventions: melody notes weigh by length and accent, passing and neighbouring notes little. A
state is a chord with its bass note; paths are drawn by filtering forward and sampling backward, at
a temperature so low that only nearly equal paths take turns. A cadence is a wish, never a force:
where the tune does not bear a dominant there is none. The key is the one that the score states.

Public names: :func:`chords_for_melody`, :func:`melody_keys`, :func:`with_tune_harmony`.

References
----------
S. Kostka and D. Payne, *Tonal Harmony*, ch. 7 (which chord follows which), ch. 8-9 (bass lines).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.operations.harmonic_path import MAJOR_STEPS, MINOR_STEPS, plain_key
from leitmotiv.compose.operations.reading import Reading
from leitmotiv.plan import Plan
from leitmotiv.plan.cadences import name_cadence
from leitmotiv.score import Score
from leitmotiv.score.analysis import home_key
from leitmotiv.theory import ChordSymbol, Key, roman_to_chord
from leitmotiv.tokens.grid import TICKS_PER_STEP

__all__ = ["chords_for_melody", "melody_keys", "with_tune_harmony"]

_TEMPERATURE = 0.35
_FIT = 7.0  # cost of a half bar in which no melody note belongs to the chord
_PASSING = 0.3  # weight of a note that is left and approached by step on a weak place
_FOREIGN_START = 1.2  # cost of a chord that does not hold the note it begins under
_SECONDARY = {"V7/V": -1.2, "V7/vi": -1.6, "V7/ii": -1.8, "V7/IV": -1.8, "V7/III": -1.5}
_PRIOR = {"iii": -1.2, "viio": -1.5, "iio": -0.2, "V7": -0.2, "VII": -0.6, **_SECONDARY}
_SLOW_BAR_SEC, _FAST_BAR_SEC = 2.6, 1.4


@dataclass(frozen=True)
class _State:
    roman: str
    chord: ChordSymbol
    inverted: bool


@lru_cache(maxsize=32)
def _states(key: Key) -> tuple[_State, ...]:
    base = key if key.mode in ("major", "minor") else plain_key(key)
    minor = key.mode.is_minor_like
    romans = [*(MINOR_STEPS if minor else MAJOR_STEPS)]
    romans += ["V7/III", "V7/V"] if minor else ["V7/V", "V7/vi", "V7/ii", "V7/IV"]
    states = []
    for roman in romans:
        chord = roman_to_chord(roman, base)
        third = next(d for d in chord.degrees if d in ("3", "b3"))
        if roman not in ("viio", "iio"):
            states.append(_State(roman, chord, False))
        if roman not in ("iii", "III", "VI", "VII"):
            states.append(_State(roman, chord.with_bass_degree(third), True))
    return tuple(states)


@lru_cache(maxsize=64)
def _follow(before: Key, after: Key) -> NDArray[np.float64]:
    """Log weights of each chord of a key after each chord of another, without stays and bass."""
    rows = MINOR_STEPS if after.mode.is_minor_like else MAJOR_STEPS
    table = np.full((len(_states(before)), len(_states(after))), np.log(0.08))
    for i, a in enumerate(_states(before)):
        for j, b in enumerate(_states(after)):
            fifth = (b.chord.root_pitch_class - a.chord.root_pitch_class) % 12 == 5
            if before != after:
                shared = set(a.chord.pitch_classes) & set(b.chord.pitch_classes)
                table[i, j] = np.log(3.0 if fifth else 1.0 if len(shared) >= 2 else 0.1)
            elif "/" in a.roman:  # a dominant goes where it belongs
                goal = a.roman.partition("/")[2]
                table[i, j] = np.log(6.0 if b.roman == goal else 0.3 if fifth else 0.05)
            elif "/" in b.roman:
                table[i, j] = np.log(2.0)
            else:
                table[i, j] = np.log(max(rows[a.roman].get(b.roman, 0.08), 0.08))
    bass = np.asarray([s.chord.bass_pitch_class for s in _states(after)])
    old = np.asarray([s.chord.bass_pitch_class for s in _states(before)])
    distance = np.abs((old[:, None] - bass[None, :] + 6) % 12 - 6)
    gain = np.asarray([-0.7, 0.7, 0.7, 0.0, 0.0, 0.3, -1.0])[distance]
    return np.asarray(table + gain)


def melody_keys(score: Score, bars: range, whole: Score | None = None) -> list[Key]:
    """Return the key of each bar: as stated, else that of the whole piece.

    A bare tune visits the relative key and the dominant without leaving home, so no modulation is
    read into it; ``whole`` (the tune with its company) is better heard where there is one.
    """
    home = home_key(whole or score)
    fallback = home[0] if home is not None else Key.parse("C major")
    keys = []
    for bar in bars:
        stated = score.key_at(int(score.bar_ticks[bar])) if score.keys else None
        # A key signature without a mode is written as major: the tune decides between relatives.
        same = stated is not None and stated.fifths == fallback.fifths
        keys.append(fallback if stated is None or same else stated)
    return keys


def _weights(plan: Plan, notes: NDArray[np.void]) -> NDArray[np.float64]:
    """How much each pitch class counts in each half bar, shape (2 * num_bars, 12)."""
    steps, half = plan.bar_ticks // TICKS_PER_STEP, plan.half_tick // TICKS_PER_STEP
    start = notes["bar"].astype(np.int64) * steps + notes["position"]
    pitch = notes["pitch"].astype(np.int64)
    meter = plan.meter_value
    accent = np.asarray([meter.accent(int(p) * TICKS_PER_STEP) for p in notes["position"]])
    left = np.abs(np.diff(pitch, prepend=pitch[:1] - 99))
    right = np.abs(np.diff(pitch, append=pitch[-1:] + 99))
    beat = meter.beat_ticks // TICKS_PER_STEP
    passing = (left <= 2) & (right <= 2) & (left + right > 0) & (notes["duration"] < beat)
    passing &= accent < 0.7
    importance = np.where(passing, _PASSING, 0.6 + 0.8 * accent)
    table = np.zeros((2 * plan.num_bars, 12))
    for onset, length, note, factor in zip(
        start, notes["duration"], pitch, importance, strict=True
    ):
        tick, stop = int(onset), min(int(onset + length), steps * plan.num_bars)
        while tick < stop:
            bar, inside = divmod(tick, steps)
            edge = bar * steps + (half if inside < half else steps)
            sounding = min(stop, edge) - tick
            table[2 * bar + (inside >= half), note % 12] += sounding * factor
            tick = edge
    return table


def _struck(plan: Plan, notes: NDArray[np.void]) -> tuple[list[int], list[int]]:
    """Pitch that sounds at the start of each half bar, and the one just before it; -1 for none."""
    steps, half = plan.bar_ticks // TICKS_PER_STEP, plan.half_tick // TICKS_PER_STEP
    start = notes["bar"].astype(np.int64) * steps + notes["position"]

    def sung(step: int) -> int:
        here = notes["pitch"][(start <= step) & (start + notes["duration"] > step)]
        return int(here.max()) if len(here) else -1

    starts = [i // 2 * steps + (half if i % 2 else 0) for i in range(2 * plan.num_bars)]
    return [sung(step) for step in starts], [sung(step - 1) for step in starts]


def chords_for_melody(
    reading: Reading, part: int, rng: np.random.Generator, *, keys: Sequence[Key] | None = None
) -> tuple[list[ChordSymbol], Plan]:
    """Choose chords under a melody, and name the cadences of its phrases.

    Parameters
    ----------
    reading : Reading
    part : int
        The plan's part that sings.
    keys : sequence of Key, optional
        One for each bar; by default those of the plan.

    Returns
    -------
    list of ChordSymbol
        Two a bar.
    Plan
        The reading's plan with those chords, keys and cadences.
    """
    plan = reading.plan
    notes = reading.notes[reading.notes["part"] == part]
    notes = notes[np.lexsort((notes["position"], notes["bar"]))]
    bar_keys = list(keys) if keys is not None else [plan.key_at(b) for b in range(plan.num_bars)]
    weights = _weights(plan, notes)
    struck, leaving = _struck(plan, notes)
    closes = _closes(plan, notes)
    bar_sec = plan.bar_ticks / 480 * 60 / plan.qpm_at(0)
    slow = float(np.interp(bar_sec, (_FAST_BAR_SEC, _SLOW_BAR_SEC), (0.0, 1.0)))
    stay_inside = 2.4 - 1.7 * slow
    emissions, tables = [], []
    for index in range(2 * plan.num_bars):
        key = bar_keys[index // 2]
        row = _emission(key, weights[index], struck[index])
        opening = index == 0 or (index // 2 in {b + 1 for b in closes} and index % 2 == 0)
        if opening:
            row = row + np.asarray(
                [(2.5 if s.roman in "Ii" else 0.0) - 1.5 * s.inverted for s in _states(key)]
            )
        kind = closes.get(index // 2)
        if kind is not None and index % 2 == kind[1]:
            row = row + _close_gain(key, kind[0], final=index // 2 == plan.num_bars - 1)
        emissions.append(row)
        if index:
            table = _follow(bar_keys[(index - 1) // 2], key).copy()
            same = np.asarray(
                [
                    [a.chord == b.chord for b in _states(key)]
                    for a in _states(bar_keys[(index - 1) // 2])
                ]
            )
            rests = kind is not None and index % 2 and kind[1] == 0
            table[same] = 4.0 if rests else stay_inside if index % 2 else 0.1
            if kind is not None and index % 2 == kind[1] and kind[0] == 0:
                leads = np.asarray([s.roman in ("V", "V7", "viio") for s in _states(key)])
                if len(leads) == len(table):
                    tonic = np.asarray([s.roman in "Ii" for s in _states(key)])
                    table[np.ix_(leads, tonic)] += 2.0
            outer = (leaving[index], struck[index])
            table += _outer_voices(bar_keys[(index - 1) // 2], key, outer)
            tables.append(table)
    chords = _sample(emissions, tables, bar_keys, rng)
    return chords, _with_chords(plan, chords, bar_keys, closes)


def with_tune_harmony(score: Score, reading: Reading) -> Reading:
    """Give a bare tune the harmony that it implies.

    Chords heard in a single line are the tones that happen to sound; what is composed around the
    tune needs chords that make sense in a row. A reading with company or stated chords is returned
    as it is.
    """
    sounding = {int(part) for part in np.unique(reading.notes["part"])}
    pitched = [slot for slot in sounding if not reading.plan.parts[slot].is_drum]
    if score.chords or pitched != [reading.melody]:
        return reading
    mine = reading.notes[reading.notes["part"] == reading.melody]
    starts = np.unique(np.stack([mine["bar"], mine["position"]]), axis=1).shape[1]
    if len(mine) > 1.2 * starts:  # chords are heard well enough
        return reading
    rng = np.random.default_rng(0)  # a reading draws nothing: the same chords each time
    keys = melody_keys(score, range(reading.start_bar, reading.stop_bar))
    _, plan = chords_for_melody(reading, reading.melody, rng, keys=keys)
    return replace(reading, plan=plan)


def _emission(key: Key, weights: NDArray[np.float64], struck: int) -> NDArray[np.float64]:
    total = float(weights.sum())
    row = []
    for state in _states(key):
        value = _PRIOR.get(state.roman, 0.0) - 0.5 * state.inverted
        if total > 0:
            inside = float(weights[list(state.chord.pitch_classes)].sum()) / total
            value += _FIT * (inside - 1.0)
        if struck >= 0:
            if struck % 12 not in state.chord.pitch_classes:
                value -= _FOREIGN_START
            elif state.inverted and struck % 12 == state.chord.bass_pitch_class:
                value -= 2.0  # the third in both outer voices
        row.append(value)
    return np.asarray(row)


def _close_gain(key: Key, degree: int, *, final: bool) -> NDArray[np.float64]:
    """What a phrase likes to close on, given the degree (semitones) that its melody ends on."""
    row = []
    for state in _states(key):
        root = (state.chord.root_pitch_class - key.tonic_pitch_class) % 12
        value = -3.0 if state.inverted or len(state.chord.pitch_classes) > 3 else 0.0
        if final:
            value += 0.0 if root == 0 else -12.0
        elif degree == 0:
            value += 1.5 if root == 0 else 0.0
        elif degree in (2, 7, 11) and root == 7:
            value += 2.0 if degree != 7 else 0.7
        elif root == 0:
            value += 0.7
        row.append(value)
    return np.asarray(row)


def _outer_voices(before: Key, after: Key, struck: Sequence[int]) -> NDArray[np.float64]:
    """Price of fifths and octaves in parallel between melody and bass, shape (states, states)."""
    first = np.asarray([s.chord.bass_pitch_class for s in _states(before)])[:, None]
    second = np.asarray([s.chord.bass_pitch_class for s in _states(after)])[None, :]
    price = np.zeros((first.shape[0], second.shape[1]))
    if min(struck) < 0 or struck[0] == struck[1]:
        return price
    old, new = (struck[0] - first) % 12, (struck[1] - second) % 12
    for perfect in (0, 7):
        price -= 2.5 * ((old == perfect) & (new == perfect) & (first != second))
    return price


def _closes(plan: Plan, notes: NDArray[np.void]) -> dict[int, tuple[int, int]]:
    """Bars in which phrases close: the degree of the last melody note, and its half of the bar."""
    half = plan.half_tick // TICKS_PER_STEP
    found: dict[int, tuple[int, int]] = {}
    for section in plan.sections:
        for phrase in section.phrases:
            bar = phrase.end_bar_index - 1
            final = bar == plan.num_bars - 1
            here = notes[notes["bar"] == bar]
            if not final and (phrase.num_bars < 3 or not len(here)):
                continue
            last = here[-1] if len(here) else notes[-1]
            # The note that is held longest is where the phrase rests; later ones are an upbeat.
            if len(here):
                last = here[int(np.argmax(here["duration"]))]
            degree = (int(last["pitch"]) - plan.key_at(bar).tonic_pitch_class) % 12
            found[bar] = degree, int(len(here) > 0 and int(last["position"]) >= half)
    return found


def _sample(
    emissions: Sequence[NDArray[np.float64]],
    tables: Sequence[NDArray[np.float64]],
    keys: Sequence[Key],
    rng: np.random.Generator,
) -> list[ChordSymbol]:
    forward = [emissions[0] / _TEMPERATURE]
    for table, emission in zip(tables, emissions[1:], strict=True):
        joint = forward[-1][:, None] + table / _TEMPERATURE
        peak = joint.max(axis=0)
        summed = peak + np.log(np.exp(joint - peak).sum(axis=0))
        forward.append(summed + emission / _TEMPERATURE)
    index = _draw(forward[-1], rng)
    path = [index]
    for position in range(len(tables) - 1, -1, -1):
        index = _draw(forward[position] + tables[position][:, index] / _TEMPERATURE, rng)
        path.append(index)
    path.reverse()
    return [_states(keys[i // 2])[choice].chord for i, choice in enumerate(path)]


def _draw(log_weights: NDArray[np.float64], rng: np.random.Generator) -> int:
    weights = np.exp(log_weights - log_weights.max())
    return int(rng.choice(len(weights), p=weights / weights.sum()))


def _with_chords(
    plan: Plan,
    chords: Sequence[ChordSymbol],
    keys: Sequence[Key],
    closes: dict[int, tuple[int, int]],
) -> Plan:
    """The plan with chords, the keys they are in, and the cadences that they make."""
    sections = []
    for section in plan.sections:
        phrases = []
        for phrase in section.phrases:
            bar = phrase.end_bar_index - 1
            cadence = "none"
            if bar in closes:
                at = 2 * bar + closes[bar][1]
                if bar == plan.num_bars - 1 and chords[2 * bar] != chords[2 * bar + 1]:
                    at = 2 * bar + 1
                cadence = name_cadence(chords[at - 1] if at else None, chords[at], keys[bar])
            if bar == plan.num_bars - 1:
                cadence = "plagal" if cadence == "plagal" else "authentic"
            phrases.append(phrase.replace(cadence=cast(Any, cadence)))
        key = str(keys[section.start_bar_index])
        sections.append(section.replace(key=key, phrases=tuple(phrases)))
    entries = tuple(
        entry.replace(symbol=str(chord)) for entry, chord in zip(plan.chords, chords, strict=True)
    )
    return plan.replace(chords=entries, sections=tuple(sections), key=sections[0].key)
