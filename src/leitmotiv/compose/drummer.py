"""A drummer who plays a written groove: adds, leaves out, fills, and strikes like a hand.

Purpose: style files say what a groove is; :mod:`leitmotiv.styles.drum_model` has learned from
recorded drummers what else a player does with it. Here the two are mixed: the written pattern pulls
each stroke towards what is written (``follow``), the model towards what a drummer would play now.

Conventions:

- One row a step of a bar of four beats: sixteenths, or triplet eighths for shuffles and compound
  meters (:class:`StepClock`). Other meters keep the written pattern and get the hands only.
- Complexity 0 is the bare pattern; at 1 the model adds what it likes. The first two bars of a
  section are invented; later bars return to them with small changes, as a drummer keeps a groove.

Public names: :class:`Drummer`, :class:`StepClock`, :func:`stroke_velocities`,
:func:`drum_timing_sec`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leitmotiv.plan.plan import Plan
from leitmotiv.styles.drum_grid import PIECE_OF_KEY, PIECES, STRAIGHT, TERNARY
from leitmotiv.styles.drum_model import (
    DrumModel,
    DrumSetting,
    expression_features,
    load_drum_model,
    onset_features,
)
from leitmotiv.styles.style import Style
from leitmotiv.theory import TICKS_PER_QUARTER, Meter

__all__ = ["Drummer", "StepClock", "drum_timing_sec", "stroke_velocities"]

_PULL = 4.5  # logit of a written stroke, and minus that of a written rest
_ACCENT_PULL = 14.0  # accents carry the groove: the backbeat is not up for discussion
_KEPT = 0.86  # how closely later bars keep to the groove of the section
_COMPLEXITY_LOGITS = 3.0
_TEMPERATURE = 0.75
_HANDS = [PIECES.index(name) for name in PIECES if name != "kick"]
_MEMORY = 0.6  # how much of a stroke's deviation the next one inherits
_SPREAD = 0.8  # share of the recorded spread of velocity
_UNKNOWN_METER = 0.6  # of the timing, where bars have another length than those learned from
_TIMING_SPREAD = 0.4  # of timing: half of it is drift against the click, which a band shares


@dataclass(frozen=True)
class StepClock:
    """Ticks to steps of the drum grid and back, for one meter and feel."""

    steps_per_beat: int
    beat_ticks: int
    bar_ticks: int
    swings: bool  # the written off-beat eighth stands for the last triplet

    @classmethod
    def of(cls, meter: Meter, style: Style) -> StepClock:
        """The clock of a style in a meter."""
        ternary = meter.is_compound
        swings = not ternary and style.feel.swing >= 0.5 and style.feel.swing_unit == "eighth"
        steps = TERNARY if ternary or swings else STRAIGHT
        beat = meter.beat_ticks if ternary else TICKS_PER_QUARTER
        return cls(steps, beat, meter.bar_ticks, swings)

    @property
    def is_whole(self) -> bool:
        """Whether the bar has the four beats that the model was trained on."""
        return self.bar_ticks == 4 * self.beat_ticks

    @property
    def bar_steps(self) -> int:
        """Rows that a bar takes: whole bars of four beats."""
        return 4 * self.steps_per_beat * -(-self.bar_ticks // (4 * self.beat_ticks))

    def step(self, tick: int) -> int:
        """Step of a tick in its bar; past the bar's last step, the last."""
        beat, rest = divmod(tick, self.beat_ticks)
        if self.swings and abs(rest - self.beat_ticks // 2) <= self.beat_ticks // 16:
            return beat * self.steps_per_beat + 2
        step = beat * self.steps_per_beat + round(rest * self.steps_per_beat / self.beat_ticks)
        return min(step, self.bar_steps - 1)

    def tick(self, step: int) -> int:
        """Written tick of a step in its bar."""
        beat, rest = divmod(step, self.steps_per_beat)
        if self.swings and rest == 2:
            return beat * self.beat_ticks + self.beat_ticks // 2
        return beat * self.beat_ticks + rest * self.beat_ticks // self.steps_per_beat


class Drummer:
    """Plays bar after bar and remembers them.

    Parameters
    ----------
    style : Style
        With a ``drummer`` table.
    clock : StepClock
        A clock with :attr:`StepClock.is_whole`.
    bpm : float
        Felt beats a minute.
    """

    def __init__(
        self, style: Style, clock: StepClock, bpm: float, model: DrumModel | None = None
    ) -> None:
        assert style.drummer is not None
        self._follow, self._words = style.drummer.follow, style.drummer.words
        self._clock, self._bpm = clock, bpm
        self._model = model or load_drum_model()
        self._past = np.zeros((0, len(PIECES)), dtype=bool)

    def rest(self, num_bars: int = 1) -> None:
        """Count bars in which the drums are silent."""
        silence = np.zeros((num_bars * self._clock.bar_steps, len(PIECES)), dtype=bool)
        self._past = np.concatenate([self._past, silence])

    def play(
        self,
        written: NDArray[np.float32],
        rng: np.random.Generator,
        *,
        complexity: float,
        intensity: float,
        fill_from: int | None = None,
        kept: NDArray[np.bool_] | None = None,
    ) -> NDArray[np.bool_]:
        """Play one bar and return its strokes, bool of shape (bar_steps, 9).

        Parameters
        ----------
        written : ndarray of float, shape (bar_steps, 9)
            Strength of the written strokes: 0 none, 0.5 ghost, 1 stroke, 1.5 accent.
        complexity, intensity : float
            0..1.
        fill_from : int, optional
            First step of a fill.
        kept : ndarray of bool, shape (bar_steps, 9), optional
            An earlier bar of the section that this one returns to.
        """
        steps = self._clock.bar_steps
        first = len(self._past)
        hits = np.concatenate([self._past, np.zeros((steps, len(PIECES)), dtype=bool)])
        told = DrumSetting(self._words, self._bpm, complexity, intensity)
        lean = _COMPLEXITY_LOGITS * (complexity - 0.5)
        follow = float(np.clip(self._follow + 0.5 * (0.5 - complexity), 0.15, 0.97))
        draws = rng.random((steps, len(PIECES)))
        for step in range(steps):
            in_fill = fill_from is not None and step >= fill_from
            target = written[step]
            pull = np.where(target > 0.75, _PULL, np.where(target > 0, 0.8 + lean, -_PULL + lean))
            pull = np.where(target > 1.25, _ACCENT_PULL, pull)
            weight = follow
            if kept is not None and not in_fill:
                pull = np.where(kept[step], np.maximum(pull, _PULL), -_PULL)
                weight = max(_KEPT, follow)
            elif in_fill:
                weight = 0.6 * follow
            features = onset_features(
                hits, first + step, told, self._clock.steps_per_beat, bool(in_fill)
            )
            base, chain = self._model.onset_logits(features)
            row = hits[first + step]
            chances = np.zeros(len(PIECES))
            for piece in range(len(PIECES)):
                logit = float(base[piece] + chain[piece, :piece] @ row[:piece])
                logit = (1.0 - weight) * logit + weight * float(pull[piece])
                chances[piece] = 1.0 / (1.0 + np.exp(-np.clip(logit / _TEMPERATURE, -30, 30)))
                row[piece] = draws[step, piece] < chances[piece]
            _keep_playable(row, chances)
        self._past = hits
        return np.asarray(hits[first:])

    def replace_last(self, bar: NDArray[np.bool_]) -> None:
        """Say what was really played in the last bar, where it was changed afterwards."""
        self._past[-len(bar) :] = bar


def _keep_playable(row: NDArray[np.bool_], chances: NDArray[np.float64]) -> None:
    """Two hands strike two things; a hat is open or closed. The likelier strokes stay."""
    closed, opened = PIECES.index("hat"), PIECES.index("open_hat")
    if row[closed] and row[opened]:
        row[closed if chances[closed] < chances[opened] else opened] = False
    hands = [piece for piece in _HANDS if row[piece]]
    for piece in sorted(hands, key=lambda piece: -chances[piece])[2:]:
        row[piece] = False


def stroke_velocities(
    bars: Sequence[NDArray[np.bool_]],
    style: Style,
    clock: StepClock,
    bpm: float,
    complexity: float,
    intensity: float,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Return MIDI velocities of every stroke of a part, shape (bars x steps, 9)."""
    hits = np.concatenate(list(bars)) if bars else np.zeros((0, len(PIECES)), dtype=bool)
    played = _expression(hits, style, clock, bpm, complexity, intensity)
    noise = _drift(hits.shape, rng)
    return np.asarray(127.0 * (played[:, 0] + _SPREAD * played[:, 1] * noise))


def _expression(
    hits: NDArray[np.bool_],
    style: Style,
    clock: StepClock,
    bpm: float,
    complexity: float,
    intensity: float,
) -> NDArray[np.float32]:
    """Velocity and offset of every stroke, shape (steps, 4, 9); zeros where nothing is struck."""
    words = style.drummer.words if style.drummer is not None else ()
    told = DrumSetting(words, bpm, complexity, intensity)
    played = np.zeros((len(hits), 4, len(PIECES)), dtype=np.float32)
    struck = np.flatnonzero(hits.any(axis=1))
    if len(struck):
        rows = [
            expression_features(hits, int(step), told, clock.steps_per_beat, False)
            for step in struck
        ]
        played[struck] = load_drum_model().expression(np.stack(rows))
    return played


def _drift(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    """Noise of variance 1 whose neighbours in time are alike, shape (steps, pieces)."""
    noise = rng.standard_normal(shape)
    scale = np.sqrt(1.0 - _MEMORY**2)
    for step in range(1, len(noise)):
        noise[step] = _MEMORY * noise[step - 1] + scale * noise[step]
    return np.clip(noise, -2.0, 2.0)


def drum_timing_sec(
    notes: NDArray[np.void], plan: Plan, style: Style, bpm: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return how far each written stroke is played off its place, in seconds, shape (notes,).

    Strokes of pieces outside the kit get the mean of what is struck with them. Zero for a style
    without a drummer.
    """
    shift = np.zeros(len(notes))
    if style.drummer is None or not len(notes):
        return shift
    clock = StepClock.of(plan.meter_value, style)
    onset = notes["onset"].astype(np.int64)
    steps = np.array(
        [
            tick // clock.bar_ticks * clock.bar_steps + clock.step(tick % clock.bar_ticks)
            for tick in onset.tolist()
        ]
    )
    columns = np.array([PIECE_OF_KEY.get(int(key), -1) for key in notes["pitch"]])
    hits = np.zeros((int(steps.max()) + 1, len(PIECES)), dtype=bool)
    hits[steps[columns >= 0], columns[columns >= 0]] = True
    energy = float(np.mean([section.energy for section in plan.sections]))
    played = _expression(hits, style, clock, bpm, -1.0, energy)
    if plan.drums.seed is not None:
        rng = np.random.default_rng([plan.drums.seed, 1])
    offsets = played[:, 2] + _TIMING_SPREAD * played[:, 3] * _drift(hits.shape, rng)
    offsets = np.where(hits, np.clip(offsets, -0.3, 0.3), 0.0)
    common = offsets.sum(axis=1) / np.maximum(hits.sum(axis=1), 1)
    step_sec = 60.0 / bpm / clock.steps_per_beat
    if not clock.is_whole:
        step_sec *= _UNKNOWN_METER
    inside = columns >= 0
    shift[inside] = offsets[steps[inside], columns[inside]]
    shift[~inside] = common[steps[~inside]]
    return np.asarray(np.clip(shift * step_sec, -0.03, 0.03))
