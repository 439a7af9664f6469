"""Accompaniment textures: what every part of an ensemble does at the same time.

Purpose: figures only make sense together (oom in the bass, pah in the middle), so a section
chooses one :class:`Texture` and each part reads its own row of it.

Grid symbols, one character a step (see :mod:`leitmotiv.styles.grid`):

- ``bass``: the degrees of :class:`~leitmotiv.styles.style.BassPattern`;
- ``inner``: ``x`` the part's own chord note, ``2``/``3`` the next chord tones above it, ``0``
  the chord tone below, ``p`` a passing or neighbour note towards its next chord note;
- ``chordal``: the symbols of :class:`~leitmotiv.styles.style.CompPattern` (``b`` is the bass).

Public names: :class:`Texture`, :data:`TEXTURES`, :func:`choose_textures`,
:func:`textures_by_bar`.

References
----------
W. Piston, *Orchestration*, 1955, part 2 (types of texture); A. Schoenberg, *Fundamentals of
Musical Composition*, 1967, chapter 9 (the accompaniment and its motive).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.harmony_spans import source_section
from leitmotiv.plan.form import DEVELOPED
from leitmotiv.plan.plan import Plan
from leitmotiv.styles.style import Voicing
from leitmotiv.theory import Meter

__all__ = ["TEXTURES", "Texture", "choose_textures", "textures_by_bar"]

# Chance that a later phrase of a section changes its texture. A solo keyboard or guitar keeps its
# figure longer than an ensemble does.
_CHANGE, _SOLO_CHANGE = 0.6, 0.1


@dataclass(frozen=True)
class Texture:
    """One accompaniment texture.

    ``energy`` is the band of section energy it suits; ``textures`` and ``genres`` narrow it
    (empty: any). ``inner`` holds one grid for each inner part in turn, highest part first.
    """

    name: str
    meter: str
    energy: tuple[float, float]
    bass: str
    inner: tuple[str, ...]
    chordal: str
    voicing: Voicing = "close"
    num_voices: int = 4
    textures: tuple[str, ...] = ()
    genres: tuple[str, ...] = ()


_HYMN = ("hymn", "choral", "chorale", "choir", "sacred", "anthem", "carol")
_CHORAL = ("choral", "motet", "madrigal")
_MARCH = ("march", "fanfare", "military", "parade")
_WALTZ = ("waltz", "valse", "ländler", "mazurka")
_NIGHT = ("nocturne", "barcarolle", "berceuse", "lullaby", "romance")
_RAG = ("ragtime", "stride", "cakewalk")
_TANGO = ("tango", "habanera", "milonga")
_BAROQUE = ("baroque", "concerto grosso")
_FILM = ("orchestral", "film", "cinematic", "epic", "heroic", "soundtrack", "trailer")
_POLY = ("polyphonic",)
_THIN = ("solo", "sparse")

TEXTURES: tuple[Texture, ...] = (
    # --- four beats ---------------------------------------------------------------------------
    Texture("held", "4/4", (0.0, 0.45), "1---------------", ("x---------------",),
            "x--- ---- ---- ----", "open"),
    Texture("lullaby", "4/4", (0.0, 0.5), "1-------5-------", ("x---------------",),
            "1-2- 3-2- 1-2- 3-2-", "close", 3),
    Texture("alberti", "4/4", (0.25, 0.75), "1---..--5---....", ("x-------x-------",),
            "1-3- 2-3- 1-3- 2-3-", "close", 3),
    Texture("wide arpeggio", "4/4", (0.15, 0.7), "1---------------",
            ("x---------------", "x-------p-------"),
            "1-2- 3-4- 5-4- 3-2-", "spread", 5),
    Texture("rising arpeggio", "4/4", (0.5, 1.0), "1-------5-------", ("x-x---x-x-x---x-",),
            "1234 5432 1234 5432", "spread", 5),
    Texture("repeated eighths", "4/4", (0.45, 0.9), "1---1---1---5---", ("x-x-x-x-x-x-x-x-",),
            "b-t- t-t- b-t- t-t-", "close", 4),
    Texture("syncopated", "4/4", (0.35, 0.8), "1-------5-------",
            ("x-x---x-x-x---x-", "x-------x---p---"),
            "b-t- --t- b-t- --t-", "close", 4),
    Texture("broken by viola", "4/4", (0.3, 0.8), "1-------1---5---",
            ("x---------------", "x-2-3-2-x-2-3-2-", "x-------p---x---"),
            "1-2- 3-4- 3-4- 3-2-", "open", 4),
    Texture("moving", "4/4", (0.2, 0.8), "1---5---1---a---",
            ("x-------p---x---", "x---p---x-------", "x---x---p---x---"),
            "b-t- 2-t- b-t- 2-t-", "open", 4, _POLY),
    Texture("running", "4/4", (0.55, 1.0), "1-3-5-3-1-5-8-a-",
            ("x---p-x-x---p-x-", "x-2-x-0-x-2-x-p-"), "1-2- 3-2- 4-3- 2-3-", "open", 4, _POLY),
    Texture("driving", "4/4", (0.75, 1.0), "1-1-1-1-1-1-5-a-",
            ("xxxxxxxxxxxxxxxx", "x-x-x-x-x-x-x-x-"), "X-t- btt- X-t- btt-", "close", 4),
    Texture("tutti", "4/4", (0.8, 1.0), "1---1---5---5---", ("x---x---x---x-x-",),
            "X--- x--- X--- x-x-", "open", 5, ("full",)),
    Texture("motet", "4/4", (0.0, 1.0), "1-------1-------",
            ("x-------p-------", "----x-------x---", "x-----------p---"), "x--- x--- x--- x---",
            "open", 4, genres=_CHORAL),
    Texture("hymn", "4/4", (0.0, 1.0), "1---1---3---a---", ("h",), "x--- x--- x--- x---",
            "open", 4, genres=_HYMN),
    Texture("march", "4/4", (0.0, 1.0), "1-..5-..1-..5-..", ("..x-..x-..x-..x-",),
            "b-t- 2-t- b-t- 2-t-", "close", 4, genres=_MARCH),
    Texture("march broad", "4/4", (0.6, 1.0), "1---5---1---a---", ("x--.x-x-x--.x-x-",),
            "X--x X-x- X--x X-x-", "close", 4, genres=_MARCH),
    Texture("nocturne", "4/4", (0.0, 0.85), "1---------------",
            ("x---------------", "x-------p-------"),
            "1-2- 3-4- 5-4- 3-4-", "spread", 5, genres=_NIGHT),
    Texture("stride", "4/4", (0.0, 1.0), "1-..5-..1-..5-..", ("..x-..x-..x-..x-",),
            "b-t- b-t- b-t- b-t-", "keyboard", 4, genres=_RAG),
    Texture("habanera", "4/4", (0.0, 0.7), "1--.5-1-1--.5-1-", ("...x..x-...x..x-",),
            "b--t b-t- b--t b-t-", "keyboard", 4, genres=_TANGO),
    Texture("marcato", "4/4", (0.4, 1.0), "1-..1-..5-..5-..", ("x-..x-..x-..x-x-",),
            "b-t- b-t- b-t- b-tt", "close", 4, genres=_TANGO),
    Texture("continuo", "4/4", (0.0, 0.65), "1---5---1---a---",
            ("x-------x-------", "x-------x---p---"), "x--- ---- x--- ----", "open", 4,
            genres=_BAROQUE),
    Texture("concerto", "4/4", (0.45, 1.0), "1-1-1-3-5-5-8-a-",
            ("x-x-x-x-x-x-x-x-", "x-2-x-0-x-2-x-p-"), "b-t- t-t- b-t- t-t-", "close", 4,
            genres=_BAROQUE),
    Texture("orchestral swell", "4/4", (0.2, 0.9), "1-------5---a---",
            ("x---p---x---p---", "x-------------p-", "--------x---p-x-", "x---x---x-p-x---"),
            "1-3- 2-3- 1-3- 2-4-", "open", 4, genres=_FILM),
    Texture("off-beat winds", "4/4", (0.35, 1.0), "1---....5---....",
            ("....x-......x-x-", "x-2-x-3-x-2-x-p-", "x---------------"),
            ".... t-.. .... t-t-", "close", 4, genres=_FILM),
    Texture("orchestral three", "3/4", (0.2, 1.0), "1-------a---",
            ("x---p---x---", "x-------p---", "....x---x-p-", "x-2-x-3-x-p-"),
            "1-3- 2-3- 4-3-", "open", 4, genres=_FILM),
    Texture("orchestral six", "6/8", (0.2, 1.0), "1-----5---a-",
            ("x---p-x---p-", "x-----x-----", "x-2-3-x-2-p-"),
            "1-2-3- 4-3-2-", "open", 4, genres=_FILM),
    Texture("film ostinato", "4/4", (0.45, 1.0), "1-----1-1-----1-",
            ("x-2-3-2-x-2-3-2-", "x-xxx-xxx-xxx-xx", "x---------------"),
            "1-2- 3-2- 1-2- 3-2-", "close", 3, genres=_FILM),
    Texture("film chorale", "4/4", (0.0, 0.3), "1---------------",
            ("x-------p-------", "x---------------", "x-------x---p---"),
            "x--- ---- ---- ----", "open", 4, genres=_FILM),
    # --- three beats --------------------------------------------------------------------------
    Texture("held in three", "3/4", (0.0, 0.45), "1-----------", ("x-----------",),
            "x--- ---- ----", "open"),
    Texture("waltz", "3/4", (0.1, 1.0), "1---........", ("....x-..x-..",),
            "b--- t-.. t-..", "open", 4, genres=_WALTZ),
    Texture("slow waltz", "3/4", (0.0, 0.6), "1-----------",
            ("....x---x---", "x-----------"),
            "b--- t--- t---", "spread", 4, genres=_WALTZ),
    Texture("waltz lilt", "3/4", (0.3, 1.0), "1---....5---",
            ("....x-..x-x-", "....x-..x-..", "x-------x---"),
            "b--- t-.. t-t-", "open", 4, genres=_WALTZ),
    Texture("pah", "3/4", (0.3, 0.8), "1-------....", ("....x---x---",),
            "b--- t--- t---", "close", 4),
    Texture("arpeggio in three", "3/4", (0.1, 0.75), "1-----------",
            ("x-----------", "x---2---3---"), "1-2- 3-4- 3-2-", "spread", 4),
    Texture("repeated in three", "3/4", (0.5, 1.0), "1---....5---", ("x-x-x-x-x-x-",),
            "b-t- t-t- t-t-", "close", 4),
    Texture("moving in three", "3/4", (0.2, 0.9), "1-------a---",
            ("x-------p---", "x---p---x---", "x---x---p---"), "b-2- 3-4- 3-2-", "open", 4, _POLY),
    Texture("tutti in three", "3/4", (0.8, 1.0), "1---5---8---", ("x---x-x-x---",),
            "X--- x-x- x---", "open", 5, ("full",)),
    Texture("motet in three", "3/4", (0.0, 1.0), "1-------5---",
            ("x-------p---", "----x---x---", "x---x-----p-"), "x--- x--- x---",
            "open", 4, genres=_CHORAL),
    Texture("hymn in three", "3/4", (0.0, 1.0), "1---3---a---", ("h",), "x--- x--- x---", "open", 4,
            genres=_HYMN),
    # --- six eighths --------------------------------------------------------------------------
    Texture("held in six", "6/8", (0.0, 0.45), "1-----------", ("x-----------",),
            "x-- --- --- ---", "open"),
    Texture("barcarole", "6/8", (0.1, 0.75), "1-----5-----", ("x-----------", "x-2-3-x-2-3-"),
            "1-2-3- 4-3-2-", "spread", 4),
    Texture("siciliano", "6/8", (0.2, 0.8), "1--1--5--5--", ("x---x-x---x-",),
            "b---t- b---t-", "close", 4),
    Texture("gallop", "6/8", (0.6, 1.0), "1---1-5---5-", ("x-x-x-x-x-x-",),
            "b-t-t- b-t-t-", "close", 4),
    Texture("moving in six", "6/8", (0.2, 0.9), "1-----1---a-",
            ("x-----p---x-", "x---p-x-----"), "1-2-3- 1-2-3-", "open", 4, _POLY),
    Texture("nocturne in six", "6/8", (0.0, 0.85), "1-----------",
            ("x-----------", "x-----p-----"),
            "1-2-3- 4-5-3- | 1-3-2- 4-3-5-", "spread", 5, genres=_NIGHT),
    Texture("motet in six", "6/8", (0.0, 1.0), "1-----5-----",
            ("x-----p---x-", "x---x-----p-", "--x---x-----"), "x----- x-----",
            "open", 4, genres=_CHORAL),
    Texture("hymn in six", "6/8", (0.0, 1.0), "1-----a-----", ("h",), "x----- x-----", "open", 4,
            genres=_HYMN),
)  # fmt: skip
"""Every texture; :func:`choose_textures` picks from them."""


def _is_sung(plan: Plan) -> bool:
    pitched = [part for part in plan.parts if not part.is_drum]
    return 2 * sum(part.program in (52, 53, 54, 91) for part in pitched) > len(pitched)


def _is_genre_itself(texture: Texture) -> bool:
    """Whether a texture makes its genre: a waltz without its bass and two chords is none."""
    return bool(texture.genres) and texture.genres is not _FILM


def _suits(texture: Texture, plan: Plan, section_index: int) -> float:
    """How well a texture suits a section; 0 where it does not."""
    section = plan.sections[section_index]
    meter, written = plan.meter_value, Meter.parse(texture.meter)
    wanted = "6/8" if meter.is_compound else ("3/4" if meter.num_beats == 3 else "4/4")
    if str(written) != wanted:
        return 0.0
    genre = plan.genre.lower()
    words = genre + " " + " ".join(plan.brief.moods)
    if texture.genres and not any(word in words for word in texture.genres):
        return 0.0
    low, high = texture.energy
    energy = section.energy * (0.7 if section.texture in _THIN else 1.0)
    distance = max(low - energy, energy - high, 0.0)
    weight = float(np.exp(-11.0 * distance)) if distance < 0.35 else 0.0
    if _is_sung(plan) and not texture.genres:
        weight *= 1.0 if texture.name.startswith(("held", "moving")) else 0.02
    weight *= 12.0 if _is_genre_itself(texture) else 2.0 if texture.genres else 1.0
    if texture.textures:
        weight *= 5.0 if section.texture in texture.textures else 0.1
    if texture.name.startswith("held") and section.texture not in _THIN:
        weight *= 0.45
    return weight


def _weights(plan: Plan, section_index: int) -> NDArray[np.float64]:
    """How well each texture suits a section; what makes the genre comes first."""
    weights = np.array([_suits(texture, plan, section_index) for texture in TEXTURES])
    own = np.array([_is_genre_itself(texture) for texture in TEXTURES])
    if weights[own].sum() > 0.5:
        weights[~own] *= 0.06  # a waltz sounds like one
    return weights


def _figure_source(plan: Plan, section_index: int) -> int:
    """The section whose figures a section keeps: itself where it is new or developed."""
    if plan.sections[section_index].edit_share >= DEVELOPED:
        return section_index
    return source_section(plan, section_index)


def choose_textures(plan: Plan) -> tuple[Texture, ...]:
    """Return one texture for each section of a plan.

    The choice follows genre, meter, energy and the section's texture; neighbouring sections
    differ where they can, returning sections keep theirs unless they are developed. It depends on
    the plan and its seed alone, so that every part agrees.
    """
    chosen: list[Texture] = []
    for index in range(len(plan.sections)):
        source, known = _figure_source(plan, index), source_section(plan, index)
        rng = np.random.default_rng([plan.seed % 2**32, 7919, source])
        weights = _weights(plan, index)
        if index and source == index and chosen:
            old = (chosen[-1], chosen[known] if known < index else chosen[-1])
            weights *= [0.15 if texture in old else 1.0 for texture in TEXTURES]
        if source != index and _suits(chosen[source], plan, index) > 0.2:
            chosen.append(chosen[source])
            continue
        if weights.sum() <= 0:
            meter = plan.meter_value
            name = "held in six" if meter.is_compound else (
                "held in three" if meter.num_beats == 3 else "held"
            )  # fmt: skip
            chosen.append(next(texture for texture in TEXTURES if texture.name == name))
            continue
        chosen.append(TEXTURES[int(rng.choice(len(TEXTURES), p=weights / weights.sum()))])
    return tuple(chosen)


def textures_by_bar(plan: Plan) -> tuple[Texture, ...]:
    """Return the texture of every bar: the section's, which a later phrase may change.

    Figures that are the genre itself, such as a waltz's, stay through the section, and so does
    what a section plays when it returns as it was.
    """
    chosen = choose_textures(plan)
    chance = _SOLO_CHANGE if plan.num_parts <= 2 else _CHANGE
    found: list[Texture] = []
    for index, section in enumerate(plan.sections):
        source, suits = _figure_source(plan, index), _weights(plan, index)
        texture = chosen[index]
        for number, phrase in enumerate(section.phrases):
            rng = np.random.default_rng([plan.seed % 2**32, 104729, source, number])
            changes = number > 0 and rng.random() < chance
            weights = suits * [0.0 if other is texture else 1.0 for other in TEXTURES]
            if changes and weights.sum() > 0.05:
                texture = TEXTURES[int(rng.choice(len(TEXTURES), p=weights / weights.sum()))]
            found += [texture] * phrase.num_bars
    return tuple(found)
