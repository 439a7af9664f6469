"""Amp captures played a second way, for tests: NumPy in float64, whole signals, no state.

Written from the trainer's definition of each architecture; it shares no code with the player.
Signals are (channels, samples). Silence is put before the input, so that every layer has heard
what it looks back at.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]


class Reader:
    def __init__(self, weights: list[float]) -> None:
        self.weights, self.at = np.array(weights, np.float64), 0

    def __call__(self, *shape: int) -> Signal:
        size = int(np.prod(shape))
        self.at += size
        return self.weights[self.at - size : self.at].reshape(shape)


def conv(
    x: Signal, weight: Signal, bias: Signal | None = None, dilation: int = 1, groups: int = 1
) -> Signal:
    outputs, inputs, kernel = weight.shape
    result = np.zeros((outputs, x.shape[1]))
    for o in range(outputs):
        group = o // (outputs // groups)
        for i in range(inputs):
            for k in range(kernel):
                delay = (kernel - 1 - k) * dilation
                delayed = np.concatenate([np.zeros(delay), x[group * inputs + i]])[: x.shape[1]]
                result[o] += weight[o, i, k] * delayed
    return result if bias is None else result + bias[:, None]


def sigmoid(x: Signal) -> Signal:
    return 1 / (1 + np.exp(-x))


def activate(x: Signal, spec: Any) -> Signal:
    name = spec if isinstance(spec, str) else spec["type"]
    own = {} if isinstance(spec, str) else spec
    if name == "LeakyHardtanh":
        low, high = own.get("min_val", -1.0), own.get("max_val", 1.0)
        below, above = own.get("min_slope", 0.01), own.get("max_slope", 0.01)
        return np.where(
            x < low, (x - low) * below + low, np.where(x > high, (x - high) * above + high, x)
        )
    if name == "PReLU":
        slopes = np.array(own.get("negative_slopes", [0.01]))[:, None]
        return np.where(x > 0, x, slopes * x)
    return {
        "Tanh": lambda: np.tanh(x),
        "Hardtanh": lambda: np.clip(x, -1, 1),
        "ReLU": lambda: np.maximum(x, 0),
        "LeakyReLU": lambda: np.where(x > 0, x, own.get("negative_slope", 0.01) * x),
        "Sigmoid": lambda: sigmoid(x),
        "SiLU": lambda: x * sigmoid(x),
        "Hardswish": lambda: x * np.clip(x + 3, 0, 6) / 6,
        "Softsign": lambda: x / (1 + np.abs(x)),
    }[name]()


FILMS = (
    "conv_pre_film",
    "conv_post_film",
    "input_mixin_pre_film",
    "input_mixin_post_film",
    "activation_pre_film",
    "activation_post_film",
    "layer1x1_post_film",
    "head1x1_post_film",
)


def each(value: Any, i: int) -> Any:
    return value[i] if isinstance(value, list) else value


def wavenet(document: dict[str, Any], x: Signal) -> Signal:
    config, read = document["config"], Reader(document["weights"])
    inner = config.get("condition_dsp")
    condition = x if inner is None else wavenet(inner, x)
    signal, head = x, np.zeros((1, 1))
    for stack in config["layers"]:
        channels = stack["channels"]
        narrow = stack.get("bottleneck", channels)
        signal = conv(signal, read(channels, stack["input_size"], 1))
        for i, dilation in enumerate(stack["dilations"]):
            mode = each(stack.get("gating_mode", "none"), i)
            if stack.get("gated"):
                mode = "gated"
            width = narrow if mode == "none" else 2 * narrow
            kernel = each(stack.get("kernel_sizes", stack.get("kernel_size")), i)
            groups, mixed = stack.get("groups_input", 1), stack.get("groups_input_mixin", 1)
            weight, bias = read(width, channels // groups, kernel), read(width)
            mixin = read(width, stack["condition_size"] // mixed, 1)
            one = stack.get("layer1x1", {"active": True, "groups": 1})
            side = stack.get("head1x1", {"active": False})
            one_weight = read(channels, narrow // one["groups"], 1)
            one_bias = read(channels)
            if side["active"]:
                side_weight = read(side["out_channels"], narrow // side["groups"], 1)
                side_bias = read(side["out_channels"])
            films = {}
            for name in FILMS:
                film = stack.get(name)
                if not film or not film["active"]:
                    continue
                size = {
                    "conv_pre_film": channels,
                    "input_mixin_pre_film": stack["condition_size"],
                    "activation_post_film": narrow,
                    "layer1x1_post_film": channels,
                    "head1x1_post_film": side.get("out_channels", narrow),
                }.get(name, width)
                count = size * (2 if film["shift"] else 1)
                weights = read(count, stack["condition_size"] // film["groups"], 1)
                films[name] = conv(condition, weights, read(count), groups=film["groups"]), size

            def film_of(name: str, value: Signal, films: dict[str, Any] = films) -> Signal:
                if name not in films:
                    return value
                made, size = films[name]
                return value * made[:size] + (made[size:] if len(made) > size else 0)

            z = conv(film_of("conv_pre_film", signal), weight, bias, dilation, groups)
            z = film_of("conv_post_film", z)
            m = conv(film_of("input_mixin_pre_film", condition), mixin, None, 1, mixed)
            z = film_of("activation_pre_film", z + film_of("input_mixin_post_film", m))
            first = each(stack["activation"], i)
            second = each(stack.get("secondary_activation"), i) or "Sigmoid"
            a = activate(z[:narrow], first)
            if mode == "gated":
                a = a * activate(z[narrow:], second)
            elif mode == "blended":
                share = activate(z[narrow:], second)
                a = share * a + (1 - share) * z[:narrow]
            a = film_of("activation_post_film", a)
            out = conv(a, one_weight, one_bias, groups=one["groups"])
            signal = signal + film_of("layer1x1_post_film", out)
            if side["active"]:
                a = conv(a, side_weight, side_bias, groups=side["groups"])
                a = film_of("head1x1_post_film", a)
            head = head + a
        spec = stack.get("head") or {
            "out_channels": stack["head_size"],
            "kernel_size": 1,
            "bias": stack["head_bias"],
        }
        weight = read(spec["out_channels"], len(head), spec["kernel_size"])
        head = conv(head, weight, read(spec["out_channels"]) if spec["bias"] else None)
    post = config.get("head")
    if post:
        made = []
        for i, kernel in enumerate(post["kernel_sizes"]):
            inputs = len(head) if i == 0 else post["channels"]
            last = i == len(post["kernel_sizes"]) - 1
            outputs = post["out_channels"] if last else post["channels"]
            made.append((read(outputs, inputs, kernel), read(outputs)))
    head = head * read(1)
    if post:
        for weight, bias in made:
            head = conv(activate(head, post["activation"]), weight, bias)
    assert read.at == len(read.weights)
    return head


def conv_net(document: dict[str, Any], x: Signal) -> Signal:
    config, read = document["config"], Reader(document["weights"])
    channels = config["channels"]
    for i, dilation in enumerate(config["dilations"]):
        weight = read(channels, 1 if i == 0 else channels, 2)
        x = conv(x, weight, None if config["batchnorm"] else read(channels), dilation)
        if config["batchnorm"]:
            mean, variance, gain, shift = (read(channels)[:, None] for _ in range(4))
            x = (x - mean) / np.sqrt(variance + read(1)) * gain + shift
        x = activate(x, config["activation"])
    return conv(x, read(1, channels, 1), read(1))


def lstm(document: dict[str, Any], x: Signal) -> Signal:
    config, read = document["config"], Reader(document["weights"])
    size = config["hidden_size"]
    cells = []
    for i in range(config["num_layers"]):
        inputs = 1 if i == 0 else size
        cells.append([read(4 * size, inputs + size), read(4 * size), read(size), read(size)])
    head, bias = read(size), read(1)
    result = np.zeros(x.shape[1])
    for t, sample in enumerate(x[0]):
        below = np.array([sample])
        for cell in cells:
            weight, offset, hidden, memory = cell
            gates = (weight @ np.concatenate([below, hidden]) + offset).reshape(4, size)
            cell[3] = sigmoid(gates[1]) * memory + sigmoid(gates[0]) * np.tanh(gates[2])
            cell[2] = below = sigmoid(gates[3]) * np.tanh(cell[3])
        result[t] = head @ below + bias[0]
    return result[None]


def linear(document: dict[str, Any], x: Signal) -> Signal:
    weights, taps = document["weights"], document["config"]["receptive_field"]
    bias = weights[taps] if document["config"]["bias"] else 0.0
    return np.convolve(x[0], weights[:taps])[None, : x.shape[1]] + bias


def play(document: dict[str, Any], audio: NDArray[np.float32], silence: int) -> Signal:
    """Play a capture after so many samples of silence; float64 (samples,)."""
    if document["architecture"] == "SlimmableContainer":
        document = document["config"]["submodels"][-1]["model"]
    x = np.concatenate([np.zeros(silence), audio])[None]
    kinds = {"WaveNet": wavenet, "ConvNet": conv_net, "LSTM": lstm, "Linear": linear}
    return kinds[document["architecture"]](document, x)[0, silence:]
