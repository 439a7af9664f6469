"""Find and read style files.

Purpose: the shipped styles by name or by genre, and a person's own file by path.

Public names: :func:`load_style`, :func:`load_style_file`, :func:`style_names`,
:func:`style_for_genre`.
"""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from leitmotiv.errors import StyleError
from leitmotiv.styles.style import Style

__all__ = ["load_style", "load_style_file", "style_for_genre", "style_names"]


def _parse(text: str, source: str) -> Style:
    try:
        data: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise StyleError(f"style file {source} must be TOML: {error}") from None
    try:
        return Style.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"]) or "(whole file)"
        message = first["msg"].removeprefix("Value error, ")
        raise StyleError(f"style file {source}, key {key}: {message}".replace("\n", " ")) from None


def load_style_file(path: str | Path) -> Style:
    """Read and validate a person's own style file (TOML, see :class:`Style`).

    Raises
    ------
    StyleError
        One line that names the file, the key and what is required of it.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise StyleError(f"style file {path} cannot be read: {reason}") from None
    return _parse(text, str(path))


@cache
def style_names() -> tuple[str, ...]:
    """Return the names of the shipped styles, sorted.

    Examples
    --------
    >>> "rock" in style_names()
    True
    """
    folder = resources.files("leitmotiv.styles") / "data"
    return tuple(
        sorted(
            entry.name[: -len(".toml")]
            for entry in folder.iterdir()
            if entry.name.endswith(".toml")
        )
    )


def load_style(name: str) -> Style:
    """Return a shipped style by its name, or a person's own by the path of its ``.toml`` file.

    Raises
    ------
    StyleError
        If no style has this name or the file breaks the schema.

    Examples
    --------
    >>> load_style("waltz").meters[0]
    '3/4'
    """
    if name.endswith(".toml"):
        return load_style_file(name)
    if name not in style_names():
        raise StyleError(f"style={name!r} is unknown; use one of {', '.join(style_names())}")
    return _shipped(name)


@cache
def _shipped(name: str) -> Style:
    entry = resources.files("leitmotiv.styles") / "data" / f"{name}.toml"
    return _parse(entry.read_text(encoding="utf-8"), f"{name}.toml")


@cache
def _genre_table() -> dict[str, str]:
    table: dict[str, str] = {}
    for name in style_names():
        for genre in (name, *load_style(name).genres):
            table.setdefault(_plain(genre), name)
    return table


def _plain(genre: str) -> str:
    return " ".join(genre.lower().replace("-", " ").replace("_", " ").split())


def style_for_genre(genre: str) -> Style | None:
    """Return the style for a genre word, None where only the score model knows the genre.

    Case, hyphens and underscores do not matter.

    Examples
    --------
    >>> style_for_genre("Lo-Fi").name
    'lofi'
    >>> style_for_genre("gregorian chant") is None
    True
    """
    name = _genre_table().get(_plain(genre))
    return None if name is None else load_style(name)
