"""Bridge: from the end of one cue to the beginning of another in a given number of bars.

The harmony leads over by chords that both keys share and by keys that lie between them; the last
bar holds the dominant of what follows. The tempo goes over in equal ratios, bar by bar. Players
whom both cues share play throughout; others leave or enter at the middle.

Public names: :func:`bridge`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.operations.continuation import extended
from leitmotiv.compose.operations.harmonic_path import plain_key, smooth_bass
from leitmotiv.compose.operations.modulation import modulating_path
from leitmotiv.compose.operations.reading import Reading, meter_stretch, read_plan
from leitmotiv.compose.operations.region import (
    USUAL_OPTIONS,
    Progress,
    RegionComposer,
    merge_region,
    no_progress,
)
from leitmotiv.compose.repair import tidy_part
from leitmotiv.compose.writer import WriterOptions
from leitmotiv.errors import ComposeError
from leitmotiv.models import EventModel
from leitmotiv.plan import PlanSection
from leitmotiv.score import (
    KeyChange,
    MeterChange,
    Part,
    Score,
    SectionMark,
    TempoMap,
)
from leitmotiv.theory import ChordSymbol, Key, roman_to_chord

__all__ = ["bridge"]

_CONTEXT_BARS = 12
_MAX_BRIDGE_BARS = 64


def bridge(
    first: Score,
    second: Score,
    num_bars: int,
    *,
    rng: np.random.Generator,
    model: EventModel | None = None,
    options: WriterOptions = USUAL_OPTIONS,
    progress: Progress = no_progress,
) -> Score:
    """Join two scores by a passage that leads from one to the other.

    Parameters
    ----------
    first, second : Score
        The cues; the bridge is in the meter of the first.
    num_bars : int
        Length of the bridge, 1 to 64.

    Returns
    -------
    Score
        First cue, bridge, second cue; the notes of both are kept bit for bit, those of the second
        moved in time.

    Raises
    ------
    ComposeError
        If a cue is empty, the first ends in a cut bar, the length is out of range, or the players
        of both together are more than sixteen.
    """
    if not 1 <= num_bars <= _MAX_BRIDGE_BARS:
        raise ComposeError(f"bars={num_bars} must be between 1 and {_MAX_BRIDGE_BARS}")
    if not first.num_notes or not second.num_notes:
        raise ComposeError("a cue is empty; both must hold at least one part with notes")
    stretch = meter_stretch(first, first.num_bars - 1)
    joined, owners = _joined(first, second, num_bars, stretch)
    head = read_plan(second, range(0, min(_CONTEXT_BARS, meter_stretch(second, 0).stop)))
    tail_start = max(stretch.stop - _CONTEXT_BARS, stretch.start)
    tail = read_plan(first, range(tail_start, stretch.stop))
    chord_rng, note_rng = rng.spawn(2)
    chords, keys = _harmony(tail, head, num_bars, chord_rng)
    arrived = next(b for b in range(num_bars) if all(k == keys[-1] for k in keys[b:]))
    joined = _with_key(joined, second, first, arrived)
    reading = _reading(joined, tail, head, keys, chords, first.num_bars, num_bars)
    plan = reading.plan
    start = first.num_bars - reading.start_bar
    target = _target(reading, owners, start, num_bars)
    composer = RegionComposer(reading, model=model, options=options)
    middle = start + (num_bars + 1) // 2
    if tail.melody >= 0:
        composer.leads[:middle] = reading.parts.index(tail.parts[tail.melody])
    if head.melody >= 0:
        composer.leads[middle:] = reading.parts.index(owners[1][head.parts[head.melody]])
    composer.clear(target)
    composer.write(target, note_rng, progress=progress)
    for part in range(plan.num_parts):
        tidy_part(composer.canvas, part)
    return merge_region(joined, reading, composer.canvas, target)


def _joined(
    first: Score, second: Score, num_bars: int, stretch: range
) -> tuple[Score, tuple[dict[int, int], dict[int, int]]]:
    """First cue, empty bars, second cue; and for each cue which part each of its parts became."""
    meter = first.meter_at(int(first.bar_ticks[stretch.stop - 1]))
    end = int(first.bar_ticks[-1])
    offset = end + num_bars * meter.bar_ticks
    parts = list(first.parts)
    free = set(range(len(parts)))
    second_owner: dict[int, int] = {}
    for index, part in enumerate(second.parts):
        alike = [
            i
            for i in sorted(free)
            if (parts[i].program, parts[i].is_drum) == (part.program, part.is_drum)
        ]
        named = [i for i in alike if parts[i].name == part.name]
        notes, controls = part.notes.copy(), part.controls.copy()
        notes["onset"] += offset
        controls["tick"] += offset
        if alike:
            at = (named or alike)[0]
            free.discard(at)
            old = parts[at]
            parts[at] = replace(
                old,
                notes=np.concatenate([old.notes, notes]),
                controls=np.concatenate([old.controls, controls]),
            )
        else:
            at = len(parts)
            parts.append(Part(part.name, part.program, part.is_drum, part.role, notes, controls))
        second_owner[index] = at
    if len(parts) > 16:
        raise ComposeError(
            f"the cues have {len(parts)} different players together; there must be at most 16"
        )
    old_qpm = first.tempo_map.qpm_at(max(end - 1, 0))
    new_qpm = second.tempo_map.qpm_at(0)
    ramp = [old_qpm * (new_qpm / old_qpm) ** ((k + 1) / (num_bars + 1)) for k in range(num_bars)]
    tempo = {
        t: q for t, q in zip(first.tempo_map.ticks, first.tempo_map.qpm, strict=True) if t < end
    }
    if abs(new_qpm / old_qpm - 1) > 0.005:
        tempo.update({end + k * meter.bar_ticks: qpm for k, qpm in enumerate(ramp)})
    for tick, qpm in zip(second.tempo_map.ticks, second.tempo_map.qpm, strict=True):
        tempo[offset + tick] = qpm
    meters = [change for change in first.meters if change.tick < end]
    for change in second.meters:
        if change.tick or change.meter != meters[-1].meter:
            meters.append(MeterChange(change.tick + offset, change.meter))
    keys = [change for change in first.keys if change.tick < end]
    keys += [KeyChange(c.tick + offset, c.key) for c in second.keys if c.tick]
    sections = [
        *(mark for mark in first.sections if mark.tick < end),
        SectionMark(end, "bridge"),
        *(SectionMark(mark.tick + offset, mark.label) for mark in second.sections),
    ]
    joined = Score(
        parts=tuple(parts),
        tempo_map=TempoMap(tuple(sorted(tempo)), tuple(tempo[t] for t in sorted(tempo))),
        meters=tuple(meters),
        keys=tuple(keys),
        sections=tuple(sections),
        title=" - ".join(title for title in (first.title, second.title) if title),
        length_ticks=offset + second.length_ticks,
    )
    return joined, ({i: i for i in range(len(first.parts))}, second_owner)


def _harmony(
    tail: Reading, head: Reading, num_bars: int, rng: np.random.Generator
) -> tuple[list[ChordSymbol], list[Key]]:
    """Two chords a bar that lead to the second cue's dominant, and the key of each bar."""
    plan = tail.plan
    start = plan.key_at(plan.num_bars - 1)
    goal = head.plan.key_at(0)
    heard = [c for c in plan.chords if c.symbol != "N"]
    before = ChordSymbol.parse(heard[-1].symbol) if heard else ChordSymbol.NONE
    path, keys = modulating_path(start, goal, 2 * (num_bars - 1), rng, before=before)
    path = smooth_bass(path)
    after, base = head.plan.chord_at(0, 0), plain_key(goal)
    triad, seventh = (roman_to_chord(roman, base) for roman in ("V", "V7"))
    if not after.is_none and after.root_pitch_class == triad.root_pitch_class:
        triad = seventh = roman_to_chord("V7/V", base)
    bars = [start if k == plain_key(start) else goal if k == base else k for k in keys[::2]]
    return [*path, triad, seventh], [*bars, goal]


