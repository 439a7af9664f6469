from __future__ import annotations

import json

import numpy as np
import pytest

from leitmotiv.audio import read_audio, write_wav
from leitmotiv.cli.main import main


@pytest.fixture
def source(tmp_path):
    time = np.arange(48000) / 48000
    wave = 0.2 * np.sin(2 * np.pi * 330 * time) + 0.1 * np.sin(2 * np.pi * 660 * time)
    return write_wav(tmp_path / "in.wav", np.stack([wave, wave]).astype(np.float32), 48000)


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as stop:
        main([str(argument) for argument in arguments])
    return int(stop.value.code or 0)


def test_the_command_writes_a_file_of_the_same_length(source, tmp_path, capsys):
    assert run("transfer", source, "--to", "synth", "-o", tmp_path / "out.wav", "--json") == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["duration_sec"] == 1.0
    made, _ = read_audio(tmp_path / "out.wav")
    assert made.shape == (2, 48000)
    assert run("transfer", source, "--to", "pad", "--amount", "0.5", "-q") == 0
    assert (tmp_path / "in-pad.wav").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "kazoo"], "to='kazoo' must be one of"),
        (["--to", "synth", "--amount", "2"], "amount=2 must be 0-1"),
        (["--to", "synth", "--amount", "nan"], "amount=nan must be 0-1"),
        (["--to", "synth", "-o", "x.mp3"], "must end in .wav"),
        (["--to", "synth", "-o", "{source}"], "is the source"),
    ],
)
def test_bad_options_are_one_line(source, capsys, arguments, message):
    given = [text.replace("{source}", str(source)) for text in arguments]
    assert run("transfer", source, *given) != 0
    text = capsys.readouterr().err
    assert message in text
    assert "Traceback" not in text


def test_an_existing_file_is_kept_unless_told_otherwise(source, tmp_path, capsys):
    (tmp_path / "out.wav").write_bytes(b"mine")
    assert run("transfer", source, "--to", "synth", "-o", tmp_path / "out.wav") != 0
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "out.wav").read_bytes() == b"mine"
