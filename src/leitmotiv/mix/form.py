"""What the mixer is told about a piece: bars, energy, who leads, where the kick falls.

Purpose: let the mix follow the form. Plan and score stay outside; the pipeline fills this in.

Conventions: times are seconds in the stems. A bar's ``lead`` holds the indices of the stems that
carry the melody there; none where nobody does.

Public names: :class:`MixForm`, :func:`bar_differences_lu`, :func:`share_within`.

References: Gerdes and Siedenburg, *Lead-vocal level in recordings of popular music 1946-2020*
(JASA Express Letters 3, 2023), for the lead against the rest: about +5 dB in the 1940s, near
0 dB since the 1970s, lower in rock than in country.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from leitmotiv.audio.loudness import HOP_SEC
from leitmotiv.errors import AudioError

__all__ = ["MixForm", "bar_differences_lu", "share_within"]

RESTS_BELOW_LU = -20.0  # against its own loudness: then a part is resting
LEAST_HOPS = 3
LEAST_SHARE = 0.2  # of a bar that the lead must play to be judged in it


@dataclass(frozen=True, eq=False)
class MixForm:
    """A piece as the mixer sees it.

    ``bar_sec`` are the bar lines, shape (bars + 1,); ``bar_energy`` from still (0) to climax (1),
    shape (bars,); ``lead`` the leading stems of each bar; ``kick_sec`` the onsets of the kick.

    Raises
    ------
    AudioError
        If the lengths do not fit or the bar lines do not rise.
    """

    bar_sec: NDArray[np.float64]
    bar_energy: NDArray[np.float64]
    lead: tuple[frozenset[int], ...]
    kick_sec: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        if len(self.bar_sec) != self.num_bars + 1 or len(self.lead) != self.num_bars:
            raise AudioError(
                f"{len(self.bar_sec)} bar lines, {self.num_bars} energies and {len(self.lead)} "
                "leads do not fit; give one energy and lead a bar and a line at both ends"
            )
        if np.any(np.diff(self.bar_sec) <= 0):
            raise AudioError("bar_sec must rise from bar line to bar line")

    @property
    def num_bars(self) -> int:
        """Number of bars."""
        return len(self.bar_energy)


def _hop_weights(
    num_hops: int, start_sec: float, end_sec: float
) -> tuple[int, NDArray[np.float64]]:
    """First hop that a stretch touches, and how much of each hop lies in it."""
    first = min(int(start_sec / HOP_SEC), num_hops)
    last = min(int(np.ceil(end_sec / HOP_SEC)), num_hops)
    edges = np.arange(first, last + 1) * HOP_SEC
    inside = np.minimum(edges[1:], end_sec) - np.maximum(edges[:-1], start_sec)
    return first, np.maximum(inside, 0.0) / HOP_SEC


def bar_differences_lu(powers: Sequence[NDArray[np.float64]], form: MixForm) -> NDArray[np.float64]:
    """Return by how much the melody stands above everything else, bar by bar.

    Only the time in which the melody plays counts: what it rests is accompaniment's own.

    Parameters
    ----------
    powers : sequence of ndarray, shape (hops,)
        K-weighted power of each stem (:func:`leitmotiv.audio.hop_powers`).
    form : MixForm

    Returns
    -------
    ndarray of float64, shape (bars,)
        LU; NaN where nobody leads, the lead plays less than a fifth of the bar, or it plays alone.
    """
    differences = np.full(form.num_bars, np.nan)
    if not powers:
        return differences
    stack = np.stack(powers)
    playing = stack > np.asarray([_rest_power(power) for power in powers])[:, None]
    for bar, lead in enumerate(form.lead):
        own = sorted(index for index in lead if index < len(stack))
        rest = [index for index in range(len(stack)) if index not in lead]
        if not own or not rest:
            continue
        first, weights = _hop_weights(stack.shape[1], *form.bar_sec[bar : bar + 2])
        hops = slice(first, first + len(weights))
        sung = playing[own, hops].any(axis=0)
        if weights[sung].sum() < max(LEAST_SHARE * weights.sum(), LEAST_HOPS):
            continue
        if not playing[rest, hops][:, sung].any():
            continue
        weights = weights * sung
        melody, others = (stack[who, hops] @ weights for who in (own, rest))
        differences[bar] = 10 * np.log10(melody.sum() / max(float(others.sum()), 1e-20))
    return differences


def _rest_power(power: NDArray[np.float64]) -> float:
    """Power below which a stem is resting."""
    heard = power[power > 1e-9]
    return float(heard.mean()) * 10 ** (RESTS_BELOW_LU / 10) if len(heard) else np.inf


def share_within(differences_lu: NDArray[np.float64], band_lu: tuple[float, float]) -> float:
    """Return the share of judged bars whose difference lies in a band; 1 where none is judged."""
    judged = differences_lu[np.isfinite(differences_lu)]
    if not len(judged):
        return 1.0
    return float(np.mean((judged >= band_lu[0]) & (judged <= band_lu[1])))
