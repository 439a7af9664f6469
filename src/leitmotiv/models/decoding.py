"""Decoding: continue a prompt cell by cell, several candidates in one batch.

Every row of the batch is one candidate; rows run through the same target cells at their own pace,
so none waits for another. What may follow is the business of :class:`LogitFilter` objects built by
the caller; this module only applies them.

Public names: :func:`decode`, :class:`Prompt`, :class:`TargetCell`, :class:`RowState`,
:class:`LogitFilter`, :class:`DecodeOptions`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import ModelError
from leitmotiv.models.sampling import sample_id
from leitmotiv.models.session import EventModel

__all__ = ["DecodeOptions", "LogitFilter", "Prompt", "RowState", "TargetCell", "decode"]

_CACHE_STEP = 128
_EMPTY = np.float32(-1e9)

Event = tuple[int, int, int, int]


@dataclass(frozen=True, eq=False)
class Prompt:
    """What the network reads first: events (T, 4), conditions (T, E), time (T,)."""

    events: NDArray[np.int64]
    conditions: NDArray[np.int64]
    time: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class TargetCell:
    """A cell to write: its conditions (E,), the time of its start, ids that frame it.

    ``header`` is the event that opens the cell; ``end`` the position id that closes it;
    ``first_position`` the position id of the cell's first step.
    """

    conditions: NDArray[np.int64]
    start_time: float
    header: Event
    end: int
    first_position: int
    max_events: int = 64


@dataclass
class RowState:
    """One candidate while it grows."""

    cell: int = 0
    cells: list[list[Event]] = field(default_factory=lambda: [[]])
    partial: list[int] = field(default_factory=lambda: [0, 0, 0, 0])
    log_probability: float = 0.0
    num_choices: int = 0

    @property
    def events(self) -> list[Event]:
        """Events of the cell being written."""
        return self.cells[-1]


class LogitFilter(Protocol):
    """Changes logits in place before a field is drawn."""

    def apply(self, field_index: int, logits: NDArray[np.float32], row: RowState) -> None:
        """Mask or bias ``logits`` (V,) of field 0-3 given what the row holds so far."""


@dataclass(frozen=True)
class DecodeOptions:
    """Temperatures by field (position, pitch, duration, velocity) and the min-p cut.

    ``num_fields`` 3 leaves velocity unknown (id 0), for a later stage to decide.
    """

    temperature: tuple[float, float, float, float] = (0.9, 0.9, 0.85, 0.9)
    min_p: float = 0.05
    num_fields: int = 4


class _Cache:
    """Key-value buffers that grow in steps, with one write position for all rows."""

    def __init__(self, model: EventModel, rows: int, places: int) -> None:
        self.model, self.rows = model, rows
        self.length, self.places = 0, -(-places // _CACHE_STEP) * _CACHE_STEP
        self.buffers = model.new_cache(rows, self.places)
        self.mask = np.full((rows, self.places), _EMPTY, dtype=np.float32)

    def append(self, new: Sequence[NDArray[np.float32]], valid: NDArray[np.bool_]) -> None:
        """Add keys and values of T events; ``valid`` (B, T) says which count."""
        count = valid.shape[1]
        if self.length + count > self.places:
            self._grow(self.length + count)
        stop = self.length + count
        for index, (buffer, fresh) in enumerate(zip(self.buffers, new, strict=True)):
            if index % 2 == 0:
                buffer[..., self.length : stop] = fresh
            else:
                buffer[:, :, self.length : stop] = fresh
        self.mask[:, self.length : stop] = np.where(valid, np.float32(0), _EMPTY)
        self.length = stop

    def _grow(self, needed: int) -> None:
        places = -(-needed // _CACHE_STEP) * _CACHE_STEP
        buffers = self.model.new_cache(self.rows, places)
        for index, (old, new) in enumerate(zip(self.buffers, buffers, strict=True)):
            if index % 2 == 0:
                new[..., : self.places] = old
            else:
                new[:, :, : self.places] = old
        mask = np.full((self.rows, places), _EMPTY, dtype=np.float32)
        mask[:, : self.places] = self.mask
        self.buffers, self.mask, self.places = buffers, mask, places


def _prefill(model: EventModel, prompt: Prompt, rows: int) -> _Cache:
    """Run the prompt once and copy its cache to all rows."""
    length = len(prompt.events)
    cache = _Cache(model, rows, length + _CACHE_STEP)
    if length == 0:
        return cache
    single = model.new_cache(1, 1)
    _, new = model.step(
        prompt.events[None].astype(np.int64),
        prompt.conditions[None].astype(np.int64),
        prompt.time[None].astype(np.float32),
        np.arange(length, dtype=np.float32)[None],
        np.full((1, 1), _EMPTY, dtype=np.float32),
        single,
    )
    tiled = [np.broadcast_to(array, (rows, *array.shape[1:])) for array in new]
    cache.append(tiled, np.ones((rows, length), dtype=bool))
    return cache


def decode(
    model: EventModel,
    prompt: Prompt,
    targets: Sequence[TargetCell],
    rng: np.random.Generator,
    *,
    num_candidates: int = 1,
    filters: Sequence[LogitFilter] = (),
    options: DecodeOptions = DecodeOptions(),
) -> list[RowState]:
    """Write the target cells, ``num_candidates`` times.

    Parameters
    ----------
    model : EventModel
    prompt : Prompt
        Context cells; may be empty.
    targets : sequence of TargetCell
        In writing order; at least one.
    rng : numpy.random.Generator
        Each row draws from a generator of its own, so a candidate does not depend on how many
        others are drawn beside it.

    Returns
    -------
    list of RowState
        ``row.cells[i]`` holds the events of target ``i``.

    Raises
    ------
    ModelError
        If there is no target, or the filters leave no id to draw.
    """
    if not targets:
        raise ModelError("targets is empty; name at least one cell to write")
    rows = [RowState() for _ in range(num_candidates)]
    generators = rng.spawn(num_candidates)
    cache = _prefill(model, prompt, num_candidates)
    width = len(targets[0].conditions)
    pending: list[tuple[Event, float] | None] = [
        (targets[0].header, targets[0].start_time) for _ in rows
    ]
    placed = [len(prompt.events)] * num_candidates
    while any(item is not None for item in pending):
        events = np.zeros((num_candidates, 1, 4), dtype=np.int64)
        conditions = np.zeros((num_candidates, 1, width), dtype=np.int64)
        time = np.zeros((num_candidates, 1), dtype=np.float32)
        alive = np.asarray([item is not None for item in pending])
        for number, (row, item) in enumerate(zip(rows, pending, strict=True)):
            if item is not None:
                events[number, 0], time[number, 0] = item
                conditions[number, 0] = targets[row.cell].conditions
        index = np.asarray(placed, dtype=np.float32)[:, None]
        hidden, new = model.step(events, conditions, time, index, cache.mask, cache.buffers)
        cache.append(new, alive[:, None])
        placed = [count + int(live) for count, live in zip(placed, alive, strict=True)]
        pending = _advance(model, hidden[:, -1], rows, alive, targets, filters, options, generators)
    return rows


def _advance(
    model: EventModel,
    hidden: NDArray[np.float32],
    rows: list[RowState],
    alive: NDArray[np.bool_],
    targets: Sequence[TargetCell],
    filters: Sequence[LogitFilter],
    options: DecodeOptions,
    generators: Sequence[np.random.Generator],
) -> list[tuple[Event, float] | None]:
    """Draw what follows in each row and return each row's next input."""
    fields = np.zeros((len(rows), 3), dtype=np.int64)
    writing = alive.copy()
    pending: list[tuple[Event, float] | None] = [None] * len(rows)
    for field_index in range(options.num_fields):
        if not writing.any():
            break
        logits = model.logits(field_index, hidden, fields)
        for number in np.flatnonzero(writing).tolist():
            row = rows[number]
            target = targets[row.cell]
            if field_index == 0:
                row.partial[:] = [0, 0, 0, 0]
            if field_index == 0 and len(row.events) >= target.max_events:
                chosen = target.end
            else:
                chosen = _draw(
                    field_index, logits[number], row, filters, options, generators[number]
                )
            if field_index == 0 and chosen == target.end:
                writing[number] = False
                pending[number] = _next_header(row, targets)
                continue
            row.partial[field_index] = chosen
            if field_index < 3:
                fields[number, field_index] = chosen
    for number in np.flatnonzero(writing).tolist():
        row = rows[number]
        position, pitch, duration, velocity = row.partial
        event = (position, pitch, duration, velocity)
        row.events.append(event)
        target = targets[row.cell]
        pending[number] = (event, target.start_time + position - target.first_position)
    return pending


def _next_header(row: RowState, targets: Sequence[TargetCell]) -> tuple[Event, float] | None:
    row.cell += 1
    if row.cell >= len(targets):
        return None
    row.cells.append([])
    return targets[row.cell].header, targets[row.cell].start_time


def _draw(
    field_index: int,
    logits: NDArray[np.float32],
    row: RowState,
    filters: Sequence[LogitFilter],
    options: DecodeOptions,
    rng: np.random.Generator,
) -> int:
    raw = logits.copy()
    for item in filters:
        item.apply(field_index, logits, row)
    if not np.isfinite(logits.max()):
        raise ModelError(f"filters leave no id for field {field_index} in cell {row.cell}")
    chosen = sample_id(
        logits, rng, temperature=options.temperature[field_index], min_p=options.min_p
    )
    # The likelihood under the network itself, not under the filters, ranks candidates.
    peak = raw.max()
    row.log_probability += float(raw[chosen] - peak - np.log(np.exp(raw - peak).sum()))
    row.num_choices += 1
    return chosen
