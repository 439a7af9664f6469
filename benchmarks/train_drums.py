"""Train the drum model that ships with the package, from recorded drummers.

``python benchmarks/train_drums.py CORPUS`` reads the Groove MIDI performances (CC BY 4.0) in a
folder with ``manifest.jsonl`` and ``groove_midi_dataset.zip``, splits them by drummer (nobody heard
in training is heard in the tests), trains the two networks of ``leitmotiv.styles.drum_model`` and
writes ``drum_model.npz`` and ``drum_model.json`` into ``src/leitmotiv/styles/drummer``.

Needs the ``train`` extra. About ten minutes on one core.
"""

from __future__ import annotations

import argparse
import json
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from leitmotiv.score.midi import parse_midi
from leitmotiv.styles.drum_grid import DrumGrid, grid_from_notes
from leitmotiv.styles.drum_model import (
    EXPRESSION_WIDTH,
    NUM_PIECES,
    ONSET_WIDTH,
    STYLE_WORDS,
    DrumModel,
    DrumSetting,
    expression_features,
    onset_features,
)

SOURCE = "groove_midi_dataset"
VALID_DRUMMERS = frozenset({"drummer2", "drummer3"})
TEST_DRUMMERS = frozenset({"drummer4", "drummer6", "drummer9", "drummer10"})
ATTRIBUTION = (
    "J. Gillick, A. Roberts, J. Engel, D. Eck, D. Bamman, 'Learning to Groove with Inverse "
    "Sequence Transformations', ICML 2019; Groove MIDI Dataset, CC BY 4.0."
)
OUTPUT = Path(__file__).parents[1] / "src" / "leitmotiv" / "styles" / "drummer"
SEED = 5
WINDOW_BARS = 4  # complexity and intensity are those of a few bars, not of the bar to be written


@dataclass(frozen=True, eq=False)
class Performance:
    """A recording on its grid, with what can be said of it."""

    id: str
    drummer: str
    words: tuple[str, ...]
    grid: DrumGrid
    is_fill: np.ndarray  # bool, shape (steps,)
    counts: np.ndarray  # strokes a bar over the window, shape (bars,)
    loudness: np.ndarray  # mean velocity over the window, shape (bars,)

    @property
    def split(self) -> str:
        """``train``, ``valid`` or ``test``, by drummer."""
        if self.drummer in TEST_DRUMMERS:
            return "test"
        return "valid" if self.drummer in VALID_DRUMMERS else "train"


