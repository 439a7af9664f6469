"""Articulations are chosen by genre, mood, energy and the length of notes."""

from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.compose.articulation_choice import articulation_controls
from leitmotiv.score.articulations import ARTICULATION, Articulation, articulation_of_notes
from leitmotiv.score.score import CONTROL_DTYPE, Part, make_notes

from .plans import QUARTET, make_plan

BAR = 1_920


def _part(role: str, beats: float, *, program: int = 48, num_bars: int = 16) -> Part:
    step = int(beats * 480)
    onsets = np.arange(0, num_bars * BAR, step)
    return Part("strings", program, role=role, notes=make_notes(onsets, step, 60))


def _kinds(part: Part, genre: str, energies: tuple[float, ...]) -> list[set[int]]:
    """The articulations of each section of 8 bars."""
    plan = make_plan(parts=QUARTET, genre=genre, energies=energies, num_bars=8 * len(energies))
    rows = articulation_controls(plan, part)
    marked = articulation_of_notes(Part("x", 48, notes=part.notes, controls=rows))
    bar = part.notes["onset"] // BAR
    return [set(marked[bar // 8 == i].tolist()) for i in range(len(energies))]


def test_short_accompaniment_of_a_waltz_is_plucked_and_its_climax_bowed() -> None:
    kinds = _kinds(_part("harmony", 1), "waltz", (0.5, 0.9))
    assert kinds == [{Articulation.PIZZICATO}, {Articulation.ORDINARY}]


def test_quiet_short_notes_are_plucked_in_any_genre() -> None:
    assert _kinds(_part("bass", 1), "classical", (0.2, 0.25)) == [{Articulation.PIZZICATO}] * 2
    assert _kinds(_part("bass", 1), "classical", (0.5, 0.6)) == [{Articulation.ORDINARY}] * 2


def test_long_notes_tremble_where_a_dark_piece_is_at_its_height() -> None:
    pad = _part("pad", 4)
    assert _kinds(pad, "horror", (0.6, 0.72))[1] == {Articulation.TREMOLO}
    assert _kinds(pad, "classical", (0.6, 0.72))[1] == {Articulation.ORDINARY}
    # Strings that tremble anyway need no sign.
    assert _kinds(_part("pad", 4, program=44), "horror", (0.5, 0.9))[1] == {Articulation.ORDINARY}


def test_long_notes_swell_into_a_louder_section() -> None:
    pad = _part("pad", 4)
    plan = make_plan(parts=QUARTET, genre="classical", energies=(0.5, 0.9), num_bars=16)
    rows = articulation_controls(plan, pad)
    # Set a little early, since players come a little early.
    assert rows.tolist() == [
        (6 * BAR - 60, ARTICULATION, Articulation.SWELL),
        (8 * BAR - 60, ARTICULATION, Articulation.ORDINARY),
    ]


@pytest.mark.parametrize("program", [0, 24, 46, 73])
def test_only_bows_are_plucked_or_tremble(program: int) -> None:
    assert _kinds(_part("bass", 1, program=program), "waltz", (0.2, 0.3)) == [{0}, {0}]


def test_single_lines_of_bows_and_winds_are_slurred() -> None:
    plan = make_plan(parts=QUARTET, genre="classical")
    for program in (40, 73):
        line = _part("melody", 1, program=program)
        assert articulation_controls(plan, line).tolist() == [(0, 68, 127)]
        chords = line.with_notes(make_notes([0, 0], [480, 480], [60, 64]))
        assert not len(articulation_controls(plan, chords))
    assert not len(articulation_controls(plan, _part("melody", 1, program=0)))


def test_what_a_part_says_itself_is_left_alone() -> None:
    plan = make_plan(parts=QUARTET, genre="waltz", energies=(0.2, 0.3))
    own = np.array([(0, ARTICULATION, 0), (0, 68, 0)], dtype=CONTROL_DTYPE)
    for role in ("bass", "melody"):
        part = Part("x", 48, role=role, notes=_part(role, 1).notes, controls=own)
        assert not len(articulation_controls(plan, part))
