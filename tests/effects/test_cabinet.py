"""Cabinets sound like loudspeakers, at once, and like the file they are given."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from leitmotiv.effects.cabinet import Cabinet
from leitmotiv.effects.cabinet_responses import CABINETS, MICROPHONES, cabinet_response
from leitmotiv.errors import AudioError

RATE = 48_000


def level_db(response: NDArray[np.float32], low: float, high: float, rate: int = RATE) -> float:
    frequency = np.fft.rfftfreq(8192, 1 / rate)
    power = np.abs(np.fft.rfft(response, 8192)) ** 2
    return float(10 * np.log10(power[(frequency >= low) & (frequency < high)].mean()))


@pytest.mark.parametrize("microphone", MICROPHONES)
@pytest.mark.parametrize("cabinet", CABINETS)
def test_a_cabinet_ends_where_guitar_loudspeakers_end(cabinet: str, microphone: str) -> None:
    response = cabinet_response(cabinet, microphone, sample_rate=RATE)
    assert np.abs(response).argmax() < 0.001 * RATE
    voice = level_db(response, 100.0, 3000.0)
    assert level_db(response, 20.0, 40.0) < voice - 9.0
    assert level_db(response, 10_000.0, 20_000.0) < voice - 20.0
    assert level_db(response, 2000.0, 4000.0) > voice - 6.0


def test_the_edge_of_the_cone_is_darker_than_its_centre() -> None:
    levels = [
        level_db(cabinet_response("closed_4x12", "dynamic", position=p, sample_rate=RATE), 3e3, 6e3)
        for p in (0.0, 0.5, 1.0)
    ]
    assert levels[0] > levels[1] + 2.0 > levels[2] + 4.0


def test_closeness_lifts_the_bass() -> None:
    near, far = (
        cabinet_response("open_1x12", "ribbon", distance_cm=d, sample_rate=RATE) for d in (2, 60)
    )
    contrast = [level_db(r, 70.0, 150.0) - level_db(r, 900.0, 2000.0) for r in (near, far)]
    assert contrast[0] > contrast[1] + 2.0


@pytest.mark.parametrize("rate", [22_050, 44_100, 96_000])
def test_a_cabinet_is_the_same_at_every_rate(rate: int) -> None:
    here = cabinet_response("open_2x12", "dynamic", sample_rate=rate)
    there = cabinet_response("open_2x12", "dynamic", sample_rate=RATE)
    gains = [
        10 * np.log10(np.abs(np.sum(r * np.exp(-2j * np.pi * hz * np.arange(len(r)) / f))) ** 2)
        for hz in (120.0, 500.0, 1500.0, 3000.0)
        for r, f in ((here, rate), (there, RATE))
    ]
    assert np.abs(np.subtract(gains[::2], gains[1::2])).max() < 1.0


def test_the_cabinet_convolves_without_delay(rng: np.random.Generator) -> None:
    audio = (0.1 * rng.standard_normal((1, 4000))).astype(np.float32)
    effect = Cabinet(num_channels=1)
    expected = np.convolve(audio[0].astype(np.float64), effect.response)[:4000]
    np.testing.assert_allclose(effect.process(audio)[0], expected, atol=1e-6)
    assert effect.latency_samples == 0
    assert effect.tail_sec == pytest.approx(0.04)


def test_a_file_of_another_rate_keeps_its_gain_and_its_tone(tmp_path: Path) -> None:
    response = cabinet_response("open_1x12", "dynamic", sample_rate=44_100)
    soundfile.write(tmp_path / "mine.wav", np.stack([response, response]).T, 44_100, "FLOAT")
    loaded = Cabinet(file=str(tmp_path / "mine.wav"), sample_rate=RATE).response
    for low, high in ((100.0, 400.0), (400.0, 1500.0), (1500.0, 4000.0)):
        own = level_db(response, low, high, 44_100)
        assert level_db(loaded, low, high) == pytest.approx(own, abs=0.3)


def test_what_is_no_impulse_response_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silent.wav", np.zeros(100), RATE)
    with pytest.raises(AudioError, match="is silent or holds NaN"):
        Cabinet(file=str(tmp_path / "silent.wav"))
    with pytest.raises(AudioError, match="no such file"):
        Cabinet(file=str(tmp_path / "none.wav"))


def test_unknown_names_are_answered_with_the_known_ones() -> None:
    with pytest.raises(AudioError, match=r"cabinet='8x10' must be one of open_1x12"):
        Cabinet(cabinet="8x10")
    with pytest.raises(AudioError, match=r"microphone='phone' must be one of dynamic"):
        Cabinet(microphone="phone")
    with pytest.raises(AudioError, match="distance_cm"):
        Cabinet(distance_cm=0.0)
