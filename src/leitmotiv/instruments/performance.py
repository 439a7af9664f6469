"""A part in seconds: what a modelled instrument is asked to play.

Turns the ticks of a :class:`~leitmotiv.score.Part` into sample positions and its controllers into
curves, so that the instruments themselves know nothing of ticks or tempo.

Conventions: note times are integer samples; curves have one value per control block of
:data:`CONTROL_BLOCK` samples, plus one, and are read by linear interpolation. A part without a
controller has ``None`` for its curve. Default MIDI values (CC7 = 100, CC11 = 127) have gain 1.

Public names: :class:`Performance`, :func:`performance_of`, :data:`CONTROL_BLOCK`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.instruments.corrections import ToneCorrection
from leitmotiv.score.score import PITCH_BEND, Part, Score

__all__ = ["CONTROL_BLOCK", "FloatArray", "Performance", "performance_of", "velocity_gain"]

CONTROL_BLOCK = 64
"""Samples between two values of a control curve: 1.33 ms at 48 kHz."""

FloatArray = NDArray[np.float32]
"""Audio and control curves."""

_MODULATION, _VOLUME, _EXPRESSION, _SUSTAIN = 1, 7, 11, 64
_DEFAULT_VOLUME = 100
_BEND_RANGE_SEMITONES = 2.0
_SMOOTHING_BLOCKS = 9  # 12 ms: no zipper noise, no audible lag


@dataclass(frozen=True)
class Performance:
    """Notes in samples and controllers as curves.

    ``onset`` and ``end`` (key up) have shape (n,) in samples, sorted by onset; ``pedal_end`` is
    ``end``, or the moment the sustain pedal is lifted where it was down at ``end``. ``pitch`` is
    MIDI, ``velocity`` 1-127. ``expression`` is a linear gain, ``modulation`` 0-1 and
    ``bend_semitones`` a pitch offset, each of shape (num_blocks + 1,) or None. ``correction``
    colours every note. ``pedal_down``, shape (spans, 2), holds the samples at which the sustain
    pedal goes down and comes up.
    """

    sample_rate: int
    num_samples: int
    onset: NDArray[np.int64]
    end: NDArray[np.int64]
    pedal_end: NDArray[np.int64]
    pitch: NDArray[np.int64]
    velocity: NDArray[np.int64]
    expression: FloatArray | None = None
    modulation: FloatArray | None = None
    bend_semitones: FloatArray | None = None
    correction: ToneCorrection | None = None
    pedal_down: NDArray[np.int64] = field(default_factory=lambda: np.zeros((0, 2), np.int64))

    @property
    def num_notes(self) -> int:
        """Number of notes."""
        return len(self.onset)

    def silence(self) -> FloatArray:
        """Return an empty stereo buffer, float32 (2, num_samples)."""
        return np.zeros((2, self.num_samples), np.float32)

    def curve(self, curve: FloatArray, start_sample: int, num_points: int) -> FloatArray:
        """Read ``num_points`` values of a control curve, one a block, from a sample on."""
        index = start_sample // CONTROL_BLOCK + np.arange(num_points)
        return curve[np.minimum(index, len(curve) - 1)]

    def apply_expression(self, audio: FloatArray) -> FloatArray:
        """Scale audio (channels, num_samples) by the expression curve, in place."""
        if self.expression is not None:
            position = np.arange(audio.shape[-1], dtype=np.float32) / CONTROL_BLOCK
            audio *= np.interp(
                position, np.arange(len(self.expression), dtype=np.float32), self.expression
            ).astype(np.float32)
        return audio


def velocity_gain(velocity: Any, exponent: float = 1.5) -> Any:
    """Linear gain of a MIDI velocity, 1 at mezzo-forte (80).

    The default exponent spans 15 dB from piano (40) to fortissimo (127), near what players of
    real instruments reach.

    Examples
    --------
    >>> float(velocity_gain(80))
    1.0
    """
    return (np.asarray(velocity, dtype=np.float64) / 80.0) ** exponent


def _steps(
    ticks: NDArray[np.int64],
    values: NDArray[np.float64],
    score: Score,
    rate: int,
    num: int,
    default: float,
) -> NDArray[np.float64]:
    """Hold each controller value until the next; shape (num,)."""
    times = score.tempo_map.tick_to_sec(ticks) * rate / CONTROL_BLOCK
    index = np.searchsorted(times, np.arange(num), side="right") - 1
    return np.where(index >= 0, values[np.maximum(index, 0)], default)


def _smooth(curve: NDArray[np.float64]) -> FloatArray:
    half = _SMOOTHING_BLOCKS // 2
    padded = np.pad(curve, half, mode="edge")
    kernel = np.full(_SMOOTHING_BLOCKS, 1.0 / _SMOOTHING_BLOCKS)
    return np.convolve(padded, kernel, mode="valid").astype(np.float32)


def _lift_times(
    part: Part, score: Score, rate: int, end: NDArray[np.int64], last: int
) -> NDArray[np.int64]:
    """Extend key-up times to the lift of the sustain pedal (CC64 >= 64 is down)."""
    controls = part.controls[part.controls["controller"] == _SUSTAIN]
    if not len(controls):
        return end
    times = np.rint(score.tempo_map.tick_to_sec(controls["tick"]) * rate).astype(np.int64)
    down = controls["value"] >= 64
    index = np.searchsorted(times, end, side="right") - 1
    held = (index >= 0) & down[np.maximum(index, 0)]
    lifts = np.append(times[~down], last)
    lifted = lifts[np.minimum(np.searchsorted(lifts, end, side="right"), len(lifts) - 1)]
    return np.where(held, np.maximum(lifted, end), end)


def _pedal_spans(part: Part, score: Score, rate: int, last: int) -> NDArray[np.int64]:
    """Return from when to when the sustain pedal is down, shape (spans, 2)."""
    controls = part.controls[part.controls["controller"] == _SUSTAIN]
    down = np.concatenate([[False], controls["value"] >= 64])
    times = np.rint(score.tempo_map.tick_to_sec(controls["tick"]) * rate).astype(np.int64)
    starts, stops = times[down[1:] & ~down[:-1]], times[~down[1:] & down[:-1]]
    stops = np.append(stops, last)[: len(starts)]
    spans = np.minimum(np.stack([starts, stops], axis=1), last)
    return np.asarray(spans[spans[:, 1] > spans[:, 0]])


def performance_of(part: Part, score: Score, sample_rate: int, num_samples: int) -> Performance:
    """Turn a part into a :class:`Performance`.

    Parameters
    ----------
    part, score : Part, Score
        The part and the score whose tempo map it follows.
    sample_rate : int
        Hz.
    num_samples : int
        Length of the buffer; notes that begin beyond it are dropped.

    Returns
    -------
    Performance
        With no notes for an empty part.
    """
    notes, controls = part.notes, part.controls
    onset_sec = score.tempo_map.tick_to_sec(notes["onset"])
    end_sec = score.tempo_map.tick_to_sec(notes["onset"] + notes["duration"])
    onset = np.rint(onset_sec * sample_rate).astype(np.int64)
    end = np.maximum(np.rint(end_sec * sample_rate).astype(np.int64), onset + 1)
    kept = onset < num_samples
    onset, end = onset[kept], np.minimum(end[kept], num_samples)
    num = num_samples // CONTROL_BLOCK + 2

    def values_of(controller: int) -> tuple[NDArray[np.int64], NDArray[np.float64]] | None:
        chosen = controls[controls["controller"] == controller]
        if not len(chosen):
            return None
        return chosen["tick"].astype(np.int64), chosen["value"].astype(np.float64)

    expression: NDArray[np.float64] | None = None
    for controller, reference in ((_VOLUME, float(_DEFAULT_VOLUME)), (_EXPRESSION, 127.0)):
        found = values_of(controller)
        if found is not None:
            # MIDI 1.0 recommended practice RP-018: gain in dB is 40 log10(value / 127).
            gain = _steps(found[0], (found[1] / reference) ** 2, score, sample_rate, num, 1.0)
            expression = gain if expression is None else expression * gain
    modulation = values_of(_MODULATION)
    bend = values_of(PITCH_BEND)
    return Performance(
        sample_rate=sample_rate,
        num_samples=num_samples,
        onset=onset,
        end=end,
        pedal_end=_lift_times(part, score, sample_rate, end, num_samples),
        pedal_down=_pedal_spans(part, score, sample_rate, num_samples),
        pitch=notes["pitch"][kept].astype(np.int64),
        velocity=notes["velocity"][kept].astype(np.int64),
        expression=None if expression is None else _smooth(expression),
        modulation=None
        if modulation is None
        else _smooth(_steps(modulation[0], modulation[1] / 127.0, score, sample_rate, num, 0.0)),
        bend_semitones=None
        if bend is None
        else _smooth(
            _steps(bend[0], bend[1] * (_BEND_RANGE_SEMITONES / 8192), score, sample_rate, num, 0.0)
        ),
    )
