"""MusicXML in: what a page says is what the Score holds."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leitmotiv.errors import ReadError
from leitmotiv.score import (
    ChordChange,
    KeyChange,
    MeterChange,
    Part,
    Score,
    SectionMark,
    TempoMap,
    make_notes,
    musicxml_bytes,
    parse_musicxml,
    read_musicxml,
    read_score,
)
from leitmotiv.theory import ChordSymbol, Key, Meter


def rows(part: Part) -> list[tuple[int, int, int]]:
    return [tuple(note)[:3] for note in part.notes.tolist()]


def note(pitch: str, duration: int, *, before: str = "", after: str = "", voice: int = 1) -> str:
    """A note such as ``F#4``; ``before`` and ``after`` are raw XML around the duration."""
    step, alter, octave = pitch[0], {"#": 1, "b": -1}.get(pitch[1:-1], 0), pitch[-1]
    return (
        f"<note>{before}<pitch><step>{step}</step><alter>{alter}</alter><octave>{octave}</octave>"
        f"</pitch><duration>{duration}</duration>{after}<voice>{voice}</voice></note>"
    )


def rest(duration: int) -> str:
    return f"<note><rest/><duration>{duration}</duration></note>"


TIME_34 = (
    "<attributes><divisions>2</divisions><key><fifths>-1</fifths><mode>minor</mode></key>"
    "<time><beats>3</beats><beat-type>4</beat-type></time></attributes>"
)


def document(
    *measures: str, part_list: str = "<part-name>Flute</part-name>", head: str = ""
) -> bytes:
    bars = "".join(f'<measure number="{i}">{bar}</measure>' for i, bar in enumerate(measures))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<!DOCTYPE score-partwise PUBLIC "-//Recordare//DTD MusicXML 3.1 Partwise//EN" '
        '"http://www.musicxml.org/dtds/partwise.dtd">'
        f'<score-partwise version="3.1">{head}<part-list><score-part id="P1">{part_list}'
        f'</score-part></part-list><part id="P1">{bars}</part></score-partwise>'
    ).encode()


def test_an_upbeat_cuts_the_first_bar_and_ties_join_over_the_bar_line():
    score = parse_musicxml(
        document(
            TIME_34 + note("A4", 2, after='<tie type="start"/>'),
            note("A4", 2, after='<tie type="stop"/>') + note("Bb4", 4),
            note("D5", 6),
            head="<work><work-title>Waltz</work-title></work>",
        )
    )
    assert score.meters == (MeterChange(0, Meter(3, 4)), MeterChange(480, Meter(3, 4)))
    assert score.bar_ticks.tolist() == [0, 480, 1920, 3360]
    assert rows(score.parts[0]) == [(0, 960, 69), (960, 960, 70), (1920, 1440, 74)]
    assert score.keys == (KeyChange(0, Key.parse("D minor")),)
    assert (score.title, score.parts[0].name, score.parts[0].program) == ("Waltz", "Flute", 73)


def test_chords_voices_backups_forwards_and_graces():
    score = parse_musicxml(
        document(
            TIME_34
            + note("C5", 4)
            + note("E5", 4, before="<chord/>")
            + "<note><grace/><pitch><step>D</step><octave>5</octave></pitch></note>"
            + note("F5", 2)
            + "<backup><duration>6</duration></backup><forward><duration>2</duration></forward>"
            + note("C4", 4, voice=2),
            rest(6),
        )
    )
    assert rows(score.parts[0]) == [
        (0, 960, 72), (0, 960, 76), (480, 960, 60), (960, 480, 77),
    ]  # fmt: skip
    assert score.num_bars == 2


def test_transposing_instruments_are_read_at_sounding_pitch():
    score = parse_musicxml(
        document(
            "<attributes><divisions>1</divisions><key><fifths>2</fifths></key>"
            "<time><beats>2</beats><beat-type>4</beat-type></time>"
            "<transpose><diatonic>-1</diatonic><chromatic>-2</chromatic>"
            "<octave-change>-1</octave-change></transpose></attributes>" + note("D5", 2),
            part_list="<part-name>Tenor Sax</part-name>",
        )
    )
    assert rows(score.parts[0]) == [(0, 960, 60)]
    assert score.keys == ()  # D major is written, C major sounds: nothing is claimed


