"""MIDI in → Score → MIDI out keeps every note, tempo and meter, on real music.

symusic's own reading of both files is the oracle.
"""

from __future__ import annotations

import random
import zipfile
from pathlib import Path

import numpy as np
import pytest
import symusic

from leitmotiv.score import midi_bytes, parse_midi

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
NUM_FILES = 200


def sample_files(num: int | None, seed: int = 0) -> list[tuple[Path, str]]:
    """Files spread evenly over the archives; all of them where ``num`` is None."""
    rng = random.Random(seed)
    files = []
    archives = sorted(CORPUS.glob("*.zip"))
    for index, archive in enumerate(archives):
        with zipfile.ZipFile(archive) as bundle:
            names = sorted(n for n in bundle.namelist() if n.lower().endswith((".mid", ".midi")))
        if num is not None:
            share = num // len(archives) + (index < num % len(archives))
            names = rng.sample(names, min(share, len(names)))
        files += [(archive, name) for name in names]
    return files


def contents(data: bytes) -> tuple[np.ndarray, list[tuple[int, int]], list[tuple[int, ...]], int]:
    """Return the sorted notes, tempos and meters of a file, and its resolution."""
    source = symusic.Score.from_midi(data)
    tables = [np.zeros((0, 6), dtype=np.int64)]
    for track in source.tracks:
        notes = track.notes.numpy()
        tables.append(
            np.column_stack(
                [
                    notes["time"],
                    np.maximum(notes["duration"], 1),
                    notes["pitch"],
                    notes["velocity"],
                    np.full(len(notes["time"]), track.program),
                    np.full(len(notes["time"]), track.is_drum),
                ]
            ).astype(np.int64)
        )
    table = np.concatenate(tables)
    table = table[np.lexsort(table.T)]
    tempos = sorted({int(t.time): int(t.mspq) for t in source.tempos}.items())
    meters = sorted(
        {
            int(t.time): (int(t.numerator), int(t.denominator)) for t in source.time_signatures
        }.items()
    )
    return table, tempos, [(tick, *meter) for tick, meter in meters], int(source.tpq)


def check(data: bytes) -> int:
    """Check one file and return its number of notes."""
    score = parse_midi(data)
    before, tempos, meters, ticks_per_quarter = contents(data)
    after, tempos_after, meters_after, _ = contents(midi_bytes(score))
    assert ticks_per_quarter == 480  # every archive promises it; nothing is rounded
    assert np.array_equal(before, after)
    # The defaults of the MIDI standard are written out where the file relied on them.
    assert tempos_after == (tempos if tempos[:1] and tempos[0][0] == 0 else [(0, 500_000), *tempos])
    assert meters_after == (meters if meters[:1] and meters[0][0] == 0 else [(0, 4, 4), *meters])
    return len(before)


@pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus folder ../shared/corpus is absent")
def test_sampled_corpus_files_survive_the_round_trip():
    open_archives: dict[Path, zipfile.ZipFile] = {}
    num_notes = 0
    files = sample_files(NUM_FILES)
    try:
        for archive, name in files:
            bundle = open_archives.setdefault(archive, zipfile.ZipFile(archive))
            try:
                num_notes += check(bundle.read(name))
            except Exception as error:
                raise AssertionError(f"{archive.name}: {name}: {error}") from error
    finally:
        for bundle in open_archives.values():
            bundle.close()
    assert len(files) == NUM_FILES
    assert num_notes > 0
