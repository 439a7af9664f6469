"""Audio: buffers, files, meters, spectra."""

from leitmotiv.audio.buffers import SAMPLE_RATE, Master, Stems
from leitmotiv.audio.constant_q import ConstantQ, ConstantQBands
from leitmotiv.audio.files import BroadcastExtension, read_audio, write_wav
from leitmotiv.audio.griffin_lim import griffin_lim, spectral_convergence_db
from leitmotiv.audio.mel import (
    hz_to_mel,
    mel_filterbank,
    mel_spectrogram,
    mel_to_hz,
    mel_to_magnitude,
)
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
from leitmotiv.audio.spectrogram import (
    IstftStream,
    StftStream,
    istft,
    magnitude_to_db,
    num_frames_of,
    stft,
)

__all__ = [
    "SAMPLE_RATE",
    "BroadcastExtension",
    "ConstantQ",
    "ConstantQBands",
    "IstftStream",
    "Master",
    "Stems",
    "StftStream",
    "active_sec",
    "crest_db",
    "griffin_lim",
    "hz_to_mel",
    "integrated_lufs",
    "is_silent",
    "istft",
    "k_weighting",
    "magnitude_to_db",
    "mel_filterbank",
    "mel_spectrogram",
    "mel_to_hz",
    "mel_to_magnitude",
    "num_frames_of",
    "read_audio",
    "rms_dbfs",
    "sample_peak_dbfs",
    "spectral_convergence_db",
    "stft",
    "true_peak_dbtp",
    "true_peak_envelope",
    "write_wav",
]
