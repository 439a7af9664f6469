"""The analysis of notes finds what was put in, and the kernel plays it back."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from leitmotiv.errors import AudioError
from leitmotiv.instruments.neural_analysis import (
    analyse_note,
    find_ending,
    find_onset,
    note_level,
)
from leitmotiv.instruments.neural_distance import detect_pitch, log_mel_distance
from leitmotiv.instruments.neural_grid import (
    NUM_BANDS,
    log_mel,
    mel_filters,
    noise_edges_hz,
    partial_hz,
)
from leitmotiv.instruments.neural_kernel import add_noise, add_partials, noise_bands
from leitmotiv.instruments.neural_pack import mel_response, moments, noise_response

RATE = 48_000
TIMES = np.array([0.2, 0.4, 0.6])


def tone(
    f0: float, levels: list[float], *, stiffness: float = 0.0, seconds: float = 1.0
) -> NDArray[np.float64]:
    """Partials with the given amplitudes; phases that do not line up."""
    t = np.arange(int(seconds * RATE)) / RATE
    hz = partial_hz(f0, stiffness, np.arange(1, len(levels) + 1))
    parts = [
        a * np.sin(2 * np.pi * f * t + k) for k, (a, f) in enumerate(zip(levels, hz, strict=True))
    ]
    return np.asarray(np.sum(parts, axis=0))


@pytest.mark.parametrize("pitch", [33, 48, 69, 90])
def test_levels_of_harmonics_are_found_within_half_a_decibel(pitch: int) -> None:
    f0 = 440 * 2 ** ((pitch - 69) / 12)
    levels = [0.5, 0.25, 0.0, 0.1, 0.02]
    frames = analyse_note(tone(f0, levels), RATE, pitch, TIMES)
    found = frames.harmonic_db[1]
    for harmonic in (0, 1, 3, 4):
        assert found[harmonic] == pytest.approx(20 * np.log10(levels[harmonic]), abs=0.5)
    assert found[2] < -45.0  # side lobes of its neighbours


def test_a_mistuned_note_tells_its_cents() -> None:
    frames = analyse_note(tone(440 * 2 ** (23 / 1200), [0.4, 0.2, 0.1]), RATE, 69, TIMES)
    np.testing.assert_allclose(frames.cents, 23.0, atol=1.0)


@pytest.mark.parametrize("stiffness", [1e-4, 1e-3])
def test_the_stiffness_of_a_string_is_found(stiffness: float) -> None:
    levels = [0.4 / k for k in range(1, 16)]
    audio = tone(110.0, levels, stiffness=stiffness)
    frames = analyse_note(audio, RATE, 45, TIMES, stiff=True)
    assert frames.inharmonicity == pytest.approx(stiffness, rel=0.1)
    assert frames.harmonic_db[1, 11] == pytest.approx(20 * np.log10(levels[11]), abs=0.7)


def test_noise_between_partials_is_found_in_its_bands(rng: np.random.Generator) -> None:
    noise = 0.05 * rng.standard_normal(4 * RATE)
    audio = tone(220.0, [0.3, 0.2], seconds=4.0) + noise
    frames = analyse_note(audio, RATE, 57, np.linspace(0.2, 3.8, 90))
    edges = noise_edges_hz()
    wanted = 20 * np.log10(0.05) + 10 * np.log10(np.diff(edges) / (RATE / 2))
    np.testing.assert_allclose(frames.noise_db.mean(0)[2:], wanted[2:], atol=1.5)


def test_an_attack_is_not_blurred_by_a_long_window() -> None:
    audio = tone(55.0, [0.4, 0.3, 0.2, 0.1])
    audio *= np.minimum(np.arange(len(audio)) / (0.02 * RATE), 1.0)
    frames = analyse_note(audio, RATE, 33, np.array([0.03, 0.06, 0.4]))
    assert frames.harmonic_db[0, 0] == pytest.approx(frames.harmonic_db[2, 0], abs=3.0)


def test_onset_ending_and_level() -> None:
    body = tone(330.0, [0.3, 0.1], seconds=0.8)
    fall = 10 ** (-200 * np.arange(int(0.3 * RATE)) / RATE / 20)
    ended = np.concatenate([body, body[: len(fall)] * fall])
    silence = np.zeros(4800)
    assert find_onset(np.concatenate([silence, ended]), RATE) == pytest.approx(4800, abs=200)
    key_up, rate = find_ending(ended, RATE)
    assert key_up == pytest.approx(0.8, abs=0.06)
    assert rate == pytest.approx(200.0, rel=0.2)
    assert note_level(2 * ended, RATE) == pytest.approx(2 * note_level(ended, RATE))
    assert note_level(np.zeros(100), RATE) == 0.0


@pytest.mark.parametrize("pitch", [28, 45, 60, 81, 98])
def test_the_pitch_of_a_note_is_detected(pitch: int) -> None:
    audio = tone(440 * 2 ** ((pitch - 69) / 12), [0.2, 0.4, 0.3, 0.1], seconds=0.7)
    assert detect_pitch(audio, RATE) == pytest.approx(pitch, abs=0.2)


def test_noise_has_no_pitch(rng: np.random.Generator) -> None:
    with pytest.raises(AudioError, match="no steady pitch"):
        detect_pitch(rng.standard_normal(RATE), RATE)


def test_the_distance_is_zero_for_itself_and_six_for_a_band_at_half_power() -> None:
    audio = tone(440.0, [0.3, 0.2, 0.1])
    assert log_mel_distance(audio, audio).all_db == 0.0
    assert log_mel_distance(audio, 0.1 * audio).all_db < 1e-3
    assert log_mel_distance(audio, tone(440.0, [0.3, 0.02, 0.1])).all_db > 0.3
    with pytest.raises(AudioError, match="silent"):
        log_mel_distance(audio, np.zeros(1000))


def test_the_mel_of_levels_agrees_with_the_mel_of_audio(rng: np.random.Generator) -> None:
    centre = np.array([RATE // 2])
    for hz in (150.0, 700.0, 3100.0):
        measured = log_mel(tone(hz, [1.0]), RATE, centre)[0]
        row = mel_response()[round(hz / (RATE / 4096 / 2))]
        heard = measured > measured.max() - 12
        np.testing.assert_allclose(10 * np.log10(row[heard]), measured[heard], atol=1.3)
    noise = rng.standard_normal(4 * RATE)
    measured = 10 ** (log_mel(noise, RATE, np.arange(RATE, 3 * RATE, 700)) / 10)
    share = np.diff(noise_edges_hz()) / (RATE / 2)
    np.testing.assert_allclose(
        10 * np.log10(share @ noise_response())[4:60],
        10 * np.log10(measured.mean(0))[4:60],
        atol=1.0,
    )


def test_mel_filters_leave_no_gap() -> None:
    filters = mel_filters(RATE)
    inside = slice(round(60 * 4096 / RATE), round(15_000 * 4096 / RATE))
    assert (filters.sum(0)[inside] > 0.3).all()


def test_moments_rise_and_fill_the_note() -> None:
    for end in (0.12, 0.8, 3.2):
        times = moments(end, 0.3)
        assert (np.diff(times) >= 0).all()
        assert times[0] < 0.002
        assert 0.9 * end < times[-1] <= end


def test_partials_are_the_sines_that_were_asked_for() -> None:
    blocks = 40
    out = np.zeros(blocks * 64, np.float32)
    stretch = np.array([1.0, 2.01, 3.05])
    amplitude = np.tile(np.array([[0.5, 0.2, 0.1]], np.float32), (2, 1))
    amplitude[1] *= 0.5
    phase = np.array([0.0, 0.25, 0.6])
    cycles = np.full(blocks, 300 / RATE)
    gain = np.ones(blocks + 1, np.float32)
    add_partials(out, np.array([0, blocks]), amplitude, cycles, stretch, phase.copy(), gain, 1e-9)
    n = np.arange(len(out))
    fade = 1.0 - 0.5 * n / len(out)
    wanted = sum(
        a * np.sin(2 * np.pi * (300 / RATE * s * n + p))
        for a, s, p in zip((0.5, 0.2, 0.1), stretch, phase, strict=True)
    )
    np.testing.assert_allclose(out, fade * wanted, atol=2e-5)


def test_partials_above_the_band_are_left_out() -> None:
    out = np.zeros(640, np.float32)
    add_partials(
        out,
        np.array([0]),
        np.ones((1, 1), np.float32),
        np.full(10, 0.49),
        np.ones(1),
        np.zeros(1),
        np.ones(11, np.float32),
        1e-9,
    )
    assert not out.any()


def test_noise_stays_in_its_band() -> None:
    bands = noise_bands(RATE)
    np.testing.assert_allclose(np.sqrt((bands.astype(float) ** 2).mean(1)), 1.0, atol=1e-3)
    blocks = 512
    out = np.zeros(blocks * 64, np.float32)
    level = np.zeros((1, NUM_BANDS), np.float32)
    level[0, 12] = 0.3
    gain = np.ones(blocks + 1, np.float32)
    add_noise(out, np.array([0]), level, bands, np.full(NUM_BANDS, 6400), gain, 1e-9)
    power = np.abs(np.fft.rfft(out * np.hanning(len(out)))) ** 2
    hz = np.fft.rfftfreq(len(out), 1 / RATE)
    edges = noise_edges_hz()
    inside = (hz > edges[12] - 10) & (hz < edges[13] + 10)
    assert power[inside].sum() > 0.999 * power.sum()
    assert np.sqrt((out.astype(float) ** 2).mean()) == pytest.approx(0.3, rel=0.2)
