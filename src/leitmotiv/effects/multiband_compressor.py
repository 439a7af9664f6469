"""Multiband compressor: lows, middles and highs, each evened out by itself.

How it works: two Linkwitz-Riley crossovers of 24 dB an octave split the sound; each band has a
compressor of :mod:`leitmotiv.effects.level`; the bands are added. The low band also runs through
the phase of the upper crossover, so that with nothing compressed the sum has a flat spectrum (an
all-pass, as every crossover of this kind).

Conventions: parameters carry the band's name. Crossovers may move at every sample and the sum
stays flat; the upper one is held at least an octave above the lower.

Public names: :class:`MultibandCompressor`.

References: Linkwitz, *Active crossover networks for noncoincident drivers* (JAES 24, 1976);
Lipshitz and Vanderkooy, *A family of linear-phase crossover networks* (JAES 31, 1983), on sums.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.audio.compiled import compiled
from leitmotiv.effects import svf
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter
from leitmotiv.effects.level import COMPRESS, run_dynamics

__all__ = ["MultibandCompressor"]

BANDS = ("low", "mid", "high")
_NO_LIMIT_DB = 1000.0


@compiled
def _split(
    low: NDArray[np.float32],
    mid: NDArray[np.float32],
    high: NDArray[np.float32],
    lower_hz: NDArray[np.float64],
    upper_hz: NDArray[np.float64],
    sample_rate: float,
    state: NDArray[np.float64],
) -> None:
    """Split what stands in ``low`` into three bands that sum to an all-pass.

    ``state``, float64 (channels, 7, 2): at the lower crossover a section that splits and two that
    steepen its sides; at the upper one the low band's all-pass and again those three.
    """
    root = math.sqrt(2.0)
    coefficients = np.zeros((2, 4))
    last_lower, last_upper = -1.0, -1.0
    for n in range(low.shape[1]):
        if lower_hz[n] != last_lower or upper_hz[n] != last_upper:
            last_lower, last_upper = lower_hz[n], upper_hz[n]
            for index in range(2):
                hz = last_lower if index == 0 else max(last_upper, 2.0 * last_lower)
                g = math.tan(math.pi * min(hz / sample_rate, 0.49))
                a1 = 1.0 / (1.0 + g * (g + root))
                coefficients[index, 0] = a1
                coefficients[index, 1] = g * a1
                coefficients[index, 2] = g * g * a1
        for channel in range(low.shape[0]):
            s = state[channel]
            x = float(low[channel, n])
            lows, highs = _butterworth(x, coefficients[0], s[0])
            lows, _ = _butterworth(lows, coefficients[0], s[1])
            _, highs = _butterworth(highs, coefficients[0], s[2])
            # The bands of the upper crossover sum to low - root * band + high of one section,
            # and so must this: twice low and high, less the input.
            below, above = _butterworth(lows, coefficients[1], s[3])
            lows = 2.0 * (below + above) - lows
            middles, tops = _butterworth(highs, coefficients[1], s[4])
            middles, _ = _butterworth(middles, coefficients[1], s[5])
            _, tops = _butterworth(tops, coefficients[1], s[6])
            low[channel, n] = lows if abs(lows) > 1e-25 else 0.0
            mid[channel, n] = middles if abs(middles) > 1e-25 else 0.0
            high[channel, n] = tops if abs(tops) > 1e-25 else 0.0


@compiled
def _butterworth(
    x: float, coefficients: NDArray[np.float64], state: NDArray[np.float64]
) -> tuple[float, float]:
    """Return low and high pass of one second-order section, and move its state on."""
    difference = x - state[1]
    band = coefficients[0] * state[0] + coefficients[1] * difference
    low = state[1] + coefficients[1] * state[0] + coefficients[2] * difference
    # The tiny constants keep a fading state from becoming denormal, which is slow.
    state[0] = 2.0 * band - state[0] + 1e-30
    state[1] = 2.0 * low - state[1] + 1e-30
    return low, x - 1.4142135623730951 * band - low


def _band_parameters(
    band: str, threshold_db: float, attack_ms: float, release_ms: float
) -> tuple[Parameter, ...]:
    return (
        Parameter(f"{band}_threshold_db", threshold_db, -80.0, 0.0, "dBFS"),
        Parameter(f"{band}_ratio", 2.0, 1.0, 50.0, "", "log"),
        Parameter(f"{band}_attack_ms", attack_ms, 0.05, 500.0, "ms", "log"),
        Parameter(f"{band}_release_ms", release_ms, 5.0, 5000.0, "ms", "log"),
        Parameter(f"{band}_gain_db", 0.0, -48.0, 48.0, "dB"),
    )


class MultibandCompressor(AutomatedEffect):
    """Three RMS compressors behind a crossover.

    Parameters
    ----------
    lower_crossover_hz, upper_crossover_hz : float
        40-2000 Hz and 500-16000 Hz.
    knee_db : float
        Width of every band's soft knee, 0-40 dB.
    low_threshold_db, low_ratio, low_attack_ms, low_release_ms, low_gain_db : float
        As of :class:`~leitmotiv.effects.compressor.Compressor`; gain -48 to 48 dB.
    mid_threshold_db, ..., high_threshold_db, ... : float
        The same for the other bands.
    sample_rate : int
        Hz.
    num_channels : int

    Raises
    ------
    AudioError
        If a parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> constant = np.full((1, 48000), 0.1, np.float32)
    >>> compressor = MultibandCompressor(low_ratio=1.0, num_channels=1)
    >>> round(float(compressor.process(constant)[0, -1]), 4)
    0.1
    """

    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("lower_crossover_hz", 200.0, 40.0, 2000.0, "Hz", "log"),
        Parameter("upper_crossover_hz", 3000.0, 500.0, 16_000.0, "Hz", "log"),
        Parameter("knee_db", 8.0, 0.0, 40.0, "dB"),
        *_band_parameters("low", -24.0, 40.0, 250.0),
        *_band_parameters("mid", -24.0, 20.0, 150.0),
        *_band_parameters("high", -30.0, 8.0, 100.0),
    )

    def __init__(
        self,
        *,
        lower_crossover_hz: float = 200.0,
        upper_crossover_hz: float = 3000.0,
        knee_db: float = 8.0,
        low_threshold_db: float = -24.0,
        low_ratio: float = 2.0,
        low_attack_ms: float = 40.0,
        low_release_ms: float = 250.0,
        low_gain_db: float = 0.0,
        mid_threshold_db: float = -24.0,
        mid_ratio: float = 2.0,
        mid_attack_ms: float = 20.0,
        mid_release_ms: float = 150.0,
        mid_gain_db: float = 0.0,
        high_threshold_db: float = -30.0,
        high_ratio: float = 2.0,
        high_attack_ms: float = 8.0,
        high_release_ms: float = 100.0,
        high_gain_db: float = 0.0,
        sample_rate: int = SAMPLE_RATE,
        num_channels: int = 2,
    ) -> None:
        given = locals()
        values = {parameter.name: given[parameter.name] for parameter in self.parameters}
        super().__init__(values, sample_rate=sample_rate, num_channels=num_channels)

    @property
    def largest_reduction_db(self) -> tuple[float, float, float]:
        """The most that was taken away since the start in the low, mid and high band."""
        low, mid, high = (float(state[2]) for state in self._levels)
        return low, mid, high

    def _clear(self) -> None:
        self._crossover = np.zeros((self.num_channels, 7, 2))
        self._levels = [np.zeros(3) for _ in BANDS]

    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        low = block.copy()
        mid, high = np.empty_like(low), np.empty_like(low)
        _split(
            low, mid, high, curves["lower_crossover_hz"], curves["upper_crossover_hz"],
            self.sample_rate, self._crossover,
        )  # fmt: skip
        no_limit = svf.constant(_NO_LIMIT_DB, block.shape[1])
        mix = svf.constant(1.0, block.shape[1])
        for name, band, state in zip(BANDS, (low, mid, high), self._levels, strict=True):
            run_dynamics(
                band, band, COMPRESS, True, 5.0, curves[f"{name}_threshold_db"],
                curves[f"{name}_ratio"], curves["knee_db"], no_limit, curves[f"{name}_attack_ms"],
                curves[f"{name}_release_ms"], curves[f"{name}_gain_db"], mix, self.sample_rate,
                state,
            )  # fmt: skip
        return np.asarray(low + mid + high, dtype=np.float32)
