"""A counter-melody answers a theme: consonant, independent, in range."""

from __future__ import annotations

import numpy as np
import pytest

from leitmotiv.compose.counter_melody import counter_melody
from leitmotiv.tokens.grid import CELL_NOTE_DTYPE

PITCHES = [72, 74, 76, 77, 79, 77, 76, 74]
CHORDS = {0: frozenset({0, 4, 7}), 1: frozenset({7, 11, 2})}


def theme(duration: int = 24) -> np.ndarray:
    notes = np.zeros(len(PITCHES), dtype=CELL_NOTE_DTYPE)
    notes["bar"], notes["position"] = np.divmod(np.arange(len(PITCHES)) * duration, 96)
    notes["duration"], notes["pitch"] = duration, PITCHES
    return notes


def counter(notes: np.ndarray, bars: range) -> np.ndarray:
    return counter_melody(
        notes,
        lambda bar, position: CHORDS[bar % 2],
        bars=bars,
        bar_steps=96,
        beat_steps=24,
        low=48,
        high=70,
    )


@pytest.mark.parametrize("duration", [24, 48])
def test_it_sounds_throughout_in_range_and_on_chord_tones(duration: int) -> None:
    bars = range(2 if duration == 24 else 4)
    line = counter(theme(duration), bars)
    onset = line["bar"].astype(int) * 96 + line["position"]
    assert line["duration"].sum() == 96 * len(bars)
    assert np.all(np.diff(onset) == line["duration"][:-1])
    assert line["pitch"].min() >= 48
    assert line["pitch"].max() <= 70
    assert all(int(n["pitch"]) % 12 in CHORDS[int(n["bar"]) % 2] for n in line)


def test_it_moves_where_the_theme_holds() -> None:
    slow, quick = counter(theme(48), range(4)), counter(theme(24), range(2))
    assert len(slow) / 4 > len(quick) / 2


def test_no_parallel_fifths_or_octaves_with_the_theme() -> None:
    notes = theme(48)
    line = counter(notes, range(4))
    start = notes["bar"].astype(int) * 96 + notes["position"]
    previous = None
    for note in line:
        time = int(note["bar"]) * 96 + int(note["position"])
        sung = int(notes["pitch"][np.flatnonzero(start <= time)[-1]])
        interval = (sung - int(note["pitch"])) % 12
        if previous is not None and sung != previous[0] and int(note["pitch"]) != previous[1]:
            assert not (interval == previous[2] and interval in (0, 7))
        previous = (sung, int(note["pitch"]), interval)


def test_without_chords_there_is_no_line() -> None:
    notes = theme()
    empty = counter_melody(
        notes,
        lambda bar, position: frozenset(),
        bars=range(2),
        bar_steps=96,
        beat_steps=24,
        low=48,
        high=70,
    )
    assert len(empty) == 0
