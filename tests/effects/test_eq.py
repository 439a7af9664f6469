from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import sosfreqz

from leitmotiv.effects import Band, Equalizer, band_to_sos


def gain_db(band: Band, frequency_hz: float) -> float:
    _, response = sosfreqz(band_to_sos(band, 48000)[None], worN=[frequency_hz], fs=48000)
    return float(20 * np.log10(np.abs(response[0])))


@pytest.mark.parametrize("gain", [-9.0, -2.0, 3.0, 12.0])
@pytest.mark.parametrize("frequency_hz", [60.0, 1000.0, 9000.0])
def test_gains_stand_where_the_cookbook_puts_them(gain, frequency_hz):
    assert gain_db(Band("bell", frequency_hz, gain, 1.5), frequency_hz) == pytest.approx(gain)
    low = Band("low_shelf", frequency_hz, gain)
    assert gain_db(low, 0.01) == pytest.approx(gain, abs=1e-3)
    assert gain_db(low, frequency_hz) == pytest.approx(gain / 2, abs=1e-6)
    assert gain_db(low, 23999.0) == pytest.approx(0.0, abs=1e-3)
    high = Band("high_shelf", frequency_hz, gain)
    assert gain_db(high, 23999.9) == pytest.approx(gain, abs=1e-3)
    assert gain_db(high, 0.01) == pytest.approx(0.0, abs=1e-3)


def test_passes_fall_12_db_an_octave_beyond_3_db_at_the_corner():
    for band, far in ((Band("high_pass", 400.0), 25.0), (Band("low_pass", 400.0), 6400.0)):
        assert gain_db(band, 400.0) == pytest.approx(-3.01, abs=0.01)
        assert gain_db(band, far) == pytest.approx(-48.2, abs=1.5)


def test_no_bands_change_nothing(rng):
    audio = rng.standard_normal((2, 100)).astype(np.float32)
    assert np.array_equal(Equalizer(()).process(audio), audio)
