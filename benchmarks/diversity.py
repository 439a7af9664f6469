"""How alike are a hundred pieces: of one brief, of random briefs, conventional to adventurous.

    python benchmarks/diversity.py compose --work FOLDER --pieces 100
    python benchmarks/diversity.py report  --work FOLDER -o docs/images/diversity.png

``compose`` writes MIDI files and goes on where it was stopped: one brief of 16 bars with a seed a
piece, at three places of the range; and briefs drawn at random (genre, mood, key), as usual. The
seeds are the same at every place of the range. ``report`` prints the likeness of the pieces, what
else the range moves (median and its 95 % bootstrap interval), and draws both.
"""

from __future__ import annotations

import argparse
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from leitmotiv.compose import compose
from leitmotiv.models import open_model
from leitmotiv.pipeline import plan_brief
from leitmotiv.plan import genre_names, mood_names, parse_brief
from leitmotiv.review import review_score
from leitmotiv.review.comparison import statistics_table
from leitmotiv.review.diversity import ASPECTS, Diversity, measure_diversity, piece_figures
from leitmotiv.review.human_statistics import load_human_statistics
from leitmotiv.review.originality import known_originality
from leitmotiv.review.statistics import STATISTICS
from leitmotiv.score import Score
from leitmotiv.score.midi import midi_bytes, parse_midi

BRIEF = "a wistful waltz for piano in D minor, 16 bars"
HUMAN_GENRE = "piano"
LEVELS = (0.0, 0.5, 1.0)
RANDOM = "random briefs"
KEYS = ("C major", "G major", "F major", "D major", "B flat major", "A minor", "E minor", "D minor")
SHOWN = (
    *("rhythm_entropy", "pitch_class_entropy_1", "scale_share", "chord_tone_share"),
    *("chord_vocabulary", "step_share", "groove_similarity"),
)


def name_of(level: float) -> str:
    return f"one brief, adventure {level:g}"


def jobs(pieces: int) -> Iterator[tuple[str, int, str, float]]:
    """Set, seed, brief and place in the range of every piece, the sets in turn."""
    rng = np.random.default_rng(4)
    genres, moods = genre_names(), mood_names()
    for seed in range(pieces):
        genre = genres[int(rng.integers(len(genres)))]
        mood = moods[int(rng.integers(len(moods)))]
        brief = f"{mood} {genre} in {KEYS[int(rng.integers(len(KEYS)))]}, 16 bars"
        for level in LEVELS:
            yield name_of(level), seed, BRIEF, level
        yield RANDOM, seed, brief, 0.5


def compose_sets(work: Path, pieces: int) -> None:
    """Compose what is missing."""
    model, start, done = open_model(None), time.perf_counter(), 0
    for name, seed, brief, level in jobs(pieces):
        path = work / name.replace(" ", "-").replace(",", "") / f"{seed:03}.mid"
        if path.exists():
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        plan = plan_brief(parse_brief(brief).replace(adventure=level), seed=seed)
        score = compose(plan, model=model, rng=np.random.default_rng(seed))
        path.write_bytes(midi_bytes(score))
        done += 1
    print(f"{done} pieces, {(time.perf_counter() - start) / max(done, 1):.1f} s each")


def read_set(work: Path, name: str) -> list[Score]:
    folder = work / name.replace(" ", "-").replace(",", "")
    return [parse_midi(path.read_bytes()) for path in sorted(folder.glob("*.mid"))]


def interval(values: NDArray[np.float64], rng: np.random.Generator) -> tuple[float, float, float]:
    """Median and its 95 % bootstrap interval."""
    values = values[~np.isnan(values)]
    if not len(values):
        return (np.nan,) * 3
    drawn = np.median(rng.choice(values, (400, len(values))), axis=1)
    return float(np.median(values)), *np.quantile(drawn, (0.025, 0.975)).tolist()


def report(work: Path, picture: Path | None) -> None:
    """Print the tables; draw them if asked."""
    rng = np.random.default_rng(0)
    human = load_human_statistics(HUMAN_GENRE)
    found: dict[str, list[Diversity]] = {}
    print("how alike: mean of all pairs / nearest of 15 / nearest of 99 / the two most alike")
    for name in (*map(name_of, LEVELS), RANDOM):
        scores = read_set(work, name)
        if len(scores) < 2:
            continue
        found[name] = measure_diversity([piece_figures(score, num_bars=16) for score in scores])
        cells = "   ".join(
            f"{item.aspect} {item.pairs:.3f} {item.nearest_of(15):.3f} {item.nearest_of(99):.3f} "
            f"{item.closest_likeness:.2f} ({item.closest[0]}, {item.closest[1]})"
            for item in found[name]
        )
        print(f"{name:<24} {len(scores):>3} pieces   {cells}")
        table = statistics_table(scores, num_bars=16)
        columns = {s.name: table[:, i] for i, s in enumerate(STATISTICS)}
        columns["findings"] = np.asarray([len(review_score(score)) for score in scores], float)
        reports = [known_originality(score) for score in scores]
        if all(one is not None for one in reports):
            columns["longest passage in common"] = np.asarray(
                [one.longest_notes for one in reports if one is not None], float
            )
        for figure in (*SHOWN, *(name for name in columns if " " in name or name == "findings")):
            middle, low, high = interval(columns[figure], rng)
            print(f"    {figure:<28} {middle:6.2f} ({low:.2f}-{high:.2f})")
    people = {aspect: (pairs, near) for aspect, (pairs, near) in human.likeness.items()}
    print(
        f"people, {HUMAN_GENRE}          "
        + "   ".join(f"{a} {p:.3f} {n[min(15, len(n)) - 1]:.3f}" for a, (p, n) in people.items())
    )
    if picture is not None:
        draw(found, people, picture)


def draw(
    found: dict[str, list[Diversity]],
    people: dict[str, tuple[float, tuple[float, ...]]],
    picture: Path,
) -> None:
    """Draw the likeness to the nearest of k others for each set, one panel an aspect."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.5, 3.4), dpi=100, layout="constrained")
    colours = dict(zip(found, ("#1b6ca8", "#444444", "#c8553d", "#7a9e3a"), strict=False))
    for number, aspect in enumerate(ASPECTS):
        axes = figure.add_subplot(1, 3, number + 1)
        for name, items in found.items():
            near = items[number].nearest
            axes.plot(range(1, len(near) + 1), near, color=colours[name], label=name, lw=1.8)
        near = people[aspect][1]
        axes.plot(range(1, len(near) + 1), near, color="black", ls=":", label="people, piano")
        axes.set_title(aspect, fontsize=10, loc="left")
        axes.set_xscale("log")
        axes.set_xticks([1, 3, 10, 30, 99], ["1", "3", "10", "30", "99"])
        axes.set_ylim(0, None)
        axes.set_xlabel("others to compare with", fontsize=9)
        axes.spines[["top", "right"]].set_visible(False)
        axes.tick_params(labelsize=8)
        if number == 0:
            axes.set_ylabel("likeness to the nearest", fontsize=9)
            axes.legend(fontsize=7.5, frameon=False, loc="upper left")
    figure.savefig(picture, metadata={"Software": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("compose", "report"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--pieces", type=int, default=100)
    parser.add_argument("-o", "--output", type=Path, help="the picture")
    given = parser.parse_args()
    if given.what == "compose":
        compose_sets(given.work, given.pieces)
    else:
        report(given.work, given.output)


if __name__ == "__main__":
    main()
