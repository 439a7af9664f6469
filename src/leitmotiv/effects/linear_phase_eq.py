"""Linear-phase equaliser: the parametric equaliser's spectrum without its delays.

Purpose: equalise what will be added to a copy of itself, or a master, without moving one
frequency against another.

How it works: the knobs' magnitude response becomes a symmetric FIR filter, by which the sound is
convolved in the frequency domain, hop by hop. Knobs are read at the start of each hop; where
they have moved, the sound fades from the old filter to the new one over the hop.

Conventions: the knobs are those of :mod:`leitmotiv.effects.parametric_eq`. The filter has
``num_taps`` taps, a hop is half as long, and the latency is ``num_taps`` samples. Frequencies are
told apart down to about 2 / ``num_taps`` of the sample rate (23 Hz by default), so low narrow bells
come out wider than asked.

Public names: :class:`LinearPhaseEqualizer`.

Reference: Oppenheim and Schafer, *Discrete-Time Signal Processing*, sections 7.5 (windowed design)
and 8.7 (overlap-save).
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter
from leitmotiv.effects.eq import Band, band_to_sos
from leitmotiv.effects.parametric_eq import (
    EQUALIZER_PARAMETERS,
    HIGH_CUT_OFF_HZ,
    LOW_CUT_OFF_HZ,
    cut_share,
    equalizer_bands,
)
from leitmotiv.errors import AudioError

__all__ = ["LinearPhaseEqualizer"]

NUM_TAPS = (511, 1023, 2047, 4095, 8191, 16383)
_HALF = math.sqrt(0.5)


class LinearPhaseEqualizer(AutomatedEffect):
    """Eight bands whose phase is a delay.

    Parameters
    ----------
    low_cut_hz, low_shelf_hz, ..., high_cut_hz : float
        As of :class:`~leitmotiv.effects.parametric_eq.ParametricEqualizer`.
    cut_slope_db : int
        12 or 24 dB an octave, of both cuts.
    num_taps : int
        511, 1023, 2047, 4095, 8191 or 16383: length of the filter, and the latency.
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
    >>> click = np.zeros((1, 600), np.float32)
    >>> click[0, 0] = 1.0
    >>> equalizer = LinearPhaseEqualizer(bell_3_db=6.0, num_taps=511, num_channels=1)
    >>> out = equalizer.process(click)[0]
    >>> int(np.argmax(out)), bool(np.allclose(out[501:511], out[521:511:-1], atol=1e-6))
    (511, True)
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
        num_taps: int = 4095,
        sample_rate: int = SAMPLE_RATE,
        num_channels: int = 2,
    ) -> None:
        given = locals()
        values = {parameter.name: given[parameter.name] for parameter in self.parameters}
        if num_taps not in NUM_TAPS:
            raise AudioError(
                f"num_taps={num_taps!r} must be one of {', '.join(map(str, NUM_TAPS))}"
            )
        self._bands = equalizer_bands(cut_slope_db)
        self._num_taps, self._hop = num_taps, (num_taps + 1) // 2
        self._n_fft = 2 * (num_taps + 1)
        super().__init__(values, sample_rate=sample_rate, num_channels=num_channels)

    @property
    def latency_samples(self) -> int:
        """Samples by which the output lags behind the input: half a filter and a hop."""
        return (self._num_taps - 1) // 2 + self._hop

    @property
    def tail_sec(self) -> float:
        """Seconds for which the filter rings after its middle."""
        return self._hop / self.sample_rate

    def _clear(self) -> None:
        shape = (self.num_channels, self._hop)
        self._ready = np.zeros(shape, dtype=np.float32)  # what is heard while the next hop fills
        self._filled = 0
        self._heard = np.zeros((self.num_channels, self._n_fft), dtype=np.float32)
        self._asked: dict[str, float] = {}
        self._design = {name: knob.here() for name, knob in self._knobs.items()}
        self._filter = self._make_filter(self._design)

    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        out = np.empty_like(block)
        start = 0
        while start < block.shape[1]:
            if not self._filled:
                self._asked = {p.name: float(curves[p.name][start]) for p in self.parameters}
            count = min(self._hop - self._filled, block.shape[1] - start)
            place = slice(self._filled, self._filled + count)
            out[:, start : start + count] = self._ready[:, place]
            self._heard[:, self._n_fft - self._hop :][:, place] = block[:, start : start + count]
            self._filled += count
            start += count
            if self._filled == self._hop:
                self._turn()
        return out

    def _turn(self) -> None:
        """Filter the hop that is full."""
        from scipy.fft import irfft, rfft

        spectrum = rfft(self._heard, axis=1)
        self._ready = irfft(spectrum * self._filter, axis=1)[:, -self._hop :]
        if self._asked != self._design:
            self._design, self._filter = self._asked, self._make_filter(self._asked)
            new = irfft(spectrum * self._filter, axis=1)[:, -self._hop :]
            fade = (np.arange(1, self._hop + 1) / self._hop).astype(np.float32)
            self._ready = self._ready + fade * (new - self._ready)
        self._heard[:, : -self._hop] = self._heard[:, self._hop :].copy()
        self._filled = 0

    def _make_filter(self, values: dict[str, float]) -> NDArray[np.complex64]:
        """Return the spectrum of the filter for ``n_fft`` samples."""
        from scipy.fft import irfft, rfft

        z = np.exp(-2j * np.pi * np.arange(self._n_fft // 2 + 1) / self._n_fft)
        response = np.ones(len(z), dtype=np.complex128)
        highest = 0.49 * self.sample_rate
        for name, _, cut_quality in self._bands:
            hertz = min(values[f"{name}_hz"], highest)
            if cut_quality:
                share = float(cut_share(name, np.asarray([values[f"{name}_hz"]]))[0])
                band = Band("high_pass" if name == "low_cut" else "low_pass", hertz, 0, cut_quality)
            else:
                gain_db = values[f"{name}_db"]
                share = 1.0 if gain_db else 0.0
                label: Literal["bell", "low_shelf", "high_shelf"] = (
                    "low_shelf" if name == "low_shelf"
                    else "high_shelf" if name == "high_shelf" else "bell"
                )  # fmt: skip
                band = Band(label, hertz, gain_db, values[f"{name}_quality"])
            if share:
                b0, b1, b2, a0, a1, a2 = band_to_sos(band, self.sample_rate)
                section = (b0 + z * (b1 + z * b2)) / (a0 + z * (a1 + z * a2))
                response *= share * section + (1.0 - share)
        taps = np.roll(irfft(np.abs(response)), self._num_taps // 2)[: self._num_taps]
        taps *= np.kaiser(self._num_taps, 6.0)
        return np.asarray(rfft(taps, n=self._n_fft), dtype=np.complex64)
