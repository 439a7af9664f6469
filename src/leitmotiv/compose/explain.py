"""Explain: which rule, style, theme or context events decided a note.

Purpose: a composition is made again from its plan with a journal open; every note then has a
history. Where the network drew it, the draw is repeated: what the network wanted, what each rule
of the guidance added, and how much each cell of the context had to say. Music made elsewhere has
no history: there the network says how well it would have guessed each note, and from what.

Conventions: bars and parts are indices from 0 in the records' ``bar_index`` and ``part_index``,
numbers from 1 in sentences. Chances are shares; biases and changes are nats.

Public names: :func:`explain_plan`, :func:`explain_written`, :func:`explain_score`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.attention import knock_out
from leitmotiv.compose.composer import ComposeOptions, compose
from leitmotiv.compose.explain_chord import explain_chords, explain_heard_chords
from leitmotiv.compose.guidance import GuidanceFilter
from leitmotiv.compose.journal import Journal, Step, Written, open_journal
from leitmotiv.errors import ComposeError
from leitmotiv.models import EventModel, RowState, load_model
from leitmotiv.plan import Plan
from leitmotiv.score import Origin, Score
from leitmotiv.score.analysis import estimate_key
from leitmotiv.theory import pitch_name
from leitmotiv.tokens import tags
from leitmotiv.tokens.grid import score_to_grid
from leitmotiv.tokens.sequence import Window, lay_out
from leitmotiv.tokens.vocabulary import (
    DRUM_PITCH_OFFSET,
    HEADER,
    PITCH_OFFSET,
    POSITION_OFFSET,
    STEPS_PER_QUARTER,
    duration_to_id,
    id_to_duration,
)

__all__ = ["explain_plan", "explain_score", "explain_written"]

_FIELDS = ("position", "pitch", "duration")
_WINDOW_BARS = 16
_TOP_EVENTS = 8
_RULES = {
    "write": "the network drew it",
    "place": "the theme stands here, transformed",
    "state_theme": "the theme that was given",
    "copy_melody": "the melody of the section that returns",
    "copy_parts": "the accompaniment of the section that returns",
    "fill_free": "a pattern of the style, voiced on the chord",
    "tidy_part": "repair: range, overlaps, notes struck twice",
    "close_melody": "repair: the phrase closes on a tone of its goal chord",
    "close_bass": "repair: the bass has the goal chord's bass note",
    "settle_last_bar": "repair: the last chord rings to the end",
    "breathe": "repair: the player breathes after the phrase",
    "hold_repeats": "repair: a hold that was cut in two is tied",
    "rearrange": "the bar was arranged again for a chord that was edited",
}

Event = tuple[int, int, int, int]


def explain_plan(
    plan: Plan,
    bar_index: int,
    part_index: int,
    *,
    rng: np.random.Generator,
    model: EventModel | None = None,
    options: ComposeOptions | None = None,
) -> tuple[Score, dict[str, Any]]:
    """Compose a plan again and explain the notes that start in one bar of one part.

    Parameters
    ----------
    rng : numpy.random.Generator
        In the state from which the piece was composed.

    Returns
    -------
    (Score, dict)
        The piece, and a record that can be written as JSON.

    Raises
    ------
    ComposeError
        If there is no such bar or part.
    """
    _check("part", part_index, plan.num_parts)
    _check("bar", bar_index, plan.num_bars)
    model = model or load_model()
    with open_journal() as journal:
        score = compose(plan, options=options or ComposeOptions(), rng=rng, model=model)
    return score, explain_written(plan, score, journal, bar_index, part_index, model=model)


def explain_written(
    plan: Plan,
    score: Score,
    journal: Journal,
    bar_index: int,
    part_index: int,
    *,
    model: EventModel | None = None,
) -> dict[str, Any]:
    """Explain the notes that start in one bar of one part of a piece that was just composed.

    Parameters
    ----------
    score, journal : Score, Journal
        What :func:`leitmotiv.compose.compose` returned, and the journal that was open meanwhile:
        one composition answers for any number of bars.

    Raises
    ------
    ComposeError
        If there is no such bar or part.
    """
    _check("part", part_index, plan.num_parts)
    _check("bar", bar_index, plan.num_bars)
    model = model or load_model()
    part = plan.parts[part_index]
    notes = score.parts[part_index].notes
    notes = notes[notes["onset"] // plan.bar_ticks == bar_index]
    steps = journal.steps.get((bar_index, part_index), [])
    record: dict[str, Any] = {
        "source": "plan",
        "bar_index": bar_index,
        "part_index": part_index,
        "part": part.name,
        "role": part.role,
        "style": plan.style,
        "plan": _plan_record(plan, bar_index, part_index),
        "rules_in_order": [_rule_words(step.rule) for step in steps],
        "notes": [_planned_note(plan, model, steps, note, bar_index, part_index) for note in notes],
        "share_of_rules": _shares(journal, part_index),
    }
    return record


def explain_score(
    score: Score, bar_index: int, part_index: int, *, model: EventModel | None = None
) -> tuple[Score, dict[str, Any]]:
    """Explain a bar of music made elsewhere: what the network would have guessed, and from what.

    Parameters and errors as in :func:`explain_plan`; bars are counted as the score counts them.
    """
    model = model or load_model()
    _check("part", part_index, len(score.parts))
    key = score.keys[0].key if score.keys else estimate_key(score)
    grid = score_to_grid(score, mode=tags.mode_id(str(key.mode)))
    if not score.keys:
        grid.fifths[:] = key.fifths
    _check("bar", bar_index, grid.num_bars)
    start = min(max(bar_index - _WINDOW_BARS // 2, 0), max(grid.num_bars - _WINDOW_BARS, 0))
    num_bars = min(_WINDOW_BARS, grid.num_bars - start)
    others = [p for p in range(grid.num_parts) if p != part_index][:15]
    parts = sorted([*others, part_index])
    slot = parts.index(part_index)
    target = np.zeros((num_bars, len(parts)), dtype=bool)
    target[bar_index - start, slot] = True
    window = lay_out(grid, start=start, num_bars=num_bars, parts=parts, target=target)
    chosen = grid.notes[(grid.notes["bar"] == bar_index) & (grid.notes["part"] == part_index)]
    offset = DRUM_PITCH_OFFSET if grid.is_drum[part_index] else PITCH_OFFSET + window.shift
    events: list[Event] = [
        (
            int(note["position"]) + POSITION_OFFSET,
            int(np.clip(note["pitch"] + offset, 1, 256)),
            int(duration_to_id(note["duration"])),
            0,
        )
        for note in chosen
    ]
    notes = []
    for index, note in enumerate(chosen):
        entry = _note_record(
            int(note["position"]), int(note["pitch"]), int(note["duration"]), Origin.HUMAN
        )
        entry["decided_by"] = {"rule": "given", "words": "it stands in the file"}
        entry["context"] = _context(model, window, [events], 0, index)
        notes.append(entry)
    name = score.parts[part_index].name
    return score, {
        "source": "file",
        "bar_index": bar_index,
        "part_index": part_index,
        "part": name,
        "plan": {"key": str(key), "chords": explain_heard_chords(score, bar_index, key)},
        "notes": notes,
    }


def _check(name: str, index: int, count: int) -> None:
    if not 0 <= index < count:
        raise ComposeError(f"{name}={index + 1} must be a whole number from 1 to {count}")


def _rule_words(rule: str) -> dict[str, str]:
    return {"rule": rule, "words": _RULES.get(rule, rule.replace("_", " "))}


def _shares(journal: Journal, part: int) -> dict[str, float]:
    """Share of a part's cells by the rule that wrote them last."""
    mine = [steps for (_, owner), steps in journal.steps.items() if owner == part and steps]
    last = [steps[-1].rule for steps in mine]
    return {rule: round(last.count(rule) / len(last), 3) for rule in sorted(set(last))}


