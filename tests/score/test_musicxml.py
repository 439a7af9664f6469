"""MusicXML out: every bar adds up, and the programs people use read it without complaint."""

from __future__ import annotations

import os
import shutil
import subprocess
import xml.etree.ElementTree as ET
from fractions import Fraction

import numpy as np
import pytest

from leitmotiv.errors import ScoreError
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
    parse_midi,
    write_musicxml,
)
from leitmotiv.theory import ChordSymbol, Key, Meter

TYPE_TICKS = {
    "64th": 30, "32nd": 60, "16th": 120, "eighth": 240, "quarter": 480, "half": 960,
    "whole": 1920, "breve": 3840,
}  # fmt: skip


def melody(durations, pitches=(72, 74, 76, 77, 79), start=0, velocity=80):
    onsets = start + np.concatenate([[0], np.cumsum(durations)[:-1]])
    return make_notes(
        onsets, durations, [pitches[i % len(pitches)] for i in range(len(durations))], velocity
    )


def merged(*notes):
    joined = np.concatenate(notes)
    return make_notes(*(joined[n] for n in ("onset", "duration", "pitch", "velocity")))


@pytest.fixture
def quartet() -> Score:
    """A piece with everything: upbeat, triplets, ties, two voices, drums, changes of all maps."""
    violin = melody([480, 480, 480, 720, 240, 480, 160, 160, 160, 480, 480, 1440], velocity=60)
    loud = melody([360, 120, 240, 240, 480, 320, 320, 320, 480], start=5760, velocity=110)
    two_voices = merged(
        melody([960, 480, 480, 960], (76, 74, 72), start=480),
        melody([480, 960, 480, 480, 480], (60, 62, 64), start=480),
    )
    cello = melody([480, 1440, 1440, 960, 480], (48, 43, 50), start=0)
    cello["velocity"] = np.linspace(40, 100, len(cello)).astype("u1")
    strokes = np.arange(480, 5760, 240)
    drums = merged(
        make_notes(strokes, [60] * len(strokes), [42] * len(strokes)),
        make_notes([480, 1920], [60] * 2, [36] * 2),
        make_notes([960, 2400], [60] * 2, [38] * 2),
    )
    return Score(
        parts=(
            Part("Violin", 40, notes=merged(violin, loud)),
            Part("Viola", 41, notes=two_voices),
            Part("Cello", 42, notes=cello),
            Part("Piano", 0, notes=merged(melody([480] * 9), melody([480] * 9, (40, 47, 52)))),
            Part("Drums", 0, is_drum=True, notes=drums),
            Part("Silent", 73),
        ),
        tempo_map=TempoMap((0, 1000, 1920), (96.0, 92.0, 120.0)),
        meters=(
            MeterChange(0, Meter(3, 4)),
            MeterChange(480, Meter(3, 4)),
            MeterChange(4800, Meter(6, 8)),
            MeterChange(6240, Meter(4, 4)),
        ),
        keys=(KeyChange(0, Key.parse("D minor")), KeyChange(4800, Key.parse("Eb"))),
        chords=tuple(
            ChordChange(tick, ChordSymbol.parse(text))
            for tick, text in (
                (480, "D:min"), (1200, "G:min7/b3"), (1920, "A:7(b9)"), (2640, "N"),
                (3360, "Bb:(3,5,9)"), (4800, "Eb:maj7"), (6240, "F#:hdim7"),
            )
        ),
        sections=(SectionMark(480, "A"), SectionMark(4800, "B")),
        title="Wehmütig & <still>",
    )  # fmt: skip


@pytest.fixture
def page(quartet) -> ET.Element:
    return ET.fromstring(musicxml_bytes(quartet))


def voice_ticks(measure: ET.Element) -> list[int]:
    """Walk a bar; return where each backup starts and where the bar ends."""
    position, ends = 0, []
    for element in measure:
        ticks = int(element.findtext("duration", "0"))
        if (element.tag == "note" and element.find("chord") is None) or element.tag == "forward":
            position += ticks
        elif element.tag == "backup":
            ends.append(position)
            position -= ticks
    return [*ends, position]


def test_every_voice_fills_every_bar(page, quartet):
    lengths = np.diff(quartet.bar_ticks).tolist()
    for part in page.iter("part"):
        measures = part.findall("measure")
        assert len(measures) == quartet.num_bars
        for measure, length in zip(measures, lengths, strict=True):
            assert set(voice_ticks(measure)) == {length}, measure.get("number")


def test_written_values_agree_with_durations(page):
    for note in page.iter("note"):
        kind = note.findtext("type")
        if kind is None:
            assert note.find("rest").get("measure") == "yes"
            continue
        ticks = Fraction(TYPE_TICKS[kind])
        ticks = ticks * (2 - Fraction(1, 2 ** len(note.findall("dot"))))
        change = note.find("time-modification")
        if change is not None:
            ticks *= Fraction(int(change.findtext("normal-notes")))
            ticks /= int(change.findtext("actual-notes"))
        assert ticks == int(note.findtext("duration"))


