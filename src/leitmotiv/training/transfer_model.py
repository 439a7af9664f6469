"""The networks of timbre transfer: a generator of mel frames and the adversary that judges them.

Shapes: ``B`` examples, ``N`` mel bands, ``T`` frames, ``C`` target classes, ``W`` width. Levels in
dB are scaled by :func:`scale_levels` before any network sees them.

The generator is a stack of dilated convolutions over time, every band a channel, whose blocks are
scaled and shifted by the target class; it answers with a change of the source's levels, so an
untrained one hands the source through. The adversary looks at patches of the spectrogram as
pictures, at the source beside the answer, and judges how much an answer belongs to its class.

Public names: :class:`Generator`, :class:`Adversary`, :func:`scale_levels`, :func:`to_db`.

References: Isola and others, *Image-to-image translation with conditional adversarial networks*,
CVPR 2017; Miyato and Koyama, *cGANs with projection discriminator*, ICLR 2018; Perez and others,
*FiLM: visual reasoning with a general conditioning layer*, AAAI 2018.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

__all__ = ["Adversary", "Generator", "scale_levels", "to_db"]

LOWEST_DB = -80.0  # what is below cannot be heard in music and is not learned
CENTRE_DB, SPREAD_DB = -50.0, 20.0


def scale_levels(levels_db: Tensor) -> Tensor:
    """Bring levels in dB near zero mean and unit spread."""
    return (levels_db.clamp(min=LOWEST_DB) - CENTRE_DB) / SPREAD_DB


def to_db(scaled: Tensor) -> Tensor:
    """Turn scaled levels back into dB."""
    return scaled * SPREAD_DB + CENTRE_DB


class _Block(nn.Module):
    """A dilated convolution under the class's scale and shift, added to what came in."""

    def __init__(self, width: int, dilation: int, conditioning: int) -> None:
        super().__init__()
        self.film = nn.Linear(conditioning, 2 * width)
        self.wide = nn.Conv1d(width, width, 3, dilation=dilation, padding=dilation)
        self.narrow = nn.Conv1d(width, width, 1)
        self.act = nn.SiLU()

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        scale, shift = self.film(condition)[:, :, None].chunk(2, dim=1)  # (B, W, 1) each
        hidden = self.act(self.wide(x) * (1 + scale) + shift)
        result: Tensor = x + self.narrow(hidden)
        return result


class Generator(nn.Module):
    """Scaled levels of a source (B, N, T) and classes (B,) to scaled levels of the target."""

    def __init__(
        self, bands: int, classes: int, width: int, dilations: tuple[int, ...], conditioning: int
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(classes, conditioning)
        self.enter = nn.Conv1d(bands, width, 3, padding=1)
        self.blocks = nn.ModuleList(_Block(width, step, conditioning) for step in dilations)
        self.act = nn.SiLU()
        self.leave = nn.Conv1d(width, bands, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        if self.leave.bias is not None:
            nn.init.zeros_(self.leave.bias)

    def forward(self, source: Tensor, label: Tensor) -> Tensor:
        condition = self.embedding(label)
        x = self.enter(source)
        for block in self.blocks:
            x = block(x, condition)
        result: Tensor = source + self.leave(self.act(x))
        return result


class Adversary(nn.Module):
    """Patches of source and answer (B, N, T) and classes (B,) to scores and inner features."""

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        sizes = (3, width, 2 * width, 4 * width, 4 * width)
        self.layers = nn.ModuleList(
            spectral_norm(nn.Conv2d(a, b, 4 if i < 3 else 3, stride=2 if i < 3 else 1, padding=1))
            for i, (a, b) in enumerate(pairwise(sizes))
        )
        self.act = nn.LeakyReLU(0.2)
        self.score = spectral_norm(nn.Conv2d(sizes[-1], 1, 1))
        self.projection = nn.Embedding(classes, sizes[-1])
        nn.init.normal_(self.projection.weight, std=0.05)

    def forward(self, source: Tensor, answer: Tensor, label: Tensor) -> tuple[Tensor, list[Tensor]]:
        # The place in frequency as a third picture: timbre is not the same at every height.
        place = torch.linspace(-1.0, 1.0, answer.shape[1], device=answer.device)
        place = place[None, :, None].expand_as(answer)
        x = torch.stack([source, answer, place], dim=1)  # (B, 3, N, T)
        features = []
        for layer in self.layers:
            x = self.act(layer(x))
            features.append(x)
        belongs = (x * self.projection(label)[:, :, None, None]).sum(dim=1, keepdim=True)
        return self.score(x) + belongs, features