def _plan_record(plan: Plan, bar: int, part: int) -> dict[str, Any]:
    """What the plan says about a bar: form, cadence, chords and the theme."""
    section, phrase, key = plan.section_at(bar), plan.phrase_at(bar), plan.key_at(bar)
    themes = [
        {
            "transform": item.transform,
            "from_bar_index": item.bar_index,
            "transpose_steps": item.transpose_steps,
        }
        for item in plan.placements
        if item.part_index == part and item.bar_index <= bar < item.bar_index + item.num_bars
    ]
    returns = None
    if section.returns_to is not None:
        source = plan.sections[section.returns_to]
        returns = {
            "section": source.label,
            "bar_index": source.start_bar_index + bar - section.start_bar_index,
        }
    return {
        "section": section.label,
        "key": str(key),
        "energy": section.energy,
        "phrase_bars": [phrase.start_bar_index, phrase.end_bar_index],
        "cadence": phrase.cadence,
        "chords": explain_chords(plan, bar),
        "theme": themes,
        "returns_to": returns,
    }


def _note_record(position: int, pitch: int, duration: int, origin: int) -> dict[str, Any]:
    return {
        "beat_quarter": round(position / STEPS_PER_QUARTER, 4),
        "pitch": pitch,
        "name": pitch_name(pitch),
        "duration_quarter": round(duration / STEPS_PER_QUARTER, 4),
        "origin": Origin(origin).name.lower(),
    }


