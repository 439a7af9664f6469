"""The data files are complete and in range."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from leitmotiv.errors import PlanError
from leitmotiv.plan import parse_brief
from leitmotiv.plan.harmony import HarmonyBook
from leitmotiv.plan.vocabulary import extended_vocabulary, load_data, vocabulary
from leitmotiv.score.general_midi import GM_INSTRUMENTS, find_instrument
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


def test_a_file_of_words_adds_and_extends(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(
        '[moods.hygge]\nvalence = 0.6\narousal = -0.4\nwords = ["snug"]\n'
        '[moods.sad]\nwords = ["glum"]\n[instruments]\n"hurdy gurdy" = "Bagpipe"\n',
        encoding="utf-8",
    )
    text = "a snug, glum waltz for hurdy gurdy"
    with extended_vocabulary([tmp_path]):
        brief = parse_brief(text)
    assert (brief.moods, brief.instruments) == (("hygge", "sad"), ("Bagpipe",))
    assert brief.not_understood == ()
    assert parse_brief(text).not_understood == ("snug", "glum", "hurdy", "gurdy")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[moods", "cannot be read"),
        ("[colours]\nred = 1", r"table \[colours\] .* is not known; use one of"),
        ("[moods.odd]\nvalence = 3\narousal = 0\nwords = []", "valence=3 .* between -1 and 1"),
        ("[moods.odd]\nvalence = 0", "lacks something"),
        ('[forms]\nfugue = ["fuga"]', "must be one of sentence, period"),
    ],
)
def test_a_bad_file_of_words_gives_one_line(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(PlanError, match=message) as error, extended_vocabulary([path]):
        pass
    assert "\n" not in str(error.value)


def test_there_are_enough_words_and_they_lie_on_the_circumplex() -> None:
    words = vocabulary()
    assert len(words.moods) >= 60
    assert len(words.genres) >= 20
    # The adjectives of Russell (1980) fall in the quadrants where his figures have them.
    quadrants = {
        "happy": (1, 1), "joyful": (1, 1), "excited": (1, 1), "tense": (-1, 1), "angry": (-1, 1),
        "anxious": (-1, 1), "sad": (-1, -1), "melancholic": (-1, -1), "bleak": (-1, -1),
        "calm": (1, -1), "peaceful": (1, -1), "sleepy": (1, -1), "relaxed": (1, -1),
    }  # fmt: skip
    for word, (valence, arousal) in quadrants.items():
        mood = words.moods[words.mood_words[word]]
        assert (mood.valence * valence > 0, mood.arousal * arousal > 0) == (True, True), word


def test_all_general_midi_instruments_are_found_in_a_brief() -> None:
    missed = [
        instrument.name
        for instrument in GM_INSTRUMENTS
        if instrument.name not in parse_brief(f"a waltz for {instrument.name} and harp").instruments
    ]
    assert missed == []
