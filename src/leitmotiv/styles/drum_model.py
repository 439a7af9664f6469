"""The drum model: a drummer learned from human performances, as two small networks in NumPy.

Purpose: say which pieces a drummer strikes on the next step, given what was played before, the
style, the tempo and how busy and how loud the playing is (:meth:`DrumModel.onset_logits`), and how
a human plays a written part: velocity and timing of each stroke (:meth:`DrumModel.expression`).

Conventions: grids as in :mod:`leitmotiv.styles.drum_grid`. Complexity and intensity are ranks in
the training data, 0..1; -1 means unknown. Styles are words ("rock", "shuffle"), several at once.
Pieces of one step are struck in the order of the columns: each knows those before it.

The data file ``drummer/drum_model.npz`` holds float16 weights; ``drummer/drum_model.json`` says
what they were trained on, under which licence, and whom to credit. Both are written by
``benchmarks/train_drums.py``.

Public names: :class:`DrumModel`, :class:`DrumSetting`, :func:`load_drum_model`,
:func:`onset_features`, :func:`expression_features`, :data:`STYLE_WORDS`.

References
----------
J. Gillick, A. Roberts, J. Engel, D. Eck and D. Bamman, "Learning to Groove with Inverse Sequence
Transformations", ICML 2019 (data, kit and baselines).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.styles.drum_grid import PIECES, STRAIGHT, TERNARY

__all__ = [
    "STYLE_WORDS",
    "DrumModel",
    "DrumSetting",
    "expression_features",
    "load_drum_model",
    "onset_features",
]

STYLE_WORDS = (
    *("rock", "funk", "jazz", "latin", "hiphop", "pop", "soul", "reggae", "punk", "country"),
    *("blues", "dance", "gospel", "afrobeat", "afrocuban", "neworleans", "middleeastern"),
    *("highlife", "shuffle", "swing", "brazilian", "bossa", "samba", "disco", "breakbeat", "slow"),
    *("fast", "soft", "halftime", "indie", "prog", "motown", "march", "linear", "secondline"),
)
"""Words that the model knows; a performance or a style file may carry several."""

NUM_PIECES = len(PIECES)
_POSITIONS = 4 * STRAIGHT + 4 * TERNARY
_RECENT = 8  # steps heard back, one by one
_AROUND = 2  # steps either side of the same place one bar before
_WINDOW = 8  # steps seen either side when a written part is played
NUM_CONDITIONS = _POSITIONS + len(STYLE_WORDS) + 1 + 4 + 1
ONSET_WIDTH = NUM_CONDITIONS + NUM_PIECES * (_RECENT + (2 * _AROUND + 1) + 3)
EXPRESSION_WIDTH = NUM_CONDITIONS + NUM_PIECES * (2 * _WINDOW + 1)


@dataclass(frozen=True)
class DrumSetting:
    """What a drummer is told: style words, tempo, and ranks (-1: not told)."""

    words: tuple[str, ...] = ()
    bpm: float = 110.0
    complexity: float = -1.0
    intensity: float = -1.0


def _conditions(
    setting: DrumSetting, place: int, steps_per_beat: int, is_fill: bool
) -> NDArray[np.float32]:
    row = np.zeros(NUM_CONDITIONS, dtype=np.float32)
    bar = 4 * steps_per_beat
    row[(place % bar) + (0 if steps_per_beat == STRAIGHT else 4 * STRAIGHT)] = 1.0
    at = _POSITIONS
    for word in setting.words:
        if word in STYLE_WORDS:
            row[at + STYLE_WORDS.index(word)] = 1.0
    at += len(STYLE_WORDS)
    row[at] = np.log2(np.clip(setting.bpm, 40.0, 300.0) / 110.0)
    for index, value in enumerate((setting.complexity, setting.intensity)):
        if value >= 0:
            row[at + 1 + 2 * index] = 2.0 * value - 1.0
            row[at + 2 + 2 * index] = 1.0
    row[-1] = float(is_fill)
    return row


def onset_features(
    hits: NDArray[np.bool_], step: int, setting: DrumSetting, steps_per_beat: int, is_fill: bool
) -> NDArray[np.float32]:
    """Return what is known before a step, shape (ONSET_WIDTH,): conditions and the past hits.

    ``hits`` has shape (steps, 9); rows from ``step`` on are not looked at.
    """
    bar = 4 * steps_per_beat
    back = [
        *range(1, _RECENT + 1),
        *range(bar - _AROUND, bar + _AROUND + 1),
        *range(2 * bar - 1, 2 * bar + 2),
    ]
    past = np.zeros((len(back), NUM_PIECES), dtype=np.float32)
    for row, distance in enumerate(back):
        if step - distance >= 0:
            past[row] = hits[step - distance]
    return np.concatenate([_conditions(setting, step, steps_per_beat, is_fill), past.reshape(-1)])


def expression_features(
    hits: NDArray[np.bool_], step: int, setting: DrumSetting, steps_per_beat: int, is_fill: bool
) -> NDArray[np.float32]:
    """Return what is known of a written part round a step, shape (EXPRESSION_WIDTH,)."""
    window = np.zeros((2 * _WINDOW + 1, NUM_PIECES), dtype=np.float32)
    low, high = max(step - _WINDOW, 0), min(step + _WINDOW + 1, len(hits))
    window[low - step + _WINDOW : high - step + _WINDOW] = hits[low:high]
    return np.concatenate([_conditions(setting, step, steps_per_beat, is_fill), window.reshape(-1)])


def _sigmoid(value: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(value, -30, 30))), dtype=np.float32)


class DrumModel:
    """Two small networks over a drum grid.

    Parameters
    ----------
    arrays : mapping
        ``onset.*`` and ``expression.*`` weights by name, and ``onset.chain``, shape (9, 9).
    meta : mapping
        Data, licence, attribution and measures, from the JSON file beside the weights.
    """

    def __init__(self, arrays: Mapping[str, NDArray[Any]], meta: Mapping[str, Any]) -> None:
        self._arrays = {name: np.asarray(value, np.float32) for name, value in arrays.items()}
        self.meta = dict(meta)

    def _run(self, net: str, value: NDArray[np.float32]) -> NDArray[np.float32]:
        layer = 0
        while f"{net}.{layer}.weight" in self._arrays:
            if layer:
                value = np.maximum(value, 0.0)
            weight, bias = (
                self._arrays[f"{net}.{layer}.weight"],
                self._arrays[f"{net}.{layer}.bias"],
            )
            value = value @ weight.T + bias
            layer += 1
        return value

    def onset_logits(
        self, features: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the base logits of a step's pieces, shape (..., 9), and the chain, shape (9, 9).

        The logit of piece ``k`` is ``base[k] + chain[k, :k] @ hits[:k]``.
        """
        return self._run("onset", features), self._arrays["onset.chain"]

    def onset_probability(
        self, features: NDArray[np.float32], hits: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """Return P(struck) of each piece given the step's earlier pieces, shape (..., 9)."""
        base, chain = self.onset_logits(features)
        return _sigmoid(base + hits.astype(np.float32) @ np.tril(chain, -1).T)

    def expression(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return how strokes are played, shape (..., 4, 9).

        Rows: mean velocity (0..1), its standard deviation, mean offset in steps, its standard
        deviation. What a piece that is not struck would get has no meaning.
        """
        out = self._run("expression", features)
        out = out.reshape(*out.shape[:-1], 4, NUM_PIECES)
        result = np.empty_like(out)
        result[..., 0, :] = _sigmoid(out[..., 0, :])
        result[..., 2, :] = 0.5 * np.tanh(out[..., 2, :])
        for row in (1, 3):
            result[..., row, :] = np.exp(np.clip(out[..., row, :], -3.0, 0.0))
        return result


@cache
def load_drum_model() -> DrumModel:
    """Return the shipped drum model.

    Examples
    --------
    >>> load_drum_model().meta["licence"]
    'CC-BY-4.0'
    """
    folder = resources.files("leitmotiv.styles") / "drummer"
    meta = json.loads((folder / "drum_model.json").read_text(encoding="utf-8"))
    with (folder / "drum_model.npz").open("rb") as file, np.load(file) as archive:
        return DrumModel({name: archive[name] for name in archive.files}, meta)
