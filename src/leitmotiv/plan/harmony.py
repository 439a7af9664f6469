"""Harmony: chords for every half bar, by function in tonal genres and by loop in modern ones.

Purpose: fill the phrases of a form with chords that reach the planned cadences.

Conventions:

- Chords are roman numerals in the section's key until the end; two entries a bar.
- Tonal genres walk a grammar (:data:`harmony.toml`, table ``grammar``): the walk from the first
  chord to the cadence formula is drawn from the Markov chain *conditioned on arriving*, by
  backward messages, so no dominant is left hanging and nothing has to be repaired.
- Modern genres repeat a progression per letter of the form and close with a formula.
- In major and minor the walk follows steps learned from a corpus
  (:mod:`leitmotiv.plan.chord_model`), of the genre and the mood; the grammar's rows then say which
  of these steps are idiom and which are accident.

Public names: :class:`ChordGrammar`, :class:`LearnedGrammar`, :class:`HarmonicRhythm`,
:class:`HarmonyBook`, :func:`harmonise`, :func:`name_phrase_cadences`.

References
----------
S. Kostka and D. Payne, *Tonal Harmony*, ch. 7. F. Pachet, P. Roy and G. Barbieri, "Finite-length
Markov processes with constraints", IJCAI 2011 (conditioned walks).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import TheoryError
from leitmotiv.plan.cadences import name_cadence
from leitmotiv.plan.chord_model import GROUP_OF_HARMONY, ChordModel, Leaning, chord_model
from leitmotiv.plan.form import DEVELOPED, PhraseSketch, SectionSketch
from leitmotiv.plan.vocabulary import load_data
from leitmotiv.theory import ChordSymbol, Key, Mode, roman_to_chord

__all__ = [
    "ChordGrammar",
    "HarmonicRhythm",
    "HarmonyBook",
    "LearnedGrammar",
    "ProgressionLike",
    "harmonise",
    "name_phrase_cadences",
]

Rows = Mapping[str, Mapping[str, float]]
_NUMERAL = re.compile(r"[#b]*(?:VII|VI|IV|V|III|II|I|vii|vi|iv|v|iii|ii|i|N)")
_NUM_DRAWS = 8
_GOOD_ENOUGH = 1.6  # monotony of a phrase that is taken at once; taking the best would narrow
_STRICT_STEPS = ("v6",)  # chords whose bass line matters more than their function
ProgressionLike = tuple[str, ...]  # romans, a bar each, "+" inside a bar


def _numeral(roman: str) -> str:
    """Return the bare numeral: ``ii65`` -> ``ii``; applied chords keep their goal."""
    head, slash, goal = roman.partition("/")
    match = _NUMERAL.match(head)
    return (match.group() if match else head) + slash + goal


def _parse_row(row: str) -> dict[str, float]:
    items = row.split()
    return {name: float(weight) for name, weight in zip(items[::2], items[1::2], strict=True)}


def _parse_formula(formula: str) -> list[str]:
    halves: list[str] = []
    for item in formula.split():
        # Harte text in brackets may hold a colon of its own, so the last one counts.
        roman, _, count = item.rpartition(":")
        halves += [roman] * int(count)
    return halves


@dataclass(frozen=True)
class ChordGrammar:
    """A first-order chord grammar: ``rows[chord][next chord]`` is a weight."""

    rows: Rows

    @property
    def tonic(self) -> str:
        """The tonic triad, ``I`` or ``i``."""
        return next(iter(self.rows))

    def weight(self, chord: str, following: str) -> float:
        """Return the weight of a step; inversions count as their numeral when not listed."""
        row = self.rows.get(chord, {})
        if following in row or chord in _STRICT_STEPS:
            return row.get(following, 0.0)
        target = "V" if following in ("I64", "i64") else _numeral(following)
        if _numeral(chord) == target:
            return 0.0
        return sum(weight for name, weight in row.items() if _numeral(name) == target)

    def walk(
        self,
        openers: Mapping[str, float],
        length: int,
        goal: str | None,
        rng: np.random.Generator,
        places: Sequence[int | None] | None = None,
    ) -> list[str] | None:
        """Draw ``length`` chords from an opener that can step on to ``goal``; None if none can.

        ``goal`` None leaves the end open. ``places`` are those of
        :meth:`leitmotiv.plan.chord_model.ChordModel.steps`; a grammar alone does not use them.
        """
        states = list(self.rows)
        reach = np.zeros((length, len(states)))
        reach[-1] = [1.0 if goal is None else self.weight(state, goal) for state in states]
        if goal is None:
            reach[-1] = [0.0 if _numeral(s).startswith(("V", "v")) else 1.0 for s in states]
        steps = np.array([[self.rows[a].get(b, 0.0) for b in states] for a in states])
        steps /= np.maximum(steps.sum(axis=1, keepdims=True), 1e-9)
        for position in range(length - 2, -1, -1):
            reach[position] = steps @ reach[position + 1]
        first = np.array([openers.get(state, 0.0) for state in states]) * reach[0]
        if first.sum() <= 0:
            return None
        index = int(rng.choice(len(states), p=first / first.sum()))
        path = [index]
        for position in range(1, length):
            weights = steps[index] * reach[position]
            index = int(rng.choice(len(states), p=weights / weights.sum()))
            path.append(index)
        return [states[i] for i in path]


_IDIOM = 0.6  # power of a grammar's weights beside the learned steps
_ACCIDENT = 0.03  # share of a row that a step has which the grammar does not know
# Of chromatic chords, which a recogniser often misses.
_COLOUR = 3.5
_PLAIN_COLOUR = {"hymn": 2.0, "folk": 2.0}
_LEAST_LIKELY = 0.06  # of the likeliest step; below lies what is odd
# At the conventional and the adventurous end: power of the steps, factor on the least likely one.
# Beyond these the phrases that repeat chords are thrown away, and variety comes back or ends.
_SHARPNESS = (2.5, 0.2)
_SELDOM = (2.0, 0.25)


def _moved(adventure: float, ends: tuple[float, float]) -> float:
    """A factor that is 1 in the middle of the range and reaches its ends evenly."""
    return float(ends[adventure > 0.5] ** abs(2.0 * adventure - 1.0))


def _is_chromatic(name: str) -> bool:
    return "/" in name or name.startswith(("b", "#", "N", "Ger"))


@cache
def _resolves(chord: str, following: str, mode: str) -> bool:
    """Return whether a step treats its first chord's tensions as harmony teachers want it."""
    key = Key.parse(f"C {mode}")
    first, second = roman_to_chord(chord, key), roman_to_chord(following, key)
    step = (second.root_pitch_class - first.root_pitch_class) % 12
    tensions = set(first.degrees)
    if _numeral(chord) == _numeral(following) and _numeral(chord) not in ("I", "i"):
        return False  # another bass under the same chord is no progression
    if chord == "V42":
        return following in ("I6", "i6")
    if {"3", "b7"} <= tensions:  # down a fifth, deceptively, or on along a chain of dominants
        chain = {"3", "b7"} <= set(second.degrees)
        return step == 5 or (step in (1, 2) and "/" not in chord and not chain)
    if {"b3", "b5"} <= tensions and "b7" not in tensions:
        return step == 1
    if following in ("I64", "i64"):  # the six-four wants a subdominant before it
        return first.root_pitch_class in (2, 5, 8)
    if {"3", "5"} <= tensions and first.root_pitch_class == 7 and second.root_pitch_class == 5:
        return False
    return second.bass_degree != "5"


