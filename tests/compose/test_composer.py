"""The composer does what the plan says."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pytest

from leitmotiv.compose import ComposeOptions, WriterOptions, compose, write_dynamics
from leitmotiv.compose.canvas import CORPUS_GENRES
from leitmotiv.compose.part_writing import is_single_line
from leitmotiv.errors import ComposeError
from leitmotiv.plan import Brief, Plan, ThemeNote, genre_names, make_plan, parse_brief
from leitmotiv.score import Origin, Score
from leitmotiv.theory import Key
from leitmotiv.tokens import tags

QUICK = ComposeOptions(writer=WriterOptions(num_candidates=3, num_accompaniments=2))

BRIEFS = (
    "a wistful waltz for string quartet in D minor, 16 bars",
    "a solemn hymn for choir in E flat major, 8 bars",
    "an energetic rock song in E minor, 8 bars",
    "a gentle nocturne for solo piano, 12 bars",
    "a cheerful folk tune for flute and guitar in 6/8, 10 bars",
)


@lru_cache
def piece(text: str, seed: int = 3) -> tuple[Plan, Score]:
    plan = make_plan(parse_brief(text), np.random.default_rng(seed))
    return plan, compose(plan, options=QUICK, rng=np.random.default_rng(seed))


@pytest.mark.parametrize("text", BRIEFS)
def test_the_score_has_the_plans_bars_maps_and_parts(text: str) -> None:
    plan, score = piece(text)
    assert score.num_bars == plan.num_bars
    assert score.length_ticks == plan.num_bars * plan.bar_ticks
    assert [part.name for part in score.parts] == [part.name for part in plan.parts]
    assert score.duration_sec == pytest.approx(plan.duration_sec)
    for bar in range(plan.num_bars):
        assert score.chord_at(bar * plan.bar_ticks) == plan.chord_at(bar, 0)
        assert score.key_at(bar * plan.bar_ticks) == plan.key_at(bar)


@pytest.mark.parametrize("text", BRIEFS)
def test_parts_stay_in_range_and_single_lines_are_single(text: str) -> None:
    plan, score = piece(text)
    for index, (entry, part) in enumerate(zip(plan.parts, score.parts, strict=True)):
        assert len(part.notes), f"{entry.name} is silent"
        if entry.is_drum:
            continue
        assert part.notes["pitch"].min() >= entry.low
        assert part.notes["pitch"].max() <= entry.high
        end = part.notes["onset"] + part.notes["duration"]
        assert end.max() <= score.length_ticks
        if is_single_line(plan, index):
            assert np.all(end[:-1] <= part.notes["onset"][1:])
        for pitch in np.unique(part.notes["pitch"]):
            same = part.notes["pitch"] == pitch
            assert np.all(end[same][:-1] <= part.notes["onset"][same][1:])


@pytest.mark.parametrize("text", BRIEFS)
def test_accompaniments_sound_the_planned_chords(text: str) -> None:
    fits = total = 0
    for plan, score in (piece(text), piece(text, seed=4)):
        for entry, part in zip(plan.parts, score.parts, strict=True):
            if entry.is_drum or entry.role == "melody":
                continue
            bar, place = np.divmod(part.notes["onset"], plan.bar_ticks)
            for b, p, pitch in zip(bar, place, part.notes["pitch"], strict=True):
                chord = plan.chord_at(int(b), int(p >= plan.half_tick))
                if p in (0, plan.half_tick) and not chord.is_none:
                    total += 1
                    fits += int(pitch) % 12 in chord.pitch_classes
    assert fits >= 0.85 * total


@pytest.mark.parametrize("text", BRIEFS)
def test_the_piece_ends_on_its_last_chord(text: str) -> None:
    plan, score = piece(text)
    chord = plan.chord_at(plan.num_bars - 1, 1)
    lowest = []
    for entry, part in zip(plan.parts, score.parts, strict=True):
        if entry.is_drum:
            continue
        end = part.notes["onset"] + part.notes["duration"]
        last = part.notes[end == score.length_ticks]
        assert all(int(pitch) % 12 in chord.pitch_classes for pitch in last["pitch"])
        lowest += last["pitch"].tolist()
    assert lowest
    assert min(lowest) % 12 == chord.root_pitch_class


def test_the_same_seed_writes_the_same_notes() -> None:
    plan, score = piece(BRIEFS[0])
    again = compose(plan, options=QUICK, rng=np.random.default_rng(3))
    other = compose(plan, options=QUICK, rng=np.random.default_rng(4))
    assert again == score
    assert other != score


def test_the_theme_returns_and_is_marked() -> None:
    plan, score = piece(BRIEFS[0])
    lead = score.parts[plan.placements[0].part_index]
    origins = set(lead.notes["origin"].tolist())
    assert {Origin.MODEL, Origin.THEME} <= origins
    for placement in plan.placements[1:]:
        start = placement.bar_index * plan.bar_ticks
        inside = (lead.notes["onset"] >= start) & (
            lead.notes["onset"] < start + placement.num_bars * plan.bar_ticks
        )
        if placement.part_index == plan.placements[0].part_index:
            assert np.any(lead.notes["origin"][inside] == Origin.THEME)


def test_a_given_theme_is_kept_note_for_note() -> None:
    notes = tuple(
        ThemeNote(onset_quarter=float(i), duration_quarter=1.0, pitch=pitch)
        for i, pitch in enumerate((62, 65, 69, 67, 65, 64))
    )
    brief = Brief(
        genre="waltz", key="D minor", num_bars=16, meter="3/4", theme=notes,
        instruments=("Violin", "Cello"),
    )  # fmt: skip
    plan = make_plan(brief, np.random.default_rng(1))
    score = compose(plan, options=QUICK, rng=np.random.default_rng(1))
    first = min(plan.placements, key=lambda placement: placement.bar_index)
    part = score.parts[first.part_index]
    human = part.notes[part.notes["origin"] == Origin.HUMAN]
    assert human["pitch"].tolist() == [note.pitch for note in notes]
    start = first.bar_index * plan.bar_ticks
    assert ((human["onset"] - start) // 480).tolist() == list(range(6))


def test_most_notes_of_a_tonal_piece_belong_to_its_key() -> None:
    plan, score = piece(BRIEFS[1])
    scale = Key.parse(plan.key).scale
    pitches = np.concatenate([part.notes["pitch"] for part in score.parts])
    assert np.isin(pitches % 12, scale).mean() > 0.85


def test_bars_that_are_too_long_are_refused() -> None:
    plan, _ = piece(BRIEFS[1])
    long = plan.model_copy(update={"meter": "12/4"})
    with pytest.raises(ComposeError, match="8 quarters"):
        compose(long, rng=np.random.default_rng(0))


def test_the_page_says_how_loud_each_section_is() -> None:
    plan, score = piece(BRIEFS[0])
    written = write_dynamics(score, plan)
    levels = []
    for section in plan.sections:
        start, stop = (
            bar * plan.bar_ticks for bar in (section.start_bar_index, section.end_bar_index)
        )
        notes = np.concatenate([part.notes for part in written.parts])
        inside = notes[(notes["onset"] >= start) & (notes["onset"] < stop)]
        assert len(np.unique(inside["velocity"])) == 1
        levels.append((section.energy, int(inside["velocity"][0])))
    assert [level for _, level in sorted(levels)] == sorted(level for _, level in levels)
    for before, after in zip(score.parts, written.parts, strict=True):
        assert np.array_equal(before.notes["pitch"], after.notes["pitch"])


def test_the_network_is_told_something_for_every_genre_of_the_vocabulary() -> None:
    assert set(CORPUS_GENRES) == set(genre_names())
    assert set(CORPUS_GENRES.values()) <= set(tags.GENRES)
