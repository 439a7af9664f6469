"""Guess the genre of a piece whose source names none.

Purpose: a label for pieces that a person adds without one, with a probability to doubt it by.

The classifier is one hidden layer over simple features of the score (which instruments play how
much, register, density, texture, meter, tempo where known, chords, form). Its weights are a JSON
file beside this module, trained on the tagged pieces of the corpus whose licences are open;
``python -m leitmotiv.corpus.train_genre_classifier`` writes it and prints how often it is right on
composers it has not seen (96 % of 392; the instruments alone give most of them away, so a piano
reduction of a quartet will be called piano). The genres are those of
:data:`leitmotiv.tokens.tags.GENRES`.

Public names: :func:`guess_genre`, :func:`genre_features`, :data:`FEATURE_NAMES`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import CorpusError
from leitmotiv.score import Score
from leitmotiv.theory import TICKS_PER_QUARTER

__all__ = ["FEATURE_NAMES", "genre_features", "guess_genre"]

# Groups of General MIDI programs that tell genres apart.
_GROUPS: dict[str, tuple[range, ...]] = {
    "piano": (range(0, 6),),
    "harpsichord": (range(6, 8),),
    "chromatic percussion": (range(8, 16),),
    "organ": (range(16, 24),),
    "plucked guitar": (range(24, 26),),
    "electric guitar": (range(26, 32),),
    "electric bass": (range(33, 40),),
    "violin family": (range(40, 42),),
    "low strings": (range(42, 44), range(32, 33)),
    "harp": (range(46, 47),),
    "timpani": (range(47, 48),),
    "string ensemble": (range(44, 46), range(48, 52)),
    "voice": (range(52, 55), range(85, 86)),
    "brass": (range(56, 64),),
    "reed": (range(64, 72),),
    "pipe": (range(72, 80),),
    "synth": (range(55, 56), range(80, 85), range(86, 104)),
    "ethnic and effects": (range(104, 128),),
}
_PROGRAM_GROUP = np.zeros(128, dtype=np.int64)
for _index, _ranges in enumerate(_GROUPS.values()):
    for _range in _ranges:
        _PROGRAM_GROUP[list(_range)] = _index
_METERS = ("4/4", "3/4", "2/4", "2/2", "6/8", "3/8", "12/8", "9/8", "3/2", "2/1")
_TEXTURES = ("solo", "sparse", "homophonic", "polyphonic", "full")
_QUALITIES = ("maj", "min", "7", "maj7", "min7", "dim", "hdim7", "dim7", "aug", "sus4", "N")
_SCALARS = (
    "log parts",
    "log bars",
    "log notes",
    "density",
    "lowest pitch",
    "mean pitch",
    "highest pitch",
    "notes an onset",
    "mean duration",
    "short notes",
    "off the beat",
    "tempo known",
    "tempo",
    "minor",
    "church mode",
    "key changes",
    "chord changes",
    "sections that return",
    "phrases a bar",
    "many velocities",
)
FEATURE_NAMES = (
    *(f"share of {name}" for name in _GROUPS),
    "share of drums",
    *(f"plays {name}" for name in _GROUPS),
    *(f"meter {name}" for name in _METERS),
    *(f"texture {name}" for name in _TEXTURES),
    *(f"chord {name}" for name in _QUALITIES),
    *_SCALARS,
)


def genre_features(score: Score, found: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return the classifier's view of a score.

    Parameters
    ----------
    score : Score
    found : mapping
        What :func:`leitmotiv.corpus.tagging.tag_score` found, without the genre.

    Returns
    -------
    ndarray, shape (len(FEATURE_NAMES),)
        Shares in 0-1; the scalars are scaled to about that size.
    """
    total = max(score.num_notes, 1)
    shares = np.zeros(len(_GROUPS) + 1)
    for part in score.parts:
        group = len(_GROUPS) if part.is_drum else _PROGRAM_GROUP[part.program]
        shares[group] += len(part.notes) / total
    meter = found["meters"][0]["meter"] if found["meters"] else ""
    quality = [_quality(name) for name in found["chords"]]
    sections = found["sections"]
    length = max(score.num_bars, 1)
    textures = [
        sum(row["bars"][1] - row["bars"][0] for row in sections if row["texture"] == name) / length
        for name in _TEXTURES
    ]
    return np.concatenate(
        [
            shares,
            (shares[:-1] > 0.02).astype(np.float64),
            [float(meter == name) for name in _METERS],
            textures,
            [quality.count(name) / max(len(quality), 1) for name in _QUALITIES],
            _scalars(score, found),
        ]
    )


