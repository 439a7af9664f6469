"""Export a checkpoint: ``python -m leitmotiv.training.export runs/composer/best.pt --out FOLDER``.

Writes ``NAME.backbone.onnx`` and ``NAME.heads.onnx`` (int8 weights unless ``--float``) and the
sidecar ``NAME.json``. Needs the extra ``train``.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import logging
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from leitmotiv.training.checkpoints import read_checkpoint, save_checkpoint, slim_checkpoint
from leitmotiv.training.model import ModelConfig, ScoreModel, rotary_angles

SIDECAR_VERSION = 1


class DecodeStep(nn.Module):
    """The backbone over new events with cached keys (B, G, K, P) and values (B, G, P, K)."""

    def __init__(self, model: ScoreModel):
        super().__init__()
        self.model = model
        self.register_buffer("offsets", model.offsets.clone())

    def embed(self, events: Tensor, conditions: Tensor) -> Tensor:
        x = sum(table(events[..., i]) for i, table in enumerate(self.model.fields))
        table = self.model.condition.weight
        return self.model.norm_in(x + F.embedding(conditions + self.offsets, table).sum(dim=2))

    def forward(
        self,
        events: Tensor,
        conditions: Tensor,
        time: Tensor,
        index: Tensor,
        mask: Tensor,
        past: list[Tensor],
    ) -> list[Tensor]:
        config = self.model.config
        groups = config.heads // config.kv_heads
        x = self.embed(events, conditions)
        angles = rotary_angles(index, time, config.width // config.heads)
        batch, length = events.shape[0], events.shape[1]
        later = index[:, None, None, :, None] < index[:, None, None, None, :]  # (B, 1, 1, T, T)
        causal = later.to(x.dtype) * -1e9
        fresh: list[Tensor] = []
        for layer, block in enumerate(self.model.blocks):
            past_key, past_value = past[2 * layer], past[2 * layer + 1]
            query, key, value = block.project(x, angles)
            head_width = query.shape[-1]
            query = query.view(batch, config.kv_heads, groups, length, head_width)
            query = query * head_width**-0.5
            key = key.transpose(2, 3)  # (B, G, K, T)
            flat = query.reshape(batch, config.kv_heads, groups * length, head_width)
            old = torch.matmul(flat, past_key) + mask[:, None, None, :]
            new = torch.matmul(flat, key).view(batch, config.kv_heads, groups, length, length)
            new = (new + causal).view(batch, config.kv_heads, groups * length, length)
            # Scores meet before the softmax; keys and values are never joined, which would copy
            # the whole cache at every step.
            weight = torch.softmax(torch.cat([old, new], dim=-1), dim=-1)
            places = past_key.shape[3]
            attended = torch.matmul(weight[..., :places], past_value) + torch.matmul(
                weight[..., places:], value
            )
            attended = attended.view(batch, config.kv_heads * groups, length, head_width)
            x = block.finish(x, attended)
            fresh += [key, value]
        return [x, *fresh]


def load_checkpoint(path: Path, *, average: bool = True) -> tuple[ScoreModel, dict]:
    """Load a checkpoint's (averaged) weights on the CPU, ready to evaluate."""
    state = read_checkpoint(path)
    config = dict(state["config"], dropout=0.0)
    model = ScoreModel(ModelConfig(**config))
    model.load_state_dict(state["average" if average else "model"])
    return model.eval(), state


def _export_backbone(model: ScoreModel, path: Path) -> None:
    config = model.config
    head_width = config.width // config.heads
    batch, length, places = 2, 3, 5
    num_conditions = len(config.condition_sizes)
    past = []
    for _ in range(config.layers):
        past.append(torch.zeros(batch, config.kv_heads, head_width, places))
        past.append(torch.zeros(batch, config.kv_heads, places, head_width))
    names = [f"{kind}_{i}" for i in range(config.layers) for kind in ("key", "value")]
    arguments = (
        torch.ones(batch, length, 4, dtype=torch.long),
        torch.zeros(batch, length, num_conditions, dtype=torch.long),
        torch.zeros(batch, length),
        torch.arange(length).float().expand(batch, length).contiguous(),
        torch.zeros(batch, places),
        past,
    )
    axes: dict[str, dict[int, str]] = {
        "events": {0: "B", 1: "T"},
        "conditions": {0: "B", 1: "T"},
        "time": {0: "B", 1: "T"},
        "index": {0: "B", 1: "T"},
        "mask": {0: "B", 1: "P"},
        "hidden": {0: "B", 1: "T"},
    }
    for name in names:
        axis = 3 if name.startswith("key") else 2
        axes[f"past_{name}"] = {0: "B", axis: "P"}
        axes[name] = {0: "B", axis: "T"}
    torch.onnx.export(
        DecodeStep(model),
        arguments,
        str(path),
        dynamo=False,
        opset_version=17,
        input_names=["events", "conditions", "time", "index", "mask"]
        + [f"past_{name}" for name in names],
        output_names=["hidden", *names],
        dynamic_axes=axes,
    )


