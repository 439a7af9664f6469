"""Intervals and transposition of names."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from leitmotiv.errors import TheoryError
from leitmotiv.theory import Interval, Spelling

NEAR = st.builds(Spelling, st.sampled_from("ABCDEFG"), st.integers(-1, 1))
SIMPLE = ["P1", "m2", "M2", "A2", "m3", "M3", "d4", "P4", "A4", "d5", "P5", "A5", "m6", "M6"]


@given(NEAR, NEAR)
def test_between_then_transpose_returns_the_upper_note(lower: Spelling, upper: Spelling) -> None:
    try:
        interval = Interval.between(lower, upper)
    except TheoryError:
        assume(False)
        return
    assert interval.transpose(lower) == upper
    assert (interval.semitones - upper.pitch_class + lower.pitch_class) % 12 == 0
    assert (-interval).transpose(upper) == lower


@given(st.sampled_from([*SIMPLE, "m7", "M7", "P8", "M9", "P11", "-M2", "-P5", "-m10"]))
def test_text_round_trips(text: str) -> None:
    interval = Interval.parse(text)
    assert str(interval) == text
    assert (-interval).semitones == -interval.semitones
    assert interval.fifths * 7 % 12 == interval.semitones % 12


@pytest.mark.parametrize(
    ("text", "semitones"),
    [
        ("m3", 3),
        ("A4", 6),
        ("d5", 6),
        ("d7", 9),
        ("P8", 12),
        ("M10", 16),
        ("-m2", -1),
        ("-P8", -12),
    ],
)
def test_known_sizes(text: str, semitones: int) -> None:
    assert Interval.parse(text).semitones == semitones


@pytest.mark.parametrize("text", ["P3", "M5", "m4", "x3", "3", "M0"])
def test_impossible_intervals_are_refused(text: str) -> None:
    with pytest.raises(TheoryError):
        Interval.parse(text)
