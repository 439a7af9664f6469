"""What a capture's program is made of: its rows and steps, and how they are collected.

Purpose: the pieces that every architecture is laid out with: a configuration whose entries are
checked as they are read, the flat list of weights, and the builder of steps.

Public names: :class:`Program`, :class:`Cells`, :class:`Settings`, :class:`Weights`,
:class:`Builder`, :func:`read_child`, :func:`read_activation`, :func:`per_layer`, :data:`Rows`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.effects.nam_file import NamFile, parse_nam
from leitmotiv.effects.nam_kernels import ACTIVATE, ACTIVATIONS, CHUNK, MIX

__all__ = [
    "Builder",
    "Cells",
    "Program",
    "Rows",
    "Settings",
    "Weights",
    "per_layer",
    "read_activation",
    "read_child",
]

Rows = tuple[int, int]  # first row and number of rows

_MOST_ROWS = 4096
_MOST_SAMPLES = 2**24  # of memory: 64 MiB
_MOST_WEIGHTS = 2**22  # of one convolution, what stands between groups included


@dataclass(frozen=True)
class Program:
    """A network for :func:`~leitmotiv.effects.nam_kernels.run_program`; rows as told there."""

    steps: NDArray[np.int64]
    terms: NDArray[np.int64]
    numbers: NDArray[np.float32]
    base: NDArray[np.int64]
    room: NDArray[np.int64]
    history: NDArray[np.int64]
    num_places: int
    result_row: int
    warm_up: int

    @property
    def num_samples(self) -> int:
        """Samples of memory that the rows take."""
        return int(self.base[-1] + self.room[-1])


@dataclass(frozen=True)
class Cells:
    """An LSTM for :func:`~leitmotiv.effects.nam_kernels.run_lstm`.

    ``weights`` is (layers, inputs + hidden, 4 * hidden) with gates in the order input, forget,
    cell, output; ``biases`` (layers, 4 * hidden); ``start`` (layers, 2, hidden) the first hidden
    and cell state; ``head`` (hidden,).
    """

    weights: NDArray[np.float32]
    biases: NDArray[np.float32]
    start: NDArray[np.float32]
    head: NDArray[np.float32]
    head_bias: np.float32
    warm_up: int


class Settings:
    """A configuration whose entries are checked as they are read."""

    def __init__(self, file: NamFile, values: Any, what: str) -> None:
        if not isinstance(values, Mapping):
            raise file.fault(f"{what} must be a JSON object")
        self.file, self.values, self.what = file, values, what

    def whole(self, key: str, low: int, high: int, default: int | None = None) -> int:
        value = self.values.get(key, default)
        if type(value) is not int or not low <= value <= high:
            raise self.file.fault(
                f"{self.what}.{key}={value!r} must be a whole number from {low} to {high}"
            )
        return value

    def wholes(self, key: str, low: int, high: int) -> list[int]:
        value = self.values.get(key)
        if not isinstance(value, list) or not value or len(value) > 1024:
            raise self.file.fault(f"{self.what}.{key} must be a list of whole numbers")
        for each in value:
            if type(each) is not int or not low <= each <= high:
                raise self.file.fault(
                    f"{self.what}.{key} holds {each!r}; "
                    f"it must be whole numbers from {low} to {high}"
                )
        return value

    def flag(self, key: str, default: bool | None = None) -> bool:
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            raise self.file.fault(f"{self.what}.{key}={value!r} must be true or false")
        return value

    def part(self, key: str) -> Settings | None:
        """A nested object, None where it is missing, null or false."""
        value = self.values.get(key)
        if value is None or value is False:
            return None
        return Settings(self.file, value, f"{self.what}.{key}")


class Weights:
    """The flat list of weights, read from its beginning to its end."""

    def __init__(self, file: NamFile) -> None:
        self.file, self.at = file, 0

    def take(self, count: int) -> NDArray[np.float32]:
        taken = self.file.weights[self.at : self.at + count]
        if len(taken) < count:
            raise self.file.fault(
                f"'weights' holds {len(self.file.weights)} numbers, the {self.file.architecture} "
                "of its configuration needs more; the file is cut off or damaged"
            )
        self.at += count
        return taken

    def convolution(
        self, inputs: int, outputs: int, kernel: int, *, bias: bool, groups: int = 1
    ) -> tuple[NDArray[np.float32], NDArray[np.float32] | None]:
        """Weights (outputs, inputs, kernel), zero between groups, and the biases."""
        if inputs % groups or outputs % groups:
            raise self.file.fault(
                f"groups={groups} must divide the {inputs} inputs and {outputs} outputs"
            )
        if outputs * inputs * kernel > _MOST_WEIGHTS:
            raise self.file.fault(
                f"a convolution of {inputs} by {outputs} channels x {kernel} samples is too large"
            )
        dense = np.zeros((outputs, inputs, kernel), np.float32)
        size = (outputs // groups, inputs // groups, kernel)
        for g in range(groups):
            block = self.take(size[0] * size[1] * kernel).reshape(size)
            dense[g * size[0] : (g + 1) * size[0], g * size[1] : (g + 1) * size[1]] = block
        return dense, self.take(outputs) if bias else None

    def finish(self) -> None:
        if self.at != len(self.file.weights):
            raise self.file.fault(
                f"'weights' holds {len(self.file.weights)} numbers, the {self.file.architecture} "
                f"of its configuration takes {self.at}; the file is damaged"
            )


class Builder:
    """Collects the steps of a program."""

    def __init__(self, file: NamFile) -> None:
        self.file = file
        self.steps: list[list[int]] = []
        self.terms: list[tuple[int, int]] = []
        self.numbers: list[NDArray[np.float32]] = []
        self.num_numbers = 0
        self.history: list[int] = []

    def rows(self, count: int) -> Rows:
        first = len(self.history)
        self.history += [0] * count
        if len(self.history) > _MOST_ROWS:
            raise self.file.fault(f"the network is too wide: more than {_MOST_ROWS} channels")
        return first, count

    def keep(self, numbers: NDArray[np.float32]) -> int:
        at = self.num_numbers
        self.numbers.append(np.ascontiguousarray(numbers, np.float32).ravel())
        self.num_numbers += numbers.size
        return at

    def mix(
        self,
        out: Rows,
        inputs: Sequence[tuple[Rows, NDArray[np.float32], int]],
        bias: NDArray[np.float32] | None = None,
        begin: Rows | None = None,
    ) -> None:
        """Add a sum of convolutions, each of rows by weights (out, in, kernel) and a dilation."""
        first, columns = len(self.terms), []
        for (row, count), weights, dilation in inputs:
            kernel = weights.shape[2]
            for i in range(count):
                for k in range(kernel):
                    delay = (kernel - 1 - k) * dilation
                    self.terms.append((row + i, delay))
                    self.history[row + i] = max(self.history[row + i], delay)
                    columns.append(weights[:, i, k])
        at = self.keep(np.stack(columns, axis=1))
        biases = -1 if bias is None else self.keep(bias)
        start = -1 if begin is None else begin[0]
        self.steps.append([MIX, *out, first, len(columns), at, biases, start])

    def apply(self, kind: int, out: Rows, other: Rows, third: Rows | None = None) -> None:
        self.steps.append([kind, *out, other[0], -1 if third is None else third[0], 0, 0, 0])

    def activate(self, out: Rows, activation: tuple[int, NDArray[np.float32]]) -> None:
        number, constants = activation
        if number:
            table = np.broadcast_to(constants, (out[1], 4))
            self.steps.append([ACTIVATE, *out, out[0], -1, number, self.keep(table), 0])

    def finish(self, result: Rows, warm_up: int) -> Program:
        history = np.array(self.history, np.int64)
        # Twice the history: what is kept is moved once for every sample at most.
        room = np.where(history > 0, 2 * history + CHUNK, CHUNK).astype(np.int64)
        if int(room.sum()) > _MOST_SAMPLES:
            raise self.file.fault("the network looks back too far to be played")
        return Program(
            steps=np.array(self.steps, np.int64).reshape(-1, 8),
            terms=np.array(self.terms, np.int64).reshape(-1, 2),
            numbers=np.concatenate([*self.numbers, np.zeros(1, np.float32)]),
            base=np.concatenate([[0], np.cumsum(room)[:-1]]).astype(np.int64),
            room=room,
            history=history,
            num_places=max((step[4] for step in self.steps if step[0] == MIX), default=1),
            result_row=result[0],
            warm_up=warm_up,
        )


def read_child(config: Settings, document: Any, what: str) -> NamFile:
    """A capture within a capture; it must be of the same rate."""
    file = parse_nam(document, where=f"{config.file.where}, {what}")
    if "sample_rate" in document and file.sample_rate != config.file.sample_rate:
        raise file.fault(
            f"sample_rate={file.sample_rate} must be that of the whole file, "
            f"{config.file.sample_rate} Hz"
        )
    return file


def read_activation(config: Settings, value: Any, channels: int) -> tuple[int, NDArray[np.float32]]:
    """Number and constants (rows, 4) of an activation given as a name or an object."""
    given = value if isinstance(value, Mapping) else {}
    name = given.get("type", given.get("name")) if given else value
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise config.file.fault(
            f"{config.what}: activation {name!r} does not play; "
            f"the player knows {', '.join(ACTIVATIONS)}"
        )

    def checked(what: str, number: Any) -> float:
        if type(number) not in (int, float) or not abs(number) < 1e30:
            raise config.file.fault(f"{config.what}: {what}={number!r} must be a finite number")
        return float(number)

    def constant(key: str, default: float) -> float:
        number = given.get(key)
        return default if number is None else checked(key, number)

    table = np.zeros((1, 4), np.float32)
    if name == "LeakyHardtanh":
        table[0] = [
            constant("min_val", -1.0),
            constant("max_val", 1.0),
            constant("min_slope", 0.01),
            constant("max_slope", 0.01),
        ]
    elif name in ("LeakyReLU", "PReLU"):
        slopes = given.get("negative_slopes")
        if name == "PReLU" and isinstance(slopes, list) and given.get("negative_slope") is None:
            if len(slopes) not in (1, channels):
                raise config.file.fault(
                    f"{config.what}: {len(slopes)} negative_slopes for {channels} channels"
                )
            table = np.zeros((len(slopes), 4), np.float32)
            table[:, 0] = [checked("negative_slopes", slope) for slope in slopes]
        else:
            table[0, 0] = constant("negative_slope", 0.01)
    return ACTIVATIONS[name], table


def per_layer(config: Settings, key: str, count: int) -> list[Any]:
    """An entry given once for all layers, or as a list with one for each."""
    value = config.values.get(key)
    if not isinstance(value, list):
        return [value] * count
    if len(value) != count:
        raise config.file.fault(
            f"{config.what}.{key} has {len(value)} entries; it must have one for each of the "
            f"{count} dilations"
        )
    return value
