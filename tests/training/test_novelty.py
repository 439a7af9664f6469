"""Copies are found whatever their key, formulas are not taken for copies, entropy is entropy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="needs the extra train")

import itertools

from leitmotiv.training.novelty import (
    DISTINCT,
    LONG_REST,
    FragmentSet,
    Novelty,
    NoveltyReport,
    fragments,
    piece_lines,
    pitch_class_entropy,
)
from leitmotiv.training.recipes import check_recipe
from leitmotiv.training.stopping import Stopping

from .toy_pack import toy_pack

LINES = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 40), st.integers(30, 90)), min_size=0, max_size=60
)


def brute_force(notes: list[tuple[int, int, int]], num_notes: int) -> list[tuple]:
    """Fragments as tuples of (interval, distance), found note by note."""
    found = []
    for line in sorted({note[0] for note in notes}):
        onsets = sorted({time for which, time, _ in notes if which == line})
        top = [(t, max(p for w, u, p in notes if w == line and u == t)) for t in onsets]
        for start in range(len(top) - num_notes + 1):
            window = top[start : start + num_notes]
            steps = [(b[1] - a[1], b[0] - a[0]) for a, b in itertools.pairwise(window)]
            far = any(distance > LONG_REST for _, distance in steps)
            if not far and len(set(steps)) >= min(DISTINCT, num_notes - 1):
                found.append(tuple(steps))
    return found


@given(LINES, st.sampled_from([3, 5, 6]), st.integers(-12, 12))
def test_fragments_are_those_that_a_slow_search_finds(
    notes: list[tuple[int, int, int]], num_notes: int, move: int
) -> None:
    spread = [(line, time * 12, pitch) for line, time, pitch in notes]
    columns = np.asarray(spread, dtype=np.int64).reshape(-1, 3)
    hashes, places = fragments(*columns.T, num_notes)
    wanted = brute_force(spread, num_notes)
    assert len(hashes) == len(places) == len(wanted)
    assert len(set(hashes.tolist())) == len(set(wanted))
    order = np.random.default_rng(0).permutation(len(columns))
    moved = columns[order] + [0, 96, move]
    assert np.array_equal(fragments(*moved.T, num_notes)[0], hashes)


def test_a_long_rest_divides_a_line() -> None:
    pitch = np.asarray([60, 64, 62, 67, 64])
    time = np.asarray([0, 24, 36, 84, 96])
    assert len(fragments(np.zeros(5), time, pitch, 5)[0]) == 1
    time[3:] += LONG_REST
    assert len(fragments(np.zeros(5), time, pitch, 5)[0]) == 0


def test_the_training_pieces_contain_themselves_in_any_key(rng: np.random.Generator) -> None:
    pack = toy_pack(rng)
    kept = FragmentSet(pack, 5)
    lines = piece_lines(pack, 0)
    lines[2] += 7
    total, found, longest = kept.measure(*lines)
    assert total == found > 0
    assert longest >= 5
    strange = lines.copy()
    strange[2] = rng.integers(30, 100, lines.shape[1])
    assert kept.measure(*strange)[1] < 0.2 * total


def test_scales_and_repeated_notes_are_no_fragments(rng: np.random.Generator) -> None:
    time = np.arange(20) * 24
    for pitch in (np.full(20, 60), np.arange(20) + 50):
        assert len(fragments(np.zeros(20), time, pitch, 6)[0]) == 0


def test_the_longest_run_counts_its_notes() -> None:
    pack = toy_pack(np.random.default_rng(1))
    kept = FragmentSet(pack, 5)
    melody = np.asarray([60, 67, 61, 70, 59, 64, 72, 55])
    time = np.cumsum([0, 24, 12, 36, 6, 24, 48, 18])
    kept.hashes = np.sort(fragments(np.zeros(8), time, melody, 5)[0])
    changed = np.concatenate([melody, [40, 90]])
    total, found, longest = kept.measure(
        np.zeros(10), np.append(time, time[-1] + [30, 66]), changed
    )
    assert (total, found, longest) == (6, 4, 8)


def test_entropy_runs_from_one_pitch_class_to_all() -> None:
    assert pitch_class_entropy(np.asarray([], int)) == 0
    assert pitch_class_entropy(np.asarray([60, 72, 48])) == 0
    assert pitch_class_entropy(np.arange(48, 72)) == pytest.approx(np.log2(12))


def report(**values: float) -> NoveltyReport:
    usual = {
        "entropy": 2.5, "entropy_low": 2.0, "entropy_high": 3.0, "copied": 0.05,
        "copied_human": 0.05, "longest_copy": 9, "longest_human": 9, "num_notes": 100,
    }  # fmt: skip
    return NoveltyReport(**{**usual, **values})  # type: ignore[arg-type]


def table(**values: float) -> dict:
    small = {"model": {}, "data": {}, "schedule": {"minutes": 1}, "stopping": values}
    return check_recipe(small)["stopping"]


def test_a_run_stops_when_the_loss_no_longer_improves() -> None:
    stopping = Stopping(table(patience=2, min_improvement=0.01))
    losses = [5.0, 4.0, 3.995, 3.5, 3.495, 3.6]
    reasons = [stopping.after_validation(loss) for loss in losses]
    assert reasons[:5] == [None] * 5
    assert "not improved on 3.500 bits a note in 2 validations" in str(reasons[5])
    assert Stopping(table()).after_validation(9.0) is None


def test_a_run_stops_when_copying_rises_beyond_the_limit() -> None:
    stopping = Stopping(table(copied_limit=0.2, copied_patience=2, begin=0.5))
    assert stopping.after_novelty(report(copied=0.9), 0.1) is None  # too early to count
    assert stopping.after_novelty(report(copied=0.3), 0.6) is None
    assert stopping.after_novelty(report(copied=0.1), 0.7) is None
    assert stopping.after_novelty(report(copied=0.3), 0.8) is None
    again = Stopping(table(copied_limit=0.2, copied_patience=2, begin=0.5))
    again.restore(stopping.state())
    reason = again.after_novelty(report(copied=0.3), 0.9)
    assert "copying has risen beyond the limit: 30.0% " in str(reason)


def test_a_run_stops_when_entropy_leaves_the_human_band_it_was_in() -> None:
    stopping = Stopping(table(entropy_patience=2, begin=0.0))
    away, home = report(entropy=1.0), report()
    assert [stopping.after_novelty(away, 0.5) for _ in range(3)] == [None] * 3
    assert stopping.after_novelty(home, 0.5) is None
    assert stopping.after_novelty(away, 0.5) is None
    assert "has left the human band" in str(stopping.after_novelty(away, 0.5))


def test_without_held_out_pieces_nothing_is_measured(rng: np.random.Generator) -> None:
    pack = toy_pack(rng)
    pack.arrays["piece_split"][:] = 0
    recipe = check_recipe(
        {"model": {}, "data": {}, "schedule": {"minutes": 1}, "novelty": {"continuations": 4}}
    )
    assert Novelty(pack, recipe).measure(None) is None  # type: ignore[arg-type]
