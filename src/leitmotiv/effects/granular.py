"""Granular cloud: the last seconds as a swarm of short grains.

Purpose: textures, frozen moments, slow clouds behind a line.

Conventions: each grain begins ``position_sec`` and up to ``spray_ms`` ago, lasts ``grain_ms`` under
a Hann window, and is read at its own pitch, backwards with ``reverse_chance``, an octave up with
``octave_chance``, from its own place in the stereo image. Grains start at irregular moments,
``density_hz`` a second on average; where many overlap they are turned down so that the cloud keeps
the power of its source. A grain that reads faster than sound comes in begins further back, so that
it never overtakes the present. ``freeze`` (from one half on) keeps what was heard last. All chance
comes from ``seed``, sample by sample, so that the same input makes the same cloud in any blocks.

References: C. Roads, *Microsound*, MIT Press, 2001, chapter 3.

Public names: :class:`Granular`; :func:`chance` and :func:`fresh_chance` for other kernels.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.audio.compiled import compiled
from leitmotiv.effects.delay_line import make_line, stacked, tap4
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter, check_range

__all__ = ["Granular", "chance", "fresh_chance"]

_MAX_GRAINS = 128
_FREEZE_SEC = 0.01  # over which the writing fades out and in
# Columns of a grain.
_LEFT, _LENGTH, _DELAY, _RATE, _GAIN, _PLACE = range(6)


def fresh_chance(seed: int) -> NDArray[np.uint64]:
    """Return the state for :func:`chance` that belongs to a seed."""
    return np.random.SeedSequence(seed).generate_state(1, np.uint64).astype(np.uint64)


@compiled
def chance(state: NDArray[np.uint64]) -> float:
    """Return the next number in [0, 1) and advance the state (xorshift64*, one word)."""
    word = state[0]
    word ^= word >> np.uint64(12)
    word ^= word << np.uint64(25)
    word ^= word >> np.uint64(27)
    state[0] = word
    return float((word * np.uint64(2685821657736338717)) >> np.uint64(11)) / 9007199254740992.0


@compiled
def _cloud(
    audio: NDArray[np.float32],
    line: NDArray[np.float32],
    grains: NDArray[np.float64],
    clock: NDArray[np.float64],
    random: NDArray[np.uint64],
    counter: NDArray[np.int64],
    knobs: NDArray[np.float64],
    sample_rate: float,
    longest: float,
) -> None:
    """Make a block into a cloud in place.

    ``knobs`` rows: density, grain, position, spray, pitch, detune, octave chance, reverse chance,
    spread, freeze, wet, dry. ``clock``: grains until the next one, gain of the writing.
    """
    num_channels, num_samples = audio.shape
    mask = line.shape[1] - 1
    write = counter[0]
    fade = 1.0 / (_FREEZE_SEC * sample_rate)
    wet = np.empty(num_channels)
    for n in range(num_samples):
        frozen = knobs[9, n] >= 0.5
        clock[1] = max(clock[1] - fade, 0.0) if frozen else min(clock[1] + fade, 1.0)
        moving = 1.0 if clock[1] > 0.0 else 0.0
        if moving > 0.0:
            for channel in range(num_channels):
                line[channel, write & mask] = clock[1] * audio[channel, n]
            write += 1

        clock[0] -= knobs[0, n] / sample_rate
        if clock[0] <= 0.0:
            clock[0] += 0.5 + chance(random)
            # Always as many numbers a grain, so that no knob shifts the others' chances.
            late, tune, octave, turn, place = (
                chance(random),
                chance(random),
                chance(random),
                chance(random),
                chance(random),
            )
            rate = 2.0 ** ((knobs[4, n] + knobs[5, n] * 0.01 * (2.0 * tune - 1.0)) / 12.0)
            if octave < knobs[6, n]:
                rate *= 2.0
            length = min(math.floor(knobs[1, n] * 1e-3 * sample_rate), longest / (1.0 + rate))
            delay = (knobs[2, n] + 1e-3 * knobs[3, n] * late) * sample_rate
            if turn < knobs[7, n]:
                rate = -rate
            room = rate if frozen else rate - 1.0
            delay = max(delay, 4.0 + room * length)
            delay = max(min(delay, longest - (1.0 - min(rate, 1.0)) * length), 4.0)
            for k in range(len(grains)):
                if grains[k, _LEFT] <= 0.0:
                    overlap = knobs[0, n] * length / sample_rate
                    grains[k, _LEFT] = length
                    grains[k, _LENGTH] = length
                    grains[k, _DELAY] = delay
                    grains[k, _RATE] = rate
                    grains[k, _GAIN] = 1.0 / math.sqrt(max(0.375 * overlap, 1.0))
                    grains[k, _PLACE] = knobs[8, n] * (2.0 * place - 1.0)
                    break

        wet[:] = 0.0
        for k in range(len(grains)):
            if grains[k, _LEFT] <= 0.0:
                continue
            done = 1.0 - grains[k, _LEFT] / grains[k, _LENGTH]
            level = grains[k, _GAIN] * (0.5 - 0.5 * math.cos(2.0 * math.pi * done))
            delay = min(max(grains[k, _DELAY], 3.0), longest)
            for channel in range(num_channels):
                side = 1.0
                if num_channels > 1:
                    lean = grains[k, _PLACE] if channel & 1 else -grains[k, _PLACE]
                    side = math.sqrt(1.0 + lean)
                wet[channel] += side * level * tap4(line, channel, write, delay)
            grains[k, _DELAY] += moving - grains[k, _RATE]
            grains[k, _LEFT] -= 1.0
        for channel in range(num_channels):
            dry = knobs[11, n] * np.float64(audio[channel, n])
            audio[channel, n] = dry + knobs[10, n] * wet[channel]
    counter[0] = write


class Granular(AutomatedEffect):
    """A granular cloud.

    Parameters
    ----------
    density_hz : float
        Grains a second, 0.5-100.
    grain_ms : float
        Length of a grain, 5-1000 ms.
    position_sec : float
        How long ago grains begin, 0-10 s (at most what the buffer holds).
    spray_ms : float
        By how much earlier they may begin by chance, 0-3000 ms.
    pitch_semitones, detune_cents : float
        Pitch of the grains, -24 to 24 semitones, and by how much each may be off, 0-100 cents.
    octave_chance, reverse_chance : float
        How likely a grain is an octave up, or backwards, 0-1.
    stereo_spread : float
        0 (all in the middle) to 1 (anywhere between the sides).
    freeze : float
        From 0.5 on nothing more enters the buffer.
    wet_level, dry_level : float
        Linear gains of the cloud and of the input.
    buffer_sec : float
        How much is remembered, 1-30 s.
    seed : int
        Of all chance.
    sample_rate : int
        Hz.
    num_channels : int
        Channels of every block.

    Raises
    ------
    AudioError
        If a parameter is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> tone = np.sin(2 * np.pi * 220 * np.arange(48_000) / 48_000)
    >>> cloud = Granular(pitch_semitones=12.0, detune_cents=0.0, dry_level=0.0)
    >>> out = cloud.process(np.stack([tone, tone]).astype(np.float32))
    >>> abs(int(np.argmax(np.abs(np.fft.rfft(out[0])))) - 440) <= 6
    True
    """

    parameters: ClassVar[tuple[Parameter, ...]] = (  # in the order of the kernel's rows
        Parameter("density_hz", 16.0, 0.5, 100.0, "Hz", scale="log"),
        Parameter("grain_ms", 220.0, 5.0, 1000.0, "ms", scale="log"),
        Parameter("position_sec", 0.2, 0.0, 10.0, "seconds"),
        Parameter("spray_ms", 300.0, 0.0, 3000.0, "ms"),
        Parameter("pitch_semitones", 0.0, -24.0, 24.0, "semitones"),
        Parameter("detune_cents", 6.0, 0.0, 100.0, "cents"),
        Parameter("octave_chance", 0.0, 0.0, 1.0),
        Parameter("reverse_chance", 0.2, 0.0, 1.0),
        Parameter("stereo_spread", 0.7, 0.0, 1.0),
        Parameter("freeze", 0.0, 0.0, 1.0),
        Parameter("wet_level", 0.6, 0.0, 2.0),
        Parameter("dry_level", 1.0, 0.0, 2.0),
    )

    def __init__(
        self,
        *,
        density_hz: float = 16.0,
        grain_ms: float = 220.0,
        position_sec: float = 0.2,
        spray_ms: float = 300.0,
        pitch_semitones: float = 0.0,
        detune_cents: float = 6.0,
        octave_chance: float = 0.0,
        reverse_chance: float = 0.2,
        stereo_spread: float = 0.7,
        freeze: float = 0.0,
        wet_level: float = 0.6,
        dry_level: float = 1.0,
        buffer_sec: float = 10.0,
        seed: int = 1,
        sample_rate: int = SAMPLE_RATE,
        num_channels: int = 2,
    ) -> None:
        check_range("buffer_sec", buffer_sec, 1.0, 30.0, "seconds")
        self._longest, self._seed = buffer_sec * sample_rate, int(seed)
        super().__init__(
            {
                "density_hz": density_hz,
                "grain_ms": grain_ms,
                "position_sec": position_sec,
                "spray_ms": spray_ms,
                "pitch_semitones": pitch_semitones,
                "detune_cents": detune_cents,
                "octave_chance": octave_chance,
                "reverse_chance": reverse_chance,
                "stereo_spread": stereo_spread,
                "freeze": freeze,
                "wet_level": wet_level,
                "dry_level": dry_level,
            },
            sample_rate=sample_rate,
            num_channels=num_channels,
        )

    @property
    def tail_sec(self) -> float:
        """Seconds until the last grain of what was heard has ended; infinite when frozen."""
        if self.get("freeze") >= 0.5:
            return math.inf
        late = self.get("position_sec") + 1e-3 * self.get("spray_ms")
        ratio = 2.0 ** ((self.get("pitch_semitones") + 0.01 * self.get("detune_cents")) / 12.0)
        grain = 1e-3 * self.get("grain_ms") * (2.0 + 2.0 * ratio)
        return min(late + grain, self._longest / self.sample_rate + 2.0)

    def _clear(self) -> None:
        self._line = make_line(self.num_channels, self._longest + 8)
        self._grains = np.zeros((_MAX_GRAINS, 6))
        self._clock = np.array([0.0, 1.0])
        self._random = fresh_chance(self._seed)
        self._counter = np.zeros(1, dtype=np.int64)

    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        audio = np.array(block, order="C")
        _cloud(
            audio,
            self._line,
            self._grains,
            self._clock,
            self._random,
            self._counter,
            stacked(curves, self.parameters),
            float(self.sample_rate),
            float(self._longest),
        )
        return audio
