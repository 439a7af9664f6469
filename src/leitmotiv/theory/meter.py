"""Meter: how a bar is counted and where its weight lies.

Purpose: one immutable value for a time signature and its grouping.

Conventions:

- Time is integer ticks, 480 per quarter (:data:`TICKS_PER_QUARTER`).
- A *unit* is the note value of the denominator; a *beat* is felt: three units in compound meters
  (6/8, 9/8, 12/8, 6/4 ...), one unit otherwise.
- Accents follow the metrical grid of Lerdahl and Jackendoff: 1 on the downbeat, 0.75 on the
  start of a group inside the bar, 0.5 on beats, then halved at each subdivision.

Public names: :class:`Meter`, :data:`TICKS_PER_QUARTER`.

References
----------
F. Lerdahl and R. Jackendoff, *A Generative Theory of Tonal Music*, MIT Press 1983, chapter 4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from leitmotiv.errors import TheoryError

__all__ = ["TICKS_PER_QUARTER", "Meter"]

TICKS_PER_QUARTER = 480
"""Ticks in a quarter note, everywhere in Leitmotiv."""

_DENOMINATORS = (1, 2, 4, 8, 16, 32, 64)
_MAX_NUMERATOR = 64
_METER_TEXT = re.compile(r"\s*(\d+(?:\s*\+\s*\d+)*)\s*/\s*(\d+)\s*")

# Groupings that music for these meters usually means; a brief can say otherwise ("3+2+2/8").
_USUAL_GROUPS: dict[int, tuple[int, ...]] = {
    5: (3, 2),
    7: (2, 2, 3),
    8: (3, 3, 2),
    10: (3, 3, 2, 2),
    11: (3, 3, 3, 2),
    13: (3, 3, 3, 2, 2),
}


@dataclass(frozen=True, order=True)
class Meter:
    """A time signature and its grouping.

    ``groups`` holds the length of each group in units where it differs from the usual one
    (``(3, 2, 2)`` for 3+2+2/8); empty means usual.

    Raises
    ------
    TheoryError
        If the numerator is not 1-64, the denominator not a power of two up to 64, or the groups
        do not add up to the numerator.

    Examples
    --------
    >>> Meter.parse("6/8").num_beats, Meter.parse("6/8").beat_ticks
    (2, 720)
    >>> [Meter(4, 4).accent(tick) for tick in (0, 480, 960, 240)]
    [1.0, 0.5, 0.75, 0.25]
    >>> Meter(7, 8).beat_groups
    (2, 2, 3)
    """

    numerator: int
    denominator: int
    groups: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if not 1 <= self.numerator <= _MAX_NUMERATOR:
            raise TheoryError(f"numerator={self.numerator} of a meter must be 1-{_MAX_NUMERATOR}")
        if self.denominator not in _DENOMINATORS:
            options = ", ".join(map(str, _DENOMINATORS))
            raise TheoryError(f"denominator={self.denominator} of a meter must be one of {options}")
        if self.groups:
            if sum(self.groups) != self.numerator or min(self.groups) < 1:
                raise TheoryError(
                    f"groups={self.groups} of a meter must be positive and add up to "
                    f"{self.numerator}"
                )
            if tuple(self.groups) == _usual_groups(self.numerator, self.denominator):
                object.__setattr__(self, "groups", ())

    @classmethod
    def parse(cls, text: str) -> Meter:
        """Read ``"3/4"``, ``"6/8"`` or ``"3+2+2/8"``; ``C`` and ``common time`` mean 4/4."""
        named = {"c": "4/4", "common time": "4/4", "common": "4/4", "cut time": "2/2"}
        match = _METER_TEXT.fullmatch(named.get(text.strip().lower(), text))
        if match is None:
            raise TheoryError(f"meter={text!r} must look like 4/4, 6/8 or 3+2+2/8")
        units = tuple(int(unit) for unit in match[1].split("+"))
        return cls(sum(units), int(match[2]), units if len(units) > 1 else ())

    def __str__(self) -> str:
        top = "+".join(map(str, self.groups)) if self.groups else str(self.numerator)
        return f"{top}/{self.denominator}"

    @property
    def unit_ticks(self) -> int:
        """Ticks in one unit, the note value of the denominator."""
        return 4 * TICKS_PER_QUARTER // self.denominator

    @property
    def bar_ticks(self) -> int:
        """Ticks in a bar."""
        return self.numerator * self.unit_ticks

    @property
    def is_compound(self) -> bool:
        """Whether each felt beat divides into three units (6/8, 9/8, 12/8, 6/4 ...)."""
        return (
            not self.groups
            and self.numerator % 3 == 0
            and self.numerator > 3
            and self.denominator >= 4
        )

    @property
    def is_odd(self) -> bool:
        """Whether groups of unequal length follow each other in a bar (5/8, 7/8, 3+3+2/8)."""
        return len(set(self.beat_groups)) > 1

    @property
    def beat_ticks(self) -> int:
        """Ticks in a felt beat: a dotted value in compound meters, one unit otherwise."""
        return self.unit_ticks * (3 if self.is_compound else 1)

    @property
    def num_beats(self) -> int:
        """Felt beats in a bar; in odd meters every unit counts as one."""
        return self.bar_ticks // self.beat_ticks

    @property
    def beat_groups(self) -> tuple[int, ...]:
        """Length of each group in units: (2, 2) in 4/4, (3, 3) in 6/8, (2, 2, 3) in 7/8."""
        return self.groups or _usual_groups(self.numerator, self.denominator)

    @property
    def half_bar_ticks(self) -> int:
        """Where the bar's second chord may start, in ticks: the group start nearest the middle.

        Half a bar in 4/4 and 6/8, the third beat in 3/4, after 3+ in 5/8 and 2+2 in 7/8.
        """
        if self.numerator == 1:
            return self.bar_ticks // 2
        groups = self.beat_groups
        if len(groups) == 1:
            return self.unit_ticks * (self.numerator // 2 + self.numerator % 2)
        starts, position = [], 0
        for group in groups[:-1]:
            position += group
            starts.append(position)
        # On a tie the later start wins: 9/8 and 3/4 change chord on the last third.
        best = min(starts, key=lambda start: (abs(2 * start - self.numerator), -start))
        return best * self.unit_ticks

    @cached_property
    def _strong_ticks(self) -> dict[int, float]:
        """Accent of every tick at or above the beat level."""
        unit = self.unit_ticks
        accents: dict[int, float] = {}
        # Units of 7/8 or 5/8 are too short to be beats: there the group starts are.
        groups_are_beats = self.is_compound or (self.is_odd and self.denominator >= 8)
        if not groups_are_beats:
            for index in range(self.numerator):
                accents[index * unit] = 0.5
        position = 0
        for index, group in enumerate(self.beat_groups):
            is_half = 2 * position == self.numerator and self.numerator > 6
            level = 0.75 if is_half or not groups_are_beats or index == 0 else 0.5
            accents[position * unit] = level
            position += group
        accents[0] = 1.0
        return accents

    def accent(self, tick_in_bar: int) -> float:
        """Return the metrical weight of a tick inside the bar, 0-1; 1 is the downbeat.

        Ticks past the bar line wrap round.
        """
        tick = tick_in_bar % self.bar_ticks
        strong = self._strong_ticks.get(tick)
        if strong is not None:
            return strong
        step = self.unit_ticks
        level = 0.25
        if self._strong_ticks.get(step) is not None:  # units are beats: go one level down
            step //= 2
        while step >= 1 and level > 0.03:
            if tick % step == 0:
                return level
            if step % 2:
                break
            step //= 2
            level /= 2
        return 0.0


def _usual_groups(numerator: int, denominator: int) -> tuple[int, ...]:
    if numerator <= 3:
        return (numerator,)
    if numerator % 3 == 0 and denominator >= 4:
        return (3,) * (numerator // 3)
    if numerator in _USUAL_GROUPS and not (numerator == 8 and denominator <= 4):
        if numerator == 7 and denominator <= 4:
            return (4, 3)
        return _USUAL_GROUPS[numerator]
    if numerator % 2 == 0:
        return (2,) * (numerator // 2)
    return (2,) * ((numerator - 3) // 2) + (3,)
