"""Small files of music, and small archives of them, for the tests of the corpus."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from leitmotiv.corpus.library import Library
from leitmotiv.score import Part, Score, TempoMap, make_notes
from leitmotiv.score.midi import midi_bytes

SCALE = (0, 2, 4, 5, 7, 9, 11, 12)


def melody(seed: int = 0, *, num_notes: int = 24, shift: int = 0, step: int = 240) -> Score:
    """A tune of its own for each seed; ``shift`` transposes it, ``step`` is its unit in ticks."""
    rng = np.random.default_rng(seed)
    pitches = 60 + shift + rng.choice(SCALE, num_notes)
    lengths = step * rng.choice((1, 1, 2), num_notes)
    onsets = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    notes = make_notes(onsets, lengths, pitches)
    return Score(parts=(Part(name="Flute", program=73, notes=notes),), title=f"Tune {seed}")


def tune(seed: int = 0, *, qpm: float = 100.0, **options: int) -> bytes:
    """The MIDI file of :func:`melody`."""
    score = melody(seed, **options)
    return midi_bytes(Score(score.parts, TempoMap((0,), (qpm,)), title=score.title))


def archive(path: Path, files: Mapping[str, bytes]) -> Path:
    """A zip of files."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, data in files.items():
            bundle.writestr(name, data)
    return path


def manifest(folder: Path, entries: Iterable[Mapping[str, Any] | str]) -> Path:
    """A ``manifest.jsonl``; a string stands as its line."""
    lines = [entry if isinstance(entry, str) else json.dumps(entry) for entry in entries]
    path = folder / "manifest.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def collection(folder: Path, name: str, count: int, *, licence: str | None = "CC0-1.0") -> Path:
    """An archive of ``count`` tunes with a manifest beside it that lists them backwards."""
    files = {f"{name}/{number:03}.mid": tune(number) for number in range(count)}
    entries = [
        {"id": f"{name}_{n:03}", "source": name, "file": f"{name}/{n:03}.mid", "licence": licence}
        for n in reversed(range(count))
    ]
    manifest(folder, entries)
    return archive(folder / f"{name}.zip", files)


def rows(library: Library) -> dict[str, tuple[str, str | None]]:
    """Status and reason of every piece, by file."""
    return {piece.file: (piece.status, piece.reason) for piece in library.pieces(None)}
