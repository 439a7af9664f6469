"""Composed pieces against people's, genre by genre, beside two baselines.

For every genre of the shipped human statistics that briefs can ask for, this program composes
pieces of 32 bars from briefs that differ in mood, key, meter and seed, as ``leitmotiv compose``
writes them (plan, notes; no sound), and makes the same number of pieces by

- **plain model**: the same network without planner and rules: it knows the genre, the mode, the
  meter and which instruments play, and continues its own bars; only the order of time is enforced;
- **5-gram**: the next of the fields position, pitch and duration given the last four, with
  back-off to shorter contexts, learned from up to 120 training pieces of the genre.

Both baselines get the parts, meter and key of the composer's plans. Then it prints what
``leitmotiv evaluate --music`` prints, in short: the share of figures within 1.5 times the distance
of two human halves, where each genre falls short, and how alike the pieces are.

    python benchmarks/music.py compose  --work FOLDER [--pieces 12] [--genre piano ...]
    python benchmarks/music.py plain    --work FOLDER
    python benchmarks/music.py fivegram --work FOLDER --library LIBRARY
    python benchmarks/music.py spread   --work FOLDER            # one brief, many seeds
    python benchmarks/music.py range    --work FOLDER            # the same, safe and adventurous
    python benchmarks/music.py report   --work FOLDER

Each step keeps its MIDI files in ``--work`` and skips those that are there.
"""

from __future__ import annotations

import argparse
import json
import time
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from leitmotiv.compose import compose
from leitmotiv.compose.canvas import Canvas
from leitmotiv.corpus.library import Library
from leitmotiv.errors import LeitmotivError
from leitmotiv.evaluation import score_to_evaluation_grid
from leitmotiv.models import DecodeOptions, Prompt, RowState, TargetCell, decode, open_model
from leitmotiv.pipeline import plan_brief
from leitmotiv.plan import Plan, parse_brief
from leitmotiv.review.comparison import compare_tables, share_within, statistics_table
from leitmotiv.review.diversity import NUM_OTHERS, measure_diversity, piece_figures
from leitmotiv.review.human_statistics import human_genres, load_human_statistics
from leitmotiv.review.statistics import STATISTICS
from leitmotiv.score import Origin, Score
from leitmotiv.score.files import parse_score
from leitmotiv.score.midi import midi_bytes
from leitmotiv.tokens import tags
from leitmotiv.tokens.grid import CELL_NOTE_DTYPE, CellGrid
from leitmotiv.tokens.sequence import events_to_notes, lay_out
from leitmotiv.tokens.vocabulary import (
    CONDITIONS,
    DRUM_PITCH_OFFSET,
    END,
    HEADER,
    POSITION_OFFSET,
    duration_to_id,
    id_to_duration,
)

NUM_BARS = 32
BRIEFS = {
    "art song": ("{mood} song for voice and piano",),
    "chamber": ("{mood} piece for violin, cello and piano", "{mood} piece for flute and piano"),
    "choral": ("{mood} choral piece for choir",),
    "folk": ("{mood} folk tune for solo violin", "{mood} jig for solo flute"),
    "game/rock/electronic": ("{mood} rock track", "{mood} chiptune", "{mood} synthwave track"),
    "guitar": ("{mood} piece for solo guitar",),
    "harpsichord": ("{mood} baroque piece for harpsichord",),
    "hymn": ("{mood} hymn for choir",),
    "orchestral": ("{mood} orchestral piece",),
    "organ": ("{mood} piece for organ",),
    "piano": ("{mood} piano piece", "{mood} nocturne for piano", "{mood} classical piano piece"),
    "string quartet": ("{mood} string quartet",),
}
MOODS = ("calm", "sad", "cheerful", "tense", "wistful", "solemn", "playful", "heroic")
KEYS = ("C major", "G major", "F major", "D major", "Bb major", "A minor", "D minor", "E minor")
METERS = ("4/4", "4/4", "3/4", "2/4", "6/8")
KEPT = ("meter", "bar", "part", "target", "genre", "mode", "program", "role")
SPREAD = {"waltz": "a wistful waltz for piano in D minor", "quartet": "a calm string quartet"}


