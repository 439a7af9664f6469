"""The plan develops its theme, and sets chords under it that carry it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from leitmotiv.plan import Brief, Plan, ThemeNote, make_plan
from leitmotiv.plan.cadences import is_cadence

# A tune in D minor whose chords are plain to hear: i, V, i, V | i.
TUNE = (62, 65, 69, 65, 64, 61, 69, 61)


def theme() -> tuple[ThemeNote, ...]:
    return tuple(
        ThemeNote(onset_quarter=n, duration_quarter=1, pitch=pitch) for n, pitch in enumerate(TUNE)
    )


def plans(**brief: object) -> list[Plan]:
    return [make_plan(Brief(**brief), np.random.default_rng(seed)) for seed in range(10)]  # type: ignore[arg-type]


def test_contrasts_develop_the_theme_in_more_than_one_way() -> None:
    kinds: Counter[str] = Counter()
    for plan in plans(genre="classical", num_bars=32, form="ternary", key="C major"):
        section = next(s for s in plan.sections if s.label.startswith("B"))
        inside = [
            p
            for p in plan.placements
            if section.start_bar_index <= p.bar_index < section.end_bar_index
        ]
        assert len(inside) >= len(section.phrases)
        assert len({p.transform for p in inside}) >= min(2, len(section.phrases))
        assert sum(p.num_bars for p in inside) >= section.num_bars // 4
        kinds.update(p.transform for p in inside)
    assert len(kinds) >= 4


def test_placements_lie_in_order_and_never_cross_in_one_part() -> None:
    for genre in ("classical", "hymn", "jazz", "waltz"):
        for plan in plans(genre=genre):
            taken: set[tuple[int, int]] = set()
            for placement in plan.placements:
                for bar in range(placement.bar_index, placement.bar_index + placement.num_bars):
                    assert (bar, placement.part_index) not in taken
                    taken.add((bar, placement.part_index))


def test_a_given_theme_decides_the_key_and_the_chords_under_it() -> None:
    carried = []
    for plan in plans(genre="classical", theme=theme(), meter="4/4", num_bars=16):
        assert plan.key == "D minor"
        statement = next(p for p in plan.placements if p.transform == "statement")
        for n, pitch in enumerate(TUNE):
            bar, beat = divmod(n, 4)
            tones = plan.chord_at(statement.bar_index + bar, beat // 2).pitch_classes
            carried.append(pitch % 12 in tones)
    assert np.mean(carried) > 0.9


def test_other_chords_under_a_return_leave_its_cadences_true() -> None:
    found = 0
    for plan in plans(genre="classical", num_bars=48, form="rondo"):
        found += sum(p.transform == "reharmonise" for p in plan.placements)
        for section in plan.sections:
            for phrase in section.phrases:
                end = phrase.end_bar_index
                before = plan.chord_at(end - 2, 1) if end > 1 else None
                last = plan.chord_at(end - 1, 0)
                assert is_cadence(before, last, plan.key_at(end - 1), phrase.cadence)
    assert found


@pytest.mark.parametrize("chords_per_bar", [1, 2])
def test_chords_that_a_person_gave_are_kept_exactly(chords_per_bar: int) -> None:
    given = ("C:maj", "A:min", "D:min7", "G:7")
    for plan in plans(
        genre="classical", chords=given, chords_per_bar=chords_per_bar, num_bars=16, theme=theme()
    ):
        halves = [chord.symbol for chord in plan.chords]
        expected = [symbol for symbol in given for _ in range(2 // chords_per_bar)]
        assert halves == (expected * 16)[:32]
