"""What the brief says is obeyed exactly; the rest is chosen, the same way for the same seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leitmotiv.errors import BriefError
from leitmotiv.plan import (
    Brief,
    Plan,
    chord_chart,
    describe_plan,
    genre_names,
    make_plan,
    parse_brief,
)
from leitmotiv.plan.vocabulary import form_names, mood_names
from leitmotiv.score.general_midi import GM_INSTRUMENTS, find_instrument
from leitmotiv.styles import style_for_genre

KEYS = st.sampled_from(
    ["C major", "D minor", "F# minor", "Eb major", "Cb major", "C# major", "A# minor", "G dorian",
     "E phrygian", "F lydian", "B locrian", "D mixolydian"]
)  # fmt: skip
METERS = st.sampled_from(
    ["4/4", "3/4", "2/4", "6/8", "5/4", "7/8", "2/2", "9/8", "12/8", "1/4", "3/8"]
)
PLAYERS = st.lists(
    st.sampled_from([i.name for i in GM_INSTRUMENTS[:112]] + ["Drum Kit"]), min_size=0, max_size=8
)


@st.composite
def briefs(draw: Any) -> Brief:
    optional = st.none
    return Brief(
        genre=draw(optional() | st.sampled_from(genre_names())),
        moods=tuple(draw(st.lists(st.sampled_from(mood_names()), max_size=2))),
        key=draw(optional() | KEYS),
        meter=draw(optional() | METERS),
        bpm=draw(optional() | st.integers(20, 400)),
        num_bars=draw(optional() | st.integers(1, 200)),
        instruments=tuple(draw(PLAYERS)),
        form=draw(optional() | st.sampled_from([*form_names(), "ABACA"])),
        seed=draw(optional() | st.integers(0, 2**40)),
    )


@given(briefs(), st.integers(0, 2**32 - 1))
@settings(max_examples=80)
def test_every_control_is_exact(brief: Brief, seed: int) -> None:
    plan = make_plan(brief, np.random.default_rng(seed))
    if brief.genre is not None:
        assert plan.genre == brief.genre
    if brief.key is not None:
        assert plan.key == brief.key
    if brief.meter is not None:
        assert plan.meter == brief.meter
    if brief.bpm is not None:
        assert plan.tempos[0].bpm == brief.bpm
    if brief.num_bars is not None:
        assert plan.num_bars == brief.num_bars
    if brief.seed is not None:
        assert plan.seed == brief.seed
    _check_parts(brief, plan)
    assert Plan.from_dict(plan.to_dict()) == plan
    assert describe_plan(plan)
    assert chord_chart(plan)
    for section in plan.sections:
        playing = [i for i in range(plan.num_parts) if i not in section.parts_silent]
        assert any(plan.parts[i].role != "drums" for i in playing) or plan.num_parts == 1


def _check_parts(brief: Brief, plan: Plan) -> None:
    if brief.instruments:
        wanted = set(brief.instruments)
        assert {part.instrument for part in plan.parts} == wanted
    assert len({part.name for part in plan.parts}) == plan.num_parts
    melodies = [part for part in plan.parts if part.role == "melody"]
    assert len(melodies) == 1 or all(part.is_drum for part in plan.parts)
    for part in plan.parts:
        if part.is_drum:
            continue
        instrument = find_instrument(part.instrument)
        assert instrument is not None
        assert instrument.low <= part.low < part.high <= instrument.high
        assert part.program == instrument.program


@given(briefs(), st.integers(0, 2**32 - 1))
@settings(max_examples=30)
def test_the_same_seed_gives_the_same_plan(brief: Brief, seed: int) -> None:
    first = make_plan(brief, np.random.default_rng(seed))
    second = make_plan(brief, np.random.default_rng(seed))
    assert first.digest == second.digest


def test_other_seeds_give_other_plans() -> None:
    brief = Brief(genre="waltz")
    assert len({make_plan(brief, np.random.default_rng(s)).digest for s in range(20)}) == 20


@given(
    st.floats(6, 600),
    st.sampled_from(genre_names()),
    st.none() | METERS,
    st.integers(0, 1000),
)
@settings(max_examples=60)
def test_seconds_are_met_within_one_per_cent(
    seconds: float, genre: str, meter: str | None, seed: int
) -> None:
    brief = Brief(genre=genre, duration_sec=seconds, meter=meter)
    plan = make_plan(brief, np.random.default_rng(seed))
    assert plan.duration_sec == pytest.approx(seconds, rel=0.01)


@given(
    st.floats(20, 600), st.integers(50, 200), st.sampled_from(genre_names()), st.integers(0, 100)
)
@settings(max_examples=60)
def test_seconds_at_a_given_tempo_keep_the_tempo(
    seconds: float, bpm: int, genre: str, seed: int
) -> None:
    brief = Brief(genre=genre, duration_sec=seconds, bpm=bpm, meter="4/4")
    plan = make_plan(brief, np.random.default_rng(seed))
    assert plan.tempos[0].bpm == bpm
    assert plan.duration_sec == pytest.approx(seconds, rel=0.01)


@given(st.integers(4, 100), st.integers(0, 50))
@settings(max_examples=40)
def test_bars_and_seconds_together_set_the_tempo(num_bars: int, seed: int) -> None:
    brief = Brief(num_bars=num_bars, duration_sec=2.0 * num_bars, meter="4/4")
    plan = make_plan(brief, np.random.default_rng(seed))
    assert plan.num_bars == num_bars
    assert plan.duration_sec == pytest.approx(2.0 * num_bars, rel=0.01)


CHORDS = st.lists(
    st.sampled_from(["D:min", "G:min", "A:7", "Bb:maj7", "C:sus4", "F#:hdim7/b3", "N"]),
    min_size=1,
    max_size=16,
)


@given(CHORDS, st.sampled_from([1, 2]), st.none() | st.integers(16, 60), st.integers(0, 50))
@settings(max_examples=40)
def test_given_chords_are_kept_exactly(
    chords: list[str], per_bar: int, num_bars: int | None, seed: int
) -> None:
    brief = Brief(chords=tuple(chords), chords_per_bar=per_bar, num_bars=num_bars)  # type: ignore[arg-type]
    plan = make_plan(brief, np.random.default_rng(seed))
    halves = [c for c in chords for _ in range(2 // per_bar)]
    for index, chord in enumerate(plan.chords):
        assert chord.symbol == str(halves[index % len(halves)])


def test_chords_without_a_key_set_the_key() -> None:
    plan = make_plan(parse_brief("folk, chords: Dm | Gm | A7 | Dm"), np.random.default_rng(0))
    assert plan.key == "D minor"
    assert plan.num_bars % 4 == 0


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"genre": "polka dots"}, "genre='polka dots' must be one of"),
        ({"form": "spiral"}, "form='spiral' must be one of"),
        ({"instruments": ("Kazoo of doom",)}, "not a known instrument"),
        ({"instruments": ("Violin",) * 13}, "at most 12"),
        ({"instruments": ("Violin",), "without": ("Violin",)}, "nobody is left"),
        ({"num_bars": 64, "duration_sec": 25, "meter": "4/4"}, "400 BPM"),
        ({"num_bars": 4, "duration_sec": 3000, "meter": "4/4"}, "needs"),
        ({"num_bars": 8, "duration_sec": 60, "bpm": 120, "meter": "4/4"}, "contradicts"),
        ({"chords": ("C",) * 9, "num_bars": 4}, "chords fill"),
    ],
)
def test_contradictions_give_one_line(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(BriefError, match=message) as error:
        make_plan(Brief(**fields), np.random.default_rng(0))
    assert "\n" not in str(error.value)


def test_excluded_instruments_do_not_play() -> None:
    for seed in range(10):
        plan = make_plan(parse_brief("rock, no drums, no bass"), np.random.default_rng(seed))
        assert not any(part.is_drum or "Bass" in part.instrument for part in plan.parts)
    plan = make_plan(parse_brief("nocturne without piano"), np.random.default_rng(0))
    assert all("Piano" not in part.instrument for part in plan.parts)


def test_well_known_line_ups_have_their_roles() -> None:
    def roles(text: str) -> list[tuple[str, str]]:
        plan = make_plan(parse_brief(text), np.random.default_rng(0))
        return [(part.name, part.role) for part in plan.parts]

    assert roles("string quartet, 16 bars") == [
        ("Violin I", "melody"), ("Violin II", "counter"), ("Viola", "harmony"), ("Cello", "bass")
    ]  # fmt: skip
    assert roles("piano solo") == [("Piano right hand", "melody"), ("Piano left hand", "harmony")]
    assert roles("cello and piano") == [
        ("Cello", "melody"), ("Piano right hand", "harmony"), ("Piano left hand", "bass")
    ]  # fmt: skip
    assert [role for _, role in roles("choir")] == ["melody", "harmony", "harmony", "bass"]
    assert roles("solo flute") == [("Flute", "melody")]
    assert roles("jazz trio") == [
        ("Piano right hand", "melody"), ("Piano left hand", "harmony"), ("Bass", "bass"),
        ("Drums", "drums"),
    ]  # fmt: skip


def test_the_theme_is_stated_first_and_comes_back() -> None:
    for genre in genre_names():
        plan = make_plan(Brief(genre=genre, num_bars=32), np.random.default_rng(4))
        assert plan.placements[0].transform == "statement"
        start = 0 if plan.sections[0].name != "intro" else plan.sections[1].start_bar_index
        assert plan.placements[0].bar_index == start
        assert len(plan.placements) >= 3
        bars = [placement.bar_index for placement in plan.placements]
        assert bars == sorted(bars)
        for placement in plan.placements:
            section = plan.section_at(placement.bar_index)
            assert placement.bar_index + placement.num_bars <= section.end_bar_index
            assert placement.part_index not in section.parts_silent


def test_a_given_theme_sets_the_length_of_its_statement() -> None:
    brief = parse_brief("theme: C4 D4 E4 F4 G4 A4 B4 C5 D5, folk in 4/4, 16 bars")
    plan = make_plan(brief, np.random.default_rng(0))
    assert plan.placements[0].num_bars == 3


def test_sad_words_are_slower_and_minor_more_often() -> None:
    def survey(text: str) -> tuple[float, float]:
        plans = [make_plan(parse_brief(text), np.random.default_rng(s)) for s in range(40)]
        minor = np.mean([plan.key_value.mode.is_minor_like for plan in plans])
        return float(np.mean([plan.tempos[0].bpm for plan in plans])), float(minor)

    (slow, minor), (fast, major) = survey("mournful orchestral"), survey("euphoric orchestral")
    assert slow < fast
    assert minor > 0.8
    assert major < 0.3


def test_energy_rises_and_the_climax_is_late() -> None:
    for seed in range(10):
        plan = make_plan(
            Brief(genre="orchestral", form="build-up", num_bars=64), np.random.default_rng(seed)
        )
        energies = [section.energy for section in plan.sections]
        top = int(np.argmax(energies))
        assert energies[0] == min(energies)
        assert plan.sections[top].start_bar_index >= 24


def test_loops_have_loop_points_and_stay_open() -> None:
    plan = make_plan(parse_brief("ambient loop, 16 bars"), np.random.default_rng(0))
    assert plan.loop == (0, 16)
    assert len(plan.tempos) == 1


def test_style_is_read_for_name_line_up_and_tempo() -> None:
    styles = pytest.importorskip("leitmotiv.styles")
    for genre in genre_names():
        style = styles.style_for_genre(genre)
        plan = make_plan(Brief(genre=genre), np.random.default_rng(1), style=styles.style_for_genre)
        assert plan.style == (None if style is None else style.name)
        if style is not None:
            assert plan.meter in style.meters


def test_description_and_chart_are_plain_lines(tmp_path: Path) -> None:
    plan = make_plan(parse_brief("a wistful waltz, 24 bars, purple"), np.random.default_rng(1))
    lines = describe_plan(plan) + chord_chart(plan)
    assert all("\n" not in line for line in lines)
    assert any("not understood: purple" in line for line in lines)
    chart = "\n".join(chord_chart(plan))
    assert chart.count("cadence") + chart.count("open") == sum(
        len(s.phrases) for s in plan.sections
    )


@pytest.mark.parametrize(
    "text", ["calm ambient, 8 bars", "solemn orchestral for orchestra, 7 bars"]
)
def test_every_part_plays_somewhere(text: str) -> None:
    for seed in range(12):
        plan = make_plan(parse_brief(text), np.random.default_rng(seed))
        resting = [set(section.parts_silent) for section in plan.sections]
        assert not set.intersection(*resting)


def test_the_main_key_is_that_of_the_first_section_in_any_genre_and_form() -> None:
    for seed in range(300):
        rng = np.random.default_rng(seed)
        genre, form = (str(rng.choice(names)) for names in (genre_names(), form_names()))
        brief = Brief(genre=genre, form=form, num_bars=int(rng.integers(1, 120)))
        plan = make_plan(brief, rng)
        assert plan.sections[0].key == plan.key, (genre, form, brief.num_bars)


def test_one_bar_and_one_part_are_counted_in_the_singular() -> None:
    brief = Brief(genre="folk", instruments=("Flute",), num_bars=1)
    lines = describe_plan(make_plan(brief, np.random.default_rng(0)))
    assert lines[1].endswith(", 1 bar")
    assert any(line.startswith("part: Flute") for line in lines)


@pytest.mark.parametrize(
    ("moods", "style"),
    [
        (("heroic",), "film_heroic"),
        (("sad",), "film_sorrow"),
        (("tense",), "film_tension"),
        (("wonder",), "film_wonder"),
        ((), None),
    ],
)
def test_an_orchestra_takes_the_film_style_of_its_mood(
    moods: tuple[str, ...], style: str | None
) -> None:
    brief = Brief(genre="orchestral", moods=moods)
    plan = make_plan(brief, np.random.default_rng(1), style=style_for_genre)
    assert plan.style == style
    named = make_plan(
        brief.replace(instruments=("Violin", "Cello")),
        np.random.default_rng(1),
        style=style_for_genre,
    )
    assert named.style is None
