"""Grids read as written and keep their shape in other meters."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leitmotiv.errors import StyleError
from leitmotiv.styles.grid import beat_starts, fit_grid, grid_events, split_grid
from leitmotiv.theory import Meter

METERS = [Meter.parse(text) for text in ("2/4", "3/4", "4/4", "5/4", "2/2", "6/8", "9/8", "7/8")]


def test_spaces_are_for_the_eye_and_bars_are_divided() -> None:
    assert split_grid("x.x. x... | x... ....") == ("x.x.x...", "x.......")


def test_holds_prolong_and_rests_end() -> None:
    events = grid_events("x-.o", 1920)
    assert [(e.onset, e.duration, e.symbol) for e in events] == [(0, 960, "x"), (1440, 480, "o")]


@pytest.mark.parametrize("bar", ["", "xxxxxxx"])
def test_a_grid_that_does_not_divide_the_bar_is_refused(bar: str) -> None:
    with pytest.raises(StyleError, match="must divide"):
        grid_events(bar, 1920)


@given(
    bar=st.lists(st.sampled_from("x.-o"), min_size=16, max_size=16).map("".join),
    target=st.sampled_from(METERS),
)
def test_fitted_events_are_ordered_do_not_overlap_and_stay_in_the_bar(
    bar: str, target: Meter
) -> None:
    events = fit_grid(bar, Meter(4, 4), target)
    for event, following in pairwise(events):
        assert event.onset + event.duration <= following.onset
    for event in events:
        assert event.duration >= 1
        assert event.onset + event.duration <= target.bar_ticks


@pytest.mark.parametrize("target", METERS)
def test_a_downbeat_stays_a_downbeat_and_a_held_bar_stays_held(target: Meter) -> None:
    events = fit_grid("x---------------", Meter(4, 4), target)
    assert [(e.onset, e.duration) for e in events] == [(0, target.bar_ticks)]


def test_odd_meters_have_groups_for_beats() -> None:
    assert beat_starts(Meter(7, 8)) == [0, 480, 960, 1680]
    assert beat_starts(Meter(6, 8)) == [0, 720, 1440]
