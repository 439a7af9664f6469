"""Chord symbols as MusicXML ``harmony`` elements, there and back.

Conventions: Harte degrees count in the major scale of the root; MusicXML counts an added seventh
from the minor one. No chord is written as the words ``N.C.``.

Public names: :func:`harmony_chord`, :func:`harmony_element`.

References: *MusicXML 4.0*, W3C Community Group report, 2021, elements harmony, kind, degree.
"""

from __future__ import annotations

import contextlib
import xml.etree.ElementTree as ET

from leitmotiv.errors import TheoryError
from leitmotiv.score.musicxml_symbols import CHORD_KINDS
from leitmotiv.theory import ChordSymbol, Spelling, parse_lead_sheet

__all__ = ["NO_CHORD_WORDS", "harmony_chord", "harmony_element"]

NO_CHORD_WORDS = "N.C."

_QUALITY_OF_KIND = {kind: quality for quality, kind in CHORD_KINDS.items()}
_MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)


def harmony_element(chord: ChordSymbol) -> ET.Element:
    """Return the ``harmony`` element of a chord symbol; for no chord the words ``N.C.``

    >>> element = harmony_element(ChordSymbol.parse("D:min7/b3"))
    >>> [child.tag for child in element]
    ['root', 'kind', 'bass']
    """
    if chord.root is None:  # the kind "none" is legal, but not every program knows it
        direction = ET.Element("direction", placement="above")
        words = ET.SubElement(ET.SubElement(direction, "direction-type"), "words")
        words.text = NO_CHORD_WORDS
        return direction
    harmony = ET.Element("harmony", {"print-frame": "no"})
    _spelling(harmony, "root", chord.root)
    kind = CHORD_KINDS.get(chord.quality)
    added, omitted = list(chord.added), list(chord.omitted)
    if kind is None:  # root alone or a bare list of degrees: build on the triad
        kind = "major"
        added = [degree for degree in chord.degrees if degree not in ("1", "3", "5")]
        omitted = [degree for degree in ("3", "5") if degree not in chord.degrees]
    plain = ChordSymbol(chord.root, chord.quality, chord.added, chord.omitted)
    suffix = plain.lead_sheet[len(str(chord.root)) :]
    ET.SubElement(harmony, "kind", text=suffix).text = kind
    if chord.bass_degree != "1" and chord.bass is not None:
        _spelling(harmony, "bass", chord.bass)
    for degree, action in [(d, "add") for d in added] + [(d, "subtract") for d in omitted]:
        value = degree.lstrip("b#")
        alter = degree.count("#") - degree.count("b")
        # An added seventh counts from the minor one (element degree-alter).
        alter += 1 if value == "7" and action == "add" else 0
        element = ET.SubElement(harmony, "degree", {"print-object": "no"})
        ET.SubElement(element, "degree-value").text = value
        ET.SubElement(element, "degree-alter").text = str(alter)
        ET.SubElement(element, "degree-type").text = action
    return harmony


def _spelling(parent: ET.Element, name: str, spelling: Spelling) -> None:
    element = ET.SubElement(parent, name)
    ET.SubElement(element, f"{name}-step").text = spelling.step
    if spelling.alter:
        ET.SubElement(element, f"{name}-alter").text = str(spelling.alter)


def harmony_chord(harmony: ET.Element) -> ChordSymbol | None:
    """Return the chord that a ``harmony`` element names; None where it names none we know.

    >>> str(harmony_chord(harmony_element(ChordSymbol.parse("A:7(b9)/b7"))))
    'A:7(b9)/b7'
    """
    kind = harmony.find("kind")
    if kind is None:
        return None
    if (kind.text or "").strip() == "none":
        return ChordSymbol.NONE
    root = _read_spelling(harmony, "root")
    if root is None:
        return None
    bass = _read_spelling(harmony, "bass")
    bass_degree = "1" if bass is None else _degree(root, bass)
    with contextlib.suppress(TheoryError, ValueError):
        quality = _QUALITY_OF_KIND.get((kind.text or "").strip())
        if quality is None:  # Neapolitan, Tristan, other ...: the printed text may say more
            chord = parse_lead_sheet(f"{root}{kind.get('text', '')}")
            return chord.with_bass_degree(bass_degree)
        base = ChordSymbol(root, quality)
        added, omitted = _read_degrees(harmony, base)
        return ChordSymbol(root, quality, tuple(added), tuple(omitted), bass_degree)
    return None


def _read_spelling(harmony: ET.Element, name: str) -> Spelling | None:
    step = (harmony.findtext(f"{name}/{name}-step") or "").strip()
    try:
        return Spelling(step, round(float(harmony.findtext(f"{name}/{name}-alter") or 0)))
    except ValueError:  # TheoryError is one
        return None


def _read_degrees(harmony: ET.Element, base: ChordSymbol) -> tuple[list[str], list[str]]:
    added: list[str] = []
    omitted: list[str] = []
    for degree in harmony.iter("degree"):
        value = (degree.findtext("degree-value") or "").strip()
        alter = round(float(degree.findtext("degree-alter") or 0))
        action = (degree.findtext("degree-type") or "add").strip()
        in_base = [known for known in base.degrees if known.lstrip("b#") == value]
        if action in ("subtract", "alter"):
            omitted += in_base
        if action == "alter" and in_base:
            known = in_base[0]
            added.append(_degree_text(value, alter + known.count("#") - known.count("b")))
        elif action in ("add", "alter"):
            added.append(_degree_text(value, alter - (value == "7")))
    return added, omitted


def _degree_text(value: str, alter: int) -> str:
    return ("b" * -alter if alter < 0 else "#" * alter) + value


def _degree(root: Spelling, note: Spelling) -> str:
    """Return the Harte degree of a note above a root."""
    steps = "CDEFGAB"
    number = (steps.index(note.step) - steps.index(root.step)) % 7
    alter = (note.pitch_class - root.pitch_class - _MAJOR_SCALE[number] + 6) % 12 - 6
    return _degree_text(str(number + 1), alter)
