"""Stillness, repetition and crowded registers: found when planted, absent otherwise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from leitmotiv.review import Finding, review_score
from leitmotiv.score import Part, Score, TempoMap, make_notes

BAR = 1920


def named(score: Score, check: str) -> list[Finding]:
    return [finding for finding in review_score(score) if finding.check == check]


def part(
    rows: Sequence[tuple[int, int, int]], *, name: str = "", program: int = 0, role: str = ""
) -> Part:
    """A part from rows of onset, duration, pitch."""
    onset, duration, pitch = np.asarray(rows).T
    return Part(name, program, False, role, make_notes(onset, duration, pitch))


def held(bars: int, *, moving_bar: int | None = None) -> Score:
    rows = [(BAR * bar, BAR, pitch) for bar in range(bars) for pitch in (48, 55, 64)]
    rows += [] if moving_bar is None else [(BAR * moving_bar + 480, 480, 67)]
    return Score(parts=(part(rows),), tempo_map=TempoMap((0,), (60.0,)))


def test_one_sonority_for_bars_is_dull() -> None:
    found = named(held(6), "dull bars")
    assert [(f.severity, f.bar_index) for f in found] == [("warning", 0)]
    assert "bars 1-6" in found[0].message
    assert not named(held(3), "dull bars")


def test_a_note_that_moves_wakes_it_up() -> None:
    assert not named(held(6, moving_bar=3), "dull bars")


def figure(bar: int, start: int) -> list[tuple[int, int, int]]:
    return [(BAR * bar + 480 * i, 480, start + step) for i, step in enumerate((0, 4, 7, 4))]


def repeated(block: Sequence[int], times: int) -> Score:
    rows = [row for bar, start in enumerate(list(block) * times) for row in figure(bar, start)]
    return Score(parts=(part(rows),))


@pytest.mark.parametrize(
    ("block", "fine", "too_much"),
    [((60,), 8, 9), ((60, 65), 6, 7), ((60, 65, 67, 60), 4, 5)],
)
def test_overlong_repetition(block: Sequence[int], fine: int, too_much: int) -> None:
    assert not named(repeated(block, fine), "repetition")
    found = named(repeated(block, too_much), "repetition")
    assert [(f.severity, f.bar_index) for f in found] == [("warning", 0)]
    assert f"{too_much} times" in found[0].message


def test_loop_music_may_repeat_twice_as_often() -> None:
    drums = Part("Drums", is_drum=True, notes=make_notes([0], [60], [36]))
    twelve = repeated((60,), 12)
    assert not named(Score(parts=(*twelve.parts, drums)), "repetition")
    twenty = repeated((60,), 20)
    found = named(Score(parts=(*twenty.parts, drums)), "repetition")
    assert [f.severity for f in found] == ["note"]


def test_a_third_in_the_depth_rumbles_and_an_octave_does_not() -> None:
    def pair(low: int, high: int) -> Score:
        rows = [(BAR * bar, BAR, pitch) for bar in range(4) for pitch in (low, high)]
        return Score(parts=(part(rows),))

    (found,) = named(pair(33, 37), "register clash")
    assert (found.bar_index, found.pitch) == (0, 33)
    assert not named(pair(33, 45), "register clash")
    assert not named(pair(57, 61), "register clash")


def covered(height: int, role: str = "harmony") -> Score:
    tune = [(480 * i, 480, 67 + (0, 2, 4, 2)[i % 4]) for i in range(32)]
    chords = [(960 * i, 960, pitch + height) for i in range(16) for pitch in (60, 64, 74)]
    return Score(parts=(part(tune, name="Tune", role="melody"), part(chords, name="P", role=role)))


def test_an_accompaniment_that_sits_on_the_melody_is_found() -> None:
    found = named(covered(0), "register clash")
    assert [(f.severity, f.part_index, f.bar_index) for f in found] == [("warning", 1, 0)]
    assert "P sits on Tune in bars 1-8" in found[0].message
    assert not named(covered(-12), "register clash")
    assert not named(covered(0, role="counter"), "register clash")
