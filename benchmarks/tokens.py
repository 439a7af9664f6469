"""MIDI file → ids: our whole path against MidiTok's REMI on the same files, and what is lost.

What is timed, in processor seconds of one thread, on bytes already in memory, file after file:

- **ours**: ``parse_midi`` (native parser, then texts, roles and maps), ``align_bars`` (finding
  the upbeat), ``score_to_grid`` (24 steps a quarter, with the tags: chords of half bars, breath,
  energy, roles) and ``lay_out`` (all cells of the piece as an array of ids (T, 4), and the 18
  conditions of every cell).
- **MidiTok**: ``symusic.Score.from_midi`` and ``REMI.encode``: MidiTok's defaults with programs and
  time signatures; with nothing but its defaults (every track a sequence of its own); and with the
  grid of ours. The fastest of the three is the peer.

Each file is read by both in turn, so that whatever else the machine does hits both alike; the best
of ``--rounds`` rounds counts.

Losslessness: the share of notes whose onset and duration come back from the ids within 1/24 of a
quarter (20 ticks), as the files have them.

``python benchmarks/tokens.py --corpus FOLDER [--files 500] [--all]``; needs the extra ``bench``.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import symusic
from remi_peer import pick_files, remi_tokenizer

from leitmotiv.errors import LeitmotivError
from leitmotiv.score.analysis import align_bars
from leitmotiv.score.midi import parse_midi
from leitmotiv.tokens.grid import TICKS_PER_STEP, score_to_grid
from leitmotiv.tokens.sequence import lay_out
from leitmotiv.tokens.transcript import transcribe


def our_ids(data: bytes) -> int:
    """The timed path; returns the number of notes."""
    grid = score_to_grid(align_bars(parse_midi(data)))
    everything = np.zeros((grid.num_bars, grid.num_parts), dtype=bool)
    window = lay_out(
        grid, start=0, num_bars=grid.num_bars, parts=range(grid.num_parts), target=everything
    )
    return int((window.events[:, 1] > 0).sum())


def remi_ids(tokenizer: Any, data: bytes) -> int:
    """The peer's path; returns the number of ids."""
    found = tokenizer.encode(symusic.Score.from_midi(data))
    return sum(len(one) for one in found) if isinstance(found, list) else len(found)


def measure(files: list[bytes], rounds: int) -> None:
    """Print notes a second of each path and the ratio."""
    from miditok import REMI, TokenizerConfig

    peers = {
        "REMI, programs and meters": remi_tokenizer(lossless=False),
        "REMI, defaults alone": REMI(TokenizerConfig()),
        "REMI, on our grid": remi_tokenizer(lossless=True),
    }
    paths: dict[str, Callable[[bytes], int]] = {"ours": our_ids}
    for name, tokenizer in peers.items():
        paths[name] = lambda data, tokenizer=tokenizer: remi_ids(tokenizer, data)
    best = dict.fromkeys(paths, np.inf)
    made = dict.fromkeys(paths, 0)
    for _ in range(rounds):
        spent = dict.fromkeys(paths, 0.0)
        made = dict.fromkeys(paths, 0)
        for data in files:
            for name, path in paths.items():
                start = time.process_time()
                made[name] += path(data)
                spent[name] += time.process_time() - start
        best = {name: min(best[name], spent[name]) for name in paths}
    notes = made["ours"]
    print(f"{len(files)} files, {notes:,} notes, {sum(map(len, files)) / 2**20:.1f} MiB")
    for name, seconds in best.items():
        ids = "" if name == "ours" else f", {made[name] / notes:.2f} ids a note"
        print(f"{name:<26} {seconds:7.3f} s  {notes / seconds:9,.0f} notes/s{ids}")
    fastest = min(seconds for name, seconds in best.items() if name != "ours")
    first = best["REMI, programs and meters"]
    print(f"REMI/ours {first / best['ours']:.2f}; fastest REMI/ours {fastest / best['ours']:.2f}")


def losslessness(files: list[bytes]) -> None:
    """Print what share of the notes keeps onset and duration."""
    notes = kept = onsets = exact = refused = 0
    for data in files:
        try:
            score = align_bars(parse_midi(data))
        except LeitmotivError:
            refused += 1
            continue
        residual = transcribe(score).residual
        assert residual is not None
        onset = np.abs(residual["onset"]) <= TICKS_PER_STEP
        both = onset & (np.abs(residual["duration"]) <= TICKS_PER_STEP)
        notes, kept, onsets = notes + len(residual), kept + int(both.sum()), onsets + onset.sum()
        exact += int(((residual["onset"] == 0) & (residual["duration"] == 0)).sum())
    print(f"{len(files) - refused} files, {notes:,} notes ({refused} files refused)")
    print(f"onset and duration within 1/24 quarter: {kept / notes:.4%}")
    print(f"onset alone: {onsets / notes:.4%}; both to the tick: {exact / notes:.4%}")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="MIDI to ids: speed and loss.")
    parser.add_argument("--corpus", type=Path, required=True, help="archives and manifest.jsonl")
    parser.add_argument("--files", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--all", action="store_true", help="losslessness of the whole corpus")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    files = [data for _, data in pick_files(options.corpus, None, options.files, seed=11)]
    our_ids(files[0])  # imports and caches
    measure(files, options.rounds)
    if options.all:
        losslessness([data for _, data in pick_files(options.corpus, None, 10**9, seed=11)])
    else:
        losslessness(files)


if __name__ == "__main__":
    main()
