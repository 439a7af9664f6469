"""Checkpoints: written whole or not at all, read with plain words about what is wrong.

A checkpoint holds the weights and their average, the optimisers, where the run stood, the recipe,
and under ``data`` the licences and attributions of everything the weights have seen, the base of a
fine-tuning included.

Public names: :func:`save_checkpoint`, :func:`read_checkpoint`, :func:`slim_checkpoint`,
:func:`merge_data`, :data:`CHECKPOINT_VERSION`.
"""

from __future__ import annotations

import os
import pickle
from pathlib import Path
from typing import Any

import torch

from leitmotiv.training.errors import TrainingError

__all__ = [
    "CHECKPOINT_VERSION",
    "merge_data",
    "read_checkpoint",
    "save_checkpoint",
    "slim_checkpoint",
]

CHECKPOINT_VERSION = 1
NEEDED = ("version", "config", "model", "average", "step", "recipe", "data")


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint whole or not at all; a kill at any moment leaves the one before."""
    temporary = path.with_name(path.name + ".part")
    with open(temporary, "wb") as file:
        torch.save(state, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def slim_checkpoint(state: dict[str, Any]) -> dict[str, Any]:
    """What fine-tuning and export need of a checkpoint: the averaged weights in half precision.

    About an eighth of the whole; the run itself cannot be resumed from it.
    """
    weights = {name: tensor.to(torch.float16) for name, tensor in state["average"].items()}
    left_out = ("model", "average", "optimizers", "stopping")
    kept = {name: value for name, value in state.items() if name not in left_out}
    return {**kept, "model": weights, "average": weights}


def read_checkpoint(path: Path, device: torch.device | str = "cpu") -> dict[str, Any]:
    """Read a checkpoint.

    Raises
    ------
    TrainingError
        If the file is missing, is no checkpoint, or is of another version.
    """
    name = f"checkpoint={str(path)!r}"
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError as error:
        raise TrainingError(f"{name} does not exist; check its name and folder") from error
    except (OSError, RuntimeError, ValueError, EOFError, KeyError, pickle.UnpicklingError) as error:
        raise TrainingError(
            f"{name} is no checkpoint, or a damaged one; name a best.pt or last.pt that "
            "`leitmotiv train` wrote"
        ) from error
    if not isinstance(state, dict) or "version" not in state:
        raise TrainingError(
            f"{name} is no checkpoint of Leitmotiv; name a best.pt or last.pt that "
            "`leitmotiv train` wrote"
        )
    if state["version"] != CHECKPOINT_VERSION:
        raise TrainingError(
            f"{name} is of version {state['version']!r}, this release reads version "
            f"{CHECKPOINT_VERSION}; train it anew, or use the release that wrote it"
        )
    if missing := [key for key in NEEDED if key not in state]:
        raise TrainingError(f"{name} lacks {missing[0]!r}; name a whole checkpoint")
    return state


def merge_data(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Join the data descriptions of two packs: counts, licences, attributions by source.

    A source found in both is taken to be the same pieces where their counts agree.
    """
    if first["vocabulary_version"] != second["vocabulary_version"]:
        raise TrainingError(
            f"vocabulary {second['vocabulary_version']} of the pack is not the base's "
            f"{first['vocabulary_version']}; pack the pieces with the release that trained it"
        )
    by_source = {name: dict(row) for name, row in first["by_source"].items()}
    for name, row in second["by_source"].items():
        if name not in by_source:
            by_source[name] = dict(row)
        elif by_source[name] != row:
            old = by_source[name]
            named = [*old.get("named", []), *row.get("named", [])]
            by_source[name] = {
                **old,
                "pieces": old["pieces"] + row["pieces"],
                "notes": old["notes"] + row["notes"],
                "licences": _added(old["licences"], row["licences"]),
                "named": list(dict.fromkeys(named)),
            }
    licences: dict[str, int] = {}
    for row in by_source.values():
        licences = _added(licences, row["licences"])
    return {
        **first,
        "sources": sorted({*first["sources"], *second["sources"]}),
        "by_source": by_source,
        "licences": licences,
        "pieces": sum(row["pieces"] for row in by_source.values()),
        "notes": sum(row["notes"] for row in by_source.values()),
    }


def _added(first: dict[str, int], second: dict[str, int]) -> dict[str, int]:
    return {key: first.get(key, 0) + second.get(key, 0) for key in {**first, **second}}
