"""MusicXML out.

Purpose: write a Score so that a notation program opens it as a page a musician can read.

Conventions:

- MusicXML 4.0 partwise, 480 divisions a quarter, concert pitch.
- Keyboards and harps get two staves where both hands play; drum parts a percussion staff with
  hands in voice 1 and feet in voice 2; voices of the second staff count from 5.
- What the page cannot show is still there to be read back: the velocity of every note
  (``dynamics``, percent of 90), every tempo (``sound``).

Public names: :func:`musicxml_bytes`, :func:`write_musicxml`.

References: *MusicXML 4.0*, W3C Community Group report, 2021.
"""

from __future__ import annotations

import os
import re
import xml.etree.ElementTree as ET
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from leitmotiv import __version__
from leitmotiv.score.atomic import write_bytes_atomically
from leitmotiv.score.engraving import CLEF_SIGNS, Accidentals, Speller, choose_clefs
from leitmotiv.score.general_midi import DRUM_NAMES, GM_INSTRUMENTS
from leitmotiv.score.musicxml_marks import (
    Mark,
    articulation_marks,
    chord_marks,
    dynamic_marks,
    number_text,
    section_marks,
    tempo_marks,
)
from leitmotiv.score.musicxml_symbols import drum_place
from leitmotiv.score.notation import (
    MAX_VOICES,
    Bar,
    Event,
    Head,
    Staff,
    notate_bars,
    notate_staff,
    split_hands,
)
from leitmotiv.score.page_layout import write_page_layout
from leitmotiv.score.score import Part, Score
from leitmotiv.theory import TICKS_PER_QUARTER, Key, Mode, Spelling

__all__ = ["musicxml_bytes", "write_musicxml"]

_HEAD = (
    '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\n'
    '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 4.0 Partwise//EN" '
    '"http://www.musicxml.org/dtds/partwise.dtd">\n'
)
_GROUPED_FAMILIES = {"strings", "brass", "reed", "pipe", "ensemble"}
_TWO_HANDED_FAMILIES = {"piano", "chromatic percussion", "organ"}
_HARP = 46
_HAND = re.compile(r"\b(?:(?:right|left)\s+hand|[rl]\.?h\.?)(?=\s|$)", re.IGNORECASE)
_VOICE_PROGRAMS = {52, 53, 54}
_MIN_HAND_SHARE = 0.02  # fewer notes than this are ledger lines, not a second staff
_ABBREVIATIONS = {
    "violin": "Vln.", "violine": "Vl.", "viola": "Vla.", "cello": "Vc.", "violoncello": "Vc.",
    "contrabass": "Cb.", "flute": "Fl.", "piccolo": "Picc.", "oboe": "Ob.", "clarinet": "Cl.",
    "bassoon": "Bsn.", "horn": "Hn.", "trumpet": "Tpt.", "trombone": "Tbn.", "tuba": "Tba.",
    "piano": "Pno.", "pianoforte": "Pno.", "guitar": "Gtr.", "harp": "Hp.", "organ": "Org.",
    "soprano": "S.", "alto": "A.", "tenor": "T.", "bass": "B.", "voice": "V.", "sax": "Sax.",
    "saxophone": "Sax.", "strings": "Str.", "choir": "Ch.", "drums": "Dr.", "kit": "Dr.",
}  # fmt: skip
_FORTE_VELOCITY = 90  # MusicXML counts note dynamics in percent of this


@dataclass
class _PartLayout:
    """What the header and the bars of one part need to know."""

    part: Part
    identifier: str
    staves: list[Staff]
    clefs: list[list[str]]
    marks: list[Mark]
    drum_keys: list[int] = field(default_factory=list)
    accidentals: list[Accidentals] = field(default_factory=list)
    last_names: dict[tuple[int, int], tuple[Spelling, int]] = field(default_factory=dict)