def test_tempo_dynamics_harmony_sections_and_offsets():
    direction = (
        "<direction><direction-type>{}</direction-type>{}</direction>"  # type, then offset or sound
    )
    score = parse_musicxml(
        document(
            TIME_34
            + direction.format("<rehearsal>A</rehearsal>", "")
            + direction.format(
                "<metronome><beat-unit>half</beat-unit><beat-unit-dot/>"
                "<per-minute>c. 40</per-minute></metronome>",
                "",
            )
            + direction.format("<dynamics><p/></dynamics>", "")
            + "<harmony><root><root-step>B</root-step><root-alter>-1</root-alter></root>"
            "<kind>major-seventh</kind><bass><bass-step>D</bass-step></bass></harmony>"
            + note("D5", 4)
            + direction.format("<dynamics><ff/></dynamics>", "")
            + note("D5", 1)
            + '<note dynamics="50"><pitch><step>E</step><octave>5</octave></pitch>'
            "<duration>1</duration></note>",
            direction.format("<words>rit.</words>", '<offset>2</offset><sound tempo="90"/>')
            + "<harmony><root><root-step>A</root-step></root><kind>dominant</kind>"
            "<degree><degree-value>9</degree-value><degree-alter>-1</degree-alter>"
            "<degree-type>add</degree-type></degree></harmony>" + note("D5", 6),
        )
    )
    assert score.tempo_map == TempoMap((0, 1920), (120.0, 90.0))
    assert score.parts[0].notes["velocity"].tolist() == [49, 112, 45, 112]
    assert score.sections == (SectionMark(0, "A"),)
    assert score.chords == (
        ChordChange(0, ChordSymbol.parse("Bb:maj7/3")),
        ChordChange(1440, ChordSymbol.parse("A:7(b9)")),
    )


def test_drums_come_back_as_general_midi_keys():
    def stroke(step: str, octave: int, instrument: str, head: str = "") -> str:
        return (
            f"<note><unpitched><display-step>{step}</display-step><display-octave>{octave}"
            f"</display-octave></unpitched><duration>2</duration>{instrument}"
            f"<notehead>{head or 'normal'}</notehead></note>"
        )

    score = parse_musicxml(
        document(
            TIME_34
            + stroke("F", 4, '<instrument id="K"/>')
            + stroke("C", 5, "")
            + stroke("G", 5, "", "x"),
            part_list='<part-name>Kit</part-name><midi-instrument id="K"><midi-channel>10'
            "</midi-channel><midi-program>1</midi-program><midi-unpitched>36</midi-unpitched>"
            '</midi-instrument><midi-instrument id="L"><midi-unpitched>50</midi-unpitched>'
            "</midi-instrument>",
        )
    )
    assert score.parts[0].is_drum
    assert rows(score.parts[0]) == [(0, 480, 35), (480, 480, 38), (960, 480, 42)]


def test_a_bar_longer_than_its_meter_gets_its_own():
    score = parse_musicxml(document(TIME_34 + note("C5", 10), note("C5", 6), note("C5", 6)))
    assert score.meters == (MeterChange(0, Meter(5, 4)), MeterChange(2400, Meter(3, 4)))
    assert score.bar_ticks.tolist() == [0, 2400, 3840, 5280]


def test_timewise_scores_are_read_like_partwise_ones():
    partwise = document(TIME_34 + note("C5", 6), note("D5", 6))
    timewise = (
        partwise.replace(b"score-partwise", b"score-timewise")
        .replace(b'<part id="P1">', b"")
        .replace(b"</part></score", b"</score")
        .replace(b'<measure number="0">', b'<measure number="0"><part id="P1">')
        .replace(b'<measure number="1">', b'<measure number="1"><part id="P1">')
        .replace(b"</measure>", b"</part></measure>")
    )
    assert parse_musicxml(timewise) == parse_musicxml(partwise)


