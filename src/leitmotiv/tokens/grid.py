"""Score ↔ cell grid: notes sorted into bars × parts on the 24-step grid, with their tags.

Conventions: positions and durations are steps (24 a quarter); pitches are MIDI pitches as
written, not yet moved to the home signature. Bars longer than eight quarters are read as several.

Public names: :class:`CellGrid`, :data:`CELL_NOTE_DTYPE`, :func:`score_to_grid`,
:func:`grid_to_notes`, :func:`first_at_place`,
:func:`grid_order`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leitmotiv.score import NOTE_DTYPE, Origin, Score
from leitmotiv.theory import TICKS_PER_QUARTER
from leitmotiv.tokens import tags
from leitmotiv.tokens.vocabulary import DURATIONS, MAX_BAR_STEPS, STEPS_PER_QUARTER

__all__ = [
    "CELL_NOTE_DTYPE",
    "TICKS_PER_STEP",
    "CellGrid",
    "first_at_place",
    "grid_order",
    "grid_to_notes",
    "score_to_grid",
]

TICKS_PER_STEP = TICKS_PER_QUARTER // STEPS_PER_QUARTER

CELL_NOTE_DTYPE = np.dtype(
    [
        ("bar", "<i4"),
        ("part", "<i4"),
        ("position", "<i4"),  # steps from the bar line
        ("pitch", "<i4"),  # MIDI; drum key on a drum part
        ("duration", "<i4"),  # steps
        ("velocity", "<i4"),
        ("origin", "<i4"),
    ]
)


@dataclass(frozen=True, eq=False)
class CellGrid:
    """A piece as bars × parts.

    Shapes: ``B`` bars, ``P`` parts, ``M`` notes. ``chords`` holds an id for each half bar;
    ``breath`` and ``energy`` an id for each bar (0 unknown); ``roles`` an id for each part.
    """

    notes: NDArray[np.void]  # (M,) of CELL_NOTE_DTYPE, sorted by bar, part, position, pitch
    bar_steps: NDArray[np.int64]  # (B,)
    meter: NDArray[np.int64]  # (B,) ids
    fifths: NDArray[np.int64]  # (B,) key signature, -7..7
    chords: NDArray[np.int64]  # (B, 2) ids
    breath: NDArray[np.int64]  # (B,)
    energy: NDArray[np.int64]  # (B,)
    programs: NDArray[np.int64]  # (P,) 0-127
    is_drum: NDArray[np.bool_]  # (P,)
    roles: NDArray[np.int64]  # (P,)
    genre: int = 0
    mode: int = 0
    tempo: int = 0

    @property
    def num_bars(self) -> int:
        """Number of bars."""
        return len(self.bar_steps)

    @property
    def num_parts(self) -> int:
        """Number of parts."""
        return len(self.programs)

    @property
    def bar_starts(self) -> NDArray[np.int64]:
        """Bar lines in steps, shape (B + 1,)."""
        return np.concatenate([[0], np.cumsum(self.bar_steps)])


def _bar_table(score: Score) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return bar starts in steps (with the end) and the meter id of each bar."""
    ticks = score.bar_ticks
    steps = np.round(ticks / TICKS_PER_STEP).astype(np.int64)
    change_ticks = np.asarray([change.tick for change in score.meters])
    ids = np.asarray([tags.meter_id(c.meter.numerator, c.meter.denominator) for c in score.meters])
    meter = ids[np.searchsorted(change_ticks, ticks[:-1], side="right") - 1]
    width = np.diff(steps)
    if ((width > 0) & (width <= MAX_BAR_STEPS)).all():
        return steps, meter.astype(np.int64)
    starts: list[int] = []
    meters: list[int] = []
    for start, end, identity in zip(steps[:-1], steps[1:], meter, strict=True):
        if end <= start:
            continue
        pieces = -(-(end - start) // MAX_BAR_STEPS)
        for piece in range(pieces):
            starts.append(int(start + piece * (end - start) // pieces))
            meters.append(int(identity))
    return np.asarray([*starts, int(steps[-1])]), np.asarray(meters, dtype=np.int64)


def score_to_grid(score: Score, *, genre: int = 0, mode: int = 0, tempo: int = 0) -> CellGrid:
    """Sort a score into cells and read its tags.

    Parameters
    ----------
    score : Score
        Any score; onsets and durations are rounded to the nearest step.
    genre, mode, tempo : int
        Ids from :mod:`leitmotiv.tokens.tags`; 0 where unknown.

    Returns
    -------
    CellGrid
        With zero bars when the score is empty.
    """
    starts, meter = _bar_table(score)
    num_bars, num_parts = len(starts) - 1, len(score.parts)
    notes, _ = _cells(score, starts)
    is_drum = np.asarray([part.is_drum for part in score.parts], dtype=bool)
    programs = np.asarray([part.program for part in score.parts], dtype=np.int64)
    fifths = np.zeros(num_bars, dtype=np.int64)
    for change in score.keys:
        fifths[starts[:-1] * TICKS_PER_STEP >= change.tick - TICKS_PER_STEP] = change.key.fifths
    pitched = notes[~is_drum[notes["part"]]] if len(notes) else notes
    absolute = starts[pitched["bar"]] + pitched["position"] if len(pitched) else np.zeros(0, int)
    middle = starts[:-1] + np.diff(starts) // 2
    boundaries = np.append(np.stack([starts[:-1], middle], axis=1).ravel(), starts[-1])
    order = np.argsort(absolute, kind="stable")
    chords = tags.recognise_chords(
        absolute[order],
        pitched["duration"].astype(np.int64)[order],
        pitched["pitch"].astype(np.int64)[order],
        boundaries,
    ).reshape(num_bars, 2)
    last_onset = np.full(num_bars, -1, dtype=np.int64)
    where, when = pitched["bar"].astype(np.int64), pitched["position"].astype(np.int64)
    np.maximum.at(last_onset, where, when)
    return CellGrid(
        notes=notes,
        bar_steps=np.diff(starts),
        meter=meter,
        fifths=fifths,
        chords=chords,
        breath=tags.breath_ids(last_onset, np.diff(starts)),
        energy=_energy(notes, num_bars),
        programs=programs,
        is_drum=is_drum,
        roles=_roles(score, notes, num_parts, is_drum),
        genre=genre,
        mode=mode,
        tempo=tempo,
    )


def grid_order(score: Score) -> NDArray[np.int64]:
    """Return which note of the parts' notes, joined in order, stands at each place of the grid."""
    return _cells(score, _bar_table(score)[0])[1]


def _cells(score: Score, starts: NDArray[np.int64]) -> tuple[NDArray[np.void], NDArray[np.int64]]:
    """Notes of the grid, and the place of each in the parts' notes joined in order."""
    if not score.parts:
        return np.zeros(0, dtype=CELL_NOTE_DTYPE), np.zeros(0, dtype=np.int64)
    joined = np.concatenate([part.notes for part in score.parts])
    notes = np.zeros(len(joined), dtype=CELL_NOTE_DTYPE)
    onset = np.round(joined["onset"] / TICKS_PER_STEP).astype(np.int64)
    width = np.diff(starts)
    bar = np.clip(np.searchsorted(starts, onset, side="right") - 1, 0, max(len(width) - 1, 0))
    part = np.repeat(np.arange(len(score.parts)), [len(part.notes) for part in score.parts])
    # An onset that rounds up to the final bar line stays in the last bar.
    position = np.minimum(onset - starts[bar], width[bar] - 1) if len(width) else onset
    # Rounded on its own: the end of a long note must not drag its length off the grid.
    length = np.round(joined["duration"] / TICKS_PER_STEP)
    duration = np.clip(length, 1, DURATIONS[-1]).astype(np.int64)
    pitch = joined["pitch"].astype(np.int64)
    # One number a note, rising by bar, part, position, pitch and duration.
    key = ((bar * len(score.parts) + part) * MAX_BAR_STEPS + position) * 128 + pitch
    order = np.argsort(key * (int(DURATIONS[-1]) + 1) + duration, kind="stable")
    columns = {"bar": bar, "part": part, "position": position, "pitch": pitch}
    for name, column in (*columns.items(), ("duration", duration)):
        notes[name] = column[order]
    for name in ("velocity", "origin"):
        notes[name] = joined[name][order]
    return notes, order


def first_at_place(notes: NDArray[np.void]) -> NDArray[np.bool_]:
    """Tell which notes, sorted as in a grid, are the first at their bar, part and position."""
    first = np.ones(len(notes), dtype=bool)
    if len(notes) > 1:
        first[1:] = False
        for name in ("bar", "part", "position"):
            column = notes[name]
            first[1:] |= column[1:] != column[:-1]
    return first


def _energy(notes: NDArray[np.void], num_bars: int) -> NDArray[np.int64]:
    """Mean velocity of each bar as an id; unknown where the piece has one velocity only."""
    if np.count_nonzero(np.bincount(notes["velocity"])) < 3:
        return np.zeros(num_bars, dtype=np.int64)
    count = np.bincount(notes["bar"], minlength=num_bars)
    total = np.bincount(notes["bar"], weights=notes["velocity"], minlength=num_bars)
    return np.where(count > 0, tags.energy_id(total / np.maximum(count, 1)), 0)


def _roles(
    score: Score, notes: NDArray[np.void], num_parts: int, is_drum: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Roles as the score states them, guessed where it does not."""
    count = np.bincount(notes["part"], minlength=num_parts)
    total = np.bincount(notes["part"], weights=notes["pitch"], minlength=num_parts)
    onsets = np.bincount(notes["part"][first_at_place(notes)], minlength=num_parts)
    guessed = tags.guess_roles(
        total / np.maximum(count, 1), count / np.maximum(onsets, 1), onsets, is_drum
    )
    stated = np.asarray([tags.role_id(part.role) for part in score.parts], dtype=np.int64)
    return np.where(stated > 0, stated, guessed)


def grid_to_notes(grid: CellGrid, part: int) -> NDArray[np.void]:
    """Return one part's notes in ticks, as a NOTE_DTYPE array."""
    cells = grid.notes[grid.notes["part"] == part]
    notes = np.zeros(len(cells), dtype=NOTE_DTYPE)
    notes["onset"] = (grid.bar_starts[cells["bar"]] + cells["position"]) * TICKS_PER_STEP
    notes["duration"] = cells["duration"].astype(np.int64) * TICKS_PER_STEP
    notes["pitch"], notes["velocity"] = cells["pitch"], np.clip(cells["velocity"], 1, 127)
    notes["origin"] = np.clip(cells["origin"], 0, max(Origin))
    return notes[np.lexsort((notes["duration"], notes["pitch"], notes["onset"]))]
