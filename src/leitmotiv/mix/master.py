"""Mastering: from a mix to a file of the wanted loudness.

Purpose: reach a loudness target with true peaks below a ceiling, touching the sound little.

Chain: tone (a shelf at either end, at most 2 dB, only when the spectrum leans far from that of
mastered music), gentle bus compression, gain, soft clipping of attacks far above the ceiling,
true-peak limiter; the gain is corrected until
the measured loudness is on target, and the result is measured once more. The limiter's
ceiling lies 0.8 dB under the profile's, since lossy encoders raise peaks.

Public names: :class:`MasterProfile`, :data:`PROFILES`, :func:`master`.

References: ITU-R BS.1770-4; EBU R 128; AES TD1008 (streaming loudness); Sony ASWG-R001 (games).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio import Master, integrated_lufs, is_silent, sample_peak_dbfs, true_peak_dbtp
from leitmotiv.effects import Band, Compressor, Equalizer, Limiter, Saturation, apply
from leitmotiv.errors import AudioError

__all__ = ["PROFILES", "MasterProfile", "master"]

LOUDNESS_TOLERANCE_LU = 0.1
MAX_ITERATIONS = 6
LARGEST_GAIN_DB = 40.0
ENCODER_MARGIN_DB = 0.8
CLIPPING_DB = 6.0  # peaks this far above the ceiling are rounded off before the limiter


@dataclass(frozen=True)
class MasterProfile:
    """What a listener's platform wants.

    ``compression`` is the ratio of the bus compressor, 1 for none.
    """

    name: str
    integrated_lufs: float
    ceiling_dbtp: float
    compression: float
    fade_sec: float = 0.05


PROFILES: Mapping[str, MasterProfile] = MappingProxyType(
    {
        "streaming": MasterProfile("streaming", -14.0, -1.0, 1.6),
        "game": MasterProfile("game", -18.0, -1.0, 1.3),
        "film": MasterProfile("film", -23.0, -2.0, 1.0),
    }
)

# Level of the low and the high band against the middle in dB: usual range of finished music.
_BANDS_HZ = ((40.0, 160.0), (300.0, 2500.0), (5000.0, 14000.0))
_LOW_RANGE_DB = (-20.0, 7.0)
_HIGH_RANGE_DB = (-36.0, -12.0)
_LARGEST_TILT_DB = 2.0


def _tone(mix: NDArray[np.float32], sample_rate: int) -> tuple[Band, ...]:
    """Return the shelves that lean the spectrum half way back into the usual range."""
    n_fft = 16384
    num_frames = min(mix.shape[1] // n_fft, 96)
    if num_frames < 8:  # too short to judge
        return ()
    starts = np.linspace(0, mix.shape[1] - n_fft, num_frames).astype(np.int64)
    window = np.hanning(n_fft).astype(np.float32)
    frames = np.stack([mix[0, at : at + n_fft] + mix[1, at : at + n_fft] for at in starts]) * window
    power = np.square(np.abs(np.fft.rfft(frames, axis=1))).sum(axis=0)
    frequency_hz = np.fft.rfftfreq(n_fft, 1 / sample_rate)
    levels = [
        10 * math.log10(power[(frequency_hz >= low) & (frequency_hz < high)].sum() + 1e-20)
        for low, high in _BANDS_HZ
    ]

    def lean(level_db: float, usual: tuple[float, float]) -> float:
        excess = level_db - min(max(level_db, usual[0]), usual[1])
        return float(np.clip(-excess / 2, -_LARGEST_TILT_DB, _LARGEST_TILT_DB))

    low_db = lean(levels[0] - levels[1], _LOW_RANGE_DB)
    high_db = lean(levels[2] - levels[1], _HIGH_RANGE_DB)
    bands: list[Band] = []
    if abs(low_db) > 0.2:
        bands.append(Band("low_shelf", 140.0, low_db))
    if abs(high_db) > 0.2:
        bands.append(Band("high_shelf", 5500.0, high_db))
    return tuple(bands)


def _fade(audio: NDArray[np.float32], fade_samples: int) -> None:
    fade_samples = min(fade_samples, audio.shape[1] // 4)
    if fade_samples:
        curve = 0.5 + 0.5 * np.cos(np.pi * np.arange(1, fade_samples + 1) / fade_samples)
        audio[:, -fade_samples:] *= curve.astype(np.float32)


def master(
    mix_audio: NDArray[np.float32],
    sample_rate: int,
    *,
    profile: str | MasterProfile = "streaming",
) -> Master:
    """Master a mix.

    Parameters
    ----------
    mix_audio : ndarray of float32, shape (2, samples)
    sample_rate : int
        Hz.
    profile : str or MasterProfile
        ``streaming`` (-14 LUFS, -1 dBTP), ``game`` (-18 LUFS, -1 dBTP), ``film`` (-23 LUFS,
        -2 dBTP), or your own.

    Returns
    -------
    Master
        Same length. Silence stays silence and the notes say so; so do they when the target is
        out of reach.

    Raises
    ------
    AudioError
        If the mix is not finite float32 (2, samples) or the profile does not exist.
    """
    if isinstance(profile, str):
        if profile not in PROFILES:
            raise AudioError(f"profile={profile!r} must be one of {', '.join(PROFILES)}")
        profile = PROFILES[profile]
    if mix_audio.dtype != np.float32 or mix_audio.ndim != 2 or mix_audio.shape[0] != 2:
        raise AudioError(
            f"mix has dtype {mix_audio.dtype} and shape {mix_audio.shape}; it must be float32 "
            "with shape (2, samples)"
        )
    if not np.isfinite(np.sum(mix_audio)):
        raise AudioError("mix holds NaN or infinite samples; check the instruments and effects")
    if is_silent(mix_audio):
        note = "the mix is silent, so the master is silent; check that the parts hold notes"
        return Master(np.zeros_like(mix_audio), sample_rate, -math.inf, -math.inf, (note,))

    loudness = integrated_lufs(mix_audio, sample_rate)
    if loudness == -math.inf:  # below the gate, yet not silent
        gain_db = LARGEST_GAIN_DB
    else:
        gain_db = min(profile.integrated_lufs - loudness, LARGEST_GAIN_DB)
    audio = mix_audio * np.float32(10 ** (gain_db / 20))
    apply(audio, Equalizer(_tone(audio, sample_rate), sample_rate=sample_rate), out=audio)
    if profile.compression > 1:
        # Threshold a little above the target: passages, not single notes, come down.
        apply(
            audio,
            Compressor(
                threshold_db=min(profile.integrated_lufs + 1.0, 0.0),
                ratio=profile.compression,
                sample_rate=sample_rate,
            ),
            out=audio,
        )
    _fade(audio, round(profile.fade_sec * sample_rate))
    return _to_target(audio, sample_rate, profile)


def _round_off(audio: NDArray[np.float32], bound: float) -> None:
    """Clip softly at a bound: for attacks so tall that a limiter alone would duck the rest."""
    scale = np.float32(bound)
    audio /= scale
    apply(audio, Saturation(drive_db=0.0), out=audio)
    audio *= scale


def _to_target(audio: NDArray[np.float32], sample_rate: int, profile: MasterProfile) -> Master:
    """Find the gain into the limiter that lands on the target."""
    ceiling_dbtp = profile.ceiling_dbtp - ENCODER_MARGIN_DB
    target = profile.integrated_lufs
    loudness = integrated_lufs(audio, sample_rate)
    gain_db = 0.0 if loudness == -math.inf else target - loudness
    limited, reached = np.empty_like(audio), loudness  # one buffer for every attempt
    peak_dbfs = sample_peak_dbfs(audio)
    for _ in range(MAX_ITERATIONS):
        np.multiply(audio, np.float32(10 ** (gain_db / 20)), out=limited)
        if peak_dbfs + gain_db > ceiling_dbtp + CLIPPING_DB:
            _round_off(limited, 10 ** ((ceiling_dbtp + CLIPPING_DB) / 20))
        limiter = Limiter(ceiling_dbtp=ceiling_dbtp, release_ms=60.0, sample_rate=sample_rate)
        apply(limited, limiter, out=limited)
        reached = integrated_lufs(limited, sample_rate)
        miss = target - reached
        if abs(miss) <= LOUDNESS_TOLERANCE_LU or not math.isfinite(miss):
            break
        # The limiter eats part of each added dB, so large misses are overdrawn a little.
        gain_db += miss * (1.3 if miss > 0 else 1.0)
        if gain_db > LARGEST_GAIN_DB:
            break
    peak = true_peak_dbtp(limited)
    if peak > ceiling_dbtp:
        limited *= np.float32(10 ** ((ceiling_dbtp - peak) / 20))
        reached, peak = integrated_lufs(limited, sample_rate), true_peak_dbtp(limited)
    notes: list[str] = []
    if not abs(target - reached) <= 0.3:
        notes.append(
            f"the master reads {reached:.1f} LUFS, not {target:g}: "
            "the music is too short, too sparse or too peaky to be brought there"
        )
    return Master(limited, sample_rate, reached, peak, tuple(notes))
