"""Amp captures as programs: each architecture laid out as steps over rows of samples.

Purpose: check a capture's configuration against its weights, and write down what the kernels of
:mod:`leitmotiv.effects.nam_kernels` do to play it.

What plays: **WaveNet** in its first and second generation: stacks of dilated convolutions with
residual and skip paths, gated and blended activations, bottlenecks, groups, modulation by the
condition (FiLM), a network that makes the condition (``condition_dsp``), kernels of mixed length
and a head behind the stack; **ConvNet** (normalisation folded into the convolution), **Linear**
(an impulse response), **Sequential** (captures in a row), and **SlimmableContainer** (captures of
several sizes in one file; ``slim`` picks one). LSTM has a kernel of its own. A slimmable WaveNet
plays at its full width. Captures with several inputs are refused by name.

Where trainer and plugin core differ (what follows a layer without its 1x1 convolution, modulation
behind that convolution), the trainer's meaning counts: it is what the weights were fitted to.

Public names: :class:`Program`, :class:`Cells`, :func:`lay_out`, :func:`receptive_field`.

References: A. van den Oord et al., *WaveNet: a generative model for raw audio* (2016);
the MIT-licensed sources of neural-amp-modeler (nam/models) and NeuralAmpModelerCore (NAM/), whose
order of weights is followed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.effects.nam_file import NamFile, parse_nam
from leitmotiv.effects.nam_kernels import (
    ACTIVATE,
    ACTIVATIONS,
    ADD,
    BLEND,
    CHUNK,
    COPY,
    FILM,
    GATE,
    MIX,
)

__all__ = ["Cells", "Program", "lay_out", "receptive_field"]

Rows = tuple[int, int]  # first row and number of rows

_MOST_ROWS = 4096
_MOST_SAMPLES = 2**24  # of memory: 64 MiB
_FILMS = (
    "conv_pre_film",
    "conv_post_film",
    "input_mixin_pre_film",
    "input_mixin_post_film",
    "activation_pre_film",
    "activation_post_film",
    "layer1x1_post_film",
    "head1x1_post_film",
)


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


class _Config:
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

    def part(self, key: str) -> _Config | None:
        """A nested object, None where it is missing, null or false."""
        value = self.values.get(key)
        if value is None or value is False:
            return None
        return _Config(self.file, value, f"{self.what}.{key}")


class _Weights:
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


class _Builder:
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


def lay_out(file: NamFile, *, slim: float = 1.0) -> list[Program | Cells]:
    """Return what plays a capture: one after another, one for most files.

    Parameters
    ----------
    file : NamFile
    slim : float
        Which size of a SlimmableContainer plays, 0 (smallest) to 1 (full).

    Raises
    ------
    ModelError
        If the configuration and the weights do not fit, or ask for something that does not play.
    """
    config = _Config(file, file.config, "config")
    if file.architecture == "SlimmableContainer":
        return lay_out(_pick(config, slim), slim=slim)
    if file.architecture == "Sequential":
        models = file.config.get("models")
        if not isinstance(models, list) or not models or len(file.weights):
            raise file.fault("a Sequential file must hold 'models' and no weights of its own")
        children = [_child(config, each, f"models[{i}]") for i, each in enumerate(models)]
        return [part for child in children for part in lay_out(child, slim=slim)]
    for key in ("in_channels", "out_channels"):
        if config.values.get(key, 1) != 1:
            raise file.fault(f"{key}={config.values[key]!r} does not play: only mono captures do")
    if file.architecture == "LSTM":
        return [_lstm(config)]
    builder = _Builder(file)
    source = builder.rows(1)
    lay = {"WaveNet": _wavenet, "ConvNet": _conv_net, "Linear": _linear}[file.architecture]
    result, reach = lay(builder, config, source)
    if result[1] != 1:
        raise file.fault(f"the network has {result[1]} outputs; only mono captures play")
    return [builder.finish(result, reach)]


def receptive_field(parts: Sequence[Program | Cells]) -> int:
    """Samples of input that one sample of output depends on; for an LSTM, its warm-up."""
    return 1 + sum(part.warm_up for part in parts)


def _child(config: _Config, document: Any, what: str) -> NamFile:
    """A capture within a capture; it must be of the same rate."""
    file = parse_nam(document, where=f"{config.file.where}, {what}")
    if "sample_rate" in document and file.sample_rate != config.file.sample_rate:
        raise file.fault(
            f"sample_rate={file.sample_rate} must be that of the whole file, "
            f"{config.file.sample_rate} Hz"
        )
    return file


def _pick(config: _Config, slim: float) -> NamFile:
    """The submodel that a container plays at a size."""
    submodels = config.values.get("submodels")
    if not isinstance(submodels, list) or not submodels:
        raise config.file.fault("config.submodels must be a list of captures")
    ends = []
    for i, entry in enumerate(submodels):
        end = entry.get("max_value") if isinstance(entry, dict) else None
        if isinstance(end, bool) or not isinstance(end, int | float) or "model" not in entry:
            raise config.file.fault(f"submodels[{i}] must hold a number 'max_value' and a 'model'")
        ends.append(float(end))
    if sorted(set(ends)) != ends or not ends[-1] >= 1.0:
        raise config.file.fault("submodels must be sorted by 'max_value', the last at least 1")
    index = next((i for i, end in enumerate(ends) if slim < end), len(ends) - 1)
    return _child(config, submodels[index]["model"], f"submodels[{index}].model")


def _activation(config: _Config, value: Any, channels: int) -> tuple[int, NDArray[np.float32]]:
    """Number and constants (rows, 4) of an activation given as a name or an object."""
    given = value if isinstance(value, Mapping) else {}
    name = given.get("type", given.get("name")) if given else value
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise config.file.fault(
            f"{config.what}: activation {name!r} does not play; "
            f"the player knows {', '.join(ACTIVATIONS)}"
        )

    def constant(key: str, default: float) -> float:
        number = given.get(key)
        number = default if number is None else number
        if isinstance(number, bool) or not isinstance(number, int | float):
            raise config.file.fault(f"{config.what}: {key}={number!r} must be a number")
        return float(number)

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
            table[:, 0] = [constant("", 0.01) if s is None else float(s) for s in slopes]
        else:
            table[0, 0] = constant("negative_slope", 0.01)
    if not np.isfinite(table).all():
        raise config.file.fault(f"{config.what}: the activation's constants must be finite")
    return ACTIVATIONS[name], table


def _per_layer(config: _Config, key: str, count: int) -> list[Any]:
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


def _modulate(
    builder: _Builder,
    weights: _Weights,
    film: _Config,
    condition: Rows,
    channels: int,
) -> tuple[Rows, Rows | None]:
    """Scale and shift that the condition asks for; taken in the order of the weights."""
    shift, groups = film.flag("shift", True), film.whole("groups", 1, 4096, 1)
    made = builder.rows(channels * (2 if shift else 1))
    matrix, bias = weights.convolution(condition[1], made[1], 1, bias=True, groups=groups)
    builder.mix(made, [(condition, matrix, 1)], bias)
    return (made[0], channels), (made[0] + channels, channels) if shift else None


def _wavenet(builder: _Builder, config: _Config, source: Rows) -> tuple[Rows, int]:
    condition, reach = source, 0
    if config.part("condition_dsp") is not None:
        # The condition is a network of its own, with its own weights, that hears the input.
        inner = _child(config, config.values["condition_dsp"], "condition_dsp")
        if inner.architecture != "WaveNet":
            raise inner.fault(f"architecture {inner.architecture!r} cannot make a condition")
        condition, reach = _wavenet(builder, _Config(inner, inner.config, "config"), source)
    weights = _Weights(config.file)
    layers = config.values.get("layers")
    if not isinstance(layers, list) or not layers:
        raise config.file.fault(f"{config.what}.layers must be a list of layer arrays")
    signal, head = source, None
    for i, each in enumerate(layers):
        stack = _Config(config.file, each, f"layers[{i}]")
        signal, head, more = _stack(builder, weights, stack, signal, condition, head)
        reach += more
    assert head is not None
    parts = _Config(config.file, config.values, config.what)
    post = parts.part("head")
    if post is None:
        scaled = builder.rows(head[1])
        scale = weights.take(1)[0]
        builder.mix(scaled, [(head, np.eye(head[1], dtype=np.float32)[:, :, None] * scale, 1)])
        result = scaled
    else:
        result, more = _post_head(builder, weights, post, head)
        reach += more
    weights.finish()
    return result, reach


def _post_head(
    builder: _Builder, weights: _Weights, config: _Config, head: Rows
) -> tuple[Rows, int]:
    """Activations and convolutions behind the stack; the scale stands last among the weights."""
    channels, outputs = config.whole("channels", 1, 1024), config.whole("out_channels", 1, 1024)
    if "kernel_sizes" in config.values:
        kernels = config.wholes("kernel_sizes", 1, 2**16)
    else:
        kernels = [1] * config.whole("num_layers", 1, 64)
    made = []
    for i, kernel in enumerate(kernels):
        inputs = head[1] if i == 0 else channels
        count = outputs if i == len(kernels) - 1 else channels
        made.append(weights.convolution(inputs, count, kernel, bias=True))
    scale = weights.take(1)[0]
    signal = builder.rows(head[1])
    builder.mix(signal, [(head, np.eye(head[1], dtype=np.float32)[:, :, None] * scale, 1)])
    for matrix, bias in made:
        activation = _activation(config, config.values.get("activation"), signal[1])
        builder.activate(signal, activation)
        out = builder.rows(matrix.shape[0])
        builder.mix(out, [(signal, matrix, 1)], bias)
        signal = out
    return signal, sum(kernel - 1 for kernel in kernels)


def _stack(
    builder: _Builder,
    weights: _Weights,
    config: _Config,
    source: Rows,
    condition: Rows,
    head: Rows | None,
) -> tuple[Rows, Rows, int]:
    """One layer array: its output, its share of the head, and how far it looks back."""
    channels = config.whole("channels", 1, 1024)
    bottleneck = config.whole("bottleneck", 1, 1024, channels)
    dilations = config.wholes("dilations", 1, 2**20)
    for key, rows in (("input_size", source), ("condition_size", condition)):
        if config.whole(key, 1, 4096) != rows[1]:
            raise config.file.fault(
                f"{config.what}.{key}={config.values[key]} must be the {rows[1]} channels it gets"
            )
    if ("kernel_size" in config.values) == ("kernel_sizes" in config.values):
        raise config.file.fault(f"{config.what} must have either kernel_size or kernel_sizes")
    if "kernel_sizes" in config.values:
        config.wholes("kernel_sizes", 1, 2**12)
        kernels = _per_layer(config, "kernel_sizes", len(dilations))
    else:
        kernels = [config.whole("kernel_size", 1, 2**12)] * len(dilations)
    activations = _per_layer(config, "activation", len(dilations))
    if "gating_mode" in config.values:
        modes = _per_layer(config, "gating_mode", len(dilations))
    else:
        modes = ["gated" if config.flag("gated", False) else "none"] * len(dilations)
    seconds = _per_layer(config, "secondary_activation", len(dilations))

    inner = builder.rows(channels)
    matrix, _ = weights.convolution(source[1], channels, 1, bias=False)
    builder.mix(inner, [(source, matrix, 1)])
    reach = 0
    for i, dilation in enumerate(dilations):
        if modes[i] not in ("none", "gated", "blended"):
            raise config.file.fault(f"{config.what}: gating_mode {modes[i]!r} does not play")
        second = None
        if modes[i] != "none":
            named = "Sigmoid" if seconds[i] in (None, "") else seconds[i]
            second = _activation(config, named, bottleneck)
        layer = _Layer(
            channels=channels,
            bottleneck=bottleneck,
            kernel=kernels[i],
            dilation=dilation,
            mode=modes[i],
            activation=_activation(config, activations[i], bottleneck),
            second=second,
        )
        inner, term = layer.lay(builder, weights, config, inner, condition)
        if head is None:
            head = builder.rows(term[1])
            builder.apply(COPY, head, term)
        elif head[1] != term[1]:
            raise config.file.fault(
                f"{config.what} adds {term[1]} channels to a head of {head[1]}; check head_size"
            )
        else:
            builder.apply(ADD, head, term)
        reach += (kernels[i] - 1) * dilation
    assert head is not None
    part = config.part("head")
    if part is not None:
        size, kernel = part.whole("out_channels", 1, 1024), part.whole("kernel_size", 1, 2**16)
        bias = part.flag("bias")
    else:
        size, kernel = config.whole("head_size", 1, 1024), 1
        bias = config.flag("head_bias")
    out = builder.rows(size)
    matrix, biases = weights.convolution(head[1], size, kernel, bias=bias)
    builder.mix(out, [(head, matrix, 1)], biases)
    return inner, out, reach + kernel - 1


@dataclass(frozen=True)
class _Layer:
    """One dilated convolution with its gate, residual and skip paths."""

    channels: int
    bottleneck: int
    kernel: int
    dilation: int
    mode: str
    activation: tuple[int, NDArray[np.float32]]
    second: tuple[int, NDArray[np.float32]] | None

    def lay(
        self, builder: _Builder, weights: _Weights, config: _Config, x: Rows, condition: Rows
    ) -> tuple[Rows, Rows]:
        """Add the layer's steps; return its output and what it gives to the head."""
        given = ((name, config.part(name)) for name in _FILMS)
        films = {name: f for name, f in given if f is not None and f.flag("active", True)}
        one, side = config.part("layer1x1"), config.part("head1x1")
        has_one = one is None or one.flag("active")
        has_side = side is not None and side.flag("active")
        middle = self.bottleneck * (1 if self.mode == "none" else 2)

        # Weights stand in this order whatever the order of the work.
        conv, conv_bias = weights.convolution(
            self.channels,
            middle,
            self.kernel,
            bias=True,
            groups=config.whole("groups_input", 1, 4096, 1),
        )
        mixin, _ = weights.convolution(
            condition[1],
            middle,
            1,
            bias=False,
            groups=config.whole("groups_input_mixin", 1, 4096, 1),
        )
        if has_one:
            groups = 1 if one is None else one.whole("groups", 1, 4096, 1)
            one_matrix, one_bias = weights.convolution(
                self.bottleneck, self.channels, 1, bias=True, groups=groups
            )
        if has_side:
            assert side is not None
            width = side.whole("out_channels", 1, 1024)
            groups = side.whole("groups", 1, 4096, 1)
            side_matrix, side_bias = weights.convolution(
                self.bottleneck, width, 1, bias=True, groups=groups
            )
        sizes = {
            "conv_pre_film": self.channels,
            "conv_post_film": middle,
            "input_mixin_pre_film": condition[1],
            "input_mixin_post_film": middle,
            "activation_pre_film": middle,
            "activation_post_film": self.bottleneck,
            "layer1x1_post_film": self.channels,
            "head1x1_post_film": width if has_side else self.bottleneck,
        }
        for name, needed in (("layer1x1_post_film", has_one), ("head1x1_post_film", has_side)):
            if name in films and not needed:
                raise config.file.fault(f"{config.what}.{name} needs an active {name[:-10]}")
        made = {
            name: _modulate(builder, weights, films[name], condition, sizes[name])
            for name in _FILMS
            if name in films
        }

        def modulated(rows: Rows, name: str) -> None:
            if name in made:
                builder.apply(FILM, rows, *made[name])

        def modulated_copy(rows: Rows, name: str) -> Rows:
            if name not in made:
                return rows
            copy = builder.rows(rows[1])
            builder.apply(COPY, copy, rows)
            modulated(copy, name)
            return copy

        heard = modulated_copy(x, "conv_pre_film")
        told = modulated_copy(condition, "input_mixin_pre_film")
        z = builder.rows(middle)
        if "conv_post_film" in made or "input_mixin_post_film" in made:
            builder.mix(z, [(heard, conv, self.dilation)], conv_bias)
            modulated(z, "conv_post_film")
            mixed = builder.rows(middle)
            builder.mix(mixed, [(told, mixin, 1)])
            modulated(mixed, "input_mixin_post_film")
            builder.apply(ADD, z, mixed)
        else:
            builder.mix(z, [(heard, conv, self.dilation), (told, mixin, 1)], conv_bias)
        modulated(z, "activation_pre_film")

        top, gate = (z[0], self.bottleneck), (z[0] + self.bottleneck, self.bottleneck)
        if self.mode == "blended":
            before = builder.rows(self.bottleneck)
            builder.apply(COPY, before, top)
        builder.activate(top, self.activation)
        if self.second is not None:
            builder.activate(gate, self.second)
            if self.mode == "gated":
                builder.apply(GATE, top, gate)
            else:
                builder.apply(BLEND, top, gate, before)
        modulated(top, "activation_post_film")

        out = builder.rows(self.channels)
        if has_one and "layer1x1_post_film" not in made:
            builder.mix(out, [(top, one_matrix, 1)], one_bias, begin=x)
        elif has_one:
            builder.mix(out, [(top, one_matrix, 1)], one_bias)
            modulated(out, "layer1x1_post_film")
            builder.apply(ADD, out, x)
        elif self.bottleneck == self.channels:
            builder.apply(COPY, out, x)
            builder.apply(ADD, out, top)
        else:
            raise config.file.fault(f"{config.what}: without layer1x1, bottleneck must be channels")
        if not has_side:
            return out, top
        term = builder.rows(width)
        builder.mix(term, [(top, side_matrix, 1)], side_bias)
        modulated(term, "head1x1_post_film")
        return out, term


