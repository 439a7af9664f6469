"""Expressive loudness: energy, phrase arch, metre and balance as velocities and swells.

Conventions: all curves return one value per tick asked for; velocities are 1-127.

Public names: :func:`energy_curve`, :func:`phrase_arch`, :func:`note_velocities`,
:func:`expression_controls`, :func:`pedal_controls`, :func:`write_dynamics`.

References
----------
A. Friberg, R. Bresin and J. Sundberg, "Overview of the KTH rule system for musical performance",
*Advances in Cognitive Psychology* 2(2-3), 2006: phrase arch, high loud, harmonic charge.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.harmony_spans import half_bar_spans
from leitmotiv.compose.loudness import usual_pitch
from leitmotiv.compose.timing import PlaceNoise
from leitmotiv.plan.plan import Plan
from leitmotiv.score.score import CONTROL_DTYPE, Part, Score
from leitmotiv.styles.style import Feel

__all__ = [
    "energy_curve",
    "expression_controls",
    "note_velocities",
    "pedal_controls",
    "phrase_arch",
    "write_dynamics",
]

EXPRESSION, PEDAL = 11, 64
_WRITTEN_LEVELS = np.asarray([33, 49, 64, 80, 96, 112])  # pp p mp mf f ff
_ROLE_OFFSET = {
    "melody": 7.0, "counter": 1.0, "bass": -1.0, "harmony": -6.0, "pad": -10.0, "drums": -2.0
}  # fmt: skip
_ARCH = 7.0  # velocities from a phrase's mean to its goal; players show less of it than is taught
_CONTOUR = 1.35  # what is played of what is written: all of it at a usual rubato of 0.6
_WRITTEN_CENTER = 80.0  # a note written at this velocity carries no accent of its own


def energy_curve(plan: Plan, ticks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the planned energy at each tick, led over to the next section in its last bars."""
    energies = np.array([section.energy for section in plan.sections])
    starts = np.array([section.start_bar_index for section in plan.sections]) * plan.bar_ticks
    index = np.clip(np.searchsorted(starts, ticks, side="right") - 1, 0, len(starts) - 1)
    ends = np.array([section.end_bar_index for section in plan.sections]) * plan.bar_ticks
    following = energies[np.minimum(index + 1, len(energies) - 1)]
    left = (ends[index] - ticks) / (2.0 * plan.bar_ticks)
    share = 0.45 * np.clip(1.0 - left, 0.0, 1.0)
    return np.asarray(energies[index] + share * (following - energies[index]))


