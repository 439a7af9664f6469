"""Figures of a piece count what their labels say."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leitmotiv.review.statistics import STATISTICS, opening, score_statistics
from leitmotiv.score import MeterChange, Part, Score, make_notes
from leitmotiv.theory import Meter

SCALE = [60, 62, 64, 65, 67, 65, 64, 62]


def line(pitches: Sequence[int], length: int = 480, *, program: int = 0, start: int = 0) -> Part:
    onsets = range(start, start + length * len(pitches), length)
    return Part("line", program, notes=make_notes(onsets, [length] * len(pitches), pitches))


def moved(score: Score, semitones: int) -> Score:
    parts = []
    for part in score.parts:
        notes = part.notes.copy()
        notes["pitch"] = notes["pitch"].astype(int) + semitones
        parts.append(part.with_notes(notes))
    return score.with_parts(parts)


def random_score(seed: int) -> Score:
    rng = np.random.default_rng(seed)
    top = line((67 + np.cumsum(rng.integers(-2, 3, 64)) % 12).tolist())
    low = line(rng.choice([36, 41, 43, 48], 16).tolist(), 1920)
    return Score((top, low))


def test_every_figure_is_named_once_and_answered() -> None:
    names = [statistic.name for statistic in STATISTICS]
    assert len(set(names)) == len(names)
    assert list(score_statistics(random_score(0))) == names


@pytest.mark.parametrize("score", [Score(), Score((Part("drums", is_drum=True),))])
def test_without_pitched_notes_nothing_is_known(score: Score) -> None:
    assert all(math.isnan(value) for value in score_statistics(score).values())


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 999), st.integers(-5, 6))
def test_transposing_moves_the_mean_pitch_and_nothing_else(seed: int, semitones: int) -> None:
    score = random_score(seed)
    before, after = score_statistics(score), score_statistics(moved(score, semitones))
    assert after.pop("mean_pitch") == pytest.approx(before.pop("mean_pitch") + semitones)
    # Estimated chords may fall differently where two fit alike: those figures are left out.
    blind = {s.name for s in STATISTICS if s.group in ("rhythm", "texture", "melody", "structure")}
    for name in blind:
        assert after[name] == pytest.approx(before[name], nan_ok=True), name


def test_drums_names_and_roles_do_not_count() -> None:
    score = random_score(1)
    kit = Part("kit", is_drum=True, notes=make_notes(range(0, 30000, 120), 60, 36))
    renamed = Part("solo", 40, role="melody", notes=score.parts[1].notes)
    assert score_statistics(Score((*score.parts, kit))) == score_statistics(score)
    other = score_statistics(Score((score.parts[0], renamed)))
    assert other == score_statistics(score)


def test_an_exact_repeat_is_structured_and_a_random_walk_less() -> None:
    tune = [60, 64, 67, 72, 65, 69, 72, 65, 59, 62, 67, 65, 64, 60, 55, 60] * 2
    again = score_statistics(Score((line(tune * 2),)))
    rng = np.random.default_rng(3)
    other = score_statistics(Score((line(rng.integers(55, 80, 64).tolist()),)))
    for name in ("structure_short", "structure_middle", "structure_long"):
        assert again[name] > 0.9
        assert other[name] < 0.75


def test_steps_leaps_and_repeats_share_the_melody() -> None:
    steps = score_statistics(Score((line(SCALE * 4),)))
    leaps = score_statistics(Score((line([60, 67] * 16),)))
    same = score_statistics(Score((line([60] * 32),)))
    assert (steps["step_share"], leaps["leap_share"], same["repeat_share"]) == (1.0, 1.0, 1.0)
    assert leaps["mean_interval"] == 7.0
    assert steps["rhythm_entropy"] == 0.0


def test_the_melody_is_the_skyline_of_the_highest_part() -> None:
    held = Part("held", notes=make_notes(range(0, 8 * 1920, 1920), 1920, SCALE))
    below = line([48, 55] * 32, 240)
    found = score_statistics(Score((below, held)))
    assert found["step_share"] == 1.0
    piano = Part("piano", notes=np.sort(np.concatenate([held.notes, below.notes]), order="onset"))
    together = score_statistics(Score((piano,)))
    assert together["step_share"] == 1.0  # what starts below a note that sounds is accompaniment


def test_dissonance_counts_seconds_and_sevenths_but_no_thirds() -> None:
    low = line([60] * 16)
    assert score_statistics(Score((low, line([64] * 16))))["dissonance"] == 0.0
    assert score_statistics(Score((low, line([61] * 16))))["dissonance"] == 1.0
    assert score_statistics(Score((low, line([64] * 16))))["polyphony"] == 2.0


def test_an_opening_starts_with_the_first_sound_and_keeps_whole_bars() -> None:
    waltz = (MeterChange(0, Meter(3, 4)),)
    score = Score((line(SCALE * 6, start=2 * 1440),), meters=waltz)
    cut = opening(score, 4)
    assert cut.num_bars == 4
    assert cut.length_ticks == 4 * 1440
    assert cut.num_notes == 12
    assert opening(score, 400).num_notes == 48


def test_playing_a_little_early_or_late_changes_no_rhythm() -> None:
    score = Score((line(SCALE * 8),))
    notes = score.parts[0].notes.copy()
    rng = np.random.default_rng(5)
    notes["onset"][1:] += rng.integers(-15, 16, len(notes) - 1)
    played = score_statistics(Score((Part("line", notes=notes),)))
    written = score_statistics(score)
    for name in ("groove_similarity", "off_beat_share", "rhythm_entropy"):
        assert played[name] == pytest.approx(written[name]), name
