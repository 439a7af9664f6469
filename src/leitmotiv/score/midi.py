"""MIDI in and out.

Purpose: a Standard MIDI File becomes a :class:`~leitmotiv.score.score.Score` and back, with
every note, tempo and meter.

Conventions:

- Any resolution is rescaled to 480 ticks a quarter by rounding each onset and each end (half
  up), so nothing drifts; a note keeps at least one tick.
- Every track, channel and program gives one part, in file order; a program change in the middle
  of a track starts another part. Channel 10 holds drums.
- Notes of one pitch that overlap in one part are paired first in, first out.
- What MIDI has no event for stands in text events: ``chord: D:min7``, ``key: D dorian``
  and ``meter: 3+3+2/8`` in the conductor track, ``role: melody`` in a part's track.
- Sections are markers.

Public names: :func:`parse_midi`, :func:`midi_bytes`, :func:`write_midi`.

References: *Standard MIDI Files 1.0* (RP-001), MIDI Manufacturers Association, 1996.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from leitmotiv.errors import LeitmotivError, ReadError, ScoreError
from leitmotiv.score import smf
from leitmotiv.score.atomic import write_bytes_atomically
from leitmotiv.score.general_midi import DRUM_KIT, GM_INSTRUMENTS
from leitmotiv.score.score import (
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
)
from leitmotiv.theory import TICKS_PER_QUARTER, ChordSymbol, Key, Meter, Mode

__all__ = ["MAX_NUM_NOTES", "MAX_TICK", "midi_bytes", "parse_midi", "write_midi"]

MAX_TICK = 1 << 26
"""Longest piece that is read, about 19 hours at 120 quarters a minute."""

MAX_NUM_NOTES = 1_000_000
"""Most notes that are read from one file; the longest symphonies have a tenth of that."""

MICROSECONDS_PER_MINUTE = 60_000_000
CHORD_TEXT, KEY_TEXT, METER_TEXT, ROLE_TEXT = "chord: ", "key: ", "meter: ", "role: "
DRUM_CHANNEL = 9
MELODIC_CHANNELS = tuple(channel for channel in range(16) if channel != DRUM_CHANNEL)
BANK_SELECT = (0, 32)


# --- reading -------------------------------------------------------------------------------


def parse_midi(data: bytes) -> Score:
    """Read the bytes of a MIDI file, format 0 or 1, in this process.

    The parser underneath is native code that has crashed on malformed files: for a file that
    came from elsewhere use :func:`leitmotiv.score.read_midi`, which works in a process apart.

    Returns
    -------
    Score
        Every note is of origin HUMAN. A file without notes gives a Score without parts.

    Raises
    ------
    ReadError
        If the bytes are no MIDI file or break the rules of a Score.

    Examples
    --------
    >>> part = Part("flute", program=73, notes=make_notes([0], [480], [72]))
    >>> parse_midi(midi_bytes(Score((part,)))).parts[0].notes["pitch"].tolist()
    [72]
    """
    offset, midi_format, division = smf.read_header(data)
    import symusic  # here, because it takes a tenth of a second

    try:
        source = symusic.Score.from_midi(data[offset:])
    except Exception as error:  # symusic raises RuntimeError, ValueError and its own
        reason = " ".join(str(error).split()).removesuffix(": iostream error")
        raise ReadError(
            f"the MIDI file is damaged ({reason}); every chunk must be whole: "
            "copy or export the file again"
        ) from error
    heads = smf.read_track_heads(data, offset)
    try:
        return _to_score(source, heads, midi_format, division)
    except ReadError:
        raise
    except LeitmotivError as error:
        raise ReadError(f"the MIDI file holds a bad value: {error}") from error


def _rescale(tick: ArrayLike, division: int) -> NDArray[np.int64]:
    """Round ticks of the file to ticks of the Score, half up, in exact integers."""
    tick = np.asarray(tick, dtype=np.int64)
    if division == TICKS_PER_QUARTER:
        return tick
    return (2 * tick * TICKS_PER_QUARTER + division) // (2 * division)


def _to_score(source: Any, heads: list[smf.TrackHead], midi_format: int, division: int) -> Score:
    num_notes = source.note_num()
    if num_notes > MAX_NUM_NOTES:
        raise ReadError(
            f"num_notes={num_notes} must be at most {MAX_NUM_NOTES}; split the piece into files"
        )
    parts = _read_parts(source, division)
    # In format 1 a first track without channel events is the conductor track.
    has_conductor = midi_format == 1 and bool(heads) and heads[0].end_tick is not None
    conductor = heads[0] if has_conductor else smf.TrackHead()
    titles = (conductor if midi_format == 1 else (heads or [conductor])[0]).texts(smf.TRACK_NAME)
    title = titles[0][1].strip() if titles else ""
    parts = _name_parts(parts, heads[1:] if has_conductor else heads, title, midi_format)

    tempos = {
        int(_rescale(tempo.time, division)): MICROSECONDS_PER_MINUTE / max(tempo.mspq, 1)
        for tempo in source.tempos
    }
    tempos.setdefault(0, 120.0)
    tempo_ticks = sorted(tempos)
    tempo_map = TempoMap(tuple(tempo_ticks), tuple(tempos[tick] for tick in tempo_ticks))
    meters = {
        int(_rescale(change.time, division)): Meter(int(change.numerator), int(change.denominator))
        for change in source.time_signatures
    }
    meters.setdefault(0, Meter(4, 4))
    keys: dict[int, Key] = {}
    for change in source.key_signatures:
        mode = Mode.MINOR if change.tonality == 1 else Mode.MAJOR
        keys[int(_rescale(change.time, division))] = Key.from_fifths(int(change.key), mode)
    labels: dict[int, list[str]] = {}
    for marker in source.markers:
        label = marker.text.strip()
        if label:
            labels.setdefault(int(_rescale(marker.time, division)), []).append(label)
    chords: dict[int, ChordSymbol] = {}
    for tick, text in conductor.texts(smf.TEXT):
        at = int(_rescale(tick, division))
        if text.startswith(CHORD_TEXT):
            chords[at] = ChordSymbol.parse(text.removeprefix(CHORD_TEXT))
        elif text.startswith(KEY_TEXT):
            keys[at] = Key.parse(text.removeprefix(KEY_TEXT))
        elif text.startswith(METER_TEXT):
            meters[at] = Meter.parse(text.removeprefix(METER_TEXT))

    end_tick = max((part.end_tick for part in parts), default=0)
    ticks = [*tempos, *meters, *keys, *labels, *chords, end_tick]
    if min(ticks) < 0 or max(ticks) > MAX_TICK:
        raise ReadError(
            f"tick={max(ticks, key=abs)} must be between 0 and {MAX_TICK} (480 a quarter); "
            "shorten the piece"
        )
    written_end = int(_rescale(conductor.end_tick or 0, division))
    return Score(
        parts=tuple(parts),
        tempo_map=tempo_map,
        meters=tuple(MeterChange(tick, meters[tick]) for tick in sorted(meters)),
        keys=tuple(KeyChange(tick, keys[tick]) for tick in sorted(keys)),
        chords=tuple(ChordChange(tick, chords[tick]) for tick in sorted(chords)),
        sections=tuple(SectionMark(tick, " / ".join(labels[tick])) for tick in sorted(labels)),
        title=title,
        length_ticks=written_end if end_tick <= written_end <= MAX_TICK else 0,
    )


def _read_parts(source: Any, division: int) -> list[Part]:
    parts: list[Part] = []
    waiting: list[NDArray[np.void]] = []  # controls that came before the program change
    waiting_name = ""
    for track in source.tracks:
        controls = _read_controls(track, division)
        columns = track.notes.numpy()
        name = track.name.strip()
        if not len(columns["time"]):
            if len(controls):
                if waiting and waiting_name == name:
                    waiting.append(controls)
                else:
                    waiting, waiting_name = [controls], name
            continue
        if waiting and waiting_name == name:
            controls = np.concatenate([*waiting, controls])
        waiting = []
        onset = np.asarray(columns["time"], dtype=np.int64)
        start = _rescale(onset, division)
        end = _rescale(onset + np.asarray(columns["duration"], dtype=np.int64), division)
        if start.min() < 0 or end.max() > MAX_TICK:
            raise ReadError(f"note ticks must be between 0 and {MAX_TICK}; shorten the piece")
        parts.append(
            Part(
                name=name,
                program=int(track.program) & 0x7F,
                is_drum=bool(track.is_drum),
                notes=make_notes(
                    start,
                    np.maximum(end - start, 1),
                    np.asarray(columns["pitch"], dtype=np.int64) & 0x7F,
                    np.clip(np.asarray(columns["velocity"], dtype=np.int64) & 0x7F, 1, 127),
                ),
                controls=controls,
            )
        )
    return parts


def _read_controls(track: Any, division: int) -> NDArray[np.void]:
    changes, bends = track.controls.numpy(), track.pitch_bends.numpy()
    num_changes = len(changes["time"])
    controls = np.zeros(num_changes + len(bends["time"]), CONTROL_DTYPE)
    controls["tick"] = _rescale(np.concatenate([changes["time"], bends["time"]]), division)
    controls["controller"][:num_changes] = np.asarray(changes["number"]) & 0x7F
    controls["value"][:num_changes] = np.asarray(changes["value"]) & 0x7F
    controls["controller"][num_changes:] = PITCH_BEND
    controls["value"][num_changes:] = np.clip(bends["value"], -8192, 8191)
    if len(controls) and controls["tick"].min() < 0:
        raise ReadError(f"controller ticks must be between 0 and {MAX_TICK}; shorten the piece")
    return controls[np.argsort(controls["tick"], kind="stable")]


def _name_parts(
    parts: list[Part], heads: list[smf.TrackHead], title: str, midi_format: int
) -> list[Part]:
    """Give roles and silent tracks back where each track made one part; name the nameless."""
    sounding = [head for head in heads if head.end_tick is None]
    if midi_format == 1 and len(sounding) == len(parts):
        queue = iter(parts)
        parts = []
        for head in heads:
            role = next(
                (
                    t.removeprefix(ROLE_TEXT)
                    for _, t in head.texts(smf.TEXT)
                    if t.startswith(ROLE_TEXT)
                ),
                None,
            )
            if head.end_tick is None:
                part = next(queue)
                parts.append(replace(part, role=role) if role else part)
            elif role is not None and head.program is not None:
                name = next((text for _, text in head.texts(smf.TRACK_NAME)), "")
                parts.append(Part(name, head.program, head.channel == DRUM_CHANNEL, role))
    named = []
    for part in parts:
        nameless = not part.name or (midi_format == 0 and part.name == title)
        named.append(replace(part, name=_instrument_name(part)) if nameless else part)
    return named


def _instrument_name(part: Part) -> str:
    return DRUM_KIT.name if part.is_drum else GM_INSTRUMENTS[part.program].name


# --- writing -------------------------------------------------------------------------------


def write_midi(score: Score, path: str | os.PathLike[str], *, texts: Sequence[str] = ()) -> None:
    """Write a Score as a format 1 file, whole or not at all.

    Parameters
    ----------
    score : Score
        Any Score; nothing is quantised.
    path : path
        Target; an existing file is replaced.
    texts : sequence of str
        Text events at the head of the conductor track, such as the mark that a machine wrote
        the piece.

    Raises
    ------
    ScoreError
        If a tempo is too slow for MIDI or the file cannot be written.
    """
    write_bytes_atomically(path, midi_bytes(score, texts=texts))


def midi_bytes(score: Score, *, texts: Sequence[str] = ()) -> bytes:
    """Return the bytes that :func:`write_midi` writes."""
    chunks = [_conductor_chunk(score, texts)]
    num_melodic = num_drums = 0
    for part in score.parts:
        if part.is_drum:
            channel, port = DRUM_CHANNEL, num_drums if num_drums else 0
            num_drums += 1
        else:
            port, index = divmod(num_melodic, len(MELODIC_CHANNELS))
            channel = MELODIC_CHANNELS[index]
            num_melodic += 1
        chunks.append(_part_chunk(part, channel, port))
    return smf.join_tracks(chunks, TICKS_PER_QUARTER)


def _conductor_chunk(score: Score, texts: Sequence[str]) -> bytes:
    track = smf.TrackBuilder()
    if score.title:
        track.add_text(0, smf.TRACK_NAME, score.title)
    for text in texts:
        track.add_text(0, smf.TEXT, text)
    for tick, qpm in zip(score.tempo_map.ticks, score.tempo_map.qpm, strict=True):
        microseconds = round(MICROSECONDS_PER_MINUTE / qpm)
        if microseconds > 0xFFFFFF:
            raise ScoreError(
                f"qpm={qpm:g} must be at least 3.58 quarters per minute in a MIDI file; "
                f"check the tempo map at tick {tick}"
            )
        track.add_meta(tick, smf.TEMPO, microseconds.to_bytes(3, "big"))
    for change in score.meters:
        numerator, denominator = change.meter.numerator, change.meter.denominator
        clocks = min(max(change.meter.beat_ticks * 24 // TICKS_PER_QUARTER, 1), 255)
        payload = bytes([numerator, denominator.bit_length() - 1, clocks, 8])
        track.add_meta(change.tick, smf.TIME_SIGNATURE, payload)
        if change.meter.groups:
            track.add_text(change.tick, smf.TEXT, f"{METER_TEXT}{change.meter}")
    for key_change in score.keys:
        fifths, mode = key_change.key.fifths, key_change.key.mode
        payload = bytes([fifths & 0xFF, mode is Mode.MINOR])
        track.add_meta(key_change.tick, smf.KEY_SIGNATURE, payload)
        if mode not in (Mode.MAJOR, Mode.MINOR):
            track.add_text(key_change.tick, smf.TEXT, f"{KEY_TEXT}{key_change.key}")
    for mark in score.sections:
        track.add_text(mark.tick, smf.MARKER, mark.label)
    for chord_change in score.chords:
        track.add_text(chord_change.tick, smf.TEXT, f"{CHORD_TEXT}{chord_change.chord}")
    return track.chunk(score.length_ticks)


def _part_chunk(part: Part, channel: int, port: int) -> bytes:
    track = smf.TrackBuilder()
    track.add_text(0, smf.TRACK_NAME, part.name)
    if part.role:
        track.add_text(0, smf.TEXT, f"{ROLE_TEXT}{part.role}")
    elif not len(part.notes):
        track.add_text(0, smf.TEXT, ROLE_TEXT)
    if port:
        track.add_meta(0, smf.PORT, bytes([port & 0x7F]))
    controls = part.controls.tolist()
    for tick, controller, value in controls:
        if tick == 0 and controller in BANK_SELECT:  # banks take effect at a program change
            track.add(0, track.SET_UP, bytes([0xB0 | channel, controller, value & 0x7F]))
    track.add(0, track.SET_UP, bytes([0xC0 | channel, part.program]))
    for tick, controller, value in controls:
        if controller == PITCH_BEND:
            bend = min(max(value + 8192, 0), 16383)
            track.add(tick, track.CONTROL, bytes([0xE0 | channel, bend & 0x7F, bend >> 7]))
        elif not (tick == 0 and controller in BANK_SELECT):
            track.add(tick, track.CONTROL, bytes([0xB0 | channel, controller, value & 0x7F]))
    note_on, note_off = 0x90 | channel, 0x80 | channel
    for onset, duration, pitch, velocity, _ in part.notes.tolist():
        track.add(onset, track.NOTE_ON, bytes((note_on, pitch, velocity)))
        track.add(onset + duration, track.NOTE_OFF, bytes((note_off, pitch, 64)))
    return track.chunk()