def _quality(chord: str) -> str:
    return chord.partition(":")[2].partition("/")[0] or "N"


def _scalars(score: Score, found: Mapping[str, Any]) -> list[float]:
    arrays = [part.notes for part in score.parts if len(part.notes)]
    onset = np.concatenate([notes["onset"] for notes in arrays]) if arrays else np.zeros(1)
    duration = np.concatenate([notes["duration"] for notes in arrays]) if arrays else np.ones(1)
    velocity = np.concatenate([notes["velocity"] for notes in arrays]) if arrays else np.ones(1)
    low, mean, high = found["register"] or (60, 60, 60)
    tempo, chords, sections = found["tempo"], found["chords"], found["sections"]
    key = found["key"] or ""
    bars = max(score.num_bars, 1)
    changes = sum(a != b for a, b in zip(chords[1:], chords[:-1], strict=True))
    return [
        np.log2(len(score.parts) + 1) / 5,
        np.log2(bars) / 10,
        np.log2(max(score.num_notes, 1)) / 14,
        min(found["density"], 16.0) / 8,
        low / 64,
        mean / 64,
        high / 64,
        len(onset) / max(len(np.unique(onset)), 1) / 4,
        min(float(duration.mean()) / TICKS_PER_QUARTER, 8.0) / 2,
        float((duration < TICKS_PER_QUARTER // 2).mean()),
        float((onset % TICKS_PER_QUARTER > 0).mean()),
        float(tempo["known"]),
        float(np.log2(tempo["qpm"] / 100)) if tempo["known"] else 0.0,
        float("minor" in key),
        float(bool(key) and not key.endswith(("major", "minor"))),
        min(len(found["keys"]) / bars, 0.25) * 4,
        changes / max(len(chords), 1),
        sum("repeats_bar" in row for row in sections) / max(len(sections), 1),
        len(found["phrase_end_bars"]) / bars,
        float(len(np.unique(velocity)) >= 3),
    ]


@lru_cache(maxsize=1)
def _model() -> tuple[tuple[str, ...], list[NDArray[np.float64]]]:
    """Genres and arrays: mean, scale, hidden weights and bias, output weights and bias."""
    text = resources.files("leitmotiv.corpus").joinpath("genre_classifier.json").read_text("utf-8")
    stored = json.loads(text)
    if stored["features"] != list(FEATURE_NAMES):
        raise CorpusError(
            "genre_classifier.json was trained on other features; "
            "run python -m leitmotiv.corpus.train_genre_classifier"
        )
    names = ("mean", "scale", "hidden", "hidden_bias", "output", "output_bias")
    return tuple(stored["genres"]), [np.asarray(stored[name]) for name in names]


def guess_genre(score: Score, found: Mapping[str, Any]) -> tuple[str | None, float]:
    """Return the likeliest genre and its probability.

    Parameters
    ----------
    score, found
        As in :func:`genre_features`.

    Returns
    -------
    tuple of str or None, float
        One of :data:`leitmotiv.tokens.tags.GENRES` and 0-1; (None, 0.0) for a score without notes.
    """
    if score.num_notes == 0:
        return None, 0.0
    genres, (mean, scale, hidden, hidden_bias, output, output_bias) = _model()
    # Sums by einsum: too small for BLAS, whose threads cost more than they save.
    inside = np.clip((genre_features(score, found) - mean) / scale, -4.0, 4.0)
    layer = np.maximum(np.einsum("f,fh->h", inside, hidden) + hidden_bias, 0.0)
    logits = np.einsum("h,hg->g", layer, output) + output_bias
    probability = np.exp(logits - logits.max())
    probability /= probability.sum()
    best = int(probability.argmax())
    return genres[best], round(float(probability[best]), 2)
