"""Reading: what plan a finished score would have had.

Purpose: every operation on music made elsewhere needs the composer's view of it: keys, meter,
tempo, a chord for each half bar, sections, phrases with their cadences, and what each part does
in which range. The notes of a score are read into such a plan; what the score states (key
signatures, chord symbols, section marks, roles) is believed before anything is guessed.

Conventions: a plan has one meter, so a reading covers a *stretch* of bars of one meter and full
length. Bars of a reading count from its first bar; ``Reading.start_bar`` leads back to the score.
A note belongs to the bar in which it starts; one played up to a sixty-fourth early belongs to the
bar whose line it anticipates, as in a performance.

Public names: :class:`Reading`, :func:`read_plan`, :func:`meter_stretch`,
:func:`meter_stretches`, :func:`bars_of`, :func:`grid_notes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import ComposeError
from leitmotiv.plan import Plan, PlanChord, PlanPart, PlanPhrase, PlanSection, PlanTempo
from leitmotiv.plan.brief import MAX_BPM, MIN_BPM
from leitmotiv.plan.cadences import name_cadence
from leitmotiv.plan.plan import MAX_PARTS
from leitmotiv.score import Score
from leitmotiv.score.analysis import (
    chords_per_half_bar,
    half_bar_starts,
    home_key,
    key_passages,
    phrase_end_bars,
    repeated_sections,
)
from leitmotiv.score.general_midi import DRUM_KIT, GM_INSTRUMENTS
from leitmotiv.theory import TICKS_PER_QUARTER, ChordSymbol, Key
from leitmotiv.tokens import tags
from leitmotiv.tokens.grid import CELL_NOTE_DTYPE, TICKS_PER_STEP
from leitmotiv.tokens.vocabulary import DURATIONS, MAX_BAR_STEPS

__all__ = [
    "EARLY_TICKS",
    "Reading",
    "bars_of",
    "grid_notes",
    "meter_stretch",
    "meter_stretches",
    "read_plan",
]

EARLY_TICKS = TICKS_PER_QUARTER // 16
"""How much before a bar line a note may start and still belong to the bar after it."""

_MAX_PHRASE_BARS = 8
_RANGE_SLACK = 3  # semitones that a part may leave the range it has shown
_MIN_KEY_BARS = 4
_FULL_ORCHESTRA = 9


@dataclass(frozen=True, eq=False)
class Reading:
    """A plan read off a score, and how to find the way back.

    ``start_bar`` is the score's bar that the plan calls 0; ``parts[i]`` the score's index of the
    plan's part ``i``; ``notes`` the notes of those bars and parts on the composer's grid. Where a
    keyboard part was read as two (see :mod:`~leitmotiv.compose.operations.hands`), ``split`` is the
    plan part of its top line and ``top`` marks the notes of that line in the score's part.
    """

    plan: Plan
    start_bar: int
    parts: tuple[int, ...]
    notes: NDArray[np.void]
    split: int = -1
    top: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, dtype=bool))

    def owns(self, slot: int, num_notes: int) -> NDArray[np.bool_]:
        """Which notes of its score part belong to a plan part: all, or those of one hand."""
        if self.split < 0 or self.parts[slot] != self.parts[self.split]:
            return np.ones(num_notes, dtype=bool)
        return self.top if slot == self.split else ~self.top

    @property
    def stop_bar(self) -> int:
        """The score's bar after the last one read."""
        return self.start_bar + self.plan.num_bars

    @property
    def melody(self) -> int:
        """Plan index of the part that leads, -1 where nothing pitched plays."""
        for role in ("melody", "counter", "harmony", "pad", "bass"):
            for index, part in enumerate(self.plan.parts):
                if part.role == role:
                    return index
        return -1


