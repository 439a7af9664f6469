from __future__ import annotations

import struct

import numpy as np
import pytest
import soundfile

from leitmotiv.audio import LoopPoints, Marker, read_markers, write_audio, write_wav
from leitmotiv.errors import AudioError

AUDIO = np.zeros((2, 4800), np.float32)


def test_markers_and_loop_come_back(tmp_path):
    markers = (Marker(0, "A"), Marker(1200, "Überleitung"), Marker(4000))
    path = write_wav(tmp_path / "a.wav", AUDIO, 48000, markers=markers, loop=LoopPoints(1200, 4800))
    assert read_markers(path) == (markers, LoopPoints(1200, 4800))
    assert soundfile.info(path).frames == 4800  # libsndfile is not disturbed


def test_a_file_without_them_holds_none(tmp_path):
    path = write_wav(tmp_path / "a.wav", AUDIO, 48000, info={"INAM": "Waltz"})
    assert read_markers(path) == ((), None)
    assert b"cue " not in path.read_bytes()


def test_the_smpl_chunk_is_as_the_standard_lays_it_out(tmp_path):
    path = write_wav(tmp_path / "a.wav", AUDIO, 48000, loop=LoopPoints(100, 4000))
    content = path.read_bytes()
    at = content.index(b"smpl")
    fields = struct.unpack_from("<I9I6I", content, at + 4)
    assert fields[0] == 60  # 36 bytes and one loop of 24
    assert fields[3] == 20833  # nanoseconds a sample
    assert fields[8] == 1
    assert fields[12:14] == (100, 3999)  # the end is the last sample played


def test_other_formats_leave_them_out(tmp_path):
    path = write_audio(tmp_path / "a.flac", AUDIO, 48000, loop=LoopPoints(0, 4800))
    with pytest.raises(AudioError, match="no WAV file"):
        read_markers(path)


def test_damaged_chunks_are_read_as_far_as_they_go(tmp_path):
    path = write_wav(tmp_path / "a.wav", AUDIO, 48000, markers=(Marker(5, "A"),))
    content = path.read_bytes()
    short = tmp_path / "short.wav"
    for length in range(12, len(content), 997):
        short.write_bytes(content[:length])
        read_markers(short)
    with pytest.raises(AudioError, match="cannot read"):
        read_markers(tmp_path / "missing.wav")


@pytest.mark.parametrize(("start", "end"), [(5, 5), (-1, 4), (9, 3)])
def test_a_loop_has_a_length(start, end):
    with pytest.raises(AudioError, match="must start at 0 or later and end after"):
        LoopPoints(start, end)
