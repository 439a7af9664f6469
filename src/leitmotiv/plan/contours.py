"""Energy curves, cadences and the range from conventional to adventurous in a sentence.

Conventions: "energy: 0.2 0.5 1" names points at equal distances over the piece, words such as
"climax in the middle" a curve of the vocabulary. "cadences: half, authentic" closes the phrases in
turn; "ends with a plagal cadence" closes the last one; "half cadences" closes all but the last.
"adventure: 0.7" or "very experimental" says how far the piece may stray; of several the last holds.

Public names: :func:`read_energy`, :func:`read_cadences`, :func:`read_theme_contour`,
:func:`read_drummer`, :func:`read_adventure`.
"""

from __future__ import annotations

import re
from typing import Any

from leitmotiv.errors import BriefError
from leitmotiv.plan.drums import DrumControls
from leitmotiv.plan.vocabulary import vocabulary
from leitmotiv.plan.words import Sentence, phrase_pattern

__all__ = ["read_adventure", "read_cadences", "read_drummer", "read_energy", "read_theme_contour"]

_POINT = r"-?\d+(?:\.\d+)?"


def read_energy(sentence: Sentence, fields: dict[str, Any], notes: list[str]) -> None:
    """Read an energy curve into ``energy``."""
    words = vocabulary()
    given = sentence.take(
        rf"\benergy(?:\s+curve)?\s*[:=]\s*({_POINT}(?:[\s,>-]+(?:then\s+)?{_POINT}(?!\w))*)"
    )
    if given is not None:
        curve = [float(point) for point in re.findall(r"\d+(?:\.\d+)?", given[1])]
        if "-" in re.sub(r"\d\s*-+>?\s*(?=\d)", "", given[1]) or max(curve) > 1:
            raise BriefError(
                f"energy={given[1].strip()!r} must hold points from 0 (still) to 1 (climax); write "
                "such as 'energy: 0.2 0.6 1 0.4'"
            )
        fields["energy"] = tuple(curve)
        notes.append("energy: " + " ".join(f"{point:g}" for point in curve))
        return
    match = sentence.take(phrase_pattern(words.energy_words))
    if match is not None:
        name = words.energy_words[" ".join(match.group().split())]
        fields["energy"] = words.energies[name]
        points = " ".join(f"{point:g}" for point in words.energies[name])
        notes.append(f"energy: {name} ({points})")


def read_cadences(sentence: Sentence, fields: dict[str, Any], notes: list[str]) -> None:
    """Read cadences into ``cadences`` and ``last_cadence``."""
    names = vocabulary().cadence_words
    one = phrase_pattern(names)
    listed = sentence.take(r"\bcadences\s*[:=]\s*([a-z][a-z\s,|-]*[a-z])")
    if listed is not None:
        cadences = []
        for word in re.split(r"\s*[,|]\s*|\s+(?:and|then)\s+|\s+", listed[1].strip()):
            if word not in names:
                raise BriefError(
                    f"cadences: {word!r} must be one of authentic, half, deceptive, plagal, none; "
                    "write such as 'cadences: half, authentic;' with a semicolon behind"
                )
            cadences.append(names[word])
        fields["cadences"] = tuple(cadences)
        notes.append("cadences: " + ", ".join(cadences))
    for match in list(sentence.find_all(rf"({one})\s+cadence(s?)\b|\bcadence\s+({one})")):
        name = names[" ".join((match[1] or match[3]).split())]
        sentence.blank(match)
        if match[2]:
            fields.setdefault("cadences", (name,))
            notes.append(f"cadences: {name}, but for the last")
        else:
            fields["last_cadence"] = name
            notes.append(f"last cadence: {name}")


def read_theme_contour(sentence: Sentence, fields: dict[str, Any], notes: list[str]) -> None:
    """Read the way of an invented theme into ``theme_contour``."""
    names = vocabulary().contour_words
    one = phrase_pattern(names)
    tune = r"(?:main\s+)?(?:theme|melody|tune)"
    match = sentence.take(
        rf"\b({one})\s+{tune}\b|\b{tune}\s+(?:that\s+|which\s+|is\s+|shall\s+be\s+)?({one})"
    )
    if match is not None:
        name = names[" ".join((match[1] or match[2]).split())]
        fields["theme_contour"] = name
        notes.append(f"theme: {name}")


def read_drummer(sentence: Sentence, fields: dict[str, Any], notes: list[str]) -> None:
    """Read how drums are played into ``drums``; the drums themselves are left to be read."""
    words = vocabulary()
    one = phrase_pattern(words.drummer_words)
    link = r"(?:\s*,\s*|\s+and\s+|\s+but\s+|\s+)"
    match = sentence.search(
        rf"({one}(?:{link}{one})*)(?:\s+drumming\b|(?=\s+(?:drums?|drummer|percussion)\b))"
    )
    if match is None:
        return
    controls: dict[str, float] = {}
    for word in re.findall(one, match[1]):
        controls |= words.drummers[words.drummer_words[" ".join(word.split())]]
    sentence.blank(match)
    fields["drums"] = DrumControls(**controls)
    notes.append("drums: " + ", ".join(f"{name} {value:g}" for name, value in controls.items()))


_USUAL = 0.5
_NEGATED = -0.5  # "not adventurous" is half as far on the other side


def read_adventure(sentence: Sentence, fields: dict[str, Any], notes: list[str]) -> None:
    """Read how conventional or adventurous the piece shall be into ``adventure``.

    Words of degree ("very", "a bit") scale the distance from the middle.
    """
    given = sentence.take(rf"\badventure\s*[:=]\s*({_POINT})(\s*%)?")
    if given is not None:
        value = float(given[1]) / (100.0 if given[2] else 1.0)
        if not 0 <= value <= 1:
            raise BriefError(
                f"adventure={value:g} must be between 0 (conventional) and 1 (adventurous)"
            )
        fields["adventure"] = value
        notes.append(f"adventure: {value:g}")
        return
    words = vocabulary()
    scales = "|".join(sorted(map(re.escape, words.mood_scale), key=len, reverse=True))
    word = phrase_pattern(words.adventure_words)
    for match in list(
        sentence.find_all(rf"(?:\b(not|never|nothing)\s+)?(?:\b({scales})\s+)?({word})")
    ):
        sentence.blank(match)
        name = words.adventure_words[" ".join(match[3].split())]
        scale = words.mood_scale.get(match[2] or "", 1.0) * (_NEGATED if match[1] else 1.0)
        value = _USUAL + scale * (words.adventures[name] - _USUAL)
        fields["adventure"] = value = round(min(max(value, 0.0), 1.0), 2)
        notes.append(f"adventure: {value:g} ({' '.join(match.group().split())})")
