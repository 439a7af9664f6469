"""Windows show the network what it may see and hide what it must write."""

from __future__ import annotations

import numpy as np

from leitmotiv.training.windows import (
    COLUMN,
    END,
    batch_arrays,
    build_sequence,
    choose_targets,
    draw_sequence,
)

from .toy_pack import toy_pack


def test_targets_follow_every_event_of_their_cell(rng: np.random.Generator) -> None:
    pack = toy_pack(rng)
    for _ in range(50):
        sequence = draw_sequence(pack, 0, rng, max_bars=8, max_parts=4, budget=200)
        is_header = sequence.events[:, 0] == 2
        starts = np.flatnonzero(is_header)
        ends = np.append(starts[1:], len(sequence))
        for start, end in zip(starts, ends, strict=True):
            assert np.array_equal(
                sequence.targets[start : end - 1], sequence.events[start + 1 : end]
            )
            assert sequence.targets[end - 1].tolist() == [END, 0, 0, 0]


def test_context_stands_before_targets_and_every_cell_once(rng: np.random.Generator) -> None:
    pack = toy_pack(rng)
    for _ in range(30):
        target = choose_targets(6, 2, rng)
        sequence = build_sequence(pack, 0, 0, 6, np.arange(2), target, np.arange(2))
        headers = sequence.events[:, 0] == 2
        flags = sequence.conditions[headers, COLUMN["target"]]
        assert np.array_equal(flags, np.sort(flags))
        assert (flags == 2).sum() == target.sum()
        places = sequence.conditions[headers][:, [COLUMN["bar"], COLUMN["part"]]]
        assert len(np.unique(places, axis=0)) == 12


def test_a_piece_and_its_transposition_look_the_same(rng: np.random.Generator) -> None:
    pack = toy_pack(rng)
    moved = toy_pack(np.random.default_rng(20_240), semitones=2, fifths=2)
    target = np.ones((4, 2), dtype=bool)
    first = build_sequence(pack, 0, 0, 4, np.arange(2), target, np.arange(2))
    second = build_sequence(moved, 0, 0, 4, np.arange(2), target, np.arange(2))
    assert np.array_equal(first.events, second.events)


def test_padding_has_no_targets(rng: np.random.Generator) -> None:
    pack = toy_pack(rng)
    sequences = [
        draw_sequence(pack, 0, rng, max_bars=bars, max_parts=2, budget=100) for bars in (2, 6)
    ]
    batch = batch_arrays(sequences)
    padded = batch["events"][..., 0] == 0
    assert padded.any()
    assert not batch["targets"][padded].any()
