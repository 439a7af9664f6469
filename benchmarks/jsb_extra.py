"""Four-part vocal pieces of other collections as frames, to train chorale models on besides.

Reads archives of MIDI files beside a ``manifest.jsonl`` (one JSON object a line) and takes pieces
under a stated free licence with four tracks, all sung. Pieces that quote any of the benchmark's
chorales (``jsb_overlap``, whichever split) are left out, so that no answer is seen in training. A
model trained with them is reported apart: other figures of the benchmark use its own 229 chorales.

Conventions: the four parts are ordered by mean pitch; note values are halved or doubled until the
median note lasts between 200 and 700 ticks (a quarter is 480), because early choral music is
notated in halves; passages with fewer than three voices are cut away; what is left is cut into
pieces of at most 384 steps of a 16th and transposed, where needed, into the benchmark's range.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import LeitmotivError
from leitmotiv.score.midi import parse_midi

SOURCES = ("open_hymnal", "mutopia", "pd_songs_bloomfield", "openscore_lieder", "nifc_polish")
CHOIR_PROGRAM = 52
TICKS_PER_STEP = 120
MEDIAN_TICKS = (200, 700)
MIN_STEPS, MAX_STEPS, MAX_GAP_STEPS = 64, 384, 8
PITCH_RANGE = (36, 81)
SHIFTS = (0, -5, 5, -12, 12, -8, -3, 3)  # the first that fits the range is used
MOVING_SHARE = (0.05, 0.45)  # of the cells; outside it the grid does not fit the piece

Frames = NDArray[np.int64]


def extra_frames(corpus: Path) -> list[Frames]:
    """Frames (T, 4) of all usable passages under ``corpus``."""
    manifest = corpus / "manifest.jsonl"
    if not manifest.is_file():
        raise SystemExit(f"--extra {corpus}: no manifest.jsonl there")
    archives: dict[str, zipfile.ZipFile] = {}
    found: list[Frames] = []
    with open(manifest, encoding="utf-8") as lines:
        entries = [entry for entry in map(json.loads, lines) if wanted(entry)]
    for entry in entries:
        source = entry["source"]
        if source not in archives:
            archives[source] = zipfile.ZipFile(corpus / f"{source}.zip")
        try:
            score = parse_midi(archives[source].read(entry["file"]))
        except LeitmotivError:
            continue
        parts = [part.notes for part in score.parts if len(part.notes)]
        if len(parts) == 4:
            found += passages(parts)
    return found


def wanted(entry: dict) -> bool:
    """Four sung parts, a stated licence, and nothing of the benchmark in it."""
    return (
        entry["source"] in SOURCES
        and entry["tier"] == "A"
        and entry["jsb_overlap"] is None
        and entry["n_tracks"] == 4
        and set(entry["programs"]) == {CHOIR_PROGRAM}
    )


def passages(parts: list[NDArray[np.void]]) -> Iterator[Frames]:
    """Passages in full texture, on the grid and in range."""
    onset = np.concatenate([part["onset"] for part in parts])
    duration = np.concatenate([part["duration"] for part in parts])
    scale = note_value_scale(float(np.median(duration)))
    off_grid = (onset * scale / TICKS_PER_STEP) % 1
    if (np.minimum(off_grid, 1 - off_grid) > 0.1).mean() > 0.1:
        return
    together = sum(int((np.diff(np.sort(part["onset"])) == 0).sum()) for part in parts)
    if together > 0.05 * len(onset):  # the parts are not single voices
        return
    length = int(np.ceil((onset + duration).max() * scale / TICKS_PER_STEP))
    frames = np.full((length, 4), -1, dtype=np.int64)
    order = np.argsort([-np.mean(part["pitch"]) for part in parts])
    for voice, index in enumerate(order):
        part = parts[index]
        first = np.round(part["onset"] * scale / TICKS_PER_STEP).astype(int)
        end = (part["onset"] + part["duration"]) * scale / TICKS_PER_STEP
        last = np.maximum(first + 1, np.round(end).astype(int))
        for start, stop, pitch in zip(first, last, part["pitch"], strict=True):
            highest = np.maximum(frames[start:stop, voice], pitch) if voice == 0 else pitch
            frames[start:stop, voice] = highest
    for start, stop in full_texture(frames):
        for cut in range(start, stop, MAX_STEPS):
            passage = in_range(frames[cut : min(cut + MAX_STEPS, stop)])
            if passage is not None:
                yield passage


def note_value_scale(median_ticks: float) -> float:
    """Power of two that brings the median note to about a quarter."""
    scale = 1.0
    while median_ticks * scale >= MEDIAN_TICKS[1]:
        scale /= 2
    while median_ticks * scale < MEDIAN_TICKS[0]:
        scale *= 2
    return scale


def full_texture(frames: Frames) -> list[tuple[int, int]]:
    """Stretches (start on a beat, stop) in which at least three voices sound, short gaps aside."""
    full = (frames >= 0).sum(axis=1) >= 3
    found: list[tuple[int, int]] = []
    start, last = None, 0
    for step in range(len(full) + 1):
        if step < len(full) and full[step]:
            start = step - step % 4 if start is None else start
            last = step
        elif start is not None and (step == len(full) or step - last > MAX_GAP_STEPS):
            if last - start >= MIN_STEPS:
                found.append((start, last + 1))
            start = None
    return found


def in_range(passage: Frames) -> Frames | None:
    """The passage transposed into the range; none where it is too short, too wide or off grid."""
    if len(passage) < MIN_STEPS:
        return None
    for shift in SHIFTS:
        moved = np.where(passage >= 0, passage + shift, -1)
        sounding = moved[moved >= 0]
        if sounding.min() >= PITCH_RANGE[0] and sounding.max() <= PITCH_RANGE[1]:
            share = (moved[1:] != moved[:-1]).mean()
            return moved if MOVING_SHARE[0] <= share <= MOVING_SHARE[1] else None
    return None
