from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.effects import Compressor
from leitmotiv.errors import AudioError


def steady(level_db: float, seconds: float = 1.0) -> np.ndarray:
    # A square wave's RMS is its amplitude.
    wave = np.where(np.arange(round(48000 * seconds)) // 24 % 2, 1.0, -1.0)
    return (10 ** (level_db / 20) * np.stack([wave, wave])).astype(np.float32)


@pytest.mark.parametrize(("level", "expected"), [(-40, -40), (-12, -18), (0, -15)])
def test_static_curve_beyond_the_knee(level, expected):
    compressor = Compressor(threshold_db=-20.0, ratio=4.0, knee_db=6.0)
    out = compressor.process(steady(level))
    assert 20 * np.log10(np.abs(out[0, -1])) == pytest.approx(expected, abs=0.05)


def test_curve_has_no_step_and_never_rises():
    compressor = Compressor(threshold_db=-20.0, ratio=3.0, knee_db=10.0)
    reduction = compressor.reduction_db(np.linspace(-60, 0, 6001))
    assert np.all(np.diff(reduction) >= 0)
    assert np.diff(reduction).max() <= 0.01 * (1 - 1 / 3) + 1e-9


def test_attack_and_release_take_their_time():
    compressor = Compressor(threshold_db=-30.0, ratio=10.0, attack_ms=50.0, release_ms=300.0)
    out = compressor.process(np.concatenate([steady(-60, 0.5), steady(-10), steady(-40)], axis=1))
    gain_db = 20 * np.log10(np.abs(out[0]) / np.abs(np.concatenate(
        [steady(-60, 0.5), steady(-10), steady(-40)], axis=1)[0]))  # fmt: skip
    full = gain_db[24000 + 47000]
    start = 24000
    assert gain_db[start + 2400] == pytest.approx(full * (1 - np.exp(-1)), abs=0.8)
    later = start + 48000 + 14400
    assert full < gain_db[later] < full * 0.2


def test_channels_are_linked():
    audio = steady(-6)
    audio[1] *= 0.1
    out = Compressor(threshold_db=-30.0, ratio=8.0).process(audio)
    np.testing.assert_allclose(out[1], 0.1 * out[0], rtol=1e-5)


def level_db(audio: np.ndarray) -> float:
    return float(20 * np.log10(np.abs(audio[0, -4800:]).max()))


@pytest.mark.parametrize("detector", ["rms", "peak"])
@pytest.mark.parametrize("ratio", [2.0, 4.0, 10.0, 50.0])
@pytest.mark.parametrize("threshold_db", [-40.0, -20.0])
def test_ratio_and_threshold(threshold_db, ratio, detector):
    compressor = Compressor(
        threshold_db=threshold_db, ratio=ratio, knee_db=0.0, detector=detector, attack_ms=1.0
    )
    for level in (threshold_db - 6, threshold_db + 5, threshold_db + 15):
        compressor.reset()
        expected = min(level, threshold_db + (level - threshold_db) / ratio)
        assert level_db(compressor.process(steady(level))) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("sample_rate", [22_050, 48_000, 96_000])
@pytest.mark.parametrize(("attack_ms", "release_ms"), [(2.0, 80.0), (30.0, 400.0)])
def test_attack_and_release_reach_63_percent_of_the_change_in_db(
    attack_ms, release_ms, sample_rate
):
    one = sample_rate // 2
    loud = np.concatenate([np.full(one, 0.01), np.full(one, 1.0), np.full(2 * one, 0.01)])
    compressor = Compressor(
        threshold_db=-30.0, ratio=1000 / 50, knee_db=0.0, attack_ms=attack_ms,
        release_ms=release_ms, detector="peak", window_ms=0.1, sample_rate=sample_rate,
        num_channels=1,
    )  # fmt: skip
    gain_db = 20 * np.log10(compressor.process(loud[None].astype(np.float32))[0] / loud)
    full = -30.0 * (1 - 1 / 20)
    attacked = np.argmax(gain_db[one:] <= full * (1 - np.exp(-1))) / sample_rate
    assert attacked == pytest.approx(attack_ms * 1e-3, rel=0.05)
    # The detector's window of 0.1 ms is part of what one hears as release.
    released = np.argmax(gain_db[2 * one :] >= gain_db[2 * one - 1] * np.exp(-1)) / sample_rate
    assert released == pytest.approx(release_ms * 1e-3, rel=0.05)


def test_a_side_chain_ducks():
    time = np.arange(48_000) / 48_000
    pad = np.stack([np.sin(2 * np.pi * 220 * time)] * 2).astype(np.float32) * 0.1
    kick = np.zeros_like(pad)
    kick[:, 20_000:24_000] = 0.9
    compressor = Compressor(threshold_db=-30.0, ratio=10.0, attack_ms=2.0, release_ms=50.0)
    out = compressor.process(pad, side_chain=kick)
    assert np.array_equal(out[:, :20_000], pad[:, :20_000])
    assert np.abs(out[:, 23_000:24_000]).max() < 0.01
    assert np.abs(out[:, 46_000:]).max() > 0.095


def test_a_low_cut_keeps_bass_from_pumping():
    time = np.arange(48_000) / 48_000
    bass = np.stack([np.sin(2 * np.pi * 40 * time)] * 2).astype(np.float32) * 0.5
    compressor = Compressor(threshold_db=-30.0, ratio=8.0, side_low_cut_hz=600.0)
    compressor.process(bass)
    assert compressor.largest_reduction_db < 1.0
    open_one = Compressor(threshold_db=-30.0, ratio=8.0)
    open_one.process(bass)
    assert open_one.largest_reduction_db > 15.0


def test_look_ahead_catches_the_attack_and_is_reported():
    click = np.full((2, 9600), 0.01, np.float32)
    click[:, 4800:] = 1.0
    late = Compressor(threshold_db=-40.0, ratio=50.0, attack_ms=1.0, detector="peak")
    early = Compressor(
        threshold_db=-40.0, ratio=50.0, attack_ms=1.0, detector="peak", lookahead_ms=5.0
    )
    assert early.latency_samples == 240
    assert np.abs(late.process(click)[:, 4800]).max() > 0.5
    assert np.abs(early.process(click)[:, 5040:]).max() < 0.03


def test_mix_is_parallel_compression():
    audio = steady(-6)
    full = Compressor(threshold_db=-30.0, ratio=8.0).process(audio)
    half = Compressor(threshold_db=-30.0, ratio=8.0, mix=0.5).process(audio)
    np.testing.assert_allclose(half, 0.5 * (full + audio), atol=1e-6)


def test_a_detector_that_there_is_not_is_refused():
    with pytest.raises(AudioError, match="detector='opto' must be one of rms, peak"):
        Compressor(detector="opto")  # type: ignore[arg-type]
