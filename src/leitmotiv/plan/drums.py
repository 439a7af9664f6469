"""How the drummer is asked to play.

Public names: :class:`DrumControls`.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from leitmotiv.errors import LeitmotivError, PlanError
from leitmotiv.plan.validation import Noun

__all__ = ["DrumControls"]

MAX_DRUM_SEED = 2**63 - 1


class DrumControls(Noun):
    """Controls of the drum part; what is None follows the music.

    Examples
    --------
    >>> DrumControls(complexity=0.8).intensity is None
    True
    """

    fault: ClassVar[type[LeitmotivError]] = PlanError
    noun: ClassVar[str] = "drum controls"

    complexity: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="From the bare pattern (0) to all that the drummer can add (1).",
    )
    intensity: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="How hard and full it is played throughout; None follows the sections' energy.",
    )
    seed: int | None = Field(
        default=None,
        ge=0,
        le=MAX_DRUM_SEED,
        description="The drummer's own seed: it keeps the drum part when the piece's seed changes, "
        "and whoever shares it gets the same part. None: from the seed of the piece.",
    )
