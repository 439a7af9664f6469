"""Chord voicings for instruments that play several notes, led from chord to chord.

Purpose: lay a chord out for piano, guitar or pad in the way the style asks for, inside the
part's range, and as near as possible to the voicing before it.

Conventions: a voicing is an ascending tuple of MIDI pitches, all different. Low intervals obey
the usual low-interval limit: nothing closer than a fourth below F2, nothing closer than a
minor third below C3, so that chords stay clear.

Public names: :func:`voice_chord`, :func:`chord_color`, :func:`clashing_colors`.

References
----------
D. Tymoczko, *A Geometry of Music*, Oxford 2011, section 2.7 (voice-leading size as the sum of
movements). M. Levine, *The Jazz Piano Book*, 1989, chapters 3-7 (shell and rootless voicings).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise, permutations

from leitmotiv.styles.style import Voicing
from leitmotiv.theory import ChordSymbol, Key

__all__ = ["chord_color", "clashing_colors", "voice_chord"]

_LOW_LIMITS = ((41, 5), (48, 3), (55, 2))  # below this pitch: at least so many semitones apart


@lru_cache(maxsize=4096)
def chord_color(chord: ChordSymbol, key: Key) -> dict[str, int]:
    """Return the pitch classes of a chord by function: root, third, fifth, seventh, ninth.

    A fourth or second stands in for a missing third (sus chords); a ninth is offered where the
    key holds it. Functions that the chord lacks are left out.
    """
    root = chord.root_pitch_class
    present = {(pc - root) % 12 for pc in chord.pitch_classes}
    functions = {"root": root}
    for name, options in (
        ("third", (4, 3, 5, 2)),
        ("fifth", (7, 6, 8)),
        ("seventh", (10, 11, 9)),
    ):
        for semitones in options:
            if semitones in present:
                # In dim7 and aug chords one tone would otherwise be taken twice.
                functions[name] = (root + semitones) % 12
                break
    ninth = (root + 2) % 12
    if 2 in present or ("seventh" in functions and ninth in key.scale):
        functions.setdefault("ninth", ninth)
    return functions


def clashing_colors(
    chord: ChordSymbol, key: Key, sung: frozenset[int], *, shared: bool
) -> frozenset[int]:
    """Return the colour tones of a chord that would grind against the other parts.

    Parameters
    ----------
    sung : frozenset of int
        Pitch classes that the melody holds meanwhile; a ninth or major seventh a semitone below
        one of them would make a minor ninth.
    shared : bool
        Whether another part plays chords too: its minor third beside our ninth, or its root
        beside our major seventh, is a semitone.

    Examples
    --------
    >>> minor, key = ChordSymbol.parse("D:min7"), Key.parse("F")
    >>> sorted(clashing_colors(minor, key, frozenset({5}), shared=False))
    [4]
    """
    color = chord_color(chord, key)
    root = color["root"]
    avoid = set()
    seventh, ninth = color.get("seventh"), color.get("ninth")
    if seventh == (root + 11) % 12:
        if root in sung:
            avoid.add(seventh)
        elif shared:
            avoid.add(root)  # the bass has it
    if ninth is not None:
        minor_third = (root + 3) % 12
        if (ninth + 1) % 12 in sung or (shared and color.get("third") == minor_third):
            avoid.add(ninth)
    return frozenset(avoid)


def _tones(
    chord: ChordSymbol, key: Key, kind: Voicing, num_voices: int, avoid: frozenset[int]
) -> tuple[int, ...]:
    """Pitch classes to be stacked, most important first, at least one."""
    color = {name: pc for name, pc in chord_color(chord, key).items() if pc not in avoid}
    color = color or chord_color(chord, key)
    order: tuple[str, ...]
    if kind == "power":
        order = ("root", "fifth")
    elif kind == "shell":
        order = ("third", "seventh", "fifth", "root")
    elif kind == "rootless":
        order = ("third", "seventh", "ninth", "fifth", "root")
    elif kind == "sus":
        order = ("root", "fifth", "ninth", "seventh")
    else:
        order = ("root", "third", "seventh", "fifth")
    tones = [color[name] for name in order if name in color]
    if kind in ("close", "open", "spread", "guitar", "keyboard"):
        extra = [pc for pc in chord.pitch_classes if pc not in tones and pc not in avoid]
        tones += extra
    unique = list(dict.fromkeys(tones))
    if num_voices == 3 and len(unique) == 4 and kind in ("close", "open"):
        # Three voices keep third and seventh; the fifth goes.
        unique = [unique[0], unique[1], unique[2]]
    return tuple(unique)


def _stack(pitch_classes: Sequence[int], bottom: int, gaps: Sequence[int]) -> tuple[int, ...]:
    """Stack pitch classes upwards from ``bottom``; ``gaps`` are the least steps in semitones."""
    pitches = [bottom]
    for pc, gap in zip(pitch_classes[1:], gaps, strict=False):
        least = pitches[-1] + gap
        pitches.append(least + (pc - least) % 12)
    return tuple(pitches)


def _candidates(
    tones: tuple[int, ...], kind: Voicing, num_voices: int, low: int, high: int, bass: int | None
) -> Iterator[tuple[int, ...]]:
    used = tones[:num_voices]
    gaps = [1] * (num_voices - 1)
    orders: list[tuple[int, ...]]
    if kind == "power":
        orders = [tuple(used[i % len(used)] for i in range(num_voices))]
    elif kind == "keyboard":
        cycle = sorted(set(tones[: max(num_voices - 1, 3)]))
        turns = [cycle[k:] + cycle[:k] for k in range(len(cycle))]
        bottom = tones[0] if bass is None else bass
        orders = [(bottom, *(t[i % len(t)] for i in range(num_voices - 1))) for t in turns]
        gaps = [7, *[1] * num_voices]
    elif kind in ("guitar", "spread"):
        root = tones[0] if bass is None else bass
        rest = [pc for pc in tones if pc != root] or [root]
        if kind == "guitar":
            fifth = tones[-1] if len(tones) == 3 else rest[-1]
            ladder = [root, fifth, tones[0], *[pc for pc in rest if pc != fifth], fifth, tones[0]]
            orders = [tuple(ladder[:num_voices])]
            gaps = [5, *[2] * num_voices]
        elif bass is None:
            pool = list(tones[: max(num_voices, 3)])
            while len(pool) < num_voices:
                pool.append(tones[(0, -1)[len(pool) % 2]])
            orders = list(set(permutations(pool[:num_voices], num_voices)))
            # A ninth or seventh at the bottom would name another chord.
            orders = [order for order in orders if order[0] in tones[:2]] or orders
            gaps = [5, *[3] * num_voices]
        else:
            pool = list(dict.fromkeys([*rest, tones[0]]))[: max(num_voices - 1, 1)]
            while len(pool) < num_voices - 1:
                pool.append(pool[len(pool) % len(rest)])
            orders = [(root, *upper) for upper in set(permutations(pool, num_voices - 1))]
            gaps = [7, *[3] * num_voices]
    else:
        cycle = sorted(set(used))
        orders = []
        for turn in range(len(cycle)):
            turned = cycle[turn:] + cycle[:turn]
            orders.append(tuple(turned[i % len(turned)] for i in range(num_voices)))
    for order in sorted(orders):
        bottom = low + (order[0] - low) % 12
        while bottom <= high:
            pitches = _stack(order, bottom, gaps)
            if kind == "open" and len(pitches) >= 3:
                dropped = pitches[-2] - 12  # drop-2 opens a close position
                pitches = tuple(sorted({*pitches[:-2], dropped, pitches[-1]}))
            if pitches[0] >= low and pitches[-1] <= high and len(set(pitches)) == len(pitches):
                yield pitches
            bottom += 12


def _cost(
    pitches: tuple[int, ...],
    previous: tuple[int, ...] | None,
    center: float,
    top: int | None,
    kind: str,
) -> float:
    cost = 0.25 * abs(sum(pitches) / len(pitches) - center)
    if kind == "keyboard":
        cost += 0.4 * abs(pitches[0] - (center - 17))
    if previous:
        if len(previous) == len(pitches):
            moves = [abs(a - b) for a, b in zip(pitches, previous, strict=True)]
            cost += sum(moves) + 0.5 * max(moves) + 0.5 * moves[-1]
        else:
            cost += sum(min(abs(p - q) for q in previous) for p in pitches)
    for lower, upper in pairwise(pitches):
        for limit, least in _LOW_LIMITS:
            if lower < limit and upper - lower < least:
                cost += 6.0
                break
        if upper - lower > 12 and lower > 52:
            cost += 2.0
        if upper - lower == 1:
            cost += 7.0  # the major seventh lies better below the root's octave than beside it
    if top is not None and pitches[-1] >= top:
        cost += 4.0 + (pitches[-1] - top)
    return cost


@lru_cache(maxsize=8192)
def voice_chord(
    chord: ChordSymbol,
    key: Key,
    *,
    kind: Voicing = "close",
    num_voices: int = 4,
    low: int,
    high: int,
    center: float = 60.0,
    previous: tuple[int, ...] | None = None,
    bass: int | None = None,
    top: int | None = None,
    avoid: frozenset[int] = frozenset(),
) -> tuple[int, ...]:
    """Lay out a chord, as near as possible to ``previous``.

    Parameters
    ----------
    chord, key : ChordSymbol, Key
        A chord that is not ``N``, and the key for colour tones.
    kind, num_voices : str, int
        Layout (see :mod:`leitmotiv.styles.style`); fewer voices are used where the range is
        too narrow.
    low, high : int
        Range, MIDI pitch, both included; obeyed strictly.
    center : float
        Pitch round which the voicing should lie.
    bass : int, optional
        Pitch class for the lowest note of guitar and spread layouts.
    top : int, optional
        The voicing should stay below this pitch (a melody).
    avoid : frozenset of int
        Pitch classes to leave out, if others remain.

    Returns
    -------
    tuple of int
        Ascending pitches; empty when no chord tone lies in the range.

    Examples
    --------
    >>> c, key = ChordSymbol.parse("C"), Key.parse("C")
    >>> voice_chord(c, key, num_voices=3, low=55, high=72, center=62)
    (60, 64, 67)
    >>> voice_chord(
    ...     ChordSymbol.parse("F"), key, num_voices=3, low=55, high=72, previous=(60, 64, 67)
    ... )
    (60, 65, 69)
    """
    tones = _tones(chord, key, kind, num_voices, avoid)
    for count in range(min(num_voices, 6), 0, -1):
        best: tuple[float, tuple[int, ...]] | None = None
        for pitches in _candidates(tones, kind, count, low, high, bass):
            entry = (_cost(pitches, previous, center, top, kind), pitches)
            if best is None or entry < best:
                best = entry
        if best is not None:
            return best[1]
    return ()
