"""The network at run time: shapes, files that are broken, agreement with PyTorch."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from leitmotiv.errors import ModelError, RenderError
from leitmotiv.instruments.neural_catalogue import INSTRUMENTS
from leitmotiv.instruments.neural_model import load_network
from leitmotiv.instruments.neural_timbre import (
    GRID_SEC,
    Corrections,
    NetworkTimbre,
    level_of,
    timbre_of,
)

WEIGHTS = Path(str(files("leitmotiv.instruments") / "weights"))


def test_the_weights_are_small_and_know_every_instrument() -> None:
    assert (WEIGHTS / "timbre.npz").stat().st_size <= 4 << 20
    network = load_network()
    assert network.names == tuple(instrument.name for instrument in INSTRUMENTS)
    assert len(network.names) >= 24


def test_the_sidecar_names_data_licences_and_metrics() -> None:
    sidecar = load_network().sidecar
    sources = sidecar["data"]["sources"]
    assert all(source["licence"] and source["attribution"] for source in sources)
    assert "TimGM" not in json.dumps(sidecar)
    assert "tuba" in sidecar["data"]["left_out"]


def test_levels_come_for_any_pitch_velocity_and_moment() -> None:
    network = load_network()
    latent = np.stack([network.latent_of("oboe"), network.latent_of("cello")])
    levels, stiffness, release = network.decode(
        latent, np.array([60.5, 40]), np.array([1, 127]), np.linspace(0, 10, 7)
    )
    assert levels.shape == (2, 7, 96)
    assert np.isfinite(levels).all()
    assert (stiffness >= 0).all()
    assert (release > 0).all()


def test_an_unknown_instrument_is_named() -> None:
    with pytest.raises(ModelError, match="kazoo"):
        load_network().latent_of("kazoo")
    with pytest.raises((ModelError, RenderError), match="kazoo"):
        timbre_of("kazoo")


def test_every_note_has_the_same_level() -> None:
    for name in ("tuba", "piccolo", "nylon guitar"):
        timbre = timbre_of(name)
        for pitch in (45, 70):
            for velocity in (30, 110):
                note = timbre.notes([pitch], [velocity])[0]
                assert abs(level_of(note.levels_db, pitch, GRID_SEC)) < 1e-3


def test_corrections_move_what_they_name() -> None:
    plain = timbre_of("clarinet")
    change = Corrections(
        harmonic_db=np.eye(8)[1] * 6.0, noise_db=np.full(32, 3.0), release_db_per_sec=77.0
    )
    moved = NetworkTimbre(plain.network, plain.latent, "held", change)
    one, _, _ = plain.raw_levels([60], [80], GRID_SEC)
    two, _, release = moved.raw_levels([60], [80], GRID_SEC)
    gap = (two - one)[0]
    np.testing.assert_allclose(gap[:, 1], 6.0, atol=1e-4)
    np.testing.assert_allclose(gap[:, 64:], 3.0, atol=1e-4)
    np.testing.assert_allclose(gap[:, 2:64], 0.0, atol=1e-4)
    assert release[0] == 77.0


@pytest.mark.parametrize("fault", ["missing", "damaged", "other version", "cut"])
def test_broken_weights_are_named(fault: str, tmp_path: Path) -> None:
    for name in ("timbre.npz", "timbre.json"):
        shutil.copy(WEIGHTS / name, tmp_path / name)
    if fault == "missing":
        (tmp_path / "timbre.npz").unlink()
    elif fault == "cut":
        (tmp_path / "timbre.json").write_text('{"version": 1}')
    elif fault == "damaged":
        content = bytearray((tmp_path / "timbre.npz").read_bytes())
        content[1000] ^= 255
        (tmp_path / "timbre.npz").write_bytes(content)
    else:
        sidecar = json.loads((tmp_path / "timbre.json").read_text())
        (tmp_path / "timbre.json").write_text(json.dumps({**sidecar, "version": 99}))
    with pytest.raises(ModelError, match=r"timbre\.(npz|json)"):
        load_network(tmp_path / "timbre.json")


def test_numpy_and_pytorch_agree() -> None:
    torch = pytest.importorskip("torch", reason="needs the extra train")
    from leitmotiv.training.timbre_model import TimbreModel, TimbreSizes

    network = load_network()
    model = TimbreModel(TimbreSizes(**network.sidecar["sizes"]))
    with np.load(WEIGHTS / "timbre.npz") as file:
        model.load_state_dict(
            {key: torch.tensor(file[key].astype(np.float32)) for key in file.files}
        )
    pitch, velocity = np.array([41.0, 77.0]), np.array([30.0, 100.0])
    times = np.array([0.0, 0.004, 0.1, 1.0, 3.0])
    latent = network.latents[[3, 20]]
    rng = np.random.default_rng(1)
    inputs = rng.uniform(-1, 1, (2, 960)).astype(np.float32)
    with torch.no_grad():
        tensors = [torch.tensor(x, dtype=torch.float32) for x in (latent, pitch, velocity)]
        out, _ = model.decode(*tensors, torch.tensor(times).float().expand(2, -1))
        coded = model.encode(torch.tensor(inputs), tensors[1], tensors[2])
    levels, _, _ = network.decode(latent, pitch, velocity, times)
    wanted = np.clip(out.numpy() * 20 - 40, -110, 35)
    np.testing.assert_allclose(levels, wanted, atol=0.02)
    np.testing.assert_allclose(network.encode(inputs, pitch, velocity), coded.numpy(), atol=1e-3)
