"""How well the planner's chord model foretells the chords of held-out pieces.

``python benchmarks/harmony.py LIBRARY PACK`` (a tagged library and the pack whose splits the model
was counted on) prints the perplexity per chord on the test split, by mode: how many equally likely
chords a model is left with at each change of harmony. Lower is better; all models are scored on
the same chords, each knowing only the chords before it in its key region.

- ``unigram``, ``bigram``: shares of chords and of steps in the training split;
- ``hand-set``: the rows of ``plan/data/harmony.toml`` for the piece's group, on a floor of unigrams
  whose share is the best one on the validation split (the rows alone forbid most steps);
- ``trigram``, ``+ genre``, ``+ place``, ``+ mood``: the chord model, one condition after another.

``--tune`` searches the model's smoothing on the validation split instead.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leitmotiv.corpus.train_chord_model import Progression, read_progressions
from leitmotiv.plan import chord_model as module
from leitmotiv.plan.chord_model import GROUP_OF_HARMONY, ChordModel, Leaning, chord_model
from leitmotiv.plan.harmony import HarmonyBook
from leitmotiv.theory import Mode

Scorer = Callable[[Progression], NDArray[np.float64]]
_BOOK_OF_GROUP = {
    **{group: book for book, group in reversed(GROUP_OF_HARMONY.items()) if book != "film"},
    "orchestral": "classical",
    "game": "classical",
    "other": "baroque",
}


def _pairs(model: ChordModel, piece: Progression) -> NDArray[np.int64]:
    """Indices (before, chord) of each chord, -1 where unknown; shape (n, 2)."""
    line = [model.size, *(model.index.get(chord, -1) for chord in piece.chords)]
    return np.stack([line[:-1], line[1:]], axis=1)


def _from_table(model: ChordModel, table_of: Callable[[str], NDArray[np.float64]]) -> Scorer:
    def score(piece: Progression) -> NDArray[np.float64]:
        pairs = _pairs(model, piece)
        found = np.log(table_of(piece.group)[pairs[:, 0], pairs[:, 1]])
        found[(pairs < 0).any(axis=1)] = np.nan
        return np.asarray(found)

    return score


def hand_set_table(model: ChordModel, book_name: str, floor: float) -> NDArray[np.float64]:
    """The hand-set rows as chances over the model's chords, mixed with unigrams."""
    grammar = HarmonyBook.load(book_name, Mode(model.mode), learned=False).grammar
    assert grammar is not None
    table = np.tile(model.unigrams, (model.size + 1, 1))
    for before, name in enumerate((*model.names, grammar.tonic)):
        row = np.array([grammar.weight(name, following) for following in model.names])
        if before == model.size:
            row = np.eye(model.size)[model.index[grammar.tonic]]
        if row.sum() > 0:
            table[before] = (1 - floor) * row / row.sum() + floor * model.unigrams
    return table


def scorers(model: ChordModel, floor: float) -> dict[str, Scorer]:
    """Return every model that is compared, by name."""
    unigram = np.tile(model.unigrams, (model.size + 1, 1))
    books = set(_BOOK_OF_GROUP.values())
    hand = {book: hand_set_table(model, book, floor) for book in books}

    def learned(group: bool, place: bool, mood: bool) -> Scorer:
        def score(piece: Progression) -> NDArray[np.float64]:
            leaning = Leaning(
                piece.group if group else None,
                piece.valence if mood else None,
                piece.arousal if mood else None,
            )
            places: Sequence[int | None] = piece.places if place else [None] * len(piece.chords)
            return model.log_probability(piece.chords, places, leaning)

        return score

    return {
        "unigram": _from_table(model, lambda group: unigram),
        "hand-set": _from_table(model, lambda group: hand[_BOOK_OF_GROUP[group]]),
        "bigram": _from_table(model, lambda group: model.bigrams),
        "trigram": learned(False, False, False),
        "+ genre": learned(True, False, False),
        "+ place": learned(True, True, False),
        "+ mood": learned(True, True, True),
    }


def perplexity(pieces: Sequence[Progression], score: Scorer) -> tuple[float, int]:
    """Return the perplexity per known chord and the number of such chords."""
    found = np.concatenate([score(piece) for piece in pieces])
    known = found[~np.isnan(found)]
    return float(np.exp(-known.mean())), len(known)


def _best_floor(model: ChordModel, pieces: Sequence[Progression]) -> float:
    floors = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    return min(floors, key=lambda f: perplexity(pieces, scorers(model, f)["hand-set"])[0])


def _of_mode(pieces: Sequence[Progression], mode: str) -> list[Progression]:
    return [piece for piece in pieces if piece.mode == mode]


def tune(pieces: Sequence[Progression]) -> None:
    """Print validation perplexity over a grid of smoothing weights."""
    grid = product((10.0,), (10.0, 30.0, 80.0), (30.0, 200.0), (0.6, 0.8, 1.0), (0.4, 1.0))
    chosen = pieces[::10]
    for pair, triple, ratio, power, mood in grid:
        module._PAIR_PRIOR, module._TRIPLE_PRIOR, module._RATIO_PRIOR = pair, triple, ratio
        module._GROUP_POWER = module._PLACE_POWER = power
        module._MOOD_TILT = mood
        line = []
        for mode in (Mode.MAJOR, Mode.MINOR):
            model = ChordModel(module._tables(), mode.value)
            score = scorers(model, 0.5)["+ mood"]
            line.append(perplexity(_of_mode(chosen, mode.value), score)[0])
        print(pair, triple, ratio, power, mood, *(f"{value:.3f}" for value in line), flush=True)


def main() -> None:
    """Print the table of perplexities."""
    parser = argparse.ArgumentParser(description="Perplexity of chord models, per chord.")
    parser.add_argument("library", type=Path)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--tune", action="store_true", help="search the smoothing")
    chosen = parser.parse_args()
    valid = read_progressions(chosen.library, chosen.pack, split=1)
    if chosen.tune:
        tune(valid)
        return
    test = read_progressions(chosen.library, chosen.pack, split=2)
    for mode in (Mode.MAJOR, Mode.MINOR):
        model = chord_model(mode)
        floor = _best_floor(model, _of_mode(valid, mode.value))
        pieces = _of_mode(test, mode.value)
        num_chords = sum(len(piece.chords) for piece in pieces)
        for name, score in scorers(model, floor).items():
            value, known = perplexity(pieces, score)
            print(f"{mode.value:6} {name:10} {value:6.2f}  ({known} of {num_chords} chords)")
        print(
            f"{mode.value:6} hand-set on a floor of {floor:g} unigrams; {model.size} chords known"
        )


if __name__ == "__main__":
    main()
