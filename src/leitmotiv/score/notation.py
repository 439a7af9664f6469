"""Notation: a part of a Score as staves, bars, voices, notes and rests.

Purpose: decide everything that a page needs and a Score does not hold: hands, voices, ties,
tuplets, rests and beams. Writers (MusicXML here) only spell the result out.

Conventions:

- A staff bar holds up to four voices. Voice 1 is complete, its silence written as rests; the
  other voices stand only where they are needed.
- Notes that begin and end together are one chord. Overlapping chords go to two voices, the upper
  one first.
- Times are ticks from the start of the piece.

Public names: :class:`Bar`, :class:`Event`, :class:`Head`, :class:`Staff`, :func:`notate_bars`,
:func:`notate_staff`, :func:`split_hands`.

References
----------
E. Cambouropoulos, "Voice and stream: perceptual and computational modeling of voice separation",
Music Perception 26(1), 2008; E. Gould, *Behind Bars*, Faber 2011, pp. 47-52 (two voices).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from leitmotiv.score.display_grid import snap_notes
from leitmotiv.score.note_values import (
    MetricGrid,
    NoteValue,
    Tuplet,
    find_tuplets,
    nearest_note_value,
    note_value,
)
from leitmotiv.score.score import Score
from leitmotiv.theory import TICKS_PER_QUARTER, Meter

__all__ = [
    "MAX_VOICES",
    "Bar",
    "Event",
    "Head",
    "Staff",
    "notate_bars",
    "notate_staff",
    "split_hands",
]

MAX_VOICES = 4
"""Voices that one staff can show; MusicXML readers agree on four."""


@dataclass(frozen=True)
class Bar:
    """One bar of the piece; ``is_upbeat`` marks a first bar that is cut short."""

    index: int
    start: int
    length: int
    meter: Meter
    is_upbeat: bool = False

    @property
    def end(self) -> int:
        """Tick of the bar line that closes it."""
        return self.start + self.length

    @property
    def grid(self) -> MetricGrid:
        """The bar's metrical tree."""
        return MetricGrid.of(self.meter, self.length, self.is_upbeat)


@dataclass(frozen=True, order=True)
class Head:
    """One note head of a chord."""

    pitch: int
    velocity: int = 80


@dataclass
class Event:
    """A chord or rest with one written value; ``heads`` is empty for a rest.

    ``value`` is None for the rest of a whole bar; a hidden event is a gap in a second voice.
    """

    start: int
    end: int
    heads: tuple[Head, ...] = ()
    value: NoteValue | None = None
    tied_from: bool = False
    tied_to: bool = False
    tuplet: Tuplet | None = None
    starts_tuplet: bool = False
    ends_tuplet: bool = False
    is_hidden: bool = False
    beams: tuple[str, ...] = ()

    @property
    def is_rest(self) -> bool:
        """Whether nothing sounds."""
        return not self.heads

    @property
    def duration(self) -> int:
        """Ticks."""
        return self.end - self.start


@dataclass
class Staff:
    """Bars of one staff: for each bar a list of voices, each a list of events."""

    bars: list[list[list[Event]]] = field(default_factory=list)


@dataclass
class _Chord:
    start: int
    end: int
    heads: tuple[Head, ...]
    voice: int = 0

    @property
    def centre(self) -> float:
        return sum(head.pitch for head in self.heads) / len(self.heads)


def notate_bars(score: Score) -> list[Bar]:
    """List the bars of a Score; at least one, even when it is silent."""
    lines = score.bar_ticks
    bars = []
    for index in range(len(lines) - 1):
        start, end = int(lines[index]), int(lines[index + 1])
        meter = score.meter_at(start)
        is_upbeat = index == 0 and end - start < meter.bar_ticks and len(lines) > 2
        bars.append(Bar(index, start, end - start, meter, is_upbeat))
    if not bars:
        meter = score.meter_at(0)
        bars.append(Bar(0, 0, meter.bar_ticks, meter))
    return bars


# --- hands ---------------------------------------------------------------------------------


