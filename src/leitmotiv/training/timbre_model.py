"""The timbre network: a table of latents, a decoder and an encoder, in PyTorch.

The decoder has two halves. The *trunk* runs once a note, on latent, pitch and velocity; the *frame*
half runs at every moment of the note, on what the trunk says and on the time since the onset. The
encoder maps the levels of any note, at ten moments, to a latent.

Shapes: ``B`` notes, ``F`` moments, ``Z`` latent width, ``W`` trunk width, ``H`` frame width,
``O`` = harmonic groups + noise bands. Outputs are in units of 20 dB around -40 dB.

Public names: :class:`TimbreSizes`, :class:`TimbreModel`, :func:`pitch_features`,
:func:`time_features`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

__all__ = ["TimbreModel", "TimbreSizes", "pitch_features", "time_features"]

PITCH_PERIODS = (96.0, 48.0, 24.0, 12.0, 8.0)
DECAY_SEC = (0.006, 0.02, 0.06, 0.18, 0.5, 1.5)
BUMPS = 14
BUMP_LOW, BUMP_HIGH = 0.003, 3.0


@dataclass(frozen=True)
class TimbreSizes:
    """Widths of the network."""

    num_instruments: int
    outputs: int = 96
    encoder_inputs: int = 960
    latent: int = 24
    trunk: int = 512
    trunk_layers: int = 3
    frame: int = 448
    hidden: int = 320
    encoder: int = 256


def pitch_features(pitch: Tensor, velocity: Tensor) -> Tensor:
    """Features of MIDI pitch and velocity, each (B,): (B, 13)."""
    columns = [(pitch - 60.0) / 24.0]
    for period in PITCH_PERIODS:
        angle = pitch * (2.0 * torch.pi / period)
        columns += [torch.sin(angle), torch.cos(angle)]
    level = (velocity - 64.0) / 64.0
    columns += [level, level * level]
    return torch.stack(columns, -1)


def time_features(time_sec: Tensor) -> Tensor:
    """Features of the time since the onset (...): (..., 23)."""
    t = time_sec.clamp_min(0.0)
    columns = [t, t.sqrt(), torch.log1p(t / 0.01) / 5.0]
    columns += [torch.exp(-t / decay) for decay in DECAY_SEC]
    place = torch.log(t.clamp_min(1e-4) / BUMP_LOW) * (
        (BUMPS - 1) / torch.log(torch.tensor(BUMP_HIGH / BUMP_LOW))
    )
    columns += [torch.exp(-0.5 * (place - k) ** 2) for k in range(BUMPS)]
    return torch.stack(columns, -1)


class TimbreModel(nn.Module):
    """Latents, decoder and encoder; see the module for shapes."""

    def __init__(self, sizes: TimbreSizes) -> None:
        super().__init__()
        self.sizes = sizes
        self.latents = nn.Embedding(sizes.num_instruments, sizes.latent)
        nn.init.normal_(self.latents.weight, std=0.7)
        first = sizes.latent + 3 + 2 * len(PITCH_PERIODS)
        layers = [nn.Linear(first, sizes.trunk)]
        layers += [nn.Linear(sizes.trunk, sizes.trunk) for _ in range(sizes.trunk_layers - 1)]
        self.trunk = nn.ModuleList(layers)
        self.shift = nn.Linear(sizes.trunk, sizes.frame)
        self.scale = nn.Linear(sizes.trunk, sizes.frame)
        times = 3 + len(DECAY_SEC) + BUMPS
        self.time_shift = nn.Linear(times, sizes.frame, bias=False)
        self.time_scale = nn.Linear(times, sizes.frame, bias=False)
        self.middle = nn.Linear(sizes.frame, sizes.hidden)
        self.out = nn.Linear(sizes.hidden, sizes.outputs)
        self.still = nn.Linear(sizes.trunk, sizes.outputs)
        # Stiffness (log10 B + 4), tuning and release (log10 of dB/s - 2).
        self.note = nn.Linear(sizes.trunk, 2)
        self.encoder = nn.ModuleList(
            [
                nn.Linear(sizes.encoder_inputs + 13, sizes.encoder),
                nn.Linear(sizes.encoder, sizes.encoder),
                nn.Linear(sizes.encoder, sizes.latent),
            ]
        )

    def trunk_of(self, latent: Tensor, pitch: Tensor, velocity: Tensor) -> Tensor:
        """Run the half that knows the note: (B, Z), (B,), (B,) to (B, W)."""
        x = torch.cat([latent, pitch_features(pitch, velocity)], -1)
        for index, layer in enumerate(self.trunk):
            y = nn.functional.silu(layer(x))
            x = y if index == 0 else x + y
        return x

    def decode(
        self, latent: Tensor, pitch: Tensor, velocity: Tensor, time_sec: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Levels (B, F, O) and note values (B, 2) at moments (B, F)."""
        note = self.trunk_of(latent, pitch, velocity)
        features = time_features(time_sec)
        x = self.shift(note)[:, None] + self.time_shift(features)
        x = x + self.scale(note)[:, None] * self.time_scale(features)
        x = nn.functional.silu(self.middle(nn.functional.silu(x)))
        return self.out(x) + self.still(note)[:, None], self.note(note)

    def encode(self, inputs: Tensor, pitch: Tensor, velocity: Tensor) -> Tensor:
        """Latents (B, Z) of notes seen as encoder inputs (B, 960)."""
        x = torch.cat([inputs, pitch_features(pitch, velocity)], -1)
        x = nn.functional.silu(self.encoder[0](x))
        x = x + nn.functional.silu(self.encoder[1](x))
        return self.encoder[2](x)
