"""Vary: the same piece once more, and different.

Kinds of variation: ``melody`` keeps the opening bar of every phrase and the harmony, and writes a
share of the other melody bars anew; ``ornament`` leads from long melody notes to the next by turns,
neighbours and passing notes, the same ones wherever the melody makes the same turn; ``mode`` moves
the piece to the parallel major or minor; ``accompaniment`` keeps the melody and writes the other
parts anew.

Public names: :func:`vary`, :data:`VARIATIONS`.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace

import numpy as np

from leitmotiv.compose.operations.filling import fill
from leitmotiv.compose.operations.hands import split_lead
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
_TRIES = 3  # a variation that says the same again is none


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
        if all(part.is_drum or not len(part.notes) for part in score.parts):
            raise ComposeError("kind='mode' needs pitched notes; the score has none")
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
    if kind == "accompaniment" and split_lead(score, reading).split >= 0:
        parts = [lead, *others]  # a pianist's left hand
    if not parts:
        raise ComposeError(
            "kind='accompaniment' needs a part beside the melody; write one with add-part or "
            "harmonise first"
        )
    if not bars:
        raise ComposeError(
            f"kind={kind!r} finds nothing to change; the score must have at least 2 bars with notes"
        )
    for generator in write.spawn(_TRIES):
        result = fill(
            score,
            bars,
            parts,
            rng=generator,
            new_manner=kind == "accompaniment",
            voices="tune" if kind == "melody" else "accompaniment",
            model=model,
            options=options,
            progress=progress,
        )
        if any(_sound(result, part) != _sound(score, part) for part in parts):
            return result
    raise ComposeError(
        f"kind={kind!r} found nothing new for these bars; take another --seed or a higher amount"
    )


def _sound(score: Score, part: int) -> list[tuple[int, int]]:
    notes = score.parts[part].notes
    return list(zip(notes["onset"].tolist(), notes["pitch"].tolist(), strict=True))


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
    # Equal turns of the melody get equal ornaments: a figure is chosen once for each situation.
    chosen: dict[tuple[int, int, int], tuple[int, ...] | None] = {}
    changed = False
    for index, note in enumerate(notes):
        row = note.copy()
        result.append(row)
        onset = int(note["onset"])
        following = next((n for n in notes[index + 1 :] if n["onset"] > onset), None)
        together = (notes["onset"] == onset).sum() > 1
        if following is None or together or note["duration"] < _SHORTEST * 0.7:
            continue
        gap = int(following["onset"]) - onset
        if gap < _SHORTEST:
            continue
        bar = int(score.bar_index_at(onset))
        place = onset - int(score.bar_ticks[bar])
        bar = min(max(bar - reading.start_bar, 0), reading.plan.num_bars - 1)
        key = reading.plan.key_at(bar)
        degree = degree_of(int(note["pitch"]), key)[0]
        distance = degree_of(int(following["pitch"]), key)[0] - degree
        # A sung phrase may breathe after a note; its ornament then fills the note, not the rest.
        room = min(gap, max(int(note["duration"]), _SHORTEST))
        situation = (distance, room // (_SHORTEST // 2), place)
        if situation not in chosen:
            options = _figures(distance, room)
            pick = options[int(rng.integers(len(options)))]
            chosen[situation] = pick if rng.random() < amount else None
        figure = chosen[situation]
        if figure is None:
            continue
        length = min(room // 2 // len(figure), _SHORTEST // 2)
        first = onset + room - length * len(figure)
        row["duration"] = min(int(note["duration"]), first - onset)
        for step, value in enumerate(figure):
            extra = note.copy()
            extra["onset"], extra["duration"] = first + step * length, length
            extra["pitch"] = np.clip(_step_pitch(degree + value, key, degree), 0, 127)
            extra["velocity"] = max(int(note["velocity"]) - 8, 1)
            extra["origin"] = Origin.STYLE
            result.append(extra)
        changed = True
    if not changed:
        raise ComposeError(
            f"kind='ornament' finds no note to adorn at amount={amount:g}; a melody note must last "
            "a quarter or more and be followed by another, or take a higher amount"
        )
    return score.with_part(lead, part.with_notes(np.asarray(result, dtype=notes.dtype)))


def _figures(distance: int, room: int) -> list[tuple[int, ...]]:
    """Ornaments between a note and one ``distance`` scale steps away, as steps from the first.

    Passing notes fill leaps, neighbours and turns adorn repeated notes and steps; long notes take
    longer figures.
    """
    side = 1 if distance > 0 else -1
    long = room >= 2 * _SHORTEST
    if distance == 0:
        figures: list[tuple[int, ...]] = [(1,), (-1,), (1, 0)]
        longer: list[tuple[int, ...]] = [(1, 0, -1), (0, 1, 0), (-1, 0, 1)]
    elif abs(distance) == 1:
        figures = [(-side,), (2 * side,), (1, 0)]
        longer = [(1, 0, -1), (0, -side, 0), (-2, 0, -side)]
    elif abs(distance) == 2:
        figures = [(side,)]
        longer = [(0, side), (-side, 0, side), (1, 0, side)]
    else:
        run = tuple(
            side * k for k in range(abs(distance) - min(abs(distance) - 1, 3), abs(distance))
        )
        figures = [(side * (abs(distance) - 1),), (2 * side,)]
        longer = [run, (0, 2 * side), (side, *run[1:])]
    return longer if long else figures


def _step_pitch(degree: int, key: Key, goal: int) -> int:
    """Pitch of a scale step; in minor the seventh step is raised where it leads to the tonic."""
    leads = key.mode.is_minor_like and degree % 7 == 6 and goal == degree + 1
    return pitch_of(degree, int(leads), key)


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
