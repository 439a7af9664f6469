from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import soundfile

from leitmotiv.audio import (
    BroadcastExtension,
    LoopPoints,
    Marker,
    integrated_lufs,
    read_audio,
    read_markers,
    true_peak_dbtp,
    write_wav,
)
from leitmotiv.audio.files import read_descriptions
from leitmotiv.audio.sound_report import measure_sound
from leitmotiv.errors import AudioError
from leitmotiv.mix import find_profile
from leitmotiv.mix import master_file as module
from leitmotiv.mix.master_file import master_file, write_matched_pair


def music(channels: int = 2, seconds: float = 2.5, sample_rate: int = 48000) -> np.ndarray:
    rng = np.random.default_rng(3)
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    chord = sum(np.sin(2 * np.pi * f * time + f) for f in (110, 220, 277.2, 329.6, 1320))
    hits = rng.standard_normal((channels, len(time))) * np.exp(-25 * (time % 0.5))
    return (0.04 * chord + 0.15 * hits).astype(np.float32)


@pytest.fixture
def mix(tmp_path):
    return write_wav(tmp_path / "mix.wav", music(), 48000)


@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg", "opus", "mp3"])
def test_loudness_and_peak_hold_in_the_file_that_listeners_get(mix, tmp_path, suffix):
    out = tmp_path / f"out.{suffix}"
    done = master_file(mix, out)
    audio, sample_rate = read_audio(out)
    assert integrated_lufs(audio, sample_rate) == pytest.approx(-14.0, abs=0.06)
    assert true_peak_dbtp(audio) <= -1.0
    assert all(peak <= -1.0 for peak in done.encoded_peak_dbtp.values())
    assert done.after.integrated_lufs == pytest.approx(-14.0, abs=0.06)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["mix.wav", out.name])


@pytest.mark.parametrize("profile", ["film", "game", "game-portable", "loop"])
def test_profiles_are_reached(mix, tmp_path, profile):
    master_file(mix, tmp_path / "out.wav", profile=profile)
    audio, sample_rate = read_audio(tmp_path / "out.wav")
    wanted = find_profile(profile)
    assert integrated_lufs(audio, sample_rate) == pytest.approx(wanted.integrated_lufs, abs=0.02)
    assert true_peak_dbtp(audio) <= wanted.ceiling_dbtp


def test_raw_leaves_the_sound_alone(mix, tmp_path):
    master_file(mix, tmp_path / "out.wav", profile="raw", format="wav32f")
    assert np.array_equal(read_audio(tmp_path / "out.wav")[0], read_audio(mix)[0])


@pytest.mark.parametrize(("channels", "rate"), [(1, 48000), (2, 8000), (6, 48000), (2, 96000)])
def test_layouts_and_rates(tmp_path, channels, rate):
    source = write_wav(tmp_path / "in.wav", music(channels, 2.0, rate), rate)
    done = master_file(source, tmp_path / "out.wav", profile="film")
    audio, sample_rate = read_audio(tmp_path / "out.wav")
    assert (audio.shape, sample_rate) == ((channels, 2 * rate), rate)
    assert done.after.integrated_lufs == pytest.approx(-23.0, abs=0.02)
    assert np.isfinite(audio).all()


@pytest.mark.parametrize(
    ("samples", "suffix"), [(0, "wav"), (0, "ogg"), (1, "ogg"), (300, "mp3"), (9600, "opus")]
)
def test_silence_and_next_to_nothing_say_so(tmp_path, samples, suffix):
    source = write_wav(tmp_path / "in.wav", np.zeros((2, samples), np.float32), 48000)
    done = master_file(source, tmp_path / f"out.{suffix}")
    assert "silent" in done.notes[0] or "empty" in done.notes[0]
    assert (tmp_path / f"out.{suffix}").is_file()


@pytest.mark.parametrize("name", ["mp3", "flac", "opus"])
def test_formats_that_cannot_hold_nothing_say_so(tmp_path, name):
    source = write_wav(tmp_path / "in.wav", np.zeros((2, 0), np.float32), 48000)
    with pytest.raises(AudioError, match=f"would hold no sound, which {name} cannot; choose wav"):
        master_file(source, tmp_path / f"out.{name}")
    assert [path.name for path in tmp_path.iterdir()] == ["in.wav"]


def test_an_interruption_leaves_what_was_there(mix, tmp_path):
    out = tmp_path / "out.wav"
    out.write_bytes(b"older")

    def interrupt(fraction: float, message: str) -> None:
        if message == "write" and fraction > 0.8:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        master_file(mix, out, progress=interrupt)
    assert out.read_bytes() == b"older"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mix.wav", "out.wav"]
    with pytest.raises(AudioError, match=r"cannot write .*/no/out\.wav: no such file"):
        master_file(mix, tmp_path / "no" / "out.wav")


