"""Levels of the built-in instruments, so that all play a mezzo-forte equally loud.

Each number was measured: a phrase of quarter notes at velocity 80 and 120 a minute, in the
middle of the instrument's compass and a fifth above and below, has -23 LUFS with its gain.

Public names: :data:`GAIN_DB`, :func:`gain_of`.
"""

from __future__ import annotations

__all__ = ["GAIN_DB", "gain_of"]

# Eight programs, one General MIDI family, a row.
_TABLE = """
 -23.6  -23.4  -23.6  -21.3  -22.3  -23.7  -19.5  -21.1
 -18.4  -20.8  -19.1  -22.0  -17.1  -12.5  -23.9  -15.2
 -25.0  -25.7  -23.2  -24.7  -24.6  -25.2  -25.0  -25.3
 -17.8  -21.9  -23.1  -21.3  -10.1  -17.7  -18.6  -22.2
 -23.4  -24.8  -24.3  -25.5  -24.1  -22.2  -26.3  -26.8
 -22.4  -17.6  -19.1  -19.8  -20.7   -9.1  -20.9  -20.7
 -17.8  -17.4  -24.5  -23.6  -11.5  -13.8  -11.8  -15.9
 -24.9  -25.0  -25.9  -25.3  -25.1  -25.0  -24.4  -23.9
 -25.0  -25.0  -25.0  -25.1  -25.4  -25.3  -25.5  -25.5
 -25.2  -25.4  -25.7  -25.7  -25.8  -25.1  -25.3  -25.7
 -24.9  -24.6  -25.1  -25.1  -24.3  -12.0  -24.5  -24.7
 -25.6  -23.3  -25.2  -14.2  -23.6  -22.4  -22.1  -22.3
 -22.7  -20.6  -21.7  -25.1  -25.4  -23.2  -23.1  -25.1
 -22.8  -15.9  -17.8  -19.7  -19.2  -25.4  -22.5  -25.6
 -18.5  -14.2  -19.7   -8.5  -17.5  -16.3  -15.9  -19.0
 -19.5  -24.4  -15.4  -19.5  -17.5  -18.8  -21.2  -16.9
"""

GAIN_DB: tuple[float, ...] = tuple(float(number) for number in _TABLE.split())
"""Gain in dB of each General MIDI program."""


def gain_of(program: int) -> float:
    """Linear gain of a General MIDI program."""
    return float(10 ** (GAIN_DB[program] / 20))
