"""Articulations as every engine can play them.

Purpose: turn a part that sets articulations into parts of plain notes and standard controllers, so
that sampler, modelled and neural instruments all follow without knowing of articulations.

Conventions:

- Pizzicato of bowed strings and their tremolo are sounds of their own (General MIDI programs 45
  and 44) and become parts of their own; where an engine lacks them, or an instrument has none,
  pizzicato is staccato and tremolo is 13 strokes a second.
- Legato: each note lasts 20 ms into the next one, CC 68 is down. Staccato: half the length, and a
  quicker release (CC 72). Swell: CC 11 rises to its written value in the first 60 % of the note
  and falls again.

Public names: :func:`playing_parts`, :data:`PIZZICATO_OF`, :data:`TREMOLO_OF`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from leitmotiv.score.articulations import (
    ARTICULATION,
    Articulation,
    articulation_of_notes,
    has_articulations,
    without_key_switches,
)
from leitmotiv.score.score import CONTROL_DTYPE, Part, TempoMap

__all__ = ["PIZZICATO_OF", "TREMOLO_OF", "playing_parts"]

_BOWED = (40, 41, 42, 43, 44, 48, 49, 50, 51)
PIZZICATO_OF = dict.fromkeys(_BOWED, 45)
"""Program that plays the pizzicato of a program."""

TREMOLO_OF = dict.fromkeys(_BOWED, 44)
"""Program that plays the tremolo of a program."""

_EXPRESSION, _LEGATO, _RELEASE_TIME = 11, 68, 72
_OVERLAP_SEC = 0.020
_STACCATO_SHARE, _STACCATO_RELEASE = 0.5, 32
_STROKES_A_SEC = 13.0
_SHORTEST_SWELL_SEC = 0.4
_SWELL_STEP_SEC = 0.025
_SWELL_FROM, _SWELL_TO, _SWELL_PEAK = 0.35, 0.55, 0.6


def playing_parts(
    part: Part, tempo_map: TempoMap, *, programs: Collection[int] | None = None
) -> tuple[Part, ...]:
    """Return the parts that together sound as a part with articulations is to sound.

    Parameters
    ----------
    part : Part
        With or without controller 110 and key switches.
    tempo_map : TempoMap
        Of its score.
    programs : collection of int, optional
        Programs that the engine has; all of them by default.

    Returns
    -------
    tuple of Part
        The part itself where it sets no articulation. Notes keep their order within each part.

    Examples
    --------
    >>> from leitmotiv.score import make_notes
    >>> notes = make_notes([0, 0, 480, 480], [9, 480, 9, 480], [3, 60, 0, 62])
    >>> [p.program for p in playing_parts(Part("viola", 41, notes=notes), TempoMap())]
    [41, 45]
    """
    if not has_articulations(part):
        return (part,)
    part = without_key_switches(part)
    kinds = articulation_of_notes(part)
    kinds = _played_kinds(part.program, kinds, programs)
    base = part.controls[part.controls["controller"] != ARTICULATION]
    notes = part.notes.copy()
    sec = tempo_map.tick_to_sec
    controls = [base]

    legato = kinds == Articulation.LEGATO
    if legato.any():
        notes["duration"] = np.where(legato, _joined(notes, tempo_map), notes["duration"])
        controls.append(_switched(notes["onset"], legato, _LEGATO, 127, 0))
    staccato = kinds == Articulation.STACCATO
    if staccato.any():
        short = np.maximum((notes["duration"] * _STACCATO_SHARE).astype(np.int64), 1)
        notes["duration"] = np.where(staccato, short, notes["duration"])
        controls.append(_switched(notes["onset"], staccato, _RELEASE_TIME, _STACCATO_RELEASE, 64))
    length = sec(notes["onset"] + notes["duration"]) - sec(notes["onset"])
    swells = (kinds == Articulation.SWELL) & (length >= _SHORTEST_SWELL_SEC)
    if swells.any():
        controls = [_swelled(np.concatenate(controls), notes[swells], tempo_map)]

    program = np.full(len(notes), part.program)
    program[kinds == Articulation.PIZZICATO] = PIZZICATO_OF.get(part.program, part.program)
    tremolo = kinds == Articulation.TREMOLO
    program[tremolo] = TREMOLO_OF.get(part.program, part.program)
    strokes = tremolo & (program == part.program) & (part.program != 44)
    merged = np.concatenate(controls)
    parts = []
    for number in sorted(set(program.tolist()), key=lambda n: (n != part.program, n)):
        chosen = program == number
        mine = notes[chosen & ~strokes]
        if (chosen & strokes).any():
            mine = np.concatenate([mine, _repeated(notes[chosen & strokes], tempo_map)])
        parts.append(replace(part, program=int(number), notes=mine, controls=merged))
    return tuple(parts) or (replace(part, controls=merged),)


def _played_kinds(
    program: int, kinds: NDArray[np.int64], programs: Collection[int] | None
) -> NDArray[np.int64]:
    """Replace what an instrument cannot do by the nearest that it can."""
    kinds = kinds.copy()
    plucked = PIZZICATO_OF.get(program)
    if plucked is None or (programs is not None and plucked not in programs):
        kinds[kinds == Articulation.PIZZICATO] = Articulation.STACCATO
    tremolo = TREMOLO_OF.get(program)
    if tremolo is not None and programs is not None and tremolo not in programs:
        kinds[kinds == Articulation.TREMOLO] = Articulation.ORDINARY
    return kinds


def _joined(notes: NDArray[np.void], tempo_map: TempoMap) -> NDArray[np.int64]:
    """Durations that reach a little into the next onset; the last chord's stay."""
    onsets = notes["onset"]
    following = np.searchsorted(onsets, onsets, side="right")
    has_next = following < len(onsets)
    next_onset = onsets[np.minimum(following, len(onsets) - 1)]
    overlap = tempo_map.sec_to_tick(tempo_map.tick_to_sec(next_onset) + _OVERLAP_SEC) - onsets
    # Notes held beyond the next onset on purpose stay as long as they are.
    joined = np.maximum(np.rint(overlap).astype(np.int64), notes["duration"])
    return np.where(has_next, joined, notes["duration"])


