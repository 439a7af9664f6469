"""The score model: a decoder-only Transformer over note events.

One backbone position per event. Its input is the sum of the event's four field embeddings and the
embeddings of its cell's conditions. Small heads chained by the chain rule turn the backbone's
output into position, then pitch given position, then duration, then velocity.

Rotary embeddings (Su et al., "RoFormer", 2021) are applied along two axes: half of each head's
pairs turn with the index in the sequence, half with musical time in steps, so that "a bar ago" is
the same rotation wherever the cell stands in the reordered sequence. Keys and values are shared by
groups of heads (Ainslie et al., "GQA", 2023), which keeps the cache small.

Shapes: ``B`` sequences, ``T`` events, ``E`` conditions, ``D`` width, ``H`` heads, ``G`` key-value
heads, ``K`` head width.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

_BLOCK = 128  # queries computed together on a CPU


@dataclass(frozen=True)
class ModelConfig:
    """Sizes. ``field_sizes`` and ``condition_sizes`` come from the pack's vocabulary."""

    field_sizes: tuple[int, ...]
    condition_sizes: tuple[int, ...]
    width: int = 192
    layers: int = 6
    heads: int = 6
    kv_heads: int = 2
    hidden: int = 512
    dropout: float = 0.05

    def to_dict(self) -> dict:
        return asdict(self)


def rotary_angles(index: Tensor, time: Tensor, head_width: int) -> Tensor:
    """Angles (B, T, K/2): first half of the pairs by sequence index, second by musical time."""
    pairs = head_width // 4
    exponent = torch.arange(pairs, dtype=torch.float32, device=index.device) / max(pairs - 1, 1)
    by_index = (2 * math.pi / 8.0) * (8.0 / 4096.0) ** exponent  # wavelengths of 8-4096 events
    by_time = (2 * math.pi / 24.0) * (24.0 / 12288.0) ** exponent  # 24-12288 steps
    return torch.cat(
        [index[..., None].float() * by_index, time[..., None].float() * by_time], dim=-1
    )


def rotate(x: Tensor, angles: Tensor) -> Tensor:
    """Rotate pairs; x (B, heads, T, K), angles (B, T, K/2)."""
    cos, sin = torch.cos(angles)[:, None].to(x.dtype), torch.sin(angles)[:, None].to(x.dtype)
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


def causal_attention(query: Tensor, key: Tensor, value: Tensor, dropout: float = 0.0) -> Tensor:
    """Attention (B, H, T, K) over the past.

    On a CPU the library's fused kernel takes twice as long as blocks of queries with plain matrix
    products (132 against 63 ms, forward and backward, 16 sequences of 381 on one core).
    """
    if query.device.type != "cpu":
        return F.scaled_dot_product_attention(query, key, value, is_causal=True, dropout_p=dropout)
    # Autocast would widen every softmax; bfloat16 is exact enough for weights that sum to one.
    with torch.autocast("cpu", enabled=False):
        return _blockwise(query.to(value.dtype), key.to(value.dtype), value, dropout)


def _blockwise(query: Tensor, key: Tensor, value: Tensor, dropout: float) -> Tensor:
    length, width = query.shape[-2], query.shape[-1]
    future = torch.full((_BLOCK, _BLOCK), -torch.inf, dtype=query.dtype).triu(1)
    attended = []
    for start in range(0, length, _BLOCK):
        stop = min(start + _BLOCK, length)
        scores = (query[:, :, start:stop] * width**-0.5) @ key[:, :, :stop].transpose(-1, -2)
        mask = F.pad(future[: stop - start, : stop - start], (start, 0))
        weights = F.dropout(torch.softmax(scores + mask, dim=-1), dropout, dropout > 0)
        attended.append(weights @ value[:, :, :stop])
    return torch.cat(attended, dim=2)


class RMSNorm(nn.Module):
    """Root-mean-square norm with a learned gain."""

    def __init__(self, width: int):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5) * self.gain


class Block(nn.Module):
    """Attention and a gated feed-forward layer, pre-norm."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        self.head_width = config.width // config.heads
        kv_width = config.kv_heads * self.head_width
        self.norm_attention = RMSNorm(config.width)
        self.norm_feed = RMSNorm(config.width)
        self.norm_query = RMSNorm(self.head_width)
        self.norm_key = RMSNorm(self.head_width)
        self.query = nn.Linear(config.width, config.width, bias=False)
        self.key_value = nn.Linear(config.width, 2 * kv_width, bias=False)
        self.out = nn.Linear(config.width, config.width, bias=False)
        self.gate_up = nn.Linear(config.width, 2 * config.hidden, bias=False)
        self.down = nn.Linear(config.hidden, config.width, bias=False)
        self.dropout = nn.Dropout(config.dropout)

    def project(self, x: Tensor, angles: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Queries (B, H, T, K), keys and values (B, G, T, K), rotated."""
        batch, length, _ = x.shape
        normed = self.norm_attention(x)
        query = self.query(normed).view(batch, length, self.config.heads, self.head_width)
        key, value = (
            self.key_value(normed)
            .view(batch, length, 2 * self.config.kv_heads, self.head_width)
            .chunk(2, dim=2)
        )
        query = rotate(self.norm_query(query).transpose(1, 2), angles)
        key = rotate(self.norm_key(key).transpose(1, 2), angles)
        return query, key, value.transpose(1, 2)

    def finish(self, x: Tensor, attended: Tensor) -> Tensor:
        """Add attention (B, H, T, K) and the feed-forward layer to the stream."""
        batch, _, length, _ = attended.shape
        x = x + self.dropout(self.out(attended.transpose(1, 2).reshape(batch, length, -1)))
        gate, up = self.gate_up(self.norm_feed(x)).chunk(2, dim=-1)
        return x + self.dropout(self.down(F.silu(gate) * up))

    def forward(self, x: Tensor, angles: Tensor) -> Tensor:
        query, key, value = self.project(x, angles)
        groups = self.config.heads // self.config.kv_heads
        attended = causal_attention(
            query,
            key.repeat_interleave(groups, dim=1),
            value.repeat_interleave(groups, dim=1),
            self.config.dropout if self.training else 0.0,
        )
        return self.finish(x, attended)


