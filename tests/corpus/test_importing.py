"""Nothing that is handed in is lost, nothing bad gets in, and the outcome is always the same."""

from __future__ import annotations

import os
import signal
import sqlite3
import struct
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from leitmotiv.corpus.importing import ImportOptions, ImportReport, import_files
from leitmotiv.corpus.inputs import Input, InputFile, find_inputs
from leitmotiv.corpus.library import Library
from leitmotiv.errors import CorpusError

from .makers import archive, collection, manifest, rows, tune

OPTIONS = ImportOptions(workers=1)
OWN = replace(OPTIONS, licence="CC0-1.0")


def bring(folder: Path, path: Path, options: ImportOptions = OPTIONS) -> ImportReport:
    with Library(folder, create=True) as library:
        return import_files(library, find_inputs(path), options)


def test_an_archive_with_a_manifest_beside_it_imports_as_it_is(tmp_path: Path) -> None:
    path = collection(tmp_path, "toy", 3)
    report = bring(tmp_path / "lib", path)
    assert report.added == {"ok": 3}
    with Library(tmp_path / "lib") as library:
        pieces = list(library.pieces())
        assert [piece.id for piece in pieces] == ["toy_000", "toy_001", "toy_002"]
        piece = pieces[1]
        assert (piece.licence, piece.source, piece.num_notes) == ("CC0-1.0", "toy", 24)
        assert piece.meta["id"] == "toy_001"
        assert piece.tags["key"]
        assert library.midi("toy_001") == tune(1)
        assert len(library.columns("toy_001")["note_pitch"]) == 24


def test_unknown_nc_and_nd_licences_are_refused_until_one_is_stated(tmp_path: Path) -> None:
    licences = [None, "LicenseRef-unstated", "CC-BY-NC-4.0", "CC-BY-ND-4.0", "CC-BY-SA-4.0"]
    files = {f"{n}.mid": tune(n) for n in range(len(licences))}
    entries = [
        {"source": "mixed", "file": name, "licence": licence}
        for name, licence in zip(files, licences, strict=True)
    ]
    manifest(tmp_path, entries)
    path = archive(tmp_path / "mixed.zip", files)
    bring(tmp_path / "lib", path)
    with Library(tmp_path / "lib") as library:
        assert library.counts() == {"ok": 1, "quarantined": 0, "refused": 4}
        assert all("state a licence" in reason for *_, reason in library.kept_apart())
        assert library.midi("mixed/0.mid") is None, "what may not be kept is not copied"
    report = bring(tmp_path / "lib", path, replace(OPTIONS, licence="LicenseRef-mine"))
    assert (report.added, report.skipped) == ({"ok": 4}, 1)
    with Library(tmp_path / "lib") as library:
        found = {piece.file: piece.licence for piece in library.pieces()}
        assert found["4.mid"] == "CC-BY-SA-4.0", "what has a licence keeps it"
        assert found["2.mid"] == "LicenseRef-mine"


