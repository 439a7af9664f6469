"""Learn loudness from written dynamics: the data behind :mod:`leitmotiv.compose.loudness`.

``python -m leitmotiv.corpus.train_loudness LIBRARY PACK -o loudness.json`` reads printed scores
whose dynamic marks and hairpins stand in the velocities, and fits how loud a bar is, relative to
its piece, from its texture, by ridge regression. Pieces count
alike, however long. Only licences that ask for no more than a name are let in, and of these only
the training split of the pack; the figures in the file are those of the other splits.

Public names: :class:`LoudPiece`, :func:`read_loud_pieces`, :func:`fit_loudness`,
:func:`judge_loudness`, :func:`main`.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.corpus.library import Library
from leitmotiv.corpus.licences import open_licence
from leitmotiv.errors import CorpusError, ReadError
from leitmotiv.score import Score, parse_midi
from leitmotiv.score.analysis import TEXTURE_FEATURES, bar_texture

__all__ = ["LoudPiece", "fit_loudness", "judge_loudness", "main", "read_loud_pieces"]

SOURCES = (
    "openscore_lieder",
    "openscore_quartets",
    "hauptstimme_orchestra",
    "nifc_chopin_first_editions",
    "nifc_polish",
    "mutopia",
)
"""Sources of printed scores with dynamics."""

_RIDGE = 0.02  # of the features' own variance
_LEAST_VELOCITIES = 12  # a score with hairpins has many
_LEAST_SPREAD = 3.0  # standard deviation of the bars' loudness; below it nothing is marked
_BARS = (16, 500)


@dataclass(frozen=True, eq=False)
class LoudPiece:
    """One piece: ``features`` (bars, F) and ``loudness`` (bars,) with mean 0; ``usual`` (F,)."""

    source: str
    split: int
    features: NDArray[np.float64]
    loudness: NDArray[np.float64]
    usual: NDArray[np.float64]


def loud_piece(score: Score, source: str = "", split: int = 0) -> LoudPiece | None:
    """Return the features and loudness of a score, None where its dynamics say nothing."""
    pitched = [part.notes for part in score.parts if not part.is_drum and len(part.notes)]
    if not pitched or not _BARS[0] <= score.num_bars <= _BARS[1]:
        return None
    notes = np.concatenate(pitched)
    if len(np.unique(notes["velocity"])) < _LEAST_VELOCITIES:
        return None
    bar = np.clip(score.bar_index_at(notes["onset"]), 0, score.num_bars - 1)
    counts = np.bincount(bar, minlength=score.num_bars)
    sums = np.bincount(bar, notes["velocity"].astype(float), score.num_bars)
    full = counts > 0
    loudness = sums[full] / counts[full]
    if loudness.std() < _LEAST_SPREAD:
        return None
    texture = bar_texture(score)[full]
    usual = texture.mean(axis=0)
    return LoudPiece(source, split, texture - usual, loudness - loudness.mean(), usual)


def read_loud_pieces(
    library: Path, pack: Path, *, sources: Sequence[str] = SOURCES, most: int = 1000
) -> list[LoudPiece]:
    """Read pieces with written dynamics, at most ``most`` a source, in an order drawn once.

    Raises
    ------
    CorpusError
        If a file is missing or nothing fits.
    """
    if not pack.is_file():
        raise CorpusError(f"pack={str(pack)!r} is not a file; name the file that --pack wrote")
    with np.load(pack) as packed:
        splits = dict(zip(packed["piece_id"].tolist(), packed["piece_split"].tolist(), strict=True))
    found: list[LoudPiece] = []
    taken: Counter[str] = Counter()
    with Library(library) as opened:
        pieces = list(opened.pieces("ok", sources=sources))
        np.random.default_rng(0).shuffle(pieces)
        for piece in pieces:
            split = splits.get(piece.id.encode("ascii"))
            if split is None or not open_licence(piece.licence) or taken[piece.source] >= most:
                continue
            data = opened.midi(piece.id)
            if data is None:
                continue
            try:
                loud = loud_piece(parse_midi(data), piece.source, int(split))
            except ReadError:
                continue
            if loud is not None:
                taken[piece.source] += 1
                found.append(loud)
    if not found:
        raise CorpusError(f"library={str(library)!r} holds no score with dynamics of {pack}")
    return found


def fit_loudness(pieces: Iterable[LoudPiece]) -> NDArray[np.float64]:
    """Return the ridge coefficients, velocities for one unit of each feature.

    Raises
    ------
    CorpusError
        If there is no piece.
    """
    square: Any = 0.0
    product: Any = 0.0
    count = 0
    for piece in pieces:
        square = square + piece.features.T @ piece.features / len(piece.loudness)
        product = product + piece.features.T @ piece.loudness / len(piece.loudness)
        count += 1
    if not count:
        raise CorpusError("pieces must hold at least one piece to learn loudness from")
    penalty = _RIDGE * np.diag(np.diag(square) + 1e-6 * count)
    return np.asarray(np.linalg.solve(square + penalty, product))


def judge_loudness(
    pieces: Sequence[LoudPiece], coefficients: NDArray[np.float64]
) -> dict[str, float]:
    """Return mean correlation and absolute error over pieces, and the error of even loudness."""
    correlations, errors, flat = [], [], []
    for piece in pieces:
        guess = piece.features @ coefficients
        if guess.std() > 0:
            correlations.append(float(np.corrcoef(guess, piece.loudness)[0, 1]))
        errors.append(float(np.abs(piece.loudness - guess).mean()))
        flat.append(float(np.abs(piece.loudness).mean()))
    return {
        "pieces": len(pieces),
        "correlation": round(float(np.mean(correlations)), 3),
        "mean_error": round(float(np.mean(errors)), 2),
        "mean_error_even": round(float(np.mean(flat)), 2),
    }


def main() -> None:
    """Write the coefficients of a library's training pieces."""
    parser = argparse.ArgumentParser(description="Learn loudness from written dynamics.")
    parser.add_argument("library", type=Path, help="folder of the library")
    parser.add_argument("pack", type=Path, help="packed corpus, which knows the splits")
    parser.add_argument("-o", "--output", type=Path, default=Path("loudness.json"))
    parser.add_argument("--most", type=int, default=1000, help="pieces of a source")
    chosen = parser.parse_args()
    pieces = read_loud_pieces(chosen.library, chosen.pack, most=chosen.most)
    training = [piece for piece in pieces if piece.split == 0]
    coefficients = fit_loudness(training)
    held_out = judge_loudness([piece for piece in pieces if piece.split != 0], coefficients)
    model = {
        "what": "velocities of a bar against its piece, for one octave or doubling of each feature",
        "features": list(TEXTURE_FEATURES),
        "coefficients": [round(float(value), 4) for value in coefficients],
        "usual_density": round(float(np.mean([piece.usual[-1] for piece in training])), 4),
        "sources": dict(sorted(Counter(piece.source for piece in training).items())),
        "licences": "public domain, CC0, CC BY; the sources of recipes/composer.toml",
        "training": judge_loudness(training, coefficients),
        "held_out": held_out,
    }
    chosen.output.write_text(json.dumps(model, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(held_out))


if __name__ == "__main__":
    main()
