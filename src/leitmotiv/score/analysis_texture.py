"""Texture by bars: how high, how thick and how busy a score is.

Conventions: drums are left out. Heights are octaves above MIDI pitch 0, thickness and density
base-2 logarithms. A bar in which nothing starts has no texture: NaN.

Public names: :data:`TEXTURE_FEATURES`, :func:`bar_texture`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from leitmotiv.score.analysis_key import pitched_notes
from leitmotiv.score.score import Score

__all__ = ["TEXTURE_FEATURES", "bar_texture"]

TEXTURE_FEATURES = ("top", "middle", "bottom", "thickness", "density")
"""Highest, mean and lowest pitch of the notes that start in a bar; notes struck at once; strokes
in a second."""


def bar_texture(score: Score) -> NDArray[np.float64]:
    """Return the texture of each bar, shape (num_bars, 5), in the order of TEXTURE_FEATURES.

    Examples
    --------
    >>> from leitmotiv.score import Part, Score, make_notes
    >>> notes = make_notes([0, 1920, 1920], [1920, 1920, 1920], [60, 60, 72])
    >>> bar_texture(Score((Part("Flute", 73, notes=notes),)))[:, [0, 3]].tolist()
    [[5.0, 0.0], [6.0, 1.0]]
    """
    num_bars = score.num_bars
    table = np.full((num_bars, len(TEXTURE_FEATURES)), np.nan)
    notes = pitched_notes(score)
    if not num_bars or not len(notes):
        return table
    onset, pitch = notes["onset"].astype(np.int64), notes["pitch"].astype(float)
    bar = np.clip(score.bar_index_at(onset), 0, num_bars - 1)
    counts = np.bincount(bar, minlength=num_bars)
    strokes = np.bincount(
        np.clip(score.bar_index_at(np.unique(onset)), 0, num_bars - 1), minlength=num_bars
    )
    full = counts > 0
    highest, lowest = np.full(num_bars, -np.inf), np.full(num_bars, np.inf)
    np.maximum.at(highest, bar, pitch)
    np.minimum.at(lowest, bar, pitch)
    seconds = np.diff(score.tempo_map.tick_to_sec(score.bar_ticks))
    table[full, 0] = highest[full] / 12
    table[full, 1] = np.bincount(bar, weights=pitch, minlength=num_bars)[full] / counts[full] / 12
    table[full, 2] = lowest[full] / 12
    table[full, 3] = np.log2(counts[full] / strokes[full])
    table[full, 4] = np.log2(strokes[full] / np.maximum(seconds[full], 1e-3))
    return table
