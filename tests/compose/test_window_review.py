"""Candidates are judged as review would judge the bars they would become."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

import leitmotiv.compose.writer as writer_module
from leitmotiv.compose.canvas import Canvas
from leitmotiv.compose.journal import Written, open_journal
from leitmotiv.compose.window_review import WINDOW_CHECKS, window_badness
from leitmotiv.compose.writer import Writer, WriterOptions
from leitmotiv.models import load_model
from leitmotiv.review import review_score
from leitmotiv.review.finding import score_badness
from leitmotiv.tokens.grid import CELL_NOTE_DTYPE

from .plans import QUARTET, make_plan

PLAN = make_plan(
    parts=(QUARTET[0], QUARTET[3]),
    genre="classical",
    key="C major",
    num_bars=8,
    progression=("I", "V", "I", "V"),
)
CANVAS = Canvas(PLAN)

# Contrary motion, one half note after the other: nothing to say.
CLEAN = {0: (76, 79, 74, 79), 1: (48, 48, 55, 55)}
# Soprano and bass from C to E, an octave apart: parallels.
PARALLEL = {0: (72, 76, 74, 79), 1: (48, 52, 55, 59)}


def cells(lines: dict[int, tuple[int, ...]], bar: int) -> NDArray[np.void]:
    """Two bars of half notes in two parts."""
    rows = np.zeros(8, dtype=CELL_NOTE_DTYPE)
    half = CANVAS.steps // 2
    for row, (part, index) in enumerate((p, i) for i in range(4) for p in (0, 1)):
        rows["bar"][row], rows["position"][row] = bar + index // 2, half * (index % 2)
        rows["part"][row], rows["pitch"][row] = part, lines[part][index]
        rows["duration"][row], rows["velocity"][row] = half, 80
    return rows


def badness(notes: NDArray[np.void], bars: range) -> float:
    return window_badness(PLAN, notes, bars, steps=CANVAS.steps)


def test_clean_bars_cost_nothing_and_parallels_something() -> None:
    assert badness(cells(CLEAN, 2), range(2, 4)) == 0
    assert badness(cells(PARALLEL, 2), range(2, 4)) > 0.1


def test_nothing_is_found_in_silence() -> None:
    assert badness(cells(CLEAN, 2)[:0], range(2, 4)) == 0


def test_only_the_bars_and_the_one_before_them_count() -> None:
    far, here = cells(PARALLEL, 1), cells(CLEAN, 4)
    assert badness(np.concatenate([far, here]), range(4, 6)) == 0
    assert badness(np.concatenate([far, here]), range(2, 6)) > 0, "its bar before is in view"


def test_a_window_over_the_whole_piece_finds_what_review_finds() -> None:
    notes = np.concatenate([cells(PARALLEL, 0), cells(CLEAN, 2), cells(PARALLEL, 4)])
    canvas = Canvas(PLAN)
    canvas.write([(bar, part) for bar in range(8) for part in (0, 1)], notes)
    found = review_score(canvas.to_score(), PLAN, checks=WINDOW_CHECKS)
    assert found
    assert badness(canvas.notes, range(8)) == pytest.approx(score_badness(found))


def test_a_note_that_rings_beyond_the_last_bar_is_no_error() -> None:
    notes = cells(CLEAN, 6)
    ringing = notes.copy()
    ringing["duration"][-1] = 5 * CANVAS.steps
    assert badness(ringing, range(6, 8)) == badness(notes, range(6, 8))


def ask(monkeypatch: pytest.MonkeyPatch, faults: list[float], **options: float) -> Written:
    """Let the network write a bass under a melody, review finding ``faults`` one by one."""
    told = iter(faults)
    monkeypatch.setattr(writer_module, "window_badness", lambda *_, **__: next(told))
    canvas = Canvas(PLAN)
    melody = cells(CLEAN, 0)
    melody = melody[melody["part"] == 0]
    canvas.write([(bar, 0) for bar in (0, 1)], melody)
    writer = Writer(canvas, load_model(), WriterOptions(num_accompaniments=3, **options))  # type: ignore[arg-type]
    writer.written[:2, 0] = True
    sketch = cells(CLEAN, 0)
    sketch = sketch[sketch["part"] == 1]
    with open_journal() as journal:
        writer.write(range(2), [1], np.random.default_rng(0), sketches={1: sketch})
    assert journal.request is not None
    return journal.request


@pytest.mark.parametrize("clean", [0, 1, 2])
def test_the_candidate_without_findings_is_kept(
    monkeypatch: pytest.MonkeyPatch, clean: int
) -> None:
    faults = [0.0 if index == clean else 9.0 for index in range(3)]
    request = ask(monkeypatch, faults)
    assert request.chosen == clean
    assert len(request.scores) == 3, "nothing was drawn again"


def test_where_all_have_findings_as_many_are_drawn_with_a_looser_sketch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = ask(monkeypatch, [0.0] * 3)
    again = ask(monkeypatch, [9.0, 9.0, 9.0, 9.0, 0.0, 9.0])
    assert len(again.scores) == 6
    assert again.chosen == 4
    assert again.rules[0].sketch_weight < first.rules[0].sketch_weight


def test_a_weight_of_zero_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(ask(monkeypatch, [], review_weight=0.0).scores) == 3
