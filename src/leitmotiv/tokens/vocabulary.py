"""Vocabulary: the four fields of a note event and the conditions of a cell.

A *cell* is one part in one bar. The network reads a cell as one header event followed by its
notes, one event each, and predicts after every event either the next note of the cell or the end
of the cell. A note event has four fields, predicted in this order: ``position`` in the bar,
``pitch``, ``duration``, ``velocity``. The grid is 24 steps a quarter, so that thirty-second notes
and triplets both fall on it.

Every event also carries the *conditions* of its cell (:data:`CONDITIONS`): what the plan says
about the bar, the part and the piece. Value 0 always means "unknown", so any subset may be given.

Pitches are written in the *home signature*: the key signature without sharps or flats, reached by
transposing at most six semitones. A C major and an F# major piece look the same to the network.

Public names: the constants below, :func:`duration_to_id`, :func:`id_to_duration`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = [
    "CONDITIONS",
    "CONDITION_OFFSETS",
    "DRUM_PITCH_OFFSET",
    "DURATIONS",
    "END",
    "FIELDS",
    "FIELD_SIZES",
    "HEADER",
    "MAX_BAR_STEPS",
    "MAX_WINDOW_BARS",
    "NUM_CONDITION_IDS",
    "PITCH_OFFSET",
    "POSITION_OFFSET",
    "STEPS_PER_QUARTER",
    "VELOCITY_BIN",
    "VOCABULARY_VERSION",
    "duration_to_id",
    "id_to_duration",
]

VOCABULARY_VERSION = 1
"""Weights carry this number; other numbers are refused."""

STEPS_PER_QUARTER = 24
MAX_BAR_STEPS = 192  # eight quarters; longer bars are read as several
MAX_WINDOW_BARS = 32

END = 1  # position id: the cell is finished (0 is padding)
HEADER = 2  # position id: a cell begins (input only)
POSITION_OFFSET = 3
PITCH_OFFSET = 1
DRUM_PITCH_OFFSET = 129
VELOCITY_BIN = 16  # velocity 1-127 -> id 1-8

DURATIONS: NDArray[np.int64] = np.concatenate(
    [
        np.arange(1, 49),  # every step up to a half note
        np.arange(50, 97, 2),
        np.arange(102, 193, 6),
        np.arange(216, 769, 24),
    ]
).astype(np.int64)
"""Durations in steps; id 0 is "none", id i stands for ``DURATIONS[i - 1]``."""

FIELDS = ("position", "pitch", "duration", "velocity")
FIELD_SIZES = (
    POSITION_OFFSET + MAX_BAR_STEPS,
    DRUM_PITCH_OFFSET + 128,
    1 + len(DURATIONS),
    1 + 8,
)

CONDITIONS: dict[str, int] = {
    # the piece
    "genre": 20,
    "mode": 3,
    "meter": 20,
    "tempo": 9,
    # the bar
    "bar": MAX_WINDOW_BARS + 1,
    "bars_to_end": 7,
    "breath": 3,
    "chord": 99,
    "second_chord": 99,
    "next_chord": 99,
    "energy": 8,
    # the part
    "part": 17,
    "role": 7,
    "program": 130,
    "register": 18,
    "polyphony": 4,
    # the cell
    "density": 9,
    "target": 3,
}
"""Condition names and the number of ids of each; 0 is "unknown"."""

CONDITION_OFFSETS: dict[str, int] = dict(
    zip(CONDITIONS, np.cumsum([0, *list(CONDITIONS.values())[:-1]]).tolist(), strict=True)
)
"""Where each condition's ids start in the one embedding table they share."""

NUM_CONDITION_IDS = sum(CONDITIONS.values())

_TABLE = np.zeros(int(DURATIONS[-1]) + 1, dtype=np.int64)
_MIDDLES = (DURATIONS[:-1] + DURATIONS[1:]) / 2
_TABLE[:] = np.searchsorted(_MIDDLES, np.arange(len(_TABLE)), side="right") + 1


def duration_to_id(steps: ArrayLike) -> NDArray[np.int64]:
    """Return the id of the nearest duration, any shape; steps are clipped to 1-768.

    Examples
    --------
    >>> duration_to_id([24, 49, 5000]).tolist()
    [24, 49, 112]
    """
    return np.asarray(_TABLE[np.clip(np.asarray(steps, dtype=np.int64), 1, len(_TABLE) - 1)])


def id_to_duration(duration_id: ArrayLike) -> NDArray[np.int64]:
    """Return durations in steps; id 0 ("none") gives 0.

    Examples
    --------
    >>> id_to_duration([0, 24]).tolist()
    [0, 24]
    """
    ids = np.asarray(duration_id, dtype=np.int64)
    return np.where(ids > 0, DURATIONS[np.maximum(ids, 1) - 1], 0)