@dataclass(frozen=True)
class LearnedGrammar(ChordGrammar):
    """Steps learned from a corpus, weighed by a grammar."""

    model: ChordModel
    leaning: Leaning
    adventure: float = 0.5
    colour: float = _COLOUR

    @cached_property
    def step_weights(self) -> NDArray[np.float64]:
        """Factor that the grammar puts on each learned step, shape (S, S)."""
        names = self.model.names
        table = np.asarray(
            [[float(_resolves(a, b, self.model.mode)) for b in names] for a in names]
        )
        for index, name in enumerate(names):
            row = self.rows.get(name)
            if row is not None:
                total = sum(row.values())
                weights = [row.get(other, 0.0) / total + _ACCIDENT for other in names]
                table[index] *= np.asarray(weights) ** _IDIOM
        return table * np.asarray([self.colour if _is_chromatic(n) else 1.0 for n in names])

    def weight(self, chord: str, following: str) -> float:
        """Return the weight of a step, learned where the grammar has no row for the chord."""
        index = self.model.index
        if chord in self.rows or chord not in index or following not in index:
            return super().weight(chord, following)
        step = self.model.steps(self.leaning)[self.model.size, index[chord]]
        step = step * self.step_weights[index[chord]]
        share = float(step[index[following]] / step.max())
        return share if share >= _LEAST_LIKELY else 0.0

    def walk(
        self,
        openers: Mapping[str, float],
        length: int,
        goal: str | None,
        rng: np.random.Generator,
        places: Sequence[int | None] | None = None,
    ) -> list[str] | None:
        """Draw ``length`` chords as :class:`ChordGrammar` does, by the learned steps."""
        names = self.model.names
        weights = [openers.get(name, 0.0) for name in names]
        free = np.ones(len(names))
        allowed = [np.asarray(weights), *[free] * (length - 1)]
        if goal is None:
            rests = [0.0 if _numeral(name).startswith(("V", "v")) else 1.0 for name in names]
            allowed[-1] = allowed[-1] * np.asarray(rests)
        drawn = self.model.draw(
            places or [None] * length,
            rng,
            leaning=self.leaning,
            allowed=allowed,
            goal=goal,
            weigh=self.step_weights,
            least=_LEAST_LIKELY * _moved(self.adventure, _SELDOM),
            sharpness=_moved(self.adventure, _SHARPNESS),
        )
        # A goal that the corpus does not know, or an opener that it never leaves.
        return drawn if drawn is not None else super().walk(openers, length, goal, rng)


