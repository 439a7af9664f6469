"""Review of a score: every check in one list.

Purpose: read a score against its plan, its instruments and the habits of its style, and say what
stands out. Nothing is ever edited.

Public names: :func:`review_score`, :data:`SCORE_CHECKS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from leitmotiv.review.closing_checks import check_arrivals, check_final_close
from leitmotiv.review.finding import Finding
from leitmotiv.review.form_checks import (
    check_breath,
    check_empty_bars,
    check_monotony,
    check_plan_kept,
    check_rests,
    check_theme,
)
from leitmotiv.review.frame_checks import check_bar_sums, check_loop_seam, check_tempo
from leitmotiv.review.harmony_checks import (
    check_cadences,
    check_key,
    check_semitone_clashes,
    check_stray_parts,
    check_strong_beats,
)
from leitmotiv.review.melody_checks import check_melody_shape
from leitmotiv.review.note_checks import (
    check_doubled_notes,
    check_large_leaps,
    check_range,
    check_stuck_notes,
)
from leitmotiv.review.playing_checks import (
    check_fast_leaps,
    check_guitar_voicings,
    check_hands,
    check_unplayable_chords,
)
from leitmotiv.review.reading import Reading, read
from leitmotiv.review.texture_checks import (
    check_dull_bars,
    check_register_clashes,
    check_repetition,
)
from leitmotiv.review.voice_checks import (
    check_crossings,
    check_inner_crossings,
    check_leading_tones,
    check_parallels,
)
from leitmotiv.score import Score

if TYPE_CHECKING:
    from leitmotiv.plan import Plan

__all__ = ["SCORE_CHECKS", "review_score"]

SCORE_CHECKS: tuple[Callable[[Reading], Iterator[Finding]], ...] = (
    check_plan_kept,
    check_tempo,
    check_bar_sums,
    check_loop_seam,
    check_empty_bars,
    check_dull_bars,
    check_rests,
    check_theme,
    check_range,
    check_unplayable_chords,
    check_hands,
    check_guitar_voicings,
    check_fast_leaps,
    check_doubled_notes,
    check_stuck_notes,
    check_key,
    check_stray_parts,
    check_strong_beats,
    check_semitone_clashes,
    check_cadences,
    check_final_close,
    check_arrivals,
    check_leading_tones,
    check_parallels,
    check_crossings,
    check_inner_crossings,
    check_register_clashes,
    check_large_leaps,
    check_breath,
    check_monotony,
    check_repetition,
    check_melody_shape,
)
"""Every check, in the order in which findings are returned."""


def review_score(
    score: Score,
    plan: Plan | None = None,
    *,
    bars: tuple[int, int] | None = None,
    loop: tuple[int, int] | None = None,
    checks: Iterable[Callable[[Reading], Iterator[Finding]]] = SCORE_CHECKS,
) -> tuple[Finding, ...]:
    """Read a score and return what stands out.

    Parameters
    ----------
    score : Score
        Written or performed.
    plan : Plan, optional
        The plan it was made from; without it harmony is checked against the score's own chords,
        where it names them, else against chords and keys that are found in the notes.
    bars : (int, int), optional
        Read only the notes that start in bars ``start <= bar_index < stop``, for judging a
        passage.
    loop : (int, int), optional
        First bar of a loop and the bar after its last, whose seam is to be listened to; the
        plan's by default.
    checks : iterable of callables, optional
        The checks to run; all of :data:`SCORE_CHECKS` by default.

    Returns
    -------
    tuple of Finding
        In the order of the checks; empty where nothing is amiss.

    Examples
    --------
    >>> from leitmotiv.score import Part, Score, make_notes
    >>> flute = Part("Flute", 73, role="melody", notes=make_notes([0], [1920], [40]))
    >>> [finding.message for finding in review_score(Score(parts=(flute,)))]
    ['Flute: a note out of reach of Flute (C4-A6) in bar 1']
    """
    reading = read(score, plan, bars, loop)
    return tuple(finding for check in checks for finding in check(reading))
