"""Rule-based accompaniment from the planned chords.

Purpose: a musically correct part for every role without a network. It is the fallback where no
weights are at hand, and the skeleton towards which a composed part is repaired at cadences.

Conventions:

- Parts that play one note at a time read the voice that
  :func:`~leitmotiv.compose.part_writing.write_skeleton` led for them; keyboards, guitars, harps
  and sections of strings play whole voicings.
- All parts of a section share one :class:`~leitmotiv.compose.figures.Texture`.
- On every chord change a chord tone is struck (or, in off-beat figures, the first note after it
  is one); passing notes stand on weak places only.
- Calm sections come to rest in their last bar; the piece ends held on its last chord.

Public names: :func:`accompaniment_part`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.bass_line import nearest_pitch
from leitmotiv.compose.comping import chordal_notes, trim_same_pitch
from leitmotiv.compose.figures import Texture, textures_by_bar
from leitmotiv.compose.harmony_spans import ChordSpan, is_silent
from leitmotiv.compose.part_writing import Skeleton, is_single_line, write_skeleton
from leitmotiv.compose.voice_ornaments import (
    ornament_line,
    step_from,
    turn_weak_notes,
    within_hand,
)
from leitmotiv.errors import ComposeError
from leitmotiv.plan.plan import Plan
from leitmotiv.score.score import NOTE_DTYPE, Origin, make_notes
from leitmotiv.styles.grid import GridEvent, fit_grid, split_grid
from leitmotiv.styles.style import CompPattern
from leitmotiv.theory import TICKS_PER_QUARTER, Meter

__all__ = ["accompaniment_part"]

_BREATHING = frozenset([52, 53, *range(56, 61), *range(64, 80), 22, 109, 111])
_BASS_VELOCITY, _INNER_VELOCITY, _DOWNBEAT = 80, 72, 8


def accompaniment_part(
    plan: Plan,
    part_index: int,
    rng: np.random.Generator,
    *,
    melody: NDArray[np.void] | None = None,
) -> NDArray[np.void]:
    """Write one accompanying part from the plan's chords by rule.

    Parameters
    ----------
    plan : Plan
    part_index : int
        A pitched part that does not carry the melody.
    rng : numpy.random.Generator
        Decides small ornaments only; the texture follows the plan and its seed.
    melody : numpy.ndarray of NOTE_DTYPE, optional
        The melody: accompanying voices stay below it, make no parallels with it, and a counter
        part moves where it rests. Pass the same melody for every part.

    Returns
    -------
    numpy.ndarray of NOTE_DTYPE
        Notes with origin STYLE, inside the part's range and the length of the plan, without
        overlaps of one pitch.

    Raises
    ------
    ComposeError
        If the part does not exist, is a drum part or carries the melody.
    """
    if not 0 <= part_index < plan.num_parts:
        raise ComposeError(f"part_index={part_index} must be between 0 and {plan.num_parts - 1}")
    part = plan.parts[part_index]
    if part.is_drum or part.role == "melody":
        raise ComposeError(
            f"part {part.name!r} has role={part.role!r}; an accompaniment is written for bass, "
            "harmony, counter or pad"
        )
    textures = textures_by_bar(plan)
    if not is_single_line(plan, part_index):
        return _chordal_part(plan, part_index, textures, melody, rng)
    voices = tuple(
        index
        for index, other in enumerate(plan.parts)
        if not other.is_drum and other.role != "melody" and is_single_line(plan, index)
    )
    key = None if melody is None else melody.tobytes()
    skeleton = _shared_skeleton(plan.model_dump_json(), voices, key)
    if part.role == "counter" and part_index != _lowest(plan, voices):
        return _counter_part(plan, part_index, skeleton, melody, rng)
    return _line_part(plan, part_index, voices, skeleton, textures, melody, rng)


@lru_cache(maxsize=8)
def _shared_skeleton(plan_json: str, voices: tuple[int, ...], melody: bytes | None) -> Skeleton:
    """One skeleton for all parts of a plan; cached because every part asks for it."""
    plan = Plan.model_validate_json(plan_json)
    notes = None if melody is None else np.frombuffer(melody, dtype=NOTE_DTYPE)
    return write_skeleton(plan, voices, melody=notes)


def _holds_end(plan: Plan, section_index: int) -> bool:
    """Whether a section comes to rest in its last bar: calm, of some length, and closing."""
    section = plan.sections[section_index]
    if section_index == len(plan.sections) - 1:
        return True
    closing = section.phrases[-1].cadence in ("authentic", "plagal")
    return closing and section.num_bars >= 6 and section.energy < 0.6


def _lowest(plan: Plan, voices: Sequence[int]) -> int:
    return min(
        voices, key=lambda i: (plan.parts[i].role != "bass", plan.parts[i].low + plan.parts[i].high)
    )


def _chord_step(pitch: int, steps: int, span: ChordSpan, low: int, high: int) -> int:
    """The chord tone ``steps`` above (or below) ``pitch``; reflected at the range's top."""
    tones = [p for p in range(low, high + 1) if p % 12 in span.chord.pitch_classes]
    if not tones:
        return pitch
    index = min(range(len(tones)), key=lambda k: (abs(tones[k] - pitch), k))
    wanted = index + steps
    if wanted >= len(tones):
        wanted = 2 * (len(tones) - 1) - wanted
    return tones[min(max(wanted, 0), len(tones) - 1)]