@dataclass(frozen=True)
class HarmonyBook:
    """What one genre knows about chords in one mode: a grammar with cadences, or loops."""

    name: str
    mode: Mode  # mode the romans are read in
    grammar: ChordGrammar | None
    cadences: Mapping[str, tuple[tuple[str, ...], ...]]
    loops: Mapping[str, tuple[ProgressionLike, ...]]
    closing: tuple[tuple[str, ...], ...]
    blues: Mapping[str, tuple[ProgressionLike, ...]]

    @classmethod
    def load(
        cls,
        name: str,
        mode: Mode,
        *,
        progressions: Mapping[str, tuple[ProgressionLike, ...]] = {},
        mood: tuple[float, float] = (0.0, 0.0),
        adventure: float = 0.5,
        learned: bool = True,
    ) -> HarmonyBook:
        """Read a genre's book for a mode; modes it lacks come from the modal loops.

        ``progressions`` (from a style file) replace the loops of the roles they name; ``mood`` is
        valence and arousal; ``adventure`` goes from usual steps (0) to seldom ones (1);
        ``learned`` False leaves the grammar to its hand-set weights.
        """
        data = load_data("harmony")
        base = Mode.MINOR if mode.is_minor_like else Mode.MAJOR
        if name == "blues":
            table = data["blues"][base.value]
            blues = {role: tuple(tuple(t.split()) for t in texts) for role, texts in table.items()}
            return cls(
                name, base, None, {}, {}, _formulas(data["closing"]["blues"][base.value]), blues
            )
        if name in data["grammar"]:
            rows = data["grammar"][name].get(mode.value)
            if rows is not None:
                table = data["cadence"].get(name, {}).get(mode.value)
                table = table or data["cadence"]["any"][mode.value]
                grammar = ChordGrammar({chord: _parse_row(row) for chord, row in rows.items()})
                if learned and mode in (Mode.MAJOR, Mode.MINOR):
                    group = GROUP_OF_HARMONY.get(name)
                    colours = data["learned"].get(name, data["learned"]["any"])[mode.value]
                    grammar = LearnedGrammar(
                        grammar.rows,
                        chord_model(mode, frozenset({*grammar.rows, *colours.split()})),
                        Leaning(group, *mood),
                        adventure,
                        _PLAIN_COLOUR.get(name, _COLOUR),
                    )
                cadences = {kind: _formulas(texts) for kind, texts in table.items()}
                return cls(name, mode, grammar, cadences, {}, (), {})
            name = "modal"
        table = data["loops"].get(name, {}).get(mode.value)
        if table is None and mode not in (Mode.MAJOR, Mode.MINOR):
            name, table = "modal", data["loops"]["modal"][mode.value]
        loops = {role: tuple(tuple(t.split()) for t in texts) for role, texts in table.items()}
        loops.update(progressions)
        closing = data["closing"][name].get(mode.value) or data["closing"]["modal"][mode.value]
        return cls(name, mode, None, {}, loops, _formulas(closing), {})

    def chord(self, roman: str, key: Key) -> ChordSymbol:
        """Realise a roman numeral in a key, in the mode this book is written for."""
        if key.mode is not self.mode:
            key = _on_same_tonic(key, self.mode)
        return roman_to_chord(roman, key)


