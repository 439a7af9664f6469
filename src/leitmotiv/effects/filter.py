"""Filter: low, high and band pass, notch, and a ladder that sings.

Purpose: take away or stress a part of the spectrum, with a cutoff that may move at every sample.

Conventions: ``resonance`` is 0 (none: 3 dB down at the cutoff, for low and high pass) to 1, where
the state-variable kinds have a quality of 100 and the ladder oscillates by itself, at a bounded
level. ``slope_db`` is 12 or 24 dB an octave (6 or 12 on each side of a band pass). The ladder is a
low pass of 24 dB an octave whose four stages are each 3 dB down at the cutoff, as in the circuit:
12 dB together. Its input saturates; ``drive_db`` pushes it. Cutoffs are held below 0.49 of the
sample rate.

Public names: :class:`Filter`.

References: Zavalishin, *The Art of VA Filter Design*, chapters 4 and 5.
"""

from __future__ import annotations

import math
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.audio.compiled import compiled
from leitmotiv.effects import svf
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter
from leitmotiv.errors import AudioError

__all__ = ["Filter"]

FilterKind = Literal["low_pass", "high_pass", "band_pass", "notch", "ladder"]

_KINDS = ("low_pass", "high_pass", "band_pass", "notch", "ladder")
_LEAST_DAMPING = 0.01  # 1/Q at full resonance
_BUTTERWORTH_4 = (2 * math.cos(math.pi / 8), 2 * math.cos(3 * math.pi / 8))  # 1/Q, fourth order
_BASS_KEPT = 0.5  # share of the level lost to the ladder's feedback that is given back


@compiled
def _run_ladder(
    audio: NDArray[np.float32],
    cutoff_hz: NDArray[np.float64],
    resonance: NDArray[np.float64],
    drive_db: NDArray[np.float64],
    bass_kept: float,
    sample_rate: float,
    state: NDArray[np.float64],
) -> None:
    """Filter in place; the feedback is solved within the sample, the input stage saturates."""
    last_cutoff, last_resonance, last_drive = -1.0, -1.0, -1.0
    pole = keep = solve = k = gain = back = 0.0
    for n in range(audio.shape[1]):
        if cutoff_hz[n] != last_cutoff or resonance[n] != last_resonance:
            last_cutoff, last_resonance = cutoff_hz[n], resonance[n]
            g = math.tan(math.pi * min(last_cutoff / sample_rate, 0.49))
            k = 4.0 * last_resonance
            pole, keep = g / (1.0 + g), 1.0 / (1.0 + g)
            solve = 1.0 / (1.0 + k * pole**4)
        if drive_db[n] != last_drive:
            last_drive = drive_db[n]
            gain = 10.0 ** (last_drive / 20.0)
            back = 1.0 / gain
        for channel in range(audio.shape[0]):
            s = state[channel]
            x = float(audio[channel, n]) * gain * (1.0 + bass_kept * k)
            held = keep * (s[3] + pole * (s[2] + pole * (s[1] + pole * s[0])))
            u = (x - k * held) * solve
            # tanh within 2.4 %, flat from 3 on: rational, as it is asked for at every sample.
            u = min(max(u, -3.0), 3.0)
            y = u * (27.0 + u * u) / (27.0 + 9.0 * u * u) + 1e-30
            for stage in range(4):
                step = (y - s[stage]) * pole
                y = step + s[stage]
                s[stage] = y + step
            audio[channel, n] = y * back if abs(y) > 1e-25 else 0.0


class Filter(AutomatedEffect):
    """A resonant filter.

    Parameters
    ----------
    cutoff_hz : float
        Cutoff, or the middle of band pass and notch; 10-20000 Hz.
    resonance : float
        0-1.
    drive_db : float
        Gain into the ladder's saturation, taken back behind it; 0-40 dB. Other kinds are linear.
    kind : str
        ``low_pass``, ``high_pass``, ``band_pass``, ``notch`` or ``ladder``.
    slope_db : int
        12 or 24 dB an octave; the ladder always falls by 24.
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
    >>> constant = np.ones((1, 4800), np.float32)
    >>> low = Filter(cutoff_hz=200.0, num_channels=1).process(constant)
    >>> round(float(low[0, -1]), 4)
    1.0
    """

    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("cutoff_hz", 1000.0, 10.0, 20_000.0, "Hz", "log"),
        Parameter("resonance", 0.0, 0.0, 1.0),
        Parameter("drive_db", 0.0, 0.0, 40.0, "dB"),
    )

    def __init__(
        self,
        *,
        cutoff_hz: float = 1000.0,
        resonance: float = 0.0,
        drive_db: float = 0.0,
        kind: FilterKind = "low_pass",
        slope_db: int = 12,
        sample_rate: int = SAMPLE_RATE,
        num_channels: int = 2,
    ) -> None:
        if kind not in _KINDS:
            raise AudioError(f"kind={kind!r} must be one of {', '.join(_KINDS)}")
        if slope_db not in (12, 24):
            raise AudioError(f"slope_db={slope_db!r} must be 12 or 24 dB an octave")
        self._kind = kind
        self._two_sections = slope_db == 24
        super().__init__(
            {"cutoff_hz": cutoff_hz, "resonance": resonance, "drive_db": drive_db},
            sample_rate=sample_rate,
            num_channels=num_channels,
        )

    def _clear(self) -> None:
        self._state = [svf.new_state(self.num_channels) for _ in range(2)]
        self._ladder = np.zeros((self.num_channels, 4))

    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        audio = block.copy()
        cutoff_hz, resonance = curves["cutoff_hz"], curves["resonance"]
        if self._kind == "ladder":
            _run_ladder(
                audio, cutoff_hz, resonance, curves["drive_db"], _BASS_KEPT, self.sample_rate,
                self._ladder,
            )  # fmt: skip
            return audio
        damping = _BUTTERWORTH_4 if self._two_sections else (math.sqrt(2.0),)
        share = svf.constant(1.0, block.shape[1])
        for index, least in enumerate(damping):
            # The last section alone resonates; the others keep the slope.
            last = index == len(damping) - 1
            if last and curves.moves("resonance"):
                quality = 1.0 / (least + (_LEAST_DAMPING - least) * resonance)
                quality.flags.writeable = False
            else:
                stress = float(resonance[0]) if last else 0.0
                here = 1.0 / (least + (_LEAST_DAMPING - least) * stress)
                quality = svf.constant(here, block.shape[1])
            svf.run_svf(
                audio, svf.KINDS[self._kind], cutoff_hz, quality, share, self.sample_rate,
                self._state[index],
            )  # fmt: skip
        return audio
