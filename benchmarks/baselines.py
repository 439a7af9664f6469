"""Bits per note on held-out pieces: our events against REMI and a 5-gram, at equal training time.

What is compared
----------------
- **events**: our model (``leitmotiv.training``), trained here from nothing. All conditions but
  meter, bar and part number are withheld in training and in the test, so that it knows no more
  than the others.
- **REMI Transformer**: transformers' Llama of the same size on MidiTok's REMI tokens with our grid
  and without velocity, trained with the same optimisers, schedule, batch size in positions, and
  the same seconds of processor time on one thread.
- **REMI 5-gram** and **event 5-gram**: interpolated Kneser-Ney (Chen and Goodman, 1999, with one
  discount an order) on the same training pieces' tokens; the events are flattened to one id a
  field, part after part in every bar.

How bits are counted
--------------------
Each held-out piece is coded once, note after note, given what came before (at most 512 events, or
1,024 REMI tokens, half of them context). All see the piece in its home signature, on the 24-step
grid, with bar lines after the upbeat. Meter costs nothing to anybody (REMI's TimeSig tokens are not
counted). REMI pays for Bar, Position, Program, Pitch and Duration. Ours pays for positions, ends of
cells, pitch and duration; what it is told besides is added as *side information*: the programs
(log2 129 bits a part and piece) and which parts sound in each passage (one bit a part). REMI says
less for its bits: MidiTok merges parts of one program (two violins, two hands), so who plays which
note is lost. Velocity and tempo are nobody's.

Processor time, not the wall clock, is what is equal, because a machine may be shared.

``python benchmarks/baselines.py --corpus FOLDER --pack FILE --split FILE [--minutes 12]``; needs
the extras ``train`` and ``bench``. Stages are kept in ``--work`` and not repeated.
"""

from __future__ import annotations

import argparse
import json
import math
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import symusic
import torch
from remi_peer import llama, pick_files, remi_tokenizer
from torch.nn import functional as F

from leitmotiv.errors import LeitmotivError
from leitmotiv.evaluation import score_to_evaluation_grid
from leitmotiv.score import Score
from leitmotiv.score.analysis import align_bars, estimate_key
from leitmotiv.score.midi import midi_bytes, parse_midi
from leitmotiv.tokens import tags
from leitmotiv.tokens.grid import CellGrid
from leitmotiv.tokens.passages import KEPT_CONDITIONS, piece_passages, without_conditions
from leitmotiv.tokens.sequence import COLUMN
from leitmotiv.training.model import ModelConfig, ScoreModel
from leitmotiv.training.windows import Pack, batch_arrays, build_sequence, choose_window

FIELD_SIZES = (195, 257, 113, 9)
CONDITION_SIZES = (20, 3, 20, 9, 33, 7, 3, 99, 99, 99, 8, 17, 7, 130, 18, 4, 9, 3)
BATCH = 6144  # positions in a batch, of both models
CONTEXT = 1024  # REMI tokens
LEARNING_RATE, WARM_UP, DECAY, SMOOTHING, CLIP, AVERAGE = 2.5e-3, 60, 0.05, 0.02, 1.0, 0.99
ORDER = 5


# --- tokens --------------------------------------------------------------------------------------


def home(score: Score) -> Score:
    """The score with bar lines after the upbeat, moved to the signature without accidentals."""
    score = align_bars(score)
    key = score.keys[0].key if score.keys else estimate_key(score)
    shift = int(tags.home_shift(key.fifths))
    parts = []
    for part in score.parts:
        notes = part.notes.copy()
        if not part.is_drum:
            notes["pitch"] = np.clip(notes["pitch"].astype(int) + shift, 0, 127)
        parts.append(replace(part, notes=notes, controls=part.controls[:0]))
    return replace(score, parts=tuple(parts), keys=())


