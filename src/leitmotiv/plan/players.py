"""Genres, ensembles and instruments in a sentence, with counts and exclusions.

Conventions: "two violins and cello" gives three players; "string quartet" gives its four; "no
drums" and "without piano" fill ``without``. "For piano and drums" names everybody who plays, "rock
with piano and drums" those who must be in the genre's band (``joining``); drums alone always join
a band, unless the text says solo or only. Where two genres are named, the higher rank of the
vocabulary is the genre and the other one lends its meter or line-up ("orchestral waltz").

Public names: :func:`find_players`, :func:`find_excluded`.
"""

from __future__ import annotations

import re
from itertools import islice, pairwise
from typing import Any

from leitmotiv.errors import BriefError
from leitmotiv.plan.brief import PartRange
from leitmotiv.plan.palette import MAX_PLANNED_PARTS, is_excluded
from leitmotiv.plan.vocabulary import vocabulary
from leitmotiv.plan.words import NUMBER, Sentence, phrase_pattern, read_number
from leitmotiv.score.general_midi import (
    DRUM_KIT,
    ENSEMBLES,
    GM_INSTRUMENTS,
    Instrument,
    find_ensemble,
    is_instrument_name,
)
from leitmotiv.score.general_midi import find_instrument as find_known_instrument
from leitmotiv.theory import parse_pitch, pitch_name

__all__ = ["find_excluded", "find_players"]

# Words that name an instrument in General MIDI but mostly mean something else in a request.
_NO_INSTRUMENT_TEXT = """
beat beats key lead soundtrack atmosphere crystal drone sea waves ocean bird birds telephone square
sweep grand chorus brightness 808 909 ep kit kick vibe vibes vox string aah ooh
"""
_NO_INSTRUMENT = frozenset(_NO_INSTRUMENT_TEXT.split())
_NO_ENSEMBLE_TEXT = """
piano song lied band winds chorale choral orchestral ambient electronic chiptune lofi lo-fi synths
8-bit fanfare chorus
"""
# Names of ensembles that a genre or a single instrument claims first.
_NO_ENSEMBLE = frozenset(_NO_ENSEMBLE_TEXT.split()) | {"solo piano", "piano piece", "8 bit"}
_ENSEMBLE_GENRES = {
    "rock band": "rock", "metal band": "rock", "pop band": "pop", "jazz trio": "jazz",
    "jazz quartet": "jazz", "jazz quintet": "jazz", "big band": "jazz", "folk band": "folk",
}  # fmt: skip
# A section word alone asks for the whole section.
_ALONE = {
    "String Ensemble 1": "string orchestra",
    "String Ensemble 2": "string orchestra",
    "Brass Section": "brass quintet",
}
_JOINING = "with|featuring|including|plus|adding|feat"
_EXACT = "for|by|played|of|trio|duo|duet|quartet|quintet"
_ALONE_WORDS = r"\b(?:solo|only|alone|unaccompanied|nothing but|just)\b"
_NUMBER_WORDS = {"a", "an", "one", "solo", "single", "the", "some"}
_LENDERS = ("orchestral", "nocturne", "choral", "baroque")
_LONGEST = 4
_WORD = re.compile(r"[^\W_][\w'&-]*")
_NO_START = _NUMBER_WORDS | {"and", "with", "for", "of", "in", "or", "by", "two", "three", "four"}
_NO_START |= {"bars", "measures"}  # "bars piano" is no honky-tonk
_NO_END = {"solo", "section", "i", "ii", "1", "2", "3", "4", "and", "the", "slow", "loud", "soft"}


def find_instrument(text: str) -> Instrument | None:
    """Return the instrument of a name: of the vocabulary's own first, then of General MIDI."""
    own = vocabulary().instrument_words.get(" ".join(text.lower().split()))
    return find_known_instrument(own or text)


def find_excluded(sentence: Sentence, fields: dict[str, Any], notes: list[str]) -> None:
    """Read "no drums", "without piano or bass" into ``without``."""
    excluded: list[str] = []
    for match in list(sentence.find_all(r"\b(?:no|without(?:\s+any)?|minus|except(?:\s+for)?)\s+")):
        position, start = match.end(), match.start()
        found = _instrument_at(sentence, position)
        while found is not None:
            instrument, end = found
            excluded.append("drums" if instrument.is_drum else instrument.name)
            sentence.blank_span(start, end)
            start = end
            link = re.compile(r"\s*(?:,|&|\band\b|\bor\b|\bnor\b)+\s*(?:no\s+|any\s+)?").match(
                sentence.lower, end
            )
            found = None if link is None else _instrument_at(sentence, link.end())
            # "no drums and two violins" excludes the drums alone.
            if link is not None and re.match(
                r"(?:an?|the|with|two|three|\d)\b", sentence.lower[link.end() :]
            ):
                found = None
    if excluded:
        fields["without"] = tuple(dict.fromkeys(excluded))
        notes += [f"without: {name}" for name in fields["without"]]


