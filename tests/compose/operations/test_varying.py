"""Each kind of variation changes what it names and keeps the rest."""

from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.compose import WriterOptions
from leitmotiv.compose.operations import vary
from leitmotiv.errors import ComposeError
from leitmotiv.score import Origin, Part, Score, make_notes
from leitmotiv.score.analysis import estimate_key

from .scores import song

QUICK = WriterOptions(num_candidates=3, num_accompaniments=2)
BAR = 1920


def varied(kind: str, amount: float = 0.5) -> Score:
    return vary(song(), kind, amount=amount, rng=np.random.default_rng(2), options=QUICK)


def test_a_varied_melody_keeps_its_openings_and_the_other_parts() -> None:
    before, after = song(), varied("melody")
    assert after.parts[1:] == before.parts[1:]
    fresh = after.parts[0].notes[after.parts[0].notes["origin"] == Origin.MODEL]
    assert 1 <= len(np.unique(fresh["onset"] // BAR)) <= 4
    assert 0 not in fresh["onset"] // BAR


def test_ornaments_keep_every_struck_note() -> None:
    before, after = song(), varied("ornament", 1.0)
    assert after.parts[1:] == before.parts[1:]
    kept = after.parts[0].notes[after.parts[0].notes["origin"] == Origin.HUMAN]
    assert kept["onset"].tolist() == before.parts[0].notes["onset"].tolist()
    assert kept["pitch"].tolist() == before.parts[0].notes["pitch"].tolist()
    assert len(after.parts[0].notes) > len(kept)


def test_equal_turns_of_the_melody_get_equal_ornaments() -> None:
    score = song(repeats=2)
    after = vary(score, "ornament", amount=1.0, rng=np.random.default_rng(3)).parts[0].notes
    first = after[after["onset"] < 7 * BAR]
    again = after[(after["onset"] >= 8 * BAR) & (after["onset"] < 15 * BAR)]
    assert (again["onset"] - 8 * BAR).tolist() == first["onset"].tolist()
    assert again["pitch"].tolist() == first["pitch"].tolist()


def test_ornaments_are_of_several_kinds_and_move_by_small_steps() -> None:
    after = vary(song(), "ornament", amount=1.0, rng=np.random.default_rng(3)).parts[0].notes
    added = np.flatnonzero(after["origin"] == Origin.STYLE)
    steps = after["pitch"][added].astype(int) - after["pitch"][added - 1]
    assert np.abs(steps).max() <= 7  # a fifth
    assert len(set(steps.tolist())) >= 3


def test_a_score_without_pitches_or_long_notes_is_refused(rng: np.random.Generator) -> None:
    drums = Part("Drums", 0, True, notes=make_notes([0, 480], [100, 100], [36, 38]))
    with pytest.raises(ComposeError, match="needs pitched notes"):
        vary(Score((drums,)), "mode", rng=rng)
    with pytest.raises(ComposeError, match="finds no note to adorn"):
        vary(Score((Part("A", notes=make_notes([0], [480], [60])),)), "ornament", rng=rng)
    with pytest.raises(ComposeError, match="a part beside the melody"):
        vary(song().with_parts(song().parts[:1]), "accompaniment", rng=rng)


def test_the_other_mode_has_the_same_tonic_and_rhythm() -> None:
    before, after = song(), varied("mode")
    assert str(estimate_key(after)) == "G minor"
    assert str(after.keys[0].key) == "G minor"
    for old, new in zip(before.parts, after.parts, strict=True):
        assert new.notes["onset"].tolist() == old.notes["onset"].tolist()


def test_a_new_accompaniment_keeps_the_melody() -> None:
    before, after = song(), varied("accompaniment", 1.0)
    assert after.parts[0] == before.parts[0]
    assert after.parts[1] != before.parts[1]


def test_unknown_kinds_and_amounts_are_refused(rng: np.random.Generator) -> None:
    with pytest.raises(ComposeError, match="kind='upside' must be one of"):
        vary(song(), "upside", rng=rng)
    with pytest.raises(ComposeError, match="amount=0 must be above 0"):
        vary(song(), amount=0.0, rng=rng)
