"""The built-in instruments, held to physics: pitch, time, loudness, silence."""

from __future__ import annotations

import numpy as np
import pyloudnorm
import pytest
from numpy.typing import NDArray

from leitmotiv.instruments.modelled import render_part
from leitmotiv.score.score import CONTROL_DTYPE, PITCH_BEND, Part, Score, make_notes

RATE = 48_000
ONSET_SEC = 0.25
TICKS_PER_SEC = 960  # at 120 quarters a minute

CENTRE = {
    **dict.fromkeys((8, 9, 10, 13, 72, 78, 112), 76),
    **dict.fromkeys((*range(32, 40), 43, 58), 38),
    **dict.fromkeys((42, 57, 67, 70), 50),
    **dict.fromkeys((40, 44, 48, 49, 56, 68, 73, 110, 111), 67),
    **dict.fromkeys((47, 116, 117, 118), 45),
}
# One player, one string or one reed: the pitch of ensembles and choruses is an average.
SOLO = (0, 4, 6, 11, 14, 19, 24, 25, 27, 33, 38, 40, 41, 42, 43, 46, 56, 58, 60, 65, 68, 71, 73, 80)
ENSEMBLES = (48, 52, 61, 81, 89)
EVERY_FAMILY = (*SOLO, *ENSEMBLES, 12, 16, 21, 29, 45, 47, 104, 108, 114)


def play(
    program: int,
    pitch: int,
    *,
    velocity: int = 80,
    duration_sec: float = 1.0,
    total_sec: float = 2.5,
    seed: int = 1,
    is_drum: bool = False,
    controls: list[tuple[int, int, int]] | None = None,
) -> NDArray[np.float32]:
    """Render one note that begins at ONSET_SEC; float32 (2, samples)."""
    onset = int(ONSET_SEC * TICKS_PER_SEC)
    notes = make_notes([onset], [int(duration_sec * TICKS_PER_SEC)], [pitch], velocity)
    part = Part(
        "part", program, is_drum, notes=notes, controls=np.array(controls or [], CONTROL_DTYPE)
    )
    rng = np.random.default_rng(seed)
    return render_part(part, Score((part,)), RATE, int(total_sec * RATE), rng)


def cents_off(audio: NDArray[np.float32], pitch: int) -> float:
    """Mean deviation of the strongest of the first three harmonics, by its mean phase slope."""
    f0 = 440 * 2 ** ((pitch - 69) / 12)
    segment = audio.sum(0)[int((ONSET_SEC + 0.08) * RATE) : int((ONSET_SEC + 0.9) * RATE)]
    count = len(segment)
    spectrum = np.fft.fft(segment.astype(float) * np.hanning(count))
    hz = np.fft.fftfreq(count, 1 / RATE)

    def band(harmonic: int) -> NDArray[np.bool_]:
        return np.abs(hz - f0 * harmonic) < 0.035 * f0 * harmonic

    harmonic = max((1, 2, 3), key=lambda h: (np.abs(spectrum[band(h)]) ** 2).sum() / 3**h)
    analytic = np.fft.ifft(np.where(band(harmonic), spectrum, 0))
    phase, weight = np.unwrap(np.angle(analytic)), np.abs(analytic) ** 2
    time = np.arange(count) / RATE
    middle, mean = np.average(time, weights=weight), np.average(phase, weights=weight)
    slope = np.average((time - middle) * (phase - mean), weights=weight) / np.average(
        (time - middle) ** 2, weights=weight
    )
    return float(1200 * np.log2(slope / (2 * np.pi * harmonic * f0)))


def level_db(audio: NDArray[np.float32]) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(audio.astype(float) ** 2)) + 1e-12))


def loudness(program: int, pitch: int) -> float:
    """Integrated loudness of a phrase of quarter notes at mezzo-forte, in LUFS."""
    steps = pitch + np.array([0, 2, 4, 0, 2, 4, 2, 0])
    part = Part("part", program, notes=make_notes(np.arange(8) * 480, [440] * 8, steps, 80))
    audio = render_part(part, Score((part,)), RATE, 6 * RATE, np.random.default_rng(2))
    return float(pyloudnorm.Meter(RATE).integrated_loudness(audio.T.astype(float)))


