"""Reading: a score laid open for checks.

Purpose: compute once what many checks look at: bars, accents, chords, scales and lines.

Conventions:

- Onsets are snapped to sixty-fourths (60 ticks), so that performed scores read like written ones.
- A *top line* is the highest note at each onset of a part, a *bottom line* the lowest.
- ``bars`` limits the reading to notes that start in bars ``start <= bar_index < stop``.
- Without a plan, keys are found passage by passage, and chords where the score names none; what
  was found rather than stated is :attr:`Reading.has_stated_chords` False.

Public names: :class:`Reading`, :class:`PartReading`, :class:`Line`, :func:`place_of`,
:func:`read`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from leitmotiv.score import Part, Score
from leitmotiv.score.analysis import (
    chords_per_half_bar,
    half_bar_starts,
    home_key,
    key_passages,
)
from leitmotiv.score.general_midi import DRUM_KIT, GM_INSTRUMENTS, Instrument
from leitmotiv.theory import ChordSymbol, Key, Meter

if TYPE_CHECKING:
    from leitmotiv.plan import Plan

__all__ = ["SNAP_TICKS", "Line", "PartReading", "Reading", "place_of", "read"]

SNAP_TICKS = 60
_ACCENT_STEP = 30  # every bar length is a multiple of it

_STRICT_GENRES = frozenset({"hymn", "choral", "baroque", "classical", "string quartet", "chorale"})
_COLOURFUL_GENRES = frozenset(
    {"jazz", "bossa", "blues", "funk", "lo-fi", "hip-hop", "ambient", "electronic", "synthwave"}
    | {"pop", "rock", "tango", "ragtime"}
)
_STRING_PROGRAMS, _CHOIR_PROGRAMS = frozenset({40, 41, 42, 43}), frozenset({52, 53})
_SEVENTH_SHARE = 0.4  # with so many seventh chords a piece speaks jazz and its kin
_MIN_KEY_BARS = 4  # a shorter score says too little about its key to overrule what it states


@lru_cache(maxsize=2048)
def _chord_mask(chord: ChordSymbol) -> NDArray[np.bool_]:
    mask = np.zeros(12, dtype=bool)
    mask[list(chord.pitch_classes)] = True
    return mask


@lru_cache(maxsize=256)
def _scale_mask(key: Key) -> NDArray[np.bool_]:
    mask = np.zeros(12, dtype=bool)
    mask[list(key.scale)] = True
    if key.mode == "minor":  # the melodic sixth and the leading tone belong to it
        mask[[(key.tonic_pitch_class + 9) % 12, (key.tonic_pitch_class + 11) % 12]] = True
    return mask


@lru_cache(maxsize=64)
def _accent_table(meter: Meter) -> NDArray[np.float64]:
    return np.asarray([meter.accent(tick) for tick in range(0, meter.bar_ticks, _ACCENT_STEP)])


@dataclass(frozen=True, eq=False)
class Line:
    """A monophonic strand: arrays of shape (n,), sorted by onset."""

    onset: NDArray[np.int64]  # snapped tick
    end: NDArray[np.int64]  # tick, not snapped
    pitch: NDArray[np.int64]
    bar: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.onset)

    def index_at(self, tick: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the index of the last note that starts at or before each tick, -1 for none."""
        return np.searchsorted(self.onset, tick, side="right").astype(np.int64) - 1


@dataclass(frozen=True, eq=False)
class PartReading:
    """One part's notes with their place in bar, accent and harmony, all of shape (n,)."""

    index: int
    part: Part
    role: str
    instrument: Instrument
    onset: NDArray[np.int64]  # snapped tick
    duration: NDArray[np.int64]
    pitch: NDArray[np.int64]
    bar: NDArray[np.int64]
    accent: NDArray[np.float64]
    half: NDArray[np.int64]  # index of the half bar, 2 * bar_index + half

    def __len__(self) -> int:
        return len(self.onset)

    @property
    def name(self) -> str:
        """Name for messages."""
        return self.part.name or self.instrument.name

    @property
    def is_drum(self) -> bool:
        """Whether the part plays drum keys."""
        return self.part.is_drum

    @cached_property
    def end(self) -> NDArray[np.int64]:
        """Tick at which each note ends."""
        return self.onset + self.duration

    def _line(self, *, top: bool) -> Line:
        order = np.lexsort((self.pitch, self.onset))
        onset = self.onset[order]
        if top:
            kept = np.append(onset[1:] != onset[:-1], True) if len(onset) else np.zeros(0, bool)
        else:
            kept = np.append(True, onset[1:] != onset[:-1]) if len(onset) else np.zeros(0, bool)
        index = order[kept]
        return Line(self.onset[index], self.end[index], self.pitch[index], self.bar[index])

    @cached_property
    def top_line(self) -> Line:
        """Highest note at each onset."""
        return self._line(top=True)

    @cached_property
    def bottom_line(self) -> Line:
        """Lowest note at each onset."""
        return self._line(top=False)

    @cached_property
    def is_monophonic(self) -> bool:
        """Whether nearly every onset has one note."""
        return len(self.top_line) >= 0.9 * len(self)


