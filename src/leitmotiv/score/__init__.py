"""Score: the piece on paper, its files and its analysis."""

from leitmotiv.score.atomic import write_bytes_atomically
from leitmotiv.score.files import read_midi, read_musicxml, read_score
from leitmotiv.score.midi import midi_bytes, parse_midi, write_midi
from leitmotiv.score.musicxml import musicxml_bytes, write_musicxml
from leitmotiv.score.musicxml_read import parse_musicxml
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
    "midi_bytes",
    "musicxml_bytes",
    "parse_midi",
    "parse_musicxml",
    "read_midi",
    "read_musicxml",
    "read_score",
    "write_bytes_atomically",
    "write_midi",
    "write_musicxml",
]
