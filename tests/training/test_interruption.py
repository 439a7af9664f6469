"""A run that is killed or stopped goes on where it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra train")

from leitmotiv.training.checkpoints import read_checkpoint  # noqa: E402
from leitmotiv.training.curves import read_log  # noqa: E402
from leitmotiv.training.train import TrainOptions, train  # noqa: E402

from .toy_pack import save_toy_pack  # noqa: E402

SAVE_SECONDS = 0.2
LIMIT_SEC = 300
RECIPE = f"""
[model]
width = 32
layers = 2
heads = 4
kv_heads = 2
hidden = 48
[data]
batch_events = 256
budget = 100
max_parts = 2
held_out_windows = 8
[schedule]
steps = 1000000
curriculum_bars = [4, 8]
learning_rate = 5e-3
warmup_steps = 4
report_seconds = 0.05
save_seconds = {SAVE_SECONDS}
"""


def start(folder: Path) -> subprocess.Popen[str]:
    (folder / "toy.toml").write_text(RECIPE)
    command = [
        *(sys.executable, "-m", "leitmotiv.training.train", "toy.toml", "--pack", "toy.npz"),
        *("--out", "run", "--threads", "1", "--device", "cpu"),
    ]
    return subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        # A job in the background inherits "ignore", and then Ctrl-C rightly does nothing.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_for_saves(process: subprocess.Popen[str], path: Path, num: int) -> None:
    """Wait until a checkpoint has been written so many times."""
    seen: set[int] = set()
    until = time.monotonic() + LIMIT_SEC
    while len(seen) < num:
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < until
        if path.exists():
            seen.add(path.stat().st_mtime_ns)
        time.sleep(0.01)


def test_a_killed_run_loses_no_more_than_its_save_interval(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    save_toy_pack(rng, tmp_path / "toy.npz")
    process = start(tmp_path)
    last = tmp_path / "run" / "last.pt"
    try:
        wait_for_saves(process, last, 3)
    finally:
        process.kill()
    process.communicate(timeout=LIMIT_SEC)
    assert process.returncode == -signal.SIGKILL
    saved = read_checkpoint(last)
    rows = [row for row in read_log(tmp_path / "run" / "log.csv") if row["kind"] == "train"]
    seconds = [float(row["seconds"]) for row in rows]
    longest_step = max(np.diff([0.0, *seconds]))  # a busy machine may take long over one
    assert seconds[-1] - saved["seconds"] < SAVE_SECONDS + 2 * longest_step + 0.1
    # The same command goes on from there, in this process to save time.
    text = RECIPE.replace("1000000", str(saved["step"] + 2))
    (tmp_path / "toy.toml").write_text(text)
    told: list[str] = []
    options = TrainOptions(
        tmp_path / "toy.toml", tmp_path / "toy.npz", tmp_path / "run", threads=1, device="cpu"
    )
    outcome = train(options, lambda report: told.append(report.text))
    assert outcome.steps == saved["step"] + 2
    assert any(f"resumed at step {saved['step']}" in text for text in told)
    steps = [int(row["step"]) for row in read_log(tmp_path / "run" / "log.csv")]
    assert steps == sorted(steps)  # what was lost is not in the log twice


@pytest.mark.slow
def test_ctrl_c_saves_and_ends_cleanly(rng: np.random.Generator, tmp_path: Path) -> None:
    save_toy_pack(rng, tmp_path / "toy.npz")
    process = start(tmp_path)
    last = tmp_path / "run" / "last.pt"
    try:
        wait_for_saves(process, last, 1)
        before = read_checkpoint(last)["step"]
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=LIMIT_SEC)
    finally:
        process.kill()
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert "ended: stopped" in output
    assert read_checkpoint(last)["step"] >= before
    assert not list((tmp_path / "run").glob("*.part*"))
