"""Checks on playability: can two hands, six strings or one breath do it?

Purpose: chords that no hand spans, guitar voicings without a fingering, chords on instruments
with one voice, and leaps that come too fast.

Conventions:

- Only notes struck together count as a chord: what a pedal or another hand holds is free.
- A chord of three or four notes on a bowed instrument is playable where each note has a string of
  its own, side by side; it is rolled.
- Limits are those of a trained adult (a tenth a hand, four frets), and were widened until hardly
  any bar of the printed repertoire is flagged; see docs/review.md.

Public names: the checks, :func:`has_fingering`, :func:`fits_hands`.

References
----------
S. Adler, *The Study of Orchestration*, 4th ed., W. W. Norton 2016, chapters 2 (stops), 4 and 5
(guitar, piano).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from leitmotiv.review.finding import Finding, Severity
from leitmotiv.review.reading import Line, PartReading, Reading
from leitmotiv.theory import pitch_name

__all__ = [
    "check_fast_leaps",
    "check_guitar_voicings",
    "check_hands",
    "check_unplayable_chords",
    "fits_hands",
    "has_fingering",
]

_KEYBOARD_PROGRAMS = frozenset(range(8))
_GUITAR_PROGRAMS = frozenset(range(24, 31))
_HAND_NAME = re.compile(r"\b(left|right|lh|rh|l\.?h\.?|r\.?h\.?|hand|sinistra|destra)\b", re.I)
_STRETCH, _IMPOSSIBLE_STRETCH = 16, 19  # semitones in one hand: a tenth, a twelfth
_FINGERS = 6  # a thumb takes two neighbouring keys

_GUITAR_STRINGS = (40, 45, 50, 55, 59, 64)
_DROPPED_STRINGS = (38, 45, 50, 55, 59, 64)
_FRETS, _FRET_SPAN = 22, 4

_ONE_VOICE_FAMILIES = frozenset({"reed", "pipe"})
_ONE_VOICE_NAMES = frozenset({"Trumpet", "Trombone", "Tuba", "Muted Trumpet", "French Horn"})
_BOWED_STRINGS: dict[str, tuple[int, ...]] = {
    "Violin": (55, 62, 69, 76),
    "Viola": (48, 55, 62, 69),
    "Cello": (36, 43, 50, 57),
    "Contrabass": (28, 33, 38, 43),
    "Fiddle": (55, 62, 69, 76),
}
_BOWED_SPAN, _BOWED_REACH = 6, 24
_SHARED_STAVE = 0.1  # with so many chords a stave holds two players, whatever its name says

# Family: semitones of a leap, seconds between the notes, leaps in a row.
_FAST_LEAPS: dict[str, tuple[int, float, int]] = {
    "reed": (10, 0.2, 4),
    "pipe": (10, 0.2, 4),
    "brass": (8, 0.22, 4),
    "strings": (13, 0.15, 4),
}
_FAST_LEAPS_ELSE = (17, 0.16, 5)
_VOICE_LEAPS = (8, 0.3, 4)


def _chords(part: PartReading) -> Iterator[tuple[int, tuple[int, ...]]]:
    """Yield onset and distinct pitches, rising, wherever a part strikes more than one note."""
    order = np.lexsort((part.pitch, part.onset))
    onset, pitch = part.onset[order], part.pitch[order]
    ticks, first, count = np.unique(onset, return_index=True, return_counts=True)
    for index in np.flatnonzero(count > 1).tolist():
        pitches = np.unique(pitch[first[index] : first[index] + count[index]])
        if len(pitches) > 1:
            yield int(ticks[index]), tuple(pitches.tolist())


def fits_hands(pitches: tuple[int, ...], *, hands: int = 2, span: int = _STRETCH) -> bool:
    """Whether a struck chord lies in so many hands.

    Parameters
    ----------
    pitches : tuple of int
        MIDI pitches, rising.
    hands : int
        1 or 2.
    span : int
        What one hand reaches, in semitones.

    Examples
    --------
    >>> fits_hands((36, 48, 60, 64, 67))
    True
    >>> fits_hands((36, 60, 84))
    False
    """
    if not pitches:
        return True
    if hands == 1:
        return pitches[-1] - pitches[0] <= span and len(pitches) <= _FINGERS
    return any(
        fits_hands(pitches[:cut], hands=1, span=span)
        and fits_hands(pitches[cut:], hands=1, span=span)
        for cut in range(len(pitches) + 1)
    )


def _hands_of(reading: Reading, part: PartReading) -> int:
    """How many hands play a keyboard part: one, where another part is the other hand."""
    keyboards = [p for p in reading.pitched if p.part.program == part.part.program]
    if _HAND_NAME.search(part.name):
        return 1 if len(keyboards) > 1 else 2
    return 2


def check_hands(reading: Reading) -> Iterator[Finding]:
    """Yield chords at a keyboard that no hands span; a roll can save a note, not a warning."""
    for part in reading.pitched:
        if part.is_drum or part.part.program not in _KEYBOARD_PROGRAMS:
            continue
        hands = _hands_of(reading, part)
        worst: dict[int, tuple[bool, int, tuple[int, ...]]] = {}
        for tick, pitches in _chords(part):
            if fits_hands(pitches, hands=hands):
                continue
            impossible = not fits_hands(pitches, hands=hands, span=_IMPOSSIBLE_STRETCH)
            bar = _bar_of(reading, tick)
            if bar not in worst or (impossible and not worst[bar][0]):
                worst[bar] = (impossible, tick, pitches)
        for bar, (impossible, tick, pitches) in worst.items():
            words = "one hand" if hands == 1 else "two hands"
            names = ", ".join(pitch_name(pitch, reading.keys[bar]) for pitch in pitches)
            message = f"{part.name}: {names} are out of reach of {words} in bar {bar + 1}"
            severity: Severity = "warning" if impossible else "note"
            yield Finding(
                "hand stretch", severity, message, part.index, bar, tick, int(pitches[-1])
            )


def _bar_of(reading: Reading, tick: int) -> int:
    return int(reading.score.bar_index_at(tick))


@lru_cache(maxsize=4096)
def has_fingering(
    pitches: tuple[int, ...],
    strings: tuple[int, ...] = _GUITAR_STRINGS,
    *,
    span: int = _FRET_SPAN,
    reach: int = _FRETS,
    adjacent: bool = False,
) -> bool:
    """Whether each note finds a string of its own within one position of the hand.

    Parameters
    ----------
    pitches : tuple of int
        MIDI pitches, rising.
    strings : tuple of int
        Open strings, rising.
    span : int
        Semitones between the lowest and the highest stopped place; open strings are free.
    reach : int
        Highest place on a string in semitones.
    adjacent : bool
        Whether the strings must lie side by side, as under a bow.

    Examples
    --------
    >>> has_fingering((40, 47, 52, 56, 59, 64))  # E major
    True
    >>> has_fingering((52, 53, 54, 55))
    False
    """

    def place(index: int, string: int, stopped: tuple[int, ...]) -> bool:
        if index == len(pitches):
            return True
        last = min(string + 1, len(strings)) if adjacent and index else len(strings)
        for number in range(string, last):
            at = pitches[index] - strings[number]
            if not 0 <= at <= reach:
                continue
            now = (*stopped, at) if at else stopped
            if now and max(now) - min(now) > span:
                continue
            if place(index + 1, number + 1, now):
                return True
        return False

    # Rising pitches need not lie on rising strings, but chords that need it otherwise are rare.
    return len(pitches) <= len(strings) and place(0, 0, ())


def check_guitar_voicings(reading: Reading) -> Iterator[Finding]:
    """Yield guitar chords without a fingering, in standard or dropped-D tuning."""
    for part in reading.pitched:
        if part.part.program not in _GUITAR_PROGRAMS or part.pitch.min() < _DROPPED_STRINGS[0]:
            continue  # tuned otherwise: its chords cannot be judged
        tunings = [_GUITAR_STRINGS] if part.pitch.min() >= 40 else [_DROPPED_STRINGS]
        seen: set[int] = set()
        for tick, pitches in _chords(part):
            bar = _bar_of(reading, tick)
            if bar in seen or any(has_fingering(pitches, strings) for strings in tunings):
                continue
            seen.add(bar)
            names = ", ".join(pitch_name(pitch, reading.keys[bar]) for pitch in pitches)
            message = f"{part.name}: no fingering for {names} in bar {bar + 1}"
            hopeless = len(pitches) > 6 or not any(
                has_fingering(pitches, strings, span=_FRET_SPAN + 2) for strings in tunings
            )
            severity: Severity = "warning" if hopeless else "note"
            yield Finding(
                "guitar voicing", severity, message, part.index, bar, tick, int(pitches[-1])
            )


def _is_section(part: PartReading) -> bool:
    """Whether a stave is shared: "Trumpets", "Violins", "Corni"."""
    name = part.name.lower().rstrip(".: ")
    return name != part.instrument.name.lower() and name.endswith(("s", "i"))


def check_unplayable_chords(reading: Reading) -> Iterator[Finding]:
    """Yield chords on instruments with one voice, and stops that no bow can sweep."""
    for part in reading.pitched:
        family, name = part.instrument.family, part.instrument.name
        one_voice = family in _ONE_VOICE_FAMILIES or name in _ONE_VOICE_NAMES
        strings = _BOWED_STRINGS.get(name)
        if _is_section(part) or not (one_voice or strings):
            continue
        chords = list(_chords(part))
        num_onsets = len(part.top_line)
        if reading.plan is None and len(chords) > max(_SHARED_STAVE * num_onsets, 1):
            continue
        wrong: dict[int, list[tuple[int, tuple[int, ...]]]] = {}
        for tick, pitches in chords:
            if strings and has_fingering(
                pitches, strings, span=_BOWED_SPAN, reach=_BOWED_REACH, adjacent=True
            ):
                continue
            wrong.setdefault(_bar_of(reading, tick), []).append((tick, pitches))
        for bar, found in wrong.items():
            tick, pitches = found[0]
            names = ", ".join(pitch_name(pitch, reading.keys[bar]) for pitch in pitches)
            message = f"{part.name}: {names} cannot be played together in bar {bar + 1}"
            yield Finding(
                "unplayable chord", "warning", message, part.index, bar, tick, int(pitches[-1])
            )


def check_fast_leaps(reading: Reading) -> Iterator[Finding]:
    """Yield runs of wide leaps that follow each other too fast for the instrument."""
    for part in reading.pitched:
        if part.instrument.family.startswith("synth"):
            continue
        is_voice = part.part.program in (52, 53)
        limits = _FAST_LEAPS.get(part.instrument.family, _FAST_LEAPS_ELSE)
        leap, sec, number = _VOICE_LEAPS if is_voice else limits
        lines = [part.top_line] if part.is_monophonic else [part.top_line, part.bottom_line]
        for line in lines:
            for start, count in _leap_runs(reading, line, leap, sec, number):
                pitches = tuple(np.unique(line.pitch[start : start + count + 1]).tolist())
                if part.part.program in _KEYBOARD_PROGRAMS and _two_places(pitches):
                    continue  # two hands take turns
                bar = int(line.bar[start])
                message = f"{part.name}: {count} fast leaps in a row from bar {bar + 1}"
                severity: Severity = "warning" if count >= 2 * number else "note"
                place = {"tick": int(line.onset[start]), "pitch": int(line.pitch[start])}
                yield Finding("fast leaps", severity, message, part.index, bar, **place)


def _two_places(pitches: tuple[int, ...]) -> bool:
    """Whether two hands reach all of the pitches without moving."""
    return any(
        pitches[cut - 1] - pitches[0] <= _STRETCH and pitches[-1] - pitches[cut] <= _STRETCH
        for cut in range(1, len(pitches))
    )


def _leap_runs(
    reading: Reading, line: Line, leap: int, sec: float, number: int
) -> list[tuple[int, int]]:
    """Return index of the first note and number of leaps of each run."""
    if len(line) <= number:
        return []
    seconds = np.diff(np.asarray(reading.score.tempo_map.tick_to_sec(line.onset)))
    fast: NDArray[np.bool_] = (np.abs(np.diff(line.pitch)) >= leap) & (seconds < sec)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], fast, [False]]).astype(np.int8)))
    return [(int(a), int(b - a)) for a, b in edges.reshape(-1, 2) if b - a >= number]
