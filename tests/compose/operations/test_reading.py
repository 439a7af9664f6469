"""A plan read off a score says what the score says."""

from __future__ import annotations

import pytest

from leitmotiv.compose.operations import read_plan
from leitmotiv.compose.operations.reading import meter_stretch
from leitmotiv.errors import ComposeError
from leitmotiv.score import MeterChange, Part, Score, make_notes
from leitmotiv.theory import Meter

from .scores import song


def test_the_maps_of_a_plain_song_are_read() -> None:
    plan = read_plan(song()).plan
    assert (plan.key, plan.meter, plan.num_bars) == ("G major", "4/4", 8)
    assert [part.role for part in plan.parts] == ["melody", "harmony", "bass"]
    assert plan.qpm_at(0) == pytest.approx(96.0)
    assert str(plan.chord_at(0)) == "G:maj"
    assert plan.chord_at(6).root_pitch_class == 2
    assert plan.phrase_at(7).cadence == "authentic"


def test_every_part_keeps_its_notes_in_its_range() -> None:
    score = song()
    for entry, part in zip(read_plan(score).plan.parts, score.parts, strict=True):
        assert entry.low <= part.notes["pitch"].min()
        assert entry.high >= part.notes["pitch"].max()


def test_a_note_played_a_little_early_belongs_to_the_bar_it_anticipates() -> None:
    early, exact = read_plan(song(early=20)), read_plan(song())
    assert early.notes["bar"].tolist() == exact.notes["bar"].tolist()
    assert early.notes["position"].tolist() == exact.notes["position"].tolist()


def test_a_stretch_ends_where_the_meter_changes() -> None:
    notes = make_notes(range(0, 9600, 480), [480] * 20, [60] * 20)
    score = Score(
        (Part("x", notes=notes),),
        meters=(MeterChange(0, Meter(4, 4)), MeterChange(3840, Meter(3, 4))),
    )
    assert meter_stretch(score, 1) == range(0, 2)
    assert meter_stretch(score, 3) == range(2, 6)


@pytest.mark.parametrize("score", [Score(), Score((Part("silent"),))])
def test_an_empty_score_is_refused(score: Score) -> None:
    with pytest.raises(ComposeError, match="empty"):
        read_plan(score)