def _conv_net(builder: _Builder, config: _Config, source: Rows) -> tuple[Rows, int]:
    channels, norm = config.whole("channels", 1, 1024), config.flag("batchnorm")
    groups = config.whole("groups", 1, 4096, 1)
    activation = _activation(config, config.values.get("activation"), channels)
    weights, signal = _Weights(config.file), source
    dilations = config.wholes("dilations", 1, 2**20)
    for dilation in dilations:
        matrix, bias = weights.convolution(signal[1], channels, 2, bias=not norm, groups=groups)
        if norm:
            mean, variance = weights.take(channels), weights.take(channels)
            gain, loc = weights.take(channels), weights.take(channels)
            spread = variance + weights.take(1)
            if not (spread > 0).all():
                raise config.file.fault("a variance among the weights is not above 0")
            scale = gain / np.sqrt(spread)
            matrix, bias = matrix * scale[:, None, None], loc - scale * mean
        out = builder.rows(channels)
        builder.mix(out, [(signal, matrix, dilation)], bias)
        builder.activate(out, activation)
        signal = out
    head, bias = weights.convolution(channels, 1, 1, bias=True)
    weights.finish()
    result = builder.rows(1)
    builder.mix(result, [(signal, head, 1)], bias)
    return result, sum(dilations)


