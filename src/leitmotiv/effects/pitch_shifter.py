"""Pitch shifter: the same sound, at the same speed, higher or lower.

Purpose: octaves under a guitar, harmonies, detuned doubles, slow glides.

Conventions: ``semitones`` moves at every sample. Two kinds:

- ``"smooth"`` moves the peaks of the spectrum (:mod:`~leitmotiv.effects.spectral_shift`): chords
  stay clean and attacks in place, a little softened; the latency is the window, some 85 ms.
- ``"tight"`` reads a delay line faster or more slowly than it is written, and jumps to a like place
  before it runs out (:mod:`~leitmotiv.effects.splicing`): half the latency and clean single notes,
  but chords flutter and an attack may be off by half of ``span_ms``. What would lie above the
  Nyquist frequency after the shift is cut before it.

The dry sound is late by the latency too, so that both stand together. At 0 semitones the tight kind
returns the input and the smooth one does within rounding.

References: see the two modules.

Public names: :class:`PitchShifter`.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.audio.compiled import compiled
from leitmotiv.effects.delay_line import TINY, make_line, stacked
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter, check_range
from leitmotiv.effects.spectral_shift import SpectralShift, frame_samples
from leitmotiv.effects.splicing import fresh_heads, move_head, read_head
from leitmotiv.errors import AudioError

__all__ = ["PitchShifter"]

Kind = Literal["smooth", "tight"]
_KINDS: tuple[str, ...] = get_args(Kind)
_MARGIN_SEC = 0.0065  # what the comparison of places needs beyond the span


@compiled
def _shift(
    audio: NDArray[np.float32],
    line: NDArray[np.float32],
    raw: NDArray[np.float32],
    head: NDArray[np.float64],
    filters: NDArray[np.float64],
    counter: NDArray[np.int64],
    knobs: NDArray[np.float64],
    sample_rate: float,
    base: int,
    span: float,
) -> None:
    """Shift a block in place. ``knobs`` rows: semitones, wet, dry."""
    num_channels, num_samples = audio.shape
    mask = line.shape[1] - 1
    write = counter[0]
    last, ratio, g, share = math.nan, 1.0, 0.0, 0.0
    for n in range(num_samples):
        if knobs[0, n] != last:
            last = knobs[0, n]
            ratio = 2.0 ** (last / 12.0)
            share = min(max(20.0 * (ratio - 1.0), 0.0), 1.0)
            g = math.tan(math.pi * 0.42 / max(ratio, 1.0))
        for channel in range(num_channels):
            sound = np.float64(audio[channel, n])
            raw[channel, write & mask] = sound
            cut = sound
            for stage in range(2):  # Butterworth of fourth order
                k = 1.8477590650 if stage == 0 else 0.7653668647
                one, two = filters[channel, 2 * stage], filters[channel, 2 * stage + 1]
                v1 = (one + g * (cut - two)) / (1.0 + g * (g + k))
                v2 = two + g * v1
                one, two = 2.0 * v1 - one, 2.0 * v2 - two
                filters[channel, 2 * stage] = one if abs(one) > TINY else 0.0
                filters[channel, 2 * stage + 1] = two if abs(two) > TINY else 0.0
                cut = v2
            line[channel, write & mask] = sound + share * (cut - sound)
        move_head(line, write, head, ratio, float(base), span, sample_rate)
        for channel in range(num_channels):
            wet = read_head(line, channel, write, head)
            dry = raw[channel, (write - base) & mask]
            audio[channel, n] = knobs[1, n] * wet + knobs[2, n] * dry
        write += 1
    counter[0] = write


class PitchShifter(AutomatedEffect):
    """A pitch shifter.

    Parameters
    ----------
    semitones : float
        -24 to 24; fractions are cents.
    wet_level, dry_level : float
        Linear gains of the shifted sound and of the input.
    kind : {"smooth", "tight"}
        For chords, or for single notes and little latency.
    window_ms : float
        Length of the smooth kind's frames, 20-200 ms, brought to a power of two in samples. Longer
        ones tell close notes of low chords apart, shorter ones keep attacks crisper.
    span_ms : float
        How far the tight kind's reader may drift before it jumps, 10-100 ms. Its latency is 0.95
        of it and 7 ms.
    sample_rate : int
        Hz.
    num_channels : int
        Channels of every block; all are shifted alike, so that the image stays.

    Raises
    ------
    AudioError
        If a parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000).astype(np.float32)[None]
    >>> out = PitchShifter(semitones=12.0, num_channels=1).process(tone)
    >>> int(np.argmax(np.abs(np.fft.rfft(out[0]))))
    880
    """

    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("semitones", 0.0, -24.0, 24.0, "semitones"),
        Parameter("wet_level", 1.0, 0.0, 2.0),
        Parameter("dry_level", 0.0, 0.0, 2.0),
    )

    def __init__(
        self,
        *,
        semitones: float = 0.0,
        wet_level: float = 1.0,
        dry_level: float = 0.0,
        kind: Kind = "smooth",
        window_ms: float = 85.0,
        span_ms: float = 40.0,
        sample_rate: int = SAMPLE_RATE,
        num_channels: int = 2,
    ) -> None:
        if kind not in _KINDS:
            raise AudioError(f"kind={kind!r} must be one of {', '.join(_KINDS)}")
        check_range("window_ms", window_ms, 20.0, 200.0, "ms")
        check_range("span_ms", span_ms, 10.0, 100.0, "ms")
        self._span = span_ms * 1e-3 * sample_rate
        self.kind = kind
        if kind == "smooth":
            self._base = frame_samples(int(sample_rate), window_ms)
        else:
            self._base = math.ceil(0.95 * self._span + _MARGIN_SEC * sample_rate) + 12
        super().__init__(
            {"semitones": semitones, "wet_level": wet_level, "dry_level": dry_level},
            sample_rate=sample_rate,
            num_channels=num_channels,
        )

    @property
    def latency_samples(self) -> int:
        """Samples by which the output lags behind the input."""
        return self._base

    @property
    def tail_sec(self) -> float:
        """Seconds for which what was read late may sound on."""
        return (self._base if self.kind == "smooth" else self._span) / self.sample_rate

    def _clear(self) -> None:
        if self.kind == "smooth":
            self._spectral = SpectralShift(self._base, self.num_channels)
            self._past = np.zeros((self.num_channels, self._base), dtype=np.float32)
            return
        longest = 2.5 * self._base + 2.0 * self._span
        self._line = make_line(self.num_channels, longest)
        self._raw = make_line(self.num_channels, longest)
        self._head = fresh_heads(1)[0]
        self._filters = np.zeros((self.num_channels, 4))
        self._counter = np.zeros(1, dtype=np.int64)

    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        if self.kind == "smooth":
            wet = self._spectral.process(block, np.exp2(curves["semitones"] / 12.0))
            both = np.concatenate([self._past, block], axis=1)
            self._past = both[:, block.shape[1] :].copy()
            dry = both[:, : block.shape[1]]
            mixed = curves["wet_level"] * wet + curves["dry_level"] * dry
            return np.asarray(mixed, dtype=np.float32)
        audio = np.array(block, order="C")
        _shift(
            audio,
            self._line,
            self._raw,
            self._head,
            self._filters,
            self._counter,
            stacked(curves, self.parameters),
            float(self.sample_rate),
            self._base,
            self._span,
        )
        return audio
