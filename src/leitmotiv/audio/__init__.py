"""Audio: buffers, files, meters."""

from leitmotiv.audio.buffers import SAMPLE_RATE, Master, Stems
from leitmotiv.audio.files import BroadcastExtension, read_audio, write_wav
from leitmotiv.audio.meters import (
    active_sec,
    crest_db,
    integrated_lufs,
    is_silent,
    k_weighting,
    rms_dbfs,
    sample_peak_dbfs,
    true_peak_dbtp,
    true_peak_envelope,
)

__all__ = [
    "SAMPLE_RATE",
    "BroadcastExtension",
    "Master",
    "Stems",
    "active_sec",
    "crest_db",
    "integrated_lufs",
    "is_silent",
    "k_weighting",
    "read_audio",
    "rms_dbfs",
    "sample_peak_dbfs",
    "true_peak_dbtp",
    "true_peak_envelope",
    "write_wav",
]
