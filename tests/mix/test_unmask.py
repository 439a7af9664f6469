from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.audio.sound_report import THIRD_OCTAVES_HZ
from leitmotiv.mix.unmask import LARGEST_CUT_DB, stem_spectrum_db, unmasking_bands

SAMPLE_RATE = 48000


def hump(centre_hz: float, octaves: float = 0.8) -> np.ndarray:
    return -6.0 * (np.log2(THIRD_OCTAVES_HZ / centre_hz) / octaves) ** 2


def bands(spectra, roles, levels=None):
    levels = [0.0] * len(roles) if levels is None else levels
    return unmasking_bands(spectra, roles, levels, sample_rate=SAMPLE_RATE)


def test_what_stands_on_the_melody_is_cut_there_and_the_melody_is_not():
    melody, harmony = bands([hump(1000), hump(1000)], ("melody", "harmony"))
    assert melody == ()
    assert 1 <= len(harmony) <= 2
    assert harmony[0].frequency_hz == pytest.approx(1000, rel=0.3)
    assert all(-LARGEST_CUT_DB <= band.gain_db < 0 for band in harmony)


def test_what_lies_elsewhere_or_far_below_is_left_alone():
    assert bands([hump(1500, 0.4), hump(120, 0.4)], ("melody", "harmony"))[1] == ()
    assert bands([hump(1000), hump(1000)], ("melody", "harmony"), [0.0, -15.0])[1] == ()
    assert bands([hump(1000), hump(1000)], ("harmony", "pad")) == [(), ()]  # no melody


def test_a_pad_gives_way_more_than_a_counter_melody():
    both = bands([hump(800), hump(800), hump(800)], ("melody", "counter", "pad"))
    assert both[2][0].gain_db < both[1][0].gain_db < 0


def test_the_bass_makes_room_for_the_kick():
    kick_and_bass = bands([hump(63, 0.6), hump(70, 0.6)], ("drums", "bass"))
    assert kick_and_bass[0] == ()
    assert 40 <= kick_and_bass[1][0].frequency_hz <= 110


def test_silent_stems_take_no_part():
    assert bands([None, hump(1000)], ("melody", "harmony")) == [(), ()]
    assert bands([hump(1000), None], ("melody", "harmony")) == [(), ()]


def test_third_octaves_of_a_spectrum_hold_its_power():
    power = np.zeros(4097)
    power[round(1000 / SAMPLE_RATE * 8192)] = 2.0
    levels = stem_spectrum_db(power, SAMPLE_RATE)
    assert np.argmax(levels) == 16
    assert levels[16] == pytest.approx(3.01, abs=0.01)
    assert stem_spectrum_db(power, 8000).shape == (29,)  # bands beyond Nyquist hold nothing
