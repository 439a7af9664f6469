"""The timbre network at run time: NumPy alone.

The weights come from :mod:`leitmotiv.training.timbre_train`; a sidecar beside them lists the
instruments, the data, the licences and the measured distances.

Shapes: ``B`` notes, ``F`` moments, ``Z`` latent width. Levels are dB as in
:mod:`~leitmotiv.instruments.neural_grid`, harmonics first, then noise bands.

Public names: :class:`TimbreNetwork`, :func:`load_network`, :data:`DEFAULT_WEIGHTS`.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import ModelError

__all__ = ["DEFAULT_WEIGHTS", "TimbreNetwork", "load_network"]

Float = NDArray[np.float32]

DEFAULT_WEIGHTS = "timbre"
SIDECAR_VERSION = 1
_LEVEL_UNIT_DB, _LEVEL_MIDDLE_DB = 20.0, -40.0
_PITCH_PERIODS = (96.0, 48.0, 24.0, 12.0, 8.0)
_DECAY_SEC = (0.006, 0.02, 0.06, 0.18, 0.5, 1.5)
_BUMPS, _BUMP_LOW, _BUMP_HIGH = 14, 0.003, 3.0


def _silu(x: Float) -> Float:
    with np.errstate(over="ignore"):  # exp beyond float32 is infinite, and silu then 0
        y = np.exp(np.negative(x))
    y += np.float32(1.0)
    return np.asarray(np.divide(x, y, out=y), np.float32)


def _pitch_features(pitch: NDArray[Any], velocity: NDArray[Any]) -> Float:
    columns = [(pitch - 60.0) / 24.0]
    for period in _PITCH_PERIODS:
        angle = pitch * (2.0 * np.pi / period)
        columns += [np.sin(angle), np.cos(angle)]
    level = (velocity - 64.0) / 64.0
    columns += [level, level * level]
    return np.stack(columns, -1).astype(np.float32)


def _time_features(time_sec: NDArray[Any]) -> Float:
    t = np.maximum(np.asarray(time_sec, np.float64), 0.0)
    columns = [t, np.sqrt(t), np.log1p(t / 0.01) / 5.0]
    columns += [np.exp(-t / decay) for decay in _DECAY_SEC]
    steps = (_BUMPS - 1) / np.log(_BUMP_HIGH / _BUMP_LOW)
    place = np.log(np.maximum(t, 1e-4) / _BUMP_LOW) * steps
    columns += [np.exp(-0.5 * (place - k) ** 2) for k in range(_BUMPS)]
    return np.stack(columns, -1).astype(np.float32)


class TimbreNetwork:
    """Latents, decoder and encoder of the trained instruments.

    Parameters
    ----------
    weights : mapping of str to ndarray
        As the export writes them; half precision is widened.
    sidecar : mapping
        ``instruments`` names the rows of the table of latents.
    """

    def __init__(self, weights: dict[str, NDArray[Any]], sidecar: dict[str, Any]) -> None:
        self.sidecar = sidecar
        self._weights = {name: np.ascontiguousarray(w, np.float32) for name, w in weights.items()}
        try:
            self.names: tuple[str, ...] = tuple(entry["name"] for entry in sidecar["instruments"])
            self.latents = self._weights["latents.weight"]
            num_layers = sum(name.startswith("trunk.") for name in weights) // 2
            self._trunk = [self._layer(f"trunk.{index}") for index in range(num_layers)]
            self._shift, self._scale = self._layer("shift"), self._layer("scale")
            self._time_shift = self._weights["time_shift.weight"].T
            self._time_scale = self._weights["time_scale.weight"].T
            self._middle, self._out = self._layer("middle"), self._layer("out")
            self._still, self._note = self._layer("still"), self._layer("note")
            self._encoder = [self._layer(f"encoder.{index}") for index in range(3)]
        except KeyError as error:
            raise ModelError(f"weights lack {error}; export them again") from error
        self.latent_width = int(self.latents.shape[1])

    def _layer(self, name: str) -> tuple[Float, Float]:
        return self._weights[f"{name}.weight"].T, self._weights[f"{name}.bias"]

    def latent_of(self, name: str) -> Float:
        """Latent (Z,) of a trained instrument.

        Raises
        ------
        ModelError
            If it is not one of :attr:`names`.
        """
        if name not in self.names:
            raise ModelError(f"instrument={name!r} must be one of {', '.join(self.names)}")
        return np.array(self.latents[self.names.index(name)])

    def decode(
        self,
        latent: NDArray[Any],
        pitch: NDArray[Any],
        velocity: NDArray[Any],
        time_sec: NDArray[Any],
    ) -> tuple[Float, Float, Float]:
        """Levels of notes at moments.

        Parameters
        ----------
        latent : (B, Z)
        pitch, velocity : (B,)
            MIDI; may lie between whole numbers.
        time_sec : (F,)
            Seconds since the onset, the same for all notes.

        Returns
        -------
        levels_db : (B, F, groups + bands)
        inharmonicity : (B,)
            B of the stiff string.
        release_db_per_sec : (B,)
        """
        pitch = np.asarray(pitch, np.float64)
        features = _pitch_features(pitch, np.asarray(velocity, np.float64))
        x = np.concatenate([np.asarray(latent, np.float32), features], -1)
        for index, (weight, bias) in enumerate(self._trunk):
            y = _silu(x @ weight + bias)
            x = y if index == 0 else x + y
        times = _time_features(time_sec)
        shift = x @ self._shift[0] + self._shift[1]
        scale = x @ self._scale[0] + self._scale[1]
        h = times @ self._time_shift + shift[:, None]
        h = h + scale[:, None] * (times @ self._time_scale)
        h = _silu(h).reshape(-1, h.shape[-1])
        h = _silu(h @ self._middle[0] + self._middle[1])
        out = (h @ self._out[0] + self._out[1]).reshape(len(x), len(times), -1)
        out = out + (x @ self._still[0] + self._still[1])[:, None]
        note = x @ self._note[0] + self._note[1]
        stiffness = 10.0 ** (np.clip(note[:, 0], -1.0, 2.0) - 4.0)
        # The network's floor of stiffness stands for none.
        stiffness = np.where(stiffness < 1.5e-5, 0.0, stiffness)
        release = 10.0 ** (np.clip(note[:, 1], -1.3, 1.0) + 2.0)
        levels = np.clip(out * _LEVEL_UNIT_DB + _LEVEL_MIDDLE_DB, -110.0, 35.0)
        return levels, stiffness.astype(np.float32), release.astype(np.float32)

    def encode(self, inputs: NDArray[Any], pitch: NDArray[Any], velocity: NDArray[Any]) -> Float:
        """Latents (B, Z) of notes given as encoder inputs (B, I)."""
        features = _pitch_features(np.asarray(pitch, np.float64), np.asarray(velocity, np.float64))
        x = np.concatenate([np.asarray(inputs, np.float32), features], -1)
        x = _silu(x @ self._encoder[0][0] + self._encoder[0][1])
        x = x + _silu(x @ self._encoder[1][0] + self._encoder[1][1])
        return np.asarray(x @ self._encoder[2][0] + self._encoder[2][1])


def _read(folder: Path, name: str) -> TimbreNetwork:
    sidecar_path, weights_path = folder / f"{name}.json", folder / f"{name}.npz"
    try:
        sidecar = json.loads(sidecar_path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"sidecar={str(sidecar_path)!r} cannot be read; export again") from error
    if sidecar.get("version") != SIDECAR_VERSION:
        raise ModelError(
            f"sidecar={str(sidecar_path)!r} has version {sidecar.get('version')!r}, this release "
            f"reads {SIDECAR_VERSION}; export again"
        )
    try:
        content = weights_path.read_bytes()
        if hashlib.sha256(content).hexdigest() != sidecar["sha256"]:
            raise ModelError(f"weights={str(weights_path)!r} do not match their sidecar")
        with np.load(weights_path) as file:
            weights = {key: file[key] for key in file.files}
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"weights={str(weights_path)!r} cannot be read; export again") from error
    return TimbreNetwork(weights, sidecar)


@lru_cache(maxsize=4)
def _cached(folder: Path, name: str) -> TimbreNetwork:
    return _read(folder, name)


def load_network(path: str | os.PathLike[str] | None = None) -> TimbreNetwork:
    """Load the shipped network, or one from a ``.json`` sidecar; kept for the next call.

    Raises
    ------
    ModelError
        If files are missing, corrupt or of another version.

    Examples
    --------
    >>> network = load_network()
    >>> "violin" in network.names
    True
    """
    if path is None:
        folder = Path(str(files("leitmotiv.instruments") / "weights"))
        return _cached(folder, DEFAULT_WEIGHTS)
    sidecar = Path(path).resolve()
    return _cached(sidecar.parent, sidecar.name.removesuffix(".json"))
