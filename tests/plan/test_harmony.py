"""Chords reach their cadences and make no fault a harmony teacher would mark red."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from leitmotiv.plan import Brief, Plan, genre_names, make_plan
from leitmotiv.plan.cadences import estimate_key_of_chords, is_cadence, name_cadence
from leitmotiv.plan.vocabulary import load_data, vocabulary
from leitmotiv.theory import ChordSymbol, Key, Mode

TONAL = [
    name
    for name in genre_names()
    if vocabulary().genres[name].harmony in load_data("harmony")["grammar"]
]
SEEDS = range(12)


def _halves(plan: Plan) -> list[tuple[ChordSymbol, Key]]:
    return [
        (plan.chord_at(bar, half), plan.key_at(bar))
        for bar in range(plan.num_bars)
        for half in (0, 1)
    ]


def _is_dominant_seventh(chord: ChordSymbol) -> bool:
    return {"3", "b7"} <= set(chord.degrees)


@cache
def _plans(genre: str) -> list[Plan]:
    return [make_plan(Brief(genre=genre), np.random.default_rng(seed)) for seed in SEEDS]


def _assert_cadences(plan: Plan) -> None:
    for section in plan.sections:
        for phrase in section.phrases:
            end = phrase.end_bar_index
            before = plan.chord_at(end - 2, 1) if end > 1 else None
            last = plan.chord_at(end - 1, 0)
            place = (plan.genre, plan.key, plan.seed, end)
            assert is_cadence(before, last, plan.key_at(end - 1), phrase.cadence), place


@pytest.mark.parametrize("genre", genre_names())
def test_every_planned_cadence_stands_on_its_chords(genre: str) -> None:
    for plan in _plans(genre):
        _assert_cadences(plan)


@pytest.mark.parametrize("genre", genre_names())
def test_pieces_end_with_an_authentic_cadence_on_the_tonic(genre: str) -> None:
    for plan in _plans(genre):
        final = plan.sections[-1].phrases[-1]
        assert final.cadence == "authentic"
        for half in (0, 1):
            chord = plan.chord_at(plan.num_bars - 1, half)
            assert chord.bass_pitch_class == plan.key_value.tonic_pitch_class


@pytest.mark.parametrize("genre", TONAL)
def test_dominants_resolve_and_never_fall_back(genre: str) -> None:
    for plan in _plans(genre):
        if plan.key_value.mode not in (Mode.MAJOR, Mode.MINOR):
            continue
        for (first, key), (second, _) in pairwise(_halves(plan)):
            if first.root == second.root:
                continue
            step = (second.root_pitch_class - first.root_pitch_class) % 12
            is_v = (
                first.root_pitch_class - key.tonic_pitch_class
            ) % 12 == 7 and "3" in first.degrees
            is_iv = (second.root_pitch_class - key.tonic_pitch_class) % 12 == 5
            if is_v and not _is_dominant_seventh(first):
                assert not is_iv, (genre, plan.seed, str(first), str(second))
            if _is_dominant_seventh(first):
                # Down a fifth, up a step (deceptive), or on to the next dominant of a chain.
                chain = _is_dominant_seventh(second) and step == 2
                assert step in (5, 1, 2) or chain, (genre, plan.seed, str(first), str(second))
            if "b5" in first.degrees and "b3" in first.degrees and "bb7" in first.degrees:
                assert step == 1, (genre, plan.seed, str(first), str(second))


@pytest.mark.parametrize("genre", TONAL)
def test_six_four_chords_go_to_the_dominant(genre: str) -> None:
    for plan in _plans(genre):
        for (first, key), (second, _) in pairwise(_halves(plan)):
            is_triad = len(first.degrees) == 3
            if is_triad and first.bass_degree == "5" and first != second:
                assert (second.root_pitch_class - key.tonic_pitch_class) % 12 == 7


@pytest.mark.parametrize("genre", [name for name in genre_names() if name not in ("blues",)])
def test_no_chord_stays_longer_than_four_bars(genre: str) -> None:
    for plan in _plans(genre):
        run = 1
        for (first, _), (second, _) in pairwise(_halves(plan)):
            run = run + 1 if first == second else 1
            assert run <= 8, (genre, plan.seed, str(first))


@pytest.mark.parametrize("genre", genre_names())
def test_harmony_is_not_poor(genre: str) -> None:
    for plan in _plans(genre):
        roots = {chord.root for chord, _ in _halves(plan)}
        assert len(roots) >= (2 if plan.key_value.mode not in (Mode.MAJOR, Mode.MINOR) else 3)


@pytest.mark.parametrize("mode", [mode.value for mode in Mode])
@pytest.mark.parametrize("genre", genre_names())
def test_every_genre_can_write_every_mode(genre: str, mode: str) -> None:
    for tonic in ("C", "F#", "Ab"):
        try:
            key = str(Key.parse(f"{tonic} {mode}"))
        except ValueError:
            continue
        plan = make_plan(Brief(genre=genre, key=key, num_bars=46), np.random.default_rng(3))
        assert plan.key == key
        _assert_cadences(plan)


def test_twelve_bar_blues_has_its_chords() -> None:
    brief = Brief(genre="blues", key="A major", num_bars=24)
    plan = make_plan(brief, np.random.default_rng(0))
    roots = [plan.chord_at(bar).root_pitch_class for bar in range(12)]
    assert roots[:8] == [9, 2, 9, 9, 2, 2, 9, 9] or roots[:7] == [9, 2, 9, 9, 2, 2, 9]


def test_cadence_names() -> None:
    parse = ChordSymbol.parse
    minor = Key.parse("A minor")
    assert name_cadence(parse("E:7"), parse("A:min"), minor) == "authentic"
    assert name_cadence(parse("D:min"), parse("E:maj"), minor) == "half"
    assert name_cadence(parse("E:7"), parse("F:maj"), minor) == "deceptive"
    assert name_cadence(parse("D:min"), parse("A:min"), minor) == "plagal"
    assert name_cadence(parse("F:maj"), parse("D:min"), minor) == "none"
    assert name_cadence(parse("E:7"), parse("A:min/b3"), minor) == "none"
    assert name_cadence(None, parse("A:min"), minor) == "none"


@pytest.mark.parametrize(
    ("chords", "key"),
    [
        ("D:min G:min A:7 D:min", "D minor"),
        ("C:maj A:min F:maj G:maj", "C major"),
        ("A:min F:maj C:maj G:maj", "A minor"),
        ("G:maj C:maj D:7 G:maj", "G major"),
        ("D:min7 G:7 C:maj7 C:maj7", "C major"),
        ("N", "C major"),
    ],
)
def test_keys_of_progressions(chords: str, key: str) -> None:
    assert str(estimate_key_of_chords([ChordSymbol.parse(c) for c in chords.split()])) == key
