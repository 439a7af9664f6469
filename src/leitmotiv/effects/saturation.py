"""Saturation: a curve that rounds off what is loud, with little aliasing.

Purpose: warmth and density; loud passages gain harmonics, quiet ones pass.

How it works: instead of the curve's values the slope of its integral between neighbouring
samples is taken, which averages the curve over each step and so weakens aliasing; this delays by
half a sample. Oversampling, twice by default, does the rest and makes the delay whole.

Conventions: ``drive_db`` is the gain into the curve, taken back behind it, so quiet sound keeps
its level. ``bias`` shifts the sound on the curve, for even harmonics; the offset that this makes
is filtered out below 5 Hz. Kinds: ``tanh`` (soft), ``hard`` (clips at 1), ``fold`` (a sine, which
folds back what goes over its crest).

Public names: :class:`Saturation`.

Reference: Parker, Zavalishin and Le Bivic, *Reducing the aliasing of nonlinear waveshaping using
continuous-time convolution* (DAFx 2016), first order.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.audio.compiled import compiled
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter
from leitmotiv.effects.level import FixedDelay, fast_exp2, fast_log2
from leitmotiv.effects.oversampling import TAPS, Oversampler
from leitmotiv.errors import AudioError

__all__ = ["Saturation", "run_curve"]

TANH, HARD, FOLD = range(3)
KINDS = {"tanh": TANH, "hard": HARD, "fold": FOLD}
OVERSAMPLING = (1, 2, 4, 8)
_OFFSET_HZ = 5.0


@compiled
def run_curve(audio: NDArray[np.float32], kind: int, last: NDArray[np.float64]) -> None:
    """Bend float32 (channels, samples) in place, half a sample late.

    ``last``, float64 (channels,), is the input's last sample, carried from block to block.
    """
    num_samples = audio.shape[1]
    x = np.empty(num_samples + 1)
    area = np.empty(num_samples + 1)  # the curve's integral up to each sample
    for channel in range(audio.shape[0]):
        x[0] = last[channel]
        x[1:] = audio[channel]
        last[channel] = x[num_samples]
        if kind == TANH:
            for n in range(num_samples + 1):
                size = abs(x[n])
                # log cosh, in a form that does not overflow
                fading = fast_exp2(max(-2.8853900817779268 * size, -200.0))
                area[n] = size + 0.6931471805599453 * (fast_log2(1.0 + fading) - 1.0)
            for n in range(num_samples):
                step = x[n + 1] - x[n]
                middle = 0.5 * (x[n + 1] + x[n])
                bounded = min(max(middle, -20.0), 20.0)
                value = 1.0 - 2.0 / (1.0 + fast_exp2(2.8853900817779268 * bounded))
                # Where the step is small the quotient loses its digits: two terms of its series.
                small = abs(step) < 0.05
                series = value - value * (1.0 - value * value) * (step * step) * (1 / 12)
                slope = (area[n + 1] - area[n]) / (1.0 if small else step)
                audio[channel, n] = series if small else slope
        else:
            for n in range(num_samples + 1):
                size = abs(x[n])
                if kind == HARD:
                    area[n] = 0.5 * size * size if size < 1.0 else size - 0.5
                else:
                    area[n] = -math.cos(x[n])
            for n in range(num_samples):
                step = x[n + 1] - x[n]
                if abs(step) < 1e-6:
                    middle = 0.5 * (x[n + 1] + x[n])
                    if kind == HARD:
                        audio[channel, n] = min(max(middle, -1.0), 1.0)
                    else:
                        audio[channel, n] = math.sin(middle)
                else:
                    audio[channel, n] = (area[n + 1] - area[n]) / step


@compiled
def _finish(
    wet: NDArray[np.float32],
    dry: NDArray[np.float32],
    gain: NDArray[np.float32],
    mix: NDArray[np.float32],
    rest: NDArray[np.float32],
    share: NDArray[np.float32],
    coefficient: float,
    mean: NDArray[np.float64],
) -> None:
    """Take a share of the slow mean out of ``wet``, set its level and add the dry sound to it."""
    for channel in range(wet.shape[0]):
        offset = mean[channel]
        for n in range(wet.shape[1]):
            value = float(wet[channel, n]) - rest[n]
            # What bias leaves is all that need be followed.
            offset += coefficient * (share[n] * value - offset)
            if abs(offset) < 1e-20:
                offset = 0.0
            value = (value - share[n] * offset) * gain[n]
            wet[channel, n] = mix[n] * value + (1.0 - mix[n]) * dry[channel, n]
        mean[channel] = offset


def _each(
    curves: Curves, name: str, rule: Callable[[NDArray[np.float64]], NDArray[np.float64]]
) -> NDArray[np.float32]:
    """Apply a rule to a curve; only once where it stands still."""
    curve = curves[name]
    if curves.moves(name):
        return rule(curve).astype(np.float32)
    return np.full(len(curve), rule(curve[:1])[0], dtype=np.float32)


def curve_value(x: NDArray[np.float64], kind: int) -> NDArray[np.float64]:
    """Return the plain curve's values."""
    if kind == TANH:
        return np.asarray(np.tanh(x))
    return np.asarray(np.clip(x, -1.0, 1.0) if kind == HARD else np.sin(x))


