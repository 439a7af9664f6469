"""Which instruments the neural model learns, and how each is played.

Conventions: MIDI pitches of the compass, both ends included; ``programs`` are the General MIDI
programs that an instrument stands for, ``bank_program`` the preset of the bank that is recorded.
An instrument without a bank program is made of recordings of single notes.

Public names: :class:`Instrument`, :data:`INSTRUMENTS`, :data:`FAMILIES`, :data:`SOURCES`,
:func:`instrument_named`.

References: J. Engel et al., *Neural Audio Synthesis of Musical Notes with WaveNet Autoencoders*,
2017 (families and sources of NSynth).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from leitmotiv.errors import RenderError

__all__ = ["FAMILIES", "INSTRUMENTS", "SOURCES", "Instrument", "Kind", "instrument_named"]

FAMILIES = (
    "bass",
    "brass",
    "flute",
    "guitar",
    "keyboard",
    "mallet",
    "organ",
    "reed",
    "string",
    "synth_lead",
    "vocal",
)
SOURCES = ("acoustic", "electronic", "synthetic")

Kind = Literal["held", "plucked"]


@dataclass(frozen=True)
class Instrument:
    """One learned instrument.

    ``kind``: ``held`` tones last as long as the key is down, ``plucked`` ones die away (struck
    ones, too).
    """

    name: str
    family: str
    low: int
    high: int
    kind: Kind = "held"
    bank_program: int | None = None
    recording: str | None = None
    """Name of the instrument in the manifest of recordings."""
    source: str = "acoustic"


def _bank(
    program: int,
    name: str,
    family: str,
    low: int,
    high: int,
    kind: Kind = "held",
    source: str = "acoustic",
) -> Instrument:
    return Instrument(name, family, low, high, kind, program, None, source)


INSTRUMENTS: tuple[Instrument, ...] = (
    _bank(0, "grand piano", "keyboard", 24, 103, "plucked"),
    _bank(6, "harpsichord", "keyboard", 29, 89, "plucked"),
    _bank(7, "clavinet", "keyboard", 29, 88, "plucked", "electronic"),
    _bank(8, "celesta", "mallet", 60, 103, "plucked"),
    _bank(19, "church organ", "organ", 36, 91),
    _bank(21, "accordion", "organ", 48, 89),
    _bank(22, "harmonica", "organ", 55, 91),
    _bank(24, "nylon guitar", "guitar", 40, 83, "plucked"),
    _bank(25, "steel guitar", "guitar", 40, 84, "plucked"),
    _bank(26, "jazz guitar", "guitar", 40, 86, "plucked", "electronic"),
    _bank(27, "clean guitar", "guitar", 40, 86, "plucked", "electronic"),
    _bank(28, "muted guitar", "guitar", 40, 84, "plucked", "electronic"),
    _bank(32, "acoustic bass", "bass", 28, 60, "plucked"),
    _bank(33, "finger bass", "bass", 28, 60, "plucked", "electronic"),
    _bank(34, "picked bass", "bass", 28, 60, "plucked", "electronic"),
    _bank(35, "fretless bass", "bass", 28, 60, "plucked", "electronic"),
    _bank(36, "slap bass", "bass", 28, 60, "plucked", "electronic"),
    _bank(40, "violin", "string", 55, 100),
    _bank(41, "viola", "string", 48, 88),
    _bank(42, "cello", "string", 36, 79),
    _bank(43, "contrabass", "string", 28, 62),
    _bank(45, "pizzicato strings", "string", 30, 91, "plucked"),
    _bank(46, "harp", "string", 30, 98, "plucked"),
    _bank(48, "string section", "string", 33, 91),
    _bank(49, "slow strings", "string", 33, 91),
    _bank(52, "choir aahs", "vocal", 43, 84),
    _bank(53, "choir oohs", "vocal", 43, 84),
    _bank(56, "trumpet", "brass", 54, 87),
    _bank(57, "trombone", "brass", 36, 74),
    _bank(58, "tuba", "brass", 26, 60),
    _bank(59, "muted trumpet", "brass", 54, 86),
    _bank(60, "french horn", "brass", 36, 79),
    _bank(61, "brass section", "brass", 38, 86),
    _bank(64, "soprano saxophone", "reed", 56, 88),
    _bank(65, "alto saxophone", "reed", 49, 83),
    _bank(66, "tenor saxophone", "reed", 44, 78),
    _bank(67, "baritone saxophone", "reed", 36, 72),
    _bank(68, "oboe", "reed", 58, 91),
    _bank(69, "english horn", "reed", 52, 82),
    _bank(70, "bassoon", "reed", 34, 74),
    _bank(71, "clarinet", "reed", 50, 91),
    _bank(72, "piccolo", "flute", 74, 105),
    _bank(73, "flute", "flute", 60, 98),
    _bank(74, "recorder", "flute", 60, 96),
    _bank(75, "pan flute", "flute", 55, 96),
    _bank(79, "ocarina", "flute", 60, 92),
    _bank(104, "sitar", "guitar", 44, 84, "plucked"),
    _bank(105, "banjo", "guitar", 48, 86, "plucked"),
    _bank(106, "shamisen", "guitar", 48, 84, "plucked"),
    _bank(107, "koto", "guitar", 48, 88, "plucked"),
    _bank(110, "fiddle", "string", 55, 96),
    Instrument(
        "direct electric guitar",
        "guitar",
        37,
        86,
        "plucked",
        None,
        "electric guitar, clean",
        "electronic",
    ),
    Instrument("bowed double bass", "string", 24, 69, "held", None, "double bass, arco"),
    Instrument("plucked double bass", "bass", 24, 57, "plucked", None, "double bass, pizzicato"),
    Instrument("splendid piano", "keyboard", 23, 104, "plucked", None, "grand piano"),
    Instrument("zinc cello", "string", 21, 69, "held", None, "bowed string (zinc)"),
)
"""Order matters: it is the order of the rows in the table of latents."""


def instrument_named(name: str) -> Instrument:
    """Find an instrument.

    Raises
    ------
    RenderError
        If there is none of that name.
    """
    for instrument in INSTRUMENTS:
        if instrument.name == name:
            return instrument
    names = ", ".join(instrument.name for instrument in INSTRUMENTS)
    raise RenderError(f"instrument={name!r} is not known; choose one of {names}")
