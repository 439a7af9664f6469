"""Tempo, bar sums and the seam of a loop."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leitmotiv.review import Finding, review_score
from leitmotiv.score import KeyChange, MeterChange, Part, Score, TempoMap, make_notes
from leitmotiv.theory import Key, Meter

from .choir_piece import BAR, choir_plan, choir_score, with_notes


def named(found: tuple[Finding, ...], check: str) -> list[Finding]:
    return [finding for finding in found if finding.check == check]


def steady(bars: int = 8) -> Score:
    pitches = [60, 64, 67, 64] * bars
    notes = make_notes(range(0, bars * BAR, 480), [480] * 4 * bars, pitches)
    return Score(parts=(Part("Tune", notes=notes),))


@pytest.mark.parametrize("qpm", [12.0, 400.0])
def test_a_tempo_nobody_plays(qpm: float) -> None:
    score = replace(steady(), tempo_map=TempoMap((0,), (qpm,)))
    assert [f.severity for f in named(review_score(score), "tempo")] == ["warning"]


def test_usual_tempos_and_fermatas_pass() -> None:
    for qpm in (40.0, 120.0, 208.0):
        score = replace(steady(), tempo_map=TempoMap((0,), (qpm,)))
        assert not named(review_score(score), "tempo")
    fermata = TempoMap((0, 3 * BAR + 960, 4 * BAR), (120.0, 15.0, 120.0))
    assert not named(review_score(replace(steady(), tempo_map=fermata)), "tempo")


def test_a_sudden_jump_is_noted_where_it_is() -> None:
    score = replace(steady(), tempo_map=TempoMap((0, 4 * BAR), (60.0, 180.0)))
    found = named(review_score(score), "tempo")
    assert [(f.severity, f.bar_index) for f in found] == [("note", 4)]


def test_the_plan_decides_the_tempo() -> None:
    score, plan = choir_score(), choir_plan()
    assert not named(review_score(score, plan), "tempo")
    slow = replace(score, tempo_map=TempoMap((0,), (80.0,)))
    assert [f.severity for f in named(review_score(slow, plan), "tempo")] == ["error"]


def test_a_bar_cut_short_does_not_add_up() -> None:
    changes = (MeterChange(0, Meter(4, 4)), MeterChange(4 * BAR + 1440, Meter(4, 4)))
    found = named(review_score(replace(steady(), meters=changes)), "bar sum")
    assert [(f.bar_index, "3 of 4" in f.message) for f in found] == [(4, True)]
    assert not named(review_score(steady()), "bar sum")


def test_an_upbeat_and_a_repeat_with_one_add_up() -> None:
    upbeat = (MeterChange(0, Meter(4, 4)), MeterChange(480, Meter(4, 4)))
    assert not named(review_score(replace(steady(), meters=upbeat)), "bar sum")
    seam = tuple(MeterChange(tick, Meter(4, 4)) for tick in (0, 3 * BAR + 1440, 3 * BAR + 1920))
    assert not named(review_score(replace(steady(), meters=seam)), "bar sum")


def test_a_last_bar_that_is_not_full_under_a_plan() -> None:
    score = choir_score()
    parts = tuple(replace(part, notes=part.notes[:-1]) for part in score.parts)
    short = replace(score, parts=parts, length_ticks=4 * BAR - 480)
    found = named(review_score(short, choir_plan()), "bar sum")
    assert [f.bar_index for f in found] == [3]


def seam(score: Score) -> list[str]:
    return [f.message for f in named(review_score(score, loop=(0, score.num_bars)), "loop seam")]


def test_a_seamless_loop_has_no_findings_and_no_loop_is_not_checked() -> None:
    assert seam(steady()) == []
    hole = Score(parts=(Part("Tune", notes=make_notes([0, BAR], [480, 480], [60, 62])),))
    assert not named(review_score(hole), "loop seam")
    assert any("silence" in message for message in seam(hole))


def test_what_rings_past_the_seam() -> None:
    score = steady(8)
    notes = score.parts[0].notes.copy()
    notes["duration"][-9] = 4 * BAR  # begins in bar 6
    ringing = with_notes(score, 0, notes)
    found = named(review_score(ringing, loop=(0, 8)), "loop seam")
    assert [(f.part_index, f.bar_index, f.severity) for f in found][:1] == [(0, 7, "warning")]
    assert "ring past" in found[0].message


def test_a_leap_another_tempo_key_or_loudness_at_the_seam() -> None:
    score = steady()
    notes = score.parts[0].notes.copy()
    notes["pitch"][-1] = 84
    assert any("leap from C6 to C4" in message for message in seam(with_notes(score, 0, notes)))
    slower = replace(score, tempo_map=TempoMap((0, 7 * BAR), (120.0, 90.0)))
    assert any("tempo jumps" in message for message in seam(slower))
    notes = score.parts[0].notes.copy()
    notes["velocity"][-4:] = 127
    notes["velocity"][:4] = 40
    assert any("loudness" in message for message in seam(with_notes(score, 0, notes)))
    up = steady(2)
    keys = (KeyChange(0, Key.parse("C major")), KeyChange(BAR, Key.parse("D major")))
    assert any("ends in D major" in message for message in seam(replace(up, keys=keys)))


def test_the_loop_of_the_plan_is_checked_by_itself() -> None:
    plan = choir_plan().model_copy(update={"loop": (0, 4)})
    score = choir_score()
    assert not named(review_score(score, plan), "loop seam")
    late = replace(score, tempo_map=TempoMap((0, 3 * BAR), (90.0, 60.0)))
    assert named(review_score(late, plan), "loop seam")
