"""Score → cells → events → score is the identity on the grid, and training sees the same."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leitmotiv.corpus.pack import pack_archives
from leitmotiv.score import KeyChange, MeterChange, Part, Score, TempoMap, make_notes
from leitmotiv.score.midi import write_midi
from leitmotiv.theory import Key, Meter
from leitmotiv.tokens.grid import TICKS_PER_STEP, grid_to_notes, score_to_grid
from leitmotiv.tokens.sequence import events_to_notes, lay_out
from leitmotiv.tokens.vocabulary import CONDITIONS, DURATIONS
from leitmotiv.training.windows import CONDITION_NAMES, Pack, build_sequence


@st.composite
def quantised_scores(draw: st.DrawFn) -> Score:
    """Scores on the 24-step grid, with durations that the vocabulary has."""
    parts = []
    for index in range(draw(st.integers(1, 3))):
        rows = draw(
            st.lists(
                st.tuples(
                    st.integers(0, 400), st.sampled_from(DURATIONS.tolist()), st.integers(36, 84)
                ),
                min_size=1,
                max_size=20,
                unique_by=lambda row: (row[0], row[2]),
            )
        )
        onset, duration, pitch = np.asarray(rows).T
        notes = make_notes(onset * TICKS_PER_STEP, duration * TICKS_PER_STEP, pitch, 80)
        parts.append(Part(name=f"Part {index}", program=40 + index, notes=notes))
    meter = draw(st.sampled_from([Meter(4, 4), Meter(3, 4), Meter(6, 8), Meter(5, 4), Meter(3, 1)]))
    key = Key.from_fifths(draw(st.integers(-6, 6)), draw(st.sampled_from(["major", "minor"])))
    return Score(parts=tuple(parts), meters=(MeterChange(0, meter),), keys=(KeyChange(0, key),))


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
    midi = tmp_path / "piece.mid"
    write_midi(piece, midi)
    entry = {
        "id": "x", "source": "toy", "file": "toy/piece.mid", "licence": "CC0-1.0", "tier": "A",
        "genre": "chamber", "key": "Ab major", "tempo": 96.0, "tempo_source": "marked",
        "n_velocities": 4, "split": "train", "attribution": None,
    }  # fmt: skip
    with zipfile.ZipFile(tmp_path / "toy.zip", "w") as archive:
        archive.writestr("toy/piece.mid", midi.read_bytes())
    (tmp_path / "manifest.jsonl").write_text(json.dumps(entry) + "\n")
    pack_archives(tmp_path, ["toy"], tmp_path / "toy.npz", workers=1)
    pack = Pack(tmp_path / "toy.npz")

    from leitmotiv.score.midi import parse_midi
    from leitmotiv.tokens import tags

    grid = score_to_grid(
        parse_midi(midi.read_bytes()),
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
