"""Instruments, drum keys and ensembles."""

from __future__ import annotations

import pytest

from leitmotiv.score.general_midi import (
    DRUM_KIT,
    DRUM_NAMES,
    ENSEMBLES,
    GM_INSTRUMENTS,
    find_ensemble,
    find_instrument,
)

ROLES = {"melody", "counter", "harmony", "bass", "pad", "drums"}


def test_the_sound_set_is_complete_and_in_order() -> None:
    assert [instrument.program for instrument in GM_INSTRUMENTS] == list(range(128))
    assert len({instrument.name for instrument in GM_INSTRUMENTS}) == 128
    known = {0: "Acoustic Grand Piano", 40: "Violin", 60: "French Horn", 73: "Flute"}
    known |= {24: "Acoustic Guitar (nylon)", 89: "Pad 2 (warm)", 104: "Sitar", 127: "Gunshot"}
    assert {program: GM_INSTRUMENTS[program].name for program in known} == known


def test_ranges_are_pitches_and_wide_enough_to_play() -> None:
    for instrument in GM_INSTRUMENTS:
        assert 0 <= instrument.low < instrument.high <= 127
        assert instrument.high - instrument.low >= 12


@pytest.mark.parametrize("instrument", [*GM_INSTRUMENTS, DRUM_KIT], ids=lambda i: i.name)
def test_every_name_and_alias_finds_an_instrument(instrument: object) -> None:
    assert find_instrument(instrument.name) is instrument  # type: ignore[attr-defined]
    for alias in instrument.aliases:  # type: ignore[attr-defined]
        assert find_instrument(alias) is not None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("violins", "Violin"),
        ("French horns", "French Horn"),
        ("felt piano", "Acoustic Grand Piano"),
        ("strings", "String Ensemble 1"),
        ("a solo cello", "Cello"),
        ("celli", "Cello"),
        ("double basses", "Contrabass"),
        ("bass", "Electric Bass (finger)"),
        ("Rhodes", "Electric Piano 1"),
        ("drums", "Drum Kit"),
        ("two flutes", "Flute"),
        ("saxophones", "Alto Sax"),
        ("choirs", "Choir Aahs"),
        ("pads", "Pad 2 (warm)"),
        ("harps", "Orchestral Harp"),
        ("muted trumpet", "Muted Trumpet"),
    ],
)
def test_common_names(text: str, name: str) -> None:
    found = find_instrument(text)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("text", ["", "kazoo", "wistful", "waltz"])
def test_unknown_names_find_nothing(text: str) -> None:
    assert find_instrument(text) is None
    assert find_ensemble(text) is None


def test_ensembles_stay_inside_their_instruments() -> None:
    for parts in ENSEMBLES.values():
        assert parts
        assert any(part.role == "melody" for part in parts)
        for part in parts:
            assert part.role in ROLES
            assert part.instrument.is_drum == (part.role == "drums")
            assert part.instrument.low <= part.low < part.high <= part.instrument.high


def test_ensembles_answer_to_common_names() -> None:
    assert find_ensemble("SATB") == ENSEMBLES["choir"]
    assert find_ensemble("String Quartets") == ENSEMBLES["string quartet"]
    assert [part.name for part in ENSEMBLES["choir"]] == ["Soprano", "Alto", "Tenor", "Bass"]


def test_drum_keys_cover_the_percussion_map() -> None:
    assert sorted(DRUM_NAMES) == list(range(35, 82))
