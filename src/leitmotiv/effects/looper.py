"""Looper: layers that are recorded over one another and change with every pass.

Purpose: a player alone becomes an ensemble that slowly forgets.

Conventions: three gates, each open from one half on. ``record`` opening starts a new loop (an old
one fades out), closing ends it, and it plays at once. With ``loop_sec`` a loop ends by itself, and
with ``auto_record`` the first sound starts one. While ``overdub`` is open, each pass records a new
layer, heard from the next pass on; where all layers are taken, the oldest fades out. ``play``
closing fades the output out and stops; opening starts from the top.

A layer's age is the number of passes since it was first heard. With each pass it loses
``pass_gain_db`` and ``pass_dark_octaves`` of its top (second order, from 12 kHz), and its pitch
wanders by up to ``pass_detune_cents`` either way. The loop is cut into ``num_slices``; from its
second pass on a layer may, with ``shuffle_chance``, play another slice than the one that is due,
and with ``reverse_chance`` play it backwards. What was recorded is not changed by any of this: with
all of them at nought the loop stays as it is for ever. Wherever the sound jumps, old and new
cross-fade over ``crossfade_ms`` (less where slices are short); the end of the loop fades into what
came before its beginning, so that the seam is not heard and an attack at the top is heard whole.

Public names: :class:`Looper`.
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.effects import looper_kernel as kernel
from leitmotiv.effects.delay_line import stacked
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter, check_range
from leitmotiv.effects.granular import fresh_chance
from leitmotiv.errors import AudioError

__all__ = ["Looper"]


class Looper(AutomatedEffect):
    """A looper whose layers evolve.

    Parameters
    ----------
    record, overdub, play : float
        Gates, open from 0.5 on.
    pass_gain_db : float
        By how much a layer's level changes with each pass, -24 to 0 dB.
    pass_dark_octaves : float
        By how much a layer's low pass falls with each pass, 0-3 octaves.
    pass_detune_cents : float
        Widest step of a layer's pitch from pass to pass, 0-100 cents.
    shuffle_chance, reverse_chance : float
        How likely a slice is another one, or backwards, 0-1.
    wet_level, dry_level : float
        Linear gains of the loop and of the input.
    loop_sec : float
        Length of the loop, 0.1 s to ``longest_sec``; 0 leaves it to the gate.
    auto_record : bool
        Whether the first sound (over -50 dBFS) starts recording; needs ``loop_sec``.
    num_slices : int
        1-32.
    num_layers : int
        Layers that are heard together at most, 1-8.
    crossfade_ms : float
        2-90 ms.
    longest_sec : float
        Most that a loop may last, 1-120 s.
    seed : int
        Of all chance.
    sample_rate : int
        Hz.
    num_channels : int
        Channels of every block.

    Raises
    ------
    AudioError
        If a parameter is out of range or options contradict each other.

    Examples
    --------
    >>> import numpy as np
    >>> looper = Looper(loop_sec=0.1, auto_record=True, num_channels=1)
    >>> click = np.zeros((1, 12_000), np.float32)
    >>> click[0, 0] = 1.0
    >>> [int(n) for n in np.flatnonzero(looper.process(click)[0] > 0.5)]
    [0, 4800, 9600]
    """

    parameters: ClassVar[tuple[Parameter, ...]] = (  # in the order of the kernel's rows
        Parameter("record", 0.0, 0.0, 1.0, smoothing_ms=0.0),
        Parameter("overdub", 0.0, 0.0, 1.0, smoothing_ms=0.0),
        Parameter("play", 1.0, 0.0, 1.0, smoothing_ms=0.0),
        Parameter("pass_gain_db", -1.0, -24.0, 0.0, "dB"),
        Parameter("pass_dark_octaves", 0.15, 0.0, 3.0, "octaves"),
        Parameter("pass_detune_cents", 0.0, 0.0, 100.0, "cents"),
        Parameter("shuffle_chance", 0.0, 0.0, 1.0),
        Parameter("reverse_chance", 0.0, 0.0, 1.0),
        Parameter("wet_level", 1.0, 0.0, 2.0),
        Parameter("dry_level", 1.0, 0.0, 2.0),
    )

    def __init__(
        self,
        *,
        record: float = 0.0,
        overdub: float = 0.0,
        play: float = 1.0,
        pass_gain_db: float = -1.0,
        pass_dark_octaves: float = 0.15,
        pass_detune_cents: float = 0.0,
        shuffle_chance: float = 0.0,
        reverse_chance: float = 0.0,
        wet_level: float = 1.0,
        dry_level: float = 1.0,
        loop_sec: float = 0.0,
        auto_record: bool = False,
        num_slices: int = 4,
        num_layers: int = 4,
        crossfade_ms: float = 20.0,
        longest_sec: float = 30.0,
        seed: int = 1,
        sample_rate: int = SAMPLE_RATE,
        num_channels: int = 2,
    ) -> None:
        check_range("longest_sec", longest_sec, 1.0, 120.0, "seconds")
        if loop_sec != 0.0:
            check_range("loop_sec", loop_sec, kernel.SHORTEST_SEC, longest_sec, "seconds")
        elif auto_record:
            raise AudioError("auto_record needs loop_sec, or the loop would not end; give both")
        check_range("num_slices", num_slices, 1, 32, "")
        check_range("num_layers", num_layers, 1, 8, "")
        check_range("crossfade_ms", crossfade_ms, 2.0, 90.0, "ms")
        self._fixed = round(loop_sec * sample_rate)
        self._longest = round(longest_sec * sample_rate)
        self._crossfade = round(crossfade_ms * 1e-3 * sample_rate)
        self._auto_record, self._seed = bool(auto_record), int(seed)
        self.num_slices, self.num_layers = int(num_slices), int(num_layers)
        super().__init__(
            {
                "record": record,
                "overdub": overdub,
                "play": play,
                "pass_gain_db": pass_gain_db,
                "pass_dark_octaves": pass_dark_octaves,
                "pass_detune_cents": pass_detune_cents,
                "shuffle_chance": shuffle_chance,
                "reverse_chance": reverse_chance,
                "wet_level": wet_level,
                "dry_level": dry_level,
            },
            sample_rate=sample_rate,
            num_channels=num_channels,
        )

    @property
    def tail_sec(self) -> float:
        """Seconds until a layer has fallen by 60 dB; infinite where none does."""
        loss = -self.get("pass_gain_db")
        if self.get("play") < 0.5:
            return 1e-3
        longest = self._fixed or self._longest
        return math.inf if loss == 0.0 else longest / self.sample_rate * (60.0 / loss + 1.0)

    def _clear(self) -> None:
        num_buffers = self.num_layers + 2
        length = (self._fixed or self._longest) + self._crossfade
        self._buffer = np.zeros((num_buffers, self.num_channels, length), dtype=np.float32)
        self._past = np.zeros((self.num_channels, self._crossfade), dtype=np.float32)
        self._state = kernel.fresh_state()
        self._layers = kernel.fresh_layers(num_buffers)
        self._lows = np.zeros((num_buffers, self.num_channels, 2))
        self._levels = np.array([1.0, 0.0, 1.0])
        self._random = fresh_chance(self._seed)

    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        audio = np.array(block, order="C")
        kernel.run_tape(
            audio,
            self._buffer,
            self._past,
            self._state,
            self._layers,
            self._lows,
            self._levels,
            self._random,
            stacked(curves, self.parameters),
            float(self.sample_rate),
            self._fixed,
            self._longest,
            self.num_slices,
            self._auto_record,
        )
        return audio
