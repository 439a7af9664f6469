"""Upbeats: found where the music has one, and bar lines moved to where they belong."""

from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.score import (
    CONTROL_DTYPE,
    KeyChange,
    MeterChange,
    Part,
    Score,
    TempoMap,
    make_notes,
)
from leitmotiv.score.analysis import align_bars, chords_per_half_bar, estimate_upbeat
from leitmotiv.theory import Key, Meter

ROOTS = (48, 53, 55, 48, 45, 50, 55, 48) * 2


def hymn(meter: Meter, upbeat_units: int) -> Score:
    """Sixteen bars of bass and chords, a tune in units above, and an upbeat in the tune."""
    unit, bar = meter.unit_ticks, meter.bar_ticks
    onset, duration, pitch = [], [], []
    start = upbeat_units * unit
    for index in range(upbeat_units):
        onset.append(index * unit)
        duration.append(unit)
        pitch.append(67)
    for number, root in enumerate(ROOTS):
        third = 3 if root in (45, 50) else 4
        for place in range(meter.numerator):
            tick = start + number * bar + place * unit
            onset.append(tick)
            duration.append(unit)
            pitch.append(root + 24 + (0, third, 7, third)[place % 4])
        for interval in (-12, third, 7):
            onset.append(start + number * bar)
            duration.append(bar)
            pitch.append(root + interval)
    return Score(
        parts=(Part("Keys", notes=make_notes(onset, duration, pitch)),),
        meters=(MeterChange(0, meter),),
    )


@pytest.mark.parametrize("text", ["4/4", "3/4", "2/4", "6/8"])
def test_an_upbeat_is_found_and_nothing_else(text: str) -> None:
    meter = Meter.parse(text)
    assert estimate_upbeat(hymn(meter, 0)) == 0
    assert estimate_upbeat(hymn(meter, 1)) == meter.unit_ticks


def test_aligned_bars_hold_their_harmony() -> None:
    aligned = align_bars(hymn(Meter(4, 4), 1))
    roots = [change.chord.root_pitch_class for change in chords_per_half_bar(aligned)[2::2]]
    assert roots == [root % 12 for root in ROOTS]
    assert aligned.num_bars == 17
    assert align_bars(aligned) == aligned


def test_a_piece_without_upbeat_comes_back_unchanged() -> None:
    score = hymn(Meter(4, 4), 0)
    assert align_bars(score) is score


def test_maps_and_controls_move_with_the_notes_and_starts_stay() -> None:
    score = hymn(Meter(4, 4), 1)
    controls = np.zeros(2, CONTROL_DTYPE)
    controls["tick"], controls["controller"], controls["value"] = [0, 480], 7, [100, 90]
    part = Part("Keys", notes=score.parts[0].notes, controls=controls)
    score = Score(
        parts=(part,),
        tempo_map=TempoMap((0, 2400), (100.0, 90.0)),
        keys=(KeyChange(0, Key.parse("C")), KeyChange(2400, Key.parse("G"))),
    )
    aligned = align_bars(score)
    assert aligned.parts[0].controls["tick"].tolist() == [0, 1920]
    assert aligned.tempo_map.ticks == (0, 3840)
    assert [change.tick for change in aligned.keys] == [0, 3840]


def test_scores_that_say_nothing_have_no_upbeat(rng: np.random.Generator) -> None:
    assert estimate_upbeat(Score()) == 0
    drums = Part(
        "Drums", is_drum=True, notes=make_notes(range(0, 19200, 480), [240] * 40, [36] * 40)
    )
    assert estimate_upbeat(Score(parts=(drums,))) == 0
    even = make_notes(range(0, 19200, 480), [480] * 40, [60] * 40)
    assert estimate_upbeat(Score(parts=(Part("", notes=even),))) == 0
    for _ in range(10):
        count = int(rng.integers(1, 200))
        onset, duration = rng.integers(0, 40_000, count), rng.integers(1, 4_000, count)
        notes = make_notes(onset, duration, rng.integers(0, 128, count))
        assert 0 <= estimate_upbeat(Score(parts=(Part("", notes=notes),))) < 1920
