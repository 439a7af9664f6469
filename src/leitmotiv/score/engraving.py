"""Engraving: clefs, spellings and accidentals.

Purpose: the decisions about single note heads and staves that a notation program expects to be
made: which clef keeps the notes on the staff, which name a pitch has, which sign stands before it.

Conventions: concert pitch throughout. A clef is a name of
:mod:`leitmotiv.score.general_midi` (``treble``, ``alto``, ``tenor``, ``bass``, ``treble-8`` ...).

Public names: :class:`Accidentals`, :class:`Speller`, :func:`choose_clefs`,
:func:`signature_alters`, :data:`CLEF_SIGNS`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from leitmotiv.score.analysis_key import estimate_key
from leitmotiv.score.score import KeyChange, Score
from leitmotiv.theory import Key, Spelling, spell

__all__ = ["CLEF_SIGNS", "Accidentals", "Speller", "choose_clefs", "signature_alters"]

# name: (MusicXML sign, line, octave change)
CLEF_SIGNS: dict[str, tuple[str, int, int]] = {
    "treble": ("G", 2, 0),
    "treble-8": ("G", 2, -1),
    "treble+8": ("G", 2, 1),
    "alto": ("C", 3, 0),
    "tenor": ("C", 4, 0),
    "bass": ("F", 4, 0),
    "bass-8": ("F", 4, -1),
    "percussion": ("percussion", 2, 0),
}
_STAFF_RANGE = {  # sounding pitches of the lowest and highest line
    "treble": (64, 77),
    "treble-8": (52, 65),
    "treble+8": (76, 89),
    "alto": (53, 67),
    "tenor": (50, 64),
    "bass": (43, 57),
    "bass-8": (31, 45),
}
# Clefs a player of each usual clef also reads.
_OTHER_CLEFS = {
    "treble": ("bass",),
    "alto": ("treble",),
    "bass": ("tenor", "treble"),
    "tenor": ("bass", "treble"),
}
_SEMITONES_PER_LEDGER = 3.5
_SWITCH_PRICE = 12.0
_OTHER_CLEF_PRICE = 0.6  # a note


def _ledger_lines(pitch: int, clef: str) -> float:
    low, high = _STAFF_RANGE[clef]
    lines = max(pitch - high, low - pitch, 0) / _SEMITONES_PER_LEDGER
    return float(max(lines - 1.5, 0.0) ** 1.5)


def choose_clefs(bars: Sequence[Sequence[int]], usual: str) -> list[str]:
    """Choose a clef for each bar with few ledger lines and few changes.

    Parameters
    ----------
    bars : sequence of sequence of int
        Sounding pitches in each bar.
    usual : str
        Clef that the instrument usually reads.

    Returns
    -------
    list of str
        One clef name a bar.

    Examples
    --------
    >>> choose_clefs([[40, 45]] * 4, "bass") == ["bass"] * 4
    True
    >>> choose_clefs([[40]] * 4 + [[76, 79, 81, 77]] * 8, "bass")[-1]
    'treble'
    """
    clefs = (usual, *_OTHER_CLEFS.get(usual, ()))
    if not bars or len(clefs) == 1:
        return [usual] * len(bars)
    totals = [0.0 if clef == usual else 1.0 for clef in clefs]
    choices: list[list[int]] = []
    for pitches in bars:
        came_from = []
        new_totals = []
        for index, clef in enumerate(clefs):
            price = sum(_ledger_lines(pitch, clef) for pitch in pitches)
            price += _OTHER_CLEF_PRICE * len(pitches) * (clef != usual)
            best = min(
                range(len(clefs)),
                key=lambda other: totals[other] + _SWITCH_PRICE * (other != index),
            )
            came_from.append(best)
            new_totals.append(totals[best] + _SWITCH_PRICE * (best != index) + price)
        choices.append(came_from)
        totals = new_totals
    index = totals.index(min(totals))
    result = []
    for came_from in reversed(choices):
        result.append(clefs[index])
        index = came_from[index]
    result.reverse()
    # A clef does not change in silence, but where the notes that need it begin.
    for number in range(len(bars) - 1, 0, -1):
        if not bars[number - 1] and number >= 2:
            result[number - 1] = result[number]
    for number in range(1, len(bars)):
        if not bars[number]:
            result[number] = result[number - 1]
    return result


class Speller:
    """Names pitches by the key and chord in force.

    Where the Score names no key, the estimated one is used.
    """

    def __init__(self, score: Score) -> None:
        keys = score.keys
        if not keys or keys[0].tick > 0:
            keys = (KeyChange(0, estimate_key(score)), *keys)
        self.keys = keys
        self._key_ticks = [change.tick for change in keys]
        self._chords = score.chords
        self._chord_ticks = [change.tick for change in score.chords]

    def key_at(self, tick: int) -> Key:
        """Return the key that governs a tick."""
        return self.keys[max(bisect_right(self._key_ticks, tick) - 1, 0)].key

    def spell(self, pitch: int, tick: int) -> tuple[Spelling, int]:
        """Return name and octave of a pitch that starts at a tick."""
        index = bisect_right(self._chord_ticks, tick) - 1
        chord = self._chords[index].chord if index >= 0 else None
        return spell(pitch, self.key_at(tick), chord)


class Accidentals:
    """Which accidentals must be printed in one staff.

    An accidental holds until the bar line, in its octave; a note tied over the bar line needs
    none.
    """

    def __init__(self) -> None:
        self._signature: dict[str, int] = {}
        self._state: dict[tuple[str, int], int] = {}

    def start_bar(self, key: Key) -> None:
        """Forget the last bar and take the key signature."""
        self._signature = signature_alters(key.fifths)
        self._state = {}

    def sign(self, spelling: Spelling, octave: int, *, is_tied: bool) -> str | None:
        """Return the MusicXML accidental to print, or None."""
        place = (spelling.step, octave)
        if is_tied:
            return None
        current = self._state.get(place, self._signature.get(spelling.step, 0))
        self._state[place] = spelling.alter
        return None if current == spelling.alter else _SIGN_NAMES[spelling.alter]


_SIGN_NAMES = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}


def signature_alters(fifths: int) -> dict[str, int]:
    """Return the alteration of each step in a key signature.

    >>> signature_alters(-2)
    {'B': -1, 'E': -1}
    """
    if fifths >= 0:
        return dict.fromkeys("FCGDAEB"[:fifths], 1)
    return dict.fromkeys("BEADGCF"[:-fifths], -1)
