"""Train the genre classifier on the tagged pieces of a corpus.

``python -m leitmotiv.corpus.train_genre_classifier CORPUS`` reads a folder of archives with a
``manifest.jsonl``, takes at most 200 pieces of each genre whose licence is open, holds out a fifth
of the composers, prints how often held-out pieces are recognised, trains once more on everything
and writes ``genre_classifier.json`` beside this module. The same seed gives the same file.

Training is plain NumPy: a few thousand pieces and fifteen genres need no more.

Public names: :func:`train`, :func:`main`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import zipfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.corpus.genre_classifier import FEATURE_NAMES, genre_features
from leitmotiv.corpus.licences import open_licence
from leitmotiv.corpus.splits import composer_key
from leitmotiv.corpus.tagging import tag_score
from leitmotiv.errors import LeitmotivError
from leitmotiv.score.analysis import align_bars
from leitmotiv.score.midi import parse_midi
from leitmotiv.tokens.tags import GENRES

__all__ = ["main", "train"]

_HIDDEN = 24
_STEPS, _BATCH, _RATE, _DECAY = 3000, 128, 3e-3, 2e-3
_DROPOUT = 0.2  # of features: a piece may come without its usual instruments
_HELD_OUT_SHARE = 0.2


def _relu_layer(
    inside: NDArray[np.float64], weights: dict[str, NDArray[np.float64]]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    hidden = np.maximum(inside @ weights["hidden"] + weights["hidden_bias"], 0.0)
    return hidden, hidden @ weights["output"] + weights["output_bias"]


def train(
    features: NDArray[np.float64], labels: NDArray[np.int64], *, seed: int = 1, steps: int = _STEPS
) -> dict[str, NDArray[np.float64]]:
    """Fit the classifier by Adam on cross-entropy.

    Parameters
    ----------
    features : ndarray, shape (n, f)
    labels : ndarray of int, shape (n,)
        Indices of :data:`leitmotiv.tokens.tags.GENRES`.

    Returns
    -------
    dict
        ``mean`` and ``scale`` (f,), ``hidden`` (f, h), ``hidden_bias`` (h,), ``output`` (h, g),
        ``output_bias`` (g,).
    """
    rng = np.random.default_rng(seed)
    mean, scale = features.mean(axis=0), np.maximum(features.std(axis=0), 0.05)
    inside = np.clip((features - mean) / scale, -4.0, 4.0)
    num_features, num_genres = features.shape[1], len(GENRES)
    weights = {
        "hidden": rng.normal(0, (2 / num_features) ** 0.5, (num_features, _HIDDEN)),
        "hidden_bias": np.zeros(_HIDDEN),
        "output": rng.normal(0, _HIDDEN**-0.5, (_HIDDEN, num_genres)),
        "output_bias": np.zeros(num_genres),
    }
    # Every genre weighs the same, up to a factor of four.
    count = np.bincount(labels, minlength=num_genres)
    chance = 1.0 / np.maximum(count, count.max() / 4)[labels]
    chance /= chance.sum()
    first = {name: np.zeros_like(value) for name, value in weights.items()}
    second = {name: np.zeros_like(value) for name, value in weights.items()}
    for step in range(1, steps + 1):
        rows = rng.choice(len(labels), _BATCH, p=chance)
        batch = inside[rows] * (rng.random((_BATCH, num_features)) >= _DROPOUT) / (1 - _DROPOUT)
        hidden, logits = _relu_layer(batch, weights)
        share = np.exp(logits - logits.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        share[np.arange(_BATCH), labels[rows]] -= 1.0
        share /= _BATCH
        below = share @ weights["output"].T * (hidden > 0)
        slopes = {
            "hidden": batch.T @ below,
            "hidden_bias": below.sum(axis=0),
            "output": hidden.T @ share,
            "output_bias": share.sum(axis=0),
        }
        rate = _RATE * 0.5 * (1 + np.cos(np.pi * step / steps))
        for name, slope in slopes.items():
            first[name] = 0.9 * first[name] + 0.1 * slope
            second[name] = 0.99 * second[name] + 0.01 * slope**2
            ahead = first[name] / (1 - 0.9**step)
            size = np.sqrt(second[name] / (1 - 0.99**step)) + 1e-8
            decay = _DECAY * weights[name] if not name.endswith("bias") else 0.0
            weights[name] -= rate * (ahead / size + decay)
    return {"mean": mean, "scale": scale, **weights}


def _predict(
    model: dict[str, NDArray[np.float64]], features: NDArray[np.float64]
) -> NDArray[np.int64]:
    inside = np.clip((features - model["mean"]) / model["scale"], -4.0, 4.0)
    return np.asarray(_relu_layer(inside, model)[1].argmax(axis=1))


def _rank(text: str) -> float:
    """A number in 0-1 that depends on the text alone."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:12], 16) / 16**12


