"""Recipes by path or by name: a person's own first, then those that come with Leitmotiv.

Public names: :func:`find_recipe`, :func:`shipped_recipes`, :data:`DEFAULT_CHECKPOINT`.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from leitmotiv.errors import CorpusError

__all__ = ["DEFAULT_CHECKPOINT", "find_recipe", "shipped_recipes"]

# The shipped composer as fine-tuning reads it: half precision, without the state of the optimiser.
DEFAULT_CHECKPOINT = Path(str(files("leitmotiv.models") / "weights" / "composer.pt"))


def shipped_recipes() -> list[Path]:
    """The recipe files of the installation, or of the repository that it is edited in."""
    package = Path(str(files("leitmotiv")))
    installed, repository = package / "recipes", package.parents[1] / "recipes"
    folder = installed if installed.is_dir() else repository
    return sorted(folder.glob("*.toml"))


def find_recipe(name: str | Path) -> Path:
    """Return the file of a recipe.

    Parameters
    ----------
    name : str or Path
        A path with or without its ending, or the name of a file in ``recipes`` here or of one that
        comes with Leitmotiv, such as ``tiny``.

    Raises
    ------
    CorpusError
        If there is none.
    """
    shipped = {path.stem: path for path in shipped_recipes()}
    own = [Path(name), Path(f"{name}.toml"), Path("recipes") / f"{name}.toml"]
    for path in own:
        if path.is_file():
            return path
    path = Path(name)
    if path.parent in (Path(), Path("recipes")) and path.name.removesuffix(".toml") in shipped:
        return shipped[path.name.removesuffix(".toml")]
    raise CorpusError(
        f"recipe={str(name)!r} does not exist; name a TOML file or one of those that come with "
        f"Leitmotiv: {', '.join(sorted(shipped))}"
    )
