"""Theme placement: where the theme stands, who plays it and what happens to it.

Purpose: the plan's promise that one idea runs through the piece.

Conventions: the theme is stated at the start of the first letter of the form (after an intro);
every later section recalls it: returns plainly, under other chords or ornamented, the last one
with a counter-melody where a part can sing it; contrasts develop it phrase by phrase (sequence,
fragment, inversion, diminution, another division of the beat, another mode); codas broaden it.
``transpose_steps`` are diatonic steps in the section's key.

Public names: :func:`place_theme`, :func:`theme_bars`, :func:`invent_title`.

References
----------
A. Schoenberg, *Fundamentals of Musical Composition*, ch. III-V (motive, phrase, development).
"""

from __future__ import annotations

import re

import numpy as np

from leitmotiv.plan.brief import Brief
from leitmotiv.plan.form import SectionSketch
from leitmotiv.plan.given_theme import given_theme_bars
from leitmotiv.plan.plan import PlanPart, ThemePlacement, Transform
from leitmotiv.plan.vocabulary import Genre
from leitmotiv.theory import Key, Meter

__all__ = ["invent_title", "place_theme", "theme_bars"]


def theme_bars(brief: Brief, meter: Meter, bar_sec: float, first_phrase_bars: int) -> int:
    """Return how many bars the theme fills: its own length where given, else two or four."""
    if brief.theme:
        return given_theme_bars(brief.theme, meter)
    length = 4 if bar_sec < 1.25 and first_phrase_bars >= 8 else 2
    return min(length, first_phrase_bars)


def _second_singer(parts: tuple[PlanPart, ...], melody: int) -> int:
    """Return the part that may take the theme over: a counter-melody, a cello, the upper voice."""
    for role in ("counter", "bass", "harmony"):
        for index, part in enumerate(parts):
            sings = part.role == role and part.instrument not in ("Timpani",)
            bowed = part.instrument in ("Cello", "Bassoon", "Viola", "Trombone", "French Horn")
            if index != melody and sings and (role == "counter" or bowed):
                return index
    return melody


def place_theme(
    sections: list[SectionSketch],
    parts: tuple[PlanPart, ...],
    num_theme_bars: int,
    home: Key,
    rng: np.random.Generator,
    *,
    reharmonise: bool = False,
    plain: bool = False,
) -> tuple[ThemePlacement, ...]:
    """Return the placements, sorted by bar; empty when nobody has a melody.

    ``reharmonise`` allows returns that ask for other chords; ``plain`` leaves the theme its note
    values, as the tunes of hymns, dances and toccatas keep theirs.
    """
    melody = next((i for i, part in enumerate(parts) if part.role == "melody"), None)
    if melody is None:
        return ()
    other = _second_singer(parts, melody)
    straight = any(part.is_drum for part in parts)
    developments = _Developments(rng, straight=straight, plain=plain)
    placements: list[ThemePlacement] = []
    bar = 0
    stated, returns = False, 0
    has_letters = any(not section.is_frame for section in sections)
    for index, section in enumerate(sections):
        start = bar
        bar += section.num_bars
        if section.letter == "I" and has_letters:
            continue
        last = index == len(sections) - 1
        player, steps = melody, 0
        sings = other if other not in section.silent else melody
        transform: Transform
        if not stated:
            transform, stated = "statement", True
        elif section.letter == "Z":
            transform = "augment" if section.num_bars >= 2 * num_theme_bars else "fragment"
        elif section.returns_to is not None:
            returns += section.letter == "A"
            transform = _return(section, last, returns, reharmonise)
            origin = sections[section.returns_to].key
            if origin is not None and section.key is not None and origin.mode != section.key.mode:
                transform = "mode change"
            if section.letter != "A":
                steps = next((p.transpose_steps for p in reversed(placements)), 0)
                steps = steps if transform == "repeat" else 0
        elif section.key is not None and section.key.mode is not home.mode:
            transform = "mode change"
            placements += _develop(section, start, num_theme_bars, (melody, sings), developments, 1)
        else:
            placements += _develop(section, start, num_theme_bars, (melody, sings), developments, 0)
            continue
        # The first statement says the whole of a theme, later ones as much as a phrase holds.
        room = section.phrases[0].num_bars
        length = min(num_theme_bars, room)
        if transform == "statement":  # a long one goes on into the next section
            length = min(num_theme_bars, sum(s.num_bars for s in sections) - start)
        if transform == "augment":
            length = min(2 * num_theme_bars, section.num_bars)
        placements.append(_placement(start, length, player, transform, steps))
        returning = section.returns_to is not None and section.letter == "A"
        if last and returning and sings != melody and parts[sings].role == "counter":
            placements.append(_placement(start, length, sings, "counter-melody"))
        if section.returns_to is not None or section.letter == "A":
            placements += _answers(section, start, length, player, num_theme_bars, rng)
    placements.sort(key=lambda p: p.bar_index)
    end = placements[0].bar_index + placements[0].num_bars if placements else 0
    return (*placements[:1], *(p for p in placements[1:] if p.bar_index >= end))