def test_bad_input_is_one_line_and_leaves_nothing(mix, tmp_path):
    samples = music().T.copy()
    samples[70_000] = np.inf
    soundfile.write(tmp_path / "nan.wav", samples, 48000, subtype="FLOAT")
    write_wav(tmp_path / "seven.wav", np.zeros((7, 100), np.float32), 48000)
    write_wav(tmp_path / "slow.wav", music(2, 1.0, 4000), 4000)
    write_wav(tmp_path / "quiet.wav", np.zeros((2, 48000), np.float32), 48000)
    out = tmp_path / "out.wav"
    for name, message in {
        "nan.wav": r"NaN or infinite samples near 1\.",
        "seven.wav": "7 channels; loudness is defined for",
        "slow.wav": "has 4000 Hz; mastering takes 8000 to 192000",
        "missing.wav": "there is no such file",
    }.items():
        with pytest.raises(AudioError, match=message):
            master_file(tmp_path / name, out)
    with pytest.raises(AudioError, match="is the input"):
        master_file(mix, mix)
    with pytest.raises(AudioError, match=r"reference .* is silent"):
        master_file(mix, out, reference=tmp_path / "quiet.wav")
    assert not out.exists()
    assert not list(tmp_path.glob("*.part"))


def test_a_reference_is_come_near_to(tmp_path, rng):
    noise = np.cumsum(rng.standard_normal((2, 4 * 48000)), axis=1)  # brown: dark
    noise = (0.02 * (noise - np.roll(noise, 200, axis=1)) / 15).astype(np.float32)
    dark = write_wav(tmp_path / "dark.wav", noise, 48000)
    white = (0.05 * rng.standard_normal((2, 4 * 48000))).astype(np.float32)
    bright = write_wav(tmp_path / "bright.wav", white, 48000)
    done = master_file(dark, tmp_path / "out.wav", reference=bright)

    def distance(spectrum_db: np.ndarray) -> float:
        difference = spectrum_db - measure_sound(white, 48000).mid_db
        return float(np.std(difference[8:]))

    assert distance(done.after.mid_db) < distance(done.before.mid_db) - 2.5


def test_a_loop_has_no_seam(tmp_path):
    time = np.arange(2 * 48000) / 48000  # whole periods: the loop itself is seamless
    wave = sum(np.sin(2 * np.pi * f * time) for f in (110, 220, 331)) * (1 + np.cos(np.pi * time))
    loop = np.stack([0.1 * wave, 0.09 * wave]).astype(np.float32)
    source = write_wav(tmp_path / "in.wav", loop, 48000, loop=LoopPoints(0, loop.shape[1]))
    for profile, seamless in (("loop", True), ("streaming", False)):
        out = tmp_path / f"{profile}.wav"
        master_file(source, out, profile=profile, format="wav32f")
        audio = read_audio(out)[0]
        step = np.abs(audio[:, 0] - audio[:, -1]).max()
        usual = np.abs(np.diff(audio, axis=1)).max()
        turned = np.concatenate([audio[:, -2000:], audio[:, :2000]], axis=1)
        bend = np.abs(np.diff(turned, 2, axis=1))
        if seamless:
            assert step <= 1.2 * usual
            assert bend[:, 1990:2010].max() <= 1.5 * np.abs(np.diff(audio, 2, axis=1)).max()
    assert read_markers(tmp_path / "loop.wav")[1] == LoopPoints(0, loop.shape[1])


def test_marks_and_markers_stay(tmp_path):
    bext = BroadcastExtension(description="made by AI", originator="x", coding_history=("A=PCM",))
    source = write_wav(
        tmp_path / "in.wav",
        music(),
        48000,
        info={"INAM": "Waltz", "ICMT": "composed by an AI model"},
        bext=bext,
        ixml="<BWFXML/>",
        markers=(Marker(480, "A"),),
    )
    for suffix in ("wav", "flac", "mp3"):
        master_file(source, tmp_path / f"out.{suffix}", profile="raw", software="Leitmotiv 9")
        with soundfile.SoundFile(tmp_path / f"out.{suffix}") as file:
            assert file.comment == "composed by an AI model"
            assert file.title == "Waltz"
    assert read_markers(tmp_path / "out.wav")[0] == (Marker(480, "A"),)
    assert read_descriptions(tmp_path / "out.wav") == (bext, "<BWFXML/>")


@pytest.mark.slow
def test_a_long_file_is_streamed_with_flat_memory(tmp_path, monkeypatch):
    short, long = music(2, 4.0), music(2, 16.0)
    monkeypatch.setattr(module, "IN_MEMORY_VALUES", 1000)
    peaks = []
    for name, audio in (("short", short), ("long", long)):
        source = write_wav(tmp_path / f"{name}.wav", audio, 48000)
        tracemalloc.start()
        done = master_file(source, tmp_path / f"{name}-out.wav", profile="film")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert done.after.integrated_lufs == pytest.approx(-23.0, abs=0.02)
    assert peaks[1] < peaks[0] + 0.3 * long.nbytes
    assert not list(tmp_path.glob(".*"))


def test_the_pilot_of_a_long_file_lands_where_the_whole_does(mix, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PILOT_SEC", 0.05)
    master_file(mix, tmp_path / "out.wav")
    audio, sample_rate = read_audio(tmp_path / "out.wav")
    assert integrated_lufs(audio, sample_rate) == pytest.approx(-14.0, abs=0.02)


def test_a_and_b_are_equally_loud(mix, tmp_path):
    done = master_file(mix, tmp_path / "out.wav")
    pair = (tmp_path / "a.wav", tmp_path / "b.wav")
    level = write_matched_pair(mix, done.path, pair, reports=(done.before, done.after))
    for path in pair:
        audio, sample_rate = read_audio(path)
        assert integrated_lufs(audio, sample_rate) == pytest.approx(level, abs=0.01)
        assert true_peak_dbtp(audio) <= -0.99
