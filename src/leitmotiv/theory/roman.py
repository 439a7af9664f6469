"""Roman numerals: chords as functions in a key.

Purpose: read and write harmony independent of key.

Conventions:

- Upper case is major, lower case minor, ``o`` diminished, ``ø`` (or ``%``, ``/o``)
  half-diminished, ``+`` augmented; figures 6, 64, 7, 65, 43, 42 are inversions; ``V7/V`` is
  applied to a scale degree.
- A seventh on a diatonic triad is diatonic (``I7`` in C is Cmaj7), ``V7`` is always dominant, and
  ``maj7`` or ``dom7`` say it outright. ``[...]`` holds a Harte quality: ``V[sus4]``.
- In minor-like modes ``vi`` and ``vii`` in lower case stand on the raised degrees and ``VI``,
  ``VII`` on the scale's own; a flat before a degree that is already low changes nothing, so
  ``bVI`` is the same chord in both modes.
- ``N6`` is the Neapolitan, ``Ger65``, ``It6`` and ``Fr43`` the augmented sixths, written with a
  minor seventh since Harte has no augmented sixth.

Public names: :func:`roman_to_chord`, :func:`chord_to_roman`.

References
----------
D. Tymoczko, M. Gotham, M. S. Cuthbert and C. Ariza, "The RomanText format", ISMIR 2019.
"""

from __future__ import annotations

import re
from functools import lru_cache

from leitmotiv.errors import TheoryError
from leitmotiv.theory.chord import ChordSymbol
from leitmotiv.theory.key import Key, Mode
from leitmotiv.theory.pitch import Spelling

__all__ = ["chord_to_roman", "roman_to_chord"]

_NUMERALS = ("I", "II", "III", "IV", "V", "VI", "VII")
_ROMAN_TEXT = re.compile(
    r"(?P<accidental>[b#]*)"
    r"(?P<numeral>VII|VI|IV|V|III|II|I|vii|vi|iv|v|iii|ii|i)"
    r"(?P<mark>/?[o°]|[ø%+]|)"
    r"(?P<seventh>maj|dom|M)?"
    r"(?P<figure>6/?5|6/?4|4/?3|4/?2|7|6|2)?"
    r"(?:\[(?P<harte>[^\]]*)\])?"
    r"(?:/(?P<target>[b#]*(?:VII|VI|IV|V|III|II|I|vii|vi|iv|v|iii|ii|i)(?:/.+)?))?"
)
_MAJOR_FIFTHS = (0, 2, 4, -1, 1, 3, 5)
_MAJOR_SEMITONES = (0, 2, 4, 5, 7, 9, 11)
_MARK_SIGNS = {"°": "o", "%": "ø", "/o": "ø", "/°": "ø"}
_SEVENTH_FIGURES = ("7", "65", "43", "42")
_AUGMENTED_SIXTHS = {
    "Ger": "b6:7",
    "Ger65": "b6:7",
    "Ger6": "b6:7",
    "It": "b6:(3,b7)",
    "It6": "b6:(3,b7)",
    "Fr": "b6:7(b5,*5)",
    "Fr43": "b6:7(b5,*5)",
    "Fr6": "b6:7(b5,*5)",
}


def roman_to_chord(text: str, key: Key) -> ChordSymbol:
    """Return the chord a roman numeral names in a key.

    Raises
    ------
    TheoryError
        If the numeral cannot be read.

    Examples
    --------
    >>> key = Key.parse("C")
    >>> [str(roman_to_chord(numeral, key)) for numeral in ("V7/V", "bVI", "N6", "viio7", "I64")]
    ['D:7', 'Ab:maj', 'Db:maj/3', 'B:dim7', 'C:maj/5']
    """
    return _read(text.strip(), key)


