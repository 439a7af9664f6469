"""Parametric equaliser: low and high cut, two shelves, four bells, all of them in motion.

Purpose: shape a spectrum by ear or by automation.

Conventions: frequencies in Hz, gains in dB, quality is Q. A band whose gain is 0 dB does nothing.
The low cut is off at 10 Hz and fully in from 20 Hz, the high cut off at 20000 Hz and in from
18000 Hz down, so that either may come and go without a click. Frequencies are held
below 0.49 of the sample rate. Responses are those of :func:`leitmotiv.effects.eq.band_to_sos`,
but here every frequency, gain and quality may move at every sample.

Public names: :class:`ParametricEqualizer`, :func:`equalizer_bands`.

Reference: see :mod:`leitmotiv.effects.svf`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.effects import svf
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter
from leitmotiv.errors import AudioError

__all__ = ["EQUALIZER_PARAMETERS", "ParametricEqualizer", "cut_share", "equalizer_bands"]

LOW_CUT_OFF_HZ, HIGH_CUT_OFF_HZ = 10.0, 20_000.0
LARGEST_GAIN_DB = 24.0
_HALF = math.sqrt(0.5)
_BELLS_HZ = (200.0, 600.0, 2000.0, 6000.0)
# Quality of the second-order sections of Butterworth cuts.
_CUT_QUALITIES = {
    12: (_HALF,),
    24: (1 / (2 * math.cos(math.pi / 8)), 1 / (2 * math.cos(3 * math.pi / 8))),
}


def _band(name: str, frequency_hz: float, quality: float) -> tuple[Parameter, ...]:
    return (
        Parameter(f"{name}_hz", frequency_hz, 10.0, 20_000.0, "Hz", "log"),
        Parameter(f"{name}_db", 0.0, -LARGEST_GAIN_DB, LARGEST_GAIN_DB, "dB"),
        Parameter(f"{name}_quality", quality, 0.1, 20.0, "", "log"),
    )


EQUALIZER_PARAMETERS: tuple[Parameter, ...] = (
    Parameter("low_cut_hz", LOW_CUT_OFF_HZ, LOW_CUT_OFF_HZ, 2000.0, "Hz", "log"),
    *_band("low_shelf", 120.0, _HALF),
    *(p for i, hz in enumerate(_BELLS_HZ, 1) for p in _band(f"bell_{i}", hz, 1.0)),
    *_band("high_shelf", 8000.0, _HALF),
    Parameter("high_cut_hz", HIGH_CUT_OFF_HZ, 500.0, HIGH_CUT_OFF_HZ, "Hz", "log"),
)
"""Knobs of an equaliser, of minimum phase or linear phase alike."""

_GAIN_BANDS = ("low_shelf", *(f"bell_{i}" for i in range(1, 5)), "high_shelf")


def equalizer_bands(cut_slope_db: int) -> tuple[tuple[str, int, float], ...]:
    """Return every section: the name of its band, its kind in the kernel, a cut's quality or 0.

    Raises
    ------
    AudioError
        If the slope is neither 12 nor 24 dB an octave.
    """
    if cut_slope_db not in _CUT_QUALITIES:
        raise AudioError(f"cut_slope_db={cut_slope_db!r} must be 12 or 24 dB an octave")
    qualities = _CUT_QUALITIES[cut_slope_db]
    kinds = [svf.KINDS[band if band.endswith("shelf") else "bell"] for band in _GAIN_BANDS]
    return (
        *(("low_cut", svf.KINDS["high_pass"], quality) for quality in qualities),
        *((band, kind, 0.0) for band, kind in zip(_GAIN_BANDS, kinds, strict=True)),
        *(("high_cut", svf.KINDS["low_pass"], quality) for quality in qualities),
    )


def cut_share(band: str, frequency_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how far a cut is in, 0 to 1."""
    if band == "low_cut":
        share = np.clip(frequency_hz / LOW_CUT_OFF_HZ - 1.0, 0.0, 1.0)
    else:
        share = np.clip((HIGH_CUT_OFF_HZ - frequency_hz) / 2000.0, 0.0, 1.0)
    share.flags.writeable = False
    return share


class ParametricEqualizer(AutomatedEffect):
    """Eight bands in series.

    Parameters
    ----------
    low_cut_hz, high_cut_hz : float
        10-2000 Hz, off at 10; 500-20000 Hz, off at 20000.
    low_shelf_hz, low_shelf_db, low_shelf_quality, high_shelf_hz, ... : float
        The shelves' middle (where half the gain is reached), gain and quality.
    bell_1_hz, bell_1_db, bell_1_quality, ..., bell_4_quality : float
        Frequency 10-20000 Hz, gain -24 to 24 dB, quality 0.1-20.
    cut_slope_db : int
        12 or 24 dB an octave, of both cuts.
    sample_rate : int
        Hz.
    num_channels : int

    Raises
    ------
    AudioError
        If a value is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> equalizer = ParametricEqualizer(low_shelf_db=6.0, low_shelf_hz=500.0, num_channels=1)
    >>> constant = np.full((1, 4800), 0.1, np.float32)
    >>> round(float(20 * np.log10(equalizer.process(constant)[0, -1] / 0.1)), 3)
    6.0
    """

    parameters: ClassVar[tuple[Parameter, ...]] = EQUALIZER_PARAMETERS

    def __init__(
        self,
        *,
        low_cut_hz: float = LOW_CUT_OFF_HZ,
        low_shelf_hz: float = 120.0,
        low_shelf_db: float = 0.0,
        low_shelf_quality: float = _HALF,
        bell_1_hz: float = 200.0,
        bell_1_db: float = 0.0,
        bell_1_quality: float = 1.0,
        bell_2_hz: float = 600.0,
        bell_2_db: float = 0.0,
        bell_2_quality: float = 1.0,
        bell_3_hz: float = 2000.0,
        bell_3_db: float = 0.0,
        bell_3_quality: float = 1.0,
        bell_4_hz: float = 6000.0,
        bell_4_db: float = 0.0,
        bell_4_quality: float = 1.0,
        high_shelf_hz: float = 8000.0,
        high_shelf_db: float = 0.0,
        high_shelf_quality: float = _HALF,
        high_cut_hz: float = HIGH_CUT_OFF_HZ,
        cut_slope_db: int = 12,
        sample_rate: int = SAMPLE_RATE,
        num_channels: int = 2,
    ) -> None:
        given = locals()
        values: Mapping[str, float] = {p.name: given[p.name] for p in self.parameters}
        self._bands = equalizer_bands(cut_slope_db)
        super().__init__(values, sample_rate=sample_rate, num_channels=num_channels)

    def _clear(self) -> None:
        self._state = [svf.new_state(self.num_channels) for _ in self._bands]

    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        audio = block.copy()
        for (band, kind, cut_quality), state in zip(self._bands, self._state, strict=True):
            frequency_hz = curves[f"{band}_hz"]
            if cut_quality:
                quality = svf.constant(cut_quality, block.shape[1])
                gain = cut_share(band, frequency_hz)
                off = not gain.any()
            else:
                quality, gain = curves[f"{band}_quality"], curves[f"{band}_db"]
                off = svf.is_off(state, gain)
            if not off:
                svf.run_svf(audio, kind, frequency_hz, quality, gain, self.sample_rate, state)
            elif cut_quality:  # the memory that the kernel leaves where a cut is off
                state[:, 0] = 0.0
                state[:, 1] = audio[:, -1] if kind == svf.KINDS["low_pass"] else 0.0
        return audio