def place_of(part: PartReading, index: int) -> dict[str, int]:
    """Return ``tick`` and ``pitch`` of a note, for a finding."""
    return {"tick": int(part.onset[index]), "pitch": int(part.pitch[index])}


@dataclass(frozen=True, eq=False)
class Reading:
    """A score, its plan if there is one, and what the checks share."""

    score: Score
    plan: Plan | None
    start_bar: int
    stop_bar: int
    parts: tuple[PartReading, ...]
    loop: tuple[int, int] | None = None  # bars, the end not included

    @property
    def is_whole(self) -> bool:
        """Whether every bar is read."""
        return self.start_bar == 0 and self.stop_bar >= self.score.num_bars

    @property
    def pitched(self) -> tuple[PartReading, ...]:
        """Parts that play pitches and have notes."""
        return tuple(part for part in self.parts if not part.is_drum and len(part))

    @cached_property
    def melody(self) -> PartReading | None:
        """The leading part: by role, else the highest one."""
        named = [part for part in self.pitched if part.role == "melody"]
        if named:
            return named[0]
        rest = [part for part in self.pitched if part.role not in ("bass", "pad", "harmony")]
        return max(rest, key=lambda part: float(part.pitch.mean()), default=None)

    @cached_property
    def bass(self) -> PartReading | None:
        """The part that carries the bass: by role, else the lowest one that is not the melody.

        How low a part goes decides: broken chords have their bass in a few notes.
        """
        named = [part for part in self.pitched if part.role == "bass"]
        rest = named or [part for part in self.pitched if part is not self.melody]
        return min(rest, key=lambda part: float(np.quantile(part.pitch, 0.1)), default=None)

    @property
    def genre(self) -> str:
        """Genre of the plan in lower case, empty without one."""
        return self.plan.genre.lower() if self.plan is not None else ""

    @cached_property
    def is_strict(self) -> bool:
        """Whether the style minds parallels: hymn, choir, quartet and their kin."""
        programs = {part.part.program for part in self.pitched}
        few = 3 <= len(self.pitched) <= 5
        own_kind = few and (programs <= _STRING_PROGRAMS or programs <= _CHOIR_PROGRAMS)
        if self.plan is None:
            return own_kind
        return self.genre in _STRICT_GENRES or (own_kind and not self.is_colourful)

    @property
    def is_colourful(self) -> bool:
        """Whether the style takes ninths and sixths over any chord for granted.

        The plan's genre says so; without a plan a drum kit, or chord symbols that are sevenths
        more often than classical ones are.
        """
        if self.plan is not None:
            return self.genre in _COLOURFUL_GENRES
        return self._sounds_colourful

    @cached_property
    def _sounds_colourful(self) -> bool:
        if any(part.is_drum and len(part) for part in self.parts):
            return True
        named = [change.chord for change in self.score.chords if not change.chord.is_none]
        rich = sum(len(chord.pitch_classes) > 3 for chord in named)
        return len(named) > 0 and rich >= _SEVENTH_SHARE * len(named)

    @property
    def has_stated_chords(self) -> bool:
        """Whether the chords come from a plan or from the score, not from its notes."""
        return self.plan is not None or bool(self.score.chords)

    @cached_property
    def half_starts(self) -> NDArray[np.int64]:
        """Start tick of every half bar of the score."""
        return half_bar_starts(self.score)

    @cached_property
    def chords(self) -> tuple[ChordSymbol | None, ...]:
        """Chord of every half bar: the plan's, else the score's, else as the notes suggest.

        None beyond the plan, before the score's first chord and in an empty score.
        """
        num_halves = 2 * self.score.num_bars
        if self.plan is not None:
            known = [self.plan.chord_at(i // 2, i % 2) for i in range(2 * self.plan.num_bars)]
            return tuple((known + [None] * num_halves)[:num_halves])
        if not self.score.chords:
            found = tuple(change.chord for change in chords_per_half_bar(self.score))
            return tuple(None if chord.is_none else chord for chord in found)
        return tuple(self.score.chord_at(int(tick)) for tick in self.half_starts)

    @cached_property
    def has_chord(self) -> NDArray[np.bool_]:
        """Whether each half bar has a chord other than N, shape (halves,)."""
        return np.asarray([c is not None and not c.is_none for c in self.chords], dtype=bool)

    @cached_property
    def chord_masks(self) -> NDArray[np.bool_]:
        """Chord tones of every half bar, shape (halves, 12); empty rows without a chord."""
        rows = [_chord_mask(chord or ChordSymbol.NONE) for chord in self.chords]
        return np.stack(rows) if rows else np.zeros((0, 12), dtype=bool)

    @cached_property
    def colour_masks(self) -> NDArray[np.bool_]:
        """Chord tones and the colours the style allows, shape (halves, 12)."""
        if not self.is_colourful:
            return self.chord_masks
        steps = (2, 9, 3, 10) if self.genre == "blues" else (2, 9)
        masks = self.chord_masks.copy()
        for half, chord in enumerate(self.chords):
            if chord is not None and not chord.is_none:
                masks[half, [(chord.root_pitch_class + step) % 12 for step in steps]] = True
        return masks

    @cached_property
    def keys(self) -> tuple[Key | None, ...]:
        """Key of every bar: the plan's, else that of the passage, else the score's."""
        num_bars = self.score.num_bars
        if self.plan is not None:
            known = [self.plan.key_at(bar) for bar in range(min(self.plan.num_bars, num_bars))]
            return tuple(known + [None] * (num_bars - len(known)))
        home = self.home_key
        if home is None or (self.score.keys and num_bars < _MIN_KEY_BARS):
            return tuple(self.score.key_at(int(tick)) for tick in self.score.bar_ticks[:-1])
        keys: list[Key | None] = [None] * num_bars
        for start, stop, key in key_passages(self.score, home):
            keys[start:stop] = [key] * (stop - start)
        return tuple(keys[:num_bars])

    @cached_property
    def home_key(self) -> Key | None:
        """Key of the whole piece: the plan's, else the one its notes suggest; None if silent."""
        if self.plan is not None:
            return self.plan.key_value
        found = home_key(self.score)
        return None if found is None else found[0]

    @cached_property
    def scale_masks(self) -> NDArray[np.bool_]:
        """Scale notes of every bar, shape (bars, 12); all true where no key is known."""
        everything = np.ones(12, dtype=bool)
        rows = [everything if key is None else _scale_mask(key) for key in self.keys]
        return np.stack(rows) if rows else np.zeros((0, 12), dtype=bool)

    def beat_ticks(self, bar_index: int) -> int:
        """Return the felt beat of a bar in ticks."""
        return self.score.meter_at(int(self.score.bar_ticks[bar_index])).beat_ticks


def _role_of(score: Score, plan: Plan | None, index: int) -> str:
    part = score.parts[index]
    if part.is_drum:
        return "drums"
    if plan is not None and len(plan.parts) == len(score.parts):
        return plan.parts[index].role
    return part.role


def _accents(
    score: Score, onset: NDArray[np.int64], bar_start: NDArray[np.int64]
) -> NDArray[np.float64]:
    ticks = [change.tick for change in score.meters]
    place = np.searchsorted(ticks, bar_start, side="right") - 1
    accents = np.zeros(len(onset))
    for index in np.unique(place):
        chosen = place == index
        table = _accent_table(score.meters[index].meter)
        step = (onset[chosen] - bar_start[chosen]) // _ACCENT_STEP
        accents[chosen] = table[np.minimum(step, len(table) - 1)]
    return accents


def read(
    score: Score,
    plan: Plan | None = None,
    bars: tuple[int, int] | None = None,
    loop: tuple[int, int] | None = None,
) -> Reading:
    """Lay a score open, or the bars ``start <= bar_index < stop`` of it."""
    if loop is None and plan is not None:
        loop = plan.loop
    start, stop = bars if bars is not None else (0, score.num_bars)
    start, stop = max(start, 0), min(stop, score.num_bars)
    lines = score.bar_ticks
    halves = half_bar_starts(score)
    num_bars = score.num_bars
    parts = []
    for index, part in enumerate(score.parts):
        notes = part.notes
        onset = (notes["onset"] + SNAP_TICKS // 2) // SNAP_TICKS * SNAP_TICKS
        bar = np.minimum(np.searchsorted(lines, onset, side="right") - 1, max(num_bars - 1, 0))
        if bars is not None:
            kept = (bar >= start) & (bar < stop)
            notes, onset, bar = notes[kept], onset[kept], bar[kept]
        parts.append(
            PartReading(
                index=index,
                part=part,
                role=_role_of(score, plan, index),
                instrument=DRUM_KIT if part.is_drum else GM_INSTRUMENTS[part.program],
                onset=onset,
                duration=notes["duration"].astype(np.int64),
                pitch=notes["pitch"].astype(np.int64),
                bar=bar,
                accent=_accents(score, onset, lines[bar]),
                half=np.maximum(np.searchsorted(halves, onset, side="right") - 1, 0),
            )
        )
    return Reading(score, plan, start, stop, tuple(parts), loop)