@lru_cache(maxsize=4096)
def _read(text: str, key: Key) -> ChordSymbol:
    if text in ("N", "N6", "N53"):
        root = _spelling(key.tonic.fifths - 5)
        return ChordSymbol(root, "maj", bass_degree="3" if text == "N6" else "1")
    if text == "NC":
        return ChordSymbol.NONE
    if text in _AUGMENTED_SIXTHS:
        root = _spelling(key.tonic.fifths - 4)
        return ChordSymbol.parse(f"{root}:{_AUGMENTED_SIXTHS[text].partition(':')[2]}")
    if text in ("Cad64", "K64"):
        text = "i64" if key.mode.is_minor_like else "I64"
    match = _ROMAN_TEXT.fullmatch(text)
    if match is None:
        raise TheoryError(
            f"roman numeral {text!r} must look like I, ii65, V7/V, bVI, viio7, N6 or V[sus4]"
        )
    if match["target"] is not None:
        key = _target_key(match["target"], key)
    numeral, mark = match["numeral"], _MARK_SIGNS.get(match["mark"], match["mark"])
    degree = _NUMERALS.index(numeral.upper())
    alter = match["accidental"].count("#") - match["accidental"].count("b")
    is_upper = numeral.isupper()
    root = _root(key, degree, alter, is_upper=is_upper)
    if match["harte"] is not None:
        head, slash, bass = match["harte"].partition("/")
        return ChordSymbol.parse(f"{root}:{head}{slash}{bass}")
    figure = (match["figure"] or "").replace("/", "")
    figure = "42" if figure == "2" else figure
    if match["seventh"] and figure not in _SEVENTH_FIGURES:
        raise TheoryError(f"roman numeral {text!r} must carry 7, 65, 43 or 42 after maj or dom")
    quality = _triad(is_upper, mark)
    if figure in _SEVENTH_FIGURES:
        seventh = "maj" if match["seventh"] == "M" else match["seventh"]
        quality = _seventh(key, degree, alter, quality, mark, seventh)
    elif mark == "ø":
        quality = "hdim7" if not figure else "dim"
    return _invert(ChordSymbol(root, quality), figure)


def _spelling(fifths: int) -> Spelling:
    """Return the spelling, moved enharmonically where it would need three accidentals."""
    while fifths < -15:
        fifths += 12
    while fifths > 19:
        fifths -= 12
    return Spelling.from_fifths(fifths)


def _scale_alter(key: Key, degree: int) -> int:
    """Return how far a scale degree (from 0) lies from the major scale, in semitones."""
    offset = key.degree_spelling(degree + 1).fifths - key.tonic.fifths
    return (offset - _MAJOR_FIFTHS[degree]) // 7


def _root(key: Key, degree: int, alter: int, *, is_upper: bool) -> Spelling:
    natural = _scale_alter(key, degree)
    if key.mode is Mode.MINOR and degree in (5, 6) and not is_upper and alter >= 0:
        total = 0  # the raised sixth and seventh, with or without a sharp sign
    elif alter * natural > 0:
        total = alter if abs(alter) >= abs(natural) else natural
    else:
        total = natural + alter
    return _spelling(key.tonic.fifths + _MAJOR_FIFTHS[degree] + 7 * total)


def _target_key(target: str, key: Key) -> Key:
    """Return the key that ``/V`` or ``/ii`` stands for."""
    chord = _read(target, key)
    root = chord.root
    assert root is not None
    mode = Mode.MINOR if "b3" in chord.degrees else Mode.MAJOR
    try:
        return Key(root, mode)
    except TheoryError:
        return Key(Spelling.nearest(root.pitch_class, 3.0 if mode is Mode.MINOR else 0.0), mode)


def _triad(is_upper: bool, mark: str) -> str:
    if mark == "+":
        return "aug"
    if mark in ("o", "ø"):
        return "dim"
    return "maj" if is_upper else "min"


def _seventh(key: Key, degree: int, alter: int, triad: str, mark: str, named: str | None) -> str:
    """Return the seventh-chord quality on a triad."""
    if triad == "dim":
        return "hdim7" if mark == "ø" else "dim7"
    if triad == "aug":
        return "maj7(#5)" if named == "maj" else "aug7"
    if triad == "min":
        return "minmaj7" if named == "maj" else "min7"
    if named is not None:
        return "maj7" if named == "maj" else "7"
    return _diatonic_seventh(key, degree) if alter == 0 and degree != 4 else "7"


def _diatonic_seventh(key: Key, degree: int) -> str:
    """Return maj7 where the scale builds a major seventh chord on a degree, else 7."""
    root, third, fifth, seventh = (key.scale[(degree + step) % 7] for step in (0, 2, 4, 6))
    sizes = ((third - root) % 12, (fifth - root) % 12, (seventh - root) % 12)
    return "maj7" if sizes == (4, 7, 11) else "7"


def _invert(chord: ChordSymbol, figure: str) -> ChordSymbol:
    degrees = chord.degrees
    index = {"6": 1, "64": 2, "65": 1, "43": 2, "42": 3}.get(figure, 0)
    return chord.with_bass_degree(degrees[index]) if index else chord


