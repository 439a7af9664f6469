"""Notes a second: our cached ONNX decoding against transformers' ``generate`` and the memory.

Everything runs on one thread, in one process; times are processor seconds, so that a shared machine
disturbs little, and the best turn of each counts.

- **ours**: the shipped int8 weights write a four-part texture from nothing: 16 bars of 4/4 for
  string quartet, cell after cell, with the conditions that a plan gives, without velocities (a
  later stage decides those), as in ``leitmotiv.compose``. Positions may only rise inside a cell, as
  the composer's grammar has it. Real time: those bars last 32 seconds at 120 BPM.
- **peer**: ``generate`` of a Llama of the same size and shape (6 layers of width 192, two key-value
  heads, vocabulary of REMI on our grid without velocities), sampling, with its key-value cache,
  float32 or bfloat16, whichever is faster. Random weights: the work is the same. Its tokens become
  notes at the rate that MidiTok's REMI needs on real quartets of the corpus.
- **limit**: each step must read all weights and the cache once. The bandwidth is that of a long dot
  product, over main memory and over an array of the weights' size, which the caches may hold.

Bars: at least 10 x real time, at least 5 x the peer.

``python benchmarks/decode.py --corpus FOLDER [--turns 3]``; needs the extras ``train`` and
``bench``.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import time
import warnings
import zipfile
from pathlib import Path

import numpy as np
import symusic
import torch
from remi_peer import llama, remi_tokenizer

from leitmotiv.models import (
    DecodeOptions,
    EventModel,
    Prompt,
    RowState,
    TargetCell,
    decode,
    load_model,
)
from leitmotiv.tokens import tags
from leitmotiv.tokens.sequence import COLUMN
from leitmotiv.tokens.vocabulary import CONDITIONS, END, HEADER, POSITION_OFFSET

NUM_BARS, BAR_STEPS, QUARTERS_PER_BAR, BPM = 16, 96, 4, 120
PROGRAMS, ROLES, REGISTERS = (
    (40, 40, 41, 42),
    ("melody", "counter", "harmony", "bass"),
    (74, 67, 60, 48),
)
MUSIC_SEC = NUM_BARS * QUARTERS_PER_BAR * 60 / BPM
PEER_TOKENS = 256


class RisingPositions:
    """The composer's monotone-time mask: positions inside the bar, never before the last note."""

    def apply(self, field_index: int, logits: np.ndarray, row: RowState) -> None:
        """Mask positions (field 0) in place."""
        if field_index == 0:
            first = row.events[-1][0] if row.events else POSITION_OFFSET
            logits[END + 1 : first] = -np.inf
            logits[0] = -np.inf
            logits[POSITION_OFFSET + BAR_STEPS :] = -np.inf


def texture() -> list[TargetCell]:
    """Cells of a quartet: 16 bars in C major on a circle of chords, one to two notes a quarter."""
    roots = [0, 9, 5, 7, 0, 9, 2, 7]
    cells = []
    for bar in range(NUM_BARS):
        for part, program in enumerate(PROGRAMS):
            conditions = np.zeros(len(CONDITIONS), dtype=np.int64)
            chord = tags.chord_id(roots[bar % 8], "min" if roots[bar % 8] in (2, 9) else "maj")
            given = {
                "genre": tags.genre_id("string quartet"), "mode": 1, "meter": 1, "bar": bar + 1,
                "tempo": tags.tempo_id(120), "chord": chord, "second_chord": chord,
                "bars_to_end": int(tags.bars_to_end_id(NUM_BARS - bar)), "part": part + 1,
                "role": tags.role_id(ROLES[part]), "program": tags.program_id(program, False),
                "register": int(tags.register_id(REGISTERS[part])), "polyphony": 1, "target": 2,
                "density": int(tags.density_id(6 if part == 0 else 4, BAR_STEPS)),
            }  # fmt: skip
            for name, value in given.items():
                conditions[COLUMN[name]] = value
            cells.append(
                TargetCell(
                    conditions, float(bar * BAR_STEPS), (HEADER, 0, 0, 0), END, POSITION_OFFSET
                )
            )
    return cells


def time_ours(model: EventModel, rows: int, seed: int) -> tuple[float, int, int]:
    """Seconds, notes of all rows, steps of the network."""
    empty = Prompt(
        np.zeros((0, 4), np.int64),
        np.zeros((0, len(CONDITIONS)), np.int64),
        np.zeros(0, np.float32),
    )
    start = time.process_time()
    found = decode(
        model,
        empty,
        texture(),
        np.random.default_rng(seed),
        num_candidates=rows,
        filters=[RisingPositions()],
        options=DecodeOptions(num_fields=3),
    )
    seconds = time.process_time() - start
    notes = [sum(map(len, row.cells)) for row in found]
    return seconds, sum(notes), max(notes) + len(texture())


