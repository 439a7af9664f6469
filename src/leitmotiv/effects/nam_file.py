"""Amp captures in files: reading and checking ``.nam``, and writing it.

Purpose: turn a file that anyone may have made into numbers that can be trusted, or say in one
line what is wrong with it.

Conventions: a ``.nam`` file is JSON with ``version``, ``architecture``, ``config``, flat
``weights``, ``sample_rate`` in Hz (48 kHz where it is missing) and ``metadata``. What the
architectures mean is told in :mod:`leitmotiv.effects.nam_network`.

Public names: :class:`NamFile`, :func:`read_nam`, :func:`parse_nam`, :func:`write_nam`,
:data:`ARCHITECTURES`.

Reference: the file specification of the neural-amp-modeler project (docs/source/model-file.rst,
MIT licence), versions 0.5 to 0.7.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import ModelError

__all__ = ["ARCHITECTURES", "NamFile", "parse_nam", "read_nam", "write_nam"]

ARCHITECTURES = ("WaveNet", "LSTM", "Linear", "ConvNet", "Sequential", "SlimmableContainer")
"""The architectures that play; others are refused by name."""

DEFAULT_SAMPLE_RATE = 48_000
_MOST_BYTES = 64 * 2**20
_VERSIONS = {"0.5", "0.6", "0.7"}


@dataclass(frozen=True)
class NamFile:
    """A capture as its file tells it; ``where`` names it in error messages."""

    version: str
    architecture: str
    config: Mapping[str, Any]
    weights: NDArray[np.float32]
    sample_rate: int = DEFAULT_SAMPLE_RATE
    metadata: Mapping[str, Any] = field(default_factory=dict)
    where: str = "nam"

    @property
    def loudness_db(self) -> float | None:
        """Level in dBFS (RMS) of the capture's answer to a standard input, where it is known."""
        value = self.metadata.get("loudness")
        if isinstance(value, bool) or not isinstance(value, int | float):
            return None
        return float(value) if math.isfinite(value) else None

    def fault(self, message: str) -> ModelError:
        """Return the error that says what is wrong with this file."""
        return ModelError(f"{self.where}: {message}")


def read_nam(path: str | Path) -> NamFile:
    """Read a ``.nam`` file.

    Raises
    ------
    ModelError
        If the file is missing, is no ``.nam`` file, is damaged, is of a version or an architecture
        that does not play.
    """
    path = Path(path)
    where = f"nam={str(path)!r}"
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ModelError(
                f"{where} has {path.stat().st_size / 2**20:.0f} MiB, no capture has more than "
                f"{_MOST_BYTES // 2**20} MiB; check the file"
            )
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise ModelError(f"{where} does not exist; check its name and folder") from error
    except UnicodeDecodeError as error:
        raise ModelError(f"{where} is no .nam file: it is not text; load another") from error
    except OSError as error:
        raise ModelError(f"{where} cannot be read: {error.strerror or error}") from error
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ModelError(
            f"{where} is no .nam file or a damaged one: it is not JSON ({error}); load it anew"
        ) from error
    return parse_nam(document, where=where)


def parse_nam(document: Any, *, where: str = "nam") -> NamFile:
    """Check what stands in a ``.nam`` file and return it.

    >>> parse_nam(
    ...     {
    ...         "version": "0.5.4",
    ...         "architecture": "Linear",
    ...         "weights": [1.0],
    ...         "config": {"receptive_field": 1, "bias": False},
    ...     }
    ... ).architecture
    'Linear'

    Raises
    ------
    ModelError
        If a part is missing or of a wrong kind, or the version or architecture does not play.
    """
    if not isinstance(document, dict):
        raise ModelError(f"{where} is no .nam file: it holds no JSON object at the top")
    for key in ("version", "architecture", "config", "weights"):
        if key not in document:
            raise ModelError(f"{where} is damaged: {key!r} is missing; load it anew")
    version, architecture = document["version"], document["architecture"]
    if not isinstance(version, str) or not re.fullmatch(r"\d+\.\d+(\.\d+)?\S*", version):
        raise ModelError(f"{where}: version={version!r} must be a version such as '0.5.4'")
    if ".".join(version.split(".")[:2]) not in _VERSIONS:
        raise ModelError(
            f"{where} is of version {version}, this player reads {', '.join(sorted(_VERSIONS))}; "
            "export the capture again with a current trainer"
        )
    if architecture not in ARCHITECTURES:
        raise ModelError(
            f"{where}: architecture {architecture!r} does not play; "
            f"the player knows {', '.join(ARCHITECTURES)}"
        )
    if not isinstance(document["config"], dict):
        raise ModelError(f"{where} is damaged: 'config' must be a JSON object")
    metadata = document.get("metadata")
    return NamFile(
        version=version,
        architecture=architecture,
        config=document["config"],
        weights=_read_weights(document["weights"], where),
        sample_rate=_read_sample_rate(document.get("sample_rate"), where),
        metadata=metadata if isinstance(metadata, dict) else {},
        where=where,
    )


def _read_weights(weights: Any, where: str) -> NDArray[np.float32]:
    if not isinstance(weights, list):
        raise ModelError(f"{where} is damaged: 'weights' must be a list of numbers")
    if not all(type(weight) in (int, float) for weight in weights):
        raise ModelError(f"{where} is damaged: 'weights' holds something that is no number")
    with np.errstate(over="ignore"):
        try:
            array = np.array(weights, dtype=np.float64).astype(np.float32)
        except OverflowError:
            array = np.array([np.inf], np.float32)
    if not np.isfinite(array).all():
        raise ModelError(f"{where} is damaged: 'weights' holds NaN or infinite numbers")
    return array


def _read_sample_rate(value: Any, where: str) -> int:
    if value is None:
        return DEFAULT_SAMPLE_RATE
    numeric = isinstance(value, int | float) and not isinstance(value, bool)
    if not numeric or not 8_000 <= value <= 192_000 or value != round(value):
        raise ModelError(
            f"{where}: sample_rate={value!r} must be a whole number from 8000 to 192000 Hz"
        )
    return int(value)


def write_nam(path: str | Path, file: NamFile) -> None:
    """Write a ``.nam`` file, whole or not at all.

    Weights are written with the digits that give back the same float32 numbers.
    """
    path = Path(path)
    document = {
        "version": file.version,
        "metadata": dict(file.metadata),
        "architecture": file.architecture,
        "config": dict(file.config),
        "weights": [float(np.format_float_scientific(w, trim="0")) for w in file.weights],
        "sample_rate": file.sample_rate,
    }
    part = path.with_name(path.name + ".part")
    try:
        with open(part, "w", encoding="utf-8") as out:
            json.dump(document, out, allow_nan=False)
            out.flush()
            os.fsync(out.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
