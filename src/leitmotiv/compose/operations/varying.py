"""Vary: the same piece once more, and different.

Kinds of variation: ``melody`` keeps the opening bar of every phrase and the harmony, and writes a
share of the other melody bars anew; ``ornament`` breaks long melody notes by neighbours and passing
notes; ``mode`` moves the piece to the parallel major or minor; ``accompaniment`` keeps the melody
and writes the other parts anew.

Public names: :func:`vary`, :data:`VARIATIONS`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np

from leitmotiv.compose.operations.filling import fill
from leitmotiv.compose.operations.reading import Reading, read_plan
from leitmotiv.compose.operations.region import USUAL_OPTIONS, Progress, no_progress
from leitmotiv.compose.theme import degree_of, pitch_of
from leitmotiv.compose.writer import WriterOptions
from leitmotiv.errors import ComposeError
from leitmotiv.models import EventModel
from leitmotiv.score import Origin, Score
from leitmotiv.theory import Key

__all__ = ["VARIATIONS", "vary"]

VARIATIONS = ("melody", "ornament", "mode", "accompaniment")
_SHORTEST = 480  # ticks that a note must have to be broken


def vary(
    score: Score,
    kind: str = "melody",
    *,
    amount: float = 0.5,
    rng: np.random.Generator,
    model: EventModel | None = None,
    options: WriterOptions = USUAL_OPTIONS,
    progress: Progress = no_progress,
) -> Score:
    """Return a variation of a score.

    Parameters
    ----------
    kind : str
        One of :data:`VARIATIONS`.
    amount : float
        Share of the bars (``melody``, ``accompaniment``) or long notes (``ornament``) that change,
        above 0 and at most 1; the change of mode is always whole.

    Raises
    ------
    ComposeError
        If the kind is unknown, the amount out of range, or there is no melody.
    """
    if kind not in VARIATIONS:
        raise ComposeError(f"kind={kind!r} must be one of {', '.join(VARIATIONS)}")
    if not 0 < amount <= 1:
        raise ComposeError(f"amount={amount:g} must be above 0 and at most 1")
    reading = read_plan(score)
    if kind == "mode":
        return _parallel(score, reading)
    if reading.melody < 0:
        raise ComposeError("the score has no melody; add a pitched part with notes")
    lead = reading.parts[reading.melody]
    if kind == "ornament":
        return _ornamented(score, reading, lead, amount, rng)
    pick, write = rng.spawn(2)
    bars = _bars_to_change(reading, amount, pick, keep_openings=kind == "melody")
    others = [i for i, part in enumerate(score.parts) if i != lead and len(part.notes)]
    parts = [lead] if kind == "melody" else others
    if not parts or not bars:
        raise ComposeError(f"kind={kind!r} finds nothing to change; the score is too small")
    return fill(
        score,
        bars,
        parts,
        rng=write,
        new_manner=kind == "accompaniment",
        model=model,
        options=options,
        progress=progress,
    )


def _bars_to_change(
    reading: Reading, amount: float, rng: np.random.Generator, *, keep_openings: bool
) -> list[int]:
    plan = reading.plan
    sounding = set(np.unique(reading.notes["bar"]).tolist())
    openings = {p.start_bar_index for s in plan.sections for p in s.phrases}
    free = [b for b in sorted(sounding) if not (keep_openings and b in openings)]
    if amount >= 1:
        return [bar + reading.start_bar for bar in free]
    count = max(round(amount * len(free)), 1)
    # Neighbouring bars change together: a phrase that turns elsewhere, not stitches.
    groups: dict[int, list[int]] = defaultdict(list)
    for bar in free:
        groups[plan.phrase_at(bar).start_bar_index].append(bar)
    chosen: list[int] = []
    for index in rng.permutation(len(groups)).tolist():
        chosen += sorted(groups.values())[index]
        if len(chosen) >= count:
            break
    return sorted(bar + reading.start_bar for bar in chosen[:count])


def _ornamented(
    score: Score, reading: Reading, lead: int, amount: float, rng: np.random.Generator
) -> Score:
    part = score.parts[lead]
    notes = part.notes
    result = []
    for index, note in enumerate(notes):
        row = note.copy()
        result.append(row)
        onset = int(note["onset"])
        following = next((n for n in notes[index + 1 :] if n["onset"] > onset), None)
        together = (notes["onset"] == onset).sum() > 1
        if following is None or together or note["duration"] < _SHORTEST * 0.7:
            continue
        gap = int(following["onset"]) - onset
        if gap < _SHORTEST or rng.random() >= amount:
            continue
        bar = int(score.bar_index_at(onset)) - reading.start_bar
        key = reading.plan.key_at(min(max(bar, 0), reading.plan.num_bars - 1))
        degree = degree_of(int(note["pitch"]), key)[0]
        goal = degree_of(int(following["pitch"]), key)[0]
        distance = goal - degree
        step = int(np.sign(distance)) if abs(distance) >= 2 else (1 if distance <= 0 else -1)
        length = _SHORTEST // 2 if gap < 2 * _SHORTEST else _SHORTEST // 4
        figure = [degree + step] if gap < 2 * _SHORTEST else [degree + 1, degree]
        if gap >= 2 * _SHORTEST and abs(distance) >= 2:
            figure = [degree + 2 * step if abs(distance) > 2 else degree, degree + step]
        first = onset + gap - length * len(figure)
        row["duration"] = min(int(note["duration"]), first - onset)
        for place, value in enumerate(figure):
            extra = note.copy()
            extra["onset"], extra["duration"] = first + place * length, length
            extra["pitch"] = np.clip(pitch_of(value, 0, key), 0, 127)
            extra["velocity"] = max(int(note["velocity"]) - 8, 1)
            extra["origin"] = Origin.STYLE
            result.append(extra)
    return score.with_part(lead, part.with_notes(np.asarray(result, dtype=notes.dtype)))


def _parallel(score: Score, reading: Reading) -> Score:
    """Move every pitched note to the parallel mode, degree by degree."""
    parts = []
    for part in score.parts:
        if part.is_drum:
            parts.append(part)
            continue
        notes = part.notes.copy()
        bars = score.bar_index_at(notes["onset"]) - reading.start_bar
        for note, bar in zip(notes, np.clip(bars, 0, reading.plan.num_bars - 1), strict=True):
            key = reading.plan.key_at(int(bar))
            other = _other_mode(key)
            degree, alteration = degree_of(int(note["pitch"]), key)
            pitch = pitch_of(degree, alteration, other)
            # The leading tone stays one in minor where it leads on: V keeps its major third.
            chord = reading.plan.chord_at(int(bar), 0)
            leading = (key.tonic_pitch_class + 11) % 12
            dominant = (key.tonic_pitch_class + 7) % 12
            raised = not chord.is_none and chord.root_pitch_class in (dominant, leading)
            if int(note["pitch"]) % 12 == leading and raised:
                pitch = int(note["pitch"])
            if pitch != int(note["pitch"]):
                note["pitch"], note["origin"] = np.clip(pitch, 0, 127), Origin.THEME
        parts.append(part.with_notes(notes))
    keys = tuple(replace(change, key=_other_mode(change.key)) for change in score.keys)
    return replace(score.with_parts(parts), keys=keys, chords=())


def _other_mode(key: Key) -> Key:
    plain = Key.parse(f"{key.tonic} {'minor' if key.mode.is_minor_like else 'major'}")
    return plain.parallel
