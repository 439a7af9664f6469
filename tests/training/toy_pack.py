"""A pack of one small piece, built in memory."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import numpy as np

from leitmotiv.training.windows import Pack


def toy_pack(rng: np.random.Generator, *, semitones: int = 0, fifths: int = 0) -> Pack:
    """Two parts, twelve bars of 4/4, quarters and halves on a scale that repeats."""
    bars, parts = 12, 2
    scale = np.asarray([60, 62, 64, 65, 67, 69, 71, 72])
    count, position, pitch, duration = [], [], [], []
    for bar in range(bars):
        for part in range(parts):
            steps = [0, 24, 48, 72] if part == 0 else [0, 48]
            count.append(len(steps))
            position += steps
            pitch += [int(scale[(bar + i) % 8]) - 24 * part + semitones for i in range(len(steps))]
            duration += [24 if part == 0 else 48] * len(steps)
    notes = len(position)
    arrays = {
        "note_position": np.asarray(position, np.uint8),
        "note_pitch": np.asarray(pitch, np.uint8),
        "note_duration": np.asarray(duration, np.uint8),
        "note_velocity": np.full(notes, 5, np.uint8),
        "cell_count": np.asarray(count, np.uint16),
        "bar_steps": np.full(bars, 96, np.uint8),
        "bar_meter": np.full(bars, 1, np.uint8),
        "bar_fifths": np.full(bars, fifths, np.int8),
        "bar_chord": np.full(bars, 2, np.uint8),
        "bar_second_chord": np.full(bars, 2, np.uint8),
        "bar_breath": np.full(bars, 1, np.uint8),
        "bar_energy": np.full(bars, 4, np.uint8),
        "part_program": np.asarray([41, 43], np.uint8),
        "part_role": np.asarray([1, 4], np.uint8),
        "piece": np.asarray([[notes, bars, parts, 1, 1, 3]] * 2, np.int32),
        "piece_source": np.zeros(2, np.uint8),
        "piece_split": np.asarray([0, 1], np.uint8),
    }
    for name in list(arrays):
        if name.split("_")[0] in ("note", "cell", "bar", "part"):
            arrays[name] = np.concatenate([arrays[name]] * 2)
    header = {
        "pack_version": 1, "vocabulary_version": 1, "sources": ["toy"], "pieces": 2,
        "notes": 2 * notes, "licences": {"CC0-1.0": 2},
        "by_source": {"toy": {"pieces": 2, "notes": 2 * notes, "licences": {"CC0-1.0": 2},
                              "attribution": "made for tests", "named": []}},
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "toy.npz"
        np.savez(path, header=np.frombuffer(json.dumps(header).encode(), np.uint8), **arrays)
        return Pack(path)


def save_toy_pack(rng: np.random.Generator, path: Path, *, source: str = "toy") -> Path:
    """Write the pack of :func:`toy_pack` to a file."""
    pack = toy_pack(rng)
    header = json.loads(json.dumps(pack.header).replace('"toy"', json.dumps(source)))
    data = np.frombuffer(json.dumps(header).encode(), np.uint8)
    np.savez(path, header=data, **pack.arrays)
    return path
