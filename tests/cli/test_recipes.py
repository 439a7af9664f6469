"""Recipes are found by path and by name, a person's own before those that come along."""

from __future__ import annotations

from pathlib import Path

import pytest

from leitmotiv.cli.recipes import DEFAULT_CHECKPOINT, find_recipe, shipped_recipes
from leitmotiv.errors import CorpusError


def test_recipes_and_a_checkpoint_come_along() -> None:
    names = {path.stem for path in shipped_recipes()}
    assert {"composer", "finetune", "tiny"} <= names
    assert DEFAULT_CHECKPOINT.stat().st_size > 1e6


@pytest.mark.parametrize("name", ["tiny", "tiny.toml", "recipes/tiny", "recipes/tiny.toml"])
def test_a_recipe_is_found_by_name_anywhere(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = find_recipe(name)
    assert shipped in shipped_recipes()
    (tmp_path / "recipes").mkdir()
    own = tmp_path / "recipes" / "tiny.toml"
    own.write_text("[data]\n")
    if name.startswith("recipes") or name == "tiny":
        assert find_recipe(name).resolve() == own


def test_an_unknown_recipe_names_those_there_are(tmp_path: Path) -> None:
    for name in ("huge", str(tmp_path / "tiny")):
        with pytest.raises(CorpusError, match=r"composer, finetune, .*tiny"):
            find_recipe(name)