def _instrument_at(sentence: Sentence, position: int) -> tuple[Instrument, int] | None:
    words = list(islice(_WORD.finditer(sentence.lower, position), _LONGEST))
    gaps = [sentence.lower[a.end() : b.start()] for a, b in pairwise(words)]
    if not words or sentence.lower[position : words[0].start()].strip():
        return None
    for count in range(len(words), 0, -1):
        if any(gap.strip() for gap in gaps[: count - 1]):
            continue
        phrase = sentence.lower[words[0].start() : words[count - 1].end()]
        if not _may_be_instrument(phrase) or _ends_in_a_count(sentence, words, count):
            continue
        instrument = find_instrument(phrase)
        if instrument is not None:
            return instrument, words[count - 1].end()
    return None


def _ends_in_a_count(sentence: Sentence, words: list[re.Match[str]], count: int) -> bool:
    """Return whether the last word is the number of the next player: "slap bass 2 flutes"."""
    last = words[count - 1]
    if not last.group().isdigit() or count == len(words):
        return False
    following = words[count]
    gap = sentence.lower[last.end() : following.start()]
    return not gap.strip() and find_instrument(following.group()) is not None


def _may_be_instrument(phrase: str) -> bool:
    words = phrase.split()
    if phrase in vocabulary().instrument_words:
        return True
    if words[0] not in _NO_START and len(words) > 1 and is_instrument_name(phrase):
        return True
    if words[0] in _NO_START or words[-1] in _NO_END or re.fullmatch(r"\d+", words[0]):
        return False
    return not (len(words) == 1 and words[0] in _NO_INSTRUMENT)


def find_players(
    sentence: Sentence, fields: dict[str, Any], notes: list[str], *, has_band: bool = False
) -> list[str]:
    """Read ensembles, genres and instruments; return mood words inside instrument names.

    With ``has_band`` there is a line-up already, which instruments behind "with" join.
    """
    players: list[tuple[int, tuple[str, ...]]] = []
    carried: list[str] = []
    joining: list[tuple[int, tuple[str, ...]]] = []
    ranges: list[PartRange] = []
    named = _take_ensembles(sentence, shortest=2)
    typed = sentence.lower
    # "rock organ" and "orchestra hit" are instruments before rock is a genre.
    individuals, lent = _take_compounds(sentence, notes, carried, joining, ranges)
    genres = _take_genres(sentence, fields, notes)
    named += _take_ensembles(sentence, shortest=1)
    hint: str | None = None
    for start, name in sorted(named):
        players.append((start, _ensemble_players(name)))
        notes.append(f"ensemble: {name}")
        hint = hint or _ENSEMBLE_GENRES.get(name)
    if not genres and hint is None and lent and "genre" not in fields:
        genres = lent[:1]
    individuals += _take_instruments(sentence, notes, carried, joining, ranges, typed)
    players += individuals
    if ranges:
        fields["ranges"] = tuple(ranges)
    _refuse_contradiction(
        [name for _, group in individuals + joining for name in group],
        fields,
        in_ensemble=bool(named),
        closed=bool(individuals) and not named,
    )
    has_genre = has_band or bool(genres) or hint is not None or "genre" in fields
    if players or not (has_genre or _only_drums(joining, sentence)):
        players += joining
        joining = []
    if _only_drums(players, sentence):
        joining, players = players, []
    names = [name for _, group in sorted(players) for name in group]
    if joining:
        fields["joining"] = tuple(name for _, group in sorted(joining) for name in group)
    _settle_genre(genres, hint, fields, notes, has_players=bool(names))
    if len(names) == 1 and names[0] in _ALONE:
        notes.append(f"ensemble: {_ALONE[names[0]]}")
        names = list(_ensemble_players(_ALONE[names[0]]))
    if len(names) > MAX_PLANNED_PARTS:
        raise BriefError(
            f"instruments={len(names)} players must be at most {MAX_PLANNED_PARTS}; "
            "name fewer instruments or a section such as 'strings'"
        )
    if names:
        fields["instruments"] = tuple(names)
    return carried


def _refuse_contradiction(
    names: list[str], fields: dict[str, Any], *, in_ensemble: bool, closed: bool
) -> None:
    """Raise where an instrument is both asked for by its name and excluded.

    An ensemble may lack a member ("string quartet without viola"). An exclusion of a relative
    ("harpsichord, no piano") is kept where a genre chooses players, and is met anyway by a
    ``closed`` list.
    """
    without = fields.get("without", ())
    for name in dict.fromkeys(names):
        plain = "drums" if name == DRUM_KIT.name else name
        if plain in without:
            raise BriefError(
                f"the text asks for {name!r} and excludes it too (without={plain!r}); "
                "drop one of the two"
            )
        if in_ensemble and is_excluded(_known(name), without):
            raise BriefError(
                f"the text asks for {name!r} beside an ensemble, but "
                f"without={', '.join(without)!r} excludes its whole family; name the players one "
                "by one instead of the ensemble"
            )
    if closed and without:
        kept = {_family(name) for name in names}
        without = tuple(word for word in without if _family(word) not in kept)
        fields["without"] = without


