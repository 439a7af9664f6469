"""``leitmotiv rack``: the file comes out, lists and pictures too, errors in one line."""

from __future__ import annotations

import json
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile

from leitmotiv.cli.main import main


def run(*arguments: str) -> int:
    """Return the status with which the program ends."""
    with warnings.catch_warnings(), pytest.raises(SystemExit) as ended:
        main(["rack", *arguments])
    return int(ended.value.code or 0)


@pytest.fixture
def recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    soundfile.write("in.wav", np.full((4800, 2), 0.1, np.float32), 48_000)
    return tmp_path / "in.wav"


@pytest.mark.usefixtures("recording")
def test_a_recording_goes_through_with_and_without_the_word_play(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("in.wav", "--preset", "clean-boost", "-o", "a.wav") == 0
    assert run("play", "in.wav", "-p", "clean-boost", "-o", "b.wav") == 0
    assert soundfile.read("a.wav")[0][2400, 0] == pytest.approx(0.1995, abs=1e-3)
    assert Path("a.wav").read_bytes() == Path("b.wav").read_bytes()
    assert "real time" in capsys.readouterr().out


def test_presets_are_listed_and_shown_so_that_they_can_be_read_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("presets") == 0
    assert "clean-boost" in capsys.readouterr().out
    assert run("show", "clean-boost") == 0
    path = tmp_path / "mine.toml"
    path.write_text(capsys.readouterr().out)
    assert run("draw", str(path), "-o", str(tmp_path / "mine.png")) == 0
    assert (tmp_path / "mine.png").read_bytes()[1:4] == b"PNG"


@pytest.mark.usefixtures("recording")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing.wav", "-p", "clean-boost", "-o", "a.wav"], "no such file"),
        (["in.wav", "-p", "dirty-boost", "-o", "a.wav"], "clean-boost"),
        (["in.wav", "-p", "clean-boost", "-o", "a.xyz"], "must be one of"),
        (["in.wav", "-p", "clean-boost", "-o", "a.wav", "--morph", "x"], "FROM:TO"),
        (["in.wav", "-p", "clean-boost", "-o", "a.wav", "--snapshot", "x"], "snapshot='x'"),
        (["in.wav", "-p", "clean-boost", "-o", "a.wav", "--tail", "999"], "tail_sec=999"),
        ([".", "-p", "clean-boost", "-o", "a.wav"], "is a folder"),
        (["in.wav", "-p", "clean-boost", "-o", "."], "must be one of|folder"),
        (["in.wav", "-p", "clean-boost", "-o", "none/a.wav"], "none does not exist"),
        (["in.wav", "-p", "clean-boost", "-o", "in.wav/a.wav"], "in.wav is no folder"),
        (["live", "-p", "clean-boost", "--block", "3"], "block_samples=3|sounddevice|PortAudio"),
    ],
)
def test_errors_are_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    error = capsys.readouterr().err.strip().splitlines()
    assert len(error) == 1
    assert re.search(message, error[0])
    assert not Path("a.wav").exists()


@pytest.mark.usefixtures("recording")
def test_json_and_quiet_say_what_scripts_need(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("in.wav", "-p", "clean-boost", "-o", "a.wav", "--json") == 0
    said = capsys.readouterr()
    facts = json.loads(said.out)
    assert facts["file"] == "a.wav"
    assert facts["sample_rate"] == 48_000
    assert not facts["over_full_scale"]
    assert said.err == ""
    assert run("in.wav", "-p", "clean-boost", "-o", "b.wav", "-q") == 0
    assert capsys.readouterr().out == "b.wav\n"


def test_the_bare_word_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 0
    said = capsys.readouterr()
    assert "presets" in said.out
    assert len(said.out.splitlines()) > 5
    assert said.err == ""
