"""No part strikes a pitch that it still holds."""

from __future__ import annotations

import numpy as np

from leitmotiv.compose import compose
from leitmotiv.compose.repair import separate_repeats
from leitmotiv.plan import make_plan, parse_brief
from leitmotiv.review import review_score
from leitmotiv.score import Origin, Part, Score, make_notes


def rows(score: Score, index: int = 0) -> list[tuple[int, int, int]]:
    notes = score.parts[index].notes
    return list(
        zip(
            notes["onset"].tolist(), notes["duration"].tolist(), notes["pitch"].tolist(),
            strict=True,
        )
    )  # fmt: skip


def piece(onset: list[int], duration: list[int], pitch: list[int], origin: object) -> Score:
    return Score(parts=(Part("Tune", notes=make_notes(onset, duration, pitch, 80, origin)),))  # type: ignore[arg-type]


def test_the_earlier_note_ends_where_the_later_begins() -> None:
    score = piece([0, 480, 480], [1440, 480, 480], [60, 60, 64], Origin.MODEL)
    assert rows(separate_repeats(score)) == [(0, 480, 60), (480, 480, 60), (480, 480, 64)]


def test_of_two_that_begin_together_the_longer_stays() -> None:
    score = piece([0, 0], [480, 960], [60, 60], Origin.STYLE)
    assert rows(separate_repeats(score)) == [(0, 960, 60)]


def test_what_a_person_wrote_is_left_alone() -> None:
    score = piece([0, 480, 480], [1440, 480, 960], [60, 60, 60], Origin.HUMAN)
    assert separate_repeats(score) is score


def test_a_score_without_overlaps_is_returned_itself() -> None:
    score = piece([0, 480], [480, 480], [60, 60], Origin.MODEL)
    assert separate_repeats(score) is score
    assert separate_repeats(Score()) == Score()


def test_random_overlaps_are_gone_and_nothing_else_changes(rng: np.random.Generator) -> None:
    for _ in range(20):
        count = int(rng.integers(1, 60))
        onset = rng.integers(0, 40, count) * 120
        notes = make_notes(
            onset, rng.integers(1, 12, count) * 120, rng.integers(60, 66, count), 80, Origin.MODEL
        )
        score = Score(parts=(Part("Tune", notes=notes),), length_ticks=16 * 1920)
        clean = separate_repeats(score)
        assert not [f for f in review_score(clean) if f.check == "doubled note"]
        before = {(on, pitch) for on, _, pitch in rows(score)}
        assert {(on, pitch) for on, _, pitch in rows(clean)} == before
        assert separate_repeats(clean) is clean


def test_what_compose_returns_has_no_doubled_note() -> None:
    brief = parse_brief("a calm piece for piano and strings in G major, 8 bars")
    plan = make_plan(brief, np.random.default_rng(5))
    score = compose(plan, rng=np.random.default_rng(5))
    assert score.num_notes
    assert not [f for f in review_score(score, plan) if f.check == "doubled note"]
