"""A piano part that holds tune and accompaniment is written as both, and either hand can stay."""

from __future__ import annotations

import numpy as np

from leitmotiv.compose import WriterOptions
from leitmotiv.compose.operations import fill, read_plan, vary
from leitmotiv.compose.operations.hands import split_lead, top_line
from leitmotiv.score import Part, Score

from .scores import song

QUICK = WriterOptions(num_candidates=3, num_accompaniments=2)
BAR = 1920


def piano() -> Score:
    """Tune, chords and bass of the song on one track."""
    notes = np.concatenate([part.notes for part in song(repeats=2).parts])
    return song(repeats=2).with_parts([Part("Piano", 0, notes=notes)])


def test_the_top_line_is_the_tune() -> None:
    notes = piano().parts[0].notes
    top = notes[top_line(notes)]
    tune = song(repeats=2).parts[0].notes
    assert top["onset"].tolist() == tune["onset"].tolist()
    assert top["pitch"].tolist() == tune["pitch"].tolist()


def test_a_single_line_is_not_split() -> None:
    reading = read_plan(song())
    assert split_lead(song(), reading) is reading


def test_a_filled_piano_bar_has_both_hands_and_the_rest_is_kept() -> None:
    before = piano()
    after = fill(before, [5, 6], rng=np.random.default_rng(1), options=QUICK)
    old, new = before.parts[0].notes, after.parts[0].notes
    outside = [n[(n["onset"] < 5 * BAR) | (n["onset"] >= 7 * BAR)] for n in (old, new)]
    assert outside[0].tobytes() == outside[1].tobytes()
    inside = new[(new["onset"] >= 5 * BAR) & (new["onset"] < 7 * BAR)]
    assert (inside["pitch"] >= 64).any()
    assert (inside["pitch"] < 60).sum() >= 4


def test_varying_one_hand_keeps_the_other() -> None:
    before = piano()
    notes = before.parts[0].notes
    top = top_line(notes)
    tune = vary(before, "melody", rng=np.random.default_rng(2), options=QUICK).parts[0].notes
    left = vary(before, "accompaniment", rng=np.random.default_rng(2), options=QUICK)
    kept = {(int(n["onset"]), int(n["pitch"])) for n in notes[~top]}
    assert kept <= {(int(n["onset"]), int(n["pitch"])) for n in tune}
    kept = {(int(n["onset"]), int(n["pitch"])) for n in notes[top]}
    assert kept <= {(int(n["onset"]), int(n["pitch"])) for n in left.parts[0].notes}
