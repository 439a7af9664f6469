"""MusicXML in."""

from __future__ import annotations

from leitmotiv.errors import ReadError
from leitmotiv.score.score import Score

__all__ = ["parse_musicxml"]


def parse_musicxml(data: bytes) -> Score:
    """Read MusicXML."""
    raise ReadError("MusicXML is not read yet; export MIDI")
