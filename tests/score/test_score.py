"""The Score noun: validated at the door, immutable inside, right about bars and time."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leitmotiv.errors import ScoreError
from leitmotiv.score import (
    CONTROL_DTYPE,
    NOTE_DTYPE,
    ChordChange,
    KeyChange,
    MeterChange,
    Origin,
    Part,
    Score,
    SectionMark,
    TempoMap,
    make_notes,
)
from leitmotiv.theory import ChordSymbol, Key, Meter


def test_make_notes_sorts_by_onset_then_pitch_then_duration():
    notes = make_notes([480, 0, 0, 0], [1, 9, 5, 2], [60, 64, 60, 64], [1, 2, 3, 4])
    assert [tuple(note)[:4] for note in notes.tolist()] == [
        (0, 5, 60, 3), (0, 2, 64, 4), (0, 9, 64, 2), (480, 1, 60, 1),
    ]  # fmt: skip
    assert notes.dtype == NOTE_DTYPE
    assert set(notes["origin"].tolist()) == {Origin.HUMAN}
    assert len(make_notes([], [], [])) == 0


def test_a_part_sorts_its_notes_and_controls():
    unsorted = make_notes([0, 480], [1, 1], [60, 61])[::-1]
    controls = np.array([(9, 7, 1), (0, 7, 2), (0, 64, 3)], dtype=CONTROL_DTYPE)
    part = Part("a", notes=unsorted, controls=controls)
    assert part.notes["onset"].tolist() == [0, 480]
    assert part.controls.tolist() == [(0, 7, 2), (0, 64, 3), (9, 7, 1)]
    assert part.end_tick == 481


def test_arrays_cannot_be_changed_in_place_nor_through_their_source():
    source = make_notes([0], [480], [60])
    part = Part("a", notes=source)
    source["pitch"] = 99
    assert part.notes["pitch"].tolist() == [60]
    with pytest.raises(ValueError, match="read-only"):
        part.notes["pitch"] = 61


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("onset", -1, "onset=-1"),
        ("duration", 0, "duration=0"),
        ("pitch", 128, "pitch=128"),
        ("velocity", 0, "velocity"),
        ("velocity", 128, "velocity"),
    ],
)
def test_notes_out_of_range_are_refused(column, value, message):
    notes = make_notes([0], [480], [60])
    notes[column] = value
    with pytest.raises(ScoreError, match=message):
        Part("a", notes=notes)


def test_programs_and_dtypes_are_checked():
    with pytest.raises(ScoreError, match="program=128"):
        Part("a", program=128)
    with pytest.raises(ScoreError, match="NOTE_DTYPE"):
        Part("a", notes=np.zeros(3))
    with pytest.raises(ScoreError, match="CONTROL_DTYPE"):
        Part("a", controls=np.zeros(3))


def test_maps_must_rise_and_meters_start_at_0():
    with pytest.raises(ScoreError, match="meter map must start at tick 0"):
        Score(meters=(MeterChange(480, Meter(4, 4)),))
    with pytest.raises(ScoreError, match="meter map must start at tick 0"):
        Score(meters=())
    key = Key.parse("C")
    with pytest.raises(ScoreError, match="key map must rise"):
        Score(keys=(KeyChange(5, key), KeyChange(5, key)))
    with pytest.raises(ScoreError, match="chord map must rise"):
        Score(chords=(ChordChange(-1, ChordSymbol.NONE),))
    with pytest.raises(ScoreError, match="section map must rise"):
        Score(sections=(SectionMark(9, "A"), SectionMark(0, "B")))


@pytest.mark.parametrize(
    ("ticks", "qpm", "message"),
    [
        ((), (), "at least one"),
        ((0,), (), "one qpm for each tick"),
        ((1,), (120.0,), "start at 0"),
        ((0, 5, 5), (1.0, 2.0, 3.0), "rise strictly"),
        ((0, 480), (120.0, 0.0), "qpm=0 must be between 1 and 2000 .* at tick 480"),
    ],
)
def test_tempo_maps_are_checked(ticks, qpm, message):
    with pytest.raises(ScoreError, match=message):
        TempoMap(ticks, qpm)


@given(
    st.lists(st.tuples(st.integers(1, 5000), st.floats(20, 400)), max_size=12),
    st.lists(st.integers(0, 100_000), min_size=1, max_size=20),
)
def test_seconds_and_ticks_are_inverse_and_rise(steps, ticks):
    starts = np.concatenate([[0], np.cumsum([step for step, _ in steps])]).astype(int)
    tempo_map = TempoMap(tuple(starts.tolist()), (100.0, *(qpm for _, qpm in steps)))
    ticks = np.sort(ticks)
    seconds = tempo_map.tick_to_sec(ticks)
    assert np.allclose(tempo_map.sec_to_tick(seconds), ticks, atol=1e-6)
    assert np.all(np.diff(seconds)[np.diff(ticks) > 0] > 0)


def test_bars_follow_the_meters_and_a_change_cuts_a_bar_short():
    score = Score(
        (Part("a", notes=make_notes([0], [4801], [60])),),
        meters=(
            MeterChange(0, Meter(3, 4)),
            MeterChange(2000, Meter(6, 8)),
            MeterChange(3440, Meter(2, 2)),
        ),
    )
    assert score.bar_ticks.tolist() == [0, 1440, 2000, 3440, 5360]
    assert score.num_bars == 4
    assert score.length_ticks == 5360
    assert score.bar_index_at([0, 1439, 1440, 3440, 99_999]).tolist() == [0, 0, 1, 3, 3]
    assert [str(score.meter_at(tick)) for tick in (0, 1999, 2000, 9999)] == [
        "3/4", "3/4", "6/8", "2/2",
    ]  # fmt: skip


@given(
    st.lists(
        st.tuples(st.integers(1, 4000), st.sampled_from(["4/4", "3/4", "6/8", "7/8", "5/16"])),
        max_size=6,
    ),
    st.integers(1, 30_000),
)
def test_bar_lines_cover_the_piece_without_gaps(changes, length):
    ticks = np.cumsum([0] + [step for step, _ in changes]).tolist()
    meters = [Meter(4, 4), *(Meter.parse(text) for _, text in changes)]
    score = Score(
        meters=tuple(MeterChange(t, m) for t, m in zip(ticks, meters, strict=True)),
        parts=(Part("a", notes=make_notes([0], [length], [60])),),
    )
    lines = score.bar_ticks
    assert lines[0] == 0
    assert lines[-1] >= length
    assert np.all(np.diff(lines) > 0)
    assert set(ticks) & set(range(int(lines[-1]))) <= set(lines.tolist())
    for start, end in itertools.pairwise(lines):
        assert end - start <= score.meter_at(int(start)).bar_ticks


def test_what_is_in_force_at_a_tick():
    score = Score(
        keys=(KeyChange(480, Key.parse("D minor")),),
        chords=(ChordChange(0, ChordSymbol.parse("D:min")),),
    )
    assert score.key_at(0) is None
    assert str(score.key_at(480)) == "D minor"
    assert str(score.chord_at(9999)) == "D:min"
    assert Score().chord_at(0) is None


def test_edits_return_new_scores():
    before = Score((Part("a"), Part("b")))
    after = before.with_part(1, before.parts[1].with_notes(make_notes([0], [480], [60])))
    assert before.num_notes == 0
    assert after.num_notes == 1
    assert after.parts[0] is before.parts[0]
    assert before != after
    assert before == Score((Part("a"), Part("b")))
    assert before.with_parts([]).parts == ()


def test_an_empty_score_lasts_no_time():
    assert (Score().num_bars, Score().duration_sec, Score().length_ticks) == (0, 0.0, 0)
