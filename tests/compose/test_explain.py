"""An explanation tells who wrote a note, and tells the truth about the draw."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import numpy as np
import pytest

from leitmotiv.compose import ComposeOptions, WriterOptions, compose
from leitmotiv.compose.attention import knock_out
from leitmotiv.compose.explain import explain_plan, explain_score, explain_written
from leitmotiv.compose.journal import Journal, active_journal, open_journal
from leitmotiv.errors import ComposeError
from leitmotiv.models import load_model
from leitmotiv.release.explain_picture import draw_explanation
from leitmotiv.score import Origin, Part, Score, make_notes

from .plans import QUARTET, make_plan

QUICK = ComposeOptions(writer=WriterOptions(num_candidates=2, num_accompaniments=2))
TRIO = tuple(QUARTET[index] for index in (0, 1, 3))
PLAN = make_plan(parts=TRIO, genre="classical", num_bars=4, energies=(0.5,), textures=("full",))
LAST = PLAN.num_bars - 1
BASS = len(TRIO) - 1


@lru_cache
def written() -> tuple[Score, Journal]:
    """The piece and its journal: composed once, asked many times."""
    with open_journal() as journal:
        score = compose(PLAN, options=QUICK, rng=np.random.default_rng(5))
    return score, journal


@lru_cache
def explained(bar: int, part: int) -> dict[str, Any]:
    return explain_written(PLAN, *written(), bar, part)


def test_a_piece_is_composed_again_and_its_journal_changes_no_note() -> None:
    watched, record = explain_plan(PLAN, 1, 0, rng=np.random.default_rng(5), options=QUICK)
    assert record == explained(1, 0)
    plain = compose(PLAN, options=QUICK, rng=np.random.default_rng(5))
    for one, other in zip(plain.parts, watched.parts, strict=True):
        np.testing.assert_array_equal(one.notes, other.notes)
    with open_journal() as journal:
        assert active_journal() is journal
    assert active_journal() is None


def test_every_note_of_the_bar_is_explained_and_json() -> None:
    score, _ = written()
    for bar, part in ((1, 0), (2, BASS), (LAST, 0)):
        record = explained(bar, part)
        notes = score.parts[part].notes
        here = notes[notes["onset"] // PLAN.bar_ticks == bar]
        assert [n["pitch"] for n in record["notes"]] == here["pitch"].tolist()
        assert json.loads(json.dumps(record)) == record
        for note in record["notes"]:
            assert note["decided_by"]["rule"] != "unknown"
            if note["origin"] == Origin.MODEL.name.lower() and "choice" in note:
                assert note["candidates"]["chosen"] < note["candidates"]["drawn"]


def test_the_draw_is_repeated_with_chances_and_rules() -> None:
    record = explained(1, 0)
    drawn = [note for note in record["notes"] if "choice" in note]
    assert drawn
    for note in drawn:
        pitch = note["choice"]["pitch"]
        assert 0 < pitch["guided"] <= 1
        assert {"chord", "scale"} <= set(pitch["rules"])
        shares = [cell["share"] for cell in note["context"]["cells"]]
        assert all(0 <= share <= 1 for share in shares)
        assert sum(shares) == pytest.approx(1, abs=0.01) or not any(shares)


def test_the_final_bar_is_closed_by_the_cadence() -> None:
    record = explained(LAST, 0)
    rules = {rule["rule"] for rule in record["rules_in_order"]}
    assert rules & {"close_melody", "settle_last_bar", "write"}
    assert record["plan"]["cadence"] == "authentic"


def test_hiding_nothing_changes_nothing_and_hiding_is_seen() -> None:
    model = load_model()
    events = np.asarray([(2, 0, 0, 0), *[(3 + 24 * k, 61 + 2 * k, 24, 0) for k in range(4)]])
    conditions = np.zeros((5, 18), dtype=np.int64)
    time = np.asarray([0, 0, 24, 48, 72], dtype=np.float32)
    nothing = np.zeros(5, dtype=bool)
    first = np.arange(5) == 1
    nats, changes = knock_out(model, events, conditions, time, (99, 65, 24), [nothing, first])
    assert nats < 0
    assert changes[0] == pytest.approx(0, abs=1e-5)
    assert abs(changes[1]) > 1e-4


def test_music_made_elsewhere_is_explained_by_its_context() -> None:
    onset = np.arange(16) * 480
    scale = [60, 62, 64, 65] * 4
    score = Score(parts=(Part("Flute", 73, role="melody", notes=make_notes(onset, 480, scale)),))
    _, record = explain_score(score, 2, 0)
    assert [note["pitch"] for note in record["notes"]] == [60, 62, 64, 65]
    # The bar was heard twice before: what stands around it makes it no surprise.
    last = record["notes"][-1]["context"]
    assert last["bits"] < 6
    assert {cell["bar_index"] for cell in last["cells"] if cell["share"] > 0}


@pytest.mark.parametrize(("bar", "part"), [(99, 0), (-1, 0), (0, 9)])
def test_a_bar_or_part_that_is_not_there_is_refused(bar: int, part: int) -> None:
    with pytest.raises(ComposeError, match="must be a whole number from 1 to"):
        explain_plan(PLAN, bar, part, rng=np.random.default_rng(5))


def test_the_picture_is_a_png(tmp_path: Any) -> None:
    path = draw_explanation(written()[0], explained(1, 0), tmp_path / "why.png")
    assert path.read_bytes()[:4] == b"\x89PNG"
