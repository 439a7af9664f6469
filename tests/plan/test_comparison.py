"""A request that compares keeps what it leaves alone and changes what it names."""

from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.errors import BriefError
from leitmotiv.plan import Brief, Plan, compare_brief, make_plan, parse_brief, plan_to_brief
from leitmotiv.theory import ChordSymbol


def _plan(brief: Brief) -> Plan:
    return make_plan(brief, np.random.default_rng(brief.seed))


@pytest.fixture(scope="module")
def pop() -> Plan:
    return _plan(parse_brief("a happy pop song in G major, 100 bpm, 16 bars, seed 3"))


def test_a_plan_asked_for_again_is_the_same_plan(pop: Plan) -> None:
    again = _plan(plan_to_brief(pop))
    for name in ("key", "meter", "num_bars", "tempos", "parts", "chords", "placements"):
        assert getattr(again, name) == getattr(pop, name), name


def test_faster_without_drums_changes_only_that(pop: Plan) -> None:
    brief = compare_brief("like this, but faster and no drums", {"": pop})
    assert brief.not_understood == ()
    plan = _plan(brief)
    assert plan.tempos[0].bpm > pop.tempos[0].bpm
    assert [p for p in pop.parts if not p.is_drum] == list(plan.parts)
    assert plan.chords == pop.chords
    assert (plan.key, plan.meter, plan.num_bars) == (pop.key, pop.meter, pop.num_bars)


def test_darker_turns_major_to_minor_and_calmer_does_not(pop: Plan) -> None:
    dark = compare_brief("like this but darker", {"": pop})
    assert dark.key == "G minor"
    calm = compare_brief("like this but much calmer", {"": pop})
    assert (calm.key, calm.bpm is not None and calm.bpm < 100) == ("G major", True)
    assert dark.valence is not None
    assert calm.arousal is not None
    assert dark.valence < 0 < pop.brief.valence  # type: ignore[operator]
    assert calm.arousal < pop.brief.arousal  # type: ignore[operator]


def test_degrees_go_less_or_more_far(pop: Plan) -> None:
    tempos = [compare_brief(f"{degree} slower", {"": pop}).bpm for degree in ("a bit", "", "much")]
    assert tempos == sorted(tempos, key=lambda bpm: -(bpm or 0))
    assert len(set(tempos)) == 3


def test_chords_move_with_the_tonic(pop: Plan) -> None:
    plan = _plan(compare_brief("the same, a tone higher", {"": pop}))
    assert plan.key == "A major"
    for chord, before in zip(plan.chords, pop.chords, strict=True):
        moved = ChordSymbol.parse(before.symbol).transpose(2)
        assert ChordSymbol.parse(chord.symbol).pitch_classes == moved.pitch_classes


def test_players_join_or_replace(pop: Plan) -> None:
    joined = _plan(compare_brief("with a flute", {"": pop}))
    assert [p.instrument for p in joined.parts[:-1]] == [p.instrument for p in pop.parts]
    assert joined.parts[-1].instrument == "Flute"
    quartet = _plan(compare_brief("for string quartet, twice as long", {"": pop}))
    assert [p.instrument for p in quartet.parts] == ["Violin", "Violin", "Viola", "Cello"]
    assert quartet.num_bars == 2 * pop.num_bars


def test_pieces_are_chosen_by_name(pop: Plan) -> None:
    march = Brief(genre="march", key="C major", bpm=110)
    given = {"scene 1": pop, "scene 2": march}
    assert compare_brief("like scene 2 but faster", given).genre == "march"
    assert compare_brief("scene 1, slower", given).genre == "pop"
    with pytest.raises(BriefError, match="refers to 'scene 3', but the pieces given are"):
        compare_brief("like scene 3 but darker", given)
    with pytest.raises(BriefError, match="names none of the pieces given"):
        compare_brief("darker", given)


def test_impossible_changes_give_one_line(pop: Plan) -> None:
    fast = Brief(key="C major", bpm=390)
    with pytest.raises(BriefError, match="bpm=780 after the change must be between 20 and 400"):
        compare_brief("twice as fast", {"": fast})
    with pytest.raises(BriefError, match="nobody is left to play"):
        compare_brief("no violin", {"": Brief(parts=({"instrument": "Violin", "role": "melody"},))})  # type: ignore[arg-type]


def test_unknown_words_are_named(pop: Plan) -> None:
    assert compare_brief("like this but darker, with zebras", {"": pop}).not_understood == (
        "zebras",
    )


def test_more_adventurous_goes_a_step_from_where_the_piece_was() -> None:
    brief = parse_brief("waltz in C major, 8 bars, seed 1, adventure: 0.4")
    changed = compare_brief("like this but more adventurous", {"": _plan(brief)})
    assert changed.adventure == 0.7
    assert changed.chords is not None
    assert compare_brief("like this but safer", {"": brief}).adventure == 0.1
    assert compare_brief("like this but less adventurous", {"": brief.replace(adventure=0.1)}
                         ).adventure == 0.0  # fmt: skip
