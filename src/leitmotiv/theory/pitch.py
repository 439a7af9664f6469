"""Pitch: note names, spellings and the line of fifths.

Purpose: move between MIDI pitches and the names a musician writes.

Conventions:

- MIDI 60 is C4. A pitch class is 0-11, C = 0.
- The *line of fifths* orders spellings ... Bb F C G D ... with C = 0, G = 1, F = -1; it is how
  enharmonic names are told apart.

Public names: :class:`Spelling`, :func:`parse_pitch`, :func:`pitch_name`, :func:`spell`.

References
----------
D. Temperley, *The Cognition of Basic Musical Structures*, MIT Press 2001, chapter 5 (pitch
spelling as closeness on the line of fifths).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leitmotiv.errors import TheoryError

if TYPE_CHECKING:
    from leitmotiv.theory.chord import ChordSymbol
    from leitmotiv.theory.key import Key

__all__ = ["Spelling", "parse_pitch", "pitch_name", "spell"]

_STEPS_BY_FIFTHS = "FCGDAEB"
_STEP_PITCH_CLASS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_MIN_FIFTHS, _MAX_FIFTHS = -15, 19  # Fbb and B##
_ALTER_TEXT = {-2: "bb", -1: "b", 0: "", 1: "#", 2: "##"}
_SIGNS = str.maketrans({"♭": "b", "♯": "#", "𝄫": "bb", "𝄪": "##", "x": "##", "♮": ""})
_SPELLING_TEXT = re.compile(r"([A-Ga-g])(bb?|##?)?")
_PITCH_TEXT = re.compile(r"([A-Ga-g])(bb?|##?)?(-?\d+)")
_C_MAJOR_CENTRE = 2.25


@dataclass(frozen=True, order=True)
class Spelling:
    """A note name without octave.

    ``step`` is the letter A-G, ``alter`` the accidental in semitones, -2 (double flat) to 2.

    Raises
    ------
    TheoryError
        If step or alter is out of range.

    Examples
    --------
    >>> str(Spelling.parse("E♭")), Spelling("E", -1).pitch_class, Spelling("E", -1).fifths
    ('Eb', 3, -3)
    """

    step: str
    alter: int = 0

    def __post_init__(self) -> None:
        if self.step not in _STEP_PITCH_CLASS:
            raise TheoryError(f"step={self.step!r} must be one of A, B, C, D, E, F, G")
        if self.alter not in _ALTER_TEXT:
            raise TheoryError(f"alter={self.alter} must be -2 to 2 semitones")

    @classmethod
    def parse(cls, text: str) -> Spelling:
        """Read a name such as ``Eb``, ``F#``, ``B♭`` or ``Fx``."""
        match = _SPELLING_TEXT.fullmatch(text.strip().translate(_SIGNS))
        if match is None:
            raise TheoryError(f"note name {text!r} must be a letter A-G with up to two of # or b")
        return cls(match[1].upper(), _alter(match[2]))

    @classmethod
    def from_fifths(cls, fifths: int) -> Spelling:
        """Return the spelling at a place on the line of fifths, -15 (Fbb) to 19 (B##)."""
        if not _MIN_FIFTHS <= fifths <= _MAX_FIFTHS:
            raise TheoryError(
                f"fifths={fifths} must be {_MIN_FIFTHS} (Fbb) to {_MAX_FIFTHS} (B##); "
                "respell the note enharmonically"
            )
        alter, index = divmod(fifths + 1, 7)
        return cls(_STEPS_BY_FIFTHS[index], alter)

    @classmethod
    def nearest(cls, pitch_class: int, centre_fifths: float = _C_MAJOR_CENTRE) -> Spelling:
        """Return the spelling of a pitch class nearest to a place on the line of fifths."""
        first = pitch_class * 7 % 12
        steps = round((centre_fifths - first) / 12)
        candidates = (first + 12 * (steps + shift) for shift in (-1, 0, 1))
        legal = [fifths for fifths in candidates if _MIN_FIFTHS <= fifths <= _MAX_FIFTHS]
        return cls.from_fifths(min(legal, key=lambda f: (abs(f - centre_fifths), -f)))

    def __str__(self) -> str:
        return self.step + _ALTER_TEXT[self.alter]

    @property
    def pitch_class(self) -> int:
        """Pitch class 0-11, C = 0."""
        return (_STEP_PITCH_CLASS[self.step] + self.alter) % 12

    @property
    def fifths(self) -> int:
        """Place on the line of fifths: C = 0, G = 1, F = -1."""
        return _STEPS_BY_FIFTHS.index(self.step) - 1 + 7 * self.alter

    def pitch(self, octave: int) -> int:
        """Return the MIDI pitch of this name in an octave; may leave 0-127.

        >>> Spelling("C", -1).pitch(4)
        59
        """
        return 12 * (octave + 1) + _STEP_PITCH_CLASS[self.step] + self.alter


