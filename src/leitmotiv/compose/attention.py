"""Which musical events a note owes its likelihood to.

Purpose: attention over bars and parts instead of tokens. The network reads its context once; then
the note is predicted again with the places of one cell closed to attention, for every cell in one
batch. What the note loses in log-probability is the cell's say ("attention knockout").

Conventions: changes are in nats, positive where the hidden events spoke for the note. Only the
direct look is closed; what other events have taken over from the hidden ones stays.

Public names: :func:`knock_out`.

Reference: M. Geva et al., "Dissecting recall of factual associations in auto-regressive language
models", EMNLP 2023, section 4 (attention knockout).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from leitmotiv.models import EventModel

__all__ = ["knock_out"]

_CLOSED = np.float32(-1e9)
_ROWS = 48  # rows of a batch, which bounds the memory of the copied cache


def _nats(
    model: EventModel, hidden: NDArray[np.float32], note: Sequence[int]
) -> NDArray[np.float64]:
    """Log-probability (B,) of a note's position, pitch and duration."""
    fields = np.tile(np.asarray(note[:3], dtype=np.int64), (len(hidden), 1))
    total = np.zeros(len(hidden))
    for field in range(3):
        logits = model.logits(field, hidden, fields).astype(np.float64)
        peak = logits.max(axis=1, keepdims=True)
        total += logits[:, note[field]] - peak[:, 0] - np.log(np.exp(logits - peak).sum(axis=1))
    return total


def knock_out(
    model: EventModel,
    events: NDArray[np.int64],
    conditions: NDArray[np.int64],
    time: NDArray[np.float32],
    note: Sequence[int],
    groups: Sequence[NDArray[np.bool_]],
) -> tuple[float, NDArray[np.float64]]:
    """Predict a note with each group of events hidden.

    Parameters
    ----------
    events : (T, 4); conditions : (T, E); time : (T,)
        Everything before the note, at least one event. The last one asks and stays visible.
    note : four ids
        The note that follows.
    groups : sequence of (T,) bool
        Events to hide, one group at a time.

    Returns
    -------
    nats : float
        Log-probability of the note with everything in view.
    changes : (len(groups),)
        How much it falls when a group is hidden.
    """
    known = len(events) - 1
    places = max(known, 1)
    cache = model.new_cache(1, places)
    shown = np.full(places, _CLOSED, dtype=np.float32)
    if known:
        _, cache = model.step(
            events[None, :known], conditions[None, :known], time[None, :known],
            np.arange(known, dtype=np.float32)[None], np.full((1, 1), _CLOSED, dtype=np.float32),
            model.new_cache(1, 1),
        )  # fmt: skip
        shown[:] = 0.0
    masks = np.tile(shown, (len(groups) + 1, 1))
    for number, group in enumerate(groups):
        masks[number + 1, :known][group[:known]] = _CLOSED
    nats = []
    for start in range(0, len(masks), _ROWS):
        mask = masks[start : start + _ROWS]
        rows = len(mask)
        hidden, _ = model.step(
            np.tile(events[None, -1:], (rows, 1, 1)),
            np.tile(conditions[None, -1:], (rows, 1, 1)),
            np.tile(time[None, -1:], (rows, 1)).astype(np.float32),
            np.full((rows, 1), known, dtype=np.float32),
            mask,
            [np.ascontiguousarray(np.broadcast_to(a, (rows, *a.shape[1:]))) for a in cache],
        )
        nats.append(_nats(model, hidden[:, -1], note))
    result = np.concatenate(nats)
    return float(result[0]), np.asarray(result[0] - result[1:])