def _with_key(joined: Score, second: Score, first: Score, arrived: int) -> Score:
    """Let the second cue's key signature begin where its key has been reached."""
    end = int(first.bar_ticks[-1])
    old = KeyChange(end + (0 if arrived == 0 else arrived * _bar_ticks(first)), _opening(second))
    keys = [change for change in joined.keys if change.tick < end]
    later = [change for change in joined.keys if change.tick > end]
    return replace(joined, keys=(*keys, old, *(c for c in later if c.tick > old.tick)))


def _opening(score: Score) -> Key:
    return score.key_at(0) or read_plan(score).plan.key_value


def _bar_ticks(score: Score) -> int:
    return score.meter_at(int(score.bar_ticks[-1]) - 1).bar_ticks


def _reading(
    joined: Score,
    tail: Reading,
    head: Reading,
    keys: list[Key],
    chords: list[ChordSymbol],
    first_bars: int,
    num_bars: int,
) -> Reading:
    """The end of the first cue, the bridge and, where the meter is the same, the second's start."""
    plan = extended(tail.plan, num_bars, keys, chords, name="bridge")
    open_end = list(plan.sections)
    last = open_end[-1]
    phrases = (*last.phrases[:-1], last.phrases[-1].replace(cadence="half"))
    open_end[-1] = last.replace(phrases=phrases)
    # A bridge travels: no phrase of it comes to rest before its last.
    open_end[:-1] = [
        section.replace(phrases=tuple(p.replace(cadence="none") for p in section.phrases))
        if section.name == "bridge"
        else section
        for section in open_end[:-1]
    ]
    plan = plan.replace(sections=tuple(open_end))
    same = head.plan.meter == tail.plan.meter
    if same:
        moved = _moved(head, plan.num_bars)
        plan = plan.replace(
            num_bars=plan.num_bars + head.plan.num_bars,
            sections=(*plan.sections, *moved),
            chords=(
                *plan.chords,
                *(c.replace(bar_index=c.bar_index + plan.num_bars) for c in head.plan.chords),
            ),
        )
    start = first_bars - tail.plan.num_bars
    everything = read_plan(
        joined,
        range(start, first_bars),
        parts=range(len(joined.parts)),
    )
    stop = start + plan.num_bars
    notes = [everything.notes]
    if same:
        after = read_plan(
            joined, range(first_bars + num_bars, stop), parts=range(len(joined.parts))
        ).notes.copy()
        after["bar"] += first_bars + num_bars - start
        notes.append(after)
    plan = plan.replace(parts=everything.plan.parts)
    return Reading(plan, start, everything.parts, np.concatenate(notes))


