"""Windows: cut training sequences out of a pack.

A window is a stretch of bars and a choice of parts from one piece. Some of its cells (a cell is
one part in one bar) are *context*, the others *targets*; context cells come first in the
sequence, targets after them, so that a causal network learns to continue, to fill a region with
both sides in view, to harmonise and to add parts, all at once. Pitches move to the signature
without accidentals ("home"). Conditions are dropped at random, so any subset works later.

This module needs NumPy and the pack alone. The layout of sequences is the one of
``leitmotiv.tokens``; a test holds the two together.

Shapes: ``T`` events in a sequence, ``E`` conditions.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from leitmotiv.training.augmentation import Augmentation

END, HEADER, POSITION_OFFSET, PITCH_OFFSET = 1, 2, 3, 1
DRUM_PROGRAM = 129
CONDITION_NAMES = [
    *("genre", "mode", "meter", "tempo"),
    *("bar", "bars_to_end", "breath", "chord", "second_chord", "next_chord", "energy"),
    *("part", "role", "program", "register", "polyphony"),
    *("density", "target"),
]
COLUMN = {name: index for index, name in enumerate(CONDITION_NAMES)}
DROPPABLE = [n for n in CONDITION_NAMES if n not in ("bar", "part", "target", "meter")]
DENSITY_EDGES = np.asarray((0.34, 0.76, 1.26, 2.01, 3.01, 4.51))


@dataclass(frozen=True)
class Sequence:
    """One training example.

    events (T, 4) input fields; conditions (T, E); time (T,) steps from the window's first bar
    line; targets (T, 4) what follows each event, 0 where a field does not apply; bar_steps (bars,)
    the lengths of the window's bars.
    """

    events: np.ndarray
    conditions: np.ndarray
    time: np.ndarray
    targets: np.ndarray
    bar_steps: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.events)


class Pack:
    """A packed corpus: flat arrays and the offsets of each piece in them."""

    def __init__(self, path: Path):
        with np.load(path) as file:
            self.arrays = {name: file[name] for name in file.files}
        self.header = json.loads(self.arrays.pop("header").tobytes())
        piece = self.arrays["piece"].astype(np.int64)
        self.num_notes, self.num_bars, self.num_parts = piece[:, 0], piece[:, 1], piece[:, 2]
        self.globals = piece[:, 3:6]  # genre, mode, tempo
        self.first_bar = np.concatenate([[0], np.cumsum(self.num_bars)])
        self.first_part = np.concatenate([[0], np.cumsum(self.num_parts)])
        self.first_cell = np.concatenate([[0], np.cumsum(self.num_bars * self.num_parts)])
        counts = self.arrays["cell_count"].astype(np.int64)
        self.cell_first_note = np.concatenate([[0], np.cumsum(counts)])

    def indices(self, split: int) -> np.ndarray:
        """Piece indices of a split: 0 train, 1 valid, 2 test."""
        return np.flatnonzero(self.arrays["piece_split"] == split)

    def weights(
        self,
        indices: np.ndarray,
        source_weights: dict[str, float],
        genre_shares: dict[str, float] | None = None,
    ) -> np.ndarray:
        """Sampling weights: the square root of a piece's notes times its source's weight.

        With ``genre_shares`` the pieces of a genre are drawn that often together, whatever the
        corpus holds most of; genres that it does not name keep the weight their pieces have.
        """
        names = self.header["sources"]
        factor = np.asarray([source_weights.get(name, 1.0) for name in names])
        weight = np.sqrt(self.num_notes[indices]) * factor[self.arrays["piece_source"][indices]]
        weight = weight / weight.sum()
        genre = self.globals[indices, 0]
        for name, share in (genre_shares or {}).items():
            chosen = genre == self.header["genres"].index(name) + 1
            if chosen.any():
                weight[chosen] *= share / weight[chosen].sum()
        return weight / weight.sum()


def home_shift(fifths: int) -> int:
    """Semitones (-6..5) from a key signature to no accidentals."""
    return (-7 * fifths + 6) % 12 - 6


def _transpose_chords(chords: np.ndarray, semitones: int) -> np.ndarray:
    return np.where(chords >= 2, (chords - 2 + semitones * 8) % 96 + 2, chords)


def choose_window(
    pack: Pack, piece: int, rng: np.random.Generator, *, max_bars: int, max_parts: int, budget: int
) -> tuple[int, int, np.ndarray]:
    """Choose a first bar, a number of bars and parts so that the events fit the budget."""
    bars, parts = int(pack.num_bars[piece]), int(pack.num_parts[piece])
    first = pack.first_cell[piece]
    counts = pack.arrays["cell_count"][first : first + bars * parts].reshape(bars, parts)
    # Phrases tend to begin at multiples of four bars from the start.
    start = int(rng.integers(0, max(bars - 3, 1)))
    if rng.random() < 0.5:
        start -= start % 4
    if rng.random() < 0.15:  # endings are rare but matter
        start = max(bars - max_bars, 0)
    window = counts[start : start + max_bars]
    active = np.flatnonzero(window.sum(axis=0) > 0)
    if len(active) == 0:
        active = np.arange(min(parts, 1))
    if len(active) > max_parts:
        active = np.sort(rng.choice(active, max_parts, replace=False))
    elif len(active) > 1 and rng.random() < 0.2:
        active = np.sort(rng.choice(active, int(rng.integers(1, len(active))), replace=False))
    size = np.cumsum(window[:, active].sum(axis=1) + len(active))
    while len(active) > 1 and size[min(3, len(size) - 1)] > budget:
        active = np.delete(active, int(rng.integers(len(active))))
        size = np.cumsum(window[:, active].sum(axis=1) + len(active))
    length = max(int(np.searchsorted(size, budget, side="right")), 1)
    return start, min(length, len(window)), active


def choose_targets(num_bars: int, num_parts: int, rng: np.random.Generator) -> np.ndarray:
    """Draw which cells are targets, shape (num_bars, num_parts)."""
    target = np.zeros((num_bars, num_parts), dtype=bool)
    kind = rng.random()
    if kind < 0.30:  # continue
        target[int(rng.integers(0, num_bars)) :] = True
    elif kind < 0.55 and num_parts > 1:  # add parts, harmonise
        chosen = rng.random(num_parts) < rng.uniform(0.2, 0.9)
        chosen[int(rng.integers(num_parts))] = True
        target[int(rng.integers(0, num_bars)) if rng.random() < 0.6 else 0 :, chosen] = True
    elif kind < 0.80:  # fill a region with both sides in view
        start = int(rng.integers(0, num_bars))
        stop = int(rng.integers(start, num_bars)) + 1
        chosen = rng.random(num_parts) < rng.uniform(0.3, 1.2)
        chosen[int(rng.integers(num_parts))] = True
        target[start:stop, chosen] = True
    elif kind < 0.90:  # scattered cells
        target = rng.random((num_bars, num_parts)) < rng.uniform(0.1, 0.7)
        target[int(rng.integers(num_bars)), int(rng.integers(num_parts))] = True
    else:  # from nothing
        target[:] = True
    return target


def drop_conditions(conditions: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Set a random subset of conditions to 0 ("unknown") for the whole sequence."""
    share = rng.random()
    rate = 0.0 if share < 0.35 else 1.0 if share > 0.93 else rng.uniform(0.1, 0.6)
    for name in DROPPABLE:
        if rng.random() < rate:
            conditions[:, COLUMN[name]] = 0
    # The composer may know density, register and breath for some cells only.
    if rng.random() < 0.3:
        forgotten = rng.random(len(conditions)) < 0.5
        for name in ("density", "breath"):
            conditions[forgotten, COLUMN[name]] = 0
    return conditions


