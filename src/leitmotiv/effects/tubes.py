"""Valves, tone stack and power stage as numbers: the circuit behind :class:`TubeAmp`.

Purpose: work out, once, the curves and coefficients that the amplifier's loop looks up.

Conventions: volts and amperes; a signal of full scale is one volt at the input jack.

Public names: :func:`triode_current`, :func:`triode_table`, :func:`idle_cathode`,
:func:`push_pull_table`, :func:`tone_stack`, :data:`TABLE_SIZE`.

References: N. Koren, *Improved vacuum tube models for SPICE simulations*, Glass Audio 8(5), 1996
(triode and pentode equations and the parameters of 12AX7 and 6L6); D. Yeh and J. O. Smith,
*Discretization of the '59 Fender Bassman tone stack*, DAFx 2006 (equations 2 to 4, values of the
5F6-A).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.compiled import compiled

__all__ = [
    "TABLE_SIZE",
    "idle_cathode",
    "push_pull_table",
    "tone_stack",
    "triode_current",
    "triode_table",
]

TABLE_SIZE = 4097
_BISECTIONS = 60


def triode_current(
    plate_volts: NDArray[np.float64], grid_volts: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the plate current of a 12AX7 in amperes, both voltages against the cathode.

    >>> round(float(triode_current(np.array(250.0), np.array(-2.0))) * 1e3, 2)
    0.95
    """
    plate = np.maximum(plate_volts, 0.0)
    drive = 600.0 * (1 / 100.0 + grid_volts / np.sqrt(300.0 + plate**2))
    effective = plate / 600.0 * np.logaddexp(0.0, drive)
    return np.asarray(2.0 * effective**1.4 / 1060.0)


def _pentode_current(
    plate_volts: NDArray[np.float64], grid_volts: NDArray[np.float64], screen_volts: float
) -> NDArray[np.float64]:
    """Plate current of a 6L6 in amperes."""
    drive = 48.0 * (1 / 8.7 + grid_volts / screen_volts)
    effective = screen_volts / 48.0 * np.logaddexp(0.0, drive)
    current = 2.0 * effective**1.35 / 1460.0 * np.arctan(np.maximum(plate_volts, 0.0) / 12.0)
    return np.asarray(current)


def triode_table(
    supply_volts: float, plate_ohms: float, low: float, high: float
) -> NDArray[np.float64]:
    """Plate current on the load line, at ``TABLE_SIZE`` grid voltages from ``low`` to ``high``."""
    grid = np.linspace(low, high, TABLE_SIZE)
    least, most = np.zeros_like(grid), np.full_like(grid, supply_volts / plate_ohms)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (least + most)
        more = triode_current(supply_volts - middle * plate_ohms, grid) > middle
        least, most = np.where(more, middle, least), np.where(more, most, middle)
    return np.asarray(0.5 * (least + most))


def idle_cathode(table: NDArray[np.float64], low: float, high: float, cathode_ohms: float) -> float:
    """Cathode voltage at rest: where the current through its resistor lifts it to itself."""
    grid = np.linspace(low, high, TABLE_SIZE)
    least, most = 0.0, -low
    for _ in range(_BISECTIONS):
        middle = 0.5 * (least + most)
        if np.interp(-middle, grid, table) * cathode_ohms > middle:
            least = middle
        else:
            most = middle
    return 0.5 * (least + most)


