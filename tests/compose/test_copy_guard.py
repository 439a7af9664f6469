"""Candidates that copy a training piece beyond the cap lose, and no others do."""

from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.compose.copy_guard import CopyGuard
from leitmotiv.review.fragment_index import FragmentIndex, IndexedPiece
from leitmotiv.score import Origin
from leitmotiv.score.fragments import KINDS, fragments
from leitmotiv.tokens.grid import CELL_NOTE_DTYPE

BAR = 96


def cells(onset: np.ndarray, pitch: np.ndarray, origin: Origin = Origin.MODEL) -> np.ndarray:
    notes = np.zeros(len(onset), dtype=CELL_NOTE_DTYPE)
    notes["bar"], notes["position"] = np.divmod(onset, BAR)
    notes["duration"], notes["pitch"], notes["origin"] = 12, pitch, origin
    return notes


def random_tune(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    steps = rng.choice([-5, -4, -3, -2, -1, 1, 2, 3, 4, 5], count)
    return np.cumsum(rng.choice([12, 24, 36], count)), 60 + np.abs(np.cumsum(steps)) % 25


@pytest.fixture
def tune(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return random_tune(rng, 60)


@pytest.fixture
def guard(tune: tuple[np.ndarray, np.ndarray]) -> CopyGuard:
    found = {}
    for kind in KINDS:
        values = fragments(np.zeros(60, np.int64), *tune, kind).hashes
        found[kind.name] = (values, np.zeros(len(values), np.int64))
    piece = IndexedPiece("a", "Air", "Ann", "CC0-1.0", "demo")
    return CopyGuard(16, FragmentIndex.build([piece], found, keep_one_in=2))


def never() -> list[tuple[float, np.ndarray]]:
    raise AssertionError("a candidate within the cap was there")


def test_a_copy_loses_to_a_worse_candidate_of_its_own(
    rng: np.random.Generator, guard: CopyGuard, tune
) -> None:
    copy = cells(tune[0][:30], tune[1][:30] + 4)
    own = cells(*random_tune(rng, 30))
    scored = guard.judge([(5.0, copy), (-3.0, own)], copy[:0], BAR, never)
    assert [score for score, _ in scored][1] == -3.0
    assert scored[0][0] < scored[1][0]
    assert guard.vetoed == 1


def test_candidates_of_their_own_keep_their_scores(
    rng: np.random.Generator, guard: CopyGuard
) -> None:
    given = [(float(n), cells(*random_tune(rng, 30))) for n in range(6)]
    assert guard.judge(given, given[0][1][:0], BAR, never) == given


def test_a_copy_that_began_before_the_passage_is_seen(guard: CopyGuard, tune) -> None:
    before, rest = cells(tune[0][:15], tune[1][:15]), cells(tune[0][15:27], tune[1][15:27])
    alone = guard.copied_notes([rest], before[:0], BAR)[0]
    together = guard.copied_notes([rest], before, BAR)[0]
    assert alone <= 12 < 16 < together


def test_what_a_person_wrote_before_counts_as_theirs(guard: CopyGuard, tune) -> None:
    given = cells(tune[0][:15], tune[1][:15], Origin.HUMAN)
    rest = cells(tune[0][15:27], tune[1][15:27])
    assert guard.copied_notes([rest], given, BAR)[0] <= 12


def test_where_all_copy_it_is_drawn_again(rng: np.random.Generator, guard: CopyGuard, tune) -> None:
    copy = cells(tune[0][:30], tune[1][:30])
    own = cells(*random_tune(rng, 30))
    scored = guard.judge([(5.0, copy)], copy[:0], BAR, lambda: [(-9.0, own)])
    assert max(scored, key=lambda entry: entry[0])[1] is own
    assert guard.redrawn == 1


def test_where_nothing_else_comes_the_shortest_copy_is_taken(guard: CopyGuard, tune) -> None:
    long, short = cells(tune[0][:40], tune[1][:40]), cells(tune[0][:24], tune[1][:24])
    scored = guard.judge([(5.0, long), (0.0, short)], long[:0], BAR, lambda: [(5.0, long)])
    assert len(scored) == 4  # two, and two redraws of one
    assert max(scored, key=lambda entry: entry[0])[1] is short


def test_without_a_cap_nothing_is_judged(guard: CopyGuard, tune) -> None:
    free = CopyGuard(None, guard.index)
    given = [(5.0, cells(tune[0][:40], tune[1][:40]))]
    assert free.judge(given, given[0][1][:0], BAR, never) is given


def test_each_part_is_a_line_of_its_own(rng: np.random.Generator, guard: CopyGuard, tune) -> None:
    """A copy in an inner part under another tune is seen, and one split between parts is none."""
    inner, above = cells(tune[0][:30], tune[1][:30] - 12), cells(*random_tune(rng, 30))
    above["part"], above["pitch"] = 1, above["pitch"] + 24
    together = np.concatenate([above, inner])
    assert guard.copied_notes([together, above], inner[:0], BAR).tolist()[1] <= 12
    assert guard.copied_notes([together], inner[:0], BAR)[0] > 16
    torn = inner.copy()
    torn["part"] = np.arange(len(torn)) // 5 % 2
    assert guard.copied_notes([torn], inner[:0], BAR)[0] <= 12


def test_the_beginning_of_a_copy_is_looked_for_in_its_own_part(guard: CopyGuard, tune) -> None:
    before, rest = cells(tune[0][:15], tune[1][:15]), cells(tune[0][15:27], tune[1][15:27])
    other = before.copy()
    other["part"] = 1
    assert guard.copied_notes([rest], np.concatenate([other, before]), BAR)[0] > 16
    assert guard.copied_notes([rest], other, BAR)[0] <= 12
