"""Fill: write any bars × parts of a score anew, with both sides in view.

Purpose: a person selects a stretch that does not please (or is empty) and keeps everything else,
bit for bit. The network sees what stands before, after and in the other parts.

Public names: :func:`fill`, :func:`parse_bars`, :func:`find_parts`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.operations.hands import split_lead
from leitmotiv.compose.operations.harmonic_path import Slot, draw_path
from leitmotiv.compose.operations.melody_harmony import with_tune_harmony
from leitmotiv.compose.operations.reading import Reading, meter_stretch, read_plan
from leitmotiv.compose.operations.region import (
    USUAL_OPTIONS,
    Progress,
    RegionComposer,
    merge_region,
    no_progress,
)
from leitmotiv.compose.writer import WriterOptions
from leitmotiv.errors import ComposeError
from leitmotiv.models import EventModel
from leitmotiv.score import Score
from leitmotiv.theory import ChordSymbol
from leitmotiv.tokens.grid import TICKS_PER_STEP

__all__ = ["fill", "find_parts", "parse_bars", "with_chords"]

Voices = Literal["all", "tune", "accompaniment"]

_CONTEXT_BARS = 24
_WIDEST_SEAM = 9  # semitones by which a tune may leap into or out of what is filled


def parse_bars(text: str, num_bars: int) -> tuple[int, ...]:
    """Read bar numbers as people write them, from 1, both ends included.

    Raises
    ------
    ComposeError
        If the text is no list of bars or names one that does not exist.

    Examples
    --------
    >>> parse_bars("5-7, 9", 16)
    (4, 5, 6, 8)
    """
    if not num_bars:
        raise ComposeError("the score is empty; it must hold at least one bar to write")
    bars: set[int] = set()
    for item in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,6})\s*(?:[-–]\s*(\d{1,6}))?\s*", item)
        first = int(match.group(1)) if match else 0
        last = int(match.group(2) or first) if match else 0
        if not match or not 1 <= first <= last <= num_bars:
            raise ComposeError(
                f"bars={text!r} must be numbers from 1 to {num_bars}, such as 5-8 or 5-8,13"
            )
        bars.update(range(first - 1, last))
    return tuple(sorted(bars))


def find_parts(score: Score, names: Sequence[str]) -> tuple[int, ...]:
    """Find parts by number (from 1) or by name, case ignored; the start of a name is enough.

    Raises
    ------
    ComposeError
        If a name fits no part.
    """
    found: list[int] = []
    for name in names:
        wanted = name.strip().lower()
        titles = [part.name.lower() for part in score.parts]
        if wanted.isdigit() and 1 <= int(wanted) <= len(titles):
            hits = [int(wanted) - 1]
        else:
            hits = [i for i, title in enumerate(titles) if title == wanted]
            hits = hits or [i for i, title in enumerate(titles) if wanted and wanted in title]
        if not hits:
            known = ", ".join(f"{i + 1} {part.name}" for i, part in enumerate(score.parts))
            raise ComposeError(f"parts={name!r} is no part of the score; it has {known}")
        found += hits
    return tuple(sorted(set(found)))


def fill(
    score: Score,
    bars: Sequence[int],
    parts: Sequence[int] | None = None,
    *,
    rng: np.random.Generator,
    new_harmony: bool = False,
    new_manner: bool = False,
    voices: Voices = "all",
    model: EventModel | None = None,
    options: WriterOptions = USUAL_OPTIONS,
    progress: Progress = no_progress,
) -> Score:
    """Write cells of a score anew.

    Parameters
    ----------
    score : Score
    bars : sequence of int
        Bars to write, from 0, in any order and with gaps.
    parts : sequence of int, optional
        Parts to write; all by default.
    rng : numpy.random.Generator
        The same state gives the same notes on the same version.
    new_harmony : bool
        Draw new chords for bars that are written in all parts; by default the chords stay, and
        only silent bars get new ones.
    new_manner : bool
        Give accompanying parts a figure of their own instead of that of their neighbouring bars.
    voices : str
        Of a keyboard part that holds tune and accompaniment, write "all", or the "tune" or the
        "accompaniment" alone. Other parts are written whole.
    model, options
        As in :func:`leitmotiv.compose.compose`.

    Returns
    -------
    Score
        Notes outside the cells are those of ``score``, bit for bit; new ones have origin MODEL
        or, in drums, STYLE.

    Raises
    ------
    ComposeError
        If a bar or part does not exist, nothing is chosen, or a bar cannot be written.
    """
    chosen = tuple(range(len(score.parts))) if parts is None else tuple(sorted(set(parts)))
    wanted = sorted(set(bars))
    if not wanted or not chosen:
        raise ComposeError("nothing is chosen to fill; name at least one bar and one part")
    if chosen[0] < 0 or chosen[-1] >= len(score.parts):
        raise ComposeError(
            f"part {chosen[-1] + 1} does not exist; the score has {len(score.parts)} parts"
        )
    runs = [
        [bar for _, bar in group]
        for _, group in groupby(enumerate(wanted), key=lambda pair: pair[1] - pair[0])
    ]
    jobs: list[range] = []
    for run in runs:
        bar = run[0]
        while bar <= run[-1]:
            stretch = meter_stretch(score, bar)
            jobs.append(range(bar, min(stretch.stop, run[-1] + 1)))
            bar = jobs[-1].stop
    # Validated as a whole before the first note is written.
    generators = rng.spawn(len(jobs))
    for number, (job, generator) in enumerate(zip(jobs, generators, strict=True)):

        def tell(fraction: float, message: str, number: int = number) -> None:
            progress((number + fraction) / len(jobs), message)

        score = _fill_run(
            score, job, chosen, generator, new_harmony, new_manner, voices, model, options, tell
        )
    return score


def _fill_run(
    score: Score,
    bars: range,
    parts: tuple[int, ...],
    rng: np.random.Generator,
    new_harmony: bool,
    new_manner: bool,
    voices: Voices,
    model: EventModel | None,
    options: WriterOptions,
    progress: Progress,
) -> Score:
    stretch = meter_stretch(score, bars.start)
    around = range(
        max(bars.start - _CONTEXT_BARS, stretch.start), min(bars.stop + _CONTEXT_BARS, stretch.stop)
    )
    reading = with_tune_harmony(score, read_plan(score, around, parts=parts))
    reading = split_lead(score, reading)
    target = np.zeros((reading.plan.num_bars, reading.plan.num_parts), dtype=bool)
    slots = [slot for slot, index in enumerate(reading.parts) if index in parts]
    if reading.split >= 0 and voices != "all":
        hands = {reading.split: "tune", reading.plan.num_parts - 1: "accompaniment"}
        slots = [slot for slot in slots if hands.get(slot, voices) == voices]
    first = bars.start - reading.start_bar
    target[first : first + len(bars), slots] = True
    chord_rng, note_rng, rule_rng = rng.spawn(3)
    everything = set(slots) >= {i for i, part in enumerate(reading.plan.parts) if not part.is_drum}
    reading = with_chords(
        reading,
        range(first, first + len(bars)),
        chord_rng,
        all_bars=new_harmony and everything,
    )
    if new_manner:  # the seed of a plan chooses the figures of its accompaniment
        seed = int(rule_rng.integers(2**31))
        reading = replace(reading, plan=reading.plan.replace(seed=seed))
    composer = RegionComposer(reading, model=model, options=options)
    composer.leads[:] = _leads(reading, target)
    composer.clear(target)
    sketches = {}
    if new_manner:
        for slot in slots:
            entry = reading.plan.parts[slot]
            if entry.role != "melody" and not entry.is_drum:
                sketches[slot] = composer.rule_part(slot, rule_rng)
    composer.write(target, note_rng, sketches=sketches, progress=progress)
    _join_seams(composer, target)
    return merge_region(score, reading, composer.canvas, target)


def _join_seams(composer: RegionComposer, target: NDArray[np.bool_]) -> None:
    """Where the new tune leaps far from, or to, what stands, meet it on a nearer chord tone."""
    canvas, plan = composer.canvas, composer.plan
    for bar in np.flatnonzero(target.any(axis=1)).tolist():
        part = int(composer.leads[bar])
        if part < 0 or not target[bar, part]:
            continue
        for step in (-1, 1):
            other = bar + step
            if not 0 <= other < plan.num_bars or target[other, part]:
                continue
            cell, beyond = canvas.cell(bar, part).copy(), canvas.cell(other, part)
            if not len(cell) or not len(beyond):
                continue
            edge = 0 if step < 0 else len(cell) - 1
            position = beyond["position"].max() if step < 0 else beyond["position"].min()
            goal = int(beyond["pitch"][beyond["position"] == position].max())
            if abs(int(cell["pitch"][edge]) - goal) <= _WIDEST_SEAM:
                continue
            inner = int(cell["pitch"][edge + (1 if step < 0 else -1)]) if len(cell) > 1 else goal
            chord = plan.chord_at(
                bar, int(cell["position"][edge] * TICKS_PER_STEP >= plan.half_tick)
            )
            classes = set(plan.key_at(bar).scale if chord.is_none else chord.pitch_classes)
            entry = plan.parts[part]
            tones = [p for p in range(entry.low, entry.high + 1) if p % 12 in classes]
            if tones:
                best = min(tones, key=lambda p: (max(abs(p - goal), abs(p - inner)), p))
                cell["pitch"][edge] = best
                canvas.write([(bar, part)], cell)


def _leads(reading: Reading, target: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Who leads each bar: the melody part, or where it rests the highest busy line."""
    plan, notes = reading.plan, reading.notes
    melody = reading.melody
    leads = np.full(plan.num_bars, melody, dtype=np.int64)
    lines = [i for i, p in enumerate(plan.parts) if p.role in ("melody", "counter")]
    for bar in range(plan.num_bars):
        here = notes[notes["bar"] == bar]
        if melody < 0 or (here["part"] == melody).any() or target[bar, melody]:
            continue
        busy = [part for part in lines if (here["part"] == part).sum() >= 2]
        if busy:
            leads[bar] = max(busy, key=lambda p: float(here["pitch"][here["part"] == p].mean()))
    return leads


