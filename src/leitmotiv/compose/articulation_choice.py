"""Which notes are plucked, trembled, slurred or swelled: articulations chosen from the score.

Purpose: the markings that an arranger would write over a part, as controllers that every engine
plays (:mod:`leitmotiv.score.articulations`) and a MIDI file keeps.

Rules, for each section of the plan and each bowed part that is not the melody:

- pizzicato: bass or harmony of mostly short notes in a light genre or mood, or in any quiet
  section of them; long notes that close such a section are bowed;
- tremolo: harmony or pad of long notes where a dark or dramatic piece is at its height;
- swell: long notes in the last two bars before a section of clearly more energy.

Melodies and counter-melodies of bows and winds that play one note at a time are slurred (CC 68):
of their notes those are joined that the performance lets overlap. Staccato is length, and comes
from :func:`~leitmotiv.compose.articulation.sounding_durations`.

Public names: :func:`articulation_controls`.

References: W. Piston, *Orchestration*, Norton 1955, chapter 1 (pizzicato, tremolo); S. Adler, *The
Study of Orchestration*, 4th ed., Norton 2016, chapter 2.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.articulation import Attack, attack_of
from leitmotiv.plan.plan import Plan, PlanSection
from leitmotiv.score.articulations import ARTICULATION, Articulation
from leitmotiv.score.score import CONTROL_DTYPE, Part

__all__ = ["articulation_controls"]

_LEGATO_SWITCH = 68
_LIGHT_TEXT = """
    waltz polka musette scherzo minuet gavotte serenade playful comic carefree cheerful whimsical
    mischievous quirky light
"""
_DARK_TEXT = """
    tension tense suspense suspenseful thriller horror dark dramatic eerie fearful menacing anxious
    angry aggressive battle chase boss stormy
"""
_LIGHT_WORDS, _DARK_WORDS = frozenset(_LIGHT_TEXT.split()), frozenset(_DARK_TEXT.split())
_LEAD_TICKS = 60  # players come up to 60 ms early: what they play is set before they do
_PLUCKED_ROLES, _TREMBLED_ROLES = ("bass", "harmony"), ("harmony", "pad")
_QUIET, _HIGH, _RISE = 0.35, 0.7, 0.15
_SHORT_BEATS, _LONG_BEATS = 1.0, 2.0
_TREMOLO_STRINGS = 44


def articulation_controls(plan: Plan, part: Part) -> NDArray[np.void]:
    """Return controller 110 and 68 of a part, sorted by tick.

    Parameters
    ----------
    plan : Plan
        Sections, genre, style and moods.
    part : Part
        As written, before it is performed.

    Returns
    -------
    array of CONTROL_DTYPE
        Empty where everything is played as usual, or where the part says its own.
    """
    attack = attack_of(part)
    present = set(part.controls["controller"].tolist())
    rows: list[tuple[int, int, int]] = []
    if len(part.notes) and attack in (Attack.BOWED, Attack.BLOWN):
        if part.role in ("melody", "counter"):
            if _LEGATO_SWITCH not in present and _is_one_voice(part):
                rows.append((0, _LEGATO_SWITCH, 127))
        elif ARTICULATION not in present and attack is Attack.BOWED:
            rows += _sections(plan, part)
    return np.array(rows, dtype=CONTROL_DTYPE)


def _is_one_voice(part: Part) -> bool:
    """Tell whether no two notes of a part begin together."""
    return bool(np.all(np.diff(part.notes["onset"]) > 0))


def _sections(plan: Plan, part: Part) -> list[tuple[int, int, int]]:
    rows: list[tuple[int, int, int]] = []
    current = Articulation.ORDINARY
    for place, section in enumerate(plan.sections):
        first = section.start_bar_index * plan.bar_ticks
        last = first + section.num_bars * plan.bar_ticks
        onsets = part.notes["onset"]
        notes = part.notes[(onsets >= first) & (onsets < last)]
        if not len(notes):
            continue
        following = plan.sections[place + 1] if place + 1 < len(plan.sections) else None
        wanted = _of_section(plan, part, section, notes)
        if wanted is not current:
            rows.append((max(first - _LEAD_TICKS, 0), ARTICULATION, int(wanted)))
            current = wanted
        closing = notes["duration"][notes["onset"] >= last - plan.bar_ticks]
        long_ticks = _LONG_BEATS * plan.meter_value.beat_ticks
        if wanted is Articulation.PIZZICATO and len(closing) and np.median(closing) >= long_ticks:
            # A chord to rest on is bowed: plucked, it would be gone before its time.
            at = last - plan.bar_ticks - _LEAD_TICKS
            rows.append((max(at, 0), ARTICULATION, int(Articulation.ORDINARY)))
            current = Articulation.ORDINARY
        rises = following is not None and following.energy - section.energy >= _RISE
        if rises and wanted is Articulation.ORDINARY:
            begin = last - min(2, section.num_bars) * plan.bar_ticks
            long = notes["duration"] >= _LONG_BEATS * plan.meter_value.beat_ticks
            if np.any(long & (notes["onset"] >= begin)):
                at = max(begin - _LEAD_TICKS, 0)
                rows.append((at, ARTICULATION, int(Articulation.SWELL)))
                current = Articulation.SWELL
    return rows


def _of_section(
    plan: Plan, part: Part, section: PlanSection, notes: NDArray[np.void]
) -> Articulation:
    """Return what most notes of a section are played as."""
    beats = float(np.median(notes["duration"])) / plan.meter_value.beat_ticks
    words = _words(plan)
    is_light = bool(words & _LIGHT_WORDS) or section.energy <= _QUIET
    is_short = beats <= _SHORT_BEATS and section.energy < _HIGH
    if part.role in _PLUCKED_ROLES and is_short and is_light:
        return Articulation.PIZZICATO
    is_high = beats >= _LONG_BEATS and section.energy >= _HIGH and words & _DARK_WORDS
    if part.role in _TREMBLED_ROLES and is_high and part.program != _TREMOLO_STRINGS:
        return Articulation.TREMOLO
    return Articulation.ORDINARY


def _words(plan: Plan) -> set[str]:
    text = " ".join([plan.genre, plan.style or "", *plan.brief.moods])
    return set(text.lower().replace("_", " ").replace("-", " ").split())
