"""The vocabulary: words of briefs and what genres usually are, read from data files.

Purpose: everything a musician may want to extend without touching code. The files lie in
``leitmotiv/plan/data``: ``vocabulary.toml`` (moods, tempo words, meters, forms, numbers),
``genres.toml`` (what a genre is when the brief is silent) and ``harmony.toml`` (see
:mod:`leitmotiv.plan.harmony`).

Public names: :class:`Mood`, :class:`Genre`, :class:`Vocabulary`, :func:`vocabulary`,
:func:`genre_names`, :func:`mood_names`, :func:`form_names`, :func:`load_data`.

References
----------
J. A. Russell, "A circumplex model of affect", J. Pers. Soc. Psychol. 39(6), 1980.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from leitmotiv.errors import PlanError

__all__ = [
    "Genre",
    "Mood",
    "PaletteEntry",
    "Vocabulary",
    "form_names",
    "genre_names",
    "load_data",
    "mood_names",
    "vocabulary",
]


@dataclass(frozen=True)
class Mood:
    """A mood word and its place: valence and arousal in [-1, 1]."""

    name: str
    valence: float
    arousal: float
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class PaletteEntry:
    """One part of a usual line-up: its name, the instrument's name and its role.

    ``span`` is the range in MIDI pitches where the name asks for less than the instrument has.
    """

    name: str
    instrument: str
    role: str
    span: tuple[int, int] | None = None


@dataclass(frozen=True)
class Genre:
    """What a piece of one genre usually is. ``bpm`` counts felt beats, from calm to excited."""

    name: str
    words: tuple[str, ...]
    rank: int
    bpm: tuple[float, float]
    meters: dict[str, float]
    forms: dict[str, float]
    minor: float
    modes: tuple[str, ...]
    harmony: str
    bars: tuple[int, ...]
    ending: str
    nouns: tuple[str, ...]
    palettes: tuple[tuple[PaletteEntry, ...], ...]


@dataclass(frozen=True)
class Vocabulary:
    """All tables of the vocabulary. Word tables map a lower-case phrase to a canonical name."""

    moods: dict[str, Mood]
    mood_words: dict[str, str]
    mood_scale: dict[str, float]
    genres: dict[str, Genre]
    genre_words: dict[str, str]
    tempos: dict[str, tuple[float, float]]
    tempo_words: dict[str, str]
    tempo_scale: dict[str, float]
    meter_words: dict[str, str]
    word_meters: dict[str, str]
    forms: tuple[str, ...]
    form_words: dict[str, str]
    numbers: dict[str, int]
    stop_words: frozenset[str] = field(default_factory=frozenset)


@cache
def load_data(name: str) -> dict[str, Any]:
    """Read one of the package's TOML tables.

    Raises
    ------
    PlanError
        If the file is missing or is not TOML.
    """
    entry = resources.files("leitmotiv.plan") / "data" / f"{name}.toml"
    try:
        return tomllib.loads(entry.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise PlanError(
            f"data file {name}.toml cannot be read: {error}; reinstall Leitmotiv"
        ) from None


def _entry(text: str) -> PaletteEntry:
    name, _, rest = text.partition("=")
    instrument, _, role = rest.rpartition(":")
    task, _, span = role.strip().partition(" ")
    low, _, high = span.partition("-")
    limits = (int(low), int(high)) if span else None
    return PaletteEntry(name.strip(), instrument.strip(), task, limits)


def _genre(name: str, table: dict[str, Any]) -> Genre:
    return Genre(
        name=name,
        words=tuple(table["words"]),
        rank=int(table["rank"]),
        bpm=(float(table["bpm"][0]), float(table["bpm"][1])),
        meters={meter: float(weight) for meter, weight in table["meters"].items()},
        forms={form: float(weight) for form, weight in table["forms"].items()},
        minor=float(table["minor"]),
        modes=tuple(table.get("modes", ())),
        harmony=str(table["harmony"]),
        bars=tuple(table["bars"]),
        ending=str(table["ending"]),
        nouns=tuple(table["nouns"]),
        palettes=tuple(tuple(_entry(text) for text in line_up) for line_up in table["palettes"]),
    )


@cache
def vocabulary() -> Vocabulary:
    """Return the vocabulary, read once.

    Examples
    --------
    >>> words = vocabulary()
    >>> words.mood_words["sorrow"], words.moods["sad"].valence < 0
    ('sad', True)
    """
    data = load_data("vocabulary")
    moods = {
        name: Mood(name, entry["valence"], entry["arousal"], tuple(entry["words"]))
        for name, entry in data["moods"].items()
    }
    genres = {name: _genre(name, table) for name, table in load_data("genres").items()}
    tempos = {name: tuple(entry["bpm"]) for name, entry in data["tempos"].items()}
    return Vocabulary(
        moods=moods,
        mood_words={word: m.name for m in moods.values() for word in (m.name, *m.words)},
        mood_scale=dict(data["mood_scale"]),
        genres=genres,
        genre_words={word: g.name for g in genres.values() for word in (g.name, *g.words)},
        tempos=tempos,
        tempo_words={
            word: name for name, entry in data["tempos"].items() for word in (name, *entry["words"])
        },
        tempo_scale=dict(data["tempo_scale"]),
        meter_words={word: meter for meter, words in data["meters"].items() for word in words},
        word_meters=dict(data["word_meters"]),
        forms=tuple(data["forms"]),
        form_words={
            word.lower(): name for name, words in data["forms"].items() for word in (name, *words)
        },
        numbers=dict(data["numbers"]),
        stop_words=frozenset(data["words"]["stop"].split()),
    )


def mood_names() -> tuple[str, ...]:
    """Return the canonical mood words."""
    return tuple(vocabulary().moods)


def genre_names() -> tuple[str, ...]:
    """Return the genres, in the order of the data file."""
    return tuple(vocabulary().genres)


def form_names() -> tuple[str, ...]:
    """Return the forms that the planner can build, besides letter forms such as ABACA."""
    return vocabulary().forms
