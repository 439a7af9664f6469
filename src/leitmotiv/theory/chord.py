"""Chord symbols in the notation of Harte, and in lead-sheet text.

Purpose: one immutable value for every harmony in a plan or score.

Conventions:

- ``C:maj7/3`` is root, shorthand and bass degree; ``C:(3,5,b7)`` lists degrees; ``C:maj(9,*5)``
  adds and omits some. Degrees are counted in the major scale of the root, 1-13. ``N`` is no chord.
- Beyond Harte's list the shorthands ``5``, ``aug7``, ``maj11``, ``min11``, ``11``, ``maj13``,
  ``min13`` and ``13`` are read. A degree list that equals a shorthand becomes that shorthand.

Public names: :class:`ChordSymbol`, :func:`parse_lead_sheet`.

References
----------
C. Harte, M. Sandler, S. Abdallah and E. Gómez, "Symbolic representation of musical chords",
ISMIR 2005, section 4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import ClassVar

from leitmotiv.errors import TheoryError
from leitmotiv.theory.interval import Interval
from leitmotiv.theory.key import Key
from leitmotiv.theory.pitch import Spelling

__all__ = ["ChordSymbol", "parse_lead_sheet"]

_SHORTHANDS: dict[str, tuple[str, ...]] = {
    name: tuple(degrees.split())
    for name, degrees in {
        "maj": "1 3 5",
        "min": "1 b3 5",
        "dim": "1 b3 b5",
        "aug": "1 3 #5",
        "sus2": "1 2 5",
        "sus4": "1 4 5",
        "5": "1 5",
        "1": "1",
        "maj7": "1 3 5 7",
        "min7": "1 b3 5 b7",
        "7": "1 3 5 b7",
        "dim7": "1 b3 b5 bb7",
        "hdim7": "1 b3 b5 b7",
        "minmaj7": "1 b3 5 7",
        "aug7": "1 3 #5 b7",
        "maj6": "1 3 5 6",
        "min6": "1 b3 5 6",
        "9": "1 3 5 b7 9",
        "maj9": "1 3 5 7 9",
        "min9": "1 b3 5 b7 9",
        "11": "1 3 5 b7 9 11",
        "maj11": "1 3 5 7 9 11",
        "min11": "1 b3 5 b7 9 11",
        "13": "1 3 5 b7 9 11 13",
        "maj13": "1 3 5 7 9 11 13",
        "min13": "1 b3 5 b7 9 11 13",
    }.items()
}
_SHORTHAND_OF = {frozenset(degrees): name for name, degrees in _SHORTHANDS.items()}

_STEP_SEMITONES = (0, 2, 4, 5, 7, 9, 11)
_STEP_FIFTHS = (0, 2, 4, -1, 1, 3, 5)
_DEGREE_TEXT = re.compile(r"(bb?|##?)?(1[0-3]|[1-9])")
_CHORD_TEXT = re.compile(
    r"(?P<root>[A-G](?:bb?|##?)?)"
    r"(?::(?P<quality>[a-z]*\d*)(?:\((?P<degrees>[^()]*)\))?)?"
    r"(?:/(?P<bass>[b#]*\d+))?"
)


@lru_cache(maxsize=256)
def _parse_degree(text: str) -> tuple[int, int]:
    """Return (number 1-13, alteration in semitones) of a degree such as ``b7``."""
    match = _DEGREE_TEXT.fullmatch(text)
    if match is None:
        raise TheoryError(f"chord degree {text!r} must be 1-13 with up to two of b or #")
    sign = match[1] or ""
    return int(match[2]), len(sign) * (1 if sign.startswith("#") else -1)


def _degree_semitones(text: str) -> int:
    number, alter = _parse_degree(text)
    octaves, step = divmod(number - 1, 7)
    return 12 * octaves + _STEP_SEMITONES[step] + alter


def _degree_fifths(text: str) -> int:
    number, alter = _parse_degree(text)
    return _STEP_FIFTHS[(number - 1) % 7] + 7 * alter


@dataclass(frozen=True)
class ChordSymbol:
    """A chord symbol; ``root`` is None for no chord.

    ``quality`` is a shorthand (empty when no shorthand fits), ``added`` and ``omitted`` are
    degrees on top of it, ``bass_degree`` is the degree in the bass (``"1"`` for root position).

    Raises
    ------
    TheoryError
        If the quality or a degree does not exist.

    Examples
    --------
    >>> chord = ChordSymbol.parse("D:min7/b3")
    >>> str(chord), chord.degrees, chord.pitch_classes, str(chord.bass)
    ('D:min7/b3', ('1', 'b3', '5', 'b7'), (2, 5, 9, 0), 'F')
    >>> str(ChordSymbol.parse("C:(3,5,b7)")), ChordSymbol.parse("N").is_none
    ('C:7', True)
    """

    NONE: ClassVar[ChordSymbol]
    """No chord, written ``N``."""

    root: Spelling | None
    quality: str = "maj"
    added: tuple[str, ...] = ()
    omitted: tuple[str, ...] = ()
    bass_degree: str = "1"

    def __post_init__(self) -> None:
        if self.root is None:
            for name, value in (
                ("quality", ""), ("added", ()), ("omitted", ()), ("bass_degree", "1")
            ):  # fmt: skip
                object.__setattr__(self, name, value)
            return
        if self.quality and self.quality not in _SHORTHANDS:
            raise TheoryError(
                f"chord quality {self.quality!r} must be one of " + ", ".join(_SHORTHANDS)
            )
        base = _SHORTHANDS.get(self.quality, ("1",))
        added = [degree for degree in set(self.added) if degree not in base]
        omitted = [degree for degree in set(self.omitted) if degree in base]
        kept = frozenset([degree for degree in base if degree not in omitted] + added)
        # One spelling for one set of degrees, so that equal chords compare equal.
        shorthand = _SHORTHAND_OF.get(kept)
        if shorthand is not None:
            object.__setattr__(self, "quality", shorthand)
            added, omitted = [], []
        object.__setattr__(self, "added", tuple(sorted(added, key=_parse_degree)))
        object.__setattr__(self, "omitted", tuple(sorted(omitted, key=_parse_degree)))
        _parse_degree(self.bass_degree)

    @classmethod
    def parse(cls, text: str) -> ChordSymbol:
        """Read Harte notation: ``C``, ``D:min7/b3``, ``G:(3,5,b7)``, ``A:7(b9,*5)`` or ``N``."""
        return _parse_harte(text.strip())

    def __str__(self) -> str:
        if self.root is None:
            return "N"
        return str(self.root) + ":" + self.quality + self._degree_list + self._bass_text

    @property
    def _degree_list(self) -> str:
        listed = [*self.added, *(f"*{degree}" for degree in self.omitted)]
        return f"({','.join(listed)})" if listed else ""

    @property
    def _bass_text(self) -> str:
        return "" if self.bass_degree == "1" else f"/{self.bass_degree}"

    @property
    def is_none(self) -> bool:
        """Whether this is ``N``, no chord."""
        return self.root is None

    @cached_property
    def degrees(self) -> tuple[str, ...]:
        """Degrees of the chord, ascending, without the bass where it is foreign to the chord."""
        if self.root is None:
            return ()
        base = _SHORTHANDS.get(self.quality, ("1",))
        kept = [degree for degree in base if degree not in self.omitted]
        return tuple(sorted([*kept, *self.added], key=_parse_degree))

    @property
    def root_pitch_class(self) -> int:
        """Pitch class of the root.

        Raises
        ------
        TheoryError
            If this is no chord.
        """
        return self._some_root().pitch_class

    @property
    def bass_pitch_class(self) -> int:
        """Pitch class of the lowest note.

        Raises
        ------
        TheoryError
            If this is no chord.
        """
        return (self._some_root().pitch_class + _degree_semitones(self.bass_degree)) % 12

    def _some_root(self) -> Spelling:
        if self.root is None:
            raise TheoryError("chord N has no root or bass; test chord.is_none first")
        return self.root

    @cached_property
    def pitch_classes(self) -> tuple[int, ...]:
        """Pitch classes in the order of the degrees, a foreign bass last; empty for ``N``."""
        if self.root is None:
            return ()
        root = self.root.pitch_class
        sounding = [(root + _degree_semitones(degree)) % 12 for degree in self.degrees]
        return tuple(dict.fromkeys([*sounding, self.bass_pitch_class]))

    @property
    def bass(self) -> Spelling | None:
        """Name of the lowest note; None for ``N``."""
        if self.root is None:
            return None
        return self._degree_spelling(self.bass_degree)

    def _degree_spelling(self, degree: str) -> Spelling:
        root = self._some_root()
        fifths = root.fifths + _degree_fifths(degree)
        # A double-flat seventh on a flat root leaves the names we have: respell it.
        pitch_class = (root.pitch_class + _degree_semitones(degree)) % 12
        if not -15 <= fifths <= 19:
            return Spelling.nearest(pitch_class, root.fifths)
        return Spelling.from_fifths(fifths)

    @property
    def spellings(self) -> tuple[Spelling, ...]:
        """Names of the chord's notes, in the order of the degrees."""
        return tuple(self._degree_spelling(degree) for degree in self.degrees)

    def spelling_of(self, pitch_class: int) -> Spelling | None:
        """Return the name a pitch class has in this chord; None where it is foreign."""
        if self.root is None:
            return None
        for degree in (*self.degrees, self.bass_degree):
            if (self.root.pitch_class + _degree_semitones(degree) - pitch_class) % 12 == 0:
                return self._degree_spelling(degree)
        return None

    def transpose(self, semitones: int, key: Key | None = None) -> ChordSymbol:
        """Return the chord some semitones away.

        The root is spelled nearest to ``key``, the key arrived in; without one, with few
        accidentals.
        """
        if self.root is None or (semitones % 12 == 0 and key is None):
            return self
        pitch_class = (self.root.pitch_class + semitones) % 12
        if key is None:
            centre = 3.5 if {"b3", "b5"} & set(self.degrees) else 0.5
        else:
            centre = key.fifths + 2.25
        return ChordSymbol(
            Spelling.nearest(pitch_class, centre),
            self.quality,
            self.added,
            self.omitted,
            self.bass_degree,
        )

    def with_bass_degree(self, degree: str) -> ChordSymbol:
        """Return the same chord over another bass degree."""
        return ChordSymbol(self.root, self.quality, self.added, self.omitted, degree)

    @property
    def lead_sheet(self) -> str:
        """Lead-sheet text: ``Dm7``, ``F#m7b5``, ``Bb/D``, ``N.C.``

        >>> ChordSymbol.parse("F#:hdim7/b3").lead_sheet
        'F#m7b5/A'
        """
        if self.root is None:
            return "N.C."
        suffix = _LEAD_SHEET_OF.get((self.quality, self.added, self.omitted))
        if suffix is None:
            base, added, omitted = self.quality, list(self.added), list(self.omitted)
            if base in ("", "1"):  # no suffix says "root alone": start from the triad
                base = "maj"
                added = [degree for degree in self.degrees if degree not in _SHORTHANDS[base]]
                omitted = [degree for degree in _SHORTHANDS[base] if degree not in self.degrees]
            listed = ",".join([*added, *(f"no{degree}" for degree in omitted)])
            suffix = f"{_LEAD_SHEET_OF[base, (), ()]}({listed})"
        bass = "" if self.bass_degree == "1" else f"/{self._degree_spelling(self.bass_degree)}"
        return f"{self.root}{suffix}{bass}"


