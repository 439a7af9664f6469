"""Interval: the distance between two named notes.

Purpose: transpose names without losing their spelling.

Conventions: ``number`` counts letters and is negative for a descending interval (``-M2`` is a
major second down); ``quality`` is P, M, m, A, d, AA or dd. An ascending major interval moves up
the line of fifths by the fifths of its upper note in C major.

Public names: :class:`Interval`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from leitmotiv.errors import TheoryError
from leitmotiv.theory.pitch import Spelling

__all__ = ["Interval"]

_SEMITONES = (0, 2, 4, 5, 7, 9, 11)  # perfect or major, by letters moved
_FIFTHS = (0, 2, 4, -1, 1, 3, 5)
_PERFECT = (0, 3, 4)
_STEPS = "CDEFGAB"
_PERFECT_SHIFT = {"dd": -2, "d": -1, "P": 0, "A": 1, "AA": 2}
_MAJOR_SHIFT = {"dd": -3, "d": -2, "m": -1, "M": 0, "A": 1, "AA": 2}
_INTERVAL_TEXT = re.compile(r"(-?)(AA|dd|[PMmAd])(\d+)")


@dataclass(frozen=True, order=True)
class Interval:
    """A named interval.

    Raises
    ------
    TheoryError
        If the number is 0 or the quality does not go with it (a perfect third).

    Examples
    --------
    >>> Interval.parse("m3").semitones, Interval.parse("-M2").semitones
    (3, -2)
    >>> str(Interval.between(Spelling.parse("D"), Spelling.parse("Ab")))
    'd5'
    >>> str(Interval.parse("A4").transpose(Spelling.parse("F")))
    'B'
    """

    number: int
    quality: str

    def __post_init__(self) -> None:
        if self.number == 0:
            raise TheoryError("number=0 of an interval must be 1 (unison) or more, or below -1")
        legal = _PERFECT_SHIFT if self._letters % 7 in _PERFECT else _MAJOR_SHIFT
        if self.quality not in legal:
            raise TheoryError(
                f"quality={self.quality!r} of interval number {self.number} must be one of "
                + ", ".join(legal)
            )

    @classmethod
    def parse(cls, text: str) -> Interval:
        """Read ``m3``, ``P5`` or ``-M2``."""
        match = _INTERVAL_TEXT.fullmatch(text.strip())
        if match is None:
            raise TheoryError(f"interval {text!r} must look like m3, P5, A4 or -M2")
        number = int(match[3])
        return cls(-number if match[1] else number, match[2])

    @classmethod
    def between(cls, lower: Spelling, upper: Spelling) -> Interval:
        """Return the ascending interval, a seventh at most, from one name up to another."""
        letters = (_STEPS.index(upper.step) - _STEPS.index(lower.step)) % 7
        shift, rest = divmod(upper.fifths - lower.fifths - _FIFTHS[letters], 7)
        assert rest == 0
        table = _PERFECT_SHIFT if letters in _PERFECT else _MAJOR_SHIFT
        for quality, value in table.items():
            if value == shift:
                return cls(letters + 1, quality)
        raise TheoryError(f"interval from {lower} to {upper} must be at most doubly altered")

    def __str__(self) -> str:
        return f"{'-' if self.number < 0 else ''}{self.quality}{abs(self.number)}"

    def __neg__(self) -> Interval:
        return Interval(-self.number, self.quality)

    @property
    def _letters(self) -> int:
        return abs(self.number) - 1

    @property
    def _shift(self) -> int:
        table = _PERFECT_SHIFT if self._letters % 7 in _PERFECT else _MAJOR_SHIFT
        return table[self.quality]

    @property
    def semitones(self) -> int:
        """Signed size in semitones."""
        octaves, letters = divmod(self._letters, 7)
        size = 12 * octaves + _SEMITONES[letters] + self._shift
        return size if self.number > 0 else -size

    @property
    def fifths(self) -> int:
        """Signed distance on the line of fifths."""
        distance = _FIFTHS[self._letters % 7] + 7 * self._shift
        return distance if self.number > 0 else -distance

    def transpose(self, spelling: Spelling) -> Spelling:
        """Return the name this interval away.

        Raises
        ------
        TheoryError
            If the result would need more than two sharps or flats.
        """
        return Spelling.from_fifths(spelling.fifths + self.fifths)
