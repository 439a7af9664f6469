"""Known collections of music that may be learned from: a data file and its reader.

Conventions: ``catalogue.toml`` beside this module holds one entry a collection; its comments say
what each field means. A collection can be downloaded, lies inside an installed package, or says
how to get it by hand.

Public names: :class:`Collection`, :func:`read_catalogue`, :func:`find_collection`,
:func:`attribution_of`, :func:`credit_line`.
"""

from __future__ import annotations

import importlib.util
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from leitmotiv.errors import CorpusError, MissingExtraError

__all__ = ["Collection", "attribution_of", "credit_line", "find_collection", "read_catalogue"]

PER_PIECE = "per piece"


@dataclass(frozen=True)
class Collection:
    """One entry of the catalogue.

    ``licence`` is an SPDX identifier, ``PD`` or ``per piece``; ``pieces``, ``notes`` and ``hours``
    are its size after cleaning. One of ``url``, ``package`` and ``how`` says how to get it.
    """

    name: str
    title: str
    home: str
    licence: str
    attribution: str
    genre: str | None = None
    genres: tuple[tuple[str, str], ...] = ()
    pieces: int = 0
    notes: int = 0
    hours: float = 0.0
    url: str | None = None
    sha256: str | None = None
    num_bytes: int | None = None
    package: str | None = None
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    how: str = ""

    def defaults(self, name: str) -> dict[str, str]:
        """What holds for a file that says nothing itself, in the fields of a manifest."""
        by_name = (word for pattern, word in self.genres if fnmatchcase(name, pattern))
        known = {"genre": next(by_name, self.genre), "attribution": self.attribution}
        if self.licence != PER_PIECE:
            known["licence"] = self.licence
        return {field: value for field, value in known.items() if value}

    @property
    def way(self) -> str:
        """How to get it, in one line."""
        if self.url:
            return f"download from {self.url}"
        if self.package:
            return f"inside the Python package {self.package}"
        return self.how

    def package_folder(self) -> Path:
        """Return the folder of the package that holds the collection.

        Raises
        ------
        MissingExtraError
            If the package is not installed.
        """
        assert self.package is not None
        spec = importlib.util.find_spec(self.package)
        if spec is None or not spec.submodule_search_locations:
            raise MissingExtraError(self.package, "corpus")
        return Path(next(iter(spec.submodule_search_locations)))


@lru_cache(maxsize=1)
def read_catalogue() -> Mapping[str, Collection]:
    """Return all collections by name, in the catalogue's order.

    Examples
    --------
    >>> read_catalogue()["openscore_lieder"].licence
    'CC0-1.0'
    """
    text = (files("leitmotiv.corpus") / "catalogue.toml").read_text(encoding="utf-8")
    found = {}
    for entry in tomllib.loads(text)["collection"]:
        get = dict(entry.pop("get"))
        for name in ("include", "exclude"):
            get[name] = tuple(get.get(name, ()))
        genres = tuple(entry.pop("genres", {}).items())
        num_bytes = get.pop("bytes", None)
        collection = Collection(**entry, **get, genres=genres, num_bytes=num_bytes)
        found[collection.name] = collection
    return found


def find_collection(name: str) -> Collection:
    """Return a collection by its name.

    Raises
    ------
    CorpusError
        If the catalogue does not have it.
    """
    catalogue = read_catalogue()
    if name not in catalogue:
        raise CorpusError(
            f"{name!r} is neither a file or folder nor a collection of the catalogue; see: "
            "leitmotiv corpus sources"
        )
    return catalogue[name]


def attribution_of(source: str) -> str:
    """Return the attribution line of a collection; empty where the catalogue does not have it."""
    collection = read_catalogue().get(source)
    return collection.attribution if collection else ""


def credit_line(source: str, named: str) -> str:
    """Return whom to name for one piece: whom the piece itself names, or its collection.

    Where a collection holds pieces under several licences, its name goes with the piece's own, and
    nothing is said of licences that this piece does not have.

    Parameters
    ----------
    source : str
        Name of the collection.
    named : str
        The piece's own attribution, "" for none.

    Examples
    --------
    >>> credit_line("mutopia", "Ann Smith").partition(",")[0]
    'Ann Smith; The Mutopia Project: piano'
    >>> credit_line("somewhere else", "Ann Smith")
    'Ann Smith'
    """
    collection = read_catalogue().get(source)
    if collection is None or not named or named == collection.attribution:
        return named or attribution_of(source)
    if collection.licence != PER_PIECE:
        return named
    return f"{named}; {collection.title}, {collection.home}"
