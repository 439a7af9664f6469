"""Keys and modes in a sentence.

Conventions: "D minor", "Dm", "d-moll", "in D" and "key of D" name a key; "a minor key" a mode.
One key is the main one, the most clearly written; keys and modes beside it are the planner's to
choose and count as not understood.

Public names: :func:`read_key`, :func:`read_mode`.
"""

from __future__ import annotations

import re
from typing import Any

from leitmotiv.errors import BriefError, TheoryError
from leitmotiv.plan.words import Sentence
from leitmotiv.theory import Key

__all__ = ["read_key", "read_mode"]

_MODES = "major|minor|maj|min|dur|moll|dorian|phrygian|lydian|mixolydian|aeolian|ionian|locrian"
_SIGN = r"(?:##?|bb?|[\s-]*(?:sharp|flat)\b)?"


def _parse_key(text: str) -> Key:
    try:
        return Key.parse(text)
    except TheoryError as error:
        raise BriefError(f"key={text!r} does not exist: {error}") from None


def read_key(sentence: Sentence, fields: dict[str, Any], notes: list[str]) -> None:
    """Read the main key into ``key``; others are set aside."""
    found = _find_key(sentence)
    if found is not None:
        key = _parse_key(found[0])
        fields["key"] = str(key)
        notes.append(f"key: {key}")
        sentence.blank(found[1])
        _set_aside_keys(sentence, key)
        return
    bad = sentence.search(
        rf"\bkey(?:\s+of|\s*[:=])?\s+([h-z](?:[#b]*))(?![\w#])|"
        rf"(?<![\w#])([h-z][#b]*)[\s-]+(?:{_MODES})\b|(?<![\w#])([h-z]#+)(?![\w#])"
    )
    if bad is not None:
        name = next(group for group in bad.groups() if group)
        name = name[0].upper() + name[1:]
        remedy = "; German H is written B" if name == "H" else ""
        raise BriefError(
            f"key={name!r} must start with a letter A to G, with # or b if needed{remedy}; "
            "write one such as 'F# minor'"
        )


def _set_aside_keys(sentence: Sentence, main: Key) -> None:
    """Keys beside the main one are the planner's to choose: name them as not understood."""
    found = _find_key(sentence)
    while found is not None:
        try:
            other = Key.parse(found[0])
            # "A minor piece" may be an article.
            same = other == main or (found[0].startswith("a ") and other.mode == main.mode)
        except TheoryError:
            same = False
        if same:
            sentence.blank(found[1])
        else:
            sentence.set_aside(found[1])
        found = _find_key(sentence)


def _find_key(sentence: Sentence) -> tuple[str, re.Match[str]] | None:
    """Return the name of the most clearly written key, and where it stands."""
    german = sentence.search(r"\b([a-h](?:is|es|s)?)[\s-]?(dur|moll)\b")
    if german is not None:
        return german.group(), german
    pattern = (
        r"(?:\b(?:in|key of|key[:=]?)\s+(?:the\s+key\s+of\s+)?)?"
        rf"(?<![\w#])([a-g])({_SIGN})[\s-]+({_MODES})\b"
    )
    for match in sentence.find_all(pattern):
        letter = sentence.original[match.start(1)]
        article = letter == "a" and not match[2].strip()
        after = sentence.lower[match.end() :].lstrip()
        led = match.group().startswith(("in", "key"))
        names_mode = after.startswith(("key", "mode", "scale", "tonality"))
        if article and (
            names_mode or (not led and match[3] not in ("major", "minor", "maj", "min"))
        ):
            continue
        return f"{letter}{match[2]} {match[3]}", match
    short = sentence.search(r"(?<![\w#])([A-G](?:##?|bb?)?)(maj|min|m)(?![\w#])", cased=True)
    if short is not None:
        return short.group(), short
    prefix = r"\b(?i:in|key\s+of|key\s*[:=]?)\s+(?i:the\s+key\s+of\s+)?"
    bare = sentence.search(
        prefix + r"([A-G]|[b-g])(##?|bb?|[\s-]+(?i:sharp|flat)\b)?(?![\w#'])", cased=True
    ) or sentence.search(r"(?<![\w#])([A-G])(##?|bb?|[\s-]+(?i:sharp|flat)\b)(?![\w#])", cased=True)
    if bare is None:
        return None
    return f"{bare[1]}{bare[2] or ''}", bare


def read_mode(sentence: Sentence, fields: dict[str, Any], notes: list[str]) -> None:
    """Read a mode without a tonic into ``mode``; one that contradicts is set aside."""
    match = sentence.search(rf"\b({_MODES})\b")
    while match is not None:
        mode = _parse_key(f"C {match[1]}").mode.value
        if "key" not in fields and "mode" not in fields:
            fields["mode"] = mode
            notes.append(f"mode: {mode}")
        known = fields["mode"] if "mode" in fields else Key.parse(fields["key"]).mode.value
        if mode == known:
            sentence.blank(match)
        else:
            sentence.set_aside(match)
        match = sentence.search(rf"\b({_MODES})\b")
