"""The page of effects has the knobs that the effects have."""

from __future__ import annotations

import runpy
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "docs/build_effects.py"


def test_the_tables_are_written_from_the_effects() -> None:
    script = runpy.run_path(str(SCRIPT))
    page = script["PAGE"].read_text(encoding="utf-8")
    assert page == script["build"](page), "run python docs/build_effects.py"


def test_every_knob_is_described() -> None:
    script = runpy.run_path(str(SCRIPT))
    from leitmotiv.effects import load_effect

    for name in ("compressor", "gate", "limiter", "saturation", "tape", "filter"):
        effect = load_effect(name)
        words = script["described"](effect)
        assert {knob.name for knob in effect.parameters} <= set(words)
