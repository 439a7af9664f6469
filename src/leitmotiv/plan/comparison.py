"""Requests that compare: "like this but darker", "like scene 2, faster, no drums".

Purpose: turn an earlier plan (or brief) and a few words into a new brief that keeps all that the
words leave alone.

Conventions:

- What is kept stands in the new brief as fields: genre, key, meter, bars, tempo, every part, form,
  moods, theme and seed; the chords too, as long as key, mode, meter, bars and form stay, moved with
  the key where only its tonic changes. A piece that modulates keeps its plan of keys by its seed,
  its chords are planned anew.
- A comparative of a mood ("darker", "more tense") moves valence and arousal six tenths of the way
  to that mood, half of it for "a bit", one and a half for "much"; "less tense" moves away from it.
  Much darker or brighter also changes the mode: major to minor and back.
- What is named plainly ("in 3/4", "for string quartet", "16 bars") replaces what was.

Public names: :func:`compare_brief`, :func:`plan_to_brief`, :data:`Reference`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from leitmotiv.errors import BriefError
from leitmotiv.plan.brief import MAX_BARS, MAX_BPM, MIN_BPM, Brief, BriefPart
from leitmotiv.plan.joining import plays_chords
from leitmotiv.plan.palette import is_excluded
from leitmotiv.plan.plan import Plan
from leitmotiv.plan.text import Reading, read_text
from leitmotiv.plan.vocabulary import vocabulary
from leitmotiv.plan.words import Sentence, phrase_pattern
from leitmotiv.score.general_midi import find_instrument
from leitmotiv.theory import ChordSymbol, Key, Mode

__all__ = ["Reference", "compare_brief", "plan_to_brief"]

Reference = Plan | Brief

_WAY = 0.6  # share of the way to a mood that "more" of it goes
_DEGREES = {"much": 1.5, "a lot": 1.5, "far": 1.5, "way": 1.5, "even": 1.0, "a bit": 0.5,
            "a little": 0.5, "slightly": 0.5, "somewhat": 0.7}  # fmt: skip
_DEGREE = "|".join(re.escape(word) for word in _DEGREES)
_SELF = (
    r"\b(?:just\s+)?(?:like|as|same\s+as)\s+(?:this|that|it|before|the\s+(?:plan|piece))\b"
    r"|\bthe\s+same\b(?:\s+(?:piece|thing|again))?"
)
_MODE_SHIFT = 0.2  # valence, from where on the mode goes along
_PULL = 0.4  # valence of the moods asked for, from where on they concern the mode
_TEMPO_SHARE = 0.15  # tempo goes along with arousal
_DARKER = {Mode.LYDIAN: Mode.MAJOR, Mode.MAJOR: Mode.MINOR, Mode.MIXOLYDIAN: Mode.DORIAN,
           Mode.DORIAN: Mode.MINOR}  # fmt: skip
_BRIGHTER = {Mode.MINOR: Mode.MAJOR, Mode.DORIAN: Mode.MIXOLYDIAN, Mode.PHRYGIAN: Mode.MINOR,
             Mode.MIXOLYDIAN: Mode.MAJOR}  # fmt: skip


def plan_to_brief(plan: Plan) -> Brief:
    """Return a brief that asks for what a plan decided.

    Examples
    --------
    >>> import numpy as np
    >>> from leitmotiv.plan import Brief, make_plan
    >>> plan = make_plan(Brief(genre="waltz", num_bars=16), np.random.default_rng(1))
    >>> brief = plan_to_brief(plan)
    >>> brief.num_bars, brief.key == plan.key, len(brief.parts) == plan.num_parts
    (16, True, True)
    """
    asked = plan.brief
    one_key = all(section.key == plan.key for section in plan.sections)
    return asked.replace(
        text="",
        title=None,
        genre=plan.genre,
        key=plan.key,
        mode=None,
        bpm=plan.tempos[0].bpm,
        tempo=None,
        meter=plan.meter,
        num_bars=plan.num_bars,
        duration_sec=None,
        instruments=(),
        joining=(),
        without=(),
        ranges=(),
        parts=tuple(
            BriefPart(instrument=p.instrument, role=p.role, name=p.name, low=p.low, high=p.high)
            for p in plan.parts
        ),
        form=asked.form or ("loop" if plan.loop is not None else None),
        chords=tuple(chord.symbol for chord in plan.chords) if one_key else None,
        chords_per_bar=2 if one_key else None,
        adventure=None if plan.adventure == 0.5 else plan.adventure,
        theme_contour=plan.theme.contour if plan.theme else asked.theme_contour,
        seed=plan.seed,
        understood=(),
        not_understood=(),
    )


def compare_brief(text: str, references: Mapping[str, Reference]) -> Brief:
    """Read a request that compares with a piece that is given.

    Parameters
    ----------
    text : str
        Such as "like this but darker, no drums".
    references : mapping of str to Plan or Brief
        Pieces by name; the name ``""`` is the one that "this" means. One alone is always meant.

    Raises
    ------
    BriefError
        If the text names a piece that is not given, or asks for the impossible.

    Examples
    --------
    >>> brief = compare_brief("like this but darker, no drums", {"": Brief(key="C major", bpm=100)})
    >>> brief.key, brief.bpm, brief.without
    ('C minor', 100.0, ('drums',))
    """
    notes: list[str] = []
    sentence = Sentence(text)
    reference = _choose(sentence, references, notes)
    base = plan_to_brief(reference) if isinstance(reference, Plan) else reference
    base = base.replace(text="", title=None, understood=(), not_understood=())
    changes = _Changes(base)
    changes.read(sentence, notes)
    reading = read_text(sentence, notes=notes, has_band=True)
    return changes.apply(reading, text)


def _choose(sentence: Sentence, references: Mapping[str, Reference], notes: list[str]) -> Reference:
    names = sorted((name for name in references if name), key=len, reverse=True)
    for name in names:
        match = sentence.take(
            rf"(?:\b(?:just\s+)?(?:like|as|same\s+as|from)\s+)?(?:the\s+)?"
            rf"(?<!\w){re.escape(name.lower())}(?!\w)"
        )
        if match is not None:
            notes.append(f"like: {name}")
            return references[name]
    missing = sentence.search(r"\b(?:like|as)\s+((?:scene|cue|part|piece|number)\s+\w+)")
    known = ", ".join(repr(name) for name in names) or "none by name"
    if missing is not None:
        raise BriefError(
            f"the text refers to {missing[1]!r}, but the pieces given are {known}; "
            f"add --like '{missing[1]}=plan.json'"
        )
    sentence.take(_SELF)
    if "" in references or len(references) == 1:
        notes.append("like: the piece given")
        return references.get("") or next(iter(references.values()))
    raise BriefError(f"the text names none of the pieces given ({known}); say which, as 'like ...'")


class _Changes:
    """What the comparing words do to a brief."""

    def __init__(self, base: Brief) -> None:
        moods = [m for n in base.moods if (m := vocabulary().moods.get(n))]
        count = max(len(moods), 1)
        self.base = base
        self.valence = sum(m.valence for m in moods) / count
        self.arousal = sum(m.arousal for m in moods) / count
        self.valence = self.valence if base.valence is None else base.valence
        self.arousal = self.arousal if base.arousal is None else base.arousal
        self.before = (self.valence, self.arousal)
        self.pull = 0.0  # valence of the moods that there shall be more of
        self.steps: dict[str, float] = {"bpm": 1.0, "length": 1.0, "energy": 0.0, "semitones": 0.0,
                                        "adventure": 0.0}  # fmt: skip

    def read(self, sentence: Sentence, notes: list[str]) -> None:
        """Take the comparisons out of a sentence."""
        words = vocabulary()
        pattern = rf"(?:\b({_DEGREE})\s+)?({phrase_pattern(words.comparison_words)})"
        for match in list(sentence.find_all(pattern)):
            sentence.blank(match)
            name = words.comparison_words[" ".join(match[2].split())]
            degree = _DEGREES.get(match[1] or "", 1.0)
            for step, amount in words.comparisons[name].items():
                if step in ("bpm", "length"):
                    self.steps[step] *= amount**degree
                else:
                    self.steps[step] += round(amount * degree, 3)
            notes.append("change: " + " ".join(match.group().split()))
        forms = {**words.comparatives, **{f"more {w}": m for w, m in words.mood_words.items()}}
        for match in list(sentence.find_all(rf"(?:\b({_DEGREE})\s+)?({phrase_pattern(forms)})")):
            sentence.blank(match)
            self._go(forms[" ".join(match[2].split())], _DEGREES.get(match[1] or "", 1.0))
            notes.append("change: " + " ".join(match.group().split()))
        less = rf"\b(?:less|not\s+so|not\s+as)\s+({phrase_pattern(words.mood_words)})"
        for match in list(sentence.find_all(less)):
            sentence.blank(match)
            self._go(words.mood_words[" ".join(match[1].split())], -1.0)
            notes.append("change: " + " ".join(match.group().split()))

    def _go(self, name: str, degree: float) -> None:
        mood = vocabulary().moods[name]
        way = _WAY * degree
        if way > 0:
            way = min(way, 1.0)
            self.pull += mood.valence
            self.valence += way * (mood.valence - self.valence)
            self.arousal += way * (mood.arousal - self.arousal)
        else:
            self.valence += way * mood.valence
            self.arousal += way * mood.arousal
        self.valence = round(min(max(self.valence, -1.0), 1.0), 3)
        self.arousal = round(min(max(self.arousal, -1.0), 1.0), 3)

    def apply(self, reading: Reading, text: str) -> Brief:
        """Return the base with the changes and with what was read plainly."""
        fields = dict(reading.fields)
        base, notes = self.base, list(reading.notes)
        new: dict[str, Any] = {}
        moved = self.before != (self.valence, self.arousal)
        if moved:
            new |= {"valence": self.valence, "arousal": self.arousal}
        self._set_tempo(new, fields)
        self._set_length(new, fields)
        self._set_key(new, fields, moved="valence" not in fields and moved)
        self._set_players(new, fields)
        if self.steps["energy"] and "energy" not in fields:
            curve = base.energy or (0.4, 0.6, 0.7, 0.5)
            step = self.steps["energy"]
            new["energy"] = tuple(round(min(max(e + step, 0.0), 1.0), 2) for e in curve)
        if self.steps["adventure"] and "adventure" not in fields:
            usual = 0.5 if base.adventure is None else base.adventure
            new["adventure"] = round(min(max(usual + self.steps["adventure"], 0.0), 1.0), 2)
        self._set_meter(new, fields)
        new |= fields
        self._set_chords(new)
        for name in ("key", "bpm", "num_bars"):
            changed = new.get(name) is not None and new[name] != getattr(base, name)
            if changed and name not in fields:
                notes.append(f"{name.replace('num_', '')}: {new[name]} (was {getattr(base, name)})")
        return base.replace(
            text=text.strip(),
            understood=tuple(dict.fromkeys(notes)),
            not_understood=reading.leftovers,
            **new,
        )

    def _set_tempo(self, new: dict[str, Any], fields: dict[str, Any]) -> None:
        if "bpm" in fields:
            return
        if "tempo" in fields:
            new["bpm"] = None
            return
        calm = 1 + _TEMPO_SHARE * (self.arousal - self.before[1])
        factor = self.steps["bpm"] * (calm if self.steps["bpm"] == 1 else 1.0)
        if factor == 1:
            return
        if self.base.bpm is not None:
            bpm = round(self.base.bpm * factor, 1)
            if not MIN_BPM <= bpm <= MAX_BPM:
                raise BriefError(
                    f"bpm={bpm:g} after the change must be between {MIN_BPM:g} and {MAX_BPM:g} "
                    "beats per minute; name a tempo instead"
                )
            new["bpm"] = bpm
        elif self.steps["bpm"] != 1:
            new["tempo"] = "faster" if factor > 1 else "slower"

    def _set_meter(self, new: dict[str, Any], fields: dict[str, Any]) -> None:
        """Another genre brings its own meter and form where the old ones are foreign to it."""
        genre = vocabulary().genres.get(fields.get("genre", ""))
        if genre is None:
            return
        if "meter" not in fields and self.base.meter not in genre.meters:
            new["meter"] = None
        if "form" not in fields and self.base.form not in genre.forms:
            new["form"] = None

    def _set_length(self, new: dict[str, Any], fields: dict[str, Any]) -> None:
        if "num_bars" in fields:
            new["duration_sec"] = None
        elif "duration_sec" in fields:
            new["num_bars"] = None
        elif self.steps["length"] != 1:
            if self.base.num_bars is not None:
                bars = max(round(self.base.num_bars * self.steps["length"]), 1)
                bars = max(4 * round(bars / 4), 4) if bars >= 8 else bars
                new["num_bars"] = min(bars, MAX_BARS)
            if self.base.duration_sec is not None:
                new["duration_sec"] = self.base.duration_sec * self.steps["length"]

    def _set_key(self, new: dict[str, Any], fields: dict[str, Any], *, moved: bool) -> None:
        if "key" in fields or self.base.key is None:
            return
        key = Key.parse(self.base.key)
        if "mode" in fields:
            new["key"] = str(Key.parse(f"{key.tonic} {fields.pop('mode')}"))
            return
        semitones = round(self.steps["semitones"])
        if moved:
            shift = self.valence - self.before[0]
            table = _DARKER if shift < 0 else _BRIGHTER
            # "Calmer" may leave happiness behind, but it does not ask for minor.
            if abs(self.pull) < _PULL or self.pull * shift < 0 or abs(shift) < _MODE_SHIFT:
                pass
            elif key.mode in table:
                tonic, mode = key.tonic_pitch_class, table[key.mode]
                choices = (Key.from_fifths(fifths, mode) for fifths in (*range(-5, 7), -6))
                key = next(k for k in choices if k.tonic_pitch_class == tonic)
            else:  # minor already: lower and heavier; major: higher
                semitones += 2 if shift > 0 else -2
        if semitones:
            key = key.transpose(semitones)
        new["key"] = str(key)
        if self.base.theme is not None and semitones:
            new["theme"] = tuple(
                note.replace(pitch=min(max(note.pitch + semitones, 0), 127))
                for note in self.base.theme
            )

    def _set_players(self, new: dict[str, Any], fields: dict[str, Any]) -> None:
        base = self.base
        if "instruments" in fields:
            new |= {"parts": None, "joining": ()}
            return
        if base.parts is None:
            fields["without"] = (*base.without, *fields.get("without", ()))
            if base.instruments and "joining" in fields:
                fields["instruments"] = (*base.instruments, *fields.pop("joining"))
            return
        parts = list(base.parts)
        for name in fields.pop("joining", ()):
            instrument = find_instrument(name)
            assert instrument is not None, name  # names come from the table
            role = "drums" if instrument.is_drum else "bass" if instrument.family == "bass" else ""
            role = role or ("harmony" if plays_chords(instrument) else "counter")
            parts.append(BriefPart(instrument=instrument.name, role=role))
        without = fields.get("without", ())
        kept = []
        for part in parts:
            instrument = find_instrument(part.instrument)
            if instrument is None or not is_excluded(instrument, without):
                kept.append(part)
        if not kept:
            raise BriefError("nobody is left to play; name an instrument to play instead")
        new["parts"] = tuple(kept)

    def _set_chords(self, new: dict[str, Any]) -> None:
        """Keep the chords while they fit, and move them with the tonic."""
        base = self.base
        if base.chords is None or "chords" in new:
            return
        kept = all(
            name not in new or new[name] == getattr(base, name)
            for name in ("meter", "num_bars", "form", "genre", "duration_sec")
        )
        key = None if base.key is None else Key.parse(base.key)
        goal = key if new.get("key") is None else Key.parse(new["key"])
        same_mode = key is not None and goal is not None and key.mode == goal.mode
        if not kept or not (same_mode or goal is key):
            new |= {"chords": None, "chords_per_bar": None}
        elif key is not None and goal is not None and key != goal:
            step = (goal.tonic_pitch_class - key.tonic_pitch_class) % 12
            new["chords"] = tuple(
                str(ChordSymbol.parse(chord).transpose(step)) for chord in base.chords
            )
