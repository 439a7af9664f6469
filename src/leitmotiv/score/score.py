"""The Score: what stands on paper, as arrays.

Purpose: one immutable noun for every piece, whether composed here or read from a file.

Conventions:

- Time is integer ticks, 480 per quarter (:data:`~leitmotiv.theory.meter.TICKS_PER_QUARTER`).
- A part's notes are one structured array of :data:`NOTE_DTYPE`, sorted by onset, then pitch.
- Maps (tempo, meter, key, chord, section) are tuples sorted by tick; the first tempo, meter and
  key stand at tick 0.
- Nothing is changed in place: every array is read-only and every edit returns a new Score.

Public names: :class:`Score`, :class:`Part`, :class:`TempoMap`, :class:`MeterChange`,
:class:`KeyChange`, :class:`ChordChange`, :class:`SectionMark`, :class:`Origin`,
:data:`NOTE_DTYPE`, :data:`CONTROL_DTYPE`, :func:`make_notes`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from leitmotiv.errors import ScoreError
from leitmotiv.theory import TICKS_PER_QUARTER, ChordSymbol, Key, Meter

__all__ = [
    "CONTROL_DTYPE",
    "NOTE_DTYPE",
    "PITCH_BEND",
    "ChordChange",
    "KeyChange",
    "MeterChange",
    "Origin",
    "Part",
    "Score",
    "SectionMark",
    "TempoMap",
    "make_notes",
]

NOTE_DTYPE = np.dtype(
    [
        ("onset", "<i8"),  # tick
        ("duration", "<i8"),  # ticks, at least 1
        ("pitch", "u1"),  # MIDI, 60 = C4; on a drum part the General MIDI drum key
        ("velocity", "u1"),  # 1-127
        ("origin", "u1"),  # an Origin
    ]
)

CONTROL_DTYPE = np.dtype(
    [
        ("tick", "<i8"),
        ("controller", "u1"),  # 0-127 MIDI controller number, or PITCH_BEND
        ("value", "<i2"),  # 0-127, or -8192..8191 for PITCH_BEND
    ]
)

PITCH_BEND = 128
"""Controller number that stands for pitch bend in :data:`CONTROL_DTYPE`."""

MIN_QPM, MAX_QPM = 1.0, 2000.0


class Origin(IntEnum):
    """Who wrote a note."""

    HUMAN = 0
    MODEL = 1
    STYLE = 2
    THEME = 3


def _read_only(array: NDArray[np.void]) -> NDArray[np.void]:
    array = array.copy() if array.flags.writeable else array
    array.flags.writeable = False
    return array


def make_notes(
    onset: ArrayLike,
    duration: ArrayLike,
    pitch: ArrayLike,
    velocity: ArrayLike = 80,
    origin: ArrayLike = Origin.HUMAN,
) -> NDArray[np.void]:
    """Build a sorted note array from columns.

    Parameters
    ----------
    onset, duration : array_like of int, shape (n,)
        Ticks.
    pitch : array_like of int, shape (n,)
        MIDI pitch, 0-127.
    velocity, origin : array_like of int, shape (n,) or ()
        Velocity 1-127; :class:`Origin`.

    Returns
    -------
    ndarray of NOTE_DTYPE, shape (n,)
        Sorted by onset, then pitch, then duration. Empty input gives an empty array.

    Examples
    --------
    >>> make_notes([480, 0], [240, 480], [64, 60])["pitch"].tolist()
    [60, 64]
    """
    onset = np.asarray(onset, dtype=np.int64).reshape(-1)
    notes = np.zeros(len(onset), dtype=NOTE_DTYPE)
    notes["onset"], notes["duration"], notes["pitch"] = onset, duration, pitch
    notes["velocity"], notes["origin"] = velocity, origin
    return notes if _is_sorted(notes) else notes[_sorting(notes)]


def _is_sorted(notes: NDArray[np.void]) -> bool:
    """Tell whether notes rise by onset, then pitch; ten times cheaper than sorting them."""
    place = notes["onset"] * 128 + notes["pitch"]
    return bool((place[1:] > place[:-1]).all())


def _sorting(notes: NDArray[np.void]) -> NDArray[np.int64]:
    return np.lexsort((notes["duration"], notes["pitch"], notes["onset"]))


@dataclass(frozen=True, eq=False)
class Part:
    """One instrument's line.

    ``program`` is the General MIDI program 0-127 (ignored when ``is_drum``); ``role`` is one of
    melody, counter, harmony, bass, pad, drums, or empty when unknown; ``notes`` has
    :data:`NOTE_DTYPE`, ``controls`` has :data:`CONTROL_DTYPE`.

    Raises
    ------
    ScoreError
        If a value is out of range.
    """

    name: str
    program: int = 0
    is_drum: bool = False
    role: str = ""
    notes: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, NOTE_DTYPE))
    controls: NDArray[np.void] = field(default_factory=lambda: np.zeros(0, CONTROL_DTYPE))

    def __post_init__(self) -> None:
        if not 0 <= self.program <= 127:
            raise ScoreError(f"program={self.program} of part {self.name!r} must be 0-127")
        notes, controls = self.notes, self.controls
        if notes.dtype != NOTE_DTYPE or notes.ndim != 1:
            raise ScoreError(f"notes of part {self.name!r} must be a 1-D array of NOTE_DTYPE")
        if controls.dtype != CONTROL_DTYPE or controls.ndim != 1:
            raise ScoreError(f"controls of part {self.name!r} must be a 1-D array of CONTROL_DTYPE")
        if len(notes):
            if notes["onset"].min() < 0:
                raise ScoreError(f"onset={notes['onset'].min()} in part {self.name!r} must be >= 0")
            if notes["duration"].min() < 1:
                raise ScoreError(
                    f"duration={notes['duration'].min()} in part {self.name!r} must be >= 1 tick"
                )
            if notes["pitch"].max() > 127:
                raise ScoreError(
                    f"pitch={notes['pitch'].max()} in part {self.name!r} must be 0-127"
                )
            velocity = notes["velocity"]
            if velocity.min() < 1 or velocity.max() > 127:
                raise ScoreError(f"velocity in part {self.name!r} must be 1-127")
            if not _is_sorted(notes):
                order = _sorting(notes)
                if not np.array_equal(order, np.arange(len(notes))):
                    notes = notes[order]
        object.__setattr__(self, "notes", _read_only(notes))
        object.__setattr__(
            self, "controls", _read_only(controls[np.argsort(controls["tick"], kind="stable")])
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Part):
            return NotImplemented
        return (
            (self.name, self.program, self.is_drum, self.role)
            == (other.name, other.program, other.is_drum, other.role)
            and np.array_equal(self.notes, other.notes)
            and np.array_equal(self.controls, other.controls)
        )

    __hash__ = None  # type: ignore[assignment]  # arrays inside

    @property
    def end_tick(self) -> int:
        """Tick at which the last note ends; 0 for a silent part."""
        if not len(self.notes):
            return 0
        return int((self.notes["onset"] + self.notes["duration"]).max())

    def with_notes(self, notes: NDArray[np.void]) -> Part:
        """Return this part with other notes."""
        return replace(self, notes=notes)


@dataclass(frozen=True)
class MeterChange:
    """A time signature from ``tick`` on."""

    tick: int
    meter: Meter


@dataclass(frozen=True)
class KeyChange:
    """A key from ``tick`` on."""

    tick: int
    key: Key


@dataclass(frozen=True)
class ChordChange:
    """A chord symbol from ``tick`` on."""

    tick: int
    chord: ChordSymbol


@dataclass(frozen=True)
class SectionMark:
    """A section label such as ``A`` or ``verse`` from ``tick`` on."""

    tick: int
    label: str


@dataclass(frozen=True)
class TempoMap:
    """Quarters ↔ seconds.

    ``ticks`` are sorted and start at 0; ``qpm`` holds quarters a minute from each of them on.

    Raises
    ------
    ScoreError
        If the map is empty, unsorted, does not start at 0 or a tempo is out of range.

    Examples
    --------
    >>> tempo_map = TempoMap((0, 480), (120.0, 60.0))
    >>> tempo_map.tick_to_sec([480, 960]).tolist()
    [0.5, 1.5]
    """

    ticks: tuple[int, ...] = (0,)
    qpm: tuple[float, ...] = (120.0,)

    def __post_init__(self) -> None:
        if not self.ticks or len(self.ticks) != len(self.qpm):
            raise ScoreError("tempo map must hold one qpm for each tick and at least one of them")
        if self.ticks[0] != 0 or any(b <= a for a, b in itertools.pairwise(self.ticks)):
            raise ScoreError("tempo map ticks must start at 0 and rise strictly")
        for tick, qpm in zip(self.ticks, self.qpm, strict=True):
            if not MIN_QPM <= qpm <= MAX_QPM:
                raise ScoreError(
                    f"qpm={qpm:g} must be between {MIN_QPM:g} and {MAX_QPM:g} quarters per minute; "
                    f"check the tempo map at tick {tick}"
                )

    @cached_property
    def _table(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        ticks = np.asarray(self.ticks, dtype=np.float64)
        sec_per_tick = 60.0 / (np.asarray(self.qpm) * TICKS_PER_QUARTER)
        starts = np.concatenate([[0.0], np.cumsum(np.diff(ticks) * sec_per_tick[:-1])])
        return ticks, sec_per_tick, starts

    def tick_to_sec(self, tick: ArrayLike) -> NDArray[np.float64]:
        """Convert ticks to seconds, any shape."""
        ticks, sec_per_tick, starts = self._table
        tick = np.asarray(tick, dtype=np.float64)
        index = np.clip(np.searchsorted(ticks, tick, side="right") - 1, 0, len(ticks) - 1)
        return np.asarray(starts[index] + (tick - ticks[index]) * sec_per_tick[index])

    def sec_to_tick(self, sec: ArrayLike) -> NDArray[np.float64]:
        """Convert seconds to (fractional) ticks, any shape."""
        ticks, sec_per_tick, starts = self._table
        sec = np.asarray(sec, dtype=np.float64)
        index = np.clip(np.searchsorted(starts, sec, side="right") - 1, 0, len(ticks) - 1)
        return np.asarray(ticks[index] + (sec - starts[index]) / sec_per_tick[index])

    def qpm_at(self, tick: int) -> float:
        """Return the tempo in force at a tick, in quarters a minute."""
        return self.qpm[max(int(np.searchsorted(self.ticks, tick, side="right")) - 1, 0)]


def _check_map(name: str, ticks: Sequence[int], *, from_zero: bool) -> None:
    if from_zero and (not ticks or ticks[0] != 0):
        raise ScoreError(f"the {name} map must start at tick 0")
    if any(b <= a for a, b in itertools.pairwise(ticks)) or (ticks and ticks[0] < 0):
        raise ScoreError(f"the {name} map must rise strictly in ticks from 0 on")


@dataclass(frozen=True, eq=False)
class Score:
    """A piece: parts and the maps they share.

    ``length_ticks`` is the notated length; it is at least the end of the last note and, where 0
    is given, becomes the end of the bar in which the last note ends.

    Raises
    ------
    ScoreError
        If a map is unsorted or does not start at tick 0.
    """

    parts: tuple[Part, ...] = ()
    tempo_map: TempoMap = TempoMap()
    meters: tuple[MeterChange, ...] = (MeterChange(0, Meter(4, 4)),)
    keys: tuple[KeyChange, ...] = ()
    chords: tuple[ChordChange, ...] = ()
    sections: tuple[SectionMark, ...] = ()
    title: str = ""
    length_ticks: int = 0

    def __post_init__(self) -> None:
        _check_map("meter", [change.tick for change in self.meters], from_zero=True)
        _check_map("key", [change.tick for change in self.keys], from_zero=False)
        _check_map("chord", [change.tick for change in self.chords], from_zero=False)
        _check_map("section", [mark.tick for mark in self.sections], from_zero=False)
        end = max((part.end_tick for part in self.parts), default=0)
        if self.length_ticks < end:
            starts = self._bar_starts_until(end)
            object.__setattr__(self, "length_ticks", int(starts[-1]))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Score):
            return NotImplemented
        return (
            self.parts == other.parts
            and self.tempo_map == other.tempo_map
            and (self.meters, self.keys, self.chords, self.sections)
            == (other.meters, other.keys, other.chords, other.sections)
            and (self.title, self.length_ticks) == (other.title, other.length_ticks)
        )

    __hash__ = None  # type: ignore[assignment]  # arrays inside

    def _bar_starts_until(self, end_tick: int) -> NDArray[np.int64]:
        """Bar lines from 0 to the first one at or after ``end_tick``, both included."""
        pieces: list[NDArray[np.int64]] = []
        ends = [change.tick for change in self.meters[1:]] + [None]
        position = 0
        for change, stop in zip(self.meters, ends, strict=True):
            step = change.meter.bar_ticks
            limit = end_tick if stop is None else min(stop, end_tick)
            count = max(-(-(limit - change.tick) // step), 0)
            pieces.append(change.tick + step * np.arange(count, dtype=np.int64))
            # A meter change inside a bar cuts that bar short, as notation programs do.
            position = change.tick + step * count
            position = position if stop is None else min(position, stop)
            if limit == end_tick:
                break
        return np.concatenate([*pieces, np.asarray([max(position, 0)], dtype=np.int64)])

    @cached_property
    def bar_ticks(self) -> NDArray[np.int64]:
        """Bar lines, shape (num_bars + 1,): start of each bar and the end of the last."""
        return self._bar_starts_until(self.length_ticks)

    @property
    def num_bars(self) -> int:
        """Number of bars, the last one counted even when cut short."""
        return len(self.bar_ticks) - 1

    @property
    def num_notes(self) -> int:
        """Notes in all parts."""
        return sum(len(part.notes) for part in self.parts)

    @property
    def duration_sec(self) -> float:
        """Notated length in seconds."""
        return float(self.tempo_map.tick_to_sec(self.length_ticks))

    def bar_index_at(self, tick: ArrayLike) -> NDArray[np.int64]:
        """Return the index of the bar that holds each tick, clipped to the piece."""
        index = np.searchsorted(self.bar_ticks, np.asarray(tick), side="right") - 1
        return np.clip(index, 0, max(self.num_bars - 1, 0)).astype(np.int64)

    def meter_at(self, tick: int) -> Meter:
        """Return the meter in force at a tick."""
        return next(c.meter for c in reversed(self.meters) if c.tick <= max(tick, 0))

    def key_at(self, tick: int) -> Key | None:
        """Return the key in force at a tick; None where the score names none."""
        return next((c.key for c in reversed(self.keys) if c.tick <= tick), None)

    def chord_at(self, tick: int) -> ChordSymbol | None:
        """Return the chord in force at a tick; None where the score names none."""
        return next((c.chord for c in reversed(self.chords) if c.tick <= tick), None)

    def with_part(self, index: int, part: Part) -> Score:
        """Return a Score in which part ``index`` is replaced."""
        parts = list(self.parts)
        parts[index] = part
        return replace(self, parts=tuple(parts))

    def with_parts(self, parts: Iterable[Part]) -> Score:
        """Return a Score with other parts and the same maps."""
        return replace(self, parts=tuple(parts))
