"""Measure the drum model on drummers it has never heard, against the usual baselines.

``python benchmarks/drums.py CORPUS`` reads the Groove MIDI performances as
``benchmarks/train_drums.py`` does and asks two questions of the test drummers' bars in 4/4:

- **Which strokes come next?** Given what was played before, the bits that a step costs and the F1
  of the likeliest strokes, beside the same place one bar before ("repeat"), the bar that follows
  the most similar training bar ("neighbour"), and how often each place is struck ("table").
- **How are written strokes played?** Given the strokes alone: mean error of timing (ms) and of
  velocity (MIDI), beside the grid with the training mean velocity ("quantised"), the playing of
  the most similar training bar ("neighbour"), and the mean of each piece and place ("table"). For
  the model as it plays, with its spread, the overlap of the distributions is given too: 1 is human.

Prints one table each, with a 95 % interval over performances (bootstrap) for the differences.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from train_drums import Performance, read_performances

from leitmotiv.compose.drummer import _drift
from leitmotiv.styles.drum_grid import PIECES
from leitmotiv.styles.drum_model import (
    DrumSetting,
    expression_features,
    load_drum_model,
    onset_features,
)

SEED = 3


def bars_of(performance: Performance) -> np.ndarray:
    """Strokes by bar, bool of shape (bars, steps, 9)."""
    grid = performance.grid
    return grid.hits.reshape(grid.num_bars, grid.bar_steps, len(PIECES))


def f1(guess: np.ndarray, truth: np.ndarray) -> float:
    """F1 of strokes over a whole performance."""
    both = float((guess & truth).sum())
    return 2.0 * both / max(float(guess.sum() + truth.sum()), 1.0)


class Training:
    """The training bars of one grid, for tables and neighbours."""

    def __init__(self, performances: list[Performance], steps_per_beat: int) -> None:
        self.performances = [p for p in performances if p.grid.steps_per_beat == steps_per_beat]
        bars = [bars_of(p) for p in self.performances]
        self.bars = np.concatenate(bars)
        self.flat = self.bars.reshape(len(self.bars), -1).astype(np.float32)
        self.sizes = self.flat.sum(axis=1)
        ends = np.cumsum([len(b) for b in bars]) - 1
        self.has_next = np.ones(len(self.bars), dtype=bool)
        self.has_next[ends] = False
        shape = self.bars.shape
        self.velocity = np.concatenate([p.grid.velocity for p in self.performances]).reshape(shape)
        offset = [p.grid.offset * p.grid.step_sec for p in self.performances]
        self.offset_sec = np.concatenate(offset).reshape(shape)
        count = self.bars.sum(axis=0)
        self.rate = (count + 0.5) / (len(self.bars) + 1.0)
        self.mean_velocity = self.velocity.sum() / self.bars.sum()
        piece_velocity = self.velocity.sum(axis=(0, 1)) / np.maximum(self.bars.sum(axis=(0, 1)), 1)
        few = 20.0  # a place seldom struck leans on its piece
        self.table_velocity = (self.velocity.sum(axis=0) + few * piece_velocity) / (count + few)
        self.table_offset = self.offset_sec.sum(axis=0) / (count + few)

    def nearest(self, bar: np.ndarray, *, followed: bool) -> int:
        """Index of the training bar with the fewest strokes different."""
        flat = bar.reshape(-1).astype(np.float32)
        distance = self.sizes + flat.sum() - 2.0 * (self.flat @ flat)
        if followed:
            distance = np.where(self.has_next, distance, np.inf)
        return int(distance.argmin())


def next_strokes(p: Performance, training: Training) -> dict[str, float]:
    """Bits a step and F1 of one performance, from its third bar on."""
    model, bars = load_drum_model(), bars_of(p)
    hits, first = p.grid.hits, 2 * p.grid.bar_steps
    told = DrumSetting(p.words, p.grid.bpm)
    features = np.stack(
        [
            onset_features(hits, step, told, p.grid.steps_per_beat, False)
            for step in range(first, len(hits))
        ]
    )
    truth = bars[2:]

    def bits(chance: np.ndarray) -> float:
        likelihood = np.where(truth, chance, 1.0 - chance)
        return float(-np.log2(likelihood).sum() / (len(hits) - first))

    chance = model.onset_probability(features, hits[first:]).reshape(truth.shape)
    base, chain = model.onset_logits(features)
    likeliest = np.zeros_like(hits[first:])
    for piece in range(len(PIECES)):
        likeliest[:, piece] = base[:, piece] + likeliest[:, :piece] @ chain[piece, :piece] > 0
    before = bars[1:-1]
    following = np.stack(
        [training.bars[training.nearest(bar, followed=True) + 1] for bar in before]
    )
    table = np.broadcast_to(training.rate, truth.shape)
    rate = training.rate

    def smoothed(guess: np.ndarray, share: float) -> np.ndarray:
        return share * guess + (1.0 - share) * rate

    return {
        "bits model": bits(np.clip(chance, 1e-4, 1 - 1e-4)),
        "bits table": bits(table),
        "bits repeat": bits(smoothed(before, 0.8)),
        "bits neighbour": bits(smoothed(following, 0.7)),
        "F1 model": f1(likeliest.reshape(truth.shape), truth),
        "F1 table": f1(table > 0.5, truth),
        "F1 repeat": f1(before, truth),
        "F1 neighbour": f1(following, truth),
    }


def playing(
    p: Performance, training: Training, rng: np.random.Generator
) -> tuple[dict[str, float], dict[str, tuple[np.ndarray, np.ndarray]]]:
    """Errors of timing (ms) and velocity (MIDI) of one performance, and the values themselves."""
    bars, hits = bars_of(p), p.grid.hits
    shape = bars.shape
    told = DrumSetting(p.words, p.grid.bpm)
    features = np.stack(
        [
            expression_features(hits, step, told, p.grid.steps_per_beat, False)
            for step in range(len(hits))
        ]
    )
    out = load_drum_model().expression(features)
    noise = _drift(hits.shape, rng)
    near = np.array([training.nearest(bar, followed=False) for bar in bars])
    own = training.bars[near]
    guesses = {
        "quantised": (np.full(shape, training.mean_velocity), np.zeros(shape)),
        "table": (
            np.broadcast_to(training.table_velocity, shape),
            np.broadcast_to(training.table_offset, shape),
        ),
        "neighbour": (
            np.where(own, training.velocity[near], training.table_velocity),
            np.where(own, training.offset_sec[near], training.table_offset),
        ),
        "model": (out[:, 0].reshape(shape), (out[:, 2] * p.grid.step_sec).reshape(shape)),
        "model played": (
            (out[:, 0] + out[:, 1] * noise).reshape(shape),
            ((out[:, 2] + out[:, 3] * noise) * p.grid.step_sec).reshape(shape),
        ),
    }
    truth_velocity = p.grid.velocity.reshape(shape)[bars]
    truth_offset = (p.grid.offset * p.grid.step_sec).reshape(shape)[bars]
    errors: dict[str, float] = {}
    values = {"human": (127 * truth_velocity, 1000 * truth_offset)}
    for name, (velocity, offset) in guesses.items():
        errors[f"velocity {name}"] = 127.0 * float(np.abs(velocity[bars] - truth_velocity).mean())
        errors[f"timing {name}"] = 1000.0 * float(np.abs(offset[bars] - truth_offset).mean())
        values[name] = (127 * velocity[bars], 1000 * offset[bars])
    return errors, values


def overlap(a: np.ndarray, b: np.ndarray, edges: np.ndarray) -> float:
    """Shared area of two histograms, 0..1."""
    first, second = (np.histogram(np.clip(v, edges[0], edges[-1]), edges)[0] for v in (a, b))
    return float(np.minimum(first / first.sum(), second / second.sum()).sum())


def interval(values: np.ndarray, weights: np.ndarray, rng: np.random.Generator) -> str:
    """Weighted mean with a 95 % bootstrap interval over performances."""
    draws = rng.integers(len(values), size=(2000, len(values)))
    means = (values[draws] * weights[draws]).sum(axis=1) / weights[draws].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return f"{np.average(values, weights=weights):7.3f}  [{low:.3f}, {high:.3f}]"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", type=Path, help="folder with manifest.jsonl and the archive")
    options = parser.parse_args()
    performances = read_performances(options.corpus)
    known = [p for p in performances if p.split == "train"]
    test = [p for p in performances if p.split == "test" and p.grid.num_bars >= 3]
    training = {steps: Training(known, steps) for steps in {p.grid.steps_per_beat for p in test}}
    rng = np.random.default_rng(SEED)
    rows: dict[str, list[float]] = {}
    played: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    weights = np.array([p.grid.num_bars for p in test], dtype=float)
    for p in test:
        own = training[p.grid.steps_per_beat]
        errors, values = playing(p, own, rng)
        for name, value in {**next_strokes(p, own), **errors}.items():
            rows.setdefault(name, []).append(value)
        for name, pair in values.items():
            played.setdefault(name, []).append(pair)
    print(
        f"{len(test)} performances, {int(weights.sum())} bars of drummers "
        f"{', '.join(sorted({p.drummer for p in test}))}; trained on {len(known)} of others"
    )
    for name, series in rows.items():
        print(f"{name:<24}{interval(np.array(series), weights, rng)}")
    for better, worse in (
        ("bits model", "bits repeat"),
        ("bits model", "bits neighbour"),
        ("F1 model", "F1 repeat"),
        ("F1 model", "F1 neighbour"),
        ("timing model", "timing quantised"),
        ("timing model", "timing neighbour"),
        ("velocity model", "velocity quantised"),
        ("velocity model", "velocity neighbour"),
    ):
        difference = np.array(rows[better]) - np.array(rows[worse])
        print(f"{better} - {worse.split()[1]}: {interval(difference, weights, rng)}")
    human = [np.concatenate([pair[i] for pair in played["human"]]) for i in range(2)]
    for name, pairs in played.items():
        velocity, timing = (np.concatenate([pair[i] for pair in pairs]) for i in range(2))
        print(
            f"overlap with human, {name:<14} velocity "
            f"{overlap(velocity, human[0], np.linspace(0, 128, 33)):.3f}  timing "
            f"{overlap(timing, human[1], np.linspace(-60, 60, 41)):.3f}"
        )


if __name__ == "__main__":
    main()