def genre_briefs(genre: str, count: int) -> Iterator[tuple[str, int]]:
    """Briefs of a genre with a seed each; the same ones every time."""
    rng = np.random.default_rng(zlib.crc32(genre.encode()))
    for number in range(count):
        text = BRIEFS[genre][number % len(BRIEFS[genre])].format(mood=rng.choice(MOODS))
        meter = "6/8" if "jig" in text else rng.choice(METERS)
        yield f"a {text} in {rng.choice(KEYS)}, {meter}, {NUM_BARS} bars", 1000 + number


def missing(folder: Path, jobs: Iterator[tuple[str, int]]) -> Iterator[tuple[str, int, Path]]:
    """Jobs whose file is not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, (brief, seed) in enumerate(jobs):
        path = folder / f"{number:03}.mid"
        if not path.exists():
            yield brief, seed, path


def folder_of(work: Path, genre: str, kind: str) -> Path:
    """Where the files of one kind and genre are kept."""
    return work / genre.replace("/", "-").replace(" ", "-") / kind


# --- the composer --------------------------------------------------------------------------------


def compose_pieces(work: Path, genre: str, count: int) -> None:
    """Compose what is missing of a genre."""
    model = open_model(None)
    start, done = time.perf_counter(), 0
    for brief, seed, path in missing(
        folder_of(work, genre, "composer"), genre_briefs(genre, count)
    ):
        score = compose(plan_brief(brief, seed=seed), model=model, rng=np.random.default_rng(seed))
        path.write_bytes(midi_bytes(score))
        done += 1
    took = time.perf_counter() - start
    print(f"composer {genre:<22} {done} pieces, {took / max(done, 1):.1f} s each", flush=True)


def spread_pieces(work: Path, count: int, adventure: float = 0.5) -> None:
    """Compose one brief with many seeds."""
    model = open_model(None)
    folder = work / ("spread" if adventure == 0.5 else f"range-{adventure:g}")
    for name, brief in SPREAD.items():
        jobs = ((f"{brief}, {NUM_BARS} bars", 5000 + seed) for seed in range(count))
        for text, seed, path in missing(folder / name, jobs):
            plan = plan_brief(parse_brief(text).replace(adventure=adventure), seed=seed)
            rng = np.random.default_rng(seed)
            path.write_bytes(midi_bytes(compose(plan, model=model, rng=rng)))


# --- the network without planner -----------------------------------------------------------------


class TimeRunsForward:
    """Positions do not go back, and nothing starts after the bar."""

    def __init__(self, steps: int, is_drum: list[bool]) -> None:
        self.steps, self.is_drum = steps, is_drum

    def apply(self, field_index: int, logits: np.ndarray, row: RowState) -> None:
        """Mask what the format cannot hold."""
        if field_index == 0:
            logits[[0, HEADER]] = -np.inf
            logits[POSITION_OFFSET + self.steps :] = -np.inf
            if row.events:
                logits[POSITION_OFFSET : row.events[-1][0]] = -np.inf
        elif field_index == 1:
            logits[0] = -np.inf
            if self.is_drum[row.cell]:
                logits[:DRUM_PITCH_OFFSET] = -np.inf
            else:
                logits[:22] = -np.inf  # below the piano's A0
                logits[110:] = -np.inf
        else:
            logits[0] = -np.inf


def empty_grid(plan: Plan) -> CellGrid:
    """Bars and parts of a plan with nothing in them."""
    return Canvas(plan).grid


def to_score(plan: Plan, notes: np.ndarray) -> Score:
    """Notes on the canvas of a plan, as a score."""
    canvas = Canvas(plan)
    cells = [(bar, part) for bar in range(plan.num_bars) for part in range(plan.num_parts)]
    canvas.write(cells, notes)
    return canvas.to_score()


def plain_piece(plan: Plan, seed: int) -> Score:
    """Continue from nothing, four bars at a time, twelve in view."""
    model, grid, rng = open_model(None), empty_grid(plan), np.random.default_rng(seed)
    kept = np.asarray([name in KEPT for name in CONDITIONS])
    parts = list(range(min(plan.num_parts, 8)))
    steps = int(grid.bar_steps[0])
    for first in range(0, plan.num_bars, 4):
        start = max(first - 12, 0)
        num_bars = min(first + 4, plan.num_bars) - start
        target = np.zeros((num_bars, len(parts)), dtype=bool)
        target[first - start :] = True
        window = lay_out(
            grid, start=start, num_bars=num_bars, parts=parts, target=target, known_velocity=False
        )
        conditions = np.where(kept, window.conditions, 0)
        cells = window.cells[window.num_context :]
        targets = [
            TargetCell(
                conditions=conditions[bar, slot],
                start_time=float(window.bar_time[bar]),
                header=(HEADER, 0, 0, 0),
                end=END,
                first_position=POSITION_OFFSET,
                max_events=40,
            )
            for bar, slot in cells
        ]
        row = decode(
            model,
            Prompt(window.events, np.where(kept, window.event_conditions(), 0), window.time),
            targets,
            rng,
            filters=[TimeRunsForward(steps, [bool(grid.is_drum[slot]) for _, slot in cells])],
            options=DecodeOptions(temperature=(0.95,) * 4, min_p=0.03, num_fields=3),
        )[0]
        notes = events_to_notes(window, row.cells, Origin.MODEL)
        joined = np.concatenate([grid.notes, notes])
        order = ("bar", "part", "position", "pitch", "duration")
        grid = replace(grid, notes=joined[np.argsort(joined, order=order)])
    return to_score(plan, grid.notes)


# --- 5-gram --------------------------------------------------------------------------------------


class FiveGram:
    """Counts of tokens after up to four others; a token is (field, value)."""

    def __init__(self, streams: Iterator[list[tuple[int, int]]]) -> None:
        self.tables: list[dict[tuple[tuple[int, int], ...], Counter[tuple[int, int]]]] = [
            defaultdict(Counter) for _ in range(5)
        ]
        for stream in streams:
            for place in range(len(stream)):
                for length in range(min(place, 4) + 1):
                    self.tables[length][tuple(stream[place - length : place])][stream[place]] += 1

    def draw(
        self, past: list[tuple[int, int]], fields: tuple[int, ...], rng: np.random.Generator
    ) -> tuple[int, int] | None:
        """The next token of one of the fields, from the longest context that knows one."""
        for length in range(min(len(past), 4), -1, -1):
            found = self.tables[length].get(tuple(past[len(past) - length :]), Counter())
            choices = [(token, count) for token, count in found.items() if token[0] in fields]
            if choices:
                weights = np.asarray([count for _, count in choices], dtype=np.float64)
                return choices[int(rng.choice(len(choices), p=weights / weights.sum()))][0]
        return None


PART, POSITION, PITCH, DURATION, CLOSE = range(5)


def token_stream(score: Score) -> list[tuple[int, int]]:
    """A piece in its home signature, bar by bar, part after part."""
    grid, _ = score_to_evaluation_grid(score)
    cells = defaultdict(list)
    for note in grid.notes:
        cells[int(note["bar"]), int(note["part"])].append(note)
    stream: list[tuple[int, int]] = []
    for bar in range(grid.num_bars):
        shift = int(tags.home_shift(grid.fifths[bar]))
        for part in range(min(grid.num_parts, 8)):
            stream.append((PART, part))
            for note in cells[bar, part]:
                stream.append((POSITION, int(note["position"])))
                stream.append((PITCH, int(note["pitch"]) + (0 if grid.is_drum[part] else shift)))
                stream.append((DURATION, int(duration_to_id(note["duration"]))))
            stream.append((CLOSE, 0))
    return stream


def fivegram_piece(gram: FiveGram, plan: Plan, seed: int) -> Score:
    """Draw the cells of a plan's bars and parts."""
    rng, grid = np.random.default_rng(seed), empty_grid(plan)
    past: list[tuple[int, int]] = []
    rows = []
    for bar in range(plan.num_bars):
        shift = int(tags.home_shift(grid.fifths[bar]))
        for part in range(min(plan.num_parts, 8)):
            past.append((PART, part))
            for _ in range(40):
                token = gram.draw(past, (POSITION, CLOSE), rng)
                if token is None or token[0] == CLOSE or token[1] >= grid.bar_steps[bar]:
                    break
                pitch = gram.draw([*past, token], (PITCH,), rng)
                length = gram.draw([*past, token, pitch], (DURATION,), rng)
                past += [token, pitch, length]
                midi = pitch[1] - (0 if grid.is_drum[part] else shift)
                rows.append(
                    (bar, part, token[1], midi, int(id_to_duration(length[1])), 80, Origin.MODEL)
                )
            past.append((CLOSE, 0))
    return to_score(plan, np.sort(np.asarray(rows, dtype=CELL_NOTE_DTYPE)))