def write_musicxml(
    score: Score,
    path: str | os.PathLike[str],
    *,
    software: str = f"Leitmotiv {__version__}",
    composer: str = "",
    rights: str = "",
    notes: Mapping[str, str] | None = None,
) -> None:
    """Write a Score as MusicXML, whole or not at all.

    Parameters
    ----------
    score : Score
        Any Score. Where its notes are not on a grid, the page shows them snapped.
    path : path
        Target (``.musicxml``); an existing file is replaced.
    software : str
        Name for the identification block.
    composer, rights : str
        Lines for the identification block; left out when empty.
    notes : mapping of str to str, optional
        Further fields of the identification block, such as the mark that a machine wrote the
        piece.

    Raises
    ------
    ScoreError
        If the file cannot be written.
    """
    data = musicxml_bytes(score, software=software, composer=composer, rights=rights, notes=notes)
    write_bytes_atomically(path, data)


def musicxml_bytes(
    score: Score,
    *,
    software: str = f"Leitmotiv {__version__}",
    composer: str = "",
    rights: str = "",
    notes: Mapping[str, str] | None = None,
) -> bytes:
    """Return the bytes that :func:`write_musicxml` writes."""
    bars = notate_bars(score)
    speller = Speller(score)
    layouts = [_lay_out(score, index, bars) for index in range(len(score.parts))]
    if not layouts:
        layouts = [_lay_out_part(Part("Music"), 0, bars, is_paired=False)]
    shared = [*tempo_marks(score), *section_marks(score)]
    layouts[0].marks = _in_order([*shared, *chord_marks(score), *layouts[0].marks])

    root = ET.Element("score-partwise", version="4.0")
    if score.title:
        ET.SubElement(ET.SubElement(root, "work"), "work-title").text = _clean(score.title)
    _write_identification(root, software, composer, rights, notes or {})
    write_page_layout(root, sum(len(layout.staves) for layout in layouts))
    _write_part_list(root, layouts)
    section_ticks = {section.tick for section in score.sections if section.tick}
    for layout in layouts:
        element = ET.SubElement(root, "part", id=layout.identifier)
        _write_part(element, layout, bars, speller, section_ticks)
    ET.indent(root, " ")
    return (_HEAD + ET.tostring(root, encoding="unicode") + "\n").encode("utf-8")


def _in_order(marks: list[Mark]) -> list[Mark]:
    return sorted(marks, key=lambda mark: mark[0])


def _clean(text: str) -> str:
    """Drop control characters, which XML forbids."""
    return "".join(char for char in text if char >= " " and char not in "\ufffe\uffff").strip()


# --- header ----------------------------------------------------------------------------------


def _write_identification(
    root: ET.Element, software: str, composer: str, rights: str, notes: Mapping[str, str]
) -> None:
    identification = ET.SubElement(root, "identification")
    if composer:
        ET.SubElement(identification, "creator", type="composer").text = _clean(composer)
    if rights:
        ET.SubElement(identification, "rights").text = _clean(rights)
    encoding = ET.SubElement(identification, "encoding")
    ET.SubElement(encoding, "software").text = _clean(software)
    for feature in ("accidental", "beam"):
        ET.SubElement(encoding, "supports", element=feature, type="yes")
    if notes:
        miscellaneous = ET.SubElement(identification, "miscellaneous")
        for name, value in notes.items():
            field_element = ET.SubElement(miscellaneous, "miscellaneous-field", name=_clean(name))
            field_element.text = _clean(value)


def _write_part_list(root: ET.Element, layouts: Sequence[_PartLayout]) -> None:
    part_list = ET.SubElement(root, "part-list")
    groups = _groups(layouts)
    for index, layout in enumerate(layouts):
        for number, (first, _, symbol) in enumerate(groups, start=1):
            if first == index:
                group = ET.SubElement(part_list, "part-group", type="start", number=str(number))
                ET.SubElement(group, "group-symbol").text = symbol
                # Bar lines stay clear of the words between staves of singers.
                joined = _group_kind(layout) != "voices"
                ET.SubElement(group, "group-barline").text = "yes" if joined else "no"
        _write_score_part(part_list, layout, index)
        for number, (_, last, _) in enumerate(groups, start=1):
            if last == index:
                ET.SubElement(part_list, "part-group", type="stop", number=str(number))