def _on_same_tonic(key: Key, mode: Mode) -> Key:
    try:
        return Key(key.tonic, mode)
    except TheoryError:  # more than seven accidentals: respell
        return key.parallel


def _formulas(texts: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(_parse_formula(text)) for text in texts)


@dataclass(frozen=True)
class HarmonicRhythm:
    """How fast chords change: chances that a bar is split, or that a chord lasts two bars."""

    split: float = 0.1
    hold: float = 0.0


def _openers(
    grammar: ChordGrammar, before: str | None, cadence: str, *, strict: bool
) -> Mapping[str, float]:
    """Return weights of a phrase's first chord after the chord and cadence before it."""
    tonic = grammar.tonic
    if before is None or strict or cadence == "half":
        return {tonic: 1.0}
    if cadence in ("authentic", "plagal"):
        row = grammar.rows[tonic]
        soft = {
            n: 0.25 * w for n, w in row.items() if not n.startswith(("V", "v")) or n in ("vi", "VI")
        }
        return {**soft, tonic: 3.0}
    return grammar.rows.get(before) or {tonic: 1.0}


def _split_slots(halves: int, rhythm: HarmonicRhythm, rng: np.random.Generator) -> list[int]:
    """Cut free half bars into chord lengths, bar by bar."""
    slots: list[int] = []
    bars, odd = divmod(halves, 2)
    bar = 0
    while bar < bars:
        if bar + 1 < bars and rng.random() < rhythm.hold:
            slots.append(4)
            bar += 2
            continue
        slots += [1, 1] if rng.random() < rhythm.split else [2]
        bar += 1
    return slots + [1] * odd


def _places(slots: Sequence[int], total: int) -> list[int | None]:
    """Return the place in its phrase of the chord of each slot; ``total`` counts half bars."""
    places: list[int | None] = []
    half = 0
    for number, slot in enumerate(slots):
        bars_left = (total - 1) // 2 - half // 2
        place = 0 if number == 0 else 3 if bars_left == 0 else 2 if bars_left == 1 else 1
        places.append(place + 4 * (half % 2))
        half += slot
    return places


def _monotony(halves: Sequence[str]) -> float:
    """Score what bores or circles: long stays and to-and-fro. Lower is better."""
    numerals = [_numeral(roman) for roman in halves]
    changes = [n for i, n in enumerate(numerals) if i == 0 or n != numerals[i - 1]]
    circling = sum(
        a == c and b == d for a, b, c, d in zip(*(changes[i:] for i in range(4)), strict=False)
    )
    run = longest = 1
    for first, second in pairwise(numerals):
        run = run + 1 if first == second else 1
        longest = max(longest, run)
    return float(2 * circling + max(longest - 4, 0) + 3 / len(set(numerals)))


