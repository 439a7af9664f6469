"""The vocabulary: words of briefs and what genres usually are, read from data files.

Purpose: everything a musician may want to extend without touching code. The files lie in
``leitmotiv/plan/data``: ``vocabulary.toml`` (moods, tempo words, meters, forms, numbers),
``genres.toml`` (what a genre is when the brief is silent) and ``harmony.toml`` (see
:mod:`leitmotiv.plan.harmony`).

Public names: :class:`Mood`, :class:`Genre`, :class:`Vocabulary`, :func:`vocabulary`,
:func:`genre_names`, :func:`mood_names`, :func:`form_names`, :func:`load_data`,
:func:`extended_vocabulary`.

References
----------
J. A. Russell, "A circumplex model of affect", J. Pers. Soc. Psychol. 39(6), 1980.
"""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from leitmotiv.errors import PlanError

__all__ = [
    "Genre",
    "Mood",
    "PaletteEntry",
    "Vocabulary",
    "extended_vocabulary",
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
    energies: dict[str, tuple[float, ...]] = field(default_factory=dict)
    energy_words: dict[str, str] = field(default_factory=dict)
    cadence_words: dict[str, str] = field(default_factory=dict)
    contour_words: dict[str, str] = field(default_factory=dict)
    drummers: dict[str, dict[str, float]] = field(default_factory=dict)
    drummer_words: dict[str, str] = field(default_factory=dict)
    comparisons: dict[str, dict[str, float]] = field(default_factory=dict)
    comparison_words: dict[str, str] = field(default_factory=dict)
    comparatives: dict[str, str] = field(default_factory=dict)
    instrument_words: dict[str, str] = field(default_factory=dict)
    adventures: dict[str, float] = field(default_factory=dict)
    adventure_words: dict[str, str] = field(default_factory=dict)


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


_own_files: ContextVar[tuple[Path, ...]] = ContextVar("own_files", default=())


@contextmanager
def extended_vocabulary(paths: Iterable[str | Path]) -> Iterator[Vocabulary]:
    """Add words of one's own, from TOML files or folders of them, inside a ``with`` block.

    The files hold tables named as in ``leitmotiv/plan/data``: ``moods``, ``tempos``, ``meters``,
    ``forms`` (words of known forms), ``energy``, ``cadences``, ``contours``, ``drummers``,
    ``adventure``, ``comparisons``, ``comparatives``, ``genres``, and ``instruments`` (name to
    General MIDI name). An entry that exists is extended, a new one added; of two files the later
    wins.

    Raises
    ------
    PlanError
        If a file cannot be read, is not TOML, or an entry is not what its table holds.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     own = Path(folder) / "own.toml"
    ...     _ = own.write_text("[moods.hygge]\\nvalence = 0.6\\narousal = -0.4\\nwords = []")
    ...     with extended_vocabulary([own]) as words:
    ...         words.moods["hygge"].valence
    0.6
    """
    found: list[Path] = []
    for path in map(Path, paths):
        inside = sorted(path.glob("*.toml")) if path.is_dir() else [path]
        if not inside:
            raise PlanError(f"words: the folder {str(path)!r} holds no .toml file; add one")
        found += inside
    token = _own_files.set((*_own_files.get(), *found))
    try:
        yield vocabulary()
    finally:
        _own_files.reset(token)
        _read_vocabulary.cache_clear()


def vocabulary() -> Vocabulary:
    """Return the vocabulary, read once.

    Examples
    --------
    >>> words = vocabulary()
    >>> words.mood_words["sorrow"], words.moods["sad"].valence < 0
    ('sad', True)
    """
    return _read_vocabulary(_own_files.get())


def _read_own(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise PlanError(f"words: {str(path)!r} cannot be read: {error}; mend that file") from None


def _merge(data: dict[str, Any], own: dict[str, Any], path: Path) -> None:
    """Add the tables of one's own file to those of the package."""
    for table, entries in own.items():
        if table not in data or table in ("numbers", "words"):
            known = ", ".join(sorted(set(data) - {"numbers", "words"}))
            raise PlanError(
                f"words: table [{table}] of {str(path)!r} is not known; use one of {known}"
            )
        if not isinstance(entries, dict):
            raise PlanError(f"words: {table} of {str(path)!r} must be a table; write [{table}]")
        for name, entry in entries.items():
            before = data[table].get(name)
            if isinstance(before, dict) and isinstance(entry, dict):
                words = [*before.get("words", ()), *entry.get("words", ())]
                data[table][name] = {**before, **entry, "words": words}
            elif isinstance(before, list) and isinstance(entry, list):
                data[table][name] = [*before, *entry]
            elif table in ("forms", "cadences", "contours") and before is None:
                known = ", ".join(data[table])
                raise PlanError(
                    f"words: {table}.{name} of {str(path)!r} must be one of {known}; a file of "
                    "words can name what exists, not add to it"
                )
            else:
                data[table][name] = entry


def _check_mood(mood: Mood) -> Mood:
    for field_name, value in (("valence", mood.valence), ("arousal", mood.arousal)):
        if not -1 <= value <= 1:
            raise PlanError(
                f"words: {field_name}={value:g} of mood {mood.name!r} must be between -1 and 1"
            )
    return mood


@lru_cache(maxsize=8)
def _read_vocabulary(own_files: tuple[Path, ...]) -> Vocabulary:
    data = {**load_data("vocabulary"), **load_data("shape"), "genres": load_data("genres")}
    data["instruments"] = {}
    if own_files:
        data = copy.deepcopy(data)
        for path in own_files:
            _merge(data, _read_own(path), path)
    try:
        return _build(data)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        names = ", ".join(str(path) for path in own_files)
        raise PlanError(
            f"words: an entry of {names} lacks something or is of the wrong kind ({error}); "
            "compare with the entries of the same table on the page about briefs"
        ) from None


def _words_of(table: dict[str, Any]) -> dict[str, str]:
    return {
        word.lower(): name
        for name, entry in table.items()
        for word in (name, *(entry["words"] if isinstance(entry, dict) else entry))
    }


def _build(data: dict[str, Any]) -> Vocabulary:
    moods = {
        name: _check_mood(
            Mood(name, float(entry["valence"]), float(entry["arousal"]), tuple(entry["words"]))
        )
        for name, entry in data["moods"].items()
    }
    genres = {name: _genre(name, table) for name, table in data["genres"].items()}
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
        form_words=_words_of(data["forms"]),
        numbers=dict(data["numbers"]),
        stop_words=frozenset(data["words"]["stop"].split()),
        energies={name: tuple(map(float, e["curve"])) for name, e in data["energy"].items()},
        # The names of curves, such as "full", are everyday words: only their phrases count.
        energy_words={w.lower(): name for name, e in data["energy"].items() for w in e["words"]},
        cadence_words=_words_of(data["cadences"]),
        contour_words=_words_of(data["contours"]),
        drummers={
            name: {control: float(entry[control]) for control in entry if control != "words"}
            for name, entry in data["drummers"].items()
        },
        drummer_words=_words_of(data["drummers"]),
        comparisons={
            name: {key: float(value) for key, value in entry.items() if key != "words"}
            for name, entry in data["comparisons"].items()
        },
        comparison_words=_words_of(data["comparisons"]),
        comparatives=dict(data["comparatives"]),
        instrument_words={name.lower(): str(gm) for name, gm in data["instruments"].items()},
        adventures={name: float(entry["value"]) for name, entry in data["adventure"].items()},
        adventure_words=_words_of(data["adventure"]),
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
