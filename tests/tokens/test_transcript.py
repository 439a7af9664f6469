"""A score comes back from its transcript: quantised from ids alone, any other with the rest."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leitmotiv.errors import ScoreError
from leitmotiv.score import Score
from leitmotiv.tokens.grid import TICKS_PER_STEP
from leitmotiv.tokens.transcript import Transcript, restore, transcribe
from leitmotiv.tokens.vocabulary import FIELD_SIZES

from .scores import quantised_scores


@given(quantised_scores())
@settings(max_examples=60, deadline=None)
def test_a_quantised_score_is_its_ids_and_frame(score: Score) -> None:
    transcript = transcribe(score)
    assert transcript.residual is not None
    for name in ("onset", "duration", "pitch"):
        assert not transcript.residual[name].any()
    found = restore(Transcript(transcript.ids, transcript.frame))
    assert found.num_notes == score.num_notes
    for one, other in zip(found.parts, score.parts, strict=True):
        for name in ("onset", "duration", "pitch"):
            assert np.array_equal(one.notes[name], other.notes[name])
        band = np.abs(one.notes["velocity"].astype(int) - other.notes["velocity"])
        assert band.max(initial=0) <= 8
        assert (one.name, one.program, one.is_drum) == (other.name, other.program, other.is_drum)
    assert found.tempo_map == score.tempo_map
    assert (found.meters, found.keys) == (score.meters, score.keys)
    assert found.length_ticks == score.length_ticks


@st.composite
def played_scores(draw: st.DrawFn) -> Score:
    """Scores off the grid: rubato, grace notes, chords spread, notes of any length."""
    score = draw(quantised_scores())
    seed = draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    parts = []
    for part in score.parts:
        notes = part.notes.copy()
        notes["onset"] = np.maximum(notes["onset"] + generator.integers(-60, 60, len(notes)), 0)
        notes["duration"] = generator.integers(1, 20_000, len(notes))
        notes["origin"] = generator.integers(0, 4, len(notes))
        notes["pitch"] = generator.integers(0, 128, len(notes))
        parts.append(replace(part, notes=notes))
    return Score(
        parts=tuple(parts), tempo_map=score.tempo_map, meters=score.meters, keys=score.keys
    )


@given(played_scores())
@settings(max_examples=60, deadline=None)
def test_any_score_comes_back_exactly_with_its_residual(score: Score) -> None:
    transcript = transcribe(score)
    assert restore(transcript) == score
    assert (transcript.ids >= 0).all()
    assert (transcript.ids < FIELD_SIZES).all()


@given(played_scores())
@settings(max_examples=30, deadline=None)
def test_rounding_moves_onsets_by_half_a_step_at_most(score: Score) -> None:
    residual = transcribe(score).residual
    assert residual is not None
    inside = np.abs(residual["onset"]) <= TICKS_PER_STEP // 2
    # An onset that would round onto the final bar line is held back a step.
    assert inside.all() or np.abs(residual["onset"]).max() <= TICKS_PER_STEP * 3 // 2


@given(played_scores())
@settings(max_examples=20, deadline=None)
def test_quantising_twice_changes_nothing_more(score: Score) -> None:
    once = restore(transcribe(score), exact=False)
    twice = restore(transcribe(once), exact=False)
    assert once == twice


def test_an_empty_score_and_silent_parts_survive() -> None:
    assert restore(transcribe(Score())) == Score()


def test_ids_of_another_piece_are_refused() -> None:
    from leitmotiv.score import Part, make_notes

    one = transcribe(Score((Part("a", notes=make_notes([0], [480], [60])),)))
    two = transcribe(Score((Part("a", notes=make_notes([0, 9600], [480, 480], [60, 62])),)))
    with pytest.raises(ScoreError, match="ids hold 6 cells"):
        restore(Transcript(two.ids, one.frame))
    with pytest.raises(ScoreError, match="residual of 1 notes"):
        restore(Transcript(two.ids, two.frame, one.residual))
