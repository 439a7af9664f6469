"""Recipes: what to train, on what, for how long; a TOML file with a table for each question.

==============  ==================================================================================
table           keys
==============  ==================================================================================
``model``       sizes: width, layers, heads, kv_heads, hidden; dropout (attention and residuals)
``data``        for packing: sources, exclude, share_alike, split_seed, valid_share, test_share;
                for training: batch_events, budget, max_parts, source_weights,
                genre_shares, rehearsal (share of base pieces in fine-tuning),
                held_out_windows (validated on)
``schedule``    minutes and/or steps, curriculum_bars, curriculum_budgets, learning_rate,
                warmup_steps, weight_decay, label_smoothing, clip, ema, anchor (pull towards the
                base in fine-tuning), accumulate (batches an update), mixed_precision (true, false
                or "gpu"), report_seconds, save_seconds, validate_seconds
``augmentation``  stretch, velocity, tempo, octave: probabilities
``stopping``    patience (validations without improvement), min_improvement (bits a note),
                copied_limit and copied_patience (share of sampled fragments found in the training
                pieces; measurements in a row above it), entropy_patience, begin (share of the run
                before which novelty stops nothing)
``novelty``     continuations, bars, every (measure at each such validation), fragment (notes)
==============  ==================================================================================

``model``, ``data`` and ``schedule`` must be there (``model`` not in fine-tuning); all else has the
defaults below.

Public names: :func:`load_recipe`, :func:`check_recipe`, :func:`stage`, :data:`DEFAULTS`.
"""

from __future__ import annotations

import difflib
import tomllib
from pathlib import Path
from typing import Any

from leitmotiv.training.errors import TrainingError

__all__ = ["DEFAULTS", "Recipe", "check_recipe", "load_recipe", "stage"]

Recipe = dict[str, Any]

DEFAULTS: dict[str, dict[str, Any]] = {
    "model": {"width": 192, "layers": 6, "heads": 6, "kv_heads": 2, "hidden": 512, "dropout": 0.0},
    "data": {
        "sources": [],
        "exclude": {},
        "share_alike": False,
        "split_seed": 1,
        "valid_share": 0.1,
        "test_share": 0.1,
        "batch_events": 6144,
        "budget": 512,
        "max_parts": 8,
        "source_weights": {},
        "genre_shares": {},
        "rehearsal": 0.0,
        "held_out_windows": 160,
    },
    "schedule": {
        "minutes": None,
        "steps": None,
        "curriculum_bars": [8, 16, 32],
        "curriculum_budgets": None,  # the budget of the data throughout
        "learning_rate": 2.5e-3,
        "warmup_steps": 100,
        "weight_decay": 0.05,
        "label_smoothing": 0.0,
        "clip": 1.0,
        "ema": 0.998,
        "anchor": 0.0,
        "accumulate": 1,
        "mixed_precision": "gpu",
        "report_seconds": 20.0,
        "save_seconds": 100.0,
        "validate_seconds": 480.0,
    },
    "augmentation": {"stretch": 0.0, "velocity": 0.0, "tempo": 0.0, "octave": 0.0},
    "stopping": {
        "patience": 0,  # never
        "min_improvement": 0.002,
        "copied_limit": 1.0,  # never
        "copied_patience": 2,
        "entropy_patience": 0,  # never
        "begin": 0.2,
    },
    "novelty": {"continuations": 0, "bars": 4, "every": 1, "fragment": 9},
}

# What a number must be: at least, at most.
LIMITS: dict[str, tuple[float, float]] = {
    "width": (8, 8192),
    "layers": (1, 96),
    "heads": (1, 128),
    "kv_heads": (1, 128),
    "hidden": (8, 32768),
    "dropout": (0, 0.9),
    "batch_events": (16, 1 << 24),
    "budget": (16, 1 << 16),
    "max_parts": (1, 16),
    "split_seed": (0, 2**31),
    "valid_share": (0, 0.5),
    "test_share": (0, 0.5),
    "rehearsal": (0, 0.95),
    "held_out_windows": (1, 100_000),
    "minutes": (0.001, 1e6),
    "steps": (1, 1e9),
    "learning_rate": (1e-7, 1),
    "warmup_steps": (1, 1e7),
    "weight_decay": (0, 1),
    "label_smoothing": (0, 0.5),
    "clip": (1e-3, 1e6),
    "ema": (0, 0.99999),
    "anchor": (0, 100),
    "accumulate": (1, 4096),
    "report_seconds": (0.01, 3600),
    "save_seconds": (0.01, 110),  # a killed run loses at most two minutes
    "validate_seconds": (0.01, 86400),
    "stretch": (0, 1),
    "velocity": (0, 1),
    "tempo": (0, 1),
    "octave": (0, 1),
    "patience": (0, 1e6),
    "min_improvement": (0, 10),
    "copied_limit": (0, 1),
    "copied_patience": (1, 1e6),
    "entropy_patience": (0, 1e6),
    "begin": (0, 1),
    "continuations": (0, 1000),
    "bars": (1, 16),
    "every": (1, 1e6),
    "fragment": (3, 64),
}
WHOLE = {
    *("width", "layers", "heads", "kv_heads", "hidden", "batch_events", "budget", "max_parts"),
    "split_seed",
    *("steps", "warmup_steps", "accumulate", "patience", "copied_patience", "entropy_patience"),
    *("continuations", "bars", "every", "fragment", "held_out_windows"),
}
OPTIONAL = {"minutes", "steps", "curriculum_budgets"}


