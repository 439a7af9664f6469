"""Read-only checks of scores and audio; findings point at a part, bar or stem and never edit."""

from __future__ import annotations

from leitmotiv.review.audio_review import review_audio
from leitmotiv.review.finding import Finding, Severity, score_badness
from leitmotiv.review.melody_checks import MelodyProfile, melody_profiles
from leitmotiv.review.reading import Reading, read
from leitmotiv.review.score_review import SCORE_CHECKS, review_score

__all__ = [
    "SCORE_CHECKS",
    "Finding",
    "MelodyProfile",
    "Reading",
    "Severity",
    "melody_profiles",
    "read",
    "review_audio",
    "review_score",
    "score_badness",
]
