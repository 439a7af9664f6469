"""On real archives: everything is accounted for, and no long melody crosses the split."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from leitmotiv.corpus.importing import import_files
from leitmotiv.corpus.inputs import find_inputs
from leitmotiv.corpus.library import Library
from leitmotiv.corpus.pack import pack_library
from leitmotiv.training.windows import Pack

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"
# Editions of the same pieces, carols and hymns in several settings, tunes with many variants.
ARCHIVES = ("nifc_chopin_first_editions", "pd_songs_bloomfield", "open_hymnal", "ceol_rince")
LENGTH = 24  # notes in a melody that cannot be chance

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus folder ../shared/corpus is absent"),
]


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Library, Pack]:
    folder = tmp_path_factory.mktemp("library")
    library = Library(folder, create=True)
    for name in ARCHIVES:
        import_files(library, find_inputs(CORPUS / f"{name}.zip"))
    pack_library(library, folder / "pack.npz")
    return library, Pack(folder / "pack.npz")


def test_every_file_of_an_archive_is_in_the_library_or_kept_apart_with_a_reason(
    packed: tuple[Library, Pack],
) -> None:
    library, _ = packed
    files = 0
    for name in ARCHIVES:
        with zipfile.ZipFile(CORPUS / f"{name}.zip") as archive:
            files += sum(info.filename.endswith(".mid") for info in archive.infolist())
    assert sum(library.counts().values()) == files
    assert library.counts()["ok"] > 0.9 * files
    assert all(reason for *_, reason in library.kept_apart())


def melodies(pack: Pack, piece: int) -> np.ndarray:
    """Intervals of each part's top line, every run of LENGTH notes as one hash."""
    first = pack.cell_first_note[pack.first_cell[piece]]
    cells = slice(pack.first_cell[piece], pack.first_cell[piece + 1])
    bars, parts = int(pack.num_bars[piece]), int(pack.num_parts[piece])
    counts = pack.arrays["cell_count"][cells].astype(np.int64)
    cell = np.repeat(np.arange(bars * parts), counts)
    notes = slice(first, first + len(cell))
    pitch = pack.arrays["note_pitch"][notes].astype(np.int64)
    step = cell // parts * 256 + pack.arrays["note_position"][notes]
    found = []
    for part in range(parts):
        mine = np.flatnonzero((cell % parts == part) & (pitch < 128))
        order = mine[np.lexsort((pitch[mine], step[mine]))]
        top = pitch[order][np.append(step[order][1:] != step[order][:-1], True)[: len(order)]]
        if len(top) <= LENGTH:
            continue
        runs = np.lib.stride_tricks.sliding_window_view(np.diff(top), LENGTH - 1)
        ordered = np.sort(runs, axis=1)
        shaped = runs[(ordered[:, 1:] != ordered[:, :-1]).sum(axis=1) >= 6]
        found.append(shaped @ np.random.default_rng(1).integers(-(2**40), 2**40, LENGTH - 1))
    return np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)


def test_pieces_on_two_sides_of_the_split_share_no_long_melody(
    packed: tuple[Library, Pack],
) -> None:
    _, pack = packed
    split = pack.arrays["piece_split"]
    sides = [
        np.unique(np.concatenate([melodies(pack, int(piece)) for piece in pack.indices(side)]))
        for side in (0, 1, 2)
    ]
    assert min(np.bincount(split, minlength=3)) > 50
    # The same measure under a random split, so that the test is known to see leaks.
    rng = np.random.default_rng(0)
    shuffled = rng.permutation(len(split))
    half = [melodies(pack, int(piece)) for piece in shuffled]
    cut = len(half) * 8 // 10
    random_leak = np.isin(
        np.unique(np.concatenate(half[cut:])), np.unique(np.concatenate(half[:cut]))
    ).mean()
    for held_out in sides[1:]:
        leak = np.isin(held_out, sides[0]).mean()
        assert leak < 0.005
        assert leak < random_leak / 10
