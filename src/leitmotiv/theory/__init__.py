"""Pitch, interval, key, chord and meter: immutable values, standard library only."""

from __future__ import annotations

from leitmotiv.theory.chord import ChordSymbol, parse_lead_sheet
from leitmotiv.theory.interval import Interval
from leitmotiv.theory.key import Key, Mode
from leitmotiv.theory.meter import TICKS_PER_QUARTER, Meter
from leitmotiv.theory.pitch import Spelling, parse_pitch, pitch_name, spell
from leitmotiv.theory.roman import chord_to_roman, roman_to_chord

__all__ = [
    "TICKS_PER_QUARTER",
    "ChordSymbol",
    "Interval",
    "Key",
    "Meter",
    "Mode",
    "Spelling",
    "chord_to_roman",
    "parse_lead_sheet",
    "parse_pitch",
    "pitch_name",
    "roman_to_chord",
    "spell",
]
