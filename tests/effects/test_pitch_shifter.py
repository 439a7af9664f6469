from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.effects import apply, make_effect
from leitmotiv.errors import AudioError

RATE = 48_000
TIME = np.arange(2 * RATE) / RATE
CHORD = (196.0, 293.66, 392.0, 493.88, 587.33)


def tones(*frequencies: float) -> np.ndarray:
    waves = [np.sin(2 * np.pi * hz * TIME + k) for k, hz in enumerate(frequencies)]
    return (0.5 / len(waves) * np.sum(waves, axis=0))[None].astype(np.float32)


def shifted(audio: np.ndarray, **settings) -> np.ndarray:
    effect = make_effect("pitch_shifter", settings, num_channels=len(audio))
    return apply(audio, effect)


def purity_db(out: np.ndarray, *frequencies: float) -> float:
    """Power of tones at exactly these frequencies over the power of all else."""
    heard = out[0, RATE // 2 : -RATE // 2].astype(np.float64)
    time, window = np.arange(len(heard)) / RATE, np.hanning(len(heard))
    basis = [f(2 * np.pi * hz * time) * window for hz in frequencies for f in (np.cos, np.sin)]
    matrix = np.array(basis).T
    found = matrix @ np.linalg.lstsq(matrix, heard * window, rcond=None)[0]
    rest = heard * window - found
    return float(10 * np.log10(np.square(found).sum() / np.square(rest).sum()))


@pytest.mark.parametrize("kind", ["smooth", "tight"])
@pytest.mark.parametrize("semitones", [-12.0, 0.3, 7.0, 12.0])
def test_a_tone_is_shifted_to_the_cent(kind, semitones):
    out = shifted(tones(440.0), kind=kind, semitones=semitones)[0, RATE // 2 : -RATE // 2]
    spectrum = np.abs(np.fft.rfft(out * np.hanning(len(out)), 1 << 19))
    peak = int(np.argmax(spectrum))
    left, here, right = np.log(spectrum[peak - 1 : peak + 2])
    found = (peak + 0.5 * (left - right) / (left - 2 * here + right)) * RATE / (1 << 19)
    assert abs(1200 * np.log2(found / (440 * 2 ** (semitones / 12)))) < 0.1
    assert np.sqrt(np.mean(np.square(out))) == pytest.approx(0.3535, rel=0.03)


@pytest.mark.parametrize(("semitones", "floor_db"), [(-12.0, 34.0), (7.0, 34.0), (12.0, 28.0)])
def test_a_chord_stays_clean(semitones, floor_db):
    out = shifted(tones(*CHORD), semitones=semitones)
    assert purity_db(out, *(hz * 2 ** (semitones / 12) for hz in CHORD)) > floor_db


def test_a_single_note_of_the_tight_kind_is_cleaner_still():
    assert purity_db(shifted(tones(440.0), kind="tight", semitones=12.0), 880.0) > 60


@pytest.mark.parametrize(("kind", "within_ms"), [("smooth", 2.0), ("tight", 21.0)])
@pytest.mark.parametrize("semitones", [-12.0, 7.0])
def test_an_attack_stays_in_its_place_once_the_latency_is_taken_out(kind, within_ms, semitones):
    for start in (20_000, 20_257, 20_771):
        audio = np.zeros((1, RATE), np.float32)
        time = np.arange(RATE - start) / RATE
        audio[0, start:] = 0.5 * np.sin(2 * np.pi * 440 * time) * np.exp(-8 * time)
        out = shifted(audio, kind=kind, semitones=semitones)[0]
        onset = np.flatnonzero(np.abs(out) > 0.1)[0]
        assert abs(onset - start) / 48 < within_ms
        early = np.square(out[: start - round(48 * within_ms)]).sum() / np.square(out).sum()
        assert 10 * np.log10(early + 1e-12) < -20


@pytest.mark.parametrize("kind", ["smooth", "tight"])
def test_no_shift_is_no_change(kind, rng):
    noise = (0.2 * rng.standard_normal((2, 12_000))).astype(np.float32)
    out = shifted(noise, kind=kind)
    assert np.abs(out[:, 100:] - noise[:, 100:]).max() < 2e-5
    both = shifted(noise, kind=kind, dry_level=1.0)  # and the dry sound stands with it
    assert np.abs(both[:, 100:] - 2 * noise[:, 100:]).max() < 4e-5


def test_the_stereo_image_stays(rng):
    left = (0.2 * rng.standard_normal(24_000)).astype(np.float32)
    out = shifted(np.stack([left, -0.5 * left]), semitones=5.0)
    assert np.abs(out[1] + 0.5 * out[0]).max() < 1e-5


def test_a_glide_moves_the_pitch_without_a_click():
    audio = tones(440.0)
    curve = np.linspace(0.0, 12.0, audio.shape[1])
    effect = make_effect("pitch_shifter", {}, num_channels=1)
    out = effect.process(audio, automation={"semitones": curve})[0]
    frames = out[: 20 * 4800].reshape(20, 4800)[4:]
    heights = [np.argmax(np.abs(np.fft.rfft(f * np.hanning(4800)))) * 10 for f in frames]
    assert (np.diff(heights) >= 0).all()
    assert heights[-1] > 780
    steepest = 0.5 * 2 * np.pi * 880 / RATE
    assert np.abs(np.diff(out)).max() < 1.15 * steepest


def test_what_would_fold_over_is_cut():
    for kind in ("smooth", "tight"):
        out = shifted(tones(17_000.0), kind=kind, semitones=12.0)
        assert np.sqrt(np.mean(np.square(out))) < 0.3535 * 10 ** (-25 / 20)


def test_a_wrong_kind_is_refused():
    with pytest.raises(AudioError, match="kind='fast' must be one of smooth, tight"):
        make_effect("pitch_shifter", {"kind": "fast"})
