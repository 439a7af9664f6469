"""The briefs of examples/make.py: compose them and print what can be counted.

``python benchmarks/example_briefs.py [FOLDER]`` writes their bundles into FOLDER, each with its
seed and the engine it was listened to, and prints the figures that docs/what-works.md quotes.

Columns: share of sounding time that lies in the key of its section; share of half bars whose
lowest sounding note belongs to the chord; share of notes by the model, by style rules and copied
from the theme; findings of review as errors/warnings/notes; loudness and true peak; the longest
silence inside the piece.
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leitmotiv.pipeline import Piece, PipelineOptions, compose_brief, save_piece
from leitmotiv.score import Origin

EXAMPLES = Path(__file__).parent.parent / "examples/make.py"
COLUMNS = (
    "piece",
    "plan",
    "in key",
    "bass in chord",
    "by model/style/theme",
    "findings",
    "master",
    "silence",
)


def share_in_key(piece: Piece) -> float:
    """Share of the pitched sounding time that lies in the key of its section."""
    inside = total = 0
    for part in piece.score.parts:
        if part.is_drum:
            continue
        bars = piece.score.bar_index_at(part.notes["onset"])
        for note, bar_index in zip(part.notes, bars, strict=True):
            scale = piece.plan.key_at(min(int(bar_index), piece.plan.num_bars - 1)).scale
            duration = int(note["duration"])
            total += duration
            inside += duration if int(note["pitch"]) % 12 in scale else 0
    return inside / max(total, 1)


def share_of_basses_in_chord(piece: Piece) -> float:
    """Share of half bars whose lowest sounding note belongs to the chord."""
    notes = np.concatenate([p.notes for p in piece.score.parts if not p.is_drum])
    ends = notes["onset"] + notes["duration"]
    hits = []
    for chord in piece.plan.chords:
        symbol = piece.plan.chord_at(chord.bar_index, chord.half)
        tick = chord.bar_index * piece.plan.bar_ticks + chord.half * piece.plan.half_tick
        sounding = notes["pitch"][(notes["onset"] <= tick) & (ends > tick)]
        if len(sounding) and not symbol.is_none:
            hits.append(int(sounding.min()) % 12 in symbol.pitch_classes)
    return float(np.mean(hits)) if hits else 0.0


def shares_by_origin(piece: Piece) -> str:
    """Model / style / theme in percent."""
    origins = np.concatenate([part.notes["origin"] for part in piece.score.parts])
    return "/".join(
        f"{np.mean(origins == origin):.0%}" for origin in (Origin.MODEL, Origin.STYLE, Origin.THEME)
    )


def longest_silence_sec(audio: NDArray[np.float32], sample_rate: int, end_sec: float) -> float:
    """Longest stretch below -60 dBFS before the last bar ends."""
    hop_length = sample_rate // 20
    frames = audio[:, : int(end_sec * sample_rate)]
    num_frames = frames.shape[1] // hop_length
    peaks = np.abs(frames[:, : num_frames * hop_length]).reshape(2, num_frames, hop_length)
    longest = run = 0
    for quiet in peaks.max(axis=(0, 2)) < 1e-3:
        run = run + 1 if quiet else 0
        longest = max(longest, run)
    return longest * hop_length / sample_rate


def row(name: str, piece: Piece) -> str:
    """One line of the table."""
    plan, master = piece.plan, piece.master
    counts = [
        sum(finding.severity == severity for finding in piece.findings)
        for severity in ("error", "warning", "note")
    ]
    silence_sec = longest_silence_sec(
        master.audio, master.sample_rate, piece.performance.duration_sec
    )
    cells = [
        name,
        f"{plan.key}, {plan.meter}, {plan.num_bars} bars, {plan.num_parts} parts",
        f"{share_in_key(piece):.0%}",
        f"{share_of_basses_in_chord(piece):.0%}",
        shares_by_origin(piece),
        "/".join(map(str, counts)),
        f"{master.integrated_lufs:.1f} LUFS, {master.true_peak_dbtp:.1f} dBTP",
        f"{silence_sec:.2f} s",
    ]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Compose them all and print the table."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "example-briefs")
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for name, (seed, engine, brief) in runpy.run_path(str(EXAMPLES))["BRIEFS"].items():
        piece = compose_brief(brief, seed=seed, options=PipelineOptions(engine=engine))
        save_piece(piece, folder / name)
        print(row(name, piece), flush=True)


if __name__ == "__main__":
    main()
