"""Repair: what the network cannot be trusted with.

Single lines play one note at a time, no part strikes a pitch that still sounds, nothing rings
over the end of a section, wind players breathe, and the cadences that the plan promises are
there: the bass has the chord's bass note, the melody closes on a chord tone and holds it.

Public names: :func:`tidy_part`, :func:`close_cadences`, :func:`breathe`,
:func:`hold_repeats`, :func:`separate_repeats`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.canvas import Canvas
from leitmotiv.compose.part_writing import is_single_line
from leitmotiv.score import Origin, Score

__all__ = ["breathe", "close_cadences", "hold_repeats", "separate_repeats", "tidy_part"]


def _absolute(canvas: Canvas, notes: NDArray[np.void]) -> NDArray[np.int64]:
    return np.asarray(notes["bar"].astype(np.int64) * canvas.steps + notes["position"])


def tidy_part(canvas: Canvas, part: int) -> None:
    """Remove overlaps and notes out of range from one part, in place."""
    plan = canvas.plan
    notes = canvas.part_notes(part).copy()
    if len(notes) == 0 or plan.parts[part].is_drum:
        return
    low, high = plan.parts[part].low, plan.parts[part].high
    for note in notes:
        while note["pitch"] > high and note["pitch"] - 12 >= low:
            note["pitch"] -= 12
        while note["pitch"] < low and note["pitch"] + 12 <= high:
            note["pitch"] += 12
    notes = notes[(notes["pitch"] >= low) & (notes["pitch"] <= high)]
    start = _absolute(canvas, notes)
    _, first = np.unique(np.stack([start, notes["pitch"]]), axis=1, return_index=True)
    notes = notes[np.sort(first)]
    start = _absolute(canvas, notes)
    single = is_single_line(plan, part)
    if single:  # the highest note of a chord stays, or the lowest in a bass
        bass = plan.parts[part].role == "bass"
        order = np.lexsort((notes["pitch"] if bass else -notes["pitch"].astype(int), start))
        notes, start = notes[order], start[order]
        keep = np.concatenate([[True], np.diff(start) > 0])
        notes, start = notes[keep], start[keep]
    end = start + notes["duration"]
    section_ends = np.asarray([s.end_bar_index for s in plan.sections]) * canvas.steps
    end = np.minimum(end, section_ends[np.searchsorted(section_ends, start, side="right")])
    # A note stops where the line (or, in chords, the same pitch) starts again.
    for index in range(len(notes)):
        later = start[index + 1 :]
        if not single:
            later = later[notes["pitch"][index + 1 :] == notes["pitch"][index]]
        if len(later) and later[0] < end[index]:
            end[index] = later[0]
    notes["duration"] = end - start
    cells = [(bar, part) for bar in range(plan.num_bars)]
    canvas.write(cells, notes[notes["duration"] > 0])


def _nearest(
    pitch: int, classes: frozenset[int], low: int, high: int, *, upward_cost: float = 0.0
) -> int:
    options = [p for p in range(low, high + 1) if p % 12 in classes]

    def cost(option: int) -> float:
        return abs(option - pitch) + (upward_cost if option > pitch else 0.0)

    return min(options, key=lambda p: (cost(p), p)) if options else pitch


def close_cadences(canvas: Canvas, leads: NDArray[np.int64]) -> None:
    """Make each phrase's last bar say what the plan says, in place.

    Parameters
    ----------
    leads : ndarray of int, shape (num_bars,)
        The part that carries the melody in each bar, -1 for none.
    """
    plan = canvas.plan
    for section in plan.sections:
        for phrase in section.phrases:
            bar = phrase.end_bar_index - 1
            final = bar == plan.num_bars - 1
            if phrase.cadence == "none" and not final:
                continue
            half = plan.goal_half(bar)
            if plan.chord_at(bar, half).is_none:
                continue
            changes = plan.chord_at(bar, 0) != plan.chord_at(bar, 1)
            since = canvas.half_step if half and changes else 0
            _close_melody(canvas, bar, int(leads[bar]), since, final, phrase.cadence)
            _close_bass(canvas, bar, int(leads[bar]), since, final)
    for part in range(plan.num_parts):
        if not plan.parts[part].is_drum:
            _settle_last_bar(canvas, part)


def _close_melody(
    canvas: Canvas, bar: int, part: int, since: int, final: bool, cadence: str
) -> None:
    """The last melody note of the phrase is a chord tone (the root at the very end)."""
    if part < 0:
        return
    plan = canvas.plan
    cell = canvas.cell(bar, part).copy()
    if len(cell) == 0:
        return
    chord = plan.chord_at(bar, plan.goal_half(bar))
    classes = frozenset(chord.pitch_classes[:3])
    if final and cadence in ("authentic", "plagal"):
        classes = frozenset({chord.root_pitch_class})
    if final:
        # One goal note from where the last chord begins: the line does not run past its end.
        before = cell[cell["position"] < since]
        before["duration"] = np.minimum(before["duration"], since - before["position"])
        goal = cell[-1:].copy()
        earlier = before if len(before) else canvas.cell(bar - 1, part)
        goal["pitch"] = earlier["pitch"][-1] if len(earlier) else cell["pitch"][0]
        goal["position"], goal["duration"] = since, canvas.steps - since
        cell = np.concatenate([before, goal])
    last = int(np.argmax(cell["position"]))
    # Melodies come to rest downwards (Huron, 2006): only a near goal is reached from below.
    target = _nearest(
        int(cell["pitch"][last]),
        classes,
        plan.parts[part].low,
        plan.parts[part].high,
        upward_cost=3.0 if final else 0.0,
    )
    cell["pitch"][last] = target
    # A goal is held, not dropped: it reaches the bar line unless the line goes on at once.
    reach = canvas.steps - int(cell["position"][last])
    if plan.chord_at(bar, 1) == chord or target % 12 in plan.chord_at(bar, 1).pitch_classes:
        cell["duration"][last] = max(int(cell["duration"][last]), reach)
    canvas.write([(bar, part)], cell)


def _bass_parts(canvas: Canvas, bar: int, lead: int) -> list[int]:
    """Parts that carry the bass in a bar: those with the role, else the lowest accompanist."""
    plan = canvas.plan
    sounding = [
        part
        for part, entry in enumerate(plan.parts)
        if part not in plan.silent_at(bar) and not entry.is_drum
    ]
    basses = [part for part in sounding if plan.parts[part].role == "bass"]
    others = [part for part in sounding if part != lead]
    return basses or sorted(others, key=lambda part: plan.parts[part].low)[:1]


def _close_bass(canvas: Canvas, bar: int, lead: int, since: int, final: bool) -> None:
    """The bass strikes the chord's bass note where the goal chord begins."""
    plan = canvas.plan
    chord = plan.chord_at(bar, plan.goal_half(bar))
    for part in _bass_parts(canvas, bar, lead):
        entry = plan.parts[part]
        cell = canvas.cell(bar, part).copy()
        classes = frozenset({chord.root_pitch_class if final else chord.bass_pitch_class})
        at = np.flatnonzero(cell["position"] >= since)
        if not len(at):
            continue
        first = int(cell["position"][at].min())
        at = at[cell["position"][at] == first]
        lowest = int(at[np.argmin(cell["pitch"][at])])
        goal = _nearest(int(cell["pitch"][lowest]), classes, entry.low, entry.high)
        if len(at) > 1:  # in a chord the goal goes below the other notes, not into them
            ceiling = int(np.sort(cell["pitch"][at])[1]) - 1
            goal = _nearest(int(cell["pitch"][lowest]), classes, entry.low, ceiling)
        cell["pitch"][lowest] = goal
        canvas.write([(bar, part)], cell)


