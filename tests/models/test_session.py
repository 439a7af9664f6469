"""A model is found by folder, sidecar or file, and a wrong path is answered in one line."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from leitmotiv.errors import ModelError
from leitmotiv.models import load_model, open_model

WEIGHTS = Path(str(files("leitmotiv.models") / "weights"))


@pytest.fixture
def own(tmp_path: Path) -> Path:
    for file in WEIGHTS.glob("composer.*"):
        shutil.copy(file, tmp_path)
    return tmp_path


def test_nothing_named_is_the_shipped_model() -> None:
    assert open_model() is load_model()


@pytest.mark.parametrize("name", ["", "composer.json", "composer.heads.onnx"])
def test_folder_sidecar_and_file_name_the_same_model(own: Path, name: str) -> None:
    assert open_model(own / name).sidecar == load_model().sidecar


def test_two_models_in_a_folder_ask_for_a_choice(own: Path) -> None:
    shutil.copy(own / "composer.backbone.onnx", own / "other.backbone.onnx")
    with pytest.raises(ModelError, match=r"holds 2 models \(composer, other\)"):
        open_model(own)


def test_a_checkpoint_is_sent_to_export(tmp_path: Path) -> None:
    (tmp_path / "best.pt").write_bytes(b"PK")
    with pytest.raises(ModelError, match="leitmotiv export"):
        open_model(tmp_path / "best.pt")


def test_an_empty_folder_and_a_missing_one_are_no_models(tmp_path: Path) -> None:
    for path, reason in ((tmp_path, "is no exported model"), (tmp_path / "no", "does not exist")):
        with pytest.raises(ModelError, match=reason):
            open_model(path)


def test_weights_that_do_not_match_their_sidecar_are_refused(own: Path) -> None:
    with open(own / "composer.heads.onnx", "ab") as file:
        file.write(b"\0")
    with pytest.raises(ModelError, match="do not match their sidecar"):
        open_model(own)


def test_weights_of_another_version_are_refused(own: Path) -> None:
    sidecar = json.loads((own / "composer.json").read_text())
    (own / "composer.json").write_text(json.dumps({**sidecar, "sidecar_version": 99}))
    with pytest.raises(ModelError, match="has version 99"):
        open_model(own)