def _planned_note(
    plan: Plan,
    model: EventModel,
    steps: Sequence[Step],
    note: NDArray[np.void],
    bar: int,
    part: int,
) -> dict[str, Any]:
    ticks = plan.bar_ticks
    position = int(note["onset"]) % ticks * STEPS_PER_QUARTER // 480
    pitch, duration = int(note["pitch"]), int(note["duration"]) * STEPS_PER_QUARTER // 480
    entry = _note_record(position, pitch, duration, int(note["origin"]))
    is_drum = plan.parts[part].is_drum
    chord = plan.chord_at(bar, int(int(note["onset"]) % ticks >= plan.half_tick))
    if not is_drum and not chord.is_none:
        in_scale = pitch % 12 in plan.key_at(bar).scale
        entry["harmony"] = {
            "chord": str(chord),
            "is": "chord tone"
            if pitch % 12 in chord.pitch_classes
            else "scale tone"
            if in_scale
            else "outside the key",
        }
    entry["accent"] = round(plan.meter_value.accent(int(note["onset"]) % ticks), 3)
    # The rule that decided is the one after which this pitch stood here for good.
    index = len(steps)
    while index and _holds(steps[index - 1], position, pitch):
        index -= 1
    if index == len(steps):
        entry["decided_by"] = {"rule": "unknown", "words": "changed after the notes were written"}
        return entry
    step = steps[index]
    entry["decided_by"] = _rule_words(step.rule)
    entry["changed_later"] = [_rule_words(later.rule) for later in steps[index + 1 :]]
    if step.written is not None:
        entry |= _draw_record(model, step.written, bar, part, position, pitch)
    return entry


def _holds(step: Step, position: int, pitch: int) -> bool:
    return bool(((step.notes["position"] == position) & (step.notes["pitch"] == pitch)).any())


def _draw_record(
    model: EventModel, written: Written, bar: int, part: int, position: int, pitch: int
) -> dict[str, Any]:
    """Repeat the draw of a note: network, rules, context."""
    window = written.window
    targets = window.cells[window.num_context :]
    wanted = (bar - window.start, window.parts.index(part))
    cell = targets.index(wanted)
    events = written.row.cells[cell]
    ids = (position + POSITION_OFFSET, pitch + PITCH_OFFSET + window.shift)
    index = next((i for i, e in enumerate(events) if (e[0], e[1]) == ids), None)
    if index is None:
        return {}
    record: dict[str, Any] = {
        "candidates": {
            "drawn": len(written.scores),
            "chosen": written.chosen,
            "score": round(written.scores[written.chosen], 3),
            "others": [round(s, 3) for s in sorted(written.scores, reverse=True)],
            "ranked_as": "melody" if written.lead else "accompaniment",
            "bars": [written.bars.start, written.bars.stop],
        }
    }
    record["choice"] = _choices(model, written, cell, index)
    record["context"] = _context(model, window, written.row.cells, cell, index)
    return record


def _choices(model: EventModel, written: Written, cell: int, index: int) -> dict[str, Any]:
    """For each field: the network's chance, the guided one, what each rule added."""
    window, event = written.window, written.row.cells[cell][index]
    sequence = _sequence(window, written.row.cells, cell, index)
    hidden, _ = model.step(
        sequence[0][None], sequence[1][None], sequence[2][None],
        np.arange(len(sequence[0]), dtype=np.float32)[None],
        np.full((1, 1), -1e9, dtype=np.float32), model.new_cache(1, 1),
    )  # fmt: skip
    row = RowState(cell=cell, cells=[list(c) for c in written.row.cells[: cell + 1]])
    row.cells[cell] = list(written.row.cells[cell][:index])
    guide = GuidanceFilter(written.rules, written.options)
    fields = np.zeros((1, 3), dtype=np.int64)
    result: dict[str, Any] = {}
    for number, name in enumerate(_FIELDS):
        raw = model.logits(number, hidden[:, -1], fields)[0]
        terms = guide.terms(number, len(raw), row)
        guided = raw + np.sum(list(terms.values()), axis=0)
        answer = event[number]
        network, after = _softmax(raw), _softmax(guided)
        entry: dict[str, Any] = {
            "network": round(float(network[answer]), 4),
            "guided": round(float(after[answer]), 4),
            # What a rule gives this id beyond what it gives the likeliest guesses on average.
            "rules": {
                key: round(float(value[answer] - _expected(value, network)), 3)
                for key, value in terms.items()
                if np.isfinite(value[answer])
            },
            "forbidden_by": {
                key: round(float(network[~np.isfinite(value)].sum()), 4)
                for key, value in terms.items()
                if not np.isfinite(value).all()
            },
            "alternatives": [
                {
                    "value": _value(number, int(i), window.shift),
                    "network": round(float(network[i]), 4),
                    "guided": round(float(after[i]), 4),
                }
                for i in np.argsort(-after)[:5]
                if after[i] > 0
            ],
        }
        result[name] = entry
        if number < 3:
            row.partial[number] = answer
            fields[0, number] = answer
    return result


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    weight = np.exp((logits - logits.max()).astype(np.float64))
    return np.asarray(weight / weight.sum())


