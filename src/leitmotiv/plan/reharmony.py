"""New chords under a melody: for a theme that was given, and for one that comes back.

Purpose: chords chosen by what they must carry, inside harmony that already stands.

Conventions: chords are redrawn from the chord model between those that stay, one for each chord
of each bar that stood there; the cadence of a phrase (its last bar and the half bar before it) is
never touched. Under a given theme a bar may take two where one cannot carry its notes. Loop
genres and church modes keep their progressions.

Public names: :func:`harmonise_theme`, :func:`redraw_chords`, :func:`reharmonise_returns`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

import numpy as np

from leitmotiv.errors import TheoryError
from leitmotiv.plan.brief import ThemeNote
from leitmotiv.plan.form import SectionSketch
from leitmotiv.plan.harmony import HarmonyBook, LearnedGrammar
from leitmotiv.plan.plan import ThemePlacement
from leitmotiv.theory import TICKS_PER_QUARTER, ChordSymbol, Meter, chord_to_roman

__all__ = ["harmonise_theme", "redraw_chords", "reharmonise_returns"]

_FIT = 8.0  # how strongly a chord is wanted that holds all of a theme's notes
_SPLIT_GAIN = 0.1  # share of a bar's notes that must be won by a second chord in it
_LEAST_LIKELY = 0.01
_STAY = 0.5  # of the likeliest step: a chord may last two bars
Suits = Callable[[ChordSymbol, Sequence[int]], float]  # weight of a chord on half bars of the piece


def redraw_chords(
    sections: Sequence[SectionSketch],
    bar: int,
    num_bars: int,
    harmony: str,
    mood: tuple[float, float],
    suits: Suits,
    rng: np.random.Generator,
    *,
    may_split: bool = False,
) -> bool:
    """Redraw the free half bars of a passage; return whether anything was.

    With ``may_split`` a bar takes two chords where no single one suits it nearly as well.
    """
    start = 0
    for section in sections:
        if start <= bar < start + section.num_bars:
            break
        start += section.num_bars
    else:
        return False
    assert section.key is not None
    book = HarmonyBook.load(harmony, section.key.mode, mood=mood)
    grammar = book.grammar
    if not isinstance(grammar, LearnedGrammar):
        return False
    fixed: set[int] = set()
    end = 0
    for phrase in section.phrases:
        end += 2 * phrase.num_bars
        fixed |= {end - 3, end - 2, end - 1}
    first = 2 * (bar - start)
    stop = min(first + 2 * num_bars, len(section.halves))
    free = [half for half in range(first, stop) if half not in fixed]
    # The passage is redrawn up to its first fixed half bar.
    free = [half for half in free if all(other not in fixed for other in range(first, half))]
    if first == 0 and start > 0:
        # What the section before leads to stays: the chord with which this one opens.
        opening = section.halves[0]
        while free and section.halves[free[0]] == opening:
            free.pop(0)
    if not free:
        return False
    slots = [
        list(run) for _, run in groupby(free, key=lambda half: (half // 2, section.halves[half]))
    ]
    names = grammar.model.names
    chords = [book.chord(name, section.key) for name in names]
    if may_split:
        slots = _split(slots, chords, suits, 2 * start)
    allowed = [
        np.asarray([suits(chord, [2 * start + half for half in slot]) for chord in chords])
        for slot in slots
    ]

    def roman(half: int) -> str | None:
        assert section.key is not None
        try:
            return chord_to_roman(ChordSymbol.parse(section.halves[half]), section.key)
        except TheoryError:
            return None

    before = () if free[0] == 0 else (roman(free[0] - 1) or "",)
    goal = roman(free[-1] + 1) if free[-1] + 1 < len(section.halves) else None
    if before and before[0] not in grammar.model.index:
        return False
    line = grammar.model.draw(
        [1] * len(slots),
        rng,
        leaning=grammar.leaning,
        allowed=allowed,
        before=before,
        goal=goal,
        weigh=grammar.step_weights,
        least=_LEAST_LIKELY,
        stay=_STAY,
    )
    if line is None:
        return False
    for slot, name in zip(slots, line, strict=True):
        for half in slot:
            section.halves[half] = str(book.chord(name, section.key))
    return True


def _split(
    slots: list[list[int]], chords: Sequence[ChordSymbol], suits: Suits, origin: int
) -> list[list[int]]:
    """Cut the slots of two half bars that two chords suit much better than one."""

    def best(slot: Sequence[int]) -> float:
        return float(
            np.log(max(suits(chord, [origin + half for half in slot]) for chord in chords))
        )

    found: list[list[int]] = []
    for slot in slots:
        apart = [[half] for half in slot]
        gain = float(np.mean([best(half) for half in apart])) - best(slot)
        found += apart if gain > _SPLIT_GAIN * _FIT else [slot]
    return found


def harmonise_theme(
    sections: Sequence[SectionSketch],
    placements: Sequence[ThemePlacement],
    theme: Sequence[ThemeNote],
    meter: Meter,
    harmony: str,
    rng: np.random.Generator,
    *,
    mood: tuple[float, float] = (0.0, 0.0),
) -> None:
    """Choose chords under the statement of a given theme, and its repeats, that carry its notes."""
    for placement in placements:
        if placement.transform not in ("statement", "repeat", "ornament"):
            continue
        origin = 2 * placement.bar_index

        def suits(chord: ChordSymbol, halves: Sequence[int], origin: int = origin) -> float:
            tones = chord.pitch_classes
            inside = total = 0.0
            for half in halves:
                bar, second = divmod(half - origin, 2)
                low = bar * meter.bar_ticks + (meter.half_bar_ticks if second else 0)
                high = (bar + 1) * meter.bar_ticks if second else low + meter.half_bar_ticks
                for note in theme:
                    onset = note.onset_quarter * TICKS_PER_QUARTER
                    sounds = min(onset + note.duration_quarter * TICKS_PER_QUARTER, high)
                    sounds -= max(onset, low)
                    if sounds > 0:
                        weight = sounds * (2.0 if low <= onset < low + 60 else 1.0)
                        total += weight
                        inside += weight * (note.pitch % 12 in tones)
            firm = 4.0 if halves[0] == origin and chord.bass_degree == "1" else 1.0
            return firm * float(np.exp(_FIT * inside / total)) if total else 1.0

        # The rest of the phrase follows from it, up to the cadence.
        length = max(placement.num_bars, _phrase_bars(sections, placement.bar_index))
        bar = placement.bar_index
        redraw_chords(sections, bar, length, harmony, mood, suits, rng, may_split=True)


def _phrase_bars(sections: Sequence[SectionSketch], bar: int) -> int:
    """Return the bars from ``bar`` to the end of its phrase."""
    end = 0
    for phrase in (phrase for section in sections for phrase in section.phrases):
        end += phrase.num_bars
        if bar < end:
            return end - bar
    return 0


def reharmonise_returns(
    sections: Sequence[SectionSketch],
    placements: Sequence[ThemePlacement],
    harmony: str,
    rng: np.random.Generator,
    *,
    mood: tuple[float, float] = (0.0, 0.0),
) -> tuple[ThemePlacement, ...]:
    """Put other chords under the placements that ask for it.

    A new chord shares two notes with the one that stood there, so that most of a melody still
    lies on chord tones. Where no other chords can stand the placement becomes a plain repeat.
    """
    found = []
    for placement in placements:
        if placement.transform != "reharmonise":
            found.append(placement)
            continue
        stood = [symbol for section in sections for symbol in section.halves]

        def suits(chord: ChordSymbol, halves: Sequence[int], stood: list[str] = stood) -> float:
            old = ChordSymbol.parse(stood[halves[0]])
            shared = len(set(chord.pitch_classes) & set(old.pitch_classes))
            return float(shared >= 2 and chord.root_pitch_class != old.root_pitch_class)

        bar, size = placement.bar_index, placement.num_bars
        done = redraw_chords(sections, bar, size, harmony, mood, suits, rng)
        found.append(placement if done else placement.replace(transform="repeat"))
    return tuple(found)
