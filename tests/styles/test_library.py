"""Shipped styles are complete; a bad style file is refused in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from leitmotiv.errors import StyleError
from leitmotiv.score.general_midi import GM_INSTRUMENTS
from leitmotiv.styles import load_style, load_style_file, style_for_genre, style_names
from leitmotiv.theory import Key, roman_to_chord

REQUIRED = {"rock", "pop", "electronic", "ambient", "lofi", "jazz_trio", "folk", "waltz", "march"}


def test_the_first_set_of_styles_is_shipped() -> None:
    assert set(style_names()) >= REQUIRED | {"orchestral_film", "bossa", "tango"}


def test_at_least_twenty_genres_are_shipped() -> None:
    assert len(style_names()) >= 20
    asked = ("film_heroic", "film_sorrow", "film_tension", "film_wonder", "string_quartet")
    assert set(style_names()) >= {*asked, "piano_solo", "choir", "baroque", "celtic", "hip_hop"}


@pytest.mark.parametrize("name", style_names())
def test_every_style_has_what_a_rhythm_section_needs(name: str) -> None:
    style = load_style(name)
    assert style.name == name
    assert min(map(len, (style.bass, style.comping))) > 0
    written = {pattern.meter for pattern in (*style.drums, *style.bass, *style.comping)}
    assert style.meters[0] in written
    if not style.has_drums:
        assert all(part.role != "drums" for part in style.palette)
        return
    assert style.fills
    energies = [p.intensity for p in style.drums]
    assert max(energies) - min(energies) >= 0.2, "drums must answer to energy"


@pytest.mark.parametrize("name", style_names())
def test_progressions_and_palette_name_real_chords_and_instruments(name: str) -> None:
    style = load_style(name)
    for progression in style.progressions:
        key = Key.parse(f"C {progression.mode}")
        for entry in progression.chords:
            for roman in entry.split():
                assert not roman_to_chord(roman, key).is_none
    names = {instrument.name for instrument in GM_INSTRUMENTS} | {"Drum Kit"}
    assert {part.instrument for part in style.palette} <= names


def test_genres_find_their_style_whatever_their_spelling() -> None:
    assert style_for_genre("Lo-Fi") is style_for_genre("lo fi")
    assert style_for_genre("House") is load_style("electronic")
    assert style_for_genre("gregorian chant") is None


def test_an_unknown_style_names_the_known_ones() -> None:
    with pytest.raises(StyleError, match="style='polka' is unknown; use one of ambient"):
        load_style("polka")


GOOD = """
name = "mine"
title = "Mine"
description = "A person's own."
genres = ["mine"]
meters = ["4/4"]
tempo_bpm = [80, 120]
default_bpm = 100
mix_preset = "pop"
[[palette]]
name = "Piano"
instrument = "Acoustic Grand Piano"
role = "harmony"
[[progressions]]
chords = ["I", "V"]
"""


def test_a_persons_own_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD)
    assert load_style_file(path).title == "Mine"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("default_bpm = 100", "default_bpm = 300", "default_bpm=300 must lie in tempo_bpm"),
        ('meters = ["4/4"]', 'meters = ["5/0"]', "key meters"),
        ('["I", "V"]', '["I", "H"]', r"key progressions\.0\.chords"),
        ('mix_preset = "pop"', "", "key mix_preset"),
        ('role = "harmony"', 'role = "solo"', r"key palette\.0\.role"),
        ('title = "Mine"', 'title = "Mine"\ncolour = "red"', "key colour"),
        ('title = "Mine"', "title = ", "must be TOML"),
        (
            "[[progressions]]",
            '[[drums]]\n[drums.lanes]\nkick = "x...x.."\n[[progressions]]',
            "7 steps, which must divide 1920",
        ),
        (
            "[[progressions]]",
            '[[drums]]\n[drums.lanes]\ngong = "x..."\n[[progressions]]',
            "drum lane 'gong' is unknown",
        ),
        ('mix_preset = "pop"', 'mix_preset = "pop"\n[drummer]\nwords = ["polka"]', "'polka' is"),
        (
            "[[progressions]]",
            '[[bass]]\ngrid = "1.z."\n[[progressions]]',
            "holds 'z'; use only",
        ),
        (
            "[[progressions]]",
            '[[fills]]\nnum_beats = 5\n[fills.lanes]\nsnare = "xxxxx"\n[[progressions]]',
            "num_beats=5 must be at most 4",
        ),
    ],
)
def test_a_bad_file_is_refused_in_one_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(StyleError, match=message) as caught:
        load_style_file(path)
    assert "mine.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_or_binary_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StyleError, match="cannot be read: No such file"):
        load_style_file(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(StyleError, match="not UTF-8"):
        load_style_file(tmp_path / "bad.toml")
