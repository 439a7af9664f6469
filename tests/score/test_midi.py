from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leitmotiv.errors import ReadError, ScoreError
from leitmotiv.score import (
    CONTROL_DTYPE,
    PITCH_BEND,
    ChordChange,
    KeyChange,
    MeterChange,
    Part,
    Score,
    SectionMark,
    TempoMap,
    make_notes,
    midi_bytes,
    parse_midi,
    write_midi,
)
from leitmotiv.theory import ChordSymbol, Key, Meter

from .smf_bytes import meta, midi_file, tempo, time_signature, track


def rows(part: Part) -> list[tuple[int, int, int, int]]:
    return [tuple(note)[:4] for note in part.notes.tolist()]


def test_format_0_is_split_by_channel_and_program_with_running_status():
    data = midi_file(
        0,
        480,
        track(
            (0, meta(3, b"Song")),
            (0, tempo(600_000)),
            (0, time_signature(3, 2)),
            (0, b"\xc0\x28"),
            (0, b"\xc1\x20"),
            (0, b"\x90\x48\x50"),
            (0, b"\x91\x30\x51"),
            (0, b"\x99\x24\x52"),
            (0, b"\x26\x53"),  # running status on the drum channel
            (480, b"\x24\x00"),
            (0, b"\x26\x00"),
            (0, b"\x90\x48\x00"),
            (0, b"\x4a\x50"),  # running status, note on
            (240, b"\x4a\x00"),  # running status, velocity 0 ends the note
            (0, b"\x81\x30\x40"),
        ),
    )
    score = parse_midi(data)
    assert score.title == "Song"
    found = {(part.program if not part.is_drum else -1): rows(part) for part in score.parts}
    assert found == {
        40: [(0, 480, 72, 80), (480, 240, 74, 80)],
        32: [(0, 720, 48, 81)],
        -1: [(0, 480, 36, 82), (0, 480, 38, 83)],
    }
    assert score.tempo_map == TempoMap((0,), (100.0,))
    assert score.meters == (MeterChange(0, Meter(3, 4)),)


