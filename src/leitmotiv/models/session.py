"""Weights on disk and the ONNX sessions that run them.

A model is three files that share a stem: ``NAME.backbone.onnx`` (one step of the Transformer with a
key-value cache), ``NAME.heads.onnx`` (the chained field heads) and the sidecar ``NAME.json``
(version, sizes, data, licences, metrics, checksums).

Shapes: ``B`` rows, ``T`` new events, ``P`` cached places, ``E`` conditions, ``D`` width, ``G``
key-value heads, ``K`` head width.

Public names: :class:`EventModel`, :func:`load_model`, :func:`open_model`, :data:`DEFAULT_MODEL`.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from leitmotiv.errors import ModelError

__all__ = ["DEFAULT_MODEL", "EventModel", "load_model", "open_model"]

DEFAULT_MODEL = "composer"
SIDECAR_VERSION = 1

Float = NDArray[np.float32]
Int = NDArray[np.int64]


class EventModel:
    """A score model: feed events, read hidden states, ask the heads for logits."""

    def __init__(self, folder: Path, name: str) -> None:
        self.sidecar = _read_sidecar(folder / f"{name}.json")
        self.name = name
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._backbone = _session(folder, f"{name}.backbone.onnx", self.sidecar, options)
        self._heads = _session(folder, f"{name}.heads.onnx", self.sidecar, options)
        sizes = self.sidecar["sizes"]
        self.layers, self.kv_heads = int(sizes["layers"]), int(sizes["kv_heads"])
        self.head_width = int(sizes["width"]) // int(sizes["heads"])
        self.field_sizes: tuple[int, ...] = tuple(sizes["field_sizes"])
        self.vocabulary_version = int(self.sidecar["vocabulary_version"])
        outputs = [f"{kind}_{i}" for i in range(self.layers) for kind in ("key", "value")]
        self._outputs = ["hidden", *outputs]
        self._past = [f"past_{name}" for name in outputs]

    def new_cache(self, rows: int, places: int) -> list[Float]:
        """Return empty key (B, G, K, P) and value (B, G, P, K) buffers, alternating by layer."""
        key_shape = (rows, self.kv_heads, self.head_width, places)
        value_shape = (rows, self.kv_heads, places, self.head_width)
        return [
            np.zeros(key_shape if index % 2 == 0 else value_shape, dtype=np.float32)
            for index in range(2 * self.layers)
        ]

    def step(
        self,
        events: Int,
        conditions: Int,
        time: Float,
        index: Float,
        mask: Float,
        cache: list[Float],
    ) -> tuple[Float, list[Float]]:
        """Run new events against the cache.

        Parameters
        ----------
        events : (B, T, 4); conditions : (B, T, E); time, index : (B, T)
        mask : (B, P), 0 for a filled place of the cache, a large negative number for an empty one.
        cache : buffers from :meth:`new_cache`; not changed.

        Returns
        -------
        hidden : (B, T, D) and the keys (B, G, K, T) and values (B, G, T, K) of the new events.
        """
        feed: dict[str, Any] = {
            "events": events,
            "conditions": conditions,
            "time": time,
            "index": index,
            "mask": mask,
        }
        feed.update(zip(self._past, cache, strict=True))
        hidden, *new = self._backbone.run(self._outputs, feed)
        return hidden, new

    def logits(self, field: int, hidden: Float, fields: Int) -> Float:
        """Logits (B, V) of one field from hidden (B, D) and the earlier fields' ids (B, 3)."""
        name = ("position", "pitch", "duration", "velocity")[field]
        result = self._heads.run([name], {"hidden": hidden, "fields": fields})[0]
        return np.asarray(result, dtype=np.float32)


def _read_sidecar(path: Path) -> dict[str, Any]:
    try:
        sidecar = json.loads(path.read_text(encoding="utf-8"))
        version = sidecar["sidecar_version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"weights sidecar {path} cannot be read ({type(error).__name__}); reinstall leitmotiv "
            "or name a model that leitmotiv export wrote"
        ) from error
    if version != SIDECAR_VERSION:
        raise ModelError(
            f"weights sidecar {path} has version {version}; this release reads {SIDECAR_VERSION}; "
            "export the checkpoint again"
        )
    return dict(sidecar)


def _session(
    folder: Path, name: str, sidecar: dict[str, Any], options: ort.SessionOptions
) -> ort.InferenceSession:
    try:
        data = (folder / name).read_bytes()
    except OSError as error:
        raise ModelError(f"weights {folder / name} are missing; reinstall leitmotiv") from error
    if hashlib.sha256(data).hexdigest() != sidecar["sha256"].get(name):
        raise ModelError(f"weights {folder / name} do not match their sidecar; reinstall leitmotiv")
    try:
        return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises bare exceptions of its own C++ hierarchy
        raise ModelError(f"weights {folder / name} cannot be loaded: {error}") from error


@lru_cache(maxsize=4)
def load_model(name: str = DEFAULT_MODEL, folder: Path | None = None) -> EventModel:
    """Load a model, shipped or from a folder.

    Raises
    ------
    ModelError
        If a file is missing, does not match its checksum or is of another version.
    """
    return EventModel(folder or Path(str(files("leitmotiv.models") / "weights")), name)


def open_model(path: str | Path | None = None) -> EventModel:
    """Load the shipped model, or one that somebody trained and exported.

    Parameters
    ----------
    path : str, Path or None
        An exported model's folder, its sidecar or one of its ONNX files; None is the shipped one.

    Raises
    ------
    ModelError
        If there is no such file, the folder does not hold exactly one model, or
        :func:`load_model` refuses it.
    """
    if path is None:
        return load_model()
    path = Path(path)
    if not path.exists():
        raise ModelError(
            f"model={str(path)!r} does not exist; name the folder that `leitmotiv export` wrote"
        )
    if path.is_file():
        if path.suffix.lower() == ".pt":
            raise ModelError(
                f"model={str(path)!r} is a checkpoint for training; make it playable first: "
                f"leitmotiv export {path}"
            )
        return load_model(path.name.split(".")[0], path.parent)
    names = sorted(
        item.name.removesuffix(".backbone.onnx") for item in path.glob("*.backbone.onnx")
    )
    if len(names) == 1:
        return load_model(names[0], path)
    if names:
        raise ModelError(
            f"model={str(path)!r} holds {len(names)} models ({', '.join(names)}); "
            "name a sidecar, NAME.json"
        )
    raise ModelError(
        f"model={str(path)!r} is no exported model: name a folder with NAME.backbone.onnx, "
        "NAME.heads.onnx and NAME.json, or one of the three"
    )
