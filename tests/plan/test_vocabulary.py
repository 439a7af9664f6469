"""The data files are complete and in range."""

from __future__ import annotations

import re

from leitmotiv.plan.harmony import HarmonyBook
from leitmotiv.plan.vocabulary import load_data, vocabulary
from leitmotiv.score.general_midi import find_instrument
from leitmotiv.theory import Key, Meter, Mode, roman_to_chord


def test_sixty_moods_fill_all_four_quadrants() -> None:
    moods = vocabulary().moods.values()
    assert len(moods) >= 60
    assert all(-1 <= mood.valence <= 1 and -1 <= mood.arousal <= 1 for mood in moods)
    quadrants = {(mood.valence > 0, mood.arousal > 0) for mood in moods}
    assert len(quadrants) == 4


def test_genres_are_playable() -> None:
    genres = vocabulary().genres
    assert len(genres) >= 20
    for genre in genres.values():
        assert 20 <= genre.bpm[0] < genre.bpm[1] <= 400
        assert all(Meter.parse(meter) for meter in genre.meters)
        assert all(form in vocabulary().forms for form in genre.forms)
        for line_up in genre.palettes:
            assert sum(entry.role == "melody" for entry in line_up) == 1, genre.name
            for entry in line_up:
                assert entry.instrument == "drums" or find_instrument(entry.instrument), entry


def test_no_word_means_two_things_in_one_table() -> None:
    words = vocabulary()
    for table in (words.moods.values(), words.genres.values()):
        seen: dict[str, str] = {}
        for entry in table:
            for word in (entry.name, *entry.words):
                assert seen.setdefault(word, entry.name) == entry.name, word


def test_grammars_have_no_dead_ends_and_every_numeral_can_be_read() -> None:
    data = load_data("harmony")
    for name, modes in data["grammar"].items():
        for mode in modes:
            key = Key.parse(f"C {mode}")
            grammar = HarmonyBook.load(name, Mode(mode)).grammar
            assert grammar is not None
            for chord, row in grammar.rows.items():
                roman_to_chord(chord, key)
                assert row, (name, mode, chord)
                assert all(following in grammar.rows for following in row), (name, mode, chord)


def test_every_progression_can_be_read() -> None:
    data = load_data("harmony")
    for table in (*data["loops"].values(), data["blues"]):
        for mode, roles in table.items():
            key = Key.parse(f"C {mode}")
            for texts in roles.values():
                for roman in re.split(r"[ +]", " ".join(texts)):
                    roman_to_chord(roman, key)
