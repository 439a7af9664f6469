"""Generators and modulators: the vocabulary of the SoundFont standard.

Purpose: the numbers, defaults and default modulators that a bank's zones are written in.

Conventions: values carry the standard's units (cents, timecents, centibels, tenths of a percent);
arrays over generators have shape (:data:`NUM_GENERATORS`,).

References: SoundFont Technical Specification 2.04, sections 8.1 (generators), 8.2-8.4 (modulators)
and 8.5 (precedence).

Public names: :class:`Gen`, :class:`Modulator`, :data:`DEFAULT_GENERATORS`,
:data:`DEFAULT_MODULATORS`, :data:`INSTRUMENT_ONLY`, :data:`VELOCITY_TO_CUTOFF`,
:data:`NUM_GENERATORS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "DEFAULT_GENERATORS",
    "DEFAULT_MODULATORS",
    "INSTRUMENT_ONLY",
    "NUM_GENERATORS",
    "VELOCITY_TO_CUTOFF",
    "Gen",
    "Modulator",
]

NUM_GENERATORS = 61


class Gen(IntEnum):
    """Generator numbers of the standard (section 8.1.2) that the sampler reads."""

    START_OFFSET = 0
    END_OFFSET = 1
    LOOP_START_OFFSET = 2
    LOOP_END_OFFSET = 3
    START_COARSE_OFFSET = 4
    MOD_LFO_TO_PITCH = 5
    VIB_LFO_TO_PITCH = 6
    MOD_ENV_TO_PITCH = 7
    FILTER_CUTOFF = 8
    FILTER_Q = 9
    MOD_LFO_TO_CUTOFF = 10
    MOD_ENV_TO_CUTOFF = 11
    END_COARSE_OFFSET = 12
    MOD_LFO_TO_VOLUME = 13
    CHORUS_SEND = 15
    REVERB_SEND = 16
    PAN = 17
    MOD_LFO_DELAY = 21
    MOD_LFO_FREQUENCY = 22
    VIB_LFO_DELAY = 23
    VIB_LFO_FREQUENCY = 24
    MOD_ENV_DELAY = 25
    MOD_ENV_ATTACK = 26
    MOD_ENV_HOLD = 27
    MOD_ENV_DECAY = 28
    MOD_ENV_SUSTAIN = 29
    MOD_ENV_RELEASE = 30
    KEY_TO_MOD_ENV_HOLD = 31
    KEY_TO_MOD_ENV_DECAY = 32
    VOL_ENV_DELAY = 33
    VOL_ENV_ATTACK = 34
    VOL_ENV_HOLD = 35
    VOL_ENV_DECAY = 36
    VOL_ENV_SUSTAIN = 37
    VOL_ENV_RELEASE = 38
    KEY_TO_VOL_ENV_HOLD = 39
    KEY_TO_VOL_ENV_DECAY = 40
    INSTRUMENT = 41
    KEY_RANGE = 43
    VELOCITY_RANGE = 44
    LOOP_START_COARSE_OFFSET = 45
    KEY_NUMBER = 46
    VELOCITY = 47
    ATTENUATION = 48
    LOOP_END_COARSE_OFFSET = 50
    COARSE_TUNE = 51
    FINE_TUNE = 52
    SAMPLE_ID = 53
    SAMPLE_MODES = 54
    SCALE_TUNING = 56
    EXCLUSIVE_CLASS = 57
    OVERRIDING_ROOT_KEY = 58


def _default_generators() -> NDArray[np.float64]:
    values = np.zeros(NUM_GENERATORS)
    values[Gen.FILTER_CUTOFF] = 13_500  # absolute cents: 19.9 kHz, open
    for name in ("DELAY", "ATTACK", "HOLD", "DECAY", "RELEASE"):
        values[Gen[f"VOL_ENV_{name}"]] = values[Gen[f"MOD_ENV_{name}"]] = -12_000
    values[Gen.MOD_LFO_DELAY] = values[Gen.VIB_LFO_DELAY] = -12_000
    values[Gen.SCALE_TUNING] = 100
    values[[Gen.KEY_NUMBER, Gen.VELOCITY, Gen.OVERRIDING_ROOT_KEY]] = -1
    values.flags.writeable = False
    return values


DEFAULT_GENERATORS = _default_generators()

# Section 8.5: these make no sense at preset level, where values are offsets.
INSTRUMENT_ONLY = np.zeros(NUM_GENERATORS, dtype=bool)
INSTRUMENT_ONLY[
    [
        Gen.START_OFFSET,
        Gen.END_OFFSET,
        Gen.LOOP_START_OFFSET,
        Gen.LOOP_END_OFFSET,
        Gen.START_COARSE_OFFSET,
        Gen.END_COARSE_OFFSET,
        Gen.LOOP_START_COARSE_OFFSET,
        Gen.LOOP_END_COARSE_OFFSET,
        Gen.KEY_NUMBER,
        Gen.VELOCITY,
        Gen.SAMPLE_MODES,
        Gen.EXCLUSIVE_CLASS,
        Gen.OVERRIDING_ROOT_KEY,
        Gen.SAMPLE_ID,
        Gen.INSTRUMENT,
        Gen.KEY_RANGE,
        Gen.VELOCITY_RANGE,
    ]
] = True


@dataclass(frozen=True)
class Modulator:
    """``destination += amount * source * amount_source`` (section 8.2).

    ``source`` and ``amount_source`` are the 16-bit enumerators of the file: index in bits 0-6,
    MIDI controller flag in bit 7, direction in bit 8, polarity in bit 9, curve in bits 10-15.
    ``absolute`` is the transform of section 8.3.
    """

    source: int
    destination: int
    amount: float
    amount_source: int = 0
    absolute: bool = False

    @property
    def identity(self) -> tuple[int, int, int, bool]:
        """What must agree for one modulator to replace another (section 9.5.1)."""
        return (self.source, self.destination, self.amount_source, self.absolute)


# Section 8.4. Velocity to filter cutoff (8.4.2) is left out as FluidSynth and most players do: it
# is ill-defined, and banks that want it spell it out. Pan moves by +-500 (full width), and the
# reverb and chorus sends are the mixer's business here.
DEFAULT_MODULATORS: tuple[Modulator, ...] = (
    Modulator(0x0502, Gen.ATTENUATION, 960.0),  # velocity, concave, falling
    Modulator(0x0081, Gen.VIB_LFO_TO_PITCH, 50.0),  # modulation wheel
    Modulator(0x0587, Gen.ATTENUATION, 960.0),  # CC 7
    Modulator(0x028A, Gen.PAN, 500.0),  # CC 10, bipolar
    Modulator(0x058B, Gen.ATTENUATION, 960.0),  # CC 11
    Modulator(0x020E, Gen.FINE_TUNE, 12_700.0, 0x0010),  # pitch wheel times its range
)

VELOCITY_TO_CUTOFF = {
    (0x0102, int(Gen.FILTER_CUTOFF), 0x0D02),
    (0x0102, 8, 0x0502),
    (0x0102, 8, 0x0C02),
}
