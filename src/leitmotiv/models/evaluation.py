"""How surprised a model is: nats of given events under an ONNX model.

Shapes: ``T`` events, ``E`` conditions, four fields.

Public names: :class:`EventScorer`, :func:`field_nats`, :class:`SessionScorer`.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from leitmotiv.models.session import EventModel

__all__ = ["EventScorer", "SessionScorer", "field_nats"]

_NO_CACHE = np.float32(-1e9)


class EventScorer(Protocol):
    """Whatever tells how likely a model finds what follows each event."""

    def nats(
        self,
        events: NDArray[np.int64],
        conditions: NDArray[np.int64],
        time: NDArray[np.float32],
        targets: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """Return nats (T, 4) of ``targets`` (T, 4); 0 where a target is 0."""


def field_nats(logits: NDArray[np.float32], answers: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return -ln of the answers' probabilities, shape (T,), from logits (T, V); 0 for answer 0.

    Examples
    --------
    >>> field_nats(np.zeros((2, 4), np.float32), np.asarray([3, 0])).round(3).tolist()
    [1.386, 0.0]
    """
    exact = logits.astype(np.float64)
    peak = exact.max(axis=1, keepdims=True)
    log_sum = np.log(np.exp(exact - peak).sum(axis=1)) + peak[:, 0]
    return np.where(answers > 0, log_sum - exact[np.arange(len(answers)), answers], 0.0)


class SessionScorer:
    """An :class:`EventScorer` over an ONNX model."""

    def __init__(self, model: EventModel) -> None:
        self.model = model

    def nats(
        self,
        events: NDArray[np.int64],
        conditions: NDArray[np.int64],
        time: NDArray[np.float32],
        targets: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """Return nats (T, 4) of ``targets`` (T, 4); 0 where a target is 0."""
        hidden, _ = self.model.step(
            events[None],
            conditions[None],
            time[None].astype(np.float32),
            np.arange(len(events), dtype=np.float32)[None],
            np.full((1, 1), _NO_CACHE, dtype=np.float32),
            self.model.new_cache(1, 1),
        )
        result = np.zeros((len(events), 4))
        for field in range(4):
            if targets[:, field].any():
                logits = self.model.logits(field, hidden[0], targets[:, :3])
                result[:, field] = field_nats(logits, targets[:, field])
        return result
