"""Operations on music that exists: read a plan off it, write what is asked, keep the rest."""

from leitmotiv.compose.operations.adding import add_part, harmonise_melody
from leitmotiv.compose.operations.arranging import arrange
from leitmotiv.compose.operations.bridging import bridge
from leitmotiv.compose.operations.continuation import continue_score
from leitmotiv.compose.operations.filling import fill, find_parts, parse_bars
from leitmotiv.compose.operations.reading import Reading, read_plan
from leitmotiv.compose.operations.varying import VARIATIONS, vary

__all__ = [
    "VARIATIONS",
    "Reading",
    "add_part",
    "arrange",
    "bridge",
    "continue_score",
    "fill",
    "find_parts",
    "harmonise_melody",
    "parse_bars",
    "read_plan",
    "vary",
]