def _groups(layouts: Sequence[_PartLayout]) -> list[tuple[int, int, str]]:
    """Return (first, last, symbol) of neighbours that belong under one bracket or brace."""
    groups = []
    first = 0
    kinds = [_group_kind(layout) for layout in layouts]
    for index in range(1, len(layouts) + 1):
        if index == len(layouts) or kinds[index] != kinds[first]:
            if kinds[first] is not None and index - first >= 2:
                symbol = "brace" if str(kinds[first]).startswith("keys") else "bracket"
                groups.append((first, index - 1, symbol))
            first = index
    return groups


def _group_kind(layout: _PartLayout) -> str | None:
    if layout.part.is_drum:
        return None
    instrument = GM_INSTRUMENTS[layout.part.program]
    if instrument.program in _VOICE_PROGRAMS:
        return "voices"
    if instrument.family in _TWO_HANDED_FAMILIES:
        return f"keys {layout.part.program}" if len(layout.staves) == 1 else None
    return instrument.family if instrument.family in _GROUPED_FAMILIES else None


def _write_score_part(part_list: ET.Element, layout: _PartLayout, index: int) -> None:
    part = layout.part
    element = ET.SubElement(part_list, "score-part", id=layout.identifier)
    name = _clean(part.name) or f"Part {index + 1}"
    ET.SubElement(element, "part-name").text = name
    abbreviation = name if len(name) <= 4 else _abbreviate(name)
    ET.SubElement(element, "part-abbreviation").text = abbreviation
    channel = 10 if part.is_drum else [c for c in range(1, 17) if c != 10][index % 15]
    keys: list[int | None] = [*layout.drum_keys] if part.is_drum else [None]
    for key in keys:
        instrument = ET.SubElement(element, "score-instrument", id=_instrument_id(layout, key))
        label = GM_INSTRUMENTS[part.program].name if key is None else _drum_name(key)
        ET.SubElement(instrument, "instrument-name").text = label
    for key in keys:
        midi = ET.SubElement(element, "midi-instrument", id=_instrument_id(layout, key))
        ET.SubElement(midi, "midi-channel").text = str(channel)
        ET.SubElement(midi, "midi-program").text = str(part.program + 1)
        if key is not None:
            ET.SubElement(midi, "midi-unpitched").text = str(key + 1)


def _abbreviate(name: str) -> str:
    """Shorten a part name as scores do.

    >>> _abbreviate("Violin 2"), _abbreviate("Acoustic Grand Piano")
    ('Vln. 2', 'Pno.')
    """
    words = [word.strip("()[].,") for word in name.split()]
    for word in reversed(words):
        known = _ABBREVIATIONS.get(word.lower())
        if known:
            number = words[-1] if words[-1].isdigit() or set(words[-1]) <= set("IV") else ""
            return f"{known} {number}".strip()
    short = [word if len(word) <= 4 else word[:3] + "." for word in words[:2] if word]
    return " ".join(short)


def _drum_name(key: int) -> str:
    return DRUM_NAMES.get(key, f"Drum {key}")


def _instrument_id(layout: _PartLayout, drum_key: int | None) -> str:
    return f"{layout.identifier}-I{1 if drum_key is None else drum_key + 1}"


# --- layout ----------------------------------------------------------------------------------


def _player(part: Part) -> str:
    """Whose part this is, whichever hand: "Piano right hand" is the piano's."""
    return _HAND.sub("", part.name).strip().lower()


def _lay_out(score: Score, index: int, bars: Sequence[Bar]) -> _PartLayout:
    part = score.parts[index]
    neighbours = [score.parts[i] for i in (index - 1, index + 1) if 0 <= i < len(score.parts)]
    is_paired = any(
        (_player(other), other.program, other.is_drum)
        == (_player(part), part.program, part.is_drum)
        for other in neighbours
    )
    return _lay_out_part(part, index, bars, is_paired=is_paired)