def cell_conditions(
    pack: Pack,
    piece: int,
    start: int,
    num_bars: int,
    parts: np.ndarray,
    shift: int,
    target: np.ndarray,
    pitches: list[np.ndarray],
    onsets: list[int],
    counts: np.ndarray,
) -> np.ndarray:
    """Build the conditions of every cell, shape (num_bars, len(parts), E)."""
    table = np.zeros((num_bars, len(parts), len(CONDITION_NAMES)), dtype=np.int64)
    bars = slice(pack.first_bar[piece] + start, pack.first_bar[piece] + start + num_bars)
    arrays = pack.arrays
    genre, mode, tempo = pack.globals[piece]
    table[..., COLUMN["genre"]], table[..., COLUMN["mode"]] = genre, mode
    table[..., COLUMN["tempo"]] = tempo
    table[..., COLUMN["meter"]] = arrays["bar_meter"][bars][:, None]
    table[..., COLUMN["bar"]] = np.arange(1, num_bars + 1)[:, None]
    left = pack.num_bars[piece] - start - np.arange(num_bars)
    table[..., COLUMN["bars_to_end"]] = np.clip(7 - left, 1, 6)[:, None]
    table[..., COLUMN["breath"]] = arrays["bar_breath"][bars][:, None]
    chord = _transpose_chords(arrays["bar_chord"][bars].astype(np.int64), shift)
    second = _transpose_chords(arrays["bar_second_chord"][bars].astype(np.int64), shift)
    table[..., COLUMN["chord"]] = chord[:, None]
    table[..., COLUMN["second_chord"]] = second[:, None]
    table[:-1, :, COLUMN["next_chord"]] = chord[1:, None]
    table[..., COLUMN["energy"]] = arrays["bar_energy"][bars][:, None]
    table[..., COLUMN["part"]] = np.minimum(np.arange(len(parts)), 15) + 1
    part = pack.first_part[piece] + parts
    table[..., COLUMN["role"]] = arrays["part_role"][part]
    table[..., COLUMN["program"]] = arrays["part_program"][part]
    drum = arrays["part_program"][part] == DRUM_PROGRAM
    for index in range(len(parts)):
        if len(pitches[index]) and not drum[index]:
            mean = pitches[index].mean()
            table[:, index, COLUMN["register"]] = int(np.clip((mean - 24) // 5, 0, 16)) + 1
            ratio = len(pitches[index]) / max(onsets[index], 1)
            table[:, index, COLUMN["polyphony"]] = 1 + int(ratio > 1.05) + int(ratio > 1.8)
    quarters = np.maximum(arrays["bar_steps"][bars].astype(np.float64), 1) / 24
    density = np.searchsorted(DENSITY_EDGES, counts / quarters[:, None], side="right") + 2
    table[..., COLUMN["density"]] = np.where(counts > 0, density, 1)
    table[..., COLUMN["target"]] = np.where(target, 2, 1)
    return table


def build_sequence(
    pack: Pack,
    piece: int,
    start: int,
    num_bars: int,
    parts: np.ndarray,
    target: np.ndarray,
    order: np.ndarray,
    *,
    shift: int | None = None,
) -> Sequence:
    """Lay a window out as one sequence: context cells, then target cells, bar by bar.

    ``order`` permutes the parts inside each bar of the targets; ``shift`` in semitones leads to
    the home signature, the shorter way where it is not given.
    """
    arrays = pack.arrays
    if shift is None:
        shift = home_shift(int(arrays["bar_fifths"][pack.first_bar[piece] + start]))
    total = int(pack.num_parts[piece])
    bar_numbers = start + np.arange(num_bars)
    cells = pack.first_cell[piece] + bar_numbers[:, None] * total + parts[None, :]
    counts = arrays["cell_count"][cells].astype(np.int64)
    first = pack.cell_first_note[cells]
    drum = arrays["part_program"][pack.first_part[piece] + parts] == DRUM_PROGRAM
    pitches, onsets = [], []
    for index in range(len(parts)):
        rows = np.concatenate(
            [np.arange(f, f + n) for f, n in zip(first[:, index], counts[:, index], strict=True)]
        )
        pitches.append(arrays["note_pitch"][rows].astype(np.int64) + (0 if drum[index] else shift))
        where = np.repeat(np.arange(num_bars), counts[:, index]) * 256
        onsets.append(len(np.unique(where + arrays["note_position"][rows])))
    table = cell_conditions(
        pack, piece, start, num_bars, parts, shift, target, pitches, onsets, counts
    )
    steps = arrays["bar_steps"][pack.first_bar[piece] + bar_numbers].astype(np.int64)
    bar_time = np.concatenate([[0], np.cumsum(steps)])
    flat = [
        (bar, part)
        for bar in range(num_bars)
        for part in range(len(parts))
        if not target[bar, part]
    ]
    flat += [(bar, part) for bar in range(num_bars) for part in order if target[bar, part]]
    bars = np.asarray([bar for bar, _ in flat])
    slots = np.asarray([part for _, part in flat])
    count = counts[bars, slots]
    length = int(count.sum()) + len(flat)
    header = np.concatenate([[0], np.cumsum(count + 1)])[:-1]
    cell_of = np.repeat(np.arange(len(flat)), count + 1)
    is_note = np.ones(length, dtype=bool)
    is_note[header] = False
    rows = np.concatenate(
        [np.arange(f, f + n) for f, n in zip(first[bars, slots], count, strict=True)]
    )
    events = np.zeros((length, 4), dtype=np.int64)
    events[header, 0] = HEADER
    events[is_note, 0] = arrays["note_position"][rows].astype(np.int64) + POSITION_OFFSET
    moved = np.where(drum[slots[cell_of[is_note]]], 0, shift)
    events[is_note, 1] = (
        np.clip(arrays["note_pitch"][rows].astype(np.int64) + moved, 0, 255) + PITCH_OFFSET
    )
    events[is_note, 2] = arrays["note_duration"][rows]
    events[is_note, 3] = arrays["note_velocity"][rows]
    targets = np.zeros_like(events)
    targets[:-1] = events[1:]
    last = header + count
    targets[last] = (END, 0, 0, 0)
    time = bar_time[bars[cell_of]] + np.maximum(events[:, 0] - POSITION_OFFSET, 0)
    return Sequence(events, table[bars[cell_of], slots[cell_of]], time, targets, steps)


def draw_sequence(
    pack: Pack,
    piece: int,
    rng: np.random.Generator,
    *,
    max_bars: int,
    max_parts: int,
    budget: int,
    drop: bool = True,
    augmentation: Augmentation | None = None,
) -> Sequence:
    """Draw one random training example from a piece, augmented where that is asked for."""
    start, num_bars, parts = choose_window(
        pack, piece, rng, max_bars=max_bars, max_parts=max_parts, budget=budget
    )
    target = choose_targets(num_bars, len(parts), rng)
    order = np.arange(len(parts))
    if rng.random() < 0.4:
        order = rng.permutation(len(parts))
    shift = None
    if augmentation is not None:
        shift = augmentation.shift(pack, piece, start, num_bars, parts, rng)
    sequence = build_sequence(pack, piece, start, num_bars, parts, target, order, shift=shift)
    if augmentation is not None:
        sequence = augmentation(sequence, rng)
    if drop:
        drop_conditions(sequence.conditions, rng)
    return sequence


def batch_arrays(sequences: list[Sequence], width: int | None = None) -> dict[str, np.ndarray]:
    """Pad sequences to one length; padding has position id 0 and no targets."""
    width = width or max(len(s) for s in sequences)
    num_conditions = sequences[0].conditions.shape[1]
    out: dict[str, np.ndarray] = {
        "events": np.zeros((len(sequences), width, 4), np.int64),
        "conditions": np.zeros((len(sequences), width, num_conditions), np.int64),
        "time": np.zeros((len(sequences), width), np.float32),
        "targets": np.zeros((len(sequences), width, 4), np.int64),
    }
    for row, sequence in enumerate(sequences):
        for name, array in out.items():
            source = getattr(sequence, name)[:width]
            array[row, : len(source)] = source
    return out
