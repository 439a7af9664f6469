"""WaveNet captures as programs, of the first and the second generation.

Purpose: stacks of dilated convolutions with residual and skip paths; gated and blended
activations, bottlenecks, groups, modulation by the condition (FiLM), a network that makes the
condition (``condition_dsp``), kernels of mixed length, a head behind the stack.

Where trainer and plugin core differ (what follows a layer without its 1x1 convolution, modulation
behind that convolution), the trainer's meaning counts: it is what the weights were fitted to.

Public names: :func:`lay_wavenet`.

References: A. van den Oord et al., *WaveNet: a generative model for raw audio* (2016); the
MIT-licensed sources of neural-amp-modeler (nam/models/wavenet), whose order of weights is followed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leitmotiv.effects.nam_kernels import ADD, BLEND, COPY, FILM, GATE
from leitmotiv.effects.nam_program import (
    Builder,
    Rows,
    Settings,
    Weights,
    per_layer,
    read_activation,
    read_child,
)

__all__ = ["lay_wavenet"]

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


def _modulate(
    builder: Builder,
    weights: Weights,
    film: Settings,
    condition: Rows,
    channels: int,
) -> tuple[Rows, Rows | None]:
    """Scale and shift that the condition asks for; taken in the order of the weights."""
    shift, groups = film.flag("shift", True), film.whole("groups", 1, 4096, 1)
    made = builder.rows(channels * (2 if shift else 1))
    matrix, bias = weights.convolution(condition[1], made[1], 1, bias=True, groups=groups)
    builder.mix(made, [(condition, matrix, 1)], bias)
    return (made[0], channels), (made[0] + channels, channels) if shift else None


def lay_wavenet(builder: Builder, config: Settings, source: Rows) -> tuple[Rows, int]:
    condition, reach = source, 0
    if config.part("condition_dsp") is not None:
        # The condition is a network of its own, with its own weights, that hears the input.
        inner = read_child(config, config.values["condition_dsp"], "condition_dsp")
        if inner.architecture != "WaveNet":
            raise inner.fault(f"architecture {inner.architecture!r} cannot make a condition")
        condition, reach = lay_wavenet(builder, Settings(inner, inner.config, "config"), source)
    weights = Weights(config.file)
    layers = config.values.get("layers")
    if not isinstance(layers, list) or not layers:
        raise config.file.fault(f"{config.what}.layers must be a list of layer arrays")
    signal, head = source, None
    for i, each in enumerate(layers):
        stack = Settings(config.file, each, f"layers[{i}]")
        signal, head, more = _stack(builder, weights, stack, signal, condition, head)
        reach += more
    assert head is not None
    parts = Settings(config.file, config.values, config.what)
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
    builder: Builder, weights: Weights, config: Settings, head: Rows
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
        activation = read_activation(config, config.values.get("activation"), signal[1])
        builder.activate(signal, activation)
        out = builder.rows(matrix.shape[0])
        builder.mix(out, [(signal, matrix, 1)], bias)
        signal = out
    return signal, sum(kernel - 1 for kernel in kernels)


def _stack(
    builder: Builder,
    weights: Weights,
    config: Settings,
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
        kernels = per_layer(config, "kernel_sizes", len(dilations))
    else:
        kernels = [config.whole("kernel_size", 1, 2**12)] * len(dilations)
    activations = per_layer(config, "activation", len(dilations))
    if "gating_mode" in config.values:
        modes = per_layer(config, "gating_mode", len(dilations))
    else:
        modes = ["gated" if config.flag("gated", False) else "none"] * len(dilations)
    seconds = per_layer(config, "secondary_activation", len(dilations))

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
            second = read_activation(config, named, bottleneck)
        layer = _Layer(
            channels=channels,
            bottleneck=bottleneck,
            kernel=kernels[i],
            dilation=dilation,
            mode=modes[i],
            activation=read_activation(config, activations[i], bottleneck),
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
        self, builder: Builder, weights: Weights, config: Settings, x: Rows, condition: Rows
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
