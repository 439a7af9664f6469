"""The journal: who wrote which cell, kept while a piece is composed.

Purpose: let :mod:`leitmotiv.compose.explain` say which rule, copy or draw of the network put a note
where it is. Nothing is kept unless a journal is open, and keeping one changes no note.

Public names: :class:`Journal`, :class:`Step`, :class:`Written`, :func:`open_journal`,
:func:`active_journal`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.cell_rule import CellRule, GuidanceOptions
from leitmotiv.models import RowState
from leitmotiv.tokens.sequence import Window

__all__ = ["Journal", "Step", "Written", "active_journal", "open_journal"]


@dataclass(frozen=True, eq=False)
class Written:
    """One request to the network: what it read, the rules, the candidate that was kept.

    ``scores`` holds the ranking of every candidate, ``chosen`` the index of the one kept.
    """

    bars: range
    window: Window
    rules: Sequence[CellRule]
    options: GuidanceOptions
    row: RowState
    scores: tuple[float, ...]
    chosen: int
    lead: bool


@dataclass(frozen=True, eq=False)
class Step:
    """A change of one cell: the rule that made it, and what stands in the cell afterwards."""

    rule: str
    notes: NDArray[np.void]
    written: Written | None = None


@dataclass
class Journal:
    """Changes of every cell, oldest first."""

    steps: dict[tuple[int, int], list[Step]] = field(default_factory=dict)
    request: Written | None = None

    def note_change(self, bar: int, part: int, rule: str, notes: NDArray[np.void]) -> None:
        """Keep what a rule left in a cell, if it changed anything."""
        steps = self.steps.setdefault((bar, part), [])
        if len(notes) == 0 and not steps:
            return
        if not steps or not np.array_equal(steps[-1].notes, notes):
            by_network = rule == "write" and self.request is not None
            steps.append(Step(rule, notes.copy(), self.request if by_network else None))


_ACTIVE: ContextVar[Journal | None] = ContextVar("journal", default=None)


@contextmanager
def open_journal() -> Iterator[Journal]:
    """Keep a journal of everything that is composed inside the ``with`` block."""
    journal = Journal()
    token = _ACTIVE.set(journal)
    try:
        yield journal
    finally:
        _ACTIVE.reset(token)


def active_journal() -> Journal | None:
    """Return the open journal, None where nobody keeps one."""
    return _ACTIVE.get()


def calling_rule() -> str:
    """Return the name of the function that asked the canvas to write.

    A rule of ``compose`` is one function, so its name says which rule it was; ``_put`` only lays
    down what the function before it decided.
    """
    frame = sys._getframe(2)
    if frame.f_code.co_name == "_put" and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code.co_name.lstrip("_")
