"""Continue: go on where a piece stops, for a given number of bars.

The new bars are phrases of their own that begin from the last chord and close with a cadence. The
melody opens with a recall of the piece's own first bars over the new chords (origin THEME) and goes
on freely; the other parts keep their manner.

Public names: :func:`continue_score`, :func:`extended`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.operations.hands import split_lead
from leitmotiv.compose.operations.harmonic_path import Slot, draw_path, smooth_bass
from leitmotiv.compose.operations.melody_harmony import with_tune_harmony
from leitmotiv.compose.operations.reading import meter_stretch, read_plan
from leitmotiv.compose.operations.region import (
    USUAL_OPTIONS,
    Progress,
    RegionComposer,
    merge_region,
    no_progress,
)
from leitmotiv.compose.repair import close_cadences, tidy_part
from leitmotiv.compose.theme import fit_to_chords
from leitmotiv.compose.writer import WriterOptions
from leitmotiv.errors import ComposeError
from leitmotiv.models import EventModel
from leitmotiv.plan import Plan, PlanChord, PlanPhrase, PlanSection
from leitmotiv.plan.brief import MAX_BARS
from leitmotiv.score import Origin, Score
from leitmotiv.theory import ChordSymbol, Key

__all__ = ["continue_score", "extended", "phrase_lengths"]

_CONTEXT_BARS = 24
_RECALLED_BARS = 2
_PHRASE_BARS = 4
_ACTIVE_BARS = 16


def phrase_lengths(num_bars: int) -> list[int]:
    """Tile bars with phrases of four; what is left over joins the last."""
    count = max(num_bars // _PHRASE_BARS, 1)
    return [_PHRASE_BARS] * (count - 1) + [num_bars - _PHRASE_BARS * (count - 1)]


def extended(
    plan: Plan, num_bars: int, keys: Sequence[Key], chords: Sequence[ChordSymbol], *, name: str
) -> Plan:
    """Return a plan with more bars at its end: one key and two chords for each of them."""
    sections = list(plan.sections)
    bar, index = plan.num_bars, 0
    while index < num_bars:
        stop = index
        while stop < num_bars and keys[stop] == keys[index]:
            stop += 1
        phrases: list[PlanPhrase] = []
        start = bar
        for length in phrase_lengths(stop - index):
            last = start + length == plan.num_bars + num_bars
            number = len(phrases)
            cadence = "authentic" if last or number % 2 else "half"
            phrases.append(
                PlanPhrase(start_bar_index=start, num_bars=length, cadence=cast(Any, cadence))
            )
            start += length
        sections.append(
            PlanSection(
                label=plan.sections[-1].label[:18] + "+",
                name=name,
                start_bar_index=bar,
                num_bars=stop - index,
                key=str(keys[index]),
                energy=plan.sections[-1].energy,
                texture=plan.sections[-1].texture,
                phrases=tuple(phrases),
            )
        )
        bar, index = bar + stop - index, stop
    entries = tuple(
        PlanChord(bar_index=plan.num_bars + i // 2, half=cast(Any, i % 2), symbol=str(chord))
        for i, chord in enumerate(chords)
    )
    return plan.replace(
        num_bars=plan.num_bars + num_bars,
        sections=tuple(sections),
        chords=(*plan.chords, *entries),
    )


def _new_chords(plan: Plan, num_bars: int, rng: np.random.Generator) -> list[ChordSymbol]:
    key = plan.key_at(plan.num_bars - 1)
    slots: list[Slot] = []
    lengths = phrase_lengths(num_bars)
    for number, length in enumerate(lengths):
        closing = "authentic" if number == len(lengths) - 1 or number % 2 else "half"
        slots += [Slot(key)] * (length - 1) + [Slot(key, closing)]
    heard = [c for c in plan.chords if c.symbol != "N"]
    before = ChordSymbol.parse(heard[-1].symbol) if heard else ChordSymbol.NONE
    if not before.is_none and before.root_pitch_class == key.tonic_pitch_class:
        before = ChordSymbol.NONE  # the piece has closed: a new period opens, on I if it likes
    path = smooth_bass(
        draw_path(slots, rng, before=before),
        kept=[0, *(i for i, slot in enumerate(slots) if slot.cadence != "none")],
    )
    return [chord for chord in path for _ in (0, 1)]


def continue_score(
    score: Score,
    num_bars: int,
    *,
    rng: np.random.Generator,
    model: EventModel | None = None,
    options: WriterOptions = USUAL_OPTIONS,
    progress: Progress = no_progress,
) -> Score:
    """Add bars to the end of a score.

    Parameters
    ----------
    score : Score
        Its last bar must be a full one.
    num_bars : int
        How many bars to add, at least 1.
    rng : numpy.random.Generator
        The same state gives the same notes on the same version.

    Returns
    -------
    Score
        The given notes come first, bit for bit.

    Raises
    ------
    ComposeError
        If the score is empty, ends in a cut bar, or would grow beyond the longest plan.
    """
    if not 1 <= num_bars <= MAX_BARS - score.num_bars:
        raise ComposeError(
            f"bars={num_bars} must be between 1 and {MAX_BARS - score.num_bars}, so that the "
            f"piece has at most {MAX_BARS} bars"
        )
    if not score.num_notes:
        raise ComposeError("the score is empty; it must hold at least one part with notes")
    stretch = meter_stretch(score, score.num_bars - 1)
    start = max(stretch.stop - _CONTEXT_BARS, stretch.start)
    reading = with_tune_harmony(score, read_plan(score, range(start, stretch.stop)))
    reading = split_lead(score, reading)
    chord_rng, note_rng = rng.spawn(2)
    old_bars = reading.plan.num_bars
    chords = _new_chords(reading.plan, num_bars, chord_rng)
    key = reading.plan.key_at(old_bars - 1)
    plan = extended(reading.plan, num_bars, [key] * num_bars, chords, name="continuation")
    bar_ticks = plan.bar_ticks
    grown = replace(score, length_ticks=int(score.bar_ticks[-1]) + num_bars * bar_ticks)
    reading = replace(reading, plan=plan)
    composer = RegionComposer(reading, model=model, options=options)
    target = np.zeros((plan.num_bars, plan.num_parts), dtype=bool)
    recent = reading.notes[reading.notes["bar"] >= old_bars - _ACTIVE_BARS]
    target[old_bars:, np.unique(recent["part"])] = True
    composer.clear(target)
    open_cells = target.copy()
    _recall(composer, old_bars, open_cells)
    composer.write(open_cells, note_rng, progress=progress)
    close_cadences(composer.canvas, composer.leads)
    for part in range(plan.num_parts):
        tidy_part(composer.canvas, part)
    return merge_region(grown, reading, composer.canvas, target)


def _recall(composer: RegionComposer, at: int, target: NDArray[np.bool_]) -> None:
    """Let the melody open with the piece's first bars, fitted to the new chords."""
    plan, part = composer.plan, composer.reading.melody
    if part < 0 or plan.num_bars - at < 2 * _RECALLED_BARS or not target[at, part]:
        return
    melody = composer.canvas.part_notes(part)
    sounding = np.unique(melody["bar"])
    if not len(sounding) or at - int(sounding[0]) < 2 * _RECALLED_BARS:
        return
    first = int(sounding[0])
    chosen = (melody["bar"] >= first) & (melody["bar"] < first + _RECALLED_BARS)
    notes = melody[chosen].copy()
    if len(notes) < 3:
        return
    notes["bar"] += at - first
    ends = composer.canvas.steps * _RECALLED_BARS
    inside = ends - (notes["bar"] - at) * composer.canvas.steps - notes["position"]
    notes["duration"] = np.minimum(notes["duration"], inside)

    def tones(bar: int, position: int) -> frozenset[int]:
        chord = plan.chord_at(bar, int(position >= composer.canvas.half_step))
        return frozenset() if chord.is_none else frozenset(chord.pitch_classes)

    entry = plan.parts[part]
    notes = fit_to_chords(notes, tones, composer.writer.accent, low=entry.low, high=entry.high)
    notes["origin"] = Origin.THEME
    cells = [(at + k, part) for k in range(_RECALLED_BARS)]
    composer.canvas.write(cells, notes)
    for bar, slot in cells:
        composer.writer.written[bar, slot] = True
        target[bar, slot] = False
