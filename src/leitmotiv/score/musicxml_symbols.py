"""Tables that the MusicXML writer and reader share: chord kinds, dynamics, drum staff places.

Conventions: chord degrees follow Harte (counted in the major scale of the root); MusicXML counts
an added seventh from the minor one.

Public names: :data:`CHORD_KINDS`, :data:`DRUM_PLACES`, :data:`DYNAMIC_VELOCITIES`,
:func:`dynamic_for`, :func:`drum_place`.

References: *MusicXML 4.0*, W3C Community Group report, 2021, elements kind, degree, dynamics.
"""

from __future__ import annotations

__all__ = [
    "CHORD_KINDS",
    "DRUM_PLACES",
    "DYNAMIC_VELOCITIES",
    "drum_place",
    "dynamic_for",
]

CHORD_KINDS: dict[str, str] = {
    "maj": "major",
    "min": "minor",
    "dim": "diminished",
    "aug": "augmented",
    "sus2": "suspended-second",
    "sus4": "suspended-fourth",
    "5": "power",
    "maj7": "major-seventh",
    "min7": "minor-seventh",
    "7": "dominant",
    "dim7": "diminished-seventh",
    "hdim7": "half-diminished",
    "minmaj7": "major-minor",
    "aug7": "augmented-seventh",
    "maj6": "major-sixth",
    "min6": "minor-sixth",
    "9": "dominant-ninth",
    "maj9": "major-ninth",
    "min9": "minor-ninth",
    "11": "dominant-11th",
    "maj11": "major-11th",
    "min11": "minor-11th",
    "13": "dominant-13th",
    "maj13": "major-13th",
    "min13": "minor-13th",
}
"""Harte shorthand → MusicXML kind."""

DYNAMIC_VELOCITIES: dict[str, int] = {
    "pppp": 10,
    "ppp": 20,
    "pp": 33,
    "p": 49,
    "mp": 64,
    "mf": 80,
    "f": 96,
    "ff": 112,
    "fff": 122,
    "ffff": 127,
}
"""Velocity that stands for each dynamic mark, as notation programs play them."""

_WRITTEN_DYNAMICS = ("ppp", "pp", "p", "mp", "mf", "f", "ff", "fff")


def dynamic_for(velocity: float) -> str:
    """Return the mark nearest to a velocity.

    >>> dynamic_for(80), dynamic_for(1)
    ('mf', 'ppp')
    """
    return min(_WRITTEN_DYNAMICS, key=lambda name: abs(DYNAMIC_VELOCITIES[name] - velocity))


# General MIDI drum key: (step, octave on a treble staff, note head, voice: 0 hands, 1 feet)
DRUM_PLACES: dict[int, tuple[str, int, str, int]] = {
    35: ("F", 4, "normal", 1),
    36: ("F", 4, "normal", 1),
    37: ("C", 5, "x", 0),
    38: ("C", 5, "normal", 0),
    39: ("C", 5, "slash", 0),
    40: ("C", 5, "normal", 0),
    41: ("G", 4, "normal", 0),
    42: ("G", 5, "x", 0),
    43: ("A", 4, "normal", 0),
    44: ("D", 4, "x", 1),
    45: ("B", 4, "normal", 0),
    46: ("G", 5, "circle-x", 0),
    47: ("D", 5, "normal", 0),
    48: ("D", 5, "normal", 0),
    49: ("A", 5, "x", 0),
    50: ("E", 5, "normal", 0),
    51: ("F", 5, "x", 0),
    52: ("A", 5, "diamond", 0),
    53: ("F", 5, "diamond", 0),
    54: ("B", 5, "triangle", 0),
    55: ("B", 5, "x", 0),
    56: ("E", 5, "triangle", 0),
    57: ("A", 5, "x", 0),
    59: ("F", 5, "x", 0),
}
"""Places after N. Weinberg, *Guide to Standardized Drumset Notation*, PAS 1998."""


def drum_place(pitch: int) -> tuple[str, int, str, int]:
    """Return staff step, octave, note head and voice of a drum key."""
    if pitch in DRUM_PLACES:
        return DRUM_PLACES[pitch]
    return ("E", 5, "x", 0) if pitch >= 60 else ("G", 4, "x", 0)