@pytest.mark.parametrize("division", [1, 24, 96, 120, 192, 220, 384, 480, 960, 1000, 32767])
def test_any_resolution_is_rescaled_without_drift(division):
    num = 2000
    third = max(division // 3, 1)
    events = []
    for _ in range(num):
        events += [(0, b"\x90\x40\x40"), (third, b"\x40\x00")]
    part = parse_midi(midi_file(1, division, track(*events))).parts[0]
    exact = np.asarray([index * third * 480 / division for index in range(num + 1)])
    assert len(part.notes) == num
    assert np.abs(part.notes["onset"] - exact[:-1]).max() <= 0.5
    end = part.notes["onset"] + part.notes["duration"]
    # A note shorter than a tick keeps one, so its end may lie up to 1.5 ticks late.
    assert np.abs(end - exact[1:]).max() <= (0.5 if division <= 960 else 1.5)


def test_tempo_meter_and_key_changes_keep_their_ticks():
    data = midi_file(
        1,
        96,
        track(
            (0, time_signature(6, 3)),
            (0, tempo(500_000)),
            (0, meta(0x59, b"\xfd\x01")),
            (288, time_signature(5, 2)),
            (96, tempo(731_707)),
            (0, meta(0x59, b"\x02\x00")),
        ),
        track((0, b"\x90\x3c\x40"), (960, b"\x3c\x00")),
    )
    score = parse_midi(data)
    assert score.meters == (MeterChange(0, Meter(6, 8)), MeterChange(1440, Meter(5, 4)))
    assert score.tempo_map.ticks == (0, 1920)
    assert [round(60_000_000 / qpm) for qpm in score.tempo_map.qpm] == [500_000, 731_707]
    assert score.keys == (KeyChange(0, Key.parse("C minor")), KeyChange(1920, Key.parse("D major")))
    assert parse_midi(midi_bytes(score)).tempo_map == score.tempo_map


def test_tempo_and_meter_default_before_the_first_event():
    data = midi_file(
        1,
        480,
        track((960, tempo(1_000_000)), (0, time_signature(3, 2))),
        track((0, b"\x90\x3c\x40"), (960, b"\x3c\x00")),
    )
    score = parse_midi(data)
    assert score.tempo_map == TempoMap((0, 960), (120.0, 60.0))
    assert [change.tick for change in score.meters] == [0, 960]
    assert score.meters[0].meter == Meter(4, 4)


def test_a_program_change_in_the_middle_starts_another_part_and_loses_nothing():
    data = midi_file(
        1,
        480,
        track((0, meta(3, b"Conductor"))),
        track(
            (0, meta(3, b"Lead")),
            (0, b"\xb0\x07\x50"),
            (0, b"\xc0\x28"),
            (0, b"\x90\x3c\x40"),
            (480, b"\x3c\x00"),
            (0, b"\xc0\x49"),
            (0, b"\x90\x3e\x40"),
            (0, b"\xb0\x0b\x64"),
            (0, b"\xe0\x00\x50"),
            (480, b"\x90\x3e\x00"),
        ),
    )
    score = parse_midi(data)
    assert [(part.name, part.program) for part in score.parts] == [("Lead", 40), ("Lead", 73)]
    assert [rows(part) for part in score.parts] == [[(0, 480, 60, 64)], [(480, 480, 62, 64)]]
    assert score.parts[0].controls.tolist() == [(0, 7, 80)]
    assert sorted(score.parts[1].controls.tolist()) == [(480, 11, 100), (480, PITCH_BEND, 2048)]


def test_zero_length_notes_get_one_tick_and_overlaps_pair_first_in_first_out():
    data = midi_file(
        1,
        480,
        track(
            (0, b"\x90\x3c\x40"),
            (0, b"\x3c\x00"),
            (10, b"\x40\x41"),
            (10, b"\x40\x42"),
            (10, b"\x40\x00"),
            (10, b"\x40\x00"),
        ),
    )
    assert rows(parse_midi(data).parts[0]) == [(0, 1, 60, 64), (10, 20, 64, 65), (20, 20, 64, 66)]


def test_texts_sections_chords_modes_roles_and_silent_parts_come_back(tmp_path):
    score = Score(
        parts=(
            Part("Flute", 73, False, "melody", make_notes([0], [480], [72])),
            Part("Silent", 48, False, "pad"),
            Part("Kit", 0, True, "drums", make_notes([0, 480], [120, 120], [36, 38])),
            Part("No role", 32, notes=make_notes([960], [480], [40])),
        ),
        meters=(MeterChange(0, Meter.parse("3+3+2/8")),),
        keys=(KeyChange(0, Key.parse("D dorian")), KeyChange(1920, Key.parse("Ab major"))),
        chords=(
            ChordChange(0, ChordSymbol.parse("D:min7/b3")),
            ChordChange(960, ChordSymbol.parse("N")),
        ),
        sections=(SectionMark(0, "A"), SectionMark(1920, "Brücke")),
        title="Wehmütiger Walzer",
        length_ticks=5000,
    )
    path = tmp_path / "score.mid"
    write_midi(score, path, texts=("Composed with AI by Leitmotiv",))
    data = path.read_bytes()
    assert data[:14] == struct.pack(">4sIHHH", b"MThd", 6, 1, 5, 480)
    assert b"Composed with AI by Leitmotiv" in data
    assert parse_midi(data) == score


def test_more_than_fifteen_parts_get_ports_and_never_the_drum_channel():
    parts = tuple(Part(f"P{i}", i, notes=make_notes([0], [480], [60])) for i in range(40))
    data = midi_bytes(Score(parts))
    assert data.count(b"\x00\xff\x21\x01\x01") == 15
    score = parse_midi(data)
    assert [part.name for part in score.parts] == [part.name for part in parts]
    assert not any(part.is_drum for part in score.parts)


def test_bank_select_goes_before_the_program_change():
    controls = np.array([(0, 0, 8), (0, 7, 100)], dtype=CONTROL_DTYPE)
    score = Score((Part("A", 24, notes=make_notes([0], [480], [60]), controls=controls),))
    data = midi_bytes(score)
    assert data.index(b"\xb0\x00\x08") < data.index(b"\xc0\x18") < data.index(b"\xb0\x07\x64")
    assert parse_midi(data).parts[0].controls.tolist() == controls.tolist()


NOTES = st.lists(
    st.tuples(
        st.integers(0, 20_000), st.integers(1, 4000), st.integers(0, 127), st.integers(1, 127)
    ),
    min_size=1,
    max_size=30,
)


def without_nesting(columns):
    """Cut notes where their pitch starts again: the only overlap MIDI cannot hold."""
    starts: dict[int, list[int]] = {}
    for onset, _, pitch, _ in columns:
        starts.setdefault(pitch, []).append(onset)
    kept = {}
    for onset, duration, pitch, velocity in columns:
        later = [start for start in starts[pitch] if start > onset]
        kept[onset, pitch] = (min(duration, min(later, default=1 << 30) - onset), velocity)
    return make_notes(
        [onset for onset, _ in kept],
        [duration for duration, _ in kept.values()],
        [pitch for _, pitch in kept],
        [velocity for _, velocity in kept.values()],
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(NOTES, st.integers(0, 127), st.booleans()), max_size=18),
    st.integers(300_000, 2_000_000),
)
def test_write_then_read_is_the_identity(parts, microseconds):
    score = Score(
        tuple(
            Part(f"part {index}", program, is_drum, notes=without_nesting(notes))
            for index, (notes, program, is_drum) in enumerate(parts)
        ),
        tempo_map=TempoMap((0, 777), (60_000_000 / microseconds, 93.0)),
        meters=(MeterChange(0, Meter(3, 4)), MeterChange(1440, Meter(7, 8))),
        length_ticks=30_000,
    )
    back = parse_midi(midi_bytes(score))
    assert [p.program for p in back.parts] == [p.program for p in score.parts]
    assert [rows(p) for p in back.parts] == [rows(p) for p in score.parts]
    assert back.meters == score.meters
    assert back.tempo_map.ticks == score.tempo_map.ticks
    assert np.allclose(back.tempo_map.qpm, score.tempo_map.qpm, rtol=1e-5)
    assert back.length_ticks == score.length_ticks


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b"Dear diary", "must begin with 'MThd'"),
        (b"MThd\x00\x00", "cut short"),
        (midi_file(2, 96, track()), "format=2"),
        (midi_file(1, 0, track()), "division=0x0000"),
        (midi_file(1, 0xE728, track()), "SMPTE"),
        (midi_file(1, 96, track((0, b"\x90\x3c\x40"), (9, b"\x3c\x00")))[:-5], "damaged"),
        (midi_file(1, 96, track((0, tempo(0)))), "qpm"),
        (midi_file(1, 96, track((0, time_signature(0, 2)))), "numerator=0"),
        (midi_file(1, 96, track((0, meta(0x59, b"\x09\x00")))), "fifths=9"),
        (
            midi_file(1, 96, track(*[(0x0FFFFFFF, b"\x90\x3c\x40"), (9, b"\x3c\x00")] * 9)),
            "shorten the piece",
        ),
    ],
)
def test_bad_bytes_give_one_clear_line(data, message):
    with pytest.raises(ReadError, match=message) as caught:
        parse_midi(data)
    assert "\n" not in str(caught.value)


def test_a_tempo_too_slow_for_midi_is_refused(tmp_path):
    score = Score(tempo_map=TempoMap((0,), (2.0,)))
    with pytest.raises(ScoreError, match=r"qpm=2 must be at least 3\.58"):
        write_midi(score, tmp_path / "slow.mid")
    assert list(tmp_path.iterdir()) == []


def test_an_unwritable_folder_gives_one_line_and_leaves_nothing(tmp_path):
    with pytest.raises(ScoreError, match="could not be written"):
        write_midi(Score(), tmp_path / "missing" / "a.mid")


def test_a_riff_wrapper_is_skipped():
    data = midi_file(1, 96, track((0, b"\x90\x3c\x40"), (96, b"\x3c\x00")))
    wrapped = b"RIFF" + struct.pack("<I", len(data) + 12) + b"RMIDdata"
    wrapped += struct.pack("<I", len(data)) + data
    assert rows(parse_midi(wrapped).parts[0]) == [(0, 480, 60, 64)]
