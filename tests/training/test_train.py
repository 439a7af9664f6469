"""The network learns, sees no future, resumes, and exports to what it was."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra train")

from leitmotiv.training.model import ModelConfig, ScoreModel  # noqa: E402
from leitmotiv.training.train import CONDITION_SIZES, FIELD_SIZES, Run, to_device  # noqa: E402
from leitmotiv.training.windows import batch_arrays, draw_sequence  # noqa: E402

from .toy_pack import toy_pack  # noqa: E402

RECIPE = {
    "model": {"width": 32, "layers": 2, "heads": 4, "kv_heads": 2, "hidden": 48, "dropout": 0.0},
    "data": {"batch_events": 256, "budget": 100, "max_parts": 2},
    "schedule": {
        "minutes": 0.05, "curriculum_bars": [4, 8], "learning_rate": 5e-3, "warmup_steps": 4,
        "weight_decay": 0.0, "label_smoothing": 0.0, "clip": 1.0, "ema": 0.9,
    },
}  # fmt: skip


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def small_model() -> ScoreModel:
    torch.manual_seed(0)
    return ScoreModel(ModelConfig(FIELD_SIZES, CONDITION_SIZES, **RECIPE["model"])).eval()


def batch(rng: np.random.Generator) -> dict[str, torch.Tensor]:
    pack = toy_pack(rng)
    sequences = [draw_sequence(pack, 0, rng, max_bars=4, max_parts=2, budget=60) for _ in range(4)]
    return to_device(batch_arrays(sequences), torch.device("cpu"))


def test_later_events_do_not_change_earlier_predictions(rng: np.random.Generator) -> None:
    model, data = small_model(), batch(rng)
    with torch.no_grad():
        before = model.backbone(data["events"], data["conditions"], data["time"])
        data["events"][:, 10:, 1] = 70
        data["conditions"][:, 10:] = 0
        after = model.backbone(data["events"], data["conditions"], data["time"])
    assert torch.allclose(before[:, :10], after[:, :10], atol=1e-5)
    assert not torch.allclose(before[:, 10:], after[:, 10:], atol=1e-3)


def test_a_field_does_not_see_itself_or_later_fields(rng: np.random.Generator) -> None:
    model = small_model()
    hidden = torch.randn(5, 32)
    fields = torch.randint(1, 50, (5, 3))
    with torch.no_grad():
        logits = model.heads(hidden, fields)
        for index in range(3):
            changed = fields.clone()
            changed[:, index:] += 1
            again = model.heads(hidden, changed)
            for field in range(index + 1):
                assert torch.equal(logits[field], again[field])


def test_training_learns_and_resumes(rng: np.random.Generator, tmp_path: Path) -> None:
    pack = toy_pack(rng)
    run = Run(RECIPE, pack, tmp_path, torch.device("cpu"), seed=1)
    data = batch(rng)
    first = run.train_step(data, 5e-3)
    for _ in range(30):
        last = run.train_step(data, 5e-3)
    assert last < 0.5 * first
    run.save()
    again = Run(RECIPE, pack, tmp_path, torch.device("cpu"), seed=2)
    again.resume()
    assert again.step == run.step
    assert again.train_step(data, 5e-3) == pytest.approx(run.train_step(data, 5e-3), rel=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_onnx_and_pytorch_agree(rng: np.random.Generator, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="needs the extra train")
    from leitmotiv.models import EventModel
    from leitmotiv.training.export import export

    pack = toy_pack(rng)
    run = Run(RECIPE, pack, tmp_path, torch.device("cpu"), seed=1)
    data = batch(rng)
    for _ in range(20):
        run.train_step(data, 5e-3)
    run.save("best.pt", scores={"bits_per_note": 1.0})
    export(tmp_path / "best.pt", tmp_path / "onnx", "toy", quantise=False)
    export(tmp_path / "best.pt", tmp_path / "int8", "toy", quantise=True)
    reference = run.average.eval()
    length = data["events"].shape[1]
    with torch.no_grad():
        hidden = reference.backbone(data["events"], data["conditions"], data["time"])
        fields = data["targets"][..., :3]
        wanted = [x.numpy() for x in reference.heads(hidden, fields)]
    for folder, tolerance in (("onnx", 2e-3), ("int8", 0.6)):
        model = EventModel(tmp_path / folder, "toy")
        index = np.broadcast_to(np.arange(length, dtype=np.float32), (4, length)).copy()
        found, _ = model.step(
            data["events"].numpy(), data["conditions"].numpy(), data["time"].numpy(), index,
            np.full((4, 1), -1e9, np.float32), model.new_cache(4, 1),
        )  # fmt: skip
        for place in (0, 7, length - 1):
            for field in range(4):
                logits = model.logits(field, found[:, place], fields[:, place].numpy())
                assert np.abs(logits - wanted[field][:, place]).max() < tolerance
