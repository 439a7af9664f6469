"""A theme from a file is the tune of the file, and the piece states it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leitmotiv.compose import ComposeOptions, WriterOptions, compose
from leitmotiv.errors import BriefError, LeitmotivError, ReadError
from leitmotiv.plan import Brief, Plan, ThemeNote, make_plan
from leitmotiv.plan.brief import PartRange
from leitmotiv.plan.given_theme import fit_theme, given_theme_bars, theme_in_key
from leitmotiv.plan.theme_file import (
    FIRST_BARS,
    MAX_WHOLE_BARS,
    read_theme_file,
    rebar_theme,
    with_theme_file,
)
from leitmotiv.score import NOTE_DTYPE, MeterChange, Origin, Part, Score, TempoMap
from leitmotiv.score.midi import midi_bytes
from leitmotiv.styles import style_for_genre
from leitmotiv.theory import Key, Meter

QUICK = ComposeOptions(
    writer=WriterOptions(num_candidates=1, num_accompaniments=1), network_accompaniment=False
)
Line = Sequence[tuple[float, float, int]]
TUNE: Line = ((0, 1, 62), (1, 1, 65), (2, 1, 69), (3, 1, 65), (4, 1, 64), (5, 1, 61), (6, 2, 62))


def score_of(*lines: Line, meter: str = "4/4", qpm: float = 120.0) -> Score:
    parts = []
    for line in lines:
        notes = np.zeros(len(line), dtype=NOTE_DTYPE)
        for note, (onset, length, pitch) in zip(notes, line, strict=True):
            note["onset"], note["duration"] = round(onset * 480), round(length * 480)
            note["pitch"], note["velocity"] = pitch, 80
        parts.append(Part(name=f"part {len(parts)}", program=0, notes=notes))
    end = max(part.end_tick for part in parts)
    bar = Meter.parse(meter).bar_ticks
    return Score(
        parts=tuple(parts),
        tempo_map=TempoMap((0,), (qpm,)),
        meters=(MeterChange(0, Meter.parse(meter)),),
        length_ticks=-(-end // bar) * bar,
    )


def write(path: Path, *lines: Line, meter: str = "4/4", qpm: float = 120.0) -> Path:
    path.write_bytes(midi_bytes(score_of(*lines, meter=meter, qpm=qpm)))
    return path


def rows(theme: Sequence[ThemeNote]) -> list[tuple[float, float, int]]:
    return [(note.onset_quarter, note.duration_quarter, note.pitch) for note in theme]


def stated(plan: Plan) -> list[tuple[float, float, int]]:
    """The notes that the score marks as the person's own, in quarters from the first placement."""
    score = compose(plan, options=QUICK, rng=np.random.default_rng(1))
    first = plan.placements[0]
    notes = score.parts[first.part_index].notes
    own = notes[notes["origin"] == Origin.HUMAN]
    start = first.bar_index * plan.bar_ticks
    return [
        ((int(n["onset"]) - start) / 480, int(n["duration"]) / 480, int(n["pitch"])) for n in own
    ]


def planned(path: Path, **brief: object) -> Plan:
    request = with_theme_file(Brief(**brief), path)  # type: ignore[arg-type]
    return make_plan(request, np.random.default_rng(3), style=style_for_genre)


def test_the_top_line_is_read_and_the_accompaniment_left_out(tmp_path: Path) -> None:
    chords = [(bar * 4, 4, pitch) for bar in (0, 1) for pitch in (38, 45, 53)]
    read = read_theme_file(write(tmp_path / "a.mid", chords, TUNE, qpm=90.0))
    assert rows(read.notes) == [tuple(row) for row in TUNE]
    assert (read.meter, read.bpm, read.num_bars, read.left_out_bars) == ("4/4", 90.0, 2, 0)
    together = sorted([*chords, *TUNE])  # both hands on one track
    assert rows(read_theme_file(write(tmp_path / "b.mid", together)).notes) == rows(read.notes)


