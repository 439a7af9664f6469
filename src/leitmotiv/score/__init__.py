"""Score: the piece on paper, its files and its analysis."""

from leitmotiv.score.score import (
    CONTROL_DTYPE,
    NOTE_DTYPE,
    PITCH_BEND,
    ChordChange,
    KeyChange,
    MeterChange,
    Origin,
    Part,
    Score,
    SectionMark,
    TempoMap,
    make_notes,
)

__all__ = [
    "CONTROL_DTYPE",
    "NOTE_DTYPE",
    "PITCH_BEND",
    "ChordChange",
    "KeyChange",
    "MeterChange",
    "Origin",
    "Part",
    "Score",
    "SectionMark",
    "TempoMap",
    "make_notes",
]