def _bass_pitch(symbol: str, root: int, after: int, span: ChordSpan, low: int, high: int) -> int:
    chord = span.chord
    intervals = {(pc - chord.root_pitch_class) % 12: pc for pc in chord.pitch_classes}
    if symbol == "8":
        return root + 12 if root + 12 <= high else (root - 12 if root - 12 >= low else root)
    if symbol == "a":
        if after == root:
            return _chord_step(root, 1, span, low, high)
        if abs(after - root) <= 2:
            return _chord_step(root, 1 if after < root else -1, span, low, high)
        return step_from(after, root, span, low, high)
    wanted = {"3": (4, 3, 5, 2), "5": (7, 6, 8), "4": (7, 6, 8)}.get(symbol, ())
    pc = next((intervals[i] for i in wanted if i in intervals), None)
    if pc is None or pc == root % 12:
        return root
    return nearest_pitch(pc, root + (3 if root - low < 7 else -2), low, high)


def _line_part(
    plan: Plan,
    part_index: int,
    voices: tuple[int, ...],
    skeleton: Skeleton,
    textures: tuple[Texture, ...],
    melody: NDArray[np.void] | None,
    rng: np.random.Generator,
) -> NDArray[np.void]:
    part, meter = plan.parts[part_index], plan.meter_value
    spans, pitches = skeleton.spans, skeleton.pitches[part_index]
    rows: list[tuple[int, int, int, int]] = []
    span_index = 0
    for section_index, section in enumerate(plan.sections):
        if part_index in section.parts_silent:
            continue
        playing = [index for index in voices if index not in section.parts_silent]
        lowest = _lowest(plan, playing)
        is_bass = part.role == "bass" or (part_index == lowest and len(playing) > 2)
        if is_bass and part_index != lowest and len(playing) > 4 and section.texture != "full":
            is_bass = False  # cellos above basses have something of their own to say
        inner = [i for i in playing if plan.parts[i].role != "counter" and i != lowest]
        inner.sort(key=lambda i: -(plan.parts[i].low + plan.parts[i].high))
        rank = inner.index(part_index) if part_index in inner else 0
        closes = {p.end_bar_index - 1 for p in section.phrases if p.cadence != "none"}
        for bar_index in range(section.start_bar_index, section.end_bar_index):
            if is_silent(plan, part_index, bar_index):
                continue
            texture = textures[bar_index]
            grid = texture.bass if is_bass else texture.inner[rank % len(texture.inner)]
            is_held = set(grid) <= {"x", "1", "-"} and grid.count("x") + grid.count("1") == 1
            if part.role == "pad":
                grid, is_held = ("1" if is_bass else "x") + "-" * (len(grid) - 1), True
            bar = bar_index * meter.bar_ticks
            if grid == "h":
                events = _hymn_events(plan, bar, melody)
            else:
                source = Meter.parse(texture.meter)
                bars = split_grid(grid)
                place = (bar_index - section.start_bar_index) % len(bars)
                events = list(fit_grid(bars[place], source, meter))
            is_end = bar_index == plan.num_bars - 1 or (
                bar_index == section.end_bar_index - 1 and _holds_end(plan, section_index)
            )
            if is_end and plan.loop is None:
                events = [GridEvent(0, meter.bar_ticks, "1" if is_bass else "x")]
            for event in _struck_at_changes(events, bar, meter.bar_ticks, spans, is_bass=is_bass):
                onset = bar + event.onset
                while spans[span_index].end <= onset:
                    span_index += 1
                span, pitch = spans[span_index], pitches[span_index]
                if pitch < 0:
                    continue
                after = pitches[span_index + 1] if span_index + 1 < len(spans) else pitch
                after = pitch if after < 0 else after
                symbol, velocity = event.symbol, _BASS_VELOCITY if is_bass else _INNER_VELOCITY
                if is_bass:
                    is_last = onset + event.duration >= span.end
                    if symbol == "a" and not is_last:
                        symbol = "5"
                    if onset == span.start:
                        symbol = "1"
                    if bar_index in closes:
                        symbol = "1"  # a close stands on its chord
                    if symbol not in "1x":
                        pitch = _bass_pitch(symbol, pitch, after, span, part.low, part.high)
                elif symbol == "p":
                    if onset != span.start and meter.accent(event.onset) >= 0.7:
                        up = 1 if after >= pitch else -1
                        pitch = _chord_step(pitch, up, span, part.low, part.high)
                    elif onset != span.start:
                        pitch = step_from(pitch, after, span, part.low, part.high)
                elif symbol in "023":
                    steps = {"0": -1, "2": 1, "3": 2}[symbol]
                    if onset != span.start:
                        pitch = _chord_step(pitch, steps, span, part.low, part.high)
                if event.onset == 0:
                    velocity += _DOWNBEAT
                last = rows[-1] if rows else None
                if (
                    is_held
                    and last is not None
                    and last[2] == pitch
                    and last[0] + last[1] == onset
                    and onset != section.start_bar_index * meter.bar_ticks
                    and last[1] < 2 * meter.bar_ticks
                    and onset > span.start
                ):
                    rows[-1] = (last[0], last[1] + event.duration, pitch, last[3])
                else:
                    rows.append((onset, event.duration, pitch, velocity))
    if part.role != "pad":
        rows = ornament_line(rows, plan, skeleton, part_index, rng)
    return _notes(_with_breaths(rows, plan, part_index))


