"""Spectral corrections: how the models differ from recorded instruments.

Measured once: harmonic levels of every listed program, at seven pitches of its compass and
velocity 80, against the FluidR3 bank (MIT licence), fitted as an envelope over frequency and an
offset for each of the first six harmonics; then reduced and limited, since the bank's samples have
faults of their own. The mean difference falls from about 10 dB to about 5 dB.

Public names: :class:`ToneCorrection`, :func:`correction_of`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

__all__ = ["ToneCorrection", "correction_of"]

_LOWEST_HZ = 62.5
_STEPS_PER_OCTAVE = 2.0

# program : dB at 62.5 Hz and every half octave above it : dB of harmonics 1-6
_TABLE = """
  4 : -20 -18 -14 -10  -5  -2   1   3   3   0  -4 -11 -16 -19 -20 -19 -17 :  -4  -1   2   3   6   6
  6 :  -1  -1   0   0   0   0   0   0  -1   0   1   2   2   4   4   2  -2 :   4   1   0  -1  -2   0
 11 : -12 -11 -10  -8  -6  -4  -2   2   4   6   6   4   2  -4 -12 -19 -20 :  -8  -8   7 -12  -7   0
 12 : -10  -9  -7  -5  -4  -1   0   1   2   1   1   1   1   0  -2  -4  -6 :  -3   1  10  -4   4   3
 13 :  -6  -6  -5  -4  -4  -2  -1   1   2   3   4   3   0  -6 -15 -20 -20 :  -4  -1 -11  -3   5   1
 20 :   0   0   1   2   2   2   2   0  -2  -4  -7 -10 -12 -15 -15 -15 -15 :  -4   0   0  -2   2   4
 21 :   3   4   6   7   7   5   3  -2  -5  -8  -7  -8 -10 -13 -17 -20 -20 :  -6  -4   1  -1   1   0
 22 :  10  10  10   8   6   4   0  -2  -4  -4  -5  -6  -8 -12 -18 -20 -20 :  -4  -3   0  -6  -3   3
 23 :   7   8   9   9   7   5   2  -2  -5  -7  -7  -7  -9 -13 -18 -20 -20 :  -6  -4   0  -4  -1   2
 24 :  -2   0   2   2   2   2   0   0  -1  -4  -4  -4  -5  -8 -11 -15 -15 :  -8  -4  -3   0  -1  -3
 25 : -13  -8  -4  -2   0   1   2   2  -1  -4  -4   0   5   9   9   5  -1 :  -1   0  -1  -2  -4   3
 26 :  -3  -4  -5  -6  -7  -5  -2   2   5   7   8   0 -17 -20 -20 -20 -20 :  -6  -4  -5   0   6  -3
 27 :   4   4   3   3   2   2   1   0  -2  -2   0   1   0  -2  -2   0   2 :  -8  -4   0   1   2   2
 28 :  10   8   6   4   2   0  -2  -2   0   2   3   2   0  -3  -4  -4  -5 :  -1   0  -1  -2  -1   0
 32 :   9   9   9   7   4   2  -1  -4  -3   1   0  -3  -4  -4  -4  -4  -4 :  -3  -2  -3  -2   1   1
 33 :  12  11   9   6   4   2   0  -1  -2  -4  -9 -15 -19 -20 -20 -20 -20 :  -2   1   1  -2   0   3
 34 :  10   8   6   4   2   0  -2  -1   1   0  -1  -2  -4  -7 -12 -15 -18 :   1   4   4   1  -4  -9
 35 :   5   4   4   4   4   4   3   0  -4  -7 -11 -15 -17 -16 -15 -14 -12 :   1  -4  -4   3   1  -1
 36 :   3   3   2   2   0  -2  -2  -1   2   3   4   5   8  10  10  10  11 :   0   6   0   2  -2   2
 37 :   8   6   4   2   1   0  -2  -2   0   2   5   8  10  12  12  12  12 :   4   4   3   1  -1   0
 40 :  -2  -2  -2  -1   0   1   2   1  -1  -2  -2   0   0   1   4   7  10 :  -7  -2   0  -1  -1   0
 41 : -15 -13  -9  -4   0   3   3   0  -3  -3  -3  -3  -1   0   4   9  12 :  -6  -5  -2  -2  -1  -3
 42 :  -9  -3   3   6   6   4   0  -3  -4  -4  -1  -2  -1   2   4   9  12 :  -9  -5   0  -1   1  -1
 45 :   5   5   4   4   4   2   1  -1  -2  -3  -3  -5 -11 -19 -20 -20 -20 :  -3  -5   4   0   2   4
 46 : -10  -4   1   5   7   6   2  -4  -7  -6  -4  -6  -8  -8 -10 -13 -16 :  -7  -8   2  -4  10  -2
 48 :   4   4   4   4   4   4   3   0  -4  -6  -6  -7  -6  -6  -6  -8 -10 : -11  -1  -3  -2   0   0
 49 :   8   7   7   6   5   4   3  -1  -4  -7  -7  -8  -7  -7  -7  -9 -11 : -11  -2  -3  -3   0   0
 50 :   0   0   0   0   0   0   0   0   0   1   2   4   6   8  10   9   8 :   0   0   0  -1   0   0
 51 :  -2  -2  -2  -2  -1  -1  -1   0   0   2   6   8  10  10   8   6   2 :  -2  -2  -2  -2  -2  -2
 52 : -20 -17 -14 -11  -6  -1   3   4   2   0   2   4  -1  -5  -9 -15 -20 :  -2   3   2   1   0  -3
 53 :  -4  -3  -1   0   1   2   4   2  -2  -6  -9 -11 -10  -7  -5  -8 -12 :   5  -3   5   2   4   3
 56 :  -1   0   1   2   1   0  -1  -1  -1   1   2   2  -1  -7 -17 -20 -20 :  -5  -4  -2  -2  -1   0
 57 : -20 -19 -14  -9  -5  -4  -1   2   4   4   4  -1 -10 -19 -20 -20 -20 :   3   4   3   3   3   1
 59 :   3   4   4   5   5   4   3  -1  -4  -7  -8  -5  -1   3  -1 -12 -20 :   3   2   1  -1   2  -1
 60 :  -5  -5  -4  -4  -3  -2   0   1   1   3   4   1  -4 -11 -15 -17 -19 :  -5   0   1   1   2   1
 61 :  -3  -2  -2  -1  -1  -1  -1   0   1   2   2   2   0  -5 -14 -20 -20 :  -4  -3  -2  -3  -2   0
 62 :  -1  -2  -2  -2  -2  -1   0   0   0   2   4   6   9  10  10  10   8 :   0   0   0   0  -1   0
 63 :  -2  -2  -3  -4  -3  -2   0   0   2   4   6   8   9   8   5   3   1 :  -1  -3  -2  -1   8  -1
 64 :  -5  -5  -4  -4  -4  -3  -3   0   3   6   8   4  -5 -16 -20 -20 -20 :   1   0  -4   1  -1   2
 66 :   0  -1  -3  -4  -4  -4  -2   0   4   7   8   5   1  -6 -18 -20 -20 :  -3   1   1   0  -3   2
 67 : -18 -14 -10  -7  -4  -3  -1   0   2   6  10   9   6  -2 -13 -19 -20 :  -3  -2  -2  -2  -4   0
 68 :  -4  -3  -1   0   1   0   0   0   0   0  -3  -5  -9 -14 -20 -20 -20 :   1   4   3   3   4   1
 69 :  -8  -6  -4  -3  -2   0   1   1   1   0  -1  -3  -4 -13 -20 -20 -20 :   4   3   2   4   3   3
 70 :   0  -1  -3  -3  -1   2   3   1  -1  -4 -10 -14 -13 -13 -12 -13 -13 :  -4   0  -1   3  -1   1
 71 :   4   4   4   3   1  -2  -3  -3   1   6  10   8  -1 -16 -20 -20 -20 :   0  -4   3  -4   4  -4
 72 :   0   0   0  -1  -1  -1   0   0   0   1   3   4   4   2   0  -4  -7 :   2  -4   3   0   2   0
 73 :  -2  -2  -2  -2  -2  -2  -1   0   2   4   4   3   0  -3  -4  -7 -11 :  -1   1   1   2   0  -1
 74 :  -3  -1   0   1   1   1   0  -1  -1  -1   0  -2  -8 -14 -18 -16 -14 :   1  -6   3  -2   3   2
 75 :  12  11   9   7   4   2  -1  -2  -2  -2  -3  -5 -12 -19 -20 -20 -20 :   3 -12   4  -7   9  -1
 76 :  12  12  10   7   4   0  -2  -3  -1   1   1  -4  -8 -13 -14 -14 -13 :   5 -12  -3 -12  -8  10
 77 :  12  12  12  12   9   4  -1  -4  -4  -4  -4  -6 -10 -14 -20 -20 -20 :   0  -5   0  -2  -4   1
 78 :   1   2   3   4   4   4   2  -1  -4  -5  -6  -8  -9  -9  -7  -2   5 :  10  -5  -1   0   0   0
 79 :   6   6   5   4   2   0  -1  -2  -1   1   2   0  -4  -8 -10 -10  -9 :   3 -12   4 -12   5  -8
