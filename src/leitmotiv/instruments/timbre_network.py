"""The generator of timbre transfer as it is shipped: plain NumPy, no framework.

The weights are a ``.npz`` of half-precision arrays and a JSON sidecar beside it (classes, sizes,
data and licences, metrics), both written by ``leitmotiv.training.transfer_export``. The network is
a stack of dilated convolutions over frames under the scale and shift of the target class; see
``leitmotiv.training.transfer_model`` for the same in PyTorch and docs/timbre-transfer.md for what
it was trained on.

Shapes: ``N`` bands, ``T`` frames, ``W`` width. Levels are dB as in
:mod:`~leitmotiv.instruments.timbre_bands`.

Public names: :class:`TimbreNetwork`, :func:`shipped_network`.
"""

from __future__ import annotations

import json
import zipfile
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import ModelError
from leitmotiv.instruments.timbre_bands import FLOOR_DB, NUM_BANDS

__all__ = ["TimbreNetwork", "shipped_network"]

Float = NDArray[np.float32]

_SIDECAR_VERSION = 1


def _silu(x: Float) -> Float:
    # Beyond 60 the exponential is nothing to float32 and would warn at 88.
    return x / (1 + np.exp(-np.clip(x, -60, 60)))


def _convolve(x: Float, weight: Float, bias: Float, dilation: int = 1) -> Float:
    """Convolve (in, T) with weight (out, in, taps); T stays, zeros beyond both ends."""
    taps, num_frames = weight.shape[2], x.shape[1]
    reach = dilation * (taps - 1) // 2
    padded = np.pad(x, ((0, 0), (reach, reach)))
    result = np.repeat(bias[:, None], num_frames, axis=1)
    for tap in range(taps):
        start = tap * dilation
        result += weight[:, :, tap] @ padded[:, start : start + num_frames]
    return result


class TimbreNetwork:
    """A trained generator.

    Parameters
    ----------
    path : Path
        The ``.npz``; the sidecar has the same name with ``.json``.

    Raises
    ------
    ModelError
        If a file is missing, damaged or of another version.
    """

    def __init__(self, path: Path) -> None:
        self.sidecar = _read_sidecar(path.with_suffix(".json"))
        try:
            # Opened here: np.load leaves a damaged file open.
            with open(path, "rb") as raw, np.load(raw) as file:
                weights = {name: file[name].astype(np.float32) for name in file.files}
            self._weights: dict[str, Float] = weights
            self.classes = tuple(str(name) for name in self.sidecar["classes"])
            self._dilations = tuple(int(d) for d in self.sidecar["sizes"]["dilations"])
            scaling = self.sidecar["scaling"]
            self._lowest_db = float(scaling["lowest_db"])
            self._centre_db, self._spread_db = scaling["centre_db"], scaling["spread_db"]
            shape = weights["embedding.weight"].shape
            if shape[0] != len(self.classes) or weights["leave.weight"].shape[0] != NUM_BANDS:
                raise KeyError("shapes")
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise ModelError(
                f"weights={str(path)!r} are missing or damaged ({error}); install the package "
                "anew or export the model again"
            ) from error

    @property
    def context_frames(self) -> int:
        """Frames on each side that an answer depends on."""
        return 2 + sum(self._dilations)

    def index_of(self, name: str) -> int:
        """Index of a class.

        Raises
        ------
        ModelError
            If the network does not know it.
        """
        if name not in self.classes:
            raise ModelError(f"to={name!r} must be one of {', '.join(self.classes)}")
        return self.classes.index(name)

    def answer_db(self, levels_db: Float, label: int) -> Float:
        """Levels (N, T) of a source to the levels that the class would have.

        Frames within :attr:`context_frames` of an end know less; pass more and cut them off.
        """
        weights = self._weights
        source = (np.maximum(levels_db, self._lowest_db) - self._centre_db) / self._spread_db
        condition = weights["embedding.weight"][label]
        x = _convolve(source, weights["enter.weight"], weights["enter.bias"])
        for index, dilation in enumerate(self._dilations):
            name = f"blocks.{index}."
            film = weights[name + "film.weight"] @ condition + weights[name + "film.bias"]
            scale, shift = np.split(film[:, None], 2)
            wide = _convolve(
                x, weights[name + "wide.weight"], weights[name + "wide.bias"], dilation
            )
            hidden = _silu(wide * (1 + scale) + shift)
            x = x + _convolve(
                hidden, weights[name + "narrow.weight"], weights[name + "narrow.bias"]
            )
        answer = source + _convolve(_silu(x), weights["leave.weight"], weights["leave.bias"])
        answer = answer * self._spread_db + self._centre_db
        # What lies at the bottom of the network's range is silence, not -80 dB of hiss.
        return np.where(answer <= self._lowest_db + 0.5, FLOOR_DB, answer).astype(np.float32)


def _read_sidecar(path: Path) -> dict[str, Any]:
    try:
        sidecar: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        version = sidecar["sidecar_version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"sidecar={str(path)!r} is missing or damaged ({error}); install the package anew"
        ) from error
    if version != _SIDECAR_VERSION:
        raise ModelError(
            f"sidecar={str(path)!r} is of version {version!r}, this release reads version "
            f"{_SIDECAR_VERSION}; export the model again"
        )
    return sidecar


@lru_cache(maxsize=1)
def shipped_network() -> TimbreNetwork:
    """Return the network that comes with the package."""
    folder = files("leitmotiv.instruments") / "data"
    return TimbreNetwork(Path(str(folder)) / "timbre-transfer.npz")
