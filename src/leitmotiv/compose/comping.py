"""Chordal parts of a rhythm section: comping patterns and pads.

Conventions: voicings are led from chord to chord through the whole section; where the chord
changes under a held chord it is struck again, so the plan's half bars are always heard.

Public names: :func:`comping_notes`, :func:`chordal_notes`, :func:`pad_notes`,
:func:`trim_same_pitch`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.drums import symbol_velocity
from leitmotiv.compose.harmony_spans import (
    ChordSpan,
    half_bar_spans,
    is_silent,
    section_intensity,
    source_section,
)
from leitmotiv.compose.voicing import clashing_colors, voice_chord
from leitmotiv.plan.plan import Plan, PlanSection
from leitmotiv.score.score import Origin, make_notes
from leitmotiv.styles.choice import for_instrument, patterns_for_meter
from leitmotiv.styles.grid import GridEvent, fit_grid, split_grid
from leitmotiv.styles.style import CompPattern, Style, Voicing
from leitmotiv.theory import Meter

__all__ = ["chordal_notes", "comping_notes", "pad_notes", "trim_same_pitch"]

_HELD_TICKS = 240  # shorter melody notes pass
_MIDDLE = 60.0  # chords lie round C4 unless the part's range says otherwise


@dataclass
class _Columns:
    onset: list[int]
    duration: list[int]
    pitch: list[int]
    velocity: list[int]

    @classmethod
    def empty(cls) -> _Columns:
        return cls([], [], [], [])

    def add(self, onset: int, duration: int, pitches: tuple[int, ...], velocity: int) -> None:
        for pitch in pitches:
            self.onset.append(onset)
            self.duration.append(duration)
            self.pitch.append(pitch)
            self.velocity.append(velocity)

    def notes(self) -> NDArray[np.void]:
        notes = make_notes(self.onset, self.duration, self.pitch, self.velocity, Origin.STYLE)
        return trim_same_pitch(notes)


def trim_same_pitch(notes: NDArray[np.void]) -> NDArray[np.void]:
    """End each note before the same pitch starts again; drop doubles. Returns a new array."""
    notes = notes[np.lexsort((-notes["duration"], notes["pitch"], notes["onset"]))].copy()
    keep = np.ones(len(notes), dtype=bool)
    sounding: dict[int, int] = {}
    for index in range(len(notes)):
        pitch, onset = int(notes["pitch"][index]), int(notes["onset"][index])
        earlier = sounding.get(pitch)
        if earlier is not None:
            start = int(notes["onset"][earlier])
            if start == onset:
                keep[index] = False
                continue
            if start + int(notes["duration"][earlier]) > onset:
                notes["duration"][earlier] = onset - start
        sounding[pitch] = index
    return notes[keep]


class _Hand:
    """Lays chords out one after another."""

    def __init__(
        self, plan: Plan, part_index: int, section: PlanSection, kind: Voicing, num_voices: int
    ) -> None:
        part = plan.parts[part_index]
        self.low, self.high = part.low, part.high
        width = self.high - self.low
        # Chords round C4 leave the melody above and the bass below alone.
        self.center = min(max(_MIDDLE, self.low + width * 0.25), self.high - width * 0.25)
        if kind in ("guitar", "spread"):
            self.center = min(self.center - 3, self.low + 11.0)
        elif (
            kind != "keyboard"
            and any(p.role == "bass" for p in plan.parts)
            and self.low < 48 < self.high - 12
        ):
            self.low = 48 if kind != "power" else max(self.low, 40)
        if kind == "power":
            self.center = max(self.low + 9.0, 50.0)
        self.kind, self.num_voices = kind, num_voices
        silent = {part_index, *section.parts_silent}
        playing = [p for index, p in enumerate(plan.parts) if index not in silent]
        self.needs_bass = kind in ("guitar", "keyboard") or all(p.role != "bass" for p in playing)
        others = [p for i, p in enumerate(plan.parts) if i not in silent and p.role == "harmony"]
        has_bass = any(p.role == "bass" for p in playing)
        self.shared = bool(others) and has_bass and not self.needs_bass
        self.previous: tuple[int, ...] | None = None
        self.top: int | None = None
        self.melody: NDArray[np.void] | None = None

    def chord(self, span: ChordSpan, start: int, end: int) -> tuple[int, ...]:
        """Return the voicing of a chord from one tick to another and remember it."""
        sung = _held_classes(self.melody, start, end)
        avoid = clashing_colors(span.chord, span.key, sung, shared=self.shared)
        pitches = voice_chord(
            span.chord,
            span.key,
            kind=self.kind,
            num_voices=self.num_voices,
            low=self.low,
            high=self.high,
            center=self.center,
            previous=self.previous,
            bass=span.chord.bass_pitch_class if self.needs_bass else None,
            top=self.top,
            avoid=avoid,
        )
        if self.top is not None and len(pitches) > 3:
            # Leave the melody its room rather than double it.
            below = tuple(pitch for pitch in pitches if pitch < self.top)
            pitches = below if len(below) >= 3 else pitches[:3]
        self.previous = pitches or self.previous
        return pitches


def _choose_pattern(
    style: Style, instrument: str, meter: Meter, intensity: float, rank: int
) -> CompPattern | None:
    """Pattern nearest to the intensity; a second comping part takes the next one instead."""
    harmony = [pattern for pattern in style.comping if pattern.role == "harmony"]
    options = patterns_for_meter(for_instrument(harmony, instrument), meter)
    own_meter = patterns_for_meter(harmony, meter)
    if options and own_meter and options[0].meter != own_meter[0].meter:
        options = [p for p in own_meter if not p.instruments] or own_meter
    options.sort(key=lambda pattern: abs(pattern.intensity - intensity))
    return options[rank % min(len(options), 2)] if options else None


def _voices(symbol: str, chord: tuple[int, ...], high: int) -> tuple[int, ...]:
    """The notes of a voicing that a grid symbol plays."""
    if symbol == "b":
        return chord[:1]
    if symbol == "t":
        return chord[1:] or chord
    if symbol.isdigit():
        octaves, index = divmod(int(symbol) - 1, len(chord))
        pitch = chord[index] + 12 * octaves
        return (pitch,) if pitch <= high else (chord[-1],)
    return chord


def _bar(pattern: CompPattern, place: int, meter: Meter) -> list[GridEvent]:
    bars = split_grid(pattern.grid)
    return list(fit_grid(bars[place % len(bars)], Meter.parse(pattern.meter), meter))


def comping_notes(
    plan: Plan,
    part_index: int,
    style: Style,
    rng: np.random.Generator,
    *,
    rank: int = 0,
    melody: NDArray[np.void] | None = None,
) -> NDArray[np.void]:
    """Write a comping part: the style's rhythm on voice-led chords of the plan.

    ``rank`` counts the harmony parts before this one, so that two of them do not double each
    other.
    """
    part, meter = plan.parts[part_index], plan.meter_value
    instrument = f"{part.name} {part.instrument}"

    def choose(bar_index: int) -> CompPattern | None:
        intensity = section_intensity(plan, plan.section_at(bar_index).start_bar_index)
        return _choose_pattern(style, instrument, meter, intensity, rank)

    return chordal_notes(plan, part_index, choose, rng, melody=melody)


def chordal_notes(
    plan: Plan,
    part_index: int,
    choose: Callable[[int], CompPattern | None],
    rng: np.random.Generator,
    *,
    melody: NDArray[np.void] | None = None,
    holds_end: Callable[[int], bool] | None = None,
) -> NDArray[np.void]:
    """Write a part that plays whole chords in the pattern that ``choose(bar_index)`` names.

    ``holds_end(section_index)`` says whether a section's last bar rings instead of playing on.
    """
    meter, high = plan.meter_value, plan.parts[part_index].high
    spans = half_bar_spans(plan)
    seed = int(rng.integers(2**32))
    columns = _Columns.empty()
    for section_index, section in enumerate(plan.sections):
        section_rng = np.random.default_rng([seed, source_section(plan, section_index)])
        if part_index in section.parts_silent:
            continue
        hands: dict[tuple[str, int], _Hand] = {}
        holds = holds_end is not None and holds_end(section_index)
        tied_until = -1  # an anticipation holds into the next bar
        for bar_index in range(section.start_bar_index, section.end_bar_index):
            pattern = choose(bar_index)
            if pattern is None or is_silent(plan, part_index, bar_index):
                continue
            grip = (pattern.voicing, pattern.num_voices)
            if grip not in hands:
                hands[grip] = _Hand(plan, part_index, section, *grip)
                hands[grip].melody = melody
            hand = hands[grip]
            bar = bar_index * meter.bar_ticks
            halves = spans[2 * bar_index], spans[2 * bar_index + 1]
            hand.top = _lowest_melody(melody, bar, bar + meter.bar_ticks)
            is_last = bar_index == plan.num_bars - 1
            closes = is_last or (holds and bar_index == section.end_bar_index - 1)
            if closes and plan.loop is None:
                _end(halves, hand, columns)
                continue
            place = bar_index - section.start_bar_index
            events = _breathe(_bar(pattern, place, meter), pattern, place, section_rng)
            for event in _at_changes(events, plan.half_tick, halves):
                span = halves[1] if event.onset >= plan.half_tick else halves[0]
                symbol, duration = event.symbol, event.duration
                onset = bar + event.onset
                if onset < tied_until:
                    continue
                if symbol == ">":
                    symbol = "x"
                    if bar_index + 1 < section.end_bar_index:
                        span = spans[2 * bar_index + 2]
                        nxt = _bar(pattern, place + 1, meter)
                        stays = bar_index + 2 < section.end_bar_index or not holds
                        if bar_index + 2 < plan.num_bars and nxt and nxt[0].onset == 0 and stays:
                            duration += min(nxt[0].duration, plan.half_tick)
                            tied_until = bar + meter.bar_ticks + 1
                if span.chord.is_none:
                    continue
                chord = hand.chord(span, onset, onset + duration)
                if not chord:
                    continue
                single = symbol in "bt" or symbol.isdigit()
                velocity = 76 if single else symbol_velocity(symbol)
                columns.add(onset, duration, _voices(symbol, chord, high), velocity)
    return columns.notes()


def _breathe(
    events: list[GridEvent], pattern: CompPattern, place: int, rng: np.random.Generator
) -> list[GridEvent]:
    """Leave out one inner stroke in every fourth bar."""
    if place % 4 != 3 or len(events) <= 3 or pattern.intensity <= 0.3:
        return events
    inner = [event for event in events[1:-1] if event.symbol in "xo"]
    if not inner or rng.random() >= 0.6:
        return events
    gone = inner[int(rng.integers(len(inner)))]
    return [event for event in events if event is not gone]


def _lowest_melody(melody: NDArray[np.void] | None, start: int, end: int) -> int | None:
    if melody is None or not len(melody):
        return None
    sounding = melody[(melody["onset"] < end) & (melody["onset"] + melody["duration"] > start)]
    return int(sounding["pitch"].min()) if len(sounding) else None


def _held_classes(melody: NDArray[np.void] | None, start: int, end: int) -> frozenset[int]:
    """Pitch classes that the melody holds for at least a quaver between two ticks."""
    if melody is None or not len(melody):
        return frozenset()
    lasting = np.minimum(melody["onset"] + melody["duration"], end) - np.maximum(
        melody["onset"], start
    )
    return frozenset(int(pitch) % 12 for pitch in melody["pitch"][lasting >= _HELD_TICKS])


def _at_changes(
    events: list[GridEvent], half_tick: int, halves: tuple[ChordSpan, ChordSpan]
) -> list[GridEvent]:
    """Strike again where the chord changes under a held event."""
    if halves[0].chord == halves[1].chord:
        return events
    result: list[GridEvent] = []
    for event in events:
        end = event.onset + event.duration
        if event.onset < half_tick < end:
            again = "x" if event.symbol == ">" else event.symbol
            result.append(GridEvent(event.onset, half_tick - event.onset, event.symbol))
            result.append(GridEvent(half_tick, end - half_tick, again))
        else:
            result.append(event)
    return result


def _end(halves: tuple[ChordSpan, ChordSpan], hand: _Hand, columns: _Columns) -> None:
    """Last bar: its chords held, the last one to the end."""
    first, second = halves
    if first.chord == second.chord and not first.chord.is_none:
        columns.add(
            first.start, second.end - first.start, hand.chord(first, first.start, second.end), 88
        )
        return
    for span in halves:
        if not span.chord.is_none:
            columns.add(span.start, span.duration, hand.chord(span, span.start, span.end), 88)


def pad_notes(
    plan: Plan,
    part_index: int,
    style: Style,
    *,
    rank: int = 0,
    melody: NDArray[np.void] | None = None,
) -> NDArray[np.void]:
    """Write a sustained part: common tones stay, the others move to the nearest chord tone.

    ``rank`` counts the pads before this one.
    """
    meter = plan.meter_value
    spans = half_bar_spans(plan)
    columns = _Columns.empty()
    renew_bars = {"change": 4, "bar": 1, "two bars": 2}[style.pad.renew]
    voices = style.pad.num_voices
    for section in plan.sections:
        if part_index in section.parts_silent:
            continue
        thin = 1 if section.texture in ("solo", "sparse") else 0
        hand = _Hand(plan, part_index, section, style.pad.voicing, max(voices - thin - rank, 2))
        # A second pad floats above the first one instead of doubling it.
        hand.center = min(hand.center + 9.0 * rank, hand.high - 5.0)
        hand.melody = melody
        held: dict[int, int] = {}  # pitch -> onset
        for span in spans[2 * section.start_bar_index : 2 * section.end_bar_index]:
            hand.top = _lowest_melody(melody, span.start, span.end)
            chord = () if span.chord.is_none else hand.chord(span, span.start, span.end)
            bars_in = span.bar_index - section.start_bar_index
            renews = span.half == 0 and bars_in % renew_bars == 0
            for pitch, onset in sorted(held.items()):
                if renews or pitch not in chord:
                    columns.add(onset, span.start - onset, (pitch,), 76)
                    del held[pitch]
            for pitch in chord:
                held.setdefault(pitch, span.start)
        end = section.end_bar_index * meter.bar_ticks
        for pitch, onset in sorted(held.items()):
            columns.add(onset, end - onset, (pitch,), 76)
    return columns.notes()