def _write_phrase(
    book: HarmonyBook,
    phrase: PhraseSketch,
    openers: Mapping[str, float],
    rhythm: HarmonicRhythm,
    rng: np.random.Generator,
    used: Sequence[list[str]] = (),
) -> list[str]:
    """Return the romans of one phrase, two a bar, ending with the phrase's cadence."""
    grammar = book.grammar
    assert grammar is not None
    tonic, total = grammar.tonic, 2 * phrase.num_bars
    if phrase.num_bars == 1:
        return [tonic, tonic]
    if phrase.cadence == "none":
        slots = _split_slots(total, rhythm, rng)
        open_path = grammar.walk(openers, len(slots), None, rng) or [tonic] * len(slots)
        return [roman for roman, count in zip(open_path, slots, strict=True) for _ in range(count)]
    room = total - (2 if phrase.num_bars > 2 else 0)
    formulas = [f for f in book.cadences[phrase.cadence] if len(f) <= room]
    drawn: list[list[str]] = []
    for _ in range(_NUM_DRAWS):
        formula = list(formulas[int(rng.integers(len(formulas)))])
        free = total - len(formula)
        if free == 0:
            drawn.append(formula)
            continue
        slots = _split_slots(free, rhythm, rng)
        places = _places(slots, total)
        path = grammar.walk(openers, len(slots), formula[0], rng, places)
        if path is None:
            path = grammar.walk({tonic: 1.0}, len(slots), formula[0], rng, places)
        if path is not None:
            walked = [r for roman, count in zip(path, slots, strict=True) for r in [roman] * count]
            drawn.append(walked + formula)
            if drawn[-1] not in used and _monotony(drawn[-1]) <= _GOOD_ENOUGH:
                return drawn[-1]
    if phrase.num_bars == 2 or not drawn:
        goal = formulas[0][-1]
        lead = "V" if phrase.cadence == "half" else "IV" if phrase.cadence == "plagal" else "V7"
        if phrase.cadence == "half":
            short = [tonic, tonic, goal, goal]
        else:
            lead = lead.lower() if lead == "IV" and tonic == "i" else lead
            short = [tonic, lead if lead in grammar.rows else "V", goal, goal]
        drawn.append([tonic] * (total - 4) + short)
        if phrase.num_bars == 2:
            return drawn[-1]
    return min(drawn, key=lambda halves: _monotony(halves) + 1.5 * (halves in used))


def _overlay(
    book: HarmonyBook, source: list[str], cadence: str, rng: np.random.Generator
) -> list[str] | None:
    """Give a copied phrase another cadence, keeping as much of it as leads there."""
    assert book.grammar is not None
    formulas = list(book.cadences.get(cadence, ()))
    order = sorted(rng.permutation(len(formulas)), key=lambda index: len(formulas[index]))
    for index in order:
        formula = list(formulas[int(index)])
        kept = source[: max(len(source) - len(formula), 0)]
        if len(kept) >= 2 and book.grammar.weight(kept[-1], formula[0]) > 0:
            return kept + formula
    return None


