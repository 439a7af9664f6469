"""Transcript: a whole score as ids, with what ids cannot say kept beside them.

Purpose: nothing of a piece is lost on its way through the tokens, and it is plain what the network
sees of it and what it does not.

Conventions: a transcript has three layers, each of which may be dropped.

- ``ids`` (T, 4): what the network reads. Every bar × part is one cell, bars first: a header event,
  then the cell's notes as (position, pitch, duration, velocity) ids of
  :mod:`leitmotiv.tokens.vocabulary`, pitches in the home signature.
- ``frame``: the score without its notes: parts, controllers and the maps of tempo, meter, key,
  chord and section, as they are.
- ``residual``: for each note, in the order of the ids, what rounding took: ticks of onset and
  duration (grace notes, rubato), the exact velocity, and who wrote it. It is all zero but for
  velocity and origin where a score is quantised.

With all three a score comes back as it was; without the residual it comes back quantised, which is
where the performance stage begins.

Public names: :class:`Transcript`, :func:`transcribe`, :func:`restore`, :data:`RESIDUAL_DTYPE`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import ScoreError
from leitmotiv.score import NOTE_DTYPE, Score
from leitmotiv.tokens import tags
from leitmotiv.tokens.grid import TICKS_PER_STEP, grid_order, score_to_grid
from leitmotiv.tokens.sequence import lay_out
from leitmotiv.tokens.vocabulary import (
    DRUM_PITCH_OFFSET,
    HEADER,
    PITCH_OFFSET,
    POSITION_OFFSET,
    VELOCITY_BIN,
    id_to_duration,
)

__all__ = ["RESIDUAL_DTYPE", "Transcript", "restore", "transcribe"]

RESIDUAL_DTYPE = np.dtype(
    [
        ("onset", "<i4"),  # ticks to add
        ("duration", "<i4"),  # ticks to add
        ("pitch", "i1"),  # semitones to add: not 0 where the home signature leads off the keyboard
        ("velocity", "u1"),  # 1-127, in place of the id's
        ("origin", "u1"),
    ]
)


@dataclass(frozen=True, eq=False)
class Transcript:
    """Ids (T, 4), the score without notes, and the residual (M,) of RESIDUAL_DTYPE or None."""

    ids: NDArray[np.int64]
    frame: Score
    residual: NDArray[np.void] | None = None

    @property
    def num_notes(self) -> int:
        """Notes in the ids."""
        return int(np.count_nonzero(self.ids[:, 0] != HEADER))


def transcribe(score: Score) -> Transcript:
    """Turn a score into a transcript.

    Examples
    --------
    >>> from leitmotiv.score import Part, Score, make_notes
    >>> score = Score(parts=(Part("Flute", notes=make_notes([0, 487], [480, 233], [60, 62])),))
    >>> transcript = transcribe(score)
    >>> transcript.ids.tolist()
    [[2, 0, 0, 0], [3, 61, 24, 6], [27, 63, 12, 6]]
    >>> transcript.residual["onset"].tolist(), transcript.residual["duration"].tolist()
    ([0, 7], [0, -7])
    >>> restore(transcript) == score
    True
    """
    grid = score_to_grid(score)
    window = lay_out(
        grid,
        start=0,
        num_bars=grid.num_bars,
        parts=range(grid.num_parts),
        target=np.zeros((grid.num_bars, grid.num_parts), dtype=bool),
    )
    frame = score.with_parts(part.with_notes(np.zeros(0, dtype=NOTE_DTYPE)) for part in score.parts)
    rounded, _ = _notes(window.events, frame)
    residual = np.zeros(len(rounded), dtype=RESIDUAL_DTYPE)
    joined = [part.notes for part in score.parts]
    exact = np.concatenate(joined)[grid_order(score)] if joined else rounded
    for name in ("onset", "duration"):
        residual[name] = exact[name] - rounded[name]
    residual["pitch"] = exact["pitch"].astype(np.int16) - rounded["pitch"].astype(np.int16)
    residual["velocity"], residual["origin"] = exact["velocity"], exact["origin"]
    return Transcript(window.events, frame, residual)


def restore(transcript: Transcript, *, exact: bool = True) -> Score:
    """Turn a transcript back into a score.

    Parameters
    ----------
    transcript : Transcript
    exact : bool
        Add the residual; otherwise, and where there is none, the score is quantised, velocities
        stand in the middle of their bands (80 where unknown) and every note is of origin HUMAN.

    Raises
    ------
    ScoreError
        If the ids hold other cells than the frame's bars × parts, or the residual other notes.
    """
    notes, owner = _notes(transcript.ids, transcript.frame)
    residual = transcript.residual
    if exact and residual is not None:
        if len(residual) != len(notes):
            raise ScoreError(
                f"residual of {len(residual)} notes must have the {len(notes)} notes of the ids; "
                "drop the residual after changing ids"
            )
        for name in ("onset", "duration", "pitch"):
            notes[name] = notes[name].astype(np.int64) + residual[name]
        notes["velocity"], notes["origin"] = residual["velocity"], residual["origin"]
    parts = [
        part.with_notes(notes[owner == index]) for index, part in enumerate(transcript.frame.parts)
    ]
    return transcript.frame.with_parts(parts)


def _notes(ids: NDArray[np.int64], frame: Score) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    """Quantised notes of NOTE_DTYPE in the order of the ids, and the part of each."""
    grid = score_to_grid(frame)
    header = ids[:, 0] == HEADER
    cell = np.cumsum(header) - 1
    if int(header.sum()) != grid.num_bars * grid.num_parts or (len(ids) and not header[0]):
        raise ScoreError(
            f"ids hold {int(header.sum())} cells; they must hold {grid.num_bars} bars x "
            f"{grid.num_parts} parts, each opened by a header"
        )
    cell, events = cell[~header], ids[~header]
    bar, part = np.divmod(cell, max(grid.num_parts, 1))
    shift = int(tags.home_shift(grid.fifths[0])) if grid.num_bars else 0
    notes = np.zeros(len(events), dtype=NOTE_DTYPE)
    step = grid.bar_starts[bar] + events[:, 0] - POSITION_OFFSET
    notes["onset"] = step * TICKS_PER_STEP
    notes["duration"] = id_to_duration(events[:, 2]) * TICKS_PER_STEP
    offset = np.where(grid.is_drum[part], DRUM_PITCH_OFFSET, PITCH_OFFSET + shift)
    notes["pitch"] = np.clip(events[:, 1] - offset, 0, 127)
    notes["velocity"] = np.where(events[:, 3] > 0, events[:, 3] * VELOCITY_BIN - 8, 80)
    return notes, part
