"""From files to a composer of one's own by the commands alone, at a toy length."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs the extra train")
pytest.importorskip("onnx", reason="needs the extra train")

from leitmotiv.score import Part, Score, make_notes
from leitmotiv.score.midi import write_midi

ROOT = Path(__file__).parents[2]


def leitmotiv(folder: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "leitmotiv", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stderr}"
    return done.stdout


def write_tunes(folder: Path, count: int) -> None:
    """Two-part pieces over a repeated bass, each with its own melody."""
    folder.mkdir()
    scale = np.asarray([0, 2, 4, 5, 7, 9, 11])
    for number in range(count):
        rng = np.random.default_rng(number)
        degree = np.cumsum(rng.integers(-2, 3, 64)) % 14
        tune = 60 + 12 * (degree // 7) + scale[degree % 7]
        melody = make_notes(np.arange(64) * 480, np.full(64, 480), tune)
        bass = make_notes(
            np.arange(16) * 1920, np.full(16, 1920), 36 + scale[rng.integers(0, 7, 16)]
        )
        parts = (
            Part(name="Flute", notes=melody, program=73),
            Part(name="Cello", notes=bass, program=42),
        )
        write_midi(Score(parts=parts), folder / f"tune{number:02}.mid")


def test_a_folder_of_files_becomes_a_composer(tmp_path: Path) -> None:
    write_tunes(tmp_path / "tunes", 12)
    (tmp_path / "tunes" / "broken.mid").write_bytes(b"this is no music")
    recipe = (ROOT / "recipes" / "tiny.toml").read_text(encoding="utf-8")
    lines = [line for line in recipe.splitlines() if not line.startswith(("sources", "freedoom"))]
    lines = [{"minutes = 5": "minutes = 0.15"}.get(line, line) for line in lines]
    (tmp_path / "toy.toml").write_text("\n".join(lines), encoding="utf-8")

    added = leitmotiv(tmp_path, "corpus", "add", "tunes", "--licence", "CC0-1.0", "--json")
    assert json.loads(added)["added"] == {"ok": 12, "quarantined": 1, "refused": 0}
    assert "What a model trained on this will not know" in leitmotiv(
        tmp_path, "corpus", "stats", "--png", "bias.png"
    )
    assert (tmp_path / "bias.png").read_bytes().startswith(b"\x89PNG")
    assert "CC0-1.0" in leitmotiv(tmp_path, "corpus", "check")
    leitmotiv(tmp_path, "corpus", "pack", "toy.toml", "-o", "runs/toy.npz")
    leitmotiv(tmp_path, "train", "toy.toml", "--threads", "1", "--quiet")
    for file in ("best.pt", "last.pt", "log.csv", "curves.png"):
        assert (tmp_path / "runs" / "toy" / file).stat().st_size > 0

    leitmotiv(tmp_path, "export", "runs/toy/best.pt")
    trained = json.loads(
        leitmotiv(tmp_path, "evaluate", "runs/toy/model", "--data", "tunes", "--json")
    )
    assert trained["files"] == 12
    assert 0 < trained["bits_per_note_given"] < 30  # seconds of training: better than noise
    assert [item["file"] for item in trained["skipped"]] == ["broken.mid"]

    brief = "a calm piece for flute and cello in C major, 8 bars"
    words = ["compose", brief, "--seed", "1", "--engine", "modelled", "-q", "-o", "piece"]
    leitmotiv(tmp_path, *words, "--model", "runs/toy/model")
    provenance = json.loads((tmp_path / "piece" / "provenance.json").read_text())
    assert provenance["model"]["data"]["licences"] == {"CC0-1.0": 12}