def _write_tonal(
    sections: list[SectionSketch],
    books: Mapping[Mode, HarmonyBook],
    rhythm: HarmonicRhythm,
    rng: np.random.Generator,
) -> list[list[str]]:
    written: list[list[str]] = []
    before: str | None = None
    cadence = "authentic"
    used: list[list[str]] = []
    repeated = {i for i, (a, b) in enumerate(pairwise(sections)) if a.letter == b.letter}
    for index, section in enumerate(sections):
        assert section.key is not None
        book = books[section.key.mode]
        assert book.grammar is not None
        changed = index > 0 and sections[index - 1].key != section.key
        source, origin = section.returns_to, None
        if source is not None and sections[source].key == section.key:
            origin = written[source]
        halves: list[str] = []
        for number, phrase in enumerate(section.phrases):
            start, stop = len(halves), len(halves) + 2 * phrase.num_bars
            copied = _copied_phrase(sections, section, origin, number, start, stop)
            if (
                copied is not None
                and sections[source or 0].phrases[number].cadence != phrase.cadence
            ):
                copied = _overlay(book, copied, phrase.cadence, rng)
            tonic = _numeral(book.grammar.tonic)
            if copied is not None and number == 0 and cadence == "half":
                # The dominant before it wants the tonic.
                copied = copied if _numeral(copied[0]) == tonic else None
            if copied is None:
                strict = number == 0 and (
                    section.letter in "AI" or changed or before is None or index in repeated
                )
                openers = _openers(book.grammar, before, cadence, strict=strict)
                copied = _write_phrase(book, phrase, openers, rhythm, rng, used)
                used.append(copied)
            halves += copied
            before, cadence = copied[-1], phrase.cadence
        written.append(halves)
    return written


def _copied_phrase(
    sections: list[SectionSketch],
    section: SectionSketch,
    origin: list[str] | None,
    number: int,
    start: int,
    stop: int,
) -> list[str] | None:
    if origin is None or section.returns_to is None:
        return None
    phrases = sections[section.returns_to].phrases
    same = [p.num_bars for p in phrases[: number + 1]] == [
        p.num_bars for p in section.phrases[: number + 1]
    ]
    if section.edit_share >= DEVELOPED and section.name.split()[0] != "variation" and number:
        return None
    return list(origin[start:stop]) if same and number < len(phrases) else None


_LOOP_ROLE = {"verse": "verse", "chorus": "chorus", "bridge": "bridge", "refrain": "chorus"}


def _loop_role(section: SectionSketch) -> str:
    role = _LOOP_ROLE.get(section.name.split(" ")[0])
    if role is not None:
        return role
    return {"A": "verse", "I": "verse", "Z": "verse", "C": "chorus", "D": "verse"}.get(
        section.letter, "bridge"
    )


def _bars_to_halves(progression: ProgressionLike) -> list[str]:
    halves: list[str] = []
    for bar in progression:
        chords = bar.split("+")
        halves += [chords[0], chords[-1]]
    return halves


