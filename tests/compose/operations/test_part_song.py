"""Voices of a setting move instead of repeating, and never in parallel with the tune by figure."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.operations.adding import palette_for
from leitmotiv.compose.operations.part_song import part_song
from leitmotiv.compose.operations.reading import read_plan
from leitmotiv.plan import Plan

from .scores import ROOTS, song, tune_part

BAR = 1920


@lru_cache
def setting() -> tuple[Plan, dict[int, NDArray[np.void]]]:
    plan = read_plan(song()).plan.replace(parts=palette_for(["choir"]))
    lines = part_song(plan, [1, 2, 3], tune_part().notes, np.random.default_rng(1))
    return plan, lines


def test_each_voice_sings_one_note_at_a_time_within_its_range() -> None:
    plan, lines = setting()
    for part, notes in lines.items():
        end = notes["onset"] + notes["duration"]
        assert np.all(end[:-1] <= notes["onset"][1:])
        assert notes["pitch"].min() >= plan.parts[part].low
        assert notes["pitch"].max() <= plan.parts[part].high


def test_the_bass_stands_on_each_chord_and_repeats_few_notes() -> None:
    plan, lines = setting()
    bass = lines[3]
    at = {int(n["onset"]): int(n["pitch"]) % 12 for n in bass}
    assert all(at[BAR * bar] in plan.chord_at(bar).pitch_classes for bar in range(8))
    assert sum(at[BAR * bar] == root % 12 for bar, root in enumerate(ROOTS)) >= 6
    repeated = np.diff(bass["pitch"].astype(int)) == 0
    assert repeated.mean() <= 0.15
    assert len(bass) > 8  # it walks: more than one note a bar


def test_figure_notes_do_not_grind_against_the_tune() -> None:
    tune = tune_part().notes
    bass = setting()[1][3]
    for note in bass[bass["onset"] % BAR != 0]:
        tick = note["onset"]
        above = tune[(tune["onset"] <= tick) & (tune["onset"] + tune["duration"] > tick)]
        if len(above):
            assert abs(int(above["pitch"][0]) - int(note["pitch"])) % 12 not in (1, 2, 10, 11)


def test_no_voices_give_no_lines() -> None:
    assert part_song(setting()[0], [], tune_part().notes, np.random.default_rng(1)) == {}
