"""The performance: how a written score is played.

Purpose: turn a quantised Score into a performed one. The written score stays as it is; the
performed one has the same notes, parts, bars and maps with other onsets, durations, velocities,
controllers and tempo.

Rules, after the KTH system (Friberg, Bresin and Sundberg 2006):

- loudness: section energy, phrase arch, metrical accent, high-loud, harmonic charge, balance of
  roles (:mod:`leitmotiv.compose.dynamics`), and a contour learned from the dynamics that composers
  write (:mod:`leitmotiv.compose.loudness`);
- time: phrase arch and final ritardando in the tempo map, swing, long-memory deviations of a few
  milliseconds, the melody slightly ahead (:mod:`leitmotiv.compose.timing`);
- articulation: legato, repetition, breath, staccato, strums
  (:mod:`leitmotiv.compose.articulation`); pizzicato, tremolo and swells
  (:mod:`leitmotiv.compose.articulation_choice`).

How strongly each is applied is the style's :class:`~leitmotiv.styles.style.Feel`.

Public names: :func:`perform`, :func:`feel_for_plan`.

References
----------
A. Friberg, R. Bresin and J. Sundberg, "Overview of the KTH rule system for musical performance",
*Advances in Cognitive Psychology* 2(2-3), 2006. W. Goebl, "Melody lead in piano performance",
*JASA* 110(1), 2001.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.articulation import (
    Attack,
    attack_of,
    chord_spread_sec,
    sounding_durations,
)
from leitmotiv.compose.articulation_choice import articulation_controls
from leitmotiv.compose.comping import trim_same_pitch
from leitmotiv.compose.drummer import drum_timing_sec
from leitmotiv.compose.dynamics import (
    EXPRESSION,
    PEDAL,
    expression_controls,
    note_velocities,
    pedal_controls,
)
from leitmotiv.compose.loudness import loudness_contour
from leitmotiv.compose.timing import (
    PlaceNoise,
    correlated_noise,
    expressive_tempo_map,
    swing_ticks,
)
from leitmotiv.plan.plan import Plan
from leitmotiv.score.score import Part, Score
from leitmotiv.styles.library import load_style, style_for_genre
from leitmotiv.styles.style import DRUM_KEYS, Feel, Style
from leitmotiv.theory import TICKS_PER_QUARTER

__all__ = ["feel_for_plan", "perform"]

_CLASSICAL = Feel(timing_ms=8.0, velocity_spread=5.0, rubato=0.6, accent_depth=0.5)
_STRICT_GENRES = ("baroque", "fugue", "hymn", "chorale", "chiptune", "toccata", "minuet")
_MELODY_LEAD_SEC = 0.008
_LATE_DRUMS = frozenset({DRUM_KEYS["snare"], DRUM_KEYS["rim"], DRUM_KEYS["clap"]})
_PEDALLED = frozenset([*range(0, 6), 8, 9, 10, 11, 46])
_MIN_TICKS = 10


def _style_of(plan: Plan) -> Style | None:
    return load_style(plan.style) if plan.style is not None else style_for_genre(plan.genre)


def feel_for_plan(plan: Plan) -> Feel:
    """Return how the plan's style is played; genres without a style are played classically.

    ``plan.style`` is a shipped style's name or the path of a person's own file.
    """
    style = _style_of(plan)
    if style is not None:
        return style.feel
    if any(word in plan.genre.lower() for word in _STRICT_GENRES):
        return _CLASSICAL.model_copy(update={"rubato": 0.3})
    return _CLASSICAL


def perform(score: Score, plan: Plan, *, rng: np.random.Generator) -> Score:
    """Play a written score.

    Parameters
    ----------
    score : Score
        Quantised; its parts stand in the order of ``plan.parts``.
    plan : Plan
        Phrases, energy and style.
    rng : numpy.random.Generator
        Source of the small irregularities; the same generator state gives the same performance.

    Returns
    -------
    Score
        Same parts, number of notes, meters and length. No note starts before 0 or ends after the
        last bar line, and no pitch of a part overlaps itself. Two notes of one part, pitch and
        onset become one.
    """
    feel = feel_for_plan(plan)
    seeds = rng.integers(2**32, size=len(score.parts) + 1)
    ensemble = correlated_noise(_num_beats(score, plan), np.random.default_rng(int(seeds[-1])))
    contour = loudness_contour(score, plan)
    parts = []
    for part, seed in zip(score.parts, seeds[:-1], strict=True):
        part_rng = np.random.default_rng(int(seed))
        parts.append(_perform_part(score, plan, part, feel, ensemble, contour, part_rng))
    return replace(
        score,
        parts=tuple(parts),
        tempo_map=expressive_tempo_map(score, plan, feel.rubato),
    )


def _num_beats(score: Score, plan: Plan) -> int:
    return score.length_ticks // plan.meter_value.beat_ticks + 2


def _perform_part(
    score: Score,
    plan: Plan,
    part: Part,
    feel: Feel,
    ensemble: NDArray[np.float64],
    contour: NDArray[np.float64],
    rng: np.random.Generator,
) -> Part:
    if not len(part.notes):
        return part
    bars = range(0, max(score.length_ticks, 1), plan.bar_ticks)
    qpm = float(np.median([score.tempo_map.qpm_at(tick) for tick in bars]))
    ticks_per_sec = qpm / 60.0 * TICKS_PER_QUARTER
    notes = part.notes.copy()
    noise = PlaceNoise(score.length_ticks, rng)
    velocities = note_velocities(score, plan, part, feel, noise, contour=contour)
    durations = sounding_durations(part, plan, ticks_per_sec=ticks_per_sec, noise=noise)
    meter = plan.meter_value
    written = notes["onset"].astype(np.int64)
    onsets = swing_ticks(written, feel.swing, feel.swing_unit, meter, qpm)
    ends = swing_ticks(written + durations, feel.swing, feel.swing_unit, meter, qpm)
    shift = _shift_sec(plan, part, written, feel, ensemble, noise, rng)
    moved = np.round(onsets + shift * ticks_per_sec).astype(np.int64)
    limit = max(score.length_ticks - _MIN_TICKS, 0)
    moved = np.clip(moved, 0, limit)
    ends = np.clip(np.maximum(ends, moved + _MIN_TICKS), 1, score.length_ticks)
    notes["onset"], notes["velocity"] = moved, velocities
    notes["duration"] = np.maximum(ends - moved, 1)
    notes = trim_same_pitch(notes)
    return replace(part, notes=notes, controls=_controls(score, plan, part, feel, ticks_per_sec))


def _shift_sec(
    plan: Plan,
    part: Part,
    written: NDArray[np.int64],
    feel: Feel,
    ensemble: NDArray[np.float64],
    noise: PlaceNoise,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Seconds by which each note is moved, shape (notes,)."""
    meter, notes = plan.meter_value, part.notes
    own = noise.drifting(written)
    common = ensemble[np.minimum(written // meter.beat_ticks, len(ensemble) - 1)]
    # The players drift together and, less, each for himself.
    shift = feel.timing_ms / 1000.0 * (0.55 * common + 0.75 * own)
    if part.role == "melody" and feel.rubato > 0:
        shift -= _MELODY_LEAD_SEC * min(1.0, 0.3 + feel.rubato)
    lag = feel.laid_back_ms / 1000.0
    if part.is_drum:
        shift *= 0.6
        shift += lag * np.isin(notes["pitch"], list(_LATE_DRUMS))
        style = _style_of(plan)
        if style is not None and style.drummer is not None:
            # Recorded hands say how early or late each piece of the kit comes.
            qpm = plan.qpm_at(0)
            shift = 0.5 * shift + drum_timing_sec(notes, plan, style, qpm, rng)
        else:
            # A flam of hands: hats and ride have their own, smaller, jitter.
            shift += 0.15 * feel.timing_ms / 1000.0 * noise.of(written, notes["pitch"])
    elif part.role == "harmony":
        shift += 0.6 * lag
    elif part.role == "bass":
        shift += 0.25 * lag
    starts = np.flatnonzero(np.diff(written, prepend=-1))
    for start, stop in zip(starts, [*starts[1:], len(written)], strict=True):
        size = stop - start
        if size < 2 or part.is_drum:
            continue
        accent = meter.accent(int(written[start]) % meter.bar_ticks)
        # The share of a normal distribution below the value there is even between 0 and 1.
        chance = 0.5 * (
            1.0 + math.erf(float(noise.at(written[start : start + 1])[0]) / math.sqrt(2))
        )
        step, upwards = chord_spread_sec(part, accent, chance)
        if step <= 0 or (feel.timing_ms < 2 and part.program != 46):
            continue
        rank = np.arange(size) if upwards else np.arange(size)[::-1]
        # Strums end on the beat's far side; about a third of them lies before it.
        shift[start:stop] += step * (rank - (size - 1) / 3.0)
    return np.asarray(np.clip(shift, -0.06, 0.2))


def _controls(
    score: Score, plan: Plan, part: Part, feel: Feel, ticks_per_sec: float
) -> NDArray[np.void]:
    """The part's controllers with swells and pedal added where it has none of its own."""
    present = set(part.controls["controller"].tolist())
    pieces = [part.controls]
    attack = attack_of(part)
    is_pad = part.role == "pad" and attack is Attack.HELD
    if EXPRESSION not in present and (attack in (Attack.BOWED, Attack.BLOWN) or is_pad):
        depth = 0.5 + 0.5 * feel.rubato
        pieces.append(expression_controls(score, plan, part, depth=depth))
    if (
        PEDAL not in present
        and part.program in _PEDALLED
        and not part.is_drum
        and feel.rubato > 0.2
    ):
        delay = max(int(0.06 * ticks_per_sec), 10)
        pieces.append(pedal_controls(score, plan, part, delay_ticks=delay))
    pieces.append(articulation_controls(plan, part))
    merged = np.concatenate(pieces)
    return merged[np.argsort(merged["tick"], kind="stable")]
