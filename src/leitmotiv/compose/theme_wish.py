"""The planned shape of a theme while its notes are written, and how well they show it.

Purpose: a sketch that pulls the network towards the plan's contour, rhythm cell and closure, and
marks by which its versions are ranked and measured.

Conventions: notes are canvas notes of one line; steps are the composer's grid, 24 a quarter.
The cell stands in the first bar; it comes again in the third of four bars, or where there are
two at the head of the second, before the closing note.

Public names: :class:`ThemeWish`, :func:`shows_contour`, :func:`shows_cell`, :func:`shows_closure`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leitmotiv.plan.theme_shape import CONTOURS, ThemeShape, contour_height
from leitmotiv.theory import Key
from leitmotiv.tokens.grid import CELL_NOTE_DTYPE

__all__ = ["ThemeWish", "shows_cell", "shows_closure", "shows_contour"]

_STEPS_PER_QUARTER = 24
_BAND = 3  # semitones about the contour that the sketch leaves to the network


def _cell_steps(shape: ThemeShape) -> tuple[list[int], list[int]]:
    onsets = [round(onset * _STEPS_PER_QUARTER) for onset in shape.onsets_quarter]
    return onsets, [max(round(length * _STEPS_PER_QUARTER), 1) for length in shape.rhythm]


def _line(
    notes: NDArray[np.void], bars: range, bar_steps: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places (0 to 1) and pitches of the notes of some bars."""
    inside = notes[(notes["bar"] >= bars.start) & (notes["bar"] < bars.stop)]
    onset = (inside["bar"].astype(np.int64) - bars.start) * bar_steps + inside["position"]
    order = np.argsort(onset, kind="stable")
    onset = onset[order].astype(np.float64)
    pitch = inside["pitch"][order].astype(np.float64)
    span = onset[-1] - onset[0] if len(onset) else 0.0
    return (onset - onset[0]) / span if span else onset, pitch


def _likeness(contour: str, place: NDArray[np.float64], pitch: NDArray[np.float64]) -> float:
    height = np.asarray([contour_height(contour, float(at)) for at in place])  # type: ignore[arg-type]
    if len(pitch) < 3 or np.ptp(pitch) == 0 or np.ptp(height) == 0:
        return 0.0
    return float(np.corrcoef(height, pitch)[0, 1])


def shows_contour(notes: NDArray[np.void], bars: range, bar_steps: int) -> dict[str, float]:
    """Return how like each contour a line is: correlation of pitch and height, -1 to 1."""
    place, pitch = _line(notes, bars, bar_steps)
    return {contour: _likeness(contour, place, pitch) for contour in CONTOURS}


def _cell_in(notes: NDArray[np.void], bar: int, onsets: list[int], upto: int | None = None) -> bool:
    """Whether a bar begins with a rhythm: the same onsets up to its end."""
    end = upto if upto is not None else max(onsets) + 1
    here = sorted(set(notes["position"][notes["bar"] == bar].tolist()))
    return [position for position in here if position < end] == [
        onset for onset in onsets if onset < end
    ]


def shows_cell(notes: NDArray[np.void], bars: range, bar_steps: int, shape: ThemeShape) -> bool:
    """Tell whether the rhythm cell opens the theme and comes again in it."""
    onsets, lengths = _cell_steps(shape)
    end = onsets[-1] + lengths[-1]
    if not _cell_in(notes, bars.start, onsets, end):
        return False
    head = _head(onsets, lengths, bar_steps)
    return len(bars) == 1 or any(
        _cell_in(notes, bar, onsets, end)
        or (len(bars) == 2 and _cell_in(notes, bar, onsets, head + 1))
        for bar in bars[1:]
    )


