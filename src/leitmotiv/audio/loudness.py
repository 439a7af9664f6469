"""Loudness of a stream: integrated, short-term, momentary and range, with flat memory.

Purpose: one meter that is fed block by block, for files of any length, any channel layout up to
7.1, and for the level of a part bar by bar.

Conventions: power is K-weighted mean square on a fixed grid of hops of 100 ms, summed over
channels with the weights of BS.1770-4, table 3. What the meter says does not depend on how the
audio was cut into blocks.

Public names: :class:`LoudnessMeter`, :func:`hop_powers`, :func:`channel_weights`,
:func:`power_to_lufs`, :data:`HOP_SEC`.

References: ITU-R BS.1770-4, Annex 1; EBU Tech 3341 (momentary, short-term); EBU Tech 3342
(loudness range).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.meters import HOP_SEC, gated_lufs, k_weighting
from leitmotiv.errors import AudioError

__all__ = ["HOP_SEC", "LoudnessMeter", "channel_weights", "hop_powers", "power_to_lufs"]

_MOMENTARY_HOPS = 4
_SHORT_TERM_HOPS = 30
_RANGE_GATE_LU = -20.0  # EBU Tech 3342, 3.1
_RANGE_PERCENT = (10, 95)
_PIECE_HOPS = 64

# Weights by number of channels in the order of WAV files: left, right, centre, low-frequency
# effects, surround. The low-frequency channel does not count.
_SIDE = 1.41
_WEIGHTS = {
    1: (1.0,),
    2: (1.0, 1.0),
    3: (1.0, 1.0, 1.0),
    4: (1.0, 1.0, _SIDE, _SIDE),
    5: (1.0, 1.0, 1.0, _SIDE, _SIDE),
    6: (1.0, 1.0, 1.0, 0.0, _SIDE, _SIDE),
    8: (1.0, 1.0, 1.0, 0.0, 1.0, 1.0, _SIDE, _SIDE),
}


def channel_weights(num_channels: int) -> NDArray[np.float64]:
    """Return the loudness weight of each channel.

    Raises
    ------
    AudioError
        If no layout has that many channels.

    >>> channel_weights(6).tolist()
    [1.0, 1.0, 1.0, 0.0, 1.41, 1.41]
    """
    if num_channels not in _WEIGHTS:
        raise AudioError(
            f"audio has {num_channels} channels; loudness is defined for "
            f"{', '.join(map(str, _WEIGHTS))} channels"
        )
    return np.asarray(_WEIGHTS[num_channels])


def power_to_lufs(power: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return loudness in LUFS of K-weighted powers; ``-inf`` for none (BS.1770-4, equation 2)."""
    with np.errstate(divide="ignore"):
        return np.asarray(-0.691 + 10 * np.log10(power), dtype=np.float64)


