"""Score → stems: built-in modelled instruments and a SoundFont sampler."""

from leitmotiv.instruments.render import RenderOptions, render_stems

__all__ = ["RenderOptions", "render_stems"]
