"""Run by test_distributed.py in each process: a few updates of this process's share of a batch."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch

from leitmotiv.training.batches import load_pack, to_device
from leitmotiv.training.distributed import join_world
from leitmotiv.training.run import Run
from leitmotiv.training.windows import batch_arrays, draw_sequence

STEPS = 3


def main(pack_path: str, recipe_path: str, out: str) -> None:
    torch.set_num_threads(1)
    world = join_world("cpu")
    pack = load_pack(Path(pack_path))
    # Some windows of no known velocity: a head without work must not hold the others up.
    pack.arrays["note_velocity"][: len(pack.arrays["note_velocity"]) // 2] = 0
    rng = np.random.default_rng(3)
    sequences = [
        draw_sequence(pack, piece, rng, max_bars=bars, max_parts=2, budget=90)
        for piece, bars in ((0, 2), (0, 8), (1, 3), (1, 8), (0, 4), (1, 8), (0, 8), (1, 2))
    ]
    # Shares of different sizes: means must be weighted by events.
    shares = [sequences[:3], sequences[3:]] if world.size == 2 else [sequences]
    mine = shares[world.rank]
    halves = [mine[:1], mine[1:]]  # accumulated, so that joining waits for the last
    batches = [to_device(batch_arrays(half), world.device) for half in halves]
    recipe = json.loads(Path(recipe_path).read_text())
    run = Run(recipe, pack, Path(out), world.device, seed=1, world=world)
    losses = [run.train_step(batches, 1e-3) for _ in range(STEPS)]
    weights = float(sum(p.detach().double().abs().sum() for p in run.model.parameters()))
    Path(out, f"{world.size}-{world.rank}.json").write_text(
        json.dumps({"losses": losses, "weights": weights, "events": run.events})
    )
    world.leave()


if __name__ == "__main__":
    main(*sys.argv[1:])
