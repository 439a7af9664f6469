"""Score → stems: built-in modelled instruments and a SoundFont sampler."""

from leitmotiv.instruments.banks import find_soundfonts
from leitmotiv.instruments.render import RenderOptions, render_stems

__all__ = ["RenderOptions", "find_soundfonts", "render_stems"]