def fill_steps(grid: DrumGrid, *, is_all_fill: bool) -> np.ndarray:
    """Mark the steps of fills: from the first to the last tom of a bar with three of them.

    A groove played on the toms has them in most bars and is no fill.
    """
    steps = np.zeros(len(grid.velocity), dtype=bool)
    if is_all_fill:
        steps[:] = True
        return steps
    toms = grid.hits[:, 4:7].any(axis=1)
    num_marked = 0
    for bar in range(grid.num_bars):
        start = bar * grid.bar_steps
        struck = np.flatnonzero(toms[start : start + grid.bar_steps])
        if len(struck) >= 3:
            beat = grid.steps_per_beat
            steps[start + struck[0] // beat * beat : start + (struck[-1] // beat + 1) * beat] = True
            num_marked += 1
    return steps if num_marked <= 0.6 * grid.num_bars else np.zeros_like(steps)


def read_performances(corpus: Path) -> list[Performance]:
    """Read every 4/4 performance of a corpus folder."""
    entries = []
    with (corpus / "manifest.jsonl").open(encoding="utf-8") as file:
        for line in file:
            if SOURCE in line:
                entry = json.loads(line)
                if entry["source"] == SOURCE and entry["licence"] == "CC-BY-4.0":
                    entries.append(entry)
    performances = []
    with zipfile.ZipFile(corpus / f"{SOURCE}.zip") as archive:
        for entry in entries:
            stem = Path(entry["source_path"]).stem.split("_")
            style, kind = stem[1], stem[3]
            if entry["time_signature"] != "4/4":
                continue
            score = parse_midi(archive.read(entry["file"]))
            notes = np.concatenate([part.notes for part in score.parts])
            grid = grid_from_notes(
                notes["onset"] / 480.0,
                notes["pitch"].astype(np.int64),
                notes["velocity"].astype(np.int64),
                bpm=float(stem[2]),
            )
            if not grid.num_bars:
                continue
            words = tuple(word for word in style.split("-") if word in STYLE_WORDS)
            bars = grid.velocity.reshape(grid.num_bars, -1)
            count, loud = (bars > 0).sum(axis=1), bars.sum(axis=1)
            kernel = np.ones(min(WINDOW_BARS, grid.num_bars))
            many = np.convolve(count, kernel, "same")
            size = np.convolve(np.ones(grid.num_bars), kernel, "same")
            performances.append(
                Performance(
                    entry["id"],
                    entry["composer"],
                    words,
                    grid,
                    fill_steps(grid, is_all_fill=kind == "fill"),
                    many / size,
                    np.convolve(loud, kernel, "same") / np.maximum(many, 1),
                )
            )
    return performances


def rank(values: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Where values stand in a sorted reference, 0..1."""
    return np.searchsorted(reference, values) / len(reference)


def references(performances: list[Performance]) -> tuple[np.ndarray, np.ndarray]:
    """Sorted strokes a bar and loudness of the training drummers."""
    training = [p for p in performances if p.split == "train"]
    return (
        np.sort(np.concatenate([p.counts for p in training])),
        np.sort(np.concatenate([p.loudness for p in training])),
    )


def settings_of(
    performance: Performance, reference: tuple[np.ndarray, np.ndarray]
) -> list[DrumSetting]:
    """What each bar's drummer was told, as ranks, shape (bars,)."""
    busy = rank(performance.counts, reference[0])
    loud = rank(performance.loudness, reference[1])
    return [
        DrumSetting(performance.words, performance.grid.bpm, float(c), float(i))
        for c, i in zip(busy, loud, strict=True)
    ]


def tables(
    performances: list[Performance], reference: tuple[np.ndarray, np.ndarray]
) -> dict[str, np.ndarray]:
    """Features and targets of every step of every performance, as stacked arrays."""
    rows: dict[str, list[np.ndarray]] = {
        "onset": [],
        "expression": [],
        "velocity": [],
        "offset": [],
    }
    for p in performances:
        told, hits = settings_of(p, reference), p.grid.hits
        per_beat = p.grid.steps_per_beat
        for step in range(len(hits)):
            setting, fill = told[step // p.grid.bar_steps], bool(p.is_fill[step])
            rows["onset"].append(onset_features(hits, step, setting, per_beat, fill).astype("f2"))
            if hits[step].any():
                seen = expression_features(hits, step, setting, per_beat, fill)
            else:
                seen = np.zeros(EXPRESSION_WIDTH)
            rows["expression"].append(seen.astype("f2"))
        rows["velocity"].append(p.grid.velocity)
        rows["offset"].append(p.grid.offset)
    return {
        name: np.stack(value) if name in ("onset", "expression") else np.concatenate(value)
        for name, value in rows.items()
    }


def train(data: dict[str, np.ndarray], valid: dict[str, np.ndarray], epochs: int) -> DrumModel:
    """Fit both networks; the epoch best on the validation drummers is kept."""
    import torch
    from torch import nn

    torch.manual_seed(SEED)
    torch.set_num_threads(1)
    style = slice(28, 28 + len(STYLE_WORDS))
    told = slice(style.stop + 1, style.stop + 5)

    def network(width: int, hidden: tuple[int, ...], out: int) -> nn.Sequential:
        layers: list[nn.Module] = [nn.Dropout(0.1)]  # a drummer may overhear a stroke
        for size in hidden:
            layers += [nn.Linear(width, size), nn.ReLU(), nn.Dropout(0.3)]
            width = size
        return nn.Sequential(*layers, nn.Linear(width, out))

    onset = network(ONSET_WIDTH, (128, 64), NUM_PIECES)
    chain = nn.Parameter(torch.zeros(NUM_PIECES, NUM_PIECES))
    expression = network(EXPRESSION_WIDTH, (64,), 4 * NUM_PIECES)

    def onset_loss(features: torch.Tensor, hits: torch.Tensor) -> torch.Tensor:
        logits = onset(features) + hits @ torch.tril(chain, -1).T
        return nn.functional.binary_cross_entropy_with_logits(logits, hits) * NUM_PIECES

    def play_loss(
        features: torch.Tensor, velocity: torch.Tensor, offset: torch.Tensor
    ) -> torch.Tensor:
        out = expression(features).reshape(-1, 4, NUM_PIECES)
        struck = velocity > 0
        loss = torch.zeros(())
        for row, target in ((0, velocity), (2, offset)):
            mean = torch.sigmoid(out[:, 0]) if row == 0 else 0.5 * torch.tanh(out[:, 2])
            log_sd = out[:, row + 1].clamp(-3.0, 0.0)
            error = (target - mean) / torch.exp(log_sd)
            loss = loss + (0.5 * error.square() + log_sd)[struck].mean()
        return loss

    def tensors(source: dict[str, np.ndarray], index: np.ndarray) -> list[torch.Tensor]:
        names = ("onset", "expression", "velocity", "offset")
        return [torch.from_numpy(source[name][index].astype(np.float32)) for name in names]

    def hide(features: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
        for columns, share in ((style, 0.15), (told, 0.25)):
            gone = torch.from_numpy(rng.random(len(features)) < share)
            features[gone, columns] = 0.0
        return features

    modules = (onset, expression)
    parameters = [*onset.parameters(), chain, *expression.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=2e-3, weight_decay=0.1)
    rng = np.random.default_rng(SEED)
    size, batch = len(data["onset"]), 512
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, 3e-3, total_steps=epochs * (size // batch + 1)
    )
    best, kept = [np.inf, np.inf], {}
    for epoch in range(epochs):
        start = time.perf_counter()
        for module in modules:
            module.train()
        order = rng.permutation(size)
        for low in range(0, size, batch):
            a, b, velocity, offset = tensors(data, order[low : low + batch])
            loss = onset_loss(hide(a, rng), (velocity > 0).float())
            loss = loss + play_loss(hide(b, rng), velocity, offset)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        for module in modules:
            module.eval()
        with torch.no_grad():
            a, b, velocity, offset = tensors(valid, np.arange(len(valid["onset"])))
            scores = [
                float(onset_loss(a, (velocity > 0).float())),
                float(play_loss(b, velocity, offset)),
            ]
        print(
            f"epoch {epoch}: valid onset {scores[0]:.4f} nats/step, play {scores[1]:.4f}, "
            f"{time.perf_counter() - start:.0f} s",
            flush=True,
        )
        for index, (name, module) in enumerate(zip(("onset", "expression"), modules, strict=True)):
            if scores[index] < best[index]:
                best[index] = scores[index]
                linear = [layer for layer in module if isinstance(layer, nn.Linear)]
                for number, layer in enumerate(linear):
                    kept[f"{name}.{number}.weight"] = layer.weight.detach().numpy().astype("f2")
                    kept[f"{name}.{number}.bias"] = layer.bias.detach().numpy().astype("f2")
                if name == "onset":
                    kept["onset.chain"] = chain.detach().numpy().astype("f2")
    return DrumModel(kept, {"valid_nats_per_step": round(best[0], 4)}), kept


def main() -> None:
    """Train and write the files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path, help="folder with manifest.jsonl and the archive")
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    options = parser.parse_args()
    performances = read_performances(options.corpus)
    reference = references(performances)
    by_split = {
        split: [p for p in performances if p.split == split] for split in ("train", "valid", "test")
    }
    data = tables(by_split["train"], reference)
    valid = tables(by_split["valid"], reference)
    print({k: len(v) for k, v in by_split.items()}, data["onset"].shape, flush=True)
    model, kept = train(data, valid, options.epochs)
    training = by_split["train"]
    offsets = np.concatenate([p.grid.offset[p.grid.hits] for p in training])
    meta = {
        "name": "drum_model",
        "version": 1,
        "data": "Groove MIDI Dataset 1.0.0, 4/4 performances",
        "licence": "CC-BY-4.0",
        "licence_url": "https://creativecommons.org/licenses/by/4.0/",
        "attribution": ATTRIBUTION,
        "changes": "performances were put on a grid of sixteenths or triplets and folded onto nine "
        "pieces; statistics of them, as network weights, are what this file holds",
        "drummers": sorted({p.drummer for p in training}),
        "num_performances": len(training),
        "num_bars": int(sum(p.grid.num_bars for p in training)),
        "num_strokes": len(offsets),
        "held_out": {"valid": sorted(VALID_DRUMMERS), "test": sorted(TEST_DRUMMERS)},
        "num_parameters": int(sum(value.size for value in kept.values())),
        "metrics": model.meta,
    }
    options.output.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(options.output / "drum_model.npz", **kept)
    text = json.dumps(meta, indent=1, ensure_ascii=False) + "\n"
    (options.output / "drum_model.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
