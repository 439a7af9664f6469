"""Marks around the notes of a MusicXML part: tempo, dynamics, chord symbols, sections.

Purpose: turn the maps of a Score, and the velocities of a part, into sparse marks.

Conventions: a mark is ``(tick, element)``. Dynamics come from velocity: one mark where a part
begins, then one where the level of a bar moves by a full step and stays there.

Public names: :func:`articulation_marks`, :func:`chord_marks`, :func:`dynamic_marks`,
:func:`section_marks`, :func:`tempo_marks`.

References: *MusicXML 4.0*, W3C Community Group report, 2021, elements direction, harmony, sound.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Sequence

import numpy as np

from leitmotiv.score.articulations import ARTICULATION, Articulation
from leitmotiv.score.musicxml_chords import harmony_element
from leitmotiv.score.musicxml_symbols import DYNAMIC_VELOCITIES, dynamic_for
from leitmotiv.score.notation import Bar
from leitmotiv.score.score import Part, Score
from leitmotiv.theory import TICKS_PER_QUARTER, ChordSymbol

__all__ = [
    "Mark",
    "articulation_marks",
    "chord_marks",
    "dynamic_marks",
    "section_marks",
    "tempo_marks",
]

Mark = tuple[int, ET.Element]

_SHOWN_TEMPO_RATIO = 0.06
_DYNAMIC_STEP = 11.0  # velocity beyond which a bar leaves the level in force
_BEAT_UNITS = {480: ("quarter", 0), 720: ("quarter", 1), 960: ("half", 0), 240: ("eighth", 0),
               1440: ("half", 1), 360: ("eighth", 1), 120: ("16th", 0)}  # fmt: skip


def number_text(value: float, digits: int = 2) -> str:
    """Return a number without needless zeros.

    >>> number_text(120.0), number_text(66.667), number_text(140.2, 0)
    ('120', '66.67', '140')
    """
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _direction(placement: str, kind: str) -> tuple[ET.Element, ET.Element]:
    direction = ET.Element("direction", placement=placement)
    return direction, ET.SubElement(ET.SubElement(direction, "direction-type"), kind)


def tempo_marks(score: Score) -> list[Mark]:
    """Return metronome marks; a passing change (a ritardando) is played but not printed."""
    marks: list[Mark] = []
    ticks, tempos = score.tempo_map.ticks, score.tempo_map.qpm
    shown = 0.0
    for index, (tick, qpm) in enumerate(zip(ticks, tempos, strict=True)):
        if tick >= max(score.length_ticks, 1):
            break
        meter = score.meter_at(tick)
        stays = index + 1 == len(ticks) or ticks[index + 1] - tick >= meter.bar_ticks
        is_new = abs(qpm / shown - 1) > _SHOWN_TEMPO_RATIO if shown else True
        # MusicXML keeps the exact tempo for playback; the page shows a round one.
        if is_new and (stays or not shown):
            unit, dots = _BEAT_UNITS.get(meter.beat_ticks, ("quarter", 0))
            beat_ticks = meter.beat_ticks if meter.beat_ticks in _BEAT_UNITS else TICKS_PER_QUARTER
            direction, metronome = _direction("above", "metronome")
            metronome.set("parentheses", "no")
            ET.SubElement(metronome, "beat-unit").text = unit
            for _ in range(dots):
                ET.SubElement(metronome, "beat-unit-dot")
            per_minute = qpm * TICKS_PER_QUARTER / beat_ticks
            ET.SubElement(metronome, "per-minute").text = number_text(per_minute, 0)
            ET.SubElement(direction, "sound", tempo=number_text(qpm, 4))
            marks.append((tick, direction))
            shown = qpm
        else:
            marks.append((tick, ET.Element("sound", tempo=number_text(qpm, 4))))
    return marks


def section_marks(score: Score) -> list[Mark]:
    """Return rehearsal marks."""
    marks: list[Mark] = []
    for section in score.sections:
        if section.tick < max(score.length_ticks, 1):
            direction, rehearsal = _direction("above", "rehearsal")
            rehearsal.text = section.label
            marks.append((section.tick, direction))
    return marks


def dynamic_marks(part: Part, bars: Sequence[Bar]) -> list[Mark]:
    """Return dynamics where a part's level changes and stays; none for a constant velocity."""
    velocity = part.notes["velocity"].astype(np.float64)
    if not len(velocity) or velocity.min() == velocity.max():
        return []
    starts = np.asarray([bar.start for bar in bars], dtype=np.int64)
    bar_of = np.searchsorted(starts, part.notes["onset"], side="right") - 1
    sounding = np.unique(bar_of)
    levels = [float(np.median(velocity[bar_of == bar])) for bar in sounding]
    marks: list[Mark] = []
    in_force: str | None = None
    for index, bar in enumerate(sounding):
        here = levels[index]
        ahead = levels[index + 1] if index + 1 < len(levels) else here
        if in_force is not None:
            centre = DYNAMIC_VELOCITIES[in_force]
            if abs(here - centre) < _DYNAMIC_STEP or abs(ahead - centre) < _DYNAMIC_STEP:
                continue
            if (here - centre) * (ahead - centre) < 0:
                continue
        name = dynamic_for((here + ahead) / 2)
        if name == in_force:
            continue
        in_force = name
        direction, dynamics = _direction("below", "dynamics")
        ET.SubElement(dynamics, name)
        loudness = number_text(DYNAMIC_VELOCITIES[name] / 0.9)
        ET.SubElement(direction, "sound", dynamics=loudness)
        marks.append((int(part.notes["onset"][bar_of == bar].min()), direction))
    return marks


_WORDS = {Articulation.PIZZICATO: "pizz.", Articulation.TREMOLO: "trem."}


def articulation_marks(part: Part) -> list[Mark]:
    """Return ``pizz.``, ``trem.`` and ``arco`` over the first note that each holds for."""
    rows = part.controls[part.controls["controller"] == ARTICULATION]
    marks: list[Mark] = []
    in_force = ""
    for row in np.sort(rows, order="tick"):
        place = int(np.searchsorted(part.notes["onset"], row["tick"]))
        value = int(row["value"])
        word = _WORDS.get(Articulation(value), "") if value in set(Articulation) else in_force
        if place == len(part.notes) or word == in_force:
            continue
        direction, words = _direction("above", "words")
        words.text = word or "arco"
        ET.SubElement(direction, "sound", pizzicato="yes" if word == "pizz." else "no")
        marks.append((int(part.notes["onset"][place]), direction))
        in_force = word
    return marks


def chord_marks(score: Score) -> list[Mark]:
    """Return chord symbols; a chord that stays is not repeated."""
    marks: list[Mark] = []
    previous: ChordSymbol | None = None
    for change in score.chords:
        if change.chord == previous or change.tick >= max(score.length_ticks, 1):
            continue
        if previous is None and change.chord.is_none:
            continue
        previous = change.chord
        marks.append((change.tick, harmony_element(change.chord)))
    return marks
