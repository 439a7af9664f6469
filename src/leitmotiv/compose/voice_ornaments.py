"""Notes between the chord notes of an accompaniment, and what a hand can hold.

Purpose: chord notes alone are a diagram of the harmony; suspensions, passing and neighbour notes
make voices and figures of them.

Conventions: rows are (onset, duration, pitch, velocity) in ticks. Strong beats keep their chord
notes but for suspensions, which are prepared, held over a chord's change and left by step.

Public names: :func:`ornament_line`, :func:`turn_weak_notes`, :func:`within_hand`,
:func:`scale_at`, :func:`step_from`.

References
----------
S. Kostka and D. Payne, *Tonal Harmony*, ch. 11-12 (nonchord tones).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.comping import trim_same_pitch
from leitmotiv.compose.harmony_spans import ChordSpan, half_bar_spans
from leitmotiv.compose.part_writing import Skeleton, hand_reach
from leitmotiv.plan.plan import Plan

__all__ = ["ornament_line", "scale_at", "step_from", "turn_weak_notes", "within_hand"]

_NEIGHBOURS = 0.25  # share of the weak notes of broken chords that become neighbours


def scale_at(span: ChordSpan) -> frozenset[int]:
    """Return the pitch classes that pass under a chord: the key, bent by the chord's own tones.

    Where the chord holds a tone foreign to the key, the degree it replaces is left out: the raised
    seventh in minor drives out the natural one.
    """
    scale = set(span.key.scale)
    tonic = span.key.tonic.pitch_class
    chord = set(span.chord.pitch_classes)
    for pc in chord - scale:
        lower, upper = (pc - 1) % 12, (pc + 1) % 12
        if lower in scale and lower not in chord and lower != tonic:
            scale.discard(lower)
        elif upper in scale and upper not in chord and upper != tonic:
            scale.discard(upper)
        scale.add(pc)
    return frozenset(scale | chord)


def step_from(pitch: int, towards: int, span: ChordSpan, low: int, high: int) -> int:
    """The scale step from ``pitch`` in the direction of ``towards`` (the lower one on a tie)."""
    scale = scale_at(span)
    side = 1 if towards > pitch else -1
    for direction in (side, -side):
        for size in (1, 2, 3):
            step = pitch + direction * size
            if step % 12 in scale and low <= step <= high:
                return step
    return pitch


def ornament_line(
    rows: list[tuple[int, int, int, int]],
    plan: Plan,
    skeleton: Skeleton,
    part_index: int,
    rng: np.random.Generator,
) -> list[tuple[int, int, int, int]]:
    """Loosen the chord notes of a line: suspensions, passing and neighbour notes.

    Chord notes alone are a diagram of the harmony; what makes voices of them are the notes between
    (Kostka and Payne, *Tonal Harmony*, ch. 11-12). Strong beats keep their chord notes but for
    suspensions, which are prepared, held over a chord's change and left by step.
    """
    meter, part = plan.meter_value, plan.parts[part_index]
    beat, bass = meter.beat_ticks, part.role == "bass"
    half = beat // (3 if meter.is_compound else 2)
    result: list[tuple[int, int, int, int]] = []
    late = 0  # ticks by which the row before was held over this one
    span_index = 0
    for index, (start, length, pitch, velocity) in enumerate(rows):
        onset, duration, late = start + late, length - late, 0
        following = rows[index + 1] if index + 1 < len(rows) else None
        if following is None or following[0] != start + length:
            result.append((onset, duration, pitch, velocity))
            continue
        while skeleton.spans[span_index].end <= start:
            span_index += 1
        span, after = skeleton.spans[span_index], following[2]
        section = plan.section_at(min(start // meter.bar_ticks, plan.num_bars - 1))
        eager = (0.35 if bass else 0.65) + 0.35 * section.energy
        between: list[int] = []
        distance = abs(after - pitch)
        if distance in (3, 4) and duration >= beat and rng.random() < eager:
            between = [step_from(pitch, after, span, part.low, part.high)]
        elif 5 <= distance <= 9 and duration >= 2 * beat and rng.random() < 0.6 * eager:
            step = pitch
            for _ in range(3):
                step = step_from(step, after, span, part.low, part.high)
                between.append(step)
        elif distance == 0 and duration >= 2 * beat and not bass and rng.random() < 0.5 * eager:
            # Down in the upper voices, up in the lower: towards the middle of the chord.
            side = pitch + (2 if pitch < 57 else -2)
            between = [step_from(pitch, side, span, part.low, part.high)]
        inside = all(min(pitch, after) < p < max(pitch, after) for p in between) or distance == 0
        held = following[1] >= 2 * beat and _can_hang(pitch, following, skeleton, span_index)
        if between and inside:
            cut = half * len(between)
            result.append((onset, duration - cut, pitch, velocity))
            result += [
                (onset + duration - cut + half * number, half, step, velocity - 8)
                for number, step in enumerate(between)
            ]
        elif held and not bass and rng.random() < 0.5 * eager:
            late = beat
            result.append((onset, duration + late, pitch, velocity))
        else:
            result.append((onset, duration, pitch, velocity))
    return result


def _can_hang(
    pitch: int, following: tuple[int, int, int, int], skeleton: Skeleton, span_index: int
) -> bool:
    """Whether a note may be held over the next one: it falls by step into a chord without it."""
    spans = skeleton.spans
    while span_index + 1 < len(spans) and spans[span_index].end <= following[0]:
        span_index += 1
    span = spans[span_index]
    leaves = following[0] == span.start and pitch % 12 not in span.chord.pitch_classes
    return leaves and 1 <= pitch - following[2] <= 2


def turn_weak_notes(
    notes: NDArray[np.void], plan: Plan, part_index: int, rng: np.random.Generator
) -> NDArray[np.void]:
    """Turn some weak notes of a broken chord into the step beside the note they lead to."""
    meter, part = plan.meter_value, plan.parts[part_index]
    spans = half_bar_spans(plan)
    changed = notes.copy()
    alone = np.bincount(np.unique(notes["onset"], return_inverse=True)[1]) == 1
    single = np.repeat(alone, np.bincount(np.unique(notes["onset"], return_inverse=True)[1]))
    for index in range(1, len(notes) - 1):
        before, here, after = notes[index - 1], notes[index], notes[index + 1]
        onset, length = int(here["onset"]), int(here["duration"])
        weak = meter.accent(onset % meter.bar_ticks) < 0.5 and length <= meter.beat_ticks
        if not (weak and single[index - 1 : index + 2].all() and rng.random() < _NEIGHBOURS):
            continue
        if int(after["onset"]) - onset > meter.beat_ticks or int(here["pitch"]) < 48:
            continue
        # The lowest note of a figure is its bass and stays.
        if here["pitch"] < min(before["pitch"], after["pitch"]):
            side = int(after["pitch"]) - 1
        else:
            side = int(here["pitch"])
        span = spans[min(onset // plan.half_tick, len(spans) - 1)]
        goal = int(after["pitch"])
        step = step_from(goal, side, span, part.low, part.high)
        if abs(step - goal) <= 2 and step != before["pitch"] and not span.chord.is_none:
            changed["pitch"][index] = step
    return trim_same_pitch(changed)


def within_hand(notes: NDArray[np.void], plan: Plan, part_index: int) -> NDArray[np.void]:
    """Leave out what lies beyond a hand's reach over the lowest note struck with it."""
    reach = hand_reach(plan, part_index)
    lowest: dict[int, int] = {}
    for note in notes:
        onset = int(note["onset"])
        lowest[onset] = min(lowest.get(onset, 127), int(note["pitch"]))
    kept = [int(note["pitch"]) - lowest[int(note["onset"])] <= reach for note in notes]
    return notes[np.asarray(kept, dtype=bool)]
