"""Fine-tuning starts from the base, is held by it, names its licences, and reports on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra train")

from leitmotiv.cli.recipes import DEFAULT_CHECKPOINT  # noqa: E402
from leitmotiv.models import load_model  # noqa: E402
from leitmotiv.training.batches import Batches, Supply, load_pack, with_held_out_pieces  # noqa: E402
from leitmotiv.training.checkpoints import (  # noqa: E402
    merge_data,
    read_checkpoint,
    save_checkpoint,
    slim_checkpoint,
)
from leitmotiv.training.errors import TrainingError  # noqa: E402
from leitmotiv.training.recipes import check_recipe  # noqa: E402
from leitmotiv.training.run import Base, Report, Run  # noqa: E402
from leitmotiv.training.train import TrainOptions, train  # noqa: E402

from .test_train import CPU, RECIPE  # noqa: E402
from .toy_pack import save_toy_pack, toy_pack  # noqa: E402


def tuning(**schedule: float) -> dict:
    """A recipe without sizes."""
    parts = {"data": RECIPE["data"], "schedule": {**RECIPE["schedule"], "steps": 2, **schedule}}
    return {**parts, "data": {**RECIPE["data"], "rehearsal": 0.5}}


@pytest.fixture
def base(rng: np.random.Generator, tmp_path: Path) -> Base:
    folder = tmp_path / "base"
    folder.mkdir()
    run = Run(RECIPE, toy_pack(rng), folder, CPU, seed=1, report=lambda report: None)
    run.save("best.pt")
    return Base("best.pt", read_checkpoint(folder / "best.pt"))


def distance(run: Run, base: Base) -> float:
    """How far the weights are from the base's."""
    state = base.state["average"]
    found = run.model.state_dict()
    return float(sum((found[name] - state[name]).square().sum() for name in state))


def own_pack(rng: np.random.Generator, folder: Path):
    return load_pack(save_toy_pack(rng, folder / "mine.npz", source="mine"))


def test_it_starts_from_the_average_weights_and_is_held_by_the_anchor(
    base: Base, rng: np.random.Generator, tmp_path: Path
) -> None:
    pack = own_pack(rng, tmp_path)
    ways = []
    for anchor in (0.0, 20.0):
        run = Run(tuning(anchor=anchor), pack, tmp_path, CPU, seed=1, base=base)
        assert distance(run, base) == 0
        batches = Batches([Supply.of(pack, run.recipe)], run.recipe, seed=1)
        data = {k: torch.from_numpy(v) for k, v in batches.take().items()}
        batches.close()
        for _ in range(8):
            run.train_step(data, 5e-3)
        ways.append(distance(run, base))
    assert 0 < ways[1] < 0.7 * ways[0]


def test_a_slim_checkpoint_is_a_base_in_half_precision(
    base: Base, rng: np.random.Generator, tmp_path: Path
) -> None:
    save_checkpoint(tmp_path / "slim.pt", slim_checkpoint(base.state))
    slim = Base("slim.pt", read_checkpoint(tmp_path / "slim.pt"))
    run = Run(tuning(), own_pack(rng, tmp_path), tmp_path, CPU, seed=1, base=slim)
    assert all(weights.dtype == torch.float32 for weights in run.model.state_dict().values())
    size = sum(weights.square().sum() for weights in base.state["average"].values())
    assert 0 < distance(run, base) < 1e-6 * float(size)
    assert run.data["licences"] == {"CC0-1.0": 4}


def test_the_shipped_checkpoint_is_the_shipped_composer() -> None:
    state, sidecar = read_checkpoint(DEFAULT_CHECKPOINT), load_model().sidecar
    assert state["step"] == sidecar["trained"]["steps"]
    assert state["data"]["by_source"] == sidecar["data"]["by_source"]
    assert state["config"]["width"] == sidecar["sizes"]["width"]