class Heads(nn.Module):
    """Chained field heads: each sees the backbone and the fields already decided."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        width = config.width
        self.norm = RMSNorm(width)
        self.given = nn.ModuleList(nn.Embedding(size, width) for size in config.field_sizes[:3])
        self.mix = nn.ModuleList(nn.Linear(width, width) for _ in config.field_sizes)
        self.read = nn.ModuleList(nn.Linear(width, size) for size in config.field_sizes)
        for table in self.given:
            nn.init.normal_(table.weight, std=0.02)

    def forward(self, hidden: Tensor, fields: Tensor) -> tuple[Tensor, ...]:
        """Logits of the four fields.

        hidden (..., D); fields (..., 3) hold position, pitch and duration ids. The logits of a
        field depend on earlier fields only, so later ids may be anything while sampling.
        """
        normed = self.norm(hidden)
        logits = []
        known = torch.zeros_like(normed)
        for index, (mix, read) in enumerate(zip(self.mix, self.read, strict=True)):
            logits.append(read(F.gelu(mix(normed) + known)))
            if index < 3:
                known = known + self.given[index](fields[..., index])
        return tuple(logits)


class ScoreModel(nn.Module):
    """Backbone and heads."""

    def __init__(self, config: ModelConfig):
        super().__init__()
        self.config = config
        width = config.width
        self.fields = nn.ModuleList(nn.Embedding(size, width) for size in config.field_sizes)
        self.condition = nn.EmbeddingBag(sum(config.condition_sizes), width, mode="sum")
        offsets = [sum(config.condition_sizes[:i]) for i in range(len(config.condition_sizes))]
        self.register_buffer("offsets", torch.tensor(offsets), persistent=False)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm_in = RMSNorm(width)
        self.heads = Heads(config)
        for table in [*self.fields, self.condition]:
            nn.init.normal_(table.weight, std=0.02)
        for name, parameter in self.named_parameters():
            if name.endswith(("out.weight", "down.weight")):
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * config.layers))

    def embed(self, events: Tensor, conditions: Tensor) -> Tensor:
        """Input vectors (B, T, D) of events (B, T, 4) and conditions (B, T, E)."""
        x = sum(table(events[..., i]) for i, table in enumerate(self.fields))
        ids = (conditions + self.offsets).view(-1, conditions.shape[-1])
        return self.norm_in(x + self.condition(ids).view_as(x))

    def backbone(self, events: Tensor, conditions: Tensor, time: Tensor) -> Tensor:
        """Hidden states (B, T, D)."""
        x = self.embed(events, conditions)
        index = torch.arange(events.shape[1], device=events.device).expand(events.shape[:2])
        angles = rotary_angles(index, time, self.config.width // self.config.heads)
        for block in self.blocks:
            x = block(x, angles)
        return x

    def losses(
        self, batch: dict[str, Tensor], smoothing: float = 0.0
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Return the training loss and summed nats and counts per field.

        The loss is the mean over events of the sum over fields; a velocity target of 0 ("unknown")
        and the missing fields of an end-of-cell event count nothing.
        """
        hidden = self.backbone(batch["events"], batch["conditions"], batch["time"])
        real = batch["events"][..., 0] > 0
        hidden, targets = hidden[real], batch["targets"][real]
        logits = self.heads(hidden, targets[..., :3])
        total = hidden.new_zeros((), dtype=torch.float32)
        report: dict[str, Tensor] = {"events": real.sum()}
        for index, name in enumerate(("position", "pitch", "duration", "velocity")):
            wanted = targets[:, index] > 0
            chosen, answer = logits[index][wanted].float(), targets[:, index][wanted]
            if len(answer):
                smooth = smoothing if index < 3 else 0.0
                loss = F.cross_entropy(chosen, answer, reduction="sum", label_smoothing=smooth)
                total = total + loss
                report[name] = loss.detach()
            else:
                report[name] = total.detach() * 0
            report[f"{name}_count"] = wanted.sum()
        return total / real.sum().clamp(min=1), report
