"""Locked bars and parts while a plan is composed: shown to the network, returned bit for bit.

Conventions: a locked cell stands on the canvas from the beginning, on the composer's grid, as
context for everything else; the score that leaves has the lock's own notes in its place, also
where they lie off the grid. A free note never reaches into a locked one of its pitch.

Public names: :func:`canvas_locks`, :func:`keep_locked`.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.part_writing import is_single_line
from leitmotiv.plan import Plan
from leitmotiv.plan.locks import PlanLock
from leitmotiv.score import NOTE_DTYPE, Score
from leitmotiv.tokens.grid import CELL_NOTE_DTYPE, TICKS_PER_STEP

__all__ = ["canvas_locks", "keep_locked"]


def _notes_of(lock: PlanLock, bar_ticks: int) -> NDArray[np.void]:
    notes = np.zeros(len(lock.notes), dtype=NOTE_DTYPE)
    if len(notes):
        rows = np.asarray(lock.notes, dtype=np.int64)
        for column, name in enumerate(("onset", "duration", "pitch", "velocity", "origin")):
            notes[name] = rows[:, column]
        notes["onset"] += lock.start_bar_index * bar_ticks
    return notes


def _by_part(plan: Plan) -> Iterator[tuple[int, PlanLock]]:
    index = {part.name: number for number, part in enumerate(plan.parts)}
    for lock in plan.locks:
        yield index[lock.part], lock


def canvas_locks(plan: Plan) -> NDArray[np.void]:
    """Return the locked notes as canvas notes."""
    pieces = [np.zeros(0, dtype=CELL_NOTE_DTYPE)]
    steps = plan.bar_ticks // TICKS_PER_STEP
    for part, lock in _by_part(plan):
        notes = _notes_of(lock, plan.bar_ticks)
        cells = np.zeros(len(notes), dtype=CELL_NOTE_DTYPE)
        cells["bar"] = notes["onset"] // plan.bar_ticks
        place = np.round(notes["onset"] % plan.bar_ticks / TICKS_PER_STEP).astype(np.int64)
        cells["position"] = np.minimum(place, steps - 1)
        length = np.round(notes["duration"] / TICKS_PER_STEP).astype(np.int64)
        cells["duration"], cells["part"] = np.maximum(length, 1), part
        for name in ("pitch", "velocity", "origin"):
            cells[name] = notes[name]
        pieces.append(cells)
    return np.concatenate(pieces)


def keep_locked(score: Score, plan: Plan) -> Score:
    """Return the score with the locks' own notes in the locked cells, bit for bit."""
    locks: dict[int, list[PlanLock]] = {}
    for part, lock in _by_part(plan):
        locks.setdefault(part, []).append(lock)
    for part, mine in locks.items():
        own = np.concatenate([_notes_of(lock, plan.bar_ticks) for lock in mine])
        notes = score.parts[part].notes
        bars = np.asarray([bar for lock in mine for bar in lock.bars])
        free = notes[~np.isin(notes["onset"] // plan.bar_ticks, bars)].copy()
        if not plan.parts[part].is_drum:
            free = _beside(free, own, single=is_single_line(plan, part))
        score = score.with_part(part, score.parts[part].with_notes(np.concatenate([free, own])))
    return score


def _beside(free: NDArray[np.void], locked: NDArray[np.void], *, single: bool) -> NDArray[np.void]:
    """Shorten or drop free notes where a locked one sounds: of their pitch, in a line of any."""
    start = locked["onset"].astype(np.int64)
    end = start + locked["duration"]
    keep = np.ones(len(free), dtype=bool)
    for index, note in enumerate(free):
        alike = np.ones(len(locked), dtype=bool) if single else locked["pitch"] == note["pitch"]
        onset = int(note["onset"])
        stop = onset + int(note["duration"])
        over = end[alike & (start <= onset) & (end > onset)]
        if len(over):  # a locked note rings on: the free one waits for its end
            onset = int(over.max())
        later = start[alike & (start > note["onset"]) & (start < stop)]
        if len(later):
            stop = int(later.min())
        keep[index] = stop > onset
        note["onset"], note["duration"] = onset, max(stop - onset, 1)
    return free[keep]
