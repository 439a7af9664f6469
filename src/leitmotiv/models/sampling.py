"""Drawing an id from logits.

Min-p (Nguyen et al., "Turning up the heat: min-p sampling", 2024) keeps ids whose probability is at
least ``min_p`` times that of the likeliest one, so the cut follows the network's certainty.

Public names: :func:`sample_id`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["sample_id"]


def sample_id(
    logits: NDArray[np.float32],
    rng: np.random.Generator,
    *,
    temperature: float = 1.0,
    min_p: float = 0.0,
) -> int:
    """Draw one id.

    Parameters
    ----------
    logits : ndarray of float32, shape (V,)
        ``-inf`` marks ids that may not be drawn; at least one must be finite.
    temperature : float
        0 takes the likeliest id.
    min_p : float
        0 to 1; 0 keeps all ids.

    Examples
    --------
    >>> sample_id(np.float32([0, 5, -np.inf]), np.random.default_rng(0), temperature=0)
    1
    """
    if temperature <= 0:
        return int(np.argmax(logits))
    scaled = (logits - logits.max()) / temperature
    weight = np.exp(scaled, dtype=np.float64)
    if min_p > 0:
        weight[weight < min_p] = 0.0
    cumulative = np.cumsum(weight)
    return int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right"))