def test_times_played_by_hand_come_to_rest_on_the_grid(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    played = [
        (max(onset + float(rng.normal(0, 0.02)), 0), length * 0.9, p) for onset, length, p in TUNE
    ]
    found = read_theme_file(write(tmp_path / "a.mid", played)).notes
    assert [note.onset_quarter for note in found] == [row[0] for row in TUNE]
    assert [note.pitch for note in found] == [row[2] for row in TUNE]


def test_of_a_long_file_the_first_bars_are_taken_and_the_rest_is_named(tmp_path: Path) -> None:
    whole = [(n, 1, 60 + n % 5) for n in range(4 * MAX_WHOLE_BARS)]
    assert read_theme_file(write(tmp_path / "a.mid", whole)).left_out_bars == 0
    longer = [(n, 1, 60 + n % 5) for n in range(4 * (MAX_WHOLE_BARS + 3))]
    path = write(tmp_path / "b.mid", longer)
    read = read_theme_file(path)
    assert read.num_bars == FIRST_BARS
    assert read.num_bars + read.left_out_bars == MAX_WHOLE_BARS + 3
    assert len(read.notes) == 4 * FIRST_BARS
    assert any("7 bars left out" in line for line in with_theme_file(Brief(), path).understood)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "the file is empty"),
        (b"hello world, no music", "must be MIDI"),
        (b"MThd\x00\x00\x00\x06\x00\x01\x00\x01\x01\xe0MTrk\x00\x00\x00\xff", "damaged"),
        (b"<score-partwise><part>", "not well-formed"),
    ],
)
def test_a_damaged_file_is_one_line_that_names_it(
    tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "broken.mid"
    path.write_bytes(content)
    with pytest.raises(ReadError, match=said) as caught:
        read_theme_file(path)
    assert "broken.mid" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_without_a_tune_is_refused_with_the_legal_range(tmp_path: Path) -> None:
    with pytest.raises(BriefError, match=r"1 note in .*2 to 128 notes"):
        read_theme_file(write(tmp_path / "one.mid", [(0, 1, 60)]))
    trill = [(n / 16, 1 / 16, 60 + n % 2) for n in range(16 * 16)]
    with pytest.raises(BriefError, match=r"160 notes in .*2 to 128 notes"):
        read_theme_file(write(tmp_path / "many.mid", trill))
    both = Brief(theme=(ThemeNote(onset_quarter=0, duration_quarter=1, pitch=60),))
    tune = write(tmp_path / "tune.mid", TUNE)
    with pytest.raises(BriefError, match="keep one of the two"):
        with_theme_file(both, tune)
    with pytest.raises(LeitmotivError, match="does not exist"):
        read_theme_file(tmp_path / "missing.mid")


@pytest.mark.parametrize("genre", ["classical", "march", "rock"])
def test_in_its_own_meter_the_score_states_it_note_for_note(tmp_path: Path, genre: str) -> None:
    plan = planned(write(tmp_path / "a.mid", TUNE), genre=genre, meter="4/4", num_bars=8)
    assert stated(plan) == [tuple(row) for row in TUNE]


@pytest.mark.parametrize("meter", ["3/4", "6/8", "2/4", "5/4", "9/8"])
def test_in_another_meter_the_score_states_it_barred_anew(tmp_path: Path, meter: str) -> None:
    plan = planned(write(tmp_path / "a.mid", TUNE), genre="classical", meter=meter, num_bars=16)
    assert plan.brief.theme is not None
    assert [note.pitch for note in plan.brief.theme] == [row[2] for row in TUNE]
    found = stated(plan)
    expected = rows(plan.brief.theme)
    assert [row[2] for row in found] == [row[2] for row in expected]
    # The composer's grid has 24 steps a quarter.
    assert np.allclose(found, expected, atol=1 / 24)
    bar = Meter.parse(meter).bar_ticks / 480
    if meter != "2/4":  # whose bars are half as long
        assert [row[0] for row in found if row[0] % bar == 0] == [0.0, bar]


def test_another_key_moves_the_theme_of_a_file_into_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mid", TUNE)
    up = planned(path, genre="classical", meter="4/4", key="F# minor", num_bars=8)
    assert [row[2] - old[2] for row, old in zip(stated(up), TUNE, strict=True)] == [4] * len(TUNE)
    major = planned(path, genre="classical", meter="4/4", key="D major", num_bars=8)
    assert [row[2] for row in stated(major)] == [62, 66, 69, 66, 64, 61, 62]


def test_a_theme_that_fits_the_key_stays() -> None:
    theme = [ThemeNote(onset_quarter=n, duration_quarter=1, pitch=p) for n, _, p in TUNE]
    assert theme_in_key(theme, Key.parse("D minor")) == tuple(theme)


def test_a_theme_out_of_range_moves_by_octaves_or_is_refused(tmp_path: Path) -> None:
    low = [(onset, length, pitch - 36) for onset, length, pitch in TUNE]
    path = write(tmp_path / "a.mid", low)
    plan = planned(path, genre="classical", instruments=("Flute", "Cello"), num_bars=8)
    moves = {row[2] - old[2] for row, old in zip(stated(plan), low, strict=True)}
    assert len(moves) == 1
    assert moves.pop() % 12 == 0
    narrow = PartRange(instrument="Flute", low=72, high=79)
    wide = write(tmp_path / "b.mid", [(0, 1, 60), (1, 1, 76), (2, 2, 84)])
    with pytest.raises(BriefError, match="C4 to C6 does not fit the range of Flute, C5 to G5"):
        planned(wide, genre="classical", instruments=("Flute", "Cello"), ranges=(narrow,))


def test_a_part_uses_more_of_its_instrument_for_a_theme_that_needs_it() -> None:
    plan = make_plan(
        Brief(genre="classical", instruments=("Cello", "Acoustic Grand Piano")),
        np.random.default_rng(1),
    )
    singer = next(part for part in plan.parts if part.role == "melody")
    theme = [
        ThemeNote(onset_quarter=n, duration_quarter=1, pitch=pitch)
        for n, pitch in enumerate((singer.low - 9, singer.low + 9))
    ]
    found, parts = fit_theme(theme, plan.parts)
    wider = next(part for part in parts if part.role == "melody")
    assert wider.low <= found[0].pitch <= found[1].pitch <= wider.high
    assert [part for part in parts if part.role != "melody"] == [
        part for part in plan.parts if part.role != "melody"
    ]


def test_too_long_a_theme_is_refused_with_the_limit() -> None:
    theme = tuple(
        ThemeNote(onset_quarter=n, duration_quarter=1, pitch=60 + n % 5) for n in range(40)
    )
    with pytest.raises(BriefError, match=r"10 bars of 4/4 .* at most 8"):
        given_theme_bars(theme, Meter.parse("4/4"))
    with pytest.raises(BriefError, match=r"fills 4 bars of 4/4 .* ask for 4 bars or more"):
        make_plan(Brief(theme=theme[:16], meter="4/4", num_bars=3), np.random.default_rng(0))


def test_a_long_theme_is_stated_whole_where_the_first_section_is_short(tmp_path: Path) -> None:
    line = [(n, 1, 60 + (2 * n) % 5) for n in range(32)]
    plan = planned(
        write(tmp_path / "a.mid", line), genre="classical", meter="4/4", form="ABAB", num_bars=16
    )
    assert plan.sections[0].num_bars < 8
    assert len(stated(plan)) == 32


@given(
    st.sampled_from(["2/4", "3/4", "4/4", "6/8", "9/8", "12/8", "5/4", "7/8"]),
    st.sampled_from(["2/4", "3/4", "4/4", "6/8", "9/8", "12/8", "5/4", "7/8"]),
    st.lists(st.integers(1, 4), min_size=2, max_size=16),
)
def test_rebarring_keeps_pitches_order_and_downbeats(
    source: str, target: str, lengths: list[int]
) -> None:
    before, after = Meter.parse(source), Meter.parse(target)
    onsets = np.cumsum([0, *lengths[:-1]]) / 2
    theme = [
        ThemeNote(onset_quarter=float(onset), duration_quarter=length / 2, pitch=60 + index)
        for index, (onset, length) in enumerate(zip(onsets, lengths, strict=True))
    ]
    found = rebar_theme(theme, before, after)
    assert [note.pitch for note in found] == [note.pitch for note in theme]
    starts = [note.onset_quarter for note in found]
    assert all(second > first for first, second in pairwise(starts))
    if source == target:
        assert found == tuple(theme)
    multiple = max(before.bar_ticks, after.bar_ticks) % min(before.bar_ticks, after.bar_ticks) == 0
    if not (multiple and before.is_compound == after.is_compound):
        for old, new in zip(theme, found, strict=True):
            bar, inside = divmod(old.onset_quarter * 480, before.bar_ticks)
            if inside == 0:
                assert new.onset_quarter * 480 == pytest.approx(bar * after.bar_ticks)
