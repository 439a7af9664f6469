from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from leitmotiv.errors import AudioError, ModelError, RenderError
from leitmotiv.instruments.timbre_bands import FLOOR_DB, TimbreBands, active_level_db
from leitmotiv.instruments.timbre_network import TimbreNetwork, shipped_network
from leitmotiv.instruments.timbre_transfer import (
    TimbreTransfer,
    level_of_blocks,
    transfer_timbre,
)


class Answers:
    """A network that answers what a test wants."""

    context_frames = 3

    def __init__(self, answer):
        self.answer_db = answer

    def index_of(self, name):
        return 0


def tones(sample_rate: int, seconds: float = 1.2, channels: int = 2) -> np.ndarray:
    """Four harmonics of two notes, one after the other, the left channel louder."""
    time = np.arange(int(seconds * sample_rate)) / sample_rate
    f0 = np.where(time < seconds / 2, 220.0, 330.0)
    phase = 2 * np.pi * np.cumsum(f0) / sample_rate
    wave = sum(np.sin(k * phase) / k for k in range(1, 5)) * 0.1
    gains = np.array([[1.0], [0.5]])[:channels]
    return (gains * wave).astype(np.float32)


def strongest_hz(audio: np.ndarray, sample_rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), 1 << 18))
    return float(spectrum.argmax() * sample_rate / (1 << 18))


@pytest.mark.parametrize("sample_rate", [22050, 44100, 48000, 96000])
def test_bands_hear_the_same_at_any_sample_rate(sample_rate):
    bands, reference = TimbreBands(sample_rate), TimbreBands(48000)
    heard = bands.of_audio(tones(sample_rate)).mean(axis=1)
    expected = reference.of_audio(tones(48000)).mean(axis=1)
    loud = expected > -50
    assert loud.sum() >= 7
    # Single bands of two or three bins hear a tone by where their bins happen to lie.
    assert np.abs(heard - expected)[loud].mean() < 0.7


def test_levels_do_not_depend_on_how_loud_the_music_is():
    quiet = TimbreBands(48000).of_audio(tones(48000) * np.float32(0.01))
    loud = TimbreBands(48000).of_audio(tones(48000))
    heard = loud > -60
    assert np.abs(quiet - loud)[heard].max() < 0.01


def test_active_level_leaves_pauses_out():
    power = np.concatenate([np.full(10, 0.1), np.zeros(90)])
    assert active_level_db(power) == pytest.approx(-10.0)


@pytest.mark.parametrize("sample_rate", [22050, 44100, 96000])
def test_an_answer_that_asks_for_nothing_leaves_the_source(sample_rate):
    source = tones(sample_rate)
    same = transfer_timbre(
        source, sample_rate, "synth", network=Answers(lambda heard, label: heard)
    )
    assert np.abs(same - source).max() < 1e-6
    none = transfer_timbre(source, sample_rate, "synth", amount=0.0)
    assert np.abs(none - source).max() < 1e-6


def test_the_filter_reaches_the_levels_asked_for():
    tilt = np.linspace(-12, 12, 96, dtype=np.float32)[:, None]
    rng = np.random.default_rng(1)
    noise = rng.uniform(-0.2, 0.2, (1, 48000)).astype(np.float32)
    bands = TimbreBands(48000)
    made = bands.of_audio(
        transfer_timbre(noise, 48000, "synth", network=Answers(lambda heard, label: heard + tilt))
    )
    change = (made - bands.of_audio(noise))[:, 10:-10].mean(axis=1)
    wanted = tilt[:, 0] + np.median(change - tilt[:, 0])
    assert np.abs(change - wanted)[2:-2].max() < 0.7


def test_missing_harmonics_are_filled_in_tune():
    # A sine under noise has nothing to filter at its octave and its twelfth; copies have.
    rng = np.random.default_rng(1)
    time = np.arange(48000) / 48000
    sine = 0.3 * np.sin(2 * np.pi * 500 * time) + 1e-5 * rng.standard_normal(48000)
    source = sine[None].astype(np.float32)

    def brighter(heard, label):
        answer = heard.copy()
        answer[np.abs(TimbreBands(48000).centres_hz - 1000) < 100] = -35.0
        answer[np.abs(TimbreBands(48000).centres_hz - 1500) < 100] = -35.0
        return answer

    for fill, times_louder in ((True, 30.0), (False, 0.0)):
        made = transfer_timbre(source, 48000, "synth", fill=fill, network=Answers(brighter))
        spectrum = np.abs(np.fft.rfft(made[0, 8000:40000] * np.hanning(32000)))
        at = {hz: spectrum[round(hz / 1.5)] for hz in (500, 1000, 1500)}
        around = np.median(spectrum[round(950 / 1.5) : round(1050 / 1.5)])
        if fill:
            assert at[1000] > times_louder * around
            assert at[1500] > 0.02 * at[500]
        else:
            assert at[1000] < 10 * around


