"""Human statistics: figures of held-out pieces by people, genre by genre, shipped with the package.

Purpose: ``leitmotiv evaluate --music`` can compare without a corpus at hand. Only figures are
stored (:data:`~leitmotiv.review.statistics.STATISTICS`), no notes.

Conventions: ``data/human_statistics.npz`` is built by ``benchmarks/human_statistics.py`` from
pieces that no shipped model was trained on, of the licences named in the file. Figures are
half-precision; the file says of which version of the list of figures it is.

Public names: :class:`HumanGenre`, :func:`human_genres`, :func:`load_human_statistics`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import ReviewError
from leitmotiv.review.statistics import STATISTICS

__all__ = ["HUMAN_STATISTICS_FILE", "HumanGenre", "human_genres", "load_human_statistics"]

HUMAN_STATISTICS_FILE = Path(__file__).parent / "data" / "human_statistics.npz"


@dataclass(frozen=True, eq=False)
class HumanGenre:
    """Figures of the pieces of one genre.

    ``table`` has shape (pieces, figures); ``sources`` counts the pieces by collection; ``likeness``
    holds, by aspect, the mean over pairs and the likeness to the nearest of k = 1, 2, ... others.
    """

    name: str
    table: NDArray[np.float64]
    num_bars: int
    sources: dict[str, int]
    likeness: dict[str, tuple[float, tuple[float, ...]]]


@cache
def _archive() -> tuple[dict[str, Any], dict[str, NDArray[np.float64]]]:
    with np.load(HUMAN_STATISTICS_FILE, allow_pickle=False) as archive:
        about = json.loads(str(archive["about"]))
        tables = {name: archive[name].astype(np.float64) for name in about["genres"]}
    if about["figures"] != [statistic.name for statistic in STATISTICS]:
        raise ReviewError(
            "the shipped human statistics hold other figures than this release counts; run "
            "benchmarks/human_statistics.py again"
        )
    return about, tables


def human_genres() -> tuple[str, ...]:
    """Return the genres with shipped figures, in alphabetic order."""
    return tuple(sorted(_archive()[1]))


def load_human_statistics(genre: str) -> HumanGenre:
    """Load the figures of one genre.

    Raises
    ------
    ReviewError
        If there are none.

    Examples
    --------
    >>> load_human_statistics("hymn").table.shape[1] == len(STATISTICS)
    True
    """
    about, tables = _archive()
    if genre not in tables:
        raise ReviewError(
            f"genre={genre!r} has no shipped human figures; choose one of "
            f"{', '.join(human_genres())}, or name a folder of pieces with --against"
        )
    entry = about["genres"][genre]
    return HumanGenre(
        name=genre,
        table=tables[genre],
        num_bars=int(about["num_bars"]),
        sources=dict(entry["sources"]),
        likeness={
            aspect: (float(pairs), tuple(nearest))
            for aspect, (pairs, nearest) in entry["likeness"].items()
        },
    )
