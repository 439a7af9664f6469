"""The frame model: a causal model of a fixed number of voices on a grid of 16th steps.

One backbone position per step. Step ``t`` is predicted from the frames before it; inside the step
the voices follow one another in a fixed order (``FrameConfig.order``) by the chain rule. Each voice
is predicted in two parts that sum to one by construction::

    P(pitch) = P(hold) [pitch = previous] + (1 - P(hold)) P(change to pitch | pitch ≠ previous)

What the backbone reads of the past is described in `frame_features`. With a ``stride`` of 2 it has
one position for two steps (an eighth note), and a small layer brings the first step's notes to the
second: notes seldom begin between eighths, so little is lost and half the time is saved.

The pitch of a change is scored by sums of terms read off at the candidate: its pitch, its interval
from the voice's last note, from the anchor and from the voices already given, so that what is
learned in one key holds in the others.

Shapes: ``B`` pieces, ``T`` steps, ``V`` voices, ``S`` symbols (silence, then pitches), ``D`` width.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from leitmotiv.training.frame_features import (
    FADE_STEPS,
    MAX_INTERVAL,
    NO_INTERVAL,
    NUM_INTERVALS,
    column_sizes,
)

__all__ = ["TRANSPOSE_MARGIN", "FrameConfig", "FrameModel", "parameter_count"]

MAX_SPACING = 30  # intervals between voices are clipped here
TRANSPOSE_MARGIN = 6  # semitones kept free on both sides of the range for transposed copies


@dataclass(frozen=True)
class FrameConfig:
    """Sizes. ``backbone`` is ``transformer`` or ``gru``."""

    backbone: str = "transformer"
    voices: int = 4
    order: tuple[int, ...] = (0, 1, 2, 3)
    lowest_pitch: int = 36
    highest_pitch: int = 81
    stride: int = 2
    width: int = 128
    layers: int = 3
    heads: int = 4
    hidden: int = 256
    head_hidden: int = 128
    dropout: float = 0.1
    input_dropout: float = 0.0

    def __post_init__(self) -> None:
        if self.backbone not in ("transformer", "gru"):
            raise ValueError(f"backbone={self.backbone!r} must be 'transformer' or 'gru'")
        if sorted(self.order) != list(range(self.voices)):
            raise ValueError(f"order={self.order} must name each of {self.voices} voices once")

    @property
    def base(self) -> int:
        """The pitch of symbol 1; symbol 0 is silence."""
        return self.lowest_pitch - TRANSPOSE_MARGIN

    @property
    def num_symbols(self) -> int:
        """Silence and the pitches, the margins for transposed copies included."""
        return self.highest_pitch - self.lowest_pitch + 2 * TRANSPOSE_MARGIN + 2

    def to_dict(self) -> dict:
        return asdict(self)


class RMSNorm(nn.Module):
    """Root-mean-square norm with a learned gain."""

    def __init__(self, width: int):
        super().__init__()
        self.gain = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        return F.rms_norm(x, (x.shape[-1],), self.gain.to(x.dtype), 1e-5)


def rotation(length: int, pairs: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine (T, pairs) of rotary embeddings, wavelengths of 4 to 4,096 steps."""
    wavelength = 4.0 * 2.0 ** (10.0 * torch.arange(pairs) / max(pairs - 1, 1))
    angles = 2 * math.pi * torch.arange(length)[:, None] / wavelength
    return torch.cos(angles), torch.sin(angles)


