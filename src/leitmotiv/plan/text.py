"""Text to Brief: reading a request in free English.

Purpose: find in a sentence what the Brief has fields for, say what was understood and name what
was not. Deterministic and offline; the words come from the vocabulary and from General MIDI.

Conventions: recognisers run from the most to the least specific and blank out what they have
read, so that "grand piano" is an instrument before "grand" is a mood. Order and case of the
words do not matter. Theme notes are written ``C4`` or ``C4:1.5`` (quarters), rests ``r:1``;
chords as lead-sheet text, Harte symbols or roman numerals, bars apart by ``|``.

Public names: :func:`parse_brief`, :func:`read_text`, :class:`Reading`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from leitmotiv.errors import BriefError, TheoryError
from leitmotiv.plan.brief import (
    MAX_BARS,
    MAX_BPM,
    MAX_DURATION_SEC,
    MIN_BPM,
    MIN_DURATION_SEC,
    Brief,
    ThemeNote,
    check_meter,
)
from leitmotiv.plan.contours import (
    read_adventure,
    read_cadences,
    read_drummer,
    read_energy,
    read_theme_contour,
)
from leitmotiv.plan.form import is_letter_form
from leitmotiv.plan.keys import read_key, read_mode
from leitmotiv.plan.players import find_excluded, find_players
from leitmotiv.plan.validation import clip_words
from leitmotiv.plan.vocabulary import vocabulary
from leitmotiv.plan.words import NUMBER, Sentence, phrase_pattern, read_number
from leitmotiv.score.general_midi import is_instrument_name
from leitmotiv.theory import ChordSymbol, Key, parse_lead_sheet, parse_pitch, roman_to_chord

__all__ = ["Reading", "parse_brief", "read_text"]

_MAX_TEXT = 4_000
_EXAMPLE = "such as 'a wistful waltz for string quartet in D minor, 24 bars'"
_MIN_UNKNOWN = 4
_HINT = (
    "hint: most of these words are unknown; briefs are read in English and name genre, mood, "
    "instruments, key, length"
)
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}
_UNIT = r"(?:hours?|hrs?|hr|h|minutes?|mins?|min|seconds?|secs?|sec|m(?=\s*\d)|s)(?![a-z])"


def parse_brief(text: str) -> Brief:
    """Read a brief from free text.

    Raises
    ------
    BriefError
        If the text is empty, nothing in it was understood, or a number is impossible.

    Examples
    --------
    >>> brief = parse_brief("a wistful waltz for string quartet in D minor, 24 bars")
    >>> brief.genre, brief.key, brief.num_bars, brief.instruments
    ('waltz', 'D minor', 24, ('Violin', 'Violin', 'Viola', 'Cello'))
    >>> brief.not_understood
    ()
    """
    if not text.strip():
        raise BriefError(f"text is empty; describe the piece, {_EXAMPLE}")
    if len(text) > _MAX_TEXT:
        raise BriefError(
            f"text of {len(text)} characters must be at most {_MAX_TEXT}; shorten the request"
        )
    try:
        return _read(text)
    except BriefError as error:
        raise BriefError(clip_words(str(error))) from None


@dataclass(frozen=True)
class Reading:
    """What the recognisers found: fields of a brief, notes for people, words left over."""

    fields: dict[str, Any]
    notes: tuple[str, ...]
    leftovers: tuple[str, ...]


def read_text(
    sentence: Sentence, *, notes: list[str] | None = None, has_band: bool = False
) -> Reading:
    """Run every recogniser over a sentence; with ``has_band`` "with a flute" joins a line-up."""
    fields: dict[str, Any] = {}
    notes = [] if notes is None else notes
    _read_title(sentence, fields, notes)
    _read_seed(sentence, fields, notes)
    chords = _take_chords(sentence)
    _read_theme(sentence, fields, notes)
    read_theme_contour(sentence, fields, notes)
    read_drummer(sentence, fields, notes)
    read_energy(sentence, fields, notes)
    read_cadences(sentence, fields, notes)
    read_adventure(sentence, fields, notes)
    _read_form(sentence, fields, notes)
    _read_bpm(sentence, fields, notes)
    _read_length(sentence, fields, notes)
    _read_meter(sentence, fields, notes)
    read_key(sentence, fields, notes)
    find_excluded(sentence, fields, notes)
    players = find_players(sentence, fields, notes, has_band=has_band)
    _read_tempo(sentence, fields, notes)
    _read_moods(sentence, fields, notes, carried=players)
    read_mode(sentence, fields, notes)
    if chords is not None:
        _resolve_chords(chords, fields, notes)
    leftovers = sentence.leftovers(vocabulary().stop_words)
    return Reading(fields, tuple(dict.fromkeys(notes)), leftovers)


def _read(text: str) -> Brief:
    reading = read_text(Sentence(unicodedata.normalize("NFKC", text)))
    notes = list(reading.notes)
    if not notes:
        shown = " ".join(text.split())
        shown = shown if len(shown) <= 60 else shown[:59] + "…"
        raise BriefError(
            f"text={shown!r}: nothing in it was understood; name in English a genre, mood, "
            f"instrument, key or length, {_EXAMPLE}"
        )
    if len(reading.leftovers) >= _MIN_UNKNOWN and len(reading.leftovers) > len(notes):
        notes.append(_HINT)
    _choose_organ(text, reading.fields, notes)
    return Brief(
        text=text.strip(),
        understood=tuple(notes),
        not_understood=reading.leftovers,
        **reading.fields,
    )


def _choose_organ(text: str, fields: dict[str, Any], notes: list[str]) -> None:
    """An organ of no named kind has pipes, but drawbars where the genre has a groove."""
    if fields.get("genre") not in _DRAWBAR_GENRES or re.search(_PIPES, text, re.IGNORECASE):
        return
    for name in ("instruments", "joining"):
        if name in fields:
            fields[name] = tuple(
                "Drawbar Organ" if player == "Church Organ" else player for player in fields[name]
            )
    notes[:] = [note.replace("Church Organ", "Drawbar Organ") for note in notes]


def _read_title(sentence: Sentence, fields: dict[str, Any], notes: list[str]) -> None:
    match = sentence.search(r"\b(?:titled?|called|named|entitled)\s*[:=]?\s*[\"']([^\"']+)[\"']")
    match = match or sentence.search(r"\btitle\s*[:=]\s*([^;\n,|]+)")
    if match is not None:
        title = sentence.original[match.start(1) : match.end(1)].strip()
        sentence.blank(match)
        fields["title"] = title
        notes.append(f"title: {title}")


def _read_seed(sentence: Sentence, fields: dict[str, Any], notes: list[str]) -> None:
    match = sentence.take(r"\bseed\s*[:=]?\s*(\d{1,19})\b")
    if match is not None:
        fields["seed"] = int(match[1])
        notes.append(f"seed: {match[1]}")


_DRAWBAR_GENRES = ("jazz", "funk", "blues", "rock", "pop", "hip-hop", "lo-fi", "bossa", "ragtime")
_PIPES = r"\b(church|pipe|cathedral)\s+organ"
_CHORD_LABEL = (
    r"\bchords?(?:\s+progression)?\s*[:=]\s*|\bprogression\s*[:=]\s*"
    r"|\bchords\s+(?=[a-g][^\s]*\s*\|)"
)
_ROMAN = re.compile(r"[#b]*(?:[iIvV]+)(?:[o°ø+]|maj|dom)?\d*(?:/[#b]*[iIvV]+)?")


def _is_chord(token: str) -> bool:
    if _ROMAN.fullmatch(token):
        return True
    try:
        _read_chord(token, None)
    except TheoryError:
        return False
    return True


def _read_chord(token: str, key: Key | None) -> ChordSymbol:
    if ":" in token:
        return ChordSymbol.parse(token)
    if key is not None and _ROMAN.fullmatch(token):
        return roman_to_chord(token, key)
    return parse_lead_sheet(token)


def _take_chords(sentence: Sentence) -> list[list[str]] | None:
    """Cut the chords out of the sentence: bars of one or two symbols."""
    label = sentence.search(_CHORD_LABEL)
    if label is None:
        return None
    bars: list[list[str]] = [[]]
    end = label.end()
    for match in re.finditer(r"[|,]|[^\s|,;]+|[;\n]", sentence.original[label.end() :]):
        token = match.group().rstrip(".")
        if token in (";", "\n"):
            break
        if token in ("|", ","):
            if token == "|" and bars[-1]:
                bars.append([])
        elif token not in ("-", "–", "—", "||") and not _is_chord(token):
            if bars[-1] and not sentence.original[: label.end() + match.start()].rstrip().endswith(
                "|"
            ):
                break
            if len(bars) > 1 or not bars[0]:
                following = sentence.original[label.end() + match.end() :].lstrip()
                if following.startswith("|") or not bars[0]:
                    raise BriefError(
                        f"chords: {token!r} is no chord; write symbols such as Dm7, F#m7b5, Bb/D"
                    )
            break
        elif token not in ("-", "–", "—", "||"):
            bars[-1].append(token)
        end = label.end() + match.end()
    bars = [bar for bar in bars if bar]
    if not bars:
        raise BriefError("chords is empty; give symbols such as 'chords: Dm | Gm | A7 | Dm'")
    has_bar_lines = "|" in sentence.original[label.end() : end]
    sentence.blank_span(label.start(), end)
    return bars if has_bar_lines else [[token] for bar in bars for token in bar]


def _resolve_chords(bars: list[list[str]], fields: dict[str, Any], notes: list[str]) -> None:
    key = None if "key" not in fields else Key.parse(fields["key"])
    most = max(len(bar) for bar in bars)
    if most > 2:
        raise BriefError(
            f"chords: a bar holds {most} chords but at most 2 fit, one a half bar; "
            "spread them over more bars"
        )
    needs_key = any(_ROMAN.fullmatch(token) for bar in bars for token in bar)
    if needs_key and key is None:
        raise BriefError("chords in roman numerals need a key; add one such as 'in D minor'")
    try:
        symbols = [[_read_chord(token, key) for token in bar] for bar in bars]
    except TheoryError as error:
        raise BriefError(f"chords: {error}") from None
    if most == 2:
        symbols = [bar * 2 if len(bar) == 1 else bar for bar in symbols]
    fields["chords"] = tuple(str(symbol) for bar in symbols for symbol in bar)
    fields["chords_per_bar"] = most
    notes.append("chords: " + " | ".join(" ".join(s.lead_sheet for s in bar) for bar in symbols))


_NOTE = r"(?:[A-Ga-g](?:##?|bb?)?-?\d?|[rR])(?::\d+(?:\.\d+)?)?"


def _read_theme(sentence: Sentence, fields: dict[str, Any], notes: list[str]) -> None:
    label = sentence.search(r"\btheme\s*[:=]\s*")
    if label is None:
        return
    match = re.compile(rf"(?:{_NOTE}(?![\w#])[\s,|]*)+").match(sentence.original, label.end())
    if match is None:
        raise BriefError("theme: no notes found; write them such as 'theme: C4 D4 E4:2'")
    onset = 0.0
    theme = []
    for token in re.split(r"[\s,|]+", match.group().strip(" ,|")):
        name, _, length = token.partition(":")
        duration = float(length) if length else 1.0
        if not 0 < duration <= 64:
            raise BriefError(
                f"theme: length {length} of {name} must be above 0 and at most 64 quarters"
            )
        if name.lower() != "r":
            pitch = name if name[-1].isdigit() else f"{name}4"
            try:
                theme.append(
                    ThemeNote(
                        onset_quarter=onset, duration_quarter=duration, pitch=parse_pitch(pitch)
                    )
                )
            except TheoryError as error:
                raise BriefError(f"theme: {error}") from None
        onset += duration
    sentence.blank_span(label.start(), match.end())
    if not theme:
        raise BriefError("theme: only rests found; write notes such as 'theme: C4 D4 E4:2'")
    fields["theme"] = tuple(theme)
    notes.append(f"theme: {len(theme)} notes, {onset:g} quarters")


def _read_form(sentence: Sentence, fields: dict[str, Any], notes: list[str]) -> None:
    letters = sentence.search(r"\bA[A-F]{1,15}\b(?:[\s-]+form)?", cased=True)
    words = vocabulary().form_words
    # A blues harp plays more than the blues.
    found = [
        match
        for match in sentence.find_all(phrase_pattern(words))
        if not is_instrument_name(
            " ".join(sentence.lower[match.start() :].split()[:2]).rstrip(",.;")
        )
    ]
    # "A blues, rondo form" is a rondo in the manner of the blues.
    found.sort(key=lambda match: words[" ".join(match.group().split())] == "blues")
    match = found[0] if found else None
    if letters is not None:
        form = re.split(r"[\s-]", letters.group())[0]
        # Two equal letters alone are seldom a form (a battery, a blood type).
        if is_letter_form(form) and form not in ("AA", "AD", "AC"):
            sentence.blank(letters)
            fields["form"] = form
    if match is not None and "form" not in fields:
        name = words[" ".join(match.group().split())]
        # "period" and "sentence" are everyday words: only with "form".
        if name not in ("period", "sentence") or match.group() != name:
            sentence.blank(match)
            fields["form"] = name
    if "form" in fields:
        notes.append(f"form: {fields['form']}")
        if fields["form"] == "blues":
            fields["genre"] = "blues"


def _read_bpm(sentence: Sentence, fields: dict[str, Any], notes: list[str]) -> None:
    match = (
        sentence.take(rf"(?<![\w.])({NUMBER})\s*-?\s*(?:bpm|beats\s+(?:per|a)\s+minute)\b")
        or sentence.take(r"\b(?:bpm|tempo)\s*(?:of|:|=|is|at)?\s*(-?\d+(?:\.\d+)?)(?![\d:/])")
        or sentence.take(r"(?:♩\.?|\bquarter|\bcrotchet|\bmm)\s*=\s*(-?\d+(?:\.\d+)?)")
    )
    if match is None:
        return
    bpm = read_number(match[1])
    if not MIN_BPM <= bpm <= MAX_BPM:
        raise BriefError(
            f"bpm={bpm:g} must be between {MIN_BPM:g} and {MAX_BPM:g} beats per minute; "
            "choose a tempo in that range"
        )
    fields["bpm"] = bpm
    notes.append(f"tempo: {bpm:g} BPM")


def _read_length(sentence: Sentence, fields: dict[str, Any], notes: list[str]) -> None:
    number = rf"(?:{NUMBER}|\d+(?:\.\d+)?e[+-]?\d+)"
    match = sentence.take(rf"(?<![\w.])({number})[\s-]*(?:bars?|measures?)\b(?!\s+blues)")
    match = match or sentence.take(r"\b(?:bars|measures|num_bars)\s*[:=]\s*(-?\d+(?:\.\d+)?)")
    if match is not None:
        bars = read_number(match[1])
        if not 1 <= bars <= MAX_BARS or bars != int(bars):
            raise BriefError(
                f"num_bars={bars:g} must be a whole number from 1 to {MAX_BARS}; "
                "change the number of bars"
            )
        fields["num_bars"] = int(bars)
        notes.append(f"length: {int(bars)} bar{'s' if bars != 1 else ''}")
    seconds = _take_duration(sentence)
    if seconds is not None:
        if not MIN_DURATION_SEC <= seconds <= MAX_DURATION_SEC:
            raise BriefError(
                f"duration_sec={seconds:g} must be between {MIN_DURATION_SEC:g} and "
                f"{MAX_DURATION_SEC:g} seconds; ask for a length in that range"
            )
        fields["duration_sec"] = seconds
        notes.append(f"length: {seconds:g} s")


def _take_duration(sentence: Sentence) -> float | None:
    """Read a duration in seconds: 90 s, 1 min 30 s, 2:30, a minute and a half."""
    clock = sentence.take(
        r"(?<![\w:])(\d{1,3}):([0-5]\d)(?::([0-5]\d))?(?![\w:])(?:\s*(?:minutes|min))?"
    )
    if clock is not None:
        parts = [int(part) for part in clock.groups() if part is not None]
        seconds = 0
        for part in parts:
            seconds = seconds * 60 + part
        return float(seconds)
    unit = r"(minute|hour|second)s?"
    half = sentence.take(rf"\b(?:an?|one)\s+{unit}\s+and\s+a\s+half\b")
    if half is not None:
        return 1.5 * _UNITS[half[1][0]]
    half = sentence.take(rf"(?<![\w.])({NUMBER})\s+and\s+a\s+half\s+{unit}\b")
    if half is not None:
        return (read_number(half[1]) + 0.5) * _UNITS[half[2][0]]
    half = sentence.take(rf"\b(?:a\s+)?half[\s-]+(?:an?\s+|of\s+an?\s+)?{unit}\b")
    if half is not None:
        return 0.5 * _UNITS[half[1][0]]
    # "an 80s synth line" is a decade.
    pattern = rf"(?<![\w.'])(?<!the )(?<!an )({NUMBER})[\s-]*({_UNIT})"
    total: float | None = None
    match = sentence.take(pattern)
    while match is not None:
        total = (total or 0.0) + read_number(match[1]) * _UNITS[match[2][0]]
        match = sentence.take(pattern)
    if total is None:
        single = sentence.take(rf"\b(?:an?|one)\s+{unit}\b")
        if single is not None:
            return _UNITS[single[1][0]]
    return total


_METER = (
    r"(?<![\w/])(-?\d+(?:\+\d+){0,8}\s*/\s*-?\d+)(?![\w/])"
    r"(?:[\s-]*(?:time(?:\s+signature)?|meter|metre))?"
)


def _read_meter(sentence: Sentence, fields: dict[str, Any], notes: list[str]) -> None:
    words = vocabulary().meter_words
    digits, named = re.compile(_METER), re.compile(phrase_pattern(words))
    for pattern in (digits, named):
        match = sentence.search(pattern.pattern)
        while match is not None:
            text = match[1].replace(" ", "") if pattern is digits else match.group()
            text = words.get(" ".join(text.split()), text)
            try:
                meter = check_meter(text)
            except TheoryError as error:
                if "meter" not in fields:
                    raise BriefError(
                        f"meter={text!r} is impossible ({error}); write one such as 3/4, 4/4 or 6/8"
                    ) from None
                meter = ""
            if "meter" not in fields:
                fields["meter"] = meter
                notes.append(f"meter: {meter}")
            if meter == fields["meter"]:
                sentence.blank(match)
            else:  # one meter holds for a whole piece
                sentence.set_aside(match)
            match = sentence.search(pattern.pattern)


def _read_tempo(sentence: Sentence, fields: dict[str, Any], notes: list[str]) -> None:
    words = vocabulary()
    pattern = phrase_pattern([*words.tempo_words, *words.tempo_scale])
    match = sentence.take(pattern)
    while match is not None:
        word = " ".join(match.group().split())
        fields.setdefault("tempo", words.tempo_words.get(word, word))
        notes.append(f"tempo: {words.tempo_words.get(word, word)}")
        match = sentence.take(pattern)


def _read_moods(
    sentence: Sentence, fields: dict[str, Any], notes: list[str], *, carried: list[str]
) -> None:
    words = vocabulary()
    found: list[tuple[str, float]] = [(words.mood_words[word], 1.0) for word in carried]
    scales = "|".join(sorted(map(re.escape, words.mood_scale), key=len, reverse=True))
    mood = phrase_pattern(words.mood_words)
    pattern = rf"(?:\b(not|never|without being|less)\s+)?(?:\b({scales})\s+)?({mood})"
    for match in list(sentence.find_all(pattern)):
        sentence.blank(match)
        name = words.mood_words[" ".join(match[3].split())]
        scale = words.mood_scale.get(match[2] or "", 1.0)
        found.append((name, -0.3 if match[1] else scale))
    if not found:
        return
    places = [(words.moods[name], scale) for name, scale in found]
    valence = sum(mood.valence * scale for mood, scale in places) / len(places)
    arousal = sum(mood.arousal * scale for mood, scale in places) / len(places)
    fields["moods"] = tuple(dict.fromkeys(name for name, scale in found if scale > 0))
    fields["valence"] = round(min(max(valence, -1.0), 1.0), 3)
    fields["arousal"] = round(min(max(arousal, -1.0), 1.0), 3)
    for name, scale in found:
        notes.append(f"mood: {name}" if scale > 0 else f"mood: not {name}")
