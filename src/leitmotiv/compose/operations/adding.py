"""Add a part, and harmonise a melody: new lines beside those that stand.

Public names: :func:`add_part`, :func:`harmonise_melody`, :func:`palette_for`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from leitmotiv.compose.operations.melody_harmony import chords_for_melody, melody_keys
from leitmotiv.compose.operations.part_song import part_song
from leitmotiv.compose.operations.reading import Reading, read_plan
from leitmotiv.compose.operations.region import (
    USUAL_OPTIONS,
    Progress,
    RegionComposer,
    merge_region,
    no_progress,
)
from leitmotiv.compose.part_writing import is_single_line
from leitmotiv.compose.repair import close_cadences, hold_repeats, tidy_part
from leitmotiv.compose.writer import WriterOptions
from leitmotiv.errors import ComposeError
from leitmotiv.models import EventModel
from leitmotiv.plan import Plan, PlanPart
from leitmotiv.plan.palette import make_palette
from leitmotiv.plan.vocabulary import vocabulary
from leitmotiv.score import Part, Score
from leitmotiv.score.general_midi import DRUM_KIT, find_ensemble, find_instrument

__all__ = ["add_part", "harmonise_melody", "palette_for"]

_ROLES = ("melody", "counter", "harmony", "bass", "pad", "drums")


def palette_for(names: Sequence[str]) -> tuple[PlanPart, ...]:
    """Return the parts of an ensemble ("string quartet") or of single instruments.

    Raises
    ------
    ComposeError
        If a name is unknown.
    """
    players: list[str] = []
    for name in names:
        ensemble = find_ensemble(name)
        if ensemble is not None:
            players += [part.instrument.name for part in ensemble]
            continue
        instrument = DRUM_KIT if name.strip().lower() == "drums" else find_instrument(name)
        if instrument is None:
            raise ComposeError(
                f"instrument {name!r} is unknown; use a General MIDI name such as 'Viola', or an "
                "ensemble such as 'string quartet'"
            )
        players.append(instrument.name)
    return make_palette(vocabulary().genres["classical"], players)


def add_part(
    score: Score,
    instrument: str,
    role: str = "counter",
    *,
    rng: np.random.Generator,
    model: EventModel | None = None,
    options: WriterOptions = USUAL_OPTIONS,
    progress: Progress = no_progress,
) -> Score:
    """Write a new part for a score; the parts that stand are not touched.

    Parameters
    ----------
    instrument : str
        A General MIDI name or a common one ("viola", "bass", "drums").
    role : str
        counter, harmony, bass, pad or melody; drums for the drum kit.

    Raises
    ------
    ComposeError
        If instrument or role is unknown, or the score is empty or has sixteen parts already.
    """
    if role not in _ROLES:
        raise ComposeError(f"role={role!r} must be one of {', '.join(_ROLES)}")
    reading = read_plan(score)
    if reading.plan.num_parts >= 16:
        raise ComposeError("the score has 16 parts, the most there can be; merge two of them")
    single = palette_for([instrument])[0]
    role = "drums" if single.is_drum else role
    if role == "drums" and not single.is_drum:
        raise ComposeError(f"role='drums' does not go with {instrument!r}; name 'drums'")
    found = find_instrument(instrument)
    low, high = single.low, single.high
    if found is not None and role in ("harmony", "counter", "bass", "pad"):
        top = _melody_top(reading)
        low = max(found.low, 28)
        high = max(min(found.high, top + 3 if role != "bass" else 57), low + 14)
        low = max(low, high - 31)
    entry = single.replace(role=cast(Any, role), low=low, high=min(high, 127), name=single.name)
    plan = reading.plan.replace(parts=(*reading.plan.parts, entry))
    part = Part(entry.name, entry.program, entry.is_drum, entry.role)
    grown = score.with_parts([*score.parts, part])
    reading = replace(reading, plan=plan, parts=(*reading.parts, len(score.parts)))
    target = np.zeros((plan.num_bars, plan.num_parts), dtype=bool)
    sounding = np.unique(reading.notes["bar"])
    target[sounding, -1] = True
    composer = RegionComposer(reading, model=model, options=options)
    if role == "melody":
        composer.leads[:] = plan.num_parts - 1
    composer.clear(target)
    composer.write(target, rng, progress=progress)
    return merge_region(grown, reading, composer.canvas, target)


def _melody_top(reading: Reading) -> int:
    notes = reading.notes[reading.notes["part"] == reading.melody]
    return int(np.median(notes["pitch"])) if len(notes) else 72


def harmonise_melody(
    score: Score,
    ensemble: Sequence[str] = ("choir",),
    *,
    melody: int | None = None,
    rng: np.random.Generator,
    model: EventModel | None = None,
    options: WriterOptions = USUAL_OPTIONS,
    progress: Progress = no_progress,
) -> Score:
    """Set a melody for an ensemble: chords, cadences and the parts below it.

    Parameters
    ----------
    score : Score
        The melody, alone or with other parts, which are left out of the result.
    ensemble : sequence of str
        An ensemble or instruments; its melody part gets the melody.
    melody : int, optional
        Which part is the melody; by default the one that leads.

    Returns
    -------
    Score
        The melody's notes first, bit for bit, then the new parts; chord symbols are set.

    Raises
    ------
    ComposeError
        If the melody is empty or the ensemble has nobody to accompany it.
    """
    lead = melody if melody is not None else read_plan(score).melody
    if not 0 <= lead < len(score.parts) or not len(score.parts[lead].notes):
        raise ComposeError("the melody is empty; name a part with notes")
    palette = palette_for(ensemble)
    singer = next((part for part in palette if part.role == "melody"), palette[0])
    others = [part for part in palette if part is not singer]
    if not others:
        raise ComposeError(
            f"ensemble={', '.join(ensemble)!r} has nobody to accompany the melody; name at least "
            "two players, such as 'string quartet'"
        )
    source = score.parts[lead]
    alone = replace(
        score.with_parts([replace(source, role="melody")]), chords=(), sections=score.sections
    )
    reading = read_plan(alone)
    chord_rng, note_rng, line_rng = rng.spawn(3)
    bars = range(reading.start_bar, reading.stop_bar)
    keys = melody_keys(alone, bars, score if len(score.parts) > 1 else None)
    _, plan = chords_for_melody(reading, 0, chord_rng, keys=keys)
    first = reading.plan.parts[0].replace(name=singer.name, program=singer.program)
    plan = plan.replace(parts=(first, *others), genre="choral" if _sung(palette) else "classical")
    reading = replace(reading, plan=plan, parts=tuple(range(plan.num_parts)))
    parts = [
        replace(source, name=singer.name, program=singer.program, is_drum=False, role="melody"),
        *(Part(part.name, part.program, part.is_drum, part.role) for part in others),
    ]
    grown = alone.with_parts(parts)
    composer = RegionComposer(reading, model=model, options=options)
    target = np.ones((plan.num_bars, plan.num_parts), dtype=bool)
    target[:, 0] = False
    composer.clear(target)
    voices = [p for p in range(1, plan.num_parts) if _sings(plan, p)]
    lines = part_song(plan, voices, composer.melody_ticks(), line_rng)
    sketches = {part: composer.as_cells(part, notes) for part, notes in lines.items()}
    composer.write(target, note_rng, sketches=sketches, progress=progress)
    close_cadences(composer.canvas, composer.leads)
    for part in range(1, plan.num_parts):
        tidy_part(composer.canvas, part)
        if part in sketches:
            hold_repeats(composer.canvas, part, sketches[part])
    result = merge_region(grown, reading, composer.canvas, target)
    ticks = score.bar_ticks[reading.start_bar]
    chords = [
        replace(change, tick=change.tick + int(ticks))
        for change in composer.canvas.to_score().chords
    ]
    return replace(result, chords=tuple(chords))


def _sings(plan: Plan, part: int) -> bool:
    """Whether a part gets a voice of the setting: one line, and no free counter-melody."""
    return is_single_line(plan, part) and not plan.parts[part].is_drum


def _sung(palette: Sequence[PlanPart]) -> bool:
    return all(part.program in range(52, 55) for part in palette)
