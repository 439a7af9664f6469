"""A valve guitar amplifier, from clean to lead, computed from its circuit.

Purpose: the amplifier of the rack where no capture is at hand, and the one that the built-in
captures were made of.

How it works: the signal runs at four times the sample rate (at 48 kHz) through the stages of a
'59 Bassman: a 12AX7 with a bypassed cathode resistor, the drive pot, a second 12AX7 (for
``lead``, a third one biased cold), the tone stack, the master volume, a phase splitter and a pair
of 6L6 in push-pull on an output transformer. The valves are looked up from Koren's equations
solved for their load lines; the cathodes follow the current; grids that are driven above zero
draw current and so charge the coupling capacitors, which is what makes a hard attack duck; the
supply sags under load and comes back within a twentieth of a second.

Conventions: full scale is one volt at the jack. A loud clean guitar peaks at about -6 dBFS. The
amplifier is mono: every channel has one of its own.

Public names: :class:`TubeAmp`.

References: see :mod:`leitmotiv.effects.tubes`; sag and blocking after D. Yeh, *Digital
implementation of musical distortion circuits by analysis and simulation* (Stanford, 2009).
"""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.signal import firwin

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.audio.compiled import compiled
from leitmotiv.effects.effect import AutomatedEffect, Curves, Parameter
from leitmotiv.effects.tubes import (
    TABLE_SIZE,
    idle_cathode,
    push_pull_table,
    tone_stack,
    triode_table,
)
from leitmotiv.errors import AudioError

__all__ = ["TubeAmp"]

VOICINGS = ("vintage", "lead")

_SUPPLY, _PLATE = 300.0, 100e3
_GRID_LOW, _GRID_HIGH = -14.0, 4.0
_DRIVE_REACH = 160.0  # volts at the power valves' grids at the ends of their table
_FILTER_REACH = 10  # samples that each of the two rate filters delays by
_CHUNK = 128
_KNOBS = ("drive", "bass", "middle", "treble", "presence", "master", "sag")

# Stages: cathode resistor and capacitor, and what the stage's output is divided by on its way.
_CATHODES = ((1500.0, 25e-6), (820.0, 10e-6), (6800.0, 0.1e-6))
# State of one channel: 3 cathodes, 3 coupling capacitors, 3 plates, tone stack, presence, power.
_CATHODE, _COUPLING, _PLATES, _TONE, _SHELF, _MASTER, _SUPPLY_STATE, _LOW_CUT, _HIGH_CUT = (
    0, 3, 6, 9, 12, 13, 14, 15, 16,
)  # fmt: skip
_NUM_STATES = 17


@compiled
def _look_up(table: NDArray[np.float64], x: float, low: float, scale: float) -> float:
    """Value of a table between its points; the end points beyond them."""
    at = (x - low) * scale
    at = min(max(at, 0.0), len(table) - 1.000001)
    i = int(at)
    return table[i] + (at - i) * (table[i + 1] - table[i])


@compiled
def _over(volts: float) -> float:
    """How far a grid is over its cathode: a bend of a fifth of a volt around zero."""
    return 0.5 * (volts + math.sqrt(volts * volts + 0.04))