@pytest.mark.parametrize("program", range(128))
def test_every_program_sounds_and_stays_finite(program: int) -> None:
    audio = play(program, 60, duration_sec=0.3, total_sec=0.8)
    assert audio.dtype == np.float32
    assert audio.shape == (2, int(0.8 * RATE))
    assert np.isfinite(audio).all()
    assert 0.003 < np.abs(audio).max() < 1.0
    # A convolution by FFT leaves -140 dB.
    assert np.abs(audio[:, : int(ONSET_SEC * RATE) - 1]).max() < 1e-6


@pytest.mark.parametrize("program", SOLO)
def test_notes_are_in_tune_within_3_cents(program: int) -> None:
    centre = CENTRE.get(program, 60)
    for pitch in (centre - 5, centre, centre + 12):
        off = np.mean([cents_off(play(program, pitch, seed=seed), pitch) for seed in (1, 2)])
        assert abs(off) < 3.0, f"pitch {pitch} is {off:.1f} cents off"


@pytest.mark.parametrize("program", ENSEMBLES)
def test_ensembles_are_in_tune_on_average(program: int) -> None:
    # Players a few cents apart beat: one second of one note wanders by as much as their spread.
    pitch = CENTRE.get(program, 60)
    off = [cents_off(play(program, pitch, seed=seed), pitch) for seed in range(12)]
    assert abs(np.mean(off)) < 4.0


@pytest.mark.parametrize("program", EVERY_FAMILY)
def test_sound_begins_within_5_ms_of_the_onset(program: int) -> None:
    audio = np.abs(play(program, CENTRE.get(program, 60))).max(0)
    first = int(np.flatnonzero(audio > 0.01 * audio.max())[0])
    assert -1 <= first - ONSET_SEC * RATE <= 0.005 * RATE


@pytest.mark.parametrize("program", EVERY_FAMILY)
def test_loudness_rises_with_velocity(program: int) -> None:
    pitch = CENTRE.get(program, 60)
    levels = [level_db(play(program, pitch, velocity=v)) for v in (20, 50, 80, 127)]
    # A distorted guitar is a compressor; the others span what players do.
    least = 0.3 if program == 29 else 1.0
    assert np.all(np.diff(levels) > least), levels


@pytest.mark.parametrize("program", EVERY_FAMILY)
def test_mezzo_forte_is_equally_loud(program: int) -> None:
    assert loudness(program, CENTRE.get(program, 60)) == pytest.approx(-23.0, abs=3.0)


@pytest.mark.slow
@pytest.mark.parametrize("program", range(120))
def test_mezzo_forte_is_equally_loud_on_every_program(program: int) -> None:
    assert loudness(program, CENTRE.get(program, 60)) == pytest.approx(-23.0, abs=3.0)


@pytest.mark.parametrize("program", EVERY_FAMILY)
def test_notes_end_without_a_click(program: int) -> None:
    audio = play(program, CENTRE.get(program, 60), duration_sec=0.8, total_sec=3.0).mean(0)
    bend = np.abs(np.diff(audio.astype(float), 2))
    end = int((ONSET_SEC + 0.8) * RATE)
    before = bend[int((ONSET_SEC + 0.2) * RATE) : end - 400].max()
    assert bend[end - 200 :].max() < 3.0 * before


@pytest.mark.parametrize("program", [0, 19, 25, 40, 48, 56, 73, 80, 81])
def test_high_notes_do_not_fold_back(program: int) -> None:
    pitch = 100
    audio = play(program, pitch).mean(0)[int(0.45 * RATE) : int(1.2 * RATE)].astype(float)
    power = np.abs(np.fft.rfft(audio * np.hanning(len(audio)))) ** 2
    hz = np.fft.rfftfreq(len(audio), 1 / RATE)
    f0 = 440 * 2 ** ((pitch - 69) / 12)
    harmonic = np.abs(hz / f0 - np.rint(hz / f0)) < 0.12
    if program == 19:  # an organ has pipes an octave below
        harmonic |= np.abs(2 * hz / f0 - np.rint(2 * hz / f0)) < 0.12
    # What is left is bow and breath noise.
    assert power[~harmonic].sum() < 10**-2.5 * power.sum()
    if program in (80, 81):
        assert power[~harmonic].sum() < 1e-5 * power.sum()