def push_pull_table(
    *,
    supply_volts: float = 430.0,
    bias_volts: float = -46.0,
    load_ohms: float = 1050.0,
    reach_volts: float = 160.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A pair of 6L6 on a transformer, as curves over the drive from ``-reach`` to ``reach``.

    ``load_ohms`` is what one valve sees when both conduct, a quarter of the plate-to-plate load.

    Returns
    -------
    (ndarray, ndarray)
        Output as a share of the supply voltage, and current drawn as a share of the largest.
    """
    drive = np.linspace(-reach_volts, reach_volts, TABLE_SIZE)
    # The grids draw current above zero and hold there; the pair is solved for the plate swing.
    knee = 4.0
    upper = -np.logaddexp(0.0, -(drive + bias_volts) / knee) * knee
    lower = -np.logaddexp(0.0, -(-drive + bias_volts) / knee) * knee

    def currents(swing: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return (
            _pentode_current(supply_volts - swing, upper, supply_volts),
            _pentode_current(supply_volts + swing, lower, supply_volts),
        )

    least, most = np.full_like(drive, -supply_volts), np.full_like(drive, supply_volts)
    for _ in range(_BISECTIONS):
        middle = 0.5 * (least + most)
        one, two = currents(middle)
        more = (one - two) * load_ohms > middle
        least, most = np.where(more, middle, least), np.where(more, most, middle)
    swing = 0.5 * (least + most)
    one, two = currents(swing)
    drawn = one + two
    return np.asarray(swing / supply_volts), np.asarray(drawn / drawn.max())


@compiled
def tone_stack(
    bass: float, middle: float, treble: float, sample_rate: float
) -> NDArray[np.float64]:
    """Return the digital filter of the 5F6-A's tone stack, b0 to b3 and then a1 to a3.

    Parameters
    ----------
    bass, middle, treble : float
        Knobs from 0 to 1; bass has an audio taper, as the amplifier's pot.
    sample_rate : float
        Hz; the bilinear transform needs no warping this far above the band.
    """
    r1, r2, r3, r4 = 250e3, 1e6, 25e3, 56e3
    c1, c2, c3 = 250e-12, 20e-9, 20e-9
    m, t = middle, treble
    # Audio taper: half way up, the pot is at a tenth. No pot goes down to nothing, and the filter
    # would lose its third order there.
    lo = 0.001 + 0.999 * (10.0 ** (2.0 * bass) - 1.0) / 99.0
    b1 = t * c1 * r1 + m * c3 * r3 + lo * (c1 * r2 + c2 * r2) + (c1 * r3 + c2 * r3)
    b2 = (
        t * (c1 * c2 * r1 * r4 + c1 * c3 * r1 * r4)
        - m * m * (c1 * c3 * r3 * r3 + c2 * c3 * r3 * r3)
        + m * (c1 * c3 * r1 * r3 + c1 * c3 * r3 * r3 + c2 * c3 * r3 * r3)
        + lo * (c1 * c2 * r1 * r2 + c1 * c2 * r2 * r4 + c1 * c3 * r2 * r4)
        + lo * m * (c1 * c3 * r2 * r3 + c2 * c3 * r2 * r3)
        + (c1 * c2 * r1 * r3 + c1 * c2 * r3 * r4 + c1 * c3 * r3 * r4)
    )
    b3 = (
        lo * m * (c1 * c2 * c3 * r1 * r2 * r3 + c1 * c2 * c3 * r2 * r3 * r4)
        - m * m * (c1 * c2 * c3 * r1 * r3 * r3 + c1 * c2 * c3 * r3 * r3 * r4)
        + m * (c1 * c2 * c3 * r1 * r3 * r3 + c1 * c2 * c3 * r3 * r3 * r4)
        + t * c1 * c2 * c3 * r1 * r3 * r4
        - t * m * c1 * c2 * c3 * r1 * r3 * r4
        + t * lo * c1 * c2 * c3 * r1 * r2 * r4
    )
    a1 = (c1 * r1 + c1 * r3 + c2 * r3 + c2 * r4 + c3 * r4) + m * c3 * r3 + lo * (c1 * r2 + c2 * r2)
    a2 = (
        m * (c1 * c3 * r1 * r3 - c2 * c3 * r3 * r4 + c1 * c3 * r3 * r3 + c2 * c3 * r3 * r3)
        + lo * m * (c1 * c3 * r2 * r3 + c2 * c3 * r2 * r3)
        - m * m * (c1 * c3 * r3 * r3 + c2 * c3 * r3 * r3)
        + lo * (c1 * c2 * r2 * r4 + c1 * c2 * r1 * r2 + c1 * c3 * r2 * r4 + c2 * c3 * r2 * r4)
        + (
            c1 * c2 * r1 * r4
            + c1 * c3 * r1 * r4
            + c1 * c2 * r3 * r4
            + c1 * c2 * r1 * r3
            + c1 * c3 * r3 * r4
            + c2 * c3 * r3 * r4
        )
    )
    a3 = (
        lo * m * (c1 * c2 * c3 * r1 * r2 * r3 + c1 * c2 * c3 * r2 * r3 * r4)
        - m * m * (c1 * c2 * c3 * r1 * r3 * r3 + c1 * c2 * c3 * r3 * r3 * r4)
        + m
        * (c1 * c2 * c3 * r3 * r3 * r4 + c1 * c2 * c3 * r1 * r3 * r3 - c1 * c2 * c3 * r1 * r3 * r4)
        + lo * c1 * c2 * c3 * r1 * r2 * r4
        + c1 * c2 * c3 * r1 * r3 * r4
    )
    c = 2.0 * sample_rate
    b1, b2, b3 = b1 * c, b2 * c * c, b3 * c**3
    a1, a2, a3 = a1 * c, a2 * c * c, a3 * c**3
    a0 = -1 - a1 - a2 - a3
    return np.array(
        [
            (-b1 - b2 - b3) / a0,
            (-b1 + b2 + 3 * b3) / a0,
            (b1 + b2 - 3 * b3) / a0,
            (b1 - b2 + b3) / a0,
            (-3 - a1 + a2 + 3 * a3) / a0,
            (-3 + a1 + a2 - 3 * a3) / a0,
            (-1 + a1 - a2 + a3) / a0,
        ]
    )