@compiled
def _amplify(
    audio: NDArray[np.float32],
    knobs: NDArray[np.float64],
    filters: NDArray[np.float64],
    triode: NDArray[np.float64],
    swing: NDArray[np.float64],
    drawn: NDArray[np.float64],
    circuit: NDArray[np.float64],
    num_stages: int,
    state: NDArray[np.float64],
    before: NDArray[np.float64],
    fast: NDArray[np.float64],
    result: NDArray[np.float32],
) -> None:
    """Run one channel.

    ``filters`` (factor, taps) holds the rate filter by phase; ``before`` the input with the
    samples before it, ``fast`` the signal at the high rate with the samples before it.
    """
    factor, taps = filters.shape
    rate = circuit[0]
    step = 1.0 / rate
    reach = taps - 1
    scale = (len(triode) - 1) / circuit[2]
    power_scale = (len(swing) - 1) / (2.0 * circuit[3])
    coefficients = np.zeros(7)
    last_bass, last_middle, last_treble = -1.0, -1.0, -1.0
    last_drive, last_master, drive, master = -1.0, -1.0, 0.0, 0.0
    plate_pole = 1.0 - math.exp(-2.0 * math.pi * 14_000.0 / rate)
    shelf_pole = 1.0 - math.exp(-2.0 * math.pi * 2_500.0 / rate)
    low_pole = 1.0 - math.exp(-2.0 * math.pi * 35.0 / rate)
    high_pole = 1.0 - math.exp(-2.0 * math.pi * 11_000.0 / rate)
    coupling_on, coupling_off = 2.7e3 / (2.7e3 + 100e3), 1e6 / (1e6 + 100e3)
    charge = step / (22e-9 * 100e3)
    master_pole = 1.0 - math.exp(-2.0 * math.pi * 8.0 / rate)
    supply_pole = 1.0 - math.exp(-step / 0.045)
    start = 0
    while start < len(audio):
        n = min(128, len(audio) - start)
        for t in range(n):
            before[reach + t] = audio[start + t]
        for p in range(factor):
            for t in range(n):
                s = 0.0
                for k in range(taps):
                    s += filters[p, k] * before[reach + t - k]
                fast[factor * (reach + t) + p] = s * factor
        for t in range(n):
            row = start + t
            if knobs[0, row] != last_drive:
                last_drive = knobs[0, row]
                drive = (10.0 ** (2.0 * last_drive) - 1.0) / 99.0
            if knobs[5, row] != last_master:
                last_master = knobs[5, row]
                master = (10.0 ** (2.0 * last_master) - 1.0) / 99.0
            bass, middle, treble = knobs[1, row], knobs[2, row], knobs[3, row]
            if bass != last_bass or middle != last_middle or treble != last_treble:
                last_bass, last_middle, last_treble = bass, middle, treble
                coefficients[:] = tone_stack(bass, middle, treble, rate)
            presence, sag = 2.0 * knobs[4, row], 0.45 * knobs[6, row]
            for p in range(factor):
                at = factor * (reach + t) + p
                v = fast[at]
                for i in range(num_stages):
                    if i == 1:
                        v *= drive
                    elif i == 2:
                        v *= 0.12
                    if i > 0:
                        # The capacitor takes what the grid does not: it charges on conduction.
                        across = v - state[_COUPLING + i]
                        over = _over(across - state[_CATHODE + i]) - circuit[14 + i]
                        v = coupling_off * (across - over) + coupling_on * over
                        state[_COUPLING + i] += charge * (across - v)
                    current = _look_up(triode, v - state[_CATHODE + i], circuit[1], scale)
                    ohms, farads = circuit[4 + 3 * i], circuit[5 + 3 * i]
                    state[_CATHODE + i] += step / farads * (current - state[_CATHODE + i] / ohms)
                    v = (circuit[6 + 3 * i] - current) * 100e3
                    state[_PLATES + i] += plate_pole * (v - state[_PLATES + i])
                    v = state[_PLATES + i]
                out = coefficients[0] * v + state[_TONE]
                state[_TONE] = coefficients[1] * v - coefficients[4] * out + state[_TONE + 1]
                state[_TONE + 1] = coefficients[2] * v - coefficients[5] * out + state[_TONE + 2]
                state[_TONE + 2] = coefficients[3] * v - coefficients[6] * out
                v = out * master
                state[_MASTER] += master_pole * (v - state[_MASTER]) + 1e-18
                v -= state[_MASTER]
                state[_SHELF] += shelf_pole * (v - state[_SHELF])
                v += presence * (v - state[_SHELF])
                # Phase splitter: a pair of valves that share their current.
                v = 22.0 * v
                v = v / math.sqrt(1.0 + (v / 90.0) ** 2)
                supply = state[_SUPPLY_STATE]
                load = _look_up(drawn, v / supply, -circuit[3], power_scale)
                v = supply * _look_up(swing, v / supply, -circuit[3], power_scale)
                full = 1.0 - sag * max(load - circuit[13], 0.0)
                state[_SUPPLY_STATE] += supply_pole * (full - supply)
                state[_LOW_CUT] += low_pole * (v - state[_LOW_CUT]) + 1e-18
                v -= state[_LOW_CUT]
                state[_HIGH_CUT] += high_pole * (v - state[_HIGH_CUT])
                fast[at] = state[_HIGH_CUT]
        for t in range(n):
            s = 0.0
            for p in range(factor):
                # Tap k of phase p stands k * factor + p fast samples back.
                for k in range(taps):
                    s += filters[p, k] * fast[factor * (reach + t - k) - p]
            # What the resting valves' rounding leaves, 180 dB down, is silence.
            result[start + t] = s if abs(s) > 1e-9 else 0.0
        for t in range(reach):
            before[t] = before[n + t]
        for t in range(factor * reach):
            fast[t] = fast[factor * n + t]
        start += n


