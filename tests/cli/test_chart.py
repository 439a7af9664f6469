"""The chart of a plan shows every part, bar, cadence and placement."""

from __future__ import annotations

import pytest

from leitmotiv.cli.chart import plan_summary, plan_to_chart
from leitmotiv.plan import (
    Plan,
    PlanChord,
    PlanPart,
    PlanPhrase,
    PlanSection,
    PlanTempo,
    ThemePlacement,
)


@pytest.fixture
def plan() -> Plan:
    """Eight bars of D minor: A and its return, one chord a bar but for bar 8."""
    symbols = [s for s in ("D:min", "A:7", "D:min", "G:min") for _ in (0, 1)] * 2
    symbols[-2:] = ["A:7", "D:min"]
    sections = tuple(
        PlanSection(
            label=label,
            name="theme",
            start_bar_index=start,
            num_bars=4,
            key="D minor",
            energy=energy,
            texture="homophonic",
            returns_to=returns_to,
            edit_share=0.25 if returns_to is not None else 0.0,
            phrases=(PlanPhrase(start_bar_index=start, num_bars=4, cadence=cadence),),
            parts_silent=silent,
        )
        for label, start, energy, returns_to, cadence, silent in (
            ("A", 0, 0.0, None, "half", ()),
            ("A'", 4, 1.0, 0, "authentic", (1,)),
        )
    )
    return Plan(
        title="Two Lines",
        seed=7,
        genre="waltz",
        key="D minor",
        meter="3/4",
        num_bars=8,
        tempos=(PlanTempo(bar_index=0, bpm=120),),
        sections=sections,
        chords=tuple(
            PlanChord(bar_index=i // 2, half=i % 2, symbol=symbol)  # type: ignore[arg-type]
            for i, symbol in enumerate(symbols)
        ),
        parts=(
            PlanPart(
                name="Violin", instrument="Violin", program=40, role="melody", low=55, high=88
            ),
            PlanPart(name="Cello", instrument="Cello", program=42, role="bass", low=36, high=67),
        ),
        placements=(
            ThemePlacement(bar_index=0, num_bars=2, part_index=0, transform="statement"),
            ThemePlacement(
                bar_index=4, num_bars=2, part_index=0, transform="sequence", transpose_steps=1
            ),
        ),
        loop=(0, 8),
    )


def test_summary_is_one_line_with_the_facts(plan: Plan) -> None:
    assert plan_summary(plan) == "waltz in D minor, 3/4, 120 BPM, 8 bars (AA'), 0:12"


def test_chart_shows_parts_sections_chords_cadences_theme_and_loop(plan: Plan) -> None:
    chart = plan_to_chart(plan)
    for text in (
        "Two Lines",
        "seed 7",
        "1 Violin",
        "G3 to E6",
        "2 Cello",
        "energy ▁",
        "energy █",
        "returns to A (25% new)",
        "silent: Cello",
        "half cadence",
        "authentic cadence",
        "A7 Dm",
        "bars 1-2: statement, Violin",
        "bars 5-6: sequence, Violin, +1 steps",
        "Loop: bars 1-8",
    ):
        assert text in chart


def test_chart_has_each_bar_once(plan: Plan) -> None:
    bars = [line for line in plan_to_chart(plan).splitlines() if "|" in line]
    assert sum(line.count("|") - 1 for line in bars) == plan.num_bars


def test_chart_fits_the_page(plan: Plan) -> None:
    assert max(map(len, plan_to_chart(plan).splitlines())) <= 100
