"""Synthesised spaces decay as the physics of their walls asks."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from leitmotiv.effects.early_reflections import SPEED_OF_SOUND, mirror_images
from leitmotiv.effects.impulse_responses import BANDS_HZ, SPACES, Room, impulse_response
from leitmotiv.errors import AudioError

SAMPLE_RATE = 48_000


def reverberation_time(impulse: np.ndarray, centre_hz: float) -> float:
    """T30 in a third of an octave (ISO 3382-1)."""
    edges = [centre_hz * 2 ** (-1 / 6), centre_hz * 2 ** (1 / 6)]
    sections = butter(3, edges, "band", fs=SAMPLE_RATE, output="sos")
    energy = np.cumsum(sosfilt(sections, impulse.astype(float))[::-1] ** 2)[::-1]
    level = 10 * np.log10(energy / energy[0] + 1e-30)
    start, stop = np.argmax(level < -5), np.argmax(level < -35)
    slope = np.polyfit(np.arange(stop - start) / SAMPLE_RATE, level[start:stop], 1)[0]
    return float(-60 / slope)


@pytest.mark.parametrize("kind", ["concert_hall", "church", "tunnel", "stairwell"])
def test_rt60_is_eyrings(kind):
    room = SPACES[kind]
    assert room is not None
    paths = impulse_response(kind, seed=3)
    for band in (4, 5, 6, 7):  # 500 Hz to 4 kHz
        measured = np.mean([reverberation_time(path, BANDS_HZ[band]) for path in paths])
        assert measured == pytest.approx(room.decay_sec()[band], rel=0.05)


def test_eyrings_formula_gives_the_textbook_value():
    # 10 x 8 x 4 m, a tenth of the energy lost at each touch: 0.161 V / (-S ln 0.9) = 1.607 s.
    room = Room((10.0, 8.0, 4.0), (0.1,), 3.0)
    assert room.decay_sec()[1] == pytest.approx(0.161 * 320 / (-304 * np.log(0.9)), rel=0.01)


def test_mirror_images_arrive_when_geometry_says_so():
    images = mirror_images((10, 8, 4), (2, 4, 1.5), (6, 4, 1.5), reflection=0.5, max_order=1)
    # floor, ceiling, front, two sides, back: paths by hand
    paths = np.sort([np.hypot(4, 3), np.hypot(4, 5), 8.0, np.hypot(4, 8), np.hypot(4, 8), 12.0])
    assert images.delay_sec * SPEED_OF_SOUND + 4.0 == pytest.approx(paths)
    assert images.gain == pytest.approx(0.5 * 4.0 / paths)


@pytest.mark.parametrize("kind", [name for name in SPACES if name not in ("cathedral", "cave")])
def test_every_space_is_stereo_ends_quietly_and_has_no_offset(kind):
    response = impulse_response(kind)
    assert response.dtype == np.float32
    assert response.shape[0] == 4
    assert np.isfinite(response).all()
    assert abs(np.corrcoef(response[0], response[1])[0, 1]) < 0.3
    power = np.square(response.astype(float))
    end = response.shape[1] // 10
    assert power[:, -end:].sum() < 1e-3 * power.sum()


def test_seeds_give_other_rooms_and_the_same_seed_the_same():
    first = impulse_response("studio", seed=1)
    assert np.array_equal(first, impulse_response("studio", seed=1))
    assert np.abs(np.corrcoef(first[0], impulse_response("studio", seed=2)[0])[0, 1]) < 0.3


def test_the_sample_rate_changes_neither_decay_nor_level():
    ears = [impulse_response("living_room", sample_rate=rate) for rate in (24_000, 48_000)]
    seconds = [ear.shape[1] / rate for ear, rate in zip(ears, (24_000, 48_000), strict=True)]
    assert seconds[0] == pytest.approx(seconds[1], abs=0.01)
    # Noise of a band comes back alike: the energy of a response within the band, per rate.
    power = []
    for ear, rate in zip(ears, (24_000, 48_000), strict=True):
        spectrum = np.abs(np.fft.rfft(ear, rate)) ** 2
        power.append(spectrum[:, 200:8000].mean())
    assert 10 * np.log10(power[0] / power[1]) == pytest.approx(0.0, abs=1.5)


def test_the_plates_fronts_run_ahead_at_the_top():
    response = impulse_response("plate")[0]
    arrival = []
    for low_hz, high_hz in ((150, 300), (4000, 8000)):
        sections = butter(2, [low_hz, high_hz], "band", fs=SAMPLE_RATE, output="sos")
        energy = np.cumsum(sosfilt(sections, response[:9600].astype(float)) ** 2)
        arrival.append(np.argmax(energy > 0.02 * energy[-1]) / 48)  # ms
    assert arrival[1] < 0.5 * arrival[0]


def test_duration_cuts_or_pads():
    assert impulse_response("church", duration_sec=0.3).shape == (4, 14_400)
    assert impulse_response("living_room", duration_sec=2.0).shape == (4, 96_000)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: impulse_response("moon"), "kind='moon' must be one of"),
        (lambda: impulse_response("studio", duration_sec=0.0), "duration_sec=0 must be between"),
    ],
)
def test_what_there_is_not_is_refused_in_words(call, message):
    with pytest.raises(AudioError, match=message):
        call()
