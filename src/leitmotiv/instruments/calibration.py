"""Levels of the built-in instruments, so that all play a mezzo-forte equally loud.

Each number was measured: a phrase of quarter notes at velocity 80 and 120 a minute, in the
middle of the instrument's compass and a fifth above and below, has -23 LUFS with its gain.

Public names: :data:`GAIN_DB`, :func:`gain_of`.
"""

from __future__ import annotations

__all__ = ["GAIN_DB", "gain_of"]

# Eight programs, one General MIDI family, a row.
_TABLE = """
 -23.0  -22.7  -23.7  -21.0  -22.4  -23.7  -20.7  -22.1
 -18.4  -19.6  -19.1  -20.9  -16.9  -12.5  -23.9  -17.0
 -25.0  -25.7  -23.2  -24.5  -24.4  -25.0  -25.1  -24.9
 -15.9  -18.2  -23.5  -21.3   -9.4  -16.5  -18.1  -22.2
 -24.3  -26.5  -24.9  -26.5  -24.3  -21.5  -26.3  -26.8
 -16.6  -18.0  -16.4  -26.5  -14.3  -13.4  -22.2  -20.7
 -17.5  -17.0  -24.3  -23.9  -15.7  -21.7  -13.4  -15.9
 -25.0  -24.8  -25.2  -25.2  -24.8  -24.9  -24.7  -24.2
 -25.1  -25.1  -25.1  -25.3  -25.3  -25.3  -25.4  -25.7
 -25.2  -25.3  -25.7  -25.9  -26.0  -25.4  -25.3  -25.8
 -24.9  -24.8  -25.1  -25.1  -24.8  -13.8  -24.6  -25.0
 -25.7  -23.8  -24.8  -18.5  -23.8  -22.8  -22.4  -22.7
 -22.7  -21.2  -21.5  -25.3  -25.5  -23.5  -23.5  -25.2
 -20.4  -17.0  -15.2  -19.7  -19.1  -25.1  -14.5  -25.4
 -18.5  -14.1  -19.7   -8.1  -17.4  -16.3  -15.8  -19.0
 -19.5  -24.4  -15.4  -19.5  -17.5  -18.8  -21.2  -16.9
"""

GAIN_DB: tuple[float, ...] = tuple(float(number) for number in _TABLE.split())
"""Gain in dB of each General MIDI program."""


def gain_of(program: int) -> float:
    """Linear gain of a General MIDI program."""
    return float(10 ** (GAIN_DB[program] / 20))
