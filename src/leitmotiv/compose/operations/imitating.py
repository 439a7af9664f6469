"""Imitate: conditions derived from a person's own pieces.

Purpose: without training anything, make a piece that shares with a folder of pieces what can be
counted: mode and usual tonics, tempo, meter, length, players, how often chords change and which
chord follows which. Fine-tuning the model on the pieces is a command of its own (``train``).

Public names: :class:`Manner`, :func:`read_manner`, :func:`imitation_plan`, :func:`imitate`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from leitmotiv.compose.composer import ComposeOptions, compose
from leitmotiv.compose.dynamics import write_dynamics
from leitmotiv.compose.operations.reading import read_plan
from leitmotiv.compose.operations.region import USUAL_OPTIONS, Progress, no_progress
from leitmotiv.compose.writer import WriterOptions
from leitmotiv.errors import ComposeError
from leitmotiv.models import EventModel
from leitmotiv.plan import Brief, Plan, make_plan
from leitmotiv.score import Score
from leitmotiv.score.general_midi import find_instrument
from leitmotiv.styles import style_for_genre
from leitmotiv.theory import ChordSymbol, Key, Mode, Spelling

__all__ = ["Manner", "imitate", "imitation_plan", "read_manner"]

_MAX_BARS = 64


@dataclass(frozen=True)
class Manner:
    """What pieces have in common.

    ``keys``, ``meters``, ``line_ups`` and ``lengths`` hold one entry a piece; ``bpm`` felt beats a
    minute; ``density`` melody notes a bar; ``changes`` the share of half bars with a new chord;
    ``steps`` counts chord successions as (semitones above the tonic, quality) pairs, by mode.
    """

    keys: tuple[str, ...]
    meters: tuple[str, ...]
    bpm: tuple[float, ...]
    lengths: tuple[int, ...]
    line_ups: tuple[tuple[str, ...], ...]
    density: tuple[float, ...]
    changes: float
    steps: dict[str, dict[str, dict[str, int]]]

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)


def _mode(key: Key) -> str:
    return "minor" if key.mode.is_minor_like else "major"


def _name(chord: ChordSymbol, key: Key) -> str:
    """A chord relative to its key, such as ``7 maj``; inversions count as their chord."""
    degree = (chord.root_pitch_class - key.tonic_pitch_class) % 12
    return f"{degree} {str(chord).partition('/')[0].partition(':')[2] or 'maj'}"


def read_manner(scores: Sequence[Score]) -> Manner:
    """Count what pieces have in common.

    Raises
    ------
    ComposeError
        If there is no piece with notes.
    """
    steps: dict[str, dict[str, Counter[str]]] = {"major": {}, "minor": {}}
    plans, density, new_chords, halves = [], [], 0, 0
    for score in scores:
        if not score.num_notes or all(part.is_drum for part in score.parts):
            continue
        reading = read_plan(score)
        plan = reading.plan
        plans.append(plan)
        melody = reading.notes[reading.notes["part"] == reading.melody]
        density.append(round(len(melody) / plan.num_bars, 2))
        before: str | None = None
        for bar in range(plan.num_bars):
            key = plan.key_at(bar)
            for half in (0, 1):
                chord = plan.chord_at(bar, half)
                halves += 1
                if chord.is_none:
                    before = None
                    continue
                name = _name(chord, key)
                if before is not None and name != before:
                    new_chords += 1
                    steps[_mode(key)].setdefault(before, Counter())[name] += 1
                before = name
    if not plans:
        raise ComposeError("no piece with notes was found; give MIDI or MusicXML files with notes")
    return Manner(
        keys=tuple(plan.key for plan in plans),
        meters=tuple(plan.meter for plan in plans),
        bpm=tuple(round(plan.bpm_at(0), 2) for plan in plans),
        lengths=tuple(plan.num_bars for plan in plans),
        line_ups=tuple(tuple(part.instrument for part in plan.parts) for plan in plans),
        density=tuple(density),
        changes=round(new_chords / max(halves, 1), 3),
        steps={
            mode: {name: dict(sorted(row.items())) for name, row in sorted(table.items())}
            for mode, table in steps.items()
        },
    )


def _draw_chords(
    manner: Manner, key: Key, num_bars: int, rng: np.random.Generator
) -> tuple[str, ...] | None:
    """A walk through the pieces' own chord successions, closing with a cadence; None if too few."""
    table = manner.steps[_mode(key)]
    home: str | None = next((n for n in ("0 maj", "0 min", "0 min7", "0 maj7") if n in table), None)
    if home is None or len(table) < 3:
        return None
    halves: list[str] = [home]
    while len(halves) < 2 * num_bars:
        # As often as theirs, and rather over a bar line than inside a bar.
        chance = min(manner.changes * (1.5 if len(halves) % 2 == 0 else 0.5), 1.0)
        row = table.get(halves[-1])
        if row is None:
            halves.append(home)
        elif rng.random() < chance:
            names = list(row)
            weights = np.asarray([row[name] for name in names], dtype=float)
            halves.append(names[int(rng.choice(len(names), p=weights / weights.sum()))])
        else:
            halves.append(halves[-1])
    dominants: list[str] = [
        n for n in ("7 7", "7 maj", "7 min", "10 maj", "5 maj", "5 min") if n in table
    ]
    halves[-4:] = [halves[-4], dominants[0] if dominants else halves[-3], home, home]
    return tuple(_chord(name, key) for name in halves)


