"""Novelty: does what the network writes keep to human bands, and does it copy its training pieces?

Continuations of held-out pieces are sampled from the averaged weights (chords, energy, density and
breath of the bars to be written unknown) and measured two ways:

- *Pitch-class entropy* in bits, as in Yang and Lerch, "On the evaluation of generative models in
  music" (2020), against the band that human continuations of the same length fill (the middle
  80 % of windows of the validation split). Below it the music circles on few notes, above it it
  wanders.
- *Copied fragments*: the share of melodic fragments (top line of each part; pitch intervals and
  onset distances, so transposition hides nothing) that the training pieces contain, and the
  longest run of notes found there. Formulas are shared by human pieces too: the same share for the
  human continuations stands beside it. Fragments of fewer than :data:`DISTINCT` different steps
  (scales, repeated notes) have no shape and are not counted.

Public names: :class:`Novelty`, :class:`NoveltyReport`, :class:`FragmentSet`, :func:`fragments`,
:func:`pitch_class_entropy`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch

from leitmotiv.training.model import ScoreModel
from leitmotiv.training.recipes import Recipe
from leitmotiv.training.sampling import Prompt, sample_cells
from leitmotiv.training.windows import (
    COLUMN,
    HEADER,
    PITCH_OFFSET,
    POSITION_OFFSET,
    Pack,
    Sequence,
    build_sequence,
)

__all__ = [
    "FragmentSet",
    "Novelty",
    "NoveltyReport",
    "fragments",
    "pitch_class_entropy",
]

DISTINCT = 4  # different steps that a fragment needs to have a shape
LONG_REST = 192  # steps: a line that rests for eight quarters begins anew
HUMAN_WINDOWS = 200
FEWEST_NOTES = 12
FIRST_DRUM_PITCH = 128
ROWS = 12  # continuations sampled together
FORGOTTEN = ("chord", "second_chord", "next_chord", "energy", "breath", "density")
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)


def pitch_class_entropy(pitch: np.ndarray) -> float:
    """Entropy in bits (0 to log2 12) of the pitch classes of notes; 0 without notes.

    Examples
    --------
    >>> round(pitch_class_entropy(np.asarray([60, 62, 64, 65])), 3)
    2.0
    """
    counts = np.bincount(np.asarray(pitch, dtype=np.int64) % 12, minlength=12)
    share = counts[counts > 0] / max(counts.sum(), 1)
    return float(-(share * np.log2(share)).sum())


def fragments(
    line: np.ndarray, time: np.ndarray, pitch: np.ndarray, num_notes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Hashes of all melodic fragments of ``num_notes`` onsets.

    Parameters
    ----------
    line, time, pitch : ndarray of int, shape (n,)
        The line that each note belongs to, its onset in steps, its pitch; in any order. Of notes
        that start together in a line the highest counts.
    num_notes : int
        Onsets in a fragment.

    Returns
    -------
    ndarray of uint64, shape (m,)
        One hash a fragment with a shape.
    ndarray of int64, shape (m,)
        Its place: consecutive fragments of a line differ by one, others by more.
    """
    size = num_notes - 1
    # One key a note, so that a plain sort (vectorised, unlike an indirect one) puts them in order.
    key = np.asarray(line, np.int64) << 40 | np.asarray(time, np.int64) << 8
    key = np.sort(key | (255 - np.asarray(pitch, np.int64)))
    key = key[np.append(True, (key[1:] >> 8) != (key[:-1] >> 8))] if len(key) else key
    num = len(key) - size
    if num < 1:
        return np.zeros(0, np.uint64), np.zeros(0, np.int64)
    distance = np.diff(key >> 8)  # a new line is far away
    step = ((np.diff(key & 255) + 256) << 8 | np.minimum(distance, LONG_REST + 1)).astype(np.int32)
    joined = np.concatenate([[0], np.cumsum(distance <= LONG_REST)])
    whole = joined[size:] - joined[:-size] == size
    columns = [step[offset : offset + num] for offset in range(size)]
    distinct = np.ones(num, dtype=np.int8)
    for later in range(1, size):
        fresh = columns[later] != columns[0]
        for earlier in range(1, later):
            fresh &= columns[later] != columns[earlier]
        distinct += fresh
    place = np.flatnonzero(whole & (distinct >= min(DISTINCT, size)))
    hashed = np.zeros(len(place), dtype=np.uint64)
    for column in columns:  # wraps around on purpose: a hash
        hashed = (hashed ^ column[place].astype(np.uint64)) * _MULTIPLIER
        hashed ^= hashed >> np.uint64(29)
    return hashed, place


