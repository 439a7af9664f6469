"""The public surface is what ``public_surface.txt`` lists: no more, no less, all documented.

After a deliberate change: ``python tests/test_public_surface.py`` writes the listing anew.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest

import leitmotiv

LISTING = Path(__file__).with_name("public_surface.txt")
NOT_FOR_IMPORT = {"training", "__main__"}  # training needs an extra; __main__ runs


def room_names() -> list[str]:
    """Every package and top-level module, sorted."""
    return sorted(
        f"leitmotiv.{info.name}"
        for info in pkgutil.iter_modules(leitmotiv.__path__)
        if info.name not in NOT_FOR_IMPORT
    )


def listed() -> dict[str, list[str]]:
    rooms: dict[str, list[str]] = {}
    for line in LISTING.read_text(encoding="utf-8").splitlines():
        room, _, name = line.partition(": ")
        rooms.setdefault(room, []).append(name)
    return rooms


def public_names(room: str) -> list[str]:
    """What a room exports; nothing where its modules are imported by their own names."""
    return list(getattr(importlib.import_module(room), "__all__", []))


def surface() -> dict[str, list[str]]:
    return {room: sorted(public_names(room)) for room in room_names()}


@pytest.mark.parametrize("room", room_names())
def test_surface_is_the_listed_one(room: str) -> None:
    names = public_names(room)
    assert len(set(names)) == len(names), "a name stands twice in __all__"
    assert sorted(names) == listed().get(room, []), "run python tests/test_public_surface.py"


def test_no_listed_room_is_gone() -> None:
    assert set(listed()) <= set(room_names())


@pytest.mark.parametrize("room", room_names())
def test_every_public_name_resolves_and_is_documented(room: str) -> None:
    module = importlib.import_module(room)
    assert (module.__doc__ or "").strip(), f"{room} has no header docstring"
    for name in public_names(room):
        value = getattr(module, name)
        if inspect.isclass(value) or inspect.isroutine(value):
            doc = value.__doc__ or ""
            # A dataclass without a docstring gets its signature for one: that says nothing.
            documented = doc.strip() and not doc.startswith(f"{name}(")
            assert documented, f"{room}.{name} has no docstring"


if __name__ == "__main__":
    lines = [f"{room}: {name}" for room, names in surface().items() for name in names]
    LISTING.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"wrote {len(lines)} names to {LISTING}")