def _moved(head: Reading, bars: int) -> tuple[PlanSection, ...]:
    return tuple(
        section.replace(
            start_bar_index=section.start_bar_index + bars,
            phrases=tuple(
                phrase.replace(start_bar_index=phrase.start_bar_index + bars)
                for phrase in section.phrases
            ),
        )
        for section in head.plan.sections
    )


def _target(
    reading: Reading,
    owners: tuple[dict[int, int], dict[int, int]],
    start: int,
    num_bars: int,
) -> NDArray[np.bool_]:
    """Who plays in the bridge: those who have just played, those who are about to, or both."""
    target = np.zeros((reading.plan.num_bars, reading.plan.num_parts), dtype=bool)
    middle = start + (num_bars + 1) // 2
    notes = reading.notes
    leaving = set(notes["part"][(notes["bar"] >= start - 4) & (notes["bar"] < start)].tolist())
    entering = set(notes["part"][notes["bar"] >= start + num_bars].tolist())
    coming = {slot for slot, index in enumerate(reading.parts) if index in owners[1].values()}
    entering |= coming if not entering else set()
    for slot in range(reading.plan.num_parts):
        if slot in leaving:
            target[start:middle, slot] = True
        if slot in entering:
            target[middle : start + num_bars, slot] = True
    return target
