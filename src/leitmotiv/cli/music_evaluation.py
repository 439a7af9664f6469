"""``leitmotiv evaluate --music``: a set of pieces against human pieces and against baselines.

Public names: :func:`evaluate_music_command`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from leitmotiv.errors import ReviewError

if TYPE_CHECKING:
    from leitmotiv.release.comparison_page import ComparedSet
    from leitmotiv.review.comparison import FigureComparison
    from leitmotiv.review.diversity import Diversity, Figures

__all__ = ["evaluate_music_command"]

MIN_MUSIC = 2


def _read_set(
    folder: Path, num_bars: int
) -> tuple[NDArray[np.float64], list[Figures], list[str], list[str]]:
    """Figures of every piece of a folder, the pieces' names, and what could not be read."""
    from leitmotiv.cli.evaluate import read_inputs
    from leitmotiv.corpus.inputs import find_inputs
    from leitmotiv.review.diversity import piece_figures
    from leitmotiv.review.statistics import STATISTICS, score_statistics

    rows: list[list[float]] = []
    figures: list[Figures] = []
    names: list[str] = []
    skipped: list[str] = []
    for name, read in read_inputs(find_inputs(folder), None):
        if _is_written_beside(folder, name):
            continue  # a bundle holds its piece twice: as played and, beside it, as written
        if isinstance(read, str):
            skipped.append(f"{name}: {read}")
            continue
        row = list(score_statistics(read, num_bars=num_bars).values())
        if np.isnan(row).all():
            skipped.append(f"{name}: it holds no pitched notes")
            continue
        rows.append(row)
        names.append(name)
        figures.append(piece_figures(read, num_bars=num_bars))
    table = np.asarray(rows, dtype=np.float64).reshape(len(rows), len(STATISTICS))
    return table, figures, names, skipped


def _is_written_beside(folder: Path, name: str) -> bool:
    """Whether a file is the MIDI of a bundle that also holds MusicXML."""
    # Names start with the folder's own name where there are several sources in it.
    places = (folder / name, folder.parent / name)
    return Path(name).name == "score.mid" and any(
        place.with_suffix(".musicxml").is_file() for place in places
    )


def _nearest_genre(table: NDArray[np.float64], rng: np.random.Generator) -> str:
    """The shipped genre whose figures lie nearest."""
    from leitmotiv.review.comparison import compare_tables
    from leitmotiv.review.human_statistics import human_genres, load_human_statistics

    def distance(genre: str) -> float:
        human = load_human_statistics(genre).table
        found = compare_tables(table, human, rng, num_rounds=40)
        return float(np.mean([item.distance for item in found]))

    return min(human_genres(), key=distance)


