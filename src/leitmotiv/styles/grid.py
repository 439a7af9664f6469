"""Text grids: the rhythm notation of style files, and how a grid is fitted to another meter.

Purpose: a bar of drums, bass or comping is one line of text that a musician can read and type.

Conventions:

- Every character is one step of equal length; spaces are for the eye only; ``|`` ends a bar.
- ``.`` is silence, ``-`` prolongs what sounds, every other character starts something. What
  it starts depends on the kind of grid (see :mod:`leitmotiv.styles.style`).
- Positions are fractions of a beat until a meter turns them into ticks, so one grid serves
  several meters: :func:`fit_grid` keeps the first beat first and the last beats last, and
  repeats or leaves out beats between them.

Public names: :class:`GridEvent`, :func:`split_grid`, :func:`grid_events`, :func:`fit_grid`,
:func:`beat_starts`.
"""

from __future__ import annotations

from dataclasses import dataclass

from leitmotiv.errors import StyleError
from leitmotiv.theory import Meter

__all__ = ["GridEvent", "beat_starts", "fit_grid", "grid_events", "split_grid"]

REST, HOLD = ".", "-"


@dataclass(frozen=True)
class GridEvent:
    """One start on the grid: ``onset`` and ``duration`` in ticks from the bar line."""

    onset: int
    duration: int
    symbol: str


def split_grid(text: str) -> tuple[str, ...]:
    """Return the bars of a grid text with the spaces taken out.

    Examples
    --------
    >>> split_grid("x... x... | x.x. x...")
    ('x...x...', 'x.x.x...')
    """
    return tuple("".join(bar.split()) for bar in text.split("|"))


def grid_events(bar: str, num_ticks: int) -> tuple[GridEvent, ...]:
    """Read one bar of grid text that spans ``num_ticks`` ticks.

    Raises
    ------
    StyleError
        If the bar is empty or its steps do not fall on whole ticks.

    Examples
    --------
    >>> [(e.onset, e.duration, e.symbol) for e in grid_events("1--.5-..", 1920)]
    [(0, 720, '1'), (960, 480, '5')]
    """
    if not bar or num_ticks % len(bar):
        raise StyleError(
            f"grid {bar!r} has {len(bar)} steps, which must divide {num_ticks} ticks evenly; "
            "use 4, 8, 12 or 16 steps for 4/4, 6 or 12 for 3/4 and 6/8"
        )
    step = num_ticks // len(bar)
    events: list[GridEvent] = []
    start: int | None = None
    for index, symbol in enumerate([*bar, REST]):
        if symbol == HOLD:
            continue
        if start is not None:
            events.append(GridEvent(start * step, (index - start) * step, bar[start]))
            start = None
        if symbol != REST:
            start = index
    return tuple(events)


def _beat_choice(num_source: int, num_target: int) -> list[int]:
    """Which source beat each target beat copies: head and tail kept, the middle stretched."""
    if num_target <= num_source:
        head = (num_target + 1) // 2
        return [*range(head), *range(num_source - (num_target - head), num_source)]
    tail = min(num_source // 2, 2) if num_source > 1 else 0
    body = list(range(num_source - tail)) or [0]
    # Extra beats repeat the body without its downbeat, so that beat 1 stays the only "one".
    filler = body[1:] or body
    middle = [filler[i % len(filler)] for i in range(num_target - tail - len(body))]
    return [*body, *middle, *range(num_source - tail, num_source)]


def fit_grid(bar: str, source: Meter, target: Meter) -> tuple[GridEvent, ...]:
    """Return the events of a bar written for ``source`` as they stand in ``target``, in ticks.

    Between simple and compound beats the off-beat moves from the half to the last third (and
    back), which is how players carry a groove over. Events that land on one tick are merged and
    durations end at the next event.

    Examples
    --------
    >>> four, three = Meter(4, 4), Meter(3, 4)
    >>> [e.onset // 480 for e in fit_grid("x.x.x.x.", four, three)]
    [0, 1, 2]
    """
    same_length = source.bar_ticks == target.bar_ticks
    if source == target or (same_length and source.is_compound == target.is_compound):
        return grid_events(bar, target.bar_ticks)
    source_starts = beat_starts(source)
    target_starts = beat_starts(target)
    events = grid_events(bar, source.bar_ticks)
    if not events:
        return ()
    next_onsets = [*(event.onset for event in events[1:]), source.bar_ticks]
    legato = {e.onset: e.onset + e.duration == n for e, n in zip(events, next_onsets, strict=True)}
    fitted: dict[int, tuple[int, str]] = {}
    choice = _beat_choice(len(source_starts) - 1, len(target_starts) - 1)
    for beat, source_beat in enumerate(choice):
        low, high = source_starts[source_beat], source_starts[source_beat + 1]
        start, stop = target_starts[beat], target_starts[beat + 1]
        for event in events:
            if not low <= event.onset < high:
                continue
            place = _carry((event.onset - low) / (high - low), high - low, stop - start)
            scale = (stop - start) / (high - low)
            onset = start + round(place * (stop - start))
            # What reached the next note still does, however far the beats between are stretched.
            length = target.bar_ticks if legato[event.onset] else round(event.duration * scale)
            fitted.setdefault(onset, (max(length, 1), event.symbol))
    if not fitted:
        return ()
    onsets = sorted(fitted)
    ends = [*onsets[1:], target.bar_ticks]
    return tuple(
        GridEvent(onset, min(fitted[onset][0], end - onset), fitted[onset][1])
        for onset, end in zip(onsets, ends, strict=True)
    )


def beat_starts(meter: Meter) -> list[int]:
    """Return the ticks of the felt beats of a bar and its end: groups in 5/8, 7/8 and the like.

    Examples
    --------
    >>> beat_starts(Meter(7, 8))
    [0, 480, 960, 1680]
    """
    if meter.is_odd and meter.denominator >= 8:
        starts = [0]
        for group in meter.beat_groups:
            starts.append(starts[-1] + group * meter.unit_ticks)
        return starts
    return [*range(0, meter.bar_ticks, meter.beat_ticks), meter.bar_ticks]


def _carry(place: float, source_ticks: int, target_ticks: int) -> float:
    """Move a place in the beat (0..1) from a binary to a ternary beat or back."""
    source_ternary, target_ternary = source_ticks % 720 == 0, target_ticks % 720 == 0
    if source_ternary == target_ternary:
        return place
    if target_ternary:
        return 0.0 if place < 0.2 else (1 / 3 if place < 0.4 else 2 / 3)
    return 0.0 if place < 0.2 else (0.5 if place < 0.75 else 0.75)
