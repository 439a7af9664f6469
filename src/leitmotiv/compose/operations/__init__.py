"""Operations on music that exists: read a plan off it, write what is asked, keep the rest."""

from leitmotiv.compose.operations.adding import add_part, harmonise_melody
from leitmotiv.compose.operations.arranging import arrange
from leitmotiv.compose.operations.bridging import bridge
from leitmotiv.compose.operations.continuation import continue_score
from leitmotiv.compose.operations.filling import fill, find_parts, parse_bars
from leitmotiv.compose.operations.growing import climax, climax_plan
from leitmotiv.compose.operations.imitating import Manner, imitate, imitation_plan, read_manner
from leitmotiv.compose.operations.reading import Reading, read_plan
from leitmotiv.compose.operations.varying import VARIATIONS, vary

__all__ = [
    "VARIATIONS",
    "Manner",
    "Reading",
    "add_part",
    "arrange",
    "bridge",
    "climax",
    "climax_plan",
    "continue_score",
    "fill",
    "find_parts",
    "harmonise_melody",
    "imitate",
    "imitation_plan",
    "parse_bars",
    "read_manner",
    "read_plan",
    "vary",
]