_MARKS = {
    "maj": (True, "", False),
    "min": (False, "", False),
    "dim": (False, "o", False),
    "aug": (True, "+", False),
    "maj7": (True, "maj", True),
    "7": (True, "", True),
    "min7": (False, "", True),
    "minmaj7": (False, "maj", True),
    "dim7": (False, "o", True),
    "hdim7": (False, "ø", True),
    "aug7": (True, "+", True),
}


def chord_to_roman(chord: ChordSymbol, key: Key) -> str:
    """Return the roman numeral of a chord in a key.

    Dominant sevenths foreign to the key are written as applied to their target (``V7/ii``).
    Reading the result in the same key gives the same pitches back.

    Examples
    --------
    >>> key = Key.parse("C minor")
    >>> [chord_to_roman(ChordSymbol.parse(text), key) for text in ("G:7/3", "Ab:maj", "B:dim7")]
    ['V65', 'VI', 'viio7']
    """
    if chord.root is None:
        return "NC"
    for numeral in _candidates(chord, key):
        try:
            read = _read(numeral, key)
        except TheoryError:
            continue
        if _same_sound(read, chord):
            return numeral
    raise TheoryError(f"chord {chord} has no roman numeral in {key}")  # pragma: no cover


def _same_sound(a: ChordSymbol, b: ChordSymbol) -> bool:
    return (
        a.root_pitch_class == b.root_pitch_class
        and a.bass_pitch_class == b.bass_pitch_class
        and a.degrees == b.degrees
    )


def _candidates(chord: ChordSymbol, key: Key) -> list[str]:
    """Numerals that may name the chord, simplest first."""
    assert chord.root is not None
    plain = not chord.added and not chord.omitted and chord.quality in _MARKS
    is_upper, mark, is_seventh = _MARKS.get(chord.quality, ("b3" not in chord.degrees, "", False))
    figure = _figure(chord, is_seventh) if plain else None
    found: list[str] = []
    degrees = _degrees_of(chord.root, key)
    if figure is not None:
        if chord.quality == "maj" and figure == "6" and degrees[0] == (1, -1):
            found.append("N6")
        direct = [_numeral(degree, alter, is_upper) + mark + figure for degree, alter in degrees]
        is_own = degrees[0] == (4, 0) or set(chord.pitch_classes) <= set(key.scale)
        if chord.quality != "7" or is_own:
            found += direct
        else:
            for target, target_alter in _degrees_of(_spelling(chord.root.fifths - 1), key):
                for upper in _target_cases(key, target):
                    found.append(f"V{figure}/{_numeral(target, target_alter, upper)}")
            found += [_numeral(degree, alter, True) + "dom" + figure for degree, alter in degrees]
    tail = str(chord).partition(":")[2]
    for degree, alter in degrees:
        found += [_numeral(degree, alter, upper) + f"[{tail}]" for upper in (is_upper, True, False)]
    return found


def _target_cases(key: Key, degree: int) -> tuple[bool, bool]:
    """Case of the target's numeral: as its diatonic triad, the other one after it."""
    third = (key.scale[(degree + 2) % 7] - key.scale[degree]) % 12
    return (third == 4, third != 4)


def _figure(chord: ChordSymbol, is_seventh: bool) -> str | None:
    if chord.bass_degree not in chord.degrees:
        return None
    figures = ("7", "65", "43", "42") if is_seventh else ("", "6", "64")
    return figures[chord.degrees.index(chord.bass_degree)]


def _degrees_of(root: Spelling, key: Key) -> list[tuple[int, int]]:
    """Return (degree from 0, accidental to write) pairs for a root, its own spelling first."""
    pairs = []
    for spelling in (root, Spelling.nearest(root.pitch_class, key.fifths + 0.25)):
        offset = spelling.fifths - key.tonic.fifths
        for degree, place in enumerate(_MAJOR_FIFTHS):
            if (offset - place) % 7 == 0:
                natural = _scale_alter(key, degree)
                total = (offset - place) // 7
                for alter in sorted((total - natural, total), key=abs):
                    if abs(alter) <= 2 and (degree, alter) not in pairs:
                        pairs.append((degree, alter))
    return pairs


def _numeral(degree: int, alter: int, is_upper: bool) -> str:
    numeral = _NUMERALS[degree] if is_upper else _NUMERALS[degree].lower()
    return ("#" * alter if alter > 0 else "b" * -alter) + numeral
