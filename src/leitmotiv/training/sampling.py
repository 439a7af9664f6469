"""Sample cells from a model in PyTorch: for measuring a run, not for composing.

Keys and values are cached. A sequence's cells have different lengths, so each row of a batch goes
at its own pace: rows that are done feed padding, which no later event sees. The grammar is that of
the training data (positions rise inside a cell, pitches rise on one position) and nothing more: no
guidance, so that what is measured is the network.

Shapes: ``B`` rows, ``T`` new events, ``P`` cached places, ``C`` context events, ``E`` conditions.

Public names: :class:`Prompt`, :class:`Cache`, :func:`advance`, :func:`sample_cells`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from leitmotiv.training.model import ScoreModel, rotary_angles
from leitmotiv.training.windows import COLUMN, END, HEADER, POSITION_OFFSET, Sequence

__all__ = ["Cache", "Prompt", "advance", "sample_cells"]

MAX_CELL_NOTES = 48
MAX_EVENTS = 600  # written in one row, headers included


@dataclass(frozen=True)
class Prompt:
    """Context events and the cells to write after them.

    events (C, 4), conditions (C, E), time (C,); for each cell its conditions (cells, E), the time
    of its bar line (cells,) and its bar's length in steps (cells,).
    """

    events: np.ndarray
    conditions: np.ndarray
    time: np.ndarray
    cell_conditions: np.ndarray
    cell_time: np.ndarray
    cell_steps: np.ndarray

    @classmethod
    def of(cls, sequence: Sequence) -> Prompt:
        """The context and target cells of a training window; its target notes are left out."""
        if sequence.bar_steps is None:
            raise ValueError("sequence.bar_steps must be known")
        target = sequence.conditions[:, COLUMN["target"]] == 2
        header = (sequence.events[:, 0] == HEADER) & target
        bars = sequence.conditions[header, COLUMN["bar"]] - 1
        return cls(
            sequence.events[~target],
            sequence.conditions[~target],
            sequence.time[~target],
            sequence.conditions[header],
            sequence.time[header],
            sequence.bar_steps[bars],
        )


class Cache:
    """Keys and values of each layer (B, G, P, K), and which places count (B, P)."""

    def __init__(self, model: ScoreModel, rows: int, places: int, device: torch.device):
        config = model.config
        shape = (rows, config.kv_heads, places, config.width // config.heads)
        self.keys = [torch.zeros(shape, device=device) for _ in range(config.layers)]
        self.values = [torch.zeros(shape, device=device) for _ in range(config.layers)]
        self.counts = torch.zeros(rows, places, dtype=torch.bool, device=device)
        self.used = 0


def advance(
    model: ScoreModel,
    cache: Cache,
    events: Tensor,
    conditions: Tensor,
    time: Tensor,
    index: Tensor,
    real: Tensor,
) -> Tensor:
    """Feed T events a row; returns hidden states (B, T, D).

    ``real`` (B, T) is false where a row has nothing to feed; ``index`` (B, T) is the place of an
    event in its own row.
    """
    first, length = cache.used, events.shape[1]
    last = first + length
    x = model.embed(events, conditions)
    angles = rotary_angles(index, time, model.config.width // model.config.heads)
    cache.counts[:, first:last] = real
    place = torch.arange(last, device=events.device)
    seen = place <= torch.arange(first, last, device=events.device)[:, None]  # (T, P)
    # A row without any event yet still attends to its own place, else its softmax is empty.
    own = place == torch.arange(first, last, device=events.device)[:, None]
    mask = (cache.counts[:, None, None, :last] & seen) | own
    groups = model.config.heads // model.config.kv_heads
    for layer, block in enumerate(model.blocks):
        query, key, value = block.project(x, angles)
        cache.keys[layer][:, :, first:last] = key
        cache.values[layer][:, :, first:last] = value
        attended = F.scaled_dot_product_attention(
            query,
            cache.keys[layer][:, :, :last].repeat_interleave(groups, dim=1),
            cache.values[layer][:, :, :last].repeat_interleave(groups, dim=1),
            attn_mask=mask,
        )
        x = block.finish(x, attended)
    cache.used = last
    return x


def _draw(logits: Tensor, allowed: Tensor, generator: torch.Generator, min_p: float) -> Tensor:
    """One id a row, among those allowed and at least ``min_p`` times as likely as the likeliest."""
    logits = logits.float().masked_fill(~allowed, -torch.inf)
    share = torch.softmax(logits, dim=-1)
    share = share * (share >= min_p * share.amax(dim=-1, keepdim=True))
    return torch.multinomial(share, 1, generator=generator)[:, 0]


class _Row:
    """One prompt as it is being written."""

    def __init__(self, prompt: Prompt):
        self.prompt = prompt
        self.cells: list[np.ndarray] = []
        self.notes: list[list[int]] = []  # of the cell being written
        self.fed = len(prompt.events)
        self.next_event = [HEADER, 0, 0, 0]
        # Where the context's loudness means nothing, neither does that of what follows.
        self.velocity_known = not self.fed or bool((prompt.events[:, 3] > 0).any())

    @property
    def active(self) -> bool:
        return len(self.cells) < len(self.prompt.cell_time)

    @property
    def cell(self) -> int:
        return min(len(self.cells), len(self.prompt.cell_time) - 1)

    @property
    def time(self) -> float:
        onset = max(self.next_event[0] - POSITION_OFFSET, 0)
        return float(self.prompt.cell_time[self.cell] + onset)

    def positions(self, size: int) -> np.ndarray:
        """Allowed position ids: the end, or a place from the last note's to the bar line."""
        allowed = np.zeros(size, dtype=bool)
        allowed[END] = True
        if len(self.notes) < MAX_CELL_NOTES:
            first = self.notes[-1][0] if self.notes else POSITION_OFFSET
            allowed[first : POSITION_OFFSET + int(self.prompt.cell_steps[self.cell])] = True
        return allowed

    def pitches(self, position: int, size: int) -> np.ndarray:
        """Allowed pitch ids: above what stands on the same position; all where nothing is left."""
        allowed = np.zeros(size, dtype=bool)
        allowed[max((note[1] for note in self.notes if note[0] == position), default=0) + 1 :] = (
            True
        )
        allowed[1:] |= not allowed.any()
        return allowed

    def take(self, event: list[int]) -> None:
        """Add a note, or end the cell."""
        self.fed += 1
        taken = any(note[:2] == event[:2] for note in self.notes)
        if event[0] == END or taken:
            self.cells.append(np.asarray(self.notes, dtype=np.int64).reshape(-1, 4))
            self.notes, self.next_event = [], [HEADER, 0, 0, 0]
        else:
            self.notes.append(event)
            self.next_event = event

    def result(self) -> list[np.ndarray]:
        """All cells; those never reached are empty."""
        missing = len(self.prompt.cell_time) - len(self.cells)
        return self.cells + [np.zeros((0, 4), dtype=np.int64)] * missing


