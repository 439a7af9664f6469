"""Mastering: from a mix to a file of the wanted loudness.

Purpose: reach a loudness target exactly with true peaks below a ceiling, touching the sound
little.

How it works: the chain of :mod:`~leitmotiv.mix.chain` is run once; the gain into its limiter is
corrected until the measured loudness is within :data:`TRIM_DB` of the target, and the rest is a
plain gain, for which the limiter leaves room. The limiter's ceiling lies
:data:`ENCODER_MARGIN_DB` under the profile's, since lossy encoders raise peaks; where a lossy
format is named, the master is encoded, decoded and measured, and corrected until what listeners
hear is on target and under the ceiling.

Public names: :func:`master`, :class:`Target`, :func:`search_gain`.

References: ITU-R BS.1770-4; EBU R 128; AES TD1008 (streaming loudness); Sony ASWG-R001 (games).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio import (
    LoudnessMeter,
    Master,
    integrated_lufs,
    is_silent,
    round_trip,
    sample_peak_dbfs,
    true_peak_dbtp,
)
from leitmotiv.audio.sound_report import SoundReport, sampled_spectrum
from leitmotiv.errors import AudioError
from leitmotiv.mix.chain import (
    CLIPPING_DB,
    LARGEST_GAIN_DB,
    ArraySource,
    Finish,
    plan_chain,
    run_chain,
)
from leitmotiv.mix.profiles import PROFILES, MasterProfile, find_profile

__all__ = ["PROFILES", "MasterProfile", "Target", "master", "search_gain"]

TRIM_DB = 0.1  # what the last plain gain may be
MAX_ITERATIONS = 6
MAX_ENCODINGS = 4
ENCODER_MARGIN_DB = 0.9
CODEC_TOLERANCE_LU = 0.05
OUT_OF_REACH_LU = 0.3


@dataclass(frozen=True)
class Target:
    """What the limiter aims at: loudness of the file, true peak of the file."""

    integrated_lufs: float
    ceiling_dbtp: float

    @property
    def limiter_dbtp(self) -> float:
        """Ceiling of the limiter: room is left for the last plain gain."""
        return self.ceiling_dbtp - TRIM_DB


def search_gain(
    target: Target,
    loudness: float,
    measure: Callable[[float], float],
    *,
    first_db: float | None = None,
) -> tuple[float, float]:
    """Find the gain into the limiter that lands on the target.

    Parameters
    ----------
    target : Target
    loudness : float
        Of what goes in, in LUFS.
    measure : callable
        Loudness that comes out for a gain in dB.
    first_db : float, optional
        The gain to try first, where one is known; else what a limiter without effect would need.

    Returns
    -------
    (gain_db, reached_lufs)
        The last gain tried.
    """
    gain_db = 0.0 if loudness == -math.inf else target.integrated_lufs - loudness
    gain_db = gain_db if first_db is None else first_db
    tried: list[tuple[float, float]] = []
    reached = loudness
    for _ in range(MAX_ITERATIONS):
        reached = measure(gain_db)
        miss = target.integrated_lufs - reached
        tried.append((gain_db, reached))
        if abs(miss) <= TRIM_DB or not math.isfinite(miss):
            break
        slope = 0.77 if miss > 0 else 1.0  # the limiter eats part of each added dB
        if len(tried) > 1 and abs(tried[-1][0] - tried[-2][0]) > 1e-6:
            (gain_1, reached_1), (gain_2, reached_2) = tried[-2:]
            slope = float(np.clip((reached_2 - reached_1) / (gain_2 - gain_1), 0.2, 1.2))
        if gain_db + miss / slope > LARGEST_GAIN_DB:
            break
        gain_db += miss / slope
    return tried[-1]


def master(
    mix_audio: NDArray[np.float32],
    sample_rate: int,
    *,
    profile: str | MasterProfile = "streaming",
    tone: str = "balanced",
    reference: SoundReport | None = None,
    format: str | None = None,
) -> Master:
    """Master a mix.

    Parameters
    ----------
    mix_audio : ndarray of float32, shape (2, samples)
    sample_rate : int
        Hz.
    profile : str or MasterProfile
        ``streaming`` (-14 LUFS, -1 dBTP), ``film`` (-23, -2), ``game`` (-23, -1),
        ``game-portable`` (-18, -1), ``loop`` (-18, -1, the end runs into the start), ``raw``, or
        your own.
    tone : str
        The genre curve that the spectrum is led towards where it lies far from it: ``balanced``,
        ``pop``, ``electronic``, ``orchestral``, ``acoustic``, ``ambient``, or ``none``.
    reference : SoundReport, optional
        A track to come near to in tone, width and dynamics instead.
    format : str, optional
        A lossy format that the master will be encoded in: loudness and peak are then those of
        the decoded file.

    Returns
    -------
    Master
        Same length. Silence stays silence and the notes say so; so do they when the target is
        out of reach.

    Raises
    ------
    AudioError
        If the mix is not finite float32 (2, samples), or the profile or tone does not exist.
    """
    profile = find_profile(profile)
    if mix_audio.dtype != np.float32 or mix_audio.ndim != 2 or mix_audio.shape[0] != 2:
        raise AudioError(
            f"mix has dtype {mix_audio.dtype} and shape {mix_audio.shape}; it must be float32 "
            "with shape (2, samples)"
        )
    if not np.isfinite(np.sum(mix_audio)):
        raise AudioError("mix holds NaN or infinite samples; check the instruments and effects")
    loudness = integrated_lufs(mix_audio, sample_rate)
    if is_silent(mix_audio):
        note = "the mix is silent, so the master is silent; check that the parts hold notes"
        return Master(np.zeros_like(mix_audio), sample_rate, -math.inf, -math.inf, (note,))
    if profile.integrated_lufs is None:
        return Master(mix_audio.copy(), sample_rate, loudness, true_peak_dbtp(mix_audio))

    spectrum_db = sampled_spectrum(mix_audio, sample_rate)
    dynamics_db = None if reference is None else true_peak_dbtp(mix_audio) - loudness
    chain = plan_chain(
        spectrum_db,
        loudness,
        profile,
        num_channels=2,
        sample_rate=sample_rate,
        tone=tone,
        reference=reference,
        dynamics_db=dynamics_db,
    )
    audio = np.empty_like(mix_audio)
    shaped = run_chain(
        ArraySource(mix_audio, sample_rate),
        chain.effects(),
        gain_db=chain.gain_db,
        is_loop=profile.is_loop,
    )
    _collect(shaped, audio)
    _fade(audio, round(profile.fade_sec * sample_rate))
    return _to_target(audio, sample_rate, profile, profile.integrated_lufs, format)


def _collect(blocks: Iterator[NDArray[np.float32]], out: NDArray[np.float32]) -> None:
    at = 0
    for block in blocks:
        out[:, at : at + block.shape[1]] = block
        at += block.shape[1]


def _fade(audio: NDArray[np.float32], fade_samples: int) -> None:
    fade_samples = min(fade_samples, audio.shape[1] // 4)
    if fade_samples:
        curve = 0.5 + 0.5 * np.cos(np.pi * np.arange(1, fade_samples + 1) / fade_samples)
        audio[:, -fade_samples:] *= curve.astype(np.float32)


def _to_target(
    audio: NDArray[np.float32],
    sample_rate: int,
    profile: MasterProfile,
    wanted_lufs: float,
    format: str | None,
) -> Master:
    """Limit to the target; where a format is named, until the decoded file is there."""
    target = Target(wanted_lufs, profile.ceiling_dbtp - ENCODER_MARGIN_DB)
    result = _limit(audio, sample_rate, profile, target)
    for _ in range(MAX_ENCODINGS if format is not None else 0):
        assert format is not None
        decoded, rate = round_trip(result.audio, sample_rate, format)
        peak = true_peak_dbtp(decoded)
        loudness = integrated_lufs(decoded, rate)
        too_tall = peak - profile.ceiling_dbtp
        miss = wanted_lufs - loudness
        reachable = abs(result.integrated_lufs - target.integrated_lufs) <= OUT_OF_REACH_LU
        if too_tall <= 0 and (abs(miss) <= CODEC_TOLERANCE_LU or not reachable):
            break
        target = Target(
            target.integrated_lufs + (miss if reachable and abs(miss) < 1 else 0.0),
            target.ceiling_dbtp - (too_tall + 0.1 if too_tall > 0 else 0.0),
        )
        result = _limit(audio, sample_rate, profile, target)
    notes: tuple[str, ...] = ()
    if not abs(wanted_lufs - result.integrated_lufs) <= OUT_OF_REACH_LU:
        notes = (
            f"the master reads {result.integrated_lufs:.1f} LUFS, not {wanted_lufs:g}: "
            "the music is too short, too sparse or too peaky to be brought there",
        )
    return Master(result.audio, sample_rate, result.integrated_lufs, result.true_peak_dbtp, notes)


def _limit(
    audio: NDArray[np.float32], sample_rate: int, profile: MasterProfile, target: Target
) -> Master:
    """Find the gain into the limiter that lands on the target."""
    limited = np.empty_like(audio)  # one buffer for every attempt
    peak_dbfs = sample_peak_dbfs(audio)
    source = ArraySource(audio, sample_rate)

    def measure(gain_db: float) -> float:
        finish = Finish(
            target.limiter_dbtp,
            rounds_off=peak_dbfs + gain_db > target.limiter_dbtp + CLIPPING_DB,
            num_channels=2,
            sample_rate=sample_rate,
        )
        done = run_chain(source, [finish], gain_db=gain_db, is_loop=profile.is_loop)
        _collect(_heard(done, meter := LoudnessMeter(2, sample_rate)), limited)
        return meter.integrated_lufs

    _, reached = search_gain(target, integrated_lufs(audio, sample_rate), measure)
    trim_db = float(np.clip(target.integrated_lufs - reached, -2 * TRIM_DB, TRIM_DB))
    peak = true_peak_dbtp(limited)
    if math.isfinite(peak):
        trim_db = min(trim_db, target.ceiling_dbtp - peak)
    limited *= np.float32(10 ** (trim_db / 20))
    return Master(limited, sample_rate, reached + trim_db, peak + trim_db)


def _heard(
    blocks: Iterator[NDArray[np.float32]], meter: LoudnessMeter
) -> Iterator[NDArray[np.float32]]:
    for block in blocks:
        meter.add(block)
        yield block
