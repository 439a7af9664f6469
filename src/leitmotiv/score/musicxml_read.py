"""MusicXML in.

Purpose: a MusicXML file becomes a Score: sounding pitches, merged ties, one meter, tempo, key and
chord map.

Conventions:

- Repeats and endings are not unfolded; grace and cue notes are dropped; ornaments are not played.
- Pitches are sounding pitches: each part's ``transpose`` is applied.
- Velocity is the note's own ``dynamics``, else the dynamic mark in force, else 80.
- A bar shorter than its meter (an upbeat, a bar split by a repeat) is cut short by a meter change
  after it; a longer one gets a meter of its own.

Public names: :func:`parse_musicxml`.

References: *MusicXML 4.0*, W3C Community Group report, 2021.
"""

from __future__ import annotations

import contextlib
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from fractions import Fraction

from leitmotiv.errors import LeitmotivError, ReadError
from leitmotiv.score.general_midi import find_instrument
from leitmotiv.score.midi import MAX_NUM_NOTES, MAX_TICK
from leitmotiv.score.musicxml_chords import NO_CHORD_WORDS, harmony_chord
from leitmotiv.score.musicxml_container import musicxml_root
from leitmotiv.score.musicxml_symbols import DRUM_PLACES, DYNAMIC_VELOCITIES
from leitmotiv.score.score import (
    MAX_QPM,
    MIN_QPM,
    ChordChange,
    KeyChange,
    MeterChange,
    Part,
    Score,
    SectionMark,
    TempoMap,
    make_notes,
)
from leitmotiv.theory import TICKS_PER_QUARTER, ChordSymbol, Key, Meter

__all__ = ["parse_musicxml"]

DEFAULT_VELOCITY = 80
_STEP_PITCH_CLASS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_UNIT_QUARTERS = {
    "maxima": 32.0, "long": 16.0, "breve": 8.0, "whole": 4.0, "half": 2.0, "quarter": 1.0,
    "eighth": 0.5, "16th": 0.25, "32nd": 0.125,
}  # fmt: skip

Position = int | Fraction


@dataclass
class _Note:
    bar: int
    onset: Position  # in the bar
    duration: Position
    pitch: int
    velocity: int
    tied_from: bool
    tied_to: bool


@dataclass
class _PartHead:
    name: str = ""
    program: int | None = None
    channel: int | None = None
    drum_keys: dict[str, int] = field(default_factory=dict)


@dataclass
class _Piece:
    """What the parts share, by (bar, position in the bar); the first part to say it wins."""

    meters: dict[int, Meter] = field(default_factory=dict)
    keys: dict[tuple[int, Position], Key] = field(default_factory=dict)
    tempos: dict[tuple[int, Position], float] = field(default_factory=dict)
    chords: dict[tuple[int, Position], ChordSymbol] = field(default_factory=dict)
    sections: dict[tuple[int, Position], str] = field(default_factory=dict)
    lengths: list[Position] = field(default_factory=list)  # ticks that each bar is filled to
    num_notes: int = 0


