"""The closing lines: commands that lead to the same piece when they are typed again."""

from __future__ import annotations

import shlex
from pathlib import Path

from leitmotiv.cli.report import closing_lines


def _commands(*args: object, **kwargs: object) -> dict[str, list[str]]:
    lines = list(closing_lines(*args, **kwargs))  # type: ignore[arg-type]
    told = {line.split()[0]: line.split("leitmotiv compose ")[-1] for line in lines}
    return {name: shlex.split(told[name]) for name in ("edit", "vary", "repeat")}


def test_the_options_that_decide_the_piece_are_repeated() -> None:
    given = ["--style", "my dub.toml", "--drum-seed", "9"]
    told = _commands(Path("a b"), "a slow evening", 5, 1.0, given=given)
    assert told["repeat"] == ["a slow evening", *given, "--seed", "5"]
    assert told["vary"] == ["a slow evening", *given, "--seed", "6"]
    assert told["edit"] == ["a b/plan.json"]


def test_the_plan_is_composed_with_the_same_model_and_bank() -> None:
    told = _commands(Path("x"), "a jig", 5, 1.0, sound=["--model", "runs/m"])
    assert told["edit"] == ["x/plan.json", "--model", "runs/m"]


def test_a_brief_that_opens_with_a_dash_is_not_taken_for_an_option() -> None:
    told = _commands(Path("x"), "- a jig", 5, 1.0, given=["--bars", "8"])
    assert told["repeat"] == ["--seed", "5", "--bars", "8", "--", "- a jig"]


def test_the_greatest_seed_has_a_neighbour_that_is_allowed() -> None:
    told = _commands(Path("x"), "a jig", 2**63 - 1, 1.0)
    assert told["vary"][-1] == str(2**63 - 2)