def remi_ids(tokenizer: Any, score: Score) -> np.ndarray:
    """REMI ids of a score in its home signature."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sequence = tokenizer.encode(symusic.Score.from_midi(midi_bytes(home(score))))
    return np.asarray(sequence.ids, dtype=np.int32)


def flat_event_ids(grid: CellGrid) -> np.ndarray:
    """Our events as one stream of field ids, 0 for the ends; all bars, part after part."""
    pieces = []
    for passage in piece_passages(grid, max_bars=32, max_parts=40, budget=1 << 40):
        answers = passage.targets[passage.counted][:, :3]
        offsets = np.asarray([0, FIELD_SIZES[0], FIELD_SIZES[0] + FIELD_SIZES[1]])
        flat = (answers + offsets).ravel()
        kept = np.repeat(answers[:, 1] > 0, 3)
        kept[::3] = True
        pieces.append(flat[kept])
    return np.concatenate(pieces).astype(np.int32) if pieces else np.zeros(0, np.int32)


def read_pieces(corpus: Path, ids: set[str], count: int, seed: int) -> Iterator[Score]:
    """Scores of random pieces, up to 6,000 notes each."""
    for _, data in pick_files(corpus, ids, count, seed):
        try:
            score = parse_midi(data)
        except LeitmotivError:
            continue
        if 32 <= score.num_notes <= 6000:
            yield score


# --- 5-gram --------------------------------------------------------------------------------------


class KneserNey:
    """Interpolated Kneser-Ney over integer tokens, one discount an order."""

    def __init__(self, streams: list[np.ndarray], vocab_size: int, order: int = ORDER) -> None:
        self.base, self.order = vocab_size + 1, order  # one more id opens every stream
        grams, counts = np.unique(
            np.concatenate([self._grams(stream) for stream in streams]), return_counts=True
        )
        self.tables: list[tuple[np.ndarray, ...]] = []
        for length in range(order, 0, -1):
            self.tables.insert(0, self._table(grams, counts))
            # Lower orders count in how many contexts a gram has been met.
            grams, counts = np.unique(grams % self.base ** (length - 1), return_counts=True)

    def _grams(self, stream: np.ndarray) -> np.ndarray:
        opened = np.concatenate([np.full(self.order - 1, self.base - 1), stream.astype(np.int64)])
        windows = np.lib.stride_tricks.sliding_window_view(opened, self.order)
        return windows @ (self.base ** np.arange(self.order - 1, -1, -1, dtype=np.int64))

    def _table(self, grams: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, ...]:
        contexts, first = np.unique(grams // self.base, return_index=True)
        totals = np.add.reduceat(counts, first)
        kinds = np.diff(np.append(first, len(grams)))
        once, twice = (counts == 1).sum(), (counts == 2).sum()
        discount = np.asarray(once / max(once + 2 * twice, 1))
        return grams, counts, contexts, totals, kinds, discount

    def bits(self, stream: np.ndarray) -> np.ndarray:
        """-log2 of each token's probability."""
        whole = self._grams(stream)
        probability = np.full(len(whole), 1.0 / self.base)
        for length in range(1, self.order + 1):
            grams, counts, contexts, totals, kinds, discount = self.tables[length - 1]
            code = whole % self.base**length
            place = np.minimum(np.searchsorted(grams, code), len(grams) - 1)
            count = np.where(grams[place] == code, counts[place], 0)
            place = np.minimum(np.searchsorted(contexts, code // self.base), len(contexts) - 1)
            met = contexts[place] == code // self.base
            total = totals[place]
            higher = np.maximum(count - discount, 0) / total
            mixed = higher + discount * kinds[place] / total * probability
            probability = np.where(met, mixed, probability)
        return -np.log2(probability)


# --- training ------------------------------------------------------------------------------------


def make_optimizers(model: torch.nn.Module) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for the rest; the same for both models."""
    inner = ("blocks.", "model.layers.")
    matrices = [p for n, p in model.named_parameters() if n.startswith(inner) and p.ndim == 2]
    chosen = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in chosen]
    return [
        torch.optim.Muon(
            matrices, lr=LEARNING_RATE, weight_decay=DECAY, adjust_lr_fn="match_rms_adamw"
        ),
        torch.optim.AdamW(others, lr=LEARNING_RATE, weight_decay=DECAY, betas=(0.9, 0.98)),
    ]


def train(
    model: torch.nn.Module,
    loss_of: Callable[[torch.nn.Module], torch.Tensor],
    minutes: float,
    label: str,
) -> dict[str, torch.Tensor]:
    """Train for some minutes of processor time; returns the averaged weights."""
    optimizers = make_optimizers(model)
    average = {name: value.detach().clone() for name, value in model.state_dict().items()}
    started = reported = time.process_time()
    losses: list[float] = []
    step = 0
    while (spent := time.process_time() - started) < 60 * minutes:
        cosine = 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * spent / (60 * minutes)))
        rate = LEARNING_RATE * min((step + 1) / WARM_UP, 1.0) * cosine
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = loss_of(model)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), CLIP)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        step += 1
        decay = min(AVERAGE, step / (step + 10))
        with torch.no_grad():
            for name, value in model.state_dict().items():
                if value.dtype.is_floating_point:
                    average[name].lerp_(value, 1 - decay)
        losses.append(float(loss.detach()))
        if time.process_time() - reported > 30:
            reported = time.process_time()
            print(
                f"{label}: {(reported - started) / 60:5.1f} min, step {step}, "
                f"loss {np.mean(losses):.3f}",
                flush=True,
            )
            losses = []
    print(f"{label}: {step} steps", flush=True)
    return average


def event_loss(pack: Pack, seed: int) -> Callable[[ScoreModel], torch.Tensor]:
    """Batches of windows that continue or begin from nothing, without conditions."""
    rng = np.random.default_rng(seed)
    indices = pack.indices(0)
    weight = np.sqrt(pack.num_notes[indices])
    weight = weight / weight.sum()
    forgotten = [i for name, i in COLUMN.items() if name not in KEPT_CONDITIONS]
    waiting: list[dict[str, np.ndarray]] = []

    def draw() -> None:
        pool = []
        while sum(map(len, pool)) < 8 * BATCH:
            piece = int(rng.choice(indices, p=weight))
            start, bars, parts = choose_window(
                pack, piece, rng, max_bars=16, max_parts=8, budget=512
            )
            target = np.zeros((bars, len(parts)), dtype=bool)
            target[int(rng.integers(0, bars)) if rng.random() < 0.7 else 0 :] = True
            sequence = build_sequence(
                pack, piece, start, bars, parts, target, np.arange(len(parts))
            )
            sequence.conditions[:, forgotten] = 0
            sequence.targets[:, 3] = 0
            sequence.events[:, 3] = 0
            if 8 <= len(sequence) <= 600:
                pool.append(sequence)
        pool.sort(key=len)
        batches, batch = [], []
        for sequence in pool:
            if batch and (len(batch) + 1) * len(sequence) > BATCH:
                batches.append(batch)
                batch = []
            batch.append(sequence)
        for chosen in rng.permutation(len(batches)):
            waiting.append(batch_arrays(batches[chosen]))

    def loss(model: ScoreModel) -> torch.Tensor:
        if not waiting:
            draw()
        batch = {name: torch.from_numpy(array) for name, array in waiting.pop().items()}
        return model.losses(batch, SMOOTHING)[0]

    return loss


def remi_loss(streams: list[np.ndarray], seed: int, bar: int) -> Callable[[Any], torch.Tensor]:
    """Batches of 1,024 tokens from a bar line on, pieces weighted as ours."""
    rng = np.random.default_rng(seed)
    weight = np.sqrt([len(stream) for stream in streams])
    weight = weight / weight.sum()

    def loss(model: Any) -> torch.Tensor:
        rows = np.zeros((BATCH // CONTEXT, CONTEXT + 1), dtype=np.int64)
        for row, piece in zip(rows, rng.choice(len(streams), len(rows), p=weight), strict=True):
            stream = streams[piece]
            starts = np.flatnonzero(stream == bar)
            starts = starts[starts <= max(len(stream) - CONTEXT // 2, 0)]
            start = int(rng.choice(starts)) if len(starts) else 0
            taken = stream[start : start + CONTEXT + 1]
            row[: len(taken)] = taken
        data = torch.from_numpy(rows)
        logits = model(input_ids=data[:, :-1], use_cache=False).logits.float()
        return F.cross_entropy(
            logits.flatten(0, 1), data[:, 1:].flatten(), ignore_index=0, label_smoothing=SMOOTHING
        )

    return loss


# --- counting ------------------------------------------------------------------------------------


@torch.no_grad()
def event_bits(model: ScoreModel, score: Score) -> tuple[float, float, int]:
    """Bits of all notes, bits of side information, notes."""
    grid, _ = score_to_evaluation_grid(score)
    total, side, notes = 0.0, grid.num_parts * math.log2(129), 0
    for passage in piece_passages(grid, known_velocity=False):
        answers = torch.from_numpy(passage.targets)
        hidden = model.backbone(
            torch.from_numpy(passage.events)[None],
            torch.from_numpy(without_conditions(passage.conditions))[None],
            torch.from_numpy(passage.time)[None],
        )[0]
        logits = model.heads(hidden, answers[:, :3])
        counted = torch.from_numpy(passage.counted)
        for field in range(3):
            asked = counted & (answers[:, field] > 0)
            total += float(
                F.cross_entropy(logits[field][asked], answers[asked, field], reduction="sum")
            )
        notes += int((passage.targets[passage.counted, 1] > 0).sum())
        side += min(grid.num_parts, 8)
    return total / math.log(2), side, notes


@torch.no_grad()
def remi_bits(model: Any, stream: np.ndarray) -> np.ndarray:
    """Bits of each token but the first, which opens every piece."""
    ids = torch.from_numpy(stream.astype(np.int64))
    found = []
    done = 1
    while done < len(ids):
        end = min(len(ids), CONTEXT if done == 1 else done + CONTEXT // 2)
        first = max(end - CONTEXT, 0)
        logits = model(input_ids=ids[None, first : end - 1], use_cache=False).logits[0]
        nats = F.cross_entropy(logits, ids[first + 1 : end], reduction="none")
        found.append(nats[done - first - 1 :].numpy() / math.log(2))
        done = end
    return np.concatenate([[0.0], *found])


# --- the benchmark -------------------------------------------------------------------------------


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Bits per note of tokens and models.")
    parser.add_argument("--corpus", type=Path, required=True, help="archives and manifest.jsonl")
    parser.add_argument("--pack", type=Path, required=True, help="pack of the same split")
    parser.add_argument("--split", type=Path, required=True, help="JSON: piece id to split")
    parser.add_argument("--work", type=Path, default=Path("runs/baselines"))
    parser.add_argument("--minutes", type=float, default=12.0, help="processor time of a training")
    parser.add_argument("--train-pieces", type=int, default=3000)
    parser.add_argument("--test-pieces", type=int, default=100)
    options = parser.parse_args()
    torch.set_num_threads(1)
    options.work.mkdir(parents=True, exist_ok=True)
    split = json.loads(options.split.read_text())
    tokenizer = remi_tokenizer(lossless=True)
    vocabulary = {index: name for name, index in tokenizer.vocab.items()}
    bar = tokenizer.vocab["Bar_None"]

    cache = options.work / f"tokens_{options.train_pieces}.npz"
    if not cache.exists():
        ids = {piece for piece, part in split.items() if part == "train"}
        remi, events = [], []
        for score in read_pieces(options.corpus, ids, options.train_pieces, seed=1):
            remi.append(remi_ids(tokenizer, score))
            events.append(flat_event_ids(score_to_evaluation_grid(score)[0]))
        np.savez(
            cache,
            remi=np.concatenate(remi),
            remi_sizes=[len(x) for x in remi],
            events=np.concatenate(events),
            event_sizes=[len(x) for x in events],
        )
    stored = np.load(cache)
    remi = np.split(stored["remi"], np.cumsum(stored["remi_sizes"])[:-1])
    events = np.split(stored["events"], np.cumsum(stored["event_sizes"])[:-1])
    print(f"{len(remi)} training pieces: {len(stored['remi']):,} REMI tokens", flush=True)

    models: dict[str, torch.nn.Module] = {}
    for name in ("events", "remi"):
        torch.manual_seed(1)
        model: Any
        if name == "events":
            model = ScoreModel(ModelConfig(FIELD_SIZES, CONDITION_SIZES, dropout=0.0))
        else:
            model = llama(len(tokenizer), context=CONTEXT)
        path = options.work / f"{name}_{options.minutes:g}.pt"
        if not path.exists():
            if name == "events":
                loss: Any = event_loss(Pack(options.pack), seed=2)
            else:
                loss = remi_loss(remi, 2, bar)
            torch.save(train(model, loss, options.minutes, name), path)
        model.load_state_dict(torch.load(path, weights_only=True))
        models[name] = model.eval()
        print(f"{name}: {sum(p.numel() for p in model.parameters()):,} parameters", flush=True)

    grams = {
        "remi": KneserNey(remi, len(tokenizer)),
        "events": KneserNey(events, sum(FIELD_SIZES[:3])),
    }
    ids = {piece for piece, part in split.items() if part == "test"}
    free = np.asarray([vocabulary[i].startswith("TimeSig") for i in range(len(tokenizer))])
    sounding = np.asarray([vocabulary[i].startswith("Pitch") for i in range(len(tokenizer))])
    bits = dict.fromkeys(("events", "side", "remi", "remi 5-gram", "event 5-gram"), 0.0)
    notes, remi_notes, pieces = 0, 0, 0
    for score in read_pieces(options.corpus, ids, options.test_pieces, seed=3):
        total, side, counted = event_bits(models["events"], score)
        bits["events"] += total
        bits["side"] += side
        flat = flat_event_ids(score_to_evaluation_grid(score)[0])
        bits["event 5-gram"] += float(grams["events"].bits(flat).sum())
        stream = remi_ids(tokenizer, score)
        paid = ~free[stream]
        bits["remi"] += float(remi_bits(models["remi"], stream)[paid].sum())
        bits["remi 5-gram"] += float(grams["remi"].bits(stream)[paid].sum())
        notes, remi_notes, pieces = (
            notes + counted,
            remi_notes + int(sounding[stream].sum()),
            pieces + 1,
        )
    print(f"{pieces} held-out pieces, {notes:,} notes ({remi_notes:,} left in REMI)")
    side = bits["side"] / notes
    print(f"REMI 5-gram        {bits['remi 5-gram'] / remi_notes:6.3f} bits a note")
    print(f"event 5-gram       {bits['event 5-gram'] / notes + side:6.3f} bits a note")
    ours, theirs = bits["events"] / notes + side, bits["remi"] / remi_notes
    print(f"REMI Transformer   {theirs:6.3f} bits a note, {options.minutes:g} min")
    print(f"event model        {ours:6.3f} bits a note, {options.minutes:g} min ({side:.3f} side)")
    print(f"REMI/events {theirs / ours:.3f}")


if __name__ == "__main__":
    main()
