"""Key: a tonic and a mode.

Purpose: one immutable value for keys, their scales and signatures.

Conventions: a key signature is counted in fifths, sharps positive, -7 to 7. Minor means natural
minor; its raised sixth and seventh are the composer's business.

Public names: :class:`Key`, :class:`Mode`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from leitmotiv.errors import TheoryError
from leitmotiv.theory.pitch import Spelling

__all__ = ["Key", "Mode"]


class Mode(StrEnum):
    """A seven-note scale named by its tonic's place in the major scale."""

    MAJOR = "major"
    MINOR = "minor"
    DORIAN = "dorian"
    PHRYGIAN = "phrygian"
    LYDIAN = "lydian"
    MIXOLYDIAN = "mixolydian"
    LOCRIAN = "locrian"

    @property
    def is_minor_like(self) -> bool:
        """Whether the third above the tonic is minor."""
        return self in (Mode.MINOR, Mode.DORIAN, Mode.PHRYGIAN, Mode.LOCRIAN)


# Fifths of the tonic above the tonic of the major scale with the same signature.
_MODE_FIFTHS = {
    Mode.LYDIAN: -1,
    Mode.MAJOR: 0,
    Mode.MIXOLYDIAN: 1,
    Mode.DORIAN: 2,
    Mode.MINOR: 3,
    Mode.PHRYGIAN: 4,
    Mode.LOCRIAN: 5,
}
_MAJOR_SCALE_FIFTHS = (0, 2, 4, -1, 1, 3, 5)
_MODE_START = {  # scale degree (from 0) of the major scale on which each mode starts
    Mode.MAJOR: 0,
    Mode.DORIAN: 1,
    Mode.PHRYGIAN: 2,
    Mode.LYDIAN: 3,
    Mode.MIXOLYDIAN: 4,
    Mode.MINOR: 5,
    Mode.LOCRIAN: 6,
}
_MODE_NAMES = {
    "": Mode.MAJOR,
    "maj": Mode.MAJOR,
    "ionian": Mode.MAJOR,
    "dur": Mode.MAJOR,
    "m": Mode.MINOR,
    "min": Mode.MINOR,
    "aeolian": Mode.MINOR,
    "natural minor": Mode.MINOR,
    "harmonic minor": Mode.MINOR,
    "melodic minor": Mode.MINOR,
    "moll": Mode.MINOR,
    **{mode.value: mode for mode in Mode},
}
_SIGN_WORDS = (("sharp", "#"), ("flat", "b"))
_KEY_TEXT = re.compile(r"([A-Ga-g](?:bb?|##?|[♭♯])?)[\s_:-]*(.*)", re.DOTALL)
_GERMAN_TEXT = re.compile(r"([a-h])(isis|is|eses|es|ses|s)?[\s-]*(dur|moll)", re.IGNORECASE)


