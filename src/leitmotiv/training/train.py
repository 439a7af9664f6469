"""Train the score model from a pack: ``python -m leitmotiv.training.train RECIPE --pack FILE``.

Needs PyTorch, NumPy, the pack and a recipe (TOML). Runs on a CPU or a GPU. A run lasts
``minutes`` of wall clock, the one dial that suits both: learning rate and window length follow the
share of the time that has passed. Checkpoints are written whole every two minutes and a stopped
run goes on where it was.

Optimiser: Muon (Jordan et al., 2024) for the backbone's matrices, AdamW for the rest; warm-up, then
cosine. Weights are averaged (EMA) for validation and export.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import os
import sys
import threading
import time
import tomllib
from pathlib import Path
from queue import Queue

import numpy as np
import torch

from leitmotiv.training.model import ModelConfig, ScoreModel
from leitmotiv.training.windows import Pack, Sequence, batch_arrays, draw_sequence

FIELD_SIZES = (195, 257, 113, 9)
CONDITION_SIZES = (20, 3, 20, 9, 33, 7, 3, 99, 99, 99, 8, 17, 7, 130, 18, 4, 9, 3)
CHECKPOINT_VERSION = 1


def load_recipe(path: Path) -> dict:
    """Read a recipe file (TOML with the tables ``model``, ``data`` and ``schedule``)."""
    with open(path, "rb") as file:
        recipe = tomllib.load(file)
    missing = {"model", "data", "schedule"} - recipe.keys()
    if missing:
        raise SystemExit(f"{path}: missing table {sorted(missing)}; see recipes/composer.toml")
    return recipe


class Batches:
    """Endless training batches, drawn in a thread while the model computes."""

    def __init__(self, pack: Pack, recipe: dict, seed: int):
        self.pack, self.data = pack, recipe["data"]
        self.schedule = recipe["schedule"]
        self.indices = pack.indices(0)
        self.cumulative = np.cumsum(pack.weights(self.indices, self.data.get("source_weights", {})))
        self.rng = np.random.default_rng(seed)
        self.progress = 0.0
        self.queue: Queue[dict[str, np.ndarray]] = Queue(maxsize=6)
        threading.Thread(target=self._run, daemon=True).start()

    def _bars(self) -> int:
        """Curriculum: windows grow from 8 to 16 bars (or more) as the run goes on."""
        stages = self.schedule["curriculum_bars"]
        return int(stages[min(int(self.progress * len(stages)), len(stages) - 1)])

    def _run(self) -> None:
        while True:
            pool: list[Sequence] = []
            budget = self.data["budget"]
            while sum(map(len, pool)) < 8 * self.data["batch_events"]:
                drawn = np.searchsorted(self.cumulative, self.rng.random() * self.cumulative[-1])
                piece = int(self.indices[min(int(drawn), len(self.indices) - 1)])
                sequence = draw_sequence(
                    self.pack,
                    piece,
                    self.rng,
                    max_bars=self._bars(),
                    max_parts=self.data["max_parts"],
                    budget=budget,
                )
                if 8 <= len(sequence) <= budget + 64:
                    pool.append(sequence)
            pool.sort(key=len)  # alike lengths share a batch, so little is padding
            batches: list[list[Sequence]] = []
            batch: list[Sequence] = []
            for sequence in pool:
                if batch and (len(batch) + 1) * len(sequence) > self.data["batch_events"]:
                    batches.append(batch)
                    batch = []
                batch.append(sequence)
            for chosen in self.rng.permutation(len(batches)):
                self.queue.put(batch_arrays(batches[chosen]))


def validation_batches(pack: Pack, recipe: dict, split: int = 1, num: int = 160) -> list[dict]:
    """A fixed set of batches of held-out pieces: same windows, masks and conditions every time."""
    rng = np.random.default_rng(20_240_601)
    indices = pack.indices(split)
    weight = pack.weights(indices, recipe["data"].get("source_weights", {}))
    pieces = rng.choice(indices, size=num, p=weight)
    sequences = [
        draw_sequence(
            pack,
            int(piece),
            rng,
            max_bars=16,
            max_parts=recipe["data"]["max_parts"],
            budget=recipe["data"]["budget"],
        )
        for piece in pieces
    ]
    sequences = sorted((s for s in sequences if len(s) >= 8), key=len)
    return [batch_arrays(sequences[i : i + 8]) for i in range(0, len(sequences), 8)]


def to_device(batch: dict[str, np.ndarray], device: torch.device) -> dict[str, torch.Tensor]:
    """Move a batch of arrays to the device."""
    return {name: torch.from_numpy(array).to(device) for name, array in batch.items()}


@torch.no_grad()
def evaluate(model: ScoreModel, batches: list[dict], device: torch.device) -> dict[str, float]:
    """Bits a note (all fields but velocity, ends of cells included) and nats per field."""
    model.eval()
    totals: dict[str, float] = {}
    for batch in batches:
        _, report = model.losses(to_device(batch, device))
        for name, value in report.items():
            totals[name] = totals.get(name, 0.0) + float(value)
    model.train()
    notes = max(totals["pitch_count"], 1.0)
    result = {
        name: totals[name] / max(totals[f"{name}_count"], 1.0)
        for name in ("position", "pitch", "duration", "velocity")
    }
    nats = totals["position"] + totals["pitch"] + totals["duration"]
    return {"bits_per_note": nats / notes / math.log(2), **result}


def make_optimizers(model: ScoreModel, schedule: dict) -> list[torch.optim.Optimizer]:
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


def save_checkpoint(path: Path, state: dict) -> None:
    """Write a checkpoint whole or not at all."""
    temporary = path.with_name(path.name + ".part")
    torch.save(state, temporary)
    os.replace(temporary, path)


class Run:
    """One training run: its state, its folder, its log."""

    def __init__(self, recipe: dict, pack: Pack, folder: Path, device: torch.device, seed: int):
        self.recipe, self.pack, self.folder, self.device = recipe, pack, folder, device
        torch.manual_seed(seed)
        self.config = ModelConfig(FIELD_SIZES, CONDITION_SIZES, **recipe["model"])
        self.model = ScoreModel(self.config).to(device)
        self.average = ScoreModel(self.config).to(device)
        self.average.load_state_dict(self.model.state_dict())
        self.optimizers = make_optimizers(self.model, recipe["schedule"])
        self.step, self.seconds, self.events, self.best = 0, 0.0, 0, math.inf
        self.seed = seed

    def resume(self) -> None:
        """Load ``last.pt`` where a run of the same recipe left one."""
        path = self.folder / "last.pt"
        if not path.exists():
            return
        state = torch.load(path, map_location=self.device, weights_only=True)
        if state["version"] != CHECKPOINT_VERSION or state["config"] != self.config.to_dict():
            raise SystemExit(f"{path} is of another version or size; choose another --out folder")
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        for name in ("step", "seconds", "events", "best"):
            setattr(self, name, state[name])
        print(f"resumed at step {self.step}, {self.seconds / 60:.1f} min", flush=True)

    def save(self, name: str = "last.pt", **extra: object) -> None:
        """Write a checkpoint."""
        save_checkpoint(
            self.folder / name,
            {
                "version": CHECKPOINT_VERSION,
                "config": self.config.to_dict(),
                "model": self.model.state_dict(),
                "average": self.average.state_dict(),
                "optimizers": [o.state_dict() for o in self.optimizers],
                "step": self.step,
                "seconds": self.seconds,
                "events": self.events,
                "best": self.best,
                "recipe": self.recipe,
                "data": self.pack.header,
                **extra,
            },
        )

    def learning_rate(self, progress: float) -> float:
        """Linear warm-up over ``warmup_steps``, then cosine to a twentieth."""
        schedule = self.recipe["schedule"]
        warm = min((self.step + 1) / schedule["warmup_steps"], 1.0)
        cosine = 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(progress, 1.0)))
        return schedule["learning_rate"] * warm * cosine

    def train_step(self, batch: dict[str, torch.Tensor], rate: float) -> float:
        """One update of the weights; returns the loss."""
        schedule = self.recipe["schedule"]
        with torch.autocast(
            self.device.type, dtype=torch.bfloat16, enabled=schedule.get("mixed_precision", False)
        ):
            loss, _ = self.model.losses(batch, schedule["label_smoothing"])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), schedule["clip"])
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        decay = min(schedule["ema"], (self.step + 1) / (self.step + 10))
        with torch.no_grad():
            for kept, new in zip(self.average.parameters(), self.model.parameters(), strict=True):
                kept.lerp_(new, 1 - decay)
        self.step += 1
        self.events += int((batch["events"][..., 0] > 0).sum())
        return float(loss.detach())

    def fit(
        self,
        minutes: float,
        report_every: float = 20.0,
        save_every: float = 110.0,
        validate_every: float = 480.0,
    ) -> None:
        """Train until ``minutes`` of wall clock have been spent, over all resumed sessions."""
        batches = Batches(self.pack, self.recipe, self.seed + self.step)
        held_out = validation_batches(self.pack, self.recipe)
        last_report = last_save = last_valid = time.monotonic()
        losses: list[float] = []
        started = time.monotonic() - self.seconds
        events_before = self.events
        while self.seconds < minutes * 60:
            batches.progress = self.seconds / (minutes * 60)
            batch = to_device(batches.queue.get(), self.device)
            losses.append(self.train_step(batch, self.learning_rate(batches.progress)))
            now = time.monotonic()
            self.seconds = now - started
            if now - last_report > report_every:
                rate = (self.events - events_before) / (now - last_report)
                print(
                    f"{self.seconds / 60:6.1f}/{minutes:g} min  step {self.step}  "
                    f"loss {np.mean(losses):.4f}  {rate:,.0f} events/s",
                    flush=True,
                )
                self._log("train", loss=float(np.mean(losses)))
                losses, last_report, events_before = [], now, self.events
            if now - last_save > save_every:
                self.save()
                last_save = time.monotonic()
            if now - last_valid > validate_every:
                self._validate(held_out)
                last_valid = time.monotonic()
        self._validate(held_out)
        self.save()

    def _validate(self, held_out: list[dict]) -> None:
        scores = evaluate(self.average, held_out, self.device)
        print("   valid  " + "  ".join(f"{k} {v:.4f}" for k, v in scores.items()), flush=True)
        self._log("valid", loss=scores["bits_per_note"])
        if scores["bits_per_note"] < self.best:
            self.best = scores["bits_per_note"]
            self.save("best.pt", scores=scores)

    def _log(self, kind: str, **values: float) -> None:
        with open(self.folder / "log.csv", "a", newline="", encoding="utf-8") as file:
            csv.writer(file).writerow(
                [kind, self.step, f"{self.seconds:.1f}", self.events]
                + [f"{value:.5f}" for value in values.values()]
            )


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Train the score model.")
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=Path("runs/composer"))
    parser.add_argument("--minutes", type=float, help="wall clock; overrides the recipe")
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options = parser.parse_args(arguments)
    if options.threads:
        torch.set_num_threads(options.threads)
    recipe = load_recipe(options.recipe)
    pack = Pack(options.pack)
    options.out.mkdir(parents=True, exist_ok=True)
    run = Run(recipe, pack, options.out, torch.device(options.device), options.seed)
    run.resume()
    size = sum(p.numel() for p in run.model.parameters())
    print(f"{size:,} parameters; {json.dumps(pack.header['licences'])}", flush=True)
    run.fit(options.minutes or recipe["schedule"]["minutes"])


if __name__ == "__main__":
    main(sys.argv[1:])
