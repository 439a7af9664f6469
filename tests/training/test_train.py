"""The network learns, sees no future, resumes, and exports to what it was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra train")

from leitmotiv.training.batches import Batches, Supply  # noqa: E402
from leitmotiv.training.checkpoints import read_checkpoint  # noqa: E402
from leitmotiv.training.curves import read_log  # noqa: E402
from leitmotiv.training.errors import TrainingError  # noqa: E402
from leitmotiv.training.model import ModelConfig, ScoreModel  # noqa: E402
from leitmotiv.training.novelty import Novelty, NoveltyReport  # noqa: E402
from leitmotiv.training.run import CONDITION_SIZES, FIELD_SIZES, Report, Run  # noqa: E402
from leitmotiv.training.train import to_device  # noqa: E402
from leitmotiv.training.windows import batch_arrays, draw_sequence  # noqa: E402

from .toy_pack import toy_pack  # noqa: E402

RECIPE = {
    "model": {"width": 32, "layers": 2, "heads": 4, "kv_heads": 2, "hidden": 48, "dropout": 0.0},
    "data": {"batch_events": 256, "budget": 100, "max_parts": 2, "held_out_windows": 8},
    "schedule": {
        "steps": 6, "curriculum_bars": [4, 8], "learning_rate": 5e-3, "warmup_steps": 4,
        "weight_decay": 0.0, "label_smoothing": 0.0, "clip": 1.0, "ema": 0.9,
        "report_seconds": 0.01, "save_seconds": 0.01, "validate_seconds": 100,
    },
    "novelty": {"continuations": 2, "bars": 2, "fragment": 4},
}  # fmt: skip
CPU = torch.device("cpu")
COPYING = NoveltyReport(2.0, 1.0, 3.0, 0.9, 0.1, 40, 9, 100)


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


def recipe(**tables: dict) -> dict:
    """The small recipe with other values in some tables."""
    return {name: {**RECIPE.get(name, {}), **tables.get(name, {})} for name in {**RECIPE, **tables}}


def test_batches_taken_together_are_one_batch(rng: np.random.Generator, tmp_path: Path) -> None:
    pack = toy_pack(rng)
    sequences = [
        draw_sequence(pack, 0, rng, max_bars=bars, max_parts=2, budget=60)
        for bars in (2, 3, 8, 8, 6)
    ]
    whole = to_device(batch_arrays(sequences), CPU)
    parts = [to_device(batch_arrays(chosen), CPU) for chosen in (sequences[:2], sequences[2:])]
    one = Run(RECIPE, pack, tmp_path, CPU, seed=1)
    two = Run(RECIPE, pack, tmp_path, CPU, seed=1)
    for _ in range(3):
        first, second = one.train_step(whole, 1e-3), two.train_step(parts, 1e-3)
        assert first == pytest.approx(second, rel=1e-5)
    assert one.events == two.events
    for a, b in zip(one.model.parameters(), two.model.parameters(), strict=True):
        assert torch.allclose(a, b, atol=2e-5)


def test_dropout_acts_in_training_and_not_in_measuring(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    run = Run(recipe(model={"dropout": 0.5}), toy_pack(rng), tmp_path, CPU, seed=1)
    data = batch(rng)
    with torch.no_grad():
        noisy = {float(run.model.losses(data)[0]) for _ in range(3)}
        still = {float(run.average.losses(data)[0]) for _ in range(3)}
    assert len(noisy) == 3
    assert len(still) == 1


def test_a_run_leaves_checkpoints_log_and_curves_with_licences(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    told: list[Report] = []
    run = Run(RECIPE, toy_pack(rng), tmp_path, CPU, seed=1, report=told.append)
    assert run.fit() == "done"
    assert run.step == 6
    assert {"train", "valid", "novelty", "note"} <= {report.kind for report in told}
    assert all(0 <= report.progress <= 1 for report in told)
    rows = read_log(tmp_path / "log.csv")
    header = (tmp_path / "log.csv").read_text().splitlines()[0]
    assert header.startswith("kind,step,seconds,events,loss,learning_rate")
    assert next(row for row in rows if row["kind"] == "novelty")["entropy_high"]
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    for name in ("best.pt", "last.pt"):
        data = read_checkpoint(tmp_path / name)["data"]
        assert data["licences"] == {"CC0-1.0": 2}
        assert data["by_source"]["toy"]["attribution"] == "made for tests"
    assert not list(tmp_path.glob("*.part*"))


def test_a_finished_run_goes_on_when_given_more(rng: np.random.Generator, tmp_path: Path) -> None:
    pack = toy_pack(rng)
    Run(RECIPE, pack, tmp_path, CPU, seed=1, report=lambda report: None).fit()
    longer = Run(
        recipe(schedule={"steps": 8}), pack, tmp_path, CPU, seed=1, report=lambda report: None
    )
    longer.resume()
    assert longer.step == 6
    longer.fit()
    steps = [int(row["step"]) for row in read_log(tmp_path / "log.csv")]
    assert longer.step == max(steps) == 8
    assert steps == sorted(steps)


@pytest.mark.parametrize(
    ("tables", "words"),
    [
        (
            {"stopping": {"patience": 2, "min_improvement": 9.0}, "novelty": {"continuations": 0}},
            "validation loss has not improved",
        ),
        (
            {"stopping": {"copied_limit": 0.1, "copied_patience": 1, "begin": 0.0}},
            "copying has risen beyond the limit",
        ),
    ],
)
def test_a_run_ends_early_and_the_log_says_why(
    tables: dict, words: str, rng: np.random.Generator, tmp_path: Path, monkeypatch
) -> None:
    # A sampler that plays the training piece from memory.
    monkeypatch.setattr(Novelty, "measure", lambda self, model: replace(COPYING))
    chosen = recipe(schedule={"steps": 500, "validate_seconds": 0.01}, **tables)
    run = Run(chosen, toy_pack(rng), tmp_path, CPU, seed=1, report=lambda report: None)
    assert words in run.fit()
    assert run.step < 100
    assert words in read_log(tmp_path / "log.csv")[-1]["message"]


def test_a_checkpoint_that_cannot_be_used_is_refused_in_one_line(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    run = Run(RECIPE, toy_pack(rng), tmp_path, CPU, seed=1)
    run.save()
    path = tmp_path / "last.pt"
    state = torch.load(path, weights_only=True)
    other = Run(recipe(model={"layers": 1}), toy_pack(rng), tmp_path, CPU, seed=1)
    with pytest.raises(TrainingError, match="of other sizes than the recipe; choose another --out"):
        other.resume()
    torch.save({**state, "version": 0}, path)
    with pytest.raises(TrainingError, match="version 0, this release reads version 1; train it"):
        run.resume()
    torch.save({"weights": torch.zeros(3)}, path)
    with pytest.raises(TrainingError, match="no checkpoint of Leitmotiv"):
        run.resume()
    whole = b"PK\x03\x04" + bytes(2000)
    path.write_bytes(whole)
    with pytest.raises(TrainingError, match="no checkpoint, or a damaged one") as error:
        run.resume()
    assert "\n" not in str(error.value)


def test_a_fault_while_saving_leaves_the_checkpoint_before(
    rng: np.random.Generator, tmp_path: Path, monkeypatch
) -> None:
    run = Run(RECIPE, toy_pack(rng), tmp_path, CPU, seed=1)
    run.save()
    before = (tmp_path / "last.pt").read_bytes()

    def torn(state: object, file: object) -> None:
        file.write(b"half")  # type: ignore[attr-defined]
        raise OSError("disk full")

    monkeypatch.setattr(torch, "save", torn)
    with pytest.raises(OSError, match="disk full"):
        run.save()
    assert (tmp_path / "last.pt").read_bytes() == before


def test_a_fault_in_the_drawing_thread_reaches_the_run(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    pack = toy_pack(rng)
    pack.arrays["cell_count"][:] = 0  # nothing to draw
    batches = Batches([Supply.of(pack, RECIPE)], RECIPE, seed=1)
    with pytest.raises(TrainingError, match="hardly any window"):
        batches.take()
    batches.close()


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
