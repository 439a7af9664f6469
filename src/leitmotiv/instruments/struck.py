"""Struck instruments: mallets, bells, kalimba, timpani, pitched drums, electric pianos.

Each is a table of modes: frequency ratio, level at piano and at fortissimo, and ring time.

References: N. Fletcher and T. Rossing, *The Physics of Musical Instruments*, 2nd ed., 1998,
chapters 18-21 (timpani, bars, bells); T. Rossing, *Science of Percussion Instruments*, 2000.

Public names: :data:`STRUCK`, :class:`Struck`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from leitmotiv.instruments.modal import ModalVoice, ModeBank, Modes

__all__ = ["STRUCK", "bar_modes"]

Mode = tuple[float, float, float, float]
"""Frequency ratio, level dB when soft, level dB when loud, 60 dB ring time in seconds at C5."""


def bar_modes(
    table: tuple[Mode, ...],
    *,
    falloff: float = 0.6,
    spread_cents: float = 3.0,
    doublet_cents: float = 0.0,
    highest_hz: float = 15_000.0,
) -> ModeBank:
    """Modes from a table; ring times go with f0 ** -falloff.

    ``spread_cents`` is the random mistuning of each mode but the first; ``doublet_cents`` splits
    every mode in two that beat.
    """
    rows = np.array(table, dtype=np.float64)

    def modes(f0: float, level: float, rng: np.random.Generator) -> Modes:
        count = len(rows)
        wrong = rng.normal(0.0, spread_cents, count)
        wrong[0] = 0.0
        frequency = f0 * rows[:, 0] * 2 ** (wrong / 1200)
        decibel = rows[:, 1] + (rows[:, 2] - rows[:, 1]) * level + rng.normal(0, 0.8, count)
        amplitude = 10 ** (decibel / 20) * (frequency < highest_hz)
        rate = 6.9 / (rows[:, 3] * (523.25 / f0) ** falloff)
        phase = np.zeros(count)
        if not doublet_cents:
            return Modes(frequency, rate, amplitude, phase)
        split = 2 ** (doublet_cents / 2400)
        return Modes(
            np.concatenate([frequency / split, frequency * split]),
            np.concatenate([rate, rate * 1.15]),
            np.concatenate([amplitude * 0.5, amplitude * 0.5]),
            np.concatenate([phase, phase]),
        )

    return modes


_BAR = ModalVoice(
    modes=bar_modes(((1.0, 0, 0, 3.0), (2.756, -18, -10, 1.2), (5.404, -30, -18, 0.5))),
    damped=False,
    pedal=False,
    noise_db=-22.0,
    noise_decay_sec=0.004,
    noise_band_hz=(1000.0, 8000.0),
    width=0.25,
)

_RHODES = ModalVoice(
    modes=bar_modes(
        (
            (1.0, 0, 0, 8.0),
            (2.0, -24, -7, 5.0),
            (3.0, -38, -14, 2.2),
            (4.0, -48, -21, 1.5),
            (5.0, -56, -27, 1.1),
            (6.0, -64, -32, 0.9),
            (7.11, -34, -19, 0.35),
            (12.3, -46, -30, 0.18),
            (20.1, -52, -34, 0.1),
        ),
        falloff=0.45,
        spread_cents=0.5,
    ),
    release_sec=0.16,
    noise_db=-34.0,
    noise_decay_sec=0.01,
    noise_band_hz=(200.0, 2500.0),
    tremolo_hz=4.6,
    tremolo_db=1.2,
    width=0.3,
)
_FM_PIANO = replace(
    _RHODES,
    modes=bar_modes(
        (
            (1.0, 0, 0, 6.0),
            (1.003, -8, -8, 6.0),
            (2.0, -22, -13, 3.0),
            (3.0, -28, -18, 2.0),
            (4.0, -40, -26, 1.5),
            (13.0, -34, -18, 0.7),
            (14.0, -26, -11, 0.8),
            (15.0, -34, -18, 0.7),
        ),
        falloff=0.4,
        spread_cents=0.2,
    ),
    tremolo_db=0.0,
    width=0.5,
)

STRUCK: dict[int, ModalVoice] = {
    4: _RHODES,
    5: _FM_PIANO,
    8: replace(
        _BAR,
        modes=bar_modes(
            ((1.0, 0, 0, 2.2), (2.0, -30, -26, 1.2), (2.76, -26, -18, 0.8), (5.4, -38, -28, 0.4))
        ),
        damped=True,
        pedal=True,
        release_sec=0.35,
        noise_db=-30.0,
    ),
    9: replace(
        _BAR,
        modes=bar_modes(
            ((1.0, 0, 0, 3.2), (2.71, -14, -7, 2.2), (5.15, -22, -12, 1.2), (8.43, -30, -20, 0.6)),
            falloff=0.8,
        ),
    ),
    10: replace(
        _BAR,
        modes=bar_modes(
            (
                (1.0, 0, 0, 2.6),
                (2.0, -22, -20, 1.5),
                (3.01, -28, -24, 1.0),
                (6.27, -20, -14, 0.5),
                (17.5, -36, -30, 0.2),
            )
        ),
        noise_db=-24.0,
        noise_decay_sec=0.003,
    ),
    11: replace(
        _BAR,
        modes=bar_modes(
            ((1.0, 0, 0, 4.4), (4.0, -20, -12, 2.0), (9.9, -40, -26, 0.7)), falloff=0.5
        ),
        damped=True,
        pedal=True,
        release_sec=0.3,
        noise_db=-34.0,
        tremolo_hz=5.2,
        tremolo_db=3.0,
    ),
    12: replace(
        _BAR,
        modes=bar_modes(
            (
                (1.0, 0, 0, 0.75),
                (3.93, -20, -12, 0.28),
                (9.2, -34, -22, 0.1),
                (16.0, -44, -34, 0.06),
            ),
            falloff=0.7,
        ),
        noise_db=-26.0,
        noise_decay_sec=0.006,
        noise_band_hz=(250.0, 2500.0),
    ),
    13: replace(
        _BAR,
        modes=bar_modes(
            ((1.0, 0, 0, 0.5), (3.0, -10, -5, 0.26), (6.1, -20, -12, 0.14), (10.2, -28, -20, 0.08)),
            falloff=0.7,
        ),
        noise_db=-18.0,
    ),
    14: replace(
        _BAR,
        modes=bar_modes(
            (
                (1.0, -14, -12, 6.0),
                (2.0, 0, 0, 5.0),
                (3.0, -3, -1, 4.0),
                (4.18, -7, -4, 3.0),
                (5.44, -14, -9, 2.2),
                (6.8, -22, -14, 1.4),
                (8.3, -30, -18, 0.9),
            ),
            falloff=0.3,
            spread_cents=1.0,
            doublet_cents=1.5,
        ),
        noise_db=-26.0,
        longest_sec=7.0,
    ),
    47: replace(
        _BAR,
        modes=bar_modes(
            (
                (1.0, 0, 0, 1.5),
                (1.5, -5, -3, 1.2),
                (1.98, -10, -7, 0.9),
                (2.44, -15, -11, 0.7),
                (2.9, -20, -14, 0.5),
                (0.62, -14, -10, 0.16),
                (3.6, -30, -20, 0.25),
            ),
            falloff=0.35,
        ),
        noise_db=-24.0,
        noise_decay_sec=0.02,
        noise_band_hz=(120.0, 1500.0),
    ),
    108: replace(
        _BAR,
        modes=bar_modes(
            ((1.0, 0, 0, 1.4), (2.0, -30, -24, 0.7), (5.4, -22, -14, 0.25), (14.7, -36, -28, 0.08)),
            falloff=0.5,
        ),
        noise_db=-20.0,
    ),
    112: replace(
        _BAR,
        modes=bar_modes(
            (
                (1.0, 0, 0, 2.5),
                (2.4, -8, -4, 1.8),
                (4.1, -14, -8, 1.2),
                (6.2, -20, -12, 0.8),
                (8.7, -26, -18, 0.5),
            ),
            falloff=0.7,
        ),
    ),
    113: replace(
        _BAR,
        modes=bar_modes(
            ((1.0, 0, 0, 0.55), (2.62, -6, -2, 0.4), (4.3, -14, -8, 0.25), (6.9, -20, -12, 0.16)),
            falloff=0.3,
        ),
        noise_db=-18.0,
    ),
    114: replace(
        _BAR,
        modes=bar_modes(
            (
                (1.0, 0, 0, 1.1),
                (2.0, -7, -2, 0.9),
                (3.0, -18, -9, 0.5),
                (4.02, -22, -13, 0.4),
                (5.1, -30, -18, 0.25),
                (6.2, -34, -24, 0.2),
            ),
            falloff=0.4,
            doublet_cents=5.0,
        ),
        noise_db=-24.0,
    ),
    115: replace(
        _BAR,
        modes=bar_modes(
            ((1.0, 0, 0, 0.12), (2.4, -8, -4, 0.07), (3.9, -16, -10, 0.05)), falloff=0.2
        ),
        noise_db=-14.0,
    ),
    116: replace(
        _BAR,
        modes=bar_modes(
            (
                (1.0, 0, 0, 0.9),
                (1.59, -6, -3, 0.5),
                (2.14, -12, -7, 0.35),
                (2.3, -14, -9, 0.3),
                (2.65, -18, -12, 0.25),
                (2.92, -22, -14, 0.2),
            ),
            falloff=0.25,
        ),
        noise_db=-14.0,
        noise_decay_sec=0.03,
        noise_band_hz=(80.0, 1200.0),
    ),
    117: replace(
        _BAR,
        modes=bar_modes(
            ((1.0, 0, 0, 0.6), (1.59, -8, -4, 0.35), (2.14, -14, -9, 0.25), (2.65, -20, -13, 0.2)),
            falloff=0.25,
        ),
        noise_db=-18.0,
        noise_decay_sec=0.015,
        noise_band_hz=(150.0, 2500.0),
    ),
    118: replace(
        _BAR,
        modes=bar_modes(
            ((1.0, 0, 0, 0.5), (1.5, -14, -8, 0.25), (2.0, -20, -14, 0.2)), falloff=0.2
        ),
        noise_db=-20.0,
        noise_decay_sec=0.05,
    ),
}
