"""Leaning notes fall by step into the chord and change nothing else."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from leitmotiv.compose.appoggiatura import lean
from leitmotiv.score import Origin
from leitmotiv.tokens.grid import CELL_NOTE_DTYPE

C_MAJOR = frozenset({0, 2, 4, 5, 7, 9, 11})
TRIAD = frozenset({0, 4, 7})
STEPS = 96
ACCENT = np.tile(np.repeat([1.0, 0.2, 0.6, 0.2], 24), 1)


def line(pitches: list[int], durations: list[int], origin: Origin = Origin.MODEL) -> NDArray:
    notes = np.zeros(len(pitches), dtype=CELL_NOTE_DTYPE)
    onset = np.cumsum([0, *durations[:-1]])
    notes["bar"], notes["position"] = np.divmod(onset, STEPS)
    notes["pitch"], notes["duration"], notes["origin"] = pitches, durations, origin
    return notes


def leaned(notes: NDArray, share: float = 1.0, high: int = 100, last_bar: int = 99) -> NDArray:
    return lean(
        notes,
        np.random.default_rng(1),
        share=share,
        accent=ACCENT,
        beat_steps=24,
        tones=lambda bar, position: TRIAD,
        scale=lambda bar: C_MAJOR,
        closes=lambda bar: bar == last_bar,
        high=high,
    )


LINES = st.lists(
    st.tuples(st.integers(55, 84), st.sampled_from([12, 24, 48])), min_size=1, max_size=24
)


@given(LINES)
def test_a_leaning_note_is_strong_foreign_and_falls_by_step(rows: list[tuple[int, int]]) -> None:
    notes = line([pitch for pitch, _ in rows], [duration for _, duration in rows])
    found = leaned(notes)
    assert int(found["duration"].sum()) == int(notes["duration"].sum())
    start = found["bar"].astype(int) * STEPS + found["position"]
    assert np.all(start[1:] == start[:-1] + found["duration"][:-1])
    kept = {(int(n["bar"]), int(n["position"])): int(n["pitch"]) for n in notes}
    for index, note in enumerate(found):
        place = (int(note["bar"]), int(note["position"]))
        if place in kept and kept[place] != int(note["pitch"]):
            goal = found[index + 1]
            assert ACCENT[note["position"]] >= 0.5
            assert int(note["pitch"]) % 12 in C_MAJOR - TRIAD
            assert 1 <= int(note["pitch"]) - int(goal["pitch"]) <= 2
            assert int(goal["pitch"]) == kept[place]


def test_no_share_no_leaning_and_people_are_left_alone() -> None:
    tune = [69, 67, 65, 64, 69, 67]
    notes = line(tune, [48] * 6)
    assert np.array_equal(leaned(notes, share=0.0), notes)
    human = line(tune, [48] * 6, Origin.HUMAN)
    assert np.array_equal(leaned(human), human)
    assert len(leaned(notes)) > len(notes)


def test_cadences_and_the_top_of_the_range_stay() -> None:
    notes = line([69, 67, 69, 67], [48] * 4)
    assert len(leaned(notes, last_bar=0)) < len(leaned(notes))
    assert np.array_equal(leaned(notes, high=68), notes)