def training_streams(library: Library, genre: str) -> Iterator[list[tuple[int, int]]]:
    """Token streams of training pieces of a genre."""
    names = set(load_human_statistics(genre).sources)
    pieces = [
        p
        for p in library.pieces(sources=names)
        if p.genre == genre and p.split == "train" and 300 <= p.num_notes <= 4000
    ]
    for index in np.random.default_rng(0).permutation(len(pieces))[:120]:
        data = library.midi(pieces[index].id)
        try:
            if data is not None:
                yield token_stream(parse_score(data))
        except LeitmotivError:
            continue


# --- report --------------------------------------------------------------------------------------


def read_folder(folder: Path) -> list[Score]:
    """All pieces of a folder by name."""
    return [parse_score(path.read_bytes()) for path in sorted(folder.glob("*.mid"))]


def report(work: Path, genres: list[str]) -> None:
    """Print the tables and keep them as JSON."""
    kinds = ("composer", "plain", "fivegram")
    document: dict[str, dict] = {}
    short: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for genre in genres:
        human = load_human_statistics(genre)
        document[genre] = {"human": len(human.table)}
        for kind in kinds:
            scores = read_folder(folder_of(work, genre, kind))
            if len(scores) < 4:
                continue
            table = statistics_table(scores, num_bars=NUM_BARS)
            found = compare_tables(table, human.table, np.random.default_rng(0))
            entry = {
                "pieces": len(scores),
                "share_within": share_within(found),
                "figures": {
                    c.statistic.name: [c.median, c.human_median, c.distance, c.low, c.high, c.ratio]
                    for c in found
                },
            }
            if kind == "composer":
                entry["likeness"] = {
                    d.aspect: [d.pairs, d.nearest_of(NUM_OTHERS), len(d.nearest)]
                    for d in measure_diversity([piece_figures(s) for s in scores])
                }
                for c in found:
                    if not c.is_within:
                        short[c.statistic.label].append((genre, c.ratio))
            document[genre][kind] = entry
    (work / "report.json").write_text(json.dumps(document, indent=1), encoding="utf-8")
    print("share of figures within 1.5 times the distance of two human halves")
    print(f"{'genre':<22} people pieces" + "".join(f" {kind:>9}" for kind in kinds))
    for genre, row in document.items():
        cells = "".join(
            f" {row[kind]['share_within']:9.0%}" if kind in row else " " * 10 for kind in kinds
        )
        count = row.get("composer", {}).get("pieces", 0)
        print(f"{genre:<22} {row['human']:6} {count:6}{cells}")
    print("\nwhere the composer falls short, by number of genres")
    for label, places in sorted(short.items(), key=lambda item: -len(item[1])):
        text = ", ".join(f"{genre} {ratio:.1f}" for genre, ratio in sorted(places))
        print(f"{len(places):3} {label}: {text}")
    print("\nhow alike: nearest of k others, composed (people)")
    for genre, row in document.items():
        if "composer" in row:
            human = load_human_statistics(genre).likeness
            text = "  ".join(
                f"{aspect} {value[1]:.3f} ({human[aspect][1][min(NUM_OTHERS, value[2]) - 1]:.3f})"
                for aspect, value in row["composer"]["likeness"].items()
            )
            print(f"{genre:<22} {text}")
    print("\none brief, many seeds")
    for folder, label in (("range-0", "safe"), ("spread", "usual"), ("range-1", "adventurous")):
        for name in SPREAD:
            scores = read_folder(work / folder / name)
            if len(scores) > 1:
                report_spread(f"{name}, {label}", scores)


