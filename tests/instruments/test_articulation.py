"""Articulations reach every engine as plain notes, programs and standard controllers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from leitmotiv.instruments.articulation import playing_parts
from leitmotiv.instruments.render import RenderOptions, render_stems
from leitmotiv.score.articulations import ARTICULATION, Articulation
from leitmotiv.score.score import CONTROL_DTYPE, Part, Score, TempoMap, make_notes

from .tiny_soundfont import Bank, Preset, Sample, Zone, sine, write_soundfont

SEC = 960


def _part(
    kinds: list[Articulation], *, program: int = 40, beat: int = 480, extra: tuple[int, ...] = ()
) -> Part:
    onsets = np.arange(len(kinds)) * beat
    rows = [
        (int(onset), ARTICULATION, int(kind)) for onset, kind in zip(onsets, kinds, strict=True)
    ]
    rows += [(extra[0], extra[1], extra[2])] if extra else []
    notes = make_notes(onsets, [beat] * len(kinds), [60 + 2 * (i % 3) for i in range(len(kinds))])
    controls = np.array(rows, dtype=CONTROL_DTYPE)
    return Part("violin", program, notes=notes, controls=controls)


def _value_at(part: Part, controller: int, tick: int, default: int) -> int:
    rows = part.controls[(part.controls["controller"] == controller)]
    rows = rows[rows["tick"] <= tick]
    return int(rows["value"][-1]) if len(rows) else default


def test_a_plain_part_is_itself() -> None:
    part = Part("violin", 40, notes=make_notes([0], [480], [60]))
    assert playing_parts(part, TempoMap()) == (part,)
    assert playing_parts(part, TempoMap())[0] is part


def test_pizzicato_and_tremolo_of_strings_are_other_programs() -> None:
    kinds = [Articulation.ORDINARY, Articulation.PIZZICATO, Articulation.TREMOLO]
    parts = playing_parts(_part([*kinds, Articulation.ORDINARY]), TempoMap())
    assert {part.program: part.notes["onset"].tolist() for part in parts} == {
        40: [0, 1_440],
        45: [480],
        44: [960],
    }


def test_instruments_without_pizzicato_play_short_and_without_tremolo_repeat() -> None:
    (part,) = playing_parts(
        _part([Articulation.PIZZICATO, Articulation.TREMOLO], program=73, beat=SEC), TempoMap()
    )
    assert part.program == 73
    assert part.notes["duration"][0] == SEC // 2
    strokes = part.notes[part.notes["onset"] >= SEC]
    assert len(strokes) == 13
    assert strokes["onset"][0] == SEC
    assert (strokes["onset"] + strokes["duration"])[-1] == 2 * SEC
    assert len(set(strokes["pitch"].tolist())) == 1


def test_an_engine_without_tremolo_strings_plays_them_plain() -> None:
    kinds = [Articulation.TREMOLO, Articulation.PIZZICATO]
    (part,) = playing_parts(_part(kinds), TempoMap(), programs={40})
    assert part.program == 40
    assert part.notes["duration"].tolist() == [480, 240]


def test_legato_overlaps_and_holds_its_switch() -> None:
    kinds = [Articulation.LEGATO, Articulation.LEGATO, Articulation.ORDINARY]
    (part,) = playing_parts(_part(kinds), TempoMap())
    overlap = round(0.02 * SEC)
    assert part.notes["duration"].tolist() == [480 + overlap, 480 + overlap, 480]
    assert [_value_at(part, 68, tick, 0) for tick in (0, 480, 960)] == [127, 127, 0]


def test_staccato_is_short_with_a_quick_release() -> None:
    (part,) = playing_parts(_part([Articulation.STACCATO, Articulation.ORDINARY]), TempoMap())
    assert part.notes["duration"].tolist() == [240, 480]
    assert _value_at(part, 72, 0, 64) < 64
    assert _value_at(part, 72, 480, 64) == 64


def test_a_swell_rises_to_the_written_level_and_falls() -> None:
    part = _part([Articulation.SWELL, Articulation.ORDINARY], beat=2 * SEC, extra=(0, 11, 100))
    (played,) = playing_parts(part, TempoMap())
    levels = [_value_at(played, 11, round(t * SEC), 127) for t in (0.0, 0.6, 1.2, 1.9, 2.0)]
    assert levels[0] < 0.5 * levels[2]
    assert levels[0] < levels[1] < levels[2] == pytest.approx(100, abs=3)
    assert levels[3] < 0.7 * levels[2]
    assert levels[4] == 100


def test_no_controller_of_ours_reaches_an_engine() -> None:
    for kind in Articulation:
        for part in playing_parts(_part([kind, kind]), TempoMap()):
            assert ARTICULATION not in part.controls["controller"]


def test_a_part_of_key_switches_alone_is_silent() -> None:
    part = Part("violin", 40, notes=make_notes([0, 480], [480, 480], [1, 3]))
    (played,) = playing_parts(part, TempoMap())
    assert not len(played.notes)


def test_both_engines_play_pizzicato_where_it_is_asked_for(tmp_path: Path) -> None:
    tone = Sample(sine(480.0, 2_000), loop=(1_000, 2_000))
    octave = Sample(sine(960.0, 2_000), loop=(1_000, 2_000))
    zones = (Zone(((54, 1),), target=0),), (Zone(((54, 1),), target=1),)
    bank = write_soundfont(
        tmp_path / "two.sf2",
        Bank(
            (tone, octave),
            zones,
            (Preset(40), Preset(45, zones=(Zone(target=1),))),
        ),
    )
    switches = make_notes([0, 0, SEC, SEC], [9, SEC, 9, SEC], [0, 60, 3, 60], [100] * 4)
    score = Score((Part("violin", 40, notes=switches),))
    sampled = render_stems(
        score, options=RenderOptions("sampled", bank, tail_sec=0.1), rng=np.random.default_rng(0)
    ).audio[0]
    peaks = [
        int(np.argmax(np.abs(np.fft.rfft(sampled[0, start : start + 24_000])))) * 2
        for start in (12_000, 60_000)
    ]
    assert peaks == pytest.approx([480, 960], abs=4)
    modelled = render_stems(
        score, options=RenderOptions("modelled", tail_sec=0.1), rng=np.random.default_rng(0)
    ).audio[0]
    # A bowed note stands, a plucked one has died away at its end.
    held, plucked = (np.sum(modelled[:, s : s + 9_600] ** 2) for s in (33_600, 81_600))
    assert plucked < 0.1 * held
