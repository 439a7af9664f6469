"""Free text becomes the fields it names, in any order, and nonsense is refused."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leitmotiv.errors import BriefError
from leitmotiv.plan import make_plan, parse_brief
from leitmotiv.plan.vocabulary import vocabulary
from leitmotiv.score.general_midi import GM_INSTRUMENTS

QUARTET = ("Violin", "Violin", "Viola", "Cello")


def test_order_and_case_do_not_matter() -> None:
    pieces = ["wistful", "waltz", "string quartet", "in D minor", "24 bars"]
    first = None
    for order in itertools.permutations(pieces):
        brief = parse_brief(", ".join(order).upper() if order[0] == "waltz" else ", ".join(order))
        found = (brief.genre, brief.moods, brief.instruments, brief.key, brief.num_bars)
        first = first or found
        assert found == first == ("waltz", ("wistful",), QUARTET, "D minor", 24)
        assert brief.not_understood == ()


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("piano in D minor", "D minor"),
        ("piano, Dm", "D minor"),
        ("piano, d-moll", "D minor"),
        ("piano in c-sharp major", "C# major"),
        ("piano in C sharp minor", "C# minor"),
        ("piano, E♭", "Eb major"),
        ("piano in E flat", "Eb major"),
        ("piano in the key of G", "G major"),
        ("piano, key: F#m", "F# minor"),
        ("f# dorian piano", "F# dorian"),
        ("piano in bb minor", "Bb minor"),
        ("piano es-dur", "Eb major"),
        ("piano in a minor", "A minor"),
        ("piano IN E", "E major"),
    ],
)
def test_keys_in_many_spellings(text: str, key: str) -> None:
    assert parse_brief(text).key == key


def test_a_minor_key_is_a_mode_not_a_tonic() -> None:
    brief = parse_brief("music in a minor key for harp")
    assert (brief.key, brief.mode, brief.instruments) == (None, "minor", ("Orchestral Harp",))


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90 s", 90), ("90 seconds", 90), ("90s", 90), ("a minute and a half", 90), ("2:30", 150),
        ("1 min 30 s", 90), ("two and a half minutes", 150), ("half a minute", 30),
        ("1.5 minutes", 90), ("a minute", 60), ("2 minutes and 10 seconds", 130),
        ("ninety seconds", 90), ("half an hour", 1800),
    ],
)  # fmt: skip
def test_durations(text: str, seconds: float) -> None:
    brief = parse_brief(f"folk song, {text}")
    assert brief.duration_sec == seconds
    assert brief.not_understood == ()


@pytest.mark.parametrize(
    ("text", "bars"),
    [("24 bars", 24), ("24-bar piece", 24), ("twenty-four bars", 24), ("sixteen measures", 16),
     ("one hundred and five bars", 105), ("1 bar", 1)],
)  # fmt: skip
def test_bars(text: str, bars: int) -> None:
    assert parse_brief(f"a folk tune, {text}").num_bars == bars


def test_counts_ensembles_and_exclusions() -> None:
    assert parse_brief("two violins and cello").instruments == ("Violin", "Violin", "Cello")
    assert (
        parse_brief("a pair of horns, 3 flutes").instruments
        == ("French Horn",) * 2 + ("Flute",) * 3
    )
    assert parse_brief("a choir").instruments == ("Choir Aahs",) * 4
    brief = parse_brief("pop, no drums, without piano or bass")
    assert brief.without == ("drums", "Acoustic Grand Piano", "Electric Bass (finger)")
    assert brief.instruments == ()
    brief = parse_brief("rock without drums and two guitars")
    assert brief.without == ("drums",)
    assert len(brief.instruments) == 2


def test_two_genres_share_a_piece() -> None:
    jazz = parse_brief("jazz waltz")
    assert (jazz.genre, jazz.meter) == ("jazz", "3/4")
    grand = parse_brief("orchestral waltz")
    assert grand.genre == "waltz"
    assert len(grand.instruments) > 5


def test_dances_bring_their_meter_and_ensembles_their_genre() -> None:
    assert parse_brief("a jig for fiddle").meter == "6/8"
    assert parse_brief("a jig in 9/8 for fiddle").meter == "9/8"
    assert parse_brief("jazz trio ballad, slow").genre == "jazz"


def test_moods_become_valence_and_arousal() -> None:
    sad, happy = parse_brief("sad piano"), parse_brief("very happy piano")
    assert sad.valence is not None
    assert happy.valence is not None
    assert sad.valence < 0 < happy.valence
    assert parse_brief("not sad piano").moods == ()


def test_chords_keep_their_bars() -> None:
    brief = parse_brief("rock, chords: Dm | Gm | A7 | Dm, 2:30")
    assert brief.chords == ("D:min", "G:min", "A:7", "D:min")
    assert (brief.chords_per_bar, brief.duration_sec) == (1, 150)
    brief = parse_brief("chords: Dm Gm | A7; folk")
    assert brief.chords == ("D:min", "G:min", "A:7", "A:7")
    assert brief.chords_per_bar == 2
    assert parse_brief("chords: i | V7 in D minor").chords == ("D:min", "A:7")


def test_a_theme_is_read_with_lengths_and_rests() -> None:
    theme = parse_brief("theme: C4 D4:0.5 r:0.5 Eb4:2, waltz").theme
    assert theme is not None
    assert [(n.onset_quarter, n.duration_quarter, n.pitch) for n in theme] == [
        (0, 1, 60), (1, 0.5, 62), (2, 2, 63)
    ]  # fmt: skip


def test_form_tempo_meter_title_and_seed() -> None:
    brief = parse_brief('Allegro in 6/8, ABACA, seed 5, piano, called "Night Train"')
    assert (brief.tempo, brief.meter, brief.form) == ("allegro", "6/8", "ABACA")
    assert (brief.seed, brief.title) == (5, "Night Train")


def test_unknown_words_are_named_and_stop_words_are_not() -> None:
    brief = parse_brief("a lullaby for my daughter Zelda with pineapples")
    assert brief.not_understood == ("daughter", "Zelda", "pineapples")
    assert brief.genre == "folk"


def test_every_word_of_the_vocabulary_is_understood() -> None:
    words = vocabulary()
    for name in words.moods:
        assert parse_brief(f"{name} music").understood, name
    for word, genre in words.genre_words.items():
        assert parse_brief(word).understood, (word, genre)
    for name in words.tempos:
        assert parse_brief(f"{name}, piano").tempo == name
    for form in words.forms:
        text = f"{form} form, piano" if form in ("sentence", "period") else f"{form}, piano"
        assert parse_brief(text).form == form


def test_every_instrument_is_found_by_its_name() -> None:
    for instrument in GM_INSTRUMENTS[:120]:
        if instrument.name.lower() in ("rain", "soundtrack"):
            continue
        name = instrument.name.split(" (")[0] if "FX" in instrument.name else instrument.name
        if "FX" in name or "+" in name:
            continue
        found = parse_brief(f"a waltz for {name}").instruments
        assert found, name


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "text is empty"),
        ("  \n ", "text is empty"),
        ("asdf qwerty", "nothing in it was understood"),
        ("!!! ???", "nothing in it was understood"),
        ("waltz, 0 bars", "num_bars=0"),
        ("waltz, -3 bars", "num_bars=-3"),
        ("waltz, 2.5 bars", "num_bars=2.5"),
        ("waltz, 5000 bars", "1 to 2000"),
        ("waltz in 5/0", "meter='5/0'"),
        ("waltz in 3/7", "meter='3/7'"),
        ("piano in H# major", "key='H#'"),
        ("key of H", "German H"),
        ("folk in G# major", "write Ab major"),
        ("rock at 900 BPM", "bpm=900 must be between 20 and 400"),
        ("rock at 5 bpm", "bpm=5"),
        ("waltz, 64 bars, 4 seconds", "at 400 BPM they last"),
        ("folk, 3 hours", "duration_sec=10800"),
        ("30 violins", "at most 12"),
        ("chords: Foo | Bar", "'Foo' is no chord"),
        ("rock, chords: C D E F | G", "at most 2"),
        ("rock, chords: ;", "chords is empty"),
        ("rock, chords: i | V", "need a key"),
        ("theme: hello", "no notes"),
        ("theme: C99 waltz", "theme"),
        ("x " * 4_000, "at most 4000"),
        ("rock, no drums, with drums", "asks for 'Drum Kit' and excludes it too .*'drums'"),
        ("piano and flute without piano", "asks for 'Acoustic Grand Piano' and excludes it"),
        ("rock band with acoustic guitar, no electric guitar", "excludes its whole family"),
        ("1e9 bars piano", r"num_bars=1e\+09 must be a whole number from 1 to 2000"),
        ("9" * 400 + " bars", "num_bars=inf"),
        ("9" * 400 + " violins", "from 1 to 12"),
        ("piano in 1/64", "meter='1/64' is impossible"),
        ("piano in 12/4", "meter='12/4' is impossible"),
        ("9" * 400 + "/4 piano", "is impossible"),
        ("theme: C" + "9" * 400, "theme"),
    ],
)
def test_impossible_requests_give_one_line(text: str, message: str) -> None:
    with pytest.raises(BriefError, match=message) as error:
        parse_brief(text)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("text", "kept", "surplus"),
    [
        ("piano in C major and D minor", "C major", ("D minor",)),
        ("piano, Dm, F# dorian, d-moll", "D minor", ("F# dorian",)),
        ("piano in G major and in G#", "G major", ("in G#",)),
        ("piano in D minor, dorian", "D minor", ("dorian",)),
        ("key of G, G major, piano", "G major", ()),
        ("piano in D minor, a minor masterwork", "D minor", ("masterwork",)),
        ("waltz 3/4 4/4", "3/4", ("4/4",)),
        ("waltz in 3/4 time, three four, cut time, 5/0", "3/4", ("cut time", "5/0")),
    ],
)
def test_a_second_key_or_meter_is_named_as_not_understood(
    text: str, kept: str, surplus: tuple[str, ...]
) -> None:
    brief = parse_brief(text)
    assert kept in (brief.key, brief.meter)
    assert set(brief.not_understood) == set(surplus)


def test_an_ensemble_may_lack_a_member() -> None:
    brief = parse_brief("string quartet without viola")
    assert (brief.instruments, brief.without) == (QUARTET, ("Viola",))


def test_who_is_asked_for_plays_though_a_relative_must_not() -> None:
    def players(text: str) -> set[str]:
        plan = make_plan(parse_brief(text), np.random.default_rng(1))
        return {part.instrument for part in plan.parts}

    assert players("harpsichord, no piano") == {"Harpsichord"}
    jazz = players("jazz with upright bass, no electric bass")
    assert "Acoustic Bass" in jazz
    rock = players("rock with acoustic guitar, no electric guitar")
    assert {name for name in rock if "Guitar" in name} == {"Acoustic Guitar (nylon)"}


def test_number_words_before_an_instrument_are_no_part_of_its_name() -> None:
    brief = parse_brief("1e1 bars piano")
    assert (brief.num_bars, brief.instruments) == (10, ("Acoustic Grand Piano",))
    brief = parse_brief("12x bars piano")
    assert (brief.instruments, brief.not_understood) == (("Acoustic Grand Piano",), ("12x",))


def test_a_text_of_mostly_unknown_words_gets_a_hint() -> None:
    text = "ein trauriger Walzer für Streichquartett in d-Moll, 24 Takte"
    assert any(entry.startswith("hint: ") for entry in parse_brief(text).understood)
    for known in (
        "a wistful waltz for string quartet in D minor, 24 bars",
        "a lullaby for my daughter Zelda with pineapples",
    ):
        assert not any(entry.startswith("hint: ") for entry in parse_brief(known).understood)


def _complaint(text: str) -> str:
    """Return the error that a text raises; empty where it is understood."""
    try:
        parse_brief(text)
    except BriefError as error:
        return str(error)
    return ""


@given(st.text(max_size=200))
@settings(max_examples=40)
def test_any_text_gives_a_brief_or_a_one_line_error(text: str) -> None:
    assert "\n" not in _complaint(text)


_PIECES = st.sampled_from(
    ["waltz", "in", "D", "minor", "24", "bars", "no", "drums", "two", "violins", "and", "a", "half",
     "minute", "chords:", "C", "|", "G7", "theme:", "E4", "3/4", "90", "s", "very", "sad", "not",
     "string", "quartet", "bpm", ":", "key", "of", "without", "piano", "H#", ";", "jazz", "0"]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=25))
@settings(max_examples=60)
def test_any_mixture_of_known_words_is_handled(pieces: list[str]) -> None:
    assert "\n" not in _complaint(" ".join(pieces))


def test_an_organ_has_pipes_unless_the_genre_has_a_groove() -> None:
    assert parse_brief("a calm piece for organ").instruments == ("Church Organ",)
    assert parse_brief("a hymn for organ").instruments == ("Church Organ",)
    assert parse_brief("jazz with organ").joining == ("Drawbar Organ",)
    assert parse_brief("jazz with church organ").joining == ("Church Organ",)
    assert any("Drawbar" in note for note in parse_brief("funk for organ").understood)


@pytest.mark.parametrize(
    ("text", "instruments", "genre"),
    [
        ("rock organ and flute", ("Rock Organ", "Flute"), "rock"),
        ("waltz for rock organ", ("Rock Organ",), "waltz"),
        ("waltz for orchestra hit and slap bass 2", ("Orchestra Hit", "Slap Bass 2"), "waltz"),
        ("tango for slap bass 2 flutes", ("Slap Bass 1", "Flute", "Flute"), "tango"),
        ("tango for blues harp and cello", ("Harmonica", "Cello"), "tango"),
        ("waltz for two orchestral harps", ("Orchestral Harp",) * 2, "waltz"),
        ("waltz for Electric Guitar (jazz)", ("Electric Guitar (jazz)",), "waltz"),
    ],
)
def test_an_instrument_is_no_genre(text: str, instruments: tuple[str, ...], genre: str) -> None:
    brief = parse_brief(text)
    assert (brief.instruments, brief.genre) == (instruments, genre)


def test_another_form_goes_before_the_form_of_the_blues() -> None:
    brief = parse_brief("a blues, loop, 11 bars")
    assert (brief.genre, brief.form) == ("blues", "loop")
