"""Seamless loops: what rings over the end is heard at the start.

Purpose: cut a mixed piece to its loop so that it can be repeated for ever.

How it works: stems that hold the notes of the loop alone, with the tails of the last ones, are
wound round a circle of the loop's length. What sounds after the end, instruments and room, adds to
the start; what a player brings in just before the first bar line adds to the end. The sum of
repeated loops is then the music repeated with every tail in place, and the seam cannot be heard.

Public names: :func:`fold_stems`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio import LoopPoints, Stems
from leitmotiv.errors import AudioError

__all__ = ["fold_stems"]

_MIX_PEAK = 10 ** (-3 / 20)
_STEM_PEAK = 10 ** (-1 / 20)


def _fold(audio: NDArray[np.float32], loop: LoopPoints) -> NDArray[np.float32]:
    """Wind audio, float32 (channels, samples), round the loop."""
    length = loop.end_sample - loop.start_sample
    folded = np.zeros((audio.shape[0], length), dtype=np.float32)
    first = math.floor(-loop.start_sample / length)
    turns = math.ceil((audio.shape[1] - loop.start_sample) / length)
    for turn in range(first, turns):
        start = loop.start_sample + turn * length
        piece = audio[:, max(start, 0) : max(start + length, 0)]
        at = max(-start, 0)
        folded[:, at : at + piece.shape[1]] += piece
    return folded


def fold_stems(stems: Stems, loop: LoopPoints) -> Stems:
    """Return stems of the loop's length with their tails folded into the start.

    Parameters
    ----------
    stems : Stems
        Only notes that start in the loop may sound in them.
    loop : LoopPoints
        In samples of the stems.

    Returns
    -------
    Stems
        They still sum to the mix; all come down together where folding would pass -3 dBFS in the
        mix or -1 dBFS in a stem.

    Raises
    ------
    AudioError
        If the loop does not start inside the stems.
    """
    if loop.start_sample >= stems.num_samples:
        raise AudioError(
            f"loop starts at sample {loop.start_sample} but the stems end at {stems.num_samples}"
        )
    folded = [_fold(audio, loop) for audio in stems.audio]
    peak = float(np.abs(np.sum(folded, axis=0)).max(initial=0.0))
    loudest = max(float(np.abs(audio).max(initial=0.0)) for audio in folded)
    scale = min(1.0, _MIX_PEAK / max(peak, 1e-9), _STEM_PEAK / max(loudest, 1e-9))
    if scale < 1.0:
        for audio in folded:
            audio *= np.float32(scale)
    return Stems(stems.names, tuple(folded), stems.sample_rate)
