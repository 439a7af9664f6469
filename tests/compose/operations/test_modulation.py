"""Paths between keys go by shared notes and arrive where the goal's dominant can follow."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from leitmotiv.compose.operations.modulation import modulating_path
from leitmotiv.theory import ChordSymbol, Key

GOALS = ("F# major", "Eb minor", "D major", "E major", "Ab major", "B minor", "C major")


def sounds_in(chord: ChordSymbol, key: Key) -> bool:
    scale = set(key.scale)
    if key.mode.is_minor_like:
        scale.add((key.tonic_pitch_class + 11) % 12)
    return set(chord.pitch_classes) <= scale


@pytest.mark.parametrize("goal", GOALS)
def test_a_chord_belongs_to_the_key_that_follows_it(goal: str) -> None:
    jumps = steps = 0
    for seed in range(6):
        chords, keys = modulating_path(
            Key.parse("C"), Key.parse(goal), 10, np.random.default_rng(seed)
        )
        for chord, key in zip(chords, keys, strict=True):
            assert sounds_in(chord, key)
        for (before, _), (_, key) in pairwise(zip(chords, keys, strict=True)):
            steps += 1
            jumps += not sounds_in(before, key)
    assert jumps <= 0.12 * steps


@pytest.mark.parametrize("goal", GOALS)
def test_a_path_ends_in_the_key_of_its_goal(goal: str) -> None:
    for seed in range(4):
        chords, keys = modulating_path(
            Key.parse("C"), Key.parse(goal), 6, np.random.default_rng(seed)
        )
        assert keys[-1] == Key.parse(goal)
        dominant = (keys[-1].tonic_pitch_class + 7) % 12
        # What stands before the dominant is no stranger to it: it is a chord of the key.
        assert sounds_in(chords[-1], keys[-1])
        assert chords[-1].root_pitch_class != (dominant + 6) % 12


def test_neighbouring_keys_take_no_detour() -> None:
    for seed in range(6):
        _, keys = modulating_path(Key.parse("C"), Key.parse("G"), 6, np.random.default_rng(seed))
        assert len({str(key) for key in keys}) <= 3


def test_no_room_gives_no_chords(rng: np.random.Generator) -> None:
    assert modulating_path(Key.parse("C"), Key.parse("D"), 0, rng) == ([], [])
