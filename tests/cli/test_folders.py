"""No folder is ever overwritten unasked, and a bad place is refused before the work."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leitmotiv.cli.folders import check_file, choose_folder, title_to_name
from leitmotiv.errors import ReleaseError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@given(st.text(max_size=200))
def test_every_title_gives_a_portable_name(title: str) -> None:
    name = title_to_name(title)
    assert 0 < len(name) <= 60
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
    assert name[0] != "-"
    assert name[-1] != "-"


def test_a_taken_name_is_numbered(folder: Path) -> None:
    for expected in ("calm-waltz", "calm-waltz-2", "calm-waltz-3"):
        chosen = choose_folder("Calm Waltz", None, overwrite=False)
        assert str(chosen) == expected
        chosen.mkdir()


def test_an_empty_folder_may_be_filled(folder: Path) -> None:
    (folder / "out").mkdir()
    assert choose_folder("x", folder / "out", overwrite=False) == folder / "out"


def test_a_full_folder_needs_overwrite(folder: Path) -> None:
    (folder / "out").mkdir()
    (folder / "out" / "provenance.json").write_text('{"ai_mark": {}}')
    with pytest.raises(ReleaseError, match=r"not empty.*--overwrite"):
        choose_folder("x", folder / "out", overwrite=False)
    assert choose_folder("x", folder / "out", overwrite=True) == folder / "out"


def test_overwrite_never_replaces_something_else_than_a_piece(folder: Path) -> None:
    (folder / "thesis").mkdir()
    (folder / "thesis" / "chapter1.txt").touch()
    with pytest.raises(ReleaseError, match="left alone"):
        choose_folder("x", folder / "thesis", overwrite=True)


def test_a_file_in_the_way_is_refused(folder: Path) -> None:
    (folder / "out").touch()
    with pytest.raises(ReleaseError, match="is a file"):
        choose_folder("x", folder / "out", overwrite=True)
    with pytest.raises(ReleaseError, match="is a file"):
        choose_folder("x", folder / "out" / "below", overwrite=False)


def test_a_dangling_link_is_in_the_way_too(folder: Path) -> None:
    (folder / "calm").symlink_to(folder / "nowhere")
    assert str(choose_folder("Calm", None, overwrite=False)) == "calm-2"


def test_an_existing_file_needs_overwrite(folder: Path) -> None:
    path = folder / "plan.json"
    check_file(path, overwrite=False)
    path.touch()
    with pytest.raises(ReleaseError, match="exists already"):
        check_file(path, overwrite=False)
    check_file(path, overwrite=True)
    with pytest.raises(ReleaseError, match="is a folder"):
        check_file(folder, overwrite=True)
