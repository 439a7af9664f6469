"""Patterns: a part goes on in its own manner over other chords.

Purpose: an Alberti bass, a waltz accompaniment or a drum groove that is interrupted by a region to
write should return in it. A bar of the part nearby lends its rhythm and its shape; its chord
tones become those of the new chord, its other notes steps of the scale.

Public names: :func:`pattern_sketch`, :func:`fit_pattern`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.canvas import Canvas
from leitmotiv.plan import Plan
from leitmotiv.score import Origin
from leitmotiv.theory import ChordSymbol
from leitmotiv.tokens.grid import TICKS_PER_STEP

__all__ = ["fit_pattern", "pattern_sketch"]

_REACH_BARS = 16


def pattern_sketch(
    canvas: Canvas, part: int, bars: Sequence[int], written: NDArray[np.bool_]
) -> NDArray[np.void] | None:
    """Sketch a part in ``bars`` after its written bars nearby.

    Returns
    -------
    ndarray of CELL_NOTE_DTYPE or None
        Origin STYLE; None where the part plays in no bar within reach.
    """
    plan = canvas.plan
    target = set(bars)
    known = [
        bar
        for bar in range(plan.num_bars)
        if bar not in target and written[bar, part] and len(canvas.cell(bar, part))
    ]
    pieces = []
    for bar in bars:
        near = [other for other in known if abs(other - bar) <= _REACH_BARS]
        if not near:
            continue
        source = min(near, key=lambda other: (_unlike(plan, bar, other), other > bar, other))
        notes = canvas.cell(source, part).copy()
        if not plan.parts[part].is_drum:
            notes = fit_pattern(plan, notes, bar, plan.parts[part].role == "bass")
        notes["bar"], notes["origin"] = bar, Origin.STYLE
        notes["duration"] = np.minimum(notes["duration"], canvas.steps - notes["position"])
        pieces.append(notes)
    return np.concatenate(pieces) if pieces else None


def _unlike(plan: Plan, bar: int, other: int) -> float:
    """How little a bar is a model for another one: distance, place in the phrase, harmony."""
    cost = 0.3 * abs(bar - other) + (1.5 if (bar - other) % 2 else 0.0)

    def ends(index: int) -> bool:
        return index == plan.phrase_at(index).end_bar_index - 1

    def moves(index: int) -> bool:
        return plan.chord_at(index, 0) != plan.chord_at(index, 1)

    closes = ends(bar) and plan.phrase_at(bar).cadence != "none"
    closed = ends(other) and plan.phrase_at(other).cadence != "none"
    cost += 3.0 if closes != closed else 0.0
    cost += 2.0 if moves(bar) != moves(other) else 0.0
    if other == plan.num_bars - 1:  # the held last bar of a piece is no manner of playing
        cost += 6.0
    return cost


def fit_pattern(plan: Plan, notes: NDArray[np.void], bar: int, is_bass: bool) -> NDArray[np.void]:
    """Move one bar's notes of a part to the chords of another bar; ``bar`` is the goal."""
    notes = notes.copy()
    if not len(notes):
        return notes
    part = plan.parts[int(notes["part"][0])]
    low, high = part.low, part.high
    scale = frozenset(plan.key_at(bar).scale)
    taken: dict[int, set[int]] = {}
    for note in notes:
        half = int(note["position"] * TICKS_PER_STEP >= plan.half_tick)
        source = plan.chord_at(int(note["bar"]), half)
        goal = plan.chord_at(bar, half)
        used = taken.setdefault(int(note["position"]), set())
        pitch = _moved(int(note["pitch"]), source, goal, scale, is_bass, used)
        while pitch > high and pitch - 12 >= low:
            pitch -= 12
        while pitch < low and pitch + 12 <= high:
            pitch += 12
        note["pitch"] = pitch
        used.add(pitch)
    return notes


def _moved(
    pitch: int,
    source: ChordSymbol,
    goal: ChordSymbol,
    scale: frozenset[int],
    is_bass: bool,
    used: set[int],
) -> int:
    if source.is_none or goal.is_none:
        return pitch
    if set(source.pitch_classes) == set(goal.pitch_classes) and (
        not is_bass or source.bass_pitch_class == goal.bass_pitch_class
    ):
        return pitch
    if is_bass and pitch % 12 == source.bass_pitch_class:
        return _nearest(pitch, frozenset({goal.bass_pitch_class}), frozenset())
    if pitch % 12 in source.pitch_classes:
        classes = frozenset(goal.pitch_classes)
        if is_bass:
            degree = source.pitch_classes.index(pitch % 12)
            classes = frozenset({goal.pitch_classes[min(degree, len(goal.pitch_classes) - 1)]})
        return _nearest(pitch, classes, frozenset(used))
    move = (goal.root_pitch_class - source.root_pitch_class + 6) % 12 - 6
    return _nearest(pitch + (move if is_bass else 0), scale, frozenset(used))


def _nearest(pitch: int, classes: frozenset[int], used: frozenset[int]) -> int:
    options = [p for p in range(pitch - 7, pitch + 8) if p % 12 in classes and p not in used]
    return min(options, key=lambda p: (abs(p - pitch), p), default=pitch)
