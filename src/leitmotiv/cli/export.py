"""``leitmotiv export``: from a training checkpoint to files that the composer plays from.

Public names: :func:`export_command`.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from leitmotiv.errors import MissingExtraError, ModelError

__all__ = ["export_command"]


def export_command(
    checkpoint: Path,
    *,
    output: Path | None,
    name: str,
    keep_float: bool,
    overwrite: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write the ONNX files and the sidecar of a checkpoint.

    Raises
    ------
    ModelError
        If the checkpoint cannot be used, the name is no file name or a model stands there already.
    MissingExtraError
        If PyTorch or ONNX is not installed.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", name):
        raise ModelError(f"name={name!r} must be letters, digits, '-' and '_', at most 64 of them")
    folder = output or checkpoint.parent / "model"
    if (folder / f"{name}.json").exists() and not overwrite:
        raise ModelError(
            f"{folder / (name + '.json')} exists already; choose another --output or --name, or "
            "add --overwrite"
        )
    try:
        import onnx  # noqa: F401 - the exporter would miss it only halfway through

        from leitmotiv.training.errors import TrainingError
        from leitmotiv.training.export import export
    except ImportError as error:
        raise MissingExtraError(error.name or "torch", "train") from error
    try:
        sidecar = export(checkpoint, folder, name, quantise=not keep_float)
    except TrainingError as error:
        raise ModelError(str(error)) from error
    except OSError as error:
        raise ModelError(
            f"output={str(folder)!r} cannot be written ({error.strerror or error}); "
            "choose another folder"
        ) from error
    sizes = {file: (folder / file).stat().st_size for file in sidecar["sha256"]}
    if as_json:
        print(json.dumps({"folder": str(folder), "bytes": sizes, "sidecar": sidecar}, indent=1))
    elif quiet:
        print(folder)
    else:
        megabytes = sum(sizes.values()) / 1e6
        print(
            f"{folder / (name + '.json')}: {sidecar['parameters']:,} parameters, "
            f"{sidecar['weights']}, {megabytes:.1f} MB"
        )
        licences = ", ".join(f"{k} {v:,}" for k, v in sorted(sidecar["data"]["licences"].items()))
        print(f"  trained on {sidecar['data']['pieces']:,} pieces: {licences}")
        print(f'  compose with it: leitmotiv compose "..." --model {folder}')