def test_ties_tuplets_and_beams_open_and_close(page):
    for part in page.iter("part"):
        for kind in ("tied", "tuplet"):
            types = [element.get("type") for element in part.iter(kind)]
            assert types.count("start") == types.count("stop")
        for level in "123":
            beams = [b.text for b in part.iter("beam") if b.get("number") == level]
            assert beams.count("begin") == beams.count("end")
    assert list(page.iter("tuplet"))
    assert list(page.iter("tied"))


def test_the_upbeat_is_bar_0_and_does_not_count(page):
    first, second = page.find("part").findall("measure")[:2]
    assert (first.get("number"), first.get("implicit")) == ("0", "yes")
    assert (second.get("number"), second.get("implicit")) == ("1", None)


def test_marks_stand_once_and_in_the_first_part(page):
    first, *others = page.findall("part")
    assert [mark.text for mark in first.iter("rehearsal")] == ["A", "B"]
    assert [e.text for e in first.iter("per-minute")] == ["96", "120"]  # 92 passes by
    assert [e.get("tempo") for e in first.iter("sound") if e.get("tempo")] == ["96", "92", "120"]
    assert [e.text for e in first.iter("kind")] == [
        "minor", "minor-seventh", "dominant", "major", "major-seventh", "half-diminished",
    ]  # fmt: skip
    assert [words.text for words in first.iter("words")] == ["N.C."]
    assert not any(list(part.iter("harmony")) + list(part.iter("rehearsal")) for part in others)
    dynamics = [[child.tag for child in mark] for mark in first.iter("dynamics")]
    assert dynamics == [["mp"], ["ff"]]
    assert [e.findtext("fifths") for e in first.iter("key")] == ["-1", "-3"]
    assert [e.findtext("beats") for e in first.iter("time")] == ["3", "6", "4"]


def test_instruments_get_their_clefs_and_staves(page):
    signs = [
        [(clef.findtext("sign"), clef.findtext("line")) for clef in part.iter("clef")]
        for part in page.findall("part")
    ]
    assert signs == [
        [("G", "2")], [("C", "3")], [("F", "4")], [("G", "2"), ("F", "4")],
        [("percussion", "2")], [("G", "2")],
    ]  # fmt: skip
    assert page.findall("part")[3].find(".//staves").text == "2"


def test_drums_are_unpitched_with_hands_up_and_feet_down(page):
    drums = page.findall("part")[4]
    assert not list(drums.iter("pitch"))
    voices = {
        (note.findtext("unpitched/display-step"), note.findtext("voice"), note.findtext("stem"))
        for note in drums.iter("note")
        if note.find("unpitched") is not None
    }
    assert voices == {("G", "1", "up"), ("C", "1", "up"), ("F", "2", "down")}
    strokes = [note for note in drums.iter("note") if note.find("unpitched") is not None]
    assert len(strokes) == 22 + 4  # no stroke is written twice by a tie
    assert len({note.find("instrument").get("id") for note in strokes}) == 3


def test_accidentals_follow_the_rules_of_the_bar():
    score = Score(
        (Part("Flute", 73, notes=melody([480] * 8, (73, 73, 72, 73, 72, 73, 85, 73))),),
        keys=(KeyChange(0, Key.parse("C")),),
    )
    page = ET.fromstring(musicxml_bytes(score))
    signs = [note.findtext("accidental") for note in page.iter("note")]
    #        C#5     C#5   C5         C#5      | C5    C#5      C#6      C#5
    assert signs == ["sharp", None, "natural", "sharp", None, "sharp", "sharp", None]


def test_the_identification_says_what_wrote_the_file(quartet):
    data = musicxml_bytes(
        quartet,
        software="Leitmotiv test",
        composer="Nobody",
        notes={"ai-generated": "yes, by Leitmotiv"},
    )
    page = ET.fromstring(data)
    assert page.findtext("identification/encoding/software") == "Leitmotiv test"
    assert page.findtext("identification/creator") == "Nobody"
    mark = page.find("identification/miscellaneous/miscellaneous-field")
    assert (mark.get("name"), mark.text) == ("ai-generated", "yes, by Leitmotiv")
    assert page.findtext("work/work-title") == "Wehmütig & <still>"


def test_the_same_score_gives_the_same_bytes(quartet):
    assert musicxml_bytes(quartet) == musicxml_bytes(quartet)