def split_hands(notes: NDArray[np.void]) -> NDArray[np.int64]:
    """Deal the notes of a keyboard part to two hands.

    Each onset is cut at the pitch that costs least: a hand spans a tenth at most, stays near
    where it was, and keeps to its side of middle C.

    Parameters
    ----------
    notes : ndarray of NOTE_DTYPE, shape (n,)
        Sorted by onset.

    Returns
    -------
    ndarray of int64, shape (n,)
        0 for the right hand (upper staff), 1 for the left.

    Examples
    --------
    >>> from leitmotiv.score.score import make_notes
    >>> split_hands(make_notes([0, 0, 0], [480] * 3, [48, 64, 72])).tolist()
    [1, 0, 0]
    """
    hands = np.zeros(len(notes), dtype=np.int64)
    if not len(notes):
        return hands
    right, left = _Hand(69.0), _Hand(50.0)
    edges = np.flatnonzero(np.diff(notes["onset"])) + 1
    for group in np.split(np.arange(len(notes)), edges):
        pitches = notes["pitch"][group].tolist()  # ascending
        onset = int(notes["onset"][group[0]])
        end = int((notes["onset"][group] + notes["duration"][group]).min())
        prices = []
        for cut in range(len(pitches) + 1):
            low, high = pitches[:cut], pitches[cut:]
            price = sum(max(p - 61, 0) for p in low) + sum(max(59 - p, 0) for p in high)
            prices.append((0.5 * price + left.price(low, onset) + right.price(high, onset), -cut))
        cut = -min(prices)[1]
        hands[group[:cut]] = 1
        left.play(pitches[:cut], onset, end)
        right.play(pitches[cut:], onset, end)
    return hands


@dataclass
class _Hand:
    """Where a hand lies, and until when it holds its last chord."""

    place: float
    last_onset: int = -(1 << 40)
    last_end: int = -(1 << 40)

    def price(self, pitches: Sequence[int], onset: int) -> float:
        if not pitches:
            return 0.0
        price = max(pitches[-1] - pitches[0] - 14, 0) * 4.0
        price += 0.3 * abs(sum(pitches) / len(pitches) - self.place)
        price += 2.0 * max(len(pitches) - 5, 0)
        if self.last_end > onset + TICKS_PER_QUARTER // 8:  # it would need a second voice
            price += 3.0
        elif onset - self.last_onset <= TICKS_PER_QUARTER and self.last_end >= onset - 60:
            price -= 2.5  # a run goes on in the hand that plays it
        return price

    def play(self, pitches: Sequence[int], onset: int, end: int) -> None:
        if pitches:
            self.place += 0.6 * (sum(pitches) / len(pitches) - self.place)
            self.last_onset, self.last_end = onset, max(end, onset + 1)


# --- staves --------------------------------------------------------------------------------


def notate_staff(
    notes: NDArray[np.void],
    bars: Sequence[Bar],
    *,
    voice_of: NDArray[np.int64] | None = None,
) -> Staff:
    """Write the notes of one staff.

    Parameters
    ----------
    notes : ndarray of NOTE_DTYPE, shape (n,)
        Notes of the staff.
    bars : sequence of Bar
        From :func:`notate_bars`.
    voice_of : ndarray of int64, shape (n,), optional
        Voice of each stroke on drums, from 0 (hands 0, feet 1). Strokes have no length of their
        own: each lasts to the next one of its voice, to the end of its beat at most. Without
        this the notes last as long as they do and voices are found by overlap.

    Returns
    -------
    Staff
        One list of voices a bar; an empty bar holds one whole-bar rest.
    """
    lines = np.asarray([bar.start for bar in bars] + [bars[-1].end], dtype=np.int64)
    raw_onset = notes["onset"].astype(np.int64)
    is_ternary = bars[0].meter.is_compound and bars[0].meter.denominator >= 8
    onset, end = snap_notes(raw_onset, raw_onset + notes["duration"], lines, is_ternary=is_ternary)
    inside = onset < lines[-1]
    onset, end = onset[inside], np.minimum(end[inside], lines[-1])
    pitch, velocity = notes["pitch"][inside], notes["velocity"][inside]
    given = None if voice_of is None else voice_of[inside]
    if given is not None:
        end = _stroke_ends(onset, given, bars, lines)
    chords = _chords(onset, end, pitch, velocity, given)
    if given is None:
        chords = _separate(chords)
    pieces: list[dict[int, list[tuple[_Chord, int, int]]]] = [{} for _ in bars]
    for chord in chords:
        first = int(np.searchsorted(lines, chord.start, side="right")) - 1
        while first < len(bars) and bars[first].start < chord.end:
            start, stop = max(chord.start, bars[first].start), min(chord.end, bars[first].end)
            pieces[first].setdefault(chord.voice, []).append((chord, start, stop))
            first += 1
    staff = Staff()
    for bar, by_voice in zip(bars, pieces, strict=True):
        voices = [
            _write_voice(bar, by_voice.get(voice, []), voice, are_strokes=given is not None)
            for voice in range(max(by_voice, default=0) + 1)
        ]
        staff.bars.append(voices)
    return staff


