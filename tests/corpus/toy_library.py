"""A small library of synthetic pieces, made without any file of music."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from leitmotiv.corpus.encoding import columns_to_bytes, encode_piece
from leitmotiv.corpus.library import Library, Piece
from leitmotiv.score import Part, Score, make_notes


def random_tune(seed: int, num_notes: int = 120, *, transpose: int = 0, stretch: int = 1) -> Score:
    """A wandering tune with a rhythm; the same seed is the same tune."""
    rng = np.random.default_rng(seed)
    pitch = 72 + np.cumsum(rng.integers(-4, 5, num_notes)) % 24 - 12 + transpose
    gap = rng.choice([240, 240, 480, 720], num_notes) * stretch
    onset = np.concatenate([[0], np.cumsum(gap)[:-1]])
    return Score(parts=(Part(name="Flute", notes=make_notes(onset, gap, pitch), program=73),))


def add_tune(library: Library, name: str, score: Score, **fields: Any) -> None:
    """Add one encoded piece; ``fields`` are those of Piece."""
    meta = fields.pop("meta", {})
    encoded = encode_piece(score, {"genre": fields.get("genre"), **meta})
    counts = encoded.columns["piece"]
    piece = Piece(
        **{
            "id": name,
            "source": "toy",
            "file": f"{name}.mid",
            "licence": "CC0-1.0",
            "num_notes": int(counts[0]),
            "meta": meta,
            **fields,
        }
    )
    with library.transaction():
        library.add(piece, columns=columns_to_bytes(encoded.columns), ngrams=encoded.ngrams)


def toy_library(folder: Path, num_pieces: int = 30) -> Library:
    """Pieces of as many composers in two genres."""
    library = Library(folder, create=True)
    for number in range(num_pieces):
        add_tune(
            library,
            f"tune{number:02}",
            random_tune(number),
            title=f"Tune {number}",
            composer=f"Composer{number}, A",
            genre="folk" if number % 2 else "piano",
        )
    return library
