"""Players join the line-up of a genre; "for" names everybody, "with" those who must be there."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leitmotiv.plan import Plan, make_plan, parse_brief
from leitmotiv.plan.joining import join_line_up
from leitmotiv.plan.vocabulary import PaletteEntry, vocabulary
from leitmotiv.score.general_midi import DRUM_KIT, GM_INSTRUMENTS
from leitmotiv.styles import style_for_genre

LINE_UPS = [
    line_up for genre in vocabulary().genres.values() for line_up in genre.palettes if line_up
]


def plan(text: str) -> Plan:
    return make_plan(parse_brief(text), np.random.default_rng(3), style=style_for_genre)


def roles(text: str) -> Counter[str]:
    return Counter(part.role for part in plan(text).parts)


@given(
    st.sampled_from(LINE_UPS),
    st.lists(st.sampled_from([*GM_INSTRUMENTS, DRUM_KIT]), min_size=1, max_size=3),
)
def test_whoever_joins_plays_and_one_leads(line_up, joining) -> None:  # type: ignore[no-untyped-def]
    entries = join_line_up(line_up, joining, full=True)
    names = Counter(entry.instrument for entry in entries)
    assert all(names[player.name] for player in joining if not player.is_drum)
    assert {entry.instrument for entry in line_up} <= set(names)
    assert sum(entry.role == "melody" for entry in entries) <= 1 + sum(
        entry.role == "melody" for entry in line_up
    )


def test_drums_join_the_band_unless_they_play_alone() -> None:
    band = roles("an energetic rock song")
    assert roles("an energetic rock song with drums") == band
    assert roles("energetic song with drums")["melody"] == 1
    assert roles("energetic drums, rock")["melody"] == 1
    assert roles("a drum solo") == {"drums": 1}
    assert roles("a song for drums only") == {"drums": 1}


def test_for_names_everybody() -> None:
    parts = plan("rock song for piano and drums").parts
    assert {part.instrument for part in parts} == {"Acoustic Grand Piano", "Drum Kit"}
    assert [p.instrument for p in plan("a waltz for flute with guitar").parts] == [
        "Flute",
        "Acoustic Guitar (nylon)",
    ]


@pytest.mark.parametrize(
    ("text", "instrument", "role"),
    [
        ("rock with piano", "Acoustic Grand Piano", "harmony"),
        ("jazz with saxophone", "Alto Sax", "melody"),
        ("an orchestral theme with harp", "Orchestral Harp", "harmony"),
        ("heroic orchestral music with a solo violin", "Violin", "melody"),
        ("piano ballad with strings", "String Ensemble 1", "pad"),
        ("lo-fi with piano", "Acoustic Grand Piano", "harmony"),
        ("string quartet with piano", "Acoustic Grand Piano", "harmony"),
        ("rock band with saxophone", "Alto Sax", "melody"),
    ],
)
def test_guests_are_heard_and_the_others_stay(text: str, instrument: str, role: str) -> None:
    parts = plan(text).parts
    assert (instrument, role) in {(part.instrument, part.role) for part in parts}
    assert sum(part.role == "melody" for part in parts) == 1
    assert len(parts) >= 3


def test_a_relative_makes_room() -> None:
    parts = plan("lo-fi with piano").parts
    assert "Electric Piano 1" not in {part.instrument for part in parts}


def test_plain_words_are_met_by_the_genres_own_instruments() -> None:
    usual = [part.instrument for part in plan("rock").parts]
    assert [part.instrument for part in plan("rock with electric guitar").parts] == usual


def test_a_complete_band_has_nobody_else() -> None:
    parts = plan("jazz with sax, piano, bass and drums").parts
    assert not any("Guitar" in part.instrument for part in parts)
    assert {part.role for part in parts} >= {"melody", "bass", "drums"}


def test_who_is_named_leads() -> None:
    lead = PaletteEntry("Fiddle", "Fiddle", "melody")
    flute = next(i for i in GM_INSTRUMENTS if i.name == "Flute")
    fiddle = next(i for i in GM_INSTRUMENTS if i.name == "Fiddle")
    assert [e.name for e in join_line_up([lead], [fiddle, flute])] == ["Fiddle", "Flute"]
    assert [e.name for e in join_line_up([lead], [flute])] == ["Flute", "Fiddle"]


def test_heroes_have_brass_and_percussion() -> None:
    heroic = plan("a heroic orchestral fanfare in Bb major")
    assert heroic.style == "film_heroic"
    assert {part.role for part in heroic.parts} >= {"drums", "bass", "melody"}
    assert "French Horn" in {part.instrument for part in heroic.parts}
    assert not any(part.is_drum for part in plan("a calm orchestral theme").parts)
