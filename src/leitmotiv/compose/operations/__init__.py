"""Operations on music that exists: read a plan off it, write a region, keep the rest."""

from leitmotiv.compose.operations.filling import fill, find_parts, parse_bars
from leitmotiv.compose.operations.reading import Reading, read_plan

__all__ = ["Reading", "fill", "find_parts", "parse_bars", "read_plan"]
