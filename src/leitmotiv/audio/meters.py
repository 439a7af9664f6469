"""Meters: loudness, peaks, crest, silence.

Purpose: measure audio as the broadcast standards do.

Conventions: audio is float ``(channels, samples)``, full scale at 1.0. Decibels of silence are
``-inf``. Loudness is in LUFS, true peak in dB relative to full scale (dBTP).

Public names: :func:`integrated_lufs`, :func:`true_peak_dbtp`, :func:`true_peak_envelope`,
:func:`sample_peak_dbfs`, :func:`rms_dbfs`, :func:`crest_db`, :func:`is_silent`,
:func:`active_sec`, :func:`k_weighting`, :func:`gated_lufs`.

References: ITU-R BS.1770-4 (Annex 1 loudness, Annex 2 true peak); EBU R 128. Tested against
pyloudnorm, which is slower and refuses audio shorter than one block.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import AudioError

__all__ = [
    "active_sec",
    "crest_db",
    "gated_lufs",
    "integrated_lufs",
    "is_silent",
    "k_weighting",
    "rms_dbfs",
    "sample_peak_dbfs",
    "true_peak_dbtp",
    "true_peak_envelope",
]

SILENCE_DBFS = -96.0
"""Level below which audio counts as silent: one step of 16 bits."""

ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = -10.0
BLOCK_SEC = 0.4
HOP_SEC = 0.1
_HOPS_AT_A_TIME = 64

OVERSAMPLING = 4
_TAPS = 24  # of the interpolator, a phase
_FRAME = 40  # samples a row of the interpolating matrix


def _check(audio: NDArray[np.floating]) -> None:
    if audio.ndim != 2 or not np.issubdtype(audio.dtype, np.floating):
        raise AudioError(
            f"audio has dtype {audio.dtype} and shape {audio.shape}; it must be float with shape "
            "(channels, samples)"
        )


def _to_db(amplitude: float) -> float:
    return 20.0 * math.log10(amplitude) if amplitude > 0 else -math.inf


@lru_cache(maxsize=8)
def k_weighting(sample_rate: int) -> NDArray[np.float64]:
    """Return the K-weighting filter as second-order sections, shape (2, 6).

    The analogue prototypes behind the 48 kHz coefficients of BS.1770-4, Annex 1, tables 1 and 2,
    transformed for any sample rate (De Man 2014).
    """
    # Stage 1: high shelf, +4 dB above about 1.7 kHz.
    gain_db, quality, centre_hz = 3.999843853973347, 0.7071752369554196, 1681.974450955533
    k = math.tan(math.pi * centre_hz / sample_rate)
    high = 10 ** (gain_db / 20)
    band = high**0.4996667741545416
    norm = 1 + k / quality + k * k
    shelf = [
        (high + band * k / quality + k * k) / norm,
        2 * (k * k - high) / norm,
        (high - band * k / quality + k * k) / norm,
        1.0,
        2 * (k * k - 1) / norm,
        (1 - k / quality + k * k) / norm,
    ]
    # Stage 2: high pass at 38 Hz.
    quality, centre_hz = 0.5003270373238773, 38.13547087602444
    k = math.tan(math.pi * centre_hz / sample_rate)
    norm = 1 + k / quality + k * k
    highpass = [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / norm, (1 - k / quality + k * k) / norm]
    return np.asarray([shelf, highpass])


def _block_powers(audio: NDArray[np.floating], sample_rate: int) -> NDArray[np.float64]:
    """K-weighted mean square of each gating block, summed over channels (equations 1 and 3)."""
    from scipy.signal import sosfilt

    hop = round(HOP_SEC * sample_rate)
    hops_per_block = round(BLOCK_SEC / HOP_SEC)
    filters = k_weighting(sample_rate).astype(np.float32)
    num_hops = audio.shape[1] // hop
    if num_hops < hops_per_block:  # shorter than one block: the whole of it, ungated
        weighted = sosfilt(filters, audio.astype(np.float32), axis=1)
        return np.asarray([np.mean(np.square(weighted, dtype=np.float64), axis=1).sum()])
    power = np.empty(num_hops)
    state = np.zeros((len(filters), audio.shape[0], 2), dtype=np.float32)
    for first in range(0, num_hops, _HOPS_AT_A_TIME):  # a copy of long audio would be large
        last = min(first + _HOPS_AT_A_TIME, num_hops)
        samples = np.asarray(audio[:, first * hop : last * hop], dtype=np.float32)
        weighted, state = sosfilt(filters, samples, axis=1, zi=state)
        hops = weighted.reshape(audio.shape[0], last - first, hop)
        power[first:last] = np.einsum("chs,chs->h", hops, hops)
    power /= hop
    sums = np.cumsum(np.concatenate([[0.0], power]))
    return np.asarray((sums[hops_per_block:] - sums[:-hops_per_block]) / hops_per_block)


def _power_to_lufs(power: float) -> float:
    return -0.691 + 10 * math.log10(power) if power > 0 else -math.inf


def integrated_lufs(audio: NDArray[np.floating], sample_rate: int) -> float:
    """Measure gated integrated loudness (BS.1770-4, Annex 1).

    Audio shorter than one 400 ms block is measured as one ungated block. Channels weigh 1.0
    each: mono and stereo only; :class:`~leitmotiv.audio.loudness.LoudnessMeter` knows more.

    Returns
    -------
    float
        LUFS; ``-inf`` when empty or below the absolute gate of -70 LUFS throughout.

    Raises
    ------
    AudioError
        If the audio is not float (channels, samples) or has more than two channels.

    Examples
    --------
    A full-scale 997 Hz sine in one channel reads -3.01 LUFS (Annex 1, note 1).

    >>> import numpy as np
    >>> sine = np.sin(2 * np.pi * 997 / 48000 * np.arange(96000, dtype=np.float64))
    >>> round(integrated_lufs(sine[None], 48000), 2)
    -3.01
    """
    _check(audio)
    if audio.shape[0] > 2:
        raise AudioError(f"audio has {audio.shape[0]} channels; loudness is measured on 1 or 2")
    if not audio.size or not audio.any():
        return -math.inf
    return gated_lufs(_block_powers(audio, sample_rate))


def gated_lufs(powers: NDArray[np.floating]) -> float:
    """Return the loudness of K-weighted block powers through both gates (equations 5-7)."""
    gated = powers[powers > 10 ** ((ABSOLUTE_GATE_LUFS + 0.691) / 10)]
    if not len(gated):
        return -math.inf
    relative = gated.mean() * 10 ** (RELATIVE_GATE_LU / 10)
    return _power_to_lufs(float(gated[gated > relative].mean()))


def active_sec(audio: NDArray[np.floating], sample_rate: int, *, gate_dbfs: float = -60.0) -> float:
    """Return the seconds in which a 100 ms hop's RMS is above the gate."""
    _check(audio)
    hop = round(HOP_SEC * sample_rate)
    num_hops = -(-audio.shape[1] // hop)
    if not audio.size:
        return 0.0
    edges = np.arange(num_hops) * hop
    power = np.add.reduceat(np.einsum("cs,cs->s", audio, audio), edges) / (hop * audio.shape[0])
    return float(np.count_nonzero(power > 10 ** (gate_dbfs / 10)) * HOP_SEC)


def interpolation_taps() -> NDArray[np.float64]:
    """Return the taps between two samples of BS.1770-4, Annex 2, shape (3, 24).

    Row by row they give the value a quarter, a half and three quarters of a sample after sample
    n from samples n - 11 to n + 12: a Kaiser-windowed sinc, four times the sample rate.
    """
    half = _TAPS // 2
    offsets = np.arange(-half + 1, half + 1)  # input samples around the one being interpolated
    phases = np.arange(1, OVERSAMPLING) / OVERSAMPLING
    distance = phases[:, None] - offsets[None, :]
    window = np.i0(7.0 * np.sqrt(np.maximum(1 - (distance / half) ** 2, 0))) / np.i0(7.0)
    kernels = np.sinc(distance) * window
    return np.asarray(kernels / kernels.sum(axis=1, keepdims=True))  # unity at 0 Hz


@lru_cache(maxsize=1)
def _interpolator() -> tuple[NDArray[np.float32], float]:
    """Return the interpolating matrix, shape (frame + taps - 1, frame * 3), and its gain bound.

    A row of ``frame + taps - 1`` samples times the matrix gives the values a quarter, a half and
    three quarters after each of its inner samples, one third of the columns each.
    """
    kernels = interpolation_taps()
    matrix = np.zeros((_FRAME + _TAPS - 1, OVERSAMPLING - 1, _FRAME), dtype=np.float32)
    for sample in range(_FRAME):
        matrix[sample : sample + _TAPS, :, sample] = kernels.T
    return matrix.reshape(_FRAME + _TAPS - 1, -1), float(np.abs(kernels).sum(axis=1).max())


def _frames(channel: NDArray[np.float32]) -> NDArray[np.float32]:
    """View one channel as overlapping rows, shape (rows, frame + taps - 1); a copy is padded."""
    rows = -(-len(channel) // _FRAME)
    padded = np.zeros(rows * _FRAME + _TAPS, dtype=np.float32)
    padded[_TAPS // 2 - 1 : _TAPS // 2 - 1 + len(channel)] = channel
    stride = padded.strides[0]
    return np.lib.stride_tricks.as_strided(
        padded, (rows, _FRAME + _TAPS - 1), (stride * _FRAME, stride), writeable=False
    )


def true_peak_envelope(audio: NDArray[np.floating], *, floor: float = 0.0) -> NDArray[np.float32]:
    """Return the largest value at and up to the next sample, four times oversampled.

    Parameters
    ----------
    audio : ndarray of float, shape (channels, samples)
    floor : float
        Where no true peak can reach this level the sample peak is returned, which is cheaper.

    Returns
    -------
    ndarray of float32, shape (samples,)
        Maximum over channels.
    """
    _check(audio)
    matrix, bound = _interpolator()
    num_samples = audio.shape[1]
    num_rows = -(-num_samples // _FRAME)
    envelope = np.zeros(num_rows * _FRAME, dtype=np.float32)
    samples = envelope[:num_samples]
    for channel in audio:
        np.maximum(samples, np.abs(channel, dtype=np.float32), out=samples)
    if not samples.max(initial=0.0) * bound > floor:
        return samples
    by_row = envelope.reshape(num_rows, _FRAME)
    for channel in audio:
        frames = _frames(np.asarray(channel, dtype=np.float32))
        reach = (
            np.maximum(frames.max(axis=1, initial=0.0), -frames.min(axis=1, initial=0.0)) * bound
        )
        for rows in _batches(np.flatnonzero(reach > floor)):
            between = frames[rows] @ matrix
            np.abs(between, out=between)
            peak = by_row[rows]
            for phase in range(OVERSAMPLING - 1):
                np.maximum(peak, between[:, phase * _FRAME : (phase + 1) * _FRAME], out=peak)
            by_row[rows] = peak
    return samples


def _batches(rows: NDArray[np.intp], size: int = 2048) -> list[NDArray[np.intp]]:
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def true_peak_dbtp(audio: NDArray[np.floating]) -> float:
    """Measure the true peak, four times oversampled (BS.1770-4, Annex 2).

    Only stretches whose samples could hold the peak are oversampled: the interpolator's gain is
    bounded, so the result equals that of oversampling everything.

    Returns
    -------
    float
        dBTP; ``-inf`` when empty or silent.

    Examples
    --------
    A sine at a quarter of the sample rate whose samples all miss its crests by 45 degrees:

    >>> import numpy as np
    >>> sine = np.sin(np.pi / 2 * np.arange(480) + np.pi / 4) * np.hanning(480)
    >>> abs(true_peak_dbtp(sine[None])) < 0.05, round(sample_peak_dbfs(sine[None]), 1)
    (True, -3.0)
    """
    _check(audio)
    if not audio.size:
        return -math.inf
    matrix, bound = _interpolator()
    best = float(max(audio.max(), -audio.min()))
    for channel in audio:
        frames = _frames(np.asarray(channel, dtype=np.float32))
        reach = np.maximum(frames.max(axis=1), -frames.min(axis=1)) * bound
        # Loudest first, so that the bound soon excludes the rest.
        candidates = np.flatnonzero(reach > best)
        candidates = candidates[np.argsort(-reach[candidates], kind="stable")]
        for rows in _batches(candidates):
            if reach[rows[0]] <= best:
                break
            between = frames[rows] @ matrix
            best = max(best, float(between.max()), -float(between.min()))
    return _to_db(best)


def sample_peak_dbfs(audio: NDArray[np.floating]) -> float:
    """Return the largest absolute sample in dBFS; ``-inf`` when empty or silent."""
    _check(audio)
    return _to_db(float(max(audio.max(), -audio.min()))) if audio.size else -math.inf


def rms_dbfs(audio: NDArray[np.floating]) -> float:
    """Return the root mean square over all channels in dB; a full-scale square wave reads 0."""
    _check(audio)
    if not audio.size:
        return -math.inf
    return _to_db(math.sqrt(float(np.mean(np.square(audio, dtype=np.float64)))))


def crest_db(audio: NDArray[np.floating]) -> float:
    """Return peak over RMS in dB; 0 for silence."""
    peak = sample_peak_dbfs(audio)
    return 0.0 if peak == -math.inf else peak - rms_dbfs(audio)


def is_silent(audio: NDArray[np.floating], *, threshold_dbfs: float = SILENCE_DBFS) -> bool:
    """Return whether no sample rises above the threshold."""
    return sample_peak_dbfs(audio) <= threshold_dbfs
