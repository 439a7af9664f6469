"""A chord edit in a plan changes the bars concerned and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.compose import ComposeOptions, WriterOptions, compose
from leitmotiv.compose.chord_edit import merge_bars
from leitmotiv.compose.perform import perform
from leitmotiv.plan import Brief, Plan, PlanChord, make_plan
from leitmotiv.score import Part, Score
from leitmotiv.styles import style_for_genre
from leitmotiv.tokens.grid import CELL_NOTE_DTYPE

QUICK = ComposeOptions(writer=WriterOptions(num_candidates=2, num_accompaniments=1))


def sounding(score: Score, bars: set[int], bar_ticks: int) -> list[list[tuple[int, ...]]]:
    """What each part sounds in some bars: (bar, start, end, pitch) clipped to the bar."""
    found = []
    for part in score.parts:
        here = []
        for note in part.notes:
            start, end = int(note["onset"]), int(note["onset"] + note["duration"])
            for bar in range(start // bar_ticks, -(-end // bar_ticks)):
                low, high = bar * bar_ticks, (bar + 1) * bar_ticks
                if bar in bars:
                    here.append((bar, max(start, low), min(end, high), int(note["pitch"])))
        found.append(sorted(here))
    return found


def far(part: Part, edited: int, bar_ticks: int) -> list[tuple[int, ...]]:
    """The notes of a performance that start neither in an edited bar nor in those beside it."""
    bar = np.floor(part.notes["onset"] / bar_ticks + 0.04).astype(int)  # players come early
    chosen = part.notes[(bar < edited - 1) | (bar > edited + 1)]
    return [tuple(note) for note in chosen.tolist()]


def with_chord(plan: Plan, bar: int, symbol: str) -> Plan:
    chords = list(plan.chords)
    for half in (0, 1):
        chords[2 * bar + half] = PlanChord(bar_index=bar, half=half, symbol=symbol)
    return plan.replace(chords=tuple(chords))


@pytest.mark.parametrize(
    ("genre", "network"), [("classical", True), ("rock", True), ("hymn", False)]
)
def test_other_bars_sound_the_same_and_the_edited_one_takes_the_chord(
    genre: str, network: bool
) -> None:
    options = ComposeOptions(writer=QUICK.writer, network_accompaniment=network)
    brief = Brief(genre=genre, num_bars=8, key="C major", meter="4/4")
    plan = make_plan(brief, np.random.default_rng(4), style=style_for_genre)
    edited = with_chord(plan, 5, "Ab:maj")
    assert edited.edited_bars == {5}
    first = compose(plan, options=options, rng=np.random.default_rng(1))
    second = compose(edited, options=options, rng=np.random.default_rng(1))
    others = set(range(8)) - {5}
    ticks = plan.bar_ticks
    assert sounding(first, others, ticks) == sounding(second, others, ticks)
    assert sounding(first, {5}, ticks) != sounding(second, {5}, ticks)
    assert str(second.chord_at(5 * ticks)) == "Ab:maj"
    # The performance of other bars is the same, too, but for what rings into or out of bar 5.
    heard = [perform(score, plan, rng=np.random.default_rng(2)) for score in (first, second)]
    for one, other in zip(heard[0].parts, heard[1].parts, strict=True):
        assert far(one, 5, ticks) == far(other, 5, ticks)
    accompaniment = [
        note["pitch"] % 12
        for part in second.parts
        if part.role in ("bass", "harmony") and not part.is_drum
        for note in part.notes[part.notes["onset"] // ticks == 5]
    ]
    assert np.isin(accompaniment, [8, 0, 3]).mean() > 0.6


def test_a_plan_that_was_not_edited_or_was_replaced_is_composed_as_it_stands() -> None:
    plan = make_plan(Brief(genre="hymn", num_bars=4), np.random.default_rng(0))
    assert plan.edited_bars == frozenset()
    assert plan.replace(chords_as_planned=None).edited_bars == frozenset()
    whole = plan
    for bar in range(4):
        whole = with_chord(whole, bar, "F#:maj")
    assert whole.edited_bars == frozenset()
    assert whole.planned_chords == plan.chords
    assert Plan.from_dict(plan.to_dict()) == plan


def test_merged_notes_end_where_their_bars_end() -> None:
    def notes(*rows: tuple[int, int, int, int, int]) -> np.ndarray:
        found = np.zeros(len(rows), dtype=CELL_NOTE_DTYPE)
        for name, column in zip(("bar", "part", "position", "duration", "pitch"), zip(*rows)):  # noqa: B905
            found[name] = column
        return found

    before = notes((0, 0, 0, 192, 64), (0, 1, 0, 192, 60), (1, 0, 0, 96, 62), (2, 0, 0, 96, 60))
    after = notes((1, 0, 48, 144, 68), (0, 0, 0, 10, 40))
    merged = merge_bars(
        before,
        after,
        {1},
        bar_steps=96,
        tones_at=lambda bar, position: frozenset({8, 0, 3}),
        is_single=lambda part: True,
        is_drum=lambda part: False,
    )
    rows = sorted(
        (int(n["bar"]), int(n["part"]), int(n["pitch"]), int(n["duration"])) for n in merged
    )
    # E ends at the bar line, C is in the chord and rings on, the new note stops with its bar.
    assert rows == [(0, 0, 64, 96), (0, 1, 60, 192), (1, 0, 68, 48), (2, 0, 60, 96)]