ChordSymbol.NONE = ChordSymbol(None)


@lru_cache(maxsize=4096)
def _parse_harte(text: str) -> ChordSymbol:
    if text in ("N", "N.C.", "NC"):
        return ChordSymbol.NONE
    match = _CHORD_TEXT.fullmatch(text)
    if match is None:
        raise TheoryError(f"chord {text!r} must look like C, D:min7, G:7/3, C:(3,5,b7) or N")
    quality, listed = match["quality"], match["degrees"]
    if quality is None:
        quality = "maj"
    elif not quality and listed is None:
        raise TheoryError(f"chord {text!r} must name a quality or degrees after the colon")
    added, omitted = _split_degrees(listed or "", mark="*")
    return ChordSymbol(Spelling.parse(match["root"]), quality, added, omitted, match["bass"] or "1")


def _split_degrees(listed: str, *, mark: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Split ``9,*5`` into degrees added and omitted."""
    added: list[str] = []
    omitted: list[str] = []
    for item in filter(None, (item.strip() for item in listed.split(","))):
        degree = item.removeprefix(mark)
        _parse_degree(degree)
        (omitted if item.startswith(mark) else added).append(degree)
    return tuple(added), tuple(omitted)


# Harte tail, then the lead-sheet suffixes for it; the first is printed.
_LEAD_SHEET: tuple[tuple[str, str], ...] = (
    ("maj", " |maj|M|major"),
    ("min", "m|min|-|mi|minor"),
    ("dim", "dim|o|°"),
    ("aug", "aug|+"),
    ("sus2", "sus2"),
    ("sus4", "sus4|sus"),
    ("5", "5"),
    ("maj7", "maj7|M7|Δ7|Δ|^7|^|ma7|j7|Maj7"),
    ("min7", "m7|min7|-7|mi7"),
    ("7", "7|dom7"),
    ("dim7", "dim7|o7|°7"),
    ("hdim7", "m7b5|ø7|ø|-7b5|min7b5|m7-5|h7|hdim7"),
    ("minmaj7", "mMaj7|mM7|m(maj7)|-Δ7|minmaj7|mmaj7|-M7|-^7"),
    ("aug7", "7#5|aug7|+7"),
    ("maj6", "6|maj6|M6|add6"),
    ("min6", "m6|min6|-6"),
    ("9", "9"),
    ("maj9", "maj9|M9|Δ9|^9"),
    ("min9", "m9|min9|-9"),
    ("11", "11"),
    ("maj11", "maj11|M11"),
    ("min11", "m11|min11|-11"),
    ("13", "13"),
    ("maj13", "maj13|M13"),
    ("min13", "m13|min13|-13"),
    ("maj(9)", "add9|add2"),
    ("min(9)", "madd9|m(add9)"),
    ("maj(11)", "add11|add4"),
    ("maj6(9)", "6/9|69|6(9)"),
    ("min6(9)", "m6/9|m69"),
    ("sus4(b7)", "7sus4|7sus"),
    ("sus4(b7,9)", "9sus4|9sus"),
    ("sus4(b7,9,13)", "13sus4|13sus"),
    ("sus2(b7)", "7sus2"),
    ("7(b9)", "7b9|7-9"),
    ("7(#9)", "7#9|7+9"),
    ("7(#11)", "7#11"),
    ("7(b13)", "7b13"),
    ("7(b9,b13)", "7b9b13|7alt|alt"),
    ("7(b5,*5)", "7b5"),
    ("aug7(b9)", "7#5b9"),
    ("aug7(#9)", "7#5#9"),
    ("9(#11)", "9#11"),
    ("maj7(#11)", "maj7#11|M7#11|Δ#11"),
    ("maj7(#5,*5)", "maj7#5|M7#5|+M7"),
    ("maj(b5,*5)", "b5"),
)
_LEAD_SHEET_TAIL: dict[str, ChordSymbol] = {}
_LEAD_SHEET_OF: dict[tuple[str, tuple[str, ...], tuple[str, ...]], str] = {}
for _tail, _names in _LEAD_SHEET:
    _model = ChordSymbol.parse(f"C:{_tail}")
    for _suffix in reversed(_names.split("|")):
        _LEAD_SHEET_TAIL[_suffix.strip()] = _model
        _LEAD_SHEET_OF[(_model.quality, _model.added, _model.omitted)] = _suffix.strip()
# Longer suffixes hold "/" ("6/9"), so the bass is looked for last.
_ROOT_TEXT = re.compile(r"([A-G])(bb|##|b|#|♭|♯)?(.*)", re.DOTALL)


@lru_cache(maxsize=4096)
def parse_lead_sheet(text: str) -> ChordSymbol:
    """Read lead-sheet text: ``Dm7``, ``F#m7b5``, ``Bb/D``, ``C7(b9)``, ``N.C.``

    Raises
    ------
    TheoryError
        If the text is no chord symbol.

    Examples
    --------
    >>> str(parse_lead_sheet("F#m7b5/A")), str(parse_lead_sheet("C6/9"))
    ('F#:hdim7/b3', 'C:maj6(9)')
    """
    stripped = text.strip()
    if stripped.upper() in ("N.C.", "NC", "N"):
        return ChordSymbol.NONE
    match = _ROOT_TEXT.fullmatch(stripped)
    if match is None:
        raise TheoryError(f"chord {text!r} must look like Dm7, F#m7b5 or Bb/D")
    root = Spelling.parse(match[1] + (match[2] or ""))
    rest = match[3].replace(" ", "").replace("♭", "b").replace("♯", "#")
    degree = "1"
    if rest not in _LEAD_SHEET_TAIL and "/" in rest:
        rest, _, bass = rest.rpartition("/")
        degree = _degree_between(root, Spelling.parse(bass))
    model = _LEAD_SHEET_TAIL.get(rest)
    if model is None:
        model = _parse_suffix_with_list(rest, text)
    return ChordSymbol(root, model.quality, model.added, model.omitted, degree)


def _parse_suffix_with_list(suffix: str, text: str) -> ChordSymbol:
    """Read a known suffix followed by a bracketed list: ``7(b9,#11)``, ``m(no5)``."""
    base, bracket, listed = suffix.rpartition("(")
    model = _LEAD_SHEET_TAIL.get(base)
    if model is None or not bracket or not listed.endswith(")"):
        raise TheoryError(
            f"chord {text!r} must end in a known suffix such as m7, maj7, 7sus4, m7b5, dim or add9"
        )
    items = listed[:-1].replace("add", "").replace("omit", "no")
    added, omitted = _split_degrees(items, mark="no")
    return ChordSymbol(
        model.root, model.quality, (*model.added, *added), (*model.omitted, *omitted)
    )


def _degree_between(root: Spelling, bass: Spelling) -> str:
    interval = Interval.between(root, bass)
    shift = interval.semitones - _STEP_SEMITONES[interval.number - 1]
    return ("b" * -shift if shift < 0 else "#" * shift) + str(interval.number)
