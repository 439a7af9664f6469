"""Banks are found where systems keep them, best first, each once."""

from __future__ import annotations

from pathlib import Path

import pytest

from leitmotiv.errors import RenderError
from leitmotiv.instruments.banks import find_soundfonts, soundfont_folders


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LEITMOTIV_SOUNDFONT", raising=False)


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).write_bytes(b"RIFF")


def test_banks_come_best_first(tmp_path: Path) -> None:
    touch(tmp_path, "Zither.sf2", "FluidR3_GM.sf2", "FluidR3Mono_GM.sf3", "MuseScore_General.sf3")
    names = [path.name for path in find_soundfonts([tmp_path])]
    assert names == ["MuseScore_General.sf3", "FluidR3Mono_GM.sf3", "FluidR3_GM.sf2", "Zither.sf2"]


def test_other_files_and_the_tiny_bank_are_left_out(tmp_path: Path) -> None:
    touch(tmp_path, "readme.txt", "TimGM6mb.sf2", "piano.sfz")
    assert find_soundfonts([tmp_path, tmp_path / "absent"]) == []


def test_an_alias_counts_as_the_bank_it_points_to(tmp_path: Path) -> None:
    touch(tmp_path / "banks", "FluidR3Mono_GM.sf3", "TimGM6mb.sf2")
    aliases = tmp_path / "aliases"
    aliases.mkdir()
    (aliases / "MuseScore_General.sf3").symlink_to(tmp_path / "banks" / "FluidR3Mono_GM.sf3")
    (aliases / "default-GM.sf2").symlink_to(tmp_path / "banks" / "TimGM6mb.sf2")
    (aliases / "broken.sf3").symlink_to(tmp_path / "gone.sf3")
    found = find_soundfonts([aliases, tmp_path / "banks"])
    assert [path.name for path in found] == ["FluidR3Mono_GM.sf3"]


def test_the_variable_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "MuseScore_General.sf3", "mine.sf2")
    monkeypatch.setenv("LEITMOTIV_SOUNDFONT", str(tmp_path / "mine.sf2"))
    names = [path.name for path in find_soundfonts([tmp_path])]
    assert names == ["mine.sf2", "MuseScore_General.sf3"]


def test_a_wrong_variable_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEITMOTIV_SOUNDFONT", str(tmp_path / "gone.sf2"))
    with pytest.raises(RenderError, match=r"LEITMOTIV_SOUNDFONT=.*correct it or unset it"):
        find_soundfonts([tmp_path])


def test_the_users_folder_is_searched_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert soundfont_folders()[0] == tmp_path / "leitmotiv" / "soundfonts"
