"""The chorales benchmark: nats per note of the project's frame models, with floors beside them.

Reads ``Jsb16thSeparated.json`` (229 / 76 / 77 chorales, four voices on a grid of 16th steps, -1 for
a rest; Boulanger-Lewandowski et al., 2012) from a folder given on the command line. The file states
no licence: neither it nor a model trained on it may be shipped, and this program writes weights to
``--out`` alone (default ``runs/jsb``, which git ignores).

Protocol: a cell is predicted from earlier steps and from the voices before it in its own step
(order soprano, alto, tenor, bass unless the recipe says otherwise). The score is the mean negative
log-likelihood in nats over all cells of a split, holds and first steps included, and over moving
and held cells apart. Symbols: 46 pitches and the rest; mass that a model gives to other pitches
counts against it. Weights and sizes are chosen on the validation split.

    python benchmarks/jsb.py --data FOLDER                         # floors alone
    python benchmarks/jsb.py --data FOLDER --train recipes/jsb-transformer.toml --seeds 1 2
    python benchmarks/jsb.py --data FOLDER --score runs/jsb/*.pt --test   # each, then all mixed

With ``--extra CORPUS`` four-part pieces of other collections are trained on as well (`jsb_extra`);
none of them shares a melody with the benchmark, and such a model is a row of its own.
"""

from __future__ import annotations

import argparse
import json
import math
import tomllib
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch
from jsb_extra import extra_frames
from numpy.typing import NDArray

from leitmotiv.training.frame_features import frame_features
from leitmotiv.training.frame_model import FrameConfig, FrameModel, parameter_count
from leitmotiv.training.frame_train import FrameSchedule, cell_log_probs, fit, moving_cells

FILE_NAME = "Jsb16thSeparated.json"
LOWEST_PITCH, NUM_SYMBOLS = 36, 47
ALL_SHIFTS = tuple(range(-6, 7))
Frames = NDArray[np.int64]


def read_chorales(folder: Path) -> dict[str, list[Frames]]:
    """Frames (T, 4) of every chorale by split."""
    path = folder / FILE_NAME
    if not path.is_file():
        raise SystemExit(f"--data {folder}: no {FILE_NAME} there; give the folder that holds it")
    with open(path, encoding="utf-8") as file:
        splits = json.load(file)
    return {name: [np.array(piece, dtype=np.int64) for piece in splits[name]] for name in splits}


# Floors ------------------------------------------------------------------------------------------


def symbols(piece: Frames) -> Frames:
    """0 for a rest, 1 to 46 for the pitches."""
    return np.where(piece < 0, 0, piece - LOWEST_PITCH + 1)


def unigram_floor(train: Sequence[Frames], pieces: Sequence[Frames]) -> NDArray[np.float64]:
    """Log-probabilities (N, 4) by how often each voice has each symbol."""
    seen, asked = symbols(np.concatenate(train)), symbols(np.concatenate(pieces))
    out = np.empty(asked.shape)
    for voice in range(asked.shape[1]):
        count = np.bincount(seen[:, voice], minlength=NUM_SYMBOLS) + 1.0
        out[:, voice] = np.log(count / count.sum())[asked[:, voice]]
    return out


def bigram_floor(train: Sequence[Frames], pieces: Sequence[Frames]) -> NDArray[np.float64]:
    """Log-probabilities (N, 4): hold by voice and place in the bar, else the voice's next note."""
    voices = train[0].shape[1]
    holds = np.ones((voices, 16, 2))
    follows = np.full((voices, NUM_SYMBOLS, NUM_SYMBOLS), 0.1)
    for piece in map(symbols, train):
        place = np.arange(1, len(piece)) % 16
        for voice in range(voices):
            now, before = piece[1:, voice], piece[:-1, voice]
            moved = now != before
            np.add.at(holds[voice], (place, moved.astype(int)), 1)
            np.add.at(follows[voice], (before[moved], now[moved]), 1)
    follows[:, np.arange(NUM_SYMBOLS), np.arange(NUM_SYMBOLS)] = 0.0
    log_hold = np.log(holds / holds.sum(-1, keepdims=True))
    with np.errstate(divide="ignore"):
        log_follow = np.log(follows / follows.sum(-1, keepdims=True))
    rows = []
    for piece in pieces:
        ids, place = symbols(piece), np.arange(1, len(piece)) % 16
        row = unigram_floor(train, [piece])  # the first step has none before it
        for voice in range(voices):
            now, before = ids[1:, voice], ids[:-1, voice]
            moved = (now != before).astype(int)
            move = np.where(moved, log_follow[voice, before, now], 0.0)
            row[1:, voice] = log_hold[voice, place, moved] + move
        rows.append(row)
    return np.concatenate(rows)


# Report ------------------------------------------------------------------------------------------


