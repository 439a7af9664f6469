from __future__ import annotations

import errno
import shutil
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from leitmotiv.audio import BroadcastExtension, read_audio, write_wav
from leitmotiv.errors import AudioError


@pytest.fixture
def tone() -> np.ndarray:
    time = np.arange(4801) / 48000  # odd, so that 24-bit mono data needs its pad byte
    return np.stack([0.5 * np.sin(2 * np.pi * 440 * time)] * 2).astype(np.float32)


def chunks(path: Path) -> dict[bytes, bytes]:
    data = path.read_bytes()
    assert data[:4] == b"RIFF"
    assert data[8:12] == b"WAVE"
    assert struct.unpack("<I", data[4:8])[0] == len(data) - 8
    found, position = {}, 12
    while position < len(data):
        size = struct.unpack("<I", data[position + 4 : position + 8])[0]
        found[data[position : position + 4]] = data[position + 8 : position + 8 + size]
        position += 8 + size + size % 2
    assert position == len(data)
    return found


@pytest.mark.parametrize(
    ("subtype", "step"), [("PCM_16", 2**-15), ("PCM_24", 2**-23), ("PCM_32", 2**-24), ("FLOAT", 0)]
)
@pytest.mark.parametrize("channels", [1, 2])
def test_what_is_written_is_read_back(tmp_path, tone, subtype, step, channels):
    path = write_wav(tmp_path / "tone.wav", tone[:channels], 48000, subtype=subtype)
    audio, sample_rate = read_audio(path)
    assert sample_rate == 48000
    assert soundfile.info(path).subtype == subtype
    # Dither adds at most one step, rounding half of one.
    assert np.abs(audio - tone[:channels]).max() <= 1.5 * step


def test_tags_stand_in_their_chunks(tmp_path, tone):
    bext = BroadcastExtension(
        description="Wälz" + "x" * 300,
        originator="Leitmotiv",
        origination_date="2026-01-02",
        integrated_lufs=-14.02,
        true_peak_dbtp=-1.5,
        coding_history=("A=PCM,F=48000,W=24,M=stereo,T=test",),
    )
    info = {"INAM": "Odd", "ICMT": "Even", "ISFT": "Leitmotiv"}
    path = write_wav(tmp_path / "t.wav", tone, 48000, info=info, bext=bext, ixml="<BWFXML/>")
    found = chunks(path)
    assert found[b"iXML"] == b"<BWFXML/>"
    assert found[b"LIST"].startswith(b"INFOINAM\x04\x00\x00\x00Odd\0")
    assert b"ICMT\x05\x00\x00\x00Even\0\0ISFT" in found[b"LIST"]
    content = found[b"bext"]
    assert len(content) == 602 + len("A=PCM,F=48000,W=24,M=stereo,T=test\r\n")
    assert content[:5] == b"W?lzx"
    assert content[320:330] == b"2026-01-02"
    version, loudness, loudness_range, peak = struct.unpack("<H64xhhh", content[346:418])
    assert (version, loudness, loudness_range, peak) == (2, -1402, 0x7FFF, -150)
    with soundfile.SoundFile(path) as file:
        assert file.title == "Odd"
        assert file.comment == "Even"


@pytest.mark.skipif(shutil.which("soxi") is None, reason="needs sox")
def test_sox_reads_it_without_a_warning(tmp_path, tone):
    path = write_wav(
        tmp_path / "t.wav", tone, 48000, info={"INAM": "x"}, bext=BroadcastExtension(), ixml="<a/>"
    )
    run = subprocess.run(["soxi", "-V4", path], capture_output=True, text=True, check=True)
    assert "WARN" not in run.stderr
    assert "4801 samples" in run.stdout


def test_equal_audio_gives_equal_bytes_and_zeros_stay_zero(tmp_path, tone):
    tone[:, 1000:2000] = 0
    first = write_wav(tmp_path / "a.wav", tone, 48000).read_bytes()
    assert write_wav(tmp_path / "b.wav", tone, 48000).read_bytes() == first
    assert not read_audio(tmp_path / "a.wav")[0][:, 1000:2000].any()


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "FLOAT"])
@pytest.mark.parametrize("block", [1, 1000])
def test_the_bytes_do_not_depend_on_the_blocks(tmp_path, tone, subtype, block, monkeypatch):
    whole = write_wav(tmp_path / "whole.wav", tone, 48000, subtype=subtype).read_bytes()
    monkeypatch.setattr("leitmotiv.audio.files._BLOCK", block)
    path = write_wav(tmp_path / "blocks.wav", tone, 48000, subtype=subtype)
    assert path.read_bytes() == whole


def test_dither_frees_a_quiet_tone_from_harmonics(tmp_path):
    time = np.arange(48000) / 48000
    quiet = (1.5 * 2**-15 * np.sin(2 * np.pi * 1000 * time)).astype(np.float32)[None]
    audio, _ = read_audio(write_wav(tmp_path / "q.wav", quiet, 48000, subtype="PCM_16"))
    spectrum = np.abs(np.fft.rfft(audio[0] * np.hanning(48000)))
    rounded = np.rint(quiet[0] * 2**15) / 2**15
    undithered = np.abs(np.fft.rfft(rounded * np.hanning(48000)))
    assert spectrum[3000] < 0.2 * undithered[3000]  # third harmonic


@pytest.mark.parametrize("samples", [0, 1])
def test_tiny_files(tmp_path, samples):
    path = write_wav(tmp_path / "e.wav", np.zeros((2, samples), np.float32), 48000)
    assert read_audio(path)[0].shape == (2, samples)


@given(st.text(max_size=40))
def test_any_text_keeps_the_chunks_whole(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("t") / "t.wav"
    bext = BroadcastExtension(description=text, coding_history=(text,))
    write_wav(path, np.zeros((1, 3), np.float32), 8000, info={"INAM": text}, bext=bext, ixml=text)
    assert chunks(path)[b"iXML"] == text.encode("utf-8")


def test_bad_audio_is_refused(tmp_path, tone):
    with pytest.raises(AudioError, match="must be float32"):
        write_wav(tmp_path / "x.wav", tone.astype(np.float64), 48000)
    with pytest.raises(AudioError, match="subtype='PCM_8' must be one of PCM_16"):
        write_wav(tmp_path / "x.wav", tone, 48000, subtype="PCM_8")
    tone[0, 7] = np.nan
    with pytest.raises(AudioError, match="NaN or infinite"):
        write_wav(tmp_path / "x.wav", tone, 48000)
    with pytest.raises(AudioError, match="four ASCII letters"):
        write_wav(tmp_path / "x.wav", np.zeros((1, 1), np.float32), 48000, info={"TITLE": "x"})
    assert not list(tmp_path.iterdir())


def test_a_missing_folder_and_a_full_disk_leave_nothing(tmp_path, tone, monkeypatch):
    with pytest.raises(AudioError, match="choose a folder that exists"):
        write_wav(tmp_path / "no" / "x.wav", tone, 48000)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("leitmotiv.audio.files.os.replace", full)
    with pytest.raises(AudioError, match="the disk is full; free space"):
        write_wav(tmp_path / "x.wav", tone, 48000)
    assert not list(tmp_path.iterdir())


def test_unreadable_audio_is_one_line(tmp_path):
    (tmp_path / "x.wav").write_bytes(b"RIFF no")
    with pytest.raises(AudioError, match=r"^cannot read [^\n]*as audio[^\n]*$"):
        read_audio(tmp_path / "x.wav")
    with pytest.raises(AudioError, match="no such file"):
        read_audio(tmp_path / "y.wav")
