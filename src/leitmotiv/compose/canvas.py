"""The canvas: a plan's bars × parts while they are being filled.

The canvas is a :class:`~leitmotiv.tokens.grid.CellGrid` whose tags come from the plan instead of
from notes, so the network is told what the plan wants. It is the one mutable thing in
``compose``; what leaves is a Score.

Public names: :class:`Canvas`, :data:`CORPUS_GENRES`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.journal import active_journal, calling_rule
from leitmotiv.plan import Plan
from leitmotiv.score import (
    ChordChange,
    KeyChange,
    MeterChange,
    Part,
    Score,
    SectionMark,
    TempoMap,
)
from leitmotiv.styles.library import load_style
from leitmotiv.tokens import tags
from leitmotiv.tokens.grid import CELL_NOTE_DTYPE, TICKS_PER_STEP, CellGrid, grid_to_notes

__all__ = ["CORPUS_GENRES", "Canvas"]

# What the corpus calls the music that is nearest to a genre of the vocabulary.
CORPUS_GENRES = {
    **dict.fromkeys(("waltz", "nocturne", "ragtime"), "piano"),
    **dict.fromkeys(("march", "orchestral"), "orchestral"),
    **dict.fromkeys(("classical", "baroque"), "chamber"),
    **dict.fromkeys(("folk", "celtic"), "folk"),
    **dict.fromkeys(("tango", "bossa", "blues", "jazz", "pop"), "art song"),
    **dict.fromkeys(
        ("rock", "funk", "electronic", "synthwave", "ambient", "lo-fi", "hip-hop", "chiptune"),
        "game/rock/electronic",
    ),
    "hymn": "hymn",
    "choral": "choral",
}


def _corpus_genre(plan: Plan) -> int:
    strings = [p for p in plan.parts if p.program in range(40, 44) and not p.is_drum]
    if len(strings) == plan.num_parts == 4:
        return tags.genre_id("string quartet")
    if all(p.program < 8 for p in plan.parts):
        return tags.genre_id("piano")
    style = load_style(plan.style) if plan.style is not None else None
    told = style.conditions.trained_as if style is not None else None
    return tags.genre_id(told or CORPUS_GENRES.get(plan.genre))


class Canvas:
    """Notes of every cell, written region by region.

    Attributes
    ----------
    plan : Plan
    grid : CellGrid
        Bars, tags and the notes written so far.
    steps : int
        Steps in a bar.
    half_step : int
        Step at which the second half of a bar begins.
    locked : ndarray of bool, shape (num_bars, num_parts)
        Cells that :meth:`write` leaves alone.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.steps = plan.bar_ticks // TICKS_PER_STEP
        self.half_step = plan.half_tick // TICKS_PER_STEP
        self.locked = np.zeros((plan.num_bars, plan.num_parts), dtype=bool)
        bars, meter = plan.num_bars, plan.meter_value
        keys = [plan.key_at(bar) for bar in range(bars)]
        chords = [
            [tags.chord_symbol_id(plan.chord_at(bar, half)) for half in (0, 1)]
            for bar in range(bars)
        ]
        endings = {p.end_bar_index - 1 for s in plan.sections for p in s.phrases}
        energy = [plan.section_at(bar).energy for bar in range(bars)]
        self.grid = CellGrid(
            notes=np.zeros(0, dtype=CELL_NOTE_DTYPE),
            bar_steps=np.full(bars, self.steps, dtype=np.int64),
            meter=np.full(bars, tags.meter_id(meter.numerator, meter.denominator)),
            fifths=np.asarray([key.fifths for key in keys], dtype=np.int64),
            chords=np.asarray(chords, dtype=np.int64),
            breath=np.asarray([2 if bar in endings else 1 for bar in range(bars)]),
            energy=tags.energy_id(40 + 60 * np.asarray(energy)),
            programs=np.asarray([part.program for part in plan.parts], dtype=np.int64),
            is_drum=np.asarray([part.is_drum for part in plan.parts], dtype=bool),
            roles=np.asarray([tags.role_id(part.role) for part in plan.parts], dtype=np.int64),
            genre=_corpus_genre(plan),
            mode=tags.mode_id(str(plan.key_value.mode)),
            tempo=tags.tempo_id(plan.qpm_at(0)),
        )

    @property
    def notes(self) -> NDArray[np.void]:
        """All notes, sorted by bar, part, position, pitch."""
        return self.grid.notes

    def cell(self, bar: int, part: int) -> NDArray[np.void]:
        """Notes that start in one cell."""
        notes = self.grid.notes
        return notes[(notes["bar"] == bar) & (notes["part"] == part)]

    def part_notes(self, part: int) -> NDArray[np.void]:
        """One part's notes in bar order."""
        return self.grid.notes[self.grid.notes["part"] == part]

    def write(self, cells: Iterable[tuple[int, int]], notes: NDArray[np.void]) -> None:
        """Replace what stands in the given (bar, part) cells by notes of those cells.

        Locked cells keep what stands in them.
        """
        width = self.grid.num_parts
        cells = [(bar, part) for bar, part in cells if not self.locked[bar, part]]
        notes = notes[~self.locked[notes["bar"], notes["part"]]]
        keys = {bar * width + part for bar, part in cells}
        old = self.grid.notes
        old_keys = old["bar"].astype(np.int64) * width + old["part"]
        kept = old[~np.isin(old_keys, np.fromiter(keys, dtype=np.int64, count=len(keys)))]
        self._set(np.concatenate([kept, notes]))
        journal = active_journal()
        if journal is not None:
            rule = calling_rule()
            for bar, part in cells:
                journal.note_change(bar, part, rule, self.cell(bar, part))

    def _set(self, notes: NDArray[np.void]) -> None:
        order = np.lexsort(
            (notes["duration"], notes["pitch"], notes["position"], notes["part"], notes["bar"])
        )
        self.grid = replace(self.grid, notes=notes[order])

    def to_score(self) -> Score:
        """Return the canvas as a quantised Score with the plan's maps."""
        plan = self.plan
        bar_ticks = plan.bar_ticks
        keys: list[KeyChange] = []
        for section in plan.sections:
            key = plan.key_at(section.start_bar_index)
            if not keys or keys[-1].key != key:
                keys.append(KeyChange(section.start_bar_index * bar_ticks, key))
        chords: list[ChordChange] = []
        for entry in plan.chords:
            chord = plan.chord_at(entry.bar_index, entry.half)
            if not chords or chords[-1].chord != chord:
                tick = entry.bar_index * bar_ticks + entry.half * plan.half_tick
                chords.append(ChordChange(tick, chord))
        return Score(
            parts=tuple(
                Part(
                    name=part.name,
                    program=part.program,
                    is_drum=part.is_drum,
                    role=part.role,
                    notes=grid_to_notes(self.grid, index),
                )
                for index, part in enumerate(plan.parts)
            ),
            tempo_map=TempoMap(
                tuple(tempo.bar_index * bar_ticks for tempo in plan.tempos),
                tuple(plan.qpm_at(tempo.bar_index) for tempo in plan.tempos),
            ),
            meters=(MeterChange(0, plan.meter_value),),
            keys=tuple(keys),
            chords=tuple(chords),
            sections=tuple(
                SectionMark(section.start_bar_index * bar_ticks, section.label)
                for section in plan.sections
            ),
            title=plan.title,
            length_ticks=plan.num_bars * bar_ticks,
        )
