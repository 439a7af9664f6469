from __future__ import annotations

import json

import numpy as np
import pytest

from leitmotiv.instruments.timbre_bands import NUM_BANDS
from leitmotiv.instruments.timbre_pairs import (
    CLASSES,
    HELD_OUT,
    PHRASE_SEC,
    PhrasePlayer,
    build_pack,
    random_phrase,
)


def test_phrases_fit_their_length_and_differ():
    phrases = [random_phrase(np.random.default_rng(seed)) for seed in range(40)]
    for notes in phrases:
        assert len(notes) > 0
        ends = (notes["onset"] + notes["duration"]) / 960
        assert ends.max() <= PHRASE_SEC - 0.5
        assert notes["pitch"].min() >= 30
        assert notes["pitch"].max() <= 96
    assert len({notes["pitch"].tobytes() for notes in phrases}) == 40
    again = random_phrase(np.random.default_rng(7))
    assert np.array_equal(again, phrases[7])


def test_held_out_programs_are_in_no_class():
    trained = {program for programs in CLASSES.values() for program in programs}
    assert not trained & {program for programs in HELD_OUT.values() for program in programs}
    assert set(HELD_OUT) <= set(CLASSES)


def test_a_pack_holds_each_phrase_on_several_classes(tmp_path, monkeypatch):
    # Every class by the built-in instruments, so that the test needs no sound bank.
    play = PhrasePlayer.play

    def built_in(self, notes, program, *, sampled, rng):
        return play(self, notes[:2], program, sampled=False, rng=rng)

    monkeypatch.setattr(PhrasePlayer, "__init__", lambda self, bank: None)
    monkeypatch.setattr(PhrasePlayer, "soundfont", None, raising=False)
    monkeypatch.setattr(PhrasePlayer, "play", built_in)
    build_pack(tmp_path / "pack.npz", num_phrases=1, seed=5, classes_per_phrase=2)
    with np.load(tmp_path / "pack.npz") as pack:
        assert pack["levels"].shape[:2] == (3, NUM_BANDS)
        assert pack["levels"].dtype == np.uint8
        assert (pack["label"] >= 0).sum() == 2
        assert pack["label"][-1] == -1
        assert list(pack["classes"]) == list(CLASSES)
        assert json.loads(str(pack["description"]))["renderings"] == 3
        # Each rendering is at the common level: the loudest bands are within the range kept.
        assert int(pack["levels"].max()) == pytest.approx(150, abs=30)
