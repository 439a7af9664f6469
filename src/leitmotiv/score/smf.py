"""Bytes of the Standard MIDI File.

Purpose: what symusic does not do: write any meta event, and read the meta events at the head of
each track (titles, roles, chord symbols) with the end of the conductor track.

Conventions: times are ticks of the file's own division. Text is UTF-8; other bytes become U+FFFD.

Public names: :class:`TrackBuilder`, :class:`TrackHead`, :func:`join_tracks`,
:func:`read_header`, :func:`read_track_heads`, :func:`variable_length`.

References: *Standard MIDI Files 1.0* (RP-001), MIDI Manufacturers Association, 1996.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from functools import lru_cache

from leitmotiv.errors import ReadError

__all__ = [
    "COPYRIGHT",
    "END_OF_TRACK",
    "INSTRUMENT_NAME",
    "KEY_SIGNATURE",
    "MARKER",
    "PORT",
    "TEMPO",
    "TEXT",
    "TIME_SIGNATURE",
    "TRACK_NAME",
    "TrackBuilder",
    "TrackHead",
    "join_tracks",
    "read_header",
    "read_track_heads",
    "variable_length",
]

TEXT, COPYRIGHT, TRACK_NAME, INSTRUMENT_NAME, MARKER = 0x01, 0x02, 0x03, 0x04, 0x06
PORT, END_OF_TRACK, TEMPO, TIME_SIGNATURE, KEY_SIGNATURE = 0x21, 0x2F, 0x51, 0x58, 0x59

MAX_VARIABLE_LENGTH = 0x0FFFFFFF


@lru_cache(maxsize=4096)
def variable_length(value: int) -> bytes:
    """Encode a number as a variable-length quantity.

    >>> variable_length(0x4000).hex()
    '818000'
    """
    if not 0 <= value <= MAX_VARIABLE_LENGTH:
        raise ValueError(f"value={value} must be 0-{MAX_VARIABLE_LENGTH}")
    groups = [value & 0x7F]
    value >>= 7
    while value:
        groups.append(0x80 | (value & 0x7F))
        value >>= 7
    return bytes(reversed(groups))


class TrackBuilder:
    """Collects events in any order and writes one ``MTrk`` chunk.

    Events at one tick keep the order of ``rank`` (0 meta, 1 set-up, 2 note-off, 3 controller,
    4 note-on), then the order in which they were added.
    """

    META, SET_UP, NOTE_OFF, CONTROL, NOTE_ON = range(5)

    def __init__(self) -> None:
        self._events: list[tuple[int, int, int, bytes]] = []

    def add(self, tick: int, rank: int, data: bytes) -> None:
        """Add raw event bytes, status byte included."""
        self._events.append((tick, rank, len(self._events), data))

    def add_meta(self, tick: int, kind: int, payload: bytes) -> None:
        """Add a meta event."""
        self.add(tick, self.META, b"\xff" + bytes([kind]) + variable_length(len(payload)) + payload)

    def add_text(self, tick: int, kind: int, text: str) -> None:
        """Add a meta event that holds UTF-8 text."""
        self.add_meta(tick, kind, text.encode("utf-8", "replace"))

    def chunk(self, end_tick: int = 0) -> bytes:
        """Return the chunk; its end-of-track stands at ``end_tick`` or the last event."""
        self._events.sort()
        pieces: list[bytes] = []
        now = 0
        for tick, _, _, data in self._events:
            pieces.append(variable_length(tick - now))
            pieces.append(data)
            now = tick
        pieces.append(variable_length(max(end_tick - now, 0)) + b"\xff\x2f\x00")
        body = b"".join(pieces)
        return b"MTrk" + struct.pack(">I", len(body)) + body


def join_tracks(chunks: list[bytes], ticks_per_quarter: int) -> bytes:
    """Put a format 1 header before track chunks."""
    return struct.pack(">4sIHHH", b"MThd", 6, 1, len(chunks), ticks_per_quarter) + b"".join(chunks)


def read_header(data: bytes) -> tuple[int, int, int]:
    """Return ``(offset, format, division)`` of the file; the offset skips a RIFF wrapper.

    Raises
    ------
    ReadError
        If the bytes are not a MIDI file that has ticks per quarter.
    """
    offset = data.find(b"MThd", 0, 64) if data[:4] == b"RIFF" else 0
    if not data:
        raise ReadError("the file is empty; a MIDI file must begin with 'MThd'")
    if offset < 0 or data[offset : offset + 4] != b"MThd":
        raise ReadError(
            f"the file begins with {data[:4]!r}; a MIDI file must begin with 'MThd': "
            "export it again as Standard MIDI File"
        )
    if len(data) < offset + 14:
        raise ReadError("the MIDI header is cut short; it must hold 14 bytes: copy the file again")
    midi_format, _, division = struct.unpack_from(">HHH", data, offset + 8)
    if midi_format not in (0, 1):
        raise ReadError(
            f"format={midi_format} of the MIDI file must be 0 or 1; export it again as format 1"
        )
    if division & 0x8000 or division == 0:
        raise ReadError(
            f"division=0x{division:04x} must be 1-32767 ticks per quarter; "
            "export the MIDI file again with ticks per quarter, not SMPTE frames"
        )
    return offset, midi_format, division


@dataclass
class TrackHead:
    """What stands in a track before its first note or controller.

    ``metas`` holds ``(tick, kind, payload)``; ``end_tick`` is known (not None) when the track
    holds nothing but meta events and program changes.
    """

    metas: list[tuple[int, int, bytes]] = field(default_factory=list)
    program: int | None = None
    channel: int | None = None
    end_tick: int | None = None

    def texts(self, kind: int) -> list[tuple[int, str]]:
        """Return ``(tick, text)`` of every meta event of one kind."""
        return [
            (tick, data.decode("utf-8", "replace")) for tick, k, data in self.metas if k == kind
        ]


def read_track_heads(data: bytes, offset: int = 0) -> list[TrackHead]:
    """Read the head of every track chunk.

    Raises
    ------
    ReadError
        If a chunk or an event runs past the end of the file.
    """
    try:
        return _read_track_heads(data, offset)
    except (IndexError, struct.error) as error:
        raise ReadError(
            "the MIDI file ends inside a track; every chunk must be whole: copy the file again"
        ) from error


def _read_track_heads(data: bytes, offset: int) -> list[TrackHead]:
    heads: list[TrackHead] = []
    position = offset + 8 + int(struct.unpack_from(">I", data, offset + 4)[0])
    while position + 8 <= len(data):
        kind, size = struct.unpack_from(">4sI", data, position)
        if kind == b"MTrk":
            heads.append(_read_track_head(data[position + 8 : position + 8 + size]))
        position += 8 + size
    return heads


def _read_track_head(body: bytes) -> TrackHead:
    head = TrackHead()
    position = tick = status = 0

    def number() -> int:
        nonlocal position
        value = 0
        while True:
            byte = body[position]
            position += 1
            value = (value << 7) | (byte & 0x7F)
            if not byte & 0x80:
                return value

    while position < len(body):
        tick += number()
        if body[position] & 0x80:
            status = body[position]
            position += 1
        if status == 0xFF:
            kind = body[position]
            position += 1
            size = number()
            if kind == END_OF_TRACK:
                head.end_tick = tick
                break
            head.metas.append((tick, kind, body[position : position + size]))
            position += size
        elif status in (0xF0, 0xF7):
            position += number()
        elif status & 0xF0 == 0xC0:
            head.program, head.channel = body[position] & 0x7F, status & 0x0F
            position += 1
        else:
            break
    else:
        head.end_tick = tick
    return head