def _lay_out_part(part: Part, index: int, bars: Sequence[Bar], *, is_paired: bool) -> _PartLayout:
    """Write the staves of a part and choose their clefs.

    ``is_paired``: the part stands beside another of the same player, as the two hands of a piano
    do that come as two tracks; then each keeps its own staff.
    """
    identifier = f"P{index + 1}"
    marks = [*dynamic_marks(part, bars), *articulation_marks(part)]
    if part.is_drum:
        voice_of = np.asarray([drum_place(p)[3] for p in part.notes["pitch"].tolist()], np.int64)
        staff = notate_staff(part.notes, bars, voice_of=voice_of)
        keys = sorted(set(part.notes["pitch"].tolist())) or [36]
        return _PartLayout(part, identifier, [staff], [["percussion"] * len(bars)], marks, keys)
    usual = GM_INSTRUMENTS[part.program].clef
    groups = [part.notes]
    if len(part.notes) and usual == "grand" and not is_paired and _needs_two_staves(part):
        hands = split_hands(part.notes)
        if _MIN_HAND_SHARE < hands.mean() < 1 - _MIN_HAND_SHARE:
            groups = [part.notes[hands == 0], part.notes[hands == 1]]
    staves = [notate_staff(group, bars) for group in groups]
    if len(staves) == 2:
        usuals = ["treble", "bass"]
    elif usual == "grand":
        is_low = len(part.notes) and np.median(part.notes["pitch"]) < 59
        usuals = ["bass" if is_low else "treble"]
    else:
        usuals = [_fitting_clef(part, usual)]
    clefs = [
        choose_clefs([_pitches(voices) for voices in staff.bars], name)
        for staff, name in zip(staves, usuals, strict=False)
    ]
    return _PartLayout(part, identifier, staves, clefs, marks)


def _needs_two_staves(part: Part) -> bool:
    """Whether a part is played with two hands, or spreads as wide as if it were."""
    if GM_INSTRUMENTS[part.program].family in _TWO_HANDED_FAMILIES or part.program == _HARP:
        return True
    low, high = np.percentile(part.notes["pitch"], [10, 90])
    return bool(low < 53 and high > 67)


def _fitting_clef(part: Part, usual: str) -> str:
    """Leave an instrument's clef where the part lies far outside it, as borrowed names do."""
    if not len(part.notes):
        return usual
    median = float(np.median(part.notes["pitch"]))
    if usual == "treble" and median < 55:
        return "bass"
    if usual in ("bass", "bass-8") and median > 62:
        return "treble"
    return usual


def _pitches(voices: Sequence[Sequence[Event]]) -> list[int]:
    return [head.pitch for voice in voices for event in voice for head in event.heads]


# --- bars --------------------------------------------------------------------------------------


def _write_part(
    element: ET.Element,
    layout: _PartLayout,
    bars: Sequence[Bar],
    speller: Speller,
    section_ticks: set[int],
) -> None:
    layout.accidentals = [Accidentals() for _ in layout.staves]
    shown_key: Key | None = None
    marks = layout.marks
    next_mark = 0
    shift = 0 if bars[0].is_upbeat else 1
    for bar in bars:
        measure = ET.SubElement(element, "measure", number=str(bar.index + shift))
        is_cut = bar.length < bar.meter.bar_ticks
        if is_cut and (bar.is_upbeat or bar.index + 1 < len(bars)):
            measure.set("implicit", "yes")
        key = speller.key_at(bar.start)
        _write_attributes(measure, layout, bars, bar, key if key != shown_key else None)
        shown_key = key
        for accidentals in layout.accidentals:
            accidentals.start_bar(key)
        stop = next_mark
        while stop < len(marks) and (marks[stop][0] < bar.end or bar is bars[-1]):
            stop += 1
        _write_bar(measure, layout, bar, speller, marks[next_mark:stop])
        next_mark = stop
        if bar is bars[-1] or bar.end in section_ticks:
            barline = ET.SubElement(measure, "barline", location="right")
            style = "light-heavy" if bar is bars[-1] else "light-light"
            ET.SubElement(barline, "bar-style").text = style