def report_spread(label: str, scores: list[Score]) -> None:
    """Print how alike the pieces of one brief are, and how far they go."""
    alike = "  ".join(
        f"{item.aspect} {item.pairs:.3f}/{item.nearest_of(7):.3f}/{item.closest_likeness:.2f}"
        for item in measure_diversity([piece_figures(score) for score in scores])
    )
    medians = np.nanmedian(statistics_table(scores, num_bars=NUM_BARS), axis=0)
    figures = dict(zip([s.name for s in STATISTICS], medians, strict=True))
    far = "  ".join(
        f"{name} {figures[name]:.2f}"
        for name in ("pitch_class_entropy_1", "scale_share", "chord_tone_share", "step_share")
    )
    print(f"{label}, {len(scores)} seeds: pairs/nearest of 7/closest: {alike}; {far}")


def draw(work: Path, picture: Path) -> None:
    """Draw the composer's ratios as a table of colours: figures down, genres across."""
    from matplotlib.colors import TwoSlopeNorm
    from matplotlib.figure import Figure

    document = json.loads((work / "report.json").read_text(encoding="utf-8"))
    genres = [genre for genre, row in document.items() if "composer" in row]
    ratios = np.full((len(STATISTICS), len(genres)), np.nan)
    for column, genre in enumerate(genres):
        for line, statistic in enumerate(STATISTICS):
            found = document[genre]["composer"]["figures"].get(statistic.name)
            ratios[line, column] = np.nan if found is None else found[-1]
    figure = Figure(figsize=(9.5, 11), dpi=90, layout="constrained")
    axes = figure.add_subplot()
    norm = TwoSlopeNorm(vcenter=1.5, vmin=0.5, vmax=3.5)
    axes.imshow(ratios, cmap="RdBu_r", norm=norm, aspect="auto")
    for line, column in zip(*np.nonzero(~np.isnan(ratios)), strict=True):
        value = ratios[line, column]
        axes.text(
            column,
            line,
            f"{value:.1f}",
            ha="center",
            va="center",
            fontsize=8,
            color="white" if value > 2.8 or value < 0.7 else "black",
        )
    shares = [f"{document[genre]['composer']['share_within']:.0%}" for genre in genres]
    names = [f"{genre}\n{share}" for genre, share in zip(genres, shares, strict=True)]
    axes.set_xticks(range(len(genres)), names, rotation=55, ha="left", fontsize=9)
    axes.xaxis.tick_top()
    axes.set_yticks(range(len(STATISTICS)), [s.label for s in STATISTICS], fontsize=9)
    axes.set_xlabel("distance to people over the distance of two human halves; blue is within 1.5")
    figure.savefig(picture)


