"""An arrangement keeps the tune and the bass, and gives everybody something to play."""

from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.compose.operations import arrange
from leitmotiv.errors import ComposeError
from leitmotiv.score import Origin, Part, Score, make_notes

from .scores import song


def piano() -> Score:
    """The song for one piano: the tune over broken chords."""
    tune = song().parts[0].notes
    onset = np.arange(0, 8 * 1920, 240)
    pitch = [43, 50, 55, 59, 55, 59, 55, 50] * 8
    left = make_notes(onset, [220] * len(onset), pitch, 55)
    return song().with_parts([Part("Piano", 0, notes=np.concatenate([tune, left]))])


def test_the_melody_goes_to_the_leader_unchanged() -> None:
    result = arrange(piano(), ["string quartet"])
    assert [part.name for part in result.parts] == ["Violin I", "Violin II", "Viola", "Cello"]
    tune, lead = song().parts[0].notes, result.parts[0].notes
    assert lead["onset"].tolist() == tune["onset"].tolist()
    assert set((lead["pitch"].astype(int) - tune["pitch"]).tolist()) == {0}


def test_broken_chords_become_held_voices() -> None:
    result = arrange(piano(), ["string quartet"])
    for part in result.parts[1:3]:
        assert len(part.notes)
        assert part.notes["duration"].min() >= 900
        assert set(part.notes["origin"].tolist()) == {Origin.STYLE}


def test_single_players_play_one_note_at_a_time_in_range() -> None:
    for part in arrange(piano(), ["orchestra"]).parts:
        end = part.notes["onset"] + part.notes["duration"]
        assert len(part.notes)
        assert np.all(end[:-1] <= part.notes["onset"][1:]) or part.program in range(48, 52)
    for part in arrange(piano(), ["string quartet"]).parts:
        assert part.notes["pitch"].min() >= {"Violin I": 55, "Cello": 36}.get(part.name, 48)


def test_a_bare_tune_is_set_in_parts() -> None:
    tune = song().with_parts([song().parts[0]])
    result = arrange(tune, ["string quartet"])
    assert result.parts[0].notes["onset"].tolist() == tune.parts[0].notes["onset"].tolist()
    for part in result.parts[1:]:
        assert set((part.notes["onset"] // 1920).tolist()) >= set(range(8))
        assert set(part.notes["origin"].tolist()) == {Origin.STYLE}
    assert arrange(tune, ["string quartet"]) == result  # nothing is drawn


def test_an_orchestra_rests_where_the_music_is_calm() -> None:
    parts = []
    for part in song(repeats=2).parts:
        notes = part.notes.copy()
        notes["velocity"] = np.where(notes["onset"] < 15360, 45, 100)
        parts.append(part.with_notes(notes))
    result = arrange(song(repeats=2).with_parts(parts), ["orchestra"])
    playing = [
        sum(
            bool(((p.notes["onset"] >= a) & (p.notes["onset"] < a + 15360)).any())
            for p in result.parts
        )
        for a in (0, 15360)
    ]
    assert playing[1] >= playing[0] + 3


def test_trumpets_do_not_run_with_a_tune() -> None:
    runs = make_notes(range(0, 8 * 1920, 120), [110] * 128, [72 + k % 5 for k in range(128)], 90)
    score = song().with_parts([Part("Flute", 73, notes=runs), *song().parts[1:]])
    trumpets = next(p for p in arrange(score, ["orchestra"]).parts if p.name == "Trumpets")
    assert set((trumpets.notes["onset"] % 480).tolist()) <= {0}


def test_the_maps_are_kept() -> None:
    result = arrange(song(), ["flute", "guitar"])
    assert (result.tempo_map, result.meters, result.length_ticks) == (
        song().tempo_map,
        song().meters,
        song().length_ticks,
    )


def test_nothing_to_arrange_is_refused() -> None:
    with pytest.raises(ComposeError, match="kazooka"):
        arrange(song(), ["kazooka"])
    with pytest.raises(ComposeError, match="empty"):
        arrange(Score(), ["flute"])
