"""From a checkpoint of the timbre network to the files that ship: half precision and a sidecar.

    python -m leitmotiv.training.timbre_export runs/timbre/last.pt --data data.json --out FOLDER

Public names: :func:`export_timbre`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from leitmotiv.training.errors import TrainingError

__all__ = ["export_timbre"]

SIDECAR_VERSION = 1


def export_timbre(
    checkpoint: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    about: dict[str, Any] | None = None,
    name: str = "timbre",
) -> Path:
    """Write ``NAME.npz`` and ``NAME.json``; returns the path of the sidecar.

    ``about`` is copied into the sidecar: data, licences, metrics, recipe.
    """
    try:
        state = torch.load(checkpoint, weights_only=True, map_location="cpu")
        weights, names = state["average"], state["names"]
    except (OSError, KeyError, RuntimeError) as error:
        raise TrainingError(f"checkpoint={str(checkpoint)!r} is none of timbre_train") from error
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    arrays = {key: value.numpy().astype(np.float16) for key, value in weights.items()}
    part = target / f"{name}.part.npz"
    np.savez(part, **arrays)
    digest = hashlib.sha256(part.read_bytes()).hexdigest()
    os.replace(part, target / f"{name}.npz")
    sidecar = {
        "version": SIDECAR_VERSION,
        "name": name,
        "sha256": digest,
        "steps": state["step"],
        "sizes": state["sizes"],
        "instruments": [{"name": instrument} for instrument in names],
        "metrics": {
            "levels_test_db": {key: round(v, 3) for key, v in state["test_db"].items()},
            "levels_encoded_db": {key: round(v, 3) for key, v in state["encoded_db"].items()},
        },
        **(about or {}),
    }
    path = target / f"{name}.json"
    beside = path.with_suffix(".json.part")
    beside.write_text(json.dumps(sidecar, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(beside, path)
    return path


def main() -> None:
    """Export a checkpoint."""
    parser = argparse.ArgumentParser(description="Export the timbre network.")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--data", type=Path, help="JSON file to copy into the sidecar.")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    about = json.loads(given.data.read_text(encoding="utf-8")) if given.data else None
    print(export_timbre(given.checkpoint, given.out, about=about))


if __name__ == "__main__":
    main()
