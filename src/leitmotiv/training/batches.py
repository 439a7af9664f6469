"""Batches: training windows drawn in a thread while the model computes; fixed ones for validation.

Public names: :class:`Supply`, :class:`Batches`, :func:`validation_batches`, :func:`to_device`,
:func:`count_events`, :func:`load_pack`, :func:`with_held_out_pieces`.
"""

from __future__ import annotations

import threading
import zipfile
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Full, Queue

import numpy as np
import torch

from leitmotiv.training.augmentation import Augmentation
from leitmotiv.training.errors import TrainingError
from leitmotiv.training.recipes import Recipe, stage
from leitmotiv.training.windows import Pack, Sequence, batch_arrays, draw_sequence

__all__ = [
    "Batches",
    "Supply",
    "count_events",
    "load_pack",
    "to_device",
    "validation_batches",
    "with_held_out_pieces",
]

Arrays = dict[str, np.ndarray]

POOL_BATCHES = 8  # windows of so many batches are sorted by length together
SHORTEST = 8  # events; shorter windows teach nothing
LONGER_BY = 64  # events beyond the budget that a window may have
MAX_TRIES = 1_000


def load_pack(path: Path) -> Pack:
    """Read a pack; a missing or foreign file is refused in one line."""
    try:
        pack = Pack(path)
    except FileNotFoundError as error:
        raise TrainingError(
            f"pack={str(path)!r} does not exist; make it with: leitmotiv corpus pack"
        ) from error
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise TrainingError(
            f"pack={str(path)!r} is no pack, or a damaged one; make it with: leitmotiv corpus pack"
        ) from error
    if not len(pack.indices(0)):
        raise TrainingError(f"pack={str(path)!r} has no pieces to train on; pack more pieces")
    return pack


def with_held_out_pieces(pack: Pack) -> Pack:
    """Set one piece in ten aside for validation where the pack has none, in place.

    Under five pieces nothing is set aside.
    """
    train = pack.indices(0)
    if not len(pack.indices(1)) and len(train) >= 5:
        pack.arrays["piece_split"] = pack.arrays["piece_split"].copy()
        pack.arrays["piece_split"][train[4::10]] = 1
    return pack


def _weights(pack: Pack, indices: np.ndarray, data: Recipe) -> np.ndarray:
    shares = data.get("genre_shares") or None
    known = pack.header.get("genres", [])
    if shares and (unknown := [name for name in shares if name not in known]):
        raise TrainingError(
            f"data.genre_shares names {unknown[0]!r}, which the pack does not know; it knows "
            f"{', '.join(known) or 'no genres: pack it anew'}"
        )
    return pack.weights(indices, data.get("source_weights", {}), shares)


@dataclass(frozen=True, eq=False)
class Supply:
    """Pieces of a pack to draw from: their indices, cumulative weights, augmentation."""

    pack: Pack
    indices: np.ndarray
    cumulative: np.ndarray
    augmentation: Augmentation | None

    @classmethod
    def of(cls, pack: Pack, recipe: Recipe, split: int = 0) -> Supply:
        """The pieces of a split with the recipe's weights and augmentation."""
        indices = pack.indices(split)
        data, table = recipe["data"], recipe.get("augmentation", {})
        weights = _weights(pack, indices, data)
        change = Augmentation.from_recipe(table, pack) if any(table.values()) else None
        return cls(pack, indices, np.cumsum(weights), change)

    def draw(self, rng: np.random.Generator, bars: int, budget: int, max_parts: int) -> Sequence:
        """Draw one window."""
        place = np.searchsorted(self.cumulative, rng.random() * self.cumulative[-1])
        return draw_sequence(
            self.pack,
            int(self.indices[min(int(place), len(self.indices) - 1)]),
            rng,
            max_bars=bars,
            max_parts=max_parts,
            budget=budget,
            augmentation=self.augmentation,
        )


