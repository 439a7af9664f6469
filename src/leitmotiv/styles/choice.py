"""Choose the pattern of a style that fits a meter and an intensity.

Public names: :func:`patterns_for_meter`, :func:`pick_pattern`, :func:`for_instrument`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from leitmotiv.styles.grid import beat_starts
from leitmotiv.styles.style import CompPattern
from leitmotiv.theory import Meter

__all__ = ["for_instrument", "patterns_for_meter", "pick_pattern"]


class _Pattern(Protocol):
    @property
    def meter(self) -> str: ...

    @property
    def intensity(self) -> float: ...


T = TypeVar("T", bound=_Pattern)


def patterns_for_meter(patterns: Sequence[T], meter: Meter) -> list[T]:
    """Return the patterns written for the meter, else those for the most similar meter."""

    def distance(pattern: T) -> tuple[bool, bool, int, int]:
        written = Meter.parse(pattern.meter)
        return (
            written.is_compound != meter.is_compound,
            written.bar_ticks != meter.bar_ticks,  # 2/2 is 4/4 conducted in two
            abs(len(beat_starts(written)) - len(beat_starts(meter))),
            abs(written.bar_ticks - meter.bar_ticks),
        )

    least = min(map(distance, patterns), default=None)
    return [pattern for pattern in patterns if distance(pattern) == least]


def pick_pattern(patterns: Sequence[T], meter: Meter, intensity: float) -> T | None:
    """Return the pattern nearest in meter, then in intensity; None when there is none."""
    fitting = patterns_for_meter(patterns, meter)
    return min(fitting, key=lambda p: abs(p.intensity - intensity), default=None)


def for_instrument(patterns: Sequence[CompPattern], instrument: str) -> list[CompPattern]:
    """Return the comping patterns made for an instrument, else those made for any.

    A pattern's ``instruments`` are words looked for in the instrument's name; "keys" stands for
    pianos, organs and clavinets, "pluck" for everything that is picked.
    """
    words = instrument.lower()
    families = {
        "keys": ("piano", "organ", "clav", "harpsichord", "keys", "celesta"),
        "pluck": ("guitar", "banjo", "harp", "koto", "sitar", "lute", "mandolin", "shamisen"),
        "brass": ("brass", "trumpet", "horn", "trombone", "tuba"),
        "bowed": ("violin", "viola", "cello", "fiddle", "strings"),
    }

    def matches(name: str) -> bool:
        return any(word in words for word in families.get(name, (name,)))

    own = [p for p in patterns if any(matches(name) for name in p.instruments)]
    return own or [p for p in patterns if not p.instruments] or list(patterns)
