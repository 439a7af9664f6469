"""Columns say what the notes say, survive their bytes, and treat guesses as unknown."""

from __future__ import annotations

import numpy as np
import pytest
from tests.corpus.toy_library import random_tune

from leitmotiv.corpus.encoding import (
    COLUMNS,
    bytes_to_columns,
    columns_to_bytes,
    encode_piece,
)
from leitmotiv.errors import CorpusError
from leitmotiv.score import Part, Score, make_notes
from leitmotiv.tokens import tags


def test_columns_survive_their_bytes() -> None:
    columns = encode_piece(random_tune(1), {"genre": "folk"}).columns
    again = bytes_to_columns(columns_to_bytes(columns))
    assert list(again) == list(COLUMNS)
    for name, kind in COLUMNS.items():
        np.testing.assert_array_equal(again[name], columns[name])
        assert again[name].dtype.kind == kind.kind


def test_damaged_bytes_are_an_error() -> None:
    data = columns_to_bytes(encode_piece(random_tune(1), {}).columns)
    with pytest.raises(CorpusError, match="import the piece again"):
        bytes_to_columns(data[: len(data) // 2])


def test_a_guessed_tempo_and_one_velocity_are_unknown() -> None:
    score = random_tune(1)
    guessed = encode_piece(score, {"tempo": 90, "tempo_source": "words", "n_velocities": 1})
    stated = encode_piece(score, {"tempo": 90, "tempo_source": "marked", "n_velocities": 9})
    assert guessed.columns["piece"][5] == 0
    assert stated.columns["piece"][5] == tags.tempo_id(90)
    assert not guessed.columns["note_velocity"].any()
    assert stated.columns["note_velocity"].all()


def test_the_key_that_the_source_states_fills_in_for_a_missing_signature() -> None:
    columns = encode_piece(random_tune(1), {"key": "E minor"}).columns
    assert set(columns["bar_fifths"].tolist()) == {1}
    assert columns["piece"][4] == tags.mode_id("minor")
    assert encode_piece(random_tune(1), {"key": "what?"}).columns["piece"][4] == 0


def test_drums_are_told_from_pitches() -> None:
    hits = make_notes([0, 480], [120, 120], [36, 38])
    tune = make_notes([0, 480], [480, 480], [60, 64])
    score = Score(
        parts=(Part(name="Kit", notes=hits, is_drum=True), Part(name="Piano", notes=tune))
    )
    columns = encode_piece(score, {}).columns
    assert sorted(columns["note_pitch"].tolist()) == [60, 64, 128 + 36, 128 + 38]
    assert columns["part_program"].tolist() == [129, 1]


def test_too_few_notes_are_refused() -> None:
    one = Score(parts=(Part(name="Piano", notes=make_notes([0], [480], [60])),))
    with pytest.raises(CorpusError, match="1 notes in 1 parts"):
        encode_piece(one, {})