def _return(section: SectionSketch, last: bool, returns: int, reharmonise: bool) -> Transform:
    """A return is first known again, then seen in another light, at last adorned."""
    if section.letter != "A":
        return "repeat"
    if last:
        return "ornament"
    if returns % 2 == 0 and reharmonise:
        return "reharmonise"
    return "ornament" if section.edit_share >= 0.3 else "repeat"


class _Developments:
    """Deals the ways of developing a theme, none twice before all have come."""

    def __init__(self, rng: np.random.Generator, *, straight: bool, plain: bool) -> None:
        self.rng = rng
        self.kinds: tuple[Transform, ...] = ("sequence", "fragment", "invert")
        if not plain:
            self.kinds += ("diminish",)
        # Beats parted in three would stumble over drums that halve them.
        if not plain and not straight:
            self.kinds += ("meter change",)
        self.left: list[Transform] = []

    def next(self) -> Transform:
        if not self.left:
            self.left = [self.kinds[i] for i in self.rng.permutation(len(self.kinds))]
        return self.left.pop()


def _develop(
    section: SectionSketch,
    start: int,
    num_theme_bars: int,
    players: tuple[int, int],
    developments: _Developments,
    first_phrase: int,
) -> list[ThemePlacement]:
    """Develop the theme through a contrasting section, a way to each phrase.

    The first phrase says its version and, where there is room before the cadence, says it again on
    another step, as a sentence does; the next hands it to the other voice.
    """
    found: list[ThemePlacement] = []
    bar = start
    for number, phrase in enumerate(section.phrases):
        size = min(num_theme_bars, phrase.num_bars)
        # Later episodes go further from the theme: half of their phrases speak for themselves.
        rests = section.letter in "CDEF" and number and developments.rng.random() < 0.5
        if number >= first_phrase and phrase.num_bars >= 2 and not rests:
            transform = developments.next()
            rng = developments.rng
            steps = int(rng.choice([-2, 1, 2, 4])) if transform == "sequence" else 0
            player = players[number % 2] if rng.random() < 0.7 else players[0]
            player = players[0] if player in phrase.silent else player
            found.append(_placement(bar, size, player, transform, steps))
            again = bar + size
            if number == 0 and again + size <= bar + phrase.num_bars - 1:
                move = int(rng.choice([-1, 1, 2]))
                found.append(_placement(again, size, player, "sequence", steps + move))
        bar += phrase.num_bars
    return found


def _placement(
    bar: int, length: int, player: int, transform: Transform, steps: int = 0
) -> ThemePlacement:
    return ThemePlacement(
        bar_index=bar,
        num_bars=length,
        part_index=player,
        transform=transform,
        transpose_steps=steps,
    )


def _answers(
    section: SectionSketch,
    start: int,
    length: int,
    player: int,
    num_theme_bars: int,
    rng: np.random.Generator,
) -> list[ThemePlacement]:
    """Recall the theme at later phrases: the consequent repeats it, others sequence it."""
    if section.is_frame:
        return []
    answers = []
    bar = start
    for number, phrase in enumerate(section.phrases):
        if number and phrase.num_bars >= num_theme_bars and bar >= start + length:
            if number % 2 == 1 and section.letter == "A":
                # What has been heard as it is twice comes adorned when the section returns.
                way: Transform = "repeat" if section.returns_to is None else "ornament"
                answers.append(_placement(bar, min(length, phrase.num_bars), player, way))
            elif number % 2 == 0:
                steps = int(rng.choice([-1, 1, 2]))
                size = min(num_theme_bars, phrase.num_bars)
                answers.append(_placement(bar, size, player, "sequence", steps))
        bar += phrase.num_bars
    return answers


_IMAGES = {
    # (pleasant, excited): images for titles
    (False, False): ("Rain", "Empty Rooms", "Faded Letters", "the Last Ferry", "November", "Ashes"),
    (False, True): ("Storms", "Broken Glass", "the Hunt", "Iron", "the Falling Tower", "Wolves"),
    (True, False): (
        "Still Water",
        "Morning",
        "the Orchard",
        "Snowlight",
        "Old Lanterns",
        "the Harbour",
    ),
    (True, True): (
        "the Open Road",
        "Bright Banners",
        "the Summit",
        "Midsummer",
        "Fireworks",
        "the Sea",
    ),
}


def invent_title(
    brief: Brief, genre: Genre, valence: float, arousal: float, rng: np.random.Generator
) -> str:
    """Invent a title from mood and genre; the same words and seed give the same title."""
    noun = genre.nouns[int(rng.integers(len(genre.nouns)))]
    # A kind that the request names, such as a jig, names the piece.
    asked = set(re.findall(r"\w+", brief.text.lower()))
    noun = next((n for n in genre.nouns if n.lower() in asked), noun)
    images = _IMAGES[(valence >= 0, arousal >= 0)]
    image = images[int(rng.integers(len(images)))]
    if brief.moods:
        adjective = brief.moods[0]
        if rng.random() < 0.6:
            return f"{adjective.title()} {noun}" if adjective != "wonder" else f"{noun} of Wonder"
    return f"{noun} of {image}"