def _with_breaths(
    rows: list[tuple[int, int, int, int]], plan: Plan, part_index: int
) -> list[tuple[int, int, int, int]]:
    """Let singers and wind players breathe where a phrase ends."""
    if plan.parts[part_index].program not in _BREATHING:
        return rows
    meter = plan.meter_value
    ends = {p.end_bar_index * meter.bar_ticks for s in plan.sections for p in s.phrases}
    ends.discard(plan.num_bars * meter.bar_ticks)
    rest = meter.beat_ticks // 2
    return [
        (onset, length - rest, pitch, velocity)
        if onset + length in ends and length >= 2 * rest
        else (onset, length, pitch, velocity)
        for onset, length, pitch, velocity in rows
    ]


def _hymn_events(plan: Plan, bar: int, melody: NDArray[np.void] | None) -> list[GridEvent]:
    """Strike with the melody on the beats; plain beats where it is not known."""
    meter = plan.meter_value
    beats = set(range(0, meter.bar_ticks, meter.beat_ticks))
    if melody is not None and len(melody):
        inside = melody[(melody["onset"] >= bar) & (melody["onset"] < bar + meter.bar_ticks)]
        struck = {int(onset) - bar for onset in inside["onset"]} & beats
        beats = struck | {0} if len(inside) else beats
    starts = sorted(beats)
    return [
        GridEvent(start, end - start, "x")
        for start, end in zip(starts, [*starts[1:], meter.bar_ticks], strict=True)
    ]


def _struck_at_changes(
    events: list[GridEvent],
    bar: int,
    bar_ticks: int,
    spans: tuple[ChordSpan, ...],
    *,
    is_bass: bool,
) -> list[GridEvent]:
    """Strike the new chord's note where a chord changes under a held note."""
    if not events:
        return events
    end_tick = bar + bar_ticks - 1
    first = bisect_right(spans, bar, key=lambda span: span.start)
    last = bisect_right(spans, end_tick, key=lambda span: span.start)
    starts = [span.start - bar for span in spans[first:last]]
    result: list[GridEvent] = []
    for event in events:
        onset, end, symbol = event.onset, event.onset + event.duration, event.symbol
        for cut in starts:
            if onset < cut < end:
                result.append(GridEvent(onset, cut - onset, symbol))
                onset, symbol = cut, "1" if is_bass else "x"
        result.append(GridEvent(onset, end - onset, symbol))
    if is_bass:
        # A change that falls into a rest is struck too: the bass says what the chord is.
        for cut in starts:
            if cut < bar_ticks and not any(e.onset <= cut < e.onset + e.duration for e in result):
                later = [event.onset for event in result if event.onset > cut]
                end = min([cut + TICKS_PER_QUARTER, bar_ticks, *later])
                result.append(GridEvent(cut, end - cut, "1"))
        result.sort(key=lambda event: event.onset)
    return result


