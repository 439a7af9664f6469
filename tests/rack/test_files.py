"""Recordings of every kind go through, or are refused in words."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
from tests.rack.racks import LOOP, MOVING, graph_of

from leitmotiv.errors import AudioError
from leitmotiv.rack import process_file

UNITY = graph_of('tail_sec = 0.0\n[nodes.a]\neffect = "gain"')


def written(path: Path, audio: np.ndarray, sample_rate: int = 48_000) -> Path:
    soundfile.write(path, audio, sample_rate, subtype="FLOAT")
    return path


@pytest.fixture
def tone() -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * 440 * np.arange(20_000) / 48_000)).astype(np.float32)


def test_a_rack_that_does_nothing_changes_nothing(tmp_path: Path, tone: np.ndarray) -> None:
    source = written(tmp_path / "in.wav", np.stack([tone, -0.5 * tone], axis=1))
    done = process_file(source, tmp_path / "out.wav", UNITY)
    back, rate = soundfile.read(done.path)
    assert rate == 48_000
    assert back.shape == (20_000, 2)
    assert np.abs(back - np.stack([tone, -0.5 * tone], axis=1)).max() < 2**-22
    assert done.peak_dbfs == pytest.approx(-6.02, abs=0.01)


def test_mono_is_heard_in_the_middle_and_the_tail_is_added(
    tmp_path: Path, tone: np.ndarray
) -> None:
    source = written(tmp_path / "in.wav", tone)
    done = process_file(source, tmp_path / "out.flac", graph_of(LOOP), tail_sec=1.0)
    back, _ = soundfile.read(done.path)
    assert back.shape == (68_000, 2)
    assert np.abs(back[:, 0] - back[:, 1]).max() < 2**-21  # the dither of either side
    assert np.abs(back[20_100:21_000]).max() > 0.01
    assert np.abs(back[-2:]).max() < 1e-4


@pytest.mark.parametrize("sample_rate", [8_000, 11_025, 22_050, 44_100, 96_000])
def test_every_rate_keeps_pitch_and_length(tmp_path: Path, sample_rate: int) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(sample_rate) / sample_rate).astype(np.float32)
    source = written(tmp_path / "in.wav", 0.5 * tone, sample_rate)
    done = process_file(source, tmp_path / "out.wav", UNITY)
    back, rate = soundfile.read(done.path)
    assert len(back) / rate == pytest.approx(1.0, abs=1e-4)
    spectrum = np.abs(np.fft.rfft(back[:, 0] * np.hanning(len(back))))
    assert np.argmax(spectrum) * rate / len(back) == pytest.approx(440.0, abs=1.0)


def test_six_channels_are_folded_when_asked_for(tmp_path: Path) -> None:
    surround = np.zeros((4800, 6), np.float32)
    surround[:, 2] = 0.5  # the centre
    surround[:, 3] = 0.9  # the LFE, which is left out
    source = written(tmp_path / "in.wav", surround)
    with pytest.raises(AudioError, match="6 channels"):
        process_file(source, tmp_path / "out.wav", UNITY)
    done = process_file(source, tmp_path / "out.wav", UNITY, downmix=True)
    back, _ = soundfile.read(done.path)
    assert back[2400] == pytest.approx([0.354, 0.354], abs=1e-3)


def test_silence_stays_silence(tmp_path: Path) -> None:
    source = written(tmp_path / "in.wav", np.zeros(4800, np.float32))
    done = process_file(source, tmp_path / "out.wav", graph_of(MOVING))
    assert done.peak_dbfs == -np.inf
    assert not soundfile.read(done.path)[0].any()


def test_a_long_recording_needs_no_more_memory_than_a_short_one(tmp_path: Path) -> None:
    peaks = []
    for seconds in (5, 60):
        source = tmp_path / f"{seconds}.wav"
        with soundfile.SoundFile(source, "w", 22_050, 1) as file:
            for _ in range(seconds):
                file.write(np.full(22_050, 0.1, np.float32))
        tracemalloc.start()
        process_file(source, tmp_path / f"{seconds}.flac", UNITY)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.3 * peaks[0]


def test_a_snapshot_and_a_morph_set_the_knobs(tmp_path: Path) -> None:
    source = written(tmp_path / "in.wav", np.full((48_000, 2), 0.5, np.float32))
    low = process_file(source, tmp_path / "low.wav", graph_of(MOVING), snapshot="low", tail_sec=0)
    back, _ = soundfile.read(low.path)
    assert np.abs(back[100:]).max() < 0.011
    ends = ("low", "high")
    moved = process_file(source, tmp_path / "m.wav", graph_of(MOVING), morph=ends, tail_sec=0)
    back, _ = soundfile.read(moved.path)
    assert back[100, 0] < 0.011
    assert back[-1, 0] == pytest.approx(0.5, abs=0.01)


def test_a_wrong_recording_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    broken = np.zeros(48_000, np.float32)
    broken[24_000] = np.nan
    cases = {
        "nan.wav": "NaN or infinite samples near 0",
        "empty.wav": "holds no samples",
        "text.wav": "cannot read",
        "missing.wav": "no such file",
    }
    written(tmp_path / "nan.wav", broken)
    written(tmp_path / "empty.wav", np.zeros(0, np.float32))
    (tmp_path / "text.wav").write_text("not audio")
    for name, message in cases.items():
        with pytest.raises(AudioError, match=message):
            process_file(tmp_path / name, tmp_path / "out.wav", UNITY)
        assert not list(tmp_path.glob("*out*"))


def test_a_result_is_not_replaced_unasked_and_never_the_recording(tmp_path: Path) -> None:
    source = written(tmp_path / "in.wav", np.zeros(480, np.float32))
    (tmp_path / "out.wav").write_bytes(b"mine")
    with pytest.raises(AudioError, match="exists"):
        process_file(source, tmp_path / "out.wav", UNITY)
    with pytest.raises(AudioError, match="itself"):
        process_file(source, source, UNITY, overwrite=True)
    with pytest.raises(AudioError, match="must be one of"):
        process_file(source, tmp_path / "out.xyz", UNITY)
    assert (tmp_path / "out.wav").read_bytes() == b"mine"
