"""Planted quotations: how many does the index find, by length, and how often does it cry wolf?

A passage of a training piece (the top line of a melody part, 2 to 8 bars) is hidden in the melody
of a piece the network has not seen (validation split), transposed to the register there, in one of
four ways: as it stands, in other note values (twice as long), bent into another meter (every
second half of a beat stretched or cut: 4/4 becomes 3/4, others 4/4), or with one note in eight
changed. It is *named* where the report of the new piece names the piece, or one that shares the
passage (other editions and movements do), for a stretch that overlaps the planted notes; *first*
where it stands above every other piece; *above* where a passage in a row is longer than the limit,
which is what 95 in 100 held-out human pieces share (test split). ``--by runs`` names a piece for
any two fragments in a row instead of by the evidence, as reports once did.

Chance: how often the pieces of the quotation before, which is not there, are named; and how many
pieces are named for the new melodies without a quotation.

False alarms: pieces of the validation split, as they are, whose longest passage in common is above
the limit. The validation split took no part in the index or in its band.

    python benchmarks/originality.py --pack runs/corpus.npz --index runs/originality.npz
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.corpus.originality_index import PackedNotes, pack_lines
from leitmotiv.review.fragment_index import FragmentIndex, shipped_index
from leitmotiv.review.originality import CREDIT

Line = tuple[NDArray[np.int64], NDArray[np.int64]]
BARS = (2, 3, 4, 6, 8)
HOST_NOTES = 60
FEWEST_NOTES = {2: 6, 3: 9, 4: 12, 6: 18, 8: 24}  # fewer are rests or held notes


def doubled(line: Line, rng: np.random.Generator) -> Line:
    return line[0] * 2, line[1]


def other_meter(line: Line, rng: np.random.Generator) -> Line:
    """Stretch the second half of every half bar (48 steps) to a third of its length, or thrice."""
    onset, pitch = line
    span, inside = np.divmod(onset - onset[0], 48)
    late = np.maximum(inside - 24, 0)
    factor = 1 / 3 if rng.random() < 0.5 else 3.0
    bent = span * (24 + 24 * factor) + np.minimum(inside, 24) + late * factor
    bent = np.maximum.accumulate(np.round(bent).astype(np.int64))
    return bent + np.arange(len(bent)), pitch  # no two notes at once


def ornamented(line: Line, rng: np.random.Generator) -> Line:
    """Move one note in eight by a step."""
    pitch = line[1].copy()
    changed = rng.choice(len(pitch), len(pitch) // 8, replace=False)
    pitch[changed] += rng.choice([-2, -1, 1, 2], len(changed))
    return line[0], pitch


WAYS: dict[str, Callable[[Line, np.random.Generator], Line]] = {
    "transposed": lambda line, rng: line,
    "twice as long": doubled,
    "other meter": other_meter,
    "notes changed": ornamented,
}


def melody(pack: PackedNotes, number: int) -> tuple[Line, NDArray[np.int64]] | None:
    """The first pitched part's top line with the bar of each note."""
    line, onset, pitch, bar = pack_lines(pack, [number])
    if not len(line):
        return None
    mine = line == line[0]
    return (onset[mine], pitch[mine]), bar[mine]


def passage(
    pack: PackedNotes, train: list[int], bars: int, rng: np.random.Generator
) -> tuple[int, Line]:
    """A random passage of so many bars of a random training melody; its piece's place."""
    while True:
        place = int(rng.integers(len(train)))
        found = melody(pack, train[place])
        if found is None:
            continue
        (onset, pitch), bar = found
        if bar[-1] < bars:
            continue
        start = int(rng.integers(0, bar[-1] - bars + 2))
        inside = (bar >= start) & (bar < start + bars)
        # A passage on one or two pitches is no tune.
        if inside.sum() >= FEWEST_NOTES[bars] and len(set(pitch[inside].tolist())) >= 5:
            return place, (onset[inside], pitch[inside])


def plant(host: Line, quoted: Line, rng: np.random.Generator) -> tuple[Line, range]:
    """Hide a passage between two notes of a host; where it stands."""
    at = int(rng.integers(10, len(host[0]) - 10))
    onset = quoted[0] - quoted[0][0]
    shift = int(np.median(host[1])) - int(np.median(quoted[1]))
    start = host[0][at - 1] + 24
    rest = host[0][at:] - host[0][at] + start + onset[-1] + 24
    together = np.concatenate([host[0][:at], start + onset, rest])
    pitch = np.concatenate([host[1][:at], quoted[1] + shift, host[1][at:]])
    return (together, pitch), range(at, at + len(onset))


def sharers(index: FragmentIndex, place: int, quoted: Line) -> set[int]:
    """The pieces that have a planted passage: its own, and all that the exact index calls alike."""
    runs = index.shared_runs(np.zeros(len(quoted[0]), np.int64), *quoted)
    most = runs.num_notes[runs.piece == place].max(initial=0)
    return {place, *runs.piece[(runs.num_notes >= most) & (most > 0)].tolist()}


def hosts(pack: PackedNotes, rng: np.random.Generator) -> list[Line]:
    found = []
    for number in pack.of_split("valid"):
        line = melody(pack, number)
        if line is not None and len(line[0][0]) >= HOST_NOTES:
            start = int(rng.integers(0, len(line[0][0]) - HOST_NOTES + 1))
            found.append((line[0][0][start : start + HOST_NOTES], line[0][1][start:][:HOST_NOTES]))
    return found