def _counter_part(
    plan: Plan,
    part_index: int,
    skeleton: Skeleton,
    melody: NDArray[np.void] | None,
    rng: np.random.Generator,
) -> NDArray[np.void]:
    """A line that holds where the melody moves and moves where it holds."""
    part, meter = plan.parts[part_index], plan.meter_value
    beat = meter.beat_ticks if meter.beat_ticks >= 480 else 480
    pitches = skeleton.pitches[part_index]
    onsets = set() if melody is None else {int(onset) for onset in melody["onset"]}
    rows: list[tuple[int, int, int, int]] = []
    for index, span in enumerate(skeleton.spans):
        pitch = pitches[index]
        if pitch < 0:
            continue
        after = pitches[index + 1] if index + 1 < len(pitches) else pitch
        after = pitch if after < 0 else after
        current = pitch
        for onset in range(span.start, span.end, beat):
            bar_index = onset // meter.bar_ticks
            if is_silent(plan, part_index, bar_index):
                continue
            length = min(beat, span.end - onset)
            section = plan.section_at(bar_index)
            closing = bar_index == plan.num_bars - 1
            busy = melody is not None and bool(onsets & set(range(onset, onset + length, 60)))
            weak = meter.accent(onset % meter.bar_ticks) < 0.7
            eager = 0.12 + 0.3 * section.energy if busy else 0.4 + 0.5 * section.energy
            if weak and rows and rows[-1][1] >= meter.bar_ticks:
                eager += 0.3
            if part.low >= 67:
                eager += 0.35  # a piccolo or flute above the tune plays an obbligato
            moves = onset > span.start and not closing and (not busy or weak)
            if melody is None:
                moves, eager = moves and weak, 0.4 + 0.5 * section.energy
            if onset == span.start or not rows:
                rows.append((onset, length, pitch, 76))
                current = pitch
            elif moves and rng.random() < eager:
                is_last = onset + length >= span.end
                if (is_last or rng.random() < 0.5) and weak:
                    current = step_from(current, after, span, part.low, part.high)
                else:
                    up = 1 if after >= current else -1
                    current = _chord_step(current, up, span, part.low, part.high)
                rows.append((onset, length, current, 70))
            elif (
                rows[-1][0] + rows[-1][1] == onset
                and rows[-1][2] == current
                and rows[-1][1] < 2 * meter.bar_ticks
                and (onset % meter.bar_ticks or section.energy < 0.3)
            ):
                last = rows[-1]
                rows[-1] = (last[0], last[1] + length, last[2], last[3])
            else:
                rows.append((onset, length, current, 74))
    return _notes(_with_breaths(rows, plan, part_index))


def _chordal_part(
    plan: Plan,
    part_index: int,
    textures: tuple[Texture, ...],
    melody: NDArray[np.void] | None,
    rng: np.random.Generator,
) -> NDArray[np.void]:
    """A keyboard, guitar, harp or section: whole voicings in the texture's rhythm."""
    part = plan.parts[part_index]
    has_bass = any(
        other.role == "bass" and index != part_index for index, other in enumerate(plan.parts)
    )

    def choose(bar_index: int) -> CompPattern:
        texture = textures[bar_index]
        grid = texture.chordal
        if part.role == "pad":
            grid = "x" + "-" * (len(split_grid(grid)[0]) - 1)
        voicing = texture.voicing
        if not has_bass and voicing in ("close", "open") and part.high - part.low >= 19:
            # Nobody else plays the bass: the lowest voice must be it.
            voicing = "keyboard"
        return CompPattern(
            meter=texture.meter,
            intensity=0.5,
            voicing=voicing,
            num_voices=texture.num_voices + (voicing == "keyboard" and texture.num_voices < 4),
            grid=grid,
        )

    notes = chordal_notes(
        plan,
        part_index,
        choose,
        rng,
        holds_end=lambda section_index: _holds_end(plan, section_index),
        melody=melody,
    )
    return within_hand(turn_weak_notes(notes, plan, part_index, rng), plan, part_index)


def _notes(rows: list[tuple[int, int, int, int]]) -> NDArray[np.void]:
    if not rows:
        return make_notes([], [], [], [], Origin.STYLE)
    onset, duration, pitch, velocity = zip(*rows, strict=True)
    return trim_same_pitch(make_notes(onset, duration, pitch, velocity, Origin.STYLE))
