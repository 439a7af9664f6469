"""The shared room: one hall, heard by every stem by itself.

Purpose: give each stem its own share of one reverb, so that the stems still sum to the mix.

The hall is :class:`~leitmotiv.effects.reverb.Reverb` frozen into its impulse response. A fixed
response is linear, so reverberating stems one by one or all together is the same, and fast
convolution costs four transforms a stem, far less than one network a stem.

Public names: :func:`hall_response`, :func:`convolve`.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.effects import Band, Equalizer, Reverb, room_response
from leitmotiv.mix.automation import GainCurve
from leitmotiv.mix.presets import MixPreset

__all__ = ["convolve", "hall_response"]

_SEGMENT = 2**19  # transform length; 11 s at 48 kHz


@lru_cache(maxsize=4)
def _response(
    decay_sec: float,
    high_decay_ratio: float,
    pre_delay_ms: float,
    size: float,
    early_level: float,
    sample_rate: int,
) -> NDArray[np.float32]:
    reverb = Reverb(
        decay_sec=decay_sec,
        high_decay_ratio=high_decay_ratio,
        pre_delay_ms=pre_delay_ms,
        size=size,
        early_level=early_level,
        modulation_hz=1.0,  # frozen with the response: smooth modes, and no chorus
        sample_rate=sample_rate,
    )
    # 60 dB down after the decay time; the response ends with a fade below that.
    response = room_response(reverb, decay_sec + pre_delay_ms * 1e-3 + 0.1)
    # Rooms under music are cleaned below the bass and above the air.
    cleaning = (Band("high_pass", 140.0), Band("high_shelf", 7000.0, -3.0))
    for row in response:
        equalizer = Equalizer(cleaning, num_channels=2, sample_rate=sample_rate)
        row[:] = equalizer.process(row)
    fade = round(0.1 * sample_rate)
    response[:, :, -fade:] *= np.linspace(1, 0, fade, dtype=np.float32) ** 2
    # Unit energy from an input: for sound from the middle, the send is then the room's level
    # against the direct sound.
    response /= np.sqrt(np.mean(np.square(response).sum(axis=(1, 2))))
    response.flags.writeable = False
    return response


def hall_response(preset: MixPreset, sample_rate: int) -> NDArray[np.float32]:
    """Return the preset's impulse response, float32 (2 inputs, 2 outputs, samples).

    Its energy is scaled so that noise from the middle comes back as loud as it went in.
    """
    return _response(
        preset.decay_sec,
        preset.high_decay_ratio,
        preset.pre_delay_ms,
        preset.size,
        preset.early_level,
        sample_rate,
    )


def convolve(
    audio: NDArray[np.float32],
    response: NDArray[np.float32],
    *,
    send: GainCurve | None = None,
    sample_rate: int = SAMPLE_RATE,
) -> NDArray[np.float32]:
    """Convolve stereo audio with a 2-in 2-out response, cut to the length of the audio.

    Overlap and add; silent segments cost nothing.

    Parameters
    ----------
    audio : ndarray of float32, shape (2, samples)
    response : ndarray of float32, shape (2 inputs, 2 outputs, taps)
    send : GainCurve, optional
        Gain over time on the way in.
    sample_rate : int
        Hz, which ``send`` needs.

    Returns
    -------
    ndarray of float32, shape (2, samples)
    """
    from scipy.fft import irfft, next_fast_len, rfft

    num_samples, num_taps = audio.shape[1], response.shape[2]
    out = np.zeros((2, num_samples + num_taps), dtype=np.float32)
    length = max(_SEGMENT, next_fast_len(2 * num_taps, real=True))
    length = min(length, next_fast_len(num_samples + num_taps, real=True))
    hop = length - num_taps + 1
    spectrum = rfft(response, length, axis=2)
    for start in range(0, num_samples, hop):
        segment = audio[:, start : start + hop]
        if not segment.any():
            continue
        if send is not None:
            segment = segment.copy()
            send.apply(segment, sample_rate, offset_sample=start)
        sent = rfft(segment, length, axis=1)
        mixed = sent[0] * spectrum[0] + sent[1] * spectrum[1]
        wet = irfft(mixed, length, axis=1)
        stop = min(start + length, out.shape[1])
        out[:, start:stop] += wet[:, : stop - start]
    return out[:, :num_samples]