def _write_attributes(
    measure: ET.Element, layout: _PartLayout, bars: Sequence[Bar], bar: Bar, key: Key | None
) -> None:
    previous = bars[bar.index - 1] if bar.index else None
    attributes = ET.Element("attributes")
    if previous is None:
        ET.SubElement(attributes, "divisions").text = str(TICKS_PER_QUARTER)
    if key is not None and not layout.part.is_drum:
        element = ET.SubElement(attributes, "key")
        ET.SubElement(element, "fifths").text = str(key.fifths)
        if key.mode in (Mode.MAJOR, Mode.MINOR):
            ET.SubElement(element, "mode").text = key.mode.value
        else:  # MuseScore 3 calls church modes an error: the signature speaks, the id remembers
            element.set("id", f"{key.mode.value}-{layout.identifier}-{bar.index + 1}")
    if previous is None or previous.meter != bar.meter:
        element = ET.SubElement(attributes, "time")
        beats, _, beat_type = str(bar.meter).partition("/")
        ET.SubElement(element, "beats").text = beats
        ET.SubElement(element, "beat-type").text = beat_type
    if previous is None and len(layout.staves) > 1:
        ET.SubElement(attributes, "staves").text = str(len(layout.staves))
    for number, clefs in enumerate(layout.clefs, start=1):
        name = clefs[bar.index]
        if previous is None or clefs[previous.index] != name:
            sign, line, octave = CLEF_SIGNS[name]
            clef = ET.SubElement(attributes, "clef")
            if len(layout.staves) > 1:
                clef.set("number", str(number))
            ET.SubElement(clef, "sign").text = sign
            ET.SubElement(clef, "line").text = str(line)
            if octave:
                ET.SubElement(clef, "clef-octave-change").text = str(octave)
    if len(attributes):
        measure.append(attributes)


def _write_bar(
    measure: ET.Element, layout: _PartLayout, bar: Bar, speller: Speller, marks: list[Mark]
) -> None:
    written: set[int] = set()
    is_first_voice = True
    for staff_index, staff in enumerate(layout.staves):
        voices = staff.bars[bar.index]
        names = _name_heads(layout, staff_index, voices, speller)
        for voice_index, voice in enumerate(voices):
            if all(event.is_hidden for event in voice):
                continue
            if not is_first_voice:
                _step(measure, "backup", bar.length)
            number = staff_index * MAX_VOICES + voice_index + 1
            for event in voice:
                if is_first_voice:
                    _write_marks(measure, layout, marks, written, event)
                _write_event(measure, layout, event, number, staff_index, names)
            is_first_voice = False


def _write_marks(
    measure: ET.Element, layout: _PartLayout, marks: list[Mark], written: set[int], event: Event
) -> None:
    """Write the marks that stand at or inside an event, those inside with an offset."""
    for index, (tick, element) in enumerate(marks):
        if index in written or tick >= event.end:
            continue
        written.add(index)
        offset = max(tick - event.start, 0)
        if offset:
            _insert_before_sound(element, "offset", str(offset))
        if len(layout.staves) > 1 and element.tag != "sound":
            _insert_before_sound(element, "staff", "1")
        measure.append(element)


def _insert_before_sound(element: ET.Element, tag: str, text: str) -> None:
    children = [child.tag for child in element]
    node = ET.Element(tag)
    node.text = text
    element.insert(children.index("sound") if "sound" in children else len(element), node)


def _step(measure: ET.Element, direction: str, ticks: int) -> ET.Element:
    element = ET.SubElement(measure, direction)
    ET.SubElement(element, "duration").text = str(ticks)
    return element


def _name_heads(
    layout: _PartLayout, staff_index: int, voices: Sequence[Sequence[Event]], speller: Speller
) -> dict[tuple[int, int], tuple[Spelling, int, str | None]]:
    """Spell every head of a staff's bar in the order of time, across its voices."""
    names: dict[tuple[int, int], tuple[Spelling, int, str | None]] = {}
    if layout.part.is_drum:
        return names
    events = sorted((e for voice in voices for e in voice if e.heads), key=lambda e: e.start)
    for event in events:
        for head in event.heads:
            place = (staff_index, head.pitch)
            if event.tied_from and place in layout.last_names:
                spelling, octave = layout.last_names[place]
            else:
                spelling, octave = speller.spell(head.pitch, event.start)
            layout.last_names[place] = (spelling, octave)
            sign = layout.accidentals[staff_index].sign(spelling, octave, is_tied=event.tied_from)
            names[id(event), head.pitch] = (spelling, octave, sign)
    return names


