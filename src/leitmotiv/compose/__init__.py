"""Plan to score: theme, form, parts, rhythm section, accompaniment and performance."""

from leitmotiv.compose.accompaniment import accompaniment_part
from leitmotiv.compose.composer import ComposeOptions, compose
from leitmotiv.compose.dynamics import write_dynamics
from leitmotiv.compose.part_writing import cadence_voicing
from leitmotiv.compose.perform import perform
from leitmotiv.compose.rhythm_section import rhythm_section_part
from leitmotiv.compose.writer import WriterOptions

__all__ = [
    "ComposeOptions",
    "WriterOptions",
    "accompaniment_part",
    "cadence_voicing",
    "compose",
    "perform",
    "rhythm_section_part",
    "write_dynamics",
]