def _export_heads(model: ScoreModel, path: Path) -> None:
    torch.onnx.export(
        model.heads,
        (torch.zeros(2, model.config.width), torch.zeros(2, 3, dtype=torch.long)),
        str(path),
        dynamo=False,
        opset_version=17,
        input_names=["hidden", "fields"],
        output_names=["position", "pitch", "duration", "velocity"],
        dynamic_axes={
            name: {0: "B"}
            for name in ("hidden", "fields", "position", "pitch", "duration", "velocity")
        },
    )


@contextlib.contextmanager
def _quiet_quantiser() -> Iterator[None]:
    """Keep the quantiser's advice about graph optimisation away from the user."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def export(
    checkpoint: Path,
    folder: Path,
    name: str,
    *,
    quantise: bool = True,
    measured: Sequence[str] = (),
) -> dict:
    """Write the ONNX files and the sidecar; returns the sidecar.

    ``measured`` are sentences for the model card, such as the results of a benchmark.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    model, state = load_checkpoint(checkpoint)
    folder.mkdir(parents=True, exist_ok=True)
    checksums = {}
    with tempfile.TemporaryDirectory(dir=folder) as scratch, _quiet_quantiser():
        for kind, writer in (("backbone", _export_backbone), ("heads", _export_heads)):
            whole = Path(scratch) / f"{kind}.onnx"
            writer(model, whole)
            target = Path(scratch) / f"{name}.{kind}.onnx"
            if quantise:
                quantize_dynamic(
                    str(whole),
                    str(target),
                    weight_type=QuantType.QInt8,
                    per_channel=True,
                    op_types_to_quantize=["MatMul", "Gather", "Gemm"],
                    extra_options={"MatMulConstBOnly": True},
                )
            else:
                whole.rename(target)
            checksums[target.name] = hashlib.sha256(target.read_bytes()).hexdigest()
        # Both or none, and the sidecar, which vouches for them, last of all.
        for file in checksums:
            os.replace(Path(scratch) / file, folder / file)
    data = state["data"]
    sidecar = {
        "sidecar_version": SIDECAR_VERSION,
        "name": name,
        "vocabulary_version": data["vocabulary_version"],
        "sizes": {
            key: list(value) if isinstance(value, tuple) else value
            for key, value in model.config.to_dict().items()
        },
        "parameters": sum(p.numel() for p in model.parameters()),
        "weights": "int8" if quantise else "float32",
        "trained": {
            "steps": state["step"],
            "events": state["events"],
            "minutes": round(state["seconds"] / 60, 1),
        },
        "metrics": {"split": "valid", **state.get("scores", {})},
        "data": {
            key: data[key]
            for key in ("pieces", "notes", "licences", "by_source", "split", "refused")
            if key in data
        },
        "recipe": state["recipe"],
        "measured": list(measured),
        "sha256": checksums,
        "licence": "Apache-2.0",
    }
    written = folder / f"{name}.json.part"
    written.write_text(json.dumps(sidecar, indent=1) + "\n", encoding="utf-8")
    os.replace(written, folder / f"{name}.json")
    return sidecar


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Export a checkpoint to ONNX.")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--name", default="composer")
    parser.add_argument("--float", action="store_true", help="keep float32 weights")
    parser.add_argument(
        "--measured", action="append", default=[], help="a sentence for the model card"
    )
    parser.add_argument(
        "--slim", action="store_true", help="also NAME.pt, for others to fine-tune from"
    )
    options = parser.parse_args(arguments)
    sidecar = export(
        options.checkpoint,
        options.out,
        options.name,
        quantise=not options.float,
        measured=options.measured,
    )
    if options.slim:
        state = read_checkpoint(options.checkpoint)
        save_checkpoint(options.out / f"{options.name}.pt", slim_checkpoint(state))
    print(f"{sidecar['parameters']:,} parameters, metrics {sidecar['metrics']}")


if __name__ == "__main__":
    main(sys.argv[1:])
