from __future__ import annotations

import errno
import hashlib
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from leitmotiv.audio import read_audio
from leitmotiv.errors import ReleaseError
from leitmotiv.plan import Plan
from leitmotiv.release import BundlePaths, build_provenance, is_bundle, write_bundle

from .pieces import make_master, make_plan, make_score, make_stems


def bundle(folder: Path, *, title: str = "Small Waltz", **options: Any) -> BundlePaths:
    score, plan, stems = make_score(title=title), make_plan(), make_stems()
    return write_bundle(
        folder,
        **{
            "score": score,
            "stems": stems,
            "master": make_master(stems),
            "provenance": build_provenance(score=score, plan=plan),
            "plan": plan,
            "pictures": False,
            **options,
        },
    )


def names(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_layout(tmp_path):
    paths = bundle(tmp_path / "waltz", pictures=True)
    assert names(tmp_path) == [
        "waltz/master.wav",
        "waltz/pianoroll.png",
        "waltz/plan.json",
        "waltz/provenance.json",
        "waltz/score.mid",
        "waltz/score.musicxml",
        "waltz/stems/01-violin.wav",
        "waltz/stems/02-cello.wav",
    ]
    assert paths.pianoroll is not None
    assert paths.pianoroll.is_file()
    assert is_bundle(paths.folder)
    assert Plan.from_json(paths.plan) == make_plan()
    if os.name == "posix":
        assert stat.S_IMODE(paths.folder.stat().st_mode) & 0o700 == 0o700
        umask = os.umask(0)
        os.umask(umask)
        assert stat.S_IMODE(paths.folder.stat().st_mode) == 0o777 & ~umask


def test_written_stems_sum_to_the_mix(tmp_path):
    stems = make_stems()
    paths = bundle(tmp_path / "w", stems=stems)
    total = np.sum([read_audio(path)[0] for path in paths.stems], axis=0)
    assert np.abs(total - np.sum(stems.audio, axis=0)).max() < 1e-5


def test_hashes_in_the_provenance_are_those_of_the_files(tmp_path):
    paths = bundle(tmp_path / "w")
    recorded = json.loads(paths.provenance.read_text())["files_sha256"]
    assert sorted(recorded) == [n for n in names(paths.folder) if n != "provenance.json"]
    for name, digest in recorded.items():
        assert hashlib.sha256((paths.folder / name).read_bytes()).hexdigest() == digest


def test_two_runs_give_the_same_bytes(tmp_path):
    first, second = bundle(tmp_path / "a", pictures=True), bundle(tmp_path / "b", pictures=True)
    for name in names(first.folder):
        assert (first.folder / name).read_bytes() == (second.folder / name).read_bytes(), name


def test_every_file_carries_the_mark(tmp_path):
    paths = bundle(tmp_path / "w")
    for path in (paths.midi, paths.musicxml, paths.master, paths.provenance, *paths.stems):
        assert b"trainedAlgorithmicMedia" in path.read_bytes(), path.name


def test_a_bundle_is_replaced_and_what_a_person_did_is_kept(tmp_path):
    paths = bundle(tmp_path / "w", title="Old")
    (paths.folder / "notes.txt").write_text("mine")
    paths.midi.write_bytes(b"my edit")
    (paths.folder / "sketches").mkdir()
    (paths.folder / "sketches" / "a.txt").write_text("also mine")
    bundle(tmp_path / "w", title="New")
    assert (paths.folder / "notes.txt").read_text() == "mine"
    assert (paths.folder / "sketches" / "a.txt").read_text() == "also mine"
    assert (paths.folder / "score.edited.mid").read_bytes() == b"my edit"
    assert json.loads(paths.provenance.read_text())["title"] == "New"
    assert os.listdir(tmp_path) == ["w"]


def test_stems_of_the_old_bundle_do_not_linger(tmp_path):
    bundle(tmp_path / "w")
    stems = make_stems()
    renamed = type(stems)(("Flute", "Harp"), stems.audio)
    paths = bundle(tmp_path / "w", stems=renamed)
    assert sorted(p.name for p in (paths.folder / "stems").iterdir()) == sorted(
        p.name for p in paths.stems
    )


def test_an_empty_folder_is_used_and_another_one_is_not(tmp_path):
    (tmp_path / "empty").mkdir()
    bundle(tmp_path / "empty")
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.doc").write_text("x")
    with pytest.raises(ReleaseError, match="holds files that are not a Leitmotiv bundle; choose"):
        bundle(other)
    assert names(other) == ["thesis.doc"]
    bundle(other, overwrite=True)
    assert (other / "thesis.doc").read_text() == "x"
    assert is_bundle(other)


def test_a_file_in_the_way(tmp_path):
    (tmp_path / "w").write_text("x")
    with pytest.raises(ReleaseError, match="is a file; choose another folder"):
        bundle(tmp_path / "w", overwrite=True)
    with pytest.raises(ReleaseError, match=r"cannot be written: .*choose another folder"):
        bundle(tmp_path / "w" / "below")
    assert (tmp_path / "w").read_text() == "x"


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_parent(tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(ReleaseError, match="permission denied; choose another folder"):
        bundle(tmp_path / "locked" / "w")


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def interrupt(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "place",
    [
        "leitmotiv.audio.files.os.replace",
        "leitmotiv.release.bundle._sha256",
        "leitmotiv.release.bundle.os.rename",
        "leitmotiv.score.midi.write_midi",
    ],
)
@pytest.mark.parametrize("old", [True, False])
@pytest.mark.parametrize("failure", [full, interrupt])
def test_whatever_stops_the_writer_leaves_the_old_or_nothing(
    tmp_path, monkeypatch, place: str, old: bool, failure: Callable[..., None]
):
    if old:
        before = {p: p.read_bytes() for p in bundle(tmp_path / "w").folder.rglob("*.*")}
    with monkeypatch.context() as patch:
        patch.setattr(place, failure)
        if failure is full:
            with pytest.raises(ReleaseError, match=r"^folder [^\n]*the disk is full; free space"):
                bundle(tmp_path / "w", title="New")
        else:
            with pytest.raises(KeyboardInterrupt):
                bundle(tmp_path / "w", title="New")
    if old:
        assert os.listdir(tmp_path) == ["w"]
        assert {p: p.read_bytes() for p in (tmp_path / "w").rglob("*.*")} == before
    else:
        assert os.listdir(tmp_path) == []


def test_a_swap_that_fails_half_way_is_undone(tmp_path, monkeypatch):
    bundle(tmp_path / "w", title="Old")
    calls, rename = [], os.rename

    def second_fails(source: Path, target: Path) -> None:
        calls.append(target)
        if len(calls) == 2:
            raise OSError(errno.EIO, "Input/output error")
        rename(source, target)

    monkeypatch.setattr("leitmotiv.release.bundle.os.rename", second_fails)
    with pytest.raises(ReleaseError, match="input/output error"):
        bundle(tmp_path / "w", title="New")
    assert os.listdir(tmp_path) == ["w"]
    assert json.loads((tmp_path / "w" / "provenance.json").read_text())["title"] == "Old"


def test_too_little_space_is_said_before_anything_is_written(tmp_path, monkeypatch):
    usage = type("Usage", (), {"free": 1000})()
    monkeypatch.setattr("leitmotiv.release.bundle.shutil.disk_usage", lambda _: usage)
    with pytest.raises(ReleaseError, match=r"needs \d+ MB and the disk has 0 MB free; free space"):
        bundle(tmp_path / "w")
    assert os.listdir(tmp_path) == []


def test_a_relative_folder_and_a_link(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    paths = bundle(Path("deep/er/w"))
    assert paths.master.is_file()
    assert not paths.master.is_absolute()
    os.symlink(tmp_path / "deep" / "er" / "w", tmp_path / "link")
    bundle(tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert is_bundle(tmp_path / "deep" / "er" / "w")
