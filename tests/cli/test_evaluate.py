"""``leitmotiv evaluate`` on good, damaged and packed files."""

from __future__ import annotations

import json
import sys
import zipfile
from pathlib import Path

import pytest

from leitmotiv.cli.main import main
from leitmotiv.score import Part, Score, make_notes
from leitmotiv.score.midi import midi_bytes


def piece(start: int) -> bytes:
    scale = [start + step for step in (0, 2, 4, 5, 7, 5, 4, 2)] * 4
    notes = make_notes(range(0, 32 * 480, 480), [480] * 32, scale)
    return midi_bytes(Score((Part("Flute", program=73, notes=notes),)))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    data = tmp_path / "music"
    data.mkdir()
    (data / "one.mid").write_bytes(piece(60))
    (data / "text.mid").write_text("these are words")
    (data / "cut.MID").write_bytes(piece(60)[:60])
    (data / "silent.mid").write_bytes(midi_bytes(Score()))
    (data / "broken.zip").write_text("no archive")
    (data / "notes.txt").write_text("not looked at")
    with zipfile.ZipFile(data / "more.zip", "w") as archive:
        archive.writestr("inner/two.mid", piece(62))
    return data


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as stop:
        main(["evaluate", *arguments])
    return int(stop.value.code or 0)


def test_a_folder_is_evaluated_and_what_cannot_be_read_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("default", "--data", str(folder), "--json", "--per-file") == 0
    report = json.loads(capsys.readouterr().out)
    assert [row["file"] for row in report["per_file"]] == ["more/inner/two.mid", "music/one.mid"]
    assert {row["file"] for row in report["skipped"]} == {
        "music/text.mid", "music/cut.MID", "music/silent.mid", "music/broken.zip",
    }  # fmt: skip
    assert report["notes"] == 64
    assert report["seconds"] == pytest.approx(32.0)
    total = sum(r["bits_per_note_none"] * r["notes"] for r in report["per_file"])
    assert report["bits_per_note_none"] == pytest.approx(total / 64)
    assert report["bits_per_second_none"] == pytest.approx(total / 32)


def test_the_table_says_what_was_measured(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("default", "--data", str(folder / "more.zip"), "--per-file") == 0
    out = capsys.readouterr().out
    for words in ("1 file, 32 notes", "inner/two.mid", "bits per note", "bits per second"):
        assert words in out


@pytest.mark.parametrize(
    ("checkpoint", "data", "message"),
    [
        ("default", "nowhere", "does not exist"),
        ("default", "music/text.mid", "nothing in it could be evaluated"),
        ("default", "music/broken.zip", "cannot be opened"),
        ("nowhere.pt", "music", "does not exist"),
        ("nowhere", "music", "does not exist"),
        ("music", "music", "is no exported model"),
        ("music/one.mid", "music", "cannot be read"),
    ],
)
def test_bad_input_is_one_line(
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    checkpoint: str,
    data: str,
    message: str,
) -> None:
    if checkpoint != "default":
        checkpoint = str(folder.parent / checkpoint)
    assert run(checkpoint, "--data", str(folder.parent / data)) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_exported_weights_need_no_pytorch_and_checkpoints_name_the_extra(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("leitmotiv.training")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    assert run("default", "--data", str(folder / "one.mid")) == 0
    (folder / "run.pt").write_bytes(b"anything")
    assert run(str(folder / "run.pt"), "--data", str(folder)) == 2
    assert "leitmotiv[train]" in capsys.readouterr().err


def test_a_damaged_checkpoint_is_one_line(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("torch", reason="needs the extra train")
    (folder / "run.pt").write_bytes(b"anything")
    assert run(str(folder / "run.pt"), "--data", str(folder)) == 2
    captured = capsys.readouterr()
    assert "cannot be read" in captured.err
    assert captured.err.count("\n") == 1
