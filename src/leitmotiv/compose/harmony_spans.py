"""The planned harmony as stretches of ticks.

Purpose: every rule that writes notes from a plan asks the same questions: which chord stands
here, when does it change, what comes next, which section is this.

Conventions: ticks count from the start of the piece; a half bar is one :class:`ChordSpan`.

Public names: :class:`ChordSpan`, :func:`half_bar_spans`, :func:`merged_spans`,
:func:`source_section`, :func:`is_silent`, :func:`section_intensity`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from leitmotiv.plan.plan import Plan
from leitmotiv.theory import ChordSymbol, Key

__all__ = [
    "ChordSpan",
    "half_bar_spans",
    "is_silent",
    "merged_spans",
    "section_intensity",
    "source_section",
]


@dataclass(frozen=True)
class ChordSpan:
    """One chord from ``start`` up to ``end`` (ticks); ``bar_index`` and ``half`` of its start."""

    start: int
    end: int
    chord: ChordSymbol
    key: Key
    bar_index: int
    half: int

    @property
    def duration(self) -> int:
        """Length in ticks."""
        return self.end - self.start


def half_bar_spans(plan: Plan) -> tuple[ChordSpan, ...]:
    """Return two spans a bar, entry ``2 * bar_index + half``."""
    spans = []
    for bar_index in range(plan.num_bars):
        bar = bar_index * plan.bar_ticks
        middle, key = bar + plan.half_tick, plan.key_at(bar_index)
        spans.append(ChordSpan(bar, middle, plan.chord_at(bar_index, 0), key, bar_index, 0))
        end = bar + plan.bar_ticks
        spans.append(ChordSpan(middle, end, plan.chord_at(bar_index, 1), key, bar_index, 1))
    return tuple(spans)


def merged_spans(plan: Plan, *, max_bars: int = 4) -> tuple[ChordSpan, ...]:
    """Return spans in which equal neighbours are one, cut at phrase starts and after ``max_bars``.

    A phrase starts a new breath, so its first chord is always a span of its own.
    """
    phrase_starts = {
        phrase.start_bar_index for section in plan.sections for phrase in section.phrases
    }
    merged: list[ChordSpan] = []
    for span in half_bar_spans(plan):
        last = merged[-1] if merged else None
        starts_phrase = span.half == 0 and span.bar_index in phrase_starts
        if (
            last is not None
            and last.chord == span.chord
            and not starts_phrase
            and span.end - last.start <= max_bars * plan.bar_ticks
        ):
            merged[-1] = replace(last, end=span.end)
        else:
            merged.append(span)
    return tuple(merged)


def source_section(plan: Plan, section_index: int) -> int:
    """Return the section that a return goes back to in the end (itself where it is new).

    Seeding choices with it makes a returning section keep its groove and figures.
    """
    while (earlier := plan.sections[section_index].returns_to) is not None:
        section_index = earlier
    return section_index


def is_silent(plan: Plan, part_index: int, bar_index: int) -> bool:
    """Whether the plan lets a part rest in a bar."""
    return part_index in plan.silent_at(bar_index)


def section_intensity(plan: Plan, bar_index: int) -> float:
    """Return how busy a rhythm section plays, 0..1: energy, held back in thin textures."""
    section = plan.section_at(bar_index)
    scale = {"solo": 0.4, "sparse": 0.65, "full": 1.1}.get(section.texture, 1.0)
    return min(section.energy * scale, 1.0)
