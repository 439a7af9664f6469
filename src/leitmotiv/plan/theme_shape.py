"""The shape of an invented theme: contour, range, rhythm cell and closure, before its notes.

Purpose: what makes a theme itself is decided in the plan, where a person can change it, and
carried out by the composer.

Conventions: heights run from 0 (the lowest note of the theme) to 1 (its highest), places from 0
(its beginning) to 1 (its last note). Rhythms are in quarters from a downbeat.

Public names: :class:`ThemeShape`, :func:`contour_height`, :func:`choose_shape`, :data:`Contour`,
:data:`Closure`, :data:`CONTOURS`.

References
----------
D. Huron, "The Melodic Arch in Western Folksongs", *Computing in Musicology* 10, 1996: arches are
the commonest contour of phrases, then falls and rises.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Literal, Self

import numpy as np
from pydantic import Field, model_validator

from leitmotiv.errors import LeitmotivError, PlanError
from leitmotiv.plan.validation import Noun
from leitmotiv.theory import TICKS_PER_QUARTER, ChordSymbol, Key, Meter

__all__ = ["CONTOURS", "Closure", "Contour", "ThemeShape", "choose_shape", "contour_height"]

Contour = Literal["arch", "rising", "falling", "wave"]
Closure = Literal["closed", "open"]
CONTOURS: tuple[Contour, ...] = ("arch", "rising", "falling", "wave")

MIN_SPAN = 5
_USUAL = {"arch": 4.0, "rising": 1.5, "falling": 2.0, "wave": 1.5}
# Ways to fill a felt beat, and two of them, in shares of the beat: weights by liveliness 0 to 1.
_SIMPLE: dict[tuple[float, ...], tuple[float, float]] = {
    (2.0,): (3.0, 0.2),
    (1.5, 0.5): (2.5, 2.0),
    (1.0,): (3.0, 1.5),
    (0.5, 0.5): (0.8, 3.0),
    (0.75, 0.25): (0.3, 1.5),
    (0.5, 0.25, 0.25): (0.05, 1.0),
}
_COMPOUND: dict[tuple[float, ...], tuple[float, float]] = {
    (2.0,): (1.5, 0.1),
    (1.0,): (3.0, 1.0),
    (2 / 3, 1 / 3): (3.0, 2.5),
    (1 / 3, 1 / 3, 1 / 3): (0.4, 3.0),
    (0.5, 1 / 6, 1 / 3): (0.3, 1.0),
}


class ThemeShape(Noun):
    """What the theme shall look like, whoever writes its notes."""

    fault: ClassVar[type[LeitmotivError]] = PlanError
    noun: ClassVar[str] = "theme"

    contour: Contour = Field(description="Way of the line: arch, rising, falling or wave.")
    low: int = Field(ge=0, le=127, description="Lowest MIDI pitch of the theme.")
    high: int = Field(ge=0, le=127, description="Highest MIDI pitch of the theme.")
    rhythm: tuple[float, ...] = Field(
        min_length=1,
        max_length=32,
        description="Rhythm cell: lengths in quarters from the first downbeat, at most a bar; it "
        "comes again inside the theme.",
    )
    closure: Closure = Field(description="closed: ends on the tonic; open: ends on another tone.")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.high - self.low < MIN_SPAN:
            raise ValueError(
                f"theme: high={self.high} must lie at least {MIN_SPAN} semitones above "
                f"low={self.low}; widen its range"
            )
        for length in self.rhythm:
            if not 1 / 24 <= length <= 8:
                raise ValueError(
                    f"theme: rhythm holds {length:g} but lengths must be 1/24 to 8 quarters"
                )
        return self

    def fitted(self, low: int, high: int, bar_quarters: float) -> ThemeShape:
        """Return the shape in the range of a part and the bars of a meter.

        The cell ends with the bar; a range that lies outside, or nearly so, becomes the part's.
        """
        ends = np.minimum(np.cumsum(self.rhythm), bar_quarters)
        lengths = np.diff(ends, prepend=0.0)
        bottom, top = max(self.low, low), min(self.high, high)
        if top - bottom < MIN_SPAN:
            bottom, top = low, max(high, low + MIN_SPAN)
        rhythm = tuple(float(length) for length in lengths if length > 1 / 48)
        return self.replace(low=bottom, high=top, rhythm=rhythm)

    @property
    def onsets_quarter(self) -> tuple[float, ...]:
        """Where the notes of the rhythm cell begin."""
        return tuple(float(onset) for onset in np.cumsum((0.0, *self.rhythm[:-1])))


def contour_height(contour: Contour, place: float) -> float:
    """Return the height of a contour at a place of the theme, both 0 to 1.

    Examples
    --------
    >>> [round(contour_height("arch", place), 2) for place in (0, 0.6, 1)]
    [0.15, 1.0, 0.0]
    >>> [round(contour_height("wave", place), 2) for place in (0, 0.25, 0.7, 1)]
    [0.4, 1.0, 0.0, 0.6]
    """
    if contour == "rising":
        return place
    if contour == "falling":
        return 1.0 - place
    points = {
        # Phrases rise faster than they would if their peak stood in the middle (Huron, 1996).
        "arch": ((0.0, 0.15), (0.6, 1.0), (1.0, 0.0)),
        "wave": ((0.0, 0.4), (0.25, 1.0), (0.7, 0.0), (1.0, 0.6)),
    }[contour]
    return float(np.interp(place, [p for p, _ in points], [h for _, h in points]))


def choose_shape(
    *,
    contour: Contour | None,
    meter: Meter,
    num_bars: int,
    bpm: float,
    arousal: float,
    energy: float,
    span: tuple[int, int],
    key: Key,
    last_chord: ChordSymbol,
    rng: np.random.Generator,
    running: bool = False,
) -> ThemeShape:
    """Choose the shape of a theme.

    Parameters
    ----------
    contour : str, optional
        What a person asked for.
    meter, num_bars, bpm
        Of the theme; slow beats take more notes.
    arousal, energy : float
        Excited themes rise and run, calm ones fall and rest.
    span : (low, high)
        Pitches of the part that sings it.
    last_chord : ChordSymbol
        Under the theme's end: it closes where that is the tonic chord.
    running : bool
        The genre's tunes run in even notes, as jigs and toccatas do.
    """
    weights = dict(_USUAL)
    weights["rising"] *= 1.0 + max(arousal, 0.0)
    weights["falling"] *= 1.0 + max(-arousal, 0.0)
    names = list(weights)
    values = np.asarray([weights[name] for name in names])
    drawn = names[int(rng.choice(len(names), p=values / values.sum()))]
    low, high = span
    width = min(int(rng.integers(9, 15)), max(high - low, MIN_SPAN))
    # Well above the middle of what accompanies it: a tune at the bottom of its range is covered.
    middle = low + (0.38 + 0.22 * energy) * (high - low)
    bottom = round(min(max(middle - width / 2, low), high - width))
    tonic = not last_chord.is_none and last_chord.root_pitch_class == key.tonic_pitch_class
    way: Contour = next(name for name in CONTOURS if name == (contour or drawn))
    # The line ends where a note of its close lies: it is moved there as a whole.
    goals = {key.tonic_pitch_class} if tonic else set(last_chord.pitch_classes or (0,))
    end = round(contour_height(way, 1.0) * width)
    near = [b for b in range(bottom - 3, bottom + 4) if low <= b <= high - width]
    hits = [b for b in near if (b + end) % 12 in goals]
    bottom = min(hits, key=lambda b: abs(b - bottom)) if hits else bottom
    return ThemeShape(
        contour=way,
        low=bottom,
        high=bottom + width,
        rhythm=_draw_cell(meter, num_bars, bpm, arousal, energy, rng, running=running),
        closure="closed" if tonic else "open",
    )


def _draw_cell(
    meter: Meter,
    num_bars: int,
    bpm: float,
    arousal: float,
    energy: float,
    rng: np.random.Generator,
    *,
    running: bool,
) -> tuple[float, ...]:
    """Fill a bar, or its head where the theme is short, with a rhythm that is not even.

    Running tunes may be even: their cell is the run.
    """
    beat = meter.beat_ticks / TICKS_PER_QUARTER
    beats = meter.bar_ticks / meter.beat_ticks
    if abs(beats - round(beats)) > 1e-6:  # beats of unequal length: the cell is their grouping
        return tuple(group * meter.unit_ticks / TICKS_PER_QUARTER for group in meter.beat_groups)
    room = round(beats) if num_bars > 1 else max(math.ceil(beats / 2), 1)
    usual = 0.65 if running else 0.35
    lively = usual + 0.25 * arousal + 0.4 * energy + 0.3 * math.log2(96.0 / bpm)
    lively = min(max(lively, 0.0), 1.0)
    table = _COMPOUND if meter.is_compound else _SIMPLE
    best: tuple[float, ...] = ()
    for _ in range(12):
        cell: list[float] = []
        while room - sum(cell) > 1e-6:
            left = room - sum(cell)
            ways = [way for way in table if sum(way) <= left + 1e-6]
            weights = np.asarray(
                [(1 - lively) * table[way][0] + lively * table[way][1] for way in ways]
            )
            if running:
                even = [len(way) > 1 and len(set(way)) == 1 for way in ways]
                weights = weights * np.where(even, 4.0, 1.0)
            cell += ways[int(rng.choice(len(ways), p=weights / weights.sum()))]
        best = tuple(round(length * beat * 24) / 24 for length in cell)
        if _has_profile(best) or (running and len(best) > 2):
            break
    return best


def _has_profile(cell: Sequence[float]) -> bool:
    """A cell worth knowing again has two lengths at least and does not end on its shortest."""
    return 2 <= len(cell) <= 7 and len(set(cell)) > 1 and cell[-1] > min(cell) - 1e-9
