"""PyTorch and ONNX agree: the same sampled piece under one seed, and nearly the same loss in int8.

The logits themselves are compared in ``test_train.py``.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra train")
pytest.importorskip("onnx", reason="needs the extra train")

from leitmotiv.models import DecodeOptions, EventModel, Prompt, TargetCell, decode  # noqa: E402
from leitmotiv.models.evaluation import SessionScorer  # noqa: E402
from leitmotiv.training.export import DecodeStep, export, load_checkpoint  # noqa: E402
from leitmotiv.training.model import ModelConfig, ScoreModel  # noqa: E402
from leitmotiv.training.scoring import CheckpointScorer  # noqa: E402
from leitmotiv.training.windows import draw_sequence  # noqa: E402

from .toy_pack import toy_pack  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

FIELD_SIZES = (195, 257, 113, 9)
CONDITION_SIZES = (20, 3, 20, 9, 33, 7, 3, 99, 99, 99, 8, 17, 7, 130, 18, 4, 9, 3)
INT8_LOSS = 0.01  # the bar for shipped weights: at most 1 % above float32


class TorchModel:
    """What ``decode`` asks of a model, answered by PyTorch."""

    def __init__(self, model: ScoreModel) -> None:
        self.network, self.inner = DecodeStep(model).eval(), model
        config = model.config
        self.width = config.width // config.heads
        self.layers, self.kv_heads = config.layers, config.kv_heads

    def new_cache(self, rows: int, places: int) -> list[np.ndarray]:
        shapes = [
            (rows, self.kv_heads, self.width, places),
            (rows, self.kv_heads, places, self.width),
        ]
        return [np.zeros(shape, np.float32) for shape in shapes * self.layers]

    @torch.no_grad()
    def step(self, *arrays: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        *inputs, cache = arrays
        given = [torch.from_numpy(np.ascontiguousarray(array)) for array in inputs]
        hidden, *new = self.network(*given, [torch.from_numpy(array) for array in cache])
        return hidden.numpy(), [array.numpy() for array in new]

    @torch.no_grad()
    def logits(self, field: int, hidden: np.ndarray, fields: np.ndarray) -> np.ndarray:
        return self.inner.heads(torch.from_numpy(hidden), torch.from_numpy(fields))[field].numpy()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """A small network that has learned the toy piece, its exports and some sequences."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("parity")
    pack = toy_pack(rng)
    config = ModelConfig(
        FIELD_SIZES, CONDITION_SIZES, width=64, layers=2, heads=4, kv_heads=2, hidden=96,
        dropout=0.0,
    )  # fmt: skip
    model = ScoreModel(config)
    sequences = [draw_sequence(pack, 0, rng, max_bars=6, max_parts=2, budget=80) for _ in range(8)]
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    from leitmotiv.training.windows import batch_arrays

    batch = {name: torch.from_numpy(array) for name, array in batch_arrays(sequences).items()}
    for _ in range(25):
        loss, _ = model.losses(batch)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    state = {
        "version": 1, "config": config.to_dict(), "model": model.state_dict(),
        "average": model.state_dict(), "step": 25, "seconds": 1.0, "events": 1, "recipe": {},
        "data": pack.header, "scores": {},
    }  # fmt: skip
    torch.save(state, folder / "run.pt")
    export(folder / "run.pt", folder / "float", "toy", quantise=False)
    export(folder / "run.pt", folder / "int8", "toy", quantise=True)
    return SimpleNamespace(folder=folder, sequences=sequences)


def test_one_seed_samples_the_same_piece(trained: SimpleNamespace) -> None:
    model, _ = load_checkpoint(trained.folder / "run.pt")
    prompt_source = trained.sequences[0]
    prompt = Prompt(
        prompt_source.events[:9],
        prompt_source.conditions[:9],
        prompt_source.time[:9].astype(np.float32),
    )
    targets = [
        TargetCell(prompt_source.conditions[bar], 96.0 * bar, (2, 0, 0, 0), 1, 3, max_events=6)
        for bar in range(1, 6)
    ]
    found = [
        decode(
            network, prompt, targets, np.random.default_rng(7), num_candidates=3,
            options=DecodeOptions(temperature=(1.0,) * 4, min_p=0.02),
        )
        for network in (TorchModel(model), EventModel(trained.folder / "float", "toy"))
    ]  # fmt: skip
    assert [row.cells for row in found[0]] == [row.cells for row in found[1]]
    assert sum(len(cell) for row in found[0] for cell in row.cells) > 20
    for one, other in zip(*found, strict=True):
        assert one.log_probability == pytest.approx(other.log_probability, rel=1e-3)


def test_losses_agree_exactly_in_float_and_nearly_in_int8(trained: SimpleNamespace) -> None:
    scorers = {
        "torch": CheckpointScorer(trained.folder / "run.pt"),
        "float": SessionScorer(EventModel(trained.folder / "float", "toy")),
        "int8": SessionScorer(EventModel(trained.folder / "int8", "toy")),
    }
    total = {
        name: sum(
            float(scorer.nats(s.events, s.conditions, s.time, s.targets).sum())
            for s in trained.sequences
        )
        for name, scorer in scorers.items()
    }
    assert total["float"] == pytest.approx(total["torch"], rel=1e-4)
    print(f"int8/float32 loss {total['int8'] / total['float']:.4f}")
    assert total["int8"] < total["float"] * (1 + INT8_LOSS)
