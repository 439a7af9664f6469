"""A climax grows: in players, in energy, in loudness, over the theme that was given."""

from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.compose import WriterOptions
from leitmotiv.compose.operations import climax, climax_plan
from leitmotiv.errors import ComposeError
from leitmotiv.score import Origin, Score

from .scores import song

QUICK = WriterOptions(num_candidates=2, num_accompaniments=1)


def test_players_and_energy_only_ever_grow() -> None:
    plan = climax_plan(song(), 120.0, rng=np.random.default_rng(1))
    energy = [section.energy for section in plan.sections]
    playing = [plan.num_parts - len(section.parts_silent) for section in plan.sections]
    assert energy == sorted(energy)
    assert energy[-1] == 1.0
    assert playing == sorted(playing)
    assert (playing[0], playing[-1]) == (2, plan.num_parts)


def test_key_meter_tempo_and_length_are_as_asked() -> None:
    plan = climax_plan(song(), 90.0, rng=np.random.default_rng(1))
    assert (plan.key, plan.meter) == ("G major", "4/4")
    assert plan.duration_sec == pytest.approx(90.0, rel=0.02)


def test_nobody_has_the_theme_while_resting() -> None:
    plan = climax_plan(song(), 150.0, rng=np.random.default_rng(3))
    for placement in plan.placements:
        assert placement.part_index not in plan.section_at(placement.bar_index).parts_silent


def test_the_given_theme_is_heard_and_the_end_is_loudest() -> None:
    score = climax(song(), 25.0, ["string quartet"], rng=np.random.default_rng(1), options=QUICK)
    lead = score.parts[0].notes
    human = lead[lead["origin"] == Origin.HUMAN]
    assert (human["pitch"] % 12).tolist() == (song().parts[0].notes["pitch"][:12] % 12).tolist()
    half = score.length_ticks // 2
    notes = np.concatenate([part.notes for part in score.parts])
    early, late = notes[notes["onset"] < half], notes[notes["onset"] >= half]
    assert late["velocity"].mean() > early["velocity"].mean() + 10


def test_impossible_climaxes_are_refused(rng: np.random.Generator) -> None:
    with pytest.raises(ComposeError, match="seconds=500 must be between 20 and 180"):
        climax_plan(song(), 500.0, rng=rng)
    with pytest.raises(ComposeError, match="empty"):
        climax_plan(Score(), 60.0, rng=rng)