def _linear(builder: _Builder, config: _Config, source: Rows) -> tuple[Rows, int]:
    taps = config.whole("receptive_field", 1, 2**20)
    weights = _Weights(config.file)
    response = weights.take(taps)
    bias = weights.take(1) if config.flag("bias") else None
    weights.finish()
    result = builder.rows(1)
    # The response begins with the present sample; kernels of `mix` end with it.
    builder.mix(result, [(source, response[None, None, ::-1], 1)], bias)
    return result, taps - 1


def _lstm(config: _Config) -> Cells:
    layers, hidden = config.whole("num_layers", 1, 16), config.whole("hidden_size", 1, 1024)
    if config.whole("input_size", 1, 1024) != 1:
        raise config.file.fault(
            f"input_size={config.values['input_size']} does not play: only mono captures do"
        )
    weights = _Weights(config.file)
    table = np.zeros((layers, 2 * hidden, 4 * hidden), np.float32)
    biases = np.zeros((layers, 4 * hidden), np.float32)
    start = np.zeros((layers, 2, hidden), np.float32)
    for i in range(layers):
        inputs = 1 if i == 0 else hidden
        matrix = weights.take(4 * hidden * (inputs + hidden)).reshape(4 * hidden, -1)
        table[i, :inputs] = matrix[:, :inputs].T
        table[i, hidden:] = matrix[:, inputs:].T
        biases[i] = weights.take(4 * hidden)
        start[i] = weights.take(2 * hidden).reshape(2, hidden)
    head, head_bias = weights.take(hidden), weights.take(1)[0]
    weights.finish()
    # Half a second of silence, as the reference player lets the cells settle.
    return Cells(table, biases, start, head, head_bias, config.file.sample_rate // 2)
