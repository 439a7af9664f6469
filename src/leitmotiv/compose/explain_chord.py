"""Explain a chord: who chose it, what it is in the key, and how usual it is after those before it.

Purpose: a chord is a decision of the plan, so its history is in the plan: given by a person, edited
since, the goal of a cadence, the numeral of a section that returns, a loop of the style, or a draw
from the learned chord model. For the last the model says how likely the chord was, and what else
could have stood there.

Conventions: ``half`` 0 and 1 are the halves of a bar. Chances are shares among the chords that the
model knows, before the condition to arrive at the cadence.

Public names: :func:`explain_chords`, :func:`explain_heard_chords`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from leitmotiv.plan import Plan
from leitmotiv.plan.chord_model import GROUP_OF_HARMONY, Leaning, chord_model
from leitmotiv.plan.vocabulary import vocabulary
from leitmotiv.score import Score
from leitmotiv.score.analysis import chords_per_half_bar, half_bar_starts
from leitmotiv.theory import ChordSymbol, Key
from leitmotiv.theory.roman import chord_to_roman

__all__ = ["explain_chords", "explain_heard_chords"]

_NUM_OTHERS = 4


def explain_chords(plan: Plan, bar: int) -> list[dict[str, Any]]:
    """Explain the chords that stand in a bar, one record for each change.

    Returns
    -------
    list of dict
        ``half``, ``symbol``, ``roman``, ``because`` and, where the chord model knows the chord and
        its mode, ``learned``: the chance, the two chords before it, and the likeliest others.
    """
    records = []
    for half in (0, 1):
        chord = plan.chord_at(bar, half)
        if half and chord == plan.chord_at(bar, 0):
            continue
        record: dict[str, Any] = {
            "half": half,
            "symbol": str(chord),
            "roman": None if chord.is_none else chord_to_roman(chord, plan.key_at(bar)),
            "because": _because(plan, bar, half),
        }
        if not chord.is_none:
            learned = _learned(plan, bar, half, record["roman"])
            if learned is not None:
                record["learned"] = learned
        records.append(record)
    return records


def _because(plan: Plan, bar: int, half: int) -> str:
    """Who chose a chord, in words; the strongest reason comes first."""
    number = 2 * bar + half
    planned = plan.chords_as_planned
    if planned is not None and plan.chords[number].symbol != planned[number]:
        return f"a person put it in the place of {planned[number]}"
    if plan.brief.chords is not None:
        return "the brief gives it"
    phrase, section = plan.phrase_at(bar), plan.section_at(bar)
    if bar == phrase.end_bar_index - 1 and phrase.cadence != "none":
        return f"goal of the phrase: {phrase.cadence} cadence"
    themes = [
        item for item in plan.placements if item.bar_index <= bar < item.bar_index + item.num_bars
    ]
    if any(item.transform == "reharmonise" for item in themes):
        return "the theme is set to other chords here"
    if plan.brief.theme is not None and themes:
        return "chosen to carry the theme that was given"
    if section.returns_to is not None:
        source = plan.sections[section.returns_to]
        origin = source.start_bar_index + bar - section.start_bar_index
        if origin < source.end_bar_index and plan.chord_at(origin, half) == plan.chord_at(
            bar, half
        ):
            return f"section {source.label} returns, as in bar {origin + 1}"
    if vocabulary().genres.get(plan.genre) is not None and _group(plan) is None:
        return f"step of a progression of {plan.genre}, in {plan.key_at(bar)}"
    return f"drawn as a step of the progression in {plan.key_at(bar)}"


def _group(plan: Plan) -> str | None:
    """Group of the corpus that the genre's harmony leans on, None for loops and unknown genres."""
    genre = vocabulary().genres.get(plan.genre)
    return None if genre is None else GROUP_OF_HARMONY.get(genre.harmony)


def _learned(plan: Plan, bar: int, half: int, roman: str) -> dict[str, Any] | None:
    """What the chord model says; None where the chord only goes on."""
    if half == 0 and bar and plan.chord_at(bar - 1, 1) == plan.chord_at(bar, 0):
        return None
    phrase = plan.phrase_at(bar)
    place = 1
    if bar == phrase.start_bar_index:
        place = 0
    elif bar >= phrase.end_bar_index - 2:
        place = 3 if bar == phrase.end_bar_index - 1 else 2
    halves = [plan.chord_at(number // 2, number % 2) for number in range(2 * bar + half + 1)]
    return _chance(halves, plan.key_at(bar), roman, _group(plan), place + 4 * half)


def _chance(
    halves: Sequence[ChordSymbol], key: Key, roman: str, group: str | None, place: int | None
) -> dict[str, Any] | None:
    """How likely the last of some chords is after the two others before it, None if unknown."""
    before: list[str] = []
    following = halves[-1]
    for chord in reversed(halves[:-1]):
        if chord.is_none or len(before) == 2:
            break
        if chord != following:
            before.insert(0, chord_to_roman(chord, key))
            following = chord
    model = chord_model(key.mode)
    if roman not in model.index or any(name not in model.index for name in before):
        return None
    line = [model.size] * (2 - len(before)) + [model.index[name] for name in before]
    row = model.steps(Leaning(group if group in model.groups else None), place)[line[0], line[1]]
    order = [int(i) for i in np.argsort(-row) if model.names[int(i)] != roman]
    return {
        "after": before,
        "chance": round(float(row[model.index[roman]]), 4),
        "others": [
            {"roman": model.names[i], "chance": round(float(row[i]), 4)}
            for i in order[:_NUM_OTHERS]
        ],
    }


def explain_heard_chords(score: Score, bar: int, key: Key) -> list[dict[str, Any]]:
    """Explain the chords of a bar of music made elsewhere, as :func:`explain_chords` does.

    Chords that the score names are believed; others are heard in the notes.
    """
    starts, heard = half_bar_starts(score), chords_per_half_bar(score)
    halves, stated = [], []
    for index in range(2 * bar + 2):
        named = score.chord_at(int(starts[index])) if score.chords else None
        stated.append(named is not None)
        halves.append(named if named is not None else heard[index].chord)
    records = []
    for half in (0, 1):
        index = 2 * bar + half
        chord = halves[index]
        if half and chord == halves[index - 1]:
            continue
        roman = None if chord.is_none else chord_to_roman(chord, key)
        record: dict[str, Any] = {
            "half": half,
            "symbol": str(chord),
            "roman": roman,
            "because": "the file names it" if stated[index] else "heard in the notes",
        }
        if roman is not None and (index == 0 or halves[index - 1] != chord):
            learned = _chance(halves[: index + 1], key, roman, None, None)
            if learned is not None:
                record["learned"] = learned
        records.append(record)
    return records
