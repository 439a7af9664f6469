from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.effects.filter import Filter
from leitmotiv.errors import AudioError

RATES = (22_050, 48_000, 96_000)


def response_db(effect: Filter, *frequencies_hz: float, level: float = 1.0) -> list[float]:
    """Read the response off one second of impulse response: a bin is one Hz."""
    click = np.zeros((1, effect.sample_rate), np.float32)
    click[0, 0] = level
    spectrum = np.abs(np.fft.rfft(effect.process(click)[0])) / level
    return [20 * np.log10(spectrum[round(hz)]) for hz in frequencies_hz]


@pytest.mark.parametrize("sample_rate", RATES)
@pytest.mark.parametrize("cutoff_hz", [50.0, 1000.0, 5000.0])
@pytest.mark.parametrize("slope_db", [12, 24])
@pytest.mark.parametrize("kind", ["low_pass", "high_pass"])
def test_passes_are_3_db_down_at_the_cutoff(kind, slope_db, cutoff_hz, sample_rate):
    effect = Filter(
        kind=kind, cutoff_hz=cutoff_hz, slope_db=slope_db, sample_rate=sample_rate, num_channels=1
    )
    assert response_db(effect, cutoff_hz)[0] == pytest.approx(-3.01, abs=0.01)


@pytest.mark.parametrize(("slope_db", "kind"), [(12, "low_pass"), (24, "low_pass"),
                                                (12, "high_pass"), (24, "high_pass")])  # fmt: skip
def test_passes_fall_by_their_slope_an_octave(kind, slope_db):
    effect = Filter(kind=kind, cutoff_hz=250.0, slope_db=slope_db, num_channels=1)
    octave = (1000.0, 2000.0) if kind == "low_pass" else (60.0, 30.0)
    near, far = response_db(effect, *octave)
    octaves = abs(np.log2(octave[1] / octave[0]))
    assert (near - far) / octaves == pytest.approx(slope_db, abs=0.6)


def test_band_pass_and_notch_stand_on_their_frequency():
    middle, below, above = response_db(
        Filter(kind="band_pass", cutoff_hz=1000.0, num_channels=1), 1000, 500, 2000
    )
    assert middle == pytest.approx(0.0, abs=0.001)
    assert below == pytest.approx(above, abs=0.1)
    assert below < -3.0
    notch = Filter(kind="notch", cutoff_hz=1000.0, resonance=0.5, num_channels=1)
    middle, far = response_db(notch, 1000, 100)
    assert middle < -100.0
    assert far == pytest.approx(0.0, abs=0.05)


def test_the_ladder_falls_by_24_db_from_12_at_its_cutoff():
    # A small click, for the ladder's input saturates.
    ladder = Filter(kind="ladder", cutoff_hz=500.0, num_channels=1)
    low, corner, near, far = response_db(ladder, 10, 500, 4000, 8000, level=1e-3)
    assert low == pytest.approx(0.0, abs=0.02)
    assert corner == pytest.approx(-12.04, abs=0.05)
    assert near - far == pytest.approx(24.0, abs=2.5)


def test_the_ladder_sings_its_cutoff_at_full_resonance_and_stays_bounded():
    ladder = Filter(kind="ladder", cutoff_hz=440.0, resonance=1.0, num_channels=1)
    burst = np.zeros((1, 48_000), np.float32)
    burst[0, :100] = 1.0
    ladder.process(burst)
    song = ladder.process(np.zeros((1, 48_000), np.float32))[0]
    spectrum = np.abs(np.fft.rfft(song * np.hanning(48_000)))
    assert np.argmax(spectrum) == pytest.approx(440, abs=3)
    assert 1e-3 < np.abs(song).max() < 2.0


@pytest.mark.parametrize("kind", ["low_pass", "high_pass", "band_pass", "notch", "ladder"])
def test_the_cutoff_may_jump_at_every_sample(kind, rng):
    audio = rng.uniform(-1, 1, (2, 20_000)).astype(np.float32)
    curves = {"cutoff_hz": rng.uniform(10, 20_000, 20_000), "resonance": rng.random(20_000)}
    assert np.abs(Filter(kind=kind).process(audio, automation=curves)).max() < 30.0


def test_a_sweep_follows_the_curve():
    # At each time the sine that the low pass lets through is the one below the cutoff.
    time = np.arange(48_000) / 48_000
    audio = np.sin(2 * np.pi * 1000 * time)[None].astype(np.float32)
    cutoff_hz = np.geomspace(100, 10_000, 48_000)
    effect = Filter(slope_db=24, num_channels=1)
    out = effect.process(audio, automation={"cutoff_hz": cutoff_hz})[0]
    level = np.sqrt(np.convolve(out**2, np.ones(480) / 480, mode="same") * 2)
    reached = cutoff_hz[np.argmax(level > np.sqrt(0.5))]
    assert reached == pytest.approx(1000, rel=0.08)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "comb"}, "kind='comb' must be one of low_pass"),
        ({"slope_db": 18}, "slope_db=18 must be 12 or 24"),
        ({"cutoff_hz": 0.0}, "cutoff_hz=0 must be between 10 and 20000 Hz"),
    ],
)
def test_what_a_filter_cannot_do_is_refused(settings, message):
    with pytest.raises(AudioError, match=message):
        Filter(**settings)