def _settle_last_bar(canvas: Canvas, part: int) -> None:
    """In the last bar every note rings to the end once the last chord has been reached."""
    plan = canvas.plan
    bar = plan.num_bars - 1
    if part in plan.silent_at(bar):
        return
    cell = canvas.cell(bar, part).copy()
    chord = plan.chord_at(bar, 1)
    if len(cell) == 0 or chord.is_none:
        return
    tones = frozenset(chord.pitch_classes)
    since = canvas.half_step if plan.chord_at(bar, 0) != chord else 0
    low, high = plan.parts[part].low, plan.parts[part].high
    kept: list[NDArray[np.void]] = [cell[cell["position"] < since]]
    ringing: set[int] = set()
    for note in cell[cell["position"] >= since]:
        if int(note["pitch"]) % 12 not in tones:
            note["pitch"] = _nearest(int(note["pitch"]), tones, low, high)
        if int(note["pitch"]) in ringing:
            continue  # it is still heard: striking it again would break the hold
        ringing.add(int(note["pitch"]))
        note["duration"] = canvas.steps - int(note["position"])
        kept.append(np.asarray([note], dtype=cell.dtype))
    if not ringing:
        last = kept[0]["position"] == kept[0]["position"].max()
        kept[0]["duration"][last] = canvas.steps - kept[0]["position"][last]
    canvas.write([(bar, part)], np.concatenate(kept))


