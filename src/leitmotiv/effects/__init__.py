"""Effects: one a file, streaming, the same whatever the block size."""

from leitmotiv.effects.compressor import Compressor
from leitmotiv.effects.delay import Delay
from leitmotiv.effects.effect import Effect, apply
from leitmotiv.effects.eq import Band, Equalizer, band_to_sos
from leitmotiv.effects.limiter import Limiter
from leitmotiv.effects.reverb import Reverb, room_response
from leitmotiv.effects.saturation import Saturation
from leitmotiv.effects.width import StereoWidth

__all__ = [
    "Band",
    "Compressor",
    "Delay",
    "Effect",
    "Equalizer",
    "Limiter",
    "Reverb",
    "Saturation",
    "StereoWidth",
    "apply",
    "band_to_sos",
    "room_response",
]
