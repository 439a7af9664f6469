"""A sentence that recognisers read and blank out, and numbers written as words.

Public names: :class:`Sentence`, :data:`NUMBER`, :func:`read_number`, :func:`phrase_pattern`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

__all__ = ["NUMBER", "Sentence", "phrase_pattern", "read_number"]

_ONES_TEXT = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen
sixteen seventeen eighteen nineteen
"""
_TENS_TEXT = """
twenty thirty forty fifty sixty seventy eighty ninety
"""
_ONES, _TENS = _ONES_TEXT.split(), _TENS_TEXT.split()
_VALUES = {word: index for index, word in enumerate(_ONES)}
_VALUES |= {word: 10 * (index + 2) for index, word in enumerate(_TENS)}
_WORD = "|".join(sorted([*_VALUES, "hundred", "thousand", "dozen"], key=len, reverse=True))
NUMBER = (
    rf"(?:-?\d+(?:[.,]\d+)?|(?:an?\s+(?=hundred|thousand|dozen))?"
    rf"(?:{_WORD})(?:[\s-]+(?:and\s+)?(?:{_WORD})){{0,6}})"
)
"""Pattern of a number: digits or English words up to thousands."""

_BLANK = "\x00"
_SIGNS = str.maketrans(
    {"♭": "b", "♯": "#", "–": "-", "—": "-", "‘": "'", "’": "'", "“": '"', "”": '"'}
)


def read_number(text: str) -> float:
    """Return the value of a number in digits or words.

    Examples
    --------
    >>> read_number("twenty-four"), read_number("one hundred and five"), read_number("1,5")
    (24.0, 105.0, 1.5)
    """
    text = text.strip().lower()
    if re.fullmatch(r"\d+(?:\.\d+)?e[+-]?\d+", text):
        return float(text)
    if re.fullmatch(r"-?\d+(?:[.,]\d+)?", text):
        # "1,500" has a thousands separator, "1,5" a decimal comma.
        if re.fullmatch(r"-?\d{1,3},\d{3}", text):
            return float(text.replace(",", ""))
        return float(text.replace(",", "."))
    total = current = 0
    for word in re.split(r"[\s-]+", text):
        if word in _VALUES:
            current += _VALUES[word]
        elif word in ("hundred", "dozen"):
            current = max(current, 1) * (100 if word == "hundred" else 12)
        elif word == "thousand":
            total += max(current, 1) * 1000
            current = 0
    return float(total + current)


def phrase_pattern(phrases: Iterable[str]) -> str:
    """Return a pattern for any of some phrases, longest first, on word boundaries."""
    return _phrase_pattern(tuple(phrases))


@lru_cache(maxsize=64)
def _phrase_pattern(phrases: tuple[str, ...]) -> str:
    ordered = sorted({phrase.lower() for phrase in phrases}, key=lambda p: (-len(p), p))
    inner = "|".join(re.escape(phrase).replace(r"\ ", r"\s+") for phrase in ordered)
    return rf"(?<![\w#])(?:{inner})(?![\w#])"


class Sentence:
    """Text with two views of equal length: as typed, and in lower case; both can be blanked.

    Examples
    --------
    >>> sentence = Sentence("A Waltz, 24 bars")
    >>> sentence.take(r"(\\d+) bars")[1]
    '24'
    >>> sentence.leftovers({"a"})
    ('Waltz',)
    """

    def __init__(self, text: str) -> None:
        self.original = text.translate(_SIGNS).replace(_BLANK, " ")
        self.lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in self.original)
        self._typed = self.original
        self._surplus: list[tuple[int, str]] = []

    def search(self, pattern: str, *, cased: bool = False) -> re.Match[str] | None:
        """Find a pattern in the lower-case view (as typed where ``cased``)."""
        return re.search(pattern, self.original if cased else self.lower)

    def find_all(self, pattern: str) -> Iterator[re.Match[str]]:
        """Find every place of a pattern in the lower-case view."""
        return re.finditer(pattern, self.lower)

    def take(self, pattern: str) -> re.Match[str] | None:
        """Find a pattern and blank it out."""
        match = self.search(pattern)
        if match is not None:
            self.blank(match)
        return match

    def blank(self, match: re.Match[str]) -> None:
        """Blank out what a match covers."""
        self.blank_span(match.start(), match.end())

    def blank_span(self, start: int, end: int) -> None:
        """Blank out some characters in both views."""
        hole = _BLANK * (end - start)
        self.original = self.original[:start] + hole + self.original[end:]
        self.lower = self.lower[:start] + hole + self.lower[end:]

    def set_aside(self, match: re.Match[str]) -> None:
        """Blank out what was read but cannot be carried out; it counts as a leftover."""
        text = self._typed[match.start() : match.end()]
        start = match.start() + len(text) - len(text.lstrip())
        self._surplus.append((start, " ".join(text.split())))
        self.blank(match)

    def tokens(self) -> list[re.Match[str]]:
        """Return the words left, as matches on the lower-case view."""
        return list(re.finditer(r"[^\W_][\w#'&+-]*", self.lower))

    def leftovers(self, stop_words: Iterable[str]) -> tuple[str, ...]:
        """Return what was set aside and the words left that are no stop words, as typed.

        They come in the order of the text, without repeats.
        """
        stop = set(stop_words)
        words = list(self._surplus)
        for match in self.tokens():
            word = match.group().rstrip("'-+&")
            plain = word.removesuffix("'s")
            if plain in stop or len(plain) == 1:
                continue
            start = match.start()
            words.append((start, self.original[start : start + len(word)]))
        return tuple(dict.fromkeys(word for _, word in sorted(words)))
