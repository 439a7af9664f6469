"""Evolving delay: echoes that grow darker, wider and softer, and may never end.

Purpose: the heart of an ambient rig. Echoes wander like tape, bloom into clouds, turn backwards or
climb by octaves, step aside for the player, and hold for ever when asked to.

Conventions, in the order of the signal:

- *Writing*: input and feedback pass the low and the high cut (second order) on their way to the
  line, so that the n-th echo has been cut n times. At their ends (10 Hz, 20 kHz) the cuts are off.
- *Loop*: the gain from echo to echo is ``feedback``, exact as long as the cuts are off. Four
  all-passes a channel diffuse each repeat (not the first echo); they change no level, and the loop
  is read ahead by their length, so that the middle of each repeat's energy stays on the beat.
- *Infinity*: from feedback 0.95 on the loop begins to measure what it loses and to give it back,
  and the cuts, the wow and the flutter let go of what goes round (not of what enters), as all of
  them add up from pass to pass: at 1 a chord is held for as long as one likes, and what is played
  on top pushes what was there down. What is held for long is cut under 35 Hz. The line never holds
  more than 2 dB over ``ceiling_db``; its level is ridden, waves are bent only where that comes too
  late. A partial ping-pong loses what differs between the sides, and octaves in the loop leave at
  the top or the bottom: both thin a held sound out over minutes.
- ``freeze`` closes the input and holds the loop as it is; ``input_level`` at 0 lets the echoes ring
  out (trails).
- *Taps*: heard are ``tap_times`` (shares of the delay) with ``tap_levels`` and ``tap_pans``, and
  ``reverse_level``, ``octave_up_level``, ``octave_down_level``. ``evolve`` sends these three back
  into the loop in place of the plain echo, at equal power: each repeat is turned over again.
  Octaves are shifted in the spectrum, so that chords stay chords; that takes some 110 ms, and with
  a shorter delay they are late by the rest.
- *Tape*: ``wow_cents`` and ``flutter_cents`` are the largest bend of the pitch either way, channels
  a quarter of a swing apart. A delay time that moves glides.
- *Ducking*: echoes fall by up to ``duck_db`` while the input (or the side chain) is louder than
  ``duck_threshold_db``; the whole fall is reached 12 dB above it.

References: M. R. Schroeder, *Natural Sounding Artificial Reverberation*, JAES 10, 1962 (all-pass);
V. Zavalishin, *The Art of VA Filter Design*, 2018, chapter 4 (the cuts).

Public names: :class:`EvolvingDelay`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.effects import evolving_delay_kernel as kernel
from leitmotiv.effects.delay_line import glide_pace, make_line
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter, check_range
from leitmotiv.effects.spectral_shift import SpectralShift, frame_samples
from leitmotiv.errors import AudioError

__all__ = ["EvolvingDelay"]

LONGEST_SEC = 8.0
_LONGEST_DIFFUSION_SEC = 0.25
_LINE_SEC = 10.0  # the longest delay and its swing; the longest reversed stretch and its fade
_GLIDE_MS = 150.0
_OCTAVE_WINDOW_MS = 85.0


class EvolvingDelay(AutomatedEffect):
    """A delay whose echoes evolve.

    Parameters
    ----------
    delay_sec : float
        Time from echo to echo, 0.02-8 s.
    feedback : float
        Gain from echo to echo, 0-1.
    low_cut_hz, high_cut_hz : float
        Corners of the cuts, 10-2000 Hz and 200-20000 Hz; at 10 and at 20000 they are off.
    diffusion : float
        0 (clean repeats) to 1 (clouds).
    diffusion_ms : float
        Length of the diffusers together, 10-250 ms, at most half the delay.
    wow_cents, wow_hz : float
        Slow bend of the pitch, 0-50 cents, and its rate, 0.05-3 Hz.
    flutter_cents, flutter_hz : float
        Quick bend of the pitch, 0-30 cents, and its rate, 3-15 Hz.
    ping_pong : float
        0 (each side repeats itself) to 1 (all enters left and changes sides with each echo).
    reverse_level, octave_up_level, octave_down_level : float
        Linear gains of the taps, 0-1.
    evolve : float
        Share of the loop that those taps take, 0-1.
    freeze : float
        0 (off) to 1 (the loop is held, nothing enters).
    input_level : float
        Linear gain into the line; 0 lets the echoes ring out.
    duck_db, duck_threshold_db, duck_release_ms : float
        Ducking of the echoes, 0-36 dB, over -60 to 0 dBFS, released over 20-3000 ms.
    ceiling_db : float
        Level that the loop is kept under, -24 to 0 dBFS.
    wet_level, dry_level : float
        Linear gains of the echoes and of the input.
    tap_times, tap_levels, tap_pans : sequence of float
        Up to eight taps: shares of the delay in (0, 1], linear gains, and places from -1 to 1.
    seed : int
        Of the lengths of the diffusers.
    sample_rate : int
        Hz.
    num_channels : int
        Channels of every block; ping-pong is between channels 0 and 1, 2 and 3, ...

    Raises
    ------
    AudioError
        If a parameter is out of range or the taps do not match.

    Examples
    --------
    >>> import numpy as np
    >>> click = np.zeros((2, 4000), np.float32)
    >>> click[:, 0] = 0.5
    >>> delay = EvolvingDelay(delay_sec=0.05, wow_cents=0.0, flutter_cents=0.0, dry_level=0.0)
    >>> int(np.argmax(np.abs(delay.process(click)[0]) > 1e-4))
    2400
    """

    takes_side_chain: ClassVar[bool] = True
    parameters: ClassVar[tuple[Parameter, ...]] = (  # in the order of the kernel's rows
        Parameter("delay_sec", 0.5, 0.02, LONGEST_SEC, "seconds", scale="log"),
        Parameter("feedback", 0.5, 0.0, 1.0),
        Parameter("low_cut_hz", 120.0, 10.0, 2000.0, "Hz", scale="log"),
        Parameter("high_cut_hz", 4000.0, 200.0, 20_000.0, "Hz", scale="log"),
        Parameter("diffusion", 0.5, 0.0, 1.0),
        Parameter("diffusion_ms", 90.0, 10.0, 250.0, "ms", scale="log"),
        Parameter("wow_cents", 5.0, 0.0, 50.0, "cents"),
        Parameter("wow_hz", 0.35, 0.05, 3.0, "Hz", scale="log"),
        Parameter("flutter_cents", 1.0, 0.0, 30.0, "cents"),
        Parameter("flutter_hz", 6.3, 3.0, 15.0, "Hz", scale="log"),
        Parameter("ping_pong", 0.0, 0.0, 1.0),
        Parameter("reverse_level", 0.0, 0.0, 1.0),
        Parameter("octave_up_level", 0.0, 0.0, 1.0),
        Parameter("octave_down_level", 0.0, 0.0, 1.0),
        Parameter("evolve", 0.0, 0.0, 1.0),
        Parameter("freeze", 0.0, 0.0, 1.0),
        Parameter("input_level", 1.0, 0.0, 2.0),
        Parameter("duck_db", 0.0, 0.0, 36.0, "dB"),
        Parameter("duck_threshold_db", -36.0, -60.0, 0.0, "dBFS"),
        Parameter("duck_release_ms", 400.0, 20.0, 3000.0, "ms", scale="log"),
        Parameter("ceiling_db", -3.0, -24.0, 0.0, "dBFS"),
        Parameter("wet_level", 0.5, 0.0, 2.0),
        Parameter("dry_level", 1.0, 0.0, 2.0),
    )

    def __init__(
        self,
        *,
        delay_sec: float = 0.5,
        feedback: float = 0.5,
        low_cut_hz: float = 120.0,
        high_cut_hz: float = 4000.0,
        diffusion: float = 0.5,
        diffusion_ms: float = 90.0,
        wow_cents: float = 5.0,
        wow_hz: float = 0.35,
        flutter_cents: float = 1.0,
        flutter_hz: float = 6.3,
        ping_pong: float = 0.0,
        reverse_level: float = 0.0,
        octave_up_level: float = 0.0,
        octave_down_level: float = 0.0,
        evolve: float = 0.0,
        freeze: float = 0.0,
        input_level: float = 1.0,
        duck_db: float = 0.0,
        duck_threshold_db: float = -36.0,
        duck_release_ms: float = 400.0,
        ceiling_db: float = -3.0,
        wet_level: float = 0.5,
        dry_level: float = 1.0,
        tap_times: Sequence[float] = (1.0,),
        tap_levels: Sequence[float] = (1.0,),
        tap_pans: Sequence[float] = (0.0,),
        seed: int = 1,
        sample_rate: int = SAMPLE_RATE,
        num_channels: int = 2,
    ) -> None:
        if not 1 <= len(tap_times) <= 8 or not len(tap_times) == len(tap_levels) == len(tap_pans):
            raise AudioError(
                f"tap_times, tap_levels and tap_pans have {len(tap_times)}, {len(tap_levels)} and "
                f"{len(tap_pans)} values; they must have one a tap, for one to eight taps"
            )
        for time, level, pan in zip(tap_times, tap_levels, tap_pans, strict=True):
            check_range("tap_times", time, 0.02, 1.0, "of the delay")
            check_range("tap_levels", level, -2.0, 2.0, "")
            check_range("tap_pans", pan, -1.0, 1.0, "")
        self._tap_times = np.array(tap_times, dtype=np.float64)
        # Balance: the side that a tap leans away from is turned down; a mono sound has no sides.
        sides = np.where(np.arange(num_channels) % 2 == 0, -1.0, 1.0)[:, None]
        balance = np.minimum(1.0 + sides * np.array(tap_pans, dtype=np.float64), 1.0)
        self._tap_gains = np.array(tap_levels, dtype=np.float64) * (
            balance if num_channels > 1 else 1.0
        )
        self._tap_gains = np.ascontiguousarray(
            np.broadcast_to(self._tap_gains, (num_channels, len(tap_times)))
        )
        self._seed = int(seed)
        self._frame = frame_samples(sample_rate, _OCTAVE_WINDOW_MS)
        self._hop = self._frame // 4
        super().__init__(
            {
                "delay_sec": delay_sec,
                "feedback": feedback,
                "low_cut_hz": low_cut_hz,
                "high_cut_hz": high_cut_hz,
                "diffusion": diffusion,
                "diffusion_ms": diffusion_ms,
                "wow_cents": wow_cents,
                "wow_hz": wow_hz,
                "flutter_cents": flutter_cents,
                "flutter_hz": flutter_hz,
                "ping_pong": ping_pong,
                "reverse_level": reverse_level,
                "octave_up_level": octave_up_level,
                "octave_down_level": octave_down_level,
                "evolve": evolve,
                "freeze": freeze,
                "input_level": input_level,
                "duck_db": duck_db,
                "duck_threshold_db": duck_threshold_db,
                "duck_release_ms": duck_release_ms,
                "ceiling_db": ceiling_db,
                "wet_level": wet_level,
                "dry_level": dry_level,
            },
            sample_rate=sample_rate,
            num_channels=num_channels,
        )

    @property
    def tail_sec(self) -> float:
        """Seconds until the echoes have fallen by 60 dB; infinite at feedback 1 or when frozen."""
        feedback = self.get("feedback")
        if feedback >= 1.0 or self.get("freeze") > 0.0:
            return math.inf
        repeats = 0.0 if feedback == 0.0 else math.log(1e-3) / math.log(feedback)
        return self.get("delay_sec") * (2.0 + repeats) + 1.0

    def _clear(self) -> None:
        rate, channels, count = self.sample_rate, self.num_channels, kernel.NUM_DIFFUSERS
        rng = np.random.default_rng(self._seed)
        # Lengths that share no ratio, a little apart from channel to channel; their sum is one.
        shares = np.array([0.13, 0.21, 0.29, 0.37]) * rng.uniform(0.93, 1.07, (channels, count))
        self._shares = shares / shares.sum(axis=1, keepdims=True)
        self._memory = kernel.Memory(
            line=make_line(channels, _LINE_SEC * rate),
            diffusers=make_line(channels * count, 0.45 * _LONGEST_DIFFUSION_SEC * rate),
            filters=np.zeros((channels, 11)),
            glides=np.full((4, 2), np.nan),
            phases=np.zeros(3),
            levels=np.zeros(6),
            feed=np.zeros((channels, self._hop), dtype=np.float32),
            octaves=np.zeros((2 * channels, self._hop), dtype=np.float32),
            reverse=np.zeros(4),
            counters=np.zeros(2, dtype=np.int64),
        )
        self._pace = glide_pace(rate, _GLIDE_MS)
        self._shifts: list[SpectralShift] = []
        self._quiet_hops = 0

    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        audio = np.array(block, order="C")
        heard = block if side_chain is None else side_chain
        names = [parameter.name for parameter in self.parameters]
        num_samples, start = audio.shape[1], 0
        while start < num_samples:  # a hop at a time, as the octaves are made
            written = int(self._memory.counters[0])
            stop = min(start + self._hop - written % self._hop, num_samples)
            knobs = np.stack([curves[name][start:stop] for name in names])
            piece = np.array(audio[:, start:stop], order="C")
            kernel.run_loop(
                piece,
                np.array(heard[:, start:stop], order="C"),
                self._memory,
                self._shares,
                self._tap_times,
                self._tap_gains,
                knobs,
                float(self.sample_rate),
                self._pace,
                self._frame + self._hop,
            )
            audio[:, start:stop] = piece
            if (written + stop - start) % self._hop == 0:
                self._shift_octaves()
            start = stop
        return audio

    def _shift_octaves(self) -> None:
        """Turn the hop that was fed into the next hop of both octaves; sleep when all is quiet."""
        feed, octaves = self._memory.feed, self._memory.octaves
        self._quiet_hops = 0 if feed.any() else self._quiet_hops + 1
        if self._quiet_hops > 1 + self._frame // self._hop:
            self._shifts = []
            octaves[:] = 0.0
            return
        if not self._shifts:
            self._shifts = [SpectralShift(self._frame, self.num_channels) for _ in range(2)]
        for k, ratio in enumerate((2.0, 0.5)):
            rows = slice(k * self.num_channels, (k + 1) * self.num_channels)
            octaves[rows] = self._shifts[k].process(feed, np.full(self._hop, ratio))
