"""Meters, beats and accents."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leitmotiv.errors import TheoryError
from leitmotiv.theory import TICKS_PER_QUARTER, Meter

METERS = st.builds(Meter, st.integers(1, 21), st.sampled_from([1, 2, 4, 8, 16]))


@given(METERS)
def test_text_round_trips(meter: Meter) -> None:
    assert Meter.parse(str(meter)) == meter


@given(METERS)
def test_groups_and_beats_fill_the_bar(meter: Meter) -> None:
    assert sum(meter.beat_groups) == meter.numerator
    assert meter.num_beats * meter.beat_ticks == meter.bar_ticks
    assert meter.bar_ticks == meter.numerator * 4 * TICKS_PER_QUARTER // meter.denominator
    assert 0 < meter.half_bar_ticks < meter.bar_ticks


@given(METERS, st.integers(0, 10_000))
def test_only_the_downbeat_has_full_accent(meter: Meter, tick: int) -> None:
    accent = meter.accent(tick)
    assert 0.0 <= accent <= 1.0
    assert (accent == 1.0) == (tick % meter.bar_ticks == 0)


@pytest.mark.parametrize(
    ("text", "accents"),
    [
        ("4/4", [1, 0.25, 0.5, 0.25, 0.75, 0.25, 0.5, 0.25]),
        ("3/4", [1, 0.25, 0.5, 0.25, 0.5, 0.25]),
        ("2/4", [1, 0.25, 0.5, 0.25]),
        ("6/8", [1, 0.25, 0.25, 0.5, 0.25, 0.25]),
        ("12/8", [1, 0.25, 0.25, 0.5, 0.25, 0.25, 0.75, 0.25, 0.25, 0.5, 0.25, 0.25]),
        ("7/8", [1, 0.25, 0.5, 0.25, 0.5, 0.25, 0.25]),
        ("3+2+2/8", [1, 0.25, 0.25, 0.5, 0.25, 0.5, 0.25]),
        ("5/4", [1, 0.25, 0.5, 0.25, 0.5, 0.25, 0.75, 0.25, 0.5, 0.25]),
    ],
)
def test_accents_on_the_eighths_of_a_bar(text: str, accents: list[float]) -> None:
    meter = Meter.parse(text)
    assert [meter.accent(240 * index) for index in range(meter.bar_ticks // 240)] == accents


@pytest.mark.parametrize(
    ("text", "half"),
    [("4/4", 960), ("2/4", 480), ("3/4", 960), ("6/8", 720), ("9/8", 1440), ("12/8", 1440),
     ("5/4", 1440), ("7/8", 960), ("2/2", 960), ("6/4", 1440), ("3/8", 480), ("1/4", 240)],
)  # fmt: skip
def test_the_second_chord_starts_on_the_group_nearest_the_middle(text: str, half: int) -> None:
    assert Meter.parse(text).half_bar_ticks == half


def test_sixteenths_are_weaker_than_eighths_and_off_grid_ticks_weigh_nothing() -> None:
    meter = Meter(4, 4)
    assert meter.accent(120) == 0.125
    assert meter.accent(60) == 0.0625
    assert meter.accent(7) == 0.0


def test_usual_grouping_written_out_is_the_same_meter() -> None:
    assert Meter.parse("2+2+3/8") == Meter(7, 8)
    assert Meter.parse("3+3+2/8").is_odd


@pytest.mark.parametrize("text", ["", "4", "0/4", "4/3", "4/0", "65/4", "a/b", "-3/4"])
def test_malformed_meters_are_refused(text: str) -> None:
    with pytest.raises(TheoryError):
        Meter.parse(text)


def test_groups_must_fill_the_bar() -> None:
    with pytest.raises(TheoryError, match="add up to 7"):
        Meter(7, 8, (2, 2))