class TubeAmp(AutomatedEffect):
    """A valve amplifier with drive, tone stack, master volume and sag.

    Parameters
    ----------
    drive : float
        Volume between the first two stages, 0-1; clean to about 0.35, then breakup.
    bass, middle, treble : float
        The tone stack's pots, 0-1.
    presence : float
        Treble before the power stage, 0-1 (0 to +9.5 dB).
    master : float
        Volume before the power stage, 0-1; above about 0.5 the power stage works hard.
    sag : float
        How far the supply gives way under load, 0-1.
    output_gain_db : float
        -48 to 24 dB, behind the amplifier.
    voicing : str
        ``"vintage"`` (two stages) or ``"lead"`` (three).
    sample_rate : int
        Hz.
    num_channels : int

    Raises
    ------
    AudioError
        If a value is out of range.

    Examples
    --------
    >>> amp = TubeAmp(drive=0.6, num_channels=1)
    >>> amp.latency_samples
    20
    """

    parameters: ClassVar[tuple[Parameter, ...]] = (
        Parameter("drive", 0.4, 0.0, 1.0),
        Parameter("bass", 0.5, 0.0, 1.0),
        Parameter("middle", 0.5, 0.0, 1.0),
        Parameter("treble", 0.5, 0.0, 1.0),
        Parameter("presence", 0.3, 0.0, 1.0),
        Parameter("master", 0.45, 0.0, 1.0),
        Parameter("sag", 0.3, 0.0, 1.0),
        Parameter("output_gain_db", 0.0, -48.0, 24.0, "dB"),
    )

    def __init__(
        self,
        *,
        drive: float = 0.4,
        bass: float = 0.5,
        middle: float = 0.5,
        treble: float = 0.5,
        presence: float = 0.3,
        master: float = 0.45,
        sag: float = 0.3,
        output_gain_db: float = 0.0,
        voicing: str = "vintage",
        sample_rate: int = SAMPLE_RATE,
        num_channels: int = 2,
    ) -> None:
        if voicing not in VOICINGS:
            raise AudioError(f"voicing={voicing!r} must be one of {', '.join(VOICINGS)}")
        self._num_stages = 2 + VOICINGS.index(voicing)
        self._factor = 8 if sample_rate < 32_000 else 4 if sample_rate < 64_000 else 2
        self._make_circuit(sample_rate * self._factor)
        values = {
            "drive": drive,
            "bass": bass,
            "middle": middle,
            "treble": treble,
            "presence": presence,
            "master": master,
            "sag": sag,
            "output_gain_db": output_gain_db,
        }
        super().__init__(values, sample_rate=sample_rate, num_channels=num_channels)

    def _make_circuit(self, rate: float) -> None:
        """Curves, resting points and rate filters; the same for every channel."""
        self._triode = triode_table(_SUPPLY, _PLATE, _GRID_LOW, _GRID_HIGH)
        self._swing, self._drawn = push_pull_table(reach_volts=_DRIVE_REACH)
        numbers = [rate, _GRID_LOW, _GRID_HIGH - _GRID_LOW, _DRIVE_REACH]
        grid = np.linspace(_GRID_LOW, _GRID_HIGH, TABLE_SIZE)
        self._rest = np.zeros(_NUM_STATES)
        self._rest[_SUPPLY_STATE] = 1.0
        for i, (ohms, farads) in enumerate(_CATHODES):
            volts = idle_cathode(self._triode, _GRID_LOW, _GRID_HIGH, ohms)
            self._rest[_CATHODE + i] = volts
            numbers += [ohms, farads, float(np.interp(-volts, grid, self._triode))]
        numbers.append(float(self._drawn[TABLE_SIZE // 2]))
        numbers += [_over(-volts) for volts in self._rest[_CATHODE : _CATHODE + 3]]
        self._circuit = np.array(numbers)
        factor = self._factor
        taps = firwin(2 * factor * _FILTER_REACH + 1, 0.92 / factor, window=("kaiser", 8.0))
        padded = np.concatenate([taps, np.zeros(factor - 1)])
        self._filters = np.ascontiguousarray(padded.reshape(-1, factor).T)

    @property
    def latency_samples(self) -> int:
        """Samples by which the output lags behind the input: the two rate filters."""
        return 2 * _FILTER_REACH

    @property
    def tail_sec(self) -> float:
        """Seconds for which the amplifier sounds on."""
        return 0.3

    def _clear(self) -> None:
        reach = 2 * _FILTER_REACH
        self._together = True  # as long as all channels are alike, one amplifier serves them
        self._state = np.tile(self._rest, (self.num_channels, 1))
        self._before = np.zeros((self.num_channels, reach + _CHUNK))
        self._fast = np.zeros((self.num_channels, self._factor * (reach + _CHUNK)))

    def _run(
        self, block: NDArray[np.float32], curves: Curves, side_chain: NDArray[np.float32] | None
    ) -> NDArray[np.float32]:
        if self._together and not (block[1:] == block[0]).all():
            self._together = False
            for states in (self._state, self._before, self._fast):
                states[1:] = states[0]
        knobs = np.stack([curves[name] for name in _KNOBS])
        result = np.empty_like(block)
        for channel in range(1 if self._together else self.num_channels):
            _amplify(
                np.ascontiguousarray(block[channel]),
                knobs,
                self._filters,
                self._triode,
                self._swing,
                self._drawn,
                self._circuit,
                self._num_stages,
                self._state[channel],
                self._before[channel],
                self._fast[channel],
                result[channel],
            )
        if self._together:
            result[1:] = result[0]
        gain = 10.0 ** (curves["output_gain_db"] / 20.0)
        return np.asarray(result * gain.astype(np.float32), dtype=np.float32)
