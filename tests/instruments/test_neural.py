"""The neural engine, held to physics: pitch, time, loudness, level, silence."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyloudnorm
import pytest
from numpy.typing import NDArray

from leitmotiv.instruments import RenderOptions, render_stems
from leitmotiv.instruments.modelled import render_part as render_modelled
from leitmotiv.instruments.neural import NEURAL_PROGRAMS, render_part
from leitmotiv.instruments.neural_catalogue import instrument_named
from leitmotiv.score.score import CONTROL_DTYPE, PITCH_BEND, Part, Score, make_notes

RATE = 48_000
ONSET_SEC = 0.25
TICKS_PER_SEC = 960  # at 120 quarters a minute
SOLO = (24, 27, 33, 40, 42, 56, 58, 60, 65, 68, 71, 73)
ENSEMBLES = (48, 52, 61)


def centre(program: int) -> int:
    instrument = instrument_named(NEURAL_PROGRAMS[program].instrument)
    return (instrument.low + instrument.high) // 2


def play(
    program: int,
    pitch: int,
    *,
    velocity: int = 80,
    duration_sec: float = 1.0,
    total_sec: float = 2.0,
    rate: int = RATE,
    seed: int = 1,
    controls: list[tuple[int, int, int]] | None = None,
) -> NDArray[np.float32]:
    """Render one note that begins at ONSET_SEC; float32 (2, samples)."""
    onset = int(ONSET_SEC * TICKS_PER_SEC)
    notes = make_notes([onset], [int(duration_sec * TICKS_PER_SEC)], [pitch], velocity)
    part = Part("part", program, notes=notes, controls=np.array(controls or [], CONTROL_DTYPE))
    generator = np.random.default_rng(seed)
    return render_part(part, Score((part,)), rate, int(total_sec * rate), generator)


def level_db(audio: NDArray[np.float32]) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(audio.astype(float) ** 2)) + 1e-12))


def strongest_hz(audio: NDArray[np.float32], around_hz: float) -> float:
    """Frequency of the strongest line within a semitone of a frequency, to about 0.1 Hz."""
    segment = audio.sum(0)[int((ONSET_SEC + 0.1) * RATE) : int((ONSET_SEC + 0.95) * RATE)]
    spectrum = np.abs(np.fft.rfft(segment * np.hanning(len(segment)), 1 << 20))
    hz = np.fft.rfftfreq(1 << 20, 1 / RATE)
    inside = np.abs(np.log2(hz + 1e-9) - np.log2(around_hz)) < 1 / 12
    return float(hz[inside][np.argmax(spectrum[inside])])


@pytest.mark.parametrize("program", sorted(NEURAL_PROGRAMS))
def test_every_trained_program_sounds_after_its_onset(program: int) -> None:
    audio = play(program, centre(program), duration_sec=0.25, total_sec=0.7)
    assert audio.dtype == np.float32
    assert audio.shape == (2, int(0.7 * RATE))
    assert np.isfinite(audio).all()
    assert 0.01 < np.abs(audio).max() < 1.0
    assert not audio[:, : int(ONSET_SEC * RATE)].any()


@pytest.mark.parametrize("program", [*SOLO, *ENSEMBLES])
def test_sound_begins_within_5_ms_of_the_onset(program: int) -> None:
    audio = np.abs(play(program, centre(program))).max(0)
    first = int(np.flatnonzero(audio > 0.01 * audio.max())[0])
    assert 0 <= first - ONSET_SEC * RATE <= 0.005 * RATE


@pytest.mark.parametrize("program", SOLO)
def test_notes_are_in_tune_within_5_cents(program: int) -> None:
    pitch = centre(program)
    wanted = 440 * 2 ** ((pitch - 69) / 12)
    found = np.mean([strongest_hz(play(program, pitch, seed=s), wanted) for s in (1, 2)])
    assert abs(1200 * np.log2(found / wanted)) < 5.0


@pytest.mark.parametrize("program", [*SOLO, *ENSEMBLES])
def test_loudness_rises_with_velocity(program: int) -> None:
    levels = [level_db(play(program, centre(program), velocity=v)) for v in (20, 50, 80, 127)]
    assert np.all(np.diff(levels) > 1.0), levels


@pytest.mark.parametrize("program", [*SOLO, *ENSEMBLES])
def test_mezzo_forte_is_equally_loud(program: int) -> None:
    steps = centre(program) + np.array([0, 2, 4, 0, 2, 4, 2, 0])
    part = Part("part", program, notes=make_notes(np.arange(8) * 480, [440] * 8, steps, 80))
    audio = render_part(part, Score((part,)), RATE, 5 * RATE, np.random.default_rng(2))
    found = pyloudnorm.Meter(RATE).integrated_loudness(audio.T.astype(float))
    assert found == pytest.approx(-23.0, abs=2.5)


@pytest.mark.parametrize("program", [27, 42, 56, 73])
def test_notes_end_without_a_click(program: int) -> None:
    audio = play(program, centre(program), duration_sec=0.8, total_sec=3.0).mean(0)
    bend = np.abs(np.diff(audio.astype(float), 2))
    end = int((ONSET_SEC + 0.8) * RATE)
    assert bend[end - 200 :].max() < 3.0 * bend[int((ONSET_SEC + 0.2) * RATE) : end - 400].max()


def test_a_held_tone_lasts_and_a_plucked_one_dies() -> None:
    def fall(program: int) -> float:
        audio = play(program, centre(program), duration_sec=4.0, total_sec=4.5)
        early = audio[:, int(0.5 * RATE) : int(1.0 * RATE)]
        return level_db(early) - level_db(audio[:, int(3.5 * RATE) : int(4.0 * RATE)])

    assert abs(fall(73)) < 3.0
    assert fall(24) > 10.0


def test_a_slur_keeps_sounding_and_a_gap_does_not() -> None:
    def least_db(duration: int) -> float:
        notes = make_notes([240, 720], [duration, 480], [72, 76], 80)
        part = Part("flute", 73, notes=notes)
        audio = render_part(part, Score((part,)), RATE, 2 * RATE, np.random.default_rng(1))
        middle = audio[0, int(0.70 * RATE) : int(0.755 * RATE)].reshape(-1, 528)
        return min(level_db(piece) for piece in middle) - level_db(audio[0, 20_000:30_000])

    assert least_db(480) > -9.0
    assert least_db(380) < -15.0


def test_pitch_bend_moves_the_pitch() -> None:
    bent = play(56, 70, controls=[(0, PITCH_BEND, 4096)])
    wanted = 440 * 2 ** ((71 - 69) / 12)
    assert abs(1200 * np.log2(strongest_hz(bent, wanted) / wanted)) < 8.0


def test_modulation_adds_vibrato() -> None:
    def spread_hz(controls: list[tuple[int, int, int]]) -> float:
        audio = play(71, 69, duration_sec=1.6, total_sec=2.0, controls=controls)[0]
        body = audio[int(0.8 * RATE) : int(1.7 * RATE)]
        spectrum = np.abs(np.fft.rfft(body * np.hanning(len(body)))) ** 2
        hz = np.fft.rfftfreq(len(body), 1 / RATE)
        inside = np.abs(hz - 440) < 40
        mean = np.average(hz[inside], weights=spectrum[inside])
        return float(np.sqrt(np.average((hz[inside] - mean) ** 2, weights=spectrum[inside])))

    assert spread_hz([(0, 1, 127)]) > 2.0 * spread_hz([])


def test_expression_makes_softer_and_darker() -> None:
    def heard(value: int) -> tuple[float, float]:
        audio = play(56, 67, velocity=110, controls=[(0, 11, value)])[0]
        power = np.abs(np.fft.rfft(audio)) ** 2
        hz = np.fft.rfftfreq(len(audio), 1 / RATE)
        return level_db(audio), float((hz * power).sum() / power.sum())

    loud, soft = heard(127), heard(60)
    assert soft[0] < loud[0] - 8.0
    assert soft[1] < 0.95 * loud[1]


@pytest.mark.parametrize("rate", [22_050, 44_100, 96_000])
def test_the_timbre_does_not_depend_on_the_sample_rate(rate: int) -> None:
    def band_db(audio: NDArray[np.float32], at: int) -> NDArray[np.float64]:
        body = audio[0, int(0.5 * at) : int(1.2 * at)].astype(float)
        power = np.abs(np.fft.rfft(body * np.hanning(len(body)))) ** 2 / len(body) ** 2
        hz = np.fft.rfftfreq(len(body), 1 / at)
        edges = np.array([200, 500, 1000, 2000, 4000, 8000])
        bands = [power[(hz >= a) & (hz < b)].sum() for a, b in pairwise(edges)]
        return 10 * np.log10(np.array(bands))

    here, there = play(71, 62, rate=rate), play(71, 62)
    np.testing.assert_allclose(band_db(here, rate), band_db(there, RATE), atol=1.5)


def test_the_same_seed_gives_the_same_audio() -> None:
    np.testing.assert_array_equal(play(40, 69, seed=4), play(40, 69, seed=4))
    assert not np.array_equal(play(40, 69, seed=4), play(40, 69, seed=5))


def test_drums_and_untrained_programs_are_the_modelled_ones() -> None:
    for part in (
        Part("drums", 0, True, notes=make_notes([0], [240], [36])),
        Part("lead", 81, notes=make_notes([0], [240], [60])),
    ):
        score = Score((part,))
        mine = render_part(part, score, RATE, RATE, np.random.default_rng(3))
        theirs = render_modelled(part, score, RATE, RATE, np.random.default_rng(3))
        np.testing.assert_array_equal(mine, theirs)


def test_an_empty_part_is_silent_and_late_notes_are_left_out() -> None:
    for notes in (make_notes([], [], []), make_notes([48_000], [480], [60])):
        part = Part("oboe", 68, notes=notes)
        audio = render_part(part, Score((part,)), RATE, RATE, np.random.default_rng(1))
        assert not audio.any()


def test_the_engine_stands_behind_its_name_and_behind_auto(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leitmotiv.instruments.banks.find_soundfonts", list)
    score = Score((Part("oboe", 68, notes=make_notes([0], [240], [72])),))
    stems = {
        engine: render_stems(
            score,
            options=RenderOptions(engine=engine, tail_sec=0.2),
            rng=np.random.default_rng(1),
        ).audio[0]
        for engine in ("auto", "neural", "modelled")
    }
    np.testing.assert_array_equal(stems["auto"], stems["neural"])
    assert not np.array_equal(stems["neural"], stems["modelled"])