def test_a_stated_licence_must_be_one(tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(tune())
    with pytest.raises(CorpusError, match=r"^licence='free for all' must be an SPDX"):
        bring(tmp_path / "lib", tmp_path / "a.mid", replace(OPTIONS, licence="free for all"))


def test_bad_files_are_quarantined_with_their_reason(tmp_path: Path) -> None:
    folder = tmp_path / "files"
    folder.mkdir()
    whole = tune(1)
    entity = (
        b'<?xml version="1.0"?><!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/passwd">]><s>&x;</s>'
    )
    bad = {
        "truncated.mid": whole[: len(whole) // 2],
        "text.mid": b"this is a letter, not music",
        "entities.musicxml": entity,
        "empty.mid": b"",
        "one-note.mid": tune(2, num_notes=1),
        "bomb.mxl": archive(tmp_path / "x.zip", {"score.xml": b" " * (8 << 20)}).read_bytes(),
        "header.mid": b"MThd" + struct.pack(">IHHH", 6, 1, 9, 480),
    }
    for name, data in bad.items():
        (folder / name).write_bytes(data)
    (folder / "good.mid").write_bytes(whole)
    (folder / "readme.txt").write_text("hello")
    report = bring(tmp_path / "lib", folder, OWN)
    assert report.passed_over == 1
    with Library(tmp_path / "lib") as library:
        found = rows(library)
        assert found.pop("good.mid") == ("ok", None)
        assert {name for name, (status, _) in found.items() if status == "quarantined"} == set(bad)
        reasons = {name: reason or "" for name, (_, reason) in found.items()}
        assert "zip bomb" in reasons["bomb.mxl"]
        assert "entities" in reasons["entities.musicxml"]
        assert "neither MIDI nor MusicXML nor ABC" in reasons["text.mid"]
        assert "only 1 note" in reasons["one-note.mid"]
        for name, data in bad.items():
            assert library.midi(f"files/{name}") == data, "nothing is lost"
        assert not any("\n" in reason for reason in reasons.values())


def test_a_zip_bomb_in_an_archive_is_not_unpacked(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {"bomb.mid": bytes(64 << 20), "good.mid": tune()})
    bring(tmp_path / "lib", path, OWN)
    with Library(tmp_path / "lib") as library:
        found = rows(library)
    assert found["good.mid"] == ("ok", None)
    assert found["bomb.mid"][0] == "quarantined"
    assert "zip bomb" in (found["bomb.mid"][1] or "")


def test_a_manifest_that_lies_is_found_out(tmp_path: Path) -> None:
    path = archive(tmp_path / "toy.zip", {"a.mid": tune(1), "b.mid": tune(2), "c.mid": tune(3)})
    said = {"source": "toy", "licence": "PD"}
    entries = [
        {**said, "file": "a.mid", "sha256": "0" * 64},
        {**said, "file": "gone.mid"},
        {"source": "toy", "file": "b.mid"},
        "{not json",
        '["no object"]',
        '{"licence": "PD"}',
    ]
    manifest(tmp_path, entries)
    bring(tmp_path / "lib", path)
    with Library(tmp_path / "lib") as library:
        found = rows(library)
        lines = [name for name in found if name.startswith("manifest.jsonl line")]
    assert found["a.mid"][0] == "quarantined"
    assert "sha256" in (found["a.mid"][1] or "")
    assert "not in the archive" in (found["gone.mid"][1] or "")
    assert found["b.mid"] == ("refused", "no licence is given; if you know it, state a licence")
    assert found["c.mid"][0] == "refused", "not listed, so without a licence"
    assert len(lines) == 3


def test_the_same_notes_transposed_or_faster_are_a_duplicate(tmp_path: Path) -> None:
    files = {
        "a.mid": tune(1),
        "b.mid": tune(1, shift=5, qpm=180.0),
        "c.mid": tune(1, step=480),
        "d.mid": tune(2),
    }
    bring(tmp_path / "lib", archive(tmp_path / "toy.zip", files), OWN)
    with Library(tmp_path / "lib") as library:
        found = rows(library)
    duplicate = ("quarantined", "duplicate of toy/a.mid")
    assert found == {"a.mid": ("ok", None), "b.mid": duplicate, "c.mid": duplicate} | {
        "d.mid": ("ok", None)
    }


def test_of_two_equal_pieces_the_freer_one_is_kept(tmp_path: Path) -> None:
    files = {"a.mid": tune(1), "b.mid": tune(1)}
    licences = {"a.mid": "CC-BY-SA-4.0", "b.mid": "CC0-1.0"}
    entries = [{"source": "toy", "file": n, "licence": x} for n, x in licences.items()]
    manifest(tmp_path, entries)
    report = bring(tmp_path / "lib", archive(tmp_path / "toy.zip", files))
    assert (report.added["ok"], report.added["quarantined"], report.num_notes) == (1, 1, 24)
    with Library(tmp_path / "lib") as library:
        assert [piece.file for piece in library.pieces()] == ["b.mid"]
        assert "freer licence" in (library.piece("toy/a.mid").reason or "")


def contents(folder: Path) -> list[tuple[object, ...]]:
    """Everything that a library holds, in its own order."""
    with sqlite3.connect(folder / "library.db") as database:
        return database.execute("SELECT * FROM pieces ORDER BY source, file").fetchall()


def test_the_outcome_does_not_depend_on_the_number_of_workers(tmp_path: Path) -> None:
    path = collection(tmp_path, "toy", 12)
    for workers in (1, 3):
        bring(tmp_path / str(workers), path, replace(OPTIONS, workers=workers))
    assert contents(tmp_path / "1") == contents(tmp_path / "3")


class _Interrupted(Input):
    """An input that is cut off by Ctrl-C after some files."""

    def __init__(self, inner: Input, after: int) -> None:
        super().__init__(inner.source, inner.num_files)
        self._inner, self._after = inner, after

    def __iter__(self):
        for number, file in enumerate(self._inner):
            if number == self._after:
                raise KeyboardInterrupt
            yield file


def test_an_interrupted_import_goes_on_to_the_same_end(tmp_path: Path) -> None:
    path = collection(tmp_path, "toy", 12)
    bring(tmp_path / "whole", path)
    (one,) = find_inputs(path)
    with Library(tmp_path / "cut", create=True) as library, pytest.raises(KeyboardInterrupt):
        import_files(library, [_Interrupted(one, 8)], OPTIONS)
    with Library(tmp_path / "cut") as library:
        kept = library.counts()["ok"]
        assert 1 <= kept <= 8
    report = bring(tmp_path / "cut", path)
    assert (report.skipped, report.added["ok"]) == (kept, 12 - kept)
    assert contents(tmp_path / "cut") == contents(tmp_path / "whole")


def test_a_second_import_reads_nothing_again(tmp_path: Path) -> None:
    path = collection(tmp_path, "toy", 4)
    bring(tmp_path / "lib", path)
    report = bring(tmp_path / "lib", path)
    assert (report.skipped, sum(report.added.values())) == (4, 0)


def test_a_changed_file_takes_the_place_of_what_was_there(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "a.mid").write_bytes(tune(1))
    bring(tmp_path / "lib", folder, OWN)
    (folder / "a.mid").write_bytes(tune(2, num_notes=30))
    bring(tmp_path / "lib", folder, OWN)
    with Library(tmp_path / "lib") as library:
        (piece,) = library.pieces(None)
        assert (piece.id, piece.num_notes) == ("mine/a.mid", 30)


def test_ids_that_clash_become_different(tmp_path: Path) -> None:
    entries = [{"id": "x", "source": "toy", "file": f"{n}.mid", "licence": "PD"} for n in range(2)]
    manifest(tmp_path, entries)
    bring(tmp_path / "lib", archive(tmp_path / "toy.zip", {f"{n}.mid": tune(n) for n in range(2)}))
    with Library(tmp_path / "lib") as library:
        assert [piece.id for piece in library.pieces()] == ["x", "toy/1.mid"]


class _Files(Input):
    def __init__(self, files: list[InputFile]) -> None:
        super().__init__("given", len(files))
        self._files = files

    def __iter__(self):
        return iter(self._files)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux limits memory")
def test_a_file_that_needs_too_much_memory_costs_itself_alone(tmp_path: Path) -> None:
    # 40 million notes in running status: three bytes each, a gigabyte and more when parsed.
    events = np.tile(np.asarray([0, 60, 64], np.uint8), 9_000_000).tobytes()
    body = b"\x00\x90\x3c\x40" + events + b"\x00\xff\x2f\x00"
    huge = b"MThd" + struct.pack(">IHHH", 6, 0, 1, 480)
    huge += b"MTrk" + struct.pack(">I", len(body)) + body
    files = [
        InputFile("s", "a.mid", {}, tune(1)),
        InputFile("s", "huge.mid", {}, huge),
        InputFile("s", "z.mid", {}, tune(2)),
    ]
    options = replace(OWN, memory_bytes=256 << 20)
    with Library(tmp_path, create=True) as library:
        import_files(library, [_Files(files)], options)
        found = rows(library)
    assert found["huge.mid"][0] == "quarantined"
    assert found["a.mid"] == found["z.mid"] == ("ok", None)


SLOW_IMPORT = """
import sys
from pathlib import Path
from leitmotiv.corpus.importing import ImportOptions, import_files
from leitmotiv.corpus.inputs import find_inputs
from leitmotiv.corpus.library import Library
with Library(sys.argv[2], create=True) as library:
    for number in range(1000):
        import_files(library, find_inputs(Path(sys.argv[1])), ImportOptions(workers=1, retry=True),
                     progress=lambda done, total, source: print(done, flush=True))
"""


@pytest.mark.skipif(os.name != "posix", reason="signals are POSIX")
def test_a_kill_in_the_middle_leaves_a_sound_library(tmp_path: Path) -> None:
    path = collection(tmp_path, "toy", 30)
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW_IMPORT, str(path), str(tmp_path / "lib")],
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()  # the first piece is through
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    time.sleep(0.1)
    bring(tmp_path / "lib", path)
    with Library(tmp_path / "lib") as library:
        assert library.counts() == {"ok": 30, "quarantined": 0, "refused": 0}
