"""Climax: a theme that begins alone and ends in the full orchestra.

The theme is planned as a build-up: it begins with two players, after a short introduction where
there is room for one; each section adds players (strings, then winds, then brass, percussion last)
and gains energy, and in the last section everybody plays. An orchestra is joined by the players of
:mod:`~leitmotiv.compose.operations.tutti`, who double and deepen, and the tune climbs an octave.

Public names: :func:`climax`, :func:`climax_plan`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.composer import ComposeOptions, compose
from leitmotiv.compose.dynamics import write_dynamics
from leitmotiv.compose.operations.adding import palette_for
from leitmotiv.compose.operations.melody_harmony import with_tune_harmony
from leitmotiv.compose.operations.reading import read_plan
from leitmotiv.compose.operations.region import USUAL_OPTIONS, Progress, no_progress
from leitmotiv.compose.operations.tutti import tutti
from leitmotiv.compose.writer import WriterOptions
from leitmotiv.errors import ComposeError
from leitmotiv.models import EventModel
from leitmotiv.plan import Brief, Plan, PlanPart, ThemeNote, make_plan, name_cadence
from leitmotiv.score import Score
from leitmotiv.styles import style_for_genre
from leitmotiv.theory import TICKS_PER_QUARTER, ChordSymbol

__all__ = ["MAX_CLIMAX_SEC", "climax", "climax_plan"]

MAX_CLIMAX_SEC = 180.0
_MIN_CLIMAX_SEC = 20.0
_THEME_BARS = 4
_SWELL = 14.0  # velocity gained in the course of a section
_FIRST_ENERGY, _LAST_ENERGY = 0.2, 1.0


def climax_plan(
    score: Score,
    duration_sec: float = 120.0,
    ensemble: Sequence[str] = ("orchestra",),
    *,
    rng: np.random.Generator,
) -> Plan:
    """Plan a build-up over the theme with which a score opens.

    Parameters
    ----------
    score : Score
        Its leading part's first four sounding bars are the theme; key, meter and tempo are its own.
    duration_sec : float
        20 to 180 seconds.

    Raises
    ------
    ComposeError
        If the length is out of range or there is no theme.
    """
    if not _MIN_CLIMAX_SEC <= duration_sec <= MAX_CLIMAX_SEC:
        raise ComposeError(
            f"seconds={duration_sec:g} must be between {_MIN_CLIMAX_SEC:g} and {MAX_CLIMAX_SEC:g}"
        )
    players = palette_for(ensemble)
    reading = with_tune_harmony(score, read_plan(score))
    theme = _theme(reading.notes[reading.notes["part"] == reading.melody], reading.plan)
    source = reading.plan
    brief = Brief(
        text=f"climax over a theme, {duration_sec:g} seconds",
        title=f"{source.title}: climax"[:200],
        genre="orchestral",
        key=source.key,
        meter=source.meter,
        bpm=source.bpm_at(0),
        duration_sec=duration_sec,
        instruments=tuple(player.instrument for player in players),
        form="build-up",
        theme=theme,
        seed=int(rng.integers(2**31)),
    )
    plan = make_plan(brief, rng, style=style_for_genre)
    count = len(plan.sections)
    entries = _entries(plan.parts)
    sections = []
    for index, section in enumerate(plan.sections):
        share = index / max(count - 1, 1)
        playing = max(round(2 + (len(entries) - 2) * min(share * 1.15, 1.0)), 1)
        silent = tuple(sorted(entries[playing:])) if index < count - 1 else ()
        sections.append(
            section.replace(
                energy=_FIRST_ENERGY + (_LAST_ENERGY - _FIRST_ENERGY) * share,
                texture="full" if share > 0.8 else "homophonic",
                parts_silent=silent,
            )
        )
    # Who does not play cannot have the theme.
    lead = next((i for i, part in enumerate(plan.parts) if part.role == "melody"), entries[0])
    placements = tuple(
        placement
        if placement.part_index
        not in sections[plan.section_index_at(placement.bar_index)].parts_silent
        else placement.replace(part_index=lead)
        for placement in plan.placements
    )
    plan = plan.replace(sections=tuple(sections), placements=tuple(placements))
    first = int(reading.notes["bar"][reading.notes["part"] == reading.melody].min())
    return _with_own_harmony(plan, source, first)


def _with_own_harmony(plan: Plan, source: Plan, first: int) -> Plan:
    """Let plain statements of the theme have the chords, and the close, that came with it."""
    symbols = [entry.symbol for entry in plan.chords]
    closes: dict[int, str] = {}
    for placement in plan.placements:
        plain = placement.transform in ("statement", "repeat", "ornament")
        if not plain or plan.key_at(placement.bar_index) != source.key_at(first):
            continue
        for offset in range(min(placement.num_bars, source.num_bars - first)):
            for half in (0, 1):
                chord = source.chord_at(first + offset, half)
                if not chord.is_none:
                    symbols[2 * (placement.bar_index + offset) + half] = str(chord)
        bar = placement.bar_index + placement.num_bars - 1
        before, goal = (ChordSymbol.parse(symbols[2 * bar + k]) for k in (-1, 1))
        closes[bar] = "none" if goal.is_none else name_cadence(before, goal, plan.key_at(bar))
    sections = []
    for section in plan.sections:
        phrases = []
        for phrase in section.phrases:
            cadence = closes.get(phrase.end_bar_index - 1, phrase.cadence)
            phrases.append(phrase.replace(cadence=cast(Any, cadence)))
        sections.append(section.replace(phrases=tuple(phrases)))
    chords = tuple(
        entry.replace(symbol=symbol) for entry, symbol in zip(plan.chords, symbols, strict=True)
    )
    # They are the plan's own chords now, not an edit of it.
    return plan.replace(sections=tuple(sections), chords=chords, chords_as_planned=None)


def _theme(notes: NDArray[np.void], plan: Plan) -> tuple[ThemeNote, ...]:
    """The first bars of a melody as a brief gives a theme: its top line from the first bar."""
    if not len(notes):
        raise ComposeError("the score has no melody; a climax grows from a theme")
    first = int(notes["bar"].min())
    steps = plan.bar_ticks // 20
    inside = notes[notes["bar"] < first + _THEME_BARS]
    start = (inside["bar"] - first).astype(np.int64) * steps + inside["position"]
    chosen: dict[int, tuple[int, int]] = {}
    for onset, duration, pitch in zip(start, inside["duration"], inside["pitch"], strict=True):
        if pitch >= chosen.get(int(onset), (0, -1))[1]:
            chosen[int(onset)] = (int(duration), int(pitch))
    onsets = sorted(chosen)
    theme = []
    for index, onset in enumerate(onsets):
        duration, pitch = chosen[onset]
        limit = onsets[index + 1] if index + 1 < len(onsets) else _THEME_BARS * steps
        theme.append(
            ThemeNote(
                onset_quarter=onset * 20 / TICKS_PER_QUARTER,
                duration_quarter=max(min(duration, limit - onset), 1) * 20 / TICKS_PER_QUARTER,
                pitch=pitch,
            )
        )
    return tuple(theme)


def _entries(parts: Sequence[PlanPart]) -> list[int]:
    """Order in which players enter: the theme, the ground, strings, winds, brass, percussion."""

    def rank(index: int) -> tuple[int, int]:
        part = parts[index]
        if part.role == "melody":
            return 0, index
        if part.is_drum or part.program == 47:
            return 6, index
        if part.program in range(56, 64):
            return 5, index
        if part.role == "bass":
            return 1, index
        return (2 if part.program in range(40, 52) else 3), index

    return sorted(range(len(parts)), key=rank)


def climax(
    score: Score,
    duration_sec: float = 120.0,
    ensemble: Sequence[str] = ("orchestra",),
    *,
    rng: np.random.Generator,
    model: EventModel | None = None,
    options: WriterOptions = USUAL_OPTIONS,
    progress: Progress = no_progress,
) -> Score:
    """Grow the opening theme of a score into a full climax.

    Returns
    -------
    Score
        A new piece: the theme's first statement is of origin HUMAN, its returns THEME.

    Raises
    ------
    ComposeError
        As :func:`climax_plan`.
    """
    plan_rng, note_rng = rng.spawn(2)
    plan = climax_plan(score, duration_sec, ensemble, rng=plan_rng)
    made = compose(
        plan,
        options=ComposeOptions(writer=options),
        rng=note_rng,
        model=model,
        progress=progress,
    )
    return tutti(_swelling(write_dynamics(made, plan), plan), plan)


def _swelling(score: Score, plan: Plan) -> Score:
    """Grow inside the sections too, so that loudness rises as a line and not in terraces."""
    borders = np.asarray([*(s.start_bar_index for s in plan.sections), plan.num_bars])
    ticks = borders * plan.bar_ticks
    parts = []
    for part in score.parts:
        notes = part.notes.copy()
        section = np.clip(
            np.searchsorted(ticks, notes["onset"], side="right") - 1, 0, len(ticks) - 2
        )
        length = ticks[section + 1] - ticks[section]
        place = (notes["onset"] - ticks[section]) / np.maximum(length, 1)
        louder = notes["velocity"] + _SWELL * (place - 0.5)
        notes["velocity"] = np.clip(np.round(louder), 1, 127)
        parts.append(part.with_notes(notes))
    return score.with_parts(parts)