def breathe(canvas: Canvas, part: int) -> None:
    """Let singers and wind players breathe at the end of every phrase, in place.

    The note that reaches over a phrase's end gives up an eighth, or half of itself if it is short.
    """
    plan = canvas.plan
    program = plan.parts[part].program
    if plan.parts[part].is_drum or not (52 <= program <= 54 or 56 <= program <= 79):
        return
    notes = canvas.part_notes(part).copy()
    end = _absolute(canvas, notes) + notes["duration"]
    for section in plan.sections:
        for phrase in section.phrases:
            limit = phrase.end_bar_index * canvas.steps
            if phrase.end_bar_index == plan.num_bars:
                continue
            for index in np.flatnonzero((end >= limit) & (end - notes["duration"] < limit)):
                length = limit - (end[index] - notes["duration"][index])
                notes["duration"][index] = max(length - 12, length // 2, 1)
    canvas.write([(bar, part) for bar in range(plan.num_bars)], notes)


def hold_repeats(canvas: Canvas, part: int, sketch: NDArray[np.void]) -> None:
    """Tie a single line's repeated notes inside a bar, in place.

    A note that is struck again without a gap, where the rule-based ``sketch`` strikes nothing, is
    a hold that the network has cut in two.
    """
    if not is_single_line(canvas.plan, part):
        return
    notes = canvas.part_notes(part).copy()
    struck = set(zip(sketch["bar"].tolist(), sketch["position"].tolist(), strict=True))
    keep = np.ones(len(notes), dtype=bool)
    last = 0
    for index in range(1, len(notes)):
        note, held = notes[index], notes[last]
        joins = (
            note["bar"] == held["bar"]
            and note["pitch"] == held["pitch"]
            and note["position"] == held["position"] + held["duration"]
            and (int(note["bar"]), int(note["position"])) not in struck
        )
        if joins:
            held["duration"] += note["duration"]
            keep[index] = False
        else:
            last = index
    canvas.write([(bar, part) for bar in range(canvas.plan.num_bars)], notes[keep])


def separate_repeats(score: Score) -> Score:
    """Return a score in which no part strikes a pitch that it still holds.

    The earlier note ends where the later one begins; of two that begin together the longer stays.
    Notes that a person wrote are left as they are. A score without such overlaps is returned
    itself.

    Examples
    --------
    >>> from leitmotiv.score import Part, make_notes
    >>> held = make_notes([0, 480], [960, 480], [60, 60], origin=Origin.MODEL)
    >>> apart = separate_repeats(Score(parts=(Part("Tune", notes=held),)))
    >>> apart.parts[0].notes["duration"].tolist()
    [480, 480]
    """
    for index, part in enumerate(score.parts):
        notes = part.notes
        order = np.lexsort((-notes["duration"].astype(np.int64), notes["onset"], notes["pitch"]))
        ordered = notes[order]
        same = ordered["pitch"][1:] == ordered["pitch"][:-1]
        onset = ordered["onset"].astype(np.int64)
        together = same & (onset[1:] == onset[:-1]) & (ordered["origin"][1:] != Origin.HUMAN)
        kept = np.append(True, ~together)[: len(ordered)]
        ordered = ordered[kept]
        onset, end = ordered["onset"].astype(np.int64), ordered["onset"] + ordered["duration"]
        same = ordered["pitch"][1:] == ordered["pitch"][:-1]
        over = same & (end[:-1] > onset[1:]) & (onset[1:] > onset[:-1])
        over &= ordered["origin"][:-1] != Origin.HUMAN
        if not over.any() and kept.all():
            continue
        ordered = ordered.copy()
        ordered["duration"][:-1][over] = (onset[1:] - onset[:-1])[over]
        score = score.with_part(index, part.with_notes(ordered))
    return score
