"""The circuit's numbers against other ways of finding them."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import freqz

from leitmotiv.effects import tubes

RATE = 192_000.0


def nodal_response(hz: float, bass: float, middle: float, treble: float) -> complex:
    """The tone stack's netlist solved for its node voltages, source at 1 V.

    Nodes: 0 after the slope resistor, 1 bottom of the treble pot, 2 bottom of the bass pot and top
    of the middle pot, 3 the middle pot's wiper, 4 the treble pot's wiper (the output), 5 its top.
    """
    lo = 0.001 + 0.999 * (10.0 ** (2.0 * bass) - 1.0) / 99.0
    w = 2j * np.pi * hz
    ohm = 1e-3  # a knob at its end is a short
    branches: list[tuple[int, int, complex]] = [
        (-1, 5, w * 250e-12),
        (5, 4, 1 / ((1 - treble) * 250e3 + ohm)),
        (4, 1, 1 / (treble * 250e3 + ohm)),
        (-1, 0, 1 / 56e3),
        (0, 1, w * 20e-9),
        (0, 3, w * 20e-9),
        (1, 2, 1 / (lo * 1e6 + ohm)),
        (2, 3, 1 / ((1 - middle) * 25e3 + ohm)),
        (3, -2, 1 / (middle * 25e3 + ohm)),
    ]
    matrix, current = np.zeros((6, 6), complex), np.zeros(6, complex)
    for a, b, admittance in branches:
        for one, other in ((a, b), (b, a)):
            if one < 0:
                continue
            matrix[one, one] += admittance
            if other >= 0:
                matrix[one, other] -= admittance
            elif other == -1:
                current[one] += admittance
    return complex(np.linalg.solve(matrix, current)[4])


@pytest.mark.parametrize("knobs", [(0.5, 0.5, 0.5), (0.2, 0.9, 0.7), (1.0, 0.1, 0.3), (0, 0.4, 1)])
def test_the_tone_stack_answers_as_its_netlist(knobs: tuple[float, float, float]) -> None:
    coefficients = tubes.tone_stack(*map(float, knobs), RATE)
    hz = np.array([40.0, 100.0, 250.0, 600.0, 1500.0, 4000.0, 9000.0])
    _, digital = freqz(coefficients[:4], np.r_[1, coefficients[4:]], worN=hz, fs=RATE)
    analog = [nodal_response(f, *knobs) for f in hz]
    difference_db = 20 * np.log10(np.abs(digital) / np.abs(analog))
    assert np.abs(difference_db).max() < 0.1


def test_the_tone_stack_is_stable_at_every_knob() -> None:
    ends = (0.0, 0.5, 1.0)
    for bass in ends:
        for middle in ends:
            for treble in ends:
                a = tubes.tone_stack(bass, middle, treble, RATE)[4:]
                assert np.abs(np.roots(np.r_[1.0, a])).max() < 1.0


def test_a_triode_conducts_more_with_grid_and_plate_and_never_backwards() -> None:
    grid, plate = np.meshgrid(np.linspace(-5, 1, 40), np.linspace(1, 300, 40))
    current = tubes.triode_current(plate, grid)
    assert (np.diff(current, axis=0) > 0).all()
    assert (np.diff(current, axis=1) > 0).all()
    assert current.min() >= 0.0


def test_a_12ax7_amplifies_about_sixty_times_on_its_load_line() -> None:
    table = tubes.triode_table(300.0, 100e3, -14.0, 4.0)
    grid = np.linspace(-14.0, 4.0, tubes.TABLE_SIZE)
    # On the load line, plate voltage and current agree at every grid voltage.
    back = tubes.triode_current(300.0 - table * 100e3, grid)
    np.testing.assert_allclose(back, table, rtol=1e-6, atol=1e-12)
    volts = tubes.idle_cathode(table, -14.0, 4.0, 1500.0)
    assert 1.0 < volts < 2.0
    assert np.interp(-volts, grid, table) * 1500.0 == pytest.approx(volts)
    slope = np.interp(-volts + 0.01, grid, table) - np.interp(-volts - 0.01, grid, table)
    assert 50 < slope / 0.02 * 100e3 < 75


def test_push_pull_is_odd_bounded_and_draws_more_when_it_works() -> None:
    swing, drawn = tubes.push_pull_table()
    np.testing.assert_allclose(swing, -swing[::-1], atol=1e-9)
    assert (np.diff(swing) > -1e-9).all()
    assert 0.7 < swing.max() < 1.0
    middle = tubes.TABLE_SIZE // 2
    assert drawn[middle] < 0.3
    assert drawn[0] == pytest.approx(drawn[-1])
    assert drawn[-1] > 0.95
