"""Articulations: set by a controller or by the lowest keys, until the next one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from leitmotiv.score import CONTROL_DTYPE, Part, Score, make_notes, midi_bytes, parse_midi
from leitmotiv.score.articulations import (
    ARTICULATION,
    KEY_SWITCHES,
    Articulation,
    articulation_of_notes,
    has_articulations,
    with_articulations_of,
    without_key_switches,
)
from leitmotiv.score.musicxml import write_musicxml


def _part(*events: tuple[int, int, int], is_drum: bool = False) -> Part:
    notes = make_notes([0, 480, 960], [480] * 3, [60, 62, 64])
    controls = np.array(list(events), dtype=CONTROL_DTYPE)
    return Part("violin", 40, is_drum, notes=notes, controls=controls)


@pytest.mark.parametrize("articulation", Articulation)
def test_a_key_switch_says_the_same_as_the_controller(articulation: Articulation) -> None:
    by_controller = _part((480, ARTICULATION, int(articulation)))
    key = next(key for key, found in KEY_SWITCHES.items() if found is articulation)
    plain = _part()
    switch = make_notes([480], [10], [key])
    notes = np.sort(np.concatenate([plain.notes, switch]), order=["onset", "pitch"])
    by_key = without_key_switches(plain.with_notes(notes))
    assert by_key == by_controller
    expected = [Articulation.ORDINARY, articulation, articulation]
    assert articulation_of_notes(by_key).tolist() == expected
    assert has_articulations(plain.with_notes(notes))
    assert has_articulations(by_controller)


def test_a_plain_part_and_a_drum_part_have_none() -> None:
    assert not has_articulations(_part())
    drums = Part("kit", is_drum=True, notes=make_notes([0], [10], [3]))
    assert not has_articulations(drums)
    assert without_key_switches(drums) is drums
    assert articulation_of_notes(_part()).tolist() == [0, 0, 0]


def test_an_unknown_value_is_ordinary() -> None:
    assert articulation_of_notes(_part((0, ARTICULATION, 99))).tolist() == [0, 0, 0]


def test_articulations_go_through_midi() -> None:
    part = _part((0, ARTICULATION, 3), (480, ARTICULATION, 4), (960, ARTICULATION, 0))
    back = parse_midi(midi_bytes(Score(parts=(part,)))).parts[0]
    assert articulation_of_notes(back).tolist() == [3, 4, 0]


def test_a_written_part_shows_its_articulations(tmp_path: Path) -> None:
    notes = make_notes([0, 480, 960, 1440], [480] * 4, [60, 62, 64, 65])
    controls = np.array([(0, 110, 3), (900, 110, 4), (1380, 110, 0)], dtype=CONTROL_DTYPE)
    plain = Score((Part("viola", 41, notes=notes),))
    played = Score((Part("viola", 41, notes=notes, controls=controls),))
    path = tmp_path / "score.musicxml"
    write_musicxml(with_articulations_of(plain, played), path)
    text = path.read_text(encoding="utf-8")
    places = [text.index(f"<words>{word}</words>") for word in ("pizz.", "trem.", "arco")]
    assert places == sorted(places)
    write_musicxml(plain, path)
    assert "<words>" not in path.read_text(encoding="utf-8")
