"""Score → cells → events → score is the identity on the grid, and training sees the same."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from leitmotiv.corpus.encoding import encode_piece
from leitmotiv.score import KeyChange, MeterChange, Part, Score, TempoMap, make_notes
from leitmotiv.theory import Key, Meter
from leitmotiv.tokens import tags
from leitmotiv.tokens.grid import grid_to_notes, score_to_grid
from leitmotiv.tokens.sequence import events_to_notes, lay_out
from leitmotiv.tokens.vocabulary import CONDITIONS
from leitmotiv.training.windows import CONDITION_NAMES, Pack, build_sequence

from .scores import quantised_scores


@given(quantised_scores())
@settings(max_examples=40, deadline=None)
def test_quantised_scores_survive_the_grid(score: Score) -> None:
    grid = score_to_grid(score)
    for index, part in enumerate(score.parts):
        notes = grid_to_notes(grid, index)
        for name in ("onset", "duration", "pitch"):
            assert np.array_equal(notes[name], part.notes[name])


@given(quantised_scores())
@settings(max_examples=40, deadline=None)
def test_events_give_back_the_cells(score: Score) -> None:
    grid = score_to_grid(score)
    parts = list(range(grid.num_parts))
    bars = min(grid.num_bars, 16)
    everything = np.zeros((bars, len(parts)), dtype=bool)
    window = lay_out(grid, start=0, num_bars=bars, parts=parts, target=everything)
    cells: list[list[tuple[int, int, int, int]]] = [[] for _ in window.cells]
    for event, owner in zip(window.events.tolist(), window.cell_of.tolist(), strict=True):
        if event[1]:
            cells[owner].append((event[0], event[1], event[2], event[3]))
    blank = lay_out(grid, start=0, num_bars=bars, parts=parts, target=~everything)
    notes = events_to_notes(blank, cells, origin=0)
    wanted = grid.notes[grid.notes["bar"] < bars]
    for name in ("bar", "part", "position", "pitch", "duration"):
        assert np.array_equal(notes[name], wanted[name])


@pytest.fixture
def piece() -> Score:
    """Two parts in A flat major with dynamics, a change of meter and a rest."""
    generator = np.random.default_rng(3)
    parts = []
    for index, program in enumerate((40, 42)):
        onset = np.sort(generator.choice(np.arange(0, 96), 60, replace=False)) * 240
        notes = make_notes(
            onset,
            generator.choice([120, 240, 480], 60),
            generator.integers(50, 80, 60) - 12 * index,
            generator.choice([40, 64, 90, 110], 60),
        )
        parts.append(Part(name=f"Part {index}", program=program, notes=notes))
    return Score(
        parts=tuple(parts),
        tempo_map=TempoMap((0,), (96.0,)),
        meters=(MeterChange(0, Meter(3, 4)), MeterChange(8 * 1440, Meter(4, 4))),
        keys=(KeyChange(0, Key.parse("Ab major")),),
    )


def test_training_windows_and_runtime_sequences_are_the_same(piece: Score, tmp_path: Path) -> None:
    entry = {
        "genre": "chamber", "key": "Ab major", "tempo": 96.0, "tempo_source": "marked",
        "n_velocities": 4,
    }  # fmt: skip
    columns = encode_piece(piece, entry).columns
    arrays: dict[str, Any] = {**columns, "piece": columns["piece"][None]}
    for name in ("piece_split", "piece_source"):
        arrays[name] = np.zeros(1, np.uint8)
    header = np.frombuffer(json.dumps({"sources": ["toy"]}).encode(), np.uint8)
    np.savez(tmp_path / "toy.npz", header=header, **arrays)
    pack = Pack(tmp_path / "toy.npz")

    grid = score_to_grid(
        piece,
        genre=tags.genre_id("chamber"),
        mode=tags.mode_id("major"),
        tempo=tags.tempo_id(96.0),
    )
    generator = np.random.default_rng(0)
    for start, num_bars in ((0, 8), (3, 6), (8, 3)):
        target = generator.random((num_bars, 2)) < 0.4
        target[-1] = True
        trained = build_sequence(pack, 0, start, num_bars, np.arange(2), target, np.asarray([1, 0]))
        window = lay_out(
            grid, start=start, num_bars=num_bars, parts=[0, 1], target=target, part_order=[1, 0]
        )
        length = len(window.events)
        assert np.array_equal(trained.events[:length], window.events)
        assert np.array_equal(trained.time[:length], window.time)
        assert np.array_equal(trained.conditions[:length], window.event_conditions())
        headers = trained.conditions[length:][trained.events[length:, 0] == 2]
        wanted = [window.conditions[cell] for cell in window.cells[window.num_context :]]
        assert np.array_equal(headers, np.stack(wanted))


def test_training_knows_the_same_conditions() -> None:
    train = pytest.importorskip("leitmotiv.training.train", reason="needs the extra train")
    assert list(CONDITIONS) == CONDITION_NAMES
    assert tuple(CONDITIONS.values()) == train.CONDITION_SIZES