def test_performed_timing_is_snapped_on_the_page_alone(rng):
    durations = [480, 240, 240, 160, 160, 160, 480] * 4
    exact = melody(durations)
    played = exact.copy()
    played["onset"] = np.maximum(exact["onset"] + rng.integers(-12, 13, len(exact)), 0)
    played["duration"] = (exact["duration"] * rng.uniform(0.8, 1.02, len(exact))).astype(int)
    pages = [
        ET.fromstring(musicxml_bytes(Score((Part("Flute", 73, notes=notes),), length_ticks=7680)))
        for notes in (exact, played)
    ]
    rhythm = [
        [(n.findtext("type"), n.findtext("duration"), n.find("rest") is None)
         for n in page.iter("note")]
        for page in pages
    ]  # fmt: skip
    assert rhythm[0] == rhythm[1]


@pytest.mark.parametrize("score", [Score(), Score((Part("Mute"),), length_ticks=1920 * 3)])
def test_silence_is_a_page_of_rests(score):
    page = ET.fromstring(musicxml_bytes(score))
    rests = [note.find("rest").get("measure") for note in page.iter("note")]
    assert rests == ["yes"] * max(score.num_bars, 1)


def test_an_unwritable_folder_gives_one_line(quartet, tmp_path):
    with pytest.raises(ScoreError, match="could not be written"):
        write_musicxml(quartet, tmp_path / "missing" / "a.musicxml")
    assert list(tmp_path.iterdir()) == []


# --- other programs as judges ------------------------------------------------------------------


def needs(program: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        shutil.which(program) is None, reason=f"{program} is not installed (apt)"
    )


def test_verovio_reads_it_without_a_warning(quartet, capfd):
    verovio = pytest.importorskip("verovio", reason="verovio is not installed (pip)")
    verovio.enableLog(verovio.LOG_WARNING)
    toolkit = verovio.toolkit()
    assert toolkit.loadData(musicxml_bytes(quartet).decode())
    assert toolkit.getLog() == ""
    assert "<svg" in toolkit.renderToSVG(1)
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""


@needs("musicxml2ly")
def test_musicxml2ly_reads_it_without_a_warning(quartet, tmp_path):
    path = tmp_path / "score.musicxml"
    write_musicxml(quartet, path)
    done = subprocess.run(
        ["musicxml2ly", "-o", str(tmp_path / "score.ly"), str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    complaints = [
        line
        for line in done.stderr.splitlines()
        if any(word in line.lower() for word in ("warning", "error", "unprocessed", "negative"))
    ]
    assert complaints == []
    assert (tmp_path / "score.ly").stat().st_size > 0


@needs("lilypond")
@needs("musicxml2ly")
@pytest.mark.slow
def test_lilypond_engraves_it_without_bar_check_failures(quartet, tmp_path):
    path = tmp_path / "score.musicxml"
    write_musicxml(quartet, path)
    subprocess.run(
        ["musicxml2ly", "-o", str(tmp_path / "score.ly"), str(path)],
        capture_output=True,
        check=True,
        timeout=120,
    )
    done = subprocess.run(
        ["lilypond", "--svg", "-o", str(tmp_path / "page"), str(tmp_path / "score.ly")],
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert "barcheck" not in done.stderr.replace(" ", "").lower()


@needs("mscore3")
@pytest.mark.slow
def test_musescore_reads_it_without_a_warning(quartet, tmp_path):
    path, back = tmp_path / "score.musicxml", tmp_path / "back.mid"
    write_musicxml(quartet, path)
    done = subprocess.run(
        ["mscore3", "-o", str(back), str(path)],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    harmless = (
        "convert <", "to <", "success", "XDG_RUNTIME_DIR", "qt.qpa",
        "element already exists",  # two strokes of one drum kit at once: a debug line
    )  # fmt: skip
    complaints = [
        line
        for line in (done.stdout + done.stderr).splitlines()
        if line.strip() and not any(text in line for text in harmless)
    ]
    assert complaints == []
    assert strokes(parse_midi(back.read_bytes())) == strokes(quartet)


def strokes(score: Score) -> list[tuple[int, int, bool]]:
    """What begins when: the part of a score that another program's playback must agree on."""
    return sorted(
        (int(note["onset"]), int(note["pitch"]), part.is_drum)
        for part in score.parts
        for note in part.notes
    )


def test_the_two_hands_of_one_player_share_a_brace_and_keep_a_staff_each() -> None:
    hands = tuple(
        Part(name, 0, False, role, make_notes([0, 480, 960], [480] * 3, pitches))
        for name, role, pitches in (
            ("Piano right hand", "melody", [76, 79, 84]),
            ("Piano left hand", "harmony", [36, 55, 67]),
        )
    )
    root = ET.fromstring(musicxml_bytes(Score(parts=hands)))
    assert [e.text for e in root.iter("group-symbol")] == ["brace"]
    assert not list(root.iter("staves"))
    assert [clef.findtext("sign") for clef in root.iter("clef")][:2] == ["G", "F"]
