"""Form: how many bars become sections, and sections phrases.

Purpose: tile any number of bars from 1 to 2000 with a form that a listener can follow.

Conventions:

- A form is a row of letters over blocks of eight bars (four in short pieces, sixteen in long
  ones); what does not fill a block becomes a coda, an intro or a longer last section.
- A letter that comes back returns to its first section; ``edit_share`` says how much of it is
  written anew. From :data:`DEVELOPED` on only its opening is known again: harmony, accompaniment
  and continuation are new, as in most pieces of people that nobody asked a fixed form of.
- Phrases are four or eight bars; odd lengths give phrases of three, five or six.

Public names: :class:`SectionSketch`, :class:`PhraseSketch`, :func:`make_form`,
:func:`grow_form`, :func:`tile_phrases`, :func:`is_letter_form`, :func:`set_cadences`,
:data:`DEVELOPED`.

References
----------
W. E. Caplin, *Classical Form*, Oxford University Press 1998 (sentence, period, small ternary).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from leitmotiv.plan.plan import Cadence
from leitmotiv.theory import Key

__all__ = [
    "DEVELOPED",
    "PhraseSketch",
    "SectionSketch",
    "grow_form",
    "is_letter_form",
    "make_form",
    "set_cadences",
    "tile_phrases",
]

DEVELOPED = 0.5
"""``edit_share`` from which a return keeps no more than its opening."""

_LETTERS = re.compile(r"A[A-F]{1,15}")
_EPISODES = "BCDEF"


@dataclass
class PhraseSketch:
    """A phrase under construction: length in bars and cadence."""

    num_bars: int
    cadence: Cadence = "none"
    silent: tuple[int, ...] = ()


@dataclass
class SectionSketch:
    """A section under construction; :mod:`leitmotiv.plan.planner` freezes it."""

    letter: str  # bare letter, or "I" for an intro and "Z" for a coda
    name: str
    num_bars: int
    label: str = ""
    returns_to: int | None = None
    edit_share: float = 0.0
    phrases: list[PhraseSketch] = field(default_factory=list)
    key: Key | None = None
    energy: float = 0.5
    texture: str = "homophonic"
    silent: tuple[int, ...] = ()
    halves: list[str] = field(default_factory=list)  # Harte, two a bar

    @property
    def is_frame(self) -> bool:
        """Whether this is an intro, coda or outro rather than a letter of the form."""
        return self.letter in "IZ"


def is_letter_form(form: str) -> bool:
    """Return whether a form is spelled in letters, such as AABA."""
    return _LETTERS.fullmatch(form) is not None


def tile_phrases(num_bars: int, unit: int = 4) -> list[int]:
    """Split bars into phrases of four (or eight), with an odd one where they do not fit.

    Examples
    --------
    >>> tile_phrases(16), tile_phrases(13), tile_phrases(10), tile_phrases(7), tile_phrases(2)
    ([4, 4, 4, 4], [4, 4, 5], [4, 6], [4, 3], [2])
    """
    count, rest = divmod(num_bars, unit)
    if unit == 8:
        if rest == 0:
            return [8] * count
        whole = count if rest >= 3 else count - 1
        if whole < 1:
            return tile_phrases(num_bars, 4)
        return [8] * whole + tile_phrases(num_bars - 8 * whole, 4)
    if num_bars < 6:
        return [num_bars]
    if rest == 0:
        return [unit] * count
    if rest == 3:
        return [unit] * count + [3]
    return [unit] * (count - 1) + [unit + rest]


def _rondo(num_blocks: int) -> str:
    letters = "AA" if num_blocks % 2 == 0 else "A"
    episode = 0
    while len(letters) < num_blocks:
        letters += _EPISODES[episode % len(_EPISODES)] + "A"
        episode += 1
    return letters[:num_blocks]


def _ternary(num_blocks: int) -> str:
    small = ("A", "AA", "ABA", "AABA", "ABACA", "AABABA")
    return small[num_blocks - 1] if num_blocks <= len(small) else _rondo(num_blocks)


def _cycle(pattern: str, num_blocks: int) -> str:
    return (pattern * (num_blocks // len(pattern) + 1))[:num_blocks]


def _verse_chorus(num_blocks: int) -> str:
    """A verse, B chorus, C bridge; the last section is a chorus."""
    small = ("B", "AB", "ABB", "ABAB", "ABABB", "ABABCB", "AABABCB", "ABABCABB")
    if num_blocks <= len(small):
        return small[num_blocks - 1]
    return _cycle("AB", num_blocks - 4 + num_blocks % 2) + "ABCB"[num_blocks % 2 :]


def _build_up(num_blocks: int) -> str:
    small = ("A", "AA", "ABA", "AABA", "AABBA", "AABBCA", "AABBCCA", "AABBCCBA")
    if num_blocks <= len(small):
        return small[num_blocks - 1]
    return "AA" + _cycle("BBCC", num_blocks - 4) + "BA"


_FORMS = {
    "ternary": _ternary,
    "period": _ternary,
    "sentence": _ternary,
    "loop": _ternary,
    "rondo": _rondo,
    "AABA": lambda n: _cycle("AABA", n) if n >= 4 else _ternary(n),
    "binary": lambda n: ("A", "AB", "AAB")[n - 1] if n < 4 else _cycle("AABB", n),
    "strophic": lambda n: "A" * n if n <= 4 else _cycle("AAB", n - 1) + "A",
    "variations": lambda n: "A" * n,
    "through-composed": lambda n: "A" + _cycle("BCDEF", n - 1),
    "verse-chorus": _verse_chorus,
    "build-up": _build_up,
}

_NAMES = {
    "verse-chorus": {"A": "verse", "B": "chorus", "C": "bridge"},
    "strophic": {"A": "strophe", "B": "refrain"},
    "binary": {"A": "first part", "B": "second part"},
    "build-up": {"A": "ground", "B": "growth", "C": "peak"},
    "variations": {"A": "theme"},
    "through-composed": {"A": "opening"},
    "AABA": {"A": "theme", "B": "bridge"},
    "blues": {"A": "chorus"},
}
_EDIT_SHARE = {
    "variations": 0.5,
    "strophic": 0.2,
    "verse-chorus": 0.1,
    "build-up": 0.3,
    "blues": 0.4,
}


# What a form that nobody asked for by name grows into, by blocks of eight bars: weights. Three
# returns of one theme in four blocks are what people's pieces hardly ever have
# (docs/evaluation.md).
_GROWN: Mapping[int, Mapping[str, float]] = {
    3: {"ABA": 2, "ABC": 1},
    4: {"ABCA": 3, "ABAC": 1, "ABCD": 2},
    5: {"ABACA": 1, "ABCBA": 1, "ABCDA": 2},
    6: {"ABCABA": 1, "ABACBA": 1, "ABCDEA": 2},
}
_GROWING = ("ternary", "strophic", "binary", "build-up")


def grow_form(form: str, num_bars: int, rng: np.random.Generator) -> str:
    """Choose what a usual form becomes in a longer piece; short ones and others stay as they are.

    For forms that the person left open, in music whose accompaniment is no groove.
    """
    weights = _GROWN.get(num_bars // 8) if form in _GROWING else None
    if weights is None:
        return form
    letters = list(weights)
    shares = np.asarray(list(weights.values())) / sum(weights.values())
    return letters[int(rng.choice(len(letters), p=shares))]


def _block_size(num_bars: int, form: str) -> int:
    if form in ("period", "sentence") and 8 <= num_bars <= 20:
        return num_bars  # one section
    if num_bars < 8:
        return num_bars
    if form == "strophic" and num_bars < 24:
        return 8 if num_bars >= 16 else num_bars
    if num_bars < 24:
        return 4
    return 8 if num_bars < 160 else 16


def _blocks(num_bars: int, form: str) -> tuple[str, list[int], int]:
    """Return letters, their lengths and the bars left over."""
    if form == "blues":
        if num_bars < 8:
            return "A", [num_bars], 0
        if num_bars < 12:
            return "A", [8], num_bars - 8
        count, rest = divmod(num_bars, 12)
        if rest >= 8:
            return "A" * (count + 1), [12] * count + [8], rest - 8
        return "A" * count, [12] * count, rest
    if is_letter_form(form):
        return _letter_blocks(num_bars, form)
    size = _block_size(num_bars, form)
    count, rest = divmod(num_bars, size)
    return _FORMS[form](count), [size] * count, rest


def _letter_blocks(num_bars: int, form: str) -> tuple[str, list[int], int]:
    """Return letters, lengths in whole phrases and the bars left over for a form in letters."""
    if num_bars > 16 * len(form):
        # Long pieces go through the letters again rather than through endless sections.
        times, rest = divmod(num_bars, 16 * len(form))
        more, rest = divmod(rest, 16)
        letters = form * times + (form[-more:] if more else "")
        return letters, [16] * len(letters), rest
    size = num_bars // len(form)
    if size == 0:
        return form[:num_bars], [1] * num_bars, 0
    if size < 4:
        return form, [size] * len(form), num_bars - size * len(form)
    sizes = [size - size % 4] * len(form)
    phrases, rest = divmod(num_bars - sum(sizes), 4)
    # Spare phrases lengthen the contrasts first, then the last sections.
    order = sorted(range(len(form)), key=lambda index: (form[index] == "A", -index))
    for index in order[:phrases]:
        sizes[index] += 4
    return form, sizes, rest


def _split_rest(rest: int, form: str, sizes: list[int]) -> tuple[int, int]:
    """Turn left-over bars into (intro, coda) bars; what remains lengthens the last section."""
    if rest < 2 or form == "loop":
        sizes[-1] += rest
        return 0, 0
    if form in ("verse-chorus", "build-up", "blues") and rest >= 4:
        intro, outro = 4, rest - 4
        if outro == 1:
            sizes[-1] += 1
            outro = 0
        return intro, outro
    return 0, rest


def make_form(
    num_bars: int,
    form: str,
    rng: np.random.Generator,
    *,
    phrase_bars: int = 4,
    developed: bool = False,
    open_phrases: bool = False,
) -> list[SectionSketch]:
    """Lay out sections with phrases and cadences; the bars always add up to ``num_bars``.

    Parameters
    ----------
    num_bars : int
        At least 1.
    form : str
        A name of the vocabulary or letters such as ``ABACA``.
    phrase_bars : int
        4, or 8 where bars are short.
    developed : bool
        Returns keep no more than their opening (see :data:`DEVELOPED`), and phrases may be uneven.
    open_phrases : bool
        Some phrases inside a section go on without a full close.

    Examples
    --------
    >>> sections = make_form(24, "ternary", np.random.default_rng(0))
    >>> [(s.label, s.num_bars, s.returns_to) for s in sections]
    [('A', 8, None), ('B', 8, None), ("A'", 8, 0)]
    """
    letters, sizes, rest = _blocks(num_bars, form)
    intro, coda = _split_rest(rest, form, sizes)
    names = _NAMES.get(form, {"A": "theme", "B": "contrast", "C": "episode"})
    sections: list[SectionSketch] = []
    if intro:
        sections.append(SectionSketch("I", "intro", intro, label="Intro"))
    first: dict[str, int] = {}
    seen: dict[str, int] = {}
    for position, (letter, size) in enumerate(zip(letters, sizes, strict=True)):
        times = seen.get(letter, 0)
        section = SectionSketch(letter, names.get(letter, "episode"), size)
        if letter in first:
            section.returns_to = first[letter]
            section.edit_share = _edit_share(form, letters, position, rng)
            if developed:
                section.edit_share = round(0.4 + section.edit_share, 2)
        else:
            first[letter] = len(sections)
        section.label = _label(letter, times, exact=section.edit_share == 0)
        if times and form == "variations":
            section.name = f"variation {times}"
        elif times and section.name in ("theme", "contrast", "episode"):
            section.name = "return" if section.name == "theme" else f"{section.name} again"
        seen[letter] = times + 1
        sections.append(section)
    if coda:
        name = "outro" if form in ("verse-chorus", "build-up") else "coda"
        sections.append(SectionSketch("Z", name, coda, label=name.capitalize()))
    _add_phrases(sections, form, phrase_bars, rng, uneven=developed, open_phrases=open_phrases)
    return sections


def _label(letter: str, times: int, *, exact: bool) -> str:
    if times == 0 or exact:
        return letter
    # "A5" would read like a chord.
    return letter + "'" * times if times <= 3 else f"{letter}'{times + 1}"


def _edit_share(form: str, letters: str, position: int, rng: np.random.Generator) -> float:
    base = _EDIT_SHARE.get(form)
    if base is None:
        base = 0.15 if letters[position - 1] == letters[position] else 0.25
    if position == len(letters) - 1:
        base += 0.1  # the last return may go further
    return round(float(min(base + 0.05 * rng.integers(0, 2), 0.9)), 2)


# Eight bars need not halve: a phrase is stretched before its cadence, or answered in brief.
_UNEVEN = ([5, 3], [3, 5], [6, 2], [3, 3, 2])


def _add_phrases(
    sections: list[SectionSketch],
    form: str,
    phrase_bars: int,
    rng: np.random.Generator,
    *,
    uneven: bool = False,
    open_phrases: bool = False,
) -> None:
    last = len(sections) - 1
    for index, section in enumerate(sections):
        unit = phrase_bars if section.num_bars >= 16 and not section.is_frame else 4
        if form == "sentence" and section.num_bars == 8:
            lengths = [4, 4]
        else:
            lengths = tile_phrases(section.num_bars, unit)
        if uneven and lengths == [4, 4] and index and rng.random() < 0.5:
            lengths = list(_UNEVEN[int(rng.integers(len(_UNEVEN)))])
        follower = None if index == last else sections[index + 1]
        cadences = _cadences(section, follower, len(lengths), form, rng, open_phrases)
        if index == last:
            cadences[-1] = "half" if form == "loop" else "authentic"
        for number, (length, cadence) in enumerate(zip(lengths, cadences, strict=True)):
            # A cadence needs a bar before its goal.
            section.phrases.append(PhraseSketch(length, cadence if length > 1 else "none"))
            if number and length == 1:
                section.phrases[-1].cadence = "none"


def _cadences(
    section: SectionSketch,
    follower: SectionSketch | None,
    count: int,
    form: str,
    rng: np.random.Generator,
    open_phrases: bool,
) -> list[Cadence]:
    """Choose the cadence of each phrase of a section."""
    closing: Cadence = "authentic"
    if section.letter == "I":
        closing = "half"
    elif follower is not None and follower.letter == "Z":
        closing = "deceptive" if rng.random() < 0.4 else "authentic"
    elif follower is not None and count == 1:
        # Single phrases: the pair of equal letters makes a period, a contrast stays open.
        opens = follower.letter == section.letter and section.returns_to is None
        closing = "half" if opens or section.letter != "A" else "authentic"
    inner: list[Cadence] = []
    for index in range(count - 1):
        remaining = count - 1 - index
        if form == "sentence" and index == 0:
            inner.append("none")
        elif open_phrases and rng.random() < 0.4:
            # Music that goes on does not stop at every phrase.
            inner.append("deceptive" if rng.random() < 0.4 else "none")
        elif index % 2 == 0:
            inner.append("half")
        elif remaining == 1 and rng.random() < 0.6:
            inner.append("deceptive")
        else:
            inner.append("plagal" if rng.random() < 0.08 else "authentic")
    return [*inner, closing]


def set_cadences(
    sections: list[SectionSketch], cadences: Sequence[Cadence], last: Cadence | None
) -> None:
    """Close the phrases as asked; phrases of one bar have no room for a cadence.

    Parameters
    ----------
    cadences : sequence of str
        One a phrase, again from the start where there are fewer. A list shorter than the piece
        leaves the very last phrase as it is, so that the piece still comes to its end.
    last : str or None
        Cadence of the very last phrase.
    """
    phrases = [phrase for section in sections for phrase in section.phrases]
    for index, phrase in enumerate(phrases):
        final = index == len(phrases) - 1
        if cadences and not (final and len(cadences) < len(phrases)):
            phrase.cadence = cadences[index % len(cadences)]
        if final and last is not None:
            phrase.cadence = last
        if phrase.num_bars == 1:
            phrase.cadence = "none"
