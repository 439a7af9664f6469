from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.effects.delay_line import glide, glide_pace, make_line, tap4, tap6


@pytest.mark.parametrize(("tap", "degree"), [(tap6, 5), (tap4, 3)])
def test_reading_between_samples_is_exact_for_polynomials(tap, degree, rng):
    line = make_line(1, 60)
    coefficients = rng.standard_normal(degree + 1)
    line[0] = np.polyval(coefficients, (np.arange(line.shape[1]) - 32) / 32)
    for delay in (7.0, 7.25, 9.5, 10.999):
        expected = np.polyval(coefficients, (40 - delay - 32) / 32)
        assert tap(line, 0, 40, delay) == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("tap", [tap6, tap4])
def test_reading_between_samples_never_amplifies_a_tone(tap):
    line = make_line(1, 120)
    impulse = np.zeros_like(line)
    impulse[0, 64] = 1.0
    for fraction in (0.1, 0.37, 0.5, 0.9):
        response = [tap(impulse, 0, n, 8.0 + fraction) for n in range(60, 90)]
        assert np.abs(np.fft.rfft(response, 512)).max() <= 1.0 + 1e-7


def test_a_line_wraps_around_and_keeps_what_it_promised():
    for longest in (10, 119, 120, 121, 1000.5):
        line = make_line(2, longest)
        size = line.shape[1]
        assert size & (size - 1) == 0
        assert longest + 7 < size < 4 * (longest + 16)


def test_a_glide_lands_exactly_and_never_steps_more_than_its_limit():
    state = np.full(2, np.nan)
    assert glide(state, 100.0, 0.01, 0.5) == 100.0
    way = np.array([glide(state, 900.0, glide_pace(48_000, 10.0), 0.5) for _ in range(4000)])
    assert way[-1] == 900.0
    assert np.diff(way).max() <= 0.5 + 1e-12
    assert (np.diff(way) >= 0).all()


def test_a_glide_without_a_limit_takes_the_time_it_names():
    state, pace = np.zeros(2), glide_pace(48_000, 10.0)
    way = np.array([glide(state, 1.0, pace, 1.0) for _ in range(960)])
    assert way[479] == pytest.approx(0.9, abs=0.01)
