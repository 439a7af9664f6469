"""Ablation of decoding: each rule, min-p and the ranking switched off in turn.

    python benchmarks/ablation.py [--bars 16] [--briefs 6] [--seeds 3] [--only NAME ...]

Up to twelve briefs are composed with everything on, then once for each switch. No sound is made.
One row a switch, means over the pieces. In brackets stands the 95 % interval of the difference to
everything on, piece by piece, by bootstrap: where it holds 0, nothing has been shown. ``--rows``
keeps every piece's findings by kind.

- *chord tones*: share of pitched notes on strong beats that belong to the chord (accent >= 0.5);
- *findings*: of review, for 100 bars;
- *badness*: the same for 16 bars, errors 5, warnings 1, notes 0.2;
- *strangeness*: squared distance of the melody from human melodies in standard deviations
  (:mod:`leitmotiv.review.melody_checks`; about 1 is human);
- *repeats*: share of the melody's bars that equal one of the four bars before;
- *out of range*, *overlaps*, *crossings*: of 100 notes as the network drew them, before any
  repair, those out of the part's range, those that a single line strikes before its last note has
  ended, and those that lie across a neighbouring voice's onset;
- *wide hands*: chords of 100 that a hand would have to span more than a ninth for, as drawn.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from leitmotiv.compose import ComposeOptions, WriterOptions, compose
from leitmotiv.compose.cell_rule import GuidanceOptions
from leitmotiv.compose.journal import Journal, Written, open_journal
from leitmotiv.compose.part_writing import hand_reach, is_single_line, keep_order
from leitmotiv.pipeline import plan_brief
from leitmotiv.plan import Plan
from leitmotiv.review import review_score
from leitmotiv.review.melody_checks import melody_profiles
from leitmotiv.review.reading import read
from leitmotiv.score import Score

BRIEFS = (
    "a wistful waltz for string quartet in D minor",
    "a solemn hymn for choir in E flat major",
    "a gentle nocturne for solo piano",
    "a lively string quartet in G major",
    "a cheerful folk tune for flute and guitar in 6/8",
    "a baroque piece for violin, cello and harpsichord",
    "a heroic march for brass",
    "a sad piece for oboe and strings in A minor",
    "a calm choral piece in F major",
    "a classical piano piece in B flat major",
    "a tense orchestral cue in C minor",
    "a pop song in A major",
)
SWITCHES: dict[str, dict[str, Any]] = {
    "all on": {},
    "readable grid": {"guidance": {"readable_grid": False}},
    "monotone time": {"guidance": {"monotone_time": False}},
    "range": {"guidance": {"part_range": False}},
    "polyphony": {"guidance": {"polyphony": False}},
    "voice crossing": {"guidance": {"voice_crossing": False}},
    "playable hand": {"guidance": {"playable_hand": False}},
    "forced ends": {"guidance": {"forced_ends": False}},
    "chord bias": {"guidance": {"chord_weight": 0.0}},
    "scale bias": {"guidance": {"scale_weight": 0.0}},
    "clash bias": {"guidance": {"clash_weight": 0.0}},
    "line bias": {"guidance": {"line_weight": 0.0}},
    "repetition guard": {"guidance": {"repetition_weight": 0.0}},
    "sketch": {"writer": {"sketch_weight": 0.0}},
    "min-p": {"writer": {"min_p": 0.0}},
    "second draw": {"writer": {"redraw_from": np.inf}},
    "review of candidates": {"writer": {"review_weight": 0.0}},
    "ranking": {"writer": {"num_candidates": 1, "num_accompaniments": 1, "redraw_from": np.inf}},
}
COLUMNS = (
    "chord tones",
    "findings",
    "badness",
    "strangeness",
    "repeats",
    "out of range",
    "overlaps",
    "crossings",
    "wide hands",
)
_COMPARED = ("chord tones", "findings", "badness", "strangeness")
_WEIGHTS = {"error": 5.0, "warning": 1.0, "note": 0.2}


def options_for(switch: str) -> ComposeOptions:
    """Options with one switch off."""
    change = SWITCHES[switch]
    guidance = replace(GuidanceOptions(), **change.get("guidance", {}))
    return ComposeOptions(writer=WriterOptions(guidance=guidance, **change.get("writer", {})))


def requests(journal: Journal) -> Iterator[Written]:
    """Every request to the network that stood in the piece at some time, once."""
    seen: set[int] = set()
    for steps in journal.steps.values():
        for step in steps:
            if step.written is not None and id(step.written) not in seen:
                seen.add(id(step.written))
                yield step.written


def drawn_notes(journal: Journal) -> np.ndarray:
    """Notes as drawn, (n, 5): part, onset in steps, end, pitch, request number."""
    from leitmotiv.score import Origin
    from leitmotiv.tokens.sequence import events_to_notes

    rows = []
    for number, written in enumerate(requests(journal)):
        for note in events_to_notes(written.window, written.row.cells, Origin.MODEL):
            start = int(note["bar"]) * written.rules[0].steps + int(note["position"])
            end = start + int(note["duration"])
            rows.append((int(note["part"]), start, end, int(note["pitch"]), number))
    return np.asarray(rows, dtype=np.int64).reshape(-1, 5)


def faults_as_drawn(plan: Plan, notes: np.ndarray) -> list[float]:
    """Out of range, overlaps and crossings of 100 notes; wide hands of 100 chords."""
    outside = overlaps = crossings = wide = chords = 0
    for part, entry in enumerate(plan.parts):
        mine = notes[notes[:, 0] == part]
        outside += int(((mine[:, 3] < entry.low) | (mine[:, 3] > entry.high)).sum())
        if is_single_line(plan, part) and len(mine):
            order = mine[np.lexsort((mine[:, 1], mine[:, 4]))]
            same = order[1:, 4] == order[:-1, 4]
            overlaps += int((same & (order[1:, 1] < order[:-1, 2])).sum())
        reach = hand_reach(plan, part)
        if reach < 127:
            for onset in np.unique(mine[:, 1]):
                pitches = mine[mine[:, 1] == onset, 3]
                chords += 1
                wide += int(np.ptp(pitches) > reach)
        for other in range(plan.num_parts):
            if keep_order(plan, part, other) != 1:
                continue
            above = notes[notes[:, 0] == other]
            for row in mine:
                upper = above[above[:, 1] == row[1], 3]
                crossings += int(len(upper) > 0 and row[3] > upper.max())
    count = max(len(notes), 1)
    return [
        100 * outside / count,
        100 * overlaps / count,
        100 * crossings / count,
        100 * wide / chords if chords else np.nan,
    ]


def measure(plan: Plan, score: Score, journal: Journal) -> list[float]:
    """The figures of one piece, in the order of COLUMNS."""
    hits = total = 0
    for part in score.parts:
        if part.is_drum:
            continue
        for note in part.notes:
            bar, place = divmod(int(note["onset"]), plan.bar_ticks)
            chord = plan.chord_at(bar, int(place >= plan.half_tick))
            if plan.meter_value.accent(place) >= 0.5 and not chord.is_none:
                total += 1
                hits += int(note["pitch"]) % 12 in chord.pitch_classes
    findings = review_score(score, plan)
    badness = sum(_WEIGHTS[finding.severity] for finding in findings) * 16 / plan.num_bars
    reading = read(score, plan)
    strange, repeats = np.nan, np.nan
    if reading.melody is not None:
        line = reading.melody.top_line
        profiles = melody_profiles(reading, line)
        if profiles:
            strange = float(np.mean([profile.strangeness for profile in profiles]))
        starts = score.bar_ticks
        bars = [
            tuple(
                zip(
                    (line.onset[line.bar == bar] - starts[bar]).tolist(),
                    line.pitch[line.bar == bar].tolist(),
                    strict=True,
                )
            )
            for bar in range(score.num_bars)
        ]
        again = [bars[b] in bars[max(b - 4, 0) : b] for b in range(1, len(bars)) if bars[b]]
        repeats = float(np.mean(again)) if again else np.nan
    return [
        hits / max(total, 1),
        100 * len(findings) / plan.num_bars,
        badness,
        strange,
        repeats,
        *faults_as_drawn(plan, drawn_notes(journal)),
    ]


def cells(rows: np.ndarray, base: np.ndarray) -> list[str]:
    """One switch's row of the table: means, and the interval of the difference where it counts."""
    means = np.nanmean(rows, axis=0)
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(rows), size=(4000, len(rows)))
    found = []
    for column, name in enumerate(COLUMNS):
        digits = 3 if name == "chord tones" else 1 if name == "findings" else 2
        text = f"{means[column]:.{digits}f}"
        change = rows[:, column] - base[:, column]
        if name in _COMPARED and np.abs(change).max() > 0:
            low, high = np.nanpercentile(np.nanmean(change[drawn], axis=1), [2.5, 97.5])
            text += f" [{low:+.{digits}f} {high:+.{digits}f}]"
        found.append(text)
    return found