def evaluate_music_command(
    music: Path,
    *,
    against: str | None,
    baselines: Sequence[Path],
    output: Path | None,
    num_bars: int,
    seed: int,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Compare the pieces of a folder with human ones; print a table, and write a page if asked.

    Raises
    ------
    ReviewError
        If there are too few pieces on either side, or ``against`` is neither a folder nor a genre.
    """
    from leitmotiv.release.comparison_page import ComparedSet, comparison_page
    from leitmotiv.review.comparison import MIN_PIECES, compare_tables
    from leitmotiv.review.diversity import measure_diversity
    from leitmotiv.review.human_statistics import load_human_statistics

    if output is not None and output.exists() and not overwrite:
        raise ReviewError(
            f"output={str(output)!r} exists; choose another name, or replace it with --overwrite"
        )
    rng = np.random.default_rng(seed)
    table, figures, names, skipped = _read_set(music, num_bars)
    if len(table) < MIN_MUSIC:
        raise ReviewError(
            f"music={str(music)!r} holds {len(table)} readable pieces, must be at least "
            f"{MIN_MUSIC}; a comparison needs a set" + (f"; {skipped[0]}" if skipped else "")
        )
    likeness: dict[str, tuple[float, tuple[float, ...]]]
    if against is not None and Path(against).exists():
        human, human_figures, _, human_skipped = _read_set(Path(against), num_bars)
        skipped += human_skipped
        name = str(against)
        likeness = {
            item.aspect: (item.pairs, item.nearest) for item in measure_diversity(human_figures)
        }
        if len(human) < MIN_PIECES:
            raise ReviewError(
                f"against={against!r} holds {len(human)} readable pieces, must be at least "
                f"{MIN_PIECES}; name a larger folder or a shipped genre"
            )
    else:
        genre = load_human_statistics(against or _nearest_genre(table, rng))
        human, likeness = genre.table, genre.likeness
        name = f"held-out {genre.name} by people" + ("" if against else ", the nearest genre")
    sets = [
        ComparedSet(
            music.name, table, compare_tables(table, human, rng), measure_diversity(figures)
        )
    ]
    members = [names]
    for folder in baselines:
        other, other_figures, other_names, other_skipped = _read_set(folder, num_bars)
        members.append(other_names)
        skipped += other_skipped
        if len(other) < MIN_MUSIC:
            raise ReviewError(
                f"baseline={str(folder)!r} holds {len(other)} readable pieces, must be at least "
                f"{MIN_MUSIC}"
            )
        sets.append(
            ComparedSet(
                folder.name,
                other,
                compare_tables(other, human, rng),
                measure_diversity(other_figures),
            )
        )
    if output is not None:
        from leitmotiv.score.atomic import write_bytes_atomically

        page = comparison_page(sets, human, human_name=name, human_likeness=likeness)
        write_bytes_atomically(output, page.encode("utf-8"))
    if as_json:
        print(
            json.dumps(
                _report(sets, members, name, len(human), likeness, skipped, output), indent=1
            )
        )
        return
    print("\n".join(_lines(sets, members, name, len(human), likeness, skipped)))
    if output is not None:
        print(f"page: {output}")


def _figure(item: FigureComparison) -> dict[str, Any]:
    return {
        "figure": item.statistic.name,
        "unit": item.statistic.unit,
        "median": item.median,
        "human_median": item.human_median,
        "distance": item.distance,
        "interval": [item.low, item.high],
        "human_distance": item.human_distance,
        "ratio": item.ratio,
        "within": item.is_within,
    }


def _diversity(item: Diversity, names: Sequence[str]) -> dict[str, Any]:
    from leitmotiv.review.diversity import NUM_OTHERS

    return {
        "aspect": item.aspect,
        "pieces": item.num_pieces,
        "pairs": None if item.pairs != item.pairs else item.pairs,
        "nearest": item.nearest_of(NUM_OTHERS) if item.nearest else None,
        "nearest_of": min(NUM_OTHERS, len(item.nearest)),
        "most_alike": [names[index] for index in item.closest] if item.nearest else [],
        "most_alike_likeness": item.closest_likeness if item.nearest else None,
    }


def _report(
    sets: Sequence[ComparedSet],
    members: Sequence[Sequence[str]],
    name: str,
    num_human: int,
    likeness: dict[str, tuple[float, tuple[float, ...]]],
    skipped: Sequence[str],
    output: Path | None,
) -> dict[str, Any]:
    from leitmotiv.review.comparison import share_within

    return {
        "human": name,
        "human_pieces": num_human,
        "sets": [
            {
                "name": item.name,
                "pieces": len(item.table),
                "share_within": share_within(item.comparisons) if item.comparisons else None,
                "figures": [_figure(found) for found in item.comparisons],
                "likeness": [_diversity(found, names) for found in item.diversity],
            }
            for item, names in zip(sets, members, strict=True)
        ],
        "human_likeness": {
            aspect: {"pairs": pairs, "nearest": nearest[-1] if nearest else None}
            for aspect, (pairs, nearest) in likeness.items()
        },
        "skipped": list(skipped),
        "page": None if output is None else str(output),
    }


def _lines(
    sets: Sequence[ComparedSet],
    members: Sequence[Sequence[str]],
    name: str,
    num_human: int,
    likeness: dict[str, tuple[float, tuple[float, ...]]],
    skipped: Sequence[str],
) -> Iterator[str]:
    from leitmotiv.review.comparison import BAR_RATIO, share_within
    from leitmotiv.review.diversity import NUM_OTHERS

    first = sets[0]
    yield f"{first.name}: {len(first.table)} pieces against {name} ({num_human} pieces)"
    yield ""
    others = "".join(f" {item.name[:12]:>12}" for item in sets[1:])
    yield (
        f"  {'figure':<40} {'median':>7} {'people':>7} {'distance (95 %)':>19} {'ratio':>6}{others}"
    )
    known = [{c.statistic.name: c for c in other.comparisons} for other in sets[1:]]
    for figure in first.comparisons:
        label = figure.statistic.name
        rest = "".join(
            f" {table[label].ratio:12.2f}" if label in table else " " * 13 for table in known
        )
        yield (
            f"{' ' if figure.is_within else '!'} {figure.statistic.label:<40} "
            f"{figure.median:7.2f} {figure.human_median:7.2f} {figure.distance:6.2f} "
            f"({figure.low:.2f}-{figure.high:.2f}) {figure.ratio:6.2f}{rest}"
        )
    yield ""
    for item in sets:
        met = sum(c.is_within for c in item.comparisons)
        yield (
            f"  {item.name}: {met} of {len(item.comparisons)} figures "
            f"({share_within(item.comparisons):.0%}) within {BAR_RATIO:g} times the distance of "
            "two human halves"
        )
    yield ""
    yield "  how alike: mean of pairs, nearest of k others (people)"
    for item, names in zip(sets, members, strict=True):
        for found in item.diversity:
            if not found.nearest:
                continue
            count = min(NUM_OTHERS, len(found.nearest))
            pairs, nearest = likeness.get(found.aspect, (float("nan"), ()))
            human = nearest[min(count, len(nearest)) - 1] if nearest else float("nan")
            yield (
                f"    {item.name[:24]:<24} {found.aspect:<8} {found.pairs:.3f} ({pairs:.3f})   "
                f"{found.nearest_of(count):.3f} ({human:.3f}) k={count}"
            )
            first_name, second_name = (names[index] for index in found.closest)
            yield (
                f"      most alike, {found.closest_likeness:.2f}: {first_name} and {second_name}"
            )
    if skipped:
        yield ""
        yield f"  skipped {len(skipped)}:"
        for text in skipped:
            yield f"    {text}"
