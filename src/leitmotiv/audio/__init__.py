"""Audio: buffers, files and formats, meters, spectra."""

from leitmotiv.audio.buffers import SAMPLE_RATE, Master, Stems
from leitmotiv.audio.constant_q import ConstantQ, ConstantQBands
from leitmotiv.audio.files import BroadcastExtension, WavWriter, read_audio, write_wav
from leitmotiv.audio.formats import (
    FORMATS,
    AudioFormat,
    AudioReader,
    AudioWriter,
    find_format,
    round_trip,
    write_audio,
)
from leitmotiv.audio.griffin_lim import griffin_lim, spectral_convergence_db
from leitmotiv.audio.loudness import LoudnessMeter, hop_powers
from leitmotiv.audio.markers import LoopPoints, Marker, read_markers
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
from leitmotiv.audio.resample import Resampler, resample
from leitmotiv.audio.spectrogram import (
    IstftStream,
    StftStream,
    istft,
    magnitude_to_db,
    num_frames_of,
    stft,
)

__all__ = [
    "FORMATS",
    "SAMPLE_RATE",
    "AudioFormat",
    "AudioReader",
    "AudioWriter",
    "BroadcastExtension",
    "ConstantQ",
    "ConstantQBands",
    "IstftStream",
    "LoopPoints",
    "LoudnessMeter",
    "Marker",
    "Master",
    "Resampler",
    "Stems",
    "StftStream",
    "WavWriter",
    "active_sec",
    "crest_db",
    "find_format",
    "griffin_lim",
    "hop_powers",
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
    "read_markers",
    "resample",
    "rms_dbfs",
    "round_trip",
    "sample_peak_dbfs",
    "spectral_convergence_db",
    "stft",
    "true_peak_dbtp",
    "true_peak_envelope",
    "write_audio",
    "write_wav",
]
