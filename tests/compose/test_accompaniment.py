"""Accompaniments are correct: chord tones, ranges, voice-leading, cadences."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from leitmotiv.compose.accompaniment import accompaniment_part
from leitmotiv.compose.figures import choose_textures
from leitmotiv.compose.part_writing import cadence_voicing, write_skeleton
from leitmotiv.errors import ComposeError
from leitmotiv.plan.plan import Plan
from leitmotiv.score.score import Origin, make_notes

from .plans import BAND, CHOIR, PIANO, QUARTET, make_plan
from .test_rhythm_section import check_part

PROGRESSIONS = {
    "A minor": ("i", "iv V", "VI", "iio6 V7", "i", "V65/iv", "iv", "V7"),
    "D major": ("I", "vi IV", "ii6", "V7", "I", "V7/V", "V", "I64 V7"),
    "Eb major": ("I", "iii", "IV", "V", "vi", "ii", "V42", "I6"),
}
GENRES = ("classical", "waltz", "march", "hymn", "film", "nocturne")


def melody_for(plan: Plan, seed: int = 0) -> NDArray[np.void]:
    """A stepwise tune of chord tones on the half bars, for voices to live under."""
    rng = np.random.default_rng(seed)
    part = plan.parts[0]
    onsets, durations, pitches = [], [], []
    pitch = (part.low + part.high) // 2
    for bar in range(plan.num_bars):
        for half, start, stop in ((0, 0, plan.half_tick), (1, plan.half_tick, plan.bar_ticks)):
            classes = plan.chord_at(bar, half).pitch_classes
            near = [p for p in range(part.low + 5, part.high) if p % 12 in classes]
            near.sort(key=lambda p: abs(p - pitch))
            pitch = near[int(rng.integers(2))]
            onsets.append(bar * plan.bar_ticks + start)
            durations.append(stop - start)
            pitches.append(pitch)
    return make_notes(onsets, durations, pitches, 80, Origin.THEME)


@pytest.mark.parametrize("meter", ["4/4", "3/4", "6/8", "2/4", "3/2", "5/4", "7/8", "12/8"])
@pytest.mark.parametrize("genre", GENRES)
def test_every_ensemble_plays_every_meter_in_range(genre: str, meter: str) -> None:
    for parts in (QUARTET, PIANO, CHOIR, BAND[:-1]):
        plan = make_plan(parts=parts, genre=genre, meter=meter, num_bars=10)
        melody = melody_for(plan)
        for part_index in range(1, len(parts)):
            notes = accompaniment_part(plan, part_index, np.random.default_rng(1), melody=melody)
            assert len(notes)
            check_part(notes, plan, part_index)


@settings(max_examples=20, deadline=None)
@given(
    num_bars=st.integers(1, 64),
    key=st.sampled_from(sorted(PROGRESSIONS)),
    genre=st.sampled_from(GENRES),
    energy=st.floats(0, 1),
    texture=st.sampled_from(["solo", "sparse", "homophonic", "polyphonic", "full"]),
    seed=st.integers(0, 999),
)
def test_first_notes_of_each_chord_are_chord_tones(
    num_bars: int, key: str, genre: str, energy: float, texture: str, seed: int
) -> None:
    plan = make_plan(
        parts=QUARTET,
        genre=genre,
        key=key,
        num_bars=num_bars,
        progression=PROGRESSIONS[key],
        energies=(energy, 1 - energy),
        textures=(texture,),
        seed=seed,
    )
    for part_index in (1, 2, 3):
        notes = accompaniment_part(plan, part_index, np.random.default_rng(seed))
        for bar in range(plan.num_bars):
            for half in (0, 1):
                start = bar * plan.bar_ticks + half * plan.half_tick
                classes = plan.chord_at(bar, half).pitch_classes
                struck = notes[notes["onset"] == start]
                assert all(int(pitch) % 12 in classes for pitch in struck["pitch"])


def parallels(lines: list[list[int]]) -> int:
    """Parallel fifths and octaves between any two lines of equal length."""
    count = 0
    for low, high in combinations(lines, 2):
        for k in range(1, len(low)):
            moved = low[k] != low[k - 1] and high[k] != high[k - 1]
            same = (high[k] - low[k]) % 12 == (high[k - 1] - low[k - 1]) % 12
            count += moved and same and (high[k] - low[k]) % 12 in (0, 7)
    return count


@pytest.mark.parametrize("key", sorted(PROGRESSIONS))
@pytest.mark.parametrize("parts", [QUARTET, CHOIR], ids=["quartet", "choir"])
def test_voices_make_no_parallels_do_not_cross_and_hold_the_whole_chord(
    key: str, parts: tuple[object, ...]
) -> None:
    plan = make_plan(
        parts=parts,  # type: ignore[arg-type]
        key=key,
        progression=PROGRESSIONS[key],
        genre="hymn",
        num_bars=16,
    )
    melody = melody_for(plan)
    skeleton = write_skeleton(plan, (1, 2, 3), melody=melody)
    lines = [list(skeleton.pitches[index]) for index in (3, 2, 1)]
    for k, span in enumerate(skeleton.spans):
        chord = [line[k] for line in lines]
        assert chord == sorted(chord), "voices keep their order"
        sounding = melody[
            (melody["onset"] <= span.start) & (melody["onset"] + melody["duration"] > span.start)
        ]
        classes = {pitch % 12 for pitch in chord} | {int(p) % 12 for p in sounding["pitch"]}
        root = span.chord.root_pitch_class
        third = {pc for pc in span.chord.pitch_classes if (pc - root) % 12 in (3, 4)}
        assert root in classes
        assert third <= classes
    assert parallels(lines) == 0
    moves = [abs(b - a) for line in lines[1:] for a, b in pairwise(line)]
    assert float(np.mean(moves)) < 3.0, "inner voices move by small steps"


def test_a_cadence_is_voiced_as_a_harmony_book_would() -> None:
    plan = make_plan(
        parts=CHOIR, key="C major", progression=("I", "IV", "V7", "I"), num_bars=4, genre="hymn"
    )
    dominant = cadence_voicing(plan, (3, 2, 1, 0), 2, 1)
    tonic = cadence_voicing(plan, (3, 2, 1, 0), 3, 0)
    assert (dominant[0] % 12, tonic[0] % 12) == (7, 0)
    assert {pitch % 12 for pitch in tonic} >= {0, 4}
    assert 11 in {pitch % 12 for pitch in dominant}
    assert parallels([list(pair) for pair in zip(dominant, tonic, strict=True)]) == 0
    for before, after in zip(dominant, tonic, strict=True):
        if before % 12 == 11:
            assert after - before == 1, "the leading tone rises"
        if before % 12 == 5:
            assert after - before == -1, "the seventh falls"


def test_the_accompaniment_stays_below_the_melody() -> None:
    plan = make_plan(parts=QUARTET, genre="classical", progression=PROGRESSIONS["A minor"])
    melody = melody_for(plan, seed=3)
    crossing = total = 0
    for part_index in (1, 2):
        notes = accompaniment_part(plan, part_index, np.random.default_rng(0), melody=melody)
        for note in notes:
            now = melody[
                (melody["onset"] <= note["onset"])
                & (melody["onset"] + melody["duration"] > note["onset"])
            ]
            crossing += int(note["pitch"]) > int(now["pitch"][0])
            total += 1
    assert crossing <= 0.05 * total


def test_waltzes_and_marches_sound_like_themselves() -> None:
    waltz = make_plan(parts=QUARTET, genre="waltz", meter="3/4", num_bars=16)
    assert any("waltz" in texture.name for texture in choose_textures(waltz))
    march = make_plan(parts=QUARTET, genre="march", num_bars=16)
    assert any("march" in texture.name for texture in choose_textures(march))
    hymn = make_plan(parts=CHOIR, genre="hymn", num_bars=16)
    assert any(texture.name == "hymn" for texture in choose_textures(hymn))


def test_returning_sections_keep_their_texture_and_contrasts_change_it() -> None:
    changes = 0
    for seed in range(20):
        plan = make_plan(parts=QUARTET, genre="classical", energies=(0.4, 0.7, 0.4), seed=seed)
        data = plan.model_dump()
        data["sections"][2]["returns_to"] = 0
        textures = choose_textures(Plan.model_validate(data))
        assert textures[2] is textures[0]
        changes += textures[1] is not textures[0]
    assert changes >= 14


def test_it_is_the_same_for_the_same_generator() -> None:
    plan = make_plan(parts=QUARTET, genre="classical")
    first, second = (
        accompaniment_part(plan, 1, np.random.default_rng(4), melody=melody_for(plan))
        for _ in range(2)
    )
    assert np.array_equal(first, second)


def test_drums_and_melody_are_refused() -> None:
    plan = make_plan()
    for part_index, role in ((0, "melody"), (6, "drums")):
        with pytest.raises(ComposeError, match=f"role='{role}'"):
            accompaniment_part(plan, part_index, np.random.default_rng(0))
    with pytest.raises(ComposeError, match="must be a pitched part"):
        cadence_voicing(plan, (6,), 0, 0)
    with pytest.raises(ComposeError, match="bar_index=99 must be between"):
        cadence_voicing(plan, (1,), 99, 0)
