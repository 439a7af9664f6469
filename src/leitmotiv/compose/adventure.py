"""Adventure: one number from conventional to adventurous.

Purpose: a person who finds a piece too safe, or too strange, turns one knob. It changes how freely
the network may choose (temperature, min-p), how firmly chords, scale and sketches hold it, and
among how many versions the most orderly one is picked. The number stands in the plan; the planner
has drawn its chords by it, too (:mod:`leitmotiv.plan.harmony`).

Conventions: 0 is conventional, 0.5 what ``compose`` does unasked, 1 adventurous; between them
every option moves evenly.

Public names: :func:`adventurous_writer`.
"""

from __future__ import annotations

import math
from dataclasses import replace

from leitmotiv.compose.writer import WriterOptions
from leitmotiv.errors import ComposeError

__all__ = ["adventurous_writer"]


def adventurous_writer(adventure: float, options: WriterOptions | None = None) -> WriterOptions:
    """Return options that write as conventionally or adventurously as asked.

    Parameters
    ----------
    adventure : float
        0 to 1; 0.5 returns the options as they are.
    options : WriterOptions, optional
        What 0.5 stands for; the defaults without.

    Raises
    ------
    ComposeError
        If it is outside 0 to 1.

    Examples
    --------
    >>> adventurous_writer(0.5) == WriterOptions()
    True
    >>> adventurous_writer(1.0).temperature > WriterOptions().temperature
    True
    """
    if not 0.0 <= adventure <= 1.0:  # NaN lands here, too
        raise ComposeError(
            f"adventure={adventure:g} must be between 0 (conventional) and 1 (adventurous)"
        )
    options = options or WriterOptions()
    if adventure == 0.5:
        return options
    guidance = options.guidance

    def moved(value: float, conventional: float, adventurous: float) -> float:
        """Scale a value: by ``conventional`` at 0, by 1 in the middle, by ``adventurous`` at 1."""
        end = conventional if adventure < 0.5 else adventurous
        return float(value * math.exp(math.log(end) * abs(2 * adventure - 1)))

    return replace(
        options,
        temperature=moved(options.temperature, 0.75, 1.35),
        min_p=moved(options.min_p, 2.5, 0.25),
        sketch_weight=moved(options.sketch_weight, 1.3, 0.5),
        num_candidates=max(round(moved(options.num_candidates, 1.3, 0.3)), 1),
        guidance=replace(
            guidance,
            chord_weight=moved(guidance.chord_weight, 1.5, 0.5),
            scale_weight=moved(guidance.scale_weight, 1.5, 0.35),
        ),
    )
