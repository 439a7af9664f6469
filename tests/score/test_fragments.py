"""Fragments of a line stay the same under what leaves a tune the same tune."""

from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.score import Part, Score, make_notes
from leitmotiv.score.fragments import KINDS, MELODIC, RHYTHMIC, fragments, score_lines, top_notes


def tune(rng: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Onsets in steps and pitches of a line with shape."""
    pitch = 67 + np.cumsum(rng.choice([-5, -3, -2, -1, 1, 2, 4, 7], count))
    onset = np.cumsum(rng.choice([12, 24, 48], count))
    return onset - onset[0], np.clip(pitch, 40, 100)


def hashes(onset: np.ndarray, pitch: np.ndarray, kind=RHYTHMIC) -> list[int]:
    return fragments(np.zeros(len(onset), np.int64), onset, pitch, kind).hashes.tolist()


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_transposition_and_note_values_change_no_fragment(rng: np.random.Generator, kind) -> None:
    onset, pitch = tune(rng, 40)
    found = hashes(onset, pitch, kind)
    assert len(found) > 10
    assert hashes(onset * 2, pitch + 7, kind) == found


def test_uneven_playing_changes_no_fragment(rng: np.random.Generator) -> None:
    onset, pitch = tune(rng, 40)
    assert hashes(onset + rng.integers(-1, 2, 40), pitch) == hashes(onset, pitch)


def test_another_meter_and_repeated_notes_keep_the_melodic_fragments(
    rng: np.random.Generator,
) -> None:
    onset, pitch = tune(rng, 40)
    bent = np.cumsum(rng.choice([8, 24, 40], 80))
    assert hashes(bent, np.repeat(pitch, 2), MELODIC) == hashes(onset, pitch, MELODIC)
    assert hashes(bent[::2], pitch, RHYTHMIC) != hashes(onset, pitch, RHYTHMIC)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
@pytest.mark.parametrize(
    "figure",
    [[0], [0, 2], [0, 4, 7, 4], list(range(0, 24, 2)), [0, 4, 7, 12]],
    ids=["one note", "trill", "broken chord", "scale", "arpeggio"],
)
def test_figures_without_shape_have_no_fragments(kind, figure: list[int]) -> None:
    pitch = 60 + np.asarray(figure * 6)
    assert hashes(np.arange(len(pitch)) * 12, pitch, kind) == []


def test_no_fragment_reaches_over_two_lines_or_a_long_rest(rng: np.random.Generator) -> None:
    onset, pitch = tune(rng, 20)
    for kind in KINDS:
        apart = fragments(np.repeat([0, 1], 10), onset, pitch, kind)
        assert np.all((apart.first < 10) == (apart.last < 10))
        rest = onset + np.repeat([0, 400], 10)
        broken = fragments(np.zeros(20, np.int64), rest, pitch, kind)
        assert np.all((broken.first < 10) == (broken.last < 10))


def test_the_top_line_is_the_melody_over_held_and_moving_accompaniment() -> None:
    melody = make_notes([0, 960, 1920], [960] * 3, [76, 74, 72])
    moving = make_notes(range(0, 2880, 240), [240] * 12, [48, 55, 52, 55] * 3)
    part = Part("Piano", 0, notes=np.sort(np.concatenate([melody, moving]), order="onset"))
    line, onset, pitch = score_lines(Score(parts=(part,)))
    assert pitch.tolist() == [76, 74, 72]
    assert onset.tolist() == [0, 48, 96]
    assert line.tolist() == [0, 0, 0]


def test_drums_have_no_line() -> None:
    drums = Part("Drums", 0, is_drum=True, notes=make_notes([0, 480], [120] * 2, [36, 38]))
    assert [len(column) for column in score_lines(Score(parts=(drums,)))] == [0, 0, 0]


def test_a_lone_note_is_its_own_top_line() -> None:
    one = np.asarray([5])
    assert top_notes(one * 0, one, one + 4, one + 60).tolist() == [0]
    assert len(fragments(one * 0, one, one + 60, RHYTHMIC).hashes) == 0
