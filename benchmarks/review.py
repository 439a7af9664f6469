"""How often does review remark on music that people wrote?

A check that fires on every tenth bar of Haydn says nothing about a machine's piece. This program
reads held-out pieces of an imported library (:mod:`leitmotiv.corpus.library`) as
``leitmotiv review`` reads anybody's file, without a plan, and prints for each check how many
findings it makes for each 100 bars of each kind of music.

    python benchmarks/review.py --library LIBRARY
    python benchmarks/review.py --library LIBRARY --split train --seed 1   # for setting thresholds
    python benchmarks/review.py --library LIBRARY --check "semitone clash" # where, in words
    python benchmarks/review.py examples/*.mid                             # the same of files
    python benchmarks/review.py --library LIBRARY --planted                # are faults found?

With ``--planted`` each piece is spoilt in one bar at a time, in ways a person would call wrong,
and the table says how often the spoilt bar, or the one beside it, gets a finding of the right
check that the clean piece did not have there.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leitmotiv.corpus.library import Library
from leitmotiv.errors import LeitmotivError
from leitmotiv.review import Finding, review_score
from leitmotiv.score import Score, make_notes, read_score
from leitmotiv.score.files import parse_score
from leitmotiv.score.general_midi import GM_INSTRUMENTS

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


def _with(score: Score, index: int, notes: NDArray[np.void]) -> Score:
    return score.with_part(index, score.parts[index].with_notes(notes))


def _spoil(score: Score, fault: str, bar: int, rng: np.random.Generator) -> Score | None:
    """Plant a fault in a bar; None where the piece has no room for it."""
    lines = score.bar_ticks
    start, stop = int(lines[bar]), int(lines[bar + 1])
    pitched = [i for i, part in enumerate(score.parts) if not part.is_drum and len(part.notes)]
    index = int(rng.choice(pitched))
    notes = score.parts[index].notes.copy()
    inside = (notes["onset"] >= start) & (notes["onset"] < stop)
    if not inside.any():
        return None
    if fault == "a part a semitone off for two bars":
        inside = (notes["onset"] >= start) & (notes["onset"] < lines[min(bar + 2, len(lines) - 1)])
        notes["pitch"][inside] += 1
    elif fault == "a part out of its range":
        instrument = GM_INSTRUMENTS[score.parts[index].program]
        if instrument.family not in ("strings", "reed", "pipe", "brass", "guitar", "ensemble"):
            return None
        notes["pitch"][inside] = min(instrument.high + 8, 127)
    elif fault == "a pitch struck while it sounds":
        again = notes[inside][:1].copy()
        if again["duration"][0] < 240:
            return None
        again["onset"] += again["duration"] // 2
        notes = np.sort(np.concatenate([notes, again]), order=["onset", "pitch", "duration"])
    elif fault == "a wild leap":
        top = score.parts[index].notes["pitch"].max()
        if fault and int(top) + 19 > 127:
            return None
        which = np.flatnonzero(inside)[-1]
        notes["pitch"][which] = notes["pitch"][which] + 19
    elif fault == "four silent bars":
        if bar + 4 >= score.num_bars:
            return None
        left, right = start, int(lines[bar + 4])
        for other in range(len(score.parts)):
            kept = score.parts[other].notes
            away = (kept["onset"] + kept["duration"] <= left) | (kept["onset"] >= right)
            score = _with(score, other, kept[away])
        return replace(score, length_ticks=int(lines[-1]))
    elif fault == "a chord no hands reach":
        if score.parts[index].program > 5:
            return None
        tick = int(notes["onset"][inside][0])
        extra = make_notes([tick] * 3, [240] * 3, [28, 55, 90])
        notes = np.sort(np.concatenate([notes, extra]), order=["onset", "pitch", "duration"])
    elif fault == "a bar repeated twelve times":
        if bar + 12 >= score.num_bars or not _is_even(score, bar, bar + 12):
            return None
        for other in range(len(score.parts)):
            kept = score.parts[other].notes
            block = kept[(kept["onset"] >= start) & (kept["onset"] < stop)]
            away = (kept["onset"] < start) | (kept["onset"] >= lines[bar + 12])
            copies = []
            for step in range(12):
                copy = block.copy()
                copy["onset"] += int(lines[bar + step]) - start
                copies.append(copy)
            joined = np.sort(
                np.concatenate([kept[away], *copies]), order=["onset", "pitch", "duration"]
            )
            score = _with(score, other, joined)
        return score
    return _with(score, index, notes)


def _is_even(score: Score, first: int, stop: int) -> bool:
    return len(set(np.diff(score.bar_ticks[first : stop + 1]).tolist())) == 1


FAULTS: dict[str, tuple[str, ...]] = {
    "a part a semitone off for two bars": ("semitone clash", "strong-beat dissonance", "key"),
    "a part out of its range": ("range",),
    "a pitch struck while it sounds": ("doubled note",),
    "a wild leap": ("large leap", "fast leaps", "melody shape", "range"),
    "four silent bars": ("silence",),
    "a chord no hands reach": ("hand stretch",),
    "a bar repeated twelve times": ("repetition", "monotony"),
}


def planted(pieces: Iterator[tuple[str, str, Score]], seed: int) -> None:
    """Print how often each planted fault is found."""
    rng = np.random.default_rng(seed)
    tried: Counter[str] = Counter()
    found: Counter[str] = Counter()
    for _, _, score in pieces:
        if score.num_bars < 24:
            continue
        clean = Counter((f.check, f.bar_index, f.part_index) for f in review_score(score))
        for fault, checks in FAULTS.items():
            bar = int(rng.integers(2, score.num_bars - 14))
            spoilt = _spoil(score, fault, bar, rng)
            if spoilt is None:
                continue
            tried[fault] += 1
            after = Counter((f.check, f.bar_index, f.part_index) for f in review_score(spoilt))
            new = after - clean
            found[fault] += any(
                check in checks and where is not None and abs(where - bar) <= 4
                for check, where, _ in new
            )
    print("| planted fault | found | tried |\n|---|---:|---:|")
    for fault, number in tried.items():
        print(f"| {fault} | {100 * found[fault] / number:.0f} % | {number} |")


def main() -> None:
    """Print findings for each 100 bars by check and kind of music."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help="files instead of a library")
    parser.add_argument("--library", type=Path, help="folder of an imported library")
    parser.add_argument("--split", nargs="+", default=["test", "valid"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--check", help="also print each finding of this check")
    parser.add_argument("--json", type=Path)
    parser.add_argument("--planted", action="store_true", help="spoil the pieces, look for it")
    arguments = parser.parse_args()
    if arguments.files:
        pieces = ((path.parent.name or "files", path.name, read_score(path))
                  for path in arguments.files)  # fmt: skip
    elif arguments.library:
        pieces = human_pieces(Library(arguments.library), tuple(arguments.split), arguments.seed)
    else:
        parser.error("give --library FOLDER or files")

    if arguments.planted:
        planted(iter(pieces), arguments.seed)
        return
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