def main() -> None:
    """Compose everything and print the table row by row."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bars", type=int, default=16)
    parser.add_argument("--briefs", type=int, default=6, choices=range(1, 13))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", choices=list(SWITCHES), default=list(SWITCHES))
    parser.add_argument("--rows", type=Path, help="also write every piece's findings, JSON lines")
    options = parser.parse_args()
    plans = [
        plan_brief(f"{brief}, {options.bars} bars", seed=seed)
        for brief in [*BRIEFS[::2], *BRIEFS[1::2]][: options.briefs]
        for seed in range(1, options.seeds + 1)
    ]
    print(
        f"| off | {' | '.join(COLUMNS)} | cpu s |\n|---|{'---|' * (len(COLUMNS) + 1)}", flush=True
    )
    base: np.ndarray | None = None
    for switch in dict.fromkeys(["all on", *options.only]):
        start, rows = time.process_time(), []
        for plan in plans:
            with open_journal() as journal:
                rng = np.random.default_rng(plan.seed)
                score = compose(plan, options=options_for(switch), rng=rng)
            rows.append(measure(plan, score, journal))
            if options.rows is not None:
                kinds = Counter(f"{f.severity} {f.check}" for f in review_score(score, plan))
                piece = {"off": switch, "genre": plan.genre, "seed": plan.seed, "found": kinds}
                with options.rows.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(piece | {"values": rows[-1]}) + "\n")
        table = np.asarray(rows)
        base = table if base is None else base
        spent = (time.process_time() - start) / len(plans)
        print(f"| {switch} | {' | '.join(cells(table, base))} | {spent:.2f} |", flush=True)


if __name__ == "__main__":
    main()
