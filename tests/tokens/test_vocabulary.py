"""Durations survive the vocabulary wherever it has room for them."""

from __future__ import annotations

import numpy as np

from leitmotiv.tokens import vocabulary as v


def test_every_duration_of_the_vocabulary_round_trips() -> None:
    assert np.array_equal(v.id_to_duration(v.duration_to_id(v.DURATIONS)), v.DURATIONS)


def test_other_durations_go_to_a_neighbour() -> None:
    steps = np.arange(1, 900)
    nearest = v.DURATIONS[np.abs(v.DURATIONS[None] - steps[:, None]).argmin(axis=1)]
    found = v.id_to_duration(v.duration_to_id(steps))
    assert np.array_equal(np.abs(found - steps), np.abs(nearest - steps))


def test_condition_ids_share_one_table_without_gap_or_overlap() -> None:
    ends = [v.CONDITION_OFFSETS[name] + size for name, size in v.CONDITIONS.items()]
    starts = list(v.CONDITION_OFFSETS.values())
    assert starts == [0, *ends[:-1]]
    assert ends[-1] == v.NUM_CONDITION_IDS
