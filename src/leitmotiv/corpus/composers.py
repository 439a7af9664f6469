"""Who wrote it, when and where: facts that sources leave out.

Purpose: put pieces into centuries and regions for the bias report.

``composers.csv`` beside this module holds the life dates and the region of composers that matter in
free collections (public facts; ``active`` is a year of work where the dates of life are not known).
A composer stands in the region where he or she mostly worked or was trained; the regions are
coarse on purpose.

Public names: :func:`find_composer`, :func:`century_of`, :class:`Composer`.
"""

from __future__ import annotations

import csv
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib import resources

__all__ = ["Composer", "century_of", "find_composer"]

_DATES = re.compile(r"(1[0-9]\d\d|20\d\d)\D{1,4}(1[0-9]\d\d|20\d\d)")
_PRIME = 40  # age that stands for a composer's work


@dataclass(frozen=True)
class Composer:
    """A composer: ``name`` as "Surname, Given"; years, None where not known."""

    name: str
    born: int | None
    died: int | None
    active: int | None
    region: str

    @property
    def prime_year(self) -> int | None:
        """A year that stands for the work: a known one, else the fortieth year of life."""
        if self.active is not None:
            return self.active
        if self.born is None:
            return None
        return min(self.born + _PRIME, self.died or self.born + _PRIME)


def _words(text: str) -> list[str]:
    # "SchubertF" and "BachJS" are how one archive writes its composers.
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text.replace("ł", "l").replace("Ł", "L"))
    text = unicodedata.normalize("NFKD", text)
    plain = "".join(c for c in text if not unicodedata.combining(c)).lower()
    return re.findall(r"[a-z]+", plain)


@cache
def _table() -> dict[str, list[tuple[list[str], list[str], Composer]]]:
    """Composers with the words of their surname and given names, by the surname's first word."""
    text = resources.files("leitmotiv.corpus").joinpath("composers.csv").read_text("utf-8")
    table: dict[str, list[tuple[list[str], list[str], Composer]]] = {}
    for row in csv.DictReader(text.splitlines()):
        born, died, active = (
            int(row[field]) if row[field] else None for field in ("born", "died", "active")
        )
        surname, _, given = row["name"].partition(", ")
        words = _words(surname)
        entry = (words, _words(given), Composer(row["name"], born, died, active, row["region"]))
        table.setdefault(words[0], []).append(entry)
    return table


@cache
def find_composer(text: str) -> Composer | None:
    """Find the composer that a source names.

    Parameters
    ----------
    text : str
        As archives write it: "Bach, Johann Sebastian", "J. S. Bach (1685-1750)", "BachJS".

    Returns
    -------
    Composer or None
        The one whose surname and initials fit best, the better known first; None for no one in the
        table.

    Examples
    --------
    >>> find_composer("W. A. Mozart (1756-1791)").region
    'Germany and Austria'
    >>> find_composer("Schumann, Clara").born, find_composer("SchumannR").born
    (1819, 1810)
    >>> find_composer("Anonymous") is None
    True
    """
    words = _words(text)
    best: tuple[int, Composer] | None = None
    for word in words:
        for surname, given, composer in _table().get(word, ()):
            if any(part not in words for part in surname):
                continue
            others = [w for w in words if w not in surname]
            initials = {name[0] for name in given}
            # Given names at the front or behind the comma must begin like this composer's.
            fit = sum(other in given or (len(other) == 1 and other in initials) for other in others)
            first = _given_words(text, surname, given)
            if first and first[0][0] not in initials:
                continue
            if best is None or fit > best[0]:
                best = (fit, composer)
    return best[1] if best else None


def _given_words(text: str, surname: list[str], given: list[str]) -> list[str]:
    """Words before the surname, or behind the comma after it."""
    text = re.sub(r"\(.*?\)|\[.*?\]", " ", text)
    front, comma, back = text.partition(",")
    if comma and _words(front)[: len(surname)] == surname:
        return [] if re.match(r"\s*(op|bwv|k)\b", back, re.IGNORECASE) else _words(back)
    words = _words(front)
    if surname[0] not in words:
        # "Antonín, Dvořák" is turned around; "Pokorný, Franz" is someone else.
        return [] if set(words) & set(given) else ["?"]
    place = words.index(surname[0])
    return words[:place] or words[place + len(surname) :]


def century_of(composer: str, year: int | None) -> int | None:
    """Return the century a piece was written in, 19 for the 1800s; None where nothing tells.

    A year that the source gives counts if the composer, where known, could have written then;
    otherwise it is an edition's. Dates in the composer's name come next, then the table.

    Examples
    --------
    >>> century_of("J. S. Bach", 1867), century_of("X. Y. Nobody (1720-1790)", None)
    (18, 18)
    """
    known = find_composer(composer)
    if known is not None:
        latest = known.died or (known.prime_year or 0) + 30
        if year is not None and (known.born or (known.prime_year or 0) - 30) <= year <= latest:
            return _century(year)
        prime = known.prime_year
        return None if prime is None else _century(prime)
    dates = _DATES.search(composer)
    if dates:
        born, died = int(dates.group(1)), int(dates.group(2))
        return _century(min(born + _PRIME, died))
    return None if year is None else _century(year)


def _century(year: int) -> int:
    return (year - 1) // 100 + 1
