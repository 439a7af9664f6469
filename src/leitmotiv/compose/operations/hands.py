"""Hands: a keyboard part that holds tune and accompaniment, read as the two that it is.

Purpose: a piano piece exported as one track is a melody over an accompaniment. Written anew as one
line it would lose its left hand; so the part that leads is read as two parts of the plan, its top
line and what lies below it, which return to the one part they came from.

Conventions: the top line is the highest note of each onset unless a higher one is still held. Both
plan parts carry the score's index of the part (see :attr:`Reading.parts`); ``Reading.top`` marks
the notes of the score's part that are the top line.

Public names: :func:`split_lead`, :func:`top_line`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.operations.reading import Reading, grid_notes
from leitmotiv.plan.plan import MAX_PARTS
from leitmotiv.score import Score

__all__ = ["split_lead", "top_line"]

_TOGETHER_TICKS = 40  # notes this near are one chord, also when a hand rolled it
_SINGLE_LINE_SHARE = 0.75  # a part with more of its notes in the top line is a melody
_OCTAVE = 12


def top_line(notes: NDArray[np.void]) -> NDArray[np.bool_]:
    """Mark the notes of the top line, shape (notes,), in the order given (by onset, then pitch)."""
    is_top = np.zeros(len(notes), dtype=bool)
    if not len(notes):
        return is_top
    onset, pitch = notes["onset"].astype(np.int64), notes["pitch"].astype(np.int64)
    end = onset + notes["duration"]
    cuts = np.flatnonzero(np.diff(onset) > _TOGETHER_TICKS) + 1
    last = -1
    for group in np.split(np.arange(len(notes)), cuts):
        best = int(group[int(np.argmax(pitch[group]))])
        # What moves below a held melody note is an inner voice.
        held = last >= 0 and end[last] > onset[best] + _TOGETHER_TICKS
        if held and pitch[last] > pitch[best] + 2:
            continue
        # A note of the left hand alone does not continue the tune.
        if last >= 0 and pitch[last] - pitch[best] > _OCTAVE and onset[best] - onset[last] < 960:
            continue
        is_top[best] = True
        last = best
    return is_top


def split_lead(score: Score, reading: Reading) -> Reading:
    """Read the leading part as tune and accompaniment, if it holds both.

    Returns
    -------
    Reading
        With one more part at the end, or the same where the lead is a single line, is no part of
        the plan, or the plan is full.
    """
    lead = reading.melody
    if lead < 0 or reading.plan.num_parts >= MAX_PARTS or reading.split >= 0:
        return reading
    index = reading.parts[lead]
    notes = score.parts[index].notes
    top = top_line(notes)
    if not len(notes) or top.mean() > _SINGLE_LINE_SHARE:
        return reading
    part = reading.plan.parts[lead]
    pitch = notes["pitch"]
    upper = part.replace(role="melody", low=max(int(pitch[top].min()) - 3, part.low))
    lower = part.replace(
        name=f"{part.name} accompaniment"[:100],
        role="harmony",
        high=min(int(pitch[~top].max()) + 3, part.high),
    )
    parts = [upper if slot == lead else other for slot, other in enumerate(reading.plan.parts)]
    bars = range(reading.start_bar, reading.stop_bar)
    others = reading.notes[reading.notes["part"] != lead]
    pieces = [others]
    for slot, mask in ((lead, top), (len(parts), ~top)):
        hand = score.with_part(index, score.parts[index].with_notes(notes[mask]))
        mine = grid_notes(hand, bars, [index])
        mine["part"] = slot
        pieces.append(mine)
    return replace(
        reading,
        plan=reading.plan.replace(parts=(*parts, lower)),
        parts=(*reading.parts, index),
        notes=np.concatenate(pieces),
        split=lead,
        top=top,
    )
