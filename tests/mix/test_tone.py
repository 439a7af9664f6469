from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.audio.sound_report import THIRD_OCTAVES_HZ, measure_sound
from leitmotiv.effects import Equalizer
from leitmotiv.errors import AudioError
from leitmotiv.mix.tone import (
    LARGEST_DB,
    TONES,
    MatchingFilter,
    genre_bands,
    match_curves,
    minimum_phase,
)

SAMPLE_RATE = 48000


@pytest.mark.parametrize("tone", TONES)
def test_music_inside_its_range_is_left_alone(tone):
    assert genre_bands(TONES[tone], tone) == ()
    assert genre_bands(TONES[tone] - 30.0, tone) == ()


@pytest.mark.parametrize(("hz", "error_db"), [(60, 12.0), (60, -12.0), (9000, 14.0), (2500, 9.0)])
def test_what_leans_is_led_back_gently(hz, error_db):
    bump = error_db * np.exp(-0.5 * (np.log2(THIRD_OCTAVES_HZ / hz) / 0.8) ** 2)
    bands = genre_bands(TONES["pop"] + bump, "pop")
    assert bands
    nearest = min(bands, key=lambda band: abs(np.log2(band.frequency_hz / hz)))
    assert np.sign(nearest.gain_db) == -np.sign(error_db)
    assert all(abs(band.gain_db) <= LARGEST_DB for band in bands)


def test_silence_and_a_missing_register_are_not_raised():
    assert genre_bands(np.full(29, -140.0), "pop") == ()
    no_bass = np.where(THIRD_OCTAVES_HZ < 150, -140.0, TONES["pop"])
    assert all(band.gain_db <= 0.5 for band in genre_bands(no_bass, "pop"))
    assert genre_bands(TONES["pop"] + 20 * (THIRD_OCTAVES_HZ > 4000), "none") == ()
    with pytest.raises(AudioError, match="tone='metal' must be one of balanced, pop"):
        genre_bands(TONES["pop"], "metal")


def test_the_impulse_response_has_the_gains_asked_for_and_starts_at_once():
    gains = 6 * np.sin(np.arange(29) / 3.0)
    response = minimum_phase(gains, SAMPLE_RATE, 4096)
    spectrum = 20 * np.log10(np.abs(np.fft.rfft(response, 2**16)))
    at = np.round(THIRD_OCTAVES_HZ / SAMPLE_RATE * 2**16).astype(int)
    np.testing.assert_allclose(spectrum[at][4:], gains[4:], atol=0.4)
    assert np.argmax(np.abs(response)) < 8


@pytest.mark.parametrize("block", [1000, 65_536])
def test_a_matched_mix_comes_near_to_its_reference(rng, block):
    noise = (0.05 * rng.standard_normal((2, 6 * SAMPLE_RATE))).astype(np.float32)
    own = Equalizer((_shelf("low_shelf", 200, 5.0),)).process(noise)
    theirs = Equalizer((_shelf("high_shelf", 3000, 6.0),)).process(noise[:, ::-1].copy())
    reports = [measure_sound(audio, SAMPLE_RATE) for audio in (own, theirs)]
    mine, wanted = (np.stack([report.mid_db, report.side_db]) for report in reports)
    matching = MatchingFilter(*match_curves(mine, wanted))
    pieces = [own[:, at : at + block] for at in range(0, own.shape[1], block)]
    matched = np.concatenate([matching.process(piece) for piece in pieces], axis=1)
    after = measure_sound(matched, SAMPLE_RATE).mid_db

    def distance(spectrum_db: np.ndarray) -> float:
        difference = (spectrum_db - wanted[0])[5:]
        return float(np.std(difference - difference.mean()))

    assert distance(mine[0]) > 3.0
    assert distance(after) < 0.8


def test_the_filter_does_not_depend_on_blocks(rng):
    audio = rng.standard_normal((2, 20_000)).astype(np.float32)
    curves = (np.linspace(-6, 6, 29), np.linspace(3, -3, 29))
    whole = MatchingFilter(*curves).process(audio)
    cut = MatchingFilter(*curves)
    pieces = [cut.process(audio[:, at : at + 441]) for at in range(0, 20_000, 441)]
    np.testing.assert_allclose(np.concatenate(pieces, axis=1), whole, atol=1e-5)


def test_a_mono_reference_leaves_the_sides():
    own = np.stack([TONES["pop"], TONES["pop"] - 10])
    mono = np.stack([TONES["ambient"], np.full(29, -140.0)])
    middle, side = match_curves(own, mono)
    assert np.abs(middle).max() > 1
    assert not side.any()


def _shelf(kind: str, hz: float, gain_db: float):
    from leitmotiv.effects import Band

    return Band(kind, hz, gain_db)