class Batches:
    """Endless training batches, drawn in a thread.

    Set ``progress`` (0 to 1) as the run goes on: the curriculum follows it. Of each pool a share
    of ``rehearsal`` comes from the second supply where there is one.
    """

    def __init__(self, supplies: list[Supply], recipe: Recipe, seed: int):
        self.supplies, self.recipe = supplies, recipe
        self.rehearsal = recipe["data"].get("rehearsal", 0.0) if len(supplies) > 1 else 0.0
        self.rng = np.random.default_rng(seed)
        self.progress = 0.0
        self._queue: Queue[Arrays | Exception] = Queue(maxsize=6)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def take(self) -> Arrays:
        """The next batch; a fault in the drawing thread is raised here."""
        item = self._queue.get()
        if isinstance(item, Exception):
            raise item
        return item

    def close(self) -> None:
        """Stop drawing."""
        self._closed.set()
        while self._thread.is_alive():
            try:
                self._queue.get(timeout=0.05)
            except Empty:
                continue

    def pool(self) -> list[list[Sequence]]:
        """Windows of several batches, alike lengths together so that little is padding."""
        data = self.recipe["data"]
        bars, budget = stage(self.recipe, self.progress)
        wanted = POOL_BATCHES * data["batch_events"]
        pool: list[Sequence] = []
        total, refused = 0, 0
        while total < wanted:
            supply = self.supplies[int(self.rng.random() < self.rehearsal)]
            sequence = supply.draw(self.rng, bars, budget, data["max_parts"])
            if SHORTEST <= len(sequence) <= budget + LONGER_BY:
                pool.append(sequence)
                total += len(sequence)
            else:
                refused += 1
                if refused > MAX_TRIES and refused > 100 * len(pool):
                    raise TrainingError(
                        f"hardly any window of the pack has {SHORTEST} to {budget + LONGER_BY} "
                        "events; raise data.budget or pack longer pieces"
                    )
        pool.sort(key=len)
        batches: list[list[Sequence]] = []
        batch: list[Sequence] = []
        for sequence in pool:
            if batch and (len(batch) + 1) * len(sequence) > data["batch_events"]:
                batches.append(batch)
                batch = []
            batch.append(sequence)
        return batches or [batch]

    def _run(self) -> None:
        try:
            while not self._closed.is_set():
                batches = self.pool()
                for chosen in self.rng.permutation(len(batches)):
                    self._put(batch_arrays(batches[chosen]))
        except Exception as error:  # raised again by take()
            self._put(error)

    def _put(self, item: Arrays | Exception) -> None:
        while not self._closed.is_set():
            try:
                self._queue.put(item, timeout=0.1)
                return
            except Full:
                continue


def validation_batches(pack: Pack, recipe: Recipe, split: int = 1) -> list[Arrays]:
    """A fixed set of batches of held-out pieces: same windows, masks and conditions every time.

    Empty where the split is.
    """
    rng = np.random.default_rng(20_240_601)
    indices = pack.indices(split)
    if not len(indices):
        return []
    data = recipe["data"]
    weight = _weights(pack, indices, data)
    pieces = rng.choice(indices, size=data.get("held_out_windows", 160), p=weight)
    sequences = [
        draw_sequence(
            pack,
            int(piece),
            rng,
            max_bars=16,
            max_parts=data["max_parts"],
            budget=data["budget"],
        )
        for piece in pieces
    ]
    sequences = sorted((s for s in sequences if len(s) >= SHORTEST), key=len)
    return [batch_arrays(sequences[i : i + 8]) for i in range(0, len(sequences), 8)]


def to_device(batch: Arrays, device: torch.device) -> dict[str, torch.Tensor]:
    """Move a batch of arrays to the device."""
    return {
        name: torch.from_numpy(array).to(device, non_blocking=True) for name, array in batch.items()
    }


def count_events(batch: Arrays | dict[str, torch.Tensor]) -> int:
    """Events that a batch holds, padding left out."""
    return int((batch["events"][..., 0] > 0).sum())
