"""One update of the weights: optimisers, learning rate, mixed precision, accumulation, averaging.

Muon (Jordan et al., 2024) for the backbone's matrices, AdamW for the rest; warm-up, then cosine.
Losses are means over events, so batches and processes are weighted by the events they hold: any
split of the same events gives the same update.

Public names: :class:`Updater`, :func:`make_optimizers`, :func:`learning_rate`,
:func:`uses_mixed_precision`.
"""

from __future__ import annotations

import contextlib
import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from leitmotiv.training.batches import count_events
from leitmotiv.training.distributed import World
from leitmotiv.training.model import ScoreModel

__all__ = ["Updater", "learning_rate", "make_optimizers", "uses_mixed_precision"]


def make_optimizers(model: ScoreModel, schedule: dict[str, Any]) -> list[torch.optim.Optimizer]:
    """Muon for the backbone's matrices, AdamW for embeddings, heads and gains."""
    matrices = [p for n, p in model.named_parameters() if n.startswith("blocks") and p.ndim == 2]
    chosen = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in chosen]
    decay, gains = [p for p in others if p.ndim == 2], [p for p in others if p.ndim < 2]
    return [
        torch.optim.Muon(
            matrices,
            lr=schedule["learning_rate"],
            weight_decay=schedule["weight_decay"],
            adjust_lr_fn="match_rms_adamw",
        ),
        torch.optim.AdamW(
            [
                {"params": decay, "weight_decay": schedule["weight_decay"]},
                {"params": gains, "weight_decay": 0.0},
            ],
            lr=schedule["learning_rate"],
            betas=(0.9, 0.98),
        ),
    ]


def learning_rate(schedule: dict[str, Any], step: int, progress: float) -> float:
    """Linear warm-up over ``warmup_steps``, then cosine to a twentieth.

    Examples
    --------
    >>> schedule = {"learning_rate": 1.0, "warmup_steps": 4}
    >>> [round(learning_rate(schedule, *x), 3) for x in ((0, 0.0), (3, 0.0), (9, 0.5), (9, 1.0))]
    [0.25, 1.0, 0.525, 0.05]
    """
    warm = min((step + 1) / schedule["warmup_steps"], 1.0)
    cosine = 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
    return float(schedule["learning_rate"] * warm * cosine)


def uses_mixed_precision(schedule: dict[str, Any], device: torch.device) -> bool:
    """Whether to compute in bfloat16: true asks for it everywhere, "gpu" on a GPU alone."""
    asked = schedule.get("mixed_precision", False)
    return device.type != "cpu" if asked == "gpu" else bool(asked)


class _Learner(nn.Module):
    """The model's loss as a forward pass, which is what DistributedDataParallel wraps."""

    def __init__(self, model: ScoreModel):
        super().__init__()
        self.model = model

    def forward(self, batch: dict[str, Tensor], smoothing: float) -> Tensor:
        loss, _ = self.model.losses(batch, smoothing)
        # A batch may hold no velocity that is known: its head still takes part, with nothing.
        idle = sum(p.sum() for p in self.model.heads.parameters())
        return loss + 0.0 * idle


class Updater:
    """Updates a model from batches, and its average with it.

    ``anchor`` holds the base's parameters in fine-tuning: each update pulls the weights back
    towards them by learning rate × ``schedule.anchor`` (L2-SP of Li, Grandvalet and Davoine,
    2018, decoupled from the gradient as weight decay is in AdamW).
    """

    def __init__(
        self,
        model: ScoreModel,
        average: ScoreModel,
        schedule: dict[str, Any],
        world: World,
        *,
        anchor: list[Tensor] | None = None,
    ):
        self.model, self.average, self.schedule, self.world = model, average, schedule, world
        self.optimizers = make_optimizers(model, schedule)
        self.anchor = anchor
        self.mixed = uses_mixed_precision(schedule, world.device)
        self.joined: nn.Module | None = None
        if world.size > 1:
            self.joined = DistributedDataParallel(
                _Learner(model),
                device_ids=[world.device.index] if world.device.type == "cuda" else None,
                gradient_as_bucket_view=True,
            )

    def step(self, batches: list[dict[str, Tensor]], rate: float, step: int) -> tuple[Tensor, int]:
        """One update; returns the mean loss over all events of all processes, and their number."""
        counts = [count_events(batch) for batch in batches]
        total = self.world.sum(sum(counts))
        summed = torch.zeros((), device=self.world.device)
        for number, (batch, count) in enumerate(zip(batches, counts, strict=True)):
            summed += self._backward(batch, count, total, last=number == len(batches) - 1)
        nn.utils.clip_grad_norm_(self.model.parameters(), self.schedule["clip"])
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            self._pull_back(rate)
            decay = min(self.schedule["ema"], (step + 1) / (step + 10))
            for kept, new in zip(self.average.parameters(), self.model.parameters(), strict=True):
                kept.lerp_(new, 1 - decay)
        if self.world.size > 1:
            summed = torch.tensor(self.world.sum(float(summed)))
        return summed / total, int(total)

    def _backward(
        self, batch: dict[str, Tensor], count: int, total: float, *, last: bool
    ) -> Tensor:
        smoothing = self.schedule["label_smoothing"]
        waits = (
            self.joined.no_sync()
            if isinstance(self.joined, DistributedDataParallel) and not last
            else contextlib.nullcontext()
        )
        with waits:
            with torch.autocast(self.world.device.type, dtype=torch.bfloat16, enabled=self.mixed):
                if self.joined is not None:
                    loss = self.joined(batch, smoothing)
                else:
                    loss, _ = self.model.losses(batch, smoothing)
            # Processes average their gradients, hence their number.
            (loss * (count * self.world.size / total)).backward()
        return loss.detach() * count

    def _pull_back(self, rate: float) -> None:
        if self.anchor is None or not self.schedule["anchor"]:
            return
        pull = min(rate * self.schedule["anchor"], 1.0)
        for parameter, base in zip(self.model.parameters(), self.anchor, strict=True):
            parameter.lerp_(base, pull)
