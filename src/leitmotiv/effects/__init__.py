"""Effects: one a file, streaming, the same whatever the block size.

Classes are imported when they are first named, as most hold compiled kernels.
"""

import importlib
from typing import TYPE_CHECKING, Any

from leitmotiv.effects.effect import AutomatedEffect, Curves, Effect, Parameter, apply
from leitmotiv.effects.eq import Band, Equalizer, band_to_sos
from leitmotiv.effects.registry import EFFECTS, load_effect, make_effect

if TYPE_CHECKING:
    from leitmotiv.effects.cabinet import Cabinet
    from leitmotiv.effects.cathedral_reverb import CathedralReverb
    from leitmotiv.effects.chorus import Chorus
    from leitmotiv.effects.compressor import Compressor
    from leitmotiv.effects.convolution import Convolution
    from leitmotiv.effects.delay import Delay
    from leitmotiv.effects.evolving_delay import EvolvingDelay
    from leitmotiv.effects.expander import Expander
    from leitmotiv.effects.filter import Filter
    from leitmotiv.effects.flanger import Flanger
    from leitmotiv.effects.gain import Gain
    from leitmotiv.effects.gate import Gate
    from leitmotiv.effects.granular import Granular
    from leitmotiv.effects.hall_reverb import HallReverb
    from leitmotiv.effects.infinite_reverb import InfiniteReverb
    from leitmotiv.effects.limiter import Limiter
    from leitmotiv.effects.linear_phase_eq import LinearPhaseEqualizer
    from leitmotiv.effects.looper import Looper
    from leitmotiv.effects.multiband_compressor import MultibandCompressor
    from leitmotiv.effects.neural_amp import NeuralAmp
    from leitmotiv.effects.pan import Pan
    from leitmotiv.effects.parametric_eq import ParametricEqualizer
    from leitmotiv.effects.phaser import Phaser
    from leitmotiv.effects.pitch_shifter import PitchShifter
    from leitmotiv.effects.plate_reverb import PlateReverb
    from leitmotiv.effects.reverb import Reverb, room_response
    from leitmotiv.effects.room_reverb import RoomReverb
    from leitmotiv.effects.saturation import Saturation
    from leitmotiv.effects.shimmer_reverb import ShimmerReverb
    from leitmotiv.effects.spring_reverb import SpringReverb
    from leitmotiv.effects.tape import Tape
    from leitmotiv.effects.tremolo import Tremolo
    from leitmotiv.effects.tube_amp import TubeAmp
    from leitmotiv.effects.width import StereoWidth

__all__ = [
    "EFFECTS",
    "AutomatedEffect",
    "Band",
    "Cabinet",
    "CathedralReverb",
    "Chorus",
    "Compressor",
    "Convolution",
    "Curves",
    "Delay",
    "Effect",
    "Equalizer",
    "EvolvingDelay",
    "Expander",
    "Filter",
    "Flanger",
    "Gain",
    "Gate",
    "Granular",
    "HallReverb",
    "InfiniteReverb",
    "Limiter",
    "LinearPhaseEqualizer",
    "Looper",
    "MultibandCompressor",
    "NeuralAmp",
    "Pan",
    "Parameter",
    "ParametricEqualizer",
    "Phaser",
    "PitchShifter",
    "PlateReverb",
    "Reverb",
    "RoomReverb",
    "Saturation",
    "ShimmerReverb",
    "SpringReverb",
    "StereoWidth",
    "Tape",
    "Tremolo",
    "TubeAmp",
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
    found = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found  # the next time it is there
    return found