def _write_event(
    measure: ET.Element,
    layout: _PartLayout,
    event: Event,
    voice: int,
    staff_index: int,
    names: Mapping[tuple[int, int], tuple[Spelling, int, str | None]],
) -> None:
    staff = str(staff_index + 1) if len(layout.staves) > 1 else None
    if event.is_hidden:
        forward = _step(measure, "forward", event.duration)
        ET.SubElement(forward, "voice").text = str(voice)
        if staff:
            ET.SubElement(forward, "staff").text = staff
        return
    heads: Sequence[Head | None] = event.heads or (None,)
    for index, head in enumerate(heads):
        note = ET.SubElement(measure, "note")
        sign = None
        if head is None:
            rest = ET.SubElement(note, "rest")
            if event.value is None:
                rest.set("measure", "yes")
        else:
            note.set("dynamics", number_text(100 * head.velocity / _FORTE_VELOCITY))
            if index:
                ET.SubElement(note, "chord")
            sign = _write_pitch(note, layout, head, names.get((id(event), head.pitch)))
        ET.SubElement(note, "duration").text = str(event.duration)
        if head is not None:
            for is_tied, kind in ((event.tied_from, "stop"), (event.tied_to, "start")):
                if is_tied and not layout.part.is_drum:
                    ET.SubElement(note, "tie", type=kind)
            if layout.part.is_drum:
                ET.SubElement(note, "instrument", id=_instrument_id(layout, head.pitch))
        ET.SubElement(note, "voice").text = str(voice)
        _write_value(note, event, sign)
        if head is not None and layout.part.is_drum:
            ET.SubElement(note, "stem").text = "down" if drum_place(head.pitch)[3] else "up"
            shape = drum_place(head.pitch)[2]
            if shape != "normal":
                ET.SubElement(note, "notehead").text = shape
        if staff:
            ET.SubElement(note, "staff").text = staff
        if index == 0:
            for level, mark in enumerate(event.beams, start=1):
                ET.SubElement(note, "beam", number=str(level)).text = mark
        _write_notations(note, event, head, is_first=index == 0, is_drum=layout.part.is_drum)


def _write_pitch(
    note: ET.Element,
    layout: _PartLayout,
    head: Head,
    name: tuple[Spelling, int, str | None] | None,
) -> str | None:
    """Write pitch or drum place; return the accidental to print."""
    if layout.part.is_drum or name is None:
        step, octave, _, _ = drum_place(head.pitch)
        unpitched = ET.SubElement(note, "unpitched")
        ET.SubElement(unpitched, "display-step").text = step
        ET.SubElement(unpitched, "display-octave").text = str(octave)
        return None
    spelling, octave, sign = name
    pitch = ET.SubElement(note, "pitch")
    ET.SubElement(pitch, "step").text = spelling.step
    if spelling.alter:
        ET.SubElement(pitch, "alter").text = str(spelling.alter)
    ET.SubElement(pitch, "octave").text = str(octave)
    return sign


def _write_value(note: ET.Element, event: Event, sign: str | None) -> None:
    if event.value is not None:
        ET.SubElement(note, "type").text = event.value.type_name
        for _ in range(event.value.dots):
            ET.SubElement(note, "dot")
    if sign is not None:
        ET.SubElement(note, "accidental").text = sign
    if event.tuplet is not None:
        modification = ET.SubElement(note, "time-modification")
        ET.SubElement(modification, "actual-notes").text = str(event.tuplet.actual)
        ET.SubElement(modification, "normal-notes").text = str(event.tuplet.normal)
        if event.value is not None and event.value != event.tuplet.unit_value:
            ET.SubElement(modification, "normal-type").text = event.tuplet.unit_value.type_name


def _write_notations(
    note: ET.Element, event: Event, head: Head | None, *, is_first: bool, is_drum: bool
) -> None:
    notations = ET.Element("notations")
    if head is not None and not is_drum:
        for is_tied, kind in ((event.tied_from, "stop"), (event.tied_to, "start")):
            if is_tied:
                ET.SubElement(notations, "tied", type=kind)
    if is_first:
        if event.starts_tuplet:
            bracket = "no" if len(event.beams) and event.beams[0] == "begin" else "yes"
            ET.SubElement(notations, "tuplet", type="start", number="1", bracket=bracket)
        if event.ends_tuplet:
            ET.SubElement(notations, "tuplet", type="stop", number="1")
    if len(notations):
        note.append(notations)
