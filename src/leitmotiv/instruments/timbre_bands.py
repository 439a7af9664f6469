"""What timbre transfer sees: levels in mel bands, the same at any sample rate.

Conventions: frames of 42.7 ms every 10.7 ms whatever the sample rate; :data:`NUM_BANDS` mel bands
(Slaney) from 40 Hz to 16 kHz; levels in dB, relative to a full-scale sine spread over a band of
one spectral bin; nothing below :data:`FLOOR_DB`. Music is brought to one loudness first (see
:func:`active_level_db`), so that the network need not learn levels.

Public names: :class:`TimbreBands`, :data:`NUM_BANDS`, :data:`FLOOR_DB`, :data:`LEVEL_DB`,
:func:`active_level_db`.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.mel import hz_to_mel, mel_filterbank
from leitmotiv.audio.spectrogram import stft

__all__ = ["FLOOR_DB", "LEVEL_DB", "NUM_BANDS", "TimbreBands", "active_level_db"]

NUM_BANDS = 96
FLOOR_DB = -100.0
LEVEL_DB = -20.0
"""The frame level, dB of power summed over bins, that music is brought to."""

_LOW_HZ, _HIGH_HZ = 40.0, 16_000.0
_FRAME_SEC, _HOP_SEC = 2048 / 48_000, 512 / 48_000
_GATE_DB = 40.0  # frames this far below the loudest do not count as active


class TimbreBands:
    """Bands at one sample rate.

    Parameters
    ----------
    sample_rate : int
        Hz; bands beyond half of it stay at the floor.

    Examples
    --------
    >>> bands = TimbreBands(44100)
    >>> bands.n_fft, bands.hop_length, bands.centres_hz.shape
    (1882, 470, (96,))
    """

    def __init__(self, sample_rate: int) -> None:
        self.sample_rate = int(sample_rate)
        self.n_fft = 2 * round(_FRAME_SEC * sample_rate / 2)
        self.hop_length = round(_HOP_SEC * sample_rate)
        self.scale = 4.0 / self.n_fft
        """Turns a spectrum's magnitude into the amplitude of a sine."""

    @cached_property
    def filters(self) -> NDArray[np.float32]:
        """Filters, float32 (bands, bins); a tone's weight falls with its band's width."""
        filters = mel_filterbank(
            self.sample_rate, self.n_fft, NUM_BANDS, low_hz=_LOW_HZ, high_hz=_HIGH_HZ
        )
        return filters * np.float32(self.sample_rate / self.n_fft)

    @cached_property
    def centres_hz(self) -> NDArray[np.float64]:
        """Centre of each band, Hz."""
        from leitmotiv.audio.mel import mel_to_hz

        mel = np.linspace(float(hz_to_mel(_LOW_HZ)), float(hz_to_mel(_HIGH_HZ)), NUM_BANDS + 2)
        return mel_to_hz(mel)[1:-1]

    @cached_property
    def spread(self) -> NDArray[np.float32]:
        """Interpolation from bands to bins, float32 (bins, bands); rows sum to 1."""
        frequency = np.arange(self.n_fft // 2 + 1) * (self.sample_rate / self.n_fft)
        place = np.interp(
            hz_to_mel(frequency), hz_to_mel(self.centres_hz), np.arange(NUM_BANDS, dtype=float)
        )
        distance = np.abs(place[:, None] - np.arange(NUM_BANDS))
        return np.maximum(0.0, 1.0 - distance).astype(np.float32)

    def power(self, spectrum: NDArray[Any]) -> NDArray[np.float32]:
        """Power of a spectrum (..., bins, frames) in sine amplitudes squared."""
        amplitude = np.abs(spectrum) * np.float32(self.scale)
        return np.square(amplitude, dtype=np.float32)

    def levels_db(self, power: NDArray[Any]) -> NDArray[np.float32]:
        """Levels of bands, float32 (..., bands, frames), of power (..., bins, frames)."""
        mel = np.matmul(self.filters, power)
        return 10 * np.log10(np.maximum(mel, np.float32(10 ** (FLOOR_DB / 10))))

    def of_audio(self, audio: NDArray[Any]) -> NDArray[np.float32]:
        """Levels (bands, frames) of audio (channels, samples) brought to :data:`LEVEL_DB`.

        Channels are summed in power, so that opposed phases do not cancel.
        """
        spectrum = stft(audio, n_fft=self.n_fft, hop_length=self.hop_length)
        power = self.power(spectrum).mean(axis=0)
        gain_db = LEVEL_DB - active_level_db(power.sum(axis=0))
        return self.levels_db(power * np.float32(10 ** (gain_db / 10)))


def active_level_db(frame_power: NDArray[Any]) -> float:
    """Mean level of the frames that are within 40 dB of the loudest; :data:`LEVEL_DB` of silence.

    Examples
    --------
    >>> active_level_db(np.array([0.01, 0.01, 0.0, 0.0]))
    -20.0
    """
    power = np.asarray(frame_power, dtype=np.float64)
    loudest = float(power.max(initial=0.0))
    if loudest < 1e-10:
        return LEVEL_DB
    active = power[power > loudest * 10 ** (-_GATE_DB / 10)]
    return float(10 * np.log10(active.mean()))