def load_recipe(path: Path, *, fine_tuning: bool = False) -> Recipe:
    """Read a recipe file with its defaults filled in.

    Raises
    ------
    TrainingError
        If the file is missing, no TOML, or breaks the schema above.
    """
    try:
        with open(path, "rb") as file:
            recipe = tomllib.load(file)
    except OSError as error:
        raise TrainingError(
            f"recipe={str(path)!r} cannot be read ({error.strerror}); name a TOML file such as "
            "recipes/tiny.toml"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TrainingError(f"recipe={str(path)!r} is no TOML ({error}); mend that line") from error
    return check_recipe(recipe, name=str(path), fine_tuning=fine_tuning)


def check_recipe(recipe: Recipe, *, name: str = "recipe", fine_tuning: bool = False) -> Recipe:
    """Return the recipe with defaults filled in; refuse what is unknown or out of range."""
    needed = {"data", "schedule"} if fine_tuning else {"model", "data", "schedule"}
    if missing := needed - recipe.keys():
        raise TrainingError(
            f"{name}: the table [{min(missing)}] is missing; see recipes/tiny.toml for each table"
        )
    full: Recipe = {}
    for table, value in recipe.items():
        if table not in DEFAULTS or not isinstance(value, dict):
            raise TrainingError(f"{name}: {_unknown(f'[{table}]', table, DEFAULTS)}")
    for table, defaults in DEFAULTS.items():
        given = recipe.get(table, {})
        for key, value in given.items():
            if key not in defaults:
                raise TrainingError(f"{name}: {_unknown(f'{table}.{key}', key, defaults)}")
            _check(name, table, key, value)
        full[table] = {**defaults, **given}
    schedule = full["schedule"]
    if schedule["minutes"] is None and schedule["steps"] is None:
        raise TrainingError(f"{name}: schedule.minutes or schedule.steps must say how long")
    if full["model"]["heads"] % full["model"]["kv_heads"]:
        raise TrainingError(f"{name}: model.heads must be a multiple of model.kv_heads")
    if full["model"]["width"] % (4 * full["model"]["heads"]):
        raise TrainingError(f"{name}: model.width must be a multiple of 4 * model.heads")
    return full


def _unknown(shown: str, key: str, known: dict[str, Any]) -> str:
    close = difflib.get_close_matches(key, known, 1)
    return f"{shown} is unknown; " + (
        f"did you mean {close[0]}?" if close else f"known are {', '.join(known)}"
    )


def _check(name: str, table: str, key: str, value: Any) -> None:
    shown = f"{name}: {table}.{key} = {value!r}"
    if value is None and key in OPTIONAL:  # TOML has no None, a recipe filled in before has
        return
    if key in ("curriculum_bars", "curriculum_budgets"):
        most = 32 if key == "curriculum_bars" else 1 << 16
        if not (
            isinstance(value, list)
            and value
            and all(isinstance(n, int) and 1 <= n <= most for n in value)
        ):
            raise TrainingError(f"{shown} must be a list of whole numbers from 1 to {most}")
    elif key in ("source_weights", "genre_shares"):
        if not isinstance(value, dict) or not all(_number(v) and v >= 0 for v in value.values()):
            raise TrainingError(f"{shown} must be a table of numbers from 0 up")
    elif key == "sources":
        if not isinstance(value, list) or not all(isinstance(v, str) for v in value):
            raise TrainingError(f"{shown} must be a list of names")
    elif key == "exclude":
        if not isinstance(value, dict) or not all(isinstance(v, list) for v in value.values()):
            raise TrainingError(f"{shown} must be a table of lists of values")
    elif key == "share_alike":
        if not isinstance(value, bool):
            raise TrainingError(f"{shown} must be true or false")
    elif key == "mixed_precision":
        if value not in (True, False, "gpu"):
            raise TrainingError(f'{shown} must be true, false or "gpu"')
    else:
        low, high = LIMITS[key]
        whole = isinstance(value, int) or key not in WHOLE
        if not _number(value) or not whole or not low <= value <= high:
            kind = "a whole number" if key in WHOLE else "a number"
            raise TrainingError(f"{shown} must be {kind} from {low:g} to {high:g}")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def stage(recipe: Recipe, progress: float) -> tuple[int, int]:
    """Bars and event budget of a window when ``progress`` (0 to 1) of the run has passed.

    Examples
    --------
    >>> recipe = {
    ...     "data": {"budget": 512},
    ...     "schedule": {"curriculum_bars": [8, 16], "curriculum_budgets": [256, 512]},
    ... }
    >>> stage(recipe, 0.49), stage(recipe, 1.0)
    ((8, 256), (16, 512))
    """
    schedule = recipe["schedule"]
    bars = schedule["curriculum_bars"]
    budgets = schedule.get("curriculum_budgets") or [recipe["data"]["budget"]]
    return tuple(  # type: ignore[return-value]
        int(steps[min(int(progress * len(steps)), len(steps) - 1)]) for steps in (bars, budgets)
    )