def tokens_per_note(corpus: Path, files: int = 8) -> tuple[float, float]:
    """REMI tokens a note, and notes a quarter, on real string quartets."""
    tokenizer = remi_tokenizer(lossless=True)
    tokens = notes = 0
    quarters = 0.0
    with zipfile.ZipFile(corpus / "openscore_quartets.zip") as archive:
        names = sorted(name for name in archive.namelist() if name.endswith(".mid"))
        for name in names[:: max(len(names) // files, 1)][:files]:
            score = symusic.Score.from_midi(archive.read(name))
            tokens += len(tokenizer.encode(score))
            notes += score.note_num()
            quarters += score.end() / score.ticks_per_quarter
    return tokens / notes, notes / quarters


def time_peer(model: torch.nn.Module, turns: int) -> float:
    """Tokens a second."""
    best = 0.0
    for _ in range(turns):
        start = time.process_time()
        found = model.generate(
            torch.ones(1, 1, dtype=torch.long),
            max_new_tokens=PEER_TOKENS,
            min_new_tokens=PEER_TOKENS,
            do_sample=True,
            use_cache=True,
            attention_mask=torch.ones(1, 1, dtype=torch.long),
        )
        best = max(best, (found.shape[1] - 1) / (time.process_time() - start))
    return best


def bandwidth(num_bytes: int, turns: int = 5) -> float:
    """Bytes a second read by dot products over an array."""
    array = np.ones(num_bytes // 4, dtype=np.float32)
    repeats = max(int(2e8 / num_bytes), 1)
    best = 0.0
    for _ in range(turns):
        start = time.process_time()
        for _ in range(repeats):
            np.dot(array, array)
        best = max(best, repeats * array.nbytes / (time.process_time() - start))
    return best


def bytes_per_note(model: EventModel, places: float) -> tuple[float, float]:
    """Bytes of int8 weights, and of cached keys and values, that one event must read."""
    sizes = model.sidecar["sizes"]
    width, hidden, layers = sizes["width"], sizes["hidden"], sizes["layers"]
    kv_width = sizes["kv_heads"] * (width // sizes["heads"])
    layer = 2 * width * width + 2 * width * kv_width + 3 * width * hidden
    heads = 3 * width * width + width * sum(sizes["field_sizes"][:3])
    return layers * layer + heads, layers * 2 * kv_width * 4 * places


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Notes a second of decoding.")
    parser.add_argument("--corpus", type=Path, required=True, help="for real quartets")
    parser.add_argument("--turns", type=int, default=3)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    model = load_model()
    time_ours(model, 1, 0)  # warm
    single = [time_ours(model, 1, seed) for seed in range(options.turns)]
    batch = [time_ours(model, 4, seed) for seed in range(options.turns)]
    tokenizer = remi_tokenizer(lossless=True)
    peer = llama(len(tokenizer)).eval()
    parameters = sum(p.numel() for p in peer.parameters())
    peer_rate = time_peer(peer, options.turns)
    peer_rate = max(peer_rate, time_peer(peer.to(torch.bfloat16), options.turns))
    per_note, density = tokens_per_note(options.corpus)

    seconds, notes, _ = max(single, key=lambda turn: turn[1] / turn[0])
    rate = notes / seconds
    print(f"ours   {notes} notes of {NUM_BARS} bars in {seconds:.3f} s: {rate:,.0f} notes/s")
    # The model may write fewer notes than a real quartet has; real time is counted in notes.
    needed = density * BPM / 60
    print(
        f"       {MUSIC_SEC / seconds:.1f} x real time as written; {rate / needed:.1f} x at the "
        f"{needed:.1f} notes/s of real quartets at {BPM} BPM"
    )
    batch_seconds, batch_notes, _ = max(batch, key=lambda turn: turn[1] / turn[0])
    print(f"       4 candidates at once: {batch_notes / batch_seconds:,.0f} notes/s together")
    print(
        f"peer   {parameters:,} parameters, {peer_rate:,.0f} tokens/s, {per_note:.2f} tokens a "
        f"note: {peer_rate / per_note:,.0f} notes/s"
    )
    print(f"ours/peer {rate * per_note / peer_rate:.1f}")
    weights, cached = bytes_per_note(model, notes / 2)
    for label, size in (("main memory", 1 << 28), ("the weights' size", int(weights))):
        speed = bandwidth(size)
        limit = speed / (weights + cached)
        print(
            f"limit  {speed / 1e9:.1f} GB/s over {label}: {limit:,.0f} events/s of "
            f"{(weights + cached) / 1e6:.2f} MB; ours reaches {rate / limit:.1%}"
        )


if __name__ == "__main__":
    main()
