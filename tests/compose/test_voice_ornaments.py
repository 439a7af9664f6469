"""Ornaments of accompanying voices: what is added, and what may not change."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from leitmotiv.compose.accompaniment import accompaniment_part
from leitmotiv.compose.figures import textures_by_bar
from leitmotiv.compose.part_writing import hand_reach, is_single_line, write_skeleton
from leitmotiv.compose.voice_ornaments import ornament_line, turn_weak_notes, within_hand
from leitmotiv.plan.form import DEVELOPED
from leitmotiv.plan.plan import Plan
from leitmotiv.score.score import make_notes

from .plans import PIANO, QUARTET, make_plan


def chord_rows(plan: Plan, part: int) -> tuple[list[tuple[int, int, int, int]], object]:
    voices = tuple(i for i in range(plan.num_parts) if is_single_line(plan, i) and i)
    skeleton = write_skeleton(plan, voices)
    pairs = zip(skeleton.spans, skeleton.pitches[part], strict=True)
    return [(span.start, span.end - span.start, pitch, 80) for span, pitch in pairs], skeleton


@pytest.mark.parametrize("seed", range(6))
def test_a_line_keeps_its_time_and_adds_notes_between(seed: int) -> None:
    plan = make_plan(parts=QUARTET, genre="classical", num_bars=16)
    rows, skeleton = chord_rows(plan, 2)
    found = ornament_line(rows, plan, skeleton, 2, np.random.default_rng(seed))
    assert sum(row[1] for row in found) == sum(row[1] for row in rows)
    assert all(a[0] + a[1] == b[0] for a, b in itertools.pairwise(found))
    assert len(found) > len(rows)
    part = plan.parts[2]
    assert all(part.low <= pitch <= part.high and length > 0 for _, length, pitch, _ in found)
    # What is struck on a chord's first beat is its chord note, or a suspension that falls into it.
    pitch_at = {onset: pitch for onset, _, pitch, _ in found}
    late = 0
    for onset, _, pitch, _ in rows:
        if onset in pitch_at:
            assert pitch_at[onset] == pitch
        else:
            held = max(start for start in pitch_at if start < onset)
            assert 1 <= pitch_at[held] - pitch <= 2
            late += 1
    assert late < len(rows) / 2


def test_broken_chords_turn_on_weak_notes_only() -> None:
    plan = make_plan(parts=PIANO, genre="classical", num_bars=8)
    grid = [48, 55, 60, 55] * 2
    onset = np.arange(64) * 240
    notes = make_notes(onset, np.full(64, 240), np.asarray(grid * 8), 72)
    turned = turn_weak_notes(notes, plan, 1, np.random.default_rng(3))
    different = turned["pitch"] != notes["pitch"]
    assert 0 < different.sum() < 32
    accents = [plan.meter_value.accent(int(o) % plan.bar_ticks) for o in turned["onset"][different]]
    assert max(accents) < 0.5
    following = turned["pitch"].astype(int)[1:] - turned["pitch"].astype(int)[:-1]
    assert np.all(np.abs(following[different[:-1]]) <= 2)


def test_a_hand_holds_what_it_reaches() -> None:
    plan = make_plan(parts=PIANO, genre="classical", num_bars=8)
    reach = hand_reach(plan, 1)
    assert reach < 24
    notes = make_notes([0, 0, 0, 960], 480, [40, 47, 64, 64], 72)
    assert within_hand(notes, plan, 1)["pitch"].tolist() == [40, 47, 64]
    for seed in range(3):
        part = accompaniment_part(plan, 1, np.random.default_rng(seed))
        for start in np.unique(part["onset"]):
            struck = part["pitch"][part["onset"] == start]
            assert int(np.ptp(struck)) <= reach


def test_developed_returns_find_other_figures_and_literal_ones_keep_theirs() -> None:
    same = dict.fromkeys((0.2, DEVELOPED), 0)
    for seed in range(16):
        for share in same:
            energies = (0.4, 0.7, 0.4)
            plan = make_plan(parts=QUARTET, genre="classical", energies=energies, seed=seed)
            data = plan.model_dump()
            data["sections"][2].update(returns_to=0, edit_share=share)
            textures = textures_by_bar(Plan.model_validate(data))
            first, last = plan.sections[0].start_bar_index, plan.sections[2].start_bar_index
            same[share] += textures[first] is textures[last]
    assert same[0.2] == 16
    assert same[DEVELOPED] < 10


def test_a_phrase_can_let_a_part_rest() -> None:
    plan = make_plan(parts=QUARTET, genre="classical", num_bars=16)
    data = plan.model_dump()
    phrase = data["sections"][0]["phrases"][-1]
    phrase["parts_silent"] = (1,)
    resting = Plan.model_validate(data)
    bars = range(phrase["start_bar_index"], phrase["start_bar_index"] + phrase["num_bars"])
    assert all(resting.silent_at(bar) == {1} for bar in bars)
    notes = accompaniment_part(resting, 1, np.random.default_rng(0))
    sounding = set((notes["onset"] // plan.bar_ticks).tolist())
    assert not sounding & set(bars)
    assert sounding
