"""Read-only checks of scores and audio; findings point at a part, bar or stem and never edit."""

from __future__ import annotations

from leitmotiv.review.audio_review import review_audio
from leitmotiv.review.finding import Finding, Severity, score_badness
from leitmotiv.review.reading import Reading
from leitmotiv.review.score_review import SCORE_CHECKS, review_score

__all__ = [
    "SCORE_CHECKS",
    "Finding",
    "Reading",
    "Severity",
    "review_audio",
    "review_score",
    "score_badness",
]