# --- round trip ----------------------------------------------------------------------------------

RHYTHMS = [(480,), (240, 240), (160, 160, 160), (120, 360), (320, 160), (120, 120, 240),
           (80, 80, 80, 240), (240, 80, 80, 80), (960,), (720, 240), (320, 320, 320),
           (480, 480, 480), (1920,), (240, 480, 240), (96,) * 5, (2400,)]  # fmt: skip


PLAIN_RHYTHMS = [rhythm for rhythm in RHYTHMS if all(value % 120 == 0 for value in rhythm)]
METERS = ("4/4", "3/4", "2/2", "5/4")
ODD_METERS = ("6/8", "7/8", "12/8", "3+3+2/8", "5/16")  # their bars cut across the quarters


MODES = st.sampled_from(["major", "minor", "dorian", "mixolydian"])


@st.composite
def voices(draw, low, high, rhythms):
    """A line on the grid, with rests and chords; long notes are tied over bar lines."""
    start, columns = 0, []
    for rhythm in draw(st.lists(st.sampled_from(rhythms), min_size=1, max_size=8)):
        start = -(-start // 480) * 480
        for duration in rhythm:
            if draw(st.integers(0, 5)):
                size = draw(st.integers(1, 3))
                pitches = draw(st.sets(st.integers(low, high), min_size=size, max_size=size))
                velocity = draw(st.integers(1, 127))
                columns += [(start, duration, pitch, velocity) for pitch in pitches]
            start += duration
    return make_notes(*zip(*columns, strict=True)) if columns else make_notes([], [], [])


@st.composite
def scores(draw):
    first = Meter.parse(draw(st.sampled_from(METERS + ODD_METERS)))
    rhythms = RHYTHMS if str(first) in METERS else PLAIN_RHYTHMS
    lines = draw(st.lists(voices(36, 84, rhythms), min_size=1, max_size=3))
    upper, lower = draw(voices(72, 90, rhythms)), draw(voices(50, 70, rhythms))
    both = np.concatenate([upper, lower])
    columns = [both[name] for name in ("onset", "duration", "pitch", "velocity")]
    programs = draw(st.lists(st.sampled_from([0, 40, 42, 48, 73]), min_size=4, max_size=4))
    parts = [
        Part(f"Part {i}", program, notes=notes)
        for i, (notes, program) in enumerate(
            zip([*lines, make_notes(*columns)], programs, strict=False)
        )
    ]
    return Score(
        tuple(parts),
        tempo_map=TempoMap((0, 960), (draw(st.integers(40, 240)) * 1.0, 77.25)),
        meters=(MeterChange(0, first), MeterChange(first.bar_ticks, Meter(3, 4))),
        keys=(KeyChange(0, Key.from_fifths(draw(st.integers(-6, 6)), draw(MODES))),),
        chords=(ChordChange(0, ChordSymbol.parse("D:min7")), ChordChange(240, ChordSymbol.NONE)),
        sections=(SectionMark(0, "A"),),
        title="Round trip",
        length_ticks=first.bar_ticks,
    )


@settings(max_examples=60)
@given(scores())
def test_write_then_read_keeps_quantised_music(score):
    back = parse_musicxml(musicxml_bytes(score))
    assert [rows(part) for part in back.parts] == [rows(part) for part in score.parts]
    for ours, theirs in zip(score.parts, back.parts, strict=True):
        assert np.array_equal(ours.notes["velocity"], theirs.notes["velocity"])
        assert (ours.name, ours.program, ours.is_drum) == (
            theirs.name, theirs.program, theirs.is_drum,
        )  # fmt: skip
    assert back.bar_ticks.tolist() == score.bar_ticks.tolist()
    assert back.meters[0] == score.meters[0]
    assert back.tempo_map.qpm_at(0) == score.tempo_map.qpm_at(0)
    assert (back.keys, back.chords, back.sections) == (score.keys, score.chords, score.sections)
    assert back.title == score.title


def test_drums_survive_the_round_trip():
    kit = make_notes([0, 0, 240, 480, 480, 720, 960], [60] * 7, [36, 42, 42, 38, 42, 46, 49])
    score = Score((Part("Kit", 0, is_drum=True, notes=kit),))
    back = parse_musicxml(musicxml_bytes(score)).parts[0]
    assert back.is_drum
    assert back.notes["onset"].tolist() == kit["onset"].tolist()
    assert back.notes["pitch"].tolist() == kit["pitch"].tolist()


# --- files ---------------------------------------------------------------------------------------


def packed(entries: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return stream.getvalue()


CONTAINER = (
    b'<?xml version="1.0"?><container><rootfiles>'
    b'<rootfile full-path="score.xml"/></rootfiles></container>'
)
PAGE = document(TIME_34 + note("C5", 6))


def test_compressed_and_plain_files_are_read_through_the_worker(tmp_path):
    plain, compressed = tmp_path / "a.musicxml", tmp_path / "a.mxl"
    plain.write_bytes(PAGE)
    compressed.write_bytes(packed({"META-INF/container.xml": CONTAINER, "score.xml": PAGE}))
    expected = parse_musicxml(PAGE)
    assert read_musicxml(plain) == read_score(plain) == expected
    assert read_musicxml(compressed) == read_score(compressed) == expected


def test_utf_16_is_read(tmp_path):
    path = tmp_path / "a.xml"
    path.write_bytes(PAGE.decode().replace("UTF-8", "UTF-16").encode("utf-16"))
    assert read_score(path) == parse_musicxml(PAGE)


LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;">]>'
    b"<score-partwise>&b;</score-partwise>"
)
STEALS = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>'
    b"<score-partwise>&f;</score-partwise>"
)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (LAUGHS, "declares entities"),
        (STEALS, "declares entities"),
        (b"<?xml version='1.0'?><html></html>", "root element <html>"),
        (PAGE[:-30], "not well-formed"),
        (packed({"a.txt": b"nothing"}), "names no score"),
        (packed({"META-INF/container.xml": CONTAINER}), "names no score"),
        (packed({"score.xml": PAGE})[:-40], "damaged"),
        (packed({"score.xml": b" " * (40 << 20)}), "zip bomb"),
        (packed({f"{i}.txt": b"" for i in range(1200)}), "num_entries=1200"),
        (PAGE.replace(b"<divisions>2", b"<divisions>0"), "divisions=0"),
        (PAGE.replace(b"<octave>5", b"<octave>high"), "bad value"),
        (PAGE.replace(b"<duration>6", b"<duration>1/0"), "bad value"),
        (PAGE.replace(b"<duration>6", b"<duration>6e30"), "shorten the piece"),
        (PAGE.replace(b"UTF-8", b"EBCDIC-99"), "cannot be decoded|not well-formed"),
    ],
)
def test_bad_files_give_one_clear_line(data, message):
    with pytest.raises(ReadError, match=message) as caught:
        parse_musicxml(data)
    assert "\n" not in str(caught.value)


def parse_damaged(seed: int, num: int) -> list[str]:
    """Parse many damaged copies; return what went wrong in any other way than ReadError."""
    rng = np.random.default_rng(seed)
    surprises = []
    for index in range(num):
        data = bytearray(PAGE)
        for position in rng.integers(300, len(data), size=rng.integers(1, 4)):
            data[position] = rng.choice(bytearray(b'0123456789<>/"-.eE& Nx'))
        try:
            parse_musicxml(bytes(data))
        except ReadError:
            continue
        except Exception as error:
            surprises.append(f"{index}: {type(error).__name__}: {error}")
    return surprises


@pytest.mark.parametrize("seed", range(3))
def test_damaged_pages_give_a_score_or_a_read_error(seed):
    assert parse_damaged(seed, 300) == []