def _switched(
    onsets: NDArray[np.int64], wanted: NDArray[np.bool_], controller: int, on: int, off: int
) -> NDArray[np.void]:
    """Return a controller that is ``on`` at the onsets wanted and ``off`` at the others."""
    # Of a chord the first note decides.
    first = np.flatnonzero(np.diff(onsets, prepend=-1))
    values = np.where(wanted[first], on, off)
    changed = np.flatnonzero(np.diff(values, prepend=off))
    rows = np.zeros(len(changed), dtype=CONTROL_DTYPE)
    rows["tick"], rows["controller"], rows["value"] = (
        onsets[first][changed],
        controller,
        values[changed],
    )
    return rows


def _swelled(
    controls: NDArray[np.void], notes: NDArray[np.void], tempo_map: TempoMap
) -> NDArray[np.void]:
    """Return the controllers with CC 11 rising and falling over each distinct onset."""
    is_expression = controls["controller"] == _EXPRESSION
    written = controls[is_expression]
    written = written[np.argsort(written["tick"], kind="stable")]
    kept = np.ones(len(written), dtype=bool)
    pieces = [controls[~is_expression]]
    onsets = np.unique(notes["onset"])
    for place, onset in enumerate(onsets.tolist()):
        mine = notes[notes["onset"] == onset]
        end = int((mine["onset"] + mine["duration"]).max())
        if place + 1 < len(onsets):
            end = min(end, int(onsets[place + 1]))
        first, last = tempo_map.tick_to_sec([onset, end]).tolist()
        count = max(int((last - first) / _SWELL_STEP_SEC), 2)
        share = np.linspace(0.0, 1.0, count + 1)
        curve = np.interp(share, [0.0, _SWELL_PEAK, 1.0], [_SWELL_FROM, 1.0, _SWELL_TO])
        ticks = np.rint(tempo_map.sec_to_tick(first + share * (last - first))).astype(np.int64)
        index = np.searchsorted(written["tick"], ticks, side="right") - 1
        level = np.full(len(ticks), 127.0)
        if len(written):
            level = np.where(index >= 0, written["value"][np.maximum(index, 0)], 127.0)
        curve[-1] = 1.0  # what follows has its written level
        rows = np.zeros(len(ticks), dtype=CONTROL_DTYPE)
        rows["tick"], rows["controller"] = ticks, _EXPRESSION
        rows["value"] = np.clip(np.rint(level * curve), 0, 127)
        pieces.append(rows)
        kept &= (written["tick"] < onset) | (written["tick"] > end)
    return np.concatenate([written[kept], *pieces])


def _repeated(notes: NDArray[np.void], tempo_map: TempoMap) -> NDArray[np.void]:
    """Return each note as strokes; every second one is weaker."""
    pieces = []
    for note in notes:
        first, last = tempo_map.tick_to_sec(
            [note["onset"], note["onset"] + note["duration"]]
        ).tolist()
        count = max(round((last - first) * _STROKES_A_SEC), 1)
        edges = tempo_map.sec_to_tick(np.linspace(first, last, count + 1))
        edges = np.rint(edges).astype(np.int64)
        strokes = np.repeat(note, count)
        strokes["onset"] = edges[:-1]
        strokes["duration"] = np.maximum(np.diff(edges), 1)
        force = np.where(np.arange(count) % 2, 0.8, 0.9)
        force[0] = 1.0
        strokes["velocity"] = np.clip(np.rint(note["velocity"] * force), 1, 127)
        pieces.append(strokes)
    return np.concatenate(pieces)
