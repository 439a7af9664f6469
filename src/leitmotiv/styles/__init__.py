"""Genre data files and their loader."""

from leitmotiv.styles.library import load_style, load_style_file, style_for_genre, style_names
from leitmotiv.styles.style import (
    DRUM_KEYS,
    BassPattern,
    CompPattern,
    Conditions,
    Drummer,
    DrumPattern,
    Feel,
    Fill,
    Pad,
    PalettePart,
    Progression,
    Style,
)

__all__ = [
    "DRUM_KEYS",
    "BassPattern",
    "CompPattern",
    "Conditions",
    "DrumPattern",
    "Drummer",
    "Feel",
    "Fill",
    "Pad",
    "PalettePart",
    "Progression",
    "Style",
    "load_style",
    "load_style_file",
    "style_for_genre",
    "style_names",
]
