"""Part song: lines for the voices under a melody, with a bass that walks.

Purpose: the skeleton of a setting gives each voice one note a chord. A setting that strikes these
notes on each beat is correct and dull. Here the bass fills thirds with passing notes, breaks a long
chord over its third or fifth instead of repeating it, and inner voices hold what does not change,
pass between thirds and suspend into leading tones.

Conventions: ticks; origin STYLE. A passing note stands on a weak beat, is a step of the scale, and
makes no second, seventh or parallel perfect interval with the melody. The notes on chord changes
are those of the skeleton.

Public names: :func:`part_song`.

References
----------
E. Aldwell and C. Schachter, *Harmony and Voice Leading*, ch. 6 (bass motion), ch. 22 (rhythmic
figuration), ch. 23 (suspensions).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.harmony_spans import ChordSpan
from leitmotiv.compose.part_writing import write_skeleton
from leitmotiv.compose.voice_ornaments import scale_at
from leitmotiv.plan import Plan
from leitmotiv.score import Origin, make_notes

__all__ = ["part_song"]

_BASS_VELOCITY, _INNER_VELOCITY = 78, 70
_INNER_PASSING, _BASS_PASSING, _SUSPENSION = 0.45, 0.9, 0.6  # chances where there is room

_Row = tuple[int, int, int]  # onset, end, pitch


def part_song(
    plan: Plan, voices: Sequence[int], melody: NDArray[np.void], rng: np.random.Generator
) -> dict[int, NDArray[np.void]]:
    """Lead single-line parts under a melody.

    Parameters
    ----------
    plan : Plan
        With a chord for each half bar.
    voices : sequence of int
        Parts that sing, without the one that has the melody.
    melody : ndarray of NOTE_DTYPE
        In ticks from the plan's first bar.

    Returns
    -------
    dict from part index to ndarray of NOTE_DTYPE
    """
    if not voices:
        return {}
    skeleton = write_skeleton(plan, list(voices), melody=melody)
    # From the bass up, so that each voice sees what those before it have been given.
    order = sorted(
        voices, key=lambda i: (plan.parts[i].role != "bass", plan.parts[i].low + plan.parts[i].high)
    )
    others = {
        index: [
            (span.start, span.end, pitch)
            for span, pitch in zip(skeleton.spans, skeleton.pitches[index], strict=True)
            if pitch >= 0
        ]
        for index in order
    }
    sung = [(int(n["onset"]), int(n["onset"] + n["duration"]), int(n["pitch"])) for n in melody]
    result = {}
    for index, generator in zip(order, rng.spawn(len(order)), strict=True):
        around = [_Line(sung), *(_Line(others[other]) for other in order if other != index)]
        make = _bass if index == order[0] else _inner
        rows = make(plan, index, skeleton.spans, skeleton.pitches[index], around, generator)
        others[index] = rows
        result[index] = make_notes(
            [row[0] for row in rows],
            [row[1] - row[0] for row in rows],
            [row[2] for row in rows],
            _BASS_VELOCITY if index == order[0] else _INNER_VELOCITY,
            origin=Origin.STYLE,
        )
    return result


class _Line:
    """What a voice sings at a tick."""

    def __init__(self, rows: Sequence[_Row]) -> None:
        self._rows = sorted(rows)
        self._starts = [row[0] for row in self._rows]

    def at(self, tick: int) -> int | None:
        """Pitch at a tick; None in a rest."""
        place = bisect_right(self._starts, tick) - 1
        if place < 0 or self._rows[place][1] <= tick:
            return None
        return self._rows[place][2]


def _clashes(
    pitch: int, tick: int, before: _Row, after: tuple[int, int], around: Sequence[_Line]
) -> bool:
    """Whether a figure note grinds against another voice, or moves in parallel with one.

    ``before`` is the row that the voice comes from, ``after`` the (tick, pitch) it goes to; the
    first line of ``around`` is the melody.
    """
    for index, line in enumerate(around):
        other = line.at(tick)
        if other is None:
            continue
        interval = abs(other - pitch) % 12
        if interval in (1, 2, 10, 11) or (index == 0 and other <= pitch):
            return True
        for first, second in (
            ((tick - 1, before[2]), (tick, pitch)),
            ((after[0] - 1, pitch), after),
        ):
            was, now = line.at(first[0]), line.at(second[0])
            if was is None or now is None or was == now or first[1] == second[1]:
                continue
            old, new = (was - first[1]) % 12, (now - second[1]) % 12
            if old == new and new in (0, 7):
                return True
    return False


def _steps_between(first: int, second: int, span: ChordSpan) -> list[int]:
    """Scale steps strictly between two pitches, in order."""
    scale = scale_at(span)
    side = 1 if second > first else -1
    return [p for p in range(first + side, second, side) if p % 12 in scale]


def _chord_tone(pitch: int, span: ChordSpan, low: int, high: int, towards: int) -> int:
    """Another tone of the chord near a pitch, rather on the side of the goal."""
    tones = [p for p in range(low, high + 1) if p % 12 in span.chord.pitch_classes and p != pitch]
    near = [p for p in tones if abs(p - pitch) <= 7]
    side = 1 if towards >= pitch else -1

    def cost(p: int) -> tuple[float, int]:
        wrong_side = 3.0 if (p - pitch) * side < 0 else 0.0
        return abs(p - towards) * 0.5 + abs(p - pitch) * 0.5 + wrong_side, p

    return min(near, key=cost, default=pitch)


def _bars_of(span: ChordSpan, bar_ticks: int) -> list[tuple[int, int]]:
    """A span cut at the bar lines inside it."""
    cuts = [span.start]
    cuts += range((span.start // bar_ticks + 1) * bar_ticks, span.end, bar_ticks)
    return list(zip(cuts, [*cuts[1:], span.end], strict=True))


def _passages(
    spans: Sequence[ChordSpan], pitches: Sequence[int], bar_ticks: int
) -> Iterator[tuple[ChordSpan, int, int, int, tuple[int, int]]]:
    """Every bar of every sounding chord of a voice.

    Yields (span, pitch, following, place, (start, end)): what the voice sings in it, what comes
    after, and the how-many-eth bar of its chord it is.
    """
    for number, span in enumerate(spans):
        pitch = pitches[number]
        if pitch < 0:
            continue
        pieces = _bars_of(span, bar_ticks)
        for place, piece in enumerate(pieces):
            last = place == len(pieces) - 1
            following = pitches[number + 1] if last and number + 1 < len(spans) else pitch
            yield span, pitch, pitch if following < 0 else following, place, piece


def _bass(
    plan: Plan,
    index: int,
    spans: Sequence[ChordSpan],
    pitches: Sequence[int],
    around: Sequence[_Line],
    rng: np.random.Generator,
) -> list[_Row]:
    meter, part = plan.meter_value, plan.parts[index]
    beat, closes = meter.beat_ticks, _closing_bars(plan)
    rows: list[_Row] = []
    for span, pitch, following, place, (start, end) in _passages(spans, pitches, meter.bar_ticks):
        bar = start // meter.bar_ticks
        beats = max((end - start) // beat, 1)
        root = pitch
        if place % 2 and rows:  # a chord of several bars: root, then another of its tones
            root = _chord_tone(pitch, span, part.low, part.high, pitch + 5)
        if bar in closes or beats < 2:
            rows.append((start, end, root))
            continue
        turn = end - beat  # the last beat leads on
        between = _steps_between(root, following, span)
        note = root
        if len(between) == 1:
            note = between[0]
        elif following == root:
            turn = start + beats // 2 * beat
            note = _chord_tone(root, span, part.low, part.high, following)
        elif abs(following - root) >= 5:
            note = _chord_tone(root, span, part.low, part.high, following)
            if abs(note - following) > 4 and len(between) >= 2:
                note = between[-1]
        elif beats >= 3:
            note = _chord_tone(root, span, part.low, part.high, following)
        free = not _clashes(note, turn, (start, turn, root), (end, following), around)
        if note != root and free and note != following and rng.random() < _BASS_PASSING:
            rows += [(start, turn, root), (turn, end, note)]
        else:
            rows.append((start, end, root))
    return _tied(rows, meter.bar_ticks)


def _inner(
    plan: Plan,
    index: int,
    spans: Sequence[ChordSpan],
    pitches: Sequence[int],
    around: Sequence[_Line],
    rng: np.random.Generator,
) -> list[_Row]:
    meter = plan.meter_value
    beat, closes = meter.beat_ticks, _closing_bars(plan)
    rows: list[_Row] = []
    for span, pitch, following, _, (start, end) in _passages(spans, pitches, meter.bar_ticks):
        beats = (end - start) // beat
        before = rows[-1] if rows else None
        leading = (span.key.tonic_pitch_class - 1) % 12
        suspends = (
            before is not None
            and before[1] == start
            and before[2] - pitch == 1
            and pitch % 12 == leading
            and beats >= 2
        )
        if suspends and before is not None and rng.random() < _SUSPENSION:
            half = start + max(beats // 2, 1) * beat
            if not _clashes(before[2], start, before, (half, pitch), around[:1]):
                rows += [(start, half, before[2]), (half, end, pitch)]
                continue
        between = _steps_between(pitch, following, span) if following >= 0 else []
        step = between[0] if len(between) == 1 else None
        if (
            step is not None
            and beats >= 2
            and start // meter.bar_ticks not in closes
            and not _clashes(step, end - beat, (start, end - beat, pitch), (end, following), around)
            and rng.random() < _INNER_PASSING
        ):
            rows += [(start, end - beat, pitch), (end - beat, end, step)]
        else:
            rows.append((start, end, pitch))
    return _tied(rows, meter.bar_ticks)


def _closing_bars(plan: Plan) -> set[int]:
    closes = {p.end_bar_index - 1 for s in plan.sections for p in s.phrases if p.cadence != "none"}
    return closes | {plan.num_bars - 1}


def _tied(rows: Sequence[_Row], bar_ticks: int) -> list[_Row]:
    """Tie equal neighbours inside a bar."""
    result: list[_Row] = []
    for onset, end, pitch in rows:
        last = result[-1] if result else None
        if last is not None and last[2] == pitch and last[1] == onset and onset % bar_ticks:
            result[-1] = (last[0], end, pitch)
        else:
            result.append((onset, end, pitch))
    return result
