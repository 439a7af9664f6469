"""A rhythm section follows the plan: chords, range, energy, fills, silence, ending."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from leitmotiv.compose.rhythm_section import rhythm_section_part
from leitmotiv.errors import ComposeError
from leitmotiv.plan.plan import Plan
from leitmotiv.score.score import NOTE_DTYPE, Origin
from leitmotiv.styles import DRUM_KEYS, load_style, style_names

from .plans import BAND, make_plan

METERS = ("4/4", "3/4", "6/8", "2/4", "5/4", "7/8", "12/8", "2/2")
BASS, DRUMS = 5, 6
ACCOMPANIMENT = [i for i, part in enumerate(BAND) if part.role != "melody"]


def write(plan: Plan, part_index: int, style: str, seed: int = 0) -> NDArray[np.void]:
    return rhythm_section_part(plan, part_index, load_style(style), np.random.default_rng(seed))


def check_part(notes: NDArray[np.void], plan: Plan, part_index: int) -> None:
    part = plan.parts[part_index]
    assert notes.dtype == NOTE_DTYPE
    if not len(notes):
        return
    assert set(notes["origin"]) == {Origin.STYLE}
    assert notes["onset"].min() >= 0
    assert notes["duration"].min() >= 1
    assert (notes["onset"] + notes["duration"]).max() <= plan.num_bars * plan.bar_ticks
    assert part.low <= notes["pitch"].min()
    assert notes["pitch"].max() <= part.high
    for pitch in np.unique(notes["pitch"]):
        same = notes[notes["pitch"] == pitch]
        assert np.all(same["onset"][:-1] + same["duration"][:-1] <= same["onset"][1:])


@pytest.mark.parametrize("meter", METERS)
@pytest.mark.parametrize("style", style_names())
def test_every_style_plays_every_meter(style: str, meter: str) -> None:
    plan = make_plan(meter=meter, num_bars=9, genre=style)
    for part_index in ACCOMPANIMENT:
        notes = write(plan, part_index, style)
        check_part(notes, plan, part_index)
        assert len(notes) or plan.parts[part_index].is_drum


@settings(max_examples=20, deadline=None)
@given(
    style=st.sampled_from(style_names()),
    num_bars=st.integers(1, 64),
    energies=st.lists(st.floats(0, 1), min_size=1, max_size=4),
    seed=st.integers(0, 1000),
)
def test_any_length_and_energy_is_in_range_and_without_overlaps(
    style: str, num_bars: int, energies: list[float], seed: int
) -> None:
    plan = make_plan(
        num_bars=num_bars, energies=tuple(energies), textures=("sparse", "full"), seed=seed
    )
    for part_index in ACCOMPANIMENT:
        check_part(write(plan, part_index, style, seed), plan, part_index)


@pytest.mark.parametrize("style", style_names())
def test_the_same_generator_gives_the_same_part(style: str) -> None:
    plan = make_plan()
    for part_index in ACCOMPANIMENT:
        first, second = (write(plan, part_index, style, 5) for _ in range(2))
        assert np.array_equal(first, second)


def test_another_seed_gives_another_drum_part() -> None:
    plan = make_plan()
    assert not np.array_equal(write(plan, DRUMS, "rock", 1), write(plan, DRUMS, "rock", 2))


@pytest.mark.parametrize("style", [name for name in style_names() if name != "electronic"])
@pytest.mark.parametrize("meter", ["4/4", "3/4"])
def test_the_bass_plays_the_chords_bass_note_where_the_chord_changes(
    style: str, meter: str
) -> None:
    plan = make_plan(meter=meter, progression=("i", "VI iv", "iv6 V", "V7"), num_bars=16)
    notes = write(plan, BASS, style)
    for bar in range(plan.num_bars):
        start = bar * plan.bar_ticks
        struck = notes[notes["onset"] == start]
        assert len(struck) == 1, f"bar {bar} of {style} needs its bass note"
        assert struck["pitch"][0] % 12 == plan.chord_at(bar, 0).bass_pitch_class


@pytest.mark.parametrize("style", style_names())
@pytest.mark.parametrize("part_index", [1, 2, 3])
def test_chordal_parts_sound_chord_tones_only(style: str, part_index: int) -> None:
    plan = make_plan(progression=("i", "VI iv", "iv V", "V7"))
    notes = write(plan, part_index, style)
    foreign = 0
    for note in notes:
        bar, tick = divmod(int(note["onset"]), plan.bar_ticks)
        chord = plan.chord_at(bar, int(tick >= plan.half_tick))
        allowed = set(chord.pitch_classes)
        # A stroke just before the next half bar may anticipate it; sevenths may carry a ninth.
        half = 1 - int(tick >= plan.half_tick)
        if bar + 1 < plan.num_bars or half:
            allowed |= set(plan.chord_at(bar + (0 if half else 1), half).pitch_classes)
        allowed |= {(chord.root_pitch_class + 2) % 12} if len(chord.degrees) > 3 else set()
        foreign += int(note["pitch"]) % 12 not in allowed
    assert foreign == 0


def test_silent_sections_are_silent() -> None:
    plan = make_plan(silent=((1, 2, 5, 6), ()))
    middle = plan.sections[1].start_bar_index * plan.bar_ticks
    for part_index in (1, 2, 5, 6):
        assert write(plan, part_index, "rock")["onset"].min() >= middle


def test_sections_end_with_a_fill_and_begin_with_a_crash() -> None:
    plan = make_plan(energies=(0.6, 0.9), num_bars=16)
    notes = write(plan, DRUMS, "rock")
    bar = plan.bar_ticks
    fill = notes[(notes["onset"] >= 8 * bar - 960) & (notes["onset"] < 8 * bar)]
    groove = notes[(notes["onset"] >= 5 * bar - 960) & (notes["onset"] < 5 * bar)]
    toms = {DRUM_KEYS["low_tom"], DRUM_KEYS["mid_tom"], DRUM_KEYS["high_tom"]}
    assert toms & set(fill["pitch"].tolist())
    assert not toms & set(groove["pitch"].tolist())
    assert DRUM_KEYS["crash"] in notes[notes["onset"] == 8 * bar]["pitch"]


def test_more_energy_means_more_notes() -> None:
    calm, wild = (make_plan(energies=(energy,), num_bars=16) for energy in (0.2, 0.95))
    for part_index in (BASS, DRUMS):
        assert len(write(wild, part_index, "rock")) > 1.2 * len(write(calm, part_index, "rock"))


def test_the_piece_ends_on_one_stroke_and_a_held_chord() -> None:
    plan = make_plan()
    last = (plan.num_bars - 1) * plan.bar_ticks
    for part_index in (1, 2, BASS):
        closing = write(plan, part_index, "pop")
        closing = closing[closing["onset"] >= last]
        assert set(closing["onset"]) == {last}
        assert set(closing["onset"] + closing["duration"]) == {last + plan.bar_ticks}
    drums = write(plan, DRUMS, "pop")
    assert set(drums[drums["onset"] >= last]["onset"]) == {last}


def test_a_loop_has_no_ending() -> None:
    plan = make_plan(loop=(0, 16))
    drums = write(plan, DRUMS, "electronic")
    last = (plan.num_bars - 1) * plan.bar_ticks
    assert len(drums[drums["onset"] >= last]) > 4


def test_two_bars_are_not_the_same_for_ever() -> None:
    plan = make_plan(energies=(0.6,), num_bars=16)
    drums = write(plan, DRUMS, "rock")
    bars = set()
    for bar in range(plan.num_bars - 1):
        start = bar * plan.bar_ticks
        inside = drums[(drums["onset"] >= start) & (drums["onset"] < start + plan.bar_ticks)]
        bars.add(tuple(zip((inside["onset"] - start).tolist(), inside["pitch"], strict=True)))
    assert len(bars) >= 5


def test_the_melody_is_not_a_rhythm_section_part() -> None:
    with pytest.raises(ComposeError, match="role='melody'"):
        write(make_plan(), 0, "rock")
    with pytest.raises(ComposeError, match="part_index=9 must be between 0 and 6"):
        write(make_plan(), 9, "rock")
