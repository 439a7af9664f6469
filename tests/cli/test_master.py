"""The command masters a file, draws its page and refuses what it cannot do in one line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from leitmotiv.audio import FORMATS, write_wav
from leitmotiv.cli import master as command
from leitmotiv.cli.main import main
from leitmotiv.mix import PROFILES
from leitmotiv.mix.tone import TONES


@pytest.fixture
def mix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    return write_wav("mix.wav", (0.03 * rng.standard_normal((2, 96000))).astype(np.float32), 48000)


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(["master", *words])
    return int(left.value.code or 0)


def test_the_words_of_the_options_are_those_of_the_library() -> None:
    assert tuple(PROFILES) == command.PROFILE_NAMES
    assert (*TONES, "none") == command.TONE_NAMES
    assert tuple(FORMATS) == command.FORMAT_NAMES


def test_it_writes_master_page_and_pair(
    mix: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("mix.wav", "--profile", "film", "-o", "out/song.flac", "--ab", "--json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["after"]["integrated_lufs"] == pytest.approx(-23.0, abs=0.02)
    names = {"song.flac", "song.png", "song-a.wav", "song-b.wav"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == names
    assert {Path(name).name for name in report["files"]} == names


def test_the_output_is_named_after_the_input_and_not_replaced(
    mix: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("mix.wav", "--no-page", "-q") == 0
    assert capsys.readouterr().out.strip() == "mix-master.wav"
    assert run("mix.wav", "--no-page") != 0
    assert "exists already" in capsys.readouterr().err
    assert run("mix.wav", "--no-page", "--overwrite") == 0
    said = capsys.readouterr().out
    assert "-14.00 LUFS" in said
    assert "encoded" in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--profile", "loud"), "profile=loud must be one of streaming, film"),
        (("--tone", "metal"), "tone=metal must be one of balanced"),
        (("--format", "aac"), "format=aac must be one of wav"),
        (("-o", "a.mp3", "--format", "flac"), "does not end in .flac"),
        (("--reference", "missing.wav"), "there is no such file"),
        (("--reference", "."), "it is a folder"),
        (("-o", "mix.wav", "--overwrite"), "is the input"),
    ],
)
def test_bad_requests_are_one_line(
    mix: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str
) -> None:
    assert run("mix.wav", *words) != 0
    error = capsys.readouterr().err
    assert message in error
    assert len(error.strip().splitlines()) == 1


def test_no_file_that_is_read_is_replaced(mix: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = mix.read_bytes()
    for name in ("like.wav", "song-a.wav"):
        Path(name).write_bytes(before)
    assert run("mix.wav", "--reference", "like.wav", "-o", "like.wav", "--overwrite") == 2
    assert "'like.wav' is the reference" in capsys.readouterr().err
    assert run("song-a.wav", "-o", "song.wav", "--ab", "--overwrite") == 2
    assert "'song-a.wav' is the input" in capsys.readouterr().err
    assert Path("like.wav").read_bytes() == Path("song-a.wav").read_bytes() == before
    assert not Path("song.wav").exists()


def test_a_missing_recording_leaves_no_folder(mix: Path) -> None:
    assert run("missing.wav", "-o", "new/song.wav") == 2
    assert not Path("new").exists()
