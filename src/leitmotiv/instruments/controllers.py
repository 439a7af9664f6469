"""MIDI controllers of one part as modulator sources over time.

Purpose: keep every controller's value at every instant at which one moves, and map it through
the source curves of the SoundFont standard, so that the sampler can follow it.

Conventions: instants are output samples; instant 0 stands before all music and holds the
defaults of a channel. A *row* is one mapped source, or product of two, over all instants.

References: SoundFont Technical Specification 2.04, sections 8.2 and 9.5; MIDI 1.0 (RPN 0-2,
pedals 64, 66 and 67, portamento 5, 65 and 84, legato 68, channel modes 120 and 123); General MIDI
2, section 3.3 (sound controllers 72 and 73).

Public names: :class:`Controllers`, :func:`map_source`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from leitmotiv.instruments.generators import Modulator
from leitmotiv.score.score import PITCH_BEND, TempoMap

__all__ = ["Controllers", "map_source"]

BANK_SELECT, PORTAMENTO_TIME, DATA_ENTRY, DATA_ENTRY_FINE = 0, 5, 6, 38
SUSTAIN_PEDAL, PORTAMENTO, SOSTENUTO, SOFT_PEDAL, LEGATO = 64, 65, 66, 67, 68
RELEASE_TIME, ATTACK_TIME, PORTAMENTO_FROM = 72, 73, 84
NRPN_LOW, NRPN_HIGH, RPN_LOW, RPN_HIGH = 98, 99, 100, 101
ALL_SOUND_OFF, ALL_NOTES_OFF = 120, 123
DEFAULT_VALUES = {7: 100, 8: 64, 10: 64, 11: 127, RPN_LOW: 127, RPN_HIGH: 127}
DEFAULT_VALUES |= {RELEASE_TIME: 64, ATTACK_TIME: 64}
DEFAULT_BEND_RANGE = 2.0  # semitones
_BEND_RANGE, _FINE_TUNING, _COARSE_TUNING = (0, 0), (0, 1), (0, 2)

# Source enumerator: section 8.2.1
_NONE, _VELOCITY, _KEY, _WHEEL, _WHEEL_RANGE = 0, 2, 3, 14, 16
_CONTROLLER, _FALLING, _BIPOLAR = 0x80, 0x100, 0x200
_BEFORE = np.iinfo(np.int64).min


def map_source(code: int, value: NDArray[np.float64]) -> NDArray[np.float64]:
    """Map raw controller values to [0, 1] or [-1, 1] by the curve of a source enumerator.

    Values run over 0-127 (0-16383 for the pitch wheel), and 1 stands for one past the top, so
    that the middle of a bipolar controller, 64, is exactly 0.

    Examples
    --------
    >>> map_source(0x028A, np.array([0.0, 64.0]))  # CC 10, bipolar, linear
    array([-1.,  0.])
    """
    if code & 0xFF == _NONE:
        return np.ones_like(value)
    if code & 0xFF == _WHEEL_RANGE:
        return value / 127.0
    size = 16_384.0 if code & 0xFF == _WHEEL else 128.0
    x = value / size
    if code & _FALLING:
        x = 1.0 - 1.0 / size - x
    if code & _BIPOLAR:
        x = 2.0 * x - 1.0
    sign, x = np.sign(x), np.abs(x)
    curve = code >> 10
    position = np.clip(128.0 * x / 127.0, 0.0, 1.0)
    if curve == 1:  # concave: section 9.5.3, 20/96 log10 of the square of what is left
        x = np.minimum(-(40.0 / 96.0) * np.log10(np.maximum(1.0 - position, 1e-5)), 1.0)
    elif curve == 2:  # convex: its mirror image
        x = np.maximum(1.0 + (40.0 / 96.0) * np.log10(np.maximum(position, 1e-5)), 0.0)
    elif curve == 3:  # switch
        if code & _BIPOLAR:
            return np.where(sign >= 0.0, 1.0, -1.0)
        return np.where(x >= 0.5, 1.0, 0.0)
    return np.asarray(sign * x)


class Controllers:
    """Controller values of a part.

    ``samples``, int64 shape (instants,), holds the output samples from which each column of
    values is in force.
    """

    def __init__(self, controls: NDArray[np.void], tempo_map: TempoMap, sample_rate: int) -> None:
        sec = tempo_map.tick_to_sec(controls["tick"])
        at = np.rint(sec * sample_rate).astype(np.int64)
        self.samples, column = np.unique(np.concatenate([[_BEFORE], at]), return_inverse=True)
        self._values: dict[int, NDArray[np.float64]] = {}
        self._sent: dict[int, NDArray[np.int64]] = {}
        for controller in np.unique(controls["controller"]).tolist():
            mine = controls["controller"] == controller
            start = float(DEFAULT_VALUES.get(controller, 0))
            self._sent[controller] = at[mine]
            self._values[controller] = self._hold(column[1:][mine], controls["value"][mine], start)
        self._bend_range, self._tuning = self._track_parameters(controls, column[1:])
        self._rows: list[NDArray[np.float64]] = []
        self._row_of: dict[tuple[int, int, bool], int] = {}

    def _hold(
        self, columns: NDArray[np.int64], values: NDArray[np.float64], start: float
    ) -> NDArray[np.float64]:
        """Spread events over all instants: each value holds until the next one."""
        track = np.full(len(self.samples), np.nan)
        track[0] = start
        track[columns] = values  # of several at one instant the last one stays
        known = np.maximum.accumulate(np.where(np.isnan(track), 0, np.arange(len(track))))
        return track[known]

    def _track_parameters(
        self, controls: NDArray[np.void], columns: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return bend range in semitones and master tuning in cents, set by RPN 0 and 1, 2."""
        number = (127, 127)
        coarse = {_BEND_RANGE: 2, _FINE_TUNING: 64, _COARSE_TUNING: 64}
        fine: dict[tuple[int, int], int] = {}
        at: list[int] = []
        ranges: list[float] = []
        tunings: list[float] = []
        if np.any(controls["controller"] == DATA_ENTRY):
            for event, column in zip(controls, columns, strict=True):
                controller, value = int(event["controller"]), int(event["value"])
                if controller == RPN_HIGH:
                    number = (value, number[1])
                elif controller == RPN_LOW:
                    number = (number[0], value)
                elif controller in (NRPN_LOW, NRPN_HIGH):
                    number = (127, 127)  # what is entered now is a maker's own parameter
                elif number in coarse and controller in (DATA_ENTRY, DATA_ENTRY_FINE):
                    if controller == DATA_ENTRY:
                        coarse[number], fine[number] = value, 0
                    else:
                        fine[number] = value
                    at.append(column)
                    ranges.append(coarse[_BEND_RANGE] + fine.get(_BEND_RANGE, 0) / 100.0)
                    steps = 128 * (coarse[_FINE_TUNING] - 64) + fine.get(_FINE_TUNING, 0)
                    tunings.append(100.0 * (coarse[_COARSE_TUNING] - 64 + steps / 8192.0))
        columns_hit = np.array(at, dtype=np.int64)
        return (
            self._hold(columns_hit, np.array(ranges), DEFAULT_BEND_RANGE),
            self._hold(columns_hit, np.array(tunings), 0.0),
        )

    def index_at(self, sample: int) -> int:
        """Return the instant in force at an output sample."""
        return int(np.searchsorted(self.samples, sample, side="right")) - 1

    def bank_before(self, sample: int) -> int:
        """Return the bank (CC 0) selected at an output sample."""
        track = self._values.get(BANK_SELECT)
        return 0 if track is None else int(track[self.index_at(sample)])

    def at(self, controller: int, samples: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return a controller's value at output samples, any shape."""
        track = self._values.get(controller)
        if track is None:
            return np.full(np.shape(samples), float(DEFAULT_VALUES.get(controller, 0)))
        return track[np.searchsorted(self.samples, samples, side="right") - 1]

    def events(self, controller: int) -> NDArray[np.int64]:
        """Return the output samples at which a controller is sent, rising."""
        return self._sent.get(controller, np.zeros(0, dtype=np.int64))

    def hold_with_pedals(
        self, onset: NDArray[np.int64], release_at: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        """Delay note-offs under pedals: CC 64, and CC 66 for keys down when it is pressed.

        A pedal that is never lifted is taken off when the last note ends. All-notes-off (CC 123)
        lets go of keys; all-sound-off (CC 120) is told by :meth:`events`.
        """
        if not len(onset):
            return release_at
        release_at = self._before_events(onset, release_at, ALL_NOTES_OFF)
        last = int(release_at.max())
        result = self._hold_down(SUSTAIN_PEDAL, release_at, last)
        track = self._values.get(SOSTENUTO)
        if track is not None:
            down = track >= 64
            pressed = np.flatnonzero(down & ~np.concatenate([[False], down[:-1]]))
            lifted = np.append(np.flatnonzero(~down), len(down))
            ends = np.append(self.samples, last)
            for instant in pressed.tolist():
                begin, end = self.samples[instant], ends[lifted[np.searchsorted(lifted, instant)]]
                caught = (onset <= begin) & (result > begin) & (result < end)
                result = np.where(caught, end, result)
            result = self._hold_down(SUSTAIN_PEDAL, result, max(last, int(result.max())))
        return result

    def _hold_down(self, pedal: int, release_at: NDArray[np.int64], last: int) -> NDArray[np.int64]:
        track = self._values.get(pedal)
        if track is None:
            return release_at
        down = track >= 64
        lifted = np.append(np.flatnonzero(~down), len(down))
        instant = np.searchsorted(self.samples, release_at, side="right") - 1
        until = lifted[np.searchsorted(lifted, instant)]
        ends = np.append(self.samples, last)
        return np.where(down[instant], np.maximum(ends[until], release_at), release_at)

    def _before_events(
        self, onset: NDArray[np.int64], release_at: NDArray[np.int64], controller: int
    ) -> NDArray[np.int64]:
        sent = np.append(self.events(controller), np.iinfo(np.int64).max)
        return np.minimum(release_at, sent[np.searchsorted(sent, onset, side="right")])

    def is_dynamic(self, modulator: Modulator) -> bool:
        """Tell whether a modulator depends on anything but the note itself."""
        return any(self._moves(code) for code in (modulator.source, modulator.amount_source))

    def _moves(self, code: int) -> bool:
        return bool(code & _CONTROLLER) or code & 0xFF in (_WHEEL, _WHEEL_RANGE)

    def _track(self, code: int) -> NDArray[np.float64]:
        index = code & 0x7F
        if code & _CONTROLLER:
            raw = self._values.get(index)
            start = float(DEFAULT_VALUES.get(index, 0))
        elif index == _WHEEL:
            raw, start = self._values.get(PITCH_BEND), 0.0
            raw = None if raw is None else raw + 8192.0
            start = 8192.0
        else:
            raw, start = self._bend_range, DEFAULT_BEND_RANGE
        return map_source(code, np.full(len(self.samples), start) if raw is None else raw)

    def _still(self, code: int, key: int, velocity: int) -> float:
        # Key and channel pressure (10, 13) are not in a Score: they rest at 0.
        value = {_VELOCITY: velocity, _KEY: key}.get(code & 0xFF, 0)
        return float(map_source(code, np.array([float(value)]))[0])

    def resolve(self, modulator: Modulator, key: int, velocity: int) -> tuple[int | None, float]:
        """Split a modulator into (row, factor); row None means that the factor is all of it."""
        codes = (modulator.source, modulator.amount_source)
        moving = [code for code in codes if self._moves(code)]
        factor = modulator.amount
        for code in codes:
            if not self._moves(code):
                factor *= self._still(code, key, velocity)
        if not moving:
            return None, abs(factor) if modulator.absolute else factor
        if modulator.absolute:
            factor = abs(factor)
        name = (moving[0], moving[1] if len(moving) > 1 else -1, modulator.absolute)
        if name not in self._row_of:
            row = self._track(moving[0])
            if len(moving) > 1:
                row = row * self._track(moving[1])
            self._row_of[name] = len(self._rows)
            self._rows.append(np.abs(row) if modulator.absolute else row)
        return self._row_of[name], factor

    def tuning_row(self) -> int | None:
        """Return the row of master tuning in cents (RPN 1 and 2); None where it rests at 0."""
        if not self._tuning.any():
            return None
        name = (-1, -1, False)
        if name not in self._row_of:
            self._row_of[name] = len(self._rows)
            self._rows.append(self._tuning)
        return self._row_of[name]

    def lowest_cents(self) -> float:
        """Return how far pitch bend and tuning together may lower a note, at most 0."""
        bend = self._values.get(PITCH_BEND)
        lowest = float(self._tuning.min())
        if bend is not None:
            lowest += 100.0 * float((bend / 8192.0 * self._bend_range).min())
        return min(lowest, 0.0)

    def value(self, row: int, instant: int) -> float:
        """Return a row's value at an instant."""
        return float(self._rows[row][instant])

    def rows(self) -> NDArray[np.float64]:
        """Return every row resolved so far, float64 (rows, instants)."""
        return np.array(self._rows, dtype=np.float64).reshape(-1, len(self.samples))
