"""Evaluation: how many bits a model needs for pieces that it has never seen.

Purpose: one number that compares composers on anybody's music. A piece is read as in training
(24 steps a quarter, bar lines after the upbeat, home signature) and every note is predicted once
from what came before it; the summed surprise, divided by the number of notes, is *bits per note*.

Conventions:

- A note costs its position (with the ends of cells, so silence costs too), pitch and duration.
  Velocity is counted apart, where the file has at least three different ones.
- *Given*: the model is told what the composer would be told by a plan, read off the piece itself:
  chords, density, register, role, instrument, energy. *None*: it knows meter, bar and part number.
- Meter, key signature, the number of parts and which of them sound in a passage are given in both
  cases and cost nothing.

Public names: :class:`BitCount`, :func:`evaluate_score`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from leitmotiv.models.evaluation import EventScorer
from leitmotiv.score import Score
from leitmotiv.score.analysis import align_bars, estimate_key
from leitmotiv.tokens import tags
from leitmotiv.tokens.grid import CellGrid, score_to_grid
from leitmotiv.tokens.passages import piece_passages, without_conditions

__all__ = ["BitCount", "evaluate_score", "score_to_evaluation_grid"]

_FIELDS = ("position", "pitch", "duration", "velocity")
_MIN_VELOCITIES = 3


@dataclass
class BitCount:
    """Bits of position, pitch, duration and velocity over a number of notes and seconds.

    Counts add: ``a + b`` is the count of both pieces together.
    """

    bits: NDArray[np.float64] = field(default_factory=lambda: np.zeros(4))
    num_notes: int = 0
    num_velocities: int = 0
    seconds: float = 0.0

    def __add__(self, other: BitCount) -> BitCount:
        return BitCount(
            self.bits + other.bits,
            self.num_notes + other.num_notes,
            self.num_velocities + other.num_velocities,
            self.seconds + other.seconds,
        )

    @property
    def bits_per_note(self) -> float:
        """Position, pitch and duration; NaN without notes."""
        return float(self.bits[:3].sum()) / self.num_notes if self.num_notes else math.nan

    @property
    def bits_per_second(self) -> float:
        """The same bits over the seconds of music; NaN without any."""
        return float(self.bits[:3].sum()) / self.seconds if self.seconds else math.nan

    def field_bits(self) -> dict[str, float]:
        """Bits a note of each field; velocity over the notes whose velocity counts."""
        counts = [self.num_notes] * 3 + [self.num_velocities]
        return {
            name: float(bits) / count if count else math.nan
            for name, bits, count in zip(_FIELDS, self.bits, counts, strict=True)
        }


def score_to_evaluation_grid(score: Score) -> tuple[CellGrid, bool]:
    """Return the piece on the grid with its tags, and whether its velocities mean anything.

    Genre and tempo stay unknown: a file's tempo is often a default that nobody chose.
    """
    score = align_bars(score)
    key = score.keys[0].key if score.keys else estimate_key(score)
    grid = score_to_grid(score, mode=tags.mode_id(str(key.mode)))
    if not score.keys:
        grid.fifths[:] = key.fifths
    known = len(np.unique(grid.notes["velocity"])) >= _MIN_VELOCITIES
    return grid, known


def evaluate_score(scorer: EventScorer, score: Score) -> tuple[BitCount, BitCount]:
    """Count the bits that a model needs for one piece.

    Parameters
    ----------
    scorer : EventScorer
        A :class:`~leitmotiv.models.evaluation.SessionScorer`, or a checkpoint's.
    score : Score
        Any score; notes are rounded to the grid.

    Returns
    -------
    (BitCount, BitCount)
        With conditions given, and with none. Both are empty for a score without notes.
    """
    grid, known = score_to_evaluation_grid(score)
    given, none = BitCount(), BitCount()
    for passage in piece_passages(grid, known_velocity=known):
        answers = np.where(passage.counted[:, None], passage.targets, 0)
        notes = int((answers[:, 1] > 0).sum())
        velocities = int((answers[:, 3] > 0).sum())
        for count, conditions in (
            (given, passage.conditions),
            (none, without_conditions(passage.conditions)),
        ):
            # The heads read the earlier fields from the targets, so all of them are handed over.
            nats = scorer.nats(passage.events, conditions, passage.time, passage.targets)
            count.bits += nats[passage.counted].sum(axis=0) / math.log(2)
            count.num_notes += notes
            count.num_velocities += velocities
    for count in (given, none):
        count.seconds = score.duration_sec if count.num_notes else 0.0
    return given, none
