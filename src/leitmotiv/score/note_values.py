"""Note values: how a stretch of time inside a bar is written.

Purpose: cut durations into notes and rests that show the beat, find tuplets, and group beams.

Conventions:

- Positions are ticks from the start of the bar, 480 a quarter.
- The metrical *level* of a position is 0 at the bar line, 1 at the halves or groups, 2 at the
  beats, and rises with each subdivision.
- A note may cover a boundary when one of its ends is at least as strong (both ends in compound
  and odd meters), or when it stands symmetrically around it (the plain syncopation). A rest is
  always one node of the metrical tree.

Public names: :class:`MetricGrid`, :class:`NoteValue`, :class:`Tuplet`, :func:`find_tuplets`,
:func:`note_value`.

References
----------
G. Read, *Music Notation*, 2nd ed., Taplinger 1979, chapters 6 and 11; E. Gould, *Behind Bars*,
Faber 2011, pp. 151-170 (beat groups), 193-222 (tuplets).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from leitmotiv.theory import TICKS_PER_QUARTER, Meter

__all__ = ["SMALLEST", "MetricGrid", "NoteValue", "Tuplet", "find_tuplets", "note_value"]

SMALLEST = TICKS_PER_QUARTER // 16
"""Ticks of the shortest plain note that is written, a 64th."""

TYPE_NAMES = ("64th", "32nd", "16th", "eighth", "quarter", "half", "whole", "breve")
_TYPE_TICKS = {name: SMALLEST << index for index, name in enumerate(TYPE_NAMES)}

_WEAKEST = 99


@dataclass(frozen=True)
class NoteValue:
    """A written value: its type name as in MusicXML and its dots."""

    type_name: str
    dots: int = 0

    @property
    def num_beams(self) -> int:
        """Beams or flags: 1 for an eighth, 0 for a quarter and longer."""
        return max(3 - TYPE_NAMES.index(self.type_name) + 1, 0)


_VALUES: dict[int, NoteValue] = {}
for _name, _ticks in _TYPE_TICKS.items():
    _VALUES[_ticks] = NoteValue(_name)
    if _ticks > SMALLEST:
        _VALUES[_ticks * 3 // 2] = NoteValue(_name, 1)
    if _ticks >= _TYPE_TICKS["quarter"]:
        _VALUES[_ticks * 7 // 4] = NoteValue(_name, 2)


def note_value(ticks: int) -> NoteValue | None:
    """Return the value that lasts so many ticks, or None where no single sign does.

    >>> note_value(720)
    NoteValue(type_name='quarter', dots=1)
    >>> note_value(600) is None
    True
    """
    return _VALUES.get(ticks)


def nearest_note_value(ticks: int) -> NoteValue:
    """Return the value nearest to a number of ticks."""
    return _VALUES[min(_VALUES, key=lambda known: (abs(known - ticks), known))]


@dataclass(frozen=True)
class Tuplet:
    """``actual`` notes in the time of ``normal`` from ``start`` on, for ``length`` ticks."""

    start: int
    length: int
    actual: int
    normal: int

    @property
    def end(self) -> int:
        """Position at which the tuplet ends."""
        return self.start + self.length

    def position(self, index: int) -> int:
        """Return where unit ``index`` starts; exact where the division is, rounded otherwise."""
        return self.start + (2 * self.length * index + self.actual) // (2 * self.actual)

    def index_of(self, position: int) -> int:
        """Return the unit that starts nearest to a position."""
        offset = position - self.start
        return (2 * offset * self.actual + self.length) // (2 * self.length)

    def error(self, positions: Iterable[int]) -> int:
        """Return the largest distance of a position from the units, in ticks."""
        return max((abs(p - self.position(self.index_of(p))) for p in positions), default=0)

    def written_ticks(self, num_units: int) -> int:
        """Return the ticks that so many units would last without the tuplet."""
        return num_units * self.length // self.normal

    @property
    def unit_value(self) -> NoteValue:
        """The value of one unit."""
        return nearest_note_value(self.length // self.normal)

    def pieces(self, start: int, end: int) -> list[tuple[int, int, NoteValue]]:
        """Cut a stretch inside the tuplet into ``(start, end, value)``."""
        first, last = self.index_of(start), self.index_of(end)
        result = []
        while first < last:
            count = last - first
            while count > 1 and note_value(self.written_ticks(count)) is None:
                count -= 1
            value = note_value(self.written_ticks(count)) or self.unit_value
            result.append((self.position(first), self.position(first + count), value))
            first += count
        return result


class MetricGrid:
    """The metrical tree of one bar.

    Parameters
    ----------
    meter : Meter
        Meter in force.
    length : int
        Ticks of this bar; shorter than the meter's for a bar cut short.
    is_upbeat : bool
        Whether a short bar holds the end of the pattern, as an upbeat does, not its start.
    """

    def __init__(self, meter: Meter, length: int, *, is_upbeat: bool = False) -> None:
        self.meter, self.length = meter, length
        self._shift = meter.bar_ticks - length if is_upbeat and length < meter.bar_ticks else 0
        self.is_strict = meter.is_compound or meter.is_odd
        self._levels: dict[int, int] = {}
        self.nodes: list[tuple[int, int, int]] = []  # (start, length, level), parents first
        self._grow(0, _tree(meter), 0)
        self._levels[0] = self._levels[length] = 0
        group_ticks = meter.beat_groups[0] * meter.unit_ticks
        self._beat_level = min((lv for _, size, lv in self.nodes if size == group_ticks), default=1)
        self.positions = frozenset(self._levels)  # everything a plain note value can begin on
        self._cuts: dict[tuple[int, int], list[tuple[int, int]]] = {}

    @classmethod
    @lru_cache(maxsize=512)
    def of(cls, meter: Meter, length: int, is_upbeat: bool = False) -> MetricGrid:
        """Return a shared grid."""
        return cls(meter, length, is_upbeat=is_upbeat)

    def _grow(self, start: int, node: _Node, level: int) -> None:
        first = start - self._shift
        if first + node.length <= 0 or first >= self.length:
            return
        for position in (first, first + node.length):
            if 0 <= position <= self.length:
                self._levels.setdefault(position, level)
        if first >= 0 and first + node.length <= self.length:
            self.nodes.append((first, node.length, level))
        for child in node.children:
            self._grow(start, child, level + 1)
            start += child.length

    def level(self, position: int) -> int:
        """Return the metrical level of a position, 0 strongest."""
        return self._levels.get(position, _WEAKEST)

    def may_write(self, start: int, end: int) -> bool:
        """Whether one note from ``start`` to ``end`` shows the beat well enough."""
        value = note_value(end - start)
        if value is None:
            return False
        if start == 0 and end == self.length:
            return True
        inner = self._strongest(start, end)
        if inner is None:
            return True
        boundary, level, is_only = inner
        at_start, at_end = self.level(start), self.level(end)
        if value.dots == 2 and at_start > 2:
            return False
        if self.is_strict:
            beat_level = self._beat_level
            if level <= beat_level:
                strong = at_start <= max(level, 1) and at_end <= max(level, 1)
                return strong or (
                    at_start <= beat_level
                    and at_end <= beat_level
                    and is_only
                    and 2 * boundary == start + end
                )
        elif min(at_start, at_end) <= level:
            return True
        if min(at_start, at_end) <= level:
            return True
        is_syncopation = is_only and 2 * boundary == start + end and value.dots == 0
        return is_syncopation and at_start == at_end == level + 1

    def _strongest(self, start: int, end: int) -> tuple[int, int, bool] | None:
        """Return (position, level, whether it is the only one so strong) inside a stretch."""
        inner = [(level, p) for p, level in self._levels.items() if start < p < end]
        if not inner:
            return None
        level = min(inner)[0]
        strong = [p for other, p in inner if other == level]
        middle = (start + end) / 2
        return min(strong, key=lambda p: abs(p - middle)), level, len(strong) == 1

    def split_note(self, start: int, end: int) -> list[tuple[int, int]]:
        """Cut a note into stretches that are tied together.

        >>> MetricGrid(Meter(4, 4), 1920).split_note(240, 1200)
        [(240, 960), (960, 1200)]
        """
        known = self._cuts.get((start, end))
        if known is None:
            known = self._cuts[start, end] = self._split_note(start, end)
        return known

    def _split_note(self, start: int, end: int) -> list[tuple[int, int]]:
        if self.may_write(start, end):
            return [(start, end)]
        inner = [(level, p) for p, level in self._levels.items() if start < p < end]
        if not inner:
            return [(start, end)]
        level = min(inner)[0]
        boundaries = sorted(p for other, p in inner if other == level)
        fitting = [p for p in boundaries if self.may_write(start, p)]
        cut = fitting[-1] if fitting else boundaries[0]
        return [*self.split_note(start, cut), *self.split_note(cut, end)]

    def split_rest(self, start: int, end: int) -> list[tuple[int, int]]:
        """Cut a rest into nodes of the metrical tree.

        >>> MetricGrid(Meter(3, 4), 1440).split_rest(480, 1440)
        [(480, 960), (960, 1440)]
        """
        pieces = []
        position = start
        while position < end:
            fitting = [
                length
                for first, length, _ in self.nodes
                if first == position and first + length <= end and note_value(length)
            ]
            stop = position + max(fitting) if fitting else self._next_boundary(position, end)
            pieces.append((position, stop))
            position = stop
        return pieces

    def _next_boundary(self, position: int, end: int) -> int:
        later = [p for p in self._levels if position < p < end]
        return min(later, default=end)

    def beam_groups(self) -> list[tuple[int, int]]:
        """Return stretches inside which notes are beamed: beats, or groups in odd meters."""
        unit, groups = self.meter.unit_ticks, self.meter.beat_groups
        if self.meter.denominator >= 8:
            lengths = [group * unit for group in groups]
        else:
            step = TICKS_PER_QUARTER
            lengths = [step] * -(-self.meter.bar_ticks // step)
        result, start = [], -self._shift
        for length in lengths:
            if start + length > 0 and start < self.length:
                result.append((max(start, 0), min(start + length, self.length)))
            start += length
        return result


@dataclass(frozen=True)
class _Node:
    length: int
    children: tuple[_Node, ...] = ()


def _binary(length: int) -> _Node:
    if length % 2 or length // 2 < SMALLEST:
        return _Node(length)
    return _Node(length, (_binary(length // 2),) * 2)


@lru_cache(maxsize=256)
def _tree(meter: Meter) -> _Node:
    unit = meter.unit_ticks
    if meter.numerator == 1:
        return _binary(unit)
    groups = meter.beat_groups
    nodes = [_Node(size * unit, tuple(_binary(unit) for _ in range(size))) for size in groups]
    if len(nodes) == 1:
        return nodes[0]
    if len(nodes) == 4 and len(set(groups)) == 1:
        halves = tuple(_Node(2 * nodes[0].length, tuple(nodes[i : i + 2])) for i in (0, 2))
        return _Node(meter.bar_ticks, halves)
    return _Node(meter.bar_ticks, tuple(nodes))


# Divisions that are tried, in order: (actual, normal, window lengths in ticks).
_WHOLE_WINDOW = ((3, 2),)
_FINE = ((6, 4), (5, 4), (7, 4), (12, 8), (10, 8), (9, 8))


def find_tuplets(
    grid: MetricGrid, notes: Sequence[tuple[int, int]], *, tolerance: int = 0
) -> list[Tuplet]:
    """Find the tuplets that a voice needs in one bar.

    Parameters
    ----------
    grid : MetricGrid
        The bar.
    notes : sequence of (start, end)
        The voice's notes, clipped to the bar.
    tolerance : int
        Ticks by which a position may miss the grid and still count as on it.

    Returns
    -------
    list of Tuplet
        Sorted and free of overlap; their edges cut the notes.

    Examples
    --------
    >>> find_tuplets(MetricGrid.of(Meter(2, 4), 960), [(0, 160), (160, 320), (320, 480)])
    [Tuplet(start=0, length=480, actual=3, normal=2)]
    """
    points = sorted({point for note in notes for point in note})
    found: list[Tuplet] = []
    if tolerance == 0 and grid.positions.issuperset(points):
        return found
    for start, length, _ in grid.nodes:
        if any(tuplet.start <= start < tuplet.end for tuplet in found):
            continue
        inner = [p for p in points if start < p < start + length]
        if all((p - start) % SMALLEST <= tolerance for p in inner):
            continue
        tuplet = _fit(start, length, inner, notes, tolerance)
        if tuplet is not None:
            found.append(tuplet)
    return sorted(found, key=lambda tuplet: tuplet.start)


def _fit(
    start: int, length: int, inner: list[int], notes: Sequence[tuple[int, int]], tolerance: int
) -> Tuplet | None:
    if length % SMALLEST or not _is_power_of_two(length // SMALLEST):
        return None
    triplet = Tuplet(start, length, 3, 2)
    if triplet.error(inner) <= tolerance:
        return triplet
    middle = start + length // 2
    crosses = any(
        first < middle < last and first >= start and last <= start + length for first, last in notes
    )
    if length == 2 * TICKS_PER_QUARTER:
        sextuplet = Tuplet(start, length, 6, 4)
        return sextuplet if crosses and sextuplet.error(inner) <= tolerance else None
    if length > TICKS_PER_QUARTER or length < TICKS_PER_QUARTER // 4:
        return None
    if not crosses and length > TICKS_PER_QUARTER // 4 and _halves_fit(start, length, inner):
        return None
    for actual, normal in _FINE:
        if length // normal < SMALLEST:
            continue
        tuplet = Tuplet(start, length, actual, normal)
        if tuplet.error(inner) <= tolerance:
            return tuplet
    return None


def _halves_fit(start: int, length: int, inner: list[int]) -> bool:
    """Whether each half of a window is plain or a triplet by itself."""
    half = length // 2
    for first in (start, start + half):
        points = [p for p in inner if first < p < first + half]
        plain = all((p - first) % SMALLEST == 0 for p in points)
        if not plain and Tuplet(first, half, 3, 2).error(points):
            return False
    return True


def _is_power_of_two(number: int) -> bool:
    return number > 0 and number & (number - 1) == 0
