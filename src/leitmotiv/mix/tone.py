"""Tonal balance: from the spectrum of a mix towards that of a genre or of a reference.

Purpose: decide a gentle equaliser for a master, or a close one where a person gives a track that
theirs shall sound like.

Conventions: spectra are third-octave levels in dB (:mod:`leitmotiv.audio.sound_report`), compared
after each was brought to the same level between 200 Hz and 2 kHz. A genre curve is a range, not a
line: what lies within :data:`TOLERANCE_DB` of it stays as it is, and what lies outside is led half
way back by at most :data:`LARGEST_DB` in five broad bands. A reference is matched band by band, in
the middle and the side apart, by at most :data:`LARGEST_MATCH_DB`.

Public names: :data:`TONES`, :func:`genre_bands`, :func:`match_curves`, :class:`MatchingFilter`.

References: Pestana, Ma, Reiss, Barbosa and Black, *Spectral characteristics of popular commercial
recordings 1950-2010* (AES 135, 2013), whose mean falls by some 5 dB an octave of constant
bandwidth between 100 Hz and 4 kHz and faster above: the "pop" curve here follows that slope; the
others are this project's own readings of their kinds of music. Oppenheim and Schafer,
*Discrete-Time Signal Processing*, 13 (minimum phase by the cepstrum).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.buffers import SAMPLE_RATE
from leitmotiv.audio.sound_report import THIRD_OCTAVES_HZ
from leitmotiv.effects import Band, band_to_sos
from leitmotiv.effects.effect import check_block
from leitmotiv.errors import AudioError

__all__ = ["TONES", "MatchingFilter", "genre_bands", "match_curves"]

TOLERANCE_DB = 4.0
LARGEST_DB = 2.5
LARGEST_MATCH_DB = 9.0
_SMALLEST_DB = 0.25
_FLOOR_DB = -60.0  # below the loudest band there is nothing to raise

_ANCHORS_HZ = (31.5, 50, 80, 125, 250, 500, 1000, 2000, 4000, 8000, 16000)
# Third-octave levels at the anchors, in dB.
_CURVES = {
    "balanced": (-9, -2, 0, 0, -1.5, -3, -5.5, -8.5, -12, -18, -28),
    "pop": (-8, 0, 1, 0, -2.5, -4.5, -6.5, -8.5, -10.5, -15, -24),
    "electronic": (-2, 4, 3, 0, -4, -6, -8, -9.5, -11, -14, -22),
    "orchestral": (-18, -9, -5, -2, 0, -0.5, -3, -8, -14, -22, -35),
    "acoustic": (-16, -5, -1, 0, -0.5, -2, -4.5, -8.5, -13, -19, -29),
    "ambient": (-8, -2, 0, 0, -1, -3, -7, -12, -17, -24, -34),
}
_WIDER_AT = (2.5, 2.0, 1.3, 1.1, 1.0, 1.0, 1.0, 1.0, 1.2, 1.6, 2.5)
"""How much wider the range is where genres differ most: at both ends."""


def _on_third_octaves(values: tuple[float, ...]) -> NDArray[np.float64]:
    return np.interp(np.log2(THIRD_OCTAVES_HZ), np.log2(_ANCHORS_HZ), values)


TONES: Mapping[str, NDArray[np.float64]] = MappingProxyType(
    {name: _on_third_octaves(values) for name, values in _CURVES.items()}
)
"""Genre curves: third-octave levels in dB, shape (29,)."""

_MIDDLE = (THIRD_OCTAVES_HZ >= 200) & (THIRD_OCTAVES_HZ <= 2000)
_FITTED = (
    Band("low_shelf", 90.0, 1.0),
    Band("bell", 240.0, 1.0, 0.7),
    Band("bell", 750.0, 1.0, 0.7),
    Band("bell", 2400.0, 1.0, 0.7),
    Band("high_shelf", 6500.0, 1.0),
)


def _level(spectrum_db: NDArray[np.float64]) -> float:
    """Level between 200 Hz and 2 kHz, in dB, of the mean power."""
    return float(10 * np.log10(np.mean(10 ** (spectrum_db[_MIDDLE] / 10))))


def _response_db(band: Band, sample_rate: int) -> NDArray[np.float64]:
    """Gain of a band at the third octaves below the Nyquist frequency, 0 above."""
    sos = band_to_sos(band, sample_rate)
    z = np.exp(-2j * np.pi * np.minimum(THIRD_OCTAVES_HZ / sample_rate, 0.5))
    gain = (sos[0] + sos[1] * z + sos[2] * z**2) / (sos[3] + sos[4] * z + sos[5] * z**2)
    return np.where(sample_rate / 2 > THIRD_OCTAVES_HZ, 20 * np.log10(np.abs(gain)), 0.0)


def genre_bands(
    spectrum_db: NDArray[np.float64], tone: str, *, sample_rate: int = SAMPLE_RATE
) -> tuple[Band, ...]:
    """Return the bands of an equaliser that lead a spectrum half way back into a genre's range.

    Parameters
    ----------
    spectrum_db : ndarray of float64, shape (29,)
        Third-octave levels of the mix.
    tone : str
        A name of :data:`TONES`, or ``none``.

    Returns
    -------
    tuple of Band
        At most five; none where the spectrum lies inside the range or there is no sound.

    Raises
    ------
    AudioError
        If there is no such curve.
    """
    if tone == "none":
        return ()
    if tone not in TONES:
        raise AudioError(f"tone={tone!r} must be one of {', '.join(TONES)}, none")
    loudest = float(spectrum_db.max())
    level = _level(spectrum_db)
    if loudest < -120 or level < loudest - 40:  # silence, or a sound without a middle
        return ()
    deviation = spectrum_db - level - (TONES[tone] - _level(TONES[tone]))
    room = TOLERANCE_DB * _on_third_octaves(_WIDER_AT)
    excess = np.sign(deviation) * np.maximum(np.abs(deviation) - room, 0.0)
    # Where next to nothing sounds, more of it would be noise.
    excess[(spectrum_db < loudest + _FLOOR_DB) & (excess < 0)] = 0.0
    wanted = np.clip(-0.5 * excess, -LARGEST_DB, LARGEST_DB)
    usable = [band for band in _FITTED if band.frequency_hz < 0.4 * sample_rate]
    shapes = np.stack([_response_db(band, sample_rate) for band in usable], axis=1)
    # A little damping keeps neighbouring bands from working against each other.
    normal = shapes.T @ shapes + 0.5 * np.eye(len(usable))
    gains = np.clip(np.linalg.solve(normal, shapes.T @ wanted), -LARGEST_DB, LARGEST_DB)
    return tuple(
        Band(band.kind, band.frequency_hz, round(float(gain), 2), band.quality)
        for band, gain in zip(usable, gains, strict=True)
        if abs(gain) >= _SMALLEST_DB
    )


def match_curves(
    own: NDArray[np.float64], wanted: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return gains in dB that bring one spectrum to another, for the middle and the side.

    Parameters
    ----------
    own, wanted : ndarray of float64, shape (2, 29)
        Middle and side of the mix and of the reference; both are compared at the level of their
        middles, so the gains match tone and width and leave loudness to the limiter.

    Returns
    -------
    (ndarray, ndarray) of float64, shape (29,)
        Smoothed over an octave, at most :data:`LARGEST_MATCH_DB`. 0 where either has no sound; a
        mono mix or reference leaves the side as it is.
    """
    level = _level(wanted[0]) - _level(own[0])
    curves = []
    for mine, theirs in zip(own, wanted, strict=True):
        gain = theirs - mine - level
        loudest = max(float(own.max()), -120.0)
        silent = (mine < loudest + _FLOOR_DB - 15) | (theirs < float(wanted.max()) + _FLOOR_DB - 15)
        gain = np.clip(np.where(silent, 0.0, gain), -LARGEST_MATCH_DB, LARGEST_MATCH_DB)
        padded = np.pad(gain, 1, mode="edge")
        curves.append(np.convolve(padded, (0.25, 0.5, 0.25), mode="valid"))
    return curves[0], curves[1]