class FragmentSet:
    """The fragments of a pack's training pieces, as one sorted array of hashes."""

    def __init__(self, pack: Pack, num_notes: int, *, split: int = 0):
        self.num_notes = num_notes
        found: list[np.ndarray] = []
        group: list[np.ndarray] = []
        size = 0
        for piece in pack.indices(split):
            notes = piece_lines(pack, int(piece))
            group.append(notes)
            size += notes.shape[1]
            if size > 400_000:
                found.append(self._hash(group))
                group, size = [], 0
        if group:
            found.append(self._hash(group))
        hashes = np.sort(np.concatenate(found)) if found else np.zeros(0, np.uint64)
        self.hashes = hashes[np.append(True, hashes[1:] != hashes[:-1])] if len(hashes) else hashes

    def _hash(self, group: list[np.ndarray]) -> np.ndarray:
        for number, notes in enumerate(group):
            notes[0] += number * 64  # lines of different pieces stay apart
        line, time, pitch = np.concatenate(group, axis=1)
        return fragments(line, time, pitch, self.num_notes)[0]

    def __len__(self) -> int:
        return len(self.hashes)

    def contains(self, hashes: np.ndarray) -> np.ndarray:
        """Tell for each hash whether the pieces have it, shape of ``hashes``."""
        if not len(self.hashes):
            return np.zeros(len(hashes), dtype=bool)
        place = np.minimum(np.searchsorted(self.hashes, hashes), len(self.hashes) - 1)
        return self.hashes[place] == hashes

    def measure(
        self, line: np.ndarray, time: np.ndarray, pitch: np.ndarray
    ) -> tuple[int, int, int]:
        """Fragments, how many of them are found, and the longest run of notes found."""
        hashes, place = fragments(line, time, pitch, self.num_notes)
        found = self.contains(hashes)
        longest, run, before = 0, 0, -2
        for here in place[found]:
            run = run + 1 if here == before + 1 else 1
            longest, before = max(longest, run), int(here)
        return len(hashes), int(found.sum()), longest + self.num_notes - 1 if longest else 0