def _stroke_ends(
    onset: NDArray[np.int64],
    voice_of: NDArray[np.int64],
    bars: Sequence[Bar],
    lines: NDArray[np.int64],
) -> NDArray[np.int64]:
    """End each stroke at the next one of its voice or at the end of its beat."""
    end = np.empty_like(onset)
    for voice in np.unique(voice_of):
        of_voice = np.flatnonzero(voice_of == voice)
        starts = np.append(np.unique(onset[of_voice]), lines[-1])
        end[of_voice] = starts[np.searchsorted(starts, onset[of_voice], side="right")]
    for number, bar_index in enumerate(np.searchsorted(lines, onset, side="right") - 1):
        bar = bars[int(bar_index)]
        beat = bar.meter.beat_ticks
        shift = bar.meter.bar_ticks - bar.length if bar.is_upbeat else 0
        into_beat = (int(onset[number]) - bar.start + shift) % beat
        end[number] = min(int(end[number]), int(onset[number]) + beat - into_beat, bar.end)
    return end


def _chords(
    onset: NDArray[np.int64],
    end: NDArray[np.int64],
    pitch: NDArray[np.uint8],
    velocity: NDArray[np.uint8],
    voice_of: NDArray[np.int64] | None,
) -> list[_Chord]:
    """Join notes that begin and end together."""
    groups: dict[tuple[int, int, int], dict[int, int]] = {}
    for number in range(len(onset)):
        voice = 0 if voice_of is None else int(voice_of[number])
        heads = groups.setdefault((int(onset[number]), int(end[number]), voice), {})
        heads[int(pitch[number])] = max(heads.get(int(pitch[number]), 0), int(velocity[number]))
    return [
        _Chord(start, stop, tuple(Head(p, v) for p, v in sorted(heads.items())), voice)
        for (start, stop, voice), heads in sorted(groups.items())
    ]


def _separate(chords: list[_Chord]) -> list[_Chord]:
    """Give overlapping chords voices; chords that nothing overlaps stay in voice 0."""
    result: list[_Chord] = []
    cluster: list[_Chord] = []
    reach = 0
    for chord in [*chords, None]:
        if chord is None or chord.start >= reach:
            result += _separate_cluster(cluster)
            cluster, reach = [], 0
        if chord is not None:
            cluster.append(chord)
            reach = max(reach, chord.end)
    return sorted(result, key=lambda chord: (chord.start, chord.voice))


def _separate_cluster(cluster: list[_Chord]) -> list[_Chord]:
    if len(cluster) < 2:
        return cluster
    overlaps: list[list[int]] = [[] for _ in cluster]
    active: list[int] = []
    for later, chord in enumerate(cluster):
        active = [earlier for earlier in active if cluster[earlier].end > chord.start]
        for earlier in active:
            overlaps[later].append(earlier)
            overlaps[earlier].append(later)
        active.append(later)
    colours = _two_colours(overlaps)
    if colours is not None:
        # Turn the colouring round when the second voice would lie above the first.
        balance = sum(
            cluster[a].centre - cluster[b].centre
            for a, others in enumerate(overlaps)
            for b in others
            if colours[a] == 0
        )
        for chord, colour in zip(cluster, colours, strict=True):
            chord.voice = colour if balance >= 0 else 1 - colour
        return cluster
    return _stack(cluster)