def bars_of(score: Score, onset: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the bar that each onset (ticks) belongs to."""
    bar = score.bar_index_at(onset)
    early = (score.bar_ticks[bar + 1] - onset <= EARLY_TICKS) & (bar + 1 < score.num_bars)
    return np.asarray(bar + early)


def meter_stretch(score: Score, bar: int) -> range:
    """Return the bars around ``bar`` that share its meter and have its full length.

    Raises
    ------
    ComposeError
        If the score has no such bar, or the bar is cut short or longer than eight quarters.
    """
    if not 0 <= bar < score.num_bars:
        raise ComposeError(
            f"bar {bar + 1} does not exist; the score has bars 1 to {score.num_bars}"
        )
    ticks = score.bar_ticks
    meter = score.meter_at(int(ticks[bar]))

    def fits(other: int) -> bool:
        start = int(ticks[other])
        whole = int(ticks[other + 1]) - start == meter.bar_ticks
        return whole and score.meter_at(start) == meter

    if not fits(bar):
        raise ComposeError(
            f"bar {bar + 1} is cut short (an upbeat or a change of meter); choose full bars"
        )
    if meter.bar_ticks // TICKS_PER_STEP > MAX_BAR_STEPS or meter.bar_ticks % TICKS_PER_STEP:
        raise ComposeError(
            f"meter={meter} at bar {bar + 1} cannot be written by the composer; "
            "it must have bars of at most 8 quarters"
        )
    start, stop = bar, bar + 1
    while start > 0 and fits(start - 1):
        start -= 1
    while stop < score.num_bars and fits(stop):
        stop += 1
    return range(start, stop)


def read_plan(score: Score, bars: range | None = None, *, parts: Sequence[int] = ()) -> Reading:
    """Read a plan off bars of a score.

    Parameters
    ----------
    score : Score
    bars : range, optional
        Bars of one meter (see :func:`meter_stretch`); by default the stretch that holds most of
        the score.
    parts : sequence of int
        Parts that must be in the plan, which holds sixteen at most; the busiest join them.

    Raises
    ------
    ComposeError
        If the score has no bars or no parts, or the bars differ in meter.

    Examples
    --------
    >>> from leitmotiv.score import Part, make_notes
    >>> tune = make_notes(range(0, 3840, 480), [480] * 8, [60, 64, 67, 64, 65, 69, 67, 71])
    >>> plan = read_plan(Score((Part("Flute", 73, notes=tune),))).plan
    >>> plan.key, plan.meter, plan.num_bars, plan.parts[0].role
    ('C major', '4/4', 2, 'melody')
    """
    if not score.parts or not score.num_bars:
        raise ComposeError("the score is empty; it must hold at least one part with notes")
    bars = bars if bars is not None else max(meter_stretches(score), key=len)
    if bars.stop > meter_stretch(score, bars.start).stop:
        raise ComposeError(
            f"bars {bars.start + 1} to {bars.stop} differ in meter; choose bars of one meter"
        )
    chosen = _choose_parts(score, parts)
    roles = _roles(score)
    ticks = score.bar_ticks
    meter = score.meter_at(int(ticks[bars.start]))
    chords = _chords(score, bars)
    sections = _sections(score, bars, chords, roles)
    plan = Plan(
        title=score.title or "Untitled",
        genre=_genre(score),
        key=sections[0].key,
        meter=str(meter),
        num_bars=len(bars),
        tempos=_tempos(score, bars, meter.beat_ticks),
        sections=tuple(sections),
        chords=tuple(
            PlanChord(bar_index=index // 2, half=cast(Any, index % 2), symbol=str(chord))
            for index, chord in enumerate(chords)
        ),
        parts=tuple(_plan_part(score, index, roles[index]) for index in chosen),
    )
    return Reading(plan, bars.start, chosen, grid_notes(score, bars, chosen))


def meter_stretches(score: Score) -> list[range]:
    """Return all runs of full bars of one meter, in order; cut bars are in none of them.

    Raises
    ------
    ComposeError
        If there is none: it says what is wrong with the first bar.
    """
    found: list[range] = []
    bar = 0
    while bar < score.num_bars:
        try:
            found.append(meter_stretch(score, bar))
        except ComposeError:
            bar += 1
            continue
        bar = found[-1].stop
    if not found:
        meter_stretch(score, 0)
    return found


def _choose_parts(score: Score, wanted: Sequence[int]) -> tuple[int, ...]:
    busy = sorted(range(len(score.parts)), key=lambda i: -len(score.parts[i].notes))
    order = [*dict.fromkeys([*wanted, *busy])]
    return tuple(sorted(order[:MAX_PARTS]))


def _roles(score: Score) -> list[str]:
    """Return every part's task: as stated, else guessed from register and activity."""
    notes = [part.notes for part in score.parts]
    onsets = np.asarray([len(np.unique(n["onset"])) for n in notes], dtype=np.int64)
    count = np.asarray([len(n) for n in notes])
    mean = np.asarray([float(n["pitch"].mean()) if len(n) else 0.0 for n in notes])
    drums = np.asarray([part.is_drum for part in score.parts], dtype=bool)
    guessed = tags.guess_roles(mean, count / np.maximum(onsets, 1), onsets, drums)
    roles = []
    for index, part in enumerate(score.parts):
        role = part.role or (tags.ROLES[guessed[index] - 1] if guessed[index] else "harmony")
        if part.is_drum != (role == "drums"):
            role = "drums" if part.is_drum else "harmony"
        if not part.role and role == "bass" and count[index] >= 1.5 * max(onsets[index], 1):
            role = "harmony"  # the left hand of a keyboard plays chords as well
        roles.append(role)
    return roles


def _plan_part(score: Score, index: int, role: str) -> PlanPart:
    part = score.parts[index]
    instrument = DRUM_KIT if part.is_drum else GM_INSTRUMENTS[part.program]
    low, high = instrument.low, instrument.high
    if len(part.notes):
        lowest, highest = int(part.notes["pitch"].min()), int(part.notes["pitch"].max())
        low = max(min(low, lowest), lowest - _RANGE_SLACK)
        high = min(max(high, highest), highest + _RANGE_SLACK)
    return PlanPart(
        name=(part.name or instrument.name)[:100],
        instrument=instrument.name,
        program=part.program,
        is_drum=part.is_drum,
        role=cast(Any, role),
        low=low,
        high=high,
    )


def _genre(score: Score) -> str:
    pitched = [part for part in score.parts if not part.is_drum]
    if len(pitched) < len(score.parts):
        return "pop"
    if all(part.program < 8 for part in pitched):
        return "nocturne"
    return "orchestral" if len(pitched) >= _FULL_ORCHESTRA else "classical"


def _tempos(score: Score, bars: range, beat_ticks: int) -> tuple[PlanTempo, ...]:
    found: list[PlanTempo] = []
    for bar in bars:
        qpm = score.tempo_map.qpm_at(int(score.bar_ticks[bar]))
        bpm = min(max(qpm * TICKS_PER_QUARTER / beat_ticks, MIN_BPM), MAX_BPM)
        if not found or abs(found[-1].bpm - bpm) > 1e-6:
            found.append(PlanTempo(bar_index=bar - bars.start, bpm=bpm))
    return tuple(found)


def _chords(score: Score, bars: range) -> list[ChordSymbol]:
    """Two chords a bar: as stated, else heard; ``N`` where nothing pitched sounds."""
    starts = half_bar_starts(score)
    heard = chords_per_half_bar(score)
    chords = []
    for index in range(2 * bars.start, 2 * bars.stop):
        stated = score.chord_at(int(starts[index])) if score.chords else None
        chords.append(stated if stated is not None else heard[index].chord)
    return chords


def _bar_keys(score: Score, bars: range) -> list[Key]:
    """One key for each bar: that of the passage, where it lasts."""
    home = home_key(score)
    if home is None:
        stated = score.key_at(0) or Key.parse("C major")
        return [stated] * len(bars)
    keys = [home[0]] * score.num_bars
    for start, stop, key in key_passages(score, home[0]):
        if stop - start >= _MIN_KEY_BARS:
            keys[start:stop] = [key] * (stop - start)
    return keys[bars.start : bars.stop]


def _sections(
    score: Score, bars: range, chords: Sequence[ChordSymbol], roles: Sequence[str]
) -> list[PlanSection]:
    keys = _bar_keys(score, bars)
    marks = score.sections or repeated_sections(score)
    labels = {int(score.bar_index_at(mark.tick)): mark.label for mark in marks}
    label = next((labels[b] for b in sorted(labels, reverse=True) if b <= bars.start), "A")
    ends = _phrase_ends(score, roles)
    cuts = {0, len(bars)}
    cuts |= {bar - bars.start for bar in labels if bar in bars}
    cuts |= {i for i in range(1, len(keys)) if keys[i] != keys[i - 1]}
    borders = sorted(cuts)
    loud = _loudness(score, bars)
    pitched = sum(role != "drums" for role in roles)
    sections = []
    for start, stop in pairwise(borders):
        label = labels.get(bars.start + start, label)
        sections.append(
            PlanSection(
                label=(label.strip() or "A")[:20],
                name="read",
                start_bar_index=start,
                num_bars=stop - start,
                key=str(keys[start]),
                energy=float(loud[start:stop].mean()),
                texture="solo" if pitched < 2 else "homophonic",
                phrases=_phrases(range(start, stop), ends, bars.start, chords, keys[start]),
            )
        )
    return sections


def _phrase_ends(score: Score, roles: Sequence[str]) -> set[int]:
    melody = next((i for i, role in enumerate(roles) if role == "melody"), None)
    if melody is None or not len(score.parts[melody].notes):
        return set()
    return set(phrase_end_bars(score, score.parts[melody]))


def _phrases(
    bars: range, ends: set[int], offset: int, chords: Sequence[ChordSymbol], key: Key
) -> tuple[PlanPhrase, ...]:
    phrases, start = [], bars.start
    for bar in bars:
        long_enough = bar + 1 - start >= _MAX_PHRASE_BARS
        ends_here = bar + offset in ends and bar + 1 - start >= 2
        if bar == bars.stop - 1 or ends_here or long_enough:
            before = chords[2 * bar - 1] if bar else None
            goal = chords[2 * bar + 1]
            if chords[2 * bar] != goal:
                before = chords[2 * bar]
            cadence = "none" if goal.is_none else name_cadence(before, goal, key)
            if not ends_here:
                cadence = "none"
            phrases.append(
                PlanPhrase(
                    start_bar_index=start, num_bars=bar + 1 - start, cadence=cast(Any, cadence)
                )
            )
            start = bar + 1
    return tuple(phrases)


def _loudness(score: Score, bars: range) -> NDArray[np.float64]:
    """Energy of each bar, 0 to 1, from velocities; 0.5 where they say nothing."""
    velocity = np.concatenate([part.notes["velocity"] for part in score.parts]).astype(float)
    onset = np.concatenate([part.notes["onset"] for part in score.parts])
    if len(np.unique(velocity)) < 3:
        return np.full(len(bars), 0.5)
    bar = score.bar_index_at(onset)
    total = np.bincount(bar, velocity, score.num_bars)
    count = np.bincount(bar, minlength=score.num_bars)
    mean = np.where(count > 0, total / np.maximum(count, 1), velocity.mean())
    return np.asarray(np.clip((mean - 40.0) / 60.0, 0.0, 1.0)[bars.start : bars.stop])


def grid_notes(score: Score, bars: range, parts: Sequence[int]) -> NDArray[np.void]:
    """Notes of the bars on the grid."""
    ticks = score.bar_ticks
    pieces = []
    for slot, index in enumerate(parts):
        source = score.parts[index].notes
        bar = bars_of(score, source["onset"]) if len(source) else np.zeros(0, dtype=np.int64)
        inside = (bar >= bars.start) & (bar < bars.stop)
        source, bar = source[inside], bar[inside]
        notes = np.zeros(len(source), dtype=CELL_NOTE_DTYPE)
        width = (ticks[bar + 1] - ticks[bar]) // TICKS_PER_STEP
        position = np.round((source["onset"] - ticks[bar]) / TICKS_PER_STEP).astype(np.int64)
        notes["bar"], notes["part"] = bar - bars.start, slot
        notes["position"] = np.clip(_snapped(position), 0, width - 1)
        length = np.round(source["duration"] / TICKS_PER_STEP)
        notes["duration"] = np.clip(length, 1, int(DURATIONS[-1]))
        for name in ("pitch", "velocity", "origin"):
            notes[name] = source[name]
        pieces.append(notes)
    return np.concatenate(pieces)


def _snapped(position: NDArray[np.int64]) -> NDArray[np.int64]:
    """Move steps beside a thirty-second note onto it, as a reader of a performance does."""
    near = 3 * np.round(position / 3).astype(np.int64)
    return np.where(position % 8 == 0, position, near)