def nats(log_probs: NDArray[np.float64], moving: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Mean negative log-likelihood over all, moving and held cells."""
    return (
        -float(log_probs.mean()),
        -float(log_probs[moving].mean()),
        -float(log_probs[~moving].mean()),
    )


def row(name: str, size: str, *scores: tuple[float, float, float]) -> str:
    """One line of the table."""
    cells = "   ".join(" ".join(f"{value:6.4f}" for value in score) for score in scores)
    return f"{name:<46} {size:>10}   {cells}"


def print_floors(
    chorales: dict[str, list[Frames]], names: Sequence[str], moving: dict[str, NDArray[np.bool_]]
) -> None:
    """Uniform, unigram, hold and bigram."""
    print(row("uniform over 47 symbols", "", *[(math.log(NUM_SYMBOLS),) * 3 for _ in names]))
    for label, floor in (
        ("unigram of each voice", unigram_floor),
        ("hold by place in bar, and bigram", bigram_floor),
    ):
        found = [nats(floor(chorales["train"], chorales[name]), moving[name]) for name in names]
        print(row(label, "", *found))


def load_model(path: Path) -> FrameModel:
    """A model that `train_recipe` saved."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    config = dict(state["config"])
    model = FrameModel(FrameConfig(**config | {"order": tuple(config["order"])}))
    model.load_state_dict(state["model"])
    return model


def train_recipe(
    recipe_path: Path,
    seeds: Sequence[int],
    minutes: float | None,
    pieces: dict[str, list[dict]],
    out: Path,
    extra: Sequence[dict] = (),
) -> list[Path]:
    """Train one model a seed from a recipe; returns the files written."""
    with open(recipe_path, "rb") as file:
        recipe = tomllib.load(file)
    model_table = recipe["model"]
    if "order" in model_table:
        model_table = model_table | {"order": tuple(model_table["order"])}
    config = FrameConfig(**model_table)
    schedule = FrameSchedule(**recipe["schedule"] | ({"minutes": minutes} if minutes else {}))
    out.mkdir(parents=True, exist_ok=True)
    written = []
    for seed in seeds:
        torch.manual_seed(seed)
        model = FrameModel(config)
        print(f"{recipe_path.stem}, seed {seed}: {parameter_count(model):,} parameters", flush=True)
        result = fit(
            model,
            pieces["train"],
            pieces["valid"],
            schedule,
            seed=seed,
            extra=extra,
            report=lambda line: print(line, flush=True),
        )
        print(
            f"{result.epochs} epochs, {result.cpu_minutes:.1f} min of one core, "
            f"{result.wall_minutes:.1f} min by the clock",
            flush=True,
        )
        path = out / f"{recipe_path.stem}{'-extra' if extra else ''}-seed{seed}.pt"
        torch.save(
            {
                "config": config.to_dict(),
                "schedule": asdict(schedule),
                "model": result.model.state_dict(),
                "cpu_minutes": result.cpu_minutes,
            },
            path,
        )
        written.append(path)
    return written


def main(arguments: list[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help=f"folder with {FILE_NAME}")
    parser.add_argument("--train", type=Path, nargs="*", default=[], metavar="RECIPE")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1])
    parser.add_argument("--minutes", type=float, help="processor time a model; overrides recipes")
    parser.add_argument("--extra", type=Path, metavar="CORPUS", help="see above")
    parser.add_argument("--score", type=Path, nargs="*", default=[], metavar="FILE")
    parser.add_argument("--test", action="store_true", help="score the test split as well")
    parser.add_argument("--out", type=Path, default=Path("runs/jsb"))
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    chorales = read_chorales(options.data)
    pieces = {name: [frame_features(piece) for piece in chorales[name]] for name in chorales}

    files = list(options.score)
    extra = [frame_features(f) for f in extra_frames(options.extra)] if options.extra else []
    for recipe in options.train:
        files += train_recipe(recipe, options.seeds, options.minutes, pieces, options.out, extra)

    names = ["valid", "test"] if options.test else ["valid"]
    moving = {name: moving_cells(pieces[name]) for name in names}
    heading = "   ".join(f"{name:<6} moving held  " for name in names)
    print(f"\nnats per note{'':<34}{'parameters':>10}   {heading}")
    print_floors(chorales, names, moving)
    models = [load_model(path) for path in files]
    sizes = [parameter_count(model) for model in models]
    for suffix, shifts in (("", (0,)), (", 13 transpositions", ALL_SHIFTS)):
        members: dict[str, list[NDArray[np.float64]]] = {name: [] for name in names}
        for path, model, size in zip(files, models, sizes, strict=True):
            for name in names:
                members[name].append(cell_log_probs([model], pieces[name], shifts))
            found = [nats(members[name][-1], moving[name]) for name in names]
            print(row(path.stem + suffix, f"{size:,}", *found), flush=True)
        if len(models) > 1:
            mixed = [np.logaddexp.reduce(members[n]) - math.log(len(models)) for n in names]
            found = [nats(scores, moving[n]) for scores, n in zip(mixed, names, strict=True)]
            label = f"mixture of these {len(models)}{suffix}"
            print(row(label, f"{sum(sizes):,}", *found), flush=True)


if __name__ == "__main__":
    main()