class LoudnessMeter:
    """Measures what it is fed.

    Parameters
    ----------
    num_channels : int
    sample_rate : int
        Hz.

    Examples
    --------
    >>> import numpy as np
    >>> sine = np.sin(2 * np.pi * 997 / 48000 * np.arange(96000))[None].astype(np.float32)
    >>> meter = LoudnessMeter(1, 48000)
    >>> for start in range(0, 96000, 1000):
    ...     meter.add(sine[:, start : start + 1000])
    >>> round(meter.integrated_lufs, 2)
    -3.01
    """

    def __init__(self, num_channels: int, sample_rate: int) -> None:
        self._weights = channel_weights(num_channels)
        self.sample_rate = sample_rate
        self.num_samples = 0
        self._hop = round(HOP_SEC * sample_rate)
        self._filters = k_weighting(sample_rate).astype(np.float32)
        self._state = np.zeros((len(self._filters), num_channels, 2), dtype=np.float32)
        self._pending = 0.0  # weighted sum of squares of the hop under way
        self._filled = 0
        self._powers: list[NDArray[np.float64]] = []

    def add(self, block: NDArray[np.float32]) -> None:
        """Hear the next block, float32 (channels, samples)."""
        from scipy.signal import sosfilt

        piece = _PIECE_HOPS * self._hop
        for start in range(0, block.shape[1], piece):
            samples = np.asarray(block[:, start : start + piece], dtype=np.float32)
            heard, self._state = sosfilt(self._filters, samples, axis=1, zi=self._state)
            self._collect(heard)
        self.num_samples += block.shape[1]

    def _collect(self, heard: NDArray[np.float32]) -> None:
        """Sum squares into hops; a hop may have begun in an earlier block."""
        at, num_samples = 0, heard.shape[1]
        if self._filled:
            at = min(self._hop - self._filled, num_samples)
            self._pending += self._sum(heard[:, :at])
            self._filled += at
            if self._filled < self._hop:
                return
            self._powers.append(np.asarray([self._pending / self._hop]))
            self._pending, self._filled = 0.0, 0
        whole = (num_samples - at) // self._hop
        if whole:
            hops = heard[:, at : at + whole * self._hop].reshape(len(heard), whole, self._hop)
            power = np.einsum("chs,chs->ch", hops, hops)
            self._powers.append(self._weights @ power / self._hop)
            at += whole * self._hop
        if at < num_samples:
            self._pending = self._sum(heard[:, at:])
            self._filled = num_samples - at

    def _sum(self, heard: NDArray[np.float32]) -> float:
        return float(self._weights @ np.einsum("cs,cs->c", heard, heard))

    @property
    def powers(self) -> NDArray[np.float64]:
        """K-weighted power of each complete hop of 100 ms, shape (hops,)."""
        if len(self._powers) > 1:
            self._powers = [np.concatenate(self._powers)]
        return self._powers[0] if self._powers else np.zeros(0)

    def _windows(self, num_hops: int) -> NDArray[np.float64]:
        sums = np.cumsum(np.concatenate([[0.0], self.powers]))
        if len(sums) <= num_hops:
            return np.zeros(0)
        return np.asarray(np.maximum(sums[num_hops:] - sums[:-num_hops], 0.0) / num_hops)

    @property
    def integrated_lufs(self) -> float:
        """Gated loudness; audio shorter than 400 ms counts as one block without a gate."""
        blocks = self._windows(_MOMENTARY_HOPS)
        if not len(blocks) and self.num_samples:
            total = float(self.powers.sum()) * self._hop + self._pending
            blocks = np.asarray([total / self.num_samples])
        return gated_lufs(blocks)

    @property
    def momentary_lufs(self) -> NDArray[np.float64]:
        """Loudness of each window of 400 ms, every 100 ms."""
        return power_to_lufs(self._windows(_MOMENTARY_HOPS))

    @property
    def short_term_lufs(self) -> NDArray[np.float64]:
        """Loudness of each window of 3 s, every 100 ms; shape (0,) for shorter audio."""
        return power_to_lufs(self._windows(_SHORT_TERM_HOPS))

    @property
    def loudness_range_lu(self) -> float:
        """Spread between the 10th and 95th percentile of gated short-term loudness.

        0 for audio shorter than 3 s and for silence.
        """
        power = self._windows(_SHORT_TERM_HOPS)
        power = power[power > 10 ** ((-70.0 + 0.691) / 10)]
        if not len(power):
            return 0.0
        power = power[power > power.mean() * 10 ** (_RANGE_GATE_LU / 10)]
        low, high = np.percentile(power_to_lufs(power), _RANGE_PERCENT)
        return float(high - low)


def hop_powers(audio: NDArray[np.float32], sample_rate: int) -> NDArray[np.float64]:
    """Return the K-weighted power of each hop of 100 ms, shape (hops,); an odd end is left out."""
    meter = LoudnessMeter(audio.shape[0], sample_rate)
    meter.add(audio)
    return meter.powers
