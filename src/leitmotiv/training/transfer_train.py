"""Train timbre transfer: ``python -m leitmotiv.training.transfer_train RECIPE --pack FILE``.

Three stages, each a checkpoint in the run's folder that a stopped run resumes from:

1. ``base``: pairs alone; the mean absolute difference of levels to the paired target.
2. ``adversarial``: from the base, with the adversary and the match of its inner features.
3. ``plain``: from the base, as many steps as stage 2 on the same batches, without the adversary.
   This is the ablation; nothing else differs.

Needs PyTorch, NumPy, a pack of :mod:`leitmotiv.instruments.timbre_pairs` and a recipe.

Public names: :func:`train`, :func:`load_pack`, :class:`Pairs`, :func:`main`.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from leitmotiv.training.errors import TrainingError
from leitmotiv.training.transfer_model import (
    LOWEST_DB,
    Adversary,
    Generator,
    scale_levels,
    to_db,
)

__all__ = ["STAGES", "Pairs", "load_pack", "main", "train"]

STAGES = ("base", "adversarial", "plain")
VERSION = 1


def load_pack(path: Path) -> dict[str, Any]:
    """Read a pack of renderings.

    Raises
    ------
    TrainingError
        If it is missing or is no such pack.
    """
    try:
        with np.load(path) as file:
            pack = {name: file[name] for name in file.files}
        pack["description"] = json.loads(str(pack["description"]))
        pack["classes"] = [str(name) for name in pack["classes"]]
        if pack["levels"].ndim != 3 or len(pack["levels"]) != len(pack["label"]):
            raise KeyError("levels")
    except (OSError, ValueError, KeyError) as error:
        raise TrainingError(
            f"pack={str(path)!r} is no pack of timbre pairs ({error}); build one with "
            "python -m leitmotiv.instruments.timbre_pairs"
        ) from error
    return pack


class Pairs:
    """Draws batches: a source, its class-mates' rendering of the same phrase, a crop of both."""

    def __init__(self, pack: dict[str, Any], frames: int, augmentation: dict[str, float]) -> None:
        self.levels: NDArray[np.uint8] = pack["levels"]
        self.floor_db = float(pack["description"]["floor_db"])
        self.label = pack["label"]
        self.frames = frames
        self.augmentation = augmentation
        phrase = pack["phrase"]
        self.groups = [np.flatnonzero(phrase == number) for number in np.unique(phrase)]
        if frames > self.levels.shape[2]:
            raise TrainingError(f"frames={frames} must be at most {self.levels.shape[2]}")

    def _db(self, index: NDArray[np.int64], start: NDArray[np.int64]) -> NDArray[np.float32]:
        crops = [self.levels[i, :, s : s + self.frames] for i, s in zip(index, start, strict=True)]
        result: NDArray[np.float32] = np.stack(crops).astype(np.float32)
        return result / np.float32(2) + np.float32(self.floor_db)

    def batch(
        self, size: int, rng: np.random.Generator, *, augment: bool = True
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return scaled sources (B, N, T), scaled targets (B, N, T) and classes (B,)."""
        source, target = np.zeros(size, np.int64), np.zeros(size, np.int64)
        for row in range(size):
            group = self.groups[int(rng.integers(len(self.groups)))]
            source[row] = rng.choice(group)
            target[row] = rng.choice(group[self.label[group] >= 0])
        start = rng.integers(0, self.levels.shape[2] - self.frames + 1, size)
        heard = self._db(source, start)
        if augment:
            heard = self._recorded_elsewhere(heard, rng)
        label = torch.from_numpy(self.label[target].astype(np.int64))
        wanted = scale_levels(torch.from_numpy(self._db(target, start)))
        return scale_levels(torch.from_numpy(heard)), wanted, label

    def _recorded_elsewhere(
        self, levels_db: NDArray[np.float32], rng: np.random.Generator
    ) -> NDArray[np.float32]:
        """Another level, tilt, room colour and noise floor, as recordings differ."""
        size, bands, _ = levels_db.shape
        place = np.linspace(-1, 1, bands)
        change: NDArray[Any] = rng.normal(0, self.augmentation["level_db"], (size, 1))
        change = change + rng.normal(0, self.augmentation["tilt_db"], (size, 1)) * place
        for _ in range(2):
            centre, width = rng.uniform(-1, 1, (size, 1)), rng.uniform(0.05, 0.4, (size, 1))
            bump = np.exp(-0.5 * np.square((place - centre) / width))
            change = change + rng.normal(0, self.augmentation["bump_db"], (size, 1)) * bump
        noise_db = rng.uniform(-110.0, self.augmentation["noise_db"], (size, 1, 1))
        changed = 10 ** ((levels_db + change[:, :, None]) / 10) + 10 ** (noise_db / 10)
        result: NDArray[np.float32] = (10 * np.log10(changed)).astype(np.float32)
        return result


class _Average:
    """Exponential moving average of a network's weights."""

    def __init__(self, model: torch.nn.Module, decay: float) -> None:
        self.decay, self.steps = decay, 0
        self.weights = {k: v.detach().clone() for k, v in model.state_dict().items()}

    def update(self, model: torch.nn.Module) -> None:
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for name, value in model.state_dict().items():
            self.weights[name].lerp_(value, 1 - decay)


def _save(path: Path, state: dict[str, Any]) -> None:
    part = path.with_name(path.name + ".part")
    torch.save(state, part)
    os.replace(part, path)


def build_generator(recipe: dict[str, Any], bands: int, classes: int) -> Generator:
    """The generator of a recipe's ``[model]``."""
    model = recipe["model"]
    return Generator(
        bands, classes, model["width"], tuple(model["dilations"]), model["conditioning"]
    )


@torch.no_grad()
def evaluate(
    generator: Generator, pairs: Pairs, batches: int, size: int, seed: int = 7
) -> dict[str, float]:
    """Distance to the paired target and how much of its movement is kept, on fixed batches."""
    rng = np.random.default_rng(seed)
    totals: dict[str, list[float]] = {"distance_db": [], "movement": [], "grain": []}
    for _ in range(batches):
        source, wanted, label = pairs.batch(size, rng)
        answer = generator(source, label).clamp(min=float(scale_levels(torch.tensor(LOWEST_DB))))
        totals["distance_db"].append(float((to_db(answer) - to_db(wanted)).abs().mean()))
        # Frame-to-frame and band-to-band differences: a blurred answer has too little of both.
        for name, axis in (("movement", 2), ("grain", 1)):
            ratio = answer.diff(dim=axis).abs().mean() / wanted.diff(dim=axis).abs().mean()
            totals[name].append(float(ratio))
    return {name: float(np.mean(values)) for name, values in totals.items()}


def _discriminate(
    adversary: Adversary, source: Tensor, wanted: Tensor, answer: Tensor, label: Tensor
) -> Tensor:
    """Hinge loss of the adversary (Lim and Ye 2017)."""
    real, _ = adversary(source, wanted, label)
    made, _ = adversary(source, answer, label)
    loss: Tensor = functional.relu(1 - real).mean() + functional.relu(1 + made).mean()
    return loss


def train(
    recipe: dict[str, Any],
    pack: dict[str, Any],
    folder: Path,
    stage: str,
    *,
    valid: dict[str, Any] | None = None,
    report: Any = print,
) -> Path:
    """Run one stage, or the rest of it, and return its checkpoint.

    Raises
    ------
    TrainingError
        If the stage is unknown, or the base that it starts from is not there.
    """
    if stage not in STAGES:
        raise TrainingError(f"stage={stage!r} must be one of {', '.join(STAGES)}")
    folder.mkdir(parents=True, exist_ok=True)
    schedule, last = recipe["schedule"], folder / f"{stage}.pt"
    settings = schedule["base" if stage == "base" else "adversarial"]
    torch.manual_seed(recipe["seed"])
    bands, classes = pack["levels"].shape[1], len(pack["classes"])
    generator = build_generator(recipe, bands, classes)
    adversary = Adversary(classes, recipe["model"]["adversary_width"])
    pairs = Pairs(pack, schedule["frames"], recipe["augmentation"])
    valid_pairs = Pairs(valid or pack, schedule["frames"], recipe["augmentation"])
    if stage != "base":
        base = folder / "base.pt"
        if not base.is_file():
            raise TrainingError(f"stage={stage!r} starts from {base}; run stage 'base' first")
        generator.load_state_dict(torch.load(base, weights_only=True)["average"])
    optimiser = torch.optim.Adam(generator.parameters(), betas=tuple(settings["betas"]))
    judge = torch.optim.Adam(adversary.parameters(), betas=tuple(settings["betas"]))
    average = _Average(generator, schedule["average"])
    step, seconds = 0, 0.0
    if last.is_file():
        state = torch.load(last, weights_only=True)
        generator.load_state_dict(state["model"])
        adversary.load_state_dict(state["adversary"])
        optimiser.load_state_dict(state["optimiser"])
        judge.load_state_dict(state["judge"])
        average.weights, average.steps = state["average"], state["step"]
        step, seconds = state["step"], state["seconds"]

    def save() -> None:
        state = {
            "version": VERSION, "stage": stage, "step": step, "seconds": seconds,
            "model": generator.state_dict(), "average": average.weights,
            "adversary": adversary.state_dict(), "optimiser": optimiser.state_dict(),
            "judge": judge.state_dict(), "recipe": json.dumps(recipe),
            "classes": pack["classes"], "bands": bands,
            "data": json.dumps(pack["description"]),
        }  # fmt: skip
        _save(last, state)

    begun, saved = time.perf_counter() - seconds, time.perf_counter()
    while step < settings["steps"]:
        # A batch depends on the step alone: a resumed run and the ablation see the same ones.
        rng = np.random.default_rng((recipe["seed"], int(stage == "base"), step))
        source, wanted, label = pairs.batch(schedule["batch"], rng)
        share = step / settings["steps"]
        rate = min(1.0, (step + 1) / schedule["warmup_steps"]) * (
            0.525 + 0.475 * math.cos(math.pi * share)
        )
        for group in optimiser.param_groups:
            group["lr"] = settings["learning_rate"] * rate
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=schedule["mixed_precision"]):
            answer = generator(source, label)
        losses: dict[str, float] = {}
        if stage == "adversarial":
            for group in judge.param_groups:
                group["lr"] = settings["adversary_rate"] * rate
            judge.zero_grad()
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=schedule["mixed_precision"]):
                judged = _discriminate(adversary, source, wanted, answer.detach(), label)
            judged.backward()
            judge.step()
            losses["judge"] = judged.item()
        loss = (answer - wanted).abs().mean()
        losses["distance"] = loss.item()
        loss = loss * schedule["distance_weight"]
        if stage == "adversarial":
            adversary.requires_grad_(False)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=schedule["mixed_precision"]):
                with torch.no_grad():
                    _, real = adversary(source, wanted, label)
                score, made = adversary(source, answer, label)
            adversary.requires_grad_(True)
            fooled = -score.mean()
            match = sum((a - b).abs().mean() for a, b in zip(made, real, strict=True)) / len(real)
            losses |= {"fooled": fooled.item(), "match": match.item()}
            # Let the adversary learn its trade before it is listened to.
            trust = min(1.0, step / settings["trust_steps"])
            loss = loss + trust * (
                settings["fooled_weight"] * fooled + settings["match_weight"] * match
            )
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(generator.parameters(), schedule["clip"])
        optimiser.step()
        average.update(generator)
        step += 1
        seconds = time.perf_counter() - begun
        if step % schedule["report_steps"] == 0 or step == settings["steps"]:
            judged_by = build_generator(recipe, bands, classes)
            judged_by.load_state_dict(average.weights)
            found = evaluate(judged_by, valid_pairs, 6, 16)
            line = {"stage": stage, "step": step, "seconds": round(seconds, 1), **losses}
            line |= {f"valid_{name}": value for name, value in found.items()}
            report(json.dumps({k: round(v, 4) if isinstance(v, float) else v
                               for k, v in line.items()}), flush=True)  # fmt: skip
        if time.perf_counter() - saved > schedule["save_seconds"]:
            save()
            saved = time.perf_counter()
    save()
    return last


def main() -> None:
    """Train from the command line."""
    parser = argparse.ArgumentParser(description="Train timbre transfer.")
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--valid", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--stage", choices=STAGES, action="append")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    recipe = tomllib.loads(arguments.recipe.read_text(encoding="utf-8"))
    pack, valid = load_pack(arguments.pack), load_pack(arguments.valid)
    for stage in arguments.stage or STAGES:
        train(recipe, pack, arguments.folder, stage, valid=valid)


if __name__ == "__main__":
    main()
