"""Review of a candidate passage: what ``review`` would say of these bars if they were kept.

Purpose: the ranking of candidates minds what the finished score is judged by. A window is the
passage and the bar before it, so that its cost does not grow with the length of the piece. Only
checks that can be told from a few bars are asked: parallels, crossings, leading tones, stray strong
beats, clashes and hands.

Public names: :func:`window_badness`, :data:`WINDOW_CHECKS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from leitmotiv.plan.plan import Plan
from leitmotiv.review.finding import Finding, score_badness
from leitmotiv.review.harmony_checks import check_semitone_clashes, check_strong_beats
from leitmotiv.review.playing_checks import check_hands
from leitmotiv.review.reading import Reading, read
from leitmotiv.review.voice_checks import (
    check_crossings,
    check_inner_crossings,
    check_leading_tones,
    check_parallels,
)
from leitmotiv.score import MeterChange, Part, Score, TempoMap
from leitmotiv.score.score import NOTE_DTYPE
from leitmotiv.theory import ChordSymbol, Key
from leitmotiv.tokens.grid import TICKS_PER_STEP

__all__ = ["WINDOW_CHECKS", "window_badness"]

WINDOW_CHECKS: tuple[Callable[[Reading], Iterator[Finding]], ...] = (
    check_parallels,
    check_crossings,
    check_inner_crossings,
    check_leading_tones,
    check_strong_beats,
    check_semitone_clashes,
    check_hands,
)
"""Checks that a few bars are enough for."""


@dataclass(frozen=True, eq=False)
class _WindowReading(Reading):
    """A reading of a few bars under the plan of the whole piece."""

    first_bar: int = 0  # of the window, in the plan

    @cached_property
    def chords(self) -> tuple[ChordSymbol | None, ...]:
        assert self.plan is not None
        bars = range(self.first_bar, self.first_bar + self.score.num_bars)
        return tuple(self.plan.chord_at(bar, half) for bar in bars for half in (0, 1))

    @cached_property
    def keys(self) -> tuple[Key | None, ...]:
        assert self.plan is not None
        bars = range(self.first_bar, self.first_bar + self.score.num_bars)
        return tuple(self.plan.key_at(bar) for bar in bars)


def window_badness(plan: Plan, notes: NDArray[np.void], bars: range, *, steps: int) -> float:
    """Return what the findings of :data:`WINDOW_CHECKS` in some bars weigh.

    Parameters
    ----------
    plan : Plan
        Of the whole piece.
    notes : ndarray of CELL_NOTE_DTYPE
        Notes of all parts; those outside the bars and the bar before them are left out.
    bars : range
        The passage.
    steps : int
        Steps in a bar.

    Returns
    -------
    float
        0 where nothing is amiss; see :func:`leitmotiv.review.finding.score_badness`.
    """
    first = max(bars.start - 1, 0)
    notes = notes[(notes["bar"] >= first) & (notes["bar"] < bars.stop)]
    onset = (notes["bar"].astype(np.int64) - first) * steps + notes["position"]
    # A note that rings on beyond the window would lengthen it, beyond the last bar even the piece.
    left = (bars.stop - first) * steps - onset
    duration = np.clip(notes["duration"].astype(np.int64), 1, np.maximum(left, 1))
    parts = []
    for index, entry in enumerate(plan.parts):
        mine = notes["part"] == index
        table = np.zeros(int(mine.sum()), dtype=NOTE_DTYPE)
        table["onset"] = onset[mine] * TICKS_PER_STEP
        table["duration"] = duration[mine] * TICKS_PER_STEP
        table["pitch"] = notes["pitch"][mine]
        table["velocity"] = 80
        table = table[np.lexsort((table["duration"], table["pitch"], table["onset"]))]
        parts.append(Part(entry.name, entry.program, entry.is_drum, entry.role, table))
    score = Score(
        tuple(parts),
        TempoMap((0,), (plan.qpm_at(first),)),
        (MeterChange(0, plan.meter_value),),
        length_ticks=(bars.stop - first) * plan.bar_ticks,
    )
    # Without a plan, because the plan's bars are not the window's; roles stand in the parts.
    whole = read(score)
    reading = _WindowReading(
        score, plan, whole.start_bar, whole.stop_bar, whole.parts, None, first_bar=first
    )
    found = (finding for check in WINDOW_CHECKS for finding in check(reading))
    return score_badness(found)
