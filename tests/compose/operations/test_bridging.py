"""A bridge keeps both cues and leads key, tempo and players from one to the other."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from leitmotiv.compose import WriterOptions
from leitmotiv.compose.operations import bridge, read_plan
from leitmotiv.errors import ComposeError
from leitmotiv.score import KeyChange, Part, Score, TempoMap
from leitmotiv.theory import Key

from .scores import song

QUICK = WriterOptions(num_candidates=3, num_accompaniments=2)
BAR = 1920


def other() -> Score:
    """The song a fourth up, faster, with a violin instead of the flute."""
    parts = []
    for part in song().parts:
        notes = part.notes.copy()
        notes["pitch"] += 5
        parts.append(replace(part, notes=notes))
    parts[0] = Part("Violin", 40, notes=parts[0].notes)
    return replace(
        song(),
        parts=tuple(parts),
        tempo_map=TempoMap((0,), (144.0,)),
        keys=(KeyChange(0, Key.parse("C major")),),
    )


@lru_cache
def joined() -> Score:
    return bridge(song(), other(), 4, rng=np.random.default_rng(1), options=QUICK)


def test_both_cues_are_kept_note_for_note() -> None:
    score = joined()
    assert score.num_bars == 20
    assert [part.name for part in score.parts] == ["Tune", "Guitar", "Bass", "Violin"]
    for part, old in zip(score.parts, song().parts, strict=False):
        before = part.notes[part.notes["onset"] < 8 * BAR]
        assert before.tobytes() == old.notes.tobytes()
    after = score.parts[3].notes[score.parts[3].notes["onset"] >= 12 * BAR].copy()
    after["onset"] -= 12 * BAR
    assert after.tobytes() == other().parts[0].notes.tobytes()


def test_the_tempo_goes_over_step_by_step() -> None:
    tempo = [joined().tempo_map.qpm_at(bar * BAR) for bar in range(7, 13)]
    assert tempo[0] == 96.0
    assert tempo[-1] == pytest.approx(144.0)
    ratios = np.diff(np.log(tempo))
    assert ratios == pytest.approx(np.full(5, ratios.mean()))


def test_the_last_bar_is_the_dominant_of_the_new_key() -> None:
    plan = read_plan(joined()).plan
    assert plan.chord_at(11).root_pitch_class == 7
    assert str(joined().key_at(12 * BAR)) == "C major"


def test_players_leave_and_enter_in_the_middle() -> None:
    inside = [
        set(((p.notes["onset"] // BAR)[(p.notes["onset"] // BAR >= 8)]).tolist())
        & set(range(8, 12))
        for p in joined().parts
    ]
    assert inside[0] == {8, 9}
    assert inside[3] == {10, 11}
    assert inside[2] == {8, 9, 10, 11}


def test_impossible_bridges_are_refused(rng: np.random.Generator) -> None:
    with pytest.raises(ComposeError, match="bars=0 must be between 1 and 64"):
        bridge(song(), other(), 0, rng=rng)
    with pytest.raises(ComposeError, match="empty"):
        bridge(song(), Score(), 4, rng=rng)
