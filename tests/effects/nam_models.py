"""Small amp captures of every architecture with random weights, for tests."""

from __future__ import annotations

from typing import Any

import numpy as np

FILM = {"active": True, "shift": True, "groups": 1}
SCALE_ONLY = {"active": True, "shift": False, "groups": 2}


def document(architecture: str, config: dict[str, Any], weights: Any, **more: Any) -> Any:
    values = [float(w) for w in np.asarray(weights, np.float32)]
    return {
        "version": "0.7.0",
        "architecture": architecture,
        "config": config,
        "weights": values,
        "sample_rate": 48_000,
        **more,
    }


def stack(**changes: Any) -> dict[str, Any]:
    return {
        "input_size": 1,
        "condition_size": 1,
        "channels": 3,
        "kernel_size": 3,
        "dilations": [1, 4],
        "activation": "Tanh",
        "gated": False,
        "head_size": 2,
        "head_bias": False,
        **changes,
    }


def first_generation(rng: np.random.Generator, **changes: Any) -> Any:
    """Two stacks, as captures of the first years have them; the second is gated."""
    second = stack(input_size=3, channels=2, head_size=1, head_bias=True, gated=True, **changes)
    config = {"layers": [stack(**changes), second], "head": None, "head_scale": 0.5}
    first = 3 + 2 * (3 * 3 * 3 + 3 + 3 + 3 * 3 + 3) + 2 * 3
    gated = 3 * 2 + 2 * (4 * 2 * 3 + 4 + 4 + 2 * 2 + 2) + 2 + 1
    return document("WaveNet", config, 0.5 * rng.standard_normal(first + gated + 1))


def second_generation(rng: np.random.Generator) -> Any:
    """A condition of its own, kernels of mixed length, groups, a narrow middle, modulation."""
    inner = {
        "layers": [stack(dilations=[1, 2], head_size=2, activation="ReLU")],
        "head": None,
        "head_scale": 0.3,
    }
    count = 3 + 2 * (3 * 3 * 3 + 3 + 3 + 3 * 3 + 3) + 2 * 3 + 1
    condition = document("WaveNet", inner, 0.5 * rng.standard_normal(count))
    outer = {
        "input_size": 1,
        "condition_size": 2,
        "channels": 4,
        "bottleneck": 2,
        "kernel_sizes": [2, 5, 3],
        "dilations": [1, 3, 7],
        "activation": [
            "SiLU",
            {"type": "PReLU", "negative_slopes": [0.1, 0.3]},
            {"type": "LeakyHardtanh", "min_val": -0.5, "max_val": 0.4, "min_slope": 0.1},
        ],
        "gating_mode": ["none", "blended", "gated"],
        "secondary_activation": [None, "Sigmoid", "Hardswish"],
        "head": {"out_channels": 2, "kernel_size": 4, "bias": True},
        "groups_input": 2,
        "layer1x1": {"active": True, "groups": 2},
        "head1x1": {"active": True, "out_channels": 4, "groups": 1},
        "conv_pre_film": FILM,
        "conv_post_film": SCALE_ONLY,
        "input_mixin_pre_film": FILM,
        "activation_post_film": FILM,
        "layer1x1_post_film": SCALE_ONLY,
        "head1x1_post_film": FILM,
    }
    count = 4
    for kernel, width in ((2, 2), (5, 4), (3, 4)):
        count += width * 2 * kernel + width + width * 2  # convolution and mixin
        count += 4 * 1 + 4 + 4 * 2 + 4  # 1x1 convolutions
        count += 8 * 2 + 8 + width * 1 + width + 4 * 2 + 4  # modulation
        count += 4 * 2 + 4 + 4 * 1 + 4 + 8 * 2 + 8
    count += 2 * 4 * 4 + 2  # head of the stack
    post = {
        "channels": 3,
        "out_channels": 1,
        "kernel_sizes": [3, 2],
        "activation": {"type": "LeakyReLU", "negative_slope": 0.2},
    }
    count += 3 * 2 * 3 + 3 + 1 * 3 * 2 + 1 + 1
    config = {"layers": [outer], "head": post, "head_scale": 0.1, "condition_dsp": condition}
    return document("WaveNet", config, 0.4 * rng.standard_normal(count))


def conv_net(rng: np.random.Generator, batchnorm: bool) -> Any:
    config = {
        "channels": 3,
        "dilations": [1, 2, 8],
        "batchnorm": batchnorm,
        "activation": "Hardtanh",
    }
    weights: list[float] = []
    for i in range(3):
        inputs = 1 if i == 0 else 3
        weights += list(0.6 * rng.standard_normal(3 * inputs * 2))
        if batchnorm:
            weights += list(0.1 * rng.standard_normal(3)) + list(rng.uniform(0.5, 2.0, 3))
            weights += list(rng.uniform(0.5, 2.0, 3)) + list(0.1 * rng.standard_normal(3)) + [1e-5]
        else:
            weights += list(0.1 * rng.standard_normal(3))
    return document("ConvNet", config, weights + list(rng.standard_normal(4)))


def lstm(rng: np.random.Generator) -> Any:
    config = {"input_size": 1, "hidden_size": 5, "num_layers": 2}
    count = 20 * 6 + 20 + 10 + 20 * 10 + 20 + 10 + 5 + 1
    return document("LSTM", config, 0.7 * rng.standard_normal(count))


def linear(rng: np.random.Generator) -> Any:
    return document("Linear", {"receptive_field": 37, "bias": True}, 0.2 * rng.standard_normal(38))


def container(rng: np.random.Generator) -> Any:
    submodels = [
        {"max_value": 0.5, "model": linear(rng)},
        {"max_value": 1.0, "model": first_generation(rng)},
    ]
    return document("SlimmableContainer", {"submodels": submodels}, [])


def models(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "WaveNet, first generation": first_generation(rng),
        "WaveNet, second generation": second_generation(rng),
        "ConvNet": conv_net(rng, False),
        "ConvNet with normalisation": conv_net(rng, True),
        "LSTM": lstm(rng),
        "Linear": linear(rng),
        "SlimmableContainer": container(rng),
    }
