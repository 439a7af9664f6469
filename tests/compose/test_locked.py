"""Locked bars and parts come out bit for bit, whatever else of the plan has changed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leitmotiv.compose import ComposeOptions, WriterOptions, compose, write_dynamics
from leitmotiv.compose.locked import keep_locked
from leitmotiv.errors import PlanError
from leitmotiv.plan import Brief, Plan, PlanChord, make_plan
from leitmotiv.plan.locks import PlanLock, locked_cells, with_locks
from leitmotiv.score import Score
from leitmotiv.styles import style_for_genre

RULES = ComposeOptions(
    writer=WriterOptions(num_candidates=1, num_accompaniments=1), network_accompaniment=False
)
QUICK = ComposeOptions(writer=WriterOptions(num_candidates=1, num_accompaniments=1))


def piece(genre: str = "classical", **brief: object) -> tuple[Plan, Score]:
    request = Brief(genre=genre, num_bars=8, meter="4/4", **brief)  # type: ignore[arg-type]
    plan = make_plan(request, np.random.default_rng(5), style=style_for_genre)
    return plan, written(plan, 1)


def written(plan: Plan, seed: int, options: ComposeOptions = RULES) -> Score:
    score = compose(plan, options=options, rng=np.random.default_rng(seed))
    return keep_locked(write_dynamics(score, plan), plan)


def cell(score: Score, plan: Plan, part: int, bars: range) -> bytes:
    """The notes that begin in some bars of a part, byte for byte."""
    notes = score.parts[part].notes
    bar = notes["onset"] // plan.bar_ticks
    return notes[(bar >= bars.start) & (bar < bars.stop)].tobytes()


def with_chord(plan: Plan, bar: int, symbol: str) -> Plan:
    chords = list(plan.chords)
    for half in (0, 1):
        chords[2 * bar + half] = PlanChord(bar_index=bar, half=half, symbol=symbol)
    return plan.replace(chords=tuple(chords))


@pytest.mark.parametrize("genre", ["classical", "rock", "nocturne"])
@pytest.mark.parametrize("options", [RULES, QUICK], ids=["rules", "network"])
def test_locked_bars_are_identical_and_the_others_are_new(
    genre: str, options: ComposeOptions
) -> None:
    plan, score = piece(genre)
    locked = with_locks(plan, score, bars=range(2, 5))
    again = written(locked, 77, options)
    for part in range(plan.num_parts):
        assert cell(again, plan, part, range(2, 5)) == cell(score, plan, part, range(2, 5))
    assert any(
        cell(again, plan, part, bars) != cell(score, plan, part, bars)
        for part in range(plan.num_parts)
        for bars in (range(2), range(5, 8))
    )
    assert again.num_bars == score.num_bars


@pytest.mark.parametrize("genre", ["classical", "rock", "hymn"])
def test_a_locked_part_is_identical_under_another_energy_and_other_chords(genre: str) -> None:
    plan, score = piece(genre)
    melody = next(index for index, part in enumerate(plan.parts) if part.role == "melody")
    locked = with_locks(plan, score, parts=[plan.parts[melody].name])
    louder = locked.replace(sections=tuple(s.replace(energy=0.95) for s in locked.sections))
    again = written(with_chord(louder, 5, "Ab:maj"), 9)
    assert cell(again, plan, melody, range(8)) == cell(score, plan, melody, range(8))
    others = [index for index in range(plan.num_parts) if index != melody]
    assert any(cell(again, plan, p, range(8)) != cell(score, plan, p, range(8)) for p in others)


@settings(max_examples=4)
@given(
    first=st.integers(0, 7),
    length=st.integers(1, 4),
    part=st.integers(0, 3),
    seed=st.integers(0, 99),
)
def test_any_lock_holds_and_no_note_reaches_into_it(
    first: int, length: int, part: int, seed: int
) -> None:
    plan, score = piece("classical", instruments=("Violin", "Violin", "Viola", "Cello"))
    bars = range(first, min(first + length, 8))
    locked = with_locks(plan, score, bars=bars, parts=[plan.parts[part].name])
    again = written(locked, seed)
    assert cell(again, plan, part, bars) == cell(score, plan, part, bars)
    for entry in again.parts:
        for pitch in np.unique(entry.notes["pitch"]):
            same = entry.notes[entry.notes["pitch"] == pitch]
            assert (same["onset"][:-1] + same["duration"][:-1] <= same["onset"][1:]).all()


def test_notes_that_a_person_moved_off_the_grid_stay_there() -> None:
    plan, score = piece()
    notes = score.parts[0].notes.copy()
    notes["onset"][1:3] += 7
    notes["velocity"][:3] = 33
    edited = score.with_part(0, score.parts[0].with_notes(notes))
    again = written(with_locks(plan, edited, bars=[0, 1]), 4)
    assert cell(again, plan, 0, range(2)) == cell(edited, plan, 0, range(2))


def test_everything_locked_is_the_piece_itself() -> None:
    plan, score = piece()
    again = written(with_locks(plan, score), 1234)
    for part in range(plan.num_parts):
        assert again.parts[part].notes.tobytes() == score.parts[part].notes.tobytes()


def test_locks_add_up_and_travel_in_the_plan_file() -> None:
    plan, score = piece()
    names = [part.name for part in plan.parts]
    both = with_locks(with_locks(plan, score, bars=[1, 2]), score, parts=names[:1])
    cells = locked_cells(both)
    assert cells[:, 0].all()
    assert cells[1:3].all()
    assert cells.sum() == 8 + 2 * (plan.num_parts - 1)
    assert Plan.from_dict(both.to_dict()) == both


def test_contradictions_are_one_line_with_a_remedy() -> None:
    plan, score = piece("classical", instruments=("Violin", "Violin", "Viola", "Cello"))
    locked = with_locks(plan, score, bars=[4, 5])

    def refused(match: str, make: object) -> None:
        with pytest.raises(PlanError, match=match) as caught:
            make()  # type: ignore[operator]
        assert "\n" not in str(caught.value)

    chord = "Ab:maj" if locked.chords[10].symbol != "Ab:maj" else "E:maj"
    refused("bar 6 is locked over .* now are .* unlock", lambda: with_chord(locked, 5, chord))
    refused(
        "bars 5-6 of Cello but no part of the plan has that name: .* restore the part",
        lambda: locked.replace(
            parts=tuple(
                part.replace(name="Bassoon") if part.name == "Cello" else part
                for part in locked.parts
            )
        ),
    )
    late = locked.locks[0].replace(start_bar_index=7)
    refused("bars 8-9 .* but the plan has 8 bars", lambda: locked.replace(locks=(late,)))
    refused("both hold bar 5 of", lambda: locked.replace(locks=(locked.locks[0], locked.locks[0])))
    narrow = [part.replace(high=part.low + 1) for part in locked.parts]
    refused(
        "whose range is .* widen the range",
        lambda: locked.replace(parts=tuple(narrow), theme=None),
    )
    silent = [section.replace(parts_silent=(0,)) for section in locked.sections]
    refused("which is silent in section", lambda: locked.replace(sections=tuple(silent)))
    refused("in 4/4 but meter='6/8'", lambda: locked.replace(meter="6/8"))
    refused("1 to 9, must lie in bars 1 to 8", lambda: with_locks(plan, score, bars=range(9)))
    refused("'Oboe' must be one of Violin", lambda: with_locks(plan, score, parts=["Oboe"]))
    other, _ = piece("rock")
    refused("lock a score of this plan", lambda: with_locks(other, score))
    with pytest.raises(PlanError, match="notes"):
        PlanLock.from_dict({**locked.locks[0].to_dict(), "notes": [[0, 10, 200, 80, 1]]})
