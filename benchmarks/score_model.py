"""The score model on held-out music: bits a note, int8 against float32, against a unigram floor.

Reads a pack (``leitmotiv corpus pack`` writes one), draws the same windows, masks and
conditions every time from its test split and prints bits a note: position (with the ends of cells),
pitch and duration, summed over the notes of all cells. The floor knows only how often each id
occurs in the training split.

``python benchmarks/score_model.py PACK [--model FOLDER] [--float FOLDER] [--windows N] [--genres]``
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path

import numpy as np

from leitmotiv.models import EventModel, open_model
from leitmotiv.training.windows import Pack, Sequence, draw_sequence

FIELDS = ("position", "pitch", "duration")


def held_out(pack: Pack, split: int, count: int, genre: int | None = None) -> list[Sequence]:
    """The same random windows in every run, pieces weighted by the root of their size."""
    rng = np.random.default_rng(20_240_602)
    indices = pack.indices(split)
    if genre is not None:
        indices = indices[pack.globals[indices, 0] == genre]
    if len(indices) == 0:
        return []
    pieces = rng.choice(indices, size=count, p=pack.weights(indices, {}))
    drawn = [
        draw_sequence(pack, int(piece), rng, max_bars=16, max_parts=8, budget=512)
        for piece in pieces
    ]
    return [sequence for sequence in drawn if len(sequence) >= 8]


def model_nats(model: EventModel, sequences: list[Sequence]) -> np.ndarray:
    """Summed nats of each field, shape (3,)."""
    total = np.zeros(3)
    for sequence in sequences:
        length = len(sequence)
        hidden, _ = model.step(
            sequence.events[None],
            sequence.conditions[None],
            sequence.time[None].astype(np.float32),
            np.arange(length, dtype=np.float32)[None],
            np.full((1, 1), -1e9, dtype=np.float32),
            model.new_cache(1, 1),
        )
        for field in range(3):
            answer = sequence.targets[:, field]
            logits = model.logits(field, hidden[0], sequence.targets[:, :3]).astype(np.float64)
            peak = logits.max(axis=1, keepdims=True)
            log_sum = np.log(np.exp(logits - peak).sum(axis=1)) + peak[:, 0]
            nats = log_sum - logits[np.arange(length), answer]
            total[field] += nats[answer > 0].sum()
    return total


def count_notes(sequences: list[Sequence]) -> int:
    """Notes to be predicted."""
    return sum(int((sequence.targets[:, 1] > 0).sum()) for sequence in sequences)


def unigram_nats(pack: Pack, sequences: list[Sequence]) -> np.ndarray:
    """Summed nats of each field under the id frequencies of the training split."""
    rng = np.random.default_rng(1)
    indices = pack.indices(0)
    sample = [
        draw_sequence(pack, int(piece), rng, max_bars=16, max_parts=8, budget=512)
        for piece in rng.choice(indices, size=1500, p=pack.weights(indices, {}))
    ]
    total = np.zeros(3)
    for field in range(3):
        seen = np.concatenate([sequence.targets[:, field] for sequence in sample])
        asked = np.concatenate([sequence.targets[:, field] for sequence in sequences])
        count = np.bincount(seen[seen > 0], minlength=300) + 0.5
        total[field] = -np.log(count / count.sum())[asked[asked > 0]].sum()
    return total


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--float", type=Path, help="folder of a float32 export of the same weights")
    parser.add_argument("--windows", type=int, default=250)
    parser.add_argument("--model", type=Path, help="an exported model; else the shipped one")
    parser.add_argument("--genres", action="store_true", help="one line a genre, too")
    parser.add_argument("--split", type=int, default=2, help="0 train, 1 valid, 2 test")
    options = parser.parse_args()
    pack = Pack(options.pack)
    sequences = held_out(pack, options.split, options.windows)
    notes = count_notes(sequences)
    events = sum(map(len, sequences))
    print(f"{len(sequences)} windows, {notes:,} notes, {events:,} events")

    def report(name: str, nats: np.ndarray) -> float:
        bits = nats / notes / math.log(2)
        fields = "  ".join(f"{f} {b:.3f}" for f, b in zip(FIELDS, bits, strict=True))
        print(f"{name:<10} {bits.sum():.3f} bits a note   {fields}")
        return float(bits.sum())

    floor = report("unigram", unigram_nats(pack, sequences))
    start = time.perf_counter()
    model = open_model(options.model)
    shipped = report(model.sidecar["weights"], model_nats(model, sequences))
    seconds = time.perf_counter() - start
    print(f"unigram/model {floor / shipped:.2f}; {events / seconds:,.0f} events/s read, one thread")
    if options.float:
        exact = report("float32", model_nats(EventModel(options.float, "composer"), sequences))
        print(f"model/float32 {shipped / exact:.4f}")
    if options.genres:
        for number, genre in enumerate(pack.header["genres"], start=1):
            drawn = held_out(pack, options.split, max(options.windows // 5, 20), number)
            if drawn:
                bits = model_nats(model, drawn).sum() / count_notes(drawn) / math.log(2)
                print(f"{genre:<22} {bits:.3f} bits a note   {count_notes(drawn):,} notes")


if __name__ == "__main__":
    main()
