"""The command locks what is named, and says what cannot be locked in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from leitmotiv.cli.lock import lock_command
from leitmotiv.errors import LeitmotivError
from leitmotiv.pipeline import compose_generator, plan_brief
from leitmotiv.plan import Plan
from leitmotiv.score import Origin


@pytest.fixture
def plan_file(tmp_path: Path) -> Path:
    return plan_brief("solo piano, 4 bars, 4/4, nocturne", seed=3).to_json(tmp_path / "plan.json")


def lock(plan_file: Path, **options: object) -> Plan:
    output = plan_file.with_name("locked.json")
    given = {"bars": None, "parts": None, "edited": None, "model": None, **options}
    lock_command(plan_file, output=output, overwrite=True, as_json=True, **given)  # type: ignore[arg-type]
    return Plan.from_json(output)


def test_bars_and_parts_that_are_named_are_locked(
    plan_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = lock(plan_file, bars="2-3", parts="right")
    assert [(one.part, one.bars) for one in plan.locks] == [(plan.parts[0].name, range(1, 3))]
    assert json.loads(capsys.readouterr().out)["locked"] == [f"bars 2-3 of {plan.parts[0].name}"]


def test_a_persons_edit_is_locked_as_theirs_and_the_rest_as_it_was(plan_file: Path) -> None:
    from leitmotiv.compose import compose
    from leitmotiv.score.musicxml import write_musicxml

    plan = Plan.from_json(plan_file)
    score = compose(plan, rng=compose_generator(plan.seed))
    notes = score.parts[0].notes.copy()
    notes["pitch"][0] += 12 if notes["pitch"][0] + 12 <= plan.parts[0].high else -12
    write_musicxml(
        score.with_part(0, score.parts[0].with_notes(notes)), plan_file.with_name("edited.musicxml")
    )
    locked = lock(plan_file, parts="1", edited=plan_file.with_name("edited.musicxml"))
    rows = locked.locks[0].notes
    assert len(rows) == len(notes)
    assert int(notes["pitch"][0]) in {row[2] for row in rows if row[4] == Origin.HUMAN}
    assert sum(row[4] == Origin.HUMAN for row in rows) < len(rows) / 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "nothing to lock is named"),
        ({"bars": "9"}, "must be numbers from 1 to 4"),
        ({"parts": "oboe"}, "is no part of the score"),
    ],
)
def test_what_cannot_be_locked_is_said(plan_file: Path, options: dict[str, str], said: str) -> None:
    with pytest.raises(LeitmotivError, match=said):
        lock(plan_file, **options)
    assert not plan_file.with_name("locked.json").exists()
