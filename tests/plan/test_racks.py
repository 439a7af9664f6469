"""Styles give parts their effects, and only presets that exist are named."""

from __future__ import annotations

import tomllib
from importlib import resources

import pytest

from leitmotiv.pipeline import plan_brief
from leitmotiv.rack import preset_names
from leitmotiv.styles import load_style, style_names


def _rules() -> list[dict[str, object]]:
    entry = resources.files("leitmotiv.plan") / "data" / "racks.toml"
    return tomllib.loads(entry.read_text(encoding="utf-8"))["rule"]


def test_every_rule_names_a_preset_and_a_mix_that_exist() -> None:
    mixes = {load_style(name).mix_preset for name in style_names()}
    for rule in _rules():
        assert rule["rack"] in preset_names()
        assert set(rule["mixes"]) <= mixes  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("brief", "expected"),
    [
        ("synthwave, 8 bars", "drum-glue"),
        ("rock with an organ and an overdriven guitar, 8 bars", "driven-guitar"),
        ("string quartet, 8 bars", ""),
        ("a waltz for piano, 8 bars", ""),
    ],
)
def test_a_brief_gets_the_effects_of_its_style(brief: str, expected: str) -> None:
    racks = {part.rack for part in plan_brief(brief, seed=1).parts}
    assert expected in racks
    if not expected:
        assert racks == {""}
