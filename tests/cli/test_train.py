"""``leitmotiv train`` over the real program: a toy run, its words, and its refusals."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from leitmotiv.cli.train import TrainingDisplay, sparkline

RECIPES = Path(__file__).parents[2] / "recipes"
LIMIT_SEC = 300


def leitmotiv(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "leitmotiv", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=LIMIT_SEC,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def toy_pack_file(folder: Path) -> Path:
    """Two pieces of two bars in one part, written as the packer would."""
    notes = 2 * 8
    arrays = {
        "note_position": np.tile([0, 24, 48, 72], notes // 4),
        "note_pitch": np.tile([60, 64, 67, 65, 62, 69, 71, 72], notes // 8),
        "note_duration": np.full(notes, 24),
        "note_velocity": np.full(notes, 5),
        "cell_count": np.full(4, 4),
        "bar_steps": np.full(4, 96),
        "bar_meter": np.ones(4),
        "bar_fifths": np.zeros(4),
        "bar_chord": np.full(4, 2),
        "bar_second_chord": np.full(4, 2),
        "bar_breath": np.ones(4),
        "bar_energy": np.full(4, 4),
        "part_program": np.full(2, 41),
        "part_role": np.ones(2),
        "piece_source": np.zeros(2),
        "piece_split": np.asarray([0, 1]),
    }
    kept: dict[str, Any] = {name: array.astype(np.uint8) for name, array in arrays.items()}
    kept["piece"] = np.asarray([[8, 2, 1, 1, 1, 3]] * 2, np.int32)
    row = {"pieces": 2, "notes": notes, "licences": {"PD": 2}, "attribution": "me", "named": []}
    header = {
        "pack_version": 1, "vocabulary_version": 1, "sources": ["toy"], "pieces": 2,
        "notes": notes, "licences": {"PD": 2}, "by_source": {"toy": row},
    }  # fmt: skip
    path = folder / "toy.npz"
    np.savez(path, header=np.frombuffer(json.dumps(header).encode(), np.uint8), **kept)
    return path


def test_the_tiny_recipe_trains_at_a_toy_length(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra train")
    toy_pack_file(tmp_path)
    text = (RECIPES / "tiny.toml").read_text(encoding="utf-8")
    text = text.replace("\nminutes = 5\n", "\nsteps = 2\n")
    text = text.replace("batch_events = 3072", "batch_events = 128\nheld_out_windows = 4")
    (tmp_path / "tiny.toml").write_text(text, encoding="utf-8")
    done = leitmotiv(
        "train", "tiny", "--pack", "toy.npz", "-o", "run", "--threads", "1", "--json",
        folder=tmp_path,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["steps"] == 2
    assert told["reason"] == "done"
    assert {Path(name).name for name in told["files"]} == {
        *("best.pt", "last.pt", "log.csv", "curves.png")
    }
    assert "pieces by licence: PD (2)" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("train", "nowhere"), "recipe='nowhere' does not exist"),
        (("train", "broken.toml", "--pack", "toy.npz"), "did you mean learning_rate"),
        (("train", "sound.toml", "--pack", "none.npz"), "make it with: leitmotiv corpus pack"),
        (("train", "sound.toml", "--pack", "toy.npz", "--from", "toy.npz"), "no checkpoint"),
        (("train", "sound.toml", "--threads", "many"), "threads=many must be a whole number"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    arguments: tuple[str, ...], words: str, tmp_path: Path
) -> None:
    if arguments[1] != "nowhere" and "many" not in arguments:
        pytest.importorskip("torch", reason="needs the extra train")
    toy_pack_file(tmp_path)
    sound = (RECIPES / "tiny.toml").read_text(encoding="utf-8")
    (tmp_path / "sound.toml").write_text(sound, encoding="utf-8")
    (tmp_path / "broken.toml").write_text(sound.replace("learning_rate", "learning_rat"))
    before = sorted(tmp_path.iterdir())
    done = leitmotiv(*arguments, folder=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("leitmotiv: error: ")
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
    assert sorted(tmp_path.iterdir()) == before


@dataclass(frozen=True)
class FakeReport:
    kind: str
    progress: float
    text: str = ""
    values: dict[str, Any] = field(default_factory=dict)


def test_the_display_shows_loss_held_out_pieces_novelty_and_notes() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    pulse = {"loss": 3.25, "learning_rate": 0.001, "step": 12, "seconds": 4.0, "events": 3456}
    with TrainingDisplay(stream, "training tiny") as display:
        for report in (
            FakeReport("note", 0.0, "resumed at step 10"),
            FakeReport("pulse", 0.1, values=pulse),
            FakeReport("pulse", 0.5, values=pulse),
            FakeReport("valid", 0.5, "valid", {"bits_per_note": 2.75}),
            FakeReport("novelty", 0.5, " novelty  entropy 2.80 bits, in the human band"),
        ):
            display(report)  # type: ignore[arg-type]
    text = stream.getvalue()
    for words in (
        *("training tiny", "resumed at step 10", "3.250", "2.750 bits a note", "50%"),
        *("entropy 2.80 bits", "3,456 events"),
    ):
        assert words in text


def test_a_sparkline_keeps_order_and_width() -> None:
    assert sparkline([]) == ""
    assert sparkline([1.0, 1.0]) == "▁▁"
    assert sparkline([1.0, 2.0, 3.0])[::2] == "▁█"
    assert len(sparkline(list(range(100)), width=40)) == 40