def _alter(text: str | None) -> int:
    if not text:
        return 0
    return len(text) if text[0] == "#" else -len(text)


def parse_pitch(text: str) -> int:
    """Return the MIDI pitch of a name with octave, C4 = 60.

    Raises
    ------
    TheoryError
        If the text is no pitch name or leaves MIDI 0-127.

    Examples
    --------
    >>> parse_pitch("Eb4"), parse_pitch("B#3"), parse_pitch("C-1")
    (63, 60, 0)
    """
    match = _PITCH_TEXT.fullmatch(text.strip().translate(_SIGNS))
    if match is None:
        raise TheoryError(f"pitch {text!r} must look like C4, Eb4 or F#3")
    pitch = Spelling(match[1].upper(), _alter(match[2])).pitch(int(match[3]))
    if not 0 <= pitch <= 127:
        raise TheoryError(f"pitch {text!r} must lie in MIDI 0-127 (C-1 to G9), not {pitch}")
    return pitch


def _key_centre(key: Key) -> float:
    # Diatonic notes span fifths-1 .. fifths+5; minor leans sharp for its raised 6th and 7th.
    # The quarter breaks ties towards sharps: G# (leading to A) over Ab in C major.
    return key.fifths + (3.25 if key.mode == "minor" else 2.25)


def spell(
    midi: int, key: Key | None = None, chord: ChordSymbol | None = None
) -> tuple[Spelling, int]:
    """Spell a MIDI pitch for a key and a chord.

    A chord tone takes the name it has in the chord; any other pitch the name nearest to the
    key on the line of fifths (to the chord's root without a key, to C major without either).

    Parameters
    ----------
    midi : int
        MIDI pitch, 0-127.

    Returns
    -------
    (Spelling, int)
        Name and octave; B#3 and Cb4 carry the octave of their letter.

    Raises
    ------
    TheoryError
        If the pitch is outside 0-127.

    Examples
    --------
    >>> from leitmotiv.theory import ChordSymbol, Key
    >>> str(spell(68, Key.parse("A minor"))[0]), str(spell(68, Key.parse("Eb"))[0])
    ('G#', 'Ab')
    >>> str(spell(68, Key.parse("C"), ChordSymbol.parse("F:min"))[0])
    'Ab'
    """
    if not 0 <= midi <= 127:
        raise TheoryError(f"pitch={midi} must be 0-127")
    spelling = None
    centre = _C_MAJOR_CENTRE if key is None else _key_centre(key)
    if chord is not None and chord.root is not None:
        spelling = chord.spelling_of(midi % 12)
        if key is None:
            centre = chord.root.fifths + 1.25
    if spelling is None:
        spelling = Spelling.nearest(midi % 12, centre)
    return spelling, (midi - _STEP_PITCH_CLASS[spelling.step] - spelling.alter) // 12 - 1


def pitch_name(midi: int, key: Key | None = None) -> str:
    """Return the name of a MIDI pitch with octave, spelled for a key.

    >>> from leitmotiv.theory import Key
    >>> pitch_name(63, Key.parse("Bb")), pitch_name(60)
    ('Eb4', 'C4')
    """
    spelling, octave = spell(midi, key)
    return f"{spelling}{octave}"
