"""The timbre network learns from a pack, takes a stopped run up, and leaves files that play."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra train")

from leitmotiv.instruments.neural_grid import GROUP_EDGES  # noqa: E402
from leitmotiv.instruments.neural_model import load_network  # noqa: E402
from leitmotiv.instruments.neural_pack import mel_response, moments, noise_response  # noqa: E402
from leitmotiv.training.errors import TrainingError  # noqa: E402
from leitmotiv.training.timbre_export import export_timbre  # noqa: E402
from leitmotiv.training.timbre_train import (  # noqa: E402
    load_notes,
    mel_of_levels,
    train_timbre,
)

RECIPE: dict[str, Any] = {
    "model": {"latent": 4, "trunk": 24, "trunk_layers": 2, "frame": 24, "hidden": 24, "encoder": 8},
    "schedule": {
        "minutes": 0.008,
        "batch_notes": 6,
        "batch_moments": 6,
        "learning_rate": 5e-3,
        "weight_decay": 1e-4,
        "ema": 0.9,
        "save_seconds": 100,
    },
    "loss": {
        "harmonic": 0.3,
        "noise": 0.3,
        "mel": 1.0,
        "encoded": 0.3,
        "pull": 0.5,
        "jitter": 0.05,
    },
}


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """Eight notes of two instruments whose first harmonics alone sound."""
    num = 8
    harmonic = np.zeros((num, 64, 64), np.uint8)
    harmonic[:, :, :4] = 180
    rng = np.random.default_rng(1)
    np.savez(
        tmp_path / "notes.npz",
        instrument=np.arange(num) % 2,
        pitch=np.arange(60, 60 + num),
        velocity=np.full(num, 80),
        split=np.array([0, 0, 0, 0, 0, 0, 1, 1]),
        cents=np.zeros(num),
        inharmonicity=np.zeros(num),
        release=np.full(num, 100.0),
        time=np.tile(moments(1.0).astype(np.float32), (num, 1)),
        harmonic=harmonic,
        noise=np.full((num, 64, 32), 20, np.uint8),
        mel=np.full((num, 64, 64), 60, np.uint8),
        encoder=rng.uniform(-1, 1, (num, 960)).astype(np.float16),
        names=np.array(["one", "two"]),
        group_edges=np.array(GROUP_EDGES),
        mel_response=mel_response(),
        noise_response=noise_response(),
        sample_rate=48_000,
        n_fft=4096,
        response_steps=2,
        lowest_db=-100.0,
    )
    return tmp_path / "notes.npz"


def test_a_run_is_taken_up_and_its_export_plays(pack: Path, tmp_path: Path) -> None:
    last = train_timbre(RECIPE, pack, tmp_path / "run")
    first = torch.load(last, weights_only=True)
    longer = {**RECIPE, "schedule": {**RECIPE["schedule"], "minutes": 0.014}}
    second = torch.load(train_timbre(longer, pack, tmp_path / "run"), weights_only=True)
    assert second["step"] > first["step"] > 0
    assert second["used_sec"] > first["used_sec"]
    assert set(second["test_db"]) == {"one", "two"}
    network = load_network(export_timbre(last, tmp_path / "out", about={"data": {}}))
    assert network.names == ("one", "two")
    levels, _, _ = network.decode(
        network.latents, np.array([60, 61]), np.array([80, 80]), np.array([0.1, 0.5])
    )
    assert np.isfinite(levels).all()


def test_the_mel_of_levels_is_that_of_their_power(pack: Path) -> None:
    notes = load_notes(pack)
    levels = torch.full((1, 1, 96), -200.0)
    levels[0, 0, 0] = 0.0  # the first harmonic alone, at amplitude 1
    mel = mel_of_levels(levels, notes.groups_to_mel[:1].float(), notes.noise_to_mel)
    frequency = 440 * 2 ** ((60 - 69) / 12)
    row = mel_response()[round(frequency / (48_000 / 4096 / 2))]
    loudest = int(np.argmax(row))
    assert float(mel[0, 0, loudest]) == pytest.approx(10 * np.log10(row[loudest]), abs=0.05)


def test_what_is_no_pack_and_no_checkpoint_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no pack of notes"):
        load_notes(tmp_path / "none.npz")
    with pytest.raises(TrainingError, match="none of timbre_train"):
        export_timbre(tmp_path / "none.pt", tmp_path)