104 : -16 -14 -11  -8  -4   0   2   3   1  -2  -5  -7  -4  -1  -8 -20 -20 :  -6  -1  -4  -4  -4  -4
105 :  -4  -3  -1   0   1   3   2   1  -2  -4  -7  -8  -6  -6  -9 -13 -19 :  -4  -2  -2   0  -3  -4
106 : -20 -20 -20 -18 -14  -7   1   7   8   4   3   4   6   6   6   2  -4 :   1   4   1   3   0  -5
107 :  -2  -3  -3  -3  -3  -2  -1   0   2   4   5   4   2  -2  -6 -14 -20 :  -4  -4  -3  -9  -3  -5
109 :   4   4   4   3   2   1   0  -1  -1   0  -2  -4  -4  -7 -15 -20 -20 :  -3   0   4   7   4   1
110 : -10  -8  -6  -4   0   3   4   2  -3  -5  -5  -5  -4  -4  -1   1   4 :  -4  -2   0  -3   0  -4
111 :  -7  -5  -4  -2   0   1   1   1  -1  -2  -4 -10 -15 -20 -20 -20 -20 :  -4   0   2   3   4  -3
"""


@dataclass(frozen=True)
class ToneCorrection:
    """A correction in dB over frequency and over harmonic number."""

    envelope_db: tuple[float, ...]
    harmonic_db: tuple[float, ...]

    def gain(self, frequency_hz: NDArray[np.float64], f0: float) -> NDArray[np.float64]:
        """Linear gain of partials at ``frequency_hz`` (n,) of a note at ``f0`` Hz."""
        place = _STEPS_PER_OCTAVE * np.log2(np.maximum(frequency_hz, 1.0) / _LOWEST_HZ)
        decibel = np.interp(place, np.arange(len(self.envelope_db)), self.envelope_db)
        order = np.rint(frequency_hz / f0).astype(np.int64)
        low = (order >= 1) & (order <= len(self.harmonic_db))
        decibel[low] += np.array(self.harmonic_db)[order[low] - 1]
        return np.asarray(10 ** (decibel / 20))


@cache
def _corrections() -> dict[int, ToneCorrection]:
    table: dict[int, ToneCorrection] = {}
    for line in _TABLE.strip().splitlines():
        program, envelope, harmonics = line.split(":")
        table[int(program)] = ToneCorrection(
            tuple(float(number) for number in envelope.split()),
            tuple(float(number) for number in harmonics.split()),
        )
    return table


def correction_of(program: int) -> ToneCorrection | None:
    """Return the correction of a General MIDI program; None where there is none."""
    return _corrections().get(program)