def piece_lines(pack: Pack, piece: int) -> np.ndarray:
    """Line (part), onset and pitch of a piece's notes without drums, shape (3, n)."""
    bars, parts = int(pack.num_bars[piece]), int(pack.num_parts[piece])
    cells = slice(pack.first_cell[piece], pack.first_cell[piece + 1])
    counts = pack.arrays["cell_count"][cells].astype(np.int64)
    cell = np.repeat(np.arange(bars * parts), counts)
    first = int(pack.cell_first_note[pack.first_cell[piece]])
    notes = slice(first, first + len(cell))
    steps = pack.arrays["bar_steps"][pack.first_bar[piece] : pack.first_bar[piece + 1]]
    starts = np.concatenate([[0], np.cumsum(steps.astype(np.int64))])
    pitch = pack.arrays["note_pitch"][notes].astype(np.int64)
    onset = starts[cell // parts] + pack.arrays["note_position"][notes]
    return np.stack([cell % parts, onset, pitch])[:, pitch < FIRST_DRUM_PITCH]


def target_lines(sequence: Sequence) -> np.ndarray:
    """Line, onset and pitch id of a window's target notes without drums, shape (3, n)."""
    target = sequence.conditions[:, COLUMN["target"]] == 2
    pitched = sequence.events[:, 1] < FIRST_DRUM_PITCH + PITCH_OFFSET
    chosen = target & pitched & (sequence.events[:, 0] != HEADER)
    return np.stack(
        [
            sequence.conditions[chosen, COLUMN["part"]],
            sequence.time[chosen],
            sequence.events[chosen, 1] - PITCH_OFFSET,
        ]
    )


def written_lines(prompt: Prompt, cells: list[np.ndarray]) -> np.ndarray:
    """Line, onset and pitch of sampled notes without drums, shape (3, n)."""
    rows = [np.zeros((3, 0), dtype=np.int64)]
    for conditions, time, notes in zip(
        prompt.cell_conditions, prompt.cell_time, cells, strict=True
    ):
        pitched = notes[notes[:, 1] < FIRST_DRUM_PITCH + PITCH_OFFSET]
        line = np.full(len(pitched), conditions[COLUMN["part"]])
        onset = time + pitched[:, 0] - POSITION_OFFSET
        rows.append(np.stack([line, onset, pitched[:, 1] - PITCH_OFFSET]))
    return np.concatenate(rows, axis=1)


@dataclass(frozen=True)
class NoveltyReport:
    """What was measured; entropies in bits, shares from 0 to 1, the longest copy in notes."""

    entropy: float
    entropy_low: float
    entropy_high: float
    copied: float
    copied_human: float
    longest_copy: int
    longest_human: int
    num_notes: int

    @property
    def in_band(self) -> bool:
        """Whether the mean entropy lies in the human band."""
        return self.entropy_low <= self.entropy <= self.entropy_high

    def to_dict(self) -> dict[str, float]:
        return asdict(self)

    def __str__(self) -> str:
        where = "in" if self.in_band else "outside"
        return (
            f"entropy {self.entropy:.2f} bits, {where} the human band "
            f"{self.entropy_low:.2f}-{self.entropy_high:.2f}; copied {self.copied:.1%} of "
            f"fragments (held-out human music {self.copied_human:.1%}), "
            f"longest {self.longest_copy} notes (human {self.longest_human})"
        )


class Novelty:
    """Measures a model on continuations of held-out pieces, always the same ones.

    ``pieces`` are those whose fragments count as copies: the training split of this pack.
    """

    def __init__(self, pack: Pack, recipe: Recipe):
        table = recipe["novelty"]
        self.pack, self.bars = pack, int(table["bars"])
        self.max_parts = min(recipe["data"]["max_parts"], 4)
        rng = np.random.default_rng(20_240_602)
        human = self._windows(rng, HUMAN_WINDOWS)
        self.prompts = [Prompt.of(w) for w in human[: int(table["continuations"])]]
        lines = [target_lines(window) for window in human]
        entropies = [pitch_class_entropy(line[2]) for line in lines]
        self.low = float(np.quantile(entropies, 0.1)) if entropies else 0.0
        self.high = float(np.quantile(entropies, 0.9)) if entropies else float(np.log2(12))
        self.training = FragmentSet(pack, int(table["fragment"]))
        self.human, self.human_longest = self._copied(lines)

    def _windows(self, rng: np.random.Generator, num: int) -> list[Sequence]:
        """Windows of held-out pieces: some bars of context, as many to write."""
        pieces = self.pack.indices(1)
        windows: list[Sequence] = []
        if not len(pieces):
            return windows
        for _ in range(num * 5):
            piece = int(rng.choice(pieces))
            length = int(self.pack.num_bars[piece])
            if length < 2 * self.bars:
                continue
            start = int(rng.integers(0, length - 2 * self.bars + 1))
            first = self.pack.first_cell[piece]
            total = int(self.pack.num_parts[piece])
            cells = first + np.arange(start * total, (start + 2 * self.bars) * total)
            counts = self.pack.arrays["cell_count"][cells].reshape(-1, total)
            sounding = np.flatnonzero(counts.sum(axis=0))
            if not len(sounding) or counts[:, sounding].sum() > 600:
                continue
            if len(sounding) > self.max_parts:
                sounding = np.sort(rng.choice(sounding, self.max_parts, replace=False))
            target = np.zeros((2 * self.bars, len(sounding)), dtype=bool)
            target[self.bars :] = True
            window = build_sequence(
                self.pack, piece, start, 2 * self.bars, sounding, target, np.arange(len(sounding))
            )
            if target_lines(window).shape[1] < FEWEST_NOTES:
                continue
            ahead = window.conditions[:, COLUMN["target"]] == 2
            for name in FORGOTTEN:
                window.conditions[ahead, COLUMN[name]] = 0
            windows.append(window)
            if len(windows) == num:
                break
        return windows

    def _copied(self, lines: list[np.ndarray]) -> tuple[float, int]:
        """Share of fragments found in the training pieces, and the longest run of notes."""
        measured = [self.training.measure(*line) for line in lines]
        total = sum(count for count, _, _ in measured)
        found = sum(found for _, found, _ in measured)
        return found / max(total, 1), max((run for _, _, run in measured), default=0)

    def measure(self, model: ScoreModel, *, seed: int = 1) -> NoveltyReport | None:
        """Sample the continuations and measure them; None where no held-out window will do."""
        if not self.prompts:
            return None
        was_training = model.training
        model.eval()
        lines: list[np.ndarray] = []
        for first in range(0, len(self.prompts), ROWS):
            prompts = self.prompts[first : first + ROWS]
            with torch.no_grad():
                cells = sample_cells(model, prompts, seed=seed + first)
            lines += [written_lines(p, c) for p, c in zip(prompts, cells, strict=True)]
        model.train(was_training)
        copied, longest = self._copied(lines)
        sounding = [line for line in lines if line.shape[1]]
        entropies = [pitch_class_entropy(line[2]) for line in sounding]
        return NoveltyReport(
            entropy=float(np.mean(entropies)) if entropies else 0.0,
            entropy_low=self.low,
            entropy_high=self.high,
            copied=copied,
            copied_human=self.human,
            longest_copy=longest,
            longest_human=self.human_longest,
            num_notes=sum(line.shape[1] for line in lines),
        )
