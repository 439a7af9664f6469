"""Several processes, one run: the environment that ``torchrun`` sets, and what they agree on.

    torchrun --nproc-per-node 2 -m leitmotiv.training.train recipes/composer.toml --pack FILE

Each process draws batches of its own; gradients are joined by PyTorch's DistributedDataParallel,
weighted by events, so that two processes compute what one with both batches would. Process 0
decides when to stop, validates and writes files.

Public names: :class:`World`, :func:`join_world`.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import torch
import torch.distributed as dist

from leitmotiv.training.errors import TrainingError

__all__ = ["World", "join_world"]


@dataclass(frozen=True)
class World:
    """This process among the others: ``rank`` of ``size``."""

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def leads(self) -> bool:
        """Whether this process writes files and decides."""
        return self.rank == 0

    def sum(self, value: float) -> float:
        """The sum of a number over all processes."""
        if self.size == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        return float(total)

    def agree(self, *values: float) -> tuple[float, ...]:
        """What process 0 says."""
        if self.size == 1:
            return values
        shared = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.broadcast(shared, src=0)
        return tuple(shared.tolist())

    def leave(self) -> None:
        """End the group."""
        if self.size > 1 and dist.is_initialized():
            dist.destroy_process_group()


def join_world(device: str) -> World:
    """Join the processes that RANK and WORLD_SIZE name; alone without them.

    ``device`` "cuda" means the GPU of LOCAL_RANK.
    """
    try:
        rank, size = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
        local = int(os.environ.get("LOCAL_RANK", rank))
    except ValueError as error:
        raise TrainingError(
            f"RANK, WORLD_SIZE and LOCAL_RANK must be whole numbers ({error}); start with torchrun"
        ) from error
    try:
        chosen = torch.device(device)
    except RuntimeError as error:
        raise TrainingError(f"device={device!r} is unknown; use cpu or cuda") from error
    if chosen.type == "cuda":
        if not torch.cuda.is_available():
            raise TrainingError(f"device={device!r}: no GPU is at hand; use --device cpu")
        if size > 1:
            chosen = torch.device("cuda", local)
        torch.cuda.set_device(chosen)
        torch.set_float32_matmul_precision("high")
    if size > 1:
        backend = "nccl" if chosen.type == "cuda" else "gloo"
        dist.init_process_group(backend, rank=rank, world_size=size)
    return World(rank, size, chosen)
