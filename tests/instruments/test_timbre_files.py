from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import soundfile

from leitmotiv.audio import read_audio, write_wav
from leitmotiv.errors import AudioError, ModelError
from leitmotiv.instruments.timbre_files import transfer_file
from leitmotiv.instruments.timbre_transfer import transfer_timbre


def melody(sample_rate: int, channels: int, seconds: float = 3.0) -> np.ndarray:
    time = np.arange(int(seconds * sample_rate)) / sample_rate
    phase = 2 * np.pi * np.cumsum(220 * 2 ** (np.floor(time * 4) / 12)) / sample_rate
    wave = 0.2 * (np.sin(phase) + 0.4 * np.sin(2 * phase) + 0.2 * np.sin(3 * phase))
    return np.stack([wave * (1 - 0.4 * c) for c in range(channels)]).astype(np.float32)


@pytest.mark.parametrize(("sample_rate", "channels"), [(44100, 1), (48000, 2), (22050, 6)])
def test_a_file_is_transferred_as_its_audio_would_be(tmp_path, sample_rate, channels):
    source = tmp_path / "in.wav"
    audio = melody(sample_rate, channels)
    write_wav(source, audio, sample_rate, subtype="FLOAT")
    shares: list[float] = []
    report = transfer_file(source, tmp_path / "out.wav", "synth", progress=shares.append)
    made, rate = read_audio(tmp_path / "out.wav")
    assert rate == sample_rate
    assert made.shape == audio.shape
    assert report.num_samples == audio.shape[1]
    whole = transfer_timbre(audio, sample_rate, "synth")
    np.testing.assert_allclose(made, whole, atol=2e-6)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.wav", "out.wav"]


def test_peaks_stay_below_full_scale_on_a_hot_source(tmp_path):
    audio = melody(48000, 1) * np.float32(3.2)
    write_wav(tmp_path / "in.wav", np.clip(audio, -1, 1), 48000, subtype="FLOAT")
    transfer_file(tmp_path / "in.wav", tmp_path / "out.wav", "guitar")
    made, _ = read_audio(tmp_path / "out.wav")
    assert np.abs(made).max() <= 1.0
    assert soundfile.info(tmp_path / "out.wav").subtype == "PCM_24"


def test_a_click_does_not_turn_the_file_down(tmp_path):
    audio = melody(48000, 1)
    audio[0, 70000:70003] = [0.9, -0.9, 0.9]
    write_wav(tmp_path / "in.wav", audio, 48000, subtype="FLOAT")
    report = transfer_file(tmp_path / "in.wav", tmp_path / "out.wav", "brass")
    made, _ = read_audio(tmp_path / "out.wav")
    assert np.abs(made).max() <= 0.97
    before, after = (np.square(x[0, :60000]).mean() for x in (audio, made))
    assert abs(10 * np.log10(after / before)) < 6
    assert report.num_samples == audio.shape[1]


@pytest.mark.parametrize("length", [0, 1, 700])
def test_short_and_empty_files_keep_their_length(tmp_path, length):
    write_wav(tmp_path / "in.wav", np.full((2, length), 0.1, np.float32), 48000)
    transfer_file(tmp_path / "in.wav", tmp_path / "out.wav", "pad")
    assert soundfile.info(tmp_path / "out.wav").frames == length


def test_what_cannot_be_read_or_written_leaves_nothing_behind(tmp_path):
    with pytest.raises(AudioError, match="there is no such file"):
        transfer_file(tmp_path / "none.wav", tmp_path / "out.wav", "synth")
    (tmp_path / "text.wav").write_text("no audio")
    with pytest.raises(AudioError, match="as audio"):
        transfer_file(tmp_path / "text.wav", tmp_path / "out.wav", "synth")
    bad = melody(48000, 1)
    bad[0, 9] = np.inf
    soundfile.write(tmp_path / "bad.wav", bad.T, 48000, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"bad\.wav holds NaN or infinite"):
        transfer_file(tmp_path / "bad.wav", tmp_path / "out.wav", "synth")
    write_wav(tmp_path / "good.wav", melody(48000, 1, 0.3), 48000)
    with pytest.raises(AudioError, match="cannot write"):
        transfer_file(tmp_path / "good.wav", tmp_path / "no" / "out.wav", "synth")
    with pytest.raises(ModelError, match="to='x' must be one of"):
        transfer_file(tmp_path / "good.wav", tmp_path / "out.wav", "x")
    assert {p.name for p in tmp_path.iterdir()} == {"text.wav", "bad.wav", "good.wav"}


@pytest.mark.slow
def test_long_files_take_no_more_memory_than_short_ones(tmp_path):
    peaks = []
    for minutes in (0.5, 4):
        with soundfile.SoundFile(tmp_path / "in.wav", "w", 22050, 1) as file:
            for second in range(int(minutes * 60)):
                file.write(0.3 * np.sin(np.arange(22050) * (0.05 + 0.001 * (second % 9))))
        tracemalloc.start()
        transfer_file(tmp_path / "in.wav", tmp_path / "out.wav", "organ")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 1_000_000
