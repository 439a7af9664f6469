"""Transforms keep what they promise to keep."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leitmotiv.compose.theme import (
    count_strays,
    degree_of,
    fit_to_chords,
    pitch_of,
    snap_to_chords,
    transform_theme,
)
from leitmotiv.errors import ComposeError
from leitmotiv.theory import Key
from leitmotiv.tokens.grid import CELL_NOTE_DTYPE

D_MINOR = Key.parse("D minor")


def line(pitches: list[int], duration: int = 24) -> np.ndarray:
    notes = np.zeros(len(pitches), dtype=CELL_NOTE_DTYPE)
    notes["bar"], notes["position"] = np.divmod(np.arange(len(pitches)) * duration, 96)
    notes["duration"], notes["pitch"], notes["velocity"] = duration, pitches, 80
    return notes


def moved(notes: np.ndarray, transform: str, **options: object) -> np.ndarray:
    settings = {"source_key": D_MINOR, "key": D_MINOR, "bar_steps": 96, "num_bars": 2, **options}
    return transform_theme(notes, transform, **settings)  # type: ignore[arg-type]


@given(st.integers(0, 127), st.sampled_from(["C major", "F# minor", "Eb dorian", "Ab major"]))
def test_degrees_round_trip(pitch: int, name: str) -> None:
    key = Key.parse(name)
    assert pitch_of(*degree_of(pitch, key), key) == pitch


def test_a_repeat_is_the_theme() -> None:
    theme = line([62, 64, 65, 69, 67, 65, 64, 62])
    assert np.array_equal(moved(theme, "repeat"), theme)


def test_a_sequence_moves_along_the_scale_and_keeps_the_rhythm() -> None:
    theme = line([62, 64, 65, 69])
    found = moved(theme, "sequence", transpose_steps=1)
    assert found["pitch"].tolist() == [64, 65, 67, 70]
    assert np.array_equal(found["position"], theme["position"])


def test_two_inversions_are_the_theme() -> None:
    theme = line([62, 64, 65, 69, 67])
    once = moved(theme, "invert")
    assert once["pitch"].tolist() == [62, 60, 58, 55, 57]
    assert moved(once, "invert")["pitch"].tolist() == theme["pitch"].tolist()


def test_augmenting_doubles_time() -> None:
    found = moved(line([62, 64, 65, 69]), "augment")
    assert found["duration"].tolist() == [48] * 4
    assert (found["bar"] * 96 + found["position"]).tolist() == [0, 48, 96, 144]


def test_ornaments_keep_the_length_and_the_first_notes() -> None:
    theme = line([62, 69, 65, 62], duration=48)
    found = moved(theme, "ornament")
    assert len(found) > len(theme)
    assert found["duration"].sum() == theme["duration"].sum()
    assert set(theme["pitch"]) <= set(found["pitch"])


def test_a_change_of_mode_keeps_degrees_near_the_old_place() -> None:
    found = moved(line([62, 65, 69]), "mode change", key=Key.parse("D major"))
    assert found["pitch"].tolist() == [62, 66, 69]
    relative = moved(line([62, 65, 69]), "mode change", key=Key.parse("F major"))
    assert relative["pitch"].tolist() == [65, 69, 72]


def test_strong_notes_are_fitted_and_the_range_is_kept() -> None:
    accent = np.zeros(96)
    accent[0] = 1.0
    fitted = fit_to_chords(
        line([63, 64, 65, 90]), lambda bar, position: frozenset({2, 5, 9}), accent, low=55, high=80
    )
    assert int(fitted["pitch"][0]) % 12 in {2, 5, 9}
    assert fitted["pitch"].max() <= 80


def test_an_unknown_transform_is_named() -> None:
    with pytest.raises(ComposeError, match="retrograde"):
        moved(line([60]), "retrograde")


def test_diminution_says_the_theme_twice_as_fast_and_again_a_step_higher() -> None:
    theme = line([62, 64, 65, 69, 67, 65, 64, 62])
    found = moved(theme, "diminish")
    assert found["duration"].tolist() == [12] * 16
    assert found["pitch"].tolist()[:8] == theme["pitch"].tolist()
    steps = [degree_of(int(pitch), D_MINOR)[0] for pitch in found["pitch"]]
    assert [second - first for first, second in zip(steps[:8], steps[8:], strict=True)] == [1] * 8


def test_another_meter_parts_halved_beats_in_three_and_back() -> None:
    theme = line([62, 64, 65, 69, 67, 65, 64, 62], duration=12)
    found = moved(theme, "meter change", beat_steps=24)
    assert found["position"].tolist() == [0, 16, 24, 40, 48, 64, 72, 88]
    assert found["duration"].tolist() == [16, 8] * 4
    assert found["pitch"].tolist() == theme["pitch"].tolist()
    jig = moved(theme, "meter change", beat_steps=36, bar_steps=72)
    assert jig["position"].tolist()[:4] == [0, 18, 27, 36]


def test_a_reharmonised_theme_is_the_theme() -> None:
    theme = line([62, 64, 65, 69, 67])
    assert np.array_equal(moved(theme, "reharmonise"), theme)


def test_snapping_moves_strong_notes_alone() -> None:
    theme = line([62, 64, 66, 69])
    accent = np.where(np.arange(96) % 48 == 0, 1.0, 0.2)
    found = snap_to_chords(theme, lambda bar, position: frozenset({0, 4, 7}), accent)
    assert found["pitch"].tolist() == [60, 64, 67, 69]


def test_snapping_keeps_the_intervals_of_a_line_where_it_can() -> None:
    # G lies between F and A of the chord: beside an F it goes up, so that the step stays a step.
    theme = line([65, 67, 72])
    found = snap_to_chords(theme, lambda bar, position: frozenset({2, 5, 9, 0}), np.ones(96))
    assert found["pitch"].tolist() == [65, 69, 72]


def test_weak_notes_follow_the_strong_ones_along_the_scale() -> None:
    theme = line([64, 65, 67, 69, 71], duration=12)
    accent = np.where(np.arange(96) % 48 == 0, 1.0, 0.1)
    scale = frozenset({0, 2, 4, 5, 7, 9, 11})

    def snapped(**more: object) -> list[int]:
        tones = {0: frozenset({5, 9}), 48: frozenset({1, 4})}
        found = snap_to_chords(
            theme, lambda bar, position: tones.get(position, scale), accent, **more
        )
        return [int(pitch) for pitch in found["pitch"]]

    stiff, pliant = snapped(), snapped(scale_at=lambda bar: scale)
    assert stiff[1:4] == [65, 67, 69]
    assert stiff[0] == pliant[0] == 65
    assert pliant[1] > 65 or pliant[2] != 67
    assert all(pitch % 12 in scale for pitch in pliant[1:4])


def test_strays_are_counted_as_they_would_be_moved() -> None:
    theme = line([62, 64, 66, 69])
    accent = np.where(np.arange(96) % 48 == 0, 1.0, 0.2)
    assert count_strays(theme, lambda bar, position: frozenset({0, 4, 7}), accent) == 2
    assert count_strays(theme, lambda bar, position: frozenset(), accent) == 0