def rotate(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Rotate pairs of x (B, H, T, K)."""
    cos, sin = (part.to(x.dtype) for part in turn)
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


class Block(nn.Module):
    """Causal attention and a gated feed-forward layer, pre-norm."""

    def __init__(self, config: FrameConfig):
        super().__init__()
        width = config.width
        self.heads = config.heads
        self.norm_attention, self.norm_feed = RMSNorm(width), RMSNorm(width)
        self.norm_query = RMSNorm(width // config.heads)
        self.norm_key = RMSNorm(width // config.heads)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.gate_up = nn.Linear(width, 2 * config.hidden, bias=False)
        self.down = nn.Linear(config.hidden, width, bias=False)
        self.dropout = nn.Dropout(config.dropout)
        for matrix in (self.out, self.down):
            nn.init.normal_(matrix.weight, std=0.02 / math.sqrt(2 * config.layers))

    def forward(self, x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
        batch, length, width = x.shape
        qkv = self.qkv(self.norm_attention(x)).view(batch, length, 3, self.heads, -1)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        query = rotate(self.norm_query(query), turn)
        key = rotate(self.norm_key(key), turn)
        attended = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.dropout(self.out(attended.transpose(1, 2).reshape(batch, length, width)))
        gate, up = self.gate_up(self.norm_feed(x)).chunk(2, dim=-1)
        return x + self.dropout(self.down(F.silu(gate) * up))


class Transformer(nn.Module):
    """Blocks with rotary embeddings."""

    def __init__(self, config: FrameConfig):
        super().__init__()
        self.pairs = config.width // config.heads // 2
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))

    def forward(self, x: Tensor) -> Tensor:
        turn = rotation(x.shape[1], self.pairs)
        for block in self.blocks:
            x = block(x, turn)
        return x


class Gru(nn.Module):
    """Gated recurrent layers (Cho et al., 2014) of ``hidden`` units, each added to the stream."""

    def __init__(self, config: FrameConfig):
        super().__init__()
        self.layers = nn.ModuleList(
            nn.GRU(config.width, config.hidden, batch_first=True) for _ in range(config.layers)
        )
        self.norms = nn.ModuleList(RMSNorm(config.width) for _ in range(config.layers))
        self.outs = nn.ModuleList(
            nn.Linear(config.hidden, config.width, bias=False) for _ in range(config.layers)
        )
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        for layer, norm, out in zip(self.layers, self.norms, self.outs, strict=True):
            x = x + self.dropout(out(self.dropout(layer(norm(x))[0])))
        return x


class Between(nn.Module):
    """Brings what has happened since the backbone's last row into the rows between its rows."""

    def __init__(self, config: FrameConfig):
        super().__init__()
        self.norm = RMSNorm(config.width)
        self.mix = nn.Linear(config.width, config.width, bias=False)
        self.gate_up = nn.Linear(config.width, 2 * config.hidden, bias=False)
        self.down = nn.Linear(config.hidden, config.width, bias=False)
        self.dropout = nn.Dropout(config.dropout)
        nn.init.normal_(self.down.weight, std=0.02)

    def forward(self, deep: Tensor, x: Tensor) -> Tensor:
        gate, up = self.gate_up(self.norm(deep) + self.mix(x)).chunk(2, dim=-1)
        return deep + self.dropout(self.down(F.silu(gate) * up))


class VoiceHead(nn.Module):
    """Hold and change of one voice, given the backbone and the voices before it in the step."""

    def __init__(self, config: FrameConfig, given: int):
        super().__init__()
        width, inner = config.width, config.head_hidden
        self.symbols, self.given = config.num_symbols, given
        self.mix = nn.Linear(width, inner)
        self.deepen = nn.Linear(inner, inner)
        self.norm = RMSNorm(inner)
        self.dropout = nn.Dropout(config.dropout)
        self.hold = nn.Linear(inner, 1)
        self.sizes = [self.symbols, 12, 2 * MAX_INTERVAL + 1] + given * [2 * MAX_SPACING + 1]
        self.change = nn.Linear(inner, sum(self.sizes))
        nn.init.normal_(self.change.weight, std=0.02)

    def state(self, hidden: Tensor, known: Tensor | None) -> Tensor:
        """What the voice's terms are read from (N, inner)."""
        mixed = self.mix(self.dropout(hidden))
        x = F.gelu(mixed if known is None else mixed + known)
        return self.norm(x + F.gelu(self.deepen(self.dropout(x))))

    def change_scores(
        self, state: Tensor, base: int, anchor: Tensor, sounding: Tensor, others: Tensor
    ) -> Tensor:
        """Unnormalised log-probabilities (N, S) of what a change goes to.

        anchor, sounding (N,): pitches; others (N, given): pitches of the voices given, -1 silent.
        """
        parts = self.change(state).float().split(self.sizes, dim=-1)
        pitches = base + torch.arange(self.symbols - 1)
        scores = parts[0][:, 1:]
        scores = scores + parts[1].gather(1, (pitches - anchor[:, None]) % 12)
        step = (pitches - sounding[:, None]).clamp(-MAX_INTERVAL, MAX_INTERVAL) + MAX_INTERVAL
        scores = scores + parts[2].gather(1, step) * (sounding >= 0)[:, None]
        for index in range(self.given):
            other = others[:, index : index + 1]
            spacing = (pitches - other).clamp(-MAX_SPACING, MAX_SPACING) + MAX_SPACING
            scores = scores + parts[3 + index].gather(1, spacing) * (other >= 0)
        return torch.cat([parts[0][:, :1], scores], dim=-1)


class FrameModel(nn.Module):
    """Features of the past, backbone, chained voice heads."""

    def __init__(self, config: FrameConfig):
        super().__init__()
        self.config = config
        width = config.width
        sizes = [config.num_symbols + 1] * config.voices + column_sizes(config.voices)
        self.table = nn.EmbeddingBag(sum(sizes) + 1, width, mode="sum", padding_idx=sum(sizes))
        starts = torch.tensor([sum(sizes[:i]) for i in range(len(sizes))])
        self.register_buffer("starts", starts, persistent=False)
        self.chroma = nn.Linear(12 * len(FADE_STEPS), width, bias=False)
        self.norm_in, self.norm_out = RMSNorm(width), RMSNorm(width)
        if config.stride > 1:
            self.between = Between(config)
        self.dropout = nn.Dropout(config.dropout)
        self.backbone = Transformer(config) if config.backbone == "transformer" else Gru(config)
        self.voice_heads = nn.ModuleList(VoiceHead(config, i) for i in range(config.voices))
        # a voice given: its pitch, class, motion, and whether it follows the longest match
        given = [config.num_symbols, 13, NUM_INTERVALS + 1, 3]
        self.given = nn.ModuleList(
            nn.EmbeddingBag(sum(given), config.head_hidden, mode="sum")
            for _ in range(config.voices - 1)
        )
        given_starts = torch.tensor([sum(given[:i]) for i in range(len(given))])
        self.register_buffer("given_starts", given_starts, persistent=False)
        for table in [self.table, *self.given]:
            nn.init.normal_(table.weight, std=0.05)
        with torch.no_grad():
            self.table.weight[-1] = 0.0

    def symbol(self, pitch: Tensor) -> Tensor:
        """Symbol ids of pitches, -1 for silence."""
        return torch.where(pitch >= 0, pitch - self.config.base + 1, 0)

    def hidden(self, batch: dict[str, Tensor]) -> Tensor:
        """Hidden states (B, T, D) for the prediction of each step from the steps before it."""
        pitch = batch["pitch"]
        symbols = torch.where(pitch == -2, self.config.num_symbols, self.symbol(pitch))
        ids = torch.cat([symbols, batch["ids"]], dim=-1) + self.starts
        if self.training and self.config.input_dropout > 0:
            ids = self.hide(ids)
        x = self.table(ids.view(-1, ids.shape[-1])).view(*ids.shape[:2], -1)
        x = self.dropout(self.norm_in(x + self.chroma(batch["chroma"] * 4.0)))
        stride = self.config.stride
        if stride == 1:
            return self.norm_out(self.backbone(x))
        deep = self.backbone(x[:, ::stride])
        steps = [deep]
        for late in range(1, stride):
            row = x[:, late::stride]
            steps.append(F.pad(self.between(deep[:, : row.shape[1]], row), (0, 0, 0, 1)))
        length = deep.shape[1]
        together = torch.stack([step[:, :length] for step in steps], dim=2)
        return self.norm_out(together.flatten(1, 2)[:, : x.shape[1]])

    def hide(self, ids: Tensor) -> Tensor:
        """Hide columns for whole beats at random, so that pieces are not learned by heart."""
        batch, length, columns = ids.shape
        beats = torch.rand(batch, (length + 3) // 4, columns) < self.config.input_dropout
        hidden = beats.repeat_interleave(4, dim=1)[:, :length]
        return ids.masked_fill(hidden, self.table.padding_idx)

    def describe_given(self, batch: dict[str, Tensor], voice: int) -> Tensor:
        """Embedding ids (N, 4) of a voice of the present step that is already given."""
        now, sounding = batch["frames"][:, voice], batch["sounding"][:, voice]
        matched, anchor = batch["matched"][:, voice], batch["anchor"]
        silent = now < 0
        motion = (now - sounding).clamp(-MAX_INTERVAL, MAX_INTERVAL) + MAX_INTERVAL
        motion = torch.where(silent | (sounding < 0), NO_INTERVAL, motion)
        motion = torch.where(now == batch["pitch"][:, voice], NUM_INTERVALS, motion)
        follows = torch.where(matched == -2, 0, 1 + (matched == now).long())
        columns = [
            self.symbol(now),
            torch.where(silent, 12, (now - anchor) % 12),
            motion,
            follows,
        ]
        return torch.stack(columns, dim=-1) + self.given_starts

    def log_probs(self, batch: dict[str, Tensor]) -> Tensor:
        """Log-probability of every cell of the music, (N, V), N the steps marked ``real``."""
        hidden, cells = self.prepare(batch)
        out: list[Tensor] = [hidden.new_zeros(())] * self.config.voices
        for voice, hold, state, others in self.chain(hidden, cells):
            now, before = cells["frames"][:, voice], cells["pitch"][:, voice]
            kept = now == before
            total = torch.where(kept, F.logsigmoid(hold), F.logsigmoid(-hold))
            total = torch.where(before == -2, 0.0, total)  # the first step can only be a change
            moving = (~kept).nonzero()[:, 0]
            scores = self.change_of(cells, voice, state, others, moving)
            answer = self.symbol(now[moving])
            total = total.index_add(0, moving, -F.cross_entropy(scores, answer, reduction="none"))
            out[voice] = total
        return torch.stack(out, dim=-1)

    def distributions(self, batch: dict[str, Tensor]) -> Tensor:
        """Log-probabilities (N, V, S) of all symbols, each voice given the true ones before it."""
        hidden, cells = self.prepare(batch)
        out: list[Tensor] = [hidden.new_zeros(())] * self.config.voices
        rows = torch.arange(len(hidden))
        for voice, hold, state, others in self.chain(hidden, cells):
            before = cells["pitch"][:, voice]
            change = self.change_of(cells, voice, state, others, rows).log_softmax(-1)
            first = before == -2
            change = change + torch.where(first, 0.0, F.logsigmoid(-hold))[:, None]
            held = torch.where(first, 0, self.symbol(before))
            keep = torch.where(first, change[:, 0], F.logsigmoid(hold))
            out[voice] = change.scatter(1, held[:, None], keep[:, None])
        return torch.stack(out, dim=1)

    def prepare(self, batch: dict[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """Hidden states (N, D) and cells (N, ...) of the music, padding dropped."""
        real = batch["real"]
        cells = {name: batch[name][real] for name in ("frames", "pitch", "sounding", "matched")}
        known = batch["pitch"][..., 0] != -2  # the anchor is a part of the first answer
        anchor = torch.where(known, batch["anchor"][:, None], 60)
        cells["anchor"] = anchor[real]
        return self.hidden(batch)[real], cells

    def chain(
        self, hidden: Tensor, cells: dict[str, Tensor]
    ) -> Iterator[tuple[int, Tensor, Tensor, Tensor]]:
        """Voice, logit of its hold (N,), head state (N, inner) and pitches given, in order."""
        known: Tensor | None = None
        for place, voice in enumerate(self.config.order):
            head = self.voice_heads[place]
            state = head.state(hidden, known)
            hold = head.hold(state).float()[:, 0]
            yield voice, hold, state, cells["frames"][:, list(self.config.order[:place])]
            if place + 1 < self.config.voices:
                more = self.given[place](self.describe_given(cells, voice))
                known = more if known is None else known + more

    def change_of(
        self,
        cells: dict[str, Tensor],
        voice: int,
        state: Tensor,
        others: Tensor,
        rows: Tensor,
    ) -> Tensor:
        """Scores (n, S) of a change in the given rows; the symbol before is ruled out."""
        head = self.voice_heads[self.config.order.index(voice)]
        before = cells["pitch"][rows, voice]
        scores = head.change_scores(
            state[rows],
            self.config.base,
            cells["anchor"][rows],
            cells["sounding"][rows, voice],
            others[rows],
        )
        ruled_out = torch.where(before == -2, -1, self.symbol(before))
        blocked = torch.arange(scores.shape[1]) == ruled_out[:, None]
        return scores.masked_fill(blocked, -torch.inf)


def parameter_count(model: nn.Module) -> int:
    """Number of trained numbers."""
    return sum(parameter.numel() for parameter in model.parameters())