def _choose(entries: Iterable[dict[str, Any]], limit: int) -> list[dict[str, Any]]:
    by_genre: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in entries:
        if entry.get("genre") in GENRES and open_licence(entry.get("licence")):
            by_genre[entry["genre"]].append(entry)
    return [
        entry
        for rows in by_genre.values()
        for entry in sorted(rows, key=lambda row: _rank(row["id"]))[:limit]
    ]


def _features(folder: Path, entries: list[dict[str, Any]]) -> tuple[NDArray[np.float64], list[int]]:
    archives: dict[str, zipfile.ZipFile] = {}
    rows, kept = [], []
    for number, entry in enumerate(entries):
        source = entry["source"]
        if source not in archives:
            archives[source] = zipfile.ZipFile(folder / f"{source}.zip")
        try:
            score = align_bars(parse_midi(archives[source].read(entry["file"])))
        except LeitmotivError:
            continue
        known = entry.get("tempo_source") in ("marked", "file")
        rows.append(genre_features(score, tag_score(score, genre="", tempo_known=known)))
        kept.append(number)
    for archive in archives.values():
        archive.close()
    return np.asarray(rows), kept


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Train the genre classifier.")
    parser.add_argument("corpus", type=Path, help="archives and manifest.jsonl")
    parser.add_argument("--limit", type=int, default=200, help="pieces of each genre")
    parser.add_argument(
        "--out", type=Path, default=Path(__file__).with_name("genre_classifier.json")
    )
    options = parser.parse_args(arguments)
    lines = (options.corpus / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
    entries = _choose(map(json.loads, lines), options.limit)
    features, kept = _features(options.corpus, entries)
    entries = [entries[number] for number in kept]
    labels = np.asarray([GENRES.index(entry["genre"]) for entry in entries])
    # A composer is in one part only; pieces without one go by their title.
    owners = [composer_key(e.get("composer")) or f"{e['source']} {e['title']}" for e in entries]
    held_out = np.asarray([_rank(owner) < _HELD_OUT_SHARE for owner in owners])
    model = train(features[~held_out], labels[~held_out])
    guess, truth = _predict(model, features[held_out]), labels[held_out]
    accuracy = float((guess == truth).mean())
    recalls = {}
    for index, genre in enumerate(GENRES):
        mine = truth == index
        if mine.any():
            recalls[genre] = round(float((guess[mine] == index).mean()), 3)
            wrong = Counter(GENRES[g] for g in guess[mine] if g != index).most_common(2)
            print(f"{genre:<22} {int(mine.sum()):>4} held out, {recalls[genre]:.0%} right  {wrong}")
    balanced = float(np.mean(list(recalls.values())))
    print(f"{len(entries)} pieces, {int(held_out.sum())} of other composers held out: "
          f"{accuracy:.1%} right, {balanced:.1%} averaged over genres")  # fmt: skip
    final = train(features, labels)
    stored: dict[str, Any] = {
        "genres": list(GENRES),
        "features": list(FEATURE_NAMES),
        "pieces": len(entries),
        "sources": dict(Counter(entry["source"] for entry in entries)),
        "licences": dict(Counter(entry["licence"] for entry in entries)),
        "held_out": {
            "pieces": int(held_out.sum()),
            "accuracy": round(accuracy, 3),
            "mean_recall": round(balanced, 3),
            "recall": recalls,
        },
        **{name: np.round(value, 4).tolist() for name, value in final.items()},
    }
    options.out.write_text(json.dumps(stored, separators=(",", ":")) + "\n", encoding="utf-8")
    print(f"{options.out}: {options.out.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