@pytest.mark.parametrize("block", [64, 441, 4096])
def test_blocks_of_any_size_give_the_same_audio(block):
    source = tones(44100, 2.5)
    level_db = level_of_blocks([source], 44100)

    def run(size):
        stream = TimbreTransfer("synth", sample_rate=44100, num_channels=2, level_db=level_db)
        starts = range(0, source.shape[1], size)
        parts = [stream.push(source[:, s : s + size]) for s in starts]
        return np.concatenate([*parts, stream.finish()], axis=1)

    whole = run(source.shape[1])
    assert whole.shape == source.shape
    assert np.abs(run(block) - whole).max() < 1e-6


@pytest.mark.parametrize("to", shipped_network().classes)
def test_pitch_length_loudness_and_sides_stay(to):
    source = tones(48000)
    made = transfer_timbre(source, 48000, to)
    assert made.shape == source.shape
    assert made.dtype == np.float32
    assert np.abs(made - source).max() > 1e-3
    assert np.square(made).mean() == pytest.approx(np.square(source).mean(), rel=1e-4)
    np.testing.assert_allclose(made[0], 2 * made[1], atol=1e-6)
    for first, f0 in ((4000, 220.0), (34000, 330.0)):
        harmonic = strongest_hz(made[0, first : first + 20000], 48000) / f0
        assert abs(harmonic - round(harmonic)) < 0.01
        assert harmonic < 4.5


def test_timbres_differ_from_one_another():
    source = tones(48000, channels=1)
    bands = TimbreBands(48000)
    found = [
        bands.of_audio(transfer_timbre(source, 48000, to)).mean(axis=1)
        for to in ("synth", "choir", "woodwind")
    ]
    for index in range(3):
        assert np.abs(found[index] - found[index - 1]).mean() > 0.5


def test_silence_and_nothing_come_back_as_they_are():
    assert not transfer_timbre(np.zeros((2, 9000), np.float32), 48000, "pad").any()
    assert transfer_timbre(np.zeros((2, 0), np.float32), 48000, "pad").shape == (2, 0)
    assert transfer_timbre(np.full((1, 1), 0.5, np.float32), 48000, "pad").shape == (1, 1)


def test_the_network_answers_alike_with_more_context():
    network = shipped_network()
    levels = TimbreBands(48000).of_audio(tones(48000, 2.0))
    reach = network.context_frames
    whole = network.answer_db(levels, 3)
    part = network.answer_db(levels[:, 10 : 10 + 2 * reach + 20], 3)
    middle = slice(10 + reach, 30 + reach)
    np.testing.assert_allclose(part[:, reach : reach + 20], whole[:, middle], atol=1e-3)
    assert whole.min() >= FLOOR_DB


def test_bad_options_say_what_would_be_right():
    source = tones(48000, 0.1)
    with pytest.raises(RenderError, match=r"amount=1\.5 must be 0-1"):
        transfer_timbre(source, 48000, "synth", amount=1.5)
    with pytest.raises(ModelError, match="to='kazoo' must be one of strings, brass"):
        transfer_timbre(source, 48000, "kazoo")
    with pytest.raises(RenderError, match="sample_rate=4000 must be"):
        transfer_timbre(source, 4000, "synth")
    with pytest.raises(AudioError, match=r"must be \(channels, samples\)"):
        transfer_timbre(source[0], 48000, "synth")
    source[0, 5] = np.nan
    with pytest.raises(AudioError, match="NaN or infinite"):
        transfer_timbre(source, 48000, "synth")


def test_damaged_weights_are_refused_in_one_line(tmp_path):
    from importlib.resources import files
    from pathlib import Path

    folder = Path(str(files("leitmotiv.instruments") / "data"))
    for name in ("timbre-transfer.npz", "timbre-transfer.json"):
        shutil.copy(folder / name, tmp_path)
    path, sidecar = tmp_path / "timbre-transfer.npz", tmp_path / "timbre-transfer.json"
    content = json.loads(sidecar.read_text(encoding="utf-8"))
    sidecar.write_text(json.dumps({**content, "sidecar_version": 9}), encoding="utf-8")
    with pytest.raises(ModelError, match="is of version 9"):
        TimbreNetwork(path)
    sidecar.write_text(json.dumps({**content, "classes": ["one"]}), encoding="utf-8")
    with pytest.raises(ModelError, match="missing or damaged"):
        TimbreNetwork(path)
    sidecar.write_text(json.dumps(content), encoding="utf-8")
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(ModelError, match="missing or damaged"):
        TimbreNetwork(path)
    path.unlink()
    with pytest.raises(ModelError, match="missing or damaged"):
        TimbreNetwork(path)


def test_shipped_network_names_its_data_and_licences_and_is_small():
    from importlib.resources import files
    from pathlib import Path

    sidecar = shipped_network().sidecar
    assert "MIT" in sidecar["data"]["licences"]["soundfont"]
    weights = Path(str(files("leitmotiv.instruments") / "data" / "timbre-transfer.npz"))
    assert weights.stat().st_size < 1.5e6
