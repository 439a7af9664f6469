"""Two processes compute what one does with the batches of both."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra train")

from leitmotiv.training.distributed import World, join_world
from leitmotiv.training.errors import TrainingError

from .test_train import RECIPE
from .toy_pack import save_toy_pack

SCRIPT = Path(__file__).with_name("two_processes.py")
LIMIT_SEC = 300


def start(folder: Path, rank: int, size: int, port: int) -> subprocess.Popen[str]:
    place = {"RANK": str(rank), "WORLD_SIZE": str(size), "LOCAL_RANK": str(rank)}
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), *(str(folder / n) for n in ("toy.npz", "recipe.json", ""))],
        env={**os.environ, **place, **address},
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_two_processes_learn_as_one_with_the_same_batch(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    save_toy_pack(rng, tmp_path / "toy.npz")
    (tmp_path / "recipe.json").write_text(json.dumps(RECIPE))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = [start(tmp_path, *place, port) for place in ((0, 1), (0, 2), (1, 2))]
    try:
        for process in running:
            _, errors = process.communicate(timeout=LIMIT_SEC)
            assert process.returncode == 0, errors[-2000:]
    finally:
        for process in running:
            process.kill()
    one, first, second = (
        json.loads((tmp_path / f"{name}.json").read_text()) for name in ("1-0", "2-0", "2-1")
    )
    assert first["losses"] == pytest.approx(one["losses"], rel=1e-5)
    assert first["losses"] == second["losses"]
    assert first["weights"] == pytest.approx(one["weights"], rel=1e-6)
    assert first["weights"] == pytest.approx(second["weights"], rel=1e-9)
    assert first["events"] == second["events"] == one["events"]


def test_alone_everything_is_as_it_was_said() -> None:
    world = World()
    assert world.leads
    assert world.sum(3.0) == 3.0
    assert world.agree(1.0, 2.0) == (1.0, 2.0)


def test_an_environment_that_makes_no_sense_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "first")
    with pytest.raises(TrainingError, match="start with torchrun"):
        join_world("cpu")
    monkeypatch.delenv("RANK")
    with pytest.raises(TrainingError, match="device='gpu' is unknown; use cpu or cuda"):
        join_world("gpu")
