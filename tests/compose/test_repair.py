"""Repairs do what they are named for and leave the rest alone."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from leitmotiv.compose.canvas import Canvas
from leitmotiv.compose.repair import breathe, hold_repeats, tidy_part
from leitmotiv.plan import Plan, make_plan, parse_brief
from leitmotiv.tokens.grid import CELL_NOTE_DTYPE


@lru_cache
def plan() -> Plan:
    text = "a calm waltz for flute and cello in G major, 8 bars"
    return make_plan(parse_brief(text), np.random.default_rng(1))


def cells(part: int, rows: list[tuple[int, int, int, int]]) -> np.ndarray:
    """Notes from rows of bar, position, duration, pitch."""
    notes = np.zeros(len(rows), dtype=CELL_NOTE_DTYPE)
    notes["part"], notes["velocity"] = part, 80
    for name, column in zip(
        ("bar", "position", "duration", "pitch"), np.asarray(rows).T, strict=True
    ):
        notes[name] = column
    return notes


def canvas_with(part: int, rows: list[tuple[int, int, int, int]]) -> Canvas:
    canvas = Canvas(plan())
    canvas.write([(bar, part) for bar in range(8)], cells(part, rows))
    return canvas


def test_a_cut_hold_is_tied_but_a_struck_figure_is_not() -> None:
    rows = [(0, 0, 24, 55), (0, 24, 48, 55), (1, 0, 24, 57), (1, 24, 24, 57), (2, 0, 24, 59)]
    canvas = canvas_with(1, rows)
    hold_repeats(canvas, 1, cells(1, [(1, 0, 24, 57), (1, 24, 24, 57)]))
    found = canvas.part_notes(1)
    assert found["duration"].tolist() == [72, 24, 24, 24]
    assert found["pitch"].tolist() == [55, 57, 57, 59]


def test_a_single_line_loses_overlaps_and_notes_out_of_range_fold_back() -> None:
    entry = plan().parts[0]
    canvas = canvas_with(0, [(0, 0, 72, 72), (0, 24, 24, 76), (1, 0, 24, entry.high + 5)])
    tidy_part(canvas, 0)
    found = canvas.part_notes(0)
    assert found["duration"].tolist() == [24, 24, 24]
    assert int(found["pitch"][-1]) == entry.high + 5 - 12


def test_a_wind_player_breathes_before_the_next_phrase_and_a_cellist_need_not() -> None:
    phrase = plan().sections[0].phrases[0]
    last = phrase.end_bar_index - 1
    for part, rest in ((0, 12), (1, 0)):
        canvas = canvas_with(part, [(last, 0, 72, 67), (last + 1, 0, 72, 69)])
        breathe(canvas, part)
        assert int(canvas.part_notes(part)["duration"][0]) == 72 - rest
