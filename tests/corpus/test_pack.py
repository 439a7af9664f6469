"""Packing keeps licences, splits without leaks, and says what it left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tests.corpus.toy_library import add_tune, random_tune, toy_library

from leitmotiv.corpus.library import Library, Piece
from leitmotiv.corpus.pack import Selection, pack_library
from leitmotiv.errors import CorpusError
from leitmotiv.training.windows import Pack


def licensed(folder: Path, licences: dict[str, str | None]) -> Library:
    library = Library(folder, create=True)
    for number, (name, licence) in enumerate(licences.items()):
        add_tune(library, name, random_tune(number), licence=licence, composer=f"Person {name}")
    return library


def test_share_alike_and_unknown_licences_stay_out(tmp_path: Path) -> None:
    licences = {"a": "CC0-1.0", "b": "CC-BY-SA-4.0", "c": None, "d": "CC-BY-4.0"}
    with licensed(tmp_path, licences) as library:
        header = pack_library(library, tmp_path / "toy.npz")
    assert header["licences"] == {"CC0-1.0": 1, "CC-BY-4.0": 1}
    assert header["refused"] == {"licence CC-BY-SA-4.0": 1, "licence None": 1}
    assert Pack(tmp_path / "toy.npz").header == header


def test_share_alike_is_one_recipe_away(tmp_path: Path) -> None:
    with licensed(tmp_path, {"a": "CC0-1.0", "b": "CC-BY-SA-4.0", "c": None}) as library:
        selection = Selection.from_recipe({"share_alike": True})
        header = pack_library(library, tmp_path / "toy.npz", selection)
    assert header["licences"] == {"CC0-1.0": 1, "CC-BY-SA-4.0": 1}
    assert header["refused"] == {"licence None": 1}


def test_pieces_that_the_recipe_excludes_stay_out(tmp_path: Path) -> None:
    with toy_library(tmp_path, 4) as library:
        add_tune(library, "chorale", random_tune(99), meta={"jsb_overlap": "test"})
        selection = Selection.from_recipe({"exclude": {"jsb_overlap": ["valid", "test"]}})
        header = pack_library(library, tmp_path / "toy.npz", selection)
    assert header["pieces"] == 4
    assert header["refused"] == {"jsb_overlap is test": 1}


def test_the_pack_holds_every_note_of_every_piece_in_order(tmp_path: Path) -> None:
    with toy_library(tmp_path, 12) as library:
        pack_library(library, tmp_path / "toy.npz")
        stored = [library.columns(piece.id) for piece in library.pieces()]
        names = [piece.id for piece in library.pieces()]
    pack = Pack(tmp_path / "toy.npz")
    assert [name.decode() for name in pack.arrays["piece_id"]] == names
    for column in ("note_pitch", "note_duration", "cell_count", "bar_chord", "part_program"):
        expected = np.concatenate([columns[column] for columns in stored])
        np.testing.assert_array_equal(pack.arrays[column], expected)
    assert pack.num_notes.tolist() == [len(columns["note_pitch"]) for columns in stored]


def test_the_split_in_the_pack_is_the_one_stored_in_the_library(tmp_path: Path) -> None:
    with toy_library(tmp_path) as library:
        header = pack_library(library, tmp_path / "toy.npz", Selection(seed=5))
        stored = {piece.id: piece.split for piece in library.pieces()}
    pack = Pack(tmp_path / "toy.npz")
    names = [name.decode() for name in pack.arrays["piece_id"]]
    assert [stored[name] for name in names] == [
        ("train", "valid", "test")[split] for split in pack.arrays["piece_split"]
    ]
    assert header["split"]["seed"] == 5
    assert min(header["split"][name] for name in ("train", "valid", "test")) > 0


def test_the_same_selection_gives_the_same_bytes(tmp_path: Path) -> None:
    with toy_library(tmp_path, 6) as library:
        pack_library(library, tmp_path / "one.npz")
        pack_library(library, tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()


def test_contributors_are_named_without_addresses(tmp_path: Path) -> None:
    with Library(tmp_path, create=True) as library:
        for number, who in enumerate(("Ann <ann@example.org>", "Bob", "Bob")):
            add_tune(library, f"t{number}", random_tune(number), attribution=who)
        header = pack_library(library, tmp_path / "toy.npz")
    assert header["by_source"]["toy"]["named"] == ["Ann", "Bob"]


def test_quarantined_pieces_are_not_packed(tmp_path: Path) -> None:
    with toy_library(tmp_path, 3) as library:
        with library.transaction():
            library.add(Piece("bad", "toy", "bad.mid", status="quarantined", reason="one note"))
        header = pack_library(library, tmp_path / "toy.npz")
    assert header["pieces"] == 3


def test_nothing_to_pack_is_an_error_and_leaves_no_file(tmp_path: Path) -> None:
    with (
        licensed(tmp_path / "library", {"a": "CC-BY-NC-4.0"}) as library,
        pytest.raises(CorpusError, match=r"nothing to pack.*licence CC-BY-NC-4\.0"),
    ):
        pack_library(library, tmp_path / "packs" / "toy.npz")
    assert not (tmp_path / "packs").exists() or not list((tmp_path / "packs").iterdir())


def test_a_source_that_is_not_there_is_named(tmp_path: Path) -> None:
    with (
        toy_library(tmp_path, 2) as library,
        pytest.raises(CorpusError, match=r"'other' is not in the library; it holds toy"),
    ):
        pack_library(library, tmp_path / "toy.npz", Selection(sources=("other",)))


def test_an_interrupted_packing_leaves_nothing(tmp_path: Path) -> None:
    def stop(share: float) -> None:
        raise KeyboardInterrupt

    with toy_library(tmp_path / "library", 3) as library, pytest.raises(KeyboardInterrupt):
        pack_library(library, tmp_path / "toy.npz", progress=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["library"]