def _write_loops(
    sections: list[SectionSketch], books: Mapping[Mode, HarmonyBook], rng: np.random.Generator
) -> list[list[str]]:
    chosen: dict[str, list[str]] = {}
    written: list[list[str]] = []
    last = len(sections) - 1
    for index, section in enumerate(sections):
        assert section.key is not None
        book = books[section.key.mode]
        role = _loop_role(section)
        letter = "A" if section.is_frame and book.name != "jazz" else section.letter
        if section.is_frame and "A" in chosen:
            letter = "A"
        if letter not in chosen:
            options = book.loops.get(role) or book.loops["verse"]
            fresh = [o for o in options if _bars_to_halves(o) not in chosen.values()]
            options = tuple(fresh) or options
            chosen[letter] = _bars_to_halves(options[int(rng.integers(len(options)))])
        loop = chosen[letter]
        needed = 2 * section.num_bars
        halves = (loop * (needed // len(loop) + 1))[:needed]
        follower = None if index == last else sections[index + 1]
        rests = book.name == "jazz" and follower is not None and follower.letter != section.letter
        closes = index == last and section.phrases[-1].cadence == "authentic"
        if closes or (rests and section.letter == "A"):
            halves = _close(halves, book, rng)
        written.append(halves)
    return written


def _close(halves: list[str], book: HarmonyBook, rng: np.random.Generator) -> list[str]:
    formulas = [f for f in book.closing if len(f) <= len(halves)]
    if not formulas:
        return halves  # one bar: nothing can lead to its chord
    formula = list(formulas[int(rng.integers(len(formulas)))])
    kept = halves[: len(halves) - len(formula)]
    if len(kept) >= 2 and kept[-1] == formula[0] and len(formulas) > 1:
        formula = list(next((f for f in formulas if f[0] != kept[-1]), formulas[0]))
        kept = halves[: len(halves) - len(formula)]
    return kept + formula


def _write_blues(
    sections: list[SectionSketch], book: HarmonyBook, rng: np.random.Generator
) -> list[list[str]]:
    which = int(rng.integers(2))
    written: list[list[str]] = []
    last = len(sections) - 1
    for index, section in enumerate(sections):
        name = "end" if index == last else "turn"
        short = section.num_bars < 12
        options = book.blues[name + ("8" if short else "")]
        chorus = _bars_to_halves(options[which % len(options)])
        needed = 2 * section.num_bars
        if section.is_frame or section.num_bars < 8:
            halves = chorus[-needed:] if needed <= len(chorus) else chorus
        else:
            halves = (chorus * (needed // len(chorus) + 1))[:needed]
            if index == last and needed % len(chorus):
                halves = halves[: len(chorus)] + chorus[-(needed - len(chorus)) :]
        open_end = len(halves) < 3 or not halves[-3].startswith("V")
        if index == last and section.phrases[-1].cadence == "authentic" and open_end:
            halves = _close(halves, book, rng)
        written.append(halves)
    return written


def harmonise(
    sections: list[SectionSketch],
    harmony: str,
    rng: np.random.Generator,
    *,
    rhythm: HarmonicRhythm = HarmonicRhythm(),
    progressions: Mapping[str, tuple[ProgressionLike, ...]] = {},
    mood: tuple[float, float] = (0.0, 0.0),
    adventure: float = 0.5,
) -> None:
    """Write chords into the sketches (``halves``) and make every named cadence true.

    Sections must have keys and phrases. ``mood`` is valence and arousal; ``adventure`` from 0 to 1
    lets a learned grammar take steps that are less usual. In loop genres the phrases
    take the names of the cadences that the loop happens to make; the last phrase is closed on
    purpose.
    """
    modes = {section.key.mode for section in sections if section.key is not None}
    books = {
        mode: HarmonyBook.load(
            harmony, mode, progressions=progressions, mood=mood, adventure=adventure
        )
        for mode in modes
    }
    any_book = next(iter(books.values()))
    if any_book.blues:
        romans = _write_blues(sections, any_book, rng)
    elif any_book.grammar is not None:
        romans = _write_tonal(sections, books, rhythm, rng)
    else:
        romans = _write_loops(sections, books, rng)
    for section, halves in zip(sections, romans, strict=True):
        assert section.key is not None
        book = books[section.key.mode]
        section.halves = [str(book.chord(roman, section.key)) for roman in halves]
    if any_book.grammar is not None:
        _lead_home(sections)
    else:
        name_phrase_cadences(sections)


def _lead_home(sections: list[SectionSketch]) -> None:
    """Before a section in another key, turn the last half bar into that key's dominant seventh."""
    for section, follower in pairwise(sections):
        assert section.key is not None
        assert follower.key is not None
        if section.key == follower.key or section.num_bars < 4 or not follower.halves:
            continue
        goal = ChordSymbol.parse(follower.halves[0])
        tonic_first = goal.root_pitch_class == follower.key.tonic_pitch_class
        if tonic_first and follower.letter == "A":
            section.halves[-1] = str(roman_to_chord("V7", follower.key))


def name_phrase_cadences(sections: list[SectionSketch]) -> None:
    """Name each phrase's cadence after the chords that stand there."""
    before: ChordSymbol | None = None
    for section in sections:
        assert section.key is not None
        position = 0
        for phrase in section.phrases:
            position += 2 * phrase.num_bars
            goal = ChordSymbol.parse(section.halves[position - 2])
            if position >= 3:
                before = ChordSymbol.parse(section.halves[position - 3])
            if goal.is_none:
                phrase.cadence = "none"
            else:
                phrase.cadence = name_cadence(before, goal, section.key)
        before = ChordSymbol.parse(section.halves[-1])
