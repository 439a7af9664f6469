"""Unmasking: gentle, static equalisers where parts collide.

Purpose: let parts that matter more be heard through those that matter less, without turning
anything down as a whole.

How it works: each part's spectrum is brought to the loudness that its role will have; where a part
stands close to or above the melody in a band that carries the melody, that band of the part is
taken down a little by at most two bells. The bass makes room for the kick in the same way.

Public names: :func:`unmasking_bands`, :func:`stem_spectrum_db`.

Reference: Hafezi and Reiss, *Autonomous multitrack equalization based on masking reduction*
(JAES 63, 2015), for ranks of parts and cuts in the masker rather than boosts in the masked.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.sound_report import THIRD_OCTAVES_HZ
from leitmotiv.effects import Band

__all__ = ["stem_spectrum_db", "unmasking_bands"]

LARGEST_CUT_DB = 4.0
SMALLEST_CUT_DB = 0.8
CARRIES_DB = 12.0  # bands this far below the strongest still carry a part
OVERLAP_DB = -6.0  # a masker that comes this near is taken down
QUALITY = 1.0
_MASKED_HZ = (220.0, 6000.0)
_KICK_HZ = (40.0, 110.0)
# How much a role gives way to the melody.
_YIELD = {"melody": 0.0, "counter": 0.5, "harmony": 0.8, "bass": 0.3, "pad": 1.0, "drums": 0.3}
_BASS_YIELDS = 0.6

# K-weighting in dB at the third octaves, near enough for balance (BS.1770-4, figures 2 and 4).
_K_DB = np.interp(
    np.log2(THIRD_OCTAVES_HZ),
    np.log2([25, 40, 63, 100, 200, 800, 1600, 3150, 16000]),
    [-8.5, -4.5, -2.2, -1.1, -0.4, 0.0, 1.9, 3.6, 4.0],
)


def stem_spectrum_db(power: NDArray[np.float64], sample_rate: int) -> NDArray[np.float64]:
    """Return third-octave levels of a power spectrum in dB, shape (29,).

    ``power`` has shape (n_fft / 2 + 1,).
    """
    bin_hz = sample_rate / 2 / (len(power) - 1)
    sums = np.concatenate([[0.0], np.cumsum(power)])
    edges = THIRD_OCTAVES_HZ[:, None] * 2.0 ** (np.array([[-1.0, 1.0]]) / 6) / bin_hz + 0.5
    low, high = np.interp(np.clip(edges, 0, len(power)), np.arange(len(sums)), sums).T
    return np.asarray(10 * np.log10(np.maximum(high - low, 0.0) + 1e-20))


def _at_level(spectrum_db: NDArray[np.float64], level_lu: float) -> NDArray[np.float64]:
    """Bring a spectrum to a loudness."""
    loudness = 10 * np.log10(np.sum(10 ** ((spectrum_db + _K_DB) / 10)) + 1e-20)
    return spectrum_db - loudness + level_lu


def unmasking_bands(
    spectra_db: Sequence[NDArray[np.float64] | None],
    roles: Sequence[str],
    levels_lu: Sequence[float],
    *,
    sample_rate: int,
) -> list[tuple[Band, ...]]:
    """Return the bells of each stem that make room for the melody and the kick.

    Parameters
    ----------
    spectra_db : sequence of ndarray or None, shape (29,)
        Third-octave levels of each stem; None for a silent one.
    roles : sequence of str
    levels_lu : sequence of float
        Loudness that each stem is going to have against the others.

    Returns
    -------
    list of tuple of Band
        At most two cuts a stem, of at most :data:`LARGEST_CUT_DB`.
    """
    levelled = [
        None if spectrum is None else _at_level(spectrum, level)
        for spectrum, level in zip(spectra_db, levels_lu, strict=True)
    ]
    melody = _together(levelled, roles, "melody")
    drums = _together(levelled, roles, "drums")
    bands: list[tuple[Band, ...]] = []
    for spectrum, role in zip(levelled, roles, strict=True):
        if spectrum is None:
            bands.append(())
            continue
        cut = np.zeros(len(THIRD_OCTAVES_HZ))
        if melody is not None:
            cut = _YIELD[role] * _overlap(spectrum, melody, _MASKED_HZ)
        if drums is not None and role == "bass":
            cut = np.maximum(cut, _BASS_YIELDS * _overlap(spectrum, drums, _KICK_HZ))
        bands.append(_bells(cut, sample_rate))
    return bands


def _together(
    levelled: Sequence[NDArray[np.float64] | None], roles: Sequence[str], role: str
) -> NDArray[np.float64] | None:
    own = [s for s, each in zip(levelled, roles, strict=True) if each == role and s is not None]
    if not own:
        return None
    return np.asarray(10 * np.log10(np.sum([10 ** (spectrum / 10) for spectrum in own], axis=0)))


def _overlap(
    masker: NDArray[np.float64], masked: NDArray[np.float64], range_hz: tuple[float, float]
) -> NDArray[np.float64]:
    """How many dB a masker stands too high in bands that carry the masked part."""
    inside = (range_hz[0] <= THIRD_OCTAVES_HZ) & (range_hz[1] >= THIRD_OCTAVES_HZ)
    if not inside.any() or masked[inside].max() < masked.max() - 30:
        return np.zeros(len(masker))
    carries = np.clip((masked - masked[inside].max() + CARRIES_DB) / CARRIES_DB, 0.0, 1.0)
    over = np.maximum(masker - masked - OVERLAP_DB, 0.0)
    return np.where(inside, 0.5 * over * carries, 0.0)


def _bells(cut_db: NDArray[np.float64], sample_rate: int) -> tuple[Band, ...]:
    """Place up to two bells where the cuts are deepest."""
    octave_third = np.arange(len(cut_db)) / 3.0
    smooth = np.convolve(np.pad(cut_db, 1, mode="edge"), (0.25, 0.5, 0.25), mode="valid")
    bells: list[Band] = []
    for _ in range(2):
        deepest = int(np.argmax(smooth))
        depth = min(float(smooth[deepest]), LARGEST_CUT_DB)
        if depth < SMALLEST_CUT_DB or THIRD_OCTAVES_HZ[deepest] > 0.4 * sample_rate:
            break
        centre = float(THIRD_OCTAVES_HZ[deepest])
        bells.append(Band("bell", round(centre, 1), round(-depth, 2), QUALITY))
        # A bell of this quality reaches about two thirds of an octave to each side.
        reach = np.exp(-0.5 * ((octave_third - octave_third[deepest]) / 0.6) ** 2)
        smooth = np.maximum(smooth - depth * reach, 0.0)
        smooth[max(deepest - 2, 0) : deepest + 3] = 0.0
    return tuple(bells)
