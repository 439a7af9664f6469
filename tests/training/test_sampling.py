"""The cached sampler computes what the whole network does, and keeps to the grammar."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra train")

from leitmotiv.training.model import ModelConfig, ScoreModel  # noqa: E402
from leitmotiv.training.sampling import Cache, Prompt, advance, sample_cells  # noqa: E402
from leitmotiv.training.train import CONDITION_SIZES, FIELD_SIZES, to_device  # noqa: E402
from leitmotiv.training.windows import batch_arrays, build_sequence  # noqa: E402

from .toy_pack import toy_pack  # noqa: E402

CPU = torch.device("cpu")


@pytest.fixture
def model() -> ScoreModel:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    sizes = {"width": 32, "layers": 2, "heads": 4, "kv_heads": 2, "hidden": 48, "dropout": 0.3}
    return ScoreModel(ModelConfig(FIELD_SIZES, CONDITION_SIZES, **sizes)).eval()


def windows(rng: np.random.Generator, known: bool = True) -> list:
    pack = toy_pack(rng)
    if not known:
        pack.arrays["note_velocity"][:] = 0
    target = np.zeros((4, 2), dtype=bool)
    target[2:] = True
    later = target.copy()
    later[2] = False
    parts = np.arange(2)
    return [
        build_sequence(pack, 0, 0, 4, parts, target, parts),
        build_sequence(pack, 0, 2, 4, parts, later, parts),
    ]


def test_cached_steps_give_what_the_whole_pass_gives(
    model: ScoreModel, rng: np.random.Generator
) -> None:
    data = to_device(batch_arrays(windows(rng)), CPU)
    real = data["events"][..., 0] > 0
    length = data["events"].shape[1]
    index = torch.arange(length).expand(2, length)
    with torch.no_grad():
        whole = model.backbone(data["events"], data["conditions"], data["time"])
        cache = Cache(model, 2, length, CPU)
        found = []
        for first, last in ((0, 5), (5, 6), (6, 7), (7, length)):
            part = [data[name][:, first:last] for name in ("events", "conditions", "time")]
            found.append(advance(model, cache, *part, index[:, first:last], real[:, first:last]))
    assert torch.allclose(torch.cat(found, dim=1)[real], whole[real], atol=1e-5)


@pytest.mark.parametrize("known", [True, False])
def test_written_cells_keep_to_the_grammar(
    model: ScoreModel, rng: np.random.Generator, known: bool
) -> None:
    prompts = [Prompt.of(window) for window in windows(rng, known)]
    assert [len(prompt.cell_time) for prompt in prompts] == [4, 2]
    cells = sample_cells(model, prompts, seed=1)
    assert [len(row) for row in cells] == [4, 2]
    written = np.concatenate([cell for row in cells for cell in row])
    assert len(written)
    assert np.all((written[:, 3] > 0) == known)
    for cell in (cell for row in cells for cell in row):
        position, pitch = cell[:, 0], cell[:, 1]
        assert np.all((position >= 3) & (position < 3 + 96))
        order = position * 1000 + pitch
        assert np.all(np.diff(order) > 0)
        assert np.all(cell[:, 2] > 0)
    again = sample_cells(model, prompts, seed=1)
    assert all(
        np.array_equal(a, b)
        for one, two in zip(cells, again, strict=True)
        for a, b in zip(one, two, strict=True)
    )


def test_a_row_is_not_changed_by_its_neighbours(
    model: ScoreModel, rng: np.random.Generator
) -> None:
    prompts = [Prompt.of(window) for window in windows(rng)]
    # With min_p 1 only the likeliest id is left: no chance, so rows can be compared.
    alone = [sample_cells(model, [prompt], seed=1, min_p=1.0)[0] for prompt in prompts]
    together = sample_cells(model, prompts, seed=1, min_p=1.0)
    for one, two in zip(alone, together, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, two, strict=True))
