"""Hand-made MIDI files for the tests: every byte is chosen here, none by the code under test."""

from __future__ import annotations

import struct


def vlq(value: int) -> bytes:
    """Variable-length quantity."""
    groups = [value & 0x7F]
    while value := value >> 7:
        groups.append(0x80 | value & 0x7F)
    return bytes(reversed(groups))


def track(*events: tuple[int, bytes]) -> bytes:
    """One MTrk chunk from (delta, bytes) pairs; the end of track is added."""
    body = b"".join(vlq(delta) + data for delta, data in events) + b"\x00\xff\x2f\x00"
    return b"MTrk" + struct.pack(">I", len(body)) + body


def midi_file(midi_format: int, division: int, *tracks: bytes) -> bytes:
    """A whole file."""
    return struct.pack(">4sIHHH", b"MThd", 6, midi_format, len(tracks), division) + b"".join(tracks)


def meta(kind: int, payload: bytes) -> bytes:
    """A meta event."""
    return b"\xff" + bytes([kind]) + vlq(len(payload)) + payload


def tempo(microseconds: int) -> bytes:
    """A tempo event, microseconds a quarter."""
    return meta(0x51, microseconds.to_bytes(3, "big"))


def time_signature(numerator: int, denominator_power: int) -> bytes:
    """A time signature; the denominator is a power of two."""
    return meta(0x58, bytes([numerator, denominator_power, 24, 8]))
