"""The drummer keeps the groove, answers to complexity and intensity, and belongs to a seed."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from leitmotiv.compose.drummer import StepClock, drum_timing_sec
from leitmotiv.compose.rhythm_section import rhythm_section_part
from leitmotiv.plan.drums import DrumControls
from leitmotiv.plan.plan import Plan
from leitmotiv.styles import DRUM_KEYS, load_style, style_names
from leitmotiv.theory import Meter

from .plans import make_plan

DRUMS = 6
PLAYED = [name for name in style_names() if load_style(name).drummer is not None]


def play(plan: Plan, style: str = "funk", seed: int = 0) -> NDArray[np.void]:
    return rhythm_section_part(plan, DRUMS, load_style(style), np.random.default_rng(seed))


def controlled(**controls: float | int) -> Plan:
    return make_plan(energies=(0.55,), num_bars=16).replace(drums=DrumControls(**controls))


@pytest.mark.parametrize("style", ["funk", "rock", "hip_hop", "jazz_trio"])
def test_more_complexity_means_more_strokes(style: str) -> None:
    counts = [
        sum(len(play(controlled(complexity=level), style, seed)) for seed in range(3))
        for level in (0.0, 0.5, 1.0)
    ]
    assert counts[0] < counts[1] < counts[2]


def test_more_intensity_is_louder_and_fuller() -> None:
    soft, hard = play(controlled(intensity=0.15)), play(controlled(intensity=0.95))
    assert hard["velocity"].mean() > soft["velocity"].mean() + 15
    assert len(hard) > len(soft)


@pytest.mark.parametrize("style", PLAYED)
def test_every_seed_has_a_part_of_its_own(style: str) -> None:
    parts = [play(make_plan(energies=(0.6,), num_bars=8), style, seed) for seed in range(6)]
    strokes = {tuple(zip(p["onset"].tolist(), p["pitch"].tolist(), strict=True)) for p in parts}
    assert len(strokes) == 6


def test_who_shares_the_drummers_seed_gets_the_same_part() -> None:
    first, second = (play(controlled(seed=11), seed=seed) for seed in (1, 2))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, play(controlled(seed=12), seed=1))


def test_the_backbeat_stands_whatever_the_drummer_adds() -> None:
    for seed in range(4):
        notes = play(make_plan(energies=(0.55,), num_bars=16), "rock", seed)
        snare = notes["onset"][notes["pitch"] == DRUM_KEYS["snare"]]
        for bar in (0, 1, 4, 5):
            assert {bar * 1920 + 480, bar * 1920 + 1440} <= set(snare.tolist())


def test_two_hands_strike_at_most_two_things() -> None:
    notes = play(controlled(complexity=1.0, intensity=0.9), "rock")
    feet = [DRUM_KEYS["kick"], DRUM_KEYS["pedal_hat"]]
    hands = notes[~np.isin(notes["pitch"], feet)]
    inside = hands[hands["onset"] % (8 * 1920) != 0]  # an assistant crash may open a section
    assert np.unique(inside["onset"], return_counts=True)[1].max() <= 2


def test_later_bars_keep_to_the_groove_without_being_copies() -> None:
    notes = play(make_plan(energies=(0.5,), num_bars=16), "funk")

    def bar(index: int) -> set[tuple[int, int]]:
        inside = notes[notes["onset"] // 1920 == index]
        return set(zip((inside["onset"] % 1920).tolist(), inside["pitch"].tolist(), strict=True))

    alike = [len(bar(0) & bar(i)) / len(bar(0) | bar(i)) for i in (2, 4, 6)]
    assert min(alike) > 0.55
    other = np.mean([len(bar(0) & bar(i)) / len(bar(0) | bar(i)) for i in (3, 7)])
    assert np.mean(alike) > other


@pytest.mark.parametrize(
    ("meter", "style"), [("4/4", "rock"), ("4/4", "blues"), ("12/8", "blues"), ("6/8", "rock")]
)
def test_steps_and_ticks_are_inverse(meter: str, style: str) -> None:
    clock = StepClock.of(Meter.parse(meter), load_style(style))
    beats = clock.bar_ticks // clock.beat_ticks
    for step in range(beats * clock.steps_per_beat):
        assert clock.step(clock.tick(step)) == step


@pytest.mark.parametrize("meter", ["4/4", "3/4", "6/8", "7/8", "12/8"])
def test_timing_is_human_small_and_repeatable(meter: str) -> None:
    plan = make_plan(meter=meter, num_bars=8)
    notes = play(plan, "rock")
    style = load_style("rock")
    first, second = (
        drum_timing_sec(notes, plan, style, 110.0, np.random.default_rng(4)) for _ in range(2)
    )
    assert np.array_equal(first, second)
    assert 0.001 < first.std() < 0.02
    assert np.abs(first).max() <= 0.03
    machine = load_style("chiptune")
    assert not drum_timing_sec(notes, plan, machine, 110.0, np.random.default_rng(4)).any()