def phrase_arch(plan: Plan, ticks: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the dynamic arch at each tick: -1 at phrase ends, +1 two thirds in.

    Rises as a half cosine to the goal and falls faster than it rose; a phrase that starts a
    section begins a little lower than one that goes on.
    """
    phrases = [phrase for section in plan.sections for phrase in section.phrases]
    starts = np.array([phrase.start_bar_index for phrase in phrases]) * plan.bar_ticks
    lengths = np.array([phrase.num_bars for phrase in phrases]) * plan.bar_ticks
    index = np.clip(np.searchsorted(starts, ticks, side="right") - 1, 0, len(starts) - 1)
    place = np.clip((ticks - starts[index]) / lengths[index], 0.0, 1.0)
    goal = 0.64
    rise = -0.7 + 1.7 * (0.5 - 0.5 * np.cos(np.pi * np.clip(place / goal, 0, 1)))
    fall = 1.0 - 2.0 * (0.5 - 0.5 * np.cos(np.pi * np.clip((place - goal) / (1 - goal), 0, 1)))
    return np.asarray(np.where(place < goal, rise, fall))


def _harmonic_charge(plan: Plan) -> NDArray[np.float64]:
    """0..1 for each half bar: how many of its tones lie outside the key, plus dominant pull."""
    charge = []
    for span in half_bar_spans(plan):
        if span.chord.is_none:
            charge.append(0.0)
            continue
        classes = set(span.chord.pitch_classes)
        outside = len(classes - set(span.key.scale)) / len(classes)
        away = 0.0 if span.chord.root_pitch_class == span.key.tonic.pitch_class else 0.25
        charge.append(min(outside + away, 1.0))
    return np.array(charge)


def note_velocities(
    score: Score,
    plan: Plan,
    part: Part,
    feel: Feel,
    noise: PlaceNoise,
    *,
    contour: NDArray[np.float64] | None = None,
) -> NDArray[np.int64]:
    """Return a velocity for each note of a part, shape (notes,).

    ``contour`` is that of :func:`~leitmotiv.compose.loudness.loudness_contour`; without it bars of
    one section and place in the phrase are equally loud.
    """
    notes = part.notes
    if not len(notes):
        return np.zeros(0, dtype=np.int64)
    onsets = notes["onset"].astype(np.int64)
    meter = plan.meter_value
    accent = np.array([meter.accent(int(tick) % meter.bar_ticks) for tick in onsets])
    energy = energy_curve(plan, onsets)
    written = notes["velocity"].astype(float) - _WRITTEN_CENTER
    velocity = 48.0 + 50.0 * energy + _ROLE_OFFSET.get(part.role, -4.0)
    expressive = 0.35 + 0.65 * feel.rubato
    if part.is_drum:
        # A kit part says itself what is a stroke and what is a ghost.
        velocity += 0.85 * written + 3.0 * phrase_arch(plan, onsets) * expressive
        spread = feel.velocity_spread
        velocity += spread * 0.5 * noise.of(onsets, notes["pitch"])
    else:
        velocity += 0.5 * written
        velocity += 16.0 * feel.accent_depth * (accent - 0.4)
        velocity += _ARCH * expressive * phrase_arch(plan, onsets)
        if contour is not None:
            bars = np.clip(onsets // meter.bar_ticks, 0, len(contour) - 1)
            velocity += _CONTOUR * expressive * contour[bars]
        middle = _usual_pitch(score, plan, part)
        velocity += 0.25 * np.clip(notes["pitch"].astype(float) - middle, -16, 16)
        halves = _harmonic_charge(plan)
        bar = np.clip(onsets // meter.bar_ticks, 0, plan.num_bars - 1)
        half = (onsets % meter.bar_ticks >= plan.half_tick).astype(np.int64)
        velocity += 4.0 * expressive * halves[2 * bar + half]
        # One value for all notes struck together, so that chords stay balanced.
        spread = feel.velocity_spread
        velocity += 0.6 * spread * noise.at(onsets)
        velocity += 0.25 * spread * noise.of(onsets, notes["pitch"])
        velocity -= _inner_voice_cut(notes)
        if plan.loop is None and feel.rubato > 0.2:
            closing = onsets >= score.length_ticks - meter.bar_ticks
            velocity -= np.where(closing, 8.0 * (1.0 - energy), 0.0)
    return np.clip(np.round(velocity), 12, 124).astype(np.int64)


def _usual_pitch(score: Score, plan: Plan, part: Part) -> float:
    """The middle of a part's register: of the plan, so that no single note moves it."""
    index = next((i for i, other in enumerate(score.parts) if other is part), len(plan.parts))
    if index < len(plan.parts):
        return usual_pitch(plan.parts[index])
    return float(np.median(part.notes["pitch"]))


def _inner_voice_cut(notes: NDArray[np.void]) -> NDArray[np.float64]:
    """Inner notes of a chord are played a little softer than its top note."""
    cut = np.zeros(len(notes))
    onsets, pitches = notes["onset"], notes["pitch"]
    starts = np.flatnonzero(np.diff(onsets, prepend=-1))
    for start, stop in zip(starts, [*starts[1:], len(notes)], strict=True):
        if stop - start > 1:
            cut[start:stop] = np.where(pitches[start:stop] == pitches[start:stop].max(), 0.0, 4.0)
    return cut


def _control_rows(ticks: list[int], controller: int, values: list[int]) -> NDArray[np.void]:
    rows = np.zeros(len(ticks), dtype=CONTROL_DTYPE)
    rows["tick"], rows["controller"], rows["value"] = ticks, controller, values
    return rows


def expression_controls(
    score: Score, plan: Plan, part: Part, *, depth: float = 1.0
) -> NDArray[np.void]:
    """Return CC11 swells for an instrument that shapes its notes after the attack.

    The phrase arch carries the line; long notes get a small hairpin of their own.
    """
    if not len(part.notes):
        return np.zeros(0, dtype=CONTROL_DTYPE)
    step = 120
    ticks = np.arange(0, score.length_ticks, step, dtype=np.int64)
    level = 98.0 + 12.0 * depth * phrase_arch(plan, ticks)
    long_note = 2 * plan.meter_value.beat_ticks
    for note in part.notes[part.notes["duration"] >= long_note]:
        start, length = int(note["onset"]), int(note["duration"])
        inside = (ticks >= start) & (ticks < start + length)
        place = (ticks[inside] - start) / length
        # Swell to the middle of the note and let go: the bow, or the breath.
        level[inside] += 6.0 * depth * np.sin(np.pi * place) - 3.0 * depth
    values = np.clip(np.round(level), 50, 127).astype(int).tolist()
    kept_ticks, kept_values = [0], [values[0]]
    for tick, value in zip(ticks[1:].tolist(), values[1:], strict=True):
        if abs(value - kept_values[-1]) >= 2:
            kept_ticks.append(tick)
            kept_values.append(value)
    return _control_rows(kept_ticks, EXPRESSION, kept_values)


def pedal_controls(score: Score, plan: Plan, part: Part, *, delay_ticks: int) -> NDArray[np.void]:
    """Return CC64 for a piano or harp: changed with the chords, up where the line would blur.

    The pedal is lifted on the new chord and put down ``delay_ticks`` after it (syncopated
    pedalling). A stretch in which more than four notes in ten are foreign to the chord stays dry.
    """
    ticks: list[int] = []
    values: list[int] = []
    notes = part.notes
    is_down = False
    previous = None
    for span in half_bar_spans(plan):
        end = min(span.end, score.length_ticks)
        inside = notes[(notes["onset"] >= span.start) & (notes["onset"] < end)]
        classes = set() if span.chord.is_none else set(span.chord.pitch_classes)
        foreign = [int(pitch) % 12 not in classes for pitch in inside["pitch"]]
        sounding = notes[(notes["onset"] < end) & (notes["onset"] + notes["duration"] > span.start)]
        dry = not len(sounding) or (len(foreign) > 0 and float(np.mean(foreign)) > 0.4)
        changes = previous is None or previous.chord != span.chord or span.half == 0
        if is_down and (dry or changes):
            ticks.append(span.start)
            values.append(0)
            is_down = False
        if not dry and not is_down and span.start + delay_ticks < end:
            ticks.append(span.start + delay_ticks)
            values.append(127)
            is_down = True
        previous = span
    if is_down:
        ticks.append(score.length_ticks)
        values.append(0)
    return _control_rows(ticks, PEDAL, values)


def write_dynamics(score: Score, plan: Plan) -> Score:
    """Return the score with the dynamic level of each section as the velocity of its notes.

    This is what stands on the page, one of pp p mp mf f ff by the section's energy; what is heard
    comes from :func:`~leitmotiv.compose.perform.perform`. Drum parts keep their strokes.
    """
    energies = np.asarray([section.energy for section in plan.sections])
    wanted = 40.0 + 68.0 * energies
    levels = _WRITTEN_LEVELS[np.abs(_WRITTEN_LEVELS - wanted[:, None]).argmin(axis=1)]
    starts = np.asarray([section.start_bar_index for section in plan.sections]) * plan.bar_ticks
    parts = []
    for part in score.parts:
        notes = part.notes.copy()
        if not part.is_drum:
            index = np.searchsorted(starts, notes["onset"], side="right") - 1
            notes["velocity"] = levels[np.clip(index, 0, len(levels) - 1)]
        parts.append(part.with_notes(notes))
    return score.with_parts(parts)
