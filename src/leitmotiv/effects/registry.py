"""Which effects there are: names, as presets spell them, and the classes behind them.

Purpose: find an effect by its name and know its knobs without loading the others.

Conventions: a name is written in lower case with underscores. Classes are imported when they are
asked for, as their kernels are compiled code.

Public names: :data:`EFFECTS`, :func:`load_effect`, :func:`make_effect`, :func:`option_names`.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.effects.effect import AutomatedEffect
from leitmotiv.errors import AudioError

__all__ = ["EFFECTS", "load_effect", "make_effect", "option_names"]

EFFECTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        # level and place
        "gain": ("gain", "Gain"),
        "pan": ("pan", "Pan"),
        "stereo_width": ("width", "StereoWidth"),
        # tone
        "parametric_eq": ("parametric_eq", "ParametricEqualizer"),
        "linear_phase_eq": ("linear_phase_eq", "LinearPhaseEqualizer"),
        "filter": ("filter", "Filter"),
        # dynamics
        "compressor": ("compressor", "Compressor"),
        "multiband_compressor": ("multiband_compressor", "MultibandCompressor"),
        "gate": ("gate", "Gate"),
        "expander": ("expander", "Expander"),
        "limiter": ("limiter", "Limiter"),
        # colour
        "saturation": ("saturation", "Saturation"),
        "tape": ("tape", "Tape"),
        "tube_amp": ("tube_amp", "TubeAmp"),
        "neural_amp": ("neural_amp", "NeuralAmp"),
        "cabinet": ("cabinet", "Cabinet"),
        # movement
        "chorus": ("chorus", "Chorus"),
        "flanger": ("flanger", "Flanger"),
        "phaser": ("phaser", "Phaser"),
        "tremolo": ("tremolo", "Tremolo"),
        # time
        "delay": ("delay", "Delay"),
        "evolving_delay": ("evolving_delay", "EvolvingDelay"),
        "pitch_shifter": ("pitch_shifter", "PitchShifter"),
        "granular": ("granular", "Granular"),
        "looper": ("looper", "Looper"),
        # space
        "plate_reverb": ("plate_reverb", "PlateReverb"),
        "hall_reverb": ("hall_reverb", "HallReverb"),
        "room_reverb": ("room_reverb", "RoomReverb"),
        "spring_reverb": ("spring_reverb", "SpringReverb"),
        "cathedral_reverb": ("cathedral_reverb", "CathedralReverb"),
        "shimmer_reverb": ("shimmer_reverb", "ShimmerReverb"),
        "infinite_reverb": ("infinite_reverb", "InfiniteReverb"),
        "convolution": ("convolution", "Convolution"),
    }
)
"""Name of each effect: its module in this package and its class."""


def load_effect(name: str) -> type[AutomatedEffect]:
    """Return the class of an effect.

    >>> load_effect("gain").__name__
    'Gain'

    Raises
    ------
    AudioError
        If there is no such effect.
    """
    if name not in EFFECTS:
        near = difflib.get_close_matches(name, EFFECTS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise AudioError(f"effect={name!r} must be one of {', '.join(EFFECTS)}{hint}")
    module, class_name = EFFECTS[name]
    found: type[AutomatedEffect] = getattr(
        importlib.import_module(f"leitmotiv.effects.{module}"), class_name
    )
    return found


def option_names(effect: type[AutomatedEffect]) -> tuple[str, ...]:
    """Return the options of an effect: what its constructor takes beside parameters."""
    knobs = {parameter.name for parameter in effect.parameters}
    given = {"self", "sample_rate", "num_channels"}
    return tuple(n for n in inspect.signature(effect).parameters if n not in knobs | given)


def make_effect(
    name: str,
    settings: Mapping[str, Any] | None = None,
    *,
    sample_rate: int = SAMPLE_RATE,
    num_channels: int = 2,
) -> AutomatedEffect:
    """Make an effect from its name and settings (parameters and options).

    >>> make_effect("gain", {"gain_db": -6.0}).get("gain_db")
    -6.0

    Raises
    ------
    AudioError
        If the effect or a setting does not exist, or a value is out of range or of a wrong kind.
    """
    effect, settings = load_effect(name), dict(settings or {})
    knobs = {parameter.name for parameter in effect.parameters}
    options = set(option_names(effect))
    for setting, value in settings.items():
        if setting not in knobs | options:
            legal = ", ".join(sorted(knobs | options))
            raise AudioError(f"effect {name!r} has no setting {setting!r}; it has {legal}")
        if setting in knobs and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise AudioError(f"{setting}={value!r} of effect {name!r} must be a number")
    try:
        return effect(**settings, sample_rate=sample_rate, num_channels=num_channels)
    except TypeError as error:
        raise AudioError(f"effect {name!r} cannot be made from its settings: {error}") from error