def main() -> None:
    """Run one step."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "step", choices=("compose", "plain", "fivegram", "spread", "range", "report")
    )
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--pieces", type=int, default=12)
    parser.add_argument("--genre", action="append")
    parser.add_argument("--library", type=Path)
    parser.add_argument("--picture", type=Path, help="draw the report's ratios here")
    arguments = parser.parse_args()
    genres = arguments.genre or [genre for genre in human_genres() if genre in BRIEFS]
    if arguments.step == "report":
        report(arguments.work, genres)
        if arguments.picture is not None:
            draw(arguments.work, arguments.picture)
    elif arguments.step == "spread":
        spread_pieces(arguments.work, arguments.pieces)
    elif arguments.step == "range":
        for adventure in (0.0, 0.5, 1.0):
            spread_pieces(arguments.work, arguments.pieces, adventure)
    elif arguments.step == "compose":
        for genre in genres:
            compose_pieces(arguments.work, genre, arguments.pieces)
    else:
        library = Library(arguments.library) if arguments.step == "fivegram" else None
        for genre in genres:
            gram = None
            folder = folder_of(arguments.work, genre, arguments.step)
            for brief, seed, path in missing(folder, genre_briefs(genre, arguments.pieces)):
                plan = plan_brief(brief, seed=seed)
                if library is None:
                    score = plain_piece(plan, seed)
                else:
                    gram = gram or FiveGram(training_streams(library, genre))
                    score = fivegram_piece(gram, plan, seed)
                path.write_bytes(midi_bytes(score))
            print(f"{arguments.step} {genre}", flush=True)


if __name__ == "__main__":
    main()
