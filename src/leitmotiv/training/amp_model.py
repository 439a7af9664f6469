"""The network that learns an amplifier: a WaveNet as ``.nam`` files hold it.

Purpose: train what any player of ``.nam`` files plays; nothing here that the format cannot say.

How it works: dilated convolutions over the last milliseconds of input, each with the input mixed
in and a bounded curve behind it, their sum weighted into the output. One stack of seven wide
kernels at the light sizes, two stacks of ten at the standard one.

Public names: :class:`AmpNet`, :class:`Stack`, :data:`SIZES`.

Reference: A. Wright, E.-P. Damskägg, L. Juvela and V. Välimäki, *Real-time guitar amplifier
emulation with deep learning*, Applied Sciences 10(3), 2020; the layout of weights is that of the
MIT-licensed neural-amp-modeler (nam/models/wavenet.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from torch import nn

__all__ = ["SIZES", "AmpNet", "Stack"]


@dataclass(frozen=True)
class Stack:
    """One stack of layers: its width, its kernel, its dilations."""

    channels: int
    kernel: int
    dilations: tuple[int, ...]


_SPREAD = (1, 3, 7, 17, 41, 101, 239)
_DOUBLED = tuple(2**i for i in range(10))
SIZES = MappingProxyType(
    {
        "nano": (Stack(4, 6, _SPREAD),),
        "light": (Stack(8, 6, _SPREAD),),
        "medium": (Stack(12, 6, _SPREAD),),
        "standard": (Stack(16, 3, _DOUBLED), Stack(8, 3, _DOUBLED)),
    }
)
"""Sizes by name, from the smallest to the largest."""


class _Layer(nn.Module):
    """One dilated convolution with the input mixed in, and its residual path."""

    def __init__(self, channels: int, kernel: int, dilation: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, channels, kernel, dilation=dilation)
        self.mixin = nn.Conv1d(1, channels, 1, bias=False)
        self.one = nn.Conv1d(channels, channels, 1)

    def forward(self, x: torch.Tensor, audio: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        z = self.conv(x)  # (batch, channels, time shorter by the kernel's reach)
        z = torch.tanh(z + self.mixin(audio[:, :, -z.shape[2] :]))
        return x[:, :, -z.shape[2] :] + self.one(z), z


class AmpNet(nn.Module):
    """A capture while it is learnt.

    Parameters
    ----------
    stacks : tuple of Stack
    scale : float
        What the sum of the layers is multiplied with; about the loudness of the target.
    """

    def __init__(self, stacks: tuple[Stack, ...], scale: float) -> None:
        super().__init__()
        self.stacks, self.scale = stacks, float(np.float32(scale))
        self.rechannels, self.heads, self.layers = (nn.ModuleList() for _ in range(3))
        inputs = 1
        for i, stack in enumerate(stacks):
            last = i + 1 == len(stacks)
            outputs = 1 if last else stacks[i + 1].channels
            self.rechannels.append(nn.Conv1d(inputs, stack.channels, 1, bias=False))
            self.heads.append(nn.Conv1d(stack.channels, outputs, 1, bias=last))
            self.layers.append(
                nn.ModuleList(_Layer(stack.channels, stack.kernel, d) for d in stack.dilations)
            )
            inputs = stack.channels

    @property
    def receptive_field(self) -> int:
        """Samples of input that one sample of output depends on."""
        return 1 + sum((s.kernel - 1) * d for s in self.stacks for d in s.dilations)

    def forward(self, audio: torch.Tensor) -> torch.Tensor:
        """Return the output for the last samples, (batch, time - receptive_field + 1)."""
        audio = audio[:, None]  # (batch, 1, time)
        x, head = audio, None
        num_samples = audio.shape[2] - self.receptive_field + 1
        for rechannel, layers, out in zip(self.rechannels, self.layers, self.heads, strict=True):
            x = rechannel(x)
            for layer in layers:
                x, z = layer(x, audio)
                z = z[:, :, -num_samples:]
                head = z if head is None else head + z
            head = out(head)
        assert head is not None
        return self.scale * head[:, 0]

    def export_config(self) -> dict[str, Any]:
        """Return the configuration as ``.nam`` files spell it."""
        layers, inputs = [], 1
        for i, stack in enumerate(self.stacks):
            last = i + 1 == len(self.stacks)
            layers.append(
                {
                    "input_size": inputs,
                    "condition_size": 1,
                    "head_size": 1 if last else self.stacks[i + 1].channels,
                    "channels": stack.channels,
                    "kernel_size": stack.kernel,
                    "dilations": list(stack.dilations),
                    "activation": "Tanh",
                    "gated": False,
                    "head_bias": last,
                }
            )
            inputs = stack.channels
        return {"layers": layers, "head": None, "head_scale": self.scale}

    def export_weights(self) -> np.ndarray:
        """Return the weights in the order of ``.nam`` files, float32."""
        parts: list[torch.Tensor | None] = []
        for rechannel, layers, out in zip(self.rechannels, self.layers, self.heads, strict=True):
            parts.append(rechannel.weight)
            for layer in layers:
                parts += [layer.conv.weight, layer.conv.bias, layer.mixin.weight]
                parts += [layer.one.weight, layer.one.bias]
            parts += [out.weight, out.bias]
        flat = [part.detach().float().cpu().numpy().ravel() for part in parts if part is not None]
        return np.concatenate([*flat, np.array([self.scale], np.float32)])
