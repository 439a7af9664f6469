"""Part writing: one note a chord for each single-line part, led by the classical rules.

Purpose: the skeleton of every accompaniment. For each chord of the plan the parts that play one
note at a time are voiced together by a beam search over all layouts, so that the outer voices
and the inner ones agree before any figure is written.

Conventions:

- Parts are ordered by register; the lowest (or the part with role bass) is the bass.
- Costs follow Huron (2001): small motion, no parallel fifths or octaves, no crossing, close
  spacing above and wide below, leading tones and sevenths resolved, nothing doubled that pulls.

Public names: :func:`write_skeleton`, :func:`cadence_voicing`, :func:`is_single_line`,
:class:`Skeleton`.

References
----------
D. Huron, "Tone and voice: a derivation of the rules of voice-leading from perceptual
principles", *Music Perception* 19(1), 2001.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.harmony_spans import ChordSpan, merged_spans
from leitmotiv.errors import ComposeError
from leitmotiv.plan.plan import Plan, PlanPart

__all__ = ["Skeleton", "cadence_voicing", "is_single_line", "write_skeleton"]

_OVER_MELODY = 4
_BEAM = 10
_MAX_LAYOUTS = 4000
_CORE_VOICES = 5

_Beam = list[tuple[float, tuple[int, ...], tuple[tuple[int, ...], ...]]]

_MANY_NOTES = frozenset(
    [
        *(*range(0, 22), 23, *range(24, 32), 44, 45, 46, *range(48, 56), 61, 62, 63),
        *(*range(80, 104), 104, 105, 106, 107, 108),
    ]
)
_ORDERED_FAMILIES = (range(40, 44), range(52, 55))  # bowed strings, voices
_SUNG = (52, 53, 54)
_HAND_SEMITONES = 14


def is_single_line(plan: Plan, part_index: int) -> bool:
    """Whether a part plays one note at a time: a bowed or blown soloist, a bass, a choir voice.

    An ensemble patch counts as one voice where three or more parts share it (SATB, divided
    strings), and as a chord instrument where it stands alone.
    """
    part = plan.parts[part_index]
    if part.role == "bass" and not _is_keyboard(part):
        return True
    if part.program in range(48, 56) or part.program == 61:
        return sum(p.program == part.program and not p.is_drum for p in plan.parts) >= 3
    return part.program not in _MANY_NOTES


def keep_order(plan: Plan, part_index: int, other_index: int) -> int:
    """Say whether two voices keep their order, as strings and choirs do.

    Returns
    -------
    int
        +1 where the other part stays above, -1 where it stays below, 0 where they may cross.
    """
    part, other = plan.parts[part_index], plan.parts[other_index]
    if part_index == other_index or part.is_drum or other.is_drum:
        return 0
    alike = part.program == other.program or any(
        part.program in family and other.program in family for family in _ORDERED_FAMILIES
    )
    if not (alike and is_single_line(plan, part_index) and is_single_line(plan, other_index)):
        return 0
    # The middle of the range; of two violins the first stands above.
    mine = (part.low + part.high, -part_index)
    return 1 if (other.low + other.high, -other_index) > mine else -1


def hand_reach(plan: Plan, part_index: int) -> int:
    """Return the semitones that a part's notes may span at once; 127 where nothing binds them.

    A keyboard with two parts has one hand for each, and a hand reaches a ninth.
    """
    part = plan.parts[part_index]
    if part.is_drum or not _is_keyboard(part):
        return 127
    hands = sum(p.program == part.program and not p.is_drum for p in plan.parts)
    return _HAND_SEMITONES if hands >= 2 else 127


def _is_keyboard(part: PlanPart) -> bool:
    return part.program < 8 or part.program in range(16, 24) or part.program == 46


@dataclass(frozen=True)
class Skeleton:
    """Chord spans and the pitch of every voiced part in each of them.

    ``pitches[part_index][span_index]`` is a MIDI pitch, or -1 where the chord is ``N``
    or the part rests.
    """

    spans: tuple[ChordSpan, ...]
    pitches: Mapping[int, tuple[int, ...]]


def _chord_pitches(pitch_classes: Sequence[int], low: int, high: int) -> list[int]:
    return [pitch for pitch in range(low, high + 1) if pitch % 12 in pitch_classes]


def _nearest(options: Sequence[int], target: float, count: int) -> list[int]:
    return sorted(sorted(options, key=lambda p: (abs(p - target), p))[:count])


@dataclass(frozen=True)
class _Voice:
    low: int
    high: int
    home: float


def _homes(parts: Sequence[PlanPart], ceiling: float | None, *, has_bass: bool) -> list[_Voice]:
    """Comfortable centres, spread out so that voices keep their order. ``parts`` go upwards."""
    voices = []
    count = len(parts)
    for index, part in enumerate(parts):
        width = part.high - part.low
        home = part.low + 0.42 * width
        if count >= 3:
            # A ladder from A2 to A4, or to below the melody; the part's own range comes last.
            top = 71.0 if ceiling is None else min(71.0, ceiling - 4.0)
            bottom = 49.0 if part.program in _SUNG else 45.0  # singers keep closer together
            ladder = bottom + (max(top, 55.0) - bottom) * index / (count - 1)
            home = 0.35 * home + 0.65 * ladder
        if has_bass and index == 0 and part.low < 36:
            home = part.low + 0.33 * width  # a double bass or tuba lives low
        if ceiling is not None and (index or not has_bass):
            home = min(home, ceiling - 4.0 * (count - index))
        voices.append(_Voice(part.low, part.high, min(max(home, part.low + 2), part.high - 2)))
    return voices


def _layouts(
    span: ChordSpan,
    voices: Sequence[_Voice],
    bass_classes: Sequence[int],
    previous: Sequence[tuple[int, ...]],
    ceiling: int | None,
    *,
    has_bass: bool,
) -> NDArray[np.int64]:
    """All layouts worth a look, shape (layouts, voices), lowest voice first."""
    options: list[list[int]] = []
    per_voice = {1: 14, 2: 12, 3: 10, 4: 8, 5: 5}[min(len(voices), 5)]
    for index, voice in enumerate(voices):
        classes = bass_classes if index == 0 else span.chord.pitch_classes
        pitches = _chord_pitches(classes, voice.low, voice.high)
        if not pitches:
            pitches = [voice.low]
        if ceiling is not None and (index or not has_bass):
            # A little above the melody's lowest note is dear, far above it is out.
            pitches = [p for p in pitches if p <= ceiling + _OVER_MELODY] or pitches[:1]
        target = voice.home
        if previous:
            target = 0.3 * voice.home + 0.7 * float(np.mean([old[index] for old in previous]))
        options.append(_nearest(pitches, target, per_voice))
    layouts = np.array(list(product(*options))[: _MAX_LAYOUTS * 4], dtype=np.int64)
    if layouts.shape[1] > 1:
        ordered = np.all(np.diff(layouts, axis=1) >= 0, axis=1)
        if ordered.any():
            layouts = layouts[ordered]
    return layouts[:_MAX_LAYOUTS]


def _static_cost(
    layouts: NDArray[np.int64],
    span: ChordSpan,
    voices: Sequence[_Voice],
    *,
    inversion: NDArray[np.float64],
    sung: int | None,
) -> NDArray[np.float64]:
    """Cost of each layout by itself, shape (layouts,)."""
    chord = span.chord
    classes = layouts % 12
    cost = inversion.copy()
    homes = np.array([voice.home for voice in voices])
    cost += 0.10 * np.abs(layouts - homes).sum(axis=1)
    cost += 0.5 * np.clip(np.abs(layouts[:, 0] - homes[0]) - 6, 0, None)
    if layouts.shape[1] > 1:
        gaps = np.diff(layouts, axis=1)
        cost += 3.0 * (gaps == 0).sum(axis=1)
        if gaps.shape[1] > 1:
            cost += 4.0 * np.clip(gaps[:, 1:] - 12, 0, 12).sum(axis=1) / 4
        low = layouts[:, :-1] < 48
        cost += 3.0 * ((gaps > 0) & (gaps < 5) & low).sum(axis=1)
    num_voices = layouts.shape[1]
    root = chord.root_pitch_class
    third = next((pc for pc in chord.pitch_classes if (pc - root) % 12 in (3, 4)), None)
    weights = {pc: (6.0 if pc == third else 2.5) for pc in chord.pitch_classes}
    weights[root] = 4.0
    for pc in chord.pitch_classes:
        interval = (pc - root) % 12
        if interval in (9, 10, 11) and len(chord.pitch_classes) > 3:
            weights[pc] = 4.0
        if interval == 7 and len(chord.pitch_classes) > 3:
            weights[pc] = 0.8
        missing = ~(classes == pc).any(axis=1)
        if sung is not None and sung % 12 == pc:
            # The melody has it; a thin texture should not spend a voice on it.
            cost += (3.0 if num_voices <= 2 else 0.5) * ~missing
        elif num_voices >= 2 or sung is not None:
            cost += weights[pc] * missing
    leading = (span.key.tonic.pitch_class - 1) % 12
    doubled = (classes == leading).sum(axis=1) > 1
    cost += 8.0 * doubled
    sevenths = [pc for pc in chord.pitch_classes if (pc - root) % 12 in (10, 11)]
    for pc in sevenths:
        cost += 6.0 * ((classes == pc).sum(axis=1) > 1)
    if third is not None:
        cost += 1.5 * ((classes == third).sum(axis=1) > 1)
    return cost


def _motion_cost(
    layouts: NDArray[np.int64],
    old: tuple[int, ...],
    old_span: ChordSpan,
    span: ChordSpan,
    melody: tuple[int, int] | None,
) -> NDArray[np.float64]:
    """Cost of moving from one layout to each of the others, shape (layouts,)."""
    before = np.array(old, dtype=np.int64)
    motion = layouts - before
    size = np.abs(motion)
    upper = size[:, 1:]
    cost: NDArray[np.float64] = 0.6 * upper.sum(axis=1) + 1.0 * np.clip(upper - 4, 0, None).sum(
        axis=1
    )
    cost += 0.18 * size[:, 0] + 0.7 * np.clip(size[:, 0] - 7, 0, None)
    cost += 3.0 * (size[:, 0] == 6) + 4.0 * np.isin(size[:, 1:], (6, 10, 11)).sum(axis=1)
    count = layouts.shape[1]
    columns = [(before[i], layouts[:, i]) for i in range(count)]
    if melody is not None:
        columns.append((np.int64(melody[0]), np.full(len(layouts), melody[1], dtype=np.int64)))
    for low in range(len(columns)):
        for high in range(low + 1, len(columns)):
            (a0, a1), (b0, b1) = columns[low], columns[high]
            moved = (a1 != a0) & (b1 != b0)
            interval0, interval1 = (b0 - a0) % 12, (b1 - a1) % 12
            for perfect in (0, 7):
                parallel = moved & (interval0 == perfect) & (interval1 == perfect)
                cost += 40.0 * parallel
                if low == 0 and high == len(columns) - 1:
                    same_way = np.sign(a1 - a0) == np.sign(b1 - b0)
                    hidden = moved & same_way & (interval1 == perfect) & (np.abs(b1 - b0) > 2)
                    cost += 3.0 * (hidden & ~parallel)
            if high < count:
                # Overlap: a voice passes where its neighbour was.
                cost += 2.0 * ((a1 > b0) | (b1 < a0))
    if old_span.chord.is_none:
        return np.asarray(cost, dtype=np.float32)
    tonic = span.key.tonic.pitch_class
    leading = (tonic - 1) % 12
    old_root = old_span.chord.root_pitch_class
    resolves = (span.chord.root_pitch_class - old_root) % 12 in (5, 1, 2)
    for index, pitch in enumerate(old):
        if resolves and pitch % 12 == leading and tonic in span.chord.pitch_classes:
            cost += 6.0 * (motion[:, index] != 1) * (1.0 if index else 0.5)
        interval = (pitch % 12 - old_root) % 12
        if interval == 10 and len(old_span.chord.pitch_classes) > 3 and resolves:
            cost += 4.0 * ~np.isin(motion[:, index], (-1, -2, 0))
    return np.asarray(cost, dtype=np.float32)


def _bass_options(
    plan: Plan, spans: Sequence[ChordSpan], index: int
) -> tuple[tuple[int, ...], dict[int, float]]:
    """Pitch classes the bass may take and what each costs.

    The symbol's own bass note is the rule. A first inversion is allowed only inside a phrase,
    away from its first and last chords, where it lets the bass move by step.
    """
    span = spans[index]
    chord = span.chord
    own = chord.bass_pitch_class
    costs = {own: 0.0}
    phrase = plan.phrase_at(span.bar_index)
    bar_end = span.end // plan.bar_ticks
    inside = span.bar_index > phrase.start_bar_index and bar_end < phrase.end_bar_index - 1
    if span.bar_index == phrase.start_bar_index:
        inside = span.half == 1
    if inside and own == chord.root_pitch_class and index + 1 < len(spans):
        third = [pc for pc in chord.pitch_classes if (pc - own) % 12 in (3, 4)]
        if third:
            costs[third[0]] = 2.2 if span.half else 3.2
    return tuple(costs), costs


def write_skeleton(
    plan: Plan,
    part_indices: Sequence[int],
    *,
    melody: NDArray[np.void] | None = None,
    spans: Sequence[ChordSpan] | None = None,
    ignore_silence: bool = False,
) -> Skeleton:
    """Voice the chords of a plan for single-line parts.

    Parameters
    ----------
    plan : Plan
    part_indices : sequence of int
        Parts to voice, in any order.
    melody : numpy.ndarray of NOTE_DTYPE, optional
        A line above; the voices stay below it and make no parallels with it.
    spans : sequence of ChordSpan, optional
        Spans to voice; all of the plan by default.
    ignore_silence : bool
        Voice parts in sections where the plan lets them rest, too.

    Returns
    -------
    Skeleton
        One pitch a part and span. The same input gives the same result; nothing is random.
    """
    span_list = tuple(merged_spans(plan) if spans is None else spans)
    lines: dict[int, list[int]] = {part_index: [] for part_index in part_indices}
    position = 0
    while position < len(span_list):
        active = _active(plan, part_indices, span_list[position], ignore_silence=ignore_silence)
        stop = position + 1
        while stop < len(span_list) and active == _active(
            plan, part_indices, span_list[stop], ignore_silence=ignore_silence
        ):
            stop += 1
        run = span_list[position:stop]
        voiced = _voice_run(plan, active, run, melody)
        for part_index, line in lines.items():
            line += voiced.get(part_index, [-1] * len(run))
        position = stop
    return Skeleton(span_list, {part: tuple(line) for part, line in lines.items()})


def _active(
    plan: Plan, part_indices: Sequence[int], span: ChordSpan, *, ignore_silence: bool
) -> tuple[int, ...]:
    """The parts that play in the section of a span."""
    silent = frozenset() if ignore_silence else plan.silent_at(span.bar_index)
    return tuple(index for index in part_indices if index not in silent)


def _carries_bass(plan: Plan, part_index: int, active: Sequence[int], span: ChordSpan) -> bool:
    """Whether the lowest voice must give the chord its bass note."""
    if plan.parts[part_index].role == "bass":
        return True
    silent = plan.silent_at(span.bar_index)
    chordal = [
        index
        for index, part in enumerate(plan.parts)
        if not part.is_drum
        and part.role in ("harmony", "bass", "pad")
        and index not in silent
        and index not in active
    ]
    return not chordal and len(active) > 1


def _voice_run(
    plan: Plan,
    active: Sequence[int],
    span_list: Sequence[ChordSpan],
    melody: NDArray[np.void] | None,
) -> dict[int, list[int]]:
    """Voice a run of spans in which the same parts play."""
    parts = plan.parts
    indices = sorted(
        active,
        key=lambda i: (parts[i].role != "bass", parts[i].low + parts[i].high, -i),
    )
    if not indices:
        return {}
    core = _core(plan, indices)
    has_bass = _carries_bass(plan, core[0], indices, span_list[0])
    tops = _melody_tops(span_list, melody)
    strikes = _melody_strikes(span_list, melody)
    known = [top for top in tops if top is not None]
    ceiling = float(np.median(known)) if known else None
    voices = _homes([parts[i] for i in core], ceiling, has_bass=has_bass)
    # Each beam entry: cost, layout, history of layouts.
    beam: _Beam = []
    before: ChordSpan | None = None
    before_index = -1
    finished: list[tuple[int, ...]] = []
    for index, span in enumerate(span_list):
        if span.chord.is_none:
            if beam:
                finished += list(beam[0][2])
            finished.append((-1,) * len(core))
            beam, before = [], None
            continue
        if has_bass:
            classes, costs = _bass_options(plan, span_list, index)
        else:
            classes, costs = span.chord.pitch_classes, dict.fromkeys(span.chord.pitch_classes, 0.0)
        old_layouts = [entry[1] for entry in beam]
        layouts = _layouts(span, voices, classes, old_layouts, tops[index], has_bass=has_bass)
        inversion = np.array([costs.get(int(p) % 12, 6.0) for p in layouts[:, 0]])
        static = _static_cost(layouts, span, voices, inversion=inversion, sung=strikes[index])
        if (top := tops[index]) is not None:
            static += 2.5 * np.clip(layouts[:, 1:] - top, 0, None).sum(axis=1)
        if before is None:
            order = np.argsort(static, kind="stable")[:_BEAM]
            beam = [
                (float(static[k]), tuple(map(int, layouts[k])), (tuple(map(int, layouts[k])),))
                for k in order
            ]
        else:
            old_strike, new_strike = strikes[before_index], strikes[index]
            move = None
            if old_strike is not None and new_strike is not None:
                move = (old_strike, new_strike)
            beam = _advance(beam, layouts, static, before, span, move)
        before, before_index = span, index
    if beam:
        finished += list(beam[0][2])
    pitches = {part: [row[v] for row in finished] for v, part in enumerate(core)}
    for part_index in indices:
        if part_index not in pitches:
            pitches[part_index] = _doubling(plan, part_index, core, pitches, tops)
    return pitches


def _advance(
    beam: _Beam,
    layouts: NDArray[np.int64],
    static: NDArray[np.float64],
    before: ChordSpan,
    span: ChordSpan,
    melody_move: tuple[int, int] | None,
) -> _Beam:
    """One step of the beam search: the cheapest ways into each new layout."""
    entries = []
    for cost, old, history in beam:
        total = cost + static + _motion_cost(layouts, old, before, span, melody_move)
        for k in np.argsort(total, kind="stable")[:_BEAM]:
            entries.append((float(total[k]), tuple(map(int, layouts[k])), history))
    entries.sort(key=lambda entry: (entry[0], entry[1]))
    result: _Beam = []
    seen: set[tuple[int, ...]] = set()
    for cost, layout, history in entries:
        if layout not in seen:
            seen.add(layout)
            result.append((cost, layout, (*history, layout)))
        if len(result) == _BEAM:
            break
    return result


def _core(plan: Plan, indices: list[int]) -> list[int]:
    """At most five parts spread over the register; the others double them."""
    if len(indices) <= _CORE_VOICES:
        return indices
    picks = np.linspace(0, len(indices) - 1, _CORE_VOICES).round().astype(int)
    return [indices[k] for k in sorted(set(picks.tolist()))]


def _doubling(
    plan: Plan,
    part_index: int,
    core: Sequence[int],
    pitches: Mapping[int, list[int]],
    tops: Sequence[int | None],
) -> list[int]:
    """A part outside the core doubles a core voice, at the octave where its range allows it."""
    part = plan.parts[part_index]
    middle = (part.low + part.high) / 2
    if part.role == "bass":
        source = core[0]
    else:
        upper = list(core[1:]) or list(core)
        source = upper[part_index % len(upper)]
    line: list[int] = []
    last = middle
    for pitch, top in zip(pitches[source], tops, strict=True):
        if pitch < 0:
            line.append(-1)
            continue
        options = list(range(part.low + (pitch - part.low) % 12, part.high + 1, 12))
        if part.role == "bass":
            options = [p for p in options if p in (pitch, pitch + 12)] or options
            target: float = pitch + 12
        else:
            # Below the melody, or clear above it as a flute doubles.
            options = [p for p in options if top is None or p < top or p > top + 7] or options
            target = 0.5 * last + 0.5 * middle
        chosen = min(options, key=lambda p: (abs(p - target), p), default=-1)
        line.append(chosen)
        last = chosen if chosen >= 0 else last
    return line


def _melody_tops(spans: Sequence[ChordSpan], melody: NDArray[np.void] | None) -> list[int | None]:
    """The lowest melody pitch that sounds during each span; None where it rests."""
    tops: list[int | None] = [None] * len(spans)
    if melody is None or not len(melody):
        return tops
    starts, ends = melody["onset"], melody["onset"] + melody["duration"]
    for index, span in enumerate(spans):
        sounding = melody[(starts < span.end) & (ends > span.start)]
        if len(sounding):
            tops[index] = int(sounding["pitch"].min())
    return tops


def _melody_strikes(
    spans: Sequence[ChordSpan], melody: NDArray[np.void] | None
) -> list[int | None]:
    """The melody pitch that sounds where each span starts; None where it rests."""
    strikes: list[int | None] = [None] * len(spans)
    if melody is None or not len(melody):
        return strikes
    starts, ends = melody["onset"], melody["onset"] + melody["duration"]
    for index, span in enumerate(spans):
        sounding = melody[(starts <= span.start) & (ends > span.start)]
        if len(sounding):
            strikes[index] = int(sounding["pitch"].max())
    return strikes


@lru_cache(maxsize=16)
def _cadence_skeleton(plan_json: str, part_indices: tuple[int, ...]) -> Skeleton:
    plan = Plan.model_validate_json(plan_json)
    return write_skeleton(plan, part_indices, ignore_silence=True)


def cadence_voicing(
    plan: Plan, part_indices: Sequence[int], bar_index: int, half: int
) -> tuple[int, ...]:
    """Return correctly voiced pitches of a cadence chord, one for each of ``part_indices``.

    The chord is voiced in the context of the whole plan, so its approach is correct too: leading
    tone up, seventh down, no parallel fifths or octaves between the parts.

    Returns
    -------
    tuple of int
        Pitches in the order of ``part_indices``; empty where the plan has no chord there.

    Raises
    ------
    ComposeError
        If a part or the bar does not exist or a part is a drum part.
    """
    for part_index in part_indices:
        if not 0 <= part_index < plan.num_parts or plan.parts[part_index].is_drum:
            raise ComposeError(
                f"part_index={part_index} must be a pitched part, 0 to {plan.num_parts - 1}"
            )
    if not 0 <= bar_index < plan.num_bars:
        raise ComposeError(f"bar_index={bar_index} must be between 0 and {plan.num_bars - 1}")
    skeleton = _cadence_skeleton(plan.model_dump_json(), tuple(part_indices))
    tick = bar_index * plan.bar_ticks + (plan.half_tick if half else 0)
    span_index = next(k for k, span in enumerate(skeleton.spans) if span.start <= tick < span.end)
    if skeleton.spans[span_index].chord.is_none:
        return ()
    return tuple(skeleton.pitches[part][span_index] for part in part_indices)
