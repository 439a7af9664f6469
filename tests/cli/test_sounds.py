"""``leitmotiv sounds``: what it prints, the files it leaves, errors in one line."""

from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
import soundfile

from leitmotiv.cli.main import main

RATE = 48_000


def run(*arguments: str) -> int:
    """Return the status with which the program ends."""
    with warnings.catch_warnings(), pytest.raises(SystemExit) as ended:
        main(["sounds", *arguments])
    return int(ended.value.code or 0)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def note(folder: Path) -> Path:
    t = np.arange(RATE // 2) / RATE
    tone = sum(np.sin(2 * np.pi * 220 * k * t) / k**2 for k in range(1, 6))
    soundfile.write("A3.wav", 0.3 * np.asarray(tone), RATE)
    return folder / "A3.wav"


def test_the_list_names_instruments_as_text_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list") == 0
    assert "violin" in capsys.readouterr().out
    assert run("list", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) >= 24
    assert {row["kind"] for row in rows} == {"held", "plucked"}


@pytest.mark.usefixtures("folder")
def test_notes_and_chords_are_rendered() -> None:
    assert run("render", "oboe", "--notes", "C4 67", "--seconds", "0.2", "-o", "a.wav") == 0
    assert run("render", "harp", "--notes", "C4 E4", "--chord", "-o", "b.wav") == 0
    for name in ("a.wav", "b.wav"):
        audio, rate = soundfile.read(name)
        assert rate == RATE
        assert 0.01 < np.abs(audio).max() <= 1.0


@pytest.mark.usefixtures("folder")
def test_a_morph_tells_its_descriptors(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--steps", "3", "--seconds", "0.3", "-o", "way.wav", "--json")
    assert run("morph", "french horn", "oboe", *arguments) == 0
    steps = json.loads(capsys.readouterr().out)["steps"]
    assert [step["amount"] for step in steps] == [0.0, 0.5, 1.0]
    assert steps[0]["centroid_hz"] < steps[1]["centroid_hz"] < steps[2]["centroid_hz"]
    assert Path("way.wav").exists()


@pytest.mark.usefixtures("note")
def test_a_clone_is_made_and_played(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("clone", "A3.wav", "--name", "mine", "-o", "mine.json", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["pitches"] == [57]
    assert said["fitted_db"] <= said["encoder_db"]
    assert run("render", "mine.json", "--notes", "A3", "-o", "mine.wav") == 0
    assert soundfile.read("mine.wav")[0].any()


@pytest.mark.usefixtures("note")
def test_a_note_is_reconstructed(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("reconstruct", "A3.wav", "--encoder-only", "-o", "again.wav", "--json") == 0
    assert 0.0 < json.loads(capsys.readouterr().out)["log_mel_db"] < 20.0
    assert Path("again.wav").exists()


@pytest.mark.usefixtures("note")
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("render", "kazoo", "-o", "x.wav"), ["kazoo", "sounds list"]),
        (("render", "oboe", "--notes", "H9", "-o", "x.wav"), ["H9", "note name"]),
        (("render", "A3.wav.json", "-o", "x.wav"), ["A3.wav.json", "no such file"]),
        (("clone", "A3.wav", "--pitches", "60 61", "-o", "x.json"), ["2 notes", "1 files"]),
        (("clone", "none.wav", "-o", "x.json"), ["none.wav"]),
        (("clone", ".", "-o", "x.json"), ["folder"]),
        (("clone", "A3.wav", "-o", "A3.wav", "--overwrite"), [".json"]),
        (("render", "oboe", "-o", "A3.wav"), ["exists", "--overwrite"]),
        (("morph", "oboe", "flute", "-o", "A3.wav"), ["exists", "--overwrite"]),
        (("render", "oboe", "-o", "x.mp3"), ["x.mp3", ".wav"]),
        (("reconstruct", "A3.wav", "-o", "A3.wav", "--overwrite"), ["A3.wav", "read"]),
        (("dataset", "."), ["exists"]),
        (("dataset", "new", "--bank", "none.sf2"), ["none.sf2"]),
        (("pack", "none", "x.npz"), ["none"]),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    arguments: tuple[str, ...], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    said = capsys.readouterr().err.strip()
    assert said.count("\n") == 0
    assert all(word in said for word in words), said
    assert sorted(path.name for path in Path().iterdir()) == ["A3.wav"]


@pytest.mark.usefixtures("folder")
def test_an_empty_recording_and_a_damaged_instrument_are_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    soundfile.write("empty.wav", np.zeros((0, 1), np.float32), RATE)
    assert run("clone", "empty.wav", "-o", "x.json") == 2
    assert "silent" in capsys.readouterr().err
    Path("bad.json").write_text("{}")
    assert run("render", "bad.json", "-o", "x.wav") == 2
    assert "no cloned instrument" in capsys.readouterr().err
