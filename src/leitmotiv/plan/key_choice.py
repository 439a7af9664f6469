"""Keys of a plan: where the piece is at home, and where its contrasts go.

Conventions: weights by signature in fifths; frames and returns stay at home.

Public names: :func:`choose_key`, :func:`set_keys`, :func:`pick`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from leitmotiv.plan.brief import Brief
from leitmotiv.plan.cadences import estimate_key_of_chords, estimate_key_of_theme
from leitmotiv.plan.form import SectionSketch
from leitmotiv.plan.vocabulary import Genre
from leitmotiv.theory import ChordSymbol, Key, Mode

__all__ = ["choose_key", "pick", "set_keys"]

# Keys that lie well for most instruments, by signature in fifths: weights.
_MAJOR_FIFTHS = {0: 4, 1: 5, 2: 4, -1: 4, -2: 3, -3: 2, 3: 2}
_MINOR_FIFTHS = {0: 4, -1: 5, 1: 4, -2: 4, 2: 2, -3: 3}
_GUITAR_MAJOR = {0: 3, 1: 5, 2: 4, 3: 4, 4: 4}
_GUITAR_MINOR = {0: 5, 1: 5, 2: 3, -1: 2}
# Where the contrasting section goes, in fifths and mode from home: weights.
_CONTRAST_MAJOR: dict[str, float] = {"dominant": 3, "relative": 3, "subdominant": 1.5, "home": 1}
_CONTRAST_MINOR: dict[str, float] = {"relative": 5, "subdominant": 1, "dominant": 1, "home": 1}
_MODULATING = ("classical", "romantic", "hymn", "baroque", "ragtime", "film", "jazz")


def pick(weights: Mapping[Any, float], rng: np.random.Generator) -> Any:
    """Draw one of the names by their weights."""
    names = list(weights)
    values = np.array([weights[name] for name in names], dtype=np.float64)
    return names[int(rng.choice(len(names), p=values / values.sum()))]


def choose_key(
    brief: Brief, genre: Genre, valence: float, parts_words: str, rng: np.random.Generator
) -> Key:
    """Return the brief's key, that of its chords or theme, or one that suits mood and players."""
    if brief.key is not None:
        return Key.parse(brief.key)
    if brief.chords is not None:
        return estimate_key_of_chords([ChordSymbol.parse(symbol) for symbol in brief.chords])
    if brief.theme is not None:
        key = estimate_key_of_theme(brief.theme)
        other = brief.mode is not None and Mode(brief.mode).is_minor_like != key.mode.is_minor_like
        return key.parallel if other else key
    minor = min(max(genre.minor - 0.8 * valence, 0.02), 0.98)
    if genre.harmony == "blues":
        minor = genre.minor - 0.2 * valence
    if brief.mode is not None:
        mode = Mode(brief.mode)
        rng.random()
    else:
        mode = Mode.MINOR if rng.random() < minor else Mode.MAJOR
        fitting = [m for m in genre.modes if Mode(m).is_minor_like == (mode is Mode.MINOR)]
        if fitting and rng.random() < 0.25:
            mode = Mode(fitting[int(rng.integers(len(fitting)))])
    guitars = "Guitar" in parts_words
    if mode.is_minor_like:
        table = _GUITAR_MINOR if guitars else _MINOR_FIFTHS
    else:
        table = _GUITAR_MAJOR if guitars else _MAJOR_FIFTHS
    return Key.from_fifths(int(pick(dict(table), rng)), mode)


def set_keys(
    sections: list[SectionSketch], home: Key, genre: Genre, form: str, rng: np.random.Generator
) -> None:
    """Give every section a key: contrasts may leave home, the frame never does."""
    contrast: dict[str, Key] = {}
    can_leave = (
        genre.harmony in _MODULATING
        and home.mode in (Mode.MAJOR, Mode.MINOR)
        and form not in ("verse-chorus", "strophic", "blues", "loop")
    )
    variation = int(rng.integers(2, max(len(sections) - 1, 3)))
    for index, section in enumerate(sections):
        section.key = home
        if form == "variations" and index == variation and home.mode in (Mode.MAJOR, Mode.MINOR):
            section.key = home.parallel
        last = index == len(sections) - 1
        if section.letter not in "BCDE" or not can_leave or section.num_bars < 4 or last:
            continue
        if section.letter not in contrast:
            contrast[section.letter] = _contrast_key(home, genre, section.letter, rng)
        section.key = contrast[section.letter]


def _contrast_key(home: Key, genre: Genre, letter: str, rng: np.random.Generator) -> Key:
    weights = dict(_CONTRAST_MINOR if home.mode is Mode.MINOR else _CONTRAST_MAJOR)
    if genre.name in ("march", "ragtime"):
        weights["subdominant"] = 5
    if genre.harmony in ("romantic", "film"):
        weights["parallel"] = 1.5
    if genre.harmony == "jazz":
        weights = {"home": 4, "subdominant": 1, "relative": 1}
    if letter != "B":
        weights["relative"] += 2
    choice = pick(weights, rng)
    if choice == "relative":
        return home.relative
    if choice == "parallel":
        return home.parallel
    if choice == "home":
        return home
    step = 7 if choice == "dominant" else 5
    return home.transpose(step)
