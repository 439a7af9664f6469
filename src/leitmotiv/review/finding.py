"""Finding: one remark of a reviewer.

Purpose: say what is wrong, how bad it is and where, without touching anything.

Conventions: ``part_index`` and ``bar_index`` count from 0 and are None where the remark concerns
the whole piece; messages speak of bar numbers from 1. ``tick`` and ``pitch`` name the note that is
meant, where it is one; a picture marks it there.

Public names: :class:`Finding`, :func:`score_badness`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "Severity", "score_badness"]

Severity = Literal["note", "warning", "error"]

_SEVERITY_WEIGHT: dict[str, float] = {"note": 0.25, "warning": 1.0, "error": 5.0}
# What an ear forgives less, or more, than the severity says.
_CHECK_WEIGHT: dict[str, float] = {
    "semitone clash": 1.5,
    "strong-beat dissonance": 1.5,
    "cadence": 2.0,
    "parallel fifths": 0.7,
    "parallel octaves": 0.7,
    "monotony": 1.5,
}


@dataclass(frozen=True)
class Finding:
    """One remark: which check, how bad, what, and where."""

    check: str
    severity: Severity
    message: str
    part_index: int | None = None
    bar_index: int | None = None
    tick: int | None = None
    pitch: int | None = None


def score_badness(findings: Iterable[Finding]) -> float:
    """Sum findings into one number for ranking candidates; 0 is flawless, lower is better.

    Examples
    --------
    >>> score_badness([Finding("large leap", "note", "..."), Finding("cadence", "error", "...")])
    10.25
    """
    return sum(
        _SEVERITY_WEIGHT[finding.severity] * _CHECK_WEIGHT.get(finding.check, 1.0)
        for finding in findings
    )
