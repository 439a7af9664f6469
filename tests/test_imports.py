"""The arrows between the packages, as docs/architecture.md draws them, hold in every module."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "leitmotiv"

OPEN_TO_ALL = {"errors", "hooks"}

NOUNS = {"theory", "score", "plan", "audio"}

# package or top-level module -> the siblings it may import (errors and hooks are open to all)
ARROWS: dict[str, set[str]] = {
    "errors": set(),
    "hooks": set(),
    "theory": set(),
    "models": set(),
    "audio": set(),
    "score": {"theory"},
    "plan": {"score", "theory"},
    "tokens": {"score", "theory"},
    "styles": {"theory"},
    "compose": {"plan", "score", "theory", "tokens", "models", "styles", "review"},
    "corpus": {"score", "tokens", "theory", "review"},  # builds the index that review reads
    "training": set(),
    "instruments": {"score", "audio", "theory", "models"},
    "effects": {"audio"},
    "rack": {"effects", "audio"},
    "mix": {"effects", "rack", "audio"},
    "review": NOUNS,
    "release": NOUNS | {"review"},
    "piece_mix": {"plan", "score", "theory", "styles", "mix"},
    "pipeline": NOUNS
    | {"piece_mix"}
    | {"tokens", "models", "styles", "compose", "instruments", "effects", "rack", "mix"}
    | {"review", "release"},
    "evaluation": {"score", "tokens", "models"},
    "cli": NOUNS
    | {"pipeline", "evaluation", "tokens", "models", "styles", "instruments", "review", "release"}
    | {"compose"}  # the operations on music made elsewhere
    | {"effects", "rack", "mix"}  # the rack and mastering of audio made elsewhere
    | {"corpus", "training"},  # training inside the commands that train and evaluate; see below
    "__main__": {"cli"},
}

# The commands that train and evaluate are the one door to an outermost room.
MAY_USE = {"training": {"cli"}}

# Training runs on a bare machine that holds torch and numpy alone, so it may not even import
# the version of this package; these are all the outside packages it may name.
TRAINING_MAY_IMPORT = {"torch", "numpy", "onnx", "onnxscript", "onnxruntime", "matplotlib"}


def module_paths() -> list[Path]:
    return sorted(
        path for path in SOURCE.rglob("*.py") if path.parent != SOURCE or path.stem != "__init__"
    )


def room_of(path: Path) -> str:
    """The package, or the top-level module, that a file belongs to."""
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imported_modules(path: Path) -> Iterator[tuple[int, str]]:
    """Every absolute module name that a file imports, with its line."""
    package = ["leitmotiv", *path.relative_to(SOURCE).with_suffix("").parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*base, *([node.module] if node.module else [])])
            if name == "leitmotiv":
                for alias in node.names:
                    yield node.lineno, f"leitmotiv.{alias.name}"
            else:
                yield node.lineno, name


def imported_siblings(path: Path) -> Iterator[tuple[int, str]]:
    for line, name in imported_modules(path):
        head, _, rest = name.partition(".")
        if head == "leitmotiv" and rest and rest != "__version__":
            yield line, rest.split(".")[0]


@pytest.mark.parametrize("path", module_paths(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_follow_the_arrows(path: Path) -> None:
    room = room_of(path)
    assert room in ARROWS, f"{room} has no arrows yet: add it here and to docs/architecture.md"
    allowed = ARROWS[room] | OPEN_TO_ALL | {room}
    wrong = [
        f"line {line}: {name}" for line, name in imported_siblings(path) if name not in allowed
    ]
    assert not wrong, f"{path.relative_to(SOURCE)} may import {sorted(allowed)} only"


@pytest.mark.parametrize("room", ["training", "server", "cli"])
def test_nothing_imports_an_outermost_room(room: str) -> None:
    guests = [
        f"{path.relative_to(SOURCE)}:{line}"
        for path in module_paths()
        if room_of(path) not in {room, "__main__", *MAY_USE.get(room, ())}
        for line, name in imported_siblings(path)
        if name == room
    ]
    assert not guests


def test_commands_import_training_inside_functions_only() -> None:
    for path in (SOURCE / "cli").glob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                assert "training" not in ast.unparse(node), f"{path.name}:{node.lineno}"


def test_theory_uses_the_standard_library_alone() -> None:
    for path in (SOURCE / "theory").glob("*.py"):
        outside = {name.split(".")[0] for _, name in imported_modules(path)}
        assert outside <= set(sys.stdlib_module_names) | {"leitmotiv"}, path.name


def test_training_imports_torch_and_numpy_and_nothing_of_leitmotiv() -> None:
    for path in (SOURCE / "training").rglob("*.py"):
        for line, name in imported_modules(path):
            if name.startswith("leitmotiv.training"):
                continue
            head = name.split(".")[0]
            assert head in TRAINING_MAY_IMPORT | set(sys.stdlib_module_names), (
                f"{path}:{line}: {name}"
            )


def test_torch_is_imported_by_training_alone() -> None:
    for path in module_paths():
        if room_of(path) != "training":
            assert "torch" not in {name.split(".")[0] for _, name in imported_modules(path)}, path
