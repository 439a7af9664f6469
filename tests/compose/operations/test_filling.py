"""What a fill promises: the region is new, everything else is the same to the bit."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from leitmotiv.compose import WriterOptions
from leitmotiv.compose.operations import fill, find_parts, parse_bars, read_plan
from leitmotiv.errors import ComposeError
from leitmotiv.score import Origin, Part, Score, make_notes

from .scores import song

QUICK = WriterOptions(num_candidates=3, num_accompaniments=2)
BAR = 1920


@lru_cache
def filled(bars: tuple[int, ...], parts: tuple[int, ...] | None = None, seed: int = 1) -> Score:
    return fill(song(), bars, parts, rng=np.random.default_rng(seed), options=QUICK)


def outside(part: Part, bars: tuple[int, ...]) -> np.ndarray:
    return part.notes[~np.isin(part.notes["onset"] // BAR, bars)]


def test_everything_outside_the_region_is_bit_identical() -> None:
    before, after = song(), filled((2, 3), (0, 2))
    for index, (old, new) in enumerate(zip(before.parts, after.parts, strict=True)):
        if index == 1:
            assert old == new
        assert outside(old, (2, 3)).tobytes() == outside(new, (2, 3)).tobytes()
    assert (before.tempo_map, before.meters, before.keys) == (
        after.tempo_map,
        after.meters,
        after.keys,
    )


def test_the_region_holds_new_notes_of_the_model_alone() -> None:
    after = filled((2, 3), (0, 2))
    for index in (0, 2):
        notes = after.parts[index].notes
        inside = notes[np.isin(notes["onset"] // BAR, (2, 3))]
        assert len(inside)
        assert set(inside["origin"].tolist()) == {Origin.MODEL}
        assert (notes["onset"] + notes["duration"]).max() <= after.length_ticks


def test_new_notes_stay_inside_the_region() -> None:
    for part in filled((2, 3)).parts:
        fresh = part.notes[part.notes["origin"] != Origin.HUMAN]
        assert len(fresh)
        assert fresh["onset"].min() >= 2 * BAR
        assert (fresh["onset"] + fresh["duration"]).max() <= 4 * BAR


def test_the_chords_of_the_region_are_kept() -> None:
    before, after = read_plan(song()).plan, read_plan(filled((2, 3))).plan
    assert [before.chord_at(bar).root_pitch_class for bar in (2, 3)] == [
        after.chord_at(bar).root_pitch_class for bar in (2, 3)
    ]


def test_a_seed_decides_the_notes() -> None:
    again = fill(song(), (2, 3), rng=np.random.default_rng(1), options=QUICK)
    other = fill(song(), (2, 3), rng=np.random.default_rng(2), options=QUICK)
    assert again == filled((2, 3))
    assert other != again


def test_a_silent_stretch_is_given_chords_and_notes() -> None:
    whole = song()
    silent = whole.with_parts(part.with_notes(outside(part, (4, 5)).copy()) for part in whole.parts)
    result = fill(silent, (4, 5), rng=np.random.default_rng(3), options=QUICK)
    for part in result.parts:
        assert np.isin((4, 5), part.notes["onset"] // BAR).all()


def test_drums_go_on_in_their_groove() -> None:
    onset = [BAR * bar + 480 * beat for bar in range(8) for beat in range(4)]
    kit = Part("Kit", is_drum=True, notes=make_notes(onset, [60] * 32, [36, 38] * 16))
    score = song().with_parts([*song().parts, kit])
    notes = fill(score, (4,), (3,), rng=np.random.default_rng(3), options=QUICK).parts[3].notes
    inside = notes[notes["onset"] // BAR == 4]
    assert inside["pitch"].tolist() == [36, 38, 36, 38]
    assert set(inside["origin"].tolist()) == {Origin.STYLE}


@pytest.mark.parametrize("text", ["0", "9", "3-2", "x", "", "1-99999999"])
def test_bars_that_do_not_exist_are_refused(text: str) -> None:
    with pytest.raises(ComposeError, match="from 1 to 8"):
        parse_bars(text, 8)


def test_parts_are_found_by_name_and_number() -> None:
    assert find_parts(song(), ["tune", "3"]) == (0, 2)
    with pytest.raises(ComposeError, match="1 Tune"):
        find_parts(song(), ["oboe"])


def test_nothing_to_fill_is_refused(rng: np.random.Generator) -> None:
    with pytest.raises(ComposeError, match="at least one bar"):
        fill(song(), (), rng=rng)
    with pytest.raises(ComposeError, match="does not exist"):
        fill(song(), (1,), (7,), rng=rng)


def test_a_filled_tune_meets_both_sides_without_a_wide_leap() -> None:
    before = song()
    for seed in range(4):
        after = fill(before, [2, 3], [0], rng=np.random.default_rng(seed), options=QUICK)
        notes = after.parts[0].notes
        bar = notes["onset"] // 1920
        for edge in (2, 4):
            first = int(np.searchsorted(bar, edge))
            assert abs(int(notes["pitch"][first]) - int(notes["pitch"][first - 1])) <= 12
