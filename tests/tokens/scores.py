"""Scores on the grid for property tests: meters and tempi that change, drums, several parts."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from leitmotiv.score import (
    NOTE_DTYPE,
    KeyChange,
    MeterChange,
    Part,
    Score,
    TempoMap,
    make_notes,
)
from leitmotiv.theory import Key, Meter
from leitmotiv.tokens.grid import TICKS_PER_STEP
from leitmotiv.tokens.vocabulary import DURATIONS

METERS = [Meter(4, 4), Meter(3, 4), Meter(6, 8), Meter(5, 4), Meter(3, 1), Meter(7, 8), Meter(2, 2)]


@st.composite
def quantised_scores(draw: st.DrawFn, *, max_notes: int = 20, max_parts: int = 3) -> Score:
    """Scores on the 24-step grid, with durations that the vocabulary has."""
    parts = []
    for index in range(draw(st.integers(1, max_parts))):
        rows = draw(
            st.lists(
                st.tuples(
                    st.integers(0, 400),
                    st.sampled_from(DURATIONS.tolist()),
                    st.integers(36, 84),
                    st.integers(1, 127),
                ),
                max_size=max_notes,
                min_size=1 if index == 0 else 0,
                unique_by=lambda row: (row[0], row[2]),
            )
        )
        notes = np.zeros(0, dtype=NOTE_DTYPE)
        if rows:
            onset, duration, pitch, velocity = np.asarray(rows).T
            notes = make_notes(onset * TICKS_PER_STEP, duration * TICKS_PER_STEP, pitch, velocity)
        parts.append(
            Part(
                name=f"Part {index}",
                program=draw(st.integers(0, 127)),
                is_drum=draw(st.booleans()) if index else False,
                notes=notes,
            )
        )
    # Bars begin where a meter changes, so changes stand on steps and anywhere in a bar.
    steps = draw(st.lists(st.integers(1, 300), max_size=2, unique=True))
    meters = tuple(
        MeterChange(step * TICKS_PER_STEP, draw(st.sampled_from(METERS)))
        for step in (0, *sorted(steps))
    )
    tempo_ticks = (0, *sorted(draw(st.lists(st.integers(1, 9000), max_size=3, unique=True))))
    tempi = tuple(draw(st.floats(30, 240)) for _ in tempo_ticks)
    key = Key.from_fifths(draw(st.integers(-6, 6)), draw(st.sampled_from(["major", "minor"])))
    return Score(
        parts=tuple(parts),
        tempo_map=TempoMap(tempo_ticks, tempi),
        meters=meters,
        keys=(KeyChange(0, key),),
    )
