"""New parts stand beside the old ones, and a harmonised melody stays what it was."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from leitmotiv.compose import WriterOptions
from leitmotiv.compose.operations import add_part, harmonise_melody
from leitmotiv.errors import ComposeError
from leitmotiv.score import MeterChange, Origin, Score
from leitmotiv.theory import Meter

from .scores import song, tune_part

QUICK = WriterOptions(num_candidates=3, num_accompaniments=2)
BAR = 1920


@lru_cache
def chorale() -> Score:
    tune = song().with_parts([tune_part()])
    return harmonise_melody(tune, ["choir"], rng=np.random.default_rng(1), options=QUICK)


def test_a_new_part_leaves_the_others_as_they_are() -> None:
    before = song()
    after = add_part(before, "cello", rng=np.random.default_rng(1), options=QUICK)
    assert after.parts[:3] == before.parts
    notes = after.parts[3].notes
    assert set(notes["origin"].tolist()) <= {Origin.MODEL, Origin.STYLE}
    assert set((notes["onset"] // BAR).tolist()) >= set(range(7))
    assert notes["pitch"].min() >= 36


def test_added_drums_are_a_style() -> None:
    after = add_part(song(), "drums", rng=np.random.default_rng(1), options=QUICK)
    assert after.parts[3].is_drum
    assert set(after.parts[3].notes["origin"].tolist()) == {Origin.STYLE}


def test_drums_play_under_a_bare_tune_of_any_meter() -> None:
    for meter, bars in ((Meter(6, 8), 10), (Meter(7, 8), 9), (Meter(3, 4), 10)):
        tune = replace(song().with_parts([tune_part()]), meters=(MeterChange(0, meter),))
        drums = add_part(tune, "drums", rng=np.random.default_rng(1), options=QUICK).parts[1]
        struck = {int(tune.bar_index_at(int(t))) for t in drums.notes["onset"]}
        assert len(struck) >= bars - 1


def test_every_meter_of_a_piece_gets_the_new_part_and_the_harmony() -> None:
    change = (MeterChange(0, Meter(4, 4)), MeterChange(4 * BAR, Meter(3, 4)))
    tune = replace(song().with_parts([tune_part()]), meters=change)
    cello = add_part(tune, "cello", rng=np.random.default_rng(1), options=QUICK).parts[1]
    chorale = harmonise_melody(tune, ["choir"], rng=np.random.default_rng(1), options=QUICK)
    for part in (cello, chorale.parts[3]):
        assert part.notes["onset"].min() < 2 * BAR
        assert part.notes["onset"].max() >= 6 * BAR


def test_many_parts_can_have_one_more() -> None:
    parts = [replace(song().parts[i % 3], name=f"Part {i}") for i in range(20)]
    crowd = song().with_parts(parts)
    after = add_part(crowd, "cello", "bass", rng=np.random.default_rng(1), options=QUICK)
    assert after.parts[:20] == crowd.parts
    assert len(after.parts[20].notes)


def test_a_harmonised_melody_is_kept_note_for_note() -> None:
    assert chorale().parts[0].notes.tobytes() == tune_part().notes.tobytes()
    assert [part.role for part in chorale().parts] == ["melody", "harmony", "harmony", "bass"]


def test_a_chorale_closes_with_the_tonic_in_the_bass() -> None:
    score = chorale()
    assert str(score.chords[-1].chord) == "G:maj"
    assert score.chord_at(6 * BAR + 960).root_pitch_class == 2
    last = score.parts[3].notes[-1]
    assert int(last["pitch"]) % 12 == 7
    assert int(last["onset"] + last["duration"]) == score.length_ticks


def test_most_melody_notes_on_strong_beats_fit_their_chord() -> None:
    score = chorale()
    notes = score.parts[0].notes
    strong = notes[notes["onset"] % 960 == 0]
    fits = [int(n["pitch"]) % 12 in score.chord_at(int(n["onset"])).pitch_classes for n in strong]
    assert np.mean(fits) >= 0.8


def test_unknown_players_and_roles_are_refused(rng: np.random.Generator) -> None:
    with pytest.raises(ComposeError, match="theremonium"):
        add_part(song(), "theremonium", rng=rng)
    with pytest.raises(ComposeError, match="role='soloist' must be one of"):
        add_part(song(), "cello", "soloist", rng=rng)
    with pytest.raises(ComposeError, match="nobody to accompany"):
        harmonise_melody(song(), ["flute"], rng=rng)