def test_base_loss_is_reported_before_and_after_and_licences_are_joined(
    base: Base, rng: np.random.Generator, tmp_path: Path
) -> None:
    told: list[Report] = []
    with_pack = Base(base.name, base.state, toy_pack(rng))
    run = Run(
        tuning(), own_pack(rng, tmp_path), tmp_path, CPU, 1, base=with_pack, report=told.append
    )
    run.fit()
    reports = [report for report in told if report.kind == "base"]
    assert ["before" in report.text for report in reports] == [True, False]
    assert all(report.values["bits_per_note"] > 0 for report in reports)
    data = read_checkpoint(tmp_path / "best.pt")["data"]
    assert data["licences"] == {"CC0-1.0": 4}
    assert set(data["by_source"]) == {"toy", "mine"}
    assert data["pieces"] == 4


def test_without_the_base_pack_it_says_what_cannot_be_said(
    base: Base, rng: np.random.Generator, tmp_path: Path
) -> None:
    told: list[Report] = []
    pack = own_pack(rng, tmp_path)
    run = Run(tuning(), pack, tmp_path, CPU, seed=1, base=base, report=told.append)
    run.fit()
    assert any("without --base-pack" in report.text for report in told)
    assert not any(report.kind == "base" for report in told)
    plain = Run(RECIPE, pack, tmp_path, CPU, seed=1)
    with pytest.raises(TrainingError, match=r"begun with --from best.pt; go on the same way"):
        plain.resume()


def test_rehearsal_draws_from_both_packs(rng: np.random.Generator) -> None:
    first, second = toy_pack(rng), toy_pack(rng)
    second.globals = second.globals * 0 + 7  # a genre to know it by
    recipe = check_recipe(tuning(), fine_tuning=True)
    for rehearsal, genres in ((0.5, {1, 7}), (0.0, {1})):
        recipe["data"]["rehearsal"] = rehearsal
        batches = Batches([Supply.of(p, recipe) for p in (first, second)], recipe, seed=1)
        batches.close()
        drawn = [s for batch in batches.pool() + batches.pool() for s in batch]
        found = {int(genre) for s in drawn for genre in s.conditions[:, 0]} - {0}
        assert found == genres


def test_a_pack_without_held_out_pieces_spares_one_in_ten(rng: np.random.Generator) -> None:
    pack = toy_pack(rng)
    pack.arrays["piece_split"] = np.zeros(20, np.uint8)
    assert len(with_held_out_pieces(pack).indices(1)) == 2
    pack.arrays["piece_split"] = np.zeros(4, np.uint8)
    assert len(with_held_out_pieces(pack).indices(1)) == 0


def test_merged_data_counts_pieces_of_both_once() -> None:
    row = {"pieces": 2, "notes": 10, "licences": {"PD": 2}, "attribution": "a", "named": ["x"]}
    first = {"vocabulary_version": 1, "sources": ["a"], "by_source": {"a": row}}
    assert merge_data(first, first)["licences"] == {"PD": 2}
    more = {**row, "pieces": 3, "licences": {"CC0-1.0": 3}, "named": ["y"]}
    both = merge_data(first, {**first, "by_source": {"a": more}})
    assert both["by_source"]["a"]["named"] == ["x", "y"]
    assert both["licences"] == {"PD": 2, "CC0-1.0": 3}
    with pytest.raises(TrainingError, match="vocabulary 2 of the pack"):
        merge_data(first, {**first, "vocabulary_version": 2})


def test_what_does_not_go_together_is_refused_before_anything_is_written(
    rng: np.random.Generator, tmp_path: Path
) -> None:
    recipe = Path(__file__).parents[2] / "recipes" / "tiny.toml"
    pack = save_toy_pack(rng, tmp_path / "toy.npz")
    (tmp_path / "text.npz").write_text("no pack")
    out = tmp_path / "run"
    cases = [
        ({"pack": tmp_path / "none.npz"}, "does not exist; make it with: leitmotiv corpus pack"),
        ({"pack": tmp_path / "text.npz"}, "is no pack"),
        ({"base": pack}, "no checkpoint"),
        ({"base_pack": pack}, "goes with --from CHECKPOINT"),
        ({"minutes": -1.0}, "minutes=-1 must be above 0"),
    ]
    for options, words in cases:
        chosen = {"recipe": recipe, "pack": pack, "out": out, "threads": 1, **options}
        with pytest.raises(TrainingError, match=words):
            train(TrainOptions(**chosen))
        assert not out.exists()
