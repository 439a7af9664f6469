"""The style on the page of styles is a style, and plays."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from leitmotiv.pipeline import plan_brief
from leitmotiv.plan import Brief
from leitmotiv.styles import load_style, load_style_file, style_names

PAGE = Path(__file__).parents[2] / "docs" / "styles.md"


@pytest.fixture
def own_style(tmp_path: Path) -> Path:
    found = re.search(r"```toml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    path = tmp_path / "dub.toml"
    path.write_text(found.group(1), encoding="utf-8")
    return path


def test_the_example_is_valid_and_complete(own_style: Path) -> None:
    style = load_style_file(own_style)
    assert style.name == "dub"
    assert style.has_drums
    assert style.fills


def test_a_brief_that_names_the_file_is_planned_and_played_in_it(own_style: Path) -> None:
    from leitmotiv.compose.rhythm_section import rhythm_section_part

    plan = plan_brief(Brief(style=str(own_style), num_bars=16), seed=3)
    assert plan.style == str(own_style)
    assert [part.instrument for part in plan.parts][-1].startswith("Drum")
    low, high = load_style_file(own_style).tempo_bpm
    assert low <= plan.tempos[0].bpm <= high
    drums = plan.num_parts - 1
    notes = rhythm_section_part(plan, drums, load_style(str(own_style)), np.random.default_rng(0))
    assert len(notes) > 16


def test_every_shipped_style_stands_on_the_page() -> None:
    named = set(re.findall(r"`(\w+)`", PAGE.read_text(encoding="utf-8")))
    assert set(style_names()) <= named


def test_every_shipped_style_can_be_asked_for_by_name() -> None:
    for name in style_names():
        plan = plan_brief(Brief(style=name, num_bars=16), seed=1)
        assert plan.style == name
        style = load_style(name)
        assert style.tempo_bpm[0] <= plan.tempos[0].bpm <= style.tempo_bpm[1]
