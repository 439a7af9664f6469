"""Add a part, and harmonise a melody: new lines beside those that stand.

Public names: :func:`add_part`, :func:`harmonise_melody`, :func:`palette_for`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np

from leitmotiv.compose.operations.melody_harmony import (
    chords_for_melody,
    melody_keys,
    with_tune_harmony,
)
from leitmotiv.compose.operations.part_song import part_song
from leitmotiv.compose.operations.reading import Reading, meter_stretches, read_plan
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
from leitmotiv.score import ChordChange, Part, Score
from leitmotiv.score.general_midi import DRUM_KIT, find_ensemble, find_instrument

__all__ = ["add_part", "harmonise_melody", "palette_for"]

_DRUM_ENERGY = 0.45
_MOST_IN_VIEW = 15  # parts beside the new one, the sixteenth of the plan
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
        If instrument or role is unknown, or the score is empty.

    Notes
    -----
    The fifteen busiest parts are in view. Each stretch of one meter is written by itself.
    """
    if role not in _ROLES:
        raise ComposeError(f"role={role!r} must be one of {', '.join(_ROLES)}")
    single = palette_for([instrument])[0]
    role = "drums" if single.is_drum else role
    if role == "drums" and not single.is_drum:
        raise ComposeError(f"role='drums' does not go with {instrument!r}; name 'drums'")
    if not score.num_notes:
        raise ComposeError("the score is empty; it must hold at least one part with notes")
    busy = sorted(range(len(score.parts)), key=lambda i: -len(score.parts[i].notes))[:_MOST_IN_VIEW]
    view = score.with_parts([score.parts[i] for i in sorted(busy)])
    entry = _entry(view, instrument, single, role)
    part = Part(entry.name, entry.program, entry.is_drum, entry.role)
    grown = view.with_parts([*view.parts, part])
    stretches = meter_stretches(view)
    for number, (stretch, generator) in enumerate(
        zip(stretches, rng.spawn(len(stretches)), strict=True)
    ):

        def tell(fraction: float, message: str, number: int = number) -> None:
            progress((number + fraction) / len(stretches), message)

        reading = with_tune_harmony(view, read_plan(view, stretch))
        if not len(reading.notes):
            continue
        reading = _with_entry(reading, entry, len(view.parts))
        target = np.zeros((reading.plan.num_bars, reading.plan.num_parts), dtype=bool)
        target[np.unique(reading.notes["bar"]), -1] = True
        composer = RegionComposer(reading, model=model, options=options)
        if role == "melody":
            composer.leads[:] = reading.plan.num_parts - 1
        composer.clear(target)
        composer.write(target, generator, progress=tell)
        grown = merge_region(grown, reading, composer.canvas, target)
    return score.with_parts([*score.parts, grown.parts[-1]])


def _entry(view: Score, instrument: str, single: PlanPart, role: str) -> PlanPart:
    """The new part: its task, and the register in which it does not cover the melody."""
    found = find_instrument(instrument)
    low, high = single.low, single.high
    if found is not None and role in ("harmony", "counter", "bass", "pad"):
        top = _melody_top(read_plan(view))
        low = max(found.low, 28)
        high = max(min(found.high, top + 3 if role != "bass" else 57), low + 14)
        low = max(low, high - 31)
    return single.replace(role=cast(Any, role), low=low, high=min(high, 127), name=single.name)


def _with_entry(reading: Reading, entry: PlanPart, index: int) -> Reading:
    """The reading with one more part, empty so far."""
    plan = reading.plan.replace(parts=(*reading.plan.parts, entry))
    if entry.is_drum:  # a bare tune is no longer bare, and a kit that was asked for plays
        sections = tuple(
            section.replace(
                texture="homophonic" if section.texture in ("solo", "sparse") else section.texture,
                energy=max(section.energy, _DRUM_ENERGY),
            )
            for section in plan.sections
        )
        plan = plan.replace(sections=sections)
    return replace(reading, plan=plan, parts=(*reading.parts, index))


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
    if all(part.is_drum or not len(part.notes) for part in score.parts):
        raise ComposeError("the score has no pitched notes; a melody to harmonise must have some")
    reading = read_plan(score)
    lead = melody if melody is not None else reading.parts[reading.melody]
    drums = 0 <= lead < len(score.parts) and score.parts[lead].is_drum
    if drums or not 0 <= lead < len(score.parts) or not len(score.parts[lead].notes):
        raise ComposeError("the melody is empty, drums, or no part; name one with pitched notes")
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
    grown = alone.with_parts(
        [
            replace(source, name=singer.name, program=singer.program, is_drum=False, role="melody"),
            *(Part(part.name, part.program, part.is_drum, part.role) for part in others),
        ]
    )
    whole = score if len(score.parts) > 1 else None
    stretches = meter_stretches(alone)
    chords: list[ChordChange] = []
    for number, (stretch, generator) in enumerate(
        zip(stretches, rng.spawn(len(stretches)), strict=True)
    ):

        def tell(fraction: float, message: str, number: int = number) -> None:
            progress((number + fraction) / len(stretches), message)

        reading = read_plan(alone, stretch)
        if not len(reading.notes):
            continue
        chord_rng, note_rng, line_rng = generator.spawn(3)
        keys = melody_keys(alone, stretch, whole)
        _, plan = chords_for_melody(reading, 0, chord_rng, keys=keys)
        first = reading.plan.parts[0].replace(name=singer.name, program=singer.program)
        genre = "choral" if _sung(palette) else "classical"
        plan = plan.replace(parts=(first, *others), genre=genre)
        reading = replace(reading, plan=plan, parts=tuple(range(plan.num_parts)))
        composer = RegionComposer(reading, model=model, options=options)
        target = np.ones((plan.num_bars, plan.num_parts), dtype=bool)
        target[:, 0] = False
        composer.clear(target)
        voices = [p for p in range(1, plan.num_parts) if _sings(plan, p)]
        lines = part_song(plan, voices, composer.melody_ticks(), line_rng)
        sketches = {part: composer.as_cells(part, notes) for part, notes in lines.items()}
        composer.write(target, note_rng, sketches=sketches, progress=tell)
        close_cadences(composer.canvas, composer.leads)
        for part in range(1, plan.num_parts):
            tidy_part(composer.canvas, part)
            if part in sketches:
                hold_repeats(composer.canvas, part, sketches[part])
        grown = merge_region(grown, reading, composer.canvas, target)
        start = int(score.bar_ticks[stretch.start])
        chords += [replace(c, tick=c.tick + start) for c in composer.canvas.to_score().chords]
    return replace(grown, chords=tuple(chords))


def _sings(plan: Plan, part: int) -> bool:
    """Whether a part gets a voice of the setting: one line, and no free counter-melody."""
    return is_single_line(plan, part) and not plan.parts[part].is_drum


def _sung(palette: Sequence[PlanPart]) -> bool:
    return all(part.program in range(52, 55) for part in palette)
