"""A composed theme shows the contour, cell, range and closure that the plan gives it."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from leitmotiv.compose import ComposeOptions, WriterOptions, compose
from leitmotiv.compose.theme_wish import shows_cell, shows_closure, shows_contour
from leitmotiv.errors import PlanError
from leitmotiv.plan import Brief, Plan, make_plan, parse_brief
from leitmotiv.plan.theme_shape import CONTOURS, ThemeShape, contour_height
from leitmotiv.styles import style_for_genre
from leitmotiv.theory import Key
from leitmotiv.tokens.grid import CELL_NOTE_DTYPE

FEW = ComposeOptions(writer=WriterOptions(num_candidates=6), network_accompaniment=False)


def line(pitches: list[int], positions: list[int] | None = None) -> np.ndarray:
    notes = np.zeros(len(pitches), dtype=CELL_NOTE_DTYPE)
    places = np.asarray(positions if positions is not None else np.arange(len(pitches)) * 24)
    notes["bar"], notes["position"] = np.divmod(places, 96)
    notes["duration"], notes["pitch"] = 24, pitches
    return notes


@cache
def planned(genre: str, contour: str, seed: int = 2) -> Plan:
    brief = Brief(genre=genre, num_bars=4, form="period", theme_contour=contour)  # type: ignore[arg-type]
    return make_plan(brief, np.random.default_rng(seed), style=style_for_genre)


def theme_of(plan: Plan) -> tuple[np.ndarray, range]:
    score = compose(plan, options=FEW, rng=np.random.default_rng(3))
    first = plan.placements[0]
    notes = score.parts[first.part_index].notes
    cells = np.zeros(len(notes), dtype=CELL_NOTE_DTYPE)
    cells["bar"], inside = np.divmod(notes["onset"], plan.bar_ticks)
    cells["position"], cells["pitch"] = inside // 20, notes["pitch"]
    return cells, range(first.bar_index, first.bar_index + first.num_bars)


def test_contours_run_from_the_lowest_to_the_highest_note() -> None:
    for contour in CONTOURS:
        heights = [contour_height(contour, place) for place in np.linspace(0, 1, 101)]
        assert min(heights) == pytest.approx(0, abs=0.02)
        assert max(heights) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(
    ("contour", "pitches"),
    [
        ("rising", [60, 62, 64, 65, 67, 69, 71, 72]),
        ("falling", [72, 71, 69, 67, 65, 64, 62, 60]),
        ("arch", [60, 64, 67, 71, 72, 67, 64, 60]),
        ("wave", [64, 69, 72, 67, 64, 60, 62, 67]),
    ],
)
def test_a_line_is_most_like_its_own_contour(contour: str, pitches: list[int]) -> None:
    like = shows_contour(line(pitches), range(2), 96)
    assert max(like, key=lambda name: like[name]) == contour


def test_a_cell_is_seen_where_it_opens_the_theme_and_returns() -> None:
    shape = ThemeShape(
        contour="arch", low=60, high=72, rhythm=(1.5, 0.5, 1.0, 1.0), closure="closed"
    )
    cell, other = [0, 36, 48, 72], [0, 24, 48, 72]
    twice = [*cell, *(96 + at for at in other), *(192 + at for at in cell), 288]
    once = [*cell, *(96 + at for at in other), *(192 + at for at in other), 288]
    assert shows_cell(line([60] * 13, twice), range(4), 96, shape)
    assert not shows_cell(line([60] * 13, once), range(4), 96, shape)
    assert not shows_cell(line([60] * 13, [at + 12 for at in twice]), range(4), 96, shape)


def test_closed_ends_on_the_tonic_and_open_elsewhere() -> None:
    closed = ThemeShape(contour="arch", low=60, high=72, rhythm=(1.0,), closure="closed")
    key = Key.parse("C major")
    for last, is_tonic in ((60, True), (67, False)):
        notes = line([64, 65, 67, last])
        assert shows_closure(notes, range(1), closed, key) is is_tonic
        opened = closed.replace(closure="open")
        assert shows_closure(notes, range(1), opened, key) is not is_tonic


@pytest.mark.parametrize("contour", CONTOURS)
@pytest.mark.parametrize("genre", ["classical", "rock"])
def test_the_composed_theme_has_the_shape_of_the_plan(genre: str, contour: str) -> None:
    plan = planned(genre, contour)
    assert plan.theme is not None
    assert plan.theme.contour == contour
    notes, bars = theme_of(plan)
    steps = plan.bar_ticks // 20
    assert shows_contour(notes, bars, steps)[contour] > 0.3
    assert shows_cell(notes, bars, steps, plan.theme)
    assert shows_closure(notes, bars, plan.theme, plan.key_at(bars.start))


def test_an_edit_of_the_shape_changes_the_theme() -> None:
    plan = planned("classical", "rising")
    assert plan.theme is not None
    beat = plan.meter_value.beat_ticks / 480
    shape = plan.theme.replace(contour="falling", rhythm=(0.5 * beat, 0.5 * beat, beat))
    edited = plan.replace(theme=shape)
    notes, bars = theme_of(edited)
    like = shows_contour(notes, bars, plan.bar_ticks // 20)
    assert like["falling"] > like["rising"]
    assert shows_cell(notes, bars, plan.bar_ticks // 20, shape)
    assert Plan.from_dict(edited.to_dict()) == edited


def test_a_shape_is_cut_to_the_bar_and_to_the_range_of_the_part() -> None:
    shape = ThemeShape(contour="arch", low=60, high=72, rhythm=(1.5, 0.5, 2.0), closure="closed")
    waltz = shape.fitted(64, 80, 3.0)
    assert (waltz.rhythm, waltz.low, waltz.high) == ((1.5, 0.5, 1.0), 64, 72)
    assert shape.fitted(40, 80, 2.0).rhythm == (1.5, 0.5)
    far = shape.fitted(30, 50, 4.0)
    assert (far.low, far.high) == (30, 50)


def test_impossible_shapes_are_one_line_with_the_legal_range() -> None:
    plan = planned("classical", "arch")
    assert plan.theme is not None
    with pytest.raises(PlanError, match="lengths must be 1/24 to 8 quarters"):
        plan.theme.replace(rhythm=(0.0, 1.0))
    with pytest.raises(PlanError, match="arch"):
        plan.replace(theme={**plan.theme.to_dict(), "contour": "zigzag"})
    with pytest.raises(PlanError, match="at least 5 semitones above low"):
        plan.theme.replace(high=plan.theme.low)


@pytest.mark.parametrize(
    ("text", "contour"),
    [
        ("a waltz with a rising theme", "rising"),
        ("a melody that falls, for flute, rising energy", "falling"),
        ("the theme rises and falls, harp", "arch"),
        ("wave-like melody for cello", "wave"),
        ("rising energy, piano", None),
    ],
)
def test_words_name_the_contour_of_the_theme(text: str, contour: str | None) -> None:
    brief = parse_brief(text)
    assert brief.theme_contour == contour
    assert not brief.not_understood
