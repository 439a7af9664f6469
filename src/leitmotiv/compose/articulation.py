"""How long notes sound and how chords are broken, by the way an instrument makes its tone.

Public names: :class:`Attack`, :func:`attack_of`, :func:`sounding_durations`,
:func:`chord_spread_sec`.

References
----------
A. Friberg, R. Bresin and J. Sundberg, "Overview of the KTH rule system for musical performance",
*Advances in Cognitive Psychology* 2(2-3), 2006: punctuation, score legato and staccato,
repetition articulation.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.dynamics import energy_curve
from leitmotiv.compose.timing import PlaceNoise
from leitmotiv.plan.plan import Plan
from leitmotiv.score.score import Part

__all__ = ["Attack", "attack_of", "chord_spread_sec", "sounding_durations"]

_LIGHT_GENRES = ("march", "waltz", "polka", "ragtime", "tango", "fanfare", "scherzo", "minuet")


class Attack(StrEnum):
    """How an instrument starts and holds a tone."""

    STRUCK = "struck"
    PLUCKED = "plucked"
    BOWED = "bowed"
    BLOWN = "blown"
    HELD = "held"
    DRUM = "drum"


def attack_of(part: Part) -> Attack:
    """Return how a part makes its tone, from its General MIDI program."""
    program = part.program
    if part.is_drum:
        return Attack.DRUM
    if program in (40, 41, 42, 43, 44, 48, 49, 110):
        return Attack.BOWED
    if 52 <= program <= 54 or 56 <= program <= 79 or program in (22, 109, 111):
        return Attack.BLOWN
    if program in range(16, 24) or program in (50, 51, 55) or 80 <= program <= 103:
        return Attack.HELD
    if 24 <= program <= 39 or program in (45, 46) or 104 <= program <= 107:
        return Attack.PLUCKED
    return Attack.STRUCK


def sounding_durations(
    part: Part, plan: Plan, *, ticks_per_sec: float, noise: PlaceNoise
) -> NDArray[np.int64]:
    """Return how long each note sounds, in ticks, shape (notes,).

    Slurred bowed and blown notes overlap the next one by some 20 ms; repeated notes are parted;
    the last note of a phrase gives way to a breath; accompaniments of light dances are short.
    """
    notes = part.notes
    count = len(notes)
    durations = notes["duration"].astype(np.int64).copy()
    attack = attack_of(part)
    if not count or attack is Attack.DRUM:
        return durations
    onsets = notes["onset"].astype(np.int64)
    pitches = notes["pitch"].astype(np.int64)
    ends = onsets + durations
    beat = plan.meter_value.beat_ticks
    phrase_ends = np.array(
        [p.end_bar_index * plan.bar_ticks for s in plan.sections for p in s.phrases]
    )
    light = any(word in plan.genre.lower() for word in _LIGHT_GENRES)
    accompanies = part.role in ("harmony", "bass", "pad")
    later = np.searchsorted(onsets, onsets, side="right")
    # The livelier, the shorter: 85 % of the written length when calm, 55 % when lively.
    short = 0.92 - 0.45 * np.clip(energy_curve(plan, onsets), 0.15, 0.82)
    touch = noise.of(onsets, pitches)
    overlap = max(int(0.02 * ticks_per_sec), 2)
    gap = max(int(0.035 * ticks_per_sec), 4)
    for index in range(count):
        duration = int(durations[index])
        following = int(later[index]) if later[index] < count else None
        touches = following is not None and ends[index] == onsets[following]
        repeats = touches and bool(np.any(pitches[(onsets == ends[index])] == pitches[index]))
        closes = bool(
            np.any((phrase_ends >= ends[index]) & (phrase_ends - ends[index] < beat // 2))
        )
        closes = closes and (following is None or onsets[following] >= ends[index])
        if light and accompanies and attack is not Attack.HELD and duration <= beat:
            durations[index] = max(round(duration * short[index]), 30)
        elif closes and part.role in ("melody", "counter") and attack is not Attack.HELD:
            durations[index] = max(duration - min(round(0.14 * duration) + gap, beat // 3), 30)
        elif repeats:
            durations[index] = max(duration - min(gap, duration // 3), 20)
        elif attack in (Attack.BOWED, Attack.BLOWN):
            if touches and following is not None and abs(pitches[following] - pitches[index]) <= 9:
                durations[index] = duration + min(overlap, duration // 4)
            else:
                durations[index] = max(duration - min(gap, duration // 5), 20)
        elif attack is Attack.HELD:
            durations[index] = max(duration - min(gap // 2, duration // 8), 20)
        elif duration <= beat:
            durations[index] = max(round(duration * (0.93 + 0.04 * touch[index])), 20)
            durations[index] = min(durations[index], duration)
    return durations


def chord_spread_sec(part: Part, accent: float, chance: float) -> tuple[float, bool]:
    """Return (seconds between neighbouring notes of a chord, whether it starts from below).

    ``chance`` in [0, 1] varies it. Guitars are strummed, down on beats and up off them; harps are
    rolled; keys are nearly together.
    """
    if part.program == 46:
        return 0.028 + 0.006 * chance, True
    if 24 <= part.program <= 28 or 104 <= part.program <= 107:
        return 0.011 + 0.005 * chance, accent >= 0.4
    if part.program in (29, 30, 31):
        return 0.004, True
    if part.program < 8:
        return 0.002 * chance, True
    return 0.0, True