def test_the_same_seed_gives_the_same_sound() -> None:
    for program in (0, 40, 73):
        np.testing.assert_array_equal(play(program, 60, seed=5), play(program, 60, seed=5))
        assert not np.array_equal(play(program, 60, seed=5), play(program, 60, seed=6))


@pytest.mark.parametrize("is_drum", [False, True])
def test_an_empty_part_is_silent(is_drum: bool) -> None:
    part = Part("rest", 40, is_drum)
    audio = render_part(part, Score((part,)), RATE, 1000, np.random.default_rng(0))
    assert audio.shape == (2, 1000)
    assert not audio.any()


@pytest.mark.parametrize("program", [0, 4, 11, 46])
def test_the_sustain_pedal_holds_notes(program: int) -> None:
    down = [(0, 64, 127)]
    after = slice(int((ONSET_SEC + 0.8) * RATE), None)
    dry = level_db(play(program, 60, duration_sec=0.2)[:, after])
    held = level_db(play(program, 60, duration_sec=0.2, controls=down)[:, after])
    assert held > dry + 6.0


@pytest.mark.parametrize("program", [0, 16, 25, 40, 52, 60, 73, 81])
def test_expression_scales_the_level(program: int) -> None:
    full = level_db(play(program, 60))
    half = level_db(play(program, 60, controls=[(0, 11, 64)]))
    # 40 log10(64 / 127) = -11.9 dB; brightness adds a little.
    assert half - full == pytest.approx(-11.9, abs=2.5)


@pytest.mark.parametrize("program", [25, 40, 73, 80])
def test_pitch_bend_moves_the_pitch(program: int) -> None:
    bent = play(program, 60, controls=[(0, PITCH_BEND, 4096)])
    assert cents_off(bent, 61) == pytest.approx(0.0, abs=4.0)


def test_touching_notes_are_slurred_and_separate_ones_are_not() -> None:
    def dip_db(gap_ticks: int) -> float:
        notes = make_notes([0, 960], [960 - gap_ticks, 960], [67, 69], 80)
        part = Part("violin", 40, notes=notes)
        audio = render_part(part, Score((part,)), RATE, 3 * RATE, np.random.default_rng(1))
        window = np.convolve(audio.mean(0) ** 2, np.ones(480) / 480, "same")
        around = window[int(0.9 * RATE) : int(1.1 * RATE)]
        return float(10 * np.log10(around.min() / np.median(window[: 2 * RATE])))

    assert dip_db(0) > -10.0
    assert dip_db(192) < -15.0


def test_a_closed_hat_stops_an_open_one() -> None:
    def tail(keys: list[int]) -> float:
        notes = make_notes([0, 240][: len(keys)], [240] * len(keys), keys, 90)
        part = Part("drums", 0, True, notes=notes)
        audio = render_part(part, Score((part,)), RATE, RATE, np.random.default_rng(1))
        return level_db(audio[:, int(0.42 * RATE) : int(0.6 * RATE)])

    assert tail([46, 44]) < tail([46]) - 12.0


@pytest.mark.parametrize("key", [35, 36, 38, 39, 42, 46, 49, 51, 54, 56, 63, 70, 75, 81])
def test_drums_sound_at_their_time(key: int) -> None:
    audio = np.abs(play(0, key, is_drum=True)).max(0)
    first = int(np.flatnonzero(audio > 0.02 * audio.max())[0])
    assert 0 <= first - ONSET_SEC * RATE <= 0.005 * RATE
    assert audio.max() > 0.02


def test_keys_without_a_drum_are_silent() -> None:
    assert not play(0, 3, is_drum=True).any()