def named(
    index: FragmentIndex, line: Line, where: range | None, by: str
) -> dict[int, tuple[float, bool]]:
    """The pieces that a report names: how strongly, and whether over the planted notes."""
    zeros = np.zeros(len(line[0]), np.int64)
    if by == "runs":
        runs = index.shared_runs(zeros, *line)
        strength, chosen = runs.num_notes.astype(float), runs.num_fragments >= 2
        found = (runs.piece, runs.first, runs.last)
    else:
        kin = index.kinships(zeros, *line)
        strength, chosen = kin.evidence, (kin.evidence >= CREDIT) & (kin.num_fragments >= 2)
        found = (kin.piece, kin.first, kin.last)
    table: dict[int, tuple[float, bool]] = {}
    for number in np.flatnonzero(chosen)[np.argsort(strength[chosen], kind="stable")]:
        piece, first, last = (int(column[number]) for column in found)
        inside = where is not None and first < where.stop and last >= where.start
        table[piece] = (float(strength[number]), inside or table.get(piece, (0, False))[1])
    return table


def recall(
    index: FragmentIndex,
    pack: PackedNotes,
    trials: int,
    limit: float,
    rng: np.random.Generator,
    by: str,
) -> dict[str, Any]:
    """Found quotations by way and length, and what chance would find."""
    train, new = pack.of_split("train"), hosts(pack, rng)
    table: dict[str, Any] = {way: {} for way in WAYS}
    for bars in BARS:
        hits = {way: np.zeros(4) for way in WAYS}
        lengths, before = [], set[int]()
        for _ in range(trials):
            place, quoted = passage(pack, train, bars, rng)
            alike = sharers(index, place, quoted)
            lengths.append(len(quoted[0]))
            for way, change in WAYS.items():
                line, where = plant(new[int(rng.integers(len(new)))], change(quoted, rng), rng)
                found = named(index, line, where, by)
                right = max((found[p][0] for p in alike if p in found and found[p][1]), default=0.0)
                wrong = max((found[p][0] for p in found if p not in alike), default=0.0)
                runs = index.shared_runs(np.zeros(len(line[0]), np.int64), *line)
                good = np.isin(runs.piece, list(alike)) & (runs.first < where.stop)
                good &= (runs.last >= where.start) & (runs.num_notes > limit)
                hits[way] += (right > 0, right > wrong, good.any(), bool(before & found.keys()))
            before = alike
        for way, counts in hits.items():
            share = dict(
                zip(("named", "first", "above the limit", "chance"), counts / trials, strict=True)
            )
            table[way][str(bars)] = {**share, "notes": float(np.median(lengths))}
    counts = [len(named(index, host, None, by)) for host in new]
    table["pieces named for a melody without a quotation"] = {
        "mean": float(np.mean(counts)),
        "melodies with any": float(np.mean(np.asarray(counts) > 0)),
    }
    return table


def alarms(index: FragmentIndex, pack: PackedNotes, limit: float) -> dict[str, float]:
    """What held-out human pieces share that took no part in index or band."""
    longest = []
    for number in pack.of_split("valid"):
        line, onset, pitch, _ = pack_lines(pack, [number])
        if len(line):
            longest.append(index.shared_runs(line, onset, pitch).num_notes.max(initial=0))
    values = np.asarray(longest)
    return {
        "pieces": len(values),
        "above the limit": float((values > limit).mean()),
        "above twice the limit": float((values > 2 * limit).mean()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--index", type=Path, help="else the shipped one")
    parser.add_argument("--trials", type=int, default=200, help="quotations a length")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--by", choices=("evidence", "runs"), default="evidence")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    index = FragmentIndex.load(given.index) if given.index else shipped_index()
    pack, rng = PackedNotes(given.pack), np.random.default_rng(given.seed)
    limit = index.band().piece_notes["0.95"]
    start = time.perf_counter()
    found = recall(index, pack, given.trials, limit, rng, given.by)
    wolf = alarms(index, pack, limit)
    if given.json:
        print(json.dumps({"limit": limit, "recall": found, "false alarms": wolf}, indent=1))
        return
    print(f"limit {limit:.0f} notes; {given.trials} quotations a length")
    print(f"{'':<14}" + "".join(f"{bars:>18} bars" for bars in BARS))
    print(
        f"{'notes':<14}" + "".join(f"{found['transposed'][str(b)]['notes']:>23.0f}" for b in BARS)
    )
    shown = ("named", "first", "above the limit", "chance")
    for way in WAYS:
        cells = [" / ".join(f"{found[way][str(b)][s]:.0%}" for s in shown) for b in BARS]
        print(f"{way:<14}" + "".join(f"{cell:>23}" for cell in cells))
    print("(named / first / longer than the limit / chance)")
    idle = found["pieces named for a melody without a quotation"]
    print(
        f"{HOST_NOTES} notes without a quotation: {idle['mean']:.2f} pieces named, any for "
        f"{idle['melodies with any']:.0%}"
    )
    print(
        f"false alarms on {wolf['pieces']:.0f} held-out human pieces: "
        f"{wolf['above the limit']:.1%}; above twice the limit {wolf['above twice the limit']:.1%}"
    )
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
