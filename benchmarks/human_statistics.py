"""Build the figures of human pieces that ``leitmotiv evaluate --music`` compares with.

Reads pieces of an imported library (:mod:`leitmotiv.corpus.library`) that no shipped model was
trained on: the test split, and where a genre has fewer than 40 usable pieces there, also the
validation split. Only the sources of ``recipes/composer.toml`` (public domain, CC0, CC BY, BSD)
count. A piece is read as the composer's pieces are: its first 32 bars, at least 16, with enough
notes to be more than an incipit, and not the single voice of what was meant for several.

    python benchmarks/human_statistics.py --library LIBRARY

writes ``src/leitmotiv/review/data/human_statistics.npz``; a genre with fewer than 16 pieces is
left out. The same library gives the same file.
"""

from __future__ import annotations

import argparse
import json
import tomllib
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from leitmotiv.corpus.library import Library, Piece
from leitmotiv.errors import LeitmotivError
from leitmotiv.review.diversity import NUM_OTHERS, measure_diversity, piece_figures
from leitmotiv.review.human_statistics import HUMAN_STATISTICS_FILE
from leitmotiv.review.statistics import STATISTICS, score_statistics
from leitmotiv.score.files import parse_score

RECIPE = Path(__file__).parent.parent / "recipes/composer.toml"
NUM_BARS, MIN_BARS, MIN_NOTES = 32, 16, 64
MIN_PIECES, USUAL_PIECES, MAX_PIECES = 16, 40, 64
# Genre, and the least and most pitches that sound together in the mean.
GENRES = {
    "art song": (1.8, 99.0),
    "chamber": (1.4, 99.0),
    "choral": (2.0, 99.0),
    "folk": (0.0, 1.3),
    "game/rock/electronic": (1.4, 99.0),
    "guitar": (1.2, 99.0),
    "harpsichord": (1.4, 99.0),
    "hymn": (2.0, 99.0),
    "orchestral": (2.0, 99.0),
    "organ": (1.4, 99.0),
    "piano": (1.4, 99.0),
    "string quartet": (1.8, 99.0),
    "vocal-orchestral": (2.0, 99.0),
}
MAX_SILENCE = 0.25


def in_turn(pieces: list[Piece], rng: np.random.Generator) -> list[Piece]:
    """Draw pieces one composer after another, so that no one speaks for a genre."""
    queues: dict[str, list[Piece]] = defaultdict(list)
    for index in rng.permutation(len(pieces)).tolist():
        queues[f"{pieces[index].source}/{pieces[index].composer}"].append(pieces[index])
    order: list[Piece] = []
    while queues:
        for name in list(queues):
            order.append(queues[name].pop())
            if not queues[name]:
                del queues[name]
    return order


def main() -> None:
    """Count, select and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("-o", "--output", type=Path, default=HUMAN_STATISTICS_FILE)
    arguments = parser.parse_args()
    sources = tomllib.loads(RECIPE.read_text(encoding="utf-8"))["data"]["sources"]
    pools: dict[tuple[str, str], list[Piece]] = defaultdict(list)
    library = Library(arguments.library)
    for piece in library.pieces(sources=sources):
        long_enough = piece.num_bars >= MIN_BARS and piece.num_notes >= MIN_NOTES
        if piece.genre in GENRES and piece.split in ("test", "valid") and long_enough:
            pools[piece.genre, piece.split].append(piece)
    names = [statistic.name for statistic in STATISTICS]
    polyphony, silence = names.index("polyphony"), names.index("silence")
    tables: dict[str, np.ndarray] = {}
    about: dict[str, object] = {}
    for genre, (low, high) in GENRES.items():
        rows, figures, found = [], [], Counter()
        splits = Counter()
        for split in ("test", "valid"):
            if split == "valid" and len(rows) >= USUAL_PIECES:
                continue
            for piece in in_turn(pools[genre, split], np.random.default_rng(0)):
                if len(rows) >= MAX_PIECES:
                    break
                data = library.midi(piece.id)
                if data is None:
                    continue
                try:
                    score = parse_score(data)
                except LeitmotivError:
                    continue
                row = list(score_statistics(score, num_bars=NUM_BARS).values())
                if low <= row[polyphony] <= high and row[silence] <= MAX_SILENCE:
                    rows.append(row)
                    figures.append(piece_figures(score, num_bars=NUM_BARS))
                    found[piece.source] += 1
                    splits[split] += 1
        if len(rows) < MIN_PIECES:
            print(f"{genre:<22} {len(rows):3} pieces: left out")
            continue
        tables[genre] = np.asarray(rows, dtype=np.float16)
        likeness = {
            item.aspect: (round(item.pairs, 4), [round(x, 4) for x in item.nearest[:NUM_OTHERS]])
            for item in measure_diversity(figures)
        }
        about[genre] = {"sources": dict(found), "splits": dict(splits), "likeness": likeness}
        print(f"{genre:<22} {len(rows):3} pieces {dict(splits)} {dict(found)}", flush=True)
    document = {
        "figures": names,
        "num_bars": NUM_BARS,
        "licences": "public domain, CC0, CC BY, BSD; figures only, no notes",
        "genres": about,
    }
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    with arguments.output.open("wb") as file:
        np.savez_compressed(file, about=np.asarray(json.dumps(document)), **tables)
    print(f"{arguments.output}: {arguments.output.stat().st_size / 1e3:.0f} kB")


if __name__ == "__main__":
    main()
