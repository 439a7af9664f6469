"""Equaliser: shelves, bells, high and low pass in series.

Purpose: shape a spectrum with a few second-order sections.

Conventions: frequencies in Hz, gains in dB, ``quality`` is Q. Filters run in float64 and keep
their state between blocks.

Public names: :class:`Band`, :class:`Equalizer`, :func:`band_to_sos`.

Reference: Bristow-Johnson, *Cookbook formulae for audio EQ biquad filter coefficients*.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.effects.effect import check_block, check_range
from leitmotiv.errors import AudioError

__all__ = ["Band", "Equalizer", "band_to_sos"]

BandKind = Literal["bell", "low_shelf", "high_shelf", "high_pass", "low_pass"]
_KINDS = ("bell", "low_shelf", "high_shelf", "high_pass", "low_pass")


@dataclass(frozen=True)
class Band:
    """One section of an equaliser; ``gain_db`` has no effect on high and low pass."""

    kind: BandKind
    frequency_hz: float
    gain_db: float = 0.0
    quality: float = math.sqrt(0.5)


def band_to_sos(band: Band, sample_rate: int) -> NDArray[np.float64]:
    """Return the band as one second-order section, shape (6,).

    Raises
    ------
    AudioError
        If the kind is unknown or a value is out of range.
    """
    if band.kind not in _KINDS:
        raise AudioError(f"kind={band.kind!r} must be one of {', '.join(_KINDS)}")
    check_range("frequency_hz", band.frequency_hz, 1.0, 0.499 * sample_rate, "Hz")
    check_range("gain_db", band.gain_db, -48.0, 48.0, "dB")
    check_range("quality", band.quality, 0.05, 50.0, "")
    amplitude = 10 ** (band.gain_db / 40)
    omega = 2 * math.pi * band.frequency_hz / sample_rate
    cosine, alpha = math.cos(omega), math.sin(omega) / (2 * band.quality)
    if band.kind == "bell":
        b = (1 + alpha * amplitude, -2 * cosine, 1 - alpha * amplitude)
        a = (1 + alpha / amplitude, -2 * cosine, 1 - alpha / amplitude)
    elif band.kind == "high_pass":
        b = ((1 + cosine) / 2, -(1 + cosine), (1 + cosine) / 2)
        a = (1 + alpha, -2 * cosine, 1 - alpha)
    elif band.kind == "low_pass":
        b = ((1 - cosine) / 2, 1 - cosine, (1 - cosine) / 2)
        a = (1 + alpha, -2 * cosine, 1 - alpha)
    else:
        # The high shelf is the low shelf with the cosine's sign turned.
        sign = 1 if band.kind == "low_shelf" else -1
        plus, minus = amplitude + 1, amplitude - 1
        slope = 2 * math.sqrt(amplitude) * alpha
        b = (
            amplitude * (plus - sign * minus * cosine + slope),
            sign * 2 * amplitude * (minus - sign * plus * cosine),
            amplitude * (plus - sign * minus * cosine - slope),
        )
        a = (
            plus + sign * minus * cosine + slope,
            -sign * 2 * (minus + sign * plus * cosine),
            plus + sign * minus * cosine - slope,
        )
    return np.asarray([*b, *a]) / a[0]


class Equalizer:
    """Bands in series.

    Parameters
    ----------
    bands : sequence of Band
    num_channels : int
    sample_rate : int
        Hz.

    Raises
    ------
    AudioError
        If a band is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> equalizer = Equalizer((Band("high_pass", 100.0),), num_channels=1)
    >>> constant = np.ones((1, 48000), np.float32)
    >>> bool(abs(equalizer.process(constant)[0, -1]) < 1e-6)
    True
    """

    latency_samples = 0

    def __init__(
        self,
        bands: tuple[Band, ...],
        *,
        num_channels: int = 2,
        sample_rate: int = SAMPLE_RATE,
    ) -> None:
        self.num_channels = num_channels
        sections = [band_to_sos(band, sample_rate) for band in bands]
        self.sos = np.asarray(sections, dtype=np.float64).reshape(len(sections), 6)
        self.reset()

    def reset(self) -> None:
        """Forget everything heard so far."""
        self._state = np.zeros((len(self.sos), self.num_channels, 2))

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Filter the next block, float32 (num_channels, samples)."""
        from scipy.signal import sosfilt

        check_block(block, self.num_channels)
        if not len(self.sos) or not block.shape[1]:
            return block.copy()
        filtered, self._state = sosfilt(self.sos, block.astype(np.float64), axis=1, zi=self._state)
        return np.asarray(filtered, dtype=np.float32)