class Saturation(AutomatedEffect):
    """A waveshaper.

    Parameters
    ----------
    drive_db : float
        Gain into the curve, 0-60 dB; the same gain is taken back behind it.
    mix : float
        Share of the saturated sound, 0-1.
    bias : float
        Shift on the curve, -1 to 1; 0 gives odd harmonics alone.
    output_db : float
        Gain behind all, -48 to 48 dB.
    kind : str
        ``tanh``, ``hard`` or ``fold``.
    oversampling : int
        1 (no latency), 2, 4 or 8.
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
    >>> loud = np.full((1, 4800), 1.0, np.float32)
    >>> out = Saturation(drive_db=20.0, num_channels=1).process(loud)
    >>> round(float(out[0, -1]), 4)
    0.1
    """

    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("drive_db", 6.0, 0.0, 60.0, "dB"),
        Parameter("mix", 1.0, 0.0, 1.0),
        Parameter("bias", 0.0, -1.0, 1.0),
        Parameter("output_db", 0.0, -48.0, 48.0, "dB"),
    )

    def __init__(
        self,
        *,
        drive_db: float = 6.0,
        mix: float = 1.0,
        bias: float = 0.0,
        output_db: float = 0.0,
        kind: Literal["tanh", "hard", "fold"] = "tanh",
        oversampling: int = 2,
        sample_rate: int = SAMPLE_RATE,
        num_channels: int = 2,
    ) -> None:
        if kind not in KINDS:
            raise AudioError(f"kind={kind!r} must be one of {', '.join(KINDS)}")
        if oversampling not in OVERSAMPLING:
            raise AudioError(f"oversampling={oversampling!r} must be 1, 2, 4 or 8")
        self._kind, self._factor = KINDS[kind], int(oversampling)
        values = {"drive_db": drive_db, "mix": mix, "bias": bias, "output_db": output_db}
        super().__init__(values, sample_rate=sample_rate, num_channels=num_channels)

    @property
    def latency_samples(self) -> int:
        """Samples by which the output lags behind the input: 32, or 0 without oversampling."""
        return TAPS if self._factor > 1 else 0

    def _clear(self) -> None:
        self._around = Oversampler(self.num_channels, self._factor)
        self._last = np.zeros(self.num_channels)
        self._mean = np.zeros(self.num_channels)
        self._dry = FixedDelay(self.num_channels, self.latency_samples)
        self._later = FixedDelay(4, self.latency_samples, holds_first=True)

    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        drive = _each(curves, "drive_db", lambda db: 10 ** (db / 20))
        wet = block * drive + curves["bias"].astype(np.float32)
        if self._factor > 1:
            wet = self._around.up(wet)
        run_curve(wet, self._kind, self._last)
        if self._factor > 1:
            wet = self._around.down(wet)
        behind = np.stack(
            [
                _each(curves, "output_db", lambda db: 10 ** (db / 20)) / drive,
                curves["mix"].astype(np.float32),
                _each(curves, "bias", lambda bias: curve_value(bias, self._kind)),
                _each(curves, "bias", lambda bias: np.minimum(20.0 * np.abs(bias), 1.0)),
            ]
        )
        # What belongs to an input sample must wait as the sample does.
        gain, mix, rest, share = self._later.next(behind)
        coefficient = 1.0 - math.exp(-2 * math.pi * _OFFSET_HZ / self.sample_rate)
        _finish(wet, self._dry.next(block), gain, mix, rest, share, coefficient, self._mean)
        return wet
