"""leitmotiv amp: from a signal over a capture to sound."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from leitmotiv.cli.main import app
from leitmotiv.effects.nam_file import NamFile, read_nam, write_nam
from leitmotiv.effects.neural_amp import capture_names
from leitmotiv.errors import LeitmotivError

RATE = 22_050


def run(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def refused(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert isinstance(result.exception, LeitmotivError), result.output
    return str(result.exception)


@pytest.fixture
def halving(tmp_path: Path) -> Path:
    path = tmp_path / "half.nam"
    config = {"receptive_field": 1, "bias": False}
    write_nam(path, NamFile("0.5.4", "Linear", config, np.array([0.5], np.float32), RATE))
    return path


@pytest.fixture
def guitar(tmp_path: Path) -> Path:
    path = tmp_path / "guitar.wav"
    t = np.arange(RATE) / RATE
    soundfile.write(path, 0.4 * np.sin(2 * np.pi * 196 * t) * np.exp(-3 * t), RATE, "FLOAT")
    return path


def test_built_in_captures_are_listed_and_told_about() -> None:
    listed = run("amp", "list")
    for name in capture_names():
        assert name in listed
        told = json.loads(run("amp", "info", name, "--json"))
        assert told["architecture"] == "WaveNet"
        assert float(told["held-out ESR"]) <= 0.02


def test_playing_applies_the_capture_and_the_gains(
    tmp_path: Path, halving: Path, guitar: Path
) -> None:
    out = tmp_path / "out.wav"
    run("amp", "play", guitar, "--amp", halving, "--cabinet", "none", "-o", out)
    dry, _ = soundfile.read(guitar)
    wet, rate = soundfile.read(out)
    assert rate == RATE
    np.testing.assert_allclose(wet[: len(dry), 0], 0.5 * dry, atol=1e-4)
    assert "exists" in refused("amp", "play", guitar, "--amp", halving, "-o", out)
    run("amp", "play", guitar, "--amp", halving, "-o", out, "--overwrite", "--output-gain", "-6")
    assert np.abs(soundfile.read(out)[0]).max() > 0.01


def test_what_cannot_be_played_is_said_in_one_line(tmp_path: Path, guitar: Path) -> None:
    out = tmp_path / "out.wav"
    assert "neither a .nam file nor a built-in capture" in refused("amp", "info", "plexi")
    damaged = tmp_path / "damaged.nam"
    damaged.write_text('{"version": "0.5.4"')
    assert "not JSON" in refused("amp", "play", guitar, "--amp", damaged, "-o", out)
    assert "cabinet='shoebox' must be one of" in refused(
        "amp", "play", guitar, "--cabinet", "shoebox", "-o", out
    )
    assert not out.exists()


def test_the_signal_begins_with_its_clicks(tmp_path: Path) -> None:
    out = tmp_path / "dry.wav"
    run("amp", "signal", "-o", out, "--seconds", 20, "--sample-rate", RATE)
    audio, rate = soundfile.read(out)
    assert (rate, len(audio)) == (RATE, 20 * RATE)
    assert np.flatnonzero(np.abs(audio[: int(1.4 * RATE)]) > 0.5).tolist() == [RATE // 2, RATE]
    assert 0.5 < np.abs(audio).max() <= 10 ** (-1 / 20) + 1e-6


def test_a_capture_is_trained_described_and_played(tmp_path: Path, guitar: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra train")
    rng = np.random.default_rng(1)
    dry = (0.3 * rng.standard_normal(11 * RATE)).astype(np.float32)
    wet = np.tanh(3 * np.concatenate([np.zeros(50, np.float32), dry]))
    soundfile.write(tmp_path / "dry.wav", dry, RATE, "FLOAT")
    soundfile.write(tmp_path / "wet.wav", wet, RATE, "FLOAT")
    out = tmp_path / "mine.nam"
    command = ["amp", "train", tmp_path / "dry.wav", tmp_path / "wet.wav", "-o", out]
    printed = run(*command, "--size", "nano", "--steps", 4, "--json")
    told = json.loads(printed[printed.index("{") :])
    file = read_nam(out)
    assert file.sample_rate == RATE
    assert file.metadata["name"] == "mine"
    assert file.metadata["training"]["validation_esr"] == pytest.approx(told["esr"])
    assert 44 <= told["delay_samples"] <= 50
    assert file.loudness_db is not None
    assert [path.name for path in tmp_path.glob("mine*")] == ["mine.nam"]
    run("amp", "play", guitar, "--amp", out, "-o", tmp_path / "out.wav")
    assert "exists already" in refused(*command)
    soundfile.write(tmp_path / "slow.wav", wet, 48_000, "FLOAT")
    other = ["amp", "train", tmp_path / "dry.wav", tmp_path / "slow.wav", "-o", tmp_path / "b.nam"]
    assert "both must have the same sample rate" in refused(*other)
    assert "must end in .nam" in refused(*command[:-1], tmp_path / "b.wav")


def test_a_recording_without_samples_is_no_training_material(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra train")
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), RATE)
    soundfile.write(tmp_path / "short.wav", 0.1 * np.ones(RATE), RATE)
    both = (tmp_path / "empty.wav", tmp_path / "short.wav")
    assert "has no samples" in refused("amp", "train", *both, "-o", tmp_path / "a.nam")
    both = (tmp_path / "short.wav", tmp_path / "short.wav")
    assert "has 1.0 s" in refused("amp", "train", *both, "-o", tmp_path / "a.nam")
