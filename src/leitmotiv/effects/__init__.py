"""Effects: one a file, streaming, the same whatever the block size."""

from leitmotiv.effects.compressor import Compressor
from leitmotiv.effects.effect import Effect, apply
from leitmotiv.effects.eq import Band, Equalizer, band_to_sos
from leitmotiv.effects.limiter import Limiter
from leitmotiv.effects.reverb import Reverb, room_response

__all__ = [
    "Band",
    "Compressor",
    "Effect",
    "Equalizer",
    "Limiter",
    "Reverb",
    "apply",
    "band_to_sos",
    "room_response",
]
