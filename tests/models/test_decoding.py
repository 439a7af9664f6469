"""Decoding obeys its filters, its seed and its cache."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from leitmotiv.errors import ModelError
from leitmotiv.models import (
    DecodeOptions,
    EventModel,
    Prompt,
    RowState,
    TargetCell,
    decode,
    load_model,
    sample_id,
)

NUM_CONDITIONS = 18
WEIGHTS = Path(str(files("leitmotiv.models"))) / "weights"


@pytest.fixture(scope="module")
def model() -> EventModel:
    return load_model()


def prompt(length: int) -> Prompt:
    """A plain scale in quarters, one cell."""
    events = np.zeros((length, 4), dtype=np.int64)
    events[0, 0] = 2
    events[1:, 0] = 3 + 24 * (np.arange(length - 1) % 4)
    events[1:, 1] = 61 + np.arange(length - 1)
    events[1:, 2] = 24
    time = np.maximum(events[:, 0] - 3, 0).astype(np.float32)
    return Prompt(events, np.zeros((length, NUM_CONDITIONS), dtype=np.int64), time)


def targets(count: int) -> list[TargetCell]:
    conditions = np.zeros(NUM_CONDITIONS, dtype=np.int64)
    return [
        TargetCell(conditions, 96.0 * (index + 1), (2, 0, 0, 0), end=1, first_position=3)
        for index in range(count)
    ]


class OnlyC:
    """A filter under which every pitch is middle C, positions rise and cells hold two notes."""

    def apply(self, field_index: int, logits: np.ndarray, row: RowState) -> None:
        if field_index == 1:
            logits[np.arange(len(logits)) != 61] = -np.inf
        if field_index == 0:
            logits[:3] = -np.inf
            logits[3 : (row.events[-1][0] + 1 if row.events else 3)] = -np.inf
            if len(row.events) == 2:
                logits[:] = -np.inf
                logits[1] = 0


def test_filters_decide_what_may_be_written(model: EventModel, rng: np.random.Generator) -> None:
    rows = decode(
        model, prompt(5), targets(3), rng, num_candidates=3, filters=[OnlyC()],
        options=DecodeOptions(num_fields=3),
    )  # fmt: skip
    for row in rows:
        assert [len(cell) for cell in row.cells] == [2, 2, 2]
        for cell in row.cells:
            assert [event[1] for event in cell] == [61, 61]
            assert cell[0][0] < cell[1][0]
            assert all(event[3] == 0 for event in cell)


def test_a_candidate_does_not_depend_on_its_neighbours(model: EventModel) -> None:
    def run(count: int) -> list[list[tuple[int, int, int, int]]]:
        generator = np.random.default_rng(5)
        rows = decode(model, prompt(5), targets(2), generator, num_candidates=count)
        return rows[0].cells

    assert run(1) == run(1)
    assert run(1) == run(4)


def test_the_cache_gives_what_one_pass_gives(model: EventModel) -> None:
    whole = prompt(9)
    index = np.arange(9, dtype=np.float32)[None]
    empty = np.full((1, 1), -1e9, dtype=np.float32)
    hidden, _ = model.step(
        whole.events[None], whole.conditions[None], whole.time[None], index, empty,
        model.new_cache(1, 1),
    )  # fmt: skip
    cache = model.new_cache(1, 16)
    mask = np.full((1, 16), -1e9, dtype=np.float32)
    for place in range(9):
        one = slice(place, place + 1)
        last, new = model.step(
            whole.events[None, one], whole.conditions[None, one], whole.time[None, one],
            index[:, one], mask, cache,
        )  # fmt: skip
        for number, (buffer, fresh) in enumerate(zip(cache, new, strict=True)):
            if number % 2 == 0:
                buffer[..., one] = fresh
            else:
                buffer[:, :, one] = fresh
        mask[:, place] = 0
    # int8 activations are quantised per call, so the two passes round differently.
    assert np.corrcoef(last[0, -1], hidden[0, -1])[0, 1] > 0.995


def test_decoding_nothing_is_an_error(model: EventModel, rng: np.random.Generator) -> None:
    with pytest.raises(ModelError, match="targets is empty"):
        decode(model, prompt(3), [], rng)


def test_sampling_follows_the_distribution(rng: np.random.Generator) -> None:
    logits = np.log(np.asarray([0.7, 0.2, 0.1], dtype=np.float32))
    drawn = [sample_id(logits, rng) for _ in range(4000)]
    share = np.bincount(drawn, minlength=3) / len(drawn)
    assert np.allclose(share, [0.7, 0.2, 0.1], atol=0.03)  # 4 standard errors
    assert {sample_id(logits, rng, min_p=0.25) for _ in range(300)} == {0, 1}


def copy_weights(folder: Path) -> Path:
    for path in WEIGHTS.glob("composer.*"):
        shutil.copy(path, folder)
    return folder


def test_weights_of_another_version_are_refused(tmp_path: Path) -> None:
    folder = copy_weights(tmp_path)
    sidecar = json.loads((folder / "composer.json").read_text())
    (folder / "composer.json").write_text(json.dumps({**sidecar, "sidecar_version": 99}))
    with pytest.raises(ModelError, match="version 99"):
        EventModel(folder, "composer")


def test_damaged_weights_are_refused(tmp_path: Path) -> None:
    folder = copy_weights(tmp_path)
    path = folder / "composer.heads.onnx"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match="do not match"):
        EventModel(folder, "composer")
    path.unlink()
    with pytest.raises(ModelError, match="missing"):
        EventModel(folder, "composer")


def test_a_sidecar_names_every_licence_and_attribution(model: EventModel) -> None:
    data = model.sidecar["data"]
    assert sum(data["licences"].values()) == data["pieces"]
    for source in data["by_source"].values():
        assert source["attribution"]
        assert not any("SA" in licence.split("-") for licence in source["licences"])
