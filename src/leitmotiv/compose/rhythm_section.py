"""The rhythm section: drums, bass, comping and pads of a style over a plan's chords.

Purpose: modern genres are carried by their groove. The style says what is played, the plan says
on which chords, how loud the section burns and where phrases end.

Public names: :func:`rhythm_section_part`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose.accompaniment import accompaniment_part
from leitmotiv.compose.bass_line import bass_notes
from leitmotiv.compose.comping import comping_notes, pad_notes
from leitmotiv.compose.drums import drum_notes
from leitmotiv.compose.part_writing import is_single_line
from leitmotiv.errors import ComposeError
from leitmotiv.plan.plan import Plan
from leitmotiv.styles.library import load_style
from leitmotiv.styles.style import Style

__all__ = ["rhythm_section_part"]

_FALLBACK_STYLE = "pop"


def rhythm_section_part(
    plan: Plan,
    part_index: int,
    style: Style,
    rng: np.random.Generator,
    *,
    melody: NDArray[np.void] | None = None,
) -> NDArray[np.void]:
    """Write one part of a rhythm section.

    Parameters
    ----------
    plan : Plan
        Chords, sections and parts; a part in ``parts_silent`` rests.
    part_index : int
        A part with role drums, bass, harmony, counter or pad.
    style : Style
        Patterns to play. Kinds of pattern that it lacks are taken from the pop style.
    rng : numpy.random.Generator
        Source of every choice; a returning section repeats its earlier choices.
    melody : numpy.ndarray of NOTE_DTYPE, optional
        The melody, for parts that answer it.

    Returns
    -------
    numpy.ndarray of NOTE_DTYPE
        Notes with origin STYLE, inside the part's range and the length of the plan.

    Raises
    ------
    ComposeError
        If the part does not exist or carries the melody.
    """
    if not 0 <= part_index < plan.num_parts:
        raise ComposeError(f"part_index={part_index} must be between 0 and {plan.num_parts - 1}")
    part = plan.parts[part_index]
    style = _complete(style)
    if part.role == "drums":
        return drum_notes(plan, part_index, style, rng)
    if part.role == "bass":
        return bass_notes(plan, part_index, style, rng)
    if part.role == "melody":
        raise ComposeError(
            f"part {part.name!r} has role='melody'; a rhythm section plays drums, bass, harmony, "
            "counter or pad"
        )
    earlier = [p for p in plan.parts[:part_index] if p.role == part.role]
    if is_single_line(plan, part_index):
        return accompaniment_part(plan, part_index, rng, melody=melody)
    if part.role == "harmony":
        return comping_notes(plan, part_index, style, rng, rank=len(earlier), melody=melody)
    return pad_notes(plan, part_index, style, rank=len(earlier), melody=melody)


def _complete(style: Style) -> Style:
    """Fill the kinds of pattern that a style leaves out from the fallback style."""
    missing = [name for name in ("drums", "fills", "bass", "comping") if not getattr(style, name)]
    if not missing:
        return style
    fallback = load_style(_FALLBACK_STYLE)
    return style.model_copy(update={name: getattr(fallback, name) for name in missing})
