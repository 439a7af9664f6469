"""What the mixer is told of a piece: its room, its bars, their energy, lead and kicks; its loop.

Purpose: turn a score and its plan into the mixer's own nouns, as neither knows the other.

Conventions: bars and ticks are the score's, seconds follow its tempo map.

Public names: :func:`mix_form`, :func:`mix_preset`, :func:`loop_ticks`, :func:`notes_between`,
:func:`ticks_to_samples`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from leitmotiv.styles import load_style
from leitmotiv.theory import TICKS_PER_QUARTER

if TYPE_CHECKING:
    from leitmotiv.mix import MixForm
    from leitmotiv.plan import Plan
    from leitmotiv.score import Score

__all__ = [
    "STYLE_MIXES",
    "loop_ticks",
    "mix_form",
    "mix_preset",
    "notes_between",
    "ticks_to_samples",
]

VOICE_PROGRAMS = range(52, 55)
KICK_PITCHES = (35, 36)
MAX_CHAMBER_PARTS = 6
STYLE_MIXES = {
    "ambient": "ambient",
    "chamber": "chamber",
    "electronic": "electronic",
    "folk": "intimate",
    "jazz": "intimate",
    "lofi": "intimate",
    "orchestral": "concert",
    "pop": "band",
    "rock": "band",
}
"""A style names its kind of mix; the mixer names rooms. Neither may know the other."""


def ticks_to_samples(score: Score, ticks: Sequence[int], sample_rate: int) -> list[int]:
    """Return the sample at which each tick falls."""
    seconds = score.tempo_map.tick_to_sec(np.asarray(ticks, dtype=np.int64))
    return [round(float(sec) * sample_rate) for sec in np.atleast_1d(seconds)]


def loop_ticks(score: Score, plan: Plan | None) -> tuple[int, int]:
    """Return the first tick of the loop and the tick after its last: or the piece's."""
    lines = score.bar_ticks
    start, end = (0, len(lines) - 1) if plan is None or plan.loop is None else plan.loop
    return int(lines[start]), int(lines[min(end, len(lines) - 1)])


def notes_between(score: Score, start: int, end: int) -> Score:
    """Return the score with the notes that start in a stretch.

    A player may be a little early at its first bar line.
    """
    early = TICKS_PER_QUARTER // 8
    parts = []
    for part in score.parts:
        onset = part.notes["onset"]
        parts.append(part.with_notes(part.notes[(onset >= start - early) & (onset < end - early)]))
    return score.with_parts(parts)


def mix_form(score: Score, plan: Plan | None = None) -> MixForm | None:
    """Tell the mixer the bars, energy, lead and kick of a piece; None for one without bars.

    The lead of a bar are the melody parts that play in it; where they rest, the part to which
    the plan gives the theme, and else a counter-melody.
    """
    from leitmotiv.mix import MixForm

    lines = score.bar_ticks
    if score.num_bars < 1 or not score.num_notes:
        return None
    plays = np.zeros((len(score.parts), score.num_bars), dtype=bool)
    for index, part in enumerate(score.parts):
        onset, end = part.notes["onset"], part.notes["onset"] + part.notes["duration"]
        first, last = score.bar_index_at(onset), score.bar_index_at(np.maximum(end - 1, onset))
        for start, stop in set(zip(first.tolist(), last.tolist(), strict=True)):
            plays[index, start : stop + 1] = True
    theme = np.full(score.num_bars, -1)
    for placement in plan.placements if plan is not None else ():
        theme[placement.bar_index : placement.bar_index + placement.num_bars] = placement.part_index
    roles = [part.role for part in score.parts]
    lead = []
    for bar in range(score.num_bars):
        playing = [index for index in range(len(roles)) if plays[index, bar]]
        melody = [index for index in playing if roles[index] == "melody"]
        melody = melody or [index for index in playing if index == theme[bar]]
        lead.append(frozenset(melody or [i for i in playing if roles[i] == "counter"]))
    energy = np.full(score.num_bars, 0.5)
    for section in plan.sections if plan is not None else ():
        energy[section.start_bar_index : section.end_bar_index] = section.energy
    kicks = [
        part.notes["onset"][np.isin(part.notes["pitch"], KICK_PITCHES)]
        for part in score.parts
        if part.is_drum
    ]
    onsets = np.unique(np.concatenate(kicks)) if kicks else np.zeros(0, dtype=np.int64)
    to_sec = score.tempo_map.tick_to_sec
    return MixForm(to_sec(lines), energy, tuple(lead), to_sec(onsets))


def mix_preset(score: Score, plan: Plan | None = None) -> str:
    """Return the room and balance that fit a piece: by its voices, its style, then its size."""
    sung = [part.program in VOICE_PROGRAMS and not part.is_drum for part in score.parts]
    if sung and all(sung):
        return "choir"
    if plan is not None and plan.style is not None:
        return STYLE_MIXES[load_style(plan.style).mix_preset]
    if any(part.is_drum for part in score.parts):
        return "band"
    return "chamber" if len(score.parts) <= MAX_CHAMBER_PARTS else "concert"