def _two_colours(neighbours: list[list[int]]) -> list[int] | None:
    """Two-colour a connected graph from vertex 0; None where two colours are too few."""
    colours = [-1] * len(neighbours)
    colours[0] = 0
    queue = [0]
    while queue:
        vertex = queue.pop()
        for other in neighbours[vertex]:
            if colours[other] < 0:
                colours[other] = 1 - colours[vertex]
                queue.append(other)
            elif colours[other] == colours[vertex]:
                return None
    return [max(colour, 0) for colour in colours]


def _stack(cluster: list[_Chord]) -> list[_Chord]:
    """Deal a thick texture to up to four voices, higher chords to lower numbers."""
    result: list[_Chord] = []
    sounding: dict[int, _Chord] = {}
    for chord in sorted(cluster, key=lambda c: (c.start, -c.centre)):
        sounding = {v: other for v, other in sounding.items() if other.end > chord.start}
        free = [voice for voice in range(MAX_VOICES) if voice not in sounding]
        if not free:
            same = [other for other in sounding.values() if other.start == chord.start]
            if same:  # one chord more than voices: join the nearest, with its length
                host = min(same, key=lambda other: abs(other.centre - chord.centre))
                heads = {head.pitch: head for head in (*chord.heads, *host.heads)}
                host.heads = tuple(heads[pitch] for pitch in sorted(heads))
                continue
            voice = min(sounding, key=lambda v: sounding[v].end)
            sounding[voice].end = chord.start
        else:
            above = sum(other.centre > chord.centre for other in sounding.values())
            wanted = min(above, MAX_VOICES - 1)
            voice = min(free, key=lambda v: (abs(v - wanted), v))
        chord.voice = voice
        sounding[voice] = chord
        result.append(chord)
    return result


# --- voices in one bar -----------------------------------------------------------------------


def _write_voice(
    bar: Bar, pieces: list[tuple[_Chord, int, int]], voice: int, *, are_strokes: bool
) -> list[Event]:
    """Write one voice of one bar; the events fill the bar without gap or overlap."""
    is_first = voice == 0
    if not pieces:
        return [Event(bar.start, bar.end, is_hidden=not is_first)]
    grid = bar.grid
    local = [(start - bar.start, stop - bar.start) for _, start, stop in pieces]
    tuplets = find_tuplets(grid, local) or []
    events: list[Event] = []
    position = 0
    for (chord, start, stop), (first, last) in zip(pieces, local, strict=True):
        if first > position:
            events += _write_stretch(bar, tuplets, position, first, None, is_hidden=not is_first)
        written = _write_stretch(bar, tuplets, first, last, chord.heads)
        for index, event in enumerate(written):
            event.tied_from = index > 0 or start > chord.start
            event.tied_to = index < len(written) - 1 or stop < chord.end
        if are_strokes:  # a second tied value would be a second stroke: leave silence instead
            for event in written:
                event.tied_from = event.tied_to = False
            for event in written[1:]:
                event.heads, event.is_hidden = (), not is_first
        events += written
        position = last
    if position < bar.length:
        events += _write_stretch(bar, tuplets, position, bar.length, None, is_hidden=not is_first)
    _mark_tuplets(events, bar, tuplets)
    _beam(events, bar)
    return events


