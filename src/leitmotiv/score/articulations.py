"""Articulations: how notes are to be played, said by a controller or by key switches.

Purpose: one vocabulary for what the performance stage chooses, what a MIDI file asks for and what
the instruments play.

Conventions:

- An articulation holds from where it is set until the next one. It is set by controller
  :data:`ARTICULATION` (110, undefined in MIDI 1.0) with an :class:`Articulation` as its value, or
  by a note on one of the six lowest keys, which is not heard: the key is the value, so C-1 is
  ordinary and F-1 is swell. No instrument reaches down there.
- Drum parts have none: their lowest keys may be sounds.

Public names: :class:`Articulation`, :data:`ARTICULATION`, :data:`KEY_SWITCHES`,
:func:`articulation_of_notes`, :func:`has_articulations`, :func:`with_articulations_of`,
:func:`without_key_switches`.
"""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from leitmotiv.score.score import CONTROL_DTYPE, Part, Score

__all__ = [
    "ARTICULATION",
    "KEY_SWITCHES",
    "Articulation",
    "articulation_of_notes",
    "has_articulations",
    "with_articulations_of",
    "without_key_switches",
]

ARTICULATION = 110
"""Controller number that sets the articulation."""


class Articulation(IntEnum):
    """How a note is played; the value is that of the controller and of the key switch."""

    ORDINARY = 0
    LEGATO = 1
    STACCATO = 2
    PIZZICATO = 3
    TREMOLO = 4
    SWELL = 5


KEY_SWITCHES: dict[int, Articulation] = {int(a): a for a in Articulation}
"""MIDI key to the articulation that it sets."""


def has_articulations(part: Part) -> bool:
    """Tell whether a part sets any articulation."""
    if part.is_drum:
        return False
    if np.any(part.controls["controller"] == ARTICULATION):
        return True
    return bool(len(part.notes)) and int(part.notes["pitch"].min()) < len(KEY_SWITCHES)


def without_key_switches(part: Part) -> Part:
    """Return the part with its key switches turned into controllers; drum parts stay.

    Examples
    --------
    >>> from leitmotiv.score import make_notes
    >>> part = Part("viola", 41, notes=make_notes([0, 0], [9, 480], [3, 60]))
    >>> switched = without_key_switches(part)
    >>> switched.notes["pitch"].tolist(), switched.controls.tolist()
    ([60], [(0, 110, 3)])
    """
    if part.is_drum:
        return part
    is_switch = part.notes["pitch"] < len(KEY_SWITCHES)
    if not is_switch.any():
        return part
    switches = part.notes[is_switch]
    rows = np.zeros(len(switches), dtype=CONTROL_DTYPE)
    rows["tick"], rows["controller"], rows["value"] = (
        switches["onset"],
        ARTICULATION,
        switches["pitch"],
    )
    return replace(
        part, notes=part.notes[~is_switch], controls=np.concatenate([part.controls, rows])
    )


def articulation_of_notes(part: Part) -> NDArray[np.int64]:
    """Return the articulation in force at the onset of each note, shape (notes,).

    Key switches must have been turned into controllers. An unknown value counts as ordinary.
    """
    rows = part.controls[part.controls["controller"] == ARTICULATION]
    found = np.zeros(len(part.notes), dtype=np.int64)
    if len(rows):
        index = np.searchsorted(rows["tick"], part.notes["onset"], side="right") - 1
        found = np.where(index >= 0, rows["value"][np.maximum(index, 0)], 0).astype(np.int64)
        found[found >= len(Articulation)] = Articulation.ORDINARY
    return found


def with_articulations_of(score: Score, performance: Score) -> Score:
    """Return a written score with the articulations that its performance chose, part by part."""
    parts = []
    for part, played in zip(score.parts, performance.parts, strict=True):
        rows = played.controls[played.controls["controller"] == ARTICULATION]
        kept = part.controls[part.controls["controller"] != ARTICULATION]
        controls = np.concatenate([kept, rows])
        order = np.argsort(controls["tick"], kind="stable")
        parts.append(replace(part, controls=controls[order]))
    return score.with_parts(parts)
