"""Cells → event sequences: the prompt the network reads and the cells it is to write.

The layout is the one the network was trained on (``leitmotiv.training.windows``): context cells
bar by bar, then target cells, each opened by a header event; pitches in the home signature.

Public names: :class:`Window`, :func:`lay_out`, :func:`events_to_notes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leitmotiv.tokens import tags
from leitmotiv.tokens.grid import CELL_NOTE_DTYPE, CellGrid, first_at_place
from leitmotiv.tokens.vocabulary import (
    CONDITIONS,
    DRUM_PITCH_OFFSET,
    HEADER,
    PITCH_OFFSET,
    POSITION_OFFSET,
    VELOCITY_BIN,
    duration_to_id,
    id_to_duration,
)

__all__ = ["COLUMN", "Window", "cell_order", "events_to_notes", "lay_out", "window_conditions"]

COLUMN = {name: index for index, name in enumerate(CONDITIONS)}


@dataclass(frozen=True, eq=False)
class Window:
    """A stretch of bars and a choice of parts, ready for the network.

    ``cells`` lists (bar, part) inside the window in sequence order, the first ``num_context`` of
    them context. ``events`` (T, 4), ``time`` (T,) and ``cell_of`` (T,) cover the context only;
    ``conditions`` (bars, parts, E) covers every cell; ``shift`` leads to the home signature.
    """

    cells: tuple[tuple[int, int], ...]
    num_context: int
    events: NDArray[np.int64]
    time: NDArray[np.float32]
    cell_of: NDArray[np.int64]
    conditions: NDArray[np.int64]
    bar_time: NDArray[np.int64]
    shift: int
    start: int
    parts: tuple[int, ...]

    def event_conditions(self) -> NDArray[np.int64]:
        """Conditions of each context event, shape (T, E)."""
        if len(self.cell_of) == 0:
            return np.zeros((0, len(CONDITIONS)), dtype=np.int64)
        bars, slots = np.asarray(self.cells[: self.num_context]).T
        return np.asarray(self.conditions[bars[self.cell_of], slots[self.cell_of]])


def cell_order(
    target: NDArray[np.bool_], shown: NDArray[np.bool_], part_order: Sequence[int]
) -> tuple[list[tuple[int, int]], int]:
    """Shown context cells bar by bar, then target cells bar by bar in ``part_order``."""
    context = np.argwhere(shown & ~target)
    order = np.asarray(part_order, dtype=np.int64)
    bars, places = np.nonzero(target[:, order])
    targets = zip(bars.tolist(), order[places].tolist(), strict=True)
    return [(b, p) for b, p in context.tolist()] + list(targets), len(context)


def window_conditions(
    grid: CellGrid,
    start: int,
    num_bars: int,
    parts: Sequence[int],
    target: NDArray[np.bool_],
    shift: int,
) -> NDArray[np.int64]:
    """Conditions of every cell of a window, shape (num_bars, len(parts), E).

    Density, register and polyphony are read off the notes; a composer overwrites those of cells
    it has yet to write.
    """
    chosen = list(parts)
    table = np.zeros((num_bars, len(chosen), len(CONDITIONS)), dtype=np.int64)
    bars = slice(start, start + num_bars)
    for name, value in (("genre", grid.genre), ("mode", grid.mode), ("tempo", grid.tempo)):
        table[..., COLUMN[name]] = value
    chord = tags.transpose_chord_id(grid.chords[bars], shift)
    by_bar = {
        "meter": grid.meter[bars],
        "bar": np.arange(1, num_bars + 1),
        "bars_to_end": tags.bars_to_end_id(grid.num_bars - start - np.arange(num_bars)),
        "breath": grid.breath[bars],
        "chord": chord[:, 0],
        "second_chord": chord[:, 1],
        "energy": grid.energy[bars],
    }
    for name, column in by_bar.items():
        table[..., COLUMN[name]] = column[:, None]
    table[:-1, :, COLUMN["next_chord"]] = chord[1:, :1]
    table[..., COLUMN["part"]] = np.minimum(np.arange(len(chosen)), 15) + 1
    table[..., COLUMN["role"]] = grid.roles[chosen]
    table[..., COLUMN["program"]] = np.where(grid.is_drum[chosen], 129, grid.programs[chosen] + 1)
    keys = grid.notes["bar"]
    inside = slice(np.searchsorted(keys, start), np.searchsorted(keys, start + num_bars))
    notes = grid.notes[inside]
    place = (notes["bar"] - start).astype(np.int64) * grid.num_parts + notes["part"]
    count = np.bincount(place, minlength=num_bars * grid.num_parts)
    count = count.reshape(num_bars, grid.num_parts)[:, chosen]
    table[..., COLUMN["density"]] = tags.density_id(count, grid.bar_steps[bars][:, None])
    total = np.bincount(notes["part"], weights=notes["pitch"], minlength=grid.num_parts)[chosen]
    onsets = np.bincount(notes["part"][first_at_place(notes)], minlength=grid.num_parts)[chosen]
    number = count.sum(axis=0)
    pitched = (number > 0) & ~grid.is_drum[chosen]
    mean, ratio = total[pitched] / number[pitched] + shift, number[pitched] / onsets[pitched]
    table[:, pitched, COLUMN["register"]] = tags.register_id(mean)
    table[:, pitched, COLUMN["polyphony"]] = tags.polyphony_id(ratio)
    table[..., COLUMN["target"]] = np.where(target, 2, 1)
    return table


def lay_out(
    grid: CellGrid,
    *,
    start: int,
    num_bars: int,
    parts: Sequence[int],
    target: NDArray[np.bool_],
    shown: NDArray[np.bool_] | None = None,
    part_order: Sequence[int] | None = None,
    known_velocity: bool = True,
) -> Window:
    """Lay out bars ``start`` to ``start + num_bars`` of the given parts.

    Parameters
    ----------
    grid : CellGrid
        The piece so far; notes of target cells are not shown to the network.
    target : ndarray of bool, shape (num_bars, len(parts))
        Cells to write.
    shown : ndarray of bool, shape (num_bars, len(parts)), optional
        Cells that exist yet; all by default. Others are neither context nor target.
    part_order : sequence of int, optional
        Order of slots inside each bar of the targets; 0, 1, 2 ... by default.
    known_velocity : bool
        Whether the context's velocities mean anything.
    """
    chosen = tuple(parts)
    shift = int(tags.home_shift(grid.fifths[start])) if grid.num_bars else 0
    cells, num_context = cell_order(
        target, np.ones_like(target) if shown is None else shown, part_order or range(len(chosen))
    )
    bar_time = np.concatenate([[0], np.cumsum(grid.bar_steps[start : start + num_bars])])
    bars, slots = np.nonzero(~target if shown is None else shown & ~target)
    keys = grid.notes["bar"].astype(np.int64) * grid.num_parts + grid.notes["part"]
    wanted = (start + bars) * grid.num_parts + np.asarray(chosen, dtype=np.int64)[slots]
    first = np.searchsorted(keys, wanted)
    count = np.searchsorted(keys, wanted, side="right") - first
    header = np.cumsum(count + 1) - count - 1
    owner = np.repeat(np.arange(num_context), count + 1)
    events = np.zeros((len(owner), 4), dtype=np.int64)
    is_note = np.ones(len(owner), dtype=bool)
    is_note[header] = False
    # A cell's notes stand together in the grid, so a row is as far in as its event is.
    rows = (np.arange(len(owner)) - header[owner] - 1 + first[owner])[is_note]
    notes = grid.notes[rows]
    drum = grid.is_drum[notes["part"]]
    events[header, 0] = HEADER
    events[is_note, 0] = notes["position"] + POSITION_OFFSET
    moved = notes["pitch"] + np.where(drum, DRUM_PITCH_OFFSET, PITCH_OFFSET + shift)
    events[is_note, 1] = np.clip(moved, 1, 256)
    events[is_note, 2] = duration_to_id(notes["duration"])
    if known_velocity:
        events[is_note, 3] = np.clip(notes["velocity"] // VELOCITY_BIN + 1, 1, 8)
    time = bar_time[bars[owner]] + np.maximum(events[:, 0] - POSITION_OFFSET, 0)
    return Window(
        cells=tuple(cells),
        num_context=num_context,
        events=events,
        time=time.astype(np.float32),
        cell_of=owner,
        conditions=window_conditions(grid, start, num_bars, chosen, target, shift),
        bar_time=bar_time,
        shift=shift,
        start=start,
        parts=chosen,
    )


def events_to_notes(
    window: Window, cells: Sequence[Sequence[tuple[int, int, int, int]]], origin: int
) -> NDArray[np.void]:
    """Turn written target cells back into cell notes, transposed out of the home signature.

    ``cells[i]`` holds the events of the window's target ``i``; a drum event keeps its key. An
    unknown velocity (id 0) becomes 80.
    """
    rows: list[tuple[int, int, int, int, int, int, int]] = []
    targets = window.cells[window.num_context :]
    for (bar, slot), events in zip(targets, cells, strict=False):
        for position, pitch, duration, velocity in events:
            drum = pitch >= DRUM_PITCH_OFFSET
            midi = pitch - DRUM_PITCH_OFFSET if drum else pitch - PITCH_OFFSET - window.shift
            if not 0 <= midi <= 127:
                continue
            rows.append(
                (
                    window.start + bar,
                    window.parts[slot],
                    position - POSITION_OFFSET,
                    midi,
                    int(id_to_duration(duration)),
                    velocity * VELOCITY_BIN - 8 if velocity else 80,
                    origin,
                )
            )
    notes = np.asarray(rows, dtype=CELL_NOTE_DTYPE)
    return notes[
        np.lexsort(
            (notes["duration"], notes["pitch"], notes["position"], notes["part"], notes["bar"])
        )
    ]
