"""Reverb: a hall from early reflections and a feedback delay network.

Purpose: one algorithmic stereo room, good enough for an orchestra and cheap enough for live use.

Conventions: stereo in, stereo out. ``decay_sec`` is RT60 at low and middle frequencies;
``high_decay_ratio`` is RT60 at 8 kHz over ``decay_sec``. Output is ``dry_level`` times the input
plus ``wet_level`` times the room, linear gains.

How it works: the input is delayed by the pre-delay and goes two ways. Early reflections are
tapped delays whose times, gains and directions come from the mirror images of two loudspeakers
in a shoebox hall. The late field is a network of sixteen delay lines: sparse noise spreads the
input over the lines, each line loses what the decay asks for in a short linear-phase filter,
and an orthogonal matrix, a Hadamard matrix times plane rotations that turn slowly, mixes the
lines. The turning moves the modes, so no single one rings, and as every matrix in time is
orthogonal it leaves the decay exact. The whole network runs in NumPy, in blocks no longer than
its shortest line; there is nothing to compile.

Public names: :class:`Reverb`, :func:`room_response`.

References: Jot and Chaigne, *Digital delay networks for designing artificial reverberators*
(AES 90, 1991); Schlecht and Habets, *Time-varying feedback matrices in feedback delay networks*
(JASA 138, 2015); Järveläinen and Karjalainen, *Reverberation modeling using velvet noise* (2007);
Allen and Berkley, *Image method* (JASA 65, 1979).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.effects.effect import check_block, check_range

__all__ = ["Reverb", "room_response"]

NUM_LINES = 16
SHORTEST_LINE_SEC, LONGEST_LINE_SEC = 0.0197, 0.0997
_FILTER_TAPS = 11
_HALL_M = (26.0, 19.0, 12.0)  # length, width, height
_SPEED_OF_SOUND = 343.0
_WALL_REFLECTION = 0.83


def _is_prime(number: int) -> bool:
    return number > 1 and all(number % d for d in range(2, math.isqrt(number) + 1))


def _line_lengths(sample_rate: int, size: float) -> NDArray[np.int64]:
    """Delay of each line in samples: primes near a geometric series, in a mixed order."""
    ratio = (LONGEST_LINE_SEC / SHORTEST_LINE_SEC) ** (1 / (NUM_LINES - 1))
    lengths: list[int] = []
    for line in range(NUM_LINES):
        length = round(SHORTEST_LINE_SEC * ratio**line * size * sample_rate)
        while not _is_prime(length) or length in lengths:
            length += 1
        lengths.append(length)
    order = np.arange(NUM_LINES) * 7 % NUM_LINES  # neighbours in length sit far apart
    return np.asarray(lengths, dtype=np.int64)[order]


def _hadamard(order: int) -> NDArray[np.float32]:
    matrix = np.ones((1, 1))
    while len(matrix) < order:
        matrix = np.block([[matrix, matrix], [matrix, -matrix]])
    return (matrix / math.sqrt(order)).astype(np.float32)


def _decay_filters(
    lengths: NDArray[np.int64], sample_rate: int, decay_sec: float, high_decay_ratio: float
) -> NDArray[np.float32]:
    """Loss of each line as a symmetric filter, shape (lines, taps).

    A line of ``d`` samples must lose ``60 d / (sample_rate * RT60(f))`` dB. RT60 falls from
    ``decay_sec`` as air and walls swallow the top: its inverse grows with frequency squared over
    a knee. Weighted least squares on the cosine series; low frequencies weigh most, since an
    error there is the one heard as a wrong decay.
    """
    half = _FILTER_TAPS // 2
    frequency_hz = np.linspace(0, sample_rate / 2, 257)
    excess = (1 / high_decay_ratio - 1) * (frequency_hz / 8000) ** 2
    # Above 8 kHz the loss grows on, softly limited so that the filter can follow.
    inverse_decay = (1 + excess / (1 + excess / (4 / high_decay_ratio))) / decay_sec
    loss_db = 60 * lengths[:, None] / sample_rate * inverse_decay
    target = 10 ** (-loss_db / 20)
    basis = np.cos(2 * np.pi * frequency_hz[:, None] / sample_rate * np.arange(half + 1)[None, :])
    weight = 1 / (1 + (frequency_hz / 3000) ** 2)
    # The sum of the cosine series at 0 Hz is held exactly by a heavy first row.
    weight[0] = 1000.0
    solution = np.linalg.lstsq(basis * weight[:, None], (target * weight).T, rcond=None)[0].T
    side = solution[:, 1:] / 2
    return np.concatenate([side[:, ::-1], solution[:, :1], side], axis=1).astype(np.float32)


@dataclass(frozen=True)
class _Taps:
    """A sparse filter from one input channel: sample offsets and a gain for each output row."""

    offsets: tuple[int, ...]
    gains: NDArray[np.float32]  # (taps, rows)


def _early_taps(channel: int, sample_rate: int, size: float) -> _Taps:
    """Mirror images up to the second order of a loudspeaker left (0) or right (1) of centre."""
    length, width, height = (size * metres for metres in _HALL_M)
    listener = np.asarray([0.62 * length, 0.5 * width, 1.3])
    side = -1 if channel == 0 else 1
    # A little off symmetry, so that left and right reflections do not coincide.
    source = np.asarray([0.2 * length, (0.5 + 0.13 * side) * width + 0.31, 1.7 + 0.17 * channel])
    images: list[tuple[float, float, float]] = []  # delay in samples, gain, pan
    direct = float(np.linalg.norm(source - listener))
    rng = np.random.default_rng(11 + channel)
    for nx in range(-2, 3):
        for ny in range(-2, 3):
            for nz in range(-1, 2):
                order = abs(nx) + abs(ny) + abs(nz)
                if not 1 <= order <= 3:
                    continue
                cell = np.asarray([nx, ny, nz])
                room = np.asarray([length, width, height])
                mirrored = np.where(cell % 2 == 0, source, room - source)
                offset = cell * room + mirrored - listener
                distance = float(np.linalg.norm(offset))
                delay = (distance - direct) / _SPEED_OF_SOUND * sample_rate
                gain = _WALL_REFLECTION**order * direct / distance * (0.9 + 0.2 * rng.random())
                images.append((delay, gain, offset[1] / distance))
    images.sort(key=lambda image: image[0])
    images = [image for image in images if 0.004 < image[0] / sample_rate < 0.11][:26]
    gains = np.zeros((len(images), 2), dtype=np.float32)
    for row, (_, gain, pan) in enumerate(images):
        angle = (pan + 1) * math.pi / 4
        sign = 1 if rng.random() < 0.7 else -1  # some walls scatter: breaks up combs
        gains[row] = sign * gain * math.cos(angle), sign * gain * math.sin(angle)
    gains /= np.sqrt(np.square(gains).sum())
    return _Taps(tuple(round(image[0]) for image in images), gains)


def _spread_taps(channel: int, sample_rate: int, size: float) -> _Taps:
    """Sparse noise of 36 ms from one input channel to its half of the lines."""
    rng = np.random.default_rng(23 + channel)
    span = round(0.036 * size * sample_rate)
    per_line, lines = 12, NUM_LINES // 2
    offsets: list[int] = []
    gains = np.zeros((per_line * lines, NUM_LINES), dtype=np.float32)
    for line in range(lines):
        for pulse in range(per_line):
            position = span * (pulse + rng.random()) / per_line
            row = len(offsets)
            offsets.append(round(position))
            sign = 1.0 if rng.random() < 0.5 else -1.0
            gains[row, 2 * line + channel] = sign * math.exp(-1.2 * position / span)
    gains /= np.sqrt(np.square(gains).sum())
    return _Taps(tuple(offsets), gains)


@lru_cache(maxsize=4)
def _rotation_table(
    sample_rate: int, modulation_hz: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Cosine and sine of the turning planes over one common period, shape (8, period) each."""
    if modulation_hz == 0:
        return np.ones((NUM_LINES // 2, 1), np.float32), np.zeros((NUM_LINES // 2, 1), np.float32)
    period = max(round(sample_rate / modulation_hz), 1)
    turns = np.asarray([2, -3, 5, -6, 7, -5, 4, -7])[:, None]
    angle = 2 * np.pi * turns * np.arange(period) / period
    return np.cos(angle).astype(np.float32), np.sin(angle).astype(np.float32)


def _add_taps(
    target: NDArray[np.float32], source: NDArray[np.float32], origin: int, taps: _Taps
) -> None:
    """Add a sparse filter's output; sample ``origin`` of the source is now."""
    num_samples = target.shape[1]
    for offset, gains in zip(taps.offsets, taps.gains, strict=True):
        delayed = source[origin - offset : origin - offset + num_samples]
        for row in np.flatnonzero(gains).tolist():
            target[row] += gains[row] * delayed


class Reverb:
    """A stereo hall.

    Parameters
    ----------
    decay_sec : float
        RT60 at low and middle frequencies, 0.1-20 s.
    high_decay_ratio : float
        RT60 at 8 kHz over ``decay_sec``, 0.1-1.
    pre_delay_ms : float
        Delay of the whole room against the dry sound, 0-250 ms.
    size : float
        Scale of the hall, 0.3-2.
    modulation_hz : float
        Base rate of the mixing matrix's rotations, 0-4; the planes turn two to seven times as
        fast. More of it smooths the modes further and begins to chorus sustained tones.
    early_level, late_level : float
        Gains of the early reflections and of the late field within the room.
    wet_level, dry_level : float
        Gains of the room and of the input in the output.
    sample_rate : int
        Hz.

    Raises
    ------
    AudioError
        If a parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> reverb = Reverb(decay_sec=1.0, wet_level=1.0, dry_level=0.0)
    >>> click = np.zeros((2, 4800), np.float32)
    >>> click[:, 0] = 1.0
    >>> reverb.process(click).shape
    (2, 4800)
    """

    latency_samples = 0

    def __init__(
        self,
        *,
        decay_sec: float = 1.9,
        high_decay_ratio: float = 0.45,
        pre_delay_ms: float = 18.0,
        size: float = 1.0,
        modulation_hz: float = 0.5,
        early_level: float = 0.5,
        late_level: float = 1.0,
        wet_level: float = 0.25,
        dry_level: float = 1.0,
        sample_rate: int = SAMPLE_RATE,
    ) -> None:
        check_range("decay_sec", decay_sec, 0.1, 20.0, "seconds")
        check_range("high_decay_ratio", high_decay_ratio, 0.1, 1.0, "")
        check_range("pre_delay_ms", pre_delay_ms, 0.0, 250.0, "ms")
        check_range("size", size, 0.3, 2.0, "")
        check_range("modulation_hz", modulation_hz, 0.0, 4.0, "Hz")
        self.wet_level, self.dry_level = wet_level, dry_level
        self.sample_rate = sample_rate
        self._lengths = _line_lengths(sample_rate, size)
        self._filters = _decay_filters(self._lengths, sample_rate, decay_sec, high_decay_ratio)
        self._matrix = _hadamard(NUM_LINES)
        self._cosine, self._sine = _rotation_table(sample_rate, modulation_hz)
        self._pre_delay = round(pre_delay_ms * 1e-3 * sample_rate)
        self._early = [_early_taps(channel, sample_rate, size) for channel in (0, 1)]
        self._spread = [_spread_taps(channel, sample_rate, size) for channel in (0, 1)]
        self._early_level = early_level
        # A fit within 1 dB: the late field of a click then holds the energy of the click,
        # whatever the decay and the size; so do the early reflections, by their table.
        self._late_level = late_level * 1.55 * (decay_sec / 2) ** -0.71 * size**0.65
        signs = _hadamard(NUM_LINES)[[5, 10]] * math.sqrt(NUM_LINES)
        self._output = (signs * 0.5).astype(np.float32)
        self._memory = self._pre_delay + max(
            max(taps.offsets) for taps in [*self._early, *self._spread]
        )
        self.reset()

    def reset(self) -> None:
        """Forget everything heard so far."""
        self._past = np.zeros((2, self._memory), dtype=np.float32)
        longest = int(self._lengths.max()) + _FILTER_TAPS
        self._lines = np.zeros((NUM_LINES, longest + 16 * int(self._lengths.min())), np.float32)
        self._write = longest  # column at which the next sample enters the lines
        self._time = 0

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the next block, float32 (2, samples)."""
        check_block(block, 2)
        num_samples = block.shape[1]
        if not num_samples:
            return block.copy()
        history = np.concatenate([self._past, block], axis=1)
        origin = self._memory - self._pre_delay
        early = np.zeros((2, num_samples), dtype=np.float32)
        spread = np.zeros((NUM_LINES, num_samples), dtype=np.float32)
        for channel in (0, 1):
            _add_taps(early, history[channel], origin, self._early[channel])
            _add_taps(spread, history[channel], origin, self._spread[channel])
        self._past = history[:, history.shape[1] - self._memory :].copy()
        late = np.empty((2, num_samples), dtype=np.float32)
        step = int(self._lengths.min()) - _FILTER_TAPS
        for start in range(0, num_samples, step):
            stop = min(start + step, num_samples)
            late[:, start:stop] = self._late(spread[:, start:stop])
        wet = self._early_level * early + self._late_level * late
        return np.asarray(self.dry_level * block + self.wet_level * wet, dtype=np.float32)

    def _late(self, entering: NDArray[np.float32]) -> NDArray[np.float32]:
        """Advance the network by at most its shortest line."""
        num_samples = entering.shape[1]
        if self._write + num_samples > self._lines.shape[1]:
            keep = int(self._lengths.max()) + _FILTER_TAPS
            self._lines[:, :keep] = self._lines[:, self._write - keep : self._write].copy()
            self._write = keep
        # The filter's group delay is part of the line's length.
        reach = np.empty((NUM_LINES, num_samples + _FILTER_TAPS - 1), dtype=np.float32)
        for line, length in enumerate(self._lengths.tolist()):
            begin = self._write - length - _FILTER_TAPS // 2
            reach[line] = self._lines[line, begin : begin + reach.shape[1]]
        half = _FILTER_TAPS // 2
        leaving = self._filters[:, half, None] * reach[:, half : half + num_samples]
        for tap in range(half):  # symmetric: two taps share a gain
            pair = reach[:, tap : tap + num_samples]
            pair = pair + reach[:, 2 * half - tap : 2 * half - tap + num_samples]
            pair *= self._filters[:, tap, None]
            leaving += pair
        fed_back = self._matrix @ self._rotate(leaving)
        fed_back += entering
        self._lines[:, self._write : self._write + num_samples] = fed_back
        self._write += num_samples
        self._time += num_samples
        return np.asarray(self._output @ leaving)

    def _rotate(self, leaving: NDArray[np.float32]) -> NDArray[np.float32]:
        """Turn pairs of lines, each pair in its plane and at its own rate."""
        num_samples, period = leaving.shape[1], self._cosine.shape[1]
        phase = (self._time + np.arange(num_samples)) % period
        cosine, sine = self._cosine[:, phase], self._sine[:, phase]
        rotated = np.empty_like(leaving)
        half = NUM_LINES // 2
        rotated[:half] = cosine * leaving[:half] - sine * leaving[half:]
        rotated[half:] = sine * leaving[:half] + cosine * leaving[half:]
        return rotated


def room_response(reverb: Reverb, duration_sec: float) -> NDArray[np.float32]:
    """Return the wet impulse response of a reverb, shape (2 inputs, 2 outputs, samples).

    The reverb is reset before and after; its dry and wet levels are left out.
    """
    num_samples = max(round(duration_sec * reverb.sample_rate), 1)
    levels = reverb.wet_level, reverb.dry_level
    reverb.wet_level, reverb.dry_level = 1.0, 0.0
    response = np.empty((2, 2, num_samples), dtype=np.float32)
    for channel in (0, 1):
        click = np.zeros((2, num_samples), dtype=np.float32)
        click[channel, 0] = 1.0
        reverb.reset()
        response[channel] = reverb.process(click)
    reverb.reset()
    reverb.wet_level, reverb.dry_level = levels
    return response
