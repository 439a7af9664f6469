from __future__ import annotations

import struct

import numpy as np
import pytest
import soundfile

from leitmotiv.audio import (
    FORMATS,
    AudioReader,
    AudioWriter,
    WavWriter,
    find_format,
    read_audio,
    round_trip,
    write_audio,
    write_wav,
)
from leitmotiv.audio import files as files_module
from leitmotiv.errors import AudioError

SAMPLE_RATE = 48000
INFO = {"INAM": "Walzer für Ö", "ISFT": "Leitmotiv 1", "ICMT": "composed by an AI model"}


def tone(channels: int = 2, seconds: float = 1.0, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    waves = [0.3 * np.sin(2 * np.pi * (330 + 110 * n) * time) for n in range(channels)]
    return np.stack(waves).astype(np.float32)


@pytest.mark.parametrize("name", [name for name, entry in FORMATS.items() if entry.is_available])
def test_audio_and_its_marks_survive_every_format(tmp_path, name):
    chosen = FORMATS[name]
    path = write_audio(tmp_path / f"a{chosen.suffix}", tone(), SAMPLE_RATE, format=name, info=INFO)
    audio, sample_rate = read_audio(path)
    assert sample_rate == SAMPLE_RATE
    assert soundfile.info(path).subtype == chosen.subtype
    # One and a half steps with dither; lossy coders differ most at the abrupt ends.
    limit = {"PCM_16": 4.6e-5, "PCM_24": 2e-7, "FLOAT": 0.0}.get(chosen.subtype, 0.05)
    inner = slice(4000, -4000) if chosen.lossy else slice(None)
    assert np.abs(audio[:, :SAMPLE_RATE] - tone())[:, inner].max() <= limit
    assert audio.shape[1] >= SAMPLE_RATE
    with AudioReader(path) as reader:
        assert reader.tags["INAM"] == INFO["INAM"]
        assert reader.tags["ICMT"] == INFO["ICMT"]
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_flac_holds_the_same_steps_as_wav(tmp_path):
    first = write_audio(tmp_path / "a.wav", tone(), SAMPLE_RATE, dither_seed=4)
    second = write_audio(tmp_path / "a.flac", tone(), SAMPLE_RATE, dither_seed=4)
    assert np.array_equal(read_audio(first)[0], read_audio(second)[0])


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "FLOAT"])
def test_streaming_a_wav_writes_the_audio_of_writing_it_whole(tmp_path, subtype):
    audio = tone(3)
    whole = write_wav(tmp_path / "whole.wav", audio, SAMPLE_RATE, subtype=subtype, info=INFO)
    with WavWriter(tmp_path / "s.wav", SAMPLE_RATE, 3, subtype=subtype, info=INFO) as writer:
        for start in range(0, audio.shape[1], 777):
            writer.write(audio[:, start : start + 777])
    streamed = (tmp_path / "s.wav").read_bytes()
    assert np.array_equal(read_audio(whole)[0], read_audio(tmp_path / "s.wav")[0])
    assert struct.unpack_from("<I", streamed, 4)[0] == len(streamed) - 8


def test_a_file_beyond_the_limit_becomes_rf64(tmp_path, monkeypatch):
    monkeypatch.setattr(files_module, "_MAX_RIFF_BYTES", 10_000)
    with WavWriter(tmp_path / "a.wav", SAMPLE_RATE, 2, info=INFO) as writer:
        writer.write(tone())
    content = (tmp_path / "a.wav").read_bytes()
    assert content[:4] == b"RF64"
    riff_bytes, data_bytes, num_samples = struct.unpack_from("<QQQ", content, 20)
    assert riff_bytes == len(content) - 8
    assert (data_bytes, num_samples) == (SAMPLE_RATE * 6, SAMPLE_RATE)


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_an_exception_leaves_nothing(tmp_path, name):
    def interrupted() -> None:
        with AudioWriter(tmp_path / name, SAMPLE_RATE, 2, format=find_format(name)) as writer:
            writer.write(tone())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_a_rate_that_opus_does_not_take_is_converted(tmp_path):
    audio = tone(2, 1.0, 44100)
    path = write_audio(tmp_path / "a.opus", audio, 44100)
    heard, sample_rate = read_audio(path)
    assert sample_rate == 48000
    assert heard.shape[1] / 48000 == pytest.approx(1.0, abs=0.01)
    assert round_trip(audio, 44100, "opus")[1] == 48000


def test_surround_fits_where_it_fits(tmp_path):
    path = write_audio(tmp_path / "a.wav", tone(6), SAMPLE_RATE)
    assert read_audio(path)[0].shape == (6, SAMPLE_RATE)
    with pytest.raises(AudioError, match="6 channels do not fit into mp3, which takes 1 to 2"):
        write_audio(tmp_path / "a.mp3", tone(6), SAMPLE_RATE)


def test_the_reader_streams_any_stretch(tmp_path):
    audio = tone()
    path = write_audio(tmp_path / "a.wav", audio, SAMPLE_RATE, format="wav32f")
    with AudioReader(path) as reader:
        assert (reader.num_channels, reader.num_samples, reader.duration_sec) == (2, 48000, 1.0)
        whole = np.concatenate(list(reader.blocks(1000)), axis=1)
        part = np.concatenate(list(reader.blocks(999, start=500, stop=9000)), axis=1)
    assert np.array_equal(whole, audio)
    assert np.array_equal(part, audio[:, 500:9000])


def test_bad_input_is_one_line(tmp_path):
    with pytest.raises(AudioError, match="format='aac' must be one of wav, wav16"):
        find_format("aac")
    with pytest.raises(AudioError, match="there is no such file"):
        AudioReader(tmp_path / "missing.wav")
    (tmp_path / "text.wav").write_text("no music")
    with pytest.raises(AudioError, match=r"cannot read .* as audio"):
        AudioReader(tmp_path / "text.wav")
    samples = tone().T.copy()
    samples[1234, 0] = np.nan
    soundfile.write(tmp_path / "nan.wav", samples, SAMPLE_RATE, subtype="FLOAT")
    with (
        AudioReader(tmp_path / "nan.wav") as reader,
        pytest.raises(AudioError, match=r"NaN .* 0\.0 s"),
    ):
        list(reader.blocks())
    with pytest.raises(AudioError, match="cannot write"):
        write_audio(tmp_path / "no" / "a.flac", tone(), SAMPLE_RATE)
