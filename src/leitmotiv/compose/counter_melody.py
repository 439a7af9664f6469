"""A counter-melody to a theme: it moves where the theme rests and against where it goes.

Rules of two-part writing, softly weighed: chord tones on the beat, thirds and sixths with the
theme, contrary motion, small steps, no parallel fifths or octaves, no crossing.

Public names: :func:`counter_melody`.

References
----------
K. Kennan, *Counterpoint*, ch. 4-6. J. J. Fux, *Gradus ad Parnassum*, 1725.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["counter_melody"]

_SWEET = frozenset({3, 4, 8, 9})
_PERFECT = frozenset({0, 7})


def counter_melody(
    theme: NDArray[np.void],
    tones_at: Callable[[int, int], frozenset[int]],
    *,
    bars: range,
    bar_steps: int,
    beat_steps: int,
    low: int,
    high: int,
) -> NDArray[np.void]:
    """Return a single line against a theme.

    Parameters
    ----------
    theme : ndarray of CELL_NOTE_DTYPE
        The theme as it stands in the piece, one line.
    tones_at : callable (bar, position) -> frozenset of pitch classes
    bars : range
        Bars to fill.
    bar_steps, beat_steps : int
    low, high : int
        Range in MIDI pitches.

    Returns
    -------
    ndarray of CELL_NOTE_DTYPE
        A note on every downbeat and on each beat on which the theme strikes no note; ``part`` and
        ``origin`` are 0, for the caller to set. Empty where there are no chords.
    """
    starts = theme["bar"].astype(np.int64) * bar_steps + theme["position"]
    ends = starts + theme["duration"]
    times = [
        bar * bar_steps + position
        for bar in bars
        for position in range(0, bar_steps, beat_steps)
        if position == 0 or not (starts == bar * bar_steps + position).any()
    ]
    found: list[tuple[int, int]] = []
    before: tuple[int, int | None] | None = None
    centre = (low + high) / 2
    for time in times:
        tones = tones_at(*divmod(time, bar_steps))
        if not tones:
            continue
        sounding = np.flatnonzero((starts <= time) & (ends > time))
        sung = int(theme["pitch"][sounding[0]]) if len(sounding) else None
        options = [pitch for pitch in range(low, high + 1) if pitch % 12 in tones]
        if not options:
            continue
        pitch = min(options, key=lambda p: (_cost(p, sung, before, centre), p))
        found.append((time, pitch))
        before = (pitch, sung)
    notes = np.zeros(len(found), dtype=theme.dtype)
    if not found:
        return notes
    onset = np.asarray([time for time, _ in found])
    notes["bar"], notes["position"] = np.divmod(onset, bar_steps)
    notes["duration"] = np.diff(onset, append=bars.stop * bar_steps)
    notes["pitch"], notes["velocity"] = [pitch for _, pitch in found], 72
    return notes


def _cost(
    pitch: int, sung: int | None, before: tuple[int, int | None] | None, centre: float
) -> float:
    cost = 0.08 * abs(pitch - centre)
    if sung is not None:
        interval = abs(pitch - sung) % 12
        cost += 0.0 if interval in _SWEET else 0.8 if interval in _PERFECT else 1.6
        cost += 4.0 * (abs(pitch - sung) < 3)  # so close the two blur
    if before is None:
        return cost
    last, last_sung = before
    step = abs(pitch - last)
    cost += 3.0 if step == 0 else 0.0 if step <= 2 else 0.25 * step
    if sung is not None and last_sung is not None and sung != last_sung:
        same_way = (sung - last_sung) * (pitch - last) > 0
        cost += 0.7 * same_way
        interval, previous = (sung - pitch) % 12, (last_sung - last) % 12
        cost += 6.0 * (interval == previous and interval in _PERFECT and step > 0)
    return cost