def _known(name: str) -> Instrument:
    instrument = find_instrument(name)
    assert instrument is not None, name  # names come from the table
    return instrument


def _family(name: str) -> str:
    instrument = find_instrument(name)
    return name if instrument is None or instrument.is_drum else instrument.family


def _take_ensembles(sentence: Sentence, *, shortest: int) -> list[tuple[int, str]]:
    """Take ensemble names of at least some words; return where each stood."""
    found: list[tuple[int, str]] = []
    for token in sentence.tokens():
        if sentence.lower[token.start() : token.end()] != token.group():
            continue  # inside a name taken before
        words = list(islice(_WORD.finditer(sentence.lower, token.start()), _LONGEST))
        for count in range(len(words), 0, -1):
            phrase = sentence.lower[token.start() : words[count - 1].end()]
            plain = " ".join(phrase.replace("-", " ").split())
            if len(plain.split()) < shortest or plain in _NO_ENSEMBLE or phrase in _NO_ENSEMBLE:
                continue
            if plain.split()[0] in _NO_START or "\x00" in phrase:
                continue
            parts = find_ensemble(plain)
            name = next((name for name, known in ENSEMBLES.items() if known is parts), None)
            if name is not None and name != "piano solo":
                found.append((token.start(), name))
                sentence.blank_span(token.start(), words[count - 1].end())
                break
    return found


def _ensemble_players(name: str) -> tuple[str, ...]:
    return tuple(part.instrument.name for part in ENSEMBLES[name])


def _take_genres(sentence: Sentence, fields: dict[str, Any], notes: list[str]) -> list[str]:
    words = vocabulary().genre_words
    pattern = phrase_pattern(words)
    found: list[tuple[int, str]] = []
    match = sentence.take(pattern)
    while match is not None:
        word = " ".join(match.group().split())
        found.append((match.start(), words[word]))
        if word in vocabulary().word_meters and "meter" not in fields:
            fields["meter"] = vocabulary().word_meters[word]
            notes.append(f"meter: {fields['meter']} (from {word})")
        match = sentence.take(pattern)
    return list(dict.fromkeys(name for _, name in sorted(found)))


def _settle_genre(
    names: list[str],
    hint: str | None,
    fields: dict[str, Any],
    notes: list[str],
    *,
    has_players: bool,
) -> None:
    """Choose the genre where several are named; the others lend meter or line-up."""
    genres = vocabulary().genres
    if "genre" in fields:  # from the form
        names = [fields["genre"], *(name for name in names if name != fields["genre"])]
    if hint is not None and hint not in names:
        names = [*names, hint]
    if not names:
        return
    main = max(names, key=lambda name: (genres[name].rank, -names.index(name)))
    fields["genre"] = main
    notes.append(f"genre: {main}")
    for name in names:
        if name == main:
            continue
        other = genres[name]
        if "meter" not in fields and len(other.meters) == 1 and other.meters != genres[main].meters:
            fields["meter"] = next(iter(other.meters))
            notes.append(f"meter: {fields['meter']} (from {name})")
        elif name in _LENDERS and not has_players:
            line_up = tuple(dict.fromkeys(other.palettes[0]))
            fields["instruments"] = tuple(entry.instrument for entry in line_up)
            notes.append(f"line-up: {name}")
        else:
            notes.append(f"also: {name}")


_Players = list[tuple[int, tuple[str, ...]]]
_PITCH = r"([a-g](?:##?|bb?)?-?\d)(?![\w#])"
_RANGE = re.compile(
    rf"\s*[(\[]?\s*(?:(?:in\s+the\s+)?range\s*[:=]?\s*)?(?:from|between)?\s*{_PITCH}"
    rf"\s*(?:-|\.\.|to\b|and\b)\s*{_PITCH}\s*[)\]]?"
)