def _expected(value: NDArray[np.float32], weight: NDArray[np.float64]) -> float:
    """Mean of a rule's biases over what the network would draw, leaving out what is forbidden."""
    finite = np.isfinite(value)
    return float((value[finite] * weight[finite]).sum() / max(weight[finite].sum(), 1e-12))


def _value(field: int, identity: int, shift: int) -> str | float:
    if field == 0:
        place = (identity - POSITION_OFFSET) / STEPS_PER_QUARTER
        return round(place, 3) if identity >= POSITION_OFFSET else "end of the bar"
    if field == 1:
        return pitch_name(int(np.clip(identity - PITCH_OFFSET - shift, 0, 127)))
    return round(int(id_to_duration(identity)) / STEPS_PER_QUARTER, 3)


def _sequence(
    window: Window, cells: Sequence[Sequence[Event]], cell: int, index: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]:
    """Events, conditions, time and cell of everything before one event of a target cell."""
    events = [tuple(event) for event in window.events.tolist()]
    owner = window.cell_of.tolist()
    time = window.time.tolist()
    for number in range(cell + 1):
        bar = window.cells[window.num_context + number][0]
        start = float(window.bar_time[bar])
        fresh = list(cells[number]) if number < cell else list(cells[number][:index])
        for event in [(HEADER, 0, 0, 0), *fresh]:
            events.append(event)
            owner.append(window.num_context + number)
            time.append(start + max(event[0] - POSITION_OFFSET, 0))
    owners = np.asarray(owner, dtype=np.int64)
    bars, slots = np.asarray(window.cells).T
    return (
        np.asarray(events, dtype=np.int64),
        np.asarray(window.conditions[bars[owners], slots[owners]], dtype=np.int64),
        np.asarray(time, dtype=np.float32),
        owners,
    )


def _context(
    model: EventModel, window: Window, cells: Sequence[Sequence[Event]], cell: int, index: int
) -> dict[str, Any]:
    """How much each cell and the weightiest single events of the context spoke for a note."""
    events, conditions, time, owner = _sequence(window, cells, cell, index)
    note = cells[cell][index]
    # The header of the note's own cell carries what is asked for; it is no context.
    seen = (owner != owner[-1]) | (events[:, 0] != HEADER)
    seen[-1] = False
    present = np.unique(owner[seen])
    groups = [seen & (owner == number) for number in present]
    nats, changes = knock_out(model, events, conditions, time, note, groups)
    positive = np.maximum(changes, 0.0)
    total = max(float(positive.sum()), 1e-9)
    named = []
    for number, change in zip(present.tolist(), changes.tolist(), strict=True):
        bar, slot = window.cells[number]
        named.append(
            {
                "bar_index": window.start + bar,
                "part_index": window.parts[slot],
                "change_nats": round(change, 4),
                "share": round(max(change, 0.0) / total, 4),
            }
        )
    by_weight = present[np.argsort(-changes)][:4]
    single = [
        place
        for place in np.flatnonzero(np.isin(owner, by_weight)).tolist()[:-1]
        if events[place, 0] != HEADER
    ]
    alone = [np.arange(len(events)) == place for place in single]
    _, each = knock_out(model, events, conditions, time, note, alone)
    top = []
    for place, change in sorted(zip(single, each.tolist(), strict=True), key=lambda x: -x[1]):
        bar, slot = window.cells[int(owner[place])]
        position, pitch, duration, _ = events[place].tolist()
        top.append(
            {
                "bar_index": window.start + bar,
                "part_index": window.parts[slot],
                "beat_quarter": _value(0, position, 0),
                "name": _value(1, pitch, window.shift)
                if pitch < DRUM_PITCH_OFFSET
                else f"drum {pitch - DRUM_PITCH_OFFSET}",
                "duration_quarter": _value(2, duration, 0),
                "change_nats": round(change, 4),
            }
        )
    return {
        "bits": round(-nats / float(np.log(2)), 3),
        "cells": named,
        "events": top[:_TOP_EVENTS],
    }