def minimum_phase(
    gains_db: NDArray[np.float64], sample_rate: int, num_taps: int
) -> NDArray[np.float64]:
    """Return an impulse response with the gains of third octaves and the least delay."""
    n_fft = 8 * num_taps
    frequency_hz = np.fft.rfftfreq(n_fft, 1 / sample_rate)
    gain_db = np.interp(np.log2(np.maximum(frequency_hz, 1.0)), np.log2(THIRD_OCTAVES_HZ), gains_db)
    log_magnitude = gain_db * (np.log(10) / 20)
    cepstrum = np.fft.irfft(log_magnitude, n_fft)
    fold = np.zeros(n_fft)
    fold[0] = fold[n_fft // 2] = 1.0
    fold[1 : n_fft // 2] = 2.0
    response = np.fft.irfft(np.exp(np.fft.rfft(cepstrum * fold)), n_fft)[:num_taps]
    fade = num_taps // 4
    response[-fade:] *= 0.5 + 0.5 * np.cos(np.pi * np.arange(1, fade + 1) / fade)
    return np.asarray(response)


class MatchingFilter:
    """Filters middle and side by curves of gains, block by block and without delay.

    Parameters
    ----------
    mid_gain_db, side_gain_db : ndarray of float64, shape (29,)
        Gains at the third octaves. Audio that is not stereo takes the middle's throughout.
    num_channels : int
    sample_rate : int
        Hz.
    """

    latency_samples = 0

    def __init__(
        self,
        mid_gain_db: NDArray[np.float64],
        side_gain_db: NDArray[np.float64],
        *,
        num_channels: int = 2,
        sample_rate: int = SAMPLE_RATE,
    ) -> None:
        num_taps = 2 ** int(np.ceil(np.log2(0.085 * sample_rate)))
        curves = [mid_gain_db, side_gain_db] if num_channels == 2 else [mid_gain_db] * num_channels
        self._responses = np.stack([minimum_phase(c, sample_rate, num_taps) for c in curves])
        self.num_channels, self._num_taps = num_channels, num_taps
        self.reset()

    def reset(self) -> None:
        """Forget everything heard so far."""
        self._past = np.zeros((self.num_channels, self._num_taps - 1))

    def process(self, block: NDArray[np.float32]) -> NDArray[np.float32]:
        """Filter the next block, float32 (num_channels, samples)."""
        from scipy.signal import oaconvolve

        check_block(block, self.num_channels)
        if not block.shape[1]:
            return block.copy()
        turned = block.astype(np.float64)
        if self.num_channels == 2:
            turned = np.stack([turned[0] + turned[1], turned[0] - turned[1]]) / 2
        heard = np.concatenate([self._past, turned], axis=1)
        self._past = heard[:, heard.shape[1] - self._num_taps + 1 :]
        out = oaconvolve(heard, self._responses, mode="valid", axes=1)
        if self.num_channels == 2:
            out = np.stack([out[0] + out[1], out[0] - out[1]])
        return np.asarray(out, dtype=np.float32)
