"""Regions: bars × parts of a score written anew while everything else stays as it is.

Purpose: the engine of every operation. It reads the music around a region into a canvas, has the
melody written first and the other parts after it in the manner of their neighbouring bars, and
puts only the new notes back into the score.

Conventions: a cell is (bar, part) of a :class:`~leitmotiv.compose.operations.reading.Reading`.
Notes outside the region are returned bit for bit, also where they are not on the composer's grid.
New notes stop where the region stops, are as loud as their surroundings, and carry their origin:
MODEL where the network wrote them, STYLE where a pattern or a rule did.

Public names: :class:`RegionComposer`, :func:`merge_region`, :func:`no_progress`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.accompaniment import accompaniment_part
from leitmotiv.compose.canvas import Canvas
from leitmotiv.compose.operations.patterns import pattern_sketch
from leitmotiv.compose.operations.reading import Reading, bars_of
from leitmotiv.compose.repair import tidy_part
from leitmotiv.compose.rhythm_section import rhythm_section_part
from leitmotiv.compose.writer import Writer, WriterOptions
from leitmotiv.models import EventModel, load_model
from leitmotiv.score import NOTE_DTYPE, Origin, Score
from leitmotiv.styles import load_style
from leitmotiv.tokens import tags
from leitmotiv.tokens.grid import CELL_NOTE_DTYPE, TICKS_PER_STEP, grid_to_notes

__all__ = ["USUAL_OPTIONS", "Progress", "RegionComposer", "merge_region", "no_progress"]

Progress = Callable[[float, str], None]
USUAL_OPTIONS = WriterOptions()

_DRUM_STYLES = {"3/4": "waltz", "6/8": "celtic", "9/8": "celtic", "12/8": "blues"}
_LONGEST_RUN = 8
_NEAR_BARS = 8


def no_progress(fraction: float, message: str) -> None:
    """Report nothing."""


class _LivelyWriter(Writer):
    """A writer whose melodies move as fast as the music around them."""

    pace: int | None = None

    def _melody_density(self, bar: int) -> int:
        if self.pace is None:
            return super()._melody_density(bar)
        phrase = self.canvas.plan.phrase_at(bar)
        last = bar == phrase.end_bar_index - 1
        return max(self.pace - int(last and phrase.cadence != "none"), 2)


class RegionComposer:
    """Writes cells of a reading; ``canvas`` holds what stands and what has been written.

    Attributes
    ----------
    canvas : Canvas
    leads : ndarray of int, shape (num_bars,)
        The part that carries the melody in each bar, -1 for none.
    """

    def __init__(
        self,
        reading: Reading,
        *,
        model: EventModel | None = None,
        options: WriterOptions = USUAL_OPTIONS,
    ) -> None:
        self.reading, self.plan = reading, reading.plan
        self.canvas = Canvas(self.plan)
        cells = [(b, p) for b in range(self.plan.num_bars) for p in range(self.plan.num_parts)]
        self.canvas.write(cells, reading.notes)
        self.writer = _LivelyWriter(self.canvas, model or load_model(), options)
        self.writer.written[:] = True
        self.leads = np.full(self.plan.num_bars, reading.melody, dtype=np.int64)

    def clear(self, target: NDArray[np.bool_]) -> None:
        """Empty the cells (num_bars, num_parts) that are to be written, so that none is shown."""
        cells = [(int(bar), int(part)) for bar, part in np.argwhere(target)]
        self.canvas.write(cells, np.zeros(0, dtype=CELL_NOTE_DTYPE))
        self.writer.written[target] = False

    def pace(self, target: NDArray[np.bool_]) -> int | None:
        """Density id of the melody near the target; None where there is nothing to go by."""
        bars = np.flatnonzero(target.any(axis=1))
        if not len(bars) or self.reading.melody < 0:
            return None
        near = range(
            max(int(bars[0]) - _NEAR_BARS, 0), min(int(bars[-1]) + 1 + _NEAR_BARS, len(target))
        )
        counts = [
            len(self.canvas.cell(bar, int(self.leads[bar])))
            for bar in near
            if self.leads[bar] >= 0 and self.writer.written[bar, self.leads[bar]]
        ]
        counts = [count for count in counts if count]
        if not counts:
            return None
        return int(tags.density_id(round(float(np.mean(counts))), self.canvas.steps))

    def write(
        self,
        target: NDArray[np.bool_],
        rng: np.random.Generator,
        *,
        sketches: Mapping[int, NDArray[np.void]] | None = None,
        progress: Progress = no_progress,
    ) -> None:
        """Write the target cells: the melody first, then drums, then the parts around it.

        Parameters
        ----------
        target : ndarray of bool, shape (num_bars, num_parts)
            Cells to write; their notes must have been cleared (see :meth:`clear`).
        sketches : mapping from part to canvas notes, optional
            What pulls a part that accompanies; by default its own manner in the bars around, or
            a rule-based part where it has none.
        """
        lead_rng, rule_rng, part_rng = rng.spawn(3)
        self.writer.pace = self.pace(target)
        runs = self._runs(target)
        for number, (bars, parts) in enumerate(runs):
            lead = int(self.leads[bars.start])
            if lead in parts:
                progress(0.5 * number / len(runs), f"melody of bar {self._number(bars)}")
                self.writer.write(bars, [lead], lead_rng, lead=True)
                tidy_part(self.canvas, lead)
        made = dict(sketches or {})
        generators = rule_rng.spawn(self.plan.num_parts)
        for part in np.flatnonzero(target.any(axis=0)).tolist():
            bars_of = np.flatnonzero(target[:, part] & (self.leads != part))
            if not len(bars_of):
                continue
            if part not in made:
                made[part] = self._sketch(part, bars_of, generators[part])
            if self.plan.parts[part].is_drum:
                self._put(made[part], part, bars_of)
        for number, (bars, parts) in enumerate(runs):
            rest = [p for p in parts if p != self.leads[bars.start] and p in made]
            rest = [p for p in rest if not self.plan.parts[p].is_drum and len(made[p])]
            # A part without a sketch here rests, as it does in the bars around.
            active = [p for p in rest if np.isin(made[p]["bar"], list(bars)).any()]
            progress(0.5 + 0.5 * number / len(runs), f"parts of bar {self._number(bars)}")
            if active:
                self.writer.write(bars, self._order(active), part_rng, sketches=made)
            for part in set(parts) - set(active):
                self.writer.written[bars.start : bars.stop, part] = True
        for part in np.flatnonzero(target.any(axis=0)).tolist():
            tidy_part(self.canvas, part)
        progress(1.0, "notes written")

    def _number(self, bars: range) -> int:
        return self.reading.start_bar + bars.start + 1

    def _order(self, parts: Sequence[int]) -> list[int]:
        """Bass first, then from the top down: the frame before what it holds."""
        rank = {"bass": 0, "counter": 1, "harmony": 2, "pad": 3}
        return sorted(parts, key=lambda part: (rank.get(self.plan.parts[part].role, 2), part))

    def _runs(self, target: NDArray[np.bool_]) -> list[tuple[range, tuple[int, ...]]]:
        """Cut the target into runs of bars of one phrase with the same parts and lead."""
        runs: list[tuple[range, tuple[int, ...]]] = []
        for bar in np.flatnonzero(target.any(axis=1)).tolist():
            parts = tuple(np.flatnonzero(target[bar]).tolist())
            last = runs[-1] if runs else None
            if (
                last is not None
                and last[0].stop == bar
                and last[1] == parts
                and len(last[0]) < _LONGEST_RUN
                and self.leads[bar - 1] == self.leads[bar]
                and self.plan.phrase_at(bar - 1) == self.plan.phrase_at(bar)
            ):
                runs[-1] = (range(last[0].start, bar + 1), parts)
            else:
                runs.append((range(bar, bar + 1), parts))
        return runs

    def _sketch(
        self, part: int, bars: NDArray[np.int64], rng: np.random.Generator
    ) -> NDArray[np.void]:
        found = pattern_sketch(self.canvas, part, bars.tolist(), self.writer.written)
        if found is not None:
            return found
        entry = self.plan.parts[part]
        if entry.role == "melody":
            return np.zeros(0, dtype=CELL_NOTE_DTYPE)
        return self.rule_part(part, rng)

    def rule_part(self, part: int, rng: np.random.Generator) -> NDArray[np.void]:
        """A part by rule over the plan's chords and the melody as it stands, as canvas notes."""
        melody = self.melody_ticks()
        if self.plan.parts[part].is_drum:
            style = load_style(self.plan.style or _DRUM_STYLES.get(self.plan.meter, "pop"))
            return self.as_cells(part, rhythm_section_part(self.plan, part, style, rng))
        return self.as_cells(part, accompaniment_part(self.plan, part, rng, melody=melody))

    def melody_ticks(self) -> NDArray[np.void]:
        """The melody of the whole reading in ticks, whichever part has it."""
        pieces = [np.zeros(0, dtype=NOTE_DTYPE)]
        for part in np.unique(self.leads[self.leads >= 0]).tolist():
            notes = grid_to_notes(self.canvas.grid, part)
            pieces.append(notes[self.leads[notes["onset"] // self.plan.bar_ticks] == part])
        melody = np.concatenate(pieces)
        return np.asarray(melody[np.argsort(melody["onset"], kind="stable")])

    def as_cells(self, part: int, notes: NDArray[np.void]) -> NDArray[np.void]:
        """Turn a part's notes in ticks into canvas notes of origin STYLE."""
        step = np.round(notes["onset"] / TICKS_PER_STEP).astype(np.int64)
        cells = np.zeros(len(notes), dtype=CELL_NOTE_DTYPE)
        cells["bar"], cells["position"] = np.divmod(step, self.canvas.steps)
        cells["part"], cells["origin"] = part, Origin.STYLE
        cells["duration"] = np.maximum(np.round(notes["duration"] / TICKS_PER_STEP), 1)
        cells["pitch"], cells["velocity"] = notes["pitch"], notes["velocity"]
        return np.asarray(cells[cells["bar"] < self.plan.num_bars])

    def _put(self, notes: NDArray[np.void], part: int, bars: NDArray[np.int64]) -> None:
        chosen = notes[np.isin(notes["bar"], bars)]
        self.canvas.write([(int(bar), part) for bar in bars], chosen)
        self.writer.written[bars, part] = True


def merge_region(
    score: Score, reading: Reading, canvas: Canvas, target: NDArray[np.bool_]
) -> Score:
    """Return the score with the canvas's notes in the target cells and its own everywhere else."""
    ticks = score.bar_ticks[reading.start_bar : reading.stop_bar + 1]
    parts = list(score.parts)
    for index in sorted({i for slot, i in enumerate(reading.parts) if target[:, slot].any()}):
        old = score.parts[index].notes
        slots = [s for s, i in enumerate(reading.parts) if i == index and target[:, s].any()]
        bar = bars_of(score, old["onset"]) if len(old) else np.zeros(0, dtype=np.int64)
        bar = bar - reading.start_bar
        inside = (bar >= 0) & (bar < len(target))
        replaced = np.zeros(len(old), dtype=bool)
        for slot in slots:
            replaced[inside] |= target[bar[inside], slot] & reading.owns(slot, len(old))[inside]
        kept = old[~replaced]
        fresh = np.zeros(0, dtype=NOTE_DTYPE)
        for slot in slots:
            hand = _beside(_fresh_notes(canvas, slot, target[:, slot], ticks), fresh)
            fresh = np.concatenate([fresh, hand])
        fresh = _beside(fresh, kept)
        fresh["velocity"] = _velocities(fresh, old, canvas)
        parts[index] = score.parts[index].with_notes(np.concatenate([kept, fresh]))
    return score.with_parts(parts)


def _fresh_notes(
    canvas: Canvas, slot: int, bars: NDArray[np.bool_], ticks: NDArray[np.int64]
) -> NDArray[np.void]:
    """New notes of one part in ticks of the score, cut where the region ends."""
    cells = canvas.part_notes(slot)
    cells = cells[bars[cells["bar"]]]
    notes = np.zeros(len(cells), dtype=NOTE_DTYPE)
    notes["onset"] = ticks[cells["bar"]] + cells["position"].astype(np.int64) * TICKS_PER_STEP
    stops = np.append(np.flatnonzero(~bars), len(bars))
    limit = ticks[stops[np.searchsorted(stops, cells["bar"], side="right")]]
    length = cells["duration"].astype(np.int64) * TICKS_PER_STEP
    notes["duration"] = np.maximum(np.minimum(length, limit - notes["onset"]), 1)
    for name in ("pitch", "velocity", "origin"):
        notes[name] = cells[name]
    return notes


def _beside(fresh: NDArray[np.void], kept: NDArray[np.void]) -> NDArray[np.void]:
    """Drop or shorten new notes where a kept note of the same pitch sounds."""
    fresh = fresh.copy()
    keep = np.ones(len(fresh), dtype=bool)
    for index, note in enumerate(fresh):
        same = kept[kept["pitch"] == note["pitch"]]
        start, end = int(note["onset"]), int(note["onset"] + note["duration"])
        if ((same["onset"] <= start) & (same["onset"] + same["duration"] > start)).any():
            keep[index] = False
            continue
        later = same["onset"][(same["onset"] > start) & (same["onset"] < end)]
        if len(later):
            note["duration"] = int(later.min()) - start
    return fresh[keep]


def _velocities(
    fresh: NDArray[np.void], old: NDArray[np.void], canvas: Canvas
) -> NDArray[np.int64]:
    """Loudness of new notes: that of the part nearby, with its own accent on downbeats."""
    if not len(fresh):
        return np.zeros(0, dtype=np.int64)
    if not len(old):
        return np.asarray(fresh["velocity"].astype(np.int64))
    reach = _NEAR_BARS * canvas.plan.bar_ticks
    result = np.zeros(len(fresh), dtype=np.int64)
    for index, note in enumerate(fresh):
        near = old[np.abs(old["onset"] - note["onset"]) <= reach]
        near = near if len(near) else old
        weight = 1.0 / (1.0 + np.abs(near["onset"] - note["onset"]) / canvas.plan.bar_ticks)
        result[index] = round(float(np.average(near["velocity"], weights=weight)))
    if len(np.unique(old["velocity"])) >= 3:
        result += np.where(fresh["onset"] % canvas.plan.bar_ticks == 0, 4, 0)
    return np.clip(result, 1, 127)
