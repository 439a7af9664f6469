"""What the plan says about a cell, and which of its rules are held.

Purpose: the data behind guidance. A :class:`CellRule` is what the plan wants of one part in one
bar; :class:`GuidanceOptions` says which rules are in force, so that each can be switched off and
measured (``benchmarks/ablation.py``).

Conventions: pitches are MIDI pitches in the home signature (``midi + shift``), times are steps
from the start of the bar.

Public names: :class:`CellRule`, :class:`GuidanceOptions`, :class:`Sounding`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Bar", "CellRule", "GuidanceOptions", "Sounding"]

Bar = tuple[tuple[int, int], ...]
"""What a line plays in a bar: (position in steps, pitch) of each note."""


@dataclass(frozen=True)
class GuidanceOptions:
    """Which rules hold the network to the plan.

    Masks (what may not be): ``readable_grid`` keeps positions and durations on sixteenths and
    triplets; ``monotone_time`` lets time only run forward; ``part_range`` keeps pitches in the
    part's range; ``polyphony`` one note at a time in a line, four in a chord, built upwards;
    ``voice_crossing`` keeps strings and voices in their order; ``playable_hand`` keeps a hand's
    notes in its reach; ``forced_ends`` ends notes with their section and phrase, and asks for the
    cadence's goal.

    Biases (what is rather not; 0 switches off, 1 is usual): ``chord_weight`` chord tones, most on
    strong places; ``scale_weight`` tones of the scale; ``clash_weight`` no semitones against what
    sounds and no parallel fifths and octaves; ``line_weight`` small intervals and a singable
    register; ``repetition_weight`` (logits) against a bar that has stood twice among the last
    eight of its line.
    """

    readable_grid: bool = True
    monotone_time: bool = True
    part_range: bool = True
    polyphony: bool = True
    voice_crossing: bool = True
    playable_hand: bool = True
    forced_ends: bool = True
    chord_weight: float = 1.0
    scale_weight: float = 1.0
    clash_weight: float = 1.0
    line_weight: float = 1.0
    repetition_weight: float = 3.0


class Sounding(NamedTuple):
    """A note of another part during a cell.

    ``previous`` is the pitch that its part played before (-1 for none); ``side`` +1 where that
    part has to stay above this one, -1 below, 0 where the two may cross.
    """

    start: int
    end: int
    pitch: int
    previous: int
    side: int


@dataclass(frozen=True, eq=False)
class CellRule:
    """What the plan says about one target cell.

    Attributes
    ----------
    part, bar : int
        Slot in the window and bar in the window.
    low, high : int
        Range.
    single_line : bool
    steps : int
        Steps in the bar.
    boundary : int
        Step (from the start of the bar) by which every note must have ended.
    chord_starts : sequence of int
        Steps at which a chord begins.
    chord_tones : sequence of frozenset
        Pitch classes of each of those chords.
    chord_roots : sequence of int
        Bass pitch class of each chord, -1 for none.
    scale : frozenset
    accent : (steps,) float in 0..1
        Metrical weight of each step.
    min_notes : int
        Notes before the cell may end.
    closing : Mapping[int, float]
        Bias by pitch class for notes of a cadence bar.
    sketch : Mapping[int, tuple[tuple[int, ...], int]]
        Position → pitches and duration of a rule-based sketch.
    other_lines : sequence of Sounding
        Notes already fixed in other parts during this bar.
    sides : Mapping[int, int]
        Slot of another part that is written together with this one → its ``side``.
    reach : int
        Semitones between the lowest and highest note that one hand holds.
    lift : float
        Where in its range a melody lies at ease, 0 at the bottom to 1 at the top.
    plainness : float
        What places off the beat cost a melody (logits), as in hymns.
    beat_steps : int
        Steps in a beat.
    history : sequence of bars
        What the line played in the eight bars before the region, oldest first.
    is_bass, is_melody, is_sung : bool
    long_close : bool
        The melody's phrase ends here: one long note is wanted.
    previous_pitch, next_pitch : int, optional
        What the line plays before the region and where it has to go after it.
    previous_root : int
        Bass pitch class of the chord before the cell, -1 for none.
    """

    part: int
    bar: int
    low: int
    high: int
    single_line: bool
    steps: int
    boundary: int
    chord_starts: Sequence[int]
    chord_tones: Sequence[frozenset[int]]
    chord_roots: Sequence[int]
    scale: frozenset[int]
    accent: NDArray[np.float64]
    min_notes: int = 0
    closing: Mapping[int, float] = field(default_factory=dict)
    sketch: Mapping[int, tuple[tuple[int, ...], int]] = field(default_factory=dict)
    sketch_weight: float = 0.0
    other_lines: Sequence[Sounding] = ()
    sides: Mapping[int, int] = field(default_factory=dict)
    reach: int = 127
    lift: float = 0.45
    plainness: float = 0.0
    beat_steps: int = 24
    history: Sequence[Bar] = ()
    is_bass: bool = False
    is_melody: bool = False
    is_sung: bool = False
    long_close: bool = False
    previous_pitch: int | None = None
    previous_root: int = -1
    next_pitch: int | None = None

    def chord_index(self, step: int) -> int:
        """Index of the chord that sounds at a step."""
        return int(np.searchsorted(self.chord_starts, step, side="right")) - 1
