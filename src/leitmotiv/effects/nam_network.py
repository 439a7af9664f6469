"""Amp captures as programs: which architecture is laid out how.

Purpose: check a capture's configuration against its weights, and write down what the kernels of
:mod:`leitmotiv.effects.nam_kernels` do to play it.

What plays: **WaveNet** (see :mod:`leitmotiv.effects.nam_wavenet`), **ConvNet** (normalisation
folded into the convolution), **Linear** (an impulse response), **Sequential** (captures in a row),
and **SlimmableContainer** (captures of several sizes in one file; ``slim`` picks one). LSTM has a
kernel of its own. A slimmable WaveNet plays at its full width. Captures with several inputs or
outputs are refused by name.

Public names: :func:`lay_out`, :func:`receptive_field`.

References: the MIT-licensed sources of neural-amp-modeler (nam/models) and NeuralAmpModelerCore
(NAM/), whose order of weights is followed.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from leitmotiv.effects.nam_file import NamFile
from leitmotiv.effects.nam_program import (
    Builder,
    Cells,
    Program,
    Rows,
    Settings,
    Weights,
    read_activation,
    read_child,
)
from leitmotiv.effects.nam_wavenet import lay_wavenet

__all__ = ["lay_out", "receptive_field"]


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
    try:
        return _lay_out(file, slim)
    except RecursionError as error:
        raise file.fault("captures within captures are nested too deeply") from error


def _lay_out(file: NamFile, slim: float) -> list[Program | Cells]:
    config = Settings(file, file.config, "config")
    if file.architecture == "SlimmableContainer":
        return _lay_out(_pick(config, slim), slim)
    if file.architecture == "Sequential":
        models = file.config.get("models")
        if not isinstance(models, list) or not models or len(file.weights):
            raise file.fault("a Sequential file must hold 'models' and no weights of its own")
        children = [read_child(config, each, f"models[{i}]") for i, each in enumerate(models)]
        return [part for child in children for part in _lay_out(child, slim)]
    for key in ("in_channels", "out_channels"):
        if config.values.get(key, 1) != 1:
            raise file.fault(f"{key}={config.values[key]!r} does not play: only mono captures do")
    if file.architecture == "LSTM":
        return [_lstm(config)]
    builder = Builder(file)
    source = builder.rows(1)
    lay = {"WaveNet": lay_wavenet, "ConvNet": _conv_net, "Linear": _linear}[file.architecture]
    result, reach = lay(builder, config, source)
    if result[1] != 1:
        raise file.fault(f"the network has {result[1]} outputs; only mono captures play")
    return [builder.finish(result, reach)]


def receptive_field(parts: Sequence[Program | Cells]) -> int:
    """Samples of input that one sample of output depends on; for an LSTM, its warm-up."""
    return 1 + sum(part.warm_up for part in parts)


def _pick(config: Settings, slim: float) -> NamFile:
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
    return read_child(config, submodels[index]["model"], f"submodels[{index}].model")


def _conv_net(builder: Builder, config: Settings, source: Rows) -> tuple[Rows, int]:
    channels, norm = config.whole("channels", 1, 1024), config.flag("batchnorm")
    groups = config.whole("groups", 1, 4096, 1)
    activation = read_activation(config, config.values.get("activation"), channels)
    weights, signal = Weights(config.file), source
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


def _linear(builder: Builder, config: Settings, source: Rows) -> tuple[Rows, int]:
    taps = config.whole("receptive_field", 1, 2**20)
    weights = Weights(config.file)
    response = weights.take(taps)
    bias = weights.take(1) if config.flag("bias") else None
    weights.finish()
    result = builder.rows(1)
    # The response begins with the present sample; kernels of `mix` end with it.
    builder.mix(result, [(source, response[None, None, ::-1], 1)], bias)
    return result, taps - 1


def _lstm(config: Settings) -> Cells:
    layers, hidden = config.whole("num_layers", 1, 16), config.whole("hidden_size", 1, 1024)
    if config.whole("input_size", 1, 1024) != 1:
        raise config.file.fault(
            f"input_size={config.values['input_size']} does not play: only mono captures do"
        )
    weights = Weights(config.file)
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