def _write_stretch(
    bar: Bar,
    tuplets: list[Tuplet],
    start: int,
    end: int,
    heads: tuple[Head, ...] | None,
    *,
    is_hidden: bool = False,
) -> list[Event]:
    """Write a note (tied where needed) or a rest from ``start`` to ``end`` of the bar."""
    events: list[Event] = []
    position = start
    while position < end:
        tuplet = next((t for t in tuplets if t.start <= position < t.end), None)
        if tuplet is not None:
            stop = min(end, tuplet.end)
            pieces = tuplet.pieces(position, stop)
            for index, (_, _, value) in enumerate(pieces):
                first = position if index == 0 else pieces[index][0]
                last = stop if index == len(pieces) - 1 else pieces[index][1]
                events.append(_event(bar, first, last, heads, value, tuplet, is_hidden))
        else:
            stop = min([end, *(t.start for t in tuplets if t.start > position)])
            if heads is None:
                cuts = [(position, stop)] if is_hidden else bar.grid.split_rest(position, stop)
            else:
                cuts = bar.grid.split_note(position, stop)
            for first, last in cuts:
                value = note_value(last - first) or nearest_note_value(last - first)
                events.append(_event(bar, first, last, heads, value, None, is_hidden))
        position = stop
    return events


def _event(
    bar: Bar,
    start: int,
    end: int,
    heads: tuple[Head, ...] | None,
    value: NoteValue,
    tuplet: Tuplet | None,
    is_hidden: bool,
) -> Event:
    return Event(
        bar.start + start, bar.start + end, heads or (), value, tuplet=tuplet, is_hidden=is_hidden
    )


def _mark_tuplets(events: list[Event], bar: Bar, tuplets: list[Tuplet]) -> None:
    for tuplet in tuplets:
        members = [event for event in events if event.tuplet is tuplet]
        if members:
            for event in members:  # a gap inside a tuplet must be seen to be counted
                event.is_hidden = False
            members[0].starts_tuplet = members[-1].ends_tuplet = True


# --- beams -----------------------------------------------------------------------------------


def _beam(events: list[Event], bar: Bar) -> None:
    """Beam flagged notes inside each beat; plain eighths of a half bar hang together."""
    groups = bar.grid.beam_groups()
    merged: list[tuple[int, int]] = []
    for group in groups:
        if merged and _may_join(events, bar, merged[-1], group):
            merged[-1] = (merged[-1][0], group[1])
        else:
            merged.append(group)
    for first, last in merged:
        run: list[Event] = []
        for event in events:
            inside = first <= event.start - bar.start < last
            is_flagged = bool(event.heads) and event.value is not None and event.value.num_beams > 0
            if inside and is_flagged and event.end - bar.start <= last:
                run.append(event)
            elif inside:
                _beam_run(run)
                run = []
        _beam_run(run)


def _may_join(events: list[Event], bar: Bar, left: tuple[int, int], right: tuple[int, int]) -> bool:
    meter = bar.meter
    if meter.denominator > 4:
        return False
    span = right[1] - left[0]
    half = 2 * TICKS_PER_QUARTER
    if meter.is_compound:
        allowed = left[0] // meter.beat_ticks == (right[1] - 1) // meter.beat_ticks
    elif meter.numerator * 4 == 3 * meter.denominator:  # 3/4: the whole bar
        allowed = span <= 3 * TICKS_PER_QUARTER
    else:
        allowed = span <= half and left[0] % half == 0
    members = [e for e in events if left[0] <= e.start - bar.start < right[1]]
    if not members or any(e.end - bar.start > right[1] for e in members):
        return False
    plain = all(
        e.heads and e.tuplet is None and e.value is not None and e.value == NoteValue("eighth")
        for e in members
    )
    return allowed and plain


def _beam_run(run: list[Event]) -> None:
    if len(run) < 2:
        return
    counts = [event.value.num_beams if event.value else 0 for event in run]
    for index, event in enumerate(run):
        before = counts[index - 1] if index else 0
        after = counts[index + 1] if index + 1 < len(run) else 0
        marks = []
        for level in range(1, counts[index] + 1):
            joins_before, joins_after = before >= level, after >= level
            if joins_before and joins_after:
                marks.append("continue")
            elif joins_after:
                marks.append("begin")
            elif joins_before:
                marks.append("end")
            else:
                marks.append("backward hook" if index else "forward hook")
        event.beams = tuple(marks)
