"""Drum performances as grids: which piece is struck when, how hard, and how far off the grid.

Purpose: the common form of recorded performances, written patterns and generated parts, on which
the drum model (:mod:`leitmotiv.styles.drum_model`) is trained, measured and played.

Conventions:

- A step is a sixteenth (:data:`STRAIGHT`, 4 a beat) or a triplet eighth (:data:`TERNARY`, 3 a
  beat); one performance stands on one of the two. Bars have four beats.
- Nine pieces of the kit, in :data:`PIECES`; other General MIDI percussion keys are folded onto the
  piece that a drummer would use instead (rim on snare, bell on ride).
- ``velocity`` is 0..1 (MIDI / 127), 0 where nothing is struck; ``offset`` is in steps, -0.5 to 0.5,
  positive behind the grid.

Public names: :class:`DrumGrid`, :func:`grid_from_notes`, :data:`PIECES`, :data:`PIECE_OF_KEY`,
:data:`STRAIGHT`, :data:`TERNARY`.

References
----------
The nine-piece kit follows J. Gillick et al., "Learning to Groove with Inverse Sequence
Transformations", ICML 2019, table 5.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["PIECES", "PIECE_OF_KEY", "STRAIGHT", "TERNARY", "DrumGrid", "grid_from_notes"]

STRAIGHT, TERNARY = 4, 3  # steps a beat
BEATS = 4

PIECES = (
    "kick",
    "snare",
    "hat",
    "open_hat",
    "low_tom",
    "mid_tom",
    "high_tom",
    "crash",
    "ride",
)
"""Pieces of the kit in the order of the columns; also lane names of style files."""

_KEYS: dict[str, tuple[int, ...]] = {
    "kick": (35, 36),
    "snare": (37, 38, 39, 40),
    "hat": (22, 42, 44),
    "open_hat": (26, 46),
    "low_tom": (41, 43, 58),
    "mid_tom": (45, 47),
    "high_tom": (48, 50),
    "crash": (49, 52, 55, 57),
    "ride": (51, 53, 59),
}
PIECE_OF_KEY: dict[int, int] = {
    key: PIECES.index(piece) for piece, keys in _KEYS.items() for key in keys
}
"""Column of each percussion key, e-drum keys (22, 26, 58) included."""


@dataclass(frozen=True, eq=False)
class DrumGrid:
    """A performance: ``velocity`` and ``offset``, both float32 of shape (steps, 9)."""

    steps_per_beat: int
    bpm: float
    velocity: NDArray[np.float32]
    offset: NDArray[np.float32]

    @property
    def hits(self) -> NDArray[np.bool_]:
        """Where something is struck, shape (steps, 9)."""
        return np.asarray(self.velocity > 0)

    @property
    def bar_steps(self) -> int:
        """Steps of a bar of four beats."""
        return BEATS * self.steps_per_beat

    @property
    def num_bars(self) -> int:
        """Whole bars."""
        return len(self.velocity) // self.bar_steps

    @property
    def step_sec(self) -> float:
        """Seconds of a step at the grid's tempo."""
        return 60.0 / self.bpm / self.steps_per_beat


def grid_from_notes(
    onset_quarter: NDArray[np.float64],
    pitch: NDArray[np.int64],
    velocity: NDArray[np.int64],
    *,
    bpm: float,
) -> DrumGrid:
    """Put a performance in 4/4 on the grid that fits it better.

    The median offset is taken out: a constant lead or lag belongs to the pads and their converter,
    not to the groove. Of two strokes on one cell the louder is kept.

    Parameters
    ----------
    onset_quarter : ndarray of float, shape (n,)
        Quarters from the first bar line of a click that the drummer followed.
    pitch, velocity : ndarray of int, shape (n,)
        Percussion keys and MIDI velocities; keys outside the kit are left out.

    Examples
    --------
    >>> onset, keys = np.array([0.0, 0.51, 1.02, 1.5]), np.array([36, 42, 38, 42])
    >>> grid = grid_from_notes(onset, keys, np.full(4, 90), bpm=100.0)
    >>> grid.steps_per_beat, grid.num_bars, np.argwhere(grid.hits)[:, 0].tolist()
    (4, 1, [0, 2, 4, 6])
    """
    known = np.isin(pitch, list(PIECE_OF_KEY)) & (onset_quarter >= -0.25) & (velocity > 0)
    onset, keys, loud = onset_quarter[known], pitch[known], velocity[known]

    def misfit(steps: int) -> float:
        place = onset * steps
        return float(np.abs(place - np.round(place)).mean()) if len(place) else 0.0

    # Errors count in steps, which is fair to the finer grid: its steps are smaller.
    steps = STRAIGHT if misfit(STRAIGHT) <= misfit(TERNARY) else TERNARY
    place = onset * steps
    off = place - np.round(place)
    if len(off):
        place = place - np.median(off)
    index = np.maximum(np.round(place), 0).astype(np.int64)
    num_bars = int(index.max()) // (BEATS * steps) + 1 if len(index) else 0
    levels = np.zeros((num_bars * BEATS * steps, len(PIECES)), dtype=np.float32)
    offsets = np.zeros_like(levels)
    columns = np.array([PIECE_OF_KEY[int(key)] for key in keys], dtype=np.int64)
    for at, column, where, value in zip(index, columns, place, loud, strict=True):
        level = float(value) / 127.0
        if level > levels[at, column]:
            levels[at, column] = level
            offsets[at, column] = float(np.clip(where - at, -0.5, 0.5))
    return DrumGrid(steps, bpm, levels, offsets)