def _head(onsets: list[int], lengths: list[int], bar_steps: int) -> int:
    """Where a closing note may begin in a bar that opens with the cell: at half of it or so."""
    ends = [onset + length for onset, length in zip(onsets, lengths, strict=True)]
    inside = [end for end in ends if end <= bar_steps // 2 + bar_steps // 6]
    return inside[-1] if inside else 0


def shows_closure(notes: NDArray[np.void], bars: range, shape: ThemeShape, key: Key) -> bool:
    """Tell whether the theme ends on the tonic where it is closed, and elsewhere where open."""
    inside = notes[(notes["bar"] >= bars.start) & (notes["bar"] < bars.stop)]
    if not len(inside):
        return False
    last = inside[np.lexsort((inside["position"], inside["bar"]))[-1]]
    return bool((int(last["pitch"]) % 12 == key.tonic_pitch_class) == (shape.closure == "closed"))


@dataclass(frozen=True)
class ThemeWish:
    """What the plan wants of the theme in some bars of a part.

    ``tones(bar, position)`` gives the pitch classes of the chord at a place.
    """

    shape: ThemeShape
    bars: range
    part: int
    bar_steps: int
    key: Key
    tones: Callable[[int, int], frozenset[int]]

    def _target(self, place: float) -> float:
        shape = self.shape
        return shape.low + contour_height(shape.contour, place) * (shape.high - shape.low)

    def closing_classes(self) -> frozenset[int]:
        """Pitch classes on which the theme may end."""
        tonic = self.key.tonic_pitch_class
        if self.shape.closure == "closed":
            return frozenset({tonic})
        tones = self.tones(self.bars.stop - 1, self.bar_steps - 1) - {tonic}
        return tones or frozenset({(tonic + 7) % 12})

    def sketch(self) -> NDArray[np.void]:
        """Return the places of the theme's cell and close, each with the pitches that suit."""
        shape, steps = self.shape, self.bar_steps
        onsets, lengths = _cell_steps(shape)
        places = [(0, onset, length) for onset, length in zip(onsets, lengths, strict=True)]
        count = len(self.bars)
        if count >= 3:
            places += [(2, onset, length) for _, onset, length in places]
        head = _head(onsets, lengths, steps) if count > 1 else steps // 2
        last = count - 1
        if count == 2:
            places += [(1, on, size) for on, size in zip(onsets, lengths, strict=True) if on < head]
        if count > 1:
            places = [at for at in places if at[0] != last or at[1] < head]
            places.append((last, head, steps - head))
        places.sort()
        total = places[-1][0] * steps + places[-1][1] or 1
        rows = []
        for number, (bar, onset, length) in enumerate(places):
            target = self._target((bar * steps + onset) / total)
            closes = number == len(places) - 1 and count > 1
            for pitch in self._pitches(target, bar, onset, closes=closes):
                rows.append((self.bars.start + bar, onset, length, pitch))
        notes = np.zeros(len(rows), dtype=CELL_NOTE_DTYPE)
        for name, column in zip(
            ("bar", "position", "duration", "pitch"), np.asarray(rows).T, strict=True
        ):
            notes[name] = column
        notes["part"], notes["velocity"] = self.part, 80
        return notes

    def _pitches(self, target: float, bar: int, onset: int, *, closes: bool) -> list[int]:
        low, high = self.shape.low, self.shape.high
        if closes:
            goals = [p for p in range(low, high + 1) if p % 12 in self.closing_classes()]
            return sorted(goals, key=lambda p: abs(p - target))[:1]
        scale = set(self.key.scale) | set(self.tones(self.bars.start + bar, onset))
        near = [p for p in range(low, high + 1) if abs(p - target) <= _BAND and p % 12 in scale]
        return near or [round(target)]

    def score(self, notes: NDArray[np.void]) -> float:
        """Mark a version of the theme: the better it shows its shape, the higher."""
        mine = notes[notes["part"] == self.part]
        if len(mine) < 3:
            return -10.0
        like = shows_contour(mine, self.bars, self.bar_steps)
        own = like[self.shape.contour]
        others = max(value for name, value in like.items() if name != self.shape.contour)
        outside = (mine["pitch"] < self.shape.low) | (mine["pitch"] > self.shape.high)
        return float(
            3.0 * own
            + 2.0 * min(own - others, 0.3)
            + 4.0 * shows_cell(mine, self.bars, self.bar_steps, self.shape)
            + 4.0 * shows_closure(mine, self.bars, self.shape, self.key)
            - 4.0 * outside.mean()
        )
