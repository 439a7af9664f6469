"""Train and score frame models: `fit` returns averaged weights, `cell_log_probs` scores pieces.

Pieces are the feature dictionaries of `frame_features`. The schedule runs on the processor time of
this process, so that a busy machine changes how long a run takes but not what comes out of it.

Against learning pieces by heart: each time a piece comes up it is transposed by a random number
of semitones and, with probability ``crop``, begins at a random beat, as if nothing had gone before,
so that its anchor and its past are others. Pieces of another collection may be mixed in; their
share of the batches falls to nothing at ``extra_until``.

Optimiser: Muon (Jordan et al., 2024) for the matrices of backbone and heads, AdamW for the rest;
warm-up, then cosine. Weights are averaged (EMA); the average with the best score on the held-out
pieces is kept.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from leitmotiv.training.frame_features import collate, frame_features
from leitmotiv.training.frame_model import TRANSPOSE_MARGIN, FrameModel

__all__ = ["FitResult", "FrameSchedule", "cell_log_probs", "fit", "moving_cells"]

Piece = dict[str, NDArray]


@dataclass(frozen=True)
class FrameSchedule:
    """How to train.

    ``minutes`` of processor time, or ``max_updates`` of the weights where that is above 0;
    ``batch_steps`` steps of music in a batch, padding included.
    """

    minutes: float = 30.0
    max_updates: int = 0
    learning_rate: float = 2.5e-3
    weight_decay: float = 0.05
    warmup_steps: int = 60
    batch_steps: int = 4096
    clip: float = 1.0
    ema: float = 0.995
    max_shift: int = TRANSPOSE_MARGIN
    crop: float = 0.5
    crops: int = 5
    extra_share: float = 0.75
    extra_until: float = 0.6
    mixed_precision: bool = True

    def __post_init__(self) -> None:
        if not 0 <= self.max_shift <= TRANSPOSE_MARGIN:
            raise ValueError(
                f"max_shift={self.max_shift} must be between 0 and {TRANSPOSE_MARGIN} semitones"
            )


@dataclass(frozen=True)
class FitResult:
    """The best averaged model, its nats a cell on the held-out pieces and how long it took."""

    model: FrameModel
    held_out_nats: float
    steps: int
    epochs: int
    cpu_minutes: float
    wall_minutes: float


def make_batches(
    pieces: Sequence[Piece], batch_steps: int, rng: np.random.Generator
) -> list[list[int]]:
    """Group piece indices of about the same length, at most ``batch_steps`` with padding."""
    lengths = [len(piece["frames"]) for piece in pieces]
    order = np.argsort(np.array(lengths) + rng.uniform(-30, 30, len(pieces)))
    batches: list[list[int]] = []
    batch: list[int] = []
    longest = 0
    for index in order:
        longest = max(longest, lengths[index])
        if batch and (len(batch) + 1) * longest > batch_steps:
            batches.append(batch)
            batch, longest = [], lengths[index]
        batch.append(int(index))
    if batch:
        batches.append(batch)
    return [batches[chosen] for chosen in rng.permutation(len(batches))]


def make_crops(pieces: Sequence[Piece], count: int, rng: np.random.Generator) -> list[list[Piece]]:
    """For each piece ``count`` copies that begin at a random beat of its first three fifths."""
    return [
        [
            frame_features(
                piece["frames"], 4 * int(rng.integers(1, max(2, int(len(piece["frames"]) * 0.15))))
            )
            for _ in range(count)
        ]
        for piece in pieces
    ]


class Draw:
    """Endless epochs of collated batches from the pieces, their crops and the extra pieces."""

    def __init__(
        self,
        pieces: Sequence[Piece],
        extra: Sequence[Piece],
        schedule: FrameSchedule,
        rng: np.random.Generator,
    ):
        self.pieces, self.extra, self.schedule, self.rng = pieces, extra, schedule, rng
        self.crops = make_crops(pieces, schedule.crops, rng) if schedule.crop > 0 else []
        self.waiting: list[list[int]] = []  # batches of the extra pieces not yet used

    def epoch(self, progress: float) -> Iterator[tuple[bool, dict[str, Tensor]]]:
        """Every piece once, in random order; yields whether a batch is extra, and the batch."""
        size = self.schedule.batch_steps
        plan = [(False, batch) for batch in make_batches(self.pieces, size, self.rng)]
        share = self.schedule.extra_share * max(0.0, 1 - progress / self.schedule.extra_until)
        if self.extra:
            for _ in range(round(len(plan) * share / (1 - share))):
                self.waiting = self.waiting or make_batches(self.extra, size, self.rng)
                plan.append((True, self.waiting.pop()))
        for chosen in self.rng.permutation(len(plan)):
            is_extra, batch = plan[chosen]
            if is_extra:
                drawn = [self.extra[index] for index in batch]
            else:
                drawn = [self._version(index) for index in batch]
            top = self.schedule.max_shift
            shifts = self.rng.integers(-top, top + 1, len(batch))
            yield is_extra, collate(drawn, [int(shift) for shift in shifts])

    def _version(self, index: int) -> Piece:
        if self.crops and self.rng.random() < self.schedule.crop:
            return self.crops[index][self.rng.integers(self.schedule.crops)]
        return self.pieces[index]


def make_optimizers(model: nn.Module, schedule: FrameSchedule) -> list[torch.optim.Optimizer]:
    """Muon for matrices that act on hidden states, AdamW for tables, read-outs and gains."""
    inside = ("qkv", "out.", "gate_up", "down", "mix", "deepen", "outs.")
    matrices = [
        p for n, p in model.named_parameters() if p.ndim == 2 and any(part in n for part in inside)
    ]
    chosen = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in chosen]
    groups = [
        {"params": [p for p in others if p.ndim == 2], "weight_decay": schedule.weight_decay},
        {"params": [p for p in others if p.ndim < 2], "weight_decay": 0.0},
    ]
    return [
        torch.optim.Muon(
            matrices,
            lr=schedule.learning_rate,
            weight_decay=schedule.weight_decay,
            adjust_lr_fn="match_rms_adamw",
        ),
        torch.optim.AdamW(groups, lr=schedule.learning_rate, betas=(0.9, 0.98)),
    ]


def fit(
    model: FrameModel,
    pieces: Sequence[Piece],
    held_out: Sequence[Piece],
    schedule: FrameSchedule,
    *,
    seed: int,
    extra: Sequence[Piece] = (),
    report: Callable[[str], None] = print,
) -> FitResult:
    """Train ``model`` in place; the averaged copy that scores best on ``held_out`` is returned."""
    rng = np.random.default_rng(seed)
    torch.manual_seed(seed)
    average = copy.deepcopy(model)
    best, best_nats = copy.deepcopy(model), math.inf
    optimizers = make_optimizers(model, schedule)
    draw = Draw(pieces, extra, schedule, rng)
    cpu_start, wall_start = time.process_time(), time.monotonic()
    step = epoch = 0
    progress = next_look = 0.0
    while progress < 1.0:
        losses: list[float] = []
        for is_extra, inputs in draw.epoch(progress):
            if schedule.max_updates:
                progress = step / schedule.max_updates
            else:
                progress = (time.process_time() - cpu_start) / (60 * schedule.minutes)
            if progress >= 1.0 and step:
                break
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=schedule.mixed_precision):
                loss = -model.log_probs(inputs).mean()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), schedule.clip)
            cosine = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
            warm = min((step + 1) / schedule.warmup_steps, 1.0)
            for optimizer in optimizers:
                for group in optimizer.param_groups:
                    group["lr"] = schedule.learning_rate * warm * cosine
                optimizer.step()
                optimizer.zero_grad(set_to_none=True)
            decay = min(schedule.ema, (step + 1) / (step + 10))
            with torch.no_grad():
                for kept, new in zip(average.parameters(), model.parameters(), strict=True):
                    kept.lerp_(new, 1 - decay)
            if not is_extra:
                losses.append(float(loss.detach()))
            step += 1
        epoch += 1
        if progress >= next_look or progress >= 1.0:
            next_look += 0.05
            nats = -float(cell_log_probs([average], held_out).mean())
            if nats < best_nats:
                best_nats = nats
                best.load_state_dict(average.state_dict())
            trained = f"{np.mean(losses):.4f}" if losses else "-"
            report(
                f"{100 * min(progress, 1.0):5.1f} %  epoch {epoch}  step {step}  "
                f"train {trained}  held out {nats:.4f}"
            )
    return FitResult(
        model=best,
        held_out_nats=best_nats,
        steps=step,
        epochs=epoch,
        cpu_minutes=(time.process_time() - cpu_start) / 60,
        wall_minutes=(time.monotonic() - wall_start) / 60,
    )


@torch.no_grad()
def cell_log_probs(
    models: Sequence[FrameModel], pieces: Sequence[Piece], shifts: Sequence[int] = (0,)
) -> NDArray[np.float64]:
    """Natural-log probability of every cell (N, V), pieces one after another.

    Several models and transposed copies (``shifts``, semitones) are mixed by the plain mean of
    their probabilities of the cell, which is itself a distribution over the cell's symbols.
    """
    if not models or not shifts:
        raise ValueError("models and shifts must each hold at least one item")
    was_training = [model.training for model in models]
    for model in models:
        model.eval()
    scored = []
    for start in range(0, len(pieces), 16):
        some = list(pieces[start : start + 16])
        members: list[Tensor] = []
        for shift in shifts:
            batch = collate(some, [shift] * len(some))
            members += [model.log_probs(batch).double() for model in models]
        mixed = torch.logsumexp(torch.stack(members), dim=0) - math.log(len(members))
        scored.append(mixed.numpy())
    for model, training in zip(models, was_training, strict=True):
        model.train(training)
    return np.concatenate(scored)


def moving_cells(pieces: Sequence[Piece]) -> NDArray[np.bool_]:
    """Which cells (N, V) differ from the step before; the first step of a piece counts."""
    return np.concatenate([piece["frames"] != piece["pitch"] for piece in pieces])