def with_chords(
    reading: Reading, bars: range, rng: np.random.Generator, *, all_bars: bool = False
) -> Reading:
    """Give chords to the bars of a region that have none, or to all of them."""
    plan = reading.plan
    chords = [plan.chord_at(bar, half) for bar in range(plan.num_bars) for half in (0, 1)]
    empty = [bar for bar in bars if all_bars or chords[2 * bar].is_none]
    if not empty:
        return reading
    for _, group in groupby(enumerate(empty), key=lambda pair: pair[1] - pair[0]):
        run = [bar for _, bar in group]
        slots = []
        for bar in run:
            phrase = plan.phrase_at(bar)
            last = bar == phrase.end_bar_index - 1
            slots.append(Slot(plan.key_at(bar), phrase.cadence if last else "none"))
        before = chords[2 * run[0] - 1] if run[0] else ChordSymbol.NONE
        after = chords[2 * run[-1] + 2] if run[-1] + 1 < plan.num_bars else ChordSymbol.NONE
        for bar, chord in zip(run, draw_path(slots, rng, before=before, after=after), strict=True):
            chords[2 * bar] = chords[2 * bar + 1] = chord
    entries = tuple(
        entry.replace(symbol=str(chord)) for entry, chord in zip(plan.chords, chords, strict=True)
    )
    return replace(reading, plan=plan.replace(chords=entries))