@dataclass(frozen=True, order=True)
class Key:
    """A tonic and a mode, within seven sharps or flats.

    Raises
    ------
    TheoryError
        If the signature would need more than seven sharps or flats.

    Examples
    --------
    >>> key = Key.parse("D minor")
    >>> str(key), key.fifths, key.scale
    ('D minor', -1, (2, 4, 5, 7, 9, 10, 0))
    >>> str(key.relative), str(key.parallel), str(key.transpose(1))
    ('F major', 'D major', 'Eb minor')
    """

    tonic: Spelling
    mode: Mode = Mode.MAJOR

    def __post_init__(self) -> None:
        if not isinstance(self.mode, Mode):
            object.__setattr__(self, "mode", _parse_mode(self.mode))
        if not -7 <= self.fifths <= 7:
            other = Spelling.nearest(self.tonic.pitch_class, _MODE_FIFTHS[self.mode])
            raise TheoryError(
                f"key {self.tonic} {self.mode} must have at most seven sharps or flats; "
                f"write {other} {self.mode}"
            )

    @classmethod
    def parse(cls, text: str) -> Key:
        """Read ``D minor``, ``Dm``, ``D``, ``F# dorian``, ``E-flat major`` or ``fis-moll``.

        A letter alone means major, whatever its case.
        """
        stripped = text.strip()
        german = _GERMAN_TEXT.fullmatch(stripped)
        if german is not None:
            return cls(_german_tonic(german[1], german[2]), _parse_mode(german[3]))
        for word, sign in _SIGN_WORDS:
            stripped = re.sub(rf"(?<=^[A-Ga-g])[\s-]*{word}\b", sign, stripped, flags=re.IGNORECASE)
        match = _KEY_TEXT.fullmatch(stripped)
        if match is None:
            raise TheoryError(f"key={text!r} must look like D minor, Eb or F# dorian")
        return cls(Spelling.parse(match[1]), _parse_mode(match[2]))

    @classmethod
    def from_fifths(cls, fifths: int, mode: Mode | str = Mode.MAJOR) -> Key:
        """Return the key with a signature, -7 (flats) to 7 (sharps), in a mode."""
        if not -7 <= fifths <= 7:
            raise TheoryError(f"fifths={fifths} of a key signature must be -7 to 7")
        mode = _parse_mode(mode)
        return cls(Spelling.from_fifths(fifths + _MODE_FIFTHS[mode]), mode)

    def __str__(self) -> str:
        return f"{self.tonic} {self.mode.value}"

    @property
    def fifths(self) -> int:
        """Key signature: sharps positive, flats negative."""
        return self.tonic.fifths - _MODE_FIFTHS[self.mode]

    @property
    def tonic_pitch_class(self) -> int:
        """Pitch class of the tonic, 0-11."""
        return self.tonic.pitch_class

    @property
    def spellings(self) -> tuple[Spelling, ...]:
        """The seven scale notes from the tonic, spelled."""
        start = _MODE_START[self.mode]
        places = _MAJOR_SCALE_FIFTHS[start:] + _MAJOR_SCALE_FIFTHS[:start]
        return tuple(Spelling.from_fifths(self.fifths + place) for place in places)

    @property
    def scale(self) -> tuple[int, ...]:
        """The seven pitch classes from the tonic."""
        return tuple(spelling.pitch_class for spelling in self.spellings)

    def degree_spelling(self, degree: int) -> Spelling:
        """Return the name of a scale degree, 1-7."""
        if not 1 <= degree <= 7:
            raise TheoryError(f"degree={degree} must be 1-7")
        return self.spellings[degree - 1]

    def degree_pitch_class(self, degree: int) -> int:
        """Return the pitch class of a scale degree, 1-7."""
        return self.degree_spelling(degree).pitch_class

    def transpose(self, semitones: int) -> Key:
        """Return the key some semitones away, spelled with the simplest signature."""
        if semitones % 12 == 0:
            return self
        return _simplest(self.tonic.pitch_class + semitones, self.mode, prefer=self.fifths)

    @property
    def relative(self) -> Key:
        """The minor key of the same signature; for minor-like modes the major key."""
        mode = Mode.MAJOR if self.mode.is_minor_like else Mode.MINOR
        return Key.from_fifths(self.fifths, mode)

    @property
    def parallel(self) -> Key:
        """The minor key on the same tonic (major for minor-like modes), respelled if need be."""
        mode = Mode.MAJOR if self.mode.is_minor_like else Mode.MINOR
        if -7 <= self.tonic.fifths - _MODE_FIFTHS[mode] <= 7:
            return Key(self.tonic, mode)
        return _simplest(self.tonic.pitch_class, mode, prefer=self.fifths)


def _simplest(pitch_class: int, mode: Mode, *, prefer: int) -> Key:
    """Return the key on a pitch class with the fewest accidentals; ties go to ``prefer``'s side."""
    major = (pitch_class % 12 * 7 - _MODE_FIFTHS[mode]) % 12
    signatures = [fifths for fifths in (major - 12, major) if -7 <= fifths <= 7]
    best = min(signatures, key=lambda fifths: (abs(fifths), fifths * prefer < 0, fifths))
    return Key.from_fifths(best, mode)


def _parse_mode(text: Mode | str) -> Mode:
    if isinstance(text, Mode):
        return text
    # "M" is major and "m" minor in lead sheets; every longer name ignores case.
    name = "maj" if text.strip() == "M" else " ".join(text.lower().split())
    mode = _MODE_NAMES.get(name)
    if mode is None:
        raise TheoryError(f"mode={text!r} must be one of " + ", ".join(m.value for m in Mode))
    return mode


def _german_tonic(letter: str, ending: str | None) -> Spelling:
    letter, ending = letter.upper(), (ending or "").lower()
    if letter == "H" and not ending.startswith("e"):
        letter = "B"
    elif letter == "B" and not ending:
        return Spelling("B", -1)
    alter = {"": 0, "is": 1, "isis": 2, "es": -1, "s": -1, "eses": -2, "ses": -2}[ending]
    return Spelling("B" if letter == "H" else letter, alter)
