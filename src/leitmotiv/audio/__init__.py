"""Audio: buffers, files, meters, block streams."""

from leitmotiv.audio.buffers import SAMPLE_RATE, Master, Stems

__all__ = ["SAMPLE_RATE", "Master", "Stems"]
