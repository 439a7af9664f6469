"""Augmentation: the same music in another notation, loudness or octave, drawn at batch time.

Every change keeps what the network is told true of what it reads: positions, durations, time and
conditions move together, and a change that could not be exact is not made.

- *Stretching* writes a passage in notes twice or half as long: 2/4 ↔ 4/4 and 2/2, 3/8 ↔ 3/4,
  4/8 ↔ 4/4, 5/8 ↔ 5/4; 4/2, 6/4 and 3/2 become 4/4, 6/8 and 3/4. It sounds the same, so the tempo
  condition doubles or halves with it (unknown where the wider band does not fit one id).
- *Velocity* moves all velocities by whole ids, and the energy of every bar with them.
- *Tempo* moves the tempo condition to a neighbouring band: performances of a piece differ as much.
- *Octave* reaches the home signature from the other side (F# major down or up to C), or keeps it
  and moves everything by an octave, where each part stays in the range of its instrument, as
  measured on the training split.

Apply before conditions are dropped. Needs NumPy alone.

Public names: :func:`augment`, :class:`Augmentation`, :func:`program_ranges`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from leitmotiv.training.windows import (
    COLUMN,
    DENSITY_EDGES,
    DRUM_PROGRAM,
    POSITION_OFFSET,
    Pack,
    Sequence,
    home_shift,
)

__all__ = ["Augmentation", "augment", "program_ranges"]

# The two tables below are those of leitmotiv.tokens; a test holds them together.
DURATIONS = np.concatenate(
    [np.arange(1, 49), np.arange(50, 97, 2), np.arange(102, 193, 6), np.arange(216, 769, 24)]
)
TEMPO_EDGES = (50, 66, 80, 96, 112, 132, 160)
MAX_BAR_STEPS = 192
MAX_VELOCITY_ID, MAX_ENERGY_ID = 8, 7

# Meter ids: 1 4/4, 2 3/4, 3 2/4, 4 2/2, 5 6/8, 6 3/8, 9 3/2, 10 6/4, 11 4/2, 12 5/4, 13 4/8 and
# 17 5/8. No change leads to a meter that hardly anybody asks for (4/4 does not become 4/2).
LONGER_METERS = {3: (1, 4), 6: (2,), 13: (1,), 17: (12,)}
SHORTER_METERS = {1: (3,), 4: (3,), 2: (6,), 9: (2,), 10: (5,), 11: (1,), 12: (17,)}


def _duration_ids(factor: float) -> np.ndarray:
    """For each duration id the id of its exact multiple, -1 where there is none."""
    index = {int(steps): i + 1 for i, steps in enumerate(DURATIONS)}
    multiples = [index.get(int(s * factor), -1) if s * factor % 1 == 0 else -1 for s in DURATIONS]
    return np.asarray([0, *multiples])


def _tempo_ids(factor: float) -> np.ndarray:
    """For each tempo id the id of its multiple, 0 where the multiple spreads over several."""
    edges = np.asarray([0, *TEMPO_EDGES, np.inf])
    table = np.zeros(len(edges), dtype=np.int64)
    for tempo in range(1, len(edges)):
        low = int(np.searchsorted(TEMPO_EDGES, edges[tempo - 1] * factor, side="right")) + 1
        high = int(np.searchsorted(TEMPO_EDGES, edges[tempo] * factor, side="left")) + 1
        table[tempo] = low if low == high else 0
    return table


_DURATION_IDS = {factor: _duration_ids(factor) for factor in (2.0, 0.5)}
_TEMPO_IDS = {factor: _tempo_ids(factor) for factor in (2.0, 0.5)}


def _scaled_steps(steps: np.ndarray, factor: float) -> np.ndarray | None:
    """Whole steps times the factor; None where a half would be lost."""
    if factor < 1 and np.any(steps % 2):
        return None
    return (steps * factor).astype(steps.dtype)


def _scaled_fields(fields: np.ndarray, factor: float) -> np.ndarray | None:
    """Fields (T, 4) with positions and durations scaled; None where that is not exact."""
    out = fields.copy()
    notes = fields[:, 0] >= POSITION_OFFSET
    position = _scaled_steps(fields[notes, 0] - POSITION_OFFSET, factor)
    duration = _DURATION_IDS[factor][fields[:, 2]]
    if position is None or np.any(duration < 0):
        return None
    out[notes, 0] = position + POSITION_OFFSET
    out[:, 2] = duration
    return out


def _stretched(sequence: Sequence, factor: float, rng: np.random.Generator) -> Sequence | None:
    """The passage in notes ``factor`` times as long; None where a value would not be exact."""
    if sequence.bar_steps is None:
        return None
    meters = LONGER_METERS if factor > 1 else SHORTER_METERS
    meter = sequence.conditions[:, COLUMN["meter"]]
    if not set(np.unique(meter).tolist()) <= meters.keys():
        return None
    bar_steps = _scaled_steps(sequence.bar_steps, factor)
    time = _scaled_steps(sequence.time, factor)
    events = _scaled_fields(sequence.events, factor)
    targets = _scaled_fields(sequence.targets, factor)
    if bar_steps is None or time is None or events is None or targets is None:
        return None
    if bar_steps.max() > MAX_BAR_STEPS:
        return None
    conditions = sequence.conditions.copy()
    for old in np.unique(meter):
        conditions[meter == old, COLUMN["meter"]] = rng.choice(meters[int(old)])
    tempo = conditions[:, COLUMN["tempo"]]
    conditions[:, COLUMN["tempo"]] = _TEMPO_IDS[factor][tempo]
    header = events[:, 0] < POSITION_OFFSET
    cell = np.cumsum(header) - 1
    counts = np.bincount(cell) - 1
    quarters = bar_steps[conditions[:, COLUMN["bar"]] - 1] / 24
    density = np.searchsorted(DENSITY_EDGES, counts[cell] / quarters, side="right") + 2
    known = conditions[:, COLUMN["density"]] > 1
    conditions[known, COLUMN["density"]] = density[known]
    return Sequence(events, conditions, time, targets, bar_steps)


def _louder(sequence: Sequence, rng: np.random.Generator) -> Sequence:
    """All velocities moved by one or two ids, the energy of each bar with them."""
    ids = sequence.events[:, 3]
    known = ids[ids > 0]
    if len(known) == 0:
        return sequence
    lowest, highest = int(known.min()), int(known.max())
    moves = [m for m in (-2, -1, 1, 2) if lowest + m >= 1 and highest + m <= MAX_VELOCITY_ID]
    if not moves:
        return sequence
    move = int(rng.choice(moves))
    events, targets, conditions = (
        array.copy() for array in (sequence.events, sequence.targets, sequence.conditions)
    )
    for fields in (events, targets):
        fields[:, 3] = np.where(fields[:, 3] > 0, fields[:, 3] + move, 0)
    energy = conditions[:, COLUMN["energy"]]
    # The outer ids have no outer edge: a bar that leaves one may or may not reach the next.
    open_end = energy == (1 if move > 0 else MAX_ENERGY_ID)
    moved = np.clip(energy + move, 1, MAX_ENERGY_ID)
    conditions[:, COLUMN["energy"]] = np.where((energy == 0) | open_end, 0, moved)
    return replace(sequence, events=events, targets=targets, conditions=conditions)


def augment(
    sequence: Sequence, rng: np.random.Generator, *, stretch: float, velocity: float, tempo: float
) -> Sequence:
    """Change notation, loudness and tempo condition at random; the sequence given stays as it is.

    Parameters
    ----------
    sequence : Sequence
        With all its conditions, none dropped yet.
    rng : numpy.random.Generator
        Draws only for probabilities above 0.
    stretch, velocity, tempo : float
        Probability of each change, 0 to 1; a change that would not be exact is not made.

    Returns
    -------
    Sequence
        Of the same length.
    """
    if stretch and rng.random() < stretch:
        factors = [2.0, 0.5] if rng.random() < 0.5 else [0.5, 2.0]
        for factor in factors:
            other = _stretched(sequence, factor, rng)
            if other is not None:
                sequence = other
                break
    if velocity and rng.random() < velocity:
        sequence = _louder(sequence, rng)
    if tempo and rng.random() < tempo:
        conditions = sequence.conditions.copy()
        band = conditions[:, COLUMN["tempo"]]
        moved = np.clip(band + int(rng.choice((-1, 1))), 1, len(TEMPO_EDGES) + 1)
        conditions[:, COLUMN["tempo"]] = np.where(band > 0, moved, 0)
        sequence = replace(sequence, conditions=conditions)
    return sequence


def program_ranges(pack: Pack, *, share: float = 0.002) -> np.ndarray:
    """Lowest and highest written pitch of each program in the training split, shape (130, 2).

    The outermost ``share`` of the notes at either end is left out. A program without notes gets
    (128, -1): nothing lies within.
    """
    counts = np.zeros((130, 128), dtype=np.int64)
    for piece in pack.indices(0):
        parts = slice(pack.first_part[piece], pack.first_part[piece + 1])
        cells = slice(pack.first_cell[piece], pack.first_cell[piece + 1])
        programs = np.tile(pack.arrays["part_program"][parts], pack.num_bars[piece])
        of_note = np.repeat(programs, pack.arrays["cell_count"][cells]).astype(np.int64)
        first = pack.cell_first_note[pack.first_cell[piece]]
        pitch = pack.arrays["note_pitch"][first : first + len(of_note)].astype(np.int64)
        pitched = pitch < 128
        keys = of_note[pitched] * 128 + pitch[pitched]
        counts += np.bincount(keys, minlength=counts.size).reshape(counts.shape)
    below = np.cumsum(counts, axis=1)
    total = below[:, -1:]
    inside = (below > share * total) & (below - counts < (1 - share) * total) & (counts > 0)
    lowest = np.where(inside.any(axis=1), inside.argmax(axis=1), 128)
    highest = np.where(inside.any(axis=1), 127 - inside[:, ::-1].argmax(axis=1), -1)
    return np.stack([lowest, highest], axis=1)


@dataclass(frozen=True, eq=False)
class Augmentation:
    """Probabilities of each change and the ranges of the instruments.

    ``ranges`` (130, 2) comes from :func:`program_ranges`; None leaves octaves alone.
    """

    stretch: float = 0.0
    velocity: float = 0.0
    tempo: float = 0.0
    octave: float = 0.0
    ranges: np.ndarray | None = None

    @classmethod
    def from_recipe(cls, table: Mapping[str, float], pack: Pack) -> Augmentation:
        """Read the recipe's table ``augmentation``; unknown names and values are refused."""
        names = ("stretch", "velocity", "tempo", "octave")
        for name, value in table.items():
            if name not in names or not 0 <= value <= 1:
                raise ValueError(
                    f"augmentation.{name} = {value!r}: the recipe may give {', '.join(names)}, "
                    "each a probability from 0 to 1"
                )
        ranges = program_ranges(pack) if table.get("octave") else None
        return cls(**dict(table), ranges=ranges)

    def shift(
        self,
        pack: Pack,
        piece: int,
        start: int,
        num_bars: int,
        parts: np.ndarray,
        rng: np.random.Generator,
    ) -> int:
        """Semitones by which to move a window so that it stands in the home signature.

        The plain way in most draws; with probability ``octave`` an octave beside it, the nearer
        one first, where every part then stays in its instrument's range.
        """
        plain = home_shift(int(pack.arrays["bar_fifths"][pack.first_bar[piece] + start]))
        if self.ranges is None or not self.octave or rng.random() >= self.octave:
            return plain
        programs = pack.arrays["part_program"][pack.first_part[piece] + parts]
        first = pack.first_cell[piece] + start * pack.num_parts[piece]
        cells = first + np.arange(num_bars)[:, None] * pack.num_parts[piece] + parts
        counts = pack.arrays["cell_count"][cells].astype(np.int64)
        begin = pack.cell_first_note[cells]
        # A cell's notes stand together: one slice a cell is enough for the extremes.
        spans: list[tuple[int, int, int]] = []
        for slot, program in enumerate(programs):
            if program == DRUM_PROGRAM:
                continue
            for at, count in zip(begin[:, slot], counts[:, slot], strict=True):
                if count:
                    notes = pack.arrays["note_pitch"][at : at + count]
                    spans.append((int(program), int(notes.min()), int(notes.max())))
        others = [plain + 12, plain - 12]
        if plain > 0 or (plain == 0 and rng.random() < 0.5):
            others.reverse()
        for other in others:
            if spans and all(
                self.ranges[program, 0] <= low + other and high + other <= self.ranges[program, 1]
                for program, low, high in spans
            ):
                return other
        return plain

    def __call__(self, sequence: Sequence, rng: np.random.Generator) -> Sequence:
        """Apply :func:`augment` with these probabilities."""
        return augment(
            sequence, rng, stretch=self.stretch, velocity=self.velocity, tempo=self.tempo
        )
