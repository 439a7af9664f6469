"""Effects: one a file, streaming, the same whatever the block size.

Classes are imported when they are first named, as most hold compiled kernels.
"""

import importlib
from typing import TYPE_CHECKING, Any

from leitmotiv.effects.effect import AutomatedEffect, Curves, Effect, Parameter, apply
from leitmotiv.effects.eq import Band, Equalizer, band_to_sos
from leitmotiv.effects.registry import EFFECTS, load_effect, make_effect

if TYPE_CHECKING:
    from leitmotiv.effects.compressor import Compressor
    from leitmotiv.effects.delay import Delay
    from leitmotiv.effects.gain import Gain
    from leitmotiv.effects.limiter import Limiter
    from leitmotiv.effects.reverb import Reverb, room_response
    from leitmotiv.effects.saturation import Saturation
    from leitmotiv.effects.width import StereoWidth

__all__ = [
    "EFFECTS",
    "AutomatedEffect",
    "Band",
    "Compressor",
    "Curves",
    "Delay",
    "Effect",
    "Equalizer",
    "Gain",
    "Limiter",
    "Parameter",
    "Reverb",
    "Saturation",
    "StereoWidth",
    "apply",
    "band_to_sos",
    "load_effect",
    "make_effect",
    "room_response",
]

_HOMES = {class_name: module for module, class_name in EFFECTS.values()} | {
    "Reverb": "reverb",
    "room_response": "reverb",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