def parse_musicxml(data: bytes) -> Score:
    """Read the bytes of a MusicXML file, plain or compressed, in this process.

    For a file that came from elsewhere use :func:`leitmotiv.score.read_musicxml`, which works in
    a process apart and with limits.

    Returns
    -------
    Score
        Every note is of origin HUMAN. A file without notes gives silent parts.

    Raises
    ------
    ReadError
        If the bytes are no MusicXML or hold values that make no sense.

    Examples
    --------
    >>> from leitmotiv.score.musicxml import musicxml_bytes
    >>> part = Part("flute", program=73, notes=make_notes([0, 480], [480, 960], [72, 74]))
    >>> parse_musicxml(musicxml_bytes(Score((part,)))).parts[0].notes["pitch"].tolist()
    [72, 74]
    """
    root = musicxml_root(data)
    try:
        return _to_score(root)
    except ReadError:
        raise
    except (LeitmotivError, ValueError, ZeroDivisionError, OverflowError, KeyError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ReadError(
            f"the MusicXML holds a bad value: {reason}; export the piece again"
        ) from error


def _to_score(root: ET.Element) -> Score:
    heads = {e.get("id", ""): _read_head(e) for e in root.iter("score-part")}
    piece = _Piece()
    readers = []
    for element in root.findall("part"):
        reader = _PartReader(heads.get(element.get("id", ""), _PartHead()), piece)
        reader.read(element)
        readers.append(reader)
    starts, meters = _bars(piece)
    if starts[-1] > MAX_TICK:
        raise ReadError(
            f"tick={starts[-1]} must be at most {MAX_TICK} (480 a quarter); shorten the piece"
        )

    def tick(place: tuple[int, Position]) -> int:
        return starts[place[0]] + _round(place[1])

    tempos = {tick(place): qpm for place, qpm in sorted(piece.tempos.items())}
    tempos.setdefault(0, 120.0)
    tempo_ticks = sorted(tempos)
    sections = {tick(place): label for place, label in sorted(piece.sections.items())}
    keys = {tick(place): key for place, key in sorted(piece.keys.items())}
    chords = {tick(place): chord for place, chord in sorted(piece.chords.items())}
    title = root.findtext("work/work-title") or root.findtext("movement-title") or ""
    return Score(
        parts=tuple(reader.to_part(starts, n) for n, reader in enumerate(readers, start=1)),
        tempo_map=TempoMap(tuple(tempo_ticks), tuple(tempos[t] for t in tempo_ticks)),
        meters=tuple(meters),
        keys=tuple(KeyChange(t, keys[t]) for t in sorted(keys)),
        chords=tuple(ChordChange(t, chords[t]) for t in sorted(chords)),
        sections=tuple(SectionMark(t, sections[t]) for t in sorted(sections)),
        title=" ".join(title.split()),
        length_ticks=starts[-1],
    )


def _round(position: Position) -> int:
    if isinstance(position, int):
        return position
    return int((2 * position.numerator + position.denominator) // (2 * position.denominator))


def _bars(piece: _Piece) -> tuple[list[int], list[MeterChange]]:
    """Return the start of every bar with the end of the last, and the meter map."""
    starts = [0]
    changes: list[MeterChange] = []
    named = Meter(4, 4)
    current: Meter | None = None
    in_step = True  # whether the bar before filled its meter
    for bar, filled in enumerate(piece.lengths):
        named = piece.meters.get(bar, named)
        length = _round(filled) or named.bar_ticks
        meter = named
        if length > named.bar_ticks:
            meter = _meter_of_length(length) or named
        if meter != current or not in_step:
            changes.append(MeterChange(starts[-1], meter))
        current, in_step = meter, length == meter.bar_ticks
        starts.append(starts[-1] + length)
    return starts, changes or [MeterChange(0, named)]


def _meter_of_length(ticks: int) -> Meter | None:
    """Return the simplest meter whose bar lasts so long."""
    for denominator in (4, 8, 16, 32, 64):
        numerator, rest = divmod(ticks * denominator, 4 * TICKS_PER_QUARTER)
        if rest == 0 and 1 <= numerator <= 64:
            return Meter(numerator, denominator)
    return None


# --- header ----------------------------------------------------------------------------------


def _text(element: ET.Element, path: str) -> str:
    return (element.findtext(path) or "").strip()


def _number(text: str) -> Fraction:
    return Fraction(text.strip())


def _read_head(element: ET.Element) -> _PartHead:
    head = _PartHead(name=" ".join(_text(element, "part-name").split()))
    if not head.name:
        head.name = _text(element, "score-instrument/instrument-name")
    for midi in element.findall("midi-instrument"):
        program, channel = _text(midi, "midi-program"), _text(midi, "midi-channel")
        if program.isdigit() and head.program is None:
            head.program = min(max(int(program) - 1, 0), 127)
        if channel.isdigit() and head.channel is None:
            head.channel = int(channel) - 1
        unpitched = _text(midi, "midi-unpitched")
        if unpitched.isdigit():
            head.drum_keys[midi.get("id", "")] = min(max(int(unpitched) - 1, 0), 127)
    return head


# --- parts -----------------------------------------------------------------------------------


class _PartReader:
    """Reads the bars of one part into notes that know their bar and place in it."""

    def __init__(self, head: _PartHead, piece: _Piece) -> None:
        self.head, self.piece = head, piece
        self.notes: list[_Note] = []
        self.num_unpitched = 0
        self._ticks_per_division = Fraction(TICKS_PER_QUARTER)
        self._transpose: dict[str, int] = {}  # staff number, or "" for all
        self._velocity: dict[str, int] = {}
        self._bar = 0
        self._position: Position = 0
        self._chord_onset: Position = 0

    def read(self, element: ET.Element) -> None:
        """Read every bar."""
        for bar, measure in enumerate(element.findall("measure")):
            self._bar, self._position, self._chord_onset = bar, 0, 0
            filled: Position = 0
            for child in measure:
                self._read_child(child)
                filled = max(filled, self._position)
            if bar == len(self.piece.lengths):
                self.piece.lengths.append(filled)
            else:
                self.piece.lengths[bar] = max(self.piece.lengths[bar], filled)

    def _read_child(self, child: ET.Element) -> None:
        if child.tag == "note":
            self._read_note(child)
        elif child.tag == "backup":
            self._position = max(self._position - self._ticks(child, "duration"), 0)
        elif child.tag == "forward":
            self._position += self._ticks(child, "duration")
        elif child.tag == "attributes":
            self._read_attributes(child)
        elif child.tag == "direction":
            self._read_direction(child)
        elif child.tag == "sound":
            self._read_sound(child, self._place(child))
        elif child.tag == "harmony":
            chord = harmony_chord(child)
            if chord is not None:
                self.piece.chords.setdefault(self._place(child), chord)

    def _ticks(self, element: ET.Element, path: str) -> Position:
        text = _text(element, path)
        ticks = _number(text) * self._ticks_per_division if text else Fraction(0)
        return ticks.numerator if ticks.denominator == 1 else ticks

    def _place(self, element: ET.Element) -> tuple[int, Position]:
        return self._bar, max(self._position + self._ticks(element, "offset"), 0)

    def _read_attributes(self, attributes: ET.Element) -> None:
        divisions = _text(attributes, "divisions")
        if divisions:
            value = _number(divisions)
            if value <= 0:
                raise ReadError(f"divisions={divisions} must be positive; export the piece again")
            self._ticks_per_division = TICKS_PER_QUARTER / value
        key = attributes.find("key")
        if key is not None and _text(key, "fifths"):
            # Our own writer keeps a church mode in the id, "dorian-P1-1".
            mode = _text(key, "mode").lower() or key.get("id", "").partition("-")[0] or "major"
            fifths = min(max(int(_number(_text(key, "fifths"))), -7), 7)
            try:
                named = Key.from_fifths(fifths, mode)
            except LeitmotivError:  # "none" and the church modes we do not have
                named = Key.from_fifths(fifths)
            # Transposing instruments write another key: the sounding one counts.
            if not self._transposes(attributes):
                self.piece.keys.setdefault((self._bar, self._position), named)
        time = attributes.find("time")
        if time is not None and time.find("beats") is not None:
            meter = _read_meter(time)
            if meter is not None:
                self.piece.meters.setdefault(self._bar, meter)
        for transpose in attributes.findall("transpose"):
            chromatic = int(_number(_text(transpose, "chromatic") or "0"))
            octaves = int(_number(_text(transpose, "octave-change") or "0"))
            self._transpose[transpose.get("number", "")] = chromatic + 12 * octaves

    def _transposes(self, attributes: ET.Element) -> bool:
        coming = [_text(t, "chromatic") or "0" for t in attributes.findall("transpose")]
        values = [int(_number(text)) for text in coming] or list(self._transpose.values())
        return any(value % 12 for value in values)

    def _read_direction(self, direction: ET.Element) -> None:
        place = self._place(direction)
        staff = _text(direction, "staff")
        for kind in direction.findall("direction-type"):
            for dynamics in kind.findall("dynamics"):
                for mark in dynamics:
                    if mark.tag in DYNAMIC_VELOCITIES:
                        self._velocity[staff] = DYNAMIC_VELOCITIES[mark.tag]
            for rehearsal in kind.findall("rehearsal"):
                label = " ".join((rehearsal.text or "").split())
                if label:
                    self.piece.sections.setdefault(place, label)
            for words in kind.findall("words"):
                if (words.text or "").strip() == NO_CHORD_WORDS:
                    self.piece.chords.setdefault(place, ChordSymbol.NONE)
        sound = direction.find("sound")
        if sound is not None:
            self._read_sound(sound, place)
        for metronome in direction.iter("metronome"):
            qpm = _metronome_qpm(metronome)
            if qpm is not None:
                self.piece.tempos.setdefault(place, qpm)

    def _read_sound(self, sound: ET.Element, place: tuple[int, Position]) -> None:
        tempo = sound.get("tempo")
        if tempo:
            with contextlib.suppress(ValueError):
                qpm = float(tempo)
                if MIN_QPM <= qpm <= MAX_QPM:
                    self.piece.tempos.setdefault(place, qpm)

    def _read_note(self, note: ET.Element) -> None:
        if note.find("grace") is not None:
            return
        duration = self._ticks(note, "duration")
        is_chord = note.find("chord") is not None
        onset = self._chord_onset if is_chord else self._position
        if not is_chord:
            self._chord_onset = self._position
            self._position += duration
        if note.find("rest") is not None or note.find("cue") is not None or duration <= 0:
            return
        pitch = self._pitch(note)
        if pitch is None or not 0 <= pitch <= 127:
            return
        ties = {t.get("type") for t in note.findall("tie")}
        ties |= {t.get("type") for t in note.findall("notations/tied")}
        self.piece.num_notes += 1
        if self.piece.num_notes > MAX_NUM_NOTES:
            raise ReadError(
                f"num_notes must be at most {MAX_NUM_NOTES}; split the piece into files"
            )
        self.notes.append(
            _Note(
                self._bar,
                onset,
                duration,
                pitch,
                self._note_velocity(note),
                "stop" in ties,
                "start" in ties,
            )
        )

    def _pitch(self, note: ET.Element) -> int | None:
        pitch = note.find("pitch")
        if pitch is not None:
            step, octave = _text(pitch, "step"), int(_number(_text(pitch, "octave")))
            alter = float(_text(pitch, "alter") or 0)  # quarter tones are rounded
            staff = _text(note, "staff")
            shift = self._transpose.get(staff, self._transpose.get("", 0))
            return 12 * (octave + 1) + _STEP_PITCH_CLASS[step] + round(alter) + shift
        unpitched = note.find("unpitched")
        if unpitched is None:
            return None
        self.num_unpitched += 1
        instrument = note.find("instrument")
        identifier = "" if instrument is None else instrument.get("id", "")
        keys = self.head.drum_keys
        if identifier in keys:
            return keys[identifier]
        if len(keys) == 1:
            return next(iter(keys.values()))
        return _drum_key(unpitched, _text(note, "notehead"))

    def _note_velocity(self, note: ET.Element) -> int:
        own = note.get("dynamics")
        if own:
            with contextlib.suppress(ValueError, OverflowError):
                return min(max(round(float(own) * 0.9), 1), 127)
        staff = _text(note, "staff")
        marked = self._velocity.get(staff, self._velocity.get("", self._velocity.get("1")))
        return DEFAULT_VELOCITY if marked is None else marked

    def to_part(self, starts: list[int], number: int) -> Part:
        """Join tied notes and return the part."""
        onsets: list[int] = []
        ends: list[int] = []
        pitches: list[int] = []
        velocities: list[int] = []
        waiting: dict[tuple[int, int], list[int]] = {}  # (pitch, end) -> notes tied onwards
        timed = [(starts[n.bar] + _round(n.onset), n) for n in self.notes]
        timed.sort(key=lambda pair: pair[0])
        for onset, note in timed:
            end = starts[note.bar] + _round(note.onset + note.duration)
            held = waiting.get((note.pitch, onset)) if note.tied_from else None
            if held:
                index = held.pop()
                ends[index] = max(end, ends[index])
            else:
                index = len(onsets)
                onsets.append(onset)
                ends.append(max(end, onset + 1))
                pitches.append(note.pitch)
                velocities.append(note.velocity)
            if note.tied_to:
                waiting.setdefault((note.pitch, end), []).append(index)
        is_drum = self.head.channel == 9 or self.num_unpitched > len(self.notes) // 2
        program = self.head.program
        if program is None:
            instrument = find_instrument(self.head.name) if self.head.name else None
            program = 0 if instrument is None else instrument.program
        durations = [end - onset for onset, end in zip(onsets, ends, strict=True)]
        return Part(
            name=self.head.name or f"Part {number}",
            program=program,
            is_drum=is_drum,
            notes=make_notes(onsets, durations, pitches, velocities),
        )


def _read_meter(time: ET.Element) -> Meter | None:
    """Return the meter of a ``time`` element; several fractions are added up."""
    pairs = zip(time.findall("beats"), time.findall("beat-type"), strict=False)
    texts = [((b.text or "").strip(), (t.text or "").strip()) for b, t in pairs]
    with contextlib.suppress(LeitmotivError, ValueError):
        if len(texts) == 1:
            return Meter.parse(f"{texts[0][0]}/{texts[0][1]}")
        meters = [Meter.parse(f"{beats}/{kind}") for beats, kind in texts]
        return _meter_of_length(sum(meter.bar_ticks for meter in meters))
    return None


def _metronome_qpm(metronome: ET.Element) -> float | None:
    unit = _UNIT_QUARTERS.get(_text(metronome, "beat-unit"))
    per_minute = _text(metronome, "per-minute")
    digits = "".join(char if char.isdigit() or char == "." else " " for char in per_minute).split()
    if unit is None or not digits:
        return None
    with contextlib.suppress(ValueError):
        dots = len(metronome.findall("beat-unit-dot"))
        qpm = float(digits[0]) * unit * (2 - 0.5**dots)
        return qpm if MIN_QPM <= qpm <= MAX_QPM else None
    return None


def _drum_key(unpitched: ET.Element, notehead: str) -> int:
    """Guess the drum from its place on the staff."""
    step, octave = _text(unpitched, "display-step"), _text(unpitched, "display-octave")
    is_cross = notehead not in ("", "normal")
    candidates = [
        key
        for key in (36, 38, 42, 49, 51, 44, 46, 41, 43, 45, 48, 50, 37)
        if DRUM_PLACES[key][0] == step and str(DRUM_PLACES[key][1]) == octave
    ]
    matching = [key for key in candidates if (DRUM_PLACES[key][2] != "normal") == is_cross]
    return (matching or candidates or [38])[0]