def _take_compounds(
    sentence: Sentence,
    notes: list[str],
    carried: list[str],
    joining: _Players,
    ranges: list[PartRange],
) -> tuple[_Players, list[str]]:
    """Take instruments whose names hold the word of a genre or of an ensemble.

    Returns the players, and the genres that their names lend where none is named.
    """
    typed = sentence.lower
    words = vocabulary().genre_words
    players: _Players = []
    for instrument in GM_INSTRUMENTS:
        # Full names with brackets, as General MIDI prints them: "Lead 1 (square)".
        match = (
            sentence.search(re.escape(instrument.name.lower())) if "(" in instrument.name else None
        )
        if match is not None:
            _take(sentence, match.span(), instrument, (notes, joining, ranges, players), typed)
    lent: list[str] = []
    genre = re.compile(phrase_pattern(words))
    genres = list(sentence.find_all(genre.pattern))
    for token in sentence.tokens():
        if sentence.lower[token.start() : token.end()] != token.group():
            continue
        found = _instrument_at(sentence, token.start())
        if found is None:
            continue
        instrument, end = found
        phrase = sentence.lower[token.start() : end]
        inside = [m for m in genres if token.start() < m.end() and m.start() < end]
        cut = any(m.start() < token.start() or end <= m.end() - 1 for m in inside)
        holds = bool(inside) or any(find_ensemble(word) for word in phrase.split())
        if len(phrase.split()) < 2 or cut or not holds or not is_instrument_name(phrase):
            continue
        if any(m.span() == (token.start(), end) for m in inside) or find_ensemble(phrase):
            continue
        if _take(
            sentence, (token.start(), end), instrument, (notes, joining, ranges, players), typed
        ):
            lent += [words[" ".join(m.group().split())] for m in inside]
            carried += [word for word in phrase.split() if word in vocabulary().mood_words]
    return players, lent


def _take(
    sentence: Sentence,
    span: tuple[int, int],
    instrument: Instrument,
    lists: tuple[list[str], _Players, list[PartRange], _Players],
    typed: str,
) -> bool:
    """Take one instrument with its count and range; False where its count is zero."""
    notes, joining, ranges, players = lists
    start, count = _count_before(sentence, span[0], sentence.lower[slice(*span)])
    if count == 0:
        return False
    name = DRUM_KIT.name if instrument.is_drum else instrument.name
    limits = None if instrument.is_drum else _RANGE.match(sentence.lower, span[1])
    sentence.blank_span(start, span[1] if limits is None else limits.end())
    group = (start, (name,) * (1 if instrument.is_drum else count))
    (joining if _joins(typed, start) else players).append(group)
    note = f"instrument: {name}" + (f" × {count}" if count > 1 else "")
    if limits is not None:
        low, high = (parse_pitch(text[0].upper() + text[1:]) for text in limits.groups())
        ranges.append(PartRange(instrument=name, low=low, high=high))
        note += f" ({pitch_name(low)} to {pitch_name(high)})"
    notes.append(note)
    return True


def _take_instruments(
    sentence: Sentence,
    notes: list[str],
    carried: list[str],
    joining: _Players,
    ranges: list[PartRange],
    typed: str,
) -> _Players:
    """Take instruments; those behind "with" go to ``joining``, the others are returned."""
    moods = vocabulary().mood_words
    players: _Players = []
    for token in sentence.tokens():
        if sentence.lower[token.start() : token.end()] != token.group():
            continue  # blanked as part of an earlier name
        found = _instrument_at(sentence, token.start())
        if found is None:
            continue
        instrument, end = found
        phrase = sentence.lower[token.start() : end]
        if _take(
            sentence, (token.start(), end), instrument, (notes, joining, ranges, players), typed
        ):
            carried += [word for word in phrase.split() if word in moods]
    return players


def _joins(typed: str, start: int) -> bool:
    """Return whether the last word of relation before a place is "with" or one like it."""
    relations = re.findall(rf"\b(?:{_JOINING}|{_EXACT})\b|[.;:]", typed[:start])
    return bool(relations) and re.fullmatch(_JOINING, relations[-1]) is not None


def _only_drums(players: list[tuple[int, tuple[str, ...]]], sentence: Sentence) -> bool:
    """Return whether drums alone are named though nothing says that they play alone."""
    names = {name for _, group in players for name in group}
    return names == {DRUM_KIT.name} and sentence.search(_ALONE_WORDS) is None


def _count_before(sentence: Sentence, start: int, phrase: str) -> tuple[int, int]:
    """Return where the count before an instrument starts, and the count."""
    before = sentence.lower[:start]
    match = re.search(r"\b(?:a\s+)?(?:pair|couple)\s+of\s+$|\b(dozen)\s+$", before)
    if match is not None:
        return match.start(), 12 if match[1] else 2
    match = re.search(rf"(?<![\w./:-])({NUMBER})\s*(?:x\s*|×\s*)?$", before)
    if match is None:
        return start, 1
    count = read_number(match[1])
    if not 0 <= count <= 64 or count != int(count):
        raise BriefError(
            f"instruments: {match[1]} {phrase} must be a whole number of players from 1 to "
            f"{MAX_PLANNED_PARTS}; change the number"
        )
    return match.start(), int(count)
