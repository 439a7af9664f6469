"""When to stop before the time is up: the loss no longer improves, or the network copies.

Public names: :class:`Stopping`.
"""

from __future__ import annotations

import math
from typing import Any

from leitmotiv.training.novelty import NoveltyReport

__all__ = ["Stopping"]


class Stopping:
    """Counts validations without improvement and measurements beyond the recipe's limits.

    ``table`` is the recipe's table ``stopping``; a patience of 0 never stops.
    """

    def __init__(self, table: dict[str, Any]):
        self.table = table
        self.best = math.inf
        self.waited = self.copied = self.strayed = 0
        self.was_in_band = False

    def after_validation(self, bits_per_note: float) -> str | None:
        """The reason to stop, None to go on."""
        if bits_per_note < self.best - self.table["min_improvement"]:
            self.best, self.waited = bits_per_note, 0
            return None
        self.waited += 1
        if self.table["patience"] and self.waited >= self.table["patience"]:
            return (
                f"validation loss has not improved on {self.best:.3f} bits a note in "
                f"{self.waited} validations"
            )
        return None

    def after_novelty(self, report: NoveltyReport, progress: float) -> str | None:
        """The reason to stop, None to go on; before ``begin`` nothing is counted."""
        if progress < self.table["begin"]:
            return None
        limit = self.table["copied_limit"]
        self.copied = self.copied + 1 if report.copied > limit else 0
        if self.copied >= self.table["copied_patience"]:
            return (
                f"copying has risen beyond the limit: {report.copied:.1%} of sampled fragments are "
                f"in the training pieces, the recipe allows {limit:.1%}"
            )
        # A young network strays before it has ever been inside the band; that is no reason.
        self.was_in_band |= report.in_band
        self.strayed = 0 if report.in_band or not self.was_in_band else self.strayed + 1
        if self.table["entropy_patience"] and self.strayed >= self.table["entropy_patience"]:
            return (
                f"pitch-class entropy {report.entropy:.2f} bits has left the human band "
                f"{report.entropy_low:.2f}-{report.entropy_high:.2f} in {self.strayed} "
                "measurements"
            )
        return None

    def state(self) -> dict[str, float]:
        """What a checkpoint keeps."""
        return {
            "best": self.best,
            "waited": self.waited,
            "copied": self.copied,
            "strayed": self.strayed,
            "was_in_band": self.was_in_band,
        }

    def restore(self, state: dict[str, float]) -> None:
        """Go on from a checkpoint's :meth:`state`."""
        self.best, self.was_in_band = state["best"], bool(state["was_in_band"])
        self.waited, self.copied, self.strayed = (
            int(state[name]) for name in ("waited", "copied", "strayed")
        )
