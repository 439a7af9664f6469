"""Train the score model from a pack: ``python -m leitmotiv.training.train RECIPE --pack FILE``.

Needs PyTorch, NumPy, the pack and a recipe (TOML); runs on a CPU, a GPU, or several with

    torchrun --nproc-per-node 2 -m leitmotiv.training.train RECIPE --pack FILE

``--from CHECKPOINT`` fine-tunes: sizes and weights come from the checkpoint, pieces from the pack.

Public names: :func:`train`, :class:`TrainOptions`, :class:`Outcome`, :func:`main`; and what a run
is made of, from the modules beside this one.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from leitmotiv.training.batches import (
    Batches,
    load_pack,
    to_device,
    validation_batches,
    with_held_out_pieces,
)
from leitmotiv.training.checkpoints import CHECKPOINT_VERSION, read_checkpoint, save_checkpoint
from leitmotiv.training.distributed import World, join_world
from leitmotiv.training.errors import TrainingError
from leitmotiv.training.recipes import Recipe, load_recipe
from leitmotiv.training.run import (
    CONDITION_SIZES,
    FIELD_SIZES,
    Base,
    Report,
    Run,
    evaluate,
    print_report,
)
from leitmotiv.training.windows import Pack

__all__ = [
    "CHECKPOINT_VERSION",
    "CONDITION_SIZES",
    "DEFAULT_PACK",
    "FIELD_SIZES",
    "Batches",
    "Outcome",
    "Run",
    "TrainOptions",
    "TrainingError",
    "default_threads",
    "evaluate",
    "load_recipe",
    "main",
    "save_checkpoint",
    "to_device",
    "train",
    "validation_batches",
]

DEFAULT_PACK = Path("runs/corpus.npz")
MOST_THREADS = 16  # matrices of these sizes gain nothing from more


@dataclass(frozen=True)
class TrainOptions:
    """What the command line says; None leaves it to the recipe or to the machine."""

    recipe: Path
    pack: Path = DEFAULT_PACK
    out: Path | None = None
    base: Path | None = None
    base_pack: Path | None = None
    minutes: float | None = None
    threads: int | None = None
    seed: int = 1
    device: str | None = None


@dataclass(frozen=True)
class Outcome:
    """How a run ended: the reason ("done", "stopped" by Ctrl-C, or a sentence), and its folder."""

    reason: str
    folder: Path
    steps: int
    minutes: float
    best: float


def default_threads() -> int:
    """Cores of this process's share of the machine, one left to draw batches where there are more.

    ``torchrun`` processes on one machine share its cores.
    """
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    cores = max(cores // int(os.environ.get("LOCAL_WORLD_SIZE", 1)), 1)
    return min(cores - 1 if cores > 2 else cores, MOST_THREADS)


def _load_base(options: TrainOptions, device: torch.device) -> Base | None:
    if options.base is None:
        if options.base_pack is not None:
            raise TrainingError(
                f"base_pack={str(options.base_pack)!r} goes with --from CHECKPOINT; give both"
            )
        return None
    state = read_checkpoint(options.base, device)
    pack = load_pack(options.base_pack) if options.base_pack is not None else None
    return Base(options.base.name, state, pack)


def train(options: TrainOptions, report: Callable[[Report], None] = print_report) -> Outcome:
    """Train or fine-tune as the options say, going on where a run in the same folder stopped.

    Raises
    ------
    TrainingError
        If recipe, pack or checkpoint cannot be used; nothing is written then.
    """
    # Order: everything that can be refused is looked at before a folder is made.
    recipe = load_recipe(options.recipe, fine_tuning=options.base is not None)
    if options.minutes is not None and options.minutes <= 0:
        raise TrainingError(f"minutes={options.minutes:g} must be above 0")
    device = options.device or ("cuda" if torch.cuda.is_available() else "cpu")
    pack = with_held_out_pieces(load_pack(options.pack))
    torch.set_num_threads(options.threads or default_threads())
    world = join_world(device)
    try:
        return _train(options, recipe, pack, world, report)
    finally:
        world.leave()


def _train(
    options: TrainOptions,
    recipe: Recipe,
    pack: Pack,
    world: World,
    report: Callable[[Report], None],
) -> Outcome:
    base = _load_base(options, world.device)
    folder = options.out or Path("runs") / options.recipe.stem
    run = Run(
        recipe, pack, folder, world.device, options.seed, base=base, world=world, report=report
    )
    folder.mkdir(parents=True, exist_ok=True)
    run.resume()
    if world.leads:
        size = sum(p.numel() for p in run.model.parameters())
        licences = ", ".join(f"{name} ({n:,})" for name, n in run.data["licences"].items())
        report(Report("note", 0.0, f"{size:,} parameters; pieces by licence: {licences}"))
    reason = run.fit(options.minutes)
    return Outcome(reason, folder, run.step, run.seconds / 60, run.best)


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Train the score model.")
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="folder of the run; runs/RECIPE by default")
    parser.add_argument("--from", dest="base", type=Path, help="fine-tune this checkpoint")
    parser.add_argument("--base-pack", type=Path, help="what the checkpoint was trained on")
    parser.add_argument("--minutes", type=float, help="wall clock; overrides the recipe")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device")
    try:
        outcome = train(TrainOptions(**vars(parser.parse_args(arguments))))
    except TrainingError as error:
        raise SystemExit(f"error: {error}") from error
    if outcome.reason == "stopped":
        raise SystemExit(130)


if __name__ == "__main__":
    main(sys.argv[1:])
