from __future__ import annotations

import json

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from leitmotiv.instruments.timbre_network import TimbreNetwork  # noqa: E402
from leitmotiv.training.errors import TrainingError  # noqa: E402
from leitmotiv.training.transfer_export import export  # noqa: E402
from leitmotiv.training.transfer_model import Generator, scale_levels, to_db  # noqa: E402
from leitmotiv.training.transfer_train import Pairs, build_generator, load_pack, train  # noqa: E402

RECIPE = {
    "seed": 1,
    "model": {"width": 8, "dilations": [1, 2], "conditioning": 4, "adversary_width": 2},
    "augmentation": {"level_db": 1.0, "tilt_db": 1.0, "bump_db": 1.0, "noise_db": -70.0},
    "schedule": {
        "batch": 4, "frames": 24, "distance_weight": 10.0, "average": 0.5, "clip": 5.0,
        "mixed_precision": False, "report_steps": 1000, "warmup_steps": 10, "save_seconds": 1000,
        "base": {"steps": 150, "learning_rate": 2e-2, "betas": [0.9, 0.99]},
        "adversarial": {
            "steps": 4, "learning_rate": 1e-3, "adversary_rate": 1e-3, "betas": [0.5, 0.9],
            "trust_steps": 2, "fooled_weight": 1.0, "match_weight": 1.0,
        },
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def pack():
    """Four phrases on two classes; the second class lacks the upper half of the bands."""
    rng = np.random.default_rng(5)
    phrase = rng.integers(80, 160, (4, 1, 96, 40)).astype(np.uint8)
    levels = np.repeat(phrase, 2, axis=1)
    levels[:, 1, 48:] = 50
    return {
        "levels": levels.reshape(8, 96, 40),
        "phrase": np.repeat(np.arange(4), 2),
        "label": np.tile([0, 1], 4),
        "program": np.zeros(8, np.int32),
        "classes": ["full", "dull"],
        "description": {"floor_db": -100.0, "seed": 5},
    }


def quiet(*_: object, **__: object) -> None:
    return None


def test_an_untrained_generator_hands_the_source_through():
    generator = Generator(96, 3, 8, (1, 2), 4)
    source = torch.randn(2, 96, 20)
    assert torch.equal(generator(source, torch.tensor([0, 2])), source)


def test_scaling_is_undone():
    levels = torch.tensor([-80.0, -50.0, 3.0])
    assert torch.allclose(to_db(scale_levels(levels)), levels)


def test_training_learns_the_class_and_numpy_answers_as_torch_does(pack, tmp_path):
    train(RECIPE, pack, tmp_path, "base", report=quiet)
    last = train(RECIPE, pack, tmp_path, "adversarial", report=quiet)
    sidecar = export(last, tmp_path / "model")
    assert sidecar["trained"]["stage"] == "adversarial"
    network = TimbreNetwork(tmp_path / "model" / "timbre-transfer.npz")
    state = torch.load(last, weights_only=True)
    generator = build_generator(RECIPE, 96, 2)
    generator.load_state_dict({k: v.half().float() for k, v in state["average"].items()})
    heard = pack["levels"][0].astype(np.float32) / 2 - 100
    for label in (0, 1):
        with torch.no_grad():
            scaled = generator(scale_levels(torch.from_numpy(heard))[None], torch.tensor([label]))
        expected = to_db(scaled)[0].numpy()
        found = network.answer_db(heard, label)
        sounding = expected > -79
        np.testing.assert_allclose(found[sounding], expected[sounding], atol=2e-3)
    dull, full = (network.answer_db(heard, network.index_of(n)) for n in ("dull", "full"))
    assert dull[60:].mean() < full[60:].mean() - 5


def test_a_resumed_run_ends_where_an_unbroken_one_does(pack, tmp_path):
    schedule = {**RECIPE["schedule"], "base": {**RECIPE["schedule"]["base"], "steps": 25}}
    short = {**RECIPE, "schedule": schedule}
    train(short, pack, tmp_path / "whole", "base", report=quiet)

    class Stop(Exception):
        pass

    def stop(*_: object, **__: object) -> None:
        raise Stop

    eager = {**RECIPE, "schedule": {**schedule, "save_seconds": 0, "report_steps": 12}}
    with pytest.raises(Stop):
        train(eager, pack, tmp_path / "broken", "base", report=stop)
    assert torch.load(tmp_path / "broken" / "base.pt", weights_only=True)["step"] == 11
    train(short, pack, tmp_path / "broken", "base", report=quiet)
    ends = [
        torch.load(tmp_path / name / "base.pt", weights_only=True)["model"]
        for name in ("whole", "broken")
    ]
    for name, value in ends[0].items():
        assert torch.allclose(value, ends[1][name], atol=1e-6), name


def test_augmentation_changes_the_source_alone(pack):
    pairs = Pairs(pack, 24, RECIPE["augmentation"])
    heard, wanted, label = pairs.batch(6, np.random.default_rng(2))
    plain, same, again = pairs.batch(6, np.random.default_rng(2), augment=False)
    assert torch.equal(wanted, same)
    assert torch.equal(label, again)
    assert not torch.allclose(heard, plain)


def test_wrong_files_and_stages_say_what_to_do(pack, tmp_path):
    (tmp_path / "pack.npz").write_bytes(b"nothing")
    with pytest.raises(TrainingError, match="is no pack of timbre pairs"):
        load_pack(tmp_path / "pack.npz")
    with pytest.raises(TrainingError, match="run stage 'base' first"):
        train(RECIPE, pack, tmp_path / "none", "plain", report=quiet)
    with pytest.raises(TrainingError, match="stage='x' must be one of"):
        train(RECIPE, pack, tmp_path, "x", report=quiet)
    with pytest.raises(TrainingError, match="is none of timbre transfer"):
        export(tmp_path / "pack.npz", tmp_path)
    assert json.dumps(RECIPE)
