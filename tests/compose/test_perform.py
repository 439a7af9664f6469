"""A performance keeps the notes and the bars, and plays them like people."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leitmotiv.compose.accompaniment import accompaniment_part
from leitmotiv.compose.perform import feel_for_plan, perform
from leitmotiv.compose.rhythm_section import rhythm_section_part
from leitmotiv.compose.timing import correlated_noise, swing_ticks
from leitmotiv.plan.plan import Plan
from leitmotiv.score.score import MeterChange, Part, Score, TempoMap
from leitmotiv.styles import load_style, style_names
from leitmotiv.theory import Meter

from .plans import BAND, PIANO, QUARTET, make_plan
from .test_accompaniment import melody_for


def write(plan: Plan, style: str | None) -> Score:
    """A quantised score of a plan, made by rule."""
    melody = melody_for(plan)
    parts = []
    for index, part in enumerate(plan.parts):
        rng = np.random.default_rng(index)
        if part.role == "melody":
            notes = melody
        elif style is None:
            notes = accompaniment_part(plan, index, rng, melody=melody)
        else:
            notes = rhythm_section_part(plan, index, load_style(style), rng, melody=melody)
        parts.append(Part(part.name, part.program, part.is_drum, part.role, notes))
    return Score(
        tuple(parts),
        TempoMap((0,), (plan.qpm_at(0),)),
        (MeterChange(0, plan.meter_value),),
        length_ticks=plan.num_bars * plan.bar_ticks,
    )


def played(plan: Plan, score: Score, seed: int = 0) -> Score:
    return perform(score, plan, rng=np.random.default_rng(seed))


@settings(max_examples=15, deadline=None)
@given(
    style=st.sampled_from([None, *style_names()]),
    meter=st.sampled_from(["4/4", "3/4", "6/8", "7/8"]),
    num_bars=st.integers(1, 24),
    bpm=st.floats(40, 220),
    seed=st.integers(0, 999),
)
def test_a_performance_keeps_notes_bars_and_length(
    style: str | None, meter: str, num_bars: int, bpm: float, seed: int
) -> None:
    plan = make_plan(
        parts=QUARTET if style is None else BAND,
        genre=style or "classical",
        meter=meter,
        num_bars=num_bars,
        bpm=bpm,
    )
    score = write(plan, style)
    result = played(plan, score, seed)
    assert result.length_ticks == score.length_ticks
    assert np.array_equal(result.bar_ticks, score.bar_ticks)
    assert (result.meters, result.keys, result.chords) == (score.meters, score.keys, score.chords)
    for before, after in zip(score.parts, result.parts, strict=True):
        assert len(before.notes) == len(after.notes)
        assert sorted(before.notes["pitch"]) == sorted(after.notes["pitch"])
        if not len(after.notes):
            continue
        assert after.notes["onset"].min() >= 0
        assert after.end_tick <= score.length_ticks
        for pitch in np.unique(after.notes["pitch"]):
            same = after.notes[after.notes["pitch"] == pitch]
            assert np.all(same["onset"][:-1] + same["duration"][:-1] <= same["onset"][1:])


def test_the_written_score_is_not_touched_and_the_same_seed_plays_the_same() -> None:
    plan = make_plan(parts=QUARTET, genre="classical")
    score = write(plan, None)
    before = [part.notes.copy() for part in score.parts]
    assert played(plan, score, 3) == played(plan, score, 3)
    assert played(plan, score, 3) != played(plan, score, 4)
    for part, notes in zip(score.parts, before, strict=True):
        assert np.array_equal(part.notes, notes)


def test_the_melody_is_louder_than_its_accompaniment() -> None:
    plan = make_plan(parts=QUARTET, genre="classical")
    loudness = [part.notes["velocity"].mean() for part in played(plan, write(plan, None)).parts]
    assert loudness[0] > max(loudness[1:]) + 4


def test_energy_and_phrases_shape_loudness() -> None:
    plan = make_plan(parts=QUARTET, genre="classical", energies=(0.2, 0.9), num_bars=16)
    score = write(plan, None)
    beats = np.zeros(16 * 4, dtype=score.parts[0].notes.dtype)  # one pitch, beat for beat
    beats["onset"], beats["duration"] = np.arange(64) * 480, 480
    beats["pitch"], beats["velocity"] = 72, 80
    score = score.with_parts([score.parts[0].with_notes(beats), *score.parts[1:]])
    # Many players: what is meant shows in what they share.
    sung = [played(plan, score, seed).parts[0].notes["velocity"] for seed in range(8)]
    last_beat = np.mean(sung, axis=0).reshape(16, 4)[:, 3]
    assert last_beat[8:].mean() > last_beat[:8].mean() + 20
    for start in (0, 8, 12):  # the phrase at bar 4 leads over into the louder section
        assert last_beat[start + 1] > last_beat[start], "a phrase grows towards its goal"
        assert last_beat[start + 1] > last_beat[start + 3], "and relaxes into its cadence"


def test_a_note_is_played_by_its_place_whatever_stands_in_other_bars() -> None:
    for style, parts in ((None, QUARTET), (None, PIANO), ("jazz_trio", BAND)):
        plan = make_plan(parts=parts, genre="classical" if style is None else "jazz", num_bars=8)
        whole = write(plan, style)
        cut = whole.with_parts(
            [
                part.with_notes(part.notes[part.notes["onset"] < 5 * plan.bar_ticks])
                for part in whole.parts
            ]
        )
        # What sounds in the last bar that stays may ring on into the empty one.
        end = 4 * plan.bar_ticks
        for one, other in zip(played(plan, whole).parts, played(plan, cut).parts, strict=True):
            first, second = (part.notes[part.notes["onset"] < end - 200] for part in (one, other))
            assert len(first)
            assert np.array_equal(first, second)


def test_timing_deviations_are_small_and_keep_memory() -> None:
    plan = make_plan(parts=QUARTET, genre="classical", num_bars=32)
    score = write(plan, None)
    after = played(plan, score)
    for before, part in zip(score.parts, after.parts, strict=True):
        shift = np.sort(part.notes["onset"]) - np.sort(before.notes["onset"])
        milliseconds = shift / 480 * 60_000 / plan.qpm_at(0)
        assert np.abs(milliseconds).max() < 40
        assert 1.0 < milliseconds.std() < 20
    noise = correlated_noise(4000, np.random.default_rng(0))
    lagged = np.corrcoef(noise[:-8], noise[8:])[0, 1]
    assert lagged > 0.2


def test_strict_styles_keep_the_tempo_and_classical_ones_slow_down_at_the_end() -> None:
    rock = make_plan(genre="rock")
    score = write(rock, "rock")
    assert played(rock, score).tempo_map == score.tempo_map
    plan = make_plan(parts=QUARTET, genre="classical")
    score = write(plan, None)
    tempo = played(plan, score).tempo_map
    end = score.length_ticks - 1
    assert tempo.qpm_at(end) < 0.85 * plan.qpm_at(0)
    middle = tempo.tick_to_sec(8 * plan.bar_ticks) / score.tempo_map.tick_to_sec(8 * plan.bar_ticks)
    assert float(middle) == pytest.approx(1.0, abs=0.002), "phrases keep their planned length"


def test_a_ritardando_that_is_planned_is_not_made_twice() -> None:
    plan = make_plan(parts=QUARTET, genre="classical")
    score = write(plan, None)
    usual = played(plan, score).tempo_map.qpm_at(score.length_ticks - 1)
    last = (plan.num_bars - 1) * plan.bar_ticks
    for share in (0.9, 0.5):
        slowing = TempoMap((0, last), (plan.qpm_at(0), share * plan.qpm_at(0)))
        found = played(plan, replace(score, tempo_map=slowing)).tempo_map
        expected = min(usual, share * plan.qpm_at(0))
        assert found.qpm_at(score.length_ticks - 1) == pytest.approx(expected, rel=0.03)


def test_a_length_in_seconds_is_kept_through_the_ritardando() -> None:
    plan = make_plan(parts=QUARTET, genre="classical")
    plan = Plan.model_validate(
        {**plan.model_dump(), "brief": {"duration_sec": round(plan.duration_sec, 3)}}
    )
    score = write(plan, None)
    assert played(plan, score).duration_sec == pytest.approx(score.duration_sec, rel=1e-3)


def test_loops_do_not_slow_down() -> None:
    plan = make_plan(parts=QUARTET, genre="classical", loop=(0, 16))
    score = write(plan, None)
    assert played(plan, score).duration_sec == pytest.approx(score.duration_sec, rel=1e-3)


def test_swing_moves_off_beats_and_nothing_else() -> None:
    ticks = np.arange(0, 1920, 120)
    swung = swing_ticks(ticks, 1.0, "eighth", Meter(4, 4), 120.0)
    assert np.all(np.diff(swung) > 0)
    assert np.array_equal(swung[::4], ticks[::4])
    assert swung[2] == 320
    fast = swing_ticks(ticks, 1.0, "eighth", Meter(4, 4), 300.0)
    assert 240 < fast[2] < 320, "the ratio falls with tempo"
    assert np.array_equal(swing_ticks(ticks, 1.0, "eighth", Meter(6, 8), 120.0), ticks)


def test_bows_swell_and_pianos_pedal_with_the_chords() -> None:
    plan = make_plan(parts=QUARTET, genre="classical")
    for part in played(plan, write(plan, None)).parts:
        swell = part.controls[part.controls["controller"] == 11]
        assert swell["tick"][0] == 0
        assert np.ptp(swell["value"]) > 10
    plan = make_plan(parts=PIANO, genre="classical")
    left = played(plan, write(plan, None)).parts[1]
    pedal = left.controls[left.controls["controller"] == 64]
    assert set(pedal["value"]) == {0, 127}
    assert pedal["value"][-1] == 0, "the pedal is up at the end"
    lifts = set(pedal["tick"][pedal["value"] == 0].tolist())
    assert {bar * plan.bar_ticks for bar in range(1, plan.num_bars)} <= lifts
    assert pedal["tick"].max() <= plan.num_bars * plan.bar_ticks


def test_slurred_bowed_notes_overlap_and_phrases_breathe() -> None:
    plan = make_plan(parts=QUARTET, genre="classical", num_bars=16)
    score = write(plan, None)
    melody = played(plan, score).parts[0].notes
    ends = melody["onset"] + melody["duration"]
    touching = np.abs(np.diff(melody["pitch"].astype(int))) > 0
    assert np.mean(ends[:-1][touching] > melody["onset"][1:][touching]) > 0.5
    for bar in (4, 8, 12):
        closing = ends[ends <= bar * plan.bar_ticks + 60].max()
        assert closing < bar * plan.bar_ticks


def test_feel_comes_from_the_style_then_the_genre() -> None:
    assert feel_for_plan(make_plan(genre="classical", style="rock")) == load_style("rock").feel
    assert feel_for_plan(make_plan(genre="lo-fi")).swing > 0
    assert feel_for_plan(make_plan(genre="classical")).rubato > 0.4
    assert feel_for_plan(make_plan(genre="baroque")).rubato < 0.4
