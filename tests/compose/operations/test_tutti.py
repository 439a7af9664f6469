"""A tutti grows in register, players and strokes, and moves nothing that a person wrote."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from leitmotiv.compose.operations import climax, climax_plan
from leitmotiv.compose.operations.tutti import TUTTI_PLAYERS, tutti
from leitmotiv.plan import Plan
from leitmotiv.score import Origin, Part, Score, make_notes

from .scores import song


@lru_cache
def bare() -> tuple[Score, Plan]:
    """A planned climax in which everybody who may play has one note a bar."""
    plan = climax_plan(song(), 60.0, rng=np.random.default_rng(1))
    parts = []
    for index, entry in enumerate(plan.parts):
        bars = [b for b in range(plan.num_bars) if index not in plan.section_at(b).parts_silent]
        ticks = [b * plan.bar_ticks for b in bars]
        pitch = (entry.low + min(entry.high, entry.low + 24)) // 2
        notes = make_notes(ticks, [plan.bar_ticks] * len(bars), pitch, 80, origin=Origin.MODEL)
        parts.append(Part(entry.name, entry.program, entry.is_drum, entry.role, notes))
    length = plan.num_bars * plan.bar_ticks
    return Score(tuple(parts), meters=song().meters, length_ticks=length), plan


def last_bars(plan: Plan) -> int:
    return plan.sections[-1].start_bar_index * plan.bar_ticks


def test_an_orchestra_is_joined_by_its_tutti_players_and_percussion() -> None:
    score, plan = bare()
    grown = tutti(score, plan)
    names = [part.name for part in grown.parts[plan.num_parts :]]
    assert names == [*(player[0] for player in TUTTI_PLAYERS), "Percussion"]
    for part, (_, _, low, high, _) in zip(
        grown.parts[plan.num_parts :], TUTTI_PLAYERS, strict=False
    ):
        assert len(part.notes)
        assert low <= part.notes["pitch"].min()
        assert part.notes["pitch"].max() <= high
        assert set(part.notes["origin"].tolist()) == {Origin.STYLE}
        assert part.notes["onset"].min() > 0.3 * grown.length_ticks  # they wait
    assert grown.length_ticks == score.length_ticks


def test_the_tune_climbs_towards_the_end_and_only_there() -> None:
    score, plan = bare()
    before = score.parts[4].notes
    after = tutti(score, plan).parts[4].notes
    rise = after["pitch"].astype(int) - before["pitch"]
    early = before["onset"] < 0.5 * score.length_ticks
    assert set(rise[early].tolist()) == {0}
    assert 12 in rise[before["onset"] >= last_bars(plan)]


def test_what_a_person_wrote_is_not_moved() -> None:
    score, plan = bare()
    parts = []
    for part in score.parts:
        notes = part.notes.copy()
        notes["origin"] = Origin.HUMAN
        parts.append(part.with_notes(notes))
    human = score.with_parts(parts)
    for index, part in enumerate(tutti(human, plan).parts[: plan.num_parts]):
        if part.program != 73:  # flutes leave their line for the tune
            assert part.notes.tobytes() == human.parts[index].notes.tobytes()


def test_a_quartet_stays_a_quartet() -> None:
    plan = climax_plan(song(), 40.0, ["string quartet"], rng=np.random.default_rng(1))
    parts = [Part(p.name, p.program, p.is_drum, p.role) for p in plan.parts]
    length = plan.num_bars * plan.bar_ticks
    assert len(tutti(Score(tuple(parts), length_ticks=length), plan).parts) == 4


@pytest.mark.slow
def test_three_minutes_grow_in_everything_that_can_be_counted() -> None:
    score = climax(song(), 180.0, rng=np.random.default_rng(1))
    quarter = score.length_ticks // 4
    rows = []
    for index in range(4):
        low, high = index * quarter, (index + 1) * quarter
        pieces = [
            p.notes[(p.notes["onset"] >= low) & (p.notes["onset"] < high)] for p in score.parts
        ]
        notes = np.concatenate(pieces)
        pitched = np.concatenate(
            [n for n, p in zip(pieces, score.parts, strict=True) if not p.is_drum]
        )
        rows.append(
            (
                sum(bool(len(n)) for n in pieces),
                len(notes),
                float(notes["velocity"].mean()),
                int(np.ptp(pitched["pitch"])),
            )
        )
    players, count, loudness, span = (list(column) for column in zip(*rows, strict=True))
    assert players == sorted(players)
    assert players[-1] >= 13
    assert loudness == sorted(loudness)
    assert count[-1] >= 3 * count[0]
    assert span[-1] >= span[0] + 12
