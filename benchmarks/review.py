"""How often does review remark on music that people wrote?

A check that fires on every tenth bar of Haydn says nothing about a machine's piece. This program
reads held-out pieces of an imported library (:mod:`leitmotiv.corpus.library`) as
``leitmotiv review`` reads anybody's file, without a plan, and prints for each check how many
findings it makes for each 100 bars of each kind of music.

    python benchmarks/review.py --library LIBRARY
    python benchmarks/review.py --library LIBRARY --split train --seed 1   # for setting thresholds
    python benchmarks/review.py --library LIBRARY --check "semitone clash" # where, in words
    python benchmarks/review.py examples/*.mid                             # the same of files
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from leitmotiv.corpus.library import Library
from leitmotiv.errors import LeitmotivError
from leitmotiv.review import Finding, review_score
from leitmotiv.score import Score, read_score
from leitmotiv.score.files import parse_score

# Kind of music, its genre in the library, pieces at most.
KINDS = (
    ("quartet", "string quartet", 20),
    ("piano", "piano", 20),
    ("choral", "choral", 20),
    ("hymn", "hymn", 15),
    ("guitar", "guitar", 15),
    ("game", "game/rock/electronic", 15),
    ("song", "art song", 15),
)
MIN_BARS, MAX_BARS = 8, 800
LEAST_PARTS = {"choral": 3, "hymn": 2}  # piano works are filed among the choral ones


def human_pieces(
    library: Library, splits: tuple[str, ...], seed: int
) -> Iterator[tuple[str, str, Score]]:
    """Yield kind, title and score of pieces drawn from the splits, each kind from all sources."""
    rng = np.random.default_rng(seed)
    wanted = {genre: kind for kind, genre, _ in KINDS}
    limits = {kind: limit for kind, _, limit in KINDS}
    found = defaultdict(list)
    for piece in library.pieces():
        if piece.genre in wanted and piece.split in splits:
            kind = wanted[piece.genre]
            enough = piece.num_parts >= LEAST_PARTS.get(kind, 1)
            if MIN_BARS <= piece.num_bars <= MAX_BARS and enough:
                found[kind].append(piece)
    for kind in limits:
        pieces = found[kind]
        # One of each source in turn, so that the largest collection does not speak for all.
        queues: dict[str, list[int]] = defaultdict(list)
        for index in rng.permutation(len(pieces)).tolist():
            queues[pieces[index].source].append(index)
        chosen: list[int] = []
        while any(queues.values()) and len(chosen) < limits[kind]:
            for queue in queues.values():
                if queue and len(chosen) < limits[kind]:
                    chosen.append(queue.pop())
        for index in chosen:
            data = library.midi(pieces[index].id)
            if data is None:
                continue
            try:
                score = parse_score(data)
            except LeitmotivError:
                continue
            yield kind, f"{pieces[index].composer}: {pieces[index].title}", score


def main() -> None:
    """Print findings for each 100 bars by check and kind of music."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help="files instead of a library")
    parser.add_argument("--library", type=Path, help="folder of an imported library")
    parser.add_argument("--split", nargs="+", default=["test", "valid"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--check", help="also print each finding of this check")
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    if arguments.files:
        pieces = ((path.parent.name or "files", path.name, read_score(path))
                  for path in arguments.files)  # fmt: skip
    elif arguments.library:
        pieces = human_pieces(Library(arguments.library), tuple(arguments.split), arguments.seed)
    else:
        parser.error("give --library FOLDER or files")

    bars: Counter[str] = Counter()
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    numbers: Counter[str] = Counter()
    seconds = 0.0
    for kind, title, score in pieces:
        start = time.perf_counter()
        findings: tuple[Finding, ...] = review_score(score)
        seconds += time.perf_counter() - start
        bars[kind] += score.num_bars
        numbers[kind] += 1
        for finding in findings:
            counts[finding.check, finding.severity][kind] += 1
            if finding.check == arguments.check:
                print(f"{kind:8} {title[:40]:40} {finding.severity:8} {finding.message}")

    kinds = list(bars)
    total = sum(bars.values())
    print("| check | severity | " + " | ".join(kinds) + " | all |")
    print("|---|---|" + "---:|" * (len(kinds) + 1))
    rates: dict[str, dict[str, float]] = {}
    for (check, severity), found in sorted(counts.items()):
        row = [100 * found[kind] / bars[kind] for kind in kinds]
        rates[f"{check}/{severity}"] = dict(zip(kinds, row, strict=True))
        cells = [f"{rate:.2f}" for rate in (*row, 100 * sum(found.values()) / total)]
        print(f"| {check} | {severity} | " + " | ".join(cells) + " |")
    for severity in ("error", "warning", "note"):
        found = sum((c for (_, level), c in counts.items() if level == severity), Counter())
        row = [100 * found[kind] / bars[kind] for kind in kinds]
        cells = [f"{rate:.2f}" for rate in (*row, 100 * sum(found.values()) / total)]
        print(f"| *all* | {severity} | " + " | ".join(cells) + " |")
    print("| pieces | | " + " | ".join(str(numbers[k]) for k in kinds)
          + f" | {sum(numbers.values())} |")  # fmt: skip
    print("| bars | | " + " | ".join(str(bars[k]) for k in kinds) + f" | {total} |")
    print(f"\n{1000 * seconds / max(total / 32, 1e-9):.0f} ms for each 32 bars")
    if arguments.json:
        arguments.json.write_text(json.dumps(rates, indent=1))


if __name__ == "__main__":
    main()
