"""Chords that travel with the theme: repeats have the theme's own, sequences move them along.

Purpose: a theme that comes back over other chords has to be bent to fit them. Composers carry its
harmony along: the consequent begins like the antecedent, a sequence moves melody and chords
together, another mode has the same degrees. Where this is done the bars up to the cadence are
redrawn, so that harmony goes on from there; the cadence of a phrase (its last bar and the half bar
before it) is never touched.

Only tonal books of harmony are led this way: loops and church modes keep their progressions.

Public names: :func:`carry_theme_chords`.

References
----------
W. E. Caplin, *Classical Form*, Oxford University Press 1998, ch. 3-4 (period, model and sequence).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from leitmotiv.errors import TheoryError
from leitmotiv.plan.form import SectionSketch
from leitmotiv.plan.harmony import HarmonyBook, LearnedGrammar
from leitmotiv.plan.plan import ThemePlacement
from leitmotiv.plan.reharmony import redraw_chords
from leitmotiv.theory import ChordSymbol, Key, roman_to_chord

__all__ = ["carry_theme_chords"]

_CARRYING = ("repeat", "ornament", "sequence", "mode change")
_CADENCE_HALVES = 3
_MAJOR = ("I", "ii", "iii", "IV", "V", "vi", "V65")
_MINOR = ("i", "iv6", "III", "iv", "V", "VI", "VII")


def _triad(degree: int, key: Key) -> ChordSymbol:
    """The chord of a scale degree (from 0); diminished ones give way to their relatives."""
    return roman_to_chord((_MINOR if key.mode.is_minor_like else _MAJOR)[degree % 7], key)


def _degree(chord: ChordSymbol, key: Key) -> int:
    """The scale degree nearest to a chord's root."""
    distance = [min((pc - chord.root_pitch_class) % 12, (chord.root_pitch_class - pc) % 12)
                for pc in key.scale]  # fmt: skip
    return int(np.argmin(distance))


def _carried(symbol: str, source: Key, key: Key, steps: int) -> str:
    chord = ChordSymbol.parse(symbol)
    if chord.is_none:
        return symbol
    if steps == 0 and source.mode is key.mode:
        if source == key:
            return symbol
        return str(chord.transpose((key.tonic_pitch_class - source.tonic_pitch_class) % 12, key))
    return str(_triad(_degree(chord, source) + steps, key))


def carry_theme_chords(
    sections: Sequence[SectionSketch],
    placements: Sequence[ThemePlacement],
    harmony: str,
    rng: np.random.Generator,
    *,
    mood: tuple[float, float] = (0.0, 0.0),
) -> None:
    """Write the theme's chords under its repeats, sequences and changes of mode.

    Parameters
    ----------
    sections : sequence of SectionSketch
        With ``halves``; changed in place.
    placements : sequence of ThemePlacement
        The first is the statement, whose chords are carried.
    harmony : str
        Name of the book of harmony.
    mood : (float, float)
        Valence and arousal.
    """
    if not placements:
        return
    first = min(placements, key=lambda placement: placement.bar_index)
    spots = _spots(sections)
    source = spots[first.bar_index][0].key
    assert source is not None
    theme = _halves(spots, first.bar_index, first.num_bars)
    for placement in placements:
        section, start, phrase_end = spots[placement.bar_index]
        if placement.transform not in _CARRYING or section.key is None:
            continue
        book = HarmonyBook.load(harmony, section.key.mode, mood=mood)
        if not isinstance(book.grammar, LearnedGrammar):
            continue
        at = 2 * (placement.bar_index - start)
        room = 2 * (phrase_end - placement.bar_index) - _CADENCE_HALVES
        count = min(2 * placement.num_bars, len(theme), room)
        try:
            fresh = [
                _carried(symbol, source, section.key, placement.transpose_steps)
                for symbol in theme[:count]
            ]
        except TheoryError:  # a spelling beyond double accidentals
            continue
        if count < 1 or section.halves[at : at + count] == fresh:
            continue
        stood = list(section.halves)
        for length in range(count, 0, -1):
            section.halves[at : at + length] = fresh[:length]
            rest = placement.bar_index + -(-length // 2)
            if rest < phrase_end:
                redraw_chords(
                    sections, rest, phrase_end - rest, harmony, mood, lambda chord, halves: 1.0, rng
                )
            if _leads_on(section.halves, max(at - 1, 0), 2 * (phrase_end - start), section.key):
                break
            section.halves[:] = stood


def _leads_on(halves: Sequence[str], start: int, stop: int, key: Key) -> bool:
    """Whether dominants and diminished chords resolve in a passage, and six-fours lead on."""
    chords = [ChordSymbol.parse(symbol) for symbol in halves[start : stop + 1]]
    tonic = key.tonic_pitch_class
    for first, second in pairwise(chords):
        if first.is_none or second.is_none or first == second:
            continue
        step = (second.root_pitch_class - first.root_pitch_class) % 12
        goal = (second.root_pitch_class - tonic) % 12
        seventh, tones = {"3", "b7"} <= set(first.degrees), set(first.degrees)
        if first.bass_degree == "5" and len(tones) == 3 and goal != 7:
            return False
        if step == 0:
            continue
        on_dominant = (first.root_pitch_class - tonic) % 12 == 7 and "3" in tones
        if on_dominant and not seventh and goal == 5:
            return False
        if seventh and step not in (5, 1, 2):
            return False
        if {"b3", "b5"} <= tones and "b7" not in tones and step != 1:
            return False
    return True


def _spots(sections: Sequence[SectionSketch]) -> list[tuple[SectionSketch, int, int]]:
    """For every bar: its section, that section's first bar and the end of the phrase."""
    spots = []
    bar = 0
    for section in sections:
        start = bar
        for phrase in section.phrases:
            spots += [(section, start, bar + phrase.num_bars)] * phrase.num_bars
            bar += phrase.num_bars
    return spots


def _halves(spots: Sequence[tuple[SectionSketch, int, int]], bar: int, num_bars: int) -> list[str]:
    """The chords of some bars, two a bar."""
    found: list[str] = []
    for index in range(bar, bar + num_bars):
        section, start, _ = spots[index]
        found += section.halves[2 * (index - start) : 2 * (index - start) + 2]
    return found
