"""Export timbre transfer: ``python -m leitmotiv.training.transfer_export RUN.pt FOLDER``.

Writes ``timbre-transfer.npz`` (the averaged generator in half precision, as
:mod:`leitmotiv.instruments.timbre_network` reads it) and the sidecar ``timbre-transfer.json``.

Public names: :func:`export`, :func:`main`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch

from leitmotiv.training import transfer_model
from leitmotiv.training.errors import TrainingError

__all__ = ["export", "main"]

SIDECAR_VERSION = 1
LICENCES = {
    "soundfont": "MuseScore General: MIT (S. Christian Collins, FluidR3 by Frank Wen, and others)",
    "synthesisers": "Leitmotiv's own modelled instruments: Apache-2.0",
    "phrases": "drawn at random by leitmotiv.instruments.timbre_pairs: Apache-2.0",
}


def export(
    checkpoint: Path,
    folder: Path,
    name: str = "timbre-transfer",
    *,
    metrics: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Write weights and sidecar; return the sidecar.

    Raises
    ------
    TrainingError
        If the checkpoint is missing or no checkpoint of timbre transfer.
    """
    try:
        state = torch.load(checkpoint, weights_only=True)
        recipe, data = json.loads(state["recipe"]), json.loads(state["data"])
        weights = {key: value.to(torch.float16).numpy() for key, value in state["average"].items()}
    except (OSError, RuntimeError, KeyError, ValueError, pickle.UnpicklingError) as error:
        raise TrainingError(
            f"checkpoint={str(checkpoint)!r} is none of timbre transfer ({error}); train one with "
            "python -m leitmotiv.training.transfer_train"
        ) from error
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.npz"
    part = path.with_name(f".{path.name}.part.npz")
    np.savez_compressed(part, **weights)
    os.replace(part, path)
    sidecar: dict[str, Any] = {
        "sidecar_version": SIDECAR_VERSION,
        "name": name,
        "classes": list(state["classes"]),
        "sizes": {
            "bands": state["bands"],
            "width": recipe["model"]["width"],
            "dilations": recipe["model"]["dilations"],
            "conditioning": recipe["model"]["conditioning"],
        },
        "scaling": {
            "lowest_db": transfer_model.LOWEST_DB,
            "centre_db": transfer_model.CENTRE_DB,
            "spread_db": transfer_model.SPREAD_DB,
        },
        "parameters": int(sum(value.size for value in weights.values())),
        "weights": "float16",
        "trained": {
            "stage": state["stage"],
            "steps": state["step"],
            "minutes": round(state["seconds"] / 60, 1),
            "recipe": recipe,
        },
        "data": {**data, "licences": LICENCES},
        "metrics": metrics or {},
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    text = json.dumps(sidecar, indent=1) + "\n"
    (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return sidecar


def main() -> None:
    """Export from the command line."""
    parser = argparse.ArgumentParser(description="Export timbre transfer.")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--name", default="timbre-transfer")
    parser.add_argument("--metrics", type=Path, help="JSON printed by the benchmark")
    arguments = parser.parse_args()
    metrics = json.loads(arguments.metrics.read_text()) if arguments.metrics else None
    sidecar = export(arguments.checkpoint, arguments.folder, arguments.name, metrics=metrics)
    print(f"{sidecar['parameters']:,} parameters, stage {sidecar['trained']['stage']}")


if __name__ == "__main__":
    main()
