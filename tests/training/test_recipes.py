"""A recipe says what it may say, and a slip of the pen is named with its remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from leitmotiv.training.errors import TrainingError
from leitmotiv.training.recipes import check_recipe, load_recipe, stage

RECIPES = Path(__file__).parents[2] / "recipes"
SMALL = {"model": {}, "data": {}, "schedule": {"minutes": 1}}


def changed(table: str, **keys: object) -> dict[str, dict[str, object]]:
    return {**SMALL, table: {**SMALL.get(table, {}), **keys}}


@pytest.mark.parametrize("name", ["tiny", "composer", "finetune"])
def test_the_recipes_of_the_project_are_sound(name: str) -> None:
    recipe = load_recipe(RECIPES / f"{name}.toml", fine_tuning=name == "finetune")
    assert check_recipe(recipe) == recipe  # filling in defaults twice changes nothing


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ({"model": {}, "data": {}}, r"table \[schedule\] is missing"),
        (changed("schedule", learning_rat=1e-3), "did you mean learning_rate"),
        (changed("stoping", patience=3), "did you mean stopping"),
        (changed("schedule", ema=1.5), "schedule.ema = 1.5 must be a number from 0 to"),
        (changed("schedule", accumulate=1.5), "must be a whole number"),
        (changed("schedule", save_seconds=600), "save_seconds = 600 must be a number from"),
        (changed("schedule", curriculum_bars=[8, 64]), "whole numbers from 1 to 32"),
        (changed("schedule", mixed_precision="cpu"), 'true, false or "gpu"'),
        (changed("data", genre_shares={"piano": -1}), "numbers from 0 up"),
        (changed("model", heads=5), "multiple of model.kv_heads"),
        (changed("model", width=100), "multiple of 4"),
        ({**SMALL, "schedule": {}}, "schedule.minutes or schedule.steps"),
    ],
)
def test_a_recipe_that_cannot_be_meant_is_refused(recipe: dict, words: str) -> None:
    with pytest.raises(TrainingError, match=words) as error:
        check_recipe(recipe)
    assert "\n" not in str(error.value)


def test_files_that_are_no_recipes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"cannot be read .* recipes/tiny.toml"):
        load_recipe(tmp_path / "none.toml")
    (tmp_path / "text.toml").write_text("Dear composer,")
    with pytest.raises(TrainingError, match="is no TOML"):
        load_recipe(tmp_path / "text.toml")


def test_the_curriculum_grows_with_the_run() -> None:
    recipe = check_recipe(changed("schedule", curriculum_budgets=[128, 256]))
    found = [stage(recipe, share) for share in (0.0, 0.34, 0.5, 0.67, 1.0)]
    assert found == [(8, 128), (16, 128), (16, 256), (32, 256), (32, 256)]
