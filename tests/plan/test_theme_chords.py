"""The theme's chords travel with it, and cadences stay."""

from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.pipeline import plan_brief
from leitmotiv.plan import Brief, Plan
from leitmotiv.plan.form import PhraseSketch, SectionSketch
from leitmotiv.plan.plan import ThemePlacement
from leitmotiv.plan.theme_chords import carry_theme_chords
from leitmotiv.theory import ChordSymbol, Key


def placed(bar: int, transform: str, steps: int = 0) -> ThemePlacement:
    return ThemePlacement(
        bar_index=bar, num_bars=2, part_index=0, transform=transform, transpose_steps=steps
    )


def sketch(chords: str, key: str = "C major") -> SectionSketch:
    halves = [str(ChordSymbol.parse(f"{name}")) for name in chords.split() for _ in range(2)]
    phrases = [PhraseSketch(4, "half"), PhraseSketch(4, "authentic")]
    return SectionSketch("A", "theme", 8, phrases=phrases, key=Key.parse(key), halves=halves)


def carried(section: SectionSketch, *placements: ThemePlacement) -> list[str]:
    carry_theme_chords([section], placements, "classical", np.random.default_rng(0))
    return section.halves


def test_a_repeat_has_the_chords_of_the_statement_and_its_own_cadence() -> None:
    section = sketch("C:maj F:maj D:min G:maj A:min D:min G:7 C:maj")
    before = list(section.halves)
    after = carried(section, placed(0, "statement"), placed(4, "repeat"))
    assert after[8:12] == before[0:4]
    assert after[13:] == before[13:]
    assert after[:8] == before[:8]


def test_a_sequence_moves_the_chords_along_the_scale() -> None:
    section = sketch("C:maj F:maj D:min G:maj A:min D:min G:7 C:maj")
    after = carried(section, placed(0, "statement"), placed(4, "sequence", 1))
    roots = [ChordSymbol.parse(symbol).root_pitch_class for symbol in after[8:12]]
    assert roots == [2, 2, 7, 7]
    assert after[8].endswith("min")


@pytest.mark.parametrize("transform", ["invert", "fragment", "reharmonise", "counter-melody"])
def test_other_developments_leave_the_harmony(transform: str) -> None:
    section = sketch("C:maj F:maj D:min G:maj A:min D:min G:7 C:maj")
    before = list(section.halves)
    assert carried(section, placed(0, "statement"), placed(4, transform)) == before


def test_consequents_of_whole_pieces_begin_like_their_antecedents() -> None:
    same = total = 0
    for seed in range(20):
        plan: Plan = plan_brief(Brief(genre="classical", num_bars=32), seed=seed)
        origin = plan.placements[0].bar_index
        for placement in plan.placements:
            bar = placement.bar_index
            if placement.transform == "repeat" and plan.key_at(bar) == plan.key_at(0):
                total += 1
                same += all(
                    plan.chord_at(bar + more, 0) == plan.chord_at(origin + more, 0)
                    for more in range(2)
                )
    assert total >= 15
    assert same / total > 0.8


def test_chords_that_a_person_gave_are_not_carried() -> None:
    given = ("C:maj", "A:min", "F:maj", "G:maj", "E:min", "A:min", "D:min", "G:maj")
    plan = plan_brief(Brief(genre="classical", num_bars=8, chords=given), seed=3)
    assert [str(plan.chord_at(bar, 0)) for bar in range(8)] == list(given)
