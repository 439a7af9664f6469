"""Energy: how a piece grows and rests, section by section.

Purpose: one curve in [0, 1] that textures, dynamics and density follow.

Conventions: the curve is an arch whose top lies at about two thirds of the piece (three quarters
in build-ups), on a level set by the arousal of the brief. Textures follow from energy and genre.

Public names: :func:`shape_energy`, :func:`follow_curve`, :func:`shape_textures`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from leitmotiv.plan.form import SectionSketch
from leitmotiv.plan.plan import PlanPart

__all__ = ["follow_curve", "shape_energy", "shape_textures"]

_LIFT = {
    "intro": -0.25, "verse": -0.05, "chorus": 0.18, "refrain": 0.1, "bridge": 0.0, "contrast": 0.05,
    "coda": -0.1, "outro": -0.25, "peak": 0.2, "ground": -0.15, "growth": 0.08,
}  # fmt: skip
_GENRE_LEVEL = {
    "ambient": -0.2, "nocturne": -0.1, "lo-fi": -0.12, "hymn": -0.05, "choral": -0.08,
    "rock": 0.15, "electronic": 0.1, "march": 0.12, "synthwave": 0.05, "funk": 0.08,
    "chiptune": 0.08,
}  # fmt: skip
_LARGE, _FEWEST = 6, 4  # pitched parts that make choirs, and that play at least
_POLYPHONIC = ("baroque", "choral", "classical")


def shape_energy(
    sections: list[SectionSketch],
    arousal: float,
    rng: np.random.Generator,
    *,
    genre: str,
    form: str,
    ends_loud: bool,
) -> None:
    """Set ``energy`` of each section. ``arousal`` is in [-1, 1]."""
    level = 0.5 + 0.25 * arousal + _GENRE_LEVEL.get(genre, 0.0)
    total = sum(section.num_bars for section in sections)
    top = 0.75 if form == "build-up" else 0.66
    depth = 0.5 if form == "build-up" else 0.25
    position = 0
    for section in sections:
        middle = (position + section.num_bars / 2) / total
        position += section.num_bars
        way = middle / top if middle <= top else 1 - (middle - top) / (1 - top) * 0.8
        arch = depth * (math.sin(max(way, 0.0) * math.pi / 2) - 0.6)
        lift = _LIFT.get(section.name.split(" ")[0], 0.0)
        energy = level + arch + lift + 0.03 * float(rng.standard_normal())
        section.energy = round(min(max(energy, 0.12), 1.0), 2)
    if ends_loud and len(sections) > 1 and not sections[-1].is_frame:
        best = max(section.energy for section in sections)
        sections[-1].energy = round(max(sections[-1].energy, best - 0.03), 2)


def follow_curve(sections: list[SectionSketch], curve: Sequence[float]) -> None:
    """Set ``energy`` of each section to a given curve in its middle; no curve changes nothing.

    ``curve`` holds energies in [0, 1] at equal distances from the first to the last bar, straight
    lines between them; a single value holds throughout.
    """
    if not curve:
        return
    total = sum(section.num_bars for section in sections)
    points = np.linspace(0.0, total, len(curve)) if len(curve) > 1 else np.zeros(1)
    position = 0
    for section in sections:
        # The ends of a curve are its first and last section, however long those are.
        middle = position + section.num_bars / 2
        if section is sections[0]:
            middle = 0.0
        elif section is sections[-1]:
            middle = float(total)
        position += section.num_bars
        section.energy = round(float(np.interp(middle, points, curve)), 2)


def shape_textures(
    sections: list[SectionSketch], parts: tuple[PlanPart, ...], *, genre: str, form: str
) -> None:
    """Set ``texture`` of each section and the parts that rest in it.

    The melody and whoever carries the harmony never rest; small ensembles do not rest at all
    except in build-ups.
    """
    for index, section in enumerate(sections):
        if section.energy < 0.3 or section.name == "intro":
            section.texture = "sparse"
        elif section.energy >= 0.72:
            section.texture = "full"
        elif genre in _POLYPHONIC and section.letter in "BCDE":
            section.texture = "polyphonic"
        else:
            section.texture = "homophonic"
        section.silent = _resting(section, index, parts, genre=genre, form=form)
        _answer_in_choirs(section, index, parts)
    _let_everyone_play(sections, len(parts))


def _answer_in_choirs(section: SectionSketch, index: int, parts: tuple[PlanPart, ...]) -> None:
    """Let one family of a large ensemble rest in a phrase, the next one in the next.

    An orchestra that plays throughout has no colours; winds, brass, strings and voices take turns
    at the accompaniment (W. Piston, *Orchestration*, 1955, part 2). The tutti stays whole.
    """
    playing = [i for i, part in enumerate(parts) if not part.is_drum and i not in section.silent]
    if len(playing) < _LARGE or section.texture == "full" or section.is_frame:
        return
    choirs: dict[int, list[int]] = {}
    for part in playing:
        if parts[part].role in ("harmony", "pad"):
            choirs.setdefault(_choir(parts[part].program), []).append(part)
    groups = [group for group in choirs.values() if len(playing) - len(group) >= _FEWEST]
    if len(choirs) < 2 or not groups:
        return
    for number, phrase in enumerate(section.phrases):
        phrase.silent = tuple(groups[(index + number) % len(groups)])


def _choir(program: int) -> int:
    """Number the families that answer each other: strings, voices, brass, winds, others."""
    if program in (52, 53, 54, 91):
        return 1
    return {5: 0, 6: 0, 7: 2, 8: 3, 9: 3}.get(program // 8, 4)


def _let_everyone_play(sections: list[SectionSketch], num_parts: int) -> None:
    """A part that would rest throughout joins the section of most energy: it was asked for."""
    always = set(range(num_parts)).intersection(*(section.silent for section in sections))
    climax = max(sections, key=lambda section: section.energy)
    climax.silent = tuple(part for part in climax.silent if part not in always)


def _resting(
    section: SectionSketch,
    index: int,
    parts: tuple[PlanPart, ...],
    *,
    genre: str,
    form: str,
) -> tuple[int, ...]:
    pitched = [i for i, part in enumerate(parts) if part.role != "drums"]
    drums = [i for i, part in enumerate(parts) if part.role == "drums"]
    melody = next((i for i in pitched if parts[i].role == "melody"), pitched[0] if pitched else 0)
    harmony = [i for i in pitched if parts[i].role in ("harmony", "pad") and i != melody]
    if genre == "ambient":
        harmony.sort(key=lambda i: parts[i].role != "pad")  # pads are the ground there
    bass = [i for i in pitched if parts[i].role == "bass" and i != melody]
    counters = [i for i in pitched if parts[i].role == "counter" and i != melody]
    resting: list[int] = []
    if pitched and drums and (section.energy < 0.3 or section.name in ("intro", "outro")):
        resting += drums
    layered = form == "build-up" or len(parts) > 5
    if layered and section.texture == "sparse":
        resting += counters + harmony[1 if index == 0 or len(parts) > 6 else 2 :] + bass[1:]
        if index == 0 and form == "build-up":
            resting += bass[:1] if len(harmony) > 0 else []
    elif layered and section.texture in ("homophonic", "polyphonic"):
        # One counter-melody at a time; heavy doublings wait for the tutti.
        resting += counters[1:]
        resting += [i for i in harmony[3:] if parts[i].instrument in ("Trombone", "Trumpet")]
        resting += [i for i in bass if parts[i].instrument == "Timpani"]
    return tuple(sorted(set(resting)))