def _feed_contexts(model: ScoreModel, cache: Cache, rows: list[_Row], device: torch.device) -> None:
    longest = max(row.fed for row in rows)
    if not longest:
        return
    events = np.zeros((len(rows), longest, 4), np.int64)
    conditions = np.zeros((len(rows), longest, len(COLUMN)), np.int64)
    time = np.zeros((len(rows), longest), np.float32)
    for number, row in enumerate(rows):
        events[number, : row.fed] = row.prompt.events
        conditions[number, : row.fed] = row.prompt.conditions
        time[number, : row.fed] = row.prompt.time
    fed = [torch.from_numpy(array).to(device) for array in (events, conditions, time)]
    index = torch.arange(longest, device=device).expand(len(rows), longest)
    real = torch.from_numpy(events[..., 0] > 0).to(device)
    advance(model, cache, fed[0], fed[1], fed[2], index, real)


@torch.no_grad()
def sample_cells(
    model: ScoreModel,
    prompts: list[Prompt],
    *,
    seed: int,
    min_p: float = 0.02,
    device: torch.device | None = None,
) -> list[list[np.ndarray]]:
    """Write the cells of each prompt.

    Parameters
    ----------
    model : ScoreModel
        In evaluation mode.
    prompts : list of Prompt
        Each with at least one cell.
    seed : int
        The same seed gives the same notes on the same machine.
    min_p : float
        Ids less likely than this times the likeliest are not drawn.

    Returns
    -------
    list of list of ndarray
        For each prompt and cell its notes (n, 4): ids of position, pitch, duration and velocity.
        Rows that reach :data:`MAX_EVENTS` end with empty cells.
    """
    device = device or next(model.parameters()).device
    generator = torch.Generator(device=device).manual_seed(seed)
    rows = [_Row(prompt) for prompt in prompts]
    longest = max(row.fed for row in rows)
    cache = Cache(model, len(rows), longest + MAX_EVENTS, device)
    _feed_contexts(model, cache, rows, device)
    sizes = model.config.field_sizes

    def tensor(values: list, kind: torch.dtype = torch.long) -> torch.Tensor:
        return torch.from_numpy(np.asarray(values)).to(device, kind)

    velocities = torch.zeros(len(rows), sizes[3], dtype=torch.bool, device=device)
    for number, row in enumerate(rows):
        velocities[number, 1:] = row.velocity_known
        velocities[number, 0] = not row.velocity_known
    durations = torch.ones(len(rows), sizes[2], dtype=torch.bool, device=device)
    durations[:, 0] = False
    for _ in range(MAX_EVENTS):
        active = [row.active for row in rows]
        if not any(active):
            break
        hidden = advance(
            model,
            cache,
            tensor([row.next_event for row in rows])[:, None],
            tensor([row.prompt.cell_conditions[row.cell] for row in rows])[:, None],
            tensor([row.time for row in rows], torch.float32)[:, None],
            tensor([row.fed for row in rows])[:, None],
            tensor(active, torch.bool)[:, None],
        )[:, 0]
        fields = torch.zeros(len(rows), 3, dtype=torch.long, device=device)
        positions = tensor([row.positions(sizes[0]) for row in rows], torch.bool)
        fields[:, 0] = _draw(model.heads(hidden, fields)[0], positions, generator, min_p)
        at = fields[:, 0].tolist()
        pitches = [row.pitches(place, sizes[1]) for row, place in zip(rows, at, strict=True)]
        allowed = tensor(pitches, torch.bool)
        fields[:, 1] = _draw(model.heads(hidden, fields)[1], allowed, generator, min_p)
        fields[:, 2] = _draw(model.heads(hidden, fields)[2], durations, generator, min_p)
        velocity = _draw(model.heads(hidden, fields)[3], velocities, generator, min_p)
        drawn = torch.cat([fields, velocity[:, None]], dim=1).tolist()
        for row, event in zip(rows, drawn, strict=True):
            if row.active:
                row.take(event)
    return [row.result() for row in rows]