def _chord(name: str, key: Key) -> str:
    degree, _, quality = name.partition(" ")
    root = Spelling.nearest((key.tonic_pitch_class + int(degree)) % 12, key.fifths + 0.75)
    return str(ChordSymbol.parse(f"{root}:{quality}"))


def _players(line_up: Sequence[str]) -> tuple[str, ...]:
    """Players of a line-up: two staves of one keyboard are one player."""
    players: list[str] = []
    for name in line_up[:12]:
        instrument = find_instrument(name)
        two_hands = instrument is not None and instrument.family in ("piano", "organ")
        if not (two_hands and players and players[-1] == name):
            players.append(name)
    return tuple(players)


def imitation_plan(
    manner: Manner, *, num_bars: int | None = None, rng: np.random.Generator
) -> Plan:
    """Plan a piece in a manner: one of its pieces lends meter, tempo, players and mode."""
    if num_bars is not None and not 1 <= num_bars <= 2000:
        raise ComposeError(f"bars={num_bars} must be between 1 and 2000")
    model = int(rng.integers(len(manner.keys)))
    length = num_bars or int(np.clip(round(float(np.median(manner.lengths)) / 4) * 4, 8, _MAX_BARS))
    mode = _mode(Key.parse(manner.keys[model]))
    tonics = [Key.parse(key) for key in manner.keys if _mode(Key.parse(key)) == mode]
    chosen = tonics[int(rng.integers(len(tonics)))]
    key = Key(chosen.tonic, Mode(mode))
    bpm = [b for b, m in zip(manner.bpm, manner.meters, strict=True) if m == manner.meters[model]]
    brief = Brief(
        text="in the manner of the given pieces",
        title="In the manner",
        genre="classical",
        key=str(key),
        meter=manner.meters[model],
        bpm=float(np.median(bpm)),
        num_bars=length,
        instruments=_players(manner.line_ups[model]),
        chords=_draw_chords(manner, key, length, rng) if length >= 2 else None,
        chords_per_bar=2,
        seed=int(rng.integers(2**31)),
    )
    plan = make_plan(brief, rng, style=style_for_genre)
    # How busy a melody is follows from energy: theirs, on the scale of a bar.
    busy = float(np.clip(float(np.median(manner.density)) / 12.0, 0.1, 0.9))
    sections = tuple(
        section.replace(energy=float(np.clip(0.5 * section.energy + 0.5 * busy, 0.0, 1.0)))
        for section in plan.sections
    )
    return plan.replace(sections=sections)


def imitate(
    scores: Sequence[Score],
    *,
    num_bars: int | None = None,
    rng: np.random.Generator,
    model: EventModel | None = None,
    options: WriterOptions = USUAL_OPTIONS,
    progress: Progress = no_progress,
) -> Score:
    """Compose a piece in the manner of others; no notes are taken from them.

    Raises
    ------
    ComposeError
        As :func:`read_manner`.
    """
    plan_rng, note_rng = rng.spawn(2)
    plan = imitation_plan(read_manner(scores), num_bars=num_bars, rng=plan_rng)
    made = compose(
        plan, options=ComposeOptions(writer=options), rng=note_rng, model=model, progress=progress
    )
    return write_dynamics(made, plan)
